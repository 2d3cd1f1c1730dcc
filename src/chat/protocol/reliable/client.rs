//! The client's side of a connection of program 0, in the six-member variant.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::frame::{self, Frames, TooLong};
use super::message::{Message, Parsed, acknowledged, acknowledging, parse, seconds};
use super::requests::{HEARTBEATS, UNKNOWN_TO_ORIGINALS, words};
use super::seen::Seen;
use super::window::{PassedOver, Window};
use crate::chat::message::{Event, Name, Names, Refusal, Request};
use crate::chat::protocol::client::{between, notice, numbered, refusal, unknown, without_password};
use crate::chat::protocol::session::{ClientSession, Manner, Moment, NotSaid};
use crate::chat::protocol::{After, Malformed};
use crate::time::{Duration, Instant};

/// Interval between signs of life.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Delay of an acknowledgment. Program 0's server notes a message after it has sent it:
/// it misses an acknowledgment that comes before, and then stands still until it repeats the message,
/// 3 s at first.
const ACKNOWLEDGES_AFTER: Duration = Duration::from_millis(10);
/// Most requests on their way, acknowledgment by acknowledgment.
const IN_FLIGHT: usize = 64;
/// The longest frame that it takes: a text of 64 KiB has six times as much when all of it is escaped.
const LONGEST: usize = 1 << 20;

/// Speaks length-prefixed JSON, and acknowledges it.
#[derive(Debug)]
pub struct ReliableClient {
    frames: Frames,
    nick: Name,
    /// True if it showed a password.
    shown: bool,
    door: Door,
    window: Window,
    /// Requests that the server has not acknowledged.
    asked: VecDeque<(Rc<[u8]>, Request)>,
    seen: Seen,
    /// Acknowledgments, and when they go.
    acks: VecDeque<(Instant, Rc<[u8]>)>,
    /// True if the server understands [`UNKNOWN_TO_ORIGINALS`]; `None` until it has shown that.
    knows_more: Option<bool>,
    out: VecDeque<Rc<[u8]>>,
    heartbeat_at: Option<Instant>,
    /// Heartbeats that are not acknowledged, and how many of the others are to be answered: a server sends
    /// the answer behind all that it has said before.
    pings: VecDeque<Rc<[u8]>>,
    pongs_due: usize,
    /// True if the next [`ClientSession::unsettled`] counts those.
    is_fenced: bool,
    made: u64,
}

/// Stages of joining. A server acknowledges a join before it looks at the name.
#[derive(Debug)]
enum Door {
    Outside,
    /// The join is acknowledged; this was asked next, and its answer comes after a refusal.
    Knocked(Rc<[u8]>),
    Inside,
}

impl Default for ReliableClient {
    fn default() -> ReliableClient {
        ReliableClient {
            frames: Frames::new(LONGEST),
            nick: Name::default(),
            shown: false,
            door: Door::Outside,
            window: Window::patient(),
            asked: VecDeque::new(),
            seen: Seen::default(),
            acks: VecDeque::new(),
            knows_more: None,
            out: VecDeque::new(),
            heartbeat_at: None,
            pings: VecDeque::new(),
            pongs_due: 0,
            is_fenced: false,
            made: 0,
        }
    }
}

impl ReliableClient {
    fn message(&mut self, moment: Moment, kind: &str, content: String) -> (Rc<[u8]>, Rc<[u8]>) {
        let id = format!("{kind}_{}_{}", moment.at.unix_nanos() / 1_000_000_000, 1_000 + self.made);
        self.made += 1;
        let message = Message {
            id: Cow::Borrowed(&id),
            kind: kind.into(),
            sender: Cow::Borrowed(&self.nick),
            content: content.into(),
            timestamp: seconds(moment.at),
            order: None,
        };
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        let id: Rc<[u8]> = id.into_bytes().into();
        if kind == HEARTBEATS {
            self.pings.push_back(Rc::clone(&id));
        }
        (id, bytes.into())
    }

    /// Sends a message that is to be acknowledged.
    fn send(&mut self, moment: Moment, kind: &str, content: &str) -> Rc<[u8]> {
        let (id, bytes) = self.message(moment, kind, content.to_owned());
        self.enqueue(moment, &id, bytes);
        id
    }

    fn enqueue(&mut self, moment: Moment, id: &Rc<[u8]>, bytes: Rc<[u8]>) {
        self.window.push(Rc::clone(id), bytes);
        self.fill(moment.now);
    }

    fn fill(&mut self, now: Instant) {
        while let Some(bytes) = self.window.poll(now) {
            self.out.push_back(bytes);
        }
    }

    fn hear(&mut self, moment: Moment, message: &Message<'_>, out: &mut Vec<Event>) {
        if message.kind == "ack" {
            self.on_ack(moment, &acknowledged(&message.content), out);
            return;
        }
        if *message.sender != *self.nick {
            let (_, bytes) = self.message(moment, "ack", acknowledging(&message.id));
            self.acks.push_back((moment.now + ACKNOWLEDGES_AFTER, bytes));
        }
        if !self.seen.is_new(message.digest()) {
            return;
        }
        // An answer to a heartbeat says no more than its acknowledgment.
        if *message.kind == *HEARTBEATS && *message.content == *"pong" {
            self.pongs_due = self.pongs_due.saturating_sub(1);
        }
        if matches!(&*message.kind, "chat" | "private_message" | "user_list") {
            let event = self.understand(&message.content);
            self.tell(event, out);
        }
    }

    /// Until it is in, whatever refuses something refuses it; all else shows that it is.
    fn tell(&mut self, event: Event, out: &mut Vec<Event>) {
        if matches!(self.door, Door::Inside) {
            out.push(event);
            return;
        }
        match event {
            Event::Refused(refusal) | Event::Rejected(refusal) => out.push(Event::Rejected(refusal)),
            Event::People { names } => self.enter(names, out),
            event => {
                self.enter(Arc::default(), out);
                out.push(event);
            }
        }
    }

    fn enter(&mut self, people: Names, out: &mut Vec<Event>) {
        self.door = Door::Inside;
        out.push(Event::Welcome { nick: self.nick.clone(), people });
    }

    /// Asks something that is answered once it is in. Who shows a password talks to a server of ours,
    /// whose heart beats while it still looks the password up.
    fn knock(&mut self, moment: Moment) {
        let (kind, content) = if self.shown { (UNKNOWN_TO_ORIGINALS, "/list") } else { (HEARTBEATS, "ping") };
        self.door = Door::Knocked(self.send(moment, kind, content));
    }

    /// True if the message of this id is the question that shows whether it is in.
    fn is_knock(&self, id: &[u8]) -> bool {
        matches!(&self.door, Door::Knocked(knock) if **knock == *id)
    }

    /// Sends again what the server has dropped, and a sign of life behind it: if that alone is
    /// acknowledged, it was dropped once more.
    fn repeat(&mut self, moment: Moment, again: Vec<Rc<[u8]>>) {
        if again.is_empty() {
            return;
        }
        self.out.extend(again);
        let (id, bytes) = self.message(moment, HEARTBEATS, "ping".to_owned());
        self.window.probe(id);
        self.out.push_back(bytes);
    }

    /// The server drops this message however often it is sent.
    fn give_up(&mut self, id: &[u8], out: &mut Vec<Event>) {
        if self.is_knock(id) {
            // It has no list to show: the server is none of ours, and the join was acknowledged.
            return self.enter(Arc::default(), out);
        }
        let Some(place) = self.asked.iter().position(|(asked, _)| **asked == *id) else { return };
        let Some((_, request)) = self.asked.remove(place) else { return };
        let event = if words(&request).0 == UNKNOWN_TO_ORIGINALS {
            self.knows_more.get_or_insert(false);
            unknown()
        } else {
            Event::Refused(Refusal::Other("this server does not acknowledge that".into()))
        };
        out.push(event);
    }

    fn on_ack(&mut self, moment: Moment, id: &str, out: &mut Vec<Event>) {
        let PassedOver { again, given_up } = self.window.pass_over(moment.now, id);
        self.window.on_ack(moment.now, id);
        self.repeat(moment, again);
        for id in given_up {
            self.give_up(&id, out);
        }
        if let Some(place) = self.pings.iter().position(|ping| **ping == *id.as_bytes()) {
            // Those before it were dropped: servers acknowledge in order.
            self.pings.drain(..=place);
            self.pongs_due += 1;
        }
        if !self.shown && self.is_knock(id.as_bytes()) {
            self.enter(Arc::default(), out);
        }
        let Some(place) = self.asked.iter().position(|(asked, _)| **asked == *id.as_bytes()) else { return };
        // Being acknowledged is all the answer and all the farewell there is.
        match self.asked.remove(place) {
            Some((_, Request::Join { .. })) if matches!(self.door, Door::Outside) => self.knock(moment),
            Some((_, Request::Ping)) => out.push(Event::Pong),
            Some((_, Request::Leave)) => out.push(Event::Bye),
            Some((_, request)) if words(&request).0 == UNKNOWN_TO_ORIGINALS => self.knows_more = Some(true),
            _ => {}
        }
    }

    /// Event in the server's words; everything comes as text in its name.
    fn understand(&mut self, content: &str) -> Event {
        let notice = || Event::Notice { text: content.into() };
        if let Some(words) = between(content, "*** ", " ***") {
            return self.about(words);
        }
        if let Some(nick) = numbered(content) {
            self.nick = nick.into();
            return Event::NickChanged { to: nick.into() };
        }
        let Some((tag, rest)) = content.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
            return notice();
        };
        if let Some(text) = rest.strip_prefix(": ") {
            return match tag.strip_prefix("PRIVATE from ") {
                Some(from) => Event::Direct { from: from.into(), text: text.into() },
                None => Event::Message { from: tag.into(), text: text.into() },
            };
        }
        match rest.strip_prefix(" [").and_then(|rest| rest.split_once("]: ")) {
            Some((from, text)) => {
                let room = tag.strip_prefix('#').unwrap_or(tag);
                Event::RoomMessage { room: room.into(), from: from.into(), text: text.into() }
            }
            None => notice(),
        }
    }

    /// Event in the server's words about people and rooms, between its stars.
    fn about(&mut self, words: &str) -> Event {
        let is = |before: &str, after: &str| between(words, before, after).map(Name::from);
        let list =
            |text: &str| Arc::new(text.split(", ").filter(|name| !name.is_empty()).map(Name::from).collect());
        if let Some(nick) = is("", " joined the chat") {
            Event::Joined { nick }
        } else if let Some(nick) = is("", " left the chat") {
            Event::Left { nick }
        } else if let Some(to) = is("you are now ", "") {
            self.nick = to.clone();
            Event::NickChanged { to }
        } else if let Some((from, to)) = words.split_once(" is now ") {
            Event::Renamed { from: from.into(), to: to.into() }
        } else if let Some(names) = words.strip_prefix("here: ") {
            Event::People { names: list(names) }
        } else if let Some(names) = words.strip_prefix("rooms: ") {
            Event::Rooms { names: list(names) }
        } else if let Some(room) = is("room ", " was created") {
            Event::Created { room }
        } else if let Some(room) = is("you are in room ", "") {
            Event::Entered { room }
        } else if let Some((from, room)) = words.split_once(" invites you to room ") {
            Event::Invitation { room: room.into(), from: from.into() }
        } else if let Some((to, room)) = words.split_once(" is invited to room ") {
            Event::Invited { room: room.into(), to: to.into() }
        } else if let Some((room, by)) =
            is("room ", "").as_deref().and_then(|rest| rest.split_once(" was closed by "))
        {
            Event::Closed { room: room.into(), by: by.into() }
        } else if let Some(room) = is("you have left room ", "") {
            Event::Exited { room }
        } else {
            match (words, refusal(words)) {
                ("you are invisible", _) => Event::Hidden,
                ("you are visible", _) => Event::Revealed,
                ("pong", _) => Event::Pong,
                ("there are no rooms", _) => Event::Rooms { names: list("") },
                // The server does not acknowledge a request it cannot do at present, so it is tried again.
                (_, Refusal::NotNow(_) | Refusal::Other(_)) if matches!(self.door, Door::Inside) => {
                    notice(words)
                }
                (_, refusal) => Event::Refused(refusal),
            }
        }
    }
}

impl ClientSession for ReliableClient {
    fn manner(&self) -> Manner {
        Manner { acknowledges: true, in_flight: IN_FLIGHT, is_framed: true, ..Manner::default() }
    }

    fn speaks(&self, request: &Request) -> Result<(), NotSaid> {
        if matches!(request, Request::File(_) | Request::Hint(_) | Request::Seal { .. }) {
            return Err(NotSaid::NoWords);
        }
        let is_more = words(request).0 == UNKNOWN_TO_ORIGINALS;
        if is_more && self.knows_more == Some(false) { Err(NotSaid::Unknown) } else { Ok(()) }
    }

    fn fence(&mut self, moment: Moment) {
        self.send(moment, HEARTBEATS, "ping");
        self.is_fenced = true;
    }

    fn ask(&mut self, moment: Moment, request: &Request) -> Result<(), NotSaid> {
        self.speaks(request)?;
        let (kind, content) = words(request);
        if let Request::Join { nick } = request {
            self.nick = without_password(nick).into();
            self.shown = nick.contains(':');
            self.heartbeat_at = Some(moment.now + HEARTBEAT);
        }
        let (id, bytes) = self.message(moment, kind, content);
        if bytes.len() > 4 + frame::LONGEST {
            return Err(NotSaid::TooLong(frame::LONGEST));
        }
        self.enqueue(moment, &id, bytes);
        self.asked.push_back((id, request.clone()));
        Ok(())
    }

    fn receive(&mut self, moment: Moment, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let mut frames = std::mem::take(&mut self.frames);
        let result = frames.feed(bytes, |frame| {
            if let Parsed::Message(message) = parse(frame) {
                self.hear(moment, &message, out);
            }
        });
        self.frames = frames;
        self.fill(moment.now);
        result.map_err(|TooLong| Malformed { farewell: b"" })
    }

    fn poll_send(&mut self) -> Option<Rc<[u8]>> {
        self.out.pop_front()
    }

    fn unsettled(&self) -> usize {
        let due = if self.is_fenced { self.pings.len() + self.pongs_due } else { 0 };
        self.asked.len() + due
    }

    fn unacknowledged(&self) -> Vec<Request> {
        self.asked.iter().map(|(_, request)| request.clone()).collect()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let acknowledges_at = self.acks.front().map(|(at, _)| *at);
        [self.window.timeout(), self.heartbeat_at, acknowledges_at].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, moment: Moment) -> After {
        while self.acks.front().is_some_and(|(at, _)| *at <= moment.now)
            && let Some((_, bytes)) = self.acks.pop_front()
        {
            self.out.push_back(bytes);
        }
        if self.heartbeat_at.is_some_and(|at| at <= moment.now) {
            self.heartbeat_at = Some(moment.now + HEARTBEAT);
            self.send(moment, HEARTBEATS, "ping");
        }
        match self.window.handle_timeout(moment.now) {
            Ok(again) => {
                self.repeat(moment, again);
                After::Stay
            }
            Err(_) => After::Close,
        }
    }
}
