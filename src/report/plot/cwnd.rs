//! The sawtooth: congestion window and slow-start threshold over time. This chooses flows, time and
//! scale; `sawtooth` draws a panel.

use std::collections::BTreeSet;

use super::data::{self, Flow, Names};
use super::sawtooth::{self, Content, Line, Shown};
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::sources::{self, Choice, FIRST_TRIAL, Sources};
use super::style::{ALARM, Curve, INK, MAX_CURVES, MUTED, RECOVERY, SHADE};
use super::{phases, scale};
use crate::facts::{Measure, SenderEvent};
use crate::report::error::ReportError;
use crate::tables::results::Results;
use crate::tables::study::Study;

/// Up to so many flows, all are shown.
const FEW: usize = 3;

/// One panel per cell; the flows that moved the most, in segments.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let results = sources.results;
    let study = &results.study;
    let Choice { cells, remark: omitted } = &sources.with_flows;
    let all: Vec<(usize, &[Flow])> = cells.iter().map(|&cell| (cell, sources.flows(cell))).collect();
    let few = if sources.view.flows.is_empty() { FEW } else { MAX_CURVES };
    let selection = Selection::of(study, &all, few);
    let mut contents: Vec<Content> = Vec::new();
    for (cell, flows) in all {
        let flows = selection.of_cell(study, flows);
        let events = data::events(results, cell)?;
        let line = |flow: &Flow| Line::of(flow, &events, study);
        let lines: Vec<Line> = flows.into_iter().map(line).collect();
        if !lines.is_empty() {
            contents.push(Content { title: data::panel_title(results, cell), lines });
        }
    }
    if contents.is_empty() {
        return Ok(None);
    }
    let Shown { span, cut, over } = sawtooth::shown(sources, &contents);
    let warmup = study.warmup.as_secs_f64();
    let names = name(&mut contents, &selection);
    let few = selection.remark(contents.iter().map(|content| content.lines.len()).max().unwrap_or(0));
    let lines = || contents.iter().flat_map(|content| &content.lines);
    let unacknowledged = lines()
        .any(|line| !line.flow.has_window())
        .then(|| "where there is no such window, what was sent and is not yet acknowledged".to_owned());
    let (tops, scales) = scale::tops(&contents.iter().map(|c| c.top(span)).collect::<Vec<_>>());
    let together = contents.iter().any(|content| content.lines.len() > 1);
    let rows = together.then(|| "a row of marks for each flow".to_owned());
    let legend = legend(&contents.iter().collect::<Vec<_>>(), &names, (span.0 < warmup).then_some(SHADE));
    let (columns, row_height) = data::grid(contents.len());
    let (frame, all) = (sources.view.frame, contents.len());
    let panel = |(place, (content, top)): (usize, (Content, f64))| -> DrawPanel {
        let time = frame.below(place, all, columns, "time (s)");
        Box::new(move |area| content.draw(area, span, top, warmup, &time))
    };
    Ok(Some(Sheet {
        title: data::title(results, "congestion window over time"),
        subtitle: data::subtitle(&[
            Some(FIRST_TRIAL.to_owned()),
            omitted.clone(),
            few,
            unacknowledged,
            cut,
            over,
            rows,
            scales,
        ]),
        legend,
        columns,
        row_height,
        panels: contents.into_iter().zip(tops).enumerate().map(panel).collect(),
    }))
}

/// At most so many of the cells that have a flow with two samples, which are a line.
pub fn choose(results: &Results, most: usize) -> Result<Choice, ReportError> {
    let mut seen = (usize::MAX, BTreeSet::new());
    sources::choose_by_series(results, most, "flows.csv", "established flows", |cell, row| {
        if seen.0 != cell {
            seen = (cell, BTreeSet::new());
        }
        !seen.1.insert([row.get("flow"), row.get("direction")].map(str::to_owned))
    })
}

/// Flows of a cell that are shown.
struct Selection {
    /// Number of connections of the cells, as text.
    connections: String,
    /// True if the cells have more directions of flows than are shown.
    many: bool,
    /// True if it is one flow of each group.
    by_group: bool,
    /// Number of flows otherwise.
    most: usize,
}

impl Selection {
    fn of(study: &Study, cells: &[(usize, &[Flow])], few: usize) -> Selection {
        let total = cells.iter().map(|(_, flows)| flows.len()).max().unwrap_or(0);
        let most = match cells.len() {
            _ if total <= few => few,
            1 => FEW,
            2 => 2,
            _ => 1,
        };
        Selection {
            connections: connections(cells.iter().map(|(_, flows)| *flows)),
            many: total > few,
            by_group: total > few && (2..=FEW).contains(&study.groups_with(Measure::Goodput).len()),
            most,
        }
    }

    /// Those of the cell, given in the order of their volume.
    fn of_cell<'a>(&self, study: &Study, flows: &'a [Flow]) -> Vec<&'a Flow> {
        let mut flows: Vec<&Flow> = flows.iter().filter(|flow| flow.time_s.len() > 1).collect();
        let is_bulk = |flow: &Flow| study.is_bulk(flow.group());
        // Beside long flows, those of single requests say little.
        if study.measures(Measure::Requests) && flows.iter().any(|flow| is_bulk(flow)) {
            flows.retain(|flow| is_bulk(flow));
        }
        if self.by_group && flows.iter().any(|flow| is_bulk(flow)) {
            let mut seen = BTreeSet::new();
            flows.retain(|flow| is_bulk(flow) && seen.insert(flow.group().to_owned()));
        } else {
            flows.truncate(self.most);
        }
        if self.by_group || !self.many {
            flows.sort_by_key(|flow| flow.label());
        }
        flows
    }

    /// Remark of the heading on them, where a panel shows `most`.
    fn remark(&self, most: usize) -> Option<String> {
        let what = match most {
            _ if self.by_group => "the one of each group",
            1 => "the one",
            _ => &format!("the {most}"),
        };
        self.many.then(|| format!("of {} flows {what} that delivered the most", self.connections))
    }
}

/// Gives each flow its curve, and returns what the curves are called; where each panel has one flow of its
/// own, all have the first curve, and the panels say whose it is.
fn name(contents: &mut [Content], selection: &Selection) -> Names {
    let label = |line: &Line| {
        if selection.by_group { line.flow.group().to_owned() } else { line.flow.label() }
    };
    let labels: Vec<Vec<String>> =
        contents.iter().map(|content| content.lines.iter().map(label).collect()).collect();
    let names =
        Names::of(labels.iter().map(|labels| labels.iter().map(String::as_str).collect()), MAX_CURVES);
    let alone = labels.iter().all(|labels| labels.len() == 1);
    if alone && names.all().len() > 1 {
        for (content, labels) in contents.iter_mut().zip(labels) {
            content.title = format!("{}: {}", content.title, labels[0]);
        }
        return Names::default();
    }
    for (content, labels) in contents.iter_mut().zip(labels) {
        for (place, (line, label)) in content.lines.iter_mut().zip(labels).enumerate() {
            line.curve = Curve(names.curve(&label, place));
        }
    }
    names
}

/// Number of flows of the cells, each of one or two directions: `24`, or `22 to 50`.
fn connections<'a>(cells: impl Iterator<Item = &'a [Flow]> + Clone) -> String {
    let counts = cells.map(|flows| flows.iter().map(|flow| &flow.name).collect::<BTreeSet<_>>().len());
    let (least, most) = (counts.clone().min().unwrap_or(0), counts.max().unwrap_or(0));
    if least == most { most.to_string() } else { format!("{least} to {most}") }
}

/// The legend of panels of windows, whose flows' curves are called so.
pub fn legend(contents: &[&Content], names: &Names, warmup: Option<plotters::style::RGBColor>) -> Vec<Key> {
    let lines = || contents.iter().flat_map(|content| &content.lines);
    let happened = |kind: SenderEvent| lines().any(|line| line.events.iter().any(|event| event.kind == kind));
    let together = contents.iter().any(|content| content.lines.len() > 1);
    let key = |label: &str, symbol: Symbol| Key { label: label.to_owned(), symbol };
    let mut legend: Vec<Key> =
        (names.all().iter().enumerate()).map(|(n, name)| key(name, Symbol::Line(Curve(n), false))).collect();
    if lines().any(|line| line.flow.ssthresh.iter().any(|value| value.is_finite())) {
        legend.push(if together {
            key("slow-start threshold, paler than its flow", Symbol::Threshold(Curve(0).pale()))
        } else {
            key("slow-start threshold", Symbol::Threshold(MUTED))
        });
    }
    if lines().any(|line| line.flow.has_model()) {
        let label = "bandwidth × least round trip, as the controller believes";
        legend.push(key(label, Symbol::Dotted(if together { Curve(0).color() } else { INK })));
    }
    if lines().any(super::sawtooth::Line::has_alpha) {
        let label = "share of marks (alpha; 1 at the largest window)";
        legend.push(key(label, Symbol::Dotted(if together { Curve(0).color() } else { INK })));
    }
    legend.extend(phases::legend(lines().map(|line| &line.flow)));
    if happened(SenderEvent::FastRetransmit) {
        legend.push(key("fast retransmit", Symbol::Tick(Curve(0).color())));
        legend.push(key("recovery episode", Symbol::Patch(RECOVERY)));
    }
    if happened(SenderEvent::EcnReduction) {
        legend.push(key("window reduced for a mark (ECN)", Symbol::Diamond(Curve(0).color())));
    }
    if happened(SenderEvent::Timeout) {
        legend.push(key("timeout", Symbol::Triangle(ALARM)));
    }
    legend.extend(warmup.map(|color| key("warm-up, not measured", Symbol::Patch(color))));
    legend
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
}
