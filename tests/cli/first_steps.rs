//! The first steps of somebody new: a scenario from three answers, and a look at the machine.

use std::fs;

use crate::program::testbed_in;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn three_answers_make_a_scenario_that_runs() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let words = ["new", "mine", "--traffic", "voice", "--network", "home", "--compare", "queues"];
    let made = testbed_in(dir.path(), &words);
    assert_eq!(
        text(&made.stdout),
        "mine.toml is written; now: testbed run mine.toml\n",
        "{}",
        text(&made.stderr)
    );
    let run = ["run", "mine.toml", "--set", "duration=5s", "--trials", "1", "--no-plots"];
    let ran = testbed_in(dir.path(), &run);
    assert!(ran.status.success() && text(&ran.stdout).contains("fq_codel"), "{}", text(&ran.stderr));

    let written = fs::read(dir.path().join("mine.toml")).expect("a file");
    let again = testbed_in(dir.path(), &words);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("mine.toml is there already"), "{}", text(&again.stderr));
    assert_eq!(fs::read(dir.path().join("mine.toml")).expect("a file"), written);
}

#[test]
fn without_a_terminal_the_missing_answer_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let asked = testbed_in(dir.path(), &["new", "mine", "--traffic", "web"]);
    assert_eq!(asked.status.code(), Some(2));
    let told = "add --network with one of home, mobile, satellite, datacentre";
    assert!(text(&asked.stderr).contains(told), "{}", text(&asked.stderr));
    let wrong = testbed_in(dir.path(), &["new", "a b"]);
    assert!(wrong.status.code() == Some(2) && text(&wrong.stderr).contains("letters, digits"));
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 0);
}

#[test]
#[cfg(not(feature = "parquet"))]
fn a_testbed_without_parquet_says_where_to_get_it() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let asked = testbed_in(dir.path(), &["export", "results/a"]);
    assert_eq!(asked.status.code(), Some(1));
    let told = text(&asked.stderr);
    for words in ["built without Parquet", "--features parquet", "results.trials.to_parquet(FILE)"] {
        assert!(told.contains(words), "{told}");
    }
    let clash = testbed_in(dir.path(), &["export", "a/x", "b/x", "--out", "all"]);
    assert_eq!(clash.status.code(), Some(2));
    assert!(text(&clash.stderr).contains("a/x and b/x would both be written to all/x"));
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 0);
}

#[test]
fn the_machine_is_looked_at_and_nothing_is_left() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let found = testbed_in(dir.path(), &["doctor"]);
    let lines = text(&found.stdout);
    assert!(found.status.success(), "{}", text(&found.stderr));
    for what in ["processors", "timers", "open files", "memory", "folder", "notebooks", "captures", "parquet"]
    {
        assert_eq!(lines.lines().filter(|line| line[6..].starts_with(what)).count(), 1, "{lines}");
    }
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 0);
}
