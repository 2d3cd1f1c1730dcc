//! Sentences that say what a comparison showed, and no more than its intervals support.

use super::files::Results;
use super::stats::Estimate;
use super::study::Study;
use super::summary::CellSummary;
use super::table;

/// What the sentences are about, the most telling first: column, name, unit.
const FIGURES: [(&str, &str, &str); 4] = [
    ("goodput_mbit", "goodput", " Mbit/s"),
    ("latency_p99_ms", "p99 latency", " ms"),
    ("retransmits", "retransmits", ""),
    ("jain_index", "Jain's fairness index", ""),
];

/// More would not be read.
const MAX_SENTENCES: usize = 3;

/// A smaller change, even if no chance, is not worth a word.
const WORTH_NAMING: f64 = 0.02;

/// Jain's index takes this much more change to matter.
const WORTH_NAMING_OF_JAIN: f64 = 0.05;

/// A goodput whose difference surely lies within this share stayed what it was.
const SAME: f64 = 0.05;

/// A clear change below this share is none at the precision of the sentences.
const VISIBLE: f64 = 0.005;

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
    compared.into_iter().take(MAX_SENTENCES).map(|sentence| sentence.text).collect()
}

/// Two cells that differ in one axis.
#[derive(Debug, PartialEq)]
struct Pair {
    from: usize,
    to: usize,
    axis: usize,
}

/// The pairs worth a sentence, the most telling first. The axis held against the other is the
/// controller if it varies, else the first; the swept axis is the other one with the most values.
fn pairs(study: &Study) -> Vec<Pair> {
    let varied: Vec<usize> = (0..study.axes.len()).filter(|&n| study.axes[n].values.len() > 1).collect();
    let controller = varied.iter().copied().find(|&n| study.axes[n].is_congestion());
    let Some(axis) = controller.or(varied.first().copied()) else { return Vec::new() };
    // How far apart two cells are whose values of an axis are neighbours.
    let stride = |axis: usize| study.axes[axis + 1..].iter().map(|axis| axis.values.len()).product::<usize>();
    let count = |axis: usize| study.axes[axis].values.len();
    let last_of_all = study.cells() - 1;
    let ends =
        |base: usize, axis: usize| Pair { from: base, to: base + (count(axis) - 1) * stride(axis), axis };
    let swept = varied.iter().copied().filter(|&n| n != axis).rev().max_by_key(|&n| count(n));
    let Some(swept) = swept else {
        // A single axis: its ends, and the last value against those between.
        let between = (1..count(axis) - 1).map(|value| Pair { from: value, to: last_of_all, axis });
        return [ends(0, axis)].into_iter().chain(between).collect();
    };
    // What the last controller makes of the sweep; all controllers where it is hardest, and where it
    // is easiest; and what the first controller makes of the sweep.
    let hardest = last_of_all - (count(axis) - 1) * stride(axis);
    let mut pairs = vec![ends(last_of_all - (count(swept) - 1) * stride(swept), swept)];
    pairs.extend((1..count(axis)).rev().map(|n| Pair {
        from: hardest,
        to: hardest + n * stride(axis),
        axis,
    }));
    pairs.push(ends(0, axis));
    pairs.push(ends(0, swept));
    pairs
}

/// What a single cell showed.
fn alone(cell: &CellSummary) -> String {
    const ALONE: [(&str, &str, &str); 4] = [
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
struct Sentence {
    text: String,
    claims: bool,
}

fn compare(results: &Results, cells: &[CellSummary], pair: &Pair) -> Option<Sentence> {
    let study = &results.study;
    let (from, to) = (cells.get(pair.from)?, cells.get(pair.to)?);
    if from.n == 0 || to.n == 0 {
        return None;
    }
    let context = study.label(&from.values, |other| other != pair.axis);
    let opening = if context.is_empty() { "With".to_owned() } else { format!("At {context}, with") };
    let (was, is) = (&from.values[pair.axis], &to.values[pair.axis]);
    let what = format!("{} instead of {}", study.phrase(pair.axis, is), study.axes[pair.axis].short(was));
    let (mut clear, mut unclear, mut trials, mut claims) = (Vec::new(), Vec::new(), 0, false);
    for (figure, name, unit) in FIGURES {
        let (Some(before), Some(after)) = (from.mean(figure), to.mean(figure)) else {
            if figure.starts_with("latency") && results.figure(figure).is_some() {
                unclear.push(format!("{name} (it lies among messages that never arrived)"));
            }
            continue;
        };
        let Some(difference) = paired(results, pair, figure) else { continue };
        trials = trials.max(difference.n);
        let few = |cell: &CellSummary, count: f64| {
            cell.mean("segments_sent").is_none_or(|all| count < all * FEW_RETRANSMITS)
        };
        if figure == "retransmits" && few(from, before) && few(to, after) {
            continue;
        }
        let least = if figure == "jain_index" { WORTH_NAMING_OF_JAIN } else { WORTH_NAMING };
        let worth = (after - before).abs() >= least * before.abs().max(after.abs());
        // The means must not contradict the pairs, as a single wild trial can make them do.
        let clear_enough = difference.is_clear() && (difference.mean > 0.0) == (after > before);
        if clear_enough && worth {
            let moved = if after > before { "rose" } else { "fell" };
            let by = factor(before, after);
            let number = |value: f64| match figure {
                "retransmits" => format!("{value:.0}"),
                _ => table::plain(value),
            };
            let (before, after) = (number(before), number(after));
            claims = trials > 1;
            clear.push(format!("{name} {moved} from {before} to {after}{unit} ({by})"));
        } else if worth && figure != "jain_index" {
            unclear.push(name.to_owned());
        } else if figure == "goodput_mbit" && difference.is_within(SAME) {
            // That next to nothing was gained or lost is news beside what was.
            let (was, is) = (table::plain(before), table::plain(after));
            let moved = clear_enough && (after / before - 1.0).abs() >= VISIBLE;
            clear.push(if moved {
                format!("{name} hardly moved, from {was} to {is}{unit} ({})", factor(before, after))
            } else {
                format!("{name} stayed at {is}{unit}")
            });
        }
    }
    let text = if trials < 2 {
        let seen: Vec<String> = FIGURES[..3]
            .iter()
            .filter_map(|(figure, name, unit)| {
                let (before, after) = (from.mean(figure)?, to.mean(figure)?);
                Some(format!("{name} {} instead of {}{unit}", table::plain(after), table::plain(before)))
            })
            .collect();
        let chance = if study.random {
            "a single trial cannot tell this from chance"
        } else {
            "nothing in the scenario is random, so one trial is enough"
        };
        format!("{opening} {what}: {}; {chance}.", seen.join(", "))
    } else if claims {
        let aside = match unclear.as_slice() {
            [] => String::new(),
            names => format!("; {trials} trials show no clear difference in {}", names.join(" and ")),
        };
        format!("{opening} {what}, {}{aside}.", listed(&clear))
    } else {
        format!("{opening} {what}, {trials} trials show no difference that is both clear and worth naming.")
    };
    Some(Sentence { text, claims })
}

/// `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// A change as a reader says it: `by a factor of 13`, `−26 %`.
fn factor(before: f64, after: f64) -> String {
    let times = |ratio: f64| if ratio < 9.95 { format!("{ratio:.1}") } else { format!("{ratio:.0}") };
    if before <= 0.0 || after <= 0.0 {
        format!("by {}", table::plain((after - before).abs()))
    } else if after >= 2.0 * before || before >= 2.0 * after {
        format!("by a factor of {}", times((after / before).max(before / after)))
    } else {
        let percent = (after / before - 1.0) * 100.0;
        let sign = if percent < 0.0 { '−' } else { '+' };
        format!("{sign}{:.0} %", percent.abs())
    }
}

/// The difference over the trials that both cells have: of logarithms where there are any, since what
/// is said is a factor, and since the tail of latencies is long.
fn paired(results: &Results, pair: &Pair, figure: &str) -> Option<Estimate> {
    let before = results.values(pair.from, figure);
    let pairs: Vec<(f64, f64)> = results
        .values(pair.to, figure)
        .into_iter()
        .filter_map(|(trial, after)| {
            before.iter().find(|(other, _)| *other == trial).map(|(_, before)| (after, *before))
        })
        .collect();
    if pairs.iter().all(|(after, before)| *after > 0.0 && *before > 0.0) {
        let logarithms: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (a.ln(), b.ln())).collect();
        return Estimate::of_difference(&logarithms);
    }
    Estimate::of_difference(&pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures;
    use crate::report::files::Trial;
    use crate::report::testing::study;

    /// Trials with the given goodputs; all else is the same in all.
    fn results(study: Study, goodputs: &[&[f64]]) -> Results {
        let columns = figures::of_study(&study).count();
        let trials = goodputs.iter().enumerate().flat_map(|(cell, values)| {
            values.iter().enumerate().map(move |(trial, goodput)| {
                let mut figures = vec![Some(5.0); columns];
                figures[0] = Some(*goodput);
                Trial { cell, number: trial as u32, figures }
            })
        });
        Results { dir: std::path::PathBuf::new(), trials: trials.collect(), checks: Vec::new(), study }
    }

    fn of(results: &Results) -> Vec<String> {
        let cells = crate::report::summary::of_all(results);
        sentences(results, &cells)
    }

    #[test]
    fn claims_only_what_the_paired_interval_supports() {
        let study = study(&[("tcp.congestion", &["none", "reno"])]);
        let clear = of(&results(study.clone(), &[&[4.0, 5.0, 6.0], &[1.0, 2.1, 3.0]]));
        assert_eq!(clear.len(), 1);
        assert!(
            clear[0].starts_with(
                "With reno instead of none, goodput fell from 5 to 2.03 Mbit/s (by a factor of 2.5)."
            ),
            "{clear:?}"
        );
        let unclear = of(&results(study.clone(), &[&[4.0, 5.0, 6.0], &[6.0, 5.0, 4.5]]));
        assert!(!unclear[0].contains("rose") && !unclear[0].contains("fell"), "{unclear:?}");
        let single = of(&results(study.clone(), &[&[4.0], &[1.0]]));
        assert!(single[0].contains("cannot tell this from chance"), "{single:?}");
        let certain = of(&results(Study { random: false, ..study }, &[&[4.0], &[1.0]]));
        assert!(
            certain[0].ends_with("nothing in the scenario is random, so one trial is enough."),
            "{certain:?}"
        );
    }

    #[test]
    fn compares_controllers_where_it_is_hardest_and_where_it_is_easiest() {
        let study = study(&[("tcp.congestion", &["none", "reno"]), ("link.a.loss", &["0%", "1%", "10%"])]);
        let pair = |from, to, axis| Pair { from, to, axis };
        // First what reno, the last, makes of loss.
        let expected = [pair(3, 5, 1), pair(2, 5, 0), pair(0, 3, 0), pair(0, 2, 1)];
        assert_eq!(pairs(&study), expected);
        assert_eq!(pairs(&loss_study()), [pair(0, 2, 0), pair(1, 2, 0)]);
    }

    #[test]
    fn what_is_certain_but_tiny_is_not_named() {
        let study = study(&[("tcp.congestion", &["none", "reno"])]);
        let text = of(&results(study, &[&[19.30, 19.31, 19.32], &[19.31, 19.32, 19.33]]));
        assert_eq!(
            text,
            ["With reno instead of none, 3 trials show no difference that is both clear and worth naming."]
        );
    }

    #[test]
    fn a_clear_but_small_change_of_goodput_is_not_said_to_be_none() {
        let study = study(&[("tcp.congestion", &["none", "reno"])]);
        let text = |goodputs: &[&[f64]]| {
            let mut results = results(study.clone(), goodputs);
            let retransmits = results.figure("retransmits").expect("a figure");
            for trial in results.trials.iter_mut().filter(|trial| trial.cell == 1) {
                trial.figures[retransmits] = Some(1.0 + 0.1 * f64::from(trial.number));
            }
            of(&results).join(" ")
        };
        let small = text(&[&[9.92, 9.93, 9.94], &[10.06, 10.07, 10.08]]);
        assert!(
            small.contains("goodput hardly moved, from 9.93 to 10.1 Mbit/s (+1 %) and retransmits fell"),
            "{small}"
        );
        let none = text(&[&[9.92, 9.93, 9.94], &[9.93, 9.94, 9.95]]);
        assert!(none.contains("goodput stayed at 9.94 Mbit/s and retransmits fell"), "{none}");
    }

    #[test]
    fn changes_are_said_as_one_would() {
        assert_eq!(factor(10.0, 130.0), "by a factor of 13");
        assert_eq!(factor(10.0, 4.0), "by a factor of 2.5");
        assert_eq!(factor(10.0, 7.4), "−26 %");
        assert_eq!(factor(0.0, 4.0), "by 4");
    }

    fn loss_study() -> Study {
        study(&[("link.a.loss", &["0%", "1%", "10%"])])
    }

    #[test]
    fn a_single_cell_is_described() {
        let text = of(&results(study(&[]), &[&[4.0, 5.0, 6.0]]));
        assert_eq!(text, ["Over 3 trials: goodput 5.0 ± 2.5 Mbit/s, retransmits 5 ± 0."]);
    }
}
