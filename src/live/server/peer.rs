//! One connection as the server knows it: its session, what waits to be written, its account.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Notify;

use super::limit::Bucket;
use crate::chat::message::Request;
use crate::chat::protocol::{Malformed, Pacing, ServerSession};
use crate::live::socket::Socket;
use crate::time::{Duration, Instant};

/// A connection.
#[derive(Debug)]
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
    pub asked: VecDeque<Request>,
    pub malformed: Option<Malformed>,
    pub bucket: Bucket,
    /// Of what is not written, at most so much is its own doing: echoes and answers. Nobody waits for
    /// that, but who has too much of it is not heard. What waits for acknowledgments does not count, or
    /// they would never be read.
    pub own: usize,
    /// If so much waits that speakers have to mind it.
    pub behind: Option<Behind>,
    pub outlet: Outlet,
    /// While somebody is behind, when it is heard next.
    pub next_turn: Instant,
    /// Whether it will say nothing more: it acknowledges nothing either, and its silence means nothing.
    pub at_end: bool,
    /// What waits; of the first, `written` bytes are gone.
    queue: VecDeque<Arc<[u8]>>,
    written: usize,
    queued: usize,
    /// The least time between two messages, and when the last went.
    pacing: Pacing,
    last_write: Option<Instant>,
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

/// One for whom too much waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    pub since: Instant,
    /// How much was written to it when that was last seen to grow, and when.
    pub written: u64,
    pub got_on: Instant,
}

/// How long speakers wait for one who does not catch up, or take turns for one who does not get on.
const CATCH_UP: Duration = Duration::from_millis(250);
/// How far the pacer may be behind with what others said before they wait.
const LAG: Duration = Duration::from_secs(1);
/// So many requests may wait before no more is read: an acknowledgment behind them is read still.
const ASKED: usize = 64;

/// How speakers mind one who is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Minded {
    /// They take turns; its pacer takes so long for a message.
    Turns(Duration),
    /// They wait.
    Stop,
}

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
        pacing: Pacing,
        rate_limit: u32,
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
            malformed: None,
            bucket: Bucket::new(rate_limit, now),
            own: 0,
            behind: None,
            outlet: Outlet::Open,
            next_turn: Instant::ZERO,
            at_end: false,
            queue: VecDeque::new(),
            written: 0,
            queued: 0,
            pacing,
            last_write: None,
            dirty: false,
            closing_by: None,
            written_then: 0,
            count: Count::default(),
        }
    }

    /// Bytes that wait, here or for acknowledgments.
    pub fn backlog(&self) -> usize {
        self.queued + self.session.waiting_bytes()
    }

    /// Bytes that the socket or the path has not taken.
    pub fn unwritten(&self) -> usize {
        self.queued
    }

    /// Whether no more is read from it for the time being.
    pub fn is_full(&self) -> bool {
        let waiting = self.asked.len().max(self.session.waiting_answers());
        self.closing_by.is_none() && (waiting >= ASKED || self.malformed.is_some())
    }

    /// How speakers mind it: they take turns if our own pacer holds it up, or if it gets on slowly. If it
    /// may still catch up they wait, but a moment only: it would hold up everybody.
    pub fn is_minded(&mut self, now: Instant, bound: usize) -> Option<Minded> {
        let written = self.count.bytes_out;
        let behind = self.behind.as_mut().filter(|_| self.closing_by.is_none())?;
        if written > behind.written {
            (behind.written, behind.got_on) = (written, now);
        }
        let (may_catch_up, gets_on) = (now < behind.since + CATCH_UP, now < behind.got_on + CATCH_UP);
        let gap = self.gap();
        let paced = !gap.is_zero() && self.outlet == Outlet::Open;
        let of_others = |waiting: usize| waiting.saturating_sub(self.own);
        let too_much = of_others(self.backlog()) > bound;
        if (paced && of_others(self.queued) > 2 * bound) || (may_catch_up && too_much) {
            Some(Minded::Stop)
        } else if (gets_on && too_much) || (paced && self.lag() > LAG) {
            Some(Minded::Turns(gap))
        } else {
            None
        }
    }

    /// Whether so much waits that speakers have to mind it.
    pub fn falls_behind(&self, bound: usize) -> bool {
        self.backlog() > bound || self.lag() > LAG
    }

    /// Whether it is behind still: until half of that is gone.
    pub fn is_behind(&mut self, bound: usize) -> bool {
        if self.backlog() <= bound / 2 && self.lag() + self.lag() <= LAG {
            self.behind = None;
        }
        self.behind.is_some()
    }

    /// How long its pacer takes for what others have said.
    fn lag(&self) -> Duration {
        if self.queued == 0 {
            return Duration::ZERO;
        }
        let others = self.queue.len() * self.queued.saturating_sub(self.own) / self.queued;
        self.gap().saturating_mul(others as u64)
    }

    /// The pause before what is to be written next.
    fn gap(&self) -> Duration {
        self.queue.front().map_or(self.pacing.every, |next| self.pacing.before(next))
    }

    /// Takes over what the session has to say; whether there was anything.
    pub fn collect(&mut self) -> bool {
        let before = self.queue.len();
        while let Some(bytes) = self.session.poll_send() {
            self.push(bytes);
        }
        self.queue.len() > before
    }

    pub fn push(&mut self, bytes: Arc<[u8]>) {
        if self.is_broken() {
            return;
        }
        self.queued += bytes.len();
        self.queue.push_back(bytes);
    }

    /// Nothing more is written to it; what it said is heard still.
    pub fn break_off(&mut self) {
        self.outlet = Outlet::Broken;
        self.queue.clear();
        (self.queued, self.written, self.own) = (0, 0, 0);
    }

    pub fn is_broken(&self) -> bool {
        self.outlet == Outlet::Broken
    }

    /// Whether one who has asked to the end still reads the answers: it gets more time then.
    pub fn reads_on(&mut self) -> bool {
        let written = std::mem::replace(&mut self.written_then, self.count.bytes_out);
        self.at_end && self.queued > 0 && self.count.bytes_out > written
    }

    /// Forgets what waits, but for a message that is half written.
    pub fn drop_queue(&mut self) {
        self.queue.truncate(usize::from(self.written > 0));
        self.queued = self.queue.front().map_or(0, |first| first.len() - self.written);
    }

    /// When its session wants to be woken: of whom nothing is read, silence means nothing.
    pub fn session_deadline(&self) -> Option<Instant> {
        let is_heard = self.closing_by.is_none() && !self.is_full() && !self.at_end;
        if is_heard { self.session.poll_timeout() } else { None }
    }

    /// When it wants to be woken next.
    pub fn deadline(&self) -> Option<Instant> {
        [self.session_deadline(), self.join_by, self.closing_by].into_iter().flatten().min()
    }

    /// The next piece to write, if the pacer allows.
    pub fn next(&self, now: Instant) -> Result<(Arc<[u8]>, usize), Flushed> {
        match self.queue.front() {
            Some(bytes) => match self.last_write.map(|last| last.saturating_add(self.pacing.before(bytes))) {
                Some(at) if self.written == 0 && now < at => Err(Flushed::Until(at)),
                _ => Ok((Arc::clone(bytes), self.written)),
            },
            None if self.closing_by.is_some() => Err(Flushed::Finished),
            None => Err(Flushed::Idle),
        }
    }

    /// Takes the next message out, for a writer that is never interrupted.
    pub fn take(&mut self, now: Instant) -> Result<Arc<[u8]>, Flushed> {
        let (bytes, from) = self.next(now)?;
        self.wrote(bytes.len() - from, now);
        Ok(bytes)
    }

    /// `bytes` of the first message were written.
    pub fn wrote(&mut self, bytes: usize, now: Instant) {
        self.count.bytes_out += bytes as u64;
        self.own = self.own.saturating_sub(bytes);
        self.queued -= bytes;
        self.written += bytes;
        while let Some(first) = self.queue.front()
            && self.written >= first.len()
        {
            self.written -= first.len();
            self.queue.pop_front();
            self.count.messages_out += 1;
            self.last_write = Some(now);
        }
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
            let result = if self.framed && self.pacing.every.is_zero() && self.queue.len() > 1 {
                socket.try_write_vectored(&self.slices())
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

    /// Several messages for one write.
    fn slices(&self) -> Vec<std::io::IoSlice<'_>> {
        const AT_ONCE: usize = 64;
        let mut slices: Vec<_> =
            self.queue.iter().take(AT_ONCE).map(|bytes| std::io::IoSlice::new(bytes)).collect();
        if let (Some(slice), Some(first)) = (slices.first_mut(), self.queue.front()) {
            *slice = std::io::IoSlice::new(&first[self.written..]);
        }
        slices
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
