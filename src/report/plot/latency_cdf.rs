//! The distribution of latencies: which share of the deliveries came within which time.

use hdrhistogram::Histogram;

use super::data::{self, Choice, Sources};
use super::panel::Panel;
use super::scale::Scale;
use super::style::{Curve, Key, MAX_CURVES, Sheet, Symbol};
use crate::report::error::ReportError;
use crate::report::latency;

/// One curve per cell, over all its trials.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let results = sources.results;
    let delivered = |cell| Ok(results.values(cell, "deliveries").iter().any(|(_, count)| *count > 0.0));
    let Choice { cells, remark: omitted } = data::choose(results, MAX_CURVES, "deliveries", delivered)?;
    let mut curves: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    let mut undelivered = false;
    for cell in cells {
        let Some(histogram) = latency::of_cell(results, cell)?.filter(|h| !h.is_empty()) else { continue };
        let expected: f64 = results.values(cell, "deliveries_expected").iter().map(|(_, n)| n).sum();
        undelivered |= expected > histogram.len() as f64;
        let label = match results.study.cell_label(cell) {
            label if label.is_empty() => "all messages".to_owned(),
            label => label,
        };
        curves.push((label, shares(&histogram, expected)));
    }
    if curves.is_empty() {
        return Ok(None);
    }
    let legend = (curves.iter().enumerate())
        .map(|(n, (label, _))| Key { label: label.clone(), symbol: Symbol::Line(Curve(n), true) })
        .collect();
    let late = undelivered.then(|| "what was never delivered keeps a curve below 1".to_owned());
    let what = Some("over all trials, from the intended send time to each delivery".to_owned());
    Ok(Some(Sheet {
        title: data::title(results, "cumulative distribution of message latency"),
        subtitle: data::subtitle(&[what, omitted, late]),
        legend,
        columns: 1,
        row_height: 640,
        panels: vec![Box::new(move |area| {
            let all: Vec<f64> = curves.iter().flat_map(|(_, points)| points).map(|point| point.0).collect();
            let x = axis(&all);
            let chart = Panel {
                title: String::new(),
                x: x.clone(),
                y: Scale::linear(0.0, 1.02, 10),
                x_label: "latency (ms), logarithmic".to_owned(),
                y_label: "share of expected deliveries".to_owned(),
            }
            .draw(area, None)?;
            for (n, (_, points)) in curves.iter().enumerate() {
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

/// Steps of (milliseconds, share of all expected deliveries up to it).
fn shares(histogram: &Histogram<u64>, expected: f64) -> Vec<(f64, f64)> {
    let expected = expected.max(histogram.len() as f64);
    let mut seen = 0;
    let mut points: Vec<(f64, f64)> = Vec::new();
    for step in histogram.iter_recorded() {
        let ms = step.value_iterated_to().min(histogram.max()) as f64 / 1e6;
        points.push((ms, seen as f64 / expected));
        seen += step.count_at_value();
        points.push((ms, seen as f64 / expected));
    }
    points
}
