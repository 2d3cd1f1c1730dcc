//! `testbed bench`: how fast the simulator is here. Seconds depend on the machine, so each workload
//! is also set against a fixed loop that runs in the same minute.

use clap::Args;
use cpu_time::ProcessTime;

use super::output::{Failure, print};
use crate::facts::Outcome;
use crate::scenario::{Plan, build};

/// Measure the simulator's speed on this machine
#[derive(Debug, Args)]
pub struct Bench {
    /// Only these workloads: w1, w1d, w2, w3, w4, w5
    workloads: Vec<String>,
    /// Only this loss recovery; both if not given
    #[arg(long, value_parser = RECOVERIES)]
    recovery: Option<String>,
    /// Runs of each; the fastest counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Sample every 10 ms, as `testbed run` does
    #[arg(long)]
    record: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The scenarios name the first.
const RECOVERIES: [&str; 2] = ["sack", "rack"];

/// Name and scenario of each workload.
const WORKLOADS: [(&str, &str); 6] = [
    ("w1", include_str!("../../benches/workloads/w1.toml")),
    ("w1d", include_str!("../../benches/workloads/w1d.toml")),
    ("w2", include_str!("../../benches/workloads/w2.toml")),
    ("w3", include_str!("../../benches/workloads/w3.toml")),
    ("w4", include_str!("../../benches/workloads/w4.toml")),
    ("w5", include_str!("../../benches/workloads/w5.toml")),
];

/// One workload's result.
#[derive(Debug, serde::Serialize)]
struct Figure {
    workload: &'static str,
    recovery: &'static str,
    title: String,
    cpu_s: f64,
    packets: u64,
    ns_per_packet: f64,
    goodput_mbit: f64,
    simulated_s: f64,
    /// CPU time in units of a fixed loop of a hundred million steps.
    loops: f64,
}

impl Bench {
    /// Runs the workloads one by one, on one core.
    pub fn execute(self) -> Result<(), Failure> {
        if let Some(unknown) = self.workloads.iter().find(|name| WORKLOADS.iter().all(|(n, _)| n != name)) {
            let known: Vec<&str> = WORKLOADS.iter().map(|(name, _)| *name).collect();
            return Err(Failure::usage(
                format!("there is no workload \"{unknown}\""),
                format!("choose from {}", known.join(", ")),
            ));
        }
        let mut figures = Vec::new();
        if !self.json {
            print("workload  recovery   cpu s   packets  ns/packet  goodput Mbit/s  loops\n")?;
        }
        let wanted = |name: &str| self.workloads.is_empty() || self.workloads.iter().any(|one| one == name);
        for (name, text) in WORKLOADS.into_iter().filter(|(name, _)| wanted(name)) {
            for recovery in RECOVERIES {
                if self.recovery.as_deref().is_some_and(|chosen| chosen != recovery) {
                    continue;
                }
                let figure = self.measure(name, recovery, text)?;
                if !self.json {
                    print(&figure.line())?;
                }
                figures.push(figure);
            }
        }
        if self.json {
            let text =
                serde_json::to_string_pretty(&serde_json::json!({ "schema": 1, "workloads": figures }));
            print(&format!("{}\n", text.expect("figures are JSON")))?;
        }
        Ok(())
    }

    fn measure(&self, name: &'static str, recovery: &'static str, text: &str) -> Result<Figure, Failure> {
        let mut sets = vec![format!("tcp.recovery={recovery}")];
        if self.record {
            sets.push("record.trials=first".to_owned());
        }
        let plan = Plan::parse(name, text, &sets)?;
        let scenario = plan.scenario(0)?;
        let mut best = f64::INFINITY;
        let mut yardstick = f64::INFINITY;
        let mut packets = 0;
        let mut goodput_mbit = 0.0;
        for _ in 0..self.runs {
            yardstick = yardstick.min(fixed_loop());
            let started = ProcessTime::now();
            let mut world = build(&scenario, plan.trial(0, 0));
            let outcome = world.run(&mut || true).expect("nobody stops it");
            best = best.min(started.elapsed().as_secs_f64());
            packets = world.packets();
            goodput_mbit = goodput(&outcome);
        }
        Ok(Figure {
            workload: name,
            recovery,
            title: scenario.title.clone(),
            cpu_s: best,
            packets,
            ns_per_packet: best * 1e9 / packets as f64,
            goodput_mbit,
            simulated_s: scenario.duration.as_secs_f64(),
            loops: best / yardstick,
        })
    }
}

impl Figure {
    fn line(&self) -> String {
        format!(
            "{:8}  {:8} {:7.3} {:9} {:10.1} {:15.2} {:6.2}\n",
            self.workload,
            self.recovery,
            self.cpu_s,
            self.packets,
            self.ns_per_packet,
            self.goodput_mbit,
            self.loops
        )
    }
}

fn goodput(outcome: &Outcome) -> f64 {
    let bytes: u64 =
        outcome.flows.iter().flat_map(|f| f.directions.iter().flatten()).map(|d| d.bytes_delivered).sum();
    bytes as f64 * 8e-6 / outcome.measured.as_secs_f64()
}

/// CPU seconds of a hundred million dependent steps of a generator.
fn fixed_loop() -> f64 {
    let started = ProcessTime::now();
    let mut x = 1u64;
    for _ in 0..100_000_000u32 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    std::hint::black_box(x);
    started.elapsed().as_secs_f64()
}
