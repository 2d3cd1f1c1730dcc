//! What the server remembers: what was said to everyone, and whose nicks are whose. With a file it
//! remembers across its own end.
//!
//! What is to be kept waits for [`settle`](Memory::settle), which keeps all of it or nothing. After a
//! failure nothing is tried for a moment, and then again with what comes next.

use std::collections::{BTreeMap, VecDeque};

use tracing::{error, info};

use super::accounts::Gate;
use crate::chat::message::{Event, Name, Request};
use crate::chat::names::{Likeness, exact};
use crate::chat::protocol::Timestamp;
use crate::live::store::{Entry, Store, StoreError};
use crate::time::{Duration, Instant};

/// After a failure, for so long what should be kept is refused at once: each attempt takes time from
/// everybody.
const REST: Duration = Duration::from_millis(250);

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
    /// What is to be kept next.
    waiting: Vec<Entry>,
    outage: Option<Outage>,
}

/// Nothing can be kept.
#[derive(Debug)]
struct Outage {
    why: &'static str,
    /// What was refused since it began.
    refused: usize,
    try_at: Instant,
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
        let mut memory = Memory {
            past: past.into(),
            shown,
            store,
            looks: BTreeMap::new(),
            accounts_only,
            waiting: Vec::new(),
            outage: None,
        };
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

    /// Whether this is done only if it can be kept.
    pub fn keeps(&self, request: &Request) -> bool {
        self.store.is_some() && matches!(request, Request::Say { .. })
    }

    /// Keeps an event if it is a message to everyone; with a file it waits to be settled.
    pub fn keep(&mut self, at: Timestamp, event: &Event) {
        let Event::Message { from, text } = event else { return };
        let entry = Entry::Message { unix_nanos: at.unix_nanos(), from: from.clone(), text: text.clone() };
        if self.store.is_some() {
            self.waiting.push(entry);
        } else {
            self.show(entry);
        }
    }

    /// Keeps what waits, before anybody learns of it: all, or nothing for the reason that is returned.
    pub fn settle(&mut self, now: Instant) -> Result<(), Name> {
        let entries = std::mem::take(&mut self.waiting);
        let Some(store) = self.store.as_mut().filter(|_| !entries.is_empty()) else { return Ok(()) };
        let result = match &mut self.outage {
            Some(outage) if now < outage.try_at => {
                outage.refused += entries.len();
                Err(refusal(outage.why))
            }
            _ => {
                let result = store.write(&entries);
                self.learn(now, result, entries.len())
            }
        };
        if result.is_ok() {
            for entry in entries {
                self.show(entry);
            }
        }
        result
    }

    /// Notes whether the file could be written, and says so when that changes.
    fn learn<T>(&mut self, now: Instant, result: Result<T, StoreError>, entries: usize) -> Result<T, Name> {
        match result {
            Ok(done) => {
                if let Some(Outage { refused, .. }) = self.outage.take() {
                    info!(refused, "can keep what is said again");
                }
                Ok(done)
            }
            Err(error) => {
                let why = error.brief();
                let before = self.outage.take();
                if before.as_ref().is_none_or(|before| before.why != why) {
                    error!("cannot keep what is said, which is refused until that is possible: {error}");
                }
                let refused = before.map_or(0, |before| before.refused) + entries;
                self.outage = Some(Outage { why, refused, try_at: now + REST });
                Err(refusal(why))
            }
        }
    }

    /// From now on newcomers see it.
    fn show(&mut self, entry: Entry) {
        if self.shown == 0 {
            return;
        }
        let Entry::Message { unix_nanos, from, text } = entry;
        if self.past.len() == self.shown {
            self.past.pop_front();
        }
        self.past.push_back(Event::Past { unix_nanos, from, text });
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
                return Gate::Broken(format!("Not now: the server cannot read accounts ({})", error.brief()));
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

    /// Keeps a new account; whether nobody was faster, or why it cannot be kept.
    pub fn register(&mut self, now: Instant, nick: &str, digest: &str) -> Result<bool, Name> {
        let is_taken = |store: &Store| self.password(store, nick).is_ok_and(|digest| digest.is_some());
        if self.store.as_ref().is_none_or(is_taken) {
            return Ok(false);
        }
        let Some(store) = &mut self.store else { return Ok(false) };
        let nick = exact(nick);
        let result = store.register(&nick, digest);
        let registered = self.learn(now, result, 1)?;
        if registered {
            self.note(&nick);
        }
        Ok(registered)
    }
}

/// In words for clients.
fn refusal(why: &str) -> Name {
    format!("Not done: the server cannot keep it now ({why})").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(memory: &mut Memory, text: &str, now: Instant) -> Result<(), Name> {
        memory.keep(Timestamp::EPOCH, &Event::Message { from: "kim".into(), text: text.into() });
        memory.settle(now)
    }

    #[test]
    fn an_outage_refuses_and_ends_by_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, away) = (folder.path().join("chat.db"), folder.path().join("away"));
        let store = Store::open(&path).expect("a new file");
        let mut memory = Memory::new(Some(store), 10, false);
        assert_eq!(said(&mut memory, "one", Instant::ZERO), Ok(()));
        std::fs::rename(&path, &away).expect("moved");
        let why = said(&mut memory, "two", Instant::ZERO).expect_err("gone");
        assert!(why.contains("its file has vanished"), "{why}");
        assert!(memory.register(Instant::ZERO, "kim", "digest").is_err());
        std::fs::rename(&away, &path).expect("moved back");
        // It rests for a moment.
        assert_eq!(said(&mut memory, "three", Instant::ZERO), Err(why));
        assert_eq!(said(&mut memory, "four", Instant::ZERO + REST), Ok(()));
        assert_eq!(said(&mut memory, "five", Instant::ZERO + REST), Ok(()));
        let shown: Vec<_> = memory.past().iter_mut().filter_map(|past| past.text_mut().cloned()).collect();
        assert_eq!(shown, ["one".into(), "four".into(), "five".into()]);
    }

    #[test]
    fn a_look_alike_of_a_registered_nick_needs_its_password() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("chat.db");
        let memory = || Memory::new(Some(Store::open(&path).expect("a file")), 0, false);
        let mut first = memory();
        assert_eq!(first.register(Instant::ZERO, "Bob", "digest"), Ok(true));
        // Registered at the same time.
        assert_eq!(first.register(Instant::ZERO, "b\u{3bf}b", "other"), Ok(false));
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
