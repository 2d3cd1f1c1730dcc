//! Each shipped scenario is run through the program and must show what its `expect` sentence says,
//! with wide margins, since the tests run fewer trials than a student does. A failure prints the table
//! and the command that repeats it.

use std::process::Command;

use serde_json::Value;

/// Words of the program about a run.
pub struct Run {
    cells: Vec<Value>,
    warnings: Vec<String>,
    verdict: Vec<String>,
    claims: Vec<Value>,
    about: String,
}

impl Run {
    /// Runs a shipped scenario with some keys changed.
    pub fn shipped(name: &str, sets: &[&str]) -> Run {
        let run = Run::of(&format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR")), sets);
        assert!(!run.claims.is_empty(), "{name} claims nothing");
        for claim in &run.claims {
            assert_eq!(claim["verdict"], "holds", "{}: {}", run.about, claim["text"]);
        }
        run
    }

    /// Runs a scenario that a test made up.
    pub fn crafted(text: &str) -> Run {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("crafted.toml");
        std::fs::write(&file, text).expect("written");
        Run::of(&file.to_string_lossy(), &[])
    }

    fn of(file: &str, sets: &[&str]) -> Run {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let out = dir.path().join("out");
        let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
        command.args(["run", file, "--no-plots", "--json", "--out"]).arg(&out);
        for set in sets {
            command.args(["--set", set]);
        }
        let output = command.output().expect("the program runs");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(out.join("report.html").exists());
        let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let report = &json["runs"][0]["report"];
        let list = |key: &str| report[key].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let sets: Vec<String> = sets.iter().map(|set| format!("--set '{set}'")).collect();
        Run {
            cells: list("cells"),
            warnings: list("warnings").iter().map(|warning| text(&warning["text"])).collect(),
            claims: list("claims"),
            verdict: list("verdict").iter().map(text).collect(),
            about: format!("testbed run {file} {}\n{}", sets.join(" "), text(&report["table"])),
        }
    }

    /// The mean of a figure in the cell with these values, in the order of the axes.
    #[track_caller]
    pub fn get(&self, values: &[&str], figure: &str) -> f64 {
        let cell = self.cells.iter().find(|cell| {
            let said = cell["values"].as_array().expect("values");
            said.iter().map(|value| value.as_str().expect("text")).eq(values.iter().copied())
        });
        let cell = cell.unwrap_or_else(|| panic!("no cell {values:?}\n{}", self.about));
        let figures = cell["figures"].as_array().expect("figures");
        let found = figures.iter().find(|entry| entry["name"] == figure).expect("a figure");
        found["mean"].as_f64().unwrap_or_else(|| panic!("no {figure} at {values:?}\n{}", self.about))
    }

    /// The mean goodput of a group in such a cell, in Mbit/s.
    #[track_caller]
    pub fn goodput_of(&self, values: &[&str], group: &str) -> f64 {
        let is = |cell: &&Value| cell["values"] == Value::from(values.to_vec());
        let cell = self.cells.iter().find(is).unwrap_or_else(|| panic!("no cell {values:?}\n{}", self.about));
        let groups = cell["groups"].as_array().expect("groups");
        let found = groups.iter().find(|entry| entry["group"] == group).expect("a group");
        found["figures"][0]["mean"].as_f64().expect("goodput")
    }

    /// Asserts that `low ≤ value ≤ high`.
    #[track_caller]
    pub fn within(&self, what: &str, value: f64, low: f64, high: f64) {
        assert!((low..=high).contains(&value), "{what}: {value} is not in {low} … {high}\n{}", self.about);
    }

    /// Asserts that one figure is at least so many times another.
    #[track_caller]
    pub fn times(&self, what: &str, more: f64, less: f64, factor: f64) {
        assert!(more >= factor * less, "{what}: {more} is not {factor} times {less}\n{}", self.about);
    }

    #[track_caller]
    pub fn warns(&self, words: &str) {
        let found = self.warnings.iter().any(|warning| warning.contains(words));
        assert!(found, "no warning of \"{words}\": {:?}\n{}", self.warnings, self.about);
    }

    #[track_caller]
    pub fn does_not_warn(&self, words: &str) {
        let found = self.warnings.iter().any(|warning| warning.contains(words));
        assert!(!found, "a warning of \"{words}\": {:?}\n{}", self.warnings, self.about);
    }
}

#[test]
fn loss10_shows_who_pays_for_a_sender_without_control() {
    let run = Run::shipped("loss10", &["trials=4", "record.trials=none"]);
    let get = |control, loss, figure| run.get(&[control, loss], figure);
    run.within("busy with Reno at 10 %", get("reno", "10%", "utilisation"), 0.1, 0.4);
    run.within("busy with Reno at 0 %", get("reno", "0%", "utilisation"), 0.95, 1.0);
    let goodput = |control, loss| get(control, loss, "goodput_mbit");
    run.times("goodput at 10 %", goodput("none", "10%"), goodput("reno", "10%"), 1.8);
    run.times("goodput at 0 %", goodput("reno", "0%"), goodput("none", "0%"), 1.02);
    for loss in ["0%", "1%", "3%", "10%"] {
        let (none, reno) = (get("none", loss, "retransmits"), get("reno", loss, "retransmits"));
        run.times("retransmits", none, reno, 10.0);
        run.times("p99", get("none", loss, "latency_p99_ms"), get("reno", loss, "latency_p99_ms"), 1.1);
    }
    // That senders without control fill the receive window is what they are for.
    run.does_not_warn("receiver's window");
    let first = "At reno, with loss 10 % instead of 0 %, goodput fell";
    assert!(run.verdict[0].starts_with(first), "{:?}", run.verdict);
    assert!(run.verdict[1].starts_with("At loss 10 %, with reno instead of none"), "{:?}", run.verdict);
}

#[test]
fn cellular_shows_what_a_deep_queue_gives_and_what_it_costs() {
    let run = Run::shipped("cellular", &["trials=3", "record.trials=none"]);
    let get = |queue, control, figure| run.get(&[queue, control], figure);
    for control in ["reno", "cubic"] {
        run.within("busy behind a deep queue", get("droptail", control, "utilisation"), 0.97, 1.0);
        let [deep, short] = ["droptail", "codel"].map(|queue| get(queue, control, "latency_p50_ms"));
        run.within("median behind a deep queue", deep, 200.0, 900.0);
        run.times("median latency", deep, short, 5.0);
    }
    let [reno, cubic] = ["reno", "cubic"].map(|control| get("codel", control, "utilisation"));
    run.within("busy with CoDel", reno, 0.65, 0.9);
    run.times("busy with CUBIC against Reno", cubic, reno, 1.01);
}

#[test]
fn wifi_hides_loss_from_tcp_and_pays_with_delay() {
    let run = Run::shipped("wifi", &["trials=3", "record.trials=none"]);
    let get = |aggregate, retries, figure| run.get(&[aggregate, retries], figure);
    for aggregate in ["1", "8", "32"] {
        run.within("without repeats", get(aggregate, "0", "goodput_mbit"), 0.0, 2.0);
        run.within("pings lost", get(aggregate, "7", "probe_loss"), 0.0, 0.001);
    }
    let [alone, together] = ["1", "32"].map(|aggregate| get(aggregate, "7", "goodput_mbit"));
    run.within("single frames", alone, 31.0, 34.0);
    run.times("goodput of aggregates", together, alone, 2.5);
    run.within("the slowest pings", get("32", "7", "rtt_p99_ms"), 23.0, 40.0);
}

#[test]
fn the_bufferbloat_lab_shows_what_a_large_queue_does_to_a_ping_and_a_page() {
    let run = Run::shipped("labs/fetch-time", &["trials=3", "record.trials=none"]);
    let get = |control, queue, figure| run.get(&[control, queue], figure);
    let [small, large] = ["20 packets", "100 packets"].map(|queue| move |figure| get("reno", queue, figure));
    run.within("ping behind 100 packets", large("rtt_p50_ms"), 350.0, 900.0);
    run.times("ping", large("rtt_p50_ms"), small("rtt_p50_ms"), 3.0);
    run.times("fetch", large("request_mean_ms"), small("request_mean_ms"), 1.4);
    run.within("answered", large("request_loss"), 0.0, 0.0);
    run.times("goodput", 1.1 * small("goodput_mbit"), large("goodput_mbit"), 1.0);
    let managed = get("reno", "{ kind = \"codel\", limit = \"100 packets\" }", "rtt_p50_ms");
    run.times("ping behind CoDel", large("rtt_p50_ms"), managed, 3.0);
    // Round trips a minute: the mean of all but the slowest is near the median.
    run.within("rpm", large("rpm") * large("rtt_p50_ms") / 60_000.0, 0.8, 1.3);
}

#[test]
fn datagrams_alone_have_no_goodput_and_are_not_told_that_nothing_arrived() {
    let run = Run::crafted(
        "duration = \"5s\"\ntrials = 3\n[link.w]\nrate = \"1mbit\"\nloss = \"5%\"\n[[clients]]\nname = \"x\"\n\
         path = [\"w\"]\napp = { kind = \"udp\", rate = \"500kbit\" }\n",
    );
    run.does_not_warn("nothing arrived");
    run.within("loss", run.get(&[], "datagram_loss"), 0.01, 0.12);
    assert!(!run.verdict[0].contains("goodput"), "{:?}", run.verdict);
}

#[test]
fn random_loss_alone_is_won_by_no_control() {
    let run = Run::shipped("random-loss", &["trials=3", "record.trials=none"]);
    let goodput = |control, loss| run.get(&[control, loss], "goodput_mbit");
    for loss in ["0.1%", "0.3%", "1%", "3%", "10%"] {
        run.times("none against Reno", goodput("none", loss), goodput("reno", loss), 3.0);
    }
    run.times("none against Reno at 10 %", goodput("none", "10%"), goodput("reno", "10%"), 8.0);
    // 1/√p: ten times the loss costs √10 = 3.2; beyond, timeouts cost more.
    run.within("0.1 % against 1 %", goodput("reno", "0.1%") / goodput("reno", "1%"), 2.5, 4.2);
    run.times("1 % against 10 %", goodput("reno", "1%"), goodput("reno", "10%"), 4.0);
}

#[test]
fn bursts_cost_less_than_the_same_losses_one_by_one() {
    let run = Run::shipped("burst-loss", &["trials=4", "record.trials=none"]);
    let ge = |p: &str, r: &str| format!("{{ model = \"gilbert-elliott\", p = \"{p}\", r = \"{r}\" }}");
    let goodput = |recovery, loss: &str| run.get(&[recovery, loss], "goodput_mbit");
    let (twos, fives) = (ge("0.2513%", "50%"), ge("0.1005%", "20%"));
    run.times("bursts of two", goodput("sack", &twos), goodput("sack", "0.5%"), 1.2);
    run.times("bursts of five", goodput("sack", &fives), goodput("sack", "0.5%"), 2.0);
    run.times("SACK against NewReno", goodput("sack", &fives), goodput("newreno", &fives), 1.0);
}

#[test]
fn reordering_hurts_where_jitter_alone_does_not_until_duplicates_are_reported() {
    let run = Run::shipped("jitter-reorder", &["trials=4", "record.trials=none"]);
    let get = |reorder, jitter, figure| run.get(&["false", reorder, jitter], figure);
    let goodput = |reorder, jitter| get(reorder, jitter, "goodput_mbit");
    run.times("jitter in order", goodput("false", "10ms"), goodput("false", "0ms"), 0.8);
    run.times("reordering", goodput("false", "10ms"), goodput("true", "10ms"), 1.4);
    let reported = |figure| run.get(&["true", "true", "10ms"], figure);
    run.times("reports", reported("goodput_mbit"), goodput("false", "10ms"), 0.95);
    run.times("repeats", get("true", "10ms", "retransmits"), reported("retransmits"), 10.0);
    run.times("retransmits", get("true", "3ms", "retransmits"), get("false", "3ms", "retransmits"), 15.0);
    run.does_not_warn("nothing random touched them");
}

#[test]
fn collapse_is_prevented_by_reno() {
    let run = Run::shipped("collapse", &["trials=2", "record.trials=none"]);
    let get = |control, count, figure| run.get(&[control, count], figure);
    for count in ["2", "10", "30"] {
        run.within("goodput with Reno", get("reno", count, "goodput_mbit"), 9.0, 11.0);
        let (none, reno) = (get("none", count, "retransmits"), get("reno", count, "retransmits"));
        run.times("retransmits", none, reno, 10.0);
        run.times("p99", get("none", count, "latency_p99_ms"), get("reno", count, "latency_p99_ms"), 1.1);
    }
    let none = |count| get("none", count, "goodput_mbit");
    run.times("2 against 10 far senders", none("2"), none("10"), 1.05);
    run.times("10 against 30 far senders", none("10"), none("30"), 1.1);
}

#[test]
fn a_larger_queue_buys_latency_only_and_a_managed_one_gives_it_back() {
    let run = Run::shipped("bufferbloat", &["trials=2", "record.trials=none"]);
    let get = |kind, limit, figure| run.get(&[kind, limit], figure);
    let full = |limit, figure| get("droptail", limit, figure);
    run.within("goodput", full("32bdp", "goodput_mbit") / full("2bdp", "goodput_mbit"), 0.98, 1.03);
    run.times("median", full("32bdp", "latency_p50_ms"), full("2bdp", "latency_p50_ms"), 8.0);
    run.times("p99", full("32bdp", "latency_p99_ms"), full("2bdp", "latency_p99_ms"), 2.0);
    for kind in ["codel", "fq_codel"] {
        run.times("p99", full("32bdp", "latency_p99_ms"), get(kind, "32bdp", "latency_p99_ms"), 10.0);
        let [managed, deep] = ["8bdp", "32bdp"].map(|limit| get(kind, limit, "latency_p99_ms"));
        run.within("p99 by the limit", deep / managed, 0.95, 1.05);
        let cost = get(kind, "32bdp", "goodput_mbit") / full("32bdp", "goodput_mbit");
        run.within("goodput that is left", cost, 0.85, 0.95);
    }
    let [one, own] = ["codel", "fq_codel"].map(|kind| get(kind, "32bdp", "latency_p99_ms"));
    run.times("a queue of its own", one, own, 1.1);
}

/// Two ways of 20 ms and the message in transmission, twice; of the downloads at most a packet in transmission,
/// and in turn one of each other class.
#[test]
fn a_class_of_its_own_lets_talk_pass_a_download_for_nothing() {
    let run = Run::shipped("qos", &["trials=2", "record.trials=none"]);
    for kind in ["prio", "drr"] {
        run.within("median", run.get(&[kind], "latency_p50_ms"), 40.0, 46.0);
        run.within("p99", run.get(&[kind], "latency_p99_ms"), 40.0, 55.0);
        run.times("p99", run.get(&["droptail"], "latency_p99_ms"), run.get(&[kind], "latency_p99_ms"), 10.0);
        let left = run.get(&[kind], "goodput_mbit") / run.get(&["droptail"], "goodput_mbit");
        run.within("goodput that is left", left, 0.99, 1.01);
    }
}

/// BBR's share of the goodput beside CUBIC on Linux, by the buffer in bandwidth-delay products: means over runs.
fn linux_shares() -> Vec<(String, f64)> {
    let mut shares: Vec<(String, Vec<f64>)> = vec![];
    for line in include_str!("../../docs/data/kernel_bbr_share.csv").lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let (true, Some(share)) = (fields[0] == "share", fields.get(10)) else { continue };
        let share = share.parse().expect("the column share_a");
        match shares.iter_mut().find(|(buffer, _)| buffer == fields[3]) {
            Some((_, known)) => known.push(share),
            None => shares.push((fields[3].to_owned(), vec![share])),
        }
    }
    shares.into_iter().map(|(buffer, all)| (buffer, all.iter().sum::<f64>() / all.len() as f64)).collect()
}

#[test]
fn bbr_takes_a_shallow_buffer_and_leaves_a_deep_one_as_on_linux() {
    let run = Run::shipped("bbr-share", &["record.trials=none"]);
    let share = |queue: &str| {
        let [bbr, cubic] = ["bbr", "cubic"].map(|group| run.goodput_of(&[queue], group));
        bbr / (bbr + cubic)
    };
    let linux = linux_shares();
    assert_eq!(linux.len(), 3, "{linux:?}");
    for (buffer, theirs) in linux {
        let queue = format!("{buffer}bdp");
        run.within(&format!("share at {queue}"), share(&queue), theirs - 0.08, theirs + 0.08);
    }
    let all = ["0.5bdp", "1bdp", "2bdp", "4bdp", "8bdp", "32bdp"].map(share);
    assert!(all.is_sorted_by(|a, b| a > b), "{all:?}\n{}", run.about);
    run.within("the even share", all[2], 0.5, 1.0);
    run.within("the even share", all[4], 0.0, 0.5);
    let retransmits = |queue: &str| run.get(&[queue], "retransmits");
    run.times("again in a shallow buffer", retransmits("0.5bdp"), retransmits("4bdp"), 3.0);
}

#[test]
fn l4s_waits_little_behind_its_own_queue_and_takes_no_more_than_its_share() {
    let run = Run::shipped("l4s", &["record.trials=none"]);
    let share = |queue: &str| {
        let cell = run
            .cells
            .iter()
            .find(|cell| cell["values"][0].as_str().is_some_and(|value| value.contains(queue)));
        let values = cell.expect("a cell")["values"][0].as_str().expect("text");
        run.goodput_of(&[values], "prague") / run.goodput_of(&[values], "cubic")
    };
    run.within("Prague to CUBIC behind two queues", share("dualpi2"), 0.8, 1.25);
    run.within("behind one with CoDel", share("codel"), 5.0, 50.0);
    run.within("behind drop-tail", share("droptail"), 0.5, 2.0);
}

#[test]
fn controllers_that_mind_delay_leave_the_queue_to_a_ping() {
    let run = Run::shipped("controllers", &["record.trials=none"]);
    let ping = |controller: &str| run.get(&[controller], "rtt_p50_ms");
    for quiet in ["vegas", "bbr", "bbr3"] {
        run.within(quiet, ping(quiet), 40.0, 45.0);
    }
    run.within("reno", ping("reno"), 58.0, 68.0);
    run.within("cubic", ping("cubic"), 69.0, 77.0);
    // Neither hears of a queue that marks nothing.
    for deaf in ["dctcp", "prague"] {
        run.within(deaf, ping(deaf) / ping("reno"), 0.95, 1.05);
    }
}

#[test]
fn equal_flows_share_evenly_and_unequal_distances_do_not() {
    let run = Run::shipped("fairness", &["trials=3", "record.trials=none"]);
    let jain = |other, delay| run.get(&[other, delay], "jain_index");
    run.within("equal Reno flows", jain("reno", "0ms"), 0.95, 1.0);
    run.within("Reno beside CUBIC", jain("cubic", "0ms"), 0.93, 1.0);
    run.within("Reno at unequal distances", jain("reno", "40ms"), 0.6, 0.92);
    run.within("CUBIC at the longer one", jain("cubic", "40ms"), 0.95, 1.0);
    run.does_not_warn("nothing random touched them");
}

#[test]
fn a_hundred_people_hear_each_other_soon() {
    let run = Run::shipped("chat-100", &["trials=2", "duration=12s", "record.trials=none"]);
    run.within("median", run.get(&[], "latency_p50_ms"), 50.0, 56.0);
    run.within("p99", run.get(&[], "latency_p99_ms"), 100.0, 500.0);
    let expected = run.get(&[], "deliveries_expected");
    run.within("everything arrives", run.get(&[], "deliveries"), expected, expected);
}

#[test]
fn acknowledgments_of_a_programs_own_fill_a_narrow_link() {
    let run = Run::shipped("reliable-over-tcp", &["trials=2", "record.trials=none"]);
    let cell = |dialect: &str, rate: &str, figure: &str| run.get(&[dialect, rate, "0%"], figure);
    let bytes = cell("reliable", "4mbit", "goodput_mbit") / cell("json-lines", "4mbit", "goodput_mbit");
    run.within("bytes of a message", bytes, 1.24, 1.30);
    let median = |dialect, rate| cell(dialect, rate, "latency_p50_ms");
    run.within("on the wide link", median("reliable", "4mbit") - median("json-lines", "4mbit"), 1.0, 4.0);
    run.within(
        "on the narrow link",
        median("reliable", "0.7mbit") / median("json-lines", "0.7mbit"),
        2.5,
        40.0,
    );
    run.within("room for json-lines", cell("json-lines", "0.7mbit", "utilisation"), 0.7, 0.9);
    run.within("none for reliable", cell("reliable", "0.7mbit", "utilisation"), 0.95, 1.0);
}
