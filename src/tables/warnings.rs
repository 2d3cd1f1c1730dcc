//! Warnings to read before trusting the figures, found in the files alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::alike;
use super::checks::{Check, CheckVerdict};
use super::error::FileError;
use super::figures::FIGURES;
use super::lateness::Late;
use super::results::Results;
use super::rows::Table;
use super::settling::Unsettled;
use super::summary::CellSummary;

use crate::facts::{Limit, Measure};

/// An interval wider than this share of the mean on each side says little.
const WIDE_INTERVAL: f64 = 0.25;

/// Fewer loss episodes than this in a cell make its averages a matter of luck.
const FEW_EPISODES: u64 = 10;

/// Something to look at before trusting the figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Warning {
    /// Description of the problem, and its mend.
    pub text: String,
    /// The cells it is about.
    pub cells: Vec<usize>,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LISTED: usize = 8;
        f.write_str(&self.text)?;
        let listed: Vec<String> = self.cells.iter().take(LISTED).map(usize::to_string).collect();
        match self.cells.len() {
            0 => Ok(()),
            1 => write!(f, " (cell {})", listed[0]),
            n if n <= LISTED => write!(f, " (cells {})", listed.join(", ")),
            n => write!(f, " (cells {} and {} more)", listed.join(", "), n - LISTED),
        }
    }
}

/// All warnings, the gravest first.
pub fn find(
    results: &Results,
    cells: &[CellSummary],
    late: &[Late],
    unsettled: Unsettled,
) -> Result<Vec<Warning>, FileError> {
    let mut warnings = Vec::new();
    for (text, cells) in late.iter().filter_map(Late::warning) {
        add(&mut warnings, text, cells);
    }
    failed_checks(&results.checks, &mut warnings);
    trials(results, cells, &mut warnings);
    nothing_random(results, cells, &mut warnings);
    for (text, cells) in alike::find(results) {
        add(&mut warnings, text, cells);
    }
    undelivered(results, &mut warnings);
    without_mean(results, cells, &mut warnings);
    flows(results, &mut warnings)?;
    few_episodes(results, &mut warnings);
    let Unsettled { first_slow_start, uneven } = unsettled;
    let text = "bulk flows were still in their first slow start when measuring began; lengthen warmup";
    add(&mut warnings, text, first_slow_start);
    let text = "goodput of the bulk flows in the last third of the first trial is less than two thirds of that in \
                the middle third, or more than one and a half times it; run longer, unless conditions change \
                on purpose";
    add(&mut warnings, text, uneven);
    wide_intervals(cells, &mut warnings);
    Ok(warnings)
}

/// Adds a warning if it is about any cell.
fn add(warnings: &mut Vec<Warning>, text: impl Into<String>, mut cells: Vec<usize>) {
    cells.sort_unstable();
    cells.dedup();
    if !cells.is_empty() {
        warnings.push(Warning { text: text.into(), cells });
    }
}

fn failed_checks(checks: &[Check], warnings: &mut Vec<Warning>) {
    let failed = checks.iter().filter(|check| check.verdict() == CheckVerdict::Fail);
    let text = "a link did not do what the scenario asked for; see realised.csv";
    add(warnings, text, failed.map(|check| check.cell).collect());
}

fn trials(results: &Results, cells: &[CellSummary], warnings: &mut Vec<Warning>) {
    let planned = results.study.trials as usize;
    let of = |wanted: &dyn Fn(usize) -> bool| -> Vec<usize> {
        cells.iter().filter(|cell| wanted(cell.n)).map(|cell| cell.cell).collect()
    };
    let text = format!(
        "fewer than {planned} trials are done: a part of a run, or one that was stopped (--resume goes on)"
    );
    add(warnings, text, of(&|n| n < planned));
    let text = "the figures rest on one trial, so there is no telling how far chance moves them; \
                set trials to 5 or more";
    if results.study.random {
        add(warnings, text, of(&|n| n == 1));
    }
}

/// Cells whose trials agree in every figure: they had no chances to differ in.
fn nothing_random(results: &Results, cells: &[CellSummary], warnings: &mut Vec<Warning>) {
    let is_zero = |cell: &CellSummary, name: &str| cell.mean(name) == Some(0.0);
    let idle = |cell: &CellSummary| {
        if cell.get("goodput_mbit").is_some() {
            is_zero(cell, "segments_sent") && is_zero(cell, "timeouts")
        } else {
            is_zero(cell, "utilisation")
        }
    };
    let silent = |cell: &&CellSummary| cell.n > 0 && (is_zero(cell, "goodput_mbit") || idle(cell));
    let (over, blocked): (Vec<&CellSummary>, Vec<&CellSummary>) =
        cells.iter().filter(silent).partition(|cell| idle(cell));
    let numbers = |cells: Vec<&CellSummary>| cells.into_iter().map(|cell| cell.cell).collect();
    let text = "nothing was sent within the measured interval, so that most figures mean nothing; shorten warmup, \
                or give the clients more to send";
    add(warnings, text, numbers(over));
    let text = "nothing arrived at all: the links carry nothing that the clients could use, so the other \
                figures mean nothing either";
    add(warnings, text, numbers(blocked));
    let identical = cells.iter().filter(|cell| cell.n > 1 && !silent(cell)).filter(|cell| {
        let mut trials = results.figures_of_network(cell.cell).map(|(_, figures)| figures);
        let first = trials.next();
        trials.all(|figures| Some(figures) == first)
    });
    let text = "all trials gave the same figures, because nothing random touched them: ± 0 says nothing \
                about chance; a start_spread for the clients would make the trials differ";
    add(warnings, text, identical.map(|cell| cell.cell).collect());
}

fn undelivered(results: &Results, warnings: &mut Vec<Warning>) {
    const PERCENTILES: [(&str, &str); 5] = [
        ("latency_p50_ms", "median"),
        ("latency_p90_ms", "p90"),
        ("latency_p99_ms", "p99"),
        ("latency_p999_ms", "p99.9"),
        ("latency_max_ms", "longest"),
    ];
    let mut missing: BTreeMap<Vec<&str>, BTreeSet<usize>> = BTreeMap::new();
    let columns = ["deliveries_expected", "deliveries"].map(|name| results.figure(name));
    let [Some(expected), Some(delivered)] = columns else { return };
    let percentiles = PERCENTILES.map(|(column, name)| (results.figure(column), name));
    for trial in results.trials.iter() {
        let value = |column: Option<usize>| trial.figure(column?);
        let (Some(expected), Some(delivered)) = (trial.figure(expected), trial.figure(delivered)) else {
            continue;
        };
        if delivered < expected {
            let names = percentiles.iter().filter(|(column, _)| value(*column).is_none());
            missing.entry(names.map(|(_, name)| *name).collect()).or_default().insert(trial.cell);
        }
    }
    for (names, cells) in missing {
        let text = if names.is_empty() {
            "some messages never arrived; they count as later than all others".to_owned()
        } else {
            format!(
                "so many messages never arrived that these latencies have no value: {}; the mean is of those \
                 that did arrive",
                names.join(", ")
            )
        };
        add(warnings, text, cells.into_iter().collect());
    }
}

/// Figures that some trials of a cell have and others lack; those of messages have warnings of their own.
fn without_mean(results: &Results, cells: &[CellSummary], warnings: &mut Vec<Warning>) {
    let mut lacking: BTreeMap<Vec<usize>, Vec<&str>> = BTreeMap::new();
    let shown =
        FIGURES.iter().filter(|figure| figure.heading.is_some() && !figure.column.starts_with("latency"));
    for figure in shown {
        let some =
            |cell: &&CellSummary| (1..cell.n).contains(&results.values(cell.cell, figure.column).count());
        let cells: Vec<usize> = cells.iter().filter(some).map(|cell| cell.cell).collect();
        if !cells.is_empty() {
            lacking.entry(cells).or_default().push(figure.words);
        }
    }
    for (cells, names) in lacking {
        let text = format!(
            "some trials have no value, so that there is no mean, of: {}; see trials.csv",
            names.join(", ")
        );
        add(warnings, text, cells);
    }
}

/// Bulk flows that something else than the congestion window held back.
fn flows(results: &Results, warnings: &mut Vec<Warning>) -> Result<(), FileError> {
    let (mut by_receiver, mut by_application) = (BTreeSet::new(), BTreeSet::new());
    results.each_row_of(Table::Flows, |cell, row| {
        let bulk = results.study.is_bulk(row.get("group"));
        // Without congestion control, the receiver's window is what shall hold the sender back.
        if !bulk || row.get("congestion") == "none" {
            return;
        }
        let found = match row.parse("limited_by") {
            Some(Limit::ReceiveWindow) => &mut by_receiver,
            // A transfer that ended has nothing to send any more.
            Some(Limit::Application) if row.get("completion_s").is_empty() => &mut by_application,
            _ => return,
        };
        found.insert(cell);
    })?;
    let text = "bulk flows were held back by the receiver's window, not by congestion control; \
                raise tcp.receive_window";
    add(warnings, text, by_receiver.into_iter().collect());
    let text = "bulk flows had nothing to send for most of the time, so congestion control hardly mattered";
    add(warnings, text, by_application.into_iter().collect());
    Ok(())
}

fn few_episodes(results: &Results, warnings: &mut Vec<Warning>) {
    if !results.study.measures(Measure::Goodput) {
        return;
    }
    let episodes = |cell: usize| -> f64 {
        ["recovery_episodes", "timeouts"]
            .iter()
            .flat_map(|name| results.values(cell, name))
            .map(|(_, count)| count)
            .sum()
    };
    let few = |cell: &usize| (1..FEW_EPISODES).contains(&(episodes(*cell) as u64));
    let text = format!(
        "fewer than {FEW_EPISODES} loss episodes in all trials together, so the averages depend on where they \
         fell; run longer or more trials"
    );
    add(warnings, text, results.cells_with_trials().into_iter().filter(few).collect());
}

fn wide_intervals(cells: &[CellSummary], warnings: &mut Vec<Warning>) {
    for (figure, name) in
        [("goodput_mbit", "goodput"), ("latency_p50_ms", "median latency"), ("latency_p99_ms", "p99 latency")]
    {
        let wide = cells.iter().filter(|cell| {
            let figure = cell.get(figure);
            figure
                .is_some_and(|f| f.ci95 > f.mean.map(|mean| mean.abs() * WIDE_INTERVAL) && f.ci95 > Some(0.0))
        });
        let text =
            format!("the 95 % interval of the {name} is wider than ±25 % of its mean; run more trials");
        add(warnings, text, wide.map(|cell| cell.cell).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Phase;
    use crate::report::testing::{Model, chat_outcome, fill, run, study, with_chat};
    use crate::report::{Mode, ResultFolder, finish};
    use crate::tables::TrialRow;
    use crate::time::{Duration, Instant};

    fn has(warnings: &[Warning], words: &str) -> bool {
        warnings.iter().any(|warning| warning.text.contains(words))
    }

    #[test]
    fn one_trial_is_warned_of() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut study = study(&[]);
        study.trials = 1;
        let model = Model { seed: 1, congestion: "reno", loss: 0.01, flows: 1, chat: false, seconds: 5 };
        fill(dir.path(), &study, |_, _| model);
        let report = finish(dir.path(), "later", false).expect("finished");
        assert!(has(&report.findings.warnings, "one trial"), "{:?}", report.findings.warnings);
        assert!(!has(&report.findings.warnings, "stopped"), "{:?}", report.findings.warnings);
    }

    #[test]
    fn trials_without_chance_are_warned_of() {
        let words = "nothing random touched them";
        let warnings = |seed: fn(u32) -> u64| {
            let dir = tempfile::tempdir().expect("a temporary folder");
            fill(dir.path(), &study(&[]), |_, trial| Model {
                seed: seed(trial),
                congestion: "reno",
                loss: 0.01,
                flows: 1,
                chat: false,
                seconds: 5,
            });
            finish(dir.path(), "later", false).expect("finished").findings.warnings
        };
        assert!(has(&warnings(|_| 1), words));
        assert!(!has(&warnings(u64::from), words));
    }

    #[test]
    fn missing_percentiles_and_missing_trials_are_warned_of() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut study = study(&[]);
        study = with_chat(study);
        let mut outcome = chat_outcome(1, 0.01);
        let messages = outcome.messages.as_mut().expect("a chat");
        messages.deliveries -= 100;
        messages.deliveries_expected += 100;
        let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened");
        folder
            .append(&TrialRow { cell: 0, trial: 1, seed: 1, outcome: &outcome, wall_s: 0.1 })
            .expect("written");
        let report = finish(dir.path(), "later", false).expect("finished");
        assert!(
            has(&report.findings.warnings, "no value: p99, p99.9, longest"),
            "{:?}",
            report.findings.warnings
        );
        assert!(
            has(&report.findings.warnings, "fewer than 3 trials are done"),
            "{:?}",
            report.findings.warnings
        );
        assert!(report.findings.cells[0].get("latency_p99_ms").is_none());
        assert!(report.findings.cells[0].get("latency_p50_ms").is_some());
    }

    #[test]
    fn figures_that_only_some_trials_have_are_named() {
        let study = study(&[]);
        let column =
            crate::tables::figures::of_study(&study).position(|figure| figure.column == "jain_index");
        let trial = |number: u32| {
            let mut figures = vec![Some(5.0); crate::tables::figures::of_study(&study).count()];
            figures[column.expect("a figure")] = (number > 0).then_some(0.5);
            ((0, number), figures)
        };
        let results = Results::of_trials(study.clone(), (0..3).map(trial), Vec::new());
        let cells = crate::tables::summary::of_all(&results).expect("no files are read");
        let mut warnings = Vec::new();
        without_mean(&results, &cells, &mut warnings);
        let words =
            "some trials have no value, so that there is no mean, of: Jain's fairness index; see trials.csv";
        assert_eq!(warnings, [Warning { text: words.to_owned(), cells: vec![0] }]);
    }

    #[test]
    fn bulk_flows_that_congestion_control_did_not_govern_are_warned_of() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let study = study(&[]);
        let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened");
        for trial in 1..=3 {
            let mut outcome = crate::tables::testing::bulk_outcome(u64::from(trial), "reno", 0.001);
            for way in outcome.flows.iter_mut().flat_map(|flow| flow.directions.iter_mut().flatten()) {
                way.limited_by = Limit::ReceiveWindow;
                (way.recovery_episodes, way.timeouts) = (1, 0);
            }
            let middle = Instant::ZERO + Duration::from_secs(16);
            for sample in &mut outcome.series.as_mut().expect("a series").flows {
                // Slow start without end, and nothing delivered in the later half.
                (sample.sender.ssthresh, sample.sender.phase) = (None, Phase::SlowStart);
                sample.delivered = 1_000_000 + sample.time.min(middle).as_nanos() / 1000;
            }
            let row = TrialRow { cell: 0, trial, seed: 1, outcome: &outcome, wall_s: 0.1 };
            folder.append(&row).expect("written");
        }
        let warnings = finish(dir.path(), "later", false).expect("finished").findings.warnings;
        for words in ["receiver's window", "fewer than 10 loss episodes", "first slow start", "last third"] {
            assert!(has(&warnings, words), "{words}: {warnings:?}");
        }
    }

    #[test]
    fn cells_are_listed_briefly() {
        let warning =
            |cells: std::ops::Range<usize>| Warning { text: "x".to_owned(), cells: cells.collect() };
        assert_eq!(warning(3..4).to_string(), "x (cell 3)");
        assert_eq!(warning(0..2).to_string(), "x (cells 0, 1)");
        assert_eq!(warning(0..10).to_string(), "x (cells 0, 1, 2, 3, 4, 5, 6, 7 and 2 more)");
    }
}
