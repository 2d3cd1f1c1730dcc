//! Folders of synthetic results for tests.

use std::path::Path;
use std::sync::Arc;

use super::disk::Disk;
use super::version::Run;
use super::writer::{Mode, ResultFolder};
use crate::tables::{Results, Study, TrialRow};

pub use crate::tables::testing::*;

pub fn run() -> Run {
    Run {
        started: "2026-01-02T03:04:05Z".to_owned(),
        command: "testbed run sample.toml".to_owned(),
        file: "scenarios/sample.toml".to_owned(),
        source: "/lab/scenarios/sample.toml".into(),
        cpus: 2,
        program: None,
    }
}

/// Writes a folder of results, `trials` per cell, the model of each cell chosen by `model`.
pub fn fill(dir: &Path, study: &Study, model: impl Fn(usize, u32) -> Model) {
    let mut folder = ResultFolder::open(dir, study, &run(), Mode::Fresh).expect("opened");
    for cell in 0..study.cells() {
        for trial in 1..=study.trials {
            let mut outcome = model(cell, trial).outcome();
            if trial > 1 {
                outcome.series = None;
            }
            let row = TrialRow { cell, trial, seed: u64::from(trial), outcome: &outcome, wall_s: 0.1 };
            folder.append(&row).expect("written");
        }
    }
}

/// The results of a folder.
pub fn load(dir: &Path, study: &Study) -> Results {
    Results::load(Arc::new(Disk::of(dir)), study).expect("loaded")
}
