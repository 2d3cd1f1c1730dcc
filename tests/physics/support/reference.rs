//! Reference tables of other TCPs, and ours beside them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::median;

/// One cell of a reference.
#[derive(Clone, Debug)]
pub struct Cell {
    pub rtt_ms: f64,
    pub loss: f64,
    /// Packets of the 10 Mbit/s bottleneck's queue; 0 without one.
    pub queue: u64,
    /// Goodput in Mbit/s: median, least and most of its runs.
    pub theirs: [f64; 3],
}

/// A cell with ours beside it.
struct Row {
    cell: Cell,
    ours: f64,
}

/// Reads a table: column names, then a visit per row.
pub fn rows(text: &str) -> Vec<BTreeMap<&str, &str>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    lines.map(|line| header.iter().copied().zip(line.split(',')).collect()).collect()
}

pub fn number(row: &BTreeMap<&str, &str>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("a number under {column}"))
}

impl Row {
    fn ratio(&self) -> f64 {
        self.ours / self.cell.theirs[0]
    }

    fn factor(&self) -> f64 {
        self.ratio().max(1.0 / self.ratio())
    }

    /// The least and the most that the ratio may be.
    fn bounds(&self) -> (f64, f64) {
        let [middle, least, most] = self.cell.theirs;
        let (low, high) = if self.cell.loss <= 0.02 { (0.9, 1.1) } else { (0.75, 1.33) };
        (low * least / middle, high * most / middle)
    }

    fn is_within(&self) -> bool {
        let (low, high) = self.bounds();
        (low..=high).contains(&self.ratio())
    }
}

/// Compares a grid cell by cell: the table as text, the median of the factors max(ours/theirs,
/// theirs/ours), and the cells beyond their bounds: 0.9 … 1.1 times theirs to 2 % loss and 0.75 … 1.33
/// times beyond, widened by the spread of the reference's own few runs.
pub fn compare(title: &str, cells: Vec<Cell>, ours: impl Fn(&Cell) -> f64) -> (String, f64, usize) {
    assert!(!cells.is_empty(), "{title} has cells");
    let rows: Vec<Row> = cells.into_iter().map(|cell| Row { ours: ours(&cell), cell }).collect();
    let factor = median(&rows.iter().map(Row::factor).collect::<Vec<_>>());
    let beyond = rows.iter().filter(|row| !row.is_within()).count();
    let mut text = format!("{title}: median factor {factor:.3}, {beyond} cells beyond their bounds\n");
    text.push_str("  rtt   loss   theirs (least … most)      ours   ratio   bounds\n");
    for row in &rows {
        let ([middle, least, most], (low, high)) = (row.cell.theirs, row.bounds());
        let mark = if row.is_within() { "" } else { "  <" };
        let _ = writeln!(
            text,
            "{:5} {:5.1}%  {middle:6.3} ({least:6.3} … {most:6.3})  {:6.3}  {:6.3}   {low:.2} … {high:.2}{mark}",
            row.cell.rtt_ms,
            row.cell.loss * 100.0,
            row.ours,
            row.ratio(),
        );
    }
    (text, factor, beyond)
}
