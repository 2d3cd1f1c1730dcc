//! Cells of bulk transfers that were measured later, on another host: those that lay beyond their bounds beside three
//! to six runs of Linux, and round trips that nothing was made to fit.

use super::grids::{Figure, GOODPUT, Grid, LOSS_OF_DATA, ROUND_TRIP, Row, Source, WINDOW};
use super::scenes::bulk;

pub(super) const AGAIN: Grid = Grid {
    name: "again",
    summary: "cells measured again, with 12 or 36 runs each",
    table: include_str!("../../../docs/data/kernel_tcp_again.csv"),
    keys: &["cc", "sack", "pacing", "rtt_ms", "loss", "ack_loss"],
    source: Source::Scenario(scenario),
    figures: &[
        Figure { columns: ("goodput_median", Some(["goodput_low", "goodput_high"])), ..GOODPUT },
        Figure { columns: ("cwnd_median_pkts", Some(["cwnd_low_pkts", "cwnd_high_pkts"])), ..WINDOW },
        Figure { columns: ("srtt_median_ms", Some(["srtt_low_ms", "srtt_high_ms"])), ..ROUND_TRIP },
    ],
    ..LOSS_OF_DATA
};

pub(super) const ROUND_TRIPS: Grid = Grid {
    name: "round-trips",
    summary: "50 and 200 ms, which no other table has",
    table: include_str!("../../../docs/data/kernel_tcp_round_trips.csv"),
    keys: &["cc", "rtt_ms", "loss", "rate_mbit"],
    ..AGAIN
};

/// A bulk transfer with pacing and SACK as the row has them; BBR paces by itself.
fn scenario(grid: &Grid, row: &Row) -> String {
    let tcp = match (row["sack"], row["pacing"]) {
        ("0", _) => "sack = false",
        (_, "internal") => "pacing = true",
        _ => "",
    };
    bulk(&Grid { tcp, ..*grid }, row)
}
