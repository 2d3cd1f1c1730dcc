//! Between a socket and its emulated path: what one read brought, and what one write is to carry,
//! crosses the path as a frame of its own, because a stream merges what it carries and three of the
//! dialects have no other border than that of a read. The pacer stands here, at the socket.

use std::cell::Cell;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration as Span;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use crate::live::gateway::Stream;
use crate::live::socket::Socket;
use crate::live::splice::Broken;
use crate::time::Duration;

/// The longest frame: as much as one read takes, or the longest thing that a server says.
const LONGEST: usize = 4 << 20;

/// So much may be inside a path in each direction: its TCP would take a dozen megabytes for one who does not
/// read. At a round trip of 100 ms that is 20 Mbit/s.
const INSIDE: usize = 256 * 1024;

/// Contents of one direction of a path: written to its near end and not read at the far one.
#[derive(Debug, Default)]
pub(super) struct Inside {
    bytes: Cell<usize>,
    less: Notify,
}

impl Inside {
    /// Waits until there is room for a frame; one of any length is let in alone.
    async fn enter(&self, frame: usize) {
        while self.bytes.get() > 0 && self.bytes.get() + frame > INSIDE {
            self.less.notified().await;
        }
        self.bytes.set(self.bytes.get() + frame);
    }

    fn leave(&self, frame: usize) {
        self.bytes.set(self.bytes.get() - frame);
        self.less.notify_one();
    }
}

/// Time for a client to end its side when the server has ended its own.
const LINGER: Span = Span::from_secs(1);

/// Carries frames between a client's socket and the near end of its path, towards the server and from it,
/// until the server's side has ended; when one breaks, both ends are reset, behind what was carried.
/// `carrying` is held until the client was told everything.
pub(super) async fn carry(
    socket: Socket,
    near: Stream,
    pacing: Duration,
    inside: &[Inside; 2],
    carrying: Rc<()>,
) {
    let (path, socket) = (&near, &socket);
    let up = async {
        let mut to_path = path;
        let mut buffer = vec![0; super::connection::READ];
        loop {
            socket.readable().await.map_err(Broken::Source)?;
            match socket.try_read(&mut buffer) {
                Ok(0) => return to_path.shutdown().await.map_err(Broken::Sink),
                Ok(read) => {
                    write_frame(&mut to_path, &buffer[..read], &inside[0]).await.map_err(Broken::Sink)?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(Broken::Source(error)),
            }
        }
    };
    let down = async move {
        let mut from_path = path;
        let pacing = Span::from_nanos(pacing.as_nanos());
        let mut slot = Instant::now();
        let mut frame = Vec::new();
        while read_frame(&mut from_path, &mut frame, &inside[1]).await.map_err(Broken::Source)? {
            if !pacing.is_zero() {
                sleep_until(slot).await;
            }
            socket.write_all(&frame).await.map_err(Broken::Sink)?;
            // The timer's lateness is made up for, within bounds: the hub's pacer is as late, and what waited
            // here because of it would never catch up.
            slot = slot.max(Instant::now() - pacing / 4) + pacing;
        }
        let ended = socket.shutdown().await.map_err(Broken::Sink);
        drop(carrying);
        ended
    };
    let result = {
        let (mut up, mut down) = (pin!(up), pin!(down));
        tokio::select! {
            result = &mut up => match result {
                Ok(()) => down.await,
                // The server hears no more; what it said is under way still.
                Err(Broken::Sink(error)) => down.await.and(Err(Broken::Sink(error))),
                source => source,
            },
            result = &mut down => match result {
                // Nobody hears what the client still says.
                Ok(()) => timeout(LINGER, up).await.unwrap_or(Ok(())),
                // The client hears no more; what it said before is heard.
                Err(Broken::Sink(error)) => {
                    let _ = timeout(LINGER, up).await;
                    Err(Broken::Sink(error))
                }
                source => source,
            },
        }
    };
    if result.is_err() {
        near.abort();
        socket.reset().await;
    }
}

/// Four bytes of length, then the bytes; waits until there is room inside the path.
pub(super) async fn write_frame(
    out: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    inside: &Inside,
) -> io::Result<()> {
    inside.enter(bytes.len()).await;
    let mut frame = Vec::with_capacity(4 + bytes.len());
    frame.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    frame.extend_from_slice(bytes);
    out.write_all(&frame).await
}

/// The next frame, in place of what `frame` held; `false` at the end of the stream.
pub(super) async fn read_frame(
    input: &mut (impl AsyncRead + Unpin),
    frame: &mut Vec<u8>,
    inside: &Inside,
) -> io::Result<bool> {
    let length = match input.read_u32().await {
        Ok(length) => length as usize,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        Err(error) => return Err(error),
    };
    if length > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame that nobody wrote"));
    }
    frame.resize(length, 0);
    input.read_exact(frame).await?;
    inside.leave(length);
    Ok(true)
}
