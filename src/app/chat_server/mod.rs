//! The chat's server: a [`RoomServer`] on a world's connections.
//!
//! Data that a connection does not take at once wait in its queue; a connection whose queue exceeds the
//! bound is reset, because waiting for it would make everybody wait (program 1 does, under a lock).

#[cfg(test)]
mod tests;

use super::{App, Conn, Event, Io, MessageId};
use crate::chat::message::ClientId;
use crate::chat::protocol::{Dialect, Moment, Settings};
use crate::chat::room::Rules;
use crate::chat::server::{Flushed, RoomServer};
use crate::time::{Duration, Instant};

#[cfg(test)]
pub use crate::chat::server::Counts;

/// The default bound of what waits for a connection in bytes, on top of the connection's own buffer.
pub const QUEUE_LIMIT: usize = 1 << 20;

/// Time within which a new connection must join before it is closed.
const JOIN_WITHIN: Duration = Duration::from_secs(30);

/// A server host's chat.
#[derive(Debug)]
pub struct ChatServer {
    dialect: &'static dyn Dialect,
    settings: Settings,
    server: RoomServer,
}

impl ChatServer {
    /// A server with an empty room. Its clients are synthetic people, who know all of their dialect.
    pub fn new(dialect: &'static dyn Dialect) -> ChatServer {
        ChatServer {
            dialect,
            settings: Settings { extended: true, ..Settings::default() },
            server: RoomServer::new(Rules::default()).join_within(JOIN_WITHIN).max_backlog(QUEUE_LIMIT),
        }
    }

    /// With another bound of what waits for a connection, in bytes.
    #[cfg(test)]
    pub fn queue_limit(self, bytes: usize) -> ChatServer {
        ChatServer { server: self.server.max_backlog(bytes), ..self }
    }

    /// Connections that ended for each reason.
    #[cfg(test)]
    pub fn counts(&self) -> Counts {
        self.server.counts()
    }

    /// The number of people in the room.
    #[cfg(test)]
    pub fn people(&self) -> usize {
        self.server.room().len()
    }

    /// Reads what there is and does what it asks.
    fn hear(&mut self, conn: Conn, io: &mut dyn Io) {
        let (id, moment) = (client(conn), Moment::of_world(io.now()));
        if !self.server.hears(id) {
            io.discard(conn);
            return;
        }
        io.read(conn, &mut |bytes| self.server.receive(moment, id, bytes));
        self.serve(conn, io);
    }

    /// Does what a connection has asked.
    fn serve(&mut self, conn: Conn, io: &mut dyn Io) {
        let moment = Moment::of_world(io.now());
        while let Some(served) = self.server.serve_next(moment, client(conn)) {
            if let Some(message) = served.marker {
                io.message_fanned_out(MessageId(message), served.audience);
            }
            self.flush(io);
        }
        self.flush(io);
    }

    /// Writes what there is for anybody.
    fn flush(&mut self, io: &mut dyn Io) {
        while let Some(id) = self.server.poll_dirty() {
            self.write(Conn(id.0), io);
        }
    }

    /// Writes what waits for a connection, and closes it after its last word.
    fn write(&mut self, conn: Conn, io: &mut dyn Io) {
        let (id, now) = (client(conn), io.now());
        match self.server.flush(now, id, &mut |bytes, from| io.write(conn, bytes, from)) {
            Flushed::Open => {}
            Flushed::Slow => {
                io.abort(conn);
                self.server.drop_slow(Moment::of_world(now), id);
            }
            Flushed::Finished => io.close(conn),
        }
    }
}

/// The number of a connection is its client's, too.
fn client(conn: Conn) -> ClientId {
    ClientId(conn.0)
}

impl App for ChatServer {
    fn start(&mut self, _: &mut dyn Io) {}

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        let moment = Moment::of_world(io.now());
        match event {
            Event::Connected => {
                self.server.open(moment, client(conn), self.dialect.server(&self.settings));
                self.serve(conn, io);
            }
            Event::Readable => self.hear(conn, io),
            Event::Writable => {
                self.server.resume(client(conn));
                self.write(conn, io);
            }
            Event::PeerClosed => {
                self.hear(conn, io);
                self.server.end_of_file(moment, client(conn));
            }
            Event::Closed => self.server.forget(moment, client(conn)),
        }
        self.flush(io);
    }

    fn on_timeout(&mut self, io: &mut dyn Io) {
        self.server.handle_timeout(Moment::of_world(io.now()));
        self.flush(io);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.server.poll_timeout()
    }
}
