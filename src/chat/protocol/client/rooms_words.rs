//! Meanings of program 3's words, without regard to who hears them.

use crate::chat::message::{Event, Refusal, Request};

/// Above and below what is said to everyone; the second to clients that may understand ASCII only.
const RULES: [&str; 2] = ["──────────────", "--------------"];

/// True of a command that the original lacks.
pub(super) fn is_added(request: &Request) -> bool {
    matches!(request, Request::Create { private: true, .. } | Request::Invite { .. } | Request::Close { .. })
}

/// True if the event is our server's answer to a command that the original does not know.
pub(super) fn answers(event: &Event, command: &str) -> bool {
    match event {
        Event::Created { room } | Event::Refused(Refusal::RoomExists(room)) => command.contains(&**room),
        Event::Invited { .. } | Event::Closed { .. } => true,
        Event::Refused(refusal) => !matches!(refusal, Refusal::Other(_)),
        _ => false,
    }
}

/// True if it is the server's last word about an answer to a prompt.
pub(super) fn confirms(event: &Event) -> bool {
    matches!(event, Event::Said { .. } | Event::Hidden | Event::Revealed | Event::Refused(_))
}

/// Message to everyone, and the text that follows it.
pub(super) fn broadcast(text: &str) -> Option<(Event, &str)> {
    let text = text.strip_prefix('\n')?;
    let rule = RULES.into_iter().find(|rule| text.starts_with(rule))?;
    let inner = text[rule.len()..].strip_prefix('\n')?;
    let (head, said) = inner.split_once('\n')?;
    let (from, _) = head.rsplit_once("  ")?;
    let end = said.find(&format!("\n{rule}"))?;
    let rest = &said[end + 1 + rule.len()..];
    Some((Event::Message { from: from.into(), text: said[..end].into() }, rest))
}
