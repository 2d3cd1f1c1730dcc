//! Log of long-running commands, and their limit of open files.

use std::fmt::{self, Display};
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;

use chrono::Local;
use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{MakeWriter, layer};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

use super::output::{Failure, colour_on_stderr};
use super::system;
use crate::live::admin::Tail;

/// Bytes of a log's file, beyond which another begins, and files that are kept beside it.
const FILE: usize = 10 << 20;
const FILES: usize = 5;

/// Sends the log to stderr and to `file`, if there is one: as text, or as one JSON object a line. Returns its end, which
/// is always text.
pub fn start(filter: &str, json: bool, file: Option<&Path>) -> Result<Tail, Failure> {
    let bad = |problem: &dyn Display| {
        let help = "write off, error, warn, info, debug, trace or TARGET=LEVEL, e. g. testbed::live=debug";
        Failure::usage(format!("--log {filter}: {problem}"), help)
    };
    if let Some(word) = filter.split(',').find(|word| is_slip(word.trim())) {
        return Err(bad(&format!("there is no level '{}'", word.trim())));
    }
    let filter: Targets = filter.replace(' ', "").parse().map_err(|error| bad(&error))?;
    let tail = Tail::default();
    let shown = tail.clone();
    let mut outputs =
        vec![output(std::io::stderr, json, colour_on_stderr()), output(move || shown.clone(), false, false)];
    if let Some(path) = file {
        // The rotation itself would go on in silence.
        if let Err(error) = OpenOptions::new().append(true).create(true).open(path) {
            let problem = format!("cannot log into {}: {error}", path.display());
            return Err(Failure::other(problem, "name a file that can be written with --log-file FILE"));
        }
        outputs.push(output(Mutex::new(rotated(path, FILE)), json, false));
    }
    tracing_subscriber::registry().with(outputs).with(filter).init();
    Ok(tail)
}

/// A file that another follows beyond so many bytes.
fn rotated(path: &Path, bytes: usize) -> FileRotate<AppendCount> {
    let limit = ContentLimit::BytesSurpassed(bytes);
    FileRotate::new(path, AppendCount::new(FILES), limit, Compression::None, None)
}

/// One of the places that a log goes to.
fn output<W>(writer: W, json: bool, colour: bool) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // A log that cannot be written is no reason to end.
    let output = layer().with_writer(writer).with_timer(LocalTime).log_internal_errors(false);
    if json { output.json().boxed() } else { output.with_ansi(colour).boxed() }
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
    !is_level && !word.contains('=') && !word.starts_with(env!("CARGO_PKG_NAME"))
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_log_goes_on_in_another_file_and_the_oldest_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        std::fs::write(&path, "begun before\n").expect("a file");
        let mut log = rotated(&path, 20);
        for n in 10..30 {
            writeln!(log, "line {n}").expect("a line");
        }
        drop(log);
        let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).ok();
        assert!(text("log").is_some_and(|text| text.ends_with("line 29\n") && text.len() < 40));
        let kept: Vec<bool> = (1..=6).map(|n| text(&format!("log.{n}")).is_some()).collect();
        assert_eq!(kept, [true, true, true, true, true, false]);
        let all: String = ["log.2", "log.1", "log"].into_iter().filter_map(text).collect();
        assert!(all.contains("line 26\nline 27\nline 28\nline 29\n"), "{all}");
    }
}
