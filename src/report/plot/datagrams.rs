//! Datagrams in pictures over time: their flows have no series, so that each group's mean stands for it.

use std::collections::BTreeMap;

use super::select::View;
use super::style::Curve;
use crate::report::error::ReportError;
use crate::tables::results::Results;
use crate::tables::rows::Table;

/// Curves of the means, which those of flows seldom reach.
const CURVES: [Curve; 3] = [Curve(7), Curve(5), Curve(4)];

/// Mean rate of a group's datagrams in a direction, by cell.
pub struct Mean {
    pub label: String,
    pub curve: Curve,
    /// In Mbit/s, of the first trial of each cell.
    pub mbit: BTreeMap<usize, f64>,
}

/// The means of the chosen groups, in the order of their rows, as many as have curves.
pub fn means(results: &Results, view: &View) -> Result<Vec<Mean>, ReportError> {
    let mut first: BTreeMap<usize, String> = BTreeMap::new();
    let mut sums: Vec<(String, BTreeMap<usize, f64>)> = Vec::new();
    if !view.flows.is_empty() || !Table::of(&results.study).contains(&Table::Datagrams) {
        return Ok(Vec::new());
    }
    results.each_row_of(Table::Datagrams, |cell, row| {
        let (group, direction, trial) = (row.get("group"), row.get("direction"), row.get("trial"));
        let is_chosen = view.groups.is_empty() || view.groups.iter().any(|chosen| chosen == group);
        if !is_chosen || first.entry(cell).or_insert_with(|| trial.to_owned()) != trial {
            return;
        }
        let label = if direction == "up" { group.to_owned() } else { format!("{group} ({direction})") };
        let place = sums.iter().position(|(other, _)| *other == label).unwrap_or_else(|| {
            sums.push((label, BTreeMap::new()));
            sums.len() - 1
        });
        *sums[place].1.entry(cell).or_default() += row.parse("goodput_mbit").unwrap_or(0.0);
    })?;
    let mean = |((label, mbit), curve): ((String, BTreeMap<usize, f64>), Curve)| Mean {
        label: format!("{label}: mean of its datagrams"),
        curve,
        mbit,
    };
    Ok(sums.into_iter().zip(CURVES).map(mean).collect())
}
