//! A network-emulation testbed: real TCP, lossy links and a chat in one deterministic world.
//!
//! A scenario file becomes a grid of cells, each cell some trials, each trial a [`engine::World`]
//! that runs in virtual time, and each world's [`facts::Outcome`] some rows and pictures.
//!
//! # The map, with one invariant each
//!
//! Each module may use those above it and nothing else of ours, except where it says so.
//!
//! | module | what it is | what always holds |
//! | --- | --- | --- |
//! | [`time`] | instants and spans in nanoseconds | no clock can be read through it; going back panics |
//! | [`units`] | rates, chances, sizes with their units | after parsing, no string is looked at again |
//! | [`rng`] | random streams by name | a new component changes no other's draws |
//! | [`traffic`] | laws of arrivals and sizes | a draw depends on its stream alone |
//! | `ring` | a queue that is found with a mask | agrees with `VecDeque` |
//! | [`facts`] | counters, events, states and outcomes | plain data, typed once; does not know what fills it |
//! | [`wire`] | segments, sequence numbers, packets, bytes | knows no connection and no link |
//! | [`congestion`] | the policy: how much may be in flight | sees bytes and times, never sequence numbers |
//! | [`link`] | impair, queue, serialise, propagate | offered + duplicated = delivered + dropped + inside |
//! | [`tcp`] | one end of a connection, without input or output | a receiver's stream is a prefix of its sender's |
//! | [`chat`] | rooms, dialects, synthetic people | bytes in, bytes out: no TCP, no engine |
//! | [`app`] | what talks over connections | acts only through its own [`app::Io`] |
//! | [`engine`] | the world: hosts' ends, links, one event queue | events have a total order; one event in, one drain out |
//! | [`scenario`] | TOML to plan to world | knows texts, not files; all problems of a file at once |
//! | `audit` | the packets of a trial against its scenario's numbers | shares no code with links, TCP and engine |
//! | `tables` | rows, summary, sentences, warnings | a function of files, on disk or in memory; what is missing is empty, never 0 |
//! | `runner` | trials over threads | outcomes come in trial order, whatever the number of threads |
//! | `report` | folders, pictures, a page, a manifest | a function of the files alone |
//! | [`live`] | real sockets and the wall clock | the same rooms, dialects and worlds; nothing below knows |
//! | [`cli`] | one file per subcommand | the only place that reads the wall clock for users, and prints |
//! | `embed` | glue for the members `web/` and `python/` | the same bytes as the command line; no promise that it stays |
//!
//! `tcp` and `chat` do not know `link`, `report` does not know `engine`, `runner` knows no file
//! format: the command line hands the report to the runner as a sink.
//!
//! A program around the library begins with `use testbed::prelude::*;`. Modules without a link are the command
//! line's own.
//!
//! # How a trial goes
//!
//! Everything that holds time has one contract: input is handed in with the present instant, then
//! output is polled until nothing is left, and `poll_timeout` says when to come back. The engine
//! takes the earliest event – the head of a link or a timer – hands it in, and drains: connections
//! tell their applications, applications write, connections send, and each link says at once when a
//! packet will arrive. Nothing calls upward and nothing reads a clock or a random number that was
//! not handed to it, so the same scenario and seed give the same bytes in every result file.

// Without the command line, much that only it calls is there for the features' sake.
#![cfg_attr(not(feature = "cli"), allow(dead_code, unused_imports, reason = "the command line calls it"))]

pub mod app;
#[cfg(feature = "cli")]
mod audit;
pub mod chat;
#[cfg(feature = "cli")]
pub mod cli;
pub mod congestion;
#[doc(hidden)]
pub mod embed;
pub mod engine;
pub mod facts;
pub mod link;
#[cfg(feature = "live")]
pub mod live;
pub mod prelude;
#[cfg(feature = "report")]
mod report;
mod ring;
pub mod rng;
#[cfg(feature = "report")]
mod runner;
pub mod scenario;
mod tables;
pub mod tcp;
pub mod time;
pub mod traffic;
pub mod units;
pub mod wire;

/// The controller in the documentation is compiled and run as a test, so that it stays true.
#[cfg(doctest)]
#[doc = include_str!("../docs/controllers.md")]
struct Controllers;
