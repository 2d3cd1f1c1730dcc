//! Facts that a trial can know: counters, events, states and outcomes as plain data, each typed once.
//!
//! Links, TCP and the engine fill them, tables and pictures read them; this module knows neither.
//! Words that stand in columns are read back by `FromStr` beside the `name()` that writes them.

#[macro_use]
mod words;

mod chunk;
mod datagram;
mod flow;
mod link;
mod measure;
mod packet;
mod request;
mod sender;
mod series;

pub use chunk::ChunkOutcome;
pub use datagram::{Datagram, DatagramOutcome, Datagrams, ProbeOutcome, Voice};
pub use flow::{DirectionOutcome, FlowOutcome};
pub use link::{Counters, LinkOutcome, QueueOutcome, Realised};
pub use measure::Measure;
pub use packet::{Content, Data, Entry, Fate, Scene, Sighting, Spot};
pub use request::RequestOutcome;
pub use sender::{Beliefs, Limit, NO_WINDOW, Phase, SenderEvent, Snapshot, StreamEvent};
pub use series::{FlowEvent, FlowSample, LinkSample, Series};
pub use words::UnknownWord;

use crate::time::Duration;

/// Direction of a packet along its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

words! { Direction { Up = "up", Down = "down" } }

impl Direction {
    /// Both, in the order of every table.
    pub const BOTH: [Direction; 2] = [Direction::Up, Direction::Down];

    /// 0 for up, 1 for down.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The other way.
    pub const fn reverse(self) -> Direction {
        match self {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        }
    }
}

/// Everything known of a finished trial.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Connections, in order of their opening.
    pub flows: Vec<FlowOutcome>,
    /// Links with their directions, in the scenario's order.
    pub links: Vec<LinkOutcome>,
    /// Messages; `None` in scenarios without chat.
    pub messages: Option<MessageOutcome>,
    /// Flows of datagrams, each direction that was sent in.
    pub datagrams: Vec<DatagramOutcome>,
    /// One-way delays of all of them: mean, median, 99th percentile and maximum in milliseconds.
    pub datagram_delay_ms: Option<[f64; 4]>,
    /// Echo requests, in the order of their sending within each flow.
    pub probes: Vec<ProbeOutcome>,
    /// Requests, in the order in which they were meant.
    pub requests: Vec<RequestOutcome>,
    /// Chunks of video, in the order in which they were asked for.
    pub chunks: Vec<ChunkOutcome>,
    /// Samples over time, if they were asked for.
    pub series: Option<Series>,
    /// Captures of packets and logs of senders, if they were asked for.
    pub captures: Vec<Capture>,
    /// Events that the engine handled.
    pub events: u64,
    /// Length of the measured interval.
    pub measured: Duration,
    /// Lateness of events on the wall clock; empty in virtual time, where nothing is late.
    pub lateness: Vec<Lateness>,
}

/// Packets that passed a point, or events of a sender, as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Name of the point, as the scenario has it.
    pub name: String,
    /// Form of the file.
    pub form: Form,
    /// The file.
    pub file: Vec<u8>,
    /// Packets or events that found no room in it.
    pub left_out: u64,
}

/// Form of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Packets, in the format pcapng.
    Packets,
    /// Events of a sender, in the format qlog.
    Events,
}

/// By how much later than they were due one kind of things happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lateness {
    /// `network` or `applications`.
    pub kind: &'static str,
    /// Number of events.
    pub count: u64,
    /// Median, 99th percentile and maximum.
    pub p50: Duration,
    /// See [`p50`](Lateness::p50).
    pub p99: Duration,
    /// See [`p50`](Lateness::p50).
    pub max: Duration,
}

/// The messages of a chat.
#[derive(Clone, Debug)]
pub struct MessageOutcome {
    /// Messages intended within the measured interval.
    pub sent: u64,
    /// Number of people who should have heard them, over all messages.
    pub deliveries_expected: u64,
    /// Number of people who did, by the end of the drain.
    pub deliveries: u64,
    /// Latency in nanoseconds from the intended send time to each delivery.
    pub latency: hdrhistogram::Histogram<u64>,
}
