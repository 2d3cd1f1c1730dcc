//! How one is heard: a request at a time, as fast as its rate allows and as those who hear it can be
//! told. One read may bring thousands of requests; those whose turn has not come wait here.
//!
//! While somebody is behind, those who have just been heard wait for another turn, and the longer the
//! more they said and the more of them wait: together they say half of what the pacer of the one behind
//! can tell it. So the delay falls on who fills its queue; who says a word now and then is heard at once.

use tracing::debug;

use super::super::limit;
use super::super::peer::{Behind, Minded};
use super::Hub;
use crate::chat::message::ClientId;
use crate::chat::protocol::Moment;
use crate::time::{Duration, Instant};

/// When to look again whether the others have caught up.
const SOON: Duration = Duration::from_millis(5);

impl Hub {
    /// One read of a connection; [`go_on`](Self::go_on) serves what it asks.
    pub(in crate::live::server) fn receive(&mut self, id: ClientId, bytes: &[u8]) {
        if !self.hears(id) {
            return;
        }
        let moment = self.clock.moment();
        let mut requests = std::mem::take(&mut self.requests);
        let Some(peer) = self.peer(id) else { return };
        peer.count.bytes_in += bytes.len() as u64;
        peer.malformed = peer.session.receive(moment, bytes, &mut requests).err();
        peer.count.requests += requests.len() as u64;
        peer.asked.extend(requests.drain(..));
        self.requests = requests;
    }

    /// Serves what a client has asked until it has to wait: for how long; not at all if it may be
    /// read on.
    pub(in crate::live::server) fn go_on(&mut self, id: ClientId) -> Duration {
        let moment = self.clock.moment();
        self.bound_holding();
        let wait = self.serve_asked(moment, id);
        self.collect(id);
        if wait.is_zero()
            && let Some(peer) = self.peer(id)
            && let Some(malformed) = peer.malformed.take()
        {
            debug!(client = id.0, "what it sent is no sentence of its dialect");
            if !malformed.farewell.is_empty() {
                peer.push(malformed.farewell.into());
            }
            self.begin_close(moment, id);
        }
        wait
    }

    fn serve_asked(&mut self, moment: Moment, id: ClientId) -> Duration {
        let own = self.settings.max_backlog / 2;
        while self.hears(id) {
            let gated = self.gated.iter().any(|client| client.id == id);
            let behind = self.somebody_is_behind(moment.now);
            let Some(peer) = self.peer(id) else { break };
            if peer.asked.is_empty() {
                // A flood's memory is not kept.
                peer.asked.shrink_to(32);
                break;
            }
            let wait = peer.bucket.wait(moment.now);
            if !wait.is_zero() {
                return wait;
            }
            let waits_for_its_turn = behind.is_some() && moment.now < peer.next_turn;
            if gated || peer.own > own || behind == Some(Minded::Stop) || waits_for_its_turn {
                return SOON;
            }
            let before = peer.unwritten();
            let Some(request) = peer.asked.pop_front() else { break };
            let weight = limit::weight(request.text().map_or(0, str::len));
            peer.bucket.take(weight);
            self.begin(moment, id, &request);
            self.ask(moment, id, request);
            let turn = behind.map(|minded| self.turn(minded, weight));
            if let Some(peer) = self.peer(id) {
                peer.own += peer.unwritten().saturating_sub(before);
                peer.next_turn = turn.map_or(Instant::ZERO, |turn| moment.now + turn);
            }
        }
        Duration::ZERO
    }

    /// How speakers have to mind those who are behind.
    fn somebody_is_behind(&mut self, now: Instant) -> Option<Minded> {
        if self.behind.is_empty() {
            return None;
        }
        let (bound, mut most) = (self.bound(), None);
        let mut behind = std::mem::take(&mut self.behind);
        behind.retain(|&id| {
            let Some(peer) = self.peer(id) else { return false };
            most = most.max(peer.is_minded(now, bound));
            peer.is_behind(bound)
        });
        self.behind = behind;
        most
    }

    /// How long who was heard with something of this weight waits for its next turn.
    fn turn(&self, minded: Minded, weight: u64) -> Duration {
        let Minded::Turns(gap) = minded else { return SOON };
        let waiting = self.peers.iter().flatten().filter(|peer| !peer.asked.is_empty()).count() as u64;
        (gap + gap).max(SOON).saturating_mul(weight * (1 + waiting))
    }

    /// How much may wait for one client before speakers wait, too.
    pub(super) fn bound(&self) -> usize {
        self.settings.max_backlog / 4
    }

    /// Notes that somebody is behind.
    pub(super) fn falls_behind(&mut self, id: ClientId) {
        let now = self.clock.now();
        if let Some(peer) = self.peer(id)
            && peer.behind.is_none()
        {
            peer.behind = Some(Behind { since: now, written: peer.count.bytes_out, got_on: now });
            self.behind.push(id);
        }
    }
}
