//! Program 0's dialect on real sockets: frames, acknowledgments, variants, repetition.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use crate::sockets::{Client, Running, frame, message, usual};
use testbed::chat::protocol::{RELIABLE, SLASH};

/// A client of program 0.
pub struct Reliable {
    client: Client,
    name: String,
    order: Option<(i64, i64)>,
    sent: u32,
}

impl Reliable {
    pub fn join(server: &Running, name: &str) -> Reliable {
        let mut new =
            Reliable { client: server.connect(RELIABLE), name: name.to_owned(), order: None, sent: 0 };
        new.says("join", name);
        new
    }

    pub fn says(&mut self, kind: &str, content: &str) {
        self.sent += 1;
        let id = format!("{kind}_1795210065_{}_{}", 1_000 + self.sent, self.name);
        self.client.sends(&frame(&message(&id, kind, &self.name, content, self.order)));
        self.is_acknowledged(&id);
    }

    pub fn next_frame(&mut self) -> serde_json::Value {
        self.client.next_frame()
    }

    fn is_acknowledged(&mut self, id: &str) {
        let ack = self.next_frame();
        assert_eq!(ack["msg_type"], "ack", "{ack}");
        assert_eq!(ack["content"], format!("{{\"ack_for\": \"{id}\"}}"));
    }

    pub fn acknowledge(&mut self, heard: &serde_json::Value) {
        let content = format!("{{\"ack_for\": \"{}\"}}", heard["msg_id"].as_str().expect("an id"));
        self.sent += 1;
        let id = format!("ack_1_{}", self.sent);
        self.client.sends(&frame(&message(&id, "ack", &self.name, &content, self.order)));
    }

    pub fn hears_chat(&mut self, content: &str) {
        let heard = self.next_frame();
        let got = ["msg_type", "sender", "content"].map(|name| heard[name].as_str().unwrap_or_default());
        assert_eq!(got, ["chat", "server", content], "{}", self.name);
        self.acknowledge(&heard);
    }
}

/// Program 0, six members.
#[test]
fn reliable_talks_like_program_0() {
    let server = Running::start(usual(), &[RELIABLE]);
    let mut alice = Reliable::join(&server, "alice");
    let mut bob = Reliable::join(&server, "bob");
    alice.hears_chat("*** bob joined the chat ***");
    alice.says("chat", "hello everyone");
    bob.hears_chat("[alice]: hello everyone");
    // A repetition is acknowledged again and said once.
    let again = message("chat_1_1", "chat", "alice", "once", None);
    for _ in 0..2 {
        alice.client.sends(&frame(&again));
        alice.is_acknowledged("chat_1_1");
    }
    bob.hears_chat("[alice]: once");
    // Dropped silently, as in the original: a wrong checksum, an unknown member, an unknown type.
    let wrong = again.replace("once", "forged").replace("chat_1_1", "chat_1_2");
    alice.client.sends(&frame(&wrong));
    alice.client.sends(&frame("{\"msg_id\": \"x\", \"msg_type\": \"chat\", \"sender\": \"a\", \"content\": \"b\", \"timestamp\": 1, \"priority\": 1, \"odd\": 2}"));
    alice.client.sends(&frame(&message("x_1_1", "poem", "alice", "roses", None)));
    alice.says("chat", "after the bad ones");
    bob.hears_chat("[alice]: after the bad ones");
    alice.says("private_message", "@bob psst");
    bob.hears_chat("[PRIVATE from alice]: psst");
    let ping = message("heartbeat_1_1", "heartbeat", "bob", "ping", None);
    bob.client.sends(&frame(&ping));
    bob.is_acknowledged("heartbeat_1_1");
    let pong = bob.next_frame();
    assert_eq!((pong["msg_type"].as_str(), pong["content"].as_str()), (Some("heartbeat"), Some("pong")));
    bob.acknowledge(&pong);
    // A namesake gets a number instead of a refusal, which would make its client come again.
    let mut second = Reliable::join(&server, "Alice");
    second.hears_chat("'Alice' is taken; you are Alice_2");
    bob.hears_chat("*** Alice_2 joined the chat ***");
    // After `leave` the server waits for the client's close.
    bob.says("leave", "leaving");
    bob.client.stays_open(std::time::Duration::from_millis(600));
    alice.hears_chat("*** Alice_2 joined the chat ***");
    alice.hears_chat("*** bob left the chat ***");
    bob.client.is_closed();
}

/// Program 0's unused module: eight members, another checksum, compact separators.
#[test]
fn reliable_answers_in_the_variant_that_a_connection_spoke_first() {
    let server = Running::start(usual(), &[RELIABLE]);
    let mut six = Reliable::join(&server, "six");
    let mut eight =
        Reliable { client: server.connect(RELIABLE), name: "eight".to_owned(), order: Some((1, 0)), sent: 0 };
    eight.says("join", "eight");
    six.hears_chat("*** eight joined the chat ***");
    six.says("chat", "hi");
    let heard = eight.next_frame();
    assert_eq!(heard["content"], "[six]: hi");
    assert!(heard["priority"].is_i64() && heard["sequence_number"].is_i64(), "{heard}");
    eight.acknowledge(&heard);
    six.says("private_message", "@eight psst");
    assert_eq!(eight.next_frame()["msg_type"], "private_message");
}

/// Program 0's tester: one frame for each of its messages and nothing else.
#[test]
fn reliable_answers_the_tester_with_one_frame_each() {
    let server = Running::start(usual(), &[RELIABLE]);
    let mut alice = Reliable::join(&server, "alice");
    let mut tester = Reliable { client: server.connect(RELIABLE), name: String::new(), order: None, sent: 0 };
    for n in 0..20 {
        let text = format!(
            "{{\"id\": \"test_msg_{n}_1\", \"type\": \"chat\", \"username\": \"tester\", \"content\": \"Test message {n}\", \"timestamp\": 1.5}}"
        );
        tester.client.sends(&frame(&text));
        assert_eq!(tester.next_frame()["type"], "ack");
        alice.says("chat", "unheard");
    }
    tester.client.hears_nothing();
}

/// Nobody acknowledges: the same bytes come again after three seconds.
#[test]
fn reliable_repeats_what_is_not_acknowledged() {
    let server = Running::start(usual(), &[RELIABLE]);
    let mut alice = Reliable::join(&server, "alice");
    let mut bob = Reliable::join(&server, "bob");
    alice.hears_chat("*** bob joined the chat ***");
    alice.says("chat", "hello");
    let started = std::time::Instant::now();
    let first = bob.next_frame();
    assert_eq!(bob.next_frame(), first);
    let waited = started.elapsed().as_secs_f64();
    assert!((2.9..6.0).contains(&waited), "{waited} s");
    bob.acknowledge(&first);
    bob.client.hears_nothing();
}

/// A client that joins again on the same connection has another name; both may come in one read.
#[test]
fn who_joins_twice_at_once_is_renamed() {
    let server = Running::start(usual(), &[RELIABLE, SLASH]);
    let mut bob = server.connect(SLASH);
    bob.ignores();
    bob.says("bob");
    bob.ignores();
    let mut kim = server.connect(RELIABLE);
    let joins = [("join_1_1", "kim"), ("join_1_2", "kay")];
    kim.sends(&joins.map(|(id, nick)| frame(&message(id, "join", nick, nick, None))).concat());
    bob.hears("[T] [SERVER] User 'kim' has joined the chat.");
    bob.hears("[T] [SERVER] User 'kim' is now known as 'kay'.");
}
