//! The languages of the chat. A dialect turns bytes into requests and events into bytes on the
//! server's side, and the reverse on the client's. A new one is one file here and one line in
//! [`DIALECTS`].
//!
//! The state of a connection (half a line, joined or not) lives in the two sessions;
//! encoding an event does not, so one encoding serves every recipient: see [`Encodings`].

mod client;
pub mod commands;
pub mod guess;
mod json;
mod json_lines;
mod lines;
mod pipe;
mod reliable;
mod rooms;
mod session;
mod settings;
mod shared_port;
mod slash;
mod text;
mod web;

use std::fmt;

use super::marker;
use super::message::Event;
use crate::time::{Duration, Instant};

pub use client::without_password;
pub use pipe::EVERYONE;
pub use session::{Account, Ask, Asked, ClientSession, Encodings, Manner, Moment, NotSaid, ServerSession};
pub use settings::{Settings, Timing};
pub use shared_port::{SLASH_OR_PIPE, SPEAKS_WITHIN, SharedPort, listeners, usual_listeners};
pub use text::clock as clock_text;

/// The name under which the server itself speaks; nobody can have it.
pub const SERVER: &str = "server";

/// Beginning of the words with which the server ends the connection of a person whom an administrator
/// disconnects, and refuses to let them in again.
pub const KICKED: &str = "You were disconnected by an administrator";

/// Least time between two messages to a peer that takes what one read brings for one message.
const READ_GAP: Duration = Duration::from_millis(10);

/// Program 0's: length-prefixed JSON, acknowledged.
pub const RELIABLE: &dyn Dialect = &reliable::Reliable;
/// Program 1's: one JSON object per line.
pub const JSON_LINES: &dyn Dialect = &json_lines::JsonLines;
/// Program 2's: bare text, slash commands.
pub const SLASH: &dyn Dialect = &slash::Slash;
/// Program 3's: bare text, rooms.
pub const ROOMS: &dyn Dialect = &rooms::Rooms;
/// Program 4's: words separated by `|`.
pub const PIPE: &dyn Dialect = &pipe::Pipe;

/// The page's: JSON in WebSocket messages.
pub const WEB: &dyn Dialect = &web::Web;

/// Every dialect. To add yours, add a file and a line.
pub static DIALECTS: &[&dyn Dialect] = &[RELIABLE, JSON_LINES, SLASH, ROOMS, PIPE, WEB];

/// The dialect of that name.
pub fn by_name(name: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().copied().find(|dialect| dialect.name() == name)
}

/// The dialects that keep their messages apart on a stream: those that scenarios can speak.
pub fn framed() -> impl Iterator<Item = &'static dyn Dialect> {
    DIALECTS.iter().copied().filter(|dialect| dialect.is_framed())
}

/// One language of the chat. Two are equal if they have one name.
pub trait Dialect: fmt::Debug + Sync {
    /// Name by which scenarios and the command line choose it.
    fn name(&self) -> &'static str;

    /// One line about it, for lists.
    fn summary(&self) -> &'static str;

    /// Usual port of its program.
    fn port(&self) -> u16;

    /// True if its messages keep their borders on a stream; without frames, one read is one message.
    fn is_framed(&self) -> bool;

    /// Least time between two messages to a client: most programs take what one read brings for one message.
    fn pacing(&self) -> Duration;

    /// The server's side of a new connection.
    fn server(&self, settings: &Settings) -> Box<dyn ServerSession>;

    /// The client's side of a new connection.
    fn client(&self) -> Box<dyn ClientSession>;

    /// The client's side for a synthetic person, which says nothing that it is not asked to say and hears by
    /// [`ClientSession::listen`] only.
    fn person(&self) -> Box<dyn ClientSession> {
        self.client()
    }

    /// True if a server's first words show that it speaks this dialect.
    fn is_begun_by(&self, _first: &[u8]) -> bool {
        false
    }

    /// True if a connection of it begins with a handshake of HTTP, which is over when its sessions begin.
    fn speaks_http(&self) -> bool {
        false
    }

    /// The dialects of a [`SharedPort`]: of clients that wait for a greeting, and of those that speak first.
    fn told_apart(&self) -> Option<[&'static dyn Dialect; 2]> {
        None
    }
}

impl PartialEq for dyn Dialect {
    fn eq(&self, other: &dyn Dialect) -> bool {
        self.name() == other.name()
    }
}

impl Eq for dyn Dialect {}

/// Event that a synthetic person understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is in.
    Welcome,
    /// Something that it asked for was refused.
    Refused,
    /// Somebody else's synthetic message, by its number.
    Message(u32),
}

impl Heard {
    /// Meaning of an event for a synthetic person, if it has one.
    pub fn of(event: &Event) -> Option<Heard> {
        match event {
            Event::Welcome { .. } => Some(Heard::Welcome),
            Event::Rejected(_) | Event::Refused(_) => Some(Heard::Refused),
            Event::Message { text, .. } | Event::Direct { text, .. } | Event::RoomMessage { text, .. } => {
                marker::read(text.as_bytes()).map(Heard::Message)
            }
            _ => None,
        }
    }
}

/// The bytes are no sentence of the dialect; the connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Bytes to send before closing; may be empty.
    pub farewell: &'static [u8],
}

/// State of the connection after an event was sent.
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
    /// Start of a world: 2023-11-14 22:13:20 UTC, a fixed instant, so that two runs agree.
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
        let all: Vec<_> = listeners().collect();
        for (n, dialect) in all.iter().enumerate() {
            assert!(all[..n].iter().all(|other| other != dialect), "{dialect:?}");
            assert!(!dialect.summary().is_empty());
            assert_eq!(by_name(dialect.name()).is_some(), dialect.told_apart().is_none());
        }
        assert!(by_name("morse").is_none());
    }

    #[test]
    fn only_program_0_and_the_page_take_several_messages_at_once() {
        for dialect in listeners() {
            let gap = if [RELIABLE, WEB].contains(&dialect) { Duration::ZERO } else { READ_GAP };
            assert_eq!(dialect.pacing(), gap, "{dialect:?}");
        }
    }
}
