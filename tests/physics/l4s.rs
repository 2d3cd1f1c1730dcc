//! Low latency by marks: DCTCP at a threshold, L4S beside a classic flow.

use crate::support::{goodput, link, run};
use testbed::facts::{Direction, Outcome, SenderEvent};

/// 100 Mbit/s and 20 ms, with this queue; each group is a name and its keys.
fn text(secs: u32, queue: &str, groups: &[(&str, &str)]) -> String {
    let group = |(name, keys): &(&str, &str)| {
        format!("[[clients]]\nname = \"{name}\"\npath = [\"neck\"]\napp = {{ kind = \"bulk\" }}\n{keys}\n")
    };
    let groups: String = groups.iter().map(group).collect();
    format!(
        "duration = \"{secs}s\"\nwarmup = \"10s\"\n[link.neck]\nrate = \"100mbit\"\ndelay = \"10ms\"\n\
         queue = {{ limit = \"10000 packets\", {queue} }}\n{groups}"
    )
}

fn utilisation(outcome: &Outcome) -> f64 {
    link(outcome, "neck", Direction::Up).utilisation.expect("a rate")
}

/// Mean and 99th percentile of the waits in the L4S queue.
fn l4s_waits(outcome: &Outcome) -> (f64, f64) {
    let waits = link(outcome, "neck", Direction::Up).l4s_queue.expect("packets of L4S");
    (waits.mean_ms, waits.p99_ms)
}

const PRAGUE: (&str, &str) = ("l4s", "congestion = \"prague\"\nstart_spread = \"1s\"");
const DUALPI2: &str = "kind = \"dualpi2\"";

/// RFC 9332 §1, RFC 9330 §1: L4S packets wait for less than a millisecond while a classic flow has its 15 ms, and both
/// have about the same rate.
#[test]
fn l4s_waits_for_less_than_a_millisecond_beside_a_classic_flow_and_shares_fairly() {
    for controller in ["reno", "cubic"] {
        for ecn in ["off", "classic"] {
            let mut shares = vec![];
            for seed in 1..=2 {
                let classic =
                    format!("congestion = \"{controller}\"\necn = \"{ecn}\"\nstart_spread = \"1s\"");
                let outcome = run(&text(40, DUALPI2, &[PRAGUE, ("classic", &classic)]), seed);
                let (mean, p99) = l4s_waits(&outcome);
                assert!(p99 <= 1.0, "{controller}, {ecn}: {mean} ms, p99 {p99} ms");
                let all = link(&outcome, "neck", Direction::Up).queue.expect("waits");
                assert!(all.p99_ms > 10.0 && all.p99_ms < 30.0, "{controller}, {ecn}: {all:?}");
                assert!(utilisation(&outcome) > 0.98, "{controller}, {ecn}: {}", utilisation(&outcome));
                shares.push(goodput(&outcome, 0) / goodput(&outcome, 1));
            }
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            assert!((0.8..=1.25).contains(&mean), "{controller}, {ecn}: shares {shares:?}");
        }
    }
}

/// RFC 9332 §2.1: the law of coupling in a whole link: the share of marks of L4S is k times the root of the classic
/// share, as each is averaged over many flows.
#[test]
fn many_flows_of_both_kinds_share_fairly() {
    let l4s = "congestion = \"prague\"\ncount = 5\nstart_spread = \"1s\"";
    let classic = "congestion = \"cubic\"\ncount = 5\nstart_spread = \"1s\"";
    let outcome = run(&text(40, DUALPI2, &[("l4s", l4s), ("classic", classic)]), 1);
    let sum = |flows: std::ops::Range<usize>| flows.map(|flow| goodput(&outcome, flow)).sum::<f64>();
    let share = sum(0..5) / sum(5..10);
    assert!((0.7..=1.4).contains(&share), "{share}");
    assert!(l4s_waits(&outcome).1 <= 1.0, "{:?} ms", l4s_waits(&outcome));
}

/// RFC 9332 §2.4, tc's `step_thresh`: alone, L4S keeps its queue at the threshold and the link busy.
#[test]
fn prague_alone_keeps_the_step_and_the_rate() {
    for step in [1.0, 4.0] {
        let queue = format!("{DUALPI2}, step_thresh = \"{step}ms\"");
        let outcome = run(&text(30, &queue, &[PRAGUE]), 1);
        let (mean, p99) = l4s_waits(&outcome);
        assert!(p99 <= 1.5 * step, "{step} ms: {mean}, {p99}");
        assert!(utilisation(&outcome) > 0.98, "{step} ms: {}", utilisation(&outcome));
    }
}

/// Alizadeh and others 2010, §3.3: with K > C RTT / 7 the link stays busy, and the queue near K; Reno needs a whole
/// bandwidth-delay product for that, and CUBIC with marks at the same place loses rate.
#[test]
fn dctcp_keeps_the_queue_near_its_threshold_and_the_rate() {
    for flows in [2, 8] {
        for threshold in [4.0, 8.0] {
            let queue =
                format!("kind = \"codel\", target = \"1s\", ecn = true, ce_threshold = \"{threshold}ms\"");
            let keys = format!("congestion = \"dctcp\"\ncount = {flows}\nstart_spread = \"1s\"");
            let outcome = run(&text(30, &queue, &[("dctcp", &keys)]), 1);
            let neck = link(&outcome, "neck", Direction::Up);
            let waits = neck.queue.expect("waits");
            assert!(
                (0.5 * threshold..1.2 * threshold).contains(&waits.mean_ms) && waits.p99_ms < 1.6 * threshold,
                "{flows} flows, {threshold} ms: {waits:?}"
            );
            assert!(utilisation(&outcome) > 0.99, "{flows} flows, {threshold} ms: {}", utilisation(&outcome));
            assert_eq!(neck.counters.dropped_queue, 0);
        }
    }
}

/// Draft §2.4.1 (Prague), RFC 8257 §3.4: where nothing is marked they are Reno.
#[test]
fn without_marks_both_are_reno() {
    let of = |controller: &str| {
        let keys = format!("congestion = \"{controller}\"");
        let queue = "kind = \"droptail\", limit = \"84 packets\"".to_owned();
        let text = text(40, "", &[("flow", &keys)]).replace("limit = \"10000 packets\", ", &queue);
        goodput(&run(&text, 1), 0)
    };
    let reno = of("reno");
    for controller in ["dctcp", "prague"] {
        let share = of(controller) / reno;
        assert!((0.9..1.1).contains(&share), "{controller}: {share} of Reno's goodput");
    }
}

/// RFC 3168 §5: what the path marks, the sender answers, and nothing is sent again; whatever the form of echo.
#[test]
fn accurate_ecn_serves_controllers_of_rfc_3168() {
    for controller in ["reno", "cubic", "bbr3"] {
        let keys =
            format!("congestion = \"{controller}\"\necn = \"accecn\"\ncount = 2\nstart_spread = \"10ms\"");
        let text = text(30, "kind = \"codel\", ecn = true", &[("flow", &keys)]);
        let outcome = run(&(text + "[record]\ninterval = \"100ms\"\n"), 1);
        let neck = link(&outcome, "neck", Direction::Up);
        assert!(
            neck.counters.marked > 10 && neck.counters.dropped_queue == 0,
            "{controller}: {:?}",
            neck.counters
        );
        let events = &outcome.series.as_ref().expect("series").events;
        let answers = events.iter().filter(|event| event.kind == SenderEvent::EcnReduction).count();
        assert!(answers > 5, "{controller}: {answers} answers");
        assert!(utilisation(&outcome) > 0.85, "{controller}: {}", utilisation(&outcome));
    }
}
