//! Rates: so many bytes in any interval, and no more.

/// Slack for what the log rounds to nanoseconds.
pub(super) const SLACK: f64 = 2.0;

/// A bucket that fills at a rate (the generic cell rate algorithm, ITU-T I.371): its state is the instant, in
/// nanoseconds, at which it would be full again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    full: f64,
}

impl Bucket {
    /// Takes what fills in `cost` nanoseconds out of a bucket that holds `depth`, at `at`; false if there was less, and
    /// then nothing is taken.
    pub fn take(&mut self, at: f64, cost: f64, depth: f64) -> bool {
        let full = self.full.max(at) + cost;
        let holds = full <= at + depth + SLACK;
        if holds {
            self.full = full;
        }
        holds
    }

    /// Begins anew.
    pub fn refill(&mut self, at: f64) {
        self.full = at;
    }
}

/// A transmitter that sends one packet after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Transmitter {
    /// End of the last transmission, in nanoseconds and parts of one.
    free: f64,
}

impl Transmitter {
    /// Start of the transmission of a packet that came at `at`.
    pub fn start(self, at: f64) -> f64 {
        self.free.max(at)
    }

    /// A transmission ends.
    pub fn ends(&mut self, at: f64) {
        self.free = at;
    }

    /// Takes the end of a transmission of `cost` nanoseconds at `at`; false if it began before the last one ended.
    pub fn follows(&mut self, at: f64, cost: f64) -> bool {
        let follows = at - cost >= self.free - SLACK;
        self.free = self.free.max(at - cost) + cost;
        if !follows {
            self.free = at;
        }
        follows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_a_burst_pass_and_then_the_rate() {
        let mut bucket = Bucket::default();
        // Three packets of 100 ns at once fit into 300, the fourth comes 100 ns later.
        let took: Vec<bool> =
            [0.0, 0.0, 0.0, 0.0, 97.0, 100.0].map(|at| bucket.take(at, 100.0, 300.0)).to_vec();
        assert_eq!(took, [true, true, true, false, false, true]);
        bucket.refill(100.0);
        assert!(bucket.take(100.0, 300.0, 300.0));
    }

    #[test]
    fn rounded_departures_follow_each_other_at_the_rate_for_ever() {
        let mut transmitter = Transmitter::default();
        let cost = 1_000.3;
        assert!((1..100_000).all(|n| transmitter.follows((f64::from(n) * cost).ceil(), cost)));
        let mut transmitter = Transmitter::default();
        // Each half a nanosecond too early adds up.
        assert!(!(1..100).all(|n| transmitter.follows(f64::from(n) * (cost - 0.5), cost)));
    }
}
