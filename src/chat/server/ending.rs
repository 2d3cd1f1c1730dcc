//! The end of a connection: it is heard no more, its queue is written, then it is forgotten.

use super::RoomServer;
use super::backing::{Backing, Ending};
use super::outgoing::Origin;
use super::seat::Outlet;
use crate::chat::message::{ClientId, Request};
use crate::chat::protocol::{After, Asked, Moment, ServerSession};
use crate::time::Instant;

impl<B: Backing> RoomServer<B> {
    /// Ends a connection after what waits for it.
    pub fn close(&mut self, moment: Moment, id: ClientId) {
        if self.shut(moment, id) {
            self.depart(moment, id);
        }
    }

    /// Ends all of them so; nobody is told that the others go.
    pub fn close_all(&mut self, moment: Moment) {
        let mut all: Vec<ClientId> = self.seats.iter().map(|(id, _)| id).collect();
        all.retain(|&id| self.shut(moment, id));
        for id in all {
            self.depart(moment, id);
        }
    }

    /// Hears and tells it nothing more; false if that is so already.
    fn shut(&mut self, moment: Moment, id: ClientId) -> bool {
        self.settle(moment.now);
        let seat = self.seats.get_mut(id);
        let Some(seat) = seat.filter(|seat| !seat.is_closing) else { return false };
        seat.collect(Origin::Others, moment.now);
        seat.is_closing = true;
        seat.closing_by = self.bounds.map(|bounds| moment.now + bounds.linger);
        (seat.join_by, seat.is_gated) = (None, false);
        seat.clear_asked();
        self.open -= 1;
        self.desk.note_dirty(seat, id);
        self.desk.rearm(seat, id);
        self.watchers.retain(|&other| other != id);
        self.leave_line(id);
        self.look(moment.now, id);
        true
    }

    /// Takes it out of the room.
    fn depart(&mut self, moment: Moment, id: ClientId) {
        if self.room.nick(id).is_some() {
            self.serve(moment, id, Request::Leave);
        }
    }

    /// The client has closed its side: it will acknowledge nothing any more.
    pub fn end_of_file(&mut self, moment: Moment, id: ClientId) {
        if let Some(seat) = self.seat(id) {
            seat.session.on_end_of_file();
            self.close(moment, id);
        }
    }

    /// True if a connection's client may come back on another.
    pub fn outlives_connection(&self, id: ClientId) -> bool {
        let seat = self.seats.get(id).filter(|seat| !seat.is_closing && seat.malformed.is_none());
        seat.is_some_and(|seat| seat.session.outlives_connection())
    }

    /// A client has come back on another connection, after so many messages: what it has not seen is written
    /// again. False, and nothing is changed, if that cannot be.
    pub fn come_back(&mut self, moment: Moment, id: ClientId, seen: u64) -> bool {
        if !self.outlives_connection(id) {
            return false;
        }
        let Some(seat) = self.seats.get_mut(id) else { return false };
        if !seat.session.resume(moment, seen) {
            return false;
        }
        seat.out.clear();
        (seat.outlet, seat.at_end) = (Outlet::Open, false);
        self.collect(moment, id);
        true
    }

    /// The client has closed its side, and all that it sent is read; what it asked is still served.
    pub fn read_all(&mut self, moment: Moment, id: ClientId) {
        if self.hears(id) {
            self.ask_by_itself(id, |session, asked| session.finish(moment, asked));
        }
        self.seat(id).into_iter().for_each(|seat| seat.at_end = true);
    }

    /// The connection is gone.
    pub fn forget(&mut self, moment: Moment, id: ClientId) {
        self.close(moment, id);
        let Some(seat) = self.seats.remove(id) else { return };
        self.held -= seat.held;
        if let Some(at) = seat.armed {
            self.desk.alarms.remove(&(at, id));
        }
    }

    /// Requests of a session without a read.
    fn ask_by_itself<T>(
        &mut self,
        id: ClientId,
        then: impl FnOnce(&mut dyn ServerSession, &mut Asked) -> T,
    ) -> Option<T> {
        let seat = self.seat(id)?;
        let mut asked = Asked::default();
        let result = then(seat.session.as_mut(), &mut asked);
        if !asked.is_empty() {
            seat.ask(&mut asked);
            self.desk.roused.push(id);
        }
        Some(result)
    }

    /// Does what is due by now.
    pub fn handle_timeout(&mut self, moment: Moment) {
        while let Some(&(at, id)) = self.desk.alarms.first()
            && at <= moment.now
        {
            self.handle_alarm(moment, id);
            self.collect(moment, id);
        }
        if self.desk.departures_at.is_some_and(|at| at <= moment.now) {
            self.desk.departures_at = self.announce_departures(moment);
        }
    }

    fn handle_alarm(&mut self, moment: Moment, id: ClientId) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= moment.now);
        let Some(seat) = self.seats.get_mut(id) else { return };
        if due(seat.closing_by) {
            if seat.reads_on() {
                seat.closing_by = self.bounds.map(|bounds| moment.now + bounds.linger);
            } else {
                seat.closing_by = None;
                self.desk.overdue.push(id);
            }
        } else if due(seat.join_by) && !seat.session.must_join() {
            seat.join_by = None;
        } else if due(seat.join_by) {
            self.counts.silent += 1;
            self.backing.on_end(id, Ending::Silent);
            self.close(moment, id);
        } else if due(seat.session_deadline()) {
            let after = self.ask_by_itself(id, |session, asked| session.handle_timeout(moment, asked));
            self.collect(moment, id);
            if after == Some(After::Close) {
                self.close(moment, id);
            }
            // The session's own request, which is the end of a line, is served at once if nothing schedules.
            if self.bounds.is_none() {
                self.desk.roused.clear();
                while self.serve_next(moment, id).is_some() {}
            }
        }
    }
}
