//! The server's side of a connection of program 0.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::Write as _;
use std::rc::Rc;

use super::frame::{Frames, LONGEST, TooLong};
use super::message::{Message, Parsed, acknowledged, acknowledging, parse, quoted, seconds};
use super::seen::Seen;
use super::window::Window;
use super::words::{content, kind};
use crate::chat::message::{Event, Request};
use crate::chat::names;
use crate::chat::protocol::Timing;
use crate::chat::protocol::commands::{self, Command};
use crate::chat::protocol::session::{Account, Asked, Encodings, Moment, ServerSession};
use crate::chat::protocol::{After, Malformed, SERVER, Timestamp};
use crate::time::{Duration, Instant};

/// After a `leave` the client closes; a server that is faster makes it join again.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// The server's side of a connection.
#[derive(Debug)]
pub struct Session {
    frames: Frames,
    variant: Variant,
    /// True if it has asked to join.
    joins: bool,
    timing: Timing,
    window: Window,
    /// Frames that need no acknowledgment.
    out: VecDeque<Rc<[u8]>>,
    /// Answers due once their requests are served, in order.
    held: VecDeque<Answer>,
    seen: Seen,
    heard: Instant,
    look_at: Option<Instant>,
    close_at: Option<Instant>,
    /// Numbers of its own messages.
    made: u64,
}

/// The forms of a shared message: with six members, with eight, and the id alone, by which either is
/// acknowledged.
const SIX: &str = "reliable, six members";
const EIGHT: &str = "reliable, eight members";
const ID: &str = "reliable, id";

/// Answer to a message.
#[derive(Debug)]
struct Answer {
    /// The digest of the message: identifiers collide.
    to: [u8; 8],
    /// True if the client asks to leave.
    leaves: bool,
    acknowledgment: Rc<[u8]>,
    /// Further words of the answer.
    words: Option<Frame>,
}

/// The frame of a message to be acknowledged, and its id.
#[derive(Debug)]
struct Frame {
    id: Rc<[u8]>,
    bytes: Rc<[u8]>,
}

/// Meaning of a message.
enum Meaning {
    Request(Request),
    /// It is answered, by a message of this type.
    Words(&'static str, String),
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    Unknown,
    Six,
    Eight,
    /// The network tester.
    Test,
}

impl Session {
    /// A session whose client has said nothing yet.
    pub fn new(timing: Timing) -> Session {
        Session {
            frames: Frames::new(LONGEST),
            variant: Variant::Unknown,
            joins: false,
            timing,
            window: Window::new(timing),
            out: VecDeque::new(),
            held: VecDeque::new(),
            seen: Seen::default(),
            heard: Instant::ZERO,
            look_at: None,
            close_at: None,
            made: 0,
        }
    }

    fn hear(&mut self, moment: Moment, parsed: Parsed<'_>, out: &mut Asked) {
        let message = match parsed {
            Parsed::Dropped(_) => return,
            // A client that has spoken a variant of the real format is no tester, and the reverse.
            Parsed::Test(_) if !matches!(self.variant, Variant::Unknown | Variant::Test) => return,
            Parsed::Message(_) if self.variant == Variant::Test => return,
            Parsed::Test(id) => {
                self.variant = Variant::Test;
                self.look_at.get_or_insert(moment.now + self.timing.look);
                out.answer(test_reply(moment.at, &id).into());
                return;
            }
            Parsed::Message(message) => message,
        };
        if self.variant == Variant::Unknown {
            self.variant = if message.order.is_some() { Variant::Eight } else { Variant::Six };
        }
        match &*message.kind {
            "ack" => {
                self.window.on_ack(moment.now, &acknowledged(&message.content));
                return;
            }
            "chat" | "heartbeat" | "join" | "leave" | "private_message" | "retransmit" => {}
            "server_info" | "user_list" if self.variant == Variant::Eight => {}
            // Not acknowledged, as in the original.
            _ => return,
        }
        let digest = message.digest();
        if self.held.iter().any(|answer| answer.to == digest) {
            return;
        }
        let (_, acknowledgment) = self.make(moment, "ack", &acknowledging(&message.id));
        let meaning = if self.seen.is_new(digest) { self.meaning(&message) } else { Meaning::Nothing };
        let mut answer =
            Answer { to: digest, leaves: false, acknowledgment: acknowledgment.into(), words: None };
        match meaning {
            Meaning::Request(request) => {
                answer.leaves = request == Request::Leave;
                out.push(request);
            }
            Meaning::Words(kind, content) => {
                let (id, bytes) = self.make(moment, kind, &content);
                answer.words = Some(Frame { id: id.into_bytes().into(), bytes: bytes.into() });
                out.note(0);
            }
            Meaning::Nothing => out.note(0),
        }
        self.held.push_back(answer);
    }

    /// Meaning of a new message.
    fn meaning(&mut self, message: &Message<'_>) -> Meaning {
        let text = message.content.trim();
        match &*message.kind {
            "join" => {
                let wanted = if text.is_empty() { message.sender.trim() } else { text };
                let nick = wanted.to_owned();
                // A second join is another name, even if it comes before the answer to the first.
                let again = std::mem::replace(&mut self.joins, true);
                Meaning::Request(if again { Request::Rename { nick } } else { Request::Join { nick } })
            }
            "heartbeat" if text == "ping" => Meaning::Words("heartbeat", "pong".to_owned()),
            "leave" => Meaning::Request(Request::Leave),
            // Ours asks so for what the original would say aloud.
            "private_message" if is_command(text) => said(text),
            "private_message" => match text.strip_prefix('@').and_then(names::split_first) {
                Some((to, said)) => Meaning::Request(Request::Tell { to: to.to_owned(), text: said.into() }),
                None => Meaning::Words("chat", "*** write a private message as @name text ***".to_owned()),
            },
            "chat" => said(text),
            _ => Meaning::Nothing,
        }
    }

    fn order(&self) -> Option<(i64, i64)> {
        (self.variant == Variant::Eight).then_some((1, self.made.cast_signed()))
    }

    fn own_id(&mut self, kind: &str, at: Timestamp) -> String {
        self.made += 1;
        // Shared messages are called `broadcast`, so that no number is given twice.
        format!("{kind}_{}_{}", at.unix_nanos() / 1_000_000_000, 999 + self.made)
    }

    /// A message of its own: its id and its frame.
    fn make(&mut self, moment: Moment, kind: &str, content: &str) -> (String, Vec<u8>) {
        let id = self.own_id(kind, moment.at);
        let message = Message {
            id: Cow::Borrowed(&id),
            kind: kind.into(),
            sender: SERVER.into(),
            content: content.into(),
            timestamp: seconds(moment.at),
            order: self.order(),
        };
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        (id, bytes)
    }

    /// A message to this client alone, to be acknowledged.
    fn send(&mut self, moment: Moment, kind: &str, content: &str) {
        let (id, bytes) = self.make(moment, kind, content);
        self.push(moment, id.into_bytes().into(), bytes.into());
    }

    fn push(&mut self, moment: Moment, id: Rc<[u8]>, bytes: Rc<[u8]>) {
        self.window.push(id, bytes);
        self.fill(moment.now);
    }

    fn fill(&mut self, now: Instant) {
        while let Some(bytes) = self.window.poll(now) {
            self.out.push_back(bytes);
        }
    }
}

impl ServerSession for Session {
    fn open(&mut self, moment: Moment, _: usize, _: &mut Asked) {
        self.heard = moment.now;
    }

    fn receive(&mut self, moment: Moment, bytes: &[u8], out: &mut Asked) -> Result<(), Malformed> {
        self.heard = moment.now;
        let mut frames = std::mem::take(&mut self.frames);
        let result = frames.feed(bytes, |frame| self.hear(moment, parse(frame), out));
        self.frames = frames;
        self.fill(moment.now);
        result.map_err(|TooLong| Malformed { farewell: b"" })
    }

    fn on_served(&mut self, moment: Moment) {
        // A client that waits for its turn need not give a sign of life.
        self.heard = moment.now;
        let Some(answer) = self.held.pop_front() else { return };
        if answer.leaves {
            self.close_at.get_or_insert(moment.now + CLOSE_WITHIN);
        }
        self.out.push_back(answer.acknowledgment);
        if let Some(Frame { id, bytes }) = answer.words {
            self.push(moment, id, bytes);
        }
    }

    fn on_refused(&mut self, moment: Moment) {
        self.heard = moment.now;
        if let Some(refused) = self.held.pop_front() {
            self.seen.forget(refused.to);
        }
    }

    fn tell(&mut self, moment: Moment, event: &Event, encodings: &mut Encodings) -> After {
        if matches!(event, Event::Welcome { .. }) {
            self.look_at = Some(moment.now + self.timing.look);
        }
        if self.variant != Variant::Test && self.close_at.is_none() {
            let eight = self.variant == Variant::Eight;
            let serial = encodings.serial;
            let id = Rc::clone(encodings.get(ID, |out| {
                let seconds = moment.at.unix_nanos() / 1_000_000_000;
                // Writing into memory cannot fail.
                let _ = write!(out, "broadcast_{seconds}_{}", 1_000 + serial);
            }));
            let form = if eight { EIGHT } else { SIX };
            let shared = encodings.get(form, |out| {
                let Some(content) = content(event) else { return };
                let at = match event {
                    Event::Past { unix_nanos, .. } => Timestamp::from_unix_nanos(*unix_nanos),
                    _ => moment.at,
                };
                let message = Message {
                    id: String::from_utf8_lossy(&id),
                    kind: kind(event, eight).into(),
                    sender: SERVER.into(),
                    content: content.into(),
                    timestamp: seconds(at),
                    order: eight.then_some((1, serial.cast_signed())),
                };
                message.encode(out);
            });
            if !shared.is_empty() {
                let shared = Rc::clone(shared);
                self.push(moment, id, shared);
            }
        }
        match event {
            Event::Rejected(_) => After::Close,
            _ => After::Stay,
        }
    }

    fn on_end_of_file(&mut self) {
        self.out.extend(self.window.release());
    }

    fn is_framed(&self) -> bool {
        true
    }

    fn numbers_duplicates(&self) -> bool {
        true
    }

    fn must_join(&self) -> bool {
        self.variant != Variant::Test
    }

    fn account(&self) -> Option<Account> {
        Some(self.window.account())
    }

    fn waiting_bytes(&self) -> usize {
        self.window.bytes()
    }

    fn poll_send(&mut self) -> Option<Rc<[u8]>> {
        self.out.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.window.timeout(), self.look_at, self.close_at].into_iter().flatten().min()
    }

    fn minds_silence(&self) -> bool {
        true
    }

    fn handle_timeout(&mut self, moment: Moment, _: &mut Asked) -> After {
        let now = moment.now;
        if self.close_at.is_some_and(|at| at <= now) {
            return After::Close;
        }
        if self.look_at.is_some_and(|at| at <= now) {
            let silence = now.saturating_since(self.heard);
            if silence > self.timing.dead {
                return After::Close;
            }
            if silence > self.timing.heartbeat && self.variant != Variant::Test {
                self.send(moment, "heartbeat", "ping");
            }
            self.look_at = Some(now + self.timing.look);
        }
        match self.window.handle_timeout(now) {
            Ok(again) => self.out.extend(again),
            Err(_) => return After::Close,
        }
        After::Stay
    }
}

fn is_command(text: &str) -> bool {
    matches!(commands::parse(text), Some(Command::Ask(_) | Command::Usage(_)))
}

/// A text to everyone, or a command.
fn said(text: &str) -> Meaning {
    match commands::parse(text) {
        Some(Command::Ask(Request::Help)) => Meaning::Words("chat", commands::HELP.to_owned()),
        Some(Command::Ask(request)) => Meaning::Request(request),
        Some(Command::Usage(usage)) => Meaning::Words("chat", format!("*** usage: {usage} ***")),
        // Program 0 has no commands: other words with a slash are said like all others.
        Some(Command::Unknown) | None => Meaning::Request(Request::Say { text: text.into() }),
    }
}

/// The tester counts one frame, whatever it says.
fn test_reply(at: Timestamp, id: &str) -> Vec<u8> {
    let json = format!(
        r#"{{"id": {}, "type": "ack", "username": "{SERVER}", "content": {}, "timestamp": {}}}"#,
        quoted(&format!("ack_{id}")),
        quoted(id),
        seconds(at),
    );
    let mut frame = (json.len() as u32).to_be_bytes().to_vec();
    frame.extend_from_slice(json.as_bytes());
    frame
}
