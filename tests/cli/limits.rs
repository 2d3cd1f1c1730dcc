//! Resources of a run: memory, files, threads, disk. Where there is too little, an error says of what, and
//! nothing panics.

#![cfg(unix)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

const SOUND: &str = "duration = \"2s\"\n[link.wire]\ndelay = \"5ms\"\nrate = \"5mbit\"\n\
    [[clients]]\nname = \"bulk\"\npath = [\"wire\"]\napp = { kind = \"bulk\" }\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).expect("written");
    }
    dir
}

fn testbed(dir: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_testbed")).current_dir(dir).args(words).output().expect("it runs")
}

/// The program under what a shell sets first.
fn under(dir: &Path, first: &str, words: &str) -> Output {
    let script = format!("{first} '{}' {words}", env!("CARGO_BIN_EXE_testbed"));
    Command::new("sh").current_dir(dir).args(["-c", &script]).output().expect("a shell")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every link doubles every packet.
fn doubling(links: u32) -> String {
    let mut text = "duration = \"1s\"\n".to_owned();
    for n in 0..links {
        let _ = write!(text, "[link.l{n}]\ndelay = \"1ms\"\nduplicate = \"100%\"\n");
    }
    let path: Vec<String> = (0..links).map(|n| format!("\"l{n}\"")).collect();
    let _ = write!(
        text,
        "[[clients]]\nname = \"x\"\npath = [{}]\napp = {{ kind = \"bulk\" }}\n",
        path.join(", ")
    );
    text
}

fn chat(rate: &str) -> String {
    format!(
        "duration = \"10s\"\n[link.w]\ndelay = \"1ms\"\nrate = \"1mbit\"\n[[clients]]\nname = \"talkers\"\ncount = 2\n\
         path = [\"w\"]\napp = {{ kind = \"chat\", rate = \"{rate}\" }}\n"
    )
}

#[test]
fn a_trial_that_fills_its_memory_ends_with_what_filled_it() {
    let dir = folder(&[("doubling.toml", &doubling(20)), ("chat.toml", &chat("1000000000/s"))]);
    for (file, mark) in [("doubling.toml", "link l1"), ("chat.toml", "most of group talkers")] {
        // The process may have more, but not much.
        let output = under(
            dir.path(),
            "ulimit -v 1500000;",
            &format!("run {file} --no-plots --jobs 1 --memory 128MiB"),
        );
        let text = err(&output);
        assert_eq!(output.status.code(), Some(1), "{file}: {text}");
        for mark in [mark, "134 MB", "cell 0, trial 0", "--memory"] {
            assert!(text.contains(mark), "{file}, {mark}: {text}");
        }
        // It is said before the run, too.
        let checked = err(&testbed(dir.path(), &["check", file]));
        assert!(checked.contains("warning") && checked.contains("memory"), "{checked}");
    }
}

#[test]
fn trials_finished_before_one_that_fills_its_memory_are_kept_and_their_results_do_not_depend_on_the_limit() {
    let text = doubling(20).replace("[[clients]]", "[sweep]\n\"duration\" = [\"10ms\", \"1s\"]\n[[clients]]");
    let dir = folder(&[("a.toml", &text.replace("delay = \"1ms\"", "delay = \"900us\""))]);
    let run = |out: &str, memory: &str| {
        testbed(dir.path(), &["run", "a.toml", "--no-plots", "--jobs", "1", "--memory", memory, "--out", out])
    };
    let output = run("small", "32MiB");
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(
        err(&output).contains("cell 1, trial 0") && err(&output).contains("1 of 2 trials"),
        "{}",
        err(&output)
    );
    assert_eq!(run("larger", "64MiB").status.code(), Some(1));
    let flows = |out: &str| std::fs::read(dir.path().join(out).join("flows.csv")).expect("a table");
    assert!(flows("small") == flows("larger"));
    assert!(dir.path().join("small/summary.csv").exists());
}

#[test]
fn few_files_threads_or_a_full_stderr_are_errors_and_no_panics() {
    let dir = folder(&[("a.toml", SOUND)]);
    for files in 4..20 {
        let output = under(dir.path(), &format!("ulimit -n {files};"), "run a.toml --no-plots -q --force");
        let text = err(&output);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{files}: {:?} {text}", output.status);
        assert!(output.status.success() || text.contains("ulimit -n"), "{files}: {text}");
    }
    for (words, code) in
        [("run a.toml --no-plots", 0), ("check a.toml", 0), ("run nothing.toml", 2), ("plot nothing", 2)]
    {
        let output = under(dir.path(), "exec 2>/dev/full;", words);
        assert_eq!(output.status.code(), Some(code), "{words}");
    }
    // Stacks for a thousand threads do not fit; as many as do, do the work.
    let output = under(dir.path(), "ulimit -v 1000000;", "run a.toml --no-plots -q --jobs 1024");
    assert!(!err(&output).contains("panicked"), "{}", err(&output));
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", err(&output));
}

#[test]
fn what_a_run_writes_is_said_before() {
    let axis: Vec<String> = (1..=24).map(|n| format!("\"{n}%\"")).collect();
    let many = format!(
        "{}[sweep]\n\"link.wire.loss\" = [{}]\n",
        SOUND.replace("2s", "600s").replace("name", "count = 40\nname"),
        axis.join(", ")
    );
    let asked = many.replace("[sweep]", "[record]\ninterval = \"10ms\"\n[sweep]");
    let dir = folder(&[("a.toml", SOUND), ("many.toml", &many), ("asked.toml", &asked)]);
    let check = |file: &str| {
        let output = testbed(dir.path(), &["check", file]);
        assert!(output.status.success(), "{}", err(&output));
        (String::from_utf8_lossy(&output.stdout).into_owned(), err(&output))
    };
    let (line, warnings) = check("a.toml");
    assert!(
        line.contains("1 cell of 1 trial") && line.contains("MB on disk") && line.contains("thread"),
        "{line}"
    );
    assert_eq!(warnings, "");
    // Nobody asked for many samples.
    let (line, warnings) = check("many.toml");
    assert!(line.contains("MB on disk") && warnings.is_empty(), "{line}{warnings}");
    let (line, warnings) = check("asked.toml");
    assert!(line.contains("GB on disk") && warnings.contains("record.interval"), "{line}{warnings}");
}

#[test]
fn a_run_writes_about_as_much_as_was_said() {
    let text = SOUND.replace("2s", "60s").replace("name", "count = 10\nname");
    let dir = folder(&[("a.toml", &text)]);
    let output = testbed(dir.path(), &["run", "a.toml", "--no-plots", "-q"]);
    assert!(output.status.success(), "{}", err(&output));
    let flows =
        std::fs::metadata(dir.path().join("results/a/series/0/trial-0/flows.csv")).expect("a file").len();
    // 90 bytes for each of ten flows at 6000 instants.
    let ratio = flows as f64 / (90.0 * 10.0 * 6000.0);
    assert!((0.8..1.2).contains(&ratio), "{flows} bytes, {ratio}");
}
