//! The folder of an unbroken run, read trial by trial, so that no table is in memory as a whole: what a kill left
//! behind the last whole trial is cut off. A folder with anything else about it is [`resume`](super::resume)'s.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::disk;
use super::done::Done;
use super::error::ReportError;
use super::journal::{self, Entries, Key};
use super::whole::{self, Trial, rows_of};
use crate::tables::reading::key;
use crate::tables::rows::Table;
use crate::tables::study::Study;

/// Cuts off what stands behind the last whole trial in the tables and the journal; the trials that stay. `None`, and
/// nothing changes, if they do not stand in order, or one of them is not what it left.
pub fn repair(dir: &Path, study: &Study) -> Result<Option<Done>, ReportError> {
    let Some(mut walk) = Walk::of(dir, study)? else { return Ok(None) };
    let mut done = Done::of(study);
    while let Some(next) = walk.upcoming() {
        if walk.take()?.is_none() {
            return Ok(None);
        }
        done.insert(next);
    }
    let ends: Vec<u64> = walk.files().map(|lines| lines.place).collect();
    if !walk.has_ended()? {
        return Ok(None);
    }
    walk.files().zip(ends).try_for_each(|(lines, end)| lines.cut(end))?;
    Ok(Some(done))
}

/// Trials of a folder in their order, one after the other.
pub struct Walk {
    dir: PathBuf,
    tables: Vec<Table>,
    /// Lines of each table.
    open: Vec<Lines>,
    journal: Lines,
    last: Option<Key>,
}

impl Walk {
    /// From the first on; `None` if a file is not there, or begins with something else than its header.
    pub fn of(dir: &Path, study: &Study) -> Result<Option<Walk>, ReportError> {
        let tables = Table::of(study);
        let Some(journal) = Lines::open(dir.join(journal::FILE), journal::HEADER)? else { return Ok(None) };
        let mut open = Vec::new();
        for table in &tables {
            let Some(lines) = Lines::open(dir.join(table.file()), &table.header(study))? else {
                return Ok(None);
            };
            open.push(lines);
        }
        Ok(Some(Walk { dir: dir.to_owned(), tables, open, journal, last: None }))
    }

    /// The trial that comes next; the last table has one row of each.
    pub fn upcoming(&self) -> Option<Key> {
        self.open.last().and_then(Lines::key)
    }

    /// Goes behind that trial. `None` if it stands before an earlier one, is not what its journal says, or has anything
    /// else among its rows.
    pub fn take(&mut self) -> Result<Option<Trial>, ReportError> {
        let Some(trial) = self.upcoming().filter(|next| self.last.is_none_or(|last| last < *next)) else {
            return Ok(None);
        };
        self.last = Some(trial);
        let text = self.journal.take(trial)?;
        let text = String::from_utf8_lossy(&text);
        let entries: Entries =
            text.lines().filter_map(journal::entry).map(|(_, file, print)| (file, print)).collect();
        let taken: Vec<Vec<u8>> =
            self.open.iter_mut().map(|lines| lines.take(trial)).collect::<Result<_, _>>()?;
        if journal::lines(trial, &entries) != text {
            return Ok(None);
        }
        let rows: Vec<Vec<&[u8]>> = taken.iter().map(|block| rows_of(block).collect()).collect();
        let whole = whole::examine(&self.dir, &self.tables, Some(&entries), &rows)?;
        Ok(whole.ok().filter(|(_, blocks)| *blocks == taken))
    }

    /// True if nothing stands behind the last trial but one that is not finished, as a kill leaves it. All else may be
    /// an edit, behind which rows of whole trials stand.
    pub fn has_ended(&mut self) -> Result<bool, ReportError> {
        let torn = self.files().find_map(Lines::key);
        for lines in self.open.iter_mut().chain([&mut self.journal]) {
            if let Some(torn) = torn {
                lines.take(torn)?;
            }
            if lines.next.ends_with(b"\n") {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn files(&self) -> impl Iterator<Item = &Lines> {
        self.open.iter().chain([&self.journal])
    }
}

/// Lines of a file behind its header.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    /// The line that comes next; empty at the end.
    next: Vec<u8>,
    /// Place at which it begins.
    place: u64,
}

impl Lines {
    /// Those of a file; `None` if it is not there, or begins with something else.
    fn open(path: PathBuf, header: &str) -> Result<Option<Lines>, ReportError> {
        if !path.exists() {
            return Ok(None);
        }
        let reader = BufReader::new(disk::open(&path)?);
        let mut lines = Lines { path, reader, next: Vec::new(), place: 0 };
        lines.advance()?;
        if lines.next != header.as_bytes() {
            return Ok(None);
        }
        lines.advance()?;
        Ok(Some(lines))
    }

    fn advance(&mut self) -> Result<(), ReportError> {
        self.place += self.next.len() as u64;
        self.next.clear();
        let read = self.reader.read_until(b'\n', &mut self.next);
        read.map(|_| ()).map_err(ReportError::io("read", &self.path))
    }

    /// The trial of the next line, if that is complete.
    fn key(&self) -> Option<Key> {
        self.next.ends_with(b"\n").then(|| key(&self.next))?
    }

    /// The lines of this trial that come next.
    fn take(&mut self, trial: Key) -> Result<Vec<u8>, ReportError> {
        let mut taken = Vec::new();
        while self.key() == Some(trial) {
            taken.extend_from_slice(&self.next);
            self.advance()?;
        }
        Ok(taken)
    }

    /// Removes what stands behind a place, if anything does.
    fn cut(&self, end: u64) -> Result<(), ReportError> {
        if self.place + self.next.len() as u64 == end {
            return Ok(());
        }
        let file = OpenOptions::new().write(true).open(&self.path);
        file.and_then(|file| file.set_len(end)).map_err(ReportError::io("write", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report::testing::{chat_outcome, run, study, with_chat};
    use crate::report::{Mode, ResultFolder};
    use crate::tables::TrialRow;

    /// A folder of three trials, and its files with trials' rows.
    fn folder() -> (tempfile::TempDir, Study, Vec<PathBuf>) {
        let mut study = with_chat(study(&[]));
        study.trials = 3;
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened");
        for trial in 0..3 {
            let outcome = chat_outcome(u64::from(trial), 0.05);
            folder
                .append(&TrialRow { cell: 0, trial, seed: 1, outcome: &outcome, wall_s: 0.5 })
                .expect("written");
        }
        let names = Table::of(&study).into_iter().map(Table::file).chain([journal::FILE]);
        let files = names.map(|name| dir.path().join(name)).collect();
        (dir, study, files)
    }

    #[test]
    fn a_folder_that_was_killed_in_a_trial_loses_that_trial_alone() {
        let (dir, study, files) = folder();
        let read = || -> Vec<Vec<u8>> { files.iter().map(|file| fs::read(file).expect("a file")).collect() };
        let whole = read();
        let first = |trials: u32| {
            let mut done = Done::of(&study);
            (0..trials).for_each(|trial| done.insert((0, trial)));
            Some(done)
        };
        assert_eq!(repair(dir.path(), &study).expect("read"), first(3));
        assert!(read() == whole);
        // The row that makes the last one count is cut short.
        let trials = &files[files.len() - 2];
        let bytes = fs::read(trials).expect("a table");
        fs::write(trials, &bytes[..bytes.len() - 3]).expect("written");
        assert_eq!(repair(dir.path(), &study).expect("read"), first(2));
        for (now, before) in read().iter().zip(&whole) {
            let text = std::str::from_utf8(before).expect("text");
            let kept: String = text.split_inclusive('\n').filter(|line| !line.starts_with("0,2,")).collect();
            assert!(*now == kept.as_bytes());
        }
        assert_eq!(repair(dir.path(), &study).expect("read"), first(2));
    }

    #[test]
    fn a_folder_in_disorder_is_left_as_it_is() {
        let (dir, study, files) = folder();
        let trials = files[files.len() - 2].clone();
        let sound = fs::read_to_string(&trials).expect("a table");
        let lines: Vec<&str> = sound.split_inclusive('\n').collect();
        let swapped = [lines[0], lines[2], lines[1], lines[3]].concat();
        let twice = [lines[0], lines[1], lines[1], lines[2], lines[3]].concat();
        let changed = sound.replacen("0,1,1,", "0,1,2,", 1);
        assert_ne!(changed, sound);
        let remarked = [lines[0], lines[1], "a remark\n", lines[2], lines[3]].concat();
        let lost = lines[..2].concat();
        for text in [swapped, twice, changed, remarked, lost] {
            fs::write(&trials, &text).expect("written");
            assert_eq!(repair(dir.path(), &study).expect("read"), None);
            assert!(fs::read_to_string(&trials).expect("a table") == text);
        }
        fs::write(&trials, &sound).expect("written");
        fs::remove_file(dir.path().join("series/0/trial-1/flows.csv")).expect("removed");
        assert_eq!(repair(dir.path(), &study).expect("read"), None);
    }
}
