//! Inputs of a congestion controller on a path of 100 ms, in segments of 1000 bytes.

use testbed::congestion::{Ack, Choice, CongestionController, Loss};
use testbed::rng::Seed;
use testbed::time::{Duration, Instant};

use super::ms;

/// Bytes of a segment.
pub const MSS: u64 = 1_000;
/// Every round trip.
pub const RTT: Duration = ms(100);

/// A controller whose parameters have these values and their defaults.
pub fn controller(
    name: &str,
    values: &[(&str, f64)],
    initial_segments: u64,
) -> Box<dyn CongestionController> {
    choice(name, values).build(MSS, initial_segments * MSS, Seed(1).stream(name))
}

/// The same, to be built by a connection.
pub fn choice(name: &str, values: &[(&str, f64)]) -> Choice {
    let mut choice = Choice::named(name);
    for &(name, value) in values {
        choice.parameters.set(name, value);
    }
    choice
}

/// A segment is acknowledged that was sent a round trip ago, with a window in use.
pub fn ack(now: Instant) -> Ack {
    Ack {
        now,
        bytes: MSS,
        flight: MSS,
        rtt: Some(RTT),
        srtt: RTT,
        min_rtt: RTT,
        delivered: None,
        app_limited: false,
        in_recovery: false,
    }
}

/// One segment of `segments` in flight is lost; it begins an episode.
pub fn loss(now: Instant, segments: u64) -> Loss {
    Loss { now, bytes: MSS, flight: segments * MSS, new_episode: true }
}
