//! The queue without a discipline, and the part from which disciplines are made.

use std::collections::VecDeque;

use super::{Qdisc, Queued};
use crate::rng::Rng;
use crate::time::Instant;

/// Packets in the order in which they came.
#[derive(Debug, Default)]
pub struct Fifo {
    pub(super) packets: VecDeque<Queued>,
    pub(super) bytes: u64,
}

impl Qdisc for Fifo {
    fn enqueue(&mut self, _: Instant, packet: Queued, _: &mut Rng) -> Option<Queued> {
        self.push(packet);
        None
    }

    fn shed(&mut self) -> Option<Queued> {
        self.pop_last()
    }

    fn dequeue(&mut self, _: Instant, _: &mut Vec<Queued>) -> Option<Queued> {
        self.pop()
    }

    fn each(&self, visit: &mut dyn FnMut(&Queued)) {
        self.packets.iter().for_each(visit);
    }
}

impl Fifo {
    #[inline]
    pub fn push(&mut self, item: Queued) {
        self.bytes += u64::from(item.packet.size());
        self.packets.push_back(item);
    }

    #[inline]
    pub fn pop(&mut self) -> Option<Queued> {
        let item = self.packets.pop_front()?;
        self.bytes -= u64::from(item.packet.size());
        Some(item)
    }

    pub fn pop_last(&mut self) -> Option<Queued> {
        let item = self.packets.pop_back()?;
        self.bytes -= u64::from(item.packet.size());
        Some(item)
    }
}
