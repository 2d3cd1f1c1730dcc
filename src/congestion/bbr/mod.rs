//! BBR version 1 (Cardwell et al., "BBR: Congestion-Based Congestion Control", ACM Queue 14(5), 2016) with
//! the constants and the order of steps of Linux 6 (`tcp_bbr.c`): it measures the bottleneck's bandwidth and
//! the round trip without queues, sends at the one, and keeps about twice their product in flight.
//!
//! Unlike Linux, which counts packets, it counts bytes, rounded up to segments where a target is set; and its
//! filter has the largest sample of each round and not the three best ones.

mod aggregation;
mod policer;
#[cfg(test)]
mod tests;
mod window;

use super::path_model::{RoundMax, UNIT, paced, quantum, rate, rate_of};
use super::{Ack, Beliefs, CongestionController, Loss, Path, Phase, Restart};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::units::Rate;
use aggregation::Aggregation;
use policer::{Policer, Totals};

/// 2/ln 2, the least that doubles the rate in a round trip, and its inverse to drain the queue of that.
const HIGH_GAIN: u64 = UNIT * 2_885 / 1_000 + 1;
const DRAIN_GAIN: u64 = UNIT * 1_000 / 2_885;
/// The steady window: room for delayed and gathered acknowledgments.
const CWND_GAIN: u64 = 2 * UNIT;
/// The steady pace, a round trip each: ask for more, give back, cruise.
const CYCLE: [u64; 8] = [UNIT * 5 / 4, UNIT * 3 / 4, UNIT, UNIT, UNIT, UNIT, UNIT, UNIT];
/// Rounds that a bandwidth counts for: the present one and ten before it.
const BANDWIDTH_ROUNDS: usize = 11;
/// Segments that keep a path busy when each second one is acknowledged.
const LEAST_SEGMENTS: u64 = 4;
/// The pipe is full after so many rounds without a quarter more bandwidth.
const FULL_ROUNDS: u32 = 3;
/// A smallest round trip counts so long; then little is sent for a while, to see it again.
const MIN_RTT_WINDOW: Duration = Duration::from_secs(10);
const PROBE_RTT_TIME: Duration = Duration::from_millis(200);
/// Below this rate, in bytes per second, segments leave one by one, above it at least in pairs.
const LEAST_PAIRED: u64 = 1_200_000 / 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Startup,
    Drain,
    ProbeBandwidth,
    ProbeRtt,
}

/// Episode of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Episode {
    Open,
    Recovery,
    Loss,
}

/// State of BBR; rates in bytes per second, windows in bytes.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
pub(super) struct Bbr {
    mss: u64,
    initial_window: u64,
    rng: Rng,
    mode: Mode,
    cwnd: u64,
    pacing_rate: u64,
    has_seen_rtt: bool,
    bandwidth: RoundMax<BANDWIDTH_ROUNDS>,
    /// The present round ends when something sent after so much was delivered is acknowledged.
    round_end: u64,
    round_start: bool,
    /// The largest bandwidth before it ceased to grow, and rounds since.
    full_bandwidth: u64,
    full_rounds: u32,
    pipe_is_full: bool,
    /// Place in the cycle, and since when.
    cycle: usize,
    cycle_start: Instant,
    min_rtt: Option<Duration>,
    min_rtt_at: Instant,
    /// Earliest end of sending little, once that little is reached.
    probe_rtt_end: Option<Instant>,
    probe_rtt_round: bool,
    restarts: bool,
    delivered: u64,
    /// Episode now and at the last acknowledgment, and the window before it.
    episode: Episode,
    last_episode: Episode,
    prior_cwnd: u64,
    conserves: bool,
    aggregation: Aggregation,
    policer: Policer,
}

impl Bbr {
    pub(super) fn new(path: &Path) -> Bbr {
        let mut bbr = Bbr {
            mss: path.mss,
            initial_window: path.initial_window,
            rng: path.rng.clone(),
            mode: Mode::Startup,
            cwnd: path.initial_window,
            pacing_rate: 0,
            has_seen_rtt: false,
            bandwidth: RoundMax::default(),
            round_end: 0,
            round_start: false,
            full_bandwidth: 0,
            full_rounds: 0,
            pipe_is_full: false,
            cycle: 0,
            cycle_start: Instant::ZERO,
            min_rtt: path.rtt,
            min_rtt_at: path.now,
            probe_rtt_end: None,
            probe_rtt_round: false,
            restarts: false,
            delivered: 0,
            episode: Episode::Open,
            last_episode: Episode::Open,
            prior_cwnd: 0,
            conserves: false,
            aggregation: Aggregation::new(path.now),
            policer: Policer::new(),
        };
        bbr.start_pacing(path.rtt);
        bbr
    }

    /// The bandwidth that it sends by.
    fn model_bandwidth(&self) -> u64 {
        self.policer.rate().unwrap_or_else(|| self.bandwidth.get())
    }

    fn pacing_gain(&self) -> u64 {
        match self.mode {
            Mode::Startup => HIGH_GAIN,
            Mode::Drain => DRAIN_GAIN,
            Mode::ProbeBandwidth if self.policer.rate().is_none() => CYCLE[self.cycle],
            Mode::ProbeBandwidth | Mode::ProbeRtt => UNIT,
        }
    }

    fn cwnd_gain(&self) -> u64 {
        match self.mode {
            Mode::Startup | Mode::Drain => HIGH_GAIN,
            Mode::ProbeBandwidth => CWND_GAIN,
            Mode::ProbeRtt => UNIT,
        }
    }

    /// Paces a first window over a round trip, taken for a millisecond before one is known.
    fn start_pacing(&mut self, rtt: Option<Duration>) {
        self.has_seen_rtt = rtt.is_some();
        let rtt = rtt.unwrap_or(Duration::from_millis(1)).max(Duration::from_micros(1));
        self.pacing_rate = paced(rate(self.cwnd, rtt), HIGH_GAIN);
    }

    fn set_pacing_rate(&mut self, srtt: Duration, gain: u64) {
        if !self.has_seen_rtt && srtt > Duration::ZERO {
            self.start_pacing(Some(srtt));
        }
        let pace = paced(self.model_bandwidth(), gain);
        if self.pipe_is_full || pace > self.pacing_rate {
            self.pacing_rate = pace;
        }
    }

    fn update_bandwidth(&mut self, ack: &Ack) {
        self.round_start = false;
        let Some(sample) = &ack.sample else { return };
        if sample.prior_delivered >= self.round_end {
            self.round_end = ack.delivered;
            self.round_start = true;
            self.conserves = false;
            self.bandwidth.begin_round();
        }
        self.watch_policer(ack.now, ack.lost, ack.newly_lost > 0, ack.sample.as_ref());
        let rate = rate_of(sample);
        if !sample.app_limited || rate >= self.bandwidth.get() {
            self.bandwidth.take(rate);
        }
    }

    fn watch_policer(&mut self, now: Instant, lost: u64, losses: bool, sample: Option<&super::Sample>) {
        let totals = Totals { now, delivered: self.delivered, lost };
        let steady = self.mode == Mode::ProbeBandwidth;
        if self.policer.take(totals, self.round_start, losses, sample, steady) {
            self.probe_bandwidth(now);
        }
    }

    fn update_aggregation(&mut self, ack: &Ack, acked: u64) {
        if ack.sample.is_none() || acked == 0 {
            return;
        }
        if self.round_start {
            self.aggregation.begin_round();
        }
        self.aggregation.take(ack.now, acked, self.cwnd, self.model_bandwidth());
    }

    /// Any place of the cycle but the one that gives back.
    fn probe_bandwidth(&mut self, now: Instant) {
        self.mode = Mode::ProbeBandwidth;
        self.cycle = CYCLE.len() - 1 - self.rng.below(7) as usize;
        self.advance_cycle(now);
    }

    fn advance_cycle(&mut self, now: Instant) {
        self.cycle = (self.cycle + 1) % CYCLE.len();
        self.cycle_start = now;
    }

    fn update_cycle(&mut self, ack: &Ack) {
        if self.mode == Mode::ProbeBandwidth && self.is_phase_over(ack) {
            self.advance_cycle(ack.now);
        }
    }

    fn is_phase_over(&self, ack: &Ack) -> bool {
        let gain = self.pacing_gain();
        let full_length = self.min_rtt.is_none_or(|min_rtt| ack.now - self.cycle_start > min_rtt);
        if gain == UNIT {
            return full_length;
        }
        let pipe = self.pipe_at_departure(ack, ack.pipe.0);
        if gain > UNIT {
            full_length && (ack.newly_lost > 0 || pipe >= self.inflight(gain))
        } else {
            full_length || pipe <= self.inflight(UNIT)
        }
    }

    /// The pipe is full when the bandwidth no longer grows by a quarter a round.
    fn look_for_plateau(&mut self, ack: &Ack) {
        let app_limited = ack.sample.as_ref().is_some_and(|sample| sample.app_limited);
        if self.pipe_is_full || !self.round_start || app_limited {
            return;
        }
        let bandwidth = self.bandwidth.get();
        if bandwidth >= self.full_bandwidth * 5 / 4 {
            self.full_bandwidth = bandwidth;
            self.full_rounds = 0;
        } else {
            self.full_rounds += 1;
            self.pipe_is_full = self.full_rounds >= FULL_ROUNDS;
        }
    }

    fn look_for_drained(&mut self, ack: &Ack) {
        if self.mode == Mode::Startup && self.pipe_is_full {
            self.mode = Mode::Drain;
        }
        if self.mode == Mode::Drain && self.pipe_at_departure(ack, ack.pipe.1) <= self.inflight(UNIT) {
            self.probe_bandwidth(ack.now);
        }
    }

    fn update_min_rtt(&mut self, ack: &Ack) {
        let expired = ack.now > self.min_rtt_at + MIN_RTT_WINDOW;
        // To the microsecond, as Linux measures it.
        let rtt = ack.rtt.map(|rtt| Duration::from_micros(rtt.as_nanos() / 1_000));
        if let Some(rtt) = rtt.filter(|&rtt| expired || self.min_rtt.is_none_or(|least| rtt <= least)) {
            self.min_rtt = Some(rtt);
            self.min_rtt_at = ack.now;
        }
        if expired && !self.restarts && self.mode != Mode::ProbeRtt {
            self.save_cwnd();
            self.mode = Mode::ProbeRtt;
            self.probe_rtt_end = None;
        }
        if self.mode == Mode::ProbeRtt {
            match self.probe_rtt_end {
                None if ack.pipe.1 <= LEAST_SEGMENTS * self.mss => {
                    self.probe_rtt_end = Some(ack.now + PROBE_RTT_TIME);
                    self.probe_rtt_round = false;
                    self.round_end = ack.delivered;
                }
                None => {}
                Some(_) => {
                    self.probe_rtt_round |= self.round_start;
                    if self.probe_rtt_round {
                        self.leave_probe_rtt(ack.now);
                    }
                }
            }
        }
        self.restarts &= ack.sample.is_none_or(|sample| sample.delivered == 0);
    }

    fn leave_probe_rtt(&mut self, now: Instant) {
        if self.probe_rtt_end.is_none_or(|end| now <= end) {
            return;
        }
        self.min_rtt_at = now;
        self.cwnd = self.cwnd.max(self.prior_cwnd);
        if self.pipe_is_full {
            self.probe_bandwidth(now);
        } else {
            self.mode = Mode::Startup;
        }
    }
}

impl CongestionController for Bbr {
    fn cwnd(&self) -> u64 {
        self.cwnd
    }

    fn on_ack(&mut self, ack: &Ack) {
        let acked = ack.delivered - std::mem::replace(&mut self.delivered, ack.delivered);
        self.update_bandwidth(ack);
        self.update_aggregation(ack, acked);
        self.update_cycle(ack);
        self.look_for_plateau(ack);
        self.look_for_drained(ack);
        self.update_min_rtt(ack);
        self.set_pacing_rate(ack.srtt, self.pacing_gain());
        self.set_cwnd(ack, acked);
    }

    fn on_loss(&mut self, _: &Loss) {
        self.save_cwnd();
        self.episode = Episode::Recovery;
    }

    fn on_timeout(&mut self, loss: &Loss) {
        if loss.new_episode {
            self.save_cwnd();
        }
        (self.episode, self.last_episode) = (Episode::Loss, Episode::Loss);
        self.full_bandwidth = 0;
        self.round_start = true;
        self.watch_policer(loss.now, loss.lost, true, None);
        self.cwnd = loss.pipe + self.mss;
    }

    /// Version 1 does not hear of marks.
    fn on_ecn(&mut self, _: &Loss) {}

    fn on_recovered(&mut self, _: Instant) {
        self.episode = Episode::Open;
    }

    fn on_spurious(&mut self) {
        self.full_bandwidth = 0;
        self.full_rounds = 0;
        self.policer = Policer::new();
    }

    fn on_restart(&mut self, restart: Restart) {
        if !restart.app_limited {
            return;
        }
        self.restarts = true;
        self.aggregation.restart(restart.now);
        match self.mode {
            Mode::ProbeBandwidth => self.set_pacing_rate(Duration::ZERO, UNIT),
            Mode::ProbeRtt => self.leave_probe_rtt(restart.now),
            Mode::Startup | Mode::Drain => {}
        }
    }

    fn pacing_rate(&self) -> Option<Rate> {
        Rate::from_bits_per_second(self.pacing_rate.saturating_mul(8).max(1))
    }

    fn send_quantum(&self) -> u64 {
        let least = if self.pacing_rate < LEAST_PAIRED { 1 } else { 2 };
        quantum(self.pacing_rate, self.mss, least)
    }

    fn wants_prr(&self) -> bool {
        false
    }

    fn holds_back(&self) -> bool {
        self.mode == Mode::ProbeRtt
    }

    fn beliefs(&self) -> Beliefs {
        Beliefs {
            bandwidth: Rate::from_bits_per_second(self.model_bandwidth().saturating_mul(8)),
            min_rtt: self.min_rtt,
            ..Beliefs::default()
        }
    }

    fn phase(&self) -> Phase {
        match self.mode {
            Mode::Startup => Phase::Startup,
            Mode::Drain => Phase::Drain,
            Mode::ProbeBandwidth => Phase::ProbeBandwidth,
            Mode::ProbeRtt => Phase::ProbeRtt,
        }
    }
}
