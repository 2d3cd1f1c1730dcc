//! Wi-Fi against the closed form of Høiland-Jørgensen et al. (USENIX ATC 2017), and the known shape of its latency
//! and loss.

use crate::support::{link, run};
use testbed::facts::{Direction, Outcome};

/// A stream of datagrams of 1472 bytes, 1500 on the wire, and a ping, over one link of Wi-Fi.
fn stream(rate: &str, kind: &str, queue: &str) -> String {
    format!(
        "duration = \"20s\"\nwarmup = \"2s\"\n\
         [link.wlan]\nrate = \"144mbit\"\nqueue = {queue}\nup.kind = {{ law = \"wifi\", {kind} }}\n\
         [link.rest]\ndelay = \"10ms\"\n\
         [[clients]]\nname = \"stream\"\npath = [\"wlan\", \"rest\"]\n\
         app = {{ kind = \"udp\", rate = \"{rate}\", size = \"1472B\" }}\n\
         [[clients]]\nname = \"ping\"\npath = [\"wlan\", \"rest\"]\napp = {{ kind = \"ping\", rate = \"20/s\" }}\n"
    )
}

/// Rate of all that passed the link in the trial, in Mbit/s of packets of 1500 bytes.
fn carried(outcome: &Outcome) -> f64 {
    let counters = link(outcome, "wlan", Direction::Up).counters;
    counters.delivered as f64 * 1500.0 * 8.0 / 20e6
}

/// Microseconds of an exchange of `n` frames.
fn exchange(n: f64) -> f64 {
    34.0 + 7.5 * 9.0 + 40.0 + 16.0 + 32.0 + n * 1544.0 * 8.0 / 144.0
}

#[test]
fn a_busy_wifi_carries_what_the_closed_form_says() {
    for (n, error) in [(1.0, 0.0), (8.0, 0.0), (32.0, 0.0), (1.0, 0.2), (8.0, 0.2), (32.0, 0.2)] {
        let kind = format!("aggregate = {n}, error = \"{}%\"", 100.0 * error);
        let outcome = run(&stream("200mbit", &kind, "\"200 packets\""), 1);
        let expected = n * 1500.0 * 8.0 * (1.0 - error) / exchange(n);
        let found = carried(&outcome);
        // Now and then the window of block acknowledgments leaves no room for a whole aggregate.
        let bound = if error > 0.0 { 0.015 } else { 0.005 };
        assert!((found / expected - 1.0).abs() < bound, "{kind}: {found} of {expected} Mbit/s");
        let up = link(&outcome, "wlan", Direction::Up);
        assert!(up.utilisation.expect("a rate") > 0.999, "{kind}");
        assert!(up.realised.iter().all(|row| row.pass != Some(false)), "{kind}: {:?}", up.realised);
    }
}

#[test]
fn every_discipline_feeds_aggregates() {
    for kind in ["droptail", "codel", "fq_codel", "pie", "red", "dualpi2", "prio", "drr"] {
        let queue = format!("{{ kind = \"{kind}\", limit = \"200 packets\" }}");
        let outcome = run(&stream("200mbit", "error = \"10%\", aggregate = 16", &queue), 1);
        let expected = 16.0 * 1500.0 * 8.0 * 0.9 / exchange(16.0);
        let found = carried(&outcome);
        // Some keep the queue shorter than an aggregate now and then.
        assert!(found / expected > 0.95 && found / expected < 1.01, "{kind}: {found} of {expected} Mbit/s");
    }
}

/// Median and 99th percentile of the pings' round trips, in milliseconds.
fn round_trips(outcome: &Outcome) -> [f64; 2] {
    let mut rtts: Vec<f64> =
        outcome.probes.iter().filter_map(|probe| Some(probe.rtt?.as_millis_f64())).collect();
    rtts.sort_by(f64::total_cmp);
    assert!(rtts.len() > 40, "{} pings", rtts.len());
    [0.5, 0.99].map(|q| rtts[(q * rtts.len() as f64) as usize])
}

#[test]
fn below_what_aggregates_carry_latency_is_low_and_single_frames_fill_the_queue() {
    // Single frames carry 43 Mbit/s, and aggregates of 32 more than a hundred.
    let found = |kind: &str| round_trips(&run(&stream("60mbit", kind, "\"200 packets\""), 1));
    let [together, alone] = [found("aggregate = 32"), found("aggregate = 1")];
    assert!(together[0] < 22.0 && together[1] < 24.0, "{together:?}");
    // 200 packets wait, an exchange of 275 µs each.
    let full = 20.0 + 200.0 * exchange(1.0) / 1e3;
    assert!((alone[0] / full - 1.0).abs() < 0.03, "{alone:?} of {full}");
}

#[test]
fn repeats_turn_loss_into_jitter() {
    let found = |retries: u32| {
        let kind = format!("error = \"20%\", retries = {retries}");
        let outcome = run(&stream("20mbit", &kind, "\"200 packets\""), 1);
        let counters = link(&outcome, "wlan", Direction::Up).counters;
        (counters.dropped_loss as f64 / counters.offered as f64, round_trips(&outcome))
    };
    let ((lost, plain), (rarely, repeated)) = (found(0), found(7));
    assert!((lost - 0.2).abs() < 0.01, "{lost}");
    // 0.2⁸ of thirty thousand.
    assert!(rarely < 3e-4, "{rarely}");
    assert!(repeated[1] - repeated[0] > 2.0 * (plain[1] - plain[0]), "{plain:?}, {repeated:?}");
}
