//! Worlds with many people and many connections run, and an idle connection is small.

#![expect(clippy::disallowed_methods, reason = "it measures how long the program takes")]

use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::support::world;
use testbed::app::{App, Conn, Event, Io};
use testbed::engine::{self, Client, World};
use testbed::rng::Seed;
use testbed::time::{Duration, Instant};
use testbed::wire::Class;
use testbed::{link, tcp};

/// One test at a time, for the clock's sake.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn a_thousand_people_chat_in_one_world() {
    let _alone = alone();
    let text = "duration = \"5s\"\nwarmup = \"1s\"\nrecord.trials = \"none\"\n\
        [link.access]\nper_client = true\ndelay = \"25ms\"\nloss = \"1%\"\n\
        [[clients]]\nname = \"people\"\ncount = 1000\npath = [\"access\"]\n\
        app = { kind = \"chat\", rate = \"1/min\", to = \"everyone\" }\n";
    let outcome = crate::support::run(text, 1);
    let messages = outcome.messages.expect("a chat");
    assert!(messages.sent > 30, "{}", messages.sent);
    // Everybody who was there hears everything within the ten seconds of the drain.
    assert_eq!(messages.deliveries, messages.deliveries_expected);
    assert!(messages.deliveries > 900 * messages.sent);
}

/// The most memory that this process ever had, in bytes.
fn most_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? * 1024)
}

/// Sends one small message, takes the answer, and then stays connected in silence.
struct Quiet {
    connects: bool,
}

impl App for Quiet {
    fn start(&mut self, io: &mut dyn Io) {
        if self.connects {
            io.connect();
        }
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        match event {
            Event::Connected if self.connects => {
                io.write(conn, &std::rc::Rc::from(&b"hello"[..]), 0);
            }
            Event::Readable if io.discard(conn) > 0 && !self.connects => {
                io.write(conn, &std::rc::Rc::from(&b"hello yourself"[..]), 0);
            }
            _ => {}
        }
    }
}

/// Says how much memory a world took whose connections are open, each over a link of its own, have
/// carried a message each way and are silent since; in a process of its own. (People in a chat would
/// not be idle: ten thousand who arrive at once are announced to one another a hundred million times.)
#[test]
#[ignore = "a part of the next test"]
fn idle_world() {
    let count: u32 = std::env::var("CONNECTIONS").map_or(10, |count| count.parse().expect("a number"));
    let at = |secs| Instant::ZERO + Duration::from_secs(secs);
    let mut world = World::new(Seed(1), at(1), at(10));
    let mean = Duration::from_millis(10);
    let config =
        link::Config { delay: link::config::Delay { mean, ..Default::default() }, ..Default::default() };
    let access = world.add_link("access", [config.clone(), config]);
    let server_app = world.add_server(Box::new(Quiet { connects: false }));
    let tcp = Arc::new(tcp::Config::default());
    for n in 1..=count {
        let name = format!("idle-{n}");
        let client = Client {
            route: engine::route(&[world.add_link_instance(access, Some(&name))]),
            name,
            group: "idle".into(),
            tcp: Arc::clone(&tcp),
            class: Class::default(),
            server_app,
            measures: &[],
            connections: engine::Connections::default(),
        };
        let starts = Instant::ZERO + Duration::from_micros(100) * u64::from(n);
        world.add_client(client, Box::new(Quiet { connects: true }), starts);
    }
    world.advance(at(5));
    // SYN, SYN-ACK, ACK, two messages and what acknowledges them; no FIN.
    assert!(world.packets() >= u64::from(count) * 5, "{} packets", world.packets());
    assert!(world.packets() <= u64::from(count) * 7, "{} packets", world.packets());
    println!("bytes={}", most_memory().unwrap_or(0));
}

#[test]
fn an_idle_connection_takes_less_than_twenty_kibibytes() {
    let _alone = alone();
    if most_memory().is_none() {
        eprintln!("skipped: /proc/self/status does not say how much memory was used");
        return;
    }
    let bytes = |count: usize| -> usize {
        let output = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "scale::idle_world", "--ignored", "--nocapture"])
            .env("CONNECTIONS", count.to_string())
            .output()
            .expect("it runs again");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let number = text.split("bytes=").nth(1).and_then(|rest| rest.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("a figure in {text}"))
    };
    let each = (bytes(10_000) - bytes(10)) / 9_990;
    println!("{each} bytes a connection: both ends, their applications and two links");
    assert!(each > 200 && each < 20 * 1024, "{each} bytes");
}

#[test]
fn the_cost_of_a_packet_is_printed_for_ten_and_a_thousand_flows() {
    let _alone = alone();
    let cost = |flows: u32, secs: u32| {
        let text = format!(
            "duration = \"{secs}s\"\nrecord.trials = \"none\"\n\
             [link.wire]\nrate = \"{flows}mbit\"\ndelay = \"25ms\"\nqueue = \"1bdp\"\n\
             [[clients]]\nname = \"bulk\"\ncount = {flows}\npath = [\"wire\"]\nstagger = \"1ms\"\n\
             app = {{ kind = \"bulk\" }}\n"
        );
        let mut world = world(&text, 1);
        let started = std::time::Instant::now();
        world.run(&mut || true).expect("nobody stops it");
        (world.packets(), started.elapsed().as_nanos() as f64 / world.packets() as f64)
    };
    let ((few, at_ten), (many, at_thousand)) = (cost(10, 60), cost(1000, 3));
    println!(
        "10 flows {at_ten:.0} ns a packet, 1000 flows {at_thousand:.0} ns: {:.2} times",
        at_thousand / at_ten
    );
    // Times depend on the machine and its load, so only the work done is a claim.
    assert!(few > 40_000 && many > 100_000, "{few} and {many} packets");
}
