//! The packets inside a link, by arrival.

use crate::ring::Ring;
use crate::time::Instant;
use crate::wire::Packet;

/// Packets by arrival, those of equal arrival in the order of acceptance.
pub(super) struct Flight {
    packets: Ring<(Transit, Option<Box<Packet>>)>,
    /// The earliest arrival; [`Instant::MAX`] without packets.
    due: Instant,
    /// The latest arrival so far.
    latest: Instant,
}

/// Record of a packet on its way. Two words, which travel in registers: a third would send
/// them through memory, where a wide load right behind narrow stores stalls for longer than all
/// the rest of a link takes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Transit {
    pub arrival: Instant,
    /// Twice the place in the order of acceptance, and one more if this link damaged the packet.
    mark: u64,
}

impl Transit {
    #[inline]
    pub(super) fn new(arrival: Instant, entry: u64, damaged: bool) -> Transit {
        Transit { arrival, mark: entry << 1 | u64::from(damaged) }
    }

    /// Its place in the order of acceptance.
    #[inline]
    pub(super) fn entry(self) -> u64 {
        self.mark >> 1
    }

    /// True if this link damaged it.
    #[inline]
    pub(super) fn damaged(self) -> bool {
        self.mark & 1 == 1
    }
}

impl Default for Flight {
    fn default() -> Flight {
        Flight { packets: Ring::default(), due: Instant::MAX, latest: Instant::ZERO }
    }
}

impl Flight {
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    /// The packets.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Packet> {
        self.by_arrival().map(|(_, packet)| packet)
    }

    /// The packets with their arrivals, by arrival.
    pub(super) fn by_arrival(&self) -> impl Iterator<Item = (Instant, &Packet)> {
        self.packets.iter().filter_map(|(transit, packet)| Some((transit.arrival, &**packet.as_ref()?)))
    }

    /// Nothing that must keep its place may arrive before this.
    #[inline]
    pub(super) fn latest(&self) -> Instant {
        self.latest
    }

    /// Arrival time of the next packet; [`Instant::MAX`] for never.
    #[inline]
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Removes the next packet, if it has arrived by `now`.
    #[inline]
    pub(super) fn arrived(&mut self, now: Instant) -> Option<(Transit, Box<Packet>)> {
        if self.due > now {
            return None;
        }
        self.due = self.packets.get(1).map_or(Instant::MAX, |(transit, _)| transit.arrival);
        let (transit, packet) = self.packets.pop_front()?;
        packet.take().map(|packet| (*transit, packet))
    }

    /// Puts a packet behind all that arrive no later.
    #[inline(always)]
    pub(super) fn push(&mut self, transit: Transit, packet: Box<Packet>) {
        self.due = self.due.min(transit.arrival);
        if transit.arrival >= self.latest {
            self.latest = transit.arrival;
            self.packets.push_back((transit, Some(packet)));
        } else {
            self.overtake(transit, packet);
        }
    }

    #[inline(never)]
    fn overtake(&mut self, transit: Transit, packet: Box<Packet>) {
        let at = self.packets.partition_point(|(other, _)| other.arrival <= transit.arrival);
        self.packets.insert(at, (transit, Some(packet)));
    }

    /// Removes the packets accepted from number `first` on, in the order of acceptance.
    pub(super) fn split_off(&mut self, first: u64) -> Vec<(Transit, Box<Packet>)> {
        let inside = self.packets.drain().filter_map(|(transit, packet)| Some((transit, packet?)));
        let (kept, mut moved): (Vec<_>, Vec<_>) = inside.partition(|(transit, _)| transit.entry() < first);
        moved.sort_unstable_by_key(|(transit, _)| transit.entry());
        (self.due, self.latest) = (Instant::MAX, Instant::ZERO);
        for (transit, packet) in kept {
            self.push(transit, packet);
        }
        moved
    }
}
