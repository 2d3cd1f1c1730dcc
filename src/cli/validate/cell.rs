//! Cells of a grid: the other's runs, ours, and the verdict.

use super::grids::{Figure, Grid, Measure, Row, Source, Tolerance, number};
use super::pair::Waits;
use crate::facts::Outcome;
use crate::rng::Seed;
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
    /// Ours; `None` until it was run.
    pub ours: Option<Ours>,
    tolerance: Tolerance,
}

/// Our value of a figure.
#[derive(Clone, Copy, Debug)]
pub struct Ours {
    /// Over all trials.
    pub value: f64,
    /// Standard error by the values of each trial.
    pub error: f64,
    /// For a percentile, what chance makes of it in two samples of this size; else the value twice.
    pub range: [f64; 2],
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
        let mut own = vec![Own::default(); grid.figures.len()];
        let plan = match grid.source {
            Source::Scenario(text) => {
                Some(Plan::parse(grid.name, &text(grid, &self.row), &[]).expect("a grid's own scenario"))
            }
            Source::Pair(_) => None,
        };
        for number in 0..trials {
            let seen = match (&plan, grid.source) {
                (Some(plan), _) => {
                    build(&plan.base, plan.trial(0, number)).run(go_on).ok().map(Seen::Outcome)
                }
                (None, Source::Pair(waits)) if go_on() => {
                    Some(Seen::Waits(waits(&self.row, Seed(u64::from(number)))))
                }
                _ => None,
            };
            let Some(seen) = seen else { return false };
            for (own, figure) in own.iter_mut().zip(grid.figures) {
                own.add(figure.measure, &seen);
            }
        }
        for ((beside, own), figure) in self.figures.iter_mut().zip(own).zip(grid.figures) {
            beside.ours = own.figure(figure.measure);
        }
        true
    }
}

/// What one trial left.
enum Seen {
    Outcome(Outcome),
    Waits(Waits),
}

/// What the trials of a cell left for a figure.
#[derive(Clone, Default)]
struct Own {
    /// All values that were seen.
    values: Vec<f64>,
    /// The figure in each trial.
    each: Vec<f64>,
}

impl Own {
    fn add(&mut self, measure: Measure, seen: &Seen) {
        let values: Vec<f64> = match (measure, seen) {
            (Measure::Outcome(of), Seen::Outcome(outcome)) => of(outcome).into_iter().collect(),
            (Measure::Mean(of) | Measure::Percentile(of, _), Seen::Waits(waits)) => of(waits).to_vec(),
            _ => Vec::new(),
        };
        self.each.extend(measure.of(&values));
        self.values.extend(values);
    }

    /// The figure over all trials.
    fn figure(&self, measure: Measure) -> Option<Ours> {
        let value = measure.of(&self.values)?;
        let range = measure.range(&self.values).unwrap_or([value; 2]);
        Some(Ours { value, error: error(&self.each), range })
    }
}

impl Measure {
    /// The figure of some values.
    fn of(self, values: &[f64]) -> Option<f64> {
        if values.is_empty() {
            return None;
        }
        match self {
            Measure::Percentile(_, percent) => Some(at(&sorted(values), percent / 100.0)),
            Measure::Outcome(_) | Measure::Mean(_) => Some(values.iter().sum::<f64>() / values.len() as f64),
        }
    }

    /// The order statistics between which a percentile lies with 95 %, where another sample of the same size has its
    /// own error, too (David and Nagaraja, "Order Statistics", section 7.1).
    fn range(self, values: &[f64]) -> Option<[f64; 2]> {
        let Measure::Percentile(_, percent) = self else { return None };
        let (share, sorted) = (percent / 100.0, sorted(values));
        let error = (2.0 * share * (1.0 - share) / sorted.len() as f64).sqrt();
        Some([-1.96, 1.96].map(|times| at(&sorted, share + times * error)))
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The value below which so large a share lies.
fn at(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share).max(0.0) as usize;
    sorted[place.min(sorted.len() - 1)]
}

impl Beside {
    /// Ours over the other's.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.ours?.value / self.theirs[0])
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

    /// True if ours lies within the bounds, as far as chance can tell.
    pub fn is_within(&self) -> bool {
        let (low, high) = self.bounds();
        self.ours.is_some_and(|ours| ours.range[0] <= high && low <= ours.range[1])
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

/// Standard error of a mean of these.
fn error(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let spread = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    if n > 1.0 { (spread / (n - 1.0) / n).sqrt() } else { 0.0 }
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
                if let Source::Scenario(text) = grid.source {
                    Plan::parse(grid.name, &text(grid, &cell.row), &[]).expect("sound");
                }
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
        let beside = |value, tolerance| {
            let ours = Some(Ours { value, error: 0.0, range: [value; 2] });
            Beside { theirs: [10.0, 9.0, 12.0], ours, tolerance }
        };
        let within = |ours| beside(ours, Tolerance::Relative(0.1)).is_within();
        assert_eq!([8.0, 8.2, 13.1, 13.3].map(within), [false, true, true, false]);
        assert!(beside(12.05, Tolerance::Absolute(0.08)).is_within());
        assert!(!beside(12.1, Tolerance::Absolute(0.08)).is_within());
        assert_eq!(beside(8.0, Tolerance::Relative(0.1)).factor(), Some(1.25));
    }

    #[test]
    fn a_percentile_has_the_range_that_two_samples_leave_open() {
        let values: Vec<f64> = (0..2_000).map(f64::from).collect();
        let measure = Measure::Percentile(|seen| &seen.waits, 99.0);
        // 1.96 * sqrt(2 * 0.99 * 0.01 / 2000) is 0.617 %: 12.3 places.
        assert_eq!((measure.of(&values), measure.range(&values)), (Some(1_980.0), Some([1_967.0, 1_992.0])));
        assert_eq!(Measure::Mean(|seen| &seen.waits).range(&values), None);
        assert_eq!(measure.of(&[]), None);
    }
}
