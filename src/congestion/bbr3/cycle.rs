//! The cycle of bandwidth probes (§5.3.3): give back, cruise, refill, ask for more.

use super::super::Ack;
use super::super::path_model::rate_of;
use super::{Bbr, Bounds, LEAST_SEGMENTS, State, UNBOUNDED};
use crate::time::{Duration, Instant};

/// Least wait between probes; a random second more at most (`bw_probe_wait`, §5.3.3.8.3).
const LEAST_WAIT: Duration = Duration::from_secs(2);
const RANDOM_WAIT_NANOS: u64 = 1_000_000_000;
/// Most rounds between probes: Reno shall get 25 Mbit/s at 30 ms beside it (§5.3.3.8.3).
const MOST_ROUNDS: u64 = 63;
/// The bound on what is in flight grows at most by 2 to this power a round.
const MOST_DOUBLINGS: u32 = 30;

/// Meaning of acknowledgments with regard to the last probe (`ack_phase`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acks {
    Init,
    Refilling,
    Starting,
    Feedback,
    Stopping,
}

/// State of the cycle.
#[derive(Debug)]
pub(super) struct Cycle {
    /// Cycles whose largest rate was put away.
    pub(super) count: u64,
    pub(super) acks: Acks,
    /// Start of the wait for the next probe, its length, and rounds since the last.
    start: Instant,
    pub(super) wait: Duration,
    pub(super) rounds_since_probe: u64,
    /// Rounds of this probe, bytes acknowledged that did not yet raise the bound, and bytes that raise it by a
    /// segment.
    up_rounds: u32,
    up_acked: u64,
    acked_per_increase: u64,
    /// Losses are of what was sent while probing, and none was answered yet.
    pub(super) samples_probe: bool,
    /// The last probe lost too much, and the one after it ended early for that.
    pub(super) too_high: bool,
    precautionary: bool,
}

impl Cycle {
    pub(super) fn new(now: Instant) -> Cycle {
        Cycle {
            count: 0,
            acks: Acks::Init,
            start: now,
            wait: Duration::ZERO,
            rounds_since_probe: 0,
            up_rounds: 0,
            up_acked: 0,
            acked_per_increase: UNBOUNDED,
            samples_probe: false,
            too_high: false,
            precautionary: false,
        }
    }
}

impl Bbr {
    /// `StartProbeBW_DOWN`.
    pub(super) fn start_down(&mut self, now: Instant) {
        self.latest.reset();
        self.cycle.acked_per_increase = UNBOUNDED;
        self.cycle.rounds_since_probe = self.rng.below(2);
        self.cycle.wait = LEAST_WAIT + Duration::from_nanos(self.rng.below(RANDOM_WAIT_NANOS));
        self.cycle.start = now;
        self.cycle.acks = Acks::Stopping;
        self.start_round();
        self.state = State::Down;
    }

    /// `StartProbeBW_CRUISE`.
    pub(super) fn start_cruise(&mut self) {
        self.state = State::Cruise;
    }

    /// `StartProbeBW_REFILL`.
    pub(super) fn start_refill(&mut self) {
        self.short_term = Bounds::NONE;
        self.cycle.up_rounds = 0;
        self.cycle.up_acked = 0;
        self.cycle.precautionary = false;
        self.cycle.acks = Acks::Refilling;
        self.start_round();
        self.state = State::Refill;
    }

    /// `StartProbeBW_UP`.
    fn start_up(&mut self, rate: u64) {
        self.cycle.acks = Acks::Starting;
        self.start_round();
        self.full_pipe.restart(rate);
        self.state = State::Up;
        self.raise_slope();
    }

    /// `UpdateProbeBWCyclePhase`.
    pub(super) fn update_cycle(&mut self, ack: &Ack, acked: u64) {
        if !self.full_pipe.reached || self.adapt_long_term(ack, acked) {
            return;
        }
        let state = self.state;
        match state {
            State::Down | State::Cruise if self.is_time_to_probe(ack.now) => self.start_refill(),
            State::Down if self.is_time_to_cruise(ack) => self.start_cruise(),
            State::Refill if self.round.started => {
                self.cycle.samples_probe = true;
                self.start_up(ack.sample.as_ref().map_or(0, rate_of));
            }
            State::Up if self.is_time_to_go_down(ack) => {
                self.cycle.too_high = false;
                self.start_down(ack.now);
            }
            _ => {}
        }
    }

    /// `IsTimeToProbeBW`: by the clock, or as often as Reno would fill the path. That counts packets, which the
    /// draft's comparison with bytes forgets.
    fn is_time_to_probe(&self, now: Instant) -> bool {
        let reno_rounds = (self.target_inflight() / self.mss).min(MOST_ROUNDS);
        now > self.cycle.start + self.cycle.wait || self.cycle.rounds_since_probe >= reno_rounds
    }

    /// `IsTimeToCruise`.
    fn is_time_to_cruise(&self, ack: &Ack) -> bool {
        ack.pipe.1 <= self.inflight_with_headroom() && ack.pipe.1 <= self.inflight(self.max_bandwidth())
    }

    /// `IsTimeToGoDown`. A probe after one that lost too much ends where it reaches the bound: by what was in
    /// flight before this acknowledgment, as in Linux, for after it the bound is never reached.
    fn is_time_to_go_down(&mut self, ack: &Ack) -> bool {
        if self.cycle.too_high && ack.pipe.0.saturating_add(self.mss) > self.long_term {
            self.cycle.precautionary = true;
            return true;
        }
        if self.is_bound_by_long_term(ack) {
            self.full_pipe.restart(ack.sample.as_ref().map_or(0, rate_of));
            return false;
        }
        self.full_pipe.now
    }

    fn is_bound_by_long_term(&self, ack: &Ack) -> bool {
        !ack.app_limited && self.cwnd >= self.long_term
    }

    /// `InflightWithHeadroom`: room for others in the path.
    pub(super) fn inflight_with_headroom(&self) -> u64 {
        if self.long_term == UNBOUNDED {
            return UNBOUNDED;
        }
        let headroom = (self.long_term * 15 / 100).max(self.mss);
        self.long_term.saturating_sub(headroom).max(LEAST_SEGMENTS * self.mss)
    }

    /// `RaiseInflightLongtermSlope`.
    fn raise_slope(&mut self) {
        self.cycle.acked_per_increase = (self.cwnd >> self.cycle.up_rounds).max(self.mss);
        self.cycle.up_rounds = (self.cycle.up_rounds + 1).min(MOST_DOUBLINGS);
    }

    /// `ProbeInflightLongtermUpward`.
    fn raise_long_term(&mut self, ack: &Ack, acked: u64) {
        if !self.is_bound_by_long_term(ack) {
            return;
        }
        self.cycle.up_acked += acked;
        let increases = self.cycle.up_acked / self.cycle.acked_per_increase;
        self.cycle.up_acked -= increases * self.cycle.acked_per_increase;
        self.long_term += increases * self.mss;
        if self.round.started {
            self.raise_slope();
        }
    }

    /// `AdaptLongTermModel`: true if it changed the state.
    fn adapt_long_term(&mut self, ack: &Ack, acked: u64) -> bool {
        match self.cycle.acks {
            Acks::Starting if self.round.started => self.cycle.acks = Acks::Feedback,
            Acks::Stopping if self.round.started => {
                self.cycle.samples_probe = false;
                self.cycle.acks = Acks::Init;
                if self.state.probes_bandwidth() {
                    if ack.sample.is_some_and(|sample| !sample.app_limited) {
                        self.advance_max_bandwidth();
                    }
                    // A careful probe did no harm: the next need not be.
                    if self.cycle.precautionary && !self.cycle.too_high {
                        self.start_refill();
                        return true;
                    }
                }
            }
            _ => {}
        }
        let Some(sample) = &ack.sample else { return false };
        if self.long_term < UNBOUNDED && !self.is_inflight_too_high(sample.pipe, sample.lost) {
            self.long_term = self.long_term.max(sample.pipe);
            if self.state == State::Up {
                self.raise_long_term(ack, acked);
            }
        }
        false
    }
}
