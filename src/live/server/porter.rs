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

use crate::chat::protocol::Pacing;
use crate::live::gateway::Stream;
use crate::live::socket::Socket;
use crate::live::splice::Abort as _;

/// The longest frame: as much as one read takes, or the longest thing that a server says.
const LONGEST: usize = 4 << 20;

/// So much may be inside a path in each direction: its TCP would take a dozen megabytes for one who does not
/// read. At a round trip of 100 ms that is 20 Mbit/s.
const INSIDE: usize = 256 * 1024;

/// What is inside one direction of a path: written to its near end and not read at the far one.
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

/// How long a client may take to end its side when the server has ended its own.
const LINGER: Span = Span::from_secs(1);

/// Carries frames between a client's socket and the near end of its path, towards the server and from it,
/// until the server's side has ended; when one breaks, both ends are reset.
pub(super) async fn carry(socket: Socket, near: Stream, pacing: Pacing, inside: &[Inside; 2]) {
    let socket = Rc::new(socket);
    let (mut from_path, mut to_path) = tokio::io::split(near);
    let up = async {
        let mut buffer = vec![0; super::connection::READ];
        loop {
            socket.readable().await?;
            match socket.try_read(&mut buffer) {
                Ok(0) => return to_path.shutdown().await,
                Ok(read) => write_frame(&mut to_path, &buffer[..read], &inside[0]).await?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    };
    let down = async {
        let mut last = None::<Instant>;
        let mut frame = Vec::new();
        while read_frame(&mut from_path, &mut frame, &inside[1]).await? {
            let gap = pacing.before(&frame);
            if let Some(last) = last.filter(|_| !gap.is_zero()) {
                sleep_until(last + Span::from_nanos(gap.as_nanos())).await;
            }
            socket.write_all(&frame).await?;
            last = Some(Instant::now());
        }
        socket.shutdown().await
    };
    let result = {
        let (mut up, mut down) = (pin!(up), pin!(down));
        tokio::select! {
            result = &mut up => match result {
                Ok(()) => down.await,
                Err(error) => Err(error),
            },
            result = &mut down => match result {
                // Nobody hears what the client still says.
                Ok(()) => timeout(LINGER, up).await.unwrap_or(Ok(())),
                Err(error) => Err(error),
            },
        }
    };
    if result.is_err() {
        from_path.unsplit(to_path).abort();
        socket.abort();
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
