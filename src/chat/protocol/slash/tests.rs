//! Lines of the dialect `slash`, however reads cut them.

use super::*;
use crate::chat::protocol::Ask;

fn at(ms: u64) -> Moment {
    Moment { now: Instant::ZERO + Duration::from_millis(ms), at: Timestamp::from_unix_nanos(0), zone_s: 0 }
}

/// Requests of a session to the room for these reads: texts, nicks, `?` for its own answers.
fn asks(reads: &[&str], then: impl FnOnce(&mut Session, &mut Asked)) -> Vec<String> {
    let mut session = Session::new(&Settings::default());
    let mut out = Asked::default();
    for read in reads {
        session.receive(at(0), read.as_bytes(), &mut out).expect("words");
    }
    then(&mut session, &mut out);
    let word = |ask| match ask {
        Ask::Room(Request::Say { text }) => text.to_string(),
        Ask::Room(Request::Join { nick }) => nick,
        Ask::Room(request) => format!("{request:?}"),
        Ask::Session(_) | Ask::Note(_) => "?".to_owned(),
    };
    out.drain().map(word).collect()
}

#[test]
fn a_line_that_reads_cut_is_one_message() {
    let text = "alice\n/foo\nhello all\n/foo\n";
    for cut in 7..text.len() {
        let (first, second) = text.split_at(cut);
        assert_eq!(asks(&[first, second], |_, _| {}), ["alice", "?", "hello all", "?"], "cut at {cut}");
    }
}

#[test]
fn the_rest_of_a_line_is_waited_for_while_the_client_is_read() {
    let late = asks(&["alice\n", "hel"], |session, out| {
        assert_eq!(session.poll_timeout(), Some(at(1_000).now));
        session.on_served(at(600));
        assert_eq!(session.poll_timeout(), Some(at(1_600).now));
        session.handle_timeout(at(1_600), out);
        assert_eq!(session.poll_timeout(), None);
        // So it does not end its texts with newlines.
        session.receive(at(2_000), b"there", out).expect("words");
    });
    assert_eq!(late, ["alice", "hel", "there"]);
    assert_eq!(asks(&["alice\n", "bye"], |session, out| session.finish(at(1), out)), ["alice", "bye"]);
}

#[test]
fn no_line_is_waited_for_for_ever() {
    let long = "x".repeat(Settings::default().max_text + 1);
    assert!(asks(&["alice\n", &long], |_, _| {}).len() > 1);
}
