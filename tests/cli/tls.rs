//! The chat over TLS: people talk, whoever does not speak it or does not go on disturbs nobody, and
//! nobody is believed who should not be.

#![allow(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::io::{BufRead as _, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sockets::{Client, PATIENCE};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

/// An authority, a server's certificate from it, and the key of that; and another authority.
struct Papers(TempDir);

impl Papers {
    fn new(names: &[&str]) -> Papers {
        let folder = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("a file");
        let authority = || {
            let mut params = CertificateParams::new([]).expect("no names");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
        };
        let (ours, other) = (authority(), authority());
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let server = CertificateParams::new(names).expect("names").signed_by(&key, &ours).expect("signed");
        write("ca.pem", ours.pem());
        write("other.pem", other.pem());
        write("cert.pem", server.pem());
        write("key.pem", key.serialize_pem());
        write("other-key.pem", KeyPair::generate().expect("a key").serialize_pem());
        write("nonsense.pem", "this is no PEM\n".to_owned());
        Papers(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

fn testbed(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A server that speaks TLS beside a plain listener; ends with its value.
struct Server {
    child: Child,
    papers: Papers,
    plain: String,
    tls: Vec<(String, String)>,
}

impl Server {
    fn start(names: &[&str], dialects: &[&str], more: &[&str]) -> Server {
        let papers = Papers::new(names);
        let (chain, key) = (papers.path("cert.pem"), papers.path("key.pem"));
        let listeners: Vec<String> =
            dialects.iter().map(|name| format!("--tls-dialect={name}=127.0.0.1:0")).collect();
        let mut words = vec!["serve", "--log", "error", "--admin", "127.0.0.1:0"];
        words.extend(["--dialect", "slash=127.0.0.1:0", "--tls-cert", &chain, "--tls-key", &key]);
        words.extend(listeners.iter().map(String::as_str));
        words.extend(more);
        let mut child = testbed(&words).spawn().expect("the program runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let mut server = Server { child, papers, plain: String::new(), tls: Vec::new() };
        loop {
            let line = lines.next().expect("more lines").expect("text");
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["admin", _] => return server,
                [name, address, "TLS"] => server.tls.push((name.to_owned(), address.to_owned())),
                ["slash", address] => address.clone_into(&mut server.plain),
                ["network", ..] => {}
                _ => panic!("{line}"),
            }
        }
    }

    fn address(&self, dialect: &str) -> &str {
        &self.tls.iter().find(|(name, _)| name == dialect).expect("a listener").1
    }

    fn socket(&self, dialect: &str) -> SocketAddr {
        self.address(dialect).parse().expect("an address")
    }

    /// `testbed chat` over TLS.
    fn chat(&self, nick: &str, dialect: &str) -> Child {
        let (address, authority) = (self.address(dialect), self.papers.path("ca.pem"));
        let dialect = if dialect == "slash-or-pipe" { "slash" } else { dialect };
        let words = ["chat", nick, "--dialect", dialect, "--address", address];
        let words = [&words[..], &["--tls", "--tls-ca", &authority, "--linger", "2s"]].concat();
        testbed(&words).stdin(Stdio::piped()).spawn().expect("the program runs")
    }

    /// A client that does by hand what it likes.
    fn connect(&self, dialect: &str) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(self.papers.path("ca.pem")).expect("a certificate");
        roots.add(authority).expect("an authority");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a session");
        let stream = TcpStream::connect(self.socket(dialect)).expect("a listener");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        StreamOwned::new(session, stream)
    }

    /// Two people at the plain listener who would notice if the server did not serve.
    fn witnesses(&self) -> [Client; 2] {
        ["alice", "bob"].map(|name| {
            let mut client = Client::connect(self.plain.parse().expect("an address"));
            client.ignores();
            client.says(name);
            client.ignores();
            client
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn talk([alice, bob]: &mut [Client; 2], text: &str) {
    bob.ignores();
    let started = Instant::now();
    alice.says(text);
    bob.hears(&format!("[T] [alice] {text}"));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

fn conversation(server: &Server, dialects: &[&str]) {
    let nick = |n: usize| format!("p{n}");
    let mut people: Vec<Child> =
        dialects.iter().enumerate().map(|(n, dialect)| server.chat(&nick(n), dialect)).collect();
    std::thread::sleep(Duration::from_secs(2));
    // Longer than a record of TLS, where it may be.
    let long = "long ".repeat(4_000);
    for (n, child) in people.iter_mut().enumerate() {
        let input = child.stdin.as_mut().expect("piped");
        writeln!(input, "hello from {n}").expect("open");
        if n == 0 {
            writeln!(input, "{long}").expect("open");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    for child in &mut people {
        drop(child.stdin.take());
    }
    for (n, child) in people.into_iter().enumerate() {
        let output = child.wait_with_output().expect("it ends");
        let text = text_of(&output);
        assert!(output.status.success(), "{text}");
        for m in (0..dialects.len()).filter(|&m| m != n) {
            assert!(text.contains(&format!("p{m}: hello from {m}")), "{n} hears {m}: {text}");
        }
        let heard = text.matches("long").count();
        // Long texts come in pieces where nothing has a length.
        let whole = ["json-lines", "reliable"].contains(&dialects[n]);
        assert!(n == 0 || heard == 4_000 || !whole, "{n} hears {heard}: {text}");
    }
}

#[test]
fn people_talk_over_tls_in_different_dialects() {
    let dialects = ["json-lines", "reliable", "slash-or-pipe", "rooms"];
    conversation(&Server::start(&["127.0.0.1"], &dialects, &[]), &dialects);
}

#[test]
fn people_talk_over_tls_and_an_emulated_path() {
    let dialects = ["json-lines", "slash-or-pipe", "reliable"];
    let network = ["--loss", "5%", "--delay", "5ms"];
    conversation(&Server::start(&["127.0.0.1"], &dialects, &network), &dialects);
}

#[test]
fn the_tester_sees_no_loss_over_tls() {
    let server = Server::start(&["127.0.0.1"], &["reliable", "json-lines"], &[]);
    for dialect in ["reliable", "json-lines"] {
        let (address, authority) = (server.address(dialect), server.papers.path("ca.pem"));
        let words = ["probe", "all", "--dialect", dialect, "--address", address, "--tls", "--tls-ca"];
        let brief = [&authority, "--duration", "1s", "--messages", "20", "--clients", "4"];
        let output = testbed(&[&words[..], &brief].concat()).output().expect("the program runs");
        assert!(output.status.success(), "{}", text_of(&output));
    }
}

#[test]
fn who_does_not_speak_tls_is_dropped_and_others_notice_nothing() {
    let server = Server::start(&["127.0.0.1"], &["json-lines"], &[]);
    let mut witnesses = server.witnesses();
    let mut plain = Client::connect(server.socket("json-lines"));
    plain.says("{\"type\": \"join\", \"username\": \"kim\"}\n");
    let started = Instant::now();
    plain.ends();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    talk(&mut witnesses, "still here");
    let words = ["chat", "kim", "--reconnects", "0", "--address", server.address("json-lines")];
    let output = testbed(&words).output().expect("the program runs");
    assert!(text_of(&output).contains("the server speaks TLS there"), "{}", text_of(&output));
    assert_eq!(output.status.code(), Some(1));
}

/// A stream that is cut off must not look like one that has ended, nor one that has ended as if cut off.
#[test]
fn the_end_of_the_server_is_announced_to_clients_behind_an_emulated_path() {
    let server = Server::start(&["127.0.0.1"], &["json-lines"], &["--delay", "50ms"]);
    let mut client = server.connect("json-lines");
    client.write_all(b"{\"type\": \"join\", \"username\": \"kim\"}\n").expect("an open connection");
    let mut welcome = [0; 10];
    client.read_exact(&mut welcome).expect("a welcome");
    let child = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(child, rustix::process::Signal::INT).expect("a process");
    let end = client.read_to_end(&mut Vec::new());
    assert!(end.is_ok(), "{end:?}");
}

#[test]
fn a_handshake_that_does_not_go_on_is_cut() {
    let server = Server::start(&["127.0.0.1"], &["json-lines"], &["--join-timeout", "700ms"]);
    let mut witnesses = server.witnesses();
    let started = Instant::now();
    // One says nothing, one the beginning of a hello, one that and then a byte now and then.
    let mut stalled = [0, 1, 2].map(|_| Client::connect(server.socket("json-lines")));
    let hello = [0x16, 3, 1, 1, 0, 1, 0, 0, 0xfc, 3, 3];
    stalled[1].sends(&hello);
    stalled[2].sends(&hello);
    for _ in 0..20 {
        let _ = stalled[2].stream.write_all(&[0]);
        std::thread::sleep(Duration::from_millis(20));
    }
    talk(&mut witnesses, "meanwhile");
    for client in &mut stalled {
        client.ends();
    }
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(600) && took < Duration::from_secs(5), "{took:?}");
    // Nor may one shake hands and then never join.
    let mut silent = server.connect("json-lines");
    silent.conn.complete_io(&mut silent.sock).expect("a handshake");
    let mut heard = Vec::new();
    let end = silent.read_to_end(&mut heard);
    assert!(end.is_ok() && heard.is_empty(), "the end is announced: {end:?}");
    talk(&mut witnesses, "afterwards");
}

#[test]
fn a_reader_over_tls_that_stops_is_dropped_and_others_go_on() {
    const TIMES: usize = 1_200;
    const ALL: usize = TIMES * 9_000;
    let more = ["--max-queue", "100KB", "--rate-limit", "0", "--pacing", "0ms"];
    let server = Server::start(&["127.0.0.1"], &["json-lines"], &more);
    let join = |name: &str| {
        let mut client = server.connect("json-lines");
        let words = format!("{{\"type\": \"join\", \"username\": \"{name}\"}}\n");
        client.write_all(words.as_bytes()).expect("an open connection");
        client
    };
    let mut deaf = join("deaf");
    assert!(deaf.read(&mut [0; 64]).expect("a welcome") > 0);
    let mut hearer = join("hearer");
    let [mut speaker, bob] = server.witnesses();
    // As in `abuse.rs`: each line is as long as its dialect reads at once.
    let lines = format!("{}\n", "Q".repeat(900)).repeat(10);
    let heard = std::thread::spawn(move || {
        let (mut heard, mut left, mut buffer, mut words) = (0, false, [0; 16_384], String::new());
        while heard < ALL || !left {
            let read = hearer.read(&mut buffer).expect("more");
            assert!(read > 0, "heard {heard}, {words}");
            heard += buffer[..read].split(|&byte| byte == b'Q').count() - 1;
            words.extend(buffer[..read].iter().filter(|&&byte| byte != b'Q').map(|&byte| byte as char));
            left |= words.contains("deaf has left") || words.contains("deaf left");
        }
        heard
    });
    drop(bob);
    for _ in 0..TIMES {
        speaker.sends(lines.as_bytes());
        // So that a reader who reads keeps up.
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(heard.join().expect("no panic"), ALL);
    drop(speaker);
    std::thread::sleep(Duration::from_millis(100));
    talk(&mut server.witnesses(), "still here");
    // Text that it did not read in time is lost to it, and its connection ends.
    let mut buffer = [0; 16_384];
    loop {
        match deaf.read(&mut buffer) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset));
                break;
            }
        }
    }
}

#[test]
fn nobody_is_believed_who_should_not_be() {
    let chat = |address: &str, authority: &str| {
        let words = ["chat", "kim", "--address", address, "--tls", "--tls-ca", authority];
        let output = testbed(&words).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(1), "{}", text_of(&output));
        text_of(&output)
    };
    let server = Server::start(&["chat.example"], &["json-lines"], &[]);
    let address = server.address("json-lines");
    let told = chat(address, &server.papers.path("other.pem"));
    assert!(told.contains("other.pem vouches for its certificate; name who does with --tls-ca"), "{told}");
    let told = chat(address, &server.papers.path("ca.pem"));
    assert!(told.contains("its certificate is not for '127.0.0.1'"), "{told}");
    let told = chat(&server.plain, &server.papers.path("ca.pem"));
    assert!(told.contains("it does not speak TLS there") || told.contains("cannot connect"), "{told}");
}

#[test]
fn unfit_files_are_named_with_the_mend() {
    let papers = Papers::new(&["127.0.0.1"]);
    let file = |name: &str| papers.path(name);
    let missing = file("missing.pem");
    let serve = |chain: &str, key: &str| {
        let words = ["serve", "--admin", "127.0.0.1:0", "--dialect", "slash=127.0.0.1:0"];
        let words = [&words[..], &["--tls-cert", chain, "--tls-key", key]].concat();
        testbed(&words).output().expect("the program runs")
    };
    let explained = |output: Output, marks: &[&str]| {
        let text = text_of(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(marks.iter().all(|mark| text.contains(mark)), "{marks:?}: {text}");
    };
    let (cert, key) = (file("cert.pem"), file("key.pem"));
    explained(serve(&missing, &key), &["missing.pem", "No such file", "openssl"]);
    explained(serve(&cert, &missing), &["missing.pem", "No such file", "openssl"]);
    explained(serve(&file("nonsense.pem"), &key), &["nonsense.pem", "there is none", "BEGIN CERTIFICATE"]);
    explained(serve(&key, &key), &["key.pem", "there is none", "BEGIN CERTIFICATE"]);
    explained(serve(&cert, &cert), &["cert.pem", "as a key", "BEGIN PRIVATE KEY"]);
    explained(serve(&cert, &file("other-key.pem")), &["other-key.pem does not belong", "made together"]);
    let run = |words: &[&str]| testbed(words).output().expect("the program runs");
    explained(run(&["serve", "--tls-cert", &cert]), &["--tls-key"]);
    explained(run(&["serve", "--tls-key", &key]), &["--tls-cert"]);
    explained(run(&["serve", "--tls-dialect", "slash=127.0.0.1:0"]), &["--tls-cert"]);
    explained(run(&["chat", "kim", "--tls-ca", &cert]), &["--tls"]);
    explained(run(&["chat", "kim", "--tls", "--tls-ca", &missing]), &["missing.pem", "No such file"]);
    explained(run(&["probe", "--tls", "--tls-ca", &key]), &["key.pem", "there is none"]);
    assert!(Path::new(&cert).exists());
}
