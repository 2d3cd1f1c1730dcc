//! Floods a server and shows what a bystander notices: twenty clients send one request as fast as they
//! can, and a witness who asks and says something forty times a second measures how long it waits.
//!
//! ```text
//! cargo run --release --example floods -- target/release/testbed [FLOOD] [-- SERVE OPTIONS]
//! ```
//!
//! `FLOOD` is a part of a name in the table. Options behind `--` go to `testbed serve`; `--delay 1ms` puts
//! an emulated path before every client. Columns: a ping's answer on `json-lines`, a text from there to a
//! listener on `json-lines` and to one on `pipe` (both paced), median and 99th percentile in milliseconds;
//! the server's share of a processor, and the most memory it took.

#![expect(clippy::disallowed_methods, reason = "it measures in real time")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const FLOODERS: usize = 20;
/// The samples begin after this long, when twenty have joined in one burst and what that delayed is made up for,
/// and are taken for this long.
const WARM_UP: Duration = Duration::from_secs(3);
const MEASURED: Duration = Duration::from_secs(5);
/// Between two things that the witness does.
const EVERY: Duration = Duration::from_millis(25);

/// Ports: the dialects one after the other, then the administrator's.
const FIRST_PORT: u16 = 21_600;
const DIALECTS: [&str; 5] = ["reliable", "json-lines", "slash", "rooms", "pipe"];

/// The `n`th request of flooder `who`.
type Request = fn(who: usize, n: usize) -> Vec<u8>;

/// Dialect, name, request; whether answers are read.
const FLOODS: &[(&str, &str, Request, bool)] = &[
    ("json-lines", "(nothing)", |_, _| Vec::new(), true),
    ("slash", "/nick without a name", |_, _| b"/nick\n".to_vec(), true),
    ("slash", "/nick, answers unread", |_, _| b"/nick\n".to_vec(), false),
    ("slash", "unknown command", |_, _| b"/foo\n".to_vec(), true),
    ("slash", "/list", |_, _| b"/list\n".to_vec(), true),
    ("slash", "/nick NAME", |who, n| format!("/nick r{who}x{}\n", n % 2).into_bytes(), true),
    ("slash", "text", |_, _| b"flood\n".to_vec(), true),
    ("slash", "text, answers unread", |_, _| b"flood\n".to_vec(), false),
    ("json-lines", "ping", |_, _| b"{\"type\": \"ping\"}\n".to_vec(), true),
    ("json-lines", "users", |_, _| b"{\"type\": \"users\"}\n".to_vec(), true),
    ("json-lines", "unknown type", |_, _| b"{\"type\": \"foo\"}\n".to_vec(), true),
    (
        "json-lines",
        "hide and reveal",
        |_, n| format!("{{\"type\": \"{}\"}}\n", ["hide", "reveal"][n % 2]).into_bytes(),
        true,
    ),
    ("json-lines", "text", |_, _| b"{\"type\": \"chat\", \"message\": \"flood\"}\n".to_vec(), true),
    ("rooms", "/hide", |_, _| b"/hide\n".to_vec(), true),
    ("rooms", "/broadcast", |_, _| b"/broadcast\nflood\n".to_vec(), true),
    ("rooms", "/members", |_, _| b"/members\n".to_vec(), true),
    ("rooms", "/join without a name", |_, _| b"/join\n".to_vec(), true),
    ("pipe", "to nobody", |_, _| b"nobody|flood".to_vec(), true),
    ("pipe", "text", |_, _| b"all|flood".to_vec(), true),
    ("reliable", "heartbeat", |who, n| frame(who, n, "heartbeat", "ping"), true),
    ("reliable", "/nick without a name", |who, n| frame(who, n, "chat", "/nick"), true),
    ("reliable", "text, none acknowledged", |who, n| frame(who, n, "chat", "flood"), true),
];

fn frame(who: usize, n: usize, kind: &str, content: &str) -> Vec<u8> {
    let json = format!(
        "{{\"msg_id\": \"{kind}_{who}_{n}\", \"msg_type\": \"{kind}\", \"sender\": \"flood{who}\", \
         \"content\": \"{content}\", \"timestamp\": 1.5, \"checksum\": \"\"}}"
    );
    [&(json.len() as u32).to_be_bytes()[..], json.as_bytes()].concat()
}

fn join(dialect: &str, nick: &str) -> TcpStream {
    let place = DIALECTS.iter().position(|name| *name == dialect).expect("a dialect");
    let mut stream = TcpStream::connect(("127.0.0.1", FIRST_PORT + place as u16)).expect("a listener");
    stream.set_nodelay(true).expect("a socket");
    let words = match dialect {
        "json-lines" => format!("{{\"type\": \"join\", \"username\": \"{nick}\"}}\n").into_bytes(),
        "reliable" => frame(nick.trim_start_matches("flood").parse().unwrap_or(99), 0, "join", nick),
        _ => nick.as_bytes().to_vec(),
    };
    stream.write_all(&words).expect("an open connection");
    // Where one read is one message, the name is one.
    std::thread::sleep(Duration::from_millis(30));
    stream
}

/// Reads until the end; tells `each` what came.
fn read(mut stream: TcpStream, mut each: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        each(&buffer[..read]);
    }
}

/// Sends requests until it is told to stop or the connection ends. It begins again when it is thrown out.
fn flood(dialect: &'static str, who: usize, request: Request, reads: bool, stop: &AtomicBool) {
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut stream = join(dialect, &format!("flood{who}"));
        stream.set_write_timeout(Some(Duration::from_millis(200))).expect("a socket");
        if reads {
            let other = stream.try_clone().expect("a socket");
            std::thread::spawn(move || read(other, |_| {}));
        }
        while !stop.load(Ordering::Relaxed) {
            // Without frames a read is a message; elsewhere many go in one write.
            let together = if dialect == "pipe" { 1 } else { 100 };
            let mut bytes: Vec<u8> = (n..n + together).flat_map(|n| request(who, n)).collect();
            n += together;
            if bytes.is_empty() {
                std::thread::sleep(Duration::from_millis(100));
            }
            while !bytes.is_empty() && !stop.load(Ordering::Relaxed) {
                match stream.write(&bytes) {
                    Ok(written) => drop(bytes.drain(..written)),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => break,
                }
            }
            if !bytes.is_empty() {
                break;
            }
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
}

/// Milliseconds from being said to being heard, of what was said within the measured time.
type Latencies = Arc<Mutex<Vec<f64>>>;
/// When the witness said what.
type Said = Arc<Mutex<Vec<Instant>>>;

/// Looks for `w<number>w` in what comes, and notes how long each took.
fn listen(stream: TcpStream, said: &Said, heard: &Latencies, first: Instant) {
    let mut text = Vec::new();
    let mut next = 0;
    read(stream, |bytes| {
        text.extend_from_slice(bytes);
        loop {
            let mark = format!("w{next}w");
            let Some(at) = text.windows(mark.len()).position(|window| window == mark.as_bytes()) else {
                break;
            };
            let said = said.lock().expect("no panic")[next];
            if said > first {
                heard.lock().expect("no panic").push(said.elapsed().as_secs_f64() * 1e3);
            }
            text.drain(..at + mark.len());
            next += 1;
        }
        let tail = text.len().saturating_sub(32);
        text.drain(..tail);
    });
}

fn quantiles(latencies: &Latencies, expected: usize) -> String {
    let mut sorted = latencies.lock().expect("no panic").clone();
    // What never came was the slowest of all.
    sorted.resize(sorted.len().max(expected), f64::INFINITY);
    sorted.sort_by(f64::total_cmp);
    let quantile = |q: f64| sorted[((sorted.len() - 1) as f64 * q).round() as usize];
    format!("{:9.1} {:8.1}", quantile(0.5), quantile(0.99))
}

/// Processor time so far in seconds, and resident memory in megabytes.
fn usage(server: &Child) -> (f64, f64) {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id())).expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().expect("ticks") + fields[12].parse::<f64>().expect("ticks");
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kb: f64 = peak.split_whitespace().next().expect("a number").parse().expect("a number");
    (ticks / 100.0, kb / 1e3)
}

fn serve(binary: &str, options: &[String]) -> Child {
    let listeners = DIALECTS.iter().enumerate().flat_map(|(place, name)| {
        ["--dialect".to_owned(), format!("{name}=127.0.0.1:{}", FIRST_PORT + place as u16)]
    });
    let admin = format!("127.0.0.1:{}", FIRST_PORT + DIALECTS.len() as u16);
    let server = Command::new(binary)
        .args(["serve", "--log", "error", "--admin", &admin])
        .args(listeners)
        .args(options)
        .stderr(Stdio::null())
        .spawn()
        .expect("a binary");
    while TcpStream::connect(&admin).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

fn measure(
    binary: &str,
    options: &[String],
    &(dialect, name, request, reads): &(&'static str, &str, Request, bool),
) {
    let mut server = serve(binary, options);
    let stop = Arc::new(AtomicBool::new(false));
    let mut witness = join("json-lines", "witness");
    let listeners = [join("json-lines", "hearer"), join("pipe", "paced")];
    let first = Instant::now() + WARM_UP;
    let (said, pinged) = (Said::default(), Said::default());
    let [pongs, texts, paced] = [(); 3].map(|()| Latencies::default());
    for (listener, heard) in listeners.into_iter().zip([&texts, &paced]) {
        let (said, heard) = (Arc::clone(&said), Arc::clone(heard));
        std::thread::spawn(move || listen(listener, &said, &heard, first));
    }
    let (asked, heard, own) =
        (Arc::clone(&pinged), Arc::clone(&pongs), witness.try_clone().expect("a socket"));
    std::thread::spawn(move || {
        let (mut count, mut rest) = (0, Vec::new());
        read(own, |bytes| {
            rest.extend_from_slice(bytes);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                if rest[..end].windows(4).any(|window| window == b"pong") {
                    let asked = asked.lock().expect("no panic")[count];
                    count += 1;
                    if asked > first {
                        heard.lock().expect("no panic").push(asked.elapsed().as_secs_f64() * 1e3);
                    }
                }
                rest.drain(..=end);
            }
        });
    });
    let flooders: Vec<_> = (0..FLOODERS)
        .map(|who| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || flood(dialect, who, request, reads, &stop))
        })
        .collect();
    let mut before = (0.0, 0.0);
    let mut expected = 0;
    let last = first + MEASURED;
    for n in 0.. {
        let now = Instant::now();
        if now > last {
            break;
        }
        if now > first && before.0 == 0.0 {
            before = usage(&server);
        }
        let words = if n % 2 == 0 {
            let mut said = said.lock().expect("no panic");
            said.push(now);
            expected += usize::from(now > first);
            format!("{{\"type\": \"chat\", \"message\": \"w{}w\"}}\n", said.len() - 1)
        } else {
            pinged.lock().expect("no panic").push(now);
            "{\"type\": \"ping\"}\n".to_owned()
        };
        if witness.write_all(words.as_bytes()).is_err() {
            break;
        }
        std::thread::sleep(EVERY.saturating_sub(now.elapsed()));
    }
    let after = usage(&server);
    std::thread::sleep(Duration::from_secs(2));
    println!(
        "{dialect:<11} {name:<26} {} {} {} {:7.0}% {:7.1}",
        quantiles(&pongs, expected.saturating_sub(1)),
        quantiles(&texts, expected),
        quantiles(&paced, expected),
        (after.0 - before.0) / MEASURED.as_secs_f64() * 100.0,
        after.1.max(usage(&server).1),
    );
    stop.store(true, Ordering::Relaxed);
    server.kill().expect("running");
    server.wait().expect("ended");
    for flooder in flooders {
        // One that was joining when the server ended has nothing more to say.
        let _ = flooder.join();
    }
}

fn main() {
    std::panic::set_hook(Box::new(|info| {
        if std::thread::current().name() == Some("main") {
            eprintln!("{info}");
        }
    }));
    let mut words = std::env::args().skip(1);
    let binary = words.next().expect("the testbed binary");
    let words: Vec<String> = words.collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let (names, options) = (&words[..end], words.get(end + 1..).unwrap_or_default());
    println!(
        "{:38} {:>18} {:>18} {:>18} {:>8} {:>7}",
        "", "ping p50, p99", "text", "text, pipe", "CPU", "MB"
    );
    for flood in FLOODS {
        let title = format!("{} {}", flood.0, flood.1);
        if names.iter().all(|part| title.contains(part.as_str())) {
            measure(&binary, options, flood);
        }
    }
}
