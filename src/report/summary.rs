//! `summary.csv`: one row per cell, the mean and interval of each figure over its trials.

use std::fmt::Write as _;

use serde::Serialize;

use super::error::ReportError;
use super::figures::{self, Column};
use super::files::Results;
use super::rows;
use super::stats::Estimate;

/// The figures of one cell over its trials.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellSummary {
    /// The cell, counted from 0.
    pub cell: usize,
    /// The values of the axes, as written in the scenario.
    pub values: Vec<String>,
    /// Finished trials.
    pub n: usize,
    /// The figures, in the order of the columns.
    pub figures: Vec<Figure>,
}

/// One figure of a cell. It exists only if every trial of the cell has it: a mean over the trials
/// that happen to have a percentile would be too good.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The column of `trials.csv`.
    pub name: &'static str,
    /// The mean over trials.
    pub mean: Option<f64>,
    /// Half the width of the 95 % interval (Student's t); none for a single trial.
    pub ci95: Option<f64>,
}

impl CellSummary {
    /// A figure by its column; `None` where it does not exist.
    pub fn get(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name && figure.mean.is_some())
    }

    /// The mean of a figure.
    pub fn mean(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(|figure| figure.mean)
    }
}

/// The figures that are summarised: all but the wall time, which is no property of the network and
/// would make the file differ from run to run.
fn columns(results: &Results) -> impl Iterator<Item = Column> {
    figures::of_study(&results.study).filter(|column| column.name != "wall_s")
}

/// The figures of all cells, whether or not they have trials.
pub fn of_all(results: &Results) -> Vec<CellSummary> {
    (0..results.study.cells()).map(|cell| summarise(results, cell)).collect()
}

/// Computes and writes `summary.csv`.
pub fn write(results: &Results) -> Result<Vec<CellSummary>, ReportError> {
    let cells = of_all(results);
    let mut text = "cell".to_owned();
    for axis in &results.study.axes {
        rows::push_field(&mut text, &axis.key);
    }
    text.push_str(",n");
    for column in columns(results) {
        let _ = write!(text, ",{0}_mean,{0}_ci95", column.name);
    }
    text.push('\n');
    for cell in &cells {
        text.push_str(&results.study.cell_name(cell.cell));
        for value in &cell.values {
            rows::push_field(&mut text, value);
        }
        rows::push_field(&mut text, &cell.n.to_string());
        for (column, figure) in columns(results).zip(&cell.figures) {
            // Means of counts have fractions.
            let decimals = column.decimals.max(3);
            rows::push_number(&mut text, figure.mean, decimals);
            rows::push_number(&mut text, figure.ci95, decimals);
        }
        text.push('\n');
    }
    super::disk::replace(&results.dir.join("summary.csv"), text.as_bytes())?;
    Ok(cells)
}

fn summarise(results: &Results, cell: usize) -> CellSummary {
    let n = results.trials.iter().filter(|trial| trial.cell == cell).count();
    let figures = columns(results).map(|column| {
        let values: Vec<f64> =
            results.values(cell, column.name).into_iter().map(|(_, value)| value).collect();
        let estimate = Estimate::of(&values).filter(|estimate| estimate.n == n);
        Figure {
            name: column.name,
            mean: estimate.map(|estimate| estimate.mean),
            ci95: estimate.and_then(|estimate| estimate.ci95),
        }
    });
    CellSummary {
        cell,
        values: results.study.values(cell).into_iter().map(str::to_owned).collect(),
        n,
        figures: figures.collect(),
    }
}
