//! Signs of life of a connection.

use tokio::time::Instant;

/// Since when nothing has changed.
pub struct Progress {
    mark: [u64; 4],
    since: Instant,
}

impl Progress {
    /// Nothing has changed yet.
    pub fn new() -> Progress {
        Progress { mark: [0; 4], since: Instant::now() }
    }

    /// Since when `mark` is what it is.
    pub fn stands_since(&mut self, mark: [u64; 4]) -> Instant {
        if mark != self.mark {
            *self = Progress { mark, since: Instant::now() };
        }
        self.since
    }
}
