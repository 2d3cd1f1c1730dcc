//! What registered people are owed: their rooms, and what was said to them while they were away.

use tracing::info;

use super::Hub;
use crate::chat::message::{Audience, ClientId, Delivery, Event, Name, Refusal};
use crate::chat::protocol::{Moment, SERVER, Timestamp};
use crate::chat::room::{Change, Keeper};
use crate::live::server::memory::Memory;

/// Keeps for the room.
pub(super) struct Keeping<'a> {
    pub memory: &'a mut Memory,
    pub moment: Moment,
    /// Whether something could not be kept.
    pub failed: bool,
}

impl Keeper for Keeping<'_> {
    fn account(&self, nick: &str) -> Option<Name> {
        self.memory.account(nick)
    }

    fn keep(&mut self, change: Change) -> Result<(), Refusal> {
        let result = self.memory.change(self.moment.now, self.moment.at, change);
        self.failed |= matches!(result, Err(Refusal::NotNow(_)));
        result
    }
}

/// What somebody has been told and not yet taken.
#[derive(Debug)]
pub(super) struct Owed {
    account: Name,
    mail: Vec<i64>,
}

impl Hub {
    /// Who has shown its password is back in its rooms, and hears what waits.
    pub(super) fn claim(&mut self, moment: Moment, id: ClientId, nick: &str) {
        let Some(account) = self.memory.owner(nick) else { return };
        let mut deliveries = Vec::new();
        if !self.room.claim(id, &account, &mut deliveries) {
            return;
        }
        for Delivery { to, event } in deliveries {
            self.tell(moment, &to, &event);
        }
        let mail = self.memory.mail(&account);
        if mail.is_empty() {
            return;
        }
        let to = Audience::One(id);
        let text = format!("Said to you while you were away: {}", mail.len()).into();
        self.tell(moment, &to, &Event::Notice { text });
        let ids = mail.iter().map(|one| one.id).collect();
        for one in mail {
            let at = Moment { at: Timestamp::from_unix_nanos(one.unix_nanos), ..moment };
            self.tell(at, &to, &Event::Direct { from: one.from, text: one.text });
        }
        self.owed.insert(id, Owed { account, mail: ids });
    }

    /// Forgets what waited for a person as soon as nothing of it does: the socket has taken it and, where
    /// the dialect acknowledges, the client has.
    pub(super) fn forget_what_was_taken(&mut self, id: ClientId) {
        if !self.owed.contains_key(&id) || self.holding.is_on() {
            return;
        }
        if self.peer(id).is_some_and(|peer| peer.backlog() == 0 && peer.closing_by.is_none())
            && let Some(Owed { account, mail }) = self.owed.remove(&id)
        {
            self.memory.forget(self.clock.now(), &account, mail);
        }
    }

    /// Ends a room in the server's name.
    pub fn close_room(&mut self, room: &str) -> Result<(), String> {
        let moment = self.clock.moment();
        self.settle();
        let mut keeping = Keeping { memory: &mut self.memory, moment, failed: false };
        let mut deliveries = Vec::new();
        let closed = self.room.close(room, SERVER.into(), &mut keeping, &mut deliveries);
        closed.map_err(|refusal| match refusal {
            Refusal::NoSuchRoom(room) => format!("there is no room '{room}'; `rooms` lists them"),
            refusal => refusal.to_string(),
        })?;
        info!(room, "closed by an administrator");
        for Delivery { to, event } in deliveries {
            self.tell(moment, &to, &event);
        }
        Ok(())
    }
}
