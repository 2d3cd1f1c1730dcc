//! A room server: one room, the sessions of its connections in any dialect, and what waits for each of
//! them. No socket, no clock: bytes and time in, bytes out. It serves scenarios, real sockets and tests.
//!
//! The path of a request, a verb for each stage:
//!
//! | stage | verb |
//! | --- | --- |
//! | bytes of one read become requests | [`receive`](RoomServer::receive) |
//! | the next is served now, or waits for its rate, its author's answers, the floor | [`schedule`](RoomServer::schedule) |
//! | it is served: held where it must be kept first, admitted, answered by the room | [`serve_next`](RoomServer::serve_next) |
//! | each who hears of it is told | [`tell`](RoomServer::tell) |
//! | what that session sends joins its queue, which has a bound | `collect` |
//! | what is held is kept and let go | [`end_turn`](RoomServer::end_turn) |
//! | which connections have something new | [`poll_dirty`](RoomServer::poll_dirty) |
//! | what waits for each is written | [`flush`](RoomServer::flush), or [`outgoing`](RoomServer::outgoing) and [`wrote`](RoomServer::wrote) |
//! | what is due: repetitions, signs of life, late joins, ends | [`handle_timeout`](RoomServer::handle_timeout) |
//!
//! A caller that decides itself when a request is served (a world does) calls `serve_next` and sets no
//! [`Bounds`]; then nobody is waited for. What outlives the server, and who is let in, is its [`Backing`]'s.

mod backing;
mod desk;
mod ending;
mod floor;
mod holding;
mod latency;
mod limit;
mod outgoing;
mod pressure;
mod schedule;
mod seat;
mod serving;
#[cfg(test)]
mod tests;
mod writing;

use super::message::{ClientId, Delivery};
use super::protocol::{Asked, Moment, ServerSession};
use super::room::{Forgetful, Room, Rules};
use crate::time::{Duration, Instant};

pub use backing::{Admission, Backing, Ending};
use desk::Desk;
use floor::Floor;
use holding::Holding;
pub use latency::Latency;
use limit::Bucket;
pub use outgoing::Outgoing;
use pressure::Pressure;
pub use schedule::Turn;
pub use seat::{Count, Outlet};
use seat::{Seat, Seats};
pub use serving::Served;
pub use writing::Flushed;

/// A room and its connections.
#[derive(Debug)]
pub struct RoomServer<B: Backing = Forgetful> {
    room: Room,
    backing: B,
    join_within: Option<Duration>,
    /// Bytes that may wait for a connection before it is [slow](Flushed::Slow).
    max_backlog: usize,
    bounds: Option<Bounds>,
    seats: Seats,
    open: usize,
    /// Number of the last event; no two have the same.
    events: u64,
    desk: Desk,
    /// Sessions that want the list of people at every change.
    watchers: Vec<ClientId>,
    /// Effects that wait until a text is kept.
    holding: Holding,
    /// Order of speakers.
    floor: Floor,
    /// Author of the requests in service, and whether they have reached anybody else.
    author: Option<ClientId>,
    reached_others: bool,
    /// Deliveries and requests so far.
    deliveries_made: u64,
    /// Memory that all connections' queues take.
    held: usize,
    counts: Counts,
    latency: Latency,
    /// Scratch space, kept for its memory.
    asked: Asked,
    deliveries: Vec<Delivery>,
}

/// Bounds of what clients may ask and what may wait for them. With them, who fills queues waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Requests a second that one client may make, 256 bytes of text counting as one more; 0 is without limit.
    pub rate: u32,
    /// Bytes that may wait for one client; beyond, it is told so and its connection ends.
    pub backlog: usize,
    /// Bytes that may wait for all clients together, and of what they ask; beyond, the connection ends for
    /// which most waits.
    pub memory: usize,
    /// Time for an ending connection to read its last words.
    pub linger: Duration,
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

impl RoomServer {
    /// A server with an empty room, which forgets everything and lets everybody in.
    pub fn new(rules: Rules) -> RoomServer {
        RoomServer::backed(Room::new(rules), Forgetful)
    }
}

impl<B: Backing> RoomServer<B> {
    /// A server with something behind it.
    pub fn backed(room: Room, backing: B) -> RoomServer<B> {
        RoomServer {
            room,
            backing,
            join_within: None,
            max_backlog: usize::MAX,
            bounds: None,
            seats: Seats::default(),
            open: 0,
            events: 0,
            desk: Desk::default(),
            watchers: Vec::new(),
            holding: Holding::default(),
            floor: Floor::default(),
            author: None,
            reached_others: false,
            deliveries_made: 0,
            held: 0,
            counts: Counts::default(),
            latency: Latency::default(),
            asked: Asked::default(),
            deliveries: Vec::new(),
        }
    }

    /// With a bound on how long a connection may take to join.
    #[must_use]
    pub fn join_within(self, span: Duration) -> RoomServer<B> {
        RoomServer { join_within: Some(span), ..self }
    }

    /// With a bound on how many bytes may wait for a connection; the caller decides what becomes of it.
    #[must_use]
    pub fn max_backlog(self, bytes: usize) -> RoomServer<B> {
        RoomServer { max_backlog: bytes, ..self }
    }

    /// With bounds, which it enforces itself.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> RoomServer<B> {
        RoomServer { bounds: Some(bounds), ..self }
    }

    /// Has other rules and bounds from now on, for those who are here, too.
    pub fn reform(&mut self, rules: Rules, bounds: Bounds, join_within: Duration) {
        self.room.set_rules(rules);
        (self.bounds, self.join_within) = (Some(bounds), Some(join_within));
        for seat in self.seats.iter_mut() {
            seat.bucket.set_rate(bounds.rate);
            seat.pressure.set_limit(bounds.backlog);
        }
    }

    /// The room.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Its backing.
    pub fn backing(&self) -> &B {
        &self.backing
    }

    /// The same, to be changed.
    pub fn backing_mut(&mut self) -> &mut B {
        &mut self.backing
    }

    /// Connections that ended otherwise than by the client's wish.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Time that deliveries of what others said have taken.
    pub fn latency(&self) -> &Latency {
        &self.latency
    }

    /// A connection's session, until it is forgotten.
    pub fn session(&self, id: ClientId) -> Option<&dyn ServerSession> {
        self.seats.get(id).map(|seat| seat.session.as_ref())
    }

    /// True if what a connection says is still heard.
    pub fn hears(&self, id: ClientId) -> bool {
        self.seats.get(id).is_some_and(|seat| !seat.is_closing)
    }

    /// Traffic of a connection so far, and the bytes that wait to be written or acknowledged.
    pub fn figures(&self, id: ClientId) -> (Count, usize) {
        let seat = self.seats.get(id);
        seat.map_or_else(Default::default, |seat| (seat.count, seat.backlog()))
    }

    /// Takes in connection `id`, whose number is free.
    pub fn open(&mut self, moment: Moment, id: ClientId, session: Box<dyn ServerSession>) {
        self.open_from(moment, id, session, 0, Duration::ZERO);
    }

    /// The same, where it has so much time between two writes, and comes from an address: another from there
    /// comes in later after it was too slow.
    pub fn open_from(
        &mut self,
        moment: Moment,
        id: ClientId,
        session: Box<dyn ServerSession>,
        address: u128,
        pacing: Duration,
    ) {
        self.open += 1;
        if session.wants_people() {
            self.watchers.push(id);
        }
        let join_by = self.join_within.map(|within| moment.now.saturating_add(within));
        let (rate, limit) = self.bounds.map_or((0, usize::MAX), |bounds| (bounds.rate, bounds.backlog));
        let (bucket, pressure) = (Bucket::new(rate, moment.now), Pressure::new(limit));
        let mut seat = Seat::new(session, address, join_by, bucket, pressure, pacing);
        seat.session.open(moment, self.open, &mut self.asked);
        seat.ask(&mut self.asked);
        self.seats.insert(id, seat);
        self.collect_by(moment, id);
    }

    /// One read of a connection; [`serve_next`](Self::serve_next) serves what it asks.
    pub fn receive(&mut self, moment: Moment, id: ClientId, bytes: &[u8]) {
        let seat = self.seats.get_mut(id);
        let Some(seat) = seat.filter(|seat| !seat.is_closing && seat.malformed.is_none()) else { return };
        seat.count.bytes_in += bytes.len() as u64;
        seat.malformed = seat.session.receive(moment, bytes, &mut self.asked).err();
        seat.ask(&mut self.asked);
        self.collect_by(moment, id);
    }

    /// Instant at which [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.desk.next_alarm()
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

    /// The next connection for which [`schedule`](Self::schedule) has something to do before it is read on.
    pub fn poll_roused(&mut self) -> Option<ClientId> {
        self.desk.roused.pop()
    }

    /// The next connection that has taken too long to read its last words.
    pub fn poll_overdue(&mut self) -> Option<ClientId> {
        self.desk.overdue.pop()
    }

    /// True if anything has happened since this was asked last after which [`end_turn`](Self::end_turn) has
    /// something to do, or something is to be written.
    pub fn poll_turn(&mut self) -> bool {
        std::mem::take(&mut self.desk.ends_turn)
    }

    /// Keeps and lets go what is held, and tells who has gone, where that has its turn.
    pub fn end_turn(&mut self, moment: Moment) {
        self.desk.departures_at = self.announce_departures(moment);
        self.settle(moment.now);
    }

    fn seat(&mut self, id: ClientId) -> Option<&mut Seat> {
        self.seats.get_mut(id)
    }
}
