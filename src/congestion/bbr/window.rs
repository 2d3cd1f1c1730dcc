//! The window of BBR: how much keeps the path busy, and its ways through recovery.

use super::super::path_model::{UNIT, passed};
use super::super::{Ack, CongestionController as _};
use super::{Bbr, Episode, LEAST_SEGMENTS, Mode};

impl Bbr {
    /// Bytes in flight that keep the path busy at `gain`: its bandwidth-delay product in whole segments.
    pub(super) fn bdp(&self, bandwidth: u64, gain: u64) -> u64 {
        let Some(min_rtt) = self.min_rtt else { return self.initial_window };
        let bytes = passed(bandwidth, min_rtt) * gain / UNIT;
        bytes.div_ceil(self.mss) * self.mss
    }

    /// Room for bursts at both ends; an even number of segments, for delayed acknowledgments.
    pub(super) fn with_bursts(&self, target: u64) -> u64 {
        let segments = (target + 3 * self.send_quantum()).div_ceil(self.mss);
        let asks = self.mode == Mode::ProbeBandwidth && self.cycle == 0;
        (segments.next_multiple_of(2) + if asks { 2 } else { 0 }) * self.mss
    }

    pub(super) fn inflight(&self, gain: u64) -> u64 {
        self.with_bursts(self.bdp(self.bandwidth.get(), gain))
    }

    /// Bytes in the network when the next burst leaves, of `pipe` now.
    pub(super) fn pipe_at_departure(&self, ack: &Ack, pipe: u64) -> u64 {
        let pipe = if self.pacing_gain() > UNIT { pipe + self.send_quantum() } else { pipe };
        pipe.saturating_sub(passed(self.model_bandwidth(), ack.departure.saturating_since(ack.now)))
    }

    /// Remembers the last good window before it is cut.
    pub(super) fn save_cwnd(&mut self) {
        let is_good = self.last_episode == Episode::Open && self.mode != Mode::ProbeRtt;
        self.prior_cwnd = if is_good { self.cwnd } else { self.prior_cwnd.max(self.cwnd) };
    }

    pub(super) fn set_cwnd(&mut self, ack: &Ack, acked: u64) {
        if acked > 0 {
            self.cwnd = self.next_cwnd(ack, acked);
        }
        if self.mode == Mode::ProbeRtt {
            self.cwnd = self.cwnd.min(LEAST_SEGMENTS * self.mss);
        }
    }

    pub(super) fn next_cwnd(&mut self, ack: &Ack, acked: u64) -> u64 {
        let mut cwnd = self.cwnd.saturating_sub(ack.newly_lost).max(self.mss);
        let was = std::mem::replace(&mut self.last_episode, self.episode);
        if self.episode == Episode::Recovery && was != Episode::Recovery {
            // A round of one packet out for one in.
            self.conserves = true;
            self.round_end = ack.delivered;
            cwnd = ack.pipe.1 + acked;
        } else if self.episode == Episode::Open && was != Episode::Open {
            self.conserves = false;
            cwnd = cwnd.max(self.prior_cwnd);
        }
        if self.conserves {
            return cwnd.max(ack.pipe.1 + acked).max(self.mss);
        }
        let bandwidth = self.model_bandwidth();
        let allowance = if self.pipe_is_full { self.aggregation.allowance(bandwidth) } else { 0 };
        let target = self.with_bursts(self.bdp(bandwidth, self.cwnd_gain()) + allowance);
        if self.pipe_is_full {
            cwnd = (cwnd + acked).min(target);
        } else if cwnd < target || ack.delivered < self.initial_window {
            cwnd += acked;
        }
        cwnd.max(LEAST_SEGMENTS * self.mss)
    }
}
