//! Delivery opportunities by a trace, as mahimahi records and replays them (Netravali et al., USENIX ATC
//! 2015, `link_queue.cc`).
//!
//! At each of its instants a trace lets [`OPPORTUNITY`] bytes leave: the end of a packet and the beginning of
//! the next may share one, and a packet that is larger than what is left goes on in the next. A packet that
//! comes at the instant of an opportunity, or behind it, waits for the next; what nobody uses is lost. Behind
//! its last instant a trace begins anew.
//!
//! Unlike mahimahi, which counts 1504 bytes and with each packet four of a tunnel's header, this counts IP
//! bytes alone, so that full packets meet the same and small ones share an opportunity with more of their
//! kind; and a limit of the queue counts a packet that is partly sent, as everywhere here.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::chance::Chance;
use crate::time::{Duration, Instant};
use crate::units::Rate;

/// Bytes of IP packets that leave at one opportunity.
pub const OPPORTUNITY: u32 = 1500;

/// Departure of what never leaves: late enough for any trial, and early enough to add a delay.
pub(super) const NEVER: Instant = Instant::from_nanos(u64::MAX / 2);

const MILLI: u64 = 1_000_000;

/// Instants of delivery opportunities.
pub struct Trace {
    /// Milliseconds since the start of the trace, in order; the last is its length.
    times: Vec<u32>,
    /// SHA-256 of these.
    digest: [u8; 32],
}

/// A link's way through a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The trace.
    pub trace: Arc<Trace>,
    /// True if it begins anew behind its last opportunity; else the link is silent from there on.
    pub looped: bool,
    /// Place at which the trial begins.
    pub offset: Offset,
}

/// Place in a trace at which a trial begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// So long after the start of the trace.
    At(Duration),
    /// Anywhere, drawn anew in each trial.
    Trial,
}

impl Trace {
    /// A trace of these milliseconds; `None` unless they are in order and the last is later than zero.
    pub fn new(times: Vec<u32>) -> Option<Trace> {
        let sound = times.is_sorted() && times.last().is_some_and(|last| *last > 0);
        let mut hash = Sha256::new();
        for time in &times {
            hash.update(time.to_le_bytes());
        }
        sound.then(|| Trace { times, digest: hash.finalize().into() })
    }

    /// Number of opportunities.
    pub fn opportunities(&self) -> u64 {
        self.times.len() as u64
    }

    /// Time until it begins anew.
    pub fn length(&self) -> Duration {
        Duration::from_millis(self.millis())
    }

    /// The mean rate over its length.
    pub fn mean(&self) -> Rate {
        let bits = u128::from(self.opportunities()) * u128::from(OPPORTUNITY) * 8 * 1000;
        let rate = u64::try_from(bits / u128::from(self.millis())).unwrap_or(u64::MAX);
        Rate::from_bits_per_second(rate.max(1)).expect("at least one bit per second")
    }

    fn millis(&self) -> u64 {
        self.times.last().copied().unwrap_or(1).into()
    }

    /// Number of opportunities by this millisecond.
    fn by(&self, millis: u64) -> u64 {
        self.times.partition_point(|time| u64::from(*time) <= millis) as u64
    }
}

impl PartialEq for Trace {
    fn eq(&self, other: &Trace) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Trace {}

impl fmt::Debug for Trace {
    /// Two traces that print the same are the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({} opportunities in {}, {:?})", self.times.len(), self.length(), self.digest)
    }
}

/// A link's opportunities, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Opportunities {
    trace: Arc<Trace>,
    looped: bool,
    /// Nanoseconds of the trace that were over when the trial began.
    offset: u64,
    /// The present one: its number from the start of the trace, its instant, and the bytes that are left.
    number: u64,
    at: Instant,
    left: u32,
}

impl Opportunities {
    pub(super) fn new(replay: &Replay, chance: &Chance) -> Opportunities {
        let trace = Arc::clone(&replay.trace);
        let offset = match replay.offset {
            Offset::At(offset) => offset.as_nanos(),
            Offset::Trial => MILLI * chance.of_both_ways("trace").below(trace.millis()),
        };
        Opportunities { trace, looped: replay.looped, offset, number: 0, at: Instant::ZERO, left: 0 }
    }

    /// Sends a packet that came at `now`, behind all before it: the instants of its first and its last byte.
    pub(super) fn send(&mut self, now: Instant, size: u32) -> (Instant, Instant) {
        self.seek(now);
        let start = self.at;
        let mut rest = size;
        loop {
            let part = rest.min(self.left);
            (rest, self.left) = (rest - part, self.left - part);
            if rest == 0 || self.at == NEVER {
                return (start, self.at);
            }
            self.go_to(self.number + 1);
        }
    }

    /// Leaves out the opportunities by `until`.
    pub(super) fn skip(&mut self, until: Instant) {
        self.go_to(self.count(until));
    }

    /// Skips what is over by `now`, and what is used up.
    fn seek(&mut self, now: Instant) {
        if self.at <= now {
            self.go_to(self.count(now));
        } else if self.left == 0 {
            self.go_to(self.number + 1);
        }
    }

    fn go_to(&mut self, number: u64) {
        (self.number, self.at, self.left) = (number, self.instant(number), OPPORTUNITY);
    }

    /// Instant at which the next packet begins to leave, of those that came by `last`.
    pub(super) fn next(&self, last: Instant) -> Instant {
        match () {
            () if self.at <= last => self.instant(self.count(last)),
            () if self.left == 0 => self.instant(self.number + 1),
            () => self.at,
        }
    }

    /// Bytes that could leave after `from`, up to and with `to`.
    pub(super) fn bytes_in(&self, from: Instant, to: Instant) -> u64 {
        (self.count(to) - self.count(from)) * u64::from(OPPORTUNITY)
    }

    /// Bytes that could leave at the instant `at`.
    pub(super) fn bytes_at(&self, at: Instant) -> u64 {
        let before = at.as_nanos().checked_sub(1).map_or(0, |before| self.count(Instant::from_nanos(before)));
        (self.count(at) - before) * u64::from(OPPORTUNITY)
    }

    /// Number of opportunities by `at`, from the start of the trace.
    fn count(&self, at: Instant) -> u64 {
        let millis = at.as_nanos().saturating_add(self.offset) / MILLI;
        if !self.looped {
            return self.trace.by(millis);
        }
        let length = self.trace.millis();
        (millis / length).saturating_mul(self.trace.opportunities()) + self.trace.by(millis % length)
    }

    /// Instant of an opportunity, from the beginning of the trial.
    fn instant(&self, number: u64) -> Instant {
        let n = self.trace.opportunities();
        let (turn, place) = (number / n, (number % n) as usize);
        if turn > 0 && !self.looped {
            return NEVER;
        }
        let millis = u128::from(turn) * u128::from(self.trace.millis()) + u128::from(self.trace.times[place]);
        let nanos = (millis * u128::from(MILLI)).saturating_sub(self.offset.into());
        Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * MILLI)
    }

    fn opportunities(times: &[u32], looped: bool, offset: Offset) -> Opportunities {
        let trace = Arc::new(Trace::new(times.to_vec()).expect("in order"));
        Opportunities::new(&Replay { trace, looped, offset }, &Chance::new(Seed(3), "link/a/up", false))
    }

    #[test]
    fn packets_share_opportunities_and_go_on_in_the_next() {
        let mut line = opportunities(&[3, 3, 5, 9], true, Offset::At(Duration::ZERO));
        assert_eq!(line.send(at(0), 1000), (at(3), at(3)));
        // Five hundred bytes are left, and the next opportunity is of the same instant.
        assert_eq!(line.send(at(1), 1000), (at(3), at(3)));
        assert_eq!(line.send(at(2), 1500), (at(3), at(5)));
        assert_eq!(line.send(at(2), 40), (at(5), at(5)));
        // It came at the instant itself: what is left there is lost.
        assert_eq!(line.send(at(5), 40), (at(9), at(9)));
        assert_eq!(line.send(at(9), 4000), (at(12), at(14)));
        assert_eq!(line.next(at(13)), at(14));
        assert_eq!(line.next(at(14)), at(18));
    }

    #[test]
    fn a_trace_begins_anew_at_its_last_instant_or_falls_silent() {
        let zero = Offset::At(Duration::ZERO);
        let mut line = opportunities(&[0, 4], true, zero);
        let ends: Vec<Instant> = (0..5).map(|_| line.send(at(0), 1500).1).collect();
        // The end of a turn and the beginning of the next are one instant.
        assert_eq!(ends, [at(4), at(4), at(8), at(8), at(12)]);
        let mut once = opportunities(&[0, 4], false, zero);
        assert_eq!(once.send(at(0), 1500), (at(4), at(4)));
        assert_eq!(once.send(at(1), 40), (NEVER, NEVER));
        assert_eq!(once.next(at(9)), NEVER);
    }

    #[test]
    fn an_offset_is_time_that_is_over_and_may_be_drawn() {
        let offset = |millis| Offset::At(Duration::from_millis(millis));
        assert_eq!(opportunities(&[3, 9], true, offset(2)).send(at(0), 40).1, at(1));
        assert_eq!(opportunities(&[3, 9], true, offset(3)).send(at(0), 40).1, at(6));
        assert_eq!(opportunities(&[3, 9], true, offset(9)).send(at(0), 40).1, at(3));
        let times: Vec<u32> = (1..=60_000).collect();
        let drawn = |label: &str, seed| {
            let trace = Arc::new(Trace::new(times.clone()).expect("in order"));
            let replay = Replay { trace, looped: true, offset: Offset::Trial };
            Opportunities::new(&replay, &Chance::new(Seed(seed), label, false)).offset
        };
        // Both ways of a link begin at the same place, those of other links and trials elsewhere.
        assert_eq!(drawn("link/a/up", 1), drawn("link/a/down", 1));
        assert_ne!(drawn("link/a/up", 1), drawn("link/a/up", 2));
        assert_ne!(drawn("link/a/up", 1), drawn("link/a/client-1/up", 1));
    }

    #[test]
    fn a_count_agrees_with_the_instants() {
        let line = opportunities(&[0, 2, 2, 7, 10], true, Offset::At(Duration::from_millis(3)));
        for millis in 0..100 {
            let before = (0..1_000).take_while(|n| line.instant(*n) < at(millis)).count() as u64;
            let by = (0..1_000).take_while(|n| line.instant(*n) <= at(millis)).count() as u64;
            assert_eq!(
                (line.count(at(millis)), line.bytes_at(at(millis))),
                (by, 1500 * (by - before)),
                "{millis}"
            );
        }
    }

    #[test]
    fn the_mean_is_of_the_whole_length() {
        let trace = Trace::new((1..=1000).collect()).expect("in order");
        assert_eq!((trace.mean().bits_per_second(), trace.length()), (12_000_000, Duration::from_secs(1)));
        for bad in [vec![], vec![0, 0], vec![3, 2]] {
            assert!(Trace::new(bad).is_none());
        }
    }
}
