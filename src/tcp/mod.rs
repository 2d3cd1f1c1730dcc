//! TCP without input or output: time and segments come in by argument, segments and events are
//! polled out. A connection owns bytes in flight, loss detection, recovery episodes, timers and
//! pacing; its congestion controller owns the window.
//!
//! | rule | file | tests |
//! | --- | --- | --- |
//! | RFC 9293 states, handshake, teardown, reset | `connection` | `tests/rfc9293*.rs` |
//! | RFC 9293 §3.8.6 windows, probes, delayed ACK | `receiver`, `sender` | `tests/rfc9293_flow.rs` |
//! | RFC 6298 retransmission timeout | `rtt`, `sender` | `tests/rfc6298.rs` |
//! | Linux's timer wheel | `wheel` | `wheel` |
//! | RFC 5681 fast retransmit, slow start | `recovery`, `congestion::reno` | `tests/rfc5681.rs` |
//! | RFC 6582 NewReno | `recovery` | `tests/rfc6582.rs` |
//! | RFC 6675, 2018 SACK | `scoreboard`, `recovery`, `assembler` | `tests/rfc6675.rs` |
//! | RFC 8985 RACK-TLP | `scoreboard::rack`, `sender::rack` | `tests/rfc8985.rs` |
//! | RFC 9937 PRR | `prr`, `sender::rack` | `tests/rfc9937.rs` |
//! | RFC 9438 CUBIC | `congestion::cubic` | `congestion/tests/rfc9438.rs` |
//! | RFC 2883, 3708 duplicate SACK | `receiver`, `recovery::doubt`, `sender::ack` | `tests/rfc2883.rs` |
//! | RFC 5682 F-RTO | `recovery::frto` | `tests/rfc5682.rs` |
//! | RFC 3168 ECN | `recovery::marks`, `negotiated`, `echo` | `tests/rfc3168.rs` |
//! | RFC 9768 accurate ECN | `recovery::feedback`, `negotiated`, `echo` | `tests/rfc9768*.rs` |
//! | RFC 3042 limited transmit, RFC 6928 IW10 | `sender` | `tests/rfc5681.rs` |
//! | RFC 7323 timestamps, window scale, PAWS | `receiver`, `connection` | `tests/rfc7323.rs` |
//! | RFC 3522 Eifel detection | `recovery::doubt` | `tests/rfc3522.rs` |

mod assembler;
mod buffer;
mod config;
mod connection;
mod echo;
mod negotiated;
mod pacer;
mod profile;
mod prr;
mod quickack;
mod receiver;
mod recovery;
mod rtt;
mod scoreboard;
mod sender;
mod state;
mod stats;
#[cfg(test)]
mod tests;
mod wheel;

pub use crate::facts::StreamEvent as Event;
pub use config::{Config, DelayedAck, EcnMode, IdleWindow, PrrMode, Recovery, ReduceFrom, RtoFloor};
pub use connection::{Connection, Output};
pub use profile::Profile;
pub use state::State;
pub use stats::Stats;
