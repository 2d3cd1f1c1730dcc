//! Lateness of events in runs in real time: the first section of their reports.

use super::error::FileError;
use super::results::Results;
use super::rows::Table;

/// An event this late is as much the machine's doing as the scenario's.
const LATE_US: f64 = 1_000.0;

/// One kind of things over all trials.
#[derive(Clone, Debug, Default)]
pub struct Late {
    kind: String,
    count: u64,
    /// The largest of each over the trials, in microseconds.
    p50: f64,
    p99: f64,
    max: f64,
    /// Cells with a trial in which one in a hundred was late.
    cells: Vec<usize>,
}

/// Summary of `lateness.csv`; empty for runs in virtual time.
pub fn find(results: &Results) -> Result<Vec<Late>, FileError> {
    let mut all: Vec<Late> = Vec::new();
    if !results.study.live {
        return Ok(all);
    }
    results.each_row_of(Table::Lateness, |cell, row| {
        let kind = row.get("kind");
        let at = all.iter().position(|late| late.kind == kind).unwrap_or_else(|| {
            all.push(Late { kind: kind.to_owned(), ..Late::default() });
            all.len() - 1
        });
        let late = &mut all[at];
        let number = |name| row.parse::<f64>(name).unwrap_or_default();
        late.count += number("count") as u64;
        late.p50 = late.p50.max(number("p50_us"));
        late.p99 = late.p99.max(number("p99_us"));
        late.max = late.max.max(number("max_us"));
        if number("p99_us") > LATE_US {
            late.cells.push(cell);
        }
    })?;
    all.retain(|late| late.count > 0);
    Ok(all)
}

impl Late {
    /// A sentence about it.
    pub fn sentence(&self) -> String {
        let span = |us: f64| match us {
            ..1.0 => "1 µs".to_owned(),
            1.0..1e3 => format!("{us:.0} µs"),
            _ => format!("{:.1} ms", us / 1e3),
        };
        format!(
            "Real time, {}: of {} events half were at most {} late, 99 % at most {}, the latest {} (worst trial).",
            self.kind,
            self.count,
            span(self.p50),
            span(self.p99),
            span(self.max)
        )
    }

    /// A warning, if there is cause for one: its text, and the cells it is about.
    pub fn warning(&self) -> Option<(String, Vec<usize>)> {
        let text = format!(
            "one in a hundred events of the {} was more than 1 ms late: the figures are of this machine as \
             well as of the scenario; close other programs, or ask for fewer clients or a lower rate",
            self.kind
        );
        (!self.cells.is_empty()).then(|| (text, self.cells.clone()))
    }
}
