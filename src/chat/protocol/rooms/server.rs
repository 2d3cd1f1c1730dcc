//! The server's side of a connection of program 3.

use std::borrow::Cow;
use std::rc::Rc;

use crate::chat::message::{Event, Name, Refusal, Request};
use crate::chat::names;
use crate::chat::protocol::commands::{self, Command};
use crate::chat::protocol::session::{Asked, Encodings, Moment, ServerSession};
use crate::chat::protocol::text::{BREAK, Outbox, Utf8, answer, one_line, push_parts, short_clock};
use crate::chat::protocol::{After, Malformed, Settings, Timestamp};

/// Most bytes that program 3's client reads at once.
const READ: usize = 1024;
/// As much of it as a nick may take before a text: 32 characters of four bytes, a colon and a blank.
const AUTHOR: usize = 130;

/// Above and below what is said to everyone.
const RULE: &str = "──────────────";
const ASCII_RULE: &str = "--------------";
/// A line break in a text, where [`BREAK`] may not be understood.
const ASCII_BREAK: &str = " / ";

/// Commands that stand alone, and those that a name or a text follows.
const ALONE: &[&str] = &["/members", "/get_rooms", "/quit", "/broadcast", "/hide", "/reveal"];
const WITH_ROOM: &[&str] = &["/create_room", "/join", "/leave"];
const OTHER: &[&str] = &["/room", "/dm"];
/// Commands of ours, on a line of their own: the originals have none of them.
const ADDED: &[&str] = &["/create", "/invite", "/close", "/help"];
const HELP: &str = "Commands: /members, /broadcast (then the text), /dm USER TEXT, /get_rooms, /create_room ROOM, \
    /create ROOM --private, /join ROOM, /leave ROOM, /room ROOM TEXT, /invite NAME ROOM, /close ROOM, /hide, \
    /reveal, /help, /quit";

/// The server's side of a connection.
#[derive(Debug)]
pub(super) struct Session {
    charset: Charset,
    /// True if it may post to rooms that it is not in.
    posts_outside: bool,
    max_text: usize,
    utf8: Utf8,
    state: State,
    nick: Name,
    /// The command whose refusal would come next.
    asked: &'static str,
    /// Parts of texts that are not confirmed, because a text is confirmed once.
    parts: usize,
    out: Outbox,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Naming,
    Idle,
    AwaitText,
    AwaitHidden,
    AwaitShown,
}

/// True if a text that stands on a line of its own reads as an unasked message of the server.
fn passes_for_server(text: &str) -> bool {
    let starts = text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("Server:"));
    starts || text.trim_end_matches('.').ends_with(" is offline")
}

/// Characters that its client understands. The older one ends at any character that is not ASCII, so the
/// server adds none of its own before it has seen one from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    /// Nobody knows: what people write goes as it is, the server's part is ASCII.
    Unknown,
    /// It has sent more than ASCII.
    Utf8,
    /// ASCII and nothing else, as it was set.
    Ascii,
}

impl Charset {
    /// The form in which events are encoded for it.
    fn form(self) -> &'static str {
        match self {
            Charset::Unknown => "rooms",
            Charset::Utf8 => "rooms, UTF-8",
            Charset::Ascii => "rooms, ASCII",
        }
    }

    /// The line around what is said to everyone.
    fn rule(self) -> &'static str {
        if self == Charset::Utf8 { RULE } else { ASCII_RULE }
    }

    /// A text as it is shown: in one line, because a line of its own would pass for another person's.
    fn shape(self, text: &str) -> Cow<'_, str> {
        if self == Charset::Utf8 {
            return one_line(text, BREAK);
        }
        let line = one_line(text, ASCII_BREAK);
        let replaced = char::REPLACEMENT_CHARACTER;
        if line.contains(replaced) { Cow::Owned(line.replace(replaced, "?")) } else { line }
    }

    /// All that is sent.
    fn spell(self, words: String) -> String {
        if self == Charset::Ascii && !words.is_ascii() {
            return words.replace(|c: char| !c.is_ascii(), "?");
        }
        words
    }
}

impl Session {
    pub fn new(settings: &Settings) -> Session {
        Session {
            charset: if settings.rooms_ascii { Charset::Ascii } else { Charset::Unknown },
            posts_outside: settings.outsiders_post,
            max_text: settings.max_text,
            utf8: Utf8::default(),
            state: State::Naming,
            nick: "".into(),
            asked: "",
            parts: 0,
            out: Outbox::default(),
        }
    }

    fn say(&mut self, words: &str) {
        self.out.push(&self.charset.spell(words.to_owned()), READ);
    }

    /// One message of the client, or several that came together: what can be told apart is.
    fn hear(&mut self, text: &str, out: &mut Asked) {
        let mut rest = text.trim();
        while !rest.is_empty() {
            let taken = match self.state {
                State::Naming => {
                    let end = next_command(rest, 1).unwrap_or(rest.len());
                    self.state = State::Idle;
                    out.push(Request::Join { nick: rest[..end].trim().to_owned() });
                    end
                }
                State::AwaitText => {
                    self.state = State::Idle;
                    let end = end_of_text(rest);
                    let said = Request::Say { text: rest[..end].trim_end().into() };
                    self.parts += push_parts(out, said, self.max_text) - 1;
                    end
                }
                State::AwaitHidden | State::AwaitShown => self.hear_name(rest, out),
                State::Idle => self.hear_command(rest, out),
            };
            rest = rest[taken..].trim_start();
        }
    }

    /// The name after `/hide` or `/reveal`; the newest client sends its next command instead and
    /// means itself.
    fn hear_name(&mut self, text: &str, out: &mut Asked) -> usize {
        let is_command = begins_command(text);
        let end = if is_command { 0 } else { text.find('\n').unwrap_or(text.len()) };
        let name = text[..end].trim();
        if is_command || name.to_lowercase() == self.nick.to_lowercase() {
            out.push(if self.state == State::AwaitHidden { Request::Hide } else { Request::Reveal });
        } else {
            // Somebody else's name.
            out.note(end);
        }
        self.state = State::Idle;
        end
    }

    /// Reads the request of the message; returns the length of it. Text without a command is ignored.
    fn hear_command(&mut self, text: &str, out: &mut Asked) -> usize {
        let known = |list: &[&'static str]| list.iter().copied().find(|command| text.starts_with(command));
        if let Some(command) = known(ALONE) {
            if !stands_alone(command, &text[command.len()..]) {
                out.note(text.len());
                return text.len();
            }
            match command {
                "/members" => out.push(Request::People),
                "/get_rooms" => out.push(Request::Rooms),
                "/quit" => out.push(Request::Leave),
                "/broadcast" => {
                    answer(out, "Enter your message: ", READ);
                    self.state = State::AwaitText;
                }
                "/hide" => {
                    answer(out, "Enter nickname to hide", READ);
                    self.state = State::AwaitHidden;
                }
                _ => {
                    answer(out, "Enter nickname to show", READ);
                    self.state = State::AwaitShown;
                }
            }
            return command.len();
        }
        if let Some(command) = known(WITH_ROOM) {
            let end = next_command(text, command.len()).unwrap_or(text.len());
            let room = text[command.len()..end].trim().to_owned();
            self.asked = command;
            match command {
                _ if room.is_empty() => answer(out, &format!("Usage: {command} <room>"), READ),
                "/create_room" => out.push(Request::Create { room, private: false }),
                "/join" => out.push(Request::Enter { room, create: false }),
                _ => out.push(Request::Exit { room }),
            }
            return end;
        }
        if let Some(command) = known(OTHER) {
            self.asked = command;
            let end = end_of_text(text);
            match (command, names::split_first(&text[command.len()..end])) {
                ("/room", Some((room, said))) => {
                    let (room, text) = (room.to_owned(), said.into());
                    let said = if self.posts_outside {
                        Request::Post { room, text }
                    } else {
                        Request::SayIn { room, text }
                    };
                    push_parts(out, said, self.max_text);
                }
                ("/room", None) => answer(out, "Usage: /room <room> <message>", READ),
                (_, Some((to, said))) => {
                    out.push(Request::Tell { to: to.to_owned(), text: said.into() });
                }
                (_, None) => answer(out, "Usage: /dm <user> <message>", READ),
            }
            return end;
        }
        if ADDED.contains(&text.split_whitespace().next().unwrap_or_default()) {
            let end = text.find('\n').unwrap_or(text.len());
            self.asked = "";
            match commands::parse(&text[..end]) {
                Some(Command::Ask(Request::Help)) => answer(out, HELP, READ),
                Some(Command::Ask(request)) => out.push(request),
                Some(Command::Usage(usage)) => answer(out, &format!("Usage: {usage}"), READ),
                Some(Command::Unknown) | None => out.note(end),
            }
            return end;
        }
        out.note(text.len());
        text.len()
    }
}

/// True if these commands, which must be the whole message, are: nothing follows, or another line,
/// or a command that came together with it. A text or a name may follow the others at once.
fn stands_alone(command: &str, rest: &str) -> bool {
    let takes_more = !["/members", "/get_rooms", "/quit"].contains(&command);
    takes_more || rest.is_empty() || rest.starts_with(['\r', '\n']) || begins_command(rest)
}

/// End of a text: a slash within it is a part of it, a command on a line of its own is not.
fn end_of_text(text: &str) -> usize {
    let lines = text.match_indices('\n').map(|(at, _)| at);
    let mut ends = lines.filter(|at| begins_command(&text[at + 1..]));
    ends.next().unwrap_or(text.len())
}

/// Position of the next known command, at `from` or later.
fn next_command(text: &str, from: usize) -> Option<usize> {
    let mut starts = text.match_indices('/').map(|(at, _)| at).filter(|&at| at >= from);
    starts.find(|&at| begins_command(&text[at..]))
}

fn begins_command(text: &str) -> bool {
    [ALONE, WITH_ROOM, OTHER].iter().any(|list| list.iter().any(|command| text.starts_with(command)))
}

impl ServerSession for Session {
    fn receive(&mut self, _: Moment, bytes: &[u8], out: &mut Asked) -> Result<(), Malformed> {
        let text = self.utf8.decode(bytes);
        let is_wide = |c: char| !c.is_ascii() && c != char::REPLACEMENT_CHARACTER;
        if self.charset == Charset::Unknown && text.contains(is_wide) {
            self.charset = Charset::Utf8;
        }
        self.hear(&text, out);
        Ok(())
    }

    fn tell(&mut self, moment: Moment, event: &Event, encodings: &mut Encodings) -> After {
        if let Event::Welcome { nick, .. } | Event::NickChanged { to: nick } = event {
            self.nick = nick.clone();
        }
        match event {
            Event::Said { .. } | Event::Refused(_) if self.parts > 0 => self.parts -= 1,
            Event::Refused(refusal) => {
                let words = refused(self.asked, refusal);
                self.say(&words);
            }
            event => {
                let charset = self.charset;
                let encode = |event: &Event, bytes: &mut Vec<u8>| encode(event, moment, charset, bytes);
                let shared = encodings.get(charset.form(), |bytes| encode(event, bytes));
                let limit = if event.text().is_some() { READ - AUTHOR } else { READ };
                self.out.push_event(event, shared, limit, |text| charset.shape(text), encode);
            }
        }
        match event {
            Event::Rejected(_) | Event::Bye => After::Close,
            _ => After::Stay,
        }
    }

    fn is_framed(&self) -> bool {
        false
    }

    fn numbers_duplicates(&self) -> bool {
        true
    }

    fn poll_send(&mut self) -> Option<Rc<[u8]>> {
        self.out.pop()
    }
}

fn refused(asked: &str, refusal: &Refusal) -> String {
    match (asked, refusal) {
        ("/join", Refusal::NoSuchRoom(room)) => format!("Room {room} does not exist!"),
        ("/room", Refusal::NoSuchRoom(_)) => "Room does not exist".to_owned(),
        ("/leave", Refusal::NotMember(_) | Refusal::NoSuchRoom(_)) => {
            "Room does not exist or not a member".to_owned()
        }
        // A command that the original does not have.
        ("", refusal) => refusal.to_string(),
        (_, Refusal::RoomExists(room)) => format!("Room {room} already exists"),
        (_, Refusal::AlreadyMember(room)) => format!("You are already a member of this room {room}."),
        (_, Refusal::NoSuchPerson(_)) => "User not found.".to_owned(),
        (_, refusal) => refusal.to_string(),
    }
}

fn encode(event: &Event, moment: Moment, charset: Charset, out: &mut Vec<u8>) {
    let (rule, shape) = (charset.rule(), |text| charset.shape(text));
    let broadcast = |from: &str, text: &str, at: Moment| {
        let (text, clock) = (charset.shape(text), short_clock(at));
        let author = if passes_for_server(&text) { format!("{from}: ") } else { String::new() };
        format!("\n{rule}\n{from}  {clock}\n{author}{text}\n{rule}")
    };
    let words = match event {
        Event::Welcome { .. } => "Connected to the server".to_owned(),
        Event::Rejected(refusal) => format!("Server: {refusal}"),
        Event::Joined { nick } => format!("Server: {nick} is online!"),
        Event::Left { nick } => format!("{nick} is offline"),
        Event::Bye => "Server: Bye".to_owned(),
        Event::Message { from, text } => broadcast(from, text, moment),
        Event::Past { unix_nanos, from, text } => {
            broadcast(from, text, Moment { at: Timestamp::from_unix_nanos(*unix_nanos), ..moment })
        }
        Event::Said { .. } => "Message broadcasted!".to_owned(),
        Event::Direct { from, text } => format!("\n[DM | {}]\n{from}: {}", short_clock(moment), shape(text)),
        Event::RoomMessage { room, from, text } | Event::SaidIn { room, from, text } => {
            format!("\n[{room} | {}]\n{from}: {}", short_clock(moment), shape(text))
        }
        Event::Created { room } => format!("Room {room} created successfully!"),
        Event::Invitation { room, from } => format!("Server: {from} invites you to room {room}"),
        Event::Invited { room, to } => format!("Server: {to} is invited to room {room}"),
        Event::Closed { room, by } => format!("Server: room {room} was closed by {by}"),
        Event::Entered { room } => format!("Joined room {room} successfully!"),
        Event::Exited { room } => format!("Left room {room}"),
        Event::People { names } => {
            let mut words = "Active chat members are:\n".to_owned();
            for (n, name) in names.iter().enumerate() {
                words.push_str(&format!("{}. {name}\n", n + 1));
            }
            words
        }
        Event::Rooms { names } if names.is_empty() => "No rooms available".to_owned(),
        Event::Rooms { names } => format!("Rooms:\n{}", names.join("\n")),
        Event::Renamed { from, to } => format!("Server: {from} is now {to}"),
        Event::NickChanged { to } => format!("Server: you are now {to}"),
        Event::Hidden => "You are now invisible!".to_owned(),
        Event::Revealed => "You are now visible to other users!".to_owned(),
        Event::Notice { text } => format!("Server: {}", shape(text)),
        // Requests that this dialect cannot make are never answered.
        Event::Refused(_)
        | Event::Told { .. }
        | Event::Pong
        | Event::Help
        | Event::File(_)
        | Event::Hint(..)
        | Event::Sealed(..)
        | Event::SealedTo(_) => return,
    };
    out.extend_from_slice(charset.spell(words).as_bytes());
}
