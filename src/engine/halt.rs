//! Reasons for which a trial ends without an outcome.

use super::budget::Exhausted;
use crate::time::Instant;

/// Reason for which a trial has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// It was abandoned, because it was not to go on.
    #[error("abandoned")]
    Abandoned,
    /// Time does not pass at this instant: one event causes the next for ever.
    #[error(
        "time stands still at {}: more than {MOST_AT_ONE_INSTANT} events at this instant",
        .0.saturating_since(Instant::ZERO)
    )]
    Stuck(Instant),
    /// A controller from outside cannot go on.
    #[error("{0}")]
    Controller(String),
    /// It needs more memory than it may.
    #[error("{0}")]
    Exhausted(Exhausted),
}

/// Events and packets that one instant may have. A hundred thousand clients that all start at once
/// stay far below it.
pub(super) const MOST_AT_ONE_INSTANT: u64 = 10_000_000;
