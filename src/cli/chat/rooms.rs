//! Rooms that a person is in, and enters again after a lost connection. One that is gone is not founded again: it may
//! have been private. A registered person's are kept by the server.

use std::collections::{BTreeSet, VecDeque};

use crate::chat::message::{Event, Name, Refusal, Request};
use crate::chat::protocol::without_password;

/// Rooms that a person is in.
#[derive(Debug, Default)]
pub struct Rooms {
    mine: BTreeSet<Name>,
}

impl Rooms {
    /// Takes note of an event; somebody who is `nick` there asks to be let in again, before all that waits.
    pub fn hear(&mut self, nick: &str, event: &Event, waiting: &mut VecDeque<Request>) {
        match event {
            Event::Welcome { .. } => {
                let is_registered = without_password(nick) != nick.trim();
                for room in self.mine.iter().filter(|_| !is_registered) {
                    waiting.push_front(Request::Enter { room: room.to_string(), create: false });
                }
            }
            Event::Created { room } | Event::Entered { room } => drop(self.mine.insert(room.clone())),
            Event::Exited { room }
            | Event::Closed { room, .. }
            | Event::Refused(Refusal::NoSuchRoom(room)) => drop(self.mine.remove(room)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_entered_again_by_those_whom_no_server_puts_back() {
        let welcome = Event::Welcome { nick: "kim".into(), people: [Name::from("kim")].to_vec().into() };
        for (nick, asked) in [("kim", 1), ("kim:secret", 0)] {
            let mut rooms = Rooms::default();
            let mut hear = |event: &Event| {
                let mut waiting = VecDeque::new();
                rooms.hear(nick, event, &mut waiting);
                waiting
            };
            assert!(hear(&welcome).is_empty());
            for room in ["den", "attic", "hall"] {
                hear(&Event::Entered { room: room.into() });
            }
            hear(&Event::Exited { room: "attic".into() });
            hear(&Event::Closed { room: "hall".into(), by: "lea".into() });
            let enter = Request::Enter { room: "den".to_owned(), create: false };
            assert_eq!(hear(&welcome), &[enter][..asked]);
            hear(&Event::Refused(Refusal::NoSuchRoom("den".into())));
            assert!(hear(&welcome).is_empty(), "it is gone");
        }
    }
}
