//! The client's side of a connection in each dialect, so that our own programs can talk to any of
//! the five servers.
//!
//! Without frames one read is one text of the server. What is known by its words becomes the event
//! that it tells; anything else is an [`Event::Notice`](crate::chat::message::Event::Notice), so
//! that nothing the server says is lost.

pub(super) mod json_lines;
mod outbox;
pub(super) mod pipe;
pub(super) mod rooms;
mod rooms_steps;
mod rooms_words;
pub(super) mod slash;
pub(super) mod web;

use super::session::NotSaid;
use crate::chat::message::{Event, Refusal};

/// The nick in what a person gives: where the server keeps accounts, `NICK:PASSWORD`.
pub fn without_password(given: &str) -> &str {
    given.split(':').next().unwrap_or_default().trim()
}

/// A refusal in the words of [`Refusal`], or in others.
pub(super) fn refusal(words: &str) -> Refusal {
    Refusal::parse(words).unwrap_or_else(|| Refusal::Other(words.into()))
}

/// A server's words: a refusal of ours, the proper use of a command, or whatever they are.
pub(super) fn notice(words: &str) -> Event {
    let bare = words.trim_end_matches('.');
    match Refusal::parse(bare) {
        Some(refusal) => Event::Refused(refusal),
        None if bare.starts_with("Usage: ") => Event::Refused(Refusal::Other(words.into())),
        None => Event::Notice { text: words.into() },
    }
}

/// The answer of a server that does not know what was asked.
pub(super) fn unknown() -> Event {
    Event::Refused(Refusal::Other(NotSaid::Unknown.to_string().into()))
}

/// Text between two known parts.
pub(super) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

/// The nick that a server gives to a newcomer whose own was taken.
pub(super) fn numbered(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?.split_once("' is taken; you are ").map(|(_, nick)| nick)
}

/// A text as one line: where a line is a message, a second one would be another message.
pub(super) fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

/// A text to be said where a slash at the start makes a command: U+2215 looks like it.
pub(super) fn no_command(text: &str) -> String {
    match text.trim_start().strip_prefix('/') {
        Some(rest) => format!("\u{2215}{}", one_line(rest)),
        None => one_line(text),
    }
}
