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
use super::results::{Measured, Results, Row, Trial};
use super::rows::Table;
use crate::facts::Direction;

/// A trial: number of the folder, cell, trial.
type Key = (usize, usize, u32);

/// One direction of a shared link in a trial.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    utilisation: Option<f64>,
    rate: Option<f64>,
    /// `None` if no flow sends data that way.
    goodput: Option<f64>,
    jain: Option<f64>,
}

/// The links of a trial that clients share, in the scenario's order, each with its directions.
type Links = Vec<(String, [Way; 2])>;

/// Place that the trials measure: a shared link, or all flows where none has a rate; and a direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    link: Option<String>,
    direction: usize,
}

/// Makes the trials of all `folders` comparable, or says why they are not.
pub fn settle(folders: &mut [&mut Results]) -> Result<(), FileError> {
    let mut trials: BTreeMap<Key, Links> = BTreeMap::new();
    let mut sums: BTreeMap<Key, [[u64; 2]; 2]> = BTreeMap::new();
    for (number, results) in folders.iter().enumerate() {
        for trial in &results.trials {
            trials.insert((number, trial.cell, trial.number), Links::new());
            sums.insert((number, trial.cell, trial.number), Default::default());
        }
        read(number, results, &mut trials, &mut sums)?;
    }
    if trials.values().all(Vec::is_empty) && folders.iter().all(|results| has_one_direction(results)) {
        return Ok(());
    }
    let all: Vec<Key> = trials.keys().copied().collect();
    if let Some(place) = choose(&trials, &sums, &all) {
        let moved = put(folders, &trials, &all, &place);
        if moved {
            say(folders, &Measured::At(place.to_string()));
        }
        return Ok(());
    }
    // No place is common to all: each cell has one of its own.
    let mut places = BTreeSet::new();
    let mut whole = true;
    for cell in all.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let Some(place) = choose(&trials, &sums, cell) else {
            // Not even its trials can be averaged.
            for key in cell {
                let columns = ["goodput_mbit", "jain_index"].map(|name| folders[key.0].figure(name));
                if let Some(row) = row_of(folders[key.0], *key) {
                    columns.into_iter().flatten().for_each(|column| row.figures[column] = None);
                }
            }
            whole = false;
            continue;
        };
        put(folders, &trials, cell, &place);
        // Over different links the same flows may be compared: all of them.
        whole &= cell.iter().all(|key| {
            let bytes = sums[key][0][place.direction];
            place.link.is_none() || carries_all(folders[key.0], *key, bytes)
        });
        places.insert(place);
    }
    let directions: BTreeSet<usize> = places.iter().map(|place| place.direction).collect();
    if !whole || directions.len() > 1 {
        let names: Vec<String> = places.iter().map(ToString::to_string).collect();
        say(folders, &Measured::Apart(names.join("; ")));
    }
    Ok(())
}

/// Reads what went over the links, and the bytes of all flows and of bulk flows by direction.
fn read(
    number: usize,
    results: &Results,
    trials: &mut BTreeMap<Key, Links>,
    sums: &mut BTreeMap<Key, [[u64; 2]; 2]>,
) -> Result<(), FileError> {
    let direction = |row: &Row<'_>| row.parse("direction").map(Direction::index);
    results.each_row_of(Table::Links, |cell, row| {
        let key = row.parse("trial").map(|trial| (number, cell, trial));
        let links = key.and_then(|key| trials.get_mut(&key));
        let (Some(links), Some(direction)) = (links, direction(row)) else { return };
        let name = row.get("link");
        let index = links.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            // Most trials have one, and there may be many trials.
            links.reserve_exact(1);
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
    for links in trials.values_mut() {
        links.retain(|(_, ways)| ways.iter().any(|way| way.goodput.is_some()));
    }
    results.each_row_of(Table::Flows, |cell, row| {
        let key = row.parse("trial").map(|trial| (number, cell, trial));
        let sums = key.and_then(|key| sums.get_mut(&key));
        let (Some(sums), Some(direction)) = (sums, direction(row)) else { return };
        let bytes = row.parse("bytes_delivered").unwrap_or(0);
        sums[0][direction] += bytes;
        if results.study.is_bulk(row.get("group")) {
            sums[1][direction] += bytes;
        }
    })
}

/// The place with data in each of the `keys`; `None` if there is none.
fn choose(trials: &BTreeMap<Key, Links>, sums: &BTreeMap<Key, [[u64; 2]; 2]>, keys: &[Key]) -> Option<Place> {
    let links = || keys.iter().map(|key| &trials[key]);
    let rated = |ways: &[Way; 2]| ways.iter().any(|way| way.utilisation.is_some());
    if !links().flatten().any(|(_, ways)| rated(ways)) {
        let sum = |kind: usize, way: usize| keys.iter().map(|key| sums[key][kind][way]).sum::<u64>();
        let busy = |way: usize| (sum(1, way), sum(0, way));
        return Some(Place { link: None, direction: usize::from(busy(1) > busy(0)) });
    }
    // Of a link in each trial.
    let of = |name: &str| -> Option<Vec<&[Way; 2]>> {
        links().map(|links| links.iter().find(|(known, _)| known == name).map(|(_, ways)| ways)).collect()
    };
    let common = |ways: &[&[Way; 2]], way: usize| ways.iter().all(|ways| ways[way].goodput.is_some());
    let mut candidates = Vec::new();
    for (name, _) in links().next()? {
        let Some(ways) = of(name).filter(|ways| ways.iter().any(|ways| rated(ways))) else { continue };
        let mean =
            |of: &dyn Fn(&[Way; 2]) -> f64| ways.iter().map(|ways| of(ways)).sum::<f64>() / ways.len() as f64;
        let busy = |way: usize| {
            let share = |ways: &[Way; 2]| Some(ways[way].goodput? / ways[way].rate?);
            (mean(&|ways| share(ways).unwrap_or(0.0)), mean(&|ways| ways[way].goodput.unwrap_or(0.0)))
        };
        let direction = match (common(&ways, 0), common(&ways, 1)) {
            (true, true) => usize::from(busy(1) > busy(0)),
            (true, false) => 0,
            (false, true) => 1,
            (false, false) => continue,
        };
        let utilisation = mean(&|ways| ways.iter().filter_map(|way| way.utilisation).fold(0.0, f64::max));
        candidates.push((utilisation, (name, busy(0).1 + busy(1).1, direction)));
    }
    let (link, _, direction) = busiest(candidates, |(_, goodput, _)| *goodput)?;
    Some(Place { link: Some(link.to_owned()), direction })
}

/// Gives the trials the figures of `place`; whether any was of another one.
fn put(folders: &mut [&mut Results], trials: &BTreeMap<Key, Links>, keys: &[Key], place: &Place) -> bool {
    let mut moved = false;
    for &(number, cell, trial) in keys {
        let results = &mut *folders[number];
        let columns = ["goodput_mbit", "goodput_up_mbit", "goodput_down_mbit", "jain_index"]
            .map(|name| results.figure(name));
        let [Some(busier), Some(up), Some(down), Some(jain)] = columns else { continue };
        let Some(row) = row_of(results, (number, cell, trial)) else { continue };
        let links = &trials[&(number, cell, trial)];
        let before = row.figures[busier];
        match &place.link {
            None => {
                row.figures[busier] = row.figures[[up, down][place.direction]];
                if row.figures[busier] != before {
                    // The index in the row is of the other direction.
                    row.figures[jain] = None;
                }
            }
            Some(name) => {
                let Some((_, ways)) = links.iter().find(|(known, _)| known == name) else { continue };
                row.figures[busier] = ways[place.direction].goodput;
                row.figures[up] = ways[0].goodput.or(Some(0.0));
                row.figures[down] = ways[1].goodput.or(Some(0.0));
                row.figures[jain] = ways[place.direction].jain;
            }
        }
        moved |= row.figures[busier] != before;
    }
    moved
}

fn say(folders: &mut [&mut Results], measured: &Measured) {
    for results in folders {
        results.measured = measured.clone();
    }
}

/// The trial's row.
fn row_of(results: &mut Results, (_, cell, trial): Key) -> Option<&mut Trial> {
    let place = results.trials.binary_search_by_key(&(cell, trial), |row| (row.cell, row.number)).ok()?;
    Some(&mut results.trials[place])
}

/// True if all trials' own goodput is of the same direction.
fn has_one_direction(results: &Results) -> bool {
    let same = |name: &str| {
        let (Some(busier), Some(other)) = (results.figure("goodput_mbit"), results.figure(name)) else {
            return true;
        };
        results.trials.iter().all(|trial| trial.figures[busier] == trial.figures[other])
    };
    same("goodput_up_mbit") || same("goodput_down_mbit")
}

/// True if a trial's goodput is that of the `bytes` of all flows.
fn carries_all(results: &mut Results, key: Key, bytes: u64) -> bool {
    let span = results.study.duration.saturating_sub(results.study.warmup);
    let all = super::goodput::mbit(bytes, span).unwrap_or(0.0);
    let column = results.figure("goodput_mbit");
    let goodput = column.and_then(|column| row_of(results, key)?.figures[column]);
    goodput.is_some_and(|goodput| (goodput - all).abs() <= 2e-6)
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
mod tests {
    use crate::facts::{Direction, DirectionOutcome, FlowOutcome, Outcome};
    use crate::report::testing::{bulk_outcome, run, study};
    use crate::report::{Mode, Report, ResultFolder, beside, finish};
    use crate::tables::Format;
    use crate::tables::study::{Study, TrialRow};

    /// Two uploads over `home`, each of `up` bytes, and two downloads over `core`, with how busy these are.
    fn outcome(names: [&str; 2], up: u64, home: f64, core: f64) -> Outcome {
        let mut outcome = bulk_outcome(1, "reno", 0.01);
        outcome.series = None;
        let model = outcome.flows[0].clone();
        let flow = |direction: Direction, bytes: u64, link: u32| {
            let mut flow = model.clone();
            let way = flow.directions[0].take().expect("an upload");
            let way = DirectionOutcome { bytes_delivered: bytes, links: vec![link], ..way };
            flow.directions[direction.index()] = Some(way);
            flow
        };
        let named = |(n, flow)| FlowOutcome { name: format!("upload-{n}"), ..flow };
        let flows = [
            flow(Direction::Up, up, 0),
            flow(Direction::Up, up, 0),
            flow(Direction::Down, 7_000_000, 3),
            flow(Direction::Down, 21_000_000, 3),
        ];
        outcome.flows = flows.into_iter().enumerate().map(named).collect();
        let mut links = outcome.links.clone();
        links.extend(outcome.links.clone());
        for (n, link) in links.iter_mut().enumerate() {
            names[n / 2].clone_into(&mut link.name);
            link.utilisation = Some([home, 0.1, 0.1, core][n]);
            link.rate_mbit = Some([1.0, 1.0, 8.0, 8.0][n]);
        }
        outcome.links = links;
        outcome
    }

    fn two_links(home: f64, core: f64) -> Outcome {
        outcome(["home", "core"], 1_750_000, home, core)
    }

    /// Writes `trials` (cell, number, outcome) in this order.
    fn folder(dir: &std::path::Path, study: &Study, trials: &[(usize, u32, Outcome)]) -> Report {
        let mut folder = ResultFolder::open(dir, study, &run(), Mode::Force).expect("opened");
        for (cell, trial, outcome) in trials {
            let row = TrialRow { cell: *cell, trial: *trial, seed: 1, outcome, wall_s: 0.1 };
            folder.append(&row).expect("written");
        }
        drop(folder);
        finish(dir, "later", false).expect("finished")
    }

    fn goodputs(report: &Report) -> Vec<Option<f64>> {
        report.findings.cells.iter().map(|cell| cell.mean("goodput_mbit")).collect()
    }

    #[test]
    fn trials_and_cells_measure_at_one_link_in_one_direction_in_whatever_order_they_finish() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let study = study(&[("a.b", &["1", "2"])]);
        // The busier link changes from trial to trial.
        let mut trials: Vec<(usize, u32, Outcome)> = vec![];
        for (n, busy) in [(1.0, 0.9), (0.9, 1.0), (0.9, 1.0)].into_iter().enumerate() {
            trials.push((0, n as u32, two_links(busy.0, busy.1)));
            trials.push((1, n as u32, two_links(0.95, 1.0)));
        }
        let report = folder(dir.path(), &study, &trials);
        assert_eq!(goodputs(&report), [Some(8.0), Some(8.0)]);
        assert_eq!(report.findings.cells[0].get("goodput_mbit").and_then(|figure| figure.ci95), Some(0.0));
        // The index is of the same place: of the downloads.
        assert!(report.findings.cells[0].mean("jain_index").is_some_and(|jain| (jain - 0.8).abs() < 1e-6));
        let text = report.findings.table.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("goodput: link core, down, the busiest on average"), "{text}");
        trials.reverse();
        let other = folder(dir.path(), &study, &trials);
        assert_eq!(
            (other.findings.cells, other.findings.table, other.findings.verdict),
            (report.findings.cells, report.findings.table, report.findings.verdict)
        );
    }

    #[test]
    fn folders_that_are_compared_measure_at_one_place() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let study = study(&[]);
        let dirs = [(1.0, 0.9), (0.9, 1.01)].map(|(home, core)| {
            let dir = root.path().join(format!("{home}"));
            let trials = [0, 1, 2].map(|n| (0, n, two_links(home, core)));
            folder(&dir, &study, &trials);
            dir
        });
        for dirs in [dirs.to_vec(), dirs.iter().rev().cloned().collect()] {
            let (beside, _) = beside(&dirs, &|_, _| None).expect("folders");
            let text = beside.side_by_side(None, Format::Table);
            assert!(
                text.contains("link core, down, the busiest") && !text.contains("goodput rose"),
                "{text}"
            );
        }
    }

    #[test]
    fn where_cells_share_no_place_goodput_is_not_compared() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let study = study(&[("a.b", &["1", "2"])]);
        let cell =
            |cell: usize, name: [&str; 2], up: u64| [0, 1, 2].map(|n| (cell, n, outcome(name, up, 1.0, 0.5)));
        let mut trials =
            [cell(0, ["home", "core"], 1_000_000), cell(1, ["house", "net"], 3_000_000)].concat();
        let send_over = |trials: &mut Vec<(usize, u32, Outcome)>, link: u32| {
            for (_, _, outcome) in trials {
                outcome.flows[1].directions[0].as_mut().expect("an upload").links = vec![link];
            }
        };
        // Half of the uploads go over the other link.
        send_over(&mut trials, 2);
        let report = folder(dir.path(), &study, &trials);
        let reason = report.findings.verdict.last().expect("a reason");
        assert!(reason.contains("(link home, up; link house, up)"), "{reason}");
        assert!(
            report.findings.verdict.iter().all(|text| !text.contains("goodput rose")),
            "{:?}",
            report.findings.verdict
        );

        // With all uploads on either link, they are the same measure.
        send_over(&mut trials, 0);
        let report = folder(dir.path(), &study, &trials);
        assert!(
            report.findings.verdict[0].contains("goodput rose by a factor of 3"),
            "{:?}",
            report.findings.verdict
        );
        assert_eq!(report.findings.verdict.len(), 1);
    }

    #[test]
    fn without_a_rate_the_direction_is_that_of_the_bulk_data_of_all_trials() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let trials = [10_000_000, 14_000_001, 15_000_000].map(|up| {
            let mut outcome = outcome(["home", "core"], up, 1.0, 1.0);
            for link in &mut outcome.links {
                (link.utilisation, link.rate_mbit) = (None, None);
            }
            outcome
        });
        let trials: Vec<_> =
            trials.into_iter().enumerate().map(|(n, outcome)| (0, n as u32, outcome)).collect();
        let report = folder(dir.path(), &study(&[]), &trials);
        assert_eq!(goodputs(&report), [Some(8.0)]);
        assert_eq!(report.findings.cells[0].get("jain_index"), None);
    }
}
