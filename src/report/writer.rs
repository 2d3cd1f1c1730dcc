//! The result folder while a run goes on: opened before the first trial, and taking one trial after the
//! other so that a kill loses at most the running ones.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::disk::{self, Fingerprint, Lock};
use super::done::Done;
use super::error::ReportError;
use super::journal::Key;
use super::manifest::{self, Manifest};
use super::resume::{self, Repaired};
use super::version::Run;
use super::whole::Trial;
use super::{journal, layout};
use crate::tables::rows::Table;
use crate::tables::{FileError, Study, TrialRow, captures, latency, series};

/// Treatment of the folder's earlier content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Start afresh. Complete results of the same scenario file under the same arguments are replaced,
    /// even if it was edited meanwhile; anything else is refused.
    Fresh,
    /// Start afresh, and replace the results of another scenario or other arguments too. Files that are not ours stay.
    Force,
    /// Keep the finished trials of the same scenario, seed and version, and go on from there.
    Resume,
}

/// A folder that takes trials. It is ours alone until it is dropped.
#[derive(Debug)]
pub struct ResultFolder {
    dir: PathBuf,
    study: Study,
    lock: Lock,
    /// The open tables, in the order of [`Table::of`].
    tables: Vec<(PathBuf, File)>,
    journal: (PathBuf, File),
    done: Done,
    notes: Vec<String>,
}

impl ResultFolder {
    /// Opens `dir`, creating it if needed. Fails at once if it cannot be written, if another process
    /// writes there, if it holds what `mode` must not touch, or if a resumed run was another one.
    pub fn open(dir: &Path, study: &Study, run: &Run, mode: Mode) -> Result<ResultFolder, ReportError> {
        fs::create_dir_all(dir).map_err(ReportError::io("create", dir))?;
        let lock = Lock::take(dir)?;
        let mut manifest = Manifest::new(study, run, dir);
        let mut notes = Vec::new();
        match (mode, earlier_run(dir)?) {
            (Mode::Resume, Earlier::Ours(earlier)) => {
                if let Some(what) = manifest.differs_from(&earlier) {
                    return Err(ReportError::Changed { path: dir.to_owned(), what });
                }
                // Files in folders belong to single trials, and are judged with them.
                let judged = dir.join(journal::FILE).exists();
                let mut changed = earlier.changed_records(dir)?;
                changed.retain(|name| !(judged && name.contains('/')));
                changed.extend(earlier.changed_tables(dir)?);
                if let Some(first) = changed.first() {
                    let what = format!("{first} has been changed since the run wrote it");
                    return Err(ReportError::Changed { path: dir.to_owned(), what });
                }
                manifest.started = earlier.started;
                layout::clear_exported(&dir.join(layout::EXPORTED))?;
            }
            (Mode::Resume | Mode::Fresh, Earlier::Foreign(holds)) => {
                return Err(ReportError::Occupied { path: dir.to_owned(), holds });
            }
            (Mode::Fresh, Earlier::Ours(earlier)) => {
                let finished = resume::count_finished(dir)?;
                if let Some(holds) = manifest.would_lose(&earlier, finished) {
                    return Err(ReportError::Occupied { path: dir.to_owned(), holds });
                }
                if finished > 0 {
                    notes.extend(
                        manifest.replaces(&earlier).map(|what| format!("{} replaces {what}", dir.display())),
                    );
                }
                layout::clear(dir)?;
            }
            (Mode::Force, Earlier::Ours(_) | Earlier::Foreign(_)) => layout::clear(dir)?,
            (_, Earlier::Nothing) => {}
        }
        manifest.write(dir)?;
        ResultFolder::of_repaired(dir, study, lock, notes)
    }

    /// Opens an empty folder for the run of a manifest once more, as if it were that run's.
    pub fn again(dir: &Path, manifest: &Manifest) -> Result<ResultFolder, ReportError> {
        Manifest { sha256: std::collections::BTreeMap::new(), ..manifest.clone() }.write(dir)?;
        ResultFolder::of_repaired(dir, &manifest.study, Lock::take(dir)?, Vec::new())
    }

    /// Opens a folder that has its manifest, in the state after its last finished trial.
    fn of_repaired(
        dir: &Path,
        study: &Study,
        lock: Lock,
        mut notes: Vec<String>,
    ) -> Result<ResultFolder, ReportError> {
        let Repaired { done, again } = resume::repair(dir, study)?;
        notes.extend(again.into_iter().map(|what| format!("made again: {what}")));
        let open = |name: &str| {
            let path = dir.join(name);
            disk::append(&path).map(|file| (path, file))
        };
        let tables = Table::of(study).iter().map(|table| open(table.file())).collect::<Result<_, _>>()?;
        let journal = open(journal::FILE)?;
        Ok(ResultFolder { dir: dir.to_owned(), study: study.clone(), lock, tables, journal, done, notes })
    }

    /// The finished trials, as (cell, trial): those found by [`Mode::Resume`] and those appended.
    pub fn done(&self) -> &Done {
        &self.done
    }

    /// Notes for the user on earlier results, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// An error if the folder was moved or deleted, or a table in it: what is written then is lost.
    pub fn check(&self) -> Result<(), ReportError> {
        self.lock.check()?;
        for (path, file) in self.tables.iter().chain([&self.journal]) {
            if disk::is_nameless(file).map_err(ReportError::io("read", path))? {
                return Err(ReportError::Gone { path: path.clone() });
            }
        }
        Ok(())
    }

    /// Writes all files of a trial, and its row in `trials.csv` last. After an error the folder
    /// can still be resumed.
    pub fn append(&mut self, row: &TrialRow<'_>) -> Result<(), ReportError> {
        debug_assert!(!self.done.contains((row.cell, row.trial)), "a trial is written once");
        self.check()?;
        // A folder that goes in the midst of it is the cause of what cannot be written then.
        self.write(row).or_else(|error| self.check().and(Err(error)))?;
        self.done.insert((row.cell, row.trial));
        Ok(())
    }

    fn write(&mut self, row: &TrialRow<'_>) -> Result<(), ReportError> {
        let mut entries = journal::Entries::new();
        if let Some(samples) = &row.outcome.series {
            let folder = series::folder(&self.study, row.cell, row.trial);
            let path = self.dir.join(&folder);
            fs::create_dir_all(&path).map_err(ReportError::io("create", &path))?;
            for name in series::FILES {
                let path = path.join(name);
                let mut file = disk::Writer::create(&path)?;
                series::write(name, &self.study, row, samples, |piece| file.write(piece))?;
                entries.insert(folder.join(name).display().to_string(), file.finish());
            }
        }
        for capture in &row.outcome.captures {
            let path = captures::path(&self.study, row.cell, row.trial, capture);
            disk::replace(&self.dir.join(&path), &capture.file)?;
            entries.insert(path.display().to_string(), Fingerprint::of(&capture.file));
        }
        if let Some(messages) = &row.outcome.messages {
            let path = latency::log_path(&self.study, row.cell, row.trial);
            let log = latency::log(&messages.latency, row.outcome.measured)
                .map_err(ReportError::io("write", &self.dir.join(&path)))?;
            disk::replace(&self.dir.join(&path), &log)?;
            entries.insert(path.display().to_string(), Fingerprint::of(&log));
        }
        let tables = Table::of(&self.study);
        let rows: Vec<String> = tables.iter().map(|table| table.rows(&self.study, row)).collect();
        for (table, rows) in tables.iter().zip(&rows) {
            entries.insert(table.file().to_owned(), journal::print(*table, rows.as_bytes()));
        }
        self.enter((row.cell, row.trial), &entries, rows.iter().map(String::as_bytes))
    }

    /// Takes a finished trial of another folder of the same study.
    pub(super) fn adopt(
        &mut self,
        from: &Path,
        key: Key,
        (entries, rows): &Trial,
    ) -> Result<(), ReportError> {
        self.check()?;
        let tables = Table::of(&self.study);
        for file in entries.keys().filter(|file| tables.iter().all(|table| table.file() != *file)) {
            disk::replace(&self.dir.join(file), &disk::read(&from.join(file))?)?;
        }
        self.enter(key, entries, rows.iter().map(Vec::as_slice))?;
        self.done.insert(key);
        Ok(())
    }

    /// Writes the journal of a trial and its rows in each table, whose last makes it count.
    fn enter<'r>(
        &mut self,
        key: Key,
        entries: &journal::Entries,
        rows: impl Iterator<Item = &'r [u8]>,
    ) -> Result<(), ReportError> {
        // One unbuffered write each: what returned is out of this process's hands.
        let write = |(path, file): &mut (PathBuf, File), text: &[u8]| {
            file.write_all(text).map_err(ReportError::io("write", path))
        };
        write(&mut self.journal, journal::lines(key, entries).as_bytes())?;
        self.tables.iter_mut().zip(rows).try_for_each(|(table, rows)| write(table, rows))
    }
}

/// Content of a folder before a run.
enum Earlier {
    Nothing,
    Ours(Box<Manifest>),
    Foreign(String),
}

fn earlier_run(dir: &Path) -> Result<Earlier, ReportError> {
    if dir.join(manifest::FILE).exists() {
        return Ok(match Manifest::read(dir) {
            Ok(manifest) => Earlier::Ours(Box::new(manifest)),
            Err(ReportError::File(FileError::Malformed { .. })) => {
                Earlier::Foreign("a manifest.json that is not of this program".to_owned())
            }
            Err(error) => return Err(error),
        });
    }
    let mut entries = fs::read_dir(dir).map_err(ReportError::io("read", dir))?;
    Ok(match entries.next() {
        // A kill before the manifest got its name leaves only its draft.
        None => Earlier::Nothing,
        Some(Ok(entry)) if entry.file_name() == "manifest.json.tmp" && entries.next().is_none() => {
            Earlier::Nothing
        }
        Some(_) => Earlier::Foreign("files, but no results of this program".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Outcome;
    use crate::report::testing::{chat_outcome, run, study, with_chat};

    fn sample() -> (Study, Vec<Outcome>) {
        let mut study = study(&[("link.access.loss", &["0%", "10%"])]);
        study = with_chat(study);
        study.trials = 2;
        let mut outcomes: Vec<Outcome> = (0..4).map(|n| chat_outcome(n, 0.05)).collect();
        for outcome in &mut outcomes[1..] {
            outcome.series = None;
        }
        (study, outcomes)
    }

    fn append(folder: &mut ResultFolder, outcomes: &[Outcome]) {
        for (n, outcome) in outcomes.iter().enumerate() {
            let (cell, trial) = (n / 2, (n % 2) as u32 + 1);
            if !folder.done().contains((cell, trial)) {
                let row = TrialRow { cell, trial, seed: n as u64, outcome, wall_s: 0.5 };
                folder.append(&row).expect("written");
            }
        }
    }

    fn tables(dir: &Path) -> Vec<Vec<u8>> {
        let read = |table: &Table| fs::read(dir.join(table.file())).expect("a table");
        Table::of(&study(&[])).iter().map(read).collect()
    }

    #[test]
    fn the_same_trials_give_the_same_bytes() {
        let (study, outcomes) = sample();
        let written = [(); 2].map(|()| {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened");
            append(&mut folder, &outcomes);
            let series = fs::read(dir.path().join("series/0/trial-1/flows.csv")).expect("series");
            let log = fs::read(dir.path().join("latency/1/trial-2.hlog")).expect("a log");
            (tables(dir.path()), series, log)
        });
        assert!(written[0] == written[1]);
    }

    #[test]
    fn a_run_killed_at_any_byte_resumes_to_the_same_tables() {
        let (study, outcomes) = sample();
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened");
        append(&mut folder, &outcomes[..3]);
        let before: Vec<usize> = tables(dir.path()).iter().map(Vec::len).collect();
        append(&mut folder, &outcomes);
        drop(folder);
        let whole = tables(dir.path());
        // The tables are written one after the other: those before the torn one are complete, those
        // behind it lack the last trial.
        let all = Table::of(&study);
        for torn in 0..all.len() {
            for cut in before[torn]..whole[torn].len() {
                for (n, table) in all.iter().enumerate() {
                    let end = match n.cmp(&torn) {
                        std::cmp::Ordering::Less => whole[n].len(),
                        std::cmp::Ordering::Equal => cut,
                        std::cmp::Ordering::Greater => before[n],
                    };
                    fs::write(dir.path().join(table.file()), &whole[n][..end]).expect("written");
                }
                let mut folder =
                    ResultFolder::open(dir.path(), &study, &run(), Mode::Resume).expect("resumed");
                assert!(folder.done().len() <= 3, "table {torn} cut at {cut}");
                append(&mut folder, &outcomes);
                assert!(tables(dir.path()) == whole, "table {torn} cut at {cut}");
            }
        }
    }

    #[test]
    fn any_single_table_cut_anywhere_resumes_without_partial_or_double_rows() {
        let (study, outcomes) = sample();
        let dir = tempfile::tempdir().expect("a temporary folder");
        append(&mut ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened"), &outcomes);
        let whole = tables(dir.path());
        let trials = Table::of(&study).len() - 1;
        for cut in 0..whole[trials].len() {
            fs::write(dir.path().join("trials.csv"), &whole[trials][..cut]).expect("written");
            let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Resume).expect("resumed");
            append(&mut folder, &outcomes);
            assert!(tables(dir.path()) == whole, "cut at {cut}");
        }
    }

    #[test]
    fn other_peoples_files_are_refused_and_survive_force() {
        let (study, outcomes) = sample();
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("thesis.tex"), "years of work").expect("written");
        let refused = ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh);
        assert!(matches!(refused, Err(ReportError::Occupied { .. })), "{refused:?}");
        let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Force).expect("forced");
        append(&mut folder, &outcomes);
        drop(folder);
        let mut other = study.clone();
        other.name = "other".to_owned();
        let refused = ResultFolder::open(dir.path(), &other, &run(), Mode::Fresh);
        assert!(matches!(refused, Err(ReportError::Occupied { .. })), "{refused:?}");
        let folder = ResultFolder::open(dir.path(), &other, &run(), Mode::Force).expect("forced");
        assert!(folder.done().is_empty());
        assert!(dir.path().join("thesis.tex").exists());
        assert!(!dir.path().join("series").exists());
    }

    #[test]
    fn a_changed_scenario_is_not_resumed() {
        let (study, _) = sample();
        let dir = tempfile::tempdir().expect("a temporary folder");
        ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened");
        let mut changed = study.clone();
        changed.seed = 99;
        let refused = ResultFolder::open(dir.path(), &changed, &run(), Mode::Resume);
        assert!(
            matches!(&refused, Err(ReportError::Changed { what, .. }) if what.contains("seed")),
            "{refused:?}"
        );
        // Tables exported before are of fewer trials.
        let exported =
            ["trials.parquet", "mine.parquet"].map(|name| dir.path().join(layout::EXPORTED).join(name));
        fs::create_dir_all(dir.path().join(layout::EXPORTED)).expect("made");
        for file in &exported {
            fs::write(file, "").expect("written");
        }
        let mut more = study;
        more.trials = 50;
        ResultFolder::open(dir.path(), &more, &run(), Mode::Resume).expect("more trials of the same");
        assert_eq!(exported.map(|file| file.exists()), [false, true]);
    }

    #[test]
    fn a_folder_that_cannot_be_written_fails_at_once_with_a_mend() {
        let (study, _) = sample();
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("file");
        fs::write(&file, "").expect("written");
        let error =
            ResultFolder::open(&file.join("results"), &study, &run(), Mode::Fresh).expect_err("refused");
        assert!(error.to_string().contains("results"), "{error}");
        assert!(error.help().contains("--out"), "{}", error.help());
    }
}
