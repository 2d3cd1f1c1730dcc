//! A result folder beside one made again: whether its files are what its run gives.
//!
//! Records are compared row by row and byte by byte, but for the wall time of a trial; what is computed from
//! records, too. Nothing of the folder is trusted but its scenario, seed and changes, so that a forged hash
//! hides no forged row.

mod rows;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::disk::Disk;
use super::error::ReportError;
use super::journal::{self, Key};
use super::manifest::Manifest;
use super::resume::{self, order};
use super::version::{self, Program};
use super::{disk, layout};
use crate::rng;
use crate::tables::results::Results;
use crate::tables::rows::Table;
use crate::tables::study::Study;
use crate::tables::{Means, bottleneck, captures, latency, series};
use crate::units::plural;
use rows::{compare_rows, difference, fields, lines};

/// Witnesses in a folder against its own files.
const BY_HASH: &str = "the manifest's hash";
const BY_JOURNAL: &str = "the journal";

/// Characters of a line that are quoted.
const QUOTED: usize = 120;

/// A file that is longer by so much, and by this factor, than that of the run need not be read.
const LONGER: u64 = 1 << 20;
const FACTOR: u64 = 4;

/// Differences that are named; of more, their number says enough.
const NAMED: usize = 5;

/// A file that is not what the run gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The file, by its path below the folder.
    pub file: String,
    /// The line in it, counted from 1, where it has lines.
    pub line: Option<usize>,
    /// The column that differs first, where it has columns.
    pub column: Option<String>,
    /// Text that stands there.
    pub found: String,
    /// Text that the run gives.
    pub expected: String,
    /// The trial (cell, repetition) that has too few rows or too many there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<Key>,
}

impl Difference {
    /// That of a file as a whole.
    fn of_file(name: &str) -> Difference {
        Difference::of(name, None, ["", ""])
    }

    /// That of a line, or of a part that has no number.
    pub fn of(file: &str, line: Option<usize>, [found, expected]: [&str; 2]) -> Difference {
        let [file, found, expected] = [file, found, expected].map(str::to_owned);
        Difference { file, line, column: None, found, expected, trial: None }
    }

    /// That of a trial's rows, by their numbers.
    fn of_rows(file: &str, study: &Study, (cell, trial): Key, [found, expected]: [usize; 2]) -> Difference {
        let number = |n: usize| match n {
            0 => "no row".to_owned(),
            n => plural(n as u64, "row"),
        };
        let cell_of =
            if study.cells() > 1 { format!("cell {}, ", study.cell_name(cell)) } else { String::new() };
        let found = format!("{} of {cell_of}trial {trial}", number(found));
        let expected = if expected == 0 { "none".to_owned() } else { expected.to_string() };
        Difference { trial: Some((cell, trial)), ..Difference::of(file, None, [&found, &expected]) }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", {column}")?;
        }
        let [found, expected] = [&self.found, &self.expected].map(|text| shortened(text));
        match (found.as_str(), expected.as_str()) {
            ("", "") => f.write_str(" is not what the run gives"),
            ("", by @ (BY_HASH | BY_JOURNAL)) => write!(f, " is not what {by} says"),
            (found, "") => write!(f, ": {found} stands there; the run gives nothing"),
            (rows, number) if self.trial.is_some() => write!(f, ": {rows}; the run gives {number}"),
            ("", expected) => write!(f, ": nothing stands there; the run gives {expected}"),
            (found, expected) => write!(f, ": {found} stands there; the run gives {expected}"),
        }
    }
}

/// Outcome of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The first differences: missing or surplus rows of `trials.csv` before those of all files, and one of each file
    /// before a second one.
    pub differences: Vec<Difference>,
    /// Number of files that differ.
    pub files: usize,
    /// Those of which no difference is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
    /// Files that the run gives and the folder does not have.
    pub missing: Vec<String>,
    /// Page and pictures that another build, or one that is not known, drew otherwise: they are of the same tables, and
    /// not judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unjudged: Vec<String>,
}

impl Comparison {
    fn take(&mut self, mut found: Vec<Difference>) {
        self.files += usize::from(!found.is_empty());
        found.truncate(NAMED);
        self.differences.append(&mut found);
    }

    /// With the differences that are worth naming alone.
    fn in_brief(mut self) -> Comparison {
        let all = std::mem::take(&mut self.differences);
        let mut files = BTreeSet::new();
        let mut rank = |(n, found): (usize, &'_ Difference)| {
            let is_first = files.insert(found.file.clone());
            let is_of_trials = found.file == Table::Trials.file();
            let is_drawn = layout::is_drawn(&found.file);
            (!is_of_trials || found.trial.is_none(), !is_first, is_drawn, !is_of_trials, n)
        };
        let mut ranks: Vec<_> = all.iter().enumerate().map(&mut rank).collect();
        ranks.sort_unstable();
        // Those of trials.csv first, all others as they came.
        let mut named: Vec<(bool, usize)> =
            ranks.iter().take(NAMED).map(|&(.., is_other, n)| (is_other, n)).collect();
        named.sort_unstable();
        self.differences = named.iter().map(|&(_, n)| all[n].clone()).collect();
        for named in &self.differences {
            files.remove(&named.file);
        }
        self.others = files.into_iter().collect();
        self
    }
}

impl Manifest {
    /// Reason for which this program's run of the same scenario may give other bytes; `None` if it gives the same.
    pub fn unrepeatable(&self, program: Option<&Program>) -> Option<String> {
        if self.study.live {
            Some("it ran in real time, which no run repeats".to_owned())
        } else if self.results != version::RESULTS {
            let (theirs, ours) = (self.results, version::RESULTS);
            let by = self.made_by();
            Some(format!("version {by} made it, with results of number {theirs}; this one's are {ours}"))
        } else if !self.is_of_this_program(program) {
            Some(format!(
                "version {} made it, whose figures may differ from those of this one",
                self.made_by()
            ))
        } else {
            None
        }
    }

    /// True if a build of this version with that revision is the one that drew page and pictures. Of changed sources
    /// nobody knows; without a revision, outside a clone, the version is all that there is.
    fn is_drawn_by(&self, revision: &str) -> bool {
        self.revision == revision && !revision.ends_with('+')
    }

    /// True if this program, with these controllers of its own, gives the same bytes.
    fn is_of_this_program(&self, program: Option<&Program>) -> bool {
        let this = Manifest {
            version: version::VERSION.to_owned(),
            results: version::RESULTS,
            generator: rng::ALGORITHM.to_owned(),
            program: program.cloned(),
            ..self.clone()
        };
        this.has_same_bytes(self)
    }
}

/// Trials of a folder that its `trials.csv` has, in order.
pub fn trials(dir: &Path) -> Result<BTreeSet<Key>, ReportError> {
    Ok(order(&disk::read(&dir.join(Table::Trials.file()))?).into_iter().collect())
}

/// Trials that a folder's journal has and its `trials.csv` lacks.
pub fn lost_trials(dir: &Path) -> Result<BTreeSet<Key>, ReportError> {
    let journal = journal::read(dir)?.unwrap_or_default();
    let there = trials(dir)?;
    Ok(journal.into_keys().filter(|key| !there.contains(key)).collect())
}

/// True if the last row of its `trials.csv` has no line break, as a killed run may leave it: it counts for nothing.
pub fn has_torn_row(dir: &Path) -> Result<bool, ReportError> {
    let text = disk::read(&dir.join(Table::Trials.file()))?;
    Ok(text.last().is_some_and(|last| *last != b'\n'))
}

/// Compares every file of a run in `dir` with that in `again`, where all of its trials were made again and
/// [finished](super::finish).
pub fn compare_all(dir: &Path, manifest: &Manifest, again: &Path) -> Result<Comparison, ReportError> {
    let drawn_here = manifest.is_drawn_by(version::REVISION);
    let mut comparison = Comparison::default();
    let mut names = BTreeSet::new();
    for place in [dir, again] {
        names.extend(
            layout::FILES.iter().filter(|name| place.join(name).exists()).map(|name| (*name).to_owned()),
        );
        for folder in layout::FOLDERS {
            names.extend(layout::files_below(place, folder)?);
        }
    }
    names.retain(|name| !layout::is_draft(name));
    for name in names {
        let mut found = Comparison::default();
        compare_file(dir, &manifest.study, again, &name, &mut found)?;
        comparison.missing.append(&mut found.missing);
        if drawn_here || !layout::is_drawn(&name) {
            comparison.take(found.differences);
        } else if !found.differences.is_empty() {
            comparison.unjudged.push(name);
        }
    }
    Ok(comparison.in_brief())
}

/// Compares what a few trials left in `dir` with the same trials in `again`, and what is computed from the
/// records of `dir` with its summary and percentiles; and every file with its hash in the manifest, which a
/// clumsy hand forgets.
pub fn compare_some(
    dir: &Path,
    manifest: &Manifest,
    again: &Path,
    trials: &BTreeSet<Key>,
) -> Result<Comparison, ReportError> {
    let (study, mut comparison) = (&manifest.study, Comparison::default());
    for table in Table::of(study) {
        if !dir.join(table.file()).exists() {
            comparison.missing.push(table.file().to_owned());
            continue;
        }
        let texts = [dir, again].map(|place| disk::read(&place.join(table.file())));
        let [found, expected] = texts;
        let (found, expected) = (found?, expected?);
        let of = |text: &[u8]| -> Vec<u8> {
            let mut rows = resume::rows(text);
            rows.retain(|key, _| trials.contains(key));
            rows.into_values().flatten().flatten().copied().collect()
        };
        let mut differences = compare_rows(table, study, &of(&found), &of(&expected));
        // Lines of a part are not those of the file.
        for difference in &mut differences {
            difference.line = None;
        }
        if table == Table::Trials {
            let lost = lost_trials(dir)?;
            let rows = lost.into_iter().map(|key| Difference::of_rows(table.file(), study, key, [0, 1]));
            differences.extend(rows);
        }
        comparison.take(differences);
    }
    for &(cell, trial) in trials {
        for name in files_of(&[dir, again], study, cell, trial)? {
            compare_file(dir, study, again, &name, &mut comparison)?;
        }
    }
    for name in manifest.changed_files(dir)? {
        comparison.take(vec![Difference::of(&name, None, ["", BY_HASH])]);
    }
    match resume::read(dir, study) {
        Ok(_) => {}
        // A row whose fingerprint nobody mended in the journal.
        Err(ReportError::Changed { what, .. }) => {
            let found = what.split_whitespace().next().unwrap_or_default();
            comparison.take(vec![Difference::of(found, None, ["", BY_JOURNAL])]);
        }
        Err(error) => return Err(error),
    }
    if !comparison.missing.is_empty() {
        return Ok(comparison.in_brief());
    }
    let mut results = Results::load(Arc::new(Disk::of(dir)), study)?;
    bottleneck::settle(&mut [&mut results])?;
    for (name, expected) in Means::of(&results)?.files(&results)? {
        let found = disk::read_if_there(&dir.join(&name))?;
        if found.is_empty() {
            comparison.missing.push(name);
        } else {
            comparison.take(compare_lines(&name, &found, expected.as_bytes()));
        }
    }
    Ok(comparison.in_brief())
}

/// The files of a trial alone that are in any of these folders.
fn files_of(dirs: &[&Path], study: &Study, cell: usize, trial: u32) -> Result<BTreeSet<String>, ReportError> {
    let log = latency::log_path(study, cell, trial);
    let mut names = BTreeSet::new();
    for dir in dirs {
        names.extend(Some(log.display().to_string()).filter(|_| dir.join(&log).exists()));
        let captures = captures::folders(study, cell, trial);
        for folder in [series::folder(study, cell, trial)].iter().chain(&captures) {
            let files = layout::files_below(dir, &folder.display().to_string())?;
            names.extend(files.into_iter().filter(|name| !layout::is_draft(name)));
        }
    }
    Ok(names)
}

fn compare_file(
    dir: &Path,
    study: &Study,
    again: &Path,
    name: &str,
    comparison: &mut Comparison,
) -> Result<(), ReportError> {
    if !dir.join(name).exists() {
        comparison.missing.push(name.to_owned());
        return Ok(());
    }
    let length = |place: &Path| place.join(name).metadata().map_or(0, |found| found.len());
    if length(dir) > FACTOR * length(again) + LONGER {
        comparison.take(vec![Difference::of_file(name)]);
        return Ok(());
    }
    let (found, expected) = (disk::read(&dir.join(name))?, disk::read_if_there(&again.join(name))?);
    let table = Table::of(study).into_iter().find(|table| table.file() == name);
    comparison.take(match table {
        Some(table) => compare_rows(table, study, &found, &expected),
        None => compare_lines(name, &found, &expected),
    });
    Ok(())
}

/// The first difference of a file that is not a table of trials.
fn compare_lines(name: &str, found: &[u8], expected: &[u8]) -> Vec<Difference> {
    if found == expected {
        return Vec::new();
    }
    let kind = Path::new(name).extension().and_then(OsStr::to_str);
    let is_text = matches!(kind, Some("csv" | "hgrm" | "hlog"));
    let (found, expected) = (lines(found), lines(expected));
    let place = (0..found.len().max(expected.len())).find(|n| found.get(*n) != expected.get(*n));
    let Some(n) = place.filter(|_| is_text) else {
        return vec![Difference::of_file(name)];
    };
    let header = expected.first().filter(|_| kind == Some("csv"));
    let columns = header.map_or_else(Vec::new, |line| fields(line));
    let pair = [found.get(n), expected.get(n)].map(|line| line.copied().unwrap_or(""));
    vec![difference(name, n, &columns, pair)]
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= QUOTED {
        text.to_owned()
    } else {
        text.chars().take(QUOTED).collect::<String>() + "…"
    }
}
