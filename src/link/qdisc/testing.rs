//! Packets in queues, for tests.

use super::*;
use crate::link::propagation::Order;
use crate::link::testing::packet;
use crate::rng::Seed;
use crate::wire::{Ecn, FlowId, SeqNumber};

/// Packet `number` of a flow, of `size` bytes, that came at `entered`.
pub fn queued(flow: u32, number: u32, size: u32, entered: Instant) -> Queued {
    let mut packet = Box::new(packet(size));
    packet.flow = FlowId(flow);
    packet.segment.seq = SeqNumber(number);
    let passage = Passage { delay: Duration::ZERO, order: Order::Kept };
    Queued { packet, entered, passage, damaged: false, marked: false, low: false }
}

/// The same of a class.
pub fn of_class(class: u8, number: u32, size: u32) -> Queued {
    let mut item = queued(u32::from(class), number, size, Instant::ZERO);
    item.packet.class = Class(class);
    item
}

/// The same of a transport that understands marks.
pub fn capable(flow: u32, number: u32, size: u32, entered: Instant) -> Queued {
    let mut item = queued(flow, number, size, entered);
    item.packet.segment.ecn = Ecn::Ect0;
    item
}

/// The number that it was given.
pub fn number(item: &Queued) -> u32 {
    item.packet.segment.seq.0
}

/// A stream for disciplines that draw nothing.
pub fn unused() -> Rng {
    Seed(0).stream("unused")
}

pub fn ms(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}
