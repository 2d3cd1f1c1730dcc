//! `testbed`: a network-emulation testbed in one deterministic world.

pub mod app;
pub mod chat;
pub mod cli;
pub mod congestion;
pub mod engine;
pub mod link;
pub mod record;
pub mod report;
pub mod rng;
pub mod runner;
pub mod scenario;
pub mod tcp;
pub mod time;
pub mod units;
pub mod wire;
