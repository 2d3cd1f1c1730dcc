//! Pings, datagrams, speech and requests against closed forms.

use crate::support::{finish, over_seeds, run, scenario, world};
use testbed::facts::{DatagramOutcome, Outcome};
use testbed::rng::{Rng, Seed};
use testbed::scenario::Plan;

/// A trial of `seconds` with one link and one group.
fn text(seconds: u64, link: &str, app: &str) -> String {
    format!(
        "duration = \"{seconds}s\"\n[link.w]\n{link}\n[[clients]]\nname = \"x\"\npath = [\"w\"]\napp = {{ {app} }}\n"
    )
}

fn ms(outcome: &Outcome) -> Vec<Option<f64>> {
    outcome.probes.iter().map(|probe| probe.rtt.map(|rtt| rtt.as_nanos() as f64 / 1e6)).collect()
}

/// The only flow of datagrams.
fn datagrams(outcome: &Outcome) -> &DatagramOutcome {
    let [way] = &outcome.datagrams[..] else { panic!("{:?}", outcome.datagrams) };
    way
}

#[test]
fn a_ping_on_an_idle_link_takes_two_delays_and_two_transmissions() {
    for (size, rate_mbit) in [(56, 10), (1472, 1), (1, 1000)] {
        let link = format!("rate = \"{rate_mbit}mbit\"\ndelay = \"10ms\"");
        let outcome =
            run(&text(10, &link, &format!("kind = \"ping\", rate = \"5/s\", size = \"{size}B\"")), 1);
        let expected = 20.0 + 2.0 * f64::from((28 + size) * 8) / (f64::from(rate_mbit) * 1e3);
        assert_eq!(outcome.probes.len(), 50);
        assert!(
            ms(&outcome).iter().all(|rtt| (rtt.expect("an answer") - expected).abs() < 2e-6),
            "{expected}"
        );
    }
}

#[test]
fn pings_are_counted_out_and_lost_with_both_chances() {
    let app = "kind = \"ping\", rate = \"100/s\", arrivals = \"poisson\"";
    let counted = run(&text(10, "delay = \"5ms\"", &format!("{app}, count = 7")), 1);
    assert_eq!(ms(&counted), [Some(10.0); 7]);
    let outcome =
        run(&text(200, "delay = \"5ms\"\nup = { loss = \"10%\" }\ndown = { loss = \"20%\" }", app), 1);
    let (sent, lost) =
        (outcome.probes.len() as f64, ms(&outcome).iter().filter(|rtt| rtt.is_none()).count() as f64);
    // 1 - 0.9 x 0.8 = 28 %, ± 5 standard errors of some 20,000.
    assert!((lost / sent - 0.28).abs() < 5.0 * (0.28 * 0.72 / sent).sqrt(), "{lost} of {sent}");
    assert!((sent - 20_000.0).abs() < 5.0 * 20_000f64.sqrt(), "{sent}");
}

#[test]
fn datagrams_at_twice_the_rate_lose_half() {
    let link = "rate = \"1mbit\"\ndelay = \"10ms\"\nqueue = \"10 packets\"";
    let scenario =
        text(100, link, "kind = \"udp\", rate = \"2mbit\"").replace("[link", "warmup = \"10s\"\n[link");
    let way = &run(&scenario, 1);
    let way = datagrams(way);
    assert_eq!(way.sent, 15_000);
    assert!((way.loss().expect("some") - 0.5).abs() < 0.001, "{way:?}");
    // A full queue of ten: nine or ten transmissions of 12 ms, and the delay.
    let [mean, _, _, max] = way.delay_ms.expect("some");
    assert!((118.0..=130.0).contains(&mean) && (max - 130.0).abs() < 12.0, "{mean} {max}");
}

#[test]
fn constant_datagrams_on_an_idle_link_have_its_delay_and_no_jitter() {
    for direction in ["up", "down"] {
        let app = format!("kind = \"udp\", rate = \"1mbit\", size = \"472B\", direction = \"{direction}\"");
        let outcome = run(&text(10, "rate = \"10mbit\"\ndelay = \"25ms\"", &app), 1);
        let way = datagrams(&outcome);
        // 500 bytes take 0.4 ms; one goes every 4 ms.
        assert_eq!((way.sent, way.delivered, way.reordered), (2500, 2500, 0), "{direction}");
        assert_eq!((way.direction.name(), way.bytes), (direction, 2500 * 472));
        assert!(way.delay_ms.expect("some").iter().all(|delay| (delay - 25.4).abs() < 1e-6), "{way:?}");
        assert_eq!(way.jitter.expect("some").as_nanos(), 0);
    }
}

#[test]
fn jitter_is_that_of_the_delays() {
    let link = "delay = { mean = \"50ms\", jitter = \"10ms\", distribution = \"uniform\", reorder = true }";
    let outcome = run(&text(2000, link, "kind = \"udp\", rate = \"100kbit\""), 1);
    // One in 120 ms, so that none overtakes another. The mean distance of two uniform numbers is a third of the width of 20 ms (RFC 3550: of transit times).
    let jitter = datagrams(&outcome).jitter.expect("some").as_nanos() as f64 / 1e6;
    assert!((jitter - 20.0 / 3.0).abs() < 0.15, "{jitter}");
}

#[test]
fn periods_and_pauses_share_the_time_by_their_means() {
    let sent = |lengths: &str| -> f64 {
        let on_off = format!("on_off = {{ on = \"300ms\", off = \"700ms\", lengths = \"{lengths}\" }}");
        let app = format!("kind = \"udp\", rate = \"1.2mbit\", {on_off}");
        let all =
            over_seeds(4, |seed| datagrams(&run(&text(500, "delay = \"1ms\"", &app), seed)).sent as f64);
        all.iter().sum::<f64>() / 4.0
    };
    // A hundred a second for 30 % of 500 s; the datagrams of a period are its length, rounded by chance.
    assert!((sent("fixed") / 15_000.0 - 1.0).abs() < 0.02, "{}", sent("fixed"));
    assert!((sent("exponential") / 15_000.0 - 1.0).abs() < 0.1, "{}", sent("exponential"));
}

#[test]
fn speech_is_rated_by_its_delay_and_its_loss() {
    // From mouth to ear: 20 ms of speech in a packet, 1 ms of it at 1.6 Mbit/s, the delay, and the playout buffer.
    for (delay, playout, expected) in
        [(59, 20, 94.2 - 0.024 * 100.0), (239, 40, 94.2 - 0.024 * 300.0 - 0.11 * 122.7)]
    {
        let link = format!("rate = \"1.6mbit\"\ndelay = \"{delay}ms\"");
        let outcome = run(&text(20, &link, &format!("kind = \"voip\", playout = \"{playout}ms\"")), 1);
        let way = datagrams(&outcome);
        assert_eq!((way.sent, way.loss()), (1000, Some(0.0)));
        assert!((way.voice.expect("speech").r - expected).abs() < 1e-6, "{way:?}");
    }
    let outcome = run(&text(400, "delay = \"80ms\"\nloss = \"5%\"", "kind = \"voip\", playout = \"0ms\""), 1);
    let (way, loss) = (datagrams(&outcome), datagrams(&outcome).loss().expect("some"));
    let expected = 94.2 - 0.024 * 100.0 - 30.0 * (1.0 + 15.0 * loss).ln();
    assert!((loss - 0.05).abs() < 0.008 && (way.voice.expect("speech").r - expected).abs() < 1e-6, "{way:?}");
}

#[test]
fn speech_that_comes_after_its_time_is_not_played() {
    let link = "delay = { mean = \"50ms\", jitter = \"10ms\", distribution = \"uniform\", reorder = true }";
    let r = |playout| {
        let outcome = run(&text(200, link, &format!("kind = \"voip\", playout = \"{playout}ms\"")), 1);
        datagrams(&outcome).voice.expect("speech").r
    };
    // Uniform over 20 ms: a buffer of 10 plays half, one of 20 all.
    let half = 94.2 - 0.024 * 70.0 - 30.0 * (1.0f64 + 15.0 * 0.5).ln();
    assert!((r(10) - half).abs() < 1.5, "{} instead of {half}", r(10));
    assert!((r(21) - (94.2 - 0.024 * 81.0)).abs() < 0.1, "{}", r(21));
}

#[test]
fn an_object_on_an_idle_path_takes_the_round_trips_of_slow_start() {
    // Ten segments, then twice as many in each round trip: 1 RTT for the handshake, 1 for the request and the
    // first ten.
    for (segments, rounds) in [(1, 1), (10, 1), (11, 2), (30, 2), (31, 3), (70, 3), (150, 4)] {
        for (connection, trips) in [("new", 1 + rounds), ("kept", rounds)] {
            let app = format!(
                "kind = \"web\", rate = \"0.1/s\", arrivals = \"periodic\", size = \"{}B\", connection = \"{connection}\"",
                segments * 1448
            );
            let outcome = run(
                &text(30, "delay = \"50ms\"", &app)
                    .replace("[link", "[tcp]\nidle_window = \"initial\"\n[link"),
                1,
            );
            assert_eq!(outcome.requests.len(), 3);
            // The first request on a connection that is kept pays for the handshake, too.
            for (n, request) in outcome.requests.iter().enumerate() {
                let trips = trips + u64::from(connection == "kept" && n == 0);
                let took = request.completion.expect("answered").as_nanos();
                assert_eq!(took, trips * 100_000_000, "{segments} segments, {connection}, request {n}");
                assert_eq!(request.bytes, segments * 1448);
            }
        }
    }
}

#[test]
fn slowdown_is_one_where_nothing_but_the_path_takes_time() {
    // A window that holds all, and objects so large that the request's own bytes do not matter.
    let link = "rate = \"10mbit\"\ndelay = \"10ms\"\nqueue = \"10000 packets\"";
    for direction in ["up", "down"] {
        let app = format!("kind = \"web\", rate = \"0.1/s\", size = \"5MB\", direction = \"{direction}\"");
        let text = text(60, link, &app).replace("[link", "[tcp]\ninitial_window = 1000\n[link");
        let outcome = run(&text, 1);
        assert!(!outcome.requests.is_empty());
        for request in &outcome.requests {
            let slowdown = request.slowdown().expect("answered");
            assert!(
                (1.0..1.01).contains(&slowdown) || overlaps(&outcome, request.start.as_nanos()),
                "{direction}: {slowdown}"
            );
        }
    }
}

/// True if another request begins within the five seconds before or behind.
fn overlaps(outcome: &Outcome, start: u64) -> bool {
    let near = outcome.requests.iter().filter(|other| other.start.as_nanos().abs_diff(start) < 5_000_000_000);
    near.count() > 1
}

#[test]
fn requests_that_nobody_answers_are_not_complete() {
    let outcome = run(&text(20, "delay = \"10ms\"\nloss = \"100%\"", "kind = \"web\", rate = \"1/s\""), 1);
    assert!(outcome.requests.len() > 5);
    assert!(outcome.requests.iter().all(|request| request.completion.is_none()));
}

/// Every kind of loss there is, on two links, under a queue of each kind: the world itself asserts at the end that
/// no datagram was gained or lost.
#[test]
fn datagrams_are_conserved() {
    let queues = [
        "\"5 packets\"",
        "{ kind = \"codel\", target = \"1ms\", interval = \"10ms\" }",
        "{ kind = \"fq_codel\", limit = \"20 packets\" }",
        "{ kind = \"pie\", limit = \"30 packets\" }",
        "{ kind = \"red\", limit = \"30 packets\" }",
    ];
    for queue in queues {
        let text = format!(
            "duration = \"6s\"\n[link.a]\nper_client = true\ndelay = {{ mean = \"20ms\", jitter = \"5ms\", reorder = true }}\n\
             loss = \"3%\"\nduplicate = \"5%\"\ncorrupt = \"4%\"\npolicer = {{ rate = \"3mbit\", burst = \"20KiB\" }}\n\
             [link.b]\nrate = \"2mbit\"\ndelay = \"300ms\"\nqueue = {queue}\n{}",
            [
                "kind = \"bulk\"",
                "kind = \"ping\", rate = \"50/s\", size = \"900B\"",
                "kind = \"udp\", rate = \"1500kbit\", arrivals = \"poisson\"",
                "kind = \"udp\", rate = \"1mbit\", direction = \"down\", on_off = { on = \"100ms\", off = \"50ms\" }",
                "kind = \"voip\"",
                "kind = \"web\", rate = \"3/s\", size = { distribution = \"pareto\", mean = \"20kB\" }",
            ]
            .iter()
            .enumerate()
            .map(|(n, app)| format!("[[clients]]\nname = \"g{n}\"\npath = [\"a\", \"b\"]\napp = {{ {app} }}\n"))
            .collect::<String>()
        );
        let outcomes = over_seeds(3, |seed| finish(world(&text, seed)));
        for outcome in outcomes {
            assert_eq!(outcome.datagrams.len(), 3, "{queue}");
            assert!(outcome.datagrams.iter().all(|way| way.delivered <= way.sent && way.delivered > 0));
            assert!(outcome.probes.iter().any(|probe| probe.rtt.is_some()));
            let again = finish(world(&text, 1));
            assert_eq!(again.probes, finish(world(&text, 1)).probes, "{queue}");
        }
    }
}

/// Workloads of any kind with keys of any size, in worlds that any loss visits.
#[test]
fn no_mix_of_workloads_breaks_a_rule_of_the_program() {
    let wanted = std::env::var("WORKLOAD_FUZZ").ok();
    let wanted = wanted.as_deref().and_then(|text| text.split_once(':'));
    let (seed, count) = wanted
        .map_or((1, 60), |(seed, count)| (seed.parse().expect("a seed"), count.parse().expect("a count")));
    println!("WORKLOAD_FUZZ={seed}:{count}");
    let mut rng = Seed(seed).stream("workloads");
    for n in 0..count {
        let text = any_scenario(&mut rng);
        let plan = Plan::parse("any.toml", &text, &[]);
        let plan =
            plan.unwrap_or_else(|error| panic!("number {n} of seed {seed}: {}\n{text}", error.render(false)));
        assert_eq!(plan.cells(), 1);
        let outcome = std::panic::catch_unwind(|| finish(world(&text, n)));
        let outcome = outcome.unwrap_or_else(|_| panic!("number {n} of seed {seed}:\n{text}"));
        let end = scenario(&text).duration.as_nanos();
        assert!(outcome.requests.iter().all(|request| request.start.as_nanos() < end), "{text}");
        assert!(outcome.probes.iter().all(|probe| probe.sent.as_nanos() < end), "{text}");
    }
}

fn any_scenario(rng: &mut Rng) -> String {
    fn one<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
        of[rng.below(of.len() as u64) as usize]
    }
    let delay =
        one(rng, &["delay = \"1us\"", "delay = \"30ms\"", "delay = { mean = \"9ms\", jitter = \"9ms\" }"]);
    let rate = one(
        rng,
        &["", "rate = \"64kbit\"", "rate = \"5mbit\"", "rate = { rate = \"1mbit\", burst = \"8KiB\" }"],
    );
    let loss =
        one(rng, &["", "loss = \"30%\"", "duplicate = \"50%\"", "corrupt = \"20%\"", "loss = \"100%\""]);
    let queue = one(rng, &["", "queue = \"1 packets\"", "queue = { kind = \"codel\" }", "queue = \"3000B\""]);
    let mut text =
        format!("duration = \"2s\"\nwarmup = \"500ms\"\n[link.w]\n{delay}\n{rate}\n{loss}\n{queue}\n");
    for n in 0..=rng.below(3) {
        let way = one(rng, &["up", "down"]);
        let arrivals = one(rng, &["", ", arrivals = \"poisson\"", ", arrivals = \"periodic\""]);
        let pauses = one(
            rng,
            &["", ", on_off = { on = \"1us\", off = \"1us\" }", ", on_off = { on = \"90ms\", off = \"2s\" }"],
        );
        let size = one(rng, &["1B", "500B", "8972B"]);
        let object = one(
            rng,
            &["\"1B\"", "\"3MB\"", "\"web\"", "{ distribution = \"uniform\", min = \"1B\", max = \"9kB\" }"],
        );
        let object = object.replace("\"web\"", "{ distribution = \"web-search\" }");
        let app = match rng.below(5) {
            0 => format!(
                "kind = \"ping\", rate = \"{}\", size = \"{size}\"{arrivals}",
                one(rng, &["1/s", "900/s"])
            ),
            1 => format!(
                "kind = \"udp\", rate = \"200kbit\", size = \"{size}\", direction = \"{way}\"{arrivals}{pauses}"
            ),
            2 => format!("kind = \"voip\", direction = \"{way}\"{pauses}"),
            3 => {
                let kept = one(rng, &["new", "kept"]);
                let bursts = one(rng, &["", ", arrivals = { kind = \"bursts\", size = 9, gap = \"0ms\" }"]);
                format!(
                    "kind = \"web\", rate = \"4/s\", direction = \"{way}\", size = {object}, connection = \"{kept}\"{bursts}"
                )
            }
            _ => format!("kind = \"bulk\", direction = \"{way}\", size = \"40kB\""),
        };
        let count = 1 + rng.below(3);
        text +=
            &format!("[[clients]]\nname = \"g{n}\"\ncount = {count}\npath = [\"w\"]\napp = {{ {app} }}\n");
    }
    text
}
