//! What sessions want to send on its way out, and the bounds of what may wait for that.

use std::rc::Rc;

use tracing::warn;

use super::Hub;
use crate::chat::message::{ClientId, Event};
use crate::chat::protocol::Encodings;
use crate::chat::server::outgoing::Origin;
use crate::live::server::peer::{Flushed, Outlet};
use crate::live::server::pressure::Verdict;
use crate::time::Instant;

impl Hub {
    /// Takes over what a session wants to send, minds its bound, and notes it for the turn's end.
    pub(super) fn collect(&mut self, now: Instant, id: ClientId) {
        let origin = if self.author == Some(id) { Origin::Own } else { Origin::Others };
        let Some(peer) = self.peer(id) else { return };
        peer.collect(origin);
        let anything = std::mem::take(&mut peer.is_fresh) || peer.closing_by.is_some();
        let mut load = peer.load();
        let too_much = peer.pressure.judge(now, &load, now) == Verdict::Drop;
        if too_much && peer.at_end {
            peer.break_off();
            load = peer.load();
        } else if too_much && peer.closing_by.is_none() {
            return self.drop_slow(id);
        }
        if anything && !peer.dirty {
            peer.dirty = true;
            self.dirty.push(id);
            self.turn_ends.notify_one();
        }
        self.forget_what_was_taken(id);
        self.note_load(now, id, &load);
        self.rearm(id);
        if self.held > self.settings.max_memory {
            self.drop_heaviest();
        }
    }

    /// Ends one for whom too much waits.
    fn drop_slow(&mut self, id: ClientId) {
        let moment = self.clock.moment();
        let Some(peer) = self.peer(id) else { return };
        warn!(client = id.0, backlog = peer.backlog(), "dropped: it reads too slowly");
        peer.out.drop_rest();
        let event = Event::Notice { text: "You are disconnected: your client reads too slowly".into() };
        peer.session.tell(moment, &event, &mut Encodings::new(u64::MAX >> 1));
        peer.collect(Origin::Own);
        self.delay_address(moment.now, id);
        self.begin_close(moment, id);
    }

    /// All queues together are too much: the longest goes.
    fn drop_heaviest(&mut self) {
        let open = self.peers.iter().enumerate().filter_map(|(n, peer)| Some((n, peer.as_deref()?)));
        let heard = open.filter(|(_, peer)| peer.closing_by.is_none());
        if let Some((n, _)) = heard.max_by_key(|(_, peer)| peer.held) {
            self.drop_slow(ClientId(n as u32));
        }
    }

    /// Rouses the timer of a connection whose deadline has come nearer.
    pub(super) fn rearm(&mut self, id: ClientId) {
        if let Some(peer) = self.peer(id)
            && peer.deadline().is_some_and(|at| at < peer.armed)
        {
            peer.timer.notify_one();
        }
    }

    /// Writes what its turn left for a connection.
    pub(in crate::live::server) fn flush(&mut self, id: ClientId) -> Flushed {
        let now = self.clock.now();
        let flushed = self.peer(id).map_or(Flushed::Broken, |peer| peer.flush(now));
        self.forget_what_was_taken(id);
        self.look(now, id);
        flushed
    }

    /// Takes out the next message for a path.
    pub(in crate::live::server) fn take(&mut self, id: ClientId) -> Result<Rc<[u8]>, Flushed> {
        let now = self.clock.now();
        let next = self.peer(id).map_or(Err(Flushed::Finished), |peer| peer.take(now));
        self.forget_what_was_taken(id);
        self.look(now, id);
        next
    }

    /// How a path takes what is written: what it does not take at once is no pacer's doing.
    pub(in crate::live::server) fn set_outlet(&mut self, id: ClientId, outlet: Outlet) {
        if let Some(peer) = self.peer(id).filter(|peer| !peer.is_broken()) {
            peer.outlet = outlet;
            self.look(self.clock.now(), id);
        }
    }
}
