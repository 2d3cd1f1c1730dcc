//! A world at an instant, as a drawing shows it: senders and the packets on their way.

use super::World;
use crate::facts::Snapshot;
use crate::link::Whereabouts;
use crate::time::Instant;
use crate::wire::Direction;

/// Picture of a world at an instant.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Links by direction, in the order of [`Outcome::links`](crate::facts::Outcome::links).
    pub links: Vec<LinkView>,
    /// Senders that have begun and not ended.
    pub flows: Vec<FlowView>,
}

/// One direction of a link, its instances together.
#[derive(Clone, Debug, Default)]
pub struct LinkView {
    /// Packets inside: those on the wire first, those nearest to its end before others.
    pub packets: Vec<PacketView>,
    /// Packets lost so far by chance, a list or damage.
    pub lost: u64,
    /// Packets dropped so far by queue and policer.
    pub dropped: u64,
    /// Packets marked so far.
    pub marked: u64,
}

/// A packet inside a link.
#[derive(Clone, Copy, Debug)]
pub struct PacketView {
    /// Number of its flow, in the order of [`Outcome::flows`](crate::facts::Outcome::flows).
    pub flow: u32,
    /// Bytes on the wire.
    pub size: u32,
    /// Place in the link.
    pub place: Whereabouts,
}

/// One sender.
#[derive(Clone, Debug)]
pub struct FlowView {
    /// Number of the flow.
    pub flow: u32,
    /// Direction of its data.
    pub direction: Direction,
    /// State of the sender.
    pub sender: Snapshot,
    /// In-order bytes handed to the receiver.
    pub delivered: u64,
}

impl World {
    /// Picture of the present instant.
    pub fn view(&self) -> View {
        let mut view = View::default();
        let now: Instant = self.core.now;
        for (_, _, numbers) in self.core.topology.each() {
            let mut seen = LinkView::default();
            for number in numbers {
                let link = &self.core.topology.links[number];
                let counters = link.counters();
                seen.lost += counters.dropped_loss + counters.dropped_corrupt;
                seen.dropped += counters.dropped_queue + counters.dropped_policer;
                seen.marked += counters.marked;
                link.each_inside(now, &mut |place, packet| {
                    seen.packets.push(PacketView { flow: packet.flow.0, size: packet.size(), place });
                });
            }
            view.links.push(seen);
        }
        for (number, flow) in self.core.flows.iter().enumerate() {
            for direction in Direction::BOTH {
                let end = &flow.ends[direction.index()];
                if end.connection.state().is_synchronized()
                    && flow.carries(direction)
                    && end.drained.is_none()
                {
                    view.flows.push(FlowView {
                        flow: number as u32,
                        direction,
                        sender: end.connection.snapshot(),
                        delivered: flow.delivered(direction),
                    });
                }
            }
        }
        view
    }
}
