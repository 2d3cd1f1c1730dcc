//! Files of ours in a result folder: others stay as they are.

use std::fs;
use std::io;
use std::path::Path;

use super::error::ReportError;
use super::{journal, manifest, plot};
use crate::tables::{axes, captures, groups, series, summary};

/// The files of a result folder beside its manifest.
pub const FILES: [&str; 14] = [
    "trials.csv",
    axes::FILE,
    summary::FILE,
    groups::FILE,
    "flows.csv",
    "links.csv",
    "realised.csv",
    "datagrams.csv",
    "probes.csv",
    "requests.csv",
    "chunks.csv",
    "lateness.csv",
    journal::FILE,
    "report.html",
];
/// Its folders.
pub const FOLDERS: [&str; 5] = ["series", "latency", captures::PLACES[0].0, captures::PLACES[1].0, "plots"];

/// Folder of exported tables, which are cleared with the others, and are no results.
pub const EXPORTED: &str = "parquet";

/// Ending of an exported table's name, and the beginning of one that has the series of all trials.
pub const EXPORTED_ENDING: &str = ".parquet";
pub const SERIES: &str = "series-";

/// The ending of a file that is not complete yet.
pub const DRAFT: &str = ".tmp";

/// True if a file is one that is not complete yet.
pub fn is_draft(name: &str) -> bool {
    name.ends_with(DRAFT)
}

/// True if a file of this path below a result folder is one that a run writes; its draft, too.
fn is_ours(name: &str) -> bool {
    let name = name.strip_suffix(DRAFT).unwrap_or(name);
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let trial = |text: &str| text.strip_prefix("trial-").is_some_and(number);
    match name.split('/').collect::<Vec<_>>()[..] {
        [file] => FILES.contains(&file) || file == manifest::FILE,
        ["series", cell, of, file] => number(cell) && trial(of) && series::FILES.contains(&file),
        [folder, cell, of, file] if captures::PLACES.iter().any(|(name, _)| *name == folder) => {
            let is_there = |(name, ending): &(&str, &str)| *name == folder && file.ends_with(ending);
            number(cell) && trial(of) && captures::PLACES.iter().any(is_there)
        }
        ["latency", file] => file.strip_suffix(".hgrm").is_some_and(number),
        ["latency", cell, file] => number(cell) && file.strip_suffix(".hlog").is_some_and(trial),
        ["plots", file] => plot::is_picture(file),
        _ => false,
    }
}

/// Name of the exported file of a CSV file.
#[cfg(feature = "parquet")]
pub fn exported(beginning: &str, table: &str) -> String {
    format!("{beginning}{}{EXPORTED_ENDING}", table.trim_end_matches(".csv"))
}

/// True if an exported table, or its draft, has this name.
fn is_exported(name: &str) -> bool {
    let name = name.strip_suffix(DRAFT).unwrap_or(name);
    let table = name.strip_suffix(EXPORTED_ENDING).map(|stem| format!("{stem}.csv"));
    table.is_some_and(|table| match table.strip_prefix(SERIES) {
        Some(file) => series::FILES.contains(&file),
        None => table != journal::FILE && FILES.contains(&table.as_str()),
    })
}

/// True if a file is a record of trials, and not computed from records.
pub fn is_record(name: &str) -> bool {
    !is_computed_table(name) && !is_drawn(name)
}

/// True if a file is for people, and computed from others.
pub fn is_drawn(name: &str) -> bool {
    name == "report.html" || name.starts_with("plots/")
}

/// True if a file is a table that is computed from records.
pub fn is_computed_table(name: &str) -> bool {
    [axes::FILE, summary::FILE, groups::FILE].contains(&name)
        || Path::new(name).extension().is_some_and(|kind| kind == "hgrm")
}

/// The files below one of our folders that a run wrote, by their paths below `dir`.
pub fn files_below(dir: &Path, folder: &str) -> Result<Vec<String>, ReportError> {
    let path = dir.join(folder);
    let mut names = Vec::new();
    if !path.is_dir() {
        return Ok(names);
    }
    for entry in fs::read_dir(&path).map_err(ReportError::io("read", &path))? {
        let entry = entry.map_err(ReportError::io("read", &path))?;
        let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
        // Links are not followed: they may go in circles.
        let kind = entry.file_type().map_err(ReportError::io("read", &path))?;
        if kind.is_dir() {
            names.extend(files_below(dir, &name)?);
        } else if is_ours(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Removes exported tables from a folder, and nothing else; the folder goes with the last file.
pub fn clear_exported(folder: &Path) -> Result<(), ReportError> {
    if !folder.is_dir() {
        return Ok(());
    }
    let mut removed = 0;
    for entry in fs::read_dir(folder).map_err(ReportError::io("read", folder))? {
        let entry = entry.map_err(ReportError::io("read", folder))?;
        let is_file = !entry.file_type().map_err(ReportError::io("read", folder))?.is_dir();
        if is_file && is_exported(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path()).map_err(ReportError::io("remove", &entry.path()))?;
            removed += 1;
        }
    }
    if removed > 0 {
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// Removes what an earlier run wrote, and nothing else; the manifest last, so that a kill leaves a folder
/// of ours.
pub fn clear(dir: &Path) -> Result<(), ReportError> {
    let absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    clear_exported(&dir.join(EXPORTED))?;
    for folder in FOLDERS {
        for name in files_below(dir, folder)? {
            let path = dir.join(&name);
            fs::remove_file(&path).map_err(ReportError::io("remove", &path))?;
            // Folders go with their last file; one that holds something else stays.
            let parents = path.ancestors().skip(1).take_while(|parent| *parent != dir);
            for parent in parents {
                if fs::remove_dir(parent).is_err() {
                    break;
                }
            }
        }
    }
    for name in FILES.into_iter().chain([manifest::FILE]) {
        for name in [name.to_owned(), name.to_owned() + DRAFT] {
            let path = dir.join(name);
            match fs::remove_file(&path) {
                Err(error) if !absent(&error) => return Err(ReportError::io("remove", &path)(error)),
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_did_not_write_stays_wherever_it_lies() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let ours = [
            "manifest.json",
            "trials.csv",
            "journal.csv",
            "summary.csv.tmp",
            "series/03/trial-0/flows.csv",
            "latency/03.hgrm",
            "latency/03/trial-12.hlog",
            "plots/cwnd.svg",
            "plots/cwnd.png.tmp",
            "parquet/series-flows.parquet",
            "parquet/trials.parquet.tmp",
        ];
        let others = [
            "notes.txt",
            "trials.csv.bak",
            "series/03/trial-0/flows.ods",
            "series/mine/flows.csv",
            "latency/by-hand.hgrm",
            "plots/mine.png",
            "parquet/mine.parquet",
            "parquet/series-mine.parquet",
            "parquet/journal.parquet",
        ];
        for name in ours.iter().chain(&others) {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(&path, name).expect("written");
        }
        std::os::unix::fs::symlink("..", dir.path().join("series/circle")).expect("linked");
        clear(dir.path()).expect("cleared");
        for name in ours {
            assert!(!dir.path().join(name).exists(), "{name}");
        }
        for name in others {
            assert!(dir.path().join(name).exists(), "{name}");
        }
        assert!(!dir.path().join("latency/03").exists(), "empty folders of ours go");
    }
}
