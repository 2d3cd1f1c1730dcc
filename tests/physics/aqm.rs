//! What queue disciplines do to TCP: CoDel keeps waits near its target, flow queueing keeps flows apart.

use crate::support::{goodput, link, run};
use testbed::facts::{Direction, Outcome};

/// A bottleneck of 10 Mbit/s and 40 ms with room for 1000 packets.
fn text(queue: &str, clients: &str) -> String {
    format!(
        "duration = \"60s\"\nwarmup = \"10s\"\n[link.neck]\nrate = \"10mbit\"\ndelay = \"20ms\"\n\
         queue = {{ limit = \"1000 packets\", {queue} }}\n{clients}"
    )
}

fn client(name: &str, more: &str) -> String {
    format!("[[clients]]\nname = \"{name}\"\npath = [\"neck\"]\n{more}\n")
}

const BULK: &str = "app = { kind = \"bulk\" }";

/// Mean and 99th percentile of the wait, in ms.
fn waits(outcome: &Outcome) -> (f64, f64) {
    let queue = link(outcome, "neck", Direction::Up).queue.expect("a rated link has a queue");
    (queue.mean_ms, queue.p99_ms)
}

#[test]
fn codel_keeps_waits_near_its_target_and_most_of_the_rate() {
    for controller in ["reno", "cubic"] {
        let group = client("bulk", &format!("{BULK}\ncongestion = \"{controller}\""));
        let full = run(&text("kind = \"droptail\"", &group), 1);
        let (mean, _) = waits(&full);
        assert!(mean > 300.0, "{controller}: drop-tail fills {mean} ms");
        let mut means = vec![];
        for target in [5, 20] {
            let outcome = run(&text(&format!("kind = \"codel\", target = \"{target}ms\""), &group), 1);
            let (mean, p99) = waits(&outcome);
            let target = f64::from(target);
            assert!(mean < 2.0 * target && p99 < 8.0 * target, "{controller}, {target}: {mean}, {p99} ms");
            let share = goodput(&outcome, 0) / goodput(&full, 0);
            // Without any queue a sawtooth from the BDP to its half would leave three quarters of the rate.
            assert!(
                share > if target > 10.0 { 0.95 } else { 0.8 },
                "{controller}, {target}: {share} of the goodput"
            );
            means.push(mean);
        }
        assert!(means[1] > means[0], "{controller}: {means:?}");
    }
}

/// RFC 8289 §3.3: whatever the number of flows.
#[test]
fn codel_finds_the_drop_rate_that_so_many_flows_need() {
    let mut drops = 0;
    for flows in [1, 4, 16] {
        let group = client("bulk", &format!("{BULK}\ncount = {flows}\nstagger = \"100ms\""));
        let outcome = run(&text("kind = \"codel\"", &group), 1);
        let (mean, _) = waits(&outcome);
        assert!(mean < 25.0, "{flows} flows wait {mean} ms");
        let link = link(&outcome, "neck", Direction::Up);
        assert!(
            link.utilisation.expect("a rate") > if flows > 1 { 0.95 } else { 0.8 },
            "{flows}: {:?}",
            link.utilisation
        );
        assert!(
            link.counters.dropped_queue > 2 * drops,
            "{flows} flows: {} drops",
            link.counters.dropped_queue
        );
        drops = link.counters.dropped_queue;
    }
}

/// RFC 8033 §4: whatever the number of flows, the delay that is aimed at.
#[test]
fn pie_keeps_waits_near_its_target() {
    for flows in [4, 16] {
        for target in [15, 40] {
            let group = client("bulk", &format!("{BULK}\ncount = {flows}\nstagger = \"100ms\""));
            let outcome = run(&text(&format!("kind = \"pie\", target = \"{target}ms\""), &group), 1);
            let (mean, p99) = waits(&outcome);
            let share = mean / f64::from(target);
            assert!((0.7..1.3).contains(&share), "{flows} flows, {target} ms: mean {mean}, p99 {p99} ms");
            let busy = link(&outcome, "neck", Direction::Up).utilisation.expect("a rate");
            assert!(busy > 0.97, "{flows} flows, {target} ms: {busy} of the rate");
        }
    }
}

/// RFC 8290 §1: a flow without congestion control takes its share and no more.
#[test]
fn flow_queueing_keeps_a_flow_from_another_without_congestion_control() {
    let groups = client("calm", BULK)
        + &client("wild", &format!("{BULK}\ncongestion = \"none\"\nreceive_window = \"1MiB\""));
    let share = |queue: &str| {
        let outcome = run(&text(queue, &groups), 1);
        goodput(&outcome, 0) / (goodput(&outcome, 0) + goodput(&outcome, 1))
    };
    let (mixed, apart) = (share("kind = \"codel\""), share("kind = \"fq_codel\""));
    assert!(mixed < 0.2, "{mixed} of the goodput in one queue");
    assert!((0.42..0.58).contains(&apart), "{apart} in queues of their own");
}

#[test]
fn flow_queueing_keeps_talk_from_waiting_behind_a_transfer() {
    let talk = "count = 5\napp = { kind = \"chat\", rate = \"1/s\" }";
    let groups = client("upload", BULK) + &client("people", talk);
    let p99 = |kind: &str| {
        let outcome = run(&text(&format!("kind = \"{kind}\""), &groups), 1);
        let latency = outcome.messages.expect("people talk").latency;
        latency.value_at_quantile(0.99) as f64 / 1e6
    };
    let (full, apart) = (p99("droptail"), p99("fq_codel"));
    // Two ways of 20 ms and the packet in transmission, twice.
    assert!(full > 500.0 && apart < 50.0, "{full} and {apart} ms");
}
