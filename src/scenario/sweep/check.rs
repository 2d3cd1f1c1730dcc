//! Checks of a grid: each axis, each combination of values, its size.

use std::collections::{BTreeMap, BTreeSet};

use super::{Plan, inert};
use crate::scenario::problem::{Place, Problem, Severity};
use crate::scenario::tree::Node;
use crate::scenario::{RecordTrials, classes, links, read};

/// More cells would not fit into any table that people read.
const MOST_CELLS: usize = 1_000_000;
/// Up to this many cells, each is read before the first trial runs.
const MOST_CHECKED_CELLS: usize = 10_000;
/// Of so many, the scenarios are kept.
const MOST_KEPT_CELLS: usize = 100;
/// About fifteen gigabytes of tables.
const MOST_SERIES_ROWS: u64 = 200_000_000;

/// Axes with the values that are picked, by index.
type Picks = Vec<(usize, usize)>;

/// A problem of cells, with the first of them.
struct Found<'a> {
    problem: Problem,
    picks: &'a [(usize, usize)],
    cells: usize,
}

impl Plan {
    pub(super) fn check_axes(&mut self, problems: &mut Vec<Problem>) {
        for (i, node) in self.nodes.iter().enumerate() {
            node.check(&self.tree, &self.texts, problems);
            if self.nodes[..i].iter().any(|other| other.key == node.key) {
                let message = format!("there are two axes `{}`", node.key);
                problems.push(Problem::error(node.place, message, "put all values into one list"));
            }
        }
        let cells = self.axes.iter().try_fold(1usize, |n, axis| n.checked_mul(axis.values.len()));
        match cells {
            Some(cells) if cells <= MOST_CELLS => {
                self.check_disk(cells as u64, problems);
                self.check_cells(cells, problems);
            }
            _ => {
                let place = self.tree.entry("sweep").map(|entry| entry.place).unwrap_or_default();
                let message = format!("the grid has more than {MOST_CELLS} cells");
                problems.push(Problem::error(place, message, "sweep fewer values or fewer axes"));
            }
        }
    }

    /// Reads cells to find what is wrong with combinations: all of them if they are few and the
    /// rest is sound, else each value of each axis beside the first values of the others.
    fn check_cells(&mut self, cells: usize, problems: &mut Vec<Problem>) {
        let sound = problems.iter().all(|problem| problem.severity != Severity::Error);
        let whole = sound && cells <= MOST_CHECKED_CELLS;
        let grid = if whole || self.axes.is_empty() { self.grid(cells) } else { self.cross() };
        let mut found: BTreeMap<(Place, String), Found> = BTreeMap::new();
        let mut used = vec![false; self.base.links.len()];
        let mut classed = vec![false; self.base.groups.len()];
        let mut worlds = vec![];
        for picks in &grid {
            let (scenario, problems) = self.read_with(picks);
            for problem in problems {
                let key = (problem.place, problem.message.clone());
                found.entry(key).or_insert_with(|| Found { problem, picks, cells: 0 }).cells += 1;
            }
            (0..used.len()).for_each(|link| used[link] |= scenario.is_used(link));
            for (group, classed) in scenario.groups.iter().zip(&mut classed) {
                *classed |= classes::is_seen(&scenario.links, group);
            }
            self.random |= scenario.is_random();
            if whole && cells <= MOST_KEPT_CELLS {
                self.known.push(scenario.clone());
            }
            worlds.push(inert::digest(scenario));
        }
        let known: BTreeSet<(Place, String)> =
            problems.iter().map(|problem| (problem.place, problem.message.clone())).collect();
        for (key, Found { mut problem, picks, cells }) in found {
            if !known.contains(&key) {
                if cells < grid.len() {
                    self.name_cell(&mut problem, picks);
                }
                problems.push(problem);
            }
        }
        self.warn_of_unused(&used, problems);
        self.warn_of_unseen_classes(&classed, problems);
        if whole {
            self.warn_of_inert_axes(&worlds, problems);
            self.warn_of_inert_sets(&grid, problems);
        }
    }

    /// Every cell.
    fn grid(&self, cells: usize) -> Vec<Picks> {
        (0..cells).map(|cell| self.picks(cell).into_iter().enumerate().collect()).collect()
    }

    /// Every value of every axis, beside the first values of the others.
    fn cross(&self) -> Vec<Picks> {
        let with_values = |axis: &usize| !self.axes[*axis].values.is_empty();
        // In their order: a later axis may refine what an earlier one sets.
        let picks = |axis, pick| -> Picks {
            let axes = (0..self.axes.len()).filter(with_values);
            axes.map(|other| (other, if other == axis { pick } else { 0 })).collect()
        };
        let values = self.axes.iter().map(|axis| axis.values.len()).enumerate();
        values.flat_map(|(axis, n)| (0..n).map(move |pick| picks(axis, pick))).collect()
    }

    /// Warns of links that no cell uses.
    fn warn_of_unused(&self, used: &[bool], problems: &mut Vec<Problem>) {
        for (link, _) in self.base.links.iter().zip(used).filter(|(_, used)| !**used) {
            let message = format!("no path uses link \"{}\"", link.name);
            let help = "name it in the `path` of a group, or delete it";
            problems.push(Problem::warning(links::place_of(&self.tree, &link.name), message, help));
        }
    }

    /// Warns of classes that no queue on a group's path looks at, in any cell.
    fn warn_of_unseen_classes(&self, seen: &[bool], problems: &mut Vec<Problem>) {
        let nodes = self.tree.get("clients").map_or(&[][..], Node::items);
        for ((node, group), seen) in nodes.iter().zip(&self.base.groups).zip(seen) {
            if let Some(class) = node.get("class").filter(|_| !seen) {
                let message = format!("no queue on the path of \"{}\" looks at classes", group.name);
                let help = "give a link of its path a queue of the kind \"prio\" or \"drr\"";
                problems.push(Problem::warning(class.place, message, help));
            }
        }
    }

    /// Says in which cell a problem arises, unless it points at the axis itself.
    fn name_cell(&self, problem: &mut Problem, picks: &[(usize, usize)]) {
        let Place { source, start, end } = problem.place;
        let within = |place: Place| place.source == source && place.start <= start && end <= place.end;
        if !self.nodes.iter().any(|node| within(node.values.place) || within(node.place)) {
            problem.message = format!("{} (in the cell with {})", problem.message, self.named(picks));
        }
    }

    /// Axes with their values, as `tcp.mss = 500, duration = 5s`.
    pub(super) fn named(&self, picks: &[(usize, usize)]) -> String {
        let value = |&(axis, pick): &(usize, usize)| {
            format!("{} = {}", self.axes[axis].key, self.axes[axis].values[pick])
        };
        picks.iter().map(value).collect::<Vec<_>>().join(", ")
    }

    fn check_disk(&self, cells: u64, problems: &mut Vec<Problem>) {
        let kept = match self.base.record.trials {
            RecordTrials::None => 0,
            RecordTrials::First => 1,
            RecordTrials::All => u64::from(self.base.trials),
        };
        let rows = read::series_rows(&self.base).saturating_mul(cells).saturating_mul(kept);
        if rows > MOST_SERIES_ROWS {
            let record = self.tree.entry("record").or_else(|| self.tree.entry("duration"));
            let place = record.map(|entry| entry.place).unwrap_or_default();
            let message = format!("the series of all cells would have {rows} rows on disk");
            let first = if self.base.record.trials == RecordTrials::All { "\"first\" or " } else { "" };
            let help = format!("raise record.interval, or set record.trials to {first}\"none\"");
            problems.push(Problem::error(place, message, help));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::testing::{and, errors, refused, with};

    #[test]
    fn axes_that_make_no_grid_are_refused() {
        let axis = |line: &str| and(&format!("[sweep]\n{line}\n"));
        refused(
            &axis("\"tcp.mss\" = []"),
            22,
            "[]",
            "the axis `tcp.mss` has no values",
            "at least one value",
        );
        refused(&axis("\"tcp.mss\" = [500, 500]"), 22, "500", "the value 500 twice", "delete one");
        let twice = "the value 0.001s twice, once as 1ms";
        let delays = axis("\"link.access.delay\" = [\"1ms\", \"2ms\", \"0.001s\"]");
        refused(&delays, 22, "\"0.001s\"", twice, "delete one");
        refused(&axis("\"tcp.mss\" = 500"), 22, "500", "an axis is a list", "in brackets");
        refused(
            &axis("\"tcp.msss\" = [500]"),
            22,
            "\"tcp.msss\"",
            "unknown key `msss` in `tcp`",
            "did you mean `mss`?",
        );
        refused(
            &axis("\"link.acces.loss\" = [\"1%\"]"),
            22,
            "\"link.acces.loss\"",
            "no link \"acces\"",
            "did you mean `access`?",
        );
        refused(
            &axis("\"clients.uplod.count\" = [1]"),
            22,
            "\"clients.uplod.count\"",
            "no group \"uplod\"",
            "did you mean `upload`?",
        );
        refused(&axis("\"tcp\" = [1]"), 22, "\"tcp\"", "`tcp` is a table", "`tcp.<key>`");
        refused(&axis("\"seed\" = [1]"), 22, "\"seed\"", "`seed` cannot be swept", "allowed: duration");
        refused(
            &axis("\"duration.s\" = [1]"),
            22,
            "\"duration.s\"",
            "`duration` has no parts",
            "write `duration`",
        );
        refused(
            &axis("\"congestion.tahoe.x\" = [1]"),
            22,
            "\"congestion.tahoe.x\"",
            "unknown key `x`",
            "leave it out",
        );
        refused(&axis("\"tcp.mss\" = [500]\ntcp.mss = [600]"), 23, "mss", "two axes `tcp.mss`", "one list");
    }

    #[test]
    fn every_value_of_an_axis_is_checked() {
        let text = and("[sweep]\n\"tcp.mss\" = [500, 10, \"x\"]\n\"link.access.loss\" = [\"1%\", \"2\"]\n");
        let (error, found) = errors(&text, &[]);
        let places: Vec<&str> = found.iter().map(|problem| error.texts.at(problem.place)).collect();
        assert_eq!(places, ["10", "\"x\"", "\"2\""], "{error}");
    }

    #[test]
    fn base_values_are_checked_even_where_an_axis_replaces_them() {
        let text = with("1448", "10") + "[sweep]\n\"tcp.mss\" = [500]\n";
        refused(&text, 11, "10", "`mss`: 10 is out of range", "from 64");
    }

    #[test]
    fn a_bad_combination_names_its_cell() {
        let text = and("[sweep]\nduration = [\"5s\", \"2s\"]\nclients.upload.start = [\"0s\", \"3s\"]\n");
        refused(&text, 23, "\"3s\"", "starts at 3s, when the trial is over", "2s");
        let text = and("[sweep]\nduration = [\"5s\", \"500ms\"]\n");
        refused(
            &text,
            2,
            "\"1s\"",
            "leaves nothing of the trial (in the cell with duration = 500ms)",
            "500ms",
        );
    }

    #[test]
    fn grids_that_nobody_could_read_are_refused() {
        let values: Vec<String> = (64..1264).map(|n| n.to_string()).collect();
        let line = format!("[{}]", values.join(", "));
        let counts: Vec<String> = (1..1000).map(|n| n.to_string()).collect();
        let counts = format!("[{}]", counts.join(", "));
        let text = and(&format!("[sweep]\n\"tcp.mss\" = {line}\n\"clients.people.count\" = {counts}\n"));
        refused(&text, 21, "[sweep]".trim_matches(['[', ']']), "more than 1000000 cells", "fewer");
    }

    #[test]
    fn series_of_all_cells_must_fit_a_disk() {
        let sizes: Vec<String> = (64..5064).map(|n| n.to_string()).collect();
        let text =
            and(&format!("[record]\ninterval = \"1ms\"\n[sweep]\n\"tcp.mss\" = [{}]\n", sizes.join(", ")));
        refused(
            &text,
            21,
            "record",
            "rows on disk",
            "raise record.interval, or set record.trials to \"none\"",
        );
        let all = text.replace("[record]\n", "[record]\ntrials = \"all\"\n");
        refused(&all, 21, "record", "rows on disk", "set record.trials to \"first\" or \"none\"");
    }
}
