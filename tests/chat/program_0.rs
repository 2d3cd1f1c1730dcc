//! Captures from program 0, replayed to the byte: its frames, acknowledgments, times and tester.

use crate::hall::{Hall, frame, frames, unsigned};
use testbed::chat::protocol::{JSON_LINES, RELIABLE, ROOMS};
use testbed::time::Duration;

const S: Duration = Duration::from_secs(1);

#[test]
fn program_0_byte_by_byte() {
    let mut hall = Hall::default();
    let alice = hall.open(RELIABLE);
    let bob = hall.open(RELIABLE);
    // The captured frame, with its checksum, from somebody who has not joined.
    let chat = "{\"msg_id\": \"chat_1795210065_4806\", \"msg_type\": \"chat\", \"sender\": \"alice\", \"content\": \"hello everyone\", \"timestamp\": 1795210065.5584364, \"checksum\": \"4661720c74de6827\"}";
    hall.receive(bob, &unsigned("join_1795210063_1043", "join", "bob", "bob"));
    let ack = frames(&hall.stream(bob));
    assert_eq!(ack.len(), 1);
    assert_eq!(ack[0]["msg_type"], "ack");
    assert_eq!(ack[0]["content"], "{\"ack_for\": \"join_1795210063_1043\"}");
    hall.receive(alice, &unsigned("join_1795210063_2000", "join", "alice", "alice"));
    hall.stream(alice);
    let text = String::from_utf8_lossy(&hall.stream(bob)).into_owned();
    let (head, tail) = text.split_once("_1795210215_").expect("an id of this second");
    assert_eq!(head, "\0\0\0\u{fffd}{\"msg_id\": \"broadcast");
    assert!(tail.contains("\", \"msg_type\": \"chat\", \"sender\": \"server\", \"content\": \"*** alice joined the chat ***\", \"timestamp\": 1795210215.5, \"checksum\": \""), "{tail}");
    hall.receive(alice, &frame(chat));
    let answers = frames(&hall.stream(alice));
    assert_eq!(answers.len(), 1, "no echo");
    assert_eq!(answers[0]["content"], "{\"ack_for\": \"chat_1795210065_4806\"}");
    // Bob has acknowledged nothing: the window of one is full.
    hall.hears(bob, &[]);
    hall.receive(bob, &acknowledgment(&text));
    assert_eq!(frames(&hall.stream(bob))[0]["content"], "[alice]: hello everyone");
}

/// An `ack` for the first frame in a text.
fn acknowledgment(text: &str) -> Vec<u8> {
    let id = text.split('"').nth(3).expect("an id");
    unsigned("ack_1_1000", "ack", "bob", &format!("{{\"ack_for\": \"{id}\"}}"))
}

#[test]
fn program_0_counts_a_repetition_once_and_knows_it_from_a_collision() {
    let mut hall = Hall::default();
    let alice = hall.open(RELIABLE);
    let bob = hall.open(JSON_LINES);
    hall.receive(bob, b"{\"type\": \"join\", \"username\": \"bob\"}\n");
    hall.receive(alice, &unsigned("join_1_1000", "join", "alice", "alice"));
    hall.stream(bob);
    let one = unsigned("chat_1_1000", "chat", "alice", "one");
    let two = unsigned("chat_1_1000", "chat", "alice", "two");
    let late = unsigned("chat_1_0999", "chat", "alice", "late");
    hall.stream(alice);
    for message in [&one, &two, &late, &one, &two, &late] {
        hall.receive(alice, message);
    }
    assert_eq!(frames(&hall.stream(alice)).len(), 6, "each is acknowledged");
    let said: Vec<String> = String::from_utf8_lossy(&hall.stream(bob))
        .lines()
        .map(|line| line.split("\"message\": \"").nth(1).unwrap_or_default()[..4].replace('"', ""))
        .collect();
    assert_eq!(said, ["one", "two", "late"]);
}

#[test]
fn program_0_keeps_time() {
    let mut hall = Hall::default();
    let alice = hall.open(RELIABLE);
    let bob = hall.open(ROOMS);
    hall.receive(bob, b"bob");
    hall.stream(bob);
    hall.receive(alice, &unsigned("join_1_1000", "join", "alice", "alice"));
    hall.stream(alice);
    // Silent for more than ten seconds, looked at every five; asked again and again until it is
    // silent for more than thirty.
    hall.wait(S * 10);
    hall.hears(alice, &[]);
    hall.wait(S * 5);
    let ping = &frames(&hall.stream(alice))[0];
    assert_eq!((&ping["msg_type"], &ping["content"]), (&"heartbeat".into(), &"ping".into()));
    hall.wait(S * 15);
    assert!(hall.is_open(alice));
    hall.wait(S * 5);
    assert!(!hall.is_open(alice));
    hall.hears(bob, &["Server: alice is online!", "alice is offline"]);
    // After a leave the server waits for the client, but not for ever.
    let carol = hall.open(RELIABLE);
    hall.receive(carol, &unsigned("join_1_1000", "join", "carol", "carol"));
    hall.receive(carol, &unsigned("leave_1_1000", "leave", "carol", "leaving"));
    hall.hears(bob, &["Server: carol is online!", "carol is offline"]);
    hall.wait(Duration::from_millis(999));
    assert!(hall.is_open(carol));
    hall.wait(Duration::from_millis(1));
    assert!(!hall.is_open(carol));
    assert_eq!(frames(&hall.stream(carol)).len(), 2);
}

#[test]
fn program_0s_tester_gets_one_frame_each_and_no_heartbeat() {
    let mut hall = Hall::default();
    let tester = hall.open(RELIABLE);
    for n in 0..3 {
        let text = format!(
            "{{\"id\": \"test_msg_{n}_1795211300\", \"type\": \"chat\", \"username\": \"tester\", \"content\": \"x\", \"timestamp\": 1795211300.5}}"
        );
        hall.receive(tester, &frame(&text));
        assert_eq!(frames(&hall.stream(tester)).len(), 1);
    }
    // The real format on such a connection would be answered by a surplus frame.
    hall.receive(tester, &unsigned("join_1_1000", "join", "tester", "tester"));
    hall.wait(S * 29);
    hall.hears(tester, &[]);
    hall.wait(S * 10);
    assert!(!hall.is_open(tester), "a silent connection is dropped");
    // And who has joined is no tester.
    let alice = hall.open(RELIABLE);
    hall.receive(alice, &unsigned("join_1_1000", "join", "alice", "alice"));
    hall.stream(alice);
    hall.receive(alice, &frame("{\"id\": \"x\", \"type\": \"chat\", \"username\": \"alice\", \"content\": \"x\", \"timestamp\": 1}"));
    hall.hears(alice, &[]);
    hall.receive(alice, &unsigned("chat_1_1001", "chat", "alice", "hi"));
    assert_eq!(frames(&hall.stream(alice)).len(), 1);
}
