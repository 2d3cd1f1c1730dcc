//! What a script learns of lines that the server refuses: each is shown and counted, in every dialect, and
//! none that was done is.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

mod sockets;

use std::io::Write as _;
use std::time::Duration;

use sockets::program::{chat, out, types};
use sockets::{Running, usual};
use testbed::chat::protocol::Kind;

const KINDS: [Kind; 5] = [Kind::Reliable, Kind::JsonLines, Kind::Slash, Kind::Rooms, Kind::Pipe];
const SOME: &[Kind] = &[Kind::Reliable, Kind::JsonLines, Kind::Slash];
const ROOMS: &[Kind] = &[Kind::Reliable, Kind::JsonLines, Kind::Slash, Kind::Rooms];

/// What is refused to `kim` where `own` owns the rooms `open` and `den`, by which dialects, and what it
/// reads.
const REFUSED: &[(&str, &[Kind], &str)] = &[
    ("/join nosuch", ROOMS, "Room 'nosuch' does not exist"),
    ("/join den", ROOMS, "Room 'den' is private: ask a member for /invite"),
    ("/room den hi", ROOMS, "Not a member of room 'den'"),
    ("/room open hi", SOME, "Not a member of room 'open'"),
    ("/room nosuch hi", SOME, "Room 'nosuch' does not exist"),
    ("/room nosuch hi", &[Kind::Rooms], "Room does not exist"),
    ("/create open", ROOMS, "Room 'open' already exists"),
    ("/create den --private", ROOMS, "Room 'den' already exists"),
    ("/create a|b", ROOMS, "Invalid room name: use letters, digits, _ and -"),
    ("/close open", ROOMS, "Room 'open' is not yours"),
    ("/close nosuch", ROOMS, "Room 'nosuch' does not exist"),
    ("/invite own", ROOMS, "Say which room: /invite NAME ROOM"),
    ("/invite own open", ROOMS, "Not a member of room 'open'"),
    ("/leave open", SOME, "Not a member of room 'open'"),
    ("/leave open", &[Kind::Rooms], "Room does not exist or not a member"),
    ("/nick own", SOME, "Username already taken"),
    ("/nick a|b", SOME, "Invalid username: use letters, digits, _ and -"),
    ("/msg nobody hi", SOME, "User 'nobody' not found"),
    ("/msg nobody hi", &[Kind::Pipe], "User 'nobody' not found"),
    ("/msg nobody hi", &[Kind::Rooms], "User not found"),
];

/// What is done, and what it reads if it reads anything.
const DONE: &[(&str, &[Kind], &str)] = &[
    ("hello", &KINDS, ""),
    ("/msg own psst", &KINDS, ""),
    ("/list", ROOMS, " here: "),
    ("/rooms", ROOMS, "rooms: "),
    ("/create mine --private", ROOMS, "you have founded #mine"),
    ("/invite own mine", ROOMS, "own is invited to #mine"),
    ("/room mine hi", ROOMS, ""),
    ("/leave mine", ROOMS, "you have left #mine"),
    ("/close mine", ROOMS, "kim has closed #mine"),
    ("/join open", ROOMS, "you are in #open"),
    ("/leave open", ROOMS, "you have left #open"),
    ("/hide", ROOMS, "you are in no list now"),
    ("/hide", ROOMS, "you are in no list now"),
    ("/reveal", ROOMS, "you are in the list again"),
    ("/reveal", ROOMS, "you are in the list again"),
    ("/ping", SOME, "pong"),
    ("/nick kai", SOME, "you are now kai"),
];

/// A server where somebody owns two rooms, one of them private.
fn owned() -> (Running, std::process::Child) {
    let server = Running::start(usual(), &KINDS);
    let mut own = chat(&server.address(Kind::JsonLines).to_string(), Kind::JsonLines, "own");
    own.stdin.as_mut().expect("piped").write_all(b"/create open\n/create den --private\n").expect("open");
    std::thread::sleep(Duration::from_millis(800));
    (server, own)
}

/// The lines of one dialect, typed one behind the other.
fn lines(of: &[(&'static str, &[Kind], &'static str)], kind: Kind) -> Vec<(&'static str, &'static str)> {
    of.iter().filter(|(_, kinds, _)| kinds.contains(&kind)).map(|(line, _, words)| (*line, *words)).collect()
}

#[test]
fn every_refused_line_is_shown_and_counted_and_no_other() {
    let (server, mut own) = owned();
    for kind in KINDS {
        let address = server.address(kind).to_string();
        let (refused, done) = (lines(REFUSED, kind), lines(DONE, kind));
        // What is done stands between.
        let mut typed = String::new();
        for (line, _) in &refused {
            typed += &format!("{line}\nhello\n");
        }
        let output = types(&address, kind, "kim", typed.as_bytes());
        let text = out(&output);
        assert_eq!(output.status.code(), Some(1), "{kind:?}: {text}");
        let count = refused.len();
        assert_eq!(text.matches("refused: ").count(), count, "{kind:?}: {text}");
        let total = format!("{count} line{} rejected (see above)", if count > 1 { "s" } else { "" });
        assert!(text.contains(&total), "{kind:?}: {text}");
        for (line, words) in refused {
            assert!(text.contains(&format!("refused: {words}")), "{kind:?} {line}: {text}");
        }
        let typed: String = done.iter().map(|(line, _)| format!("{line}\n")).collect();
        let output = types(&address, kind, "kim", typed.as_bytes());
        let text = out(&output);
        assert!(output.status.success(), "{kind:?}: {text}");
        for (line, words) in done {
            assert!(text.contains(words), "{kind:?} {line}: {text}");
        }
    }
    own.kill().expect("running");
    own.wait().expect("gone");
}

/// Answers wait for the acknowledgments of those before them, and a goodbye must not overtake them.
#[test]
fn however_many_lines_are_refused_the_last_is_counted() {
    let server = Running::start(usual(), &[Kind::Reliable]);
    let address = server.address(Kind::Reliable).to_string();
    for end in ["", "/quit\n"] {
        let mut typed: String = (0..1_500).map(|n| format!("/msg nobody{n} hi\n")).collect();
        typed += end;
        let output = types(&address, Kind::Reliable, "kim", typed.as_bytes());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("1500 lines rejected"), "{end:?}: {text}");
    }
}
