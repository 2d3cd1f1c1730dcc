//! Captures of packets, as users ask for them and get them.

#![cfg(unix)]

use std::fs;

use crate::verify::said;

const LAB: &str = "duration = \"2s\"\n[link.wire]\ndelay = \"5ms\"\nrate = \"5mbit\"\nloss = \"2%\"\n\
    [[clients]]\nname = \"bulk\"\ncount = 2\npath = [\"wire\"]\napp = { kind = \"bulk\" }\n";

/// A temporary folder with `lab.toml`.
fn lab() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("lab.toml"), LAB).expect("written");
    dir
}

#[test]
fn captures_change_no_figure_and_are_the_same_each_time() {
    let dir = lab();
    said(dir.path(), &["run", "lab.toml", "-q", "--out", "plain"], 0);
    let points = ["--pcap", "bulk-1", "--pcap", "bulk-*", "--pcap", "bulk-2@server", "--pcap", "link.wire"];
    for out in ["a", "b"] {
        let words = [&["run", "lab.toml", "-q", "--no-plots", "--out", out][..], &points].concat();
        said(dir.path(), &words, 0);
    }
    let read = |name: &str| fs::read(dir.path().join(name)).expect("a file");
    for table in ["flows.csv", "links.csv", "series/0/trial-0/flows.csv"] {
        assert!(read(&format!("plain/{table}")) == read(&format!("a/{table}")), "{table}");
    }
    for file in ["bulk-1", "bulk-all", "bulk-2@server", "link.wire"] {
        let name = format!("captures/0/trial-0/{file}.pcapng");
        let capture = read(&format!("a/{name}"));
        assert_eq!(capture[..4], [0x0a, 0x0d, 0x0d, 0x0a], "{file}");
        assert!(capture == read(&format!("b/{name}")), "{file}");
    }
    // Two flows are in one file, and one in that of its own.
    let len = |file: &str| read(&format!("a/captures/0/trial-0/{file}.pcapng")).len();
    assert!(len("bulk-all") > len("bulk-1") + 100_000);
}

#[test]
fn a_capture_that_was_changed_or_lost_is_found_and_made_again() {
    let dir = lab();
    let run = ["run", "lab.toml", "-q", "--no-plots", "--out", "a", "--pcap", "bulk-1"];
    said(dir.path(), &run, 0);
    said(dir.path(), &["verify", "a"], 0);
    let path = dir.path().join("a/captures/0/trial-0/bulk-1.pcapng");
    let whole = fs::read(&path).expect("a capture");
    let mut forged = whole.clone();
    let middle = forged.len() / 2;
    forged[middle] ^= 1;
    fs::write(&path, &forged).expect("written");
    let text = said(dir.path(), &["verify", "a"], 99);
    assert!(text.contains("bulk-1.pcapng"), "{text}");
    fs::remove_file(&path).expect("removed");
    said(dir.path(), &[&run[..], &["--resume"]].concat(), 0);
    assert!(fs::read(&path).expect("made again") == whole);
}

#[test]
fn a_capture_ends_at_its_limit_and_says_so() {
    let dir = lab();
    let words =
        ["run", "lab.toml", "--no-plots", "--pcap", "bulk-1", "--set", "record.pcap_limit=\"100KiB\""];
    let text = said(dir.path(), &words, 0);
    let file = dir.path().join("results/lab/captures/0/trial-0/bulk-1.pcapng");
    let len = fs::metadata(file).expect("a capture").len();
    assert!((98_000..103_000).contains(&len), "{len}");
    let told = "the captures of cell 0, trial 0 end early: bulk-1 lacks";
    assert!(text.contains(told) && text.contains("record.pcap_limit"), "{text}");
}

#[test]
fn captures_of_no_trial_are_said_to_be_none() {
    let dir = lab();
    let words = ["check", "lab.toml", "--set", "record.pcap=[\"bulk-1\"]", "--set", "record.trials=none"];
    let text = said(dir.path(), &words, 0);
    assert!(text.contains("captures nothing") && text.contains("to \"first\""), "{text}");
}

#[test]
fn a_point_that_is_not_there_is_refused_with_the_nearest() {
    let dir = lab();
    let text = said(dir.path(), &["run", "lab.toml", "--pcap", "blk-1"], 2);
    assert!(text.contains("no flow or link \"blk-1\"") && text.contains("did you mean `bulk-1`"), "{text}");
    let text = said(dir.path(), &["run", "lab.toml", "--live", "--set", "record.pcap=[\"bulk-1\"]"], 2);
    assert!(text.contains("captures are of virtual time"), "{text}");
}

/// Records of a JSON text sequence (RFC 7464): the header, then events with their times.
fn records(path: &std::path::Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(text.starts_with('\u{1e}') && text.ends_with('\n'), "{}", path.display());
    let records = text.split('\u{1e}').skip(1);
    records
        .map(|record| serde_json::from_str(record).unwrap_or_else(|error| panic!("{error}: {record}")))
        .collect()
}

#[test]
fn a_qlog_counts_what_the_table_of_flows_counts() {
    let dir = lab();
    let sets = ["--set", "link.wire.loss=4%", "--set", "duration=8s", "--set", "record.flows=[\"bulk-1\"]"];
    said(dir.path(), &[&["run", "lab.toml", "-q", "--out", "plain", "--no-plots"][..], &sets].concat(), 0);
    said(
        dir.path(),
        &[&["run", "lab.toml", "-q", "--out", "a", "--no-plots", "--qlog"][..], &sets].concat(),
        0,
    );
    let read = |name: &str| fs::read(dir.path().join(name)).expect("a file");
    assert!(read("plain/flows.csv") == read("a/flows.csv"), "it changes no figure");
    let folder = dir.path().join("a/qlog/0/trial-0");
    let files = fs::read_dir(&folder).expect("a folder").flatten();
    let mut files: Vec<_> = files.map(|entry| entry.file_name()).collect();
    files.sort();
    // The server sends no data, but its SYN-ACK was lost.
    assert_eq!(files, ["bulk-1.sqlog", "bulk-1@server.sqlog"], "the chosen flow");
    let all = records(&folder.join("bulk-1.sqlog"));
    let (header, events) = all.split_first().expect("a header");
    assert_eq!(header["file_schema"], "urn:ietf:params:qlog:file:sequential");
    assert_eq!(header["serialization_format"], "application/qlog+json-seq");
    assert!(
        header["description"].as_str().is_some_and(|text| text.contains("qlog-main-schema-13")),
        "{header}"
    );
    assert_eq!(header["trace"]["vantage_point"]["type"], "client");
    let times: Vec<f64> = events.iter().map(|event| event["time"].as_f64().expect("a time")).collect();
    assert!(
        times.is_sorted() && times.last().is_some_and(|last| (7_000.0..8_000.1).contains(last)),
        "{times:?}"
    );
    let count = |name: &str, holds: &dyn Fn(&serde_json::Value) -> bool| {
        events.iter().filter(|event| event["name"] == name && holds(&event["data"])).count().to_string()
    };
    let expired = |data: &serde_json::Value| data["event_type"] == "expired";
    let server = records(&folder.join("bulk-1@server.sqlog"));
    let at_server = server.iter().filter(|event| expired(&event["data"])).count();
    let at_client: usize = count("tcp:timer_updated", &expired).parse().expect("a number");
    let counts = [
        ("retransmits", count("tcp:packet_lost", &|_| true)),
        ("timeouts", (at_client + at_server).to_string()),
        ("recovery_episodes", count("tcp:sender_event", &|data| data["event"] == "fast_retransmit")),
    ];
    let mut table = csv::Reader::from_path(dir.path().join("a/flows.csv")).expect("a table");
    let header = table.headers().expect("a header").clone();
    let row = table.records().flatten().find(|row| row.iter().any(|field| field == "bulk-1")).expect("a row");
    for (column, counted) in counts {
        let place = header.iter().position(|name| name == column).expect("a column");
        assert_eq!(row[place], counted, "{column}");
        assert_ne!(counted, "0", "{column}: nothing to count");
    }
    // Windows and states are those of the series.
    assert!(count("tcp:recovery_metrics_updated", &|data| data["congestion_window"].is_u64()) != "0");
    assert!(count("tcp:congestion_state_updated", &|data| data["new"] == "recovery") != "0");
}

#[test]
fn a_lost_syn_is_in_a_qlog_as_itself_behind_its_timer() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let text = "duration = \"3s\"\ntcp.tick = \"0s\"\n[link.wire]\ndelay = \"10ms\"\nloss = \"100%\"\n\
                kind = { law = \"step\", period = \"700ms\", loss = \"0%\" }\n\
                [[clients]]\nname = \"bulk\"\npath = [\"wire\"]\napp = { kind = \"bulk\", size = \"9KB\" }\n";
    fs::write(dir.path().join("syn.toml"), text).expect("written");
    said(dir.path(), &["run", "syn.toml", "-q", "--out", "a", "--no-plots", "--qlog"], 0);
    let all = records(&dir.path().join("a/qlog/0/trial-0/bulk-1.sqlog"));
    let events: Vec<(&str, f64)> = all[1..]
        .iter()
        .map(|event| (event["name"].as_str().unwrap_or_default(), event["time"].as_f64().unwrap_or_default()))
        .filter(|(name, _)| ["tcp:timer_updated", "tcp:packet_lost"].contains(name))
        .collect();
    // Each lost segment is sent again a second later, however many get lost.
    for (pair, at) in events.chunks(2).zip([1000.0, 2000.0, 3000.0]) {
        assert_eq!(pair, [("tcp:timer_updated", at), ("tcp:packet_lost", at)], "{events:?}");
    }
    assert!(!events.is_empty());
    let lost = all.iter().find(|event| event["name"] == "tcp:packet_lost").expect("one");
    assert_eq!((&lost["data"]["header"]["length"], &lost["data"]["trigger"]), (&0.into(), &"timeout".into()));
}

#[test]
fn a_qlog_is_a_file_of_the_run_like_any_other() {
    let dir = lab();
    let run = ["run", "lab.toml", "-q", "--no-plots", "--out", "a", "--qlog"];
    said(dir.path(), &run, 0);
    said(dir.path(), &["verify", "a"], 0);
    let path = dir.path().join("a/qlog/0/trial-0/bulk-2.sqlog");
    let whole = fs::read(&path).expect("a qlog");
    fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    let text = said(dir.path(), &["verify", "a"], 99);
    assert!(text.contains("qlog/0/trial-0/bulk-2.sqlog"), "{text}");
    fs::remove_file(&path).expect("removed");
    said(dir.path(), &[&run[..], &["--resume"]].concat(), 0);
    assert!(fs::read(&path).expect("made again") == whole);
    let small = ["--force", "--set", "record.pcap_limit=\"20KiB\""];
    let text = said(dir.path(), &[&run[..2], &["--no-plots", "--qlog", "--out", "a"], &small].concat(), 0);
    assert!(text.contains("bulk-1 lacks") && text.contains("events"), "{text}");
    assert!(records(&path).len() > 10, "whole records only");
    let text = said(dir.path(), &["run", "lab.toml", "--qlog", "--set", "record.flows=[\"link.wire\"]"], 2);
    assert!(text.contains("\"link.wire\" is no flow") && text.contains("upload-*"), "{text}");
}

#[test]
fn a_time_sequence_graph_marks_each_segment_that_was_sent_again() {
    let dir = lab();
    said(dir.path(), &["run", "lab.toml", "-q", "--no-plots", "--pcap", "bulk-*", "--out", "a"], 0);
    let plot = ["plot", "a", "--figure", "time-sequence", "--flows", "bulk-2", "--out", "ts.svg"];
    let draw = |more: &[&str]| {
        said(dir.path(), &[&plot[..], more].concat(), 0);
        fs::read_to_string(dir.path().join("ts.svg")).expect("a drawing")
    };
    let svg = draw(&["--from", "0s", "--to", "2s"]);
    for label in ["acknowledged (ACK)", "reported by SACK", "sent again", "sequence number (kB)"] {
        assert!(svg.contains(label), "{label}");
    }
    // The legend has a mark, too.
    let marks = svg.lines().filter(|line| line.contains("<polygon") && line.contains("#D55E00")).count() - 1;
    let flows = fs::read_to_string(dir.path().join("a/flows.csv")).expect("a table");
    let head: Vec<&str> = flows.lines().next().expect("a heading").split(',').collect();
    let column = |name: &str| head.iter().position(|head| *head == name).expect("a column");
    let row = flows.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let mut row = row.filter(|row| row[column("flow")] == "bulk-2" && row[column("direction")] == "up");
    let resent: usize = row.next().expect("a row")[column("retransmits")].parse().expect("a number");
    assert!(resent > 5 && marks == resent, "{marks} marks, {resent} segments");
    // Without a span of time some of it is shown, and says so.
    assert!(draw(&[]).contains("240 segments around the first that was sent again"));
}

#[test]
fn a_time_sequence_graph_without_a_capture_is_refused_with_the_mend() {
    let dir = lab();
    said(dir.path(), &["run", "lab.toml", "-q", "--no-plots", "--out", "plain"], 0);
    let plot = |out: &str, more: &[&str]| {
        said(dir.path(), &[&["plot", out, "--figure", "time-sequence"][..], more].concat(), 2)
    };
    let text = plot("plain", &[]);
    assert!(text.contains("these cells have none") && text.contains("--pcap bulk-1"), "{text}");
    let link =
        ["run", "lab.toml", "-q", "--no-plots", "--out", "a", "--pcap", "link.wire", "--pcap", "bulk-1"];
    said(dir.path(), &link, 0);
    let text = plot("a", &["--flows", "bulk-2"]);
    assert!(
        text.contains("no capture of cell 0 has data of \"bulk-2\"") && text.contains("are bulk-1;"),
        "{text}"
    );
    // A capture that somebody cut is an error with its place.
    let path = dir.path().join("a/captures/0/trial-0/bulk-1.pcapng");
    let bytes = fs::read(&path).expect("a capture");
    fs::write(&path, &bytes[..bytes.len() - 7]).expect("written");
    let text = said(dir.path(), &["plot", "a", "--figure", "time-sequence", "--force"], 1);
    assert!(text.contains("bulk-1.pcapng") && text.contains("does not end within the file"), "{text}");
}
