//! DCTCP (RFC 8257; Alizadeh and others 2010) as Linux has it (`net/ipv4/tcp_dctcp.c`): Reno, but marks take no more
//! than their share. Where queues mark all that is above one threshold, that keeps them at it.
//!
//! Unlike Linux, which echoes marks by RFC 8257's own use of ECE, marks are counted by accurate ECN (RFC 9768), which
//! tells the same and survives lost acknowledgments.

use super::alpha::Alpha;
use super::reno::Reno;
use super::round::Round;
use super::{Ack, Beliefs, CongestionController, Loss, Marking, Path, Watch};

/// Least window in segments.
const LEAST_SEGMENTS: u64 = 2;

/// Reno, and the share of marks.
#[derive(Debug)]
pub struct Dctcp {
    mss: u64,
    reno: Reno,
    alpha: Alpha,
    round: Round,
}

impl Dctcp {
    pub(super) fn new(path: &Path) -> Dctcp {
        let reno = Reno::with(path, 0.5, Watch::Blind);
        Dctcp { mss: path.mss, reno, alpha: Alpha::new(), round: Round::since(0) }
    }
}

impl CongestionController for Dctcp {
    fn cwnd(&self) -> u64 {
        self.reno.cwnd()
    }

    fn on_ack(&mut self, ack: &Ack) {
        self.alpha.hear(ack);
        if self.round.hear(ack).is_some() {
            self.alpha.observe();
        }
        self.reno.on_ack(ack);
    }

    fn marking(&self) -> Marking {
        Marking::Counted
    }

    /// RFC 8257 §3.3: cwnd ← cwnd (1 − α / 2), once in a window of data.
    fn on_ecn(&mut self, loss: &Loss) {
        let kept = (self.cwnd() as f64 * (1.0 - self.alpha.value() / 2.0)) as u64;
        self.reno.on_loss(loss);
        let kept = (kept / self.mss).max(LEAST_SEGMENTS) * self.mss;
        self.reno.set(kept, kept);
    }

    /// RFC 8257 §3.4: a loss is answered as by others.
    fn on_loss(&mut self, loss: &Loss) {
        self.reno.on_loss(loss);
    }

    fn on_timeout(&mut self, loss: &Loss) {
        self.reno.on_timeout(loss);
    }

    fn on_spurious(&mut self) {
        self.reno.on_spurious();
    }

    fn on_idle(&mut self) {
        self.reno.on_idle();
    }

    fn on_decay(&mut self, timeouts: u32) {
        self.reno.on_decay(timeouts);
    }

    fn ssthresh(&self) -> Option<u64> {
        self.reno.ssthresh()
    }

    fn beliefs(&self) -> Beliefs {
        Beliefs { alpha: Some(self.alpha.value()), marked: self.alpha.last(), ..Beliefs::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ack, loss, path, sample};
    use super::*;

    const MSS: u64 = 1_000;

    /// With a window and an average of marks of which so many of a hundred bytes were in each round trip.
    fn steady(window: u64, percent: u64) -> Dctcp {
        let mut dctcp = Dctcp::new(&path());
        let mut delivered = 0;
        for _ in 0..200 {
            let prior = delivered;
            delivered += 100 * MSS;
            let marked = percent * MSS;
            dctcp.on_ack(&Ack { delivered, marked, sample: Some(sample(0, 0, prior)), ..ack(100 * MSS) });
        }
        dctcp.reno.set(window * MSS, window * MSS);
        dctcp
    }

    /// RFC 8257 §3.3: cwnd ← cwnd (1 − α / 2).
    #[test]
    fn marks_take_half_their_share() {
        for (percent, kept) in [(0, 100), (10, 95), (50, 75), (100, 50)] {
            let mut dctcp = steady(100, percent);
            let alpha = dctcp.beliefs().alpha.expect("an average");
            assert!((alpha - percent as f64 / 100.0).abs() < 0.01, "{alpha}");
            dctcp.on_ecn(&loss(100 * MSS));
            let cwnd = dctcp.cwnd() / MSS;
            assert!(cwnd.abs_diff(kept) <= 1, "{percent} %: {cwnd} of 100");
            assert_eq!(dctcp.ssthresh(), Some(dctcp.cwnd()));
        }
    }

    /// Linux's `dctcp_alpha_on_init`: of a path of which nothing is known the first mark takes half.
    #[test]
    fn the_first_mark_halves() {
        let mut dctcp = Dctcp::new(&path());
        dctcp.on_ecn(&loss(10 * MSS));
        assert_eq!(dctcp.cwnd(), 5 * MSS);
    }

    /// RFC 8257 §3.4.
    #[test]
    fn a_loss_halves_whatever_the_share_is() {
        let mut dctcp = steady(100, 1);
        dctcp.on_loss(&loss(100 * MSS));
        assert_eq!(dctcp.cwnd(), 50 * MSS);
        dctcp.on_timeout(&loss(50 * MSS));
        assert_eq!((dctcp.cwnd(), dctcp.ssthresh()), (MSS, Some(25 * MSS)));
    }

    #[test]
    fn two_segments_are_left() {
        let mut dctcp = steady(3, 100);
        dctcp.on_ecn(&loss(3 * MSS));
        dctcp.on_ecn(&loss(2 * MSS));
        assert_eq!(dctcp.cwnd(), 2 * MSS);
    }
}
