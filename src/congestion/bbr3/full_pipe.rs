//! Estimator of a full pipe (§5.3.1.2), and the end of Startup by that or by loss.

use super::super::path_model::rate_of;
use super::super::{Ack, Sample};
use super::{Bbr, State, UNIT};

/// The pipe is full after so many rounds without a quarter more.
const FULL_ROUNDS: u32 = 3;
/// Ranges lost in a round that end Startup (`StartupFullLossCnt`, §5.3.1.3).
const FULL_RANGES: u32 = 6;

/// Estimator of a full pipe.
#[derive(Debug, Default)]
pub(super) struct FullPipe {
    /// The rate that is to be exceeded by a quarter.
    baseline: u64,
    pub(super) rounds: u32,
    /// The pipe is full now, and was so at any time.
    pub(super) now: bool,
    pub(super) reached: bool,
}

impl FullPipe {
    /// `ResetFullBW`: begins anew from a rate.
    pub(super) fn restart(&mut self, baseline: u64) {
        *self = FullPipe { baseline, reached: self.reached, ..FullPipe::default() };
    }

    /// `CheckFullBWReached`.
    pub(super) fn take(&mut self, round_started: bool, sample: Option<&Sample>) {
        let Some(sample) = sample.filter(|sample| round_started && !self.now && !sample.app_limited) else {
            return;
        };
        let rate = rate_of(sample);
        if rate * 4 >= self.baseline * 5 {
            self.restart(rate);
            return;
        }
        self.rounds += 1;
        self.now = self.rounds >= FULL_ROUNDS;
        self.reached |= self.now;
    }
}

impl Bbr {
    /// `CheckStartupDone`.
    pub(super) fn check_startup_done(&mut self, ack: &Ack) {
        self.check_startup_high_loss(ack);
        if self.state == State::Startup && self.full_pipe.reached {
            self.state = State::Drain;
            self.drain_start = self.round.count;
        }
    }

    /// `CheckStartupHighLoss`, of which the draft has no pseudocode. The recovery is that before this
    /// acknowledgment: it may just have ended it.
    fn check_startup_high_loss(&mut self, ack: &Ack) {
        let Some(sample) = ack.sample.as_ref().filter(|_| self.latest.loss_round_started) else { return };
        let ranges = std::mem::take(&mut self.latest.ranges);
        let enough = ranges >= FULL_RANGES || !self.sack;
        let too_high = self.is_inflight_too_high(sample.pipe, sample.lost);
        if self.full_pipe.reached || !self.recovered_before || !enough || !too_high {
            return;
        }
        self.undo.state = Some(State::Startup);
        self.full_pipe.now = true;
        self.full_pipe.reached = true;
        self.long_term = self.bdp(self.bandwidth(), UNIT).max(self.latest.inflight);
    }
}
