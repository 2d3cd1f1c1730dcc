//! The rooms within the chat, and the people whom they know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::kept::{Change, Standing};
use crate::chat::message::{Audience, ClientId, Name};
use crate::chat::names::{Likeness, exact};

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Dens {
    /// By their names as these are looked up.
    pub by_name: BTreeMap<Name, Den>,
    /// Of which room somebody would think.
    looks: BTreeMap<String, Name>,
}

/// A room within the chat.
#[derive(Debug, Default)]
pub(super) struct Den {
    /// Its name as it is shown.
    pub name: Name,
    pub private: bool,
    pub owner: Option<Person>,
    /// Those of them who are here.
    pub members: Arc<Vec<ClientId>>,
    /// Those who are away, and registered.
    pub away: BTreeSet<Name>,
    /// People who may enter, and the people who have invited them.
    pub invited: BTreeMap<Person, Name>,
}

/// Somebody whom a room knows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Person {
    /// As long as it is here.
    Guest(ClientId),
    /// For ever.
    Account(Name),
}

impl Person {
    pub fn account(&self) -> Option<&Name> {
        match self {
            Person::Account(account) => Some(account),
            Person::Guest(_) => None,
        }
    }
}

impl Dens {
    pub fn get(&self, room: &str) -> Option<(Name, &Den)> {
        let key = exact(room);
        self.by_name.get_key_value(key.as_str()).map(|(key, den)| (key.clone(), den))
    }

    /// The room that has this name, or one that looks like it.
    pub fn like(&self, room: &str) -> Option<&Den> {
        let looks = Likeness::of(room);
        let key = looks.forms().iter().find_map(|look| self.looks.get(look));
        key.and_then(|key| self.by_name.get(key)).or_else(|| self.get(room).map(|(_, den)| den))
    }

    pub fn add(&mut self, den: Den) -> Name {
        let key: Name = exact(&den.name).into();
        for look in Likeness::of(&den.name).forms() {
            self.looks.insert(look.clone(), key.clone());
        }
        self.by_name.insert(key.clone(), den);
        key
    }

    pub fn remove(&mut self, key: &Name) -> Option<Den> {
        let den = self.by_name.remove(key)?;
        for look in Likeness::of(&den.name).forms() {
            self.looks.remove(look);
        }
        Some(den)
    }

    /// A room without members ends, unless it has an owner.
    pub fn end_if_deserted(&mut self, key: &Name) {
        let deserted = |den: &Den| den.owner.is_none() && den.members.is_empty() && den.away.is_empty();
        if self.by_name.get(key).is_some_and(deserted) {
            self.remove(key);
        }
    }
}

impl Den {
    /// True if the room exists for this person.
    pub fn is_open_to(&self, client: ClientId, person: &Person) -> bool {
        !self.private || self.is_of(client, person) || self.invited.contains_key(person)
    }

    /// True if this person is in it or owns it.
    pub fn is_of(&self, client: ClientId, person: &Person) -> bool {
        self.members.contains(&client) || self.owner.as_ref() == Some(person)
    }

    /// Record to keep when `person` gets this standing; none of guests.
    pub fn change(&self, person: &Person, standing: Option<Standing>) -> Option<Change> {
        Some(Change::Standing {
            room: self.name.clone(),
            owner: self.owner.as_ref().and_then(Person::account).cloned(),
            private: self.private,
            account: person.account()?.clone(),
            standing,
        })
    }

    pub fn everybody(&self, but: Option<ClientId>) -> Audience {
        Audience::Group { members: self.members.clone(), but }
    }
}
