//! A client of program 4.

use std::rc::Rc;
use std::sync::Arc;

use super::outbox::Outbox;
use super::{notice, refusal, without_password};
use crate::chat::message::{Event, Name, Refusal, Request};
use crate::chat::protocol::session::{ClientSession, Manner, Moment, NotSaid};
use crate::chat::protocol::text::Utf8;
use crate::chat::protocol::{EVERYONE, Malformed, READ_GAP};
use crate::time::Duration;

const WELCOME: &str = "WELCOME|Connected successfully!";

/// Around the name of somebody who is not there.
const ABSENT: &str = "SYSTEM|User '";
const NOT_ONLINE: &str = "' is not online.";

/// Reason for which a text to everyone reaches nobody on an original server.
const PRIVATE_ONLY: &str = "this server knows private messages only: /whisper NAME TEXT";

/// Speaks words separated by `|`.
#[derive(Debug, Default)]
pub struct PipeClient {
    utf8: Utf8,
    nick: Name,
    /// True once it has asked anything.
    has_asked: bool,
    /// Answers about nobody that are still to come.
    fences: usize,
    out: Outbox,
}

/// A name that nobody can have, because servers trim names: what is said to it is answered, and the answer
/// shows that everything before was.
const NOBODY: &str = " ";

/// That answer, of the original's server and of ours.
const ABOUT_NOBODY: [&str; 2] = ["SYSTEM|User ' ' is not online.", "SYSTEM|User '' is not online."];

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
        "SYSTEM" => notice(rest),
        "ERROR" => Event::Rejected(refusal(rest.trim_end_matches('.'))),
        _ => unknown(),
    }
}

/// Somebody to whom something was said is not there.
fn absent(nick: &str) -> Event {
    Event::Refused(match nick {
        // Only on ours somebody hears for all.
        EVERYONE => Refusal::Other(PRIVATE_ONLY.into()),
        nick => Refusal::NoSuchPerson(nick.into()),
    })
}

impl ClientSession for PipeClient {
    fn manner(&self) -> Manner {
        Manner { is_private: true, ..Manner::default() }
    }

    fn speaks(&self, request: &Request) -> Result<(), NotSaid> {
        match request {
            Request::Join { .. } | Request::Say { .. } | Request::Tell { .. } => Ok(()),
            Request::People => Err(NotSaid::ByItself),
            // Leaving has no words: the client just closes.
            _ => Err(NotSaid::NoWords),
        }
    }

    fn fence(&mut self, _: Moment) {
        // Nothing asked, nothing answered.
        if self.has_asked && self.out.send_inside(&format!("{NOBODY}|")).is_ok() {
            self.fences += 1;
        }
    }

    fn unsettled(&self) -> usize {
        self.fences
    }

    fn ask(&mut self, _: Moment, request: &Request) -> Result<(), NotSaid> {
        self.speaks(request)?;
        let words = match request {
            Request::Join { nick } => {
                self.nick = without_password(nick).into();
                self.out.send(nick.trim());
                return Ok(());
            }
            Request::Say { text } => format!("{EVERYONE}|{text}"),
            Request::Tell { to, text } => format!("{to}|{text}"),
            _ => return Err(NotSaid::NoWords),
        };
        self.has_asked = true;
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
        // The original's server merges what it says in quick succession, and this comes last.
        if self.fences > 0
            && let Some(before) = ABOUT_NOBODY.into_iter().find_map(|words| rest.strip_suffix(words))
        {
            self.fences -= 1;
            rest = before;
        }
        // Answers that came together.
        while let Some((nick, after)) = rest.strip_prefix(ABSENT).and_then(|rest| rest.split_once(NOT_ONLINE))
        {
            match self.fences.checked_sub(1).filter(|_| nick.trim().is_empty()) {
                Some(left) => self.fences = left,
                None => out.push(absent(nick)),
            }
            rest = after;
        }
        if !rest.is_empty() {
            out.push(understand(rest));
        }
        Ok(())
    }

    fn poll_send(&mut self) -> Option<Rc<[u8]>> {
        self.out.pop()
    }

    fn gap(&self) -> Duration {
        READ_GAP
    }
}
