//! Every line of both sides, whole, cut and damaged.

use std::sync::Arc;

use proptest::prelude::*;

use super::server::{self, INVALID_USERNAME, REQUEST_LIMIT, RequestDecoder};
use super::{EventReader, HeadListener, NICK_CHARS, encode_request};
use crate::chat::files::{About, FileEnd, FileEvent, FileRequest, Recipient};
use crate::chat::marker;
use crate::chat::message::{Event, Name, Names, Refusal, Request};
use crate::chat::protocol::{After, Heard, Malformed, Timestamp};

const AT: Timestamp = Timestamp::from_unix_nanos(1_795_210_164_994_826_000);

fn sent(event: &Event) -> String {
    let mut out = Vec::new();
    server::encode_event(event, AT, &mut out);
    String::from_utf8(out).expect("ASCII")
}

fn asked(request: &Request) -> String {
    let mut out = Vec::new();
    encode_request(request, &mut out);
    String::from_utf8(out).expect("ASCII")
}

fn decode(pieces: &[&[u8]]) -> (Vec<Request>, Result<(), Malformed>) {
    let mut decoder = RequestDecoder::default();
    let mut out = Vec::new();
    let result = pieces.iter().try_for_each(|piece| decoder.hear(piece, |request| out.extend(request)));
    (out, result)
}

fn listen(nick: &str, pieces: &[&[u8]]) -> Vec<Heard> {
    let mut listener = HeadListener::new(nick);
    let mut out = Vec::new();
    for piece in pieces {
        listener.listen(piece, &mut out);
    }
    out
}

fn joined() -> Request {
    Request::Join { nick: "bob".to_owned() }
}

fn names(list: &[&str]) -> Names {
    Arc::new(list.iter().map(|&name| name.into()).collect())
}

#[test]
fn the_servers_lines_are_program_1s() {
    let welcome = Event::Welcome { nick: "bob".into(), people: names(&["alice", "bob"]) };
    for (event, line) in [
        (
            welcome,
            r#"{"type": "welcome", "message": "Welcome to the chat, bob!", "users": ["alice", "bob"], "timestamp": 1795210164.994826}"#,
        ),
        (
            Event::Joined { nick: "bob".into() },
            r#"{"type": "user_joined", "username": "bob", "message": "bob joined the chat", "timestamp": 1795210164.994826}"#,
        ),
        (
            Event::Said { from: "alice".into(), text: "Héllo".into() },
            r#"{"type": "chat", "username": "alice", "message": "H\u00e9llo", "timestamp": 1795210164.994826}"#,
        ),
        (
            Event::Left { nick: "alice".into() },
            r#"{"type": "user_left", "username": "alice", "message": "alice left the chat", "timestamp": 1795210164.994826}"#,
        ),
        (Event::Pong, r#"{"type": "pong"}"#),
        (Event::Rejected(Refusal::NickTaken), r#"{"type": "error", "message": "Username already taken"}"#),
    ] {
        assert_eq!(sent(&event), format!("{line}\n"));
    }
    assert_eq!(sent(&Event::Rejected(Refusal::NickInvalid)).as_bytes(), INVALID_USERNAME);
}

#[test]
fn the_clients_lines_are_program_1s() {
    let chat = Request::Say { text: "Hello everyone!".into() };
    assert_eq!(asked(&joined()), "{\"type\": \"join\", \"username\": \"bob\"}\n");
    assert_eq!(asked(&chat), "{\"type\": \"chat\", \"message\": \"Hello everyone!\"}\n");
    assert_eq!(asked(&Request::Ping), "{\"type\": \"ping\"}\n");
}

#[test]
fn only_a_rejected_join_and_a_goodbye_end_the_connection() {
    let after = |event| server::after(&event);
    assert_eq!(after(Event::Rejected(Refusal::NickTaken)), After::Close);
    assert_eq!(after(Event::Bye), After::Close);
    assert_eq!(after(Event::Refused(Refusal::NickTaken)), After::Stay);
}

#[test]
fn the_first_line_must_be_a_join_with_a_good_nick() {
    for line in [
        "nonsense",
        r#"["join", "bob"]"#,
        "{}",
        r#"{"type": "chat", "message": "x"}"#,
        r#"{"type": "join"}"#,
        r#"{"type": "join", "username": "  "}"#,
        r#"{"type": "join", "username": 5}"#,
        r#"{"type": "join", "username": "123456789012345678901"}"#,
    ] {
        let (requests, result) = decode(&[line.as_bytes(), b"\n"]);
        assert_eq!(result, Err(Malformed { farewell: INVALID_USERNAME }), "{line}");
        assert_eq!(requests, []);
    }
    let twenty = r#"{"type":"join","username":" üüüüüüüüüüüüüüüüüüüü ","age":7}"#;
    assert!(decode(&[twenty.as_bytes(), b"\n"]).1.is_ok());
}

#[test]
fn later_nonsense_ends_the_connection_and_the_unknown_is_ignored() {
    let join = asked(&joined());
    for line in ["x\n", "[1]\n", "5\n", "{\"type\": \"chat\", \"message\": \"\\ud800\"}\n", "\u{0}\n"] {
        let (requests, result) = decode(&[join.as_bytes(), line.as_bytes()]);
        assert_eq!(result, Err(Malformed { farewell: b"" }), "{line}");
        assert_eq!(requests, [joined()]);
    }
    for line in ["\n", " \r\n", "{}\n", "{\"type\": {\"deep\": [1]}}\n", &join, "{\"type\": \"dance\"}\n"] {
        assert_eq!(decode(&[join.as_bytes(), line.as_bytes()]), (vec![joined()], Ok(())), "{line}");
    }
}

#[test]
fn hostile_input_is_refused_within_bounds() {
    let join = asked(&joined());
    let endless = vec![b'x'; REQUEST_LIMIT + 1];
    let deep = [vec![b'['; 60_000], b"\n".to_vec()].concat();
    let deep_member = format!("{{\"type\": {}\n", "{\"a\":".repeat(10_000));
    for hostile in [&endless[..], &deep, deep_member.as_bytes(), b"\xff\xfe\n", b"{\"type\": \"\xc3\"}\n"] {
        assert!(decode(&[hostile]).1.is_err());
        assert!(decode(&[join.as_bytes(), hostile]).1.is_err());
    }
}

#[test]
fn a_listener_hears_messages_and_what_it_must_know() {
    let id = marker::compose(42, 30);
    let text: Name = id.as_str().into();
    let from: Name = "a\"é".into();
    for (event, expected) in [
        (Event::Message { from: from.clone(), text: text.clone() }, Some(Heard::Message(42))),
        (Event::Direct { from: from.clone(), text: text.clone() }, Some(Heard::Message(42))),
        (
            Event::RoomMessage { room: "r".into(), from: from.clone(), text: text.clone() },
            Some(Heard::Message(42)),
        ),
        (Event::Said { from: "me".into(), text: text.clone() }, None),
        (Event::SaidIn { room: "r".into(), from: "me".into(), text: text.clone() }, None),
        (Event::Told { to: from.clone(), text: text.clone() }, None),
        (Event::Welcome { nick: "me".into(), people: names(&["me"]) }, Some(Heard::Welcome)),
        (Event::Rejected(Refusal::NickTaken), Some(Heard::Refused)),
        (Event::Joined { nick: text.clone() }, None),
        (Event::Left { nick: text.clone() }, None),
        (Event::Pong, None),
    ] {
        let line = sent(&event);
        for cut in 0..=line.len() {
            let (a, b) = line.as_bytes().split_at(cut);
            assert_eq!(listen("me", &[a, b]), expected.into_iter().collect::<Vec<_>>(), "{line}");
        }
    }
}

#[test]
fn neither_a_text_nor_a_nick_can_imitate_a_marker() {
    let fake = "\", \"message\": \"#0000002a";
    for (from, text) in [(fake, "hi"), ("eve", fake), ("eve", "so: #0000002a"), ("#0000002a", "hi")] {
        let line = sent(&Event::Message { from: from.into(), text: text.into() });
        assert_eq!(listen("me", &[line.as_bytes()]), [], "{line}");
    }
    let line = sent(&Event::Joined { nick: fake.into() });
    assert_eq!(listen("me", &[line.as_bytes()]), []);
}

#[test]
fn the_longest_head_fits() {
    let from: Name = "😀".repeat(NICK_CHARS).into();
    let line = sent(&Event::Direct { from, text: marker::compose(7, 500).into() });
    let pieces: Vec<_> = line.as_bytes().chunks(1).collect();
    assert_eq!(listen("me", &pieces), [Heard::Message(7)]);
}

fn text() -> impl Strategy<Value = String> {
    // Texts are trimmed on their way, so these begin and end with something visible.
    any::<String>().prop_map(|text| format!("<{text}>"))
}

fn a_request() -> impl Strategy<Value = Request> {
    prop_oneof![
        text().prop_map(|text| Request::Say { text: text.into() }),
        (text(), text()).prop_map(|(to, text)| Request::Tell { to, text: text.into() }),
        (text(), text()).prop_map(|(room, text)| Request::SayIn { room, text: text.into() }),
        (text(), any::<bool>()).prop_map(|(room, private)| Request::Create { room, private }),
        (text(), text()).prop_map(|(to, room)| Request::Invite { to, room: Some(room) }),
        text().prop_map(|to| Request::Invite { to, room: None }),
        text().prop_map(|room| Request::Close { room }),
        (text(), any::<bool>()).prop_map(|(room, create)| Request::Enter { room, create }),
        text().prop_map(|room| Request::Exit { room }),
        text().prop_map(|nick| Request::Rename { nick }),
        a_file_request().prop_map(Request::File),
        text().prop_map(|room| Request::Hint(Recipient::Room(room))),
        text().prop_map(|nick| Request::Hint(Recipient::Person(nick))),
        (text(), text()).prop_map(|(to, envelope)| Request::Seal { to, envelope: envelope.into() }),
        prop::sample::select(vec![
            Request::People,
            Request::Rooms,
            Request::Hide,
            Request::Reveal,
            Request::Ping,
            Request::Help,
            Request::Leave,
        ]),
    ]
}

fn an_event() -> impl Strategy<Value = Event> {
    let name = || text().prop_map(Name::from);
    let list = || prop::collection::vec(text().prop_map(Name::from), 0..4).prop_map(Arc::new);
    prop_oneof![
        (name(), name()).prop_map(|(from, text)| Event::Message { from, text }),
        (name(), name()).prop_map(|(from, text)| Event::Direct { from, text }),
        (name(), name()).prop_map(|(to, text)| Event::Told { to, text }),
        (name(), name(), name()).prop_map(|(room, from, text)| Event::RoomMessage { room, from, text }),
        (name(), name()).prop_map(|(room, from)| Event::Invitation { room, from }),
        (name(), name()).prop_map(|(room, to)| Event::Invited { room, to }),
        (name(), name()).prop_map(|(room, by)| Event::Closed { room, by }),
        name().prop_map(|nick| Event::Joined { nick }),
        name().prop_map(|nick| Event::Left { nick }),
        name().prop_map(|words| Event::Refused(Refusal::Other(words))),
        (name(), name()).prop_map(|(from, to)| Event::Renamed { from, to }),
        list().prop_map(|names| Event::People { names }),
        list().prop_map(|names| Event::Rooms { names }),
        a_file_event().prop_map(Event::File),
        (name(), prop::option::of(name())).prop_map(|(from, room)| Event::Hint(from, room)),
        (name(), name()).prop_map(|(from, envelope)| Event::Sealed(from, envelope)),
        name().prop_map(Event::SealedTo),
        Just(Event::Pong),
    ]
}

fn an_about() -> impl Strategy<Value = About> {
    (text(), any::<u64>(), text()).prop_map(|(name, size, sum)| About {
        name: name.into(),
        size,
        sum: sum.into(),
    })
}

fn an_end() -> impl Strategy<Value = FileEnd> {
    prop::sample::select(vec![FileEnd::Done, FileEnd::Declined, FileEnd::Failed, FileEnd::Gone])
}

fn a_file_request() -> impl Strategy<Value = FileRequest> {
    let to = prop_oneof![text().prop_map(Recipient::Person), text().prop_map(Recipient::Room)];
    prop_oneof![
        (to, an_about()).prop_map(|(to, about)| FileRequest::Offer { to, about }),
        any::<(u32, u64)>().prop_map(|(file, from)| FileRequest::Ask { file, from }),
        (any::<(u32, u32, u64)>(), text()).prop_map(|((file, reader, from), data)| {
            FileRequest::Part { file, reader, from, data: data.into() }
        }),
        (any::<u32>(), an_end()).prop_map(|(file, how)| FileRequest::End { file, how }),
    ]
}

fn a_file_event() -> impl Strategy<Value = FileEvent> {
    let name = || text().prop_map(Name::from);
    prop_oneof![
        (any::<u32>(), name(), prop::option::of(name()), an_about())
            .prop_map(|(file, from, room, about)| FileEvent::Offered { file, from, room, about }),
        (any::<(u32, u32)>(), an_about()).prop_map(|((file, people), about)| FileEvent::Announced {
            file,
            people,
            about
        }),
        (an_about(), name()).prop_map(|(about, why)| FileEvent::Refused { about, why }),
        (any::<(u32, u32, u64)>(), any::<String>()).prop_map(|((file, reader, from), nick)| {
            FileEvent::Asked { file, reader, nick: nick.into(), from }
        }),
        (any::<(u32, u64)>(), name()).prop_map(|((file, from), data)| FileEvent::Part { file, from, data }),
        (any::<u32>(), name(), an_end()).prop_map(|(file, nick, how)| FileEvent::Ended { file, nick, how }),
    ]
}

/// `bytes` in pieces of the given lengths, repeated until nothing is left.
fn pieces<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut out = Vec::new();
    for &length in lengths.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at(length.min(bytes.len()));
        out.push(piece);
        bytes = rest;
    }
    out
}

proptest! {
    #[test]
    fn requests_survive_any_cutting(
        requests in prop::collection::vec(a_request(), 0..6),
        lengths in prop::collection::vec(1usize..40, 1..6),
    ) {
        let requests = [vec![joined()], requests].concat();
        let stream: String = requests.iter().map(asked).collect();
        prop_assert!(stream.is_ascii());
        prop_assert_eq!(decode(&pieces(stream.as_bytes(), &lengths)), (requests, Ok(())));
    }

    #[test]
    fn events_survive_any_cutting(
        events in prop::collection::vec(an_event(), 0..6),
        lengths in prop::collection::vec(1usize..40, 1..6),
    ) {
        let stream: String = events.iter().map(sent).collect();
        prop_assert!(stream.is_ascii());
        let mut reader = EventReader::default();
        let mut out = Vec::new();
        for piece in pieces(stream.as_bytes(), &lengths) {
            prop_assert_eq!(reader.decode(piece, &mut out), Ok(()));
        }
        prop_assert_eq!(out, events);
    }

    #[test]
    fn no_bytes_make_anyone_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        after_join in any::<bool>(),
    ) {
        let join = asked(&joined());
        let join = if after_join { join.as_bytes() } else { b"" };
        let _ = decode(&[join, &bytes]);
        let _ = EventReader::default().decode(&bytes, &mut Vec::new());
        listen("me", &[&bytes]);
    }

    #[test]
    fn damaged_lines_make_nobody_panic(
        event in an_event(),
        request in a_request(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut line = sent(&event).into_bytes();
        let index = at.index(line.len());
        line[index] = byte;
        listen("me", &[&line]);
        let _ = EventReader::default().decode(&line, &mut Vec::new());
        let mut line = asked(&request).into_bytes();
        let index = at.index(line.len());
        line[index] = byte;
        let _ = decode(&[asked(&joined()).as_bytes(), &line]);
    }
}
