//! What long-running commands log, and how many files they may open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing_subscriber::EnvFilter;

use super::output::{Failure, colour_on_stderr};

/// Sends the log to stderr: as text, or as one JSON object a line.
pub fn start(filter: &str, json: bool) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        let help = "write error, warn, info, debug, trace or TARGET=LEVEL, e. g. testbed::live=debug";
        Failure::usage(format!("--log {filter}: {error}"), help)
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        log.json().init();
    } else {
        log.with_ansi(colour_on_stderr()).init();
    }
    Ok(())
}

/// Lets this process open enough files for so many connections, if the system allows; says so if
/// it does not.
pub fn raise_open_files(connections: usize) {
    let wanted = connections as u64 + 64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let allowed = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum });
    if raised.is_err() || allowed < wanted {
        tracing::warn!(
            allowed = allowed.saturating_sub(64),
            wanted = connections,
            "the system allows fewer open files than connections were asked for; see ulimit -n"
        );
    }
}
