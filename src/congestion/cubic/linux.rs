//! CUBIC as Linux computes it (`net/ipv4/tcp_cubic.c`): windows are whole segments, time counts in
//! 1024ths of a second, and the window grows by one segment for every `cnt` acknowledged.
//!
//! Unlike RFC 9438 §4.2, the target is rounded to whole segments, upwards below the window of the last
//! loss: small windows regain a segment a round trip at once, and the curve leaves its plateau earlier.

use super::super::reno::decayed;
use super::super::{Ack, CongestionController, Loss, SlowStart};
use super::Settings;
use crate::time::{Duration, Instant};

/// Linux computes the curve anew when the window has changed or this has passed (`HZ / 32`).
const UPDATE_INTERVAL: Duration = Duration::from_micros(31_250);
/// Without a loss to aim at, at least one segment for so many acknowledged: 5 % a round trip.
const SLOWEST_SEARCH: u64 = 20;
/// At most half the window more in a round trip (RFC 9438 §4.4).
const FASTEST: u64 = 2;
/// Growth on the plateau: one segment in so many windows.
const PLATEAU: u64 = 100;
/// `BICTCP_BETA_SCALE`, and units of time in a second (`1 << BICTCP_HZ`).
const SCALE: u64 = 1024;

/// CUBIC's state; windows in segments, times in 1024ths of a second.
#[derive(Debug)]
pub struct Cubic {
    mss: u64,
    /// Part of the window kept after a loss, in 1024ths.
    beta: u64,
    ecn_beta: u64,
    /// `cube_rtt_scale`: C, in 1024ths of a segment per second cubed.
    c: u64,
    /// Acknowledged segments, for eight segments of window, for which Reno with this beta gains one.
    reno_scale: u64,
    fast_convergence: bool,
    /// Progress outlives a loss.
    carries: bool,
    initial_window: u64,
    cwnd: u64,
    slow_start: SlowStart,
    /// Segments acknowledged since the window last grew (`snd_cwnd_cnt`).
    credit: u64,
    /// The window of the last loss; zero where there is none to aim at.
    last_max: u64,
    /// The present stage of congestion avoidance, once it has begun.
    epoch: Option<Epoch>,
    /// Window and threshold before the last reduction, in case it proves unfounded.
    before: (u64, SlowStart),
}

#[derive(Clone, Copy, Debug)]
struct Epoch {
    start: Instant,
    /// Time at which the curve reaches its plateau, and the window there.
    k: u64,
    origin: u64,
    /// Segments acknowledged that Reno's window has not answered, and that window.
    acked: u64,
    reno: u64,
    /// One segment more for so many acknowledged; for which window and when this was computed.
    cnt: u64,
    cnt_for: u64,
    cnt_at: Instant,
}

impl Cubic {
    pub(super) fn new(settings: &Settings) -> Cubic {
        let [beta, ecn_beta] =
            [settings.beta, settings.ecn_beta].map(|share| (share * SCALE as f64).round() as u64);
        let initial_window = settings.initial_window / settings.mss;
        Cubic {
            mss: settings.mss,
            beta,
            ecn_beta,
            c: ((settings.c * SCALE as f64).round() as u64).max(1),
            reno_scale: 8 * (SCALE + beta) / 3 / (SCALE - beta),
            fast_convergence: settings.fast_convergence,
            carries: settings.carries,
            initial_window,
            cwnd: initial_window,
            slow_start: SlowStart::watched(settings.watch),
            credit: 0,
            last_max: 0,
            epoch: None,
            before: (initial_window, SlowStart::watched(settings.watch)),
        }
    }

    fn begin_epoch(&self, now: Instant, acked: u64) -> Epoch {
        let missing = self.last_max.saturating_sub(self.cwnd);
        // libm's cube root is the same on every platform.
        let k = libm::cbrt(missing as f64 * (1u64 << 40) as f64 / self.c as f64) as u64;
        let origin = self.last_max.max(self.cwnd);
        Epoch { start: now, k, origin, acked, reno: self.cwnd, cnt: 0, cnt_for: 0, cnt_at: now }
    }

    /// `bictcp_update`: for how many acknowledged segments the window grows by one.
    fn pace(&mut self, now: Instant, acked: u64, min_rtt: Duration) -> u64 {
        let (mut epoch, begins) = match self.epoch {
            Some(mut epoch) => {
                epoch.acked += acked;
                (epoch, false)
            }
            None => (self.begin_epoch(now, acked), true),
        };
        let stale = epoch.cnt_for != self.cwnd || now - epoch.cnt_at > UPDATE_INTERVAL;
        if begins || stale {
            epoch.cnt_for = self.cwnd;
            epoch.cnt_at = now;
            let cnt = self.along_the_curve(&epoch, now, min_rtt);
            epoch.cnt = self.towards_reno(&mut epoch, cnt).max(FASTEST);
        }
        self.epoch = Some(epoch);
        epoch.cnt
    }

    fn along_the_curve(&self, epoch: &Epoch, now: Instant, min_rtt: Duration) -> u64 {
        // There is no smallest round trip before the first sample.
        let ahead = if min_rtt == Duration::MAX { Duration::ZERO } else { min_rtt };
        let t = units(now - epoch.start) + units(ahead);
        let offset = u128::from(t.abs_diff(epoch.k));
        let delta = ((u128::from(self.c) * offset * offset * offset) >> 40).min(1 << 40) as u64;
        let target =
            if t < epoch.k { epoch.origin.saturating_sub(delta) } else { epoch.origin.saturating_add(delta) };
        let cnt = if target > self.cwnd { self.cwnd / (target - self.cwnd) } else { PLATEAU * self.cwnd };
        if self.last_max == 0 { cnt.min(SLOWEST_SEARCH) } else { cnt }
    }

    /// Never slower than Reno would be (RFC 9438 §4.3).
    fn towards_reno(&self, epoch: &mut Epoch, cnt: u64) -> u64 {
        let step = ((self.cwnd * self.reno_scale) >> 3).max(1);
        // One more than the whole steps remains, as in Linux.
        let steps = epoch.acked.saturating_sub(1) / step;
        epoch.acked -= steps * step;
        epoch.reno += steps;
        if epoch.reno > self.cwnd { cnt.min(self.cwnd / (epoch.reno - self.cwnd)) } else { cnt }
    }

    /// `tcp_cong_avoid_ai`
    fn grow(&mut self, acked: u64, cnt: u64) {
        if self.carries {
            // As ns-3 does: a segment for an acknowledgment, and the rest of the progress is kept.
            self.credit += acked;
            if self.credit >= cnt {
                self.credit -= cnt;
                self.cwnd += 1;
            }
            return;
        }
        if self.credit >= cnt {
            // Gathered when growth was slower.
            self.credit = 0;
            self.cwnd += 1;
        }
        self.credit += acked;
        self.cwnd += self.credit / cnt;
        self.credit %= cnt;
    }

    /// RFC 9438 §4.6, §4.7; of the window, not of what is in flight.
    fn reduce(&mut self, beta: u64) {
        self.before = (self.cwnd, self.slow_start);
        self.last_max = if self.fast_convergence && self.cwnd < self.last_max {
            self.cwnd * (SCALE + self.beta) / (2 * SCALE)
        } else {
            self.cwnd
        };
        self.slow_start.end_at((self.cwnd * beta / SCALE).max(2));
        self.epoch = None;
        if !self.carries {
            self.credit = 0;
        }
    }
}

impl CongestionController for Cubic {
    fn cwnd(&self) -> u64 {
        self.cwnd * self.mss
    }

    fn on_ack(&mut self, ack: &Ack) {
        if !ack.may_grow() {
            return;
        }
        let acked = ack.bytes.div_ceil(self.mss);
        let acked = self.slow_start.grow(&mut self.cwnd, 1, acked, ack);
        if acked > 0 {
            let cnt = self.pace(ack.now, acked, ack.min_rtt);
            self.grow(acked, cnt);
        }
    }

    fn on_loss(&mut self, _: &Loss) {
        self.reduce(self.beta);
        self.cwnd = self.slow_start.ssthresh();
    }

    fn on_ecn(&mut self, _: &Loss) {
        self.reduce(self.ecn_beta);
        self.cwnd = self.slow_start.ssthresh();
    }

    fn on_timeout(&mut self, loss: &Loss) {
        if loss.new_episode {
            self.reduce(self.beta);
        }
        // Linux forgets the curve altogether (`bictcp_reset` on `TCP_CA_Loss`).
        self.last_max = 0;
        self.epoch = None;
        self.credit = 0;
        self.slow_start.restart();
        self.cwnd = 1;
    }

    fn on_spurious(&mut self) {
        self.cwnd = self.cwnd.max(self.before.0);
        self.slow_start = self.before.1;
        self.epoch = None;
    }

    fn on_idle(&mut self) {
        self.cwnd = self.cwnd.min(self.initial_window);
        self.epoch = None;
    }

    fn on_decay(&mut self, timeouts: u32) {
        self.slow_start.keep_three_quarters(self.cwnd);
        self.cwnd = decayed(self.cwnd, self.initial_window, timeouts);
        self.epoch = None;
    }

    fn ssthresh(&self) -> Option<u64> {
        Some(self.slow_start.ssthresh().saturating_mul(self.mss))
    }
}

/// At most 48 days, so that a cube fits.
fn units(span: Duration) -> u64 {
    let units = u128::from(span.as_nanos()) * u128::from(SCALE) / 1_000_000_000;
    units.min(1 << 32) as u64
}
