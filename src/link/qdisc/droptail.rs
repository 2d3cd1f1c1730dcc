//! Drop-tail: first in, first out, until the room is gone. netem's `limit`, tc's `pfifo` and
//! `bfifo`.

use super::{Admission, Backlog, Qdisc};
use crate::link::config::Queue;
use crate::time::Instant;
use crate::wire::Packet;

/// Accepts packets while they fit. The packet in transmission takes room too; unlike netem's
/// limit, packets that wait out the delay do not, because they are on the wire.
#[derive(Debug)]
pub struct DropTail {
    packets: u64,
    bytes: u64,
}

impl DropTail {
    /// A queue of the given size.
    pub fn new(limit: Queue) -> DropTail {
        match limit {
            Queue::Packets(packets) => DropTail { packets, bytes: u64::MAX },
            Queue::Bytes(bytes) => DropTail { packets: u64::MAX, bytes },
        }
    }
}

impl Qdisc for DropTail {
    fn admit(&mut self, _: Instant, packet: &Packet, backlog: Backlog) -> Admission {
        let fits = backlog.packets < self.packets && backlog.bytes + u64::from(packet.size()) <= self.bytes;
        if fits { Admission::Accept } else { Admission::Drop }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::testing::packet;

    fn admits(limit: Queue, packets: u64, bytes: u64) -> bool {
        let backlog = Backlog { packets, bytes };
        DropTail::new(limit).admit(Instant::ZERO, &packet(1500), backlog) == Admission::Accept
    }

    #[test]
    fn the_last_packet_that_fits_is_accepted_and_the_next_is_not() {
        assert!(admits(Queue::Packets(10), 9, 1_000_000));
        assert!(!admits(Queue::Packets(10), 10, 0));
        assert!(admits(Queue::Bytes(10_000), 1_000, 8_500));
        assert!(!admits(Queue::Bytes(10_000), 0, 8_501));
    }
}
