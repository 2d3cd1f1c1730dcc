//! The network of a running proxy, changed and looked at by its administrator.

#![expect(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn testbed(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A server that says everything back; returns its address.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let (mut reads, mut writes) = (&stream, &stream);
                let _ = std::io::copy(&mut reads, &mut writes);
            });
        }
    });
    address
}

/// Round-trip time of a byte.
fn round_trip(stream: &mut TcpStream) -> Duration {
    let began = Instant::now();
    stream.write_all(b"x").expect("connected");
    stream.read_exact(&mut [0]).expect("an echo");
    began.elapsed()
}

#[test]
fn an_administrator_changes_a_proxys_network_while_it_runs() {
    let upstream = echo();
    let proxy = ["proxy", "127.0.0.1:0", &upstream, "--delay", "5ms", "--admin", "127.0.0.1:0", "--json"];
    let mut proxy = testbed(&proxy).spawn().expect("the program runs");
    let mut lines = BufReader::new(proxy.stderr.take().expect("piped")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    let first = line();
    let (listen, _) = first.split_once(" → ").unwrap_or_else(|| panic!("{first}"));
    let second = line();
    let address = second.strip_prefix("admin at ").unwrap_or_else(|| panic!("{second}"));
    let admin = |words: &[&str]| -> Output {
        testbed(&[&["admin", "--address", address, "--json"], words].concat()).output().expect("it runs")
    };
    let reply = |output: &Output| -> serde_json::Value {
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    };

    let mut stream = TcpStream::connect(listen).expect("the proxy listens");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    // The first crosses a handshake as well.
    round_trip(&mut stream);
    assert!(round_trip(&mut stream) >= Duration::from_millis(10));

    let changed = reply(&admin(&["simulate", "0%", "150ms"]));
    assert!(changed["message"].as_str().is_some_and(|words| words.contains("150ms")), "{changed}");
    let slower = round_trip(&mut stream);
    assert!(slower >= Duration::from_millis(300), "{slower:?}");

    let stats = reply(&admin(&["stats"]));
    assert_eq!(stats["connected_clients"], 1, "{stats}");
    assert_eq!(stats["bytes_transferred"], 6, "{stats}");
    let connection = &stats["client_details"]["1"];
    assert_eq!((&connection["bytes_in"], &connection["bytes_out"]), (&3.into(), &3.into()), "{stats}");
    assert!(connection["rtt"].as_f64().is_some_and(|rtt| rtt > 0.01), "{stats}");
    let shown = testbed(&["admin", "--address", address, "clients"]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("cwnd"), "{shown:?}");

    // There is nobody to talk to.
    let refused = admin(&["broadcast", "hello"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(format!("{refused:?}").contains("no chat"), "{refused:?}");

    assert!(admin(&["shutdown"]).status.success());
    let output = proxy.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let account = reply(&output);
    assert_eq!((&account["bytes_up"], &account["connections"]), (&3.into(), &1.into()), "{account}");
    let late = &account["lateness"];
    let buckets = late["buckets"].as_array().expect("buckets").iter();
    let sum: u64 = buckets.map(|bucket| bucket["count"].as_u64().expect("a count")).sum();
    assert!(sum > 0 && late["count"] == sum && late["max_us"].is_f64(), "{late}");
}

#[test]
fn administrators_from_elsewhere_need_a_token() {
    let words = ["proxy", "127.0.0.1:0", "127.0.0.1:9", "--admin", "0.0.0.0:0"];
    let output = testbed(&words).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    // It does not look as if it ran.
    assert!(text.contains("--admin-token") && !text.contains(" → "), "{text}");
}

#[test]
fn a_token_is_no_mend_for_an_occupied_port() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    for words in [&["proxy", "127.0.0.1:0", "127.0.0.1:9"][..], &["serve", "--dialect", "slash=127.0.0.1:0"]]
    {
        let output = testbed(&[words, &["--admin", &address]].concat()).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("another address with --admin ADDR") && !text.contains("token"), "{text}");
    }
}

/// An empty one admitted every request, from everywhere.
#[test]
fn an_empty_token_is_none() {
    let proxy = ["proxy", "127.0.0.1:0", "127.0.0.1:9", "--admin", "0.0.0.0:0"];
    let serve = ["serve", "--dialect", "slash=127.0.0.1:0", "--admin", "0.0.0.0:0"];
    for words in [&proxy[..], &serve] {
        let option = testbed(&[words, &["--admin-token", ""]].concat()).output().expect("it runs");
        let variable = testbed(words).env("TESTBED_ADMIN_TOKEN", "").output().expect("it runs");
        for output in [option, variable] {
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            assert!(format!("{output:?}").contains("keeps nobody out"), "{output:?}");
        }
    }
}

#[test]
fn what_is_no_address_is_bad_usage() {
    for words in [
        &["proxy", "19000", "127.0.0.1:9"][..],
        &["proxy", "127.0.0.1:0", "18080"],
        &["proxy", "127.0.0.1:0", "localhost:http"],
        &["serve", "--dialect", "json-lines=xyz"],
        &["serve", "--admin", ":8889"],
        &["probe", "connectivity", "--export", "results.xyz"],
    ] {
        let output = testbed(words).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
    }
}

#[test]
fn a_proxy_without_connections_has_no_lateness() {
    for format in [&["--json"][..], &[]] {
        let words = [&["proxy", "127.0.0.1:0", "127.0.0.1:9", "--admin", "127.0.0.1:0"], format].concat();
        let mut proxy = testbed(&words).spawn().expect("the program runs");
        let mut lines = BufReader::new(proxy.stderr.take().expect("piped")).lines();
        let second = lines.nth(1).expect("a line").expect("text");
        let address = second.strip_prefix("admin at ").unwrap_or_else(|| panic!("{second}"));
        let shutdown = testbed(&["admin", "--address", address, "shutdown"]).output().expect("it runs");
        assert!(shutdown.status.success(), "{shutdown:?}");
        let output = proxy.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout);
        let mark =
            if format.is_empty() { "nothing happened that could have been late" } else { "\"p50_us\": null" };
        assert!(text.contains(mark) && !text.contains("us,"), "{text}");
    }
}

/// One connection would make another, until there are no more descriptors.
#[test]
fn a_proxy_to_itself_is_refused() {
    for (listen, upstream) in [("127.0.0.1", "localhost"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0")]
    {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
        let [listen, upstream] = [listen, upstream].map(|host| format!("{host}:{free}"));
        let output = testbed(&["proxy", &listen, &upstream]).output().expect("the program runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(&format!("UPSTREAM {upstream} is LISTEN {listen}")), "{text}");
    }
}
