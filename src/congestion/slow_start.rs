//! Slow start (RFC 5681 §3.1), by the bytes acknowledged (RFC 3465): a part that controllers share.

use super::{Ack, Advice, Watch};

/// The threshold below which a window grows by what is acknowledged, in the controller's own unit (bytes or
/// segments), and what may end slow start before a loss does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowStart {
    ssthresh: u64,
    watch: Watch,
    /// Part of what is acknowledged by which the window grows, and what that left over.
    part: u64,
    rest: u64,
}

impl SlowStart {
    /// Until a loss. RFC 5681 §3.1: the first threshold should be arbitrarily high.
    pub const fn new() -> SlowStart {
        SlowStart::watched(Watch::Blind)
    }

    /// Until a loss, or until `watch` ends it.
    pub const fn watched(watch: Watch) -> SlowStart {
        SlowStart { ssthresh: u64::MAX, watch, part: 1, rest: 0 }
    }

    /// The threshold.
    pub const fn ssthresh(&self) -> u64 {
        self.ssthresh
    }

    /// Sets the threshold, after a loss.
    pub const fn end_at(&mut self, ssthresh: u64) {
        self.ssthresh = ssthresh;
        self.part = 1;
    }

    /// `tcp_current_ssthresh`: three quarters of the window stay proven over a pause.
    pub fn keep_three_quarters(&mut self, cwnd: u64) {
        self.ssthresh = self.ssthresh.max(cwnd / 4 * 3);
    }

    /// A timeout begins it anew.
    pub fn restart(&mut self) {
        self.watch.restart();
    }

    /// Lets `cwnd`, in which a segment counts `segment`, grow up to the threshold, and returns what of `acked` is left
    /// for the controller's own growth. Unlike RFC 3465 §2.2, without a limit of two segments per ACK, because
    /// Linux has none and senders do not burst more for it.
    pub fn grow(&mut self, cwnd: &mut u64, segment: u64, acked: u64, ack: &Ack) -> u64 {
        if *cwnd >= self.ssthresh {
            return acked;
        }
        match self.watch.hear(*cwnd / segment, self.ssthresh == u64::MAX, ack) {
            Advice::Go => self.part = 1,
            Advice::Slower(part) => self.part = part,
            Advice::End => {
                self.end_at(*cwnd);
                return acked;
            }
        }
        let credit = acked + self.rest;
        self.rest = credit % self.part;
        let grown = (credit / self.part).min(self.ssthresh - *cwnd);
        *cwnd += grown;
        acked.saturating_sub(grown * self.part) * u64::from(*cwnd >= self.ssthresh)
    }
}

impl Default for SlowStart {
    fn default() -> SlowStart {
        SlowStart::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::ack;
    use super::*;

    #[test]
    fn grows_by_what_is_acknowledged_and_leaves_the_rest_at_the_threshold() {
        let mut slow_start = SlowStart::new();
        let mut cwnd = 10;
        let grow = |slow_start: &mut SlowStart, cwnd: &mut u64| slow_start.grow(cwnd, 1, 7, &ack(7));
        assert_eq!((grow(&mut slow_start, &mut cwnd), cwnd), (0, 17));
        slow_start.end_at(20);
        assert_eq!((grow(&mut slow_start, &mut cwnd), cwnd), (4, 20));
        slow_start.end_at(5);
        assert_eq!((grow(&mut slow_start, &mut cwnd), cwnd), (7, 20));
    }
}
