//! `testbed completions`: scripts for shells.

use clap::Args;
use clap_complete::{Shell, generate};

use super::output::{Failure, print};

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub fn execute(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut super::definition(), "testbed", &mut script);
        print(&String::from_utf8_lossy(&script))
    }
}
