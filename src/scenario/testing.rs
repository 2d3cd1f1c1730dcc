//! Common parts of this module's tests: a sound scenario, and the problems of unsound ones.

use super::kind::Key;
use super::problem::{Problem, ScenarioError, Severity};
use super::{Plan, Scenario};

/// A scenario without faults. Its lines are numbered for the tests that damage it.
pub const SOUND: &str = r#"duration = "10s"
warmup = "1s"
[link.access]
delay = "10ms"
loss = "1%"
[link.bottleneck]
rate = "10mbit"
delay = "5ms"
queue = "1bdp"
[tcp]
mss = 1448
[[clients]]
name = "upload"
count = 2
path = ["access", "bottleneck"]
app = { kind = "bulk" }
[[clients]]
name = "people"
path = ["bottleneck"]
app = { kind = "chat", rate = "1/s" }
"#;

/// [`SOUND`] with `old` replaced.
pub fn with(old: &str, new: &str) -> String {
    assert!(SOUND.contains(old), "{old}");
    SOUND.replacen(old, new, 1)
}

/// [`SOUND`] with further lines, from line 21.
pub fn and(more: &str) -> String {
    format!("{SOUND}{more}")
}

/// Reads a file that a shipped scenario names.
pub fn shipped(name: &str) -> std::io::Result<Vec<u8>> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name))
}

/// The plan of a text without errors.
pub fn plan(text: &str) -> Plan {
    Plan::parse_with("dir/test.toml", text, &[], &mut shipped).unwrap_or_else(|error| panic!("{error}"))
}

/// The scenario of a text without errors and axes.
pub fn scenario(text: &str) -> Scenario {
    plan(text).base
}

/// The errors of a text that has some.
pub fn errors(text: &str, sets: &[&str]) -> (ScenarioError, Vec<Problem>) {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let error = Plan::parse("dir/test.toml", text, &sets).expect_err("the text has errors");
    let errors =
        error.problems.iter().filter(|problem| problem.severity == Severity::Error).cloned().collect();
    (error, errors)
}

/// Asserts that `text` has exactly one error, at `at` in `line`, and what it says.
#[track_caller]
pub fn refused(text: &str, line: usize, at: &str, says: &str, mend: &str) {
    let (error, found) = errors(text, &[]);
    assert_eq!(found.len(), 1, "{error}");
    expect(&error, &found[0], line, at, says, mend);
}

/// Asserts the same of the one error of `--set` arguments to [`SOUND`].
#[track_caller]
pub fn set_refused(set: &str, at: &str, says: &str, mend: &str) {
    let (error, found) = errors(SOUND, &[set]);
    assert_eq!(found.len(), 1, "{error}");
    expect(&error, &found[0], 1, at, says, mend);
}

#[track_caller]
fn expect(error: &ScenarioError, problem: &Problem, line: usize, at: &str, says: &str, mend: &str) {
    assert_eq!(error.texts.line(problem.place), line, "{error}");
    assert_eq!(error.texts.at(problem.place), at, "{error}");
    assert!(problem.message.contains(says), "{error}");
    assert!(problem.help.contains(mend), "{error}");
}

/// The lines that say explicitly what holds without them.
pub fn defaults(keys: &[&Key]) -> String {
    let line = |key: &&Key| key.default.as_ref().map(|value| format!("{} = {value}\n", key.name));
    keys.iter().filter_map(line).collect()
}
