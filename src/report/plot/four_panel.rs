//! Four panels over one axis of time: congestion window with its threshold and phases, smoothed round trip, queue,
//! throughput.

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

/// Flows in a panel, unless more are asked for.
const FEW: usize = 3;

/// The height of a row of panels.
const ROW: i32 = 230;

/// A cell's part.
struct Cell {
    content: Content,
    /// That of the bottleneck.
    link: Option<Link>,
    /// Smoothed round trip and throughput of each flow over time.
    rtts: Vec<Vec<(f64, f64)>>,
    rates: Vec<Vec<(f64, f64)>>,
}

/// A column of four panels for each of the chosen cells; for the first with flows if none were chosen.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let (results, view) = (sources.results, sources.view);
    let full: Vec<usize> =
        sources.with_flows.cells.iter().copied().filter(|&cell| !sources.flows(cell).is_empty()).collect();
    let room = view.frame.columns(3);
    if view.chosen && full.len() > room {
        let problem =
            format!("four-panel has room for {room} of the {} chosen cells at this width", full.len());
        return Err(Unfit::new(problem, "choose fewer with --cells, or a larger --width").into());
    }
    let columns = if view.chosen { full.len() } else { full.len().min(1) };
    let single = (columns < full.len()).then(|| format!("1 of {} cells shown", full.len()));
    let span = sources.span();
    let bin = throughput::bin_width(span.1 - span.0);
    let shown = full.into_iter().take(columns);
    let mut cells: Vec<Cell> = shown.map(|cell| read(sources, cell, bin)).collect::<Result<_, _>>()?;
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
        let label = "queue: mean as a line, shortest to longest as a band".to_owned();
        legend.push(Key { label, symbol: Symbol::Line(queue_curve(flows), false) });
    }
    let top = |values: &dyn Fn(&Cell) -> f64| cells.iter().map(values).fold(0.0, f64::max);
    let highest = |lines: &[Vec<(f64, f64)>]| {
        let values = lines.iter().flatten().map(|point| point.1);
        values.filter(|value| value.is_finite()).fold(0.0, f64::max)
    };
    let window = top(&|cell| cell.content.top(span));
    let rtt = top(&|cell| highest(&cell.rtts));
    let rate = top(&|cell| highest(&cell.rates));
    let longest = top(&|cell| {
        let packets = cell.link.iter().flat_map(|link| &link.packets).copied();
        packets.fold(5.0, f64::max)
    });
    let bins = format!("throughput in bins of {bin} s");
    let cells: Vec<std::rc::Rc<Cell>> = cells.into_iter().map(std::rc::Rc::new).collect();
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
            let links: Vec<(Curve, Link)> =
                cell.link.iter().map(|link| (queue_curve(flows), link.clone())).collect();
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
    Ok(Some(Sheet {
        title: data::title(results, "window, round trip, queue and throughput"),
        subtitle: data::subtitle(&[Some(FIRST_TRIAL.to_owned()), single, Some(bins)]),
        legend,
        columns,
        row_height: ROW,
        panels,
    }))
}

/// The curve of the queue: one that no flow has.
fn queue_curve(flows: usize) -> Curve {
    Curve(flows.max(2).min(MAX_CURVES - 1))
}

fn read(sources: &Sources<'_>, cell: usize, bin: f64) -> Result<Cell, ReportError> {
    let (results, view) = (sources.results, sources.view);
    let events = data::events(results, cell)?;
    let most = if view.flows.is_empty() { FEW } else { MAX_CURVES };
    let flows: Vec<&Flow> =
        sources.flows(cell).iter().filter(|flow| flow.time_s.len() > 1).take(most).collect();
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
