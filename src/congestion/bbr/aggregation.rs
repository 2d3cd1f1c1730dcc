//! Aggregation of acknowledgments: how much more arrives at once than the bandwidth explains, so that
//! the window covers the silence between.

use super::super::path_model::{Excess, passed};
use crate::time::{Duration, Instant};

/// Rounds in each of the two slots: the largest of the last five to ten rounds counts.
const SLOT_ROUNDS: u32 = 5;
/// No more counts than what passes in this time.
const LONGEST: Duration = Duration::from_millis(100);

/// Bytes acknowledged beyond what the bandwidth explains.
#[derive(Debug)]
pub(super) struct Aggregation {
    epoch: Excess,
    /// The largest excess of each slot, the present one first.
    excess: [u64; 2],
    rounds: u32,
}

impl Aggregation {
    pub(super) fn new(now: Instant) -> Aggregation {
        Aggregation { epoch: Excess::new(now), excess: [0; 2], rounds: 0 }
    }

    /// Sending begins anew.
    pub(super) fn restart(&mut self, now: Instant) {
        self.epoch = Excess::new(now);
    }

    /// A round begins.
    pub(super) fn begin_round(&mut self) {
        self.rounds += 1;
        if self.rounds >= SLOT_ROUNDS {
            self.rounds = 0;
            self.excess = [0, self.excess[0]];
        }
    }

    /// `acked` bytes were delivered, with a window of `cwnd` and a bandwidth in bytes per second.
    pub(super) fn take(&mut self, now: Instant, acked: u64, cwnd: u64, bandwidth: u64) {
        self.excess[0] = self.excess[0].max(self.epoch.take(now, acked, cwnd, bandwidth));
    }

    /// Bytes to add to the window.
    pub(super) fn allowance(&self, bandwidth: u64) -> u64 {
        self.excess[0].max(self.excess[1]).min(passed(bandwidth, LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 kB/s, acknowledged each 40 ms at once: 4000 bytes, of which none were expected at that instant.
    #[test]
    fn bursts_of_acknowledgments_are_allowed_for() {
        let mut aggregation = Aggregation::new(Instant::ZERO);
        for burst in 1..10 {
            let now = Instant::ZERO + Duration::from_millis(40 * burst);
            for _ in 0..4 {
                aggregation.take(now, 1_000, 20_000, 100_000);
            }
        }
        assert_eq!(aggregation.allowance(100_000), 4_000);
        assert_eq!(aggregation.allowance(10_000), 1_000, "at most 100 ms of the bandwidth");
    }

    #[test]
    fn an_excess_is_forgotten_after_ten_rounds() {
        let mut aggregation = Aggregation::new(Instant::ZERO);
        aggregation.take(Instant::ZERO, 9_000, 20_000, 1_000_000);
        for _ in 0..2 * SLOT_ROUNDS - 1 {
            aggregation.begin_round();
        }
        assert_eq!(aggregation.allowance(1_000_000), 9_000);
        aggregation.begin_round();
        assert_eq!(aggregation.allowance(1_000_000), 0);
    }
}
