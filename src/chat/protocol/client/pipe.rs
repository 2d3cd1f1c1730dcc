//! A client of program 4.

use std::sync::Arc;

use super::outbox::Outbox;
use super::{GAP, between, notice, refusal, without_password};
use crate::chat::message::{Event, Name, Refusal, Request};
use crate::chat::protocol::session::{ClientSession, Moment, NotSaid};
use crate::chat::protocol::text::Utf8;
use crate::chat::protocol::{EVERYONE, Malformed};
use crate::time::Duration;

const WELCOME: &str = "WELCOME|Connected successfully!";

/// Why a text to everyone reaches nobody on an original server.
const PRIVATE_ONLY: &str = "this server knows private messages only: /whisper NAME TEXT";

/// Speaks words separated by `|`.
#[derive(Debug, Default)]
pub struct Client {
    utf8: Utf8,
    nick: Name,
    out: Outbox,
}

/// A whole message.
fn understand(text: &str) -> Event {
    let unknown = || Event::Notice { text: text.into() };
    let Some((word, rest)) = text.split_once('|') else { return unknown() };
    match word {
        "USERS" => {
            let names = rest.split(',').filter(|name| !name.is_empty() && *name != EVERYONE);
            Event::People { names: Arc::new(names.map(Name::from).collect()) }
        }
        "MSG" => match rest.split_once('|') {
            // It does not say who else hears it.
            Some((from, text)) => Event::Message { from: from.into(), text: text.into() },
            None => unknown(),
        },
        "SYSTEM" => match between(rest, "User '", "' is not online.") {
            // Only on ours somebody hears for all.
            Some(EVERYONE) => Event::Refused(Refusal::Other(PRIVATE_ONLY.into())),
            Some(nick) => Event::Refused(Refusal::NoSuchPerson(nick.into())),
            None => notice(rest),
        },
        "ERROR" => Event::Rejected(refusal(rest.trim_end_matches('.'))),
        _ => unknown(),
    }
}

impl ClientSession for Client {
    fn ask(&mut self, _: Moment, request: &Request) -> Result<(), NotSaid> {
        let words = match request {
            Request::Join { nick } => {
                self.nick = without_password(nick).into();
                self.out.send(nick.trim());
                return Ok(());
            }
            Request::Say { text } => format!("{EVERYONE}|{text}"),
            Request::Tell { to, text } => format!("{to}|{text}"),
            // Whoever leaves just closes.
            _ => return Err(NotSaid::NoWords),
        };
        self.out.send_inside(&words)
    }

    fn receive(&mut self, _: Moment, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let text = self.utf8.decode(bytes);
        let mut rest = text.as_str();
        // The original's server sends it and the list so close that they merge.
        if let (Some(after), false) = (rest.strip_prefix(WELCOME), self.out.is_in()) {
            self.out.let_in();
            out.push(Event::Welcome { nick: self.nick.clone(), people: Arc::default() });
            rest = after;
        }
        if !rest.is_empty() {
            out.push(understand(rest));
        }
        Ok(())
    }

    fn poll_send(&mut self) -> Option<Arc<[u8]>> {
        self.out.pop()
    }

    fn gap(&self) -> Duration {
        GAP
    }
}
