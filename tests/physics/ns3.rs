//! Our TCP beside ns-3.44's on the same grid (`docs/data/README.md`). All tables with more seeds:
//! `cargo test --release --test physics ns3 -- --ignored --nocapture`

use std::collections::BTreeMap;

use crate::support::reference::{Cell, compare, number, rows};
use crate::support::{finish, goodput, median, over_seeds, scenario};
use testbed::link::Verdict;
use testbed::rng::{Rng, Seed};
use testbed::scenario::{Trial, build};
use testbed::time::Instant;
use testbed::wire::Packet;

/// Seeds of each cell in the tests, and in the full tables.
const SEEDS: u64 = 12;
const MANY_SEEDS: u64 = 40;

/// The largest median factor: the target of 1.05, and 0.01 for the error of our own dozen seeds.
const MEDIAN: f64 = 1.06;

const AGAIN: &str = "see `cargo test --test physics ns3 -- --nocapture`";

/// Our settings for ns-3's controllers. `TcpNewReno` grows by a segment of each ACK, has no count that a loss could
/// end, and halves what is in the network.
const NS3: [(&str, &str); 3] = [
    (
        "TcpNewReno",
        "congestion = \"reno\"\nbyte_counting = false\ncarried_growth = false\nreduce_from = \"pipe\"",
    ),
    ("TcpLinuxReno", "congestion = \"reno\""),
    ("TcpCubic", "congestion = \"cubic\""),
];

/// ns-3's recovery is RFC 6675 with PRR (RFC 6937), in which duplicates count twice.
#[test]
fn set_like_it_ours_is_as_fast_as_ns3() {
    for (cc, tcp) in NS3 {
        let (table, factor, beyond) = compare(cc, ns3(cc), |cell| ours_as_ns3(cell, tcp, SEEDS));
        println!("{table}");
        assert!(factor <= MEDIAN && beyond == 0, "{cc}: {factor}, {beyond} cells beyond; {AGAIN}");
    }
}

/// Growth that outlives a loss is what makes `TcpLinuxReno` faster than Linux itself (100 ms and 2 % loss: 1.22 Mbit/s
/// beside Linux's 0.85 and Mathis' 1.00).
#[test]
fn growth_that_outlives_a_loss_makes_a_fifth_of_ns3s_linux_reno() {
    let place = |cell: &Cell| (cell.rtt_ms as u64, (cell.loss * 1e3).round() as u64);
    let cell = ns3("TcpLinuxReno").into_iter().find(|cell| place(cell) == (100, 20));
    let cell = cell.expect("a cell of the grid");
    let [with, without] = ["true", "false"].map(|carried| {
        ours_as_ns3(&cell, &format!("congestion = \"reno\"\ncarried_growth = {carried}"), SEEDS)
    });
    assert!(without < 0.85 * with, "{without} without, {with} with it");
}

#[test]
#[ignore = "all tables with more seeds, for reading"]
fn all_tables() {
    for (cc, tcp) in NS3 {
        for recovery in ["rack", "sack"] {
            let title = format!("{cc} of ns-3, {recovery}");
            let tcp = format!("{tcp}\nrecovery = \"{recovery}\"");
            println!("{}", compare(&title, ns3(cc), |cell| ours_as_ns3(cell, &tcp, MANY_SEEDS)).0);
        }
    }
}

/// ns-3's cells of a controller, seeds joined.
fn ns3(cc: &str) -> Vec<Cell> {
    let rows = rows(include_str!("../../docs/data/ns3_loss_sweep.csv"));
    let mut cells: BTreeMap<(u64, String), Vec<&BTreeMap<&str, &str>>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row["cc"] == cc) {
        cells.entry((number(row, "rtt_ms") as u64, row["loss"].to_owned())).or_default().push(row);
    }
    let cell = |seeds: &Vec<&BTreeMap<&str, &str>>| {
        let mut goodputs: Vec<f64> = seeds.iter().map(|row| number(row, "goodput_mbit")).collect();
        goodputs.sort_by(f64::total_cmp);
        Cell {
            rtt_ms: number(seeds[0], "rtt_ms"),
            loss: number(seeds[0], "loss"),
            queue: number(seeds[0], "queue_pkts") as u64,
            theirs: [median(&goodputs), goodputs[0], goodputs[goodputs.len() - 1]],
        }
    };
    cells.values().map(cell).collect()
}

/// The median of our goodput in a cell of ns-3's grid: loss behind the bottleneck, of large packets
/// only, and the packet in transmission is not in ns-3's queue.
fn ours_as_ns3(cell: &Cell, tcp: &str, seeds: u64) -> f64 {
    let text = format!(
        "duration = \"60s\"\n[record]\ntrials = \"none\"\n[tcp]\n{tcp}\nprofile = \"ns3\"\n\
         [link.bottleneck]\nrate = \"10mbit\"\nqueue = \"{} packets\"\ndelay = \"{}us\"\n\
         [link.receiver]\n\
         [[clients]]\nname = \"bulk\"\npath = [\"bottleneck\", \"receiver\"]\napp = {{ kind = \"bulk\" }}\n",
        cell.queue + 1,
        cell.rtt_ms * 500.0,
    );
    let loss = cell.loss;
    let trial = |seed| {
        let mut world = build(&scenario(&text), Trial { cell: 0, number: 0, seed: Seed(seed) });
        let spare_small = move |_: Instant, packet: &Packet, rng: &mut Rng| {
            let lost = rng.uniform() < loss;
            if lost && packet.size() >= 100 { Verdict::Drop } else { Verdict::Pass }
        };
        // The third direction is the second link's upward one.
        world.push_impairment(2, Box::new(spare_small));
        goodput(&finish(world), 0)
    };
    median(&over_seeds(seeds, trial))
}
