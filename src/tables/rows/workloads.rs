//! Columns of the tables that only some runs have: datagrams, echo requests, requests, chunks of video, lateness.

use std::collections::BTreeMap;

use super::{Column, Field, column};
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

pub fn chunk_columns<'o>() -> [Column<&'o ChunkOutcome>; 11] {
    use Field::{Count, Number, Text};
    fn seconds(span: Option<Duration>) -> Field<'static> {
        Field::Number(span.map(Duration::as_secs_f64), 6)
    }
    [
        column("client", |chunk| Text(&chunk.client)),
        column("group", |chunk| Text(group_of(&chunk.client))),
        column("chunk", |chunk| Count(chunk.number.into())),
        column("request_s", |chunk| Number(Some(chunk.request.as_secs_f64()), 6)),
        column("bitrate_mbit", |chunk| Number(Some(chunk.bitrate as f64 / 1e6), 6)),
        column("bytes", |chunk| Count(chunk.bytes)),
        column("completion_ms", |chunk| Number(chunk.completion.map(Duration::as_millis_f64), 3)),
        column("buffer_s", |chunk| seconds(Some(chunk.buffer))),
        column("played_s", |chunk| seconds(Some(chunk.played))),
        column("stall_s", |chunk| seconds(Some(chunk.stalled))),
        column("startup_s", |chunk| seconds(chunk.startup)),
    ]
}

pub fn lateness_columns<'o>() -> [Column<&'o Lateness>; 5] {
    use Field::{Count, Text};
    fn micros(late: &Lateness, span: Duration) -> Field<'static> {
        Field::Number((late.count > 0).then(|| span.as_millis_f64() * 1e3), 1)
    }
    [
        column("kind", |late| Text(late.kind)),
        column("count", |late| Count(late.count)),
        column("p50_us", |late| micros(late, late.p50)),
        column("p99_us", |late| micros(late, late.p99)),
        column("max_us", |late| micros(late, late.max)),
    ]
}
