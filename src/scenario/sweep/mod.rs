//! The grid: every combination of the axes' values is a cell, every cell is repeated in trials.
//!
//! Cells are numbered from 0, the last axis running fastest. Trials of a cell are numbered from 0;
//! trial `k` has the seed `seed + k` in every cell, so that cells meet the same chances and can be
//! compared in pairs.

mod check;
mod inert;

use std::collections::BTreeMap;
use std::path::Path;

use super::axes::{self, Axis, AxisNode};
use super::dotted;
use super::files::{self, FilePrint, Files, Loader};
use super::kind::Reach;
use super::problem::{self, Place, Problem, ScenarioError, Severity, Texts, tidy};
use super::read::{check_values, read};
use super::tree::Node;
use super::{Claim, PlotSpec, Scenario, claims, overrides, plots};
use crate::rng::Seed;

/// A scenario file with everything that was set from outside, checked: the grid to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The scenario as the file describes it, before any axis is applied.
    pub base: Scenario,
    /// The axes, in the file's order.
    pub axes: Vec<Axis>,
    /// Bounds that a run is held against.
    pub claims: Vec<Claim>,
    /// Figures that a run draws.
    pub plots: Vec<PlotSpec>,
    /// Oddities of the file that are no errors.
    pub warnings: Vec<Problem>,
    /// The file and the arguments it was read from.
    pub texts: Texts,
    /// True if chance has a hand in any cell, so that trials may differ.
    pub random: bool,
    /// The scenarios of the cells, if these are few.
    known: Vec<Scenario>,
    tree: Node,
    nodes: Vec<AxisNode>,
    files: Files,
}

/// A point of the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its number, from 0.
    pub index: usize,
    /// The value of each axis, in their order.
    pub values: Vec<String>,
}

/// A repetition of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The cell's number.
    pub cell: usize,
    /// The trial's number within the cell, from 0.
    pub number: u32,
    /// Its seed.
    pub seed: Seed,
}

impl Plan {
    /// Reads the text of a scenario file and the arguments of `--set`. `file` is what the user
    /// calls the file; its stem becomes the scenario's name. The error holds every problem found.
    /// Files that it names cannot be read: see [`Plan::parse_with`].
    pub fn parse(file: &str, text: &str, sets: &[String]) -> Result<Plan, ScenarioError> {
        Plan::parse_with(file, text, sets, &mut files::no_files)
    }

    /// The same, and `load` reads the traces and tables that it names.
    pub fn parse_with(
        file: &str,
        text: &str,
        sets: &[String],
        load: Loader<'_>,
    ) -> Result<Plan, ScenarioError> {
        let texts = Texts { file: file.to_owned(), text: text.to_owned(), sets: sets.to_vec() };
        if text.trim().is_empty() {
            let help = "scenarios/reference.toml shows what a scenario has";
            let problem = Problem::error(Place::default(), format!("{file} is empty"), help);
            return Err(ScenarioError::new(&texts, vec![problem]));
        }
        let mut tree = Node::parse_file(text).map_err(|problem| ScenarioError::new(&texts, vec![problem]))?;
        let mut problems = vec![];
        let mut nodes = axes::take(&mut tree);
        overrides::apply(&mut tree, &mut nodes, sets, &mut problems);
        // Relations between its values are read off the cells, in which axes may have mended them.
        problems.extend(check_values(&tree));
        let axes: Vec<Axis> = nodes.iter().map(|node| node.axis(&texts)).collect();
        let cells = axes.iter().map(|axis| axis.values.len()).fold(1, usize::saturating_mul);
        let mut files = Files::load(&tree, &nodes, load);
        problems.extend(files.refused());
        let (base, _) = read(&tree, &files, &name_of(file), cells);

        let claims = claims::resolve(&tree, &files, &nodes, &base.groups, &texts, &mut problems);

        let plots = plots::listed(&tree);
        let (warnings, known) = (vec![], vec![]);
        let mut plan =
            Plan { base, axes, claims, plots, warnings, texts, random: false, known, tree, nodes, files };
        plan.check_axes(&mut problems);
        tidy(&mut problems);
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            // Warnings that an error leads to are no news.
            problems.retain(|problem| problem.severity == Severity::Error);
            return Err(ScenarioError::new(&plan.texts, problems));
        }
        plan.warnings = problems;
        Ok(plan)
    }

    /// The scenario's name: the file's, without folder and extension.
    pub fn name(&self) -> &str {
        &self.base.name
    }

    /// The file as a tree.
    pub(super) fn tree(&self) -> &Node {
        &self.tree
    }

    /// The traces and tables that it names, by the names that it has for them.
    pub fn files(&self) -> &BTreeMap<String, FilePrint> {
        self.files.prints()
    }

    /// Number of cells; one without axes.
    pub fn cells(&self) -> usize {
        self.axes.iter().map(|axis| axis.values.len()).product()
    }

    /// Number of trials of each cell.
    pub fn trials(&self) -> u32 {
        self.base.trials
    }

    /// All trials (cell, repetition), in the order in which they are run and written.
    pub fn every_trial(&self) -> impl Iterator<Item = (usize, u32)> + use<> {
        let trials = self.trials();
        (0..self.cells()).flat_map(move |cell| (0..trials).map(move |number| (cell, number)))
    }

    /// Cell number `index`, which must be below [`Plan::cells`].
    pub fn cell(&self, index: usize) -> Cell {
        let picks = self.picks(index);
        let values = self.axes.iter().zip(picks).map(|(axis, pick)| axis.values[pick].clone()).collect();
        Cell { index, values }
    }

    /// Trial number `number` of cell number `cell`.
    pub fn trial(&self, cell: usize, number: u32) -> Trial {
        Trial { cell, number, seed: Seed(self.base.seed.wrapping_add(u64::from(number))) }
    }

    /// The scenario of cell number `cell`. It can fail only in grids too large to be checked
    /// beforehand.
    pub fn scenario(&self, cell: usize) -> Result<Scenario, ScenarioError> {
        if let Some(known) = self.known.get(cell) {
            return Ok(known.clone());
        }
        let picks: Vec<(usize, usize)> = self.picks(cell).into_iter().enumerate().collect();
        self.with_axes(&picks)
    }

    /// The scenario without its grid, and the keys that vary there: only axes of a single value are
    /// applied, which leave no choice.
    pub fn without_grid(&self) -> Result<(Scenario, Vec<String>), ScenarioError> {
        let (single, varied): (Vec<usize>, Vec<usize>) =
            (0..self.axes.len()).partition(|&axis| self.axes[axis].values.len() == 1);
        let picks: Vec<(usize, usize)> = single.into_iter().map(|axis| (axis, 0)).collect();
        let varied = varied.into_iter().map(|axis| self.axes[axis].key.clone()).collect();
        Ok((self.with_axes(&picks)?, varied))
    }

    /// The file's tree with the values of a cell.
    pub(super) fn tree_of(&self, cell: usize) -> Node {
        let picks: Vec<(usize, usize)> = self.picks(cell).into_iter().enumerate().collect();
        self.tree_with(&picks).0
    }

    fn with_axes(&self, picks: &[(usize, usize)]) -> Result<Scenario, ScenarioError> {
        let (scenario, mut problems) = self.read_with(picks);
        problems.retain(|problem| problem.severity == Severity::Error);
        if problems.is_empty() { Ok(scenario) } else { Err(ScenarioError::new(&self.texts, problems)) }
    }

    /// The warnings as the user reads them; empty without any.
    pub fn render_warnings(&self, colour: bool) -> String {
        problem::render(&self.texts, &self.warnings, colour)
    }

    /// The index into each axis's values.
    fn picks(&self, cell: usize) -> Vec<usize> {
        let mut rest = cell;
        let mut picks: Vec<usize> = self
            .axes
            .iter()
            .rev()
            .map(|axis| {
                let pick = rest % axis.values.len();
                rest /= axis.values.len();
                pick
            })
            .collect();
        picks.reverse();
        picks
    }

    /// The scenario with some axes applied: (axis, value) by index.
    fn read_with(&self, picks: &[(usize, usize)]) -> (Scenario, Vec<Problem>) {
        let (tree, mut problems) = self.tree_with(picks);
        let (scenario, found) = read(&tree, &self.files, &self.base.name, self.cells());
        problems.extend(found);
        (scenario, problems)
    }

    /// The file's tree with some axes applied.
    fn tree_with(&self, picks: &[(usize, usize)]) -> (Node, Vec<Problem>) {
        let mut tree = self.tree.clone();
        let mut problems = vec![];
        for &(axis, pick) in picks {
            let AxisNode { key, place, values } = &self.nodes[axis];
            let value = values.items()[pick].clone();
            if let Err(problem) = dotted::set(&mut tree, key, *place, value, Reach::Axis) {
                problems.push(problem);
            }
        }
        (tree, problems)
    }
}

fn name_of(file: &str) -> String {
    Path::new(file).file_stem().map_or_else(|| file.to_owned(), |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::config::LossModel;
    use crate::scenario::testing::{and, plan};
    use crate::time::Duration;

    #[test]
    fn the_last_axis_runs_fastest_and_axes_keep_their_order() {
        let plan = plan(&and(
            "[sweep]\n\"tcp.congestion\" = [\"none\", \"reno\"]\nlink.access.loss = [\"0%\", \"1%\", \"5%\"]\n",
        ));
        let keys: Vec<&str> = plan.axes.iter().map(|axis| axis.key.as_str()).collect();
        assert_eq!(keys, ["tcp.congestion", "link.access.loss"]);
        assert_eq!(plan.cells(), 6);
        let cells: Vec<String> = (0..6).map(|cell| plan.cell(cell).values.join(" ")).collect();
        assert_eq!(cells, ["none 0%", "none 1%", "none 5%", "reno 0%", "reno 1%", "reno 5%"]);
        let last = plan.scenario(5).expect("a sound cell");
        assert_eq!(last.groups[1].tcp.congestion.algorithm.name, "reno");
        let LossModel::Independent(loss) = last.links[0].directions[1].loss else { panic!("independent") };
        assert_eq!(loss.to_string(), "5%");
    }

    #[test]
    fn values_are_shown_as_they_are_written() {
        let plan = plan(&and("[sweep]\ntcp.mss = [1_000, 500]\ntcp.sack = [true]\n\
             clients.upload.app = [{ kind =  \"bulk\", size = \"1MB\" }]\n"));
        assert_eq!(plan.cell(0).values, ["1_000", "true", "{ kind = \"bulk\", size = \"1MB\" }"]);
    }

    #[test]
    fn without_axes_there_is_one_cell() {
        let plan = plan(&and(""));
        assert_eq!((plan.cells(), plan.cell(0).values.len()), (1, 0));
        assert_eq!(plan.scenario(0), Ok(plan.base.clone()));
        assert_eq!(plan.name(), "test");
    }

    #[test]
    fn a_trial_has_the_same_seed_in_every_cell() {
        let plan = plan(&format!("seed = 40\ntrials = 3\n{}", and("[sweep]\ntcp.mss = [500, 1000]\n")));
        assert_eq!(plan.trials(), 3);
        for cell in 0..2 {
            let seeds: Vec<Seed> = (0..3).map(|k| plan.trial(cell, k).seed).collect();
            assert_eq!(seeds, [Seed(40), Seed(41), Seed(42)]);
        }
    }

    #[test]
    fn axes_reach_groups_by_name_and_keys_with_short_forms() {
        let plan = plan(&and(
            "[sweep]\nclients.people.count = [1, 2]\nclients.people.app.rate = [\"4/s\"]\nlink.access.delay.jitter = [\"2ms\"]\n\
             clients.upload.congestion = [\"fixed\"]\ncongestion.fixed.window = [3]\nlink.access.up.rate = [\"1mbit\"]\n",
        ));
        let cell = plan.scenario(1).expect("a sound cell");
        assert_eq!(cell.groups[1].count, 2);
        let delay = &cell.links[0].directions[0].delay;
        assert_eq!((delay.mean, delay.jitter), (Duration::from_millis(10), Duration::from_millis(2)));
        assert_eq!(cell.groups[0].tcp.congestion.parameters.number("window") as u64, 3);
        assert!(cell.links[0].directions[1].rate.is_none());
    }

    #[test]
    fn an_empty_file_is_named() {
        let error = Plan::parse("dir/x.toml", "\n", &[]).expect_err("nothing").render(false);
        assert!(error.contains("dir/x.toml is empty") && !error.contains("missing"), "{error}");
    }
}
