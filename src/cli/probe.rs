//! `testbed probe`: tests a chat server from outside.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::network::host_and_port;
use super::output::{Failure, print, printable};
use super::tls::ClientTls;
use crate::live::admin::ask;
use crate::live::client::Target;
use crate::live::clock::Clock;
use crate::live::probe::{Load, Outcome, connectivity, run};
use crate::time::Duration;

/// Test a chat server: does it let people in, how fast is it, does it lose anything
///
/// The load is open-loop: a text's latency counts from the instant at which it was meant to be said.
/// Ends with 1 if anything failed.
#[derive(Debug, Args)]
pub struct Probe {
    /// What to test
    #[arg(value_enum, default_value_t = Test::All)]
    test: Test,
    /// The server [default: the dialect's usual port of 127.0.0.1]
    #[arg(long, value_name = "ADDR", value_parser = host_and_port)]
    address: Option<String>,
    #[command(flatten)]
    tls: ClientTls,
    /// The dialect to speak
    #[arg(long, value_name = "NAME", default_value = "reliable")]
    dialect: String,
    /// People in the test `concurrent`
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    clients: u32,
    /// How long the tests `throughput` and `simulation` last
    #[arg(long, value_name = "TIME", default_value = "5s")]
    duration: Duration,
    /// Texts in the test `reliability`
    #[arg(long, value_name = "N", default_value_t = 100)]
    messages: u32,
    /// Texts a second of the test `throughput`
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Bytes of a text
    #[arg(long, value_name = "BYTES", default_value_t = 512)]
    size: usize,
    /// Where the test `simulation` sets 5% loss and 20 ms of delay
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8889")]
    admin: String,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
    /// Write the results to a file, by its name .json or .csv
    #[arg(long, value_name = "FILE", value_parser = export_file)]
    export: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Test {
    /// Ten connections, one after the other
    Connectivity,
    /// One person speaks, one listens
    Throughput,
    /// Many people speak at once
    Concurrent,
    /// Does every text arrive, once
    Reliability,
    /// The same over a lossy network, which it sets through the administration port
    Simulation,
    /// All of these but simulation
    All,
}

impl Probe {
    /// Runs the tests one after the other.
    pub fn execute(self) -> Result<(), Failure> {
        let target = self.tls.target(self.address.as_deref(), &self.dialect)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::other(format!("cannot start: {error}"), ""))?;
        let outcomes = runtime.block_on(self.tests(&target))?;
        let results = results(&target.address, &outcomes);
        if let Some(file) = &self.export {
            export(file, &results, &outcomes)?;
        }
        print(&if self.json { format!("{results:#}\n") } else { table(&outcomes) })?;
        let failed =
            outcomes.iter().filter(|outcome| outcome.success() < 1.0 || outcome.duplicates > 0).count();
        if failed > 0 {
            return Err(Failure::other(format!("{failed} of {} tests failed", outcomes.len()), ""));
        }
        Ok(())
    }

    async fn tests(&self, target: &Target) -> Result<Vec<Outcome>, Failure> {
        let clock = Clock::start();
        let wanted = |test| self.test == test || self.test == Test::All && test != Test::Simulation;
        let mut outcomes = Vec::new();
        if wanted(Test::Connectivity) {
            outcomes.push(connectivity(target, 10, clock).await);
        }
        let every = |rate: u32| Duration::from_nanos(1_000_000_000 / u64::from(rate));
        let texts = |rate: u32| (self.duration.as_secs_f64() * f64::from(rate)).ceil() as u32;
        let pair = |name: &str, rate: u32, texts: u32| Load {
            name: name.to_owned(),
            clients: 2,
            speakers: 1,
            texts,
            every: every(rate),
            size: self.size,
        };
        let mut loads = Vec::new();
        if wanted(Test::Throughput) {
            loads.push(pair("throughput", self.rate, texts(self.rate)));
        }
        if wanted(Test::Concurrent) {
            // Half as many texts a second each as the pacing of the slowest dialect allows in all.
            let each = Duration::from_millis(20 * u64::from(self.clients));
            let name = format!("concurrent {}", self.clients);
            let all = Load {
                name,
                clients: self.clients,
                speakers: self.clients,
                texts: 20,
                every: each,
                size: self.size,
            };
            loads.push(all);
        }
        if wanted(Test::Reliability) {
            loads.push(pair("reliability", 50, self.messages));
        }
        for load in &loads {
            outcomes.push(measure(target, load, clock).await);
        }
        if wanted(Test::Simulation) {
            self.simulate(0.05, 0.02)?;
            let outcome = measure(target, &pair("simulation", 20, texts(20)), clock).await;
            self.simulate(0.0, 0.0)?;
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    fn simulate(&self, loss: f64, delay: f64) -> Result<(), Failure> {
        let help = "start the server with `testbed serve --loss 0%`, and name its port with --admin";
        let failed = |problem: String| Failure::other(format!("cannot change the network: {problem}"), help);
        let mut admin = std::net::TcpStream::connect(&self.admin)
            .map_err(|error| failed(format!("{}: {error}", self.admin)))?;
        let mut request =
            json!({ "command": "set_network_sim", "params": { "packet_loss_rate": loss, "delay": delay } });
        if let Ok(token) = std::env::var("TESTBED_ADMIN_TOKEN") {
            request["token"] = json!(token);
        }
        let reply = ask(&mut admin, &request).map_err(|error| failed(error.to_string()))?;
        reply["error"].as_str().map_or(Ok(()), |error| Err(failed(error.to_owned())))
    }
}

async fn measure(target: &Target, load: &Load, clock: Clock) -> Outcome {
    let bar = ProgressBar::new(1).with_prefix(load.name.clone());
    let outcome = run(target, load, clock, |done, expected| {
        bar.set_length(expected);
        bar.set_position(done);
    })
    .await;
    bar.finish_and_clear();
    outcome
}

fn milliseconds(outcome: &Outcome, quantile: f64) -> Option<f64> {
    (!outcome.latency.is_empty()).then(|| outcome.latency.value_at_quantile(quantile) as f64 / 1e3)
}

fn table(outcomes: &[Outcome]) -> String {
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
fn results(address: &str, outcomes: &[Outcome]) -> Value {
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
fn export_file(text: &str) -> Result<PathBuf, String> {
    let file = PathBuf::from(text);
    let known = file.extension().is_some_and(|kind| kind == "csv" || kind == "json");
    if known { Ok(file) } else { Err("the name ends in .json or .csv".to_owned()) }
}

fn export(file: &Path, results: &Value, outcomes: &[Outcome]) -> Result<(), Failure> {
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
