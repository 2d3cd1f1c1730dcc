//! A client of program 3.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::outbox::{Outbox, fits};
use super::rooms_steps::{Pending, Prompted, ServerText, Step};
use super::rooms_words::{answers, broadcast, confirms, is_added};
use super::{between, notice, numbered, one_line, refusal, unknown, without_password};
use crate::chat::message::{Event, Name, Refusal, Request};
use crate::chat::names::is_unmistakable;
use crate::chat::protocol::commands::PRIVATE;
use crate::chat::protocol::session::{ClientSession, Manner, Moment, NotSaid};
use crate::chat::protocol::text::Utf8;
use crate::chat::protocol::{After, Malformed, READ_GAP};
use crate::time::{Duration, Instant};

/// Time after which it goes on without a prompt or a confirmation.
const WITHIN: Duration = Duration::from_secs(5);
/// Time after which it goes on where the server has nothing to confirm: by then it has read the answer.
const APART: Duration = Duration::from_millis(100);

/// Asks for the list of members.
const MEMBERS: &str = "/members";

/// Texts after which another may follow in the same read.
const FIXED: &[(&str, Fixed)] = &[
    ("Connected to the server", |client| Event::Welcome {
        nick: client.nick.clone(),
        people: Arc::default(),
    }),
    ("Message broadcasted!", |client| Event::Said {
        from: client.nick.clone(),
        text: client.said.pop_front().unwrap_or_default(),
    }),
    ("You are now invisible!", |client| {
        client.hidden = true;
        Event::Hidden
    }),
    ("You are now visible to other users!", |client| {
        client.hidden = false;
        Event::Revealed
    }),
    ("No rooms available", |_| Event::Rooms { names: Arc::default() }),
    ("Server: Bye", |_| Event::Bye),
];

type Fixed = fn(&mut RoomsClient) -> Event;

/// Speaks bare text with rooms.
#[derive(Debug, Default)]
pub struct RoomsClient {
    utf8: Utf8,
    nick: Name,
    /// Steps still to be sent; one prompt at a time.
    steps: VecDeque<Step>,
    awaited: Option<Pending>,
    /// True if the list of members omits it. A server does not answer a request that changes nothing.
    hidden: bool,
    /// True of a server that knows more commands than the original, once one or the other has shown.
    knows_more: Option<bool>,
    /// Lists of members on their way, oldest first: whether each was asked for, or only comes to show what
    /// the server does not answer.
    lists: VecDeque<bool>,
    /// Messages to everyone that are not confirmed.
    said: VecDeque<Name>,
    /// The room to be founded if it turns out not to exist.
    or_found: Option<String>,
    out: Outbox,
}

impl RoomsClient {
    /// Sends what need not wait for a prompt.
    fn step(&mut self, now: Instant) {
        while self.out.is_in()
            && self.awaited.is_none()
            && let Some(step) = self.steps.pop_front()
        {
            match step {
                Step::Send(text) => self.send(&text, true),
                Step::Added(text) => {
                    self.out.send(&text);
                    if self.knows_more != Some(true) {
                        self.send(MEMBERS, false);
                        self.wait(now, ServerText::Verdict(text), WITHIN);
                    }
                }
                Step::Prompted(prompted) => {
                    self.out.send(prompted.command);
                    self.wait(now, ServerText::Prompt(prompted), WITHIN);
                }
            }
        }
    }

    fn send(&mut self, text: &str, is_wanted: bool) {
        if text == MEMBERS {
            self.lists.push_back(is_wanted);
        }
        self.out.send(text);
    }

    fn wait(&mut self, now: Instant, text: ServerText, within: Duration) {
        self.awaited = Some(Pending { text, by: now + within });
    }

    /// The awaited text has come, or is waited for no longer.
    fn go_on(&mut self, now: Instant) {
        if let Some(ServerText::Prompt(prompted)) = self.awaited.take().map(|awaited| awaited.text) {
            self.out.send(prompted.answer.as_deref().unwrap_or(&self.nick));
            let is_there = prompted.hides == Some(self.hidden);
            self.wait(now, ServerText::Confirmation, if is_there { APART } else { WITHIN });
        }
    }

    /// The prompt that it waits for.
    fn prompt(&self) -> Option<&'static str> {
        match &self.awaited.as_ref()?.text {
            ServerText::Prompt(prompted) => Some(prompted.prompt),
            ServerText::Confirmation | ServerText::Verdict(_) => None,
        }
    }

    /// An event, unless it only came to show what is not answered.
    fn judge(&mut self, event: Event) -> Option<Event> {
        let is_list = matches!(event, Event::People { .. });
        let only_shows = is_list && self.lists.pop_front() == Some(false);
        if let Some(Pending { text: ServerText::Verdict(command), .. }) = &self.awaited
            && (only_shows || answers(&event, command))
        {
            self.knows_more = Some(!is_list);
            self.awaited = None;
        }
        match self.knows_more {
            _ if !only_shows => Some(event),
            Some(false) => Some(unknown()),
            _ => None,
        }
    }

    /// Texts that came together, as far as it is known where one ends.
    fn hear(&mut self, mut text: &str, out: &mut Vec<Event>) {
        while !text.is_empty() {
            let fixed = FIXED.iter().find_map(|(words, event)| Some((text.strip_prefix(words)?, event)));
            if let Some((rest, event)) = fixed {
                let event = event(self);
                if matches!(event, Event::Welcome { .. }) {
                    self.out.let_in();
                }
                out.push(event);
                text = rest;
            } else if let Some((event, rest)) = broadcast(text) {
                out.push(event);
                text = rest;
            } else {
                let event = self.understand(text).and_then(|event| self.judge(event));
                out.extend(event);
                return;
            }
        }
    }

    /// A text that goes on to the end of the read.
    fn understand(&mut self, text: &str) -> Option<Event> {
        let is = |before: &str, after: &str| between(text, before, after).map(Name::from);
        if let Some(event) = self.block(text) {
            return Some(event);
        }
        Some(if let Some(refusal) = Refusal::parse(text) {
            Event::Refused(refusal)
        } else if let Some(nick) = is("Server: ", " is online!") {
            Event::Joined { nick }
        } else if let Some(nick) = is("Server: ", " is offline.\n").or_else(|| is("", " is offline")) {
            Event::Left { nick }
        } else if let Some(list) = text.strip_prefix("Active chat members are:\n") {
            let name = |line: &str| Some(Name::from(line.split_once(". ")?.1));
            Event::People { names: Arc::new(list.lines().filter_map(name).collect()) }
        } else if let Some(list) = text.strip_prefix("Rooms:\n") {
            Event::Rooms { names: Arc::new(list.lines().map(Name::from).collect()) }
        } else if let Some(room) = is("Room ", " created successfully!") {
            Event::Created { room }
        } else if let Some(room) = is("Room ", " already exists") {
            Event::Refused(Refusal::RoomExists(room))
        } else if let Some(room) = is("Joined room ", " successfully!") {
            Event::Entered { room }
        } else if let Some(room) = is("You are already a member of this room ", ".") {
            Event::Refused(Refusal::AlreadyMember(room))
        } else if let Some(room) = is("Room ", " does not exist!") {
            if let Some(wanted) = self.or_found.take_if(|wanted| **wanted == *room) {
                self.steps.push_front(Step::Send(format!("/create_room {wanted}")));
                return None;
            }
            Event::Refused(Refusal::NoSuchRoom(room))
        } else if let Some(room) = is("Left room ", "") {
            Event::Exited { room }
        } else if let Some((from, room)) =
            is("Server: ", "").as_deref().and_then(|rest| rest.split_once(" invites you to room "))
        {
            Event::Invitation { room: room.into(), from: from.into() }
        } else if let Some((to, room)) =
            is("Server: ", "").as_deref().and_then(|rest| rest.split_once(" is invited to room "))
        {
            Event::Invited { room: room.into(), to: to.into() }
        } else if let Some((room, by)) =
            is("Server: room ", "").as_deref().and_then(|rest| rest.split_once(" was closed by "))
        {
            Event::Closed { room: room.into(), by: by.into() }
        } else if text.starts_with("Room does not exist")
            || text == "User not found."
            || text.starts_with("Usage: ")
        {
            Event::Refused(Refusal::Other(text.into()))
        } else if let Some(words) = text.strip_prefix("Server: ") {
            match numbered(words).or_else(|| words.strip_prefix("you are now ")) {
                Some(nick) => {
                    self.nick = nick.into();
                    Event::NickChanged { to: nick.into() }
                }
                // It speaks to nobody else who is outside.
                None if !self.out.is_in() => Event::Rejected(refusal(words)),
                None => match words
                    .split_once(" is now ")
                    .filter(|(from, to)| is_unmistakable(from) && is_unmistakable(to))
                {
                    Some((from, to)) => Event::Renamed { from: from.into(), to: to.into() },
                    None => notice(words),
                },
            }
        } else if let Some((from, words)) = text.split_once(": ").filter(|(from, _)| !from.contains(' ')) {
            // The older server's way of saying something to everyone.
            Event::Message { from: from.into(), text: words.into() }
        } else {
            notice(text)
        })
    }

    /// Text said in a room or to one person: `\n[WHERE | HH:MM]\nWHO: WHAT`.
    fn block(&self, text: &str) -> Option<Event> {
        let (head, said) = text.strip_prefix("\n[")?.split_once("]\n")?;
        let (place, _) = head.rsplit_once(" | ")?;
        let (from, words) = said.split_once(": ")?;
        let (room, from, text): (Name, Name, Name) = (place.into(), from.into(), words.into());
        Some(match place {
            "DM" => Event::Direct { from, text },
            _ if from == self.nick => Event::SaidIn { room, from, text },
            _ => Event::RoomMessage { room, from, text },
        })
    }
}

fn prompted(
    command: &'static str,
    prompt: &'static str,
    answer: Option<String>,
    hides: Option<bool>,
) -> Step {
    Step::Prompted(Prompted { command, prompt, answer, hides })
}

impl ClientSession for RoomsClient {
    fn manner(&self) -> Manner {
        Manner { is_prompted: true, ..Manner::default() }
    }

    fn speaks(&self, request: &Request) -> Result<(), NotSaid> {
        match request {
            Request::Rename { .. }
            | Request::Ping
            | Request::Help
            | Request::File(_)
            | Request::Hint(_)
            | Request::Seal { .. } => Err(NotSaid::NoWords),
            request if is_added(request) && self.knows_more == Some(false) => Err(NotSaid::Unknown),
            _ => Ok(()),
        }
    }

    fn ask(&mut self, moment: Moment, request: &Request) -> Result<(), NotSaid> {
        self.speaks(request)?;
        if let Some(text) = request.text() {
            fits(text)?;
        }
        let step = match request {
            Request::Join { nick } => {
                self.nick = without_password(nick).into();
                self.out.send(&one_line(nick.trim()));
                return Ok(());
            }
            Request::Leave => Step::Send("/quit".to_owned()),
            Request::Say { text } => {
                let text = one_line(text);
                self.said.push_back(text.as_str().into());
                prompted("/broadcast", "Enter your message: ", Some(text), None)
            }
            Request::Tell { to, text } => Step::Send(format!("/dm {to} {}", one_line(text))),
            Request::Create { room, private: false } => {
                Step::Send(format!("/create_room {}", one_line(room)))
            }
            // The original has none of these.
            Request::Create { room, private: true } => {
                Step::Added(format!("/create {} {PRIVATE}", one_line(room)))
            }
            Request::Invite { to, room } => {
                let room = room.as_deref().unwrap_or_default();
                Step::Added(one_line(format!("/invite {to} {room}").trim()))
            }
            Request::Close { room } => Step::Added(format!("/close {}", one_line(room))),
            Request::Enter { room, create } => {
                self.or_found = create.then(|| one_line(room.trim()));
                Step::Send(format!("/join {}", one_line(room)))
            }
            Request::Exit { room } => Step::Send(format!("/leave {}", one_line(room))),
            Request::SayIn { room, text } | Request::Post { room, text } => {
                Step::Send(format!("/room {room} {}", one_line(text)))
            }
            Request::People => Step::Send(MEMBERS.to_owned()),
            Request::Rooms => Step::Send("/get_rooms".to_owned()),
            Request::Hide => prompted("/hide", "Enter nickname to hide", None, Some(true)),
            Request::Reveal => prompted("/reveal", "Enter nickname to show", None, Some(false)),
            Request::Rename { .. }
            | Request::Ping
            | Request::Help
            | Request::File(_)
            | Request::Hint(_)
            | Request::Seal { .. } => {
                return Err(NotSaid::NoWords);
            }
        };
        self.steps.push_back(step);
        self.step(moment.now);
        Ok(())
    }

    fn receive(&mut self, moment: Moment, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let text = self.utf8.decode(bytes);
        match self.prompt().and_then(|prompt| text.split_once(prompt)) {
            Some((before, after)) => {
                self.hear(before, out);
                self.go_on(moment.now);
                self.hear(after, out);
            }
            None => {
                let known = out.len();
                self.hear(&text, out);
                if self.prompt().is_none() && out[known..].iter().any(confirms) {
                    self.go_on(moment.now);
                }
            }
        }
        self.step(moment.now);
        Ok(())
    }

    fn poll_send(&mut self) -> Option<Rc<[u8]>> {
        self.out.pop()
    }

    fn gap(&self) -> Duration {
        READ_GAP
    }

    fn unsettled(&self) -> usize {
        self.steps.len() + usize::from(self.prompt().is_some())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.awaited.as_ref().map(|awaited| awaited.by)
    }

    fn handle_timeout(&mut self, moment: Moment) -> After {
        if self.poll_timeout().is_some_and(|by| by <= moment.now) {
            self.go_on(moment.now);
            self.step(moment.now);
        }
        After::Stay
    }
}
