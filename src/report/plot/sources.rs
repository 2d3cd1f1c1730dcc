//! Sources of the pictures: the results, and which cells, flows and span of time a picture shows.

use std::collections::{BTreeMap, BTreeSet};

use super::data::{self, Flow, subtitle};
use super::select::{Unfit, View, enumerated};
use crate::facts::Measure;
use crate::report::error::ReportError;
use crate::report::parallel;
use crate::tables::results::{Results, Row};
use crate::tables::study::Study;
use crate::tables::summary::CellSummary;

/// Trials that pictures of series show.
pub const FIRST_TRIAL: &str = "first trial of each cell";

/// Flows that were over before this share of a trial let its pictures end with them.
pub const LONG_BEFORE: f64 = 0.8;

/// Remark on pictures that do.
pub const UNTIL_OVER: &str = "until these flows were over";

/// Small multiples beyond this are stamps, not pictures.
pub const MAX_PANELS: usize = 8;

/// Sources of the pictures. Flows' series are long, so that they are read once for all pictures.
pub struct Sources<'a> {
    pub results: &'a Results,
    pub cells: &'a [CellSummary],
    /// The cells of the sawtooth.
    pub with_flows: Choice,
    /// The cells of the throughput.
    pub with_data: Choice,
    /// Part of it that is shown.
    pub view: &'a View,
    /// The flows of all these.
    flows: BTreeMap<usize, Vec<Flow>>,
    /// Time after which none of them sends any more, long before the end of the trial.
    over: Option<f64>,
}

impl<'a> Sources<'a> {
    pub fn read(
        results: &'a Results,
        cells: &'a [CellSummary],
        with_flows: Choice,
        with_data: Choice,
        view: &'a View,
    ) -> Result<Sources<'a>, ReportError> {
        let chosen: BTreeSet<usize> = with_flows.cells.iter().chain(&with_data.cells).copied().collect();
        let chosen: Vec<usize> = chosen.into_iter().collect();
        let read = parallel::map(&chosen, |&cell| data::flows(results, cell).map(|flows| (cell, flows)));
        let mut flows: BTreeMap<_, _> = read.into_iter().collect::<Result<_, ReportError>>()?;
        retain_flows(&mut flows, view)?;
        let over = over(&results.study, flows.values().flatten());
        Ok(Sources { results, cells, with_flows, with_data, view, flows, over })
    }

    /// The flows of a chosen cell's first trial with series, those that moved the most first.
    pub fn flows(&self, cell: usize) -> &[Flow] {
        self.flows.get(&cell).map_or(&[], Vec::as_slice)
    }

    /// Leaves the bulk transfers, which want all they can get, where some of the flows are such.
    pub fn retain_bulk(&self, flows: &mut Vec<&Flow>) {
        let is_bulk = |flow: &&Flow| self.results.study.is_bulk(flow.group());
        if flows.iter().any(is_bulk) {
            flows.retain(is_bulk);
        }
    }

    /// The span of time that pictures show.
    pub fn span(&self) -> (f64, f64) {
        self.part().unwrap_or((0.0, self.results.study.duration.as_secs_f64()))
    }

    /// The same if it is not all of a trial: the chosen one, or that until the flows were over.
    pub fn part(&self) -> Option<(f64, f64)> {
        self.view.span.or(self.over.map(|end| (0.0, end)))
    }

    /// Remark on a span that nobody chose.
    pub fn until_over(&self) -> Option<String> {
        let cut = self.view.span.is_none() && self.over.is_some();
        cut.then(|| UNTIL_OVER.to_owned())
    }

    /// Points within the span of time.
    pub fn seen(&self, mut points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
        if let Some((from, to)) = self.part() {
            points.retain(|point| (from..=to).contains(&point.0));
        }
        points
    }
}

/// Time after which there is no more to show of these flows; `None` if they go on, or others do that have no series.
fn over<'a>(study: &Study, flows: impl Iterator<Item = &'a Flow>) -> Option<f64> {
    let others = [Measure::Datagrams, Measure::Probes].into_iter().any(|other| study.measures(other));
    let last = flows.filter_map(|flow| flow.time_s.last()).copied().reduce(f64::max).filter(|_| !others);
    last.filter(|last| *last < LONG_BEFORE * study.duration.as_secs_f64())
}

/// Leaves the flows that were chosen. A name that no flow has is an error.
fn retain_flows(flows: &mut BTreeMap<usize, Vec<Flow>>, view: &View) -> Result<(), ReportError> {
    let known = |name: fn(&Flow) -> &str| -> Vec<String> {
        let names: BTreeSet<String> = flows.values().flatten().map(|flow| name(flow).to_owned()).collect();
        names.into_iter().collect()
    };
    for (what, wishes, known) in
        [("flow", &view.flows, known(|flow| &flow.name)), ("group", &view.groups, known(Flow::group))]
    {
        if let Some(wish) = wishes.iter().find(|wish| !known.contains(wish)) {
            let problem = format!("no {what} of the chosen cells is called \"{wish}\"");
            let help = if known.is_empty() {
                "these cells have no series of flows".to_owned()
            } else {
                format!("there are {}", enumerated(&known))
            };
            return Err(Unfit { problem, help }.into());
        }
    }
    let is_chosen = |flow: &Flow| {
        let chosen =
            |wishes: &[String], name: &str| wishes.is_empty() || wishes.iter().any(|wish| wish == name);
        chosen(&view.flows, &flow.name) && chosen(&view.groups, flow.group())
    };
    // One sample in the span is no line.
    let is_seen = |flow: &Flow| {
        let seen =
            |(from, to): (f64, f64)| flow.time_s.iter().filter(|time| (from..=to).contains(*time)).nth(1);
        view.span.is_none_or(|span| seen(span).is_some())
    };
    for flows in flows.values_mut() {
        flows.retain(|flow| is_chosen(flow) && is_seen(flow));
    }
    Ok(())
}

/// The cells that a picture shows, and a remark for its heading on those that are left out.
pub struct Choice {
    pub cells: Vec<usize>,
    pub remark: Option<String>,
}

/// At most `most` of the cells that have something to show, in the order of the tables and spread evenly
/// over all such. The remark calls what they have or lack `what`.
pub fn choose(
    results: &Results,
    most: usize,
    what: &str,
    mut has: impl FnMut(usize) -> Result<bool, ReportError>,
) -> Result<Choice, ReportError> {
    let tried: BTreeSet<usize> = results.cells_with_trials().into_iter().collect();
    let mut full = Vec::new();
    for cell in results.study.ordered_cells().into_iter().filter(|cell| tried.contains(cell)) {
        if has(cell)? {
            full.push(cell);
        }
    }
    let empty = tried.len() - full.len();
    let with = if empty > 0 { format!(" with {what}") } else { String::new() };
    let crowded = (full.len() > most).then(|| format!("{most} of {} cells{with} shown", full.len()));
    let empty = (empty > 0).then(|| format!("no {what} in {empty} of {} cells", tried.len()));
    let remark = Some(subtitle(&[crowded, empty])).filter(|remark| !remark.is_empty());
    Ok(Choice { cells: spread(&full, most), remark })
}

/// The same of cells with series: those that have a row that is `wanted` in this file of the series.
pub fn choose_by_series(
    results: &Results,
    most: usize,
    file: &str,
    what: &str,
    mut wanted: impl FnMut(usize, &Row<'_>) -> bool,
) -> Result<Choice, ReportError> {
    choose(results, most, what, |cell| match results.series_dir(cell) {
        Some(dir) => Ok(results.any_row(&dir.join(file), |row| wanted(cell, row))?),
        None => Ok(false),
    })
}

/// At most `most` cells, the first and the last among them.
pub fn spread(cells: &[usize], most: usize) -> Vec<usize> {
    if cells.len() <= most {
        return cells.to_vec();
    }
    (0..most).map(|n| cells[n * (cells.len() - 1) / (most - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_spread_from_the_first_to_the_last() {
        let cells: Vec<usize> = (0..40).collect();
        assert_eq!(spread(&cells, 8), [0, 5, 11, 16, 22, 27, 33, 39]);
        assert_eq!(spread(&cells[..3], 8), [0, 1, 2]);
    }
}
