//! Claims of a scenario: judged by `run` and `merge`, shown by all that show results, refused where they mean
//! nothing. Figures of groups, which claims may name.

#![cfg(unix)]

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::verify::said;

const LAB: &str = "duration = \"2s\"\ntrials = 2\n[link.wire]\ndelay = \"5ms\"\nrate = \"5mbit\"\n\
    [[clients]]\nname = \"one\"\npath = [\"wire\"]\napp = { kind = \"bulk\" }\n\
    [[clients]]\nname = \"two\"\npath = [\"wire\"]\nstart_spread = \"50ms\"\napp = { kind = \"bulk\" }\n\
    [sweep]\n\"link.wire.rate\" = [\"5mbit\", \"10mbit\"]\n";

/// Claims of which one fails: twice the rate gives about twice the goodput.
const HOLDS: &str = "[[claim]]\nfigure = \"goodput_mbit\"\nwhere = { \"link.wire.rate\" = \"10mbit\" }\n\
    ratio_to = { \"link.wire.rate\" = \"5mbit\" }\nat_least = 1.7\nat_most = 2.3\n";
const FAILS: &str = "[[claim]]\nfigure = \"share\"\ngroup = \"one\"\nat_least = 0.999\n";

fn folder(claims: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("lab.toml"), format!("{LAB}{claims}")).expect("written");
    dir
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn a_claim_that_fails_ends_a_run_with_99_and_is_shown_everywhere() {
    let dir = folder(&[HOLDS, FAILS].concat());
    let dir = dir.path();
    let text = said(dir, &["run", "lab.toml", "--out", "a", "--no-plots"], 99);
    assert!(
        text.contains(
            "claim holds (with rate 10 Mbit/s): goodput from 1.7 to 2.3 times that with rate 5 Mbit/s;"
        ),
        "{text}"
    );
    assert!(text.contains("claim fails: share of the goodput (one) at least 99.9 %;"), "{text}");
    assert!(text.contains("2 of 2 cells fail") && text.contains("1 of 2 claims does not hold"), "{text}");
    let brief = said(dir, &["run", "lab.toml", "--out", "a", "--no-plots", "-q"], 99);
    assert!(
        brief.starts_with("claim fails: share of the goodput (one)") && !brief.contains("holds"),
        "{brief}"
    );
    let page = read(dir, "a/report.html");
    assert!(
        page.contains("goodput from 1.7 to 2.3 times") && page.contains("claim fails: share of the goodput")
    );

    let json = said(dir, &["run", "lab.toml", "--out", "b", "--no-plots", "--json"], 99);
    let json: Value = serde_json::from_str(json.split("\n1 of").next().expect("JSON")).expect("JSON");
    let claims = json["runs"][0]["report"]["claims"].as_array().expect("claims");
    assert_eq!(
        claims.iter().map(|claim| claim["verdict"].as_str()).collect::<Vec<_>>(),
        [Some("holds"), Some("fails")]
    );
    assert_eq!((&claims[0]["figure"], &claims[1]["group"]), (&"goodput_mbit".into(), &"one".into()));
    assert_eq!(claims[1]["cells"].as_array().map(Vec::len), Some(2));

    said(dir, &["plot", "a"], 0);
    assert!(read(dir, "a/report.html").contains("claim fails: share of the goodput"));
    said(dir, &["verify", "b"], 0);
    said(&folder(HOLDS).keep(), &["run", "lab.toml", "--no-plots", "-q"], 0);
}

#[test]
fn parts_are_not_judged_and_their_whole_is() {
    let dir = folder(FAILS);
    let dir = dir.path();
    for part in ["1/2", "2/2"] {
        let out = format!("part{}", &part[..1]);
        let text = said(dir, &["run", "lab.toml", "--shard", part, "--out", &out], 0);
        assert!(
            text.contains("claim is not judged: share of the goodput (one)")
                && text.contains("trials are missing")
        );
    }
    said(dir, &["merge", "part1", "part2", "--out", "whole", "--no-plots"], 99);
    said(dir, &["run", "lab.toml", "--out", "once", "--no-plots"], 99);
    for name in ["report.html", "groups.csv", "summary.csv"] {
        assert_eq!(read(dir, &format!("whole/{name}")), read(dir, &format!("once/{name}")), "{name}");
    }
}

#[test]
fn a_set_that_takes_the_cells_away_takes_the_claim_with_them() {
    let dir = folder(&HOLDS.replace("1.7", "1.9999999"));
    let text = said(dir.path(), &["run", "lab.toml", "--set", "link.wire.rate=2mbit", "--no-plots"], 0);
    assert!(text.contains("its cells are not in this run"), "{text}");
    // Every other claim is judged whatever is set.
    let dir = folder(FAILS);
    said(dir.path(), &["run", "lab.toml", "--set", "link.wire.rate=2mbit", "--no-plots", "-q"], 99);
}

#[test]
fn a_claim_on_a_group_is_not_of_cells_that_leave_the_group_out() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let text = "duration = \"3s\"\n[link.wire]\ndelay = \"5ms\"\nrate = \"5mbit\"\n[[clients]]\nname = \"a\"\n\
        path = [\"wire\"]\napp = { kind = \"bulk\" }\n[[clients]]\nname = \"b\"\npath = [\"wire\"]\n\
        app = { kind = \"bulk\" }\n[sweep]\n\"clients.b.count\" = [0, 1]\n[[claim]]\nfigure = \"goodput_mbit\"\n\
        group = \"b\"\nat_least = 0.5\n";
    std::fs::write(dir.path().join("lab.toml"), text).expect("written");
    let run = ["run", "lab.toml", "--no-plots", "--force"];
    let text = said(dir.path(), &run, 0);
    assert!(text.contains("claim holds: goodput (b) at least 0.5 Mbit/s"), "{text}");
    let text = said(dir.path(), &[&run[..], &["--set", "clients.b.count=0"]].concat(), 0);
    assert!(text.contains("claim is not judged") && text.contains("the group has no clients"), "{text}");
}

#[test]
fn a_claim_on_what_nobody_knows_is_a_mistake_of_the_file() {
    for (claim, says, mend) in [
        (HOLDS.replace("goodput_mbit", "goodput"), "no figure `goodput`", "goodput_mbit"),
        (HOLDS.replace("goodput_mbit", "latency_p50_ms"), "no figure `latency_p50_ms`", "a figure of `chat`"),
        (HOLDS.replace("goodput_mbit", "convergence_s"), "no figure `convergence_s`", "`trials = \"all\"`"),
        (FAILS.replace("0.999", "90"), "`share` is a share from 0 to 1", "write 0.9 for 90 %"),
        (HOLDS.replace("goodput_mbit", "wall_s"), "no figure `wall_s`", "help:"),
        (HOLDS.replace("goodput_mbit", "share"), "no figure `share`", "name the `group`"),
        (FAILS.replace("share", "timeouts"), "group \"one\" has no figure `timeouts`", "help:"),
        (FAILS.replace("\"one\"", "\"oen\""), "no group \"oen\"", "allowed: one, two"),
    ] {
        let dir = folder(&claim);
        for command in ["check", "run"] {
            let text = said(dir.path(), &[command, "lab.toml"], 2);
            assert!(text.contains(says) && text.contains(mend) && text.contains("lab.toml:"), "{text}");
        }
    }
}

#[test]
fn groups_have_a_file_a_ratio_in_the_table_and_a_sentence() {
    let dir = folder("");
    let dir = dir.path();
    let text = said(dir, &["run", "lab.toml", "--out", "a", "--no-plots"], 0);
    assert!(text.contains("one/two") && text.contains("one had "), "{text}");
    let csv = read(dir, "a/groups.csv");
    assert!(
        csv.starts_with("cell,trial,link.wire.rate,link.wire.rate_mbit,group,goodput_mbit,share,"),
        "{csv}"
    );
    let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 2 * 2 * 2);
    for pair in rows.chunks(2) {
        let share = |row: &[&str]| row[6].parse::<f64>().expect("a share");
        assert!((share(&pair[0]) + share(&pair[1]) - 1.0).abs() < 2e-6, "{pair:?}");
    }
    assert!(read(dir, "a/report.html").contains("Figures of each group"));
    // A forged group is found.
    let forged = csv.replacen(",one,", ",one,9", 1);
    fs::write(dir.join("a/groups.csv"), forged).expect("written");
    assert!(said(dir, &["verify", "a"], 99).contains("groups.csv"));
}
