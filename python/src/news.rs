//! News as controllers in Python hear them: times in seconds, all else in bytes.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;

use testbed::congestion;
use testbed::rng::Rng;
use testbed::time::Duration;

/// An acknowledgment that brought news.
#[pyclass(frozen, module = "testbed")]
pub struct Ack(pub congestion::Ack);

#[pymethods]
impl Ack {
    /// Time of its arrival, in seconds.
    #[getter]
    fn now_s(&self) -> f64 {
        self.0.now.as_secs_f64()
    }

    /// Bytes newly delivered.
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes
    }

    /// Bytes newly found lost.
    #[getter]
    fn newly_lost(&self) -> u64 {
        self.0.newly_lost
    }

    /// Bytes newly told of as marked, with accurate ECN.
    #[getter]
    fn marked(&self) -> u64 {
        self.0.marked
    }

    /// Bytes delivered since the connection opened.
    #[getter]
    fn delivered(&self) -> u64 {
        self.0.delivered
    }

    /// Bytes found lost since the connection opened.
    #[getter]
    fn lost(&self) -> u64 {
        self.0.lost
    }

    /// Bytes outstanding before it.
    #[getter]
    fn flight(&self) -> u64 {
        self.0.flight
    }

    /// Bytes believed to be in the network after it.
    #[getter]
    fn pipe(&self) -> u64 {
        self.0.pipe.1
    }

    /// Round-trip time that it measured, in seconds; None if it measured none.
    #[getter]
    fn rtt_s(&self) -> Option<f64> {
        self.0.rtt.map(Duration::as_secs_f64)
    }

    /// Smoothed round-trip time in seconds.
    #[getter]
    fn srtt_s(&self) -> f64 {
        self.0.srtt.as_secs_f64()
    }

    /// Smallest round-trip time so far, in seconds; None before the first.
    #[getter]
    fn min_rtt_s(&self) -> Option<f64> {
        Some(self.0.min_rtt).filter(|rtt| *rtt < Duration::MAX).map(Duration::as_secs_f64)
    }

    /// Rate at which the path delivered around the segment that it tells of, in bits per second; None without one.
    #[getter]
    fn delivery_rate(&self) -> Option<f64> {
        let rate = self.0.sample.and_then(|sample| sample.rate())?;
        Some(rate.as_mbit() * 1e6)
    }

    /// True if the cumulative acknowledgment moved.
    #[getter]
    fn moved(&self) -> bool {
        self.0.moved
    }

    /// True if the window was not full.
    #[getter]
    fn app_limited(&self) -> bool {
        self.0.app_limited
    }

    /// True within a recovery episode.
    #[getter]
    fn in_recovery(&self) -> bool {
        self.0.in_recovery
    }

    /// True if a window may grow by it: it moved, the window was full, and nothing is being repaired.
    #[getter]
    fn may_grow(&self) -> bool {
        self.0.may_grow()
    }

    fn __repr__(&self) -> String {
        let Ack(ack) = self;
        format!(
            "Ack(now_s={:.6}, bytes={}, flight={}, srtt_s={:.6}, may_grow={})",
            ack.now.as_secs_f64(),
            ack.bytes,
            ack.flight,
            ack.srtt.as_secs_f64(),
            if ack.may_grow() { "True" } else { "False" }
        )
    }
}

/// A loss, found by acknowledgments or by a timeout, or a mark of ECN.
#[pyclass(frozen, module = "testbed")]
pub struct Loss(pub congestion::Loss);

#[pymethods]
impl Loss {
    /// Time of its detection, in seconds.
    #[getter]
    fn now_s(&self) -> f64 {
        self.0.now.as_secs_f64()
    }

    /// Bytes found lost.
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes
    }

    /// Bytes found lost since the connection opened.
    #[getter]
    fn lost(&self) -> u64 {
        self.0.lost
    }

    /// Bytes delivered since the connection opened.
    #[getter]
    fn delivered(&self) -> u64 {
        self.0.delivered
    }

    /// Bytes of which a part remains: those in flight just before.
    #[getter]
    fn flight(&self) -> u64 {
        self.0.flight
    }

    /// Bytes believed to be in the network just after.
    #[getter]
    fn pipe(&self) -> u64 {
        self.0.pipe
    }

    /// True if data sent since the last reduction were lost.
    #[getter]
    fn new_episode(&self) -> bool {
        self.0.new_episode
    }

    fn __repr__(&self) -> String {
        let Loss(loss) = self;
        let new = if loss.new_episode { "True" } else { "False" };
        format!(
            "Loss(now_s={:.6}, bytes={}, flight={}, new_episode={new})",
            loss.now.as_secs_f64(),
            loss.bytes,
            loss.flight
        )
    }
}

/// Facts about the path from which a controller is made.
#[pyclass(frozen, module = "testbed")]
pub struct Path {
    path: congestion::Path,
    rng: Mutex<Rng>,
}

impl Path {
    /// The facts as the connection gives them.
    pub fn of(path: &congestion::Path) -> Path {
        Path { path: path.clone(), rng: Mutex::new(path.rng.clone()) }
    }
}

#[pymethods]
impl Path {
    /// Maximum segment size in bytes.
    #[getter]
    fn mss(&self) -> u64 {
        self.path.mss
    }

    /// Initial window in bytes.
    #[getter]
    fn initial_window(&self) -> u64 {
        self.path.initial_window
    }

    /// True if acknowledgments report what arrived beyond a gap.
    #[getter]
    fn sack(&self) -> bool {
        self.path.sack
    }

    /// Time at which the connection opened, in seconds.
    #[getter]
    fn now_s(&self) -> f64 {
        self.path.now.as_secs_f64()
    }

    /// Round-trip time of the handshake in seconds; None if it could not be measured.
    #[getter]
    fn rtt_s(&self) -> Option<f64> {
        self.path.rtt.map(Duration::as_secs_f64)
    }

    /// A number from 0 to 1, drawn from the trial's seed: chance that repeats with it.
    fn random(&self) -> f64 {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).uniform()
    }

    fn __repr__(&self) -> String {
        format!("Path(mss={}, initial_window={})", self.path.mss, self.path.initial_window)
    }
}
