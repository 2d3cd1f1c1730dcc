//! Packets that travel: TCP segments as of RFC 9293, their sequence numbers, their bytes, and the packet
//! that carries one through links. Knows nothing of connections.

mod accurate;
pub mod codec;
mod ecn;
mod segment;
mod seq;

pub use crate::facts::Direction;
pub use accurate::{EcnBytes, EcnOrder};
pub use ecn::Ecn;
pub use segment::{Flags, Options, Payload, SackBlocks, Segment, SynOptions, Timestamps};
pub use seq::SeqNumber;

/// Bytes of an IPv4 header without options (RFC 791).
pub const IP_HEADER: u32 = 20;

/// The number of a connection in its world, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u32);

/// A segment on its way, with what links and routes need to know of it.
#[derive(Clone, Debug)]
pub struct Packet {
    /// The segment; empty after corruption only in the sense that its checksum fails.
    pub segment: Segment,
    /// The connection it belongs to.
    pub flow: FlowId,
    /// Direction of the packet.
    pub direction: Direction,
    /// Number of links of its path that it has crossed.
    pub hop: u8,
    /// True if a link damaged it; the receiver's checksum will refuse it.
    pub corrupted: bool,
    /// Bytes on the wire: every link asks for them.
    size: u32,
}

impl Packet {
    /// Wraps a segment for the first link of its path.
    pub fn new(flow: FlowId, direction: Direction, segment: Segment) -> Packet {
        let mut packet = Packet { segment, ..Packet::blank(flow, direction) };
        packet.weigh();
        packet
    }

    /// A packet whose segment is still to be written, and then [weighed](Packet::weigh).
    #[inline]
    pub fn blank(flow: FlowId, direction: Direction) -> Packet {
        Packet { flow, direction, ..Packet::EMPTY }
    }

    /// Notes its size, now that its segment is whole.
    #[inline]
    pub fn weigh(&mut self) {
        self.size = self.segment.wire_len();
    }

    const EMPTY: Packet = Packet {
        segment: Segment::EMPTY,
        flow: FlowId(0),
        direction: Direction::Up,
        hop: 0,
        corrupted: false,
        size: 0,
    };

    /// Bytes on the wire.
    #[inline]
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Takes it from where it lies, and leaves all there but its payload.
    #[inline]
    pub fn take(&mut self) -> Packet {
        let payload = std::mem::take(&mut self.segment.payload);
        Packet { segment: Segment { payload, ..self.segment }, ..*self }
    }
}

impl Default for Packet {
    /// An empty one, of flow 0.
    fn default() -> Packet {
        Packet::EMPTY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_within_eighty_bytes() {
        // Above a few hundred flows the cost of a packet is cache misses.
        assert!(size_of::<Segment>() <= 80, "{}", size_of::<Segment>());
        assert!(size_of::<Packet>() <= 96, "{}", size_of::<Packet>());
    }

    #[test]
    fn a_full_segment_with_timestamps_is_1500_bytes_on_the_wire() {
        let segment = Segment {
            timestamps: Some(Timestamps { value: 1, echo: 1 }),
            payload: Payload::zeros(1448),
            ..Segment::default()
        };
        assert_eq!(Packet::new(FlowId(0), Direction::Up, segment).size(), 1500);
    }
}
