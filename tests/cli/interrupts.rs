//! A run ends within a second of the first signal, whatever it does; `check` ends, whatever a file is.

#![expect(clippy::disallowed_methods, reason = "signals come in real time")]

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Ten hours of a hundred gigabits without a queue: far longer than any test.
const LONG: &str = "duration = \"10h\"\ntrials = 3\n[link.a]\ndelay = \"1ms\"\nrate = \"100gbit\"\n\
                    [[clients]]\nname = \"x\"\npath = [\"a\"]\napp = { kind = \"bulk\" }\n\
                    [record]\ntrials = \"none\"\n";

fn testbed(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.current_dir(dir).args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Exit code, stderr and how long it took, of a program that has so long at most.
fn ended(command: &mut Command, within: Duration) -> (Option<i32>, String) {
    let started = Instant::now();
    let mut child = command.spawn().expect("the program runs");
    let status = loop {
        if let Some(status) = child.try_wait().expect("a status") {
            break status;
        }
        if started.elapsed() > within {
            child.kill().expect("it can be ended");
            panic!("{command:?} still runs after {within:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut text = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut text).expect("a text");
    (status.code(), text)
}

#[test]
fn a_trial_without_end_ends_within_a_second_of_a_signal() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("long.toml"), LONG).expect("written");
    for signal in ["-INT", "-TERM"] {
        let mut child =
            testbed(dir.path(), &["run", "long.toml", "--jobs", "2"]).spawn().expect("the program runs");
        std::thread::sleep(Duration::from_secs(2));
        assert!(child.try_wait().expect("a status").is_none(), "it runs");
        let pid = child.id().to_string();
        let sent = Instant::now();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
        let status = child.wait().expect("it ends");
        assert!(sent.elapsed() < Duration::from_secs(1), "{signal}: {:?}", sent.elapsed());
        assert_eq!(status.code(), Some(130), "{signal}");
    }
}

#[test]
fn a_check_ends_whatever_the_file_is() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    std::fs::create_dir(dir.path().join("folder")).expect("made");
    for (file, words) in [
        ("/dev/zero", "/dev/zero is too large for a scenario"),
        ("/dev/null", "/dev/null is empty"),
        ("pipe", "pipe cannot be read: it is a named pipe"),
        ("folder", "folder is a folder"),
        ("nothing", "there is no file nothing"),
    ] {
        let (code, text) = ended(&mut testbed(dir.path(), &["check", file]), Duration::from_secs(10));
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_check_reads_what_a_shell_hands_over() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("long.toml"), LONG).expect("written");
    let program = env!("CARGO_BIN_EXE_testbed");
    let script = format!("cat long.toml | '{program}' check /dev/stdin");
    let (code, text) = ended(
        Command::new("sh").current_dir(dir.path()).args(["-c", &script]).stderr(Stdio::piped()),
        Duration::from_secs(10),
    );
    assert_eq!(code, Some(0), "{text}");
}
