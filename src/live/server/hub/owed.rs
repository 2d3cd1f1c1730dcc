//! Debts to registered people: their rooms, and their mail from while they were away.

use tracing::info;

use super::Hub;
use crate::chat::message::{Audience, ClientId, Event, Name, Refusal};
use crate::chat::protocol::{Moment, Timestamp};

/// Mail that was told and not yet taken.
#[derive(Debug)]
pub(super) struct Owed {
    account: Name,
    mail: Vec<i64>,
}

impl Hub {
    /// Return of a person with a right password to its rooms, and its mail.
    pub(super) fn claim(&mut self, moment: Moment, id: ClientId, nick: &str) {
        let Some(account) = self.server.backing().memory.owner(nick) else { return };
        if !self.server.claim(moment, id, &account) {
            return;
        }
        let mail = self.server.backing().memory.mail(&account);
        if mail.is_empty() {
            return;
        }
        let to = Audience::One(id);
        let text = format!("Said to you while you were away: {}", mail.len()).into();
        self.server.tell(moment, &to, &Event::Notice { text });
        let ids = mail.iter().map(|one| one.id).collect();
        for one in mail {
            let at = Moment { at: Timestamp::from_unix_nanos(one.unix_nanos), ..moment };
            self.server.tell(at, &to, &Event::Direct { from: one.from, text: one.text });
        }
        self.owed.insert(id, Owed { account, mail: ids });
    }

    /// Forgets what waited for a person as soon as nothing of it does: the socket has taken it and, where
    /// the dialect acknowledges, the client has.
    pub(super) fn forget_what_was_taken(&mut self, id: ClientId) {
        if !self.owed.contains_key(&id) || self.server.holds() {
            return;
        }
        if self.server.hears(id)
            && self.server.figures(id).1 == 0
            && let Some(Owed { account, mail }) = self.owed.remove(&id)
        {
            let now = self.clock.now();
            self.server.backing_mut().memory.forget(now, &account, mail);
        }
    }

    /// Ends a room in the server's name.
    pub fn close_room(&mut self, room: &str) -> Result<(), String> {
        let moment = self.clock.moment();
        let closed = self.server.close_room(moment, room);
        closed.map_err(|refusal| match refusal {
            Refusal::NoSuchRoom(room) => format!("there is no room '{room}'; `rooms` lists them"),
            refusal => refusal.to_string(),
        })?;
        info!(room, "closed by an administrator");
        self.pass_on();
        Ok(())
    }
}
