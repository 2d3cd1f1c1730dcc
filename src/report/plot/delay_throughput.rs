//! Goodput against delay, a marker for each cell. The axis of delay is reversed, so that better is
//! upper right (Winstein and Balakrishnan, "TCP ex Machina", SIGCOMM 2013, figure 4).

use std::collections::BTreeMap;

use super::data;
use super::panel::Panel;
use super::scale::Scale;
use super::select::{Unfit, enumerated};
use super::sheet::{Key, Sheet, Symbol};
use super::sources::{self, Choice, Sources};
use super::style::{Curve, MAX_CURVES};
use crate::facts::Measure;
use crate::report::error::ReportError;
use crate::tables::results::Results;
use crate::tables::rows::Table;
use crate::tables::stats::Estimate;

/// Goodput and round trip of a trial's flows.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    goodput_mbit: f64,
    srtt_ms: f64,
    with_srtt: u32,
}

/// One marker per cell with 95 % intervals both ways.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let (results, view) = (sources.results, sources.view);
    let (trials, whose) = sums(results, &view.groups)?;
    let has = |cell| Ok(trials.iter().any(|((of, _), sums)| *of == cell && sums.with_srtt > 0));
    let Choice { cells, remark } = sources::choose(results, MAX_CURVES, "goodput and round trips", has)?;
    let over = |cell: usize, value: fn(&Sums) -> f64| {
        let of_cell = trials.iter().filter(|((of, _), sums)| *of == cell && sums.with_srtt > 0);
        Estimate::of(&of_cell.map(|(_, sums)| value(sums)).collect::<Vec<f64>>())
    };
    let mut legend = Vec::new();
    let mut points: Vec<(Estimate, Estimate)> = Vec::new();
    for cell in cells {
        let delay = over(cell, |sums| sums.srtt_ms / f64::from(sums.with_srtt));
        let (Some(delay), Some(goodput)) = (delay, over(cell, |sums| sums.goodput_mbit)) else { continue };
        let label = data::curve_label(results, cell, "all flows");
        legend.push(Key { label, symbol: Symbol::Marker(Curve(points.len())) });
        points.push((delay, goodput));
    }
    if points.is_empty() {
        return Ok(None);
    }
    let half = |estimate: &Estimate| estimate.ci95.unwrap_or(0.0);
    let highest = points.iter().map(|(_, goodput)| goodput.mean + half(goodput)).fold(0.0, f64::max);
    let delays = || points.iter().map(|(delay, _)| delay.mean);
    // An interval that comes near zero would take all of a logarithmic axis.
    let least = delays().fold(f64::INFINITY, f64::min);
    let ends = points.iter().map(|(delay, _)| delay.mean - half(delay)).filter(|end| *end > least / 2.0);
    let low = ends.fold(least, f64::min);
    let high = points.iter().map(|(delay, _)| delay.mean + half(delay)).fold(0.0, f64::max);
    // Less than a factor of three would have too few ticks.
    let x = if high / low > 3.0 {
        Scale::log(low / 1.15, high * 1.15)
    } else {
        let edge = ((high - low) * 0.1).max(high * 0.05);
        Scale::linear(low - edge, high + edge, 6)
    };
    let intervals = points.iter().any(|(delay, goodput)| delay.ci95.or(goodput.ci95).is_some());
    let bars =
        if intervals { "means over trials with 95 % intervals" } else { "one trial each, so no intervals" };
    let what = format!("sum of the flows' goodput and mean of their smoothed round trips{whose}");
    Ok(Some(Sheet {
        title: data::title(results, "goodput against delay; better is upper right"),
        subtitle: data::subtitle(&[Some(what), Some(bars.to_owned()), remark]),
        legend,
        columns: 1,
        row_height: 600,
        panels: vec![Box::new(move |area| {
            let chart = Panel {
                title: String::new(),
                x: x.clone().reversed(),
                y: Scale::from_zero(highest, 6),
                x_label: format!(
                    "round trip (ms){}",
                    if x.is_log() { ", logarithmic, reversed" } else { ", reversed" }
                ),
                y_label: "goodput (Mbit/s)".to_owned(),
            }
            .draw(area, None)?;
            for (n, (delay, goodput)) in points.iter().enumerate() {
                let curve = Curve(n);
                if let Some(half) = goodput.ci95 {
                    chart.interval(delay.mean, goodput.mean - half, goodput.mean + half, curve.color())?;
                }
                if let Some(half) = delay.ci95 {
                    chart.across((delay.mean - half, delay.mean + half), goodput.mean, curve.color())?;
                }
            }
            // Markers over all intervals, so that none is hidden.
            for (n, (delay, goodput)) in points.iter().enumerate() {
                chart.marker(delay.mean, goodput.mean, Curve(n))?;
            }
            Ok(())
        })],
    }))
}

/// By cell and trial.
type Trials = BTreeMap<(usize, u32), Sums>;

/// The sums of each cell and trial over the flows of these groups; where none is named, of bulk transfers, or of all
/// if there are none. The groups in words, unless they are all that there are.
fn sums(results: &Results, groups: &[String]) -> Result<(Trials, String), ReportError> {
    let wanted = if groups.is_empty() { results.study.groups_with(Measure::Goodput) } else { groups };
    let mut sums = Trials::new();
    let mut known: Vec<String> = Vec::new();
    results.each_row_of(Table::Flows, |cell, row| {
        let group = row.get("group");
        if !known.iter().any(|name| name == group) {
            known.push(group.to_owned());
        }
        if !wanted.is_empty() && !wanted.iter().any(|name| name == group) {
            return;
        }
        let sums = sums.entry((cell, row.parse("trial").unwrap_or(0))).or_default();
        sums.goodput_mbit += row.parse("goodput_mbit").unwrap_or(0.0);
        if let Some(srtt) = row.parse::<f64>("srtt_mean_ms").filter(|srtt| *srtt > 0.0) {
            sums.srtt_ms += srtt;
            sums.with_srtt += 1;
        }
    })?;
    match groups.iter().find(|group| !known.contains(group)) {
        Some(group) => {
            let problem = format!("no group of the chosen cells is called \"{group}\"");
            Err(Unfit::new(problem, format!("there are {}", enumerated(&known))).into())
        }
        None => {
            let some = known.iter().any(|name| !wanted.is_empty() && !wanted.contains(name));
            let whose = if some { format!(" of {}", enumerated(wanted)) } else { String::new() };
            Ok((sums, whose))
        }
    }
}
