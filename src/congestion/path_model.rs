//! Parts of a model of the path that both versions of BBR share. Rates are in bytes per second.

use super::Sample;
use crate::time::{Duration, Instant};

/// Gains are 256ths.
pub(super) const UNIT: u64 = 256;
/// Parts of a hundred by which the pace stays below the bandwidth.
const MARGIN: u64 = 1;
/// Largest burst, in bytes.
const LARGEST_QUANTUM: u64 = 65_535;

/// The largest value of the present round and of the `N` − 1 before it.
#[derive(Debug)]
pub(super) struct RoundMax<const N: usize> {
    /// The largest of each round, the present one first.
    rounds: [u64; N],
}

impl<const N: usize> Default for RoundMax<N> {
    fn default() -> RoundMax<N> {
        RoundMax { rounds: [0; N] }
    }
}

impl<const N: usize> RoundMax<N> {
    /// A round begins.
    pub(super) fn begin_round(&mut self) {
        self.rounds.rotate_right(1);
        self.rounds[0] = 0;
    }

    /// Takes a value in.
    pub(super) fn take(&mut self, value: u64) {
        self.rounds[0] = self.rounds[0].max(value);
    }

    /// The largest.
    pub(super) fn get(&self) -> u64 {
        self.latest(N)
    }

    /// The largest of the last `rounds`.
    pub(super) fn latest(&self, rounds: usize) -> u64 {
        self.rounds[..rounds].iter().copied().fold(0, u64::max)
    }
}

/// Bytes acknowledged beyond what the bandwidth explains, in a time in which it was always exceeded.
#[derive(Debug)]
pub(super) struct Excess {
    since: Instant,
    acked: u64,
}

impl Excess {
    pub(super) fn new(now: Instant) -> Excess {
        Excess { since: now, acked: 0 }
    }

    /// `acked` bytes were delivered: the excess now, at most `cwnd`.
    pub(super) fn take(&mut self, now: Instant, acked: u64, cwnd: u64, bandwidth: u64) -> u64 {
        let mut expected = passed(bandwidth, now - self.since);
        if self.acked <= expected {
            *self = Excess::new(now);
            expected = 0;
        }
        self.acked += acked;
        (self.acked - expected).min(cwnd)
    }
}

/// Bytes that pass in `span` at `bandwidth`.
pub(super) fn passed(bandwidth: u64, span: Duration) -> u64 {
    (u128::from(bandwidth) * u128::from(span.as_nanos()) / 1_000_000_000) as u64
}

/// The bandwidth at which so many bytes pass in `span`; zero if it is no time.
pub(super) fn rate(bytes: u64, span: Duration) -> u64 {
    (u128::from(bytes) * 1_000_000_000).checked_div(u128::from(span.as_nanos())).unwrap_or(0) as u64
}

/// The rate of a sample; zero if it took no time.
pub(super) fn rate_of(sample: &Sample) -> u64 {
    rate(sample.delivered, sample.interval)
}

/// A bandwidth with a gain, and a little less.
pub(super) fn paced(bandwidth: u64, gain: u64) -> u64 {
    (u128::from(bandwidth) * u128::from(gain * (100 - MARGIN)) / u128::from(UNIT * 100)) as u64
}

/// A burst of about a millisecond, in whole segments, as Linux sizes what it hands to its devices.
pub(super) fn quantum(pacing_rate: u64, mss: u64, least_segments: u64) -> u64 {
    let quantum = (pacing_rate >> 10).min(LARGEST_QUANTUM);
    (quantum / mss).max(least_segments) * mss
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_counts_for_its_rounds() {
        let mut largest = RoundMax::<11>::default();
        largest.take(500);
        for _ in 0..10 {
            largest.begin_round();
            largest.take(100);
            assert_eq!((largest.get(), largest.latest(1)), (500, 100));
        }
        largest.begin_round();
        assert_eq!(largest.get(), 100);
    }

    /// 100 kB/s, acknowledged each 40 ms at once: 4000 bytes, of which none were expected at that instant.
    #[test]
    fn what_arrives_at_once_exceeds_the_bandwidth() {
        let mut excess = Excess::new(Instant::ZERO);
        for burst in 1..10 {
            let now = Instant::ZERO + Duration::from_millis(40 * burst);
            let seen: Vec<u64> = (0..4).map(|_| excess.take(now, 1_000, 20_000, 100_000)).collect();
            assert_eq!(seen, [1_000, 2_000, 3_000, 4_000]);
        }
    }
}
