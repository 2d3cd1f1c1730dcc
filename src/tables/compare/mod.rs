//! Several result folders beside one another.

mod contrast;
mod harm;
mod overlay;
mod pairing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::axis::Axis;
use super::bottleneck;
use super::error::FileError;
use super::figures::{self, Figure, Nature};
use super::grid::{self, Cell, Format, Grid};
use super::lines;
use super::paired::LEAST_PAIRS;
use super::results::{Measured, Results};
use super::study::{SCENARIO, Study};
use super::summary::{self, CellSummary};
use super::table::{self, Shown};
use super::titles;
use super::verdict::{self, Side};

pub use overlay::Overlay;
pub use pairing::Pairing;

/// A result folder.
struct Folder {
    /// The scenario's name, with the folder where several are of that scenario.
    label: String,
    results: Results,
    cells: Vec<CellSummary>,
    /// Values of keys that another folder varies, as this one's scenario has them.
    stated: BTreeMap<String, String>,
}

impl Folder {
    /// Value of a key in a cell: that of the axis, of `--set`, or of the scenario.
    fn said(&self, cell: &CellSummary, key: &str) -> Option<String> {
        if key == SCENARIO {
            return Some(self.label.clone());
        }
        let study = &self.results.study;
        match study.axes.iter().position(|axis| axis.key == key) {
            Some(axis) => Some(cell.values[axis].clone()),
            None => changed(study, key).map(str::to_owned).or_else(|| self.stated.get(key).cloned()),
        }
    }
}

/// The names of a line (its scenario and what was varied), and its figures.
type Line = (Vec<String>, Vec<Cell>);

/// Result folders beside one another: those of one scenario or with the same axes in one table, since what
/// others vary would be columns of dashes.
pub struct Beside {
    tables: Vec<Vec<Folder>>,
    /// The keys in which the lines of each table differ.
    keys: Vec<Vec<Axis>>,
}

/// Value of a key in a scenario where a folder does not say it: in the file, or by default.
pub type Stated<'a> = &'a dyn Fn(&Study, &str) -> Option<String>;

impl Beside {
    /// Results, which are compared in this order.
    pub fn of(runs: Vec<Results>, stated: Stated<'_>) -> Result<Beside, FileError> {
        let mut tables: Vec<Vec<Folder>> = Vec::new();
        let names: Vec<String> = runs.iter().map(|results| results.study.name.clone()).collect();
        for results in runs {
            let name = results.study.name.clone();
            let alone = names.iter().filter(|other| **other == name).count() == 1;
            let label = if alone { name } else { format!("{name} ({})", results.path("").display()) };
            let folder = Folder { label, results, cells: Vec::new(), stated: BTreeMap::new() };
            let akin = |table: &&mut Vec<Folder>| {
                table.iter().any(|other| akin(&other.results.study, &folder.results.study))
            };
            match tables.iter_mut().find(akin) {
                Some(table) => table.push(folder),
                None => tables.push(vec![folder]),
            }
        }
        let mut all_keys = Vec::new();
        for folders in &mut tables {
            bottleneck::settle(
                &mut folders.iter_mut().map(|folder| &mut folder.results).collect::<Vec<_>>(),
            )?;
            let keys: Vec<String> = varied(folders);
            for folder in folders.iter_mut() {
                folder.cells = summary::of_all(&folder.results)?;
                let study = &folder.results.study;
                folder.stated =
                    keys.iter().filter_map(|key| Some((key.clone(), stated(study, key)?))).collect();
            }
            all_keys.push(keys.into_iter().map(|key| axis_of(folders, key)).collect());
        }
        Ok(Beside { tables, keys: all_keys })
    }

    /// The keys in which lines differ.
    pub fn keys(&self) -> Vec<String> {
        let mut known: Vec<String> = Vec::new();
        for axis in self.keys.iter().flatten() {
            if !known.contains(&axis.key) {
                known.push(axis.key.clone());
            }
        }
        known
    }

    /// The key that is or ends so, or that tables have these words for; `None` where none or several do.
    pub fn key(&self, name: &str) -> Option<&str> {
        let goes_by = |keys: &[Axis], axis: usize| {
            keys[axis].key == name
                || [titles::ending, titles::heading].iter().any(|of| of(keys, false, axis) == name)
        };
        let found = self.keys.iter().flat_map(|keys| {
            (0..keys.len()).filter(|axis| goes_by(keys, *axis)).map(|axis| keys[axis].key.as_str())
        });
        let found: BTreeSet<&str> = found.collect();
        found.first().copied().filter(|_| found.len() == 1)
    }

    /// The cells of the folders, one line each. With `by`, lines that differ only in that key stand together,
    /// so that its values can be read off one below the other. `scenario` as `by` does this for the folders
    /// themselves.
    pub fn side_by_side(&self, by: Option<&str>, format: Format) -> String {
        let grids: Vec<Grid> = (self.tables.iter().zip(&self.keys))
            .map(|(folders, keys)| table_of(folders, keys, by, format))
            .collect();
        if format != Format::Table {
            return grid::render_all(&grids, format);
        }
        let tables = self.tables.iter().zip(&grids).map(|(folders, grid)| {
            let sentences: String =
                sentences(folders).iter().map(|s| format!("\n{}\n", lines::wrapped(s, 0))).collect();
            grid.render(format) + &place(folders) + &sentences
        });
        let mut text = tables.collect::<Vec<_>>().join("\n");
        let cells: Vec<CellSummary> =
            self.tables.iter().flatten().flat_map(|folder| folder.cells.clone()).collect();
        let intervals = cells.iter().any(|cell| cell.n > 1);
        let means = intervals.then(|| "means over trials ± half the 95 % interval".to_owned());
        let goodput = table::goodput_note(&table::shown(&cells), &Measured::Alike);
        let notes: Vec<String> = means.into_iter().chain(goodput).collect();
        if !notes.is_empty() {
            let _ = writeln!(text, "\n{}", notes.join("; "));
        }
        text
    }

    /// The base against each other value, figure by figure, over pairs of trials with the same seed.
    pub fn paired(&self, pairing: &Pairing, format: Format) -> String {
        contrast::table(self, pairing, format)
    }

    /// The folders for a picture: their cells, or the differences that [`Beside::paired`] gives. The error has its
    /// mend.
    pub fn overlay(&self, paired: Option<&Pairing>) -> Result<Overlay, [String; 2]> {
        match paired {
            Some(pairing) => contrast::overlay(self, pairing),
            None => overlay::of(self),
        }
    }

    /// Harm to each group: its figures in the cell that is the base, where it is alone, against each other one, over
    /// pairs of trials with the same seed.
    pub fn harm(&self, pairing: &Pairing, format: Format) -> Result<String, FileError> {
        harm::of(self, pairing, format)
    }
}

/// Line on the goodput that a table shows, if not that which stands below all of them.
fn place(folders: &[Folder]) -> String {
    let Some(measured) = folders.first().map(|folder| &folder.results.measured) else { return String::new() };
    let cells: Vec<CellSummary> = folders.iter().flat_map(|folder| folder.cells.clone()).collect();
    let note = table::goodput_note(&table::shown(&cells), measured);
    note.filter(|_| *measured != Measured::Alike).map_or_else(String::new, |note| note + "\n")
}

/// Difference of each further folder from the first, at the last cell that both have with the same values
/// of the axes: only of folders with the same axes and seed, since else their trials are no pairs, and
/// with trials enough for a verdict.
fn sentences(folders: &[Folder]) -> Vec<String> {
    let Some((first, others)) = folders.split_first() else { return Vec::new() };
    let study = &first.results.study;
    let sentence = |other: &Folder| {
        let keys = |study: &Study| study.axes.iter().map(|axis| axis.key.clone()).collect::<Vec<_>>();
        if keys(study) != keys(&other.results.study) || study.seed != other.results.study.seed {
            return None;
        }
        let enough = |cell: &CellSummary| cell.n >= LEAST_PAIRS;
        let (from, to) = study.ordered_cells().into_iter().rev().find_map(|cell| {
            let from = first.cells.get(cell).filter(|cell| enough(cell))?;
            let to = other.cells.iter().find(|cell| enough(cell) && cell.values == from.values)?;
            Some((from, to))
        })?;
        let values: Vec<String> =
            (0..study.axes.len()).map(|axis| study.phrase(axis, &from.values[axis])).collect();
        let place =
            if values.is_empty() { "With".to_owned() } else { format!("At {}, with", values.join(", ")) };
        let opening = format!("{place} {} instead of {}", other.label, first.label);
        let (from, to) =
            (Side { results: &first.results, cell: from }, Side { results: &other.results, cell: to });
        Some(verdict::compare_sides(&opening, from, to)?.text)
    };
    let said = others.iter().filter_map(sentence).take(verdict::MAX_SENTENCES);
    said.chain(verdict::not_compared(&first.results.measured).filter(|_| !others.is_empty())).collect()
}

/// True if two folders belong into one table.
fn akin(a: &Study, b: &Study) -> bool {
    let keys = |study: &Study| study.axes.iter().map(|axis| axis.key.clone()).collect::<BTreeSet<_>>();
    a.name == b.name || keys(a) == keys(b)
}

/// The scenario, and what else makes the cells of some folders different: the axes, and what `--set` changed in
/// one folder but not in another.
fn varied(folders: &[Folder]) -> Vec<String> {
    let axes = folders.iter().flat_map(|folder| &folder.results.study.axes).map(|axis| axis.key.as_str());
    let changes = folders.iter().flat_map(|folder| folder.results.study.changes()).map(|(key, _)| key);
    let mut keys: Vec<&str> = vec![SCENARIO];
    for key in axes.chain(changes) {
        if !keys.contains(&key) && differs(key, folders) {
            keys.push(key);
        }
    }
    keys.into_iter().map(str::to_owned).collect()
}

/// A key with all its values, in the order of the lines.
fn axis_of(folders: &[Folder], key: String) -> Axis {
    let mut values: Vec<String> = Vec::new();
    for folder in folders {
        for value in lines_of(folder).filter_map(|cell| folder.said(cell, &key)) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    Axis { key, values }
}

/// True if a key is an axis somewhere, or was set to different values.
fn differs(key: &str, folders: &[Folder]) -> bool {
    let is_axis = |folder: &Folder| folder.results.study.axes.iter().any(|axis| axis.key == key);
    let mut values = folders.iter().map(|folder| changed(&folder.results.study, key));
    let first = values.next();
    folders.iter().any(is_axis) || values.any(|value| Some(value) != first)
}

/// The cells that are lines: those with trials, in the order of the axes' values.
fn lines_of(folder: &Folder) -> impl Iterator<Item = &CellSummary> {
    let order = folder.results.study.ordered_cells().into_iter();
    order.map(|cell| &folder.cells[cell]).filter(|cell| cell.n > 0)
}

/// Value that `--set` gave to a key, if it did.
fn changed<'a>(study: &'a Study, key: &str) -> Option<&'a str> {
    study.changes().filter(|(name, _)| *name == key).last().map(|(_, value)| value)
}

fn table_of(folders: &[Folder], keys: &[Axis], by: Option<&str>, format: Format) -> Grid {
    let all: Vec<CellSummary> = folders.iter().flat_map(|folder| folder.cells.clone()).collect();
    let columns = if format.is_for_programs() { Columns::numbers(folders) } else { Columns::words(&all) };
    let mut lines: Vec<Line> = Vec::new();
    for folder in folders {
        for cell in lines_of(folder) {
            let short = |axis: &Axis, value: &str| {
                if format.is_for_programs() { value.to_owned() } else { axis.short(value) }
            };
            let name = |axis: &Axis| {
                folder.said(cell, &axis.key).map_or("–".to_owned(), |value| short(axis, &value))
            };
            let n = Cell::Number(Some(cell.n as f64), 0);
            lines.push((keys.iter().map(name).collect(), [n].into_iter().chain(columns.of(cell)).collect()));
        }
    }
    if let Some(key) = keys.iter().position(|axis| Some(axis.key.as_str()) == by) {
        lines = grouped(lines, key, &keys[key]);
    }
    let heads = names_of(keys, format).into_iter().chain(["trials".to_owned()]);
    let heads = heads.map(|name| [name, String::new()]);
    let rows =
        lines.into_iter().map(|(names, figures)| names.into_iter().map(Cell::Text).chain(figures).collect());
    let head = heads.chain(columns.heads()).collect();
    Grid { names: keys.len(), head, rows: rows.collect() }
}

/// Headings of keys: in words for readers, as they are for programs.
fn names_of(keys: &[Axis], format: Format) -> Vec<String> {
    let name = |axis: usize| {
        if format.is_for_programs() { keys[axis].key.clone() } else { titles::heading(keys, false, axis) }
    };
    (0..keys.len()).map(name).collect()
}

/// Figures of a table.
enum Columns {
    /// Those worth showing, each with its interval.
    Words(Vec<Shown>),
    /// All of them, means and intervals apart, as in `summary.csv`.
    Numbers(Vec<&'static Figure>),
}

impl Columns {
    fn words(cells: &[CellSummary]) -> Columns {
        Columns::Words(table::shown(cells))
    }

    fn numbers(folders: &[Folder]) -> Columns {
        let has = |figure: &&&Figure| folders.iter().any(|folder| (figure.has)(&folder.results.study));
        let summarised = |figure: &&Figure| figure.nature != Nature::Machine && !figure.only_of_groups;
        let all = figures::FIGURES.iter().filter(summarised);
        Columns::Numbers(all.collect::<Vec<_>>().iter().filter(has).copied().collect())
    }

    fn heads(&self) -> Vec<[String; 2]> {
        match self {
            Columns::Words(shown) => {
                shown.iter().map(|column| [column.heading.clone(), column.unit.to_owned()]).collect()
            }
            Columns::Numbers(figures) => figures
                .iter()
                .flat_map(|figure| {
                    ["mean", "ci95"].map(|part| [format!("{}_{part}", figure.column), String::new()])
                })
                .collect(),
        }
    }

    fn of(&self, cell: &CellSummary) -> Vec<Cell> {
        match self {
            Columns::Words(shown) => {
                shown.iter().map(|column| Cell::Text(table::estimate(cell, column))).collect()
            }
            Columns::Numbers(figures) => figures
                .iter()
                .flat_map(|figure| {
                    let over = cell.get(figure.column);
                    let parts = [over.and_then(|over| over.mean), over.and_then(|over| over.ci95)];
                    // Means of counts have fractions.
                    parts.map(|part| Cell::Number(part, figure.decimals.max(3)))
                })
                .collect(),
        }
    }
}

/// Brings together the lines that agree in all names but the one at `key`, in the order of its values
/// where these are numbers, else in the order in which they first appear.
fn grouped(lines: Vec<Line>, key: usize, axis: &Axis) -> Vec<Line> {
    let others = |line: &Line| {
        let mut names = line.0.clone();
        names.remove(key);
        names
    };
    let mut groups: Vec<(Vec<String>, Vec<Line>)> = Vec::new();
    for line in lines {
        let names = others(&line);
        match groups.iter_mut().find(|(known, _)| *known == names) {
            Some((_, group)) => group.push(line),
            None => groups.push((names, vec![line])),
        }
    }
    let ranks: BTreeMap<String, usize> = match axis.magnitudes() {
        Some(_) => axis.order().iter().enumerate().map(|(n, &i)| (axis.short(&axis.values[i]), n)).collect(),
        None => BTreeMap::new(),
    };
    for (_, group) in &mut groups {
        group.sort_by_key(|line| ranks.get(&line.0[key]).copied());
    }
    groups.into_iter().flat_map(|(_, group)| group).collect()
}
