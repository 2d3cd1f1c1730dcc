//! The grids on which our TCP stands beside others: whose tables, which rows, which settings of ours. A new
//! one is a line of [`GRIDS`].

use std::collections::BTreeMap;

use super::again::{AGAIN, ROUND_TRIPS};
use super::pair::Waits;
use super::sawtooth::SAWTOOTH;
use super::scenes::{behind_bottleneck, beside_cubic, bulk};
use super::waits::{LAST_SEGMENT, MESSAGES, TRANSFERS};
use crate::facts::{DirectionOutcome, Outcome};
use crate::rng::Seed;
use crate::tables::models;

/// A row of a table of measurements: its values by column.
pub type Row = BTreeMap<&'static str, &'static str>;

/// One grid.
pub struct Grid {
    /// Name, as an argument.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Author of the measurements.
    pub whose: &'static str,
    /// The table.
    pub table: &'static str,
    /// Columns and the words that the rows of this grid have in them, one of several between bars.
    pub rows: &'static [(&'static str, &'static str)],
    /// Columns that tell the cells apart; rows that agree in all of them are runs of one cell.
    pub keys: &'static [&'static str],
    /// Settings of `[tcp]` beside the controller.
    pub tcp: &'static str,
    /// Origin of our side.
    pub source: Source,
    /// Figures that are compared.
    pub figures: &'static [Figure],
    /// Seconds measured of each trial.
    pub seconds: u32,
    /// Column that counts what a median or percentile of the other's was taken of, where a cell is one row; else
    /// its rows count.
    pub samples: &'static str,
}

/// Origin of our side of a grid.
#[derive(Clone, Copy)]
pub enum Source {
    /// A scenario for each cell.
    Scenario(fn(&Grid, &Row) -> String),
    /// Two hosts without a protocol: waits of a row, whatever its `measure`, of a seed.
    Pair(fn(&Row, Seed) -> Waits),
}

/// One figure of a cell, and its columns in the table.
pub struct Figure {
    /// Name with its unit, as in our result files.
    pub name: &'static str,
    /// Column of the value, and if runs are summed up already, of the least and the largest.
    pub columns: (&'static str, Option<[&'static str; 2]>),
    /// Ours.
    pub measure: Measure,
    /// Largest difference, as a share, or absolute where the figure is a share itself.
    pub tolerance: fn(loss: f64) -> Tolerance,
}

/// Ours of a figure.
#[derive(Clone, Copy)]
pub enum Measure {
    /// A value of each trial's outcome: what the median of as many trials as the other has runs is expected to be.
    Outcome(fn(&Outcome) -> Option<f64>),
    /// Mean over what all trials saw.
    Mean(fn(&Waits, &Row) -> Vec<f64>),
    /// A percentile of what all trials saw.
    Percentile(fn(&Waits, &Row) -> Vec<f64>, f64),
}

/// Largest difference from the other's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// So large a part of it.
    Relative(f64),
    /// So much.
    Absolute(f64),
}

/// A model of goodput in Mbit/s from round trip in seconds and loss as a share.
pub type Model = fn(f64, f64) -> f64;

/// The models of a controller, with the names of their columns.
pub fn models_of(controller: &str) -> &'static [(&'static str, Model)] {
    match controller {
        "reno" => &[("mathis_mbit", models::mathis), ("padhye_mbit", models::padhye)],
        "cubic" => &[("rfc9438_mbit", models::cubic)],
        _ => &[],
    }
}

/// The controller of a row, by our name.
pub fn controller(row: &Row) -> &'static str {
    match row.get("cc").or_else(|| row.get("cc_a")).copied().unwrap_or_default() {
        "TcpNewReno" | "TcpLinuxReno" => "reno",
        "TcpCubic" => "cubic",
        name => name,
    }
}

/// A number of a row; zero where it has none.
pub fn number(row: &Row, column: &str) -> f64 {
    row.get(column).and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

const UNPACED: &str = include_str!("../../../docs/data/kernel_tcp_unpaced.csv");
const PACED: &str = include_str!("../../../docs/data/kernel_tcp.csv");
const TWO_WAY: &str = include_str!("../../../docs/data/kernel_tcp_twoway.csv");
const SHARE: &str = include_str!("../../../docs/data/kernel_bbr_share.csv");
const NS3: &str = include_str!("../../../docs/data/ns3_loss_sweep.csv");

pub(super) const LINUX: &str = "Linux 6.18";
const LOSSES: &[&str] = &["cc", "rtt_ms", "loss"];
const SLOW: &[&str] = &["cc", "rtt_ms", "loss", "rate_mbit"];

/// Every grid.
pub static GRIDS: &[Grid] = &[
    Grid {
        name: "reno",
        summary: "Reno, loss of data alone",
        rows: &[("cc", "reno"), ("sack", "1"), ("rate_mbit", "0")],
        ..LOSS_OF_DATA
    },
    Grid {
        name: "cubic",
        summary: "CUBIC, loss of data alone",
        rows: &[("cc", "cubic"), ("sack", "1"), ("rate_mbit", "0")],
        ..LOSS_OF_DATA
    },
    Grid {
        name: "reno-10mbit",
        summary: "Reno, loss of data, 10 Mbit/s with a queue of 1 BDP",
        rows: &[("cc", "reno"), ("sack", "1"), ("rate_mbit", "10")],
        keys: SLOW,
        ..LOSS_OF_DATA
    },
    Grid {
        name: "cubic-10mbit",
        summary: "CUBIC, loss of data, 10 Mbit/s with a queue of 1 BDP",
        rows: &[("cc", "cubic"), ("sack", "1"), ("rate_mbit", "10")],
        keys: SLOW,
        ..LOSS_OF_DATA
    },
    Grid {
        name: "reno-no-sack",
        summary: "Reno without SACK (NewReno), loss of data alone",
        rows: &[("cc", "reno"), ("sack", "0")],
        tcp: "sack = false",
        ..LOSS_OF_DATA
    },
    Grid {
        name: "reno-twoway",
        summary: "Reno, loss of data and acknowledgments",
        rows: &[("cc", "reno"), ("pacing", "none")],
        ..TWO_WAY_LOSS
    },
    Grid {
        name: "cubic-twoway",
        summary: "CUBIC, loss of data and acknowledgments",
        rows: &[("cc", "cubic"), ("pacing", "none")],
        ..TWO_WAY_LOSS
    },
    Grid {
        name: "reno-paced",
        summary: "paced Reno, loss of data alone",
        table: PACED,
        rows: &[("cc", "reno"), ("sack", "1"), ("rate_mbit", "0")],
        tcp: "pacing = true",
        ..LOSS_OF_DATA
    },
    Grid {
        name: "cubic-paced",
        summary: "paced CUBIC, loss of data alone",
        table: PACED,
        rows: &[("cc", "cubic"), ("sack", "1"), ("rate_mbit", "0")],
        tcp: "pacing = true",
        ..LOSS_OF_DATA
    },
    Grid {
        name: "reno-paced-twoway",
        summary: "paced Reno, loss of data and acknowledgments",
        rows: &[("cc", "reno"), ("pacing", "internal")],
        tcp: "pacing = true",
        ..TWO_WAY_LOSS
    },
    Grid {
        name: "cubic-paced-twoway",
        summary: "paced CUBIC, loss of data and acknowledgments",
        rows: &[("cc", "cubic"), ("pacing", "internal")],
        tcp: "pacing = true",
        ..TWO_WAY_LOSS
    },
    AGAIN,
    ROUND_TRIPS,
    Grid {
        name: "bbr",
        summary: "BBR v1, loss of data, 10 Mbit/s with a queue of 1 BDP",
        rows: &[("cc", "bbr"), ("rate_mbit", "10")],
        ..LOSS_BESIDE_BBR
    },
    Grid {
        name: "bbr-100mbit",
        summary: "BBR v1, loss of data, 100 Mbit/s with a queue of 1 BDP",
        rows: &[("cc", "bbr"), ("rate_mbit", "100")],
        ..LOSS_BESIDE_BBR
    },
    Grid {
        name: "bbr-share",
        summary: "BBR v1 beside CUBIC at 10 Mbit/s and 40 ms, by buffer",
        whose: LINUX,
        table: SHARE,
        rows: &[("case", "share")],
        keys: &["rtt_ms", "buffer_bdp"],
        tcp: "",
        source: Source::Scenario(beside_cubic),
        figures: &[SHARE_OF_BBR],
        seconds: 60,
        samples: "",
    },
    Grid {
        name: "reno-sawtooth",
        summary: "Reno alone on a full queue of 1 BDP, 10 Mbit/s",
        rows: &[("cc", "reno")],
        ..SAWTOOTH
    },
    Grid {
        name: "cubic-sawtooth",
        summary: "CUBIC alone on a full queue of 1 BDP, 10 Mbit/s",
        rows: &[("cc", "cubic")],
        ..SAWTOOTH
    },
    Grid {
        name: "messages",
        summary: "messages of a chat, one end writes, CUBIC, loss both ways",
        rows: &[("traffic", "one-way")],
        ..MESSAGES
    },
    Grid {
        name: "messages-twoway",
        summary: "messages of a chat, both ends write, CUBIC, loss both ways",
        rows: &[("traffic", "two-way"), ("direction", "both")],
        ..MESSAGES
    },
    Grid {
        name: "transfers",
        summary: "transfers of ten segments whose handshake lost nothing",
        rows: &[
            ("case", "random"),
            ("subset", "clean_handshake"),
            ("measure", "last_byte_after_connect|fin_acked"),
        ],
        ..TRANSFERS
    },
    Grid {
        name: "transfers-all",
        summary: "transfers of ten segments, those that lost a SYN with them",
        rows: &[("case", "random"), ("subset", "all"), ("measure", "connect|last_byte|fin_acked")],
        ..TRANSFERS
    },
    LAST_SEGMENT,
    Grid {
        name: "ns3-newreno",
        summary: "TcpNewReno, 10 Mbit/s with a queue of 1 BDP",
        rows: &[("cc", "TcpNewReno")],
        tcp: NEW_RENO,
        ..NS3_LOSS
    },
    Grid {
        name: "ns3-reno",
        summary: "TcpLinuxReno, 10 Mbit/s with a queue of 1 BDP",
        rows: &[("cc", "TcpLinuxReno")],
        ..NS3_LOSS
    },
    Grid {
        name: "ns3-cubic",
        summary: "TcpCubic, 10 Mbit/s with a queue of 1 BDP",
        rows: &[("cc", "TcpCubic")],
        ..NS3_LOSS
    },
];

/// ns-3's `TcpNewReno`: a segment of growth an ACK, no count that a loss could end, and half of what is in the network.
const NEW_RENO: &str =
    "profile = \"ns3\"\nbyte_counting = false\ncarried_growth = false\nreduce_from = \"pipe\"";

pub(super) const LOSS_OF_DATA: Grid = Grid {
    name: "",
    summary: "",
    whose: LINUX,
    table: UNPACED,
    rows: &[],
    keys: LOSSES,
    tcp: "",
    source: Source::Scenario(bulk),
    figures: &[GOODPUT, WINDOW, ROUND_TRIP],
    seconds: 30,
    samples: "runs",
};

const LOSS_BESIDE_BBR: Grid = Grid {
    table: PACED,
    keys: SLOW,
    figures: &[
        GOODPUT_BBR,
        Figure { tolerance: of_bbr, ..WINDOW },
        Figure { tolerance: of_bbr, ..ROUND_TRIP },
    ],
    ..LOSS_OF_DATA
};

const TWO_WAY_LOSS: Grid =
    Grid { table: TWO_WAY, keys: &["cc", "rtt_ms", "loss", "ack_loss"], ..LOSS_OF_DATA };

const NS3_LOSS: Grid = Grid {
    whose: "ns-3.44",
    table: NS3,
    keys: LOSSES,
    tcp: "profile = \"ns3\"",
    source: Source::Scenario(behind_bottleneck),
    figures: &[Figure { columns: ("goodput_mbit", None), ..GOODPUT }],
    seconds: 60,
    ..LOSS_OF_DATA
};

pub(super) const GOODPUT: Figure = Figure {
    name: "goodput_mbit",
    columns: ("goodput_median", Some(["goodput_min", "goodput_max"])),
    measure: Measure::Outcome(|outcome| goodput(outcome, 0)),
    tolerance: |_| Tolerance::Relative(0.10),
};
const GOODPUT_BBR: Figure = Figure { tolerance: of_bbr, ..GOODPUT };
pub(super) const WINDOW: Figure = Figure {
    name: "cwnd_mean_segments",
    columns: ("mean_cwnd_pkts", None),
    measure: Measure::Outcome(|outcome| Some(sender(outcome, 0)?.cwnd_mean? / 1448.0)),
    tolerance: |_| Tolerance::Relative(0.10),
};
pub(super) const ROUND_TRIP: Figure = Figure {
    name: "srtt_mean_ms",
    columns: ("mean_rtt_ms", None),
    measure: Measure::Outcome(|outcome| Some(sender(outcome, 0)?.srtt_mean?.as_secs_f64() * 1e3)),
    tolerance: |_| Tolerance::Relative(0.10),
};
const SHARE_OF_BBR: Figure = Figure {
    name: "share_of_bbr",
    columns: ("share_a", None),
    measure: Measure::Outcome(|outcome| {
        let (bbr, cubic) = (goodput(outcome, 0)?, goodput(outcome, 1)?);
        Some(bbr / (bbr + cubic))
    }),
    tolerance: |_| Tolerance::Absolute(0.08),
};

fn of_bbr(loss: f64) -> Tolerance {
    Tolerance::Relative(if loss <= 0.05 { 0.10 } else { 0.15 })
}

fn sender(outcome: &Outcome, flow: usize) -> Option<&DirectionOutcome> {
    outcome.flows.get(flow)?.directions[0].as_ref()
}

fn goodput(outcome: &Outcome, flow: usize) -> Option<f64> {
    Some(sender(outcome, flow)?.bytes_delivered as f64 * 8e-6 / outcome.measured.as_secs_f64())
}
