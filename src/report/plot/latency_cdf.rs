//! The distribution of times: the share of deliveries, requests or pings that came within a time.

use hdrhistogram::Histogram;

use super::data;
use super::distribution::Distribution;
use super::panel::Panel;
use super::scale::Scale;
use super::sheet::Sheet;
use super::sources::Sources;
use super::style::Curve;
use crate::report::error::ReportError;

/// One curve of messages per cell, over all its trials.
pub fn draw_messages(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    Ok(Distribution::of_messages(sources)?.map(|distribution| sheet(sources, distribution)))
}

/// The same of messages, requests or pings.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    Ok(Distribution::of(sources)?.map(|distribution| sheet(sources, distribution)))
}

fn sheet(sources: &Sources<'_>, distribution: Distribution) -> Sheet {
    let curves = distribution.points(shares);
    let subject = distribution.subject;
    let late = distribution.lost.then(|| format!("{} keeps a curve below 1", subject.lost));
    let what = Some(format!("over all trials, {}", subject.span));
    Sheet {
        title: data::title(sources.results, &format!("cumulative distribution of {}", subject.name)),
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
                x_label: format!("{} (ms), logarithmic", subject.time),
                y_label: format!("share of {}", subject.counted),
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
    }
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
