//! Slow start (RFC 5681 §3.1), by the bytes acknowledged (RFC 3465): a part that controllers share.

/// The threshold below which a window grows by what is acknowledged. In the controller's own unit: bytes or
/// segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowStart {
    ssthresh: u64,
}

impl SlowStart {
    /// RFC 5681 §3.1: the first threshold should be arbitrarily high.
    pub const fn new() -> SlowStart {
        SlowStart { ssthresh: u64::MAX }
    }

    /// The threshold.
    pub const fn ssthresh(&self) -> u64 {
        self.ssthresh
    }

    /// Sets the threshold, after a loss.
    pub const fn end_at(&mut self, ssthresh: u64) {
        self.ssthresh = ssthresh;
    }

    /// Lets `cwnd` grow up to the threshold, and returns what of `acked` is left for the controller's
    /// own growth. Unlike RFC 3465 §2.2, without a limit of two segments per ACK, because Linux has none
    /// and senders do not burst more for it.
    pub fn grow(&self, cwnd: &mut u64, acked: u64) -> u64 {
        let grown = acked.min(self.ssthresh.saturating_sub(*cwnd));
        *cwnd += grown;
        acked - grown
    }
}

impl Default for SlowStart {
    fn default() -> SlowStart {
        SlowStart::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_by_what_is_acknowledged_and_leaves_the_rest_at_the_threshold() {
        let mut slow_start = SlowStart::new();
        let mut cwnd = 10;
        assert_eq!((slow_start.grow(&mut cwnd, 7), cwnd), (0, 17));
        slow_start.end_at(20);
        assert_eq!((slow_start.grow(&mut cwnd, 7), cwnd), (4, 20));
        slow_start.end_at(5);
        assert_eq!((slow_start.grow(&mut cwnd, 7), cwnd), (7, 20));
    }
}
