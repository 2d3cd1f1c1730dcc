//! `manifest.json`: what was run, where, by which version, and a checksum of each result.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk::{self, Fingerprint};
use super::error::ReportError;
use super::version::{self, Program, Run};
use super::{layout, resume};
use crate::rng;
use crate::tables::rows::Table;
use crate::tables::{Study, study};

/// The file's name.
pub const FILE: &str = "manifest.json";

/// Changes when a file or a column changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// The contents of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the files' format.
    pub schema_version: u32,
    /// The version of this program.
    pub version: String,
    /// The commit it was built from ([`version::REVISION`]).
    #[serde(default)]
    pub revision: String,
    /// The number of its results ([`version::RESULTS`]); 0 in folders from before it was counted.
    #[serde(default)]
    pub results: u32,
    /// The program, if it has controllers of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Program>,
    /// Generator of the random numbers.
    pub generator: String,
    /// The machine.
    pub host: Host,
    /// Time at which the run began.
    pub started: String,
    /// Time at which it ended, if it did.
    pub finished: Option<String>,
    /// The command line that repeats it.
    pub command: String,
    /// The scenario file, as far as other machines know it.
    #[serde(default)]
    pub file: String,
    /// SHA-256 of the way from the result folder to the scenario file, which tells two files of one
    /// name apart and no reader where on a machine they lie. Empty in folders of older versions.
    #[serde(default)]
    pub origin: String,
    /// Study of the run.
    #[serde(flatten)]
    pub study: Study,
    /// SHA-256 of each result file by its path below the folder.
    pub sha256: BTreeMap<String, String>,
}

/// The machine a run took place on; its results do not depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// `linux`, …
    pub os: String,
    /// `x86_64`, …
    pub arch: String,
    /// Processors.
    pub cpus: usize,
}

impl Manifest {
    /// The manifest of a run that has just begun.
    pub(super) fn new(study: &Study, run: &Run, dir: &Path) -> Manifest {
        // A folder that exists has a canonical name.
        let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let way = way(&dir, &run.source);
        Manifest {
            schema_version: SCHEMA_VERSION,
            version: version::VERSION.to_owned(),
            revision: version::REVISION.to_owned(),
            results: version::RESULTS,
            program: run.program.clone(),
            generator: rng::ALGORITHM.to_owned(),
            host: Host {
                os: std::env::consts::OS.to_owned(),
                arch: std::env::consts::ARCH.to_owned(),
                cpus: run.cpus,
            },
            started: run.started.clone(),
            finished: None,
            command: run.command.clone(),
            file: run.file.clone(),
            origin: Fingerprint::of(way.as_os_str().as_encoded_bytes()).sha256,
            study: study.clone(),
            sha256: BTreeMap::new(),
        }
    }

    /// The circumstances of the run, for a folder that stands for it.
    pub(super) fn run(&self) -> Run {
        Run {
            started: self.started.clone(),
            command: self.command.clone(),
            file: self.file.clone(),
            source: PathBuf::from(&self.file),
            cpus: self.host.cpus,
            program: self.program.clone(),
        }
    }

    /// Reads the manifest of a result folder.
    pub fn read(dir: &Path) -> Result<Manifest, ReportError> {
        let path = dir.join(FILE);
        let bytes = disk::read(&path)?;
        let malformed = |error| ReportError::malformed(&path, error);
        let mut value = serde_json::from_slice(&bytes).map_err(malformed)?;
        study::modernise(&mut value);
        let manifest: Manifest = serde_json::from_value(value).map_err(malformed)?;
        if manifest.schema_version != SCHEMA_VERSION {
            let problem = format!("format {} instead of {SCHEMA_VERSION}", manifest.schema_version);
            return Err(ReportError::malformed(&path, problem));
        }
        Ok(manifest)
    }

    pub(super) fn write(&self, dir: &Path) -> Result<(), ReportError> {
        let path = dir.join(FILE);
        let mut text =
            serde_json::to_string_pretty(self).map_err(|error| ReportError::malformed(&path, error))?;
        text.push('\n');
        super::disk::replace(&path, text.as_bytes())
    }

    /// True if an earlier run was of the same scenario file. One that was edited is the same; so is one
    /// that was moved and not edited.
    fn is_of_same_file(&self, earlier: &Manifest) -> bool {
        let same_place = match earlier.origin.as_str() {
            "" => self.file == earlier.file,
            origin => self.origin == origin,
        };
        same_place || self.study.scenario == earlier.study.scenario
    }

    /// The version and revision that made it.
    pub(super) fn made_by(&self) -> String {
        let version = version::named(&self.version, &self.revision);
        match &self.program {
            Some(program) => format!("{version} with the controllers of {}", program.name),
            None => version,
        }
    }

    /// The name of the program that repeats it.
    pub(super) fn program(&self) -> &str {
        self.program.as_ref().map_or("testbed", |program| &program.name)
    }

    /// True if the program of an earlier run gives the same bytes: of one version, some commits change none.
    pub(super) fn has_same_bytes(&self, earlier: &Manifest) -> bool {
        let sum = |manifest: &Manifest| manifest.program.as_ref().map(|program| program.sha256.clone());
        self.version == earlier.version
            && self.results == earlier.results
            && self.generator == earlier.generator
            && sum(self) == sum(earlier)
    }

    /// Results that this run may replace, but will not make again, in words: an
    /// edited scenario's results before the edit, those of another version, those of real time.
    pub(super) fn replaces(&self, earlier: &Manifest) -> Option<String> {
        let of = format!("the results of {}", earlier.started);
        if self.study.scenario != earlier.study.scenario {
            Some(format!("{of}, of the scenario as it was before it was edited"))
        } else if let Some(file) = self.study.other_file(&earlier.study) {
            Some(format!("{of}, with {file} as it was before it was changed"))
        } else if !self.has_same_bytes(earlier) {
            Some(format!("{of}, by version {}", earlier.made_by()))
        } else if earlier.study.live {
            Some(format!("{of}, which were of real time"))
        } else {
            None
        }
    }

    /// Results in an earlier run's folder, with so many `finished` trials, that a run would not make
    /// again or that it should go on with; `None` if nothing. An edited file is no reason: after an edit
    /// the new results are wanted.
    pub(super) fn would_lose(&self, earlier: &Manifest, finished: usize) -> Option<String> {
        if finished == 0 {
            return None;
        }
        let (new, old) = (&self.study, &earlier.study);
        let changed = !new.changes().eq(old.changes());
        if new.name != old.name {
            Some(format!("results of another scenario, \"{}\"", old.name))
        } else if !self.is_of_same_file(earlier) {
            let file = if earlier.file.is_empty() { "unknown" } else { &earlier.file };
            Some(format!("results of another file of that name ({file}, as that run called it)"))
        } else if new.live != old.live {
            let words = |live| if live { "with --live" } else { "without --live" };
            Some(format!("results {}; this run is {}", words(old.live), words(new.live)))
        } else if changed {
            Some(format!("results {}; this run is {}", sets(old), sets(new)))
        } else if new.seed != old.seed {
            Some(format!("results of seed {}; this run has seed {}", old.seed, new.seed))
        } else if new.trials < old.trials {
            Some(format!("{} trials of each cell; this run has {}", old.trials, new.trials))
        } else if finished < old.cells() * old.trials as usize {
            let all = old.cells() * old.trials as usize;
            Some(format!("a run that is not complete: {finished} of {all} trials are done"))
        } else {
            None
        }
    }

    /// Difference that keeps two runs from being parts of one; `None` if there is none. More trials are fine.
    pub(super) fn differs_from(&self, earlier: &Manifest) -> Option<String> {
        let (new, old) = (&self.study, &earlier.study);
        if new.name != old.name {
            Some(format!("it was of the scenario \"{}\"", old.name))
        } else if new.live != old.live {
            let time = if old.live { "in real time (--live)" } else { "in virtual time (without --live)" };
            Some(format!("it ran {time}"))
        } else if !self.has_same_bytes(earlier) {
            Some(format!(
                "version {} made it, whose figures may differ from those of this one",
                earlier.made_by()
            ))
        } else if new.seed != old.seed {
            Some(format!("its seed was {} instead of {}", old.seed, new.seed))
        } else if !new.changes().eq(old.changes()) {
            Some(format!("it was run {}; this run is {}", sets(old), sets(new)))
        } else if new.scenario != old.scenario || new.axes != old.axes || new.duration != old.duration {
            Some("the scenario has changed since".to_owned())
        } else if let Some(file) = new.other_file(old) {
            Some(format!("{file}, which the scenario reads, has changed since"))
        } else if new.trials < old.trials {
            Some(format!("it had {} trials of each cell instead of {}", old.trials, new.trials))
        } else {
            None
        }
    }

    /// Takes the checksums of what the trials left in `dir`, when a run ends.
    pub(super) fn hash_records(&mut self, dir: &Path) -> Result<(), ReportError> {
        self.sha256.clear();
        self.hash(dir, layout::is_record)
    }

    /// Takes the checksums of what was computed from the records; theirs stay as the run wrote them.
    pub(super) fn hash_derived(&mut self, dir: &Path) -> Result<(), ReportError> {
        self.sha256.retain(|name, _| layout::is_record(name));
        self.hash(dir, |name| !layout::is_record(name))
    }

    /// The records that are not what the run wrote; what is not there any more is no lie, and a row that
    /// stands twice is one.
    pub(super) fn changed_records(&self, dir: &Path) -> Result<Vec<String>, ReportError> {
        let mut now = self.clone();
        now.sha256.clear();
        now.hash(dir, layout::is_record)?;
        let mut changed = Vec::new();
        for (name, sum) in &now.sha256 {
            let Some(then) = self.sha256.get(name).filter(|then| *then != sum) else { continue };
            let is_table = Table::ALL.iter().any(|table| table.file() == name);
            let repeats = is_table && {
                let once = resume::without_repeats(&disk::read(&dir.join(name))?);
                Fingerprint::of(&once).sha256 == *then
            };
            if !repeats {
                changed.push(name.clone());
            }
        }
        Ok(changed)
    }

    /// The computed tables that somebody has written in since: computing them anew would lose that.
    pub(super) fn changed_tables(&self, dir: &Path) -> Result<Vec<String>, ReportError> {
        let mut now = self.clone();
        now.sha256.clear();
        now.hash(dir, layout::is_computed_table)?;
        now.sha256.retain(|name, sum| self.sha256.get(name).is_some_and(|then| then != sum));
        Ok(now.sha256.into_keys().collect())
    }

    /// Every file that is not what the hashes here say, to the byte.
    pub(super) fn changed_files(&self, dir: &Path) -> Result<Vec<String>, ReportError> {
        let mut now = self.clone();
        now.sha256.clear();
        now.hash(dir, |_| true)?;
        now.sha256.retain(|name, sum| self.sha256.get(name).is_some_and(|then| then != sum));
        Ok(now.sha256.into_keys().collect())
    }

    /// The records that the run wrote and that are gone.
    pub(super) fn missing_records(&self, dir: &Path) -> Vec<String> {
        let gone = |name: &&String| layout::is_record(name) && !dir.join(name).exists();
        self.sha256.keys().filter(gone).cloned().collect()
    }

    /// Takes the checksums of the wanted files.
    fn hash(&mut self, dir: &Path, wanted: fn(&str) -> bool) -> Result<(), ReportError> {
        for name in layout::FILES.into_iter().filter(|name| wanted(name)) {
            if dir.join(name).exists() {
                self.hash_file(dir, name.to_owned())?;
            }
        }
        for folder in layout::FOLDERS {
            self.hash_folder(dir, folder, wanted)?;
        }
        Ok(())
    }

    fn hash_folder(&mut self, dir: &Path, folder: &str, wanted: fn(&str) -> bool) -> Result<(), ReportError> {
        for name in layout::files_below(dir, folder)? {
            if wanted(&name) && !layout::is_draft(&name) {
                self.hash_file(dir, name)?;
            }
        }
        Ok(())
    }

    fn hash_file(&mut self, dir: &Path, name: String) -> Result<(), ReportError> {
        let print = Fingerprint::of_file(&dir.join(&name))?;
        self.sha256.insert(name, print.sha256);
        Ok(())
    }
}

/// Changes by a study's command line, in words.
fn sets(study: &Study) -> String {
    let given: Vec<String> = study.changes().map(|(key, value)| format!("--set {key}={value}")).collect();
    if given.is_empty() { "without --set".to_owned() } else { format!("with {}", given.join(" ")) }
}

/// The way from a folder to a file, both from the root.
fn way(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report::testing::{run, study};

    #[test]
    fn reads_what_it_writes_with_checksums_by_path() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(dir.path().join("series/0/trial-1")).expect("folders");
        fs::write(dir.path().join("series/0/trial-1/flows.csv"), "abc").expect("a file");
        fs::write(dir.path().join("trials.csv"), "").expect("a file");
        let mut manifest = Manifest::new(&study(&[("a", &["1", "2"])]), &run(), dir.path());
        manifest.hash_records(dir.path()).expect("hashed");
        manifest.write(dir.path()).expect("written");
        assert_eq!(Manifest::read(dir.path()).expect("read"), manifest);
        // FIPS 180-4's example.
        assert_eq!(
            manifest.sha256["series/0/trial-1/flows.csv"],
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(manifest.sha256.len(), 2);

        // Derived tables may be computed again; a record that was touched stays told.
        assert_eq!(manifest.changed_records(dir.path()).expect("read"), Vec::<String>::new());
        fs::write(dir.path().join("summary.csv"), "new").expect("a file");
        fs::write(dir.path().join("trials.csv"), "better figures").expect("a file");
        manifest.hash_derived(dir.path()).expect("hashed");
        assert_eq!(manifest.sha256.len(), 3);
        assert_eq!(manifest.changed_records(dir.path()).expect("read"), ["trials.csv"]);
        assert_eq!(manifest.changed_tables(dir.path()).expect("read"), Vec::<String>::new());
        fs::write(dir.path().join("summary.csv"), "with a remark").expect("a file");
        assert_eq!(manifest.changed_tables(dir.path()).expect("read"), ["summary.csv"]);
    }

    #[test]
    fn only_runs_with_the_same_bytes_are_parts_of_one() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let now = Manifest::new(&study(&[("a", &["1", "2"])]), &run(), dir.path());
        let other_commit = Manifest { revision: "abc1234".to_owned(), ..now.clone() };
        assert_eq!(now.differs_from(&other_commit), None);
        let other_bytes = Manifest { results: now.results - 1, ..other_commit };
        let why = now.differs_from(&other_bytes).expect("other bytes");
        assert!(why.contains("(abc1234)") && now.replaces(&other_bytes).is_some(), "{why}");
    }
}
