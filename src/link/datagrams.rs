//! Count of the datagrams among a link's packets; one without any pays nothing for it.

use super::Link;
use crate::facts::Datagrams;
use crate::wire::Packet;

/// The count, once there is something to count.
pub(super) type Counted = Option<Box<Datagrams>>;

/// Counts what happened to a packet, if it is a datagram.
pub(super) fn note(counted: &mut Counted, packet: &Packet, count: fn(&mut Datagrams) -> &mut u64) {
    if packet.is_datagram() {
        *count(counted.get_or_insert_default()) += 1;
    }
}

impl Link {
    /// Datagrams among its packets, those inside included.
    pub fn datagrams(&self) -> Datagrams {
        let mut inside = self.flight.iter().filter(|packet| packet.is_datagram()).count() as u64;
        if let Some(service) = &self.service {
            service.each(&mut |item| inside += u64::from(item.packet.is_datagram()));
        }
        Datagrams { inside, ..self.datagrams.as_deref().copied().unwrap_or_default() }
    }
}
