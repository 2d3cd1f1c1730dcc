//! The one public place for the members around this package: a scenario's text goes in, series, tables and
//! problems come out, all in memory. No clock, no thread, no file.
//!
//! A [`Desk`] answers requests in JSON, one at a time; `web/` exports it to a page.

mod bench;
mod desk;
mod lab;
mod overview;
mod picture;
mod play;
mod trouble;

pub use desk::Desk;
pub use lab::Lab;
