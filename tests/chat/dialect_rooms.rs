//! Our clients in the rooms of our server, in the dialects that have rooms.

use crate::hall::{Hall, Person, name};
use testbed::chat::message::{Event, Request};
use testbed::chat::protocol::{JSON_LINES, RELIABLE, ROOMS};

#[test]
fn private_rooms_invitations_and_ends_are_understood_in_the_dialects_that_have_rooms() {
    for kind in [RELIABLE, JSON_LINES, ROOMS] {
        let mut hall = Hall::default();
        let mut alice = Person::come(&mut hall, kind, "alice");
        let mut bob = Person::come(&mut hall, kind, "bob");
        alice.is_told(&mut hall);
        bob.is_told(&mut hall);
        let (room, den) = (name("den"), || "den".to_owned());
        alice.ask(&mut hall, &Request::Create { room: den(), private: true });
        assert_eq!(alice.is_told(&mut hall), [Event::Created { room: room.clone() }], "{kind:?}");
        bob.ask(&mut hall, &Request::Enter { room: den(), create: false });
        let told = bob.is_told(&mut hall);
        // Nothing tells it from a room that is not there.
        bob.ask(&mut hall, &Request::Enter { room: "dun".to_owned(), create: false });
        let missing = format!("{:?}", bob.is_told(&mut hall)).replace("dun", "den");
        assert_eq!(format!("{told:?}"), missing, "{kind:?}");
        assert_eq!(told.len(), 1, "{kind:?}");
        alice.ask(&mut hall, &Request::Invite { to: "bob".to_owned(), room: None });
        let invited = Event::Invited { room: room.clone(), to: name("bob") };
        assert_eq!(alice.is_told(&mut hall), [invited], "{kind:?}");
        let invitation = Event::Invitation { room: room.clone(), from: name("alice") };
        assert_eq!(bob.is_told(&mut hall), [invitation], "{kind:?}");
        bob.ask(&mut hall, &Request::Enter { room: den(), create: false });
        assert_eq!(bob.is_told(&mut hall), [Event::Entered { room: room.clone() }], "{kind:?}");
        alice.ask(&mut hall, &Request::Close { room: den() });
        let closed = Event::Closed { room, by: name("alice") };
        assert_eq!(alice.is_told(&mut hall), std::slice::from_ref(&closed), "{kind:?}");
        assert_eq!(bob.is_told(&mut hall), [closed], "{kind:?}");
    }
}
