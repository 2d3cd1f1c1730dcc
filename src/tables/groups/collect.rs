//! Groups' figures, summed or pooled over the rows of their clients.

use std::collections::{BTreeMap, BTreeSet};

use super::{Share, Shares, Times, Video, all, rivals};
use crate::facts::{Direction, Measure};
use crate::tables::error::FileError;
use crate::tables::goodput::{self, Completions};
use crate::tables::results::{Results, Row, Trial};
use crate::tables::rows::Table;
use crate::tables::study::Study;
use crate::tables::viewing::{Chunk, Viewing};

type Key = (usize, u32, String);

/// Sums over the flows of a group.
#[derive(Clone, Debug, Default)]
struct Flows {
    /// Megabits a second by direction; `None` where it sends nothing.
    mbit: [Option<f64>; 2],
    bytes: u64,
    segments: u64,
    retransmits: u64,
    srtts: Vec<f64>,
    completions: Vec<Option<f64>>,
}

/// Shares of all groups in each finished trial, in the order of cells and trials.
pub fn shares(results: &Results) -> Result<Shares, FileError> {
    let study = &results.study;
    let flows = flows(results)?;
    // Folders of earlier versions do not name the groups that chat.
    let groups: BTreeSet<&str> =
        all(study).into_iter().chain(flows.keys().map(|key| key.2.as_str())).collect();
    let mut shares = Shares::new();
    for trial in &results.trials {
        for group in groups.iter().filter(|group| !is_left_out(study, trial.cell, group)) {
            shares.insert((trial.cell, trial.number, (*group).to_owned()), Share::default());
        }
    }
    let rtts = times(results, Table::Probes, "rtt_ms")?;
    let requests = times(results, Table::Requests, "completion_ms")?;
    let videos = videos(results)?;
    for (key, share) in &mut shares {
        share.rtt_ms = rtts.get(key).copied().unwrap_or_default();
        share.request_ms = requests.get(key).copied().unwrap_or_default();
        share.video = videos.get(key).copied().unwrap_or_default();
        if let Some(flows) = flows.get(key) {
            fill(share, flows, study);
        } else if study.is_bulk(&key.2) {
            share.goodput_mbit = Some(0.0);
        }
    }
    for trial in &results.trials {
        compare(&mut shares, &flows, &groups, results, trial);
    }
    Ok(shares)
}

/// True if an axis leaves a group out of a cell.
fn is_left_out(study: &Study, cell: usize, group: &str) -> bool {
    let key = format!("clients.{group}.count");
    study.axes.iter().zip(study.values(cell)).any(|(axis, value)| axis.key == key && value == "0")
}

/// Figures of a group from its own flows.
fn fill(share: &mut Share, flows: &Flows, study: &Study) {
    let span = study.duration.saturating_sub(study.warmup);
    let rate = |count: u64, of: u64| (of > 0).then(|| count as f64 / of as f64);
    let mean =
        |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    // Bytes of connections are exact; datagrams have only their rate.
    let connections = goodput::mbit(flows.bytes, span);
    let datagrams: f64 = flows.mbit.iter().flatten().sum();
    share.goodput_mbit = if flows.bytes > 0 || datagrams == 0.0 { connections } else { Some(datagrams) };
    share.retransmission_rate = rate(flows.retransmits, flows.segments);
    share.srtt_mean_ms = mean(&flows.srtts);
    share.completion_s = times_of(&flows.completions);
}

/// Figures of a group beside all groups of a trial.
fn compare(
    shares: &mut Shares,
    flows: &BTreeMap<Key, Flows>,
    groups: &BTreeSet<&str>,
    results: &Results,
    trial: &Trial,
) {
    let study = &results.study;
    let key = |group: &str| (trial.cell, trial.number, group.to_owned());
    if let Some(direction) = busier(results, trial).filter(|_| !study.backwards) {
        let of = |group: &str| flows.get(&key(group)).and_then(|flows| flows.mbit[direction.index()]);
        let sum: f64 = groups.iter().copied().filter_map(of).sum();
        for group in groups.iter().copied().filter(|_| sum > 0.0) {
            if let Some(share) = shares.get_mut(&key(group)) {
                share.of_all = of(group).map(|mbit| mbit / sum);
            }
        }
    }
    if let Some([a, b]) = rivals(study) {
        let goodput = |group: &str| shares.get(&key(group))?.goodput_mbit.filter(|mbit| *mbit > 0.0);
        let ratio = goodput(a).zip(goodput(b)).map(|(a, b)| a / b);
        for (group, ratio) in [(a, ratio), (b, ratio.map(f64::recip))] {
            if let Some(share) = shares.get_mut(&key(group)) {
                share.goodput_ratio = ratio;
            }
        }
    }
    if let [group] = study.groups_with(Measure::Latency) {
        let of = |column: &str| trial.figures[results.figure(column)?];
        if let Some(share) = shares.get_mut(&key(group)) {
            share.latency_ms = Some([of("latency_p50_ms"), of("latency_p99_ms")]);
        }
    }
}

/// The direction of a trial's goodput; `None` if it has none.
fn busier(results: &Results, trial: &Trial) -> Option<Direction> {
    let of = |column: &str| trial.figures[results.figure(column)?];
    let busier = of("goodput_mbit")?;
    Some(if of("goodput_up_mbit") == Some(busier) { Direction::Up } else { Direction::Down })
}

fn flows(results: &Results) -> Result<BTreeMap<Key, Flows>, FileError> {
    let span = results.study.duration.saturating_sub(results.study.warmup);
    let mut all: BTreeMap<Key, Flows> = BTreeMap::new();
    results.each_row_of(Table::Flows, |cell, row| {
        let Some(key) = key(cell, row) else { return };
        let flows = all.entry(key).or_default();
        let bytes = row.parse::<u64>("bytes_delivered").unwrap_or(0);
        flows.add(row, goodput::mbit(bytes, span));
        flows.bytes += bytes;
        flows.segments += row.parse("segments_sent").unwrap_or(0);
        flows.retransmits += row.parse("retransmits").unwrap_or(0);
        flows.srtts.extend(row.parse::<f64>("srtt_mean_ms"));
        flows.completions.push(row.parse("completion_s"));
    })?;
    results.each_row_of(Table::Datagrams, |cell, row| {
        let Some(key) = key(cell, row) else { return };
        all.entry(key).or_default().add(row, row.parse("goodput_mbit"));
    })?;
    Ok(all)
}

impl Flows {
    fn add(&mut self, row: &Row<'_>, mbit: Option<f64>) {
        if let (Some(direction), Some(mbit)) = (row.parse::<Direction>("direction"), mbit) {
            *self.mbit[direction.index()].get_or_insert(0.0) += mbit;
        }
    }
}

/// Times under a column, pooled by group; the lists go as soon as they are read.
fn times(results: &Results, table: Table, column: &str) -> Result<BTreeMap<Key, Times>, FileError> {
    let mut lists: BTreeMap<Key, Vec<Option<f64>>> = BTreeMap::new();
    if Table::of(&results.study).contains(&table) {
        results.each_row_of(table, |cell, row| {
            if let Some(key) = key(cell, row) {
                lists.entry(key).or_default().push(row.parse(column));
            }
        })?;
    }
    Ok(lists.into_iter().map(|(key, values)| (key, times_of(&values))).collect())
}

/// Video of each group.
fn videos(results: &Results) -> Result<BTreeMap<Key, Video>, FileError> {
    let mut groups: BTreeMap<Key, Viewing> = BTreeMap::new();
    if Table::of(&results.study).contains(&Table::Chunks) {
        results.each_row_of(Table::Chunks, |cell, row| {
            let Some(key) = key(cell, row) else { return };
            let seconds = |column: &str| row.parse(column).unwrap_or(0.0);
            let chunk = Chunk {
                bitrate_mbit: seconds("bitrate_mbit"),
                came: row.parse::<f64>("completion_ms").is_some(),
                played_s: seconds("played_s"),
                stall_s: seconds("stall_s"),
                startup_s: row.parse("startup_s"),
            };
            groups.entry(key).or_default().add(row.get("client"), chunk);
        })?;
    }
    let video = |viewing: &Viewing| Video {
        bitrate_mbit: viewing.bitrate_mbit(),
        stall_s: viewing.stall_s(),
        stall_fraction: viewing.stall_fraction(),
        startup_s: viewing.startup_s(),
        switches: viewing.switches(),
    };
    Ok(groups.iter().map(|(key, viewing)| (key.clone(), video(viewing))).collect())
}

fn times_of(values: &[Option<f64>]) -> Times {
    let times = Completions::among(values.iter().copied());
    let [p50, p95, p99] = [0.50, 0.95, 0.99].map(|share| times.percentile(share));
    Times { mean: times.mean(), p50, p95, p99 }
}

fn key(cell: usize, row: &Row<'_>) -> Option<Key> {
    Some((cell, row.parse("trial")?, row.get("group").to_owned()))
}
