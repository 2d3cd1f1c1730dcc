//! Links as they are: traces, token buckets and policers in whole worlds.

use std::fmt::Write as _;
use std::io;

use crate::support::{finish, goodput, link, run};
use testbed::facts::{Direction, Outcome};
use testbed::link::OPPORTUNITY;
use testbed::link::synthetic::Kind;
use testbed::rng::Seed;
use testbed::scenario::{Plan, build};
use testbed::time::Duration;

/// One upload over one link, and a trace in memory that it may name.
fn outcome(head: &str, link: &str, times: &[u32], seed: u64) -> Outcome {
    let text = format!(
        "{head}\n[link.wire]\n{link}\n\
         [[clients]]\nname = \"bulk\"\npath = [\"wire\"]\napp = {{ kind = \"bulk\" }}\n"
    );
    let mut load = |name: &str| match name {
        "a.up" => Ok(times
            .iter()
            .fold(String::new(), |mut text, time| {
                let _ = writeln!(text, "{time}");
                text
            })
            .into_bytes()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    let plan = Plan::parse_with("test.toml", &text, &[], &mut load);
    let plan = plan.unwrap_or_else(|error| panic!("{}\n{text}", error.render(false)));
    let trial = testbed::scenario::Trial { cell: 0, number: 0, seed: Seed(seed) };
    finish(build(&plan.scenario(0).expect("sound"), trial))
}

fn lte(seed: u64, megabits: u64, seconds: u64) -> Vec<u32> {
    let mean = testbed::units::Rate::from_bits_per_second(megabits * 1_000_000).expect("not zero");
    let kind = Kind::by_name("lte").expect("a kind");
    kind.trace(mean, Seed(seed), Duration::from_secs(seconds)).expect("a trace")
}

#[test]
fn an_even_trace_is_a_constant_rate() {
    // A packet each millisecond, and three at once every three.
    let single: Vec<u32> = (1..=1000).collect();
    let triple: Vec<u32> = (1..=999).map(|n: u32| n.div_ceil(3) * 3).collect();
    // A packet waits for its opportunity, up to three of the five milliseconds that CoDel tolerates.
    let queues =
        [("{ limit = \"40 packets\" }", 0.01), ("{ kind = \"pie\" }", 0.03), ("{ kind = \"codel\" }", 0.05)];
    for controller in ["reno", "cubic"] {
        for (queue, tolerance) in queues {
            let head = format!("duration = \"40s\"\nwarmup = \"10s\"\ntcp.congestion = \"{controller}\"");
            let speed = |rate: &str, times: &[u32]| {
                let link = format!("up = {{ rate = {rate}, queue = {queue} }}\ndelay = \"20ms\"");
                goodput(&outcome(&head, &link, times, 1), 0)
            };
            let constant = speed("\"12mbit\"", &[]);
            for times in [&single, &triple] {
                let traced = speed("{ trace = \"a.up\" }", times);
                let ratio = traced / constant;
                assert!((ratio - 1.0).abs() < tolerance, "{controller}, {queue}: {traced} of {constant}");
            }
        }
    }
}

/// Samples of the series: what arrived is at most what the trace offered until then, but for nothing.
#[test]
fn a_busy_trace_delivers_its_opportunities_and_no_byte_more() {
    for seed in 1..=5 {
        let times = lte(seed, 6, 20);
        let head =
            "duration = \"30s\"\nwarmup = \"10s\"\ntcp.receive_window = \"1MiB\"\nrecord.interval = \"10ms\"";
        let link_text = "delay = \"10ms\"\nup = { rate = { trace = \"a.up\" }, queue = \"1000 packets\" }";
        let outcome = outcome(head, link_text, &times, seed);
        // A deep queue is never empty: every opportunity is used, and those of the window are counted here.
        let wire = link(&outcome, "wire", Direction::Up);
        assert!(
            wire.utilisation.is_some_and(|share| share > 0.9999 && share <= 1.0),
            "seed {seed}: {wire:?}"
        );
        let offered = |from: u32, to: u32| {
            let turns = (0..=to / 20_000).flat_map(|turn| times.iter().map(move |time| turn * 20_000 + time));
            turns.filter(|time| *time > from && *time <= to).count() as u64 * u64::from(OPPORTUNITY)
        };
        let row = wire.realised.iter().find(|row| row.quantity == "rate_mbit").expect("a row");
        let mean = offered(10_000, 30_000) as f64 * 8.0 / 20.0 / 1e6;
        assert_eq!(row.pass, Some(true), "seed {seed}: {row:?}");
        assert!((row.realised / mean - 1.0).abs() < 0.002, "seed {seed}: {row:?} of {mean}");
        // Payload of 1448 in packets of 1500 bytes, 10 ms after their opportunity; any window of two samples.
        let series = outcome.series.as_ref().expect("a first trial");
        let samples: Vec<(u64, u64)> = (series.flows.iter())
            .filter(|sample| sample.direction == Direction::Up)
            .map(|sample| (sample.time.as_nanos() / 1_000_000, sample.arrived))
            .collect();
        for step in [1, 7, 100] {
            for pair in samples.windows(step + 1).step_by(step) {
                let [from, to] = [pair[0].0, pair[step].0].map(|ms| (ms as u32).saturating_sub(10));
                let bytes = (pair[step].1 - pair[0].1) as f64 * 1500.0 / 1448.0;
                // A sample lies between opportunities of one instant; a packet may have begun before.
                let most = offered(from.saturating_sub(1), to) + u64::from(OPPORTUNITY);
                assert!(bytes <= most as f64 + 1e-6, "seed {seed}, {from} to {to} ms: {bytes} of {most}");
            }
        }
    }
}

#[test]
fn a_trial_begins_at_a_place_of_its_own_and_always_at_the_same() {
    let times = lte(1, 6, 20);
    let link_text = "delay = \"10ms\"\nrate = { trace = \"a.up\", offset = \"trial\" }";
    let bytes = |seed| goodput(&outcome("duration = \"5s\"", link_text, &times, seed), 0);
    let speeds: Vec<f64> = (1..=4).map(bytes).collect();
    assert!((bytes(1) - speeds[0]).abs() < f64::EPSILON);
    assert!(speeds[1..].iter().all(|speed| (speed - speeds[0]).abs() > 1e-6), "{speeds:?}");
}

#[test]
fn a_bucket_lets_a_burst_through_at_once_and_then_its_rate() {
    // Twenty packets of 1500 bytes fit; a window of thirty is sent at once.
    let head = "duration = \"20s\"\ntcp.congestion = \"fixed\"\ncongestion.fixed.window = 30\ntcp.delayed_ack = false";
    let run = |link: &str| {
        run(
            &format!(
                "{head}\n[link.wire]\n{link}\n[[clients]]\nname = \"bulk\"\npath = [\"wire\"]\napp = {{ kind = \"bulk\" }}\n"
            ),
            1,
        )
    };
    let steady = run(
        "delay = \"50ms\"\nup = { rate = { rate = \"1mbit\", burst = \"30000B\" }, queue = \"100 packets\" }",
    );
    let wire = goodput(&steady, 0) * 1500.0 / 1448.0;
    // The burst beside twenty seconds of the rate.
    assert!((wire - (1.0 + 0.24 / 20.0)).abs() < 0.01, "{wire}");
    let up = link(&steady, "wire", Direction::Up);
    assert!(up.realised.iter().all(|row| row.pass != Some(false)), "{:?}", up.realised);
}

#[test]
fn a_policer_costs_a_sender_more_than_a_queue_and_says_so() {
    let head = "duration = \"30s\"\nwarmup = \"5s\"";
    let policed = outcome(
        head,
        "delay = \"20ms\"\nup = { policer = { rate = \"10mbit\", burst = \"20KiB\" } }",
        &[],
        1,
    );
    let queued = outcome(head, "delay = \"20ms\"\nup = { rate = \"10mbit\", queue = \"1bdp\" }", &[], 1);
    let up = link(&policed, "wire", Direction::Up);
    assert!(up.counters.dropped_policer > 50 && up.counters.dropped_queue == 0, "{:?}", up.counters);
    let row = up.realised.iter().find(|row| row.quantity == "policed_mbit").expect("a row");
    assert_eq!((row.pass, row.configured), (Some(true), 10.0));
    // No queue waits for the window to recover.
    let [policed, queued] = [&policed, &queued].map(|outcome| goodput(outcome, 0));
    assert!(policed < 0.9 * queued && policed > 0.2 * queued, "{policed} and {queued}");
}
