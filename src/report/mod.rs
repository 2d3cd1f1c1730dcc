//! Turns the outcomes of trials into files: tables, histograms, pictures, a page and a manifest.
//!
//! A [`ResultFolder`] is opened before the first trial and takes trials one by one; the row in
//! `trials.csv` is the last thing written for a trial and makes it count. Everything else (the
//! summary, the verdicts, the warnings, the pictures, the page) is computed by [`finish`] from the
//! files alone, so that [`plot`] can do it again on any folder.
//!
//! Invariants: no clock, no knowledge of the engine; the same trials give the same bytes on any number of
//! threads (only [`parallel`] starts some); a figure that does not exist is an empty field, never 0.

mod alike;
mod axis;
mod bottleneck;
mod claims;
mod compare;
mod disk;
mod error;
mod figures;
mod files;
mod goodput;
mod grid;
mod groups;
mod html;
mod journal;
mod latency;
mod lateness;
mod layout;
mod lines;
mod manifest;
mod merge;
mod paired;
mod parallel;
mod plot;
mod resume;
mod rows;
mod series;
mod settling;
pub(crate) mod stats;
mod study;
mod summary;
mod table;
#[cfg(test)]
mod testing;
mod verdict;
mod verify;
pub mod version;
mod warnings;
mod writer;

use std::path::{Path, PathBuf};

pub use axis::Axis;
pub use claims::{Claim, Judged};
pub use compare::Beside;
pub use error::{ReportError, too_many_files};
pub use figures::{FIGURES, Figure, of_groups, summarised};
pub use files::Results;
pub use grid::Format;
pub use lines::{wrapped, wrapping};
pub use manifest::Manifest;
pub use merge::{Merged, merge};
pub use plot::{Drawn, Format as PictureFormat, Request, names as picture_names};
pub use study::{InputFile, Run, Study, TrialRow};
pub use summary::CellSummary;
pub use verify::{Comparison, Difference, compare_all, compare_some, trials};
pub use warnings::Warning;
pub use writer::{Mode, ResultFolder};

/// Findings of [`finish`], for the terminal and for `--json`.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Report {
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
    /// Pictures that were drawn, relative to the folder.
    pub pictures: Vec<PathBuf>,
    /// Parts that the pictures could not show as they are, for stderr.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

impl Report {
    /// Number of claims that do not hold.
    pub fn refuted(&self) -> usize {
        self.claims.iter().filter(|claim| claim.is_refuted()).count()
    }
}

/// Computes everything that rests on the files of `dir`: `summary.csv`, `latency/<cell>.hgrm`, the
/// pictures (unless `pictures` is false), `report.html` and the final `manifest.json`, which gets
/// `finished` as its end time. Works on a folder whose run was stopped half way, too.
pub fn finish(dir: &Path, finished: &str, pictures: bool) -> Result<Report, ReportError> {
    let mut manifest = Manifest::read(dir)?;
    manifest.finished = Some(finished.to_owned());
    resume::put_in_order(dir, &manifest.study)?;
    manifest.hash_records(dir)?;
    let mut results = Results::load(dir, &manifest.study)?;
    bottleneck::settle(&mut [&mut results])?;
    derive(&results, manifest, pictures, &[])
}

/// Draws the pictures and the page of a result folder again, from its files alone. A picture stays as it
/// is where files of the run are gone that it was drawn from. Files that are not what the run wrote are
/// an error, or with `force` a warning on the page.
pub fn plot(dir: &Path, force: bool) -> Result<Report, ReportError> {
    let manifest = Manifest::read(dir)?;
    let _lock = disk::Lock::take(dir)?;
    let mut results = Results::load_some(dir, &manifest.study)?;
    bottleneck::settle(&mut [&mut results])?;
    let changed = manifest.changed_records(dir)?;
    let anew = manifest.changed_tables(dir)?;
    if !force {
        let files = [changed.as_slice(), &anew].concat();
        if !files.is_empty() {
            return Err(ReportError::Edited { path: dir.to_owned(), files });
        }
    }
    let mut report = derive(&results, manifest, true, &changed)?;
    if !anew.is_empty() {
        let text = format!("computed anew: {}, which had been changed", anew.join(", "));
        report.warnings.push(Warning { text, cells: Vec::new() });
    }
    Ok(report)
}

/// Findings of a result folder as it lies there; nothing in it changes.
pub fn read(dir: &Path) -> Result<Report, ReportError> {
    let manifest = Manifest::read(dir)?;
    let mut results = Results::load_some(dir, &manifest.study)?;
    bottleneck::settle(&mut [&mut results])?;
    let changed = manifest.changed_records(dir)?;
    let shares = groups::shares(&results)?;
    let cells = summary::over(&results, &shares);
    let (mut report, _) = find(&results, &shares, cells, &changed)?;
    report.pictures = plot::existing(dir);
    Ok(report)
}

/// Draws one figure of a result folder by its name, as the request wants it, from the folder's files alone. Nothing
/// else in the folder changes. Files that are not what the run wrote are an error unless `force` is set.
pub fn draw(
    dir: &Path,
    request: &Request,
    formats: &[PictureFormat],
    out: Option<&Path>,
    force: bool,
) -> Result<Drawn, ReportError> {
    let manifest = Manifest::read(dir)?;
    let mut results = Results::load_some(dir, &manifest.study)?;
    bottleneck::settle(&mut [&mut results])?;
    let changed = manifest.changed_records(dir)?;
    if !force && !changed.is_empty() {
        return Err(ReportError::Edited { path: dir.to_owned(), files: changed });
    }
    plot::draw_one(&mut results, request, formats, out)
}

/// `changed` are the records that are not what the run wrote.
fn derive(
    results: &Results,
    mut manifest: Manifest,
    pictures: bool,
    changed: &[String],
) -> Result<Report, ReportError> {
    let dir = &results.dir;
    let shares = groups::shares(results)?;
    let cells = summary::write(results, &shares)?;
    groups::write(results, &shares)?;
    latency::write_percentiles(results)?;
    let (mut report, checks) = find(results, &shares, cells, changed)?;
    if pictures {
        let missing = manifest.missing_records(dir);
        let plot::Pictures { all, kept, boxes } = plot::draw_all(results, &report.cells, &missing)?;
        report.warnings.extend(warnings::kept_pictures(&kept, &missing));
        (report.pictures, report.notice) = (all, warnings::boxes(&boxes.0, &boxes.1));
    } else {
        report.pictures = plot::existing(dir);
    }
    html::write(results, &manifest, &report, &checks)?;
    manifest.hash_derived(dir)?;
    manifest.write(dir)?;
    Ok(report)
}

/// Findings without pictures, and the realised checks; `changed` are the records that are not what the run wrote.
fn find(
    results: &Results,
    shares: &groups::Shares,
    cells: Vec<CellSummary>,
    changed: &[String],
) -> Result<(Report, Vec<table::Check>), ReportError> {
    let checks = table::checks(results);
    let late = lateness::find(results)?;
    let mut warnings = warnings::find(results, &cells, &checks, &late)?;
    if !changed.is_empty() {
        let text = format!("changed since the run wrote them: {}", changed.join(", "));
        warnings.insert(0, Warning { text, cells: Vec::new() });
    }
    let report = Report {
        lateness: late.iter().map(lateness::Late::sentence).collect(),
        table: table::render(results, &cells),
        verdict: verdict::sentences(results, &cells),
        claims: claims::judge(results, shares),
        checks: table::check_lines(&results.study, &checks),
        warnings,
        cells,
        pictures: Vec::new(),
        notice: None,
    };
    Ok((report, checks))
}
