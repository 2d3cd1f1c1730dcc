//! Memory of the server: texts to everyone, the owners of nicks, and what those people
//! are owed. With a file it remembers across its own end.
//!
//! New entries wait for [`settle`](Memory::settle), which keeps all of them or nothing. After a
//! failure nothing is tried for a moment, and then again with what comes next. What registered people
//! are owed is kept at once, before it is done.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tracing::{error, info};

use super::accounts::Gate;
use crate::chat::message::{Event, Name, Refusal, Request};
use crate::chat::names::{Likeness, exact};
use crate::chat::protocol::Timestamp;
use crate::chat::room::{Change, KeptRoom};
use crate::live::store::{Entry, Mail, Store, StoreError};
use crate::time::{Duration, Instant};

/// After a failure, for so long what should be kept is refused at once: each attempt takes time from
/// everybody.
const REST: Duration = Duration::from_millis(250);

/// The last messages, and the file if there is one.
#[derive(Debug)]
pub struct Memory {
    /// Oldest first.
    past: VecDeque<Event>,
    /// Number of texts that newcomers are shown.
    shown: usize,
    store: Option<Store>,
    /// The registered nicks by what they look like: whoever comes as a look-alike needs the password.
    looks: BTreeMap<String, String>,
    /// The same as they are looked up.
    registered: BTreeSet<Name>,
    accounts_only: bool,
    /// Private messages that wait for each person, and their limit.
    mail: BTreeMap<Name, usize>,
    most_mail: usize,
    /// Mail that has been heard and is to be forgotten with the next write.
    heard: BTreeSet<i64>,
    /// Entries to be kept next.
    waiting: Vec<Entry>,
    outage: Option<Outage>,
}

/// Nothing can be kept.
#[derive(Debug)]
struct Outage {
    why: &'static str,
    /// Entries refused since it began.
    refused: usize,
    try_at: Instant,
}

impl Memory {
    /// Remembers `shown` messages, those of the file first, and `most_mail` for each registered person.
    pub fn new(store: Option<Store>, shown: usize, accounts_only: bool, most_mail: usize) -> Memory {
        let past: Vec<Event> = read(store.as_ref(), "the history", |store| store.past(shown));
        let registered: Vec<String> = read(store.as_ref(), "the accounts", Store::registered);
        let mail = read(store.as_ref(), "what waits for registered people", Store::waiting);
        let mut memory = Memory {
            past: past.into(),
            shown,
            store,
            looks: BTreeMap::new(),
            registered: BTreeSet::new(),
            accounts_only,
            mail,
            most_mail,
            heard: BTreeSet::new(),
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
        self.registered.insert(nick.into());
        for look in Likeness::of(nick).forms() {
            self.looks.entry(look.clone()).or_insert_with(|| nick.to_owned());
        }
    }

    /// The digest of this nick's password, or of the registered nick's that it looks like.
    fn password(&self, store: &Store, nick: &str) -> Result<Option<String>, StoreError> {
        self.owner(nick).map_or(Ok(None), |owner| store.password(&owner))
    }

    /// Owner of a nick: the registered one that is meant or, if none is, that it looks like.
    pub fn owner(&self, nick: &str) -> Option<Name> {
        let alike = || {
            let likeness = Likeness::of(nick);
            likeness.forms().iter().find_map(|look| self.looks.get(look)).map(|nick| nick.as_str().into())
        };
        self.account(nick).or_else(alike)
    }

    /// The registered nick that is meant.
    pub fn account(&self, nick: &str) -> Option<Name> {
        self.registered.get(exact(nick).as_str()).cloned()
    }

    /// The rooms of registered people.
    pub fn rooms(&self) -> Vec<KeptRoom> {
        read(self.store.as_ref(), "the rooms", Store::rooms)
    }

    /// Mail of a registered person.
    pub fn mail(&self, account: &str) -> Vec<Mail> {
        let mut mail = read(self.store.as_ref(), "what waits", |store| store.mail(account));
        mail.retain(|one| !self.heard.contains(&one.id));
        mail
    }

    /// Forgets what has been heard; where that cannot be written now, with what is written next.
    pub fn forget(&mut self, now: Instant, account: &Name, ids: Vec<i64>) {
        if let Some(count) = self.mail.get_mut(account) {
            *count = count.saturating_sub(ids.len());
        }
        self.heard.extend(ids);
        let _ = self.write(now, Vec::new());
    }

    /// Keeps at once what a registered person is owed, or says why not.
    pub fn change(&mut self, now: Instant, at: Timestamp, change: Change) -> Result<(), Refusal> {
        if self.store.is_none() {
            return Ok(());
        }
        let addressee = match &change {
            Change::Mail { to, .. } if self.most_mail == 0 => return Err(Refusal::NoSuchPerson(to.clone())),
            Change::Mail { to, .. } => Some(to.clone()),
            Change::Standing { .. } | Change::Closed { .. } => None,
        };
        let waits = addressee.as_ref().and_then(|to| self.mail.get(to)).copied().unwrap_or_default();
        if let Some(to) = addressee.as_ref().filter(|_| waits >= self.most_mail) {
            return Err(Refusal::TooMuchWaits(to.clone()));
        }
        self.write(now, vec![Entry::Change { unix_nanos: at.unix_nanos(), change }])
            .map_err(Refusal::NotNow)?;
        if let Some(to) = addressee {
            self.mail.insert(to, waits + 1);
        }
        Ok(())
    }

    /// History for a newcomer.
    pub fn past(&self) -> Vec<Event> {
        self.past.iter().cloned().collect()
    }

    /// True if this is done only if it can be kept.
    pub fn keeps(&self, request: &Request) -> bool {
        self.store.is_some() && matches!(request, Request::Say { .. })
    }

    /// True if it may turn out only while this is done whether it can be kept.
    pub fn may_keep(&self, request: &Request) -> bool {
        use Request::{Close, Create, Enter, Exit, Invite, Tell};
        let may = matches!(
            request,
            Tell { .. } | Create { .. } | Enter { .. } | Exit { .. } | Invite { .. } | Close { .. }
        );
        may && !self.registered.is_empty()
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
        if entries.is_empty() {
            return Ok(());
        }
        self.write(now, entries.clone())?;
        for entry in entries {
            self.show(entry);
        }
        Ok(())
    }

    /// Writes all of it or nothing.
    fn write(&mut self, now: Instant, mut entries: Vec<Entry>) -> Result<(), Name> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let count = entries.len();
        if let Some(outage) = self.outage.as_mut().filter(|outage| now < outage.try_at) {
            outage.refused += count;
            return Err(refusal(outage.why));
        }
        entries.extend((!self.heard.is_empty()).then(|| Entry::Heard(self.heard.iter().copied().collect())));
        let result = store.write(&entries);
        self.learn(now, result, count)?;
        self.heard.clear();
        Ok(())
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
        let Entry::Message { unix_nanos, from, text } = entry else { return };
        if self.past.len() == self.shown {
            self.past.pop_front();
        }
        self.past.push_back(Event::Past { unix_nanos, from, text });
    }

    /// True if nicks may have passwords.
    pub fn knows_accounts(&self) -> bool {
        self.store.is_some()
    }

    /// Guard of a nick.
    pub(super) fn gate(&self, nick: &str, password: Option<&str>) -> Gate {
        let Some(store) = &self.store else { return Gate::Open };
        let digest = match self.password(store, nick) {
            Ok(digest) => digest,
            Err(error) => {
                error!("cannot read the accounts: {error}");
                return Gate::Broken(format!("the server cannot read accounts now ({})", error.brief()));
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

/// Contents of a file; nothing where that cannot be read.
fn read<T: Default>(
    store: Option<&Store>,
    what: &str,
    how: impl FnOnce(&Store) -> Result<T, StoreError>,
) -> T {
    match store.map(how) {
        None => T::default(),
        Some(Ok(held)) => held,
        Some(Err(error)) => {
            error!("cannot read {what}: {error}");
            T::default()
        }
    }
}

/// In words for clients.
fn refusal(why: &str) -> Name {
    format!("the server cannot keep it now ({why})").into()
}

#[cfg(test)]
mod tests;
