//! The headline figures of a run, read off its files: goodput by direction, fairness, completion
//! times, timeouts, and what the table and the sentences make of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A row by its columns.
type Row = BTreeMap<String, String>;

/// A finished run of a scenario that a test made up.
struct Run {
    dir: TempDir,
    terminal: String,
}

fn testbed(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_testbed")).args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

impl Run {
    fn of(scenario: &str) -> Run {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("made-up.toml");
        std::fs::write(&file, scenario).expect("written");
        let out = dir.path().join("out");
        let output =
            testbed(&["run", &file.to_string_lossy(), "--no-plots", "--out", &out.to_string_lossy()]);
        Run { dir, terminal: String::from_utf8(output.stdout).expect("text") }
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    fn rows(&self, table: impl AsRef<Path>) -> Vec<Row> {
        let path = self.out().join(table);
        let mut reader =
            csv::Reader::from_path(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        reader.deserialize().collect::<Result<_, _>>().expect("rows")
    }
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("no number in {column}: {row:?}"))
}

const LINKS: &str = r#"
[link.access]
per_client = true
delay = "20ms"
[link.neck]
rate = "10mbit"
delay = "5ms"
queue = "1bdp"
"#;

/// A group with a path over both links.
fn group(name: &str, rest: &str) -> String {
    format!("[[clients]]\nname = \"{name}\"\npath = [\"access\", \"neck\"]\n{rest}\n")
}

#[test]
fn goodput_in_each_direction_stays_below_the_link() {
    let run = Run::of(
        &("duration = \"20s\"\nwarmup = \"4s\"\ntrials = 3\n".to_owned()
            + LINKS
            + &group("up", "count = 2\napp = { kind = \"bulk\", direction = \"up\" }")
            + &group("down", "count = 2\napp = { kind = \"bulk\", direction = \"down\" }")
            + &group("talkers", "count = 5\napp = { kind = \"chat\", rate = \"1/s\", size = \"200B\" }")
            + "[sweep]\n\"tcp.congestion\" = [\"cubic\", \"reno\"]\n"),
    );
    let trials = run.rows("trials.csv");
    let sums = |trial: &Row, direction: &str| -> f64 {
        let flows = run.rows("flows.csv").into_iter();
        let of_trial = flows.filter(|flow| {
            flow["cell"] == trial["cell"] && flow["trial"] == trial["trial"] && flow["direction"] == direction
        });
        of_trial.map(|flow| number(&flow, "bytes_delivered")).sum::<f64>() * 8e-6 / 16.0
    };
    assert_eq!(trials.len(), 6);
    for trial in &trials {
        let (up, down) = (number(trial, "goodput_up_mbit"), number(trial, "goodput_down_mbit"));
        // A receive window of 4 MiB could be held back, but at most a queue and a round trip were here.
        assert!(up < 10.2 && down < 10.2, "{trial:?}");
        assert!(up + down > 11.0, "both directions carry bulk data: {trial:?}");
        assert!((number(trial, "goodput_mbit") - up.max(down)).abs() < 1e-9, "{trial:?}");
        assert!(
            (sums(trial, "up") - up).abs() < 1e-5 && (sums(trial, "down") - down).abs() < 1e-5,
            "{trial:?}"
        );
    }
}

#[test]
fn where_each_client_has_its_own_rate_the_bulk_data_is_summed() {
    let text = LINKS.replace("delay = \"20ms\"", "delay = \"20ms\"\nrate = \"3mbit\"");
    let run = Run::of(
        &("duration = \"10s\"\nwarmup = \"2s\"\n".to_owned()
            + &text.replace("rate = \"10mbit\"\n", "").replace("queue = \"1bdp\"\n", "")
            + &group("u", "count = 4\napp = { kind = \"bulk\", direction = \"down\" }")),
    );
    let trial = &run.rows("trials.csv")[0];
    let down = number(trial, "goodput_down_mbit");
    assert!((8.0..12.0).contains(&down), "{trial:?}");
    assert_eq!((number(trial, "goodput_mbit"), number(trial, "goodput_up_mbit")), (down, 0.0));
}

#[test]
fn bytes_are_received_no_faster_than_the_link_lets_them_pass() {
    let run = Run::of(
        &("duration = \"20s\"\nseed = 3\n".to_owned()
            + &LINKS.replace("\"20ms\"", "\"20ms\"\nloss = \"3%\"")
            + &group("u", "count = 2\napp = { kind = \"bulk\" }")),
    );
    let samples = run.rows("series/0/trial-0/flows.csv");
    let mut totals: BTreeMap<u64, [f64; 2]> = BTreeMap::new();
    for row in &samples {
        let at = (number(row, "time_s") * 1000.0) as u64;
        let total = totals.entry(at).or_default();
        total[0] += number(row, "received_bytes");
        total[1] += number(row, "delivered_bytes");
        assert!(number(row, "received_bytes") >= number(row, "delivered_bytes"), "{row:?}");
    }
    // Over any 100 ms, of each of the two counts.
    let most = |which: usize| {
        let rate = |(at, later): (&[f64; 2], &[f64; 2])| (later[which] - at[which]) * 8e-6 / 0.1;
        let pairs = totals.iter().filter_map(|(at, value)| Some((value, totals.get(&(at + 100))?)));
        pairs.map(rate).fold(0.0, f64::max)
    };
    assert!(most(0) < 10.5, "{}", most(0));
    assert!(most(1) > 10.5, "the delivered bytes come in lumps, or this shows nothing: {}", most(1));
}

#[test]
fn timeouts_of_a_syn_count_as_timeouts() {
    let scenario = |duration: &str, warmup: &str| {
        format!(
            "duration = \"{duration}\"\nwarmup = \"{warmup}\"\ntcp.syn_linear_timeouts = 0\ntcp.tick = \"0s\"\n"
        ) + "[link.w]\nrate = \"10mbit\"\ndelay = \"3s\"\n[[clients]]\nname = \"u\"\npath = [\"w\"]\n\
               app = { kind = \"bulk\", size = \"200kB\" }\n"
    };
    // The first SYN leaves at 0 s and is sent again at 1 s and at 3 s. Its answer leaves at 3 s, at 4 s and 6 s for the
    // repeated ones, and at 5 s and 8 s by its own timer; it is here at 6 s.
    for (warmup, expected) in [("0s", 4), ("2s", 3), ("5s", 2), ("10s", 0)] {
        let run = Run::of(&scenario("100s", warmup));
        let flow = &run.rows("flows.csv")[0];
        let from: f64 = warmup.trim_end_matches('s').parse().expect("seconds");
        let events = run.rows("series/0/trial-0/events.csv");
        let events =
            events.iter().filter(|event| event["event"] == "timeout" && number(event, "time_s") >= from);
        assert_eq!(
            (flow["timeouts"].as_str(), events.count()),
            (expected.to_string().as_str(), expected),
            "{warmup}"
        );
    }
}

#[test]
fn finite_transfers_show_their_time_and_groups_their_goodput() {
    let run = Run::of(
        &("duration = \"30s\"\nwarmup = \"2s\"\ntrials = 3\n".to_owned()
            + &LINKS.replace("\"20ms\"", "\"20ms\"\nloss = \"1%\"")
            + &group("mice", "count = 5\napp = { kind = \"bulk\", size = \"50kB\" }")
            + &group("elephant", "app = { kind = \"bulk\" }")),
    );
    for words in ["completion", "mean s", "median s", "goodput elephant"] {
        assert!(run.terminal.contains(words), "no {words}:\n{}", run.terminal);
    }
    assert!(!run.terminal.contains("goodput mice"), "{}", run.terminal);
    let wide = run.terminal.lines().map(|line| line.chars().count()).max();
    assert!(wide <= Some(100), "{}", run.terminal);
    let flows = run.rows("flows.csv");
    for trial in run.rows("trials.csv") {
        let of_mice = flows.iter().filter(|flow| flow["trial"] == trial["trial"] && flow["group"] == "mice");
        let times: Vec<f64> = of_mice.map(|flow| number(flow, "completion_s")).collect();
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        assert!((number(&trial, "completion_mean_s") - mean).abs() < 1e-5, "{trial:?}");
        // One endless flow has no rival, and transfers that end want nothing for most of the time.
        assert_eq!(trial["jain_index"], "");
    }
}

#[test]
fn values_of_an_axis_are_listed_and_compared_from_the_smallest() {
    let run = Run::of(
        &("duration = \"6s\"\nwarmup = \"1s\"\ntrials = 3\n".to_owned()
            + LINKS
            + &group("u", "start_spread = \"500ms\"\napp = { kind = \"bulk\" }")
            + "[sweep]\n\"link.neck.rate\" = [\"20mbit\", \"500kbit\", \"2mbit\"]\n"),
    );
    let cells: Vec<&str> = run
        .terminal
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .filter(|word| word.ends_with("bit"))
        .take(3)
        .collect();
    assert_eq!(cells, ["500kbit", "2mbit", "20mbit"], "{}", run.terminal);
    assert!(run.terminal.contains("With rate 20 Mbit/s instead of 500 kbit/s, goodput rose by a factor of"));
    let compared = testbed(&["compare", &run.out().to_string_lossy()]);
    let compared = String::from_utf8(compared.stdout).expect("text");
    let places = ["500kbit", " 2mbit", "20mbit"].map(|value| compared.find(value).expect("a line"));
    assert!(places.is_sorted(), "{compared}");
}
