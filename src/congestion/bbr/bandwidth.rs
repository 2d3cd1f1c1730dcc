//! Bandwidth of a path, from samples of the rate of delivery.

use super::super::Sample;

/// Rounds that a sample counts for, besides the present one.
const WINDOW: usize = 10;

/// The largest of the rates of the last rounds, in bytes per second.
#[derive(Debug, Default)]
pub(super) struct MaxBandwidth {
    /// The largest of each round, the present one first.
    rounds: [u64; WINDOW + 1],
}

impl MaxBandwidth {
    /// A round begins.
    pub(super) fn begin_round(&mut self) {
        self.rounds.rotate_right(1);
        self.rounds[0] = 0;
    }

    /// Takes a sample in.
    pub(super) fn take(&mut self, rate: u64) {
        self.rounds[0] = self.rounds[0].max(rate);
    }

    /// The largest.
    pub(super) fn get(&self) -> u64 {
        self.rounds.iter().copied().fold(0, u64::max)
    }
}

/// The rate of a sample, in bytes per second; zero if it took no time.
pub(super) fn rate_of(sample: &Sample) -> u64 {
    let nanos = u128::from(sample.interval.as_nanos());
    (u128::from(sample.delivered) * 1_000_000_000).checked_div(nanos).unwrap_or(0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_rate_counts_for_ten_more_rounds() {
        let mut bandwidth = MaxBandwidth::default();
        bandwidth.take(500);
        for _ in 0..WINDOW {
            bandwidth.begin_round();
            bandwidth.take(100);
            assert_eq!(bandwidth.get(), 500);
        }
        bandwidth.begin_round();
        assert_eq!(bandwidth.get(), 100);
    }
}
