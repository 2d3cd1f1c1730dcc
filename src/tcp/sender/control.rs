//! Exchange of a sender with its congestion controller.

use std::sync::Arc;

use super::super::config::{Config, EcnMode, PrrMode, Recovery};
use super::super::pacer::Pace;
use super::super::prr::Prr;
use super::super::recovery::Episode;
use super::{Delivered, Sender};
use crate::congestion::{Ack, Choice, CongestionController, NO_WINDOW, Parameters, Path};
use crate::rng::Rng;
use crate::time::Instant;

/// The first segments leave unpaced, as the window allows (Linux's `tcp_update_skb_after_send`).
const UNPACED: u64 = 10;

/// No stream is as long.
const NO_POINT: u64 = u64::MAX;

/// State before an acknowledgment was taken in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    pub flight: u64,
    pub pipe: u64,
    pub lost: u64,
    pub una: u64,
    pub episode: Episode,
}

impl Sender {
    /// The controller of the configuration begins, with an initial window of so many segments.
    pub(super) fn begin_control(&mut self, now: Instant, rng: Rng, segments: u64) {
        let controller = self.config.congestion.build(Path {
            algorithm: self.config.congestion.algorithm,
            mss: self.agreed.mss,
            initial_window: segments * self.agreed.mss,
            sack: self.uses_sack(),
            counts_marks: self.agreed.ecn == EcnMode::Accurate,
            paced: self.config.pacing,
            carries_growth: self.config.carried_growth,
            now,
            rtt: self.rtt.smoothed(),
            rng,
            parameters: Parameters::defaults(&[]),
        });
        self.reduces_in_proportion = controller.wants_prr() && self.has_prr();
        if controller.wants_losses() {
            self.scoreboard.keep_losses();
        }
        self.controller = Some(controller);
    }

    fn has_prr(&self) -> bool {
        match self.config.prr {
            PrrMode::Rack => self.agreed.sack && self.config.recovery == Recovery::Rack,
            PrrMode::Always | PrrMode::Doubled => self.uses_sack(),
            PrrMode::Never => false,
        }
    }

    /// The window of a recovery episode is that of PRR; so is that of a window of data whose marks were answered
    /// (Linux's CWR state).
    #[inline(always)]
    pub(super) fn steer_recovery(&mut self, flight: u64, delivered: &Delivered, moved: bool) {
        let point = match self.recovery.episode() {
            Episode::Recovery => self.recovery.point(),
            Episode::Open if self.recovery.ecn.has_reduced(self.una) => self.recovery.ecn.point(),
            _ => NO_POINT,
        };
        if point == NO_POINT || self.cwnd >= NO_WINDOW {
            self.prr = None;
            return;
        }
        let (pipe, target) = (self.pipe(), self.cwnd);
        let prr = match &mut self.prr {
            Some((known, prr)) if *known == point => prr,
            other => &mut other.insert((point, Prr::new(flight))).1,
        };
        let counts_twice = self.config.prr == PrrMode::Doubled && delivered.sacked > 0 && prr.is_short();
        let bytes = delivered.bytes + if counts_twice { self.agreed.mss } else { 0 };
        self.cwnd = prr.window(bytes, pipe, target, self.agreed.mss, moved && !self.recovery.found_loss);
    }

    /// Another controller takes over, and begins as on a new connection whose round trip is known. Unlike Linux
    /// (`tcp_reinit_congestion_control`), which hands it the old window, because the old controller's may have been none.
    /// Segments in flight stay there, and an episode of repair goes on, but takes nothing back at its end.
    pub fn set_controller(&mut self, now: Instant, choice: &Choice, rng: Rng) {
        self.config = Arc::new(Config { congestion: choice.clone(), ..Config::clone(&self.config) });
        if self.controller.is_none() {
            return;
        }
        self.integrate(now);
        self.begin_control(now, rng, self.config.initial_window.into());
        self.prr = None;
        self.recovery.forget_doubt();
        if self.agreed.ecn != EcnMode::Off {
            self.choose_marking();
        }
        self.ask_controller();
    }

    /// The controller has heard something: asks what it wants now.
    pub(super) fn ask_controller(&mut self) {
        if let Some(controller) = &self.controller {
            self.cwnd = controller.cwnd();
            self.pace = match controller.pacing_rate() {
                _ if self.stats.segments_sent < UNPACED => None,
                Some(rate) => Some(Pace::of(rate, controller.send_quantum(), self.agreed.mss)),
                None if self.paces_itself => self.internal_pace(),
                None => None,
            };
        }
    }

    fn internal_pace(&self) -> Option<Pace> {
        if self.cwnd >= NO_WINDOW {
            return None;
        }
        Pace::internal(self.cwnd, self.ssthresh(), self.rtt.smoothed()?, self.agreed.mss)
    }

    /// Tells the controller of each segment found lost, if it wants to hear of them.
    pub(super) fn tell_losses(&mut self, now: Instant) {
        let Some(controller) = &mut self.controller else { return };
        for lost in self.scoreboard.take_losses() {
            controller.on_lost(now, &lost);
        }
    }

    /// True if an acknowledgment after a timeout counts with all that it covers. RFC 3465 §2.3 has at most a segment,
    /// because without SACK that may have arrived long before; Linux, whose receivers stretch acknowledgments
    /// anyway, counts it (`tcp_remove_reno_sacks`).
    fn counts_whole(&self) -> bool {
        self.agreed.sack || self.config.delayed_ack.is_some_and(|delayed| delayed.stretch)
    }

    /// Tells the controller what an acknowledgment reported.
    pub(super) fn tell_controller(&mut self, now: Instant, before: Before, delivered: &Delivered) {
        let Before { flight, pipe, lost, una, episode: was } = before;
        let moved = self.una > una;
        let newly_lost = self.scoreboard.lost() - lost;
        if delivered.bytes == 0 && !moved && newly_lost == 0 && delivered.marked == 0 {
            return;
        }
        let sample = self.scoreboard.sample(delivered, self.rtt.min());
        if newly_lost > 0 {
            self.tell_losses(now);
        }
        // With RACK the acknowledgment that ends an episode counts for growth, as in Linux.
        let in_recovery = self.recovery.episode() == Episode::Recovery
            || (was == Episode::Recovery && !self.scoreboard.has_rack() && !self.config.carried_growth)
            // RFC 3168 §6.1.2: no growth by acknowledgments that echo marks.
            || self.recovery.ecn.pauses_growth(self.una);
        let counts_whole = was != Episode::Loss || self.counts_whole();
        let Some(controller) = &mut self.controller else { return };
        let bytes = if !self.config.byte_counting || !counts_whole {
            delivered.bytes.min(self.agreed.mss)
        } else if self.config.carried_growth && was == Episode::Recovery {
            self.una - una
        } else {
            delivered.bytes
        };
        // In slow start a half-used window is enough proof, as in Linux.
        let uses_half = |controller: &dyn CongestionController| {
            // Recovery may just have changed it.
            let cwnd = controller.cwnd();
            cwnd < 2 * self.max_flight && controller.ssthresh().is_some_and(|threshold| cwnd < threshold)
        };
        let app_limited = !self.window_used && !uses_half(&**controller);
        controller.on_ack(&Ack {
            now,
            bytes,
            newly_lost,
            marked: delivered.marked,
            delivered: self.scoreboard.delivered(),
            lost: self.scoreboard.lost(),
            flight,
            pipe: (pipe, self.scoreboard.pipe().saturating_sub(self.recovery.dup_acked)),
            rtt: delivered.newest_rtt,
            srtt: self.rtt.smoothed().unwrap_or_default(),
            min_rtt: self.rtt.min(),
            sample,
            departure: self.pacer.departure().max(now),
            moved,
            app_limited,
            in_recovery,
        });
        if controller.holds_back() {
            self.scoreboard.limit_by_application();
        }
    }
}
