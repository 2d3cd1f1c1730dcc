//! The sawtooth of a flow that fills its bottleneck's queue: peak, trough and period of the window.

use super::grids::{Figure, Grid, LINUX, Measure, Row, Source, Tolerance, controller, number};
use super::scenes::{head, one_way};
use crate::facts::{FlowSample, Outcome, SenderEvent};
use crate::tables::stats::Estimate;
use crate::time::Instant;

/// Seconds that the first teeth may differ.
const LEAD_IN: u32 = 20;

pub(super) const SAWTOOTH: Grid = Grid {
    name: "",
    summary: "",
    whose: LINUX,
    table: include_str!("../../../docs/data/kernel_sawtooth.csv"),
    rows: &[],
    keys: &["cc", "rtt_ms", "rate_mbit"],
    tcp: "",
    source: Source::Scenario(scenario),
    figures: &[
        Figure {
            name: "peak_segments",
            columns: ("peak_cwnd_pkts", None),
            measure: Measure::Outcome(|outcome| mean(&teeth(outcome, |tooth| tooth.peak))),
            tolerance,
        },
        Figure {
            name: "trough_segments",
            columns: ("trough_cwnd_pkts", None),
            measure: Measure::Outcome(|outcome| mean(&teeth(outcome, |tooth| tooth.trough))),
            tolerance,
        },
        Figure {
            name: "period_mean_s",
            columns: ("period_mean_s", Some(["period_min_s", "period_max_s"])),
            measure: Measure::Outcome(|outcome| mean(&periods(outcome))),
            tolerance,
        },
        Figure {
            name: "period_shortest_s",
            columns: ("period_min_s", None),
            measure: Measure::Outcome(|outcome| periods(outcome).into_iter().reduce(f64::min)),
            tolerance,
        },
        Figure {
            name: "period_longest_s",
            columns: ("period_max_s", None),
            measure: Measure::Outcome(|outcome| periods(outcome).into_iter().reduce(f64::max)),
            tolerance,
        },
    ],
    seconds: 120,
    samples: "",
};

fn tolerance(_: f64) -> Tolerance {
    Tolerance::Relative(0.05)
}

/// One flow alone on a full queue.
fn scenario(grid: &Grid, row: &Row) -> String {
    format!(
        "{}[link.neck]\nrate = \"{}mbit\"\nqueue = \"{} packets\"\ndelay = \"{}us\"\n\
         [[clients]]\nname = \"bulk\"\npath = [\"neck\"]\napp = {{ kind = \"bulk\" }}\n",
        head(grid, LEAD_IN, controller(row)).replace("trials = \"none\"", "trials = \"all\""),
        number(row, "rate_mbit"),
        number(row, "queue_pkts"),
        one_way(row),
    )
}

/// One tooth, in segments.
struct Tooth {
    peak: f64,
    trough: f64,
}

/// Instants of the losses after the lead-in.
fn losses(outcome: &Outcome) -> Vec<Instant> {
    let lead_in = f64::from(LEAD_IN);
    let events = outcome.series.iter().flat_map(|series| &series.events);
    events
        .filter(|event| event.kind == SenderEvent::FastRetransmit && event.time.as_secs_f64() > lead_in)
        .map(|event| event.time)
        .collect()
}

fn periods(outcome: &Outcome) -> Vec<f64> {
    losses(outcome).windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect()
}

/// Whole teeth, from loss to loss: the largest window before a loss, and the threshold after it.
fn teeth(outcome: &Outcome, of: fn(&Tooth) -> f64) -> Vec<f64> {
    let Some(series) = &outcome.series else { return Vec::new() };
    let segments = |bytes: u64| bytes as f64 / 1448.0;
    let tooth = |pair: &[Instant]| {
        let within = |sample: &&FlowSample| pair[0] < sample.time && sample.time <= pair[1];
        let samples: Vec<&FlowSample> = series.flows.iter().filter(within).collect();
        let peak = samples.iter().filter_map(|sample| sample.sender.window()).max()?;
        let trough = samples.first()?.sender.ssthresh?;
        Some(of(&Tooth { peak: segments(peak), trough: segments(trough) }))
    };
    losses(outcome).windows(2).filter_map(tooth).collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    Estimate::of(values).map(|estimate| estimate.mean)
}
