//! Figures of each group of clients in a trial: `groups.csv`, and the groups' part of summary, table and page.
//!
//! Everything here is read off the tables of flows, datagrams, probes and requests.

mod collect;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::axes;
use super::error::FileError;
use super::figures::{self, FIGURES, Figure};
use super::kind::{self, Columns, Kind};
use super::results::Results;
use super::rows;
use super::stats::{Estimate, Moments};
use super::study::Study;
use crate::facts::Measure;

/// The file's name.
pub const FILE: &str = "groups.csv";

/// Values of trials, with their numbers, by column.
type Lists = BTreeMap<&'static str, Vec<(u32, f64)>>;

/// Figures of the groups of a run.
#[derive(Debug, Default)]
pub struct Groups {
    /// Figures that the groups have.
    figures: Vec<&'static Figure>,
    /// Moments of these over the trials of a cell, of the groups that are summarised.
    moments: BTreeMap<(usize, String), Vec<Moments>>,
    /// Values that were kept.
    values: BTreeMap<(usize, String), Lists>,
}

impl Groups {
    /// Those of a run. `write` is handed the text of `groups.csv`, a row per trial and group, piece by piece; of groups
    /// and columns that are `kept` the value of each trial stays.
    pub fn of(
        results: &Results,
        kept: impl Fn(&str, &str) -> bool,
        mut write: impl FnMut(&str),
    ) -> Result<Groups, FileError> {
        let study = &results.study;
        let shown = summarised(study);
        let mut groups = Groups { figures: figures::of_groups(study).collect(), ..Groups::default() };
        write(&kind::header(&columns(study)));
        let mut row = String::new();
        collect::each_share(results, |trial, group, share| {
            row.clear();
            let _ = write!(row, "{},{}", trial.cell, trial.number);
            axes::push_values(&mut row, study, trial.cell);
            rows::push_field(&mut row, group);
            for figure in &groups.figures {
                rows::push_number(&mut row, value_of(figure, share), figure.decimals);
            }
            row.push('\n');
            write(&row);
            let place = (trial.cell, group);
            if shown.contains(&group) {
                groups.each(place, share, Moments::count);
            }
            for figure in FIGURES.iter().filter(|figure| kept(group, figure.column)) {
                if let Some(value) = value_of(figure, share) {
                    let lists = groups.values.entry((trial.cell, group.to_owned())).or_default();
                    lists.entry(figure.column).or_default().push((trial.number, value));
                }
            }
        })?;
        // Deviations are from means, which are known after all trials.
        if groups.moments.values().flatten().any(|moments| moments.n() > 1) {
            collect::each_share(results, |trial, group, share| {
                if shown.contains(&group) {
                    groups.each((trial.cell, group), share, Moments::deviate);
                }
            })?;
        }
        Ok(groups)
    }

    fn each(&mut self, (cell, group): (usize, &str), share: &Share, take: fn(&mut Moments, f64)) {
        let all = self.moments.entry((cell, group.to_owned()));
        let all = all.or_insert_with(|| vec![Moments::default(); self.figures.len()]);
        for (figure, moments) in self.figures.iter().zip(all) {
            if let Some(value) = value_of(figure, share) {
                take(moments, value);
            }
        }
    }

    /// Mean of a figure of a summarised group over the trials of a cell in which it exists.
    pub fn estimate(&self, cell: usize, group: &str, column: &str) -> Option<Estimate> {
        let place = self.figures.iter().position(|figure| figure.column == column)?;
        self.moments.get(&(cell, group.to_owned()))?[place].estimate()
    }

    /// One value per trial of a cell, with the trial's number, where a figure that was kept exists.
    pub fn values(&self, cell: usize, group: &str, column: &str) -> &[(u32, f64)] {
        let lists = self.values.get(&(cell, group.to_owned()));
        lists.and_then(|lists| lists.get(column)).map_or(&[], Vec::as_slice)
    }
}

fn value_of(figure: &Figure, share: &Share) -> Option<f64> {
    figure.of_group.and_then(|value| value(share))
}

/// The text of `groups.csv`.
pub fn text(results: &Results) -> Result<String, FileError> {
    let mut text = String::new();
    Groups::of(results, |_, _| false, |piece| text.push_str(piece))?;
    Ok(text)
}

/// Share of the clients of a group in a trial; `None` for a figure that does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// Application bytes handed to receivers in the measured interval, of all its flows in both
    /// directions, of which bulk data has one; data of datagrams, too.
    pub goodput_mbit: Option<f64>,
    /// Part of the goodput of all groups in the direction of the trial's goodput, 0 to 1.
    pub of_all: Option<f64>,
    /// Goodput over that of the other group, where exactly two groups are of bulk flows without an end.
    pub goodput_ratio: Option<f64>,
    /// Part of its data segments that were sent again, 0 to 1.
    pub retransmission_rate: Option<f64>,
    /// Mean over its flows of the time average of the smoothed RTT.
    pub srtt_mean_ms: Option<f64>,
    /// Median and 99th percentile of latency; where a single group chats.
    pub latency_ms: Option<[Option<f64>; 2]>,
    /// Mean, median, 95th and 99th percentile of completion; the mean exists only if all ended.
    pub completion_s: Times,
    /// The same of echo requests' round trips.
    pub rtt_ms: Times,
    /// The same of requests' completion.
    pub request_ms: Times,
    /// Video, as its viewers saw it.
    pub video: Video,
}

/// Figures of a group's viewers, each as of a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Video {
    pub bitrate_mbit: Option<f64>,
    pub stall_s: Option<f64>,
    pub stall_fraction: Option<f64>,
    pub startup_s: Option<f64>,
    pub switches: Option<f64>,
}

/// Times of what a group waited for; what did not end counts as slower than all that did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// The mean; `None` unless all ended.
    pub mean: Option<f64>,
    /// Percentiles, `None` where fewer ended.
    pub p50: Option<f64>,
    /// See `p50`.
    pub p95: Option<f64>,
    /// See `p50`.
    pub p99: Option<f64>,
}

/// All groups of a study, by name.
pub fn all(study: &Study) -> BTreeSet<&str> {
    study.measures.values().flatten().map(String::as_str).collect()
}

/// The groups of bulk transfers, where there are several groups of clients.
pub fn shown(study: &Study) -> impl Iterator<Item = &str> {
    let others = [Measure::Latency, Measure::Probes, Measure::Datagrams, Measure::Requests, Measure::Video];
    let bulk = study.groups_with(Measure::Goodput);
    let several = bulk.len() + others.into_iter().filter(|other| study.measures(*other)).count() > 1;
    bulk.iter().filter(move |_| several).map(String::as_str)
}

/// The groups that a summary has: those of bulk transfers first, none where there is one group.
pub fn summarised(study: &Study) -> Vec<&str> {
    let all = all(study);
    let first: Vec<&str> = shown(study).collect();
    let others = all.iter().filter(|name| all.len() > 1 && !first.contains(name));
    first.iter().chain(others).copied().collect()
}

/// The two groups of bulk flows whose goodputs have a ratio, in the scenario's order. Transfers of a given size
/// are known by their time.
pub fn rivals(study: &Study) -> Option<[&str; 2]> {
    match study.groups_with(Measure::Goodput) {
        [a, b] if study.groups_with(Measure::Completion).is_empty() => Some([a, b]),
        _ => None,
    }
}

/// The columns of `groups.csv`.
pub fn columns(study: &Study) -> Columns {
    let figures: Vec<_> = figures::of_groups(study).map(|figure| (figure.column, figure.kind())).collect();
    [rows::key_columns(study), kind::columns(&[("group", Kind::Text)]), kind::columns(&figures)].concat()
}

#[cfg(test)]
mod tests;
