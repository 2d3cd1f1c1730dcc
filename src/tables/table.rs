//! The short table at the end of a run, and the proof that the emulator did what it was asked.

use serde::Serialize;
use std::fmt::Write as _;

use super::figures::{self, Figure, Heading};
use super::lines;
use super::results::{Measured, Results};
use super::study::Study;
use super::summary::{CellSummary, FigureMean};
use crate::units::plural;

/// A check of the emulator, over all trials of a cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// The cell.
    pub cell: usize,
    /// The link.
    pub link: String,
    /// `up` or `down`.
    pub direction: String,
    /// Checked quantity, with its unit last.
    pub quantity: String,
    /// Value that the scenario asked for.
    pub configured: f64,
    /// The mean over trials of what happened.
    pub realised: f64,
    /// The widest interval that a trial was allowed.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Trials that passed.
    pub passed: usize,
    /// Trials that failed.
    pub failed: usize,
    /// Trials in which too little passed to tell.
    pub too_few: usize,
}

/// Verdict of all trials of a cell together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckVerdict {
    /// All that could be judged passed.
    Pass,
    /// At least one trial failed.
    Fail,
    /// No trial could be judged.
    TooFew,
}

impl Check {
    /// The verdict over the trials.
    pub fn verdict(&self) -> CheckVerdict {
        match (self.failed, self.passed) {
            (0, 0) => CheckVerdict::TooFew,
            (0, _) => CheckVerdict::Pass,
            _ => CheckVerdict::Fail,
        }
    }
}

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
        ("goodput_mbit", Some(group)) => bulk(cells).contains(&group.as_str()) && !completes(group),
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

/// A number of a check, with digits enough to tell its bounds from one another.
pub fn of_check(check: &Check, value: f64) -> String {
    let width = check.high - check.low;
    if value.fract() == 0.0 || !width.is_finite() || width <= 0.0 {
        return plain(value);
    }
    let decimals = (1 - width.log10().floor() as i32).clamp(plain_decimals(value), 6) as usize;
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
        let _ = writeln!(text, "{trials}; goodput: {}", place(&results.measured));
    }
    text
}

/// The checks of all cells, aggregated over trials.
pub fn checks(results: &Results) -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    let mut counts: Vec<f64> = Vec::new();
    for row in &results.checks {
        let same = |check: &Check| {
            (check.cell, &check.link, &check.direction, &check.quantity)
                == (row.cell, &row.link, &row.direction, &row.quantity)
        };
        let index = checks.iter().position(same).unwrap_or_else(|| {
            checks.push(Check {
                cell: row.cell,
                link: row.link.clone(),
                direction: row.direction.clone(),
                quantity: row.quantity.clone(),
                configured: row.configured,
                realised: 0.0,
                low: row.low,
                high: row.high,
                passed: 0,
                failed: 0,
                too_few: 0,
            });
            counts.push(0.0);
            checks.len() - 1
        });
        let check = &mut checks[index];
        counts[index] += 1.0;
        check.realised += (row.realised - check.realised) / counts[index];
        check.low = check.low.min(row.low);
        check.high = check.high.max(row.high);
        match row.verdict.as_str() {
            "pass" => check.passed += 1,
            "fail" => check.failed += 1,
            _ => check.too_few += 1,
        }
    }
    // Trials are written in their order, which need not be that of the cells.
    checks.sort_by_key(|check| check.cell);
    checks
}

/// One line for all that passed, or one for each that failed.
pub fn check_lines(study: &Study, checks: &[Check]) -> Vec<String> {
    let of = |verdict: CheckVerdict| checks.iter().filter(move |check| check.verdict() == verdict);
    let too_few = of(CheckVerdict::TooFew).count();
    let judged = checks.len() - too_few;
    let mut lines: Vec<String> = of(CheckVerdict::Fail).map(|check| failed_line(study, check)).collect();
    let aside =
        if too_few > 0 { format!(" ({too_few} more had too few packets to tell)") } else { String::new() };
    if checks.is_empty() {
        return lines;
    }
    if judged == 0 {
        let checks = plural(too_few as u64, "check");
        lines.push(format!("configured against realised: too few packets to judge {checks}"));
    } else if lines.is_empty() {
        let passed = if judged == 1 { "the one check".to_owned() } else { format!("all {judged} checks") };
        lines.push(format!("configured against realised: {passed} passed{aside}"));
    } else {
        let checks = plural(judged as u64, "check");
        lines.push(format!("configured against realised: {} of {checks} failed{aside}", lines.len()));
    }
    lines
}

fn failed_line(study: &Study, check: &Check) -> String {
    let label = study.cell_label(check.cell);
    let place = if label.is_empty() { String::new() } else { format!(" ({label})") };
    format!(
        "check failed: {} of link {} {}{place}: configured {}, realised {} (allowed {} to {}) in {} of {} trials",
        check.quantity,
        check.link,
        check.direction,
        plain(check.configured),
        of_check(check, check.realised),
        of_check(check, check.low),
        of_check(check, check.high),
        check.failed,
        check.failed + check.passed + check.too_few,
    )
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

    fn check(passed: usize, failed: usize, too_few: usize) -> Check {
        Check {
            cell: 0,
            link: "access".to_owned(),
            direction: "up".to_owned(),
            quantity: "loss_percent".to_owned(),
            configured: 10.0,
            realised: 12.5,
            low: 9.0,
            high: 11.0,
            passed,
            failed,
            too_few,
        }
    }

    #[test]
    fn bounds_differ_from_what_was_configured() {
        let narrow = Check { low: 9.998_5, high: 10.001_5, ..check(1, 0, 0) };
        assert_eq!(of_check(&narrow, narrow.low), "9.9985");
        assert_eq!(of_check(&narrow, narrow.high), "10.0015");
        assert_eq!(of_check(&check(1, 0, 0), 9.04), "9.04");
    }

    #[test]
    fn only_failures_are_spelt_out() {
        let study = crate::tables::testing::study(&[]);
        let lines = check_lines(&study, &[check(3, 0, 0), check(0, 0, 3)]);
        assert_eq!(
            lines,
            ["configured against realised: the one check passed (1 more had too few packets to tell)"]
        );
        let lines = check_lines(&study, &[check(3, 0, 0), check(2, 1, 0)]);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains("realised 12.5 (allowed 9 to 11) in 1 of 3 trials"), "{lines:?}");
    }
}
