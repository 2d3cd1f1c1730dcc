//! One connection of a room server: its session, what it has asked, what waits to be written to it.

use std::collections::VecDeque;
use std::rc::Rc;

use super::outgoing::{Origin, Outgoing};
use crate::chat::protocol::{Ask, Malformed, ServerSession};
use crate::time::{Duration, Instant};

/// A connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
pub(super) struct Seat {
    pub session: Box<dyn ServerSession>,
    /// What it has asked and is not served yet, and what is wrong with the words behind that.
    pub asked: VecDeque<Ask>,
    pub malformed: Option<Malformed>,
    /// By when it must have joined.
    pub join_by: Option<Instant>,
    /// The instant under which it stands among the server's alarms.
    pub armed: Option<Instant>,
    /// Nothing more is heard from it or said to it but what waits.
    pub is_closing: bool,
    /// Whether its end was announced.
    pub is_ended: bool,
    /// Whether it is among those with something new.
    pub is_dirty: bool,
    /// Whether its connection takes no more for now.
    is_stalled: bool,
    /// What waits, one write each.
    out: Outgoing,
}

impl Seat {
    pub fn new(session: Box<dyn ServerSession>, join_by: Option<Instant>) -> Seat {
        Seat {
            session,
            asked: VecDeque::new(),
            malformed: None,
            join_by,
            armed: None,
            is_closing: false,
            is_ended: false,
            is_dirty: false,
            is_stalled: false,
            out: Outgoing::new(Duration::ZERO),
        }
    }

    /// Takes over what the session has to say; whether that was anything.
    pub fn collect(&mut self) -> bool {
        let before = self.out.len();
        while let Some(bytes) = self.session.poll_send() {
            self.push(bytes);
        }
        self.out.len() > before
    }

    pub fn push(&mut self, bytes: Rc<[u8]>) {
        self.out.push(bytes, Origin::Others);
    }

    /// Has what waits written until the connection takes no more.
    pub fn flush(&mut self, now: Instant, write: &mut dyn FnMut(&Rc<[u8]>, usize) -> usize) {
        while !self.is_stalled
            && let Some(Ok((bytes, from))) = self.out.next(now)
        {
            let taken = write(bytes, from);
            self.is_stalled = self.out.wrote(taken, now) == 0;
        }
    }

    /// The connection takes more again.
    pub fn resume(&mut self) {
        self.is_stalled = false;
    }

    /// Bytes that wait, here and for acknowledgments.
    pub fn backlog(&self) -> usize {
        self.out.bytes() + self.session.waiting_bytes()
    }

    /// Whether everything is written and nothing more comes.
    pub fn is_finished(&self) -> bool {
        self.is_closing && self.out.len() == 0
    }

    /// When it wants to be woken.
    pub fn deadline(&self) -> Option<Instant> {
        if self.is_closing {
            return None;
        }
        [self.join_by, self.session.poll_timeout()].into_iter().flatten().min()
    }
}
