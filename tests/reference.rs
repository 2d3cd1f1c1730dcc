//! Our TCP beside two others on the same grids: Linux 6.18 and ns-3 (`tests/data/README.md`).
//!
//! A factor is the larger of ours/theirs and theirs/ours. Its median over a table may be 1.07. A
//! single cell may be 0.9 … 1.1 times theirs to 2 % loss and 0.75 … 1.33 times beyond, and both
//! bounds are widened by the spread that the reference itself shows in that cell, because its few
//! runs differ from one another by as much.
//!
//! All tables with more seeds:
//! `cargo test --release --test reference -- --ignored --nocapture`

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use support::{finish, goodput, median, over_seeds, run, scenario};
use testbed::congestion::{Ack, Algorithm, Choice, CongestionController, Loss};
use testbed::link::Verdict;
use testbed::rng::{Rng, Seed};
use testbed::scenario::{Trial, build};
use testbed::time::Instant;
use testbed::wire::Packet;

/// Seeds of each cell in the tests, and in the full tables.
const SEEDS: u64 = 12;
const MANY_SEEDS: u64 = 40;

/// One cell of a reference.
#[derive(Clone, Debug)]
struct Cell {
    rtt_ms: f64,
    loss: f64,
    queue: u64,
    /// Goodput in Mbit/s: median, least and most of its runs.
    theirs: [f64; 3],
}

/// A cell with ours beside it.
struct Row {
    cell: Cell,
    ours: f64,
}

/// Reads a table: column names, then a visit per row.
fn rows(text: &str) -> Vec<BTreeMap<&str, &str>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    lines.map(|line| header.iter().copied().zip(line.split(',')).collect()).collect()
}

fn number(row: &BTreeMap<&str, &str>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("a number under {column}"))
}

/// Linux's cells of a controller; `rate` 0 is the grid that only loss limits.
fn linux(cc: &str, sack: &str, rate: &str) -> Vec<Cell> {
    rows(include_str!("data/kernel_tcp.csv"))
        .iter()
        .filter(|row| (row["cc"], row["sack"], row["rate_mbit"]) == (cc, sack, rate))
        .map(|row| Cell {
            rtt_ms: number(row, "rtt_ms"),
            loss: number(row, "loss"),
            queue: number(row, "queue_pkts") as u64,
            theirs: ["goodput_median", "goodput_min", "goodput_max"].map(|column| number(row, column)),
        })
        .collect()
}

/// ns-3's cells of a controller, seeds joined.
fn ns3(cc: &str) -> Vec<Cell> {
    let rows = rows(include_str!("data/ns3_loss_sweep.csv"));
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

/// The median of our goodput in a cell of Linux's grid.
fn ours_as_linux(cell: &Cell, tcp: &str, seeds: u64) -> f64 {
    let rate = match cell.queue {
        0 => String::new(),
        queue => format!("rate = \"10mbit\"\nqueue = \"{queue} packets\"\n"),
    };
    let text = format!(
        "duration = \"33s\"\nwarmup = \"3s\"\n[record]\ntrials = \"none\"\n[tcp]\n{tcp}\n\
         [link.bottleneck]\n{rate}delay = \"{}us\"\nup = {{ loss = \"{}%\" }}\n\
         [[clients]]\nname = \"bulk\"\npath = [\"bottleneck\"]\napp = {{ kind = \"bulk\" }}\n",
        cell.rtt_ms * 500.0,
        cell.loss * 100.0
    );
    median(&over_seeds(seeds, |seed| goodput(&run(&text, seed), 0)))
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
    let tcp = &settings.0;
    let text = format!(
        "duration = \"60s\"\n[record]\ntrials = \"none\"\n[tcp]\n{tcp}\nmin_rto = \"1s\"\n\
         rto_floor = \"rto\"\ndelayed_ack = {{ segments = 2, timeout = \"200ms\" }}\n\
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
            scenario.groups[0].tcp.congestion = Choice { algorithm, parameters: vec![] };
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

impl Row {
    fn ratio(&self) -> f64 {
        self.ours / self.cell.theirs[0]
    }

    fn factor(&self) -> f64 {
        self.ratio().max(1.0 / self.ratio())
    }

    /// The least and the most that the ratio may be.
    fn bounds(&self) -> (f64, f64) {
        let [middle, least, most] = self.cell.theirs;
        let (low, high) = if self.cell.loss <= 0.02 { (0.9, 1.1) } else { (0.75, 1.33) };
        (low * least / middle, high * most / middle)
    }

    fn is_within(&self) -> bool {
        let (low, high) = self.bounds();
        (low..=high).contains(&self.ratio())
    }
}

/// Compares a grid cell by cell: the table as text, the median factor, and the cells beyond bounds.
fn compare(title: &str, cells: Vec<Cell>, ours: impl Fn(&Cell) -> f64) -> (String, f64, usize) {
    assert!(!cells.is_empty(), "{title} has cells");
    let rows: Vec<Row> = cells.into_iter().map(|cell| Row { ours: ours(&cell), cell }).collect();
    let factor = median(&rows.iter().map(Row::factor).collect::<Vec<_>>());
    let beyond = rows.iter().filter(|row| !row.is_within()).count();
    let mut text = format!("{title}: median factor {factor:.3}, {beyond} cells beyond their bounds\n");
    text.push_str("  rtt   loss   theirs (least … most)      ours   ratio   bounds\n");
    for row in &rows {
        let ([middle, least, most], (low, high)) = (row.cell.theirs, row.bounds());
        let mark = if row.is_within() { "" } else { "  <" };
        let _ = writeln!(
            text,
            "{:5} {:5.1}%  {middle:6.3} ({least:6.3} … {most:6.3})  {:6.3}  {:6.3}   {low:.2} … {high:.2}{mark}",
            row.cell.rtt_ms,
            row.cell.loss * 100.0,
            row.ours,
            row.ratio(),
        );
    }
    (text, factor, beyond)
}

/// Reno with SACK, without, and CUBIC: their names in Linux's table, and ours.
const LINUX: [(&str, &str, &str, &str); 3] = [
    ("Reno with SACK", "reno", "1", "congestion = \"reno\""),
    ("Reno without SACK", "reno", "0", "congestion = \"reno\"\nsack = false"),
    ("CUBIC", "cubic", "1", "congestion = \"cubic\""),
];

/// Our settings for ns-3's controllers.
const NS3: [(&str, &str); 3] = [
    ("TcpNewReno", "congestion = \"reno\"\nbyte_counting = false"),
    ("TcpLinuxReno", "congestion = \"reno\""),
    ("TcpCubic", "congestion = \"cubic\""),
];

/// All grids of Linux with one form of recovery: title, median factor, cells beyond bounds.
fn beside_linux(recovery: &str, seeds: u64) -> Vec<(String, f64, usize)> {
    let mut results = vec![];
    for (name, cc, sack, tcp) in LINUX {
        let tcp = format!("{tcp}\nrecovery = \"{recovery}\"");
        for rate in ["0", "10"] {
            // Without SACK only the grid that loss limits was measured.
            if (sack, rate) == ("0", "10") {
                continue;
            }
            let title = format!("{name}, {rate} Mbit/s, {recovery}, beside Linux");
            let cells = linux(cc, sack, rate);
            let (table, factor, beyond) = compare(&title, cells, |cell| ours_as_linux(cell, &tcp, seeds));
            println!("{table}");
            results.push((title, factor, beyond));
        }
    }
    results
}

#[test]
fn with_rack_ours_is_as_fast_as_linux() {
    for (title, factor, beyond) in beside_linux("rack", SEEDS) {
        assert!(factor <= MEDIAN && beyond == 0, "{title}: {factor}, {beyond} cells beyond; {AGAIN}");
    }
}

/// Without RACK (the default, RFC 6675) a lost retransmission costs a timeout, which shows from 5 %
/// loss on and most at 20 ms, where a timeout is ten round trips: one Reno cell is at 0.72.
#[test]
fn by_default_ours_is_as_fast_as_linux_but_for_one_cell_at_ten_per_cent() {
    for (title, factor, beyond) in beside_linux("sack", SEEDS) {
        let limit = if title.starts_with("CUBIC, 0") { 1.11 } else { MEDIAN };
        assert!(factor <= limit && beyond <= 1, "{title}: {factor}, {beyond} cells beyond; {AGAIN}");
    }
}

#[test]
fn set_like_it_ours_is_as_fast_as_new_reno_of_ns3() {
    let (cc, tcp) = NS3[0];
    let (table, factor, beyond) = compare(cc, ns3(cc), |cell| ours_as_ns3(cell, &as_toml(tcp), SEEDS));
    println!("{table}");
    assert!(factor <= MEDIAN && beyond == 0, "{factor}, {beyond} cells beyond; {AGAIN}");
}

/// The largest median factor: the target of 1.07, and 0.01 for the error of our own dozen seeds.
const MEDIAN: f64 = 1.08;

const AGAIN: &str = "see `cargo test --test reference -- --nocapture`";

#[test]
#[ignore = "all tables with more seeds, for reading"]
fn all_tables() {
    for recovery in ["rack", "sack"] {
        beside_linux(recovery, MANY_SEEDS);
    }
    for (cc, tcp) in NS3 {
        // ns-3 has PRR (RFC 6937) with RFC 6675, which lies between our two.
        for recovery in ["rack", "sack"] {
            let title = format!("{cc} of ns-3, {recovery}");
            let tcp = as_toml(&format!("{tcp}\nrecovery = \"{recovery}\""));
            println!("{}", compare(&title, ns3(cc), |cell| ours_as_ns3(cell, &tcp, MANY_SEEDS)).0);
        }
        if cc == "TcpLinuxReno" {
            let title = "The same with ns-3's count of acknowledged segments";
            println!("{}", compare(title, ns3(cc), |cell| ours_as_ns3(cell, &KEEPING, MANY_SEEDS)).0);
        }
    }
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
