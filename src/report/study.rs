//! What the report needs to know of a scenario, and what it is handed for each trial.

use serde::{Deserialize, Serialize};

use crate::record::Outcome;
use crate::time::Duration;

/// A scenario, as far as a reader of its results needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Study {
    /// The name of the scenario and of its folder.
    pub name: String,
    /// Its title in words.
    pub title: String,
    /// What the author expects to see, or asks.
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
    /// Whether anyone chats; if not, figures and pictures about messages do not exist.
    pub chat: bool,
    /// The groups of clients whose flows are bulk transfers, which the guard rails look at.
    pub bulk: Vec<String>,
    /// What `--set` changed, as `KEY=VALUE`.
    pub overrides: Vec<String>,
    /// The scenario file, word for word.
    pub scenario: String,
}

/// One swept key with its values as written in the scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// The dotted key.
    pub key: String,
    /// Its values, in their order.
    pub values: Vec<String>,
}

/// The circumstances of a run, for the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// When it began, as the reader shall see it (RFC 3339 suggests itself).
    pub started: String,
    /// The command line that repeats it.
    pub command: String,
    /// Processors of the machine.
    pub cpus: usize,
}

/// A finished trial.
#[derive(Clone, Copy, Debug)]
pub struct TrialRow<'a> {
    /// The cell, counted from 0.
    pub cell: usize,
    /// The repetition within the cell.
    pub trial: u32,
    /// The seed of the trial.
    pub seed: u64,
    /// What it left behind.
    pub outcome: &'a Outcome,
    /// How long it took, in seconds of wall time: the only varying field of all tables.
    pub wall_s: f64,
}

impl Study {
    /// How many combinations the axes have; 1 without any.
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

    /// The cell's number as it stands in tables and folder names: zero-padded, so that names sort.
    pub fn cell_name(&self, cell: usize) -> String {
        let width = self.cells().saturating_sub(1).max(1).ilog10() as usize + 1;
        format!("{cell:0width$}")
    }

    /// The cell in a reader's words: the values of the axes that really vary, or nothing.
    pub fn cell_label(&self, cell: usize) -> String {
        let parts: Vec<String> = (self.axes.iter().zip(self.values(cell)))
            .filter(|(axis, _)| axis.values.len() > 1)
            .map(|(axis, value)| axis.phrase(value))
            .collect();
        parts.join(", ")
    }
}

impl Axis {
    /// The key without its path where that is enough to understand it: `loss` of
    /// `link.access.loss`.
    pub fn short_key(&self) -> &str {
        self.key.rsplit('.').next().unwrap_or(&self.key)
    }

    /// Whether the axis chooses the congestion controller.
    pub fn is_congestion(&self) -> bool {
        self.short_key() == "congestion"
    }

    /// A value in words: `reno`, `loss 10%`.
    pub fn phrase(&self, value: &str) -> String {
        if self.is_congestion() { value.to_owned() } else { format!("{} {value}", self.short_key()) }
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
    use crate::report::testing::study;

    #[test]
    fn the_last_axis_changes_fastest() {
        let study = study(&[("a", &["x", "y"]), ("b", &["1", "2", "3"])]);
        assert_eq!(study.cells(), 6);
        assert_eq!(study.values(0), ["x", "1"]);
        assert_eq!(study.values(2), ["x", "3"]);
        assert_eq!(study.values(3), ["y", "1"]);
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
