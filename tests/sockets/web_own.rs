//! Changes while the server runs: the network of one person, and limits.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sockets::{Running, usual};
use crate::web::{Page, ask};
use testbed::chat::protocol::{JSON_LINES, WEB};
use testbed::live::admin;
use testbed::live::gateway::{Conditions, Options};
use testbed::live::server::Settings;
use testbed::live::web;

const TOKEN: &str = "correct horse";
const BEARER: &str = "Authorization: Bearer correct horse";
const JSON: &str = "Content-Type: application/json";
const KIM: &str = "fedcba9876543210fedcba9876543210";
const LEA: &str = "0123456789abcdef0123456789abcdef";

fn conditions(delay: &str, sets: &[&str]) -> Conditions {
    let sets = sets.iter().map(|&set| set.to_owned()).collect();
    let options = Options { delay: Some(delay.to_owned()), sets, ..Options::default() };
    options.conditions(None).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

fn server(network: Conditions, opens_own_network: bool) -> Running {
    let web = web::Settings { opens_own_network, ..web::Settings::default() };
    let settings = Settings { network: Some(network), web, ..usual() };
    Running::start_with_token(settings, &[WEB, JSON_LINES], Some(TOKEN))
}

/// Status and members of the answer.
fn asks(address: SocketAddr, what: &str, headers: &[&str], body: &Value) -> (u16, Value) {
    let (head, body) = ask(address, what, &[headers, &[JSON]].concat(), &body.to_string());
    let status = head[9..12].parse().expect("a status");
    assert_eq!(status >= 400, head.contains("content-type: application/problem+json"), "{head}");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

fn page(address: SocketAddr, secret: &str, name: &str) -> Page {
    let (_, mut page) = Page::with_secret(address, secret, 0);
    page.joins(name);
    page
}

/// Time for an own text to come back.
fn round(page: &mut Page, words: &str) -> Duration {
    let started = Instant::now();
    page.says(&json!({ "type": "chat", "message": words }));
    while page.waits_for("chat")["message"] != words {}
    started.elapsed()
}

const SLOW: Duration = Duration::from_millis(400);

#[test]
fn one_person_is_slow_across_its_reconnect_and_the_other_is_not() {
    let server = server(conditions("5ms", &[]), false);
    let address = server.address(WEB);
    let change = |body: Value| asks(address, "PUT /api/network", &[BEARER], &body);
    let (mut kim, mut lea) = (page(address, KIM, "kim"), page(address, LEA, "lea"));
    assert!(round(&mut kim, "quick") < SLOW);
    assert_eq!(change(json!({ "name": "nobody", "delay": "200ms" })).0, 422);
    let (status, said) = change(json!({ "name": "Kim", "delay": "200ms" }));
    assert_eq!(
        (status, &said["description"]),
        (200, &json!("the network of kim is now: 0% loss, 200ms delay each way"))
    );
    assert!(round(&mut kim, "slow") >= SLOW);
    assert!(round(&mut lea, "still quick") < SLOW);
    // Everybody's changes, and kim's stays.
    assert_eq!(change(json!({ "delay": "10ms" })).0, 200);
    assert!(round(&mut kim, "slow again") >= SLOW);
    let networks = |name: &str| {
        let (_, all) = asks(address, "GET /api/clients", &[BEARER], &json!({}));
        let all = all["clients"].as_array().expect("a list").clone();
        all.into_iter().find(|client| client["username"] == name).expect("it is here")["network"].clone()
    };
    assert_eq!((networks("kim"), networks("lea")), (json!("0% loss, 200ms delay each way"), Value::Null));
    // It comes back in its own place, under another name, and anew.
    let seen = kim.seen;
    drop(kim);
    let (returns, mut kim) = Page::with_secret(address, KIM, seen);
    assert!(returns);
    assert!(round(&mut kim, "back") >= SLOW);
    kim.says(&json!({ "type": "rename", "username": "kit" }));
    kim.waits_for("renamed");
    assert!(round(&mut kim, "renamed") >= SLOW);
    kim.says(&json!({ "type": "leave" }));
    while kim.frame().is_some() {}
    let mut kit = page(address, KIM, "kit");
    assert!(round(&mut kit, "anew") >= SLOW);
    let mut other = page(address, "00000000000000000000000000000001", "kim");
    assert!(round(&mut other, "another of the old name") < SLOW);
    // Reset, by the administrator's port.
    let reset =
        json!({ "command": "set_network_sim", "token": TOKEN, "params": { "name": "kit", "reset": true } });
    let mut port = std::net::TcpStream::connect(server.admin).expect("the port");
    let said = admin::ask(&mut port, &reset).expect("a reply");
    assert!(
        said["message"].as_str().is_some_and(|words| words.starts_with("kit has the network of everybody")),
        "{said}"
    );
    assert!(round(&mut kit, "quick again") < SLOW);
    // And for everybody.
    assert_eq!(change(json!({ "name": "kit", "delay": "200ms" })).0, 200);
    assert_eq!(change(json!({ "preset": "first" })).0, 200);
    assert!(round(&mut kit, "as at first") < SLOW);
}

#[test]
fn a_person_changes_its_own_network_only_and_where_that_is_allowed() {
    let closed = server(conditions("5ms", &[]), false);
    let open = server(conditions("5ms", &[]), true);
    let shared = server(conditions("5ms", &["link.path.per_client=false"]), true);
    let own = format!("x-session: {KIM}");
    let slow = json!({ "name": "kim", "delay": "200ms" });
    for (server, body, status) in [
        (&closed, &slow, 401),
        (&open, &json!({ "delay": "200ms" }), 401),
        (&open, &json!({ "name": "lea", "delay": "200ms" }), 401),
        (&open, &json!({ "name": 5, "delay": "200ms" }), 422),
        (&open, &slow, 200),
        (&shared, &slow, 401),
    ] {
        let address = server.address(WEB);
        let kim = page(address, KIM, "kim");
        let lea = page(address, LEA, "lea");
        assert_eq!(asks(address, "PUT /api/network", &[&own], body).0, status, "{body}");
        let (_, now) = asks(address, "GET /api/network", &[&own], &json!({}));
        assert_eq!(now["own"]["delay"] == "200ms", status == 200, "{now}");
        assert!(status != 200 || now["own"]["congestion"] == now["congestion"], "{now}");
        assert_eq!(now["is_own_open"], std::ptr::eq(server, &raw const open), "{now}");
        let (_, others) = asks(address, "GET /api/network", &[&format!("x-session: {LEA}")], &json!({}));
        assert_eq!(others["own"], Value::Null, "{others}");
        for mut page in [kim, lea] {
            page.says(&json!({ "type": "leave" }));
            while page.frame().is_some() {}
        }
    }
}

#[test]
fn one_person_has_another_controller_at_once_and_nobody_loses_a_message() {
    let server = server(conditions("5ms", &["link.path.loss=5%"]), true);
    let address = server.address(WEB);
    let (mut kim, mut lea) = (page(address, KIM, "kim"), page(address, LEA, "lea"));
    let own = format!("x-session: {KIM}");
    let change = |headers: &[&str], body: Value| asks(address, "PATCH /api/network", headers, &body);
    let window = |secret: &str| {
        let header = format!("x-session: {secret}");
        asks(address, "GET /api/connection", &[&header], &json!({})).1["congestion_window"].as_f64()
    };
    let others = window(LEA);
    for (n, name) in ["fixed", "bbr", "none", "reno", "vegas", "cubic"].iter().enumerate() {
        for k in 0..10 {
            kim.says(&json!({ "type": "chat", "message": format!("{n}.{k}") }));
            if k == 5 {
                let (status, said) = change(&[&own], json!({ "name": "kim", "congestion": name }));
                assert_eq!(
                    (status, &said["description"]),
                    (200, &json!(format!("the network of kim is now: TCP with {name}")))
                );
            }
        }
        let (_, now) = asks(address, "GET /api/network", &[&own], &json!({}));
        assert_eq!((&now["own"]["congestion"], &now["own"]["delay"]), (&json!(name), &json!("5ms")), "{now}");
        for k in 0..10 {
            for page in [&mut kim, &mut lea] {
                assert_eq!(page.waits_for("chat")["message"], format!("{n}.{k}"));
            }
        }
    }
    assert!(change(&[&own], json!({ "name": "kim", "congestion": "none" })).0 == 200);
    // Nothing limits it, and the other's is as it was.
    assert_eq!(window(KIM), None);
    assert!(others.is_some() && window(LEA).is_some());
    // Links change beside it, for kim and for everybody.
    assert_eq!(change(&[&own], json!({ "name": "kim", "loss": "0%", "delay": "200ms" })).0, 200);
    assert!(round(&mut kim, "slow") >= SLOW);
    let (_, now) = asks(address, "GET /api/network", &[&own], &json!({}));
    assert_eq!((&now["own"]["congestion"], &now["own"]["loss"]), (&json!("none"), &json!("0%")), "{now}");
    assert_eq!(change(&[BEARER], json!({ "congestion": "fixed" })).0, 200);
    assert_eq!(window(KIM), None, "its own stays");
    // It stays so across a break, and goes with a reset.
    let seen = kim.seen;
    drop(kim);
    let (_, mut kim) = Page::with_secret(address, KIM, seen);
    round(&mut kim, "back");
    assert_eq!(window(KIM), None);
    assert_eq!(
        asks(address, "PUT /api/network", &[&own], &json!({ "name": "kim", "preset": "first" })).0,
        200
    );
    round(&mut kim, "as everybody");
    assert!(window(KIM).is_some());
    for (body, words) in [
        (json!({ "name": "kim", "congestion": "renu" }), "renu"),
        (json!({ "name": "kim", "congestion": "python:cc.py:Mine" }), "real time"),
        (json!({ "name": "kim" }), "name what is to change"),
        (json!({ "name": "kim", "preset": "train", "loss": "1%" }), "`preset` cannot be changed"),
        (json!({ "name": "kim", "queue": "1bdp" }), "rate"),
    ] {
        let (status, said) = change(&[&own], body);
        let detail = said["detail"].as_str().unwrap_or_default();
        assert!(status == 422 && detail.contains(words) && !detail.contains('\n'), "{said}");
    }
    assert_eq!(change(&[&own], json!({ "congestion": "reno" })).0, 401, "everybody's is not open");
    // A controller can be one person's where links cannot, but the person does not choose it.
    let shared = self::server(conditions("5ms", &["link.path.per_client=false"]), true);
    let _kim = page(shared.address(WEB), KIM, "kim");
    let change = |who: &str, body: Value| asks(shared.address(WEB), "PATCH /api/network", &[who], &body).0;
    assert_eq!(change(&own, json!({ "name": "kim", "congestion": "bbr" })), 401);
    assert_eq!(change(BEARER, json!({ "name": "kim", "congestion": "bbr" })), 200);
    assert_eq!(change(BEARER, json!({ "name": "kim", "delay": "9ms" })), 422);
}

#[test]
fn limits_change_while_the_server_runs() {
    let settings = Settings { max_rooms: 5, ..usual() };
    let server = Running::start_with_token(settings, &[WEB, JSON_LINES], Some(TOKEN));
    let address = server.address(WEB);
    let change = |body: Value| asks(address, "PATCH /api/limits", &[BEARER], &body);
    let now = || asks(address, "GET /api/limits", &[], &json!({})).1;
    let first = now();
    assert_eq!(
        (&first["max_rooms"], &first["max_file"], &first["join_timeout"]),
        (&json!(5), &json!("64MiB"), &json!("30s"))
    );
    for (body, words) in [
        (json!({ "max_rooms": "many" }), "`max_rooms` is a whole number"),
        (json!({ "max_rooms": 3, "max_chairs": 3 }), "there is no limit `max_chairs`"),
        (
            json!({ "max_message": "1GiB", "max_queue": "1GiB", "max_queues": "1GiB" }),
            "`max_message` is at most",
        ),
        (json!({ "max_queue": "1B" }), "`max_queue` 1B: a text may have"),
    ] {
        let (status, said) = change(body);
        assert_eq!(status, 422);
        assert!(said["detail"].as_str().is_some_and(|detail| detail.starts_with(words)), "{said}");
    }
    assert_eq!(now(), first, "what is refused changes nothing");
    assert_eq!(asks(address, "PATCH /api/limits", &[], &json!({ "max_rooms": 1 })).0, 401);

    let mut kim = page(address, KIM, "kim");
    let asked = |page: &mut Page, message: Value| {
        page.says(&message);
        loop {
            let answer = page.hears();
            if answer["type"] != "user_joined" {
                return answer;
            }
        }
    };
    let long = json!({ "type": "chat", "message": "x".repeat(200) });
    assert_eq!(asked(&mut kim, long.clone())["type"], "chat");
    let (status, changed) =
        change(json!({ "max_rooms": 0, "max_message": "100B", "rate_limit": 2, "max_clients": 1 }));
    assert_eq!((status, &changed["max_message"], &changed["rate_limit"]), (200, &json!("100B"), &json!(2)));
    assert_eq!(asked(&mut kim, long)["message"], "Message too long");
    let room = json!({ "type": "create_room", "room": "den" });
    assert!(asked(&mut kim, room)["message"].as_str().is_some_and(|words| words.contains("as many rooms")));
    let (_, mut lea) = Page::with_secret(address, LEA, 0);
    lea.says(&json!({ "type": "join", "username": "lea" }));
    assert_eq!(lea.hears()["message"], "Server is full");
    // Two a second, and two seconds' worth at once.
    let started = Instant::now();
    for n in 0..8 {
        round(&mut kim, &format!("text {n}"));
    }
    assert!(started.elapsed() > Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(change(json!({ "rate_limit": 0 })).0, 200);
    let started = Instant::now();
    for n in 0..50 {
        round(&mut kim, &format!("more {n}"));
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
