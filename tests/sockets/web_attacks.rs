//! Attacks on a page's listener, each of which leaves the others undisturbed.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::sockets::{Running, usual};
use crate::web::{Asks, Page, USUAL, answer, masked, open, request};
use testbed::chat::protocol::{SLASH, WEB};
use testbed::live::server::Settings;
use testbed::live::web;

/// Files of the page.
const FILES: [&str; 9] = [
    "/",
    "/style.css",
    "/icon.svg",
    "/main.js",
    "/connection.js",
    "/state.js",
    "/text.js",
    "/view.js",
    "/network.js",
];

/// Two pages still talk, and at once.
fn talk([alice, bob]: &mut [Page; 2], words: &str) {
    let started = Instant::now();
    alice.says(&json!({"type": "chat", "message": words}));
    while bob.waits_for("chat")["message"] != words {}
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

fn witnesses(server: &Running) -> [Page; 2] {
    ["alice", "bob"].map(|name| Page::joined(server, name))
}

#[test]
fn another_sites_page_gets_no_connection() {
    let server = Running::start(
        Settings {
            web: web::Settings { names: vec!["chat.example".to_owned()], ..Default::default() },
            ..usual()
        },
        &[WEB],
    );
    let address = server.address(WEB);
    for (host, origin, status) in [
        ("localhost:80", Some("http://localhost:80"), 101),
        ("127.0.0.1:80", Some("http://127.0.0.1:80"), 101),
        ("[::1]:80", Some("http://[::1]:80"), 101),
        ("chat.example", Some("https://chat.example"), 101),
        ("CHAT.example", Some("https://chat.EXAMPLE"), 101),
        // Programs that are no browser do not say.
        ("localhost:80", None, 101),
        ("localhost:80", Some("http://evil.example"), 403),
        ("localhost:80", Some("http://localhost:81"), 403),
        ("localhost:80", Some("http://localhost"), 403),
        ("localhost:80", Some("http://localhost:80.evil.example"), 403),
        ("localhost:80", Some("null"), 403),
        ("localhost:80", Some("localhost:80"), 403),
        ("localhost:80", Some(""), 403),
        // A name that its owner has pointed here (DNS rebinding).
        ("evil.example:80", Some("http://evil.example:80"), 421),
        ("evil.example:80", None, 421),
        ("chat.example.evil.example", None, 421),
        ("127.0.0.1.evil.example", None, 421),
        ("", None, 421),
    ] {
        let (head, _) = Page::asks(address, &Asks { host, origin, ..USUAL });
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{host} {origin:?}: {head}");
        // The page's files neither.
        let origin = origin.map(|origin| format!("\r\nOrigin: {origin}")).unwrap_or_default();
        let (head, _) = request(address, &format!("GET / HTTP/1.1\r\nHost: {host}{origin}"));
        let status = if status == 101 { 200 } else { status };
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{host} {origin}: {head}");
    }
}

#[test]
fn a_handshake_that_is_none_is_refused_in_words() {
    let server = Running::start(usual(), &[WEB]);
    let address = server.address(WEB);
    let good = "GET /chat HTTP/1.1\nHost: localhost\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Protocol: chat.testbed";
    for (from, to, status) in [
        ("", "", 101),
        ("Upgrade: websocket", "Upgrade: h2c", 426),
        ("Version: 13", "Version: 8", 426),
        ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 400),
        ("dGhlIHNhbXBsZSBub25jZQ==", "no base64!", 400),
        ("chat.testbed", "mqtt", 400),
        ("chat.testbed", "chat.testbed, session.123.0", 400),
        ("chat.testbed", "chat.testbed, session.0123456789abcdef0123456789abcdef.many", 400),
        ("GET", "PUT", 405),
        ("/chat", "/chats", 404),
        ("Host: localhost\n", "", 421),
    ] {
        let mut stream = open(address);
        let lines = good.replace(from, if from.is_empty() { "" } else { to }).replace('\n', "\r\n");
        stream.write_all(format!("{lines}\r\nConnection: upgrade\r\n\r\n").as_bytes()).expect("open");
        let (head, body) = answer(&mut stream);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{to}: {head}");
        if status != 101 {
            let problem: serde_json::Value = serde_json::from_slice(&body).expect("problem JSON");
            assert_eq!(problem["status"], status, "{to}");
            assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{to}: {problem}");
        }
    }
}

/// In an address it would end in logs and histories; and there it is not even looked for.
#[test]
fn a_secret_in_an_address_opens_nothing() {
    const SECRET: &str = "00112233445566778899aabbccddeeff";
    let server = Running::start(usual(), &[WEB]);
    let (_, mut page) = Page::with_secret(server.address(WEB), SECRET, 0);
    page.joins("kim");
    let path = format!("/chat?session.{SECRET}.0&session={SECRET}");
    let (head, _) = Page::asks(server.address(WEB), &Asks { path: &path, ..USUAL });
    assert!(head.starts_with("HTTP/1.1 101 ") && !head.contains("return.testbed"), "{head}");
    // Nor does one that was guessed.
    for n in 0..200 {
        let guess = format!("{n:032x}");
        assert!(!Page::with_secret(server.address(WEB), &guess, 0).0);
    }
    // The right one with a count that cannot be is no return either.
    let (_, mut wrong) = Page::with_secret(server.address(WEB), SECRET, 999);
    assert_eq!(wrong.ends_with(), None);
    page.says(&json!({"type": "users"}));
    assert_eq!(page.waits_for("users")["users"], json!(["kim"]));
}

#[test]
fn every_answer_keeps_the_page_to_itself() {
    let server = Running::start(usual(), &[WEB]);
    for path in FILES.into_iter().chain(["/nothing", "/chat"]) {
        let (head, _) = request(server.address(WEB), &format!("GET {path} HTTP/1.1\r\nHost: localhost"));
        for guard in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self';",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'; trusted-types 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
        ] {
            assert!(head.contains(guard), "{path}: {guard} in {head}");
        }
        assert!(!head.to_lowercase().contains("access-control-allow"), "{path}: {head}");
    }
}

/// The page makes no markup of a text, runs nothing that stands in a text, and asks nobody else for anything.
#[test]
fn the_page_has_no_place_for_markup_and_no_other_address() {
    let server = Running::start(usual(), &[WEB]);
    for path in FILES {
        let (head, body) = request(server.address(WEB), &format!("GET {path} HTTP/1.1\r\nHost: localhost"));
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        let text = String::from_utf8(body).expect("a text");
        assert!(text.len() > 100, "{path}");
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
            "javascript:",
            "localStorage",
            "onclick=",
            "style=",
            "srcdoc",
            "setAttribute(\"on",
        ] {
            assert!(!text.contains(forbidden), "{path}: {forbidden}");
        }
        let others = text.replace("http://www.w3.org/2000/svg", "").replace("https?:\\/\\/", "");
        assert!(!others.contains("http://") && !others.contains("https://"), "{path}");
    }
}

#[test]
fn no_path_leads_out_of_the_page() {
    let server = Running::start(usual(), &[WEB]);
    for path in [
        "/../../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/./main.js",
        "/page/../main.js",
        "/main.js/",
        "/main.js%00",
        "/MAIN.JS",
        "/\\..\\main.js",
        "http://localhost/../main.js",
    ] {
        let (head, body) = request(server.address(WEB), &format!("GET {path} HTTP/1.1\r\nHost: localhost"));
        let status: u16 = head[9..12].parse().expect("a status");
        assert!([400, 404].contains(&status), "{path}: {head}");
        assert!(!String::from_utf8_lossy(&body).contains("root:"), "{path}");
    }
}

/// Script in names, rooms and texts is a name or a text like any other, or is refused; nothing of it comes back
/// in an answer of HTTP.
#[test]
fn script_is_text() {
    let server = Running::start(usual(), &[WEB]);
    let [mut alice, mut bob] = witnesses(&server);
    let script = "<img src=x onerror=alert(1)>";
    for message in [
        json!({"type": "rename", "username": script}),
        json!({"type": "join_room", "room": script}),
        json!({"type": "create_room", "room": script}),
    ] {
        alice.says(&message);
        while alice.hears()["type"] != "error" {}
    }
    alice.says(&json!({"type": "chat", "message": format!("{script}\u{202e}\u{0}")}));
    let heard = bob.waits_for("chat");
    assert_eq!(
        heard["message"],
        format!("{script}\u{fffd}\u{fffd}"),
        "it is no script that turns a line around"
    );
    let (head, body) =
        request(server.address(WEB), "GET /<script>alert(1)</script> HTTP/1.1\r\nHost: localhost");
    assert!(!String::from_utf8_lossy(&body).contains("<script>"), "{head}");
}

#[test]
fn frames_that_no_browser_sends_end_their_own_connection_only() {
    let server = Running::start(usual(), &[WEB]);
    let mut pages = witnesses(&server);
    let huge = [&[0x81, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    let long =
        masked(0x81, format!(r#"{{"type": "chat", "message": "{}"}}"#, "x".repeat(300_000)).as_bytes());
    let part = "x".repeat(60_000);
    let further = masked(0x00, part.as_bytes()).repeat(8);
    let endless = [masked(0x01, part.as_bytes()), further].concat();
    for (n, (bytes, status)) in [
        (b"\x81\x02hi".to_vec(), 1002),
        (masked(0xc1, b"{}"), 1002),
        (masked(0x85, b""), 1002),
        (masked(0x89, &[0; 200]), 1002),
        (masked(0x80, b"x"), 1002),
        (masked(0x82, b"bytes"), 1003),
        (masked(0x81, b"\xff"), 1007),
        (masked(0x81, b"nonsense"), 1008),
        (masked(0x81, "[".repeat(100_000).as_bytes()), 1008),
        (long, 1009),
        (huge, 1009),
        (endless, 1009),
    ]
    .into_iter()
    .enumerate()
    {
        for joins in [false, true] {
            let (_, mut page) = Page::asks(server.address(WEB), &USUAL);
            if joins {
                page.joins(&format!("mallory{n}"));
            }
            // The server may have ended it before it has taken all.
            let _ = page.stream.write_all(&bytes);
            assert_eq!(page.ends_with(), Some(status), "row {n}, joined: {joins}");
        }
        talk(&mut pages, &format!("after row {n}"));
    }
}

/// Connections that ask for nothing, for half of something, or for no chat, end when their time to join is over.
#[test]
fn half_open_sockets_end_and_hold_up_nobody() {
    let settings = Settings { join_within: testbed::time::Duration::from_millis(1_500), ..usual() };
    let server = Running::start(settings, &[WEB]);
    let mut pages = witnesses(&server);
    let address = server.address(WEB);
    let mut half: Vec<_> = (0..1_000).map(|_| open(address)).collect();
    for (n, stream) in half.iter_mut().enumerate() {
        match n % 3 {
            0 => {}
            1 => stream.write_all(b"GET / HTTP/1.1\r\nHost: local").expect("open"),
            // A WebSocket that never joins.
            _ => *stream = Page::asks(address, &USUAL).1.stream,
        }
    }
    talk(&mut pages, "among a thousand");
    let started = Instant::now();
    for stream in &mut half {
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    talk(&mut pages, "and after them");
}

#[test]
fn a_head_without_end_is_cut_off() {
    let server = Running::start(usual(), &[WEB]);
    let mut pages = witnesses(&server);
    let mut stream = open(server.address(WEB));
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").expect("open");
    let (mut written, line) = (0, format!("X-Filler: {}\r\n", "x".repeat(1_000)));
    while stream.write(line.as_bytes()).is_ok() {
        written += line.len();
        assert!(written < 16 << 20, "it takes everything");
    }
    talk(&mut pages, "still here");
}

/// Its bytes wait for it up to the limit, then it is gone; the others hear each other meanwhile.
#[test]
fn a_page_that_does_not_read_slows_nobody() {
    let server = Running::start(usual(), &[WEB, SLASH]);
    let mut pages = witnesses(&server);
    let mut asleep = Page::joined(&server, "asleep");
    let text = "x".repeat(8_000);
    let (mut slowest, mut fill) = (Duration::ZERO, 0);
    let gone = loop {
        let started = Instant::now();
        pages[0].says(&json!({"type": "chat", "message": text}));
        let event = loop {
            let event = pages[1].hears();
            if event["type"] == "user_left" || event["message"] == text.as_str() {
                break event;
            }
        };
        // It says what it has seen, as a page does.
        let seen = json!({"type": "seen", "count": pages[1].seen});
        pages[1].says(&seen);
        let seen = loop {
            if pages[0].hears()["message"] == text.as_str() {
                break json!({"type": "seen", "count": pages[0].seen});
            }
        };
        pages[0].says(&seen);
        if event["type"] == "user_left" {
            break event;
        }
        slowest = slowest.max(started.elapsed());
        fill += 1;
        assert!(fill < 5_000, "nothing bounds what waits for it");
    };
    assert_eq!(gone["username"], "asleep");
    // Speakers mind one that does not get on for a quarter of a second, once.
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    asleep.ends_with();
}
