//! Requests as program 0's server reads them.

use crate::chat::message::Request;
use crate::chat::protocol::client::no_command;
use crate::chat::protocol::commands::PRIVATE;

/// The type of all that program 0's server does not know: it drops it and does not say it aloud.
pub const UNKNOWN_TO_ORIGINALS: &str = "private_message";
/// The type of signs of life, and of the answers to them.
pub const HEARTBEATS: &str = "heartbeat";

/// The type and the content of the message that asks for it.
pub fn words(request: &Request) -> (&'static str, String) {
    let ours = |words: String| (UNKNOWN_TO_ORIGINALS, words);
    match request {
        // On the same connection a second join is another name.
        Request::Join { nick } | Request::Rename { nick } => ("join", nick.trim().to_owned()),
        Request::Leave => ("leave", "leaving".to_owned()),
        Request::Say { text } => ("chat", no_command(text)),
        Request::Ping => (HEARTBEATS, "ping".to_owned()),
        Request::Tell { to, text } => ours(format!("@{to} {text}")),
        Request::Create { room, private: false } => ours(format!("/create {room}")),
        Request::Create { room, private: true } => ours(format!("/create {room} {PRIVATE}")),
        Request::Invite { to, room } => ours(format!("/invite {to} {}", room.as_deref().unwrap_or_default())),
        Request::Close { room } => ours(format!("/close {room}")),
        Request::Enter { room, .. } => ours(format!("/join {room}")),
        Request::Exit { room } => ours(format!("/leave {room}")),
        Request::SayIn { room, text } | Request::Post { room, text } => ours(format!("/room {room} {text}")),
        Request::People => ours("/list".to_owned()),
        Request::Rooms => ours("/rooms".to_owned()),
        Request::Hide => ours("/hide".to_owned()),
        Request::Reveal => ours("/reveal".to_owned()),
        Request::Help => ours("/help".to_owned()),
        // Its clients refuse to say it.
        Request::File(_) | Request::Hint(_) | Request::Seal { .. } => ours(String::new()),
    }
}
