//! Brings a result folder to the state after its last finished trial, so that a run can go on.
//!
//! A trial is finished if its row in `trials.csv` is complete and all that it left is still there. What a
//! kill, a crash or a hand took away is made again; what was changed is an error. A row that stands twice
//! counts once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;

use super::disk;
use super::done::Done;
use super::error::ReportError;
use super::journal::{self, Entries, Fault, Key};
use super::straight;
use super::whole::{self, Trial, Whole, distinct, rows_of};
use crate::facts::Measure;
use crate::tables::latency;
use crate::tables::reading::{ascends, key};
use crate::tables::rows::Table;
use crate::tables::study::Study;

/// A folder that can go on.
#[derive(Debug, Default)]
pub struct Repaired {
    /// Finished trials.
    pub done: Done,
    /// Trials that are made again although they had been finished, in words.
    pub again: Vec<String>,
}

/// The complete rows of a table by trial, in the order of the file.
pub(super) type Rows<'a> = BTreeMap<Key, Vec<&'a [u8]>>;

/// Trials of a folder.
#[derive(Debug, Default)]
pub struct Trials {
    /// Those that are whole.
    pub whole: BTreeMap<Key, Trial>,
    /// Those that have a row in `trials.csv` and are not, in words.
    pub torn: Vec<String>,
}

/// Removes the rows of unfinished trials from all tables; a table that was never begun gets its header.
pub fn repair(dir: &Path, study: &Study) -> Result<Repaired, ReportError> {
    if let Some(done) = straight::repair(dir, study)? {
        return Ok(Repaired { done, again: Vec::new() });
    }
    let tables = Table::of(study);
    let texts = texts(dir, &tables)?;
    let Trials { whole, torn: again } = examine_all(dir, study, &texts)?;
    for (n, (table, text)) in tables.iter().zip(&texts).enumerate() {
        let mut repaired = table.header(study).into_bytes();
        // In the order in which they were written.
        for key in order(text) {
            repaired.extend(whole.get(&key).into_iter().flat_map(|(_, blocks)| &blocks[n]));
        }
        if repaired != *text {
            disk::replace(&dir.join(table.file()), &repaired)?;
        }
    }
    let kept: BTreeMap<Key, Entries> = whole.into_iter().map(|(key, (entries, _))| (key, entries)).collect();
    journal::write(dir, &kept)?;
    let mut done = Done::of(study);
    for key in kept.keys() {
        done.insert(*key);
    }
    Ok(Repaired { done, again })
}

/// The finished trials of a folder that stays as it is.
pub fn read(dir: &Path, study: &Study) -> Result<Trials, ReportError> {
    examine_all(dir, study, &texts(dir, &Table::of(study))?)
}

fn texts(dir: &Path, tables: &[Table]) -> Result<Vec<Vec<u8>>, ReportError> {
    tables.iter().map(|table| disk::read_if_there(&dir.join(table.file()))).collect()
}

/// Holds every trial that has a row in `trials.csv` against what it left; `texts` are those of the tables.
fn examine_all(dir: &Path, study: &Study, texts: &[Vec<u8>]) -> Result<Trials, ReportError> {
    let tables = Table::of(study);
    let rows: Vec<Rows<'_>> = texts.iter().map(|text| rows(text)).collect();
    let Some((trials, others)) = texts.split_last() else { unreachable!("trials.csv is one of them") };
    let mut finished = order(trials);
    let begun = |(table, text): (&Table, &Vec<u8>)| text.starts_with(table.header(study).as_bytes());
    if !tables.iter().zip(texts).all(begun) {
        finished.clear();
    }
    let journal = journal::read(dir)?;
    // Rows are written before the one in trials.csv; if one of them is torn all the same (a crash of
    // the machine may lose the end of any file), and nothing says which, the last trial is not trusted.
    let torn = others.iter().any(|text| !text.is_empty() && !text.ends_with(b"\n"));
    if journal.is_none() && torn && trials.ends_with(b"\n") {
        finished.pop();
    }

    let mut all = Trials::default();
    for key in finished {
        let found: Vec<Vec<&[u8]>> =
            rows.iter().map(|rows| rows.get(&key).cloned().unwrap_or_default()).collect();
        let whole = match &journal {
            Some(journal) => whole::examine(dir, &tables, journal.get(&key), &found)?,
            None => adopt(dir, study, key, &found)?,
        };
        match whole {
            Ok(trial) => drop(all.whole.insert(key, trial)),
            Err(Fault::Changed(file)) => {
                let what = format!("{file} has been changed since the run wrote it");
                return Err(ReportError::Changed { path: dir.to_owned(), what });
            }
            Err(Fault::Lost(file)) => {
                let cell = if study.cells() > 1 {
                    format!("cell {}, ", study.cell_name(key.0))
                } else {
                    String::new()
                };
                all.torn.push(format!("{cell}trial {}: {file} is gone or cut short", key.1));
            }
        }
    }
    Ok(all)
}

/// Takes a trial of an older version, which kept no journal, as it is.
fn adopt(dir: &Path, study: &Study, key: Key, rows: &[Vec<&[u8]>]) -> Result<Whole, ReportError> {
    let log = latency::log_path(study, key.0, key.1);
    if study.measures(Measure::Latency) && !dir.join(&log).exists() {
        return Ok(Err(Fault::Lost(log.display().to_string())));
    }
    let mut entries = journal::adopt(dir, study, key)?;
    let mut blocks = Vec::new();
    for (table, rows) in Table::of(study).iter().zip(rows) {
        let rows = distinct(rows);
        // Two runs at once differ in the time that a trial took.
        let block = if *table == Table::Trials { rows[..1].concat() } else { rows.concat() };
        entries.insert(table.file().to_owned(), journal::print(*table, &block));
        blocks.push(block);
    }
    Ok(Ok((entries, blocks)))
}

/// The complete rows of a table by trial.
pub(super) fn rows(text: &[u8]) -> Rows<'_> {
    let mut rows = Rows::new();
    for line in whole_lines(text).skip(1) {
        if let Some(key) = key(line) {
            rows.entry(key).or_default().push(line);
        }
    }
    rows
}

/// The trials that have rows, in the order of their first ones.
pub(super) fn order(text: &[u8]) -> Vec<Key> {
    let mut seen = BTreeSet::new();
    whole_lines(text).skip(1).filter_map(key).filter(|key| seen.insert(*key)).collect()
}

/// The lines that end in a line break, with it.
fn whole_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    rows_of(text).filter(|line| line.ends_with(b"\n"))
}

/// Puts the rows of all tables, and the journal, in the order of cells and trials, in which an unbroken run writes them: a
/// trial that was made again, or added, stands at the end.
pub fn put_in_order(dir: &Path, study: &Study) -> Result<(), ReportError> {
    for table in Table::of(study) {
        let path = dir.join(table.file());
        // As a run on a single machine leaves it, of whatever size.
        if ascends(disk::open(&path)?).map_err(ReportError::io("read", &path))? {
            continue;
        }
        let text = disk::read(&path)?;
        let keys = order(&text);
        if !keys.is_sorted() {
            let mut sorted = table.header(study).into_bytes();
            sorted.extend(rows(&text).into_values().flatten().flatten());
            disk::replace(&path, &sorted)?;
        }
    }
    journal::put_in_order(dir)
}

/// Number of trials that a folder has finished, as far as its `trials.csv` says so.
pub fn count_finished(dir: &Path) -> Result<usize, ReportError> {
    let path = dir.join(Table::Trials.file());
    if !path.exists() {
        return Ok(0);
    }
    let count = count_if_ascending(disk::open(&path)?).map_err(ReportError::io("read", &path))?;
    count.map_or_else(|| Ok(order(&disk::read(&path)?).len()), Ok)
}

/// Number of trials that have complete lines in a table; `None` if they are not in order.
fn count_if_ascending(table: impl Read) -> io::Result<Option<usize>> {
    let mut table = BufReader::new(table);
    let (mut line, mut last, mut count) = (Vec::new(), None, 0);
    table.skip_until(b'\n')?;
    while table.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        let key = key(&line);
        if key.is_some() && key < last {
            return Ok(None);
        }
        count += usize::from(key.is_some() && key != last);
        last = key.or(last);
        line.clear();
    }
    Ok(Some(count))
}

/// A table with each row once.
pub fn without_repeats(table: &[u8]) -> Vec<u8> {
    distinct(&rows_of(table).collect::<Vec<_>>()).concat()
}
