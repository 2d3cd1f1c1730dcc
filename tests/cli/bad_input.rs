//! Bad scenarios and arguments: each is explained with its place.

use std::process::Output;

use crate::commands::{SOUND, err, folder, testbed};

/// Content of the file, and the words that the error must have.
const BAD: &[(&str, &str, &str)] = &[
    ("zero duration", "duration = \"0s\"", "duration"),
    ("negative duration", "duration = \"-3s\"", "duration"),
    ("overflowing duration", "duration = \"99999999999999h\"", "duration"),
    ("no unit", "duration = 3", "duration"),
    ("a bell in the title", "duration = \"2s\"\ntitle = \"ding \\u0007\"", "control character"),
    ("a title of two lines", "duration = \"2s\"\ntitle = \"one\\ntwo\"", "one line"),
    ("warm-up as long as the trial", "duration = \"2s\"\nwarmup = \"2s\"", "warmup"),
    ("no trials", "duration = \"2s\"\ntrials = 0", "trials"),
    ("unknown key", "durration = \"2s\"\nduration = \"2s\"", "duration"),
    (
        "a controller in Python",
        "duration = \"2s\"\ntcp.congestion = \"python:my_cc.py:Aimd\"",
        "pip install ./python",
    ),
    ("small MSS", "duration = \"2s\"\ntcp.mss = 63", "64"),
    ("large MSS", "duration = \"2s\"\ntcp.mss = 9001", "9000"),
    ("empty axis", "duration = \"2s\"\nsweep = { \"tcp.mss\" = [] }", "tcp.mss"),
    ("axis of nothing", "duration = \"2s\"\nsweep = { \"tcp.mass\" = [1000] }", "tcp.mass"),
    (
        "a million and one cells",
        "duration = \"2s\"\nsweep = { seed = [1,2,3,4,5,6,7,8,9,10,11], trials = [1,2,3,4,5,6,7,8,9,10,11], \"tcp.mss\" = [100,200,300,400,500,600,700,800,900,1000,1100], \"tcp.initial_window\" = [1,2,3,4,5,6,7,8,9,10,11], \"link.wire.loss\" = [\"0%\",\"1%\",\"2%\",\"3%\",\"4%\",\"5%\",\"6%\",\"7%\",\"8%\",\"9%\",\"10%\"], \"link.wire.delay\" = [\"1ms\",\"2ms\",\"3ms\",\"4ms\",\"5ms\",\"6ms\",\"7ms\",\"8ms\",\"9ms\",\"10ms\",\"11ms\"] }",
        "cells",
    ),
];

/// Text in place of a line of the sound file.
const BAD_LINES: &[(&str, &str, &str)] = &[
    ("delay = \"5ms\"", "delay = \"5mbit\"", "5mbit"),
    ("delay = \"5ms\"", "loss = \"-1%\"", "-1%"),
    ("delay = \"5ms\"", "loss = \"101%\"", "101%"),
    ("rate = \"5mbit\"", "rate = \"0mbit\"", "rate"),
    ("rate = \"5mbit\"", "rate = \"99999999999999gbit\"", "rate"),
    ("rate = \"5mbit\"", "rate = \"5Mbps\"", "5Mbps"),
    ("path = [\"wire\"]", "path = []", "path"),
    ("path = [\"wire\"]", "path = [\"wirre\"]", "wire"),
    ("name = \"bulk\"", "name = \"bulk\"\ncount = 0", "count"),
];

fn assert_explained(output: &Output, file: &str, mark: &str, what: &str) {
    let text = err(output);
    assert_eq!(output.status.code(), Some(2), "{what}: exit code; {text}");
    assert!(text.contains(file), "{what}: names the file; {text}");
    assert!(text.contains(mark), "{what}: names {mark}; {text}");
    // The line and its number, something under the place, and a mend.
    assert!(
        text.contains("help") && (text.contains('^') || text.contains('─')),
        "{what}: caret and mend; {text}"
    );
    assert!(!text.contains("panicked"), "{what}: {text}");
}

#[test]
fn every_bad_input_is_explained_with_its_place_and_ends_with_2() {
    let dir = folder();
    let rest = SOUND.split_once('\n').expect("lines").1;
    let heads = BAD.iter().map(|(what, head, mark)| ((*what).to_owned(), format!("{head}\n{rest}"), *mark));
    let lines =
        BAD_LINES.iter().map(|(line, bad, mark)| ((*bad).to_owned(), SOUND.replace(line, bad), *mark));
    let more = [
        ("no clients".to_owned(), SOUND.split("[[").next().expect("a head").to_owned(), "clients"),
        (
            "two groups of a name".to_owned(),
            format!("{SOUND}{}", &SOUND[SOUND.find("[[").expect("clients")..]),
            "bulk",
        ),
        ("not TOML".to_owned(), format!("{SOUND}][\n"), "bad.toml"),
    ];
    for (what, text, mark) in heads.chain(lines).chain(more) {
        std::fs::write(dir.path().join("bad.toml"), text).expect("written");
        for verb in ["check", "run"] {
            let output = testbed(dir.path(), &[verb, "bad.toml"]);
            assert_explained(&output, "bad.toml:", mark, &format!("{verb}, {what}"));
        }
        assert!(!dir.path().join("results").exists(), "{what}: nothing is written");
    }
}

#[test]
fn files_that_are_none_are_explained() {
    let dir = folder();
    std::fs::write(dir.path().join("latin.toml"), b"title = \"caf\xe9\"\n").expect("written");
    std::fs::create_dir(dir.path().join("folder.toml")).expect("made");
    for file in ["latin.toml", "folder.toml", "missing.toml"] {
        let output = testbed(dir.path(), &["run", file]);
        let text = err(&output);
        assert_eq!(output.status.code(), Some(2), "{file}: {text}");
        assert!(text.contains(file) && text.contains("help"), "{file}: {text}");
    }
}

#[test]
fn a_bad_set_shows_the_argument() {
    let dir = folder();
    for (set, mark) in [
        ("link.wire.loss=200%", "200%"),
        ("link.wirre.loss=2%", "wirre"),
        ("nonsense", "nonsense"),
        ("=3", "=3"),
        ("tcp.mss=12", "64"),
        ("trials=0", "trials"),
    ] {
        let output = testbed(dir.path(), &["run", "sound.toml", "--set", set]);
        assert_explained(&output, "--set", mark, set);
    }
}

#[test]
fn all_problems_of_a_file_are_said_at_once() {
    let dir = folder();
    let text = SOUND.replace("2s", "0s").replace("5ms", "5mbit").replace("\"wire\"]", "\"nowhere\"]");
    std::fs::write(dir.path().join("bad.toml"), text).expect("written");
    let output = testbed(dir.path(), &["check", "bad.toml"]);
    let text = err(&output);
    for place in ["bad.toml:1:", "bad.toml:3:", "bad.toml:7:", "nowhere"] {
        assert!(text.contains(place), "{place} in {text}");
    }
}
