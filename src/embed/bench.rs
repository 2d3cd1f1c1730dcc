//! Tables of an experiment in memory: trials are added one by one, and all else is computed of their rows.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::lab::Lab;
use crate::facts::Outcome;
use crate::tables::figures::{self, Source};
use crate::tables::{Findings, Means, Memory, Results, Study, TrialRow, bottleneck, settling, study, table};
use crate::units::hex;

/// Results of an experiment as they grow.
pub(super) struct Bench {
    study: Study,
    memory: Arc<Memory>,
}

/// All that is said of them.
#[derive(Debug, Serialize)]
pub(super) struct Said {
    /// Heads of the short table: axes, then figures with their units.
    headings: Vec<String>,
    /// A row for each cell, in the order of cells.
    rows: Vec<Vec<String>>,
    findings: Findings,
}

/// A figure of one trial.
#[derive(Debug, Serialize)]
pub(super) struct TrialFigure {
    column: &'static str,
    words: &'static str,
    unit: &'static str,
    value: String,
}

impl Lab {
    /// A bench without trials.
    pub(super) fn bench(&self) -> Bench {
        let study = self.study();
        Bench { memory: Arc::new(Memory::of(&study)), study }
    }

    pub(super) fn study(&self) -> Study {
        study(&self.plan, self.plan.texts.text.clone(), self.plan.texts.sets.clone())
    }

    /// The figures of a trial that have a place in the short table; those of its samples only if they were taken as the
    /// scenario says.
    pub(super) fn figures(
        &self,
        cell: usize,
        trial: u32,
        outcome: &Outcome,
        as_said: bool,
    ) -> Vec<TrialFigure> {
        let mut study = self.study();
        study.recorded &= as_said;
        let row = self.row(cell, trial, outcome);
        let source = Source::of(&row);
        let known = figures::of_study(&study).filter(|figure| figure.heading.is_some());
        let said = known.filter_map(|figure| {
            let value = (figure.value)(&source).filter(|value| (figure.tells)(*value))?;
            let value = table::plain(value * figure.factor);
            Some(TrialFigure { column: figure.column, words: figure.words, unit: figure.unit, value })
        });
        said.collect()
    }

    pub(super) fn row<'a>(&self, cell: usize, trial: u32, outcome: &'a Outcome) -> TrialRow<'a> {
        // No clock says how long it took: the column is empty.
        TrialRow { cell, trial, seed: self.trial(cell, trial).seed.0, outcome, wall_s: f64::NAN }
    }
}

impl Bench {
    /// Runs a trial and adds its rows.
    pub fn add(&mut self, lab: &Lab, cell: usize, trial: u32) -> Result<(), String> {
        let outcome = lab.run(cell, trial)?;
        let row = lab.row(cell, trial, &outcome);
        Arc::make_mut(&mut self.memory).take(&self.study, &row).map_err(|error| error.to_string())
    }

    /// Says what there is to say of the trials so far.
    pub fn say(&self) -> Result<Said, String> {
        let (results, means) = self.means()?;
        let unsettled = settling::find(&results, settling::one_by_one).map_err(|error| error.to_string())?;
        let findings = Findings::of(&results, means, unsettled).map_err(|error| error.to_string())?;
        let columns = table::shown(&findings.cells);
        let figure = |column: &table::Shown| match column.unit {
            "" => column.heading.clone(),
            unit => format!("{} ({unit})", column.heading),
        };
        let axes = self.study.headings();
        let row = |cell: &crate::tables::summary::CellSummary| {
            let values = self.study.axes.iter().zip(&cell.values).map(|(axis, value)| axis.short(value));
            values.chain(columns.iter().map(|column| table::estimate(cell, column))).collect()
        };
        Ok(Said {
            headings: axes.chain(columns.iter().map(figure)).collect(),
            rows: findings.cells.iter().map(row).collect(),
            findings,
        })
    }

    /// Texts of the tables by the names of their files.
    pub fn files(&self) -> Result<Vec<(String, String)>, String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let own = self.memory.files().filter(|(path, _)| path.parent() == Some(Path::new("")));
        let own = own.map(|(path, bytes)| (path.display().to_string(), text(bytes)));
        let (results, means) = self.means()?;
        let computed = means.files(&results).map_err(|error| error.to_string())?;
        Ok(own
            .chain(
                computed
                    .into_iter()
                    .filter(|(name, _)| Path::new(name).extension().is_some_and(|kind| kind == "csv")),
            )
            .collect())
    }

    /// SHA-256 of every file that a run leaves but its pictures, by path.
    pub fn hashes(&self) -> Result<Vec<(String, String)>, String> {
        let hash = |bytes: &[u8]| hex(&Sha256::digest(bytes));
        let own = self.memory.files().map(|(path, bytes)| (path.display().to_string(), hash(bytes)));
        let (results, means) = self.means()?;
        let computed = means.files(&results).map_err(|error| error.to_string())?;
        Ok(own.chain(computed.into_iter().map(|(name, text)| (name, hash(text.as_bytes())))).collect())
    }

    fn means(&self) -> Result<(Results, Means), String> {
        let mut results =
            Results::load(self.memory.clone(), &self.study).map_err(|error| error.to_string())?;
        bottleneck::settle(&mut [&mut results]).map_err(|error| error.to_string())?;
        let means = Means::of(&results).map_err(|error| error.to_string())?;
        Ok((results, means))
    }
}
