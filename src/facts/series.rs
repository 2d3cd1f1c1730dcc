//! Samples and events of a trial over time.

use super::{Direction, SenderEvent, Snapshot};
use crate::time::{Duration, Instant};

/// Samples over time of one trial.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The sampling interval.
    pub interval: Duration,
    /// Rows by time, then flow, then direction.
    pub flows: Vec<FlowSample>,
    /// Rows by time, then link, then direction.
    pub links: Vec<LinkSample>,
    /// Events by time.
    pub events: Vec<FlowEvent>,
}

/// The state of one direction of a flow at one instant.
#[derive(Clone, Debug)]
pub struct FlowSample {
    /// Time of the sample.
    pub time: Instant,
    /// Index into [`Outcome::flows`](super::Outcome::flows).
    pub flow: u32,
    /// Direction of the packets.
    pub direction: Direction,
    /// State of the sender.
    pub sender: Snapshot,
    /// In-order bytes handed to the receiver since the flow began.
    pub delivered: u64,
    /// Bytes that arrived at the receiver since the flow began, each once, in whatever order.
    pub arrived: u64,
}

/// The state of one direction of a link at one instant.
#[derive(Clone, Debug, Default)]
pub struct LinkSample {
    /// Time of the sample.
    pub time: Instant,
    /// Index into [`Outcome::links`](super::Outcome::links).
    pub link: u32,
    /// Bytes waiting or in transmission.
    pub backlog_bytes: u64,
    /// Packets waiting or in transmission.
    pub backlog_packets: u64,
    /// Packets dropped so far, by loss, a policer and the queue.
    pub drops: u64,
    /// Packets marked so far, as they leave the queue.
    pub marks: u64,
    /// Bytes that its rate could have sent so far; `None` unless that varies by a trace or a table.
    pub capacity: Option<u64>,
}

/// Something that happened to a sender.
#[derive(Clone, Debug)]
pub struct FlowEvent {
    /// Time of the event.
    pub time: Instant,
    /// Index into [`Outcome::flows`](super::Outcome::flows).
    pub flow: u32,
    /// Direction in which the sender sends: `Up` is the client's.
    pub direction: Direction,
    /// Kind of the event.
    pub kind: SenderEvent,
}
