//! Output of sessions on its way out, and the bounds of its queues.

use std::rc::Rc;

use super::RoomServer;
use super::backing::{Backing, Ending};
use super::outgoing::{Origin, Outgoing};
use super::pressure::Verdict;
use super::seat::{Outlet, Seat};
use crate::chat::message::{ClientId, Event};
use crate::chat::protocol::{Encodings, Moment};
use crate::time::Instant;

/// State of a connection after its queue was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// It goes on.
    Open,
    /// More waits for it than may: it is to be [dropped](RoomServer::drop_slow).
    Slow,
    /// Everything is written, and it is to be closed. Said once.
    Finished,
}

impl<B: Backing> RoomServer<B> {
    /// Takes over what a session wants to send by its own client's doing.
    pub(super) fn collect_by(&mut self, moment: Moment, id: ClientId) {
        let before = self.author.replace(id);
        self.collect(moment, id);
        self.author = before;
    }

    /// Takes over what a session wants to send and when it wants to be woken, and minds the bounds.
    pub(super) fn collect(&mut self, moment: Moment, id: ClientId) {
        let origin = if self.author == Some(id) { Origin::Own } else { Origin::Others };
        let Some(seat) = self.seats.get_mut(id) else { return };
        seat.collect(origin, moment.now);
        let is_fresh = std::mem::take(&mut seat.is_fresh);
        let Some(bounds) = self.bounds else {
            if is_fresh {
                self.desk.note_dirty(seat, id);
            }
            return self.desk.rearm(seat, id);
        };
        let mut load = seat.load();
        let too_much = seat.pressure.judge(moment.now, &load, moment.now) == Verdict::Drop;
        if too_much && seat.at_end {
            seat.break_off();
            load = seat.load();
        } else if too_much && !seat.is_closing {
            return self.give_up(moment, id);
        }
        if is_fresh || seat.is_closing {
            self.desk.note_dirty(seat, id);
        }
        self.desk.rearm(seat, id);
        self.note_load(moment.now, id, &load);
        if self.held > bounds.memory {
            self.give_up_heaviest(moment);
        }
    }

    /// Ends a connection for which too much waits, after a word to its client.
    fn give_up(&mut self, moment: Moment, id: ClientId) {
        let Some(seat) = self.seats.get_mut(id) else { return };
        self.counts.overflowed += 1;
        self.backing.on_end(id, Ending::TooSlow(seat.backlog()));
        seat.out.drop_rest();
        let event = Event::Notice { text: "You are disconnected: your client reads too slowly".into() };
        seat.session.tell(moment, &event, &mut Encodings::new(u64::MAX >> 1));
        seat.collect(Origin::Own, moment.now);
        self.floor.delay(moment.now, seat.address);
        self.close(moment, id);
    }

    /// All queues together are too much: the longest goes.
    fn give_up_heaviest(&mut self, moment: Moment) {
        let heard = self.seats.iter().filter(|(_, seat)| !seat.is_closing);
        if let Some((id, _)) = heard.max_by_key(|(_, seat)| seat.held) {
            self.give_up(moment, id);
        }
    }

    /// Too much waits for a connection: it is gone.
    pub fn drop_slow(&mut self, moment: Moment, id: ClientId) {
        self.counts.overflowed += 1;
        self.forget(moment, id);
    }

    /// Has what waits for a connection written: `write` takes bytes, of which so many are written already, and
    /// returns how many more it has taken. Less than all is a connection that takes no more until
    /// [`resume`](Self::resume).
    pub fn flush(
        &mut self,
        now: Instant,
        id: ClientId,
        write: &mut dyn FnMut(&Rc<[u8]>, usize) -> usize,
    ) -> Flushed {
        let seat = self.seats.get_mut(id);
        let Some(seat) = seat else { return Flushed::Open };
        seat.flush(now, &mut self.latency, write);
        if !seat.is_closing {
            return if seat.backlog() > self.max_backlog { Flushed::Slow } else { Flushed::Open };
        }
        if seat.is_finished() && !std::mem::replace(&mut seat.is_ended, true) {
            return Flushed::Finished;
        }
        Flushed::Open
    }

    /// A connection takes more again.
    pub fn resume(&mut self, id: ClientId) {
        self.seat(id).into_iter().for_each(|seat| seat.outlet = Outlet::Open);
    }

    /// Output queue of a connection, for a caller that writes several at once. After its writes it
    /// [looks](Self::look).
    pub fn outgoing(&self, id: ClientId) -> Option<&Outgoing> {
        self.seats.get(id).map(|seat| &seat.out)
    }

    /// So many bytes of that were written.
    pub fn wrote(&mut self, now: Instant, id: ClientId, bytes: usize) {
        if let Some(seat) = self.seats.get_mut(id) {
            seat.wrote(bytes, now, &mut self.latency);
        }
    }

    /// Sets the readiness of a connection for writes, unless it is broken: what it does not take at once is no
    /// pacer's doing.
    pub fn set_outlet(&mut self, id: ClientId, outlet: Outlet) {
        if let Some(seat) = self.seat(id).filter(|seat| !seat.is_broken()) {
            seat.outlet = outlet;
        }
    }

    /// Nothing more can be written to it; what it said is heard still.
    pub fn break_off(&mut self, now: Instant, id: ClientId) {
        self.seat(id).into_iter().for_each(Seat::break_off);
        self.look(now, id);
    }
}
