//! Sentences that say what a comparison showed, and no more than its intervals support.

use super::files::Results;
use super::stats::Estimate;
use super::study::Study;
use super::summary::CellSummary;
use super::table;

/// What the sentences are about, the most telling first.
const FIGURES: [(&str, &str, &str); 4] = [
    ("goodput_mbit", "goodput", " Mbit/s"),
    ("latency_p99_ms", "p99 latency", " ms"),
    ("retransmits", "retransmits", ""),
    ("jain_index", "Jain's fairness index", ""),
];

/// More would not be read.
const MAX_SENTENCES: usize = 3;

/// One to three sentences; none if nothing ran.
pub fn sentences(results: &Results, cells: &[CellSummary]) -> Vec<String> {
    if results.trials.is_empty() {
        return Vec::new();
    }
    let pairs = pairs(&results.study);
    if pairs.is_empty() {
        return cells.first().map(alone).into_iter().collect();
    }
    let sentences = pairs.into_iter().filter_map(|pair| compare(results, cells, &pair));
    sentences.take(MAX_SENTENCES).collect()
}

/// Two cells that differ in one axis.
#[derive(Debug, PartialEq)]
struct Pair {
    from: usize,
    to: usize,
    axis: usize,
}

/// The pairs worth a sentence. The axis compared is the controller if it varies, else the first that
/// varies; its first value is what the others are held against. The other axes stand at their last
/// values, where sweeps tend to be hardest, and at their first.
fn pairs(study: &Study) -> Vec<Pair> {
    let varied: Vec<usize> = (0..study.axes.len()).filter(|&n| study.axes[n].values.len() > 1).collect();
    let controller = varied.iter().copied().find(|&n| study.axes[n].is_congestion());
    let Some(axis) = controller.or(varied.first().copied()) else { return Vec::new() };
    // How far apart two cells are whose values of the axis are neighbours.
    let stride: usize = study.axes[axis + 1..].iter().map(|axis| axis.values.len()).product();
    let count = study.axes[axis].values.len();
    let last_of_all = study.cells() - 1;
    let hardest = last_of_all - (count - 1) * stride;
    let against_first = |base: usize, value: usize| Pair { from: base, to: base + value * stride, axis };
    if count == 2 && varied.len() > 1 {
        return vec![against_first(hardest, 1), against_first(0, 1)];
    }
    // With many values the last says most.
    let mut pairs: Vec<Pair> = (1..count).rev().map(|value| against_first(hardest, value)).collect();
    pairs.truncate(MAX_SENTENCES);
    pairs
}

/// What a single cell showed.
fn alone(cell: &CellSummary) -> String {
    let parts: Vec<String> = FIGURES[..3]
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

fn compare(results: &Results, cells: &[CellSummary], pair: &Pair) -> Option<String> {
    let study = &results.study;
    let axis = &study.axes[pair.axis];
    let (from, to) = (cells.get(pair.from)?, cells.get(pair.to)?);
    if from.n == 0 || to.n == 0 {
        return None;
    }
    let others = study.axes.iter().enumerate().filter(|(n, other)| *n != pair.axis && other.values.len() > 1);
    let context: Vec<String> = others.map(|(n, other)| other.phrase(&from.values[n])).collect();
    let opening =
        if context.is_empty() { "With".to_owned() } else { format!("At {}, with", context.join(", ")) };
    let what = format!("{} instead of {}", axis.phrase(&to.values[pair.axis]), from.values[pair.axis]);
    let (mut clear, mut unclear, mut trials) = (Vec::new(), Vec::new(), 0);
    for (figure, name, unit) in FIGURES {
        let (Some(before), Some(after)) = (from.mean(figure), to.mean(figure)) else {
            if figure.starts_with("latency") && results.figure(figure).is_some() {
                unclear.push(format!("{name} (it lies among messages that never arrived)"));
            }
            continue;
        };
        let Some(difference) = paired(results, pair, figure) else { continue };
        trials = trials.max(difference.n);
        let moved = if difference.mean > 0.0 { "rose" } else { "fell" };
        if difference.is_clear() {
            let by = table::with_interval(difference.mean.abs(), difference.ci95.unwrap_or(0.0));
            let (before, after) = (table::plain(before), table::plain(after));
            clear.push(format!("{name} {moved} from {before} to {after}{unit} (by {by})"));
        } else if figure != "jain_index" {
            unclear.push(name.to_owned());
        }
    }
    if trials < 2 {
        let seen: Vec<String> = FIGURES[..3]
            .iter()
            .filter_map(|(figure, name, unit)| {
                let (before, after) = (from.mean(figure)?, to.mean(figure)?);
                Some(format!("{name} {} instead of {}{unit}", table::plain(after), table::plain(before)))
            })
            .collect();
        return Some(format!(
            "{opening} {what}: {}; a single trial cannot tell this from chance.",
            seen.join(", ")
        ));
    }
    let chance = match unclear.as_slice() {
        [] => String::new(),
        names => format!("{} trials show no clear difference in {}", trials, names.join(" and ")),
    };
    Some(match (clear.is_empty(), chance.is_empty()) {
        (true, _) => format!("{opening} {what}, {chance}."),
        (false, true) => format!("{opening} {what}, {} (paired over {trials} trials).", clear.join(", ")),
        (false, false) => {
            format!("{opening} {what}, {} (paired over {trials} trials); the {chance}.", clear.join(", "))
        }
    })
}

/// The difference over the trials that both cells have.
fn paired(results: &Results, pair: &Pair, figure: &str) -> Option<Estimate> {
    let before = results.values(pair.from, figure);
    let pairs: Vec<(f64, f64)> = results
        .values(pair.to, figure)
        .into_iter()
        .filter_map(|(trial, after)| {
            before.iter().find(|(other, _)| *other == trial).map(|(_, before)| (after, *before))
        })
        .collect();
    Estimate::of_difference(&pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::files::Trial;
    use crate::report::rows;
    use crate::report::testing::study;

    /// Trials with the given goodputs; all else is the same in all.
    fn results(study: Study, goodputs: &[&[f64]]) -> Results {
        let columns = rows::figures(&study).count();
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
            clear[0].starts_with("With reno instead of none, goodput fell from 5 to 2.03 Mbit/s (by 2.97"),
            "{clear:?}"
        );
        assert!(clear[0].contains("3 trials show no clear difference in retransmits"), "{clear:?}");
        let unclear = of(&results(study.clone(), &[&[4.0, 5.0, 6.0], &[6.0, 5.0, 4.5]]));
        assert!(!unclear[0].contains("rose") && !unclear[0].contains("fell"), "{unclear:?}");
        let single = of(&results(study, &[&[4.0], &[1.0]]));
        assert!(single[0].contains("cannot tell this from chance"), "{single:?}");
    }

    #[test]
    fn compares_controllers_where_it_is_hardest_and_where_it_is_easiest() {
        let study = study(&[("tcp.congestion", &["none", "reno"]), ("link.a.loss", &["0%", "1%", "10%"])]);
        let pairs = pairs(&study);
        assert_eq!(pairs, [Pair { from: 2, to: 5, axis: 0 }, Pair { from: 0, to: 3, axis: 0 }]);
        let loss_only = super::pairs(&super::tests::loss_study());
        assert_eq!(loss_only, [Pair { from: 0, to: 2, axis: 0 }, Pair { from: 0, to: 1, axis: 0 }]);
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
