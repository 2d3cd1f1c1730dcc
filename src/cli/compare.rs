//! `testbed compare`: several result folders beside one another.

use std::path::PathBuf;

use clap::Args;

use super::output::{Failure, print};
use crate::report::{self, ReportError};
use crate::scenario;
use crate::tables::{Format, Study};

/// Compare result folders, in one table where they vary the same
#[derive(Debug, Args)]
pub struct Compare {
    /// Result folders
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Put the values of this axis below one another
    #[arg(long, value_name = "AXIS")]
    by: Option<String>,
    /// Set the first value of this axis against each other one, over pairs of trials with the same seed: difference,
    /// ratio, 95 % intervals and a verdict; `scenario` for the folders themselves
    #[arg(long, value_name = "AXIS", conflicts_with = "by")]
    paired: Option<String>,
    /// Form of the table: table, md, csv, json or latex
    #[arg(long, value_name = "FORM", default_value = "table")]
    format: Format,
}

impl Compare {
    /// Prints the table.
    pub fn execute(self) -> Result<(), Failure> {
        let stated = |study: &Study, key: &str| scenario::stated(&study.scenario, key);
        let (beside, doubts) = report::beside(&self.dirs, &stated)?;
        let known = beside.keys();
        for key in [&self.by, &self.paired].into_iter().flatten().filter(|key| !known.contains(key)) {
            return Err(ReportError::NoAxis { key: key.clone(), known }.into());
        }
        print(&match &self.paired {
            Some(key) => beside.paired(key, self.format),
            None => beside.side_by_side(self.by.as_deref(), self.format),
        })?;
        for doubt in doubts {
            eprintln!("warning: {doubt}");
        }
        Ok(())
    }
}
