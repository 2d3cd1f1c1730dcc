//! Log of long-running commands, and their limit of open files.

use std::fmt::{self, Display};

use chrono::Local;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use super::output::{Failure, colour_on_stderr};
use super::system;

/// Sends the log to stderr: as text, or as one JSON object a line.
pub fn start(filter: &str, json: bool) -> Result<(), Failure> {
    let bad = |problem: &dyn Display| {
        let help = "write off, error, warn, info, debug, trace or TARGET=LEVEL, e. g. testbed::live=debug";
        Failure::usage(format!("--log {filter}: {problem}"), help)
    };
    if let Some(word) = filter.split(',').find(|word| is_slip(word.trim())) {
        return Err(bad(&format!("there is no level '{}'", word.trim())));
    }
    let filter = EnvFilter::try_new(filter).map_err(|error| bad(&error))?;
    // A log that cannot be written is no reason to end.
    let log = (tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr))
        .with_timer(LocalTime)
        .log_internal_errors(false);
    if json {
        log.json().init();
    } else {
        log.with_ansi(colour_on_stderr()).init();
    }
    Ok(())
}

/// Local time to the millisecond, with its distance from UTC: `2026-01-31T13:00:00.250+01:00`.
struct LocalTime;

impl FormatTime for LocalTime {
    fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
        write!(out, "{}", Local::now().format("%Y-%m-%dT%H:%M:%S%.3f%:z"))
    }
}

/// True if a word that should be a level is none. The filter would take it for the name of a module that
/// nobody has, and log nothing.
fn is_slip(word: &str) -> bool {
    let is_level = word.is_empty() || word.parse::<LevelFilter>().is_ok();
    !is_level && !word.contains(['=', '[']) && !word.starts_with(env!("CARGO_PKG_NAME"))
}

/// Lets this process open so many sockets, if the system allows; says so if it does not. Returns how many
/// it may open.
pub fn raise_open_files(sockets: usize) -> usize {
    /// Files that are no connection's.
    const OTHERS: u64 = 64;
    let wanted = sockets as u64 + OTHERS;
    let limit = system::raise_open_files(wanted);
    if limit >= wanted {
        return sockets;
    }
    let allowed = (limit - OTHERS.min(limit / 2)) as usize;
    tracing::warn!(
        allowed,
        wanted = sockets,
        "the system allows fewer open sockets than were asked for; see ulimit -n"
    );
    allowed
}
