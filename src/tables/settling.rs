//! Settling of the bulk flows: it should be over when measuring begins, and goodput even from then on.

use std::collections::{BTreeMap, BTreeSet};

use super::error::FileError;
use super::results::Results;
use super::rows::Table;
use super::series;
use super::study::group_of;
use crate::facts::Measure;

/// Goodput of the last third above or below that of the middle third by this factor: the flows had
/// not settled. A sawtooth alone stays well below. The warning says the same in words.
const UNEVEN: f64 = 1.5;

/// One flow among many that is still in its first slow start is no news; this share of them is.
const MANY_FLOWS: f64 = 0.1;

/// The cells whose bulk flows had not settled.
#[derive(Debug, Default, PartialEq)]
pub struct Unsettled {
    /// Many were in their first slow start when measuring began.
    pub first_slow_start: Vec<usize>,
    /// Goodput of the last third is far from that of the middle third.
    pub uneven: Vec<usize>,
}

/// A sender: flow and direction.
type Sender = (String, String);

/// Findings about a cell, if it has bulk flows with series.
pub type Found = Result<Option<Settling>, FileError>;

/// Function that looks at a cell.
pub type Read<'a> = dyn Fn(usize) -> Found + Sync + 'a;

/// Findings about a cell's bulk flows, from its series.
#[derive(Debug, Default)]
pub struct Settling {
    first_slow_start: usize,
    /// Bytes at the ends of the three thirds of the measured interval.
    bytes: BTreeMap<Sender, [f64; 3]>,
}

/// Looks at the first trial with series of each cell; `each` calls a function with each cell, in whatever order,
/// and gives its results in theirs. Transfers that ended are left out: no longer run would settle them.
pub fn find(
    results: &Results,
    each: impl FnOnce(&[usize], &Read<'_>) -> Vec<Found>,
) -> Result<Unsettled, FileError> {
    let mut looked_at: BTreeMap<usize, LookedAt> = BTreeMap::new();
    if results.study.measures(Measure::Goodput) {
        for cell in results.cells_with_trials() {
            let series = results.trial_with_series(cell);
            looked_at.extend(series.map(|trial| (cell, LookedAt { trial, completed: BTreeSet::new() })));
        }
    }
    results.each_row_of(Table::Flows, |cell, row| {
        let Some(of_cell) = looked_at.get_mut(&cell).filter(|_| !row.get("completion_s").is_empty()) else {
            return;
        };
        if row.parse("trial") == Some(of_cell.trial) {
            of_cell.completed.insert((row.get("flow").to_owned(), row.get("direction").to_owned()));
        }
    })?;
    let mut found = Unsettled::default();
    let cells = results.cells_with_trials();
    let read = each(&cells, &|cell| {
        looked_at.get(&cell).map(|looked_at| read(results, cell, looked_at)).transpose()
    });
    for (cell, settling) in cells.into_iter().zip(read) {
        let Some(settling) = settling? else { continue };
        if settling.first_slow_start as f64 > settling.bytes.len() as f64 * MANY_FLOWS {
            found.first_slow_start.push(cell);
        }
        let sum = |n: usize| -> f64 { settling.bytes.values().map(|bytes| bytes[n]).sum() };
        let (middle, last) = (sum(1) - sum(0), sum(2) - sum(1));
        if middle > 0.0 && (last / middle > UNEVEN || last / middle < 1.0 / UNEVEN) {
            found.uneven.push(cell);
        }
    }
    Ok(found)
}

/// The cells in their order, for [`find`].
pub fn one_by_one(cells: &[usize], read: &Read<'_>) -> Vec<Found> {
    cells.iter().map(|&cell| read(cell)).collect()
}

/// A trial with series, and its senders that were done.
struct LookedAt {
    trial: u32,
    completed: BTreeSet<Sender>,
}

fn read(results: &Results, cell: usize, looked_at: &LookedAt) -> Result<Settling, FileError> {
    let study = &results.study;
    let dir = series::folder(study, cell, looked_at.trial);
    let (start, end) = (study.warmup.as_secs_f64(), study.duration.as_secs_f64());
    let bounds = [1.0, 2.0, 3.0].map(|third| start + (end - start) * third / 3.0);
    let mut settling = Settling::default();
    let columns = ["flow", "direction", "time_s", "delivered_bytes", "ssthresh_bytes", "phase"];
    results.each_record(&dir.join("flows.csv"), columns, |fields| {
        let [flow, direction, time, delivered, ssthresh, phase] = fields;
        if !study.is_bulk(group_of(flow)) {
            return;
        }
        let Some(time) = time.parse().ok().filter(|time: &f64| *time >= start) else { return };
        let delivered: f64 = delivered.parse().unwrap_or(0.0);
        let sender = (flow.to_owned(), direction.to_owned());
        if looked_at.completed.contains(&sender) {
            return;
        }
        if !settling.bytes.contains_key(&sender) {
            let first = ssthresh.is_empty() && phase.contains("slow");
            settling.first_slow_start += usize::from(start > 0.0 && delivered > 0.0 && first);
        }
        let bytes = settling.bytes.entry(sender).or_default();
        for (n, bound) in bounds.iter().enumerate() {
            if time <= *bound {
                bytes[n] = delivered;
            }
        }
    })?;
    Ok(settling)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Phase;
    use crate::report::testing::{bulk_outcome, load, run, study};
    use crate::report::{Mode, ResultFolder};
    use crate::tables::TrialRow;
    use crate::time::{Duration, Instant};

    /// A flow in slow start that delivers until a second of the trial, of which 2 … 30 s are measured.
    fn found(until_s: u64, completion: Option<Duration>) -> Unsettled {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let study = study(&[]);
        let mut outcome = bulk_outcome(1, "reno", 0.001);
        for way in outcome.flows.iter_mut().flat_map(|flow| flow.directions.iter_mut().flatten()) {
            way.completion = completion;
        }
        let end = Instant::ZERO + Duration::from_secs(until_s);
        for sample in &mut outcome.series.as_mut().expect("a series").flows {
            (sample.sender.ssthresh, sample.sender.phase) = (None, Phase::SlowStart);
            sample.delivered = 1_000_000 + sample.time.min(end).as_nanos() / 1000;
        }
        let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened");
        let row = TrialRow { cell: 0, trial: 1, seed: 1, outcome: &outcome, wall_s: 0.1 };
        folder.append(&row).expect("written");
        find(&load(dir.path(), &study), one_by_one).expect("found")
    }

    #[test]
    fn a_flow_that_has_not_settled_is_found_unless_it_was_done() {
        // The last third begins at 20.7 s and lasts 9.3 s.
        let cells = |uneven: &[usize]| Unsettled { first_slow_start: vec![0], uneven: uneven.to_vec() };
        assert_eq!(found(30, None), cells(&[]));
        assert_eq!(found(28, None), cells(&[]));
        assert_eq!(found(26, None), cells(&[0]));
        assert_eq!(found(26, Some(Duration::from_secs(26))), Unsettled::default());
    }
}
