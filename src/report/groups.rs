//! Share of each group of clients, read off `flows.csv`.

use std::collections::BTreeMap;

use super::error::ReportError;
use super::files::Results;
use super::goodput;
use super::rows::Table;
use super::study::Study;
use crate::facts::Measure;

/// Shares of groups, by cell, trial and group.
pub type Shares = BTreeMap<(usize, u32, String), Share>;

/// Share of the flows of a group in a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    bytes: u64,
    flows: u64,
    completed: u64,
    completion_s: f64,
}

impl Share {
    /// Application bytes handed to receivers in the measured interval, of all its flows in both
    /// directions, of which bulk data has one.
    pub fn goodput_mbit(&self, study: &Study) -> Option<f64> {
        goodput::mbit(self.bytes, study.duration.saturating_sub(study.warmup))
    }

    /// The mean completion time; `None` unless all ended.
    pub fn completion_mean_s(&self) -> Option<f64> {
        let all_ended = self.completed > 0 && self.completed == self.flows;
        all_ended.then(|| self.completion_s / self.completed as f64)
    }
}

/// The groups of bulk transfers, where there are several groups of clients.
pub fn shown(study: &Study) -> impl Iterator<Item = &str> {
    let others = [Measure::Latency, Measure::Probes, Measure::Datagrams, Measure::Requests];
    let bulk = study.groups_with(Measure::Goodput);
    let several = bulk.len() + others.into_iter().filter(|other| study.measures(*other)).count() > 1;
    bulk.iter().filter(move |_| several).map(String::as_str)
}

/// Shares of the shown groups in each trial; a group without data has no share.
pub fn shares(results: &Results) -> Result<Shares, ReportError> {
    let mut shares = Shares::new();
    if shown(&results.study).next().is_none() {
        return Ok(shares);
    }
    results.each_row_of(Table::Flows, |cell, row| {
        let (Some(trial), group) = (row.parse("trial"), row.get("group")) else { return };
        if !shown(&results.study).any(|name| name == group) {
            return;
        }
        let share = shares.entry((cell, trial, group.to_owned())).or_default();
        share.bytes += row.parse::<u64>("bytes_delivered").unwrap_or(0);
        share.flows += 1;
        if let Some(seconds) = row.parse::<f64>("completion_s") {
            share.completed += 1;
            share.completion_s += seconds;
        }
    })?;
    Ok(shares)
}
