//! Control by the model: pacing rate and congestion window (§5.6).

use super::super::path_model::{UNIT, paced, passed, rate};
use super::super::{Ack, CongestionController};
use super::{Bbr, LEAST_SEGMENTS, STARTUP_GAIN, State, UNBOUNDED};
use crate::time::Duration;

/// Bursts in flight that keep both hosts busy (§5.5.8.1).
const OFFLOAD_QUANTA: u64 = 3;

impl Bbr {
    /// `InitPacingRate`: the initial window in a round trip, taken for a millisecond before one is known.
    pub(super) fn start_pacing(&mut self, rtt: Option<Duration>) {
        self.has_seen_rtt = rtt.is_some();
        let rtt = rtt.unwrap_or(Duration::from_millis(1)).max(Duration::from_micros(1));
        self.pacing_rate = rate(self.initial_window, rtt) * STARTUP_GAIN / UNIT;
    }

    /// The first round trip, if the handshake had none.
    pub(super) fn resume_pacing(&mut self, srtt: Duration) {
        if !self.has_seen_rtt && srtt > Duration::ZERO {
            self.start_pacing(Some(srtt));
        }
    }

    /// `SetPacingRateWithGain`.
    pub(super) fn set_pacing_rate(&mut self, gain: u64) {
        let pace = paced(self.bandwidth(), gain);
        if self.full_pipe.reached || pace > self.pacing_rate {
            self.pacing_rate = pace;
        }
    }

    /// `BDPMultiple`.
    pub(super) fn bdp(&self, bandwidth: u64, gain: u64) -> u64 {
        self.min_rtt.get().map_or(self.initial_window, |rtt| passed(bandwidth, rtt) * gain / UNIT)
    }

    /// `TargetInflight`.
    pub(super) fn target_inflight(&self) -> u64 {
        self.bdp(self.bandwidth(), UNIT).min(self.cwnd)
    }

    /// `QuantizationBudget`.
    fn quantized(&self, inflight: u64) -> u64 {
        let floor = (OFFLOAD_QUANTA * self.send_quantum()).max(LEAST_SEGMENTS * self.mss);
        inflight.max(floor) + if self.state == State::Up { 2 * self.mss } else { 0 }
    }

    /// `Inflight(1.0)`: bytes in flight that fill the path at `bandwidth` and no queue.
    pub(super) fn inflight(&self, bandwidth: u64) -> u64 {
        self.quantized(self.bdp(bandwidth, UNIT))
    }

    /// `SaveCwnd`: before `recovers` or `state` say that it changes.
    pub(super) fn save_cwnd(&mut self) {
        let is_good = !self.recovers && self.state != State::ProbeRtt;
        self.prior_cwnd = if is_good { self.cwnd } else { self.prior_cwnd.max(self.cwnd) };
    }

    /// `RestoreCwnd`.
    pub(super) fn restore_cwnd(&mut self) {
        self.cwnd = self.cwnd.max(self.prior_cwnd);
    }

    /// `SetCwnd`.
    pub(super) fn set_cwnd(&mut self, ack: &Ack, acked: u64) {
        let target = self.quantized(self.bdp(self.bandwidth(), self.state.cwnd_gain()) + self.extra_acked());
        if self.full_pipe.reached {
            self.cwnd = (self.cwnd + acked).min(target);
        } else if self.cwnd < target || ack.delivered < self.initial_window {
            self.cwnd += acked;
        }
        self.cwnd = self.cwnd.max(LEAST_SEGMENTS * self.mss);
        if self.state == State::ProbeRtt {
            self.cwnd = self.cwnd.min(self.probe_rtt_cwnd());
        }
        self.cwnd = self.cwnd.min(self.volume_cap());
    }

    /// `BoundCwndForModel`.
    fn volume_cap(&self) -> u64 {
        let long_term = match self.state {
            State::Down | State::Refill | State::Up => self.long_term,
            State::Cruise | State::ProbeRtt => self.inflight_with_headroom(),
            State::Startup | State::Drain => UNBOUNDED,
        };
        long_term.min(self.short_term.inflight).max(LEAST_SEGMENTS * self.mss)
    }
}
