//! `journal.csv`: the fingerprint of everything that each trial left, written before the trial counts as
//! done. With it a resumed run tells a file that was cut short, and is made again, from one that was
//! changed, which is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::disk::{self, Fingerprint};
use super::error::ReportError;
use crate::tables::latency;
use crate::tables::rows::{Table, push_field};
use crate::tables::series;
use crate::tables::study::Study;

/// The file's name.
pub const FILE: &str = "journal.csv";

/// Its first line.
pub(super) const HEADER: &str = "cell,trial,file,bytes,sha256\n";

/// A trial: cell and repetition.
pub type Key = (usize, u32);

/// Files by their path below the folder; under the name of a table, the rows of the trial there.
pub type Entries = BTreeMap<String, Fingerprint>;

/// The fingerprint of the rows of a trial. How long it took, the last column of `trials.csv`, is left out:
/// it varies from run to run, and the journal does not.
pub fn print(table: Table, rows: &[u8]) -> Fingerprint {
    let end = match table {
        Table::Trials => rows.iter().rposition(|&byte| byte == b',').unwrap_or(rows.len()),
        _ => rows.len(),
    };
    Fingerprint::of(&rows[..end])
}

/// The lines of one trial.
pub fn lines((cell, trial): Key, entries: &Entries) -> String {
    // The table that makes the trial done comes last: a journal cut short lacks it.
    let last = Table::Trials.file();
    let (tail, head): (Vec<_>, Vec<_>) = entries.iter().partition(|(file, _)| *file == last);
    let mut text = String::new();
    for (file, print) in head.into_iter().chain(tail) {
        let _ = write!(text, "{cell},{trial}");
        push_field(&mut text, file);
        let _ = writeln!(text, ",{},{}", print.bytes, print.sha256);
    }
    text
}

/// Reads the journal of a folder; `None` if it has none, as folders of older versions do.
pub fn read(dir: &Path) -> Result<Option<BTreeMap<Key, Entries>>, ReportError> {
    let bytes = disk::read_if_there(&dir.join(FILE))?;
    let text = String::from_utf8_lossy(&bytes);
    let Some(rows) = text.strip_prefix(HEADER) else { return Ok(None) };
    let mut all: BTreeMap<Key, Entries> = BTreeMap::new();
    // The last entry counts: a trial may have been made again.
    for line in rows.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        if let Some((key, file, print)) = entry(line) {
            all.entry(key).or_default().insert(file, print);
        }
    }
    let last = Table::Trials.file();
    all.retain(|_, entries| entries.contains_key(last));
    Ok(Some(all))
}

pub(super) fn entry(line: &str) -> Option<(Key, String, Fingerprint)> {
    let fields: Vec<&str> = line.split(',').collect();
    let [cell, trial, file, bytes, sha256] = fields[..] else { return None };
    let print = Fingerprint { bytes: bytes.parse().ok()?, sha256: sha256.to_owned() };
    Some(((cell.parse().ok()?, trial.parse().ok()?), file.to_owned(), print))
}

/// Writes a journal of these trials, unless the folder has that already.
pub fn write(dir: &Path, trials: &BTreeMap<Key, Entries>) -> Result<(), ReportError> {
    let mut text = HEADER.to_owned();
    text.extend(trials.iter().map(|(key, entries)| lines(*key, entries)));
    let path = dir.join(FILE);
    if disk::read_if_there(&path)? == text.as_bytes() {
        Ok(())
    } else {
        disk::replace(&path, text.as_bytes())
    }
}

/// Writes a journal anew whose trials are not in their order, each once, as an unbroken run leaves them.
pub fn put_in_order(dir: &Path) -> Result<(), ReportError> {
    if is_in_order(dir)? {
        return Ok(());
    }
    read(dir)?.map_or(Ok(()), |trials| write(dir, &trials))
}

/// True if [`write`] would change nothing; reads one trial at a time.
fn is_in_order(dir: &Path) -> Result<bool, ReportError> {
    let path = dir.join(FILE);
    if !path.exists() {
        return Ok(true);
    }
    let mut file = BufReader::new(disk::open(&path)?);
    let mut next = || {
        let mut line = Vec::new();
        file.read_until(b'\n', &mut line).map_err(ReportError::io("read", &path))?;
        Ok::<_, ReportError>(String::from_utf8_lossy(&line).into_owned())
    };
    if next()? != HEADER {
        return Ok(false);
    }
    let (mut trial, mut entries, mut text) = (None, Entries::new(), String::new());
    let is_whole = |trial: Option<Key>, entries: &Entries, text: &str| {
        let done = entries.contains_key(Table::Trials.file());
        trial.is_none_or(|trial| done && lines(trial, entries) == text)
    };
    loop {
        let line = next()?;
        let entry = line.strip_suffix('\n').and_then(entry);
        let key = entry.as_ref().map(|(key, ..)| *key);
        if key != trial {
            let falls = key.is_some() && key < trial;
            if falls || !is_whole(trial, &entries, &text) {
                return Ok(false);
            }
            (trial, entries) = (key, Entries::new());
            text.clear();
        }
        match entry {
            Some((_, file, print)) => drop(entries.insert(file, print)),
            None => return Ok(line.is_empty()),
        }
        text.push_str(&line);
    }
}

/// Entries of a trial of an older version, as far as they are there.
pub fn adopt(dir: &Path, study: &Study, (cell, trial): Key) -> Result<Entries, ReportError> {
    let log = latency::log_path(study, cell, trial);
    let folder = series::folder(study, cell, trial);
    let files = series::FILES.map(|name| folder.join(name));
    let mut entries = Entries::new();
    for file in files.into_iter().chain([log]).filter(|file| dir.join(file).exists()) {
        entries.insert(file.display().to_string(), Fingerprint::of_file(&dir.join(&file))?);
    }
    Ok(entries)
}

/// Reason for which a trial's files are not those that it left.
#[derive(Debug, PartialEq)]
pub enum Fault {
    /// A file is gone or shorter than it was: the trial is to be made again.
    Lost(String),
    /// A file holds something else.
    Changed(String),
}

/// Looks at the files of a trial that are its alone.
pub fn check(dir: &Path, entries: &Entries) -> Result<Option<Fault>, ReportError> {
    let tables: BTreeSet<&str> = Table::ALL.iter().map(|table| table.file()).collect();
    for (file, print) in entries.iter().filter(|(file, _)| !tables.contains(file.as_str())) {
        let path = dir.join(file);
        match fs::metadata(&path) {
            Ok(found) if found.is_file() && found.len() < print.bytes => {
                return Ok(Some(Fault::Lost(file.clone())));
            }
            Err(_) => return Ok(Some(Fault::Lost(file.clone()))),
            Ok(_) => {}
        }
        if Fingerprint::of_file(&path)? != *print {
            return Ok(Some(Fault::Changed(file.clone())));
        }
    }
    Ok(None)
}
