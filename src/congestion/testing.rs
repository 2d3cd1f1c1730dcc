//! Inputs for tests of bare controllers: segments of 1000 bytes.

use super::{Ack, Choice, Loss, Parameters, Path};
use crate::rng::Seed;
use crate::time::{Duration, Instant};

/// The controller `name` whose parameters have these values and their defaults.
pub fn choice(name: &str, values: &[(&str, f64)]) -> Choice {
    let mut choice = Choice::named(name);
    for &(name, value) in values {
        choice.parameters.set(name, value);
    }
    choice
}

/// A path with an initial window of ten segments and no parameters.
pub fn path() -> Path {
    Path {
        mss: 1000,
        initial_window: 10_000,
        sack: true,
        paced: false,
        now: Instant::ZERO,
        rtt: None,
        rng: Seed(1).stream("test"),
        parameters: Parameters::defaults(&[]),
    }
}

/// An acknowledgment of `bytes` with a full window.
pub fn ack(bytes: u64) -> Ack {
    Ack {
        now: Instant::ZERO,
        bytes,
        newly_lost: 0,
        delivered: bytes,
        lost: 0,
        flight: bytes,
        pipe: (bytes, 0),
        rtt: None,
        srtt: Duration::from_millis(50),
        min_rtt: Duration::from_millis(50),
        sample: None,
        departure: Instant::ZERO,
        moved: true,
        app_limited: false,
        in_recovery: false,
    }
}

/// A loss of one segment with `flight` bytes outstanding.
pub fn loss(flight: u64) -> Loss {
    Loss { now: Instant::ZERO, bytes: 1000, lost: 1000, delivered: 0, flight, pipe: 0, new_episode: true }
}
