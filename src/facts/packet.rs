//! Log of a trial's packets and bytes, entry by entry, for those who hold it against the scenario.

use super::Direction;
use crate::time::Instant;

/// Entry of the log, in the order in which things happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The first packet of a flow follows.
    Opened {
        /// Number of the flow in [`Outcome::flows`](super::Outcome::flows).
        flow: u32,
        /// Its name.
        name: String,
        /// Its group.
        group: String,
    },
    /// A packet was seen.
    Seen(Sighting),
    /// An application wrote bytes, or read some.
    Bytes {
        /// Instant at which it did.
        at: Instant,
        /// Number of the flow.
        flow: u32,
        /// Direction of the stream that they are of.
        direction: Direction,
        /// True if they were read at its end.
        read: bool,
        /// The bytes.
        content: Content,
    },
}

/// A packet at a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Instant.
    pub at: Instant,
    /// Number of the packet in its trial, from 1; a copy has that of the original.
    pub packet: u32,
    /// Number of its flow.
    pub flow: u32,
    /// Its direction along its flow's path.
    pub direction: Direction,
    /// Bytes on the wire, IP header included.
    pub size: u32,
    /// The two bits of the ECN field (RFC 3168 §5).
    pub ecn: u8,
    /// True if a link damaged it.
    pub damaged: bool,
    /// Point, and event there.
    pub scene: Scene,
}

/// Event of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Its host sends it, with these data if it is a segment.
    Sent(Option<Data>),
    /// It comes to the entrance of a link.
    Entered(Spot),
    /// Something happens to it inside.
    Met(Spot, Fate),
    /// It leaves the link at the far end.
    Left(Spot),
    /// It comes to the host at the end of its path.
    Delivered(Option<Data>),
}

/// One direction of one instance of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Place in the order of [`Outcome::links`](super::Outcome::links).
    pub place: u32,
    /// Number of the instance.
    pub instance: u32,
}

/// Data of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Sequence number of the first byte, or of the SYN.
    pub seq: u32,
    /// True for a SYN.
    pub syn: bool,
    /// The bytes.
    pub content: Content,
}

/// Bytes of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// So many zeros.
    Zeros(u64),
    /// These.
    Bytes(Vec<u8>),
    /// So many that nobody looked at.
    Unseen(u64),
}

/// Fate of a packet inside of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// An impairment dropped it.
    Lost,
    /// The policer dropped it.
    Policed,
    /// The queue had no room for it.
    Crowded,
    /// The queue's discipline dropped it before the queue was full.
    Managed,
    /// The queue's discipline marked it.
    Marked,
    /// An impairment made a copy of it.
    Duplicated,
    /// An impairment damaged it.
    Damaged,
}

impl Content {
    /// Number of bytes.
    pub fn len(&self) -> u64 {
        match self {
            Content::Zeros(len) | Content::Unseen(len) => *len,
            Content::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Fate {
    /// Description for a reader of captures.
    pub fn words(self) -> &'static str {
        match self {
            Fate::Lost => "dropped: loss of the link",
            Fate::Policed => "dropped: over the policer's rate",
            Fate::Crowded => "dropped: queue full",
            Fate::Managed => "dropped by the queue's discipline",
            Fate::Marked => "marked CE by the queue's discipline",
            Fate::Duplicated => "duplicated by the link",
            Fate::Damaged => "damaged by the link",
        }
    }
}
