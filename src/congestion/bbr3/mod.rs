//! BBR version 3 (draft-ietf-ccwg-bbr-06): like version 1 it sends at the bandwidth that it measures and keeps
//! about twice the bandwidth-delay product in flight; unlike it, it bounds both when more than 2 % are lost, and
//! asks for more only every few seconds or as often as Reno would.
//!
//! States set their gains by the table of §5.6.1. Where the draft's pseudocode contradicts its text or itself, a
//! comment says what holds here. Windows are in bytes, rates in bytes per second.

mod bounds;
mod control;
mod cycle;
mod full_pipe;
mod min_rtt;
#[cfg(test)]
mod tests;

use super::path_model::{Excess, RoundMax, UNIT, quantum, rate_of};
use super::{Ack, Beliefs, CongestionController, Loss, LostSegment, Path, Phase, Restart};
use crate::rng::Rng;
use crate::time::Instant;
use crate::units::Rate;
use bounds::{Bounds, Latest, Undo};
use cycle::Cycle;
use full_pipe::FullPipe;
use min_rtt::MinRtt;

/// 4 ln 2, the least that doubles the rate in a round trip (§2.5).
const STARTUP_GAIN: u64 = UNIT * 277 / 100;
/// Least window (§2.8), so that delayed acknowledgments stall nothing.
const LEAST_SEGMENTS: u64 = 4;
/// Least burst, in segments (§5.6.3).
const LEAST_QUANTUM: u64 = 2;
/// No bound.
const UNBOUNDED: u64 = u64::MAX;
/// Rounds that gathered acknowledgments count for: the present one and ten before it (§5.5.9); in Startup one.
const EXTRA_ACKED_ROUNDS: usize = 11;
const EXTRA_ACKED_ROUNDS_AT_START: usize = 2;

/// State of its machine (§5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Startup,
    Drain,
    Down,
    Cruise,
    Refill,
    Up,
    ProbeRtt,
}

impl State {
    /// `IsInAProbeBWState`.
    fn probes_bandwidth(self) -> bool {
        matches!(self, State::Down | State::Cruise | State::Refill | State::Up)
    }

    /// `IsProbingBW`: it tries to find more, and losses shall not slow that down at once.
    fn accelerates(self) -> bool {
        matches!(self, State::Startup | State::Refill | State::Up)
    }

    /// §5.6.1.
    fn pacing_gain(self) -> u64 {
        match self {
            State::Startup => STARTUP_GAIN,
            State::Drain => UNIT / 2,
            State::Down => UNIT * 9 / 10,
            State::Up => UNIT * 5 / 4,
            State::Cruise | State::Refill | State::ProbeRtt => UNIT,
        }
    }

    /// §5.6.1.
    fn cwnd_gain(self) -> u64 {
        match self {
            State::Up => UNIT * 9 / 4,
            State::ProbeRtt => UNIT / 2,
            _ => UNIT * 2,
        }
    }
}

/// Rounds, by packets: one ends when something sent after its start is acknowledged (§5.5.1).
#[derive(Debug, Default)]
struct Round {
    /// It ends when something sent after so much was delivered is acknowledged.
    end: u64,
    /// This acknowledgment started one.
    started: bool,
    count: u64,
}

/// State of BBR.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
pub(super) struct Bbr {
    mss: u64,
    initial_window: u64,
    sack: bool,
    rng: Rng,
    state: State,
    cwnd: u64,
    /// The last good window, before recovery or `ProbeRTT` changed it.
    prior_cwnd: u64,
    pacing_rate: u64,
    has_seen_rtt: bool,
    /// Bytes delivered by the last acknowledgment, and as the last news of any kind had it.
    acknowledged: u64,
    delivered: u64,
    round: Round,
    /// The largest rate of this cycle and of the last.
    max_rates: [u64; 2],
    full_pipe: FullPipe,
    drain_start: u64,
    min_rtt: MinRtt,
    restarts: bool,
    excess: Excess,
    extra_acked: RoundMax<EXTRA_ACKED_ROUNDS>,
    cycle: Cycle,
    latest: Latest,
    short_term: Bounds,
    /// Bytes in flight that the path was seen to bear (`inflight_longterm`).
    long_term: u64,
    undo: Undo,
    /// A recovery goes on now, and did so at the end of the last acknowledgment.
    recovers: bool,
    recovered_before: bool,
}

impl Bbr {
    pub(super) fn new(path: &Path) -> Bbr {
        let mut bbr = Bbr {
            mss: path.mss,
            initial_window: path.initial_window,
            sack: path.sack,
            rng: path.rng.clone(),
            state: State::Startup,
            cwnd: path.initial_window,
            prior_cwnd: 0,
            pacing_rate: 0,
            has_seen_rtt: false,
            acknowledged: 0,
            delivered: 0,
            round: Round::default(),
            max_rates: [0; 2],
            full_pipe: FullPipe::default(),
            drain_start: 0,
            min_rtt: MinRtt::new(path.now, path.rtt),
            restarts: false,
            excess: Excess::new(path.now),
            extra_acked: RoundMax::default(),
            cycle: Cycle::new(path.now),
            latest: Latest::default(),
            short_term: Bounds::NONE,
            long_term: UNBOUNDED,
            undo: Undo::default(),
            recovers: false,
            recovered_before: false,
        };
        bbr.start_pacing(path.rtt);
        bbr
    }

    fn max_bandwidth(&self) -> u64 {
        self.max_rates[0].max(self.max_rates[1])
    }

    /// The bandwidth that it sends by (`BBR.bw`).
    fn bandwidth(&self) -> u64 {
        self.max_bandwidth().min(self.short_term.bandwidth)
    }

    /// `StartRound`.
    fn start_round(&mut self) {
        self.round.end = self.delivered;
    }

    /// `UpdateRound`.
    fn update_round(&mut self, ack: &Ack) {
        let Some(sample) = &ack.sample else {
            self.round.started = false;
            return;
        };
        self.round.started = sample.prior_delivered >= self.round.end;
        if self.round.started {
            self.start_round();
            self.round.count += 1;
            self.cycle.rounds_since_probe += 1;
            self.extra_acked.begin_round();
        }
    }

    /// `UpdateMaxBw`.
    fn update_max_bandwidth(&mut self, ack: &Ack) {
        let Some(sample) = &ack.sample else { return };
        let rate = rate_of(sample);
        if !sample.app_limited || rate >= self.max_bandwidth() {
            self.max_rates[0] = self.max_rates[0].max(rate);
        }
    }

    /// `AdvanceMaxBwFilter`; a cycle without a sample keeps the rates known, as in Linux.
    fn advance_max_bandwidth(&mut self) {
        if self.max_rates[0] > 0 {
            self.max_rates = [0, self.max_rates[0]];
            self.cycle.count += 1;
        }
    }

    /// `UpdateACKAggregation`.
    fn update_extra_acked(&mut self, ack: &Ack, acked: u64) {
        if acked > 0 {
            let extra = self.excess.take(ack.now, acked, self.cwnd, self.bandwidth());
            self.extra_acked.take(extra);
        }
    }

    fn extra_acked(&self) -> u64 {
        let at_start = !self.full_pipe.reached;
        self.extra_acked.latest(if at_start { EXTRA_ACKED_ROUNDS_AT_START } else { EXTRA_ACKED_ROUNDS })
    }

    fn enter_startup(&mut self) {
        self.state = State::Startup;
    }

    /// `CheckDrainDone`.
    fn check_drain_done(&mut self, ack: &Ack) {
        let is_late = self.round.count > self.drain_start + 3;
        if self.state == State::Drain && (ack.pipe.1 <= self.inflight(self.bandwidth()) || is_late) {
            self.start_down(ack.now);
        }
    }
}

impl CongestionController for Bbr {
    fn cwnd(&self) -> u64 {
        self.cwnd
    }

    /// `UpdateOnACK` (§5.2.3).
    fn on_ack(&mut self, ack: &Ack) {
        let acked = ack.delivered - std::mem::replace(&mut self.acknowledged, ack.delivered);
        self.delivered = ack.delivered;
        self.update_latest(ack);
        self.update_round(ack);
        self.update_max_bandwidth(ack);
        self.adapt_short_term();
        self.update_extra_acked(ack, acked);
        self.full_pipe.take(self.round.started, ack.sample.as_ref());
        self.check_startup_done(ack);
        self.check_drain_done(ack);
        self.update_cycle(ack, acked);
        self.min_rtt.take(ack.now, ack.rtt);
        self.check_probe_rtt(ack);
        self.latest.advance(ack.sample.as_ref());
        self.resume_pacing(ack.srtt);
        self.set_pacing_rate(self.state.pacing_gain());
        self.set_cwnd(ack, acked);
        self.recovered_before = self.recovers;
    }

    fn on_loss(&mut self, loss: &Loss) {
        self.save_cwnd();
        self.save_undo();
        self.recovers = true;
        self.latest.note_loss(loss.delivered);
    }

    /// `HandleLostPacket`.
    fn on_lost(&mut self, now: Instant, lost: &LostSegment) {
        self.delivered = lost.delivered;
        self.handle_lost(now, lost);
    }

    /// `OnEnterRTO`.
    fn on_timeout(&mut self, loss: &Loss) {
        self.save_cwnd();
        if loss.new_episode {
            self.save_undo();
        }
        self.recovers = true;
        self.latest.note_loss(loss.delivered);
        self.cwnd = loss.pipe + self.mss;
    }

    /// The draft has no answer to marks, but wants them to be heeded (§3.7): as losses, and too much in flight
    /// where it asked for more.
    fn on_ecn(&mut self, loss: &Loss) {
        self.latest.note_loss(loss.delivered);
        if self.cycle.samples_probe {
            self.handle_inflight_too_high(loss.now, loss.pipe, false);
        }
    }

    fn on_recovered(&mut self, _: Instant) {
        self.recovers = false;
        self.restore_cwnd();
    }

    fn on_spurious(&mut self) {
        self.undo_loss();
    }

    /// `HandleRestartFromIdle` (§5.4.1).
    fn on_restart(&mut self, restart: Restart) {
        if !restart.app_limited {
            return;
        }
        self.restarts = true;
        self.excess = Excess::new(restart.now);
        if self.state.probes_bandwidth() {
            self.set_pacing_rate(UNIT);
        } else if self.state == State::ProbeRtt {
            self.check_probe_rtt_done(restart.now);
        }
    }

    fn pacing_rate(&self) -> Option<Rate> {
        Rate::from_bits_per_second(self.pacing_rate.saturating_mul(8).max(1))
    }

    fn send_quantum(&self) -> u64 {
        quantum(self.pacing_rate, self.mss, LEAST_QUANTUM)
    }

    fn wants_prr(&self) -> bool {
        false
    }

    fn wants_losses(&self) -> bool {
        true
    }

    fn holds_back(&self) -> bool {
        self.state == State::ProbeRtt
    }

    fn beliefs(&self) -> Beliefs {
        Beliefs {
            bandwidth: Rate::from_bits_per_second(self.bandwidth().saturating_mul(8)),
            min_rtt: self.min_rtt.get(),
            ..Beliefs::default()
        }
    }

    fn variables(&self, give: &mut dyn FnMut(&'static str, f64)) {
        let bound = |bound: u64| if bound == UNBOUNDED { f64::INFINITY } else { bound as f64 };
        let flag = |flag: bool| f64::from(u8::from(flag));
        give("max_bw", self.max_bandwidth() as f64);
        give("bw_shortterm", bound(self.short_term.bandwidth));
        give("inflight_shortterm", bound(self.short_term.inflight));
        give("inflight_longterm", bound(self.long_term));
        give("bw_latest", self.latest.bandwidth as f64);
        give("extra_acked", self.extra_acked() as f64);
        give("bdp", self.bdp(self.bandwidth(), UNIT) as f64);
        give("inflight_1", self.inflight(self.bandwidth()) as f64);
        give("inflight_max_bw", self.inflight(self.max_bandwidth()) as f64);
        give("headroom", bound(self.inflight_with_headroom()));
        give("pacing_gain", self.state.pacing_gain() as f64 / UNIT as f64);
        give("cwnd_gain", self.state.cwnd_gain() as f64 / UNIT as f64);
        give("round_count", self.round.count as f64);
        give("cycle_count", self.cycle.count as f64);
        give("drain_start_round", self.drain_start as f64);
        give("full_bw_count", f64::from(self.full_pipe.rounds));
        give("full_bw_now", flag(self.full_pipe.now));
        give("full_bw_reached", flag(self.full_pipe.reached));
        give("bw_probe_wait", self.cycle.wait.as_secs_f64());
        give("prev_probe_too_high", flag(self.cycle.too_high));
        give("idle_restart", flag(self.restarts));
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Startup => Phase::Startup,
            State::Drain => Phase::Drain,
            State::Down => Phase::ProbeDown,
            State::Cruise => Phase::ProbeCruise,
            State::Refill => Phase::ProbeRefill,
            State::Up => Phase::ProbeUp,
            State::ProbeRtt => Phase::ProbeRtt,
        }
    }
}
