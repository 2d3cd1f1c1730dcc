//! `testbed lab contest`: the controllers of a class over traces that nobody has seen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::answers::{Answers, text_of, warn_of_twice};
use super::run;
use super::sheet::{Contest as Terms, Lab};
use super::sitting::Sitting;
use crate::cli::output::{Failure, print};
use crate::cli::progress::Progress;
use crate::cli::run::stop_on_interrupt;
use crate::congestion::script;
use crate::rng::Seed;

/// Student whose parameters are those of all in a contest.
const EVERYBODY: &str = "contest";

/// Arguments of the command.
#[derive(Debug, Args)]
pub struct Contest {
    /// Folders of students, of a lab with a contest
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Seed of the hidden traces: keep it to yourself until all have handed in
    #[arg(long, value_name = "N")]
    seed: u64,
    /// Write the leaderboard there as CSV; without it, to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A controller that takes part.
struct Entry {
    name: String,
    /// Its word in scenarios, and its script if it has one.
    word: String,
    script: Option<String>,
    /// Goodput in Mbit/s and p95 of the delay in ms, by trace.
    runs: Vec<(f64, f64)>,
    problem: String,
}

impl Contest {
    /// Runs all controllers over all traces.
    pub fn execute(self) -> Result<(), Failure> {
        script::check("python:controller.py:Controller")
            .map_err(|refusal| Failure::usage(refusal.message, refusal.help))?;
        let handed_in: Vec<_> = self.dirs.iter().map(|dir| (dir, Answers::read(dir))).collect();
        let labs =
            handed_in.iter().filter_map(|(_, read)| read.as_ref().ok().map(|(_, sitting)| sitting.lab));
        let lab = labs.into_iter().find(|lab| lab.sheet().contest.is_some()).ok_or_else(|| {
            Failure::usage(
                format!("no folder is a hand-in of {}", with_contest()),
                "name folders of that lab",
            )
        })?;
        let sitting = Sitting::of(lab, EVERYBODY);
        let terms = sitting.sheet.contest.as_ref().expect("it was looked for");
        let mut entries: Vec<Entry> =
            handed_in.iter().map(|(dir, read)| Entry::of(dir, read, lab, terms)).collect();
        warn_of_twice(
            entries.iter().zip(&self.dirs).map(|(entry, dir)| (entry.name.as_str(), dir.as_path())),
        );
        entries.extend(terms.beside.iter().map(|name| Entry {
            name: format!("({name})"),
            word: name.clone(),
            script: None,
            runs: Vec::new(),
            problem: String::new(),
        }));
        let stop = stop_on_interrupt("interrupted")?;
        let bar = Progress::new("contest", (entries.len() * terms.traces.len()) as u64, 0, "runs", false);
        for (n, trace) in terms.traces.iter().enumerate() {
            let trace = sitting.trace(trace, Seed(self.seed).child(&format!("contest/{n}")));
            for entry in &mut entries {
                entry.run(&sitting, terms, &trace, &stop)?;
                bar.advance();
            }
        }
        bar.finish();
        entries.sort_by(|a, b| b.score().total_cmp(&a.score()).then_with(|| a.name.cmp(&b.name)));
        let text = leaderboard(&entries);
        match &self.out {
            None => print(&text),
            Some(file) => {
                std::fs::write(file, text).map_err(|error| {
                    Failure::other(
                        format!("cannot write {}: {error}", file.display()),
                        "choose another place",
                    )
                })?;
                print(&format!("{} is written\n", file.display()))
            }
        }
    }
}

impl Entry {
    /// The controller in a folder; one that cannot be read takes part without a place.
    fn of(dir: &Path, read: &Result<(Answers, Sitting), String>, lab: &Lab, terms: &Terms) -> Entry {
        let text = match read {
            Ok((_, sitting)) if sitting.lab.id == lab.id => text_of(&dir.join(&terms.file)),
            Ok((_, sitting)) => Err(format!("a hand-in of {}", sitting.lab.id)),
            Err(problem) => Err(problem.clone()),
        };
        let name =
            read.as_ref().map_or_else(|_| dir.display().to_string(), |(_, sitting)| sitting.student.clone());
        Entry {
            name,
            word: format!("{}{}:{}", script::PREFIX, terms.file, terms.class),
            problem: text.as_ref().err().cloned().unwrap_or_default(),
            script: text.ok(),
            runs: Vec::new(),
        }
    }

    /// Runs over one trace; a controller that fails runs no more.
    fn run(
        &mut self,
        sitting: &Sitting,
        terms: &Terms,
        trace: &str,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        if !self.problem.is_empty() {
            return Ok(());
        }
        let mut files: BTreeMap<String, String> = sitting.files();
        files.insert(terms.replaced.clone(), trace.to_owned());
        files.extend(self.script.clone().map(|text| (terms.file.clone(), text)));
        let sets = [format!("tcp.congestion={}", self.word)];
        let results = sitting
            .plan(&files, &sets)
            .and_then(|plan| run::in_memory(&plan, sitting.scenario(), &sets, stop, true));
        let figures = match results {
            Ok(results) => {
                let of = |figure: &super::figure::Figure| figure.of(&results, &|text| sitting.filled(text));
                of(&terms.goodput).and_then(|goodput| Ok((goodput, of(&terms.delay)?)))
            }
            Err(Failure::Interrupted) => return Err(Failure::Interrupted),
            Err(Failure::Scenario(error)) => {
                Err(error.problems.first().map(|problem| problem.message.clone()).unwrap_or_default())
            }
            Err(Failure::Other { problem, .. } | Failure::Usage { problem, .. }) => Err(problem),
            Err(failure) => return Err(failure),
        };
        match figures {
            Ok(figures) => self.runs.push(figures),
            Err(problem) => self.problem = problem,
        }
        Ok(())
    }

    /// Geometric mean over the traces of Mbit/s for each second of delay, so that no trace counts more than
    /// another; 0 for a controller that failed.
    fn score(&self) -> f64 {
        if !self.problem.is_empty() || self.runs.is_empty() {
            return 0.0;
        }
        let power = |(goodput, delay): &(f64, f64)| (goodput / delay * 1e3).max(1e-9).ln();
        (self.runs.iter().map(power).sum::<f64>() / self.runs.len() as f64).exp()
    }
}

/// Labs that have a contest.
fn with_contest() -> String {
    let has = super::sheet::LABS.iter().filter(|lab| lab.sheet().contest.is_some());
    has.map(|lab: &Lab| lab.id).collect::<Vec<_>>().join(", ")
}

/// The leaderboard as CSV, the best first; built-in controllers stand in brackets, and neither they nor those that
/// failed have a place.
fn leaderboard(entries: &[Entry]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["place", "student", "score", "goodput_mbit", "delay_p95_ms", "problem"];
    writer.write_record(head).expect("memory takes it");
    let mut place = 0;
    for entry in entries {
        let mean = |of: fn(&(f64, f64)) -> f64| match entry.runs.len() {
            _ if !entry.problem.is_empty() => String::new(),
            n => format!("{:.3}", entry.runs.iter().map(of).sum::<f64>() / n as f64),
        };
        let is_student = !entry.name.starts_with('(');
        let has_place = is_student && entry.problem.is_empty();
        place += usize::from(has_place);
        let fields = [
            if has_place { place.to_string() } else { String::new() },
            entry.name.clone(),
            format!("{:.3}", entry.score()),
            mean(|run| run.0),
            mean(|run| run.1),
            entry.problem.lines().next().unwrap_or_default().to_owned(),
        ];
        writer.write_record(fields).expect("memory takes it");
    }
    String::from_utf8(writer.into_inner().expect("memory takes it")).expect("fields are text")
}
