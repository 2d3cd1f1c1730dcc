//! One place for the goodput of all trials that are averaged or compared.
//!
//! Each trial's row in `trials.csv` is of its own bottleneck. Where two links are about as busy, or both
//! directions of one, that is another place from trial to trial, and neither a mean over trials nor a
//! ratio of two cells says anything. [`settle`] therefore chooses a link and a direction once for all
//! trials, by the rule of [`Goodput`](super::goodput::Goodput) over the means of all of them, and puts the
//! goodput and Jain's index that `links.csv` has for it in the trials' place. The choice rests on the
//! set of trials alone: neither the order in which they finished nor an interruption changes it.

use std::collections::{BTreeMap, BTreeSet};

use super::error::FileError;
use super::goodput::busiest;
use super::packed::Packed;
use super::reading::{self, Row};
use super::results::{Measured, Results};
use super::rows::Table;
use crate::facts::Direction;

/// A cell: number of the folder, cell.
type Cell = (usize, usize);

/// One direction of a shared link in a trial.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    utilisation: Option<f64>,
    rate: Option<f64>,
    /// `None` if no flow sends data that way.
    goodput: Option<f64>,
    jain: Option<f64>,
}

/// The links that carry data of a trial, of those that clients share, in the scenario's order, each with its directions.
type Links = Vec<(String, [Way; 2])>;

/// Bytes of all flows of a trial, and of its bulk flows, by direction.
type Bytes = [[u64; 2]; 2];

/// Place that the trials measure: a shared link, or all flows where none has a rate; and a direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    link: Option<String>,
    direction: usize,
}

/// Makes the trials of all `folders` comparable, or says why they are not. The tables are gone through twice, so that
/// nothing is kept of single trials.
pub fn settle(folders: &mut [&mut Results]) -> Result<(), FileError> {
    let (mut all, mut cells) = (Sums::default(), BTreeMap::<Cell, Sums>::new());
    for (number, results) in folders.iter().enumerate() {
        each_trial(results, |(cell, _), links, bytes| {
            all.add(links, bytes);
            cells.entry((number, cell)).or_default().add(links, bytes);
        })?;
    }
    if all.links.is_empty() && folders.iter().all(|results| has_one_direction(results)) {
        return Ok(());
    }
    if let Some(place) = all.choose() {
        let mut moved = false;
        for results in folders.iter_mut() {
            moved |= put(results, |_| Some(&place))?.moved;
        }
        if moved {
            say(folders, &Measured::At(place.to_string()));
        }
        return Ok(());
    }
    // No place is common to all: each cell has one of its own. Where it has none, not even its trials can be averaged.
    let chosen: BTreeMap<Cell, Option<Place>> =
        cells.into_iter().map(|(cell, sums)| (cell, sums.choose())).collect();
    let mut whole = chosen.values().all(Option::is_some);
    for (number, results) in folders.iter_mut().enumerate() {
        // Over different links the same flows may be compared: all of them.
        whole &= put(results, |cell| chosen.get(&(number, cell)).and_then(Option::as_ref))?.whole;
    }
    let places: BTreeSet<Place> = chosen.into_values().flatten().collect();
    let directions: BTreeSet<usize> = places.iter().map(|place| place.direction).collect();
    if !whole || directions.len() > 1 {
        let names: Vec<String> = places.iter().map(ToString::to_string).collect();
        say(folders, &Measured::Apart(names.join("; ")));
    }
    Ok(())
}

/// Calls `visit` with what went over the links in each trial, and the bytes of its flows.
fn each_trial(
    results: &Results,
    mut visit: impl FnMut(reading::Key, &Links, &Bytes),
) -> Result<(), FileError> {
    let direction = |row: &Row<'_>| row.parse("direction").map(Direction::index);
    let mut of_links = results.by_trial(Table::Links)?;
    let mut of_flows = results.by_trial(Table::Flows)?;
    for trial in results.trials.iter() {
        let key = (trial.cell, trial.number);
        let (mut links, mut bytes) = (Links::new(), Bytes::default());
        of_links.each_of(key, |row| {
            let Some(direction) = direction(row) else { return };
            let name = row.get("link");
            let index = links.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                links.push((name.to_owned(), Default::default()));
                links.len() - 1
            });
            links[index].1[direction] = Way {
                utilisation: row.parse("utilisation"),
                rate: row.parse("rate_mbit"),
                goodput: row.parse("goodput_mbit"),
                jain: row.parse("jain_index"),
            };
        })?;
        links.retain(|(_, ways)| ways.iter().any(|way| way.goodput.is_some()));
        of_flows.each_of(key, |row| {
            let Some(direction) = direction(row) else { return };
            let delivered = row.parse("bytes_delivered").unwrap_or(0);
            bytes[0][direction] += delivered;
            if results.study.is_bulk(row.get("group")) {
                bytes[1][direction] += delivered;
            }
        })?;
        visit(key, &links, &bytes);
    }
    Ok(())
}

/// Sums over trials, by which their place is chosen.
#[derive(Debug, Default)]
struct Sums {
    trials: usize,
    bytes: Bytes,
    /// By the names of links, in the order in which they came.
    links: Vec<(String, OfLink)>,
    /// Number of those that the first trial had.
    in_first: usize,
}

/// Sums over the trials that have a link.
#[derive(Debug, Default)]
struct OfLink {
    trials: usize,
    rated: bool,
    /// The larger utilisation of both directions.
    utilisation: f64,
    /// Trials with data in a direction, their shares of the rate, and their goodputs.
    ways: [(usize, f64, f64); 2],
}

impl Sums {
    fn add(&mut self, links: &Links, bytes: &Bytes) {
        for (sum, bytes) in self.bytes.iter_mut().flatten().zip(bytes.iter().flatten()) {
            *sum += bytes;
        }
        for (name, ways) in links {
            let index = self.links.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                self.links.push((name.clone(), OfLink::default()));
                self.links.len() - 1
            });
            self.links[index].1.add(ways);
        }
        if self.trials == 0 {
            self.in_first = self.links.len();
        }
        self.trials += 1;
    }

    /// The place with data in each of the trials; `None` if there is none.
    fn choose(&self) -> Option<Place> {
        if !self.links.iter().any(|(_, link)| link.rated) {
            let busy = |way: usize| (self.bytes[1][way], self.bytes[0][way]);
            return Some(Place { link: None, direction: usize::from(busy(1) > busy(0)) });
        }
        let mean = |sum: f64| sum / self.trials as f64;
        let mut candidates = Vec::new();
        for (name, link) in &self.links[..self.in_first] {
            if link.trials < self.trials || !link.rated {
                continue;
            }
            let busy = |way: usize| (mean(link.ways[way].1), mean(link.ways[way].2));
            let direction = match link.ways.map(|(trials, ..)| trials == self.trials) {
                [true, true] => usize::from(busy(1) > busy(0)),
                [true, false] => 0,
                [false, true] => 1,
                [false, false] => continue,
            };
            candidates.push((mean(link.utilisation), (name, busy(0).1 + busy(1).1, direction)));
        }
        let (link, _, direction) = busiest(candidates, |(_, goodput, _)| *goodput)?;
        Some(Place { link: Some(link.to_owned()), direction })
    }
}

impl OfLink {
    fn add(&mut self, ways: &[Way; 2]) {
        self.trials += 1;
        self.rated |= ways.iter().any(|way| way.utilisation.is_some());
        self.utilisation += ways.iter().filter_map(|way| way.utilisation).fold(0.0, f64::max);
        for ((trials, shares, goodputs), way) in self.ways.iter_mut().zip(ways) {
            let share = way.goodput.zip(way.rate).map(|(goodput, rate)| goodput / rate);
            *trials += usize::from(way.goodput.is_some());
            *shares += share.unwrap_or(0.0);
            *goodputs += way.goodput.unwrap_or(0.0);
        }
    }
}

/// Findings of [`put`].
struct Put {
    /// A trial's goodput was of another place.
    moved: bool,
    /// In each trial, what a link carried is what all flows did.
    whole: bool,
}

/// Gives the trials of each cell the figures of its place, or none.
fn put<'a>(results: &mut Results, place_of: impl Fn(usize) -> Option<&'a Place>) -> Result<Put, FileError> {
    let columns = ["goodput_mbit", "goodput_up_mbit", "goodput_down_mbit", "jain_index"]
        .map(|name| results.figure(name));
    let span = results.study.duration.saturating_sub(results.study.warmup);
    let mut settled = [6; 4].map(Packed::of);
    let mut found = Put { moved: false, whole: true };
    let mut at = results.trials.iter();
    each_trial(results, |(cell, _), links, bytes| {
        let trial = at.next().expect("each trial is visited");
        let before = columns.map(|column| trial.figure(column?));
        let after = place_of(cell).map_or([None, before[1], before[2], None], |place| {
            let after = if columns.contains(&None) { before } else { place.figures(before, links) };
            found.moved |= after[0] != before[0];
            let all = super::goodput::mbit(bytes[0][place.direction], span).unwrap_or(0.0);
            let carried = |goodput: f64| (goodput - all).abs() <= 2e-6;
            found.whole &= place.link.is_none() || after[0].is_some_and(carried);
            after
        });
        settled.iter_mut().zip(after).for_each(|(column, value)| column.push(value));
    })?;
    drop(at);
    for (column, values) in columns.into_iter().zip(settled) {
        if let Some(column) = column {
            results.trials.replace(column, values);
        }
    }
    Ok(found)
}

impl Place {
    /// Goodput, its two directions and Jain's index here, of a trial that has these at its own bottleneck.
    fn figures(&self, own: [Option<f64>; 4], links: &Links) -> [Option<f64>; 4] {
        let [goodput, up, down, jain] = own;
        let Some(name) = &self.link else {
            let here = [up, down][self.direction];
            // The index in the row may be of the other direction.
            return [here, up, down, jain.filter(|_| here == goodput)];
        };
        let Some((_, ways)) = links.iter().find(|(known, _)| known == name) else { return own };
        let [up, down] = [0, 1].map(|way| ways[way].goodput.or(Some(0.0)));
        [ways[self.direction].goodput, up, down, ways[self.direction].jain]
    }
}

fn say(folders: &mut [&mut Results], measured: &Measured) {
    for results in folders {
        results.measured = measured.clone();
    }
}

/// True if all trials' own goodput is of the same direction.
fn has_one_direction(results: &Results) -> bool {
    let same = |name: &str| {
        let (Some(busier), Some(other)) = (results.figure("goodput_mbit"), results.figure(name)) else {
            return true;
        };
        results.trials.iter().all(|trial| trial.figure(busier) == trial.figure(other))
    };
    same("goodput_up_mbit") || same("goodput_down_mbit")
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let direction = Direction::BOTH[self.direction].name();
        match &self.link {
            Some(link) => write!(f, "link {link}, {direction}"),
            None => write!(f, "all flows, {direction}"),
        }
    }
}

#[cfg(test)]
mod tests;
