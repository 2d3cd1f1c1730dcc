//! Captures of packets, as files of a run.

use std::path::PathBuf;

use super::study::Study;

/// The folder of captures, below the result folder.
pub const FOLDER: &str = "captures";

/// The ending of their names.
pub const ENDING: &str = ".pcapng";

/// Folder of the captures of a trial, below the result folder.
pub fn folder(study: &Study, cell: usize, trial: u32) -> PathBuf {
    study.trial_path(FOLDER, cell, trial)
}

/// Path of a capture of a trial. A star, which not every file system takes, is the word `all`.
pub fn path(study: &Study, cell: usize, trial: u32, name: &str) -> PathBuf {
    let file = name.replace('*', "all") + ENDING;
    folder(study, cell, trial).join(file)
}
