//! A trial over time, column by column.

use serde::Serialize;

use super::bench::TrialFigure;
use super::lab::Lab;
use super::spread::{self, Spread};
use crate::facts::{FlowSample, LinkSample, Outcome, Phase};
use crate::time::Duration;

/// Samples of a trial, about as many as a screen has pixels for.
const SAMPLES: u64 = 600;

/// Intervals between samples, in nanoseconds: the least that gives no more than [`SAMPLES`].
const INTERVALS: [u64; 13] = [
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// A trial as panels draw it.
#[derive(Debug, Serialize)]
pub(super) struct Picture<'a> {
    cell: usize,
    trial: u32,
    /// A text: JavaScript's numbers end at 2⁵³.
    seed: String,
    duration_s: f64,
    warmup_s: f64,
    interval_s: f64,
    events: u64,
    phases: Vec<&'static str>,
    flows: Vec<FlowLine<'a>>,
    links: Vec<LinkLine<'a>>,
    latencies: Vec<Spread>,
    figures: Vec<TrialFigure>,
}

/// One direction of a flow.
#[derive(Debug, Serialize)]
struct FlowLine<'a> {
    name: &'a str,
    group: &'a str,
    direction: &'static str,
    congestion: &'static str,
    time_s: Vec<f64>,
    cwnd_bytes: Vec<Option<u64>>,
    ssthresh_bytes: Vec<Option<u64>>,
    flight_bytes: Vec<u64>,
    srtt_ms: Vec<Option<f64>>,
    /// Indices into the picture's phases.
    phase: Vec<usize>,
    delivered_bytes: Vec<u64>,
}

/// One direction of a link.
#[derive(Debug, Serialize)]
struct LinkLine<'a> {
    name: &'a str,
    direction: &'static str,
    shared: bool,
    rate_mbit: Option<f64>,
    time_s: Vec<f64>,
    backlog_packets: Vec<u64>,
    drops: Vec<u64>,
    marks: Vec<u64>,
}

impl Lab {
    /// Runs a trial and hands its picture on; or its beginning until a time in seconds: the series of the whole trial
    /// as far as they go, and no figures.
    pub(super) fn picture<T>(
        &self,
        cell: usize,
        number: u32,
        until: Option<f64>,
        take: impl FnOnce(&Picture<'_>) -> T,
    ) -> Result<T, String> {
        let scenario = self.scenario(cell).map_err(|error| error.render(false))?;
        let interval = interval(scenario.duration);
        let is_whole = until.is_none();
        let outcome = match until {
            None => self.observe(cell, number, interval)?,
            Some(until) => {
                let until = until.clamp(0.0, scenario.duration.as_secs_f64());
                self.begin(cell, number, interval, Duration::from_secs_f64(until))?
            }
        };
        let series = outcome.series.as_ref();
        let (mut latencies, mut figures) = (vec![], vec![]);
        if is_whole {
            latencies = spread::of(&self.row(cell, number, &outcome));
            figures = self.figures(cell, number, &outcome, interval == scenario.record.interval);
        }
        Ok(take(&Picture {
            cell,
            trial: number,
            seed: self.trial(cell, number).seed.0.to_string(),
            duration_s: scenario.duration.as_secs_f64(),
            warmup_s: scenario.warmup.as_secs_f64(),
            interval_s: interval.as_secs_f64(),
            events: outcome.events,
            phases: Phase::ALL.iter().map(|phase| phase.name()).collect(),
            flows: flow_lines(&outcome, series.map_or(&[][..], |series| &series.flows)),
            links: link_lines(&outcome, series.map_or(&[][..], |series| &series.links)),
            latencies,
            figures,
        }))
    }
}

fn interval(duration: Duration) -> Duration {
    let least = duration.as_nanos() / SAMPLES;
    let nanos = INTERVALS.into_iter().find(|&nanos| nanos >= least).unwrap_or(least);
    Duration::from_nanos(nanos)
}

fn flow_lines<'a>(outcome: &'a Outcome, samples: &[FlowSample]) -> Vec<FlowLine<'a>> {
    let mut lines: Vec<Option<FlowLine<'a>>> = (0..2 * outcome.flows.len()).map(|_| None).collect();
    for sample in samples {
        let place = 2 * sample.flow as usize + sample.direction.index();
        let flow = &outcome.flows[sample.flow as usize];
        let line = lines[place].get_or_insert_with(|| FlowLine {
            name: &flow.name,
            group: &flow.group,
            direction: sample.direction.name(),
            congestion: flow.congestion,
            time_s: vec![],
            cwnd_bytes: vec![],
            ssthresh_bytes: vec![],
            flight_bytes: vec![],
            srtt_ms: vec![],
            phase: vec![],
            delivered_bytes: vec![],
        });
        let sender = &sample.sender;
        line.time_s.push(sample.time.as_secs_f64());
        line.cwnd_bytes.push(sender.window());
        line.ssthresh_bytes.push(sender.ssthresh);
        line.flight_bytes.push(sender.flight);
        line.srtt_ms.push(sender.srtt.map(micros_as_ms));
        line.phase.push(Phase::ALL.iter().position(|phase| *phase == sender.phase).unwrap_or_default());
        line.delivered_bytes.push(sample.delivered);
    }
    lines.into_iter().flatten().collect()
}

/// Milliseconds as `flows.csv` has them: nanoseconds are cut off.
fn micros_as_ms(span: Duration) -> f64 {
    (span.as_nanos() / 1_000) as f64 / 1e3
}

fn link_lines<'a>(outcome: &'a Outcome, samples: &[LinkSample]) -> Vec<LinkLine<'a>> {
    let line = |link: &'a crate::facts::LinkOutcome| LinkLine {
        name: &link.name,
        direction: link.direction.name(),
        shared: link.shared,
        rate_mbit: link.rate_mbit,
        time_s: vec![],
        backlog_packets: vec![],
        drops: vec![],
        marks: vec![],
    };
    let mut lines: Vec<LinkLine<'a>> = outcome.links.iter().map(line).collect();
    for sample in samples {
        let line = &mut lines[sample.link as usize];
        line.time_s.push(sample.time.as_secs_f64());
        line.backlog_packets.push(sample.backlog_packets);
        line.drops.push(sample.drops);
        line.marks.push(sample.marks);
    }
    lines
}
