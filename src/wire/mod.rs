//! Packets that travel: TCP segments as of RFC 9293, their sequence numbers, their bytes, and the packet
//! that carries one through links. Knows nothing of connections.

mod accurate;
pub mod codec;
mod ecn;
pub mod frame;
pub mod pcapng;
mod segment;
mod seq;

pub use crate::facts::{Datagram, Direction};
pub use accurate::{EcnBytes, EcnOrder};
pub use ecn::Ecn;
pub use segment::{Flags, Options, Payload, SackBlocks, Segment, SynOptions, TCP_HEADER, Timestamps};
pub use seq::SeqNumber;

use crate::time::Instant;

/// Bytes of an IPv4 header without options (RFC 791).
pub const IP_HEADER: u32 = 20;

/// The number of a connection in its world, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u32);

/// A class of service, as routers read it from a packet (DSCP, RFC 2474). Queues say what the numbers mean;
/// 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Class(pub u8);

/// Kind of a packet: two bits, so that one test tells the usual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind(u8);

impl Kind {
    /// A link damaged it; the receiver's checksum will refuse it.
    const CORRUPTED: u8 = 1;
    /// It belongs to no connection: its segment carries a [`Datagram`].
    const DATAGRAM: u8 = 2;
}

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
    /// Two bits that a receiver looks at before all else.
    kind: Kind,
    /// Its class of service.
    pub class: Class,
    /// Bytes on the wire: every link asks for them.
    size: u32,
    /// Its number in a world whose packets are logged; 0 elsewhere.
    pub number: u32,
}

impl Packet {
    /// Wraps a segment for the first link of its path.
    pub fn new(flow: FlowId, direction: Direction, segment: Segment) -> Packet {
        let mut packet = Packet { segment, flow, direction, ..Packet::EMPTY };
        packet.weigh();
        packet
    }

    /// A packet with a datagram. Its segment's fields hold what the datagram says.
    pub fn datagram(flow: FlowId, direction: Direction, datagram: Datagram) -> Packet {
        let sent = datagram.sent.as_nanos();
        let segment = Segment {
            seq: SeqNumber(datagram.number),
            ack: SeqNumber(sent as u32),
            timestamps: Some(Timestamps { value: (sent >> 32) as u32, echo: datagram.payload }),
            ..Segment::EMPTY
        };
        let size = Datagram::HEADERS + datagram.payload;
        Packet { segment, flow, direction, kind: Kind(Kind::DATAGRAM), size, ..Packet::EMPTY }
    }

    /// Its datagram, if it has one.
    pub fn as_datagram(&self) -> Option<Datagram> {
        let Timestamps { value, echo } = self.segment.timestamps.filter(|_| self.is_datagram())?;
        let sent = Instant::from_nanos(u64::from(value) << 32 | u64::from(self.segment.ack.0));
        Some(Datagram { number: self.segment.seq.0, payload: echo, sent })
    }

    /// True if it carries a datagram.
    #[inline]
    pub fn is_datagram(&self) -> bool {
        self.kind.0 & Kind::DATAGRAM != 0
    }

    /// True if a link damaged it; the receiver's checksum will refuse it.
    #[inline]
    pub fn is_corrupted(&self) -> bool {
        self.kind.0 & Kind::CORRUPTED != 0
    }

    /// Damages it.
    pub fn corrupt(&mut self) {
        self.kind.0 |= Kind::CORRUPTED;
    }

    /// True if it is a segment that arrives as it was sent.
    #[inline]
    pub fn is_intact_segment(&self) -> bool {
        self.kind == Kind(0)
    }

    /// Frees the place of an intact segment for the next packet: what not every segment and packet writes is as in a
    /// default one. Its own fields are to be written, and then it is to be [weighed](Packet::weigh).
    #[inline]
    pub fn clear(&mut self) {
        debug_assert!(self.is_intact_segment());
        (self.hop, self.number) = (0, 0);
        self.segment.clear();
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
        class: Class(0),
        kind: Kind(0),
        size: 0,
        number: 0,
    };

    /// Bytes on the wire.
    #[inline]
    pub fn size(&self) -> u32 {
        self.size
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
    fn a_datagram_comes_out_of_its_packet_as_it_went_in() {
        let sent = Instant::from_nanos(0x0123_4567_89ab_cdef);
        let datagram = Datagram { number: u32::MAX, payload: 1472, sent };
        let mut packet = Packet::datagram(FlowId(3), Direction::Down, datagram);
        assert_eq!((packet.as_datagram(), packet.size()), (Some(datagram), 1500));
        packet.corrupt();
        assert!(packet.is_corrupted() && packet.is_datagram());
        assert_eq!(Packet::default().as_datagram(), None);
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
