//! Errors of a file of results.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Reason for which a file of results could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Attempted operation: "write", "read", …
        action: &'static str,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}: {problem}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Description of the problem.
        problem: String,
    },
}

impl FileError {
    /// Error of an operation on a file.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
        let path = path.to_owned();
        move |source| FileError::Io { path, action, source }
    }

    /// Error of a file's content.
    pub fn malformed(path: &Path, problem: impl fmt::Display) -> FileError {
        FileError::Malformed { path: path.to_owned(), problem: problem.to_string() }
    }
}
