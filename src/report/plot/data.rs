//! Series as they are read back for pictures, and which cells and flows a picture shows.

use std::path::Path;

use crate::facts::{Phase, SenderEvent};
use crate::report::error::ReportError;
use crate::tables::results::Results;
use crate::tables::rows::Table;
use crate::tables::study::{Study, group_of};

/// One direction of a flow over time.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    pub name: String,
    pub direction: String,
    pub time_s: Vec<f64>,
    /// Not a number where the controller has no window.
    pub cwnd: Vec<f64>,
    /// Not a number while it is arbitrarily high.
    pub ssthresh: Vec<f64>,
    pub flight: Vec<f64>,
    /// In ms; not a number before the first sample.
    pub srtt: Vec<f64>,
    pub delivered: Vec<f64>,
    /// Bytes at their arrival; in folders of earlier versions, those delivered.
    pub received: Vec<f64>,
    /// `None` in a phase of another version.
    pub phase: Vec<Option<Phase>>,
    /// In Mbit/s, ms and shares of 1; not numbers where the controller has no such thing.
    pub pacing: Vec<f64>,
    pub bandwidth: Vec<f64>,
    pub min_rtt: Vec<f64>,
    pub alpha: Vec<f64>,
}

impl Flow {
    /// The name, with the direction where it is not the usual one.
    pub fn label(&self) -> String {
        if self.direction == "up" { self.name.clone() } else { format!("{} ({})", self.name, self.direction) }
    }

    pub fn group(&self) -> &str {
        group_of(&self.name)
    }

    pub fn has_window(&self) -> bool {
        self.cwnd.iter().any(|cwnd| cwnd.is_finite())
    }

    /// True if its controller believes in a bandwidth of the path.
    pub fn has_model(&self) -> bool {
        self.bandwidth.iter().any(|bandwidth| bandwidth.is_finite())
    }

    /// Points of a column over time, divided by `unit`.
    pub fn points(&self, column: &[f64], unit: f64) -> Vec<(f64, f64)> {
        self.time_s.iter().zip(column).map(|(&time, &value)| (time, value / unit)).collect()
    }

    /// Leaves the samples of a span of time.
    pub fn cut(&mut self, from: f64, to: f64) {
        let within = within(&self.time_s, from, to);
        let Flow {
            time_s,
            cwnd,
            ssthresh,
            flight,
            srtt,
            delivered,
            received,
            pacing,
            bandwidth,
            min_rtt,
            ..
        } = self;
        for column in [time_s, cwnd, ssthresh, flight, srtt, delivered, received, pacing, bandwidth, min_rtt]
        {
            *column = column[within.clone()].to_vec();
        }
        self.phase = self.phase[within].to_vec();
    }

    pub fn moved(&self) -> f64 {
        self.delivered.last().copied().unwrap_or(0.0) - self.delivered.first().copied().unwrap_or(0.0)
    }
}

/// Assignment of curves to flows on a sheet of several panels.
#[derive(Clone, Debug, Default)]
pub struct Names(Vec<String>);

impl Names {
    /// From the labels of each panel's flows in their order. A flow keeps its curve over all panels
    /// where there are curves enough; else a curve stands for a place in the order.
    pub fn of<'a>(panels: impl IntoIterator<Item = Vec<&'a str>> + Clone, most: usize) -> Names {
        let mut names: Vec<String> = Vec::new();
        for label in panels.clone().into_iter().flatten() {
            if !names.iter().any(|name| name == label) {
                names.push(label.to_owned());
            }
        }
        if names.len() > most {
            let places = panels.into_iter().map(|labels| labels.len()).max().unwrap_or(0);
            names = (1..=places).map(|place| format!("flow no. {place} by volume")).collect();
        }
        Names(names)
    }

    /// The curve of the flow with this label, which is the `place`th of its panel.
    pub fn curve(&self, label: &str, place: usize) -> usize {
        self.0.iter().position(|name| name == label).unwrap_or(place)
    }

    /// Names of the curves.
    pub fn all(&self) -> &[String] {
        &self.0
    }
}

/// One direction of a link over time.
#[derive(Clone, Debug, Default)]
pub struct Link {
    pub name: String,
    pub direction: String,
    pub time_s: Vec<f64>,
    pub packets: Vec<f64>,
    pub drops: Vec<f64>,
    pub marks: Vec<f64>,
}

impl Link {
    /// Leaves the samples of a span of time.
    pub fn cut(&mut self, from: f64, to: f64) {
        let within = within(&self.time_s, from, to);
        let Link { time_s, packets, drops, marks, .. } = self;
        for column in [time_s, packets, drops, marks] {
            *column = column[within.clone()].to_vec();
        }
    }
}

/// Places of the ascending times in a span.
fn within(time_s: &[f64], from: f64, to: f64) -> std::ops::Range<usize> {
    time_s.partition_point(|time| *time < from)..time_s.partition_point(|time| *time <= to)
}

/// Something that happened to a sender.
#[derive(Clone, Debug)]
pub struct Event {
    pub time_s: f64,
    pub flow: String,
    pub direction: String,
    pub kind: SenderEvent,
}

impl Event {
    /// True if it happened to this sender.
    pub fn is_of(&self, flow: &Flow) -> bool {
        flow.name == self.flow && flow.direction == self.direction
    }
}

/// The flows of a cell's first trial with series, those that moved the most first.
pub fn flows(results: &Results, cell: usize) -> Result<Vec<Flow>, ReportError> {
    let Some(dir) = results.series_dir(cell) else { return Ok(Vec::new()) };
    let mut flows: Vec<Flow> = Vec::new();
    let mut next = 0;
    let columns = [
        "flow",
        "direction",
        "time_s",
        "cwnd_bytes",
        "ssthresh_bytes",
        "flight_bytes",
        "srtt_ms",
        "delivered_bytes",
        "received_bytes",
        "phase",
        "pacing_mbit",
        "bandwidth_mbit",
        "min_rtt_ms",
        "alpha",
    ];
    results.each_record(&dir.join("flows.csv"), columns, |fields| {
        let [name, direction, time, cwnd, ssthresh, flight, srtt, delivered, received, phase, model @ ..] =
            fields;
        let [pacing, bandwidth, min_rtt, alpha] = model.map(number);
        // Rows come in the same order at each instant, so the one looked for is mostly the next.
        let is = |flow: &Flow| flow.name == name && flow.direction == direction;
        let index = if flows.get(next).is_some_and(is) {
            next
        } else {
            flows.iter().position(is).unwrap_or_else(|| {
                flows.push(Flow {
                    name: name.to_owned(),
                    direction: direction.to_owned(),
                    ..Flow::default()
                });
                flows.len() - 1
            })
        };
        next = (index + 1) % flows.len();
        let flow = &mut flows[index];
        flow.time_s.push(number(time));
        flow.cwnd.push(number(cwnd));
        flow.ssthresh.push(number(ssthresh));
        flow.flight.push(number(flight));
        flow.srtt.push(number(srtt));
        flow.delivered.push(number(delivered));
        flow.received.push(number(if received.is_empty() { delivered } else { received }));
        flow.phase.push(phase.parse().ok());
        flow.pacing.push(pacing);
        flow.bandwidth.push(bandwidth);
        flow.min_rtt.push(min_rtt);
        flow.alpha.push(alpha);
    })?;
    flows.sort_by(|a, b| b.moved().total_cmp(&a.moved()));
    Ok(flows)
}

/// The links of a cell's first trial with series.
pub fn links(results: &Results, cell: usize) -> Result<Vec<Link>, ReportError> {
    let Some(dir) = results.series_dir(cell) else { return Ok(Vec::new()) };
    let mut links: Vec<Link> = Vec::new();
    let columns = ["link", "direction", "time_s", "backlog_packets", "drops", "marks"];
    results.each_record(
        &dir.join("links.csv"),
        columns,
        |[name, direction, time, packets, drops, marks]| {
            let index = links.iter().position(|link| link.name == name && link.direction == direction);
            let index = index.unwrap_or_else(|| {
                links.push(Link {
                    name: name.to_owned(),
                    direction: direction.to_owned(),
                    ..Link::default()
                });
                links.len() - 1
            });
            let link = &mut links[index];
            link.time_s.push(number(time));
            link.packets.push(number(packets));
            link.drops.push(number(drops));
            link.marks.push(number(marks));
        },
    )?;
    Ok(links)
}

/// Capacity of a direction of a link over time.
#[derive(Clone, Debug, Default)]
pub struct Capacity {
    pub name: String,
    pub direction: String,
    pub time_s: Vec<f64>,
    /// Bytes that could have been sent since the start.
    pub bytes: Vec<f64>,
}

/// The least capacity that traces and tables left in this direction, in a cell's first trial with series.
pub fn least_capacity(results: &Results, cell: usize, way: &str) -> Result<Option<Capacity>, ReportError> {
    let mut links: Vec<Capacity> = Vec::new();
    let dir = results.series_dir(cell).filter(|_| !results.study.files.is_empty());
    let Some(dir) = dir else { return Ok(None) };
    let columns = ["link", "direction", "time_s", "capacity_bytes"];
    results.each_record(&dir.join("links.csv"), columns, |[name, direction, time, bytes]| {
        if direction != way || bytes.is_empty() {
            return;
        }
        let index = links.iter().position(|link| link.name == name).unwrap_or_else(|| {
            let (name, direction) = (name.to_owned(), direction.to_owned());
            links.push(Capacity { name, direction, ..Capacity::default() });
            links.len() - 1
        });
        links[index].time_s.push(number(time));
        links[index].bytes.push(number(bytes));
    })?;
    let all = |link: &Capacity| link.bytes.last().copied().unwrap_or(f64::INFINITY);
    Ok(links.into_iter().min_by(|a, b| all(a).total_cmp(&all(b))))
}

/// A field as a number; not a number if it is empty.
fn number(field: &str) -> f64 {
    field.parse().unwrap_or(f64::NAN)
}

/// Events of a cell's first trial with series.
pub fn events(results: &Results, cell: usize) -> Result<Vec<Event>, ReportError> {
    let Some(dir) = results.series_dir(cell) else { return Ok(Vec::new()) };
    read_events(results, &dir)
}

fn read_events(results: &Results, dir: &Path) -> Result<Vec<Event>, ReportError> {
    let mut events = Vec::new();
    results.each_row(&dir.join("events.csv"), |row| {
        // A kind of another version has no mark.
        let Some(kind) = row.parse("event") else { return };
        events.push(Event {
            time_s: row.parse("time_s").unwrap_or(f64::NAN),
            flow: row.get("flow").to_owned(),
            direction: row.get("direction").to_owned(),
            kind,
        });
    })?;
    Ok(events)
}

/// The links with a rate, as (link, direction).
pub fn rated_links(results: &Results) -> Result<Vec<(String, String)>, ReportError> {
    let mut rated: Vec<(String, String)> = Vec::new();
    results.each_row_of(Table::Links, |_, row| {
        let is = |(link, direction): &(String, String)| {
            link == row.get("link") && direction == row.get("direction")
        };
        if !row.get("utilisation").is_empty() && !rated.iter().any(is) {
            rated.push((row.get("link").to_owned(), row.get("direction").to_owned()));
        }
    })?;
    Ok(rated)
}

/// Two columns from the third panel on; a single row of panels is taller.
pub fn grid(panels: usize) -> (usize, i32) {
    match panels {
        0 | 1 => (1, 620),
        2 => (1, 400),
        3 | 4 => (2, 420),
        _ => (2, 330),
    }
}

/// The heading above a cell's panel; nothing if there is only one.
pub fn panel_title(results: &Results, cell: usize) -> String {
    results.study.cell_legend(cell)
}

/// Label of a cell's curve, or of the only one.
pub fn curve_label(results: &Results, cell: usize, only: &str) -> String {
    let label = results.study.cell_legend(cell);
    if label.is_empty() { only.to_owned() } else { label }
}

/// The scenario's title with what the picture shows.
pub fn title(results: &Results, what: &str) -> String {
    titled(&results.study, what)
}

/// The same of a study without its results.
pub fn titled(study: &Study, what: &str) -> String {
    format!("{}: {what}", study.title)
}

/// The parts of a subtitle that exist, in one line.
pub fn subtitle(parts: &[Option<String>]) -> String {
    let parts: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
    parts.join(" · ")
}

/// Changes by `--set`, but for axes, whose values are in the picture, and for what is recorded, which changes nothing.
pub fn departure(study: &Study) -> String {
    let varies = |key: &str| study.axes.iter().any(|axis| axis.key == key && axis.values.len() > 1);
    let changes: Vec<String> =
        (study.changes().filter(|(key, _)| !varies(key) && !key.starts_with("record.")))
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
    if changes.is_empty() { String::new() } else { format!("with {}", changes.join(", ")) }
}
