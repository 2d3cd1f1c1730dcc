//! The chat's server: one room, many connections.
//!
//! An event is encoded once and shared by everyone who hears it. What a connection does not take
//! at once waits in its queue; a connection whose queue grows beyond the bound is reset, because
//! waiting for it would make everybody wait (program 1 does, under a lock).

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::rc::Rc;

use super::{App, Conn, Event, Io, MessageId};
use crate::chat::marker;
use crate::chat::message::{self, ClientId, Delivery, Request};
use crate::chat::protocol::{After, Decoder, Dialect, Timestamp};
use crate::chat::room::{Room, Rules};
use crate::time::Instant;

/// The default bound of a connection's queue in bytes, on top of the connection's own buffer.
pub const QUEUE_LIMIT: usize = 1 << 20;

/// A server host's chat.
#[derive(Debug)]
pub struct ChatServer {
    dialect: &'static dyn Dialect,
    queue_limit: usize,
    room: Room,
    /// By the connection's number, which is the client's, too.
    peers: Vec<Option<Box<Peer>>>,
    /// Until when which connection must have joined; in order, because all have the same time.
    waiting: VecDeque<(Instant, Conn)>,
    counts: Counts,
    /// Connections to be reset: noted where it is found, done when the fan-out is over.
    doomed: Vec<Conn>,
    /// Scratch space, kept for its memory.
    bytes: Vec<u8>,
    requests: Vec<Request>,
    deliveries: Vec<Delivery>,
}

/// Why connections ended, other than by the client's wish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Their queue was full.
    pub overflowed: u64,
    /// What they sent was no sentence of the dialect.
    pub malformed: u64,
    /// They were not let in.
    pub rejected: u64,
    /// They took too long to join.
    pub silent: u64,
}

#[derive(Debug)]
struct Peer {
    decoder: Box<dyn Decoder>,
    /// What is still to be written; of the first, `written` bytes are.
    queue: VecDeque<Rc<[u8]>>,
    written: usize,
    /// What waits in the queue, in bytes.
    queued: usize,
    /// Nothing more is heard from it or said to it but what waits.
    closing: bool,
}

impl ChatServer {
    /// A server with an empty room.
    pub fn new(dialect: &'static dyn Dialect) -> ChatServer {
        ChatServer {
            dialect,
            queue_limit: QUEUE_LIMIT,
            room: Room::new(Rules::default()),
            peers: Vec::new(),
            waiting: VecDeque::new(),
            counts: Counts::default(),
            doomed: Vec::new(),
            bytes: Vec::new(),
            requests: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    /// With another bound of the queues, in bytes.
    #[must_use]
    pub fn queue_limit(self, bytes: usize) -> ChatServer {
        ChatServer { queue_limit: bytes, ..self }
    }

    /// How many connections ended for which reason.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How many people are in.
    pub fn people(&self) -> usize {
        self.room.len()
    }

    fn accept(&mut self, conn: Conn, io: &mut dyn Io) {
        let place = conn.0 as usize;
        if self.peers.len() <= place {
            self.peers.resize_with(place + 1, || None);
        }
        self.peers[place] = Some(Box::new(Peer {
            decoder: self.dialect.decoder(),
            queue: VecDeque::new(),
            written: 0,
            queued: 0,
            closing: false,
        }));
        if let Some(within) = self.dialect.join_within() {
            self.waiting.push_back((io.now().saturating_add(within), conn));
        }
    }

    fn peer(&mut self, conn: Conn) -> Option<&mut Peer> {
        self.peers.get_mut(conn.0 as usize)?.as_deref_mut()
    }

    /// Reads what there is and does what it asks.
    fn hear(&mut self, conn: Conn, io: &mut dyn Io) {
        let Some(peer) = self.peers.get_mut(conn.0 as usize).and_then(Option::as_deref_mut) else { return };
        if peer.closing {
            io.discard(conn);
            return;
        }
        let mut requests = std::mem::take(&mut self.requests);
        let mut result = Ok(());
        io.read(conn, &mut |bytes| {
            if result.is_ok() {
                result = peer.decoder.decode(bytes, &mut requests);
            }
        });
        for request in requests.drain(..) {
            // What follows a goodbye is not heard.
            if self.peer(conn).is_some_and(|peer| !peer.closing) {
                self.serve(conn, request, io);
            }
        }
        self.requests = requests;
        if let Err(malformed) = result {
            self.counts.malformed += 1;
            if !malformed.farewell.is_empty() {
                self.send(conn, &malformed.farewell.into(), io);
            }
            self.dismiss(conn, io);
        }
        self.settle();
    }

    /// Stops waiting for connections that have joined or gone.
    fn settle(&mut self) {
        while let Some(&(_, conn)) = self.waiting.front()
            && !self.is_silent(conn)
        {
            self.waiting.pop_front();
        }
    }

    /// Whether it is here and has not joined.
    fn is_silent(&self, conn: Conn) -> bool {
        let peer = self.peers.get(conn.0 as usize).and_then(Option::as_deref);
        peer.is_some_and(|peer| !peer.closing) && self.room.nick(ClientId(conn.0)).is_none()
    }

    /// Lets the room answer a request and tells everyone who hears of it.
    fn serve(&mut self, conn: Conn, request: Request, io: &mut dyn Io) {
        let id = request.text().and_then(|text| marker::read(text.as_bytes()));
        let mut audience = 0;
        let at = Timestamp::of_world(io.now());
        let mut deliveries = std::mem::take(&mut self.deliveries);
        self.room.handle(ClientId(conn.0), request, &mut deliveries);
        for Delivery { to, event } in deliveries.drain(..) {
            if event.is_message() {
                audience += to.count() as u32;
            }
            self.bytes.clear();
            let after = self.dialect.encode_event(&event, at, &mut self.bytes);
            if !self.bytes.is_empty() {
                let bytes = Rc::from(self.bytes.as_slice());
                for client in to.iter() {
                    self.send(Conn(client.0), &bytes, io);
                }
            }
            if after == After::Close {
                self.counts.rejected += u64::from(matches!(event, message::Event::Rejected(_)));
                self.dismiss(conn, io);
            }
        }
        self.deliveries = deliveries;
        if let Some(id) = id {
            io.message_fanned_out(MessageId(id), audience);
        }
        while let Some(conn) = self.doomed.pop() {
            self.counts.overflowed += 1;
            io.abort(conn);
            self.forget(conn, io);
        }
    }

    fn send(&mut self, conn: Conn, bytes: &Rc<[u8]>, io: &mut dyn Io) {
        let limit = self.queue_limit;
        let Some(peer) = self.peer(conn).filter(|peer| !peer.closing) else { return };
        let mut written = 0;
        if peer.queue.is_empty() {
            written = io.write(conn, bytes, 0);
            if written == bytes.len() {
                return;
            }
            peer.written = written;
        }
        peer.queue.push_back(bytes.clone());
        peer.queued += bytes.len() - written;
        if peer.queued > limit {
            peer.closing = true;
            self.doomed.push(conn);
        }
    }

    /// Writes what waits; closes a connection that has nothing more to come.
    fn drain(&mut self, conn: Conn, io: &mut dyn Io) {
        let Some(peer) = self.peer(conn) else { return };
        while let Some(bytes) = peer.queue.front() {
            let accepted = io.write(conn, bytes, peer.written);
            peer.written += accepted;
            peer.queued -= accepted;
            if peer.written < bytes.len() {
                return;
            }
            peer.queue.pop_front();
            peer.written = 0;
        }
        if peer.closing {
            io.close(conn);
        }
    }

    /// Ends a connection after what waits for it.
    fn dismiss(&mut self, conn: Conn, io: &mut dyn Io) {
        if let Some(peer) = self.peer(conn)
            && !peer.closing
        {
            peer.closing = true;
            self.drain(conn, io);
            self.leave(conn, io);
        }
    }

    /// The connection is gone.
    fn forget(&mut self, conn: Conn, io: &mut dyn Io) {
        if let Some(place) = self.peers.get_mut(conn.0 as usize)
            && place.take().is_some()
        {
            self.leave(conn, io);
        }
    }

    /// Takes the client out of the room, if it is in.
    fn leave(&mut self, conn: Conn, io: &mut dyn Io) {
        if self.room.nick(ClientId(conn.0)).is_some() {
            self.serve(conn, Request::Leave, io);
        }
    }
}

impl App for ChatServer {
    fn start(&mut self, _: &mut dyn Io) {}

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        match event {
            Event::Connected => self.accept(conn, io),
            Event::Readable => self.hear(conn, io),
            Event::Writable => {
                if self.peer(conn).is_some_and(|peer| !peer.queue.is_empty()) {
                    self.drain(conn, io);
                }
            }
            Event::PeerClosed => {
                self.hear(conn, io);
                self.dismiss(conn, io);
            }
            Event::Closed => self.forget(conn, io),
        }
    }

    fn on_timeout(&mut self, io: &mut dyn Io) {
        while let Some(&(until, conn)) = self.waiting.front()
            && until <= io.now()
        {
            self.waiting.pop_front();
            if self.is_silent(conn) {
                self.counts.silent += 1;
                self.dismiss(conn, io);
            }
        }
        self.settle();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.front().map(|&(until, _)| until)
    }
}
