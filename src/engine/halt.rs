//! Why a trial ends without an outcome.

use std::fmt;

use super::budget::Exhausted;
use crate::time::Instant;

/// Why a trial has no outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// It was abandoned, because it was not to go on.
    Abandoned,
    /// Time does not pass at this instant: one event causes the next for ever.
    Stuck(Instant),
    /// It needs more memory than it may.
    Exhausted(Exhausted),
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Halt::Abandoned => f.write_str("abandoned"),
            Halt::Exhausted(what) => write!(f, "{what}"),
            Halt::Stuck(at) => write!(
                f,
                "time stands still at {}: more than {MOST_AT_ONE_INSTANT} events at this instant",
                at.saturating_since(Instant::ZERO)
            ),
        }
    }
}

impl std::error::Error for Halt {}

/// Events and packets that one instant may have. A hundred thousand clients that all start at once
/// stay far below it.
pub(super) const MOST_AT_ONE_INSTANT: u64 = 10_000_000;
