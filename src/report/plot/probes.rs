//! Round trips of echo requests over time.

use std::collections::BTreeMap;

use super::data::{self, Names};
use super::panel::{Panel, headroom};
use super::scale::{self, Scale};
use super::sheet::{DrawPanel, Key, Sheet, Symbol};
use super::sources::{self, Choice, FIRST_TRIAL, Sources};
use super::style::{ALARM, Curve};
use crate::report::error::ReportError;
use crate::tables::rows::Table;

/// Pinging clients that a panel shows: the first ones.
const MAX_FLOWS: usize = 3;

/// Probes of a client in a trial: (seconds, milliseconds), and the seconds of those that were lost.
#[derive(Clone, Debug, Default)]
struct Probes {
    answered: Vec<(f64, f64)>,
    lost: Vec<f64>,
}

/// Clients by name, in the order of their names' numbers.
type Flows = Vec<(String, Probes)>;

/// One panel per cell: its first trial.
pub fn draw(sources: &Sources<'_>) -> Result<Option<Sheet>, ReportError> {
    let results = sources.results;
    let all = read(sources)?;
    let Choice { cells, remark: omitted } =
        sources::choose(results, sources.view.most_cells(), "probes", |cell| Ok(all.contains_key(&cell)))?;
    let most = all.values().map(Vec::len).max().unwrap_or(0);
    let few = (most > MAX_FLOWS).then(|| format!("the first {MAX_FLOWS} of {most} clients"));
    let contents: Vec<(usize, Flows)> =
        cells.into_iter().map(|cell| (cell, all[&cell].iter().take(MAX_FLOWS).cloned().collect())).collect();
    if contents.is_empty() {
        return Ok(None);
    }
    let top = |flows: &Flows| {
        let round_trips = flows.iter().flat_map(|(_, probes)| &probes.answered).map(|probe| probe.1);
        round_trips.fold(0.0, f64::max).max(1e-3)
    };
    let (tops, scales) = scale::tops(&contents.iter().map(|(_, flows)| top(flows)).collect::<Vec<_>>());
    let labels =
        contents.iter().map(|(_, flows)| flows.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
    let names = Names::of(labels.collect::<Vec<_>>(), MAX_FLOWS);
    let mut legend: Vec<Key> = (names.all().iter().enumerate())
        .map(|(n, name)| Key { label: name.clone(), symbol: Symbol::Line(Curve(n), false) })
        .collect();
    if contents.iter().flat_map(|(_, flows)| flows).any(|(_, probes)| !probes.lost.is_empty()) {
        legend.push(Key { label: "lost".to_owned(), symbol: Symbol::Tick(ALARM) });
    }
    let span = match sources.view.span {
        Some(span) => span,
        None => (results.study.warmup.as_secs_f64(), results.study.duration.as_secs_f64()),
    };
    let (columns, row_height) = data::grid(contents.len());
    let (frame, all) = (sources.view.frame, contents.len());
    let panel = |(place, ((cell, flows), top)): (usize, ((usize, Flows), f64))| -> DrawPanel {
        let (title, names) = (data::panel_title(results, cell), names.clone());
        let time = frame.below(place, all, columns, "time (s)");
        Box::new(move |area| {
            let chart = Panel {
                title: title.clone(),
                x: Scale::linear(span.0, span.1, 10),
                y: Scale::from_zero(top * headroom(1, &title, area), 6),
                x_label: time.clone(),
                y_label: "round trip (ms)".to_owned(),
            }
            .draw(area, None)?;
            for (place, (name, probes)) in flows.iter().enumerate() {
                let curve = Curve(names.curve(name, place));
                chart.line(&probes.answered, curve.color(), 16, curve.dash())?;
                chart.ticks(&probes.lost, 0, ALARM)?;
            }
            Ok(())
        })
    };
    Ok(Some(Sheet {
        title: data::title(results, "round trips of probes over time"),
        subtitle: data::subtitle(&[Some(FIRST_TRIAL.to_owned()), few, omitted, scales]),
        legend,
        columns,
        row_height,
        panels: contents.into_iter().zip(tops).enumerate().map(panel).collect(),
    }))
}

/// The probes of the first trial of each cell, within the chosen span of time.
fn read(sources: &Sources<'_>) -> Result<BTreeMap<usize, Flows>, ReportError> {
    let results = sources.results;
    let is_seen = |sent: f64| sources.view.span.is_none_or(|(from, to)| (from..=to).contains(&sent));
    let first = |cell: usize| results.trials.of_cell(cell).next().map(|trial| trial.number);
    let first: BTreeMap<usize, u32> =
        results.trials.cells().filter_map(|cell| Some((cell, first(cell)?))).collect();
    let mut cells: BTreeMap<usize, Flows> = BTreeMap::new();
    results.each_row_of(Table::Probes, |cell, row| {
        if row.parse("trial") != first.get(&cell).copied() {
            return;
        }
        let Some(sent) = row.parse::<f64>("sent_s").filter(|sent| is_seen(*sent)) else { return };
        let (flows, name) = (cells.entry(cell).or_default(), row.get("flow"));
        let place = flows.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            flows.push((name.to_owned(), Probes::default()));
            flows.len() - 1
        });
        match row.parse("rtt_ms") {
            Some(rtt) => flows[place].1.answered.push((sent, rtt)),
            None => flows[place].1.lost.push(sent),
        }
    })?;
    Ok(cells)
}
