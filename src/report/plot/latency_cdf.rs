//! The distribution of latencies: which share of the deliveries came within which time.

use hdrhistogram::Histogram;

use super::data;
use super::panel::Panel;
use super::scale::Scale;
use super::sheet::{Key, Sheet, Symbol};
use super::sources::{self, Choice, Sources};
use super::style::{Curve, MAX_CURVES};
use crate::report::error::ReportError;
use crate::tables::latency;

/// Latencies of the cells that a picture shows, a curve each.
pub struct Distribution {
    /// Over all trials of a cell, with the deliveries that were expected.
    histograms: Vec<(Histogram<u64>, f64)>,
    pub legend: Vec<Key>,
    /// True if something was never delivered.
    pub undelivered: bool,
    /// Remark on cells that are left out.
    pub remark: Option<String>,
}

impl Distribution {
    /// `None` where nothing was delivered.
    pub fn of(sources: &Sources<'_>) -> Result<Option<Distribution>, ReportError> {
        let results = sources.results;
        let delivered = |cell| Ok(results.values(cell, "deliveries").iter().any(|(_, count)| *count > 0.0));
        let Choice { cells, remark } = sources::choose(results, MAX_CURVES, "deliveries", delivered)?;
        let (mut histograms, mut legend, mut undelivered) = (Vec::new(), Vec::new(), false);
        for cell in cells {
            let Some(histogram) = latency::of_cell(results, cell)?.filter(|h| !h.is_empty()) else {
                continue;
            };
            let expected: f64 = results.values(cell, "deliveries_expected").iter().map(|(_, n)| n).sum();
            undelivered |= expected > histogram.len() as f64;
            let label = match results.study.cell_label(cell) {
                label if label.is_empty() => "all messages".to_owned(),
                label => label,
            };
            legend.push(Key { label, symbol: Symbol::Line(Curve(legend.len()), true) });
            let expected = expected.max(histogram.len() as f64);
            histograms.push((histogram, expected));
        }
        let some = !histograms.is_empty();
        Ok(some.then_some(Distribution { histograms, legend, undelivered, remark }))
    }

    /// The points of each curve.
    pub fn points(&self, of: impl Fn(&Histogram<u64>, f64) -> Vec<(f64, f64)>) -> Vec<Vec<(f64, f64)>> {
        self.histograms.iter().map(|(histogram, expected)| of(histogram, *expected)).collect()
    }

    /// The least share that one delivery is.
    pub fn rarest(&self) -> f64 {
        self.histograms.iter().map(|(_, expected)| 1.0 / expected).fold(1.0, f64::min)
    }
}

/// One curve per cell, over all its trials.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let Some(distribution) = Distribution::of(sources)? else { return Ok(None) };
    let curves = distribution.points(shares);
    let late = distribution.undelivered.then(|| "what was never delivered keeps a curve below 1".to_owned());
    let what = Some("over all trials, from the intended send time to each delivery".to_owned());
    Ok(Some(Sheet {
        title: data::title(sources.results, "cumulative distribution of message latency"),
        subtitle: data::subtitle(&[what, distribution.remark, late]),
        legend: distribution.legend,
        columns: 1,
        row_height: 640,
        panels: vec![Box::new(move |area| {
            let all: Vec<f64> = curves.iter().flatten().map(|point| point.0).collect();
            let x = axis(&all);
            let chart = Panel {
                title: String::new(),
                x: x.clone(),
                y: Scale::linear(0.0, 1.02, 10),
                x_label: "latency (ms), logarithmic".to_owned(),
                y_label: "share of expected deliveries".to_owned(),
            }
            .draw(area, None)?;
            for (n, points) in curves.iter().enumerate() {
                let points: Vec<(f64, f64)> =
                    points.iter().map(|(ms, share)| (x.place(*ms), *share)).collect();
                chart.line(&points, Curve(n).color(), 22, Curve(n).dash())?;
                // Markers at round shares, shifted from curve to curve.
                for step in 0..4 {
                    let share = 0.1 + 0.24 * f64::from(step) + 0.028 * n as f64;
                    if let Some(point) = points.iter().find(|point| point.1 >= share) {
                        chart.marker(point.0, share.min(point.1), Curve(n))?;
                    }
                }
            }
            chart.interrupt()
        })],
    }))
}

/// A logarithmic axis for these latencies, with a place for zero if it is among them.
pub fn axis(latencies_ms: &[f64]) -> Scale {
    let positive = || latencies_ms.iter().copied().filter(|ms| *ms > 0.0);
    let (low, high) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
    let low = if low.is_finite() { low } else { 0.1 };
    let high = high.max(low * 4.0) * 1.1;
    if latencies_ms.iter().any(|ms| *ms <= 0.0) {
        Scale::log_and_zero(low, high)
    } else {
        Scale::log(low * 0.9, high)
    }
}

/// The values of a histogram in milliseconds, with their counts.
pub fn recorded(histogram: &Histogram<u64>) -> impl Iterator<Item = (f64, u64)> {
    histogram.iter_recorded().map(|step| {
        let ms = step.value_iterated_to().min(histogram.max()) as f64 / 1e6;
        (ms, step.count_at_value())
    })
}

/// Steps of (milliseconds, share of all expected deliveries up to it).
fn shares(histogram: &Histogram<u64>, expected: f64) -> Vec<(f64, f64)> {
    let mut seen = 0;
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (ms, count) in recorded(histogram) {
        points.push((ms, seen as f64 / expected));
        seen += count;
        points.push((ms, seen as f64 / expected));
    }
    points
}
