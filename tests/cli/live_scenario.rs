//! Scenarios in real time: the same applications on real sockets, the same network between them, the
//! same files; and the figures of virtual time, as far as a busy machine allows.

use std::path::Path;
use std::process::{Command, Output};

const SCENARIO: &str = r#"
title    = "chat beside an upload"
duration = "2500ms"
warmup   = "500ms"
trials   = 1

[link.access]
per_client = true
delay = "20ms"
loss  = "2%"

[link.bottleneck]
rate  = "4mbit"
delay = "5ms"
queue = "1bdp"

[[clients]]
name  = "talkers"
count = 4
path  = ["access"]
app   = { kind = "chat", rate = "10/s", arrivals = "poisson", size = "200B", to = "everyone" }

[[clients]]
name  = "upload"
count = 2
path  = ["access", "bottleneck"]
app   = { kind = "bulk", direction = "up" }

[[clients]]
name  = "download"
path  = ["access", "bottleneck"]
app   = { kind = "bulk", direction = "down", size = "20KB" }
"#;

fn run(dir: &Path, arguments: &[&str]) -> Output {
    let file = dir.join("beside.toml");
    std::fs::write(&file, SCENARIO).expect("a scenario");
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.current_dir(dir).arg("run").arg(&file).args(arguments).output().expect("the program runs")
}

fn read(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The values of a column of a table.
fn column(dir: &Path, table: &str, name: &str) -> Vec<f64> {
    let text = read(dir, table);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let at = reader.headers().expect("a header").iter().position(|column| column == name).expect(name);
    reader.records().map(|row| row.expect("a row")[at].parse().expect("a number")).collect()
}

#[test]
fn real_time_leaves_the_same_files_and_says_first_how_late_it_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = run(dir.path(), &["--live", "--out", "live"]);
    let words = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let live = dir.path().join("live");
    for name in ["summary.csv", "flows.csv", "links.csv", "realised.csv", "latency/0.hgrm", "plots/cwnd.png"]
    {
        assert!(live.join(name).exists(), "{name}");
    }
    let late = read(&live, "lateness.csv");
    assert!(late.starts_with("cell,trial,kind,count,p50_us,p99_us,max_us\n0,0,network,"), "{late}");
    assert!(late.contains("\n0,0,applications,"), "{late}");
    let page = read(&live, "report.html");
    let place = |words: &str| page.find(words).unwrap_or_else(|| panic!("no {words}"));
    assert!(place("How late real time was") < place("What came out"));
    assert!(place("of real time") < place("--live"));
    assert!(words.find("Real time, network").expect("said") < words.find("goodput").expect("a table"));

    // Everybody heard everything, and the small download was done; its stream is whole.
    let sum = |name| column(&live, "trials.csv", name)[0];
    assert!(sum("messages_sent") > 30.0, "{}", sum("messages_sent"));
    assert_eq!(sum("deliveries").to_string(), sum("deliveries_expected").to_string());
    let flows = read(&live, "flows.csv");
    let mut reader = csv::Reader::from_reader(flows.as_bytes());
    let headers = reader.headers().expect("a header").clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let download = rows.iter().find(|row| row.iter().any(|field| field == "download-1")).expect("a download");
    let at = headers.iter().position(|name| name == "completion_s").expect("a column");
    let completion: f64 = download[at].parse().expect("a finished download");
    // Ten segments of 20 KB go at once: at least two round trips with the handshake.
    assert!((0.1..2.5).contains(&completion), "{completion}");

    // Neither kind of time goes on where the other stopped, nor replaces it.
    for arguments in [&["--out", "live", "--resume"], &["--out", "live", "--quiet"]] {
        let out = run(dir.path(), arguments);
        let error = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(1), "{error}");
        assert!(error.contains("--live"), "{error}");
    }
    let out = run(dir.path(), &["--live", "--jobs", "2"]);
    assert_eq!(out.status.code(), Some(2));
}

/// Takes half a minute, and a machine that does nothing else: `.ci/run` asks for it.
#[test]
#[ignore = "needs real time on a quiet machine; cargo test --test cli live_scenario -- --ignored"]
fn real_time_gives_the_figures_of_virtual_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let trials = ["--set", "trials=6", "--set", "duration=5s", "--no-plots"];
    let mut means = Vec::new();
    for (name, live) in [("live", true), ("virtual", false)] {
        let mut arguments = vec!["--out", name];
        arguments.extend(trials);
        arguments.extend(live.then_some("--live"));
        let out = run(dir.path(), &arguments);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        means.push(["goodput_mbit", "latency_p50_ms"].map(|figure| {
            let values = column(&dir.path().join(name), "trials.csv", figure);
            assert_eq!(values.len(), 6);
            values.iter().sum::<f64>() / values.len() as f64
        }));
    }
    let late = read(&dir.path().join("live"), "lateness.csv");
    let latest = column(&dir.path().join("live"), "lateness.csv", "p99_us").into_iter().fold(0.0, f64::max);
    if latest > 5_000.0 {
        // An eighth of the latency that is compared: the machine is measured, not the program.
        eprintln!("skipped: this machine was {latest} us late, which is too busy for real time");
        return;
    }
    let [live, of_model] = means.as_slice() else { unreachable!("two runs") };
    for (live, of_model) in live.iter().zip(of_model) {
        let ratio = live / of_model;
        eprintln!("live {live:.3}, virtual {of_model:.3}: {ratio:.3}");
        assert!((0.9..1.1).contains(&ratio), "live {live} virtual {of_model}\n{late}");
    }
}
