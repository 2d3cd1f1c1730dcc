//! Folders of parts of one run, put together: the same bytes as of one run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::journal::Key;
use super::manifest::Manifest;
use super::resume::{self, Trials};
use super::straight::{self, Walk};
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
    while let Some(key) = open.iter().filter_map(Part::upcoming).min() {
        let mut known: Option<(&Path, Trial)> = None;
        for part in open.iter_mut().filter(|part| part.upcoming() == Some(key)) {
            let trial = part.take()?;
            match &known {
                Some((other, first)) if first.0 != trial.0 => {
                    let what = format!("cell {}, trial {} is not as in {}", key.0, key.1, other.display());
                    return Err(ReportError::Unlike { path: part.dir.to_owned(), what });
                }
                Some(_) => {}
                None => known = Some((part.dir, trial)),
            }
        }
        if let Some((part, trial)) = known.filter(|_| !folder.done().contains(&key)) {
            folder.adopt(part, key, &trial)?;
        }
    }
    let torn = open.into_iter().flat_map(|part| part.torn).collect();
    let study = &most.study;
    let mut planned = (0..study.cells()).flat_map(|cell| (0..study.trials).map(move |trial| (cell, trial)));
    let missing = planned.find(|key| !folder.done().contains(key));
    Ok(Merged { manifest: most.clone(), finished: folder.done().len(), missing, torn })
}

/// A part, whose trials are read in their order.
struct Part<'a> {
    dir: &'a Path,
    way: Way,
    /// Trials that it has begun and not finished, in words.
    torn: Vec<String>,
}

enum Way {
    /// One trial after the other.
    Straight(Walk),
    /// All of a folder that was resumed, or repaired, or has no journal.
    Held(BTreeMap<Key, Trial>),
}

impl Part<'_> {
    /// An error if a trial was changed after the run wrote it.
    fn of<'a>(dir: &'a Path, study: &Study) -> Result<Part<'a>, ReportError> {
        if let Some(walk) = straight::walk(dir, study)? {
            return Ok(Part { dir, way: Way::Straight(walk), torn: Vec::new() });
        }
        let read = resume::read(dir, study).map_err(|error| match error {
            ReportError::Changed { path, what } => ReportError::Unlike { path, what },
            error => error,
        });
        let Trials { whole, torn } = read?;
        let torn = torn.into_iter().map(|what| format!("{}: {what}", dir.display())).collect();
        Ok(Part { dir, way: Way::Held(whole), torn })
    }

    /// The trial that comes next.
    fn upcoming(&self) -> Option<Key> {
        match &self.way {
            Way::Straight(walk) => walk.upcoming(),
            Way::Held(trials) => trials.keys().next().copied(),
        }
    }

    fn take(&mut self) -> Result<Trial, ReportError> {
        let trial = match &mut self.way {
            Way::Straight(walk) => walk.take()?,
            Way::Held(trials) => trials.pop_first().map(|(_, trial)| trial),
        };
        trial.ok_or_else(|| {
            let what = "it has changed while it was read".to_owned();
            ReportError::Unlike { path: self.dir.to_owned(), what }
        })
    }
}
