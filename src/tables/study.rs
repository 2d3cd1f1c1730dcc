//! Facts of a scenario that the report needs, and the row that it is handed for each trial.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::axis::Axis;
use super::claims::Claim;
use super::titles;
use crate::facts::{Measure, Outcome};
use crate::scenario::Topology;
use crate::time::Duration;

/// A scenario, as far as a reader of its results needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Study {
    /// The name of the scenario and of its folder.
    pub name: String,
    /// Its title in words.
    pub title: String,
    /// Effect that the author expects to see, or question.
    pub expect: Option<String>,
    /// The swept keys, the slowest first: cell 0 has the first value of each, and the last axis
    /// changes from one cell to the next.
    pub axes: Vec<Axis>,
    /// Repetitions of each cell.
    pub trials: u32,
    /// The base seed.
    pub seed: u64,
    /// Virtual time of one trial.
    #[serde(with = "as_text")]
    pub duration: Duration,
    /// The part at its beginning that is left out of the figures.
    #[serde(with = "as_text")]
    pub warmup: Duration,
    /// Bytes of a full segment, for windows in segments.
    pub mss: u32,
    /// The same of groups of clients that have another one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub group_mss: BTreeMap<String, u32>,
    /// The groups of clients by the measures of their workloads: figures, tables and pictures of other measures
    /// do not exist.
    pub measures: BTreeMap<String, Vec<String>>,
    /// True if groups of clients differ in their controller, so that a name alone would not say whose
    /// it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mixed: bool,
    /// True if chance has a hand in it, so that trials may differ.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub random: bool,
    /// True if a link has a policer, whose drops then have a column.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub policed: bool,
    /// True if a link has a queue for L4S, whose waits then have columns.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub l4s: bool,
    /// True if a path crosses a link backwards: then a flow's own direction is not that in which it crosses the bottleneck,
    /// and groups have no share.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backwards: bool,
    /// True if every trial keeps its series, of which figures over time are then made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recorded: bool,
    /// The traces and tables that the scenario reads, by the names that it has for them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, InputFile>,
    /// Bounds that the author claims, which the run is held against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// Changes by `--set`, as `KEY=VALUE`.
    pub overrides: Vec<String>,
    /// Its paths in words; results of versions that did not say them have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology: Option<Topology>,
    /// True if it ran in real time, on real sockets; then figures vary from run to run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub live: bool,
    /// The scenario file, word for word.
    pub scenario: String,
}

/// A file that a scenario reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// Gives a study of a version that told bulk transfers and chat apart, and knew no more, its measures.
pub fn modernise(study: &mut serde_json::Value) {
    if study.get("measures").is_some() {
        return;
    }
    let (Some(bulk), Some(chat)) =
        (study.get("bulk"), study.get("chat").and_then(serde_json::Value::as_bool))
    else {
        return;
    };
    let mut measures = serde_json::Map::new();
    if bulk.as_array().is_some_and(|groups| !groups.is_empty()) {
        measures.insert(Measure::Goodput.name().to_owned(), bulk.clone());
    }
    if chat {
        // The groups that chat were not named.
        measures.insert(Measure::Latency.name().to_owned(), serde_json::Value::Array(Vec::new()));
    }
    study["measures"] = measures.into();
}

impl Study {
    /// The first field, by its name in the manifest, in which a study is not what its scenario says.
    pub fn contradicts(&self, own: &Study) -> Option<String> {
        let fields = |study: &Study| serde_json::to_value(study).ok()?.as_object().cloned();
        let (here, there) = (fields(self)?, fields(own)?);
        let names: std::collections::BTreeSet<&String> = here.keys().chain(there.keys()).collect();
        let unsaid = |name: &str| match name {
            "topology" => self.topology.is_none(),
            // Earlier builds did not know that the ticks of TCP's clocks are drawn.
            "random" => own.random,
            _ => false,
        };
        names.into_iter().find(|name| here.get(*name) != there.get(*name) && !unsaid(name)).cloned()
    }
}

/// Results of versions that did not say it.
fn yes() -> bool {
    true
}

/// Key of the axis whose values are result folders, where several stand beside one another.
pub const SCENARIO: &str = "scenario";

/// A finished trial.
#[derive(Clone, Copy, Debug)]
pub struct TrialRow<'a> {
    /// The cell, counted from 0.
    pub cell: usize,
    /// The repetition within the cell.
    pub trial: u32,
    /// The seed of the trial.
    pub seed: u64,
    /// Outcome of the trial.
    pub outcome: &'a Outcome,
    /// Duration of the trial, in seconds of wall time: the only varying field of all tables.
    pub wall_s: f64,
}

/// A flow is named after its group, with a number behind it.
pub fn group_of(flow: &str) -> &str {
    flow.rsplit_once('-').map_or(flow, |(group, _)| group)
}

impl Study {
    /// True if any group's workload has a measure.
    pub fn measures(&self, measure: Measure) -> bool {
        self.measures.contains_key(measure.name())
    }

    /// True if there are connections, and not only datagrams.
    pub fn has_connections(&self) -> bool {
        let datagrams = [Measure::Probes, Measure::Datagrams, Measure::Voice].map(Measure::name);
        self.measures.is_empty() || self.measures.keys().any(|measure| !datagrams.contains(&measure.as_str()))
    }

    /// The groups whose workload has a measure.
    pub fn groups_with(&self, measure: Measure) -> &[String] {
        self.measures.get(measure.name()).map_or(&[], Vec::as_slice)
    }

    /// True if a group takes all that the network gives: guard rails and pictures look at it.
    pub fn is_bulk(&self, group: &str) -> bool {
        self.groups_with(Measure::Goodput).iter().any(|name| name == group)
    }

    /// Changes by `--set`, as key and its last value, by key; trials and seed have fields of their own.
    pub fn changes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.overrides
            .iter()
            .filter_map(|change| change.split_once('='))
            .map(|(key, value)| (key.trim().trim_matches('"'), value.trim()))
            .filter(|(key, _)| !matches!(*key, "trials" | "seed"))
            .collect::<BTreeMap<_, _>>()
            .into_iter()
    }

    /// A file that both read and that is another by now.
    pub fn other_file(&self, earlier: &Study) -> Option<&str> {
        let other = |(name, file): &(&String, &InputFile)| earlier.files.get(*name) != Some(*file);
        self.files.iter().find(other).map(|(name, _)| name.as_str())
    }

    /// Bytes of a full segment of a flow.
    pub fn segment_of(&self, flow: &str) -> f64 {
        f64::from(self.group_mss.get(group_of(flow)).copied().unwrap_or(self.mss).max(1))
    }

    /// Number of combinations that the axes have; 1 without any.
    pub fn cells(&self) -> usize {
        self.axes.iter().map(|axis| axis.values.len()).product()
    }

    /// The values of the axes in `cell`, in the order of the axes.
    pub fn values(&self, cell: usize) -> Vec<&str> {
        let mut rest = cell;
        let mut values: Vec<&str> = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let n = axis.values.len().max(1);
            values.push(axis.values.get(rest % n).map_or("", String::as_str));
            rest /= n;
        }
        values.reverse();
        values
    }

    /// The cells as a reader expects them: by their values on each axis, the last axis fastest. Their
    /// numbers keep the order of the scenario file.
    pub fn ordered_cells(&self) -> Vec<usize> {
        self.axes.iter().fold(vec![0], |cells, axis| {
            let order = axis.order();
            let next = |cell: usize| order.iter().map(move |pick| cell * axis.values.len() + pick);
            cells.into_iter().flat_map(next).collect()
        })
    }

    /// The cell's number as it stands in names of folders and in what people read: zero-padded, so that names sort. Result
    /// files have the number.
    pub fn cell_name(&self, cell: usize) -> String {
        let width = self.cells().saturating_sub(1).max(1).ilog10() as usize + 1;
        format!("{cell:0width$}")
    }

    /// Path of what is a trial's alone, in one of the folders of a run.
    pub fn trial_path(&self, folder: &str, cell: usize, trial: u32) -> PathBuf {
        Path::new(folder).join(self.cell_name(cell)).join(format!("trial-{trial}"))
    }

    /// The cell in a reader's words: the values of the axes that really vary, or nothing.
    pub fn cell_label(&self, cell: usize) -> String {
        self.label(&self.values(cell), |_| true)
    }

    /// The values of the wanted axes, by index, in a reader's words; those that do not vary say nothing.
    pub fn label(&self, values: &[impl AsRef<str>], wanted: impl Fn(usize) -> bool) -> String {
        self.listed(wanted, |axis| self.phrase(axis, values[axis].as_ref()))
    }

    /// The wanted axes that vary, each in the words that `said` has for it.
    pub(super) fn listed(&self, wanted: impl Fn(usize) -> bool, said: impl Fn(usize) -> String) -> String {
        let varied = (0..self.axes.len()).filter(|&axis| self.axes[axis].values.len() > 1 && wanted(axis));
        varied.map(said).collect::<Vec<_>>().join(", ")
    }

    /// Short name of an axis, which its key ends with.
    pub fn ending(&self, axis: usize) -> String {
        titles::ending(&self.axes, self.mixed, axis)
    }

    /// Heading of an axis in tables, and its name in sentences.
    pub fn heading(&self, axis: usize) -> String {
        titles::heading(&self.axes, self.mixed, axis)
    }

    /// The headings of all axes.
    pub fn headings(&self) -> impl Iterator<Item = String> {
        (0..self.axes.len()).map(|axis| self.heading(axis))
    }

    /// A value of an axis in words: `loss 10 %`, `far clients 30`; a controller of all and a folder go without.
    pub fn phrase(&self, axis: usize, value: &str) -> String {
        let value = self.axes[axis].spelled(value);
        match self.ending(axis).as_str() {
            "congestion" | SCENARIO => value,
            _ => format!("{} {value}", self.heading(axis)),
        }
    }
}

/// Durations in the manifest are text with a unit, as in scenarios.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::time::Duration;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(span)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Study;
    use crate::tables::testing::study;

    /// The first values of the axes in words.
    fn label(mixed: bool, keys: &[&str]) -> String {
        let axes: Vec<(&str, &[&str])> = keys.iter().map(|&key| (key, &["1", "2"][..])).collect();
        Study { mixed, ..study(&axes) }.cell_label(0)
    }

    #[test]
    fn an_axis_is_called_by_the_shortest_ending_that_no_other_has() {
        assert_eq!(label(false, &["link.access.loss", "link.core.delay"]), "loss 1, one-way delay 1");
        assert_eq!(label(false, &["link.access.loss", "link.core.loss"]), "access loss 1, core loss 1");
        let both = ["link.a.up.loss", "link.a.down.loss", "link.b.up.loss"];
        assert_eq!(label(false, &both), "a up loss 1, down loss 1, b up loss 1");
        assert_eq!(label(false, &["clients.far.count", "link.access.loss"]), "far clients 1, loss 1");
    }

    #[test]
    fn a_controller_goes_by_its_name_where_it_is_that_of_all() {
        assert_eq!(label(false, &["tcp.congestion", "link.a.loss"]), "1, loss 1");
        assert_eq!(label(true, &["tcp.congestion", "link.a.loss"]), "tcp congestion 1, loss 1");
        let both = ["tcp.congestion", "clients.second.congestion"];
        assert_eq!(label(false, &both), "tcp congestion 1, second congestion 1");
    }

    #[test]
    fn the_last_axis_changes_fastest() {
        let study = study(&[("a", &["x", "y"]), ("b", &["1", "2", "3"])]);
        assert_eq!(study.cells(), 6);
        assert_eq!(study.values(0), ["x", "1"]);
        assert_eq!(study.values(2), ["x", "3"]);
        assert_eq!(study.values(3), ["y", "1"]);
    }

    #[test]
    fn cells_are_listed_by_value_and_keep_their_numbers() {
        let study = study(&[("tcp.congestion", &["reno", "cubic"]), ("a.loss", &["1%", "10%", "3%"])]);
        assert_eq!(study.ordered_cells(), [0, 2, 1, 3, 5, 4]);
        assert_eq!(super::super::testing::study(&[]).ordered_cells(), [0]);
    }

    #[test]
    fn a_file_that_is_another_by_now_is_named() {
        let with = |sha256: &str| {
            let file = super::InputFile { bytes: 6, sha256: sha256.to_owned() };
            Study { files: [("a.up".to_owned(), file)].into(), ..study(&[]) }
        };
        assert_eq!(with("12").other_file(&with("12")), None);
        assert_eq!(with("12").other_file(&with("13")), Some("a.up"));
        assert_eq!(with("12").other_file(&study(&[])), Some("a.up"));
    }

    #[test]
    fn a_study_of_an_older_version_gets_its_measures() {
        let modern = |text: &str| {
            let mut value = serde_json::from_str(text).expect("JSON");
            super::modernise(&mut value);
            value["measures"].clone()
        };
        let both = modern(r#"{ "chat": true, "bulk": ["upload"] }"#);
        assert_eq!(both, serde_json::json!({ "goodput": ["upload"], "latency": [] }));
        assert_eq!(modern(r#"{ "chat": false, "bulk": [] }"#), serde_json::json!({}));
        assert_eq!(modern(r#"{ "measures": { "probes": ["x"] } }"#), serde_json::json!({ "probes": ["x"] }));
        // Something else altogether is refused by the reader.
        assert!(modern("{}").is_null());
    }

    #[test]
    fn cell_names_sort() {
        let ten: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        let ten: Vec<&str> = ten.iter().map(String::as_str).collect();
        assert_eq!(study(&[("a", &ten)]).cell_name(9), "9");
        assert_eq!(study(&[("a", &ten), ("b", &["1", "2"])]).cell_name(9), "09");
        assert_eq!(study(&[]).cell_name(0), "0");
    }
}
