//! The dialect of program 1: one JSON object per line, in both directions.
//!
//! | client | server |
//! | --- | --- |
//! | `{"type": "join", "username": "bob"}` | `welcome` with `message` and `users` to it, `user_joined` to the others; or `error`, then it closes |
//! | `{"type": "chat", "message": "hi"}` | `chat` with `username` and `message` to all, the author too |
//! | `{"type": "ping"}` | `pong` |
//! | closes | `user_left` to the others |
//!
//! The first line must be a join with a nick of 1 to 20 characters, else `Invalid username` and the
//! end. Bad JSON later ends the connection silently; unknown types, a second join and blank lines
//! are ignored. A JSON object that names a member twice is bad JSON here, unlike in the original.
//!
//! Everything sent is ASCII (`\u00e9`): program 1's client decodes in chunks of 1024 bytes and gives
//! up on a character that a chunk's border cuts.
//!
//! Program 1's plans ask for private messages and rooms. They are additions here that its client
//! never sends and is never sent unasked: `private` (`to`, `message`), `room` (`room`, `message`),
//! `create_room`, `join_room`, `leave_room`, `rooms`, `users`, `rename`, `hide`, `reveal`, `help`
//! and `leave`. In every message of somebody else, `type`, `username` and `message` come first, in
//! this order, which is what the listener relies on.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::json::{Object, push_string, string_len};
use super::lines::{Lines, TooLong, find_newline};
use super::session::{Encodings, Moment, ServerSession};
use super::{After, Decoder, Dialect, Heard, Listener, Malformed, Reader, SERVER, Timestamp};
use crate::chat::marker;
use crate::chat::message::{Event, Name, Refusal, Request};
use crate::time::Duration;

/// Program 1's language.
#[derive(Debug)]
pub struct JsonLines;

/// The longest line that the server takes, in bytes. The original has no bound.
const REQUEST_LIMIT: usize = 65_536;
/// The longest line that a reader takes: a welcome lists everyone who is here.
const EVENT_LIMIT: usize = 4 << 20;
/// Program 1's longest nick, in characters.
const NICK_CHARS: usize = 20;
/// As much of a line as a listener may need: the longest start of a message, in which each
/// character of the nick may be two escapes of six bytes.
const HEAD: usize = 96 + 12 * NICK_CHARS;

const HELP: &str = "Types: chat, private, room, create_room, join_room, leave_room, rooms, users, rename, \
                    hide, reveal, ping, help, leave";

impl Dialect for JsonLines {
    fn name(&self) -> &'static str {
        "json-lines"
    }

    fn summary(&self) -> &'static str {
        "one JSON object per line (program 1)"
    }

    fn join_within(&self) -> Option<Duration> {
        Some(Duration::from_secs(30))
    }

    fn nick_chars(&self) -> usize {
        NICK_CHARS
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(RequestDecoder { lines: Lines::new(REQUEST_LIMIT), joined: false })
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(EventReader { lines: Lines::new(EVENT_LIMIT) })
    }

    fn listener(&self, nick: &str) -> Box<dyn Listener> {
        let mut own = Vec::new();
        push_string(nick, &mut own);
        Box::new(HeadListener { head: Vec::new(), own })
    }

    fn encode_event(&self, event: &Event, at: Timestamp, out: &mut Vec<u8>) -> After {
        encode_event(event, at, out);
        after(event)
    }

    fn encode_request(&self, request: &Request, out: &mut Vec<u8>) {
        let line = Object(out);
        match request {
            Request::Join { nick } => line.kind("join").member("username", nick),
            Request::Leave => line.kind("leave"),
            Request::Say { text } => line.kind("chat").member("message", text),
            Request::Tell { to, text } => line.kind("private").member("to", to).member("message", text),
            Request::Create { room } => line.kind("create_room").member("room", room),
            // The wire always founds what is not there; asking first would be a second round trip.
            Request::Enter { room, .. } => line.kind("join_room").member("room", room),
            Request::Exit { room } => line.kind("leave_room").member("room", room),
            Request::SayIn { room, text } => line.kind("room").member("room", room).member("message", text),
            Request::People => line.kind("users"),
            Request::Rooms => line.kind("rooms"),
            Request::Rename { nick } => line.kind("rename").member("username", nick),
            Request::Hide => line.kind("hide"),
            Request::Reveal => line.kind("reveal"),
            Request::Ping => line.kind("ping"),
            Request::Help => line.kind("help"),
        }
        .close_line();
    }
}

/// The server's side of a real connection.
#[derive(Debug)]
pub(super) struct Session {
    form: usize,
    decoder: RequestDecoder,
    out: VecDeque<Arc<[u8]>>,
}

impl Session {
    pub(super) fn new(form: usize) -> Session {
        let decoder = RequestDecoder { lines: Lines::new(REQUEST_LIMIT), joined: false };
        Session { form, decoder, out: VecDeque::new() }
    }
}

impl ServerSession for Session {
    fn receive(&mut self, _: Moment, bytes: &[u8], out: &mut Vec<Request>) -> Result<(), Malformed> {
        self.decoder.decode(bytes, out)
    }

    fn tell(&mut self, moment: Moment, event: &Event, encodings: &mut Encodings) -> After {
        let shared = encodings.get(self.form, |out| encode_event(event, moment.at, out));
        if !shared.is_empty() {
            self.out.push_back(Arc::clone(shared));
        }
        after(event)
    }

    fn is_framed(&self) -> bool {
        true
    }

    fn poll_send(&mut self) -> Option<Arc<[u8]>> {
        self.out.pop_front()
    }
}

#[derive(Debug)]
struct RequestDecoder {
    lines: Lines,
    joined: bool,
}

/// What a client may say. Members of another type than text read as absent, as do unknown ones.
#[derive(Deserialize)]
struct Spoken<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Field<'a>,
    #[serde(borrow, default)]
    username: Field<'a>,
    #[serde(borrow, default)]
    message: Field<'a>,
    #[serde(borrow, default)]
    to: Field<'a>,
    #[serde(borrow, default)]
    room: Field<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Field<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Other(IgnoredAny),
}

impl Default for Field<'_> {
    fn default() -> Self {
        Field::Other(IgnoredAny)
    }
}

impl Field<'_> {
    fn text(&self) -> &str {
        match self {
            Field::Text(text) => text.trim(),
            Field::Other(_) => "",
        }
    }
}

impl Decoder for RequestDecoder {
    fn decode(&mut self, bytes: &[u8], out: &mut Vec<Request>) -> Result<(), Malformed> {
        let joined = &mut self.joined;
        self.lines.feed(bytes, |line| {
            if line.trim_ascii().is_empty() {
                return Ok(());
            }
            let request = if *joined {
                request(&parse(line).ok_or(Malformed { farewell: b"" })?)
            } else {
                let join = join(line).ok_or(Malformed { farewell: INVALID_USERNAME })?;
                *joined = true;
                Some(join)
            };
            out.extend(request);
            Ok(())
        })
    }
}

const INVALID_USERNAME: &[u8] = b"{\"type\": \"error\", \"message\": \"Invalid username\"}\n";

impl From<TooLong> for Malformed {
    fn from(_: TooLong) -> Malformed {
        Malformed { farewell: b"" }
    }
}

fn parse(line: &[u8]) -> Option<Spoken<'_>> {
    // To serde an array is a struct without its names.
    let is_object = line.trim_ascii_start().first() == Some(&b'{');
    if is_object { serde_json::from_slice(line).ok() } else { None }
}

/// The first line of a connection, if it is what it must be.
fn join(line: &[u8]) -> Option<Request> {
    let spoken = parse(line)?;
    let nick = spoken.username.text();
    let good = spoken.kind.text() == "join" && !nick.is_empty() && nick.chars().nth(NICK_CHARS).is_none();
    good.then(|| Request::Join { nick: nick.to_owned() })
}

/// A later line; `None` is to be ignored.
fn request(spoken: &Spoken) -> Option<Request> {
    let text = || Arc::<str>::from(spoken.message.text());
    let room = || spoken.room.text().to_owned();
    Some(match spoken.kind.text() {
        "chat" => Request::Say { text: text() },
        "private" => Request::Tell { to: spoken.to.text().to_owned(), text: text() },
        "room" => Request::SayIn { room: room(), text: text() },
        "create_room" => Request::Create { room: room() },
        "join_room" => Request::Enter { room: room(), create: true },
        "leave_room" => Request::Exit { room: room() },
        "rooms" => Request::Rooms,
        "users" => Request::People,
        "rename" => Request::Rename { nick: spoken.username.text().to_owned() },
        "hide" => Request::Hide,
        "reveal" => Request::Reveal,
        "ping" => Request::Ping,
        "help" => Request::Help,
        "leave" => Request::Leave,
        _ => return None,
    })
}

/// Program 1's server closes after an error, which it sends only to those it does not let in.
fn after(event: &Event) -> After {
    match event {
        Event::Rejected(_) | Event::Bye => After::Close,
        _ => After::Stay,
    }
}

fn encode_event(event: &Event, at: Timestamp, out: &mut Vec<u8>) {
    let line = Object(out);
    match event {
        Event::Welcome { nick, people } => line
            .kind("welcome")
            .member("message", &format!("Welcome to the chat, {nick}!"))
            .list("users", people)
            .timestamp(at),
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
        // Its client just closes and waits for no answer.
        Event::Bye => return,
    }
    .close_line();
}

#[derive(Debug)]
struct EventReader {
    lines: Lines,
}

impl Reader for EventReader {
    fn decode(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        self.lines.feed(bytes, |line| {
            let value: Value = serde_json::from_slice(line).map_err(|_| Malformed { farewell: b"" })?;
            out.extend(event(&value));
            Ok(())
        })
    }
}

/// The event that a server's line tells; unknown types are ignored. On the wire an echo looks like
/// any message, and every refusal is an error.
fn event(value: &Value) -> Option<Event> {
    let text = |name: &str| -> Name { value[name].as_str().unwrap_or_default().into() };
    let list = |name: &str| {
        let values = value[name].as_array().map(Vec::as_slice).unwrap_or_default();
        Arc::new(values.iter().filter_map(Value::as_str).map(Name::from).collect::<Vec<_>>())
    };
    Some(match value["type"].as_str()? {
        "welcome" => {
            let people = list("users");
            Event::Welcome { nick: people.last().cloned().unwrap_or_default(), people }
        }
        "user_joined" => Event::Joined { nick: text("username") },
        "user_left" => Event::Left { nick: text("username") },
        "chat" => Event::Message { from: text("username"), text: text("message") },
        "private" => Event::Direct { from: text("username"), text: text("message") },
        "private_sent" => Event::Told { to: text("to"), text: text("message") },
        "room" => Event::RoomMessage { room: text("room"), from: text("username"), text: text("message") },
        "error" => Event::Refused(match &*text("message") {
            "Invalid username" => Refusal::NickInvalid,
            "Username already taken" => Refusal::NickTaken,
            words => Refusal::Other(words.into()),
        }),
        "room_created" => Event::Created { room: text("room") },
        "room_joined" => Event::Entered { room: text("room") },
        "room_left" => Event::Exited { room: text("room") },
        "users" => Event::People { names: list("users") },
        "rooms" => Event::Rooms { names: list("rooms") },
        "user_renamed" => Event::Renamed { from: text("username"), to: text("to") },
        "renamed" => Event::NickChanged { to: text("to") },
        "hidden" => Event::Hidden,
        "revealed" => Event::Revealed,
        "pong" => Event::Pong,
        "help" => Event::Help,
        _ => return None,
    })
}

/// Reads only the head of each line, as our own server writes it.
#[derive(Debug)]
struct HeadListener {
    /// The start of a line that began in earlier bytes.
    head: Vec<u8>,
    /// Its own nick as a JSON string: what it said itself is no news.
    own: Vec<u8>,
}

impl Listener for HeadListener {
    fn listen(&mut self, mut bytes: &[u8], out: &mut Vec<Heard>) {
        while let Some(end) = find_newline(bytes) {
            if self.head.is_empty() {
                out.extend(heard(&bytes[..end], &self.own));
            } else {
                self.hold(&bytes[..end]);
                out.extend(heard(&self.head, &self.own));
                self.head.clear();
            }
            bytes = &bytes[end + 1..];
        }
        self.hold(bytes);
    }
}

impl HeadListener {
    fn hold(&mut self, bytes: &[u8]) {
        let room = HEAD - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// What the start of a line says. Quotes within strings are escaped, so that no nick and no text
/// can imitate the syntax around it.
fn heard(line: &[u8], own: &[u8]) -> Option<Heard> {
    let rest = line.strip_prefix(b"{\"type\": \"")?;
    let rest = match rest.first()? {
        b'c' => rest.strip_prefix(b"chat")?,
        b'p' => rest.strip_prefix(b"private")?,
        b'r' => rest.strip_prefix(b"room")?,
        b'w' => return rest.starts_with(b"welcome\"").then_some(Heard::Welcome),
        b'e' => return rest.starts_with(b"error\"").then_some(Heard::Refused),
        _ => return None,
    };
    let nick = rest.strip_prefix(b"\", \"username\": ")?;
    let rest = &nick[string_len(nick)?..];
    let text = rest.strip_prefix(b", \"message\": \"")?;
    if nick.starts_with(own) {
        return None;
    }
    marker::read(text).map(Heard::Message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::message::Names;
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_unix_nanos(1_795_210_164_994_826_000);

    fn sent(event: &Event) -> String {
        let mut out = Vec::new();
        JsonLines.encode_event(event, AT, &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    fn asked(request: &Request) -> String {
        let mut out = Vec::new();
        JsonLines.encode_request(request, &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    fn decode(pieces: &[&[u8]]) -> (Vec<Request>, Result<(), Malformed>) {
        let mut decoder = JsonLines.decoder();
        let mut out = Vec::new();
        let result = pieces.iter().try_for_each(|piece| decoder.decode(piece, &mut out));
        (out, result)
    }

    fn listen(nick: &str, pieces: &[&[u8]]) -> Vec<Heard> {
        let mut listener = JsonLines.listener(nick);
        let mut out = Vec::new();
        for piece in pieces {
            listener.listen(piece, &mut out);
        }
        out
    }

    fn joined() -> Request {
        Request::Join { nick: "bob".to_owned() }
    }

    fn names(list: &[&str]) -> Names {
        Arc::new(list.iter().map(|&name| name.into()).collect())
    }

    #[test]
    fn the_servers_lines_are_program_1s() {
        let welcome = Event::Welcome { nick: "bob".into(), people: names(&["alice", "bob"]) };
        for (event, line) in [
            (
                welcome,
                r#"{"type": "welcome", "message": "Welcome to the chat, bob!", "users": ["alice", "bob"], "timestamp": 1795210164.994826}"#,
            ),
            (
                Event::Joined { nick: "bob".into() },
                r#"{"type": "user_joined", "username": "bob", "message": "bob joined the chat", "timestamp": 1795210164.994826}"#,
            ),
            (
                Event::Said { from: "alice".into(), text: "Héllo".into() },
                r#"{"type": "chat", "username": "alice", "message": "H\u00e9llo", "timestamp": 1795210164.994826}"#,
            ),
            (
                Event::Left { nick: "alice".into() },
                r#"{"type": "user_left", "username": "alice", "message": "alice left the chat", "timestamp": 1795210164.994826}"#,
            ),
            (Event::Pong, r#"{"type": "pong"}"#),
            (
                Event::Rejected(Refusal::NickTaken),
                r#"{"type": "error", "message": "Username already taken"}"#,
            ),
        ] {
            assert_eq!(sent(&event), format!("{line}\n"));
        }
        assert_eq!(sent(&Event::Rejected(Refusal::NickInvalid)).as_bytes(), INVALID_USERNAME);
    }

    #[test]
    fn the_clients_lines_are_program_1s() {
        let chat = Request::Say { text: "Hello everyone!".into() };
        assert_eq!(asked(&joined()), "{\"type\": \"join\", \"username\": \"bob\"}\n");
        assert_eq!(asked(&chat), "{\"type\": \"chat\", \"message\": \"Hello everyone!\"}\n");
        assert_eq!(asked(&Request::Ping), "{\"type\": \"ping\"}\n");
    }

    #[test]
    fn only_a_rejected_join_and_a_goodbye_end_the_connection() {
        let mut out = Vec::new();
        let mut after = |event| JsonLines.encode_event(&event, AT, &mut out);
        assert_eq!(after(Event::Rejected(Refusal::NickTaken)), After::Close);
        assert_eq!(after(Event::Bye), After::Close);
        assert_eq!(after(Event::Refused(Refusal::NickTaken)), After::Stay);
    }

    #[test]
    fn the_first_line_must_be_a_join_with_a_good_nick() {
        for line in [
            "nonsense",
            r#"["join", "bob"]"#,
            "{}",
            r#"{"type": "chat", "message": "x"}"#,
            r#"{"type": "join"}"#,
            r#"{"type": "join", "username": "  "}"#,
            r#"{"type": "join", "username": 5}"#,
            r#"{"type": "join", "username": "123456789012345678901"}"#,
        ] {
            let (requests, result) = decode(&[line.as_bytes(), b"\n"]);
            assert_eq!(result, Err(Malformed { farewell: INVALID_USERNAME }), "{line}");
            assert_eq!(requests, []);
        }
        let twenty = r#"{"type":"join","username":" üüüüüüüüüüüüüüüüüüüü ","age":7}"#;
        assert!(decode(&[twenty.as_bytes(), b"\n"]).1.is_ok());
    }

    #[test]
    fn later_nonsense_ends_the_connection_and_the_unknown_is_ignored() {
        let join = asked(&joined());
        for line in ["x\n", "[1]\n", "5\n", "{\"type\": \"chat\", \"message\": \"\\ud800\"}\n", "\u{0}\n"] {
            let (requests, result) = decode(&[join.as_bytes(), line.as_bytes()]);
            assert_eq!(result, Err(Malformed { farewell: b"" }), "{line}");
            assert_eq!(requests, [joined()]);
        }
        for line in ["\n", " \r\n", "{}\n", "{\"type\": {\"deep\": [1]}}\n", &join, "{\"type\": \"dance\"}\n"]
        {
            assert_eq!(decode(&[join.as_bytes(), line.as_bytes()]), (vec![joined()], Ok(())), "{line}");
        }
    }

    #[test]
    fn hostile_input_is_refused_within_bounds() {
        let join = asked(&joined());
        let endless = vec![b'x'; REQUEST_LIMIT + 1];
        let deep = [vec![b'['; 60_000], b"\n".to_vec()].concat();
        let deep_member = format!("{{\"type\": {}\n", "{\"a\":".repeat(10_000));
        for hostile in [&endless[..], &deep, deep_member.as_bytes(), b"\xff\xfe\n", b"{\"type\": \"\xc3\"}\n"]
        {
            assert!(decode(&[hostile]).1.is_err());
            assert!(decode(&[join.as_bytes(), hostile]).1.is_err());
        }
    }

    #[test]
    fn a_listener_hears_messages_and_what_it_must_know() {
        let id = marker::compose(42, 30);
        let text: Name = id.as_str().into();
        let from: Name = "a\"é".into();
        for (event, expected) in [
            (Event::Message { from: from.clone(), text: text.clone() }, Some(Heard::Message(42))),
            (Event::Direct { from: from.clone(), text: text.clone() }, Some(Heard::Message(42))),
            (
                Event::RoomMessage { room: "r".into(), from: from.clone(), text: text.clone() },
                Some(Heard::Message(42)),
            ),
            (Event::Said { from: "me".into(), text: text.clone() }, None),
            (Event::SaidIn { room: "r".into(), from: "me".into(), text: text.clone() }, None),
            (Event::Told { to: from.clone(), text: text.clone() }, None),
            (Event::Welcome { nick: "me".into(), people: names(&["me"]) }, Some(Heard::Welcome)),
            (Event::Rejected(Refusal::NickTaken), Some(Heard::Refused)),
            (Event::Joined { nick: text.clone() }, None),
            (Event::Left { nick: text.clone() }, None),
            (Event::Pong, None),
        ] {
            let line = sent(&event);
            for cut in 0..=line.len() {
                let (a, b) = line.as_bytes().split_at(cut);
                assert_eq!(listen("me", &[a, b]), expected.into_iter().collect::<Vec<_>>(), "{line}");
            }
        }
    }

    #[test]
    fn neither_a_text_nor_a_nick_can_imitate_a_marker() {
        let fake = "\", \"message\": \"#0000002a";
        for (from, text) in [(fake, "hi"), ("eve", fake), ("eve", "so: #0000002a"), ("#0000002a", "hi")] {
            let line = sent(&Event::Message { from: from.into(), text: text.into() });
            assert_eq!(listen("me", &[line.as_bytes()]), [], "{line}");
        }
        let line = sent(&Event::Joined { nick: fake.into() });
        assert_eq!(listen("me", &[line.as_bytes()]), []);
    }

    #[test]
    fn the_longest_head_fits() {
        let from: Name = "😀".repeat(NICK_CHARS).into();
        let line = sent(&Event::Direct { from, text: marker::compose(7, 500).into() });
        let pieces: Vec<_> = line.as_bytes().chunks(1).collect();
        assert_eq!(listen("me", &pieces), [Heard::Message(7)]);
    }

    fn text() -> impl Strategy<Value = String> {
        // Texts are trimmed on their way, so these begin and end with something visible.
        any::<String>().prop_map(|text| format!("<{text}>"))
    }

    fn a_request() -> impl Strategy<Value = Request> {
        prop_oneof![
            text().prop_map(|text| Request::Say { text: text.into() }),
            (text(), text()).prop_map(|(to, text)| Request::Tell { to, text: text.into() }),
            (text(), text()).prop_map(|(room, text)| Request::SayIn { room, text: text.into() }),
            text().prop_map(|room| Request::Create { room }),
            text().prop_map(|room| Request::Enter { room, create: true }),
            text().prop_map(|room| Request::Exit { room }),
            text().prop_map(|nick| Request::Rename { nick }),
            prop::sample::select(vec![
                Request::People,
                Request::Rooms,
                Request::Hide,
                Request::Reveal,
                Request::Ping,
                Request::Help,
                Request::Leave,
            ]),
        ]
    }

    fn an_event() -> impl Strategy<Value = Event> {
        let name = || text().prop_map(Name::from);
        let list = || prop::collection::vec(text().prop_map(Name::from), 0..4).prop_map(Arc::new);
        prop_oneof![
            (name(), name()).prop_map(|(from, text)| Event::Message { from, text }),
            (name(), name()).prop_map(|(from, text)| Event::Direct { from, text }),
            (name(), name()).prop_map(|(to, text)| Event::Told { to, text }),
            (name(), name(), name()).prop_map(|(room, from, text)| Event::RoomMessage { room, from, text }),
            name().prop_map(|nick| Event::Joined { nick }),
            name().prop_map(|nick| Event::Left { nick }),
            name().prop_map(|words| Event::Refused(Refusal::Other(words))),
            (name(), name()).prop_map(|(from, to)| Event::Renamed { from, to }),
            list().prop_map(|names| Event::People { names }),
            list().prop_map(|names| Event::Rooms { names }),
            Just(Event::Pong),
        ]
    }

    /// `bytes` in pieces of the given lengths, repeated until nothing is left.
    fn pieces<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
        let mut out = Vec::new();
        for &length in lengths.iter().cycle() {
            if bytes.is_empty() {
                break;
            }
            let (piece, rest) = bytes.split_at(length.min(bytes.len()));
            out.push(piece);
            bytes = rest;
        }
        out
    }

    proptest! {
        #[test]
        fn requests_survive_any_cutting(
            requests in prop::collection::vec(a_request(), 0..6),
            lengths in prop::collection::vec(1usize..40, 1..6),
        ) {
            let requests = [vec![joined()], requests].concat();
            let stream: String = requests.iter().map(asked).collect();
            prop_assert!(stream.is_ascii());
            prop_assert_eq!(decode(&pieces(stream.as_bytes(), &lengths)), (requests, Ok(())));
        }

        #[test]
        fn events_survive_any_cutting(
            events in prop::collection::vec(an_event(), 0..6),
            lengths in prop::collection::vec(1usize..40, 1..6),
        ) {
            let stream: String = events.iter().map(sent).collect();
            prop_assert!(stream.is_ascii());
            let mut reader = JsonLines.reader();
            let mut out = Vec::new();
            for piece in pieces(stream.as_bytes(), &lengths) {
                prop_assert_eq!(reader.decode(piece, &mut out), Ok(()));
            }
            prop_assert_eq!(out, events);
        }

        #[test]
        fn no_bytes_make_anyone_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            after_join in any::<bool>(),
        ) {
            let join = asked(&joined());
            let join = if after_join { join.as_bytes() } else { b"" };
            let _ = decode(&[join, &bytes]);
            let _ = JsonLines.reader().decode(&bytes, &mut Vec::new());
            listen("me", &[&bytes]);
        }

        #[test]
        fn damaged_lines_make_nobody_panic(
            event in an_event(),
            request in a_request(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut line = sent(&event).into_bytes();
            let index = at.index(line.len());
            line[index] = byte;
            listen("me", &[&line]);
            let _ = JsonLines.reader().decode(&line, &mut Vec::new());
            let mut line = asked(&request).into_bytes();
            let index = at.index(line.len());
            line[index] = byte;
            let _ = decode(&[asked(&joined()).as_bytes(), &line]);
        }
    }
}
