//! Rows of a table beside those of another run of the same trials: first the trials that one of them lacks, then the rows
//! that differ.

use std::collections::BTreeMap;

use super::Difference;
use crate::report::journal::Key;
use crate::tables::reading::key;
use crate::tables::rows::Table;
use crate::tables::study::Study;

/// Differences of a table's rows, which may stand in the order in which threads of a stopped run left them.
pub fn compare_rows(table: Table, study: &Study, found: &[u8], expected: &[u8]) -> Vec<Difference> {
    if std::str::from_utf8(found).is_err() {
        return vec![Difference::of_file(table.file())];
    }
    let timed = table == Table::Trials;
    let header = table.header(study);
    let columns = fields(header.trim_end());
    let (found, expected) = (Lines::of(found, timed), Lines::of(expected, timed));
    let (here, there) = (found.counts(), expected.counts());
    let mut differences = Vec::new();
    let mut uneven: Vec<Key> = here.keys().chain(there.keys()).copied().collect();
    uneven.sort_unstable();
    uneven.dedup();
    uneven.retain(|key| here.get(key) != there.get(key));
    for key in &uneven {
        let of = |counts: &BTreeMap<Key, usize>| counts.get(key).copied().unwrap_or(0);
        differences.push(Difference::of_rows(table.file(), study, *key, [of(&here), of(&there)]));
    }
    // The rows of all other trials pair up.
    let is_even = |line: &&Line<'_>| line.key.is_none_or(|key| uneven.binary_search(&key).is_err());
    let [mut found, mut expected] =
        [&found, &expected].map(|lines| lines.0.iter().filter(is_even).peekable());
    loop {
        // A remark among the rows has no fellow, and moves none.
        let pair = match [found.peek().copied(), expected.peek().copied()] {
            [None, None] => return differences,
            [Some(left), right @ Some(right_line)] if left.key.is_some() && right_line.key.is_none() => {
                [None, right]
            }
            [left @ Some(left_line), Some(right)] if left_line.key.is_none() && right.key.is_some() => {
                [left, None]
            }
            pair => pair,
        };
        if pair[0].is_some() {
            found.next();
        }
        if pair[1].is_some() {
            expected.next();
        }
        let n = pair[0].or(pair[1]).map_or(0, |line| line.n);
        let texts = pair.map(|line| line.map_or("", |line| line.text));
        if texts[0] != texts[1] {
            differences.push(difference(table.file(), n, &columns, texts));
        }
    }
}

/// Lines of a table.
struct Lines<'a>(Vec<Line<'a>>);

struct Line<'a> {
    /// Its place in the file, from 0.
    n: usize,
    /// The trial that it is a row of, if it is one.
    key: Option<Key>,
    text: &'a str,
}

impl Lines<'_> {
    /// Those of a text; `timed` ones have a wall time at their end, and a last one without a line break is no row of them.
    fn of(text: &[u8], timed: bool) -> Lines<'_> {
        let torn = timed && !text.ends_with(b"\n");
        let mut all = lines(text);
        if torn {
            all.pop();
        }
        let line = all.into_iter().enumerate().map(|(n, text)| Line {
            n,
            key: key(text.as_bytes()),
            text: without_time(text, timed),
        });
        Lines(line.collect())
    }

    /// Number of rows of each trial.
    fn counts(&self) -> BTreeMap<Key, usize> {
        let mut counts = BTreeMap::new();
        for key in self.0.iter().filter_map(|line| line.key) {
            *counts.entry(key).or_default() += 1;
        }
        counts
    }
}

/// A row without its last field if that is a wall time.
fn without_time(line: &str, timed: bool) -> &str {
    if timed { line.rsplit_once(',').map_or(line, |(rest, _)| rest) } else { line }
}

pub fn lines(text: &[u8]) -> Vec<&str> {
    // Bytes that are no text differ as a whole.
    std::str::from_utf8(text).unwrap_or("\u{fffd}").lines().collect()
}

/// The difference of a line, told by its first field that differs where both lines have the same fields.
pub fn difference(file: &str, n: usize, columns: &[String], [found, expected]: [&str; 2]) -> Difference {
    let fields = [found, expected].map(fields);
    let place = (0..columns.len()).find(|&place| fields[0].get(place) != fields[1].get(place));
    let apart =
        place.filter(|_| fields[0].len() == fields[1].len() && !found.is_empty() && !expected.is_empty());
    let line = Some(n + 1);
    match apart {
        Some(place) => Difference {
            column: columns.get(place).cloned(),
            ..Difference::of(file, line, [&fields[0][place], &fields[1][place]])
        },
        None => Difference::of(file, line, [found, expected]),
    }
}

/// The fields of a line (RFC 4180 section 2).
pub fn fields(line: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(str::to_owned).collect()
}
