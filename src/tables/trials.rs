//! The finished trials of a run with their figures, column by column: there may be many.

use super::figures;
use super::packed::Packed;
use super::reading::Key;
use super::study::Study;

/// Trials by cell and repetition.
#[derive(Clone, Debug)]
pub struct Trials {
    /// Cells that have trials, each with the place of its first one.
    cells: Vec<(usize, usize)>,
    numbers: Packed,
    /// A column for each figure of the study.
    figures: Vec<Packed>,
}

/// A row of `trials.csv`.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// The cell.
    pub cell: usize,
    /// The repetition.
    pub number: u32,
    place: usize,
    all: &'a Trials,
}

impl Trial<'_> {
    /// A figure, by its column behind `seed`.
    pub fn figure(&self, column: usize) -> Option<f64> {
        self.all.figures[column].get(self.place)
    }

    /// Its place among all.
    #[cfg(test)]
    pub fn place(&self) -> usize {
        self.place
    }
}

impl Trials {
    /// No trials yet, with room for the figures of a study.
    pub fn of(study: &Study) -> Trials {
        let figures = figures::of_study(study).map(|figure| Packed::of(figure.decimals)).collect();
        Trials { cells: Vec::new(), numbers: Packed::of(0), figures }
    }

    /// Adds a trial that stands behind all others; of several rows of one trial the first counts.
    pub fn push(&mut self, (cell, number): Key, mut figures: impl Iterator<Item = Option<f64>>) {
        let len = self.len();
        if let Some((last, first)) = self.cells.last().copied()
            && last == cell
        {
            let before = self.number(len - 1);
            debug_assert!(first < len && before <= number, "trials come in their order");
            if before == number {
                return;
            }
        } else {
            self.cells.push((cell, len));
        }
        self.numbers.push(Some(number.into()));
        self.figures.iter_mut().for_each(|column| column.push(figures.next().flatten()));
    }

    /// Gives back the room for further trials.
    pub fn shrink(&mut self) {
        self.figures.iter_mut().chain([&mut self.numbers]).for_each(Packed::shrink);
    }

    /// Bytes that they hold.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.figures.iter().chain([&self.numbers]).map(Packed::bytes).sum()
    }

    /// Number of trials.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of trials of a cell.
    pub fn count(&self, cell: usize) -> usize {
        self.of_cell(cell).len()
    }

    /// All trials, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Trial<'_>> + Clone {
        self.cells().flat_map(|cell| self.of_cell(cell))
    }

    /// The trials of a cell.
    pub fn of_cell(&self, cell: usize) -> impl ExactSizeIterator<Item = Trial<'_>> + Clone {
        let places = match self.cells.binary_search_by_key(&cell, |(cell, _)| *cell) {
            Ok(at) => self.cells[at].1..self.cells.get(at + 1).map_or(self.len(), |(_, next)| *next),
            Err(_) => 0..0,
        };
        places.map(move |place| Trial { cell, number: self.number(place), place, all: self })
    }

    /// The cells that have a trial, in order.
    pub fn cells(&self) -> impl Iterator<Item = usize> + Clone {
        self.cells.iter().map(|(cell, _)| *cell)
    }

    /// Replaces a figure of all trials.
    pub fn replace(&mut self, column: usize, values: Packed) {
        assert_eq!(values.len(), self.len(), "a value for each trial");
        self.figures[column] = values;
    }

    /// Replaces a figure of the trial at a place.
    #[cfg(test)]
    pub fn set(&mut self, place: usize, column: usize, value: Option<f64>) {
        self.figures[column].set(place, value);
    }

    /// Leaves the trials of these cells only.
    pub fn retain_cells(&mut self, wanted: impl Fn(usize) -> bool) {
        let empty = |column: &Packed| column.empty();
        let mut left = Trials {
            cells: Vec::new(),
            numbers: self.numbers.empty(),
            figures: self.figures.iter().map(empty).collect(),
        };
        for trial in self.iter().filter(|trial| wanted(trial.cell)) {
            let figures = self.figures.iter().map(|column| column.get(trial.place));
            left.push((trial.cell, trial.number), figures);
        }
        *self = left;
    }

    fn number(&self, place: usize) -> u32 {
        self.numbers.get(place).expect("each trial has a number") as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::testing::study;

    #[test]
    fn trials_are_found_by_their_cells() {
        let study = study(&[("link.a.loss", &["0%", "1%", "2%"])]);
        let mut trials = Trials::of(&study);
        let columns = figures::of_study(&study).count();
        for (cell, number) in [(0, 0), (0, 3), (0, 3), (2, 1)] {
            trials.push(
                (cell, number),
                (0..columns).map(|column| Some(f64::from(10 * number) + column as f64)),
            );
        }
        let keys =
            |trials: &Trials| trials.iter().map(|trial| (trial.cell, trial.number)).collect::<Vec<_>>();
        assert_eq!(keys(&trials), [(0, 0), (0, 3), (2, 1)]);
        assert_eq!([0, 1, 2, 3].map(|cell| trials.count(cell)), [2, 0, 1, 0]);
        let place = trials.of_cell(2).next().expect("a trial").place();
        trials.set(place, 1, None);
        trials.retain_cells(|cell| cell == 2);
        assert_eq!(keys(&trials), [(2, 1)]);
        let only = trials.iter().next().expect("a trial");
        assert_eq!([0, 1].map(|column| only.figure(column)), [Some(10.0), None]);
    }

    #[test]
    fn a_trial_takes_a_few_dozen_bytes() {
        let study = study(&[]);
        let mut trials = Trials::of(&study);
        for number in 0..10_000 {
            let varied = f64::from(number * 7919 % 10_007);
            let figure =
                |decimals: usize| (varied * 1000.0).round() / [1.0, 10.0, 1e2, 1e3, 1e4, 1e5, 1e6][decimals];
            trials.push((0, number), figures::of_study(&study).map(|f| Some(figure(f.decimals))));
        }
        trials.shrink();
        let each = trials.bytes() / trials.len();
        // A structure with options takes 16 bytes for each, and 40 beside them.
        assert!(each <= 4 * figures::of_study(&study).count() + 4, "{each} bytes");
    }
}
