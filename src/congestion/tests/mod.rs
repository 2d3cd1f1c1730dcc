//! Inputs of a congestion controller on a path of 100 ms, in segments of 1000 bytes.

mod linux_cubic;
mod rfc9438;

use super::testing::{choice, path};
use super::{Ack, CongestionController, Loss, Path};
use crate::time::{Duration, Instant};

/// Bytes of a segment.
const MSS: u64 = 1_000;
/// Every round trip.
const RTT: Duration = Duration::from_millis(100);

/// Milliseconds since the start as an instant.
const fn at(n: u64) -> Instant {
    Instant::from_nanos(n * 1_000_000)
}

/// A controller whose parameters have these values and their defaults.
fn controller(name: &str, values: &[(&str, f64)], initial_segments: u64) -> Box<dyn CongestionController> {
    let path = Path { mss: MSS, initial_window: initial_segments * MSS, ..path() };
    choice(name, values).build(path)
}

/// A segment is acknowledged that was sent a round trip ago, with a window in use.
fn ack(now: Instant) -> Ack {
    Ack {
        now,
        bytes: MSS,
        newly_lost: 0,
        marked: 0,
        delivered: MSS,
        lost: 0,
        flight: MSS,
        pipe: (MSS, 0),
        rtt: Some(RTT),
        srtt: RTT,
        min_rtt: RTT,
        sample: None,
        departure: now,
        moved: true,
        app_limited: false,
        in_recovery: false,
    }
}

/// One segment of `segments` in flight is lost; it begins an episode.
fn loss(now: Instant, segments: u64) -> Loss {
    Loss { now, bytes: MSS, lost: MSS, delivered: 0, flight: segments * MSS, pipe: 0, new_episode: true }
}
