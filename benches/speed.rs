//! Speed of the parts: `cargo bench`, or `cargo bench -- link` for the lines that contain a word.
//!
//! Machines differ, and so do minutes on a shared one. So a fixed loop runs before each measurement,
//! the fastest of several rounds counts on both sides, and the last column is the ratio of the two:
//! that is the figure to compare between machines and commits. Beside each workload stands its
//! goodput, because a simulator that delivers nothing is fast, too.

use std::hint::black_box;
use std::net::Ipv4Addr;

use cpu_time::ProcessTime;
use testbed::engine::queue::{Class, EventQueue};
use testbed::link::config::Delay;
use testbed::link::{Config, Link};
use testbed::rng::Seed;
use testbed::scenario::{Plan, build};
use testbed::time::{Duration, Instant};
use testbed::wire::codec::{Ends, decode, encode};
use testbed::wire::{Direction, Flags, FlowId, Packet, Payload, Segment, SeqNumber, Timestamps};

/// Name, number of operations, and what performs that many.
type Part = (&'static str, u64, fn(u64));

const ROUNDS: u32 = 5;
const STEPS: u32 = 100_000_000;

const WORKLOADS: [(&str, &str); 6] = [
    ("w1", include_str!("workloads/w1.toml")),
    ("w1d", include_str!("workloads/w1d.toml")),
    ("w2", include_str!("workloads/w2.toml")),
    ("w3", include_str!("workloads/w3.toml")),
    ("w4", include_str!("workloads/w4.toml")),
    ("w5", include_str!("workloads/w5.toml")),
];

fn main() {
    // Cargo passes `--bench`; what is no option selects lines.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    println!("{:24} {:>9} {:>11} {:>16} {:>13}", "what", "cpu s", "ns each", "goodput Mbit/s", "fixed loops");
    for (name, text) in WORKLOADS {
        if wanted(name) {
            workload(name, text);
        }
    }
    let parts: [Part; 6] = [
        ("queue, 100 pending", 5_000_000, |n| hold(100, n)),
        ("queue, 10,000 pending", 5_000_000, |n| hold(10_000, n)),
        ("link, plain delay", 2_000_000, |n| link(n, &plain())),
        ("link, 10mbit and queue", 2_000_000, |n| link(n, &queued())),
        ("codec, data segment", 200_000, codec),
        ("random numbers", 20_000_000, random),
    ];
    for (name, operations, part) in parts {
        if wanted(name) {
            let (cpu_s, loops) = fastest(|| part(operations));
            line(name, cpu_s, operations, None, loops);
        }
    }
}

fn workload(name: &str, text: &str) {
    let plan = Plan::parse(name, text, &[]).expect("a workload is sound");
    let scenario = plan.scenario(0).expect("a workload is sound");
    let (mut packets, mut goodput_mbit) = (0, 0.0);
    let (cpu_s, loops) = fastest(|| {
        let mut world = build(&scenario, plan.trial(0, 0));
        let outcome = world.run(&mut || true).expect("nobody stops it");
        let directions = outcome.flows.iter().flat_map(|flow| flow.directions.iter().flatten());
        let bytes: u64 = directions.map(|direction| direction.bytes_delivered).sum();
        goodput_mbit = bytes as f64 * 8e-6 / outcome.measured.as_secs_f64();
        packets = world.packets();
    });
    line(name, cpu_s, packets, Some(goodput_mbit), loops);
}

/// The fastest round's CPU seconds, and their ratio to the fastest fixed loop.
fn fastest(mut work: impl FnMut()) -> (f64, f64) {
    let (mut best, mut yardstick) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        yardstick = yardstick.min(seconds(fixed_loop));
        best = best.min(seconds(&mut work));
    }
    (best, best / yardstick)
}

fn seconds(work: impl FnOnce()) -> f64 {
    let started = ProcessTime::now();
    work();
    started.elapsed().as_secs_f64()
}

/// A hundred million dependent steps of a xorshift generator: no memory, no branches.
fn fixed_loop() {
    let mut x = 1u64;
    for _ in 0..STEPS {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    black_box(x);
}

fn line(name: &str, cpu_s: f64, operations: u64, goodput_mbit: Option<f64>, loops: f64) {
    let each = cpu_s * 1e9 / operations as f64;
    let goodput = goodput_mbit.map_or_else(|| "–".to_owned(), |mbit| format!("{mbit:.2}"));
    println!("{name:24} {cpu_s:9.3} {each:11.1} {goodput:>16} {loops:13.2}");
}

fn plain() -> Config {
    let delay = Delay { mean: Duration::from_millis(25), ..Delay::default() };
    Config { delay, ..Config::default() }
}

fn queued() -> Config {
    Config { rate: Some("10mbit".parse().expect("a rate")), ..plain() }
}

/// Packets through one direction of one link, a little slower than its rate.
fn link(packets: u64, config: &Config) {
    let mut link = Link::new(config, Seed(1), "link/bench/up");
    let gap = Duration::from_micros(1250);
    let mut now = Instant::ZERO;
    let mut delivered = 0;
    for _ in 0..packets {
        link.handle_packet(now, Packet::new(FlowId(0), Direction::Up, segment()));
        now += gap;
        while link.poll_deliver(now).is_some() {
            delivered += 1;
        }
    }
    assert!(delivered + 50 > packets, "a link that is not full drops nothing");
}

fn codec(segments: u64) {
    let (source, destination) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
    let ends = Ends { source: (source, 40_000), destination: (destination, 80) };
    for _ in 0..segments {
        let bytes = encode(black_box(&segment()), ends);
        black_box(decode(&bytes, source, destination).expect("what was encoded"));
    }
}

fn random(numbers: u64) {
    let mut rng = Seed(1).stream("bench");
    let sum = (0..numbers).fold(0u64, |sum, _| sum.wrapping_add(rng.next_u64()));
    black_box(sum);
}

/// A full data segment, as bulk transfers send it.
fn segment() -> Segment {
    Segment {
        seq: SeqNumber(1),
        ack: SeqNumber(1),
        window: 1000,
        flags: Flags::ACK,
        timestamps: Some(Timestamps { value: 1, echo: 1 }),
        payload: Payload::zeros(1448),
        ..Segment::EMPTY
    }
}

/// The event queue alone, by the hold model: take the earliest event, add one a random time later.
fn hold(pending: u32, operations: u64) {
    let mut rng = Seed(1).stream("bench");
    let mut queue = EventQueue::default();
    for target in 0..pending {
        queue.push(Instant::from_nanos(rng.below(1_000_000)), Class::Arrival, target);
    }
    for _ in 0..operations {
        let event = queue.peek().expect("as many as at the start");
        queue.pop(Class::Arrival);
        queue.push(event.at + Duration::from_nanos(rng.below(1_000_000)), event.class, event.target);
    }
}
