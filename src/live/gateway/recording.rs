//! Capture of a gateway's packets, written while it goes on: after each moment of quiet, and in pieces of some size. A
//! thread of its own writes, so that a disk or a reader that is slow holds nothing up; what it cannot take is left out
//! and counted, and whatever ends the program leaves a file of whole blocks, but for the piece that is being written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration as Span, SystemTime};

use tracing::warn;

use crate::engine::World;
use crate::wire::pcapng;

/// A file for a capture.
#[derive(Clone, Debug)]
pub struct Recording {
    file: Arc<File>,
    name: String,
    /// Bytes that it may have.
    most: u64,
}

/// End of a capture.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Packets that are not in it.
    pub left_out: u64,
    /// Reason, unless it is its greatest size.
    pub fault: Option<String>,
}

/// Bytes that are written at once though something is due.
const PIECE: u64 = 64 * 1024;
/// Bytes that wait for the writer at most.
const WAITING: u64 = 16 << 20;
/// Time for the writer at the end, which comes after [`super::GRACE`]: nobody waits for a second.
const GRACE: Span = Span::from_millis(300);
/// Fault of a writer that has more to write than it can.
const SLOW: &str = "whatever takes the capture is too slow";

impl Recording {
    /// Opens a file that is not there yet, or something else that takes bytes, such as a pipe to Wireshark. A pipe waits
    /// for its reader; `on_wait` says so.
    pub fn create(path: &Path, most: u64, on_wait: impl FnOnce()) -> io::Result<Recording> {
        let file = match OpenOptions::new().write(true).create_new(true).open(path) {
            // Its kind is asked of what was opened, so that no other can take its place in between.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let file = open_special(path, on_wait)?;
                if file.metadata()?.is_file() {
                    return Err(error);
                }
                file
            }
            result => result?,
        };
        Ok(Recording { file: Arc::new(file), name: path.display().to_string(), most })
    }
}

/// Opens what is there.
#[cfg(unix)]
fn open_special(path: &Path, on_wait: impl FnOnce()) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::{OFlags, fcntl_setfl};

    let mut options = OpenOptions::new();
    options.write(true);
    let no_reader = |error: &io::Error| error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error());
    match options.clone().custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path) {
        Ok(file) => {
            fcntl_setfl(&file, OFlags::empty())?;
            Ok(file)
        }
        Err(error) if no_reader(&error) => {
            on_wait();
            options.open(path)
        }
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn open_special(path: &Path, _: impl FnOnce()) -> io::Result<File> {
    OpenOptions::new().write(true).open(path)
}

/// A capture that goes on.
pub(super) struct Recorder {
    most: u64,
    pieces: Option<Sender<Vec<u8>>>,
    /// The writer hangs up when it has written everything.
    ended: Receiver<()>,
    state: Arc<State>,
}

/// State that the writer shares.
#[derive(Debug, Default)]
struct State {
    /// Bytes and packets that wait for it.
    bytes: AtomicU64,
    packets: AtomicU64,
    left_out: AtomicU64,
    /// Reason for which nothing more is written: what came later would look like all.
    fault: Mutex<Option<String>>,
}

impl Recorder {
    /// Captures all packets of a world that begins now.
    #[expect(clippy::disallowed_methods, reason = "its stamps are those of the wall clock")]
    pub fn new(recording: Recording, world: &mut World) -> Recorder {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        world.capture_all(recording.most, since.as_nanos() as u64);
        let state = Arc::new(State::default());
        let (pieces, inbox) = channel();
        let (hold, ended) = channel();
        let (most, shared) = (recording.most, Arc::clone(&state));
        let work = move || {
            let _hold: Sender<()> = hold;
            shared.write(&recording, &inbox);
        };
        if let Err(error) = std::thread::Builder::new().name("capture".to_owned()).spawn(work) {
            state.fail(error.to_string());
        }
        Recorder { most, pieces: Some(pieces), ended, state }
    }

    /// Hands on what there is, unless it is little and something is due soon.
    pub fn go_on(&mut self, world: &mut World, is_quiet: bool) {
        let waiting = world.captured();
        if waiting >= PIECE.min(self.most) || waiting > 0 && is_quiet {
            self.push(world.take_capture());
        }
    }

    /// Ends the capture.
    pub fn end(&mut self, world: &mut World) -> Recorded {
        let captures = world.end_captures();
        let beyond: u64 = captures.iter().map(|capture| capture.left_out).sum();
        for capture in captures {
            self.push(capture.file);
        }
        self.pieces = None;
        let is_late = self.ended.recv_timeout(GRACE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
        if is_late {
            self.state.fail(SLOW.to_owned());
        }
        let State { packets, left_out, .. } = &*self.state;
        let waiting = if is_late { packets.load(Ordering::SeqCst) } else { 0 };
        let left_out = beyond + left_out.load(Ordering::SeqCst) + waiting;
        Recorded { left_out, fault: self.state.fault().clone().filter(|_| left_out > beyond) }
    }

    fn push(&mut self, bytes: Vec<u8>) {
        let (len, packets) = (bytes.len() as u64, pcapng::packets(&bytes));
        let state = &self.state;
        if state.bytes.load(Ordering::SeqCst) + len > WAITING {
            state.fail(SLOW.to_owned());
        }
        let pieces = self.pieces.as_ref().filter(|_| state.fault().is_none());
        state.bytes.fetch_add(len, Ordering::SeqCst);
        state.packets.fetch_add(packets, Ordering::SeqCst);
        if pieces.is_none_or(|pieces| pieces.send(bytes).is_err()) {
            state.take(len, packets);
            state.left_out.fetch_add(packets, Ordering::SeqCst);
        }
    }
}

impl State {
    fn fault(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, reason: String) {
        self.fault().get_or_insert(reason);
    }

    fn take(&self, bytes: u64, packets: u64) {
        self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        self.packets.fetch_sub(packets, Ordering::SeqCst);
    }

    /// Writes pieces until there are no more. What was handed over before it became too much is still written.
    fn write(&self, recording: &Recording, inbox: &Receiver<Vec<u8>>) {
        let Recording { file, name, .. } = recording;
        let (mut whole, mut is_broken) = (0, false);
        for bytes in inbox {
            let packets = pcapng::packets(&bytes);
            let mut missing = packets;
            if !is_broken {
                let (written, result) = write_some(file, &bytes);
                let blocks = pcapng::whole(&bytes[..written]);
                whole += blocks as u64;
                missing -= pcapng::packets(&bytes[..blocks]);
                if let Err(error) = result {
                    is_broken = true;
                    // No torn block stays behind; a pipe has none to take back.
                    let _ = file.set_len(whole);
                    warn!("the capture {name} ends: {error}");
                    self.fail(error.to_string());
                }
            }
            self.left_out.fetch_add(missing, Ordering::SeqCst);
            self.take(bytes.len() as u64, packets);
        }
    }
}

/// Writes bytes as far as that goes: their number, and the error that ended it.
fn write_some(mut file: &File, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(n) => written += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}
