//! `testbed plot`: the pictures and the page again, or one figure, from the tables alone.

use std::path::PathBuf;

use clap::Args;

use super::choice::{Choice, Offer, say_of};
use super::list;
use super::output::{Failure, print};
use crate::report;

/// Draw the pictures of result folders again, or one figure of them
///
/// Writes each picture as .svg and as .png, and report.html anew, from the tables alone. Prints the paths of the
/// pictures that the page shows. With --figure it writes that one figure instead, for the chosen cells, flows and
/// time, in the size asked for, and leaves all else as it is.
#[derive(Debug, Args)]
pub struct Plot {
    /// Result folders
    #[arg(required_unless_present = "figure", value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Draw from files that were changed since the run wrote them, and say so on the page; tables that rest on others,
    /// such as summary.csv, are computed anew
    #[arg(long)]
    force: bool,
    /// Figure to draw into figures/ of each folder; `list` names all
    #[arg(long, value_name = "NAME")]
    figure: Option<String>,
    #[command(flatten)]
    choice: Choice<OfFigure>,
    /// File, or folder, to write to
    #[arg(long, value_name = "FILE", requires = "figure", help_heading = "Options of --figure")]
    out: Option<PathBuf>,
}

/// The keys that choose a part of the results, and looks.
#[derive(Debug)]
struct OfFigure;

impl Offer for OfFigure {
    const HEADING: &'static str = "Options of --figure";
    const NEEDS: &'static str = FIGURE;

    fn has(key: &str) -> bool {
        key != FIGURE
    }
}

const FIGURE: &str = "figure";

impl Plot {
    /// Draws, and names the pictures that the page has.
    pub fn execute(self) -> Result<(), Failure> {
        if let Some(figure) = self.figure.clone() {
            return self.draw(figure);
        }
        for dir in &self.dirs {
            let report = report::plot(dir, self.force)?;
            for warning in report.findings.warnings.iter().filter(|warning| warning.cells.is_empty()) {
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

    /// Draws one figure of each folder, and names its files.
    fn draw(self, figure: String) -> Result<(), Failure> {
        let Plot { dirs, force, choice, out, .. } = self;
        if figure == "list" {
            return print(&list::pictures());
        }
        if dirs.is_empty() {
            return Err(Failure::usage(
                "no result folder is named",
                format!("write testbed plot DIR --figure {figure}"),
            ));
        }
        if dirs.len() > 1 && out.is_some() {
            let help = "name one folder, or leave --out out";
            return Err(Failure::usage("--out would be written once for each folder", help));
        }
        let spec = choice.spec([(FIGURE, vec![figure])])?;
        for dir in &dirs {
            let drawn = report::draw(dir, &spec, out.as_deref(), force)?;
            say_of(&drawn, &spec);
            for file in drawn.files {
                print(&format!("{}\n", file.display()))?;
            }
        }
        Ok(())
    }
}
