//! Results of `probe`, as a table, as JSON and as CSV.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::cli::output::{Failure, printable};
use crate::live::probe::Outcome;

fn milliseconds(outcome: &Outcome, quantile: f64) -> Option<f64> {
    (!outcome.latency.is_empty()).then(|| outcome.latency.value_at_quantile(quantile) as f64 / 1e3)
}

/// Result of each test, for people.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut text = format!(
        "{:<16} {:>15} {:>9} {:>9} {:>9} {:>9} {:>10}\n",
        "test", "succeeded", "p50 ms", "p99 ms", "max ms", "a second", "seconds"
    );
    for outcome in outcomes {
        let time = |quantile| milliseconds(outcome, quantile).map_or("-".to_owned(), |ms| format!("{ms:.2}"));
        let share = format!("{} of {}", outcome.succeeded, outcome.expected);
        let rate = outcome.succeeded as f64 / outcome.seconds.max(1e-9);
        let _ = writeln!(
            text,
            "{:<16} {share:>15} {:>9} {:>9} {:>9} {rate:>9.1} {:>10.2}",
            outcome.name,
            time(0.5),
            time(0.99),
            time(1.0),
            outcome.seconds
        );
        if outcome.duplicates > 0 {
            let _ = writeln!(text, "  {} texts were heard twice", outcome.duplicates);
        }
        for problem in &outcome.problems {
            let _ = writeln!(text, "  {}", printable(problem));
        }
    }
    text
}

/// The members of program 0's export, with ours beside them.
pub fn results(address: &str, outcomes: &[Outcome]) -> Value {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let result = |outcome: &Outcome| {
        json!({
            "test_name": outcome.name,
            "success_rate": outcome.success() * 100.0,
            "avg_latency_ms": (!outcome.latency.is_empty()).then(|| outcome.latency.mean() / 1e3),
            "p50_latency_ms": milliseconds(outcome, 0.5),
            "p99_latency_ms": milliseconds(outcome, 0.99),
            "max_latency_ms": milliseconds(outcome, 1.0),
            "throughput_bps": outcome.bytes as f64 / outcome.seconds.max(1e-9),
            "packet_loss_rate": 1.0 - outcome.success(),
            "total_messages": outcome.expected,
            "successful_messages": outcome.succeeded,
            "failed_messages": outcome.expected.saturating_sub(outcome.succeeded),
            "duplicates": outcome.duplicates,
            "test_duration_seconds": outcome.seconds,
            "problems": outcome.problems,
        })
    };
    json!({
        "test_timestamp": now(),
        "server_host": host,
        "server_port": port.parse::<u16>().ok(),
        "results": outcomes.iter().map(result).collect::<Vec<_>>(),
    })
}

#[expect(clippy::disallowed_methods, reason = "an export says when it was made")]
fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// Tables are CSV, all else is JSON; a name that says neither is a slip of the pen.
pub fn export_file(text: &str) -> Result<PathBuf, String> {
    let file = PathBuf::from(text);
    let known = file.extension().is_some_and(|kind| kind == "csv" || kind == "json");
    if known { Ok(file) } else { Err("the name ends in .json or .csv".to_owned()) }
}

/// Writes results where the person wants them.
pub fn export(file: &Path, results: &Value, outcomes: &[Outcome]) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::other(format!("cannot write {}: {error}", file.display()), "name another file with --export")
    };
    if file.extension().is_some_and(|extension| extension == "csv") {
        let mut table = csv::Writer::from_path(file).map_err(|error| failed(&error))?;
        let head = ["test", "expected", "succeeded", "duplicates", "p50_ms", "p99_ms", "max_ms", "seconds"];
        table.write_record(head).map_err(|error| failed(&error))?;
        for outcome in outcomes {
            let time =
                |quantile| milliseconds(outcome, quantile).map(|ms| ms.to_string()).unwrap_or_default();
            let row = [
                outcome.name.clone(),
                outcome.expected.to_string(),
                outcome.succeeded.to_string(),
                outcome.duplicates.to_string(),
                time(0.5),
                time(0.99),
                time(1.0),
                outcome.seconds.to_string(),
            ];
            table.write_record(row).map_err(|error| failed(&error))?;
        }
        return table.flush().map_err(|error| failed(&error));
    }
    std::fs::write(file, format!("{results:#}\n")).map_err(|error| failed(&error))
}
