//! Files between people at terminals, and from clients that lie.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::program::testbed;
use crate::sockets::{Client, Running, usual};
use testbed::chat::protocol::{JSON_LINES, SLASH, WEB, by_name};
use testbed::live::server::Settings;

/// A person at a terminal whose lines are a script's.
struct Person {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Person {
    fn joins(server: &Running, dialect: &str, nick: &str, folder: &Path) -> Person {
        let kind = by_name(dialect).expect("a dialect");
        let mut person = Person::calls(&server.address(kind).to_string(), dialect, nick, folder);
        person.waits_for("you are");
        person
    }

    fn calls(address: &str, dialect: &str, nick: &str, folder: &Path) -> Person {
        let folder = folder.to_str().expect("a text");
        let words = [
            "chat",
            nick,
            "--dialect",
            dialect,
            "--address",
            address,
            "--files",
            folder,
            "--linger",
            "100ms",
        ];
        let mut child = testbed(&words).stdin(Stdio::piped()).spawn().expect("the program runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Person { child, lines }
    }

    fn types(&mut self, line: &str) {
        writeln!(self.child.stdin.as_ref().expect("open"), "{line}").expect("it reads");
    }

    fn waits_for(&mut self, words: &str) -> String {
        let mut before = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.expect("a text");
            if line.contains(words) {
                return line;
            }
            before.push(line);
        }
        panic!("{words:?} never came; there is {before:?}");
    }

    /// Ends the input: what is under way ends first.
    fn ends(mut self) -> (bool, String) {
        drop(self.child.stdin.take());
        let rest: Vec<_> = self.lines.map_while(Result::ok).collect();
        (self.child.wait().expect("it ends").success(), rest.join("\n"))
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a text")).collect();
    names.sort();
    names
}

#[test]
fn files_arrive_as_they_were_and_texts_between_their_parts() {
    let server = Running::start(usual(), &[JSON_LINES, WEB]);
    let from = tempfile::tempdir().expect("a folder");
    let to = tempfile::tempdir().expect("a folder");
    let large: Vec<u8> = (0..300_001_u32).map(|n| (n ^ (n >> 7)) as u8).collect();
    let contents: [(&str, &[u8]); 4] =
        [("large file.bin", &large), ("empty", b""), ("one", b"x"), ("part", &[7; 8_192])];
    let mut bob = Person::joins(&server, "web", "bob", to.path());
    let mut kim = Person::joins(&server, "json-lines", "kim", from.path());
    for (name, content) in contents {
        let path = from.path().join(name);
        std::fs::write(&path, content).expect("written");
        kim.types(&format!("/send {} bob", path.display()));
        kim.waits_for("is offered to 1 person");
        let offered = bob.waits_for("kim offers you");
        assert!(offered.contains(&format!("{name} ({} bytes): /accept ", content.len())), "{offered}");
        bob.types("/accept");
        // Of the others there is nothing to be between.
        if content.len() > 100_000 {
            kim.types("words between the parts");
            bob.waits_for("words between the parts");
        }
        bob.waits_for("checksum right");
        kim.waits_for(&format!("bob has {name}, checksum right"));
        assert_eq!(std::fs::read(to.path().join(name)).expect("there"), content, "{name}");
    }
    // A second one of the same name replaces none; one that is not wanted leaves nothing.
    kim.types(&format!("/send {} bob", from.path().join("one").display()));
    bob.waits_for("kim offers you");
    bob.types("/accept");
    kim.waits_for("bob has one");
    kim.types(&format!("/send {} bob", from.path().join("one").display()));
    bob.waits_for("kim offers you");
    bob.types("/decline");
    kim.waits_for("bob does not take one");
    assert_eq!(names(to.path()), ["empty", "large file.bin", "one", "one-2", "part"]);
    assert_eq!((kim.ends().0, bob.ends().0), (true, true));
}

#[test]
fn a_script_ends_when_what_is_under_way_has_ended() {
    let server = Running::start(usual(), &[JSON_LINES]);
    let from = tempfile::tempdir().expect("a folder");
    let to = tempfile::tempdir().expect("a folder");
    let path = from.path().join("file");
    std::fs::write(&path, vec![1; 2_000_000]).expect("written");
    let mut bob = Person::joins(&server, "json-lines", "bob", to.path());
    let mut kim = Person::joins(&server, "json-lines", "kim", from.path());
    kim.types("/create den");
    kim.waits_for("you have founded #den");
    bob.types("/join den");
    bob.waits_for("you are in #den");
    kim.types(&format!("/send {} #den", path.display()));
    bob.waits_for("in #den (2000000 bytes)");
    bob.types("/accept");
    let (bob_ended, said) = bob.ends();
    assert!(bob_ended && said.contains("is here, 2000000 bytes"), "{said}");
    kim.waits_for("bob has file");
    assert!(kim.ends().0);
    assert_eq!(names(to.path()), ["file"]);
}

#[test]
fn a_refused_offer_takes_no_other_with_it_and_a_script_learns_of_it() {
    let server = Running::start(usual(), &[JSON_LINES, SLASH]);
    let folder = tempfile::tempdir().expect("a folder");
    let to = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, b"hello").expect("written");
    let mut bob = Person::joins(&server, "json-lines", "bob", to.path());
    let mut kim = Person::joins(&server, "json-lines", "kim", folder.path());
    kim.types(&format!("/send {0} nobody\n/send {0} bob", path.display()));
    kim.waits_for("file is not offered: ");
    bob.waits_for("kim offers you file");
    bob.types("/accept");
    kim.waits_for("bob has file, checksum right");
    assert_eq!((kim.ends().0, bob.ends().0), (false, true));
    let mut sue = Person::joins(&server, "slash", "sue", folder.path());
    sue.types(&format!("/send {} bob", path.display()));
    sue.waits_for("this dialect has no words for that");
    assert!(!sue.ends().0);
}

/// A client that takes files, by hand.
fn taker(server: &Running, nick: &str) -> Client {
    let mut client = server.connect(JSON_LINES);
    client.ignores();
    client.says(&format!("{{\"type\": \"join\", \"username\": \"{nick}\", \"files\": true}}\n"));
    client.waits_for("Welcome");
    client
}

/// A reader in a room who is cut off gets the rest when it is back, and is not offered to the one who has it.
#[test]
fn a_file_to_a_room_goes_on_with_a_reader_who_was_cut_off() {
    let server = Running::start(usual(), &[JSON_LINES]);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file.bin");
    std::fs::write(&path, vec![7; 20_000]).expect("written");
    let mut sue = Person::joins(&server, "json-lines", "sue", folder.path());
    sue.types("/create den");
    sue.waits_for("den");
    let enters = |nick: &str| {
        let mut client = taker(&server, nick);
        client.says("{\"type\": \"join_room\", \"room\": \"den\"}\n");
        client.waits_for("room_joined");
        client
    };
    let (mut ann, mut bob) = (enters("ann"), enters("bob"));
    sue.types(&format!("/send {} #den", path.display()));
    for client in [&mut ann, &mut bob] {
        client.waits_for("\"room\": \"den\"");
        client.says("{\"type\": \"file_ask\", \"file\": 1, \"from\": 0}\n");
        client.waits_for("file_part");
    }
    ann.says("{\"type\": \"file_end\", \"file\": 1, \"how\": \"done\"}\n");
    sue.waits_for("ann has file.bin");
    drop(bob);
    sue.waits_for("bob has left before file.bin was there");
    let mut bob = server.connect(JSON_LINES);
    bob.says("{\"type\": \"join\", \"username\": \"bob\", \"files\": true}\n");
    // To him alone, and not to the room.
    bob.waits_for("\"type\": \"file_offered\", \"file\": 2, \"username\": \"sue\", \"name\": \"file.bin\"");
    sue.waits_for("file.bin is offered to 1 person");
    bob.says("{\"type\": \"file_ask\", \"file\": 2, \"from\": 8192}\n");
    bob.waits_for("\"type\": \"file_part\", \"file\": 2, \"from\": 8192");
    bob.says("{\"type\": \"file_end\", \"file\": 2, \"how\": \"done\"}\n");
    sue.waits_for("bob has file.bin");
    assert!(sue.ends().0, "all have it");
}

/// After the end of a server the sender is back in the room before the others: the offer waits for them.
#[test]
fn a_file_to_a_room_waits_for_the_others_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file.bin");
    std::fs::write(&path, vec![7; 20_000]).expect("written");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let mut sue = Person::calls(&address, "json-lines", "sue", folder.path());
    let accept = || BufReader::new(listener.accept().expect("a client").0);
    let reads = |stream: &mut BufReader<TcpStream>, kind: &str| loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).expect("a line") > 0, "no {kind}");
        let said: Value = serde_json::from_str(&line).expect("JSON");
        if said["type"] == kind {
            return said;
        }
    };
    let says = |stream: &mut BufReader<TcpStream>, said: Value| {
        writeln!(stream.get_mut(), "{said}").expect("an open connection");
    };
    let welcome = json!({ "type": "welcome", "users": ["sue"], "extensions": true });
    let answer = |mut offer: Value, kind: &str, more: (&str, Value)| {
        offer["type"] = kind.into();
        offer[more.0] = more.1;
        offer
    };
    let mut first = accept();
    reads(&mut first, "join");
    says(&mut first, welcome.clone());
    says(&mut first, json!({ "type": "room_created", "room": "den" }));
    sue.waits_for("den");
    sue.types(&format!("/send {} #den", path.display()));
    let offer = reads(&mut first, "file_offer");
    let mut announced = answer(offer, "file_announced", ("file", 1.into()));
    announced["people"] = 2.into();
    says(&mut first, announced.clone());
    sue.waits_for("is offered to 2 people");
    drop(first);
    let mut second = accept();
    reads(&mut second, "join");
    says(&mut second, welcome);
    says(&mut second, json!({ "type": "room_joined", "room": "den" }));
    let offer = reads(&mut second, "file_offer");
    says(&mut second, answer(offer, "file_refused", ("message", "nobody else there".into())));
    sue.waits_for("file.bin waits: nobody else there");
    assert_eq!(reads(&mut second, "file_offer")["room"], "den");
    says(&mut second, announced);
    sue.waits_for("is offered to 2 people");
    sue.child.kill().expect("it runs");
    sue.child.wait().expect("it ends");
}

const SUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn what_is_wrong_is_not_kept() {
    let server = Running::start(usual(), &[JSON_LINES]);
    let to = tempfile::tempdir().expect("a folder");
    let mut bob = Person::joins(&server, "json-lines", "bob", to.path());
    let mut liar = taker(&server, "liar");
    let offer = |name: &str| {
        format!(
            "{{\"type\": \"file_offer\", \"to\": \"bob\", \"name\": \"{name}\", \"size\": 3, \"sha256\": \"{SUM}\"}}\n"
        )
    };
    // The name is a path and a command to a terminal, the checksum another file's.
    liar.says(&offer("../../\\u001b[2Jevil"));
    let offered = bob.waits_for("liar offers you");
    assert!(offered.contains("_[2Jevil (3 bytes)") && !offered.contains('\x1b'), "{offered}");
    bob.types("/accept");
    liar.waits_for("file_asked");
    liar.says("{\"type\": \"file_part\", \"file\": 1, \"reader\": 0, \"from\": 0, \"data\": \"YWJj\"}\n");
    bob.waits_for("is not kept: its checksum is wrong");
    liar.waits_for("\"how\": \"failed\"");
    // A sender that goes leaves a part until its reader goes, too. The same file offered beside it is another.
    liar.says(&offer("gone"));
    bob.waits_for("liar offers you");
    bob.types("/accept");
    liar.waits_for("file_asked");
    liar.says(&offer("gone"));
    bob.waits_for("liar offers you gone (3 bytes): /accept 3");
    assert_eq!(names(to.path()), ["gone.part"]);
    drop(liar);
    bob.waits_for("gone has stopped: liar has left");
    bob.types("/quit");
    let _ = bob.ends();
    assert_eq!(names(to.path()), [""; 0]);
}

#[test]
fn clients_that_take_none_and_servers_that_pass_on_none_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, b"hello").expect("written");
    let server = Running::start(Settings { max_file: 4, ..usual() }, &[JSON_LINES]);
    let mut ann = server.connect(JSON_LINES);
    ann.ignores();
    ann.says("{\"type\": \"join\", \"username\": \"ann\"}\n");
    ann.waits_for("Welcome");
    let bob = Person::joins(&server, "json-lines", "bob", folder.path());
    let mut kim = Person::joins(&server, "json-lines", "kim", folder.path());
    kim.types(&format!("/send {} bob", path.display()));
    kim.waits_for("file is not offered: Not done: a file has at most 4 bytes here");
    std::fs::write(&path, b"four").expect("written");
    kim.types(&format!("/send {} ann", path.display()));
    kim.waits_for("the client of 'ann' takes no files");
    for (line, answer) in [
        ("/send nowhere bob", "cannot send nowhere: "),
        ("/send .. bob", "it is no file"),
        ("/send", "usage: /send"),
        ("/accept", "no file is offered"),
        ("/accept x", "usage: /accept"),
        ("/decline 7", "no file 7 is offered"),
    ] {
        kim.types(line);
        kim.waits_for(answer);
    }
    assert!(!kim.ends().0, "a script learns that lines were of no use");
    drop(bob.ends());
}
