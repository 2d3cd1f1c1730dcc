//! What the server remembers: what was said to everyone, and whose nicks are whose. With a file it
//! remembers across its own end.

use std::collections::VecDeque;

use tracing::error;

use super::accounts::Gate;
use crate::chat::message::Event;
use crate::chat::protocol::Timestamp;
use crate::live::store::Store;

/// The last messages, and the file if there is one.
#[derive(Debug)]
pub struct Memory {
    /// Oldest first.
    past: VecDeque<Event>,
    /// How many newcomers are shown.
    shown: usize,
    store: Option<Store>,
    accounts_only: bool,
}

impl Memory {
    /// Remembers `shown` messages, those of the file first.
    pub fn new(store: Option<Store>, shown: usize, accounts_only: bool) -> Memory {
        let past = store.as_ref().map_or(Ok(Vec::new()), |store| store.past(shown)).unwrap_or_else(|error| {
            error!("cannot read the history: {error}");
            Vec::new()
        });
        Memory { past: past.into(), shown, store, accounts_only }
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
        let digest = match store.password(&nick.to_lowercase()) {
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
        let Some(store) = &mut self.store else { return false };
        // In a transaction of messages it would be kept with them; this is safe on its own.
        let result = store.commit().and_then(|()| store.register(&nick.to_lowercase(), digest));
        result.unwrap_or_else(|error| {
            error!("cannot write the accounts: {error}");
            false
        })
    }
}
