//! An exact list of packets to drop, by their place in a flow's data.

use super::impairment::{Impairment, Verdict};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::{FlowId, Packet, SeqNumber};

/// Drops listed transmissions of one flow. It learns the numbers of data segments by watching them
/// enter the link, so it belongs on the first link of the flow's path: what is lost before it is
/// never counted.
///
/// A packet with payload is a new segment when it starts at or behind the end of all data seen so
/// far; otherwise it is a retransmission of the segment whose first byte it carries.
#[derive(Debug)]
pub struct DropList {
    flow: FlowId,
    entries: Vec<DropEntry>,
    /// Data segments seen so far.
    segments: u64,
    /// The end of the data seen so far.
    end: Option<SeqNumber>,
    /// Starts of the listed segments, as far as they were seen.
    watched: Vec<Watched>,
}

/// One transmission to drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DropEntry {
    /// The number of the data segment, counted from 1 in order of first transmission.
    pub segment: u64,
    /// 0 for the original, k for its k-th retransmission.
    pub retransmission: u32,
}

#[derive(Debug)]
struct Watched {
    segment: u64,
    start: SeqNumber,
    retransmissions: u32,
}

impl DropList {
    /// A list for `flow`, in the direction of the link that it is given to.
    pub fn new(flow: FlowId, entries: Vec<DropEntry>) -> DropList {
        DropList { flow, entries, segments: 0, end: None, watched: Vec::new() }
    }

    /// True if a new data segment from `start` is listed.
    fn first_transmission(&mut self, start: SeqNumber) -> bool {
        self.segments += 1;
        let segment = self.segments;
        if self.entries.iter().any(|entry| entry.segment == segment) {
            self.watched.push(Watched { segment, start, retransmissions: 0 });
        }
        self.lists(segment, 0)
    }

    /// True if the bytes from `start` up to `end` carry a listed retransmission.
    fn retransmission(&mut self, start: SeqNumber, end: SeqNumber) -> bool {
        let mut listed = false;
        for i in 0..self.watched.len() {
            let watched = &mut self.watched[i];
            if !watched.start.is_before(start) && watched.start.is_before(end) {
                watched.retransmissions += 1;
                let (segment, count) = (watched.segment, watched.retransmissions);
                listed |= self.lists(segment, count);
            }
        }
        listed
    }

    fn lists(&self, segment: u64, retransmission: u32) -> bool {
        self.entries.contains(&DropEntry { segment, retransmission })
    }
}

impl Impairment for DropList {
    fn judge(&mut self, _: Instant, packet: &Packet, _: &mut Rng) -> Verdict {
        let segment = &packet.segment;
        if packet.flow != self.flow || segment.payload.is_empty() {
            return Verdict::Pass;
        }
        let start = segment.seq;
        let end = start.add(segment.payload.len());
        let is_new = self.end.is_none_or(|seen| !start.is_before(seen));
        let listed = if is_new { self.first_transmission(start) } else { self.retransmission(start, end) };
        if self.end.is_none_or(|seen| seen.is_before(end)) {
            self.end = Some(end);
        }
        if listed { Verdict::Drop } else { Verdict::Pass }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;
    use crate::wire::{Direction, Payload, Segment};

    /// The 0-based places in `sent`, a list of (first byte, length), that are dropped.
    fn dropped(entries: &[(u64, u32)], sent: &[(u32, u32)]) -> Vec<usize> {
        let entries = entries.iter().map(|&(segment, retransmission)| DropEntry { segment, retransmission });
        let mut list = DropList::new(FlowId(7), entries.collect());
        let mut rng = Seed(1).stream("unused");
        let mut judge = |&(seq, len): &(u32, u32), flow| {
            let segment = Segment { seq: SeqNumber(seq), payload: Payload::zeros(len), ..Segment::default() };
            let packet = Packet::new(FlowId(flow), Direction::Up, segment);
            list.judge(Instant::ZERO, &packet, &mut rng) == Verdict::Drop
        };
        let fates: Vec<bool> = sent.iter().map(|packet| !judge(packet, 3) && judge(packet, 7)).collect();
        (0..sent.len()).filter(|&i| fates[i]).collect()
    }

    #[test]
    fn drops_the_nth_data_segment_and_passes_pure_acks_and_other_flows() {
        let sent = [(100, 0), (100, 10), (110, 0), (110, 10), (120, 10)];
        assert_eq!(dropped(&[(2, 0)], &sent), [3]);
    }

    #[test]
    fn drops_the_kth_retransmission_only() {
        let sent = [(0, 10), (10, 10), (0, 10), (20, 10), (0, 10), (0, 10)];
        assert_eq!(dropped(&[(1, 2)], &sent), [4]);
        assert_eq!(dropped(&[(1, 0), (1, 1)], &sent), [0, 2]);
    }

    #[test]
    fn a_retransmission_is_known_by_the_first_byte_of_the_segment() {
        // Two segments sent again as one, then a tail of the first, which is nobody's first byte.
        let sent = [(0, 10), (10, 10), (0, 20), (5, 5), (20, 10)];
        assert_eq!(dropped(&[(2, 1)], &sent), [2]);
        assert_eq!(dropped(&[(3, 0)], &sent), [4]);
    }

    #[test]
    fn sequence_numbers_may_wrap() {
        let sent = [(u32::MAX - 4, 10), (5, 10), (u32::MAX - 4, 10), (15, 10)];
        assert_eq!(dropped(&[(1, 1), (3, 0)], &sent), [2, 3]);
    }
}
