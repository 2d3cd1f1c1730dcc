//! Losses found by time (RFC 8985 §6): what was sent before something that has arrived is lost when
//! a round trip and a window for reordering have passed.

use std::collections::VecDeque;

use super::loss::Casualties;
use super::{AMBIGUOUS, DUP_THRESH, LOST, RETRANSMITTED, SACKED, Scoreboard, Sent};
use crate::time::{Duration, Instant};

/// RFC 8985 §6.2 step 4: for so many recoveries a grown window stays.
const RECOVERIES: u8 = 16;

/// Memory of RACK.
#[derive(Debug, Default)]
pub(super) struct Rack {
    /// `RACK.xmit_ts`: when the segment was sent that was sent last of what has arrived, and its
    /// number. Unlike RFC 8985, which goes by their places in the stream, segments sent at one instant
    /// are ordered as they were sent.
    newest: (Instant, u16),
    /// `RACK.rtt`: the round trip of what arrived last.
    rtt: Duration,
    /// The round trip of the latest segment that was sent once.
    path_rtt: Duration,
    /// `RACK.min_RTT`: zero before the first sample.
    min_rtt: Duration,
    /// `RACK.fack`: the end of the highest segment known to have arrived before this acknowledgment.
    fack: u64,
    /// `RACK.reordering_seen`.
    reordering_seen: bool,
    /// `RACK.reo_wnd_mult` less one, `RACK.dsack_round`, and `RACK.reo_wnd_persist`.
    growth: u8,
    round: u64,
    persist: u8,
    /// The smoothed round trip: the window grows no further.
    srtt: Duration,
    /// Retransmissions by time: time, and end of the segment.
    sent_again: VecDeque<(Instant, u64)>,
}

/// Result of [`Scoreboard::detect_by_time`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    /// Bytes newly known to be lost.
    pub lost: u64,
    /// After how long something else will be.
    pub wait: Option<Duration>,
}

impl Rack {
    /// §6.2 steps 2 and 3: a segment has arrived.
    pub(super) fn on_delivered(&mut self, segment: &Sent, now: Instant) {
        let rtt = now - segment.sent_at;
        if segment.marks & AMBIGUOUS == 0 {
            self.reordering_seen |= segment.end() < self.fack;
            self.path_rtt = rtt;
        } else if rtt < self.min_rtt.max(self.path_rtt * 3 / 4) {
            // An answer to the original. Unlike RFC 8985, which knows the smallest round trip only, in
            // a long queue that of the latest segment sent once tells more.
            return;
        }
        self.rtt = rtt;
        if is_later((segment.sent_at, segment.number), self.newest) {
            self.newest = (segment.sent_at, segment.number);
        }
    }

    /// Something was sent again.
    pub(super) fn on_retransmitted(&mut self, now: Instant, end: u64) {
        self.sent_again.push_back((now, end));
    }

    /// A segment that was sent again was cut in two; `rest` is the second part.
    pub(super) fn on_split(&mut self, rest: &Sent) {
        let whole = (rest.sent_at, rest.end());
        if let Some(i) = self.sent_again.iter().position(|&known| known == whole) {
            self.sent_again.insert(i, (rest.sent_at, rest.start));
        }
    }

    /// §6.2 step 4: how much later something may arrive than what was sent after it.
    fn reordering_window(&self, repairing: bool, sacked: u32) -> Duration {
        if !self.reordering_seen && (repairing || sacked >= DUP_THRESH) {
            return Duration::ZERO;
        }
        let least = self.min_rtt / 4;
        if self.growth == 0 { least } else { (least * (u64::from(self.growth) + 1)).min(self.srtt) }
    }

    /// §6.2 step 5: whether a segment is lost: `None` if nothing sent later has arrived, else how long
    /// it still has; zero means it is lost.
    fn time_left(&self, segment: &Sent, now: Instant, window: Duration) -> Option<Duration> {
        is_later(self.newest, (segment.sent_at, segment.number))
            .then(|| (segment.sent_at + self.rtt + window).saturating_since(now))
    }
}

/// True if `one` was sent after `other`.
pub(super) fn is_later(one: (Instant, u16), other: (Instant, u16)) -> bool {
    one.0 > other.0 || one.0 == other.0 && one.1.wrapping_sub(other.1).cast_signed() > 0
}

impl Scoreboard {
    /// From now on losses are found by time.
    pub fn use_rack(&mut self) {
        self.rack = Some(Box::default());
    }

    /// True if losses are found by time.
    pub fn has_rack(&self) -> bool {
        self.rack.is_some()
    }

    /// The smallest round-trip time so far, and the smoothed one.
    pub fn set_rtt(&mut self, min_rtt: Duration, srtt: Duration) {
        if let Some(rack) = &mut self.rack {
            (rack.min_rtt, rack.srtt) = (min_rtt, srtt);
        }
    }

    /// Something arrived late but undamaged: three segments beyond a gap no longer prove a loss.
    pub fn note_reordering(&mut self) {
        if let Some(rack) = &mut self.rack {
            rack.reordering_seen = true;
        }
    }

    /// §6.2 step 4: a repeat was for nothing, so what was overtaken gets more time, but only once per round
    /// trip. Unlike there, as in Linux (`tcp_dsack_seen`), not before reordering was seen: else the
    /// duplicates of a lost acknowledgment would count as well.
    #[cold]
    pub fn on_needless_repeat(&mut self, una: u64, nxt: u64) {
        if let Some(rack) = &mut self.rack
            && rack.reordering_seen
            && una >= rack.round
        {
            rack.growth = rack.growth.saturating_add(1);
            rack.round = nxt;
            rack.persist = RECOVERIES;
        }
    }

    /// §6.2 step 4: an episode is over; after so many without needless repeats the window is the first again.
    pub fn on_recovered(&mut self) {
        if let Some(rack) = &mut self.rack
            && rack.growth > 0
        {
            rack.persist -= 1;
            if rack.persist == 0 {
                rack.growth = 0;
            }
        }
    }

    /// True if nothing that is outstanding was overtaken, or sent again: then there is no loss to be found by time, as
    /// after most acknowledgments.
    #[inline]
    pub fn is_in_order(&self) -> bool {
        let Some(rack) = &self.rack else { return true };
        let is_first_in_order = self.sent.get(0).is_none_or(|first| {
            first.marks & (SACKED | LOST | RETRANSMITTED) == 0
                && first.start >= self.lost_below
                && !is_later(rack.newest, (first.sent_at, first.number))
        });
        is_first_in_order && rack.sent_again.is_empty()
    }

    /// Everything that has arrived is known: what the next acknowledgment brings is judged by it.
    #[inline]
    pub fn note_arrivals(&mut self) {
        if let Some(rack) = &mut self.rack {
            rack.fack = self.highest_sacked;
        }
    }

    /// §6.2 step 5: marks what is lost. `repairing` tells whether an episode is under way.
    pub fn detect_by_time(&mut self, now: Instant, repairing: bool) -> Found {
        self.note_arrivals();
        let Some(mut rack) = self.rack.take() else { return Found::default() };
        let window = rack.reordering_window(repairing, self.sacked_segments);
        let mut found = Found::default();
        self.detect_originals(&rack, now, window, &mut found);
        self.detect_retransmissions(&mut rack, now, window, &mut found);
        self.rack = Some(rack);
        self.lost += found.lost;
        found
    }

    /// Of what was sent once, which is in the order of time.
    fn detect_originals(&mut self, rack: &Rack, now: Instant, window: Duration, found: &mut Found) {
        let mut i = self.sent.partition_point(|sent| sent.start < self.lost_below);
        let mut settled = true;
        while let Some(sent) = self.sent.get_mut(i) {
            i += 1;
            if sent.marks & (SACKED | LOST | RETRANSMITTED) == 0 {
                match rack.time_left(sent, now, window) {
                    None => break,
                    Some(Duration::ZERO) => {
                        sent.marks |= LOST;
                        self.pipe -= u64::from(sent.len);
                        self.lost_pending += 1;
                        self.retransmitted_below = self.retransmitted_below.min(sent.start);
                        found.lost += u64::from(sent.len);
                        Casualties::note(&mut self.casualties, sent, self.delivered, self.lost + found.lost);
                    }
                    left => {
                        found.wait = found.wait.max(left);
                        settled = false;
                    }
                }
            }
            if settled {
                self.lost_below = sent.end();
            }
        }
    }

    /// Of what was sent again: RFC 6675 would leave its loss to the timeout.
    fn detect_retransmissions(&mut self, rack: &mut Rack, now: Instant, window: Duration, found: &mut Found) {
        let mut i = 0;
        while let Some(&(at, end)) = rack.sent_again.get(i) {
            let place = self.sent.partition_point(|sent| sent.end() < end);
            let sent = self.sent.get_mut(place).filter(|sent| {
                sent.end() == end
                    && sent.sent_at == at
                    && sent.marks & (SACKED | RETRANSMITTED) == RETRANSMITTED
            });
            let Some(sent) = sent else {
                // It has arrived, or was sent once more.
                rack.sent_again.remove(i);
                continue;
            };
            match rack.time_left(sent, now, window) {
                None => break,
                Some(Duration::ZERO) => {
                    // With its copy the original is lost as well, whether or not that was marked.
                    self.pipe -= sent.in_network();
                    self.lost_pending += 1;
                    self.retransmitted_below = self.retransmitted_below.min(sent.start);
                    found.lost += u64::from(sent.len);
                    Casualties::note(&mut self.casualties, sent, self.delivered, self.lost + found.lost);
                    sent.marks = LOST | AMBIGUOUS;
                    rack.sent_again.remove(i);
                }
                left => {
                    found.wait = found.wait.max(left);
                    i += 1;
                }
            }
        }
    }

    /// §6.3: what was sent after this instant survives a timeout. Without RACK nothing does.
    pub(super) fn lost_until(&self, now: Instant) -> Instant {
        let Some(rack) = &self.rack else { return Instant::MAX };
        let age = rack.rtt + rack.reordering_window(true, self.sacked_segments);
        Instant::ZERO + (now - Instant::ZERO).saturating_sub(age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(board: &Scoreboard) -> u64 {
        let rack = board.rack.as_ref().expect("losses by time");
        rack.reordering_window(false, 0).as_nanos() / 1_000_000
    }

    /// §6.2 step 4
    #[test]
    fn the_window_grows_once_a_round_trip_up_to_the_smoothed_one_and_falls_back_after_sixteen_recoveries() {
        let mut board = Scoreboard::default();
        board.use_rack();
        board.set_rtt(Duration::from_millis(40), Duration::from_millis(100));
        board.on_needless_repeat(100, 200);
        assert_eq!(window(&board), 10, "no reordering was seen");
        board.note_reordering();
        for (una, nxt, expected) in [(100, 200, 20), (150, 300, 20), (199, 300, 20), (200, 300, 30)] {
            board.on_needless_repeat(una, nxt);
            assert_eq!(window(&board), expected, "{una}");
        }
        for una in 300..1_000 {
            board.on_needless_repeat(una, una);
        }
        assert_eq!(window(&board), 100);
        for _ in 0..15 {
            board.on_recovered();
        }
        assert_eq!(window(&board), 100);
        board.on_recovered();
        assert_eq!(window(&board), 10);
    }
}
