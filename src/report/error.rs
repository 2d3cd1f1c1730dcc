//! Errors of a result folder, and their mends.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest;
use crate::tables::FileError;

/// Reason for which results could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder holds something that a run must not overwrite.
    #[error("{path} holds {holds}")]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// Content of the folder, in words.
        holds: String,
    },
    /// Another process writes into the folder.
    #[error("{path} is in use: another run or plot writes there")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The folder was moved or deleted while it was written.
    #[error("{path} was moved or deleted during the run")]
    Gone {
        /// Former path of the folder.
        path: PathBuf,
    },
    /// Files are not what the run wrote.
    #[error("{path}: changed since the run wrote it: {}", .files.join(", "))]
    Edited {
        /// The folder.
        path: PathBuf,
        /// Changed files, by their paths below it.
        files: Vec<String>,
    },
    /// A run cannot be resumed because it was another one.
    #[error("cannot resume the run in {path}: {what}")]
    Changed {
        /// The folder.
        path: PathBuf,
        /// Difference between the runs.
        what: String,
    },
    /// A folder is no part of the same run as others.
    #[error("{path} cannot be merged: {what}")]
    Unlike {
        /// The folder.
        path: PathBuf,
        /// Difference between the runs.
        what: String,
    },
    /// Nothing varies by that name.
    #[error("no axis is called \"{key}\"")]
    NoAxis {
        /// Key that was asked for.
        key: String,
        /// Keys of the axes.
        known: Vec<String>,
    },
    /// A figure that was asked for cannot be as it was asked for.
    #[error("{problem}")]
    Unfit {
        /// Description of the problem.
        problem: String,
        /// Mend.
        help: String,
    },
    /// A picture could not be drawn.
    #[error("cannot draw {path}: {problem}")]
    Picture {
        /// File of the picture.
        path: PathBuf,
        /// Description of the problem.
        problem: String,
    },
}

impl ReportError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ReportError {
        let error = FileError::io(action, path);
        move |source| error(source).into()
    }

    pub(super) fn malformed(path: &Path, problem: impl fmt::Display) -> ReportError {
        FileError::malformed(path, problem).into()
    }

    /// True if a folder that was named is not there, or holds no results.
    pub fn is_no_folder(&self) -> bool {
        let Self::File(FileError::Io { path, source, .. }) = self else { return false };
        source.kind() == io::ErrorKind::NotFound && path.ends_with(manifest::FILE)
    }

    /// Mend that the user can try.
    pub fn help(&self) -> String {
        match self {
            ReportError::File(FileError::Io { source, action, .. }) => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space, then go on with --resume".to_owned()
                }
                io::ErrorKind::FileTooLarge => {
                    "allow larger files (ulimit -f), then go on with --resume".to_owned()
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "choose a folder you may write to with --out DIR".to_owned()
                }
                io::ErrorKind::NotFound if *action == "read" => {
                    "name a folder that `testbed run` has written".to_owned()
                }
                io::ErrorKind::InvalidInput => {
                    "move it away, or choose another folder with --out DIR".to_owned()
                }
                _ if too_many_files(source) => {
                    "allow more open files (ulimit -n), then go on with --resume".to_owned()
                }
                _ => "check the path, or choose another folder with --out DIR".to_owned(),
            },
            ReportError::Occupied { .. } => {
                "add --resume to go on with the run that is there (under its own scenario and arguments), choose \
                 another folder with --out DIR, or replace it with --force"
                    .to_owned()
            }
            ReportError::InUse { .. } => {
                "wait until it has ended; a run of its own may go to another folder with --out DIR".to_owned()
            }
            ReportError::Gone { .. } => "the finished trials are in it, wherever it is now; go on there with \
                --out DIR --resume"
                .to_owned(),
            ReportError::Edited { .. } => {
                "restore it, run the scenario again, or go on with --force: that draws what is there, and \
                 computes what rests on others (summary.csv, groups.csv, axes.csv, the .hgrm files) anew"
                    .to_owned()
            }
            ReportError::Changed { .. } => {
                "start afresh with --force in place of --resume, or choose another folder with --out DIR"
                    .to_owned()
            }
            ReportError::Unlike { .. } => {
                "merge parts of one scenario, with the same --set and version, that nobody has changed".to_owned()
            }
            ReportError::File(FileError::Malformed { .. }) => {
                "restore the file, or run the scenario again with --force".to_owned()
            }
            ReportError::NoAxis { known, .. } if known.is_empty() => "these results have no axis".to_owned(),
            ReportError::NoAxis { known, .. } => format!("there are {}", known.join(", ")),
            ReportError::Unfit { help, .. } => help.clone(),
            ReportError::Picture { .. } => {
                "the tables are complete; leave the pictures out with --no-plots".to_owned()
            }
        }
    }
}

/// True if no more files may be open, in this process or at all.
pub fn too_many_files(error: &io::Error) -> bool {
    // ENFILE and EMFILE, the same on every Unix; ERROR_TOO_MANY_OPEN_FILES.
    let numbers: &[i32] = if cfg!(unix) { &[23, 24] } else { &[4] };
    error.raw_os_error().is_some_and(|number| numbers.contains(&number))
}
