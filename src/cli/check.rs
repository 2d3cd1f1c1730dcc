//! `testbed check`: is a scenario sound, and how much is it?

use std::path::PathBuf;

use clap::Args;

use super::output::{Failure, load, print};
use crate::units::plural;

/// Validate scenarios without running them
#[derive(Debug, Args)]
pub struct Check {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Override a key of the scenario, e. g. link.access.loss=20%
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

impl Check {
    /// Checks all files; every sound one gets a line, the first faulty one ends it.
    pub fn execute(self) -> Result<(), Failure> {
        let mut faulty = None;
        for file in &self.files {
            match load(file, &self.sets) {
                Ok((plan, _)) => {
                    let clients: u64 = plan.base.groups.iter().map(|group| u64::from(group.count)).sum();
                    print(&format!(
                        "{}: sound. {} of {}; {}; {} of network each\n",
                        file.display(),
                        plural(plan.cells() as u64, "cell"),
                        plural(plan.trials().into(), "trial"),
                        plural(clients, "client"),
                        plan.base.duration,
                    ))?;
                }
                Err(failure) if faulty.is_none() => faulty = Some(failure),
                Err(failure) => {
                    failure.report();
                }
            }
        }
        faulty.map_or(Ok(()), Err)
    }
}
