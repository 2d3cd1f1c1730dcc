//! Default limit of the memory of trials.

use std::fs;

use crate::units::Bytes;

/// Memory assumed where the system does not tell.
const UNKNOWN: u64 = 4 << 30;

/// More than any trial needs that does what its author meant.
const MOST: u64 = 2 << 30;

/// The share of a trial where `jobs` run at once: a quarter of the machine's memory, or of what this
/// process is allowed, for all of them, and at most 2 GiB. The rest is for what waits to be written, for
/// what the estimate does not count, and for other programs.
pub fn share(jobs: usize) -> Bytes {
    let version_1 = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
    let limits = [machine(), group("/sys/fs/cgroup/memory.max"), group(version_1)];
    let least = limits.into_iter().flatten().min().unwrap_or(UNKNOWN);
    Bytes((least / 4 / jobs.max(1) as u64).min(MOST))
}

/// The machine's memory (proc(5), meminfo).
fn machine() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The limit of this process's control group: a container's (version 2 says `max` for none, version 1 a
/// number beyond all machines).
fn group(file: &str) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}
