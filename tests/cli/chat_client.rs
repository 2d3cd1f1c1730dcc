//! `testbed chat` towards servers that refuse, lie or go, and what a script learns of it.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::program::{answers, chat, out, testbed, types};
use crate::sockets::{Running, frame, usual};
use rustix::process::{Pid, Signal, kill_process};
use testbed::chat::protocol::{Dialect, JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH, WEB};
use testbed::live::gateway::Options;
use testbed::live::server::Settings;

const KINDS: [&dyn Dialect; 6] = [RELIABLE, JSON_LINES, SLASH, ROOMS, PIPE, WEB];

/// Output of a client that says these bytes.
fn says(server: &Running, kind: &'static dyn Dialect, nick: &str, bytes: &[u8]) -> Output {
    types(&server.address(kind).to_string(), kind, nick, bytes)
}

#[test]
fn a_refused_name_is_one_error_and_no_reconnection() {
    let server = Running::start(usual(), &KINDS);
    for kind in KINDS {
        let output = says(&server, kind, "all", b"hello\n");
        let text = out(&output);
        assert_eq!(output.status.code(), Some(1), "{kind:?}: {text}");
        assert!(text.contains("does not let \"all\" in: Invalid username"), "{kind:?}: {text}");
        assert!(!text.contains("you are") && !text.contains("trying again"), "{kind:?}: {text}");
    }
}

#[test]
fn passwords_are_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Some(folder.path().join("chat.db"));
    let server = Running::start(Settings { store, ..usual() }, &KINDS);
    for kind in KINDS {
        let nick = format!("ann{}", kind.name().len());
        let said = says(&server, kind, &format!("{nick}:secret"), b"/stats\n");
        let text = out(&said);
        assert!(said.status.success() && text.contains(&format!("you are {nick}")), "{kind:?}: {text}");
        assert!(!text.contains("secret"), "{kind:?}: {text}");
        let refused = says(&server, kind, &format!("{nick}:wrong1"), b"");
        let text = out(&refused);
        assert_eq!(refused.status.code(), Some(1), "{kind:?}: {text}");
        assert!(text.contains("in: Wrong password") && !text.contains("wrong1"), "{kind:?}: {text}");
        assert!(!text.contains("you are"), "{kind:?}: {text}");
        // It has just shown that it keeps accounts.
        assert!(!text.contains("keeps no accounts"), "{kind:?}: {text}");
    }
}

#[test]
fn a_server_that_shows_a_password_is_left() {
    let welcome = b"{\"type\": \"welcome\", \"users\": [\"bob\", \"ann:secret\"]}\n";
    let child = chat(&answers(welcome), JSON_LINES, "ann:secret");
    let output = child.wait_with_output().expect("it ends");
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("keeps no accounts") && !text.contains("secret"), "{text}");
    // Ours takes no such name, and the mend is named.
    let server = Running::start(usual(), &KINDS);
    for kind in KINDS {
        let output = says(&server, kind, "ann:secret", b"hello\n");
        let text = out(&output);
        assert_eq!(output.status.code(), Some(1), "{kind:?}: {text}");
        assert!(text.contains("come back as NAME alone") && !text.contains("secret"), "{kind:?}: {text}");
    }
}

#[test]
fn no_word_of_a_server_is_obeyed_by_the_terminal() {
    let address = answers(b"{\"type\": \"error\", \"message\": \"\\u001b[2J\\u0007\\nhelp: no\"}\n");
    let output = chat(&address, JSON_LINES, "kim").wait_with_output().expect("it ends");
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("[2J") && !text.contains(['\x1b', '\x07']), "{text:?}");
    // Nor is it taken for this program's own.
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn what_is_no_utf8_is_said_as_well_as_it_can_be() {
    let server = Running::start(usual(), &[SLASH, JSON_LINES]);
    let mut bob = server.connect(SLASH);
    bob.ignores();
    bob.says("bob");
    bob.ignores();
    let output = says(&server, JSON_LINES, "kim", b"x\xff\nnext\n");
    assert!(output.status.success(), "{}", out(&output));
    bob.hears("[T] [SERVER] User 'kim' has joined the chat.");
    bob.hears("[T] [kim] x\u{fffd}[T] [kim] next");
}

#[test]
fn a_script_is_told_what_was_rejected() {
    let server = Running::start(usual(), &KINDS);
    for (kind, size, mark) in [
        (RELIABLE, 1 << 20, "too long: a message has at most 65536 bytes"),
        (JSON_LINES, 1 << 20, "too long: a message has at most 65536 bytes"),
        (SLASH, 40_000, "too long: a message has at most 16384 bytes"),
        (ROOMS, 40_000, "too long: a message has at most 16384 bytes"),
        (PIPE, 40_000, "too long: a message has at most 16384 bytes"),
        (RELIABLE, 40_000, "refused: Message too long"),
        (JSON_LINES, 40_000, "refused: Message too long"),
    ] {
        let mut lines = "k".repeat(size);
        lines += "\nhello\n/stats\n";
        let output = says(&server, kind, "kim", lines.as_bytes());
        let text = out(&output);
        assert_eq!(output.status.code(), Some(1), "{kind:?}: {text}");
        assert!(text.contains(mark) && text.contains("1 line rejected"), "{kind:?}: {text}");
        assert!(text.contains("said, 0 heard"), "{kind:?}: {text}");
    }
    let output = says(&server, PIPE, "kim", b"/rooms\n/nowhere\n/STATS\n");
    assert!(out(&output).contains("kim: 0 said"), "{}", out(&output));
    assert!(out(&output).contains("2 lines rejected"), "{}", out(&output));
    let output = says(&server, PIPE, "kim", b"/list\n");
    assert!(out(&output).contains("shows the list by itself"), "{}", out(&output));
}

/// A person who is not there is an answer, though `pipe` has no words for a goodbye.
#[test]
fn an_answer_to_the_last_line_is_waited_for() {
    let server = Running::start(usual(), &KINDS);
    for kind in KINDS {
        let output = says(&server, kind, "kim", b"/msg nobody hello\n/msg no hi\n/msg none hi\n/quit\n");
        let text = out(&output);
        assert_eq!(output.status.code(), Some(1), "{kind:?}: {text}");
        assert!(text.contains("refused: User") && text.contains("3 lines rejected"), "{kind:?}: {text}");
    }
}

/// A server reads at the rate limit, and a script's lines are in its socket long before.
#[test]
fn a_long_script_is_heard_to_its_end() {
    const LINES: usize = 3_000;
    let settings = Settings { pacing: Some(testbed::time::Duration::ZERO), ..usual() };
    let server = Running::start(settings, &[JSON_LINES]);
    let mut bob = chat(&server.address(JSON_LINES).to_string(), JSON_LINES, "bob");
    let mut heard = BufReader::new(bob.stdout.take().expect("piped")).lines();
    heard.next().expect("a line").expect("text");
    let lines: String = (0..LINES).map(|n| format!("hello <{n}>\n")).collect();
    let output = says(&server, JSON_LINES, "kim", lines.as_bytes());
    assert!(output.status.success(), "{}", out(&output));
    drop(bob.stdin.take());
    let heard: Vec<String> =
        heard.map(|line| line.expect("text")).filter(|line| line.contains('<')).collect();
    assert_eq!(heard.len(), LINES);
    assert!(bob.wait().expect("it ends").success());
}

/// Takes the next client in, as a server that knows more than program 1's.
fn welcomes(listener: &TcpListener) -> BufReader<TcpStream> {
    let mut stream = BufReader::new(listener.accept().expect("a client").0);
    stream.read_line(&mut String::new()).expect("a join");
    let welcome = b"{\"type\": \"welcome\", \"users\": [\"kim\"], \"extensions\": true}\n";
    stream.get_mut().write_all(welcome).expect("open");
    stream
}

const ECHO: &[u8] = b"{\"type\": \"chat\", \"username\": \"kim\", \"message\": \"hello\"}\n";

#[test]
fn what_has_no_echo_may_be_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    // It would come again if it had not read the end of its input yet.
    let mut command = testbed(&["chat", "kim", "--address", &address, "--reconnects", "0"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the program runs");
    child.stdin.take().expect("piped").write_all(b"one\ntwo\nthree\n").expect("open");
    let mut stream = welcomes(&listener);
    for echoes in [true, true, false] {
        stream.read_line(&mut String::new()).expect("a line");
        if echoes {
            stream.get_mut().write_all(ECHO).expect("open");
        }
    }
    drop(stream);
    let output = child.wait_with_output().expect("it ends");
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("1 line sent, but not known to have arrived"), "{text}");
}

/// Lines never written are said on the next connection, and a script is not read before its lines
/// can be written.
#[test]
fn a_lost_connection_takes_only_what_was_written() {
    const LINES: usize = 20_000;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let mut child = chat(&address, JSON_LINES, "kim");
    let mut stdin = child.stdin.take().expect("piped");
    let typed = Arc::new(AtomicUsize::new(0));
    let typing = Arc::clone(&typed);
    let typist = std::thread::spawn(move || {
        let more = "x".repeat(1_000);
        for n in 0..LINES {
            writeln!(stdin, "<{n}> {more}").expect("it reads");
            typing.store(n, Ordering::Relaxed);
        }
    });
    // It reads nothing until no more can be typed.
    let first = welcomes(&listener);
    let mut before = usize::MAX;
    while std::mem::replace(&mut before, typed.load(Ordering::Relaxed)) != before || before == 0 {
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(before < LINES - 1, "everything was read");
    drop(first);
    let mut second = welcomes(&listener);
    let mut heard = Vec::new();
    let mut line = String::new();
    while second.read_line(&mut line).expect("lines") > 0 && !line.contains("leave") {
        let (_, rest) = line.split_once('<').expect("a number");
        heard.push(rest.split_once('>').expect("a number").0.parse::<usize>().expect("a number"));
        second.get_mut().write_all(ECHO).expect("open");
        line.clear();
    }
    drop(second);
    typist.join().expect("no panic");
    let output = child.wait_with_output().expect("it ends");
    let (text, lost) = (out(&output), heard[0]);
    assert!(heard.iter().copied().eq(lost..LINES), "{lost} to {:?}", heard.last());
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("{lost} lines sent, but not known to have arrived")), "{lost}: {text}");
}

/// A script's input is at its end long before a slow network has carried all of it.
#[test]
fn a_script_ends_when_all_it_said_has_gone() {
    let options = Options { delay: Some("100ms".into()), ..Options::default() };
    let network = Some(options.conditions(None).unwrap_or_else(|error| panic!("{}", error.render(false))));
    let server = Running::start(Settings { network, ..usual() }, &KINDS);
    let mut bob = chat(&server.address(JSON_LINES).to_string(), JSON_LINES, "bob");
    std::thread::sleep(Duration::from_millis(600));
    for kind in KINDS {
        let lines: String = (0..6).map(|n| format!("{}{n}\n", kind.name())).collect();
        let output = says(&server, kind, &format!("kim-{}", kind.name()), lines.as_bytes());
        assert!(output.status.success(), "{kind:?}: {}", out(&output));
    }
    std::thread::sleep(Duration::from_millis(600));
    drop(bob.stdin.take());
    let heard = out(&bob.wait_with_output().expect("it ends"));
    for kind in KINDS {
        for n in 0..6 {
            assert!(heard.contains(&format!(": {}{n}\n", kind.name())), "{kind:?} {n}: {heard}");
        }
    }
}

#[test]
fn whoever_leaves_is_gone_at_once() {
    let server = Running::start(usual(), &KINDS);
    for kind in KINDS {
        let mut bob = server.connect(SLASH);
        bob.ignores();
        bob.says("bob");
        bob.ignores();
        let mut kim = chat(&server.address(kind).to_string(), kind, "kim");
        bob.hears("[T] [SERVER] User 'kim' has joined the chat.");
        let started = Instant::now();
        // The last line said is still heard.
        kim.stdin.as_mut().expect("piped").write_all(b"hello\n/q\n").expect("open");
        bob.hears("[T] [kim] hello");
        bob.hears("[T] [SERVER] User 'kim' has left the chat.");
        let output = kim.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{kind:?}: {}", out(&output));
        assert!(started.elapsed() < Duration::from_millis(900), "{kind:?}: {:?}", started.elapsed());
    }
}

/// Five of the six wait for a word of the server, and all of them in vain; one, for its answer in HTTP.
#[test]
fn a_server_that_says_nothing_is_left_within_a_minute() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let started = Instant::now();
    let children = KINDS.map(|kind| chat(&address, kind, "kim"));
    for (kind, mut child) in KINDS.into_iter().zip(children) {
        // Its input does not end: it is the server that ends it.
        let input = child.stdin.take();
        let output = child.wait_with_output().expect("it ends");
        let text = out(&output);
        assert_eq!(output.status.code(), Some(1), "{kind:?}: {text}");
        let [words, mend] = match kind.name() {
            "web" => ["no page's chat answers there", "`testbed serve --web` listens"],
            _ => ["has said nothing for 20 s", "another dialect"],
        };
        assert!(text.contains(words) && text.contains(mend), "{kind:?}: {text}");
        assert!(!text.contains("trying again"), "{kind:?}: {text}");
        drop(input);
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn whoever_is_kicked_does_not_come_back() {
    // All come from one address.
    let kicked_for = testbed::time::Duration::ZERO;
    let server = Running::start(Settings { kicked_for, ..usual() }, &KINDS);
    for kind in KINDS {
        let nick = format!("kim{}", kind.name().len());
        let mut kim = chat(&server.address(kind).to_string(), kind, &nick);
        let input = kim.stdin.take();
        let mut admin = crate::sockets::Client::connect(server.admin);
        let id = loop {
            admin.sends(&frame("{\"command\": \"get_clients\", \"params\": {}}"));
            let reply = admin.next_frame();
            let clients = reply["clients"].as_array().expect("a list").clone();
            if let Some(client) = clients.iter().find(|client| client["username"] == *nick) {
                break client["id"].clone();
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        // Let in, it may not know yet.
        std::thread::sleep(Duration::from_millis(200));
        admin
            .sends(&frame(&format!("{{\"command\": \"kick_client\", \"params\": {{\"client_id\": {id}}}}}")));
        let output = kim.wait_with_output().expect("it ends");
        let text = out(&output);
        assert_eq!(output.status.code(), Some(1), "{kind:?}: {text}");
        assert!(text.contains("an administrator of 127.0.0.1:"), "{kind:?}: {text}");
        assert!(!text.contains("trying again"), "{kind:?}: {text}");
        drop(input);
    }
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("bound").to_string()
    };
    let child = chat(&address, JSON_LINES, "kim");
    std::thread::sleep(Duration::from_millis(500));
    let listener = TcpListener::bind(&address).expect("its port");
    let mut stream = welcomes(&listener);
    let waiting = std::thread::spawn(move || child.wait_with_output().expect("it ends"));
    let _ = stream.read_line(&mut String::new());
    drop(stream);
    let output = waiting.join().expect("no panic");
    let text = out(&output);
    assert!(output.status.success() && text.contains("trying again in 1 s"), "{text}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    drop(listener);
    let output = command.args(["chat", "kim", "--reconnects", "0", "--address", &address]).output();
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    assert!(out(&output).contains("cannot connect") && !out(&output).contains("trying again"));
}

#[test]
fn a_script_that_is_interrupted_says_so() {
    let server = Running::start(usual(), &[SLASH]);
    for signal in [Signal::INT, Signal::TERM] {
        let mut kim = chat(&server.address(SLASH).to_string(), SLASH, "kim");
        let mut seen = Vec::new();
        let stdout = kim.stdout.as_mut().expect("piped");
        while !String::from_utf8_lossy(&seen).contains("you are kim") {
            let mut buffer = [0; 256];
            let read = stdout.read(&mut buffer).expect("a pipe");
            assert!(read > 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&buffer[..read]);
        }
        kill_process(Pid::from_child(&kim), signal).expect("running");
        assert_eq!(kim.wait_with_output().expect("it ends").status.code(), Some(130), "{signal:?}");
    }
}

#[test]
fn what_a_client_cannot_be_or_speak_is_bad_usage() {
    for words in [
        &["chat", ""][..],
        &["chat", "  "],
        &["chat", ":secret"],
        &["chat", "kim", "--address", "127.0.0.1"],
        &["chat", "kim", "--dialect", "slash-or-pipe"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_testbed")).args(words).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
    }
}
