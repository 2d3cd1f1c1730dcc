//! Which program made a result: its version, its revision, and the number of its results.

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that a release build was made from, with `+` if files were changed since; empty outside a
/// clone and in debug builds.
pub const REVISION: &str = env!("TESTBED_REVISION");

/// Raised whenever the same scenario and seed give other bytes than before, so that trials from before
/// and after are never parts of one run. 1: the first that is counted.
pub const RESULTS: u32 = 1;

/// `0.2.0 (abc1234)`, or the version alone.
pub fn named(version: &str, revision: &str) -> String {
    if revision.is_empty() { version.to_owned() } else { format!("{version} ({revision})") }
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
