//! Frames and what is counted, without sockets.

use std::rc::Rc;

use proptest::prelude::*;

use super::frame::{CLOSE, Fault, From, PING, Piece, Reader, push_masked_text, push_pong, push_text};
use super::server::Session;
use crate::chat::message::{Event, Request};
use crate::chat::protocol::session::{Ask, Asked, Encodings, Moment, ServerSession as _};
use crate::chat::protocol::{After, Malformed, Settings};
use crate::time::{Duration, Instant};

const MASK: [u8; 4] = [1, 2, 3, 4];
const LIMIT: usize = 70_000;

/// Pieces as text: what a test compares.
fn read(reader: &mut Reader, bytes: &[u8]) -> Result<Vec<String>, Fault> {
    let mut out = Vec::new();
    reader.feed(bytes, |piece| {
        out.push(match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Ping(payload) => format!("ping {}", payload.len()),
            Piece::Pong => "pong".to_owned(),
            Piece::Close => "close".to_owned(),
        });
        Ok::<(), Fault>(())
    })?;
    Ok(out)
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    push_masked_text(payload, MASK, &mut frame);
    frame[0] = first;
    frame
}

#[test]
fn a_frame_that_no_client_sends_fails_with_its_code() {
    let unmasked = b"\x81\x02hi".to_vec();
    let begun = masked(0x01, b"half");
    let oversized = [&[0x81, 0xff][..], &(LIMIT as u64 + 1).to_be_bytes(), &MASK].concat();
    let huge = [&[0x81, 0xff][..], &u64::MAX.to_be_bytes()].concat();
    let two_limits = [masked(0x01, "x".repeat(LIMIT).as_bytes()), masked(0x80, b"y")].concat();
    for (n, (bytes, fault, code)) in [
        (unmasked, Fault::Protocol, 1002),
        (masked(0xc1, b"reserved"), Fault::Protocol, 1002),
        (masked(0x83, b"unknown"), Fault::Protocol, 1002),
        (masked(0x8b, b"unknown"), Fault::Protocol, 1002),
        (masked(0x09, b"a ping in pieces"), Fault::Protocol, 1002),
        (masked(0x89, &[0; 126]), Fault::Protocol, 1002),
        (masked(0x80, b"nothing begun"), Fault::Protocol, 1002),
        ([begun.clone(), masked(0x81, b"another")].concat(), Fault::Protocol, 1002),
        (masked(0x82, b"bytes"), Fault::Binary, 1003),
        (masked(0x81, b"\xff\xfe"), Fault::NoText, 1007),
        ([masked(0x01, b"\xc3"), masked(0x80, b"(")].concat(), Fault::NoText, 1007),
        (oversized, Fault::TooBig, 1009),
        (huge, Fault::TooBig, 1009),
        (two_limits, Fault::TooBig, 1009),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(read(&mut Reader::new(From::Client, LIMIT), &bytes), Err(fault), "row {n}");
        let Malformed { farewell } = fault.into();
        assert_eq!(farewell, [&[0x88, 2][..], &u16::to_be_bytes(code)].concat(), "row {n}");
    }
    let server = &mut Reader::new(From::Server, LIMIT);
    assert_eq!(read(server, &masked(0x81, b"masked")), Err(Fault::Protocol), "a server masks nothing");
}

proptest! {
    #[test]
    fn messages_come_whole_however_they_are_cut(
        texts in proptest::collection::vec("[a-zé😀\"\\\\]{0,300}", 1..6),
        long in 65_530usize..65_540,
        fragment in 1usize..200,
        step in 1usize..5_000,
    ) {
        let mut texts = texts;
        texts.push("x".repeat(long));
        let (mut from_client, mut from_server, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        for text in &texts {
            push_masked_text(text.as_bytes(), MASK, &mut from_client);
            push_text(text.as_bytes(), &mut from_server);
            expected.push(text.clone());
            // The same in fragments, with a ping between.
            let (first, rest) = text.as_bytes().split_at(fragment.min(text.len()));
            from_client.extend(masked(0x01, first));
            from_client.extend(masked(0x89, b"?"));
            from_client.extend(masked(0x80, rest));
            expected.extend(["ping 1".to_owned(), text.clone()]);
            push_pong(b"!", Some(MASK), &mut from_client);
            expected.push("pong".to_owned());
        }
        let mut reader = Reader::new(From::Client, LIMIT);
        let mut heard = Vec::new();
        for piece in from_client.chunks(step) {
            heard.extend(read(&mut reader, piece).map_err(|fault| TestCaseError::fail(format!("{fault:?}")))?);
        }
        prop_assert_eq!(heard, expected);
        let heard = read(&mut Reader::new(From::Server, LIMIT), &from_server);
        prop_assert_eq!(heard, Ok(texts));
    }
}

fn at(seconds: u64) -> Moment {
    Moment::of_world(Instant::from_nanos(seconds * 1_000_000_000))
}

/// The server's side, and a page that counts.
struct Pair {
    session: Session,
    events: u64,
    /// Numbers of the texts that the page knows of, and its count of all messages.
    known: Vec<u64>,
    seen: u64,
}

impl Pair {
    fn joined() -> Pair {
        let mut pair =
            Pair { session: Session::new(&Settings::default()), events: 0, known: vec![], seen: 0 };
        let asked = pair.says(r#"{"type": "join", "username": "kim", "resumes": true}"#);
        assert_eq!(asked, [Ask::Room(Request::Join { nick: "kim".to_owned() })]);
        pair.session.on_served(at(0));
        pair
    }

    fn says(&mut self, text: &str) -> Vec<Ask> {
        let mut out = Asked::default();
        let result = self.session.receive(at(0), &masked(0x81, text.as_bytes()), &mut out);
        assert_eq!(result, Ok(()), "{text}");
        out.drain().collect()
    }

    fn tells(&mut self, number: u64) {
        self.events += 1;
        let event = Event::Message { from: "bob".into(), text: number.to_string().as_str().into() };
        self.session.tell(at(0), &event, &mut Encodings::new(self.events));
    }

    /// Numbers of the texts that are sent, and the `heard` among them.
    fn sends(&mut self) -> (Vec<u64>, Vec<[u64; 2]>) {
        let (mut numbers, mut heard) = (vec![], vec![]);
        let mut reader = Reader::new(From::Server, LIMIT);
        while let Some(bytes) = self.session.poll_send() {
            for text in read(&mut reader, &bytes).expect("frames") {
                let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                let number = |name: &str| value[name].as_u64().expect("a number");
                if value["type"] == "heard" {
                    heard.push([number("count"), number("served")]);
                } else {
                    let text = value["message"].as_str().expect("a text");
                    numbers.push(text.parse().expect("a number"));
                }
            }
        }
        (numbers, heard)
    }
}

#[test]
fn a_page_that_comes_back_hears_exactly_what_it_has_not_seen() {
    let mut pair = Pair::joined();
    for number in 1..=5 {
        pair.tells(number);
    }
    assert_eq!(pair.sends(), (vec![1, 2, 3, 4, 5], vec![[1, 1]]));
    pair.says(r#"{"type": "seen", "count": 2}"#);
    // It asks twice, and is served once.
    pair.says(r#"{"type": "users"}"#);
    pair.says(r#"{"type": "rooms"}"#);
    pair.session.on_served(at(0));
    // Half a frame is lost with the connection.
    let _ = pair.session.receive(at(0), &masked(0x81, b"never whole")[..5], &mut Asked::default());
    pair.tells(6);
    assert!(pair.session.resume(at(1), 4));
    assert_eq!(pair.sends(), (vec![5, 6], vec![[3, 2]]));
    // Nobody has seen what was not sent, or forgets what he has seen.
    assert!(!pair.session.resume(at(1), 7));
    assert!(!pair.session.resume(at(1), 3));
    assert!(pair.says(r#"{"type": "seen", "count": 6}"#).is_empty());
    assert_eq!(pair.session.waiting_bytes(), 0);
}

#[test]
fn one_that_says_goodbye_does_not_come_back() {
    let mut pair = Pair::joined();
    assert!(pair.session.outlives_connection());
    let mut out = Asked::default();
    pair.session.receive(at(0), &masked(0x88, b"\x03\xe9"), &mut out).expect("a close frame");
    assert_eq!(out.drain().collect::<Vec<_>>(), [Ask::Room(Request::Leave)]);
    assert!(!pair.session.outlives_connection() && !pair.session.resume(at(0), 0));
    assert_eq!(pair.session.tell(at(0), &Event::Bye, &mut Encodings::new(9)), After::Close);
    assert_eq!(pair.session.poll_send().as_deref(), Some(CLOSE));
}

#[test]
fn a_typed_line_is_understood_as_in_a_terminal() {
    let mut pair = Pair::joined();
    let tell = Request::Tell { to: "bob".to_owned(), text: "hi  there".into() };
    assert_eq!(pair.says(r#"{"type": "line", "message": "/whisper bob hi  there"}"#), [Ask::Room(tell)]);
    pair.session.on_served(at(0));
    for (line, answer) in [
        ("/whisper bob", "Usage: /whisper <username> <message>"),
        ("/foo", "Unknown command: "),
        ("hi", "Unknown"),
    ] {
        assert_eq!(pair.says(&format!(r#"{{"type": "line", "message": "{line}"}}"#)), [Ask::Note(0)]);
        while pair.session.poll_send().is_some() {}
        // It waits for its turn.
        pair.session.on_served(at(0));
        let said: Rc<[u8]> = pair.session.poll_send().expect("an answer");
        let said = String::from_utf8_lossy(&said[2..]).into_owned();
        assert!(said.contains(&format!(r#""error", "message": "{answer}"#)), "{line}: {said}");
    }
}

#[test]
fn words_out_of_place_end_the_connection() {
    let policy = Err(Malformed { farewell: b"\x88\x02\x03\xf0" });
    for text in [
        r#"{"type": "chat", "message": "before joining"}"#,
        r#"{"type": "seen", "count": 0}"#,
        "[]",
        "no JSON",
        r#"{"type": "join", "type": "join"}"#,
    ] {
        let mut session = Session::new(&Settings::default());
        let result = session.receive(at(0), &masked(0x81, text.as_bytes()), &mut Asked::default());
        assert_eq!(result, policy, "{text}");
    }
    let mut pair = Pair::joined();
    let result =
        pair.session.receive(at(0), &masked(0x81, br#"{"type": "seen", "count": 9}"#), &mut Asked::default());
    assert_eq!(result, policy, "nothing was sent that it could have seen");
}

#[test]
fn a_silent_client_is_asked_and_then_given_up() {
    let mut pair = Pair::joined();
    while pair.session.poll_send().is_some() {}
    let asks = pair.session.poll_timeout().expect("a look");
    assert_eq!(pair.session.handle_timeout(at(25), &mut Asked::default()), After::Stay);
    assert_eq!(pair.session.poll_send().as_deref(), Some(PING));
    assert_eq!(pair.session.poll_timeout(), Some(asks + Duration::from_secs(35)));
    // A pong is a sign of life.
    pair.session.receive(at(26), &masked(0x8a, b""), &mut Asked::default()).expect("a pong");
    assert_eq!(pair.session.poll_timeout(), Some(asks + Duration::from_secs(26)));
    assert_eq!(pair.session.handle_timeout(at(51), &mut Asked::default()), After::Stay);
    assert_eq!(pair.session.handle_timeout(at(86), &mut Asked::default()), After::Close);
}

proptest! {
    /// Connections break anywhere: whatever of the bytes has come before, each text is known once, in order.
    #[test]
    fn nothing_is_lost_or_doubled_by_breaks(turns in proptest::collection::vec((0u64..6, 0u64..9, any::<bool>()), 1..30)) {
        let mut pair = Pair::joined();
        let mut said = 0;
        for (texts, come, breaks) in turns {
            for _ in 0..texts {
                said += 1;
                pair.tells(said);
            }
            let (sent, _) = pair.sends();
            let come = if breaks { come.min(sent.len() as u64) } else { sent.len() as u64 };
            pair.known.extend(&sent[..come as usize]);
            pair.seen += come;
            if breaks {
                prop_assert!(pair.session.resume(at(0), pair.seen));
            } else if come > 3 {
                let words = format!(r#"{{"type": "seen", "count": {}}}"#, pair.seen);
                pair.says(&words);
            }
        }
        let (sent, _) = pair.sends();
        pair.known.extend(sent);
        prop_assert_eq!(pair.known, (1..=said).collect::<Vec<_>>());
    }
}
