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
    variation: Duration,
    min: Duration,
    /// Without back-off.
    rto: Duration,
    /// How often the timer has expired since the last sample.
    backoff: u32,
    min_rto: Duration,
    max_rto: Duration,
    floor: RtoFloor,
}

impl RttEstimator {
    /// An estimator without a sample.
    pub fn new(config: &Config) -> RttEstimator {
        RttEstimator {
            smoothed: None,
            variation: Duration::ZERO,
            min: Duration::MAX,
            rto: INITIAL_RTO.min(config.max_rto),
            backoff: 0,
            min_rto: config.min_rto,
            max_rto: config.max_rto,
            floor: config.rto_floor,
        }
    }

    /// Takes in a measurement of a segment that was sent once (Karn's rule is the caller's).
    pub fn sample(&mut self, rtt: Duration) {
        self.min = self.min.min(rtt);
        self.backoff = 0;
        let smoothed = match self.smoothed {
            // §2.2
            None => {
                self.variation = rtt / 2;
                rtt
            }
            // §2.3, the variation first: it uses the old average.
            Some(old) => {
                let error = old.abs_diff(rtt);
                self.variation = (self.variation * 3 + error) / 4;
                (old * 7 + rtt) / 8
            }
        };
        self.smoothed = Some(smoothed);
        let spread = (self.variation * 4).max(GRANULARITY);
        self.rto = match self.floor {
            // §2.4
            RtoFloor::Rto => (smoothed + spread).max(self.min_rto),
            // Unlike RFC 6298 §2.4, because Linux bounds the variance term instead, which keeps
            // the timeout clear of delayed acknowledgments on short paths.
            RtoFloor::Variance => smoothed + spread.max(self.min_rto),
        }
        .min(self.max_rto);
    }

    /// §5.5: the timer expired; the next timeout is twice as long.
    pub fn back_off(&mut self) {
        self.backoff += 1;
    }

    /// Ends the back-off without a sample, which otherwise does (§5, Karn's second half).
    pub fn reset_backoff(&mut self) {
        self.backoff = 0;
    }

    /// §5.7: the SYN timed out and its acknowledgment gave no sample.
    pub fn fall_back(&mut self) {
        self.backoff = 0;
        if self.smoothed.is_none() {
            self.rto = FALLBACK_RTO.min(self.max_rto);
        }
    }

    /// The timeout now, back-off included.
    pub fn rto(&self) -> Duration {
        // A shift of 16 reaches every allowed maximum from a millisecond.
        self.rto.saturating_mul(1 << self.backoff.min(16)).min(self.max_rto)
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

    #[test]
    fn starts_at_one_second() {
        assert_eq!(estimator(RtoFloor::Rto).rto(), Duration::from_secs(1));
    }

    #[test]
    fn first_sample_gives_three_times_itself() {
        let mut rtt = estimator(RtoFloor::Rto);
        rtt.sample(Duration::from_millis(100));
        assert_eq!(rtt.rto(), Duration::from_millis(300));
    }

    #[test]
    fn floors_bound_the_timeout_or_its_variance() {
        for (floor, expected) in [(RtoFloor::Rto, 200), (RtoFloor::Variance, 220)] {
            let mut rtt = estimator(floor);
            for _ in 0..100 {
                rtt.sample(Duration::from_millis(20));
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
}
