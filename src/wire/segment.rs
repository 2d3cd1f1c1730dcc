//! A TCP segment in memory: the header of RFC 9293 §3.1, the options of RFC 7323, RFC 2018 and RFC 9768, and
//! a payload that is either a length (bulk data) or shared bytes (chat).

use std::rc::Rc;

use super::{Ecn, EcnBytes, SeqNumber};

/// Bytes of a TCP header without options (RFC 9293 §3.1).
pub const TCP_HEADER: u32 = 20;
/// Timestamps with their two bytes of padding (RFC 7323 appendix A).
const TIMESTAMPS: u32 = 12;

/// A TCP segment; at most 80 bytes in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Number of the first byte of the payload, or of SYN.
    pub seq: SeqNumber,
    /// The next number expected; means something only with [`Flags::ACK`].
    pub ack: SeqNumber,
    /// The receive window, scaled down unless this is a SYN (RFC 7323 §2.2).
    pub window: u16,
    /// The control bits.
    pub flags: Flags,
    /// The ECN field of the IP header around it, which the ends set and read, and queues mark.
    pub ecn: Ecn,
    /// TSval and TSecr (RFC 7323 §3).
    pub timestamps: Option<Timestamps>,
    /// Offers of a SYN, or the SACK blocks of an ACK.
    pub options: Options,
    /// The data.
    pub payload: Payload,
}

/// The control bits of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u16);

/// The timestamp option (RFC 7323 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamps {
    /// TSval: the sender's clock, in milliseconds here.
    pub value: u32,
    /// TSecr: the echo of the newest value received.
    pub echo: u32,
}

/// Options that never meet: SYNs negotiate, other segments report SACK blocks and counters of ECN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Options {
    /// SACK blocks, possibly none.
    Sack(SackBlocks),
    /// An `AccECN` option, and as many SACK blocks as fit beside it (RFC 9768 §3.2.3.3). Places without a block hold
    /// an empty one.
    Counted(EcnBytes, [(SeqNumber, SeqNumber); 2]),
    /// The offers of a SYN.
    Syn(SynOptions),
}

/// Offers of a SYN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SynOptions {
    /// Maximum segment size (RFC 9293 §3.7.1); without timestamps deducted.
    pub mss: Option<u16>,
    /// Window scale (RFC 7323 §2).
    pub window_scale: Option<u8>,
    /// SACK permitted (RFC 2018 §2).
    pub sack_permitted: bool,
    /// Counters of a SYN-ACK, which test the path (RFC 9768 §3.2.3.2.1).
    pub counted: Option<EcnBytes>,
}

/// Up to three SACK blocks (RFC 2018 §3: as many as fit beside timestamps), each from its first
/// byte to the one after its last, the most recent first. Places without a block hold an empty one:
/// a count of its own would make segments slower to move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SackBlocks([(SeqNumber, SeqNumber); 3]);

/// Payload of a segment: a slice of shared bytes, or zeros that exist only as a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// The buffer, unless these are zeros, and where in it the slice starts.
    buffer: Option<Rc<[u8]>>,
    start: u32,
    len: u32,
}

impl Segment {
    /// Nothing but a header of zeros.
    pub const EMPTY: Segment = Segment {
        seq: SeqNumber(0),
        ack: SeqNumber(0),
        window: 0,
        flags: Flags(0),
        ecn: Ecn::NotEct,
        timestamps: None,
        options: Options::Sack(SackBlocks([(SeqNumber(0), SeqNumber(0)); 3])),
        payload: Payload::zeros(0),
    };

    /// Sets the fields that not every segment has to those of [`EMPTY`](Segment::EMPTY).
    #[inline]
    pub fn clear(&mut self) {
        let Segment { ecn, timestamps, options, payload, .. } = Segment::EMPTY;
        (self.ecn, self.timestamps, self.options, self.payload) = (ecn, timestamps, options, payload);
    }

    /// Bytes of the TCP header with its options, a multiple of four.
    #[inline]
    pub fn header_len(&self) -> u32 {
        let timestamps = if self.timestamps.is_some() { TIMESTAMPS } else { 0 };
        let options = match &self.options {
            Options::Sack(blocks) => blocks.wire_len(),
            Options::Counted(bytes, blocks) => {
                bytes.wire_len() + SackBlocks::bytes_for(present(blocks).len())
            }
            Options::Syn(syn) => {
                let mss = if syn.mss.is_some() { 4 } else { 0 };
                let scale = if syn.window_scale.is_some() { 4 } else { 0 };
                // SACK-permitted fits into the padding of the timestamps.
                let sack = if syn.sack_permitted && timestamps == 0 { 4 } else { 0 };
                mss + scale + sack + syn.counted.map_or(0, |bytes| bytes.wire_len())
            }
        };
        TCP_HEADER + timestamps + options
    }

    /// Bytes on the wire: IP header, TCP header with options, payload.
    #[inline]
    pub fn wire_len(&self) -> u32 {
        super::IP_HEADER + self.header_len() + self.payload.len()
    }

    /// The sequence space it takes: payload, and one each for SYN and FIN (RFC 9293 §3.4).
    pub fn sequence_len(&self) -> u32 {
        let control = u32::from(self.flags.has(Flags::SYN)) + u32::from(self.flags.has(Flags::FIN));
        self.payload.len() + control
    }

    /// The SACK blocks; none on a SYN.
    #[inline]
    pub fn sack_blocks(&self) -> &[(SeqNumber, SeqNumber)] {
        match &self.options {
            Options::Sack(blocks) => blocks.as_slice(),
            Options::Counted(_, blocks) => present(blocks),
            Options::Syn(_) => &[],
        }
    }

    /// The offers of a SYN; none elsewhere.
    pub fn syn_options(&self) -> SynOptions {
        match self.options {
            Options::Syn(syn) => syn,
            Options::Sack(_) | Options::Counted(..) => SynOptions::default(),
        }
    }

    /// The `AccECN` option, if there is one.
    pub fn ecn_bytes(&self) -> Option<EcnBytes> {
        match self.options {
            Options::Counted(bytes, _) => Some(bytes),
            Options::Syn(syn) => syn.counted,
            Options::Sack(_) => None,
        }
    }
}

impl Flags {
    /// No more data from the sender.
    pub const FIN: Flags = Flags(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Flags = Flags(0x02);
    /// Reset the connection.
    pub const RST: Flags = Flags(0x04);
    /// Push function.
    pub const PSH: Flags = Flags(0x08);
    /// The acknowledgment field means something.
    pub const ACK: Flags = Flags(0x10);
    /// ECN echo (RFC 3168 §6.1).
    pub const ECE: Flags = Flags(0x40);
    /// Congestion window reduced (RFC 3168 §6.1).
    pub const CWR: Flags = Flags(0x80);

    /// Both flags of ECN: what a SYN says that would use it (RFC 3168 §6.1.1).
    pub const ECN: Flags = Flags::ECE.with(Flags::CWR);

    /// True if all bits of `other` are set.
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those of them that are in `other` as well.
    #[must_use]
    pub const fn of(self, other: Flags) -> Flags {
        Flags(self.0 & other.0)
    }

    /// Both sets of bits.
    #[must_use]
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl Default for Segment {
    fn default() -> Segment {
        Segment::EMPTY
    }
}

impl Default for Options {
    fn default() -> Options {
        Options::Sack(SackBlocks::default())
    }
}

impl SackBlocks {
    /// Adds a block, unless it is empty; `false` if there is no room left.
    pub fn push(&mut self, start: SeqNumber, end: SeqNumber) -> bool {
        let len = self.as_slice().len();
        match self.0.get_mut(len) {
            Some(slot) if start != end => *slot = (start, end),
            Some(_) => {}
            None => return start == end,
        }
        true
    }

    /// Bytes of the option in a header; none without blocks.
    pub fn wire_len(&self) -> u32 {
        SackBlocks::bytes_for(self.as_slice().len())
    }

    /// Bytes of the option with as many of `blocks` blocks as it holds.
    pub fn bytes_for(blocks: usize) -> u32 {
        match blocks.min(SackBlocks::default().0.len()) as u32 {
            0 => 0,
            // Two bytes of padding, kind and length (RFC 2018 §3).
            n => 4 + 8 * n,
        }
    }

    /// The first two of them, beside which an `AccECN` option fits.
    pub fn first_two(&self) -> [(SeqNumber, SeqNumber); 2] {
        [self.0[0], self.0[1]]
    }

    /// The blocks present.
    pub fn as_slice(&self) -> &[(SeqNumber, SeqNumber)] {
        present(&self.0)
    }
}

/// The blocks before the first empty one.
fn present(blocks: &[(SeqNumber, SeqNumber)]) -> &[(SeqNumber, SeqNumber)] {
    let len = blocks.iter().position(|(start, end)| start == end).unwrap_or(blocks.len());
    &blocks[..len]
}

impl Payload {
    /// `len` zero bytes.
    pub const fn zeros(len: u32) -> Payload {
        Payload { buffer: None, start: 0, len }
    }

    /// All of `bytes`, shared. Panics above 4 GiB.
    pub fn shared(bytes: impl Into<Rc<[u8]>>) -> Payload {
        let bytes = bytes.into();
        let len = u32::try_from(bytes.len()).expect("a payload below 4 GiB");
        Payload { buffer: Some(bytes), start: 0, len }
    }

    /// Those of `bytes` from `from` on, shared. Panics beyond them, and above 4 GiB.
    pub fn rest(bytes: &Rc<[u8]>, from: usize) -> Payload {
        let small = |bytes: usize| u32::try_from(bytes).expect("a payload below 4 GiB");
        let (len, start) = (small(bytes.len()), small(from));
        assert!(start <= len, "a place in the bytes");
        Payload { buffer: Some(Rc::clone(bytes)), start, len: len - start }
    }

    /// Number of bytes.
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// True if there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `len` bytes from `start` on, without copying. Panics outside the payload.
    #[must_use]
    pub fn slice(&self, start: u32, len: u32) -> Payload {
        assert!(start + len <= self.len, "a slice inside the payload");
        match &self.buffer {
            None => Payload::zeros(len),
            Some(bytes) => Payload { buffer: Some(Rc::clone(bytes)), start: self.start + start, len },
        }
    }

    /// Appends `more` zeros to zeros. Panics on shared bytes, and above 4 GiB.
    pub fn grow(&mut self, more: u32) {
        assert!(self.is_zeros(), "only zeros grow");
        self.len = self.len.checked_add(more).expect("a payload below 4 GiB");
    }

    /// True if it exists only as a number.
    pub const fn is_zeros(&self) -> bool {
        self.buffer.is_none()
    }

    /// Appends the bytes to `out`; zeros are written out.
    pub fn copy_to(&self, out: &mut Vec<u8>) {
        match self.as_bytes() {
            Some(bytes) => out.extend_from_slice(bytes),
            None => out.resize(out.len() + self.len() as usize, 0),
        }
    }

    /// Hands the bytes to `take`, zeros in several pieces.
    pub fn lend(&self, take: &mut dyn FnMut(&[u8])) {
        const ZEROS: &[u8] = &[0; 4096];
        match self.as_bytes() {
            Some(bytes) => take(bytes),
            None => {
                for start in (0..self.len()).step_by(ZEROS.len()) {
                    take(&ZEROS[..ZEROS.len().min((self.len() - start) as usize)]);
                }
            }
        }
    }

    /// The bytes, unless they are zeros that exist only as a number.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        let bytes = self.buffer.as_ref()?;
        Some(&bytes[self.start as usize..(self.start + self.len) as usize])
    }
}
