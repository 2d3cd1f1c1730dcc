//! Latency of deliveries within the server: from the turn of what somebody asked until the last byte about it is
//! written to a hearer. What waits before its turn, for its author's rate, is the author's doing.

use crate::time::Duration;

/// Borders of the buckets: half decades from 100 µs, where nobody notices, to 10 s, where everybody does.
const BORDERS: [u64; 11] = [
    100_000,
    300_000,
    1_000_000,
    3_000_000,
    10_000_000,
    30_000_000,
    100_000_000,
    300_000_000,
    1_000_000_000,
    3_000_000_000,
    10_000_000_000,
];

/// Histogram of latencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    counts: [u64; BORDERS.len() + 1],
    nanos: u128,
}

impl Latency {
    /// A message has taken so long.
    pub fn record(&mut self, span: Duration) {
        let nanos = span.as_nanos();
        self.counts[BORDERS.iter().position(|&border| nanos <= border).unwrap_or(BORDERS.len())] += 1;
        self.nanos += u128::from(nanos);
    }

    /// Messages at most so late, and later than the border before; the last ones have no border.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let borders = BORDERS.iter().map(|&nanos| Some(Duration::from_nanos(nanos)));
        borders.chain([None]).zip(self.counts)
    }

    /// Sum of all, in seconds.
    pub fn sum_s(&self) -> f64 {
        self.nanos as f64 / 1e9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_in_the_bucket_whose_border_it_does_not_pass() {
        let mut latency = Latency::default();
        for nanos in [0, 100_000, 100_001, 10_000_000_000, 10_000_000_001] {
            latency.record(Duration::from_nanos(nanos));
        }
        let counts: Vec<u64> = latency.buckets().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert!((latency.sum_s() - 20.000_200_002).abs() < 1e-9);
        assert_eq!(latency.buckets().last(), Some((None, 1)));
    }
}
