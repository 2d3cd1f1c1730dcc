//! The short table at the end of a run, and the proof that the emulator did what it was asked.

use std::fmt::Write as _;

use super::figures::{self, Figure, Heading};
use super::lines;
use super::results::{Measured, Results};
use super::summary::{CellSummary, FigureMean};

/// A column of the short table.
#[derive(Clone, Debug)]
pub struct Shown {
    /// First line of its head.
    pub heading: String,
    /// Second line.
    pub unit: &'static str,
    figure: &'static Figure,
    /// The group of clients whose figure it is, if not that of all.
    group: Option<String>,
}

/// A Jain index below this is worth a column even where people chat.
const UNFAIR: f64 = 0.95;

impl Shown {
    /// True if it has this figure, of a group or of all.
    pub fn is_of(&self, column: &str, of_group: bool) -> bool {
        self.figure.column == column && self.group.is_some() == of_group
    }

    fn mean(&self, cell: &CellSummary) -> Option<f64> {
        self.figure_of(cell)?.mean
    }

    fn figure_of<'a>(&self, cell: &'a CellSummary) -> Option<&'a FigureMean> {
        match &self.group {
            None => cell.get(self.figure.column),
            Some(group) => cell.get_of(group, self.figure.column),
        }
    }
}

/// The columns worth showing: those that exist somewhere and say something. Each group's own stand
/// behind that of all.
pub fn shown(cells: &[CellSummary]) -> Vec<Shown> {
    let mut columns = Vec::new();
    for figure in figures::in_reading_order() {
        let Some(Heading { text, unit }) = figure.heading else { continue };
        columns.push(Shown { heading: text.to_owned(), unit, figure, group: None });
        for group in groups(cells) {
            let heading = match (figure.column, &bulk(cells)[..]) {
                ("goodput_ratio", [first, second]) if group == *first => format!("{first}/{second}"),
                _ => format!("{text} {group}"),
            };
            columns.push(Shown { heading, unit, figure, group: Some(group.to_owned()) });
        }
    }
    let exists = |column: &Shown| cells.iter().any(|cell| column.mean(cell).is_some());
    columns.retain(|column| exists(column) && says_something(column, cells));
    columns
}

/// The groups of all cells, in their order.
fn groups(cells: &[CellSummary]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for summary in cells.iter().flat_map(|cell| &cell.groups) {
        if !names.contains(&summary.group.as_str()) {
            names.push(&summary.group);
        }
    }
    names
}

/// The groups of bulk transfers among them.
fn bulk(cells: &[CellSummary]) -> Vec<&str> {
    let is_bulk =
        |name: &&str| cells.iter().flat_map(|cell| &cell.groups).any(|g| g.bulk && g.group == *name);
    groups(cells).into_iter().filter(is_bulk).collect()
}

fn says_something(column: &Shown, cells: &[CellSummary]) -> bool {
    let chat = cells.iter().any(|cell| cell.mean("deliveries").is_some());
    let completes = |group: &str| cells.iter().any(|cell| cell.get_of(group, "completion_mean_s").is_some());
    let differs = |from: &&str| cells.iter().any(|cell| cell.mean(column.figure.column) != cell.mean(from));
    match (column.figure.column, &column.group) {
        // A transfer of a given size is known by its time, which all groups together have, too.
        ("goodput_mbit", Some(group)) => {
            let of_all = |cell: &CellSummary| mean_of(cell.get(column.figure.column), column.figure);
            let is_its_own =
                bulk(cells).len() > 1 || cells.iter().any(|cell| estimate(cell, column) != of_all(cell));
            is_its_own && bulk(cells).contains(&group.as_str()) && !completes(group)
        }
        ("completion_mean_s", Some(_)) => groups(cells).iter().filter(|group| completes(group)).count() > 1,
        ("goodput_ratio", Some(group)) => bulk(cells).first() == Some(&group.as_str()),
        // The page has the rest.
        (_, Some(_)) => false,
        ("jain_index", _) if chat => {
            cells.iter().filter_map(|cell| column.mean(cell)).any(|mean| mean < UNFAIR)
        }
        // A single transfer is its own median.
        _ => {
            let mut means = cells.iter().filter_map(|cell| column.mean(cell));
            means.any(column.figure.tells) && column.figure.repeats.iter().all(differs)
        }
    }
}

/// `mean ± half-width` with as many decimals as the interval supports; `–` for what does not exist.
pub fn estimate(cell: &CellSummary, column: &Shown) -> String {
    mean_of(column.figure_of(cell), column.figure)
}

/// The same of a mean of a figure.
pub fn mean_of(mean: Option<&FigureMean>, figure: &Figure) -> String {
    let Some((mean, ci95)) = mean.and_then(|over| Some((over.mean?, over.ci95))) else {
        return "–".to_owned();
    };
    match ci95 {
        Some(half) => with_interval(mean * figure.factor, half * figure.factor),
        None => plain(mean * figure.factor),
    }
}

/// `1.23 ± 0.04`: the half-width gets two digits, the mean the same decimals. A half-width below the last
/// decimal reads `± <0.001`, because `± 0.000` would claim that there is none.
pub fn with_interval(mean: f64, half: f64) -> String {
    if half == 0.0 {
        return format!("{} ± 0", plain(mean));
    }
    let decimals = (1 - half.log10().floor() as i32).clamp(0, 3).min(plain_decimals(mean) + 1) as usize;
    let least = 0.1_f64.powf(decimals as f64);
    if half < least / 2.0 {
        return format!("{mean:.decimals$} ± <{least:.decimals$}");
    }
    format!("{mean:.decimals$} ± {half:.decimals$}")
}

/// A number with about three digits.
pub fn plain(value: f64) -> String {
    let decimals = plain_decimals(value) as usize;
    format!("{value:.decimals$}")
}

/// The decimals of about three digits.
pub fn plain_decimals(value: f64) -> i32 {
    if value == 0.0 || !value.is_finite() || value.fract() == 0.0 {
        0
    } else {
        (2 - value.abs().log10().floor() as i32).clamp(0, 4)
    }
}

/// Place whose goodput the tables show.
pub fn place(measured: &Measured) -> String {
    match measured {
        Measured::Alike => "the busier direction of the busiest shared link".to_owned(),
        Measured::At(place) => format!("{place}, the busiest on average"),
        Measured::Apart(_) => "the busier direction of each cell's busiest shared link".to_owned(),
    }
}

/// Note on the goodput of a table, if it has a column that rests on it.
pub fn goodput_note(columns: &[Shown], measured: &Measured) -> Option<String> {
    let rests =
        |shown: &Shown| ["goodput_mbit", "jain_index"].iter().any(|column| shown.is_of(column, false));
    columns.iter().any(rests).then(|| format!("goodput: {}", place(measured)))
}

/// Note on percentiles that some cells of a table do not have, if there are any.
fn gap_note(columns: &[Shown], cells: &[&CellSummary]) -> Option<String> {
    let lacks = |column: &Shown, cell: &CellSummary| cell.n > 0 && column.mean(cell).is_none();
    let is_percentile = |column: &&Shown| {
        let mut parts = column.figure.column.split('_');
        parts.any(|part| part.strip_prefix('p').is_some_and(|digits| digits.parse::<u32>().is_ok()))
    };
    let mut percentiles = columns.iter().filter(is_percentile);
    let found = percentiles.any(|column| cells.iter().any(|cell| lacks(column, cell)));
    found.then(|| "–: no value, as of a percentile among what never came in a trial".to_owned())
}

/// The aligned table: one line per cell in the order of the axes' values, below headings and units.
pub fn render(results: &Results, cells: &[CellSummary]) -> String {
    let study = &results.study;
    let columns = shown(cells);
    let done: Vec<&CellSummary> =
        study.ordered_cells().into_iter().map(|cell| &cells[cell]).filter(|cell| cell.n > 0).collect();
    let numbered = study.cells() > 1;
    // The number of trials is the same everywhere unless a run was stopped.
    let uneven = done.iter().any(|cell| cell.n != study.trials as usize);
    let line = |number: &str, names: Vec<String>, n: String, figures: Vec<String>| -> Vec<String> {
        let number = numbered.then(|| number.to_owned());
        number.into_iter().chain(names).chain(uneven.then_some(n)).chain(figures).collect()
    };
    let blank = vec![String::new(); study.axes.len()];
    let texts = |text: fn(&Shown) -> &str| columns.iter().map(|column| text(column).to_owned()).collect();
    let mut rows = vec![
        line("cell", study.headings().collect(), "trials".to_owned(), texts(|c| &c.heading)),
        line("", blank, String::new(), texts(|c| c.unit)),
    ];
    for cell in &done {
        let names = study.axes.iter().zip(&cell.values).map(|(axis, value)| axis.short(value)).collect();
        let figures = columns.iter().map(|column| estimate(cell, column)).collect();
        rows.push(line(&study.cell_name(cell.cell), names, cell.n.to_string(), figures));
    }
    let mut text = lines::align(&rows, study.axes.len() + usize::from(numbered));
    if let [cell, ..] = done.as_slice() {
        let trials = match cell.n {
            _ if uneven => "means over trials ± half the 95 % interval".to_owned(),
            1 => "one trial each, so no intervals".to_owned(),
            n => format!("means of {n} trials ± half the 95 % interval"),
        };
        let notes: Vec<String> =
            Some(trials).into_iter().chain(goodput_note(&columns, &results.measured)).collect();
        let gaps = gap_note(&columns, &done).map(|note| note + "\n").unwrap_or_default();
        let _ = write!(text, "{}\n{gaps}", notes.join("; "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_follows_the_interval() {
        assert_eq!(with_interval(1.234_567, 0.1), "1.23 ± 0.10");
        assert_eq!(with_interval(123.456, 12.3), "123 ± 12");
        assert_eq!(with_interval(5.0, 0.0), "5 ± 0");
        assert_eq!(with_interval(0.0, 0.0), "0 ± 0");
        assert_eq!(with_interval(1.234, 0.0), "1.23 ± 0");
        assert_eq!(with_interval(1.234, 0.000_01), "1.234 ± <0.001");
        assert_eq!(plain(0.012_34), "0.0123");
        assert_eq!(plain(1234.5), "1234");
    }
}
