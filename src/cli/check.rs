//! `testbed check`: is a scenario sound, and how much is it?

use std::path::PathBuf;

use clap::Args;

use super::estimate;
use super::output::{Failure, load, print, processors};
use crate::scenario::Plan;
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
                    print(&format!(
                        "{}: sound. {} of {}; {}; {} of network each; {}\n",
                        file.display(),
                        plural(plan.cells() as u64, "cell"),
                        plural(plan.trials().into(), "trial"),
                        clients(&plan),
                        plan.base.duration,
                        estimate::in_words(&plan, processors()),
                    ))?;
                    estimate::warn_of_recording(&plan);
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

/// Number of clients of a cell: `24 clients`, or `22 to 50 clients` where that is swept.
fn clients(plan: &Plan) -> String {
    let (mut least, mut most) = (0, 0);
    for group in &plan.base.groups {
        let key = format!("clients.{}.count", group.name);
        let axis = plan.axes.iter().find(|axis| axis.key == key);
        let counts: Vec<u64> = match axis {
            Some(axis) => axis.values.iter().filter_map(|value| value.parse().ok()).collect(),
            None => vec![group.count.into()],
        };
        least += counts.iter().min().unwrap_or(&0);
        most += counts.iter().max().unwrap_or(&0);
    }
    let range = if least == most { String::new() } else { format!("{least} to ") };
    range + &plural(most, "client")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_over_the_cells() {
        let count = |sets: &[&str]| {
            let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
            let text = include_str!("../../scenarios/collapse.toml");
            clients(&Plan::parse("collapse.toml", text, &sets).expect("a sound scenario"))
        };
        assert_eq!(count(&["clients.far.count=[2, 30]"]), "22 to 50 clients");
        assert_eq!(count(&["clients.far.count=3"]), "23 clients");
    }
}
