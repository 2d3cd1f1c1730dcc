//! Attacks that a public server meets: each of these leaves it up, its memory bounded, and the others
//! undisturbed.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::{Read as _, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::sockets::{Client, Running, frame, message, usual};
use testbed::chat::protocol::{Dialect, JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH, WEB};
use testbed::live::admin::ask;
use testbed::live::server::Settings;

const KINDS: [&dyn Dialect; 6] = [RELIABLE, JSON_LINES, SLASH, ROOMS, PIPE, WEB];

/// Two people who would notice if the server did not serve.
struct Witnesses {
    alice: Client,
    bob: Client,
    said: u32,
}

impl Witnesses {
    fn join(server: &Running) -> Witnesses {
        let mut pair = ["alice", "bob"].map(|name| {
            let mut client = server.connect(SLASH);
            client.ignores();
            client.says(name);
            client
        });
        // A newcomer may have to wait until others were heard.
        for client in &mut pair {
            client.waits_for("Welcome, ");
        }
        let [alice, bob] = pair;
        Witnesses { alice, bob, said: 0 }
    }

    /// They still talk, and at once.
    fn talk(&mut self) {
        // Others may have come and gone.
        self.alice.ignores();
        self.bob.ignores();
        self.said += 1;
        let started = Instant::now();
        self.alice.says(&format!("text {}", self.said));
        self.bob.hears(&format!("[T] [alice] text {}", self.said));
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    }
}

#[test]
fn nonsense_in_every_dialect_ends_at_most_its_own_connection() {
    let server = Running::start(usual(), &KINDS);
    let mut witnesses = Witnesses::join(&server);
    let deep = format!("{}\n", "[".repeat(100_000));
    let nonsense: [&[u8]; 8] = [
        b"\x40\0\0\0 a frame of a gibibyte",
        b"\xff\xfe\xfd no UTF-8 \xc3",
        b"\0\0\0\0\0\0",
        b"\0\0\0\x05{\"a\":",
        b"{\"type\": \"join\", \"username\": \"\\u0000\"}\n",
        b"\x1b[2J\x1b]0;owned\x07",
        b"||||,,,,\n\r\n/\n",
        deep.as_bytes(),
    ];
    for kind in KINDS {
        for bytes in nonsense {
            let mut client = server.connect(kind);
            client.sends(bytes);
            // The server may have ended it by now.
            let _ = std::io::Write::write_all(&mut client.stream, bytes);
            // In mid-frame, by a reset or in order.
            drop(client);
        }
    }
    witnesses.talk();
}

#[test]
fn an_endless_line_is_cut_off() {
    let server = Running::start(usual(), &KINDS);
    let mut witnesses = Witnesses::join(&server);
    for kind in [JSON_LINES, RELIABLE] {
        let mut client = server.connect(kind);
        // A plausible length for the one, a line without end for the other.
        let mut written = 0;
        let chunk = [b'1'; 8_192];
        while client.stream.write(&chunk).is_ok() {
            written += chunk.len();
            assert!(written < 64 << 20, "{kind:?} takes everything");
        }
    }
    witnesses.talk();
}

/// Bytes that ask nothing do not count against anybody's rate, and there may always be more of them.
#[test]
fn who_never_pauses_keeps_nobody_from_his_turn() {
    let server = Running::start(usual(), &KINDS);
    let mut witnesses = Witnesses::join(&server);
    let acknowledgment = frame(&message("ack_1_1", "ack", "x", "{\"ack_for\": \"x\"}", None)).repeat(1_000);
    let ends = Instant::now() + Duration::from_secs(2);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (mut stream, bytes) = (server.connect(RELIABLE).stream, &acknowledgment);
            scope.spawn(move || while Instant::now() < ends && stream.write_all(bytes).is_ok() {});
        }
        for _ in 0..4 {
            std::thread::sleep(Duration::from_millis(300));
            witnesses.talk();
        }
    });
}

#[test]
fn escape_sequences_reach_no_terminal() {
    let server = Running::start(usual(), &KINDS);
    let mut witnesses = Witnesses::join(&server);
    witnesses.alice.says("\x1b[2Jhi\x07\ttab");
    witnesses.bob.hears("[T] [alice] \u{fffd}[2Jhi\u{fffd}\ttab");
    let mut other = server.connect(SLASH);
    other.ignores();
    other.says("\x1b[31mred");
    other.hears("[T] [SERVER] Invalid username: use letters, digits, _ and -. Please choose another:");
    for spoof in [" ALICE ", "ali\u{200b}ce", "server", "All"] {
        other.says(spoof);
        let mut heard = [0; 256];
        let read = other.stream.read(&mut heard).expect("an answer");
        let heard = String::from_utf8_lossy(&heard[..read]).into_owned();
        assert!(heard.ends_with("Please choose another:"), "{spoof:?}: {heard}");
    }
}

#[test]
fn who_does_not_join_is_closed_and_half_open_connections_end_at_the_limit() {
    let join_within = testbed::time::Duration::from_millis(700);
    let settings = Settings { max_connections: 50, join_within, ..usual() };
    let server = Running::start(settings, &[JSON_LINES, SLASH]);
    let mut witnesses = Witnesses::join(&server);
    // A byte now and then is no join.
    let mut slow: Vec<Client> = (0..48).map(|_| server.connect(JSON_LINES)).collect();
    let mut over = server.connect(JSON_LINES);
    over.ends();
    for byte in b"{\"ty" {
        for client in &mut slow {
            let _ = client.stream.write_all(&[*byte]);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    witnesses.talk();
    for client in &mut slow {
        client.ends();
    }
    witnesses.talk();
}

#[test]
fn a_reader_that_stops_is_dropped_and_others_hear_everything() {
    // Unpaced, or the speaker would be slowed down long before the sockets are full.
    let pacing = Some(testbed::time::Duration::ZERO);
    let settings = Settings { max_backlog: 100_000, rate_limit: 0, pacing, ..usual() };
    let server = Running::start(settings, &[SLASH]);
    let join = |name: &str| {
        let mut client = server.connect(SLASH);
        client.ignores();
        client.says(name);
        client.ignores();
        client
    };
    let (mut speaker, hearer, deaf) = (join("speaker"), join("hearer"), join("deaf"));
    let heard = std::thread::spawn(move || {
        let (mut stream, mut heard, mut buffer) = (hearer.stream, 0, [0; 8_192]);
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            heard += buffer[..read].split(|&byte| byte == b'Q').count() - 1;
        }
        heard
    });
    let mut admin = TcpStream::connect(server.admin).expect("the port");
    let mut people = || {
        let stats = ask(&mut admin, &serde_json::json!({ "command": "get_stats", "params": {} }));
        stats.expect("a reply")["people"].as_u64().unwrap_or_default()
    };
    // Each is as long as program 2 reads at once.
    let lines = format!("{}\n", "Q".repeat(900)).repeat(10);
    let started = Instant::now();
    let mut said = 0;
    while people() == 3 {
        assert!(started.elapsed() < Duration::from_secs(30), "it is never dropped");
        speaker.sends(lines.as_bytes());
        said += 9_000;
        // So that a reader who reads keeps up.
        std::thread::sleep(Duration::from_micros(300));
    }
    assert_eq!(people(), 2);
    Witnesses::join(&server).talk();
    drop((deaf, server));
    assert_eq!(heard.join().expect("no panic"), said);
}

#[test]
fn replayed_reordered_and_forged_messages_are_said_once_or_never() {
    let server = Running::start(usual(), &KINDS);
    let mut witnesses = Witnesses::join(&server);
    let mut client = server.connect(RELIABLE);
    client.sends(&frame(&message("join_1_1", "join", "kim", "kim", None)));
    witnesses.bob.ignores();
    let texts = ["c", "a", "b", "a", "c"];
    for text in texts {
        client.sends(&frame(&message(&format!("chat_1_{text}"), "chat", "kim", text, None)));
    }
    let forged = message("chat_1_f", "chat", "kim", "x", None).replace("\"x\"", "\"forged\"");
    client.sends(&frame(&forged));
    client.sends(&frame(&message("chat_1_z", "chat", "kim", "end", None)));
    for text in ["c", "a", "b", "end"] {
        witnesses.bob.hears(&format!("[T] [kim] {text}"));
    }
}

#[test]
fn ten_thousand_joins_and_leaves_a_minute_are_nothing() {
    // No pacer: people would come in no faster than it passes on the news of it.
    let pacing = Some(testbed::time::Duration::ZERO);
    let server = Running::start(Settings { pacing, ..usual() }, &[SLASH, JSON_LINES]);
    let mut witnesses = Witnesses::join(&server);
    let started = Instant::now();
    let count = 1_000;
    for n in 0..count {
        let mut client = server.connect(JSON_LINES);
        client.sends(format!("{{\"type\": \"join\", \"username\": \"guest{n}\"}}\n").as_bytes());
        assert!(client.stream.read(&mut [0; 64]).expect("a welcome") > 0);
    }
    let rate = f64::from(count) / started.elapsed().as_secs_f64() * 60.0;
    assert!(rate > 10_000.0, "{rate:.0} a minute");
    witnesses.talk();
}

#[test]
fn who_floods_is_slowed_and_loses_nothing() {
    // Its echoes are not spaced: one that is answered a hundred times a second is heard no faster.
    let pacing = Some(testbed::time::Duration::ZERO);
    let settings = Settings { rate_limit: 500, pacing, ..usual() };
    let server = Running::start(settings, &[SLASH, JSON_LINES]);
    let mut witnesses = Witnesses::join(&server);
    let mut flood = server.connect(JSON_LINES);
    flood.sends(b"{\"type\": \"join\", \"username\": \"flood\"}\n");
    witnesses.bob.ignores();
    let started = Instant::now();
    let mut lines = String::new();
    for n in 0..2_500 {
        lines += &format!("{{\"type\": \"chat\", \"message\": \"{n}\"}}\n");
    }
    flood.sends(lines.as_bytes());
    for n in 0..2_500 {
        witnesses.bob.hears(&format!("[T] [flood] {n}"));
    }
    // A thousand at once and what one read brings, then five hundred a second.
    let seconds = started.elapsed().as_secs_f64();
    assert!((2.0..30.0).contains(&seconds), "{seconds} s");
    witnesses.talk();
}

#[test]
fn administrators_need_the_token_and_guessing_is_slow() {
    let server = Running::start_with_token(usual(), &[SLASH], Some("right"));
    let request = |token: &str| serde_json::json!({ "command": "get_stats", "params": {}, "token": token });
    let mut admin = TcpStream::connect(server.admin).expect("the port");
    let started = Instant::now();
    for guess in ["", "wrong", "righ"] {
        let reply = ask(&mut admin, &request(guess)).expect("a reply");
        assert_eq!(reply["error"], "a wrong token");
    }
    let silent = serde_json::json!({ "command": "get_stats", "params": {} });
    assert_eq!(ask(&mut admin, &silent).expect("a reply")["error"], "a wrong token");
    let reply = ask(&mut admin, &request("right")).expect("a reply");
    assert_eq!(reply["connected_clients"], 0);
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    // A frame of a gibibyte is refused.
    admin.write_all(&[0x40, 0, 0, 0]).expect("an open connection");
    let reply = testbed::live::admin::read_frame(&mut admin).expect("a reply").expect("a frame");
    assert!(reply["error"].is_string(), "{reply}");
}

#[test]
fn the_server_ends_within_a_second_though_somebody_does_not_read() {
    let server = Running::start(usual(), &[SLASH]);
    let mut clients: Vec<Client> = (0..20).map(|_| server.connect(SLASH)).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.says(&format!("guest{n}"));
    }
    assert!(server.stop() < Duration::from_secs(1));
    for client in &mut clients {
        client.ends();
    }
}

/// A client that leaves while its password is compared leaves its number to the next one, and not its nick.
#[test]
fn a_password_opens_for_the_connection_that_showed_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { store: Some(folder.path().join("chat.db")), ..usual() };
    let server = Running::start(settings, &[SLASH]);
    let mut kim = server.connect(SLASH);
    kim.ignores();
    kim.says("kim:secret");
    kim.hears("[T] [SERVER] Welcome, kim! Type /help for available commands.");
    kim.says("/quit");
    kim.ends();
    let mut clients: Vec<Client> = (0..9).map(|_| server.connect(SLASH)).collect();
    std::thread::sleep(Duration::from_millis(50));
    // Passwords are compared one after the other, so that kim is gone long before its turn comes; with
    // the greeting unread it ends by a reset, after which nothing lingers.
    for (n, guess) in clients.iter_mut().take(8).enumerate() {
        guess.says(&format!("kim:{n}"));
    }
    let mut kim = clients.pop().expect("the ninth");
    kim.says("kim:secret");
    drop(kim);
    std::thread::sleep(Duration::from_millis(50));
    let mut other = server.connect(SLASH);
    other.says("kim:wrong");
    let mut heard = String::new();
    other.stream.read_to_string(&mut heard).expect("an end");
    assert!(heard.contains("Wrong password") && !heard.contains("Welcome, kim"), "{heard}");
}

/// Passwords are compared one after the other, and slowly.
#[test]
fn who_is_gone_keeps_nobody_with_a_password_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { store: Some(folder.path().join("chat.db")), ..usual() };
    let server = Running::start(settings, &KINDS);
    for n in 0..400 {
        let mut gone = server.connect(JSON_LINES);
        gone.sends(format!("{{\"type\": \"join\", \"username\": \"a{n}:pw\"}}\n").as_bytes());
    }
    let mut kim = server.connect(SLASH);
    kim.ignores();
    kim.says("kim:secret");
    kim.hears("[T] [SERVER] Welcome, kim! Type /help for available commands.");
}

#[test]
fn accounts_open_to_their_password_and_history_outlives_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = || Settings { store: Some(folder.path().join("chat.db")), history: 5, ..usual() };
    let server = Running::start(settings(), &[ROOMS, SLASH]);
    let mut kim = server.joined(ROOMS, "kim:secret", "Connected to the server");
    kim.says("/broadcast");
    kim.hears("Enter your message: ");
    kim.says("remember me");
    kim.hears("Message broadcasted!");
    let mut other = server.connect(SLASH);
    other.ignores();
    other.says("Kim:wrong");
    other.hears("[T] [SERVER] Wrong password.");
    other.is_closed();
    let mut other = server.connect(SLASH);
    other.ignores();
    other.says("kim");
    other.hears("[T] [SERVER] This name needs its password: write NAME:PASSWORD.");
    other.is_closed();
    drop(kim);
    server.stop();
    let server = Running::start(settings(), &[SLASH]);
    let mut kim = server.connect(SLASH);
    kim.ignores();
    kim.says("kim:secret");
    kim.hears("[T] [SERVER] Welcome, kim! Type /help for available commands.");
    kim.hears("[T] [kim] remember me");
}
