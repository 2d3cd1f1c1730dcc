//! A room server: one room, the sessions of its connections in any dialect, and what waits for each of
//! them. No socket, no clock: bytes and time in, bytes out.
//!
//! | stage | verb |
//! | --- | --- |
//! | bytes of one read become requests | [`receive`](RoomServer::receive) |
//! | the room answers the next of them, and all who hear of it are told | [`serve_next`](RoomServer::serve_next) |
//! | which connections have something new | [`poll_dirty`](RoomServer::poll_dirty) |
//! | what waits for each is written | [`flush`](RoomServer::flush) |
//! | what is due: repetitions, signs of life, late joins | [`handle_timeout`](RoomServer::handle_timeout) |
//!
//! When a request is served is up to the caller.

pub(crate) mod outgoing;
mod seat;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use super::marker;
use super::message::{Audience, ClientId, Delivery, Event, Request};
use super::protocol::{After, Ask, Asked, Encodings, Moment, ServerSession};
use super::room::{Room, Rules};
use crate::time::{Duration, Instant};
use seat::Seat;

/// A room and its connections.
#[derive(Debug)]
pub struct RoomServer {
    room: Room,
    join_within: Option<Duration>,
    /// Bytes that may wait for a connection.
    max_backlog: usize,
    /// By the client's number, which the caller gives.
    seats: Vec<Option<Box<Seat>>>,
    open: usize,
    /// Number of the last event; no two have the same.
    events: u64,
    desk: Desk,
    counts: Counts,
    /// Scratch space, kept for its memory.
    asked: Asked,
    deliveries: Vec<Delivery>,
}

/// Connections that ended otherwise than by the client's wish, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Too much waited for them.
    pub overflowed: u64,
    /// They sent what is no sentence of their dialect.
    pub malformed: u64,
    /// They were not let in.
    pub rejected: u64,
    /// They took too long to join.
    pub silent: u64,
}

/// What becomes of a connection after what waits for it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// It goes on.
    Open,
    /// More waits for it than may: it is to be [dropped](RoomServer::drop_slow).
    Slow,
    /// Everything is written, and it is to be closed. Said once.
    Finished,
}

/// One request that was served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// The number that its text carries, if it is a synthetic message: see [`marker`].
    pub marker: Option<u32>,
    /// How many people were told a message because of it.
    pub audience: u32,
}

impl RoomServer {
    /// A server with an empty room.
    pub fn new(rules: Rules) -> RoomServer {
        RoomServer {
            room: Room::new(rules),
            join_within: None,
            max_backlog: usize::MAX,
            seats: Vec::new(),
            open: 0,
            events: 0,
            desk: Desk::default(),
            counts: Counts::default(),
            asked: Asked::default(),
            deliveries: Vec::new(),
        }
    }

    /// With a bound on how long a connection may take to join.
    #[must_use]
    pub fn join_within(self, span: Duration) -> RoomServer {
        RoomServer { join_within: Some(span), ..self }
    }

    /// With a bound on how many bytes may wait for a connection.
    #[must_use]
    pub fn max_backlog(self, bytes: usize) -> RoomServer {
        RoomServer { max_backlog: bytes, ..self }
    }

    /// The room.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Connections that ended otherwise than by the client's wish.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// A connection's session, until it is forgotten.
    pub fn session(&self, id: ClientId) -> Option<&dyn ServerSession> {
        self.seats.get(id.0 as usize)?.as_deref().map(|seat| seat.session.as_ref())
    }

    /// Whether what a connection says is still heard.
    pub fn hears(&self, id: ClientId) -> bool {
        self.seats.get(id.0 as usize).and_then(Option::as_deref).is_some_and(|seat| !seat.is_closing)
    }

    /// Takes in connection `id`, whose number is free.
    pub fn open(&mut self, moment: Moment, id: ClientId, session: Box<dyn ServerSession>) {
        let place = id.0 as usize;
        if self.seats.len() <= place {
            self.seats.resize_with(place + 1, || None);
        }
        self.open += 1;
        let join_by = self.join_within.map(|within| moment.now.saturating_add(within));
        let mut seat = Box::new(Seat::new(session, join_by));
        seat.session.open(moment, self.open, &mut self.asked);
        seat.asked.extend(self.asked.drain());
        self.seats[place] = Some(seat);
        self.collect(id);
    }

    /// One read of a connection; [`serve_next`](Self::serve_next) serves what it asks.
    pub fn receive(&mut self, moment: Moment, id: ClientId, bytes: &[u8]) {
        let seat = self.seats.get_mut(id.0 as usize).and_then(Option::as_deref_mut);
        let Some(seat) = seat.filter(|seat| !seat.is_closing && seat.malformed.is_none()) else { return };
        seat.malformed = seat.session.receive(moment, bytes, &mut self.asked).err();
        seat.asked.extend(self.asked.drain());
        self.collect(id);
    }

    /// Serves the next thing that a connection has asked; nothing if that is all, or it is ending.
    pub fn serve_next(&mut self, moment: Moment, id: ClientId) -> Option<Served> {
        let seat = self.seats.get_mut(id.0 as usize)?.as_deref_mut().filter(|seat| !seat.is_closing)?;
        let Some(ask) = seat.asked.pop_front() else {
            let malformed = seat.malformed.take()?;
            if !malformed.farewell.is_empty() {
                seat.push(malformed.farewell.into());
            }
            self.counts.malformed += 1;
            self.close(moment, id);
            return None;
        };
        seat.session.on_served(moment);
        let mut served = Served::default();
        match ask {
            Ask::Room(request) => served = self.serve(moment, id, request),
            Ask::Session(answer) => {
                seat.collect();
                if let Some(bytes) = answer {
                    seat.push(bytes);
                }
                self.desk.note_dirty(seat, id);
            }
        }
        self.collect(id);
        Some(served)
    }

    /// Lets the room answer a request and tells everyone who hears of it.
    fn serve(&mut self, moment: Moment, id: ClientId, request: Request) -> Served {
        let marker = request.text().and_then(|text| marker::read(text.as_bytes()));
        let mut served = Served { marker, audience: 0 };
        let joins = matches!(request, Request::Join { .. });
        let request = match request {
            // A refusal would only make its client come again.
            Request::Join { nick } if self.seat(id).is_some_and(|seat| seat.session.numbers_duplicates()) => {
                Request::Join { nick: self.room.free_nick(&nick) }
            }
            request => request,
        };
        let mut changed = false;
        let mut deliveries = std::mem::take(&mut self.deliveries);
        self.room.handle(id, request.printable(), &mut deliveries);
        for Delivery { to, event } in deliveries.drain(..) {
            if event.is_message() {
                served.audience += to.count() as u32;
            }
            changed |= event.changes_people();
            self.tell(moment, &to, &event);
        }
        self.deliveries = deliveries;
        if joins && self.room.nick(id).is_some() {
            self.seat(id).into_iter().for_each(|seat| seat.join_by = None);
        }
        if changed {
            self.tell_watchers(moment);
        }
        served
    }

    /// Gives the list of people to those who want it at every change.
    fn tell_watchers(&mut self, moment: Moment) {
        let watches = |id: &ClientId| self.session(*id).is_some_and(ServerSession::wants_people);
        let members: Vec<ClientId> = self.room.everyone().iter().copied().filter(watches).collect();
        if !members.is_empty() {
            let to = Audience::Group { members: Arc::new(members), but: None };
            self.tell(moment, &to, &Event::People { names: self.room.people() });
        }
    }

    /// Tells somebody something, as the room does.
    pub fn tell(&mut self, moment: Moment, to: &Audience, event: &Event) {
        self.events += 1;
        let mut encodings = Encodings::new(self.events);
        for id in to.iter() {
            let seat = self.seats.get_mut(id.0 as usize).and_then(Option::as_deref_mut);
            let Some(seat) = seat.filter(|seat| !seat.is_closing) else { continue };
            let after = seat.session.tell(moment, event, &mut encodings);
            self.desk.collect(seat, id);
            if after == After::Close {
                self.counts.rejected += u64::from(matches!(event, Event::Rejected(_)));
                self.close(moment, id);
            }
        }
    }

    /// The client has closed its side: it will acknowledge nothing any more.
    pub fn end_of_file(&mut self, moment: Moment, id: ClientId) {
        if let Some(seat) = self.seat(id) {
            seat.session.on_end_of_file();
            self.close(moment, id);
        }
    }

    /// Ends a connection after what waits for it.
    pub fn close(&mut self, moment: Moment, id: ClientId) {
        let seat = self.seats.get_mut(id.0 as usize).and_then(Option::as_deref_mut);
        let Some(seat) = seat.filter(|seat| !seat.is_closing) else { return };
        seat.collect();
        seat.is_closing = true;
        seat.asked.clear();
        self.desk.note_dirty(seat, id);
        self.desk.rearm(seat, id);
        self.open -= 1;
        self.leave(moment, id);
    }

    /// Too much waits for a connection: it is gone.
    pub fn drop_slow(&mut self, moment: Moment, id: ClientId) {
        self.counts.overflowed += 1;
        self.forget(moment, id);
    }

    /// The connection is gone.
    pub fn forget(&mut self, moment: Moment, id: ClientId) {
        let Some(seat) = self.seats.get_mut(id.0 as usize).and_then(Option::take) else { return };
        self.open -= usize::from(!seat.is_closing);
        if let Some(at) = seat.armed {
            self.desk.alarms.remove(&(at, id));
        }
        self.leave(moment, id);
    }

    /// Takes the client out of the room, if it is in.
    fn leave(&mut self, moment: Moment, id: ClientId) {
        if self.room.nick(id).is_some() {
            self.serve(moment, id, Request::Leave);
        }
    }

    /// The next connection that has something to write, or has come to its end.
    pub fn poll_dirty(&mut self) -> Option<ClientId> {
        loop {
            let id = self.desk.dirty.pop_front()?;
            if let Some(seat) = self.seat(id) {
                seat.is_dirty = false;
                return Some(id);
            }
        }
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
        let seat = self.seats.get_mut(id.0 as usize).and_then(Option::as_deref_mut);
        let Some(seat) = seat else { return Flushed::Open };
        seat.flush(now, write);
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
        self.seat(id).into_iter().for_each(Seat::resume);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.desk.alarms.first().map(|&(at, _)| at)
    }

    /// Does what is due by now.
    pub fn handle_timeout(&mut self, moment: Moment) {
        while let Some(&(at, id)) = self.desk.alarms.first()
            && at <= moment.now
        {
            let Some(seat) = self.seat(id) else { break };
            let is_late = seat.join_by.is_some_and(|by| by <= moment.now);
            if is_late && !seat.session.must_join() {
                seat.join_by = None;
            } else if is_late {
                self.counts.silent += 1;
                self.close(moment, id);
            } else {
                let mut asked = Asked::default();
                let after = seat.session.handle_timeout(moment, &mut asked);
                seat.asked.extend(asked.drain());
                if after == After::Close {
                    self.close(moment, id);
                }
                // What it asks by itself is the end of a line, and rare.
                while self.serve_next(moment, id).is_some() {}
            }
            self.collect(id);
        }
    }

    fn seat(&mut self, id: ClientId) -> Option<&mut Seat> {
        self.seats.get_mut(id.0 as usize)?.as_deref_mut()
    }

    /// Takes over what a session has to say, and when it wants to be woken.
    fn collect(&mut self, id: ClientId) {
        if let Some(seat) = self.seats.get_mut(id.0 as usize).and_then(Option::as_deref_mut) {
            self.desk.collect(seat, id);
        }
    }
}

/// Which connections have something new, and when they want to be woken.
#[derive(Debug, Default)]
struct Desk {
    dirty: VecDeque<ClientId>,
    alarms: BTreeSet<(Instant, ClientId)>,
}

impl Desk {
    /// Takes over what a session has to say, and when it wants to be woken.
    fn collect(&mut self, seat: &mut Seat, id: ClientId) {
        if !seat.is_closing && seat.collect() {
            self.note_dirty(seat, id);
        }
        self.rearm(seat, id);
    }

    fn note_dirty(&mut self, seat: &mut Seat, id: ClientId) {
        if !std::mem::replace(&mut seat.is_dirty, true) {
            self.dirty.push_back(id);
        }
    }

    fn rearm(&mut self, seat: &mut Seat, id: ClientId) {
        let deadline = seat.deadline();
        let before = std::mem::replace(&mut seat.armed, deadline);
        if before != deadline {
            if let Some(at) = before {
                self.alarms.remove(&(at, id));
            }
            self.alarms.extend(deadline.map(|at| (at, id)));
        }
    }
}
