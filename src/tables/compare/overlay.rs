//! Folders as one study, whose cells a picture lays over one another.

use super::{Beside, Folder, lines_of};
use crate::tables::axis::Axis;
use crate::tables::study::Study;
use crate::tables::summary::CellSummary;

/// Cells of several folders, or the differences between them, as those of one study.
pub struct Overlay {
    /// Its axes are the keys in which the cells differ.
    pub study: Study,
    /// Values of axes are empty where a folder does not say them.
    pub cells: Vec<CellSummary>,
    /// Axis of what is laid over one another: the folders, or the pairs of values.
    pub own: usize,
}

/// The cells of all folders.
pub(super) fn of(beside: &Beside) -> Result<Overlay, [String; 2]> {
    let (folders, keys) = only_table(beside)?;
    let [first, _, ..] = folders else {
        return Err([
            "one folder has nothing to be laid over".to_owned(),
            "name a second one, or draw this one with testbed plot DIR --figure sweep".to_owned(),
        ]);
    };
    let is_twice = |(n, folder): &(usize, &Folder)| folders[..*n].iter().any(|f| f.label == folder.label);
    if let Some((_, folder)) = folders.iter().enumerate().find(is_twice) {
        return Err([
            format!("{} is named twice", folder.results.path("").display()),
            "name each folder once".to_owned(),
        ]);
    }
    let cell = |folder: &Folder, cell: &CellSummary| {
        let values = keys.iter().map(|key| folder.said(cell, &key.key).unwrap_or_default()).collect();
        CellSummary { values, ..cell.clone() }
    };
    let cells = folders.iter().flat_map(|folder| lines_of(folder).map(move |line| cell(folder, line)));
    Ok(Overlay { cells: cells.collect(), study: study(first, folders, keys.to_vec()), own: 0 })
}

/// The folders, if one table holds them all, with the keys in which they differ.
pub(super) fn only_table(beside: &Beside) -> Result<(&[Folder], &[Axis]), [String; 2]> {
    let ([folders], [keys]) = (beside.tables.as_slice(), beside.keys.as_slice()) else {
        let first = |folders: &Vec<Folder>| folders.first().map(|folder| folder.label.clone());
        let names: Vec<String> = beside.tables.iter().filter_map(first).collect();
        return Err([
            format!("{} have no cell in common: their axes differ", names.join(" and ")),
            "name folders of one scenario, or with the same axes".to_owned(),
        ]);
    };
    Ok((folders, keys))
}

/// A study of these axes, with what the folders have in common: the title of one scenario, or their names.
pub(super) fn study(first: &Folder, folders: &[Folder], axes: Vec<Axis>) -> Study {
    let own = &first.results.study;
    let title = if folders.iter().all(|folder| folder.results.study.title == own.title) {
        own.title.clone()
    } else {
        folders.iter().map(|folder| folder.label.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut overrides = own.overrides.clone();
    overrides.retain(|change| folders.iter().all(|folder| folder.results.study.overrides.contains(change)));
    Study { title, axes, overrides, ..own.clone() }
}
