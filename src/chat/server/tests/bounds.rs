//! A server with bounds, and with something behind it.

use super::*;
use crate::chat::message::{Name, Request};
use crate::chat::protocol::{PIPE, ROOMS};

const BOUNDS: Bounds =
    Bounds { rate: 0, backlog: usize::MAX, memory: usize::MAX, linger: Duration::from_secs(1) };

/// A server with alice and bob, who have taken all that was written to them.
fn company<B: Backing>(bounds: Bounds, backing: B) -> RoomServer<B> {
    let mut server = RoomServer::backed(Room::new(Rules::default()), backing).bounded(bounds);
    for (id, nick) in [(A, "alice"), (B, "bob")] {
        let session = JSON_LINES.server(&Settings::default());
        server.open(at(0), id, session);
        server.receive(at(0), id, join(nick).as_bytes());
        server.schedule(at(0), id);
    }
    drain(&mut server);
    server
}

fn chats(count: usize) -> String {
    "{\"type\": \"chat\", \"message\": \"hi\"}\n".repeat(count)
}

/// True if any of what was written to somebody has these words.
fn hears(written: &[(ClientId, String)], who: ClientId, words: &str) -> bool {
    written.iter().any(|(id, text)| *id == who && text.contains(words))
}

#[test]
fn a_client_beyond_its_rate_waits_and_one_that_asks_on_is_not_read() {
    let mut server = company(Bounds { rate: 10, ..BOUNDS }, Forgetful);
    // Two seconds' worth at once, of which the nick was one.
    server.receive(at(0), A, chats(30).as_bytes());
    assert_eq!(server.schedule(at(0), A), Turn::Wait(at(100).now));
    server.receive(at(0), A, chats(100).as_bytes());
    assert_eq!(server.schedule(at(0), A), Turn::Pause(at(100).now));
    assert_eq!(server.schedule(at(100), A), Turn::Pause(at(200).now));
}

#[test]
fn what_nothing_answers_takes_as_long_as_an_answer_where_writes_are_spaced() {
    for (dialect, nobodys) in [(PIPE, "no bar"), (ROOMS, "hum")] {
        let mut server = RoomServer::new(Rules::default()).bounded(BOUNDS);
        let pacing = Duration::from_millis(10);
        server.open_from(at(0), A, dialect.server(&Settings::default()), 0, pacing);
        let ask = |server: &mut RoomServer, ms, words: &str| {
            server.receive(at(ms), A, words.as_bytes());
            server.schedule(at(ms), A)
        };
        ask(&mut server, 0, "alice");
        server.handle_timeout(at(1_000));
        drain(&mut server);
        assert_eq!(ask(&mut server, 1_000, nobodys), Turn::Read, "{}", dialect.name());
        assert_eq!(ask(&mut server, 1_001, nobodys), Turn::Wait(at(1_010).now), "{}", dialect.name());
        assert_eq!(server.schedule(at(1_010), A), Turn::Read, "{}", dialect.name());
        // As many answers as its bytes weigh: 600 as much as three.
        let long = nobodys.repeat(600 / nobodys.len());
        assert_eq!(ask(&mut server, 1_020, &long), Turn::Read, "{}", dialect.name());
        let turns: Vec<Turn> = (0..70).map(|_| ask(&mut server, 1_021, nobodys)).collect();
        assert_eq!(turns[69], Turn::Pause(at(1_050).now), "{}", dialect.name());
    }
}

#[test]
fn last_words_that_are_not_read_hold_a_connection_for_so_long_only() {
    let mut server = company(BOUNDS, Forgetful);
    server.close(at(0), B);
    assert_eq!((server.poll_timeout(), server.poll_overdue()), (Some(at(1_000).now), None));
    server.handle_timeout(at(1_000));
    assert_eq!((server.poll_timeout(), server.poll_overdue()), (None, Some(B)));
}

#[test]
fn a_client_that_reads_too_slowly_is_told_and_ended_and_its_address_comes_in_later() {
    let mut server = company(Bounds { backlog: 4_000, ..BOUNDS }, Forgetful);
    let chat = format!("{{\"type\": \"chat\", \"message\": \"{}\"}}\n", "x".repeat(1_000));
    let mut now = at(0);
    // Bob takes nothing.
    while server.counts().overflowed == 0 {
        assert!(now.now < at(60_000).now, "he stays");
        server.receive(now, A, chat.as_bytes());
        while let Turn::Wait(until) | Turn::Pause(until) = server.schedule(now, A) {
            now = Moment::of_world(until);
        }
        if server.counts().overflowed == 0 {
            server.flush(now.now, A, &mut |bytes, from| bytes.len() - from);
        }
    }
    let written = drain(&mut server);
    assert!(hears(&written, B, "your client reads too slowly") && !server.hears(B), "{written:?}");
    assert_eq!(server.room().len(), 1);
    for (n, (address, turn)) in
        [(0, Turn::Wait(now.now + Duration::from_secs(1))), (7, Turn::Read)].into_iter().enumerate()
    {
        let id = ClientId(2 + n as u32);
        server.open_from(now, id, JSON_LINES.server(&Settings::default()), address, Duration::ZERO);
        server.receive(now, id, join("carol").as_bytes());
        assert_eq!(server.schedule(now, id), turn, "{address}");
    }
    // The others hear of it when that has its turn.
    server.end_turn(now);
    let later = Moment::of_world(now.now + Duration::from_millis(500));
    server.handle_timeout(later);
    let mut heard = String::new();
    server.flush(later.now, A, &mut |bytes, from| {
        heard += &String::from_utf8_lossy(bytes);
        bytes.len() - from
    });
    assert!(heard.contains("bob left the chat"), "{heard}");
}

/// Decides about nicks later.
#[derive(Debug)]
struct Later;

impl Backing for Later {
    fn admit(&mut self, _: Moment, _: &Room, _: ClientId, _: Request) -> Admission {
        Admission::Later
    }
}

#[test]
fn nothing_is_served_of_a_client_whose_nick_is_not_decided() {
    let mut server = company(BOUNDS, Later);
    let bob = || Request::Join { nick: "bob".to_owned() };
    server.receive(at(0), B, chats(1).as_bytes());
    assert!(matches!(server.schedule(at(0), B), Turn::Wait(_)));
    assert_eq!((server.is_gated(B), server.room().len()), (true, 0));
    server.admit_later(at(0), A, Ok(Request::Join { nick: "alice".to_owned() }));
    server.admit_later(at(0), B, Ok(bob()));
    assert_eq!(server.schedule(at(0), B), Turn::Read);
    assert!(hears(&drain(&mut server), A, "hi"));
    // A decision that comes too late, or again, is none.
    server.close(at(0), B);
    server.admit_later(at(0), B, Ok(bob()));
    assert_eq!(server.room().len(), 1);
}

/// Keeps what is said, if it can.
#[derive(Debug)]
struct Disk {
    is_full: bool,
}

impl Backing for Disk {
    fn keeps(&self, request: &Request) -> bool {
        matches!(request, Request::Say { .. })
    }

    fn settle(&mut self, _: Instant) -> Result<(), Name> {
        if self.is_full { Err("the disk is full".into()) } else { Ok(()) }
    }
}

#[test]
fn nobody_hears_what_is_not_kept_and_its_author_hears_why() {
    for is_full in [false, true] {
        let mut server = company(BOUNDS, Disk { is_full });
        server.receive(at(0), A, chats(1).as_bytes());
        assert_eq!(server.schedule(at(0), A), Turn::Read);
        assert_eq!((server.holds(), drain(&mut server)), (true, Vec::new()), "it is held to the turn's end");
        assert!(server.poll_turn());
        server.end_turn(at(0));
        let written = drain(&mut server);
        assert_eq!(hears(&written, B, "hi"), !is_full, "{written:?}");
        assert_eq!(hears(&written, A, "the disk is full"), is_full, "{written:?}");
    }
}
