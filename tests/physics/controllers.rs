//! Known results of Vegas, Westwood+ and LEDBAT++, in whole worlds.

use crate::support::{goodput, link, mean_and_error, over_seeds, run, upload};
use testbed::facts::{Direction, Outcome};

/// A bottleneck of 10 Mbit/s and 40 ms, 33 packets, with this queue; each group is a name, its controller and more.
fn shared(secs: u32, queue: &str, more: &str, groups: &[(&str, &str, &str)]) -> String {
    let mut text = format!(
        "duration = \"{secs}s\"\nwarmup = \"20s\"\n[link.neck]\nrate = \"10mbit\"\ndelay = \"20ms\"\n\
         queue = \"{queue}\"\n{more}\n"
    );
    for (name, controller, more) in groups {
        text += &format!(
            "[[clients]]\nname = \"{name}\"\npath = [\"neck\"]\ncongestion = \"{controller}\"\n{more}\n\
             app = {{ kind = \"bulk\" }}\n"
        );
    }
    text
}

fn alone(controller: &str, queue: &str, more: &str) -> String {
    shared(80, queue, more, &[("upload", controller, "")])
}

/// Mean and 99th percentile of the wait, in ms.
fn waits(outcome: &Outcome) -> (f64, f64) {
    let queue = link(outcome, "neck", Direction::Up).queue.expect("a rated link has a queue");
    (queue.mean_ms, queue.p99_ms)
}

/// Share of the first of two uploads.
fn share(text: &str, seed: u64) -> f64 {
    let outcome = run(text, seed);
    goodput(&outcome, 0) / (goodput(&outcome, 0) + goodput(&outcome, 1))
}

/// A segment of 1500 bytes takes 1.2 ms at 10 Mbit/s.
#[test]
fn vegas_alone_keeps_alpha_to_beta_packets_in_the_queue_and_loses_none() {
    for (alpha, beta) in [(2.0, 4.0), (8.0, 10.0)] {
        let parameters = format!("[congestion.vegas]\nalpha = {alpha}\nbeta = {beta}");
        let outcome = run(&alone("vegas", "200 packets", &parameters), 1);
        let queued = waits(&outcome).0 / 1.2;
        // Besides the packet in transmission; delayed acknowledgments bring two of the window at a time.
        assert!((alpha - 1.5..=beta + 1.5).contains(&queued), "{alpha} to {beta}: {queued} packets");
        assert_eq!(upload(&outcome, 0).retransmits, 0);
        let busy = link(&outcome, "neck", Direction::Up).utilisation.expect("a rate");
        assert!(busy > 0.98, "{alpha} to {beta}: {busy} of the rate");
    }
}

/// Mo and others, "Analysis and comparison of TCP Reno and Vegas", INFOCOM 1999: Reno fills the queue that Vegas
/// keeps empty, and the more room there is, the less is left for Vegas.
#[test]
fn vegas_loses_against_reno_the_deeper_the_buffer_is() {
    let shares = ["8 packets", "66 packets", "330 packets"].map(|queue| {
        let groups = [("vegas", "vegas", ""), ("reno", "reno", "start = \"1s\"")];
        share(&shared(120, queue, "", &groups), 1)
    });
    assert!(shares.is_sorted_by(|a, b| a > b), "{shares:?}");
    assert!(shares[0] > 0.25 && shares[2] < 0.12, "{shares:?}");
}

/// Mascolo and others, 2001: on a lossy path the window falls to what the path holds, not to half; with a queue of
/// the bandwidth-delay product, half of the window is what the path holds.
#[test]
fn westwood_beats_reno_where_loss_is_random_and_equals_it_where_it_is_congestion() {
    let rates = |controller: &str, loss: &str| {
        let more = format!("up = {{ loss = \"{loss}\" }}");
        let text = alone(controller, "33 packets", &more);
        mean_and_error(&over_seeds(4, |seed| goodput(&run(&text, seed), 0))).0
    };
    let [lossy, clean] = ["1%", "0%"].map(|loss| rates("westwood", loss) / rates("reno", loss));
    assert!(lossy > 1.5, "{lossy} times Reno's goodput at 1 % loss");
    assert!((0.98..1.02).contains(&clean), "{clean} times Reno's goodput without");
}

/// Its target is 60 ms of delay; a tenth of the time it slows down.
#[test]
fn ledbat_alone_keeps_its_target_delay_and_loses_nothing() {
    for target in [60.0, 25.0] {
        let outcome =
            run(&alone("ledbat", "200 packets", &format!("[congestion.ledbat]\ntarget = {target}")), 1);
        let (mean, p99) = waits(&outcome);
        assert!(
            (0.7 * target..1.05 * target).contains(&mean) && p99 < 1.2 * target,
            "{target}: {mean} {p99} ms"
        );
        assert_eq!(upload(&outcome, 0).retransmits, 0);
        let busy = link(&outcome, "neck", Direction::Up).utilisation.expect("a rate");
        assert!(busy > 0.9, "{busy} of the rate");
    }
}

#[test]
fn ledbat_yields_to_reno() {
    let groups = [("ledbat", "ledbat", ""), ("reno", "reno", "start = \"10s\"")];
    // The queue holds twice the target.
    let text = shared(70, "100 packets", "", &groups);
    let beside = share(&text, 1);
    assert!(beside < 0.1, "{beside} beside Reno");
}

/// draft-irtf-iccrg-ledbat-plus-plus-06: without slowdowns a latecomer takes the queue of the first for the
/// base delay.
#[test]
fn slowdowns_take_the_latecomers_advantage_away() {
    let groups = [("first", "ledbat", ""), ("late", "ledbat", "start = \"15s\"")];
    let [with, without] = [9, 0].map(|interval| {
        let parameters = format!("[congestion.ledbat]\nslowdown_interval = {interval}");
        share(&shared(120, "300 packets", &parameters, &groups), 1)
    });
    assert!(without < 0.25, "{without} for the first without slowdowns");
    assert!((0.35..0.65).contains(&with), "{with} for the first with them");
}
