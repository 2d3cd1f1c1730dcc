//! Claims of the reference on pings, datagrams, speech and requests.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use testbed::link::Verdict;
use testbed::rng::Rng;
use testbed::time::Instant;
use testbed::wire::Packet;

use crate::support::{finish, scenario, world};

/// Words of the file, and the test that holds it to them.
pub const CLAIMS: &[(&str, fn())] = &[
    ("#   rate           default \"1/s\"", defaults_of_workloads_are_the_real_ones),
    ("default \"56B\", the data; with its headers (28 bytes) a packet of 84", packets_have_their_sizes),
    ("# default \"1472B\", the data; with its headers (28 bytes) a packet of 1500", packets_have_their_sizes),
    ("speech: 160 bytes of G.711 every 20 ms, in packets of 200", packets_have_their_sizes),
    ("default \"60ms\": each packet is played", defaults_of_workloads_are_the_real_ones),
    ("# default \"10000B\"", defaults_of_workloads_are_the_real_ones),
    ("measured in a data centre (DCTCP, 2010)", super::inner::inner_parts_have_tests_of_their_own),
    ("default 1.5; from 2 down the variance is infinite", defaults_of_workloads_are_the_real_ones),
    ("default \"400B\": the message that asks", defaults_of_workloads_are_the_real_ones),
    ("# default \"1000000B\": all parts together", defaults_of_workloads_are_the_real_ones),
    ("# default \"4s\": media in a chunk", defaults_of_workloads_are_the_real_ones),
    ("by default ten from \"235kbit\" to \"5800kbit\"", defaults_of_workloads_are_the_real_ones),
    ("default \"30s\": media that the player holds", defaults_of_workloads_are_the_real_ones),
    ("default \"4s\": media with which playback begins", defaults_of_workloads_are_the_real_ones),
    ("by the buffer (BBA-0)", super::inner::inner_parts_have_tests_of_their_own),
    ("# default \"0s\": each server is asked later", defaults_of_workloads_are_the_real_ones),
];

/// One group over one link.
fn text(app: &str) -> String {
    format!(
        "duration = \"2s\"\n[link.w]\nrate = \"10mbit\"\ndelay = \"1ms\"\n[[clients]]\nname = \"x\"\npath = [\"w\"]\n\
         app = {{ {app} }}\n"
    )
}

#[test]
pub fn packets_have_their_sizes() {
    for (app, expected) in [
        ("kind = \"ping\"", 84),
        ("kind = \"ping\", size = \"100B\"", 128),
        ("kind = \"udp\", rate = \"1mbit\"", 1500),
        ("kind = \"voip\"", 200),
    ] {
        let sizes = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = Arc::clone(&sizes);
        let mut world = world(&text(app), 1);
        let note = move |_: Instant, packet: &Packet, _: &mut Rng| {
            seen.lock().expect("nobody panicked").insert(packet.size());
            Verdict::Pass
        };
        world.push_impairment(0, Box::new(note));
        let outcome = finish(world);
        assert_eq!(*sizes.lock().expect("nobody panicked"), [expected].into(), "{app}");
        if app.contains("voip") {
            // Two seconds of 20 ms.
            assert_eq!(outcome.datagrams[0].sent, 100);
            assert_eq!(outcome.datagrams[0].bytes, 100 * (160 + 12), "with the header of RTP");
        }
    }
}

#[test]
pub fn defaults_of_workloads_are_the_real_ones() {
    let pareto = "kind = \"web\", rate = \"1/s\", size = { distribution = \"pareto\", mean = \"9kB\"";
    for (silent, said) in [
        ("kind = \"ping\"", "kind = \"ping\", rate = \"1/s\", arrivals = \"periodic\", size = \"56B\""),
        (
            "kind = \"udp\", rate = \"1mbit\"",
            "kind = \"udp\", rate = \"1mbit\", size = \"1472B\", arrivals = \"periodic\", direction = \"up\"",
        ),
        (
            "kind = \"udp\", rate = \"1mbit\", on_off = { on = \"1s\", off = \"2s\" }",
            "kind = \"udp\", rate = \"1mbit\", on_off = { on = \"1s\", off = \"2s\", lengths = \"exponential\" }",
        ),
        ("kind = \"voip\"", "kind = \"voip\", direction = \"up\", playout = \"60ms\""),
        (
            "kind = \"web\", rate = \"1/s\"",
            "kind = \"web\", rate = \"1/s\", arrivals = \"poisson\", size = \"10000B\", direction = \"down\", \
             connection = \"new\", header = \"400B\"",
        ),
        (
            "kind = \"incast\", servers = 4",
            "kind = \"incast\", servers = 4, block = \"1MB\", jitter = \"0s\"",
        ),
        (
            "kind = \"video\"",
            "kind = \"video\", chunk = \"4s\", buffer = \"30s\", startup = \"4s\", rule = \"bba\", ladder = [\"235kbit\", \
             \"375kbit\", \"560kbit\", \"750kbit\", \"1050kbit\", \"1750kbit\", \"2350kbit\", \"3mbit\", \"4300kbit\", \
             \"5800kbit\"]",
        ),
        (&format!("{pareto} }}"), &format!("{pareto}, shape = 1.5 }}")),
    ] {
        assert_eq!(scenario(&text(silent)), scenario(&text(said)), "{said}");
    }
}
