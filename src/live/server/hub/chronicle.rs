//! The log's chapter on people: who came, went, was refused, took another name, what was said where.

use tracing::{debug, info};

use super::Hub;
use crate::chat::message::{ClientId, Event};

impl Hub {
    /// Logs what a client's request has brought about. What is said is there at the level `debug`: of private
    /// messages their length only.
    pub(super) fn note(&self, client: ClientId, event: &Event) {
        let id = client.0;
        match event {
            Event::Welcome { nick, .. } => {
                let peer = self.peers.get(id as usize).and_then(Option::as_deref);
                let (dialect, address) = peer.map(|peer| (peer.dialect, peer.address)).unzip();
                let address = address.map(tracing::field::display);
                info!(client = id, nick = &**nick, dialect, address, "joined");
            }
            Event::Left { nick } => info!(client = id, nick = &**nick, "left"),
            Event::Renamed { from, to } => info!(client = id, from = &**from, to = &**to, "renamed"),
            Event::Rejected(refusal) => info!(client = id, reason = refusal.to_string(), "refused to let in"),
            Event::Refused(refusal) => info!(client = id, reason = refusal.to_string(), "refused"),
            Event::Created { room } => info!(client = id, room = &**room, "created a room"),
            Event::Entered { room } => info!(client = id, room = &**room, "entered a room"),
            Event::Exited { room } => info!(client = id, room = &**room, "left a room"),
            Event::Message { from, text } => debug!(client = id, from = &**from, text = &**text, "said"),
            Event::Told { to, text } => {
                debug!(client = id, to = &**to, bytes = text.len(), "said in private");
            }
            Event::RoomMessage { room, from, text } => {
                debug!(client = id, room = &**room, from = &**from, text = &**text, "said in a room");
            }
            _ => {}
        }
    }
}
