//! Several result folders beside one another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::axis::Axis;
use super::bottleneck;
use super::error::ReportError;
use super::files::{Measured, Results};
use super::lines;
use super::manifest::Manifest;
use super::paired::LEAST_PAIRS;
use super::resume;
use super::study::Study;
use super::summary::{self, CellSummary};
use super::table;
use super::verdict::{self, Side};

/// A result folder.
struct Folder {
    /// The scenario's name, with the folder where several are of that scenario.
    label: String,
    results: Results,
    cells: Vec<CellSummary>,
}

/// The names of a line (its scenario and what was varied), and its figures.
type Line = (Vec<String>, Vec<String>);

/// Heading of a column of names, each of a scenario; the scenario itself is the first.
const SCENARIO: &str = "scenario";

/// The cells of several folders, in the order of the folders: one aligned table for those of one
/// scenario or with the same axes, since what others vary would be columns of dashes. With `by`, lines
/// that differ only in that key stand together, so that its values can be read off one below the
/// other. `scenario` as `by` does this for the folders themselves. An unknown key is an error that
/// names the known ones.
///
/// Returns the tables, and what is wrong with the folders.
pub fn compare(dirs: &[PathBuf], by: Option<&str>) -> Result<(String, Vec<String>), ReportError> {
    let mut tables: Vec<Vec<Folder>> = Vec::new();
    let mut doubts = Vec::new();
    let mut studies: Vec<Study> = Vec::new();
    for dir in dirs {
        let manifest = Manifest::read(dir)?;
        doubts.extend(doubt(dir, &manifest)?);
        studies.push(manifest.study);
    }
    for (dir, study) in dirs.iter().zip(&studies) {
        let results = Results::load_some(dir, study)?;
        let alone = studies.iter().filter(|other| other.name == study.name).count() == 1;
        let label = if alone { study.name.clone() } else { format!("{} ({})", study.name, dir.display()) };
        let folder = Folder { label, results, cells: Vec::new() };
        let akin = |table: &&mut Vec<Folder>| {
            table.iter().any(|other| akin(&other.results.study, &folder.results.study))
        };
        match tables.iter_mut().find(akin) {
            Some(table) => table.push(folder),
            None => tables.push(vec![folder]),
        }
    }
    for folders in &mut tables {
        bottleneck::settle(&mut folders.iter_mut().map(|folder| &mut folder.results).collect::<Vec<_>>())?;
        for folder in folders {
            folder.cells = summary::of_all(&folder.results)?;
        }
    }
    let keys: Vec<Vec<Axis>> = tables.iter().map(|folders| varied(folders)).collect();
    if let Some(by) = by
        && !keys.iter().flatten().any(|axis| axis.key == by)
    {
        let mut known: Vec<String> = Vec::new();
        for axis in keys.into_iter().flatten() {
            if !known.contains(&axis.key) {
                known.push(axis.key);
            }
        }
        return Err(ReportError::NoAxis { key: by.to_owned(), known });
    }
    let texts = tables.iter().zip(&keys).map(|(folders, keys)| {
        let sentences: String =
            sentences(folders).iter().map(|s| format!("\n{}\n", lines::wrapped(s, 0))).collect();
        table_of(folders, keys, by) + &place(folders).unwrap_or_default() + &sentences
    });
    let mut text = texts.collect::<Vec<_>>().join("\n");
    let intervals = tables.iter().flatten().flat_map(|folder| &folder.cells).any(|cell| cell.n > 1);
    let means = if intervals { "means over trials ± half the 95 % interval; " } else { "" };
    let _ = writeln!(text, "\n{means}goodput: {}", table::place(&Measured::Alike));
    Ok((text, doubts))
}

/// Reason for which a folder's figures may not be those of a whole run.
fn doubt(dir: &Path, manifest: &Manifest) -> Result<Option<String>, ReportError> {
    // Series, which lie in folders of their own, are not compared.
    let mut changed = [manifest.changed_records(dir)?, manifest.changed_tables(dir)?].concat();
    changed.retain(|name| !name.contains('/'));
    let (done, all) = (resume::count_finished(dir)?, manifest.study.cells() * manifest.study.trials as usize);
    let dir = dir.display();
    Ok(if !changed.is_empty() {
        Some(format!("{dir}: changed since the run wrote it: {}", changed.join(", ")))
    } else if done < all {
        Some(format!(
            "{dir} is not complete: {done} of {all} trials are done; `testbed run --resume` goes on"
        ))
    } else {
        None
    })
}

/// Goodput that a table shows, if not that which stands below all of them.
fn place(folders: &[Folder]) -> Option<String> {
    let measured = &folders.first()?.results.measured;
    (*measured != Measured::Alike).then(|| format!("goodput: {}\n", table::place(measured)))
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

/// The scenario, and what else makes the cells of some folders different, each with all its values:
/// the axes, and what `--set` changed in one folder but not in another.
fn varied(folders: &[Folder]) -> Vec<Axis> {
    let axes = folders.iter().flat_map(|folder| &folder.results.study.axes).map(|axis| axis.key.as_str());
    let changes = folders.iter().flat_map(|folder| folder.results.study.changes()).map(|(key, _)| key);
    let mut keys: Vec<&str> = vec![SCENARIO];
    for key in axes.chain(changes) {
        if !keys.contains(&key) && differs(key, folders) {
            keys.push(key);
        }
    }
    let values = |key: &str| -> BTreeSet<String> {
        let of_folder =
            |folder| -> Vec<String> { lines_of(folder).filter_map(|cell| said(folder, cell, key)).collect() };
        folders.iter().flat_map(of_folder).collect()
    };
    keys.into_iter()
        .map(|key| Axis { key: key.to_owned(), values: values(key).into_iter().collect() })
        .collect()
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

/// Value of a key in a cell: that of the axis, or of `--set`.
fn said(folder: &Folder, cell: &CellSummary, key: &str) -> Option<String> {
    if key == SCENARIO {
        return Some(folder.label.clone());
    }
    match folder.results.study.axes.iter().position(|axis| axis.key == key) {
        Some(axis) => Some(cell.values[axis].clone()),
        None => changed(&folder.results.study, key).map(str::to_owned),
    }
}

/// Value that `--set` gave to a key, if it did.
fn changed<'a>(study: &'a Study, key: &str) -> Option<&'a str> {
    study.changes().filter(|(name, _)| *name == key).last().map(|(_, value)| value)
}

fn table_of(folders: &[Folder], keys: &[Axis], by: Option<&str>) -> String {
    let all: Vec<CellSummary> = folders.iter().flat_map(|folder| folder.cells.clone()).collect();
    let columns = table::shown(&all);
    let mut lines: Vec<Line> = Vec::new();
    for folder in folders {
        for cell in lines_of(folder) {
            let name =
                |axis: &Axis| said(folder, cell, &axis.key).map_or("–".to_owned(), |v| axis.short(&v));
            let figures = columns.iter().map(|column| table::estimate(cell, column));
            lines.push((
                keys.iter().map(name).collect(),
                [cell.n.to_string()].into_iter().chain(figures).collect(),
            ));
        }
    }
    if let Some(key) = keys.iter().position(|axis| Some(axis.key.as_str()) == by) {
        lines = grouped(lines, key, &keys[key]);
    }
    let names = keys.iter().map(|axis| axis.key.clone());
    let headings = columns.iter().map(|column| column.heading.clone());
    let units = columns.iter().map(|column| column.unit.to_owned());
    let mut rows: Vec<Vec<String>> = vec![
        names.chain(["trials".to_owned()]).chain(headings).collect(),
        vec![String::new(); keys.len() + 1].into_iter().chain(units).collect(),
    ];
    rows.extend(lines.into_iter().map(|(names, figures)| [names, figures].concat()));
    lines::align(&rows, keys.len())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{Model, fill, study};

    const MODEL: Model = Model { seed: 1, congestion: "reno", loss: 0.01, flows: 1, chat: false, seconds: 3 };

    /// A folder called like its scenario.
    fn folder(root: &tempfile::TempDir, mut study: Study, name: &str, trials: u32) -> PathBuf {
        name.clone_into(&mut study.name);
        study.trials = trials;
        let dir = root.path().join(name);
        fill(&dir, &study, |_, _| MODEL);
        dir
    }

    /// The table's first block of columns.
    fn block(text: &str) -> &str {
        text.split("\n\n").next().expect("a block")
    }

    /// The first words of each line.
    fn words(text: &str, count: usize) -> Vec<String> {
        text.lines().map(|line| line.split_whitespace().take(count).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn folders_stand_beside_one_another_grouped_by_a_key() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let dirs = ["a", "b"].map(|name| folder(&root, study(&[("link.a.loss", &["0%", "1%"])]), name, 1));
        let of = |by| words(block(&compare(&dirs, by).expect("a table").0), 2);
        let (heading, units) = ("scenario link.a.loss", "Mbit/s %");
        assert_eq!(of(None), [heading, units, "a 0%", "a 1%", "b 0%", "b 1%"]);
        assert_eq!(of(Some("scenario")), [heading, units, "a 0%", "b 0%", "a 1%", "b 1%"]);
    }

    #[test]
    fn runs_of_one_scenario_are_told_apart_by_their_folders() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let dirs = ["s1", "s2"].map(|name| {
            let dir = root.path().join(name);
            fill(&dir, &Study { trials: 1, ..study(&[]) }, |_, _| MODEL);
            dir
        });
        let text = compare(&dirs, None).expect("a table").0;
        for dir in &dirs {
            assert_eq!(block(&text).matches(&format!("sample ({}) ", dir.display())).count(), 1, "{text}");
        }
    }

    #[test]
    fn a_folder_without_a_finished_trial_is_refused() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let dirs = [folder(&root, study(&[]), "done", 1), folder(&root, study(&[]), "begun", 0)];
        let error = compare(&dirs, None).expect_err("nothing to compare");
        assert!(error.to_string().contains("begun") && error.to_string().contains("no finished trial"));
    }

    #[test]
    fn what_was_set_differently_is_as_good_as_an_axis() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let set = |name: &str, overrides: &[&str]| {
            let mut study = study(&[("link.a.loss", &["1%"])]);
            study.overrides = overrides.iter().map(|&change| change.to_owned()).collect();
            folder(&root, study, name, 1)
        };
        let dirs = [set("c", &["tcp.mss=500", "trials=1"]), set("d", &["tcp.mss=1000", "seed=1"])];
        let text = compare(&dirs, None).expect("a table").0;
        let names: Vec<&str> =
            block(&text).lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
        assert_eq!((names[0], &names[2..]), ("tcp.mss", &["500", "1000"][..]), "{text}");
        let error = compare(&dirs, Some("tcp.nagle")).expect_err("no such axis");
        assert_eq!(error.help(), "there are scenario, link.a.loss, tcp.mss");
    }

    #[test]
    fn other_scenarios_get_a_table_of_their_own_and_values_are_short() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let ge = "{ model = \"gilbert-elliott\", p = \"1.0204%\", r = \"50%\" }";
        let dirs = [
            folder(&root, study(&[("link.a.loss", &["1%", ge])]), "bursts", 2),
            folder(&root, study(&[("link.b.queue", &["1bdp"])]), "queue", 2),
            folder(&root, study(&[("link.a.loss", &["2%"])]), "more", 2),
        ];
        let text = compare(&dirs, None).expect("tables").0;
        let tables: Vec<Vec<String>> = text.split("\n\n").map(|table| words(table, 2)).collect();
        assert_eq!(tables[0][2..], ["bursts 1%", "bursts GE", "more 2%"], "{text}");
        let queue = |table: &&Vec<String>| table[0] == "scenario link.b.queue";
        assert_eq!(tables.iter().find(queue).expect("a table")[2], "queue 1bdp");
        let footer = format!(
            "means over trials ± half the 95 % interval; goodput: {}",
            table::place(&Measured::Alike)
        );
        assert_eq!(text.lines().last(), Some(footer.as_str()));
        assert!(text.contains("GE p=1.02% r=50%") && !text.contains('–'), "{text}");
    }

    #[test]
    fn folders_with_the_same_seeds_are_compared_by_pairs_of_trials() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let of = |name: &str, loss: f64, seed: u64| {
            let dir = root.path().join(name);
            let study = Study { seed, ..study(&[("link.b.delay", &["10ms", "2ms"])]) };
            fill(&dir, &study, |_, trial| Model { loss, seed: u64::from(trial), ..MODEL });
            dir
        };
        let dirs = [of("few", 0.001, 1), of("many", 0.2, 1), of("other", 0.2, 7)];
        let text = compare(&dirs, None).expect("a table").0;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (few, many) = (dirs[0].display(), dirs[1].display());
        let words = format!("At delay 10ms, with sample ({many}) instead of sample ({few}), goodput fell by");
        assert!(text.contains(&words), "{text}");
        // Trials of another seed met other chances.
        assert!(!text.contains(&format!("with sample ({})", dirs[2].display())), "{text}");
    }
}
