//! Tells the program the revision that it is built from: `abc1234`, `abc1234+` with changes that are not committed,
//! nothing outside a clone of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A debug build is a developer's: one that followed each commit would be compiled anew after it.
    let released = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let revision = if released { revision().unwrap_or_default() } else { String::new() };
    println!("cargo::rustc-env=TESTBED_REVISION={revision}");
}

fn revision() -> Option<String> {
    // A copy inside of another project's repository has none of its own.
    let top = PathBuf::from(git(&["rev-parse", "--show-toplevel"])?);
    if top.canonicalize().ok()? != std::env::current_dir().ok()?.canonicalize().ok()? {
        return None;
    }
    let [log, head] = ["logs/HEAD", "HEAD"].map(|file| git(&["rev-parse", "--git-path", file]));
    let (log, head) = (log?, head?);
    let sources = ["src", "benches/workloads", "build.rs", "Cargo.toml", "Cargo.lock"];
    // A file that is not there would count as changed at each build.
    for file in
        sources.into_iter().chain([log.as_str(), head.as_str()]).filter(|file| Path::new(file).exists())
    {
        println!("cargo::rerun-if-changed={file}");
    }
    let commit = git(&["rev-parse", "--short=7", "HEAD"])?;
    let status = ["--no-optional-locks", "status", "--porcelain", "--untracked-files=no", "--"];
    let changed = git(&[status.as_slice(), sources.as_slice()].concat())?;
    Some(if changed.is_empty() { commit } else { commit + "+" })
}

fn git(arguments: &[&str]) -> Option<String> {
    // A hook of another repository names that one.
    let output = Command::new("git")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .args(arguments)
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
