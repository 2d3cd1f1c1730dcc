//! The sender's record of what is outstanding: a ring of segments with marks, and counters that
//! make every question cheap (RFC 6675 §3, §4). No question scans the window.

mod rack;

use std::collections::VecDeque;

use crate::time::{Duration, Instant};
use rack::Rack;

/// RFC 6675 §2: so many segments SACKed above one make it lost.
pub const DUP_THRESH: u32 = 3;

/// Segments in flight, oldest first.
#[derive(Debug, Default)]
pub struct Scoreboard {
    sent: VecDeque<Sent>,
    /// Bytes believed to be in the network: RFC 6675's `pipe`.
    pipe: u64,
    /// Bytes outstanding and reported as received, and segments.
    sacked: u64,
    sacked_segments: u32,
    /// Segments marked lost and not sent again since.
    lost_pending: u32,
    /// Offset after the highest byte reported as received.
    highest_sacked: u64,
    /// Ranges reported lately, so that a block that grows is not walked from its start again.
    seen: [(u64, u64); 4],
    /// Everything not SACKed below this offset has been marked lost already.
    lost_below: u64,
    /// Lost segments below this offset have been sent again: RFC 6675's `HighRxt`.
    retransmitted_below: u64,
    /// Counts what is sent.
    number: u16,
    /// If losses are found by time.
    rack: Option<Box<Rack>>,
    /// Bytes delivered since the start, and when the last of them was.
    delivered: u64,
    delivered_at: Instant,
    /// When the segment was sent whose acknowledgment came last: starts a sample of the rate.
    first_sent_at: Instant,
}

#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "`sent_at` is when it was sent")]
struct Sent {
    start: u64,
    len: u32,
    marks: u8,
    /// Counts what is sent, and so orders what was sent at one instant.
    number: u16,
    sent_at: Instant,
    /// The state of the delivery counters when it was sent.
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
}

impl Sent {
    fn end(&self) -> u64 {
        self.start + u64::from(self.len)
    }
}

const SACKED: u8 = 1;
const LOST: u8 = 2;
/// Sent again, and that copy is not known to be lost.
const RETRANSMITTED: u8 = 4;
/// Sent again at any time: no RTT sample (Karn).
const AMBIGUOUS: u8 = 8;

/// What an acknowledgment told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Bytes newly known to have arrived, by SACK or cumulatively.
    pub bytes: u64,
    /// Of these, bytes newly reported by SACK blocks.
    pub sacked: u64,
    /// Round-trip time of the oldest segment that was sent once: includes a delayed ACK's wait.
    pub rtt: Option<Duration>,
    /// Round-trip time of the newest.
    pub newest_rtt: Option<Duration>,
    /// Bytes delivered between two instants around this segment's flight, and the time between:
    /// a sample of the delivery rate (draft-ietf-ccwg-bbr §4.1).
    pub rate: Option<(u64, Duration)>,
}

impl Scoreboard {
    /// Bytes believed to be in the network.
    pub fn pipe(&self) -> u64 {
        self.pipe
    }

    /// Whether nothing is outstanding.
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Whether a lost segment waits to be sent again.
    pub fn has_lost(&self) -> bool {
        self.lost_pending > 0
    }

    /// New data `[start, start + len)` leaves now.
    pub fn on_sent(&mut self, start: u64, len: u32, now: Instant) {
        if self.sent.is_empty() {
            self.first_sent_at = now;
            self.delivered_at = now;
        }
        self.pipe += u64::from(len);
        self.number = self.number.wrapping_add(1);
        self.sent.push_back(Sent {
            start,
            len,
            marks: 0,
            number: self.number,
            sent_at: now,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
        });
    }

    /// The peer has everything before `una`. `out` gathers what that tells.
    pub fn acknowledge(&mut self, una: u64, now: Instant, out: &mut Delivered) {
        let from_sack = (out.rtt, out.newest_rtt);
        let mut ambiguous = false;
        let mut newest = None;
        while let Some(first) = self.sent.front_mut() {
            if first.end() > una {
                if first.start < una {
                    // A part of a segment: only a peer that cuts segments does this.
                    let cut = (una - first.start) as u32;
                    let whole = std::mem::replace(&mut first.len, cut);
                    let part = Sent { ..*first };
                    first.start = una;
                    first.len = whole - cut;
                    // The part takes its share of the counters with it; a lost one stays pending.
                    self.uncount(&part, out, now);
                    newest = Some(part);
                    if part.marks & (LOST | RETRANSMITTED) == LOST {
                        self.lost_pending += 1;
                    }
                }
                break;
            }
            let Some(first) = self.sent.pop_front() else { break };
            ambiguous |= first.marks & AMBIGUOUS != 0;
            self.uncount(&first, out, now);
            newest = Some(first);
        }
        if let Some(sent) = newest.filter(|sent| sent.marks & SACKED == 0) {
            self.sample_rate(sent.delivered, sent.delivered_at, sent.first_sent_at, sent.sent_at, out);
        }
        if ambiguous {
            // What waited behind a hole was acknowledged late, not delivered late.
            (out.rtt, out.newest_rtt) = from_sack;
        }
    }

    /// Removes an acknowledged segment from the counters.
    fn uncount(&mut self, segment: &Sent, out: &mut Delivered, now: Instant) {
        let len = u64::from(segment.len);
        if segment.marks & SACKED != 0 {
            self.sacked -= len;
            self.sacked_segments -= 1;
            return;
        }
        if segment.marks & LOST == 0 {
            self.pipe -= len;
        } else if segment.marks & RETRANSMITTED == 0 {
            self.lost_pending -= 1;
        }
        if segment.marks & RETRANSMITTED != 0 {
            self.pipe -= len;
        }
        self.deliver(segment, out, now);
    }

    fn deliver(&mut self, segment: &Sent, out: &mut Delivered, now: Instant) {
        let len = u64::from(segment.len);
        out.bytes += len;
        self.delivered += len;
        self.delivered_at = now;
        if let Some(rack) = &mut self.rack {
            rack.on_delivered(segment, now);
        }
        if segment.marks & AMBIGUOUS == 0 {
            let rtt = now - segment.sent_at;
            out.rtt.get_or_insert(rtt);
            out.newest_rtt = Some(rtt);
        }
    }

    /// Takes the longer of the send and the acknowledgment interval, so that neither bunched
    /// sending nor bunched acknowledgments make the path look faster than it is.
    fn sample_rate(
        &mut self,
        delivered: u64,
        delivered_at: Instant,
        first_sent_at: Instant,
        sent_at: Instant,
        out: &mut Delivered,
    ) {
        let sending = sent_at.saturating_since(first_sent_at);
        let arriving = self.delivered_at.saturating_since(delivered_at);
        out.rate = Some((self.delivered - delivered, sending.max(arriving)));
        self.first_sent_at = sent_at;
    }

    /// The peer has `[start, end)` beyond a gap. Ranges outside what is outstanding are ignored.
    pub fn sack(&mut self, start: u64, end: u64, now: Instant, out: &mut Delivered) {
        let Some(from) = self.unseen(start, end) else { return };
        let mut i = self.sent.partition_point(|sent| sent.start < from);
        while let Some(sent) = self.sent.get_mut(i) {
            if sent.end() > end {
                break;
            }
            i += 1;
            if sent.marks & SACKED != 0 {
                continue;
            }
            let was = *sent;
            let (marks, len) = (was.marks, u64::from(was.len));
            sent.marks = SACKED | (marks & AMBIGUOUS);
            if marks & LOST == 0 {
                self.pipe -= len;
            } else if marks & RETRANSMITTED == 0 {
                self.lost_pending -= 1;
            }
            if marks & RETRANSMITTED != 0 {
                self.pipe -= len;
            }
            self.sacked += len;
            self.sacked_segments += 1;
            self.highest_sacked = self.highest_sacked.max(was.end());
            out.sacked += len;
            self.deliver(&was, out, now);
            self.sample_rate(was.delivered, was.delivered_at, was.first_sent_at, was.sent_at, out);
        }
    }

    /// Where the news in a reported range begins, if there is any; remembers the range.
    fn unseen(&mut self, start: u64, end: u64) -> Option<u64> {
        let known = self.seen.iter().position(|&(s, e)| s <= start && start <= e);
        let (slot, range, from) = match known {
            Some(i) if end <= self.seen[i].1 => return None,
            Some(i) => (i, (self.seen[i].0, end), self.seen[i].1),
            None => (self.seen.len() - 1, (start, end), start),
        };
        self.seen[..=slot].rotate_right(1);
        self.seen[0] = range;
        Some(from)
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
            }
        }
        bytes
    }

    /// Marks the oldest segment lost (RFC 6582 §3.2), unless it was sent again already and the
    /// copy may be on its way; returns its bytes.
    pub fn mark_first_lost(&mut self) -> u64 {
        let Some(first) = self.sent.front_mut() else { return 0 };
        if first.marks & (SACKED | LOST | RETRANSMITTED) != 0 {
            return 0;
        }
        first.marks |= LOST;
        self.pipe -= u64::from(first.len);
        self.lost_pending += 1;
        self.retransmitted_below = self.retransmitted_below.min(first.start);
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
        for sent in &mut self.sent {
            let (marks, len) = (sent.marks, u64::from(sent.len));
            let is_recent = !reneged && sent.sent_at > lost_until && sent.start > una;
            if !(is_recent || marks & SACKED != 0 && !reneged) {
                bytes += if marks & LOST == 0 { len } else { 0 };
                let copies = u64::from(marks & (LOST | SACKED) == 0) + u64::from(marks & RETRANSMITTED != 0);
                self.pipe -= copies * len;
                sent.marks = LOST | (marks & AMBIGUOUS);
            }
            self.lost_pending += u32::from(sent.marks & (LOST | RETRANSMITTED) == LOST);
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
        bytes
    }

    /// Takes back the marks of what was not sent again: the losses were none. Detection starts
    /// anew from `una`.
    pub fn unmark_lost(&mut self, una: u64) {
        for sent in &mut self.sent {
            if sent.marks & (LOST | RETRANSMITTED) == LOST {
                sent.marks &= !LOST;
                self.pipe += u64::from(sent.len);
            }
        }
        self.lost_pending = 0;
        self.lost_below = una;
    }

    /// The next lost segment to send again, RFC 6675's `NextSeg` rule 1.
    pub fn next_lost(&self) -> Option<(u64, u32)> {
        if self.lost_pending == 0 {
            return None;
        }
        let from = self.sent.partition_point(|sent| sent.start < self.retransmitted_below);
        self.sent
            .range(from..)
            .find(|sent| sent.marks & (LOST | RETRANSMITTED) == LOST)
            .map(|sent| (sent.start, sent.len))
    }

    /// The oldest segment that was neither SACKed nor sent again, below the highest SACKed byte:
    /// `NextSeg` rule 3.
    pub fn next_doubtful(&self) -> Option<(u64, u32)> {
        let from = self.sent.partition_point(|sent| sent.start < self.retransmitted_below);
        self.sent
            .range(from..)
            .take_while(|sent| sent.start < self.highest_sacked)
            .find(|sent| sent.marks & (SACKED | RETRANSMITTED) == 0)
            .map(|sent| (sent.start, sent.len))
    }

    /// The segment sent last.
    pub fn last(&self) -> Option<(u64, u32)> {
        self.sent.back().map(|sent| (sent.start, sent.len))
    }

    /// Whether anything beyond the cumulative acknowledgment was reported as received.
    pub fn has_sacked(&self) -> bool {
        self.sacked > 0
    }

    /// The segment at `start` is sent again now.
    pub fn on_retransmitted(&mut self, start: u64, now: Instant) {
        let i = self.sent.partition_point(|sent| sent.start < start);
        let (delivered, delivered_at, first_sent_at) =
            (self.delivered, self.delivered_at, self.first_sent_at);
        let Some(sent) = self.sent.get_mut(i) else { return };
        if sent.marks & RETRANSMITTED == 0 {
            self.pipe += u64::from(sent.len);
        }
        if sent.marks & (LOST | RETRANSMITTED) == LOST {
            self.lost_pending -= 1;
        }
        let was_lost = sent.marks & LOST != 0;
        self.number = self.number.wrapping_add(1);
        sent.number = self.number;
        sent.marks |= RETRANSMITTED | AMBIGUOUS;
        sent.sent_at = now;
        sent.delivered = delivered;
        sent.delivered_at = delivered_at;
        sent.first_sent_at = first_sent_at;
        let end = sent.end();
        // A probe of the tail says nothing of what lies before it.
        if was_lost {
            self.retransmitted_below = self.retransmitted_below.max(end);
        }
        if let Some(rack) = &mut self.rack {
            rack.on_retransmitted(now, end);
        }
    }
}
