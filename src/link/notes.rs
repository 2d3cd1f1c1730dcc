//! Notes on what a link did to packets: a count of the datagrams among them, and all that happened for those who
//! watch. A link without datagrams that nobody watches pays nothing for it.

pub use crate::facts::Fate;

use super::Link;
use crate::facts::Datagrams;
use crate::time::Instant;
use crate::wire::Packet;

/// Notes, once there is something to note.
pub(super) type Noted = Option<Box<Notes>>;

/// Notes of a link.
#[derive(Debug, Default)]
pub(super) struct Notes {
    datagrams: Datagrams,
    /// Of a link that is watched: what happened since it was asked last.
    incidents: Option<Vec<Incident>>,
}

/// Something that happened to a packet inside of a link.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Instant at which it happened.
    pub at: Instant,
    /// The packet as it was then.
    pub packet: Packet,
    /// Its kind.
    pub fate: Fate,
}

/// Takes note of what happened to a packet.
pub(super) fn note(noted: &mut Noted, at: Instant, packet: &Packet, fate: Fate) {
    if !packet.is_datagram() && noted.is_none() {
        return;
    }
    let notes = noted.get_or_insert_default();
    if packet.is_datagram() {
        let datagrams = &mut notes.datagrams;
        match fate {
            Fate::Lost => datagrams.lost += 1,
            Fate::Policed => datagrams.policer += 1,
            Fate::Crowded | Fate::Managed => datagrams.queue += 1,
            Fate::Duplicated => datagrams.duplicated += 1,
            Fate::Marked | Fate::Damaged => {}
        }
    }
    if let Some(incidents) = &mut notes.incidents {
        incidents.push(Incident { at, packet: packet.clone(), fate });
    }
}

impl Link {
    /// Keeps incidents from now on, until they are taken.
    pub fn watch(&mut self) {
        self.noted.get_or_insert_default().incidents.get_or_insert_default();
    }

    /// Incidents since the last call, in the order in which they were noticed; none if nobody watches.
    pub fn take_incidents(&mut self) -> Vec<Incident> {
        let incidents = self.noted.as_mut().and_then(|notes| notes.incidents.as_mut());
        incidents.map(std::mem::take).unwrap_or_default()
    }

    /// Datagrams among its packets, those inside included.
    pub fn datagrams(&self) -> Datagrams {
        let mut inside = self.flight.iter().filter(|packet| packet.is_datagram()).count() as u64;
        if let Some(service) = &self.service {
            service.each(&mut |item| inside += u64::from(item.packet.is_datagram()));
        }
        Datagrams { inside, ..self.noted.as_deref().map(|notes| notes.datagrams).unwrap_or_default() }
    }
}
