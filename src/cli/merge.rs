//! `testbed merge`: parts of one run, put together.

use std::path::PathBuf;

use clap::Args;

use super::filing::{held, now, say_refuted, words_at_end};
use super::output::{Failure, print};
use crate::report::{self, Merged, Mode};
use crate::units::plural;

/// Put together the parts of a run that `run --shard` made
///
/// The result has the same bytes as one run of all trials, in whatever order the parts are named; the parts stay
/// as they are. Exits with 1 if trials are missing: what is there is in the folder, and `testbed run FILE --resume
/// --out DIR` makes the rest.
#[derive(Debug, Args)]
pub struct Merge {
    /// Result folders of the parts
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Result folder of the whole
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace whatever results are there
    #[arg(long)]
    force: bool,
    /// Leave the pictures out
    #[arg(long)]
    no_plots: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

impl Merge {
    /// Merges, and says what came out.
    pub fn execute(self) -> Result<(), Failure> {
        let here = |dir: &PathBuf| dir.canonicalize().ok();
        if here(&self.out).is_some_and(|out| self.dirs.iter().filter_map(here).any(|dir| dir == out)) {
            return Err(Failure::usage(
                format!("{} is one of the parts", self.out.display()),
                "give a folder of its own with --out DIR",
            ));
        }
        super::run::stop_on_interrupt("interrupted: the parts are as they were; merge again with --force")?;
        let mode = if self.force { Mode::Force } else { Mode::Fresh };
        let Merged { manifest, finished, missing, torn } = report::merge(&self.dirs, &self.out, mode)?;
        for what in torn {
            eprintln!("warning: {what}");
        }
        let report = report::finish(&self.out, &now(), !self.no_plots && missing.is_none())?;
        let study = &manifest.study;
        if self.quiet {
            say_refuted(&report);
        } else {
            let trials = plural(finished as u64, "trial");
            print(&words_at_end(&study.title, &report, &trials, &self.out, &study.overrides))?;
        }
        match missing {
            None => held(report.findings.refuted(), report.findings.claims.len()),
            Some((cell, trial)) => {
                let planned = study.cells() * study.trials as usize;
                let cell = study.cell_name(cell);
                Err(Failure::other(
                    format!(
                        "{} of {planned} trials are missing, cell {cell}, trial {trial} first",
                        planned - finished
                    ),
                    format!(
                        "merge with the part that has them, or go on with `{} --resume --out {}`",
                        manifest.command,
                        self.out.display()
                    ),
                ))
            }
        }
    }
}
