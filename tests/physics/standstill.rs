//! Worlds in which time does not pass, or hardly, end, whatever their events cause; and keys that are said
//! to do nothing do nothing.

use crate::support::scenario;
use testbed::engine::Halt;
use testbed::rng::Seed;
use testbed::scenario::{Scenario, Trial, build};
use testbed::time::{Duration, Instant};

const TRIAL: Trial = Trial { cell: 0, number: 0, seed: Seed(1) };

fn bulk(delay: &str) -> Scenario {
    scenario(&format!(
        "duration = \"1s\"\n[link.a]\ndelay = \"{delay}\"\n[[clients]]\nname = \"x\"\npath = [\"a\"]\n\
         app = {{ kind = \"bulk\" }}\n[record]\ntrials = \"none\"\n"
    ))
}

#[test]
fn a_world_without_time_ends_with_an_error() {
    // A scenario that `check` refuses, built all the same.
    let mut still = bulk("1ms");
    for direction in &mut still.links[0].directions {
        direction.delay.mean = Duration::ZERO;
    }
    let halt = build(&still, TRIAL).run(&mut || true).expect_err("it never ends");
    assert_eq!(halt, Halt::Stuck(Instant::ZERO));
    assert!(halt.to_string().starts_with("time stands still at 0s"), "{halt}");
}

#[test]
fn whoever_asks_a_trial_to_stop_is_heard_within_few_events() {
    let mut asked = 0;
    let mut world = build(&bulk("20us"), TRIAL);
    let halt = world.run(&mut || {
        asked += 1;
        asked < 100
    });
    assert_eq!(halt.expect_err("asked to stop"), Halt::Abandoned);
    // A hundred questions are a hundred thousand events or so, and a small part of the trial.
    assert!(world.packets() < 1_000_000, "{}", world.packets());
    assert!(world.now() < Instant::ZERO + Duration::from_millis(50), "{:?}", world.now());
}

#[test]
fn many_packets_of_one_instant_arrive_in_their_order() {
    // More than a batch arrives at once; each packet is seen, and the trial is what it is without batches.
    let text = "duration = \"2s\"\n[link.a]\ndelay = \"100ms\"\n[tcp]\ncongestion = \"none\"\nmss = 100\n\
                [[clients]]\nname = \"x\"\npath = [\"a\"]\napp = { kind = \"bulk\", size = \"1MB\" }\n";
    let outcome = build(&scenario(text), TRIAL).run(&mut || true).expect("nobody stops it");
    let upload = outcome.flows[0].directions[0].as_ref().expect("an upload");
    assert_eq!((upload.bytes_delivered, upload.retransmits), (1_000_000, 0));
}

#[test]
fn what_is_said_to_change_nothing_changes_nothing() {
    // Pairs of keys of which the first hides what the second says, in a lossy world with chat.
    let text = |more: &str, tcp: &str, link: &str| {
        format!(
            "duration = \"6s\"\n[link.a]\ndelay = \"10ms\"\nrate = \"4mbit\"\nqueue = \"20 packets\"\n\
             up = {{ loss = \"2%\" }}\ndown = {{ loss = \"1%\" }}\n[link.b]\ndelay = \"1ms\"\n{link}\n[tcp]\n{tcp}\n\
             [[clients]]\nname = \"u\"\npath = [\"a\", \"b\"]\n{more}app = {{ kind = \"bulk\" }}\n\
             [[clients]]\nname = \"c\"\ncount = 3\npath = [\"b\"]\ncongestion = \"cubic\"\n\
             app = {{ kind = \"chat\", rate = \"5/s\", to = \"room\", rooms = 3 }}\n"
        )
    };
    let figures = |text: &str| {
        let outcome = crate::support::run(text, 3);
        let messages =
            outcome.messages.as_ref().map(|messages| (messages.deliveries, messages.latency.mean()));
        format!("{:?} {:?} {messages:?} {}", outcome.flows, outcome.links, outcome.events)
    };
    let own = "congestion = \"reno\"\n";
    // Everybody has the controller of [tcp].
    let all = |text: &str| text.replace("congestion = \"cubic\"\n", "");
    for (here, there) in [
        (text(own, "congestion = \"none\"", ""), text(own, "congestion = \"cubic\"", "")),
        (
            text("", "sack = false\nrecovery = \"sack\"", ""),
            text("", "sack = false\nrecovery = \"rack\"", ""),
        ),
        (
            text("", "sack = false\nrecovery = \"newreno\"", ""),
            text("", "sack = false\nrecovery = \"rack\"", ""),
        ),
        (text("", "", "queue = \"7 packets\""), text("", "", "queue = \"900 packets\"")),
        (text("", "", "loss = \"0%\""), text("", "", "loss = { model = \"independent\", chance = \"0%\" }")),
        (text("stagger = \"1s\"\n", "", ""), text("", "", "")),
        (text("", "", "").replace("rooms = 3", "rooms = 30"), text("", "", "")),
        (
            all(&text("", "congestion = \"fixed\"\ninitial_window = 1\nbyte_counting = false", "")),
            all(&text("", "congestion = \"fixed\"", "")),
        ),
        (
            all(&text("", "congestion = \"none\"\ninitial_window = 1\nbyte_counting = false", "")),
            all(&text("", "congestion = \"none\"", "")),
        ),
        (
            text("", "window_scale = false\nreceive_window = \"1MiB\"", ""),
            text("", "window_scale = false\nreceive_window = \"65535B\"", ""),
        ),
    ] {
        assert_eq!(figures(&here), figures(&there), "{here}\n{there}");
    }
}
