//! Parts that the tests with real sockets share: a running server and blocking clients.

#![allow(dead_code, reason = "every test file uses its own part")]
#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use testbed::chat::protocol::Dialect;
use testbed::live::server::{Server, Settings};

/// As long as anything may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Default settings of `testbed serve`.
pub fn usual() -> Settings {
    Settings::default()
}

/// A server on a thread of its own; ends with its value.
pub struct Running {
    addresses: Vec<(&'static dyn Dialect, SocketAddr)>,
    pub admin: SocketAddr,
    stop: tokio::sync::watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub fn start(settings: Settings, kinds: &[&'static dyn Dialect]) -> Running {
        Running::start_with_token(settings, kinds, None)
    }

    pub fn start_with_token(
        settings: Settings,
        kinds: &[&'static dyn Dialect],
        token: Option<&str>,
    ) -> Running {
        let stop = tokio::sync::watch::Sender::new(false);
        let (told, hear) = std::sync::mpsc::channel();
        let listeners: Vec<_> = kinds.iter().map(|kind| (*kind, "127.0.0.1:0".to_owned())).collect();
        let (stopping, token) = (stop.clone(), token.map(str::to_owned));
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let server = Server::bind(settings, &listeners).await.expect("free ports");
                let server = server.with_admin("127.0.0.1:0", token).await.expect("a free port");
                let admin = server.admin_address().expect("bound");
                told.send((server.addresses(), admin)).expect("somebody waits");
                server.run(stopping).await;
            });
        });
        let (addresses, admin) = hear.recv_timeout(PATIENCE).expect("a server");
        Running { addresses, admin, stop, thread: Some(thread) }
    }

    pub fn address(&self, kind: &'static dyn Dialect) -> SocketAddr {
        self.addresses.iter().find(|(other, _)| *other == kind).expect("a listener").1
    }

    pub fn connect(&self, kind: &'static dyn Dialect) -> Client {
        Client::connect(self.address(kind))
    }

    /// A client whose first words are `says`, and who hears `hears` then.
    pub fn joined(&self, kind: &'static dyn Dialect, says: &str, hears: &str) -> Client {
        let mut client = self.connect(kind);
        client.says(says);
        client.hears(hears);
        client
    }

    /// Ends it; how long that took.
    pub fn stop(mut self) -> Duration {
        let started = Instant::now();
        self.stop.send_replace(true);
        self.thread.take().expect("running").join().expect("no panic");
        started.elapsed()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let result = thread.join();
            assert!(result.is_ok() || std::thread::panicking(), "the server panicked");
        }
    }
}

/// A client that compares.
pub struct Client {
    pub stream: TcpStream,
    /// Bytes that came and were not compared yet.
    inbox: Vec<u8>,
    /// True if it has said something since it last heard what it expected.
    has_spoken: bool,
}

/// Without frames two texts that come together are one. So long a server may be off the processor
/// before it reads the first.
const APART: Duration = Duration::from_millis(40);

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("a listener");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Client { stream, inbox: Vec::new(), has_spoken: false }
    }

    pub fn sends(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("an open connection");
    }

    pub fn says(&mut self, text: &str) {
        if self.has_spoken {
            std::thread::sleep(APART);
        }
        self.sends(text.as_bytes());
        self.has_spoken = true;
    }

    /// Waits until as much has come, times replaced, as is expected, and compares.
    pub fn hears(&mut self, expected: &str) {
        loop {
            let shown = self.inbox.len().min(expected.len() + 256);
            let text = without_times(&String::from_utf8_lossy(&self.inbox[..shown]));
            if text.len() >= expected.len() && self.inbox.len() >= expected.len() {
                if let Some(taken) = self.prefix(expected) {
                    self.inbox.drain(..taken);
                    self.has_spoken = false;
                    return;
                }
                let more_may_come = text.starts_with(expected) || text.len() < expected.len() + 12;
                assert!(more_may_come, "heard {text:?}, not {expected:?}");
            }
            assert!(self.read() > 0, "heard {text:?}, not {expected:?}");
        }
    }

    /// Length of the part of the inbox that reads as `expected`, times aside.
    fn prefix(&self, expected: &str) -> Option<usize> {
        // A time is longer than its mark, and there are few of them in a message.
        (expected.len()..=self.inbox.len().min(expected.len() + 64))
            .filter_map(|end| std::str::from_utf8(&self.inbox[..end]).ok().map(|text| (end, text)))
            .find(|(_, text)| without_times(text) == expected)
            .map(|(end, _)| end)
    }

    /// Drops what comes up to these words, and what comes until it has been quiet for a while.
    pub fn waits_for(&mut self, words: &str) {
        while !String::from_utf8_lossy(&self.inbox).contains(words) {
            assert!(self.read() > 0, "{words:?} never came");
        }
        self.ignores();
    }

    /// Drops what comes until it has been quiet for a while.
    pub fn ignores(&mut self) {
        self.stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket");
        while self.read() > 0 {}
        self.inbox.clear();
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    }

    fn read(&mut self) -> usize {
        let mut buffer = [0; 8_192];
        match self.stream.read(&mut buffer) {
            Ok(read) => {
                self.inbox.extend_from_slice(&buffer[..read]);
                read
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(error) => panic!("cannot read: {error}"),
        }
    }

    /// The next frame of program 0.
    pub fn next_frame(&mut self) -> serde_json::Value {
        loop {
            if let Some(length) = self.inbox.first_chunk() {
                let end = 4 + u32::from_be_bytes(*length) as usize;
                if self.inbox.len() >= end {
                    let value = serde_json::from_slice(&self.inbox[4..end]).expect("JSON");
                    self.inbox.drain(..end);
                    return value;
                }
            }
            assert!(self.read() > 0, "no frame came; there is {:?}", String::from_utf8_lossy(&self.inbox));
        }
    }

    /// Nothing more comes within a while.
    pub fn hears_nothing(&mut self) {
        self.stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a socket");
        assert_eq!((self.read(), self.inbox.len()), (0, 0), "{:?}", String::from_utf8_lossy(&self.inbox));
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    }

    /// The server closes, and says nothing more before.
    pub fn is_closed(&mut self) {
        let mut rest = Vec::new();
        let result = self.stream.read_to_end(&mut rest);
        assert!(
            result.is_ok() && self.inbox.is_empty() && rest.is_empty(),
            "{result:?} {:?}",
            String::from_utf8_lossy(&rest)
        );
    }

    /// The server closes, whatever it says before.
    pub fn ends(&mut self) {
        let result = self.stream.read_to_end(&mut Vec::new());
        let reset = |error: &std::io::Error| error.kind() == ErrorKind::ConnectionReset;
        assert!(result.as_ref().is_ok() || result.as_ref().is_err_and(reset), "{result:?}");
    }

    /// The server does not close for so long.
    pub fn stays_open(&mut self, span: Duration) {
        self.stream.set_read_timeout(Some(span)).expect("a socket");
        let result = self.stream.read(&mut [0; 16]);
        let waits =
            |error: &std::io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(result.as_ref().is_err_and(waits), "{result:?}");
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    }

    pub fn says_no_more(&self) {
        self.stream.shutdown(Shutdown::Write).expect("an open connection");
    }
}

/// Replaces `12:34:56`, `12:34` and JSON's `"timestamp": 1.5` by `T`.
pub fn without_times(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\"timestamp\": ") {
            let end = after.find([',', '}']).unwrap_or(after.len());
            out.push_str("\"timestamp\": T");
            rest = &after[end..];
            continue;
        }
        let shape: String = rest.chars().take(8).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        let length = if shape == "00:00:00" {
            8
        } else if shape.starts_with("00:00") {
            5
        } else {
            0
        };
        if length > 0 {
            out.push('T');
            rest = &rest[length..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// A frame of program 0.
pub fn frame(json: &str) -> Vec<u8> {
    let mut bytes = (json.len() as u32).to_be_bytes().to_vec();
    bytes.extend_from_slice(json.as_bytes());
    bytes
}

/// A message of program 0 as its client writes it; with `priority` and `sequence_number` as its
/// unused module would.
pub fn message(id: &str, kind: &str, sender: &str, content: &str, order: Option<(i64, i64)>) -> String {
    let timestamp = "1795210065.5584364";
    let mut hashed = format!("{id}{kind}{sender}{content}{timestamp}");
    if let Some((priority, number)) = order {
        hashed += &format!("{priority}{number}");
    }
    let digest = Sha256::digest(&hashed);
    let checksum: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let text = |text: &str| serde_json::to_string(text).expect("a text");
    let (id, kind, sender, content) = (text(id), text(kind), text(sender), text(content));
    match order {
        None => format!(
            "{{\"msg_id\": {id}, \"msg_type\": {kind}, \"sender\": {sender}, \"content\": {content}, \"timestamp\": {timestamp}, \"checksum\": \"{checksum}\"}}"
        ),
        Some((priority, number)) => format!(
            "{{\"msg_id\":{id},\"msg_type\":{kind},\"sender\":{sender},\"content\":{content},\"timestamp\":{timestamp},\"checksum\":\"{checksum}\",\"priority\":{priority},\"sequence_number\":{number}}}"
        ),
    }
}
