//! Tables of a run: rows of trials, their summary, the sentences and the warnings.
//!
//! Rows come from outcomes, as text; everything else is computed of that text alone, which lies in a [`Store`]: a
//! folder, or memory. So results that are read back from disk, and those of a run in a page, are the same.
//!
//! Invariants: no thread, no file of the system, no knowledge of the engine; a figure that does not exist is an
//! empty field, never 0.

mod alike;
pub mod axes;
mod axis;
pub mod bottleneck;
pub mod captures;
pub mod checks;
mod claims;
mod compare;
mod error;
pub mod figures;
mod findings;
pub mod goodput;
mod grid;
pub mod groups;
pub mod kind;
pub mod latency;
mod lateness;
mod lines;
pub mod models;
mod of_plan;
mod packed;
pub mod paired;
pub mod reading;
pub mod results;
pub mod rows;
pub mod series;
pub mod settling;
pub mod stats;
mod store;
pub mod study;
pub mod summary;
pub mod table;
#[cfg(test)]
pub mod testing;
mod titles;
pub mod trials;
pub mod verdict;
pub mod viewing;
mod warnings;

pub use axis::Axis;
pub use claims::Claim;
pub use compare::{Beside, Overlay, Pairing, Stated};
pub use error::FileError;
pub use findings::{Findings, Means};
pub use grid::Format;
pub use lines::{glued, wrapped, wrapping};
pub use of_plan::{check_claims, study};
pub use results::Results;
pub use store::{Memory, Store};
pub use study::{InputFile, Study, TrialRow};
pub use summary::CellSummary;
pub use warnings::Warning;
