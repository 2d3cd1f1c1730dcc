//! Order of service, back-pressure and pacing.

mod bounds;

use super::*;
use crate::chat::protocol::{JSON_LINES, RELIABLE, Settings};

const A: ClientId = ClientId(0);
const B: ClientId = ClientId(1);

fn at(ms: u64) -> Moment {
    Moment::of_world(Instant::ZERO + Duration::from_millis(ms))
}

fn join(nick: &str) -> String {
    format!("{{\"type\": \"join\", \"username\": \"{nick}\"}}\n")
}

/// One read, and everything that it asks.
fn says(server: &mut RoomServer, id: ClientId, text: &str) -> Vec<Served> {
    server.receive(at(0), id, text.as_bytes());
    std::iter::from_fn(|| server.serve_next(at(0), id)).collect()
}

/// A server with alice and bob, who have taken all that was written to them.
fn company() -> RoomServer {
    let mut server = RoomServer::new(Rules::default()).join_within(Duration::from_secs(30));
    for (id, nick) in [(A, "alice"), (B, "bob")] {
        server.open(at(0), id, JSON_LINES.server(&Settings::default()));
        assert_eq!(says(&mut server, id, &join(nick)).len(), 1);
    }
    drain(&mut server);
    server
}

/// Takes everything that is to be written, in order: to whom, and what.
fn drain<B: Backing>(server: &mut RoomServer<B>) -> Vec<(ClientId, String)> {
    let mut written = Vec::new();
    while let Some(id) = server.poll_dirty() {
        server.flush(at(0).now, id, &mut |bytes, from| {
            written.push((id, String::from_utf8_lossy(bytes).into_owned()));
            bytes.len() - from
        });
    }
    written
}

/// Writes at most so much to bob: from which byte on, and what becomes of him.
fn write(server: &mut RoomServer, most: usize) -> (Vec<usize>, Flushed) {
    let mut starts = Vec::new();
    let flushed = server.flush(at(0).now, B, &mut |bytes, from| {
        starts.push(from);
        most.min(bytes.len() - from)
    });
    (starts, flushed)
}

#[test]
fn what_one_read_asks_is_served_one_by_one() {
    let mut server = company();
    server.receive(at(0), A, b"{\"type\": \"chat\", \"message\": \"#0000002a hi\"}\n{\"type\": \"ping\"}\n");
    assert_eq!(drain(&mut server), [], "nothing is served yet");
    assert_eq!(server.serve_next(at(0), A), Some(Served { marker: Some(42), audience: 1 }));
    let told = drain(&mut server);
    // Program 1's speakers hear themselves.
    assert!(told.iter().all(|(_, text)| text.contains("#0000002a hi")), "{told:?}");
    assert_eq!(told.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [A, B]);
    assert_eq!(server.serve_next(at(0), A), Some(Served::default()));
    assert_eq!(drain(&mut server), [(A, "{\"type\": \"pong\"}\n".to_owned())]);
    assert_eq!(server.serve_next(at(0), A), None);
}

#[test]
fn what_a_connection_does_not_take_waits_until_it_takes_more() {
    let mut server = company();
    says(&mut server, A, "{\"type\": \"chat\", \"message\": \"hi\"}\n");
    assert_eq!(write(&mut server, 5), (vec![0], Flushed::Open));
    assert_eq!(write(&mut server, 5), (vec![], Flushed::Open), "it takes no more");
    server.resume(B);
    assert_eq!(write(&mut server, 5), (vec![5], Flushed::Open));
    // An end comes after the last word.
    server.close(at(0), B);
    server.resume(B);
    assert!(!server.hears(B));
    assert_eq!(write(&mut server, 1_000), (vec![10], Flushed::Finished));
    assert_eq!(write(&mut server, 1_000), (vec![], Flushed::Open), "said once");
}

#[test]
fn a_connection_for_which_too_much_waits_is_slow() {
    let mut server = company().max_backlog(300);
    let chat = format!("{{\"type\": \"chat\", \"message\": \"{}\"}}\n", "x".repeat(100));
    says(&mut server, A, &chat);
    assert_eq!(write(&mut server, 0), (vec![0], Flushed::Open));
    says(&mut server, A, &chat);
    assert_eq!(write(&mut server, 0), (vec![], Flushed::Slow));
}

#[test]
fn who_is_gone_is_waited_for_no_longer() {
    let mut server = company();
    assert_eq!(server.poll_timeout(), None);
    for (n, dialect) in [JSON_LINES, RELIABLE].into_iter().enumerate() {
        let id = ClientId(2 + n as u32);
        server.open(at(0), id, dialect.server(&Settings::default()));
        assert_eq!(server.poll_timeout(), Some(at(30_000).now));
        server.forget(at(0), id);
        assert_eq!(server.poll_timeout(), None);
    }
    server.open(at(0), ClientId(4), JSON_LINES.server(&Settings::default()));
    server.handle_timeout(at(30_000));
    assert_eq!((server.counts().silent, server.poll_timeout()), (1, None));
    assert!(!server.hears(ClientId(4)) && server.hears(A));
}

#[test]
fn the_others_learn_that_somebody_was_dropped() {
    let mut server = company();
    server.drop_slow(at(0), B);
    assert_eq!((server.counts().overflowed, server.room().len()), (1, 1));
    assert!(drain(&mut server)[0].1.contains("bob left the chat"));
}

#[test]
fn nobody_is_told_that_the_others_go_when_all_do() {
    let mut server = company();
    server.close_all(at(0));
    assert_eq!((drain(&mut server), server.room().len()), (Vec::new(), 0));
    assert!(!server.hears(A) && !server.hears(B));
}
