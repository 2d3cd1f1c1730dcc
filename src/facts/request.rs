//! Outcome of a request.

use std::sync::Arc;

use crate::time::{Duration, Instant};

/// A request that was meant within the measured interval.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestOutcome {
    /// Name of the client.
    pub client: Arc<str>,
    /// Time at which it was meant.
    pub start: Instant,
    /// Size of the object.
    pub bytes: u64,
    /// Time from then to the last byte of its answer; `None` if that did not come.
    pub completion: Option<Duration>,
    /// Least time that the idle path allows.
    pub ideal: Duration,
}

impl RequestOutcome {
    /// Completion time as a multiple of the least.
    pub fn slowdown(&self) -> Option<f64> {
        let ideal = Some(self.ideal.as_secs_f64()).filter(|ideal| *ideal > 0.0);
        Some(self.completion?.as_secs_f64() / ideal?)
    }
}
