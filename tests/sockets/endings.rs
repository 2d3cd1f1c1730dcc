//! A server that is told to end does so within a second, whatever its network is and whoever does not read, and what it has
//! said before arrives.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::changing;
use crate::sockets::{Client, Running, usual};
use crate::web::Page;
use testbed::chat::protocol::{JSON_LINES, SLASH, WEB};
use testbed::live::admin::Administrator;
use testbed::live::gateway::{Conditions, Gateway, Options};
use testbed::live::server::Settings;

const SECOND: Duration = Duration::from_secs(1);

/// A network that loses everything from its second second on, for 10 s.
fn tunnel() -> Conditions {
    let text = changing("60s", "100ms", &[["2s", "loss", "100%"], ["12s", "loss", "0%"]]);
    Options::default().conditions(Some(("tunnel.toml", &text))).expect("a sound network")
}

#[test]
fn last_words_cross_a_tunnel_when_the_server_ends() {
    let server = Running::start(Settings { network: Some(tunnel()), ..usual() }, &[WEB, SLASH]);
    let begun = Instant::now();
    let mut kim = Page::joined(&server, "kim");
    let mut bob = server.connect(SLASH);
    bob.ignores();
    bob.says("bob");
    bob.waits_for("Welcome, bob!");
    std::thread::sleep(Duration::from_millis(2_500).saturating_sub(begun.elapsed()));
    let mut administrator = Administrator::connect(&server.admin.to_string(), None).expect("it listens");
    for n in 0..3 {
        let said = administrator.ask("broadcast", &json!({ "message": format!("last words {n}") }));
        assert!(said.expect("a reply")["error"].is_null());
    }
    std::thread::sleep(Duration::from_millis(500));
    let took = server.stop();
    assert!(took < SECOND, "{took:?}");
    for n in 0..3 {
        let heard = std::iter::from_fn(|| Some(kim.hears())).find(|said| said["type"] == "chat");
        assert!(heard.expect("more")["message"].as_str().is_some_and(|text| text.ends_with(&n.to_string())));
    }
    assert_eq!(kim.ends_with(), None);
    bob.waits_for("last words 2");
    bob.ends();
}

/// Somebody who reads nothing more, and for whom much waits.
fn deaf(server: &Running, name: &str) -> Client {
    let mut client = server.connect(JSON_LINES);
    client.says(&format!("{{\"type\": \"join\", \"username\": \"{name}\"}}\n"));
    client
}

#[test]
fn who_does_not_read_holds_up_no_end() {
    let slow = || Options {
        delay: Some("300ms".to_owned()),
        rate: Some("200kbit".to_owned()),
        ..Options::default()
    };
    for network in [None, Some(slow().conditions(None).expect("a network")), Some(tunnel())] {
        let server = Running::start(Settings { network, ..usual() }, &[WEB, JSON_LINES]);
        let deaf: Vec<Client> = (0..3).map(|n| deaf(&server, &format!("deaf{n}"))).collect();
        let mut kim = Page::joined(&server, "kim");
        let text = "x".repeat(20_000);
        for _ in 0..40 {
            kim.says(&json!({"type": "chat", "message": text}));
        }
        std::thread::sleep(Duration::from_millis(500));
        let took = server.stop();
        assert!(took < SECOND, "{took:?}");
        drop(deaf);
    }
}

/// A world in a hurry repeats what is lost, and its peers have not gone because of it.
#[tokio::test]
async fn what_is_under_way_in_a_world_in_a_hurry_arrives() {
    let options =
        Options { loss: Some("10%".to_owned()), delay: Some("2s".to_owned()), ..Options::default() };
    let gateway = Gateway::start(&options.conditions(None).expect("a network")).expect("a thread");
    let [mut near, mut far] = gateway.open().await.expect("a connection");
    let said: Vec<u8> = (0..20_000_u32).map(|n| (n * 31) as u8).collect();
    let (text, reader) = (said.clone(), async {
        let mut heard = Vec::new();
        near.read_to_end(&mut heard).await.expect("an orderly end");
        heard
    });
    let writer = async move {
        far.write_all(&text).await.expect("an open connection");
        far.shutdown().await.expect("an open connection");
        far
    };
    gateway.hurry().expect("a world");
    let started = Instant::now();
    let (heard, _far) = tokio::join!(reader, writer);
    assert!(heard == said, "{} of {} bytes", heard.len(), said.len());
    assert!(started.elapsed() < 5 * SECOND, "{:?}: it takes half a minute by itself", started.elapsed());
}
