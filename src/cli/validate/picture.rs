//! Grids as a picture: a row for each figure, a dot for each cell.

use super::cell::{Beside, Cell, Verdict};
use super::grids::Grid;
use crate::report::ratios::{Group, Ratios};

/// Verdicts in the order in which they are drawn, in words.
const VERDICTS: [(Verdict, &str); 3] = [
    (Verdict::Within, "within its bounds"),
    (Verdict::Undecided, "outside by no more than chance"),
    (Verdict::Beyond, "beyond its bounds"),
];

/// The ratios of all figures of the grids, each with its cells.
pub fn of(grids: &[(&Grid, Vec<&Cell>)], trials: u32) -> Ratios {
    let mut whose: Vec<&str> = grids.iter().map(|(grid, _)| grid.whose).collect();
    whose.dedup();
    let all = || grids.iter().flat_map(|(_, cells)| cells).flat_map(|cell| &cell.figures);
    let mark = |beside: &Beside| VERDICTS.iter().position(|(verdict, _)| *verdict == beside.verdict());
    let of_mark = |n: usize| all().filter(|beside| mark(beside) == Some(n)).count();
    let group = |(grid, cells): &(&Grid, Vec<&Cell>)| Group {
        name: grid.name.to_owned(),
        rows: (grid.figures.iter().enumerate())
            .map(|(n, figure)| {
                let figures = cells.iter().map(|cell| &cell.figures[n]);
                let dot = |beside: &Beside| Some((beside.ratio()?, mark(beside)?));
                (figure.name.to_owned(), figures.filter_map(dot).collect())
            })
            .collect(),
    };
    Ratios {
        title: format!("Our TCP beside {}: ratio of each figure", whose.join(" and ")),
        subtitle: format!("a dot for each cell, ours over {trials} trials"),
        marks: VERDICTS
            .iter()
            .enumerate()
            .map(|(n, (_, words))| format!("{words}: {}", of_mark(n)))
            .collect(),
        groups: grids.iter().map(group).collect(),
    }
}
