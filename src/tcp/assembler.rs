//! Puts the receiver's stream together: what arrived in order, waiting to be read, and what arrived
//! beyond a gap, in the blocks that SACK reports (RFC 2018 §4).

use std::collections::VecDeque;

use crate::wire::Payload;

/// The receive side of a byte stream. Offsets are absolute.
#[derive(Debug)]
pub struct Assembler {
    /// Next offset expected in order.
    next: u64,
    /// In order, not yet read; without contents if nobody will read them.
    ready: VecDeque<Payload>,
    ready_bytes: u64,
    is_sink: bool,
    /// Beyond a gap: sorted, without overlaps; adjacent zeros are one entry.
    held: VecDeque<(u64, Payload)>,
    /// The blocks beyond the gap, the most recently changed last.
    blocks: Vec<(u64, u64)>,
}

impl Assembler {
    /// An empty stream that begins at `start`.
    pub fn new(start: u64) -> Assembler {
        Assembler {
            next: start,
            ready: VecDeque::new(),
            ready_bytes: 0,
            is_sink: false,
            held: VecDeque::new(),
            blocks: Vec::new(),
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

    /// True if bytes wait beyond a gap.
    pub fn has_gap(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Every block that waits beyond a gap, the most recently changed first.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = (u64, u64)> {
        self.blocks.iter().rev().copied()
    }

    /// Takes in `payload`, whose first byte is at `start`; what is already here is ignored.
    #[inline(always)]
    pub fn insert(&mut self, start: u64, payload: &Payload) {
        let end = start + u64::from(payload.len());
        if end <= self.next || payload.is_empty() {
            return;
        }
        if start > self.next {
            self.hold(start, payload);
            return;
        }
        self.append(payload, (self.next - start) as u32);
        if self.has_gap() {
            self.join();
        }
    }

    /// The FIN stands at `at`: beyond a gap it is reported like a byte.
    pub fn note_fin(&mut self, at: u64) {
        if at > self.next {
            self.change_block(at, at + 1);
        }
    }

    /// Takes the next piece to read.
    pub fn read(&mut self) -> Option<Payload> {
        let payload = self.ready.pop_front()?;
        self.ready_bytes -= u64::from(payload.len());
        Some(payload)
    }

    /// Reads and drops everything; returns how much that was.
    #[inline]
    pub fn discard(&mut self) -> u64 {
        if !self.ready.is_empty() {
            self.ready.clear();
        }
        std::mem::take(&mut self.ready_bytes)
    }

    /// From now on only counts what could be read.
    pub fn sink(&mut self) {
        self.is_sink = true;
    }

    /// True if it only counts.
    pub fn is_sink(&self) -> bool {
        self.is_sink
    }

    /// Makes `payload[skip..]`, which is in order, readable.
    #[inline]
    fn append(&mut self, payload: &Payload, skip: u32) {
        let len = payload.len() - skip;
        self.next += u64::from(len);
        self.ready_bytes += u64::from(len);
        if self.is_sink {
            return;
        }
        match self.ready.back_mut() {
            Some(last) if grows(last, payload) => last.grow(len),
            _ => self.ready.push_back(payload.slice(skip, len)),
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
        self.blocks.retain(|&(start, _)| start > next);
    }

    /// Keeps data beyond a gap, filling only what is missing, and notes that its block changed.
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
        self.change_block(start, end);
    }

    /// Inserts a piece before entry `i`, or grows the zeros before it; tells whether it inserted.
    fn place(&mut self, i: usize, at: u64, piece: Payload) -> bool {
        if let Some(before) = i.checked_sub(1)
            && let Some(entry) = self.held.get_mut(before)
            && entry_end(entry) == at
            && grows(&entry.1, &piece)
        {
            entry.1.grow(piece.len());
            return false;
        }
        self.held.insert(i, (at, piece));
        true
    }

    /// Merges the bytes `[start, end)` and the blocks that they touch into one, the newest (RFC 2018 §4).
    /// None is forgotten: a peer that heard of a block only in acknowledgments that were lost hears of
    /// it again as soon as there is room.
    fn change_block(&mut self, mut start: u64, mut end: u64) {
        self.blocks.retain(|&(s, e)| {
            let touches = s <= end && start <= e;
            if touches {
                start = start.min(s);
                end = end.max(e);
            }
            !touches
        });
        self.blocks.push((start, end));
    }
}

fn entry_end(entry: &(u64, Payload)) -> u64 {
    entry.0 + u64::from(entry.1.len())
}

/// True if `more` right behind `payload` needs no entry of its own: both are zeros, and not too many.
fn grows(payload: &Payload, more: &Payload) -> bool {
    payload.is_zeros() && more.is_zeros() && payload.len() < u32::MAX / 2
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
        assert_eq!(blocks(&a), [(6, 8), (2, 4)]);
        a.insert(4, &text(b"ef"));
        assert_eq!(blocks(&a), [(2, 8)]);
        a.insert(0, &text(b"ab"));
        assert_eq!(drain(&mut a), b"abcdefgh");
        assert!(!a.has_gap());
    }

    fn blocks(assembler: &Assembler) -> Vec<(u64, u64)> {
        assembler.blocks().collect()
    }

    #[test]
    fn a_fin_beyond_a_gap_is_part_of_its_block() {
        let mut a = Assembler::new(0);
        a.note_fin(6);
        assert_eq!(blocks(&a), [(6, 7)]);
        a.insert(2, &text(b"cdef"));
        assert_eq!(blocks(&a), [(2, 7)]);
        a.insert(0, &text(b"ab"));
        assert_eq!((a.next(), a.has_gap()), (6, false));
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
                let mut sorted = blocks(&a);
                sorted.sort_unstable();
                // Apart from each other, and all that is held.
                prop_assert!(sorted.windows(2).all(|pair| pair[0].1 < pair[1].0));
                let held: u64 = a.held.iter().map(|entry| u64::from(entry.1.len())).sum();
                prop_assert_eq!(sorted.iter().map(|(s, e)| e - s).sum::<u64>(), held);
                for (s, e) in sorted {
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
