//! Bulk transfers beside Linux 6.18 (`tests/data/README.md`). All tables with more seeds:
//! `cargo test --release --test physics linux_bulk -- --ignored --nocapture`

use crate::support::reference::{Cell, compare, number, rows};
use crate::support::{goodput, over_seeds, run};

/// Seeds of each cell in the tests, and in the full tables.
const SEEDS: u64 = 20;
const MANY_SEEDS: u64 = 60;

const AGAIN: &str = "see `cargo test --test physics linux_bulk -- --nocapture`";

const UNPACED: &str = include_str!("../data/kernel_tcp_unpaced.csv");
const PACED: &str = include_str!("../data/kernel_tcp.csv");
const TWO_WAY: &str = include_str!("../data/kernel_tcp_twoway.csv");

/// The cells of a table that have these words in these columns.
fn cells(text: &str, chosen: &[(&str, &str)]) -> Vec<Cell> {
    let found = rows(text);
    let found = found.iter().filter(|row| chosen.iter().all(|(column, word)| row[column] == *word));
    let or_zero = |row: &std::collections::BTreeMap<&str, &str>, column| {
        if row.contains_key(column) { number(row, column) } else { 0.0 }
    };
    let cell = |row| Cell {
        rtt_ms: number(row, "rtt_ms"),
        loss: number(row, "loss"),
        ack_loss: or_zero(row, "ack_loss"),
        queue: or_zero(row, "queue_pkts") as u64,
        theirs: ["goodput_median", "goodput_min", "goodput_max"].map(|column| number(row, column)),
    };
    found.map(cell).collect()
}

/// The mean of our goodput in a cell.
fn ours(cell: &Cell, tcp: &str, seeds: u64) -> f64 {
    let rate = match cell.queue {
        0 => String::new(),
        queue => format!("rate = \"10mbit\"\nqueue = \"{queue} packets\"\n"),
    };
    let text = format!(
        "duration = \"33s\"\nwarmup = \"3s\"\n[record]\ntrials = \"none\"\n[tcp]\n{tcp}\n\
         [link.bottleneck]\n{rate}delay = \"{}us\"\nup = {{ loss = \"{}%\" }}\ndown = {{ loss = \"{}%\" }}\n\
         [[clients]]\nname = \"bulk\"\npath = [\"bottleneck\"]\napp = {{ kind = \"bulk\" }}\n",
        cell.rtt_ms * 500.0,
        cell.loss * 100.0,
        cell.ack_loss * 100.0,
    );
    over_seeds(seeds, |seed| goodput(&run(&text, seed), 0)).iter().sum::<f64>() / seeds as f64
}

/// One grid: its name, Linux's cells, our settings, and the largest median factor.
type Grid = (&'static str, Vec<Cell>, String, f64);

fn grids(recovery: &str) -> Vec<Grid> {
    let mut grids = vec![];
    for cc in ["reno", "cubic"] {
        let tcp = format!("congestion = \"{cc}\"\nrecovery = \"{recovery}\"");
        let paced = format!("{tcp}\npacing = true");
        let free = [("cc", cc), ("sack", "1"), ("rate_mbit", "0")];
        let slow = [("cc", cc), ("sack", "1"), ("rate_mbit", "10")];
        let two_way = |pacing| {
            let cells = cells(TWO_WAY, &[("cc", cc), ("pacing", pacing)]);
            cells.into_iter().filter(|cell| cell.ack_loss > 0.0).collect::<Vec<_>>()
        };
        grids.push(("one-way loss", cells(UNPACED, &free), tcp.clone(), 1.06));
        grids.push(("one-way loss, 10 Mbit/s", cells(UNPACED, &slow), tcp.clone(), 1.06));
        grids.push(("two-way loss", two_way("none"), tcp, 1.08));
        grids.push(("one-way loss, paced", cells(PACED, &free), paced.clone(), 1.06));
        grids.push(("two-way loss, paced", two_way("internal"), paced, 1.08));
    }
    grids
}

fn beside_linux(recovery: &str, seeds: u64) -> Vec<(String, f64, f64)> {
    let table = |(name, cells, tcp, limit): Grid| {
        let title = format!("{name}: {}", tcp.replace('\n', ", "));
        let (text, factor, _) = compare(&title, cells, |cell| ours(cell, &tcp, seeds));
        println!("{text}");
        (title, factor, limit)
    };
    grids(recovery).into_iter().map(table).collect()
}

#[test]
fn goodput_is_that_of_linux_paced_and_unpaced() {
    for (title, factor, limit) in beside_linux("rack", SEEDS) {
        assert!(factor <= limit, "{title}: {factor}; {AGAIN}");
    }
}

/// Without SACK recovery is NewReno's (RFC 6582) in both.
#[test]
fn without_sack_goodput_is_that_of_linux() {
    let cells = cells(UNPACED, &[("cc", "reno"), ("sack", "0")]);
    let tcp = "congestion = \"reno\"\nsack = false";
    let (text, factor, _) = compare("Reno without SACK", cells, |cell| ours(cell, tcp, SEEDS));
    println!("{text}");
    assert!(factor <= 1.08, "{factor}; {AGAIN}");
}

#[test]
#[ignore = "all tables with more seeds, for reading"]
fn all_tables() {
    for recovery in ["rack", "sack"] {
        beside_linux(recovery, MANY_SEEDS);
    }
}
