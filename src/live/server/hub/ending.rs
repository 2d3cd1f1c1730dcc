//! How a connection ends: it is heard no more, what waits for it is written, then it is forgotten.

use tracing::debug;

use super::{Hub, LINGER};
use crate::chat::message::{ClientId, Request};
use crate::chat::protocol::Moment;

impl Hub {
    /// Nothing more is heard from it; it ends when what waits for it is written.
    pub(in crate::live::server) fn begin_close(&mut self, moment: Moment, id: ClientId) {
        self.settle();
        let Some(peer) = self.peer(id) else { return };
        if peer.closing_by.is_some() {
            return;
        }
        peer.closing_by = Some(moment.now + LINGER);
        peer.join_by = None;
        (peer.asked, peer.asked_bytes) = Default::default();
        peer.writer.notify_one();
        peer.timer.notify_one();
        self.leave_line(id);
        self.look(moment.now, id);
        self.leave(moment, id);
    }

    /// The client has closed its side, and all that it sent is read.
    pub(in crate::live::server) fn read_all(&mut self, id: ClientId) {
        let moment = self.clock.moment();
        if self.hears(id) {
            self.ask_by_itself(id, |session, asked| session.finish(moment, asked));
        }
        if let Some(peer) = self.peer(id) {
            peer.at_end = true;
        }
    }

    /// The same, and all that it asked is served.
    pub(in crate::live::server) fn end_of_file(&mut self, id: ClientId) {
        let moment = self.clock.moment();
        self.begin_close(moment, id);
    }

    /// Nothing more can be written to it.
    pub(in crate::live::server) fn break_off(&mut self, id: ClientId) {
        if let Some(peer) = self.peer(id) {
            peer.break_off();
            self.look(self.clock.now(), id);
        }
    }

    /// Whoever was in is told to have gone.
    pub(super) fn leave(&mut self, moment: Moment, id: ClientId) {
        self.gated.retain(|other| other.id != id);
        self.watchers.retain(|&other| other != id);
        self.owed.remove(&id);
        if self.room.nick(id).is_some() {
            self.serve(moment, id, Request::Leave);
        }
    }

    /// The connection is gone.
    pub(in crate::live::server) fn forget(&mut self, id: ClientId) {
        self.settle();
        self.begin_close(self.clock.moment(), id);
        if let Some(peer) = self.peers.get_mut(id.0 as usize).and_then(Option::take) {
            self.gone.add(&peer.count);
            self.held -= peer.held;
            self.open -= 1;
            self.free.push(id);
            debug!(client = id.0, "disconnected");
        }
    }
}
