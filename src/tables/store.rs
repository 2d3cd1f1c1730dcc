//! Place where files of results lie: a folder, or memory where there is none.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::rows::Table;
use super::study::{Study, TrialRow};
use super::{captures, latency, series};

/// Files of one run, by their paths below its folder.
pub trait Store: Debug + Send + Sync {
    /// The path of a file as messages name it.
    fn path(&self, file: &Path) -> PathBuf;

    /// A file from its first byte. The error's kind is `NotFound` if it is not there.
    fn open(&self, file: &Path) -> io::Result<Box<dyn Read + '_>>;

    /// True if a file or a folder is there.
    fn holds(&self, path: &Path) -> bool;
}

/// Files in memory, for a run where there is no folder.
#[derive(Clone, Debug, Default)]
pub struct Memory(BTreeMap<PathBuf, Vec<u8>>);

impl Memory {
    /// The file of that path, which is empty if it is new.
    pub fn file(&mut self, path: impl Into<PathBuf>) -> &mut Vec<u8> {
        self.0.entry(path.into()).or_default()
    }

    /// The tables of a study without trials.
    pub fn of(study: &Study) -> Memory {
        let mut memory = Memory::default();
        for table in Table::of(study) {
            memory.file(table.file()).extend_from_slice(table.header(study).as_bytes());
        }
        memory
    }

    /// Takes all that a trial leaves: its series, its latencies, its rows.
    pub fn take(&mut self, study: &Study, row: &TrialRow<'_>) -> io::Result<()> {
        if let Some(samples) = &row.outcome.series {
            for name in series::FILES {
                let file = self.file(series::folder(study, row.cell, row.trial).join(name));
                let put = |piece: &[u8]| -> io::Result<()> {
                    file.extend_from_slice(piece);
                    Ok(())
                };
                series::write(name, study, row, samples, put)?;
            }
        }
        for capture in &row.outcome.captures {
            self.file(captures::path(study, row.cell, row.trial, capture)).clone_from(&capture.file);
        }
        if let Some(messages) = &row.outcome.messages {
            let log = latency::log(&messages.latency, row.outcome.measured)?;
            *self.file(latency::log_path(study, row.cell, row.trial)) = log;
        }
        for table in Table::of(study) {
            self.file(table.file()).extend_from_slice(table.rows(study, row).as_bytes());
        }
        Ok(())
    }

    /// All files in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.0.iter().map(|(path, bytes)| (path.as_path(), bytes.as_slice()))
    }
}

impl Store for Memory {
    fn path(&self, file: &Path) -> PathBuf {
        file.to_owned()
    }

    fn open(&self, file: &Path) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.0.get(file).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(bytes.as_slice()))
    }

    fn holds(&self, path: &Path) -> bool {
        self.0.range(path.to_owned()..).next().is_some_and(|(first, _)| first.starts_with(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_has_the_files_and_the_findings_of_a_folder() {
        use crate::report::testing::{chat_outcome, run, study, with_chat};
        use crate::report::{Mode, ResultFolder, finish};
        use crate::tables::{Findings, Means, Results, bottleneck, settling};

        let mut study = with_chat(study(&[("link.access.loss", &["0%", "10%"])]));
        study.trials = 2;
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened");
        let mut memory = Memory::of(&study);
        for n in 0..4 {
            let outcome = chat_outcome(n, 0.05);
            let (cell, trial) = (n as usize / 2, (n % 2) as u32 + 1);
            let row = TrialRow { cell, trial, seed: n, outcome: &outcome, wall_s: 0.5 };
            folder.append(&row).expect("written");
            memory.take(&study, &row).expect("taken");
        }
        drop(folder);
        let report = finish(dir.path(), "later", false).expect("finished");
        let mut results = Results::load(std::sync::Arc::new(memory.clone()), &study).expect("loaded");
        bottleneck::settle(&mut [&mut results]).expect("settled");
        let means = Means::of(&results).expect("means");
        for (name, text) in means.files(&results).expect("texts") {
            *memory.file(name) = text.into_bytes();
        }
        assert_eq!(
            memory.files().count(),
            4 + 3 + 12 + 4 + 2,
            "tables, axes and means, series, logs, percentiles"
        );
        for (path, bytes) in memory.files() {
            assert!(std::fs::read(dir.path().join(path)).expect("a file") == bytes, "{}", path.display());
        }
        let unsettled = settling::find(&results, settling::one_by_one).expect("found");
        let findings = Findings::of(&results, means, unsettled).expect("findings");
        let json = |findings: &Findings| serde_json::to_string(findings).expect("JSON");
        assert_eq!(json(&findings), json(&report.findings));
    }

    #[test]
    fn memory_holds_files_and_their_folders() {
        let mut memory = Memory::default();
        memory.file("series/0/flows.csv").extend_from_slice(b"time_s\n");
        let holds = |path: &str| memory.holds(Path::new(path));
        assert_eq!(["series", "series/0", "series/0/flows.csv"].map(holds), [true; 3]);
        assert_eq!(["latency", "series/1", "serie", "series/0/flows"].map(holds), [false; 4]);
        let mut text = String::new();
        memory.open(Path::new("series/0/flows.csv")).expect("there").read_to_string(&mut text).expect("text");
        assert_eq!(text, "time_s\n");
        let missing = memory.open(Path::new("series")).err().expect("a folder is no file");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
