//! Serialisation: packets leave one after the other, each after size/rate.

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
        }
    }

    pub(super) fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// Queues `size` bytes that are there at `now`: when their transmission starts and ends, both
    /// rounded up to the nanosecond.
    #[inline]
    pub(super) fn send(&mut self, now: Instant, size: u32) -> (Instant, Instant) {
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

    /// Time at which everything accepted so far is sent, rounded up to the nanosecond.
    #[inline]
    pub(super) fn free(&self) -> Instant {
        self.free + Duration::from_nanos(u64::from(self.remainder > 0))
    }

    /// Goes on at another rate after `free`, the end of the transmission under way.
    pub(super) fn change_rate(&mut self, rate: Option<Rate>, free: Instant) {
        self.rate = rate;
        self.free = free;
        self.remainder = 0;
        self.cached = (0, Transmission::default());
    }

    /// Time for which it has been sending until `now`.
    pub(super) fn busy(&self, now: Instant) -> Duration {
        (now.min(self.free()) - Instant::ZERO).saturating_sub(self.idle)
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
    fn without_a_rate_nothing_takes_time() {
        let mut serialiser = Serialiser::new(None);
        let now = Instant::from_nanos(7);
        assert_eq!(serialiser.send(now, 1500), (now, now));
    }
}
