//! `testbed probe`: tests a chat server from outside.

mod network;
mod results;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressFinish};

use super::network::{above_zero, host_and_port};
use super::output::{Failure, print};
use super::signals::interrupted;
use super::tls::ClientTls;
use crate::chat::protocol::Dialect;
use crate::live::client::Target;
use crate::live::clock::Clock;
use crate::live::probe::{Load, Outcome, connectivity, run};
use crate::time::Duration;
use network::Network;
use results::{export, export_file, results, table};

/// Test a chat server: does it let people in, how fast is it, does it lose anything
///
/// The load is open-loop: a text's latency counts from the instant at which it was meant to be said.
/// Ends with 1 if anything failed. Interrupted, it shows the tests that are finished.
#[derive(Debug, Args)]
pub struct Probe {
    /// Test to run
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
    /// Duration of the tests `throughput` and `simulation`
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = above_zero)]
    duration: Duration,
    /// Texts in the test `reliability`
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    messages: u32,
    /// Texts a second of the test `throughput` [default: 90; 45 in the dialect rooms]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Bytes of a text
    #[arg(long, value_name = "BYTES", default_value_t = 512)]
    size: usize,
    /// Admin port at which the test `simulation` sets 5% loss and 20 ms of delay, and restores the former values
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8889", value_parser = host_and_port)]
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
        let mut outcomes = Vec::new();
        let ended = runtime.block_on(self.until_interrupted(&target, &mut outcomes));
        // An administration port that is silent must not keep the program alive.
        runtime.shutdown_background();
        if outcomes.is_empty() {
            return ended;
        }
        let results = results(&target.address, &outcomes);
        if let Some(file) = &self.export {
            export(file, &results, &outcomes)?;
        }
        print(&if self.json { format!("{results:#}\n") } else { table(&outcomes) })?;
        ended?;
        let failed = outcomes.iter().filter(|outcome| outcome.failed()).count();
        if failed > 0 {
            return Err(Failure::other(format!("{failed} of {} tests failed", outcomes.len()), ""));
        }
        Ok(())
    }

    /// Runs the tests; whatever ends them, the server's network is as it was, and what is finished is kept.
    async fn until_interrupted(&self, target: &Target, outcomes: &mut Vec<Outcome>) -> Result<(), Failure> {
        let interrupted = interrupted(false)?;
        let mut network = Network::new(&self.admin);
        let result = tokio::select! {
            result = self.tests(target, &mut network, outcomes) => result,
            () = interrupted => Err(Failure::Interrupted),
        };
        network.restore().await.and(result)
    }

    async fn tests(
        &self,
        target: &Target,
        network: &mut Network,
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), Failure> {
        let clock = Clock::start();
        let wanted = |test| self.test == test || self.test == Test::All && test != Test::Simulation;
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
        let rates = Rates::of(target.dialect);
        let mut loads = Vec::new();
        if wanted(Test::Throughput) {
            let rate = self.rate.unwrap_or(rates.throughput);
            if let Some(paced) = rates.paced.filter(|&paced| rate >= paced) {
                eprintln!(
                    "note: {} is paced at {paced} texts a second; at {rate}, latency is that of the queue",
                    target.dialect.name()
                );
            }
            loads.push(pair("throughput", rate, texts(rate)));
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
            loads.push(pair("reliability", rates.reliability, self.messages));
        }
        for load in &loads {
            outcomes.push(measure(target, load, clock).await);
        }
        if wanted(Test::Simulation) {
            network.change(0.05, 0.02).await?;
            let load = pair("simulation", rates.simulation, texts(rates.simulation));
            outcomes.push(measure(target, &load, clock).await);
        }
        Ok(())
    }
}

/// Texts a second that leave no queue behind, where the server does its part.
struct Rates {
    throughput: u32,
    reliability: u32,
    simulation: u32,
    /// Most messages that the pacing of dialects without frames lets through.
    paced: Option<u32>,
}

impl Rates {
    fn of(dialect: &dyn Dialect) -> Rates {
        // A prompted text brings its author a prompt and a confirmation, and waits a round trip for the prompt.
        let is_prompted = dialect.client().manner().is_prompted;
        let (throughput, reliability, simulation) = if is_prompted { (45, 25, 4) } else { (90, 50, 20) };
        let each = dialect.pacing().saturating_mul(if is_prompted { 2 } else { 1 });
        let paced = 1_000_000_000u64.checked_div(each.as_nanos()).map(|rate| rate as u32);
        Rates { throughput, reliability, simulation, paced }
    }
}

async fn measure(target: &Target, load: &Load, clock: Clock) -> Outcome {
    let bar = ProgressBar::new(1).with_prefix(load.name.clone()).with_finish(ProgressFinish::AndClear);
    run(target, load, clock, |done, expected| {
        bar.set_length(expected);
        bar.set_position(done);
    })
    .await
}
