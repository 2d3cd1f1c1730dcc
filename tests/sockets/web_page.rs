//! The page's dialect on real sockets: it talks with the others, and survives the loss of its connection.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::time::Duration;

use serde_json::json;

use crate::sockets::{Running, usual};
use crate::web::{Page, request};
use testbed::chat::protocol::{JSON_LINES, PIPE, SLASH, WEB};
use testbed::live::gateway::Options;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn pages_and_other_programs_talk() {
    let server = Running::start(usual(), &[WEB, SLASH, PIPE]);
    let mut kim = Page::joined(&server, "kim");
    let mut bob = server.connect(SLASH);
    bob.ignores();
    bob.says("bob");
    bob.waits_for("Welcome, bob!");
    assert_eq!(kim.waits_for("user_joined")["username"], "bob");
    kim.says(&json!({"type": "chat", "message": "hello <b>all</b> 😀"}));
    bob.hears("[T] [kim] hello <b>all</b> 😀");
    assert_eq!(kim.waits_for("chat")["username"], "kim");
    bob.says("/whisper kim psst");
    let whisper = kim.waits_for("private");
    assert_eq!((&whisper["username"], &whisper["message"]), (&json!("bob"), &json!("psst")));
    kim.says(&json!({"type": "line", "message": "/w bob back"}));
    assert_eq!(kim.waits_for("private_sent")["to"], "bob");
    bob.waits_for("[PRIVATE FROM kim] back");
    kim.says(&json!({"type": "create_room", "room": "den"}));
    assert_eq!(kim.waits_for("room_created")["room"], "den");
    kim.says(&json!({"type": "line", "message": "/help"}));
    assert!(
        kim.waits_for("help")["message"].as_str().is_some_and(|help| help.contains("/whisper USER TEXT"))
    );
}

/// Nobody hears that it was away, and it hears each message once, those from meanwhile too.
#[test]
fn a_page_that_comes_back_has_lost_nothing() {
    let server = Running::start(usual(), &[WEB, JSON_LINES]);
    let mut witness = Page::joined(&server, "witness");
    let (is_return, mut page) = Page::with_secret(server.address(WEB), SECRET, 0);
    assert!(!is_return);
    page.joins("kim");
    witness.waits_for("user_joined");
    witness.says(&json!({"type": "chat", "message": "one"}));
    assert_eq!(page.waits_for("chat")["message"], "one");
    let seen = page.seen;
    witness.says(&json!({"type": "chat", "message": "two"}));
    assert_eq!(page.waits_for("chat")["message"], "two");
    // It was read by nobody, as the page says when it comes back.
    drop(page);
    witness.says(&json!({"type": "chat", "message": "three"}));
    std::thread::sleep(Duration::from_millis(50));
    let (is_return, mut page) = Page::with_secret(server.address(WEB), SECRET, seen);
    assert!(is_return);
    let heard = page.frame().expect("a frame").1;
    assert_eq!(String::from_utf8_lossy(&heard), r#"{"type": "heard", "count": 1, "served": 1}"#);
    assert_eq!([page.hears(), page.hears()].map(|chat| chat["message"].clone()), ["two", "three"]);
    page.says(&json!({"type": "chat", "message": "I am here"}));
    for expected in ["one", "two", "three", "I am here"] {
        // And nobody came or went.
        assert_eq!(witness.hears()["message"], expected);
    }
}

/// A browser that has moved to another network leaves a socket behind of which nobody hears the end.
#[test]
fn a_page_that_comes_back_takes_the_place_of_its_half_open_connection() {
    let server = Running::start(usual(), &[WEB]);
    let (_, mut before) = Page::with_secret(server.address(WEB), SECRET, 0);
    before.joins("kim");
    let (is_return, mut page) = Page::with_secret(server.address(WEB), SECRET, before.seen);
    assert!(is_return);
    assert_eq!(before.ends_with(), None);
    page.says(&json!({"type": "users"}));
    assert_eq!(page.waits_for("users")["users"], json!(["kim"]));
}

#[test]
fn one_that_says_goodbye_is_gone_at_once() {
    let server = Running::start(usual(), &[WEB]);
    let mut witness = Page::joined(&server, "witness");
    let (_, mut page) = Page::with_secret(server.address(WEB), SECRET, 0);
    page.joins("kim");
    page.sends(&crate::web::masked(0x88, &1001u16.to_be_bytes()));
    assert_eq!(page.ends_with(), Some(1000));
    witness.waits_for("user_joined");
    assert_eq!(witness.waits_for("user_left")["username"], "kim");
    let (is_return, _) = Page::with_secret(server.address(WEB), SECRET, page.seen);
    assert!(!is_return);
}

/// A client that shows no secret cannot come back into its place, whatever it says: its name is free at once.
#[test]
fn one_without_a_secret_is_gone_with_its_connection() {
    let server = Running::start(usual(), &[WEB]);
    let mut witness = Page::joined(&server, "witness");
    drop(Page::joined(&server, "kim"));
    witness.waits_for("user_joined");
    assert_eq!(witness.waits_for("user_left")["username"], "kim");
    Page::joined(&server, "kim");
}

#[test]
fn a_server_that_has_begun_anew_says_that_it_knows_nothing() {
    let server = Running::start(usual(), &[WEB]);
    let (_, mut page) = Page::with_secret(server.address(WEB), SECRET, 0);
    page.joins("kim");
    let stopped = server.stop();
    assert!(stopped < Duration::from_secs(2), "{stopped:?}");
    let server = Running::start(usual(), &[WEB]);
    let (is_return, mut page) = Page::with_secret(server.address(WEB), SECRET, page.seen);
    assert!(!is_return);
    page.seen = 0;
    page.joins("kim");
}

#[test]
fn a_password_is_a_member_of_its_own() {
    let store = tempfile::tempdir().expect("a folder");
    let settings = testbed::live::server::Settings {
        store: Some(store.path().join("chat.db")),
        accounts_only: true,
        ..usual()
    };
    let server = Running::start(settings, &[WEB]);
    let join = |password: &str| {
        let (_, mut page) = Page::asks(server.address(WEB), &crate::web::USUAL);
        page.says(&json!({"type": "join", "username": "kim", "password": password}));
        let answer = page.hears();
        page.sends(&crate::web::masked(0x88, b""));
        page.ends_with();
        answer["type"].clone()
    };
    assert_eq!(
        [join("secret: 1"), join("wrong"), join(""), join("secret: 1")],
        ["welcome", "error", "error", "welcome"]
    );
}

/// Its frames cross the emulated path; the files of the page do not.
#[test]
fn a_page_crosses_the_emulated_path() {
    let text = |text: &str| Some(text.to_owned());
    let options = Options { loss: text("10%"), delay: text("150ms"), ..Options::default() };
    let network = Some(options.conditions(None).expect("a network"));
    let server = Running::start(testbed::live::server::Settings { network, ..usual() }, &[WEB]);
    let mut pages = ["kim", "bob"].map(|name| Page::joined(&server, name));
    let started = std::time::Instant::now();
    for n in 0..20 {
        pages[0].says(&json!({"type": "chat", "message": n.to_string()}));
    }
    for n in 0..20 {
        assert_eq!(pages[1].waits_for("chat")["message"], n.to_string());
    }
    assert!(started.elapsed() > Duration::from_millis(300), "{:?}", started.elapsed());
    let started = std::time::Instant::now();
    let (head, _) = request(server.address(WEB), "GET / HTTP/1.1\r\nHost: localhost");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(started.elapsed() < Duration::from_millis(300), "{:?}", started.elapsed());
    // It breaks, and comes back on another path.
    let (_, mut page) = Page::with_secret(server.address(WEB), SECRET, 0);
    page.joins("ann");
    let seen = page.seen;
    drop(page);
    pages[0].says(&json!({"type": "chat", "message": "meanwhile"}));
    let (is_return, mut page) = Page::with_secret(server.address(WEB), SECRET, seen);
    assert!(is_return);
    assert_eq!(page.waits_for("chat")["message"], "meanwhile");
}
