//! The sawtooth: congestion window and slow-start threshold over time.

use super::data::{self, Event, Flow};
use super::panel::Panel;
use super::scale::Scale;
use super::style::{ALARM, Curve, DrawPanel, Key, MUTED, RECOVERY, SHADE, Sheet, Symbol};
use crate::report::error::ReportError;
use crate::report::files::Results;
use crate::report::summary::CellSummary;

/// One panel per cell; the flows that moved the most, in segments.
pub fn draw(results: &Results, _: &[CellSummary]) -> Result<Option<Sheet>, ReportError> {
    let (cells, omitted) = data::cells_with_series(results);
    let per_panel = match cells.len() {
        1 => 3,
        2 => 2,
        _ => 1,
    };
    let warmup = results.study.warmup.as_secs_f64();
    let duration = results.study.duration.as_secs_f64();
    let segment = f64::from(results.study.mss.max(1));
    let (mut curves, mut total, mut windowless, mut windowed) = (0, 0, false, false);
    let (mut thresholds, mut recoveries, mut timeouts, mut spans) = (false, false, false, false);
    let mut panels = Vec::new();
    for &cell in &cells {
        let mut flows = data::flows(results, cell)?;
        total = total.max(flows.len());
        flows.truncate(per_panel);
        flows.retain(|flow| flow.time_s.len() > 1);
        if flows.is_empty() {
            continue;
        }
        let shown: Vec<Event> = data::events(results, cell)?
            .into_iter()
            .filter(|event| flows.iter().any(|f| f.name == event.flow && f.direction == event.direction))
            .collect();
        curves = curves.max(flows.len());
        windowless |= flows.iter().any(|flow| !flow.has_window());
        windowed |= flows.iter().any(Flow::has_window);
        thresholds |=
            flows.len() == 1 && flows.iter().any(|flow| flow.ssthresh.iter().any(|v| v.is_finite()));
        spans |= flows.len() == 1;
        recoveries |= shown.iter().any(|event| event.kind == "fast_retransmit");
        timeouts |= shown.iter().any(|event| event.kind == "timeout");
        panels.push(panel(data::panel_title(results, cell), flows, shown, segment, (warmup, duration)));
    }
    if panels.is_empty() {
        return Ok(None);
    }
    let mut legend = Vec::new();
    let names = if cells.len() > 1 { None } else { Some(data::flows(results, cells[0])?) };
    for n in 0..curves {
        let what = match (windowless, windowed) {
            (true, true) => "congestion window, or bytes in flight where there is none",
            (true, false) => "bytes in flight",
            _ => "congestion window",
        };
        let label = match &names {
            Some(flows) => format!("{what} of {}", flows[n].label()),
            None if curves == 1 => what.to_owned(),
            None => format!("{what}, flow no. {} by volume", n + 1),
        };
        legend.push(Key { label, symbol: Symbol::Line(Curve(n), false) });
    }
    if thresholds {
        let label = "slow-start threshold".to_owned();
        legend.push(Key { label, symbol: Symbol::Threshold(MUTED) });
    }
    if recoveries {
        let label = "fast retransmit".to_owned();
        legend.push(Key { label, symbol: Symbol::Tick(Curve(0).color()) });
        if spans {
            legend.push(Key { label: "recovery episode".to_owned(), symbol: Symbol::Patch(RECOVERY) });
        }
    }
    if timeouts {
        legend.push(Key { label: "timeout".to_owned(), symbol: Symbol::Tick(ALARM) });
    }
    if warmup > 0.0 {
        legend.push(Key { label: "warm-up, not measured".to_owned(), symbol: Symbol::Patch(SHADE) });
    }
    let few = (total > curves).then(|| match curves {
        1 => format!("of {total} flows the one that delivered the most"),
        _ => format!("of {total} flows the {curves} that delivered the most"),
    });
    let scales = (panels.len() > 1).then(|| "own scales, and as much time as is legible".to_owned());
    let flight = windowless.then(|| "no congestion control, no window".to_owned());
    let (columns, row_height) = data::grid(panels.len());
    Ok(Some(Sheet {
        title: data::title(results, "congestion window over time"),
        subtitle: data::subtitle(&[Some(data::FIRST_TRIAL.to_owned()), omitted, few, flight, scales]),
        legend,
        columns,
        row_height,
        panels,
    }))
}

fn panel(title: String, flows: Vec<Flow>, events: Vec<Event>, segment: f64, times: (f64, f64)) -> DrawPanel {
    let (warmup, duration) = times;
    Box::new(move |area| {
        let lines: Vec<Vec<(f64, f64)>> = flows
            .iter()
            .map(|flow| flow.points(if flow.has_window() { &flow.cwnd } else { &flow.flight }, segment))
            .collect();
        let last = flows.iter().filter_map(|flow| flow.time_s.last()).copied().fold(duration, f64::max);
        let end = legible(&events, last);
        let lines: Vec<Vec<(f64, f64)>> = lines
            .into_iter()
            .map(|line| line.into_iter().take_while(|point| point.0 <= end).collect())
            .collect();
        let values = lines.iter().flatten().map(|point| point.1).filter(|value| value.is_finite());
        let top = values.fold(0.0, f64::max);
        // A strip above the curves for the events.
        let chart = Panel {
            title: title.clone(),
            x: Scale::linear(0.0, end, 10),
            y: Scale::from_zero(top * 1.16, 6),
            x_label: "time (s)".to_owned(),
            y_label: if flows.iter().all(Flow::has_window) {
                "window (segments)"
            } else {
                "in flight (segments)"
            }
            .to_owned(),
        }
        .draw(area, Some((0.0, warmup)))?;
        if let [flow] = flows.as_slice() {
            for (from, to) in episodes(&events, end) {
                if from < end {
                    chart.rectangle([(from, top * 1.16), (to.min(end), 0.0)], RECOVERY, 1.0)?;
                }
            }
            // A threshold far above the window would squeeze the sawtooth to the floor.
            let threshold: Vec<(f64, f64)> = flow
                .points(&flow.ssthresh, segment)
                .into_iter()
                .take_while(|point| point.0 <= end)
                .map(|(x, y)| (x, if y <= top * 1.05 { y } else { f64::NAN }))
                .collect();
            chart.line(&steps(&threshold), MUTED, 12, Some((5, 4)))?;
        }
        for (n, line) in lines.iter().enumerate() {
            chart.line(line, Curve(n).color(), if flows.len() > 2 { 16 } else { 20 }, None)?;
        }
        for (row, kind, color) in [(0, "fast_retransmit", Curve(0).color()), (1, "timeout", ALARM)] {
            let seen = events.iter().filter(|e| e.kind == kind && e.time_s <= end);
            let places: Vec<f64> = seen.map(|e| e.time_s).collect();
            chart.ticks(&places, row, color)?;
        }
        Ok(())
    })
}

/// Losses that a panel has room for; more teeth would run into one another.
const MOST_TEETH: usize = 45;

/// Where a panel's axis of time ends: early enough for its sawtooth to be seen.
fn legible(events: &[Event], end: f64) -> f64 {
    let losses = events.iter().filter(|event| event.kind == "fast_retransmit" || event.kind == "timeout");
    let crowded = losses.map(|event| event.time_s).nth(MOST_TEETH);
    crowded.map_or(end, |at| ((at / 5.0).ceil() * 5.0).max(10.0).min(end))
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
        assert!((legible(&events, 60.0) - 60.0).abs() < 1e-9);
        let many: Vec<Event> = (0..200).map(|n| event(f64::from(n) * 0.3, "timeout")).collect();
        assert!((legible(&many, 60.0) - 15.0).abs() < 1e-9);
    }
}
