//! Clients that come back on another connection: for a while after the first has broken nobody is told that they
//! are gone, and nothing is lost.

use std::net::SocketAddr;
use std::rc::Rc;

use tokio::sync::Notify;
use tracing::debug;

use super::Hub;
use super::registry::Visitor;
use crate::chat::message::ClientId;
use crate::chat::server::Outlet;
use crate::live::server::peer::{Key, Peer, Ticket};
use crate::live::socket::Socket;

impl Hub {
    /// True if a client with this ticket may come back.
    pub fn knows(&self, ticket: &Ticket) -> bool {
        self.keys.get(&ticket.key).is_some_and(|&id| self.server.outlives_connection(id))
    }

    /// Number of the emulated path of the connection with this key.
    pub fn path_of(&self, key: &Key) -> Option<u64> {
        let id = self.keys.get(key)?;
        self.peers.get(id.0 as usize)?.as_ref()?.path
    }

    /// Puts another connection in the place of the one with this ticket, and ends that one if it is still open.
    pub(in crate::live::server) fn come_back(
        &mut self,
        ticket: &Ticket,
        address: SocketAddr,
        socket: Option<Rc<Socket>>,
    ) -> Option<ClientId> {
        let id = *self.keys.get(&ticket.key)?;
        if !self.server.come_back(self.clock.moment(), id, ticket.seen) {
            return None;
        }
        let registry = self.server.backing_mut();
        let visitor = registry.visitor(id).map(|visitor| Visitor { address, ..visitor });
        registry.set_visitor(id, visitor);
        let peer = self.peer(id)?;
        let before = std::mem::replace(peer, Peer::new(socket, peer.framed, peer.key));
        before.overdue.notify_one();
        debug!(client = id.0, "came back");
        self.pass_on();
        Some(id)
    }

    /// True if this is the connection's present end.
    pub(in crate::live::server) fn is_present(&self, id: ClientId, overdue: &Rc<Notify>) -> bool {
        let peer = self.peers.get(id.0 as usize).and_then(Option::as_ref);
        peer.is_some_and(|peer| Rc::ptr_eq(&peer.overdue, overdue))
    }

    /// True if its client may come back on another connection: one without a key cannot, whatever it says.
    pub(in crate::live::server) fn outlives_connection(&self, id: ClientId) -> bool {
        let peer = self.peers.get(id.0 as usize).and_then(Option::as_ref);
        peer.is_some_and(|peer| peer.key.is_some()) && self.server.outlives_connection(id)
    }

    /// The connection is broken: what is said to its client waits for another.
    pub(in crate::live::server) fn detach(&mut self, id: ClientId) {
        if let Some(peer) = self.peer(id) {
            (peer.socket, peer.path, peer.is_shaped) = (None, None, false);
        }
        self.server.set_outlet(id, Outlet::Stalled);
        self.server.look(self.clock.now(), id);
        self.pass_on();
    }

    /// True if nothing more is heard from it.
    pub(in crate::live::server) fn is_over(&self, id: ClientId) -> bool {
        !self.server.hears(id)
    }
}
