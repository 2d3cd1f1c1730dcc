//! Jain's fairness index of the flows' throughput over time.

use super::data::{self, Flow};
use super::panel::Panel;
use super::phase_plot::bin_width;
use super::scale::Scale;
use super::sheet::{Key, Sheet, Symbol};
use super::sources::{FIRST_TRIAL, Sources};
use super::style::{Curve, SHADE};
use super::throughput;
use crate::report::error::ReportError;
use crate::tables::stats;

/// Bins in the span of time, about: shorter ones show the sawtooth more than the shares.
const BINS: f64 = 30.0;

/// One curve per cell with two flows.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all pictures")]
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let study = &sources.results.study;
    let (from, to) = sources.span();
    let bin = bin_width(to - from, BINS);
    let mut curves: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut legend: Vec<Key> = Vec::new();
    for &cell in &sources.with_data.cells {
        let mut flows: Vec<&Flow> = sources.flows(cell).iter().collect();
        sources.retain_bulk(&mut flows);
        let Some(direction) = flows.first().map(|flow| flow.direction.clone()) else { continue };
        flows.retain(|flow| flow.direction == direction);
        let points = sources.seen(over_time(&flows, bin));
        if points.iter().filter(|point| point.1.is_finite()).count() > 1 {
            let label = data::curve_label(sources.results, cell, "all flows");
            legend.push(Key { label, symbol: Symbol::Line(Curve(curves.len()), true) });
            curves.push(points);
        }
    }
    if curves.is_empty() {
        return Ok(None);
    }
    let warmup = study.warmup.as_secs_f64();
    if warmup > from {
        legend.push(Key { label: "warm-up, not measured".to_owned(), symbol: Symbol::Patch(SHADE) });
    }
    let bins = format!("of the bytes that arrive in bins of {bin} s, over the flows that last through each");
    Ok(Some(Sheet {
        title: data::title(sources.results, "fairness over time"),
        subtitle: data::subtitle(&[
            Some(FIRST_TRIAL.to_owned()),
            Some(bins),
            sources.with_data.remark.clone(),
            sources.until_over(),
        ]),
        legend,
        columns: 1,
        row_height: 560,
        panels: vec![Box::new(move |area| {
            let chart = Panel {
                title: String::new(),
                x: Scale::linear(from, to, 10),
                y: Scale::linear(0.0, 1.04, 5),
                x_label: "time (s)".to_owned(),
                y_label: "Jain's index".to_owned(),
            }
            .draw(area, Some((from, warmup)))?;
            for (n, points) in curves.iter().enumerate() {
                let curve = Curve(n);
                chart.line(points, curve.color(), 20, curve.dash())?;
                let gap = (points.len() / 6).max(1);
                let marked = points.iter().skip(n * gap / curves.len()).step_by(gap);
                for point in marked.filter(|point| point.1.is_finite()) {
                    chart.marker(point.0, point.1, curve)?;
                }
            }
            Ok(())
        })],
    }))
}

/// The index in each bin, at its middle; not a number where fewer than two flows last through it.
fn over_time(flows: &[&Flow], bin: f64) -> Vec<(f64, f64)> {
    let rates: Vec<Vec<(f64, f64)>> = flows.iter().map(|flow| throughput::binned(&[*flow], bin)).collect();
    let bins = rates.iter().map(Vec::len).max().unwrap_or(0);
    let index = |n: usize| {
        let middle = (n as f64 + 0.5) * bin;
        let lasting = flows.iter().zip(&rates).filter(|(flow, _)| {
            let first = flow.time_s.first().copied().unwrap_or(f64::INFINITY);
            first <= n as f64 * bin + 1e-9
        });
        let shares: Vec<f64> = lasting.filter_map(|(_, rates)| Some(rates.get(n)?.1)).collect();
        let index = if shares.len() > 1 { stats::jain(&shares) } else { None };
        (middle, index.unwrap_or(f64::NAN))
    };
    (0..bins).map(index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_compared_while_two_last() {
        let flow = |from: i32, to: i32, rate: f64| Flow {
            time_s: (from..=to).map(f64::from).collect(),
            received: (0..=to - from).map(|n| f64::from(n) * rate).collect(),
            ..Flow::default()
        };
        let (a, b, c) = (flow(0, 4, 1e6), flow(1, 3, 1e6), flow(2, 4, 2e6));
        let indices: Vec<f64> = over_time(&[&a, &b, &c], 1.0).into_iter().map(|point| point.1).collect();
        assert!(indices[0].is_nan());
        assert!((indices[1] - 1.0).abs() < 1e-9, "{indices:?}");
        // Jain of 1, 1, 2 is 16/18, of 1, 2 it is 9/10.
        assert!((indices[2] - 16.0 / 18.0).abs() < 1e-9 && (indices[3] - 0.9).abs() < 1e-9, "{indices:?}");
    }
}
