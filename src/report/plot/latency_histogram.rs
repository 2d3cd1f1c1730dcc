//! The histogram of latencies.

use hdrhistogram::Histogram;

use super::data;
use super::latency_cdf;
use super::panel::Panel;
use super::scale::Scale;
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::sources::{self, Choice, Sources};
use super::style::{Curve, INK};
use crate::report::error::ReportError;
use crate::tables::latency;
use crate::tables::table::plain;

/// Bars in each factor of ten of the latency.
const BARS_PER_DECADE: f64 = 40.0;

/// One panel per cell, over all its trials, all with the same axis of time.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let results = sources.results;
    let delivered = |cell| Ok(results.values(cell, "deliveries").any(|(_, count)| count > 0.0));
    let Choice { cells, remark: omitted } =
        sources::choose(results, sources.view.most_cells(), "deliveries", delivered)?;
    let mut histograms: Vec<(usize, Histogram<u64>, f64)> = Vec::new();
    for cell in cells {
        if let Some(histogram) = latency::of_cell(results, cell)?.filter(|h| !h.is_empty()) {
            let expected: f64 = results.values(cell, "deliveries_expected").map(|(_, n)| n).sum();
            histograms.push((cell, histogram, expected));
        }
    }
    let ends = histograms.iter().flat_map(|(_, h, _)| [h.min(), h.min_nz(), h.max()]);
    let x = latency_cdf::axis(&ends.map(|nanos| nanos as f64 / 1e6).collect::<Vec<_>>());
    let mut panels: Vec<DrawPanel> = Vec::new();
    let (columns, row_height) = data::grid(histograms.len());
    let (frame, all) = (sources.view.frame, histograms.len());
    for (place, (cell, histogram, expected)) in histograms.into_iter().enumerate() {
        let ms = |p| latency::percentile(&histogram, expected as u64, p).map(|nanos| nanos as f64 / 1e6);
        let (median, p99) = (ms(0.5), ms(0.99));
        let late = 1.0 - histogram.len() as f64 / expected.max(histogram.len() as f64);
        let cell = data::panel_title(results, cell);
        // The legend says of which percentiles the two are.
        let title = if frame.is_narrow() {
            brief_heading(&cell, median, p99, late)
        } else {
            heading(&cell, median, p99, late)
        };
        let x_label = frame.below(place, all, columns, "latency (ms), logarithmic");
        let x = x.clone();
        panels.push(Box::new(move |area| {
            let bars = bars(&histogram, expected);
            let top = bars.iter().map(|(_, _, percent)| *percent).fold(0.0, f64::max);
            let chart = Panel {
                title: title.clone(),
                x: x.clone(),
                y: Scale::from_zero(top * 1.12, 5),
                x_label: x_label.clone(),
                y_label: "deliveries (%)".to_owned(),
            }
            .draw(area, None)?;
            for (from, to, percent) in bars {
                let place = |ms: f64| x.place(ms).clamp(x.low(), x.high());
                let widen = if to > 0.0 { 1.0 } else { 1.03 };
                chart.rectangle(
                    [(place(from) / widen, percent), (place(to) * widen, 0.0)],
                    Curve(0).color(),
                    0.8,
                )?;
            }
            for ms in [median, p99].into_iter().flatten() {
                chart.upright(x.place(ms))?;
            }
            chart.interrupt()
        }));
    }
    if panels.is_empty() {
        return Ok(None);
    }
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

/// The cell with its two percentiles, and the share that was never delivered, in which a percentile has
/// no value.
fn heading(cell: &str, median: Option<f64>, p99: Option<f64>, late: f64) -> String {
    let text = |ms: Option<f64>| ms.map_or("never delivered".to_owned(), |ms| format!("{} ms", plain(ms)));
    let gap = if cell.is_empty() { "" } else { ": " };
    let late =
        if late > 0.0 { format!(", {} % never delivered", plain(late * 100.0)) } else { String::new() };
    format!("{cell}{gap}median {}, p99 {}{late}", text(median), text(p99))
}

/// The same without words that the legend has: `loss 1 %: 88.0/671 ms`.
fn brief_heading(cell: &str, median: Option<f64>, p99: Option<f64>, late: f64) -> String {
    let (Some(median), Some(p99)) = (median, p99) else { return heading(cell, median, p99, late) };
    let gap = if cell.is_empty() { "" } else { ": " };
    let late =
        if late > 0.0 { format!(", {} % never delivered", plain(late * 100.0)) } else { String::new() };
    format!("{cell}{gap}{}/{} ms{late}", plain(median), plain(p99))
}

/// Bars as (from, to, percent of all expected deliveries).
fn bars(histogram: &Histogram<u64>, expected: f64) -> Vec<(f64, f64, f64)> {
    let expected = expected.max(histogram.len() as f64);
    // Those of no latency at all have a bar of their own, about as wide.
    let mut bars: Vec<(Option<i32>, u64)> = Vec::new();
    for step in histogram.iter_recorded() {
        let ms = step.value_iterated_to().min(histogram.max()) as f64 / 1e6;
        let bar = (ms > 0.0).then(|| (ms.log10() * BARS_PER_DECADE).floor() as i32);
        match bars.last_mut() {
            Some((last, count)) if *last == bar => *count += step.count_at_value(),
            _ => bars.push((bar, step.count_at_value())),
        }
    }
    let edge = |bar: i32| 10f64.powf(f64::from(bar) / BARS_PER_DECADE);
    let span = |bar: Option<i32>| bar.map_or((0.0, 0.0), |bar| (edge(bar), edge(bar + 1)));
    bars.into_iter().map(|(bar, count)| (span(bar).0, span(bar).1, count as f64 / expected * 100.0)).collect()
}
