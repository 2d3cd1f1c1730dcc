//! Files that a scenario names: traces and tables of a link's rate, tables of its jitter, scripts of controllers. A
//! loader that the caller gives reads them, once each, before the scenario is read; so this knows names and bytes,
//! and no files.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::axes::AxisNode;
use super::conditions::Conditions;
use super::leaf::Fault;
use super::problem::{Place, Problem, words};
use super::tree::{Node, Value};
use super::{dist, trace};
use crate::congestion::{Algorithm, script};
use crate::link::config::{JitterTable, Trace};

/// Reads a file by the name that the scenario has for it, as a path from the scenario's own folder; at most
/// one byte more than [`MOST_FILE_BYTES`].
pub type Loader<'a> = &'a mut dyn FnMut(&str) -> io::Result<Vec<u8>>;

/// Most bytes of a trace or a table.
pub const MOST_FILE_BYTES: usize = 64 << 20;

/// A plan's files by the names that the scenario has for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    traces: BTreeMap<String, Result<Arc<Trace>, Fault>>,
    tables: BTreeMap<String, Result<Arc<Conditions>, Fault>>,
    jitters: BTreeMap<String, Result<Arc<JitterTable>, Fault>>,
    scripts: BTreeMap<String, Result<&'static Algorithm, Fault>>,
    prints: BTreeMap<String, FilePrint>,
    refused: Vec<Problem>,
}

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePrint {
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

impl Files {
    /// Reads every file that a tree and its axes name.
    pub fn load(tree: &Node, axes: &[AxisNode], load: Loader<'_>) -> Files {
        let mut files = Files::default();
        files.collect("", tree, load);
        for axis in axes {
            files.collect(&axis.key, &axis.values, load);
        }
        files
    }

    /// The trace called `name`.
    pub fn trace(&self, name: &str) -> Result<Arc<Trace>, Fault> {
        self.traces.get(name).cloned().unwrap_or_else(|| Err(Fault::default()))
    }

    /// The table called `name`.
    pub fn table(&self, name: &str) -> Result<Arc<Conditions>, Fault> {
        self.tables.get(name).cloned().unwrap_or_else(|| Err(Fault::default()))
    }

    /// The table of jitter called `name`.
    pub fn jitter(&self, name: &str) -> Result<Arc<JitterTable>, Fault> {
        self.jitters.get(name).cloned().unwrap_or_else(|| Err(Fault::default()))
    }

    /// The controller of the script that `word` names.
    pub fn script(&self, word: &str) -> Result<&'static Algorithm, Fault> {
        self.scripts.get(word).cloned().unwrap_or_else(|| Err(script::no_script().into()))
    }

    /// The files that could be read.
    pub fn prints(&self) -> &BTreeMap<String, FilePrint> {
        &self.prints
    }

    /// The texts under `trace`, `csv` and `table`, and scripts under `congestion`, wherever they stand: in tables,
    /// dotted keys and lists of an axis.
    fn collect(&mut self, key: &str, node: &Node, load: Loader<'_>) {
        match &node.value {
            Value::Table(entries) => {
                for entry in entries {
                    self.collect(&entry.key, &entry.node, load);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.collect(key, item, load);
                }
            }
            Value::Text(name) => match key.rsplit('.').next() {
                Some("trace") if !self.traces.contains_key(name) => {
                    let trace = self.read(name, load).and_then(|bytes| trace::read(name, &bytes));
                    self.traces.insert(name.clone(), trace.map(Arc::new));
                }
                Some("csv") if !self.tables.contains_key(name) => {
                    let table = self.read(name, load).and_then(|bytes| Conditions::read(name, &bytes));
                    self.tables.insert(name.clone(), table.map(Arc::new));
                }
                Some("table") if !self.jitters.contains_key(name) => {
                    let table = self.read(name, load).and_then(|bytes| dist::read(name, &bytes));
                    self.jitters.insert(name.clone(), table.map(Arc::new));
                }
                Some("congestion") if script::is_named(name) => self.read_script(name, node.place, load),
                _ => {}
            },
            _ => {}
        }
    }

    /// Scripts that give no controller.
    pub fn refused(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.refused)
    }

    /// A script is read once for all places that name it, and blamed at each; a word that is none is the first
    /// pass's to report.
    fn read_script(&mut self, word: &str, place: Place, load: Loader<'_>) {
        let Some((file, _)) = script::parts(word) else { return };
        if !self.scripts.contains_key(word) {
            let text = self.read(file, load);
            let read = text.and_then(|text| script::read(word, &text).map_err(Fault::from));
            self.scripts.insert(word.to_owned(), read);
        }
        if let Err(Fault { message, help }) = self.script(word) {
            self.refused.push(Problem::error(place, format!("`congestion`: {}", words(&message)), help));
        }
    }

    fn read(&mut self, name: &str, load: Loader<'_>) -> Result<Vec<u8>, Fault> {
        let fault = |message: String, help: &str| Fault { message, help: help.to_owned() };
        if name.trim().is_empty() {
            return Err(fault("a file needs a name".to_owned(), "write its path from the scenario's folder"));
        }
        let bytes = load(name).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => fault(
                format!("there is no file {}", words(name)),
                "write its path from the scenario's folder",
            ),
            io::ErrorKind::IsADirectory => fault(format!("{} is a folder", words(name)), "name a file in it"),
            _ => fault(format!("{} cannot be read: {error}", words(name)), ""),
        })?;
        if bytes.len() > MOST_FILE_BYTES {
            let help = format!("at most {} MiB are read", MOST_FILE_BYTES >> 20);
            return Err(fault(format!("{} is too large", words(name)), &help));
        }
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        self.prints.insert(name.to_owned(), FilePrint { bytes: bytes.len() as u64, sha256 });
        Ok(bytes)
    }
}

/// A loader where there are no files.
pub(super) fn no_files(_: &str) -> io::Result<Vec<u8>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "there are no files here"))
}

/// The lines of a text file with their numbers, which end in `\n` or `\r\n`; `name` is for messages.
pub(super) fn lines<'a>(
    name: &str,
    bytes: &'a [u8],
) -> Result<impl Iterator<Item = (usize, &'a str)> + use<'a>, Fault> {
    let fault = |message: String| Fault { message, help: "save it as UTF-8 text".to_owned() };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        fault(format!("{} is no text: see line {line}", words(name)))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text.lines().enumerate().map(|(n, line)| (n + 1, line)))
}

/// The fault of a line of a file.
pub(super) fn at_line(name: &str, line: usize, message: &str, help: &str) -> Fault {
    Fault { message: format!("{}, line {line}: {}", words(name), words(message)), help: help.to_owned() }
}
