//! The administrator's port while others hold connections to it, or guess.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

mod sockets;

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use sockets::{PATIENCE, Running, usual};
use testbed::chat::protocol::Kind;
use testbed::live::admin::{Administrator, ask};

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the port");
    stream.set_read_timeout(Some(6 * PATIENCE)).expect("a socket");
    stream
}

fn request(token: &str) -> serde_json::Value {
    serde_json::json!({ "command": "get_stats", "params": {}, "token": token })
}

#[test]
fn silent_connections_keep_no_administrator_out() {
    let server = Running::start_with_token(usual(), &[Kind::Slash], Some("right"));
    let silent: Vec<TcpStream> = (0..100).map(|_| connect(server.admin)).collect();
    let started = Instant::now();
    let reply = ask(&mut connect(server.admin), &request("right")).expect("a reply");
    assert_eq!(reply["connected_clients"], 0, "{reply}");
    // Nobody had to give up before.
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    drop(silent);
}

#[test]
fn who_does_not_ask_is_not_waited_for() {
    let server = Running::start(usual(), &[Kind::Slash]);
    let mut administrator = connect(server.admin);
    assert!(ask(&mut administrator, &request("")).is_ok());
    let read = connect(server.admin).read(&mut [0]);
    assert!(matches!(read, Ok(0)), "{read:?}");
    // Who has asked may think.
    assert!(ask(&mut administrator, &request("")).is_ok());
}

#[test]
fn guessers_keep_no_administrator_out() {
    let server = Running::start_with_token(usual(), &[Kind::Slash], Some("right"));
    let address = server.admin;
    let guessers: Vec<_> = (0..20)
        .map(|guesser| {
            std::thread::spawn(move || {
                let (started, mut guesses) = (Instant::now(), 0);
                while started.elapsed() < Duration::from_secs(3) {
                    guesses += 1;
                    let _ = ask(&mut connect(address), &request(&format!("guess {guesser} {guesses}")));
                }
                guesses
            })
        })
        .collect();
    std::thread::sleep(Duration::from_secs(1));
    let mut honest = Administrator::connect(&address.to_string(), Some("right".to_owned())).expect("a port");
    let reply = honest.ask("get_stats", &serde_json::json!({})).expect("a reply");
    assert_eq!(reply["connected_clients"], 0, "{reply}");
    let guesses: u32 = guessers.into_iter().map(|guesser| guesser.join().expect("no panic")).sum();
    // All together four a second, and as many as were on their way at the end.
    assert!(guesses < 50, "{guesses} guesses");
}
