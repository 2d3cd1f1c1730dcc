//! Grids of waits: messages of a chat, and transfers of a few segments.

use super::grids::{Figure, Grid, LINUX, Measure, Row, Source, Tolerance, controller, number};
use super::pair::{Instants, Script, Waits, talk, transfer};
use super::scenes::one_way;
use crate::congestion::Choice;
use crate::link::{Config as LinkConfig, Verdict, config};
use crate::rng::{Rng, Seed};
use crate::tcp::Config;
use crate::time::{Duration, Instant};
use crate::units::Probability;
use crate::wire::Packet;

/// Connections with messages, and transfers, of each trial.
const TALKS: u32 = 4;
const TRANSFERS_EACH: u32 = 400;

const SHORT_TRANSFERS: &str = include_str!("../../../docs/data/kernel_short_transfers.csv");

const WAITS: Grid = Grid {
    name: "",
    summary: "",
    whose: LINUX,
    table: SHORT_TRANSFERS,
    rows: &[],
    keys: &[],
    tcp: "",
    source: Source::Pair(messages),
    figures: &[MEDIAN, P95, P99],
    seconds: 0,
    samples: "transfers",
};

pub(super) const MESSAGES: Grid = Grid {
    table: include_str!("../../../docs/data/kernel_chat_latency.csv"),
    keys: &["rtt_ms", "loss", "traffic"],
    figures: &[MEDIAN, P99, ROUND_TRIP],
    samples: "messages",
    ..WAITS
};

pub(super) const TRANSFERS: Grid =
    Grid { keys: &["cc", "rtt_ms", "loss", "ack_loss", "measure"], source: Source::Pair(transfers), ..WAITS };

pub(super) const LAST_SEGMENT: Grid = Grid {
    name: "last-segment",
    summary: "transfers whose last segment is lost, with a FIN behind it and without",
    rows: &[("case", "scripted"), ("measure", "last_byte_after_connect")],
    keys: &["cc", "rtt_ms", "segments", "fin_at_once"],
    source: Source::Pair(last_segment),
    figures: &[Figure { tolerance: |_| Tolerance::Relative(0.05), ..MEAN }],
    ..WAITS
};

const MEAN: Figure = Figure {
    name: "wait_mean_ms",
    columns: ("mean_ms", Some(["min_ms", "max_ms"])),
    measure: Measure::Mean(waits),
    tolerance: |_| Tolerance::Relative(0.15),
};
const MEDIAN: Figure = Figure {
    name: "wait_p50_ms",
    columns: ("p50_ms", None),
    measure: Measure::Percentile(waits, 50.0),
    tolerance: |_| Tolerance::Relative(0.05),
};
const P95: Figure = Figure {
    name: "wait_p95_ms",
    columns: ("p95_ms", None),
    measure: Measure::Percentile(waits, 95.0),
    ..MEAN
};
const P99: Figure = Figure {
    name: "wait_p99_ms",
    columns: ("p99_ms", None),
    measure: Measure::Percentile(waits, 99.0),
    ..MEAN
};
const ROUND_TRIP: Figure = Figure {
    name: "srtt_mean_ms",
    columns: ("mean_srtt_ms", None),
    measure: Measure::Mean(|seen, _| seen.round_trips.clone()),
    tolerance: |_| Tolerance::Relative(0.10),
};

/// The path of a row, with independent loss.
fn path(row: &Row) -> [LinkConfig; 2] {
    let mean = Duration::from_secs_f64(one_way(row) / 1e6);
    ["loss", "ack_loss"].map(|column| {
        let chance = Probability::new(number(row, column)).expect("a chance");
        let delay = config::Delay { mean, ..config::Delay::default() };
        LinkConfig { loss: config::LossModel::Independent(chance), delay, ..LinkConfig::default() }
    })
}

fn tcp(row: &Row) -> Config {
    Config { congestion: Choice::named(controller(row)), ..Config::default() }
}

fn messages(row: &Row, seed: Seed) -> Waits {
    let mut seen = Waits::default();
    for n in 0..TALKS {
        let both = row["traffic"] == "two-way";
        let (waits, round_trip) = talk(seed.child(&format!("talk/{n}")), path(row), both, tcp(row));
        seen.messages.extend(waits);
        seen.round_trips.extend(round_trip);
    }
    seen
}

fn transfers(row: &Row, seed: Seed) -> Waits {
    let mut seen = Waits::default();
    let rtt_ms = number(row, "rtt_ms");
    for n in 0..TRANSFERS_EACH {
        let segments = number(row, "segments") as u64;
        let script = Script { segments, closes: true, path: path(row), extra: None };
        let instants = transfer(seed.child(&format!("transfer/{n}")), script, tcp(row));
        // A SYN that is lost is sent again after a second.
        let lost_a_syn = instants.is_some_and(|instants| instants.connected > rtt_ms + 500.0);
        if row["subset"] != "clean_handshake" || !lost_a_syn {
            seen.transfers.push(instants);
        }
    }
    seen
}

/// The waits of a row: of its `measure`, if it has one, else of messages.
fn waits(seen: &Waits, row: &Row) -> Vec<f64> {
    let Some(measure) = row.get("measure") else { return seen.messages.clone() };
    let wait =
        |transfer: &Option<Instants>| transfer.map_or(f64::INFINITY, |instants| measured(measure, instants));
    seen.transfers.iter().map(wait).collect()
}

/// The wait of a table's `measure`.
fn measured(measure: &str, Instants { connected, last_byte, acknowledged }: Instants) -> f64 {
    match measure {
        "connect" => connected,
        "last_byte" => last_byte,
        "last_byte_after_connect" => last_byte - connected,
        "fin_acked" => acknowledged.expect("a sender that closes"),
        other => unreachable!("no measure of the table is called {other}"),
    }
}

fn last_segment(row: &Row, seed: Seed) -> Waits {
    let segments = number(row, "segments") as u64;
    let mut before = segments;
    let lose = move |_: Instant, packet: &Packet, _: &mut Rng| {
        let is_data = !packet.segment.payload.is_empty() && before > 0;
        before -= u64::from(is_data);
        if is_data && before == 0 { Verdict::Drop } else { Verdict::Pass }
    };
    let closes = row["fin_at_once"] == "1";
    let script = Script { segments, closes, path: path(row), extra: Some(Box::new(lose)) };
    Waits { transfers: vec![transfer(seed, script, tcp(row))], ..Waits::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::Recovery;

    /// RACK is there for the tails: with loss of data alone they are shorter than with RFC 6675, as long as no
    /// timeout is needed; p99 is a timeout in both.
    #[test]
    fn rack_shortens_the_tails_of_short_transfers() {
        let row = Row::from([("rtt_ms", "100"), ("loss", "0.05"), ("ack_loss", "0"), ("cc", "cubic")]);
        let late = |recovery| {
            let wait = |n: u32| {
                let script = Script { segments: 10, closes: true, path: path(&row), extra: None };
                let seed = Seed(5).child(&n.to_string());
                let instants = transfer(seed, script, Config { recovery, ..tcp(&row) })?;
                (instants.connected < 600.0).then_some(instants.last_byte - instants.connected)
            };
            let mut waits: Vec<f64> = (0..2_000).filter_map(wait).collect();
            waits.sort_by(f64::total_cmp);
            [95, 99].map(|percent| waits[waits.len() * percent / 100])
        };
        let (rack, sack) = (late(Recovery::Rack), late(Recovery::Sack));
        assert!(
            rack[0] < 0.7 * sack[0] && rack[1] <= sack[1],
            "p95, p99: rack {rack:.0?}, sack {sack:.0?} ms"
        );
    }
}
