//! `testbed chat` at a port where its dialect is not spoken: it says what is, and how to mend it.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::program::{answers, chat, out};
use crate::sockets::{Running, usual};
use testbed::chat::protocol::{Dialect, JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH};

const KINDS: [&dyn Dialect; 5] = [RELIABLE, JSON_LINES, SLASH, ROOMS, PIPE];

/// Each of these addresses gets a client of this dialect that learns this, all at once.
fn learn(clients: &[(&'static dyn Dialect, String, &str)]) {
    let started = Instant::now();
    let children: Vec<_> =
        clients.iter().map(|(kind, address, mend)| (kind, mend, chat(address, *kind, "kim"))).collect();
    for (kind, mend, mut child) in children {
        // Its input does not end.
        let input = child.stdin.take();
        let output = child.wait_with_output().expect("it ends");
        let text = out(&output);
        assert_eq!(output.status.code(), Some(1), "{kind:?}, {mend}: {text}");
        assert!(text.contains(mend), "{kind:?}, {mend}: {text}");
        // Nothing that was not meant is shown as if it were.
        assert_eq!(text.lines().count(), 1, "{kind:?}, {mend}: {text}");
        drop(input);
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn each_dialect_is_named_to_each_other() {
    let server = Running::start(usual(), &KINDS);
    let mends = KINDS.map(|there| format!("add --dialect {}", there.name()));
    let mut clients = Vec::new();
    for (there, mend) in KINDS.into_iter().zip(&mends) {
        for kind in KINDS.into_iter().filter(|kind| *kind != there) {
            clients.push((kind, server.address(there).to_string(), mend.as_str()));
        }
    }
    learn(&clients);
}

#[test]
fn the_administration_port_is_named_in_every_dialect() {
    for token in [None, Some("secret")] {
        let server = Running::start_with_token(usual(), &KINDS, token);
        let mend = "a server's administration port, for `testbed admin`";
        learn(&KINDS.map(|kind| (kind, server.admin.to_string(), mend)));
    }
}

#[test]
fn a_server_of_something_else_is_named() {
    let html = answers(b"<!DOCTYPE HTML>\n<html lang=\"en\">\n");
    learn(&KINDS.map(|kind| (kind, html.clone(), "HTTP is spoken there, no chat")));
    let http = answers(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    learn(&KINDS.map(|kind| (kind, http.clone(), "HTTP is spoken there, no chat")));
    // An alert, which is how it answers what is no handshake.
    let tls = answers(b"\x15\x03\x03\0\x02\x02\x32");
    learn(&KINDS.map(|kind| (kind, tls.clone(), "speaks TLS there; add --tls")));
}

/// A service that says again what it is told speaks no dialect, though it returns one's first words.
#[test]
fn an_echo_is_taken_for_no_dialect() {
    let address = echoes();
    let mut child = chat(&address, SLASH, "kim");
    let input = child.stdin.take();
    let text = out(&child.wait_with_output().expect("it ends"));
    assert!(text.contains("it may be no chat server") && !text.contains("add --dialect reliable"), "{text}");
    drop(input);
}

/// Address of such a service.
fn echoes() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut reader = stream.try_clone().expect("a socket");
                std::io::copy(&mut reader, &mut stream)
            });
        }
    });
    address
}
