//! The names that a program around this library needs: `use testbed::prelude::*`.
//!
//! A controller or a queue discipline of one's own, a scenario from its text to its outcome, and the command line
//! with what was added. Whatever the other modules show beyond is for this package's own benches and tests.

#[cfg(feature = "cli")]
pub use crate::cli::Testbed;
pub use crate::congestion::{Ack, Algorithm, CongestionController, Loss, Path};
pub use crate::engine::World;
pub use crate::facts::Outcome;
pub use crate::link::{Backlog, Qdisc, Verdict};
pub use crate::rng::{Rng, Seed};
pub use crate::scenario::{Plan, Scenario, Trial, Workload, build};
pub use crate::time::{Duration, Instant};
pub use crate::units::{Probability, Rate};
pub use crate::wire::Packet;
