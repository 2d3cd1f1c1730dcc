//! Columns of the tables that only some runs have: datagrams, echo requests, requests, chunks of video, lateness.

use std::collections::BTreeMap;

use super::column::{Column, Field, column};
use crate::facts::{
    ChunkOutcome, DatagramOutcome, FlowOutcome, Lateness, Outcome, ProbeOutcome, RequestOutcome,
};
use crate::tables::goodput::mbit;
use crate::tables::study::group_of;
use crate::time::Duration;

pub fn flow_of(outcome: &Outcome, flow: u32) -> &FlowOutcome {
    &outcome.flows[flow as usize]
}

pub fn datagram_columns<'o>() -> [Column<(&'o DatagramOutcome, &'o Outcome)>; 15] {
    use Field::{Count, Number, Text};
    [
        column("flow", Text(|(way, outcome)| &flow_of(outcome, way.flow).name)),
        column("group", Text(|(way, outcome)| &flow_of(outcome, way.flow).group)),
        column("direction", Text(|(way, _)| way.direction.name())),
        column("sent", Count(|(way, _)| way.sent)),
        column("delivered", Count(|(way, _)| way.delivered)),
        column("loss", Number(|(way, _)| way.loss(), 6)),
        column("goodput_mbit", Number(|(way, outcome)| mbit(way.bytes, outcome.measured), 6)),
        column("delay_mean_ms", Number(|(way, _)| way.delay_ms.map(|delay| delay[0]), 3)),
        column("delay_p50_ms", Number(|(way, _)| way.delay_ms.map(|delay| delay[1]), 3)),
        column("delay_p99_ms", Number(|(way, _)| way.delay_ms.map(|delay| delay[2]), 3)),
        column("delay_max_ms", Number(|(way, _)| way.delay_ms.map(|delay| delay[3]), 3)),
        column("jitter_ms", Number(|(way, _)| way.jitter.map(Duration::as_millis_f64), 3)),
        column("reordered", Count(|(way, _)| way.reordered)),
        column("r_factor", Number(|(way, _)| way.voice.map(|voice| voice.r), 2)),
        column("mos", Number(|(way, _)| way.voice.map(|voice| voice.mos), 3)),
    ]
}

pub fn probe_columns<'o>() -> [Column<(&'o ProbeOutcome, &'o FlowOutcome)>; 5] {
    use Field::{Count, Number, Text};
    [
        column("flow", Text(|(_, flow)| &flow.name)),
        column("group", Text(|(_, flow)| &flow.group)),
        column("seq", Count(|(probe, _)| probe.number.into())),
        column("sent_s", Number(|(probe, _)| Some(probe.sent.as_secs_f64()), 6)),
        column("rtt_ms", Number(|(probe, _)| probe.rtt.map(Duration::as_millis_f64), 3)),
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
        column("client", Text(|(_, request)| &request.client)),
        column("group", Text(|(_, request)| group_of(&request.client))),
        column("request", Count(|(number, _)| *number)),
        column("start_s", Number(|(_, request)| Some(request.start.as_secs_f64()), 6)),
        column("bytes", Count(|(_, request)| request.bytes)),
        column("completion_ms", Number(|(_, request)| request.completion.map(Duration::as_millis_f64), 3)),
        column("slowdown", Number(|(_, request)| request.slowdown(), 3)),
    ]
}

pub fn chunk_columns<'o>() -> [Column<&'o ChunkOutcome>; 11] {
    use Field::{Count, Number, Text};
    fn seconds(span: Option<Duration>) -> Option<f64> {
        span.map(Duration::as_secs_f64)
    }
    [
        column("client", Text(|chunk| &chunk.client)),
        column("group", Text(|chunk| group_of(&chunk.client))),
        column("chunk", Count(|chunk| chunk.number.into())),
        column("request_s", Number(|chunk| Some(chunk.request.as_secs_f64()), 6)),
        column("bitrate_mbit", Number(|chunk| Some(chunk.bitrate as f64 / 1e6), 6)),
        column("bytes", Count(|chunk| chunk.bytes)),
        column("completion_ms", Number(|chunk| chunk.completion.map(Duration::as_millis_f64), 3)),
        column("buffer_s", Number(|chunk| seconds(Some(chunk.buffer)), 6)),
        column("played_s", Number(|chunk| seconds(Some(chunk.played)), 6)),
        column("stall_s", Number(|chunk| seconds(Some(chunk.stalled)), 6)),
        column("startup_s", Number(|chunk| seconds(chunk.startup), 6)),
    ]
}

pub fn lateness_columns<'o>() -> [Column<&'o Lateness>; 5] {
    use Field::{Count, Number, Text};
    fn micros(late: &Lateness, span: Duration) -> Option<f64> {
        (late.count > 0).then(|| span.as_millis_f64() * 1e3)
    }
    [
        column("kind", Text(|late| late.kind)),
        column("count", Count(|late| late.count)),
        column("p50_us", Number(|late| micros(late, late.p50), 1)),
        column("p99_us", Number(|late| micros(late, late.p99), 1)),
        column("max_us", Number(|late| micros(late, late.max), 1)),
    ]
}
