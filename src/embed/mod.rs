//! The one public place for the members around this package; glue, without a promise that it stays.
//!
//! For a page, in memory: a [`Desk`] answers requests in JSON, one at a time, with series, tables and problems of a
//! scenario's text; `web/` exports it. For Python: result folders, and a world that goes on step by step.

mod bench;
mod desk;
#[cfg(feature = "cli")]
pub mod folders;
mod lab;
mod overview;
mod picture;
mod play;
mod spread;
pub mod steps;
mod trouble;

pub use desk::Desk;
pub use lab::Lab;
