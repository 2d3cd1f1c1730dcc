//! Serialisation: packets leave one after the other, each after size/rate, or as a pattern has it.

use super::chance::Chance;
use super::config::{Config, Pattern};
use super::trace::Opportunities;
use crate::time::{Duration, Instant};
use crate::units::Rate;

/// The transmitter of a link. It keeps the fraction of a nanosecond that each transmission leaves
/// over, so that rounding never adds up.
#[derive(Debug)]
pub(super) struct Serialiser {
    rate: Option<Rate>,
    /// End of the last transmission, rounded down.
    free: Instant,
    /// Part that the rounding cut off, in units of 1/rate nanoseconds; below the rate.
    remainder: u64,
    /// The last size asked for and its time: most packets of a link are of one size.
    cached: (u32, Transmission),
    /// Time without anything to send, up to the start of the last transmission.
    idle: Duration,
    /// Unless the rate is even.
    shape: Option<Box<Shape>>,
    /// Time spent sending before the present shape.
    spent: Duration,
    /// Bytes that could have been sent until an instant, before the present rate.
    offered: (Instant, u64),
}

/// A rate that is not even. Of these [`Serialiser::free`] is the last departure.
#[derive(Debug)]
enum Shape {
    /// A full bucket is an even serialiser that may be so far ahead of its time.
    Bucket {
        ahead: Duration,
        filler: Serialiser,
    },
    Replay(Opportunities),
}

/// size/rate as whole nanoseconds and a remainder in units of 1/rate nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Transmission {
    nanos: u64,
    remainder: u64,
}

impl Serialiser {
    pub(super) fn new(rate: Option<Rate>) -> Serialiser {
        Serialiser {
            rate,
            free: Instant::ZERO,
            remainder: 0,
            cached: (0, Transmission::default()),
            idle: Duration::ZERO,
            shape: None,
            spent: Duration::ZERO,
            offered: (Instant::ZERO, 0),
        }
    }

    /// As a link's configuration has it.
    pub(super) fn of(config: &Config, chance: &Chance) -> Serialiser {
        Serialiser { shape: Shape::of(config, chance), ..Serialiser::new(config.rate) }
    }

    pub(super) fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// Queues `size` bytes that are there at `now`: when their transmission starts and ends, both
    /// rounded up to the nanosecond.
    #[inline(always)]
    pub(super) fn send(&mut self, now: Instant, size: u32) -> (Instant, Instant) {
        if let Some(shape) = &mut self.shape {
            let (start, end) = shape.send(now, size);
            // Nothing overtakes what another rate has under way.
            let under_way = self.free;
            self.free = end.max(under_way);
            return (start.max(under_way), self.free);
        }
        let end = self.free();
        let start = if now >= end {
            self.idle += now - end;
            self.free = now;
            self.remainder = 0;
            now
        } else {
            end
        };
        let Some(rate) = self.rate else { return (start, start) };
        if self.cached.0 != size {
            self.cached = (size, transmission(size, rate));
        }
        let transmission = self.cached.1;
        self.free += Duration::from_nanos(transmission.nanos);
        self.remainder += transmission.remainder;
        if self.remainder >= rate.bits_per_second() {
            self.remainder -= rate.bits_per_second();
            self.free += Duration::from_nanos(1);
        }
        (start, self.free())
    }

    /// Takes the medium from `at`, when it is free, to `end`.
    pub(super) fn occupy(&mut self, at: Instant, end: Instant) {
        self.idle += at.saturating_since(self.free());
        (self.free, self.remainder) = (end, 0);
    }

    /// Goes on at another rate from `now` on, at which nothing is planned yet.
    pub(super) fn retune(&mut self, now: Instant, rate: Option<Rate>) {
        self.offered = (now, self.offered_by(now));
        self.rate = rate;
    }

    /// Sends a packet whose turn is at `at`, as [`next_start`](Serialiser::next_start) has it.
    pub(super) fn serve(&mut self, at: Instant, size: u32) -> (Instant, Instant) {
        // An opportunity at this very instant is the one that is meant.
        let earlier = Duration::from_nanos(u64::from(self.opportunities().is_some()));
        self.send(Instant::ZERO + (at - Instant::ZERO).saturating_sub(earlier), size)
    }

    /// Time at which everything accepted so far is sent, rounded up to the nanosecond.
    #[inline]
    pub(super) fn free(&self) -> Instant {
        self.free + Duration::from_nanos(u64::from(self.remainder > 0))
    }

    /// Goes on at another rate from `now` on, after `free`, the end of the transmission under way.
    pub(super) fn change_rate(&mut self, now: Instant, config: &Config, free: Instant, chance: &Chance) {
        self.offered = (now, self.offered_by(now));
        let shape = Shape::of(config, chance);
        let mut free = free;
        if self.shape.is_some() || shape.is_some() {
            self.spent = self.busy(now);
            self.idle = now - Instant::ZERO;
            self.shape = shape;
            // Packets that waited for an opportunity until now are not sent before.
            free = free.max(now);
        }
        self.rate = config.rate;
        self.free = free;
        self.remainder = 0;
        self.cached = (0, Transmission::default());
        match self.shape.as_deref_mut() {
            // Else those that wait would all leave at once.
            Some(Shape::Bucket { ahead, filler }) => filler.begin(now, free.saturating_add(*ahead)),
            Some(Shape::Replay(opportunities)) => opportunities.skip(free),
            None => {}
        }
    }

    /// Begins at `now` with transmissions until `free` before it.
    fn begin(&mut self, now: Instant, free: Instant) {
        (self.idle, self.free) = (now - Instant::ZERO, free.max(now));
    }

    /// Bytes that could have been sent by `now`, at all rates so far.
    pub(super) fn offered_by(&self, now: Instant) -> u64 {
        let (since, before) = self.offered;
        let present = match (self.opportunities(), self.rate) {
            (Some(opportunities), _) => opportunities.bytes_in(since, now),
            (None, Some(rate)) => rate.bytes_in(now - since),
            (None, None) => 0,
        };
        before.saturating_add(present)
    }

    /// True if the rate is not even.
    #[inline]
    pub(super) fn is_shaped(&self) -> bool {
        self.shape.is_some()
    }

    /// The opportunities, if a trace has them.
    pub(super) fn opportunities(&self) -> Option<&Opportunities> {
        match self.shape.as_deref() {
            Some(Shape::Replay(opportunities)) => Some(opportunities),
            _ => None,
        }
    }

    /// Instant at which it may begin with a packet, of those that came by `last`.
    #[inline]
    pub(super) fn next_start(&self, last: Instant) -> Instant {
        match self.opportunities() {
            None => self.free().max(last),
            Some(opportunities) => opportunities.next(last),
        }
    }

    /// Time for which it has been sending until `now`, at even rates and from buckets: while a bucket is not
    /// full it makes up for what it has sent.
    pub(super) fn busy(&self, now: Instant) -> Duration {
        let present = match self.shape.as_deref() {
            None => (now.min(self.free()) - Instant::ZERO).saturating_sub(self.idle),
            Some(Shape::Bucket { filler, .. }) => filler.busy(now),
            Some(Shape::Replay(_)) => Duration::ZERO,
        };
        self.spent + present
    }
}

impl Shape {
    fn of(config: &Config, chance: &Chance) -> Option<Box<Shape>> {
        let rate = config.rate.filter(|_| config.wifi.is_none())?;
        Some(Box::new(match &config.pattern {
            Pattern::Even => return None,
            Pattern::Bucket(bytes) => {
                let nanos = u128::from(*bytes) * 8_000_000_000 / u128::from(rate.bits_per_second());
                let ahead = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
                Shape::Bucket { ahead, filler: Serialiser::new(config.rate) }
            }
            Pattern::Replay(replay) => Shape::Replay(Opportunities::new(replay, chance)),
        }))
    }

    fn send(&mut self, now: Instant, size: u32) -> (Instant, Instant) {
        match self {
            Shape::Bucket { ahead, filler } => {
                let (_, end) = filler.send(now, size);
                let departure = now.max(Instant::ZERO + (end - Instant::ZERO).saturating_sub(*ahead));
                (departure, departure)
            }
            Shape::Replay(opportunities) => opportunities.send(now, size),
        }
    }
}

fn transmission(size: u32, rate: Rate) -> Transmission {
    // An IPv4 packet has at most 65 535 bytes (RFC 791), so 64 bits are plenty.
    let bits = u64::from(size).checked_mul(8_000_000_000).expect("a packet below two gigabytes");
    let rate = rate.bits_per_second();
    Transmission { nanos: bits / rate, remainder: bits % rate }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(bits: u64) -> Option<Rate> {
        Rate::from_bits_per_second(bits)
    }

    #[test]
    fn a_million_packets_end_to_the_nanosecond() {
        // 1500 bytes at 7 Mbit/s take 1 714 285 + 5/7 ns.
        for bits in [7_000_000, 9_999_991, 1_000_000_007, 40_000_000_000] {
            let mut serialiser = Serialiser::new(rate(bits));
            let mut total = 0u128;
            for i in 0..1_000_000u32 {
                let size = if i % 3 == 0 { 52 } else { 1500 };
                total += u128::from(size);
                serialiser.send(Instant::ZERO, size);
            }
            let exact = (total * 8_000_000_000).div_ceil(u128::from(bits));
            assert_eq!(u128::from(serialiser.free().as_nanos()), exact);
        }
    }

    #[test]
    fn an_idle_transmitter_starts_at_once_and_counts_its_idle_time() {
        let mut serialiser = Serialiser::new(rate(8_000_000));
        let at = Instant::from_nanos;
        assert_eq!(serialiser.send(at(5_000), 1000), (at(5_000), at(1_005_000)));
        assert_eq!(serialiser.send(at(6_000), 1000), (at(1_005_000), at(2_005_000)));
        assert_eq!(serialiser.send(at(3_000_000), 1000), (at(3_000_000), at(4_000_000)));
        assert_eq!(serialiser.busy(at(3_500_000)), Duration::from_micros(2_500));
        assert_eq!(serialiser.busy(at(9_000_000)), Duration::from_micros(3_000));
    }

    #[test]
    fn a_full_bucket_leaves_at_once_and_an_empty_one_fills_at_the_rate() {
        // 4000 bytes at 8 Mbit/s: a byte each microsecond.
        let config = Config { rate: rate(8_000_000), pattern: Pattern::Bucket(4000), ..Config::default() };
        let mut bucket = Serialiser::of(&config, &Chance::new(crate::rng::Seed(1), "link", false));
        let at = |micros: u64| Instant::from_nanos(1000 * micros);
        let mut send = |now, size| bucket.send(at(now), size).1;
        assert_eq!([send(100, 1500), send(100, 1500), send(100, 1000)], [at(100); 3]);
        assert_eq!([send(100, 1500), send(200, 500)], [at(1600), at(2100)]);
        // It holds no more than its burst, however long nothing comes.
        assert_eq!([send(90_000, 4000), send(90_000, 1000)], [at(90_000), at(91_000)]);
        assert_eq!(bucket.busy(at(95_000)), Duration::from_micros(6000 + 5000));
    }

    #[test]
    fn without_a_rate_nothing_takes_time() {
        let mut serialiser = Serialiser::new(None);
        let now = Instant::from_nanos(7);
        assert_eq!(serialiser.send(now, 1500), (now, now));
    }
}
