//! Hostile and damaged input, in every dialect and both directions: nobody panics, nobody needs
//! more memory than is allowed, and what is sent stays sound.
//!
//! The search is seeded and as long as `TESTBED_FUZZ_SECONDS` says, by default a second for each
//! dialect; `TESTBED_FUZZ_SEED` chooses another one. A failure names its seed and case, and that
//! case alone is repeated with `TESTBED_FUZZ_CASE`.

#![allow(clippy::disallowed_methods, reason = "how long to search is measured in real time")]

use std::sync::Arc;

use crate::corpus::{answers, company, read, reads};
use crate::hall::{Hall, frame, moment, unsigned};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use testbed::chat::message::{Audience, ClientId, Event, Refusal, Request};
use testbed::chat::protocol::{After, Dialect, JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH};
use testbed::rng::{Rng, Seed};
use testbed::time::Duration;

const KINDS: [&dyn Dialect; 5] = [RELIABLE, JSON_LINES, SLASH, ROOMS, PIPE];
/// Backlog that a server allows one connection; beyond, it closes it.
const BACKLOG: usize = 1 << 20;

/// Asserts that one write of a server is a sound message of its dialect.
fn assert_sound(kind: &'static dyn Dialect, bytes: &[u8]) {
    let text = std::str::from_utf8(if kind == RELIABLE { &bytes[4..] } else { bytes }).expect("UTF-8");
    match kind.name() {
        "json-lines" => {
            let line = text.strip_suffix('\n').expect("a whole line");
            assert!(line.is_ascii() && !line.contains('\n'), "{line}");
            serde_json::from_str::<serde_json::Value>(line).expect("JSON");
        }
        "reliable" => {
            assert_eq!(bytes[..4], (text.len() as u32).to_be_bytes());
            assert_checksum(text);
        }
        "slash" | "rooms" => assert!((1..=1024).contains(&text.len()), "{}", text.len()),
        _ => assert!((1..=2048).contains(&text.len()), "{}", text.len()),
    }
}

fn assert_checksum(json: &str) {
    assert!(json.is_ascii(), "{json}");
    let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let Some(checksum) = value["checksum"].as_str() else {
        // The answer to a tester, which has another format.
        assert_eq!(value["type"], "ack", "{json}");
        return;
    };
    let timestamp =
        json.split("\"timestamp\":").nth(1).and_then(|rest| rest.split(',').next()).expect("a time");
    let mut hash = Sha256::new();
    for name in ["msg_id", "msg_type", "sender", "content"] {
        hash.update(value[name].as_str().expect("a text"));
    }
    hash.update(timestamp.trim());
    if value["priority"].is_i64() {
        hash.update(format!("{}{}", value["priority"], value["sequence_number"]));
    }
    let digits: String = hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digits, checksum, "{json}");
}

/// A session holds no more than its dialect's longest message and what waits for acknowledgments.
fn assert_small(hall: &Hall, id: usize) {
    let session = hall.session(id);
    // Each byte of a buffer is up to five characters here.
    let size = format!("{session:?}").len();
    let allowed = 500_000 + 8 * session.waiting_bytes();
    assert!(size < allowed, "{size} characters of state, {allowed} allowed");
}

/// Somebody odd among two others.
fn attack_server(kind: &'static dyn Dialect, corpus: &[Vec<u8>], rng: &mut Rng, thorough: bool) {
    let (mut hall, id) = company(kind);
    if rng.below(2) == 0 {
        hall.receive(id, &corpus[0]);
    }
    for _ in 0..rng.below(12) {
        hall.receive(id, &read(corpus, rng));
        match rng.below(6) {
            0 => hall.wait(Duration::from_millis(rng.below(20_000))),
            1 => hall.receive(0, b"{\"type\": \"chat\", \"message\": \"hello\"}\n"),
            2 => hall.receive(1, b"alice|psst"),
            _ => {}
        }
        if hall.session(id).waiting_bytes() > BACKLOG {
            hall.close(id);
        }
    }
    for (id, kind) in [(0, JSON_LINES), (1, PIPE), (id, kind)] {
        while let Some(bytes) = hall.next(id) {
            assert_sound(kind, &bytes);
        }
    }
    if thorough {
        assert_small(&hall, id);
    }
    assert!(hall.is_open(0) && hall.is_open(1), "the others stay");
}

/// A server that says odd things to our client.
fn attack_client(kind: &'static dyn Dialect, corpus: &[Vec<u8>], rng: &mut Rng) {
    let mut client = kind.client();
    let mut heard = Vec::new();
    for n in 0..rng.below(12) {
        let now = moment(Duration::from_secs(n));
        let request = match rng.below(6) {
            0 => Request::Join { nick: "alice".to_owned() },
            1 => Request::Say { text: "hello".into() },
            2 => Request::Hide,
            3 => Request::Enter { room: "den".to_owned(), create: true },
            4 => Request::People,
            _ => Request::Tell { to: "bob".to_owned(), text: "psst".into() },
        };
        // A dialect may have no words for it.
        let _ = client.ask(now, &request);
        let alive = client.receive(now, &read(corpus, rng), &mut heard).is_ok();
        while client.poll_send().is_some() {}
        if !alive || (rng.below(4) == 0 && client.handle_timeout(now) == After::Close) {
            return;
        }
    }
}

/// Says where the search was when it failed.
struct Case {
    kind: &'static dyn Dialect,
    seed: u64,
    number: u64,
}

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Case { kind, seed, number } = self;
            eprintln!("failed: {} with TESTBED_FUZZ_SEED={seed} TESTBED_FUZZ_CASE={number}", kind.name());
        }
    }
}

fn variable(name: &str) -> Option<f64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn search(kind: &'static dyn Dialect) {
    let seconds = variable("TESTBED_FUZZ_SECONDS").unwrap_or(1.0);
    let seed = variable("TESTBED_FUZZ_SEED").unwrap_or(1.0) as u64;
    let only = variable("TESTBED_FUZZ_CASE").map(|number| number as u64);
    let (said, answered) = (reads(kind), answers(kind));
    let started = std::time::Instant::now();
    let mut cases = 0;
    while cases == 0 || (only.is_none() && started.elapsed().as_secs_f64() < seconds) {
        let number = only.unwrap_or(cases);
        let _case = Case { kind, seed, number };
        let mut rng = Seed(seed).stream(&format!("fuzz/{}/{number}", kind.name()));
        attack_server(kind, &said, &mut rng, number.is_multiple_of(16));
        attack_client(kind, &answered, &mut rng);
        cases += 1;
    }
    eprintln!("{}: {cases} cases", kind.name());
}

#[test]
fn nothing_shakes_reliable() {
    search(RELIABLE);
}

#[test]
fn nothing_shakes_json_lines() {
    search(JSON_LINES);
}

#[test]
fn nothing_shakes_slash() {
    search(SLASH);
}

#[test]
fn nothing_shakes_rooms() {
    search(ROOMS);
}

#[test]
fn nothing_shakes_pipe() {
    search(PIPE);
}

/// The classics, before and after the name was said: whether the connection ends.
#[test]
fn known_abuse_ends_the_connection_or_changes_nothing() {
    let deep = |open: &str| format!("{{\"type\": {}", open.repeat(10_000));
    let huge = vec![0x40, 0, 0, 0, b'{'];
    let endless = vec![b'x'; 70_000];
    let deep_frame = frame(&deep("["));
    let abuse: [(&'static dyn Dialect, &[u8], bool); 12] = [
        (RELIABLE, &huge, true),
        (RELIABLE, &deep_frame, false),
        (RELIABLE, &frame("\u{0}"), false),
        (RELIABLE, &frame("{\"msg_id\": \"\\ud800\"}"), false),
        (RELIABLE, b"\0\0\0\x02\xff\xfe", false),
        (RELIABLE, &forged(), false),
        (JSON_LINES, &endless, true),
        (JSON_LINES, &[deep("{\"a\":").as_bytes(), b"\n"].concat(), true),
        (JSON_LINES, b"\xff\xfe\n", true),
        (SLASH, b"\0\xff", false),
        (ROOMS, b"/join \xff", false),
        (PIPE, b"\xc3|\0", false),
    ];
    for (kind, bytes, ends) in abuse {
        let (mut hall, id) = company(kind);
        hall.receive(id, &reads(kind)[0]);
        hall.stream(id);
        for bytes in bytes.chunks(16 * 1024) {
            hall.receive(id, bytes);
            assert_small(&hall, id);
        }
        assert_eq!(!hall.is_open(id), ends, "{} {:.40}", kind.name(), String::from_utf8_lossy(bytes));
        assert!(hall.is_open(0) && hall.is_open(1));
    }
}

/// A sound frame but for its checksum.
fn forged() -> Vec<u8> {
    let sound = unsigned("chat_1_1007", "chat", "alice", "forged");
    let json = String::from_utf8_lossy(&sound[4..])
        .replace("\"checksum\": \"\"", "\"checksum\": \"54de4146ca145777\"");
    frame(&json)
}

/// Endless input of every dialect needs no more memory than one message.
#[test]
fn a_flood_needs_the_memory_of_one_message() {
    for kind in KINDS {
        for byte in [b'x', b' ', b'\n', b'/', b'|', 0, 0xc3, 0xff] {
            let (mut hall, id) = company(kind);
            hall.receive(id, &reads(kind)[0]);
            for _ in 0..8 {
                hall.receive(id, &[byte; 16 * 1024]);
                for id in 0..=id {
                    while hall.next(id).is_some() {}
                }
                assert_small(&hall, id);
            }
        }
    }
}

fn an_event() -> impl Strategy<Value = Event> {
    let name = || any::<String>().prop_map(|text| Arc::<str>::from(&*text));
    let long =
        || (any::<char>(), 0usize..3_000).prop_map(|(c, n)| Arc::<str>::from(&*c.to_string().repeat(n)));
    prop_oneof![
        (name(), long()).prop_map(|(from, text)| Event::Message { from, text }),
        (name(), long()).prop_map(|(from, text)| Event::Direct { from, text }),
        (name(), name(), long()).prop_map(|(room, from, text)| Event::RoomMessage { room, from, text }),
        long().prop_map(|text| Event::Notice { text }),
        prop::collection::vec(name(), 0..300).prop_map(|names| Event::People { names: Arc::new(names) }),
        name().prop_map(|name| Event::Refused(Refusal::NoSuchPerson(name))),
        (name(), name()).prop_map(|(from, to)| Event::Renamed { from, to }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_room_says_is_sound_in_every_dialect(event in an_event()) {
        for kind in KINDS {
            let (mut hall, id) = company(kind);
            hall.receive(id, &reads(kind)[0]);
            hall.wait(Duration::from_secs(1));
            hall.stream(id);
            hall.tell(&Audience::One(ClientId(id as u32)), &event);
            let mut client = kind.client();
            while let Some(bytes) = hall.next(id) {
                assert_sound(kind, &bytes);
                let heard = client.receive(moment(Duration::ZERO), &bytes, &mut Vec::new());
                prop_assert_eq!(heard, Ok(()));
            }
        }
    }

    #[test]
    fn noise_in_any_pieces_makes_nobody_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
        length in 1usize..300,
        greets in any::<bool>(),
    ) {
        for kind in KINDS {
            let (mut hall, id) = company(kind);
            if greets {
                hall.receive(id, &reads(kind)[0]);
            }
            let mut client = kind.client();
            let mut alive = true;
            for piece in bytes.chunks(length) {
                hall.receive(id, piece);
                alive = alive && client.receive(moment(Duration::ZERO), piece, &mut Vec::new()).is_ok();
            }
            prop_assert!(hall.is_open(0));
        }
    }
}
