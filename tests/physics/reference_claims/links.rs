//! Claims of the file about links: jitter, order, bursts of losses and queues.

use super::fixed;
use crate::support::{Sightings, finish, mean_and_error, run, scenario, watch, world};
use testbed::link::config::{Capacity, LossModel};
use testbed::units::Probability;

/// The milliseconds that packets took from one place to the next.
fn passages(from: &Sightings, to: &Sightings) -> Vec<f64> {
    let (from, to) = (from.lock().expect("notes"), to.lock().expect("notes"));
    let arrival = |identity| to.iter().find(|other| other.identity == identity).map(|other| other.at);
    from.iter().filter_map(|sent| Some((arrival(sent.identity)? - sent.at).as_millis_f64())).collect()
}

#[test]
pub fn jitter_is_one_deviation_or_half_a_width() {
    for (distribution, deviation, furthest) in
        [("normal", 5.0, f64::INFINITY), ("uniform", 5.0 / 3f64.sqrt(), 5.0)]
    {
        let link = format!(
            "delay = {{ mean = \"50ms\", jitter = \"5ms\", distribution = \"{distribution}\", reorder = true }}"
        );
        let mut world = world(&fixed("duration = \"60s\"", &link, 3), 1);
        let (entrance, exit) = (watch(&mut world, 0), watch(&mut world, 2));
        finish(world);
        let sample = passages(&entrance, &exit);
        let (mean, error) = mean_and_error(&sample);
        let sd = error * (sample.len() as f64).sqrt();
        // The standard error of a deviation is at most sd/√(2n); allow five.
        let tolerance = 5.0 * deviation / (2.0 * sample.len() as f64).sqrt();
        assert!(sample.len() > 1000 && (mean - 50.0).abs() < 5.0 * error, "{mean} ± {error}");
        assert!((sd - deviation).abs() < tolerance, "{distribution}: {sd} of {deviation} ± {tolerance}");
        assert!(sample.iter().all(|delay| (delay - 50.0).abs() <= furthest + 1e-6));
    }
}

/// Its details are in `src/link/trace.rs`.
#[test]
pub fn a_trace_lets_1500_bytes_leave_at_each_line() {
    let silent = |rate: &str| {
        let text = fixed("duration = \"200s\"", &format!("delay = \"1ms\"\nup = {{ rate = {rate} }}"), 1000);
        scenario(&text)
    };
    let long = "{ trace = \"traces/lte.trace\", loop = true, offset = \"0s\" }";
    let looped = silent("{ trace = \"traces/lte.trace\" }");
    assert_eq!(looped, silent(long));
    let trace = include_str!("../../../scenarios/traces/lte.trace");
    let bits = trace.lines().count() as u64 * 1500 * 8;
    let seconds = trace.lines().last().expect("a line").parse::<u64>().expect("a number") / 1000;
    let rate = looped.links[0].directions[0].rate.expect("a mean");
    assert_eq!(rate.bits_per_second(), bits / seconds);
    assert_ne!(looped, silent(&long.replace("\"0s\"", "\"trial\"")));
}

#[test]
pub fn one_packet_in_eight_skips_the_delay() {
    for (chance, gap) in [(25.0, 5), (0.5, 5), (25.0, 1), (100.0, 4)] {
        let link =
            format!("delay = \"10ms\"\nup = {{ reorder = {{ chance = \"{chance}%\", gap = {gap} }} }}");
        let mut world = world(&fixed("duration = \"400s\"", &link, 1), 1);
        let (entrance, exit) = (watch(&mut world, 0), watch(&mut world, 2));
        finish(world);
        let (sent, arrived) = (entrance.lock().expect("notes"), exit.lock().expect("notes"));
        // One at a time: none overtakes another.
        let skipped = sent.iter().zip(arrived.iter()).filter(|(sent, got)| sent.at == got.at).count() as f64;
        let share = 1.0 / (f64::from(gap) - 1.0 + 100.0 / chance);
        let n = sent.len() as f64;
        // Renewals vary less than independent draws do; allow five standard errors of those.
        let error = (share * (1.0 - share) / n).sqrt();
        assert!(n > 18_000.0 && (skipped / n - share).abs() < 5.0 * error, "{} of {share}", skipped / n);
    }
    assert!((1.0f64 / (5.0 - 1.0 + 1.0 / 0.25) - 0.125).abs() < 1e-12);
}

#[test]
pub fn states_of_the_channel_have_their_chances() {
    let lost = |p: &str, r: &str| {
        let up = format!(
            "up = {{ loss = {{ model = \"gilbert-elliott\", p = \"{p}\", r = \"{r}\", 1-h = \"30%\", 1-k = \"5%\" }} }}"
        );
        let outcome = run(&fixed("duration = \"60s\"", &format!("delay = \"5ms\"\n{up}"), 10), 1);
        (
            outcome.links[0].counters.dropped_loss as f64 / outcome.links[0].counters.offered as f64,
            outcome.links[0].counters.offered as f64,
        )
    };
    for (p, r, chance) in [("100%", "0%", 0.3), ("0%", "100%", 0.05)] {
        let (share, n) = lost(p, r);
        let error = (chance * (1.0f64 - chance) / n).sqrt();
        assert!(n > 1000.0 && (share - chance).abs() < 5.0 * error, "{share} of {chance} ± {error}");
    }
    let text = fixed(
        "duration = \"1s\"",
        "delay = \"5ms\"\nloss = { model = \"gilbert-elliott\", p = \"1%\", r = \"9%\" }",
        1,
    );
    let LossModel::GilbertElliott { loss_bad, loss_good, .. } = scenario(&text).links[0].directions[0].loss
    else {
        panic!("no channel of two states");
    };
    assert_eq!((loss_bad, loss_good), (Probability::ALWAYS, Probability::NEVER));
}

#[test]
pub fn a_limit_counts_the_packet_in_transmission() {
    // A window of ten comes at once: one packet is in transmission, two wait, seven find no room.
    let text =
        fixed("duration = \"100ms\"", "delay = \"20ms\"\nrate = \"10mbit\"\nqueue = \"3 packets\"", 10);
    assert_eq!(run(&text, 1).links[0].counters.dropped_queue, 7);
    let text = text.replace("3 packets", "10 packets");
    assert_eq!(run(&text, 1).links[0].counters.dropped_queue, 0);
}

#[test]
pub fn a_bdp_is_of_the_longest_round_trip_in_packets_of_1500_bytes() {
    // 10 Mbit/s × 2 × (20 + 5) ms = 62,500 bytes = 41.7 packets; the shorter path does not count.
    let text = "duration = \"1s\"\n[link.far]\ndelay = \"20ms\"\n\
                [link.neck]\nrate = \"10mbit\"\ndelay = \"5ms\"\nqueue = \"1bdp\"\n\
                [[clients]]\nname = \"a\"\npath = [\"far\", \"neck\"]\napp = { kind = \"bulk\" }\n\
                [[clients]]\nname = \"b\"\npath = [\"neck\"]\napp = { kind = \"bulk\" }\n\
                [[schedule]]\nat = \"500ms\"\nset = { \"link.neck.rate\" = \"1mbit\" }\n";
    let scenario = scenario(text);
    assert_eq!(scenario.links[1].directions[0].queue, Capacity::Packets(42).into());
    // As they are at the start.
    assert_eq!(scenario.schedule[0].links[0].1[0].queue, Capacity::Packets(42).into());
}
