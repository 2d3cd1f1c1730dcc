//! Bounds that loss puts on the model (§5.5.10), and their undoing (§5.5.11).

use super::super::path_model::rate_of;
use super::super::{Ack, LostSegment, Sample};
use super::{Bbr, State, UNBOUNDED};
use crate::time::Instant;

/// Part that a bound keeps of itself at least (`Beta`, §2.8), in tenths, as CUBIC's.
const BETA: u64 = 7;
/// Loss beyond which too much was in flight (`LossThresh`, §2.8): one in fifty.
const LOSS_PART: u64 = 50;

/// Short-term bounds, which loss sets until the next probe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bandwidth: u64,
    pub(super) inflight: u64,
}

impl Bounds {
    pub(super) const NONE: Bounds = Bounds { bandwidth: UNBOUNDED, inflight: UNBOUNDED };
}

/// Delivery and loss of the last round.
#[derive(Debug, Default)]
pub(super) struct Latest {
    /// The largest rate and volume of a sample.
    pub(super) bandwidth: u64,
    pub(super) inflight: u64,
    /// Rounds here begin with a loss; this acknowledgment ended one.
    round_end: u64,
    pub(super) loss_round_started: bool,
    loss_in_round: bool,
    /// Ranges of the stream lost in this round.
    pub(super) ranges: u32,
}

impl Latest {
    /// `ResetCongestionSignals`.
    pub(super) fn reset(&mut self) {
        self.loss_in_round = false;
        (self.bandwidth, self.inflight) = (0, 0);
    }

    /// `NoteLoss`, with so much delivered. Unlike there, the state for an undo is saved where a recovery
    /// begins: a second loss after the reaction to the first would overwrite it.
    pub(super) fn note_loss(&mut self, delivered: u64) {
        if !self.loss_in_round {
            self.round_end = delivered;
        }
        self.loss_in_round = true;
    }

    /// `AdvanceLatestDeliverySignals`.
    pub(super) fn advance(&mut self, sample: Option<&Sample>) {
        if let Some(sample) = sample.filter(|_| self.loss_round_started) {
            (self.bandwidth, self.inflight) = (rate_of(sample), sample.delivered);
        }
    }
}

/// State before a recovery.
#[derive(Debug)]
pub(super) struct Undo {
    /// State that loss ended.
    pub(super) state: Option<State>,
    short_term: Bounds,
    long_term: u64,
}

impl Default for Undo {
    fn default() -> Undo {
        Undo { state: None, short_term: Bounds { bandwidth: 0, inflight: 0 }, long_term: 0 }
    }
}

impl Bbr {
    /// `UpdateLatestDeliverySignals`.
    pub(super) fn update_latest(&mut self, ack: &Ack) {
        let latest = &mut self.latest;
        latest.loss_round_started = false;
        let Some(sample) = &ack.sample else { return };
        latest.bandwidth = latest.bandwidth.max(rate_of(sample));
        latest.inflight = latest.inflight.max(sample.delivered);
        if sample.prior_delivered >= latest.round_end {
            latest.round_end = ack.delivered;
            latest.loss_round_started = true;
        }
    }

    /// `UpdateCongestionSignals` and `AdaptLowerBoundsFromCongestion`: once a round.
    pub(super) fn adapt_short_term(&mut self) {
        if !self.latest.loss_round_started {
            return;
        }
        let lost = std::mem::take(&mut self.latest.loss_in_round);
        if !lost || self.state.accelerates() {
            return;
        }
        let (max_bandwidth, cwnd) = (self.max_bandwidth(), self.cwnd);
        let lower = |bound: u64, first: u64, latest: u64| {
            let bound = if bound == UNBOUNDED { first } else { bound };
            latest.max(bound * BETA / 10)
        };
        self.short_term = Bounds {
            bandwidth: lower(self.short_term.bandwidth, max_bandwidth, self.latest.bandwidth),
            inflight: lower(self.short_term.inflight, cwnd, self.latest.inflight),
        };
    }

    /// `IsInflightTooHigh`, by the bytes in flight with a segment and those lost since.
    pub(super) fn is_inflight_too_high(&self, inflight: u64, lost: u64) -> bool {
        lost * LOSS_PART > inflight || lost > 0 && !self.sack
    }

    pub(super) fn handle_lost(&mut self, now: Instant, lost: &LostSegment) {
        self.latest.note_loss(lost.delivered);
        self.latest.ranges += u32::from(!lost.adjoins);
        if self.cycle.samples_probe && self.is_inflight_too_high(lost.pipe, lost.lost) {
            self.handle_inflight_too_high(now, inflight_at_loss(lost), lost.app_limited);
        }
    }

    /// `HandleInflightTooHigh`: once a probe.
    pub(super) fn handle_inflight_too_high(&mut self, now: Instant, inflight: u64, app_limited: bool) {
        self.cycle.too_high = true;
        self.cycle.samples_probe = false;
        if !app_limited {
            self.long_term = inflight.max(self.target_inflight() * BETA / 10);
        }
        if self.state == State::Up {
            self.undo.state = Some(State::Up);
            self.start_down(now);
        }
    }

    /// `SaveStateUponLoss`.
    pub(super) fn save_undo(&mut self) {
        self.undo = Undo { state: None, short_term: self.short_term, long_term: self.long_term };
    }

    /// `HandleSpuriousLossDetection`.
    pub(super) fn undo_loss(&mut self) {
        self.restore_cwnd();
        self.latest.loss_in_round = false;
        self.full_pipe.restart(0);
        self.short_term = Bounds {
            bandwidth: self.short_term.bandwidth.max(self.undo.short_term.bandwidth),
            inflight: self.short_term.inflight.max(self.undo.short_term.inflight),
        };
        self.long_term = self.long_term.max(self.undo.long_term);
        match self.undo.state.take() {
            Some(State::Startup) if self.state != State::Startup => {
                self.full_pipe.reached = false;
                if self.state != State::ProbeRtt {
                    self.enter_startup();
                }
            }
            Some(State::Up) if !matches!(self.state, State::Up | State::ProbeRtt) => self.start_refill(),
            _ => {}
        }
    }
}

/// `InflightAtLoss`: the bytes in flight at which losses crossed the threshold; if they had done so before this
/// segment, that is what preceded it.
pub(super) fn inflight_at_loss(lost: &LostSegment) -> u64 {
    let inflight_before = lost.pipe.saturating_sub(lost.bytes);
    let lost_before = lost.lost.saturating_sub(lost.bytes);
    let spare = (inflight_before / LOSS_PART).saturating_sub(lost_before);
    inflight_before + spare * LOSS_PART / (LOSS_PART - 1)
}
