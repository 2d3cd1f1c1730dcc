//! Output queue of a connection on its way to its socket or path.

use std::rc::Rc;

use super::Hub;
use crate::chat::message::ClientId;
use crate::chat::server::Outlet;
use crate::live::socket::Socket;
use crate::time::Instant;

/// Next step of a writer.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::live::server) enum Flushed {
    /// Nothing waits.
    Idle,
    /// The socket takes no more now.
    Blocked,
    /// The pacer says: not before then.
    Until(Instant),
    /// Everything is written and the connection is to end.
    Finished,
    /// The socket is broken.
    Broken,
}

impl Hub {
    /// Writes to a connection's own socket as much as goes.
    pub(in crate::live::server) fn flush(&mut self, id: ClientId) -> Flushed {
        let now = self.clock.now();
        let flushed = self.write(now, id);
        self.after_write(now, id);
        self.pass_on();
        flushed
    }

    /// The same within a turn.
    pub(super) fn write(&mut self, now: Instant, id: ClientId) -> Flushed {
        let Some(peer) = self.peer(id) else { return Flushed::Broken };
        let Some(socket) = peer.socket.clone() else { return Flushed::Idle };
        let flushed = self.write_to(&socket, now, id);
        match flushed {
            Flushed::Blocked => self.server.set_outlet(id, Outlet::Stalled),
            // Its client may come back.
            Flushed::Broken if self.outlives_connection(id) => {
                self.server.set_outlet(id, Outlet::Stalled);
                self.peer(id).into_iter().for_each(|peer| peer.overdue.notify_one());
            }
            Flushed::Broken => self.server.break_off(now, id),
            _ => self.server.set_outlet(id, Outlet::Open),
        }
        flushed
    }

    /// Takes note of what was written.
    pub(super) fn after_write(&mut self, now: Instant, id: ClientId) {
        self.forget_what_was_taken(id);
        self.server.look(now, id);
    }

    fn write_to(&mut self, socket: &Socket, now: Instant, id: ClientId) -> Flushed {
        loop {
            let Some(out) = self.server.outgoing(id) else { return Flushed::Broken };
            let result = match out.next(now) {
                None if self.server.hears(id) => return settled(socket, Flushed::Idle),
                None => return settled(socket, Flushed::Finished),
                Some(Err(at)) => return settled(socket, Flushed::Until(at)),
                Some(Ok(_)) if self.is_framed(id) && !out.is_spaced() && out.messages() > 1 => {
                    socket.try_write_vectored(&out.slices())
                }
                Some(Ok((bytes, from))) => socket.try_write(&bytes[from..]),
            };
            match result {
                Ok(written) => self.server.wrote(now, id, written),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Flushed::Blocked,
                Err(_) => return Flushed::Broken,
            }
        }
    }

    fn is_framed(&self, id: ClientId) -> bool {
        self.peers[id.0 as usize].as_ref().is_some_and(|peer| peer.framed)
    }

    /// Takes the next message out for a path, whose writer is never interrupted.
    pub(in crate::live::server) fn take(&mut self, id: ClientId) -> Result<Rc<[u8]>, Flushed> {
        let now = self.clock.now();
        let next = match self.server.outgoing(id).map(|out| out.next(now)) {
            Some(Some(Ok((bytes, from)))) => Ok((Rc::clone(bytes), bytes.len() - from)),
            Some(Some(Err(at))) => Err(Flushed::Until(at)),
            Some(None) if self.server.hears(id) => Err(Flushed::Idle),
            _ => Err(Flushed::Finished),
        };
        let next = next.map(|(bytes, rest)| {
            self.server.wrote(now, id, rest);
            bytes
        });
        self.after_write(now, id);
        self.pass_on();
        next
    }

    /// Sets the readiness of a path for writes.
    pub(in crate::live::server) fn set_outlet(&mut self, id: ClientId, outlet: Outlet) {
        self.server.set_outlet(id, outlet);
        self.server.look(self.clock.now(), id);
        self.pass_on();
    }

    /// Nothing more can be written to it.
    pub(in crate::live::server) fn break_off(&mut self, id: ClientId) {
        self.server.break_off(self.clock.now(), id);
        self.pass_on();
    }
}

/// Nothing is written as long as part of it waits in this process; an ending is announced.
fn settled(socket: &Socket, flushed: Flushed) -> Flushed {
    if flushed == Flushed::Finished {
        socket.say_last();
    }
    match socket.try_flush() {
        Ok(()) => flushed,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Flushed::Blocked,
        Err(_) => Flushed::Broken,
    }
}
