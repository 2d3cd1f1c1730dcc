//! `testbed verify`: whether result folders are what their runs give.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use serde::Serialize;

use super::filing::{Filing, own_program};
use super::output::{Failure, beside, load, one_line, print, processors};
use super::progress::Progress;
use super::shard::every_trial;
use super::study::study as study_of;
use super::{memory, run};
use crate::report::version::Program;
use crate::report::{self, Comparison, Manifest, ResultFolder};
use crate::rng::Seed;
use crate::runner::{self, Ending};
use crate::scenario::{Plan, Scenario};
use crate::units::{Bytes, plural};

/// Run result folders again and say whether they are what their runs give
///
/// Every trial of a folder is run again from the scenario, seed and changes in its manifest, and all tables,
/// series, histograms, pictures and the page are compared, but for the wall time of trials. Nothing is written
/// into the folder. Exits with 99 if a folder differs, and with 1 if one cannot be judged.
#[derive(Debug, Args)]
pub struct Verify {
    /// Result folders
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Run only a tenth of the trials again, at least three, chosen by chance, and compare their rows and files; the
    /// summary is computed anew from all of the folder's rows
    #[arg(long)]
    quick: bool,
    /// Scenario file that the folders must be of, word for word
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Seed of the choice of --quick
    #[arg(long, value_name = "N", requires = "quick")]
    seed: Option<u64>,
    /// Threads; all processors if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Memory that a trial may take; a quarter of the machine's shared by all threads, at most 2GiB each, if not given
    #[arg(long, value_name = "SIZE")]
    memory: Option<Bytes>,
    /// Print the verdicts as JSON
    #[arg(long)]
    json: bool,
    /// Print only folders that differ or cannot be judged
    #[arg(short, long)]
    quiet: bool,
}

/// Verdict about a folder.
#[derive(Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
enum Verdict {
    /// It is what its run gives.
    Same {
        #[serde(flatten)]
        trials: Trials,
        missing: Vec<String>,
    },
    /// It is not.
    Different {
        #[serde(flatten)]
        trials: Trials,
        #[serde(flatten)]
        comparison: Comparison,
    },
    /// Nobody can tell.
    Unknown { reason: String },
}

/// Numbers of trials.
#[derive(Debug, Serialize)]
struct Trials {
    /// Those that were run again.
    again: usize,
    /// Those that the folder has.
    finished: usize,
    /// Those that its scenario has.
    planned: usize,
}

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    folder: &'a Path,
    /// Changes by `--set`, of which a seed of one's own is one.
    sets: Vec<String>,
    #[serde(flatten)]
    verdict: Verdict,
}

impl Verify {
    /// Judges all folders, one after the other.
    pub fn execute(self) -> Result<(), Failure> {
        let expected = self.scenario.as_deref().map(|file| load(file, &[])).transpose()?;
        let expected = expected.map(|(_, text)| text);
        let program = own_program()?;
        let stop = run::stop_on_interrupt("interrupted")?;
        let chance = self.seed.unwrap_or_else(|| RandomState::new().hash_one(()) >> 32);
        let (mut lines, mut different, mut unknown) = (Vec::new(), 0, 0);
        for dir in &self.dirs {
            let manifest = Manifest::read(dir)?;
            let verdict = match &expected {
                Some(text) if *text != manifest.study.scenario => Verdict::of_another(text, &manifest),
                _ => self.judge(dir, &manifest, program.as_ref(), chance, &stop)?,
            };
            different += usize::from(matches!(verdict, Verdict::Different { .. }));
            unknown += usize::from(matches!(verdict, Verdict::Unknown { .. }));
            let sets = manifest.study.overrides.clone();
            let line = Line { folder: dir, sets, verdict };
            if self.json {
                lines.push(line);
            } else if !(self.quiet && matches!(line.verdict, Verdict::Same { .. })) {
                print(&line.in_words())?;
            }
        }
        if self.json {
            let text = serde_json::to_string_pretty(&serde_json::json!({ "schema": 1, "folders": lines }));
            print(&format!("{}\n", text.expect("verdicts are JSON")))?;
        }
        let of = plural(self.dirs.len() as u64, "folder");
        match (different, unknown) {
            (0, 0) => Ok(()),
            (0, _) => Err(Failure::other(format!("unknown: {unknown} of {of}"), "")),
            _ => Err(Failure::Refuted(format!("different: {different} of {of}"))),
        }
    }

    fn judge(
        &self,
        dir: &Path,
        manifest: &Manifest,
        program: Option<&Program>,
        chance: u64,
        stop: &AtomicBool,
    ) -> Result<Verdict, Failure> {
        if let Some(reason) = manifest.unrepeatable(program) {
            return Ok(Verdict::Unknown { reason });
        }
        let study = &manifest.study;
        let plan = match self.plan(manifest) {
            Ok(plan) => plan,
            Err(reason) => return Ok(Verdict::Unknown { reason }),
        };
        if *study != study_of(&plan, study.scenario.clone(), study.overrides.clone()) {
            let reason = "its manifest contradicts its own scenario".to_owned();
            return Ok(Verdict::Unknown { reason });
        }
        let all = report::trials(dir)?;
        let chosen = if self.quick { sample(&all, chance) } else { all.clone() };
        let of_plan = |trial: &(usize, u32)| trial.0 < plan.cells() && trial.1 < plan.trials();
        if !all.iter().all(of_plan) {
            let reason = "its trials.csv has trials that its scenario does not have".to_owned();
            return Ok(Verdict::Unknown { reason });
        }
        let again = tempfile::Builder::new().prefix("testbed-verify-").tempdir();
        let again = again.map_err(|error| {
            Failure::other(
                format!("cannot make a temporary folder: {error}"),
                "set TMPDIR to one that can be written",
            )
        })?;
        self.run_again(&plan, manifest, &chosen, again.path(), stop)?;
        let comparison = if self.quick {
            report::compare_some(dir, manifest, again.path(), &chosen)?
        } else {
            let pictures = manifest.sha256.keys().any(|name| name.starts_with("plots/"));
            report::finish(again.path(), manifest.finished.as_deref().unwrap_or_default(), pictures)?;
            report::compare_all(dir, study, again.path())?
        };
        let planned = every_trial(&plan).count();
        let trials = Trials { again: chosen.len(), finished: all.len(), planned };
        Ok(match comparison {
            Comparison { files: 0, missing, .. } => Verdict::Same { trials, missing },
            comparison => Verdict::Different { trials, comparison },
        })
    }

    /// The plan of a run, from its manifest alone but for the files that its scenario names.
    fn plan(&self, manifest: &Manifest) -> Result<Plan, String> {
        let study = &manifest.study;
        let file = self.scenario.clone().unwrap_or_else(|| PathBuf::from(&manifest.file));
        let name = format!("{}.toml", study.name);
        let plan =
            Plan::parse_with(&name, &study.scenario, &study.overrides, &mut |named| beside(&file, named));
        let plan = plan.map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches([' ', '\u{d7}']);
            format!(
                "its scenario cannot be read: {first} (--scenario FILE says where files that it names lie)"
            )
        })?;
        let other = plan
            .files()
            .iter()
            .find(|(name, file)| study.files.get(*name).is_none_or(|then| then.sha256 != file.sha256));
        match other {
            Some((name, _)) => Err(format!("{name}, which its scenario reads, is another file here")),
            None => Ok(plan),
        }
    }

    fn run_again(
        &self,
        plan: &Plan,
        manifest: &Manifest,
        trials: &BTreeSet<(usize, u32)>,
        dir: &Path,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        let mut folder = ResultFolder::again(dir, manifest)?;
        let bar = Progress::new(plan.name(), trials.len() as u64, 0, "trials", self.quiet || self.json);
        let jobs = self.jobs.map_or_else(processors, usize::from);
        let memory = self.memory.unwrap_or_else(|| memory::share(jobs));
        let others = every_trial(plan).filter(|trial| !trials.contains(trial)).collect();
        let execute = move |scenario: &Arc<Scenario>, trial, go_on: &mut dyn FnMut() -> bool| {
            runner::in_virtual_time(scenario, trial, memory.0, go_on)
        };
        let filing = Filing { folder: &mut folder, bar: &bar };
        let ending = runner::run(plan, &others, jobs, &execute, stop, filing);
        bar.finish();
        match ending {
            Ok(Ending::Complete) => Ok(()),
            Ok(Ending::Stopped) => Err(Failure::Interrupted),
            Err(error) => Err(run::explained(error, &manifest.command)),
        }
    }
}

impl Verdict {
    /// That about a folder of another scenario, whose text parts from the expected one somewhere.
    fn of_another(expected: &str, manifest: &Manifest) -> Verdict {
        let (ours, theirs) = (expected.lines(), manifest.study.scenario.lines());
        let same = ours.zip(theirs).take_while(|(ours, theirs)| ours == theirs).count();
        Verdict::Unknown {
            reason: format!("it is of another scenario, which differs from line {} on", same + 1),
        }
    }
}

impl Trials {
    fn in_words(&self) -> String {
        let Trials { again, finished, planned } = *self;
        let mut text = plural(finished as u64, "trial");
        if again < finished {
            text = format!("{again} of {text}");
        }
        if finished < planned {
            let _ = write!(text, ", of {planned} that its scenario has");
        }
        text
    }
}

impl Line<'_> {
    fn in_words(&self) -> String {
        let folder = self.folder.display();
        let sets = if self.sets.is_empty() {
            String::new()
        } else {
            format!(" (--set {})", self.sets.join(" --set "))
        };
        match &self.verdict {
            Verdict::Same { trials, missing } => {
                let mut text = format!("same       {folder}{sets}: {}", trials.in_words());
                let _ = match missing.as_slice() {
                    [] => Ok(()),
                    [one] => write!(text, "; {one} is not there"),
                    [first, ..] => write!(
                        text,
                        "; {} are not there, {first} first",
                        plural(missing.len() as u64, "file")
                    ),
                };
                text + "\n"
            }
            Verdict::Different { trials, comparison } => {
                let files = plural(comparison.files as u64, "file");
                let mut text = format!("different  {folder}{sets}: {files}, {}\n", trials.in_words());
                for difference in &comparison.differences {
                    let _ = writeln!(text, "           {}", one_line(&difference.to_string()));
                }
                text
            }
            Verdict::Unknown { reason } => format!("unknown    {folder}{sets}: {}\n", one_line(reason)),
        }
    }
}

/// A tenth of the trials, at least three.
fn sample(all: &BTreeSet<(usize, u32)>, chance: u64) -> BTreeSet<(usize, u32)> {
    let mut rng = Seed(chance).stream("sample of trials");
    let mut left: Vec<(usize, u32)> = all.iter().copied().collect();
    let wanted = left.len().div_ceil(10).max(3).min(left.len());
    (0..wanted).map(|_| left.swap_remove(rng.below(left.len() as u64) as usize)).collect()
}
