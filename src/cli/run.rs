//! `testbed run`: scenarios to results.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use clap::Args;

use super::logging::raise_open_files;
use super::output::{Failure, load, print};
use super::progress::Progress;
use super::signals;
use crate::live;
use crate::report::{self, Mode, Report, ResultFolder, Study, TrialRow};
use crate::runner::{self, Ending, Execute, RunError};
use crate::scenario::{AppSpec, Plan};
use crate::time::Duration;
use crate::units::plural;

/// Run scenarios and write tables, pictures and a report
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Run {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Override a key of the scenario, e. g. link.access.loss=20%
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Result folder; with several files, the folder that holds one for each
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Repetitions of each cell
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    trials: Option<u32>,
    /// Seed of the first trial
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Threads; all processors if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Keep the trials that are done and go on from there
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Replace results of another scenario
    #[arg(long)]
    force: bool,
    /// Run in real time: the same applications on real sockets, the network between them
    #[arg(long, conflicts_with = "jobs")]
    live: bool,
    /// Leave the pictures out
    #[arg(long)]
    no_plots: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

impl Run {
    /// Runs all files, one after the other.
    pub fn execute(self) -> Result<(), Failure> {
        let sets = self.all_sets();
        // Every file is read before the first runs, so that mistakes show in the first second.
        let plans = self.files.iter().map(|file| load(file, &sets)).collect::<Result<Vec<_>, _>>()?;
        check_names(&plans)?;
        let stop = stop_on_interrupt()?;
        let mut reports = Vec::new();
        for (file, (plan, text)) in self.files.iter().zip(plans) {
            let dir = self.folder(plan.name());
            let report = self.run_one(file, &plan, text, &dir, &stop)?;
            if self.json {
                reports.push(serde_json::json!({ "folder": dir, "report": report }));
            } else if !self.quiet {
                print(&in_words(&plan, &report, &dir, &self.sets))?;
            }
        }
        if self.json {
            let text = serde_json::to_string_pretty(&serde_json::json!({ "schema": 1, "runs": reports }));
            print(&format!("{}\n", text.expect("a report is JSON")))?;
        }
        Ok(())
    }

    fn all_sets(&self) -> Vec<String> {
        let mut sets = self.sets.clone();
        sets.extend(self.trials.map(|n| format!("trials={n}")));
        sets.extend(self.seed.map(|n| format!("seed={n}")));
        sets
    }

    fn folder(&self, name: &str) -> PathBuf {
        match &self.out {
            Some(dir) if self.files.len() == 1 => dir.clone(),
            Some(dir) => dir.join(name),
            None => Path::new("results").join(name),
        }
    }

    fn mode(&self) -> Mode {
        match (self.resume, self.force) {
            (true, _) => Mode::Resume,
            (_, true) => Mode::Force,
            _ => Mode::Fresh,
        }
    }

    fn run_one(
        &self,
        file: &Path,
        plan: &Plan,
        text: String,
        dir: &Path,
        stop: &AtomicBool,
    ) -> Result<Report, Failure> {
        let mut study = study(plan, text, self.all_sets());
        study.live = self.live;
        let circumstances = report::Run {
            started: now(),
            command: self.command(file, dir),
            file: known_elsewhere(file),
            cpus: processors(),
        };
        let mut folder = ResultFolder::open(dir, &study, &circumstances, self.mode())?;
        let done = folder.done().clone();
        let total = plan.cells() as u64 * u64::from(plan.trials());
        let bar = Progress::new(plan.name(), total, done.len() as u64, self.quiet);
        let (jobs, execute): (usize, &Execute) = if self.live {
            self.announce(plan, total - done.len() as u64);
            // One at a time: trials that share the processors would make each other late.
            raise_open_files(4 * connections(plan));
            (1, &live::trial::run)
        } else {
            (self.jobs.map_or_else(processors, usize::from), &runner::in_virtual_time)
        };
        let ending = runner::run(plan, &done, jobs, execute, stop, |finished| {
            bar.advance();
            folder.append(&TrialRow {
                cell: finished.trial.cell,
                trial: finished.trial.number,
                seed: finished.trial.seed.0,
                outcome: &finished.outcome,
                wall_s: finished.wall_s,
            })
        });
        bar.finish();
        let ending = ending.map_err(|error| self.explain(error, file))?;
        if folder.done().is_empty() {
            eprintln!("interrupted before the first trial was done");
            return Err(Failure::Interrupted);
        }
        let report = report::finish(dir, &now(), !self.no_plots)?;
        if ending == Ending::Stopped {
            eprintln!(
                "interrupted: {} of {total} trials are in {}; go on with --resume",
                folder.done().len(),
                dir.display()
            );
            return Err(Failure::Interrupted);
        }
        Ok(report)
    }

    /// Real time is not for the impatient.
    fn announce(&self, plan: &Plan, trials: u64) {
        if !self.quiet {
            let all = Duration::from_nanos(plan.base.duration.as_nanos().saturating_mul(trials));
            eprintln!("in real time: {} of {}, {all} in all", plural(trials, "trial"), plan.base.duration);
        }
    }

    /// The command that repeats this run.
    fn command(&self, file: &Path, dir: &Path) -> String {
        let mut words = vec!["testbed run".to_owned(), quoted(&file.display().to_string())];
        words.extend(self.all_sets().iter().map(|set| format!("--set {}", quoted(set))));
        if self.live {
            words.push("--live".to_owned());
        }
        if self.out.is_some() {
            words.push(format!("--out {}", quoted(&dir.display().to_string())));
        }
        words.join(" ")
    }

    fn explain(&self, error: RunError<report::ReportError>, file: &Path) -> Failure {
        match error {
            RunError::Sink(error) => error.into(),
            RunError::Scenario(error) => Failure::Scenario(error),
            RunError::System { .. } => Failure::other(error, "see the limits of open files (ulimit -n)"),
            RunError::Bug { trial, .. } => {
                let sets = self.sets.iter().fold(String::new(), |sets, set| sets + " --set " + &quoted(set));
                let again = format!(
                    "this is a bug: please report it with the scenario and the output of `testbed run {}{sets} \
                     --seed {} --trials 1`",
                    file.display(),
                    trial.seed.0
                );
                Failure::other(error, again)
            }
        }
    }
}

/// A scenario file for the page, which is the same on all machines: one given by a path from the root
/// loses its folders.
fn known_elsewhere(file: &Path) -> String {
    let file = if file.is_absolute() { Path::new(file.file_name().unwrap_or_default()) } else { file };
    file.display().to_string()
}

/// How many connections a trial has at least.
fn connections(plan: &Plan) -> usize {
    plan.base.groups.iter().map(|group| group.count as usize).sum()
}

/// Two files of one name would write into one folder.
fn check_names(plans: &[(Plan, String)]) -> Result<(), Failure> {
    for (i, (plan, _)) in plans.iter().enumerate() {
        if plans[..i].iter().any(|(other, _)| other.name() == plan.name()) {
            return Err(Failure::usage(
                format!("two scenario files are called \"{}\"", plan.name()),
                "run them one by one, with --out DIR",
            ));
        }
    }
    Ok(())
}

/// What the report needs of a plan.
fn study(plan: &Plan, text: String, overrides: Vec<String>) -> Study {
    let base = &plan.base;
    let mss = base.groups.iter().map(|group| u32::from(group.tcp.mss)).max().unwrap_or(1448);
    let is_bulk = |app: &AppSpec| matches!(app, AppSpec::Bulk(_));
    Study {
        name: plan.name().to_owned(),
        title: base.title.clone(),
        expect: Some(base.expect.clone()).filter(|text| !text.is_empty()),
        axes: plan
            .axes
            .iter()
            .map(|axis| report::Axis { key: axis.key.clone(), values: axis.values.clone() })
            .collect(),
        trials: plan.trials(),
        seed: base.seed,
        duration: base.duration,
        warmup: base.warmup,
        mss,
        group_mss: (base.groups.iter())
            .map(|group| (group.name.clone(), u32::from(group.tcp.mss)))
            .filter(|(_, other)| *other != mss)
            .collect(),
        chat: base.has_chat(),
        mixed: has_mixed_controllers(plan),
        bulk: base
            .groups
            .iter()
            .filter(|group| is_bulk(&group.app))
            .map(|group| group.name.clone())
            .collect(),
        overrides,
        live: false,
        scenario: text,
    }
}

/// Whether clients of one cell differ in their controller. A group with one of its own may agree with
/// the others by chance, but not in the first and in the last cell.
fn has_mixed_controllers(plan: &Plan) -> bool {
    let ends = [0, plan.cells() - 1];
    ends.into_iter().filter_map(|cell| plan.scenario(cell).ok()).any(|cell| {
        let names = cell.groups.iter().map(|group| group.tcp.congestion.algorithm.name);
        names.clone().any(|name| Some(name) != names.clone().next())
    })
}

/// The end of a run on the terminal.
fn in_words(plan: &Plan, report: &Report, dir: &Path, sets: &[String]) -> String {
    let mut text = format!("{}\n\n", plan.base.title);
    for sentence in &report.lateness {
        let _ = writeln!(text, "{}", report::wrapped(sentence, 2));
    }
    if !report.lateness.is_empty() {
        text.push('\n');
    }
    text.push_str(&report.table);
    for sentence in &report.verdict {
        let _ = write!(text, "\n{}", report::wrapped(sentence, 0));
    }
    if !report.verdict.is_empty() {
        text.push('\n');
    }
    for line in &report.checks {
        let _ = write!(text, "\n{}", report::wrapped(line, 2));
    }
    for warning in &report.warnings {
        let _ = write!(text, "\n{}", report::wrapped(&format!("warning: {warning}"), 2));
    }
    text.push('\n');
    if !sets.is_empty() {
        let _ = write!(text, "\nwith --set {}", sets.join(" --set "));
    }
    let trials = plural(plan.cells() as u64 * u64::from(plan.trials()), "trial");
    let pictures = if report.pictures.is_empty() { "" } else { ", pictures" };
    let _ = writeln!(text, "\n{trials}. Tables{pictures} and report.html are in {}", dir.display());
    text
}

/// A flag that Ctrl-C and SIGTERM set; a second Ctrl-C ends the program at once.
fn stop_on_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    signals::at_first(move || flag.store(true, Ordering::Relaxed))?;
    Ok(stop)
}

#[expect(clippy::disallowed_methods, reason = "the manifest says when a run took place")]
fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
