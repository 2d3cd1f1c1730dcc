//! Times of messages, requests or pings, of which distributions are drawn: a histogram for each cell, over all its trials.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::data;
use super::select::Unfit;
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::sources::{self, Choice, Sources};
use super::style::{Curve, MAX_CURVES};
use crate::facts::Measure;
use crate::report::error::ReportError;
use crate::tables::rows::Table;
use crate::tables::study::Study;
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
    span: &'static str,
    /// Things that never came.
    lost: &'static str,
    /// The same that a cell lacks or has.
    things: &'static str,
    /// Label of a single curve.
    all: &'static str,
    measure: Measure,
    /// Column of the times, by which they are chosen.
    column: &'static str,
    /// Table of that column; messages have files of their own.
    table: Option<Table>,
}

/// Those that there can be, in the order of their panels.
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
        column: "latency_ms",
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
        column: "completion_ms",
        table: Some(Table::Requests),
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
        column: "rtt_ms",
        table: Some(Table::Probes),
    },
];

/// The times of this column, which the results must have.
pub fn subject(study: &Study, column: &str) -> Result<&'static Subject, Unfit> {
    let known = || SUBJECTS.iter().filter(|subject| study.measures(subject.measure));
    known().find(|subject| subject.column == column).ok_or_else(|| {
        let columns: Vec<&str> = known().map(|subject| subject.column).collect();
        let help = if columns.is_empty() {
            "they have neither messages nor requests nor pings".to_owned()
        } else {
            format!("there are {}", columns.join(", "))
        };
        Unfit::new(format!("these results have no times \"{column}\""), help)
    })
}

/// Times of the cells that a picture shows.
pub struct Distribution {
    /// A panel each.
    pub parts: Vec<Part>,
    legend: Vec<Key>,
    /// Remark on cells that are left out.
    remark: Option<String>,
}

/// Times of one subject, a curve for each cell.
pub struct Part {
    pub subject: &'static Subject,
    /// Over all trials of a cell, with the number of things that there were.
    histograms: Vec<(Curve, Histogram<u64>, f64)>,
}

impl Distribution {
    /// Those of the subjects that are asked for, or else of all of the scenario; `None` where nothing came.
    pub fn of(sources: &Sources<'_>) -> Result<Option<Distribution>, ReportError> {
        let wished = &sources.view.times;
        let is_wished = |subject: &&Subject| {
            let all = wished.is_empty() && sources.results.study.measures(subject.measure);
            all || wished.iter().any(|wish| wish.column == subject.column)
        };
        Distribution::of_subjects(sources, &SUBJECTS.iter().filter(is_wished).collect::<Vec<_>>())
    }

    /// That of messages; `None` where none was delivered.
    pub fn of_messages(sources: &Sources<'_>) -> Result<Option<Distribution>, ReportError> {
        Distribution::of_subjects(sources, &[&SUBJECTS[0]])
    }

    fn of_subjects(
        sources: &Sources<'_>,
        subjects: &[&'static Subject],
    ) -> Result<Option<Distribution>, ReportError> {
        let results = sources.results;
        let all: Vec<Times> =
            subjects.iter().map(|subject| Times::read(results, subject)).collect::<Result<_, _>>()?;
        let things = subjects.iter().map(|subject| subject.things).collect::<Vec<_>>().join(" or ");
        let came = |cell| Ok(all.iter().any(|times| times.came(results, cell)));
        let Choice { cells, remark } = sources::choose(results, MAX_CURVES, &things, came)?;
        let mut parts: Vec<Part> =
            subjects.iter().map(|subject| Part { subject, histograms: Vec::new() }).collect();
        let mut legend: Vec<Key> = Vec::new();
        for cell in cells {
            let curve = Curve(legend.len());
            let mut some = false;
            for (part, times) in parts.iter_mut().zip(&all) {
                let Some((histogram, counted)) = times.of_cell(results, cell)? else { continue };
                let counted = counted.max(histogram.len() as f64);
                part.histograms.push((curve, histogram, counted));
                some = true;
            }
            if some {
                legend
                    .push(Key { label: results.study.cell_legend(cell), symbol: Symbol::Line(curve, true) });
            }
        }
        parts.retain(|part| !part.histograms.is_empty());
        match parts.as_slice() {
            [part] => {
                for key in legend.iter_mut().filter(|key| key.label.is_empty()) {
                    part.subject.all.clone_into(&mut key.label);
                }
            }
            // Panels say what a single curve is.
            _ => legend.retain(|key| !key.label.is_empty()),
        }
        let some = !parts.is_empty();
        Ok(some.then_some(Distribution { parts, legend, remark }))
    }

    /// Names of the subjects for a title.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.parts.iter().map(|part| part.subject.name).collect();
        let (last, others) = names.split_last().expect("a part");
        if others.is_empty() { (*last).to_owned() } else { format!("{} and {last}", others.join(", ")) }
    }

    /// A sheet with a panel for each part; `late` says of the things that never came how they are drawn.
    pub fn sheet(
        self,
        sources: &Sources<'_>,
        what: &str,
        late: impl Fn(&str) -> String,
        panel: impl Fn(&Part, String) -> DrawPanel,
    ) -> Sheet {
        let spans = self.parts.iter().map(|part| part.subject.span).collect::<Vec<_>>().join("; ");
        let mut lost: Vec<&str> =
            self.parts.iter().filter(|part| part.lost()).map(|part| part.subject.lost).collect();
        lost.dedup();
        let lost = (!lost.is_empty()).then(|| late(&lost.join(" and ")));
        let several = self.parts.len() > 1;
        let title = |part: &Part| if several { part.subject.name.to_owned() } else { String::new() };
        Sheet {
            title: data::title(sources.results, what),
            subtitle: data::subtitle(&[Some(format!("over all trials, {spans}")), self.remark, lost]),
            panels: self.parts.iter().map(|part| panel(part, title(part))).collect(),
            legend: self.legend,
            columns: if several { 2 } else { 1 },
            row_height: 640,
        }
    }
}

impl Part {
    /// The points of each curve.
    pub fn points(
        &self,
        of: impl Fn(&Histogram<u64>, f64) -> Vec<(f64, f64)>,
    ) -> Vec<(Curve, Vec<(f64, f64)>)> {
        self.histograms.iter().map(|(curve, histogram, all)| (*curve, of(histogram, *all))).collect()
    }

    /// The least share that one thing is.
    pub fn rarest(&self) -> f64 {
        self.histograms.iter().map(|(.., all)| 1.0 / all).fold(1.0, f64::min)
    }

    /// True if something never came.
    fn lost(&self) -> bool {
        self.histograms.iter().any(|(_, histogram, all)| *all > histogram.len() as f64)
    }
}

/// Times of a subject by cell, with the number of things; those of messages are read as they are asked for.
enum Times {
    Messages,
    Rows(BTreeMap<usize, (Histogram<u64>, f64)>),
}

impl Times {
    fn read(results: &Results, subject: &Subject) -> Result<Times, ReportError> {
        match subject.table {
            Some(table) => Ok(Times::Rows(times(results, table, subject.column)?)),
            None => Ok(Times::Messages),
        }
    }

    fn came(&self, results: &Results, cell: usize) -> bool {
        match self {
            Times::Rows(rows) => rows.get(&cell).is_some_and(|(histogram, _)| !histogram.is_empty()),
            Times::Messages => results.values(cell, "deliveries").any(|(_, count)| count > 0.0),
        }
    }

    /// Nothing where nothing came.
    fn of_cell(&self, results: &Results, cell: usize) -> Result<Option<(Histogram<u64>, f64)>, ReportError> {
        let found = match self {
            Times::Rows(rows) => rows.get(&cell).cloned(),
            Times::Messages => latency::of_cell(results, cell)?.map(|histogram| {
                let counts = results.values(cell, "deliveries_expected");
                (histogram, counts.map(|(_, count)| count).sum())
            }),
        };
        Ok(found.filter(|(histogram, _)| !histogram.is_empty()))
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
    fn all_of_which_anything_came_is_drawn_or_what_is_asked_for() {
        let study = with_measure(with_chat(study(&[])), Measure::Probes, "ping");
        let (both, pings) = ("message latency and round trips of pings", "round trips of pings");
        for (chat, wish, names) in
            [(true, None, both), (false, None, pings), (true, Some("latency_ms"), "message latency")]
        {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let model = Model { seed: 1, congestion: "reno", loss: 0.02, flows: 1, chat, seconds: 3 };
            fill(dir.path(), &study, |_, _| model);
            let times = wish.iter().map(|wish| subject(&study, wish).expect("times")).collect();
            let (results, view) = (load(dir.path(), &study), View { times, ..View::default() });
            let chosen = || {
                (cwnd::choose(&results, 8).expect("cells"), throughput::choose(&results, 8).expect("cells"))
            };
            let (flows, data) = chosen();
            let sources = Sources::read(&results, &[], flows, data, &view).expect("sources");
            let found = Distribution::of(&sources).expect("read").map(|found| found.names());
            assert_eq!(found.as_deref(), Some(names));
        }
        let error = subject(&study, "completion_ms").expect_err("no requests");
        assert_eq!(error.help, "there are latency_ms, rtt_ms");
    }
}
