//! `testbed probe` and `testbed admin`: what they leave behind, and what they say when it goes wrong.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::sockets::{Running, usual};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use testbed::chat::protocol::{JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH};
use testbed::live::admin::Administrator;
use testbed::live::gateway::Options;
use testbed::live::server::Settings;

fn testbed(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn network(server: &Running) -> Value {
    let mut admin = Administrator::connect(&server.admin.to_string(), None).expect("it listens");
    admin.ask("get_stats", &serde_json::json!({})).expect("a reply")["network"].take()
}

fn behind(options: &Options) -> Running {
    let network = Some(options.conditions(None).expect("sound options"));
    Running::start(Settings { network, ..usual() }, &[RELIABLE])
}

fn interrupts(child: Child, signal: Signal) -> Output {
    kill_process(Pid::from_child(&child), signal).expect("running");
    child.wait_with_output().expect("it ends")
}

#[test]
fn several_probes_at_one_server_do_not_hear_each_other() {
    let server = Running::start(usual(), &[JSON_LINES]);
    let address = server.address(JSON_LINES).to_string();
    let words =
        ["probe", "reliability", "--dialect", "json-lines", "--messages", "60", "--address", &address];
    let probes: Vec<Child> = (0..4).map(|_| testbed(&words).spawn().expect("the program runs")).collect();
    for probe in probes {
        let output = probe.wait_with_output().expect("it ends");
        assert!(output.status.success() && out(&output).contains("60 of 60"), "{}", out(&output));
    }
}

#[test]
fn a_simulation_leaves_the_network_as_it_was() {
    let server =
        behind(&Options { loss: Some("1%".into()), delay: Some("3ms".into()), ..Options::default() });
    let before = network(&server);
    assert_eq!((&before["packet_loss_rate"], &before["delay"]), (&0.01.into(), &0.003.into()), "{before}");
    let (address, admin) = (server.address(RELIABLE).to_string(), server.admin.to_string());
    let probe = |duration: &str| {
        let words = ["probe", "simulation", "--address", &address, "--admin", &admin, "--duration", duration];
        testbed(&words).spawn().expect("the program runs")
    };
    let output = probe("500ms").wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", out(&output));
    assert_eq!(network(&server), before);
    // Nor does who has no patience.
    let impatient = probe("60s");
    let started = Instant::now();
    while network(&server) == before {
        assert!(started.elapsed() < crate::sockets::PATIENCE, "it changes nothing");
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = interrupts(impatient, Signal::INT);
    assert_eq!(output.status.code(), Some(130), "{}", out(&output));
    assert_eq!(network(&server), before);
}

#[test]
fn a_network_that_could_not_be_put_back_is_left_alone() {
    let options =
        Options { loss: Some("1%".into()), sets: vec!["link.path.up.loss=2%".into()], ..Options::default() };
    let server = behind(&options);
    let before = network(&server);
    let (address, admin) = (server.address(RELIABLE).to_string(), server.admin.to_string());
    let output = testbed(&["probe", "simulation", "--address", &address, "--admin", &admin]).output();
    let output = output.expect("the program runs");
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    assert!(out(&output).contains("could not be put back"), "{}", out(&output));
    assert_eq!(network(&server), before);
}

#[test]
fn an_interrupted_probe_keeps_what_is_finished() {
    let server = Running::start(usual(), &[JSON_LINES]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("results.json");
    let (address, export) = (server.address(JSON_LINES).to_string(), file.display().to_string());
    let words = ["probe", "all", "--dialect", "json-lines", "--duration", "60s"];
    let words = [&words[..], &["--address", &address, "--export", &export]].concat();
    for signal in [Signal::INT, Signal::TERM] {
        let probe = testbed(&words).spawn().expect("the program runs");
        std::thread::sleep(Duration::from_secs(3));
        let output = interrupts(probe, signal);
        assert_eq!(output.status.code(), Some(130), "{}", out(&output));
        assert!(out(&output).contains("connectivity") && !out(&output).contains("throughput"));
        let results: Value = serde_json::from_slice(&std::fs::read(&file).expect("an export")).expect("JSON");
        assert_eq!(results["results"].as_array().map(Vec::len), Some(1), "{results}");
    }
}

#[test]
fn texts_that_are_refused_are_not_waited_for() {
    for kind in [RELIABLE, JSON_LINES, SLASH, PIPE] {
        let mut settings = usual();
        settings.dialects.max_text = 1_000;
        let server = Running::start(settings, &[kind]);
        let address = server.address(kind).to_string();
        let words = ["probe", "reliability", "--messages", "5", "--size", "1200", "--dialect", kind.name()];
        let words = [&words[..], &["--address", &address]].concat();
        // Without frames, a machine that stalls between two texts or two answers makes one of them.
        let is_prompt = (0..3).any(|_| {
            let started = Instant::now();
            let output = testbed(&words).output().expect("it runs");
            let text = out(&output);
            assert_eq!(output.status.code(), Some(1), "{kind:?}: {text}");
            assert!(text.contains("a text was refused: Message too long"), "{kind:?}: {text}");
            started.elapsed() < Duration::from_secs(5)
        });
        assert!(is_prompt, "{kind:?}");
    }
}

#[test]
fn a_load_is_what_the_dialect_takes_or_its_queue_is_announced() {
    let server = Running::start(usual(), &[ROOMS, SLASH]);
    for (kind, texts, note) in
        [(ROOMS, 9, "rooms is paced at 50 texts a second"), (SLASH, 18, "slash is paced at 100")]
    {
        let address = server.address(kind).to_string();
        let words = ["probe", "throughput", "--dialect", kind.name(), "--duration", "200ms"];
        let words = [&words[..], &["--address", &address]].concat();
        let usual = out(&testbed(&words).output().expect("it runs"));
        assert!(usual.contains(&format!("of {texts} ")) && !usual.contains("note:"), "{usual}");
        let fast = out(&testbed(&[&words[..], &["--rate", "200"]].concat()).output().expect("it runs"));
        assert!(fast.contains("of 40 ") && fast.contains(note), "{fast}");
    }
}

#[test]
fn a_server_that_goes_is_not_waited_for() {
    let server = Running::start(usual(), &[JSON_LINES]);
    let address = server.address(JSON_LINES).to_string();
    let words =
        ["probe", "throughput", "--dialect", "json-lines", "--duration", "60s", "--address", &address];
    let probe = testbed(&words).spawn().expect("the program runs");
    std::thread::sleep(Duration::from_secs(1));
    server.stop();
    let stopped = Instant::now();
    let output = probe.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    assert!(out(&output).contains("the server closed a connection"), "{}", out(&output));
    assert!(stopped.elapsed() < Duration::from_secs(3), "{:?}", stopped.elapsed());
}

#[test]
fn administrators_name_people_quote_words_and_hear_what_failed() {
    let server = Running::start(usual(), &[SLASH]);
    let mut kim = server.connect(SLASH);
    kim.ignores();
    kim.says("kim");
    kim.ignores();
    let admin = server.admin.to_string();
    let script = |lines: &str| {
        let mut child =
            testbed(&["admin", "--address", &admin]).stdin(Stdio::piped()).spawn().expect("the program runs");
        child.stdin.take().expect("piped").write_all(lines.as_bytes()).expect("open");
        child.wait_with_output().expect("it ends")
    };
    let output = script("broadcast \"hi  all\"\nnonsense\nkick nobody\nkick\nsimulate 150 5\nstats\n");
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    for words in [
        "there is no command 'nonsense'",
        "'kick' is not complete",
        "write kick CLIENT",
        "150% is not a probability",
        "write simulate [LOSS DELAY]",
        "4 commands failed",
        "1 person",
    ] {
        assert!(out(&output).contains(words), "{words}: {}", out(&output));
    }
    kim.hears("[T] [SERVER] [ADMIN] hi  all");
    let empty = testbed(&["admin", "--address", &admin, "broadcast", ""]).output().expect("it runs");
    assert_eq!(empty.status.code(), Some(2), "{}", out(&empty));
    let refused = testbed(&["admin", "--address", &admin, "--json", "kick", "nobody"]).output();
    let refused = refused.expect("it runs");
    let error: Value = serde_json::from_slice(&refused.stdout).expect("JSON");
    assert_eq!(refused.status.code(), Some(1));
    assert!(error["error"].as_str().is_some_and(|words| words.contains("no client 'nobody'")), "{error}");
    let output = script("kick kim\n");
    assert!(output.status.success(), "{}", out(&output));
    kim.hears("[T] [SERVER] You were disconnected by an administrator");
}

/// Their blank needs no quotes, so that what the reply proposes can be typed as it stands.
#[test]
fn a_name_that_the_server_has_given_is_kicked_as_it_is_shown() {
    let mut settings = usual();
    settings.dialects.assign_names = true;
    let server = Running::start(settings, &[SLASH]);
    let mut client = server.connect(SLASH);
    client.ignores();
    let admin = server.admin.to_string();
    let kick = ["admin", "--address", &admin, "kick", "User", "1", "--name-only"];
    let output = testbed(&kick).output().expect("it runs");
    assert!(out(&output).contains("User 1 was disconnected"), "{}", out(&output));
}

#[test]
fn what_cannot_be_tested_or_asked_is_bad_usage() {
    for words in [
        &["probe", "--address", "127.0.0.1"][..],
        &["probe", "--admin", "8889"],
        &["probe", "--dialect", "slash-or-pipe"],
        &["probe", "reliability", "--messages", "0"],
        &["probe", "throughput", "--duration", "0s"],
        &["admin", "stats", "--address", "127.0.0.1"],
        &["admin", "--mode", "monitor", "stats"],
    ] {
        let output = testbed(words).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
    }
}
