//! Helpers of this module's tests.

use crate::wire::{Direction, FlowId, IP_HEADER, Packet, Payload, Segment};

/// A packet of `size` bytes on the wire.
pub(super) fn packet(size: u32) -> Packet {
    let header = IP_HEADER + Segment::default().header_len();
    let segment = Segment { payload: Payload::zeros(size - header), ..Segment::default() };
    Packet::new(FlowId(0), Direction::Up, segment)
}

/// The same packet, of another flow.
pub(super) fn from_flow(flow: u32, mut packet: Packet) -> Packet {
    packet.flow = FlowId(flow);
    packet
}
