//! Our TCP beside ns-3.44's on the same grid (`docs/data/README.md`). All tables with more seeds:
//! `cargo test --release --test physics ns3 -- --ignored --nocapture`

use std::collections::BTreeMap;

use crate::support::reference::{Cell, compare, number, rows};
use crate::support::{finish, goodput, median, over_seeds, scenario};
use testbed::congestion::{Ack, Algorithm, CongestionController, Loss};
use testbed::link::Verdict;
use testbed::rng::{Rng, Seed};
use testbed::scenario::{Trial, build};
use testbed::time::Instant;
use testbed::wire::Packet;

/// Seeds of each cell in the tests, and in the full tables.
const SEEDS: u64 = 12;
const MANY_SEEDS: u64 = 40;

/// The largest median factor: the target of 1.07, and 0.01 for the error of our own dozen seeds.
const MEDIAN: f64 = 1.08;

const AGAIN: &str = "see `cargo test --test physics ns3 -- --nocapture`";

/// Our settings for ns-3's controllers. Its recovery is RFC 6675 with PRR (RFC 6937), which lies between
/// `sack` and `rack`.
const NS3: [(&str, &str); 3] = [
    ("TcpNewReno", "congestion = \"reno\"\nbyte_counting = false\nrecovery = \"sack\""),
    ("TcpLinuxReno", "congestion = \"reno\"\nrecovery = \"sack\""),
    ("TcpCubic", "congestion = \"cubic\"\nrecovery = \"sack\""),
];

#[test]
fn set_like_it_ours_is_as_fast_as_new_reno_of_ns3() {
    let (cc, tcp) = NS3[0];
    let (table, factor, beyond) = compare(cc, ns3(cc), |cell| ours_as_ns3(cell, &as_toml(tcp), SEEDS));
    println!("{table}");
    assert!(factor <= MEDIAN && beyond == 0, "{factor}, {beyond} cells beyond; {AGAIN}");
}

#[test]
#[ignore = "all tables with more seeds, for reading"]
fn all_tables() {
    for (cc, tcp) in NS3 {
        for recovery in ["rack", "sack"] {
            let title = format!("{cc} of ns-3, {recovery}");
            let tcp = as_toml(&tcp.replace("\"sack\"", &format!("\"{recovery}\"")));
            println!("{}", compare(&title, ns3(cc), |cell| ours_as_ns3(cell, &tcp, MANY_SEEDS)).0);
        }
        if cc == "TcpLinuxReno" {
            let title = "The same with ns-3's count of acknowledged segments";
            println!("{}", compare(title, ns3(cc), |cell| ours_as_ns3(cell, &KEEPING, MANY_SEEDS)).0);
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

/// Lines of `[tcp]`, and a controller that is not in the table.
struct Settings(String, Option<&'static Algorithm>);

static KEEPING: Settings = Settings(String::new(), Some(&KEEPS_COUNT));

fn as_toml(tcp: &str) -> Settings {
    Settings(tcp.to_owned(), None)
}

/// The median of our goodput in a cell of ns-3's grid: loss behind the bottleneck, of large packets
/// only, and the packet in transmission is not in ns-3's queue.
fn ours_as_ns3(cell: &Cell, settings: &Settings, seeds: u64) -> f64 {
    let tcp = if settings.0.is_empty() { "recovery = \"sack\"" } else { &settings.0 };
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
        let mut scenario = scenario(&text);
        if let Some(algorithm) = settings.1 {
            scenario.groups[0].tcp.congestion = algorithm.with_defaults();
        }
        let mut world = build(&scenario, Trial { cell: 0, number: 0, seed: Seed(seed) });
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

/// ns-3's `TcpLinuxReno`: unlike Linux it keeps the count of segments acknowledged towards the next
/// increase over a loss, and adds what the acknowledgment that ends a recovery covers, so that the
/// halved window soon grows by one or two.
#[derive(Debug)]
struct KeepsCount {
    mss: u64,
    cwnd: u64,
    ssthresh: u64,
    bytes: u64,
    count: u64,
    last_of_recovery: u64,
}

static KEEPS_COUNT: Algorithm = Algorithm {
    name: "keeps-count",
    summary: "Reno as ns-3's TcpLinuxReno counts",
    parameters: &[],
    build: |path| {
        let (mss, cwnd) = (path.mss, path.initial_window);
        Box::new(KeepsCount { mss, cwnd, ssthresh: u64::MAX, bytes: 0, count: 0, last_of_recovery: 0 })
    },
};

impl CongestionController for KeepsCount {
    fn cwnd(&self) -> u64 {
        self.cwnd
    }

    fn on_ack(&mut self, ack: &Ack) {
        if !ack.moved {
            return;
        }
        if ack.in_recovery {
            self.last_of_recovery = ack.bytes;
            return;
        }
        if ack.app_limited {
            return;
        }
        let mut bytes = ack.bytes + std::mem::take(&mut self.last_of_recovery);
        if self.cwnd < self.ssthresh {
            let grown = bytes.min(self.ssthresh - self.cwnd);
            self.cwnd += grown;
            bytes -= grown;
            if self.cwnd < self.ssthresh {
                return;
            }
        }
        self.bytes += bytes;
        let window = (self.cwnd / self.mss).max(1);
        if self.count >= window {
            self.count = 0;
            self.cwnd += self.mss;
        }
        self.count += self.bytes / self.mss;
        self.bytes %= self.mss;
        if self.count >= window {
            self.cwnd += self.count / window * self.mss;
            self.count %= window;
        }
    }

    fn on_loss(&mut self, _: &Loss) {
        self.ssthresh = (self.cwnd / 2).max(2 * self.mss);
        self.cwnd = self.ssthresh;
    }

    fn on_timeout(&mut self, loss: &Loss) {
        if loss.new_episode {
            self.ssthresh = (self.cwnd / 2).max(2 * self.mss);
        }
        self.cwnd = self.mss;
    }

    fn ssthresh(&self) -> Option<u64> {
        Some(self.ssthresh)
    }
}

/// ns-3's `TcpLinuxReno` and `TcpCubic` are missed, with medians of 1.26 and 1.18: they are faster than
/// Linux itself with its shorter timeouts (`TcpLinuxReno` at 100 ms and 2 % loss: 1.22 Mbit/s against
/// Linux's 0.85 and Mathis' 1.00). It is the growth of the window, not recovery or timeouts, since
/// `TcpNewReno`, which grows per ACK, is level with ours. Counting as ns-3 does closes two fifths of
/// the distance; the rest is not explained. We stay with Linux.
#[test]
fn ns3s_linux_reno_gains_by_keeping_its_count_over_losses() {
    let cells = ns3("TcpLinuxReno");
    let (table, plain, _) =
        compare("TcpLinuxReno", cells.clone(), |cell| ours_as_ns3(cell, &as_toml(NS3[1].1), SEEDS));
    println!("{table}");
    let (table, kept, _) =
        compare("TcpLinuxReno, count kept", cells, |cell| ours_as_ns3(cell, &KEEPING, SEEDS));
    println!("{table}");
    assert!(kept < 0.95 * plain, "{kept} against {plain}; {AGAIN}");
}
