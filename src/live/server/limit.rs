//! How much a client may say: a bucket of tokens.

use crate::time::{Duration, Instant};

/// Lets through so many requests a second on average, and two seconds' worth at once.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Requests a second; 0 is without limit.
    rate: u32,
    /// What may still be said, in requests times 1e9; below zero it is a debt.
    tokens: i128,
    filled: Instant,
    /// Requests counted so far.
    taken: u64,
}

const UNIT: i128 = 1_000_000_000;

impl Bucket {
    pub fn new(rate: u32, now: Instant) -> Bucket {
        Bucket { rate, tokens: Bucket::capacity(rate), filled: now, taken: 0 }
    }

    fn capacity(rate: u32) -> i128 {
        2 * i128::from(rate) * UNIT
    }

    /// The client has made `total` requests by now: how long it must wait until it is heard again.
    /// What it said too much is a debt.
    pub fn take_up_to(&mut self, total: u64, now: Instant) -> Duration {
        if self.rate == 0 {
            return Duration::ZERO;
        }
        let elapsed = now.saturating_since(self.filled).as_nanos();
        let earned = i128::from(elapsed) * i128::from(self.rate);
        let cost = i128::from(total - self.taken) * UNIT;
        self.tokens = (self.tokens + earned).min(Bucket::capacity(self.rate)) - cost;
        self.filled = now;
        self.taken = total;
        let debt = (-self.tokens).max(0) as u64;
        Duration::from_nanos(debt.div_ceil(self.rate.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_seconds_worth_go_at_once_and_then_the_rate() {
        let at = |ms| Instant::ZERO + Duration::from_millis(ms);
        let mut bucket = Bucket::new(10, at(0));
        assert_eq!(bucket.take_up_to(20, at(0)), Duration::ZERO);
        assert_eq!(bucket.take_up_to(21, at(0)), Duration::from_millis(100));
        assert_eq!(bucket.take_up_to(21, at(50)), Duration::from_millis(50));
        assert_eq!(bucket.take_up_to(21, at(100)), Duration::ZERO);
        // However long it was silent, no more than two seconds' worth.
        assert_eq!(bucket.take_up_to(42, at(60_000)), Duration::from_millis(100));
    }

    #[test]
    fn no_rate_is_no_limit() {
        let mut bucket = Bucket::new(0, Instant::ZERO);
        assert_eq!(bucket.take_up_to(1_000_000, Instant::ZERO), Duration::ZERO);
    }
}
