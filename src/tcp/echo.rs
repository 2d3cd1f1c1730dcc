//! Echo of the ECN field of what arrived: one flag until it is answered (RFC 3168 §6.1.3), or counters of packets
//! and bytes (RFC 9768 §3.2).

use crate::wire::{Ecn, EcnBytes, EcnOrder, Flags, Options, SackBlocks, Segment};

/// Echo that acknowledgments carry.
#[derive(Debug, Default)]
pub(super) enum Echo {
    /// None: ECN is not agreed, or nothing was marked.
    #[default]
    Nothing,
    /// A mark arrived whose answer has not: every acknowledgment says so (RFC 3168 §6.1.3).
    Mark,
    /// Accurate ECN.
    Counters(Box<EcnCounters>),
}

/// Counters of the receiving half, in all that follows named as in RFC 9768 §3.2.
#[derive(Debug)]
pub(super) struct EcnCounters {
    /// Packets marked CE (`r.cep`), of which the low bits are told.
    packets: u8,
    /// Bytes of payload by codepoint (`r.e1b`, `r.e0b`, `r.ceb`), and those that ever changed.
    bytes: [u32; 4],
    changed: [bool; 4],
    /// Some changed since the last option.
    news: bool,
    /// ECN field of the last SYN or SYN-ACK.
    handshake: Ecn,
    /// Segments that carry all counters, so that the path is tested (§3.2.3.2.1).
    introductions: u8,
    /// Marks since the last acknowledgment, and whether the packet before was marked.
    marks: u8,
    was_marked: bool,
}

/// Marks after which data are acknowledged at once (§3.2.2.5.1), and packets without data.
const MARKED_DATA: u8 = 2;
const MARKED_PACKETS: u8 = 3;

impl EcnCounters {
    /// After a SYN or SYN-ACK that arrived with this ECN field (§3.2.1).
    pub fn new(handshake: Ecn, is_client: bool) -> EcnCounters {
        let mut bytes = [0; 4];
        bytes[Ecn::Ect0 as usize] = 1;
        bytes[Ecn::Ect1 as usize] = 1;
        EcnCounters {
            // §3.2.2.2: a marked SYN-ACK counts, a marked SYN does not.
            packets: 5 + u8::from(is_client && handshake == Ecn::Ce),
            bytes,
            changed: [false; 4],
            news: false,
            handshake,
            // Its acknowledgment and its first data.
            introductions: if is_client { 2 } else { 0 },
            marks: 0,
            was_marked: false,
        }
    }

    /// Another SYN or SYN-ACK arrived: the latest is told of.
    pub fn note_handshake(&mut self, ecn: Ecn) {
        self.handshake = ecn;
    }

    /// Flags that tell of the SYN or SYN-ACK.
    pub fn handshake(&self) -> Flags {
        Flags::of_handshake(self.handshake)
    }

    /// All counters, for a SYN-ACK.
    pub fn all(&self) -> EcnBytes {
        self.fields(EcnOrder::Ect0First, 3)
    }

    /// Counts an acceptable segment; true if it is acknowledged at once. `is_waited_for` tells that data are not
    /// acknowledged yet.
    pub fn note(&mut self, segment: &Segment, is_waited_for: bool) -> bool {
        let is_marked = segment.ecn == Ecn::Ce;
        let has_data = !segment.payload.is_empty();
        if has_data && segment.ecn != Ecn::NotEct {
            let place = segment.ecn as usize;
            self.bytes[place] = self.bytes[place].wrapping_add(segment.payload.len());
            self.changed[place] = true;
            self.news = true;
        }
        let begins = is_marked && !self.was_marked && has_data;
        self.was_marked = is_marked;
        if !is_marked {
            return false;
        }
        self.packets = self.packets.wrapping_add(1);
        self.marks = self.marks.saturating_add(1);
        begins || self.marks >= if is_waited_for || has_data { MARKED_DATA } else { MARKED_PACKETS }
    }

    /// The option of the next acknowledgment beside so many SACK blocks: the counters that ever changed, in the order
    /// that takes least room. SACK comes first: with two blocks three counters have no room (§3.2.3.3).
    pub fn option(&self, blocks: usize) -> Option<EcnBytes> {
        if !self.news && self.introductions == 0 {
            return None;
        }
        let last =
            |order: EcnOrder| (0..3).rev().find(|&place| self.changed[order.codepoint(place) as usize]);
        let order = if self.changed[Ecn::Ect1 as usize] { EcnOrder::Ect1First } else { EcnOrder::Ect0First };
        let len = if self.introductions > 0 { 3 } else { last(order).map_or(0, |place| place + 1) };
        (blocks < 2 || len < 3).then(|| self.fields(order, len))
    }

    fn fields(&self, order: EcnOrder, len: usize) -> EcnBytes {
        EcnBytes::new(order, len, |ecn| self.bytes[ecn as usize])
    }

    /// Writes the counters into an acknowledgment that leaves now.
    fn write(&mut self, segment: &mut Segment) {
        segment.flags = segment.flags.with(Flags::of_ace(self.packets));
        self.marks = 0;
        if let Some(bytes) = self.option(segment.sack_blocks().len()) {
            let blocks = match segment.options {
                Options::Sack(blocks) => blocks,
                _ => SackBlocks::default(),
            };
            segment.options = Options::Counted(bytes, blocks.first_two());
            self.news = false;
            self.introductions = self.introductions.saturating_sub(1);
        }
    }

    /// Makes `segment` the acknowledgment of a SYN-ACK, whose ECN field it tells of (§3.2.2.1).
    pub fn write_handshake(&mut self, segment: &mut Segment) {
        self.write(segment);
        segment.flags = Flags(segment.flags.0 & !Flags::ACE.0).with(self.handshake());
    }
}

impl Echo {
    /// The counters of accurate ECN.
    pub fn counters(&mut self) -> Option<&mut EcnCounters> {
        match self {
            Echo::Counters(counters) => Some(counters),
            _ => None,
        }
    }

    /// Takes note of an acceptable segment; true if it is acknowledged at once.
    ///
    /// RFC 3168 §6.1.3: the first mark begins the echo, the answer ends it, unless that is marked itself. Both are
    /// acknowledged at once (as Linux): the sender's window may be too small to wait.
    pub fn note(&mut self, segment: &Segment, is_waited_for: bool) -> bool {
        if let Echo::Counters(counters) = self {
            return counters.note(segment, is_waited_for);
        }
        if segment.payload.is_empty() {
            return false;
        }
        let was = matches!(self, Echo::Mark);
        let is = (was && !segment.flags.has(Flags::CWR)) || segment.ecn == Ecn::Ce;
        *self = if is { Echo::Mark } else { Echo::Nothing };
        was != is
    }

    /// Writes it into a segment that leaves now, whose other options are written.
    #[inline(never)]
    pub fn write(&mut self, segment: &mut Segment) {
        match self {
            Echo::Nothing => {}
            Echo::Mark => segment.flags = segment.flags.with(Flags::ECE),
            Echo::Counters(counters) => counters.write(segment),
        }
    }

    /// Bytes of the options of the next acknowledgment with so many SACK blocks.
    pub fn option_bytes(&self, blocks: usize) -> u32 {
        match self {
            Echo::Counters(counters) => counters.option(blocks).map_or_else(
                || SackBlocks::bytes_for(blocks),
                |bytes| bytes.wire_len() + SackBlocks::bytes_for(blocks.min(2)),
            ),
            _ => SackBlocks::bytes_for(blocks),
        }
    }
}
