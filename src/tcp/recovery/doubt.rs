//! Doubt about the losses of an episode, which may have been none: timestamps tell (RFC 3522), and reports
//! of duplicates (RFC 3708).

use super::super::sender::timestamp;
use crate::facts::SenderEvent;
use crate::time::Instant;

/// Knowledge of the repeats of the last episode that reduced the window, until the next one begins.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Doubt {
    /// Verdict on the episode if it was unfounded; none if nothing is in doubt.
    verdict: Option<SenderEvent>,
    /// `RetransmitTS` of RFC 3522 §3.2 and the end of its segment: of the first retransmission, whatever
    /// timeouts follow (§3.2 step 2). Unlike there, that need not be the oldest outstanding segment, because
    /// RACK and SACK may repeat another one first, and the first acknowledgment does not settle it, because
    /// another may have overtaken the one that tells.
    stamp: u32,
    end: u64,
    /// Offset of the oldest outstanding byte when the episode began (Linux's `undo_marker`).
    start: u64,
    /// Segments sent again and not reported as duplicates, those under way before the episode among them
    /// (`undo_retrans`).
    repeats: u32,
    /// All of them were.
    all_arrived_twice: bool,
}

/// No stream is as long.
const NOT_YET: u64 = u64::MAX;

impl Default for Doubt {
    fn default() -> Doubt {
        Doubt { verdict: None, stamp: 0, end: NOT_YET, start: 0, repeats: 0, all_arrived_twice: false }
    }
}

impl Doubt {
    /// About an episode that begins with everything before `una` acknowledged and `repeats` copies under way.
    pub fn about(verdict: SenderEvent, una: u64, repeats: u32) -> Doubt {
        Doubt { verdict: Some(verdict), start: una, repeats, ..Doubt::default() }
    }

    /// A segment that ends at `end` was sent again.
    pub fn on_retransmitted(&mut self, now: Instant, end: u64) {
        if self.verdict.is_some() {
            self.repeats += 1;
            if self.end == NOT_YET {
                (self.stamp, self.end) = (timestamp(now), end);
            }
        }
    }

    /// As many segments up to `end` arrived twice. As in Linux (`tcp_check_dsack`), they are only counted: if
    /// none is left, every repeat was for nothing.
    pub fn on_arrived_twice(&mut self, end: u64, segments: u32) {
        if self.repeats > 0 && end > self.start {
            self.repeats = self.repeats.saturating_sub(segments);
            self.all_arrived_twice = self.repeats == 0;
        }
    }

    /// Verdict on the episode if it is known, with this acknowledgment, to have been unfounded. RFC 3522 §3.2
    /// step 4 (Eifel): one that covers the first retransmission echoes a time before it, so the original
    /// arrived. Nothing that left after the retransmission arrived has such an echo, in whatever order
    /// acknowledgments come.
    #[inline]
    pub fn verdict(&self, ack: u64, echo: Option<u32>) -> Option<SenderEvent> {
        let echoes_original = ack >= self.end
            && echo.is_some_and(|echo| echo != 0 && echo.wrapping_sub(self.stamp).cast_signed() < 0);
        if echoes_original || self.all_arrived_twice { self.verdict } else { None }
    }
}
