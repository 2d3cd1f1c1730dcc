//! The histogram of latencies.

use hdrhistogram::Histogram;

use super::data::{self, MAX_PANELS};
use super::panel::Panel;
use super::scale::Scale;
use super::style::{Curve, DrawPanel, INK, Key, Sheet, Symbol};
use crate::report::error::ReportError;
use crate::report::files::Results;
use crate::report::latency;
use crate::report::summary::CellSummary;
use crate::report::table::plain;

/// Bars in each factor of ten of the latency.
const BARS_PER_DECADE: f64 = 40.0;

/// One panel per cell, over all its trials, all with the same axis of time.
pub fn draw(results: &Results, _: &[CellSummary]) -> Result<Option<Sheet>, ReportError> {
    let (cells, omitted) = data::spread(&results.cells_with_trials(), MAX_PANELS);
    let mut histograms: Vec<(usize, Histogram<u64>, f64)> = Vec::new();
    for cell in cells {
        if let Some(histogram) = latency::of_cell(results, cell)?.filter(|h| !h.is_empty()) {
            let expected: f64 = results.values(cell, "deliveries_expected").iter().map(|(_, n)| n).sum();
            histograms.push((cell, histogram, expected));
        }
    }
    let low = histograms.iter().map(|(_, h, _)| h.min_nz()).min().unwrap_or(1).max(1_000) as f64 / 1e6;
    let high = histograms.iter().map(|(_, h, _)| h.max()).max().unwrap_or(1) as f64 / 1e6;
    let (low, high) = (low * 0.9, (high * 1.1).max(low * 4.0));
    let mut panels: Vec<DrawPanel> = Vec::new();
    for (cell, histogram, expected) in histograms {
        let ms = |p| latency::percentile(&histogram, expected as u64, p).map(|nanos| nanos as f64 / 1e6);
        let (median, p99) = (ms(0.5), ms(0.99));
        let title = heading(&data::panel_title(results, cell), median, p99);
        panels.push(Box::new(move |area| {
            let bars = bars(&histogram, expected);
            let top = bars.iter().map(|(_, _, percent)| *percent).fold(0.0, f64::max);
            let chart = Panel {
                title: title.clone(),
                x: Scale::log(low, high),
                y: Scale::from_zero(top * 1.12, 5),
                x_label: "latency (ms), logarithmic".to_owned(),
                y_label: "deliveries (%)".to_owned(),
            }
            .draw(area, None)?;
            for (from, to, percent) in bars {
                let (from, to) = (from.clamp(low, high), to.clamp(low, high));
                chart.rectangle([(from, percent), (to, 0.0)], Curve(0).color(), 0.8)?;
            }
            for ms in [median, p99].into_iter().flatten() {
                chart.upright(ms)?;
            }
            Ok(())
        }));
    }
    if panels.is_empty() {
        return Ok(None);
    }
    let (columns, row_height) = data::grid(panels.len());
    let what = Some("over all trials; bars of equal width on the logarithmic axis".to_owned());
    let pooled = (results.study.trials > 1).then(|| {
        "percentiles are of all trials' deliveries together, in the table the mean of each trial's".to_owned()
    });
    Ok(Some(Sheet {
        title: data::title(results, "message latency"),
        subtitle: data::subtitle(&[what, pooled, omitted]),
        legend: vec![Key { label: "median and 99th percentile".to_owned(), symbol: Symbol::Threshold(INK) }],
        columns,
        row_height,
        panels,
    }))
}

/// The cell with its two percentiles; one among what was never delivered has no value.
fn heading(cell: &str, median: Option<f64>, p99: Option<f64>) -> String {
    let text = |ms: Option<f64>| ms.map_or("none".to_owned(), |ms| format!("{} ms", plain(ms)));
    let gap = if cell.is_empty() { "" } else { ": " };
    format!("{cell}{gap}median {}, p99 {}", text(median), text(p99))
}

/// Bars as (from, to, percent of all expected deliveries).
fn bars(histogram: &Histogram<u64>, expected: f64) -> Vec<(f64, f64, f64)> {
    let expected = expected.max(histogram.len() as f64);
    let mut bars: Vec<(i32, u64)> = Vec::new();
    for step in histogram.iter_recorded() {
        let ms = (step.value_iterated_to().min(histogram.max()) as f64 / 1e6).max(1e-6);
        let bar = (ms.log10() * BARS_PER_DECADE).floor() as i32;
        match bars.last_mut() {
            Some((last, count)) if *last == bar => *count += step.count_at_value(),
            _ => bars.push((bar, step.count_at_value())),
        }
    }
    let edge = |bar: i32| 10f64.powf(f64::from(bar) / BARS_PER_DECADE);
    bars.into_iter().map(|(bar, count)| (edge(bar), edge(bar + 1), count as f64 / expected * 100.0)).collect()
}
