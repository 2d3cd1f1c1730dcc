//! Rates over time of senders whose controller has a model of the path: the bandwidth that it believes in, its
//! pacing, and what arrives.

use super::data::{self, Flow};
use super::panel::{Panel, headroom};
use super::scale::{self, Scale};
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::sources::{Choice, FIRST_TRIAL, Sources};
use super::style::{Curve, SHADE};
use super::{phases, throughput};

/// Two blues for the controller's own, without dashes.
const BANDWIDTH: Curve = Curve(0);
const PACING: Curve = Curve(4);
const ARRIVED: Curve = Curve(1);

/// The axis ends at so many times the largest bandwidth or arrival: startups pace at almost three times what they
/// believe, for a moment.
const ROOM: f64 = 1.3;

/// One panel per cell: of its flows with a model, the one that moved the most.
pub fn draw(sources: &Sources<'_>) -> Option<Sheet> {
    let results = sources.results;
    let Choice { cells, remark: omitted } = &sources.with_flows;
    let warmup = results.study.warmup.as_secs_f64();
    let (from, to) = sources.span();
    let bin = throughput::bin_width(to - from);
    let mut contents: Vec<Content> = Vec::new();
    for &cell in cells {
        let flows = sources.flows(cell);
        let Some(flow) = flows.iter().find(|flow| flow.has_model()) else { continue };
        let mut title = data::panel_title(results, cell);
        if flows.len() > 1 {
            let name = flow.label();
            title = if title.is_empty() { name } else { format!("{title}: {name}") };
        }
        let mut flow = flow.clone();
        let arrived = sources.seen(throughput::binned(&[&flow], bin));
        if sources.view.span.is_some() {
            flow.cut(from, to);
        }
        contents.push(Content { title, flow, arrived });
    }
    if contents.is_empty() {
        return None;
    }
    let some =
        (contents.len() < cells.len()).then(|| "cells whose controller estimates a bandwidth".to_owned());
    let (tops, scales) = scale::tops(&contents.iter().map(Content::top).collect::<Vec<_>>());
    let cut =
        contents.iter().zip(&tops).any(|(content, top)| content.flow.pacing.iter().any(|rate| rate > top));
    let cut = cut.then(|| "pacing beyond the axis at its edge".to_owned());
    let paced = contents.iter().any(|content| content.flow.pacing.iter().any(|rate| rate.is_finite()));
    let line =
        |label: &str, curve: Curve| Key { label: label.to_owned(), symbol: Symbol::Line(curve, false) };
    let mut legend = vec![line("bandwidth as the controller believes", BANDWIDTH)];
    if paced {
        legend.push(line("pacing rate", PACING));
    }
    legend.push(line(&format!("arrivals, in bins of {bin} s"), ARRIVED));
    legend.extend(phases::legend(contents.iter().map(|content| &content.flow)));
    if warmup > 0.0 {
        legend.push(Key { label: "warm-up, not measured".to_owned(), symbol: Symbol::Patch(SHADE) });
    }
    let (columns, row_height) = data::grid(contents.len());
    let (frame, all) = (sources.view.frame, contents.len());
    let panel = |(place, (content, top)): (usize, (Content, f64))| -> DrawPanel {
        let time = frame.below(place, all, columns, "time (s)");
        Box::new(move |area| {
            let chart = Panel {
                title: content.title.clone(),
                x: Scale::linear(from, to, 10),
                y: Scale::from_zero(top * headroom(1, &content.title, area), 6),
                x_label: time.clone(),
                y_label: "rate (Mbit/s)".to_owned(),
            }
            .draw(area, Some((from, warmup)))?;
            let flow = &content.flow;
            phases::draw(&chart, flow, (from, to), 0)?;
            let pacing: Vec<(f64, f64)> = flow
                .points(&flow.pacing, 1.0)
                .into_iter()
                .map(|(time, rate)| (time, cap(rate, top)))
                .collect();
            chart.line(&pacing, PACING.color(), 10, PACING.dash())?;
            chart.line(&content.arrived, ARRIVED.color(), 16, ARRIVED.dash())?;
            chart.line(&flow.points(&flow.bandwidth, 1.0), BANDWIDTH.color(), 20, BANDWIDTH.dash())
        })
    };
    Some(Sheet {
        title: data::title(results, "rates as the controller sees them"),
        subtitle: data::subtitle(&[Some(FIRST_TRIAL.to_owned()), some, omitted.clone(), cut, scales]),
        legend,
        columns,
        row_height,
        panels: contents.into_iter().zip(tops).enumerate().map(panel).collect(),
    })
}

/// Content of a panel.
struct Content {
    title: String,
    flow: Flow,
    /// Middle of each bin, and Mbit/s in it.
    arrived: Vec<(f64, f64)>,
}

impl Content {
    fn top(&self) -> f64 {
        let arrived = self.arrived.iter().map(|point| point.1);
        let values = self.flow.bandwidth.iter().copied().filter(|rate| rate.is_finite()).chain(arrived);
        values.fold(0.0, f64::max) * ROOM
    }
}

/// The rate, or the top in its place; not a number stays one.
fn cap(rate: f64, top: f64) -> f64 {
    if rate > top { top } else { rate }
}
