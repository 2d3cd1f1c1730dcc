//! Cells of a grid: the other's runs, ours, and the verdict.

use super::grids::{Figure, Grid, Measure, Row, Source, Tolerance, number};
use super::order::{at, median, median_of_few, sorted};
use super::pair::Waits;
use crate::facts::Outcome;
use crate::rng::Seed;
use crate::scenario::{Plan, build};
use crate::tables::stats::Estimate;

/// One cell of a grid.
pub struct Cell {
    /// A row of it: what it was measured with.
    pub row: Row,
    /// Its figures, in the order of the grid's.
    pub figures: Vec<Beside>,
    /// Number that the other's medians and percentiles were taken of.
    samples: f64,
}

/// A figure of one cell.
pub struct Beside {
    /// The other's, over its runs: median, least and largest.
    pub theirs: [f64; 3],
    /// Ours; `None` until it was run.
    pub ours: Option<Ours>,
    tolerance: Tolerance,
}

/// Place of a figure of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within its bounds.
    Within,
    /// Outside, by no more than chance makes of samples of this size.
    Undecided,
    /// Outside.
    Beyond,
}

impl Verdict {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Within => "within",
            Verdict::Undecided => "undecided",
            Verdict::Beyond => "beyond",
        }
    }
}

/// Our value of a figure.
#[derive(Clone, Copy, Debug)]
pub struct Ours {
    /// Over all trials.
    pub value: f64,
    /// Standard error by the values of each trial.
    pub error: f64,
    /// For a median or percentile, what chance makes of it in two samples of this size; else the value twice.
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

    /// The same, those together that tell of the same runs and differ in what is measured of these.
    pub fn runs(&self) -> Vec<Vec<Cell>> {
        let mut runs: Vec<Vec<Cell>> = Vec::new();
        for cell in self.cells() {
            let alike = |other: &Cell| {
                self.keys.iter().all(|key| *key == "measure" || other.row.get(key) == cell.row.get(key))
            };
            match runs.last_mut().filter(|run| alike(&run[0])) {
                Some(run) => run.push(cell),
                None => runs.push(vec![cell]),
            }
        }
        runs
    }

    fn has(&self, row: &Row) -> bool {
        let fits =
            |(column, words): &(&str, &str)| words.split('|').any(|word| row.get(column) == Some(&word));
        self.rows.iter().all(fits)
    }

    fn cell(&self, row: Row, runs: &[Row]) -> Cell {
        let loss = number(&row, "loss");
        let beside = |figure: &Figure| Beside {
            theirs: figure.of(runs),
            ours: None,
            tolerance: (figure.tolerance)(loss),
        };
        let samples = if runs.len() > 1 { runs.len() as f64 } else { number(&row, self.samples) };
        Cell { figures: self.figures.iter().map(beside).collect(), samples, row }
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
                [median(&values), least, values.into_iter().fold(f64::NEG_INFINITY, f64::max)]
            }
        }
    }
}

/// Runs cells of a grid that share their [runs](Grid::runs) with these trials. False if it was told to stop.
pub fn run(grid: &Grid, cells: &mut [Cell], trials: u32, go_on: &mut dyn FnMut() -> bool) -> bool {
    let Some(row) = cells.first().map(|cell| cell.row.clone()) else { return true };
    let mut own = vec![vec![Own::default(); grid.figures.len()]; cells.len()];
    let first = first_seed(grid, &row);
    let plan = match grid.source {
        Source::Scenario(text) => {
            let seed = format!("seed={first}");
            Some(Plan::parse(grid.name, &text(grid, &row), &[seed]).expect("a grid's own scenario"))
        }
        Source::Pair(_) => None,
    };
    for number in 0..trials {
        let seen = match (&plan, grid.source) {
            (Some(plan), _) => build(&plan.base, plan.trial(0, number))
                .run(go_on)
                .ok()
                .map(|outcome| Seen::Outcome(Box::new(outcome))),
            (None, Source::Pair(waits)) if go_on() => {
                Some(Seen::Waits(waits(&row, Seed(first + u64::from(number)))))
            }
            _ => None,
        };
        let Some(seen) = seen else { return false };
        for (own, cell) in own.iter_mut().zip(&*cells) {
            for (own, figure) in own.iter_mut().zip(grid.figures) {
                own.add(figure.measure, &seen, &cell.row);
            }
        }
    }
    for (own, cell) in own.into_iter().zip(cells) {
        for ((beside, own), figure) in cell.figures.iter_mut().zip(own).zip(grid.figures) {
            beside.ours = own.figure(figure.measure, cell.samples);
        }
    }
    true
}

/// Seed of a cell's first trial. Cells that shared their seeds would share their luck: twenty trials whose losses are 2 % too
/// few would move the median of a whole grid by 1 %.
fn first_seed(grid: &Grid, row: &Row) -> u64 {
    let keys = grid.keys.iter().filter(|key| **key != "measure");
    let values: Vec<&str> = keys.filter_map(|key| row.get(key).copied()).collect();
    Seed(0).child(&format!("{}/{}", grid.name, values.join("/"))).0 >> 16
}

/// The yield of one trial.
enum Seen {
    Outcome(Box<Outcome>),
    Waits(Waits),
}

/// The yield of a cell's trials for a figure.
#[derive(Clone, Default)]
struct Own {
    /// All values that were seen.
    values: Vec<f64>,
    /// The figure in each trial.
    each: Vec<f64>,
}

impl Own {
    fn add(&mut self, measure: Measure, seen: &Seen, row: &Row) {
        let values: Vec<f64> = match (measure, seen) {
            (Measure::Outcome(of), Seen::Outcome(outcome)) => of(outcome).into_iter().collect(),
            (Measure::Mean(of) | Measure::Percentile(of, _), Seen::Waits(waits)) => of(waits, row),
            _ => Vec::new(),
        };
        self.each.extend(measure.of(&values, 0.0));
        self.values.extend(values);
    }

    /// The figure over all trials, where the other's is one of so many samples.
    fn figure(&self, measure: Measure, theirs: f64) -> Option<Ours> {
        let value = measure.of(&self.values, theirs)?;
        let range = measure.range(&self.values, theirs).unwrap_or([value; 2]);
        let error = Estimate::of(&self.each).and_then(|each| each.error()).unwrap_or(0.0);
        Some(Ours { value, error, range })
    }
}

impl Measure {
    /// The figure of some values, beside one of `theirs`.
    fn of(self, values: &[f64], theirs: f64) -> Option<f64> {
        let mean = Estimate::of(values)?.mean;
        match self {
            Measure::Percentile(_, percent) => Some(at(&sorted(values), percent / 100.0)),
            Measure::Outcome(_) => Some(median_of_few(values, theirs as usize)),
            Measure::Mean(_) => Some(mean),
        }
    }

    /// The order statistics between which a median or percentile lies with 95 % if that of `theirs` samples has its own
    /// error, too: the share of values below one of n has a beta distribution, of variance p (1 - p) / (n + 2) (David
    /// and Nagaraja, "Order Statistics", sections 2.1 and 7.1). Samples count as independent.
    fn range(self, values: &[f64], theirs: f64) -> Option<[f64; 2]> {
        let share = match self {
            Measure::Percentile(_, percent) => percent / 100.0,
            Measure::Outcome(_) => 0.5,
            Measure::Mean(_) => return None,
        };
        let sorted = sorted(values);
        let error =
            (share * (1.0 - share) * (1.0 / (sorted.len() as f64 + 2.0) + 1.0 / (theirs + 2.0))).sqrt();
        Some([-1.96, 1.96].map(|times| at(&sorted, share + times * error)))
    }
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

    /// Ours against the bounds.
    pub fn verdict(&self) -> Verdict {
        let (low, high) = self.bounds();
        match self.ours {
            Some(ours) if (low..=high).contains(&ours.value) => Verdict::Within,
            Some(ours) if ours.range[0] <= high && low <= ours.range[1] => Verdict::Undecided,
            _ => Verdict::Beyond,
        }
    }
}

/// The rows of a table whose first line has the names of its columns. No field has quotes.
fn rows(table: &'static str) -> impl Iterator<Item = Row> {
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    lines.map(move |line| header.iter().copied().zip(line.split(',')).collect())
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
        let is_within = |beside: Beside| beside.verdict() == Verdict::Within;
        let within = |ours| is_within(beside(ours, Tolerance::Relative(0.1)));
        assert_eq!([8.0, 8.2, 13.1, 13.3].map(within), [false, true, true, false]);
        assert!(is_within(beside(12.05, Tolerance::Absolute(0.08))));
        assert!(!is_within(beside(12.1, Tolerance::Absolute(0.08))));
        assert_eq!(beside(8.0, Tolerance::Relative(0.1)).factor(), Some(1.25));
    }

    #[test]
    fn a_percentile_has_the_range_that_two_samples_leave_open() {
        let values: Vec<f64> = (0..2_000).map(f64::from).collect();
        let measure = Measure::Percentile(|seen, _| seen.messages.clone(), 99.0);
        // 1.96 * sqrt(0.99 * 0.01 * 2 / 2002) is 0.617 %: 12.3 places.
        let range = measure.range(&values, 2_000.0);
        assert_eq!((measure.of(&values, 2_000.0), range), (Some(1_980.0), Some([1_967.0, 1_992.0])));
        assert_eq!(Measure::Mean(|seen, _| seen.messages.clone()).range(&values, 2_000.0), None);
        assert_eq!(measure.of(&[], 2_000.0), None);
        let verdict = |theirs: f64| {
            let ours = Ours { value: 1_980.0, error: 0.0, range: range.expect("a percentile") };
            let tolerance = Tolerance::Relative(0.0);
            Beside { theirs: [theirs; 3], ours: Some(ours), tolerance }.verdict()
        };
        let verdicts = [1_980.0, 1_990.0, 1_993.0].map(verdict);
        assert_eq!(verdicts, [Verdict::Within, Verdict::Undecided, Verdict::Beyond]);
    }

    /// Twenty trials of ours from 8.1 to 11.9 beside the median of so many runs.
    fn beside_runs(runs: f64, theirs: f64) -> Verdict {
        let trials: Vec<f64> = (1..=20).map(|n| 10.0 + 0.2 * (f64::from(n) - 10.5)).collect();
        let measure = Measure::Outcome(|_| None);
        let own = Own { each: trials.clone(), values: trials };
        let beside = Beside {
            theirs: [theirs; 3],
            ours: own.figure(measure, runs),
            tolerance: Tolerance::Relative(0.1),
        };
        assert!(beside.ours.is_some_and(|ours| (ours.value - 10.0).abs() < 1e-12));
        beside.verdict()
    }

    #[test]
    fn a_median_of_few_runs_leaves_undecided_what_one_of_many_decides() {
        // By 1.25: 10 beside 8 and 12.5.
        for theirs in [8.0, 12.5] {
            assert_eq!(
                [3.0, 100.0].map(|runs| beside_runs(runs, theirs)),
                [Verdict::Undecided, Verdict::Beyond]
            );
        }
        // By 1.6 three runs are enough, and within a tenth none are needed.
        for theirs in [6.25, 16.0] {
            assert_eq!(beside_runs(3.0, theirs), Verdict::Beyond);
        }
        assert_eq!(beside_runs(3.0, 9.5), Verdict::Within);
    }
}
