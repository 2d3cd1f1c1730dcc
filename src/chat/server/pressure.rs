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

/// Grace period in which speakers mind a reader that does not get on.
pub(super) const CATCH_UP: Duration = Duration::from_millis(250);
/// Next look at a client that is roused as soon as it can be heard.
pub(super) const LATER: Duration = Duration::from_millis(100);
/// Requests that may wait before no more is read: an acknowledgment behind them is read still.
const ASKED: usize = 64;
/// Bytes of answers that may wait for one that reads slowly, or acknowledges slowly, before it is heard on.
const OWN: usize = 64 * 1024;
/// Time between two requests of one that does not acknowledge its answers. Acknowledgments may be behind
/// these requests; if none is, 50 answers a second stay below a queue's limit until the dialect gives the
/// client up.
const UNACKNOWLEDGED_GAP: Duration = Duration::from_millis(20);

/// Load of a connection: its queues, and the reasons for which it waits.
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
    /// True if its writes have a least distance, and when that lets the next follow an answer that nobody else
    /// heard of.
    pub is_spaced: bool,
    pub next_answer: Instant,
    /// True if nothing but that distance holds up what others said.
    pub is_paced: bool,
    /// True if the socket takes no more.
    pub is_stalled: bool,
    /// True if it is ending.
    pub is_closing: bool,
}

impl Load {
    /// True if no more is read from it for the time being.
    pub fn is_full(&self) -> bool {
        !self.is_closing && (self.asked >= ASKED || self.is_malformed)
    }
}

/// Decision about the next request.
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

/// State of a listener for speakers: see [`schedule`](super::schedule).
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
    /// Instant of the last request served.
    served: Instant,
}

impl Pressure {
    pub fn new(limit: usize) -> Pressure {
        Pressure { limit, minded: Minded::No, served: Instant::ZERO }
    }

    /// Another limit.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
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
                // Messages waiting for acknowledgments, not for the socket, must go fast: they may be late on
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

    /// Its state for speakers.
    pub fn minded(&self) -> Minded {
        self.minded
    }

    /// Decision about the next request, which may not be served before `not_before`.
    pub fn judge(&self, now: Instant, load: &Load, not_before: Instant) -> Verdict {
        if load.queued > self.limit {
            return Verdict::Drop;
        }
        let at = not_before.max(self.answers_at(now, load));
        if at <= now {
            Verdict::Go
        } else if load.is_full() {
            Verdict::Pause(at)
        } else {
            Verdict::Wait(at)
        }
    }

    /// True if answers to what it asked before hold it up until it is roused.
    pub fn is_owed_answers(&self, load: &Load) -> bool {
        // Without frames a session may hold back what it says, as it does with what is not acknowledged elsewhere.
        let has_any = load.own > 0 || load.unacknowledged > 0;
        load.own > self.own_limit() || (has_any && load.is_spaced)
    }

    /// Instant at which its answers allow the next request: it is heard as fast as it can be answered.
    fn answers_at(&self, now: Instant, load: &Load) -> Instant {
        if self.is_owed_answers(load) {
            return now + LATER;
        }
        let trickles = load.unacknowledged > self.own_limit();
        // Answers wait as requests, not in the pacer, where what others say would wait behind them.
        load.next_answer.max(if trickles { self.served + UNACKNOWLEDGED_GAP } else { Instant::ZERO })
    }

    fn own_limit(&self) -> usize {
        OWN.min(self.limit / 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1 << 20;
    const NOW: Instant = Instant::from_nanos(10_000_000_000);
    /// 5 ms before.
    const SERVED: Instant = Instant::from_nanos(9_995_000_000);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_waits_decides_what_becomes_of_the_next_request() {
        use Verdict::{Drop, Go, Pause, Wait};
        let quiet = Load::default();
        let spaced = Load { is_spaced: true, ..quiet };
        let answered = Load { next_answer: NOW + ms(7), ..spaced };
        let silent = Load { unacknowledged: OWN + 1, others: 5, ..quiet };
        let full = Load { asked: ASKED, ..quiet };
        let early = NOW + ms(3);
        // Load, earliest time, verdict.
        for (n, (load, not_before, verdict)) in [
            (quiet, NOW, Go),
            (quiet, early, Wait(early)),
            (full, NOW, Go),
            (full, early, Pause(early)),
            (Load { is_malformed: true, ..quiet }, early, Pause(early)),
            (Load { is_closing: true, ..full }, early, Wait(early)),
            // Its own answers hold it up: all of them behind a pacer, else many.
            (Load { own: 1, ..quiet }, NOW, Go),
            (Load { own: OWN, ..quiet }, NOW, Go),
            (Load { own: OWN + 1, ..quiet }, NOW, Wait(NOW + LATER)),
            (Load { own: OWN + 1, ..full }, NOW, Pause(NOW + LATER)),
            (Load { own: 1, ..spaced }, NOW, Wait(NOW + LATER)),
            // Messages that its session holds back for a while, too: the pause of `pipe` before its list.
            (Load { unacknowledged: 1, ..spaced }, NOW, Wait(NOW + LATER)),
            // An answer does not wait in the pacer.
            (answered, NOW, Wait(NOW + ms(7))),
            (answered, NOW + ms(9), Wait(NOW + ms(9))),
            // Texts of others hold up those others.
            (Load { others: LIMIT / 2, queued: LIMIT / 2, ..spaced }, NOW, Go),
            // It does not acknowledge its answers: 5 ms ago it was served.
            (silent, NOW, Wait(SERVED + UNACKNOWLEDGED_GAP)),
            (Load { asked: ASKED, ..silent }, NOW, Pause(SERVED + UNACKNOWLEDGED_GAP)),
            (Load { unacknowledged: OWN, ..quiet }, NOW, Go),
            (Load { queued: LIMIT, ..quiet }, NOW, Go),
            (Load { queued: LIMIT + 1, ..quiet }, NOW, Drop),
        ]
        .into_iter()
        .enumerate()
        {
            let mut pressure = Pressure::new(LIMIT);
            pressure.on_served(SERVED);
            assert_eq!(pressure.judge(NOW, &load, not_before), verdict, "row {n}: {load:?}");
        }
    }

    #[test]
    fn answers_not_acknowledged_stay_below_the_limit_until_the_dialect_gives_up() {
        // The dialect `reliable` gives up 45 s after the first message that nobody acknowledges.
        let load = |unacknowledged| Load { unacknowledged, queued: unacknowledged, ..Load::default() };
        let (mut pressure, mut bytes, mut now) = (Pressure::new(LIMIT), 0, NOW);
        while now < NOW + Duration::from_secs(45) {
            match pressure.judge(now, &load(bytes), now) {
                Verdict::Go => {
                    pressure.on_served(now);
                    bytes += 300;
                    now += Duration::from_micros(1);
                }
                Verdict::Wait(at) => now = at,
                other => panic!("{other:?} with {bytes} bytes"),
            }
        }
        assert!(bytes > OWN, "{bytes}");
    }

    #[test]
    fn speakers_mind_a_pacer_and_a_slow_reader_that_gets_on() {
        let bound = LIMIT / 4;
        let mut pressure = Pressure::new(LIMIT);
        let mut look = |at: u64, load: Load| pressure.look(NOW + ms(at), &load);
        let behind = |at: u64, written| Minded::Behind { got_on: NOW + ms(at), written };
        let load = |others, written| Load { written, others, ..Load::default() };
        let stalled = |others, written| Load { is_stalled: true, ..load(others, written) };
        assert_eq!(look(0, Load { is_paced: true, ..load(1, 0) }), Minded::Paced);
        assert_eq!(look(1, load(bound, 0)), Minded::No);
        assert_eq!(look(2, load(bound + 1, 0)), behind(2, 0));
        // Without a full socket it acknowledges late, perhaps on purpose: it must get on fast.
        assert_eq!(look(3, load(bound, 100)), behind(2, 0));
        assert_eq!(look(4, stalled(bound, 100)), behind(4, 100));
        assert_eq!(look(5, load(bound, 100 + bound as u64 / 2)), behind(5, 100 + bound as u64 / 2));
        assert_eq!(look(6, load(bound / 2, 0)), Minded::No);
        assert_eq!(look(7, Load { is_closing: true, ..load(LIMIT, 0) }), Minded::No);
    }
}
