//! Refused lines, as a script learns of them: each is shown and counted, in every dialect, and
//! none that was done is.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::program::{chat, out, types};
use crate::sockets::{Running, usual};
use testbed::chat::protocol::{Dialect, JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH, WEB};

const KINDS: [&dyn Dialect; 6] = [RELIABLE, JSON_LINES, SLASH, ROOMS, PIPE, WEB];
const SOME: &[&dyn Dialect] = &[RELIABLE, JSON_LINES, SLASH, WEB];
const WITH_ROOMS: &[&dyn Dialect] = &[RELIABLE, JSON_LINES, SLASH, ROOMS, WEB];

/// Lines refused to `kim` where `own` owns the rooms `open` and `den`, by which dialects, and what it
/// reads.
const REFUSED: &[(&str, &[&dyn Dialect], &str)] = &[
    ("/join nosuch", WITH_ROOMS, "There is no room 'nosuch' that you may enter"),
    ("/join den", WITH_ROOMS, "There is no room 'den' that you may enter"),
    ("/room den hi", SOME, "There is no room 'den' that you may enter"),
    ("/room open hi", SOME, "Not a member of room 'open'"),
    ("/room nosuch hi", SOME, "There is no room 'nosuch' that you may enter"),
    ("/room nosuch hi", &[ROOMS], "Room does not exist"),
    ("/create open", WITH_ROOMS, "Room 'open', or one that looks like it, already exists"),
    ("/create den --private", WITH_ROOMS, "Room 'den', or one that looks like it, already exists"),
    ("/create a|b", WITH_ROOMS, "Invalid room name: use letters, digits, _ and -"),
    ("/close open", WITH_ROOMS, "Room 'open' is not yours"),
    ("/close nosuch", WITH_ROOMS, "There is no room 'nosuch' that you may enter"),
    ("/invite own", WITH_ROOMS, "Say which room: /invite NAME ROOM"),
    ("/invite own open", WITH_ROOMS, "Not a member of room 'open'"),
    ("/leave open", SOME, "Not a member of room 'open'"),
    ("/leave open", &[ROOMS], "Room does not exist or not a member"),
    ("/nick own", SOME, "Username already taken"),
    ("/nick a|b", SOME, "Invalid username: use letters, digits, _ and -"),
    ("/msg nobody hi", SOME, "User 'nobody' not found"),
    ("/msg nobody hi", &[PIPE], "User 'nobody' not found"),
    ("/msg nobody hi", &[ROOMS], "User not found"),
];

/// Lines that are done, and what it reads if it reads anything.
const DONE: &[(&str, &[&dyn Dialect], &str)] = &[
    ("hello", &KINDS, ""),
    ("/msg own psst", &KINDS, ""),
    ("/list", WITH_ROOMS, " here: "),
    ("/rooms", WITH_ROOMS, "rooms: "),
    ("/create mine --private", WITH_ROOMS, "you have founded #mine"),
    ("/invite own mine", WITH_ROOMS, "own is invited to #mine"),
    ("/room mine hi", WITH_ROOMS, ""),
    ("/leave mine", WITH_ROOMS, "you have left #mine"),
    ("/close mine", WITH_ROOMS, "kim has closed #mine"),
    ("/join open", WITH_ROOMS, "you are in #open"),
    ("/leave open", WITH_ROOMS, "you have left #open"),
    ("/hide", WITH_ROOMS, "you are in no list now"),
    ("/hide", WITH_ROOMS, "you are in no list now"),
    ("/reveal", WITH_ROOMS, "you are in the list again"),
    ("/reveal", WITH_ROOMS, "you are in the list again"),
    ("/ping", SOME, "pong"),
    ("/nick kai", SOME, "you are now kai"),
];

/// A server where somebody owns two rooms, one of them private.
fn owned() -> (Running, std::process::Child) {
    let server = Running::start(usual(), &KINDS);
    let mut own = chat(&server.address(JSON_LINES).to_string(), JSON_LINES, "own");
    own.stdin.as_mut().expect("piped").write_all(b"/create open\n/create den --private\n").expect("open");
    std::thread::sleep(Duration::from_millis(800));
    (server, own)
}

/// The lines of one dialect, typed one behind the other.
fn lines(
    of: &[(&'static str, &[&'static dyn Dialect], &'static str)],
    kind: &'static dyn Dialect,
) -> Vec<(&'static str, &'static str)> {
    of.iter().filter(|(_, kinds, _)| kinds.contains(&kind)).map(|(line, _, words)| (*line, *words)).collect()
}

#[test]
fn every_refused_line_is_shown_and_counted_and_no_other() {
    let (server, mut own) = owned();
    for kind in KINDS {
        let address = server.address(kind).to_string();
        let (refused, done) = (lines(REFUSED, kind), lines(DONE, kind));
        // Lines that are done stand between.
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
    let server = Running::start(usual(), &[RELIABLE]);
    let address = server.address(RELIABLE).to_string();
    for end in ["", "/quit\n"] {
        let mut typed: String = (0..1_500).map(|n| format!("/msg nobody{n} hi\n")).collect();
        typed += end;
        let output = types(&address, RELIABLE, "kim", typed.as_bytes());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("1500 lines rejected"), "{end:?}: {text}");
    }
}

/// The server has begun anew, and others come back at times of their own.
#[test]
fn a_private_text_waits_for_somebody_who_was_there_before() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut kim = chat(&listener.local_addr().expect("bound").to_string(), JSON_LINES, "kim");
    let mut shown = BufReader::new(kim.stdout.take().expect("piped")).lines().map(|line| line.expect("text"));
    let mut typed = kim.stdin.take().expect("piped");
    let accept = |users: &str| {
        let mut stream = BufReader::new(listener.accept().expect("a client").0);
        stream.read_line(&mut String::new()).expect("a join");
        let welcome = format!("{{\"type\": \"welcome\", \"users\": [{users}], \"extensions\": true}}\n");
        stream.get_mut().write_all(welcome.as_bytes()).expect("open");
        stream
    };
    drop(accept(r#""lea", "kim""#));
    let mut server = accept(r#""kim""#);
    let is_told = |server: &mut BufReader<TcpStream>, to: &str| {
        let mut line = String::new();
        server.read_line(&mut line).expect("a line");
        assert!(line.contains("\"private\"") && line.contains(to), "{line}");
    };
    for (to, words) in [("nobody", "refused: User 'nobody' not found"), ("lea", "waits: lea is not back")] {
        writeln!(typed, "/whisper {to} psst").expect("open");
        is_told(&mut server, to);
        let refusal = format!("{{\"type\": \"error\", \"message\": \"User '{to}' not found\"}}\n");
        server.get_mut().write_all(refusal.as_bytes()).expect("open");
        assert!(shown.any(|line| line.contains(words)), "{words}");
    }
    server.get_mut().write_all(b"{\"type\": \"user_joined\", \"username\": \"lea\"}\n").expect("open");
    is_told(&mut server, "lea");
    let told = b"{\"type\": \"private_sent\", \"to\": \"lea\", \"message\": \"psst\"}\n";
    server.get_mut().write_all(told).expect("open");
    assert!(shown.any(|line| line.contains("you to lea: psst")));
    drop((typed, server));
    kim.kill().expect("running");
    kim.wait().expect("gone");
}
