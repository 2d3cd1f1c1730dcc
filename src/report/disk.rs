//! The file system as results need it: only regular files are opened, so that a pipe or a device in the
//! folder is an error and never a wait; a folder is written by one process at a time; and what was
//! written has a fingerprint.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use same_file::Handle;
use sha2::{Digest, Sha256};

use super::error::ReportError;
use crate::tables::{FileError, Store};
use crate::units::hex;

/// Opens a file to read it.
pub fn open(path: &Path) -> Result<File, ReportError> {
    regular(path).and_then(|()| File::open(path)).map_err(ReportError::io("read", path))
}

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>, ReportError> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(ReportError::io("read", path))?;
    Ok(bytes)
}

/// The bytes of a file; none if it is not there.
pub fn read_if_there(path: &Path) -> Result<Vec<u8>, ReportError> {
    match read(path) {
        Err(ReportError::File(FileError::Io { source, .. })) if source.kind() == io::ErrorKind::NotFound => {
            Ok(Vec::new())
        }
        result => result,
    }
}

/// Opens a file that is there to write at its end.
pub fn append(path: &Path) -> Result<File, ReportError> {
    let file = regular(path).and_then(|()| OpenOptions::new().append(true).open(path));
    file.map_err(ReportError::io("open", path))
}

/// Writes a file so that it appears under its name only when it is complete; its folder is created.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let mut file = Replacement::of(path)?;
    file.write(bytes);
    file.finish()
}

/// A file that is written piece by piece, and appears under its name when it is complete.
pub struct Replacement {
    path: PathBuf,
    draft: PathBuf,
    file: BufWriter<File>,
    problem: Option<io::Error>,
}

impl Replacement {
    /// Begins the file; its folder is created.
    pub fn of(path: &Path) -> Result<Replacement, ReportError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(ReportError::io("create", parent))?;
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".tmp");
        let draft = path.with_file_name(name);
        let file = regular(&draft).and_then(|()| File::create(&draft));
        let file = BufWriter::new(file.map_err(ReportError::io("write", &draft))?);
        Ok(Replacement { path: path.to_owned(), draft, file, problem: None })
    }

    /// Adds a piece; an error is one of [`Replacement::finish`].
    pub fn write(&mut self, bytes: &[u8]) {
        if self.problem.is_none() {
            self.problem = self.file.write_all(bytes).err();
        }
    }

    /// Gives the file its name.
    pub fn finish(self) -> Result<(), ReportError> {
        let Replacement { path, draft, file, problem } = self;
        let write = || {
            problem.map_or(Ok(()), Err)?;
            // Without it a system that fails may keep the new name and lose the bytes.
            file.into_inner()?.sync_data()
        };
        write().map_err(ReportError::io("write", &draft))?;
        fs::rename(&draft, &path).map_err(ReportError::io("write", &path))
    }
}

/// An error if something else than a file lies there: to open a pipe would wait for its other end.
fn regular(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(found) if found.is_dir() => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a folder")),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a pipe or a device and no file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The files below a folder.
#[derive(Clone, Debug)]
pub struct Disk(PathBuf);

impl Disk {
    /// Those of this folder.
    pub fn of(folder: &Path) -> Disk {
        Disk(folder.to_owned())
    }
}

impl Store for Disk {
    fn path(&self, file: &Path) -> PathBuf {
        // A path joined with nothing would end with a slash.
        if file.as_os_str().is_empty() { self.0.clone() } else { self.0.join(file) }
    }

    fn open(&self, file: &Path) -> io::Result<Box<dyn io::Read + '_>> {
        let path = self.path(file);
        regular(&path)?;
        Ok(Box::new(File::open(path)?))
    }

    fn holds(&self, path: &Path) -> bool {
        self.path(path).exists()
    }
}

/// Fingerprint of bytes: their number, and their SHA-256 in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    pub bytes: u64,
    pub sha256: String,
}

/// Takes a fingerprint piece by piece.
#[derive(Default)]
pub struct Weigher {
    bytes: u64,
    hash: Sha256,
}

impl Weigher {
    pub fn take(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.hash.update(piece);
    }

    pub fn finish(self) -> Fingerprint {
        Fingerprint { bytes: self.bytes, sha256: hex(&self.hash.finalize()) }
    }
}

impl Fingerprint {
    /// That of bytes in memory.
    pub fn of(bytes: &[u8]) -> Fingerprint {
        let mut weigher = Weigher::default();
        weigher.take(bytes);
        weigher.finish()
    }

    /// That of a file.
    pub fn of_file(path: &Path) -> Result<Fingerprint, ReportError> {
        let mut file = open(path)?;
        let mut weigher = Weigher::default();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer).map_err(ReportError::io("read", path))? {
                0 => return Ok(weigher.finish()),
                n => weigher.take(&buffer[..n]),
            }
        }
    }
}

/// A new file whose fingerprint is taken while it is written.
pub struct Writer<'a> {
    path: &'a Path,
    file: File,
    weigher: Weigher,
}

impl Writer<'_> {
    /// Creates the file, or empties it.
    pub fn create(path: &Path) -> Result<Writer<'_>, ReportError> {
        let file =
            regular(path).and_then(|()| File::create(path)).map_err(ReportError::io("create", path))?;
        Ok(Writer { path, file, weigher: Weigher::default() })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ReportError> {
        self.weigher.take(bytes);
        self.file.write_all(bytes).map_err(ReportError::io("write", self.path))
    }

    pub fn finish(self) -> Fingerprint {
        self.weigher.finish()
    }
}

/// The right to write into a result folder, which one process has at a time. It is a lock of the system
/// on the folder itself: it leaves nothing behind, and ends with the process however that ends.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    folder: Handle,
}

impl Lock {
    /// Takes the folder, which must exist, or says that it is taken.
    pub fn take(path: &Path) -> Result<Lock, ReportError> {
        let folder = Handle::from_path(path).map_err(ReportError::io("open", path))?;
        match folder.as_file().try_lock() {
            Err(TryLockError::WouldBlock) => Err(ReportError::InUse { path: path.to_owned() }),
            // Some network file systems have no locks for folders; their users must take care themselves.
            Ok(()) | Err(_) => Ok(Lock { path: path.to_owned(), folder }),
        }
    }

    /// An error if the folder does not lie under its name any more.
    pub fn check(&self) -> Result<(), ReportError> {
        match Handle::from_path(&self.path) {
            Ok(found) if found == self.folder => Ok(()),
            _ => Err(ReportError::Gone { path: self.path.clone() }),
        }
    }
}

/// True if a file that is open has lost its last name.
pub fn is_nameless(file: &File) -> io::Result<bool> {
    let found = file.metadata()?;
    #[cfg(unix)]
    return Ok(std::os::unix::fs::MetadataExt::nlink(&found) == 0);
    // Elsewhere the name of an open file is kept.
    #[cfg(not(unix))]
    return Ok(!found.is_file());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_writer_at_a_time() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let first = Lock::take(dir.path()).expect("free");
        assert!(matches!(Lock::take(dir.path()), Err(ReportError::InUse { .. })));
        drop(first);
        Lock::take(dir.path()).expect("free again");
    }

    #[test]
    fn a_folder_that_was_moved_is_noticed_even_if_another_lies_there() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let (here, there) = (parent.path().join("here"), parent.path().join("there"));
        fs::create_dir(&here).expect("made");
        let lock = Lock::take(&here).expect("free");
        lock.check().expect("where it was");
        fs::rename(&here, &there).expect("moved");
        assert!(matches!(lock.check(), Err(ReportError::Gone { .. })));
        fs::create_dir(&here).expect("made");
        assert!(matches!(lock.check(), Err(ReportError::Gone { .. })));
    }

    #[test]
    fn a_file_weighs_what_its_bytes_do() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("file");
        let mut writer = Writer::create(&path).expect("created");
        writer.write(b"ab").expect("written");
        writer.write(b"c").expect("written");
        // FIPS 180-4's example.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let expected = Fingerprint { bytes: 3, sha256: sha256.to_owned() };
        assert_eq!(writer.finish(), expected);
        assert_eq!(Fingerprint::of(b"abc"), expected);
        assert_eq!(Fingerprint::of_file(&path).expect("read"), expected);
    }
}
