//! Results are proved by being made again.

#![cfg(unix)]

use std::fs;
use std::path::Path;

use crate::program::testbed_in;

const LAB: &str = "duration = \"2s\"\ntrials = 3\n[link.wire]\ndelay = \"5ms\"\nrate = \"5mbit\"\nloss = \"1%\"\n\
    [[clients]]\nname = \"people\"\ncount = 2\npath = [\"wire\"]\napp = { kind = \"chat\", rate = \"5/s\" }\n\
    [[clients]]\nname = \"bulk\"\npath = [\"wire\"]\napp = { kind = \"bulk\" }\n\
    [sweep]\n\"link.wire.delay\" = [\"5ms\", \"10ms\"]\n";

/// Standard output of a command that ends with this code.
pub fn said(dir: &Path, words: &[&str], code: i32) -> String {
    let output = testbed_in(dir, words);
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {err}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &err
}

/// A temporary folder with `lab.toml` and its results in `a`.
pub fn lab() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("lab.toml"), LAB).expect("written");
    said(dir.path(), &["run", "lab.toml", "--out", "a", "-q"], 0);
    dir
}

/// Replaces a text in a file once.
pub fn forge(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).expect("a file");
    assert!(text.contains(from), "{from} in {}", file.display());
    fs::write(file, text.replacen(from, to, 1)).expect("written");
}

/// The first utilisation of a table of trials.
pub fn first_utilisation(trials: &Path) -> String {
    let mut reader = csv::Reader::from_path(trials).expect("a table");
    let place = reader.headers().expect("a header").iter().position(|name| name == "utilisation");
    let row = reader.records().next().expect("a row").expect("fields");
    row[place.expect("a column")].to_owned()
}

/// SHA-256 of a file.
fn hash(file: &Path) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(fs::read(file).expect("a file")).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_folder_is_what_its_run_gives_and_stays_so_when_looked_at() {
    let lab = lab();
    let before = hash(&lab.path().join("a/manifest.json"));
    assert!(said(lab.path(), &["verify", "a"], 0).starts_with("same       a: 6 trials\n"));
    assert!(said(lab.path(), &["verify", "a", "--quick"], 0).starts_with("same       a: 3 of 6 trials\n"));
    assert_eq!(hash(&lab.path().join("a/manifest.json")), before);
    assert!(said(lab.path(), &["verify", "a", "--scenario", "lab.toml"], 0).starts_with("same"));
    fs::write(lab.path().join("other.toml"), LAB.replace("1%", "2%")).expect("written");
    let other = said(lab.path(), &["verify", "a", "--scenario", "other.toml"], 99);
    let told = "its scenario, line 6: loss = \"1%\" stands there; the run gives loss = \"2%\"";
    assert!(other.contains(told), "{other}");
    fs::write(lab.path().join("ends.toml"), LAB.replace('\n', "\r\n")).expect("written");
    said(lab.path(), &["verify", "a", "--scenario", "ends.toml"], 0);
}

#[test]
fn packets_are_held_against_the_scenario_beside_the_files() {
    let lab = lab();
    let text = said(lab.path(), &["verify", "a", "--packets"], 0);
    assert!(text.starts_with("same       a: 6 trials\n"), "{text}");
    assert!(text.contains("packets in 6 trials as the scenario says\n"), "{text}");
    let text = said(lab.path(), &["verify", "a", "--packets", "--quick", "--json"], 0);
    let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let packets = &read["folders"][0]["packets"];
    assert_eq!((&packets["trials"], &packets["count"]), (&3.into(), &0.into()), "{read}");
    assert!(packets["packets"].as_u64().is_some_and(|n| n > 1_000), "{read}");
    // Rules that are not judged are named.
    let queue = ["--set", "link.wire.queue={ kind = \"fq_codel\" }"];
    said(lab.path(), &[&["run", "lab.toml", "--out", "b", "-q", "--no-plots"][..], &queue].concat(), 0);
    let text = said(lab.path(), &["verify", "b", "--packets"], 0);
    for words in ["wait in the queue", "law of early drops and marks", "turns and shares of flows"] {
        assert!(text.contains(&format!("{words} (link.wire down, link.wire up)")), "{text}");
    }
    // A folder of another scenario is not run, and nothing is said of its packets.
    let other = fs::read_to_string(lab.path().join("lab.toml")).expect("a scenario") + "# mine\n";
    fs::write(lab.path().join("other.toml"), other).expect("written");
    let text = said(lab.path(), &["verify", "a", "--packets", "--scenario", "other.toml"], 99);
    assert!(text.contains("no packets were looked at") && !text.contains("as the scenario says"), "{text}");
}

#[test]
fn a_forged_row_is_found_even_with_forged_hashes() {
    let lab = lab();
    let dir = lab.path().join("a");
    let trials = dir.join("trials.csv");
    let (figure, before) = (first_utilisation(&trials), hash(&trials));
    forge(&trials, &figure, "0.111111");
    // A hash that nobody mended is found without running anything again.
    let quick = said(lab.path(), &["verify", "a", "--quick", "--seed", "1"], 99);
    assert!(quick.contains("trials.csv"), "{quick}");
    forge(&dir.join("manifest.json"), &before, &hash(&trials));
    let full = said(lab.path(), &["verify", "a"], 99);
    let told = format!("trials.csv, line 2, utilisation: 0.111111 stands there; the run gives {figure}\n");
    assert!(full.contains(&told), "{full}");
    // Every cell's mean is computed from its rows.
    let quick = said(lab.path(), &["verify", "a", "--quick", "--seed", "1"], 99);
    assert!(quick.contains("summary.csv, line 2, utilisation_mean"), "{quick}");
}

#[test]
fn one_folder_that_cannot_be_judged_shields_no_other() {
    let lab = lab();
    let dir = lab.path();
    fs::create_dir(dir.join("empty")).expect("made");
    let trials = dir.join("a/trials.csv");
    forge(&trials, &first_utilisation(&trials), "0.111111");
    let found = said(dir, &["verify", "empty", "a"], 99);
    assert!(found.contains("unknown    empty: ") && found.contains("different  a: "), "{found}");
    assert!(found.contains("different: 1, unknown: 1 of 2 folders"), "{found}");
}

#[test]
fn a_quick_look_minds_hashes_and_time() {
    let lab = lab();
    let dir = lab.path();
    fs::copy(dir.join("a/plots/cwnd.png"), dir.join("a/plots/queue.png")).expect("copied");
    let found = said(dir, &["verify", "a", "--quick"], 99);
    assert!(found.contains("plots/queue.png is not what the manifest's hash says"), "{found}");
    // A folder may ask for a run without end.
    let long = LAB.replace("2s", "900h");
    fs::write(dir.join("long.toml"), &long).expect("written");
    let manifest = dir.join("a/manifest.json");
    let mut read: serde_json::Value =
        serde_json::from_slice(&fs::read(&manifest).expect("a file")).expect("JSON");
    (read["scenario"], read["duration"]) = (long.into(), "900h".into());
    fs::write(&manifest, read.to_string()).expect("written");
    let found = said(dir, &["verify", "a"], 1);
    assert!(found.contains("--within TIME allows it"), "{found}");
}

#[test]
fn words_of_a_folder_do_not_command_a_terminal() {
    let lab = lab();
    let manifest = lab.path().join("a/manifest.json");
    let mut read: serde_json::Value =
        serde_json::from_slice(&fs::read(&manifest).expect("a file")).expect("JSON");
    read["overrides"] = serde_json::json!(["seed=1 # \u{1b}[1K\rsame       a: 6 trials"]);
    fs::write(&manifest, read.to_string()).expect("written");
    let found = said(lab.path(), &["verify", "a"], 1);
    assert!(!found.contains('\u{1b}') && !found.contains('\r'), "{found:?}");
}

#[test]
fn every_kind_of_file_is_held_against_the_run() {
    let lab = lab();
    for (file, from, to) in [
        ("flows.csv", "bulk", "cake"),
        ("summary.csv", ",3,", ",4,"),
        ("series/0/trial-0/flows.csv", ",", ",1"),
        ("latency/1.hgrm", "1.00", "2.00"),
        ("plots/cwnd.svg", "<svg", "<svg "),
        ("report.html", "<h1", "<h1 "),
    ] {
        let path = lab.path().join("a").join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        forge(&path, from, to);
        let found = said(lab.path(), &["verify", "a"], 99);
        assert!(found.contains(&format!("           {file}")), "{file}: {found}");
        fs::write(path, text).expect("written");
    }
    fs::remove_file(lab.path().join("a/plots/cwnd.png")).expect("removed");
    assert!(said(lab.path(), &["verify", "a"], 0).contains("6 trials; plots/cwnd.png is not there"));
}

#[test]
fn a_folder_that_nobody_can_repeat_is_not_judged() {
    let lab = lab();
    let manifest = lab.path().join("a/manifest.json");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    for (from, to, told) in [
        ("\"results\": ", "\"results\": 9", "with results of number 9"),
        ("\"version\": \"", "\"version\": \"9", "version 9"),
        ("\"seed\": 1", "\"seed\": 2", "contradicts its own scenario"),
        ("delay = ", "dalay = ", "its scenario cannot be read: "),
    ] {
        forge(&manifest, from, to);
        let found = said(lab.path(), &["verify", "a"], 1);
        assert!(found.starts_with("unknown    a: ") && found.contains(told), "{found}");
        fs::write(&manifest, &text).expect("written");
    }
    // No file that the run did not have is read as anything: an error would quote it.
    fs::write(lab.path().join("secret"), "precious").expect("written");
    forge(&manifest, "\"overrides\": []", "\"overrides\": [\"link.wire.rate={ trace = 'secret' }\"]");
    for scenario in [&[][..], &["--scenario", "lab.toml"]] {
        let found = said(lab.path(), &[&["verify", "a"], scenario].concat(), 1);
        assert!(found.contains("secret, which its scenario reads, is another file here"), "{found}");
        assert!(!found.contains("precious"), "{found}");
    }
    fs::write(&manifest, &text).expect("written");
    let trials = lab.path().join("a/trials.csv");
    let rows = fs::read_to_string(&trials).expect("a table");
    // As a killed run leaves it, or an editor.
    fs::write(&trials, rows.trim_end()).expect("written");
    let torn = "5 trials, of 6 that its scenario has; the last row of trials.csv has no line break and does not count";
    let found = said(lab.path(), &["verify", "a", "--quick"], 99);
    assert!(found.contains(torn), "{found}");
    fs::write(&trials, rows).expect("written");
    assert!(said(lab.path(), &["verify", "nowhere"], 1).contains("cannot read nowhere/manifest.json"));
}

#[test]
fn a_row_that_is_gone_or_too_many_is_named_before_the_files_that_rest_on_it() {
    let lab = lab();
    let trials = lab.path().join("a/trials.csv");
    let rows = fs::read_to_string(&trials).expect("a table");
    let lines: Vec<&str> = rows.split_inclusive('\n').collect();
    let without = [&lines[..2], &lines[3..]].concat().concat();
    fs::write(&trials, &without).expect("written");
    let gone = "           trials.csv: no row of cell 0, trial 1; the run gives 1\n";
    let found = said(lab.path(), &["verify", "a"], 99);
    let head = "different  a: 1 file, 5 trials, of 6 that its scenario has\n";
    assert_eq!(found, format!("{head}{gone}different: 1 of 1 folder\n"));
    assert!(said(lab.path(), &["verify", "a", "--quick"], 99).contains(gone));
    let read = said(lab.path(), &["verify", "a", "--json"], 99);
    let read: serde_json::Value =
        serde_json::from_str(read.split("\ndifferent").next().expect("JSON")).expect("JSON");
    assert_eq!(read["folders"][0]["differences"][0]["trial"], serde_json::json!([0, 1]));
    // Tables and pictures that were made without it are each named once.
    said(lab.path(), &["plot", "a", "--force"], 0);
    let found = said(lab.path(), &["verify", "a"], 99);
    let told = found.split_once(gone).expect("the row").1;
    assert!(found.lines().nth(1).is_some_and(|line| gone.trim_end() == line), "{found}");
    for file in ["summary.csv", "groups.csv"] {
        assert!(told.matches(file).count() <= 1, "{found}");
    }
    assert!(told.contains("summary.csv, line 2, n: 2 stands there; the run gives 3\n"), "{found}");
    for (more, told) in [
        (lines[2], "2 rows of cell 0, trial 1; the run gives 1"),
        ("9,0,5ms,1\n", "1 row of cell 9, trial 0; the run gives none"),
        ("a remark\n", "trials.csv, line 8: a remark stands there; the run gives nothing"),
    ] {
        fs::write(&trials, rows.clone() + more).expect("written");
        let found = said(lab.path(), &["verify", "a"], 99);
        assert!(found.contains(told), "{found}");
    }
}

#[test]
fn page_and_pictures_of_another_build_are_told_and_not_judged() {
    let lab = lab();
    let dir = lab.path().join("a");
    let manifest = dir.join("manifest.json");
    forge(&manifest, "\"revision\": \"", "\"revision\": \"0123456");
    // Builds before this one had no drawing of the paths.
    let mut older: serde_json::Value =
        serde_json::from_slice(&fs::read(&manifest).expect("a file")).expect("JSON");
    older.as_object_mut().and_then(|fields| fields.remove("topology")).expect("a drawing");
    fs::write(&manifest, older.to_string()).expect("written");
    let text = said(lab.path(), &["verify", "a"], 0);
    let not_judged =
        "not judged: page or pictures that another or an unknown build drew otherwise (1 file)\n";
    assert_eq!(text, format!("same       a: 6 trials; {not_judged}"));
    let page = dir.join("report.html");
    let kept = fs::read(&page).expect("a page");
    fs::remove_file(&page).expect("removed");
    assert_eq!(said(lab.path(), &["verify", "a"], 0), "same       a: 6 trials; report.html is not there\n");
    fs::write(&page, kept).expect("written");
    // Its tables are judged as ever.
    let trials = dir.join("trials.csv");
    forge(&trials, &first_utilisation(&trials), "0.111111");
    let text = said(lab.path(), &["verify", "a"], 99);
    assert!(text.contains("trials.csv, line 2, utilisation") && !text.contains("report.html"), "{text}");
}
