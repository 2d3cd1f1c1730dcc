//! Figures of cells against one another, over pairs of trials that met the same chances.

use std::collections::BTreeSet;

use super::overlay::{self, Overlay};
use super::pairing::{Group, Pairing, UNSAID};
use super::{Beside, Folder, SCENARIO, names_of};
use crate::tables::axis::Axis;
use crate::tables::figures::{self, Figure, Nature};
use crate::tables::grid::{Cell, Format, Grid, render_all};
use crate::tables::lines;
use crate::tables::paired::{Change, LEAST_PAIRS};
use crate::tables::stats::{Estimate, holm};
use crate::tables::summary::{CellSummary, FigureMean};
use crate::tables::table;
use crate::tables::verdict::SAME;

/// Level of the verdicts, of all tests of a table together.
const LEVEL: f64 = 0.05;

/// One figure of two cells.
struct Contrast {
    /// Values of the keys that both share.
    names: Vec<String>,
    figure: &'static Figure,
    /// Values of the key that tells them apart.
    from: String,
    to: String,
    pairs: Vec<(f64, f64)>,
    change: Option<Change>,
    /// By Holm's method over all figures of the table.
    p_holm: Option<f64>,
    /// Reason for which there are too few pairs for a test.
    lack: String,
}

impl Contrast {
    /// True if all pairs agree to the bit.
    fn is_unchanged(&self) -> bool {
        self.pairs.iter().all(|(before, after)| before.to_bits() == after.to_bits())
    }

    /// Probability of its test alone; a figure that is the same in all pairs needs none.
    fn p(&self) -> Option<f64> {
        self.change.filter(|_| !self.is_unchanged())?.p()
    }

    fn verdict(&self) -> &str {
        let Some(change) = self.change else { return &self.lack };
        if self.is_unchanged() {
            "the same"
        } else if change.surely_within().is_some_and(|share| share < SAME) {
            "the same within 5 %"
        } else if self.p_holm.is_none_or(|p| p >= LEVEL) {
            "no clear change"
        } else if change.is_rise() {
            "rose"
        } else {
            "fell"
        }
    }
}

/// The base against each other value of its key, for all lines that agree in the rest.
pub(super) fn table(beside: &Beside, pairing: &Pairing, format: Format) -> String {
    let (mut grids, mut tests, mut paired) = (Vec::new(), 0, false);
    let (key, mut bases) = (&pairing.key, BTreeSet::new());
    for (folders, keys) in beside.tables.iter().zip(&beside.keys) {
        let Some((shared, groups)) = pairing.groups(folders, keys) else { continue };
        let mut contrasts = contrasts(key, groups);
        bases.extend(contrasts.iter().map(|contrast| contrast.from.clone()));
        paired |= contrasts.iter().any(|contrast| contrast.change.is_some());
        // Figures that are zero throughout say nothing.
        contrasts.retain(|contrast| {
            contrast.pairs.is_empty() || contrast.pairs.iter().any(|pair| *pair != (0.0, 0.0))
        });
        let p: Vec<f64> = contrasts.iter().filter_map(Contrast::p).collect();
        let mut adjusted = holm(&p).into_iter();
        for contrast in &mut contrasts {
            contrast.p_holm = contrast.p().and_then(|_| adjusted.next());
        }
        tests += p.len();
        grids.push(if format.is_for_programs() {
            numbers(&contrasts, &shared)
        } else {
            words(&contrasts, &shared, key)
        });
    }
    let text = render_all(&grids, format);
    if format != Format::Table {
        return text;
    }
    let note = if tests == 0 && paired {
        "nothing is tested: every figure is the same in all pairs of trials".to_owned()
    } else if tests == 0 {
        format!(
            "nothing is tested: a test needs {LEAST_PAIRS} trials with the same seeds on both sides, of cells that agree in \
             all but {key}"
        )
    } else {
        format!(
            "mean over pairs of trials ± half the 95 % interval (Student's t) of each figure alone; p, and with it the \
             verdict, by Holm's method for all {tests} tests \
             together, of the logarithms of ratios, or of differences where a pair has a zero"
        )
    };
    // Without a value that was chosen, each part of the table may begin with another.
    let base = bases.first().filter(|_| bases.len() == 1).map(|base| format!("base: {key} = {base}; "));
    format!("{text}\n{}\n", lines::wrapped(&(base.unwrap_or_default() + &note), 0))
}

/// The differences of [`table`] as cells of a study, whose last axis has the pairs of values.
pub(super) fn overlay(beside: &Beside, pairing: &Pairing) -> Result<Overlay, [String; 2]> {
    let (folders, keys) = overlay::only_table(beside)?;
    let key = pairing.key.as_str();
    let (shared, groups) = pairing.groups(folders, keys).unwrap_or_default();
    let mut cells: Vec<CellSummary> = Vec::new();
    for contrast in contrasts(key, groups) {
        let Some(Estimate { mean, ci95, .. }) = Numbers::of(&contrast).difference else { continue };
        let said =
            contrast.names.iter().map(|name| if name == UNSAID { String::new() } else { name.clone() });
        let values: Vec<String> = said.chain([format!("{} → {}", contrast.from, contrast.to)]).collect();
        let Figure { column: name, factor, .. } = *contrast.figure;
        let figure = FigureMean { name, mean: Some(mean / factor), ci95: ci95.map(|half| half / factor) };
        match cells.iter_mut().find(|cell| cell.values == values) {
            Some(cell) => cell.figures.push(figure),
            None => cells.push(CellSummary {
                cell: cells.len(),
                values,
                n: contrast.pairs.len(),
                figures: vec![figure],
                groups: Vec::new(),
            }),
        }
    }
    let [first, ..] = folders else { return Err(untested(key)) };
    let mut pairs: Vec<String> = Vec::new();
    for pair in cells.iter().filter_map(|cell| cell.values.last()) {
        if !pairs.contains(pair) {
            pairs.push(pair.clone());
        }
    }
    if pairs.is_empty() {
        return Err(untested(key));
    }
    let mut axes: Vec<Axis> = shared.into_iter().cloned().collect();
    axes.push(Axis { key: key.to_owned(), values: pairs });
    Ok(Overlay { own: axes.len() - 1, study: overlay::study(first, folders, axes), cells })
}

/// Error of a comparison without a pair to test, with its mend.
fn untested(key: &str) -> [String; 2] {
    [
        "there is no difference to show".to_owned(),
        format!(
            "a difference needs {LEAST_PAIRS} trials with the same seeds on both sides, of cells that agree in all but {key}"
        ),
    ]
}

fn contrasts(key: &str, groups: Vec<Group<'_>>) -> Vec<Contrast> {
    let shown = |figure: &&Figure| figure.nature == Nature::Network && figure.heading.is_some();
    let figures: Vec<&'static Figure> = figures::in_reading_order().into_iter().filter(shown).collect();
    let mut contrasts = Vec::new();
    for (names, lines) in groups {
        let Some(((from, folder, cell), others)) = lines.split_first() else { continue };
        for (to, other_folder, other_cell) in others {
            for figure in &figures {
                let pairs = pairs((*folder, cell.cell), (*other_folder, other_cell.cell), figure);
                if cell.get(figure.column).is_none() && other_cell.get(figure.column).is_none() {
                    continue;
                }
                let change = Change::of(&pairs);
                let lack = if change.is_none() {
                    lack(key, [(from, folder, cell), (to, other_folder, other_cell)], figure, pairs.len())
                } else {
                    String::new()
                };
                let names = names.clone();
                contrasts.push(Contrast {
                    names,
                    figure,
                    from: from.clone(),
                    to: to.clone(),
                    pairs,
                    change,
                    p_holm: None,
                    lack,
                });
            }
        }
    }
    contrasts
}

/// Reason for which the trials of two cells have so few pairs, with the side that lacks the figure.
fn lack(key: &str, sides: [(&String, &Folder, &CellSummary); 2], figure: &Figure, pairs: usize) -> String {
    let known = if pairs == 0 { "no pairs" } else { "too few pairs" };
    let at = if key == SCENARIO { "in" } else { "with" };
    let having = |folder: &Folder, cell: usize| folder.results.values(cell, figure.column).count();
    for (label, folder, cell) in sides {
        if folder.results.figure(figure.column).is_none() {
            return format!("{known}: not measured {at} {label}");
        }
        if having(folder, cell.cell) == 0 {
            let missing = figure.compared.and_then(|terms| terms.missing);
            let why = missing.map_or(String::new(), |why| format!(", {why}"));
            return format!("{known}: no trial {at} {label} has it{why}");
        }
    }
    let seeds = sides.map(|(_, folder, cell)| -> BTreeSet<u64> {
        let seed = folder.results.study.seed;
        let trials = folder.results.trials.of_cell(cell.cell);
        trials.map(|trial| seed.wrapping_add(trial.number.into())).collect()
    });
    if seeds[0].is_disjoint(&seeds[1]) {
        return format!("{known}: no seed in common");
    }
    let short = sides.into_iter().find(|(_, folder, cell)| having(folder, cell.cell) < cell.n);
    short.map_or_else(
        || known.to_owned(),
        |(label, folder, cell)| {
            format!("{known}: {} of {} trials {at} {label} have it", having(folder, cell.cell), cell.n)
        },
    )
}

/// Values of a figure in the trials of two cells that had the same seed, in the figure's unit.
fn pairs(from: (&Folder, usize), to: (&Folder, usize), figure: &Figure) -> Vec<(f64, f64)> {
    let by_seed = |(folder, cell): (&Folder, usize)| -> Vec<(u64, f64)> {
        let seed = folder.results.study.seed;
        let values = folder.results.values(cell, figure.column);
        values.map(|(trial, value)| (seed.wrapping_add(trial.into()), value * figure.factor)).collect()
    };
    let before = by_seed(from);
    let pair =
        |(seed, after)| before.iter().find(|(other, _)| *other == seed).map(|(_, before)| (*before, after));
    by_seed(to).into_iter().filter_map(pair).collect()
}

/// Means before and after, difference and ratio of pairs.
struct Numbers {
    from: Option<f64>,
    to: Option<f64>,
    difference: Option<Estimate>,
    /// With the ends of its interval.
    ratio: Option<[f64; 3]>,
}

impl Numbers {
    fn of(contrast: &Contrast) -> Numbers {
        let mean = |side: fn(&(f64, f64)) -> f64| {
            let values: Vec<f64> = contrast.pairs.iter().map(side).collect();
            Estimate::of(&values).map(|estimate| estimate.mean)
        };
        let differences: Vec<f64> = contrast.pairs.iter().map(|(before, after)| after - before).collect();
        let enough = contrast.pairs.len() >= LEAST_PAIRS;
        Numbers {
            from: mean(|pair| pair.0),
            to: mean(|pair| pair.1),
            difference: Estimate::of(&differences).filter(|_| enough),
            ratio: contrast.change.and_then(|change| change.ratio()),
        }
    }

    fn difference_ends(&self) -> Option<[f64; 2]> {
        let Estimate { mean, ci95, .. } = self.difference?;
        // Pairs that all agree tell nothing of how far chance moves them.
        ci95.filter(|half| *half > 0.0).map(|half| [mean - half, mean + half])
    }
}

fn words(contrasts: &[Contrast], shared: &[&Axis], key: &str) -> Grid {
    let own = Axis { key: key.to_owned(), values: Vec::new() };
    let all: Vec<Axis> = shared.iter().copied().chain([&own]).cloned().collect();
    let mut names = names_of(&all, Format::Table);
    if let Some(own) = names.last_mut().filter(|_| key == SCENARIO) {
        "from, to".clone_into(own);
    }
    names.extend(["figure", "n", "difference", "ratio", "p", "verdict"].map(str::to_owned));
    let head = names.into_iter().map(|name| [name, String::new()]).collect();
    let row = |contrast: &Contrast| {
        let numbers = Numbers::of(contrast);
        let figure = named(contrast.figure);
        let difference = numbers.difference.map(|estimate| {
            if contrast.is_unchanged() {
                return "no difference".to_owned();
            }
            signed(&table::with_interval(estimate.mean, estimate.ci95.unwrap_or(0.0)))
        });
        let ratio = numbers.ratio.map(|[ratio, low, high]| {
            if low < high { format!("{ratio:.3} ({low:.3}–{high:.3})") } else { format!("{ratio:.3}") }
        });
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        let mut row: Vec<String> =
            shared.iter().zip(&contrast.names).map(|(axis, name)| axis.short(name)).collect();
        row.extend([
            format!("{} → {}", contrast.from, contrast.to),
            figure,
            contrast.pairs.len().to_string(),
            or_dash(difference),
            or_dash(ratio),
            or_dash(contrast.p_holm.map(p_in_words)),
            contrast.verdict().to_owned(),
        ]);
        row.into_iter().map(Cell::Text).collect()
    };
    Grid { names: shared.len() + 2, head, rows: contrasts.iter().map(row).collect() }
}

/// `goodput (Mbit/s)`.
pub(super) fn named(figure: &Figure) -> String {
    if figure.unit.is_empty() {
        figure.words.to_owned()
    } else {
        format!("{} ({})", figure.words, figure.unit)
    }
}

/// `+1.2 ± 0.3`; zero has no sign.
fn signed(text: &str) -> String {
    let size = text.trim_start_matches('-');
    if size.split(' ').next().and_then(|mean| mean.parse::<f64>().ok()) == Some(0.0) {
        size.to_owned()
    } else if size.len() < text.len() {
        minus(text)
    } else {
        format!("+{text}")
    }
}

/// `−1.2 ± 0.3`, with the sign that is as wide as a plus.
pub(super) fn minus(text: &str) -> String {
    text.replacen('-', "−", 1)
}

fn p_in_words(p: f64) -> String {
    if p < 0.001 { "<0.001".to_owned() } else { format!("{p:.3}") }
}

/// Decimals that show four digits of a probability, six at least: none is zero.
pub(super) fn decimals_of_p(p: f64) -> usize {
    if p > 0.0 { (3 - p.log10().floor() as i32).clamp(6, 320) as usize } else { 6 }
}

fn numbers(contrasts: &[Contrast], shared: &[&Axis]) -> Grid {
    const COLUMNS: [&str; 15] = [
        "from",
        "to",
        "figure",
        "unit",
        "n",
        "from_mean",
        "to_mean",
        "difference",
        "difference_low",
        "difference_high",
        "ratio",
        "ratio_low",
        "ratio_high",
        "p_holm",
        "verdict",
    ];
    let names = shared.iter().map(|axis| axis.key.as_str()).chain(COLUMNS);
    let head = names.map(|name| [name.to_owned(), String::new()]).collect();
    let row = |contrast: &Contrast| {
        let numbers = Numbers::of(contrast);
        let text = |text: &str| Cell::Text(text.to_owned());
        let number = |value: Option<f64>| Cell::Number(value, 6);
        let ends = numbers.difference_ends();
        let mut row: Vec<Cell> = contrast.names.iter().map(|name| text(name)).collect();
        row.extend([
            text(&contrast.from),
            text(&contrast.to),
            text(contrast.figure.column),
            text(contrast.figure.unit),
            Cell::Number(Some(contrast.pairs.len() as f64), 0),
            number(numbers.from),
            number(numbers.to),
            number(numbers.difference.map(|estimate| estimate.mean)),
            number(ends.map(|ends| ends[0])),
            number(ends.map(|ends| ends[1])),
            number(numbers.ratio.map(|ratio| ratio[0])),
            number(numbers.ratio.map(|ratio| ratio[1])),
            number(numbers.ratio.map(|ratio| ratio[2])),
            Cell::Number(contrast.p_holm, contrast.p_holm.map_or(6, decimals_of_p)),
            text(contrast.verdict()),
        ]);
        row
    };
    Grid { names: shared.len() + 4, head, rows: contrasts.iter().map(row).collect() }
}
