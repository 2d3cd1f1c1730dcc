//! Results are neither lost nor mixed without a word: two runs in one folder, a folder that is gone, files
//! that are cut short, changed or no files at all.

#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "the program is watched from outside, in real time")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const SOUND: &str = "duration = \"2s\"\ntrials = 4\n[link.wire]\ndelay = \"5ms\"\nrate = \"5mbit\"\nloss = \"1%\"\n\
    [[clients]]\nname = \"people\"\ncount = 2\npath = [\"wire\"]\napp = { kind = \"chat\", rate = \"5/s\" }\n\
    [[clients]]\nname = \"bulk\"\npath = [\"wire\"]\napp = { kind = \"bulk\" }\n\
    [sweep]\n\"link.wire.delay\" = [\"5ms\", \"10ms\"]\n";

fn command(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.current_dir(dir).args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program, which must end within a minute.
fn testbed(dir: &Path, words: &[&str]) -> Output {
    finish(command(dir, words).spawn().expect("the program runs"), Duration::from_secs(60))
}

fn finish(mut child: Child, within: Duration) -> Output {
    let started = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        if started.elapsed() > within {
            child.kill().expect("killed");
            panic!("it did not end within {within:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("it ended")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_refused(output: &Output, marks: &[&str]) {
    let text = err(output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for mark in marks {
        assert!(text.contains(mark), "{mark} in: {text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

fn assert_done(output: &Output) {
    assert!(output.status.success(), "{}", err(output));
}

/// A temporary folder with `a.toml`.
fn lab() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("a.toml"), SOUND).expect("written");
    dir
}

fn run(dir: &Path, more: &[&str]) -> Output {
    testbed(dir, &[&["run", "a.toml", "--no-plots", "-q"], more].concat())
}

/// All tables but the column `wall_s`, which is the last of `trials.csv`.
fn tables(results: &Path) -> Vec<String> {
    let read = |name: &str| fs::read_to_string(results.join(name)).expect("a table");
    let trials = read("trials.csv");
    let without_wall =
        trials.lines().map(|line| line.rsplit_once(',').expect("columns").0).collect::<Vec<_>>();
    vec![
        without_wall.join("\n"),
        read("flows.csv"),
        read("links.csv"),
        read("realised.csv"),
        read("summary.csv"),
    ]
}

/// A run long enough to be met while it goes on, with at least one finished trial.
fn running(dir: &Path, more: &[&str]) -> Child {
    let words = ["run", "a.toml", "--no-plots", "--trials", "2000", "--jobs", "1", "--out", "out"];
    let child = command(dir, &[&words[..], more].concat()).spawn().expect("the program runs");
    let started = Instant::now();
    while !fs::read_to_string(dir.join("out/trials.csv")).is_ok_and(|text| text.lines().count() > 2) {
        assert!(started.elapsed() < Duration::from_secs(30), "no trial finishes");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

#[test]
fn another_file_of_the_same_name_does_not_replace_results() {
    let dir = lab();
    for (folder, delay) in [("lab1", "5ms"), ("lab2", "7ms")] {
        fs::create_dir(dir.path().join(folder)).expect("made");
        let text = SOUND.replace("delay = \"5ms\"\nrate", &format!("delay = \"{delay}\"\nrate"));
        fs::write(dir.path().join(folder).join("a.toml"), text).expect("written");
    }
    let run = |file: &str| testbed(dir.path(), &["run", file, "--no-plots", "-q"]);
    assert_done(&run("lab1/a.toml"));
    assert_refused(&run("lab2/a.toml"), &["lab1/a.toml", "--out", "--resume", "--force"]);
    // The same file by other names.
    let whole = dir.path().join("lab1/a.toml");
    std::os::unix::fs::symlink("lab1", dir.path().join("link")).expect("linked");
    for same in [whole.to_str().expect("a path"), "./lab2/../lab1/a.toml", "link/a.toml"] {
        let again = run(same);
        assert_done(&again);
        assert_eq!(err(&again), "", "{same}");
    }
    assert_done(&testbed(dir.path(), &["run", "lab2/a.toml", "--no-plots", "-q", "--force"]));
}

#[test]
fn an_edited_scenario_replaces_its_complete_results_and_says_so_in_a_line() {
    let dir = lab();
    assert_done(&run(dir.path(), &[]));
    fs::write(dir.path().join("a.toml"), SOUND.replace("1%", "2%")).expect("written");
    let output = run(dir.path(), &[]);
    assert_done(&output);
    assert!(err(&output).contains("replaces") && err(&output).lines().count() == 1, "{}", err(&output));
    // A checkout that was moved as a whole is the same.
    fs::create_dir(dir.path().join("moved")).expect("made");
    for name in ["a.toml", "results"] {
        fs::rename(dir.path().join(name), dir.path().join("moved").join(name)).expect("moved");
    }
    fs::write(dir.path().join("moved/a.toml"), SOUND).expect("written");
    assert_done(&run(&dir.path().join("moved"), &[]));
}

#[test]
fn a_run_that_is_not_complete_is_not_replaced_without_force() {
    let dir = lab();
    let mut child = running(dir.path(), &[]);
    child.kill().expect("killed");
    child.wait().expect("it ended");
    let words = ["--trials", "2000", "--out", "out"];
    assert_refused(&run(dir.path(), &words), &["not complete", "--out", "--resume", "--force"]);
    fs::write(dir.path().join("a.toml"), SOUND.replace("1%", "2%")).expect("written");
    assert_refused(&run(dir.path(), &words), &["not complete", "--force"]);
    assert_done(&run(dir.path(), &["--trials", "1", "--out", "out", "--force"]));
}

#[test]
fn a_second_run_in_the_same_folder_is_refused_and_a_kill_leaves_no_lock() {
    let dir = lab();
    let mut child = running(dir.path(), &[]);
    for more in [&[][..], &["--force"], &["--resume"]] {
        let words = [&["--trials", "2000", "--out", "out"], more].concat();
        assert_refused(&run(dir.path(), &words), &["in use", "--out"]);
    }
    assert_refused(&testbed(dir.path(), &["plot", "out"]), &["in use"]);
    child.kill().expect("killed");
    child.wait().expect("it ended");
    assert_done(&run(dir.path(), &["--trials", "1", "--out", "out", "--force"]));
    assert_eq!(tables(&dir.path().join("out"))[0].lines().count(), 3);
}

#[test]
fn a_folder_that_is_moved_or_deleted_ends_the_run_at_once() {
    for deleted in [false, true] {
        let dir = lab();
        // One trial that takes long: it is not waited for.
        let child = running(dir.path(), &["--set", "duration=20s", "--set", "record.trials=none"]);
        let out = dir.path().join("out");
        if deleted {
            fs::remove_dir_all(&out).or_else(|_| fs::remove_dir_all(&out)).expect("removed");
        } else {
            fs::rename(&out, dir.path().join("elsewhere")).expect("moved");
        }
        let output = finish(child, Duration::from_secs(5));
        assert_refused(&output, &["moved or deleted during the run", "--resume"]);
        assert!(!out.join("trials.csv").exists());
    }
}

#[test]
fn what_was_lost_is_made_again_and_what_was_changed_is_an_error() {
    let dir = lab();
    assert_done(&run(dir.path(), &[]));
    let results = dir.path().join("results/a");
    let whole = tables(&results);
    let read = |name: &str| fs::read(results.join(name)).expect("a file");
    let files = ["series/1/trial-0/flows.csv", "series/1/trial-0/events.csv", "latency/0/trial-2.hlog"];
    let bytes = files.map(read);
    for file in files {
        for loss in ["deleted", "emptied", "cut short"] {
            let path = results.join(file);
            match loss {
                "deleted" => fs::remove_file(&path).expect("removed"),
                "emptied" => fs::write(&path, "").expect("written"),
                _ => fs::write(&path, &read(file)[..20]).expect("written"),
            }
            let output = run(dir.path(), &["--resume"]);
            assert_done(&output);
            assert!(err(&output).contains(file), "{file} {loss}: {}", err(&output));
            assert!(files.map(read) == bytes && tables(&results) == whole, "{file} {loss}");
        }
    }
    fs::remove_dir_all(results.join("series/1")).expect("removed");
    assert_done(&run(dir.path(), &["--resume"]));
    assert!(files.map(read) == bytes && tables(&results) == whole);

    let mut changed = read(files[0]);
    let last = changed.len() - 2;
    changed[last] = if changed[last] == b'7' { b'8' } else { b'7' };
    fs::write(results.join(files[0]), changed).expect("written");
    assert_refused(&run(dir.path(), &["--resume"]), &[files[0], "has been changed"]);
}

#[test]
fn an_edit_between_a_kill_and_resume_is_noticed() {
    for table in ["trials.csv", "flows.csv", "latency/0/trial-0.hlog", "series/0/trial-0/links.csv"] {
        let dir = lab();
        let mut child = running(dir.path(), &[]);
        child.kill().expect("killed");
        child.wait().expect("it ended");
        let path = dir.path().join("out").join(table);
        let text = fs::read_to_string(&path).expect("a file");
        // A digit of the first row, as long as it was; not of the time that a trial took.
        let row = text.match_indices('\n').nth(1).map_or(text.len() - 1, |(at, _)| at);
        let row = if table == "trials.csv" { text[..row].rfind(',').expect("columns") } else { row };
        let at = text[..row].rfind(|c: char| c.is_ascii_digit()).expect("a digit");
        let other = if &text[at..=at] == "3" { "4" } else { "3" };
        fs::write(&path, format!("{}{other}{}", &text[..at], &text[at + 1..])).expect("written");
        let output = run(dir.path(), &["--trials", "2000", "--out", "out", "--resume"]);
        assert_refused(&output, &[table, "has been changed"]);
    }
}

#[test]
fn a_row_that_stands_twice_counts_once() {
    let dir = lab();
    assert_done(&run(dir.path(), &[]));
    let results = dir.path().join("results/a");
    let whole = tables(&results);
    let double = |name: &str| {
        let text = fs::read_to_string(results.join(name)).expect("a table");
        let rows: String = text.lines().skip(1).take(5).map(|row| format!("{row}\n")).collect();
        fs::write(results.join(name), text + &rows).expect("written");
    };
    let n = || fs::read_to_string(results.join("summary.csv")).expect("a table");
    for name in ["trials.csv", "flows.csv", "links.csv", "realised.csv"] {
        double(name);
    }
    assert_done(&testbed(dir.path(), &["plot", "results/a"]));
    assert_eq!(n(), whole[4], "plot");
    assert_done(&run(dir.path(), &["--resume"]));
    assert!(tables(&results) == whole, "resume");

    // Two runs of an older version at once: they differ in the time that a trial took.
    fs::remove_file(results.join("journal.csv")).expect("removed");
    let trials = fs::read_to_string(results.join("trials.csv")).expect("a table");
    let slower: String = trials.lines().skip(1).map(|row| format!("{row}9\n")).collect();
    fs::write(results.join("trials.csv"), trials + &slower).expect("written");
    assert_done(&testbed(dir.path(), &["plot", "results/a", "--force"]));
    assert_eq!(n(), whole[4], "two runs");
}

#[test]
fn plot_draws_nothing_from_a_changed_table_unless_forced() {
    let dir = lab();
    assert_done(&run(dir.path(), &[]));
    let results = dir.path().join("results/a");
    let page = fs::read(results.join("report.html")).expect("a page");
    let path = results.join("trials.csv");
    let text = fs::read_to_string(&path).expect("a table");
    let kept = text.trim_end().rsplit_once('\n').expect("rows").0.to_owned() + "\n";
    fs::write(&path, kept).expect("written");
    assert_refused(&testbed(dir.path(), &["plot", "results/a"]), &["trials.csv", "--force"]);
    assert_eq!(fs::read(results.join("report.html")).expect("a page"), page);
    assert!(!results.join("plots").exists());
    assert_done(&testbed(dir.path(), &["plot", "results/a", "--force"]));
    let page = fs::read_to_string(results.join("report.html")).expect("a page");
    assert!(page.contains("changed since the run wrote them: trials.csv"));
}

#[test]
fn a_remark_in_the_summary_is_not_overwritten_unless_forced() {
    let dir = lab();
    assert_done(&run(dir.path(), &[]));
    let path = dir.path().join("results/a/summary.csv");
    let made = fs::read_to_string(&path).expect("a table");
    let remarked = made.clone() + "a remark\n";
    fs::write(&path, &remarked).expect("written");
    assert_refused(&testbed(dir.path(), &["plot", "results/a"]), &["summary.csv", "--force"]);
    assert_refused(&run(dir.path(), &["--resume"]), &["summary.csv has been changed", "--force"]);
    assert_eq!(fs::read_to_string(&path).expect("a table"), remarked);
    assert_done(&testbed(dir.path(), &["plot", "results/a", "--force"]));
    assert_eq!(fs::read_to_string(&path).expect("a table"), made);
    assert_done(&testbed(dir.path(), &["plot", "results/a"]));
}

#[test]
fn a_pipe_in_the_folder_does_not_block() {
    let pipe = |path: PathBuf| {
        let _ = fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    };
    let files =
        ["manifest.json", "trials.csv", "flows.csv", "journal.csv", "trials.csv.tmp", "manifest.json.tmp"];
    for file in files.into_iter().chain(["series/0/trial-0/flows.csv", "latency/0/trial-0.hlog"]) {
        let dir = lab();
        assert_done(&run(dir.path(), &["--trials", "1"]));
        for words in [
            &["run", "a.toml", "-q", "--no-plots"][..],
            &["plot", "results/a"],
            &["compare", "results/a", "results/a"],
        ] {
            for more in [&["--resume"][..], &[], &["--force"]] {
                if words[0] != "run" && !more.is_empty() {
                    continue;
                }
                pipe(dir.path().join("results/a").join(file));
                let trials: &[&str] = if words[0] == "run" { &["--trials", "1"] } else { &[] };
                let output = testbed(dir.path(), &[words, trials, more].concat());
                let code = output.status.code();
                assert!(code == Some(0) || code == Some(1), "{file}: {words:?} {}", err(&output));
                assert!(!err(&output).contains("panicked"), "{file}: {}", err(&output));
            }
        }
    }
}
