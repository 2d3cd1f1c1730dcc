//! Times of messages, requests or pings, of which distributions are drawn: a histogram for each cell, over all its trials.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::data;
use super::sheet::{Key, Symbol};
use super::sources::{self, Choice, Sources};
use super::style::{Curve, MAX_CURVES};
use crate::facts::Measure;
use crate::report::error::ReportError;
use crate::tables::rows::Table;
use crate::tables::{Results, latency};

/// Thing whose times are drawn, in words.
#[derive(Debug)]
pub struct Subject {
    /// Times in a title.
    pub name: &'static str,
    /// Time on an axis.
    pub time: &'static str,
    /// All things, those that never came too.
    pub counted: &'static str,
    /// Beginning and end of a time.
    pub span: &'static str,
    /// Things that never came.
    pub lost: &'static str,
    /// The same that a cell lacks or has.
    things: &'static str,
    /// Label of a single curve.
    all: &'static str,
    measure: Measure,
    /// Table of the times, and the column in ms; messages have files of their own.
    table: Option<(Table, &'static str)>,
}

/// Those that there can be; the first of which anything came is drawn.
static SUBJECTS: [Subject; 3] = [
    Subject {
        name: "message latency",
        time: "latency",
        counted: "expected deliveries",
        span: "from the intended send time to each delivery",
        lost: "what was never delivered",
        things: "deliveries",
        all: "all messages",
        measure: Measure::Latency,
        table: None,
    },
    Subject {
        name: "completion of requests",
        time: "completion",
        counted: "requests",
        span: "from the moment at which a request was meant to the last byte of its answer",
        lost: "what was never answered",
        things: "requests",
        all: "all requests",
        measure: Measure::Requests,
        table: Some((Table::Requests, "completion_ms")),
    },
    Subject {
        name: "round trips of pings",
        time: "round trip",
        counted: "pings",
        span: "from each ping to its answer",
        lost: "what was never answered",
        things: "pings",
        all: "all pings",
        measure: Measure::Probes,
        table: Some((Table::Probes, "rtt_ms")),
    },
];

/// Times of the cells that a picture shows, a curve each.
pub struct Distribution {
    pub subject: &'static Subject,
    /// Over all trials of a cell, with the number of things that there were.
    histograms: Vec<(Histogram<u64>, f64)>,
    pub legend: Vec<Key>,
    /// True if something never came.
    pub lost: bool,
    /// Remark on cells that are left out.
    pub remark: Option<String>,
}

impl Distribution {
    /// That of the first subject of the scenario of which anything came; `None` where nothing did.
    pub fn of(sources: &Sources<'_>) -> Result<Option<Distribution>, ReportError> {
        let measures = |subject: &&Subject| sources.results.study.measures(subject.measure);
        let of = |subject| Distribution::of_subject(sources, subject).transpose();
        SUBJECTS.iter().filter(measures).find_map(of).transpose()
    }

    /// That of messages; `None` where none was delivered.
    pub fn of_messages(sources: &Sources<'_>) -> Result<Option<Distribution>, ReportError> {
        Distribution::of_subject(sources, &SUBJECTS[0])
    }

    fn of_subject(
        sources: &Sources<'_>,
        subject: &'static Subject,
    ) -> Result<Option<Distribution>, ReportError> {
        let results = sources.results;
        let rows = subject.table.map(|(table, column)| times(results, table, column)).transpose()?;
        let came = |cell| match &rows {
            Some(rows) => rows.get(&cell).is_some_and(|(histogram, _)| !histogram.is_empty()),
            None => results.values(cell, "deliveries").iter().any(|(_, count)| *count > 0.0),
        };
        let Choice { cells, remark } =
            sources::choose(results, MAX_CURVES, subject.things, |cell| Ok(came(cell)))?;
        let (mut histograms, mut legend, mut lost) = (Vec::new(), Vec::new(), false);
        for cell in cells {
            let found = match &rows {
                Some(rows) => rows.get(&cell).cloned(),
                None => latency::of_cell(results, cell)?.map(|histogram| {
                    let counts = results.values(cell, "deliveries_expected");
                    (histogram, counts.iter().map(|(_, count)| count).sum())
                }),
            };
            let Some((histogram, all)) = found.filter(|(histogram, _)| !histogram.is_empty()) else {
                continue;
            };
            lost |= all > histogram.len() as f64;
            let label = data::curve_label(results, cell, subject.all);
            legend.push(Key { label, symbol: Symbol::Line(Curve(legend.len()), true) });
            let all = all.max(histogram.len() as f64);
            histograms.push((histogram, all));
        }
        let some = !histograms.is_empty();
        Ok(some.then_some(Distribution { subject, histograms, legend, lost, remark }))
    }

    /// The points of each curve.
    pub fn points(&self, of: impl Fn(&Histogram<u64>, f64) -> Vec<(f64, f64)>) -> Vec<Vec<(f64, f64)>> {
        self.histograms.iter().map(|(histogram, all)| of(histogram, *all)).collect()
    }

    /// The least share that one thing is.
    pub fn rarest(&self) -> f64 {
        self.histograms.iter().map(|(_, all)| 1.0 / all).fold(1.0, f64::min)
    }
}

/// The times in a column of a table, and the number of its rows, by cell.
fn times(
    results: &Results,
    table: Table,
    column: &str,
) -> Result<BTreeMap<usize, (Histogram<u64>, f64)>, ReportError> {
    let mut cells: BTreeMap<usize, (Histogram<u64>, f64)> = BTreeMap::new();
    results.each_row_of(table, |cell, row| {
        let (histogram, rows) =
            cells.entry(cell).or_insert_with(|| (Histogram::new(3).expect("three digits are allowed"), 0.0));
        *rows += 1.0;
        if let Some(ms) = row.parse::<f64>(column) {
            histogram.record((ms * 1e6) as u64).expect("it grows");
        }
    })?;
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::super::select::View;
    use super::super::{cwnd, throughput};
    use super::*;
    use crate::report::testing::{Model, fill, load, study, with_chat, with_measure};

    #[test]
    fn the_first_subject_of_which_anything_came_is_drawn() {
        let study = with_measure(with_chat(study(&[])), Measure::Probes, "ping");
        for (chat, name) in [(true, "message latency"), (false, "round trips of pings")] {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let model = Model { seed: 1, congestion: "reno", loss: 0.02, flows: 1, chat, seconds: 3 };
            fill(dir.path(), &study, |_, _| model);
            let (results, view) = (load(dir.path(), &study), View::default());
            let chosen =
                || (cwnd::choose(&results).expect("cells"), throughput::choose(&results).expect("cells"));
            let (flows, data) = chosen();
            let sources = Sources::read(&results, &[], flows, data, &view).expect("sources");
            let found = Distribution::of(&sources).expect("read").map(|found| found.subject.name);
            assert_eq!(found, Some(name));
        }
    }
}
