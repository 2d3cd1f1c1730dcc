//! Requests beside the page: health, figures, the network, and an administrator's.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sockets::{Running, usual};
use crate::web::{Page, USUAL, ask, request};
use testbed::chat::protocol::{SLASH, WEB};
use testbed::live::admin::Tail;
use testbed::live::gateway::Options;
use testbed::live::server::Settings;
use testbed::live::web;

const TOKEN: &str = "correct horse";
const SECRET: &str = "fedcba9876543210fedcba9876543210";

/// A server with a network, which is open to everyone or not.
fn server(opens_network: bool, token: Option<&str>) -> Running {
    let text = |text: &str| Some(text.to_owned());
    let options = Options { loss: text("1%"), delay: text("5ms"), ..Options::default() };
    let network = Some(options.conditions(None).expect("a network"));
    let web = web::Settings { opens_network, ..web::Settings::default() };
    Running::start_with_token(Settings { network, web, ..usual() }, &[WEB, SLASH], token)
}

/// Status and members of the answer.
fn asks(address: SocketAddr, what: &str, headers: &[&str], body: &str) -> (u16, Value) {
    let (head, body) = ask(address, what, headers, body);
    let status = head[9..12].parse().expect("a status");
    let value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    if status >= 400 {
        assert!(head.contains("content-type: application/problem+json"), "{what}: {head}");
        assert_eq!(value["status"], status, "{what}");
        assert!(value["title"].is_string() && value["detail"].is_string(), "{what}: {value}");
    }
    (status, value)
}

const JSON: &str = "Content-Type: application/json";
const BEARER: &str = "Authorization: Bearer correct horse";

#[test]
fn an_administrators_requests_need_the_token() {
    let without = server(false, None);
    let with = server(false, Some(TOKEN));
    for what in [
        "GET /api/stats",
        "GET /api/clients",
        "GET /api/rooms",
        "GET /api/log",
        "GET /metrics",
        "POST /api/shutdown",
        "POST /api/kick",
        "POST /api/broadcast",
        "POST /api/close-room",
        "PUT /api/network",
        "PATCH /api/network",
    ] {
        assert_eq!(
            asks(without.address(WEB), what, &[BEARER, JSON], "{}").0,
            403,
            "{what}: there is no token"
        );
        assert_eq!(asks(with.address(WEB), what, &[JSON], "{}").0, 401, "{what}");
        // In an address it is none.
        let in_address = format!("{what}?token={TOKEN}").replace(' ', "%20").replacen("%20", " ", 1);
        assert_eq!(asks(with.address(WEB), &in_address, &[JSON], "{}").0, 401, "{what}");
    }
    let started = Instant::now();
    for guess in ["", "correct", "correct hors", "correct horse ", "Correct horse"] {
        let header = format!("Authorization: Bearer {guess}x");
        assert_eq!(asks(with.address(WEB), "GET /api/stats", &[&header], "").0, 401, "{guess}");
    }
    assert!(started.elapsed() > Duration::from_secs(1), "guessing is slow: {:?}", started.elapsed());
    assert_eq!(asks(with.address(WEB), "GET /api/stats", &[BEARER], "").0, 200);
    // Another site's page cannot use what a browser might know.
    let foreign = ["Origin: http://evil.example", BEARER, JSON];
    assert_eq!(asks(with.address(WEB), "POST /api/shutdown", &foreign, "{}").0, 403);
    assert_eq!(asks(with.address(WEB), "GET /healthz", &[], "").0, 200, "it still runs");
}

#[test]
fn an_administrator_sees_and_acts() {
    let server = server(false, Some(TOKEN));
    let address = server.address(WEB);
    let mut kim = Page::joined(&server, "kim");
    kim.says(&json!({"type": "create_room", "room": "den"}));
    kim.waits_for("room_created");
    let act = |what: &str, body: Value| asks(address, what, &[BEARER, JSON], &body.to_string());
    let (_, clients) = act("GET /api/clients", json!({}));
    let client = &clients["clients"][0];
    assert_eq!((&client["username"], &client["dialect"]), (&json!("kim"), &json!("web")));
    assert!(client["congestion_window"].as_f64().is_some_and(|window| window > 0.0), "{client}");
    assert_eq!(act("GET /api/rooms", json!({})).1["rooms"][0]["room"], "den");
    assert_eq!(act("POST /api/broadcast", json!({"message": "tea is ready"})).0, 200);
    assert_eq!(kim.waits_for("chat")["message"], "tea is ready");
    assert_eq!(act("POST /api/close-room", json!({"room": "den"})).0, 200);
    assert_eq!(kim.waits_for("room_closed")["room"], "den");
    assert_eq!(act("POST /api/close-room", json!({"room": "den"})).0, 422);
    assert_eq!(act("POST /api/kick", json!({"client_id": "nobody"})).0, 422);
    assert_eq!(act("POST /api/kick", json!({"client_id": client["id"]})).0, 200);
    kim.ends_with();
    for (headers, body, status) in [
        (vec![BEARER], "{}", 415),
        (vec![BEARER, "Content-Type: text/plain"], "{}", 415),
        (vec![BEARER, JSON], "[]", 400),
        (vec![BEARER, JSON], "{", 400),
        (vec![BEARER, JSON], "{}", 422),
        (vec![BEARER, JSON], &"x".repeat(70_000)[..], 413),
    ] {
        assert_eq!(asks(address, "POST /api/broadcast", &headers, body).0, status, "{headers:?}");
    }
    assert_eq!(act("POST /api/shutdown", json!({})).0, 200);
    server.stop();
}

#[test]
fn the_network_changes_for_everyone_and_by_those_who_may() {
    let closed = server(false, Some(TOKEN));
    assert_eq!(asks(closed.address(WEB), "GET /api/network", &[], "").1["is_open"], false);
    assert_eq!(asks(closed.address(WEB), "PUT /api/network", &[BEARER, JSON], r#"{"loss": "0%"}"#).0, 200);
    let open = server(true, None);
    let address = open.address(WEB);
    let (_, now) = asks(address, "GET /api/network", &[], "");
    assert_eq!((&now["is_open"], &now["loss"], &now["delay"]), (&json!(true), &json!("1%"), &json!("5ms")));
    for preset in now["presets"].as_array().expect("presets") {
        let body = json!({ "preset": preset }).to_string();
        assert_eq!(asks(address, "PUT /api/network", &[JSON], &body).0, 200, "{preset}");
    }
    let wanted = r#"{"loss": "0%", "delay": "60ms", "jitter": "1ms", "rate": "1mbit", "queue": "2bdp", "congestion": "reno"}"#;
    assert_eq!(asks(address, "PUT /api/network", &[JSON], wanted).0, 200);
    let (_, now) = asks(address, "GET /api/network", &[], "");
    let shown =
        ["loss", "delay", "jitter", "rate", "congestion"].map(|name| now[name].as_str().unwrap_or_default());
    assert_eq!(shown, ["0%", "60ms", "1ms", "1mbit", "reno"]);
    for odd in [
        r#"{"loss": "110%"}"#,
        r#"{"loss": 0.1}"#,
        r#"{"delay": "1"}"#,
        r#"{"queue": "1bdp"}"#,
        r#"{"preset": "../../etc/passwd"}"#,
        r#"{"preset": 1}"#,
        r#"{"congestion": "reno\"\n[[clients]]"}"#,
        r#"{"rate": "0bit"}"#,
    ] {
        assert_eq!(asks(address, "PUT /api/network", &[JSON], odd).0, 422, "{odd}");
    }
    // A page sees its own connection, and takes part in what was set.
    let (_, mut kim) = Page::with_secret(address, SECRET, 0);
    kim.joins("kim");
    let started = Instant::now();
    kim.says(&json!({"type": "chat", "message": "hi"}));
    kim.waits_for("chat");
    assert!(started.elapsed() > Duration::from_millis(100), "{:?}", started.elapsed());
    let own = format!("x-session: {SECRET}");
    let (status, figures) = asks(address, "GET /api/connection", &[&own], "");
    assert_eq!(status, 200);
    assert!(figures["rtt"].as_f64().is_some_and(|rtt| rtt > 0.1), "{figures}");
    for none in ["x-session: 00000000000000000000000000000000", "x-session: ", "x-other: 1"] {
        assert_eq!(asks(address, "GET /api/connection", &[none], "").0, 404, "{none}");
    }
    let bare = Running::start(usual(), &[WEB]);
    assert_eq!(asks(bare.address(WEB), "GET /api/network", &[], "").0, 404);
}

#[test]
fn the_log_has_its_end_and_figures_their_format() {
    let log = Tail::default();
    let server = Running::start_with_token(Settings { log: log.clone(), ..usual() }, &[WEB], Some(TOKEN));
    let address = server.address(WEB);
    let lines = || asks(address, "GET /api/log", &[BEARER], "").1["lines"].clone();
    assert_eq!(lines(), json!([]));
    writeln!(log.clone(), "kim came").expect("memory");
    assert_eq!(lines(), json!(["kim came"]));
    let figures = |accept: &str| {
        let (head, body) = ask(address, "GET /metrics", &[BEARER, accept], "");
        (head.to_lowercase(), String::from_utf8(body).expect("text"))
    };
    let (head, text) = figures("Accept: text/plain");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert!(text.contains("# TYPE testbed_requests_total counter\n"), "{text}");
    let used = text.lines().find_map(|line| line.strip_prefix("testbed_cpu_seconds_total "));
    assert!(used.is_some_and(|used| used.parse::<f64>().is_ok_and(|used| used > 0.0)), "{text}");
    let (head, open) = figures("Accept: application/openmetrics-text; version=1.0.0,text/plain;q=0.5");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(open.contains("# TYPE testbed_requests counter\n") && open.ends_with("# EOF\n"), "{open}");
    assert!(open.contains("\ntestbed_requests_total "), "{open}");
}

/// A panel of a figure that is not there would stay empty, and nobody would know the reason.
#[test]
fn the_dashboard_shows_figures_that_are_there() {
    let server = server(false, Some(TOKEN));
    let address = server.address(WEB);
    let mut kim = Page::joined(&server, "kim");
    kim.says(&json!({"type": "chat", "message": "hi"}));
    kim.waits_for("chat");
    let (_, body) = ask(address, "GET /metrics", &[BEARER], "");
    let text = String::from_utf8(body).expect("text");
    let board: Value = serde_json::from_str(include_str!("../../docs/deploy/grafana.json")).expect("JSON");
    let mut shown = 0;
    for target in board["panels"]
        .as_array()
        .expect("panels")
        .iter()
        .filter_map(|panel| panel["targets"].as_array())
        .flatten()
    {
        let expression = target["expr"].as_str().expect("an expression");
        let at = expression.find("testbed_").unwrap_or_else(|| panic!("{expression}"));
        let end = expression[at..].find(|c: char| c != '_' && !c.is_alphanumeric());
        let name = end.map_or(&expression[at..], |end| &expression[at..at + end]);
        assert!(text.lines().any(|line| line.starts_with(name)), "{name}: {text}");
        shown += 1;
    }
    assert!(shown > 15, "{shown}");
}

/// Each path and method that the description has is there, and it refers to nothing that it does not have.
#[test]
fn the_description_of_requests_is_whole_and_true() {
    let server = server(false, Some(TOKEN));
    let address = server.address(WEB);
    let (_, text) = asks(address, "GET /api/openapi.json", &[], "");
    assert_eq!(text["openapi"], "3.1.0");
    let mut checked = 0;
    for (path, item) in text["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            checked += 1;
            let responses = operation["responses"].as_object().expect("responses");
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(
                responses.values().all(|response| response["description"].is_string()),
                "{method} {path}"
            );
            let (status, _) = asks(address, &format!("{} {path}", method.to_uppercase()), &[JSON], "{}");
            assert!(responses.contains_key(&status.to_string()), "{method} {path}: {status}");
            let is_guarded = operation["security"] == json!([{ "token": [] }]);
            assert_eq!(is_guarded, status == 401 && path != "/api/network", "{method} {path}: {status}");
        }
        assert_eq!(asks(address, &format!("DELETE {path}"), &[], "").0, 405, "{path}");
    }
    assert!(checked > 10, "{checked}");
    let words = text.to_string();
    let referred: BTreeSet<&str> =
        words.split("\"#").skip(1).map(|rest| rest.split('"').next().unwrap_or_default()).collect();
    for pointer in referred {
        assert!(text.pointer(pointer).is_some(), "{pointer}");
    }
    assert_eq!(asks(address, "GET /api/nothing", &[], "").0, 404);
}

/// The text format 0.0.4: a metric's HELP and TYPE stand once, before its samples, which are numbers; a counter's
/// name ends in `_total`; a histogram's buckets grow.
#[test]
fn metrics_are_what_prometheus_reads() {
    let server = server(false, Some(TOKEN));
    let mut kim = Page::joined(&server, "kim");
    kim.says(&json!({"type": "chat", "message": "hi"}));
    kim.waits_for("chat");
    let (head, body) = ask(server.address(WEB), "GET /metrics", &[BEARER], "");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let text = String::from_utf8(body).expect("a text");
    assert!(text.ends_with('\n') && !text.contains("kim"), "{text}");
    let (mut known, mut now, mut bucket) = (BTreeSet::new(), String::new(), 0.0);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("words");
            assert!(help.ends_with('.') && known.insert(name.to_owned()), "{line}");
            name.clone_into(&mut now);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(name, now);
            assert!(["gauge", "counter", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a sample");
            let value: f64 = value.parse().expect("a number");
            let name = series.split('{').next().unwrap_or_default();
            assert!(name.starts_with(&now), "{line} stands behind {now}");
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{line}");
            if name.ends_with("_bucket") {
                assert!(value >= bucket, "{line}");
                bucket = value;
            }
        }
    }
    for name in
        ["people 1", "connections 1", "requests_total 2", "cwnd_bytes{client=\"client_", "srtt_seconds{"]
    {
        assert!(text.contains(&format!("testbed_{name}")), "{name} in {text}");
    }
    let (head, body) = request(server.address(WEB), "GET /healthz HTTP/1.1\r\nHost: localhost");
    assert!(head.starts_with("HTTP/1.1 200 ") && body == b"ok\n", "{head}");
    let (head, _) = Page::asks(server.address(WEB), &USUAL);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}
