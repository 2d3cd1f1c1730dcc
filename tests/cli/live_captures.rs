//! Captures of an emulated path in real time.

#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "real sockets live in real time")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Child;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::{out, testbed, testbed_in};

/// Interfaces, stamps of packets and comments of a capture, whose blocks must fill the file.
fn blocks(file: &[u8]) -> (usize, Vec<u64>, String) {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
    let (mut at, mut interfaces, mut stamps, mut text) = (0, 0, Vec::new(), String::new());
    while at < file.len() {
        let len = word(at + 4) as usize;
        assert_eq!(word(at + len - 4) as usize, len, "a whole block at {at}");
        match word(at) {
            1 => interfaces += 1,
            6 => {
                stamps.push(u64::from(word(at + 12)) << 32 | u64::from(word(at + 16)));
                text.push_str(&String::from_utf8_lossy(&file[at..at + len]));
            }
            _ => {}
        }
        at += len;
    }
    (interfaces, stamps, text)
}

/// A proxy with these words in front of an echo, and its address.
fn proxy(dir: &Path, words: &[&str]) -> (Proxy, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let upstream = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || std::io::copy(&mut (&stream), &mut (&stream)));
        }
    });
    let words = [&["proxy", "127.0.0.1:0", &upstream, "--delay", "5ms"][..], words].concat();
    let mut child = testbed(&words).current_dir(dir).spawn().expect("the program runs");
    let mut lines = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains(" → ") {
        line.clear();
        assert!(lines.read_line(&mut line).expect("a line") > 0, "its address");
    }
    let rest = std::thread::spawn(move || {
        let mut text = String::new();
        lines.read_to_string(&mut text).map(|_| text)
    });
    let (address, _) = line.split_once(" → ").unwrap_or_else(|| panic!("{line}"));
    (Proxy { child, rest }, address.to_owned())
}

/// A proxy that runs, and what it says on stderr.
struct Proxy {
    child: Child,
    rest: JoinHandle<std::io::Result<String>>,
}

impl Proxy {
    /// Ends it by Ctrl-C, which must take no more than 3 s: what it said.
    fn interrupt(mut self) -> String {
        let begin = Instant::now();
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("signalled");
        assert!(self.child.wait().expect("it ends").success());
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
        self.rest.join().expect("a thread").expect("text")
    }

    fn kill(mut self) {
        self.child.kill().expect("running");
        self.child.wait().expect("gone");
    }
}

fn exchange(address: &str, bytes: usize) {
    let mut stream = TcpStream::connect(address).expect("the proxy listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    let data = vec![b'x'; bytes];
    let mut writer = stream.try_clone().expect("a socket");
    let written = std::thread::spawn(move || writer.write_all(&data));
    stream.read_exact(&mut vec![0; bytes]).expect("an echo");
    written.join().expect("a thread").expect("written");
}

#[test]
fn a_proxy_writes_what_crosses_it_as_it_crosses() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (proxy, address) = proxy(dir.path(), &["--loss", "5%", "--pcap", "a.pcapng"]);
    exchange(&address, 200_000);
    // Before anything ends, whatever has become quiet is there.
    std::thread::sleep(Duration::from_millis(200));
    let early = fs::read(dir.path().join("a.pcapng")).expect("a capture");
    let (interfaces, stamps, text) = blocks(&early);
    assert_eq!(interfaces, 2 + 6, "hosts, and one link both ways");
    assert!(text.contains("dropped: loss of the link"), "losses have their reason");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    assert!(stamps.iter().all(|stamp| now.abs_diff(*stamp) < 60_000_000_000), "real time");
    proxy.interrupt();
    let late = fs::read(dir.path().join("a.pcapng")).expect("a capture");
    assert!(late.starts_with(&early) && blocks(&late).1.len() >= stamps.len());
}

#[test]
fn a_capture_is_whole_after_a_kill_and_ends_at_its_size() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (victim, address) = proxy(dir.path(), &["--pcap", "a.pcapng"]);
    exchange(&address, 300_000);
    // Quiet packets are on disk; then it is killed while more are written.
    std::thread::sleep(Duration::from_millis(200));
    let quiet = fs::read(dir.path().join("a.pcapng")).expect("a capture");
    let busy = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(&address).expect("the proxy listens");
        while stream.write_all(&vec![b'x'; 60_000]).is_ok() {}
    });
    std::thread::sleep(Duration::from_millis(300));
    victim.kill();
    busy.join().expect("a thread");
    assert!(blocks(&quiet).1.len() > 100);
    let killed = fs::read(dir.path().join("a.pcapng")).expect("a capture");
    assert!(killed.len() > quiet.len() && killed.starts_with(&quiet));

    let (proxy, address) = proxy(dir.path(), &["--pcap", "b.pcapng", "--pcap-max", "100KiB"]);
    exchange(&address, 300_000);
    let said = proxy.interrupt();
    assert!(said.contains("raise --pcap-max"), "{said}");
    let small = fs::read(dir.path().join("b.pcapng")).expect("a capture");
    // The blocks that say what is missing come on top: one for each of 8 interfaces.
    assert!((95_000..=102_400 + 8 * 40).contains(&small.len()), "{}", small.len());
    blocks(&small);
}

#[test]
fn a_reader_that_does_not_read_and_a_disk_without_room_hold_nothing_up() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let pipe = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    let opened = pipe.clone();
    let reader = std::thread::spawn(move || fs::File::open(opened));
    let (with_pipe, address) = proxy(dir.path(), &["--pcap", "pipe"]);
    let reader = reader.join().expect("a thread").expect("opened");
    exchange(&address, 2_000_000);
    let said = with_pipe.interrupt();
    assert!(said.contains("lacks") && said.contains("too slow"), "{said}");
    drop(reader);

    if Path::new("/dev/full").exists() {
        let (full, address) = proxy(dir.path(), &["--pcap", "/dev/full"]);
        exchange(&address, 300_000);
        let said = full.interrupt();
        assert!(said.contains("lacks") && said.contains("disk with room"), "{said}");
    }
    let refused = testbed_in(
        dir.path(),
        &["proxy", "127.0.0.1:0", "127.0.0.1:1", "--loss", "1%", "--pcap", "no/a.pcapng"],
    );
    assert_eq!(refused.status.code(), Some(1));
    assert!(out(&refused).contains("make its folder first"), "{}", out(&refused));
}

#[test]
fn a_capture_replaces_no_file_and_needs_a_network() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("mine.pcapng"), "years of work").expect("written");
    let refused = testbed_in(
        dir.path(),
        &["proxy", "127.0.0.1:0", "127.0.0.1:1", "--loss", "1%", "--pcap", "mine.pcapng"],
    );
    assert_eq!(refused.status.code(), Some(1));
    assert!(out(&refused).contains("name a file that is not there yet"), "{}", out(&refused));
    assert_eq!(fs::read(dir.path().join("mine.pcapng")).expect("there"), b"years of work");
    let refused = testbed_in(dir.path(), &["serve", "--pcap", "a.pcapng"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(out(&refused).contains("there is no emulated network to capture"), "{}", out(&refused));
}
