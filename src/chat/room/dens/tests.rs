//! Rooms: their owners, the people who may enter, and the records kept before a request is granted.

use std::collections::BTreeSet;

use super::*;
use crate::chat::room::Rules;
use crate::chat::room::tests::{ALICE, BOB, CAROL, ask, join, names, three};

fn create(room: &str, private: bool) -> Request {
    Request::Create { room: room.to_owned(), private }
}

fn enter(room: &str) -> Request {
    Request::Enter { room: room.to_owned(), create: false }
}

fn invite(to: &str, room: Option<&str>) -> Request {
    Request::Invite { to: to.to_owned(), room: room.map(str::to_owned) }
}

fn close(room: &str) -> Request {
    Request::Close { room: room.to_owned() }
}

fn refused(refusal: Refusal) -> Event {
    Event::Refused(refusal)
}

/// First answer to the client itself.
fn answer(room: &mut Room, client: ClientId, request: Request) -> Event {
    ask(room, client, request).remove(0).1
}

#[test]
fn rooms_that_look_the_same_cannot_be_at_once() {
    let mut room = three(Rules::default());
    answer(&mut room, ALICE, create("Den1", false));
    for alike in ["Den1", "den1", "DENl", "d\u{435}n1", "\u{ff44}en1", "den\u{661}"] {
        let other = answer(&mut room, BOB, create(alike, false));
        // U+0661 is one stroke like the digit.
        assert_eq!(other, refused(Refusal::RoomExists("Den1".into())), "{alike:?}");
    }
    // It is entered as it is written, in any case.
    assert_eq!(
        answer(&mut room, BOB, enter("d\u{435}n1")),
        refused(Refusal::NoSuchRoom("d\u{435}n1".into()))
    );
    assert_eq!(answer(&mut room, BOB, enter("#DEN1")), Event::Entered { room: "Den1".into() });
    // Once it has ended, the name is free in every form.
    answer(&mut room, ALICE, close("den1"));
    assert_eq!(answer(&mut room, BOB, create("DENl", false)), Event::Created { room: "DENl".into() });
}

#[test]
fn one_person_owns_so_many_rooms_at_most() {
    let mut room = three(Rules { rooms_each: 2, ..Rules::default() });
    answer(&mut room, ALICE, create("a", false));
    answer(&mut room, ALICE, create("b", false));
    assert_eq!(answer(&mut room, ALICE, create("c", false)), refused(Refusal::TooManyOwnRooms));
    assert_eq!(answer(&mut room, BOB, create("c", false)), Event::Created { room: "c".into() });
    // Leaving makes it nobody else's, closing makes room.
    answer(&mut room, ALICE, Request::Exit { room: "a".to_owned() });
    assert_eq!(answer(&mut room, ALICE, create("d", false)), refused(Refusal::TooManyOwnRooms));
    answer(&mut room, ALICE, close("a"));
    assert_eq!(answer(&mut room, ALICE, create("d", false)), Event::Created { room: "d".into() });
}

#[test]
fn a_private_room_is_for_those_who_are_invited() {
    let mut room = three(Rules::default());
    let rooms = |room: &mut Room, client| answer(room, client, Request::Rooms);
    let post = Request::Post { room: "den".to_owned(), text: "hi".into() };
    answer(&mut room, ALICE, create("den", true));
    assert_eq!(rooms(&mut room, ALICE), Event::Rooms { names: names(&["den"]) });
    assert_eq!(rooms(&mut room, BOB), Event::Rooms { names: names(&[]) });
    let private = || refused(Refusal::NoSuchRoom("den".into()));
    assert_eq!(answer(&mut room, BOB, enter("den")), private());
    assert_eq!(answer(&mut room, BOB, post), private());
    assert_eq!(answer(&mut room, BOB, invite("bob", Some("den"))), private());
    assert_eq!(
        answer(&mut room, ALICE, invite("b\u{3bf}b", None)),
        refused(Refusal::NoSuchPerson("b\u{3bf}b".into()))
    );
    assert_eq!(
        ask(&mut room, ALICE, invite("BOB", None)),
        [
            (vec![7], Event::Invited { room: "den".into(), to: "bob".into() }),
            (vec![3], Event::Invitation { room: "den".into(), from: "alice".into() }),
        ]
    );
    assert_eq!(rooms(&mut room, BOB), Event::Rooms { names: names(&["den"]) });
    assert_eq!(answer(&mut room, CAROL, enter("den")), private());
    assert_eq!(answer(&mut room, BOB, enter("den")), Event::Entered { room: "den".into() });
    let again = refused(Refusal::MemberAlready("bob".into(), "den".into()));
    assert_eq!(answer(&mut room, ALICE, invite("bob", None)), again);
    // An invitation is for once, and for the person, not for the next of its number or its nick.
    answer(&mut room, BOB, Request::Exit { room: "den".to_owned() });
    assert_eq!(answer(&mut room, BOB, enter("den")), private());
    answer(&mut room, ALICE, invite("bob", None));
    ask(&mut room, BOB, Request::Leave);
    join(&mut room, BOB, "bob");
    assert_eq!(answer(&mut room, BOB, enter("den")), private());
    // Its owner may come back.
    answer(&mut room, ALICE, Request::Exit { room: "den".to_owned() });
    assert_eq!(answer(&mut room, ALICE, invite("bob", None)), refused(Refusal::WhichRoom));
    assert_eq!(answer(&mut room, ALICE, enter("den")), Event::Entered { room: "den".into() });
}

/// But for founding one: of two rooms that look alike there can be only one.
#[test]
fn to_others_a_private_room_is_like_none() {
    let mut room = three(Rules { entering_founds: false, ..Rules::default() });
    answer(&mut room, ALICE, create("Den", true));
    let text = || Name::from("hi");
    let requests = |room: &str| {
        let name = || room.to_owned();
        [
            enter(room),
            Request::Exit { room: name() },
            Request::SayIn { room: name(), text: text() },
            Request::Post { room: name(), text: text() },
            invite("carol", Some(room)),
            invite("nobody", Some(room)),
            invite("alice", Some(room)),
            close(room),
            Request::Rooms,
        ]
    };
    for name in ["den", "DEN", "#den", "d\u{435}n"] {
        let missing = name.replace(['e', 'E', '\u{435}'], "u").replace('#', "");
        for (there, not_there) in requests(name).into_iter().zip(requests(&missing)) {
            let shown = format!("{:?}", ask(&mut room, BOB, there.clone()));
            let expected = format!("{:?}", ask(&mut room, BOB, not_there))
                .replace(&missing, name.trim_start_matches('#'));
            assert_eq!(shown, expected, "{there:?}");
        }
        // Nor how it is written.
        let taken = refused(Refusal::RoomExists(name.trim_start_matches('#').into()));
        assert_eq!(answer(&mut room, BOB, create(name, false)), taken);
    }
    let RoomInfo { name, private, owner, here, .. } = room.rooms().next().expect("administrators see it");
    assert_eq!((&*name, private, owner.as_deref(), here), ("Den", true, Some("alice"), 1));
}

#[test]
fn an_owner_may_end_its_room() {
    let mut room = three(Rules::default());
    answer(&mut room, ALICE, create("den", false));
    answer(&mut room, BOB, enter("den"));
    assert_eq!(answer(&mut room, BOB, close("den")), refused(Refusal::NotOwner("den".into())));
    assert_eq!(answer(&mut room, BOB, close("x")), refused(Refusal::NoSuchRoom("x".into())));
    let closed = || Event::Closed { room: "den".into(), by: "alice".into() };
    assert_eq!(ask(&mut room, ALICE, close("#Den")), [(vec![7, 3], closed())]);
    let text = || Request::SayIn { room: "den".to_owned(), text: "hi".into() };
    assert_eq!(answer(&mut room, BOB, text()), refused(Refusal::NoSuchRoom("den".into())));
    // An owner outside of the room hears of it, too.
    answer(&mut room, ALICE, create("den", false));
    answer(&mut room, BOB, enter("den"));
    answer(&mut room, ALICE, Request::Exit { room: "den".to_owned() });
    assert_eq!(ask(&mut room, ALICE, close("den")), [(vec![3], closed()), (vec![7], closed())]);
}

/// Kim and Lea are registered.
#[derive(Default)]
struct Book {
    is_full: bool,
    kept: Vec<Change>,
}

impl Keeper for Book {
    fn account(&self, nick: &str) -> Option<Name> {
        BTreeSet::from(["kim", "lea"]).get(nick.to_lowercase().as_str()).map(|&name| name.into())
    }

    fn keep(&mut self, change: Change) -> Result<(), Refusal> {
        if self.is_full {
            return Err(Refusal::Other("full".into()));
        }
        self.kept.push(change);
        Ok(())
    }
}

const KIM: ClientId = ClientId(11);

impl Book {
    fn answer(&mut self, room: &mut Room, client: ClientId, request: Request) -> Event {
        let mut out = Vec::new();
        room.handle_kept(client, request, self, &mut out);
        out.remove(0).event
    }
}

fn come(room: &mut Room, client: ClientId, account: &str) -> Vec<Event> {
    join(room, client, account);
    let mut out = Vec::new();
    assert!(room.claim(client, &account.into(), &mut out));
    out.into_iter().map(|delivery| delivery.event).collect()
}

#[test]
fn who_is_registered_finds_its_rooms_again() {
    let (mut room, mut book) = (three(Rules::default()), Book::default());
    assert_eq!(come(&mut room, KIM, "kim"), []);
    book.answer(&mut room, KIM, create("own", true));
    book.answer(&mut room, BOB, create("bobs", false));
    book.answer(&mut room, KIM, enter("bobs"));
    assert_eq!(book.kept.len(), 2, "guests' rooms are not kept: {:?}", book.kept);
    let invited = book.answer(&mut room, KIM, invite("Lea", Some("own")));
    assert_eq!(invited, Event::Invited { room: "own".into(), to: "lea".into() });
    ask(&mut room, KIM, Request::Leave);
    ask(&mut room, BOB, Request::Leave);
    // A second one cannot be the same person, and a guest of the same nick is not.
    join(&mut room, BOB, "kim");
    assert_eq!(answer(&mut room, BOB, enter("own")), refused(Refusal::NoSuchRoom("own".into())));
    ask(&mut room, BOB, Request::Leave);
    let entered = |room: &str| Event::Entered { room: room.into() };
    assert_eq!(come(&mut room, KIM, "kim"), [entered("bobs"), entered("own")]);
    join(&mut room, BOB, "kim2");
    assert!(!room.claim(BOB, &"kim".into(), &mut Vec::new()));
    // A person who is away is invited all the same.
    let lea = come(&mut room, ClientId(12), "lea");
    assert_eq!(lea, [Event::Invitation { room: "own".into(), from: "kim".into() }]);
    assert_eq!(book.answer(&mut room, ClientId(12), enter("own")), entered("own"));
    // The owner is the same under another nick.
    ask(&mut room, KIM, Request::Rename { nick: "kimmy".to_owned() });
    assert_eq!(
        book.answer(&mut room, KIM, close("own")),
        Event::Closed { room: "own".into(), by: "kimmy".into() }
    );
}

#[test]
fn rooms_are_restored_as_they_were_kept() {
    let mut room = Room::new(Rules { rooms_each: 1, ..Rules::default() });
    let people =
        vec![("kim".into(), Standing::Member), ("lea".into(), Standing::Invited { by: "kim".into() })];
    room.restore(vec![KeptRoom { name: "den".into(), owner: Some("kim".into()), private: true, people }]);
    join(&mut room, ALICE, "alice");
    assert_eq!(answer(&mut room, ALICE, create("DEN", false)), refused(Refusal::RoomExists("DEN".into())));
    assert_eq!(answer(&mut room, ALICE, enter("den")), refused(Refusal::NoSuchRoom("den".into())));
    let lea = come(&mut room, BOB, "lea");
    assert_eq!(lea, [Event::Invitation { room: "den".into(), from: "kim".into() }]);
    assert_eq!(come(&mut room, KIM, "kim"), [Event::Entered { room: "den".into() }]);
    assert_eq!(answer(&mut room, KIM, create("more", false)), refused(Refusal::TooManyOwnRooms));
}

#[test]
fn what_cannot_be_kept_is_not_done() {
    let (mut room, mut book) = (three(Rules::default()), Book::default());
    come(&mut room, KIM, "kim");
    book.answer(&mut room, KIM, create("den", true));
    let before = format!("{room:?}");
    book.is_full = true;
    let tell = Request::Tell { to: "lea".to_owned(), text: "hi".into() };
    let exit = Request::Exit { room: "den".to_owned() };
    for request in [create("more", false), exit, invite("lea", None), close("den"), tell] {
        let answer = book.answer(&mut room, KIM, request.clone());
        assert_eq!(answer, refused(Refusal::Other("full".into())), "{request:?}");
        assert_eq!(format!("{room:?}"), before, "{request:?}");
    }
    // Changes owed to nobody go on.
    assert_eq!(book.answer(&mut room, BOB, create("bobs", false)), Event::Created { room: "bobs".into() });
    let before = format!("{room:?}");
    assert_eq!(book.answer(&mut room, KIM, enter("bobs")), refused(Refusal::Other("full".into())));
    assert_eq!(format!("{room:?}"), before);
}

#[test]
fn what_is_said_to_who_is_away_waits_if_that_is_registered() {
    let (mut room, mut book) = (three(Rules::default()), Book::default());
    let tell = |to: &str, text: &str| Request::Tell { to: to.to_owned(), text: text.into() };
    assert_eq!(book.answer(&mut room, BOB, tell("max", "x")), refused(Refusal::NoSuchPerson("max".into())));
    let told = book.answer(&mut room, BOB, tell(" KIM ", "x"));
    assert_eq!(told, Event::Told { to: "kim".into(), text: "x".into() });
    assert_eq!(book.kept, [Change::Mail { to: "kim".into(), from: "bob".into(), text: "x".into() }]);
    let long = "x".repeat(70_000);
    assert_eq!(book.answer(&mut room, BOB, tell("kim", &long)), refused(Refusal::TextTooLong));
    // A recipient who is here hears it at once, under another nick, too.
    come(&mut room, KIM, "kim");
    ask(&mut room, KIM, Request::Rename { nick: "kimmy".to_owned() });
    let heard = ask(&mut room, BOB, tell("kim", "y"));
    assert_eq!(heard[1], (vec![11], Event::Direct { from: "bob".into(), text: "y".into() }));
    assert_eq!(book.kept.len(), 1);
}
