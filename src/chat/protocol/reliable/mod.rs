//! The dialect of program 0: length-prefixed JSON, acknowledged message by message, in either of
//! the two variants that its programs speak; each connection is answered in the one it spoke first.
//!
//! | | members | checksum over |
//! | --- | --- | --- |
//! | six | `msg_id msg_type sender content timestamp checksum` | the first five |
//! | eight | the six, `priority`, `sequence_number` | the first five and these two |
//!
//! Its network tester speaks a third format and counts one frame of any kind as the answer to each
//! of its messages: such a connection gets exactly that and nothing else.

mod client;
mod frame;
mod message;
mod requests;
mod seen;
mod server;
#[cfg(test)]
mod tests;
mod window;
mod words;

pub(super) use client::Client;
pub(super) use server::{Forms, Session};
