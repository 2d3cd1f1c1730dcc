//! Effects of queue disciplines on TCP: CoDel keeps waits near its target, flow queueing keeps flows apart.

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

fn retransmits(outcome: &Outcome) -> u64 {
    outcome.flows.iter().flat_map(|flow| &flow.directions[0]).map(|way| way.retransmits).sum()
}

/// The same with or without ECN at both ends and in the queue. All connect before there is a queue: a SYN is never
/// marked but dropped, and goes again without the offer of ECN.
fn with_ecn(queue: &str, flows: u32, marks: bool) -> Outcome {
    let group = client("bulk", &format!("{BULK}\ncount = {flows}\nstart_spread = \"10ms\""));
    let ends = if marks { "classic" } else { "off" };
    run(&format!("{}\n[tcp]\necn = \"{ends}\"\n", text(&format!("{queue}, ecn = {marks}"), &group)), 1)
}

/// Floyd and Jacobson 1993: the average queue stays between the thresholds. With ECN at both ends nothing is
/// dropped for it (RFC 3168 §1), and so nothing is sent again.
#[test]
fn red_keeps_the_average_queue_between_its_thresholds() {
    for flows in [8, 16] {
        for marks in [false, true] {
            let queue = "kind = \"red\", min = \"30000B\", max = \"90000B\", probability = \"10%\"";
            let outcome = with_ecn(queue, flows, marks);
            let neck = link(&outcome, "neck", Direction::Up);
            // 30,000 bytes wait for 24 ms, 90,000 for 72.
            let (mean, p99) = waits(&outcome);
            assert!((24.0..72.0).contains(&mean), "{flows} flows, ecn {marks}: {mean} ms, p99 {p99} ms");
            assert!(neck.utilisation.expect("a rate") > 0.98, "{flows} flows, ecn {marks}");
            let again = retransmits(&outcome);
            let counters = neck.counters;
            if marks {
                assert_eq!((counters.dropped_queue, again), (0, 0), "{flows} flows: {counters:?}");
                assert!(counters.marked > 100, "{flows} flows: {counters:?}");
            } else {
                assert!(counters.dropped_aqm > 100 && again > 100, "{flows} flows: {counters:?}");
                assert_eq!(counters.marked, 0);
            }
        }
    }
}

/// RFC 8289, 8290 and 8033: with ECN the queue is as short, and the retransmissions are gone.
#[test]
fn marks_keep_waits_as_short_as_drops_do_and_nothing_is_sent_again() {
    for (queue, most) in [("kind = \"codel\"", 25.0), ("kind = \"fq_codel\"", 25.0), ("kind = \"pie\"", 20.0)]
    {
        let [(dropped, drops), (marked, marks)] = [false, true].map(|ecn| {
            let outcome = with_ecn(queue, 4, ecn);
            let counters = link(&outcome, "neck", Direction::Up).counters;
            let again = retransmits(&outcome);
            assert!(waits(&outcome).0 < most, "{queue}, ecn {ecn}: {:?} ms", waits(&outcome));
            ((counters.dropped_aqm, again), counters.marked)
        });
        assert!(dropped.0 > 50 && dropped.1 > 50 && drops == 0, "{queue}: {dropped:?}, {drops} marks");
        // PIE drops while its probability is above 10 %, as at the start, but not in the measured interval.
        assert!(marked.0 == 0 || queue.contains("pie"), "{queue}: {marked:?}, {marks} marks");
        assert!(marked.1 == 0 && marks > 50, "{queue}: {marked:?}, {marks} marks");
    }
}

/// Two transfers, of small packets and of large ones, each of which alone fills the rate and its queue.
#[test]
fn deficit_round_robin_shares_the_rate_by_weight_and_strict_priority_gives_all_to_the_first() {
    let groups = client("small", &format!("class = 1\nmss = 300\n{BULK}"))
        + &client("large", &format!("class = 2\n{BULK}"));
    // Of all bytes on the wire: 352 for 300, and 1500 for 1448.
    let share = |queue: &str| {
        let outcome = run(&text(queue, &groups), 1);
        let wire = |flow, packet: f64, payload: f64| goodput(&outcome, flow) * packet / payload;
        let (small, large) = (wire(0, 352.0, 300.0), wire(1, 1500.0, 1448.0));
        small / (small + large)
    };
    for (weights, fair) in [("[1, 1]", 0.5), ("[1, 4]", 0.2), ("[3, 1]", 0.75)] {
        let share = share(&format!("kind = \"drr\", weights = {weights}"));
        // Retransmissions are in neither.
        assert!((share - fair).abs() < 0.02, "{share} by {weights}");
    }
    let first = share("kind = \"prio\"");
    assert!(first > 0.99, "{first} of the first band");
}
