//! Captures of packets and logs of senders, as files of a run.

use std::path::PathBuf;

use super::study::Study;
use crate::facts::{Capture, Form};

/// Folders below the result folder, and the endings of the names there.
pub const PLACES: [(&str, &str); 2] = [("captures", ".pcapng"), ("qlog", ".sqlog")];

fn place(form: Form) -> (&'static str, &'static str) {
    match form {
        Form::Packets => PLACES[0],
        Form::Events => PLACES[1],
    }
}

/// Folders of a trial, below the result folder.
pub fn folders(study: &Study, cell: usize, trial: u32) -> [PathBuf; 2] {
    PLACES.map(|(folder, _)| study.trial_path(folder, cell, trial))
}

/// Path of a capture of a trial. A star, which not every file system takes, is the word `all`.
pub fn path(study: &Study, cell: usize, trial: u32, capture: &Capture) -> PathBuf {
    let (folder, ending) = place(capture.form);
    study.trial_path(folder, cell, trial).join(capture.name.replace('*', "all") + ending)
}
