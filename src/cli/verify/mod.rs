//! `testbed verify`: whether result folders are what their runs give.

mod packets;
mod verdict;

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::filing::{Filing, own_program};
use super::output::{Failure, beside, load, print, processors};
use super::progress::Progress;
use super::{memory, run};
use crate::report::version::Program;
use crate::report::{self, Comparison, Fingerprint, Manifest, ReportError, ResultFolder};
use crate::rng::Seed;
use crate::runner::{self, Ending, Execute, Pace, RunError};
use crate::scenario::Plan;
use crate::tables::study as study_of;
use crate::time::Duration;
use crate::units::{Bytes, plural};
use packets::Book;
use verdict::{Line, Trials};

pub(super) use verdict::Verdict;

/// Run result folders again and say whether they are what their runs give
///
/// Every trial of a folder is run again from the scenario, seed and changes in its manifest, and all tables,
/// series, histograms, pictures and the page are compared, but for the wall time of trials. Nothing is written
/// into the folder. Exits with 99 if a folder differs or its packets do, and with 1 if one cannot be judged.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Verify {
    /// Result folders
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Run only a tenth of the trials again, at least three, chosen by chance, and compare their rows and files; the
    /// summary is computed anew from all of the folder's rows
    #[arg(long)]
    quick: bool,
    /// Hold every packet of the trials that run again against the scenario's own numbers as well
    #[arg(long)]
    packets: bool,
    /// Scenario file that the folders must be of, word for word
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Seed of the choice of --quick
    #[arg(long, value_name = "N", requires = "quick")]
    seed: Option<u64>,
    /// Time that a folder may take; one that would take longer is not judged
    #[arg(long, value_name = "TIME", default_value = "600s")]
    within: Duration,
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

/// Terms on which all folders are judged.
struct Terms<'a> {
    /// Text of the scenario that they must be of.
    expected: Option<&'a str>,
    program: Option<Program>,
    /// Seed of the choice of --quick.
    chance: u64,
    stop: Arc<AtomicBool>,
}

/// Reason for which a folder has no verdict.
enum Hitch {
    /// Of the folder.
    Unknown(String),
    /// Of this program or machine.
    Failure(Failure),
}

impl From<ReportError> for Hitch {
    fn from(error: ReportError) -> Hitch {
        Hitch::Unknown(error.to_string())
    }
}

/// So much virtual time is not worth an estimate.
const SURELY_SHORT: Duration = Duration::from_secs(3_600);

impl Verify {
    /// Judges all folders, one after the other.
    pub fn execute(self) -> Result<(), Failure> {
        let expected = self.scenario.as_deref().map(|file| load(file, &[])).transpose()?;
        let expected = expected.map(|(_, text)| text);
        let stop = run::stop_on_interrupt("interrupted")?;
        let chance = self.seed.unwrap_or_else(chance);
        let (mut lines, mut different, mut unknown) = (Vec::new(), 0, 0);
        let terms = Terms { expected: expected.as_deref(), program: own_program()?, chance, stop };
        for dir in &self.dirs {
            let manifest = Manifest::read(dir);
            let sets = manifest.as_ref().map(|manifest| manifest.study.overrides.clone()).unwrap_or_default();
            let book = self.packets.then(Arc::<Book>::default);
            let verdict = manifest
                .map_err(Hitch::from)
                .and_then(|manifest| self.judge(dir, &manifest, &terms, book.as_ref()));
            // One folder that is faulty is no reason to leave the others out.
            let verdict = match verdict {
                Ok(verdict) => verdict,
                Err(Hitch::Unknown(reason)) => Verdict::Unknown { reason },
                Err(Hitch::Failure(failure)) => return Err(failure),
            };
            let is_unknown = matches!(verdict, Verdict::Unknown { .. });
            let packets = book.filter(|_| !is_unknown).map(|book| book.close());
            let line = Line { folder: dir, sets, verdict, packets };
            unknown += usize::from(is_unknown);
            different += usize::from(line.is_refuted());
            if self.json {
                lines.push(line);
            } else if !self.quiet || line.is_refuted() || is_unknown || line.is_changed() {
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
            (_, 0) => Err(Failure::Refuted(format!("different: {different} of {of}"))),
            _ => Err(Failure::Refuted(format!("different: {different}, unknown: {unknown} of {of}"))),
        }
    }

    /// The command for folders of the scenario in a file that takes seconds, without words of its own.
    pub(super) fn of(scenario: PathBuf, quick: bool) -> Verify {
        Verify {
            dirs: Vec::new(),
            quick,
            packets: false,
            scenario: Some(scenario),
            seed: None,
            within: Duration::from_secs(60),
            jobs: None,
            memory: None,
            json: false,
            quiet: true,
        }
    }

    /// The verdict about one folder, which must be of the scenario with this text.
    pub(super) fn one(
        &self,
        dir: &Path,
        manifest: &Manifest,
        text: &str,
        stop: &Arc<AtomicBool>,
    ) -> Result<Verdict, Failure> {
        let stop = Arc::clone(stop);
        let terms = Terms { expected: Some(text), program: own_program()?, chance: chance(), stop };
        match self.judge(dir, manifest, &terms, None) {
            Ok(verdict) => Ok(verdict),
            Err(Hitch::Unknown(reason)) => Ok(Verdict::Unknown { reason }),
            Err(Hitch::Failure(failure)) => Err(failure),
        }
    }

    /// The verdict about a folder; `book` takes what is found of its packets.
    fn judge(
        &self,
        dir: &Path,
        manifest: &Manifest,
        terms: &Terms<'_>,
        book: Option<&Arc<Book>>,
    ) -> Result<Verdict, Hitch> {
        let unknown = |reason: &str| Err(Hitch::Unknown(reason.to_owned()));
        let all = report::trials(dir)?;
        if let Some(text) = terms.expected.filter(|text| !text.lines().eq(manifest.study.scenario.lines())) {
            return Ok(Verdict::of_another(text, manifest, all.len()));
        }
        if let Some(reason) = manifest.unrepeatable(terms.program.as_ref()) {
            return Err(Hitch::Unknown(reason));
        }
        let study = &manifest.study;
        let plan = self.plan(manifest).map_err(Hitch::Unknown)?;
        let own = study_of(&plan, study.scenario.clone(), study.overrides.clone());
        if let Some(key) = study.contradicts(&own) {
            return Err(Hitch::Unknown(format!("its manifest contradicts its own scenario in `{key}`")));
        }
        let torn = report::has_torn_row(dir)?;
        if all.is_empty() && torn {
            return unknown("it has no finished trial: the last row of its trials.csv has no line break");
        } else if all.is_empty() {
            return unknown("it has no finished trial");
        }
        // Rows that the scenario does not have are differences, and so are those that the journal alone has.
        let of_plan = |trial: &(usize, u32)| trial.0 < plan.cells() && trial.1 < plan.trials();
        let there: BTreeSet<(usize, u32)> = all.iter().copied().filter(of_plan).collect();
        let chosen = if self.quick {
            sample(&there, terms.chance)
        } else {
            let lost = report::lost_trials(dir)?;
            there.into_iter().chain(lost.into_iter().filter(of_plan)).collect()
        };
        self.check_time(&plan, chosen.len())?;
        let again = tempfile::Builder::new().prefix("testbed-verify-").tempdir();
        let again = again.map_err(|error| {
            let problem = format!("cannot make a temporary folder: {error}");
            Hitch::Failure(Failure::other(problem, "set TMPDIR to one that can be written"))
        })?;
        self.run_again(&plan, manifest, &chosen, again.path(), &terms.stop, book)?;
        let comparison = if self.quick {
            report::compare_some(dir, manifest, again.path(), &chosen)?
        } else {
            let pictures = manifest.sha256.keys().any(|name| name.starts_with("plots/"));
            report::finish(again.path(), manifest.finished.as_deref().unwrap_or_default(), pictures)?;
            report::compare_all(dir, manifest, again.path())?
        };
        let planned = plan.every_trial().count();
        let trials = Trials { again: chosen.len(), finished: all.len(), planned, torn };
        Ok(match comparison {
            Comparison { files: 0, missing, unjudged, .. } => Verdict::Same { trials, missing, unjudged },
            comparison => Verdict::Different { trials, comparison },
        })
    }

    /// Threads, and memory of each.
    fn means(&self) -> (usize, Bytes) {
        let jobs = self.jobs.map_or_else(processors, usize::from);
        (jobs, self.memory.unwrap_or_else(|| memory::share(jobs)))
    }

    /// A reason to let be what would take longer than `--within`.
    fn check_time(&self, plan: &Plan, trials: usize) -> Result<(), Hitch> {
        let span = plan.base.duration.as_nanos().saturating_mul(trials as u64);
        if Duration::from_nanos(span) < SURELY_SHORT {
            return Ok(());
        }
        let (jobs, memory) = self.means();
        let Pace::Seconds(each) = runner::pace(plan, plan.cells() - 1, memory.0) else { return Ok(()) };
        let seconds = each * trials as f64 / jobs as f64;
        if seconds <= self.within.as_secs_f64() {
            return Ok(());
        }
        let about = humantime::format_duration(std::time::Duration::from_secs(seconds as u64));
        Err(Hitch::Unknown(format!("to run it again would take about {about}; --within TIME allows it")))
    }

    /// The plan of a run, from its manifest alone but for the files that its scenario names.
    fn plan(&self, manifest: &Manifest) -> Result<Plan, String> {
        let study = &manifest.study;
        let file = self.scenario.clone().unwrap_or_else(|| PathBuf::from(&manifest.file));
        let name = format!("{}.toml", study.name);
        let mut other = None;
        // Judged before it is read as anything, so that no error quotes a file that the run did not have.
        let mut load = |named: &str| {
            let then = study.files.get(named);
            let bytes = if then.is_some() { beside(&file, named)? } else { Vec::new() };
            let same = then.is_some_and(|then| then.sha256 == Fingerprint::of(&bytes).sha256);
            same.then_some(bytes).ok_or_else(|| {
                other.get_or_insert(named.to_owned());
                std::io::ErrorKind::InvalidData.into()
            })
        };
        let plan = Plan::parse_with(&name, &study.scenario, &study.overrides, &mut load);
        if let Some(name) = other {
            return Err(format!("{name}, which its scenario reads, is another file here"));
        }
        plan.map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches([' ', '\u{d7}']);
            format!(
                "its scenario cannot be read: {first} (--scenario FILE says where files that it names lie)"
            )
        })
    }

    fn run_again(
        &self,
        plan: &Plan,
        manifest: &Manifest,
        trials: &BTreeSet<(usize, u32)>,
        dir: &Path,
        stop: &AtomicBool,
        book: Option<&Arc<Book>>,
    ) -> Result<(), Hitch> {
        let mut folder = ResultFolder::again(dir, manifest)?;
        let bar = Progress::new(plan.name(), trials.len() as u64, 0, "trials", self.quiet || self.json);
        let (jobs, memory) = self.means();
        let plainly = runner::in_virtual_time(memory.0);
        let audited = book.map(|book| book.audit(memory.0));
        let execute: &Execute = audited.as_ref().map_or(&plainly, |audited| audited);
        let mut failed = Vec::new();
        let filing = Filing { folder: &mut folder, bar: &bar, failed: &mut failed };
        let ending = runner::run(plan, &|trial| !trials.contains(&trial), jobs, execute, stop, filing);
        bar.finish();
        if let Some(reason) = failed.into_iter().next() {
            return Err(Hitch::Unknown(format!("run again, {reason}")));
        }
        match ending {
            Ok(Ending::Complete) => Ok(()),
            Ok(Ending::Stopped) => Err(Hitch::Failure(Failure::Interrupted)),
            Err(RunError::Halted { halt, .. }) => {
                Err(Hitch::Unknown(format!("run again, {halt} (--memory)")))
            }
            // Of the temporary folder, which all others need as well.
            Err(error) => Err(Hitch::Failure(run::explained(error, &manifest.command))),
        }
    }
}

/// A choice that nobody foresees.
fn chance() -> u64 {
    RandomState::new().hash_one(()) >> 32
}

/// A tenth of the trials, at least three.
fn sample(all: &BTreeSet<(usize, u32)>, chance: u64) -> BTreeSet<(usize, u32)> {
    let mut rng = Seed(chance).stream("sample of trials");
    let mut left: Vec<(usize, u32)> = all.iter().copied().collect();
    let wanted = left.len().div_ceil(10).max(3).min(left.len());
    (0..wanted).map(|_| left.swap_remove(rng.below(left.len() as u64) as usize)).collect()
}
