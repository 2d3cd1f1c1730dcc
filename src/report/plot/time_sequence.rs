//! Time–sequence graph of one direction of a flow, from a capture: segments, those sent again, the line of
//! acknowledgments, the right edge of the window that the receiver offers, and SACK (Stevens, "TCP/IP Illustrated",
//! volume 1, 1994, chapter 20; Shepard, "TCP packet trace analysis", 1991; drawn so by tcptrace).

mod captured;
mod trace;

use self::captured::{Names, Seen};
use self::trace::{Sent, Trace};
use super::data;
use super::panel::{Chart, Panel};
use super::scale::Scale;
use super::select::Unfit;
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::sources::{self, Sources};
use super::style::{Area, Curve, Drawn, INK, MUTED};
use crate::report::error::ReportError;

/// Segments around the first that is sent again, where no span of time is chosen; a third of them before it.
const LEGIBLE: usize = 240;

/// Panels, unless more are asked for.
const MAX_PANELS: usize = 4;

/// Strokes side by side in a panel, about: segments between two of them are one stroke.
const COLUMNS: f64 = 1400.0;

const ACKS: Curve = Curve(0);
const AGAIN: Curve = Curve(1);
const SACKED: Curve = Curve(2);

/// Half the width of the marker at a segment that is sent again, in pixels.
const AGAIN_SIZE: i32 = 3;

/// A panel: a trace over a span of time, and the range of numbers that it shows.
struct Content {
    title: String,
    trace: Trace,
    span: (f64, f64),
    range: (f64, f64),
}

/// One panel per cell and flow.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let (results, view) = (sources.results, sources.view);
    let names = Names::read(results)?;
    let mut all: Vec<(usize, Seen)> = Vec::new();
    for cell in results.cells_with_trials() {
        all.extend(names.of_cell(results, cell, view)?.into_iter().map(|seen| (cell, seen)));
    }
    if all.is_empty() {
        let flow = view.flows.first().map_or(names.example(), String::as_str);
        let help = format!(
            "run again with --pcap {flow}, or with record.pcap = [\"{flow}\"] in the scenario; a capture at a link is not enough"
        );
        return Err(
            Unfit::new("time-sequence needs a capture of a flow, and these cells have none", help).into()
        );
    }
    let kept = sources::spread(&(0..all.len()).collect::<Vec<_>>(), MAX_PANELS);
    let some = (!view.chosen && kept.len() < all.len())
        .then(|| format!("{MAX_PANELS} of {} flows shown", all.len()));
    let mut contents = Vec::new();
    let (mut at_receiver, mut left_out) = (false, 0);
    for (_, (cell, seen)) in all.iter().enumerate().filter(|(n, _)| view.chosen || kept.contains(n)) {
        let trace = seen.trace(results)?;
        let way = if seen.direction.name() == "up" { "" } else { " (down)" };
        let titles = [data::panel_title(results, *cell), format!("{}{way}", seen.flow)];
        let title = titles.into_iter().filter(|title| !title.is_empty()).collect::<Vec<_>>().join(": ");
        let span = view.span.unwrap_or_else(|| legible(&trace.sent));
        if let Some(content) = Content::of(title, trace, span) {
            at_receiver |= !seen.at_sender;
            left_out += content.trace.left_out;
            contents.push(content);
        }
    }
    if contents.is_empty() {
        return Ok(None);
    }
    let part = view.span.is_none().then(|| {
        let resent = contents.iter().any(|content| content.trace.sent.iter().any(|sent| sent.again));
        let place = if resent { " around the first that was sent again" } else { ", the first" };
        format!("{LEGIBLE} segments{place}")
    });
    let beyond = contents.iter().filter_map(Content::beyond).reduce(f64::max);
    let beyond =
        beyond.map(|bytes| format!("the window ends beyond the panel, up to {} above the ACK", size(bytes)));
    let receiver = at_receiver.then(|| "seen at the receiver".to_owned());
    let missing = (left_out > 0).then(|| format!("the capture lacks {left_out} frames at its end"));
    let legend = legend(&contents, at_receiver);
    let (columns, row_height) = data::grid(contents.len());
    let panel = |content: Content| -> DrawPanel { Box::new(move |area| content.draw(area)) };
    Ok(Some(Sheet {
        title: data::title(results, "segments and acknowledgments over time"),
        subtitle: data::subtitle(&[
            Some(sources::FIRST_TRIAL.to_owned()),
            part,
            some,
            receiver,
            beyond,
            missing,
        ]),
        legend,
        columns,
        row_height,
        panels: contents.into_iter().map(panel).collect(),
    }))
}

fn legend(contents: &[Content], at_receiver: bool) -> Vec<Key> {
    let key = |label: &str, symbol: Symbol| Key { label: label.to_owned(), symbol };
    let again = if at_receiver { "below what came before: sent again, or overtaken" } else { "sent again" };
    let has = |thing: fn(&Content) -> bool| contents.iter().any(thing);
    let all = [
        (true, key("segment", Symbol::Tick(INK))),
        (has(|content| content.sent().any(|sent| sent.again)), key(again, Symbol::Marker(AGAIN))),
        (true, key("acknowledged (ACK)", Symbol::Line(ACKS, false))),
        (
            has(|content| content.sacked().next().is_some()),
            key("reported by SACK", Symbol::Tick(SACKED.color())),
        ),
        (has(|content| content.beyond().is_none()), key("window: its right edge", Symbol::Threshold(MUTED))),
    ];
    all.into_iter().filter_map(|(shown, key)| shown.then_some(key)).collect()
}

impl Content {
    /// A panel of a span of time; `None` if no segment was sent in it.
    fn of(title: String, trace: Trace, span: (f64, f64)) -> Option<Content> {
        let mut content = Content { title, trace, span, range: (0.0, 0.0) };
        let acked = steps(&content.trace.acks, span);
        let ends = content.sent().flat_map(|sent| [sent.from, sent.to]);
        let numbers: Vec<f64> = ends.chain(acked.iter().map(|ack| ack.1)).collect();
        content.sent().next()?;
        let (low, high) = numbers.iter().fold((f64::MAX, f64::MIN), |(a, b), n| (a.min(*n), b.max(*n)));
        let height = (high - low).max(1.0);
        // A window far above the segments would squeeze them flat.
        let edges = steps(&content.trace.edges, span);
        let near = edges.iter().map(|edge| edge.1).filter(|edge| *edge <= high + height).fold(high, f64::max);
        content.range = ((low - 0.03 * height).max(0.0), near + 0.05 * height);
        Some(content)
    }

    fn is_seen(&self, at: f64) -> bool {
        (self.span.0..=self.span.1).contains(&at)
    }

    fn sent(&self) -> impl Iterator<Item = &Sent> {
        self.trace.sent.iter().filter(|sent| self.is_seen(sent.at))
    }

    fn sacked(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        self.trace.sacked.iter().copied().filter(|(at, ..)| self.is_seen(*at))
    }

    /// The window's edge over time, interrupted where it is above the panel.
    fn edge(&self) -> Vec<(f64, f64)> {
        let shown = |(at, edge)| (at, if edge <= self.range.1 { edge } else { f64::NAN });
        steps(&self.trace.edges, self.span).into_iter().map(shown).collect()
    }

    /// The most bytes between an ACK and the edge, if that is never within the panel.
    fn beyond(&self) -> Option<f64> {
        let windows = self.trace.acks.iter().zip(&self.trace.edges).filter(|(ack, _)| self.is_seen(ack.0));
        let most = windows.map(|(ack, edge)| edge.1 - ack.1).fold(0.0, f64::max);
        self.edge().iter().all(|point| point.1.is_nan()).then_some(most)
    }

    fn draw(&self, area: &Area<'_>) -> Drawn {
        let (unit, name) = unit(self.range.1);
        let (low, high) = (self.range.0 / unit, self.range.1 / unit);
        let chart = Panel {
            title: self.title.clone(),
            x: Scale::linear(self.span.0, self.span.1, 8),
            y: Scale::linear(low, high, 6),
            x_label: "time (s)".to_owned(),
            y_label: format!("sequence number ({name})"),
        }
        .draw(area, None)?;
        let line = |points: Vec<(f64, f64)>| -> Vec<(f64, f64)> {
            points.into_iter().map(|(at, number)| (at, number / unit)).collect()
        };
        chart.line(&line(self.edge()), MUTED, 16, Some((5, 4)))?;
        chart.line(&line(steps(&self.trace.acks, self.span)), ACKS.color(), 18, None)?;
        let first: Vec<_> = self.sent().filter(|sent| !sent.again).map(|s| (s.at, s.from, s.to)).collect();
        self.strokes(&chart, &first, unit, |chart, ends| chart.line(&ends, INK, 20, None))?;
        let sacked: Vec<_> = self.sacked().collect();
        self.strokes(&chart, &sacked, unit, |chart, ends| chart.line(&ends, SACKED.color(), 20, None))?;
        let again: Vec<_> = self.sent().filter(|sent| sent.again).map(|s| (s.at, s.from, s.to)).collect();
        self.strokes(&chart, &again, unit, |chart, ends| {
            chart.line(&ends, AGAIN.color(), 20, None)?;
            chart.small_marker(ends[0].0, f64::midpoint(ends[0].1, ends[1].1), AGAIN, AGAIN_SIZE)
        })
    }

    /// Draws upright strokes; those that follow one another within a column are one.
    fn strokes<'a>(
        &self,
        chart: &Chart<'a>,
        all: &[(f64, f64, f64)],
        unit: f64,
        draw: impl Fn(&Chart<'a>, [(f64, f64); 2]) -> Drawn,
    ) -> Drawn {
        let width = (self.span.1 - self.span.0).max(f64::MIN_POSITIVE);
        let column = |at: f64| ((at - self.span.0) / width * COLUMNS) as i64;
        let follows =
            |a: &(f64, f64, f64), b: &(f64, f64, f64)| column(a.0) == column(b.0) && (a.2 - b.1).abs() < 0.5;
        for run in all.chunk_by(follows) {
            let (at, from, to) = (run[0].0, run[0].1, run[run.len() - 1].2);
            draw(chart, [(at, from / unit), (at, to / unit)])?;
        }
        Ok(())
    }
}

/// The corners of a line that holds each value until the next, over a span of time.
fn steps(points: &[(f64, f64)], (from, to): (f64, f64)) -> Vec<(f64, f64)> {
    let first = points.partition_point(|point| point.0 <= from);
    let mut corners: Vec<(f64, f64)> = Vec::new();
    if let Some(before) = first.checked_sub(1) {
        corners.push((from, points[before].1));
    }
    for &(at, value) in points[first..].iter().take_while(|point| point.0 <= to) {
        corners.extend(corners.last().map(|before| (at, before.1)));
        corners.push((at, value));
    }
    corners.extend(corners.last().map(|last| (to, last.1)));
    corners
}

/// The span of time around the first segment that was sent again, or from the first on, in which segments can be told
/// apart.
fn legible(sent: &[Sent]) -> (f64, f64) {
    let Some(last) = sent.len().checked_sub(1) else { return (0.0, 0.0) };
    let again = sent.iter().position(|sent| sent.again).unwrap_or(0);
    let from = again.saturating_sub(LEGIBLE / 3);
    let (from, to) = (sent[from].at, sent[(from + LEGIBLE).min(last)].at);
    // Something of what is before and behind them.
    let gap = (to - from) * 0.03;
    ((from - gap).max(0.0), to + gap)
}

/// The unit in which numbers up to this one are short.
fn unit(most: f64) -> (f64, &'static str) {
    let units = [(1.0, "bytes", 1e5), (1e3, "kB", 1e8)];
    let fits = units.into_iter().find(|(.., end)| most < *end);
    fits.map_or((1e6, "MB"), |(unit, name, _)| (unit, name))
}

/// A number of bytes in words.
fn size(bytes: f64) -> String {
    let (unit, name) = unit(bytes * 10.0);
    format!("{:.0} {name}", bytes / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(n: usize, again: bool) -> Sent {
        let number = 1000.0 * n as f64;
        Sent { at: n as f64, from: number, to: number + 1000.0, again }
    }

    #[test]
    fn lines_hold_each_value_until_the_next() {
        let points = [(1.0, 10.0), (2.0, 20.0), (3.0, 30.0)];
        assert_eq!(steps(&points, (1.5, 2.5)), [(1.5, 10.0), (2.0, 10.0), (2.0, 20.0), (2.5, 20.0)]);
        assert_eq!(steps(&points, (0.0, 1.5)), [(1.0, 10.0), (1.5, 10.0)]);
        assert_eq!(steps(&points, (0.0, 0.5)), []);
    }

    #[test]
    fn without_a_span_the_first_repetition_is_shown_with_what_leads_to_it() {
        let mut all: Vec<Sent> = (0..1000).map(|n| sent(n, false)).collect();
        let (from, to) = legible(&all);
        assert!(from <= 0.0 && (240.0..260.0).contains(&to), "{from} {to}");
        all[500].again = true;
        let (from, to) = legible(&all);
        assert!((410.0..=420.0).contains(&from) && (660.0..680.0).contains(&to), "{from} {to}");
        assert_eq!(legible(&[]), (0.0, 0.0));
    }

    #[test]
    fn a_window_far_above_the_segments_does_not_squeeze_them() {
        let trace = |window: f64| Trace {
            sent: (0..10).map(|n| sent(n, false)).collect(),
            acks: vec![(5.0, 0.0), (8.0, 5000.0)],
            edges: vec![(5.0, window), (8.0, 5000.0 + window)],
            ..Trace::default()
        };
        let content = |window| Content::of(String::new(), trace(window), (0.0, 9.0)).expect("segments");
        let near = content(8000.0);
        assert!(near.beyond().is_none() && near.range.1 > 13_000.0 && near.range.1 < 14_000.0);
        let far = content(4e6);
        assert_eq!((far.beyond(), size(4e6)), (Some(4e6), "4000 kB".to_owned()));
        assert!(far.range.1 < 11_000.0);
        assert!(Content::of(String::new(), trace(8000.0), (20.0, 30.0)).is_none());
    }
}
