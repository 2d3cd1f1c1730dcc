//! Links: impair, queue, serialise, propagate.

pub mod config;
