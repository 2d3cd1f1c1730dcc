//! Labs: each is run through the program with fewer trials, must keep its claims, and shows what its question asks for.
//! Paths that cross a link backwards, and answers that collide.

use std::collections::BTreeMap;

use crate::scenarios::Run;
use crate::support::{goodput, link, run};
use testbed::facts::Direction;

#[test]
fn many_flows_need_a_part_of_the_buffer_that_one_needs() {
    let run = Run::shipped("labs/buffer-sizing", &["trials=1", "record.trials=none"]);
    let busy = |queue, flows| run.get(&[queue, flows], "utilisation");
    // Without a queue a window that halves keeps three quarters of the link busy; a sixteenth adds a little.
    run.within("one flow, next to no queue", busy("0.0625bdp", "1"), 0.75, 0.83);
    run.within("one flow, a whole product", busy("1bdp", "1"), 0.99, 1.0);
    run.times("256 flows against one", busy("0.0625bdp", "256"), busy("0.0625bdp", "1"), 1.2);
}

#[test]
fn three_reno_flows_saw_and_share() {
    Run::shipped("labs/three-flows", &["trials=3", "record.trials=none"]);
}

#[test]
fn vegas_gives_way_to_reno() {
    let run = Run::shipped("labs/vegas-reno", &["trials=2", "record.trials=none"]);
    let mixed = ["reno", "vegas"];
    run.times("goodput", run.goodput_of(&mixed, "first"), run.goodput_of(&mixed, "second"), 4.0);
}

#[test]
fn red_keeps_the_queue_short_and_protects_nobody() {
    let run = Run::shipped("labs/red-droptail", &["trials=2", "record.trials=none"]);
    for queue in ["droptail", "red"] {
        // 6 Mbit/s of packets of 1500 bytes, 28 of which are headers.
        run.within("the stream", run.goodput_of(&[queue], "udp"), 5.6, 5.9);
    }
    run.within("a fair share", run.goodput_of(&["fq_codel"], "tcp"), 4.2, 4.9);
}

#[test]
fn who_minds_the_delay_wins_the_contest() {
    let run = Run::shipped("labs/contest", &["trials=2"]);
    let power = |control| run.get(&[control], "power");
    for loss_based in ["reno", "cubic"] {
        for other in ["vegas", "bbr", "bbr3", "ledbat"] {
            run.times(other, power(other), power(loss_based), 1.5);
        }
    }
}

#[test]
fn a_newcomer_gets_its_share() {
    let run = Run::shipped("labs/late-start", &[]);
    for control in ["reno", "cubic", "bbr"] {
        run.within("ramp-up", run.get(&[control], "ramp_up_s"), 0.5, 12.0);
        run.within("variation", run.get(&[control], "rate_variation"), 0.0, 0.25);
    }
}

#[test]
fn segments_17_and_18_cost_newreno_a_round_trip_more() {
    let run = Run::shipped("labs/losses-17-18", &[]);
    let ends = |recovery| run.get(&[recovery], "completion_mean_s");
    run.within("a round trip of 100 ms", ends("newreno") - ends("sack"), 0.08, 0.12);
    run.within("RACK as SACK", ends("rack") - ends("sack"), -0.03, 0.03);
    run.within("episodes", run.get(&["newreno"], "recovery_episodes"), 1.0, 1.0);
}

#[test]
fn one_bbr_flow_has_as_much_of_sixteen_as_of_one() {
    let run = Run::shipped("labs/one-bbr", &["trials=3", "record.trials=none"]);
    let share = |run: &Run, count: &str| {
        let [bbr, others] = ["bbr", "cubic"].map(|group| run.goodput_of(&[count], group));
        bbr / (bbr + others)
    };
    for (count, theirs) in linux_shares_among("cubic") {
        run.within("share as on Linux", share(&run, &count), theirs - 0.05, theirs + 0.05);
    }
    // Ware et al.'s model: (1/2 + 1/64 + 4/1067) of the link, less the 1.5 s of every ten in which BBR probes: 44 %.
    let counts = "clients.cubic.count=[1, 16]";
    let reno = ["trials=1", "record.trials=none", "clients.cubic.congestion=reno", counts];
    let run = Run::shipped("labs/one-bbr", &reno);
    for count in ["1", "16"] {
        run.within("share beside Reno", share(&run, count), 0.39, 0.46);
    }
}

/// Share of one BBR flow beside flows of another controller on Linux, by their number: means over runs.
fn linux_shares_among(controller: &str) -> Vec<(String, f64)> {
    let mut shares: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for line in include_str!("../../docs/data/kernel_bbr_among.csv").lines() {
        let fields: Vec<&str> = line.split(',').collect();
        if fields[0] == controller {
            let [count, share] = [fields[1], fields[7]];
            shares.entry(count.parse().expect("others")).or_default().push(share.parse().expect("share_bbr"));
        }
    }
    shares.into_iter().map(|(n, all)| (n.to_string(), all.iter().sum::<f64>() / all.len() as f64)).collect()
}

#[test]
fn the_long_flow_of_a_parking_lot_gets_little() {
    let run = Run::shipped("labs/parking-lot", &["record.trials=none"]);
    for hop in ["at-hop1", "at-hop2", "at-hop3"] {
        let sum = run.goodput_of(&["reno"], "long") + run.goodput_of(&["reno"], hop);
        run.within("a hop's two flows fill it", sum, 9.4, 9.8);
    }
}

/// A long flow over three links of 10, 4 and 10 Mbit/s, and at each another that leaves behind it.
const PARKING_LOT: &str = r#"
duration = "60s"
warmup   = "20s"
[link]
one   = { rate = "10mbit", delay = "5ms", queue = { kind = "fq_codel", limit = "1000 packets" } }
two   = { rate = "4mbit", delay = "5ms", queue = { kind = "fq_codel", limit = "1000 packets" } }
three = { rate = "10mbit", delay = "5ms", queue = { kind = "fq_codel", limit = "1000 packets" } }
[[clients]]
name = "long"
path = ["one", "two", "three"]
app  = { kind = "bulk" }
[[clients]]
name = "at-one"
path = ["one", "two", "three"]
at   = "one"
app  = { kind = "bulk" }
[[clients]]
name = "at-two"
path = ["two", "three"]
at   = "two"
app  = { kind = "bulk" }
[[clients]]
name = "at-three"
path = ["three"]
app  = { kind = "bulk" }
"#;

#[test]
fn servers_on_the_way_and_fair_queues_give_the_shares_of_max_min() {
    let outcome = run(PARKING_LOT, 1);
    // The second link is the narrowest: its two flows get a half each, and the others what the long one leaves.
    let payload = 1448.0 / 1500.0;
    for (flow, share) in [(0, 2.0), (1, 8.0), (2, 2.0), (3, 8.0)] {
        let goodput = goodput(&outcome, flow);
        assert!((goodput / (share * payload) - 1.0).abs() < 0.06, "flow {flow}: {goodput}");
    }
    for name in ["one", "two", "three"] {
        assert!(link(&outcome, name, Direction::Up).utilisation.expect("a rate") > 0.97);
    }
}

#[test]
fn a_film_beside_a_download_keeps_its_claims() {
    let run = Run::shipped("labs/video", &["trials=2", "record.trials=none"]);
    // Fair queues let it have about a half of the link, and then the bitrate just below.
    let fair = "{ kind = \"fq_codel\", limit = \"1000 packets\" }";
    for rule in ["bba", "rate", "bola"] {
        run.within(rule, run.get(&[rule, fair], "video_bitrate_mbit"), 2.2, 3.0);
    }
}

#[test]
fn answers_collide_behind_long_timeouts() {
    let run = Run::shipped("incast", &["trials=1", "record.trials=none"]);
    let goodput = |timeout, servers| run.get(&[timeout, servers], "goodput_mbit");
    run.times("two against 32 servers", goodput("200ms", "2"), goodput("200ms", "32"), 5.0);
    run.times("32 servers", goodput("1ms", "32"), goodput("200ms", "32"), 4.0);
}

/// An upload over the link, and another that crosses it in one of both ways.
fn pair(path: &str) -> String {
    format!(
        "duration = \"30s\"\nwarmup = \"5s\"\n[link.w]\nrate = \"10mbit\"\ndelay = \"10ms\"\nqueue = \"1bdp\"\n\
         [[clients]]\nname = \"a\"\npath = [\"w\"]\napp = {{ kind = \"bulk\" }}\n\
         [[clients]]\nname = \"b\"\npath = [\"{path}\"]\napp = {{ kind = \"bulk\" }}\n"
    )
}

#[test]
fn who_crosses_a_link_backwards_has_the_other_direction_of_it() {
    let (with, against) = (run(&pair("w"), 1), run(&pair("<w"), 1));
    assert!((goodput(&with, 0) + goodput(&with, 1) - 9.65).abs() < 0.1);
    // Each has a direction of its own, and more than a half; but acknowledgments that wait behind the other's data come
    // in lumps (Zhang, Shenker and Clark, SIGCOMM 1991).
    for flow in [0, 1] {
        assert!((5.5..=9.65).contains(&goodput(&against, flow)), "{}", goodput(&against, flow));
    }
    for direction in Direction::BOTH {
        assert!(link(&against, "w", direction).utilisation.expect("a rate") > 0.6);
    }
    assert!(link(&with, "w", Direction::Down).utilisation.expect("a rate") < 0.05);
    // A download from the link's other end is an upload over it.
    let down = pair("<w").replace(
        "[\"<w\"]\napp = { kind = \"bulk\" }",
        "[\"<w\"]\napp = { kind = \"bulk\", direction = \"down\" }",
    );
    let down = run(&down, 1);
    assert!(link(&down, "w", Direction::Down).utilisation.expect("a rate") < 0.05);
}

#[test]
fn blocks_on_an_idle_path_take_a_round_trip_and_their_transmission() {
    let text = "duration = \"4s\"\nwarmup = \"1s\"\n[link.w]\nrate = \"100mbit\"\ndelay = \"5ms\"\n[tcp]\nidle_window = \"halve\"\n\
                [[clients]]\nname = \"x\"\npath = [\"w\"]\napp = { kind = \"incast\", servers = 4, block = \"40kB\" }\n";
    let outcome = run(text, 1);
    assert!(outcome.requests.len() > 100, "{}", outcome.requests.len());
    for request in &outcome.requests {
        // Ten segments at once from each: one round trip, whatever the window.
        let slowdown = request.slowdown().expect("answered");
        assert!((1.0..1.1).contains(&slowdown), "{slowdown}");
    }
    let pairs = outcome.requests.windows(2);
    assert!(pairs.into_iter().all(|two| two[1].start == two[0].start + two[0].completion.expect("answered")));
}
