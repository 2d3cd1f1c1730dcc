//! Groups' figures, summed or pooled over the rows of their clients.

use std::collections::{BTreeMap, BTreeSet};

use super::{Share, Times, Video, all, rivals};
use crate::facts::{Direction, Measure};
use crate::tables::error::FileError;
use crate::tables::goodput::{self, Completions};
use crate::tables::reading::{Key, Row, Trials};
use crate::tables::results::{Results, Trial};
use crate::tables::rows::Table;
use crate::tables::study::Study;
use crate::tables::viewing::{Chunk, Viewing};
use crate::time::Duration;

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

/// Calls `visit` with each group's share of each finished trial, in the order of cells, trials and groups.
pub fn each_share(
    results: &Results,
    mut visit: impl FnMut(&Trial<'_>, &str, &Share),
) -> Result<(), FileError> {
    let study = &results.study;
    let groups = names(results)?;
    let mut tables = Tables::of(results)?;
    for trial in results.trials.iter() {
        let flows = tables.flows(&trial)?;
        let rtts = times(&mut tables.probes, &trial, "rtt_ms")?;
        let requests = times(&mut tables.requests, &trial, "completion_ms")?;
        let videos = videos(&mut tables.chunks, &trial)?;
        let share = |group: &str| {
            let mut share = Share {
                rtt_ms: rtts.get(group).copied().unwrap_or_default(),
                request_ms: requests.get(group).copied().unwrap_or_default(),
                video: videos.get(group).copied().unwrap_or_default(),
                ..Share::default()
            };
            match flows.get(group) {
                Some(flows) => fill(&mut share, flows, study),
                None if study.is_bulk(group) => share.goodput_mbit = Some(0.0),
                None => {}
            }
            share
        };
        let there = groups.iter().filter(|group| !is_left_out(study, trial.cell, group));
        let mut shares: BTreeMap<&str, Share> = there.map(|group| (group.as_str(), share(group))).collect();
        compare(&mut shares, &flows, &groups, results, &trial);
        for (group, share) in &shares {
            visit(&trial, group, share);
        }
    }
    Ok(())
}

/// All groups; folders of earlier versions do not name those that chat.
fn names(results: &Results) -> Result<BTreeSet<String>, FileError> {
    let mut names: BTreeSet<String> = all(&results.study).into_iter().map(str::to_owned).collect();
    for table in [Table::Flows, Table::Datagrams] {
        results.each_row_of(table, |_, row| {
            let name = row.get("group");
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        })?;
    }
    Ok(names)
}

/// The tables that shares are read off, of which a study has some.
struct Tables<'a> {
    span: Duration,
    flows: Trials<'a>,
    datagrams: Trials<'a>,
    probes: Option<Trials<'a>>,
    requests: Option<Trials<'a>>,
    chunks: Option<Trials<'a>>,
}

impl<'a> Tables<'a> {
    fn of(results: &'a Results) -> Result<Tables<'a>, FileError> {
        let known = Table::of(&results.study);
        let open = |table| known.contains(&table).then(|| results.by_trial(table)).transpose();
        Ok(Tables {
            span: results.study.duration.saturating_sub(results.study.warmup),
            flows: results.by_trial(Table::Flows)?,
            datagrams: results.by_trial(Table::Datagrams)?,
            probes: open(Table::Probes)?,
            requests: open(Table::Requests)?,
            chunks: open(Table::Chunks)?,
        })
    }

    /// Sums over the flows of each group in a trial.
    fn flows(&mut self, trial: &Trial<'_>) -> Result<BTreeMap<String, Flows>, FileError> {
        let span = self.span;
        let mut all: BTreeMap<String, Flows> = BTreeMap::new();
        self.flows.each_of(key(trial), |row| {
            let flows = all.entry(row.get("group").to_owned()).or_default();
            let bytes = row.parse::<u64>("bytes_delivered").unwrap_or(0);
            flows.add(row, goodput::mbit(bytes, span));
            flows.bytes += bytes;
            flows.segments += row.parse("segments_sent").unwrap_or(0);
            flows.retransmits += row.parse("retransmits").unwrap_or(0);
            flows.srtts.extend(row.parse::<f64>("srtt_mean_ms"));
            flows.completions.push(row.parse("completion_s"));
        })?;
        self.datagrams.each_of(key(trial), |row| {
            all.entry(row.get("group").to_owned()).or_default().add(row, row.parse("goodput_mbit"));
        })?;
        Ok(all)
    }
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

/// Figures of each group beside all groups of a trial.
fn compare(
    shares: &mut BTreeMap<&str, Share>,
    flows: &BTreeMap<String, Flows>,
    groups: &BTreeSet<String>,
    results: &Results,
    trial: &Trial<'_>,
) {
    let study = &results.study;
    if let Some(direction) = busier(results, trial).filter(|_| !study.backwards) {
        let of = |group: &str| flows.get(group).and_then(|flows| flows.mbit[direction.index()]);
        let sum: f64 = groups.iter().filter_map(|group| of(group)).sum();
        for (group, share) in shares.iter_mut().filter(|_| sum > 0.0) {
            share.of_all = of(group).map(|mbit| mbit / sum);
        }
    }
    if let Some([a, b]) = rivals(study) {
        let goodput = |group: &str| shares.get(group)?.goodput_mbit.filter(|mbit| *mbit > 0.0);
        let ratio = goodput(a).zip(goodput(b)).map(|(a, b)| a / b);
        for (group, ratio) in [(a, ratio), (b, ratio.map(f64::recip))] {
            if let Some(share) = shares.get_mut(group) {
                share.goodput_ratio = ratio;
            }
        }
    }
    if let [group] = study.groups_with(Measure::Latency) {
        let of = |column: &str| trial.figure(results.figure(column)?);
        if let Some(share) = shares.get_mut(group.as_str()) {
            share.latency_ms = Some([of("latency_p50_ms"), of("latency_p99_ms")]);
        }
    }
}

/// The direction of a trial's goodput; `None` if it has none.
fn busier(results: &Results, trial: &Trial<'_>) -> Option<Direction> {
    let of = |column: &str| trial.figure(results.figure(column)?);
    let busier = of("goodput_mbit")?;
    Some(if of("goodput_up_mbit") == Some(busier) { Direction::Up } else { Direction::Down })
}

impl Flows {
    fn add(&mut self, row: &Row<'_>, mbit: Option<f64>) {
        if let (Some(direction), Some(mbit)) = (row.parse::<Direction>("direction"), mbit) {
            *self.mbit[direction.index()].get_or_insert(0.0) += mbit;
        }
    }
}

/// Times under a column, pooled by group.
fn times(
    table: &mut Option<Trials<'_>>,
    trial: &Trial<'_>,
    column: &str,
) -> Result<BTreeMap<String, Times>, FileError> {
    let mut lists: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    if let Some(table) = table {
        table.each_of(key(trial), |row| {
            lists.entry(row.get("group").to_owned()).or_default().push(row.parse(column));
        })?;
    }
    Ok(lists.into_iter().map(|(group, values)| (group, times_of(&values))).collect())
}

/// Video of each group.
fn videos(table: &mut Option<Trials<'_>>, trial: &Trial<'_>) -> Result<BTreeMap<String, Video>, FileError> {
    let mut groups: BTreeMap<String, Viewing> = BTreeMap::new();
    if let Some(table) = table {
        table.each_of(key(trial), |row| {
            let seconds = |column: &str| row.parse(column).unwrap_or(0.0);
            let chunk = Chunk {
                bitrate_mbit: seconds("bitrate_mbit"),
                came: row.parse::<f64>("completion_ms").is_some(),
                played_s: seconds("played_s"),
                stall_s: seconds("stall_s"),
                startup_s: row.parse("startup_s"),
            };
            groups.entry(row.get("group").to_owned()).or_default().add(row.get("client"), chunk);
        })?;
    }
    let video = |viewing: &Viewing| Video {
        bitrate_mbit: viewing.bitrate_mbit(),
        stall_s: viewing.stall_s(),
        stall_fraction: viewing.stall_fraction(),
        startup_s: viewing.startup_s(),
        switches: viewing.switches(),
    };
    Ok(groups.iter().map(|(group, viewing)| (group.clone(), video(viewing))).collect())
}

fn times_of(values: &[Option<f64>]) -> Times {
    let times = Completions::among(values.iter().copied());
    let [p50, p95, p99] = [0.50, 0.95, 0.99].map(|share| times.percentile(share));
    Times { mean: times.mean(), p50, p95, p99 }
}

fn key(trial: &Trial<'_>) -> Key {
    (trial.cell, trial.number)
}
