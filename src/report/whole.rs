//! A finished trial held against its journal: whether its rows and its files are what it left.

use std::collections::BTreeSet;
use std::path::Path;

use super::disk::Fingerprint;
use super::error::ReportError;
use super::journal::{self, Entries, Fault};
use crate::tables::rows::Table;

/// A trial that is whole: its entries, and its rows in each table.
pub type Trial = (Entries, Vec<Vec<u8>>);

/// A whole trial; or the first part of it that is not what it left.
pub type Whole = Result<Trial, Fault>;

/// Holds a trial against its entries, of which a journal that was cut short has none; `rows` are those under its key
/// in each of the tables.
pub fn examine(
    dir: &Path,
    tables: &[Table],
    entries: Option<&Entries>,
    rows: &[Vec<&[u8]>],
) -> Result<Whole, ReportError> {
    let unwritten = || Ok(Err(Fault::Lost(journal::FILE.to_owned())));
    let Some(entries) = entries else { return unwritten() };
    let mut blocks = Vec::new();
    for (table, rows) in tables.iter().zip(rows) {
        let file = table.file();
        let Some(print) = entries.get(file) else { return unwritten() };
        match matching(*table, rows, print) {
            Some(block) => blocks.push(block),
            None if (rows.concat().len() as u64) < print.bytes => {
                return Ok(Err(Fault::Lost(file.to_owned())));
            }
            None => return Ok(Err(Fault::Changed(file.to_owned()))),
        }
    }
    Ok(match journal::check(dir, entries)? {
        None => Ok((entries.clone(), blocks)),
        Some(fault) => Err(fault),
    })
}

/// The rows with this fingerprint, whatever else stands among them, rows that stand twice before all.
fn matching(table: Table, rows: &[&[u8]], print: &Fingerprint) -> Option<Vec<u8>> {
    if table == Table::Trials {
        return rows.iter().find(|row| journal::print(table, row) == *print).map(|row| row.to_vec());
    }
    window(rows, print).or_else(|| window(&distinct(rows), print))
}

/// The rows in a row that have this fingerprint.
fn window(rows: &[&[u8]], print: &Fingerprint) -> Option<Vec<u8>> {
    (0..=rows.len()).find_map(|first| {
        let mut block = Vec::new();
        for row in &rows[first..] {
            if block.len() as u64 >= print.bytes {
                break;
            }
            block.extend_from_slice(row);
        }
        (block.len() as u64 == print.bytes && Fingerprint::of(&block) == *print).then_some(block)
    })
}

/// Each of the rows once.
pub fn distinct<'a>(rows: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let mut seen = BTreeSet::new();
    rows.iter().copied().filter(|row| seen.insert(*row)).collect()
}

/// Rows of a text, each with its line break if it has one.
pub fn rows_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&byte| byte == b'\n')
}
