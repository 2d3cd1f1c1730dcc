//! Throughput of each flow over time, counted as bytes arrive: goodput comes in lumps, one for each hole that
//! is filled, and would seem faster than the link.

use std::collections::BTreeSet;

use super::data::{self, Capacity, Flow, Names};
use super::datagrams::{self, Mean};
use super::panel::Panel;
use super::scale::{self, Scale};
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::sources::{self, Choice, FIRST_TRIAL, Sources};
use super::style::{CAPACITY, Curve, SHADE};
use crate::report::error::ReportError;
use crate::tables::results::Results;

/// The most flows that are told apart where there are several groups of them.
const MOST_SINGLE: usize = 8;

/// The most that are told apart where all are of one group.
const CROWD: usize = 40;

/// Single flows in a panel, beside the sum of the others.
const SINGLES: usize = 4;

/// Least part of all bytes of a panel that a flow has which is worth a curve beside the sum of the others.
const WORTH_A_CURVE: f64 = 0.05;

/// The curve of the sum of the others: a grey one.
const REST: Curve = Curve(6);

/// A line of a panel.
struct Line {
    curve: Curve,
    points: Vec<(f64, f64)>,
}

/// Cells with their flows, and a remark on those that are left out.
type Shown<'a> = (Vec<(usize, &'a [Flow])>, Option<String>);

/// One panel per cell: the flows that moved the most, and all others together; or groups of flows.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let results = sources.results;
    let warmup = results.study.warmup.as_secs_f64();
    let span = sources.span();
    let bin = bin_width(span.1 - span.0);
    let means = datagrams::means(results, sources.view)?;
    let Some((flows, omitted)) = shown(sources, &means, bin)? else { return Ok(None) };
    let mut capacities = Vec::new();
    for (cell, flows) in &flows {
        let mut ways =
            flows.iter().map(|flow| &flow.direction).chain(means.iter().map(|mean| &mean.direction));
        let way = ways.next().map_or("up", String::as_str);
        let capacity = data::least_capacity(results, *cell, way)?;
        capacities.push(capacity.map(|link| {
            let bins = sources.seen(rates(&link.time_s, &link.bytes, bin));
            (link, bins)
        }));
    }
    let (mut contents, mut legend) = lines(&flows.iter().map(|(_, flows)| *flows).collect::<Vec<_>>(), bin);
    for line in contents.iter_mut().flatten() {
        line.points = sources.seen(std::mem::take(&mut line.points));
    }
    let bins = flows
        .iter()
        .any(|(_, flows)| !flows.is_empty())
        .then(|| format!("bytes at their arrival at the receiver, each once, in bins of {bin} s"));
    let of_datagrams = (!means.is_empty()).then(|| "of datagrams, means over the measured time".to_owned());
    for ((cell, _), lines) in flows.iter().zip(&mut contents) {
        lines.extend(means.iter().filter_map(|mean| line_of(mean, *cell, span)));
    }
    legend.extend(
        means.into_iter().map(|mean| Key { label: mean.label, symbol: Symbol::Line(mean.curve, true) }),
    );
    let top = |lines: &Vec<Line>| {
        let rates = lines.iter().flat_map(|line| &line.points).map(|point| point.1);
        rates.fold(0.0, f64::max)
    };
    let offered = |capacity: &Option<(Capacity, Vec<(f64, f64)>)>| {
        let rates = capacity.iter().flat_map(|(_, bins)| bins).map(|bin| bin.1);
        rates.fold(0.0, f64::max)
    };
    let tops: Vec<f64> =
        contents.iter().zip(&capacities).map(|(lines, capacity)| top(lines).max(offered(capacity))).collect();
    let (tops, scales) = scale::tops(&tops);
    let shaded = capacities.iter().flatten().next().map(|(link, _)| link.clone());
    let mut panels: Vec<DrawPanel> = Vec::new();
    let (columns, row_height) = data::grid(flows.len());
    let contents = flows.iter().zip(contents).zip(capacities).zip(tops);
    for (place, ((((cell, _), lines), capacity), top)) in contents.enumerate() {
        let title = data::panel_title(results, *cell);
        let time = sources.view.frame.below(place, flows.len(), columns, "time (s)");
        panels.push(Box::new(move |area| {
            let chart = Panel {
                title: title.clone(),
                x: Scale::linear(span.0, span.1, 10),
                y: Scale::from_zero(top, 6),
                x_label: time.clone(),
                y_label: "throughput (Mbit/s)".to_owned(),
            }
            .draw(area, Some((span.0, warmup)))?;
            for (middle, rate) in capacity.iter().flat_map(|(_, bins)| bins) {
                // A hair wider than the bin, so that no seam shows.
                let half = bin * 0.52;
                chart.rectangle([(middle - half, *rate), (middle + half, 0.0)], CAPACITY, 1.0)?;
            }
            for (n, Line { curve, points }) in lines.iter().enumerate() {
                chart.line(points, curve.color(), 20, curve.dash())?;
                if lines.len() > 1 && !points.is_empty() {
                    // A few markers, at other places for each curve.
                    let gap = (points.len() / 8).max(1);
                    let first = (n * gap / lines.len()).min(points.len() - 1);
                    for point in points.iter().skip(first).step_by(gap) {
                        chart.marker(point.0, point.1, *curve)?;
                    }
                }
            }
            Ok(())
        }));
    }
    if let Some(link) = shaded {
        let label = format!("capacity of link {} {}", link.name, link.direction);
        legend.push(Key { label, symbol: Symbol::Patch(CAPACITY) });
    }
    if warmup > 0.0 {
        legend.push(Key { label: "warm-up, not measured".to_owned(), symbol: Symbol::Patch(SHADE) });
    }
    Ok(Some(Sheet {
        title: data::title(results, "throughput over time"),
        subtitle: data::subtitle(&[
            Some(FIRST_TRIAL.to_owned()),
            bins,
            of_datagrams,
            omitted.clone(),
            sources.until_over(),
            scales,
        ]),
        legend,
        columns,
        row_height,
        panels,
    }))
}

/// The cells that are shown, each with its flows, and a remark on others: those with series, or where there are none those
/// with datagrams.
fn shown<'a>(sources: &'a Sources<'_>, means: &[Mean], bin: f64) -> Result<Option<Shown<'a>>, ReportError> {
    let has_mean = |cell: usize| means.iter().any(|mean| mean.mbit.contains_key(&cell));
    let with_datagrams;
    let mut choice = &sources.with_data;
    if choice.cells.is_empty() {
        with_datagrams = sources::choose(sources.results, sources.view.most_cells(), "datagrams", |cell| {
            Ok(has_mean(cell))
        })?;
        choice = &with_datagrams;
    }
    let mut flows: Vec<(usize, &[Flow])> =
        choice.cells.iter().map(|&cell| (cell, sources.flows(cell))).collect();
    let has_bin =
        |flows: &[Flow]| flows.iter().filter_map(|flow| flow.time_s.last()).any(|last| *last >= bin);
    flows.retain(|(cell, flows)| has_bin(flows) || flows.is_empty() && has_mean(*cell));
    Ok((!flows.is_empty()).then(|| (flows, choice.remark.clone())))
}

/// The mean of a group's datagrams as a line over its time.
fn line_of(mean: &Mean, cell: usize, span: (f64, f64)) -> Option<Line> {
    let (from, mbit) = (span.0.max(mean.from), *mean.mbit.get(&cell)?);
    (from < span.1).then(|| Line { curve: mean.curve, points: vec![(from, mbit), (span.1, mbit)] })
}

/// At most so many of the cells in which data went.
pub fn choose(results: &Results, most: usize) -> Result<Choice, ReportError> {
    sources::choose_by_series(results, most, "flows.csv", "data", |_, row| {
        row.parse("delivered_bytes") > Some(0.0)
    })
}

/// Bins of 0.1 s to 1 s by the length of the trial, longer ones where there would be more than can be told apart; in the
/// shortest trials at least twenty.
pub fn bin_width(duration: f64) -> f64 {
    if duration < 2.0 {
        let steps = (1..=9).flat_map(|n| [5.0, 2.0, 1.0].map(|step| step / 10f64.powi(n)));
        return steps.into_iter().find(|bin| duration / bin >= 20.0).unwrap_or(1e-9);
    }
    [0.1, 0.2, 0.5].into_iter().find(|bin| duration / bin <= 150.0).unwrap_or_else(|| {
        let steps = (0..=9).flat_map(|n| [1.0, 2.0, 5.0].map(|step| step * 10f64.powi(n)));
        steps.into_iter().find(|bin| duration / bin <= 300.0).unwrap_or(1e10)
    })
}

/// The lines of each panel and their legend, the same for all panels: the groups, if many flows form a
/// few; else single flows, and the others together.
fn lines(panels: &[&[Flow]], bin: f64) -> (Vec<Vec<Line>>, Vec<Key>) {
    let groups: BTreeSet<&str> = panels.iter().copied().flatten().map(Flow::group).collect();
    let most = panels.iter().map(|flows| flows.len()).max().unwrap_or(0);
    let crowd = most > if groups.len() > 1 { MOST_SINGLE } else { CROWD };
    let crowd = crowd || most > SINGLES + 1 && panels.iter().all(|flows| no_flow_stands_out(flows));
    if crowd && groups.len() <= SINGLES { by_group(panels, &groups, bin) } else { by_flow(panels, bin) }
}

/// True if beside all others together each flow would be a line along the foot of the panel.
fn no_flow_stands_out(flows: &[Flow]) -> bool {
    let bytes: Vec<f64> = flows.iter().map(Flow::moved).collect();
    bytes.iter().all(|of_one| *of_one < WORTH_A_CURVE * bytes.iter().sum::<f64>())
}

fn by_group(panels: &[&[Flow]], groups: &BTreeSet<&str>, bin: f64) -> (Vec<Vec<Line>>, Vec<Key>) {
    let sums = |flows: &&[Flow]| {
        let sum = |(n, group): (usize, &&str)| {
            let of_group: Vec<&Flow> = flows.iter().filter(|flow| flow.group() == *group).collect();
            Line { curve: Curve(n), points: binned(&of_group, bin) }
        };
        groups.iter().enumerate().map(sum).filter(|line| !line.points.is_empty()).collect()
    };
    let key = |(n, name): (usize, &&str)| Key {
        label: format!("{name}, all together"),
        symbol: Symbol::Line(Curve(n), groups.len() > 1),
    };
    (panels.iter().map(sums).collect(), groups.iter().enumerate().map(key).collect())
}

fn by_flow(panels: &[&[Flow]], bin: f64) -> (Vec<Vec<Line>>, Vec<Key>) {
    // The others together are at least two; where there is no other, a flow more is told apart.
    let singles = |flows: &[Flow]| if flows.len() > SINGLES + 1 { SINGLES } else { flows.len() };
    // If all are shown, they stand by their names.
    let mut told: Vec<Vec<&Flow>> =
        panels.iter().map(|flows| flows[..singles(flows)].iter().collect()).collect();
    if panels.iter().all(|flows| singles(flows) == flows.len()) {
        for flows in &mut told {
            flows.sort_by_key(|flow| (flow.name.len(), flow.label()));
        }
    }
    let labels: Vec<Vec<String>> =
        told.iter().map(|flows| flows.iter().map(|flow| flow.label()).collect()).collect();
    let names = Names::of(labels.iter().map(|labels| labels.iter().map(String::as_str).collect()), REST.0);
    let rest = panels.iter().map(|flows| flows.len() - singles(flows)).filter(|rest| *rest > 0);
    let marked = names.all().len() > 1 || rest.clone().next().is_some();
    let mut legend: Vec<Key> = (names.all().iter().enumerate())
        .map(|(n, label)| Key { label: label.clone(), symbol: Symbol::Line(Curve(n), marked) })
        .collect();
    if let (Some(least), Some(most)) = (rest.clone().min(), rest.max()) {
        let count = if least == most { most.to_string() } else { format!("{least} to {most}") };
        legend.push(Key { label: format!("other {count} flows together"), symbol: Symbol::Line(REST, true) });
    }
    let lines = |(flows, (told, labels)): (&&[Flow], (&Vec<&Flow>, &Vec<String>))| {
        let rest = &flows[labels.len()..];
        let line = |(n, flow): (usize, &&Flow)| Line {
            curve: Curve(names.curve(&labels[n], n)),
            points: binned(&[*flow], bin),
        };
        let mut lines: Vec<Line> = told.iter().enumerate().map(line).collect();
        if !rest.is_empty() {
            lines.push(Line { curve: REST, points: binned(&rest.iter().collect::<Vec<_>>(), bin) });
        }
        lines
    };
    (panels.iter().zip(told.iter().zip(&labels)).map(lines).collect(), legend)
}

/// The throughput of the flows together in Mbit/s in bins, each at its middle; the last bin only if it is complete.
pub fn binned(flows: &[&Flow], bin: f64) -> Vec<(f64, f64)> {
    let end = flows.iter().filter_map(|flow| flow.time_s.last()).copied().fold(0.0, f64::max);
    let bins = (end / bin + 1e-9).floor() as usize;
    let mut bytes = vec![0.0; bins];
    for flow in flows {
        let mut before = received_at(flow, 0.0);
        for (n, sum) in bytes.iter_mut().enumerate() {
            let after = received_at(flow, (n + 1) as f64 * bin);
            *sum += after - before;
            before = after;
        }
    }
    let scale = 8.0 / 1e6 / bin;
    bytes.iter().enumerate().map(|(n, bytes)| ((n as f64 + 0.5) * bin, bytes * scale)).collect()
}

/// The rate in Mbit/s at which a count of bytes grows, in bins as [`binned`] has them.
fn rates(time_s: &[f64], bytes: &[f64], bin: f64) -> Vec<(f64, f64)> {
    let bins = (time_s.last().copied().unwrap_or(0.0) / bin + 1e-9).floor() as usize;
    let rate = |n: usize| {
        let [before, after] = [n, n + 1].map(|edge| count_at(time_s, bytes, edge as f64 * bin));
        ((n as f64 + 0.5) * bin, (after - before) * 8.0 / 1e6 / bin)
    };
    (0..bins).map(rate).collect()
}

/// Bytes received by `time`.
fn received_at(flow: &Flow, time: f64) -> f64 {
    count_at(&flow.time_s, &flow.received, time)
}

/// A count at `time`, between samples by the rule of three.
fn count_at(time_s: &[f64], count: &[f64], time: f64) -> f64 {
    let next = time_s.partition_point(|&sample| sample < time - 1e-9);
    match (next.checked_sub(1), time_s.get(next)) {
        (None, _) => count.first().copied().filter(|_| time > 0.0).unwrap_or(0.0),
        (Some(last), None) => count[last],
        (Some(last), Some(&after)) => {
            let share = (time - time_s[last]) / (after - time_s[last]);
            count[last] + share * (count[next] - count[last])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_suit_the_length_of_the_trial() {
        for (duration, bin) in [
            (0.001, 0.000_05),
            (0.5, 0.02),
            (1.9, 0.05),
            (2.0, 0.1),
            (30.0, 0.2),
            (60.0, 0.5),
            (240.0, 1.0),
            (900.0, 5.0),
        ] {
            assert!((bin_width(duration) - bin).abs() < 1e-12, "{duration}: {}", bin_width(duration));
        }
    }

    fn crowd(flows: usize) -> Vec<Flow> {
        let flow = |n: usize| Flow {
            name: format!("flow-{}", (n * 7) % flows + 1),
            direction: "up".to_owned(),
            time_s: vec![0.0, 1.0],
            delivered: vec![0.0, (flows - n) as f64],
            received: vec![0.0, (flows - n) as f64],
            ..Flow::default()
        };
        (0..flows).map(flow).collect()
    }

    #[test]
    fn a_sum_is_called_a_sum_however_many_flows_there_are() {
        let panels = [8, 10, 12, 20].map(crowd);
        let (lines, legend) = lines(&panels.each_ref().map(Vec::as_slice), 0.1);
        let labels: Vec<&str> = legend.iter().map(|key| key.label.as_str()).collect();
        assert_eq!(labels[3..], ["flow no. 4 by volume", "other 4 to 16 flows together"]);
        for lines in &lines {
            assert_eq!((lines.len(), lines[SINGLES].curve.0), (SINGLES + 1, REST.0));
        }
        // A few names keep theirs, and the sum keeps its curve.
        let (lines, legend) = super::lines(&[&crowd(7), &crowd(5)], 0.1);
        let last = legend.last().map(|key| key.label.as_str());
        assert_eq!((legend[0].label.as_str(), last), ("flow-1", Some("other 3 flows together")));
        assert_eq!((lines[0][SINGLES].curve.0, lines[1].len()), (REST.0, 5));
    }

    #[test]
    fn flows_of_which_none_stands_out_are_shown_together() {
        let even = |flows: usize| -> Vec<Flow> {
            let flow = |flow: Flow| Flow { delivered: vec![0.0, 9.0], received: vec![0.0, 9.0], ..flow };
            crowd(flows).into_iter().map(flow).collect()
        };
        let labels = |flows: &[Flow]| -> Vec<String> {
            lines(&[flows], 0.1).1.into_iter().map(|key| key.label).collect()
        };
        assert_eq!(labels(&even(30)), ["flow, all together"]);
        assert_eq!(labels(&even(12)).last().map(String::as_str), Some("other 8 flows together"));
        // If all are shown, they stand by their names and not by what they moved.
        assert_eq!(labels(&crowd(4)), ["flow-1", "flow-2", "flow-3", "flow-4"]);
    }

    #[test]
    fn bins_hold_what_arrived_in_them() {
        let flow = Flow {
            time_s: (0..=100).map(|n| f64::from(n) / 100.0).collect(),
            received: (0..=100).map(|n| f64::from(n) * 12_500.0).collect(),
            ..Flow::default()
        };
        let bins = binned(&[&flow], 0.1);
        assert_eq!(bins.len(), 10);
        assert!(bins.iter().all(|(_, rate)| (rate - 10.0).abs() < 1e-6), "{bins:?}");
    }
}
