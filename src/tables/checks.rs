//! Checks of the emulator: proof that it did what it was asked, over all trials of a cell.

use serde::Serialize;

use super::reading::Row;
use super::study::Study;
use super::table::{plain, plain_decimals};
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

/// A number of a check, with digits enough to tell its bounds from one another.
pub fn of_check(check: &Check, value: f64) -> String {
    let width = check.high - check.low;
    if value.fract() == 0.0 || !width.is_finite() || width <= 0.0 {
        return plain(value);
    }
    let decimals = (1 - width.log10().floor() as i32).clamp(plain_decimals(value), 6) as usize;
    format!("{value:.decimals$}")
}

/// Checks of all cells, added up row by row.
#[derive(Debug, Default)]
pub struct Tally {
    checks: Vec<Check>,
    /// Place of the check that the next row is of, if rows go on as in the trial before.
    next: usize,
}

impl Tally {
    /// Takes a row of `realised.csv`.
    pub fn add(&mut self, cell: usize, row: &Row<'_>) {
        let Some(configured) = row.parse("configured") else { return };
        let [realised, low, high] =
            ["realised", "low", "high"].map(|name| row.parse(name).unwrap_or(f64::NAN));
        let [link, direction, quantity] = ["link", "direction", "quantity"].map(|name| row.get(name));
        let same = |check: &Check| {
            (check.cell, check.link.as_str(), check.direction.as_str(), check.quantity.as_str())
                == (cell, link, direction, quantity)
        };
        let (before, behind) = self.checks.split_at(self.next);
        let known = behind.iter().position(same).map(|place| place + self.next);
        let place = known.or_else(|| before.iter().position(same)).unwrap_or_else(|| {
            let [link, direction, quantity] = [link, direction, quantity].map(str::to_owned);
            let (passed, failed, too_few) = (0, 0, 0);
            self.checks.push(Check {
                cell,
                link,
                direction,
                quantity,
                configured,
                realised: 0.0,
                low,
                high,
                passed,
                failed,
                too_few,
            });
            self.checks.len() - 1
        });
        self.next = place + 1;
        let check = &mut self.checks[place];
        match row.get("verdict") {
            "pass" => check.passed += 1,
            "fail" => check.failed += 1,
            _ => check.too_few += 1,
        }
        let trials = (check.passed + check.failed + check.too_few) as f64;
        check.realised += (realised - check.realised) / trials;
        check.low = check.low.min(low);
        check.high = check.high.max(high);
    }

    /// The checks by cell.
    pub fn finish(mut self) -> Vec<Check> {
        self.checks.sort_by_key(|check| check.cell);
        self.checks
    }
}

/// One line for all that passed, or one for each that failed.
pub fn lines(study: &Study, checks: &[Check]) -> Vec<String> {
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
        let lines = super::lines(&study, &[check(3, 0, 0), check(0, 0, 3)]);
        assert_eq!(
            lines,
            ["configured against realised: the one check passed (1 more had too few packets to tell)"]
        );
        let lines = super::lines(&study, &[check(3, 0, 0), check(2, 1, 0)]);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains("realised 12.5 (allowed 9 to 11) in 1 of 3 trials"), "{lines:?}");
    }
}
