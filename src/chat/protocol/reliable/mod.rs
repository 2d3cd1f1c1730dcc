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

use super::session::{ClientSession, ServerSession};
use super::{Dialect, Settings};
use crate::time::Duration;

/// Program 0's language.
#[derive(Debug)]
pub(super) struct Reliable;

impl Dialect for Reliable {
    fn name(&self) -> &'static str {
        "reliable"
    }

    fn summary(&self) -> &'static str {
        "length-prefixed JSON with acknowledgments (program 0)"
    }

    fn port(&self) -> u16 {
        8888
    }

    fn is_framed(&self) -> bool {
        true
    }

    fn pacing(&self) -> Duration {
        Duration::ZERO
    }

    fn server(&self, settings: &Settings) -> Box<dyn ServerSession> {
        Box::new(server::Session::new(settings.timing))
    }

    fn client(&self) -> Box<dyn ClientSession> {
        Box::new(client::ReliableClient::default())
    }

    fn is_begun_by(&self, first: &[u8]) -> bool {
        // A frame of less than 16 MiB.
        matches!(first, [0, _, _, _, b'{', ..])
    }
}
