//! Conversations over a network in memory: in order, hostile, slow.

use super::*;
use crate::app::testing::{Raw, World, ms};
use crate::chat::protocol::JSON_LINES;

const JOIN_ALICE: &str = "{\"type\": \"join\", \"username\": \"alice\"}\n";
const JOIN_BOB: &str = "{\"type\": \"join\", \"username\": \"bob\"}\n";

/// A world of clients that send these bytes, and what each of them heard.
fn run(texts: &[&str], server: ChatServer) -> (World<ChatServer>, Vec<String>) {
    let mut world = World::new(1, server, ms(1000));
    let mut heard = Vec::new();
    for text in texts {
        let raw = Raw::new(text);
        heard.push(raw.heard.clone());
        world.add(raw);
    }
    world.start();
    world.run_until(ms(1));
    let text = |bytes: &std::sync::Mutex<Vec<u8>>| {
        String::from_utf8(bytes.lock().expect("one thread").clone()).expect("ASCII")
    };
    let heard = heard.iter().map(|bytes| text(bytes)).collect();
    (world, heard)
}

fn server() -> ChatServer {
    ChatServer::new(JSON_LINES)
}

#[test]
fn a_conversation_is_program_1s() {
    let chat = format!("{JOIN_ALICE}{{\"type\": \"chat\", \"message\": \" hi \"}}\n{{\"type\":\"ping\"}}\n");
    let (world, heard) = run(&[&chat], server());
    let at = "\"timestamp\": 1700000000.000000}";
    assert_eq!(
        heard[0].lines().collect::<Vec<_>>(),
        [
            &format!(
                "{{\"type\": \"welcome\", \"message\": \"Welcome to the chat, alice!\", \"users\": [\"alice\"], {at}"
            ),
            &format!("{{\"type\": \"chat\", \"username\": \"alice\", \"message\": \"hi\", {at}"),
            "{\"type\": \"pong\"}",
        ]
    );
    assert_eq!(world.server.people(), 1);
}

#[test]
fn a_second_alice_is_told_and_closed_and_the_first_stays() {
    let (world, heard) = run(&[JOIN_ALICE, JOIN_ALICE], server());
    let refused = "{\"type\": \"error\", \"message\": \"Username already taken\"}\n";
    assert_eq!(heard.iter().filter(|heard| *heard == refused).count(), 1);
    assert_eq!(world.server.people(), 1);
    assert_eq!(world.server.counts().rejected, 1);
    assert_eq!(world.net.conns.iter().filter(|pair| pair.gone).count(), 1);
}

#[test]
fn nonsense_ends_only_the_connection_it_came_from() {
    let broken = format!("{JOIN_BOB}nonsense\n");
    let (world, heard) = run(&[JOIN_ALICE, &broken, "GET / HTTP/1.1\n"], server());
    assert!(heard[0].contains("bob left the chat"));
    assert_eq!(heard[2], "{\"type\": \"error\", \"message\": \"Invalid username\"}\n");
    assert_eq!(world.server.people(), 1);
    assert_eq!(world.server.counts().malformed, 2);
}

#[test]
fn who_does_not_join_in_time_is_closed() {
    let (mut world, heard) = run(&[JOIN_ALICE, ""], server());
    assert_eq!(world.server.poll_timeout(), Some(ms(30_000)));
    world.run_until(ms(31_000));
    assert_eq!(world.server.counts().silent, 1);
    assert_eq!(world.server.people(), 1);
    assert_eq!(heard[1], "");
    assert_eq!(world.server.poll_timeout(), None);
}

#[test]
fn who_does_not_listen_is_reset_and_the_others_go_on() {
    let mut world = World::new(1, server().queue_limit(45_000), ms(1000));
    let shouting = "{\"type\": \"chat\", \"message\": \"tell me more\"}\n".repeat(600);
    let (mut alice, bob) = (Raw::new(JOIN_ALICE), Raw::new(JOIN_BOB));
    alice.send.extend(shouting.bytes());
    let heard = alice.heard.clone();
    world.add(alice);
    world.add(bob);
    world.net.capacity = 5000;
    world.start();
    world.net.conns[1].frozen = true;
    world.run_until(ms(1));
    assert_eq!(world.server.counts().overflowed, 1);
    assert!(world.net.conns[1].gone && !world.net.conns[0].gone);
    let heard = String::from_utf8(heard.lock().expect("one thread").clone()).expect("ASCII");
    assert_eq!(heard.matches("tell me more").count(), 600);
    assert!(heard.contains("bob left the chat"));
}

#[test]
fn who_closes_after_its_last_word_is_heard_and_gone() {
    let mut world = World::new(1, server(), ms(1000));
    let mut bob = Raw::new(JOIN_BOB);
    bob.send.extend(b"{\"type\": \"chat\", \"message\": \"farewell\"}\n");
    bob.close = true;
    let alice = Raw::new(JOIN_ALICE);
    let heard = alice.heard.clone();
    world.add(alice);
    world.add(bob);
    world.start();
    world.run_until(ms(1));
    let heard = String::from_utf8(heard.lock().expect("one thread").clone()).expect("ASCII");
    assert!(heard.contains("\"message\": \"farewell\""), "{heard}");
    assert!(heard.contains("bob left the chat"));
    assert!(world.net.conns[1].gone);
}

#[test]
fn what_follows_a_goodbye_is_not_heard() {
    let text = format!("{JOIN_ALICE}{{\"type\": \"leave\"}}\n{{\"type\": \"ping\"}}\n");
    let (world, heard) = run(&[&text], server());
    assert!(!heard[0].contains("pong"));
    assert_eq!(world.server.people(), 0);
    assert_eq!(world.server.counts(), Counts::default());
}

#[test]
fn hostile_bytes_hurt_nobody_else() {
    let endless = "x".repeat(70_000);
    let deep = format!("{JOIN_BOB}{}\n", "[".repeat(50_000));
    let (world, heard) = run(&[JOIN_ALICE, &endless, &deep, "\0\0\0\u{7}\n"], server());
    assert_eq!(world.server.people(), 1);
    assert!(heard[0].contains("bob left the chat"));
    assert_eq!(world.server.counts().malformed, 3);
}
