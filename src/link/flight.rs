//! The packets inside a link, by arrival.

use crate::ring::Ring;
use crate::time::Instant;
use crate::wire::Packet;

/// Packets by arrival, those of equal arrival in the order of acceptance.
pub(super) struct Flight {
    packets: Ring<(Transit, Packet)>,
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
        self.packets.iter().map(|(_, packet)| packet)
    }

    /// The packets with their arrivals, by arrival.
    pub(super) fn by_arrival(&self) -> impl Iterator<Item = (Instant, &Packet)> {
        self.packets.iter().map(|(transit, packet)| (transit.arrival, packet))
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

    /// Removes the next packet, if it has arrived by `now`. It lies where it was until another comes.
    #[inline]
    pub(super) fn arrived(&mut self, now: Instant) -> Option<(Transit, &mut Packet)> {
        if self.due > now {
            return None;
        }
        self.due = self.packets.get(1).map_or(Instant::MAX, |(transit, _)| transit.arrival);
        self.packets.pop_front().map(|(transit, packet)| (*transit, packet))
    }

    /// The packet that [`arrived`](Flight::arrived) removed last.
    #[inline]
    pub(super) fn left(&mut self) -> Option<&mut Packet> {
        self.packets.left().map(|(_, packet)| packet)
    }

    /// Puts a packet behind all that arrive no later.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one call on the hot path: a frame costs more than it saves")]
    pub(super) fn push(&mut self, transit: Transit, packet: &mut Packet) {
        self.due = self.due.min(transit.arrival);
        if transit.arrival >= self.latest {
            self.latest = transit.arrival;
            self.packets.push_with(|(known, place)| {
                *known = transit;
                *place = packet.take();
            });
        } else {
            self.overtake(transit, packet.take());
        }
    }

    #[inline(never)]
    fn overtake(&mut self, transit: Transit, packet: Packet) {
        let at = self.packets.partition_point(|(other, _)| other.arrival <= transit.arrival);
        self.packets.insert(at, (transit, packet));
    }

    /// Removes the packets accepted from number `first` on, in the order of acceptance.
    pub(super) fn split_off(&mut self, first: u64) -> Vec<(Transit, Packet)> {
        let (kept, mut moved): (Vec<_>, Vec<_>) =
            self.packets.drain().partition(|(transit, _)| transit.entry() < first);
        moved.sort_unstable_by_key(|(transit, _)| transit.entry());
        (self.due, self.latest) = (Instant::MAX, Instant::ZERO);
        for (transit, mut packet) in kept {
            self.push(transit, &mut packet);
        }
        moved
    }
}
