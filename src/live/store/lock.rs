//! The lock that keeps a second server off a file.
//!
//! It is a lock of its own (`flock`) on the database: `SQLite`'s locks come and go with each transaction, and
//! holding them would keep every reader out, such as a backup. The kernel frees it with the process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use super::OpenError;

/// Opens the file, which is made if it is not there, and holds it until what is returned is dropped.
pub(super) fn take(path: &Path) -> Result<File, OpenError> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = opened.map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => OpenError::ReadOnly,
        ErrorKind::IsADirectory => OpenError::NoFile,
        _ => OpenError::NoPlace(error),
    })?;
    if !file.metadata().map_err(OpenError::NoPlace)?.is_file() {
        return Err(OpenError::NoFile);
    }
    file.try_lock().map_err(refusal)?;
    Ok(file)
}

fn refusal(error: TryLockError) -> OpenError {
    match error {
        TryLockError::WouldBlock => OpenError::InUse,
        TryLockError::Error(error) => OpenError::NoLocks(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_a_file_at_a_time_whatever_it_is_called() {
        let folder = tempfile::tempdir().expect("a folder");
        let [path, symbolic, hard] = ["chat.db", "symbolic", "hard"].map(|name| folder.path().join(name));
        let first = take(&path).expect("nobody has it");
        std::os::unix::fs::symlink(&path, &symbolic).expect("a link");
        std::fs::hard_link(&path, &hard).expect("a link");
        for name in [&path, &symbolic, &hard] {
            let error = take(name).expect_err("taken");
            assert!(matches!(error, OpenError::InUse) && !error.is_lasting(), "{error}");
        }
        drop(first);
        take(&symbolic).expect("free again");
    }

    #[test]
    fn what_cannot_be_locked_is_said() {
        for error in [ErrorKind::Unsupported, ErrorKind::Other] {
            let words = refusal(TryLockError::Error(error.into())).to_string();
            assert!(words.contains("cannot be locked") && words.contains("local disk"), "{words}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(take(folder.path()), Err(OpenError::NoFile)));
        assert!(matches!(take(Path::new("/dev/null")), Err(OpenError::NoFile)));
        assert!(matches!(take(&folder.path().join("none/chat.db")), Err(OpenError::NoPlace(_))));
    }
}
