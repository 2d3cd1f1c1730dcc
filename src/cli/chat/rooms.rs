//! Rooms that a person is in, and enters again after a lost connection. One that is gone is not founded again: it may
//! have been private. A registered person's are kept by the server.

use std::collections::BTreeSet;

use crate::chat::message::{Event, Name, Refusal, Request};
use crate::chat::protocol::without_password;

/// Rooms that a person is in.
#[derive(Debug, Default)]
pub struct Rooms {
    mine: BTreeSet<Name>,
}

impl Rooms {
    /// Takes note of an event; requests that are to be made at once by somebody who is `nick` there.
    pub fn hear(&mut self, nick: &str, event: &Event) -> Vec<Request> {
        match event {
            Event::Welcome { .. } => {
                let is_registered = without_password(nick) != nick.trim();
                return self.mine.iter().filter(|_| !is_registered).map(enter).collect();
            }
            Event::Created { room } | Event::Entered { room } => drop(self.mine.insert(room.clone())),
            Event::Exited { room }
            | Event::Closed { room, .. }
            | Event::Refused(Refusal::NoSuchRoom(room)) => drop(self.mine.remove(room)),
            _ => {}
        }
        Vec::new()
    }
}

fn enter(room: &Name) -> Request {
    Request::Enter { room: room.to_string(), create: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_entered_again_by_those_whom_no_server_puts_back() {
        let welcome = Event::Welcome { nick: "kim".into(), people: [Name::from("kim")].to_vec().into() };
        for (nick, asked) in [("kim", 1), ("kim:secret", 0)] {
            let mut rooms = Rooms::default();
            assert!(rooms.hear(nick, &welcome).is_empty());
            for room in ["den", "attic", "hall"] {
                rooms.hear(nick, &Event::Entered { room: room.into() });
            }
            rooms.hear(nick, &Event::Exited { room: "attic".into() });
            rooms.hear(nick, &Event::Closed { room: "hall".into(), by: "lea".into() });
            let again = rooms.hear(nick, &welcome);
            assert_eq!(again, [enter(&"den".into())][..asked]);
            rooms.hear(nick, &Event::Refused(Refusal::NoSuchRoom("den".into())));
            assert!(rooms.hear(nick, &welcome).is_empty(), "it is gone");
        }
    }
}
