//! Our clients of the five dialects: against our own server, and against what was captured from the
//! original ones.

use std::sync::Arc;

use crate::hall::{Hall, Person, frames, hears, moment, name, sent, unsigned};
use testbed::chat::message::{Event, Names, Refusal, Request};
use testbed::chat::protocol::{
    After, ClientSession, Dialect, JSON_LINES, NotSaid, PIPE, RELIABLE, ROOMS, SLASH, Settings, WEB,
};
use testbed::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

fn say(text: &str) -> Request {
    Request::Say { text: text.into() }
}

fn tell(to: &str, text: &str) -> Request {
    Request::Tell { to: to.to_owned(), text: text.into() }
}

fn names(list: &[&str]) -> Names {
    Arc::new(list.iter().map(|&name| name.into()).collect())
}

const KINDS: [&dyn Dialect; 6] = [RELIABLE, JSON_LINES, SLASH, ROOMS, PIPE, WEB];

#[test]
fn everyone_hears_everyone_in_every_dialect() {
    for kind in KINDS {
        for other in KINDS {
            let mut hall = Hall::default();
            let mut early = Person::come(&mut hall, SLASH, "early");
            let mut alice = Person::come(&mut hall, kind, "alice");
            // Asked at once: it must neither become a part of the name nor be lost.
            alice.ask(&mut hall, &say("first"));
            hall.wait(S);
            let welcome =
                alice.is_told(&mut hall).into_iter().find(|event| matches!(event, Event::Welcome { .. }));
            assert!(matches!(&welcome, Some(Event::Welcome { nick, .. }) if **nick == *"alice"), "{kind:?}");
            let first = Event::Message { from: name("alice"), text: name("first") };
            assert_eq!(early.is_told(&mut hall).last(), Some(&first), "{kind:?}");
            let mut bob = Person::come(&mut hall, other, "bob");
            hall.wait(S);
            bob.is_told(&mut hall);
            let joined = alice.is_told(&mut hall);
            let expected = match kind.name() {
                "pipe" => Event::People { names: names(&["early", "alice", "bob"]) },
                _ => Event::Joined { nick: name("bob") },
            };
            assert_eq!(joined.last(), Some(&expected), "{kind:?} hears {other:?} come");
            for text in ["grüße 😀", "/quit is a command", "#0000002a the quick"] {
                bob.ask(&mut hall, &say(text));
                let (from, text) = (
                    name("bob"),
                    name(&text.replace(
                        "/quit",
                        match other.name() {
                            "slash" | "reliable" => "\u{2215}quit",
                            _ => "/quit",
                        },
                    )),
                );
                let expected = Event::Message { from, text };
                assert_eq!(alice.is_told(&mut hall), [expected], "{kind:?} hears {other:?}");
            }
            bob.is_told(&mut hall);
            // Some just close.
            let says = bob.client.ask(hall.now(), &Request::Leave);
            assert_eq!(says.is_ok(), other != PIPE);
            bob.talk(&mut hall);
            hall.wait(S * 2);
            hall.close(bob.id);
            let expected = match kind.name() {
                "pipe" => Event::People { names: names(&["early", "alice"]) },
                _ => Event::Left { nick: name("bob") },
            };
            assert_eq!(alice.is_told(&mut hall).last(), Some(&expected), "{kind:?} hears {other:?} go");
        }
    }
}

#[test]
fn one_person_hears_what_is_for_it_alone() {
    for kind in KINDS {
        // The room dialect has no private message that its own client shows to its author.
        for other in KINDS.into_iter().filter(|&other| other != PIPE) {
            let mut hall = Hall::default();
            let mut alice = Person::come(&mut hall, kind, "alice");
            let mut bob = Person::come(&mut hall, other, "bob");
            hall.wait(S);
            alice.is_told(&mut hall);
            bob.is_told(&mut hall);
            bob.ask(&mut hall, &tell("alice", "psst: a|b"));
            let shown = if kind == PIPE { "psst: a\u{a6}b" } else { "psst: a|b" };
            let (from, text) = (name("bob"), name(shown));
            // The words of program 4 do not say who else hears them.
            let expected = match kind.name() {
                "pipe" => Event::Message { from, text },
                _ => Event::Direct { from, text },
            };
            assert_eq!(alice.is_told(&mut hall), [expected], "{other:?} to {kind:?}");
            bob.is_told(&mut hall);
            bob.ask(&mut hall, &tell("nobody", "hi"));
            let told = bob.is_told(&mut hall);
            assert!(matches!(told[..], [Event::Refused(_)]), "{other:?}: {told:?}");
        }
    }
}

#[test]
fn echoes_are_told_from_messages() {
    let mut hall = Hall::default();
    let mut one = Person::come(&mut hall, JSON_LINES, "one");
    let mut three = Person::come(&mut hall, ROOMS, "three");
    one.is_told(&mut hall);
    three.is_told(&mut hall);
    one.ask(&mut hall, &say("x"));
    three.ask(&mut hall, &say("y"));
    let said = |from: &str, text: &str| Event::Said { from: name(from), text: name(text) };
    let heard = |from: &str, text: &str| Event::Message { from: name(from), text: name(text) };
    assert_eq!(one.is_told(&mut hall), [said("one", "x"), heard("three", "y")]);
    assert_eq!(three.is_told(&mut hall), [heard("one", "x"), said("three", "y")]);
}

#[test]
fn rooms_work_in_the_three_dialects_that_have_them() {
    for kind in [RELIABLE, JSON_LINES, ROOMS] {
        let mut hall = Hall::default();
        let mut alice = Person::come(&mut hall, kind, "alice");
        let mut bob = Person::come(&mut hall, kind, "bob");
        let (room, from, text) = (name("den"), name("alice"), name("hello you"));
        alice.ask(&mut hall, &Request::Create { room: "den".to_owned(), private: false });
        let told = alice.is_told(&mut hall);
        let (entered, created) =
            (Event::Entered { room: room.clone() }, Event::Created { room: room.clone() });
        assert!(told.contains(&entered) || told.contains(&created), "{kind:?}: {told:?}");
        bob.is_told(&mut hall);
        bob.ask(&mut hall, &Request::Enter { room: "den".to_owned(), create: false });
        bob.ask(&mut hall, &Request::Rooms);
        assert_eq!(bob.is_told(&mut hall), [entered, Event::Rooms { names: names(&["den"]) }], "{kind:?}");
        alice.ask(&mut hall, &Request::SayIn { room: "den".to_owned(), text: text.clone() });
        assert_eq!(bob.is_told(&mut hall), [Event::RoomMessage { room: room.clone(), from, text }]);
        bob.ask(&mut hall, &Request::Exit { room: "den".to_owned() });
        assert_eq!(bob.is_told(&mut hall), [Event::Exited { room }], "{kind:?}");
        bob.ask(&mut hall, &Request::Hide);
        assert_eq!(bob.is_told(&mut hall), [Event::Hidden], "{kind:?}");
        alice.is_told(&mut hall);
        alice.ask(&mut hall, &Request::People);
        assert_eq!(alice.is_told(&mut hall), [Event::People { names: names(&["alice"]) }], "{kind:?}");
        bob.ask(&mut hall, &Request::Reveal);
        assert_eq!(bob.is_told(&mut hall), [Event::Revealed], "{kind:?}");
    }
}

#[test]
fn a_name_can_be_taken_changed_and_assigned() {
    let mut hall = Hall::default();
    let mut alice = Person::come(&mut hall, SLASH, "alice");
    let mut bob = Person::come(&mut hall, SLASH, "alice");
    assert_eq!(bob.is_told(&mut hall).last(), Some(&Event::Rejected(Refusal::NickTaken)));
    bob.ask(&mut hall, &Request::Join { nick: "bob".to_owned() });
    bob.ask(&mut hall, &Request::Rename { nick: "alice".to_owned() });
    bob.ask(&mut hall, &Request::Rename { nick: "carol".to_owned() });
    let told = bob.is_told(&mut hall);
    assert_eq!(
        told,
        [
            Event::Welcome { nick: name("bob"), people: Names::default() },
            Event::Refused(Refusal::NickTaken),
            Event::NickChanged { to: name("carol") },
        ]
    );
    let told = alice.is_told(&mut hall);
    assert_eq!(told.last(), Some(&Event::Renamed { from: name("bob"), to: name("carol") }));
    // The variant that gives names: ours is asked for at once.
    let settings = Settings { assign_names: true, ..Settings::default() };
    let id = hall.open_with(SLASH, &settings);
    let mut dave = Person { id, client: SLASH.client(), told: Vec::new() };
    dave.ask(&mut hall, &Request::Join { nick: "dave".to_owned() });
    let told = dave.is_told(&mut hall);
    assert_eq!(
        told[told.len() - 2..],
        [
            Event::Welcome { nick: name("User 1"), people: Names::default() },
            Event::NickChanged { to: name("dave") },
        ]
    );
    for (kind, request, why) in [
        (ROOMS, Request::Ping, NotSaid::NoWords),
        (PIPE, Request::Ping, NotSaid::NoWords),
        (PIPE, Request::People, NotSaid::ByItself),
    ] {
        assert_eq!(kind.client().ask(moment(S), &request), Err(why));
    }
}

fn understood(client: &mut dyn ClientSession, bytes: &[u8]) -> Vec<Event> {
    hears(client, S, bytes)
}

#[test]
fn what_the_originals_merge_is_taken_apart() {
    let mut pipe = PIPE.client();
    pipe.ask(moment(S), &Request::Join { nick: "alice".to_owned() }).expect("known");
    let told = understood(&mut *pipe, b"WELCOME|Connected successfully!USERS|alice");
    let welcome = Event::Welcome { nick: name("alice"), people: Names::default() };
    assert_eq!(told, [welcome.clone(), Event::People { names: names(&["alice"]) }]);
    assert_eq!(understood(&mut *pipe, b"ERROR|Server is full."), [Event::Rejected(Refusal::Full)]);

    let mut slash = SLASH.client();
    slash.ask(moment(S), &Request::Join { nick: "alice".to_owned() }).expect("known");
    slash.ask(moment(S), &say("hi")).expect("known");
    assert!(sent(&mut *slash).is_empty(), "who speaks first is taken for a client of program 4");
    let banner = b"[21:30:15] [SERVER] Welcome to the TCP Chat Server! There are 1 clients connected.[21:30:15] [SERVER] Please enter your username:";
    assert!(matches!(understood(&mut *slash, banner)[..], [Event::Notice { .. }]));
    assert_eq!(sent(&mut *slash), ["alice\n"]);
    let two =
        b"[21:30:15] [SERVER] Welcome, alice! Type /help for available commands.[21:30:16] [bob] a [b] c";
    let told = understood(&mut *slash, two);
    assert_eq!(told, [welcome.clone(), Event::Message { from: name("bob"), text: name("a [b] c") }]);
    assert_eq!(sent(&mut *slash), ["hi\n"]);
    assert_eq!(
        understood(&mut *slash, b"[21:30:21] [SERVER] Connected users (3):\n  - alice\n  - bob\n  - carol\n"),
        [Event::People { names: names(&["alice", "bob", "carol"]) }]
    );
    assert_eq!(understood(&mut *slash, b"odd words"), [Event::Notice { text: name("odd words") }]);

    let mut rooms = ROOMS.client();
    rooms.ask(moment(S), &Request::Join { nick: "alice".to_owned() }).expect("known");
    rooms.ask(moment(S), &say("hello")).expect("known");
    rooms.ask(moment(S), &Request::People).expect("known");
    assert_eq!(sent(&mut *rooms), ["alice"]);
    assert_eq!(understood(&mut *rooms, b"Connected to the server"), [welcome]);
    // The text only after the prompt, and nothing else in between.
    assert_eq!(sent(&mut *rooms), ["/broadcast"]);
    let merged = "\n──────────────\nbob  21:32\nhi\n──────────────Enter your message: ";
    let bob_says = Event::Message { from: name("bob"), text: name("hi") };
    assert_eq!(understood(&mut *rooms, merged.as_bytes()), std::slice::from_ref(&bob_says));
    // A command close behind the text would be read as a part of it.
    assert_eq!(sent(&mut *rooms), ["hello"]);
    assert_eq!(
        understood(&mut *rooms, "Server: bob is online!".as_bytes()),
        [Event::Joined { nick: name("bob") }]
    );
    assert_eq!(rooms.poll_send(), None);
    let said = Event::Said { from: name("alice"), text: name("hello") };
    assert_eq!(understood(&mut *rooms, b"Message broadcasted!"), [said]);
    assert_eq!(sent(&mut *rooms), ["/members"]);
    let list = b"Active chat members are:\n1. alice\n2. bob\n";
    assert_eq!(understood(&mut *rooms, list), [Event::People { names: names(&["alice", "bob"]) }]);
    assert_eq!(understood(&mut *rooms, b"bob: hi"), [bob_says]);
    assert_eq!(understood(&mut *rooms, b"Server: bob is offline.\n"), [Event::Left { nick: name("bob") }]);
}

#[test]
fn a_prompt_and_a_confirmation_that_never_come_stop_nobody_for_ever() {
    let mut rooms = ROOMS.client();
    rooms.ask(moment(S), &Request::Join { nick: "alice".to_owned() }).expect("known");
    understood(&mut *rooms, b"Connected to the server");
    rooms.ask(moment(S), &say("hello")).expect("known");
    assert_eq!(sent(&mut *rooms), ["alice", "/broadcast"]);
    assert_eq!(rooms.poll_timeout(), Some(Instant::ZERO + S * 6));
    assert_eq!(rooms.handle_timeout(moment(S * 6)), After::Stay);
    assert_eq!(sent(&mut *rooms), ["hello"]);
    rooms.ask(moment(S * 6), &Request::People).expect("known");
    assert_eq!((sent(&mut *rooms).len(), rooms.poll_timeout()), (0, Some(Instant::ZERO + S * 11)));
    assert_eq!(rooms.handle_timeout(moment(S * 11)), After::Stay);
    assert_eq!((sent(&mut *rooms), rooms.poll_timeout()), (vec!["/members".to_owned()], None));
}

#[test]
fn program_0s_messages_are_acknowledged_sent_again_and_remembered() {
    let mut client = RELIABLE.client();
    client.ask(moment(S), &Request::Join { nick: "alice".to_owned() }).expect("known");
    client.ask(moment(S), &say("one")).expect("known");
    client.ask(moment(S), &say("two")).expect("known");
    let join = client.poll_send().expect("a frame");
    assert_eq!(client.poll_send(), None, "a window of one");
    assert!(join[4..].starts_with(b"{\"msg_id\": \"join_1795210216_1000\", \"msg_type\": \"join\", \"sender\": \"alice\", \"content\": \"alice\", \"timestamp\": 1795210216.5, \"checksum\": \""), "{:?}", String::from_utf8_lossy(&join));
    // Nobody answers: the same bytes after three seconds.
    assert_eq!(client.poll_timeout(), Some(Instant::ZERO + S * 4));
    assert_eq!(client.handle_timeout(moment(S * 4)), After::Stay);
    assert_eq!(client.poll_send(), Some(join));
    // And a sign of life behind them, which shows what becomes of them.
    assert_eq!(client.poll_send().map(|bytes| frames(&bytes)[0]["content"].clone()), Some("ping".into()));
    assert_eq!(client.unacknowledged().len(), 3);
    let ack = unsigned("ack_1_1", "ack", "server", "{\"ack_for\": \"join_1795210216_1000\"}");
    // That comes before the server looks at the name: whatever it acknowledges next shows its mind.
    assert_eq!(understood(&mut *client, &ack), []);
    assert_eq!(client.unacknowledged(), [say("one"), say("two")]);
    assert_eq!(client.poll_send().map(|bytes| frames(&bytes)[0]["content"].clone()), Some("one".into()));
    // A message that comes twice is acknowledged twice and told once.
    sent(&mut *client);
    let chat = unsigned("chat_1_1", "chat", "server", "[bob]: hi");
    let welcome = Event::Welcome { nick: name("alice"), people: Names::default() };
    let said = Event::Message { from: name("bob"), text: name("hi") };
    assert_eq!(understood(&mut *client, &chat), [welcome, said]);
    assert_eq!(understood(&mut *client, &chat), []);
    // Its own heart's echo is no news.
    let pong = unsigned("heartbeat_1_1", "heartbeat", "server", "pong");
    assert_eq!(understood(&mut *client, &pong), []);
    // Not at once: program 0's server would miss it.
    assert_eq!(client.poll_send(), None);
    client.handle_timeout(moment(S + MS * 10));
    let acks: Vec<_> = std::iter::from_fn(|| client.poll_send()).flat_map(|bytes| frames(&bytes)).collect();
    assert_eq!(acks.len(), 3);
    assert!(acks[..2].iter().all(|ack| ack["content"] == "{\"ack_for\": \"chat_1_1\"}"));
    // Nobody answers at all: it is given up.
    let mut now = S * 4;
    while let Some(at) = client.poll_timeout() {
        now = at - Instant::ZERO;
        if client.handle_timeout(moment(now)) == After::Close {
            break;
        }
    }
    assert!(now > S * 15 && now < S * 120, "{now}");
}

#[test]
fn whoever_is_refused_was_never_in() {
    for kind in KINDS {
        let mut hall = Hall::default();
        let mut all = Person::come(&mut hall, kind, "all");
        hall.wait(S);
        let told = all.is_told(&mut hall);
        assert_eq!(told.last(), Some(&Event::Rejected(Refusal::NickReserved)), "{kind:?}");
        assert!(!told.iter().any(|event| matches!(event, Event::Welcome { .. })), "{kind:?}: {told:?}");
    }
}

#[test]
fn a_pong_answers_who_asked() {
    let mut hall = Hall::default();
    let mut alice = Person::come(&mut hall, RELIABLE, "alice");
    alice.is_told(&mut hall);
    hall.wait(S * 20);
    alice.client.handle_timeout(hall.now());
    assert_eq!(alice.is_told(&mut hall), []);
    alice.ask(&mut hall, &Request::Ping);
    assert_eq!(alice.is_told(&mut hall), [Event::Pong]);
}

#[test]
fn program_0_over_a_path_that_loses_nothing_but_time() {
    // Two hundred messages through a window that opens: with an answer a millisecond later the
    // original took three seconds for many of them.
    let mut hall = Hall::default();
    let mut alice = Person::come(&mut hall, RELIABLE, "alice");
    let mut bob = Person::come(&mut hall, RELIABLE, "bob");
    alice.is_told(&mut hall);
    bob.is_told(&mut hall);
    for n in 0..200 {
        alice.ask(&mut hall, &say(&format!("number {n}")));
        hall.wait(MS);
    }
    let told = bob.is_told(&mut hall);
    assert_eq!(told.len(), 200);
    for (n, event) in told.iter().enumerate() {
        assert_eq!(*event, Event::Message { from: name("alice"), text: name(&format!("number {n}")) });
    }
    assert!(alice.client.unacknowledged().is_empty());
    assert_eq!(hall.session(bob.id).account().map(|account| account.retransmissions), Some(0));
}
