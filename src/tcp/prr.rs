//! Proportional rate reduction (RFC 9937): during fast recovery, how fast the window comes down to
//! where the controller wants it. RFC 6675 alone drops at once and then waits for half a window of
//! acknowledgments.

/// The progress of one recovery episode, in bytes.
#[derive(Debug)]
pub struct Prr {
    /// `RecoverFS`: outstanding when the episode began. Unlike RFC 9937 §6, what SACK had reported
    /// before is not left out, because Linux divides by the whole window, too.
    flight: u64,
    /// `prr_delivered`: newly known to have arrived since.
    delivered: u64,
    /// `prr_out`: sent since.
    sent: u64,
}

impl Prr {
    /// An episode that begins with `flight` bytes outstanding.
    pub fn new(flight: u64) -> Prr {
        Prr { flight: flight.max(1), delivered: 0, sent: 0 }
    }

    /// Something was sent.
    pub fn on_sent(&mut self, bytes: u64) {
        self.sent += bytes;
    }

    /// True while less is known to have arrived than was outstanding.
    pub fn is_short(&self) -> bool {
        self.delivered < self.flight
    }

    /// The window after `bytes` more have arrived, with `pipe` bytes in the network and `target` the
    /// controller's window. `safe` tells that the acknowledgment moved and showed no further loss.
    pub fn window(&mut self, bytes: u64, pipe: u64, target: u64, mss: u64, safe: bool) -> u64 {
        self.delivered += bytes;
        let quota = if pipe > target {
            // Unlike RFC 9937 §6, in whole segments, rounded up: Linux counts packets.
            let allowed = (self.delivered * target).div_ceil(self.flight).next_multiple_of(mss);
            allowed.saturating_sub(self.sent)
        } else {
            // Slow start back to the target, if all goes well; else one out for one in.
            let bound = self.delivered.saturating_sub(self.sent).max(bytes) + if safe { mss } else { 0 };
            bound.min(target - pipe)
        };
        // The first retransmission does not wait. Unlike RFC 9937 §6, that holds for any quota below a
        // segment and not for zero alone, and the window never falls below a segment: with an empty
        // pipe no acknowledgment would ever make up the rest.
        let window = pipe + if self.sent == 0 { quota.max(mss) } else { quota };
        window.max(mss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_by_sending_one_for_two() {
        // Twenty segments in flight, one lost, target ten: over a round trip ten are sent.
        let mut prr = Prr::new(20_000);
        let mut pipe = 19_000;
        for _ in 0..19 {
            pipe -= 1_000;
            while prr.window(0, pipe, 10_000, 1_000, false) > pipe && pipe < 19_000 {
                let window = prr.window(0, pipe, 10_000, 1_000, false);
                if window < pipe + 1_000 {
                    break;
                }
                pipe += 1_000;
                prr.on_sent(1_000);
            }
            prr.window(1_000, pipe, 10_000, 1_000, false);
        }
        assert!((9_000..=10_000).contains(&pipe), "{pipe}");
    }

    #[test]
    fn the_first_retransmission_does_not_wait() {
        assert_eq!(Prr::new(4_000).window(0, 3_000, 2_000, 1_000, false), 4_000);
    }

    #[test]
    fn an_empty_pipe_may_always_send_a_segment() {
        let mut prr = Prr::new(4_000);
        prr.window(4_000, 1_000, 2_000, 1_000, false);
        prr.on_sent(3_956);
        assert_eq!(prr.window(0, 0, 2_000, 1_000, false), 1_000);
    }

    #[test]
    fn below_the_target_it_sends_what_arrived_and_one_more_if_safe() {
        let mut prr = Prr::new(20_000);
        prr.on_sent(1_000);
        assert_eq!(prr.window(1_000, 2_000, 10_000, 1_000, true), 4_000);
        assert_eq!(prr.window(1_000, 2_000, 10_000, 1_000, false), 3_000);
    }
}
