//! CUBIC with the real numbers of RFC 9438.

use super::super::{Ack, Advice, CongestionController, Loss, Watch};
use super::Settings;
use crate::time::{Duration, Instant};

/// CUBIC's state; windows in segments, as in the RFC.
#[derive(Debug)]
pub struct Cubic {
    mss: f64,
    beta: f64,
    ecn_beta: f64,
    c: f64,
    fast_convergence: bool,
    catches_up: bool,
    initial_window: f64,
    cwnd: f64,
    ssthresh: f64,
    watch: Watch,
    /// The window of the last loss, which the cubic curve approaches.
    w_max: f64,
    /// The window just before the last loss (`cwnd_prior`).
    cwnd_prior: f64,
    /// The present stage of congestion avoidance, once it has begun.
    epoch: Option<Epoch>,
    /// Window, threshold and `w_max` before the last reduction, in case it proves unfounded.
    before: (f64, f64, f64),
}

#[derive(Clone, Copy, Debug)]
struct Epoch {
    start: Instant,
    /// Seconds from the start until the curve reaches `w_max` (figure 2 of the RFC).
    k: f64,
    /// Estimate of Reno's window (§4.3).
    w_est: f64,
}

impl Cubic {
    pub(super) fn new(settings: &Settings) -> Cubic {
        let mss = settings.mss as f64;
        let initial_window = settings.initial_window as f64 / mss;
        Cubic {
            mss,
            beta: settings.beta,
            ecn_beta: settings.ecn_beta,
            c: settings.c,
            fast_convergence: settings.fast_convergence,
            catches_up: settings.reno_increase,
            initial_window,
            cwnd: initial_window,
            ssthresh: f64::INFINITY,
            watch: settings.watch,
            w_max: 0.0,
            cwnd_prior: 0.0,
            epoch: None,
            before: (initial_window, f64::INFINITY, 0.0),
        }
    }

    /// Slow start, in the way that the scenario chose (§4.10 wants HyStart++). Returns what it used of `acked`.
    fn start_slowly(&mut self, acked: f64, ack: &Ack) -> f64 {
        let part = match self.watch.hear(self.cwnd as u64, self.ssthresh.is_infinite(), ack) {
            Advice::Go => 1.0,
            Advice::Slower(part) => part as f64,
            Advice::End => {
                self.ssthresh = self.cwnd;
                return 0.0;
            }
        };
        let grown = (acked / part).min(self.ssthresh - self.cwnd);
        self.cwnd += grown;
        grown * part
    }

    /// §4.2, equation (1): the curve `t` seconds after the epoch began.
    fn w_cubic(&self, epoch: &Epoch, t: f64) -> f64 {
        let x = t - epoch.k;
        self.c * x * x * x + self.w_max
    }

    /// §4.2: an epoch begins where congestion avoidance does.
    fn begin_epoch(&mut self, now: Instant) -> Epoch {
        if self.cwnd >= self.w_max {
            self.w_max = self.cwnd;
        }
        // Equation (2). libm's cube root is the same on every platform.
        let k = libm::cbrt((self.w_max - self.cwnd) / self.c);
        Epoch { start: now, k, w_est: self.cwnd }
    }

    /// §4.2 to §4.5: one acknowledgment in congestion avoidance.
    fn avoid_congestion(&mut self, now: Instant, acked: f64, rtt: Duration) {
        let mut epoch = match self.epoch {
            Some(epoch) => epoch,
            None => self.begin_epoch(now),
        };
        let t = (now - epoch.start).as_secs_f64();
        // §4.3, equation (4): additive increase that is as aggressive as Reno's, given beta.
        // Unlike RFC 9438 §4.3, which then wants 1, not faster beyond the window of the last loss
        // unless asked: Linux is not, and its throughput is what ours is compared with.
        let alpha = if self.catches_up && epoch.w_est >= self.cwnd_prior {
            1.0
        } else {
            3.0 * (1.0 - self.beta) / (1.0 + self.beta)
        };
        epoch.w_est += alpha * acked / self.cwnd;
        if self.w_cubic(&epoch, t) < epoch.w_est {
            // The Reno-friendly region.
            self.cwnd = self.cwnd.max(epoch.w_est);
        } else {
            // §4.4, §4.5: towards where the curve will be in a round trip, at most half as much
            // again.
            let ahead = self.w_cubic(&epoch, t + rtt.as_secs_f64());
            let target = ahead.clamp(self.cwnd, 1.5 * self.cwnd);
            self.cwnd += (target - self.cwnd) / self.cwnd * acked;
        }
        self.epoch = Some(epoch);
    }

    /// §4.6, §4.7: the window falls to beta of what was in flight, and the curve remembers.
    fn reduce(&mut self, loss: &Loss, beta: f64) {
        self.before = (self.cwnd, self.ssthresh, self.w_max);
        let window = whole(self.cwnd).min(loss.flight as f64 / self.mss);
        self.cwnd_prior = window;
        self.w_max = if self.fast_convergence && window < self.w_max {
            window * f64::midpoint(1.0, self.beta)
        } else {
            window
        };
        self.ssthresh = whole(window * beta).max(2.0);
        self.epoch = None;
    }
}

impl CongestionController for Cubic {
    fn cwnd(&self) -> u64 {
        (whole(self.cwnd) * self.mss) as u64
    }

    fn on_ack(&mut self, ack: &Ack) {
        if !ack.may_grow() {
            // §5.8: time without sending is no time in the curve.
            if ack.app_limited {
                self.epoch = None;
            }
            return;
        }
        let mut acked = ack.bytes as f64 / self.mss;
        if self.cwnd < self.ssthresh {
            acked -= self.start_slowly(acked, ack);
        }
        if acked > 0.0 {
            self.avoid_congestion(ack.now, acked, ack.srtt);
        }
    }

    fn on_loss(&mut self, loss: &Loss) {
        self.reduce(loss, self.beta);
        self.cwnd = self.ssthresh;
    }

    fn on_ecn(&mut self, loss: &Loss) {
        self.reduce(loss, self.ecn_beta);
        self.cwnd = self.ssthresh;
    }

    fn on_timeout(&mut self, loss: &Loss) {
        if loss.new_episode {
            self.reduce(loss, self.beta);
        }
        // §4.8: as Reno, slow start from one segment; the curve then starts at its plateau (K = 0).
        self.cwnd = 1.0;
        self.watch.restart();
        self.w_max = 0.0;
        self.epoch = None;
    }

    fn on_spurious(&mut self) {
        // §4.9.2
        let (cwnd, ssthresh, w_max) = self.before;
        self.cwnd = self.cwnd.max(cwnd);
        self.ssthresh = ssthresh;
        self.w_max = w_max;
        self.epoch = None;
    }

    fn on_idle(&mut self) {
        self.cwnd = self.cwnd.min(self.initial_window);
        self.epoch = None;
    }

    fn ssthresh(&self) -> Option<u64> {
        Some(if self.ssthresh.is_finite() { (self.ssthresh * self.mss) as u64 } else { u64::MAX })
    }
}

/// Whole segments: senders send no fractions, and kernels count none.
fn whole(segments: f64) -> f64 {
    segments as u64 as f64
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{ack, loss};
    use super::super::testing::settings;
    use super::*;

    fn cubic() -> Cubic {
        Cubic::new(&settings())
    }

    /// Acknowledges whole windows every `rtt` for `secs` seconds from `start` on.
    fn grow(cubic: &mut Cubic, start: f64, secs: f64, rtt: Duration) {
        let rounds = (secs / rtt.as_secs_f64()) as u64;
        for round in 1..=rounds {
            let now = Instant::ZERO + Duration::from_secs_f64(start) + rtt * round;
            let bytes = cubic.cwnd();
            cubic.on_ack(&Ack { now, srtt: rtt, ..ack(bytes) });
        }
    }

    #[test]
    fn a_mark_takes_as_much_as_a_loss_unless_it_is_told_otherwise() {
        // In shares of 1024 that the kernel would have, 0.85 is a little less.
        for (ecn_beta, kept) in [(0.7, [70_000, 70_000]), (0.85, [85_000, 84_000])] {
            let settings = Settings { ecn_beta, ..settings() };
            let forms: [Box<dyn CongestionController>; 2] =
                [Box::new(Cubic::new(&settings)), Box::new(super::super::linux::Cubic::new(&settings))];
            for (mut cubic, kept) in forms.into_iter().zip(kept) {
                while cubic.cwnd() < 100_000 {
                    cubic.on_ack(&ack(1_000));
                }
                cubic.on_ecn(&loss(100_000));
                assert_eq!(cubic.cwnd(), kept, "{ecn_beta}");
            }
        }
    }

    #[test]
    fn keeps_seven_tenths_after_a_loss() {
        let mut cubic = cubic();
        cubic.cwnd = 100.0;
        cubic.on_loss(&loss(100_000));
        assert_eq!(cubic.cwnd(), 70_000);
    }

    #[test]
    fn returns_to_the_old_window_after_k_seconds() {
        let mut cubic = cubic();
        cubic.cwnd = 1000.0;
        cubic.on_loss(&loss(1_000_000));
        // K = cbrt(1000 · 0.3 / 0.4) = 9.09 s; a 200 ms RTT is far from the Reno-friendly region.
        grow(&mut cubic, 0.0, 9.0, Duration::from_millis(200));
        let segments = cubic.cwnd() / 1000;
        assert!((985..=1001).contains(&segments), "{segments}");
        grow(&mut cubic, 9.0, 6.0, Duration::from_millis(200));
        assert!(cubic.cwnd() > 1_030_000, "beyond the plateau it probes: {}", cubic.cwnd());
    }

    #[test]
    fn is_no_slower_than_reno_on_short_paths() {
        // In a second of 10 ms round trips Reno with beta 0.7 gains 0.53 segments a round; asked
        // to, it gains one a round once it is back at 20.
        for (catches_up, expected) in [(false, 14 + 53), (true, 20 + 88)] {
            let mut cubic = cubic();
            cubic.catches_up = catches_up;
            cubic.cwnd = 20.0;
            cubic.on_loss(&loss(20_000));
            grow(&mut cubic, 0.0, 1.0, Duration::from_millis(10));
            let segments = cubic.cwnd() / 1000;
            assert!(segments.abs_diff(expected) <= 2, "{segments} instead of {expected}");
        }
    }

    #[test]
    fn fast_convergence_gives_way_after_a_second_loss() {
        let mut cubic = cubic();
        cubic.cwnd = 100.0;
        cubic.on_loss(&loss(100_000));
        cubic.on_loss(&loss(70_000));
        assert!((cubic.w_max - 70.0 * 0.85).abs() < 1e-9);
    }

    #[test]
    fn timeout_restarts_from_one_segment() {
        let mut cubic = cubic();
        cubic.cwnd = 100.0;
        cubic.on_timeout(&loss(100_000));
        assert_eq!((cubic.cwnd(), cubic.ssthresh()), (1_000, Some(70_000)));
    }
}
