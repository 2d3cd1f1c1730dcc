//! One connection as the server knows it: its session, what waits to be written, its account.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::sync::Notify;

use super::Settings;
use super::limit::Bucket;
use super::pressure::{Load, Pressure};
use crate::chat::protocol::{Ask, Malformed, ServerSession};
use crate::chat::server::outgoing::{Origin, Outgoing};
use crate::live::socket::Socket;
use crate::time::{Duration, Instant};

/// A connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
pub(super) struct Peer {
    /// Its public number; never used twice.
    pub serial: u64,
    pub dialect: &'static str,
    pub address: SocketAddr,
    pub since: Instant,
    pub session: Box<dyn ServerSession>,
    /// Whether several messages may go in one write.
    framed: bool,
    /// The number of its emulated path, if it has one.
    pub path: Option<u64>,
    /// Written by the hub itself where no path is emulated.
    pub socket: Option<Rc<Socket>>,
    /// Rouses its writer: there is something to write, or it is closing.
    pub writer: Rc<Notify>,
    /// Rouses its timer: the deadline has come nearer.
    pub timer: Rc<Notify>,
    /// What its timer waits for.
    pub armed: Instant,
    /// By when it must have joined.
    pub join_by: Option<Instant>,
    /// What it has asked and waits for its turn, and what is wrong with the words behind that.
    pub asked: VecDeque<Ask>,
    /// How much memory that takes.
    pub asked_bytes: usize,
    pub malformed: Option<Malformed>,
    pub bucket: Bucket,
    /// Rouses its listener: what it waited for has come.
    pub heard: Rc<Notify>,
    pub pressure: Pressure,
    /// Bytes that its session keeps for acknowledgments, and how many of them at most answer it.
    waiting: usize,
    unacknowledged: usize,
    /// Whether nobody else heard of its last request.
    pub was_answered_alone: bool,
    /// Whether it is heard on as soon as its answers are written.
    pub awaits_answers: bool,
    /// In which round it spoke last, and in which line it stands.
    pub spoke_in: u64,
    pub in_line: Option<Line>,
    /// How much of its memory is in the hub's sum.
    pub held: usize,
    pub outlet: Outlet,
    /// Whether it will say nothing more: it acknowledges nothing either, and its silence means nothing.
    pub at_end: bool,
    pub out: Outgoing,
    /// Whether the hub has not taken notice of some of that.
    pub is_fresh: bool,
    /// Whether the hub will flush it at the end of this turn.
    pub dirty: bool,
    /// Nothing more is heard from it; it ends when what waits is written, or at this instant.
    pub closing_by: Option<Instant>,
    /// How much was written when that was last put off.
    written_then: u64,
    pub count: Count,
}

/// What went over a connection.
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

/// How its socket or path takes what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlet {
    /// At once: what waits is up to the pacer.
    Open,
    /// It takes no more for now.
    Stalled,
    /// It never will again; what its person said before is heard.
    Broken,
}

/// Where a client that wants to speak to others waits for its turn: see [`floor`](super::hub).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It has little to say.
    Little,
    /// It comes in.
    Door,
    /// It has more to say than is read.
    Much,
}

/// What a message or a request takes beside its bytes.
const EACH: usize = 64;

/// What a writer does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing waits.
    Idle,
    /// The socket takes no more now.
    Blocked,
    /// The pacer says: not before then.
    Until(Instant),
    /// Everything is written and the connection is to end.
    Finished,
    /// The socket is broken.
    Broken,
}

impl Peer {
    pub fn new(
        serial: u64,
        dialect: &'static str,
        address: SocketAddr,
        session: Box<dyn ServerSession>,
        pacing: Duration,
        settings: &Settings,
        now: Instant,
    ) -> Peer {
        Peer {
            serial,
            dialect,
            address,
            since: now,
            framed: session.is_framed(),
            session,
            path: None,
            socket: None,
            writer: Rc::default(),
            timer: Rc::default(),
            armed: Instant::MAX,
            join_by: None,
            asked: VecDeque::new(),
            asked_bytes: 0,
            malformed: None,
            bucket: Bucket::new(settings.rate_limit, now),
            heard: Rc::default(),
            pressure: Pressure::new(settings.max_backlog),
            waiting: 0,
            unacknowledged: 0,
            was_answered_alone: false,
            awaits_answers: false,
            spoke_in: 0,
            in_line: None,
            held: 0,
            outlet: Outlet::Open,
            at_end: false,
            out: Outgoing::new(pacing),
            is_fresh: false,
            dirty: false,
            closing_by: None,
            written_then: 0,
            count: Count::default(),
        }
    }

    /// Bytes that wait, here or for acknowledgments.
    pub fn backlog(&self) -> usize {
        self.out.bytes() + self.session.waiting_bytes()
    }

    /// Memory that what waits for it, and what it asked, takes.
    pub fn memory(&self) -> usize {
        self.backlog() + EACH * self.out.len() + self.asked_bytes
    }

    /// Takes in something that it asks.
    pub fn ask(&mut self, ask: Ask) {
        self.asked_bytes += size(&ask);
        self.asked.push_back(ask);
    }

    /// The next thing that it asked.
    pub fn next_asked(&mut self) -> Option<Ask> {
        let ask = self.asked.pop_front()?;
        self.asked_bytes -= size(&ask);
        Some(ask)
    }

    /// What waits for it, and what it waits for.
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
            is_closing: self.closing_by.is_some(),
        }
    }

    /// Whether no more is read from it for the time being.
    pub fn is_full(&self) -> bool {
        self.load().is_full()
    }

    /// Takes over what the session has to say.
    pub fn collect(&mut self, origin: Origin) {
        while let Some(bytes) = self.session.poll_send() {
            self.push(bytes, origin);
        }
        let waiting = self.session.waiting_bytes();
        if origin == Origin::Own {
            self.unacknowledged += waiting.saturating_sub(self.waiting);
        }
        (self.waiting, self.unacknowledged) = (waiting, self.unacknowledged.min(waiting));
    }

    pub fn push(&mut self, bytes: Rc<[u8]>, origin: Origin) {
        if !self.is_broken() {
            self.out.push(bytes, origin);
            self.is_fresh = true;
        }
    }

    /// Nothing more is written to it; what it said is heard still.
    pub fn break_off(&mut self) {
        self.outlet = Outlet::Broken;
        self.out.clear();
    }

    pub fn is_broken(&self) -> bool {
        self.outlet == Outlet::Broken
    }

    /// Whether one who has asked to the end still reads the answers: it gets more time then.
    pub fn reads_on(&mut self) -> bool {
        let written = std::mem::replace(&mut self.written_then, self.count.bytes_out);
        self.at_end && self.out.bytes() > 0 && self.count.bytes_out > written
    }

    /// When its session wants to be woken: of whom nothing is read, silence means nothing.
    pub fn session_deadline(&self) -> Option<Instant> {
        let is_read = !self.is_full() && !self.at_end;
        if self.closing_by.is_none() && (is_read || !self.session.minds_silence()) {
            self.session.poll_timeout()
        } else {
            None
        }
    }

    /// When it wants to be woken next.
    pub fn deadline(&self) -> Option<Instant> {
        [self.session_deadline(), self.join_by, self.closing_by].into_iter().flatten().min()
    }

    /// The next piece to write, if the pacer allows.
    fn next(&self, now: Instant) -> Result<(Rc<[u8]>, usize), Flushed> {
        match self.out.next(now) {
            Some(Ok((bytes, written))) => Ok((Rc::clone(bytes), written)),
            Some(Err(at)) => Err(Flushed::Until(at)),
            None if self.closing_by.is_some() => Err(Flushed::Finished),
            None => Err(Flushed::Idle),
        }
    }

    /// Takes the next message out, for a writer that is never interrupted.
    pub fn take(&mut self, now: Instant) -> Result<Rc<[u8]>, Flushed> {
        let (bytes, from) = self.next(now)?;
        self.wrote(bytes.len() - from, now);
        Ok(bytes)
    }

    /// So many bytes were written.
    fn wrote(&mut self, bytes: usize, now: Instant) {
        self.count.bytes_out += bytes as u64;
        self.count.messages_out += self.out.wrote(bytes, now);
    }

    /// Writes to its own socket as much as goes.
    pub fn flush(&mut self, now: Instant) -> Flushed {
        let Some(socket) = &self.socket else { return Flushed::Idle };
        let socket = Rc::clone(socket);
        let flushed = self.write_to(&socket, now);
        self.outlet = match flushed {
            Flushed::Blocked => Outlet::Stalled,
            _ if self.is_broken() => Outlet::Broken,
            _ => Outlet::Open,
        };
        if flushed == Flushed::Broken {
            self.break_off();
        }
        flushed
    }

    fn write_to(&mut self, socket: &Socket, now: Instant) -> Flushed {
        loop {
            let (bytes, from) = match self.next(now) {
                Ok(next) => next,
                Err(flushed) => return settled(socket, flushed),
            };
            let result = if self.framed && !self.out.is_spaced() && self.out.len() > 1 {
                socket.try_write_vectored(&self.out.slices())
            } else {
                socket.try_write(&bytes[from..])
            };
            match result {
                Ok(written) => self.wrote(written, now),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Flushed::Blocked,
                Err(_) => return Flushed::Broken,
            }
        }
    }
}

/// Memory that something asked takes.
fn size(ask: &Ask) -> usize {
    EACH + match ask {
        Ask::Room(request) => request.text().map_or(0, str::len),
        Ask::Session(answer) => answer.as_ref().map_or(0, |bytes| bytes.len()),
    }
}

/// Nothing is written as long as part of it waits in this process; an ending is announced.
fn settled(socket: &Socket, flushed: Flushed) -> Flushed {
    if flushed == Flushed::Finished {
        socket.say_last();
    }
    match socket.try_flush() {
        Ok(()) => flushed,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Flushed::Blocked,
        Err(_) => Flushed::Broken,
    }
}
