//! How one is heard: a request at a time, as fast as its rate allows, as it can be answered, and as those
//! who hear it can be told. One read may bring thousands of requests; those whose turn has not come wait
//! here, at their author's expense.
//!
//! | what is behind | who waits |
//! | --- | --- |
//! | answers to the client itself | that client, until they are written: [`Pressure`](super::super::pressure) |
//! | texts in somebody's pacer | who has spoken since the floor was last free: in line, one at each slot |
//! | texts for one that reads slowly | the same, while it gets on |
//!
//! So the delay falls on who fills the queues.

use tracing::debug;

use super::super::limit;
use super::super::pressure::{Load, Verdict};
use super::Hub;
use super::floor::SLOT;
use crate::chat::message::{ClientId, Request};
use crate::chat::protocol::{Ask, Asked, Moment, ServerSession};
use crate::chat::room::Room;
use crate::chat::server::outgoing::Origin;
use crate::time::Instant;

/// Deliveries and requests after which a client lets the others go on.
const AT_ONCE: u64 = 256;

/// What a connection's listener does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::live::server) enum Turn {
    /// All is served: it is read on.
    Read,
    /// It is heard once the others have been heard.
    Yield,
    /// It is heard at this instant, or when it is roused.
    Wait(Instant),
    /// The same, and nothing is read meanwhile.
    Pause(Instant),
}

impl Turn {
    /// Whether more is read meanwhile.
    pub fn reads(self) -> bool {
        !matches!(self, Turn::Pause(_))
    }
}

impl Hub {
    /// One read of a connection; [`schedule`](Self::schedule) serves what it asks.
    pub(in crate::live::server) fn receive(&mut self, id: ClientId, bytes: &[u8]) {
        if !self.hears(id) {
            return;
        }
        let moment = self.clock.moment();
        let mut asked = std::mem::take(&mut self.asked);
        let Some(peer) = self.peer(id) else { return };
        peer.count.bytes_in += bytes.len() as u64;
        peer.malformed = peer.session.receive(moment, bytes, &mut asked).err();
        peer.count.requests += asked.len() as u64;
        asked.drain().for_each(|ask| peer.ask(ask));
        self.asked = asked;
    }

    /// What a session asks without a read: its listener is roused to serve it.
    pub(super) fn ask_by_itself<T>(
        &mut self,
        id: ClientId,
        then: impl FnOnce(&mut dyn ServerSession, &mut Asked) -> T,
    ) -> Option<T> {
        let peer = self.peer(id)?;
        let mut asked = Asked::default();
        let result = then(peer.session.as_mut(), &mut asked);
        if !asked.is_empty() {
            peer.count.requests += asked.len() as u64;
            asked.drain().for_each(|ask| peer.ask(ask));
            peer.heard.notify_one();
        }
        Some(result)
    }

    /// Serves what a client has asked until it has to wait.
    pub(in crate::live::server) fn schedule(&mut self, id: ClientId) -> Turn {
        let moment = self.clock.moment();
        self.bound_holding();
        self.author = Some(id);
        let turn = self.serve_asked(moment, id);
        self.collect(moment.now, id);
        if turn == Turn::Read
            && let Some(peer) = self.peer(id)
            && let Some(malformed) = peer.malformed.take()
        {
            debug!(client = id.0, dialect = peer.dialect, "protocol error: malformed request");
            if !malformed.farewell.is_empty() {
                peer.push(malformed.farewell.into(), Origin::Own);
            }
            self.begin_close(moment, id);
        }
        self.author = None;
        turn
    }

    fn serve_asked(&mut self, moment: Moment, id: ClientId) -> Turn {
        let now = moment.now;
        let enough = self.deliveries_made + AT_ONCE;
        while self.hears(id) {
            let gated = self.gated.iter().any(|client| client.id == id);
            // Not by `peer`, which takes all of the hub: the room is asked, too.
            let peer = self.peers.get_mut(id.0 as usize).and_then(Option::as_deref_mut);
            let Some(peer) = peer else { break };
            let Some(next) = peer.asked.front() else {
                // A flood's memory is not kept.
                peer.asked.shrink_to(32);
                break;
            };
            let text = match next {
                Ask::Room(request) => request.text().map_or(0, str::len),
                Ask::Session(answer) => answer.as_ref().map_or(0, |bytes| bytes.len()),
            };
            let weight = limit::weight(text);
            let takes_the_floor = reaches_others(next, &self.room);
            let joins = matches!(next, Ask::Room(Request::Join { .. }));
            let rate = now + peer.bucket.wait(now);
            let not_before = if gated { now + SLOT } else { rate };
            let not_before =
                if joins { not_before.max(self.late_until(id).unwrap_or(now)) } else { not_before };
            if let Some(turn) = self.waits(now, id, not_before) {
                // Who cannot be heard keeps nobody waiting.
                self.leave_line(id);
                return turn;
            }
            if takes_the_floor
                && let Some(at) = self.waits_for_the_floor(now, id, weight > 1, joins)
                && let Some(turn) = self.waits(now, id, at)
            {
                return turn;
            }
            if self.deliveries_made >= enough {
                return Turn::Yield;
            }
            self.serve_next(moment, id, weight);
        }
        Turn::Read
    }

    /// How the client's next request waits, if it does.
    fn waits(&mut self, now: Instant, id: ClientId, not_before: Instant) -> Option<Turn> {
        let peer = self.peer(id)?;
        let load = peer.load();
        peer.awaits_answers = peer.pressure.is_owed_answers(&load);
        match peer.pressure.judge(now, &load, not_before) {
            // What is too much ends where it is collected.
            Verdict::Go | Verdict::Drop => None,
            Verdict::Wait(at) => Some(Turn::Wait(at)),
            Verdict::Pause(at) => Some(Turn::Pause(at)),
        }
    }

    fn serve_next(&mut self, moment: Moment, id: ClientId, weight: u64) {
        let Some(peer) = self.peer(id) else { return };
        let Some(ask) = peer.next_asked() else { return };
        peer.bucket.take(weight);
        peer.pressure.on_served(moment.now);
        let was_free = self.is_floor_free(moment.now);
        self.deliveries_made += 1;
        self.reached_others = false;
        match ask {
            Ask::Room(request) => {
                self.begin(moment, id, Some(&request));
                self.admit(moment, id, request);
            }
            Ask::Session(answer) => {
                self.begin(moment, id, None);
                if let Some(bytes) = answer {
                    self.answer(moment, id, bytes);
                }
            }
        }
        self.collect(moment.now, id);
        let reached_others = self.reached_others;
        self.peer(id).into_iter().for_each(|peer| peer.was_answered_alone = !reached_others);
        if reached_others {
            self.spoke(moment.now, id, weight, was_free);
        }
    }

    /// Takes note of what waits for a connection: how it is minded, how much memory it takes, and whether its
    /// client can be heard on.
    pub(super) fn look(&mut self, now: Instant, id: ClientId) {
        if let Some(load) = self.peer(id).map(|peer| peer.load()) {
            self.note_load(now, id, &load);
        }
    }

    /// The same, where that is known.
    pub(super) fn note_load(&mut self, now: Instant, id: ClientId, load: &Load) {
        let Some(peer) = self.peer(id) else { return };
        let before = peer.pressure.minded();
        let after = peer.pressure.look(now, load);
        let slot = peer.out.slot();
        let memory = peer.memory();
        let held = std::mem::replace(&mut peer.held, memory);
        if peer.awaits_answers && !peer.pressure.is_owed_answers(load) {
            peer.awaits_answers = false;
            peer.heard.notify_one();
        }
        self.held = self.held - held + memory;
        self.note_minded(id, before, after, slot);
    }
}

/// Whether others may hear of it: nobody hears what is said to somebody who is not here.
fn reaches_others(ask: &Ask, room: &Room) -> bool {
    match ask {
        Ask::Session(_)
        | Ask::Room(Request::People | Request::Rooms | Request::Ping | Request::Help | Request::Leave) => {
            false
        }
        Ask::Room(Request::Tell { to, .. }) => room.is_here(to),
        Ask::Room(_) => true,
    }
}
