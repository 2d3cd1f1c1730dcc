//! A panel of the sawtooth picture, and the span of time that all of them show.

use super::data::{Event, Flow};
use super::panel::{Panel, headroom};
use super::phases;
use super::scale::Scale;
use super::sources::{LONG_BEFORE, Sources, UNTIL_OVER};
use super::style::{ALARM, Area, Curve, DOTS, Drawn, INK, MUTED, RECOVERY};
use crate::facts::SenderEvent;
use crate::tables::study::Study;

/// Content of a panel.
pub struct Content {
    pub title: String,
    pub lines: Vec<Line>,
}

/// A flow in it.
pub struct Line {
    pub flow: Flow,
    /// Events of the sender.
    pub events: Vec<Event>,
    /// Bytes of its segments.
    pub segment: f64,
    pub curve: Curve,
}

/// From, to.
pub type Span = (f64, f64);

impl Line {
    /// A flow with those of the cell's events that happened to it.
    pub fn of(flow: &Flow, events: &[Event], study: &Study) -> Line {
        Line {
            events: events.iter().filter(|event| event.is_of(flow)).cloned().collect(),
            segment: study.segment_of(&flow.name),
            curve: Curve(0),
            flow: flow.clone(),
        }
    }

    /// The window in segments over time, or what is in flight where there is none.
    fn points(&self, (from, to): Span) -> Vec<(f64, f64)> {
        let flow = &self.flow;
        let column = if flow.has_window() { &flow.cwnd } else { &flow.flight };
        let seen = |point: &(f64, f64)| (from..=to).contains(&point.0);
        flow.points(column, self.segment).into_iter().filter(seen).collect()
    }

    /// The slow-start threshold as far as it is below `top`: one far above the window would squeeze the
    /// sawtooth to the floor.
    fn threshold(&self, (from, to): Span, top: f64) -> Vec<(f64, f64)> {
        let points = self.flow.points(&self.flow.ssthresh, self.segment).into_iter();
        let seen = points.filter(|point| (from..=to).contains(&point.0));
        steps(&seen.map(|(x, y)| (x, if y <= top { y } else { f64::NAN })).collect::<Vec<_>>())
    }

    /// The bandwidth-delay product in segments, as far as the controller believes in one and it is below `top`.
    fn product(&self, (from, to): Span, top: f64) -> Vec<(f64, f64)> {
        let flow = &self.flow;
        let products = flow.bandwidth.iter().zip(&flow.min_rtt).map(|(mbit, ms)| mbit * ms * 125.0);
        let products: Vec<f64> = products.map(|bytes| bytes / self.segment).collect();
        let seen = flow.points(&products, 1.0).into_iter().filter(|point| (from..=to).contains(&point.0));
        steps(&seen.map(|(x, y)| (x, if y <= top { y } else { f64::NAN })).collect::<Vec<_>>())
    }

    /// True if its controller counts marks.
    pub fn has_alpha(&self) -> bool {
        self.flow.alpha.iter().any(|alpha| alpha.is_finite())
    }

    /// The share of marks, drawn so that 1 is `top`.
    fn alpha(&self, (from, to): Span, top: f64) -> Vec<(f64, f64)> {
        let points = self.flow.points(&self.flow.alpha, 1.0).into_iter();
        let seen = points.filter(|point| (from..=to).contains(&point.0));
        steps(&seen.map(|(x, y)| (x, y * top)).collect::<Vec<_>>())
    }

    fn times(&self, kind: SenderEvent, (from, to): Span) -> Vec<f64> {
        let of_kind = self.events.iter().filter(|event| event.kind == kind);
        of_kind.map(|event| event.time_s).filter(|time| (from..=to).contains(time)).collect()
    }

    /// The spans of fast recovery that are seen.
    fn episodes(&self, (from, to): Span) -> Vec<Span> {
        let seen =
            episodes(&self.events, to).into_iter().filter(|(began, ended)| *began < to && *ended > from);
        seen.map(|(began, ended)| (began.max(from), ended.min(to))).collect()
    }
}

impl Content {
    /// Times of reductions: fast retransmits, timeouts, answers to marks.
    pub fn losses(&self) -> Vec<f64> {
        let all = (f64::NEG_INFINITY, f64::INFINITY);
        let kinds = [SenderEvent::FastRetransmit, SenderEvent::Timeout, SenderEvent::EcnReduction];
        // A controller that counts marks answers a few in every round trip, which makes no teeth.
        let of = |line: &Line| {
            kinds[..if line.has_alpha() { 2 } else { 3 }]
                .iter()
                .map(|kind| line.times(*kind, all))
                .collect::<Vec<_>>()
        };
        let mut times: Vec<f64> = self.lines.iter().flat_map(of).flatten().collect();
        times.sort_by(f64::total_cmp);
        times
    }

    /// Time after which there is no more to show of these flows: the end of the trial, unless they were over
    /// long before.
    pub fn end(&self, duration: f64) -> f64 {
        let last = self.lines.iter().filter_map(|line| line.flow.time_s.last()).copied().fold(0.0, f64::max);
        if last < LONG_BEFORE * duration { last } else { last.max(duration) }
    }

    /// The largest window in a span of time.
    pub fn top(&self, span: Span) -> f64 {
        let values = self.lines.iter().flat_map(|line| line.points(span)).map(|point| point.1);
        values.filter(|value| value.is_finite()).fold(0.0, f64::max)
    }

    /// Draws it over a span of time, up to a window of `top`; `time` stands below the axis.
    pub fn draw(&self, area: &Area<'_>, span: Span, top: f64, warmup: f64, time: &str) -> Drawn {
        let alone = self.lines.len() == 1;
        let strips = i32::try_from(if alone { 2 } else { self.lines.len() }).unwrap_or(2);
        let high = top * headroom(strips, &self.title, area);
        let windows = self.lines.iter().all(|line| line.flow.has_window());
        let chart = Panel {
            title: self.title.clone(),
            x: Scale::linear(span.0, span.1, 10),
            y: Scale::from_zero(high, 6),
            x_label: time.to_owned(),
            y_label: if windows { "window (segments)" } else { "unacknowledged (segments)" }.to_owned(),
        }
        .draw(area, Some((span.0, warmup)))?;
        for line in self.lines.iter().filter(|_| alone) {
            for (from, to) in line.episodes(span) {
                chart.rectangle([(from, high), (to, 0.0)], RECOVERY, 1.0)?;
            }
        }
        for line in &self.lines {
            let color = if alone { MUTED } else { line.curve.pale() };
            chart.line(&line.threshold(span, top * 1.05), color, 12, Some((5, 4)))?;
        }
        for line in self.lines.iter().filter(|line| line.flow.has_model()) {
            let color = if alone { INK } else { line.curve.color() };
            chart.line(&line.product(span, top * 1.05), color, 12, Some(DOTS))?;
        }
        for line in self.lines.iter().filter(|line| line.has_alpha()) {
            let color = if alone { INK } else { line.curve.color() };
            chart.line(&line.alpha(span, top), color, 12, Some(DOTS))?;
        }
        let width = if self.lines.len() > 2 { 16 } else { 20 };
        for line in &self.lines {
            chart.line(&line.points(span), line.curve.color(), width, line.curve.dash())?;
        }
        for (row, line) in (0..).zip(&self.lines) {
            phases::draw(&chart, &line.flow, span, row)?;
            if !alone {
                chart.bars(&line.episodes(span), row, RECOVERY)?;
            }
            chart.ticks(&line.times(SenderEvent::FastRetransmit, span), row, line.curve.color())?;
            chart.diamonds(&line.times(SenderEvent::EcnReduction, span), row, line.curve.color())?;
            chart.triangles(&line.times(SenderEvent::Timeout, span), if alone { 1 } else { row }, ALARM)?;
        }
        Ok(())
    }
}

/// Part of the time that panels show.
pub struct Shown {
    pub span: Span,
    /// Remarks on it, if it is not all, and on flows that were over long before the end.
    pub cut: Option<String>,
    pub over: Option<String>,
}

/// The chosen part of the time; else one in which the sawtooth can be seen.
pub fn shown(sources: &Sources<'_>, contents: &[Content]) -> Shown {
    let study = &sources.results.study;
    let (warmup, duration) = (study.warmup.as_secs_f64(), study.duration.as_secs_f64());
    let end = contents.iter().map(|content| content.end(duration)).fold(0.0, f64::max);
    let losses: Vec<Vec<f64>> = contents.iter().map(Content::losses).collect();
    let span = sources.view.span.unwrap_or_else(|| legible(&losses, warmup, end));
    let whole = span.0 <= 0.0 && span.1 >= end;
    let round = |time: f64| (time * 100.0).round() / 100.0;
    let cut = (!whole).then(|| match (round(span.0), round(span.1), round(end)) {
        (0.0, to, end) => format!("the first {to} s of {end} s"),
        (from, to, end) => format!("{from} s to {to} s of {end} s"),
    });
    let over = (end < duration).then(|| UNTIL_OVER.to_owned());
    Shown { span, cut, over }
}

/// Losses that a panel has room for; more teeth would run into one another.
const MOST_TEETH: usize = 45;

/// The span of time that all panels show, given when each had its losses: so short that the sawtooth can be
/// seen in half of them, and some of it after the warm-up.
fn legible(panels: &[Vec<f64>], warmup: f64, end: f64) -> Span {
    const ENOUGH: f64 = 10.0;
    let until = |from: f64| {
        let legible = |losses: &Vec<f64>| {
            let crowded = losses.iter().filter(|time| **time >= from).nth(MOST_TEETH);
            crowded.map_or(end, |&at| {
                let step = [5.0, 1.0, 0.5].into_iter().find(|step| at - from >= *step).unwrap_or(0.1);
                ((at / step).ceil() * step).max(from + step).min(end)
            })
        };
        let mut ends: Vec<f64> = panels.iter().map(legible).collect();
        ends.sort_by(f64::total_cmp);
        ends.get(ends.len() / 2).copied().unwrap_or(end)
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
        match event.kind {
            SenderEvent::FastRetransmit => began = began.or(Some(event.time_s)),
            SenderEvent::RecoveryExit | SenderEvent::Timeout => {
                spans.extend(began.take().map(|from| (from, event.time_s)));
            }
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
        let event = |time_s: f64, kind: SenderEvent| Event {
            time_s,
            flow: "upload-1".to_owned(),
            direction: "up".to_owned(),
            kind,
        };
        let events = [
            event(1.0, SenderEvent::FastRetransmit),
            event(1.5, SenderEvent::RecoveryExit),
            event(2.0, SenderEvent::FastRetransmit),
            event(2.5, SenderEvent::Timeout),
            event(3.0, SenderEvent::RecoveryExit),
            event(4.0, SenderEvent::FastRetransmit),
        ];
        assert_eq!(episodes(&events, 9.0), [(1.0, 1.5), (2.0, 2.5), (4.0, 9.0)]);
    }

    #[test]
    fn the_span_of_time_has_as_many_losses_as_can_be_told_apart() {
        let is = |panels: &[&Vec<f64>], warmup: f64, from: f64, to: f64| {
            let panels: Vec<Vec<f64>> = panels.iter().map(|&losses| losses.clone()).collect();
            let span = legible(&panels, warmup, 60.0);
            assert!((span.0 - from).abs() < 1e-9 && (span.1 - to).abs() < 1e-9, "{span:?}");
        };
        let few = vec![1.0, 2.0, 2.5, 4.0];
        is(&[&few], 0.0, 0.0, 60.0);
        let many: Vec<f64> = (0..200).map(|n| f64::from(n) * 0.3).collect();
        is(&[&many], 0.0, 0.0, 15.0);
        // The warm-up, which the figures leave out, is no picture of them.
        is(&[&many], 30.0, 30.0, 45.0);
        // A hundred in a second leave half of one.
        let block: Vec<f64> = (0..6000).map(|n| f64::from(n) * 0.01).collect();
        is(&[&block], 2.0, 2.0, 2.5);
        // One crowded panel does not take the time from the others, nor an empty one theirs.
        is(&[&block, &many, &few], 0.0, 0.0, 15.0);
    }
}
