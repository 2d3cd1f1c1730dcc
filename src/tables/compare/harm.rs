//! Harm: what a group of clients loses by those that it meets (Ware et al., "Beyond Jain's fairness index: setting the
//! bar for the deployment of congestion control algorithms", 2019).

use super::contrast::{minus, named};
use super::pairing::Pairing;
use super::{Beside, Folder, names_of};
use crate::tables::axis::Axis;
use crate::tables::error::FileError;
use crate::tables::figures::{self, Better, Figure};
use crate::tables::grid::{Cell, Format, Grid, render_all};
use crate::tables::groups::{self, Groups};
use crate::tables::lines;
use crate::tables::paired::LEAST_PAIRS;
use crate::tables::stats::Estimate;
use crate::tables::table;

/// One figure of a group, alone and beside others.
struct Harm {
    /// Values of the keys that both cells share.
    names: Vec<String>,
    group: String,
    figure: &'static Figure,
    alone: String,
    beside: String,
    pairs: Vec<(f64, f64)>,
}

impl Harm {
    /// Harm over pairs of trials; `None` where no pair has any.
    fn estimate(&self) -> Option<Estimate> {
        let harms: Vec<f64> = self.pairs.iter().filter_map(|pair| harm(self.figure.better, *pair)).collect();
        Estimate::of(&harms)
    }

    fn means(&self) -> [Option<f64>; 2] {
        let mean = |side: fn(&(f64, f64)) -> f64| {
            let values: Vec<f64> = self.pairs.iter().map(side).collect();
            Estimate::of(&values).map(|estimate| estimate.mean)
        };
        [mean(|pair| pair.0), mean(|pair| pair.1)]
    }
}

/// The share of the better value that is lost: (alone − beside) / alone of what should be much, and
/// (beside − alone) / beside of what should be little. Negative for a gain; `None` without a better.
fn harm(better: Better, (alone, beside): (f64, f64)) -> Option<f64> {
    let (lost, of) = match better {
        Better::More => (alone - beside, alone),
        Better::Less => (beside - alone, beside),
        Better::Neither => return None,
    };
    if lost == 0.0 { Some(0.0) } else { Some(lost / of).filter(|harm| harm.is_finite()) }
}

/// For each group in the cell that is the base, its harm in each other one.
pub(super) fn of(beside: &Beside, pairing: &Pairing, format: Format) -> Result<String, FileError> {
    let mut grids = Vec::new();
    for (folders, keys) in beside.tables.iter().zip(&beside.keys) {
        let groups: Vec<Groups> = folders
            .iter()
            .map(|folder| Groups::of(&folder.results, |_, _| true, |_| ()))
            .collect::<Result<_, _>>()?;
        let Some((shared, lines)) = pairing.groups(folders, keys) else { continue };
        let mut harms = Vec::new();
        for (names, lines) in lines {
            let Some((first, others)) = lines.split_first() else { continue };
            for other in others {
                let sides = [first, other].map(|(_, folder, cell)| {
                    let place = folders.iter().position(|known| std::ptr::eq(known, *folder));
                    (*folder, &groups[place.expect("a folder of this table")], cell.cell)
                });
                harms.extend(harms_of(&names, [&first.0, &other.0], sides));
            }
        }
        grids.push(grid(&harms, &shared, format));
    }
    let text = render_all(&grids, format);
    if format != Format::Table {
        return Ok(text);
    }
    let note = format!(
        "harm in % is (alone − beside) / alone of figures of which more is better, and (beside − alone) / beside of \
         others (Ware et al., HotNets 2019): mean over pairs of trials with the same seeds ± half the 95 % interval \
         (Student's t), of {LEAST_PAIRS} pairs or more; a gain is negative"
    );
    Ok(format!("{text}\n{}\n", lines::wrapped(&note, 0)))
}

type Side<'a> = (&'a Folder, &'a Groups, usize);

fn harms_of(names: &[String], values: [&String; 2], [alone, beside]: [Side<'_>; 2]) -> Vec<Harm> {
    let study = &alone.0.results.study;
    let groups = groups::all(study);
    let judged = |figure: &&&Figure| figure.better != Better::Neither && figure.heading.is_some();
    let figures: Vec<&'static Figure> = figures::in_reading_order().iter().filter(judged).copied().collect();
    let mut harms = Vec::new();
    for group in groups {
        for figure in &figures {
            if figure.of_group.is_none() || BY_OTHERS.contains(&figure.column) {
                continue;
            }
            let by_seed = |(folder, groups, cell): Side<'_>| {
                let seed = folder.results.study.seed;
                let values = groups.values(cell, group, figure.column).iter();
                values
                    .map(|(trial, value)| (seed.wrapping_add((*trial).into()), value * figure.factor))
                    .collect::<Vec<_>>()
            };
            let before = by_seed(alone);
            let pair = |(seed, after)| {
                before.iter().find(|(other, _)| *other == seed).map(|(_, before)| (*before, after))
            };
            let pairs: Vec<(f64, f64)> = by_seed(beside).into_iter().filter_map(pair).collect();
            if pairs.iter().any(|pair| *pair != (0.0, 0.0)) {
                let [alone, beside] = values.map(Clone::clone);
                let (names, group) = (names.to_vec(), group.to_owned());
                harms.push(Harm { names, group, figure, alone, beside, pairs });
            }
        }
    }
    harms
}

/// Figures of a group that are about other groups: alone, it has all.
const BY_OTHERS: [&str; 1] = ["share"];

fn grid(harms: &[Harm], shared: &[&Axis], format: Format) -> Grid {
    let numbers = format.is_for_programs();
    let columns: &[&str] = if numbers {
        &[
            "group",
            "alone",
            "beside",
            "figure",
            "unit",
            "n",
            "alone_mean",
            "beside_mean",
            "harm",
            "harm_low",
            "harm_high",
        ]
    } else {
        &["group", "alone → beside", "figure", "n", "alone", "beside", "harm (%)"]
    };
    let keys: Vec<Axis> = shared.iter().copied().cloned().collect();
    let names = names_of(&keys, format).into_iter().chain(columns.iter().map(|&name| name.to_owned()));
    let head = names.map(|name| [name, String::new()]).collect();
    let text = |text: &str| Cell::Text(text.to_owned());
    let row = |harm: &Harm| {
        let estimate = harm.estimate();
        let [alone, beside] = harm.means();
        let n = Cell::Number(Some(estimate.map_or(0.0, |estimate| estimate.n as f64)), 0);
        let enough = estimate.filter(|estimate| estimate.n >= LEAST_PAIRS);
        let ends = enough
            .and_then(|estimate| estimate.ci95.map(|half| [estimate.mean - half, estimate.mean + half]));
        let mut row: Vec<Cell> = if numbers {
            harm.names.iter().map(|name| text(name)).collect()
        } else {
            shared.iter().zip(&harm.names).map(|(axis, name)| Cell::Text(axis.short(name))).collect()
        };
        row.push(text(&harm.group));
        if numbers {
            row.extend([
                text(&harm.alone),
                text(&harm.beside),
                text(harm.figure.column),
                text(harm.figure.unit),
                n,
            ]);
            let values = [alone, beside, estimate.map(|estimate| estimate.mean)];
            row.extend(values.map(|value| Cell::Number(value, 6)));
            row.extend([0, 1].map(|end| Cell::Number(ends.map(|ends| ends[end]), 6)));
        } else {
            let percent = |Estimate { mean, ci95, .. }: Estimate| {
                let half = ci95.unwrap_or(0.0);
                // Not one trial differs.
                if mean == 0.0 && half == 0.0 {
                    return "no harm".to_owned();
                }
                minus(&table::with_interval(100.0 * mean, 100.0 * half))
            };
            let or_dash = |text: Option<String>| Cell::Text(text.unwrap_or_else(|| "–".to_owned()));
            row.extend([
                Cell::Text(format!("{} → {}", harm.alone, harm.beside)),
                Cell::Text(named(harm.figure)),
                n,
                or_dash(alone.map(table::plain)),
                or_dash(beside.map(table::plain)),
                or_dash(enough.map(percent)),
            ]);
        }
        row
    };
    Grid { names: shared.len() + if numbers { 5 } else { 3 }, head, rows: harms.iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harm_is_the_lost_share_of_the_better_value() {
        // Ware et al., section 4: 100 Mbit/s alone and 30 beside is 0.7, 30 ms alone and 100 beside the same.
        assert_eq!(harm(Better::More, (100.0, 30.0)), Some(0.7));
        assert_eq!(harm(Better::Less, (30.0, 100.0)), Some(0.7));
        assert_eq!(harm(Better::More, (10.0, 12.0)), Some(-0.2), "a gain");
        assert_eq!((harm(Better::More, (0.0, 0.0)), harm(Better::More, (0.0, 1.0))), (Some(0.0), None));
        assert_eq!(harm(Better::Neither, (1.0, 2.0)), None);
    }
}
