//! `testbed run`: scenarios to results.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use clap::Args;

use super::filing::{Filing, from_root, known_elsewhere, own_program};
use super::logging::raise_open_files;
use super::output::{Failure, load, print, processors};
use super::progress::Progress;
use super::{estimate, memory, signals};
use crate::engine::Halt;
use crate::facts::Measure;
use crate::live;
use crate::report::version::Program;
use crate::report::{self, InputFile, Mode, Report, ReportError, ResultFolder, Study};
use crate::runner::{self, Ending, Execute, RunError};
use crate::scenario::{FilePrint, Plan, Scenario};
use crate::time::Duration;
use crate::units::{Bytes, plural};

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
    /// Memory that a trial may take, e. g. 4GiB; if not given, a quarter of the machine's shared by all threads, at most 2GiB each
    #[arg(long, value_name = "SIZE", conflicts_with = "live")]
    memory: Option<Bytes>,
    /// Keep the trials that are done and go on from there
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Replace whatever results are there
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
        let stop = stop_on_interrupt(KEPT)?;
        // Once: the file may be another by the time that the next scenario begins.
        let program = own_program()?;
        let mut reports = Vec::new();
        for (file, (plan, text)) in self.files.iter().zip(plans) {
            let dir = self.folder(plan.name());
            estimate::warn_of_bytes(&plan);
            let report = self.run_one(file, &plan, text, &dir, program.clone(), &stop)?;
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
        program: Option<Program>,
        stop: &AtomicBool,
    ) -> Result<Report, Failure> {
        let mut study = study(plan, text, self.all_sets());
        study.live = self.live;
        study.random |= self.live;
        let circumstances = report::Run {
            started: now(),
            command: self.command(program.as_ref(), file, dir),
            file: known_elsewhere(file),
            source: from_root(file),
            cpus: processors(),
            program,
        };
        let mut folder = ResultFolder::open(dir, &study, &circumstances, self.mode())?;
        for note in folder.notes() {
            eprintln!("note: {note}");
        }
        let done = folder.done().clone();
        let total = plan.cells() as u64 * u64::from(plan.trials());
        let bar = Progress::new(plan.name(), total, done.len() as u64, "trials", self.quiet);
        let jobs = self.jobs.map_or_else(processors, usize::from);
        let memory = self.memory.unwrap_or_else(|| memory::share(jobs));
        let in_virtual_time = move |scenario: &Arc<Scenario>, trial, go_on: &mut dyn FnMut() -> bool| {
            runner::in_virtual_time(scenario, trial, memory.0, go_on)
        };
        let (jobs, execute): (usize, &Execute) = if self.live {
            self.announce(plan, total - done.len() as u64);
            // One at a time: trials that share the processors would make each other late.
            raise_open_files(4 * connections(plan));
            (1, &|scenario, trial, go_on| Ok(live::trial::run(scenario, trial, go_on)?))
        } else {
            (jobs, &in_virtual_time)
        };
        let ending = runner::run(plan, &done, jobs, execute, stop, Filing { folder: &mut folder, bar: &bar });
        bar.finish();
        let ending = match ending {
            Ok(ending) => ending,
            Err(error) => {
                // What is finished is worth a look, unless it cannot be written.
                let kept = folder.done().len();
                if kept > 0 && !matches!(error, RunError::Sink(_)) {
                    match report::finish(dir, &now(), !self.no_plots) {
                        Ok(_) => eprintln!("{kept} of {total} trials are done and in {}", dir.display()),
                        Err(second) => eprintln!("error: {second}"),
                    }
                }
                return Err(self.explain(error, file));
            }
        };
        if folder.done().is_empty() {
            eprintln!("interrupted before the first trial was done");
            return Err(Failure::Interrupted);
        }
        folder.check()?;
        // An interrupted run does not make its user wait for pictures.
        let pictures = !self.no_plots && ending == Ending::Complete;
        let report = report::finish(dir, &now(), pictures)?;
        if let Some(notice) = report.notice.as_ref().filter(|_| !self.quiet) {
            eprintln!("warning: {notice}");
        }
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
    fn command(&self, program: Option<&Program>, file: &Path, dir: &Path) -> String {
        let name = program.map_or("testbed", |program| &program.name);
        let mut words = vec![format!("{name} run"), quoted(&file.display().to_string())];
        words.extend(self.all_sets().iter().map(|set| format!("--set {}", quoted(set))));
        if self.live {
            words.push("--live".to_owned());
        }
        if self.out.is_some() {
            words.push(format!("--out {}", quoted(&dir.display().to_string())));
        }
        words.join(" ")
    }

    fn explain(&self, error: RunError<ReportError>, file: &Path) -> Failure {
        match error {
            RunError::Sink(error) => error.into(),
            RunError::Scenario(error) => Failure::Scenario(error),
            RunError::Threads(_) => Failure::other(error, "see the limit of threads (ulimit -u)"),
            RunError::System { .. } => Failure::other(error, "see the limits of open files (ulimit -n)"),
            RunError::Halted { halt: Halt::Exhausted(_), .. } => Failure::other(
                error,
                "change what fills it, or go on with --resume and more memory (--memory SIZE)",
            ),
            RunError::Halted { .. } => {
                Failure::other(error, "give a link of every path a `delay` or a `rate`")
            }
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

/// Least number of connections of a trial.
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

/// Study of a plan, as the report needs it.
fn study(plan: &Plan, text: String, overrides: Vec<String>) -> Study {
    let base = &plan.base;
    let mss = base.groups.iter().map(|group| u32::from(group.tcp.mss)).max().unwrap_or(1448);
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
        random: plan.random,
        policed: has_policers(plan),
        l4s: has_l4s(plan),
        files: plan.files().iter().map(|(name, file)| (name.clone(), input_file(file))).collect(),
        bulk: base
            .groups
            .iter()
            .filter(|group| group.app.measures_a(Measure::Goodput))
            .map(|group| group.name.clone())
            .collect(),
        overrides,
        live: false,
        scenario: text,
    }
}

fn input_file(file: &FilePrint) -> InputFile {
    InputFile { bytes: file.bytes, sha256: file.sha256.clone() }
}

/// True if a link has a policer, which no axis can take away.
fn has_policers(plan: &Plan) -> bool {
    let later = plan.base.schedule.iter().flat_map(|change| change.links.iter().map(|(_, ways)| ways));
    let cell = plan.scenario(0).ok();
    let first = cell.iter().flat_map(|cell| cell.links.iter().map(|link| &link.directions));
    later.chain(first).flatten().any(|config| config.policer.is_some())
}

/// True if a link has a queue for L4S, in the first cell or by an axis.
fn has_l4s(plan: &Plan) -> bool {
    const KIND: &str = "dualpi2";
    let cell = plan.scenario(0).ok();
    let first = cell.iter().flat_map(|cell| cell.links.iter().flat_map(|link| &link.directions));
    first.map(|config| config.queue.discipline.name).any(|kind| kind == KIND)
        || plan.axes.iter().flat_map(|axis| &axis.values).any(|value| value.contains(KIND))
}

/// True if clients of one cell differ in their controller. A group with one of its own may agree with
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

/// A flag that Ctrl-C and SIGTERM set; a second Ctrl-C ends the program at once. Whatever does not look
/// at the flag ends within a second, too: each row and file that is there by then is whole.
pub(super) fn stop_on_interrupt(last_words: &'static str) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    signals::at_first(move || {
        flag.store(true, Ordering::Relaxed);
        signals::exit_after(GRACE, last_words);
    })?;
    Ok(stop)
}

/// Words of a run that is ended before it could end in order.
const KEPT: &str = "interrupted: the trials that are done are kept; go on with --resume";

/// From the first signal to the end of the program, at most.
const GRACE: std::time::Duration = std::time::Duration::from_millis(800);

#[expect(clippy::disallowed_methods, reason = "the manifest says when a run took place")]
fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
