//! Networks of single persons: kept by name as long as the server lives, and given to each connection of that person.

use std::collections::BTreeMap;

use tracing::info;

use super::Hub;
use crate::chat::message::{ClientId, Name};
use crate::chat::names::exact;
use crate::live::gateway::{Gateway, OwnNetwork};
use crate::live::server::peer::Key;

/// Networks that are kept, before those of people who are away are forgotten.
const KEPT: usize = 1_000;

/// Networks of single persons.
#[derive(Debug, Default)]
pub struct Shaping {
    gateway: Option<Gateway>,
    /// By the name as it is looked up.
    own: BTreeMap<String, OwnNetwork>,
}

impl Shaping {
    /// Those of people whose connections cross this network.
    pub fn new(gateway: Option<Gateway>) -> Shaping {
        Shaping { gateway, own: BTreeMap::new() }
    }
}

impl Hub {
    /// The network that a person has for itself.
    pub fn own_network(&self, nick: &str) -> Option<&OwnNetwork> {
        self.shaping.own.get(&exact(nick.trim()))
    }

    /// Gives a person a network of its own; that person's name as it is written.
    pub fn set_own_network(&mut self, nick: &str, own: OwnNetwork) -> Result<Name, String> {
        let key = exact(nick.trim());
        let nick_of = |id: ClientId| self.server.room().nick(id).filter(|nick| exact(nick) == key);
        let here = self.ids().find_map(|id| Some((id, nick_of(id)?.clone())));
        if here.is_none() && !self.shaping.own.contains_key(&key) {
            return Err(format!("there is no person '{}'; `clients` lists them", nick.trim()));
        }
        if self.shaping.own.len() >= KEPT {
            let room = self.server.room();
            self.shaping.own.retain(|name, _| *name == key || room.is_here(name));
        }
        info!(nick, network = own.describe(), "network of a person");
        if own.is_empty() {
            self.shaping.own.remove(&key);
        } else {
            self.shaping.own.insert(key, own);
        }
        let Some((id, name)) = here else { return Ok(nick.trim().into()) };
        self.shape(id);
        Ok(name)
    }

    /// Everybody has what everybody has.
    pub fn forget_own_networks(&mut self) {
        self.shaping.own.clear();
        for id in self.ids() {
            self.shape(id);
        }
    }

    /// Gives a connection the network of its person.
    pub(in crate::live::server) fn shape(&mut self, id: ClientId) {
        let own = self.server.room().nick(id).and_then(|nick| self.own_network(nick)).cloned();
        let Some(peer) = self.peers.get_mut(id.0 as usize).and_then(Option::as_deref_mut) else { return };
        let Some((gateway, path)) = self.shaping.gateway.as_ref().zip(peer.path) else { return };
        if std::mem::replace(&mut peer.is_shaped, own.is_some()) || own.is_some() {
            // One that has ended shapes nothing any more.
            let _ = gateway.set_own(path, &own.unwrap_or_default());
        }
    }

    /// People who have come in, or have another name than this now.
    pub(super) fn shape_named(&mut self, named: Vec<(ClientId, Option<Name>)>) {
        for (id, before) in named {
            let before = before.and_then(|before| self.shaping.own.remove(&exact(&before)));
            if let (Some(own), Some(nick)) = (before, self.server.room().nick(id)) {
                self.shaping.own.insert(exact(nick), own);
            }
            self.shape(id);
        }
    }

    /// The person whose connection has this key.
    pub fn person_with(&self, key: &Key) -> Option<Name> {
        self.server.room().nick(*self.keys.get(key)?).cloned()
    }
}
