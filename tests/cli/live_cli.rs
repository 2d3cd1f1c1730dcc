//! The live commands as their users meet them: `serve`, `chat`, `admin`, `probe`, `proxy`.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::program::{Server, out, testbed};
use crate::sockets::Client;

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
    let again = Server { child: again.expect("the program runs"), addresses: BTreeMap::new(), log: None };
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
        (&["serve", "--log-file", "no/such/folder/chat.log"], "cannot log into no/such/folder/chat.log", 1),
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

/// A client given up by the server keeps no socket of it, emulated path or not, even if it never closes.
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
