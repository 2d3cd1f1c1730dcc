//! The program as its users meet it: what it prints, what it leaves behind, and how it ends.

#![expect(clippy::disallowed_methods, reason = "the program is watched from outside, in real time")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

pub const SOUND: &str = "duration = \"2s\"\n[link.wire]\ndelay = \"5ms\"\nrate = \"5mbit\"\n\
    [[clients]]\nname = \"bulk\"\npath = [\"wire\"]\napp = { kind = \"bulk\" }\n";

pub fn command(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.current_dir(dir).args(words).stdin(Stdio::null());
    command
}

pub fn testbed(dir: &Path, words: &[&str]) -> Output {
    command(dir, words).output().expect("the program runs")
}

pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A temporary folder with `sound.toml`.
pub fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("sound.toml"), SOUND).expect("written");
    dir
}

#[test]
fn a_folder_that_cannot_be_written_is_said_before_any_trial() {
    let dir = folder();
    // A trial of an hour: if the first second does not say it, the test does not end soon.
    let started = std::time::Instant::now();
    let output =
        testbed(dir.path(), &["run", "sound.toml", "--set", "duration=3600s", "--out", "sound.toml/results"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(err(&output).contains("results") && err(&output).contains("--out"), "{}", err(&output));
    assert!(started.elapsed().as_secs_f64() < 2.0, "after {:?}", started.elapsed());
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_and_finished_trials_stay_readable() {
    let dir = folder();
    // The shell limits the size of files for the program alone, as a full disk would; the signal that
    // comes with it must not kill.
    let script = format!(
        "ulimit -f 24; exec '{}' run sound.toml --trials 400 --set duration=300ms --no-plots -q --out full",
        env!("CARGO_BIN_EXE_testbed")
    );
    let output = Command::new("sh").current_dir(dir.path()).args(["-c", &script]).output().expect("a shell");
    let text = err(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("cannot write") && text.contains("ulimit -f"), "{text}");
    let table = std::fs::read_to_string(dir.path().join("full/trials.csv")).expect("a table");
    let done = table.lines().count() - 1;
    assert!(done > 5, "{done} trials");
    // With room again, the rest follows.
    let again = [
        "run",
        "sound.toml",
        "--trials",
        "400",
        "--set",
        "duration=300ms",
        "--no-plots",
        "-q",
        "--out",
        "full",
        "--resume",
    ];
    let output = testbed(dir.path(), &again);
    assert!(output.status.success(), "{}", err(&output));
    let table = std::fs::read_to_string(dir.path().join("full/trials.csv")).expect("a table");
    assert_eq!(table.lines().count(), 401);
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_is_done_and_resume_completes_it() {
    let dir = folder();
    let words = ["run", "sound.toml", "--trials", "300", "--jobs", "2", "--no-plots", "--out"];
    let whole = testbed(dir.path(), &[&words[..], &["whole", "-q"]].concat());
    assert!(whole.status.success(), "{}", err(&whole));
    let child = command(dir.path(), &[&words[..], &["part"]].concat())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    // Once some trials are there, as Ctrl-C would.
    let table = dir.path().join("part/trials.csv");
    for _ in 0..1000 {
        if std::fs::read_to_string(&table).is_ok_and(|text| text.lines().count() > 3) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    let output = child.wait_with_output().expect("it ended");
    assert_eq!(output.status.code(), Some(130), "{}", err(&output));
    assert!(err(&output).contains("--resume"), "{}", err(&output));
    let rows = |name: &str| {
        let text = std::fs::read_to_string(dir.path().join(name).join("trials.csv")).expect("a table");
        let without_wall = |line: &str| line.rsplit_once(',').map(|(rest, _)| rest.to_owned());
        text.lines().map(|line| without_wall(line).expect("columns")).collect::<Vec<_>>()
    };
    let kept = rows("part").len();
    assert!(kept > 3 && kept < 301, "{kept} rows");
    assert!(dir.path().join("part/summary.csv").exists() && dir.path().join("part/report.html").exists());
    let resumed = testbed(dir.path(), &[&words[..], &["part", "--resume", "-q"]].concat());
    assert!(resumed.status.success(), "{}", err(&resumed));
    assert_eq!(rows("part"), rows("whole"));
    for file in ["flows.csv", "links.csv", "realised.csv"] {
        let read = |name: &str| std::fs::read(dir.path().join(name).join(file)).expect("a table");
        assert!(read("part") == read("whole"), "{file}");
    }
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    let dir = folder();
    let script = format!(
        "'{0}' list | true; '{0}' completions bash > list.txt; wc -c < list.txt",
        env!("CARGO_BIN_EXE_testbed")
    );
    let output = Command::new("bash")
        .current_dir(dir.path())
        .args(["-c", &format!("set -o pipefail; {script}")])
        .output();
    let output = output.expect("a shell");
    assert!(output.status.success() && err(&output).is_empty(), "{}", err(&output));
    // And one that closes while much is still to come.
    let mut child = command(dir.path(), &["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ended");
    assert!(output.status.success() && err(&output).is_empty(), "{}", err(&output));
}

#[test]
fn json_is_json_and_nothing_else_is_printed() {
    let dir = folder();
    let output = testbed(dir.path(), &["run", "sound.toml", "--json", "--no-plots"]);
    assert!(output.status.success(), "{}", err(&output));
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["schema"], 1);
    assert!(value["runs"][0]["report"]["cells"].is_array(), "{value}");
}

#[test]
fn nothing_is_coloured_that_is_no_terminal_or_with_no_color() {
    let dir = folder();
    std::fs::write(dir.path().join("bad.toml"), "duration = 3\n").expect("written");
    for words in [&["check", "bad.toml"][..], &["run", "sound.toml", "--no-plots"], &["list"], &["--help"]] {
        let output = command(dir.path(), words).env("NO_COLOR", "1").output().expect("the program runs");
        assert!(!out(&output).contains('\u{1b}') && !err(&output).contains('\u{1b}'), "{words:?}");
    }
}

#[test]
fn every_command_works_and_has_help() {
    let dir = folder();
    let run = testbed(dir.path(), &["run", "sound.toml", "--trials", "2"]);
    assert!(run.status.success(), "{}", err(&run));
    for (words, mark) in [
        (&["check", "sound.toml"][..], "sound"),
        (&["list"], "cubic"),
        (&["list", "controllers"], "reno"),
        (&["list", "impairments"], "loss"),
        (&["list", "dialects"], "json-lines"),
        (&["list", "dialects"], "reliable"),
        (&["list", "keys"], "link.<name>.delay.jitter"),
        (&["schema"], "https://json-schema.org/draft/2020-12/schema"),
        (&["schema", "tcp.mss"], "a whole number from 64 to 9000"),
        (&["plot", "results/sound"], ".svg"),
        (&["compare", "results/sound", "results/sound"], "goodput"),
        (&["completions", "bash"], "complete"),
        (&["--version"], "testbed"),
    ] {
        let output = testbed(dir.path(), words);
        assert!(output.status.success(), "{words:?}: {}", err(&output));
        assert!(out(&output).contains(mark), "{words:?} says {mark}: {}", out(&output));
    }
    for name in ["run", "check", "list", "schema", "plot", "compare", "bench", "completions"] {
        let output = testbed(dir.path(), &[name, "--help"]);
        assert!(output.status.success() && out(&output).contains("Usage"), "{name}");
    }
    for words in [
        &["fly"][..],
        &["run"],
        &["run", "sound.toml", "--jobs", "0"],
        &["run", "--trials", "x", "sound.toml"],
        &["run", "sound.toml", "sound.toml"],
        &["bench", "w9"],
        &["schema", "tcp.msss"],
    ] {
        assert_eq!(testbed(dir.path(), words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn results_under_other_arguments_are_not_lost_without_force() {
    let dir = folder();
    let run = |more: &[&str]| {
        let words = [&["run", "sound.toml", "-q", "--no-plots", "--trials", "2"], more].concat();
        testbed(dir.path(), &words)
    };
    assert!(run(&["--set", "tcp.mss=500"]).status.success());
    // The same again is what everybody does, in whatever words.
    let twice = ["--set", "tcp.nagle=true", "--set", "tcp.mss=500"];
    let other_way = ["--set", "tcp.mss=900", "--set", "tcp.mss=500", "--set", "tcp.nagle=true"];
    let words = [&["run", "sound.toml", "-q", "--no-plots", "--out", "other"], &twice[..]].concat();
    assert!(testbed(dir.path(), &words).status.success());
    let words = [&["run", "sound.toml", "-q", "--no-plots", "--out", "other"], &other_way[..]].concat();
    let output = testbed(dir.path(), &words);
    assert!(output.status.success(), "{}", err(&output));
    assert!(run(&["--set", "tcp.mss=500"]).status.success());
    for (more, mark) in [
        (&["--set", "tcp.mss=1000"][..], "with --set tcp.mss=500; this run is with --set tcp.mss=1000"),
        (&[], "with --set tcp.mss=500; this run is without --set"),
        (&["--set", "tcp.mss=500", "--seed", "7"], "results of seed 1; this run has seed 7"),
    ] {
        let output = run(more);
        assert_eq!(output.status.code(), Some(1), "{more:?}");
        assert!(err(&output).contains(mark) && err(&output).contains("--force"), "{}", err(&output));
    }
    let fewer = testbed(dir.path(), &["run", "sound.toml", "-q", "--no-plots", "--set", "tcp.mss=500"]);
    assert!(err(&fewer).contains("2 trials of each cell; this run has 1"), "{}", err(&fewer));
    assert!(run(&["--force"]).status.success());
    let shown = testbed(dir.path(), &["run", "sound.toml", "--no-plots", "--force", "--set", "tcp.mss=900"]);
    assert!(out(&shown).contains("with --set tcp.mss=900"), "{}", out(&shown));
    assert!(out(&shown).contains("Tables and report.html are in"), "{}", out(&shown));
}

#[test]
fn a_table_that_is_lost_or_edited_is_noticed_and_nothing_is_overwritten() {
    let dir = folder();
    let run = testbed(dir.path(), &["run", "sound.toml", "-q", "--trials", "2"]);
    assert!(run.status.success(), "{}", err(&run));
    let results = dir.path().join("results/sound");
    let file = |name: &str| results.join(name);
    let whole = std::fs::read_to_string(file("trials.csv")).expect("a table");
    let page = std::fs::read(file("report.html")).expect("a page");
    let plot = || testbed(dir.path(), &["plot", "results/sound"]);

    let header = whole.lines().next().expect("a header").to_owned() + "\n";
    let no_number = whole.replacen("4.", "four.", 1);
    let no_cell = whole.replacen("\n0,", "\n7,", 1);
    assert!(no_number != whole && no_cell != whole, "{whole}");
    for (text, what) in [
        (None, "trials.csv"),
        (Some(""), "no finished trial"),
        (Some(header.as_str()), "no finished trial"),
        (Some(no_number.as_str()), "is no number"),
        (Some(no_cell.as_str()), "no cell 7"),
    ] {
        match text {
            Some(text) => std::fs::write(file("trials.csv"), text).expect("written"),
            None => std::fs::remove_file(file("trials.csv")).expect("removed"),
        }
        let output = plot();
        assert_eq!(output.status.code(), Some(1), "{what}: {}", err(&output));
        assert!(err(&output).contains(what), "{what}: {}", err(&output));
        assert_eq!(std::fs::read(file("report.html")).expect("a page"), page, "{what}");
        assert!(file("plots/throughput.png").exists(), "{what}");
    }

    // A better figure than the one that came out.
    let at = whole.find("\n0,1,").expect("a second trial");
    std::fs::write(file("trials.csv"), &whole[..=at]).expect("written");
    let resumed = testbed(dir.path(), &["run", "sound.toml", "-q", "--trials", "3", "--resume"]);
    assert_eq!(resumed.status.code(), Some(1));
    assert!(err(&resumed).contains("trials.csv has been changed"), "{}", err(&resumed));
}
