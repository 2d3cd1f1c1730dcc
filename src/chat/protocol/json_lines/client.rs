//! The client's side: what it writes, and all that it understands.

use std::sync::Arc;

use serde_json::Value;

use super::{EXTENSIONS, files};
use crate::chat::message::{Event, Name, Request};
use crate::chat::protocol::Malformed;
use crate::chat::protocol::client::refusal;
use crate::chat::protocol::json::Object;
use crate::chat::protocol::lines::Lines;

/// The longest line that a reader takes: a welcome lists everyone who is here.
const EVENT_LIMIT: usize = 4 << 20;

pub(in crate::chat::protocol) fn encode_request(request: &Request, out: &mut Vec<u8>) {
    let line = Object(out);
    match request {
        Request::Join { nick } => line.kind("join").member("username", nick),
        Request::Leave => line.kind("leave"),
        Request::Say { text } => line.kind("chat").member("message", text),
        Request::Tell { to, text } => line.kind("private").member("to", to).member("message", text),
        Request::Create { room, private: false } => line.kind("create_room").member("room", room),
        Request::Create { room, private: true } => {
            line.kind("create_room").member("room", room).flag("private")
        }
        Request::Invite { to, room } => {
            let line = line.kind("invite").member("to", to);
            if let Some(room) = room { line.member("room", room) } else { line }
        }
        Request::Close { room } => line.kind("close_room").member("room", room),
        Request::Enter { room, create: true } => line.kind("join_room").member("room", room),
        Request::Enter { room, create: false } => {
            line.kind("join_room").member("room", room).flag("existing")
        }
        Request::Exit { room } => line.kind("leave_room").member("room", room),
        Request::SayIn { room, text } | Request::Post { room, text } => {
            line.kind("room").member("room", room).member("message", text)
        }
        Request::People => line.kind("users"),
        Request::Rooms => line.kind("rooms"),
        Request::Rename { nick } => line.kind("rename").member("username", nick),
        Request::Hide => line.kind("hide"),
        Request::Reveal => line.kind("reveal"),
        Request::Ping => line.kind("ping"),
        Request::Help => line.kind("help"),
        Request::Hint(to) => files::recipient(line.kind("typing"), to),
        Request::Seal { to, envelope } => line.kind("sealed").member("to", to).member("message", envelope),
        Request::File(request) => files::encode_request(line, request),
    }
    .close_line();
}

/// Understands all that a server says.
#[derive(Debug)]
pub(in crate::chat::protocol) struct EventReader {
    lines: Lines,
    is_extended: bool,
}

impl Default for EventReader {
    fn default() -> EventReader {
        EventReader { lines: Lines::new(EVENT_LIMIT), is_extended: false }
    }
}

impl EventReader {
    /// True if the server has said in its welcome that it knows more than program 1's.
    pub fn is_extended(&self) -> bool {
        self.is_extended
    }

    /// Takes the next bytes, cut anywhere, and appends the events that are complete.
    pub fn decode(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        self.lines.feed(bytes, |line| {
            let value: Value = serde_json::from_slice(line).map_err(|_| Malformed { farewell: b"" })?;
            self.is_extended |= value["type"] == "welcome" && value[EXTENSIONS] == true;
            out.extend(event(&value));
            Ok(())
        })
    }
}

/// The event that a server's line tells; unknown types are ignored. On the wire an echo looks like
/// any message, and every refusal is an error.
fn event(value: &Value) -> Option<Event> {
    let text = |name: &str| -> Name { value[name].as_str().unwrap_or_default().into() };
    let list = |name: &str| {
        let values = value[name].as_array().map(Vec::as_slice).unwrap_or_default();
        Arc::new(values.iter().filter_map(Value::as_str).map(Name::from).collect::<Vec<_>>())
    };
    Some(match value["type"].as_str()? {
        "welcome" => {
            let people = list("users");
            Event::Welcome { nick: people.last().cloned().unwrap_or_default(), people }
        }
        "user_joined" => Event::Joined { nick: text("username") },
        "user_left" => Event::Left { nick: text("username") },
        "chat" => Event::Message { from: text("username"), text: text("message") },
        "private" => Event::Direct { from: text("username"), text: text("message") },
        "private_sent" => Event::Told { to: text("to"), text: text("message") },
        "room" => Event::RoomMessage { room: text("room"), from: text("username"), text: text("message") },
        "error" => Event::Refused(refusal(&text("message"))),
        "room_created" => Event::Created { room: text("room") },
        "invitation" => Event::Invitation { room: text("room"), from: text("username") },
        "invited" => Event::Invited { room: text("room"), to: text("to") },
        "room_closed" => Event::Closed { room: text("room"), by: text("username") },
        "room_joined" => Event::Entered { room: text("room") },
        "room_left" => Event::Exited { room: text("room") },
        "users" => Event::People { names: list("users") },
        "rooms" => Event::Rooms { names: list("rooms") },
        "user_renamed" => Event::Renamed { from: text("username"), to: text("to") },
        "renamed" => Event::NickChanged { to: text("to") },
        "hidden" => Event::Hidden,
        "revealed" => Event::Revealed,
        "typing" => {
            let room = Some(text("room")).filter(|room| !room.is_empty());
            Event::Hint(text("username"), room)
        }
        "sealed" => Event::Sealed(text("username"), text("message")),
        "sealed_sent" => Event::SealedTo(text("to")),
        "pong" => Event::Pong,
        "help" => Event::Help,
        kind => return files::event(kind, value).map(Event::File),
    })
}
