//! Errors of the file, when it is opened and later.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Reason for which the file cannot be read or written now; it may be possible again later.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database says so.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// This file, which is open, is not where it was: what is written now is gone at the next start.
    #[error("{0} {fate}", fate = fate(.0))]
    Moved(PathBuf),
}

impl StoreError {
    /// Description of the problem in words for clients: without places on the server.
    pub fn brief(&self) -> &'static str {
        match self.code() {
            None if matches!(self, StoreError::Moved(file) if file.exists()) => "its file was replaced",
            None if matches!(self, StoreError::Moved(_)) => "its file has vanished",
            Some(ErrorCode::DiskFull) => "its disk is full",
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "its file is locked",
            Some(ErrorCode::ReadOnly) => "its file is read-only",
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "its file is damaged",
            _ => "its file cannot be written",
        }
    }

    /// True if room may be the problem: a limit of the file's size reads as a failure of the system.
    pub(super) fn may_be_full(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure))
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            StoreError::Database(error) => error.sqlite_error_code(),
            StoreError::Moved(_) => None,
        }
    }
}

/// The fate of an open file that is not under its name any more, and the mend.
fn fate(file: &Path) -> &'static str {
    if file.exists() {
        "is another file than the one that was opened: put the first one back, or start the server again to go on \
         with this one"
    } else {
        "is gone: put it back, or start the server again, which begins with what is there then"
    }
}

/// Reason for which the file cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read or written, or is no database.
    #[error("{}", unusable(.0))]
    Unusable(rusqlite::Error),
    /// There is no such place.
    #[error("{0}")]
    NoPlace(std::io::Error),
    /// It is a folder, a device or the like.
    #[error("it is no regular file")]
    NoFile,
    /// Another server has it open.
    #[error("another server has it open: end that one first")]
    InUse,
    /// Its file system does not lock it, so that nobody knows whether another server has it open.
    #[error("it cannot be locked ({0}): keep it on a local disk")]
    NoLocks(std::io::Error),
    /// It cannot be written.
    #[error(
        "no permission to write it: the server's user must be able to write the file, its folder, and FILE-wal \
         and FILE-shm where these are there"
    )]
    ReadOnly,
    /// It holds this table, which is none of ours: somebody else's file.
    #[error("it is another program's: it holds the table {0}")]
    Foreign(String),
    /// A later program has written it.
    #[error("a newer testbed has written it (version {version}; this one knows {known}): start that one")]
    Newer {
        /// Its version.
        version: i64,
        /// The latest that this program knows.
        known: i64,
    },
    /// Its pages contradict each other; the first contradiction.
    #[error("it is damaged ({0}): restore a copy, or rescue it with `sqlite3 FILE .recover`")]
    Damaged(String),
}

impl OpenError {
    /// True if it is never going to be ours: a folder, or something else than a sound database.
    pub fn is_lasting(&self) -> bool {
        match self {
            OpenError::Unusable(error) => {
                matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase))
            }
            OpenError::InUse => false,
            OpenError::NoPlace(_)
            | OpenError::NoFile
            | OpenError::NoLocks(_)
            | OpenError::ReadOnly
            | OpenError::Foreign(_)
            | OpenError::Newer { .. }
            | OpenError::Damaged(_) => true,
        }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> OpenError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged(error.to_string()),
            Some(ErrorCode::ReadOnly) => OpenError::ReadOnly,
            _ => OpenError::Unusable(error),
        }
    }
}

fn unusable(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program holds it locked".to_owned()
        }
        _ => error.to_string(),
    }
}
