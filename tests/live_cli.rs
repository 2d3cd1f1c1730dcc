//! The live commands as their users meet them: `serve`, `chat`, `admin`, `probe`, `proxy`.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

mod sockets;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use sockets::{Client, frame, message};

fn testbed(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A server on free ports; ends with its value.
struct Server {
    child: Child,
    /// By dialect, and `admin`.
    addresses: BTreeMap<String, String>,
}

impl Server {
    fn start(more: &[&str]) -> Server {
        let dialects = ["reliable", "json-lines", "slash", "rooms", "pipe"];
        let listeners: Vec<String> =
            dialects.iter().map(|name| format!("--dialect={name}=127.0.0.1:0")).collect();
        let mut words = vec!["serve", "--log", "error", "--admin", "127.0.0.1:0"];
        words.extend(listeners.iter().map(String::as_str));
        words.extend(more);
        let mut child = testbed(&words).spawn().expect("the program runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let mut addresses = BTreeMap::new();
        while !addresses.contains_key("admin") {
            let line = lines.next().expect("more lines").expect("text");
            let (name, address) = line.split_once(char::is_whitespace).unwrap_or_else(|| panic!("{line}"));
            addresses.insert(name.to_owned(), address.trim().to_owned());
        }
        Server { child, addresses }
    }

    fn connect(&self, dialect: &str) -> Client {
        Client::connect(self.addresses[dialect].parse().expect("an address"))
    }

    /// kill -9
    fn kill(mut self) {
        self.child.kill().expect("running");
        self.child.wait().expect("gone");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn scripts_talk_with_each_other_in_different_dialects() {
    let server = Server::start(&[]);
    let chat = |nick: &str, dialect: &str| {
        let words = ["chat", nick, "--dialect", dialect, "--address", &server.addresses[dialect]];
        testbed(&words).stdin(Stdio::piped()).spawn().expect("the program runs")
    };
    let people = ["reliable", "json-lines", "slash", "rooms", "pipe"];
    let mut children: Vec<Child> =
        people.iter().map(|dialect| chat(&format!("p-{dialect}"), dialect)).collect();
    std::thread::sleep(Duration::from_millis(1_500));
    for (child, dialect) in children.iter_mut().zip(people) {
        let mut input = child.stdin.take().expect("piped");
        writeln!(input, "hello from {dialect}\n/whisper p-slash psst from {dialect}\n/stats").expect("open");
        std::thread::sleep(Duration::from_millis(100));
        child.stdin = Some(input);
    }
    std::thread::sleep(Duration::from_secs(1));
    for child in &mut children {
        drop(child.stdin.take());
    }
    let heard: Vec<String> = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}", out(&output));
            out(&output)
        })
        .collect();
    for (n, text) in heard.iter().enumerate() {
        for (m, dialect) in people.iter().enumerate() {
            assert_eq!(
                text.contains(&format!("hello from {dialect}")),
                n != m,
                "{} hears {dialect}:\n{text}",
                people[n]
            );
        }
        assert!(text.contains("2 said"), "{text}");
    }
    for dialect in ["reliable", "json-lines", "rooms", "pipe"] {
        assert!(heard[2].contains(&format!("p-{dialect} to you: psst from {dialect}")), "{}", heard[2]);
    }
}

#[test]
fn a_script_comes_back_after_a_loss_and_says_once_what_was_not_acknowledged() {
    let server = Server::start(&[]);
    let address = server.addresses["reliable"].clone();
    let words = ["chat", "kim", "--dialect", "reliable", "--address", &address];
    let mut child = testbed(&words).stdin(Stdio::piped()).spawn().expect("the program runs");
    std::thread::sleep(Duration::from_millis(500));
    server.kill();
    let listener = format!("reliable={address}");
    std::thread::sleep(Duration::from_millis(200));
    let again =
        testbed(&["serve", "--log", "error", "--admin", "127.0.0.1:0", "--dialect", &listener]).spawn();
    let again = Server { child: again.expect("the program runs"), addresses: BTreeMap::new() };
    std::thread::sleep(Duration::from_millis(1_500));
    let mut input = child.stdin.take().expect("piped");
    writeln!(input, "/list").expect("open");
    std::thread::sleep(Duration::from_millis(300));
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    drop(again);
    let text = out(&output);
    assert!(
        output.status.success()
            && text.contains("trying again in 1 s")
            && text.matches("you are kim").count() == 2,
        "{text}"
    );
}

#[test]
fn wrong_arguments_of_the_live_commands_are_explained() {
    for (words, mark, code) in [
        (&["serve", "--dialect", "morse=127.0.0.1:0"][..], "there is no dialect 'morse'", 2),
        (&["serve", "--dialect", "slash"], "there is no `=`", 2),
        (
            &["serve", "--dialect", "slash=nowhere.invalid:1", "--admin", "127.0.0.1:0"],
            "cannot listen on nowhere",
            2,
        ),
        (&["serve", "--dialect", "slash=nowhere", "--admin", "127.0.0.1:0"], "HOST:PORT", 2),
        (&["serve", "--admin", "0.0.0.0:0", "--dialect", "slash=127.0.0.1:0"], "need a token", 2),
        (&["serve", "--dialect", "slash=127.0.0.1:9", "--dialect", "pipe=127.0.0.1:9"], "are one address", 2),
        (&["serve", "--dialect", "slash=127.0.0.1:8889"], "slash=127.0.0.1:8889 and --admin", 2),
        (&["serve", "--dialect", "slash=127.0.0.1:0", "--store", "Cargo.toml"], "cannot use Cargo.toml", 2),
        (&["serve", "--dialect", "slash=127.0.0.1:0", "--store", "src"], "cannot use src", 2),
        (&["proxy", "nowhere.invalid:1", "127.0.0.1:1"], "cannot listen on nowhere", 2),
        (&["serve", "--loss", "ten"], "ten", 2),
        (&["serve", "--loss", "10%", "--scenario", "x.toml"], "cannot be used with", 2),
        (&["serve", "--log", "=="], "--log", 2),
        (&["serve", "--log", "inf"], "there is no level 'inf'", 2),
        (&["serve", "--max-clients", "0"], "more than 0", 2),
        (&["serve", "--max-message", "0B"], "more than 0", 2),
        (&["serve", "--join-timeout", "0s"], "more than 0", 2),
        (&["serve", "--max-queue", "0B"], "--max-message", 2),
        (&["proxy", "127.0.0.1:0", "127.0.0.1:1", "--delay", "5"], "has no unit", 2),
        (&["proxy", "127.0.0.1:0", "127.0.0.1:1", "--delay", "-1ms"], "-1ms", 2),
        (&["proxy", "127.0.0.1:0", "127.0.0.1:1", "--loss", "-5%"], "-5%", 2),
        (&["proxy", "127.0.0.1:0", "127.0.0.1:1", "--set", "link.path.lost=1%"], "lost", 2),
        (&["proxy", "127.0.0.1:0"], "UPSTREAM", 2),
        (&["chat", "kim", "--dialect", "morse"], "there is no dialect 'morse'", 2),
        (&["chat", "kim", "--address", "127.0.0.1:1", "--reconnects", "0"], "cannot connect", 1),
        (&["probe", "--dialect", "morse"], "there is no dialect 'morse'", 2),
        (&["probe", "connectivity", "--address", "127.0.0.1:1"], "cannot connect", 1),
        (&["admin", "stats", "--address", "127.0.0.1:1"], "cannot reach a server", 1),
        (&["admin", "simulate", "x", "5ms"], "invalid value 'x'", 2),
    ] {
        let output = testbed(words).output().expect("the program runs");
        let text = out(&output);
        assert!(text.contains(mark), "{words:?}: {text}");
        // One mistake, one error: none that follows from it, and none about an option `-5%`.
        assert!(text.matches("  × ").count() <= 1 && !text.contains("unexpected"), "{words:?}: {text}");
        assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
    }
}

#[test]
fn the_tester_and_the_administrator_see_the_server() {
    let server = Server::start(&["--loss", "0%"]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("results.json");
    let admin = &server.addresses["admin"];
    for dialect in ["reliable", "slash", "pipe"] {
        let words = [
            "probe",
            "all",
            "--dialect",
            dialect,
            "--address",
            &server.addresses[dialect],
            "--duration",
            "1s",
            "--messages",
            "20",
            "--clients",
            "4",
            "--export",
            &file.display().to_string(),
        ]
        .map(str::to_owned);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let run = || testbed(&words).output().expect("the program runs");
        let mut output = run();
        // Without frames, a machine that stalls between two texts makes one of them: another try.
        for _ in 0..2 {
            if dialect != "reliable" && !output.status.success() {
                output = run();
            }
        }
        assert!(output.status.success(), "{dialect}: {}", out(&output));
        let results: serde_json::Value = read_json(&file);
        let rates: Vec<f64> = results["results"]
            .as_array()
            .expect("results")
            .iter()
            .map(|result| result["success_rate"].as_f64().expect("a rate"))
            .collect();
        assert_eq!(rates, [100.0; 4], "{dialect}");
    }
    let words = [
        "probe",
        "simulation",
        "--address",
        &server.addresses["reliable"],
        "--admin",
        admin,
        "--duration",
        "1s",
    ];
    let output = testbed(&words).output().expect("the program runs");
    assert!(output.status.success(), "{}", out(&output));
    let mut kim = server.connect("rooms");
    kim.says("kim");
    kim.hears("Connected to the server");
    // Until the testers' people have left.
    kim.ignores();
    let ask = |words: &[&str]| {
        let words = [&["admin", "--address", admin][..], words].concat();
        let output = testbed(&words).output().expect("the program runs");
        assert!(output.status.success(), "{words:?} {}", out(&output));
        out(&output)
    };
    let clients: serde_json::Value = serde_json::from_str(&ask(&["clients", "--json"])).expect("JSON");
    let clients = clients["clients"].as_array().expect("a list");
    let kims = clients.iter().find(|client| client["username"] == "kim").expect("kim");
    let id = kims["id"].as_str().expect("an id").to_owned();
    let table = ask(&["clients"]);
    assert!(table.contains("kim") && table.contains("B in") && table.contains("B out"), "{table}");
    ask(&["broadcast", "hello", "all"]);
    kim.hears("Server: [ADMIN] hello all");
    ask(&["kick", &id]);
    kim.hears("Server: You were disconnected by an administrator");
    let started = Instant::now();
    ask(&["shutdown"]);
    let mut server = server;
    while server.child.try_wait().expect("a child").is_none() {
        assert!(started.elapsed() < Duration::from_secs(2), "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn read_json(file: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(file).expect("an export")).expect("JSON")
}

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
                    if client.stream.write_all(&bytes).is_err() || !acknowledges(&mut client, &id) {
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

/// What waits because its speaker talks too fast is not acknowledged before it is kept.
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

/// Waits for the acknowledgment of `id`, acknowledging what comes before; `false` at the end.
fn acknowledges(client: &mut Client, id: &str) -> bool {
    loop {
        let mut length = [0; 4];
        if client.stream.read_exact(&mut length).is_err() {
            return false;
        }
        let mut json = vec![0; u32::from_be_bytes(length) as usize];
        if client.stream.read_exact(&mut json).is_err() {
            return false;
        }
        let heard: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        if heard["msg_type"] == "ack" {
            if heard["content"].as_str().is_some_and(|content| content.contains(&format!("\"{id}\""))) {
                return true;
            }
            continue;
        }
        let content = format!("{{\"ack_for\": \"{}\"}}", heard["msg_id"].as_str().expect("an id"));
        if client.stream.write_all(&frame(&message("ack_1_1", "ack", "", &content, None))).is_err() {
            return false;
        }
    }
}

/// Whom the server has given up keeps no socket of it, emulated path or not, even if it never closes.
#[cfg(target_os = "linux")]
#[test]
fn who_is_given_up_keeps_no_socket() {
    for more in [&[][..], &["--loss", "0%"]] {
        let server = Server::start(&[&["--join-timeout", "500ms"], more].concat());
        let open = || std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).expect("Linux").count();
        let before = open();
        let mut silent: Vec<Client> = (0..10).map(|_| server.connect("json-lines")).collect();
        for client in &mut silent {
            let _ = client.stream.read_to_end(&mut Vec::new());
        }
        let deadline = Instant::now() + Duration::from_secs(8);
        while open() > before {
            assert!(Instant::now() < deadline, "{more:?}: {} sockets are still there", open() - before);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
