//! Captures as files in the format pcapng (draft-ietf-opsawg-pcapng), which Wireshark, tshark and tcpdump read.

pub mod read;

use crate::time::Instant;

/// A capture that grows.
#[derive(Debug)]
pub struct Pcapng {
    bytes: Vec<u8>,
    interfaces: u32,
    /// Nanoseconds since 1970 at the start.
    origin: u64,
}

/// Heading of a packet, seen from the interface that it is captured at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heading {
    /// It comes in.
    In = 1,
    /// It goes out.
    Out = 2,
}

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const STATISTICS: u32 = 5;
const PACKET: u32 = 6;
/// Link type of Ethernet.
const ETHERNET: u32 = 1;

// Options: a comment in any block, then those of sections, interfaces, packets and statistics.
const COMMENT: u16 = 1;
const USER_APPLICATION: u16 = 4;
const NAME: u16 = 2;
const RESOLUTION: u16 = 9;
const FLAGS: u16 = 2;
const DROPPED: u16 = 5;

impl Pcapng {
    /// A capture at these interfaces, which are numbered in this order, of Ethernet frames with stamps in
    /// nanoseconds since `origin`, which is in nanoseconds since 1970.
    pub fn new(comment: &str, interfaces: &[impl AsRef<str>], origin: u64) -> Pcapng {
        let mut file = Pcapng { bytes: Vec::new(), interfaces: interfaces.len() as u32, origin };
        // The magic number, version 1.0, and a section of unknown length.
        let mut body: Vec<u8> = [0x1a2b_3c4d, 1, u32::MAX, u32::MAX].map(u32::to_le_bytes).concat();
        option(&mut body, COMMENT, comment.as_bytes());
        option(&mut body, USER_APPLICATION, b"testbed");
        file.block(SECTION, body);
        for name in interfaces {
            // No limit of a frame's length.
            let mut body: Vec<u8> = [ETHERNET, 0].map(u32::to_le_bytes).concat();
            option(&mut body, NAME, name.as_ref().as_bytes());
            option(&mut body, RESOLUTION, &[9]);
            file.block(INTERFACE, body);
        }
        file
    }

    /// Bytes so far.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Takes the bytes so far, which are whole blocks.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Takes back what was added since it had so many bytes.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// Adds a frame that an interface saw.
    pub fn push(
        &mut self,
        interface: u32,
        at: Instant,
        way: Option<Heading>,
        frame: &[u8],
        comment: Option<&str>,
    ) {
        let [high, low] = self.stamp(at);
        let len = frame.len() as u32;
        let mut body: Vec<u8> = [interface, high, low, len, len].map(u32::to_le_bytes).concat();
        body.extend_from_slice(frame);
        pad(&mut body);
        if let Some(comment) = comment {
            option(&mut body, COMMENT, comment.as_bytes());
        }
        if let Some(way) = way {
            option(&mut body, FLAGS, &(way as u32).to_le_bytes());
        }
        self.block(PACKET, body);
    }

    /// The file. Of `left_out` frames that are not in it the last blocks tell, one for each interface; their sum
    /// stands in the first.
    pub fn finish(mut self, at: Instant, left_out: u64) -> Vec<u8> {
        for interface in (0..self.interfaces).filter(|_| left_out > 0) {
            let [high, low] = self.stamp(at);
            let mut body: Vec<u8> = [interface, high, low].map(u32::to_le_bytes).concat();
            let left_out = if interface == 0 { left_out } else { 0 };
            option(&mut body, DROPPED, &left_out.to_le_bytes());
            self.block(STATISTICS, body);
        }
        self.bytes
    }

    fn stamp(&self, at: Instant) -> [u32; 2] {
        let nanos = self.origin.saturating_add(at.as_nanos());
        [(nanos >> 32) as u32, nanos as u32]
    }

    /// Adds a block; its options are ended here.
    fn block(&mut self, kind: u32, mut body: Vec<u8>) {
        body.extend_from_slice(&[0; 4]);
        let len = (body.len() as u32 + 12).to_le_bytes();
        self.bytes.extend_from_slice(&kind.to_le_bytes());
        self.bytes.extend_from_slice(&len);
        self.bytes.extend_from_slice(&body);
        self.bytes.extend_from_slice(&len);
    }
}

/// Number of packets in the whole blocks that bytes begin with.
pub fn packets(bytes: &[u8]) -> u64 {
    blocks(bytes).filter(|(kind, _)| *kind == PACKET).count() as u64
}

/// Length of the whole blocks that bytes begin with.
pub fn whole(bytes: &[u8]) -> usize {
    blocks(bytes).map(|(_, len)| len).sum()
}

/// Kind and length of each whole block.
fn blocks(mut bytes: &[u8]) -> impl Iterator<Item = (u32, usize)> {
    std::iter::from_fn(move || {
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let (kind, len) = (word(0)?, word(4)? as usize);
        bytes = bytes.get(len..).filter(|_| len > 0)?;
        Some((kind, len))
    })
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend_from_slice(&code.to_le_bytes());
    body.extend_from_slice(&(value.len() as u16).to_le_bytes());
    body.extend_from_slice(value);
    pad(body);
}

/// Fills up to four bytes.
fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kinds of the blocks, whose lengths must agree at both ends and fill the file.
    fn kinds(file: &[u8]) -> Vec<u32> {
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
        let (mut at, mut kinds) = (0, Vec::new());
        while at < file.len() {
            let len = word(at + 4) as usize;
            assert_eq!((len % 4, word(at + len - 4) as usize), (0, len));
            kinds.push(word(at));
            at += len;
        }
        assert_eq!(at, file.len());
        kinds
    }

    #[test]
    fn blocks_fit_together_whatever_the_lengths() {
        let mut file = Pcapng::new("five", &["a", "link up in"], 0);
        for len in 0..9 {
            let comment = (len % 2 == 0).then_some("dropped");
            file.push(
                len % 2,
                Instant::from_nanos(1 << 40),
                Some(Heading::Out),
                &vec![7; len as usize],
                comment,
            );
        }
        let before = file.size();
        let whole = file.finish(Instant::ZERO, 3);
        assert_eq!(kinds(&whole[..before]), [&[SECTION, INTERFACE, INTERFACE][..], &[PACKET; 9]].concat());
        assert_eq!(kinds(&whole[before..]), [STATISTICS; 2]);
        assert_eq!((packets(&whole), super::whole(&whole)), (9, whole.len()));
        assert_eq!((packets(&whole[..before - 1]), packets(&whole[..7])), (8, 0));
        assert_eq!(kinds(&Pcapng::new("", &[""; 0], 0).finish(Instant::ZERO, 0)), [SECTION]);
    }
}
