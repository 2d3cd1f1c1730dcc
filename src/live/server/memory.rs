//! What the server remembers: what was said to everyone, and whose nicks are whose. With a file it
//! remembers across its own end.

use std::collections::{BTreeMap, VecDeque};

use tracing::error;

use super::accounts::Gate;
use crate::chat::message::Event;
use crate::chat::names::{Likeness, exact};
use crate::chat::protocol::Timestamp;
use crate::live::store::{Store, StoreError};

/// The last messages, and the file if there is one.
#[derive(Debug)]
pub struct Memory {
    /// Oldest first.
    past: VecDeque<Event>,
    /// How many newcomers are shown.
    shown: usize,
    store: Option<Store>,
    /// The registered nicks by what they look like: whoever comes as a look-alike needs the password.
    looks: BTreeMap<String, String>,
    accounts_only: bool,
}

impl Memory {
    /// Remembers `shown` messages, those of the file first.
    pub fn new(store: Option<Store>, shown: usize, accounts_only: bool) -> Memory {
        let past = store.as_ref().map_or(Ok(Vec::new()), |store| store.past(shown)).unwrap_or_else(|error| {
            error!("cannot read the history: {error}");
            Vec::new()
        });
        let registered = store.as_ref().map_or(Ok(Vec::new()), Store::registered).unwrap_or_else(|error| {
            error!("cannot read the accounts: {error}");
            Vec::new()
        });
        let mut memory = Memory { past: past.into(), shown, store, looks: BTreeMap::new(), accounts_only };
        for nick in registered {
            memory.note(&nick);
        }
        memory
    }

    /// Notes what a registered nick looks like; of two that look alike, each is found as it is written.
    fn note(&mut self, nick: &str) {
        for look in Likeness::of(nick).forms() {
            self.looks.entry(look.clone()).or_insert_with(|| nick.to_owned());
        }
    }

    /// The digest of this nick's password, or of the registered nick's that it looks like.
    fn password(&self, store: &Store, nick: &str) -> Result<Option<String>, StoreError> {
        if let Some(digest) = store.password(&exact(nick))? {
            return Ok(Some(digest));
        }
        let likeness = Likeness::of(nick);
        let other = likeness.forms().iter().find_map(|look| self.looks.get(look));
        other.map_or(Ok(None), |other| store.password(other))
    }

    /// What a newcomer is shown.
    pub fn past(&self) -> Vec<Event> {
        self.past.iter().cloned().collect()
    }

    /// Keeps an event if it is a message to everyone.
    pub fn keep(&mut self, at: Timestamp, event: &Event) {
        let Event::Message { from, text } = event else { return };
        if let Some(store) = &mut self.store
            && let Err(error) = store.keep(at.unix_nanos(), from, text)
        {
            error!("cannot keep a message: {error}");
        }
        if self.shown > 0 {
            if self.past.len() == self.shown {
                self.past.pop_front();
            }
            let event = Event::Past { unix_nanos: at.unix_nanos(), from: from.clone(), text: text.clone() };
            self.past.push_back(event);
        }
    }

    /// Makes safe what was said, before anybody learns that it was.
    pub fn commit(&mut self) {
        if let Some(store) = &mut self.store
            && let Err(error) = store.commit()
        {
            error!("cannot keep messages: {error}");
        }
    }

    /// Whether nicks may have passwords.
    pub fn knows_accounts(&self) -> bool {
        self.store.is_some()
    }

    /// What stands before a nick.
    pub(super) fn gate(&self, nick: &str, password: Option<&str>) -> Gate {
        let Some(store) = &self.store else { return Gate::Open };
        let digest = match self.password(store, nick) {
            Ok(digest) => digest,
            Err(error) => {
                error!("cannot read the accounts: {error}");
                return Gate::Shut;
            }
        };
        match (digest, password) {
            (Some(digest), Some(password)) => Gate::Verify { digest, password: password.to_owned() },
            (None, Some(password)) if !password.is_empty() => {
                Gate::Register { password: password.to_owned() }
            }
            (None, None) if !self.accounts_only => Gate::Open,
            _ => Gate::Shut,
        }
    }

    /// Keeps a new account; whether nobody was faster.
    pub fn register(&mut self, nick: &str, digest: &str) -> bool {
        let is_free = |store: &Store| self.password(store, nick).is_ok_and(|digest| digest.is_none());
        if !self.store.as_ref().is_some_and(is_free) {
            return false;
        }
        let Some(store) = &mut self.store else { return false };
        // In a transaction of messages it would be kept with them; this is safe on its own.
        let nick = exact(nick);
        match store.commit().and_then(|()| store.register(&nick, digest)) {
            Ok(registered) => {
                self.note(&nick);
                registered
            }
            Err(error) => {
                error!("cannot write the accounts: {error}");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_alike_of_a_registered_nick_needs_its_password() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("chat.db");
        let memory = || Memory::new(Some(Store::open(&path).expect("a file")), 0, false);
        let mut first = memory();
        assert!(first.register("Bob", "digest"));
        // Registered at the same time.
        assert!(!first.register("b\u{3bf}b", "other"));
        for memory in [first, memory()] {
            for nick in ["bob", "BOB", "b\u{3bf}b", "\u{ff42}ob", "B0b"] {
                assert_eq!(memory.gate(nick, None), Gate::Shut, "{nick}");
                let verify = Gate::Verify { digest: "digest".into(), password: "x".into() };
                assert_eq!(memory.gate(nick, Some("x")), verify, "{nick}");
            }
            assert_eq!(memory.gate("rob", None), Gate::Open);
        }
    }
}
