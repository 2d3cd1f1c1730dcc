//! A program that adds a controller has the whole command line, and its results are its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SCENARIO: &str = r#"
duration = "5s"
trials   = 2
[link.wire]
rate  = "5mbit"
delay = "20ms"
queue = "1bdp"
[[clients]]
name = "upload"
path = ["wire"]
app  = { kind = "bulk" }
[sweep]
"tcp.congestion" = ["reno", "aimd"]
"#;

/// `cargo test` builds the examples, too; `cargo test --test cli own_controller` does not.
fn example() -> PathBuf {
    let file = Path::new(env!("CARGO_BIN_EXE_testbed")).with_file_name("examples").join("aimd");
    if !file.exists() {
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let build = ["build", "--quiet", "--example", "aimd", "--profile", profile];
        let root = env!("CARGO_MANIFEST_DIR");
        assert!(Command::new(env!("CARGO")).args(build).current_dir(root).status().expect("cargo").success());
    }
    file
}

fn lab() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("own.toml"), SCENARIO).expect("written");
    dir
}

fn run(program: &Path, dir: &Path, words: &[&str]) -> Output {
    Command::new(program).args(words).current_dir(dir).output().expect("it starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn its_controller_is_listed_swept_and_reported_like_reno() {
    let dir = lab();
    let list = run(&example(), dir.path(), &["list", "controllers"]);
    assert!(said(&list).contains("\n  aimd "), "{}", said(&list));
    let done = run(&example(), dir.path(), &["run", "own.toml", "--no-plots"]);
    assert!(done.status.success(), "{}", said(&done));
    let trials = std::fs::read_to_string(dir.path().join("results/own/trials.csv")).expect("a table");
    assert_eq!(trials.lines().filter(|row| row.contains("aimd")).count(), 2, "{trials}");
    let page = std::fs::read_to_string(dir.path().join("results/own/report.html")).expect("a page");
    assert!(page.contains("aimd run own.toml --seed"), "the page repeats it with this program");
    // The program without it does not know it, and says what there is.
    let other = run(Path::new(env!("CARGO_BIN_EXE_testbed")), dir.path(), &["check", "own.toml"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(said(&other).contains("no congestion controller \"aimd\""), "{}", said(&other));
}

#[test]
fn trials_from_before_an_edit_of_the_controller_are_not_resumed() {
    let dir = lab();
    assert!(run(&example(), dir.path(), &["run", "own.toml", "--no-plots"]).status.success());
    let more = ["run", "own.toml", "--no-plots", "--trials", "3", "--resume"];
    // The same program with other bytes: what lies behind the end of a program is not run.
    let edited = dir.path().join("aimd");
    let mut bytes = std::fs::read(example()).expect("a program");
    bytes.extend(b"edited");
    std::fs::write(&edited, bytes).expect("written");
    std::fs::set_permissions(&edited, std::fs::metadata(example()).expect("a file").permissions())
        .expect("set");
    let refused = run(&edited, dir.path(), &more);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("the controllers of aimd"), "{}", said(&refused));
    let resumed = run(&example(), dir.path(), &more);
    assert!(resumed.status.success(), "{}", said(&resumed));
}
