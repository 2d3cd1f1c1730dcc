//! Series as they are read back for pictures, and which cells and flows a picture shows.

use std::path::Path;

use crate::report::error::ReportError;
use crate::report::files::{self, Results};
use crate::report::rows::Table;
use crate::report::study::group_of;

/// What pictures of series show.
pub const FIRST_TRIAL: &str = "first trial of each cell";

/// Small multiples beyond this are stamps, not pictures.
pub const MAX_PANELS: usize = 8;

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
    pub delivered: Vec<f64>,
    /// Bytes at their arrival; in folders of earlier versions, those delivered.
    pub received: Vec<f64>,
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

    /// Points of a column over time, divided by `unit`.
    pub fn points(&self, column: &[f64], unit: f64) -> Vec<(f64, f64)> {
        self.time_s.iter().zip(column).map(|(&time, &value)| (time, value / unit)).collect()
    }

    fn moved(&self) -> f64 {
        self.delivered.last().copied().unwrap_or(0.0) - self.delivered.first().copied().unwrap_or(0.0)
    }
}

/// Which curve stands for which flow on a sheet of several panels.
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

    /// What the curves are called.
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
}

/// Something that happened to a sender.
#[derive(Clone, Debug)]
pub struct Event {
    pub time_s: f64,
    pub flow: String,
    pub direction: String,
    pub kind: String,
}

impl Event {
    /// Whether it happened to this sender.
    pub fn is_of(&self, flow: &Flow) -> bool {
        flow.name == self.flow && flow.direction == self.direction
    }
}

/// The cells that have series, spread evenly over all if there are too many to show; and a remark
/// for the heading if some are left out.
pub fn cells_with_series(results: &Results) -> (Vec<usize>, Option<String>) {
    let cells = results.cells_with_trials().into_iter().filter(|cell| results.series_dir(*cell).is_some());
    spread(&cells.collect::<Vec<_>>(), MAX_PANELS)
}

/// At most `max` cells, the first and the last among them.
pub fn spread(cells: &[usize], max: usize) -> (Vec<usize>, Option<String>) {
    if cells.len() <= max {
        return (cells.to_vec(), None);
    }
    let chosen = (0..max).map(|n| cells[n * (cells.len() - 1) / (max - 1)]).collect();
    (chosen, Some(format!("{max} of {} cells shown", cells.len())))
}

/// The flows of a cell's first trial with series, those that moved the most first.
pub fn flows(results: &Results, cell: usize) -> Result<Vec<Flow>, ReportError> {
    let Some(dir) = results.series_dir(cell) else { return Ok(Vec::new()) };
    let mut flows: Vec<Flow> = Vec::new();
    let mut next = 0;
    files::each_row(&dir.join("flows.csv"), |row| {
        let (name, direction) = (row.get("flow"), row.get("direction"));
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
        let value = |column| row.parse(column).unwrap_or(f64::NAN);
        flow.time_s.push(value("time_s"));
        flow.cwnd.push(value("cwnd_bytes"));
        flow.ssthresh.push(value("ssthresh_bytes"));
        flow.flight.push(value("flight_bytes"));
        flow.delivered.push(value("delivered_bytes"));
        flow.received.push(row.parse("received_bytes").unwrap_or_else(|| value("delivered_bytes")));
    })?;
    flows.sort_by(|a, b| b.moved().total_cmp(&a.moved()));
    Ok(flows)
}

/// The links of a cell's first trial with series.
pub fn links(results: &Results, cell: usize) -> Result<Vec<Link>, ReportError> {
    let Some(dir) = results.series_dir(cell) else { return Ok(Vec::new()) };
    let mut links: Vec<Link> = Vec::new();
    files::each_row(&dir.join("links.csv"), |row| {
        let (name, direction) = (row.get("link"), row.get("direction"));
        let index = links.iter().position(|link| link.name == name && link.direction == direction);
        let index = index.unwrap_or_else(|| {
            links.push(Link { name: name.to_owned(), direction: direction.to_owned(), ..Link::default() });
            links.len() - 1
        });
        let link = &mut links[index];
        let value = |column| row.parse(column).unwrap_or(f64::NAN);
        link.time_s.push(value("time_s"));
        link.packets.push(value("backlog_packets"));
        link.drops.push(value("drops"));
    })?;
    Ok(links)
}

/// What happened in a cell's first trial with series.
pub fn events(results: &Results, cell: usize) -> Result<Vec<Event>, ReportError> {
    let Some(dir) = results.series_dir(cell) else { return Ok(Vec::new()) };
    read_events(&dir)
}

fn read_events(dir: &Path) -> Result<Vec<Event>, ReportError> {
    let mut events = Vec::new();
    files::each_row(&dir.join("events.csv"), |row| {
        events.push(Event {
            time_s: row.parse("time_s").unwrap_or(f64::NAN),
            flow: row.get("flow").to_owned(),
            direction: row.get("direction").to_owned(),
            kind: row.get("event").to_owned(),
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
    results.study.cell_label(cell)
}

/// The scenario's title with what the picture shows.
pub fn title(results: &Results, what: &str) -> String {
    format!("{}: {what}", results.study.title)
}

/// The parts of a subtitle that exist, in one line.
pub fn subtitle(parts: &[Option<String>]) -> String {
    let parts: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
    parts.join(" · ")
}
