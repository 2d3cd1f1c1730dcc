//! How one is heard: a request at a time, as fast as its rate allows, as it can be answered, and as those
//! who hear it can be told. One read may bring thousands of requests; those whose turn has not come wait
//! here, at their author's expense.
//!
//! | what is behind | who waits |
//! | --- | --- |
//! | answers to the client itself | that client, until they are written |
//! | texts in somebody's pacer | who has spoken since the floor was last free: in line, one at each slot |
//! | texts for one that reads slowly | the same, while it gets on |
//!
//! So the delay falls on who fills the queues. Who says a word now and then interrupts the line: its text
//! has no more before it than one of each who speaks. In line, those go first who have little to say; they
//! would else be late for ever after one delay.

use std::collections::VecDeque;

use tracing::debug;

use super::super::limit;
use super::super::outgoing::Origin;
use super::super::peer::{CATCH_UP, Minded};
use super::Hub;
use crate::chat::message::{ClientId, Request};
use crate::chat::protocol::{Ask, Moment};
use crate::time::{Duration, Instant};

/// The floor's slot while somebody reads too slowly, for each 256 bytes of text.
const SLOT: Duration = Duration::from_millis(5);
/// When to look again, for one who is roused as soon as it can be heard.
const LATER: Duration = Duration::from_millis(100);
/// Deliveries and requests after which a client lets the others go on.
const AT_ONCE: u64 = 256;

/// Who may speak to others when.
#[derive(Debug, Default)]
pub(super) struct Floor {
    /// Listeners whose pacers hold up what others said, and when those that do not any more take the next.
    paced: usize,
    slot: Instant,
    /// Listeners that read too slowly, and when the next text for them may go.
    behind: Vec<ClientId>,
    turn: Instant,
    /// How often it was found free.
    round: u64,
    /// Who waits for it: those of whom more is read meanwhile, then those who have asked too much for that.
    line: [VecDeque<ClientId>; 2],
}

impl Floor {
    /// Who is next in line.
    fn first(&self) -> Option<ClientId> {
        self.line.iter().find_map(VecDeque::front).copied()
    }
}

/// When a client is heard on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::live::server) enum Wait {
    /// All is served: it may be read on.
    Not,
    /// Once the others have been heard.
    Yield,
    /// At this instant, or when it is roused.
    Until(Instant),
}

impl Hub {
    /// One read of a connection; [`go_on`](Self::go_on) serves what it asks.
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

    /// Serves what a client has asked until it has to wait.
    pub(in crate::live::server) fn go_on(&mut self, id: ClientId) -> Wait {
        let moment = self.clock.moment();
        self.bound_holding();
        self.author = Some(id);
        let wait = self.serve_asked(moment, id);
        self.collect(moment.now, id);
        if wait == Wait::Not
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
        wait
    }

    fn serve_asked(&mut self, moment: Moment, id: ClientId) -> Wait {
        let now = moment.now;
        let enough = self.deliveries_made + AT_ONCE;
        let max_backlog = self.settings.max_backlog;
        while self.hears(id) {
            let gated = self.gated.iter().any(|client| client.id == id);
            let Some(peer) = self.peer(id) else { break };
            let Some(next) = peer.asked.front() else {
                // A flood's memory is not kept.
                peer.asked.shrink_to(32);
                break;
            };
            if gated {
                return Wait::Until(now + SLOT);
            }
            let text = match next {
                Ask::Room(request) => request.text().map_or(0, str::len),
                Ask::Session(answer) => answer.as_ref().map_or(0, |bytes| bytes.len()),
            };
            let weight = limit::weight(text);
            let takes_the_floor = reaches_others(next);
            let joins = matches!(next, Ask::Room(Request::Join { .. }));
            let wait = peer.bucket.wait(now);
            if !wait.is_zero() {
                self.leave_line(id);
                return Wait::Until(now + wait);
            }
            if peer.is_owed_answers(max_backlog) {
                peer.awaits_answers = true;
                // Who cannot be heard keeps nobody waiting.
                self.leave_line(id);
                return Wait::Until(now + LATER);
            }
            if takes_the_floor && let Some(at) = self.waits_for_the_floor(now, id, weight > 1 || joins) {
                return Wait::Until(at);
            }
            if self.deliveries_made >= enough {
                return Wait::Yield;
            }
            self.serve_next(moment, id, weight);
        }
        Wait::Not
    }

    fn serve_next(&mut self, moment: Moment, id: ClientId, weight: u64) {
        let Some(peer) = self.peer(id) else { return };
        let Some(ask) = peer.next_asked() else { return };
        peer.bucket.take(weight);
        let was_free = self.is_floor_free(moment.now);
        self.deliveries_made += 1;
        self.reached_others = false;
        match ask {
            Ask::Room(request) => {
                self.begin(moment, id, Some(&request));
                self.ask(moment, id, request);
            }
            Ask::Session(answer) => {
                self.begin(moment, id, None);
                if let Some(bytes) = answer {
                    self.answer(moment, id, bytes);
                }
            }
        }
        self.collect(moment.now, id);
        if self.reached_others {
            self.floor.round += u64::from(was_free);
            self.floor.turn = moment.now + SLOT.saturating_mul(weight);
            let round = self.floor.round;
            self.peer(id).into_iter().for_each(|peer| peer.spoke_in = round);
        }
    }

    /// Whether a client must wait before it speaks to others: until when at the latest. Who has spoken since
    /// the floor was free stands in line for it, and so does who says much or comes in.
    fn waits_for_the_floor(&mut self, now: Instant, id: ClientId, is_much: bool) -> Option<Instant> {
        let is_free = self.is_floor_free(now);
        if is_free && self.floor.first().is_none() {
            return None;
        }
        let round = self.floor.round;
        let peer = self.peer(id)?;
        let interrupts = !peer.in_line && !is_much && peer.spoke_in != round;
        if interrupts {
            return None;
        }
        if !std::mem::replace(&mut peer.in_line, true) {
            let has_much = usize::from(peer.is_full());
            self.floor.line[has_much].push_back(id);
        }
        if self.floor.first() != Some(id) {
            return Some(now + LATER);
        }
        if is_free {
            self.leave_line(id);
            return None;
        }
        // Pacers and readers rouse it; their time passes by itself.
        let floor = &self.floor;
        let passes = if floor.behind.is_empty() { floor.slot } else { floor.slot.max(floor.turn) };
        Some(if floor.paced == 0 && passes > now { passes } else { now + SLOT })
    }

    /// Whether nobody is behind with what was said, and whoever was may hear the next at once.
    fn is_floor_free(&mut self, now: Instant) -> bool {
        if self.floor.paced > 0 || now < self.floor.slot {
            return false;
        }
        now >= self.floor.turn || !self.is_somebody_behind(now)
    }

    /// Whether one that reads too slowly gets on, so that speakers mind it.
    fn is_somebody_behind(&mut self, now: Instant) -> bool {
        let mut behind = std::mem::take(&mut self.floor.behind);
        let mut minded = false;
        behind.retain(|&id| match self.peer(id).map(|peer| peer.minded) {
            Some(Minded::Behind { got_on, .. }) => {
                minded |= now < got_on + CATCH_UP;
                true
            }
            _ => false,
        });
        self.floor.behind = behind;
        minded
    }

    /// Out of the line; the next may come.
    pub(super) fn leave_line(&mut self, id: ClientId) {
        if !self.peer(id).is_some_and(|peer| std::mem::take(&mut peer.in_line)) {
            return;
        }
        self.floor.line.iter_mut().for_each(|line| line.retain(|&other| other != id));
        self.rouse_first();
    }

    fn rouse_first(&mut self) {
        if let Some(first) = self.floor.first()
            && let Some(peer) = self.peer(first)
        {
            peer.heard.notify_one();
        }
    }

    /// Takes note of what waits for a connection: how it is minded, how much memory it takes, and whether its
    /// client can be heard on.
    pub(super) fn look(&mut self, now: Instant, id: ClientId) {
        let max_backlog = self.settings.max_backlog;
        let Some(peer) = self.peer(id) else { return };
        let before = peer.minded;
        let after = peer.look(now, max_backlog / 4);
        let slot = peer.out.slot();
        let memory = peer.memory();
        let held = std::mem::replace(&mut peer.held, memory);
        if peer.awaits_answers && !peer.is_owed_answers(max_backlog) {
            peer.awaits_answers = false;
            peer.heard.notify_one();
        }
        self.held = self.held - held + memory;
        let floor = &mut self.floor;
        let is_behind = |minded| matches!(minded, Minded::Behind { .. });
        if is_behind(after) && !is_behind(before) && !floor.behind.contains(&id) {
            floor.behind.push(id);
        }
        match (before == Minded::Paced, after == Minded::Paced) {
            (false, true) => floor.paced += 1,
            (true, false) => {
                floor.paced -= 1;
                floor.slot = floor.slot.max(slot);
                if floor.paced == 0 {
                    self.rouse_first();
                }
            }
            _ => {}
        }
    }
}

/// Whether others may hear of it.
fn reaches_others(ask: &Ask) -> bool {
    match ask {
        Ask::Session(_) => false,
        Ask::Room(request) => !matches!(
            request,
            Request::People | Request::Rooms | Request::Ping | Request::Help | Request::Leave
        ),
    }
}
