//! Puts the receiver's stream together: what arrived in order, waiting to be read, and what arrived
//! beyond a gap, with the SACK blocks that report it (RFC 2018 §4).

use std::collections::VecDeque;
use std::rc::Rc;

use crate::wire::Payload;

/// The receive side of a byte stream. Offsets are absolute.
#[derive(Debug)]
pub struct Assembler {
    /// Next offset expected in order.
    next: u64,
    /// In order, not yet read.
    ready: VecDeque<Payload>,
    ready_bytes: u64,
    /// Beyond a gap: sorted, without overlaps; adjacent zeros are one entry.
    held: VecDeque<(u64, Payload)>,
    /// Ranges to report, the most recently changed first; at most as many as an option holds.
    recent: Vec<(u64, u64)>,
}

/// SACK blocks that fit beside timestamps (RFC 2018 §3).
const MAX_BLOCKS: usize = 3;

impl Assembler {
    /// An empty stream that begins at `start`.
    pub fn new(start: u64) -> Assembler {
        Assembler {
            next: start,
            ready: VecDeque::new(),
            ready_bytes: 0,
            held: VecDeque::new(),
            recent: Vec::new(),
        }
    }

    /// The next offset expected in order.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Bytes in order that were not read yet.
    pub fn ready_bytes(&self) -> u64 {
        self.ready_bytes
    }

    /// Bytes that arrived so far, each once, those beyond a gap among them.
    pub fn arrived_bytes(&self) -> u64 {
        let held: u64 = self.held.iter().map(|(_, payload)| u64::from(payload.len())).sum();
        self.next + held
    }

    /// Whether something waits beyond a gap.
    pub fn has_gap(&self) -> bool {
        !self.held.is_empty()
    }

    /// The ranges to report, the most recent first.
    pub fn sack_ranges(&self) -> &[(u64, u64)] {
        &self.recent
    }

    /// Takes in `payload`, whose first byte is at `start`; what is already here is ignored.
    pub fn insert(&mut self, start: u64, payload: &Payload) {
        let end = start + u64::from(payload.len());
        if end <= self.next {
            return;
        }
        if start > self.next {
            self.hold(start, payload);
            return;
        }
        self.append(payload, (self.next - start) as u32);
        if !self.held.is_empty() {
            self.join();
        }
    }

    /// Takes the next piece to read.
    pub fn read(&mut self) -> Option<Payload> {
        let payload = self.ready.pop_front()?;
        self.ready_bytes -= u64::from(payload.len());
        Some(payload)
    }

    /// Reads and drops everything; returns how much that was.
    pub fn discard(&mut self) -> u64 {
        self.ready.clear();
        std::mem::take(&mut self.ready_bytes)
    }

    /// Makes `payload[skip..]`, which is in order, readable.
    fn append(&mut self, payload: &Payload, skip: u32) {
        let len = payload.len() - skip;
        self.next += u64::from(len);
        self.ready_bytes += u64::from(len);
        match (self.ready.back_mut(), payload) {
            (Some(Payload::Zeros(n)), Payload::Zeros(_)) if *n < u32::MAX / 2 => *n += len,
            (_, Payload::Zeros(_)) => self.ready.push_back(Payload::zeros(len)),
            (_, Payload::Shared(bytes, from, _)) => {
                self.ready.push_back(Payload::Shared(Rc::clone(bytes), from + skip, len));
            }
        }
    }

    /// Moves what the gap no longer separates into order.
    fn join(&mut self) {
        while let Some((start, _)) = self.held.front() {
            if *start > self.next {
                break;
            }
            let Some((start, payload)) = self.held.pop_front() else { break };
            let skip = self.next - start;
            if skip < u64::from(payload.len()) {
                self.append(&payload, skip as u32);
            }
        }
        let next = self.next;
        self.recent.retain(|&(_, end)| end > next);
    }

    /// Keeps data beyond a gap, filling only what is missing, and reports the block it is in first.
    fn hold(&mut self, start: u64, payload: &Payload) {
        let end = start + u64::from(payload.len());
        let mut at = start;
        // Entries that end after our start; nearly always none, because data arrives at the end.
        let mut i = self.held.len();
        while i > 0 && entry_end(&self.held[i - 1]) > start {
            i -= 1;
        }
        while at < end {
            let (gap_end, entry_end) = match self.held.get(i) {
                Some(entry) => (entry.0.min(end), entry_end(entry)),
                None => (end, end),
            };
            if at < gap_end {
                let piece = payload.slice((at - start) as u32, (gap_end - at) as u32);
                i += usize::from(self.place(i, at, piece));
            }
            at = entry_end.max(gap_end);
            i += 1;
        }
        self.report(start, end);
    }

    /// Inserts a piece before entry `i`, or grows the zeros before it; tells whether it inserted.
    fn place(&mut self, i: usize, at: u64, piece: Payload) -> bool {
        if let (Some(before), Payload::Zeros(len)) = (i.checked_sub(1), &piece)
            && let Some((start, Payload::Zeros(n))) = self.held.get_mut(before)
            && *start + u64::from(*n) == at
        {
            *n += len;
            return false;
        }
        self.held.insert(i, (at, piece));
        true
    }

    /// RFC 2018 §4: the block that holds the newest segment comes first.
    fn report(&mut self, mut start: u64, mut end: u64) {
        // Blocks that touch the new data belong to it.
        self.recent.retain(|&(s, e)| {
            let touches = s <= end && start <= e;
            if touches {
                start = start.min(s);
                end = end.max(e);
            }
            !touches
        });
        // A block that was forgotten for want of room may still touch, or hold all of the news.
        let first = self.held.partition_point(|entry| entry_end(entry) < start);
        for entry in self.held.range(first..) {
            if entry.0 > end {
                break;
            }
            start = start.min(entry.0);
            end = end.max(entry_end(entry));
        }
        for entry in self.held.range(..first).rev() {
            if entry_end(entry) != start {
                break;
            }
            start = entry.0;
        }
        self.recent.insert(0, (start, end));
        self.recent.truncate(MAX_BLOCKS);
    }
}

fn entry_end(entry: &(u64, Payload)) -> u64 {
    entry.0 + u64::from(entry.1.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: &[u8]) -> Payload {
        Payload::shared(bytes)
    }

    fn drain(assembler: &mut Assembler) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some(payload) = assembler.read() {
            payload.copy_to(&mut out);
        }
        out
    }

    #[test]
    fn fills_gaps_and_reports_the_newest_block_first() {
        let mut a = Assembler::new(0);
        a.insert(2, &text(b"cd"));
        a.insert(6, &text(b"gh"));
        assert_eq!(a.sack_ranges(), [(6, 8), (2, 4)]);
        a.insert(4, &text(b"ef"));
        assert_eq!(a.sack_ranges(), [(2, 8)]);
        a.insert(0, &text(b"ab"));
        assert_eq!(drain(&mut a), b"abcdefgh");
        assert!(a.sack_ranges().is_empty() && !a.has_gap());
    }

    #[test]
    fn contiguous_zeros_stay_one_entry() {
        let mut a = Assembler::new(0);
        for i in 1..1000 {
            a.insert(i * 1448, &Payload::zeros(1448));
        }
        assert_eq!(a.held.len(), 1);
        a.insert(0, &Payload::zeros(1448));
        assert_eq!(a.discard(), 1_448_000);
    }

    proptest! {
        #[test]
        fn any_order_with_overlaps_gives_the_stream(
            cuts in proptest::collection::vec((0u64..200, 1u64..40), 1..60),
            zeros in proptest::collection::vec(any::<bool>(), 60),
        ) {
            let stream: Vec<u8> = (0..240u32).map(|i| (i % 251) as u8).collect();
            let mut a = Assembler::new(0);
            let mut seen = vec![false; 240];
            for ((start, len), zero) in cuts.iter().zip(&zeros) {
                let range = *start as usize..(start + len) as usize;
                seen[range.clone()].fill(true);
                // Zeros stand in for their bytes: only lengths are compared then.
                let payload = if *zero { Payload::zeros(*len as u32) } else { text(&stream[range]) };
                a.insert(*start, &payload);
                for &(s, e) in a.sack_ranges() {
                    prop_assert!(s > a.next() && e > s);
                    prop_assert!(seen[s as usize..e as usize].iter().all(|&x| x));
                }
            }
            let in_order = seen.iter().position(|&x| !x).unwrap_or(240);
            prop_assert_eq!(a.next() as usize, in_order);
            let got = drain(&mut a);
            prop_assert_eq!(got.len(), in_order);
            for (i, byte) in got.iter().enumerate() {
                prop_assert!(*byte == stream[i] || *byte == 0);
            }
        }
    }
}
