//! Turns the outcomes of trials into files: tables, histograms, pictures, a page and a manifest.
//!
//! A [`ResultFolder`] is opened before the first trial and takes trials one by one; the row in
//! `trials.csv` is the last thing written for a trial and makes it count. Everything else (the
//! summary, the verdicts, the warnings, the pictures, the page) is computed by [`finish`] from the
//! files alone, so that [`plot`] can do it again on any folder.
//!
//! Invariants: no clock, no knowledge of the engine; the same trials give the same bytes on any number of
//! threads (only [`parallel`] starts some); a figure that does not exist is an empty field, never 0.

mod again;
mod disk;
mod done;
mod error;
mod html;
mod journal;
mod layout;
mod manifest;
mod merge;
mod parallel;
#[cfg(feature = "parquet")]
mod parquet;
mod paths;
mod plot;
mod preface;
mod resume;
mod straight;
#[cfg(test)]
pub(crate) mod testing;
mod verify;
pub mod version;
mod whole;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::scenario::PlotSpec;
use crate::tables::{self, Beside, Findings, Means, Results, Warning, bottleneck, groups, settling};

pub use disk::{Disk, Fingerprint};
pub use error::{ReportError, too_many_files};
pub use manifest::Manifest;
pub use merge::{Merged, merge};
pub use plot::{Drawn, check as check_plots, names as picture_names, over_time, overlay, ratios};
pub use verify::{Comparison, Difference, compare_all, compare_some, has_torn_row, lost_trials, trials};
pub use version::Run;
pub use writer::{Mode, ResultFolder};
#[cfg(feature = "parquet")]
pub use {layout::EXPORTED, parquet::export};

/// Findings of [`finish`], and the pictures of them.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Report {
    /// Everything that is said of the run.
    #[serde(flatten)]
    pub findings: Findings,
    /// Pictures that were drawn, relative to the folder.
    pub pictures: Vec<PathBuf>,
    /// Parts that the pictures could not show as they are, for stderr.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// Computes everything that rests on the files of `dir`: `summary.csv`, `latency/<cell>.hgrm`, the
/// pictures (unless `pictures` is false), `report.html` and the final `manifest.json`, which gets
/// `finished` as its end time. Works on a folder whose run was stopped half way, too.
pub fn finish(dir: &Path, finished: &str, pictures: bool) -> Result<Report, ReportError> {
    let mut manifest = Manifest::read(dir)?;
    manifest.finished = Some(finished.to_owned());
    resume::put_in_order(dir, &manifest.study)?;
    manifest.hash_records(dir)?;
    let mut results = Results::load(Arc::new(Disk::of(dir)), &manifest.study)?;
    bottleneck::settle(&mut [&mut results])?;
    derive(dir, &results, manifest, pictures, &[])
}

/// Draws the pictures and the page of a result folder again, from its files alone. A picture stays as it
/// is where files of the run are gone that it was drawn from. Files that are not what the run wrote are
/// an error, or with `force` a warning on the page.
pub fn plot(dir: &Path, force: bool) -> Result<Report, ReportError> {
    let manifest = Manifest::read(dir)?;
    let _lock = disk::Lock::take(dir)?;
    let mut results = Results::load_some(Arc::new(Disk::of(dir)), &manifest.study)?;
    bottleneck::settle(&mut [&mut results])?;
    let changed = manifest.changed_records(dir)?;
    let anew = manifest.changed_tables(dir)?;
    if !force {
        let files = [changed.as_slice(), &anew].concat();
        if !files.is_empty() {
            return Err(ReportError::Edited { path: dir.to_owned(), files });
        }
    }
    let mut report = derive(dir, &results, manifest, true, &changed)?;
    if !anew.is_empty() {
        let text = format!("computed anew: {}, which had been changed", anew.join(", "));
        report.findings.warnings.push(Warning { text, cells: Vec::new() });
    }
    Ok(report)
}

/// Findings of a result folder as it lies there; nothing in it changes.
pub fn read(dir: &Path) -> Result<Report, ReportError> {
    let manifest = Manifest::read(dir)?;
    let mut results = Results::load_some(Arc::new(Disk::of(dir)), &manifest.study)?;
    bottleneck::settle(&mut [&mut results])?;
    let changed = manifest.changed_records(dir)?;
    let findings = find(&results, Means::of(&results)?, &changed)?;
    Ok(Report { findings, pictures: plot::existing(dir, &results.study), notice: None })
}

/// Draws one figure of a result folder by its name, as it is asked for, from the folder's files alone. Nothing
/// else in the folder changes. Files that are not what the run wrote are an error unless `force` is set.
pub fn draw(dir: &Path, spec: &PlotSpec, out: Option<&Path>, force: bool) -> Result<Drawn, ReportError> {
    let manifest = Manifest::read(dir)?;
    let mut results = Results::load_some(Arc::new(Disk::of(dir)), &manifest.study)?;
    bottleneck::settle(&mut [&mut results])?;
    let changed = manifest.changed_records(dir)?;
    if !force && !changed.is_empty() {
        return Err(ReportError::Edited { path: dir.to_owned(), files: changed });
    }
    plot::draw_one(&mut results, spec, out)
}

/// Folders beside one another, and sentences on what is wrong with them.
pub fn beside(dirs: &[PathBuf], stated: tables::Stated<'_>) -> Result<(Beside, Vec<String>), ReportError> {
    let (mut runs, mut doubts) = (Vec::new(), Vec::new());
    for dir in dirs {
        let manifest = Manifest::read(dir)?;
        // Series, which lie in folders of their own, are not compared.
        doubts.extend(doubt(dir, &manifest, |name| !name.contains('/'))?);
        runs.push(Results::load_some(Arc::new(Disk::of(dir)), &manifest.study)?);
    }
    Ok((Beside::of(runs, stated)?, doubts))
}

/// Reason for which the `read` files of a folder may not be those of a whole run.
fn doubt(dir: &Path, manifest: &Manifest, read: fn(&str) -> bool) -> Result<Option<String>, ReportError> {
    let mut changed = [manifest.changed_records(dir)?, manifest.changed_tables(dir)?].concat();
    changed.retain(|name| read(name));
    let (done, all) = (resume::count_finished(dir)?, manifest.study.cells() * manifest.study.trials as usize);
    let dir = dir.display();
    Ok(if !changed.is_empty() {
        Some(format!("{dir}: changed since the run wrote it: {}", changed.join(", ")))
    } else if done < all {
        Some(format!(
            "{dir} is not complete: {done} of {all} trials are done; `testbed run --resume` goes on"
        ))
    } else {
        None
    })
}

/// `changed` are the records that are not what the run wrote.
fn derive(
    dir: &Path,
    results: &Results,
    mut manifest: Manifest,
    pictures: bool,
    changed: &[String],
) -> Result<Report, ReportError> {
    let mut groups = disk::Replacement::of(&dir.join(groups::FILE))?;
    let means = Means::writing(results, |piece| groups.write(piece.as_bytes()))?;
    groups.finish()?;
    for (name, text) in means.short_files(results)? {
        disk::replace(&dir.join(name), text.as_bytes())?;
    }
    let mut findings = find(results, means, changed)?;
    let (pictures, notice) = if pictures {
        let missing = manifest.missing_records(dir);
        let plot::Pictures { all, kept, boxes, undrawn } =
            plot::draw_all(results, &findings.cells, &missing)?;
        findings.warnings.extend(plot::kept_warning(&kept, &missing));
        findings.warnings.extend(undrawn);
        (all, plot::boxes(&boxes.0, &boxes.1))
    } else {
        (plot::existing(dir, &results.study), None)
    };
    let report = Report { findings, pictures, notice };
    html::write(results, &manifest, &report)?;
    manifest.hash_derived(dir)?;
    manifest.write(dir)?;
    Ok(report)
}

/// Findings of a run; `changed` are the records that are not what the run wrote.
fn find(results: &Results, means: Means, changed: &[String]) -> Result<Findings, ReportError> {
    let unsettled = settling::find(results, |cells, read| parallel::map(cells, |&cell| read(cell)))?;
    let mut findings = Findings::of(results, means, unsettled)?;
    if !changed.is_empty() {
        let text = format!("changed since the run wrote them: {}", changed.join(", "));
        findings.warnings.insert(0, Warning { text, cells: Vec::new() });
    }
    Ok(findings)
}
