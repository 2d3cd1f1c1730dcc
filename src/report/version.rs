//! Program that made a result: its version, its revision, the number of its results, and the circumstances of a run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ReportError;
use super::disk::Fingerprint;

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that a release build was made from, with `+` if files were changed since; empty outside a
/// clone and in debug builds.
pub const REVISION: &str = env!("TESTBED_REVISION");

/// Raised whenever the same scenario and seed give other bytes than before, so that trials from before
/// and after are never parts of one run. 1: the first that is counted; 2: losses that were repaired already
/// begin another episode; 3: the timeout of delayed acknowledgments adapts in profile `linux`; 4: axes with units
/// have columns of numbers, and behind a queue with a discipline a delay is judged by the setting that it was drawn under;
/// 5: a repeated SYN is answered with the SYN-ACK, and series have the columns of cell, trial and axes;
/// 7: cells in tables have no leading zeros; 8: selective acknowledgments are compressed in profile `linux`, and growth after a timeout
/// without SACK is Linux's; 9: a write goes on with a third of the send buffer free, and one that waits for a full buffer does not
/// limit the rate.
pub const RESULTS: u32 = 10;

/// `0.2.0 (abc1234)`, or the version alone.
pub fn named(version: &str, revision: &str) -> String {
    if revision.is_empty() { version.to_owned() } else { format!("{version} ({revision})") }
}

/// A program with controllers of its own, whose version says nothing of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
}

impl Program {
    /// The program in a file.
    pub fn of(file: &Path) -> Result<Program, ReportError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(std::env::consts::EXE_SUFFIX).unwrap_or(&name).to_owned();
        Ok(Program { name, sha256: Fingerprint::of_file(file)?.sha256 })
    }
}

/// The circumstances of a run, for the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Time at which it began, as the reader shall see it (RFC 3339 suggests itself).
    pub started: String,
    /// The command line that repeats it.
    pub command: String,
    /// The scenario file, as far as other machines know it.
    pub file: String,
    /// The scenario file, from the root of this machine's files.
    pub source: PathBuf,
    /// Processors of the machine.
    pub cpus: usize,
    /// The program, if it has controllers of its own.
    pub program: Option<Program>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_names_its_revision_if_it_has_one() {
        assert_eq!(named("0.2.0", "abc1234+"), "0.2.0 (abc1234+)");
        assert_eq!(named("0.2.0", ""), "0.2.0");
    }
}
