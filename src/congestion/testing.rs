//! Inputs for tests of bare controllers: segments of 1000 bytes.

use super::{Ack, Choice, CongestionController, Loss, Parameters, Path, Sample};
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
        algorithm: &super::ALGORITHMS[0],
        mss: 1000,
        initial_window: 10_000,
        sack: true,
        counts_marks: true,
        paced: false,
        carries_growth: false,
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
        marked: 0,
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

/// Bytes of a segment, bandwidth in bytes per second, round trip without a queue and their product, of the path
/// that [`Round`] stands for: a segment is acknowledged each millisecond.
pub const MSS: u64 = 1_000;
pub const RATE: u64 = 1_000_000;
pub const RTT: Duration = Duration::from_millis(40);
pub const BDP: u64 = 40 * MSS;

/// A controller of BBR's kind, and the path that acknowledges to it.
pub struct Round<C> {
    pub bbr: C,
    pub now: Instant,
    pub delivered: u64,
    pub lost: u64,
}

impl<C: CongestionController> Round<C> {
    /// At the start of a connection.
    pub fn starting(make: fn(&Path) -> C) -> Round<C> {
        Round { bbr: make(&Path { rtt: Some(RTT), ..path() }), now: Instant::ZERO, delivered: 0, lost: 0 }
    }

    /// A segment arrives after this round trip; `newly_lost` bytes are found lost.
    pub fn ack_of(&mut self, sample: Sample, rtt: Duration, newly_lost: u64) {
        self.now += Duration::from_millis(1);
        self.delivered += MSS;
        self.lost += newly_lost;
        self.bbr.on_ack(&Ack {
            now: self.now,
            departure: self.now,
            delivered: self.delivered,
            lost: self.lost,
            newly_lost,
            pipe: (sample.pipe, sample.pipe.saturating_sub(MSS)),
            rtt: Some(rtt),
            srtt: rtt,
            min_rtt: RTT,
            sample: Some(sample),
            ..ack(MSS)
        });
    }
}

/// A sample of `rate` with `pipe` bytes in the network, of a segment before which so much was delivered.
pub fn sample(rate: u64, pipe: u64, prior_delivered: u64) -> Sample {
    Sample { delivered: rate / 25, interval: RTT, prior_delivered, pipe, lost: 0, app_limited: false }
}
