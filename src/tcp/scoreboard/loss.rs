//! Loss detection by SACK blocks, by a timeout or by a duplicate acknowledgment, and the segments to send
//! again.

use super::{AMBIGUOUS, APP_LIMITED, DUP_THRESH, LOST, RETRANSMITTED, SACKED, Scoreboard, Sent};
use crate::congestion::LostSegment;
use crate::time::Instant;

/// Segments found lost.
#[derive(Debug, Default)]
pub(super) struct Casualties {
    untold: Vec<LostSegment>,
    /// End of the last one.
    end: u64,
}

impl Casualties {
    /// If somebody wants to hear of it: `sent` was found lost, as the last of `lost` bytes when so many were
    /// `delivered`.
    #[inline]
    pub(super) fn note(kept: &mut Option<Box<Casualties>>, sent: &Sent, delivered: u64, lost: u64) {
        let Some(casualties) = kept else { return };
        casualties.untold.push(LostSegment {
            bytes: sent.len.into(),
            pipe: sent.pipe.into(),
            lost: (lost as u32).wrapping_sub(sent.lost).into(),
            delivered,
            app_limited: sent.marks & APP_LIMITED != 0,
            adjoins: sent.start == casualties.end,
        });
        casualties.end = sent.end();
    }
}

impl Scoreboard {
    /// From now on each segment found lost is kept to be told.
    pub fn keep_losses(&mut self) {
        self.casualties = Some(Box::default());
    }

    /// Segments found lost since this was asked last.
    pub fn take_losses(&mut self) -> Vec<LostSegment> {
        self.casualties.as_mut().map_or_else(Vec::new, |casualties| std::mem::take(&mut casualties.untold))
    }

    /// RFC 6675 §4 `IsLost`: marks what has [`DUP_THRESH`] SACKed segments above it, or more than
    /// two full segments' bytes; returns how many bytes that are.
    pub fn mark_lost_by_sack(&mut self, mss: u64) -> u64 {
        if self.sacked == 0 {
            return 0;
        }
        // From the top down to the segment that completes the evidence.
        let mut i = self.sent.partition_point(|sent| sent.start < self.highest_sacked);
        let (mut segments, mut bytes) = (0, 0);
        while i > 0 {
            i -= 1;
            let sent = &self.sent[i];
            if sent.start < self.lost_below {
                return 0;
            }
            if sent.marks & SACKED != 0 {
                segments += 1;
                bytes += u64::from(sent.len);
                if segments >= DUP_THRESH || bytes > u64::from(DUP_THRESH - 1) * mss {
                    let edge = sent.start;
                    return self.mark_lost_below(edge);
                }
            }
        }
        0
    }

    /// Marks everything below `edge` that is not SACKed and was not considered before.
    fn mark_lost_below(&mut self, edge: u64) -> u64 {
        let from = self.lost_below;
        self.lost_below = edge;
        let mut i = self.sent.partition_point(|sent| sent.start < from);
        let mut bytes = 0;
        while let Some(sent) = self.sent.get_mut(i) {
            if sent.start >= edge {
                break;
            }
            i += 1;
            if sent.marks & (SACKED | LOST) == 0 {
                bytes += u64::from(sent.len);
                sent.marks |= LOST;
                self.pipe -= u64::from(sent.len);
                self.lost_pending += u32::from(sent.marks & RETRANSMITTED == 0);
                Casualties::note(&mut self.casualties, sent, self.delivered, self.lost + bytes);
            }
        }
        self.lost += bytes;
        bytes
    }

    /// Marks the oldest segment lost (RFC 6582 §3.2), unless it was sent again already and the
    /// copy may be on its way; returns its bytes.
    pub fn mark_first_lost(&mut self) -> u64 {
        let Some(first) = self.sent.get_mut(0) else { return 0 };
        if first.marks & (SACKED | LOST | RETRANSMITTED) != 0 {
            return 0;
        }
        first.marks |= LOST;
        self.pipe -= u64::from(first.len);
        self.lost_pending += 1;
        self.retransmitted_below = self.retransmitted_below.min(first.start);
        self.lost += u64::from(first.len);
        Casualties::note(&mut self.casualties, first, self.delivered, self.lost);
        u64::from(first.len)
    }

    /// After a timeout nothing is believed to be in the network any more (RFC 6675 §5.1), except,
    /// with RACK, what was sent so lately that it cannot have been answered (RFC 8985 §6.3). What
    /// the peer has reported stays reported, unless its oldest byte was: then it has discarded
    /// what it had (RFC 2018 §8). Returns the bytes newly lost.
    pub fn mark_all_lost(&mut self, now: Instant) -> u64 {
        let reneged = self.sent.front().is_some_and(|first| first.marks & SACKED != 0);
        let lost_until = self.lost_until(now);
        let una = self.sent.front().map_or(0, |first| first.start);
        self.lost_pending = 0;
        self.lost_below = una;
        let mut bytes = 0;
        for i in 0..self.sent.len() {
            let sent = &mut self.sent[i];
            let (marks, len) = (sent.marks, u64::from(sent.len));
            let is_recent = !reneged && sent.sent_at > lost_until && sent.start > una;
            if !(is_recent || marks & SACKED != 0 && !reneged) {
                if marks & LOST == 0 {
                    bytes += len;
                    Casualties::note(&mut self.casualties, sent, self.delivered, self.lost + bytes);
                }
                self.pipe -= sent.in_network();
                sent.marks = LOST | (marks & AMBIGUOUS);
            }
            self.lost_pending += u32::from(sent.is_pending());
            if !is_recent {
                self.lost_below = sent.end();
            }
        }
        if reneged {
            self.sacked = 0;
            self.sacked_segments = 0;
            self.highest_sacked = 0;
            self.seen = Default::default();
        }
        self.retransmitted_below = 0;
        self.lost += bytes;
        bytes
    }

    /// Takes back the marks of what was not sent again: the losses were none. Detection starts
    /// anew from `una`.
    pub fn unmark_lost(&mut self, una: u64) {
        for i in 0..self.sent.len() {
            let sent = &mut self.sent[i];
            if sent.is_pending() {
                sent.marks &= !LOST;
                self.pipe += u64::from(sent.len);
            }
        }
        self.lost_pending = 0;
        self.lost_below = una;
    }

    /// True if a segment marked lost is outstanding, sent again or not.
    pub fn holds_lost(&self) -> bool {
        self.lost_pending > 0 || self.sent.iter_from(0).any(|sent| sent.marks & (LOST | SACKED) == LOST)
    }

    /// The next lost segment to send again, RFC 6675's `NextSeg` rule 1.
    pub fn next_lost(&self) -> Option<(u64, u32)> {
        if self.lost_pending == 0 {
            return None;
        }
        let from = self.sent.partition_point(|sent| sent.start < self.retransmitted_below);
        self.sent.iter_from(from).find(|sent| sent.is_pending()).map(|sent| (sent.start, sent.len))
    }

    /// The oldest segment that was neither SACKed nor sent again, below the highest SACKed byte:
    /// `NextSeg` rule 3.
    pub fn next_doubtful(&self) -> Option<(u64, u32)> {
        let from = self.sent.partition_point(|sent| sent.start < self.retransmitted_below);
        self.sent
            .iter_from(from)
            .take_while(|sent| sent.start < self.highest_sacked)
            .find(|sent| sent.marks & (SACKED | RETRANSMITTED) == 0)
            .map(|sent| (sent.start, sent.len))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Delivered;
    use super::*;

    const MSS: u64 = 1_000;

    /// Ten segments, of which the 2nd, 3rd and 5th do not arrive; the application limits from the 4th on.
    #[test]
    fn each_lost_segment_is_told_with_what_was_so_when_it_left() {
        let mut scoreboard = Scoreboard::default();
        scoreboard.keep_losses();
        for segment in 0..10 {
            if segment == 3 {
                scoreboard.limit_by_application();
            }
            scoreboard.on_sent(segment * MSS, MSS as u32, Instant::ZERO);
        }
        let mut delivered = Delivered::default();
        scoreboard.acknowledge(MSS, Instant::ZERO, &mut delivered);
        scoreboard.sack(3 * MSS, 4 * MSS, Instant::ZERO, &mut delivered);
        scoreboard.sack(5 * MSS, 10 * MSS, Instant::ZERO, &mut delivered);
        assert_eq!(scoreboard.mark_lost_by_sack(MSS), 3 * MSS);
        let lost = |segments: u64, pipe, app_limited, adjoins| LostSegment {
            bytes: MSS,
            pipe: pipe * MSS,
            lost: segments * MSS,
            delivered: 7 * MSS,
            app_limited,
            adjoins,
        };
        let told = [lost(1, 2, false, false), lost(2, 3, false, true), lost(3, 5, true, false)];
        assert_eq!(scoreboard.take_losses(), told);
        assert_eq!(scoreboard.take_losses(), [], "once");
        // A timeout: the copies of the three left with what the network still held.
        scoreboard.on_retransmitted(MSS, 2 * MSS, Instant::ZERO);
        scoreboard.mark_all_lost(Instant::ZERO);
        assert_eq!(scoreboard.take_losses(), [], "they were told of already");
    }
}
