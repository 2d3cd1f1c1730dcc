//! Rate limit of a client: a bucket of tokens.

use crate::chat::protocol::Ask;
use crate::time::{Duration, Instant};

/// Lets through so many requests a second on average, and two seconds' worth at once.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Requests a second; 0 is without limit.
    rate: u32,
    /// Credit in requests times 1e9; below zero it is a debt.
    tokens: i128,
    filled: Instant,
}

const UNIT: i128 = 1_000_000_000;

impl Bucket {
    pub fn new(rate: u32, now: Instant) -> Bucket {
        Bucket { rate, tokens: Bucket::capacity(rate), filled: now }
    }

    /// Another rate; it begins anew, because a client without one was never asked for anything.
    pub fn set_rate(&mut self, rate: u32) {
        if rate != self.rate {
            *self = Bucket::new(rate, self.filled);
        }
    }

    fn capacity(rate: u32) -> i128 {
        2 * i128::from(rate) * UNIT
    }

    /// Time until the client is heard again.
    pub fn wait(&mut self, now: Instant) -> Duration {
        if self.rate == 0 {
            return Duration::ZERO;
        }
        let elapsed = now.saturating_since(self.filled).as_nanos();
        let earned = i128::from(elapsed) * i128::from(self.rate);
        self.tokens = (self.tokens + earned).min(Bucket::capacity(self.rate));
        self.filled = now;
        let debt = (-self.tokens).max(0) as u64;
        Duration::from_nanos(debt.div_ceil(self.rate.into()))
    }

    /// A word of a file under way is heard.
    pub fn take_of_flow(&mut self) {
        self.tokens -= UNIT / OF_FLOW;
    }

    /// A request of this weight is heard. What is too much is a debt.
    pub fn take(&mut self, weight: u64) {
        self.tokens -= UNIT * i128::from(weight);
    }
}

/// Words of a file under way that weigh as much as a request: one hears them, and only what was asked for.
const OF_FLOW: i128 = 16;

/// Weight of a request on the floor: 256 bytes of its text as much as a request, because everybody must hear them; a
/// word of a file as much as one.
pub(super) fn weight(ask: &Ask) -> u64 {
    if ask.is_of_flow() { 1 } else { 1 + ask.text_bytes() as u64 / 256 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(ms)
    }

    fn take(bucket: &mut Bucket, requests: usize) {
        (0..requests).for_each(|_| bucket.take(1));
    }

    #[test]
    fn two_seconds_worth_go_at_once_and_then_the_rate() {
        let mut bucket = Bucket::new(10, at(0));
        take(&mut bucket, 20);
        assert_eq!(bucket.wait(at(0)), Duration::ZERO);
        take(&mut bucket, 1);
        assert_eq!(bucket.wait(at(0)), Duration::from_millis(100));
        assert_eq!(bucket.wait(at(50)), Duration::from_millis(50));
        assert_eq!(bucket.wait(at(100)), Duration::ZERO);
        // A silence of any length earns no more than two seconds' worth.
        assert_eq!(bucket.wait(at(60_000)), Duration::ZERO);
        take(&mut bucket, 21);
        assert_eq!(bucket.wait(at(60_000)), Duration::from_millis(100));
    }

    #[test]
    fn a_long_text_is_as_much_as_many_requests() {
        let mut bucket = Bucket::new(10, at(0));
        bucket.take(weight(&Ask::Note(32 * 256)));
        assert_eq!(bucket.wait(at(0)), Duration::from_millis(1_300));
    }

    #[test]
    fn words_of_a_file_are_bounded_and_weigh_less() {
        let mut bucket = Bucket::new(10, at(0));
        (0..320).for_each(|_| bucket.take_of_flow());
        assert_eq!(bucket.wait(at(0)), Duration::ZERO);
        (0..16).for_each(|_| bucket.take_of_flow());
        assert_eq!(bucket.wait(at(0)), Duration::from_millis(100));
    }

    #[test]
    fn another_rate_holds_at_once_and_owes_nothing_of_before() {
        let mut bucket = Bucket::new(0, at(0));
        take(&mut bucket, 1_000);
        bucket.set_rate(10);
        take(&mut bucket, 21);
        assert_eq!(bucket.wait(at(0)), Duration::from_millis(100));
        bucket.set_rate(10);
        assert_eq!(bucket.wait(at(0)), Duration::from_millis(100));
        bucket.set_rate(0);
        assert_eq!(bucket.wait(at(0)), Duration::ZERO);
    }

    #[test]
    fn no_rate_is_no_limit() {
        let mut bucket = Bucket::new(0, Instant::ZERO);
        take(&mut bucket, 1_000);
        bucket.take(1 << 30);
        assert_eq!(bucket.wait(Instant::ZERO), Duration::ZERO);
    }
}
