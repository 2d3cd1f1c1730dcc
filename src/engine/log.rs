//! Log of packets and bytes, entry by entry, to whoever asked for it.

use crate::facts::{Content, Data, Entry, Fate, Scene, Sighting, Spot};
use crate::time::Instant;
use crate::wire::{Direction, Flags, Packet, Payload};

/// Receiver of a log.
pub type Witness = Box<dyn FnMut(&Entry)>;

/// A log that is handed on as it grows.
pub(super) struct Log {
    witness: Witness,
    /// Packets that have a number.
    numbered: u32,
    /// Flows that were announced.
    known: Vec<bool>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("numbered", &self.numbered).finish_non_exhaustive()
    }
}

impl Log {
    pub fn new(witness: Witness) -> Log {
        Log { witness, numbered: 0, known: Vec::new() }
    }

    /// A host sends a packet, which gets its number.
    pub fn sent(&mut self, at: Instant, (group, name): (&str, &str), packet: &mut Packet) {
        self.numbered = self.numbered.wrapping_add(1);
        packet.number = self.numbered;
        let flow = packet.flow.0;
        if self.known.len() <= flow as usize {
            self.known.resize(flow as usize + 1, false);
        }
        if !std::mem::replace(&mut self.known[flow as usize], true) {
            let (name, group) = (name.to_owned(), group.to_owned());
            (self.witness)(&Entry::Opened { flow, name, group });
        }
        self.see(at, packet, Scene::Sent(data_of(packet)));
    }

    /// A host receives one.
    pub fn delivered(&mut self, at: Instant, packet: &Packet) {
        self.see(at, packet, Scene::Delivered(data_of(packet)));
    }

    /// A link takes a packet over.
    pub fn entered(&mut self, at: Instant, spot: Spot, packet: &Packet) {
        self.see(at, packet, Scene::Entered(spot));
    }

    /// Something happened to one inside.
    pub fn met(&mut self, at: Instant, spot: Spot, packet: &Packet, fate: Fate) {
        self.see(at, packet, Scene::Met(spot, fate));
    }

    /// A link hands one on.
    pub fn left(&mut self, at: Instant, spot: Spot, packet: &Packet) {
        self.see(at, packet, Scene::Left(spot));
    }

    /// An application wrote to a stream, or read from it.
    pub fn bytes(&mut self, at: Instant, flow: u32, direction: Direction, read: bool, content: Content) {
        if !content.is_empty() {
            (self.witness)(&Entry::Bytes { at, flow, direction, read, content });
        }
    }

    fn see(&mut self, at: Instant, packet: &Packet, scene: Scene) {
        (self.witness)(&Entry::Seen(Sighting {
            at,
            packet: packet.number,
            flow: packet.flow.0,
            direction: packet.direction,
            size: packet.size(),
            ecn: packet.segment.ecn as u8,
            damaged: packet.is_corrupted(),
            scene,
        }));
    }
}

fn data_of(packet: &Packet) -> Option<Data> {
    let segment = &packet.segment;
    let syn = segment.flags.has(Flags::SYN);
    let has_data = !packet.is_datagram() && (syn || !segment.payload.is_empty());
    has_data.then(|| Data { seq: segment.seq.0, syn, content: content_of(&segment.payload) })
}

/// A payload's bytes.
pub(super) fn content_of(payload: &Payload) -> Content {
    if payload.is_zeros() {
        return Content::Zeros(payload.len().into());
    }
    let mut bytes = Vec::with_capacity(payload.len() as usize);
    payload.copy_to(&mut bytes);
    Content::Bytes(bytes)
}
