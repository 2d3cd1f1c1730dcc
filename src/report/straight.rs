//! The folder of an unbroken run, read trial by trial, so that no table is in memory as a whole: what a kill left
//! behind the last whole trial is cut off. A folder with anything else about it is [`resume`](super::resume)'s.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::disk;
use super::error::ReportError;
use super::journal::{self, Entries, Key};
use crate::tables::reading::key;
use crate::tables::rows::Table;
use crate::tables::study::Study;

/// Cuts off what stands behind the last whole trial in the tables and the journal; the trials that stay. `None`, and
/// nothing changes, if they do not stand in order, or one of them is not what it left.
pub fn repair(dir: &Path, study: &Study) -> Result<Option<BTreeSet<Key>>, ReportError> {
    let tables = Table::of(study);
    let Some(mut journal) = Lines::open(dir.join(journal::FILE), journal::HEADER)? else { return Ok(None) };
    let mut open = Vec::new();
    for table in &tables {
        let Some(lines) = Lines::open(dir.join(table.file()), &table.header(study))? else { return Ok(None) };
        open.push(lines);
    }
    let mut done = BTreeSet::new();
    while let Some(next) = open.last().and_then(Lines::key) {
        if done.last().is_some_and(|last| *last >= next)
            || !is_whole(dir, next, &tables, &mut open, &mut journal)?
        {
            return Ok(None);
        }
        done.insert(next);
    }
    // A kill leaves one unfinished trial. All else may be an edit, behind which rows of whole trials stand.
    let mut files: Vec<Lines> = open.into_iter().chain([journal]).collect();
    let torn = files.iter().find_map(Lines::key);
    let ends: Vec<u64> = files.iter().map(|lines| lines.place).collect();
    for lines in &mut files {
        if let Some(torn) = torn {
            lines.take(torn)?;
        }
        if lines.next.ends_with(b"\n") {
            return Ok(None);
        }
    }
    files.iter().zip(ends).try_for_each(|(lines, end)| lines.cut(end))?;
    Ok(Some(done))
}

/// Goes behind a trial in all files; true if it is what its journal says.
fn is_whole(
    dir: &Path,
    trial: Key,
    tables: &[Table],
    open: &mut [Lines],
    journal: &mut Lines,
) -> Result<bool, ReportError> {
    let text = journal.take(trial)?;
    let text = String::from_utf8_lossy(&text);
    let entries: Entries =
        text.lines().filter_map(journal::entry).map(|(_, file, print)| (file, print)).collect();
    let mut whole = journal::lines(trial, &entries) == text;
    for (table, lines) in tables.iter().zip(open) {
        let rows = lines.take(trial)?;
        whole &= entries.get(table.file()).is_some_and(|print| journal::print(*table, &rows) == *print);
    }
    Ok(whole && journal::check(dir, &entries)?.is_none())
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
        let all: BTreeSet<Key> = (0..3).map(|trial| (0, trial)).collect();
        assert_eq!(repair(dir.path(), &study).expect("read"), Some(all));
        assert!(read() == whole);
        // The row that makes the last one count is cut short.
        let trials = &files[files.len() - 2];
        let bytes = fs::read(trials).expect("a table");
        fs::write(trials, &bytes[..bytes.len() - 3]).expect("written");
        let two: BTreeSet<Key> = (0..2).map(|trial| (0, trial)).collect();
        assert_eq!(repair(dir.path(), &study).expect("read"), Some(two.clone()));
        for (now, before) in read().iter().zip(&whole) {
            let text = std::str::from_utf8(before).expect("text");
            let kept: String = text.split_inclusive('\n').filter(|line| !line.starts_with("0,2,")).collect();
            assert!(*now == kept.as_bytes());
        }
        assert_eq!(repair(dir.path(), &study).expect("read"), Some(two));
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
