//! Capture of a gateway's packets, written while it goes on: after each moment of quiet, and in pieces of some size, so
//! that whatever ends the program leaves a file of whole blocks.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use tracing::warn;

use crate::engine::World;

/// A file for a capture.
#[derive(Clone, Debug)]
pub struct Recording {
    file: Arc<File>,
    name: String,
    /// Bytes that it may have.
    most: u64,
}

/// End of a capture.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    /// Packets that found no room.
    pub left_out: u64,
}

/// Bytes that are written at once though something is due.
const PIECE: u64 = 64 * 1024;

impl Recording {
    /// Opens a file that is not there yet, or something that takes bytes, such as a pipe to Wireshark.
    pub fn create(path: &Path, most: u64) -> io::Result<Recording> {
        let is_file = path.metadata().is_ok_and(|found| found.is_file());
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).create_new(is_file).open(path)?;
        Ok(Recording { file: Arc::new(file), name: path.display().to_string(), most })
    }
}

/// A capture that goes on.
pub(super) struct Recorder {
    recording: Recording,
    /// True if it could not be written.
    failed: bool,
}

impl Recorder {
    /// Captures all packets of a world that begins now.
    #[expect(clippy::disallowed_methods, reason = "its stamps are those of the wall clock")]
    pub fn new(recording: Recording, world: &mut World) -> Recorder {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        world.capture_all(recording.most, since.as_nanos() as u64);
        Recorder { recording, failed: false }
    }

    /// Writes what there is, unless it is little and something is due soon.
    pub fn go_on(&mut self, world: &mut World, is_quiet: bool) {
        let waiting = world.captured();
        if waiting >= PIECE || waiting > 0 && is_quiet {
            let bytes = world.take_capture();
            self.write(&bytes);
        }
    }

    /// Ends the capture.
    pub fn end(&mut self, world: &mut World) -> Recorded {
        let captures = world.end_captures();
        for capture in &captures {
            self.write(&capture.file);
        }
        Recorded { left_out: captures.iter().map(|capture| capture.left_out).sum() }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.failed {
            return;
        }
        if let Err(error) = (&*self.recording.file).write_all(bytes) {
            self.failed = true;
            warn!("the capture {} ends: {error}", self.recording.name);
        }
    }
}
