//! Logs of senders in the format qlog (draft-ietf-quic-qlog-main-schema): recovery and congestion events as JSON text
//! sequences (RFC 7464). The events are after those of draft-ietf-quic-qlog-quic-events, as far as TCP has them, in a
//! namespace of their own; docs/captures.md lists where they depart from the draft's.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::tap::Clients;
use crate::facts::{Capture, Form, Phase, SenderEvent, Snapshot};
use crate::tcp::Connection;
use crate::time::{Duration, Instant};
use crate::wire::{Direction, Flags, Segment};

/// Drafts that the files follow.
const DRAFTS: &str = "draft-ietf-quic-qlog-main-schema-13, events after draft-ietf-quic-qlog-quic-events-12";
/// Our schema of events: docs/captures.md.
const SCHEMA: &str = "urn:testbed:qlog:events:tcp";
/// Separator of records (RFC 7464 section 2.2).
const RECORD: u8 = 0x1e;

/// Logs of a world's senders.
#[derive(Debug)]
pub(super) struct Qlogs {
    /// Clients whose flows are logged; all if none is named.
    chosen: Vec<Clients>,
    /// Bytes that all files may have together.
    room: u64,
    /// End of the measured interval, and of the logs.
    horizon: Instant,
    /// By flow and end.
    files: BTreeMap<(u32, Direction), File>,
}

#[derive(Debug)]
struct File {
    name: String,
    bytes: Vec<u8>,
    left_out: u64,
    /// Retransmissions so far.
    resent: u64,
    phase: Option<Phase>,
    metrics: Map<String, Value>,
}

impl Qlogs {
    pub fn new(chosen: Vec<Clients>, room: u64, horizon: Instant) -> Qlogs {
        Qlogs { chosen, room, horizon, files: BTreeMap::new() }
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.files.values().map(|file| file.bytes.len() as u64).sum()
    }

    /// A sender has sent a segment.
    pub fn sent(&mut self, at: Instant, id: Id<'_>, segment: &Segment, connection: &Connection) {
        let resent = connection.retransmits();
        // A SYN that is sent again carries no data.
        if segment.payload.is_empty() && resent == 0 && !self.files.contains_key(&id.key()) {
            return;
        }
        let Some((file, room)) = self.file(at, id) else { return };
        if resent > file.resent {
            file.resent = resent;
            let state = connection.snapshot();
            let trigger = match state.phase {
                _ if segment.flags.has(Flags::SYN) => "timeout",
                Phase::Loss => "timeout",
                Phase::Recovery => "fast_retransmit",
                _ => "probe",
            };
            let header = json!({ "sequence_number": segment.seq.0, "length": segment.payload.len() });
            file.event(room, at, "packet_lost", &json!({ "header": header, "trigger": trigger }));
        }
    }

    /// A sender signals something.
    pub fn signal(&mut self, at: Instant, id: Id<'_>, event: SenderEvent) {
        let Some((file, room)) = self.file(at, id) else { return };
        if event == SenderEvent::Timeout {
            let data = json!({ "timer_type": "retransmission", "event_type": "expired" });
            file.event(room, at, "timer_updated", &data);
        } else {
            file.event(room, at, "sender_event", &json!({ "event": event.name() }));
        }
    }

    /// A sender has done what it had to do: its state, as far as it is another.
    pub fn state(&mut self, at: Instant, id: Id<'_>, connection: &Connection) {
        if !self.files.contains_key(&id.key()) {
            return;
        }
        let Some((file, room)) = self.file(at, id) else { return };
        let state = connection.snapshot();
        if file.phase != Some(state.phase) {
            let new = state.phase.name();
            let data = match file.phase.replace(state.phase) {
                Some(old) => json!({ "old": old.name(), "new": new }),
                None => json!({ "new": new }),
            };
            file.event(room, at, "congestion_state_updated", &data);
        }
        let changed: Map<String, Value> =
            metrics(&state).into_iter().filter(|(key, value)| file.metrics.get(key) != Some(value)).collect();
        if !changed.is_empty() {
            file.metrics.extend(changed.clone());
            file.event(room, at, "recovery_metrics_updated", &Value::Object(changed));
        }
    }

    /// The logs at the end of a trial.
    pub fn finish(self) -> impl Iterator<Item = Capture> {
        self.files.into_values().map(|file| Capture {
            name: file.name,
            form: Form::Events,
            file: file.bytes,
            left_out: file.left_out,
        })
    }

    /// The log of a sender, unless it is not chosen or the interval is over; and what room there is.
    fn file(&mut self, at: Instant, id: Id<'_>) -> Option<(&mut File, &mut u64)> {
        let is_chosen =
            self.chosen.is_empty() || self.chosen.iter().any(|clients| clients.have((id.group, id.name)));
        if at > self.horizon || !is_chosen {
            return None;
        }
        let Qlogs { files, room, .. } = self;
        let file = files.entry(id.key()).or_insert_with(|| File::new(id, room));
        Some((file, room))
    }
}

/// Identity of a sender.
#[derive(Clone, Copy, Debug)]
pub(super) struct Id<'a> {
    pub flow: u32,
    pub direction: Direction,
    pub group: &'a str,
    pub name: &'a str,
}

impl Id<'_> {
    fn key(&self) -> (u32, Direction) {
        (self.flow, self.direction)
    }
}

impl File {
    fn new(id: Id<'_>, room: &mut u64) -> File {
        let (name, kind) = match id.direction {
            Direction::Up => (id.name.to_owned(), "client"),
            Direction::Down => (format!("{}@server", id.name), "server"),
        };
        let mut file = File {
            name: name.clone(),
            bytes: Vec::new(),
            left_out: 0,
            resent: 0,
            phase: None,
            metrics: Map::new(),
        };
        let clock = json!({ "clock_type": "monotonic", "epoch": "unknown" });
        let fields =
            json!({ "time_format": "relative_to_epoch", "reference_time": clock, "group_id": id.name });
        let header = json!({
            "file_schema": "urn:ietf:params:qlog:file:sequential",
            "serialization_format": "application/qlog+json-seq",
            "title": name,
            "description": format!("{DRAFTS}; times in milliseconds from the start of the trial"),
            "trace": {
                "vantage_point": { "name": "testbed", "type": kind },
                "common_fields": fields,
                "event_schemas": [SCHEMA],
            },
        });
        file.record(room, &header);
        file
    }

    fn event(&mut self, room: &mut u64, at: Instant, name: &str, data: &Value) {
        let time = (at - Instant::ZERO).as_millis_f64();
        self.record(room, &json!({ "time": time, "name": format!("tcp:{name}"), "data": data }));
    }

    fn record(&mut self, room: &mut u64, value: &Value) {
        let text = value.to_string();
        let taken = text.len() as u64 + 2;
        // One that has left something out is not gone on with: what came later would look like all.
        if self.left_out > 0 || taken > *room {
            self.left_out += 1;
            return;
        }
        *room -= taken;
        self.bytes.push(RECORD);
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b'\n');
    }
}

/// Fields of `recovery_metrics_updated`: milliseconds, bytes, bits per second.
fn metrics(state: &Snapshot) -> Map<String, Value> {
    let millis = |span: Duration| json!(span.as_millis_f64());
    let fields = [
        ("smoothed_rtt", state.srtt.map(millis)),
        ("min_rtt", state.beliefs.min_rtt.map(millis)),
        ("congestion_window", state.window().map(Value::from)),
        ("bytes_in_flight", Some(Value::from(state.flight))),
        ("ssthresh", state.ssthresh.map(Value::from)),
        ("pacing_rate", state.pacing.map(|rate| Value::from(rate.bits_per_second()))),
    ];
    fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}
