//! `testbed lab contest`: the controllers of a class over traces that nobody has seen.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use clap::Args;

use super::answers::{Answers, text_of, warn_of_twice};
use super::entry::{Controller, Course, Entry};
use super::sheet::Lab;
use super::sitting::Sitting;
use crate::cli::network::above_zero;
use crate::cli::output::{Failure, print, processors};
use crate::cli::progress::Progress;
use crate::cli::run::stop_on_interrupt;
use crate::congestion::script;
use crate::time::Duration;

/// Arguments of the command.
#[derive(Debug, Args)]
pub struct Contest {
    /// Folders of students, of a lab with a contest
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Seed of the hidden traces: keep it to yourself until all have handed in
    #[arg(long, value_name = "N")]
    seed: u64,
    /// Time that a controller may take for all traces
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = above_zero)]
    within: Duration,
    /// Write the leaderboard there as CSV; without it, to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
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
        let course = Course::of(lab, self.seed).expect("it was looked for");
        let mut entries: Vec<Entry> =
            handed_in.iter().map(|(dir, read)| handed(dir, read, lab, &course)).collect();
        warn_of_twice(
            entries.iter().zip(&self.dirs).map(|(entry, dir)| (entry.name.as_str(), dir.as_path())),
        );
        entries.extend(course.terms().beside.iter().map(|name| Entry {
            name: format!("({name})"),
            controller: Controller::BuiltIn(name.clone()),
            runs: Ok(Vec::new()),
        }));
        self.run(&mut entries, &course)?;
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

    /// Runs all entries, as many at once as there are processors. The first failure that is no controller's ends all.
    fn run(&self, entries: &mut [Entry], course: &Course) -> Result<(), Failure> {
        let stop = &stop_on_interrupt("interrupted")?;
        let bar = Progress::new("contest", entries.len() as u64, 0, "controllers", false);
        let workers = processors().min(entries.len());
        let left = &Mutex::new(entries.iter_mut());
        let work = || {
            loop {
                let next = left.lock().expect("no entry panics").next();
                let Some(entry) = next else { return Ok(()) };
                entry.run(course, self.within, stop).inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
                bar.advance();
            }
        };
        let ended = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            workers.into_iter().map(|worker| worker.join().expect("no entry panics")).collect::<Vec<_>>()
        });
        bar.finish();
        let (stopped, failed): (Vec<_>, Vec<_>) =
            ended.into_iter().partition(|end| matches!(end, Ok(()) | Err(Failure::Interrupted)));
        failed.into_iter().chain(stopped).collect()
    }
}

/// The controller in a folder; one that cannot be read takes part without a place.
fn handed(dir: &Path, read: &Result<(Answers, Sitting), String>, lab: &Lab, course: &Course) -> Entry {
    let text = match read {
        Ok((_, sitting)) if sitting.lab.id == lab.id => text_of(&dir.join(&course.terms().file)),
        Ok((_, sitting)) => Err(format!("a hand-in of {}", sitting.lab.id)),
        Err(problem) => Err(problem.clone()),
    };
    let name =
        read.as_ref().map_or_else(|_| dir.display().to_string(), |(_, sitting)| sitting.student.clone());
    let runs = text.as_ref().map(|_| Vec::new()).map_err(Clone::clone);
    Entry { name, controller: Controller::Script(text.unwrap_or_default()), runs }
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
        let mean = |of: fn(&(f64, f64)) -> f64| match &entry.runs {
            Err(_) => String::new(),
            Ok(runs) => format!("{:.3}", runs.iter().map(of).sum::<f64>() / runs.len() as f64),
        };
        let problem = entry.runs.as_ref().err().map_or("", String::as_str);
        let has_place = entry.runs.is_ok() && matches!(entry.controller, Controller::Script(_));
        place += usize::from(has_place);
        let fields = [
            if has_place { place.to_string() } else { String::new() },
            entry.name.clone(),
            format!("{:.3}", entry.score()),
            mean(|run| run.0),
            mean(|run| run.1),
            problem.lines().next().unwrap_or_default().to_owned(),
        ];
        writer.write_record(fields).expect("memory takes it");
    }
    String::from_utf8(writer.into_inner().expect("memory takes it")).expect("fields are text")
}
