//! The sender's record of what is outstanding: a ring of segments with marks, and counters that
//! make every question cheap (RFC 6675 §3, §4). No question scans the window.

mod delivery;
mod loss;
mod rack;

pub use delivery::Delivered;

use crate::congestion::Loss;
use crate::ring::Ring;
use crate::time::Instant;
use loss::Casualties;
use rack::Rack;

/// RFC 6675 §2: so many segments SACKed above one make it lost.
pub const DUP_THRESH: u32 = 3;

/// Segments in flight, oldest first.
#[derive(Debug, Default)]
pub struct Scoreboard {
    sent: Ring<Sent>,
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
    /// Departure of the segment acknowledged last, where a sample of the rate starts; and all bytes marked lost.
    first_sent_at: Instant,
    lost: u64,
    /// Segments marked lost and not yet told of, if somebody wants to hear of them.
    casualties: Option<Box<Casualties>>,
    /// Bytes delivered until which the application limits what is sent; zero if it does not.
    app_limited: u64,
}

#[derive(Clone, Copy, Debug, Default)]
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
    /// Bytes in the network with it, and bytes lost before it: differences count, so these may wrap.
    pipe: u32,
    lost: u32,
}

impl Sent {
    fn end(&self) -> u64 {
        self.start + u64::from(self.len)
    }

    /// Bytes of it believed to be in the network: the first copy's, and the second's.
    fn in_network(&self) -> u64 {
        let copies = u8::from(self.marks & (LOST | SACKED) == 0) + u8::from(self.marks & RETRANSMITTED != 0);
        u64::from(copies) * u64::from(self.len)
    }

    /// True if it was sent last after `other` was.
    fn is_later(&self, other: &Sent) -> bool {
        rack::is_later((self.sent_at, self.number), (other.sent_at, other.number))
    }

    /// True if it is lost and was not sent again since.
    fn is_pending(&self) -> bool {
        self.marks & (LOST | RETRANSMITTED) == LOST
    }
}

const SACKED: u8 = 1;
const LOST: u8 = 2;
/// Sent again, and that copy is not known to be lost.
const RETRANSMITTED: u8 = 4;
/// Sent again at any time: no RTT sample (Karn).
const AMBIGUOUS: u8 = 8;
/// Sent last while the application limited the sender.
const APP_LIMITED: u8 = 16;

impl Scoreboard {
    /// Bytes believed to be in the network.
    pub fn pipe(&self) -> u64 {
        self.pipe
    }

    /// Bytes of memory that it takes.
    pub fn memory(&self) -> u64 {
        (self.sent.len() * size_of::<Sent>()) as u64
    }

    /// True if nothing is outstanding.
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// True if a lost segment waits to be sent again.
    pub fn has_lost(&self) -> bool {
        self.lost_pending > 0
    }

    /// New data `[start, start + len)` leaves now.
    pub fn on_sent(&mut self, start: u64, len: u32, now: Instant) {
        if self.sent.is_empty() {
            (self.first_sent_at, self.delivered_at) = (now, now);
        }
        self.pipe += u64::from(len);
        self.number = self.number.wrapping_add(1);
        self.sent.push_back(Sent {
            start,
            len,
            marks: if self.app_limited > 0 { APP_LIMITED } else { 0 },
            number: self.number,
            sent_at: now,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
            pipe: self.pipe as u32,
            lost: self.lost as u32,
        });
    }

    /// Bytes marked lost since the start.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// News of a loss of `bytes`, of `flight` outstanding.
    pub fn loss(&self, now: Instant, bytes: u64, flight: u64, new_episode: bool) -> Loss {
        let (lost, delivered, pipe) = (self.lost, self.delivered, self.pipe);
        Loss { now, bytes, lost, delivered, flight, pipe, new_episode }
    }

    /// Bytes delivered since the start.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// There is room, and nothing to send: rates may be the application's (draft-ietf-ccwg-bbr-06 §4.1.2.4).
    #[inline]
    pub fn limit_by_application(&mut self) {
        self.app_limited = (self.delivered + self.pipe).max(1);
    }

    /// True if what is sent now is limited by the application.
    pub fn is_app_limited(&self) -> bool {
        self.app_limited > 0
    }

    /// The peer has `[start, end)` beyond a gap. Ranges outside what is outstanding are ignored.
    pub fn sack(&mut self, start: u64, end: u64, now: Instant, out: &mut Delivered) {
        let Some(from) = self.unseen(start, end) else { return };
        let mut i = self.sent.partition_point(|sent| sent.end() <= from);
        while let Some(&first) = self.sent.get(i)
            && first.start < end
        {
            if first.marks & SACKED != 0 {
                i += 1;
                continue;
            }
            // A peer may cut segments as it likes: of one that it has in part, that part has arrived.
            if first.start < from {
                self.split(i, from);
                i += 1;
            }
            self.split(i, end);
            let (was, head) = (self.sent[i], &self.sent[0]);
            let len = u64::from(was.len);
            out.before_head |= was.marks & AMBIGUOUS == 0 && head.is_later(&was);
            self.sent[i].marks = SACKED | (was.marks & AMBIGUOUS);
            self.pipe -= was.in_network();
            self.lost_pending -= u32::from(was.is_pending());
            self.sacked += len;
            self.sacked_segments += 1;
            self.highest_sacked = self.highest_sacked.max(was.end());
            out.sacked += len;
            self.deliver(&was, out, now);
            self.rejoin(i + 1);
            i += usize::from(!self.rejoin(i));
        }
    }

    /// Start of the news in a reported range, if there is any; remembers the range.
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

    /// Number of segments sent again whose copies may be on their way.
    pub fn copies(&self) -> u32 {
        self.sent.iter_from(0).filter(|sent| sent.marks & (RETRANSMITTED | SACKED) == RETRANSMITTED).count()
            as u32
    }

    /// The segment sent last; a FIN of its own, at `fin_at`, comes with the data before it.
    pub fn tail(&self, fin_at: Option<u64>) -> Option<(u64, u32)> {
        let last = self.sent.back()?;
        let before = self.sent.len().checked_sub(2).map(|i| &self.sent[i]);
        match before {
            Some(data) if fin_at == Some(last.start) && data.marks & SACKED == 0 => {
                Some((data.start, data.len + last.len))
            }
            _ => Some((last.start, last.len)),
        }
    }

    /// True if anything beyond the cumulative acknowledgment was reported as received.
    pub fn has_sacked(&self) -> bool {
        self.sacked > 0
    }

    /// Makes one of the reported pieces in places `i` − 1 and `i`, if they left as one: evidence is counted
    /// in segments, not in how a peer reports them.
    fn rejoin(&mut self, i: usize) -> bool {
        let place = |i: usize| self.sent.get(i).map(|sent| (sent.marks & SACKED, sent.number, sent.sent_at));
        let whole = i > 0 && place(i).is_some_and(|it| it.0 == SACKED && place(i - 1) == Some(it));
        let Some(piece) = self.sent.get(i).filter(|_| whole) else { return false };
        let len = piece.len;
        self.sent[i - 1].len += len;
        self.sent.remove(i);
        self.sacked_segments -= 1;
        true
    }

    /// Cuts the segment in place `i` in two at the offset `at`, if it holds that within.
    fn split(&mut self, i: usize, at: u64) {
        let sent = &mut self.sent[i];
        if at <= sent.start || sent.end() <= at {
            return;
        }
        let rest = Sent { start: at, len: (sent.end() - at) as u32, ..*sent };
        sent.len -= rest.len;
        self.sacked_segments += u32::from(rest.marks & SACKED != 0);
        self.lost_pending += u32::from(rest.is_pending());
        if let Some(rack) = &mut self.rack
            && rest.marks & RETRANSMITTED != 0
        {
            rack.on_split(&rest);
        }
        self.sent.insert(i + 1, rest);
    }

    /// The bytes from `start` to `end` are sent again now.
    pub fn on_retransmitted(&mut self, start: u64, end: u64, now: Instant) {
        let app_limited = if self.app_limited > 0 { APP_LIMITED } else { 0 };
        let mut i = self.sent.partition_point(|sent| sent.start < start);
        while i < self.sent.len() && self.sent[i].start < end {
            self.split(i, end);
            let sent = &mut self.sent[i];
            i += 1;
            if sent.marks & RETRANSMITTED == 0 {
                self.pipe += u64::from(sent.len);
            }
            self.lost_pending -= u32::from(sent.is_pending());
            // A probe of the tail says nothing of what lies before it.
            if sent.marks & LOST != 0 {
                self.retransmitted_below = self.retransmitted_below.max(sent.end());
            }
            self.number = self.number.wrapping_add(1);
            sent.number = self.number;
            sent.marks = sent.marks & !APP_LIMITED | RETRANSMITTED | AMBIGUOUS | app_limited;
            sent.sent_at = now;
            sent.delivered = self.delivered;
            sent.delivered_at = self.delivered_at;
            sent.first_sent_at = self.first_sent_at;
            (sent.pipe, sent.lost) = (self.pipe as u32, self.lost as u32);
            if let Some(rack) = &mut self.rack {
                rack.on_retransmitted(now, sent.end());
            }
        }
    }
}
