//! The server's side of a page's connection.

use std::collections::VecDeque;
use std::rc::Rc;

use super::frame::{self, Fault, From, Piece, Reader};
use super::kept::Kept;
use crate::chat::files::PART;
use crate::chat::message::{Event, Request};
use crate::chat::protocol::commands::{self, Command};
use crate::chat::protocol::json::Object;
use crate::chat::protocol::json_lines::{self, Spoken};
use crate::chat::protocol::session::{Asked, Encodings, Moment, ServerSession};
use crate::chat::protocol::{After, Malformed, Settings, Timestamp};
use crate::time::{Duration, Instant};

/// Silence after which the server asks for a sign of life, and after which it gives the client up.
const SILENT: Duration = Duration::from_secs(25);
const DEAD: Duration = Duration::from_secs(60);
/// Bytes of a message beside its text, each of whose bytes may be escaped as six.
const AROUND: usize = 4_096;

/// Bytes of a part of a file in Base64.
const PART_TEXT: usize = (PART as usize).div_ceil(3) * 4;

/// Form of an event for all pages.
const FORM: &str = "web";

/// The server's side of a connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
pub(super) struct Session {
    frames: Reader,
    limit: usize,
    has_joined: bool,
    takes_files: bool,
    takes_hints: bool,
    opens_envelopes: bool,
    out: VecDeque<Rc<[u8]>>,
    /// Messages that may have to be sent again, if the client wishes that.
    kept: Option<Kept>,
    /// Messages of the client that are counted, those that are served, and those that it knows to be.
    heard: u64,
    served: u64,
    confirmed: u64,
    /// For each that is not served: the error, where the session itself finds it.
    answers: VecDeque<Option<String>>,
    /// True if the client has said its last.
    has_closed: bool,
    last_word: Instant,
    /// True if a ping is under way since then.
    has_pinged: bool,
}

impl Session {
    /// A session whose client has said nothing yet.
    pub fn new(settings: &Settings) -> Session {
        let limit = AROUND + PART_TEXT.max(6 * settings.max_text);
        Session {
            frames: Reader::new(From::Client, limit),
            limit,
            has_joined: false,
            takes_files: false,
            takes_hints: false,
            opens_envelopes: false,
            out: VecDeque::new(),
            kept: None,
            heard: 0,
            served: 0,
            confirmed: 0,
            answers: VecDeque::new(),
            has_closed: false,
            last_word: Instant::ZERO,
            has_pinged: false,
        }
    }

    fn hear(&mut self, piece: Piece<'_>, out: &mut Asked) -> Result<(), Fault> {
        match piece {
            // Behind its close frame a client says nothing (RFC 6455 §5.5.1).
            _ if self.has_closed => Ok(()),
            Piece::Text(text) => self.hear_text(text, out),
            Piece::Ping(payload) => {
                let mut pong = Vec::new();
                frame::push_pong(payload, None, &mut pong);
                self.out.push_back(pong.into());
                Ok(())
            }
            Piece::Pong => Ok(()),
            Piece::Close => {
                self.has_closed = true;
                self.ask(Some(Request::Leave), None, out);
                Ok(())
            }
        }
    }

    fn hear_text(&mut self, text: &str, out: &mut Asked) -> Result<(), Fault> {
        let spoken = json_lines::parse(text.as_bytes()).ok_or(Fault::Policy)?;
        match spoken.kind.text() {
            "seen" => {
                let count = spoken.count.number().ok_or(Fault::Policy)?;
                let is_seen = self.kept.as_mut().is_some_and(|kept| kept.on_seen(count));
                return if is_seen { Ok(()) } else { Err(Fault::Policy) };
            }
            "join" if !self.has_joined => {
                self.has_joined = true;
                (self.takes_files, self.takes_hints) = (spoken.files.flag(), spoken.hints.flag());
                self.opens_envelopes = spoken.sealed.flag();
                self.kept = spoken.resumes.flag().then(Kept::default);
                self.heard += 1;
                self.ask(Some(join(&spoken)), None, out);
            }
            _ if !self.has_joined => return Err(Fault::Policy),
            "line" => {
                self.heard += 1;
                match commands::parse(spoken.message.text()) {
                    Some(Command::Ask(request)) => self.ask(Some(request), None, out),
                    Some(Command::Usage(usage)) => {
                        self.ask(None, Some(format!("Usage: {usage}")), out);
                    }
                    Some(Command::Unknown) | None => {
                        let words = "Unknown command: /help names those that there are";
                        self.ask(None, Some(words.to_owned()), out);
                    }
                }
            }
            _ => {
                self.heard += 1;
                self.ask(json_lines::request(&spoken), None, out);
            }
        }
        Ok(())
    }

    /// Something for the room, or for the session when it is its turn.
    fn ask(&mut self, request: Option<Request>, answer: Option<String>, out: &mut Asked) {
        self.answers.push_back(answer);
        match request {
            Some(request) => out.push(request),
            None => out.note(0),
        }
    }

    fn send(&mut self, message: Rc<[u8]>) {
        if let Some(kept) = &mut self.kept {
            kept.push(Rc::clone(&message));
        }
        self.out.push_back(message);
    }

    fn confirm(&mut self) -> Rc<[u8]> {
        self.confirmed = self.served;
        message(|line| line.kind("heard").number("count", self.heard).number("served", self.served))
    }
}

impl ServerSession for Session {
    fn open(&mut self, moment: Moment, _: usize, _: &mut Asked) {
        self.last_word = moment.now;
    }

    fn receive(&mut self, moment: Moment, bytes: &[u8], out: &mut Asked) -> Result<(), Malformed> {
        (self.last_word, self.has_pinged) = (moment.now, false);
        let mut frames = std::mem::replace(&mut self.frames, Reader::new(From::Client, self.limit));
        let result = frames.feed(bytes, |piece| self.hear(piece, out));
        self.frames = frames;
        result.map_err(Fault::into)
    }

    fn on_served(&mut self, _: Moment) {
        if let Some(answer) = self.answers.pop_front() {
            self.served += 1;
            if let Some(words) = answer {
                let number = self.served;
                self.send(message(|line| {
                    line.kind("error").member("message", &words).number("number", number)
                }));
            }
        }
    }

    fn tell(&mut self, moment: Moment, event: &Event, encodings: &mut Encodings) -> After {
        if answers(event) {
            let mut own = Vec::new();
            push_message(&mut own, |bytes| {
                json_lines::encode_event(event, moment.at, bytes);
                Object::add_number(bytes, "number", self.served);
            });
            self.send(own.into());
            return After::Stay;
        }
        let shared = Rc::clone(encodings.get(FORM, |out| encode(event, moment.at, out)));
        if !shared.is_empty() {
            self.send(shared);
        }
        let after = json_lines::after(event);
        if after == After::Close {
            self.kept = None;
            self.out.push_back(frame::CLOSE.into());
        }
        after
    }

    fn is_framed(&self) -> bool {
        true
    }

    fn takes_files(&self) -> bool {
        self.takes_files
    }

    fn takes_hints(&self) -> bool {
        self.takes_hints
    }

    fn opens_envelopes(&self) -> bool {
        self.opens_envelopes
    }

    fn poll_send(&mut self) -> Option<Rc<[u8]>> {
        if self.out.is_empty() && self.kept.is_some() && self.served > self.confirmed {
            return Some(self.confirm());
        }
        self.out.pop_front()
    }

    fn waiting_bytes(&self) -> usize {
        self.kept.as_ref().map_or(0, Kept::bytes)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.last_word + if self.has_pinged { DEAD } else { SILENT })
    }

    fn minds_silence(&self) -> bool {
        true
    }

    fn handle_timeout(&mut self, _: Moment, _: &mut Asked) -> After {
        if self.has_pinged {
            return After::Close;
        }
        self.has_pinged = true;
        self.out.push_back(frame::PING.into());
        After::Stay
    }

    fn outlives_connection(&self) -> bool {
        self.kept.is_some() && !self.has_closed
    }

    fn resume(&mut self, moment: Moment, seen: u64) -> bool {
        let Some(kept) = &mut self.kept else { return false };
        if self.has_closed || !kept.on_seen(seen) {
            return false;
        }
        self.out = kept.iter().map(Rc::clone).collect();
        let heard = self.confirm();
        self.out.push_front(heard);
        self.frames = Reader::new(From::Client, self.limit);
        (self.last_word, self.has_pinged) = (moment.now, false);
        true
    }
}

fn join(spoken: &Spoken<'_>) -> Request {
    let (nick, password) = (spoken.username.text(), spoken.password.text());
    let nick = if password.is_empty() { nick.to_owned() } else { format!("{nick}:{password}") };
    Request::Join { nick }
}

/// A message to one client.
fn message(line: impl FnOnce(Object<'_>) -> Object<'_>) -> Rc<[u8]> {
    let mut out = Vec::new();
    push_message(&mut out, |bytes| line(Object(bytes)).close_line());
    out.into()
}

/// True of an answer to what the client said last; nobody else hears it.
fn answers(event: &Event) -> bool {
    use Event::{Refused, Said, SaidIn, SealedTo, Told};
    matches!(event, Said { .. } | Told { .. } | SaidIn { .. } | SealedTo(_) | Refused(_))
}

/// A frame around what is encoded, if that is anything.
fn push_message(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let mut line = Vec::with_capacity(512);
    encode(&mut line);
    if let Some(line) = line.strip_suffix(b"\n") {
        frame::push_text(line, out);
    }
}

fn encode(event: &Event, at: Timestamp, out: &mut Vec<u8>) {
    push_message(out, |bytes| match event {
        Event::Past { unix_nanos, from, text } => Object(bytes)
            .kind("chat")
            .member("username", from)
            .member("message", text)
            .timestamp(Timestamp::from_unix_nanos(*unix_nanos))
            .flag("past")
            .close_line(),
        Event::Help => Object(bytes).kind("help").member("message", commands::HELP).close_line(),
        event => json_lines::encode_event(event, at, bytes),
    });
}
