//! `testbed validate`: our TCP beside Linux and ns-3. The tables: `testbed validate`.

use std::collections::BTreeMap;

use crate::program::testbed;

/// Largest median factor of goodput of a grid: what was reached, and the error of twenty trials.
const MEDIANS: [(&str, f64); 16] = [
    ("reno", 1.06),
    ("cubic", 1.07),
    ("reno-10mbit", 1.04),
    ("cubic-10mbit", 1.04),
    ("reno-no-sack", 1.08),
    ("reno-twoway", 1.08),
    ("cubic-twoway", 1.08),
    ("reno-paced", 1.06),
    ("cubic-paced", 1.06),
    ("reno-paced-twoway", 1.08),
    ("cubic-paced-twoway", 1.08),
    ("again", 1.06),
    ("round-trips", 1.05),
    ("bbr", 1.03),
    ("bbr-share", 1.15),
    ("ns3-newreno", 1.08),
];

#[test]
fn our_tcp_is_that_of_linux_and_of_ns3() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let csv = dir.path().join("validation.csv");
    // The 100 Mbit/s of the last grid of BBR would take minutes here.
    let mut command = testbed(&["validate", "--quiet", "--csv"]);
    let grids = MEDIANS.map(|(grid, _)| grid);
    command.arg(&csv).args(grids).args(["reno-sawtooth", "cubic-sawtooth"]);
    let run = command.output().expect("it runs");
    // 99: some cells are beyond their bounds, which docs/validation.md says.
    assert!(matches!(run.status.code(), Some(0 | 99)), "{run:?}");
    println!("{}", String::from_utf8_lossy(&run.stdout));
    let rows = rows(&csv);
    for (grid, limit) in MEDIANS {
        let of_grid = rows.iter().filter(|row| row["grid"] == grid);
        let mut factors: Vec<f64> = of_grid
            .filter(|row| ["goodput_mbit", "share_of_bbr"].contains(&row["figure"].as_str()))
            .map(|row| row["ratio"].parse().expect("a number"))
            .map(|ratio: f64| ratio.max(1.0 / ratio))
            .collect();
        factors.sort_by(f64::total_cmp);
        assert!(factors.len() >= 3, "{grid} has cells");
        let median = factors[factors.len() / 2];
        assert!(median <= limit, "{grid}: {median}");
    }
    // Peak, trough and periods within 5 %.
    let mut sawtooth = rows.iter().filter(|row| row["grid"].ends_with("-sawtooth"));
    assert!(sawtooth.all(|row| row["verdict"] == "within"), "{:?}", sawtooth.collect::<Vec<_>>());
    // BBR in each cell, by goodput, window and round trip; the last misses its 10 % in two.
    for row in rows.iter().filter(|row| row["grid"] == "bbr") {
        let ratio: f64 = row["ratio"].parse().expect("a number");
        let bound = if row["figure"] == "srtt_mean_ms" { 0.14 } else { 0.10 };
        assert!((ratio - 1.0).abs() <= bound, "{row:?}");
    }
}

/// Messages and short transfers: medians within 5 %, the late ones within 15 % as far as fewer of them can tell.
#[test]
fn waits_are_those_of_linux() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let csv = dir.path().join("waits.csv");
    let grids = ["messages", "messages-twoway", "transfers", "transfers-all", "last-segment"];
    let mut command = testbed(&["validate", "--quiet", "--trials", "4", "--csv"]);
    let run = command.arg(&csv).args(grids).output().expect("it runs");
    println!("{}", String::from_utf8_lossy(&run.stdout));
    assert!(matches!(run.status.code(), Some(0 | 99)), "{run:?}");
    for grid in grids {
        let rows: Vec<_> = rows(&csv).into_iter().filter(|row| row["grid"] == grid).collect();
        assert!(rows.len() >= 12, "{grid} has cells");
        let beyond: Vec<_> = rows.iter().filter(|row| row["verdict"] == "beyond").collect();
        assert!(beyond.len() <= rows.len() / 20, "{grid}: {beyond:#?}");
        let certain = |row: &BTreeMap<String, String>| row["figure"] != "wait_p99_ms";
        let undecided: Vec<_> =
            rows.iter().filter(|row| certain(row) && row["verdict"] != "within").collect();
        assert!(undecided.len() <= rows.len() / 10, "{grid}: {undecided:#?}");
    }
}

fn rows(csv: &std::path::Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(csv).expect("a table");
    reader.deserialize().collect::<Result<_, _>>().expect("whole rows")
}

#[test]
fn an_unknown_grid_is_refused_with_the_known_ones() {
    let run = testbed(&["validate", "vegas"]).output().expect("it runs");
    let error = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(2), "{error}");
    assert!(error.contains("no grid \"vegas\"") && error.contains("bbr-share"), "{error}");
}

#[test]
fn ratios_are_drawn_a_row_for_each_figure_and_a_dot_for_each_cell() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| dir.path().join(name);
    let mut command =
        testbed(&["validate", "reno-sawtooth", "last-segment", "--quiet", "--trials", "2", "--csv"]);
    let run = command.arg(at("a.csv")).arg("--plot").arg(at("a.svg")).output().expect("it runs");
    assert!(matches!(run.status.code(), Some(0 | 99)), "{run:?}");
    let svg = std::fs::read_to_string(at("a.svg")).expect("a picture");
    let rows = rows(&at("a.csv"));
    let count = |verdict: &str| rows.iter().filter(|row| row["verdict"] == verdict).count();
    for (words, verdict) in [
        ("within its bounds", "within"),
        ("outside by no more than chance", "undecided"),
        ("beyond its bounds", "beyond"),
    ] {
        assert!(svg.contains(&format!("{words}: {}\n", count(verdict))), "{verdict}: {svg}");
    }
    // A marker for each, and three of the legend.
    let markers = svg.lines().filter(|line| line.starts_with("<polygon")).count();
    assert_eq!(markers, rows.len() + 3);
    for row in ["reno-sawtooth: peak_segments", "last-segment: "] {
        assert!(svg.contains(row), "{row}");
    }
    let run = testbed(&["validate", "reno", "--plot", "a.gif"]).output().expect("it runs");
    let error = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(2), "{error}");
    assert!(error.contains("no name of a picture") && error.contains(".svg, .png or .pdf"), "{error}");
}
