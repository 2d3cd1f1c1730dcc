//! Detection of a policer (a token bucket that drops): two intervals in a row with much loss and about
//! the same rate. Then that rate holds for a while, so that not every burst loses its end.

use super::super::Sample;
use crate::time::{Duration, Instant};

/// Rounds in an interval at least; four times as many at most.
const INTERVAL_ROUNDS: u32 = 4;
/// Loss of an interval that makes a policer probable: bytes lost for 256 delivered.
const LOSSY: u64 = 50;
/// Rates are about the same within an eighth, or 4 kbit/s.
const SAME_PART: u64 = 8;
const SAME_RATE: u64 = 4_000 / 8;
/// Rounds for which a rate holds.
const HOLDS: u32 = 48;

/// Counters at one instant: bytes delivered and lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Totals {
    pub now: Instant,
    pub delivered: u64,
    pub lost: u64,
}

/// Long-term sampling of the rate.
#[derive(Debug)]
pub(super) struct Policer {
    /// Start of the present interval, once a loss has begun it.
    since: Option<Totals>,
    rounds: u32,
    /// The rate of the last interval, in bytes per second.
    rate: Option<u64>,
    holds: bool,
}

impl Policer {
    pub(super) const fn new() -> Policer {
        Policer { since: None, rounds: 0, rate: None, holds: false }
    }

    /// The policer's rate while it holds, in bytes per second.
    pub(super) fn rate(&self) -> Option<u64> {
        self.rate.filter(|_| self.holds)
    }

    /// Takes in an acknowledgment or a timeout. `losses` tells that it showed some, `steady` that the
    /// controller is in its steady state. True if a rate has just ceased to hold.
    pub(super) fn take(
        &mut self,
        totals: Totals,
        round: bool,
        losses: bool,
        sample: Option<&Sample>,
        steady: bool,
    ) -> bool {
        if self.holds {
            self.rounds += u32::from(round && steady);
            let over = self.rounds >= HOLDS;
            if over {
                *self = Policer::new();
            }
            return over;
        }
        if self.since.is_none() {
            if !losses {
                return false;
            }
            // The bucket is empty now.
            self.begin(totals);
        }
        if sample.is_some_and(|sample| sample.app_limited) {
            *self = Policer::new();
            return false;
        }
        self.rounds += u32::from(round);
        if self.rounds > 4 * INTERVAL_ROUNDS {
            *self = Policer::new();
        } else if self.rounds >= INTERVAL_ROUNDS && losses {
            self.end_interval(totals);
        }
        false
    }

    fn begin(&mut self, totals: Totals) {
        self.since = Some(totals);
        self.rounds = 0;
    }

    fn end_interval(&mut self, totals: Totals) {
        let Some(since) = self.since else { return };
        let (delivered, lost) = (totals.delivered - since.delivered, totals.lost - since.lost);
        let span = totals.now - since.now;
        if delivered == 0 || lost * 256 < LOSSY * delivered || span < Duration::from_millis(1) {
            return;
        }
        let rate = (u128::from(delivered) * 1_000_000_000 / u128::from(span.as_nanos())) as u64;
        match self.rate {
            Some(last) if is_same(rate, last) => {
                self.rate = Some(u64::midpoint(rate, last));
                self.holds = true;
                self.rounds = 0;
            }
            _ => {
                self.rate = Some(rate);
                self.begin(totals);
            }
        }
    }
}

fn is_same(one: u64, other: u64) -> bool {
    let difference = one.abs_diff(other);
    difference * SAME_PART <= other || difference <= SAME_RATE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds of 100 ms at 100 kB/s, in each of which `lost` bytes are lost.
    fn rounds(policer: &mut Policer, from: &mut Totals, rounds: u32, lost: u64) {
        for _ in 0..rounds {
            from.now += Duration::from_millis(100);
            from.delivered += 10_000;
            from.lost += lost;
            policer.take(*from, true, lost > 0, None, true);
        }
    }

    fn start() -> Totals {
        Totals { now: Instant::ZERO, delivered: 0, lost: 0 }
    }

    #[test]
    fn two_lossy_intervals_of_one_rate_are_a_policer_for_48_rounds() {
        let (mut policer, mut totals) = (Policer::new(), start());
        rounds(&mut policer, &mut totals, 2 * INTERVAL_ROUNDS, 3_000);
        assert_eq!(policer.rate(), Some(100_000));
        rounds(&mut policer, &mut totals, HOLDS - 1, 0);
        assert_eq!(policer.rate(), Some(100_000));
        rounds(&mut policer, &mut totals, 1, 0);
        assert_eq!(policer.rate(), None);
    }

    #[test]
    fn little_loss_is_no_policer() {
        let (mut policer, mut totals) = (Policer::new(), start());
        rounds(&mut policer, &mut totals, 40, 1_000);
        assert_eq!(policer.rate(), None);
    }
}
