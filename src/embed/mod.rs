//! What members around this package need of it and nobody else: glue, without a promise that it stays.

#[cfg(feature = "cli")]
pub mod folders;
pub mod steps;
