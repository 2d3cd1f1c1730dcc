//! Four panels over one axis of time: congestion window with its threshold and phases, smoothed round trip, queue, and
//! latency of the applications, or throughput where none of them asks and is answered.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::answers::{self, Answers};
use super::data::{self, Flow, Link, Names};
use super::panel::{Chart, Panel};
use super::sawtooth::{self, Content, Line, Shown, Span};
use super::scale::Scale;
use super::select::{Unfit, View};
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::sources::{FIRST_TRIAL, Sources};
use super::style::{ALARM, Curve, DrawError, MAX_CURVES, SHADE};
use super::{cwnd, queue, throughput};
use crate::report::error::ReportError;

/// Flows in a panel, unless more are asked for: round trips of more lie on one another.
const FEW: usize = 3;

/// Answers in a panel up to which each has a marker.
const MARKED: usize = 60;

/// Ratio of medians from which on latencies have a logarithmic axis.
const FAR: f64 = 5.0;

/// Panels of a cell.
const PANELS: usize = 4;

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
    answers: Vec<Answers>,
}

/// A column of four panels for each of the chosen cells; if none were chosen, for the first whose flows have a
/// window.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let (results, view) = (sources.results, sources.view);
    let mut full: Vec<usize> =
        sources.with_flows.cells.iter().copied().filter(|&cell| !chosen(sources, cell).is_empty()).collect();
    let all = full.len();
    check_room(view, all)?;
    if !view.chosen {
        let has_window = |cell: &usize| chosen(sources, *cell).iter().any(|flow| flow.has_window());
        full = full.iter().copied().find(has_window).or(full.first().copied()).into_iter().collect();
    }
    let columns = full.len();
    let single = (columns < all).then(|| format!("1 of {all} cells with flows shown"));
    let some = full.iter().any(|&cell| chosen(sources, cell).len() < sources.flows(cell).len());
    let bulk =
        full.iter().flat_map(|&cell| chosen(sources, cell)).any(|flow| results.study.is_bulk(flow.group()));
    let group = if bulk { "group of bulk flows" } else { "group" };
    let some = some.then(|| format!("of each {group} the one that delivered the most"));
    let warmup = results.study.warmup.as_secs_f64();
    let contents: Vec<Content> = full.iter().map(|&cell| content(sources, cell)).collect::<Result<_, _>>()?;
    if contents.is_empty() {
        return Ok(None);
    }
    let Shown { span, cut, over } = sawtooth::shown(sources, &contents);
    let bin = throughput::bin_width(span.1 - span.0);
    let mut cells: Vec<Cell> = (full.into_iter().zip(contents))
        .map(|(cell, content)| read(sources, cell, content, span, bin))
        .collect::<Result<_, _>>()?;
    let labels: Vec<Vec<String>> =
        cells.iter().map(|cell| cell.content.lines.iter().map(|line| line.flow.label()).collect()).collect();
    let names =
        Names::of(labels.iter().map(|labels| labels.iter().map(String::as_str).collect()), MAX_CURVES);
    for (cell, labels) in cells.iter_mut().zip(&labels) {
        for (place, (line, label)) in cell.content.lines.iter_mut().zip(labels).enumerate() {
            line.curve = Curve(names.curve(label, place));
        }
    }
    let contents: Vec<&Content> = cells.iter().map(|cell| &cell.content).collect();
    let mut legend = cwnd::legend(&contents, &names, (span.0 < warmup).then_some(SHADE));
    let flows = cells.iter().map(|cell| cell.content.lines.len()).max().unwrap_or(0);
    if cells.iter().any(|cell| cell.link.is_some()) {
        let label = "queue: mean, and least to most as a band".to_owned();
        legend.push(Key { label, symbol: Symbol::Line(queue_curve(flows), false) });
    }
    // The last row is of answers in all cells if one of them has some.
    let mut answered: Vec<String> = Vec::new();
    for answers in cells.iter().flat_map(|cell| &cell.answers) {
        if !answered.contains(&answers.label) {
            answered.push(answers.label.clone());
        }
    }
    let curves: Vec<Curve> =
        (1..=answered.len()).map(|n| Curve((queue_curve(flows).0 + n) % MAX_CURVES)).collect();
    for (label, curve) in answered.iter().zip(&curves) {
        let most = cells.iter().flat_map(|cell| &cell.answers).filter(|answers| answers.label == *label);
        let marked = most.map(|answers| answers.points.len()).max() <= Some(MARKED);
        legend.push(Key { label: label.clone(), symbol: Symbol::Line(*curve, marked) });
    }
    if cells.iter().flat_map(|cell| &cell.answers).any(|answers| !answers.lost.is_empty()) {
        legend.push(Key { label: "never answered".to_owned(), symbol: Symbol::Tick(ALARM) });
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
        last: if answered.is_empty() {
            Scale::from_zero(top(&|cell| highest(&cell.rates)), 4)
        } else {
            latencies(cells.iter().flat_map(|cell| &cell.answers))
        },
    };
    let bins = answered.is_empty().then(|| format!("throughput in bins of {bin} s"));
    let last = if answered.is_empty() { "throughput" } else { "latency of applications" };
    let answered: Answered = answered.into_iter().zip(curves).collect();
    // A slide is as wide as two panels, and no higher.
    let columns = if view.frame.is_slide() { 2 } else { columns };
    let first_below = PANELS * cells.len() - columns;
    let panels = panels(cells, &tops, span, warmup, queue_curve(flows), &answered, first_below);
    Ok(Some(Sheet {
        title: data::title(results, &format!("window, round trip, queue and {last}")),
        subtitle: data::subtitle(&[Some(FIRST_TRIAL.to_owned()), single, some, cut, over, bins]),
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
    /// All of the axis of throughput, or of latency.
    last: Scale,
}

/// An error if more cells were chosen than the sheet has room for: a slide is as high as four panels of one.
fn check_room(view: &View, cells: usize) -> Result<(), Unfit> {
    let slide = view.frame.is_slide();
    let room = if slide { 1 } else { view.frame.columns(3) };
    if !view.chosen || cells <= room {
        return Ok(());
    }
    let (place, help) = if slide {
        ("on a slide", "choose one of `cells` for each slide, or a `font` below 12pt for a sheet of paper")
    } else {
        ("at this width", "choose fewer `cells`, or a larger `width`")
    };
    Err(Unfit::new(format!("four-panel has room for {room} of the {cells} chosen cells {place}"), help))
}

/// Curves of the answers by their labels.
type Answered = Vec<(String, Curve)>;

/// The panels, row by row; below those from `first_below` on stands the time.
fn panels(
    cells: Vec<Cell>,
    tops: &Tops,
    span: (f64, f64),
    warmup: f64,
    curve: Curve,
    answered: &Answered,
    first_below: usize,
) -> Vec<DrawPanel> {
    let cells: Vec<Rc<Cell>> = cells.into_iter().map(Rc::new).collect();
    let &Tops { window, rtt, queue: longest, ref last } = tops;
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
    let below = |panels: &Vec<DrawPanel>| if panels.len() < first_below { "" } else { "time (s)" };
    for cell in cells.iter().cloned() {
        let time = below(&panels);
        panels.push(Box::new(move |area| {
            let chart = panel(Scale::from_zero(rtt, 4), time, "round trip (ms)").draw(area, shaded)?;
            for (line, points) in cell.content.lines.iter().zip(&cell.rtts) {
                chart.line(points, line.curve.color(), 16, line.curve.dash())?;
            }
            Ok(())
        }));
    }
    for cell in cells.iter().cloned() {
        let time = below(&panels);
        panels.push(Box::new(move |area| {
            let chart = panel(Scale::from_zero(longest, 4), time, "queue (packets)").draw(area, shaded)?;
            let links: Vec<(Curve, Link)> = cell.link.iter().map(|link| (curve, link.clone())).collect();
            queue::draw_links(&chart, &links)
        }));
    }
    for cell in cells.iter().cloned() {
        let (answered, last) = (answered.clone(), last.clone());
        panels.push(Box::new(move |area| {
            if !answered.is_empty() {
                let label = if last.is_log() { "latency (ms), log." } else { "latency (ms)" };
                let chart = panel(last.clone(), "time (s)", label).draw(area, shaded)?;
                return draw_answers(&chart, &cell.answers, &answered);
            }
            let chart = panel(last.clone(), "time (s)", "rate (Mbit/s)").draw(area, shaded)?;
            for (line, points) in cell.content.lines.iter().zip(&cell.rates) {
                chart.line(points, line.curve.color(), 18, line.curve.dash())?;
            }
            Ok(())
        }));
    }
    panels
}

/// The axis of latency: logarithmic where one group's lies far above another's.
fn latencies<'a>(all: impl Iterator<Item = &'a Answers>) -> Scale {
    let (mut medians, mut least, mut most) = (Vec::<f64>::new(), f64::INFINITY, 1e-3_f64);
    for answers in all {
        let mut times: Vec<f64> = answers.points.iter().map(|point| point.1).collect();
        times.sort_by(f64::total_cmp);
        medians.extend(times.get(times.len() / 2));
        least = times.first().copied().unwrap_or(least).min(least);
        most = times.last().copied().unwrap_or(most).max(most);
    }
    let far = medians.iter().any(|one| medians.iter().any(|other| *one > FAR * *other));
    if far && least > 0.0 { Scale::log(least, most * 1.5) } else { Scale::from_zero(most, 4) }
}

/// Latencies as lines, few of them with a marker each, and a stroke above for what never came.
fn draw_answers(chart: &Chart<'_>, all: &[Answers], answered: &Answered) -> Result<(), DrawError> {
    for answers in all {
        let Some((_, curve)) = answered.iter().find(|(label, _)| *label == answers.label) else { continue };
        chart.line(&answers.points, curve.color(), 16, curve.dash())?;
        for point in answers.points.iter().filter(|_| answers.points.len() <= MARKED) {
            chart.small_marker(point.0, point.1, *curve, 4)?;
        }
        chart.ticks(&answers.lost, 0, ALARM)?;
    }
    Ok(())
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

/// The windows of a cell.
fn content(sources: &Sources<'_>, cell: usize) -> Result<Content, ReportError> {
    let events = data::events(sources.results, cell)?;
    let flows = chosen(sources, cell).into_iter();
    let lines = flows.map(|flow| Line::of(flow, &events, &sources.results.study)).collect();
    Ok(Content { title: data::panel_title(sources.results, cell), lines })
}

/// All else of a cell within a span of time.
fn read(
    sources: &Sources<'_>,
    cell: usize,
    content: Content,
    (from, to): Span,
    bin: f64,
) -> Result<Cell, ReportError> {
    let results = sources.results;
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
    let link =
        links.into_iter().filter(|link| link.packets.len() > 1).max_by(|a, b| mean(a).total_cmp(&mean(b)));
    let seen = |mut points: Vec<(f64, f64)>| {
        points.retain(|point| (from..=to).contains(&point.0));
        points
    };
    let flows = chosen(sources, cell);
    let rtts = flows.iter().map(|flow| seen(flow.points(&flow.srtt, 1.0))).collect();
    let rates = flows.iter().map(|flow| seen(throughput::binned(&[*flow], bin))).collect();
    let mut answers = answers::read(results, cell)?;
    for answers in &mut answers {
        answers.points = seen(std::mem::take(&mut answers.points));
        answers.lost.retain(|time| (from..=to).contains(time));
    }
    Ok(Cell { content, link, rtts, rates, answers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_of_groups_that_lie_far_apart_have_a_logarithmic_axis() {
        let group = |label: &str, ms: &[f64]| Answers {
            label: label.to_owned(),
            points: ms.iter().map(|ms| (0.0, *ms)).collect(),
            lost: Vec::new(),
        };
        let ping = group("ping", &[20.0, 30.0, 90.0]);
        let near = group("page", &[100.0, 140.0]);
        let far = group("page", &[1000.0, 1400.0]);
        assert!(!latencies([&ping, &near].into_iter()).is_log());
        let axis = latencies([&ping, &far].into_iter());
        assert!(axis.is_log() && axis.low() <= 20.0 && axis.high() >= 1400.0);
        // One that never got an answer has no say.
        assert!(!latencies([&ping, &group("page", &[])].into_iter()).is_log());
    }
}
