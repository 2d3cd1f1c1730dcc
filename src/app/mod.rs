//! Programs that use connections: bulk transfers, and the adapters of the chat. An application sees
//! only its own [`Io`]: no TCP, no sockets, no engine. The same adapters run in a world and, later,
//! behind real sockets.

pub(crate) mod bulk;
pub(crate) mod chat_client;
pub(crate) mod chat_server;
pub(crate) mod incast;
pub(crate) mod ping;
#[cfg(test)]
mod testing;
pub(crate) mod udp;
pub(crate) mod video;
pub(crate) mod voice;
pub(crate) mod web;

use std::rc::Rc;

pub use crate::facts::StreamEvent as Event;
use crate::facts::{ChunkOutcome, Datagram, RequestOutcome};
use crate::time::{Duration, Instant};

/// A connection as its application knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conn(pub u32);

/// The number of a synthetic message, counted from 0 over the whole world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u32);

/// The number of a request, counted from 0 over the whole world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u32);

/// The number of a chunk of video, counted from 0 over the whole world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkId(pub u32);

/// An application on a host: a client with its connections, or a server with all of them.
pub trait App {
    /// Begins, at its start time.
    fn start(&mut self, io: &mut dyn Io);

    /// Something happened to `conn`.
    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io);

    /// A datagram has come on `conn`, which was opened for them.
    fn on_datagram(&mut self, _conn: Conn, _datagram: Datagram, _io: &mut dyn Io) {}

    /// The instant of [`poll_timeout`](App::poll_timeout) has come.
    fn on_timeout(&mut self, _io: &mut dyn Io) {}

    /// Time at which it wants to be woken next, if it has timers.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// Operations that an application may perform.
pub trait Io {
    /// The present instant.
    fn now(&self) -> Instant;

    /// No new work begins at or after this instant (the scenario's duration); what is under way
    /// may drain.
    fn horizon(&self) -> Instant;

    /// Opens a connection to the server; [`Event::Connected`] follows.
    fn connect(&mut self) -> Conn;

    /// Writes `bytes[from..]`; returns how many were accepted. After a short write,
    /// [`Event::Writable`] follows.
    fn write(&mut self, conn: Conn, bytes: &Rc<[u8]>, from: usize) -> usize;

    /// Writes up to `len` zero bytes that exist only as a number; returns how many were accepted.
    fn write_zeros(&mut self, conn: Conn, len: u64) -> u64;

    /// Hands everything readable to `take`, in pieces that need not be copied; they come in order and
    /// begin and end anywhere.
    fn read(&mut self, conn: Conn, take: &mut dyn FnMut(&[u8]));

    /// Reads and drops everything readable; returns how much that was.
    fn discard(&mut self, conn: Conn) -> u64;

    /// From now on whatever comes on `conn` is dropped, as [`discard`](Io::discard) would. A host that can do so
    /// itself no longer announces it with [`Event::Readable`]; others go on.
    fn sink(&mut self, _conn: Conn) {}

    /// Closes the sending side, after what was written.
    fn close(&mut self, conn: Conn);

    /// Resets the connection.
    fn abort(&mut self, conn: Conn);

    /// Opens a flow of datagrams to the server, from [`App::start`] or [`App::on_timeout`]: nothing is said to it, but
    /// its application hears [`Event::Connected`] at once. A receiver with a `playout` buffer plays what comes as
    /// speech.
    fn open_datagrams(&mut self, playout: Option<Duration>) -> Conn;

    /// Sends a datagram with so many bytes of data.
    fn send_datagram(&mut self, conn: Conn, payload: u32);

    /// Sends a datagram back to its sender.
    fn answer_datagram(&mut self, conn: Conn, datagram: Datagram);

    /// Announces a request, which is not complete yet; returns its number.
    fn request_intended(&mut self, request: RequestOutcome) -> RequestId;

    /// Announces that the last byte of a request's answer is here.
    fn request_completed(&mut self, id: RequestId);

    /// Announces that a chunk of video is asked for, which is not here yet; playback ends at `dry` without it. Returns its
    /// number.
    fn chunk_asked(&mut self, chunk: ChunkOutcome, dry: Option<Instant>) -> ChunkId;

    /// Announces that the last byte of a chunk is here; playback ends at `dry` without the next.
    fn chunk_came(&mut self, id: ChunkId, dry: Option<Instant>);

    /// Announces a message that was meant to be sent at `intended` and that `audience` people
    /// should hear; returns the id that its text must carry.
    fn message_intended(&mut self, intended: Instant, audience: u32) -> MessageId;

    /// Corrects the audience to what the room really was when the server handled the message.
    fn message_fanned_out(&mut self, id: MessageId, audience: u32);

    /// Announces that one person has heard message `id`.
    fn message_delivered(&mut self, id: MessageId);
}
