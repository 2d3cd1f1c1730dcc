//! Promises of `serve --store` to registered people, in every dialect: rooms, membership and private messages
//! outlive a kill, and nothing of it is acknowledged that is not kept. The clients write what the original
//! programs write, and our commands where those have none.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::program::{Server, out, testbed};
use crate::sockets::{Client, PATIENCE, frame, message};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

const DIALECTS: [&str; 5] = ["reliable", "json-lines", "slash", "rooms", "pipe"];
/// Without frames one read is one message.
const APART: Duration = Duration::from_millis(60);

/// A client of any dialect.
struct Person {
    dialect: &'static str,
    client: Client,
    bytes: VecDeque<u8>,
    /// Text it was told, in the order in which it came.
    heard: String,
    /// Acknowledgments of its messages.
    acknowledged: String,
    said: u32,
}

impl Person {
    fn come(server: &Server, dialect: &'static str, name: &str) -> Person {
        let client = server.connect(dialect);
        client.stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a socket");
        let (bytes, text) = (VecDeque::new(), String::new());
        let mut person = Person { dialect, client, bytes, heard: text.clone(), acknowledged: text, said: 0 };
        match dialect {
            "reliable" => drop(person.says("join", name)),
            "json-lines" => person.sends(&format!("{{\"type\": \"join\", \"username\": \"{name}\"}}\n")),
            _ => person.sends(name),
        }
        let welcome = match dialect {
            "reliable" => return person,
            "json-lines" => "welcome",
            "slash" => "Welcome, ",
            "rooms" => "Connected",
            _ => "WELCOME",
        };
        person.hears(welcome);
        person
    }

    fn sends(&mut self, text: &str) {
        sleep(APART);
        self.client.sends(text.as_bytes());
    }

    /// A message of `reliable`; its id.
    fn says(&mut self, kind: &str, text: &str) -> String {
        self.said += 1;
        let id = format!("{kind}_1_{}", self.said);
        self.client.sends(&frame(&message(&id, kind, "me", text, None)));
        id
    }

    fn private(&mut self, to: &str, text: &str) {
        match self.dialect {
            "reliable" => drop(self.says("private_message", &format!("@{to} {text}"))),
            "json-lines" => {
                self.sends(&format!(
                    "{{\"type\": \"private\", \"to\": \"{to}\", \"message\": \"{text}\"}}\n"
                ));
            }
            "slash" => self.sends(&format!("/whisper {to} {text}")),
            "rooms" => self.sends(&format!("/dm {to} {text}")),
            _ => self.sends(&format!("{to}|{text}")),
        }
    }

    /// `/create den --private` and its like, in the dialect's words.
    fn command(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match (self.dialect, words.as_slice()) {
            ("reliable", _) => drop(self.says("chat", line)),
            ("json-lines", ["/create", room, ..]) => self
                .sends(&format!("{{\"type\": \"create_room\", \"room\": \"{room}\", \"private\": true}}\n")),
            ("json-lines", ["/invite", to, room]) => {
                self.sends(&format!("{{\"type\": \"invite\", \"to\": \"{to}\", \"room\": \"{room}\"}}\n"));
            }
            ("json-lines", [command, room, ..]) => {
                let kind = if *command == "/join" { "join_room" } else { "close_room" };
                self.sends(&format!("{{\"type\": \"{kind}\", \"room\": \"{room}\"}}\n"));
            }
            _ => self.sends(line),
        }
    }

    /// Waits until it was told this.
    fn hears(&mut self, words: &str) {
        let started = Instant::now();
        while !self.heard.contains(words) {
            assert!(started.elapsed() < PATIENCE, "{}: no {words:?} in {:?}", self.dialect, self.heard);
            self.read();
        }
    }

    /// Number of times it is told this within a while.
    fn counts(&mut self, words: &str) -> usize {
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(250) {
            self.read();
        }
        self.heard.matches(words).count()
    }

    fn read(&mut self) {
        let mut buffer = [0; 8_192];
        match self.client.stream.read(&mut buffer) {
            Ok(read) => {
                assert!(read > 0, "{}: closed after {:?}", self.dialect, self.heard);
                self.bytes.extend(&buffer[..read]);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => panic!("{}: {error}", self.dialect),
        }
        if self.dialect != "reliable" {
            let bytes = std::mem::take(&mut self.bytes);
            self.heard += &String::from_utf8_lossy(&Vec::from(bytes));
            return;
        }
        while self.bytes.len() >= 4 {
            let length: Vec<u8> = self.bytes.range(..4).copied().collect();
            let end = 4 + u32::from_be_bytes(length.try_into().expect("four")) as usize;
            if self.bytes.len() < end {
                return;
            }
            let json: Vec<u8> = self.bytes.drain(..end).skip(4).collect();
            let value: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
            let content = value["content"].as_str().expect("text");
            if value["msg_type"] == "ack" {
                self.acknowledged += content;
                continue;
            }
            self.heard += content;
            let ack = format!("{{\"ack_for\": \"{}\"}}", value["msg_id"].as_str().expect("an id"));
            self.client.sends(&frame(&message("ack_1_1", "ack", "me", &ack, None)));
        }
    }
}

fn start(store: &std::path::Path) -> Server {
    Server::start(&["--store", &store.display().to_string()])
}

#[test]
fn a_registered_name_finds_its_room_and_its_messages_after_a_kill_in_every_dialect() {
    for dialect in DIALECTS {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("chat.db");
        let server = start(&store);
        // A person without words for rooms is invited into another's.
        let founder = if dialect == "pipe" { "slash" } else { dialect };
        let mut kim = Person::come(&server, founder, "kim:secret");
        kim.command("/create den --private");
        kim.hears("den");
        let mut bob = Person::come(&server, "json-lines", "bob");
        bob.command("/join den");
        bob.hears("There is no room 'den' that you may enter: ask a member for /invite");
        kim.command("/invite bob den");
        bob.hears("\"type\": \"invitation\", \"username\": \"kim\", \"room\": \"den\"");
        bob.command("/join den");
        bob.hears("room_joined");
        drop(kim);
        bob.hears("user_left");
        bob.private("kim", "first");
        bob.private("KIM", "second");
        bob.hears("\"type\": \"private_sent\", \"to\": \"kim\", \"message\": \"second\"");
        bob.private("max", "x");
        bob.hears("User 'max' not found");
        server.kill();

        let server = start(&store);
        let mut eve = Person::come(&server, "slash", "eve");
        eve.command("/rooms");
        eve.hears("There are no rooms");
        let mut kim = Person::come(&server, dialect, "kim:secret");
        if dialect != "pipe" {
            kim.hears("den");
        }
        kim.hears("second");
        assert_eq!(kim.counts("first") + kim.counts("second"), 2, "{dialect}: {:?}", kim.heard);
        drop(kim);
        eve.hears("User 'kim' has left");
        let mut kim = Person::come(&server, founder, "kim:secret");
        kim.hears("den");
        assert_eq!(kim.counts("first"), 0, "{dialect}: heard again: {:?}", kim.heard);
        kim.heard.clear();
        kim.command("/close den");
        kim.hears("kim");
        server.kill();

        let server = start(&store);
        let mut kim = Person::come(&server, founder, "kim:secret");
        assert_eq!(kim.counts("den"), 0, "{dialect}: {:?}", kim.heard);
    }
}

#[test]
fn what_somebody_did_not_take_waits_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(&folder.path().join("chat.db"));
    let mut bob = Person::come(&server, "slash", "bob");
    drop(Person::come(&server, "slash", "kim:secret"));
    bob.hears("'kim' has left");
    bob.private("kim", "psst");
    bob.hears("kim is away");
    // This client acknowledges nothing, and goes.
    let mut silent = server.connect("reliable");
    silent.sends(&frame(&message("join_1_1", "join", "", "kim:secret", None)));
    while silent.next_frame()["msg_type"] != "chat" {}
    drop(silent);
    bob.heard.clear();
    bob.hears("'kim' has left");
    let mut kim = Person::come(&server, "reliable", "kim:secret");
    kim.hears("psst");
    assert_eq!(kim.counts("psst"), 1);
    drop(kim);
    bob.heard.clear();
    bob.hears("'kim' has left");
    let mut kim = Person::come(&server, "pipe", "kim:secret");
    assert_eq!(kim.counts("psst"), 0);
}

#[test]
fn so_many_messages_wait_at_most() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("chat.db").display().to_string();
    let server = Server::start(&["--store", &store, "--max-mail", "2"]);
    let mut bob = Person::come(&server, "slash", "bob");
    drop(Person::come(&server, "slash", "kim:secret"));
    bob.hears("'kim' has left");
    for text in ["one", "two", "three"] {
        bob.private("kim", text);
    }
    bob.hears("'kim' is away, and no more messages are kept");
    assert_eq!(bob.counts("PRIVATE TO kim"), 2);
    let mut kim = Person::come(&server, "json-lines", "kim:secret");
    kim.hears("[PRIVATE] two");
    assert_eq!(kim.counts("three"), 0);
}

#[test]
fn on_a_full_disk_no_room_is_founded_and_no_private_message_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("chat.db");
    let server = start(&store);
    let mut bob = Person::come(&server, "slash", "bob");
    drop(Person::come(&server, "slash", "lea:secret"));
    bob.hears("'lea' has left");
    let mut kim = Person::come(&server, "reliable", "kim:secret");
    kim.command("/create den --private");
    kim.hears("room den was created");
    limit_files(&server, Some(16_384));
    kim.heard.clear();
    let founding = kim.says("chat", "/create more");
    kim.hears("Not done: the server cannot keep it now");
    let telling = kim.says("private_message", "@lea secret");
    kim.counts("x");
    for id in [&founding, &telling] {
        assert!(!kim.acknowledged.contains(id.as_str()), "{id} was acknowledged: {}", kim.acknowledged);
    }
    // A message for somebody who is here needs no disk.
    let present = kim.says("private_message", "@bob hi");
    bob.hears("[PRIVATE FROM kim] hi");
    kim.counts("x");
    assert!(kim.acknowledged.contains(&present));
    limit_files(&server, None);
    sleep(Duration::from_millis(300));
    // As the original does with what is not acknowledged.
    let again = frame(&message(&telling, "private_message", "me", "@lea secret", None));
    kim.client.sends(&again);
    kim.hears("lea is away");
    kim.counts("x");
    assert!(kim.acknowledged.contains(&telling));
    server.kill();
    let server = start(&store);
    let mut lea = Person::come(&server, "slash", "lea:secret");
    lea.hears("[PRIVATE FROM kim] secret");
    assert_eq!(lea.counts("secret"), 1);
    let mut kim = Person::come(&server, "slash", "kim:secret");
    kim.hears("You are in room 'den'");
    kim.command("/join more");
    kim.hears("There is no room 'more'");
}

#[test]
fn an_administrator_may_end_any_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(&folder.path().join("chat.db"));
    let mut kim = Person::come(&server, "rooms", "kim:secret");
    kim.command("/create_room den");
    kim.hears("Room den created successfully!");
    let closes = |room: &str| {
        let words = ["admin", "--address", &server.addresses["admin"], "close", room];
        out(&testbed(&words).output().expect("the program runs"))
    };
    assert_eq!(closes("#DEN"), "room #DEN was closed\n");
    kim.hears("Server: room den was closed by server");
    assert!(closes("den").contains("there is no room 'den'; `rooms` lists them"));
}

fn limit_files(server: &Server, bytes: Option<u64>) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
    let process = Pid::from_child(&server.child);
    prlimit(Some(process), Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum })
        .expect("its parent");
}
