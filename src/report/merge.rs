//! Folders of parts of one run, put together: the same bytes as of one run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::journal::{self, Key};
use super::manifest::Manifest;
use super::resume::{self, Trials};
use super::straight::Walk;
use super::version::Run;
use super::whole::Trial;
use super::writer::{Mode, ResultFolder};
use crate::tables::Study;

/// Result of a merge.
#[derive(Debug)]
pub struct Merged {
    /// The manifest of the first part.
    pub manifest: Manifest,
    /// Trials that are there now.
    pub finished: usize,
    /// The first trial (cell, repetition) that no part has.
    pub missing: Option<Key>,
    /// Trials that a part has begun and not finished, in words.
    pub torn: Vec<String>,
}

/// Puts the trials of `parts`, in whatever order, into the new folder `out`, whose tables and pictures
/// [`finish`](super::finish) makes. A trial may be in several parts if it is the same in all.
///
/// An error if the parts are not of one run: of other scenarios, changes, seeds or versions.
pub fn merge(parts: &[PathBuf], out: &Path, mode: Mode) -> Result<Merged, ReportError> {
    let manifests = parts.iter().map(|part| Manifest::read(part)).collect::<Result<Vec<_>, _>>()?;
    // The one with most trials asked for has room for all others.
    let Some(most) = manifests.iter().min_by_key(|manifest| Reverse(manifest.study.trials)) else {
        unreachable!("the command line asks for one");
    };
    for (part, manifest) in parts.iter().zip(&manifests) {
        if let Some(what) = most.differs_from(manifest) {
            return Err(ReportError::Unlike { path: part.clone(), what });
        }
    }
    let started = manifests.iter().map(|manifest| &manifest.started).min();
    let run = Run { started: started.unwrap_or(&most.started).clone(), ..most.run() };
    // An earlier merge of other parts goes on.
    let goes_on =
        mode == Mode::Fresh && Manifest::read(out).is_ok_and(|there| most.differs_from(&there).is_none());
    let mode = if goes_on { Mode::Resume } else { mode };
    let mut folder = ResultFolder::open(out, &most.study, &run, mode)?;

    let mut open: Vec<Part<'_>> = (parts.iter().zip(&manifests))
        .map(|(part, manifest)| Part::of(part, &manifest.study))
        .collect::<Result<_, _>>()?;
    let mut at = None;
    open.iter_mut().try_for_each(|part| part.advance(out, at))?;
    while let Some(key) = open.iter().filter_map(Part::upcoming).min() {
        at = at.max(Some(key));
        let mut known: Option<(&Path, Trial)> = None;
        for part in open.iter_mut().filter(|part| part.upcoming() == Some(key)) {
            let Some((_, trial)) = part.next.take() else { continue };
            match &known {
                Some((other, first)) if first.0 != trial.0 => {
                    return Err(part.contradicts(key, other));
                }
                Some(_) => {}
                None => known = Some((part.dir, trial)),
            }
        }
        if let Some((part, trial)) = known.filter(|_| !folder.done().contains(key)) {
            folder.adopt(part, key, &trial)?;
        }
        for part in open.iter_mut().filter(|part| part.next.is_none()) {
            part.advance(out, at)?;
        }
    }
    let torn = open.into_iter().flat_map(|part| part.torn).collect();
    let study = &most.study;
    let mut planned = (0..study.cells()).flat_map(|cell| (0..study.trials).map(move |trial| (cell, trial)));
    let missing = planned.find(|key| !folder.done().contains(*key));
    Ok(Merged { manifest: most.clone(), finished: folder.done().len(), missing, torn })
}

/// A part, whose trials are read in their order, once.
struct Part<'a> {
    dir: &'a Path,
    study: &'a Study,
    way: Way,
    /// The trial that comes next.
    next: Option<(Key, Trial)>,
    /// Trials that it has begun and not finished, in words.
    torn: Vec<String>,
}

enum Way {
    /// One trial after the other.
    Straight(Box<Walk>),
    /// All that are left of a folder that was resumed, or repaired, or has no journal.
    Held(BTreeMap<Key, Trial>),
}

impl<'a> Part<'a> {
    fn of(dir: &'a Path, study: &'a Study) -> Result<Part<'a>, ReportError> {
        let mut part = Part { dir, study, way: Way::Held(BTreeMap::new()), next: None, torn: Vec::new() };
        match Walk::of(dir, study)? {
            Some(walk) => part.way = Way::Straight(Box::new(walk)),
            None => part.way = Way::Held(part.read()?),
        }
        Ok(part)
    }

    fn upcoming(&self) -> Option<Key> {
        self.next.as_ref().map(|(key, _)| *key)
    }

    /// Goes to the next trial. Where a part turns out not to be straight, those up to `at` were handed on already; they
    /// must be in `out` as they are here.
    fn advance(&mut self, out: &Path, at: Option<Key>) -> Result<(), ReportError> {
        if let Way::Straight(walk) = &mut self.way {
            let key = walk.upcoming();
            self.next = match key {
                Some(key) => walk.take()?.map(|trial| (key, trial)),
                None => None,
            };
            if self.next.is_some() || (key.is_none() && walk.has_ended()?) {
                return Ok(());
            }
            let mut left = self.read()?;
            if let Some(at) = at {
                let adopted = journal::read(out)?.unwrap_or_default();
                for (key, entries) in adopted.range(..=at) {
                    match left.remove(key) {
                        Some(trial) if trial.0 != *entries => return Err(self.contradicts(*key, out)),
                        _ => {}
                    }
                }
            }
            self.way = Way::Held(left);
        }
        if let Way::Held(left) = &mut self.way {
            self.next = left.pop_first();
        }
        Ok(())
    }

    /// All trials at once. An error if one was changed after the run wrote it.
    fn read(&mut self) -> Result<BTreeMap<Key, Trial>, ReportError> {
        let read = resume::read(self.dir, self.study).map_err(|error| match error {
            ReportError::Changed { path, what } => ReportError::Unlike { path, what },
            error => error,
        });
        let Trials { whole, torn } = read?;
        self.torn = torn.into_iter().map(|what| format!("{}: {what}", self.dir.display())).collect();
        Ok(whole)
    }

    fn contradicts(&self, key: Key, other: &Path) -> ReportError {
        let what = format!("cell {}, trial {} is not as in {}", key.0, key.1, other.display());
        ReportError::Unlike { path: self.dir.to_owned(), what }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report::testing::{bulk_outcome, run, study};
    use crate::tables::TrialRow;
    use crate::tables::rows::Table;

    /// A part with these trials and what their `events` say, of a scenario with two hundred, in this order.
    fn part_of(dir: &Path, trials: &[(u32, u64)]) -> PathBuf {
        let study = Study { trials: 200, ..study(&[]) };
        let dir = dir.join(format!("{:?}-{}", trials[0], trials.len()));
        let mut folder = ResultFolder::open(&dir, &study, &run(), Mode::Fresh).expect("opened");
        let mut outcome = bulk_outcome(1, "reno", 0.01);
        outcome.series = None;
        for &(trial, events) in trials {
            outcome.events = events;
            let row = TrialRow { cell: 0, trial, seed: trial.into(), outcome: &outcome, wall_s: 0.5 };
            folder.append(&row).expect("written");
        }
        dir
    }

    fn part(dir: &Path, trials: &[u32]) -> PathBuf {
        part_of(dir, &trials.iter().map(|&trial| (trial, 1)).collect::<Vec<_>>())
    }

    fn trials(dir: &Path) -> String {
        super::super::finish(dir, "later", false).expect("finished");
        fs::read_to_string(dir.join(Table::Trials.file())).expect("a table")
    }

    #[test]
    fn a_part_that_turns_out_to_be_in_disorder_goes_on_where_it_was() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let whole = part(root.path(), &[0, 1, 2, 3, 4, 5, 6]);
        // As a run leaves it that was resumed and killed again: a trial was made anew.
        let parts = [part(root.path(), &[0, 4, 2, 6]), part(root.path(), &[1, 2, 3, 5])];
        let out = root.path().join("out");
        let merged = merge(&parts, &out, Mode::Fresh).expect("merged");
        assert_eq!((merged.finished, merged.missing), (7, Some((0, 7))));
        assert_eq!(trials(&out), trials(&whole));
    }

    #[test]
    fn a_trial_that_comes_late_and_is_another_is_an_error() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let first = part(root.path(), &[0, 1, 2, 3]);
        let merged = |name: &str, late: &[(u32, u64)]| {
            let late = part_of(root.path(), late);
            let error = merge(&[first.clone(), late], &root.path().join(name), Mode::Fresh);
            error.map(|merged| merged.finished).map_err(|error| error.to_string())
        };
        assert_eq!(merged("same", &[(3, 1), (2, 1), (7, 1)]), Ok(5));
        let error = merged("other", &[(1, 1), (3, 1), (2, 5), (8, 1)]).expect_err("two trials 2");
        assert!(error.contains("cell 0, trial 2 is not as in"), "{error}");
        let error = merged("at-once", &[(2, 5), (3, 1)]).expect_err("two trials 2");
        assert!(error.contains("cell 0, trial 2 is not as in"), "{error}");
    }

    #[test]
    fn each_part_is_read_once() {
        let read = || -> Option<u64> {
            let text = fs::read_to_string("/proc/thread-self/io").ok()?;
            text.lines().find_map(|line| line.strip_prefix("rchar: "))?.parse().ok()
        };
        let root = tempfile::tempdir().expect("a temporary folder");
        let all: Vec<u32> = (0..200).collect();
        let (low, high) = all.split_at(100);
        let parts = [part(root.path(), low), part(root.path(), high)];
        let Some(before) = read() else {
            eprintln!("skipped: /proc does not say how much was read");
            return;
        };
        let merged = merge(&parts, &root.path().join("out"), Mode::Fresh).expect("merged");
        let read = read().expect("said before") - before;
        assert_eq!(merged.missing, None);
        let files = parts.iter().flat_map(|part| fs::read_dir(part).expect("a folder"));
        let bytes: u64 = files.map(|file| file.expect("a file").metadata().expect("a file").len()).sum();
        // Beside the tables: manifests, and the headers of the new ones.
        assert!(read > bytes / 2 && read < bytes * 3 / 2, "{read} bytes read of {bytes}");
    }
}
