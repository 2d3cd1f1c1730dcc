//! Columns of the tables that some workloads have: datagrams, echo requests, requests.

use std::collections::BTreeMap;

use super::{Column, Field, column};
use crate::facts::{DatagramOutcome, FlowOutcome, Outcome, ProbeOutcome, RequestOutcome};
use crate::tables::goodput::mbit;
use crate::tables::study::group_of;
use crate::time::Duration;

pub fn flow_of(outcome: &Outcome, flow: u32) -> &FlowOutcome {
    &outcome.flows[flow as usize]
}

pub fn datagram_columns<'o>() -> [Column<(&'o DatagramOutcome, &'o Outcome)>; 15] {
    use Field::{Count, Number, Text};
    [
        column("flow", |(way, outcome)| Text(&flow_of(outcome, way.flow).name)),
        column("group", |(way, outcome)| Text(&flow_of(outcome, way.flow).group)),
        column("direction", |(way, _)| Text(way.direction.name())),
        column("sent", |(way, _)| Count(way.sent)),
        column("delivered", |(way, _)| Count(way.delivered)),
        column("loss", |(way, _)| Number(way.loss(), 6)),
        column("goodput_mbit", |(way, outcome)| Number(mbit(way.bytes, outcome.measured), 6)),
        column("delay_mean_ms", |(way, _)| Number(way.delay_ms.map(|delay| delay[0]), 3)),
        column("delay_p50_ms", |(way, _)| Number(way.delay_ms.map(|delay| delay[1]), 3)),
        column("delay_p99_ms", |(way, _)| Number(way.delay_ms.map(|delay| delay[2]), 3)),
        column("delay_max_ms", |(way, _)| Number(way.delay_ms.map(|delay| delay[3]), 3)),
        column("jitter_ms", |(way, _)| Number(way.jitter.map(Duration::as_millis_f64), 3)),
        column("reordered", |(way, _)| Count(way.reordered)),
        column("r_factor", |(way, _)| Number(way.voice.map(|voice| voice.r), 2)),
        column("mos", |(way, _)| Number(way.voice.map(|voice| voice.mos), 3)),
    ]
}

pub fn probe_columns<'o>() -> [Column<(&'o ProbeOutcome, &'o FlowOutcome)>; 5] {
    use Field::{Count, Number, Text};
    [
        column("flow", |(_, flow)| Text(&flow.name)),
        column("group", |(_, flow)| Text(&flow.group)),
        column("seq", |(probe, _)| Count(probe.number.into())),
        column("sent_s", |(probe, _)| Number(Some(probe.sent.as_secs_f64()), 6)),
        column("rtt_ms", |(probe, _)| Number(probe.rtt.map(Duration::as_millis_f64), 3)),
    ]
}

/// Requests with their numbers, each client's from 1.
pub fn numbered(requests: &[RequestOutcome]) -> impl Iterator<Item = (u64, &RequestOutcome)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    requests.iter().map(move |request| {
        let count = counts.entry(&request.client).or_default();
        *count += 1;
        (*count, request)
    })
}

pub fn request_columns<'o>() -> [Column<(u64, &'o RequestOutcome)>; 7] {
    use Field::{Count, Number, Text};
    [
        column("client", |(_, request)| Text(&request.client)),
        column("group", |(_, request)| Text(group_of(&request.client))),
        column("request", |(number, _)| Count(*number)),
        column("start_s", |(_, request)| Number(Some(request.start.as_secs_f64()), 6)),
        column("bytes", |(_, request)| Count(request.bytes)),
        column("completion_ms", |(_, request)| Number(request.completion.map(Duration::as_millis_f64), 3)),
        column("slowdown", |(_, request)| Number(request.slowdown(), 3)),
    ]
}
