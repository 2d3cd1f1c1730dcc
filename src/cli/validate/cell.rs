//! Cells of a grid: the other's runs, ours, and the verdict.

use super::grids::{Figure, Grid, Row, Tolerance, number};
use crate::facts::Outcome;
use crate::scenario::{Plan, build};

/// One cell of a grid.
pub struct Cell {
    /// A row of it: what it was measured with.
    pub row: Row,
    /// Its figures, in the order of the grid's.
    pub figures: Vec<Beside>,
}

/// A figure of one cell.
pub struct Beside {
    /// The other's, over its runs: median, least and largest.
    pub theirs: [f64; 3],
    /// Ours over the trials, and the standard error of the mean; `None` until it was run.
    pub ours: Option<(f64, f64)>,
    tolerance: Tolerance,
}

impl Grid {
    /// The cells, in the order of the table.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells: Vec<(Row, Vec<Row>)> = Vec::new();
        for row in rows(self.table).filter(|row| self.has(row)) {
            let same = |other: &Row| self.keys.iter().all(|key| other.get(key) == row.get(key));
            match cells.iter_mut().find(|(first, _)| same(first)) {
                Some((_, runs)) => runs.push(row),
                None => cells.push((row.clone(), vec![row])),
            }
        }
        cells.into_iter().map(|(row, runs)| self.cell(row, &runs)).collect()
    }

    fn has(&self, row: &Row) -> bool {
        self.rows.iter().all(|(column, word)| row.get(column) == Some(word))
    }

    fn cell(&self, row: Row, runs: &[Row]) -> Cell {
        let loss = number(&row, "loss");
        let beside = |figure: &Figure| Beside {
            theirs: figure.of(runs),
            ours: None,
            tolerance: (figure.tolerance)(loss),
        };
        Cell { figures: self.figures.iter().map(beside).collect(), row }
    }
}

impl Figure {
    /// Median, least and largest of a cell's runs.
    fn of(&self, runs: &[Row]) -> [f64; 3] {
        let values: Vec<f64> = runs.iter().map(|run| number(run, self.columns.0)).collect();
        match (self.columns.1, runs) {
            (Some([least, largest]), [run]) => [values[0], number(run, least), number(run, largest)],
            _ => {
                let least = values.iter().copied().fold(f64::INFINITY, f64::min);
                [median(values.clone()), least, values.into_iter().fold(f64::NEG_INFINITY, f64::max)]
            }
        }
    }
}

impl Cell {
    /// Runs it with these trials. False if it was told to stop.
    pub fn run(&mut self, grid: &Grid, trials: u32, go_on: &mut dyn FnMut() -> bool) -> bool {
        let text = (grid.scenario)(grid, &self.row);
        let plan = Plan::parse(grid.name, &text, &[]).expect("a grid's own scenario");
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); grid.figures.len()];
        for number in 0..trials {
            let outcome: Outcome = match build(&plan.base, plan.trial(0, number)).run(go_on) {
                Ok(outcome) => outcome,
                Err(_) => return false,
            };
            for (values, figure) in values.iter_mut().zip(grid.figures) {
                values.extend((figure.measure)(&outcome));
            }
        }
        for (beside, values) in self.figures.iter_mut().zip(values) {
            beside.ours = (!values.is_empty()).then(|| mean(&values));
        }
        true
    }
}

impl Beside {
    /// Ours over the other's.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.ours?.0 / self.theirs[0])
    }

    /// The larger of the ratio and its inverse.
    pub fn factor(&self) -> Option<f64> {
        self.ratio().map(|ratio| ratio.max(1.0 / ratio))
    }

    /// Values that ours may have: the other's runs, widened by the tolerance.
    pub fn bounds(&self) -> (f64, f64) {
        let [_, least, largest] = self.theirs;
        match self.tolerance {
            Tolerance::Relative(part) => (least * (1.0 - part), largest * (1.0 + part)),
            Tolerance::Absolute(much) => (least - much, largest + much),
        }
    }

    /// True if ours lies within the bounds.
    pub fn is_within(&self) -> bool {
        let (low, high) = self.bounds();
        self.ours.is_some_and(|(ours, _)| (low..=high).contains(&ours))
    }
}

/// The rows of a table whose first line has the names of its columns. No field has quotes.
fn rows(table: &'static str) -> impl Iterator<Item = Row> {
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    lines.map(move |line| header.iter().copied().zip(line.split(',')).collect())
}

/// The middle of some numbers.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// Mean and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let spread = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (mean, if n > 1.0 { (spread / (n - 1.0) / n).sqrt() } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::super::grids::GRIDS;
    use super::*;

    #[test]
    fn every_grid_has_cells_whose_figures_stand_in_its_table() {
        for grid in GRIDS {
            let cells = grid.cells();
            assert!(!cells.is_empty(), "{}", grid.name);
            for cell in &cells {
                for (beside, figure) in cell.figures.iter().zip(grid.figures) {
                    let [middle, least, largest] = beside.theirs;
                    assert!(
                        0.0 < least && least <= middle && middle <= largest,
                        "{} {}",
                        grid.name,
                        figure.name
                    );
                }
                Plan::parse(grid.name, &(grid.scenario)(grid, &cell.row), &[]).expect("sound");
            }
        }
    }

    #[test]
    fn names_are_unique() {
        for (i, grid) in GRIDS.iter().enumerate() {
            assert_eq!(GRIDS.iter().position(|other| other.name == grid.name), Some(i));
        }
    }

    #[test]
    fn bounds_are_the_runs_widened_by_the_tolerance() {
        let beside =
            |ours, tolerance| Beside { theirs: [10.0, 9.0, 12.0], ours: Some((ours, 0.0)), tolerance };
        let within = |ours| beside(ours, Tolerance::Relative(0.1)).is_within();
        assert_eq!([8.0, 8.2, 13.1, 13.3].map(within), [false, true, true, false]);
        assert!(beside(12.05, Tolerance::Absolute(0.08)).is_within());
        assert!(!beside(12.1, Tolerance::Absolute(0.08)).is_within());
        assert_eq!(beside(8.0, Tolerance::Relative(0.1)).factor(), Some(1.25));
    }
}
