//! `testbed compare`: several result folders beside one another.

use std::path::PathBuf;

use clap::Args;

use super::choice::{Choice, Offer, say_of};
use super::output::{Failure, print};
use crate::report::{self, ReportError};
use crate::scenario;
use crate::tables::{Beside, Format, Pairing, Study};

/// Compare result folders, in one table where they vary the same
#[derive(Debug, Args)]
pub struct Compare {
    /// Result folders
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Put the values of this axis below one another
    #[arg(long, value_name = "AXIS")]
    by: Option<String>,
    /// Set the first value of this axis, or the one that is named, against each other one, over pairs of trials with the
    /// same seed: difference, ratio, 95 % intervals and a verdict; `scenario` for the folders themselves
    #[arg(long, value_name = "AXIS[=VALUE]", conflicts_with = "by")]
    paired: Option<String>,
    /// Harm to each group of clients (Ware et al., 2019): its figures at the first value of this axis, or the one that is
    /// named, where it is alone, against each other one; `scenario` for the folders themselves
    #[arg(long, value_name = "AXIS[=VALUE]", conflicts_with_all = ["by", "paired"])]
    harm: Option<String>,
    /// Form of the table: table, md, csv, json or latex
    #[arg(long, value_name = "FORM", default_value = "table")]
    format: Format,
    /// Draw the folders over one another into FILE (.svg, .png or .pdf): a panel for each of the most telling figures, a
    /// curve for each folder; with --paired, the differences
    #[arg(long, value_name = "FILE", conflicts_with = "harm")]
    plot: Option<PathBuf>,
    /// With --plot: windows, round trips and throughput of each folder's largest flow over one axis of time instead; without
    /// --cells of every cell
    #[arg(long, requires = "plot", conflicts_with_all = ["paired", "x", "y"])]
    over_time: bool,
    #[command(flatten)]
    choice: Choice<OfPlot>,
}

/// The keys of axes, figures and looks.
#[derive(Debug)]
struct OfPlot;

impl Offer for OfPlot {
    const HEADING: &'static str = "Options of --plot";
    const NEEDS: &'static str = "plot";

    fn has(key: &str) -> bool {
        ["x", "y", "width", "font", "title"].contains(&key) || OF_TIME.contains(&key)
    }
}

/// Keys of pictures over time.
const OF_TIME: [&str; 3] = ["cells", "from", "to"];

impl Compare {
    /// Prints the table, after the picture is drawn.
    pub fn execute(self) -> Result<(), Failure> {
        let (beside, mut doubts) = side_by_side(&self.dirs)?;
        let by = self.by.as_deref().map(|name| axis(&beside, name)).transpose()?;
        let [paired, harm] = [&self.paired, &self.harm]
            .map(|words| words.as_deref().map(|words| pairing(&beside, words)).transpose());
        let (paired, harm) = (paired?, harm?);
        if let Some(file) = &self.plot {
            let spec = self.choice.spec([])?;
            let drawn = if self.over_time {
                let (drawn, without) = report::over_time(&self.dirs, &spec, file)?;
                doubts.extend(without);
                drawn
            } else if spec.cells.is_empty() && spec.from.is_none() && spec.to.is_none() {
                report::overlay(&beside, paired.as_ref(), &spec, file)?
            } else {
                let problem = format!("--{} say nothing to means of cells", OF_TIME.join(", --"));
                return Err(Failure::usage(problem, "add --over-time, or leave them out"));
            };
            say_of(&drawn, &spec);
        }
        print(&match (paired, harm) {
            (Some(pairing), _) => beside.paired(&pairing, self.format),
            (None, Some(pairing)) => beside.harm(&pairing, self.format).map_err(ReportError::from)?,
            (None, None) => beside.side_by_side(by, self.format),
        })?;
        for doubt in doubts {
            eprintln!("warning: {doubt}");
        }
        Ok(())
    }
}

/// Folders beside one another, and doubts about them.
pub(super) fn side_by_side(dirs: &[PathBuf]) -> Result<(Beside, Vec<String>), ReportError> {
    report::beside(dirs, &|study: &Study, key: &str| scenario::stated(&study.scenario, key))
}

/// The pairing that is asked for by an axis alone, or with the value that is its base: `congestion=reno`.
pub(super) fn pairing(beside: &Beside, words: &str) -> Result<Pairing, Failure> {
    let (name, base) = words.split_once('=').map_or((words, None), |(name, base)| (name, Some(base.trim())));
    let pairing = beside.pairing(axis(beside, name.trim())?, base);
    pairing.map_err(|[problem, help]| Failure::usage(problem, help))
}

/// The key in which lines differ that goes by this name.
fn axis<'a>(beside: &'a Beside, name: &str) -> Result<&'a str, ReportError> {
    beside.key(name).ok_or_else(|| ReportError::NoAxis { key: name.to_owned(), known: beside.keys() })
}
