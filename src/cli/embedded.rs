//! The command line's work for a program around it: without a terminal, signals or an end of the process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::compare::{pairing, side_by_side};
use super::output::{Failure, planned, text_in};
use super::run::{Run, Task};
use crate::report::version::Program;
use crate::report::{self, Report, ReportError};
use crate::scenario::{PictureFormat, Plan, PlotSpec, ScenarioError, Severity, Source};

/// A run that was asked for.
#[derive(Clone, Debug)]
pub struct Order {
    /// The scenario file, or what the text is called.
    pub file: PathBuf,
    /// The scenario, if it is not to be read from the file.
    pub text: Option<String>,
    /// Dotted keys with their values, as `--set` takes them.
    pub sets: Vec<String>,
    /// Folder for the results.
    pub out: PathBuf,
    /// Threads; all processors if not given.
    pub jobs: Option<u16>,
    /// Bytes of memory that a trial may take.
    pub memory: Option<u64>,
    /// True if the pictures are drawn.
    pub pictures: bool,
    /// True if results that are there are replaced.
    pub force: bool,
    /// Name and SHA-256 of the program's own controllers, if it has some.
    pub program: Option<(String, String)>,
}

/// Findings of a folder, in words.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The aligned table.
    pub table: String,
    /// Sentences that compare the cells.
    pub verdict: Vec<String>,
    /// The scenario's claims, each with its judgement: if it holds, and in words.
    pub claims: Vec<(bool, String)>,
    /// Problems to look at before trusting the figures.
    pub warnings: Vec<String>,
    /// Trials whose controllers could not go on.
    pub failed: Vec<String>,
}

/// Reason for which there are no findings.
#[derive(Clone, Debug)]
pub enum Problem {
    /// The scenario is wrong.
    Scenario {
        /// All problems, drawn with their carets.
        text: String,
        /// Name of the file; `--set` where the first problem lies in an argument.
        file: String,
        /// Line and column of the first problem, from 1.
        place: (usize, usize),
    },
    /// It was interrupted.
    Interrupted,
    /// Something else.
    Other {
        /// Description of the problem.
        problem: String,
        /// Mend.
        help: String,
    },
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Problem {
        match failure {
            Failure::Scenario(error) => Problem::from(*error),
            Failure::Usage { problem, help } | Failure::Other { problem, help } => {
                Problem::Other { problem, help }
            }
            Failure::Refuted(problem) => Problem::Other { problem, help: String::new() },
            Failure::Interrupted | Failure::ClosedPipe => Problem::Interrupted,
        }
    }
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Problem {
        Failure::from(error).into()
    }
}

impl From<ScenarioError> for Problem {
    fn from(error: ScenarioError) -> Problem {
        let text = error.render(false);
        let first = error.problems.iter().find(|problem| problem.severity == Severity::Error);
        let place = first.map(|problem| problem.place).unwrap_or_default();
        let file = match place.source {
            Source::File => error.texts.file.clone(),
            Source::Set(_) => "--set".to_owned(),
        };
        let before = error.texts.of(place.source).get(..place.start).unwrap_or("");
        let column = 1 + before.chars().rev().take_while(|&c| c != '\n').count();
        Problem::Scenario { text, file, place: (error.texts.line(place), column) }
    }
}

impl From<Report> for Findings {
    fn from(report: Report) -> Findings {
        let report = report.findings;
        Findings {
            table: report.table,
            verdict: report.verdict,
            claims: report.claims.iter().map(|claim| (!claim.is_refuted(), claim.text.clone())).collect(),
            warnings: report.warnings.iter().map(ToString::to_string).collect(),
            failed: Vec::new(),
        }
    }
}

/// Plan of a scenario from its file, or from a text that goes by this name, and its text.
pub fn plan(file: &Path, text: Option<&str>, sets: &[String]) -> Result<(Plan, String), Problem> {
    let text = text.map_or_else(|| text_in(file), |text| Ok(text.to_owned()))?;
    Ok((planned(file, &text, sets)?, text))
}

/// Runs a scenario; `stop` ends it early, `tell` hears of the trials that are done and of all.
pub fn run(order: &Order, stop: &AtomicBool, tell: &(dyn Fn(u64, u64) + Sync)) -> Result<Findings, Problem> {
    let (plan, text) = plan(&order.file, order.text.as_deref(), &order.sets)?;
    let odd = plan.render_warnings(false);
    let total = plan.every_trial().count() as u64;
    let done = AtomicU64::new(0);
    tell(0, total);
    let count = || tell(1 + done.fetch_add(1, Ordering::Relaxed), total);
    let program = order.program.clone().map(|(name, sha256)| Program { name, sha256 });
    let task = Task { file: &order.file, plan: &plan, text, dir: &order.out, program, tell: Some(&count) };
    let (report, failed) = Run::quietly(order, order.sets.clone()).run_one(task, stop)?;
    let mut findings = Findings { failed, ..report.into() };
    if !odd.is_empty() {
        findings.warnings.insert(0, odd);
    }
    Ok(findings)
}

/// Findings of a result folder, in which nothing changes.
pub fn read(dir: &Path) -> Result<Findings, Problem> {
    Ok(report::read(dir)?.into())
}

/// One figure of a result folder as SVG.
pub fn draw(dir: &Path, spec: &PlotSpec) -> Result<String, Problem> {
    let unwritten = |error: std::io::Error| Failure::other(format!("cannot draw: {error}"), "see TMPDIR");
    let folder = tempfile::tempdir().map_err(unwritten)?;
    let file = folder.path().join("figure.svg");
    let spec = PlotSpec { format: vec![PictureFormat::Svg], ..spec.clone() };
    report::draw(dir, &spec, Some(&file), false)?;
    Ok(std::fs::read_to_string(&file).map_err(unwritten)?)
}

/// A comparison of result folders in one of the forms of `testbed compare`, and its doubts; `paired` is an axis whose
/// first value, or the one behind `=`, is set against each other one.
pub fn compare(dirs: &[PathBuf], paired: Option<&str>, form: &str) -> Result<(String, Vec<String>), Problem> {
    let (beside, doubts) = side_by_side(dirs)?;
    let paired = paired.map(|words| pairing(&beside, words)).transpose()?;
    let form = form.parse().map_err(|error| Failure::usage(error, "write table, md, csv, json or latex"))?;
    let text = match paired {
        Some(pairing) => beside.paired(&pairing, form),
        None => beside.side_by_side(None, form),
    };
    Ok((text, doubts))
}

/// Words that begin this command line in a process of its own, where a program around it has said them.
static PROGRAM: OnceLock<Vec<OsString>> = OnceLock::new();

/// The command line with these arguments, the program's name first; its exit code. `program` begins it in a process
/// of its own.
pub fn command(program: Vec<OsString>, arguments: Vec<OsString>) -> u8 {
    let _ = PROGRAM.set(program);
    super::run(arguments)
}

/// This command line for a process of its own.
pub fn program() -> std::io::Result<Command> {
    let Some((first, rest)) = PROGRAM.get().and_then(|words| words.split_first()) else {
        return std::env::current_exe().map(Command::new);
    };
    let mut command = Command::new(first);
    command.args(rest);
    Ok(command)
}
