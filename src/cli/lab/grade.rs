//! `testbed lab grade`: one sheet for the class, and Gradescope's file for each hand-in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use serde_json::json;

use super::answers::{Answers, Log, replace, warn_of_twice};
use super::question::Mark;
use super::sitting::{Keys, SCENARIO, Sitting};
use crate::cli::output::{Failure, print};
use crate::cli::places::{check_apart, place_of};
use crate::cli::progress::Progress;
use crate::cli::run::stop_on_interrupt;
use crate::cli::verify::{Verdict, Verify};
use crate::report::Manifest;
use crate::units::plural;

/// Folder with the results in a hand-in.
const RESULTS: &str = "results";

/// Arguments of the command.
#[derive(Debug, Args)]
pub struct Grade {
    /// Folders of students, of one lab
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Write the sheet there as CSV; without it, to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write results.json in Gradescope's format into each folder; or into DIR/FOLDER, of a single hand-in into DIR
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "an option whose value is one, too")]
    gradescope: Option<Option<PathBuf>>,
    /// Run only a tenth of the trials of handed-in results again, at least three
    #[arg(long)]
    quick: bool,
}

/// Findings about a hand-in, the most serious first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    /// It is no student's folder.
    Unreadable,
    /// Its results are not what their run gives.
    Forged,
    /// Nobody can tell of its results.
    Unclear,
    /// Bundle or results are another version's, so that the key may be another.
    OtherVersion,
    /// Nothing is answered.
    Empty,
    /// Some answer is wrong or missing.
    Incomplete,
    /// All is right.
    Complete,
}

/// A row of the sheet.
struct Row {
    folder: PathBuf,
    lab: String,
    student: String,
    status: Status,
    /// Words on the results, or on the reason.
    results: String,
    /// Mark and prediction of each question.
    marks: Vec<(String, Mark, String)>,
}

impl Grade {
    /// Grades all folders, one after the other.
    pub fn execute(self) -> Result<(), Failure> {
        self.check_names()?;
        let stop = stop_on_interrupt("interrupted")?;
        let mut keys: BTreeMap<String, Rc<Keys>> = BTreeMap::new();
        let bar = Progress::new("grade", self.dirs.len() as u64, 0, "hand-ins", false);
        let mut rows = Vec::new();
        for dir in &self.dirs {
            rows.push(self.row(dir, &mut keys, &stop)?);
            bar.advance();
        }
        bar.finish();
        leave_out_others(&mut rows)?;
        warn_of_twice(rows.iter().map(|row| (row.student.as_str(), row.folder.as_path())));
        let text = sheet(&rows);
        let written = match &self.out {
            None => print(&text),
            Some(file) => std::fs::write(file, text)
                .map_err(|error| unwritten(file, &error))
                .and_then(|()| print(&format!("{}\n{} is written\n", counted(&rows), file.display()))),
        };
        let Some(place) = &self.gradescope else { return written };
        let wanted = rows.iter().filter(|row| place.is_some() || row.folder.is_dir());
        // A file that cannot be written spoils no other; the first is told of.
        wanted.map(|row| self.write_gradescope(row, place.as_deref())).fold(written, Result::and)
    }

    fn row(
        &self,
        dir: &Path,
        keys: &mut BTreeMap<String, Rc<Keys>>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Row, Failure> {
        let (answers, sitting) = match Answers::read(dir) {
            Ok(read) => read,
            Err(problem) => return Ok(Row::unreadable(dir, problem)),
        };
        // One run for all who have these parameters.
        let place = sitting.scenario();
        let key = match keys.get(&place) {
            Some(key) => Rc::clone(key),
            None => Rc::clone(keys.entry(place).or_insert(Rc::new(sitting.keys(stop, true)?))),
        };
        let log = Log::read(dir);
        let mark = |question: &super::question::Question| {
            let id = &question.id;
            let prediction = log.of(id).prediction.or_else(|| answers.prediction(id).cloned());
            let prediction = prediction.map(|prediction| prediction.to_string().replace('"', ""));
            (id.clone(), question.mark(answers.answer(id), &key[id]), prediction.unwrap_or_default())
        };
        let marks: Vec<(String, Mark, String)> = sitting.sheet.questions().map(mark).collect();
        let by_answers = if marks.iter().all(|(_, mark, _)| *mark == Mark::Right) {
            Status::Complete
        } else if marks.iter().all(|(_, mark, _)| *mark == Mark::Empty) {
            Status::Empty
        } else {
            Status::Incomplete
        };
        let (by_results, results) = match answers.of_another_version() {
            Some(reason) => (Some(Status::OtherVersion), reason),
            None => self.judged(dir, &sitting, stop)?,
        };
        Ok(Row {
            folder: dir.to_owned(),
            lab: sitting.lab.id.to_owned(),
            student: sitting.student,
            status: by_results.map_or(by_answers, |found| found.min(by_answers)),
            results,
            marks,
        })
    }

    /// Judgement of the results in a folder, which nobody has to hand in.
    fn judged(
        &self,
        dir: &Path,
        sitting: &Sitting,
        stop: &Arc<AtomicBool>,
    ) -> Result<(Option<Status>, String), Failure> {
        let results = dir.join(RESULTS);
        if results.symlink_metadata().is_err() {
            return Ok((None, "none".to_owned()));
        }
        let found = |status: Status, words: &str| Ok((Some(status), words.to_owned()));
        // A link would lead to files of the grader, whose lines a difference quotes.
        if !is_plain(&results) {
            return found(Status::Unclear, "there are links or special files among the results");
        }
        let Ok(manifest) = Manifest::read(&results) else {
            return found(Status::Unclear, "manifest.json cannot be read");
        };
        if let Some(reason) = manifest.unrepeatable(None) {
            return Ok((Some(Status::OtherVersion), reason));
        }
        // An override may name any file and any script, and may run for hours; a lab needs none.
        if !manifest.study.overrides.is_empty() {
            return found(Status::Forged, "of another scenario: changed with --set or an option");
        }
        // Files beside the scenario are taken as they were given out, not as they are in the hand-in.
        let unmade =
            |error: std::io::Error| Failure::other(format!("cannot make a folder: {error}"), "see TMPDIR");
        let given = tempfile::tempdir().map_err(unmade)?;
        sitting.write_files(given.path()).map_err(unmade)?;
        let verify = Verify::of(given.path().join(SCENARIO), self.quick);
        let verdict = verify.one(&results, &manifest, &sitting.scenario(), stop)?;
        Ok(match verdict {
            Verdict::Same { .. } => (None, "same".to_owned()),
            Verdict::Different { comparison, .. } => {
                let first = comparison.differences.first().map(ToString::to_string);
                (Some(Status::Forged), first.unwrap_or_else(|| "different".to_owned()))
            }
            // The reason may quote the hand-in.
            Verdict::Unknown { .. } => {
                return found(
                    Status::Unclear,
                    "no finished trial, or tables or a manifest that cannot be judged",
                );
            }
        })
    }

    /// Folders whose files would be written to one place.
    fn check_names(&self) -> Result<(), Failure> {
        let Some(Some(place)) = &self.gradescope else { return Ok(()) };
        check_apart(&self.dirs, place, "grade them apart, or say --gradescope without DIR")
    }

    fn write_gradescope(&self, row: &Row, place: Option<&Path>) -> Result<(), Failure> {
        let dir = match place {
            None => row.folder.clone(),
            Some(place) => place_of(&row.folder, &self.dirs, place),
        };
        let file = dir.join("results.json");
        let text = serde_json::to_string_pretty(&row.gradescope()).expect("a row is JSON") + "\n";
        let written = std::fs::create_dir_all(&dir).and_then(|()| replace(&file, &text));
        written.map_err(|error| unwritten(&file, &error))
    }
}

impl Status {
    const fn name(self) -> &'static str {
        match self {
            Status::Unreadable => "unreadable",
            Status::Forged => "forged",
            Status::Unclear => "unclear",
            Status::OtherVersion => "other version",
            Status::Empty => "empty",
            Status::Incomplete => "incomplete",
            Status::Complete => "complete",
        }
    }
}

impl Row {
    fn unreadable(dir: &Path, problem: String) -> Row {
        let nothing = String::new;
        Row {
            folder: dir.to_owned(),
            lab: nothing(),
            student: nothing(),
            status: Status::Unreadable,
            results: problem,
            marks: Vec::new(),
        }
    }

    /// Number of right answers; none count beside forged results.
    fn score(&self) -> usize {
        match self.status {
            Status::Forged => 0,
            _ => self.marks.iter().filter(|(_, mark, _)| *mark == Mark::Right).count(),
        }
    }

    /// The hand-in as Gradescope's autograder reads it: `results.json`, with a test for each question.
    fn gradescope(&self) -> serde_json::Value {
        let test = |(id, mark, prediction): &(String, Mark, String)| {
            let counts = *mark == Mark::Right && self.status != Status::Forged;
            json!({
                "name": id,
                "score": u8::from(counts),
                "max_score": 1,
                "status": if counts { "passed" } else { "failed" },
                "output": format!("{}; prediction: {prediction}", mark.name()),
            })
        };
        json!({
            "score": self.score(),
            "output": format!("{}; results: {}", self.status.name(), self.results),
            "visibility": "visible",
            "tests": self.marks.iter().map(test).collect::<Vec<_>>(),
        })
    }
}

impl Mark {
    const fn name(&self) -> &'static str {
        match self {
            Mark::Right => "right",
            Mark::Wrong => "wrong",
            Mark::Empty => "empty",
            Mark::Unreadable(_) => "unreadable",
        }
    }
}

/// The sheet as CSV, in the order of the folders.
fn sheet(rows: &[Row]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let questions: Vec<&String> = rows
        .iter()
        .find(|row| !row.marks.is_empty())
        .map_or(Vec::new(), |row| row.marks.iter().map(|mark| &mark.0).collect());
    let mut head: Vec<String> =
        ["folder", "lab", "student", "status", "score", "of", "results"].map(str::to_owned).into();
    for id in &questions {
        head.extend([(*id).clone(), format!("{id}_prediction")]);
    }
    writer.write_record(&head).expect("memory takes it");
    for row in rows {
        let mut fields = vec![
            row.folder.display().to_string(),
            row.lab.clone(),
            row.student.clone(),
            row.status.name().to_owned(),
            row.score().to_string(),
            questions.len().to_string(),
            row.results.clone(),
        ];
        for (_, mark, prediction) in &row.marks {
            fields.extend([mark.name().to_owned(), prediction.clone()]);
        }
        fields.resize(head.len(), String::new());
        writer.write_record(fields.iter().map(|field| harmless(field))).expect("memory takes it");
    }
    String::from_utf8(writer.into_inner().expect("memory takes it")).expect("fields are text")
}

/// A field that no sheet's program takes for a formula.
fn harmless(field: &str) -> String {
    let is_formula = field.starts_with(['=', '+', '-', '@']) && field.parse::<f64>().is_err();
    if is_formula { format!("'{field}") } else { field.to_owned() }
}

/// `60 hand-ins: 40 complete, 20 empty`.
fn counted(rows: &[Row]) -> String {
    let mut counts: BTreeMap<Status, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.status).or_default() += 1;
    }
    let parts: Vec<String> =
        counts.iter().rev().map(|(status, n)| format!("{n} {}", status.name())).collect();
    format!("{}: {}", plural(rows.len() as u64, "hand-in"), parts.join(", "))
}

/// A sheet has one lab's questions, those of the lab with the most hand-ins; others are not judged.
fn leave_out_others(rows: &mut [Row]) -> Result<(), Failure> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.lab.is_empty()) {
        *counts.entry(&row.lab).or_default() += 1;
    }
    let number = counts.values().copied().max().unwrap_or_default();
    let most: Vec<String> =
        counts.iter().filter(|(_, n)| **n == number).map(|(lab, _)| (*lab).to_owned()).collect();
    let most = match most.as_slice() {
        [] => return Ok(()),
        [most] => most,
        [first, second, ..] => {
            let problem = format!("there are as many hand-ins of {first} as of {second}");
            return Err(Failure::usage(problem, "grade one lab at a time"));
        }
    };
    for row in rows.iter_mut().filter(|row| !row.lab.is_empty() && row.lab != *most) {
        let problem = format!("a hand-in of {}, and the sheet is of {most}", row.lab);
        eprintln!("warning: {}: {problem}; grade one lab at a time", row.folder.display());
        (row.status, row.results, row.marks) = (Status::Unreadable, problem, Vec::new());
    }
    Ok(())
}

/// True if there are folders and regular files only.
fn is_plain(place: &Path) -> bool {
    let Ok(found) = place.symlink_metadata() else { return false };
    if !found.is_dir() {
        return found.is_file();
    }
    let entries = std::fs::read_dir(place);
    entries.is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(|entry| is_plain(&entry.path()))))
}

fn unwritten(file: &Path, error: &std::io::Error) -> Failure {
    Failure::other(format!("cannot write {}: {error}", file.display()), "choose another place")
}
