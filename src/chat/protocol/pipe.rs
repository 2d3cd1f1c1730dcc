//! The dialect of program 4: words separated by `|`, private messages only, without frames.
//!
//! Its client knows no broadcast: what others say to everyone reaches it as a message of theirs, and
//! what it writes to `all` goes to everyone. Between `WELCOME` and the first `USERS` there is a
//! pause, because its client takes what one read brings for one message.

use std::borrow::Cow;
use std::rc::Rc;

use super::client;
use super::session::{Asked, ClientSession, Encodings, Moment, ServerSession};
use super::text::{BREAK, Outbox, Utf8, one_line, push_parts};
use super::{After, Dialect, Malformed, READ_GAP, Settings};
use crate::chat::message::{Event, Name, Refusal, Request};
use crate::time::{Duration, Instant};

/// Most bytes that program 4's client reads at once.
const READ: usize = 2048;
/// The person to whom everyone listens.
pub const EVERYONE: &str = "all";

/// Program 4's language.
#[derive(Debug)]
pub(super) struct Pipe;

impl Dialect for Pipe {
    fn name(&self) -> &'static str {
        "pipe"
    }

    fn summary(&self) -> &'static str {
        "words separated by |, private messages (program 4)"
    }

    fn port(&self) -> u16 {
        5555
    }

    fn is_framed(&self) -> bool {
        false
    }

    fn pacing(&self) -> Duration {
        READ_GAP
    }

    fn server(&self, settings: &Settings) -> Box<dyn ServerSession> {
        Box::new(Session::new(settings))
    }

    fn client(&self) -> Box<dyn ClientSession> {
        Box::new(client::pipe::PipeClient::default())
    }

    fn is_begun_by(&self, first: &[u8]) -> bool {
        ["WELCOME|", "USERS|", "MSG|", "SYSTEM|", "ERROR|"]
            .iter()
            .any(|word| first.starts_with(word.as_bytes()))
    }
}

/// The server's side of a connection.
#[derive(Debug)]
pub(super) struct Session {
    utf8: Utf8,
    named: bool,
    /// True if the list ends with [`EVERYONE`].
    lists_everyone: bool,
    max_text: usize,
    /// The pause after `WELCOME`, and its end.
    pause: Duration,
    silent_until: Option<Instant>,
    out: Outbox,
}

impl Session {
    pub fn new(settings: &Settings) -> Session {
        Session {
            utf8: Utf8::default(),
            named: false,
            lists_everyone: settings.list_everyone,
            max_text: settings.max_text,
            pause: settings.welcome_pause,
            silent_until: None,
            out: Outbox::default(),
        }
    }
}

impl ServerSession for Session {
    fn receive(&mut self, _: Moment, bytes: &[u8], out: &mut Asked) -> Result<(), Malformed> {
        let text = self.utf8.decode(bytes);
        if !self.named {
            self.named = true;
            out.push(Request::Join { nick: text.trim().to_owned() });
        } else if let Some((to, text)) = text.split_once('|') {
            let text = text.trim_end_matches(['\r', '\n']).into();
            let said = if to == EVERYONE {
                Request::Say { text }
            } else {
                Request::Tell { to: to.to_owned(), text }
            };
            push_parts(out, said, self.max_text);
        } else {
            // To nobody.
            out.note(text.len());
        }
        Ok(())
    }

    fn tell(&mut self, moment: Moment, event: &Event, encodings: &mut Encodings) -> After {
        let encode = |event: &Event, bytes: &mut Vec<u8>| encode(event, self.lists_everyone, bytes);
        let shared = encodings.get("pipe", |bytes| encode(event, bytes));
        self.out.push_event(event, shared, READ, shape, encode);
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

    fn poll_send(&mut self) -> Option<Rc<[u8]>> {
        // The welcome itself goes at once: it was asked for in the same breath.
        match self.silent_until {
            Some(_) if !self.out.is_first_of("WELCOME|") => None,
            _ => self.out.pop(),
        }
    }

    fn waiting_bytes(&self) -> usize {
        self.out.bytes()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.silent_until
    }

    fn handle_timeout(&mut self, _: Moment, _: &mut Asked) -> After {
        self.silent_until = None;
        After::Stay
    }
}

/// A text as it is shown: in one line, and with U+00A6 for the bar, behind which its client shows nothing.
fn shape(text: &str) -> Cow<'_, str> {
    let line = one_line(text, BREAK);
    if line.contains('|') { Cow::Owned(line.replace('|', "\u{a6}")) } else { line }
}

fn encode(event: &Event, lists_everyone: bool, out: &mut Vec<u8>) {
    let words = match event {
        Event::Welcome { .. } => "WELCOME|Connected successfully!".to_owned(),
        Event::People { names } => list(names, lists_everyone),
        Event::Message { from, text } | Event::Past { from, text, .. } | Event::Direct { from, text } => {
            format!("MSG|{from}|{}", shape(text))
        }
        Event::RoomMessage { room, from, text } => format!("MSG|{from}|[#{room}] {}", shape(text)),
        Event::Rejected(Refusal::NickTaken) => "ERROR|Username already taken.".to_owned(),
        Event::Rejected(refusal) => format!("ERROR|{refusal}."),
        Event::Refused(Refusal::NoSuchPerson(nick)) => format!("SYSTEM|User '{nick}' is not online."),
        Event::Refused(refusal) => format!("SYSTEM|{refusal}."),
        Event::Notice { text } => format!("SYSTEM|{}", shape(text)),
        Event::Invitation { room, from } => format!("SYSTEM|{from} invites you to room '{room}'."),
        Event::Closed { room, by } => format!("SYSTEM|Room '{room}' was closed by {by}."),
        // Its client hears of coming and going by the list.
        _ => return,
    };
    out.extend_from_slice(words.as_bytes());
}

/// As many names as one read of the client takes: a list in two reads is none.
fn list(names: &[Name], with_everyone: bool) -> String {
    let mut words = "USERS|".to_owned();
    let room = READ - if with_everyone { EVERYONE.len() + 1 } else { 0 };
    for (n, name) in names.iter().enumerate() {
        if words.len() + 1 + name.len() > room {
            break;
        }
        words.push_str(if n > 0 { "," } else { "" });
        words.push_str(name);
    }
    if with_everyone {
        words.push_str(if names.is_empty() { "" } else { "," });
        words.push_str(EVERYONE);
    }
    words
}
