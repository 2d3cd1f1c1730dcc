//! One controller of a contest. A student's script runs in a process of its own: it can end or hang that process, or
//! change the classes in it, and disturbs no other controller.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::answers::text_of;
use super::process::Process;
use super::run;
use super::sheet::{Contest as Terms, Lab};
use super::sitting::Sitting;
use crate::cli::embedded;
use crate::cli::output::{Failure, one_line, print};
use crate::congestion::script;
use crate::rng::Seed;
use crate::time::Duration;

/// Student whose parameters are those of all in a contest.
const EVERYBODY: &str = "contest";

/// Word of the process of a script when all but the script is well.
const READY: &str = "ready";

/// Interval between two looks at a process.
const MOMENT: std::time::Duration = std::time::Duration::from_millis(20);

/// Goodput in Mbit/s and p95 of the delay in ms, by trace; or the reason for which there are none.
pub type Runs = Result<Vec<(f64, f64)>, String>;

/// A lab's contest over the traces of a seed.
pub struct Course {
    lab: &'static Lab,
    sitting: Sitting,
    traces: Vec<String>,
    seed: u64,
}

/// A controller that takes part.
pub struct Entry {
    pub name: String,
    pub controller: Controller,
    pub runs: Runs,
}

pub enum Controller {
    /// One that comes with the program, by name.
    BuiltIn(String),
    /// Text of a student's script.
    Script(String),
}

impl Course {
    /// None for a lab without a contest.
    pub fn of(lab: &'static Lab, seed: u64) -> Option<Course> {
        let sitting = Sitting::of(lab, EVERYBODY);
        let trace = |(n, trace)| sitting.trace(trace, Seed(seed).child(&format!("contest/{n}")));
        let traces = sitting.sheet.contest.as_ref()?.traces.iter().enumerate().map(trace).collect();
        Some(Course { lab, sitting, traces, seed })
    }

    pub fn terms(&self) -> &Terms {
        self.sitting.sheet.contest.as_ref().expect("a course is of a lab with a contest")
    }

    /// Runs of a controller, which is named as scenarios name it, with the script that it names.
    fn runs(&self, word: &str, script: Option<&str>, stop: &AtomicBool) -> Result<Runs, Failure> {
        let mut runs = Vec::new();
        for trace in &self.traces {
            match self.over(trace, word, script, stop) {
                Ok(run) => runs.push(run),
                Err(Failure::Scenario(error)) => {
                    let message = error.problems.first().map(|problem| problem.message.clone());
                    return Ok(Err(message.unwrap_or_default()));
                }
                Err(Failure::Other { problem, .. } | Failure::Usage { problem, .. }) => {
                    return Ok(Err(problem));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(self.sound(runs))
    }

    /// Runs that have a score: one for each trace, in which something arrived.
    fn sound(&self, runs: Vec<(f64, f64)>) -> Runs {
        let has_score = |(goodput, delay): &(f64, f64)| {
            [goodput, delay].into_iter().all(|figure| figure.is_finite() && *figure > 0.0)
        };
        match runs.iter().take(self.traces.len()).position(|run| !has_score(run)) {
            Some(n) => Err(format!("no goodput or no delay over trace {}", n + 1)),
            None if runs.len() == self.traces.len() => Ok(runs),
            None => Err(format!("{} runs over {} traces", runs.len(), self.traces.len())),
        }
    }

    fn over(
        &self,
        trace: &str,
        word: &str,
        script: Option<&str>,
        stop: &AtomicBool,
    ) -> Result<(f64, f64), Failure> {
        let (sitting, terms) = (&self.sitting, self.terms());
        let mut files: BTreeMap<String, String> = sitting.files();
        files.insert(terms.replaced.clone(), trace.to_owned());
        files.extend(script.map(|text| (terms.file.clone(), text.to_owned())));
        let sets = [format!("tcp.congestion={word}")];
        let plan = sitting.plan(&files, &sets)?;
        let results = run::in_memory(&plan, sitting.scenario(), &sets, 1, stop, true)?;
        let of = |figure: &super::figure::Figure| {
            figure.of(&results, &|text| sitting.filled(text)).map_err(|problem| Failure::other(problem, ""))
        };
        Ok((of(&terms.goodput)?, of(&terms.delay)?))
    }
}

impl Entry {
    /// Runs the controller over all traces; a script has so much time for it.
    pub fn run(&mut self, course: &Course, limit: Duration, stop: &AtomicBool) -> Result<(), Failure> {
        if self.runs.is_ok() {
            self.runs = match &self.controller {
                Controller::BuiltIn(name) => course.runs(name, None, stop)?,
                Controller::Script(text) => apart(course, text, limit, stop)?,
            };
        }
        Ok(())
    }

    /// Geometric mean over the traces of Mbit/s for each second of delay, so that no trace counts more than
    /// another; 0 for a controller that failed.
    pub fn score(&self) -> f64 {
        let Ok(runs) = &self.runs else { return 0.0 };
        if runs.is_empty() {
            return 0.0;
        }
        let power = |(goodput, delay): &(f64, f64)| (goodput / delay * 1e3).max(1e-9).ln();
        (runs.iter().map(power).sum::<f64>() / runs.len() as f64).exp()
    }
}

/// Runs of a script in a process of its own, which works in an empty folder.
#[expect(clippy::disallowed_methods, reason = "a process takes real time")]
fn apart(course: &Course, script: &str, limit: Duration, stop: &AtomicBool) -> Result<Runs, Failure> {
    let failed = |error: std::io::Error| {
        Failure::other(format!("cannot begin a process for a controller: {error}"), "see if the disk is full")
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    let file = &course.terms().file;
    std::fs::write(folder.path().join(file), script).map_err(failed)?;
    let mut command = embedded::program().map_err(failed)?;
    let seed = course.seed.to_string();
    let words = ["lab", "enter", course.lab.id, "--seed", &seed, "--folder"].map(OsStr::new);
    command.args(words).arg(folder.path());
    // The script does not know it, so that nothing it prints passes for its runs.
    let mark = RandomState::new().hash_one(()).to_string();
    let mut process = Process::begin(command, &format!("{mark}\n")).map_err(failed)?;
    let begun = Instant::now();
    let status = loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted);
        }
        match process.status().map_err(failed)? {
            Some(status) => break Some(status),
            None if begun.elapsed().as_secs_f64() >= limit.as_secs_f64() => break None,
            None => std::thread::sleep(MOMENT),
        }
    };
    let [said, complaints] = process.said();
    // The same key ends them both, the process first.
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    let mut marked = said.lines().filter_map(|line| line.split_once(&mark)).map(|(_, words)| words);
    if marked.next() != Some(READY) {
        let last = complaints.lines().rfind(|line| !line.trim().is_empty());
        let reason = last.map_or_else(|| "it says nothing".to_owned(), one_line);
        let problem =
            format!("a controller's process ends or hangs before it reads the controller: {reason}");
        return Err(Failure::other(problem, "see that this program begins anew, or raise --within"));
    }
    let runs = marked.next().and_then(|text| serde_json::from_str::<Runs>(text).ok());
    Ok(match (status, runs) {
        (None, _) => Err(format!("{file} takes more than {} s (--within)", limit.as_secs_f64())),
        (Some(status), Some(runs)) if status.success() => runs.and_then(|runs| course.sound(runs)),
        (Some(status), _) => Err(format!("{file} ends its process ({status})")),
    })
}

/// The work of that process: runs the script of a folder there, and prints the figures behind the mark that it reads.
pub fn enter(lab: &'static Lab, seed: u64, folder: &Path, stop: &AtomicBool) -> Result<(), Failure> {
    let other = |problem: String| Failure::other(problem, "testbed lab contest begins this command");
    let course = Course::of(lab, seed).ok_or_else(|| other(format!("{} has no contest", lab.id)))?;
    let terms = course.terms();
    let text = text_of(&folder.join(&terms.file)).map_err(other)?;
    let word = format!("{}{}:{}", script::PREFIX, terms.file, terms.class);
    script::check(&word).map_err(|refusal| other(refusal.message))?;
    let mut mark = String::new();
    std::io::stdin().read_line(&mut mark).map_err(|error| other(format!("cannot read stdin: {error}")))?;
    let mark = mark.trim_end();
    std::env::set_current_dir(folder)
        .map_err(|error| other(format!("cannot work in {}: {error}", folder.display())))?;
    print(&format!("{mark}{READY}\n"))?;
    let runs = course.runs(&word, Some(&text), stop)?;
    let text = serde_json::to_string(&runs).expect("figures are JSON");
    // On a line of its own, wherever the script's last one ended.
    print(&format!("\n{mark}{text}\n"))
}
