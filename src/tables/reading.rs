//! Rows of a file of results. Tables are read one trial after the other, so that none is ever in memory as a whole.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, BufRead as _, BufReader, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::error::FileError;
use super::store::Store;

/// A trial: cell and repetition.
pub type Key = (usize, u32);

/// A row with its column names.
#[derive(Debug)]
pub struct Row<'a> {
    header: &'a csv::StringRecord,
    fields: &'a csv::StringRecord,
}

impl Row<'_> {
    /// The field under `column`; empty where there is none.
    pub fn get(&self, column: &str) -> &str {
        self.at(self.place(column))
    }

    /// Place of a column, to look it up once.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| name == column)
    }

    /// The field at a place; empty where there is none.
    pub fn at(&self, place: Option<usize>) -> &str {
        place.and_then(|place| self.fields.get(place)).unwrap_or("")
    }

    /// Each field with its column's name.
    #[cfg(feature = "parquet")]
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.header.iter().zip(self.fields)
    }

    /// The field as a value; `None` if it is empty.
    pub fn parse<T: std::str::FromStr>(&self, column: &str) -> Option<T> {
        self.get(column).parse().ok()
    }

    fn key(&self) -> Option<Key> {
        Some((self.fields.get(0)?.parse().ok()?, self.fields.get(1)?.parse().ok()?))
    }
}

/// Rows of a file, from the first to the last.
struct Rows<'a> {
    path: PathBuf,
    reader: csv::Reader<BufReader<Box<dyn Read + 'a>>>,
    header: csv::StringRecord,
    fields: csv::StringRecord,
}

impl<'a> Rows<'a> {
    /// Those of an open file; none if it is not there.
    fn of(path: PathBuf, open: io::Result<Box<dyn Read + 'a>>) -> Result<Rows<'a>, FileError> {
        let open: Box<dyn Read> = match open {
            Err(error) if error.kind() == ErrorKind::NotFound => Box::new(io::empty()),
            open => open.map_err(FileError::io("read", &path))?,
        };
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::new(open));
        let header = reader.headers().map_err(|error| FileError::malformed(&path, error))?.clone();
        Ok(Rows { path, reader, header, fields: csv::StringRecord::new() })
    }

    /// Goes to the next complete row: whether there is one.
    fn advance(&mut self) -> Result<bool, FileError> {
        let malformed = |error| FileError::malformed(&self.path, error);
        while self.reader.read_record(&mut self.fields).map_err(malformed)? {
            if self.fields.len() == self.header.len() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn row(&self) -> Row<'_> {
        Row { header: &self.header, fields: &self.fields }
    }
}

/// True if a complete row of a file is a `wanted` one; no row is read after the first such. A file that is not
/// there has no rows.
pub fn any_row(
    store: &dyn Store,
    file: &Path,
    mut wanted: impl FnMut(&Row<'_>) -> bool,
) -> Result<bool, FileError> {
    let mut rows = Rows::of(store.path(file), store.open(file))?;
    while rows.advance()? {
        if wanted(&rows.row()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Calls `visit` with each complete row of a table, in the order of trials.
pub fn each_in_order(
    store: &dyn Store,
    file: &Path,
    mut visit: impl FnMut(&Row<'_>),
) -> Result<(), FileError> {
    let mut rows = Rows::of(store.path(file), in_order(store, file))?;
    while rows.advance()? {
        visit(&rows.row());
    }
    Ok(())
}

/// Rows of a table, trial by trial.
pub struct Trials<'a> {
    rows: Rows<'a>,
    /// True if the row was read and is of a later trial than the last that was asked for.
    waits: bool,
}

impl<'a> Trials<'a> {
    /// Opens a table.
    pub fn of(store: &'a dyn Store, file: &Path) -> Result<Trials<'a>, FileError> {
        Ok(Trials { rows: Rows::of(store.path(file), in_order(store, file))?, waits: false })
    }

    /// Calls `visit` with each row of a trial; one that stands there twice is one. Trials are asked for in their order.
    pub fn each_of(&mut self, trial: Key, mut visit: impl FnMut(&Row<'_>)) -> Result<(), FileError> {
        let mut seen = BTreeSet::new();
        while std::mem::take(&mut self.waits) || self.rows.advance()? {
            let row = self.rows.row();
            match row.key() {
                Some(key) if key > trial => {
                    self.waits = true;
                    break;
                }
                Some(key) if key == trial => {
                    let mut hasher = DefaultHasher::new();
                    row.fields.iter().for_each(|field| field.hash(&mut hasher));
                    if seen.insert(hasher.finish()) {
                        visit(&row);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Opens a table whose rows come in the order of trials. That of a run that was resumed, and is not at its end yet,
/// is sorted in memory.
fn in_order<'a>(store: &'a dyn Store, file: &Path) -> io::Result<Box<dyn Read + 'a>> {
    if ascends(store.open(file)?)? {
        return store.open(file);
    }
    let mut text = Vec::new();
    store.open(file)?.read_to_end(&mut text)?;
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    let mut lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
    lines[1..].sort_by_key(|line| key(line));
    Ok(Box::new(Cursor::new(lines.concat())))
}

/// True if the lines of a table behind its header are in the order of trials.
pub fn ascends(table: impl Read) -> io::Result<bool> {
    let mut table = BufReader::new(table);
    let (mut line, mut last) = (Vec::new(), None);
    table.skip_until(b'\n')?;
    while table.read_until(b'\n', &mut line)? > 0 {
        if let Some(key) = key(&line) {
            if last > Some(key) {
                return Ok(false);
            }
            last = Some(key);
        }
        line.clear();
    }
    Ok(true)
}

/// The cell and the trial that a line begins with.
pub fn key(line: &[u8]) -> Option<Key> {
    let mut fields = line.trim_ascii_end().split(|&byte| byte == b',');
    let mut field = || std::str::from_utf8(fields.next()?).ok();
    Some((field()?.parse().ok()?, field()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::store::Memory;

    /// Rows of trials of a table, each trial's in one list.
    fn read(text: &str, trials: &[Key]) -> Vec<Vec<String>> {
        let mut memory = Memory::default();
        memory.file("table.csv").extend_from_slice(text.as_bytes());
        let mut table = Trials::of(&memory, Path::new("table.csv")).expect("opened");
        let mut of = |trial: &Key| {
            let mut found = Vec::new();
            table.each_of(*trial, |row| found.push(row.get("x").to_owned())).expect("read");
            found
        };
        trials.iter().map(&mut of).collect()
    }

    #[test]
    fn rows_come_by_trial_in_whatever_order_they_stand() {
        let whole = "cell,trial,x\n0,0,a\n0,0,b\n0,0,a\n0,2,c\n1,0,d\n";
        let trials = [(0, 0), (0, 1), (0, 2), (1, 0)];
        let expected = [vec!["a", "b"], vec![], vec!["c"], vec!["d"]];
        assert_eq!(read(whole, &trials), expected);
        let mixed = "cell,trial,x\n1,0,d\n0,0,a\n0,2,c\n0,0,b\n1,0,d\n0,0,a\n";
        assert_eq!(read(mixed, &trials), expected);
        // Those of trials that are not asked for, and what was cut short, are passed over.
        let torn = "cell,trial,x\n0,0,a\n0,1,b\n1,0,d\n1";
        assert_eq!(read(torn, &[(0, 0), (1, 0)]), [["a"], ["d"]]);
        assert_eq!(read("", &trials), vec![Vec::<String>::new(); 4]);
    }

    #[test]
    fn a_table_ascends_if_no_trial_stands_before_an_earlier_one() {
        let of = |text: &str| ascends(text.as_bytes()).expect("memory");
        assert!(of("cell,trial\n") && of("") && of("cell,trial\n0,1\n0,1\n0,10\n1,0\n2"));
        assert!(!of("cell,trial\n0,1\n1,0\n0,10\n"));
    }
}
