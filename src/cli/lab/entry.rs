//! One controller of a contest. A student's script runs in a process of its own: it can end or hang that process, or
//! change the classes in it, and disturbs no other controller.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::answers::text_of;
use super::run;
use super::sheet::{Contest as Terms, Lab};
use super::sitting::Sitting;
use crate::cli::embedded;
use crate::cli::output::Failure;
use crate::congestion::script;
use crate::rng::Seed;
use crate::time::Duration;

/// Student whose parameters are those of all in a contest.
const EVERYBODY: &str = "contest";

/// File in which the process of a script leaves its runs.
const RUNS: &str = "runs.json";

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
        Ok(Ok(runs))
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
        let results = run::in_memory(&plan, sitting.scenario(), &sets, stop, true)?;
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

/// Runs of a script in a process of its own, which begins in an empty folder.
#[expect(clippy::disallowed_methods, reason = "a process takes real time")]
fn apart(course: &Course, script: &str, limit: Duration, stop: &AtomicBool) -> Result<Runs, Failure> {
    let failed = |error: std::io::Error| {
        Failure::other(format!("cannot begin a process for a controller: {error}"), "see if the disk is full")
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    let file = &course.terms().file;
    std::fs::write(folder.path().join(file), script).map_err(failed)?;
    let mut process = embedded::program()
        .map_err(failed)?
        .args(["lab", "enter", course.lab.id, "--seed", &course.seed.to_string()])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = process.try_wait().map_err(failed)? {
            break status;
        }
        let is_stopped = stop.load(Ordering::Relaxed);
        if is_stopped || begun.elapsed().as_secs_f64() >= limit.as_secs_f64() {
            let _ = process.kill();
            process.wait().map_err(failed)?;
            let over = format!("{file} takes more than {} s (--within)", limit.as_secs_f64());
            return if is_stopped { Err(Failure::Interrupted) } else { Ok(Err(over)) };
        }
        std::thread::sleep(MOMENT);
    };
    // The same key ends them both, the process first.
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    let read = text_of(&folder.path().join(RUNS)).ok().and_then(|text| serde_json::from_str(&text).ok());
    Ok(read.unwrap_or_else(|| Err(format!("{file} ends its process ({status})"))))
}

/// The work of that process: runs the script in this folder, and leaves the figures beside it.
pub fn enter(lab: &'static Lab, seed: u64, stop: &AtomicBool) -> Result<(), Failure> {
    let other = |problem: String| Failure::other(problem, "testbed lab contest begins this command");
    let course = Course::of(lab, seed).ok_or_else(|| other(format!("{} has no contest", lab.id)))?;
    let terms = course.terms();
    let text = text_of(Path::new(&terms.file)).map_err(other)?;
    let word = format!("{}{}:{}", script::PREFIX, terms.file, terms.class);
    let runs = course.runs(&word, Some(&text), stop)?;
    let text = serde_json::to_string(&runs).expect("figures are JSON");
    std::fs::write(RUNS, text).map_err(|error| other(format!("cannot write {RUNS}: {error}")))
}
