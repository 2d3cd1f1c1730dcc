//! Program 0's names of events, and the texts that its client shows for them.

use std::borrow::Cow;

use crate::chat::message::Event;
use crate::chat::protocol::text::{BREAK, one_line};

/// The type under which an event goes; the six-member programs know none for private messages.
pub fn kind(event: &Event, eight: bool) -> &'static str {
    match event {
        Event::Direct { .. } if eight => "private_message",
        Event::People { .. } if eight => "user_list",
        _ => "chat",
    }
}

/// A text as it is shown: in one line, because the client prints it after nothing but a time of day.
fn shape(text: &str) -> Cow<'_, str> {
    one_line(text, BREAK)
}

/// Text that program 0's client shows for an event, if any.
pub fn content(event: &Event) -> Option<String> {
    Some(match event {
        Event::Joined { nick } => format!("*** {nick} joined the chat ***"),
        Event::Left { nick } => format!("*** {nick} left the chat ***"),
        Event::Message { from, text } | Event::Past { from, text, .. } => {
            format!("[{from}]: {}", shape(text))
        }
        Event::Direct { from, text } => format!("[PRIVATE from {from}]: {}", shape(text)),
        // A room has its mark, which no nick has.
        Event::RoomMessage { room, from, text } => format!("[#{room}] [{from}]: {}", shape(text)),
        Event::Renamed { from, to } => format!("*** {from} is now {to} ***"),
        Event::NickChanged { to } => format!("*** you are now {to} ***"),
        Event::People { names } => format!("*** here: {} ***", names.join(", ")),
        Event::Rooms { names } if names.is_empty() => "*** there are no rooms ***".to_owned(),
        Event::Rooms { names } => format!("*** rooms: {} ***", names.join(", ")),
        Event::Created { room } => format!("*** room {room} was created ***"),
        Event::Invitation { room, from } => format!("*** {from} invites you to room {room} ***"),
        Event::Invited { room, to } => format!("*** {to} is invited to room {room} ***"),
        Event::Closed { room, by } => format!("*** room {room} was closed by {by} ***"),
        Event::Entered { room } => format!("*** you are in room {room} ***"),
        Event::Exited { room } => format!("*** you have left room {room} ***"),
        Event::Rejected(refusal) | Event::Refused(refusal) => format!("*** {refusal} ***"),
        Event::Hidden => "*** you are invisible ***".to_owned(),
        Event::Revealed => "*** you are visible ***".to_owned(),
        Event::Pong => "*** pong ***".to_owned(),
        Event::Notice { text } => shape(text).into_owned(),
        // No welcome, no echo, no farewell: the acknowledgment says it.
        Event::Welcome { .. } | Event::Said { .. } | Event::Told { .. } | Event::SaidIn { .. } => {
            return None;
        }
        Event::Bye
        | Event::Help
        | Event::File(_)
        | Event::Hint(..)
        | Event::Sealed(..)
        | Event::SealedTo(_) => return None,
    })
}
