//! Queue disciplines: what a packet meets in front of the rate.
//!
//! The packets themselves wait in the link, in order of arrival; a discipline only decides at the
//! entrance, so the departure of what it accepts is known at once and needs no event. Drop-tail is
//! such a discipline, and so are RED and PIE.

mod droptail;

pub use droptail::DropTail;

use super::config::Queue;
use crate::time::Instant;
use crate::wire::Packet;

/// Decides which packets may queue.
pub trait Qdisc: Send {
    /// Judges a packet that finds `backlog` before it at `now`.
    fn admit(&mut self, now: Instant, packet: &Packet, backlog: Backlog) -> Admission;
}

/// What waits or is in transmission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Packets.
    pub packets: u64,
    /// Bytes on the wire.
    pub bytes: u64,
}

/// What a discipline decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It queues.
    Accept,
    /// It queues, marked as having met congestion (RFC 3168).
    Mark,
    /// There is no room for it.
    Drop,
}

/// The discipline of a setting.
pub(super) fn build(queue: Queue) -> Box<dyn Qdisc> {
    Box::new(DropTail::new(queue))
}
