//! The emulated path for real sockets: bytes, ends and resets cross it as they cross TCP, windows
//! close, and it is as fast as the same network on the virtual clock.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::sockets::{Client, PATIENCE, Running, usual};
use testbed::chat::protocol::{JSON_LINES, PIPE, RELIABLE, SLASH};
use testbed::live::gateway::{Conditions, Gateway, Options};
use testbed::live::proxy::Proxy;
use testbed::scenario::{Plan, build};

fn conditions(loss: &str, delay: &str, more: &[&str]) -> Conditions {
    let options = Options {
        loss: Some(loss.to_owned()),
        delay: Some(delay.to_owned()),
        sets: more.iter().map(|&set| set.to_owned()).collect(),
        ..Options::default()
    };
    options.conditions(None).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

/// A proxy on a thread of its own.
struct Proxied {
    address: SocketAddr,
    stop: tokio::sync::watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxied {
    fn start(upstream: SocketAddr, conditions: &Conditions) -> Proxied {
        let gateway = Gateway::start(conditions).expect("a thread");
        let stop = tokio::sync::watch::Sender::new(false);
        let stopped = stop.subscribe();
        let (told, hear) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let proxy =
                    Proxy::bind("127.0.0.1:0", &upstream.to_string(), gateway).await.expect("a free port");
                told.send(proxy.address().expect("bound")).expect("somebody waits");
                proxy.run(stopped).await;
            });
        });
        Proxied { address: hear.recv_timeout(PATIENCE).expect("a proxy"), stop, thread: Some(thread) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the proxy listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        stream
    }
}

impl Drop for Proxied {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        let result = self.thread.take().expect("running").join();
        assert!(result.is_ok() || std::thread::panicking(), "the proxy panicked");
    }
}

/// A server that does `serve` with each connection.
fn server(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(socket));
        }
    });
    address
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 31 + n / 251) as u8).collect()
}

#[test]
fn bytes_arrive_exactly_both_ways_in_many_connections_at_once() {
    // Says back what it hears, after the end.
    let upstream = server(|mut socket| {
        let mut heard = Vec::new();
        if socket.read_to_end(&mut heard).is_ok() {
            let _ = socket.write_all(&heard);
        }
    });
    let proxy = Proxied::start(upstream, &conditions("5%", "2ms", &["tcp.recovery=rack"]));
    std::thread::scope(|scope| {
        for n in 0..6 {
            let mut stream = proxy.connect();
            scope.spawn(move || {
                let bytes = pattern(100_000 + n);
                stream.write_all(&bytes).expect("an open connection");
                stream.shutdown(Shutdown::Write).expect("an open connection");
                let mut heard = Vec::new();
                stream.read_to_end(&mut heard).expect("an orderly end");
                assert!(heard == bytes, "{} of {} bytes", heard.len(), bytes.len());
            });
        }
    });
}

/// An end that has said its last may be late to hear the other's: longer than the connection lives.
#[tokio::test]
async fn a_late_reader_finds_all_that_came() {
    let gateway = Gateway::start(&conditions("0%", "2ms", &[])).expect("a thread");
    let [mut near, mut far] = gateway.open().await.expect("a connection");
    near.write_all(b"question").await.expect("an open connection");
    near.shutdown().await.expect("an open connection");
    let mut question = Vec::new();
    far.read_to_end(&mut question).await.expect("an orderly end");
    // More than the pipe holds: the rest is received in the world and waits there.
    let answer = pattern(150_000);
    far.write_all(&answer).await.expect("an open connection");
    far.shutdown().await.expect("an open connection");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut heard = Vec::new();
    near.read_to_end(&mut heard).await.expect("an orderly end");
    assert!(question == b"question" && heard == answer, "{} of {} bytes", heard.len(), answer.len());
}

/// Ends of connections as the server saw them: true for a reset.
static SEEN: std::sync::Mutex<Vec<bool>> = std::sync::Mutex::new(Vec::new());

#[test]
fn a_reset_crosses_in_both_directions() {
    let upstream = server(|mut socket| {
        let mut first = [0; 1];
        let _ = socket.read_exact(&mut first);
        if first == *b"r" {
            // Unread bytes make the system reset.
            std::thread::sleep(Duration::from_millis(100));
            drop(socket);
        } else {
            let result = socket.read(&mut [0; 16]);
            let reset = result.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
            SEEN.lock().expect("no panic").push(reset);
        }
    });
    let proxy = Proxied::start(upstream, &conditions("0%", "5ms", &[]));
    let mut stream = proxy.connect();
    stream.write_all(b"reset me").expect("an open connection");
    let error = stream.read(&mut [0; 16]).expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    // And the other way.
    let stream = proxy.connect();
    (&stream).write_all(b"x").expect("an open connection");
    std::thread::sleep(Duration::from_millis(100));
    reset(stream);
    let deadline = Instant::now() + PATIENCE;
    while SEEN.lock().expect("no panic").is_empty() {
        assert!(Instant::now() < deadline, "the server heard of no reset");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(*SEEN.lock().expect("no panic"), [true]);
}

/// Closes a socket by a reset.
fn reset(stream: TcpStream) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        stream.set_nonblocking(true).expect("a socket");
        let stream = tokio::net::TcpStream::from_std(stream).expect("a socket");
        stream.set_zero_linger().expect("a socket");
    });
}

/// A download that is cut off must not look complete.
#[test]
fn a_proxy_that_ends_resets_both_sides() {
    let (tell, told) = std::sync::mpsc::channel();
    let upstream = server(move |mut socket| {
        let error = loop {
            if let Err(error) = socket.write_all(&pattern(10_000)) {
                break error.kind();
            }
        };
        let _ = tell.send(error);
    });
    let proxy = Proxied::start(upstream, &conditions("0%", "5ms", &[]));
    let mut stream = proxy.connect();
    stream.read_exact(&mut [0; 1_000]).expect("a part");
    drop(proxy);
    let error = std::io::copy(&mut stream, &mut std::io::sink()).expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let error = told.recv_timeout(PATIENCE).expect("an error");
    assert!(matches!(error, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
}

#[test]
fn an_upstream_that_is_not_there_is_a_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = listener.local_addr().expect("bound");
    drop(listener);
    let proxy = Proxied::start(nobody, &conditions("0%", "1ms", &[]));
    let mut stream = proxy.connect();
    let error = stream.read(&mut [0; 16]).expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_reader_that_stops_stops_the_writer() {
    let upstream = server(|socket| {
        std::thread::sleep(Duration::from_secs(4));
        drop(socket);
    });
    let small = ["tcp.receive_window=100KiB", "tcp.send_buffer=100KiB"];
    let proxy = Proxied::start(upstream, &conditions("0%", "1ms", &small));
    let mut stream = proxy.connect();
    stream.set_write_timeout(Some(Duration::from_millis(500))).expect("a socket");
    let chunk = vec![1; 100_000];
    let mut written = 0;
    while let Ok(more) = stream.write(&chunk) {
        written += more;
        assert!(written < 50_000_000, "nothing holds the writer back");
    }
    assert!(written > 200_000, "{written} bytes");
}

#[test]
fn messages_keep_their_borders_over_an_emulated_path() {
    let network = Some(conditions("3%", "5ms", &[]));
    // A gap that a busy machine's reader keeps up with.
    let pacing = Some(testbed::time::Duration::from_millis(50));
    let settings = testbed::live::server::Settings { network, pacing, ..usual() };
    let server = Running::start(settings, &[PIPE, RELIABLE, SLASH]);
    let mut alice = server.joined(PIPE, "alice", "WELCOME|Connected successfully!");
    alice.hears("USERS|alice");
    let mut bob = server.joined(PIPE, "bob", "WELCOME|Connected successfully!");
    bob.hears("USERS|alice,bob");
    alice.hears("USERS|alice,bob");
    let mut says = alice.stream.try_clone().expect("a socket");
    std::thread::spawn(move || {
        for n in 0..10 {
            says.write_all(format!("bob|text {n}").as_bytes()).expect("an open connection");
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    // Each in a read of its own, though the path delivers several at once after a loss.
    for n in 0..10 {
        let mut buffer = [0; 256];
        let read = bob.stream.read(&mut buffer).expect("a message");
        assert_eq!(std::str::from_utf8(&buffer[..read]), Ok(format!("MSG|alice|text {n}").as_str()));
    }
    let mut carol = server.connect(SLASH);
    carol.hears("[T] [SERVER] Welcome to the TCP Chat Server! There are 3 clients connected.");
    carol.hears("[T] [SERVER] Please enter your username:");
    carol.says("carol");
    carol.hears("[T] [SERVER] Welcome, carol! Type /help for available commands.");
    drop(carol);
    alice.hears("USERS|alice,bob,carol");
    alice.hears("USERS|alice,bob");
}

#[test]
fn administrators_see_and_change_the_network() {
    let network = Some(conditions("0%", "1ms", &[]));
    let settings = testbed::live::server::Settings { network, ..usual() };
    let server = Running::start(settings, &[SLASH]);
    let mut alice = server.connect(SLASH);
    alice.ignores();
    alice.says("alice");
    alice.ignores();
    let mut admin = TcpStream::connect(server.admin).expect("the port");
    let mut ask = |command: &str, params: serde_json::Value| {
        let request = serde_json::json!({ "command": command, "params": params });
        testbed::live::admin::ask(&mut admin, &request).expect("a reply")
    };
    let clients = ask("get_clients", serde_json::json!({}));
    let client = &clients["clients"][0];
    assert_eq!((client["username"].as_str(), client["window_unit"].as_str()), (Some("alice"), Some("bytes")));
    assert!(client["congestion_window"].as_u64().is_some_and(|cwnd| cwnd > 1_000), "{client}");
    let rtt = client["rtt"].as_f64().expect("a sample");
    assert!((0.002..0.5).contains(&rtt), "{rtt}");
    let changed = ask("set_network_sim", serde_json::json!({ "packet_loss_rate": 0.0, "delay": 0.1 }));
    assert!(changed["message"].as_str().is_some_and(|words| words.contains("100ms")), "{changed}");
    let started = Instant::now();
    alice.says("/ping");
    alice.hears("[T] [SERVER] pong");
    assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
    let mut second = Client::connect(server.address(SLASH));
    second.hears("[T] [SERVER] Welcome to the TCP Chat Server! There are 2 clients connected.");
}

/// A transfer through the gateway takes as long as `testbed run` says: 1 MiB at 10 % loss and 25 ms.
#[test]
#[ignore = "half a minute in real time; .ci/run runs it"]
fn a_transfer_is_as_fast_as_on_the_virtual_clock() {
    const SIZE: usize = 1 << 20;
    let scenario = format!(
        "duration = \"300s\"\ntrials = 41\n[link.path]\nper_client = true\nloss = \"10%\"\ndelay = \"25ms\"\n\
         [[clients]]\nname = \"up\"\npath = [\"path\"]\napp = {{ kind = \"bulk\", direction = \"up\", size = \"{SIZE}B\" }}\n"
    );
    let plan =
        Plan::parse("virtual.toml", &scenario, &[]).unwrap_or_else(|error| panic!("{}", error.render(false)));
    let cell = plan.scenario(0).expect("sound");
    let mut predicted: Vec<f64> = (0..plan.trials())
        .map(|number| {
            let outcome = build(&cell, plan.trial(0, number)).run(&mut || true).expect("not stopped");
            let up = outcome.flows[0].directions[0].as_ref().expect("data");
            SIZE as f64 / up.completion.expect("done within 300 s").as_secs_f64()
        })
        .collect();
    let upstream = server(|mut socket| {
        let mut heard = Vec::new();
        if socket.read_to_end(&mut heard).is_ok() && heard == pattern(SIZE) {
            let _ = socket.write_all(b"k");
        }
    });
    let proxy = Proxied::start(upstream, &conditions("10%", "25ms", &[]));
    let mut measured: Vec<f64> = std::thread::scope(|scope| {
        let transfer = || {
            let mut stream = proxy.connect();
            let started = Instant::now();
            stream.write_all(&pattern(SIZE)).expect("an open connection");
            stream.shutdown(Shutdown::Write).expect("an open connection");
            let mut answer = [0; 1];
            stream.read_exact(&mut answer).expect("every byte as it was sent");
            SIZE as f64 / started.elapsed().as_secs_f64()
        };
        let threads: Vec<_> = (0..25).map(|_| scope.spawn(transfer)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let median = |rates: &mut Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    let (live, virtual_) = (median(&mut measured), median(&mut predicted));
    eprintln!("median goodput: live {live:.0} B/s, virtual {virtual_:.0} B/s, ratio {:.3}", live / virtual_);
    assert!((live / virtual_ - 1.0).abs() < 0.15, "live {live:.0}, virtual {virtual_:.0} B/s");
}

#[test]
fn a_reader_that_stops_behind_a_path_is_dropped() {
    let network = Some(conditions("0%", "1ms", &["tcp.send_buffer=64KiB", "tcp.receive_window=64KiB"]));
    let pacing = Some(testbed::time::Duration::ZERO);
    let settings =
        testbed::live::server::Settings { network, pacing, max_backlog: 50_000, rate_limit: 0, ..usual() };
    let server = Running::start(settings, &[JSON_LINES]);
    let join = |name: &str| {
        let mut client = server.connect(JSON_LINES);
        client.sends(format!("{{\"type\": \"join\", \"username\": \"{name}\"}}\n").as_bytes());
        client.ignores();
        client
    };
    let (speaker, deaf) = (join("speaker"), join("deaf"));
    // The speaker hears its own echo.
    let mut reads = speaker.stream.try_clone().expect("a socket");
    std::thread::spawn(move || while reads.read(&mut [0; 4_096]).is_ok_and(|read| read > 0) {});
    let mut admin = TcpStream::connect(server.admin).expect("the port");
    let mut people = || {
        let request = serde_json::json!({ "command": "get_stats", "params": {} });
        let stats = testbed::live::admin::ask(&mut admin, &request).expect("a reply");
        stats["people"].as_u64().unwrap_or_default()
    };
    let line = format!("{{\"type\": \"chat\", \"message\": \"{}\"}}\n", "x".repeat(8_000));
    let started = Instant::now();
    while people() == 2 {
        assert!(started.elapsed() < Duration::from_secs(40), "it is never dropped");
        (&speaker.stream).write_all(line.as_bytes()).expect("an open connection");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(people(), 1);
    drop(deaf);
}
