//! The sawtooth: congestion window and slow-start threshold over time.

use std::collections::BTreeSet;

use super::data::{self, Event, Flow, Names};
use super::panel::Panel;
use super::scale::Scale;
use super::style::{ALARM, Curve, DrawPanel, Key, MAX_CURVES, MUTED, RECOVERY, SHADE, Sheet, Symbol};
use crate::report::error::ReportError;
use crate::report::files::Results;
use crate::report::summary::CellSummary;

/// Where there are at most so many flows, all are shown.
const FEW: usize = 3;

/// What a panel shows.
struct Content {
    title: String,
    flows: Vec<Flow>,
    events: Vec<Event>,
    /// When there is no more to show.
    end: f64,
    /// The span of time that is legible.
    span: (f64, f64),
    /// Each flow's curve, and the bytes of its segments.
    curves: Vec<(Curve, f64)>,
}

/// One panel per cell; the flows that moved the most, in segments.
pub fn draw(results: &Results, _: &[CellSummary]) -> Result<Option<Sheet>, ReportError> {
    let (cells, omitted) = data::cells_with_series(results);
    let warmup = results.study.warmup.as_secs_f64();
    let duration = results.study.duration.as_secs_f64();
    let mut contents: Vec<Content> = Vec::new();
    let mut all = Vec::new();
    for &cell in &cells {
        all.push((cell, data::flows(results, cell)?));
    }
    let total = all.iter().map(|(_, flows)| flows.len()).max().unwrap_or(0);
    let connections = connections(all.iter().map(|(_, flows)| flows.as_slice()));
    let by_group = total > FEW && (2..=FEW).contains(&results.study.bulk.len());
    let per_panel = if total <= FEW || cells.len() == 1 { FEW } else { 1 + usize::from(cells.len() == 2) };
    for (cell, mut flows) in all {
        flows.retain(|flow| flow.time_s.len() > 1);
        if by_group {
            let mut seen = Vec::new();
            flows.retain(|flow| {
                let group = flow.group().to_owned();
                let first = results.study.bulk.contains(&group) && !seen.contains(&group);
                seen.push(group);
                first
            });
        } else {
            flows.truncate(per_panel);
        }
        if by_group || total <= FEW {
            flows.sort_by_key(Flow::label);
        }
        if flows.is_empty() {
            continue;
        }
        let events: Vec<Event> = data::events(results, cell)?
            .into_iter()
            .filter(|event| flows.iter().any(|flow| event.is_of(flow)))
            .collect();
        let end = end(&flows, duration);
        let span = legible(&events, warmup, end);
        contents.push(Content {
            title: data::panel_title(results, cell),
            flows,
            events,
            end,
            span,
            curves: Vec::new(),
        });
    }
    if contents.is_empty() {
        return Ok(None);
    }
    let labels: Vec<Vec<String>> =
        contents.iter().map(|content| content.flows.iter().map(Flow::label).collect()).collect();
    let names =
        Names::of(labels.iter().map(|labels| labels.iter().map(String::as_str).collect()), MAX_CURVES);
    for content in &mut contents {
        let curve = |(place, flow): (usize, &Flow)| {
            (Curve(names.curve(&flow.label(), place)), results.study.segment_of(&flow.name))
        };
        content.curves = content.flows.iter().enumerate().map(curve).collect();
    }
    let most = contents.iter().map(|content| content.flows.len()).max().unwrap_or(0);
    let unacknowledged = contents.iter().any(|content| content.flows.iter().any(|flow| !flow.has_window()));
    let cut = contents.iter().any(|content| content.span.0 > 0.0 || content.span.1 < content.end);
    let over = contents.iter().any(|content| content.end < duration);
    let few = (total > most).then(|| match most {
        _ if by_group => format!("of {connections} flows the one of each group that delivered the most"),
        1 => format!("of {connections} flows the one that delivered the most"),
        _ => format!("of {connections} flows the {most} that delivered the most"),
    });
    let scales = (contents.len() > 1).then(|| "own scales".to_owned());
    let cut = cut.then(|| "as much time as is legible".to_owned());
    let over = over.then(|| "until these flows were over".to_owned());
    let unacknowledged = unacknowledged
        .then(|| "where there is no such window, what was sent and is not yet acknowledged".to_owned());
    let legend = legend(&contents, &names, warmup);
    let (columns, row_height) = data::grid(contents.len());
    let panels = contents.into_iter().map(|content| panel(content, warmup)).collect();
    Ok(Some(Sheet {
        title: data::title(results, "congestion window over time"),
        subtitle: data::subtitle(&[
            Some(data::FIRST_TRIAL.to_owned()),
            omitted,
            few,
            unacknowledged,
            scales,
            cut,
            over,
        ]),
        legend,
        columns,
        row_height,
        panels,
    }))
}

/// How many flows the cells have, each of one or two directions: `24`, or `22 to 50`.
fn connections<'a>(cells: impl Iterator<Item = &'a [Flow]> + Clone) -> String {
    let counts = cells.map(|flows| flows.iter().map(|flow| &flow.name).collect::<BTreeSet<_>>().len());
    let (least, most) = (counts.clone().min().unwrap_or(0), counts.max().unwrap_or(0));
    if least == most { most.to_string() } else { format!("{least} to {most}") }
}

fn legend(contents: &[Content], names: &Names, warmup: f64) -> Vec<Key> {
    let happened = |kind: &str| contents.iter().any(|content| content.events.iter().any(|e| e.kind == kind));
    let alone = contents.iter().any(|content| content.flows.len() == 1);
    let together = contents.iter().any(|content| content.flows.len() > 1);
    let curve =
        |(n, name): (usize, &String)| Key { label: name.clone(), symbol: Symbol::Line(Curve(n), false) };
    let mut legend: Vec<Key> = names.all().iter().enumerate().map(curve).collect();
    let thresholds = |flow: &Flow| flow.ssthresh.iter().any(|value| value.is_finite());
    if contents.iter().any(|content| content.flows.len() == 1 && content.flows.iter().any(thresholds)) {
        let label = "slow-start threshold".to_owned();
        legend.push(Key { label, symbol: Symbol::Threshold(MUTED) });
    }
    if happened("fast_retransmit") {
        let label = if together { "fast retransmit, in its flow's colour" } else { "fast retransmit" };
        legend.push(Key { label: label.to_owned(), symbol: Symbol::Tick(Curve(0).color()) });
        if alone {
            legend.push(Key { label: "recovery episode".to_owned(), symbol: Symbol::Patch(RECOVERY) });
        }
    }
    if happened("timeout") {
        legend.push(Key { label: "timeout".to_owned(), symbol: Symbol::Tick(ALARM) });
    }
    if contents.iter().any(|content| content.span.0 < warmup) {
        legend.push(Key { label: "warm-up, not measured".to_owned(), symbol: Symbol::Patch(SHADE) });
    }
    legend
}

fn panel(content: Content, warmup: f64) -> DrawPanel {
    Box::new(move |area| {
        let Content { title, flows, events, span: (from, to), curves, .. } = &content;
        let (from, to) = (*from, *to);
        let seen = |time: f64| (from..=to).contains(&time);
        let lines: Vec<Vec<(f64, f64)>> = (flows.iter().zip(curves))
            .map(|(flow, (_, segment))| {
                let column = if flow.has_window() { &flow.cwnd } else { &flow.flight };
                flow.points(column, *segment).into_iter().filter(|point| seen(point.0)).collect()
            })
            .collect();
        let values = lines.iter().flatten().map(|point| point.1).filter(|value| value.is_finite());
        let top = values.fold(0.0, f64::max);
        let windows = flows.iter().all(Flow::has_window);
        // A strip above the curves for the events.
        let chart = Panel {
            title: title.clone(),
            x: Scale::linear(from, to, 10),
            y: Scale::from_zero(top * 1.16, 6),
            x_label: "time (s)".to_owned(),
            y_label: if windows { "window (segments)" } else { "unacknowledged (segments)" }.to_owned(),
        }
        .draw(area, Some((from, warmup)))?;
        if let ([flow], [(_, segment)]) = (flows.as_slice(), curves.as_slice()) {
            for (began, ended) in episodes(events, to) {
                if began < to && ended > from {
                    chart.rectangle([(began.max(from), top * 1.16), (ended.min(to), 0.0)], RECOVERY, 1.0)?;
                }
            }
            // A threshold far above the window would squeeze the sawtooth to the floor.
            let threshold: Vec<(f64, f64)> = flow
                .points(&flow.ssthresh, *segment)
                .into_iter()
                .filter(|point| seen(point.0))
                .map(|(x, y)| (x, if y <= top * 1.05 { y } else { f64::NAN }))
                .collect();
            chart.line(&steps(&threshold), MUTED, 12, Some((5, 4)))?;
        }
        for (line, (curve, _)) in lines.iter().zip(curves) {
            chart.line(line, curve.color(), if flows.len() > 2 { 16 } else { 20 }, None)?;
        }
        let places = |kind: &str, flow: Option<&Flow>| -> Vec<f64> {
            let of = |event: &&Event| event.kind == kind && flow.is_none_or(|flow| event.is_of(flow));
            events.iter().filter(of).map(|event| event.time_s).filter(|time| seen(*time)).collect()
        };
        for (flow, (curve, _)) in flows.iter().zip(curves) {
            chart.ticks(&places("fast_retransmit", Some(flow)), 0, curve.color())?;
        }
        chart.ticks(&places("timeout", None), 1, ALARM)
    })
}

/// Losses that a panel has room for; more teeth would run into one another.
const MOST_TEETH: usize = 45;

/// When there is no more to show of these flows: at the end of the trial, unless they were over long
/// before.
fn end(flows: &[Flow], duration: f64) -> f64 {
    let last = flows.iter().filter_map(|flow| flow.time_s.last()).copied().fold(0.0, f64::max);
    if last < 0.8 * duration { last } else { last.max(duration) }
}

/// What a panel's axis of time spans: so little that its sawtooth can be seen, and some of it after
/// the warm-up.
fn legible(events: &[Event], warmup: f64, end: f64) -> (f64, f64) {
    const ENOUGH: f64 = 10.0;
    let losses = || {
        let is_loss = |event: &&Event| event.kind == "fast_retransmit" || event.kind == "timeout";
        events.iter().filter(is_loss).map(|event| event.time_s)
    };
    let until = |from: f64| {
        let crowded = losses().filter(|time| *time >= from).nth(MOST_TEETH);
        crowded.map_or(end, |at| {
            let step = [5.0, 1.0, 0.5].into_iter().find(|step| at - from >= *step).unwrap_or(0.1);
            ((at / step).ceil() * step).max(from + step).min(end)
        })
    };
    let whole = until(0.0);
    if whole >= (warmup + ENOUGH).min(end) { (0.0, whole) } else { (warmup, until(warmup)) }
}

/// The spans of fast recovery, each from its fast retransmit to its end, which is its exit or a
/// timeout.
fn episodes(events: &[Event], end: f64) -> Vec<(f64, f64)> {
    let mut spans: Vec<(f64, f64)> = Vec::new();
    let mut began = None;
    for event in events {
        match event.kind.as_str() {
            "fast_retransmit" => began = began.or(Some(event.time_s)),
            "recovery_exit" | "timeout" => spans.extend(began.take().map(|from| (from, event.time_s))),
            _ => {}
        }
    }
    spans.extend(began.map(|from| (from, end)));
    spans
}

/// The corners of a piecewise constant line: thousands of equal samples are two points.
fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for chunk in points.chunk_by(|a, b| a.1.to_bits() == b.1.to_bits()) {
        corners.push(chunk[0]);
        if chunk.len() > 1 {
            corners.push(chunk[chunk.len() - 1]);
        }
    }
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_a_connection_of_one_or_two_directions() {
        let row = |name: &str, direction: &str| Flow {
            name: name.to_owned(),
            direction: direction.to_owned(),
            ..Flow::default()
        };
        let few = [row("a-1", "up"), row("a-1", "down"), row("b-1", "up")];
        let cells = [&few[..], &few[2..]];
        assert_eq!(connections(cells.into_iter()), "1 to 2");
        assert_eq!(connections(cells[..1].iter().copied()), "2");
    }

    #[test]
    fn episodes_end_at_their_exit_or_at_a_timeout() {
        let event = |time_s: f64, kind: &str| Event {
            time_s,
            flow: "upload-1".to_owned(),
            direction: "up".to_owned(),
            kind: kind.to_owned(),
        };
        let events = [
            event(1.0, "fast_retransmit"),
            event(1.5, "recovery_exit"),
            event(2.0, "fast_retransmit"),
            event(2.5, "timeout"),
            event(3.0, "recovery_exit"),
            event(4.0, "fast_retransmit"),
        ];
        assert_eq!(episodes(&events, 9.0), [(1.0, 1.5), (2.0, 2.5), (4.0, 9.0)]);
        let is = |span: (f64, f64), from: f64, to: f64| {
            assert!((span.0 - from).abs() < 1e-9 && (span.1 - to).abs() < 1e-9, "{span:?}");
        };
        is(legible(&events, 0.0, 60.0), 0.0, 60.0);
        let many: Vec<Event> = (0..200).map(|n| event(f64::from(n) * 0.3, "timeout")).collect();
        is(legible(&many, 0.0, 60.0), 0.0, 15.0);
        // What is left out of the figures alone is no picture of them.
        is(legible(&many, 30.0, 60.0), 30.0, 45.0);
        // A hundred in a second leave half of one.
        let block: Vec<Event> = (0..6000).map(|n| event(f64::from(n) * 0.01, "timeout")).collect();
        is(legible(&block, 2.0, 60.0), 2.0, 2.5);
    }
}
