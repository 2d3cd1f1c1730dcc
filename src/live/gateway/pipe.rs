//! Between a task and the world's thread: one end of an in-world connection as a byte stream.
//!
//! Both buffers are bounded. The world takes from the task only what the in-world send buffer takes,
//! and gives only what the task has room for, so that windows really close.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::thread::Command;

/// Capacity of each buffer.
pub(super) const CAPACITY: usize = 64 * 1024;

/// State that the two sides share.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that has happened or not")]
pub(super) struct Pipe {
    /// From the world to the task; of it, `taken` bytes are gone.
    pub inbound: Vec<u8>,
    pub taken: usize,
    /// The peer's side has ended, and everything before is in `inbound`.
    pub ended: bool,
    /// From the task to the world.
    pub outbound: VecDeque<u8>,
    /// The task will write no more.
    pub shut: bool,
    /// True if a reset, not an end, follows the bytes that the task wrote.
    pub aborted: bool,
    /// The task reads no more.
    pub dropped: bool,
    /// The connection was reset.
    pub reset: bool,
    /// True if the world's thread was told and has not looked yet.
    pub told: bool,
    pub reader: Option<Waker>,
    pub writer: Option<Waker>,
}

/// One end of a connection in the world.
#[derive(Debug)]
pub struct Stream {
    pipe: Arc<Mutex<Pipe>>,
    commands: Sender<Command>,
    number: usize,
    connection: u64,
}

pub(super) fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipe {
    pub fn unread(&self) -> usize {
        self.inbound.len() - self.taken
    }

    pub fn wake_reader(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }

    pub fn wake_writer(&mut self) {
        if let Some(waker) = self.writer.take() {
            waker.wake();
        }
    }
}

impl Stream {
    pub(super) fn new(
        pipe: Arc<Mutex<Pipe>>,
        commands: Sender<Command>,
        number: usize,
        connection: u64,
    ) -> Stream {
        Stream { pipe, commands, number, connection }
    }

    /// The number of its connection in [`Statistics`](super::Statistics).
    pub fn connection(&self) -> u64 {
        self.connection
    }

    /// Ends what this end says by a reset: the other end hears it behind everything that was written
    /// before. Nothing more can be written; what the other end says can still be read.
    pub fn abort(&self) {
        let mut pipe = lock(&self.pipe);
        pipe.aborted = true;
        pipe.shut = true;
        self.tell(&mut pipe);
    }

    /// Lets the world's thread look, unless it was told already.
    fn tell(&self, pipe: &mut Pipe) {
        if !pipe.told {
            pipe.told = true;
            // A world that has ended has reset all pipes.
            let _ = self.commands.send(Command::Look(self.number));
        }
    }
}

/// Shared, so that one task can read while another writes.
impl AsyncRead for &Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut pipe = lock(&self.pipe);
        let unread = pipe.unread();
        if unread == 0 {
            // An end in order stays one, whatever follows: all was said.
            if pipe.ended {
                return Poll::Ready(Ok(()));
            }
            if pipe.reset {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            pipe.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = unread.min(out.remaining());
        out.put_slice(&pipe.inbound[pipe.taken..pipe.taken + count]);
        pipe.taken += count;
        if pipe.unread() == 0 {
            pipe.inbound.clear();
            pipe.taken = 0;
        }
        // The world looks again when half of the room is free: fewer words, same windows.
        if unread > CAPACITY / 2 && unread - count <= CAPACITY / 2 {
            self.tell(&mut pipe);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for &Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.pipe);
        if pipe.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if pipe.shut {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = CAPACITY.saturating_sub(pipe.outbound.len()).min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            pipe.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        pipe.outbound.extend(&bytes[..room]);
        self.tell(&mut pipe);
        Poll::Ready(Ok(room))
    }

    /// The written bytes are on their way as soon as the world's thread looks.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Sends a FIN after what was written.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = lock(&self.pipe);
        pipe.shut = true;
        self.tell(&mut pipe);
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_read(context, out)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_shutdown(context)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut pipe = lock(&self.pipe);
        pipe.dropped = true;
        pipe.shut = true;
        self.tell(&mut pipe);
    }
}
