//! Deliveries: what acknowledgments tell of the segments that have arrived.

use super::{AMBIGUOUS, APP_LIMITED, LOST, SACKED, Scoreboard, Sent};
use crate::congestion::Sample;
use crate::time::{Duration, Instant};

/// Delivery that an acknowledgment told of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivered {
    /// Bytes newly known to have arrived, by SACK or cumulatively.
    pub bytes: u64,
    /// Of these, bytes newly reported by SACK blocks.
    pub sacked: u64,
    /// Bytes newly told of as marked.
    pub marked: u64,
    /// Round-trip times of the oldest segment that was sent once, a delayed ACK's wait included, and of the newest.
    pub rtt: Option<Duration>,
    /// See `rtt`.
    pub newest_rtt: Option<Duration>,
    /// True if something arrived that had been given up as lost and was not sent again.
    pub revived: bool,
    /// True if it acknowledged something that was sent again.
    pub repeated: bool,
    /// End of the range that it reported as having arrived twice; zero if it did not.
    pub twice: u64,
    /// True if it reported a segment that was sent once, before the oldest outstanding one was sent last.
    pub before_head: bool,
    /// Segment of these that was sent last: its flight gives a sample of the delivery rate.
    newest: Option<Sent>,
}

impl Delivered {
    /// A segment arrived that was sent once, after a round trip of `rtt`.
    #[inline]
    fn note_rtt(&mut self, rtt: Duration) {
        self.rtt.get_or_insert(rtt);
        self.newest_rtt = Some(rtt);
    }

    /// A segment arrived.
    #[inline]
    fn note_newest(&mut self, segment: &Sent) {
        if self.newest.as_ref().is_none_or(|newest| segment.is_later(newest)) {
            self.newest = Some(*segment);
        }
    }
}

impl Sent {
    /// True if it was sent once, and nothing was reported or believed of it since.
    fn is_untouched(&self) -> bool {
        self.marks & !APP_LIMITED == 0
    }
}

impl Scoreboard {
    /// The peer has everything before `una`. `out` gathers what that tells.
    #[inline]
    pub fn acknowledge(&mut self, una: u64, now: Instant, out: &mut Delivered) {
        let from_sack = (out.rtt, out.newest_rtt);
        self.acknowledge_untouched(una, now, out);
        if self.sent.front().is_some_and(|first| first.start < una) {
            self.acknowledge_touched(una, now, out);
        }
        if out.repeated {
            // Data that waited behind a hole was acknowledged late, not delivered late.
            (out.rtt, out.newest_rtt) = from_sack;
        }
    }

    /// The same as far as segments come first that are untouched, as nearly all are: of a run of them, the first and
    /// the last tell what all would.
    #[inline(always)]
    fn acknowledge_untouched(&mut self, una: u64, now: Instant, out: &mut Delivered) {
        let is_next = |sent: &&Sent| sent.end() <= una && sent.is_untouched();
        let run = self.sent.iter().take_while(is_next).count();
        let Some(last) = run.checked_sub(1) else { return };
        let (first, last) = (&self.sent[0], &self.sent[last]);
        let bytes = last.end() - first.start;
        out.bytes += bytes;
        self.delivered += bytes;
        self.delivered_at = now;
        self.pipe -= bytes;
        if let Some(rack) = &mut self.rack {
            rack.on_delivered(first, now);
            rack.on_delivered(last, now);
        }
        out.note_newest(last);
        out.note_rtt(now - first.sent_at);
        out.note_rtt(now - last.sent_at);
        self.sent.skip(run);
    }

    #[inline(never)]
    fn acknowledge_touched(&mut self, una: u64, now: Instant, out: &mut Delivered) {
        while let Some(first) = self.sent.front()
            && first.start < una
        {
            if first.end() > una {
                // A part of a segment: only a peer that cuts segments does this.
                self.split(0, una);
            }
            let first = self.sent[0];
            self.sent.pop_front();
            out.repeated |= first.marks & AMBIGUOUS != 0;
            self.uncount(&first, out, now);
        }
    }

    /// Removes an acknowledged segment from the counters.
    fn uncount(&mut self, segment: &Sent, out: &mut Delivered, now: Instant) {
        if segment.marks & SACKED != 0 {
            self.sacked -= u64::from(segment.len);
            self.sacked_segments -= 1;
            return;
        }
        self.pipe -= segment.in_network();
        self.lost_pending -= u32::from(segment.is_pending());
        self.deliver(segment, out, now);
    }

    pub(super) fn deliver(&mut self, segment: &Sent, out: &mut Delivered, now: Instant) {
        let len = u64::from(segment.len);
        out.bytes += len;
        self.delivered += len;
        self.delivered_at = now;
        if let Some(rack) = &mut self.rack {
            rack.on_delivered(segment, now);
        }
        out.note_newest(segment);
        out.revived |= segment.marks & (LOST | AMBIGUOUS) == LOST;
        if segment.marks & AMBIGUOUS == 0 {
            out.note_rtt(now - segment.sent_at);
        }
    }

    /// A sample of the delivery rate from all that one acknowledgment told (draft-ietf-ccwg-bbr-06 §4.1.2.3).
    /// None if it took less than the smallest round trip, as after a repeat that was not needed.
    #[inline]
    pub fn sample(&mut self, delivered: &Delivered, min_rtt: Duration) -> Option<Sample> {
        if self.app_limited > 0 && self.delivered > self.app_limited {
            self.app_limited = 0;
        }
        let sent = delivered.newest.as_ref()?;
        self.first_sent_at = sent.sent_at;
        let sending = sent.sent_at.saturating_since(sent.first_sent_at);
        let arriving = self.delivered_at.saturating_since(sent.delivered_at);
        let interval = sending.max(arriving);
        (min_rtt == Duration::MAX || interval >= min_rtt).then(|| Sample {
            delivered: self.delivered - sent.delivered,
            interval,
            prior_delivered: sent.delivered,
            pipe: sent.pipe.into(),
            lost: (self.lost as u32).wrapping_sub(sent.lost).into(),
            app_limited: sent.marks & APP_LIMITED != 0,
        })
    }
}
