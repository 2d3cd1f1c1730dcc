//! `[[claim]]`: a bound on a figure of some cells, which a run is held against.
//!
//! Axes, values and groups are checked here; names of figures are known to whoever judges: see
//! [`Plan::check_claims`].

use super::axes::AxisNode;
use super::dotted;
use super::file::File;
use super::files::Files;
use super::form::{Line, Maybe, Name, Number, Placed, Settings};
use super::kind::Reach;
use super::problem::{Place, Problem, ScenarioError, Source, Texts, suggest};
use super::reader::Reader;
use super::tree::Node;
use super::visit::{At, Visitor, required};
use super::{Group, Plan};

/// A claim with its names resolved, but for the figure's.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Column of the figure.
    pub figure: String,
    /// Group of clients whose figure it is; `None` for that of all.
    pub group: Option<String>,
    /// Cells that it is about: axes with their values, as the axes write them.
    pub cells: Vec<(String, String)>,
    /// Axes with other values, where the claim is on the ratio to the cell that has these instead.
    pub ratio_to: Vec<(String, String)>,
    /// Least value, in the column's unit.
    at_least: Option<At<f64>>,
    /// Largest value.
    at_most: Option<At<f64>>,
    figure_place: Place,
}

/// Figures that claims may name.
pub struct Names<'a> {
    /// Those of all clients.
    pub figures: &'a [&'a str],
    /// Those of a group.
    pub of_groups: &'a [&'a str],
    /// Shares, from 0 to 1.
    pub shares: &'a [&'a str],
    /// Mend where a figure exists, but not in this scenario.
    pub missing: &'a dyn Fn(&str) -> Option<String>,
}

/// A claim as it stands in the file.
#[derive(Debug)]
pub(super) struct Listed {
    place: Place,
    figure: Option<At<String>>,
    group: Option<At<String>>,
    cells: Option<Node>,
    ratio_to: Option<Node>,
    at_least: Option<At<f64>>,
    at_most: Option<At<f64>>,
}

/// Largest bound: more than any column holds.
const MOST: f64 = 1e12;

impl Listed {
    /// One `[[claim]]`.
    pub fn read<V: Visitor>(v: &mut V, place: Place) -> Listed {
        let mut listed = Listed {
            place,
            figure: None,
            group: None,
            cells: None,
            ratio_to: None,
            at_least: None,
            at_most: None,
        };
        let figure =
            "a column of trials.csv, or with `group` of groups.csv; `testbed list figures` names them";
        v.key(required("figure"), &mut listed.figure, Maybe(Placed(Line)), figure);
        let group = "a group of clients, whose figure is meant; without it, that of all";
        v.key("group", &mut listed.group, Maybe(Placed(Name)), group);
        let cells = "axes of [sweep] with the values of the cells that are meant; without it, all cells";
        v.key("where", &mut listed.cells, Maybe(Settings(Reach::Axis)), cells);
        let ratio = "axes with other values: the bound is of the ratio to the cell that has these instead";
        v.key("ratio_to", &mut listed.ratio_to, Maybe(Settings(Reach::Axis)), ratio);
        let bound = Maybe(Placed(Number(0.0, MOST)));
        v.key("at_least", &mut listed.at_least, bound, "the least mean over trials, in the column's unit");
        let bound = Maybe(Placed(Number(0.0, MOST)));
        v.key("at_most", &mut listed.at_most, bound, "the largest mean over trials, in the column's unit");
        listed
    }
}

/// The claims of a file, as far as they are sound.
pub(super) fn resolve(
    tree: &Node,
    files: &Files,
    axes: &[AxisNode],
    groups: &[Group],
    texts: &Texts,
    problems: &mut Vec<Problem>,
) -> Vec<Claim> {
    let mut file = File::default();
    // Problems of reading are found cell by cell.
    file.keys(&mut Reader::new(tree, files, &mut vec![]));
    let nodes = tree.get("claim").map_or(&[][..], Node::items);
    let faulty: Vec<bool> = nodes.iter().map(|node| node.is_faulty(problems)).collect();
    let grid = Grid { tree, axes, texts };
    let sound = file.claims.into_iter().zip(faulty).filter(|(_, faulty)| !faulty);
    sound.filter_map(|(listed, _)| grid.resolve(listed, groups, problems)).collect()
}

/// Grid that the keys and values of a claim refer to.
struct Grid<'a> {
    tree: &'a Node,
    axes: &'a [AxisNode],
    texts: &'a Texts,
}

impl Grid<'_> {
    fn resolve(&self, listed: Listed, groups: &[Group], problems: &mut Vec<Problem>) -> Option<Claim> {
        let Listed { place, figure, group, cells, ratio_to, at_least, at_most } = listed;
        let At { place: figure_place, value: figure } = figure?;
        let before = problems.len();
        if at_least.is_none() && at_most.is_none() {
            let help = "add `at_least = …` or `at_most = …`, in the unit of the column";
            problems.push(Problem::error(place, "the claim has no bound", help));
        }
        if let (Some(At { value: least, .. }), Some(At { value: most, .. })) = (at_least, at_most)
            && least > most
        {
            let message = format!("no figure is at least {least} and at most {most}");
            problems.push(Problem::error(place, message, "exchange the bounds"));
        }
        if let Some(At { place, value }) = &group
            && groups.iter().all(|group| group.name != *value)
        {
            let names = groups.iter().map(|group| group.name.as_str());
            let message = format!("there is no group \"{value}\"");
            problems.push(Problem::error(*place, message, suggest(value, names)));
        }
        let cells = self.values(cells.as_ref(), problems);
        let others = self.values(ratio_to.as_ref(), problems);
        if problems.len() == before
            && let Some(node) = &ratio_to
        {
            self.check_other(node, &cells, &others, problems);
            if let Some(At { value, .. }) = &group {
                self.check_present(node, value, &cells, &others, problems);
            }
        }
        (problems.len() == before).then(|| Claim {
            figure,
            group: group.map(|group| group.value),
            cells,
            ratio_to: others,
            at_least,
            at_most,
            figure_place,
        })
    }

    /// Axes with their values, written as the axes have them.
    fn values(&self, node: Option<&Node>, problems: &mut Vec<Problem>) -> Vec<(String, String)> {
        let Some(node) = node else { return vec![] };
        let is_axis = |key: &str| self.axes.iter().any(|axis| axis.key == key);
        let mut values = vec![];
        for (key, place, value) in dotted::entries(node, &|key, node| node.is_table() && !is_axis(key)) {
            let Some(axis) = self.axes.iter().find(|axis| axis.key == key) else {
                let help = match self.axes {
                    [] => "the scenario has no [sweep], so that its one cell needs no `where`".to_owned(),
                    axes => suggest(&key, axes.iter().map(|axis| axis.key.as_str())),
                };
                problems.push(Problem::error(place, format!("`{key}` is no axis of [sweep]"), help));
                continue;
            };
            match axis.find(value, self.tree, self.texts) {
                Ok(written) => values.push((key, written)),
                // The value that the file has may have gone by --set: then no cell is judged.
                Err(written) if axis.place.source != Source::File => values.push((key, written)),
                Err(written) => {
                    let all = axis.axis(self.texts).values;
                    let message =
                        format!("the axis `{key}` has no value {written}, so that no cell is meant");
                    let help = suggest(&written, all.iter().map(String::as_str));
                    problems.push(Problem::error(value.place, message, help));
                }
            }
        }
        values
    }

    /// Refuses a ratio of each cell to itself.
    fn check_other(
        &self,
        node: &Node,
        cells: &[(String, String)],
        others: &[(String, String)],
        problems: &mut Vec<Problem>,
    ) {
        let differs = |(key, value): &(String, String)| match cells.iter().find(|(known, _)| known == key) {
            Some((_, own)) => own != value,
            None => self.axes.iter().any(|axis| {
                axis.key == *key && (axis.values.items().len() > 1 || axis.place.source != Source::File)
            }),
        };
        if !others.iter().any(differs) {
            let help = "name an axis in `ratio_to` with another value than the claim's own cells have";
            problems.push(Problem::error(node.place, "a ratio of each cell to itself is 1", help));
        }
    }

    /// Refuses a ratio to cells that have no clients of the group, or of such cells.
    fn check_present(
        &self,
        node: &Node,
        group: &str,
        cells: &[(String, String)],
        others: &[(String, String)],
        problems: &mut Vec<Problem>,
    ) {
        let key = format!("clients.{group}.count");
        let Some((_, other)) = others.iter().find(|(known, _)| *known == key) else { return };
        // Values that --set has put there are the author's no more.
        let from_file = |axis: &&AxisNode| axis.key == key && axis.place.source == Source::File;
        let Some(axis) = self.axes.iter().find(from_file) else { return };
        let own = match cells.iter().find(|(known, _)| *known == key) {
            Some((_, own)) => vec![own.clone()],
            None => axis.axis(self.texts).values,
        };
        // With no other key, a cell that has the other's value is itself the other.
        let meant = |own: &String| own != other || others.len() > 1;
        let is_nobody = |count: &String| count == "0";
        if is_nobody(other) || own.iter().filter(|own| meant(own)).all(is_nobody) {
            let message = format!("group \"{group}\" has no clients in one cell of each pair");
            let help = "claim a figure of a group that is in both cells";
            problems.push(Problem::error(node.place, message, help));
        }
    }
}

impl Plan {
    /// Refuses claims on figures that nobody knows, and bounds on shares that no share reaches.
    pub fn check_claims(&self, names: &Names<'_>) -> Result<(), ScenarioError> {
        let problems = |claim: &Claim| {
            let known = if claim.group.is_some() { names.of_groups } else { names.figures };
            if known.contains(&claim.figure.as_str()) {
                claim.beyond_shares(names.shares)
            } else {
                vec![claim.unknown_figure(known, names)]
            }
        };
        let problems: Vec<Problem> = self.claims.iter().flat_map(problems).collect();
        if problems.is_empty() { Ok(()) } else { Err(ScenarioError::new(&self.texts, problems)) }
    }
}

impl Claim {
    /// Least and largest value, in the column's unit.
    pub fn bounds(&self) -> [Option<f64>; 2] {
        [self.at_least, self.at_most].map(|bound| bound.map(|bound| bound.value))
    }

    fn unknown_figure(&self, known: &[&str], names: &Names<'_>) -> Problem {
        let whose = match &self.group {
            Some(group) => format!("group \"{group}\" has"),
            None => "this scenario has".to_owned(),
        };
        let help = if self.group.is_none() && names.of_groups.contains(&self.figure.as_str()) {
            "name the `group` whose figure is meant".to_owned()
        } else {
            (names.missing)(&self.figure).unwrap_or_else(|| suggest(&self.figure, known.iter().copied()))
        };
        Problem::error(self.figure_place, format!("{whose} no figure `{}`", self.figure), help)
    }

    /// Problems of bounds above 1 on a share: in per cent, most likely.
    fn beyond_shares(&self, shares: &[&str]) -> Vec<Problem> {
        let is_share = self.ratio_to.is_empty() && shares.contains(&self.figure.as_str());
        let bounds = [self.at_least, self.at_most].into_iter().flatten();
        let problem = |At { place, value }| {
            let message = format!("`{}` is a share from 0 to 1, and {value} is beyond", self.figure);
            let help = match value {
                ..=100.0 => format!("write {} for {value} %", value / 100.0),
                _ => "write a number from 0 to 1".to_owned(),
            };
            Problem::error(place, message, help)
        };
        bounds.filter(|bound| is_share && bound.value > 1.0).map(problem).collect()
    }
}

#[cfg(test)]
mod tests;
