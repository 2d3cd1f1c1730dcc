//! The service of clients: a request at a time, as fast as its rate allows, as it can be answered, and as those
//! who hear it can be told. One read may bring thousands of requests; those whose turn has not come wait
//! here, at their author's expense.
//!
//! | what is behind | who waits |
//! | --- | --- |
//! | answers to the client itself | that client, until they are written: [`Pressure`](super::pressure) |
//! | texts in somebody's pacer | who has spoken since the floor was last free: in line, one at each slot |
//! | texts for one that reads slowly | the same, while it gets on |
//!
//! So the delay falls on who fills the queues.

use super::floor::SLOT;
use super::limit;
use super::pressure::{Load, Verdict};
use super::{Backing, RoomServer};
use crate::chat::message::{ClientId, Request};
use crate::chat::protocol::{Ask, Moment};
use crate::chat::room::Room;
use crate::time::Instant;

/// Deliveries and requests after which a client lets the others go on.
const AT_ONCE: u64 = 256;

/// Next step of a connection's listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
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
    /// True if more is read meanwhile.
    pub fn reads(self) -> bool {
        !matches!(self, Turn::Pause(_))
    }
}

impl<B: Backing> RoomServer<B> {
    /// Serves what a client has asked until it has to wait.
    pub fn schedule(&mut self, moment: Moment, id: ClientId) -> Turn {
        self.bound_holding(moment.now);
        let before = self.author.replace(id);
        let turn = self.serve_asked(moment, id);
        self.collect(moment, id);
        if turn == Turn::Read {
            // Malformed input stands behind all requests.
            self.serve_next(moment, id);
        }
        self.author = before;
        turn
    }

    fn serve_asked(&mut self, moment: Moment, id: ClientId) -> Turn {
        let now = moment.now;
        let enough = self.deliveries_made + AT_ONCE;
        while self.hears(id) {
            // Not by `seat`, which takes all of the server: the room is asked, too.
            let seat = self.seats.get_mut(id);
            let Some(seat) = seat else { break };
            let Some(next) = seat.asked.front() else {
                // A flood's memory is not kept.
                seat.asked.shrink_to(32);
                break;
            };
            let weight = limit::weight(next);
            let takes_the_floor = reaches_others(next, &self.room);
            let joins = matches!(next, Ask::Room(Request::Join { .. }));
            let rate = now + seat.bucket.wait(now);
            let not_before = if seat.is_gated { now + SLOT } else { rate };
            let late_until = if joins { self.floor.late_until(seat.address) } else { None };
            if let Some(turn) = self.waits(now, id, not_before.max(late_until.unwrap_or(now))) {
                // A client that cannot be heard keeps nobody waiting.
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
            self.serve_next(moment, id);
        }
        Turn::Read
    }

    /// Wait of the client's next request, if it waits.
    fn waits(&mut self, now: Instant, id: ClientId, not_before: Instant) -> Option<Turn> {
        let seat = self.seat(id)?;
        let load = seat.load();
        seat.awaits_answers = seat.pressure.is_owed_answers(&load);
        match seat.pressure.judge(now, &load, not_before) {
            // A connection over its limit ends where it is collected.
            Verdict::Go | Verdict::Drop => None,
            Verdict::Wait(at) => Some(Turn::Wait(at)),
            Verdict::Pause(at) => Some(Turn::Pause(at)),
        }
    }

    /// Takes note of what waits for a connection: how it is minded, how much memory it takes, and whether its
    /// client can be heard on.
    pub fn look(&mut self, now: Instant, id: ClientId) {
        if self.bounds.is_some()
            && let Some(load) = self.seat(id).map(|seat| seat.load())
        {
            self.note_load(now, id, &load);
        }
    }

    /// The same, where that is known.
    pub(super) fn note_load(&mut self, now: Instant, id: ClientId, load: &Load) {
        let Some(seat) = self.seat(id) else { return };
        let before = seat.pressure.minded();
        let after = seat.pressure.look(now, load);
        let slot = seat.out.slot();
        let memory = seat.memory();
        let held = std::mem::replace(&mut seat.held, memory);
        if seat.awaits_answers && !seat.pressure.is_owed_answers(load) {
            seat.awaits_answers = false;
            self.desk.roused.push(id);
        }
        self.held = self.held - held + memory;
        self.note_minded(id, before, after, slot);
    }
}

/// True if others may hear of it: nobody hears what is said to somebody who is not here.
fn reaches_others(ask: &Ask, room: &Room) -> bool {
    match ask {
        Ask::Session(_)
        | Ask::Note(_)
        | Ask::Room(Request::People | Request::Rooms | Request::Ping | Request::Help | Request::Leave) => {
            false
        }
        // Parts that were asked for fill no queue.
        Ask::Room(Request::File(request)) => !request.is_of_flow(),
        Ask::Room(Request::Tell { to, .. }) => room.is_here(to),
        Ask::Room(_) => true,
    }
}
