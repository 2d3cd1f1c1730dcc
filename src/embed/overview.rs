//! An experiment before it runs: its grid, its controls, its path.

use serde::Serialize;

use super::lab::Lab;
use super::trouble::{Trouble, troubles};
use crate::facts::Direction;
use crate::scenario::{Control, Described, Scenario, Takes, keys};

/// An experiment as a form shows it.
#[derive(Debug, Serialize)]
pub(super) struct Overview {
    name: String,
    title: String,
    expect: String,
    cells: usize,
    trials: u32,
    /// The shown cell, and its values.
    cell: usize,
    values: Vec<String>,
    axes: Vec<AxisForm>,
    controls: Vec<ControlForm>,
    links: Vec<LinkForm>,
    groups: Vec<GroupForm>,
    duration_s: f64,
    has_chat: bool,
    warnings: Vec<Trouble>,
}

#[derive(Debug, Serialize)]
struct AxisForm {
    key: String,
    values: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ControlForm {
    key: String,
    value: String,
    stated: bool,
    swept: bool,
    doc: &'static str,
    #[serde(flatten)]
    takes: TakesForm,
}

#[derive(Debug, Serialize)]
struct TakesForm {
    form: &'static str,
    words: Vec<(&'static str, &'static str)>,
    range: Option<[f64; 2]>,
}

/// A key of scenario files.
#[derive(Debug, Serialize)]
pub(super) struct KeyForm {
    key: String,
    required: bool,
    default: Option<String>,
    doc: &'static str,
    #[serde(flatten)]
    takes: TakesForm,
}

#[derive(Debug, Serialize)]
struct LinkForm {
    name: String,
    per_client: bool,
    /// Bytes of the largest packets that cross it.
    packet_bytes: u32,
    directions: [DirectionForm; 2],
}

#[derive(Debug, Serialize)]
struct DirectionForm {
    rate_mbit: Option<f64>,
    delay_ms: f64,
    queue: String,
    queue_packets: Option<u64>,
}

#[derive(Debug, Serialize)]
struct GroupForm {
    name: String,
    count: u32,
    path: Vec<HopForm>,
    congestion: &'static str,
    workload: &'static str,
}

#[derive(Debug, Serialize)]
struct HopForm {
    link: usize,
    backwards: bool,
}

impl From<Takes> for TakesForm {
    fn from(Takes { form, words, range }: Takes) -> TakesForm {
        TakesForm { form, words, range }
    }
}

/// Every key of scenario files.
pub(super) fn key_forms() -> Vec<KeyForm> {
    let form = |Described { key, takes, required, default, doc }: Described| KeyForm {
        key,
        required,
        default,
        doc,
        takes: takes.into(),
    };
    keys().into_iter().map(form).collect()
}

impl Lab {
    /// The experiment as a form shows it, at a cell; the last one if there are fewer.
    pub(super) fn overview(&self, cell: usize) -> Result<Overview, Vec<Trouble>> {
        let plan = &self.plan;
        let cell = cell.min(plan.cells() - 1);
        let wrong = |error: crate::scenario::ScenarioError| troubles(&error.texts, &error.problems);
        let scenario = self.scenario(cell).map_err(wrong)?;
        let control = |Control { key, value, stated, swept, takes, doc }: Control| ControlForm {
            key,
            value,
            stated,
            swept,
            doc,
            takes: takes.into(),
        };
        let axis =
            |axis: &crate::scenario::Axis| AxisForm { key: axis.key.clone(), values: axis.values.clone() };
        Ok(Overview {
            name: plan.name().to_owned(),
            title: scenario.title.clone(),
            expect: scenario.expect.clone(),
            cells: plan.cells(),
            trials: plan.trials(),
            cell,
            values: plan.cell(cell).values,
            axes: plan.axes.iter().map(axis).collect(),
            controls: plan.controls(cell).map_err(wrong)?.into_iter().map(control).collect(),
            links: links(&scenario),
            groups: groups(&scenario),
            duration_s: scenario.duration.as_secs_f64(),
            has_chat: scenario.has_chat(),
            warnings: troubles(&plan.texts, &plan.warnings),
        })
    }
}

fn links(scenario: &Scenario) -> Vec<LinkForm> {
    let direction = |direction: &crate::link::Config| DirectionForm {
        rate_mbit: direction.rate.map(crate::units::Rate::as_mbit),
        delay_ms: direction.delay.mean.as_millis_f64(),
        queue: direction.queue.discipline.name.to_owned(),
        queue_packets: match direction.queue.capacity {
            crate::link::Capacity::Packets(packets) => Some(packets),
            crate::link::Capacity::Bytes(_) => None,
        },
    };
    let largest = |place: usize| {
        let crossing = scenario.groups.iter().filter(|group| group.path.iter().any(|hop| hop.link == place));
        crossing.map(|group| group.tcp.packet_bytes()).max()
    };
    let form = |(place, link): (usize, &crate::scenario::LinkSpec)| LinkForm {
        name: link.name.clone(),
        per_client: link.per_client,
        packet_bytes: largest(place).unwrap_or_else(|| crate::tcp::Config::default().packet_bytes()),
        directions: Direction::BOTH.map(|way| direction(&link.directions[way.index()])),
    };
    scenario.links.iter().enumerate().map(form).collect()
}

fn groups(scenario: &Scenario) -> Vec<GroupForm> {
    let form = |group: &crate::scenario::Group| GroupForm {
        name: group.name.clone(),
        count: group.count,
        path: group.path.iter().map(|hop| HopForm { link: hop.link, backwards: hop.backwards }).collect(),
        congestion: group.tcp.congestion.algorithm.name,
        workload: group.app.name(),
    };
    scenario.groups.iter().map(form).collect()
}
