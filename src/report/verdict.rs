//! Sentences that say what a comparison showed, and no more than its test supports ([`Change`]).

use super::files::{Measured, Results};
use super::paired::{Change, LEAST_PAIRS};
use super::study::Study;
use super::summary::CellSummary;
use super::table;

/// What the sentences are about, the most telling first: column, name, unit.
const FIGURES: [(&str, &str, &str); 5] = [
    ("completion_mean_s", "completion time", " s"),
    ("goodput_mbit", "goodput", " Mbit/s"),
    ("latency_p99_ms", "p99 latency", " ms"),
    ("retransmits", "retransmits", ""),
    ("jain_index", "Jain's fairness index", ""),
];

/// More would not be read.
pub const MAX_SENTENCES: usize = 3;

/// A smaller change, even if no chance, is not worth a word.
const WORTH_NAMING: f64 = 0.02;

/// Jain's index takes this much more change to matter.
const WORTH_NAMING_OF_JAIN: f64 = 0.05;

/// A figure that surely stayed within this share of itself stayed what it was.
const SAME: f64 = 0.05;

/// Retransmissions below this share of all segments, before and after, are not worth a word.
const FEW_RETRANSMITS: f64 = 0.005;

/// One to three sentences; none if nothing ran.
pub fn sentences(results: &Results, cells: &[CellSummary]) -> Vec<String> {
    if results.trials.is_empty() {
        return Vec::new();
    }
    let pairs = pairs(&results.study);
    if pairs.is_empty() {
        return cells.first().map(alone).into_iter().collect();
    }
    let mut compared: Vec<Sentence> = pairs.iter().filter_map(|pair| compare(results, cells, pair)).collect();
    if compared.iter().any(|sentence| sentence.claims) {
        compared.retain(|sentence| sentence.claims);
    } else {
        compared.truncate(1);
    }
    let said = compared.into_iter().take(MAX_SENTENCES).map(|sentence| sentence.text);
    said.chain(not_compared(&results.measured)).collect()
}

/// Two cells that differ in one axis.
#[derive(Debug, PartialEq)]
struct Pair {
    from: usize,
    to: usize,
    axis: usize,
}

/// The pairs worth a sentence, the most telling first. The axis held against the other is the
/// controller if it varies, else the first; the swept axis is the other one with the most values. First
/// and last are the smallest and the largest where the values are numbers.
fn pairs(study: &Study) -> Vec<Pair> {
    let varied: Vec<usize> = (0..study.axes.len()).filter(|&n| study.axes[n].values.len() > 1).collect();
    let controller = varied.iter().copied().find(|&n| study.axes[n].is_congestion());
    let Some(axis) = controller.or(varied.first().copied()) else { return Vec::new() };
    let orders: Vec<Vec<usize>> = study.axes.iter().map(super::Axis::order).collect();
    let count = |axis: usize| orders[axis].len();
    // The cell with the last value of each axis but for those given, by their places in the order.
    let cell = |places: &[(usize, usize)]| {
        orders.iter().enumerate().fold(0, |cell, (axis, order)| {
            let place = places.iter().find(|(other, _)| *other == axis).map_or(order.len() - 1, |p| p.1);
            cell * order.len() + order[place]
        })
    };
    let swept = varied.iter().copied().filter(|&n| n != axis).rev().max_by_key(|&n| count(n));
    let Some(swept) = swept else {
        // A single axis: its ends, and the last value against those between.
        return (0..count(axis) - 1)
            .map(|place| Pair { from: cell(&[(axis, place)]), to: cell(&[]), axis })
            .collect();
    };
    // What the last controller makes of the sweep; all controllers where it is hardest, and where it
    // is easiest; and what the first controller makes of the sweep.
    let mut pairs = vec![Pair { from: cell(&[(swept, 0)]), to: cell(&[]), axis: swept }];
    pairs.extend((1..count(axis)).rev().map(|place| Pair {
        from: cell(&[(axis, 0)]),
        to: cell(&[(axis, place)]),
        axis,
    }));
    let easiest = orders.iter().enumerate().filter(|(n, _)| *n != axis).map(|(n, _)| (n, 0));
    let easiest: Vec<(usize, usize)> = easiest.collect();
    let of_first = [easiest.as_slice(), &[(axis, 0)]].concat();
    pairs.push(Pair { from: cell(&of_first), to: cell(&easiest), axis });
    pairs.push(Pair { from: cell(&[(axis, 0), (swept, 0)]), to: cell(&[(axis, 0)]), axis: swept });
    pairs
}

/// What a single cell showed.
fn alone(cell: &CellSummary) -> String {
    const ALONE: [(&str, &str, &str); 5] = [
        ("completion_mean_s", "completion time", " s"),
        ("goodput_mbit", "goodput", " Mbit/s"),
        ("latency_p50_ms", "median latency", " ms"),
        ("latency_p99_ms", "p99 latency", " ms"),
        ("retransmits", "retransmits", ""),
    ];
    let parts: Vec<String> = ALONE
        .iter()
        .filter_map(|(figure, name, unit)| {
            let figure = cell.get(figure)?;
            let mean = figure.mean?;
            Some(match figure.ci95 {
                Some(half) => format!("{name} {}{unit}", table::with_interval(mean, half)),
                None => format!("{name} {}{unit}", table::plain(mean)),
            })
        })
        .collect();
    let trials = if cell.n == 1 { "one trial".to_owned() } else { format!("{} trials", cell.n) };
    format!("Over {trials}: {}.", parts.join(", "))
}

/// A sentence, and whether it says that anything changed.
pub struct Sentence {
    pub text: String,
    pub claims: bool,
}

/// A cell with the trials behind it.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    pub results: &'a Results,
    pub cell: &'a CellSummary,
}

impl Side<'_> {
    /// What the figure was here and on the other side, in each trial that both have.
    fn pairs(&self, to: &Side<'_>, figure: &str) -> Vec<(f64, f64)> {
        let before = self.results.values(self.cell.cell, figure);
        let after = to.results.values(to.cell.cell, figure).into_iter();
        let pair = |(trial, after)| {
            before.iter().find(|(other, _)| *other == trial).map(|(_, before)| (*before, after))
        };
        after.filter_map(pair).collect()
    }

    /// Whether all trials agree in every figure of the network with those of the other side.
    fn is_alike(&self, to: &Side<'_>) -> bool {
        self.results.figures_of_network(self.cell.cell) == to.results.figures_of_network(to.cell.cell)
    }

    /// Whether so many retransmissions are next to none.
    fn few(&self, retransmits: f64) -> bool {
        self.cell.mean("segments_sent").is_none_or(|all| retransmits <= all * FEW_RETRANSMITS)
    }
}

fn compare(results: &Results, cells: &[CellSummary], pair: &Pair) -> Option<Sentence> {
    let study = &results.study;
    let (from, to) = (cells.get(pair.from)?, cells.get(pair.to)?);
    let context = study.label(&from.values, |other| other != pair.axis);
    let opening = if context.is_empty() { "With".to_owned() } else { format!("At {context}, with") };
    let (was, is) = (&from.values[pair.axis], &to.values[pair.axis]);
    let what = format!("{} instead of {}", study.phrase(pair.axis, is), study.axes[pair.axis].short(was));
    let (from, to) = (Side { results, cell: from }, Side { results, cell: to });
    compare_sides(&format!("{opening} {what}"), from, to)
}

/// The figures that two cells can be compared by: goodput and fairness only if both are of one place.
fn compared(
    from: Side<'_>,
    to: Side<'_>,
) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let apart = [from, to].iter().any(|side| matches!(side.results.measured, Measured::Apart(_)));
    FIGURES
        .into_iter()
        .filter(move |(figure, ..)| !apart || !matches!(*figure, "goodput_mbit" | "jain_index"))
}

/// Why goodput is not compared.
pub fn not_compared(measured: &Measured) -> Option<String> {
    let Measured::Apart(places) = measured else { return None };
    Some(format!(
        "Goodput and fairness are not compared, because no link and direction carries data in all cells ({places})."
    ))
}

/// What the pairs of trials of two cells say; `opening` is what the sentence begins with, such as
/// `With reno instead of none`. `None` if a cell has no trials.
pub fn compare_sides(opening: &str, from: Side<'_>, to: Side<'_>) -> Option<Sentence> {
    if from.cell.n == 0 || to.cell.n == 0 {
        return None;
    }
    if from.is_alike(&to) {
        return Some(Sentence { text: format!("{opening}, no figure changed."), claims: false });
    }
    let trials = from.pairs(&to, "events").len();
    if trials < LEAST_PAIRS {
        return Some(Sentence { text: without_verdict(opening, from, to, trials), claims: false });
    }
    let (mut clear, mut same, mut unclear) = (Vec::new(), Vec::new(), Vec::new());
    for (figure, name, unit) in compared(from, to) {
        let (Some(before), Some(after)) = (from.cell.mean(figure), to.cell.mean(figure)) else {
            if figure.starts_with("latency") && from.results.figure(figure).is_some() {
                unclear.push(format!("{name} (it lies among messages that never arrived)"));
            }
            continue;
        };
        let Some(change) = Change::of(&from.pairs(&to, figure)) else { continue };
        if figure == "retransmits" && from.few(before) && to.few(after) {
            continue;
        }
        let is_jain = figure == "jain_index";
        let least = if is_jain { WORTH_NAMING_OF_JAIN } else { WORTH_NAMING };
        // The means beside the sentence must not contradict the pairs, as a single wild trial can make
        // them do.
        let clear_enough = change.is_clear() && change.is_rise() == (after > before);
        if clear_enough && change.share_of(before.max(after)) >= least {
            let moved = if change.is_rise() { "rose" } else { "fell" };
            clear.push(format!("{name} {moved} {}", change.in_words(unit)));
        } else if let Some(share) = change.surely_within().filter(|share| *share <= SAME) {
            // That next to nothing was gained or lost is news beside what was; a transfer of a given
            // size has the same bytes whatever happens.
            let given = figure == "goodput_mbit" && to.cell.mean("completion_mean_s").is_some();
            if figure == "goodput_mbit" && !given {
                let percent = (share * 1e3).ceil() / 10.0;
                let bound = if share > 0.0 { format!(" to within {percent} %") } else { String::new() };
                same.push(format!("{name} stayed the same{bound}"));
            }
        } else if !is_jain {
            unclear.push(name.to_owned());
        }
    }
    let claims = !clear.is_empty();
    let said = listed(&[clear, same].concat(), "and");
    let untold = match unclear.as_slice() {
        [] if said.is_empty() => "no difference worth naming".to_owned(),
        [] => String::new(),
        names => format!(
            "no statistically clear difference in {} (n = {trials}; more trials needed)",
            listed(names, "or")
        ),
    };
    let parts: Vec<String> = [said, untold].into_iter().filter(|part| !part.is_empty()).collect();
    Some(Sentence { text: format!("{opening}, {}.", parts.join("; ")), claims })
}

/// What was seen, where too few trials forbid to say what it means.
fn without_verdict(opening: &str, from: Side<'_>, to: Side<'_>, trials: usize) -> String {
    let seen = compared(from, to).filter_map(|(figure, name, unit)| {
        let (before, after) = (from.cell.mean(figure)?, to.cell.mean(figure)?);
        Some(format!("{name} {} instead of {}{unit}", table::plain(after), table::plain(before)))
    });
    let seen: Vec<String> = seen.take(MAX_SENTENCES).collect();
    let seen = seen.join(", ");
    if from.results.study.random {
        format!("{opening}: {seen}; no verdict (n = {trials}; at least {LEAST_PAIRS} trials needed).")
    } else {
        format!("{opening}: {seen}; nothing in the scenario is random, so one trial is enough.")
    }
}

/// `a, b and c`, with the word before the last.
fn listed(parts: &[String], conjunction: &str) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} {conjunction} {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures;
    use crate::report::files::Trial;
    use crate::report::testing::study;

    /// Trials with the given goodputs; all else is the same in all.
    fn results(study: &Study, goodputs: &[&[f64]]) -> Results {
        let columns = figures::of_study(study).count();
        let trials = goodputs.iter().enumerate().flat_map(|(cell, values)| {
            values.iter().enumerate().map(move |(trial, goodput)| {
                let mut figures = vec![Some(5.0); columns];
                figures[0] = Some(*goodput);
                for name in ["completion_mean_s", "completion_p50_s", "completion_p95_s"] {
                    let column = figures::of_study(study).position(|column| column.name == name);
                    figures[column.expect("a figure")] = None;
                }
                Trial { cell, number: trial as u32, figures }
            })
        });
        let trials = trials.collect();
        Results {
            dir: std::path::PathBuf::new(),
            trials,
            checks: Vec::new(),
            study: study.clone(),
            measured: Measured::Alike,
        }
    }

    fn of(results: &Results) -> Vec<String> {
        let cells = crate::report::summary::of_all(results).expect("no files are read");
        sentences(results, &cells)
    }

    #[test]
    fn claims_only_what_the_paired_interval_supports() {
        let study = study(&[("tcp.congestion", &["none", "reno"])]);
        let clear = of(&results(&study, &[&[4.0, 5.0, 6.0], &[1.5, 2.1, 2.4]]));
        assert_eq!(clear, ["With reno instead of none, goodput fell by a factor of 2.51 (2.18–2.89)."]);
        let unclear = of(&results(&study, &[&[4.0, 5.0, 6.0], &[6.0, 5.0, 4.5]]));
        let words = "no statistically clear difference in goodput (n = 3; more trials needed).";
        assert_eq!(unclear, [format!("With reno instead of none, {words}")]);
    }

    #[test]
    fn figures_far_apart_in_every_pair_are_never_said_to_be_alike() {
        let study = study(&[("tcp.congestion", &["none", "reno"])]);
        let text = of(&results(&study, &[&[28.0, 10.0, 30.0], &[2.0, 5.0, 3.0]]));
        assert!(text[0].contains("(n = 3; more trials needed)"), "{text:?}");
    }

    #[test]
    fn fewer_than_three_trials_allow_no_verdict() {
        let study = study(&[("tcp.congestion", &["none", "reno"])]);
        for (n, goodputs) in [(1, [&[4.0][..], &[1.0]]), (2, [&[4.0, 4.0], &[1.0, 1.0]])] {
            let text = of(&results(&study, &goodputs));
            let end = format!("no verdict (n = {n}; at least 3 trials needed).");
            assert!(text[0].contains("goodput 1 instead of 4 Mbit/s") && text[0].ends_with(&end), "{text:?}");
        }
        let certain = of(&results(&Study { random: false, ..study }, &[&[4.0], &[1.0]]));
        let end = "nothing in the scenario is random, so one trial is enough.";
        assert!(certain[0].ends_with(end), "{certain:?}");
    }

    #[test]
    fn numbers_are_compared_from_the_smallest_to_the_largest() {
        let study = study(&[("link.a.rate", &["1gbit", "500kbit", "2mbit"])]);
        let text = of(&results(&study, &[&[900.0, 901.0, 902.0], &[0.4, 0.41, 0.4], &[1.9, 1.91, 1.9]]));
        assert!(text[0].starts_with("With rate 1gbit instead of 500kbit, goodput rose"), "{text:?}");
        assert!(text[1].starts_with("With rate 1gbit instead of 2mbit, goodput rose"), "{text:?}");
    }

    #[test]
    fn compares_controllers_where_it_is_hardest_and_where_it_is_easiest() {
        let study = study(&[("tcp.congestion", &["none", "reno"]), ("link.a.loss", &["0%", "1%", "10%"])]);
        let pair = |from, to, axis| Pair { from, to, axis };
        // First what reno, the last, makes of loss.
        let expected = [pair(3, 5, 1), pair(2, 5, 0), pair(0, 3, 0), pair(0, 2, 1)];
        assert_eq!(pairs(&study), expected);
        assert_eq!(pairs(&loss_study()), [pair(0, 2, 0), pair(1, 2, 0)]);
        let appended = super::super::testing::study(&[
            ("tcp.congestion", &["reno"]),
            ("link.a.loss", &["1%", "10%", "3%"]),
        ]);
        assert_eq!(pairs(&appended), [pair(0, 1, 1), pair(2, 1, 1)]);
    }

    #[test]
    fn what_stayed_is_said_with_its_bound() {
        let study = study(&[("tcp.congestion", &["none", "reno"])]);
        let text = of(&results(&study, &[&[19.30, 19.31, 19.32], &[19.31, 19.32, 19.33]]));
        assert_eq!(text, ["With reno instead of none, goodput stayed the same to within 0.1 %."]);
    }

    #[test]
    fn what_stayed_stands_beside_what_changed() {
        let study = study(&[("tcp.congestion", &["none", "reno"])]);
        let mut results = results(&study, &[&[9.92, 9.93, 9.94], &[10.06, 10.07, 10.08]]);
        let retransmits = results.figure("retransmits").expect("a figure");
        for trial in results.trials.iter_mut().filter(|trial| trial.cell == 1) {
            trial.figures[retransmits] = Some(1.0 + 0.1 * f64::from(trial.number));
        }
        let text = of(&results).join(" ");
        let words =
            "retransmits fell by a factor of 4.6 (3.6–5.7) and goodput stayed the same to within 1.5 %.";
        assert!(text.ends_with(words), "{text}");
    }

    #[test]
    fn a_transfer_of_a_given_size_is_compared_by_its_time() {
        let study = study(&[("tcp.congestion", &["none", "reno"])]);
        let mut results = results(&study, &[&[4.0, 4.0, 4.0], &[4.0, 4.0, 4.0]]);
        let completion = results.figure("completion_mean_s").expect("a figure");
        for trial in &mut results.trials {
            trial.figures[completion] = Some(if trial.cell == 0 { 2.0 } else { 6.0 });
        }
        assert_eq!(of(&results), ["With reno instead of none, completion time rose by a factor of 3."]);
    }

    #[test]
    fn of_an_axis_that_did_nothing_no_figure_is_said_to_have_stayed() {
        let study = study(&[("congestion.cubic.beta", &["0.5", "0.9"])]);
        for n in [1, 3] {
            let goodputs = &[4.0, 5.0, 6.0][..n];
            let text = of(&results(&study, &[goodputs, goodputs]));
            assert_eq!(text, ["With beta 0.9 instead of 0.5, no figure changed."]);
        }
    }

    #[test]
    fn a_figure_that_stayed_exactly_what_it_was_has_no_bound() {
        let study = study(&[("tcp.congestion", &["none", "reno"])]);
        let mut results = results(&study, &[&[4.0, 5.0, 6.0], &[4.0, 5.0, 6.0]]);
        let retransmits = results.figure("retransmits").expect("a figure");
        for trial in results.trials.iter_mut().filter(|trial| trial.cell == 1) {
            trial.figures[retransmits] = Some(20.0);
        }
        let words =
            "With reno instead of none, retransmits rose by a factor of 4 and goodput stayed the same.";
        assert_eq!(of(&results), [words]);
    }

    #[test]
    fn goodput_of_different_places_is_not_compared() {
        let study = study(&[("tcp.congestion", &["none", "reno"])]);
        let mut results = results(&study, &[&[4.0, 5.0, 6.0], &[1.5, 2.1, 2.4]]);
        results.measured = Measured::Apart("link core, down; link home, up".to_owned());
        let text = of(&results);
        assert!(!text[0].contains("goodput"), "{text:?}");
        assert!(text[1].contains("not compared") && text[1].contains("link home, up"), "{text:?}");
    }

    fn loss_study() -> Study {
        study(&[("link.a.loss", &["0%", "1%", "10%"])])
    }

    #[test]
    fn a_single_cell_is_described() {
        let text = of(&results(&study(&[]), &[&[4.0, 5.0, 6.0]]));
        assert_eq!(text, ["Over 3 trials: goodput 5.0 ± 2.5 Mbit/s, retransmits 5 ± 0."]);
    }
}
