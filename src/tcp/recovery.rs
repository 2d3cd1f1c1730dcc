//! Loss recovery: when an episode begins and ends, and what it repairs. Two forms share one state:
//! from SACK blocks (RFC 6675) and from duplicate and partial acknowledgments (RFC 6582). The
//! window is reduced once per episode; a timeout within an episode does not halve it again
//! (Linux's reading; RFC 5681 taken literally would).

mod doubt;
mod feedback;
mod frto;
mod marks;

use super::config::ReduceFrom;
use super::scoreboard::{DUP_THRESH, Scoreboard};
use super::stats::Stats;
use super::wheel::Wheel;
use crate::congestion::CongestionController;
use crate::facts::SenderEvent;
use crate::time::Instant;
use doubt::Doubt;
pub(super) use feedback::{EcnFeedback, EcnNews};
pub(super) use frto::Frto;
use marks::EcnSender;

/// Kind of the loss under repair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Episode {
    /// Nothing.
    #[default]
    Open,
    /// Fast recovery.
    Recovery,
    /// After a timeout.
    Loss,
}

/// The state of loss recovery.
#[derive(Debug)]
pub struct LossRecovery {
    episode: Episode,
    /// The episode ends when everything sent before it began is acknowledged.
    point: u64,
    dup_acks: u32,
    /// Without SACK: bytes that duplicate acknowledgments say have arrived. RFC 6582 inflates the
    /// window by as much; deducting it from the pipe is the same.
    pub(super) dup_acked: u64,
    /// The next retransmission does not wait for room in the window.
    pub(super) must_retransmit: bool,
    pub(super) doubt: Doubt,
    pub(super) frto: Frto,
    /// True if the last acknowledgment showed a loss.
    pub(super) found_loss: bool,
    /// Time at which more of what was overtaken counts as lost (RFC 8985 §6.2 step 5).
    pub(super) reorder_timer: Instant,
    /// Clock of that timer.
    pub(super) wheel: Wheel,
    pub(super) reduce_from: ReduceFrom,
    /// Timeouts of data are tried by F-RTO.
    pub(super) tries_timeouts: bool,
    /// Marks count as losses do: one reduction for both in a window of data.
    pub(super) ecn: EcnSender,
    signals: Vec<(Instant, SenderEvent)>,
}

/// Facts of an acknowledgment, for recovery.
#[derive(Clone, Copy, Debug)]
pub(super) struct AckFacts {
    /// Number that it acknowledges; less than `una` if another overtook it.
    pub ack: u64,
    pub una: u64,
    pub nxt: u64,
    /// Bytes by which it moved.
    pub advanced: u64,
    /// `FlightSize` before it.
    pub flight: u64,
    pub newly_sacked: u64,
    /// RFC 5681 §2's definition of a duplicate acknowledgment.
    pub duplicate: bool,
    pub mss: u64,
    pub use_sack: bool,
    /// Something arrived that was given up and not sent again.
    pub revived: bool,
    pub echo: Option<u32>,
}

impl Default for LossRecovery {
    fn default() -> LossRecovery {
        LossRecovery {
            episode: Episode::Open,
            point: 0,
            dup_acks: 0,
            dup_acked: 0,
            must_retransmit: false,
            doubt: Doubt::default(),
            frto: Frto::Off,
            found_loss: false,
            reorder_timer: Instant::MAX,
            wheel: Wheel::default(),
            reduce_from: ReduceFrom::Flight,
            tries_timeouts: false,
            ecn: EcnSender::default(),
            signals: Vec::new(),
        }
    }
}

impl LossRecovery {
    /// Present episode.
    pub fn episode(&self) -> Episode {
        self.episode
    }

    /// End of the present episode.
    pub fn point(&self) -> u64 {
        self.point
    }

    /// The last reduction stays, even if it was unfounded.
    pub(super) fn forget_doubt(&mut self) {
        self.doubt = Doubt::default();
    }

    /// True if anything worth a mark happened since the last call of `take_signals`.
    pub fn has_signals(&self) -> bool {
        !self.signals.is_empty()
    }

    /// Takes what happened.
    pub fn take_signals(&mut self) -> Vec<(Instant, SenderEvent)> {
        std::mem::take(&mut self.signals)
    }

    /// Something worth a mark happened.
    pub(super) fn note(&mut self, now: Instant, event: SenderEvent) {
        self.signals.push((now, event));
    }

    /// A loss was repaired by the probe that found it: an episode that is over as it begins.
    pub(super) fn on_probe_repaired(&mut self, now: Instant) {
        self.signals.extend([(now, SenderEvent::FastRetransmit), (now, SenderEvent::RecoveryExit)]);
    }

    /// Takes in an acknowledgment. Most move on while nothing is being repaired, and say no more.
    #[inline]
    pub(super) fn on_ack(
        &mut self,
        now: Instant,
        scoreboard: &mut Scoreboard,
        controller: Option<&mut (dyn CongestionController + 'static)>,
        facts: AckFacts,
        stats: &mut Stats,
    ) {
        let says_more = facts.newly_sacked > 0 || self.is_unfounded_by(facts.ack, facts.echo);
        if self.episode == Episode::Open && facts.advanced > 0 && !says_more && scoreboard.is_in_order() {
            self.dup_acks = 0;
            self.dup_acked = 0;
            scoreboard.note_arrivals();
            self.found_loss = false;
            self.reorder_timer = Instant::MAX;
        } else {
            self.on_news(now, scoreboard, controller, facts, stats);
        }
    }

    /// Takes in an acknowledgment. The retransmission timer restarts at every one that moves: RFC
    /// 6582's "slow but steady" variant (§4), which Linux has as well.
    #[inline(never)]
    fn on_news(
        &mut self,
        now: Instant,
        scoreboard: &mut Scoreboard,
        controller: Option<&mut (dyn CongestionController + 'static)>,
        facts: AckFacts,
        stats: &mut Stats,
    ) {
        let Some(controller) = controller else { return };
        self.found_loss = false;
        if let Some(verdict) = self.unfounded(facts) {
            if verdict == SenderEvent::SpuriousRecovery {
                scoreboard.note_reordering();
            }
            controller.on_spurious();
            stats.spurious += 1;
            self.signals.push((now, verdict));
            if self.episode != Episode::Open {
                // Segments marked lost have arrived or are on their way.
                scoreboard.unmark_lost(facts.una);
                self.leave(now, scoreboard, controller);
                return;
            }
        }
        match self.episode {
            Episode::Open => {
                if facts.advanced > 0 {
                    self.dup_acks = 0;
                    self.dup_acked = 0;
                }
                let lost = self.detect(now, scoreboard, facts);
                if lost > 0 {
                    let points = (facts.una, facts.nxt);
                    self.enter(now, scoreboard, controller, points, facts.flight, lost);
                    stats.recovery_episodes += 1;
                }
            }
            Episode::Recovery | Episode::Loss => {
                if facts.una >= self.point {
                    self.leave(now, scoreboard, controller);
                    // Losses among what was sent during the repair are an episode of their own, also when they
                    // are repaired already (RFC 6675 §5; Linux's `lost_out`).
                    if self.detect(now, scoreboard, facts) > 0 || scoreboard.holds_lost() {
                        let (points, flight) = ((facts.una, facts.nxt), facts.nxt - facts.una);
                        self.enter(now, scoreboard, controller, points, flight, facts.mss);
                        stats.recovery_episodes += 1;
                    }
                    return;
                }
                self.frto.on_ack(facts.advanced > 0, facts.newly_sacked > 0 || facts.duplicate);
                self.repair(now, scoreboard, facts);
            }
        }
    }

    /// Finds the first loss; returns its bytes.
    fn detect(&mut self, now: Instant, scoreboard: &mut Scoreboard, facts: AckFacts) -> u64 {
        if scoreboard.has_rack() {
            return self.detect_by_time(now, scoreboard);
        }
        if facts.use_sack {
            return if facts.newly_sacked > 0 { scoreboard.mark_lost_by_sack(facts.mss) } else { 0 };
        }
        if !facts.duplicate {
            return 0;
        }
        self.dup_acks += 1;
        self.dup_acked += facts.mss;
        // RFC 6582 §3.2 step 2: not before more than the last episode's data is acknowledged, because what
        // that sent twice makes duplicates as well.
        if self.dup_acks == DUP_THRESH && facts.una > self.point {
            return scoreboard.mark_first_lost();
        }
        0
    }

    /// RFC 8985 §6.2: losses by time, and when to look again.
    fn detect_by_time(&mut self, now: Instant, scoreboard: &mut Scoreboard) -> u64 {
        let found = scoreboard.detect_by_time(now, self.episode != Episode::Open);
        self.reorder_timer =
            found.wait.map_or(Instant::MAX, |wait| self.wheel.after(now, wait + self.wheel.margin()));
        found.lost
    }

    /// The reordering timer expired: what was overtaken is lost.
    pub(super) fn on_reorder_timeout(
        &mut self,
        now: Instant,
        scoreboard: &mut Scoreboard,
        controller: Option<&mut (dyn CongestionController + 'static)>,
        (una, nxt): (u64, u64),
        stats: &mut Stats,
    ) {
        let lost = self.detect_by_time(now, scoreboard);
        if let (Episode::Open, true, Some(controller)) = (self.episode, lost > 0, controller) {
            self.enter(now, scoreboard, controller, (una, nxt), nxt - una, lost);
            stats.recovery_episodes += 1;
        }
    }

    fn enter(
        &mut self,
        now: Instant,
        scoreboard: &Scoreboard,
        controller: &mut dyn CongestionController,
        (una, nxt): (u64, u64),
        flight: u64,
        lost: u64,
    ) {
        self.episode = Episode::Recovery;
        self.point = nxt;
        self.found_loss = true;
        self.must_retransmit = true;
        self.signals.push((now, SenderEvent::FastRetransmit));
        let flight = self.outstanding(scoreboard, flight);
        let reduced = self.reduce(controller, &scoreboard.loss(now, lost, flight, true), (una, nxt));
        self.doubt = if reduced {
            Doubt::about(SenderEvent::SpuriousRecovery, una, scoreboard.copies())
        } else {
            Doubt::default()
        };
    }

    fn leave(
        &mut self,
        now: Instant,
        scoreboard: &mut Scoreboard,
        controller: &mut dyn CongestionController,
    ) {
        self.episode = Episode::Open;
        self.frto = Frto::Off;
        scoreboard.on_recovered();
        self.dup_acks = 0;
        self.dup_acked = 0;
        self.must_retransmit = false;
        self.signals.push((now, SenderEvent::RecoveryExit));
        controller.on_recovered(now);
    }

    /// Goes on repairing.
    fn repair(&mut self, now: Instant, scoreboard: &mut Scoreboard, facts: AckFacts) {
        if facts.use_sack {
            self.found_loss = self.detect(now, scoreboard, facts) > 0;
            return;
        }
        if self.episode == Episode::Loss {
            return;
        }
        if facts.duplicate {
            self.dup_acked += facts.mss;
            return;
        }
        if facts.advanced == 0 {
            return;
        }
        // RFC 6582 §3.2 step 3: a partial acknowledgment shows the next hole. Deflating by what it
        // covers and adding a segment back is taking off all but the hole just filled.
        self.dup_acked = self.dup_acked.saturating_sub(facts.advanced.saturating_sub(facts.mss));
        if scoreboard.mark_first_lost() > 0 {
            self.must_retransmit = true;
        }
    }

    /// Verdict on the last episode if it is known now to have been unfounded.
    fn unfounded(&mut self, facts: AckFacts) -> Option<SenderEvent> {
        let spurious_timeout = (facts.revived && self.frto.is_on()).then_some(SenderEvent::SpuriousTimeout);
        let verdict = self.doubt.verdict(facts.ack, facts.echo).or(spurious_timeout)?;
        self.doubt = Doubt::default();
        Some(verdict)
    }

    /// True if an acknowledgment would show that.
    #[inline]
    pub(super) fn is_unfounded_by(&self, ack: u64, echo: Option<u32>) -> bool {
        self.doubt.verdict(ack, echo).is_some()
    }

    /// The retransmission timer expired.
    pub(super) fn on_timeout(
        &mut self,
        now: Instant,
        scoreboard: &mut Scoreboard,
        controller: Option<&mut (dyn CongestionController + 'static)>,
        nxt: u64,
        flight: u64,
        progressed: bool,
    ) {
        let new_episode = match self.episode {
            Episode::Open => !self.ecn.has_reduced(nxt - flight) || self.ecn.answers_losses(),
            Episode::Recovery => false,
            // Data arrived since the last timeout, and then a new one was lost.
            Episode::Loss => progressed,
        };
        if self.episode == Episode::Open && new_episode {
            self.doubt = Doubt::about(SenderEvent::SpuriousTimeout, nxt - flight, scoreboard.copies());
            self.frto = if self.tries_timeouts { Frto::Waiting } else { Frto::Off };
        } else {
            self.frto = self.frto.again(progressed);
        }
        let outstanding = self.outstanding(scoreboard, flight);
        let bytes = scoreboard.mark_all_lost(now);
        self.episode = Episode::Loss;
        self.point = nxt;
        self.dup_acks = 0;
        self.dup_acked = 0;
        self.must_retransmit = true;
        self.reorder_timer = Instant::MAX;
        self.ecn.on_reduced(nxt, false);
        self.signals.push((now, SenderEvent::Timeout));
        if let Some(controller) = controller {
            let loss = scoreboard.loss(now, bytes, outstanding, new_episode);
            controller.on_timeout(&self.counted_from(controller, &loss));
        }
    }

    /// A segment that ends at `end` was sent again.
    pub(super) fn on_retransmitted(&mut self, now: Instant, end: u64) {
        self.doubt.on_retransmitted(now, end);
        self.must_retransmit = false;
    }
}
