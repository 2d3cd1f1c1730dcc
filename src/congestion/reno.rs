//! Reno: slow start, congestion avoidance and halving on loss (RFC 5681), growing by bytes
//! acknowledged (RFC 3465), so that delayed acknowledgments do not slow it down.

use super::{Ack, CongestionController, Loss, Parameter, Path, SlowStart, Values, Watch, hystart};

pub(super) const PARAMETERS: &[Parameter] = &[
    hystart::parameter(0),
    Parameter {
        name: "ecn_beta",
        default: 0.5,
        values: Values::Range(0.1, 0.95),
        summary: "what remains of the window after a mark; 0.8 in RFC 8511",
    },
];

/// Reno's window and threshold, in bytes, and its progress to the next increase.
#[derive(Debug)]
pub struct Reno {
    mss: u64,
    cwnd: u64,
    slow_start: SlowStart,
    /// Bytes acknowledged since the window last grew in congestion avoidance.
    credit: u64,
    /// Progress outlives a loss.
    carries: bool,
    initial_window: u64,
    ecn_beta: f64,
    /// Window and threshold before the last reduction, in case it proves unfounded.
    before: (u64, SlowStart),
}

impl Reno {
    pub(super) fn new(path: &Path) -> Reno {
        Reno::with(path, path.parameters.number("ecn_beta"), Watch::of(path))
    }

    /// Of which so much remains after a mark, and whose slow start is watched so.
    pub(super) fn with(path: &Path, ecn_beta: f64, watch: Watch) -> Reno {
        let (cwnd, slow_start) = (path.initial_window, SlowStart::watched(watch));
        Reno {
            mss: path.mss,
            cwnd,
            slow_start,
            credit: 0,
            carries: path.carries_growth,
            initial_window: cwnd,
            ecn_beta,
            before: (cwnd, slow_start),
        }
    }

    /// Goes on with a window and threshold that another controller found.
    pub(super) fn set(&mut self, cwnd: u64, ssthresh: u64) {
        self.cwnd = cwnd;
        self.slow_start.end_at(ssthresh);
    }

    /// To `threshold`, in whole segments.
    fn reduce(&mut self, threshold: u64) {
        self.before = (self.cwnd, self.slow_start);
        self.slow_start.end_at(threshold);
        self.forget_progress();
    }

    fn forget_progress(&mut self) {
        if !self.carries {
            self.credit = 0;
        }
    }
}

impl CongestionController for Reno {
    fn cwnd(&self) -> u64 {
        self.cwnd
    }

    fn on_ack(&mut self, ack: &Ack) {
        if !ack.may_grow() {
            return;
        }
        let left = self.slow_start.grow(&mut self.cwnd, self.mss, ack.bytes, ack);
        if self.carries && self.credit >= self.cwnd {
            // Gathered when the window was larger (`tcp_cong_avoid_ai`).
            self.credit = 0;
            self.cwnd += self.mss;
        }
        // RFC 5681 §3.1: one segment per window acknowledged.
        self.credit += left;
        if self.credit >= self.cwnd {
            let windows = if self.carries { self.credit / self.cwnd } else { 1 };
            self.credit -= windows * self.cwnd;
            self.cwnd += windows * self.mss;
        }
    }

    fn on_loss(&mut self, loss: &Loss) {
        self.reduce(halved(self.cwnd, loss.flight, self.mss));
        self.cwnd = self.slow_start.ssthresh();
    }

    /// RFC 8511: queues that mark are short, so that less than half may be enough.
    fn on_ecn(&mut self, loss: &Loss) {
        let kept = (loss.flight.min(self.cwnd) as f64 * self.ecn_beta) as u64;
        self.reduce((kept / self.mss).max(2) * self.mss);
        self.cwnd = self.slow_start.ssthresh();
    }

    fn on_timeout(&mut self, loss: &Loss) {
        if loss.new_episode {
            self.reduce(halved(self.cwnd, loss.flight, self.mss));
        }
        // RFC 5681 §3.1: the loss window is one segment.
        self.cwnd = self.mss;
        self.forget_progress();
        self.slow_start.restart();
    }

    fn on_spurious(&mut self) {
        self.cwnd = self.cwnd.max(self.before.0);
        self.slow_start = self.before.1;
    }

    fn on_idle(&mut self) {
        self.cwnd = self.cwnd.min(self.initial_window);
    }

    fn on_decay(&mut self, timeouts: u32) {
        self.slow_start.keep_three_quarters(self.cwnd);
        self.cwnd = decayed(self.cwnd, self.initial_window, timeouts) / self.mss * self.mss;
    }

    fn ssthresh(&self) -> Option<u64> {
        Some(self.slow_start.ssthresh())
    }
}

/// Half the window in whole segments, at least two: equation (4) of RFC 5681 §3.1. Flight counts
/// only up to the window, so that segments sent by limited transmit do not raise it (§3.2).
pub(super) fn halved(cwnd: u64, flight: u64, mss: u64) -> u64 {
    (flight.min(cwnd) / 2 / mss).max(2) * mss
}

/// `tcp_cwnd_restart`: half the window for each timeout of a pause, but not less than the initial one, if it
/// was larger.
pub(super) fn decayed(cwnd: u64, initial_window: u64, timeouts: u32) -> u64 {
    cwnd.checked_shr(timeouts).unwrap_or(0).max(initial_window.min(cwnd))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ack, loss, path};
    use super::*;
    use crate::congestion::Parameters;

    fn reno_path() -> Path {
        Path { parameters: Parameters::defaults(PARAMETERS), ..path() }
    }

    #[test]
    fn doubles_per_round_trip_in_slow_start() {
        let mut reno = Reno::new(&reno_path());
        for _ in 0..5 {
            reno.on_ack(&ack(2000));
        }
        assert_eq!(reno.cwnd(), 20_000);
    }

    #[test]
    fn adds_one_segment_per_window_in_congestion_avoidance() {
        let mut reno = Reno::new(&reno_path());
        reno.on_loss(&loss(10_000));
        assert_eq!(reno.cwnd(), 5_000);
        for _ in 0..5 {
            reno.on_ack(&ack(1000));
        }
        assert_eq!(reno.cwnd(), 6_000);
    }

    #[test]
    fn timeout_restarts_from_one_segment_and_halves_once_per_episode() {
        let mut reno = Reno::new(&reno_path());
        reno.on_timeout(&loss(10_000));
        assert_eq!((reno.cwnd(), reno.ssthresh()), (1_000, Some(5_000)));
        reno.on_timeout(&Loss { new_episode: false, ..loss(1_000) });
        assert_eq!((reno.cwnd(), reno.ssthresh()), (1_000, Some(5_000)));
    }

    #[test]
    fn never_falls_below_two_segments_on_loss() {
        let mut reno = Reno::new(&reno_path());
        reno.on_loss(&loss(1_000));
        assert_eq!(reno.cwnd(), 2_000);
    }

    #[test]
    fn a_mark_takes_as_much_as_a_loss_unless_it_is_told_otherwise() {
        for (beta, kept) in [(None, 5_000), (Some(0.8), 8_000), (Some(0.1), 2_000)] {
            let mut path = reno_path();
            if let Some(beta) = beta {
                path.parameters.set("ecn_beta", beta);
            }
            let mut reno = Reno::new(&path);
            reno.on_ecn(&loss(10_999));
            assert_eq!((reno.cwnd(), reno.ssthresh()), (kept, Some(kept)), "{beta:?}");
        }
    }

    /// As ns-3's `TcpLinuxReno` counts: four segments acknowledged before a loss suffice for a window of two.
    #[test]
    fn progress_outlives_a_loss_if_growth_is_carried() {
        for (carries_growth, after) in [(false, 2_000), (true, 3_000)] {
            let mut reno = Reno::new(&Path { carries_growth, ..reno_path() });
            reno.on_loss(&loss(10_000));
            reno.on_ack(&ack(4_000));
            reno.on_loss(&loss(5_000));
            reno.on_ack(&ack(1_000));
            assert_eq!(reno.cwnd(), after, "{carries_growth}");
        }
    }

    #[test]
    fn an_unused_window_does_not_grow() {
        let mut reno = Reno::new(&reno_path());
        reno.on_ack(&Ack { app_limited: true, ..ack(5_000) });
        assert_eq!(reno.cwnd(), 10_000);
    }
}
