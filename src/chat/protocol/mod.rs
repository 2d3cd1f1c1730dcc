//! The languages of the chat. A dialect turns bytes into requests and events into bytes on the
//! server's side, and the reverse on the client's. A new one is one file here and one line in
//! [`DIALECTS`].
//!
//! What depends on the connection (half a line, whether it has joined) lives in the [`Decoder`] and
//! the [`Listener`]; encoding an event does not, so one encoding serves every recipient.

mod client;
pub mod commands;
pub mod guess;
mod json;
mod json_lines;
mod kind;
mod lines;
mod pipe;
mod reliable;
mod rooms;
mod session;
mod slash;
mod text;

use std::fmt;

use super::message::{Event, Request};
use crate::time::{Duration, Instant};

pub use client::{client_session, without_password};
pub use json_lines::JsonLines;
pub use kind::{Kind, SPEAKS_WITHIN, Settings, server_session};
pub use pipe::EVERYONE;
pub use session::{
    Account, Ask, Asked, ClientSession, Encodings, FORMS, Manner, Moment, NotSaid, ServerSession,
};
pub use text::clock as clock_text;

/// The name under which the server itself speaks; nobody can have it.
pub const SERVER: &str = "server";

/// How the words begin with which the server ends the connection of somebody whom an administrator
/// disconnects, and refuses to let them in again.
pub const KICKED: &str = "You were disconnected by an administrator";

/// Every dialect there is.
pub static DIALECTS: &[&dyn Dialect] = &[&JsonLines];

/// The dialect of that name.
pub fn by_name(name: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().copied().find(|dialect| dialect.name() == name)
}

/// One language of the chat.
pub trait Dialect: fmt::Debug + Sync {
    /// The name by which scenarios choose it.
    fn name(&self) -> &'static str;

    /// One line about it, for lists.
    fn summary(&self) -> &'static str;

    /// How long a new connection may take to join before it is closed.
    fn join_within(&self) -> Option<Duration>;

    /// The longest nick that it lets in, in characters.
    fn nick_chars(&self) -> usize;

    /// The server's ear for a new connection.
    fn decoder(&self) -> Box<dyn Decoder>;

    /// Appends what the server sends for `event`, which may be nothing.
    fn encode_event(&self, event: &Event, at: Timestamp, out: &mut Vec<u8>) -> After;

    /// Appends what a client sends for `request`, which may be nothing.
    fn encode_request(&self, request: &Request, out: &mut Vec<u8>);

    /// The ear of a client that wants to understand everything.
    fn reader(&self) -> Box<dyn Reader>;

    /// The ear of a synthetic person called `nick`.
    fn listener(&self, nick: &str) -> Box<dyn Listener>;
}

/// Understands what one client sends.
pub trait Decoder: fmt::Debug + Send {
    /// Takes the next bytes, cut anywhere, and appends the requests that are complete.
    fn decode(&mut self, bytes: &[u8], out: &mut Vec<Request>) -> Result<(), Malformed>;
}

/// Understands what the server sends.
pub trait Reader: fmt::Debug + Send {
    /// Takes the next bytes, cut anywhere, and appends the events that are complete.
    fn decode(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed>;
}

/// Picks out of what the server sends only what a synthetic person must know. Without parsing,
/// because a busy room makes everybody hear everything.
pub trait Listener: fmt::Debug + Send {
    /// Takes the next bytes, cut anywhere, and appends what they say. Needs memory for the start
    /// of one message only, and ignores what it does not understand.
    fn listen(&mut self, bytes: &[u8], out: &mut Vec<Heard>);
}

/// What a synthetic person understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is in.
    Welcome,
    /// Something that it asked for was refused.
    Refused,
    /// Somebody else's synthetic message, by its number.
    Message(u32),
}

/// The bytes are no sentence of the dialect; the connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What to send before closing; may be empty.
    pub farewell: &'static [u8],
}

/// What becomes of the connection after an event was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It goes on.
    Stay,
    /// The server closes it.
    Close,
}

/// A point in civil time, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(u64);

impl Timestamp {
    /// When a world begins: 2023-11-14 22:13:20 UTC, a fixed instant, so that two runs agree.
    pub const EPOCH: Timestamp = Timestamp(1_700_000_000_000_000_000);

    /// The civil time of an instant of a world that began at [`Timestamp::EPOCH`].
    pub fn of_world(now: Instant) -> Timestamp {
        Timestamp(Self::EPOCH.0.saturating_add(now.as_nanos()))
    }

    /// So many nanoseconds after 1970.
    pub const fn from_unix_nanos(nanos: u64) -> Timestamp {
        Timestamp(nanos)
    }

    /// Nanoseconds since 1970.
    pub const fn unix_nanos(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_found() {
        for (n, dialect) in DIALECTS.iter().enumerate() {
            let found = by_name(dialect.name()).map(Dialect::name);
            assert_eq!(found, Some(dialect.name()));
            assert!(DIALECTS[..n].iter().all(|other| other.name() != dialect.name()));
            assert!(!dialect.summary().is_empty());
        }
        assert!(by_name("morse").is_none());
    }
}
