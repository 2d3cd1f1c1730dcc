//! Goodput of each flow over time, counted as bytes arrive: those in order come in lumps, one for each
//! hole that is filled, and would seem faster than the link.

use std::collections::BTreeSet;

use super::data::{self, Flow, Names};
use super::panel::Panel;
use super::scale::Scale;
use super::style::{Curve, DrawPanel, Key, MAX_CURVES, SHADE, Sheet, Symbol};
use crate::report::error::ReportError;
use crate::report::files::Results;
use crate::report::summary::CellSummary;

/// One panel per cell; the flows that moved the most, and all others together.
pub fn draw(results: &Results, _: &[CellSummary]) -> Result<Option<Sheet>, ReportError> {
    let (cells, omitted) = data::cells_with_series(results);
    let warmup = results.study.warmup.as_secs_f64();
    let duration = results.study.duration.as_secs_f64();
    let bin = bin_width(results.study.duration.as_secs_f64());
    let mut contents: Vec<(usize, Curves)> = Vec::new();
    for &cell in &cells {
        let curves = curves(&data::flows(results, cell)?, bin, 4);
        if curves.iter().any(|(_, points)| points.len() > 1 && points.iter().any(|point| point.1 != 0.0)) {
            contents.push((cell, curves));
        }
    }
    let names = Names::of(
        contents.iter().map(|(_, curves)| curves.iter().map(|(label, _)| label.as_str()).collect()),
        MAX_CURVES,
    );
    let marked = names.all().len() > 1;
    let mut panels: Vec<DrawPanel> = Vec::new();
    for (cell, curves) in contents {
        let places = curves.iter().enumerate();
        let lines: Vec<(Curve, Vec<(f64, f64)>)> =
            places.map(|(n, (label, points))| (Curve(names.curve(label, n)), points.clone())).collect();
        let title = data::panel_title(results, cell);
        panels.push(Box::new(move |area| {
            let all = || lines.iter().flat_map(|(_, points)| points);
            let top = all().map(|point| point.1).fold(0.0, f64::max);
            let end = all().map(|point| point.0).fold(duration, f64::max);
            let chart = Panel {
                title: title.clone(),
                x: Scale::linear(0.0, end, 10),
                y: Scale::from_zero(top, 6),
                x_label: "time (s)".to_owned(),
                y_label: "goodput (Mbit/s)".to_owned(),
            }
            .draw(area, Some((0.0, warmup)))?;
            for (n, (curve, points)) in lines.iter().enumerate() {
                chart.line(points, curve.color(), 20, curve.dash().filter(|_| marked))?;
                if lines.len() > 1 {
                    // A few markers, at other places for each curve.
                    let gap = (points.len() / 8).max(1);
                    for point in
                        points.iter().skip((n * gap / lines.len()).min(points.len() - 1)).step_by(gap)
                    {
                        chart.marker(point.0, point.1, *curve)?;
                    }
                }
            }
            Ok(())
        }));
    }
    if panels.is_empty() {
        return Ok(None);
    }
    let mut legend: Vec<Key> = (names.all().iter().enumerate())
        .map(|(n, label)| Key { label: label.clone(), symbol: Symbol::Line(Curve(n), marked) })
        .collect();
    if warmup > 0.0 {
        legend.push(Key { label: "warm-up, not measured".to_owned(), symbol: Symbol::Patch(SHADE) });
    }
    let bins = format!("bytes at their arrival at the receiver, each once, in bins of {bin} s");
    let scales = (panels.len() > 1).then(|| "each panel has its own scale".to_owned());
    let (columns, row_height) = data::grid(panels.len());
    Ok(Some(Sheet {
        title: data::title(results, "goodput over time"),
        subtitle: data::subtitle(&[Some(data::FIRST_TRIAL.to_owned()), Some(bins), omitted, scales]),
        legend,
        columns,
        row_height,
        panels,
    }))
}

/// Bins of 0.1 s to 1 s, by the length of the trial.
fn bin_width(duration: f64) -> f64 {
    [0.1, 0.2, 0.5].into_iter().find(|bin| duration / bin <= 150.0).unwrap_or(1.0)
}

type Curves = Vec<(String, Vec<(f64, f64)>)>;

/// The most flows that are told apart where there are several groups of them.
const MOST_SINGLE: usize = 8;

/// The most that are told apart where all are of one group.
const CROWD: usize = 40;

/// The curves of a panel with their labels: the groups, if many flows form a few; else `most` single
/// flows, and the others together.
fn curves(flows: &[Flow], bin: f64, most: usize) -> Curves {
    let groups: BTreeSet<&str> = flows.iter().map(Flow::group).collect();
    let crowd = flows.len() > if groups.len() > 1 { MOST_SINGLE } else { CROWD };
    if crowd && groups.len() <= most {
        let of = |name: &str| -> Vec<&Flow> { flows.iter().filter(|flow| flow.group() == name).collect() };
        return groups.iter().map(|name| (format!("{name}, all together"), binned(&of(name), bin))).collect();
    }
    let singles = if flows.len() > most + 1 { most } else { flows.len() };
    let mut curves: Curves =
        flows[..singles].iter().map(|flow| (flow.label(), binned(&[flow], bin))).collect();
    if flows.len() > singles {
        let rest: Vec<&Flow> = flows[singles..].iter().collect();
        curves.push(("all other flows together".to_owned(), binned(&rest, bin)));
    }
    curves
}

/// The goodput of the flows together in Mbit/s in bins, each at its middle; the last bin only if it is complete.
fn binned(flows: &[&Flow], bin: f64) -> Vec<(f64, f64)> {
    let end = flows.iter().filter_map(|flow| flow.time_s.last()).copied().fold(0.0, f64::max);
    let bins = (end / bin + 1e-9).floor() as usize;
    let mut bytes = vec![0.0; bins];
    for flow in flows {
        let mut before = received_at(flow, 0.0);
        for (n, sum) in bytes.iter_mut().enumerate() {
            let after = received_at(flow, (n + 1) as f64 * bin);
            *sum += after - before;
            before = after;
        }
    }
    let scale = 8.0 / 1e6 / bin;
    bytes.iter().enumerate().map(|(n, bytes)| ((n as f64 + 0.5) * bin, bytes * scale)).collect()
}

/// Bytes received by `time`, between samples by the rule of three.
fn received_at(flow: &Flow, time: f64) -> f64 {
    let next = flow.time_s.partition_point(|&sample| sample < time - 1e-9);
    match (next.checked_sub(1), flow.time_s.get(next)) {
        (None, _) => flow.received.first().copied().filter(|_| time > 0.0).unwrap_or(0.0),
        (Some(last), None) => flow.received[last],
        (Some(last), Some(&after)) => {
            let share = (time - flow.time_s[last]) / (after - flow.time_s[last]);
            flow.received[last] + share * (flow.received[next] - flow.received[last])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_what_arrived_in_them() {
        let flow = Flow {
            time_s: (0..=100).map(|n| f64::from(n) / 100.0).collect(),
            received: (0..=100).map(|n| f64::from(n) * 12_500.0).collect(),
            ..Flow::default()
        };
        let bins = binned(&[&flow], 0.1);
        assert_eq!(bins.len(), 10);
        assert!(bins.iter().all(|(_, rate)| (rate - 10.0).abs() < 1e-6), "{bins:?}");
    }
}
