//! `testbed chat` at a terminal: what is typed stays whole while others talk, and the terminal is as
//! it was afterwards.

#![allow(clippy::disallowed_methods, reason = "a person types in real time")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::sockets::{Client, PATIENCE, Running, usual};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use testbed::chat::protocol::SLASH;

/// A person at a terminal of their own.
struct Terminal {
    child: Child,
    keys: File,
    /// The program's side of it.
    line: OwnedFd,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn start(server: &Running, nick: &str, colours: bool) -> Terminal {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keys).expect("granted");
        unlockpt(&keys).expect("unlocked");
        let name = ptsname(&keys, Vec::new()).expect("a name").into_string().expect("ASCII");
        let line = File::options().read(true).write(true).open(name).expect("its other side");
        tcsetwinsize(&line, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).expect("a size");
        let side = || Stdio::from(line.try_clone().expect("a copy"));
        let address = server.address(SLASH).to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
        command.args(["chat", nick, "--dialect", "slash", "--reconnects", "0", "--address", &address]);
        command.env("TERM", "xterm").env("NO_COLOR", if colours { "" } else { "1" });
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("the program runs");
        let (mut keys, screen) = (File::from(keys), Arc::new(Mutex::new(Vec::new())));
        let (mut eyes, seen) = (keys.try_clone().expect("a copy"), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(read @ 1..) = eyes.read(&mut buffer) {
                seen.lock().expect("no panic").extend_from_slice(&buffer[..read]);
            }
        });
        keys.flush().expect("a terminal");
        let terminal = Terminal { child, keys, line: line.into(), screen };
        // Either of the two may come first.
        for text in [format!("{nick}> "), "you are ".to_owned()] {
            let started = Instant::now();
            while !terminal.seen().contains(&text) {
                assert!(started.elapsed() < PATIENCE, "{text:?} is not in {:?}", terminal.seen());
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        terminal
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().expect("no panic")).into_owned()
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("a terminal");
    }

    /// Waits until this appears, after what appeared before, and forgets all of that.
    fn shows(&self, text: &str) -> String {
        let started = Instant::now();
        loop {
            let mut screen = self.screen.lock().expect("no panic");
            let all = String::from_utf8_lossy(&screen).into_owned();
            if let Some(at) = all.find(text) {
                let rest = all[at + text.len()..].to_owned();
                *screen = rest.into_bytes();
                return all;
            }
            drop(screen);
            assert!(started.elapsed() < PATIENCE, "{text:?} is not in {all:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.line).expect("a terminal").local_modes.contains(LocalModes::ICANON)
    }

    /// Waits until it has ended, and looks whether the terminal is as before.
    fn ends(mut self) -> i32 {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                assert!(!self.is_raw(), "the terminal is left raw");
                return status.code().expect("an end of its own");
            }
            assert!(started.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bob(server: &Running) -> Client {
    let mut bob = server.connect(SLASH);
    bob.ignores();
    bob.says("bob");
    bob.ignores();
    bob
}

#[test]
fn what_is_typed_stays_whole_while_others_talk() {
    let server = Running::start(usual(), &[SLASH]);
    let mut bob = bob(&server);
    let mut kim = Terminal::start(&server, "kim", false);
    assert!(kim.is_raw());
    bob.ignores();
    kim.types("half a li");
    kim.shows("li");
    bob.says("hello\x1b[2J kim");
    // Somebody's words, then the whole line again, and no word for the terminal from anybody.
    kim.shows("] bob: hello\u{fffd}[2J kim");
    kim.shows("kim> half a li");
    kim.types("ne\r");
    bob.hears("[T] [kim] half a line");
    kim.types("b\t");
    kim.shows("bob: ");
    // Ctrl-C empties the line, and the arrow brings back the last.
    kim.types("\x03\x1b[A\r");
    bob.hears("[T] [kim] half a line");
    kim.types("/whisper bob psst\r");
    kim.shows("(private) you to bob: psst");
    kim.types("\x03");
    assert_eq!(kim.ends(), 0);
}

#[test]
fn no_line_is_lost_that_is_typed_ahead_or_pasted() {
    let server = Running::start(usual(), &[SLASH]);
    let mut bob = bob(&server);
    let mut kim = Terminal::start(&server, "kim", false);
    bob.ignores();
    let lines: Vec<String> = (0..40).map(|n| format!("line {n}")).collect();
    // As fast as a terminal takes it, and as a terminal marks what is pasted.
    kim.types(&(lines.join("\r") + "\r"));
    kim.types(&format!("\x1b[200~{}\x1b[201~\r", lines.join("\r")));
    for line in lines.iter().chain(&lines) {
        bob.hears(&format!("[T] [kim] {line}"));
    }
    // Nor does what is no text end the conversation.
    kim.keys.write_all(b"\xff\xfe").expect("a terminal");
    std::thread::sleep(Duration::from_millis(100));
    kim.types("still here\r");
    bob.hears("[T] [kim] still here");
    kim.types("\x03");
    assert_eq!(kim.ends(), 0);
}

#[test]
fn every_way_out_leaves_the_terminal_as_it_was() {
    let server = Running::start(usual(), &[SLASH]);
    for keys in ["\x03", "\x04", "/quit\r", "/exit\r", "/q\r", "half\x03\x04"] {
        let mut kim = Terminal::start(&server, "kim", true);
        kim.types(keys);
        assert_eq!(kim.ends(), 0, "{keys:?}");
    }
    // Not even in mid-line, when the server goes.
    let mut kim = Terminal::start(&server, "kim", true);
    kim.types("half a li");
    kim.shows("li");
    server.stop();
    kim.shows("the connection to");
    assert_eq!(kim.ends(), 1);
}

#[test]
fn every_signal_leaves_the_terminal_as_it_was() {
    let server = Running::start(usual(), &[SLASH]);
    // The first is a Ctrl-C, with which one leaves.
    for (signal, code) in [(Signal::INT, 0), (Signal::TERM, 130), (Signal::HUP, 130), (Signal::QUIT, 130)] {
        let mut kim = Terminal::start(&server, "kim", true);
        kim.types("half a li");
        kim.shows("li");
        kill_process(Pid::from_child(&kim.child), signal).expect("running");
        assert_eq!(kim.ends(), code, "{signal:?}");
    }
}

#[test]
fn colours_are_left_out_on_request() {
    let server = Running::start(usual(), &[SLASH]);
    for colours in [true, false] {
        let kim = Terminal::start(&server, "kim", colours);
        let shown = kim.seen();
        assert_eq!(shown.contains("\x1b[2m"), colours, "{shown:?}");
    }
}
