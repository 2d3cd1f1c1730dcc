//! `testbed probe` and `testbed admin`: what they leave behind, and what they say when it goes wrong.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

mod sockets;

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use sockets::{Running, usual};
use testbed::chat::protocol::Kind;
use testbed::live::server::Settings;

fn testbed(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn several_probes_at_one_server_do_not_hear_each_other() {
    let server = Running::start(usual(), &[Kind::JsonLines]);
    let address = server.address(Kind::JsonLines).to_string();
    let words =
        ["probe", "reliability", "--dialect", "json-lines", "--messages", "60", "--address", &address];
    let probes: Vec<Child> = (0..4).map(|_| testbed(&words).spawn().expect("the program runs")).collect();
    for probe in probes {
        let output = probe.wait_with_output().expect("it ends");
        assert!(output.status.success() && out(&output).contains("60 of 60"), "{}", out(&output));
    }
}

#[test]
fn texts_that_are_refused_are_not_waited_for() {
    for kind in [Kind::Reliable, Kind::JsonLines, Kind::Slash, Kind::Pipe] {
        let server = Running::start(Settings { max_text: 1_000, ..usual() }, &[kind]);
        let address = server.address(kind).to_string();
        let words = ["probe", "reliability", "--messages", "5", "--size", "1200", "--dialect", kind.name()];
        let started = Instant::now();
        let output = testbed(&[&words[..], &["--address", &address]].concat()).output().expect("it runs");
        let text = out(&output);
        assert_eq!(output.status.code(), Some(1), "{kind:?}: {text}");
        assert!(text.contains("a text was refused: Message too long"), "{kind:?}: {text}");
        assert!(started.elapsed() < Duration::from_secs(5), "{kind:?}: {:?}", started.elapsed());
    }
}

#[test]
fn a_server_that_goes_is_not_waited_for() {
    let server = Running::start(usual(), &[Kind::JsonLines]);
    let address = server.address(Kind::JsonLines).to_string();
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
