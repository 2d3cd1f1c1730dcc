//! The dialect of program 2: bare text and slash commands, without frames. Every text of the server
//! begins with the time of day in brackets.
//!
//! The original exists in three variants; this is the one that asks for a name, or, as a setting,
//! the one that gives names (`User 1`). Departures: an empty name and a command at the name prompt
//! are asked again; who has not named itself hears nothing yet; invalid UTF-8 is replaced; a long text is cut
//! into parts that are all said to the same people, because the end of a long whisper is no public message. For the
//! same reason its further lines belong to it, up to the next command, unless the client ends all that it sends
//! with a newline. A line of such a client is one however many reads bring it.

use std::borrow::Cow;
use std::rc::Rc;

use super::client;
use super::commands::{self, Command};
use super::session::{Asked, ClientSession, Encodings, Moment, ServerSession};
use super::text::{BREAK, Outbox, Utf8, answer, clock, is_stamped, one_line, push_parts};
use super::{After, Dialect, Malformed, READ_GAP, Settings, Timestamp};
use crate::chat::message::{Event, Refusal, Request};
use crate::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// Most bytes that program 2's client reads at once.
const READ: usize = 1024;
/// Wait for the rest of a line that a read cut: a lost packet of it is repeated by then.
const REST: Duration = Duration::from_secs(1);

const COMMANDS: &str = "Available commands:\n\
    \x20 /help - Show available commands\n\
    \x20 /list - List all connected users\n\
    \x20 /whisper - Send a private message to a user: /whisper <username> <message>\n\
    \x20 /exit - Disconnect from the server\n\
    \x20 /nick - Change your username: /nick <new_username>\n";

/// Program 2's language.
#[derive(Debug)]
pub(super) struct Slash;

impl Dialect for Slash {
    fn name(&self) -> &'static str {
        "slash"
    }

    fn summary(&self) -> &'static str {
        "bare text and slash commands (program 2)"
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
        Box::new(client::slash::SlashClient::default())
    }

    fn is_begun_by(&self, first: &[u8]) -> bool {
        is_stamped(first)
    }
}

/// The server's side of a connection.
#[derive(Debug)]
pub(super) struct Session {
    /// The name that the server gives, if it does.
    given: Option<String>,
    max_text: usize,
    utf8: Utf8,
    state: State,
    /// True if its client ends all that it sends with a newline; not known before its first words.
    sends_lines: Option<bool>,
    /// Of such a client, a line that a read cut, and until when the rest is waited for.
    cut: String,
    cut_until: Option<Instant>,
    /// The nick that it last asked for.
    asked: String,
    out: Outbox,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing it says is anything but its name.
    Naming,
    /// The room has not answered yet.
    Asked,
    Named,
}

impl Session {
    /// A session that asks for a name, or gives this one.
    pub fn new(settings: &Settings) -> Session {
        Session {
            given: settings.next_name(),
            max_text: settings.max_text,
            utf8: Utf8::default(),
            state: State::Naming,
            sends_lines: None,
            cut: String::new(),
            cut_until: None,
            asked: String::new(),
            out: Outbox::default(),
        }
    }

    fn say(&mut self, moment: Moment, words: &str) {
        self.out.push(&spoken(moment, words), READ);
    }

    /// Reads the bytes of one read, which may be several messages.
    fn take(&mut self, moment: Moment, text: &str, out: &mut Asked) {
        let mut rest = text.trim();
        if rest.is_empty() {
            self.hear(moment, rest, out);
        }
        while !rest.is_empty() {
            let (message, after) = match self.state {
                State::Asked | State::Named if self.sends_lines != Some(true) => {
                    commands::split_message(rest)
                }
                _ => rest.split_once('\n').unwrap_or((rest, "")),
            };
            self.hear(moment, message, out);
            rest = after.trim_start();
        }
    }

    /// One message.
    fn hear(&mut self, moment: Moment, line: &str, out: &mut Asked) {
        let line = line.trim();
        let mut reply = |words: &str| answer(out, &spoken(moment, words), READ);
        if self.state == State::Naming {
            if line.is_empty() || line.starts_with('/') {
                reply("Please enter your username:");
                return;
            }
            line.clone_into(&mut self.asked);
            self.state = State::Asked;
            out.push(Request::Join { nick: line.to_owned() });
            return;
        }
        match commands::parse(line) {
            None if line.is_empty() => {}
            None => {
                push_parts(out, Request::Say { text: line.into() }, self.max_text);
            }
            Some(Command::Ask(Request::Help)) if line.to_ascii_lowercase().ends_with("all") => {
                reply(commands::HELP);
            }
            Some(Command::Ask(request)) => {
                if let Request::Rename { nick } = &request {
                    nick.clone_into(&mut self.asked);
                }
                push_parts(out, request, self.max_text);
            }
            Some(Command::Usage(usage)) => reply(&format!("Usage: {usage}")),
            Some(Command::Unknown) => {
                let word = line.split_whitespace().next().unwrap_or_default();
                reply(&format!("Unknown command: {word}. Type /help for available commands."));
            }
        }
    }
}

impl ServerSession for Session {
    fn open(&mut self, moment: Moment, connected: usize, out: &mut Asked) {
        let greeting = format!("Welcome to the TCP Chat Server! There are {connected} clients connected.");
        self.say(moment, &greeting);
        if let Some(nick) = self.given.clone() {
            self.state = State::Asked;
            out.push(Request::Join { nick });
        } else {
            self.say(moment, "Please enter your username:");
        }
    }

    fn receive(&mut self, moment: Moment, bytes: &[u8], out: &mut Asked) -> Result<(), Malformed> {
        let mut text = std::mem::take(&mut self.cut);
        text.push_str(&self.utf8.decode(bytes));
        self.cut_until = None;
        // A tool ends whatever its person types with a newline; a program that does not may have sent one text.
        if self.sends_lines.is_none() && !text.trim().is_empty() {
            self.sends_lines = Some(text.contains('\n'));
        }
        if self.sends_lines == Some(true) {
            let whole = text.rfind('\n').map_or(0, |at| at + 1);
            if whole < text.len() && text.len() - whole <= self.max_text {
                self.cut = text.split_off(whole);
                self.cut_until = Some(moment.now + REST);
            }
        }
        // A read without anything asks for the prompt again.
        if !text.is_empty() || self.cut.is_empty() {
            self.take(moment, &text, out);
        }
        Ok(())
    }

    fn on_served(&mut self, moment: Moment) {
        // Nothing is read while much is to be served.
        self.cut_until = self.cut_until.map(|_| moment.now + REST);
    }

    fn finish(&mut self, moment: Moment, out: &mut Asked) {
        self.cut_until = None;
        let text = std::mem::take(&mut self.cut);
        if !text.is_empty() {
            self.take(moment, &text, out);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.cut_until
    }

    fn minds_silence(&self) -> bool {
        true
    }

    fn handle_timeout(&mut self, moment: Moment, out: &mut Asked) -> After {
        self.sends_lines = Some(false);
        self.finish(moment, out);
        After::Stay
    }

    fn tell(&mut self, moment: Moment, event: &Event, encodings: &mut Encodings) -> After {
        match event {
            Event::Welcome { nick, .. } => {
                self.state = State::Named;
                let words = if self.given.is_some() {
                    format!(
                        "You have been assigned the username '{nick}'. You can change it using the /nick command."
                    )
                } else {
                    format!("Welcome, {nick}! Type /help for available commands.")
                };
                self.say(moment, &words);
            }
            Event::Rejected(Refusal::NickTaken) => {
                self.state = State::Naming;
                let words = format!("Username '{}' is already taken. Please choose another:", self.asked);
                self.say(moment, &words);
            }
            Event::Rejected(refusal) if refusal.is_of_nick() => {
                self.state = State::Naming;
                self.say(moment, &format!("{refusal}. Please choose another:"));
            }
            Event::Refused(Refusal::NickTaken) => {
                let words = format!("Username '{}' is already taken.", self.asked);
                self.say(moment, &words);
            }
            event => {
                let shared = encodings.get("slash", |bytes| encode(event, moment, bytes));
                self.out.push_event(event, shared, READ, shape, |event, bytes| encode(event, moment, bytes));
            }
        }
        match event {
            Event::Rejected(refusal) if refusal.is_of_nick() => After::Stay,
            Event::Rejected(_) | Event::Bye => After::Close,
            _ => After::Stay,
        }
    }

    fn is_framed(&self) -> bool {
        false
    }

    fn numbers_duplicates(&self) -> bool {
        self.given.is_some()
    }

    fn poll_send(&mut self) -> Option<Rc<[u8]>> {
        self.out.pop()
    }
}

/// A text as it is shown: in one line, because every line of this dialect is a message, and without what
/// looks like the start of one, because the network may join two.
fn shape(text: &str) -> Cow<'_, str> {
    let mut line = one_line(text, BREAK);
    let starts = line.match_indices('[').map(|(at, _)| at);
    let stamps: Vec<usize> = starts.filter(|&at| is_stamped(&line.as_bytes()[at..])).collect();
    for at in stamps {
        line.to_mut().replace_range(at..=at, "(");
    }
    line
}

/// Words of the server.
fn spoken(moment: Moment, words: &str) -> String {
    format!("[{}] [SERVER] {words}", clock(moment))
}

/// Encoding of an event, the same for everybody. A room has its mark, which no nick has.
fn encode(event: &Event, moment: Moment, out: &mut Vec<u8>) {
    let words = match event {
        Event::Message { from, text } | Event::Past { from, text, .. } => format!("[{from}] {}", shape(text)),
        Event::Direct { from, text } => format!("[PRIVATE FROM {from}] {}", shape(text)),
        Event::Told { to, text } => format!("[PRIVATE TO {to}] {}", shape(text)),
        Event::RoomMessage { room, from, text } => format!("[#{room}] [{from}] {}", shape(text)),
        Event::Said { .. }
        | Event::SaidIn { .. }
        | Event::Welcome { .. }
        | Event::File(_)
        | Event::Hint(..)
        | Event::Sealed(..)
        | Event::SealedTo(_) => return,
        Event::Joined { nick } => format!("[SERVER] User '{nick}' has joined the chat."),
        Event::Left { nick } => format!("[SERVER] User '{nick}' has left the chat."),
        Event::Bye => "[SERVER] Disconnecting...".to_owned(),
        Event::Renamed { from, to } => format!("[SERVER] User '{from}' is now known as '{to}'."),
        Event::NickChanged { to } => format!("[SERVER] Your username has been changed to '{to}'."),
        Event::People { names } => {
            let mut words = format!("[SERVER] Connected users ({}):\n", names.len());
            for name in names.iter() {
                words.push_str(&format!("  - {name}\n"));
            }
            words
        }
        Event::Rooms { names } if names.is_empty() => "[SERVER] There are no rooms.".to_owned(),
        Event::Rooms { names } => format!("[SERVER] Rooms: {}", names.join(", ")),
        Event::Created { room } => format!("[SERVER] Room '{room}' was created."),
        Event::Invitation { room, from } => {
            format!("[SERVER] {from} invites you to room '{room}': /join {room}")
        }
        Event::Invited { room, to } => format!("[SERVER] {to} is invited to room '{room}'."),
        Event::Closed { room, by } => format!("[SERVER] Room '{room}' was closed by {by}."),
        Event::Entered { room } => format!("[SERVER] You are in room '{room}'."),
        Event::Exited { room } => format!("[SERVER] You have left room '{room}'."),
        Event::Rejected(refusal) | Event::Refused(refusal) => format!("[SERVER] {refusal}."),
        Event::Notice { text } => format!("[SERVER] {}", shape(text)),
        Event::Hidden => "[SERVER] You are invisible.".to_owned(),
        Event::Revealed => "[SERVER] You are visible.".to_owned(),
        Event::Pong => "[SERVER] pong".to_owned(),
        Event::Help => format!("[SERVER] {COMMANDS}"),
    };
    let at = match event {
        Event::Past { unix_nanos, .. } => Moment { at: Timestamp::from_unix_nanos(*unix_nanos), ..moment },
        _ => moment,
    };
    out.extend_from_slice(format!("[{}] {words}", clock(at)).as_bytes());
}
