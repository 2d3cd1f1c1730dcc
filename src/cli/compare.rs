//! `testbed compare`: several result folders beside one another.

use std::path::PathBuf;

use clap::Args;

use super::output::{Failure, print};
use crate::report;

/// Compare result folders, in one table where they vary the same
#[derive(Debug, Args)]
pub struct Compare {
    /// Result folders
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Put the values of this axis below one another
    #[arg(long, value_name = "AXIS")]
    by: Option<String>,
}

impl Compare {
    /// Prints the table.
    pub fn execute(self) -> Result<(), Failure> {
        let (text, doubts) = report::compare(&self.dirs, self.by.as_deref())?;
        print(&text)?;
        for doubt in doubts {
            eprintln!("warning: {doubt}");
        }
        Ok(())
    }
}
