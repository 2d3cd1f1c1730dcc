//! The dialect of program 4: words separated by `|`, private messages only, without frames.
//!
//! Its client knows no broadcast: what others say to everyone reaches it as a message of theirs, and
//! what it writes to `all` goes to everyone. Between `WELCOME` and the first `USERS` there is a
//! pause, because its client takes what one read brings for one message.

use std::sync::Arc;

use super::session::{Encodings, Moment, ServerSession};
use super::text::{Outbox, Utf8};
use super::{After, Malformed};
use crate::chat::message::{Event, Refusal, Request};
use crate::time::{Duration, Instant};

/// What program 4's client reads at once.
const READ: usize = 2048;
/// The person to whom everyone listens.
pub(super) const EVERYONE: &str = "all";

/// The server's side of a connection.
#[derive(Debug)]
pub(super) struct Session {
    form: usize,
    utf8: Utf8,
    named: bool,
    /// The pause after `WELCOME`, and its end.
    pause: Duration,
    silent_until: Option<Instant>,
    out: Outbox,
}

impl Session {
    pub fn new(form: usize, pause: Duration) -> Session {
        let (utf8, out) = (Utf8::default(), Outbox::default());
        Session { form, utf8, named: false, pause, silent_until: None, out }
    }
}

impl ServerSession for Session {
    fn receive(&mut self, _: Moment, bytes: &[u8], out: &mut Vec<Request>) -> Result<(), Malformed> {
        let text = self.utf8.decode(bytes);
        if !self.named {
            let nick = text.trim();
            // Either would break the list of users.
            if nick.is_empty() || nick.contains(['|', ',']) {
                return Err(Malformed { farewell: b"ERROR|Invalid username." });
            }
            self.named = true;
            out.push(Request::Join { nick: nick.to_owned() });
        } else if let Some((to, text)) = text.split_once('|') {
            let text = text.trim_end_matches(['\r', '\n']).into();
            out.push(if to == EVERYONE {
                Request::Say { text }
            } else {
                Request::Tell { to: to.to_owned(), text }
            });
        }
        Ok(())
    }

    fn tell(&mut self, moment: Moment, event: &Event, encodings: &mut Encodings) -> After {
        let shared = encodings.get(self.form, |bytes| encode(event, bytes));
        self.out.push_shared(shared, READ);
        match event {
            Event::Welcome { .. } => {
                self.silent_until = Some(moment.now + self.pause);
                After::Stay
            }
            Event::Rejected(_) | Event::Bye => After::Close,
            _ => After::Stay,
        }
    }

    fn is_framed(&self) -> bool {
        false
    }

    fn wants_people(&self) -> bool {
        true
    }

    fn poll_send(&mut self) -> Option<Arc<[u8]>> {
        // The welcome itself goes at once: it was asked for in the same breath.
        match self.silent_until {
            Some(_) if !self.out.is_first_of("WELCOME|") => None,
            _ => self.out.pop(),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.silent_until
    }

    fn handle_timeout(&mut self, _: Moment) -> After {
        self.silent_until = None;
        After::Stay
    }
}

fn encode(event: &Event, out: &mut Vec<u8>) {
    let words = match event {
        Event::Welcome { .. } => "WELCOME|Connected successfully!".to_owned(),
        Event::People { names } => {
            let shown: Vec<String> = names.iter().map(|name| name.replace(['|', ','], "_")).collect();
            format!("USERS|{}", shown.join(","))
        }
        Event::Message { from, text } | Event::Past { from, text, .. } | Event::Direct { from, text } => {
            format!("MSG|{from}|{text}")
        }
        Event::RoomMessage { room, from, text } => format!("MSG|{from}|[{room}] {text}"),
        Event::Rejected(Refusal::NickTaken) => "ERROR|Username already taken.".to_owned(),
        Event::Rejected(refusal) => format!("ERROR|{refusal}."),
        Event::Refused(Refusal::NoSuchPerson(nick)) => format!("SYSTEM|User '{nick}' is not online."),
        Event::Refused(refusal) => format!("SYSTEM|{refusal}."),
        Event::Notice { text } => format!("SYSTEM|{text}"),
        // Its client hears of coming and going by the list.
        _ => return,
    };
    out.extend_from_slice(words.as_bytes());
}
