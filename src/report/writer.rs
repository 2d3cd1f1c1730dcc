//! The result folder while a run goes on: opened before the first trial, repaired when a run is
//! resumed, and taking one trial after the other so that a kill loses at most the running ones.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::latency;
use super::manifest::{self, Manifest};
use super::rows::Table;
use super::series;
use super::study::{Run, Study, TrialRow};

/// What to do with what the folder already holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Start afresh. Results of the same scenario under the same arguments are replaced, even if the
    /// file was edited meanwhile; anything else is refused.
    Fresh,
    /// Start afresh, and replace the results of another scenario or other arguments too. Files that are not ours stay.
    Force,
    /// Keep the finished trials of the same scenario, seed and version, and go on from there.
    Resume,
}

/// A folder that takes trials.
#[derive(Debug)]
pub struct ResultFolder {
    dir: PathBuf,
    study: Study,
    /// The open tables, in the order of [`Table::of`].
    tables: Vec<(PathBuf, File)>,
    done: BTreeSet<(usize, u32)>,
}

impl ResultFolder {
    /// Opens `dir`, creating it if needed. Fails at once if it cannot be written, if it holds what
    /// `mode` must not touch, or if a resumed run was another one.
    pub fn open(dir: &Path, study: &Study, run: &Run, mode: Mode) -> Result<ResultFolder, ReportError> {
        fs::create_dir_all(dir).map_err(ReportError::io("create", dir))?;
        let mut manifest = Manifest::new(study, run);
        let earlier = earlier_run(dir)?;
        match (mode, earlier) {
            (Mode::Resume, Earlier::Ours(earlier)) => {
                if let Some(what) = manifest.differs_from(&earlier) {
                    return Err(ReportError::Changed { path: dir.to_owned(), what });
                }
                if let [first, ..] = earlier.changed_records(dir)?.as_slice() {
                    let what = format!("{first} has been changed since the run wrote it");
                    return Err(ReportError::Changed { path: dir.to_owned(), what });
                }
                manifest.started = earlier.started;
            }
            (Mode::Resume | Mode::Fresh, Earlier::Foreign(holds)) => {
                return Err(ReportError::Occupied { path: dir.to_owned(), holds });
            }
            (Mode::Fresh, Earlier::Ours(earlier)) => {
                if let Some(holds) = manifest.would_lose(&earlier) {
                    return Err(ReportError::Occupied { path: dir.to_owned(), holds });
                }
                clear(dir)?;
            }
            (Mode::Force, Earlier::Ours(_) | Earlier::Foreign(_)) => clear(dir)?,
            (_, Earlier::Nothing) => {}
        }
        manifest.write(dir)?;
        let done = repair(dir, study)?;
        let tables = Table::of(study).iter().map(|table| {
            let path = dir.join(table.file());
            let file = OpenOptions::new().append(true).open(&path).map_err(ReportError::io("open", &path))?;
            Ok((path, file))
        });
        let tables = tables.collect::<Result<Vec<_>, ReportError>>()?;
        Ok(ResultFolder { dir: dir.to_owned(), study: study.clone(), tables, done })
    }

    /// The finished trials, as (cell, trial): those found by [`Mode::Resume`] and those appended.
    pub fn done(&self) -> &BTreeSet<(usize, u32)> {
        &self.done
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Writes all files of a trial, and its row in `trials.csv` last. After an error the folder
    /// can still be resumed.
    pub fn append(&mut self, row: &TrialRow<'_>) -> Result<(), ReportError> {
        debug_assert!(!self.done.contains(&(row.cell, row.trial)), "a trial is written once");
        if let Some(samples) = &row.outcome.series {
            let cell = self.study.cell_name(row.cell);
            let dir = self.dir.join("series").join(cell).join(format!("trial-{}", row.trial));
            series::write(&dir, row.outcome, samples)?;
        }
        if let Some(messages) = &row.outcome.messages {
            let path = self.dir.join(latency::log_path(&self.study, row.cell, row.trial));
            latency::write_log(&path, &messages.latency, row.outcome.measured)?;
        }
        for (table, (path, file)) in Table::of(&self.study).iter().zip(&mut self.tables) {
            // One unbuffered write: what returned is out of this process's hands.
            let rows = table.rows(&self.study, row);
            file.write_all(rows.as_bytes()).map_err(ReportError::io("write", path))?;
        }
        self.done.insert((row.cell, row.trial));
        Ok(())
    }
}

/// Writes a file so that it appears under its name only when it is complete; its folder is created.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(ReportError::io("create", parent))?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    fs::write(&temporary, bytes).map_err(ReportError::io("write", &temporary))?;
    fs::rename(&temporary, path).map_err(ReportError::io("write", path))
}

/// What a folder holds before a run.
enum Earlier {
    Nothing,
    Ours(Box<Manifest>),
    Foreign(String),
}

fn earlier_run(dir: &Path) -> Result<Earlier, ReportError> {
    if dir.join(manifest::FILE).exists() {
        return Ok(match Manifest::read(dir) {
            Ok(manifest) => Earlier::Ours(Box::new(manifest)),
            Err(ReportError::Malformed { .. }) => {
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

/// Removes what an earlier run wrote, and nothing else; the manifest last, so that a kill leaves a folder of ours.
fn clear(dir: &Path) -> Result<(), ReportError> {
    let ignore_absent = |result: io::Result<()>, path: &Path| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ReportError::io("remove", path)(error)),
        _ => Ok(()),
    };
    for name in manifest::FOLDERS {
        let path = dir.join(name);
        ignore_absent(fs::remove_dir_all(&path), &path)?;
    }
    for name in manifest::FILES.into_iter().chain([manifest::FILE]) {
        let path = dir.join(name);
        ignore_absent(fs::remove_file(&path), &path)?;
    }
    Ok(())
}

/// Brings all tables to the state after the last finished trial and returns what is finished.
///
/// A trial is finished if its row in `trials.csv` is complete. Rows of other trials go, and so do
/// torn ones; a table that was never begun gets its header.
fn repair(dir: &Path, study: &Study) -> Result<BTreeSet<(usize, u32)>, ReportError> {
    let tables = Table::of(study);
    let texts = tables.iter().map(|table| {
        let path = dir.join(table.file());
        match fs::read(&path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(ReportError::io("read", &path)(error)),
        }
    });
    let texts = texts.collect::<Result<Vec<_>, ReportError>>()?;
    let Some((trials, others)) = texts.split_last() else { unreachable!("trials.csv is one of them") };
    let mut finished: Vec<(usize, u32)> = whole_lines(trials).skip(1).filter_map(key).collect();
    // Rows are written before the one in trials.csv; if one of them is torn all the same (a crash of
    // the machine may lose the end of any file), the trial written last is not trusted.
    let torn = others.iter().any(|text| !text.is_empty() && !text.ends_with(b"\n"));
    if torn && trials.ends_with(b"\n") {
        finished.pop();
    }
    let begun = |table: Table, text: &[u8]| text.starts_with(table.header(study).as_bytes());
    let all_begun = tables.iter().zip(&texts).all(|(table, text)| begun(*table, text));
    let has_latencies = |(cell, trial): &(usize, u32)| {
        !study.chat || dir.join(latency::log_path(study, *cell, *trial)).exists()
    };
    let done: BTreeSet<(usize, u32)> =
        finished.into_iter().filter(|trial| all_begun && has_latencies(trial)).collect();
    for (table, text) in tables.iter().zip(&texts) {
        let mut kept = table.header(study).into_bytes();
        for line in whole_lines(text).skip(1).filter(|line| key(line).is_some_and(|key| done.contains(&key)))
        {
            kept.extend_from_slice(line);
        }
        if kept != *text {
            replace(&dir.join(table.file()), &kept)?;
        }
    }
    Ok(done)
}

/// The lines that end in a line break, with it.
fn whole_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"))
}

/// The cell and the trial that a row begins with.
fn key(line: &[u8]) -> Option<(usize, u32)> {
    let line = std::str::from_utf8(line).ok()?;
    let mut fields = line.trim_end().split(',');
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Outcome;
    use crate::report::testing::{chat_outcome, run, study};

    fn sample() -> (Study, Vec<Outcome>) {
        let mut study = study(&[("link.access.loss", &["0%", "10%"])]);
        study.chat = true;
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
            if !folder.done().contains(&(cell, trial)) {
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
        let mut more = study;
        more.trials = 50;
        ResultFolder::open(dir.path(), &more, &run(), Mode::Resume).expect("more trials of the same");
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
