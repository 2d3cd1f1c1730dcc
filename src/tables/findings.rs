//! Everything that is said of a run, computed of its tables.

use serde::Serialize;

use super::axes;
use super::checks;
use super::claims::{self, Judged};
use super::error::FileError;
use super::groups::{self, Groups};
use super::latency;
use super::lateness::{self, Late};
use super::results::Results;
use super::settling::Unsettled;
use super::summary::{self, CellSummary};
use super::table;
use super::verdict;
use super::warnings::{self, Warning};

/// Findings of a run, for the terminal and for `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// Lateness of events, of a run in real time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lateness: Vec<String>,
    /// The aligned table, one line per cell, with a line break at its end.
    pub table: String,
    /// One to three sentences that compare the cells, as far as the intervals support it.
    pub verdict: Vec<String>,
    /// The scenario's claims, each with its judgement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Judged>,
    /// One line on the realised checks, or one per failed check.
    pub checks: Vec<String>,
    /// Problems to look at before trusting the figures.
    pub warnings: Vec<Warning>,
    /// Mean and interval of each figure of each cell.
    pub cells: Vec<CellSummary>,
}

/// Means of a run's cells, and the figures of its groups that they rest on.
pub struct Means {
    cells: Vec<CellSummary>,
    groups: Groups,
}

impl Means {
    /// Those of a run.
    pub fn of(results: &Results) -> Result<Means, FileError> {
        Means::writing(results, |_| ())
    }

    /// The same; `write` is handed the text of `groups.csv` piece by piece, which has rows for each trial.
    pub fn writing(results: &Results, write: impl FnMut(&str)) -> Result<Means, FileError> {
        let claims = &results.study.claims;
        let claimed = |group: &str, column: &str| {
            claims.iter().any(|claim| claim.group.as_deref() == Some(group) && claim.figure == column)
        };
        let groups = Groups::of(results, claimed, write)?;
        Ok(Means { cells: summary::over(results, &groups), groups })
    }

    /// The files that are computed of the study and of others, by their paths: `axes.csv`, `summary.csv`,
    /// `groups.csv` and the percentiles of latencies.
    pub fn files(&self, results: &Results) -> Result<Vec<(String, String)>, FileError> {
        let mut files = self.short_files(results)?;
        files.insert(2, (groups::FILE.to_owned(), groups::text(results)?));
        Ok(files)
    }

    /// The same without `groups.csv`.
    pub fn short_files(&self, results: &Results) -> Result<Vec<(String, String)>, FileError> {
        let mut files = vec![
            (axes::FILE.to_owned(), axes::text(&results.study)),
            (summary::FILE.to_owned(), summary::text(results, &self.cells)),
        ];
        files.extend(latency::percentiles(results)?);
        Ok(files)
    }
}

impl Findings {
    /// Looks at a run whose bulk flows settled, or did not.
    pub fn of(results: &Results, means: Means, unsettled: Unsettled) -> Result<Findings, FileError> {
        let Means { cells, groups } = means;
        let late = lateness::find(results)?;
        let findings = Findings {
            lateness: late.iter().map(Late::sentence).collect(),
            table: table::render(results, &cells),
            verdict: verdict::sentences(results, &cells),
            claims: claims::judge(results, &groups),
            checks: checks::lines(&results.study, &results.checks),
            warnings: warnings::find(results, &cells, &late, unsettled)?,
            cells,
        };
        Ok(findings)
    }

    /// Number of claims that do not hold.
    pub fn refuted(&self) -> usize {
        self.claims.iter().filter(|claim| claim.is_refuted()).count()
    }
}
