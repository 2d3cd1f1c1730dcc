//! Back-pressure of one connection: from what waits for it to whether its next request is served, whether
//! more is read from it, whether it is dropped, and whether speakers mind it. No socket, no clock.
//!
//! ```text
//!                 reading ──▶ asked ──▶ served ──▶ answers ──▶ pacer ──▶ socket ──▶ acknowledged
//!  [`Verdict`]     Pause        ▲  Wait               │                                  │
//!                               └─────────────────────┴── own answers hold up their asker┘
//!                                        what others said holds up others ([`Minded`])
//! ```

use crate::time::{Duration, Instant};

/// How long speakers mind one that reads too slowly and does not get on.
pub(super) const CATCH_UP: Duration = Duration::from_millis(250);
/// When to look again, for one that is roused as soon as it can be heard.
pub(super) const LATER: Duration = Duration::from_millis(100);
/// Requests that may wait before no more is read: an acknowledgment behind them is read still.
const ASKED: usize = 64;
/// Bytes of answers that may wait for one that reads slowly, or acknowledges slowly, before it is heard on.
const OWN: usize = 64 * 1024;
/// Time between two requests of one that does not acknowledge its answers. Acknowledgments may be behind
/// these requests; if none is, 50 answers a second stay below a queue's limit until the dialect gives the
/// client up.
const UNACKNOWLEDGED_GAP: Duration = Duration::from_millis(20);

/// What waits for a connection, and what it waits for.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
pub(super) struct Load {
    /// Bytes written to it so far.
    pub written: u64,
    /// Bytes of answers to itself that are not written.
    pub own: usize,
    /// Bytes of answers to itself that it has not acknowledged.
    pub unacknowledged: usize,
    /// Bytes of what others said that are not written or not acknowledged.
    pub others: usize,
    /// All bytes that wait, history too.
    pub queued: usize,
    /// Requests that were read and not served, and whether what follows them cannot be read.
    pub asked: usize,
    pub is_malformed: bool,
    /// Whether its writes have a least distance, and when the next answer to itself may follow the last.
    pub is_spaced: bool,
    pub next_answer: Instant,
    /// Whether nothing but that distance holds up what others said.
    pub is_paced: bool,
    /// Whether the socket takes no more.
    pub is_stalled: bool,
    /// Whether it is ending.
    pub is_closing: bool,
}

/// What becomes of the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is served.
    Go,
    /// It waits until this instant or until less waits for its author, of whom more is read meanwhile.
    Wait(Instant),
    /// It waits so, and nothing more is read.
    Pause(Instant),
    /// Too much waits: the connection ends.
    Drop,
}

/// How speakers mind a listener: see [`hearing`](super::hub).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Minded {
    /// Not at all.
    No,
    /// Its pacer holds up what others said.
    Paced,
    /// It reads too slowly: when it was last seen to get on, and how much was written to it by then.
    Behind { got_on: Instant, written: u64 },
}

/// The state of one connection's back-pressure.
#[derive(Debug)]
pub(super) struct Pressure {
    /// Bytes that may wait.
    limit: usize,
    minded: Minded,
    /// When a request was last served.
    served: Instant,
}

impl Pressure {
    pub fn new(limit: usize) -> Pressure {
        Pressure { limit, minded: Minded::No, served: Instant::ZERO }
    }

    /// A request is served.
    pub fn on_served(&mut self, now: Instant) {
        self.served = now;
    }

    /// Takes note of what waits; how speakers have to mind it from now on.
    pub fn look(&mut self, now: Instant, load: &Load) -> Minded {
        let bound = self.limit / 4;
        let written = load.written;
        self.minded = match self.minded {
            _ if load.is_closing => Minded::No,
            _ if load.is_paced => Minded::Paced,
            // Behind until half of it is gone.
            Minded::Behind { got_on, written: before } if load.others > bound / 2 => {
                // What waits for acknowledgments, not for the socket, must go fast: they may be late on
                // purpose.
                let enough = if load.is_stalled { 1 } else { bound as u64 / 2 };
                let (got_on, written) =
                    if written - before >= enough { (now, written) } else { (got_on, before) };
                Minded::Behind { got_on, written }
            }
            _ if load.others > bound => Minded::Behind { got_on: now, written },
            _ => Minded::No,
        };
        self.minded
    }

    /// How speakers have to mind it.
    pub fn minded(&self) -> Minded {
        self.minded
    }

    /// What becomes of the next request, which may not be served before `not_before`. `is_answered` says that
    /// nobody but its author hears of it.
    pub fn judge(&self, now: Instant, load: &Load, not_before: Instant, is_answered: bool) -> Verdict {
        if load.queued > self.limit {
            return Verdict::Drop;
        }
        let at = not_before.max(self.answers_at(now, load, is_answered));
        if at <= now {
            Verdict::Go
        } else if self.is_full(load) {
            Verdict::Pause(at)
        } else {
            Verdict::Wait(at)
        }
    }

    /// Whether answers to what it asked before hold it up until it is roused.
    pub fn is_owed_answers(&self, load: &Load) -> bool {
        load.own > self.own_limit() || (load.own > 0 && load.is_spaced)
    }

    /// When its answers allow the next request: it is heard as fast as it can be answered.
    fn answers_at(&self, now: Instant, load: &Load, is_answered: bool) -> Instant {
        if self.is_owed_answers(load) {
            return now + LATER;
        }
        // Of two slots of its pacer, an answer leaves one to what others say.
        let paced = if is_answered && load.is_spaced { load.next_answer } else { Instant::ZERO };
        let trickles = load.unacknowledged > self.own_limit();
        paced.max(if trickles { self.served + UNACKNOWLEDGED_GAP } else { Instant::ZERO })
    }

    /// Whether no more is read from it for the time being.
    pub fn is_full(&self, load: &Load) -> bool {
        !load.is_closing && (load.asked >= ASKED || load.is_malformed)
    }

    fn own_limit(&self) -> usize {
        OWN.min(self.limit / 4)
    }
}
