//! The tail of times: the share of messages, requests or pings that is later than a time, and the time at each percentile.

use hdrhistogram::Histogram;

use super::distribution::{Distribution, Part};
use super::latency_cdf;
use super::panel::Panel;
use super::scale::Scale;
use super::sheet::{DrawPanel, Sheet};
use super::sources::Sources;
use super::style::Curve;
use crate::report::error::ReportError;

/// A point of a curve.
type Point = (f64, f64);

/// The complementary cumulative distribution, both axes logarithmic.
pub fn draw_ccdf(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let Some(distribution) = Distribution::of(sources)? else { return Ok(None) };
    let what = format!("{}, complementary distribution", distribution.names());
    Ok(Some(distribution.sheet(sources, &what, |lost| format!("{lost} is later than all"), tail)))
}

fn tail(part: &Part, title: String) -> DrawPanel {
    let mut curves = part.points(later);
    let times = curves.iter().flat_map(|(_, points)| points).map(|point| point.0);
    let x = latency_cdf::curve_axis(&times.filter(|ms| ms.is_finite()).collect::<Vec<_>>());
    for point in curves.iter_mut().flat_map(|(_, points)| points) {
        point.0 = if point.0.is_finite() { x.place(point.0) } else { x.high() };
    }
    let panel = Panel {
        title,
        x_label: latency_cdf::axis_label(part, &x),
        x,
        y: Scale::log(part.rarest() / 1.5, 1.0),
        y_label: "share that is later".to_owned(),
    };
    draw(panel, curves)
}

/// Latency over the percentile, each nine of which has the same length.
pub fn draw_percentiles(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let Some(distribution) = Distribution::of(sources)? else { return Ok(None) };
    let what = format!("{} by percentile", distribution.names());
    let late = |lost: &str| format!("a curve ends before {lost}");
    Ok(Some(distribution.sheet(sources, &what, late, percentiles)))
}

fn percentiles(part: &Part, title: String) -> DrawPanel {
    let curves = part.points(by_percentile);
    let y = time_axis(curves.iter().flat_map(|(_, points)| points).map(|point| point.1));
    let panel = Panel {
        title,
        x: percentile_axis(part.rarest()),
        y_label: latency_cdf::axis_label(part, &y),
        y,
        x_label: "percentile (%)".to_owned(),
    };
    draw(panel, curves)
}

fn draw(panel: Panel, curves: Vec<(Curve, Vec<Point>)>) -> DrawPanel {
    Box::new(move |area| {
        let chart = panel.draw(area, None)?;
        for (n, (curve, points)) in curves.iter().enumerate() {
            chart.line(points, curve.color(), 22, curve.dash())?;
            // Markers at equal distances along the points, shifted from curve to curve.
            let gap = (points.len() / 5).max(1);
            for point in points.iter().skip(n * gap / curves.len().max(1)).step_by(gap) {
                chart.marker(point.0, point.1, *curve)?;
            }
        }
        chart.interrupt()
    })
}

/// The axis of these times: from zero, unless they are close together, or many times one another.
fn time_axis(times: impl Iterator<Item = f64>) -> Scale {
    let (low, top) = times.fold((f64::INFINITY, 0.0_f64), |(low, top), ms| (low.min(ms), top.max(ms)));
    if latency_cdf::are_close(low, top) {
        // From zero on they would all lie at the upper edge.
        latency_cdf::curve_axis(&[low, top])
    } else if low > 0.0 && top / low > 40.0 {
        Scale::log(low * 0.9, top * 1.1)
    } else {
        Scale::from_zero(top, 6)
    }
}

/// The axis of 1 / (1 − p), up to the rarest share.
fn percentile_axis(rarest: f64) -> Scale {
    let nines = |n: usize| match n {
        0 => "0".to_owned(),
        1 => "90".to_owned(),
        2 => "99".to_owned(),
        n => format!("99.{}", "9".repeat(n - 2)),
    };
    let high = (1.0 / rarest).max(10.0);
    let decades = high.log10().floor() as usize;
    let ticks = (0..=decades).map(|n| (10f64.powi(i32::try_from(n).unwrap_or(0)), nines(n)));
    let half = [(2.0, "50".to_owned())];
    let mut ticks: Vec<(f64, String)> = ticks.chain(half).collect();
    ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
    Scale::log(1.0, high).with_ticks(ticks)
}

/// Steps of (milliseconds, share of all expected deliveries that is later), to infinity for what never came; those
/// that nothing is later than have no place on a logarithmic axis.
fn later(histogram: &Histogram<u64>, expected: f64) -> Vec<Point> {
    let mut seen = 0;
    let mut points = Vec::new();
    for (ms, count) in latency_cdf::recorded(histogram) {
        points.push((ms, 1.0 - seen as f64 / expected));
        seen += count;
        let left = 1.0 - seen as f64 / expected;
        if left > 0.5 / expected {
            points.push((ms, left));
        }
    }
    let lost = 1.0 - seen as f64 / expected;
    if lost > 0.5 / expected {
        points.push((f64::INFINITY, lost));
    }
    points
}

/// Steps of (1 / (1 − p), milliseconds), up to the last that was delivered.
fn by_percentile(histogram: &Histogram<u64>, expected: f64) -> Vec<Point> {
    let place = |seen: u64| expected / (expected - seen as f64).max(1.0);
    let mut seen = 0;
    let mut points = Vec::new();
    for (ms, count) in latency_cdf::recorded(histogram) {
        points.push((place(seen), ms));
        seen += count;
        points.push((place(seen), ms));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(ms: &[u64]) -> Histogram<u64> {
        let mut histogram = Histogram::new(3).expect("three digits are allowed");
        for ms in ms {
            histogram.record(ms * 1_000_000).expect("it grows");
        }
        histogram
    }

    #[test]
    fn shares_later_than_a_time_count_what_was_never_delivered() {
        let points = later(&histogram(&[1, 2]), 4.0);
        let shares: Vec<f64> = points.iter().map(|point| point.1).collect();
        assert_eq!(shares, [1.0, 0.75, 0.75, 0.5, 0.5]);
        assert_eq!(points.last().map(|point| point.0), Some(f64::INFINITY));
        // The last delivery of all has none later.
        let shares: Vec<f64> = later(&histogram(&[1, 2]), 2.0).iter().map(|point| point.1).collect();
        assert_eq!(shares, [1.0, 0.5, 0.5]);
    }

    #[test]
    fn the_axis_of_times_is_chosen_by_their_range() {
        let ends = |times: [f64; 2]| {
            let axis = time_axis(times.into_iter());
            (axis.low(), axis.high(), axis.is_log())
        };
        assert_eq!(ends([80.0, 100.0]), (79.0, 101.0, false));
        assert_eq!(ends([10.0, 100.0]), (0.0, 106.0, false));
        assert_eq!(ends([0.0, 100.0]), (0.0, 106.0, false));
        assert!(ends([1.0, 100.0]).2);
    }

    #[test]
    fn each_nine_of_a_percentile_has_the_same_length() {
        let places: Vec<f64> = by_percentile(&histogram(&[1, 2]), 10.0).iter().map(|point| point.0).collect();
        assert_eq!(places, [1.0, 10.0 / 9.0, 10.0 / 9.0, 1.25]);
        let axis = percentile_axis(1e-4);
        let labels: Vec<&str> = axis.labels().collect();
        assert_eq!(labels, ["0", "50", "90", "99", "99.9", "99.99"]);
        let gaps: Vec<f64> = [10.0, 100.0, 1000.0].map(|at| axis.share(at * 10.0) - axis.share(at)).to_vec();
        assert!(gaps.iter().all(|gap| (gap - 0.25).abs() < 1e-12), "{gaps:?}");
    }
}
