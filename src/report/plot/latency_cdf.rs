//! The distribution of times: the share of deliveries, requests and pings that came within a time.

use hdrhistogram::Histogram;

use super::distribution::{Distribution, Part};
use super::panel::Panel;
use super::scale::Scale;
use super::sheet::{DrawPanel, Sheet};
use super::sources::Sources;
use crate::report::error::ReportError;

/// Latencies of which none is so many times another are close together.
const CLOSE: f64 = 4.0;

/// One curve of messages per cell, over all its trials.
pub fn draw_messages(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    Ok(Distribution::of_messages(sources)?.map(|distribution| sheet(sources, distribution)))
}

/// The same of messages, requests and pings, a panel each.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    Ok(Distribution::of(sources)?.map(|distribution| sheet(sources, distribution)))
}

fn sheet(sources: &Sources<'_>, distribution: Distribution) -> Sheet {
    let what = format!("cumulative distribution of {}", distribution.names());
    distribution.sheet(sources, &what, |lost| format!("{lost} keeps a curve below 1"), panel)
}

fn panel(part: &Part, title: String) -> DrawPanel {
    let mut curves = part.points(shares);
    let all: Vec<f64> = curves.iter().flat_map(|(_, points)| points).map(|point| point.0).collect();
    let x = curve_axis(&all);
    // The share stays below one if something never came.
    for points in curves.iter_mut().map(|(_, points)| points) {
        let last = points.last().filter(|(_, share)| *share < 1.0).copied();
        points.extend(last.map(|(_, share)| (x.high(), share)));
    }
    let panel = Panel {
        title,
        x: x.clone(),
        y: Scale::linear(0.0, 1.02, 10),
        x_label: axis_label(part, &x),
        y_label: format!("share of {}", part.subject.counted),
    };
    Box::new(move |area| {
        let chart = panel.draw(area, None)?;
        for (curve, points) in &curves {
            let points: Vec<(f64, f64)> = points.iter().map(|(ms, share)| (x.place(*ms), *share)).collect();
            chart.line(&points, curve.color(), 22, curve.dash())?;
            // Markers at round shares, shifted from curve to curve.
            for step in 0..4 {
                let share = 0.1 + 0.24 * f64::from(step) + 0.028 * curve.0 as f64;
                if let Some(point) = points.iter().find(|point| point.1 >= share) {
                    chart.marker(point.0, share.min(point.1), *curve)?;
                }
            }
        }
        chart.interrupt()
    })
}

/// True if latencies with these ends are so close together that an axis shows them alone.
pub fn are_close(low: f64, high: f64) -> bool {
    low > 0.0 && high < low * CLOSE
}

/// An axis for curves over these latencies: a logarithmic one, unless they are close together.
pub fn curve_axis(latencies_ms: &[f64]) -> Scale {
    let (low, high) =
        latencies_ms.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), ms| (low.min(*ms), high.max(*ms)));
    if are_close(low, high) {
        let beyond = (high - low).max(low / 100.0) / 20.0;
        Scale::linear(low - beyond, high + beyond, 6)
    } else {
        axis(latencies_ms)
    }
}

/// Title of an axis of times.
pub fn axis_label(part: &Part, axis: &Scale) -> String {
    format!("{} (ms){}", part.subject.time, if axis.is_log() { ", logarithmic" } else { "" })
}

/// A logarithmic axis for these latencies, with a place for zero if it is among them.
pub fn axis(latencies_ms: &[f64]) -> Scale {
    let positive = || latencies_ms.iter().copied().filter(|ms| *ms > 0.0);
    let (low, high) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
    let low = if low.is_finite() { low } else { 0.1 };
    let high = high.max(low * CLOSE) * 1.1;
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
