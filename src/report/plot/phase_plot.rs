//! Phase plot of two flows: the throughput of one against that of the other, with the lines of equal shares and of a
//! full link (Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance in computer
//! networks", 1989).

use super::data::{self, Flow};
use super::panel::Panel;
use super::scale::Scale;
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::sources::{self, FIRST_TRIAL, Sources};
use super::style::{Curve, INK, MUTED};
use super::throughput;
use crate::report::error::ReportError;
use crate::tables::results::Results;
use crate::tables::rows::Table;
use crate::tables::study::Study;

/// Bins in the span of time, about: each is a point of the path.
const BINS: f64 = 60.0;

/// Panels, unless more are asked for.
const MAX_PANELS: usize = 4;

/// A link that is faster than the path's end by more than this factor is not shown.
const MOST_OF_PATH: f64 = 3.0;

/// The path, its begin and its end.
const PATH: Curve = Curve(0);
const BEGIN: Curve = Curve(2);
const END: Curve = Curve(1);

/// Content of a panel: its title, the flows' names, the path, and the rate of the link.
type Content = (String, [String; 2], Vec<(f64, f64)>, Option<f64>);

/// One panel per cell with two flows: those that moved the most, of two groups if such share a link, or the two that
/// were chosen.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let results = sources.results;
    let (from, to) = sources.span();
    let bin = bin_width(to - from, BINS);
    let mut contents: Vec<Content> = Vec::new();
    for &cell in &sources.with_data.cells {
        let mut flows: Vec<&Flow> = sources.flows(cell).iter().collect();
        if sources.view.flows.is_empty() {
            sources.retain_bulk(&mut flows);
        }
        let Some(&first) = flows.first() else { continue };
        flows.retain(|flow| flow.direction == first.direction);
        if sources.view.flows.is_empty() {
            pair(&results.study, &mut flows, |flow| flow.group());
        }
        flows.truncate(2);
        flows.sort_by_key(|flow| flow.label());
        let &[a, b] = flows.as_slice() else { continue };
        let of = |flow: &Flow| sources.seen(throughput::binned(&[flow], bin));
        let path: Vec<(f64, f64)> = of(a).iter().zip(of(b)).map(|(a, b)| (a.1, b.1)).collect();
        if path.len() > 1 {
            // A link that is much faster than both would squeeze the path into a corner.
            let rate = link_rate(results, cell, &first.direction)?;
            let rate = rate.filter(|rate| *rate <= MOST_OF_PATH * most_of(&path));
            let rate = rate.filter(|_| share_a_link(&results.study, [a, b].map(Flow::group)));
            contents.push((data::panel_title(results, cell), [a.label(), b.label()], path, rate));
        }
    }
    if contents.is_empty() {
        return Ok(None);
    }
    let all = contents.len();
    if !sources.view.chosen {
        let kept = sources::spread(&(0..all).collect::<Vec<_>>(), MAX_PANELS);
        let mut place = 0..;
        contents.retain(|_| place.next().is_some_and(|place| kept.contains(&place)));
    }
    let some = (contents.len() < all).then(|| format!("{MAX_PANELS} of {all} cells with two flows shown"));
    let full = contents.iter().any(|(.., rate)| rate.is_some());
    let key = |label: &str, symbol: Symbol| Key { label: label.to_owned(), symbol };
    let mut legend = vec![
        key(&format!("both flows, a point each {bin} s"), Symbol::Line(PATH, false)),
        key("begin", Symbol::Marker(BEGIN)),
        key("end", Symbol::Marker(END)),
        key("equal shares", Symbol::Threshold(MUTED)),
    ];
    if full {
        legend.push(key("full link", Symbol::Dotted(INK)));
    }
    let columns = if contents.len() > 1 { 2 } else { 1 };
    let panels = contents.into_iter().map(|(title, names, path, rate)| -> DrawPanel {
        let most = rate.unwrap_or(0.0).max(most_of(&path));
        Box::new(move |area| {
            let chart = Panel {
                title: title.clone(),
                x: Scale::from_zero(most, 6),
                y: Scale::from_zero(most, 6),
                x_label: format!("{} (Mbit/s)", names[0]),
                y_label: format!("{} (Mbit/s)", names[1]),
            }
            .draw(area, None)?;
            chart.line(&[(0.0, 0.0), (most, most)], MUTED, 14, Some((5, 4)))?;
            if let Some(rate) = rate {
                chart.line(&[(0.0, rate), (rate, 0.0)], INK, 14, Some(super::style::DOTS))?;
            }
            chart.line(&path, PATH.color(), 14, None)?;
            chart.marker(path[0].0, path[0].1, BEGIN)?;
            let end = path[path.len() - 1];
            chart.marker(end.0, end.1, END)
        })
    });
    Ok(Some(Sheet {
        title: data::title(results, "throughput of two flows against each other"),
        subtitle: data::subtitle(&[Some(FIRST_TRIAL.to_owned()), some]),
        legend,
        columns,
        row_height: if columns > 1 { 480 } else { 620 },
        panels: panels.collect(),
    }))
}

/// Brings beside the first flow the next of another group on a link of its own, if there is one: shares among groups
/// are what a scenario with several is about.
fn pair<T>(study: &Study, flows: &mut [T], group: impl Fn(&T) -> &str) {
    let Some(first) = flows.first() else { return };
    let other = |flow: &T| group(flow) != group(first) && share_a_link(study, [group(first), group(flow)]);
    if let Some(place) = flows.iter().position(other) {
        flows[1..=place].rotate_right(1);
    }
}

/// The highest throughput of either flow.
fn most_of(path: &[(f64, f64)]) -> f64 {
    path.iter().flat_map(|(a, b)| [*a, *b]).fold(0.0, f64::max)
}

/// A bin of the next round length of which a span has at most so many.
pub fn bin_width(span: f64, most: f64) -> f64 {
    let steps = (-6..=3).flat_map(|n| [1.0, 2.0, 5.0].map(|step| step * 10f64.powi(n)));
    steps.into_iter().find(|step| span / step <= most).unwrap_or(1e4)
}

/// True unless the paths of two groups have no link in common.
fn share_a_link(study: &Study, groups: [&str; 2]) -> bool {
    let Some(topology) = &study.topology else { return true };
    let path = |name: &str| topology.groups.iter().find(|group| group.name == name).map(|group| &group.path);
    let [Some(one), Some(other)] = groups.map(path) else { return true };
    let shared = |(link, _): &(usize, bool)| topology.links.get(*link).is_some_and(|link| !link.per_client);
    one.iter().filter(|hop| shared(hop)).any(|(link, _)| other.iter().any(|(hop, _)| hop == link))
}

/// The rate of the busiest link in this direction, in the first trial of a cell.
fn link_rate(results: &Results, cell: usize, direction: &str) -> Result<Option<f64>, ReportError> {
    let mut busiest: Option<(f64, f64)> = None;
    results.each_row_of(Table::Links, |of, row| {
        let fields = (row.parse::<f64>("utilisation"), row.parse::<f64>("rate_mbit"));
        if let (true, (Some(utilisation), Some(rate))) =
            (of == cell && row.get("direction") == direction, fields)
            && busiest.is_none_or(|(most, _)| utilisation > most)
        {
            busiest = Some((utilisation, rate));
        }
    })?;
    Ok(busiest.map(|(_, rate)| rate))
}

#[cfg(test)]
mod tests {
    use super::{bin_width, share_a_link};
    use crate::tables::testing::study;

    #[test]
    fn flows_of_different_links_have_no_full_link() {
        let mut study = study(&[]);
        assert!(share_a_link(&study, ["a", "b"]));
        let link = |name: &str| serde_json::json!({ "name": name, "conditions": [] });
        let group = |name: &str, path: &[usize]| {
            let path: Vec<(usize, bool)> = path.iter().map(|link| (*link, false)).collect();
            serde_json::json!({ "name": name, "words": "", "path": path })
        };
        let topology = serde_json::json!({
            "links": [link("one"), link("two"), link("three")],
            "groups": [group("a", &[0]), group("b", &[1, 2]), group("c", &[0, 1])],
        });
        study.topology = serde_json::from_value(topology).expect("a topology");
        let together =
            [["a", "b"], ["a", "c"], ["b", "c"], ["a", "a"]].map(|pair| share_a_link(&study, pair));
        assert_eq!(together, [false, true, true, true]);
        let paired = |mut flows: Vec<&'static str>| {
            super::pair(&study, &mut flows, |flow| &flow[..1]);
            flows
        };
        assert_eq!(paired(vec!["a1", "b1", "a2", "c1", "c2"]), ["a1", "c1", "b1", "a2", "c2"]);
        assert_eq!(paired(vec!["a1", "a2", "b1"]), ["a1", "a2", "b1"]);
    }

    #[test]
    fn bins_are_round_and_some_sixty() {
        for (span, bin) in [(60.0, 1.0), (61.0, 2.0), (30.0, 0.5), (10.0, 0.2), (0.5, 0.01)] {
            assert!((bin_width(span, 60.0) - bin).abs() < 1e-12, "{span}: {}", bin_width(span, 60.0));
        }
    }
}
