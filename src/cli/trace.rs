//! `testbed trace`: synthetic traces in mahimahi's format.

use std::fmt::Write as _;

use clap::Args;

use super::output::{Failure, print};
use crate::link::synthetic::{KINDS, Kind, MOST};
use crate::rng::Seed;
use crate::time::Duration;
use crate::units::Rate;

/// Print a synthetic cellular trace, for `rate = { trace = "…" }` and for mahimahi
///
/// One line for each 1500 bytes that may leave: milliseconds since the start. The rate wanders around its
/// mean as Sprout's model does, and outages let nothing through; the same arguments give the same trace.
#[derive(Debug, Args)]
pub struct Trace {
    /// Kind of link: lte, umts or constant
    #[arg(long, default_value = "lte", value_parser = kind)]
    kind: &'static Kind,
    /// Mean rate
    #[arg(long, value_name = "RATE", default_value = "12mbit")]
    mean: Rate,
    /// Seed of the chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Length, after which a link repeats it
    #[arg(long, value_name = "TIME", default_value = "60s")]
    duration: Duration,
}

fn kind(name: &str) -> Result<&'static Kind, String> {
    let names = || KINDS.iter().map(|kind| format!("{} ({})", kind.name, kind.summary));
    Kind::by_name(name).ok_or_else(|| format!("choose from {}", names().collect::<Vec<_>>().join("; ")))
}

impl Trace {
    /// Prints it.
    pub fn execute(self) -> Result<(), Failure> {
        let times = self.kind.trace(self.mean, Seed(self.seed), self.duration).ok_or_else(|| {
            Failure::usage(
                format!(
                    "{} for {} is no trace of 1 to {MOST} opportunities of 1500 bytes",
                    self.mean, self.duration
                ),
                "choose another --mean or --duration",
            )
        })?;
        let mut text = String::with_capacity(7 * times.len());
        for time in times {
            let _ = writeln!(text, "{time}");
        }
        print(&text)
    }
}
