//! News that a controller hears of.

use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::units::Rate;

use super::{Algorithm, Parameters};

/// News of an acknowledgment that reports delivery or loss, cumulatively or by SACK.
#[derive(Clone, Debug)]
pub struct Ack {
    /// Time of its arrival.
    pub now: Instant,
    /// Bytes newly delivered or, with byte counting off, at most one segment (RFC 3465).
    pub bytes: u64,
    /// Bytes newly found lost.
    pub newly_lost: u64,
    /// Bytes newly told of as marked: with accurate ECN (RFC 9768), else 0.
    pub marked: u64,
    /// Bytes delivered since the connection opened, and bytes found lost.
    pub delivered: u64,
    /// See `delivered`.
    pub lost: u64,
    /// Bytes outstanding before it: `FlightSize` of RFC 5681.
    pub flight: u64,
    /// Bytes believed to be in the network before it and after it: `pipe` of RFC 6675.
    pub pipe: (u64, u64),
    /// The round-trip time it measured, if it measured one.
    pub rtt: Option<Duration>,
    /// The smoothed round-trip time (RFC 6298).
    pub srtt: Duration,
    /// The smallest round-trip time seen; `Duration::MAX` before the first.
    pub min_rtt: Duration,
    /// Delivery around the flight of the segment sent last of those it reports.
    pub sample: Option<Sample>,
    /// Time at which pacing lets the next segment go; not before `now`.
    pub departure: Instant,
    /// True if the cumulative acknowledgment moved; false if only SACK blocks tell something new.
    pub moved: bool,
    /// True if the window was not full: the application or the receiver's window held data back,
    /// so the path proved nothing about a larger window (RFC 7661).
    pub app_limited: bool,
    /// True if it arrived within a recovery episode.
    pub in_recovery: bool,
}

impl Ack {
    /// True if a window may grow by it: it moved, the window was in use, and nothing is being repaired
    /// (RFC 5681 §3.1, RFC 7661 §4.2).
    pub fn may_grow(&self) -> bool {
        self.moved && !self.app_limited && !self.in_recovery
    }
}

/// Delivery around the flight of one segment (draft-ietf-ccwg-bbr-06 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Bytes delivered between its departure and its acknowledgment.
    pub delivered: u64,
    /// Time that this took: the longer of the sending and the acknowledging, so that neither bunched
    /// sending nor bunched acknowledgments make the path look faster than it is.
    pub interval: Duration,
    /// Bytes delivered since the connection opened when it left.
    pub prior_delivered: u64,
    /// Bytes believed to be in the network just after it left.
    pub pipe: u64,
    /// Bytes found lost between its departure and its acknowledgment.
    pub lost: u64,
    /// True if it left after the sender had nothing to send: then the rate may be the application's.
    pub app_limited: bool,
}

impl Sample {
    /// Rate at which the path delivered.
    pub fn rate(&self) -> Option<Rate> {
        let nanos = self.interval.as_nanos();
        if nanos == 0 {
            return None;
        }
        Rate::from_bits_per_second((u128::from(self.delivered) * 8_000_000_000 / u128::from(nanos)) as u64)
    }
}

/// News of a loss.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Time of its detection.
    pub now: Instant,
    /// Bytes found lost.
    pub bytes: u64,
    /// Bytes found lost, and bytes delivered, since the connection opened.
    pub lost: u64,
    /// See `lost`.
    pub delivered: u64,
    /// Bytes of which a part remains: those in flight just before, `FlightSize` of RFC 5681, or at least the
    /// window, as in Linux (`tcp.reduce_from`).
    pub flight: u64,
    /// Bytes believed to be in the network just after.
    pub pipe: u64,
    /// True if this starts a new episode: data sent since the last reduction was lost.
    pub new_episode: bool,
}

/// A segment that was found lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostSegment {
    /// Its payload in bytes.
    pub bytes: u64,
    /// Bytes believed to be in the network just after it left.
    pub pipe: u64,
    /// Bytes found lost since it left, its own included.
    pub lost: u64,
    /// Bytes delivered since the connection opened.
    pub delivered: u64,
    /// True if it left after the sender had nothing to send.
    pub app_limited: bool,
    /// True if it follows in the stream right behind the one found lost before it.
    pub adjoins: bool,
}

/// A departure when nothing was in the network.
#[derive(Clone, Copy, Debug)]
pub struct Restart {
    /// Its time.
    pub now: Instant,
    /// True if the sender had nothing to send before it.
    pub app_limited: bool,
}

/// Facts about the path from which a controller is built.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
pub struct Path {
    /// The line of the table that the scenario chose.
    pub algorithm: &'static Algorithm,
    /// Maximum segment size in bytes.
    pub mss: u64,
    /// The initial window in bytes (RFC 6928).
    pub initial_window: u64,
    /// True if acknowledgments report what arrived beyond a gap (RFC 2018).
    pub sack: bool,
    /// True if acknowledgments tell how many bytes were marked (RFC 9768).
    pub counts_marks: bool,
    /// True if the connection spreads its packets by itself.
    pub paced: bool,
    /// True if progress to the next segment of window outlives a loss.
    pub carries_growth: bool,
    /// Time at which the connection opened.
    pub now: Instant,
    /// The round-trip time of the handshake, if it could be measured.
    pub rtt: Option<Duration>,
    /// A random stream of its own.
    pub rng: Rng,
    /// Parameters that the scenario set for it.
    pub parameters: Parameters,
}
