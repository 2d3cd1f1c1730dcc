//! Worlds from scenario texts, and what tests ask of their outcomes.

pub mod reference;

use std::sync::{Arc, Mutex};

use testbed::engine::World;
use testbed::facts::{Direction, DirectionOutcome, LinkOutcome, Outcome, SenderEvent, Series};
use testbed::link::Verdict;
use testbed::rng::{Rng, Seed};
use testbed::scenario::{Plan, Scenario, Trial, build};
use testbed::time::Instant;
use testbed::wire::Packet;

/// Reads a file that a shipped scenario names.
pub fn shipped(name: &str) -> std::io::Result<Vec<u8>> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name))
}

/// The grid that a text describes; a faulty text is the test's own mistake.
pub fn plan(text: &str) -> Plan {
    Plan::parse_with("test.toml", text, &[], &mut shipped)
        .unwrap_or_else(|error| panic!("{}\n{text}", error.render(false)))
}

/// The only cell of a text.
pub fn scenario(text: &str) -> Scenario {
    plan(text).scenario(0).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

/// The world of a text under a seed.
pub fn world(text: &str, seed: u64) -> World {
    build(&scenario(text), Trial { cell: 0, number: 0, seed: Seed(seed) })
}

/// Runs the world of a text under a seed.
pub fn run(text: &str, seed: u64) -> Outcome {
    finish(world(text, seed))
}

/// Runs a world to its end.
pub fn finish(mut world: World) -> Outcome {
    world.run(&mut || true).expect("nobody stops it")
}

/// Maps seeds to results on two threads, in the order of the seeds.
pub fn over_seeds<T: Send>(seeds: u64, measure: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let mut results: Vec<(u64, T)> = std::thread::scope(|scope| {
        let halves = [1, 2].map(|first| {
            let measure = &measure;
            scope.spawn(move || {
                (first..=seeds).step_by(2).map(|seed| (seed, measure(seed))).collect::<Vec<_>>()
            })
        });
        halves.into_iter().flat_map(|half| half.join().expect("no panic in a trial")).collect()
    });
    results.sort_by_key(|(seed, _)| *seed);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The data of flow number `flow` towards the server.
pub fn upload(outcome: &Outcome, flow: usize) -> &DirectionOutcome {
    outcome.flows[flow].directions[0].as_ref().expect("an upload")
}

/// Megabits of goodput a second of flow number `flow` towards the server.
pub fn goodput(outcome: &Outcome, flow: usize) -> f64 {
    upload(outcome, flow).bytes_delivered as f64 * 8e-6 / outcome.measured.as_secs_f64()
}

/// One direction of a link.
pub fn link<'a>(outcome: &'a Outcome, name: &str, direction: Direction) -> &'a LinkOutcome {
    let found = outcome.links.iter().find(|link| link.name == name && link.direction == direction);
    found.unwrap_or_else(|| panic!("a link {name}"))
}

/// Seconds at which fast retransmits began after the first 20 s of a series.
pub fn losses_after_20_s(series: &Series) -> Vec<f64> {
    series
        .events
        .iter()
        .filter(|event| event.kind == SenderEvent::FastRetransmit && event.time.as_secs_f64() > 20.0)
        .map(|event| event.time.as_secs_f64())
        .collect()
}

/// The mean of a sample and the standard error of that mean.
pub fn mean_and_error(sample: &[f64]) -> (f64, f64) {
    let n = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / n;
    let variance = sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, (variance / n).sqrt())
}

/// The median of a sample.
pub fn median(sample: &[f64]) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

/// A packet as somebody saw it who stood at the entrance of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Time of the sighting.
    pub at: Instant,
    /// The connection.
    pub flow: u32,
    /// Its first sequence number, payload, and the sender's clock: enough to tell it from any other.
    pub identity: (u32, u32, u32),
    /// Bytes on the wire.
    pub size: u32,
}

/// Packets seen at one place, in order.
pub type Sightings = Arc<Mutex<Vec<Sighting>>>;

/// Notes every packet offered to a link's direction, whatever becomes of it. Instances are numbered
/// in the order in which the scenario's links and clients are built: up 2n, down 2n + 1.
pub fn watch(world: &mut World, instance: u32) -> Sightings {
    let seen = Sightings::default();
    let notes = Arc::clone(&seen);
    let note = move |at: Instant, packet: &Packet, _: &mut Rng| {
        let segment = &packet.segment;
        let clock = segment.timestamps.map_or(0, |stamps| stamps.value);
        notes.lock().expect("no panic while noting").push(Sighting {
            at,
            flow: packet.flow.0,
            identity: (segment.seq.0, segment.payload.len(), clock),
            size: packet.size(),
        });
        Verdict::Pass
    };
    world.push_impairment(instance, Box::new(note));
    seen
}

/// Fates of the packets `before`: true if seen `behind`, too, without reordering between.
pub fn survivors(before: &Sightings, behind: &Sightings) -> Vec<bool> {
    let (before, behind) = (before.lock().expect("notes"), behind.lock().expect("notes"));
    let mut arrived = behind.iter().peekable();
    let fates: Vec<bool> = before
        .iter()
        .map(|sent| arrived.next_if(|got| (got.flow, got.identity) == (sent.flow, sent.identity)).is_some())
        .collect();
    assert!(arrived.next().is_none(), "everything that arrived was sent");
    fates
}
