//! Exchange of a sender with its congestion controller.

use super::super::pacer::Pace;
use super::super::recovery::Episode;
use super::{Delivered, Sender};
use crate::congestion::{Ack, CongestionController, NO_WINDOW};
use crate::time::Instant;

/// With internal pacing, the first segments leave as the window allows (`tcp_update_skb_after_send`).
const UNPACED: u64 = 10;

impl Sender {
    /// The controller has heard something: asks what it wants now.
    pub(super) fn ask_controller(&mut self) {
        if let Some(controller) = &self.controller {
            self.cwnd = controller.cwnd();
            self.pace = match controller.pacing_rate() {
                Some(rate) => Some(Pace::even(rate)),
                None if self.paces_itself => self.internal_pace(),
                None => None,
            };
        }
    }

    fn internal_pace(&self) -> Option<Pace> {
        if self.stats.segments_sent < UNPACED || self.cwnd >= NO_WINDOW {
            return None;
        }
        Pace::internal(self.cwnd, self.ssthresh(), self.rtt.smoothed()?, self.agreed.mss)
    }

    pub(super) fn tell_controller(&mut self, now: Instant, flight: u64, delivered: &Delivered, was: Episode) {
        // With RACK the acknowledgment that ends an episode counts for growth, as in Linux.
        let in_recovery = self.recovery.episode() == Episode::Recovery
            || (was == Episode::Recovery && !self.scoreboard.has_rack())
            // RFC 3168 §6.1.2: no growth by acknowledgments that echo marks.
            || self.recovery.ecn.has_reduced(self.una);
        let Some(controller) = &mut self.controller else { return };
        let bytes = if !self.config.byte_counting || (was == Episode::Loss && !self.agreed.sack) {
            // RFC 3465 §2.3: at most a segment after a timeout, when one acknowledgment may cover
            // what arrived long before.
            delivered.bytes.min(self.agreed.mss)
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
            flight,
            rtt: delivered.newest_rtt,
            srtt: self.rtt.smoothed().unwrap_or_default(),
            min_rtt: self.rtt.min(),
            delivered: delivered.rate,
            app_limited,
            in_recovery,
        });
    }
}
