//! Folder for the results of a run, and place of its scenario.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::output::Failure;
use super::progress::Progress;
use crate::congestion;
use crate::facts::Form;
use crate::report::version::Program;
use crate::report::{Report, ReportError, ResultFolder};
use crate::runner::{Finished, Sink};
use crate::scenario::Trial;
use crate::tables::{self, TrialRow};
use crate::units::plural;

/// Files the trials as they finish.
pub struct Filing<'a> {
    pub folder: &'a mut ResultFolder,
    pub bar: &'a Progress<'a>,
    /// Trials whose controllers could not go on, in words.
    pub failed: &'a mut Vec<String>,
}

impl Sink<ReportError> for Filing<'_> {
    fn take(&mut self, finished: Finished) -> Result<(), ReportError> {
        self.bar.advance();
        if let Some(text) = cut_short(&finished) {
            self.bar.warn(&text);
        }
        self.folder.append(&TrialRow {
            cell: finished.trial.cell,
            trial: finished.trial.number,
            seed: finished.trial.seed.0,
            outcome: &finished.outcome,
            wall_s: finished.wall_s,
        })
    }

    fn fail(&mut self, trial: Trial, reason: &str) -> bool {
        self.bar.advance();
        self.failed.push(format!("cell {}, trial {}: {reason}", trial.cell, trial.number));
        true
    }

    fn watch(&mut self) -> Result<(), ReportError> {
        self.folder.check()
    }
}

/// Captures that had no room for all packets.
fn cut_short(finished: &Finished) -> Option<String> {
    let short = finished.outcome.captures.iter().filter(|capture| capture.left_out > 0);
    let short: Vec<String> = short
        .map(|capture| {
            let thing = if capture.form == Form::Packets { "packet" } else { "event" };
            format!("{} lacks {}", capture.name, plural(capture.left_out, thing))
        })
        .collect();
    let Trial { cell, number, .. } = finished.trial;
    let list = short.join(", ");
    (!short.is_empty()).then(|| {
        format!("the captures of cell {cell}, trial {number} end early: {list}; raise record.pcap_limit, or run shorter")
    })
}

/// The end of a run on the terminal: its report, and the folder of so many trials.
pub fn words_at_end(title: &str, report: &Report, trials: &str, dir: &Path, sets: &[String]) -> String {
    let findings = &report.findings;
    let mut text = format!("{title}\n\n");
    for sentence in &findings.lateness {
        let _ = writeln!(text, "{}", tables::wrapped(sentence, 2));
    }
    if !findings.lateness.is_empty() {
        text.push('\n');
    }
    text.push_str(&findings.table);
    for sentence in &findings.verdict {
        let _ = write!(text, "\n{}", tables::wrapped(sentence, 0));
    }
    if !findings.verdict.is_empty() {
        text.push('\n');
    }
    for claim in &findings.claims {
        let _ = write!(text, "\n{}", tables::wrapped(&claim.text, 2));
    }
    if !findings.claims.is_empty() {
        text.push('\n');
    }
    for line in &findings.checks {
        let _ = write!(text, "\n{}", tables::wrapped(line, 2));
    }
    for warning in &findings.warnings {
        let _ = write!(text, "\n{}", tables::wrapped(&format!("warning: {warning}"), 2));
    }
    text.push('\n');
    if !sets.is_empty() {
        let _ = write!(text, "\nwith --set {}", sets.join(" --set "));
    }
    let pictures = if report.pictures.is_empty() { "" } else { ", pictures" };
    let _ = writeln!(text, "\n{trials}. Tables{pictures} and report.html are in {}", dir.display());
    text
}

/// Says on stderr which claims a report refutes, where nothing else is said of it.
pub fn say_refuted(report: &Report) {
    for claim in report.findings.claims.iter().filter(|claim| claim.is_refuted()) {
        eprintln!("{}", tables::wrapped(&claim.text, 2));
    }
}

/// Refuses with 99 what a report refutes.
pub fn held(refuted: usize, claims: usize) -> Result<(), Failure> {
    if refuted == 0 {
        return Ok(());
    }
    let verb = if refuted == 1 { "does" } else { "do" };
    Err(Failure::Refuted(format!("{refuted} of {} {verb} not hold", plural(claims as u64, "claim"))))
}

/// The time, as manifests have it.
#[expect(clippy::disallowed_methods, reason = "the manifest says when a run took place")]
pub fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// A scenario file by its path from the root. Its folder's links are followed; a link that is the file
/// itself has a name of its own.
pub fn from_root(file: &Path) -> PathBuf {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = parent.canonicalize().unwrap_or_else(|_| parent.to_owned());
    parent.join(file.file_name().unwrap_or_default())
}

/// A scenario file for the page, which is the same on all machines: one given by a path from the root
/// loses its folders.
pub fn known_elsewhere(file: &Path) -> String {
    let file = if file.is_absolute() { Path::new(file.file_name().unwrap_or_default()) } else { file };
    file.display().to_string()
}

/// This program, if it has controllers of its own: results after an edit are not those from before.
pub fn own_program() -> Result<Option<Program>, Failure> {
    if congestion::registered().is_empty() {
        return Ok(None);
    }
    let unknown = |error: &dyn std::fmt::Display| {
        Failure::other(format!("cannot read this program: {error}"), "start it again by its path")
    };
    let file = std::env::current_exe().map_err(|error| unknown(&error))?;
    Program::of(&file).map(Some).map_err(|error| unknown(&error))
}
