//! The dialect of program 3: bare text, slash commands and rooms, without frames. The texts are
//! those of its newest server, with what its code means where that does not run.
//!
//! Two of its clients send a command and its text apart, scripts send both at once; a newer client
//! sends no name after `/hide`. All of them are served: see `Session::hear`.

mod server;

use super::client;
use super::session::{ClientSession, ServerSession};
use super::{Dialect, READ_GAP, Settings};
use crate::time::Duration;
use server::Session;

/// Program 3's language.
#[derive(Debug)]
pub(super) struct Rooms;

impl Dialect for Rooms {
    fn name(&self) -> &'static str {
        "rooms"
    }

    fn summary(&self) -> &'static str {
        "bare text and rooms (program 3)"
    }

    fn port(&self) -> u16 {
        44444
    }

    fn is_framed(&self) -> bool {
        false
    }

    fn pacing(&self) -> Duration {
        READ_GAP
    }

    fn server(&self, settings: &Settings) -> Box<dyn ServerSession> {
        Box::new(Session::new(settings))
    }

    fn client(&self) -> Box<dyn ClientSession> {
        Box::new(client::rooms::RoomsClient::default())
    }

    fn is_begun_by(&self, first: &[u8]) -> bool {
        ["Connected to the server", "Server: "].iter().any(|words| first.starts_with(words.as_bytes()))
    }
}
