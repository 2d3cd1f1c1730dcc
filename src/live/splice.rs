//! A socket joined to an end of an emulated path: what one says the other hears, the end of each
//! direction and a reset too. Bytes that came before a reset are heard before it.

use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration as Span;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::connect::Connected;
use super::gateway::Stream;

/// Time that written bytes may take to arrive, over an emulated path or at a slow reader, when their
/// connection has been reset.
pub const CARRIED_WITHIN: Span = Span::from_secs(30);

/// Reason for which a direction ended before its end.
#[derive(Debug)]
pub enum Broken {
    /// Nothing more can be read: everything before was handed on.
    Source(io::Error),
    /// Nothing more can be written. What this end itself said before may still wait to be read.
    Sink(io::Error),
}

impl Broken {
    /// The error of the system.
    pub fn error(self) -> io::Error {
        match self {
            Broken::Source(error) | Broken::Sink(error) => error,
        }
    }
}

/// Waits until the peer of a socket has (nearly) all that was written to it, then makes the socket's
/// end a reset, which discards the rest.
pub async fn reset(socket: &TcpStream) {
    let patience = Instant::now() + CARRIED_WITHIN;
    // The system says that there is room when what waits for an acknowledgment is small against the
    // buffer: with the smallest buffer, one or two packets.
    let _ = SockRef::from(socket).set_send_buffer_size(0);
    let mut pause = Span::from_millis(1);
    while !is_drained(socket) && Instant::now() < patience {
        sleep(pause).await;
        pause = (2 * pause).min(Span::from_millis(50));
    }
    reset_now(socket);
}

/// The same without waiting.
pub fn reset_now(socket: &TcpStream) {
    // Zero seconds of lingering make the system send a reset. A socket that refuses is closed.
    let _ = socket.set_zero_linger();
}

/// True if there is room to write, or nobody left to write to.
fn is_drained(socket: &TcpStream) -> bool {
    let mut asked = [PollFd::new(socket, PollFlags::OUT)];
    !matches!(poll(&mut asked, Some(&Timespec::default())), Ok(0))
}

/// Two ends of what was to be carried. Unless both directions have ended, both are reset, so that nobody
/// takes the part that arrived for the whole: also where nobody waits for the end.
struct Ends {
    socket: TcpStream,
    path: Stream,
    in_order: bool,
}

impl Drop for Ends {
    fn drop(&mut self) {
        if !self.in_order {
            reset_now(&self.socket);
            self.path.abort();
        }
    }
}

/// Bytes that have reached the sockets of a connection.
pub type Moved = AtomicU64;

/// Carries bytes both ways until both directions have ended, or until one breaks; then, or when this is
/// dropped before, both sides are reset. From `stop` on nothing more is read from the socket, and the
/// path's other end hears a reset. Returns how many bytes the socket and the path have said.
pub async fn splice(
    socket: impl Into<Connected>,
    path: Stream,
    moved: &Moved,
    stop: impl Future<Output = ()>,
) -> io::Result<(u64, u64)> {
    let Connected { socket, was_reset } = socket.into();
    // The system tells of a reset once. When a write hears of it, the next read finds what was received
    // before, and then what looks like an end in order.
    let is_reset = AtomicBool::new(was_reset);
    let mut ends = Ends { socket, path, in_order: false };
    let path = &ends.path;
    let (from_socket, to_socket) = ends.socket.split();
    let up = async {
        let said = tokio::select! {
            said = pump(from_socket, path, |_| (), || is_reset.load(Ordering::Relaxed)) => said,
            () = stop => Err(Broken::Sink(io::Error::other("the proxy has ended"))),
        };
        if said.is_err() {
            path.abort();
        }
        said
    };
    let down = async {
        let count = |written| {
            moved.fetch_add(written as u64, Ordering::Relaxed);
        };
        let said = pump(path, to_socket, count, || false).await;
        if let Err(Broken::Sink(error)) = &said {
            // A pipe is broken behind an end in order.
            is_reset.fetch_or(error.kind() != ErrorKind::BrokenPipe, Ordering::Relaxed);
        }
        said
    };
    // Of a broken source all was handed on, and nobody hears the other. What a broken sink said itself
    // still waits to be read.
    let result = both(up, down, moved, |broken| matches!(broken, Broken::Source(_))).await;
    let result = result.map_err(Broken::error);
    ends.in_order = result.is_ok();
    if result.is_err() {
        ends.path.abort();
        reset(&ends.socket).await;
    }
    result
}

/// Runs both halves of a connection to their ends. When one fails, what remains for the other may still
/// arrive, unless that failure is the end of all.
pub async fn both<A, B, E>(
    one: impl Future<Output = Result<A, E>>,
    other: impl Future<Output = Result<B, E>>,
    moved: &Moved,
    ends_all: impl Fn(&E) -> bool,
) -> Result<(A, B), E> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    tokio::select! {
        first = &mut one => match first {
            Ok(first) => Ok((first, other.await?)),
            Err(error) => {
                if !ends_all(&error) {
                    while_moving(moved, other).await;
                }
                Err(error)
            }
        },
        first = &mut other => match first {
            Ok(first) => Ok((one.await?, first)),
            Err(error) => {
                if !ends_all(&error) {
                    while_moving(moved, one).await;
                }
                Err(error)
            }
        },
    }
}

/// Waits for what remains of a connection that is broken, as long as something of it arrives.
async fn while_moving<T>(moved: &Moved, rest: impl Future<Output = T>) {
    let mut rest = pin!(rest);
    let mut before = None;
    while timeout(CARRIED_WITHIN, &mut rest).await.is_err() {
        let now = Some(moved.load(Ordering::Relaxed));
        if now == before {
            return;
        }
        before = now;
    }
}

/// Carries what one says to another, and its end, unless the end of a reading that `is_reset` is none.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: impl Fn(usize),
    is_reset: impl Fn() -> bool,
) -> Result<u64, Broken> {
    const BUFFER: usize = 16 * 1024;
    let mut buffer = vec![0; BUFFER];
    let mut said = 0;
    loop {
        let read = from.read(&mut buffer).await.map_err(Broken::Source)?;
        if read == 0 && is_reset() {
            return Err(Broken::Source(ErrorKind::ConnectionReset.into()));
        }
        if read == 0 {
            to.shutdown().await.map_err(Broken::Sink)?;
            return Ok(said);
        }
        let mut rest = &buffer[..read];
        while !rest.is_empty() {
            let written = to.write(rest).await.map_err(Broken::Sink)?;
            rest = &rest[written..];
            moved(written);
        }
        said += read as u64;
    }
}
