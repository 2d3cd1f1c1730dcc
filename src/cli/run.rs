//! `testbed run`: scenarios to results.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::embedded::Order;
use super::filing::{Filing, from_root, held, known_elsewhere, now, own_program, say_refuted, words_at_end};
use super::logging::raise_open_files;
use super::output::{Failure, load, print, processors};
use super::progress::Progress;
use super::shard::Shard;
use super::{estimate, memory, refusals, signals};
use crate::engine::Halt;
use crate::live;
use crate::report::version::Program;
use crate::report::{self, Mode, Report, ReportError, ResultFolder};
use crate::runner::{self, Ending, Execute, RunError};
use crate::scenario::Plan;
use crate::tables::study;
use crate::time::Duration;
use crate::units::{Bytes, plural, quoted};

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
    /// Capture packets at a flow, a flow's server, all flows of a group or a link: upload-1, upload-1@server, upload-*, link.access
    #[arg(long, value_name = "POINT", conflicts_with = "live")]
    pcap: Vec<String>,
    /// Keep the events of each sender in the format qlog: windows, losses, timers
    #[arg(long, conflicts_with = "live")]
    qlog: bool,
    /// Threads; all processors if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Memory that a trial may take, e. g. 4GiB; if not given, a quarter of the machine's shared by all threads, at most 2GiB each
    #[arg(long, value_name = "SIZE", conflicts_with = "live")]
    memory: Option<Bytes>,
    /// Run only each Nth trial, from the Kth on: a part for one of many machines, which `testbed merge` puts together
    #[arg(long, value_name = "K/N", conflicts_with = "live")]
    shard: Option<Shard>,
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

/// A scenario to run.
pub(super) struct Task<'a> {
    /// Its file, as the user called it.
    pub file: &'a Path,
    /// The file as it was read.
    pub plan: &'a Plan,
    /// Content of the file.
    pub text: String,
    /// Folder for the results.
    pub dir: &'a Path,
    /// This program, if it has controllers of its own.
    pub program: Option<Program>,
    /// Called for each trial that is done, in place of a progress bar.
    pub tell: Option<&'a (dyn Fn() + Sync)>,
}

impl Run {
    /// One scenario in virtual time, for a program around this one.
    pub(super) fn quietly(order: &Order, sets: Vec<String>) -> Run {
        Run {
            files: vec![order.file.clone()],
            sets,
            out: Some(order.out.clone()),
            trials: None,
            seed: None,
            jobs: order.jobs,
            memory: order.memory.map(Bytes),
            shard: None,
            resume: false,
            force: order.force,
            live: false,
            pcap: Vec::new(),
            qlog: false,
            no_plots: !order.pictures,
            json: false,
            quiet: true,
        }
    }

    /// Runs all files, one after the other.
    pub fn execute(self) -> Result<(), Failure> {
        let sets = self.all_sets();
        // Every file is read before the first runs, so that mistakes show in the first second.
        let plans = self.files.iter().map(|file| load(file, &sets)).collect::<Result<Vec<_>, _>>()?;
        check_names(&plans)?;
        if let Some(shard) = self.shard
            && let Some((plan, _)) = plans.iter().find(|(plan, _)| self.part(plan).next().is_none())
        {
            let trials = plural(plan.every_trial().count() as u64, "trial");
            return Err(Failure::usage(
                format!("shard {shard} of \"{}\" has none of its {trials}", plan.name()),
                "run at most as many shards as there are trials",
            ));
        }
        let stop = stop_on_interrupt(KEPT)?;
        // Once: the file may be another by the time that the next scenario begins.
        let program = own_program()?;
        let mut reports = Vec::new();
        let (mut refuted, mut claims, mut lost) = (0, 0, 0);
        for (file, (plan, text)) in self.files.iter().zip(plans) {
            let dir = self.folder(plan.name());
            estimate::warn_of_recording(&plan);
            let task = Task { file, plan: &plan, text, dir: &dir, program: program.clone(), tell: None };
            let (report, failed) = self.run_one(task, &stop)?;
            for failed in &failed {
                eprintln!("error: {failed}");
            }
            lost += failed.len();
            refuted += report.findings.refuted();
            claims += report.findings.claims.len();
            if self.json {
                reports.push(serde_json::json!({ "folder": dir, "report": report }));
            } else if self.quiet {
                say_refuted(&report);
            } else {
                let shard = self.shard.map_or_else(String::new, |shard| format!(" of shard {shard}"));
                let counted = plural(self.part(&plan).count() as u64, "trial") + &shard;
                print(&words_at_end(&plan.base.title, &report, &counted, &dir, &self.sets))?;
            }
        }
        if self.json {
            let text = serde_json::to_string_pretty(&serde_json::json!({ "schema": 1, "runs": reports }));
            print(&format!("{}\n", text.expect("a report is JSON")))?;
        }
        if lost > 0 {
            let lost = plural(lost as u64, "trial");
            return Err(Failure::other(
                format!("{lost} ended early: the controller could not go on (see above)"),
                "mend the controller, and go on with --resume or begin anew with --force",
            ));
        }
        held(refuted, claims)
    }

    fn all_sets(&self) -> Vec<String> {
        let mut sets = self.sets.clone();
        sets.extend(self.trials.map(|n| format!("trials={n}")));
        sets.extend(self.seed.map(|n| format!("seed={n}")));
        if !self.pcap.is_empty() {
            sets.push(format!("record.pcap={:?}", self.pcap));
        }
        sets.extend(self.qlog.then(|| "record.qlog=true".to_owned()));
        sets
    }

    /// Trials that this machine runs.
    fn part(&self, plan: &Plan) -> impl Iterator<Item = (usize, u32)> {
        plan.every_trial().filter(|trial| self.has(plan, *trial))
    }

    fn has(&self, plan: &Plan, trial: (usize, u32)) -> bool {
        self.shard.is_none_or(|shard| shard.has(plan, trial))
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

    /// Runs one scenario; its report, and its trials whose controllers could not go on, in words.
    pub(super) fn run_one(
        &self,
        task: Task<'_>,
        stop: &AtomicBool,
    ) -> Result<(Report, Vec<String>), Failure> {
        let Task { file, plan, text, dir, program, tell } = task;
        if self.live {
            refusals::of_real_time(plan)?;
        }
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
        let total = self.part(plan).count() as u64;
        let begun = self.part(plan).filter(|trial| done.contains(*trial)).count() as u64;
        let skipped = |trial| done.contains(trial) || !self.has(plan, trial);
        let bar = match tell {
            Some(tell) => Progress::told(tell),
            None => Progress::new(plan.name(), total, begun, "trials", self.quiet),
        };
        let mut failed = Vec::new();
        let jobs = self.jobs.map_or_else(processors, usize::from);
        let memory = self.memory.unwrap_or_else(|| memory::share(jobs));
        let in_virtual_time = runner::in_virtual_time(memory.0);
        let (jobs, execute): (usize, &Execute) = if self.live {
            self.announce(plan, total - begun);
            // One at a time: trials that share the processors would make each other late.
            raise_open_files(4 * connections(plan));
            (1, &|scenario, trial, go_on| Ok(live::trial::run(scenario, trial, go_on)?))
        } else {
            (jobs, &in_virtual_time)
        };
        let filing = Filing { folder: &mut folder, bar: &bar, failed: &mut failed };
        let ending = runner::run(plan, &skipped, jobs, execute, stop, filing);
        bar.finish();
        let ending = match ending {
            Ok(ending) => ending,
            Err(error) => {
                // Finished trials are worth a look, unless they cannot be written.
                let kept = folder.done().len();
                if kept > 0 && !matches!(error, RunError::Sink(_)) {
                    match report::finish(dir, &now(), !self.no_plots) {
                        Ok(_) => eprintln!("{kept} of {total} trials are done and in {}", dir.display()),
                        Err(second) => eprintln!("error: {second}"),
                    }
                }
                let sets = self.sets.iter().fold(String::new(), |sets, set| sets + " --set " + &quoted(set));
                return Err(explained(error, &format!("testbed run {}{sets}", file.display())));
            }
        };
        if folder.done().is_empty() && ending == Ending::Complete && !failed.is_empty() {
            let problem = format!("no trial came to its end: {}", failed[0]);
            return Err(Failure::other(problem, "mend the controller"));
        }
        if folder.done().is_empty() && total > 0 {
            eprintln!("interrupted before the first trial was done");
            return Err(Failure::Interrupted);
        }
        folder.check()?;
        // An interrupted run does not make its user wait for pictures; of a part they would show a part.
        let pictures = !self.no_plots && ending == Ending::Complete && self.shard.is_none();
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
        Ok((report, failed))
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
        // A part's command is that of the whole.
        if self.out.is_some() && self.shard.is_none() {
            words.push(format!("--out {}", quoted(&dir.display().to_string())));
        }
        words.join(" ")
    }
}

/// A run that ended early, with its mend; `command` makes its trials.
pub(super) fn explained(error: RunError<ReportError>, command: &str) -> Failure {
    match error {
        RunError::Sink(error) => error.into(),
        RunError::Scenario(error) => Failure::Scenario(error),
        RunError::Threads(_) => Failure::other(error, "see the limit of threads (ulimit -u)"),
        RunError::System { .. } => Failure::other(error, "see the limits of open files (ulimit -n)"),
        RunError::Halted { halt: Halt::Exhausted(_), .. } => Failure::other(
            error,
            "change what fills it, or go on with --resume and more memory (--memory SIZE)",
        ),
        RunError::Halted { .. } => Failure::other(error, "give a link of every path a `delay` or a `rate`"),
        RunError::Bug { trial, .. } => {
            let again = format!(
                "this is a bug: please report it with the scenario and the output of `{command} --seed {} --trials 1`",
                trial.seed.0
            );
            Failure::other(error, again)
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
