//! Rates: so many bytes in any interval, and no more.

use super::terms::{LinkTerms, Place, Rate};
use crate::time::Instant;

/// Slack for what the log rounds to nanoseconds.
pub(super) const SLACK: f64 = 2.0;

/// A bucket that fills at a rate (the generic cell rate algorithm, ITU-T I.371): its state is the instant, in
/// nanoseconds, at which it would be full again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    full: f64,
}

impl Bucket {
    /// Takes what fills in `cost` nanoseconds out of a bucket that holds `depth`, at `at`; false if there was less, and
    /// then nothing is taken.
    pub fn take(&mut self, at: f64, cost: f64, depth: f64) -> bool {
        let full = self.full.max(at) + cost;
        let holds = full <= at + depth + SLACK;
        if holds {
            self.full = full;
        }
        holds
    }

    /// Begins anew, full.
    pub fn refill(&mut self, at: f64) {
        self.full = at;
    }

    /// Begins anew, empty: it holds what fills in `depth` nanoseconds.
    pub fn empty(&mut self, at: f64, depth: f64) {
        self.full = at + depth;
    }
}

/// A transmitter that sends one packet after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Transmitter {
    /// End of the last transmission, in nanoseconds and parts of one.
    free: f64,
}

impl Transmitter {
    /// Takes the end of a transmission of `cost` nanoseconds at `at`; false if it began before the last one ended.
    pub fn follows(&mut self, at: f64, cost: f64) -> bool {
        let follows = at - cost >= self.free - SLACK;
        self.free = self.free.max(at - cost) + cost;
        if !follows {
            self.free = at;
        }
        follows
    }
}

/// The same of an even rate or none, to the nanosecond: no part of one is lost but where the rate changes, when what is
/// planned behind the transmission under way is planned anew from its end, rounded up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    /// End of the last transmission, in parts of a nanosecond of which `parts` make one: bits per second.
    end: u128,
    parts: u128,
    /// Its begin, rounded up.
    began: Instant,
}

impl Schedule {
    /// One on which the last transmission ended at `at`.
    pub fn free_at(at: Instant) -> Schedule {
        Schedule { end: at.as_nanos().into(), parts: 1, began: at }
    }

    /// End of the last transmission, rounded up.
    pub fn end(self) -> Instant {
        Instant::from_nanos(u64::try_from(self.end.div_ceil(self.parts)).unwrap_or(u64::MAX))
    }

    /// With the transmission of a packet of `size` bytes that came at `came`.
    pub fn with(self, came: Instant, size: u32, place: &Place) -> Schedule {
        let end = self.end();
        let began = end.max(came);
        let (parts, takes) = match place.at(began).rate {
            Rate::Even(bits) => (u128::from(bits), u128::from(size) * 8_000_000_000),
            _ => (1, 0),
        };
        let goes_on = came < end && place.change(self.began, end, LinkTerms::is_as_fast).is_none();
        let from = if goes_on { self.end } else { u128::from(began.as_nanos()) * parts };
        Schedule { end: from + takes, parts, began }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_a_burst_pass_and_then_the_rate() {
        let mut bucket = Bucket::default();
        // Three packets of 100 ns at once fit into 300, the fourth comes 100 ns later.
        let took: Vec<bool> =
            [0.0, 0.0, 0.0, 0.0, 97.0, 100.0].map(|at| bucket.take(at, 100.0, 300.0)).to_vec();
        assert_eq!(took, [true, true, true, false, false, true]);
        bucket.refill(100.0);
        assert!(bucket.take(100.0, 300.0, 300.0));
        bucket.empty(100.0, 300.0);
        assert_eq!([150.0, 200.0].map(|at| bucket.take(at, 100.0, 300.0)), [false, true]);
    }

    #[test]
    fn rounded_departures_follow_each_other_at_the_rate_for_ever() {
        let mut transmitter = Transmitter::default();
        let cost = 1_000.3;
        assert!((1..100_000).all(|n| transmitter.follows((f64::from(n) * cost).ceil(), cost)));
        let mut transmitter = Transmitter::default();
        // Each half a nanosecond too early adds up.
        assert!(!(1..100).all(|n| transmitter.follows(f64::from(n) * (cost - 0.5), cost)));
    }
}
