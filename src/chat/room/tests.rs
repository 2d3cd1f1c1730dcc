//! People present, and the recipients of events.

use super::*;

pub(super) const ALICE: ClientId = ClientId(7);
pub(super) const BOB: ClientId = ClientId(3);
pub(super) const CAROL: ClientId = ClientId(5);

pub(super) fn ask(room: &mut Room, client: ClientId, request: Request) -> Vec<(Vec<u32>, Event)> {
    let mut out = Vec::new();
    room.handle(client, request, &mut out);
    out.into_iter().map(|d| (d.to.iter().map(|c| c.0).collect(), d.event)).collect()
}

pub(super) fn join(room: &mut Room, client: ClientId, nick: &str) -> Vec<(Vec<u32>, Event)> {
    ask(room, client, Request::Join { nick: nick.to_owned() })
}

pub(super) fn three(rules: Rules) -> Room {
    let mut room = Room::new(rules);
    for (client, nick) in [(ALICE, "alice"), (BOB, "bob"), (CAROL, "carol")] {
        join(&mut room, client, nick);
    }
    room
}

fn say(text: &str) -> Request {
    Request::Say { text: text.into() }
}

pub(super) fn names(list: &[&str]) -> Names {
    Arc::new(list.iter().map(|&name| name.into()).collect())
}

fn people(room: &mut Room) -> Names {
    match ask(room, ALICE, Request::People).pop() {
        Some((_, Event::People { names })) => names,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_newcomer_sees_everyone_and_is_announced() {
    let mut room = three(Rules::default());
    let heard = join(&mut room, ClientId(9), "  dave ");
    let people = names(&["alice", "bob", "carol", "dave"]);
    assert_eq!(
        heard,
        [
            (vec![9], Event::Welcome { nick: "dave".into(), people }),
            (vec![7, 3, 5], Event::Joined { nick: "dave".into() }),
        ]
    );
}

#[test]
fn bad_nicks_are_rejected_and_change_nothing() {
    let mut room = three(Rules { people: 4, ..Rules::default() });
    let long = join(&mut room, ClientId(9), &"x".repeat(33));
    assert_eq!(long, [(vec![9], Event::Rejected(Refusal::NickTooLong))]);
    for nick in ["", "   "] {
        let heard = join(&mut room, ClientId(9), nick);
        assert_eq!(heard, [(vec![9], Event::Rejected(Refusal::NickInvalid))], "{nick:?}");
    }
    let unseen = ["a\0b", "a\nb", "a\u{200b}", "\u{202e}bob", "ox\u{3164}"];
    for nick in unseen.into_iter().chain([
        "#den",
        "bob to you",
        "PRIVATE FROM bob",
        "kim:",
        "a] [b",
        "a|b",
        "a,b",
        "/quit",
        "sp ace",
    ]) {
        let heard = join(&mut room, ClientId(9), nick);
        assert_eq!(heard, [(vec![9], Event::Rejected(Refusal::NickMisleads))], "{nick:?}");
    }
    assert_eq!(join(&mut room, ClientId(9), "BOB")[0].1, Event::Rejected(Refusal::NickTaken));
    assert_eq!(join(&mut room, ALICE, "alice2")[0].1, Event::Rejected(Refusal::AlreadyJoined));
    assert_eq!(room.len(), 3);
    // Characters are counted, not bytes.
    assert!(matches!(join(&mut room, ClientId(9), &"ü".repeat(32))[0].1, Event::Welcome { .. }));
    assert_eq!(join(&mut room, ClientId(10), "eve")[0].1, Event::Rejected(Refusal::Full));
}

#[test]
fn everyone_else_hears_a_broadcast_in_one_delivery() {
    let mut room = three(Rules::default());
    let (from, text): (Name, Name) = ("bob".into(), "hi".into());
    assert_eq!(
        ask(&mut room, BOB, say("hi")),
        [
            (vec![3], Event::Said { from: from.clone(), text: text.clone() }),
            (vec![7, 5], Event::Message { from, text }),
        ]
    );
    assert_eq!(ask(&mut room, BOB, say(" \t")), []);
    let refused = ask(&mut room, BOB, say(&"x".repeat(65_537)));
    assert_eq!(refused, [(vec![3], Event::Refused(Refusal::TextTooLong))]);
}

#[test]
fn strangers_may_only_join_ping_and_ask_for_help() {
    let mut room = three(Rules::default());
    let stranger = ClientId(9);
    assert_eq!(ask(&mut room, stranger, say("hi")), [(vec![9], Event::Refused(Refusal::NotJoined))]);
    assert_eq!(ask(&mut room, stranger, Request::Ping), [(vec![9], Event::Pong)]);
    assert_eq!(ask(&mut room, stranger, Request::Help), [(vec![9], Event::Help)]);
    assert_eq!(ask(&mut room, stranger, Request::Leave), [(vec![9], Event::Bye)]);
}

#[test]
fn a_direct_text_reaches_one_person_whatever_the_case_of_the_nick() {
    let mut room = three(Rules::default());
    let tell = |to: &str| Request::Tell { to: to.to_owned(), text: "psst".into() };
    assert_eq!(
        ask(&mut room, ALICE, tell("Bob")),
        [
            (vec![7], Event::Told { to: "bob".into(), text: "psst".into() }),
            (vec![3], Event::Direct { from: "alice".into(), text: "psst".into() }),
        ]
    );
    let nobody = Event::Refused(Refusal::NoSuchPerson("nobody".into()));
    assert_eq!(ask(&mut room, ALICE, tell("nobody")), [(vec![7], nobody)]);
}

#[test]
fn nobody_comes_in_as_a_look_alike_and_a_look_alike_reaches_nobody() {
    let rules = || Rules { reserved: &["server"], ..Rules::default() };
    for (nick, like) in [
        ("e\u{301}ve", "\u{e9}ve"),
        ("sam", "\u{17f}am"),
        ("strasse", "stra\u{df}e"),
        ("bob", "b\u{3bf}b"),
        ("Alice", "AIice"),
        ("alice", "\u{ff41}lice"),
    ] {
        for (nick, like) in [(nick, like), (like, nick)] {
            let mut room = Room::new(rules());
            join(&mut room, ALICE, nick);
            assert_eq!(people(&mut room), names(&[nick]), "kept as written");
            assert_eq!(
                join(&mut room, BOB, like)[0].1,
                Event::Rejected(Refusal::NickTaken),
                "{nick:?} {like:?}"
            );
            assert_eq!(room.free_nick(like), format!("{like}_2"));
            join(&mut room, BOB, "other");
            let rename = Request::Rename { nick: like.to_owned() };
            assert_eq!(ask(&mut room, BOB, rename)[0].1, Event::Refused(Refusal::NickTaken));
            // The two ways to write an accent are one name; all others are different words.
            let tell = Request::Tell { to: like.to_owned(), text: "psst".into() };
            let reaches = like.contains('v');
            assert_eq!(ask(&mut room, BOB, tell).len() == 2, reaches, "{nick:?} {like:?}");
            // A change of one's own name to a look-alike of it, and the end of a name, free what they should.
            ask(&mut room, ALICE, Request::Rename { nick: like.to_owned() });
            assert_eq!(people(&mut room), names(&[like, "other"]));
            ask(&mut room, ALICE, Request::Leave);
            assert!(matches!(join(&mut room, CAROL, nick)[0].1, Event::Welcome { .. }));
        }
    }
    let mut room = Room::new(Rules { reserved: &["server", "all"], ..Rules::default() });
    assert!(matches!(join(&mut room, CAROL, "ALI")[0].1, Event::Welcome { .. }));
    for nick in ["All", "server", "SERVER", "\u{455}erver", "S\u{395}RVER"] {
        assert_eq!(join(&mut room, BOB, nick)[0].1, Event::Rejected(Refusal::NickReserved), "{nick:?}");
    }
    for found in ["server", "DM", "dm", "a b", "a]", "\u{455}erver"] {
        join(&mut room, ALICE, "alice");
        let create = Request::Create { room: found.to_owned(), private: false };
        assert_eq!(ask(&mut room, ALICE, create)[0].1, Event::Refused(Refusal::RoomInvalid), "{found:?}");
    }
    let create = Request::Create { room: "x".repeat(33), private: false };
    assert_eq!(ask(&mut room, ALICE, create)[0].1, Event::Refused(Refusal::RoomTooLong));
}

#[test]
fn who_leaves_is_heard_no_more_and_hears_no_more() {
    let mut room = three(Rules::default());
    ask(&mut room, BOB, Request::Create { room: "r".to_owned(), private: false });
    ask(&mut room, ALICE, Request::Enter { room: "r".to_owned(), create: false });
    let heard = ask(&mut room, BOB, Request::Leave);
    assert_eq!(heard, [(vec![3], Event::Bye), (vec![7, 5], Event::Left { nick: "bob".into() })]);
    assert_eq!(ask(&mut room, BOB, Request::Leave), [(vec![3], Event::Bye)]);
    assert_eq!(people(&mut room), names(&["alice", "carol"]));
    let post = Request::SayIn { room: "r".to_owned(), text: "alone".into() };
    assert_eq!(ask(&mut room, ALICE, post).last().map(|(to, _)| to.clone()), Some(vec![]));
    // The nick is free again.
    assert!(matches!(join(&mut room, ClientId(9), "bob")[0].1, Event::Welcome { .. }));
}

#[test]
fn only_members_hear_a_room() {
    let mut room = three(Rules::default());
    let r = || "r".to_owned();
    let post = || Request::SayIn { room: r(), text: "hi".into() };
    assert_eq!(
        ask(&mut room, ALICE, Request::Enter { room: r(), create: false })[0].1,
        Event::Refused(Refusal::NoSuchRoom("r".into()))
    );
    assert_eq!(
        ask(&mut room, ALICE, Request::Create { room: r(), private: false })[0].1,
        Event::Created { room: "r".into() }
    );
    assert_eq!(
        ask(&mut room, BOB, Request::Create { room: r(), private: false })[0].1,
        Event::Refused(Refusal::RoomExists("r".into()))
    );
    let enter = || Request::Enter { room: r(), create: true };
    assert_eq!(ask(&mut room, BOB, enter())[0].1, Event::Entered { room: "r".into() });
    assert_eq!(ask(&mut room, BOB, enter())[0].1, Event::Refused(Refusal::AlreadyMember("r".into())));
    let to: Vec<_> = ask(&mut room, ALICE, post()).into_iter().map(|(to, _)| to).collect();
    assert_eq!(to, [vec![7], vec![3]]);
    // An outsider reaches the members only where that is the custom, and gets no echo.
    assert_eq!(
        ask(&mut room, CAROL, post()),
        [(vec![5], Event::Refused(Refusal::NotMember(r().as_str().into())))]
    );
    let from_outside = Request::Post { room: r(), text: "hi".into() };
    let to: Vec<_> = ask(&mut room, CAROL, from_outside).into_iter().map(|(to, _)| to).collect();
    assert_eq!(to, [vec![7, 3]]);
    assert_eq!(ask(&mut room, BOB, Request::Rooms)[0].1, Event::Rooms { names: names(&["r"]) });
    assert_eq!(ask(&mut room, BOB, Request::Exit { room: r() })[0].1, Event::Exited { room: "r".into() });
    assert_eq!(
        ask(&mut room, BOB, Request::Exit { room: r() })[0].1,
        Event::Refused(Refusal::NotMember("r".into()))
    );
}

#[test]
fn rules_can_limit_rooms_and_allow_namesakes() {
    let rules = Rules { unique_nicks: false, rooms: 1, ..Rules::default() };
    let mut room = three(rules);
    ask(&mut room, ALICE, Request::Create { room: "r".to_owned(), private: false });
    let second = Request::Create { room: "s".to_owned(), private: false };
    assert_eq!(ask(&mut room, BOB, second)[0].1, Event::Refused(Refusal::TooManyRooms));
    join(&mut room, ClientId(1), "Alice");
    ask(&mut room, ALICE, Request::Leave);
    let tell = Request::Tell { to: "alice".to_owned(), text: "hi".into() };
    assert_eq!(ask(&mut room, BOB, tell)[1].0, [1]);
}

#[test]
fn hiding_touches_the_list_alone() {
    let mut room = three(Rules::default());
    assert_eq!(ask(&mut room, BOB, Request::Hide), [(vec![3], Event::Hidden)]);
    // It is so already, and said all the same: who asks wants an answer.
    assert_eq!(ask(&mut room, BOB, Request::Hide), [(vec![3], Event::Hidden)]);
    assert_eq!(people(&mut room), names(&["alice", "carol"]));
    assert_eq!(ask(&mut room, ALICE, say("hi"))[1].0, [3, 5]);
    assert_eq!(ask(&mut room, BOB, Request::Reveal), [(vec![3], Event::Revealed)]);
    assert_eq!(people(&mut room), names(&["alice", "carol", "bob"]));
}

#[test]
fn a_new_nick_keeps_the_place_and_frees_the_old_one() {
    let mut room = three(Rules::default());
    let rename = |nick: &str| Request::Rename { nick: nick.to_owned() };
    assert_eq!(ask(&mut room, ALICE, rename("BOB"))[0].1, Event::Refused(Refusal::NickTaken));
    assert_eq!(
        ask(&mut room, ALICE, rename("Alice")),
        [
            (vec![7], Event::NickChanged { to: "Alice".into() }),
            (vec![3, 5], Event::Renamed { from: "alice".into(), to: "Alice".into() }),
        ]
    );
    ask(&mut room, ALICE, rename("al"));
    assert_eq!(people(&mut room), names(&["al", "bob", "carol"]));
    assert!(matches!(join(&mut room, ClientId(9), "alice")[0].1, Event::Welcome { .. }));
}

#[test]
fn a_taken_nick_gets_the_first_free_number() {
    let mut room = three(Rules { name_chars: 7, reserved: &["server"], ..Rules::default() });
    assert_eq!(room.free_nick(" dave "), "dave");
    assert_eq!(room.free_nick("Alice"), "Alice_2");
    join(&mut room, ClientId(9), "alice_2");
    assert_eq!(room.free_nick("alice"), "alice_3");
    join(&mut room, ClientId(10), "abcdefg");
    assert_eq!(room.free_nick("abcdefg"), "abcde_2");
    assert_eq!(join(&mut room, ClientId(11), "Server")[0].1, Event::Rejected(Refusal::NickReserved));
}

#[test]
fn a_join_copies_no_list() {
    let mut room = three(Rules::default());
    let before = Arc::as_ptr(&room.here);
    join(&mut room, ClientId(9), "dave");
    assert_eq!(Arc::as_ptr(&room.here), before);
}

#[test]
fn a_room_is_the_same_with_its_mark_and_without() {
    let mut room = three(Rules::default());
    let enter = |room: &str| Request::Enter { room: room.to_owned(), create: true };
    assert_eq!(ask(&mut room, ALICE, enter("#den")), [(vec![7], Event::Entered { room: "den".into() })]);
    assert_eq!(ask(&mut room, BOB, enter("den")), [(vec![3], Event::Entered { room: "den".into() })]);
    let said = ask(&mut room, ALICE, Request::SayIn { room: " #den".to_owned(), text: "hi".into() });
    assert_eq!(said.last().map(|(to, _)| to.clone()), Some(vec![3]));
    let left = ask(&mut room, BOB, Request::Exit { room: "#den".to_owned() });
    assert_eq!(left, [(vec![3], Event::Exited { room: "den".into() })]);
    assert_eq!(ask(&mut room, BOB, enter("#")), [(vec![3], Event::Refused(Refusal::RoomInvalid))]);
}

fn rooms(room: &mut Room) -> Names {
    match ask(room, CAROL, Request::Rooms).pop() {
        Some((_, Event::Rooms { names })) => names,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_room_ends_when_it_is_empty_and_its_owner_has_gone() {
    let mut room = three(Rules { rooms: 2, ..Rules::default() });
    let r = || "r".to_owned();
    ask(&mut room, ALICE, Request::Create { room: r(), private: false });
    ask(&mut room, ALICE, Request::Create { room: "empty".to_owned(), private: false });
    ask(&mut room, ALICE, Request::Exit { room: "empty".to_owned() });
    ask(&mut room, BOB, Request::Enter { room: r(), create: false });
    ask(&mut room, ALICE, Request::Exit { room: r() });
    assert_eq!(rooms(&mut room), names(&["empty", "r"]), "its owner is here");
    let more = Request::Create { room: "more".to_owned(), private: false };
    assert_eq!(ask(&mut room, BOB, more.clone())[0].1, Event::Refused(Refusal::TooManyRooms));
    ask(&mut room, ALICE, Request::Leave);
    assert_eq!(rooms(&mut room), names(&["r"]), "bob is in it");
    assert_eq!(ask(&mut room, BOB, more)[0].1, Event::Created { room: "more".into() });
    ask(&mut room, BOB, Request::Exit { room: r() });
    assert_eq!(rooms(&mut room), names(&["more"]));
    // An owner and only member, a moment ago.
    ask(&mut room, BOB, Request::Leave);
    assert_eq!(rooms(&mut room), names(&[]));
}

#[test]
fn rules_can_leave_founding_to_those_who_ask_for_it() {
    let mut room = three(Rules { entering_founds: false, ..Rules::default() });
    let enter = Request::Enter { room: "r".to_owned(), create: true };
    assert_eq!(ask(&mut room, BOB, enter)[0].1, Event::Refused(Refusal::NoSuchRoom("r".into())));
}
