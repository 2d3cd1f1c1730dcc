//! One connection of a room server: its session, what it has asked, what waits to be written to it, and
//! how others mind it.

use std::collections::VecDeque;
use std::rc::Rc;

use super::floor::Line;
use super::latency::Latency;
use super::limit::Bucket;
use super::outgoing::{Origin, Outgoing};
use super::pressure::{Load, Pressure};
use crate::chat::message::ClientId;
use crate::chat::protocol::{Ask, Asked, Malformed, ServerSession};
use crate::time::{Duration, Instant};

/// A connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
pub(super) struct Seat {
    pub session: Box<dyn ServerSession>,
    /// Its origin: see [`open_from`](super::RoomServer::open_from).
    pub address: u128,
    /// Requests that are not served yet, and the fault in the words behind them.
    pub asked: VecDeque<Ask>,
    pub malformed: Option<Malformed>,
    /// Memory of these requests, in bytes.
    asked_bytes: usize,
    /// By when it must have joined.
    pub join_by: Option<Instant>,
    /// True if whoever decides about its nick has not done so yet.
    pub is_gated: bool,
    /// The instant under which it stands among the server's alarms.
    pub armed: Option<Instant>,
    pub bucket: Bucket,
    pub pressure: Pressure,
    /// Bytes that its session keeps for acknowledgments, and how many of them at most answer it.
    waiting: usize,
    unacknowledged: usize,
    /// True if nobody else heard of its last request.
    pub was_answered_alone: bool,
    /// True if it is heard on as soon as its answers are written.
    pub awaits_answers: bool,
    /// In which round it spoke last, and in which line it stands.
    pub spoke_in: u64,
    pub in_line: Option<Line>,
    /// Part of its memory in the server's sum.
    pub held: usize,
    /// True if it will say nothing more: it acknowledges nothing either, and its silence means nothing.
    pub at_end: bool,
    /// Nothing more is heard from it or said to it but what waits.
    pub is_closing: bool,
    /// Latest end of that, and the bytes written when it was last put off.
    pub closing_by: Option<Instant>,
    written_then: u64,
    /// True if its end was announced.
    pub is_ended: bool,
    /// True if it is among those with something new.
    pub is_dirty: bool,
    /// True if something waits of which the server has not taken notice.
    pub is_fresh: bool,
    pub outlet: Outlet,
    /// Output queue, one write each.
    pub out: Outgoing,
    pub count: Count,
}

/// All connections, by the number that the caller gives to each.
#[derive(Debug, Default)]
pub(super) struct Seats(Vec<Option<Box<Seat>>>);

impl Seats {
    pub fn get(&self, id: ClientId) -> Option<&Seat> {
        self.0.get(id.0 as usize)?.as_deref()
    }

    pub fn get_mut(&mut self, id: ClientId) -> Option<&mut Seat> {
        self.0.get_mut(id.0 as usize)?.as_deref_mut()
    }

    pub fn iter(&self) -> impl Iterator<Item = (ClientId, &Seat)> {
        let seats = self.0.iter().enumerate();
        seats.filter_map(|(n, seat)| Some((ClientId(n as u32), seat.as_deref()?)))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Seat> {
        self.0.iter_mut().filter_map(Option::as_deref_mut)
    }

    pub fn insert(&mut self, id: ClientId, seat: Seat) {
        let place = id.0 as usize;
        if self.0.len() <= place {
            self.0.resize_with(place + 1, || None);
        }
        self.0[place] = Some(Box::new(seat));
    }

    pub fn remove(&mut self, id: ClientId) -> Option<Box<Seat>> {
        self.0.get_mut(id.0 as usize)?.take()
    }
}

/// Traffic of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// Requests understood.
    pub requests: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Messages written.
    pub messages_out: u64,
    /// Bytes written.
    pub bytes_out: u64,
}

impl Count {
    /// Adds another's figures.
    pub fn add(&mut self, other: &Count) {
        self.requests += other.requests;
        self.bytes_in += other.bytes_in;
        self.messages_out += other.messages_out;
        self.bytes_out += other.bytes_out;
    }
}

/// Readiness of a connection for writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlet {
    /// At once: what waits is up to the pacer.
    Open,
    /// It takes no more for now.
    Stalled,
    /// It never will again; what its person said before is heard.
    Broken,
}

/// Memory of a message or a request beside its bytes.
const EACH: usize = 64;

impl Seat {
    pub fn new(
        session: Box<dyn ServerSession>,
        address: u128,
        join_by: Option<Instant>,
        bucket: Bucket,
        pressure: Pressure,
        pacing: Duration,
    ) -> Seat {
        Seat {
            session,
            address,
            asked: VecDeque::new(),
            malformed: None,
            asked_bytes: 0,
            join_by,
            is_gated: false,
            armed: None,
            bucket,
            pressure,
            waiting: 0,
            unacknowledged: 0,
            was_answered_alone: false,
            awaits_answers: false,
            spoke_in: 0,
            in_line: None,
            held: 0,
            at_end: false,
            is_closing: false,
            closing_by: None,
            written_then: 0,
            is_ended: false,
            is_dirty: false,
            is_fresh: false,
            outlet: Outlet::Open,
            out: Outgoing::new(pacing),
            count: Count::default(),
        }
    }

    /// Takes in what it asks.
    pub fn ask(&mut self, asked: &mut Asked) {
        self.count.requests += asked.len() as u64;
        for ask in asked.drain() {
            self.asked_bytes += EACH + ask.text_bytes();
            self.asked.push_back(ask);
        }
    }

    /// The next thing that it asked.
    pub fn next_asked(&mut self) -> Option<Ask> {
        let ask = self.asked.pop_front()?;
        self.asked_bytes -= EACH + ask.text_bytes();
        Some(ask)
    }

    /// Forgets what it has asked.
    pub fn clear_asked(&mut self) {
        self.asked.clear();
        self.asked_bytes = 0;
    }

    /// Takes over what the session has to say.
    pub fn collect(&mut self, origin: Origin, now: Instant) {
        while let Some(bytes) = self.session.poll_send() {
            self.push(bytes, origin, now);
        }
        let waiting = self.session.waiting_bytes();
        if origin == Origin::Own {
            self.unacknowledged += waiting.saturating_sub(self.waiting);
        }
        (self.waiting, self.unacknowledged) = (waiting, self.unacknowledged.min(waiting));
    }

    pub fn push(&mut self, bytes: Rc<[u8]>, origin: Origin, now: Instant) {
        if !self.is_broken() {
            self.out.push(bytes, origin, now);
            self.is_fresh = true;
        }
    }

    /// Has what waits written until the connection takes no more.
    pub fn flush(
        &mut self,
        now: Instant,
        latency: &mut Latency,
        write: &mut dyn FnMut(&Rc<[u8]>, usize) -> usize,
    ) {
        while self.outlet == Outlet::Open
            && let Some(Ok((bytes, from))) = self.out.next(now)
        {
            let taken = write(bytes, from);
            if self.wrote(taken, now, latency) == 0 {
                self.outlet = Outlet::Stalled;
            }
        }
    }

    /// So many bytes were written; returns how many messages that ended.
    pub fn wrote(&mut self, bytes: usize, now: Instant, latency: &mut Latency) -> u64 {
        let ended = self.out.wrote(bytes, now, latency);
        self.count.bytes_out += bytes as u64;
        self.count.messages_out += ended;
        ended
    }

    /// Nothing more is written to it; what it said is heard still.
    pub fn break_off(&mut self) {
        self.outlet = Outlet::Broken;
        self.out.clear();
    }

    pub fn is_broken(&self) -> bool {
        self.outlet == Outlet::Broken
    }

    /// Bytes that wait, here and for acknowledgments.
    pub fn backlog(&self) -> usize {
        self.out.bytes() + self.session.waiting_bytes()
    }

    /// Memory that what waits for it, and what it asked, takes.
    pub fn memory(&self) -> usize {
        self.backlog() + EACH * self.out.messages() + self.asked_bytes
    }

    /// Its load.
    pub fn load(&self) -> Load {
        let waiting = self.session.waiting_bytes();
        // Of whom nothing more is read, nothing is acknowledged.
        let unacknowledged = if self.at_end { 0 } else { self.unacknowledged.min(waiting) };
        Load {
            written: self.count.bytes_out,
            own: self.out.bytes_of(Origin::Own),
            unacknowledged,
            others: self.out.bytes_of(Origin::Others) + waiting - unacknowledged,
            queued: if self.is_broken() { 0 } else { self.out.bytes() + waiting },
            asked: self.asked.len(),
            is_malformed: self.malformed.is_some(),
            is_spaced: self.out.is_spaced(),
            next_answer: if self.was_answered_alone { self.out.next_answer() } else { Instant::ZERO },
            is_paced: self.outlet == Outlet::Open
                && self.out.messages_of(Origin::Others) > 0
                && self.out.messages_of(Origin::Past) == 0
                && self.out.is_paced(),
            is_stalled: self.outlet == Outlet::Stalled,
            is_closing: self.is_closing,
        }
    }

    /// True if everything is written and nothing more comes.
    pub fn is_finished(&self) -> bool {
        self.is_closing && self.out.messages() == 0
    }

    /// True if one who has asked to the end still reads the answers: it gets more time then.
    pub fn reads_on(&mut self) -> bool {
        let written = std::mem::replace(&mut self.written_then, self.count.bytes_out);
        self.at_end && self.out.bytes() > 0 && self.count.bytes_out > written
    }

    /// Instant at which its session wants to be woken; silence of a client that is not read means nothing.
    pub fn session_deadline(&self) -> Option<Instant> {
        let at = self.session.poll_timeout().filter(|_| !self.is_closing)?;
        let is_read = || !self.at_end && !self.load().is_full();
        (!self.session.minds_silence() || is_read()).then_some(at)
    }

    /// Instant at which it wants to be woken.
    pub fn deadline(&self) -> Option<Instant> {
        Instant::earlier(Instant::earlier(self.join_by, self.closing_by), self.session_deadline())
    }
}
