//! Four panels over one axis of time: congestion window with its threshold and phases, smoothed round trip, queue,
//! throughput.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::data::{self, Flow, Link, Names};
use super::panel::Panel;
use super::sawtooth::{Content, Line};
use super::scale::Scale;
use super::select::Unfit;
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::sources::{FIRST_TRIAL, Sources};
use super::style::{Curve, MAX_CURVES, SHADE};
use super::{cwnd, queue, throughput};
use crate::report::error::ReportError;

/// Flows in a panel, unless more are asked for: round trips of more lie on one another.
const FEW: usize = 3;

/// The height of a row of panels.
const ROW: i32 = 250;

/// A cell's part.
struct Cell {
    content: Content,
    /// That of the bottleneck.
    link: Option<Link>,
    /// Smoothed round trip and throughput of each flow over time.
    rtts: Vec<Vec<(f64, f64)>>,
    rates: Vec<Vec<(f64, f64)>>,
}

/// A column of four panels for each of the chosen cells; if none were chosen, for the first whose flows have a
/// window.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let (results, view) = (sources.results, sources.view);
    let mut full: Vec<usize> =
        sources.with_flows.cells.iter().copied().filter(|&cell| !chosen(sources, cell).is_empty()).collect();
    let all = full.len();
    let room = view.frame.columns(3);
    if view.chosen && all > room {
        let problem = format!("four-panel has room for {room} of the {all} chosen cells at this width");
        return Err(Unfit::new(problem, "choose fewer `cells`, or a larger `width`").into());
    }
    if !view.chosen {
        let has_window = |cell: &usize| chosen(sources, *cell).iter().any(|flow| flow.has_window());
        full = full.iter().copied().find(has_window).or(full.first().copied()).into_iter().collect();
    }
    let columns = full.len();
    let single = (columns < all).then(|| format!("1 of {all} cells with flows shown"));
    let some = full.iter().any(|&cell| chosen(sources, cell).len() < sources.flows(cell).len());
    let some = some.then(|| "of each group of bulk flows the one that delivered the most".to_owned());
    let span = sources.span();
    let bin = throughput::bin_width(span.1 - span.0);
    let mut cells: Vec<Cell> =
        full.into_iter().map(|cell| read(sources, cell, bin)).collect::<Result<_, _>>()?;
    if cells.is_empty() {
        return Ok(None);
    }
    let labels: Vec<Vec<String>> =
        cells.iter().map(|cell| cell.content.lines.iter().map(|line| line.flow.label()).collect()).collect();
    let names =
        Names::of(labels.iter().map(|labels| labels.iter().map(String::as_str).collect()), MAX_CURVES);
    for (cell, labels) in cells.iter_mut().zip(&labels) {
        for (place, (line, label)) in cell.content.lines.iter_mut().zip(labels).enumerate() {
            line.curve = Curve(names.curve(label, place));
        }
    }
    let warmup = results.study.warmup.as_secs_f64();
    let contents: Vec<&Content> = cells.iter().map(|cell| &cell.content).collect();
    let mut legend = cwnd::legend(&contents, &names, (span.0 < warmup).then_some(SHADE));
    let flows = cells.iter().map(|cell| cell.content.lines.len()).max().unwrap_or(0);
    if cells.iter().any(|cell| cell.link.is_some()) {
        let label = "queue: mean, and least to most as a band".to_owned();
        legend.push(Key { label, symbol: Symbol::Line(queue_curve(flows), false) });
    }
    let top = |values: &dyn Fn(&Cell) -> f64| cells.iter().map(values).fold(0.0, f64::max);
    let highest = |lines: &[Vec<(f64, f64)>]| {
        let values = lines.iter().flatten().map(|point| point.1);
        values.filter(|value| value.is_finite()).fold(0.0, f64::max)
    };
    let tops = Tops {
        window: top(&|cell| cell.content.top(span)),
        rtt: top(&|cell| highest(&cell.rtts)),
        queue: top(&|cell| {
            let packets = cell.link.iter().flat_map(|link| &link.packets).copied();
            packets.fold(5.0, f64::max)
        }),
        rate: top(&|cell| highest(&cell.rates)),
    };
    let bins = format!("throughput in bins of {bin} s");
    let panels = panels(cells, &tops, span, warmup, queue_curve(flows));
    Ok(Some(Sheet {
        title: data::title(results, "window, round trip, queue and throughput"),
        subtitle: data::subtitle(&[
            Some(FIRST_TRIAL.to_owned()),
            single,
            some,
            sources.until_over(),
            Some(bins),
        ]),
        legend,
        columns,
        row_height: ROW,
        panels,
    }))
}

/// Upper ends of the axes of y, the same for all cells.
struct Tops {
    window: f64,
    rtt: f64,
    queue: f64,
    rate: f64,
}

/// The panels, row by row.
fn panels(cells: Vec<Cell>, tops: &Tops, span: (f64, f64), warmup: f64, curve: Curve) -> Vec<DrawPanel> {
    let cells: Vec<Rc<Cell>> = cells.into_iter().map(Rc::new).collect();
    let &Tops { window, rtt, queue: longest, rate } = tops;
    let mut panels: Vec<DrawPanel> = Vec::new();
    for cell in cells.iter().cloned() {
        panels.push(Box::new(move |area| cell.content.draw(area, span, window, warmup, "")));
    }
    let panel = move |y: Scale, x_label: &str, y_label: &str| Panel {
        title: String::new(),
        x: Scale::linear(span.0, span.1, 10),
        y,
        x_label: x_label.to_owned(),
        y_label: y_label.to_owned(),
    };
    let shaded = Some((span.0, warmup));
    for cell in cells.iter().cloned() {
        panels.push(Box::new(move |area| {
            let chart = panel(Scale::from_zero(rtt, 4), "", "round trip (ms)").draw(area, shaded)?;
            for (line, points) in cell.content.lines.iter().zip(&cell.rtts) {
                chart.line(points, line.curve.color(), 16, line.curve.dash())?;
            }
            Ok(())
        }));
    }
    for cell in cells.iter().cloned() {
        panels.push(Box::new(move |area| {
            let chart = panel(Scale::from_zero(longest, 4), "", "queue (packets)").draw(area, shaded)?;
            let links: Vec<(Curve, Link)> = cell.link.iter().map(|link| (curve, link.clone())).collect();
            queue::draw_links(&chart, &links)
        }));
    }
    for cell in cells.iter().cloned() {
        panels.push(Box::new(move |area| {
            let chart = panel(Scale::from_zero(rate, 4), "time (s)", "rate (Mbit/s)").draw(area, shaded)?;
            for (line, points) in cell.content.lines.iter().zip(&cell.rates) {
                chart.line(points, line.curve.color(), 18, line.curve.dash())?;
            }
            Ok(())
        }));
    }
    panels
}

/// The curve of the queue: one that no flow has.
fn queue_curve(flows: usize) -> Curve {
    Curve(flows.clamp(2, MAX_CURVES - 1))
}

/// The flows of a cell that are shown: those that were asked for; else of each group of bulk transfers the one that
/// moved the most, or of all flows where none is a bulk transfer.
fn chosen<'a>(sources: &'a Sources<'_>, cell: usize) -> Vec<&'a Flow> {
    let mut flows: Vec<&Flow> = sources.flows(cell).iter().filter(|flow| flow.time_s.len() > 1).collect();
    if sources.view.flows.is_empty() {
        sources.retain_bulk(&mut flows);
        let mut seen = BTreeSet::new();
        flows.retain(|flow| seen.insert(flow.group().to_owned()));
        flows.truncate(FEW);
    }
    flows.truncate(MAX_CURVES);
    flows
}

fn read(sources: &Sources<'_>, cell: usize, bin: f64) -> Result<Cell, ReportError> {
    let results = sources.results;
    let events = data::events(results, cell)?;
    let flows = chosen(sources, cell);
    let line = |flow: &&Flow| Line::of(flow, &events, &results.study);
    let (from, to) = sources.span();
    let rated = data::rated_links(results)?;
    let mut links = data::links(results, cell)?;
    links.retain(|link| rated.iter().any(|(name, way)| *name == link.name && *way == link.direction));
    for link in &mut links {
        link.cut(from, to);
        // Losses are marked in the window's panel.
        (link.drops, link.marks) = (Vec::new(), Vec::new());
    }
    // The longest on average is the bottleneck's.
    let mean = |link: &Link| link.packets.iter().sum::<f64>() / link.packets.len().max(1) as f64;
    let longest =
        links.into_iter().filter(|link| link.packets.len() > 1).max_by(|a, b| mean(a).total_cmp(&mean(b)));
    Ok(Cell {
        content: Content { title: data::panel_title(results, cell), lines: flows.iter().map(line).collect() },
        link: longest,
        rtts: flows.iter().map(|flow| sources.seen(flow.points(&flow.srtt, 1.0))).collect(),
        rates: flows.iter().map(|flow| sources.seen(throughput::binned(&[*flow], bin))).collect(),
    })
}
