//! `testbed plot`: the pictures and the page again, from the tables alone.

use std::path::PathBuf;

use clap::Args;

use super::output::{Failure, print};
use crate::report;

/// Draw the pictures of result folders again
///
/// Writes each picture as .svg and as .png, and report.html anew, from the tables alone. Prints the paths of the
/// pictures that the page shows.
#[derive(Debug, Args)]
pub struct Plot {
    /// Result folders
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Draw from files that were changed since the run wrote them, and say so on the page; a changed summary.csv
    /// is computed anew
    #[arg(long)]
    force: bool,
}

impl Plot {
    /// Draws, and names the pictures that the page has.
    pub fn execute(self) -> Result<(), Failure> {
        for dir in &self.dirs {
            let report = report::plot(dir, self.force)?;
            for warning in report.warnings.iter().filter(|warning| warning.cells.is_empty()) {
                eprintln!("warning: {}: {warning}", dir.display());
            }
            if let Some(notice) = &report.notice {
                eprintln!("warning: {}: {notice}", dir.display());
            }
            for picture in &report.pictures {
                print(&format!("{}\n", dir.join(picture).display()))?;
            }
        }
        Ok(())
    }
}
