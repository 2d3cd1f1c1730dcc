//! A file under way from somebody else: as much of it as is there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::chat::files::About;
use crate::units::hex;

/// A file under way.
#[derive(Debug)]
pub struct Taken {
    path: PathBuf,
    content: File,
    sum: Sha256,
    /// Bytes that are there, and bytes that are there or were asked for.
    pub written: u64,
    pub asked: u64,
    /// Time of the last line about it.
    pub said: Instant,
    /// Beginning of the present connection: when, and at which byte.
    since: Instant,
    first: u64,
}

impl Taken {
    /// Nothing of it is there yet.
    pub fn begin(folder: &Path, name: &str) -> io::Result<Taken> {
        let (path, content) = create(folder, &format!("{name}.part"))?;
        let now = Instant::now();
        Ok(Taken { path, content, sum: Sha256::new(), written: 0, asked: 0, said: now, since: now, first: 0 })
    }

    /// All that was asked for and is not there has to be asked for again.
    pub fn begin_again(&mut self) {
        (self.asked, self.first, self.since) = (self.written, self.written, Instant::now());
    }

    /// Takes the part that begins at a byte; returns its bytes.
    pub fn take(&mut self, about: &About, from: u64, data: &str) -> io::Result<u64> {
        let bytes = STANDARD.decode(data).map_err(io::Error::other)?;
        if from != self.written || Some(bytes.len() as u64) != about.part(from) {
            return Err(io::Error::other("a part has another length than it should"));
        }
        self.content.write_all(&bytes)?;
        self.sum.update(&bytes);
        self.written += bytes.len() as u64;
        Ok(bytes.len() as u64)
    }

    /// Gives it its name, if it is what was offered; else nothing of it is left.
    pub fn keep(self, folder: &Path, name: &str, about: &About) -> io::Result<PathBuf> {
        let kept = if hex(&self.sum.clone().finalize()) == *about.sum {
            self.content.sync_all().and_then(|()| create(folder, name)).and_then(|(path, _)| {
                fs::rename(&self.path, &path).inspect_err(|_| drop(fs::remove_file(&path)))?;
                Ok(path)
            })
        } else {
            Err(io::Error::other("its checksum is wrong"))
        };
        if kept.is_err() {
            self.discard();
        }
        kept
    }

    /// Leaves nothing of it.
    pub fn discard(self) {
        // Nothing depends on it.
        let _ = fs::remove_file(self.path);
    }

    /// Goodput of the present connection.
    pub fn rate(&self) -> String {
        let bytes = self.written - self.first;
        format!("{:.0} kB/s", bytes as f64 / 1e3 / self.since.elapsed().as_secs_f64().max(1e-3))
    }
}

/// A new file in a folder: of this name, or the first of `name-2.txt`, `name-3.txt` … that is free.
fn create(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    let (stem, ending) = name.split_once('.').map_or((name, String::new()), |(a, b)| (a, format!(".{b}")));
    for n in 1..1_000 {
        let name = if n == 1 { name.to_owned() } else { format!("{stem}-{n}{ending}") };
        let path = folder.join(name);
        // Follows no link, and replaces nothing.
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many files have this name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(content: &[u8]) -> About {
        About { name: "a.txt".into(), size: content.len() as u64, sum: hex(&Sha256::digest(content)).into() }
    }

    #[test]
    fn a_file_gets_its_name_once_it_is_right_and_replaces_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        for name in ["a.txt", "a-2.txt"] {
            let mut taken = Taken::begin(folder, "a.txt").expect("created");
            assert!(taken.take(&about(b"hello"), 0, "aGVsbG9v").is_err(), "one byte more");
            assert!(taken.take(&about(b"hello"), 0, "<b>").is_err(), "no Base64");
            taken.take(&about(b"hello"), 0, "aGVsbG8=").expect("taken");
            assert_eq!(taken.keep(folder, "a.txt", &about(b"hello")).expect("kept"), folder.join(name));
        }
        let mut wrong = Taken::begin(folder, "a.txt").expect("created");
        wrong.take(&about(b"jello"), 0, "aGVsbG8=").expect("taken");
        let error = wrong.keep(folder, "a.txt", &about(b"jello")).expect_err("wrong");
        assert!(error.to_string().contains("checksum"), "{error}");
        assert_eq!(fs::read_dir(folder).expect("read").count(), 2, "nothing else is left");
        let empty = Taken::begin(folder, "b").expect("created").keep(folder, "b", &about(b""));
        assert_eq!(fs::read(empty.expect("kept")).expect("read"), b"");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (folder, target) = (folder.path(), folder.path().join("target"));
        for name in ["a.part", "a"] {
            std::os::unix::fs::symlink(&target, folder.join(name)).expect("a link");
        }
        let mut taken = Taken::begin(folder, "a").expect("created");
        taken.take(&about(b"hello"), 0, "aGVsbG8=").expect("taken");
        assert_eq!(taken.keep(folder, "a", &about(b"hello")).expect("kept"), folder.join("a-2"));
        assert!(!target.exists());
    }
}
