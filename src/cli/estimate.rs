//! Estimates made before a run begins: bytes on disk from the scenario, time from a moment's try.

use crate::engine::Point;
use crate::runner::{self, Pace};
use crate::scenario::{Group, Plan, Scenario};
use crate::time::Duration;
use crate::units::{Rate, plural, size};

/// A run that writes more says so beforehand.
const MUCH: u64 = 200_000_000;

/// Memory for a moment of a trial: more than it can fill while it does what its author meant.
const TRY: u64 = 32 << 20;

/// Bytes that a row has about.
const FLOW_SAMPLE: u64 = 100;
const LINK_SAMPLE: u64 = 45;
/// Rows of the tables, with what the axes add.
const TABLE_ROW: u64 = 130;
/// A histogram of latencies.
const LATENCIES: u64 = 3_000;
/// Pictures, page, manifest.
const PICTURES: u64 = 1_500_000;

/// Bytes that a run writes about, and how many of them are series and captures.
pub struct Written {
    pub all: u64,
    pub series: u64,
}

/// Bytes that a trial's captures may have: all that the fastest link carries both ways passes every point.
fn captured(scenario: &Scenario) -> u64 {
    let record = &scenario.record;
    let directions = || scenario.links.iter().flat_map(|link| &link.directions);
    let fastest = directions().filter_map(|config| config.rate).map(Rate::bits_per_second).max();
    let carried =
        fastest.map_or(u64::MAX, |bits| (bits as f64 / 8.0 * 2.0 * scenario.duration.as_secs_f64()) as u64);
    // Of transfers of a given size, that much with headers, acknowledgments and what is sent again.
    let carried = scenario.transferred().map_or(carried, |bytes| carried.min(bytes.saturating_mul(2)));
    // At a link, each packet is seen as it comes and as it goes.
    let passes = |(_, point): &(String, Point)| if matches!(point, Point::Link(_)) { 2 } else { 1 };
    let points: u64 = record.pcap.iter().map(passes).sum();
    let room = |wanted: bool| if wanted { record.pcap_limit } else { 0 };
    // The event of an acknowledgment takes about a quarter as much text as the data that it acknowledges.
    let qlogs = (carried / 4).min(room(record.qlog));
    carried.saturating_mul(points).min(room(points > 0)).saturating_add(qlogs)
}

/// Most cells that an estimate looks at: the others are taken to be like them.
const MOST_CELLS: usize = 1000;

/// All of so many cells, or `most` of them. They are a golden section of the grid apart, and as many as have no divisor in
/// common with it, so that every value of every axis has its share.
fn looked_at(cells: usize, most: usize) -> impl Iterator<Item = usize> {
    let stride =
        (cells * 618 / 1000..cells).find(|stride| greatest_divisor(*stride, cells) == 1).unwrap_or(1);
    (0..cells.min(most)).map(move |n| n * stride % cells)
}

fn greatest_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}

/// Files that a run of this plan writes.
pub fn written(plan: &Plan) -> Written {
    let cells: Vec<Scenario> =
        looked_at(plan.cells(), MOST_CELLS).filter_map(|cell| plan.scenario(cell).ok()).collect();
    let scale = plan.cells() as f64 / cells.len().max(1) as f64;
    let sum = |of: fn(&Scenario) -> u64| {
        let bytes = cells.iter().fold(0_u64, |sum, cell| sum.saturating_add(of(cell)));
        (bytes as f64 * scale) as u64
    };
    let trials = u64::from(plan.trials());
    let recorded = (0..plan.trials()).filter(|&trial| plan.base.records(trial)).count() as u64;
    let series = sum(recorded_bytes).saturating_mul(recorded);
    let all = series.saturating_add(sum(table_bytes).saturating_mul(trials)).saturating_add(PICTURES);
    Written { all, series }
}

/// Bytes of series and captures of a recorded trial.
fn recorded_bytes(cell: &Scenario) -> u64 {
    let [flows, links] = cell.series_rows();
    let rows = flows.saturating_mul(FLOW_SAMPLE).saturating_add(links.saturating_mul(LINK_SAMPLE));
    rows.saturating_add(captured(cell))
}

/// Bytes of the rows of a trial in tables.
fn table_bytes(cell: &Scenario) -> u64 {
    let of_group =
        |group: &Group| u64::from(group.count) * group.app.connections() * 2 + records(cell, group);
    let rows = cell.groups.iter().map(of_group).sum::<u64>() + 2 * cell.links.len() as u64 * 5 + 1;
    rows * TABLE_ROW + if cell.has_chat() { LATENCIES } else { 0 }
}

/// Rows of echo requests and of requests, about: of a new connection for each, those of its flow as well.
fn records(base: &Scenario, group: &Group) -> u64 {
    let each =
        base.duration.as_nanos() / group.app.record_interval().map_or(u64::MAX, Duration::as_nanos).max(1);
    each.saturating_mul(u64::from(group.count) * 3)
}

/// Says that a run writes much or captures nothing, and what would mend it.
pub fn warn_of_recording(plan: &Plan) {
    let record = &plan.base.record;
    if (record.qlog || !record.pcap.is_empty()) && !(0..plan.trials()).any(|trial| plan.base.records(trial)) {
        eprintln!("warning: {} captures nothing, because record.trials is \"none\"", plan.name());
        eprintln!("help: set record.trials to \"first\"");
    }
    let Written { all, series } = written(plan);
    if all > MUCH {
        eprintln!(
            "warning: {} writes about {}, {} of them series and captures",
            plan.name(),
            size(all),
            size(series)
        );
        let fewer = if record.pcap.is_empty() { "" } else { "capture at fewer points, " };
        let fewer = if record.qlog { format!("{fewer}name fewer record.flows, ") } else { fewer.to_owned() };
        eprintln!("help: raise record.interval, {fewer}or set record.trials to \"first\" or \"none\"");
    }
}

/// Says what a run takes: its time on so many threads, by a moment of its first, middle and last cell, and
/// its bytes. A cell that fills its memory within that moment is warned of.
pub fn in_words(plan: &Plan, jobs: usize) -> String {
    let last = plan.cells() - 1;
    let mut cells = vec![0, last / 2, last];
    cells.dedup();
    let mut seconds = Vec::new();
    for &cell in &cells {
        match runner::pace(plan, cell, TRY) {
            Pace::Seconds(each) => seconds.push(each),
            Pace::Fills(what) => {
                eprintln!("warning: {}, cell {cell}: {what}, in its first moments", plan.name());
            }
            Pace::Unknown => {}
        }
    }
    let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
    let rounds = (u64::from(plan.trials()) * plan.cells() as u64).div_ceil(jobs.max(1) as u64);
    let time = if seconds.len() == cells.len() {
        format!("about {} on {}", rough(mean * rounds as f64), plural(jobs as u64, "thread"))
    } else {
        "no telling how long it takes".to_owned()
    };
    format!("{time}, about {} on disk", size(written(plan).all))
}

/// A time as exact as a guess is.
fn rough(seconds: f64) -> String {
    match seconds {
        ..1.0 => "a second".to_owned(),
        1.0..100.0 => format!("{seconds:.0} s"),
        100.0..6000.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.0} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_counts_with_all_its_connections() {
        let series = |servers: &str| {
            let set = format!("clients.reader.app.servers={servers}");
            let plan = Plan::parse("incast.toml", include_str!("../../scenarios/incast.toml"), &[set]);
            written(&plan.expect("a sound scenario")).series
        };
        let (few, many) = (series("[2]"), series("[20]"));
        assert!(many > 6 * few, "{few} and {many}");
        assert_eq!(series("[2, 20]"), few + many);
    }

    #[test]
    fn captures_of_transfers_of_a_given_size_have_about_that() {
        let series = |size: &str| {
            let sets = [size, "record.pcap=[\"link.path\"]"].map(str::to_owned);
            let text = include_str!("../../scenarios/labs/losses-17-18.toml");
            written(&Plan::parse("losses-17-18.toml", text, &sets).expect("a sound scenario")).series
        };
        let [small, large] = ["200kB", "2MB"].map(|size| series(&format!("clients.upload.app.size={size}")));
        // Three cells; a link sees each packet twice.
        assert_eq!(large - small, 3 * 2 * 2 * 1_800_000);
    }

    #[test]
    fn every_value_of_an_axis_has_its_share_in_any_order() {
        assert_eq!(looked_at(80, 1000).collect::<std::collections::BTreeSet<_>>().len(), 80);
        // Of grids of 4000 cells, a quarter; the last axis is the fastest.
        for [slow, middle, fast] in [[2000, 1, 2], [2, 1, 2000], [100, 2, 20], [10, 40, 10], [4, 250, 4]] {
            let cells: Vec<usize> = looked_at(slow * middle * fast, 1000).collect();
            let places = |cell: usize| [cell / fast / middle, cell / fast % middle, cell % fast];
            let axes = [slow, middle, fast].into_iter().enumerate();
            for (axis, values) in axes.filter(|(_, values)| *values <= 10) {
                for value in 0..values {
                    let share = cells.iter().filter(|cell| places(**cell)[axis] == value).count();
                    let fair = 1000 / values;
                    assert!(share.abs_diff(fair) <= fair / 4, "{slow}×{middle}×{fast}: {share} of {fair}");
                }
            }
        }
    }
}
