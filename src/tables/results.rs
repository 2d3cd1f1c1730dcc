//! The files of a run as they are read back: the one source of summary, pictures and page.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checks::{Check, Tally};
use super::error::FileError;
use super::figures::{self, Nature};
use super::reading;
pub use super::reading::Row;
use super::rows::Table;
use super::series;
use super::store::Store;
use super::study::Study;
pub use super::trials::{Trial, Trials};

/// The results of a run.
#[derive(Clone, Debug)]
pub struct Results {
    store: Arc<dyn Store>,
    /// Study of the run.
    pub study: Study,
    /// The finished trials, by cell and trial.
    pub trials: Trials,
    /// The realised checks of all cells, over their trials.
    pub checks: Vec<Check>,
    /// Place at which the trials' goodput was measured.
    pub measured: Measured,
}

/// Place at which the goodput of trials that are compared was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Measured {
    /// At the bottleneck of each, which is the same for all.
    #[default]
    Alike,
    /// At this place in all, though some have their bottleneck elsewhere.
    At(String),
    /// In each cell at its own one of these, so that goodputs of cells cannot be compared.
    Apart(String),
}

impl Results {
    /// Reads the tables. Rows that a stopped run left half written are passed over.
    pub fn load(store: Arc<dyn Store>, study: &Study) -> Result<Results, FileError> {
        for table in Table::of(study) {
            // A table that is not there would be taken for one in which nothing happened.
            let path = Path::new(table.file());
            store.open(path).map_err(FileError::io("read", &store.path(path)))?;
        }
        let mut trials = Trials::of(study);
        let mut problem = None;
        let figures: Vec<_> = figures::of_study(study).collect();
        let path = Path::new(Table::Trials.file());
        reading::each_in_order(&*store, path, |row| {
            if let (Some(cell), Some(number)) = (row.parse("cell"), row.parse("trial")) {
                if cell >= study.cells() {
                    problem.get_or_insert(format!("there is no cell {cell} in this sweep"));
                }
                for figure in &figures {
                    let text = row.get(figure.column);
                    if !text.is_empty() && text.parse::<f64>().is_err() {
                        let name = figure.column;
                        problem.get_or_insert(format!("`{name}` of cell {cell} is no number: {text:?}"));
                    }
                }
                trials.push((cell, number), figures.iter().map(|figure| row.parse(figure.column)));
            }
        })?;
        if let Some(problem) = problem {
            return Err(FileError::malformed(&store.path(path), problem));
        }
        trials.shrink();
        let (study, checks, measured) = (study.clone(), Vec::new(), Measured::default());
        let mut results = Results { store, study, trials, checks, measured };
        let mut tally = Tally::default();
        results.each_row_of(Table::Realised, |cell, row| tally.add(cell, row))?;
        results.checks = tally.finish();
        Ok(results)
    }

    /// Results without files.
    #[cfg(test)]
    pub fn of_trials(
        study: Study,
        rows: impl IntoIterator<Item = (reading::Key, Vec<Option<f64>>)>,
        checks: Vec<Check>,
    ) -> Results {
        let mut trials = Trials::of(&study);
        rows.into_iter().for_each(|(key, figures)| trials.push(key, figures.into_iter()));
        let store = Arc::new(super::store::Memory::default());
        Results { store, study, trials, checks, measured: Measured::default() }
    }

    /// The same of a run that has something to show.
    pub fn load_some(store: Arc<dyn Store>, study: &Study) -> Result<Results, FileError> {
        let results = Results::load(store, study)?;
        if results.trials.is_empty() {
            let problem = "it holds no finished trial, so that there is nothing to show";
            return Err(FileError::malformed(&results.path(Table::Trials.file()), problem));
        }
        Ok(results)
    }

    /// The path of a file as messages name it.
    pub fn path(&self, file: impl AsRef<Path>) -> PathBuf {
        self.store.path(file.as_ref())
    }

    /// True if a file or a folder is there.
    pub fn holds(&self, path: impl AsRef<Path>) -> bool {
        self.store.holds(path.as_ref())
    }

    /// The bytes of a file.
    pub fn read(&self, file: &Path) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::new();
        let all = self.store.open(file).and_then(|mut open| open.read_to_end(&mut bytes));
        all.map(|_| bytes).map_err(FileError::io("read", &self.path(file)))
    }

    /// The cells that have a finished trial, in order.
    pub fn cells_with_trials(&self) -> Vec<usize> {
        self.trials.cells().collect()
    }

    /// The column of a figure in [`Trials`]; `None` if the study does not have it.
    pub fn figure(&self, name: &str) -> Option<usize> {
        figures::of_study(&self.study).position(|figure| figure.column == name)
    }

    /// One value per trial of a cell, with the trial's number, where the figure exists.
    pub fn values(&self, cell: usize, name: &str) -> impl Iterator<Item = (u32, f64)> + Clone + use<'_> {
        let column = self.figure(name);
        let trials = self.trials.of_cell(cell);
        trials.filter_map(move |trial| Some((trial.number, trial.figure(column?)?)))
    }

    /// Each trial of a cell with its figures that are figures of the network: not the machine's wall time, and
    /// not the program's work.
    pub fn figures_of_network(&self, cell: usize) -> impl Iterator<Item = (u32, Vec<Option<f64>>)> {
        let all = figures::of_study(&self.study).enumerate();
        let columns: Vec<usize> =
            all.filter(|(_, figure)| figure.nature == Nature::Network).map(|(column, _)| column).collect();
        let trials = self.trials.of_cell(cell);
        trials.map(move |trial| (trial.number, columns.iter().map(|&column| trial.figure(column)).collect()))
    }

    /// Rows of a table, to be read trial by trial.
    pub fn by_trial(&self, table: Table) -> Result<reading::Trials<'_>, FileError> {
        reading::Trials::of(&*self.store, Path::new(table.file()))
    }

    /// Calls `visit` with each row of a table that belongs to a finished trial, in the order of trials.
    pub fn each_row_of(&self, table: Table, mut visit: impl FnMut(usize, &Row<'_>)) -> Result<(), FileError> {
        let mut rows = self.by_trial(table)?;
        let mut trials = self.trials.iter();
        trials.try_for_each(|trial| rows.each_of((trial.cell, trial.number), |row| visit(trial.cell, row)))
    }

    /// The folder with the series of the first trial of a cell that has any.
    pub fn series_dir(&self, cell: usize) -> Option<PathBuf> {
        self.trial_with_series(cell).map(|number| series::folder(&self.study, cell, number))
    }

    /// The first trial of a cell that has series.
    pub fn trial_with_series(&self, cell: usize) -> Option<u32> {
        let mut numbers = self.trials.of_cell(cell).map(|trial| trial.number);
        numbers.find(|number| self.holds(series::folder(&self.study, cell, *number)))
    }

    /// Calls `visit` with each complete row of a file. A file that is not there has no rows.
    pub fn each_row(&self, file: &Path, visit: impl FnMut(&Row<'_>)) -> Result<(), FileError> {
        each_row(&*self.store, file, visit)
    }

    /// Calls `visit` with the fields under these columns of each complete row; empty where there is no such column.
    /// For long files: names are looked up once.
    pub fn each_record<const N: usize>(
        &self,
        file: &Path,
        columns: [&str; N],
        mut visit: impl FnMut([&str; N]),
    ) -> Result<(), FileError> {
        let mut places = None;
        self.each_row(file, |row| {
            let places = *places.get_or_insert_with(|| columns.map(|column| row.place(column)));
            visit(places.map(|place| row.at(place)));
        })
    }

    /// True if a complete row of a file is a `wanted` one; no row is read after the first such.
    pub fn any_row(&self, file: &Path, wanted: impl FnMut(&Row<'_>) -> bool) -> Result<bool, FileError> {
        reading::any_row(&*self.store, file, wanted)
    }
}

fn each_row(store: &dyn Store, file: &Path, mut visit: impl FnMut(&Row<'_>)) -> Result<(), FileError> {
    let all = |row: &Row<'_>| {
        visit(row);
        false
    };
    reading::any_row(store, file, all).map(|_| ())
}
