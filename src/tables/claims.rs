//! Claims of a scenario's author, held against its trials.
//!
//! A claim holds if the mean over trials lies within its bounds, in every cell that it is about; one on a
//! ratio if the geometric mean of the ratios does, over pairs of trials with the same seed. An interval that
//! reaches beyond a bound is said, and refutes nothing. A figure that does not exist in a trial satisfies no
//! bound. Before all trials of its cells are done, nothing is judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::figures::{FIGURES, Figure};
use super::groups::Groups;
use super::paired::{self, Change};
use super::results::Results;
use super::stats::Estimate;
use super::study::Study;
use super::table::plain;
use crate::units::plural;

/// A bound on a figure of some cells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Column of the figure.
    pub figure: String,
    /// Group of clients whose figure it is; `None` for that of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Cells that it is about, by values of axes.
    #[serde(rename = "where", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cells: BTreeMap<String, String>,
    /// Values of the cell to which the figure's ratio is meant, where they differ.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ratio_to: BTreeMap<String, String>,
    /// Least value, in the column's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Largest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
}

/// A claim with its judgement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// The claim.
    #[serde(flatten)]
    pub claim: Claim,
    /// The judgement.
    pub verdict: Judgement,
    /// The claim and its judgement in words.
    pub text: String,
    /// Findings, one for each cell.
    pub cells: Vec<Finding>,
}

/// Judgement of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// It holds in all of its cells.
    Holds,
    /// It does not hold in one at least.
    Fails,
    /// Trials are missing, or `--set` took its cells away.
    Open,
}

/// Value of a claim's figure or ratio in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The cell.
    pub cell: usize,
    /// Mean over trials, in the column's unit; `None` where some trial has no value.
    pub value: Option<f64>,
    /// Ends of the 95 % interval; `None` for a single trial.
    pub interval: Option<[f64; 2]>,
    /// True if the mean lies within the bounds.
    pub holds: bool,
    /// True if the whole interval lies on the same side of them.
    pub clear: bool,
}

impl Judged {
    /// True if the claim does not hold.
    pub fn is_refuted(&self) -> bool {
        self.verdict == Judgement::Fails
    }
}

/// Judges all claims of a study.
pub fn judge(results: &Results, groups: &Groups) -> Vec<Judged> {
    let claims = results.study.claims.iter();
    claims.map(|claim| Court { results, groups, claim }.judge()).collect()
}

/// A claim with what it is held against.
struct Court<'a> {
    results: &'a Results,
    groups: &'a Groups,
    claim: &'a Claim,
}

impl Court<'_> {
    fn judge(&self) -> Judged {
        let study = &self.results.study;
        let named = self.cells();
        let has_clients = |(cell, other): &(usize, Option<usize>)| {
            self.has_clients(*cell) && other.is_none_or(|other| self.has_clients(other))
        };
        let cells: Vec<(usize, Option<usize>)> = named.iter().copied().filter(has_clients).collect();
        let done = |cell: usize| self.results.trials.count(cell) == study.trials as usize;
        let open = if named.is_empty() {
            Some("its cells are not in this run")
        } else if cells.is_empty() {
            Some(if named.iter().any(|(cell, _)| self.has_clients(*cell)) {
                "the group has no clients in one cell of each pair"
            } else {
                "the group has no clients in its cells"
            })
        } else if !cells.iter().all(|(cell, other)| done(*cell) && other.is_none_or(done)) {
            Some("trials are missing")
        } else {
            None
        };
        let findings: Vec<Finding> = match open {
            Some(_) => Vec::new(),
            None => cells.iter().map(|&(cell, other)| self.find(cell, other)).collect(),
        };
        let (verdict, text) = match open {
            Some(reason) => (Judgement::Open, self.statement("is not judged", reason)),
            None => {
                let holds = findings.iter().all(|finding| finding.holds);
                let verdict = if holds { Judgement::Holds } else { Judgement::Fails };
                let verb = if holds { "holds" } else { "fails" };
                let without = match named.len() - cells.len() {
                    0 => String::new(),
                    n => format!("; {} without the group left out", plural(n as u64, "cell")),
                };
                (verdict, self.statement(verb, &(self.outcome(&findings) + &without)))
            }
        };
        Judged { claim: self.claim.clone(), verdict, text, cells: findings }
    }

    /// The cells that are meant, each with the one that it is compared with.
    fn cells(&self) -> Vec<(usize, Option<usize>)> {
        let (study, claim) = (&self.results.study, self.claim);
        let known = |key: &String| study.axes.iter().any(|axis| axis.key == *key);
        if !claim.cells.keys().chain(claim.ratio_to.keys()).all(known) {
            return Vec::new();
        }
        let values = |cell: usize| study.axes.iter().map(|axis| axis.key.as_str()).zip(study.values(cell));
        let meant = |cell: &usize| {
            values(*cell).all(|(key, value)| claim.cells.get(key).is_none_or(|wanted| wanted == value))
        };
        let meant = (0..study.cells()).filter(meant);
        if claim.ratio_to.is_empty() {
            return meant.map(|cell| (cell, None)).collect();
        }
        let other = |cell: usize| {
            let wanted: Vec<&str> = values(cell)
                .map(|(key, value)| claim.ratio_to.get(key).map_or(value, String::as_str))
                .collect();
            (0..study.cells()).find(|other| study.values(*other) == wanted).filter(|other| *other != cell)
        };
        meant.filter_map(|cell| Some((cell, Some(other(cell)?)))).collect()
    }

    /// True unless the claim is on a group that a cell leaves out.
    fn has_clients(&self, cell: usize) -> bool {
        let study = &self.results.study;
        let Some(group) = &self.claim.group else { return true };
        let key = format!("clients.{group}.count");
        let axis = study.axes.iter().position(|axis| axis.key == key);
        let swept = axis.is_none_or(|axis| study.values(cell)[axis].parse() != Ok(0_u32));
        swept && study.topology.as_ref().is_none_or(|all| all.groups.iter().any(|other| other.name == *group))
    }

    fn find(&self, cell: usize, other: Option<usize>) -> Finding {
        let n = self.results.study.trials as usize;
        let own = self.values(cell);
        let estimated = match other {
            None => Estimate::of(&own.map(|(_, value)| value).collect::<Vec<_>>())
                .filter(|all| all.n == n)
                .map(|all| (all.mean, all.ci95.map(|half| [all.mean - half, all.mean + half]))),
            Some(other) => {
                let pairs = paired::joined(self.values(other), own);
                Change::over(&pairs).filter(|_| pairs.len() == n).and_then(|change| change.mean_ratio())
            }
        };
        let Some((value, interval)) = estimated else {
            return Finding { cell, value: None, interval: None, holds: false, clear: true };
        };
        let holds = self.margin(value) >= 0.0;
        let ends = interval.unwrap_or([value; 2]);
        let clear = if holds {
            ends.iter().all(|end| self.margin(*end) >= 0.0)
        } else {
            // Beyond one bound as a whole.
            self.claim.at_least.is_some_and(|least| ends[1] < least)
                || self.claim.at_most.is_some_and(|most| ends[0] > most)
        };
        Finding { cell, value: Some(value), interval, holds, clear }
    }

    /// Values of the figure in the trials of a cell.
    fn values(&self, cell: usize) -> Box<dyn Iterator<Item = (u32, f64)> + '_> {
        let Claim { figure, group, .. } = self.claim;
        match group {
            None => Box::new(self.results.values(cell, figure)),
            Some(group) => Box::new(self.groups.values(cell, group, figure).iter().copied()),
        }
    }

    /// Distance to the nearer bound; negative beyond it.
    fn margin(&self, value: f64) -> f64 {
        let least = self.claim.at_least.map_or(f64::INFINITY, |least| value - least);
        let most = self.claim.at_most.map_or(f64::INFINITY, |most| most - value);
        least.min(most)
    }

    fn figure(&self) -> Option<&'static Figure> {
        FIGURES.iter().find(|figure| figure.column == self.claim.figure)
    }

    /// Factor to the unit shown, and the unit.
    fn unit(&self) -> (f64, String) {
        match self.figure() {
            Some(figure) if self.claim.ratio_to.is_empty() => (figure.factor, figure.unit_behind()),
            _ => (1.0, String::new()),
        }
    }

    /// `claim holds (with loss 10%): goodput (bbr) at least 8 Mbit/s; 9.31 Mbit/s`.
    fn statement(&self, verb: &str, outcome: &str) -> String {
        let (study, claim) = (&self.results.study, self.claim);
        let mut text = format!("claim {verb}");
        if !claim.cells.is_empty() {
            text += &format!(" (with {})", phrases(study, &claim.cells));
        }
        text += ": ";
        text += self.figure().map_or(claim.figure.as_str(), |figure| figure.words);
        if let Some(group) = &claim.group {
            text += &format!(" ({group})");
        }
        let (factor, unit) = self.unit();
        // As it was written: the factor's own digits are none of the author's.
        let shown = |value: f64| (value * factor * 1e9).round() / 1e9;
        let times = if claim.ratio_to.is_empty() { unit } else { " times".to_owned() };
        text += &match (claim.at_least, claim.at_most) {
            (Some(least), Some(most)) => format!(" from {} to {}{times}", shown(least), shown(most)),
            (Some(least), None) => format!(" at least {}{times}", shown(least)),
            (None, Some(most)) => format!(" at most {}{times}", shown(most)),
            (None, None) => String::new(),
        };
        if !claim.ratio_to.is_empty() {
            text += &format!(" that with {}", phrases(study, &claim.ratio_to));
        }
        format!("{text}; {outcome}")
    }

    /// `9.31 Mbit/s (9.29–9.33 Mbit/s)`, of the cell that is nearest to its bound or farthest beyond it.
    fn outcome(&self, findings: &[Finding]) -> String {
        let margin = |finding: &&Finding| finding.value.map_or(f64::NEG_INFINITY, |value| self.margin(value));
        let worst = findings.iter().min_by(|a, b| margin(a).total_cmp(&margin(b))).expect("a cell");
        let (factor, unit) = self.unit();
        let mut text = match (worst.value, worst.interval) {
            (None, _) => "it does not exist in every trial".to_owned(),
            (Some(value), None) => format!("{}{unit} in one trial", plain(value * factor)),
            (Some(value), Some([low, high])) => {
                paired::with_range(value * factor, low * factor, high * factor, &unit)
            }
        };
        if findings.len() > 1 {
            let failing = findings.iter().filter(|finding| !finding.holds).count();
            let label = self.results.study.cell_label(worst.cell);
            text += &match failing {
                0 => format!(" where it is nearest to the bound ({label})"),
                _ => format!(" where it is worst ({label}); {failing} of {} cells fail", findings.len()),
            };
        }
        if !worst.clear {
            let reach = if worst.holds { "beyond the bound" } else { "back within the bound" };
            text += &format!("; the 95 % interval reaches {reach}");
        }
        text
    }
}

/// `loss 10%, reno`, in the order of the axes.
fn phrases(study: &Study, values: &BTreeMap<String, String>) -> String {
    let axis = |key: &str| study.axes.iter().position(|axis| axis.key == key);
    let mut known: Vec<(Option<usize>, String)> = values
        .iter()
        .map(|(key, value)| match axis(key) {
            Some(axis) => (Some(axis), study.phrase(axis, value)),
            None => (None, format!("{key} = {value}")),
        })
        .collect();
    known.sort();
    known.into_iter().map(|(_, phrase)| phrase).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
