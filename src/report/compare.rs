//! Several result folders beside one another.

use std::path::PathBuf;

use super::error::ReportError;
use super::files::Results;
use super::manifest::Manifest;
use super::study::Study;
use super::summary::{self, CellSummary};
use super::table;

/// The cells of several folders as one aligned table, in the order of the folders. With `by`, lines
/// that differ only in that key stand together, so that its values can be read off one below the
/// other. `scenario` as `by` does this for the folders themselves. An unknown key is an error that
/// names the known ones.
pub fn compare(dirs: &[PathBuf], by: Option<&str>) -> Result<String, ReportError> {
    let mut keys = vec!["scenario".to_owned()];
    let mut folders: Vec<(Results, Vec<CellSummary>)> = Vec::new();
    for dir in dirs {
        let results = Results::load(dir, &Manifest::read(dir)?.study)?;
        for axis in &results.study.axes {
            if !keys.contains(&axis.key) {
                keys.push(axis.key.clone());
            }
        }
        let cells = summary::of_all(&results);
        folders.push((results, cells));
    }
    // What `--set` made different is as good as an axis.
    for (results, _) in &folders {
        for (key, _) in results.study.changes() {
            if !keys.iter().any(|known| known == key) {
                keys.push(key.to_owned());
            }
        }
    }
    keys.retain(|key| key == "scenario" || differs(key, &folders));
    let group_by = match by {
        None => None,
        Some(key) => {
            Some(keys.iter().position(|known| known == key).ok_or_else(|| ReportError::Malformed {
                path: dirs.first().cloned().unwrap_or_default(),
                problem: format!("no axis is called \"{key}\"; there are {}", keys.join(", ")),
            })?)
        }
    };
    let all: Vec<CellSummary> = folders.iter().flat_map(|(_, cells)| cells.clone()).collect();
    let columns = table::shown(&all);
    let mut lines: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for (results, cells) in &folders {
        for cell in cells.iter().filter(|cell| cell.n > 0) {
            let value = |key: &String| {
                let axis = results.study.axes.iter().position(|axis| axis.key == *key);
                match axis {
                    Some(axis) => cell.values[axis].clone(),
                    None => changed(&results.study, key).unwrap_or("–").to_owned(),
                }
            };
            let mut names: Vec<String> = keys.iter().map(value).collect();
            names[0].clone_from(&results.study.name);
            let mut figures = vec![cell.n.to_string()];
            figures.extend(columns.iter().map(|column| table::estimate(cell, column)));
            lines.push((names, figures));
        }
    }
    if let Some(key) = group_by {
        lines = grouped(lines, key);
    }
    let mut heading = keys.clone();
    heading.push("trials".to_owned());
    heading.extend(columns.iter().map(|column| table::heading(column)));
    let mut rows = vec![heading];
    rows.extend(lines.into_iter().map(|(names, figures)| [names, figures].concat()));
    Ok(table::align(&rows, keys.len()))
}

/// What `--set` gave to a key, if it did.
fn changed<'a>(study: &'a Study, key: &str) -> Option<&'a str> {
    study.changes().filter(|(name, _)| *name == key).last().map(|(_, value)| value)
}

/// Whether a key is an axis somewhere, or was set to different values.
fn differs(key: &str, folders: &[(Results, Vec<CellSummary>)]) -> bool {
    let is_axis = |results: &Results| results.study.axes.iter().any(|axis| axis.key == *key);
    let mut values = folders.iter().map(|(results, _)| changed(&results.study, key));
    let first = values.next();
    folders.iter().any(|(results, _)| is_axis(results)) || values.any(|value| Some(value) != first)
}

type Line = (Vec<String>, Vec<String>);

/// Brings together the lines that agree in all names but the one at `key`, keeping the order in
/// which they first appear.
fn grouped(lines: Vec<Line>, key: usize) -> Vec<Line> {
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
    groups.into_iter().flat_map(|(_, group)| group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{Model, fill, study};

    #[test]
    fn folders_stand_beside_one_another_grouped_by_a_key() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let model = Model { seed: 1, congestion: "reno", loss: 0.01, flows: 1, chat: false, seconds: 3 };
        let dirs = ["a", "b"].map(|name| {
            let mut study = study(&[("link.a.loss", &["0%", "1%"])]);
            name.clone_into(&mut study.name);
            study.trials = 1;
            let dir = dir.path().join(name);
            fill(&dir, &study, |_, _| model);
            dir
        });
        let first_words = |by| -> Vec<String> {
            let text = compare(&dirs, by).expect("a table");
            text.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
        };
        assert_eq!(first_words(None), ["scenario link.a.loss", "a 0%", "a 1%", "b 0%", "b 1%"]);
        assert_eq!(first_words(Some("scenario")), ["scenario link.a.loss", "a 0%", "b 0%", "a 1%", "b 1%"]);
        // What was set differently is as good as an axis.
        let set = |name: &str, overrides: &[&str]| {
            let mut study = study(&[("link.a.loss", &["1%"])]);
            study.trials = 1;
            study.overrides = overrides.iter().map(|&change| change.to_owned()).collect();
            let dir = dir.path().join(name);
            fill(&dir, &study, |_, _| model);
            dir
        };
        let dirs = [set("c", &["tcp.mss=500", "trials=1"]), set("d", &["tcp.mss=1000", "seed=1"])];
        let text = compare(&dirs, None).expect("a table");
        let names: Vec<&str> =
            text.lines().map(|line| line.split_whitespace().nth(2).unwrap_or("")).collect();
        assert_eq!(names, ["tcp.mss", "500", "1000"], "{text}");
        let error = compare(&dirs, Some("tcp.nagle")).expect_err("no such axis");
        assert!(error.to_string().contains("there are scenario, link.a.loss, tcp.mss"), "{error}");
    }
}
