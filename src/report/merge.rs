//! Folders of parts of one run, put together: the same bytes as of one run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::journal::Key;
use super::manifest::Manifest;
use super::resume::{self, Trials};
use super::version::Run;
use super::writer::{Mode, ResultFolder};

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

    let mut torn = Vec::new();
    let mut all: BTreeMap<Key, (&PathBuf, resume::Trial)> = BTreeMap::new();
    for (part, manifest) in parts.iter().zip(&manifests) {
        let read = resume::read(part, &manifest.study).map_err(|error| match error {
            ReportError::Changed { path, what } => ReportError::Unlike { path, what },
            error => error,
        });
        let Trials { whole, torn: here } = read?;
        torn.extend(here.into_iter().map(|what| format!("{}: {what}", part.display())));
        for (key, trial) in whole {
            match all.get(&key) {
                Some((other, known)) if known.0 != trial.0 => {
                    let what = format!("cell {}, trial {} is not as in {}", key.0, key.1, other.display());
                    return Err(ReportError::Unlike { path: part.clone(), what });
                }
                Some(_) => {}
                None => drop(all.insert(key, (part, trial))),
            }
        }
    }
    for (key, (part, trial)) in &all {
        if !folder.done().contains(key) {
            folder.adopt(part, *key, trial)?;
        }
    }
    let study = &most.study;
    let mut planned = (0..study.cells()).flat_map(|cell| (0..study.trials).map(move |trial| (cell, trial)));
    let missing = planned.find(|key| !folder.done().contains(key));
    Ok(Merged { manifest: most.clone(), finished: folder.done().len(), missing, torn })
}
