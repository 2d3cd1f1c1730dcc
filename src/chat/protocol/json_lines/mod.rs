//! The dialect of program 1: one JSON object per line, in both directions.
//!
//! | client | server |
//! | --- | --- |
//! | `{"type": "join", "username": "bob"}` | `welcome` with `message` and `users` to it, `user_joined` to the others; or `error`, then it closes |
//! | `{"type": "chat", "message": "hi"}` | `chat` with `username` and `message` to all, the author too |
//! | `{"type": "ping"}` | `pong` |
//! | closes | `user_left` to the others |
//!
//! The first line must be a join with a nick of 1 to 20 characters, else `Invalid username` and the
//! end. Bad JSON later ends the connection silently; unknown types, a second join and blank lines
//! are ignored. A JSON object that names a member twice is bad JSON here, unlike in the original.
//!
//! Everything sent is ASCII (`\u00e9`): program 1's client decodes in chunks of 1024 bytes and gives
//! up on a character that a chunk's border cuts.
//!
//! Program 1's plans ask for private messages and rooms. They are additions here that its client
//! never sends and is never sent unasked: `private` (`to`, `message`), `room` (`room`, `message`),
//! `create_room` (`room`, `"private": true`), `join_room` (`room`; founds one that is not there, but with
//! `"existing": true`), `leave_room`, `invite` (`to`, `room`),
//! `close_room`, `rooms`, `users`, `rename`, `hide`, `reveal`, `help`
//! and `leave`. A client that has sent one of them, or `"extensions": true` with its join, gets the
//! answers that belong to them; the welcome repeats that member to one that has sent it, by which it
//! knows this server. Any other is told the same in a `chat` line: `[PRIVATE] hi` from `bob`,
//! `bob is now rob` from `server`; and a line break in a text is a sign there (U+23CE), because its
//! client prints a second line like the first of another message. In every message of somebody else, `type`, `username` and `message` come first, in
//! this order, which is what the listener relies on.
//!
//! A client that has sent `"files": true` with its join takes files. Others hear of one in a `chat` line at most.
//!
//! | client | server |
//! | --- | --- |
//! | `file_offer` with `name`, `size`, `sha256`, and `to` or `room` | `file_announced` with its number as `file`, and `people`; or `file_refused` with `message` |
//! | | `file_offered` with `username`, perhaps `room`, `file`, `name`, `size`, `sha256` to those people |
//! | `file_ask` with `file` and `from`, a multiple of 8192, 4 at a time | `file_asked` with `file`, `reader` and `from` to the sender |
//! | `file_part` with these three and `data` (Base64) | `file_part` with `file`, `from` and `data` to that reader |
//! | `file_end` with `file` and `how`: `done`, `declined`, `failed` | `file_ended` with `file`, `username` and `how` to the other side; `gone` if somebody has left |

mod client;
mod files;
mod listener;
mod server;
#[cfg(test)]
mod tests;

use super::client::json_lines::JsonLinesClient;
use super::session::{ClientSession, ServerSession};
use super::{Dialect, READ_GAP, Settings};
use crate::time::Duration;

pub(super) use client::{EventReader, encode_request};
pub(super) use listener::HeadListener;
pub(super) use server::{REQUEST_LIMIT, Spoken, after, encode_event, parse, request};

/// The member of a join by which a client says that it knows more than program 1 does.
pub(super) const EXTENSIONS: &str = "extensions";

/// The member of a join by which a client says that it takes files.
pub(super) const FILES: &str = "files";

/// Program 1's language.
#[derive(Debug)]
pub(super) struct JsonLines;

/// Program 1's longest nick, in characters.
const NICK_CHARS: usize = 20;

impl Dialect for JsonLines {
    fn name(&self) -> &'static str {
        "json-lines"
    }

    fn summary(&self) -> &'static str {
        "one JSON object per line (program 1)"
    }

    fn port(&self) -> u16 {
        12345
    }

    fn is_framed(&self) -> bool {
        true
    }

    fn pacing(&self) -> Duration {
        // Its client takes what one read brings for one message all the same.
        READ_GAP
    }

    fn server(&self, settings: &Settings) -> Box<dyn ServerSession> {
        Box::new(server::Session::new(settings))
    }

    fn client(&self) -> Box<dyn ClientSession> {
        Box::new(JsonLinesClient::default())
    }

    fn person(&self) -> Box<dyn ClientSession> {
        Box::new(JsonLinesClient::person())
    }

    fn is_begun_by(&self, first: &[u8]) -> bool {
        first.starts_with(b"{")
    }
}
