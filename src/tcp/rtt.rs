//! Round-trip times and the retransmission timeout (RFC 6298).

use super::config::{Config, RtoFloor};
use crate::time::Duration;

/// RFC 6298 §2.1: the timeout before the first measurement.
const INITIAL_RTO: Duration = Duration::from_secs(1);
/// RFC 6298 §5.7: the timeout after a lost SYN.
const FALLBACK_RTO: Duration = Duration::from_secs(3);
/// The clock granularity G of RFC 6298 §2; worlds count nanoseconds, kernels milliseconds.
const GRANULARITY: Duration = Duration::from_millis(1);

/// Smoothed round-trip time, its variation, and the timeout with its back-off.
#[derive(Debug)]
pub struct RttEstimator {
    smoothed: Option<Duration>,
    /// Addition of the timeout to the smoothed round-trip time, before the floor: `4 · RTTVAR`.
    spread: Duration,
    /// Linux: four times the mean deviation, the largest of it in this round trip, and the offset
    /// whose acknowledgment ends the round trip.
    deviation: Duration,
    largest_deviation: Duration,
    round_end: u64,
    min: Duration,
    /// Without back-off.
    base: Duration,
    /// With it.
    rto: Duration,
    /// Number of expiries of the timer since the last sample.
    backoff: u32,
    min_rto: Duration,
    max_rto: Duration,
    floor: RtoFloor,
}

/// Position of a sender when it measures a round trip.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    /// Oldest unacknowledged offset, after the acknowledgment that brought the sample.
    pub una: u64,
    /// Next offset to be sent.
    pub nxt: u64,
    /// Bytes of a full segment.
    pub mss: u64,
}

impl Position {
    /// `ExpectedSamples` of RFC 7323 appendix G, in a round trip with delayed acknowledgments.
    fn samples(self) -> u64 {
        (self.nxt - self.una).div_ceil(2 * self.mss.max(1)).max(1)
    }
}

impl RttEstimator {
    /// An estimator without a sample.
    pub fn new(config: &Config) -> RttEstimator {
        let rto = INITIAL_RTO.min(config.max_rto);
        RttEstimator {
            smoothed: None,
            spread: Duration::ZERO,
            deviation: Duration::ZERO,
            largest_deviation: Duration::ZERO,
            round_end: 0,
            min: Duration::MAX,
            base: rto,
            rto,
            backoff: 0,
            min_rto: config.min_rto,
            max_rto: config.max_rto,
            floor: config.rto_floor,
        }
    }

    /// Takes in a measurement of a segment that was sent once (Karn's rule is the caller's).
    #[inline(always)]
    pub fn sample(&mut self, rtt: Duration, at: Position) {
        self.min = self.min.min(rtt);
        self.backoff = 0;
        let rto = match self.floor {
            RtoFloor::Rto => {
                (self.average(rtt, at.samples()) + self.spread.max(GRANULARITY)).max(self.min_rto)
            }
            RtoFloor::Variance => self.average_like_linux(rtt, at) + self.spread,
        };
        self.base = rto.min(self.max_rto);
        self.rto = self.base;
    }

    /// RFC 6298 §2; with many samples in a round trip each has less weight (RFC 7323 appendix G),
    /// so that a round trip is remembered for as long as with one.
    fn average(&mut self, rtt: Duration, samples: u64) -> Duration {
        let smoothed = match self.smoothed {
            // §2.2
            None => {
                self.spread = rtt * 2;
                rtt
            }
            // §2.3, the variation first: it uses the old average.
            Some(old) => {
                let error = old.abs_diff(rtt) * 4;
                self.spread = (self.spread * (4 * samples - 1) + error) / (4 * samples);
                (old * (8 * samples - 1) + rtt) / (8 * samples)
            }
        };
        self.smoothed = Some(smoothed);
        smoothed
    }

    /// Unlike RFC 6298 §2, as in Linux (`tcp_rtt_estimator`): the variance term is the largest mean
    /// deviation of a round trip, falls by a quarter of the difference once per round trip, and has
    /// the minimum RTO as its floor, which keeps the timeout clear of delayed acknowledgments on
    /// short paths; a shorter round trip raises the deviation by an eighth only.
    fn average_like_linux(&mut self, rtt: Duration, at: Position) -> Duration {
        let Some(old) = self.smoothed else {
            self.smoothed = Some(rtt);
            self.deviation = rtt * 2;
            self.spread = self.deviation.max(self.min_rto);
            self.largest_deviation = self.spread;
            self.round_end = at.nxt;
            return rtt;
        };
        let smoothed = (old * 7 + rtt) / 8;
        self.smoothed = Some(smoothed);
        let (error, mean) = (old.abs_diff(rtt), self.deviation / 4);
        if error < mean {
            self.deviation = self.deviation - (mean - error);
        } else if rtt < old {
            self.deviation += (error - mean) / 8;
        } else {
            self.deviation += error - mean;
        }
        self.largest_deviation = self.largest_deviation.max(self.deviation);
        self.spread = self.spread.max(self.largest_deviation);
        if at.una > self.round_end {
            self.spread = self.spread - self.spread.saturating_sub(self.largest_deviation) / 4;
            self.round_end = at.nxt;
            self.largest_deviation = self.min_rto;
        }
        smoothed
    }

    /// §5.5: the timer expired; the next timeout is twice as long.
    pub fn back_off(&mut self) {
        self.backoff += 1;
        // A shift of 16 reaches every allowed maximum from a millisecond.
        self.rto = self.base.saturating_mul(1 << self.backoff.min(16)).min(self.max_rto);
    }

    /// Ends the back-off without a sample, which otherwise does (§5, Karn's second half).
    pub fn reset_backoff(&mut self) {
        self.backoff = 0;
        self.rto = self.base;
    }

    /// §5.7: the SYN timed out and its acknowledgment gave no sample.
    pub fn fall_back(&mut self) {
        if self.smoothed.is_none() {
            self.base = FALLBACK_RTO.min(self.max_rto);
        }
        self.reset_backoff();
    }

    /// The timeout now, back-off included.
    pub fn rto(&self) -> Duration {
        self.rto
    }

    /// The smoothed round-trip time, after the first sample.
    pub fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    /// The smallest sample; [`Duration::MAX`] before the first.
    pub fn min(&self) -> Duration {
        self.min
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimator(floor: RtoFloor) -> RttEstimator {
        RttEstimator::new(&Config { rto_floor: floor, ..Config::default() })
    }

    /// The only acknowledgment of round trip number `round`, of ten bytes.
    fn round_trip(round: u64) -> Position {
        Position { una: 10 * round + 10, nxt: 10 * round + 20, mss: 10 }
    }

    #[test]
    fn starts_at_one_second() {
        assert_eq!(estimator(RtoFloor::Rto).rto(), Duration::from_secs(1));
    }

    #[test]
    fn first_sample_gives_three_times_itself() {
        let mut rtt = estimator(RtoFloor::Rto);
        rtt.sample(Duration::from_millis(100), Position::default());
        assert_eq!(rtt.rto(), Duration::from_millis(300));
    }

    #[test]
    fn floors_bound_the_timeout_or_its_variance() {
        for (floor, expected) in [(RtoFloor::Rto, 200), (RtoFloor::Variance, 220)] {
            let mut rtt = estimator(floor);
            for round in 0..100 {
                rtt.sample(Duration::from_millis(20), round_trip(round));
            }
            assert_eq!(rtt.rto(), Duration::from_millis(expected));
        }
    }

    #[test]
    fn backs_off_twofold_up_to_the_maximum() {
        let mut rtt = estimator(RtoFloor::Rto);
        rtt.back_off();
        assert_eq!(rtt.rto(), Duration::from_secs(2));
        for _ in 0..40 {
            rtt.back_off();
        }
        assert_eq!(rtt.rto(), Duration::from_secs(120));
        rtt.reset_backoff();
        assert_eq!(rtt.rto(), Duration::from_secs(1));
    }

    /// Feeds `samples` measurements of `millis` in each of `rounds` round trips, from number `first` on.
    fn feed(rtt: &mut RttEstimator, millis: u64, first: u64, rounds: u64, samples: u64) {
        for i in first * samples..(first + rounds) * samples {
            let at = Position { una: 2 * (i + 1), nxt: 2 * (i + 1 + samples), mss: 1 };
            rtt.sample(Duration::from_millis(millis), at);
        }
    }

    /// RFC 7323 appendix G: with weights per sample, one bad round trip would be forgotten within ten
    /// acknowledgments.
    #[test]
    fn many_samples_in_a_round_trip_forget_no_faster_than_one() {
        let after = |samples| {
            let mut rtt = estimator(RtoFloor::Rto);
            feed(&mut rtt, 100, 0, 20, samples);
            feed(&mut rtt, 500, 20, 1, samples);
            feed(&mut rtt, 100, 21, 1, samples);
            rtt.rto().as_secs_f64()
        };
        let (one, many) = (after(1), after(50));
        assert!((many / one - 1.0).abs() < 0.2, "{one} s with 1 sample a round trip, {many} s with 50");
    }

    #[test]
    fn like_linux_the_spread_falls_by_a_quarter_once_per_round_trip() {
        let mut rtt = estimator(RtoFloor::Variance);
        feed(&mut rtt, 100, 0, 20, 50);
        feed(&mut rtt, 900, 20, 1, 50);
        let high = rtt.spread.as_secs_f64();
        assert!(high > 1.0, "{high}");
        feed(&mut rtt, 100, 21, 1, 50);
        assert!(rtt.spread.as_secs_f64() > 0.7 * high, "after a round trip: {}", rtt.spread);
        feed(&mut rtt, 100, 22, 30, 50);
        assert!(rtt.spread < Duration::from_millis(201), "and ends at the floor: {}", rtt.spread);
    }

    #[test]
    fn like_linux_a_shorter_round_trip_counts_for_an_eighth() {
        let mut rtt = estimator(RtoFloor::Variance);
        feed(&mut rtt, 1_000, 0, 100, 1);
        feed(&mut rtt, 100, 100, 1, 1);
        assert!(rtt.spread < Duration::from_millis(201), "900 ms / 8 is below the floor: {}", rtt.spread);
    }
}
