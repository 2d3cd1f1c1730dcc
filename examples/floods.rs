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
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const FLOODERS: usize = 20;
/// The samples begin after this long, when twenty have joined in one burst and what that delayed is made up for,
/// and are taken for this long.
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(5);
/// Between two writes of a flooder without frames, ten times as often as it is served. More would measure what the
/// kernel of one machine does with a hundred thousand tiny writes a second, while the server rests.
const BETWEEN_WORDS: Duration = Duration::from_millis(1);
/// Between two things that the witness does.
const EVERY: Duration = Duration::from_millis(25);

/// The first word of the child that floods.
const FLOOD_NOW: &str = "--flood-now";

/// Ports: the dialects one after the other, then the administrator's.
const FIRST_PORT: u16 = 23_600;
const DIALECTS: [&str; 5] = ["reliable", "json-lines", "slash", "rooms", "pipe"];

/// The `n`th request of flooder `who`.
type Request = fn(who: usize, n: usize) -> Vec<u8>;

/// Dialect, name, request. Each flood is measured with clients that read their answers and with clients that
/// do not.
const FLOODS: &[(&str, &str, Request)] = &[
    ("json-lines", "(nothing)", |_, _| Vec::new()),
    ("json-lines", "ping", |_, _| json(r#""ping""#)),
    ("json-lines", "users", |_, _| json(r#""users""#)),
    ("json-lines", "help", |_, _| json(r#""help""#)),
    ("json-lines", "unknown type", |_, _| json(r#""foo""#)),
    ("json-lines", "hide and reveal", |_, n| json([r#""hide""#, r#""reveal""#][n % 2])),
    ("json-lines", "rename", |who, n| json(&format!(r#""rename", "username": "r{who}x{}""#, n % 2))),
    ("json-lines", "private to nobody", |_, _| json(r#""private", "to": "nobody", "message": "flood""#)),
    ("json-lines", "private to a neighbour", |who, _| {
        json(&format!(r#""private", "to": "flood{}", "message": "flood""#, (who + 1) % FLOODERS))
    }),
    ("json-lines", "enter and leave a room", |_, n| {
        json([r#""join_room", "room": "den""#, r#""leave_room", "room": "den""#][n % 2])
    }),
    ("json-lines", "text", |_, _| json(r#""chat", "message": "flood""#)),
    ("json-lines", "long text", |_, _| json(&format!(r#""chat", "message": "{}""#, "flood".repeat(1_000)))),
    ("slash", "/nick without a name", |_, _| b"/nick\n".to_vec()),
    ("slash", "unknown command", |_, _| b"/foo\n".to_vec()),
    ("slash", "/list", |_, _| b"/list\n".to_vec()),
    ("slash", "/whisper to nobody", |_, _| b"/whisper nobody flood\n".to_vec()),
    ("slash", "/nick NAME", |who, n| format!("/nick r{who}x{}\n", n % 2).into_bytes()),
    ("slash", "/exit and back", |_, _| b"/exit\n".to_vec()),
    ("slash", "text", |_, _| b"flood\n".to_vec()),
    ("rooms", "/hide", |_, _| b"/hide\n".to_vec()),
    ("rooms", "/members", |_, _| b"/members\n".to_vec()),
    ("rooms", "/join without a name", |_, _| b"/join\n".to_vec()),
    ("rooms", "/dm to nobody", |_, _| b"/dm nobody flood\n".to_vec()),
    ("rooms", "/create_room", |who, n| format!("/create_room r{who}x{n}\n").into_bytes()),
    ("rooms", "/broadcast", |_, _| b"/broadcast\nflood\n".to_vec()),
    ("pipe", "no bar", |_, _| b"flood".to_vec()),
    ("pipe", "to nobody", |_, _| b"nobody|flood".to_vec()),
    ("pipe", "text", |_, _| b"all|flood".to_vec()),
    ("reliable", "heartbeat", |who, n| frame(who, n, "heartbeat", "ping")),
    ("reliable", "/nick without a name", |who, n| frame(who, n, "chat", "/nick")),
    ("reliable", "/list", |who, n| frame(who, n, "chat", "/list")),
    ("reliable", "text, none acknowledged", |who, n| frame(who, n, "chat", "flood")),
];

fn json(members: &str) -> Vec<u8> {
    format!("{{\"type\": {members}}}\n").into_bytes()
}

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
        // As a tool does that ends all it sends with a newline.
        "slash" => format!("{nick}\n").into_bytes(),
        _ => nick.as_bytes().to_vec(),
    };
    stream.write_all(&words).expect("an open connection");
    // A pause, so that the name is a read of its own: in some dialects one read is one message.
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

/// Sends requests for ever; begins again when it is thrown out.
fn flood(dialect: &'static str, who: usize, request: Request, reads: bool) {
    let mut n = 0;
    loop {
        print!(".");
        let _ = std::io::stdout().flush();
        let mut stream = join(dialect, &format!("flood{who}"));
        if reads {
            let other = stream.try_clone().expect("a socket");
            std::thread::spawn(move || read(other, |_| {}));
        }
        loop {
            // Without frames a read is a message; elsewhere many go in one write.
            let together = if dialect == "pipe" { 1 } else { 100 };
            let bytes: Vec<u8> = (n..n + together).flat_map(|n| request(who, n)).collect();
            n += together;
            if bytes.is_empty() {
                std::thread::sleep(Duration::from_millis(100));
            }
            if stream.write_all(&bytes).is_err() {
                break;
            }
            if together == 1 {
                std::thread::sleep(BETWEEN_WORDS);
            }
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
}

/// Milliseconds from being said to being heard, of what was said within the measured time.
type Latencies = Arc<Mutex<Vec<f64>>>;
/// Times at which the witness said something.
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
    // Messages that never came count as the slowest of all.
    sorted.resize(sorted.len().max(expected), f64::INFINITY);
    sorted.sort_by(f64::total_cmp);
    let quantile = |q: f64| sorted[((sorted.len() - 1) as f64 * q).round() as usize];
    format!("{:8.1} {:6.1} {:6.1}", quantile(0.5), quantile(0.99), quantile(1.0))
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

fn measure(binary: &str, options: &[String], place: usize, reads: bool) {
    let (dialect, name, _) = FLOODS[place];
    let mut server = serve(binary, options);
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
    let mut flooders = Flooders::start(place, reads);
    let stalls = Arc::new(Mutex::new(0.0));
    std::thread::spawn({
        let stalls = Arc::clone(&stalls);
        move || watch_the_machine(&stalls, first)
    });
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
    std::thread::sleep(Duration::from_secs(1));
    println!(
        "{dialect:<11} {name:<24} {:6} {} {} {} {:5.1} {:4.0}% {:6.1} {:6}",
        if reads { "read" } else { "unread" },
        quantiles(&pongs, expected.saturating_sub(1)),
        quantiles(&texts, expected),
        quantiles(&paced, expected),
        stalls.lock().expect("no panic"),
        (after.0 - before.0) / MEASURED.as_secs_f64() * 100.0,
        after.1.max(usage(&server).1),
        flooders.1.load(Ordering::Relaxed).saturating_sub(FLOODERS),
    );
    server.kill().expect("running");
    server.wait().expect("ended");
    flooders.0.kill().expect("running");
    flooders.0.wait().expect("ended");
}

/// The flooders: a process that has the processor when nobody else wants it, as if it were elsewhere.
struct Flooders(Child, Arc<AtomicUsize>);

impl Flooders {
    fn start(place: usize, reads: bool) -> Flooders {
        let mut child = Command::new("chrt")
            .args(["--idle", "0"])
            .arg(std::env::current_exe().expect("this program"))
            .args([FLOOD_NOW, &place.to_string(), &reads.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("nice");
        let joins = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&joins);
        let mut said = child.stdout.take().expect("piped");
        std::thread::spawn(move || {
            let mut buffer = [0; 64];
            while let Ok(read @ 1..) = said.read(&mut buffer) {
                counted.fetch_add(read, Ordering::Relaxed);
            }
        });
        Flooders(child, joins)
    }
}

/// The child's part: floods, and a byte written for each time that somebody joins.
fn flood_now(place: usize, reads: bool) {
    let (dialect, _, request) = FLOODS[place];
    let all = (0..FLOODERS).map(|who| std::thread::spawn(move || flood(dialect, who, request, reads)));
    all.collect::<Vec<_>>().into_iter().for_each(|one| drop(one.join()));
}

/// Oversleep in milliseconds of a thread that has nothing to do with the server: of a latency below that the
/// machine is to blame.
fn watch_the_machine(longest: &Mutex<f64>, first: Instant) {
    loop {
        let asleep = Instant::now();
        std::thread::sleep(Duration::from_millis(1));
        let over = asleep.elapsed().as_secs_f64() * 1e3 - 1.0;
        let mut longest = longest.lock().expect("no panic");
        if asleep > first && over > *longest {
            *longest = over;
        }
    }
}

fn main() {
    std::panic::set_hook(Box::new(|info| {
        if std::thread::current().name() == Some("main") {
            eprintln!("{info}");
        }
    }));
    let mut words = std::env::args().skip(1);
    if let [Some(FLOOD_NOW), Some(place), Some(reads)] =
        [1, 2, 3].map(|n| std::env::args().nth(n)).each_ref().map(Option::as_deref)
    {
        return flood_now(place.parse().expect("a number"), reads == "true");
    }
    let binary = words.next().expect("the testbed binary");
    let words: Vec<String> = words.collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let (names, options) = (&words[..end], words.get(end + 1..).unwrap_or_default());
    println!(
        "{:43} {:>22} {:>22} {:>22} {:>5} {:>5} {:>6} {:>6}",
        "", "ping p50, p99, max", "text", "text, pipe", "stall", "CPU", "MB", "rejoin"
    );
    for (place, (dialect, name, _)) in FLOODS.iter().enumerate() {
        for reads in [true, false] {
            let title = format!("{dialect} {name} {}", if reads { "read" } else { "unread" });
            if names.iter().all(|part| title.contains(part.as_str())) {
                measure(&binary, options, place, reads);
            }
        }
    }
}
