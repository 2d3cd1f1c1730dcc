//! Commands of real time end within a second of Ctrl-C, whatever they wait for.

#![allow(clippy::disallowed_methods, reason = "signals come in real time")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Server, out, testbed};

/// Ends it as Ctrl-C does: its exit code.
fn interrupted(mut child: Child, what: &str) -> Option<i32> {
    let started = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).expect("running");
    while child.try_wait().expect("a child").is_none() {
        assert!(started.elapsed() < Duration::from_secs(1), "{what} has not ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("it has ended").status.code()
}

fn starts(words: &[&str]) -> Child {
    testbed(words).stdin(Stdio::piped()).spawn().expect("the program runs")
}

#[test]
fn servers_end_with_0_while_people_talk_behind_a_bad_network() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("chat.db").display().to_string();
    let bad = ["--loss=30%", "--delay=400ms", "--rate=100kbit"];
    for more in [&["--store", &store][..], &bad] {
        let mut server = Server::start(more);
        let mut people: Vec<Child> = ["json-lines", "slash", "pipe"]
            .map(|dialect| {
                starts(&["chat", dialect, "--dialect", dialect, "--address", &server.addresses[dialect]])
            })
            .into();
        std::thread::sleep(Duration::from_millis(1_500));
        for person in &mut people {
            let text = "some words\n".repeat(100);
            person.stdin.as_mut().expect("piped").write_all(text.as_bytes()).expect("open");
        }
        std::thread::sleep(Duration::from_millis(200));
        let child = std::mem::replace(&mut server.child, starts(&["--version"]));
        assert_eq!(interrupted(child, "serve"), Some(0), "{more:?}");
        for mut person in people {
            let _ = person.kill().and_then(|()| person.wait());
        }
    }
}

#[test]
fn clients_end_with_130_whatever_they_wait_for() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().expect("bound").to_string();
    let server = Server::start(&["--loss=30%", "--delay=400ms"]);
    let (lines, admin) = (&server.addresses["json-lines"], &server.addresses["admin"]);
    for words in [
        &["chat", "kim", "--address", lines][..],
        &["chat", "kim", "--address", &silent],
        &["admin", "--address", admin],
        &["admin", "--address", admin, "--mode", "monitor"],
        &["admin", "--address", &silent, "stats"],
        &["probe", "throughput", "--address", lines, "--duration", "60s"],
        &["probe", "connectivity", "--address", &silent],
    ] {
        let child = starts(words);
        std::thread::sleep(Duration::from_millis(800));
        let code = interrupted(child, &words.join(" "));
        // Before it has anything to put right, a signal just ends it, which a shell shows as 130.
        assert!(code.is_none_or(|code| code == 130), "{words:?}: {code:?}");
    }
}

#[test]
fn a_failure_about_an_option_of_the_file_names_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("chat.toml").display().to_string();
    for (text, more, words) in [
        ("heartbeat = \"40s\"\n", &[][..], "--heartbeat is `heartbeat` in"),
        ("dead_after = \"5s\"\n", &["--heartbeat=6s"], "--dead-after is `dead_after` in"),
        ("max-queue = \"1KiB\"\n", &[], "--max-queue is `max-queue` in"),
        ("accounts-only = true\n", &[], "--accounts-only is `accounts-only` in"),
        ("loss = \"5%\"\nscenario = \"a.toml\"\n", &[], "--loss is `loss`, --scenario is `scenario` in"),
    ] {
        std::fs::write(&file, text).expect("written");
        let words_of_it = [&["serve", "--admin=127.0.0.1:0", "--config", &file], more].concat();
        let output = testbed(&words_of_it).output().expect("the program runs");
        let said = out(&output);
        assert!(output.status.code() == Some(2) && said.contains(words), "{text}: {said}");
    }
}

#[test]
fn a_proxy_ends_with_0_and_says_what_it_did() {
    let server = Server::start(&[]);
    let words = ["proxy", "127.0.0.1:0", &server.addresses["json-lines"], "--loss=30%", "--delay=400ms"];
    let mut proxy = starts(&words);
    let mut said = String::new();
    BufReader::new(proxy.stderr.as_mut().expect("piped")).read_line(&mut said).expect("a line");
    let address = said.split(' ').next().expect("an address");
    let mut kim = starts(&["chat", "kim", "--address", address]);
    std::thread::sleep(Duration::from_millis(1_500));
    kim.stdin.as_mut().expect("piped").write_all("some words\n".repeat(50).as_bytes()).expect("open");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(interrupted(proxy, "proxy"), Some(0));
    let _ = kim.kill().and_then(|()| kim.wait());
}
