//! The program itself as a server, in a process of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use testbed::chat::protocol::Dialect;

use crate::sockets::Client;

/// The program with these words.
pub fn testbed(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Output of the program with these words, run in a folder.
pub fn testbed_in(dir: &Path, words: &[&str]) -> Output {
    testbed(words).current_dir(dir).output().expect("the program runs")
}

/// `testbed chat` at this address, its input open.
pub fn chat(address: &str, kind: &'static dyn Dialect, nick: &str) -> Child {
    let mut command = testbed(&["chat", nick, "--dialect", kind.name(), "--address", address]);
    command.stdin(Stdio::piped()).spawn().expect("the program runs")
}

/// Output after typing these bytes there.
pub fn types(address: &str, kind: &'static dyn Dialect, nick: &str, bytes: &[u8]) -> Output {
    let mut child = chat(address, kind, nick);
    // A client that is not let in may be gone before.
    let _ = child.stdin.take().expect("piped").write_all(bytes);
    child.wait_with_output().expect("it ends")
}

/// A server that says `words` to whoever has spoken, and closes; returns its address.
pub fn answers(words: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        // Clients that wait for the server's first words hold up no other.
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4_096]);
                let _ = stream.write_all(words);
            });
        }
    });
    address
}

/// A server on free ports; ends with its value.
pub struct Server {
    pub child: Child,
    /// By dialect, and `admin`.
    pub addresses: BTreeMap<String, String>,
    /// Log lines after that.
    pub log: Option<BufReader<ChildStderr>>,
}

impl Server {
    pub fn start(more: &[&str]) -> Server {
        let dialects = ["reliable", "json-lines", "slash", "rooms", "pipe"];
        let listeners: Vec<String> =
            dialects.iter().map(|name| format!("--dialect={name}=127.0.0.1:0")).collect();
        let mut words = vec!["serve", "--log", "error", "--admin", "127.0.0.1:0"];
        words.extend(listeners.iter().map(String::as_str));
        words.extend(more);
        let mut child = testbed(&words).spawn().expect("the program runs");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let mut addresses = BTreeMap::new();
        while !addresses.contains_key("admin") {
            let line = log.by_ref().lines().next().expect("more lines").expect("text");
            let (name, address) = line.split_once(char::is_whitespace).unwrap_or_else(|| panic!("{line}"));
            addresses.insert(name.to_owned(), address.trim().to_owned());
        }
        Server { child, addresses, log: Some(log) }
    }

    pub fn connect(&self, dialect: &str) -> Client {
        Client::connect(self.addresses[dialect].parse().expect("an address"))
    }

    /// kill -9; what it had logged.
    pub fn kill(mut self) -> String {
        self.child.kill().expect("running");
        self.child.wait().expect("gone");
        let mut log = String::new();
        if let Some(rest) = &mut self.log {
            rest.read_to_string(&mut log).expect("text");
        }
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everything it printed.
pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
