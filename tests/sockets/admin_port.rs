//! The administrator's port while others hold connections to it, or guess.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::sockets::{PATIENCE, Running, usual};
use testbed::chat::protocol::{JSON_LINES, SLASH};
use testbed::live::admin::{Administrator, ask};
use testbed::live::server::Settings;

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
    let server = Running::start_with_token(usual(), &[SLASH], Some("right"));
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
    let server = Running::start(usual(), &[SLASH]);
    let mut administrator = connect(server.admin);
    assert!(ask(&mut administrator, &request("")).is_ok());
    let read = connect(server.admin).read(&mut [0]);
    assert!(matches!(read, Ok(0)), "{read:?}");
    // An administrator who has asked may think.
    assert!(ask(&mut administrator, &request("")).is_ok());
}

#[test]
fn guessers_keep_no_administrator_out() {
    let server = Running::start_with_token(usual(), &[SLASH], Some("right"));
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

/// Reply to an administrator who kicks `name`.
fn kicks(server: &Running, name: &str, keep_out: &str) -> String {
    let ask = |command: &str, params: serde_json::Value| {
        let request = serde_json::json!({ "command": command, "params": params });
        ask(&mut connect(server.admin), &request).expect("a reply")
    };
    let clients = ask("get_clients", serde_json::json!({}));
    let listed = clients["clients"].as_array().expect("a list").iter();
    let id = listed.clone().find(|client| client["username"] == name).map(|client| client["id"].clone());
    let mut params = serde_json::json!({ "client_id": id.unwrap_or(name.into()) });
    if !keep_out.is_empty() {
        params["keep_out"] = keep_out.into();
    }
    let reply = ask("kick_client", params);
    reply["message"].as_str().or(reply["error"].as_str()).expect("words").to_owned()
}

/// Comes in, or hears why not.
fn comes(server: &Running, name: &str) -> Result<BufReader<TcpStream>, String> {
    let mut stream = connect(server.address(JSON_LINES));
    stream
        .write_all(format!("{{\"type\": \"join\", \"username\": \"{name}\"}}\n").as_bytes())
        .expect("a socket");
    let (mut reader, mut line) = (BufReader::new(stream), String::new());
    reader.read_line(&mut line).expect("an answer");
    if line.contains("\"welcome\"") { Ok(reader) } else { Err(line) }
}

fn for_an_hour() -> Running {
    let kicked_for = testbed::time::Duration::from_secs(3_600);
    Running::start(Settings { kicked_for, ..usual() }, &[JSON_LINES])
}

#[test]
fn a_kick_keeps_the_person_out_and_not_the_class() {
    let server = for_an_hour();
    let [_kim, bob, _lea] =
        ["kim", "bob", "lea"].map(|name| comes(&server, name).expect("nobody was kicked"));
    let told = kicks(&server, "kim", "");
    assert!(
        told.starts_with("kim was disconnected; the name is kept out for 3600s. The address is not"),
        "{told}"
    );
    assert!(told.contains("2 others here came from 127.0.0.1: `kick kim --address-too` does that"), "{told}");
    for alike in ["kim", "KIM", "k\u{456}m"] {
        let refusal = comes(&server, alike).expect_err("kept out");
        assert!(refusal.contains("You were disconnected by an administrator; come back in"), "{refusal}");
    }
    let max = comes(&server, "max").expect("of the class");
    let told = kicks(&server, "kim", "address");
    assert!(
        told.starts_with("kim is not here; the name and the address 127.0.0.1 are kept out for 3600s"),
        "{told}"
    );
    assert!(told.contains("3 others from there may stay"), "{told}");
    let refusal = comes(&server, "zoe").expect_err("from there");
    assert!(refusal.contains("Nobody comes in from your address for 3"), "{refusal}");
    // A person who was in is still heard, but cannot take the name.
    let mut speaker = bob.into_inner();
    speaker
        .write_all(
            b"{\"type\": \"rename\", \"username\": \"Kim\"}\n{\"type\": \"chat\", \"message\": \"hi\"}\n",
        )
        .expect("open");
    let heard: Vec<String> =
        BufReader::new(speaker).lines().map(|line| line.expect("text")).take(5).collect();
    assert!(heard.iter().any(|line| line.contains("The name 'Kim' is kept out for 3")), "{heard:?}");
    assert!(max.lines().any(|line| line.expect("text").contains("\"message\": \"hi\"")));
    kicks(&server, "kim", "name");
    comes(&server, "zoe").expect("the name alone is kept out");
    assert!(kicks(&server, "zoe", "both").contains("person, name or address"));
    assert!(kicks(&server, "nobody", "").contains("there is no client 'nobody'"));
}

#[test]
fn a_kick_keeps_an_address_out_that_nobody_shares() {
    let server = for_an_hour();
    let _kim = comes(&server, "kim").expect("nobody was kicked");
    let told = kicks(&server, "kim", "");
    assert_eq!(told, "kim was disconnected; the name and the address 127.0.0.1 are kept out for 3600s");
    let refusal = comes(&server, "mik").expect_err("from there");
    assert!(refusal.contains("Nobody comes in from your address"), "{refusal}");
}
