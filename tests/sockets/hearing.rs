//! Order of hearing: those who flood wait for their turn, those who hear them lose nothing, and
//! everybody else notices nothing.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::Read as _;
use std::time::{Duration, Instant};

use crate::sockets::{Client, Running, frame, message, usual};
use testbed::chat::protocol::{Dialect, JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH};
use testbed::live::server::Settings;

const KINDS: [&dyn Dialect; 5] = [RELIABLE, JSON_LINES, SLASH, ROOMS, PIPE];

/// The default pacing lets a client of `json-lines` hear a hundred texts a second, the default rate
/// limit lets one person say ten times as many.
#[test]
fn who_floods_a_paced_listener_holds_up_nobody_else() {
    let server = Running::start(usual(), &KINDS);
    let mut paced = server.connect(JSON_LINES);
    paced.sends(b"{\"type\": \"join\", \"username\": \"paced\"}\n");
    let mut listener = server.connect(SLASH);
    listener.ignores();
    listener.says("listener");
    let mut ticker = server.connect(SLASH);
    ticker.ignores();
    ticker.says("ticker");
    // A pause, so that the name is a read of its own: one read is one message.
    ticker.ignores();
    let mut flood = server.connect(RELIABLE);
    flood.sends(&frame(&message("join_1_1", "join", "flood", "flood", None)));
    let text = "f".repeat(60);
    let flooding = std::thread::spawn(move || {
        for n in 0..6_000 {
            let bytes = frame(&message(&format!("chat_1_{n}"), "chat", "flood", &text, None));
            if std::io::Write::write_all(&mut flood.stream, &bytes).is_err() {
                break;
            }
        }
        flood
    });
    let reading = std::thread::spawn(move || {
        // Each word with the instant at which it was read.
        let (mut heard, mut text, mut buffer) = (Vec::new(), String::new(), [0; 8_192]);
        while heard.len() < 12 {
            let read = listener.stream.read(&mut buffer).expect("words");
            text += &String::from_utf8_lossy(&buffer[..read]);
            while text.contains(&format!("tick {:02}", heard.len())) {
                heard.push(Instant::now());
            }
        }
        heard
    });
    let mut said = Vec::new();
    for n in 0..12 {
        said.push(Instant::now());
        ticker.sends(format!("tick {n:02}").as_bytes());
        std::thread::sleep(Duration::from_millis(200));
        let started = Instant::now();
        let mut guest = server.connect(JSON_LINES);
        guest.sends(format!("{{\"type\": \"join\", \"username\": \"guest{n}\"}}\n").as_bytes());
        assert!(guest.stream.read(&mut [0; 64]).expect("a welcome") > 0);
        assert!(started.elapsed() < Duration::from_secs(1), "join {n}: {:?}", started.elapsed());
    }
    let heard = reading.join().expect("no panic");
    for (n, (said, heard)) in said.iter().zip(&heard).enumerate() {
        assert!(*heard - *said < Duration::from_secs(1), "word {n}: {:?}", *heard - *said);
    }
    drop(server);
    drop(flooding.join().expect("no panic"));
}

/// Its echoes unread, the end of its connection is a reset.
#[test]
fn who_goes_in_the_middle_is_heard_to_the_end() {
    let server = Running::start(Settings { rate_limit: 10, ..usual() }, &KINDS);
    let mut bob = server.connect(SLASH);
    bob.ignores();
    bob.says("bob");
    bob.ignores();
    let mut kim = server.connect(JSON_LINES);
    kim.sends(b"{\"type\": \"join\", \"username\": \"kim\"}\n");
    bob.ignores();
    let lines: Vec<String> =
        (0..40).map(|n| format!("{{\"type\": \"chat\", \"message\": \"{n}\"}}\n")).collect();
    kim.sends(lines.concat().as_bytes());
    std::thread::sleep(Duration::from_millis(300));
    drop(kim);
    for n in 0..40 {
        bob.hears(&format!("[T] [kim] {n}"));
    }
    bob.hears("[T] [SERVER] User 'kim' has left the chat.");
}

#[test]
fn who_is_far_behind_is_heard_when_it_acknowledges() {
    let server = Running::start(usual(), &[RELIABLE, JSON_LINES]);
    let mut listener = server.connect(RELIABLE);
    listener.sends(&frame(&message("join_1_1", "join", "kim", "kim", None)));
    let mut flood = server.connect(JSON_LINES);
    flood.sends(b"{\"type\": \"join\", \"username\": \"flood\"}\n");
    flood.ignores();
    let line = format!("{{\"type\": \"chat\", \"message\": \"{}\"}}\n", "m".repeat(500));
    flood.sends(line.repeat(900).as_bytes());
    // All of it waits for the first acknowledgment.
    std::thread::sleep(Duration::from_secs(1));
    acknowledge_texts(&mut listener, 900);
}

#[test]
fn who_floods_costs_nobody_who_reads_the_connection() {
    let pacing = Some(testbed::time::Duration::from_millis(2));
    let server = Running::start(Settings { max_backlog: 100_000, pacing, ..usual() }, &KINDS);
    let mut listener = server.connect(RELIABLE);
    listener.sends(&frame(&message("join_1_1", "join", "kim", "kim", None)));
    let welcomed = |kind, nick: &str| {
        let mut client = server.connect(kind);
        client.ignores();
        client.says(nick);
        client.ignores();
        client
    };
    let readers = [SLASH, ROOMS, PIPE].map(|kind| welcomed(kind, kind.name()));
    let mut flood = server.connect(JSON_LINES);
    flood.sends(b"{\"type\": \"join\", \"username\": \"flood\"}\n");
    flood.ignores();
    let mut ticker = welcomed(SLASH, "ticker");
    // Few long texts in a moment, and in one read a great many short ones, which grow on the way.
    let (long, short) = (20, 1_000);
    let line = format!("{{\"type\": \"chat\", \"message\": \"{}\"}}\n", "Q".repeat(16_000));
    flood.sends(line.repeat(long).as_bytes());
    ticker.sends("Z\n".repeat(short).as_bytes());
    let expected = (long * 16_000, short);
    let counts = readers.map(|mut reader| {
        std::thread::spawn(move || {
            let (mut heard, mut buffer) = ((0, 0), [0; 8_192]);
            while heard != expected
                && let Ok(read @ 1..) = reader.stream.read(&mut buffer)
            {
                heard.0 += buffer[..read].split(|&byte| byte == b'Q').count() - 1;
                heard.1 += buffer[..read].split(|&byte| byte == b'Z').count() - 1;
            }
            heard
        })
    });
    acknowledge_texts(&mut listener, long + short);
    for count in counts {
        assert_eq!(count.join().expect("no panic"), expected);
    }
}

/// Hears so many texts in program 0's dialect, and acknowledges each.
fn acknowledge_texts(listener: &mut Client, count: usize) {
    let mut heard = 0;
    while heard < count {
        let next = listener.next_frame();
        if next["msg_type"] == "ack" {
            continue;
        }
        heard += usize::from(next["content"].as_str().expect("a text").starts_with('['));
        let content = format!("{{\"ack_for\": \"{}\"}}", next["msg_id"].as_str().expect("an id"));
        listener.sends(&frame(&message("ack_1_1", "ack", "", &content, None)));
    }
}

/// Its side is closed, its ear is not: a paced dialect takes two seconds for so many answers.
#[test]
fn who_has_said_its_last_hears_every_answer() {
    let server = Running::start(Settings { rate_limit: 0, ..usual() }, &KINDS);
    let mut kim = server.connect(JSON_LINES);
    kim.sends(b"{\"type\": \"join\", \"username\": \"kim\"}\n");
    kim.sends("{\"type\": \"ping\"}\n".repeat(200).as_bytes());
    kim.says_no_more();
    let mut heard = String::new();
    kim.stream.read_to_string(&mut heard).expect("an orderly end");
    assert_eq!(heard.matches("pong").count(), 200);
}

/// The original's identifiers are four random digits and a second: within one they collide.
#[test]
fn two_messages_with_one_identifier_are_two() {
    let server = Running::start(usual(), &KINDS);
    let mut bob = server.connect(SLASH);
    bob.ignores();
    bob.says("bob");
    bob.ignores();
    let mut kim = server.connect(RELIABLE);
    kim.sends(&frame(&message("join_1_1", "join", "kim", "kim", None)));
    bob.hears("[T] [SERVER] User 'kim' has joined the chat.");
    let [one, two] = ["one", "two"].map(|text| frame(&message("chat_1_5555", "chat", "kim", text, None)));
    // A message that comes twice is said once.
    kim.sends(&[one.clone(), two, one].concat());
    bob.hears("[T] [kim] one");
    bob.hears("[T] [kim] two");
    bob.hears_nothing();
}

/// A text that a person of `slash` ends with a newline is one message; one that is not ended one day is, too.
#[test]
fn slash_hears_the_end_of_a_line_that_never_ends() {
    let server = Running::start(usual(), &[SLASH]);
    let join = |name: &str| {
        let mut client = server.connect(SLASH);
        client.ignores();
        client.sends(format!("{name}\n").as_bytes());
        client.ignores();
        client
    };
    let mut bob = join("bob");
    let mut alice = join("alice");
    bob.hears("[T] [SERVER] User 'alice' has joined the chat.");
    alice.sends(b"one\nt");
    bob.hears("[T] [alice] one");
    alice.sends(b"wo\nthree");
    bob.hears("[T] [alice] two");
    // Nothing follows for a while.
    bob.hears("[T] [alice] three");
    let mut carol = join("carol");
    bob.hears("[T] [SERVER] User 'carol' has joined the chat.");
    carol.sends(b"farewell");
    carol.stream.shutdown(std::net::Shutdown::Write).expect("an open socket");
    bob.hears("[T] [carol] farewell");
    bob.hears("[T] [SERVER] User 'carol' has left the chat.");
}
