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
    pub direction: String,
    pub curve: Curve,
    /// Beginning of the time that it is over, in seconds: the end of the warm-up, or the group's start after it.
    pub from: f64,
    /// In Mbit/s, of the first trial of each cell.
    pub mbit: BTreeMap<usize, f64>,
}

/// Rates of one group in one direction.
struct Sum {
    group: String,
    direction: String,
    mbit: BTreeMap<usize, f64>,
}

/// The means of the chosen groups, in the order of their rows, as many as have curves.
pub fn means(results: &Results, view: &View) -> Result<Vec<Mean>, ReportError> {
    let mut first: BTreeMap<usize, String> = BTreeMap::new();
    let mut sums: Vec<Sum> = Vec::new();
    if !view.flows.is_empty() || !Table::of(&results.study).contains(&Table::Datagrams) {
        return Ok(Vec::new());
    }
    results.each_row_of(Table::Datagrams, |cell, row| {
        let (group, direction, trial) = (row.get("group"), row.get("direction"), row.get("trial"));
        let is_chosen = view.groups.is_empty() || view.groups.iter().any(|chosen| chosen == group);
        if !is_chosen || first.entry(cell).or_insert_with(|| trial.to_owned()) != trial {
            return;
        }
        let place = sums
            .iter()
            .position(|sum| sum.group == group && sum.direction == direction)
            .unwrap_or_else(|| {
                let (group, direction) = (group.to_owned(), direction.to_owned());
                sums.push(Sum { group, direction, mbit: BTreeMap::new() });
                sums.len() - 1
            });
        *sums[place].mbit.entry(cell).or_default() += row.parse("goodput_mbit").unwrap_or(0.0);
    })?;
    let study = &results.study;
    let (warmup, end) = (study.warmup.as_secs_f64(), study.duration.as_secs_f64());
    let mean = |(Sum { group, direction, mut mbit }, curve): (Sum, Curve)| {
        let places = study.topology.iter().flat_map(|topology| &topology.groups);
        let start =
            places.filter(|place| place.name == group).map(|place| place.start_ns as f64 / 1e9).next();
        let from = start.unwrap_or(0.0).max(warmup);
        // The table has means over all the time that is measured.
        let share = if from < end { (end - from) / (end - warmup) } else { 1.0 };
        for rate in mbit.values_mut() {
            *rate /= share;
        }
        let way = if direction == "up" { String::new() } else { format!(" ({direction})") };
        Mean { label: format!("{group}{way}: mean of its datagrams"), direction, curve, from, mbit }
    };
    Ok(sums.into_iter().zip(CURVES).map(mean).collect())
}
