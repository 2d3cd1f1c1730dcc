//! `summary.csv`: one row per cell, the mean and interval of each figure over its trials.

use serde::Serialize;

use super::axes;
use super::error::FileError;
use super::figures::{self, Figure};
use super::groups::{self, Groups};
use super::kind::{self, Columns, Kind};
use super::results::Results;
use super::rows;
use super::stats::Estimate;
use super::study::Study;

/// The file's name.
pub const FILE: &str = "summary.csv";

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
    pub figures: Vec<FigureMean>,
    /// The groups of clients, where there are several; those of bulk transfers first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupSummary>,
}

/// The figures of one group of clients in a cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupSummary {
    /// The group.
    pub group: String,
    /// True if its flows take all that the network gives.
    #[serde(skip)]
    pub bulk: bool,
    /// Those that groups have, in the order of `groups.csv`.
    pub figures: Vec<FigureMean>,
}

/// One figure of a cell. It exists only if every trial of the cell has it: a mean over the trials
/// that happen to have a percentile would be too good.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureMean {
    /// The column of `trials.csv`.
    pub name: &'static str,
    /// The mean over trials.
    pub mean: Option<f64>,
    /// Half the width of the 95 % interval (Student's t); none for a single trial.
    pub ci95: Option<f64>,
}

impl CellSummary {
    /// A figure by its column; `None` where it does not exist.
    pub fn get(&self, name: &str) -> Option<&FigureMean> {
        existing(&self.figures, name)
    }

    /// The same of a group.
    pub fn get_of(&self, group: &str, name: &str) -> Option<&FigureMean> {
        self.groups.iter().find(|summary| summary.group == group)?.get(name)
    }

    /// The mean of a figure.
    pub fn mean(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(|figure| figure.mean)
    }
}

impl GroupSummary {
    /// A figure by its column; `None` where it does not exist.
    pub fn get(&self, name: &str) -> Option<&FigureMean> {
        existing(&self.figures, name)
    }

    /// The mean of a figure.
    pub fn mean(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(|figure| figure.mean)
    }
}

fn existing<'a>(figures: &'a [FigureMean], name: &str) -> Option<&'a FigureMean> {
    figures.iter().find(|figure| figure.name == name && figure.mean.is_some())
}

impl FigureMean {
    /// The figure of a cell of `n` trials; it exists only if all have one.
    fn over(name: &'static str, estimate: Option<Estimate>, n: usize) -> FigureMean {
        let estimate = estimate.filter(|estimate| estimate.n == n);
        FigureMean {
            name,
            mean: estimate.map(|estimate| estimate.mean),
            ci95: estimate.and_then(|estimate| estimate.ci95),
        }
    }
}

/// The figures of all cells, whether or not they have trials.
pub fn of_all(results: &Results) -> Result<Vec<CellSummary>, FileError> {
    Ok(over(results, &Groups::of(results, |_, _| false, |_| ())?))
}

/// The same, of groups that are known already.
pub fn over(results: &Results, of_groups: &Groups) -> Vec<CellSummary> {
    (0..results.study.cells()).map(|cell| summarise(results, cell, of_groups)).collect()
}

/// The columns of `summary.csv`.
pub fn columns(study: &Study) -> Columns {
    let number =
        |figure: &Figure| ["mean", "ci95"].map(|of| (format!("{}_{of}", figure.column), Kind::Number));
    let figures = figures::summarised(study).flat_map(number).collect();
    let [cell, n] = ["cell", "n"].map(|name| kind::columns(&[(name, Kind::Integer)]));
    [cell, axes::columns(study), n, figures].concat()
}

/// The text of `summary.csv`.
pub fn text(results: &Results, cells: &[CellSummary]) -> String {
    let mut text = kind::header(&columns(&results.study));
    for cell in cells {
        text.push_str(&cell.cell.to_string());
        axes::push_values(&mut text, &results.study, cell.cell);
        rows::push_field(&mut text, &cell.n.to_string());
        for (figure, over) in figures::summarised(&results.study).zip(&cell.figures) {
            // Means of counts have fractions.
            let decimals = figure.decimals.max(3);
            rows::push_number(&mut text, over.mean, decimals);
            rows::push_number(&mut text, over.ci95, decimals);
        }
        text.push('\n');
    }
    text
}

fn summarise(results: &Results, cell: usize, of_groups: &Groups) -> CellSummary {
    let n = results.trials.count(cell);
    let figures = figures::summarised(&results.study).map(|figure| {
        let values = results.values(cell, figure.column).map(|(_, value)| value);
        FigureMean::over(figure.column, Estimate::over(values), n)
    });
    let groups = groups::summarised(&results.study).into_iter().map(|group| {
        let figures = figures::of_groups(&results.study)
            .map(|figure| FigureMean::over(figure.column, of_groups.estimate(cell, group, figure.column), n));
        let bulk = results.study.is_bulk(group);
        GroupSummary { group: group.to_owned(), bulk, figures: figures.collect() }
    });
    CellSummary {
        cell,
        values: results.study.values(cell).into_iter().map(str::to_owned).collect(),
        n,
        figures: figures.collect(),
        groups: groups.collect(),
    }
}
