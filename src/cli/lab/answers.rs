//! A student's folder as it is read: answers, predictions as they were first written, tries.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Value;

use super::question::is_blank;
use super::sheet::Lab;
use super::sitting::{self, Sitting};
use crate::cli::output::Failure;
use crate::cli::system;
use crate::report::version::{RESULTS, VERSION};

/// The file with a student's answers.
pub const ANSWERS: &str = "answers.toml";

/// The file with what was written when: tries, and predictions as they were first.
const LOG: &str = "progress.json";

/// Most bytes of a student's file that are read.
const MOST_BYTES: u64 = 1 << 20;

/// `answers.toml`.
#[derive(Debug, Deserialize)]
pub struct Answers {
    lab: String,
    student: String,
    /// Version of the program that wrote the bundle, and number of its results.
    pub testbed: String,
    pub results: u32,
    #[serde(flatten)]
    pub entries: BTreeMap<String, Entry>,
}

/// Prediction and answer of one question.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    prediction: Option<Value>,
    answer: Option<Value>,
}

/// Tries and first predictions, by question.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Log(BTreeMap<String, Tries>);

/// Tries at one question.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tries {
    /// Number of different wrong answers.
    pub wrong: u32,
    /// The prediction as it was first.
    pub prediction: Option<Value>,
    last: Option<Value>,
}

impl Answers {
    /// The answers in a folder, with the lab and the student that they are of.
    pub fn read(dir: &Path) -> Result<(Answers, Sitting), String> {
        if !dir.is_dir() {
            let what = if dir.exists() { "not a folder" } else { "not there" };
            return Err(format!("{} is {what}: name the folder that `testbed lab new` wrote", dir.display()));
        }
        let text = text_of(&dir.join(ANSWERS))?;
        let answers: Answers =
            toml::from_str(&text).map_err(|error| format!("{ANSWERS}: {}", first_lines(&error)))?;
        let lab = Lab::by_name(&answers.lab)
            .ok_or_else(|| format!("{ANSWERS}: there is no lab {:?}", answers.lab))?;
        let student =
            sitting::student(&answers.student).map_err(|problem| format!("{ANSWERS}: {problem}"))?;
        let sitting = Sitting::of(lab, &student);
        let known = |id: &&String| sitting.sheet.questions().all(|question| question.id != **id);
        if let Some(odd) = answers.entries.keys().find(known) {
            return Err(format!("{ANSWERS}: there is no question `{odd}` in lab {}", lab.id));
        }
        Ok((answers, sitting))
    }

    /// The answer to a question; `None` if nothing is written.
    pub fn answer(&self, id: &str) -> Option<&Value> {
        self.entries.get(id)?.answer.as_ref().filter(|value| !is_blank(value))
    }

    /// The prediction for a question.
    pub fn prediction(&self, id: &str) -> Option<&Value> {
        self.entries.get(id)?.prediction.as_ref().filter(|value| !is_blank(value))
    }

    /// Reason for which this program's key may be another; `None` if it is the bundle's.
    pub fn of_another_version(&self) -> Option<String> {
        let same = self.results == RESULTS && self.testbed == VERSION;
        (!same).then(|| {
            format!(
                "version {} wrote the bundle, with results of number {}; this is {VERSION} with {RESULTS}",
                self.testbed, self.results
            )
        })
    }
}

impl Log {
    /// The log in a folder; a broken one is none.
    pub fn read(dir: &Path) -> Log {
        text_of(&dir.join(LOG)).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    pub fn write(&self, dir: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).expect("a log is JSON");
        replace(&dir.join(LOG), &(text + "\n")).map_err(|error| {
            Failure::other(format!("cannot write {LOG}: {error}"), "check in a folder that you may write to")
        })
    }

    /// The prediction as it was first written, which from now on is this one.
    pub fn predicted<'a>(&'a mut self, id: &str, prediction: &Value) -> &'a Value {
        self.0.entry(id.to_owned()).or_default().prediction.get_or_insert_with(|| prediction.clone())
    }

    /// Number of wrong answers to a question, with this one, which may be the last again.
    pub fn tried(&mut self, id: &str, answer: &Value) -> u32 {
        let tries = self.0.entry(id.to_owned()).or_default();
        if tries.last.as_ref() != Some(answer) {
            tries.last = Some(answer.clone());
            tries.wrong += 1;
        }
        tries.wrong
    }

    /// Tries at a question.
    pub fn of(&self, id: &str) -> Tries {
        self.0.get(id).cloned().unwrap_or_default()
    }
}

/// The text of a file that somebody handed in; a link, which may lead anywhere, is refused.
pub fn text_of(file: &Path) -> Result<String, String> {
    use std::io::Read as _;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let found = std::fs::symlink_metadata(file).map_err(|error| format!("{name}: {error}"))?;
    if !found.is_file() {
        return Err(format!("{name} is no regular file"));
    }
    let mut text = String::new();
    let read = std::fs::File::open(file).and_then(|open| open.take(MOST_BYTES).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| format!("{name}: {error}"))
}

/// Writes a file in a folder of somebody's, whole or not at all; a link in its place goes, and is not followed.
pub fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    system::share(&mut builder);
    let mut written = builder.tempfile_in(dir)?;
    written.write_all(text.as_bytes())?;
    written.persist(file)?;
    Ok(())
}

/// Warns of students with more than one folder.
pub fn warn_of_twice<'a>(hand_ins: impl Iterator<Item = (&'a str, &'a Path)>) {
    let mut folders: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (student, folder) in hand_ins.filter(|(student, _)| !student.is_empty()) {
        folders.entry(student).or_default().push(folder.display().to_string());
    }
    for (student, folders) in folders.iter().filter(|(_, folders)| folders.len() > 1) {
        let list = folders.join(", ");
        eprintln!("warning: student {student} has {} hand-ins: {list}", folders.len());
    }
}

/// An error of TOML in one line, with its place.
fn first_lines(error: &toml::de::Error) -> String {
    let text = error.to_string();
    let place = text.lines().next().unwrap_or_default();
    let mut words = error.message().lines();
    format!("{}: {}", place.trim_start_matches("TOML parse error at "), words.next().unwrap_or_default())
}
