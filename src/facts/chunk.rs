//! Outcome of a chunk of video.

use std::sync::Arc;

use crate::time::{Duration, Instant};

/// A chunk of video, from the request on to the next of the same viewer, or to the end.
#[derive(Clone, Debug, PartialEq)]
pub struct ChunkOutcome {
    /// Name of the viewer.
    pub client: Arc<str>,
    /// Its number, from 1.
    pub number: u32,
    /// Bits per second of its encoding.
    pub bitrate: u64,
    /// Its size.
    pub bytes: u64,
    /// Time at which it was asked for.
    pub request: Instant,
    /// Media in the buffer then.
    pub buffer: Duration,
    /// Time from then to its last byte; `None` if that did not come before the end.
    pub completion: Option<Duration>,
    /// Time of playback within the measured interval, from this request to the next.
    pub played: Duration,
    /// Time in which playback stood still, likewise; the start-up is none.
    pub stalled: Duration,
    /// Time from the viewer's first request to the beginning of playback; `None` before it.
    pub startup: Option<Duration>,
}
