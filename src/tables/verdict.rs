//! Sentences that say what a comparison showed, and no more than its test supports ([`Change`]).

use super::figures::{self, Compared, Figure};
use super::groups;
use super::paired::{self, Change, LEAST_PAIRS};
use super::results::{Measured, Results};
use super::study::Study;
use super::summary::CellSummary;
use super::table;

/// More would not be read.
pub const MAX_SENTENCES: usize = 3;

/// A figure that surely stayed within this share of itself stayed what it was.
pub(super) const SAME: f64 = 0.05;

/// One to three sentences; none if nothing ran.
pub fn sentences(results: &Results, cells: &[CellSummary]) -> Vec<String> {
    if results.trials.is_empty() {
        return Vec::new();
    }
    let pairs = pairs(&results.study);
    if pairs.is_empty() {
        return cells.first().and_then(alone).into_iter().chain(rivalry(results, cells)).collect();
    }
    let mut compared: Vec<Sentence> = pairs.iter().filter_map(|pair| compare(results, cells, pair)).collect();
    if compared.iter().any(|sentence| sentence.claims) {
        compared.retain(|sentence| sentence.claims);
    } else {
        compared.truncate(1);
    }
    let said = compared.into_iter().take(MAX_SENTENCES).map(|sentence| sentence.text);
    said.chain(rivalry(results, cells)).chain(not_compared(&results.measured)).collect()
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
    // The last controller over the sweep; all controllers where it is hardest, and where it
    // is easiest; and the first controller over the sweep.
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

/// Sentence about a single cell; none if it has none of the figures.
fn alone(cell: &CellSummary) -> Option<String> {
    let said = figures::in_reading_order().into_iter().filter(|figure| figure.said_alone);
    let parts: Vec<String> = said
        .filter_map(|figure| {
            let (over, unit) = (cell.get(figure.column)?, figure.unit_behind());
            let mean = over.mean? * figure.factor;
            let value = match over.ci95 {
                Some(half) => table::with_interval(mean, half * figure.factor),
                None => table::plain(mean),
            };
            Some(format!("{} {value}{unit}", figure.words))
        })
        .collect();
    let trials = if cell.n == 1 { "one trial".to_owned() } else { format!("{} trials", cell.n) };
    (!parts.is_empty()).then(|| format!("Over {trials}: {}.", parts.join(", ")))
}

/// Sentence about the goodputs of two groups of bulk flows, in the cells where their ratio is extreme.
fn rivalry(results: &Results, cells: &[CellSummary]) -> Option<String> {
    const RATIO: &str = "goodput_ratio";
    let study = &results.study;
    let [one, other] = groups::rivals(study)?;
    let ratio = |cell: &&CellSummary| cell.get_of(one, RATIO).and_then(|over| over.mean);
    let known: Vec<&CellSummary> = cells.iter().filter(|cell| ratio(cell).is_some()).collect();
    let by_ratio = |a: &&&CellSummary, b: &&&CellSummary| ratio(a).partial_cmp(&ratio(b)).expect("no NaN");
    let (least, most) = (known.iter().min_by(by_ratio)?, known.iter().max_by(by_ratio)?);
    let figure = figures::FIGURES.iter().find(|figure| figure.column == RATIO)?;
    let said = |cell: &CellSummary| {
        let label = study.cell_label(cell.cell);
        let place = if label.is_empty() { String::new() } else { format!(" at {label}") };
        (table::mean_of(cell.get_of(one, RATIO), figure), place)
    };
    let (first, place) = said(least);
    let text = format!("{one} had {first} times the goodput of {other}{place}");
    if least.cell == most.cell {
        return Some(format!("{text}."));
    }
    let (last, elsewhere) = said(most);
    Some(format!("{text} (the least), and {last} times{elsewhere} (the most)."))
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
    /// Values of the figure here and on the other side, in each trial that both have.
    fn pairs(&self, to: &Side<'_>, figure: &str) -> Vec<(f64, f64)> {
        paired::joined(self.results.values(self.cell.cell, figure), to.results.values(to.cell.cell, figure))
    }

    /// True if all trials agree in every figure of the network with those of the other side.
    fn is_alike(&self, to: &Side<'_>) -> bool {
        self.results.figures_of_network(self.cell.cell).eq(to.results.figures_of_network(to.cell.cell))
    }

    /// True if a figure's mean is next to none of another's.
    fn negligible(&self, mean: f64, (of, share): (&str, f64)) -> bool {
        self.cell.mean(of).is_none_or(|all| mean <= all * share)
    }
}

fn compare(results: &Results, cells: &[CellSummary], pair: &Pair) -> Option<Sentence> {
    let study = &results.study;
    let (from, to) = (cells.get(pair.from)?, cells.get(pair.to)?);
    let context = study.label(&from.values, |other| other != pair.axis);
    let opening = if context.is_empty() { "With".to_owned() } else { format!("At {context}, with") };
    let (was, is) = (&from.values[pair.axis], &to.values[pair.axis]);
    let what = format!("{} instead of {}", study.phrase(pair.axis, is), study.axes[pair.axis].spelled(was));
    let (from, to) = (Side { results, cell: from }, Side { results, cell: to });
    compare_sides(&format!("{opening} {what}"), from, to)
}

/// The figures that two cells can be compared by, the most telling first: those of the bottleneck only if
/// both are of one place.
fn compared(from: Side<'_>, to: Side<'_>) -> impl Iterator<Item = (&'static Figure, Compared)> {
    let apart = [from, to].iter().any(|side| matches!(side.results.measured, Measured::Apart(_)));
    let ranked = figures::ranked(|figure| Some(figure.compared?.rank)).into_iter();
    ranked
        .filter(move |figure| !(apart && figure.at_bottleneck))
        .filter_map(|figure| Some((figure, figure.compared?)))
}

/// Reason for which goodput is not compared.
pub fn not_compared(measured: &Measured) -> Option<String> {
    let Measured::Apart(places) = measured else { return None };
    Some(format!(
        "Goodput and fairness are not compared, because no link and direction carries data in all cells ({places})."
    ))
}

/// Sentences about the pairs of trials of two cells; `opening` begins the sentence, such as
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
    for (figure, terms) in compared(from, to) {
        let (column, name) = (figure.column, figure.words);
        let (Some(before), Some(after)) = (from.cell.mean(column), to.cell.mean(column)) else {
            if let Some(reason) = terms.missing.filter(|_| from.results.figure(column).is_some()) {
                unclear.push(format!("{name} ({reason})"));
            }
            continue;
        };
        let shown = |(before, after)| (before * figure.factor, after * figure.factor);
        let pairs: Vec<(f64, f64)> = from.pairs(&to, column).into_iter().map(shown).collect();
        let Some(change) = Change::of(&pairs) else { continue };
        if terms.negligible.is_some_and(|of| from.negligible(before, of) && to.negligible(after, of)) {
            continue;
        }
        // The means beside the sentence must not contradict the pairs, as a single wild trial can make
        // them do.
        let clear_enough = change.is_clear() && change.is_rise() == (after > before);
        if clear_enough && change.share_of(before.max(after) * figure.factor) >= terms.worth_naming {
            let moved = if change.is_rise() { "rose" } else { "fell" };
            clear.push(format!("{name} {moved} {}", change.in_words(&figure.unit_of_difference())));
        } else if let Some(share) = change.surely_within().filter(|share| *share <= SAME) {
            // That next to nothing was gained or lost is news beside what was; a transfer of a given
            // size has the same bytes whatever happens.
            if terms.same_is_news && to.cell.mean("completion_mean_s").is_none() {
                let percent = (share * 1e3).ceil() / 10.0;
                let bound = if share > 0.0 { format!(" to within {percent} %") } else { String::new() };
                same.push(format!("{name} stayed the same{bound}"));
            }
        } else if terms.unclear_is_said {
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

/// Observed values, where too few trials forbid a conclusion.
fn without_verdict(opening: &str, from: Side<'_>, to: Side<'_>, trials: usize) -> String {
    let seen = compared(from, to).filter_map(|(figure, _)| {
        let shown = |side: Side<'_>| Some(table::plain(side.cell.mean(figure.column)? * figure.factor));
        let (before, after) = (shown(from)?, shown(to)?);
        Some(format!("{} {after} instead of {before}{}", figure.words, figure.unit_behind()))
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
mod tests;
