//! Messages that `serve --store` has acknowledged are kept: killed, on a full disk, and both.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use crate::program::{Server, out, testbed};
use crate::sockets::{Client, frame, message};
use rusqlite::Connection;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

/// kill -9 under load: after the restart every acknowledged message is there, once.
#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("chat.db").display().to_string();
    let more = ["--store", &store, "--history", "100000", "--rate-limit", "0"];
    let server = Server::start(&more);
    let speakers: Vec<_> = (0..4)
        .map(|person| {
            let mut client = server.connect("reliable");
            std::thread::spawn(move || {
                client.sends(&frame(&message("join_1_1", "join", "", &format!("p{person}"), None)));
                let mut acknowledged = Vec::new();
                for n in 0.. {
                    let text = format!("text {person}/{n}/");
                    let id = format!("chat_1_{n}");
                    let bytes = frame(&message(&id, "chat", "", &text, None));
                    if client.stream.write_all(&bytes).is_err()
                        || answers(&mut client, &id) != Answer::Acknowledged
                    {
                        break;
                    }
                    acknowledged.push(text);
                }
                acknowledged
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(800));
    server.kill();
    let acknowledged: Vec<String> =
        speakers.into_iter().flat_map(|speaker| speaker.join().expect("no panic")).collect();
    assert!(acknowledged.len() > 100, "{} messages", acknowledged.len());
    let kept = kept(&store);
    for text in &acknowledged {
        assert_eq!(kept.matches(text.as_str()).count(), 1, "{text}");
    }
}

/// Each would tell its people half of what is said.
#[test]
fn a_second_server_is_kept_off_a_file_until_the_first_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("chat.db").display().to_string();
    let first = Server::start(&["--store", &store]);
    let words = ["serve", "--dialect", "slash=127.0.0.1:0", "--admin", "127.0.0.1:0", "--store", &store];
    let second = testbed(&words).output().expect("the program runs");
    assert_eq!(second.status.code(), Some(1), "{}", out(&second));
    let expected = format!(
        "error: cannot use {store} for accounts and history: another server has it open: end that one first\n\
         help: name another file with --store\n"
    );
    assert_eq!(out(&second), expected);
    first.kill();
    Server::start(&["--store", &store]);
}

/// A message that waits because its speaker talks too fast is not acknowledged before it is kept.
#[test]
fn what_waits_for_its_turn_is_not_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("chat.db").display().to_string();
    let server = Server::start(&["--store", &store, "--rate-limit", "10"]);
    let mut speaker = server.connect("reliable");
    let mut bytes = frame(&message("join_1_1", "join", "", "kim", None));
    for n in 0..50 {
        bytes.extend(frame(&message(&format!("chat_1_{n}"), "chat", "", &format!("text {n}/"), None)));
    }
    speaker.sends(&bytes);
    std::thread::sleep(Duration::from_millis(800));
    server.kill();
    let mut rest = Vec::new();
    // After a kill the connection may be reset instead of closed.
    let _ = speaker.stream.read_to_end(&mut rest);
    let rest = String::from_utf8_lossy(&rest);
    let acknowledged: Vec<u32> = (0..50).filter(|n| rest.contains(&format!("chat_1_{n}\\\""))).collect();
    // Two seconds' worth at once, the join among them.
    assert!((15..45).contains(&acknowledged.len()), "{acknowledged:?}");
    let kept = kept(&store);
    for n in acknowledged {
        assert_eq!(kept.matches(&format!("\"text {n}/\"")).count(), 1, "{n}: {kept}");
    }
}

/// All that a store keeps, as a newcomer hears it.
fn kept(store: &str) -> String {
    let options = ["--history", "100000", "--pacing", "0ms", "--max-queue", "100MiB"];
    let server = Server::start(&[&["--store", store][..], &options].concat());
    let mut reader = server.connect("json-lines");
    reader.sends(b"{\"type\": \"join\", \"username\": \"reader\"}\n");
    reader.stream.set_read_timeout(Some(Duration::from_secs(1))).expect("a socket");
    let mut heard = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = reader.stream.read(&mut buffer) {
        heard.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(heard).expect("ASCII")
}

/// The limit is that of a file's size.
#[test]
fn where_files_may_not_grow_nobody_is_told_of_what_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chat.db");
    fills_twenty_times(&path, |server, full| {
        // So little that log and database reach it at once, however fast the machine is. The limit ends
        // with the process.
        if let Some(server) = server {
            limit_files(server, full.then_some(16_384));
        }
    });
}

/// A file system of a few MiB, which another file fills and leaves.
#[test]
#[ignore = "needs TESTBED_SMALL_DISK, a folder on a small file system of its own"]
fn on_a_disk_that_fills_nobody_is_told_of_what_is_not_kept() {
    let folder = std::env::var_os("TESTBED_SMALL_DISK").expect("a folder");
    let (path, filler) = (Path::new(&folder).join("chat.db"), Path::new(&folder).join("filler"));
    fills_twenty_times(&path, |_, full| {
        if full {
            let mut file = std::fs::File::create(&filler).expect("a disk");
            let mut bytes = 0;
            while file.write_all(&[0; 4_096]).is_ok() {
                bytes += 4_096;
                assert!(bytes < 64 << 20, "the file system is not small");
            }
        } else {
            std::fs::remove_file(&filler).expect("was full");
        }
    });
}

/// The disk of twenty servers, one after the other, fills and is freed again while people talk in two
/// dialects, and each is killed at another moment.
fn fills_twenty_times(path: &Path, set_full: impl Fn(Option<&Server>, bool)) {
    let store = path.display().to_string();
    let (mut rounds, mut log) = (Vec::new(), String::new());
    for round in 0..20_u32 {
        let server = Server::start(&["--store", &store, "--rate-limit", "0", "--pacing", "0ms"]);
        let hearer = hears_all(&server, round);
        let speakers = [
            says_in_lines(&server, round, 0),
            says_in_lines(&server, round, 1),
            says_acknowledged(&server, round),
        ];
        sleep(Duration::from_millis(40));
        set_full(Some(&server), true);
        sleep(Duration::from_millis(180));
        // Some are killed on the full disk.
        let freed = round % 3 > 0;
        if freed {
            set_full(Some(&server), false);
            sleep(Duration::from_millis(280 + u64::from(round * 37 % 200)));
        }
        log += &server.kill();
        rounds.extend(speakers.map(|speaker| speaker.join().expect("no panic")));
        rounds.push(Said { shown: hearer.join().expect("no panic"), ..Said::default() });
        if !freed {
            // The next one starts on a disk with room.
            set_full(None, false);
        }
    }
    let kept = texts(path);
    for said in &rounds {
        for text in said.acknowledged.iter().chain(&said.shown) {
            assert_eq!(kept.get(text), Some(&1), "{text} was acknowledged or shown");
        }
        for text in &said.refused {
            assert_eq!(kept.get(text), None, "{text} was refused");
        }
    }
    assert!(kept.values().all(|&count| count == 1), "something is kept twice");
    let total = |of: fn(&Said) -> usize| rounds.iter().map(of).sum::<usize>();
    let acknowledged = total(|said| said.acknowledged.len());
    let (refused, again) = (total(|said| said.refused.len()), total(|said| said.again));
    println!("{acknowledged} acknowledged, {refused} refused, {again} went on, {} kept", kept.len());
    assert!(acknowledged > 500 && refused > 100, "{acknowledged} acknowledged, {refused} refused");
    assert!(again >= 13, "after {again} refusals it went on");
    assert!(log.contains("cannot keep what is said"), "{log}");
}

/// Answers and texts that one client has received.
#[derive(Debug, Default)]
struct Said {
    acknowledged: Vec<String>,
    refused: Vec<String>,
    /// Texts of others.
    shown: Vec<String>,
    /// Number of acknowledgments after a refusal.
    again: usize,
}

impl Said {
    fn learns(&mut self, text: String, kept: bool, was_refused: &mut bool) {
        self.again += usize::from(kept && *was_refused);
        *was_refused = !kept;
        if kept { self.acknowledged.push(text) } else { self.refused.push(text) }
    }
}

fn padded(words: &str) -> String {
    format!("{words} {}", "x".repeat(200))
}

/// A speaker of `json-lines`, to whom its own text comes back, or an error.
fn says_in_lines(server: &Server, round: u32, person: u32) -> JoinHandle<Said> {
    let (mut client, mut lines) = joins_in_lines(server, &format!("p{person}"));
    spawn(move || {
        let (mut said, mut was_refused) = (Said::default(), false);
        for n in 0.. {
            let text = padded(&format!("lines {round}/{person}/{n}"));
            let line = format!("{{\"type\": \"chat\", \"message\": \"{text}\"}}\n");
            if client.stream.write_all(line.as_bytes()).is_err() {
                break;
            }
            let own = |line: &serde_json::Value| line["type"] == "error" || line["message"] == *text;
            let Some(answer) = lines.find(own) else { break };
            if answer["type"] == "error" {
                let words = answer["message"].as_str().expect("words");
                assert!(words.contains("cannot keep it now"), "{words}");
            }
            said.learns(text, answer["type"] != "error", &mut was_refused);
            sleep(Duration::from_millis(2));
        }
        said
    })
}

/// A speaker of `reliable`, which repeats what is not acknowledged.
fn says_acknowledged(server: &Server, round: u32) -> JoinHandle<Said> {
    let mut client = server.connect("reliable");
    client.sends(&frame(&message("join_1_1", "join", "", "p-reliable", None)));
    client.stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a socket");
    spawn(move || {
        let (mut said, mut was_refused) = (Said::default(), false);
        for n in 0.. {
            let text = padded(&format!("reliable {round}/{n}"));
            let id = format!("chat_1_{n}");
            let bytes = frame(&message(&id, "chat", "", &text, None));
            // It says it again until it is acknowledged, or the server is gone.
            let acknowledged = loop {
                if client.stream.write_all(&bytes).is_err() {
                    return said;
                }
                match answers(&mut client, &id) {
                    Answer::Acknowledged => break true,
                    Answer::Nothing => was_refused = true,
                    Answer::Gone => break false,
                }
            };
            if !acknowledged {
                return said;
            }
            said.learns(text, true, &mut was_refused);
        }
        said
    })
}

#[derive(PartialEq, Eq)]
enum Answer {
    Acknowledged,
    Nothing,
    Gone,
}

/// Answer to `id` before nothing comes for a while.
fn answers(client: &mut Client, id: &str) -> Answer {
    loop {
        let mut length = [0; 4];
        match client.stream.read_exact(&mut length) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Answer::Nothing,
            Err(_) => return Answer::Gone,
            Ok(()) => {}
        }
        let mut json = vec![0; u32::from_be_bytes(length) as usize];
        if client.stream.read_exact(&mut json).is_err() {
            return Answer::Gone;
        }
        let heard: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        if heard["msg_type"] == "ack" {
            if heard["content"].as_str().is_some_and(|content| content.contains(&format!("\"{id}\""))) {
                return Answer::Acknowledged;
            }
            continue;
        }
        let content = format!("{{\"ack_for\": \"{}\"}}", heard["msg_id"].as_str().expect("an id"));
        if client.stream.write_all(&frame(&message("ack_1_1", "ack", "", &content, None))).is_err() {
            return Answer::Gone;
        }
    }
}

/// Texts that a listener is shown until the server is gone.
fn hears_all(server: &Server, round: u32) -> JoinHandle<Vec<String>> {
    let (client, lines) = joins_in_lines(server, &format!("hearer{round}"));
    spawn(move || {
        let shown = lines.filter(|line| line["type"] == "chat");
        let shown = shown.filter_map(|line| Some(line["message"].as_str()?.to_owned())).collect();
        drop(client);
        shown
    })
}

/// A client of `json-lines` that is in, and what it hears to the end; the last line may be half.
fn joins_in_lines(server: &Server, nick: &str) -> (Client, impl Iterator<Item = serde_json::Value> + use<>) {
    let mut client = server.connect("json-lines");
    let join = format!("{{\"type\": \"join\", \"username\": \"{nick}\", \"extensions\": true}}\n");
    client.sends(join.as_bytes());
    let lines = BufReader::new(client.stream.try_clone().expect("a socket")).lines();
    let lines = lines.map_while(Result::ok).map_while(|line| serde_json::from_str(&line).ok());
    (client, lines)
}

/// Limits the size of files that the server writes.
fn limit_files(server: &Server, bytes: Option<u64>) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
    let process = Pid::from_child(&server.child);
    prlimit(Some(process), Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum })
        .expect("its parent");
}

/// Texts that are kept, and how often each is.
fn texts(path: &Path) -> BTreeMap<String, u32> {
    let file = Connection::open(path).expect("a database");
    let mut query = file.prepare("SELECT text, count(*) FROM messages GROUP BY text").expect("our tables");
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("readable");
    rows.collect::<Result<_, _>>().expect("sound")
}
