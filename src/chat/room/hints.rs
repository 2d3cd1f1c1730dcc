//! Hints that somebody is writing: to those whose clients show them, and kept nowhere.

use super::{Room, rules};
use crate::chat::files::Recipient;
use crate::chat::message::{Audience, ClientId, Delivery, Event, Name};

impl Room {
    /// A person's client shows who is writing; others never hear of it.
    pub fn takes_hints(&mut self, client: ClientId) {
        self.members.get_mut(&client).into_iter().for_each(|member| member.takes_hints = true);
    }

    /// Tells it to a person or the other members of a room. One that reaches nobody is not worth a word.
    pub(super) fn hint(&self, client: ClientId, from: Name, to: &Recipient, out: &mut Vec<Delivery>) {
        let (room, people) = match to {
            Recipient::Person(nick) => (None, self.find(nick.trim()).into_iter().collect()),
            Recipient::Room(room) => match self.fellows(client, rules::room_name(room)) {
                Ok((room, people)) => (Some(room), people),
                Err(_) => return,
            },
        };
        let shows = |other: &ClientId| {
            *other != client && self.members.get(other).is_some_and(|member| member.takes_hints)
        };
        let members: Vec<_> = people.into_iter().filter(shows).collect();
        if !members.is_empty() {
            let to = Audience::Group { members: members.into(), but: None };
            out.push(Delivery { to, event: Event::Hint(from, room) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ALICE, BOB, CAROL, ask, three};
    use super::*;
    use crate::chat::message::Request;
    use crate::chat::room::Rules;

    #[test]
    fn only_those_hear_it_whose_clients_show_it() {
        let mut room = three(Rules::default());
        let to = |nick: &str| Request::Hint(Recipient::Person(nick.to_owned()));
        assert_eq!(ask(&mut room, ALICE, to("bob")), []);
        room.takes_hints(ALICE);
        room.takes_hints(BOB);
        assert_eq!(ask(&mut room, ALICE, to("bob")), [(vec![BOB.0], Event::Hint("alice".into(), None))]);
        for nobody in ["carol", "dave", "", "alice"] {
            assert_eq!(ask(&mut room, ALICE, to(nobody)), [], "{nobody}");
        }
        let in_den = || Request::Hint(Recipient::Room("#den".to_owned()));
        for client in [ALICE, BOB, CAROL] {
            assert_eq!(ask(&mut room, client, in_den()), []);
            ask(&mut room, client, Request::Enter { room: "den".to_owned(), create: true });
        }
        let hint = Event::Hint("carol".into(), Some("den".into()));
        assert_eq!(ask(&mut room, CAROL, in_den()), [(vec![ALICE.0, BOB.0], hint)]);
        ask(&mut room, BOB, Request::Exit { room: "den".to_owned() });
        assert_eq!(ask(&mut room, BOB, in_den()), []);
    }
}
