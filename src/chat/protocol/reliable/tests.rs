//! Times at which the server acknowledges, and at which it gives a client up.

use super::server::Session;
use crate::chat::message::{Event, Names};
use crate::chat::protocol::session::{Ask, Asked, Encodings, Moment, ServerSession as _};
use crate::chat::protocol::{After, Timestamp, Timing};
use crate::time::{Duration, Instant};

fn moment(seconds: u64) -> Moment {
    Moment { now: Instant::ZERO + Duration::from_secs(seconds), at: Timestamp::from_unix_nanos(0), zone_s: 0 }
}

/// The frame of a text, without a checksum.
fn chat(id: &str) -> Vec<u8> {
    message(id, "chat")
}

fn message(id: &str, kind: &str) -> Vec<u8> {
    let json = format!(
        r#"{{"msg_id":"{id}","msg_type":"{kind}","sender":"kim","content":"hi","timestamp":1.0,"checksum":""}}"#
    );
    [&(json.len() as u32).to_be_bytes()[..], json.as_bytes()].concat()
}

fn said(session: &mut Session) -> String {
    let all: Vec<u8> = std::iter::from_fn(|| session.poll_send()).flat_map(|bytes| bytes.to_vec()).collect();
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn what_waits_to_be_served_is_acknowledged_then_and_once() {
    let mut session = Session::new(Timing::default());
    let mut asked = Asked::default();
    for id in ["a", "b", "a"] {
        session.receive(moment(0), &chat(id), &mut asked).expect("a frame");
    }
    assert_eq!((asked.len(), said(&mut session)), (2, String::new()));
    session.on_served(moment(0));
    let first = said(&mut session);
    assert!(first.contains(r#"{\"ack_for\": \"a\"}"#) && !first.contains(r#"\"b\""#), "{first}");
    // Its acknowledgment was lost: it is asked once only, and acknowledged again, in order.
    session.receive(moment(0), &chat("a"), &mut asked).expect("a frame");
    assert_eq!((asked.len(), said(&mut session)), (3, String::new()));
    assert_eq!(asked.drain().filter(|ask| matches!(ask, Ask::Room(_))).count(), 2);
    session.on_served(moment(0));
    session.on_served(moment(0));
    let rest = said(&mut session);
    assert!(rest.find(r#"\"b\""#) < rest.find(r#"\"a\""#), "{rest}");
}

#[test]
fn who_waits_for_its_turn_is_not_silent() {
    let mut session = Session::new(Timing::default());
    session.receive(moment(0), &chat("a"), &mut Asked::default()).expect("a frame");
    session.tell(
        moment(0),
        &Event::Welcome { nick: "kim".into(), people: Names::default() },
        &mut Encodings::new(1),
    );
    session.on_served(moment(29));
    assert_eq!(session.handle_timeout(moment(31), &mut Asked::default()), After::Stay);
    assert_eq!(session.handle_timeout(moment(60), &mut Asked::default()), After::Close);
}

#[test]
fn who_leaves_is_heard_to_the_end() {
    let mut session = Session::new(Timing::default());
    let mut asked = Asked::default();
    let frames = [chat("a"), message("b", "leave"), message("c", "heartbeat")].concat();
    session.receive(moment(0), &frames, &mut asked).expect("frames");
    assert_eq!(asked.len(), 3);
    session.on_served(moment(10));
    assert_eq!(session.handle_timeout(moment(20), &mut Asked::default()), After::Stay);
    session.on_served(moment(20));
    session.on_served(moment(20));
    assert_eq!(said(&mut session).matches("ack_for").count(), 3);
    assert_eq!(session.handle_timeout(moment(21), &mut Asked::default()), After::Close);
}
