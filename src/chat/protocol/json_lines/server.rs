//! The server's side: what it understands and what it writes.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{EXTENSIONS, NICK_CHARS, files};
use crate::chat::message::{Event, Name, Request};
use crate::chat::protocol::json::Object;
use crate::chat::protocol::lines::Lines;
use crate::chat::protocol::session::{Asked, Encodings, Moment, ServerSession};
use crate::chat::protocol::text::{BREAK, one_line};
use crate::chat::protocol::{After, Malformed, SERVER, Settings, Timestamp};

/// The longest line that the server takes, in bytes. The original has no bound.
pub const REQUEST_LIMIT: usize = 65_536;

const HELP: &str = "Types: chat, private, room, create_room, join_room, leave_room, \
                    invite, close_room, rooms, users, rename, \
                    hide, reveal, ping, help, leave";

pub(super) const INVALID_USERNAME: &[u8] = b"{\"type\": \"error\", \"message\": \"Invalid username\"}\n";

/// The forms of an event: in the words that program 1 knows, and in all words of the dialect.
const PLAIN: &str = "json-lines";
const WHOLE: &str = "json-lines, extended";

/// The server's side of a connection.
#[derive(Debug)]
pub struct Session {
    decoder: RequestDecoder,
    out: VecDeque<Rc<[u8]>>,
}

impl Session {
    /// A session whose client has said nothing yet.
    pub fn new(settings: &Settings) -> Session {
        let decoder = RequestDecoder { extended: settings.extended, ..RequestDecoder::default() };
        Session { decoder, out: VecDeque::new() }
    }
}

impl ServerSession for Session {
    fn receive(&mut self, _: Moment, bytes: &[u8], out: &mut Asked) -> Result<(), Malformed> {
        self.decoder.hear(bytes, |request| match request {
            Some(request) => out.push(request),
            None => out.note(0),
        })
    }

    fn tell(&mut self, moment: Moment, event: &Event, encodings: &mut Encodings) -> After {
        if let (Event::Welcome { nick, people }, true) = (event, self.decoder.asks) {
            let mut line = Vec::new();
            welcome(Object(&mut line), nick, people, moment.at).flag(EXTENSIONS).close_line();
            self.out.push_back(line.into());
            return After::Stay;
        }
        let shared = if self.decoder.extended {
            encodings.get(WHOLE, |out| encode_event(event, moment.at, out))
        } else {
            encodings.get(PLAIN, |out| encode_event(&plain(event), moment.at, out))
        };
        if !shared.is_empty() {
            self.out.push_back(Rc::clone(shared));
        }
        after(event)
    }

    fn is_framed(&self) -> bool {
        true
    }

    fn takes_files(&self) -> bool {
        self.decoder.takes_files
    }

    fn poll_send(&mut self) -> Option<Rc<[u8]>> {
        self.out.pop_front()
    }
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
pub(super) struct RequestDecoder {
    lines: Lines,
    joined: bool,
    /// True if the client has shown that it knows more than program 1 does.
    extended: bool,
    /// True if it wants to know whether the server knows more, too.
    asks: bool,
    /// True if it takes files.
    takes_files: bool,
}

impl Default for RequestDecoder {
    fn default() -> RequestDecoder {
        RequestDecoder {
            lines: Lines::new(REQUEST_LIMIT),
            joined: false,
            extended: false,
            asks: false,
            takes_files: false,
        }
    }
}

/// Request of a client. Members of another type than text read as absent, as do unknown ones.
#[derive(Deserialize)]
pub(in crate::chat::protocol) struct Spoken<'a> {
    #[serde(rename = "type", borrow, default)]
    pub kind: Field<'a>,
    #[serde(borrow, default)]
    pub username: Field<'a>,
    /// Only `web` has it.
    #[serde(borrow, default)]
    pub password: Field<'a>,
    #[serde(borrow, default)]
    pub message: Field<'a>,
    #[serde(borrow, default)]
    pub to: Field<'a>,
    #[serde(borrow, default)]
    pub room: Field<'a>,
    #[serde(borrow, default)]
    extensions: Field<'a>,
    #[serde(borrow, default)]
    private: Field<'a>,
    #[serde(borrow, default)]
    existing: Field<'a>,
    /// Only `web` has these two.
    #[serde(borrow, default)]
    pub resumes: Field<'a>,
    #[serde(borrow, default)]
    pub count: Field<'a>,
    /// Of words about files.
    #[serde(borrow, default)]
    pub files: Field<'a>,
    /// Only `web` has these two.
    #[serde(borrow, default)]
    pub hints: Field<'a>,
    #[serde(borrow, default)]
    pub sealed: Field<'a>,
    #[serde(borrow, default)]
    pub file: Field<'a>,
    #[serde(borrow, default)]
    pub name: Field<'a>,
    #[serde(borrow, default)]
    pub size: Field<'a>,
    #[serde(borrow, default)]
    pub sha256: Field<'a>,
    #[serde(borrow, default)]
    pub from: Field<'a>,
    #[serde(borrow, default)]
    pub reader: Field<'a>,
    #[serde(borrow, default)]
    pub data: Field<'a>,
    #[serde(borrow, default)]
    pub how: Field<'a>,
}

/// Value of a member.
#[derive(Deserialize)]
#[serde(untagged)]
pub(in crate::chat::protocol) enum Field<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Flag(bool),
    Number(u64),
    Other(IgnoredAny),
}

impl Default for Field<'_> {
    fn default() -> Self {
        Field::Other(IgnoredAny)
    }
}

impl Field<'_> {
    /// The text; empty if it is none.
    pub fn text(&self) -> &str {
        if let Field::Text(text) = self { text.trim() } else { "" }
    }

    /// True if it is true.
    pub fn flag(&self) -> bool {
        matches!(self, Field::Flag(true))
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<u64> {
        if let Field::Number(number) = self { Some(*number) } else { None }
    }
}

impl RequestDecoder {
    /// Gives each line's request to `each`; `None` is a line to be ignored.
    pub(super) fn hear(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Option<Request>),
    ) -> Result<(), Malformed> {
        let (joined, extended) = (&mut self.joined, &mut self.extended);
        let (asks, takes_files) = (&mut self.asks, &mut self.takes_files);
        self.lines.feed(bytes, |line| {
            if line.trim_ascii().is_empty() {
                each(None);
                return Ok(());
            }
            let request = if *joined {
                let request = request(&parse(line).ok_or(Malformed { farewell: b"" })?);
                *extended |= request.as_ref().is_some_and(is_extension);
                request
            } else {
                let spoken = parse(line).and_then(|spoken| Some((join(&spoken)?, spoken)));
                let (join, spoken) = spoken.ok_or(Malformed { farewell: INVALID_USERNAME })?;
                *joined = true;
                *asks = spoken.extensions.flag();
                *takes_files = spoken.files.flag();
                *extended |= *asks || *takes_files;
                Some(join)
            };
            each(request);
            Ok(())
        })
    }
}

/// The members of a line, if it is an object.
pub(in crate::chat::protocol) fn parse(line: &[u8]) -> Option<Spoken<'_>> {
    // To serde an array is a struct without its names.
    let is_object = line.trim_ascii_start().first() == Some(&b'{');
    if is_object { serde_json::from_slice(line).ok() } else { None }
}

/// The first line of a connection, if it is what it must be.
fn join(spoken: &Spoken) -> Option<Request> {
    let nick = spoken.username.text();
    let good = spoken.kind.text() == "join" && !nick.is_empty() && nick.chars().nth(NICK_CHARS).is_none();
    good.then(|| Request::Join { nick: nick.to_owned() })
}

/// A later line; `None` is to be ignored.
pub(in crate::chat::protocol) fn request(spoken: &Spoken) -> Option<Request> {
    let text = || Arc::<str>::from(spoken.message.text());
    let room = || spoken.room.text().to_owned();
    Some(match spoken.kind.text() {
        "chat" => Request::Say { text: text() },
        "private" => Request::Tell { to: spoken.to.text().to_owned(), text: text() },
        "room" => Request::SayIn { room: room(), text: text() },
        "create_room" => Request::Create { room: room(), private: spoken.private.flag() },
        "invite" => {
            let room = Some(room()).filter(|room| !room.is_empty());
            Request::Invite { to: spoken.to.text().to_owned(), room }
        }
        "close_room" => Request::Close { room: room() },
        "join_room" => Request::Enter { room: room(), create: !spoken.existing.flag() },
        "leave_room" => Request::Exit { room: room() },
        "rooms" => Request::Rooms,
        "users" => Request::People,
        "rename" => Request::Rename { nick: spoken.username.text().to_owned() },
        "hide" => Request::Hide,
        "reveal" => Request::Reveal,
        "typing" => Request::Hint(files::recipient_of(spoken)),
        "sealed" => Request::Seal { to: spoken.to.text().to_owned(), envelope: text() },
        "ping" => Request::Ping,
        "help" => Request::Help,
        "leave" => Request::Leave,
        kind => return files::request(kind, spoken).map(Request::File),
    })
}

/// True if program 1's client never sends it.
fn is_extension(request: &Request) -> bool {
    !matches!(request, Request::Say { .. } | Request::Ping)
}

/// An event in the words that program 1's client knows: it shows chat and ignores whatever it does not know.
/// A line break is a sign there, because the client prints a second line as if it stood for itself.
fn plain(event: &Event) -> Cow<'_, Event> {
    let line = |text: &Name| Name::from(one_line(text, BREAK));
    let marked = |mark: &str, from: &Name, text: &Name| Event::Message {
        from: from.clone(),
        text: format!("[{mark}] {}", line(text)).into(),
    };
    Cow::Owned(match event {
        Event::Direct { from, text } => marked("PRIVATE", from, text),
        Event::RoomMessage { room, from, text } => marked(&format!("#{room}"), from, text),
        Event::Renamed { from, to } => Event::Notice { text: format!("{from} is now {to}").into() },
        Event::Refused(refusal) => Event::Notice { text: refusal.to_string().into() },
        // Registered people are in their rooms again as soon as they are in.
        Event::Entered { room } => Event::Notice { text: format!("you are in room '{room}'").into() },
        Event::Invitation { room, from } => {
            Event::Notice { text: format!("{from} invites you to room '{room}'").into() }
        }
        Event::Closed { room, by } => {
            Event::Notice { text: format!("room '{room}' was closed by {by}").into() }
        }
        event => {
            let mut event = Cow::Borrowed(event);
            if event.text().is_some_and(|text| text.contains('\n'))
                && let Some(text) = event.to_mut().text_mut()
            {
                *text = line(text);
            }
            return event;
        }
    })
}

/// Program 1's server closes after an error, which it sends only to those it does not let in.
pub(in crate::chat::protocol) fn after(event: &Event) -> After {
    match event {
        Event::Rejected(_) | Event::Bye => After::Close,
        _ => After::Stay,
    }
}

fn welcome<'a>(line: Object<'a>, nick: &str, people: &[Name], at: Timestamp) -> Object<'a> {
    let message = format!("Welcome to the chat, {nick}!");
    line.kind("welcome").member("message", &message).list("users", people).timestamp(at)
}

pub(in crate::chat::protocol) fn encode_event(event: &Event, at: Timestamp, out: &mut Vec<u8>) {
    let line = Object(out);
    match event {
        Event::Welcome { nick, people } => welcome(line, nick, people, at),
        Event::Joined { nick } => line
            .kind("user_joined")
            .member("username", nick)
            .member("message", &format!("{nick} joined the chat"))
            .timestamp(at),
        Event::Left { nick } => line
            .kind("user_left")
            .member("username", nick)
            .member("message", &format!("{nick} left the chat"))
            .timestamp(at),
        Event::Message { from, text } | Event::Said { from, text } => {
            line.kind("chat").member("username", from).member("message", text).timestamp(at)
        }
        Event::Past { unix_nanos, from, text } => line
            .kind("chat")
            .member("username", from)
            .member("message", text)
            .timestamp(Timestamp::from_unix_nanos(*unix_nanos)),
        // Program 1's client shows chat and nothing else that comes unasked.
        Event::Notice { text } => {
            line.kind("chat").member("username", SERVER).member("message", text).timestamp(at)
        }
        Event::Direct { from, text } => {
            line.kind("private").member("username", from).member("message", text).timestamp(at)
        }
        Event::Told { to, text } => {
            line.kind("private_sent").member("to", to).member("message", text).timestamp(at)
        }
        Event::RoomMessage { room, from, text } | Event::SaidIn { room, from, text } => line
            .kind("room")
            .member("username", from)
            .member("message", text)
            .member("room", room)
            .timestamp(at),
        Event::Rejected(refusal) | Event::Refused(refusal) => {
            line.kind("error").member("message", &refusal.to_string())
        }
        Event::Created { room } => line.kind("room_created").member("room", room),
        Event::Invitation { room, from } => {
            line.kind("invitation").member("username", from).member("room", room).timestamp(at)
        }
        Event::Invited { room, to } => line.kind("invited").member("to", to).member("room", room),
        Event::Closed { room, by } => {
            line.kind("room_closed").member("username", by).member("room", room).timestamp(at)
        }
        Event::Entered { room } => line.kind("room_joined").member("room", room),
        Event::Exited { room } => line.kind("room_left").member("room", room),
        Event::People { names } => line.kind("users").list("users", names),
        Event::Rooms { names } => line.kind("rooms").list("rooms", names),
        Event::Renamed { from, to } => line.kind("user_renamed").member("username", from).member("to", to),
        Event::NickChanged { to } => line.kind("renamed").member("to", to),
        Event::Hidden => line.kind("hidden"),
        Event::Revealed => line.kind("revealed"),
        Event::Pong => line.kind("pong"),
        Event::Help => line.kind("help").member("message", HELP),
        Event::Hint(from, room) => {
            let line = line.kind("typing").member("username", from);
            if let Some(room) = room { line.member("room", room) } else { line }
        }
        Event::Sealed(from, envelope) => {
            line.kind("sealed").member("username", from).member("message", envelope).timestamp(at)
        }
        Event::SealedTo(to) => line.kind("sealed_sent").member("to", to).timestamp(at),
        Event::File(event) => files::encode_event(line, event),
        // Its client just closes and waits for no answer.
        Event::Bye => return,
    }
    .close_line();
}
