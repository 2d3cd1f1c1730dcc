//! A client of program 2, of all variants of its server.

use std::rc::Rc;
use std::sync::Arc;

use super::outbox::Outbox;
use super::{between, no_command, notice, one_line, refusal, unknown};
use crate::chat::message::{Event, Name, Refusal, Request};
use crate::chat::protocol::commands::PRIVATE;
use crate::chat::protocol::session::{ClientSession, Moment, NotSaid};
use crate::chat::protocol::text::{STAMP, Utf8, is_stamped};
use crate::chat::protocol::{Malformed, READ_GAP};
use crate::time::Duration;

/// Speaks bare text with slash commands.
#[derive(Debug, Default)]
pub struct SlashClient {
    utf8: Utf8,
    /// The nick that it would like, until the server asks for it: who speaks first is taken for a
    /// client of program 4 where both share a port.
    wanted: Option<String>,
    prompted: bool,
    /// True if the server has shown that it knows no more commands than the original.
    knows_no_more: bool,
    out: Outbox,
}

impl SlashClient {
    fn enter(&mut self, nick: &str) -> Event {
        self.out.let_in();
        Event::Welcome { nick: nick.into(), people: Arc::default() }
    }

    /// One text of the server, without the time.
    fn understand(&mut self, text: &str, out: &mut Vec<Event>) {
        let notice = || Event::Notice { text: text.into() };
        let Some((tag, words)) = text.strip_prefix('[').and_then(|rest| rest.split_once("] ")) else {
            out.push(notice());
            return;
        };
        if matches!(tag, "SERVER" | "ERROR") && words.starts_with(UNKNOWN) {
            self.knows_no_more = true;
            out.push(unknown());
        } else if tag == "SERVER" {
            out.extend(self.hear_server(words));
        } else if tag == "ERROR" {
            out.push(Event::Refused(Refusal::Other(words.into())));
        } else if let Some(from) = tag.strip_prefix("PRIVATE FROM ") {
            out.push(Event::Direct { from: from.into(), text: words.into() });
        } else if let Some(to) = tag.strip_prefix("PRIVATE TO ") {
            out.push(Event::Told { to: to.into(), text: words.into() });
        } else if let Some((room, (from, words))) = tag.strip_prefix('#').zip(said_in_room(words)) {
            out.push(Event::RoomMessage { room: room.into(), from: from.into(), text: words.into() });
        } else {
            out.push(Event::Message { from: tag.into(), text: words.into() });
        }
    }

    fn hear_server(&mut self, words: &str) -> Option<Event> {
        let is = |before: &str, after: &str| between(words, before, after).map(Name::from);
        Some(if words == "Please enter your username:" {
            let again = std::mem::replace(&mut self.prompted, true);
            match self.wanted.take() {
                Some(nick) => {
                    self.out.send(&nick);
                    return None;
                }
                None if again => Event::Rejected(Refusal::NickInvalid),
                None => return None,
            }
        } else if let Some(nick) = is("Welcome, ", "! Type /help for available commands.") {
            self.enter(&nick)
        } else if let Some((nick, _)) =
            words.strip_prefix("You have been assigned the username '").and_then(|rest| rest.split_once("'."))
        {
            if let Some(wanted) = self.wanted.take() {
                self.out.send(&format!("/nick {wanted}"));
            }
            self.enter(nick)
        } else if is("Username '", "' is already taken. Please choose another:").is_some() {
            Event::Rejected(Refusal::NickTaken)
        } else if let Some(reason) = words.strip_suffix(". Please choose another:") {
            Event::Rejected(refusal(reason))
        } else if is("Username '", "' is already taken.").is_some() {
            Event::Refused(Refusal::NickTaken)
        } else if let Some(nick) = is("User '", "' has joined the chat.") {
            Event::Joined { nick }
        } else if let Some(nick) = is("User '", "' has left the chat.") {
            Event::Left { nick }
        } else if let Some(nick) = is("User '", "' not found.") {
            Event::Refused(Refusal::NoSuchPerson(nick))
        } else if let Some((from, to)) =
            is("User '", "'.").and_then(|names| Some(two(names.split_once("' is now known as '")?)))
        {
            Event::Renamed { from, to }
        } else if let Some(to) = is("Your username has been changed to '", "'.") {
            Event::NickChanged { to }
        } else if words.starts_with("Connected users (") {
            let names = words.lines().filter_map(|line| line.strip_prefix("  - "));
            Event::People { names: Arc::new(names.map(Name::from).collect()) }
        } else if words.starts_with("Available commands:") {
            Event::Help
        } else if words == "Disconnecting..." {
            Event::Bye
        } else if let Some(event) = about_rooms(words) {
            event
        } else if self.prompted && !self.out.is_in() {
            // It speaks to nobody else whom it has asked for a name.
            Event::Rejected(refusal(words.trim_end_matches('.')))
        } else {
            notice(words.trim_end())
        })
    }
}

/// Beginning of the answer to an unknown command.
const UNKNOWN: &str = "Unknown command: ";

/// Words of our server about rooms, and others that the originals do not have.
fn about_rooms(words: &str) -> Option<Event> {
    let is = |before: &str, after: &str| between(words, before, after).map(Name::from);
    let is_two = |before: &str, middle: &str, after: &str| {
        Some(two(between(words, before, after)?.split_once(middle)?))
    };
    Some(if let Some(list) = is("Rooms: ", "") {
        Event::Rooms { names: Arc::new(list.split(", ").map(Name::from).collect()) }
    } else if let Some(room) = is("Room '", "' was created.") {
        Event::Created { room }
    } else if let Some((from, room)) = is_two("", " invites you to room '", "") {
        let room = room.split_once("': /join ")?.0.into();
        Event::Invitation { room, from }
    } else if let Some((to, room)) = is_two("", " is invited to room '", "'.") {
        Event::Invited { room, to }
    } else if let Some((room, by)) = is_two("Room '", "' was closed by ", ".") {
        Event::Closed { room, by }
    } else if let Some(room) = is("You are in room '", "'.") {
        Event::Entered { room }
    } else if let Some(room) = is("You have left room '", "'.") {
        Event::Exited { room }
    } else {
        match words {
            "There are no rooms." => Event::Rooms { names: Arc::default() },
            "You are invisible." => Event::Hidden,
            "You are visible." => Event::Revealed,
            "pong" => Event::Pong,
            _ => return None,
        }
    })
}

/// Speaker and text behind the name of a room: `[bob] hi`.
fn said_in_room(words: &str) -> Option<(&str, &str)> {
    words.strip_prefix('[')?.split_once("] ")
}

fn two((a, b): (&str, &str)) -> (Name, Name) {
    (a.into(), b.into())
}

impl ClientSession for SlashClient {
    fn speaks(&self, request: &Request) -> Result<(), NotSaid> {
        use Request::{Help, Join, Leave, People, Rename, Say, Tell};
        if matches!(request, Request::File(_) | Request::Hint(_) | Request::Seal { .. }) {
            return Err(NotSaid::NoWords);
        }
        let is_old =
            matches!(request, Join { .. } | Leave | Say { .. } | Tell { .. } | People | Rename { .. } | Help);
        if self.knows_no_more && !is_old { Err(NotSaid::Unknown) } else { Ok(()) }
    }

    fn ask(&mut self, _: Moment, request: &Request) -> Result<(), NotSaid> {
        self.speaks(request)?;
        let words = match request {
            Request::Join { nick } => {
                let line = one_line(nick.trim()) + "\n";
                if self.prompted {
                    self.out.send(&line);
                } else {
                    self.wanted = Some(line);
                }
                return Ok(());
            }
            Request::Say { text } => no_command(text),
            Request::Tell { to, text } => format!("/whisper {to} {}", one_line(text)),
            Request::People => "/list".to_owned(),
            Request::Rename { nick } => format!("/nick {}", one_line(nick)),
            Request::Help => "/help".to_owned(),
            Request::Leave => "/exit".to_owned(),
            // The original has no others.
            Request::Rooms => "/rooms".to_owned(),
            Request::Create { room, private: false } => format!("/create {}", one_line(room)),
            Request::Create { room, private: true } => format!("/create {} {PRIVATE}", one_line(room)),
            Request::Enter { room, .. } => format!("/join {}", one_line(room)),
            Request::Exit { room } => format!("/leave {}", one_line(room)),
            Request::SayIn { room, text } | Request::Post { room, text } => {
                format!("/room {room} {}", one_line(text))
            }
            Request::Invite { to, room } => {
                one_line(format!("/invite {to} {}", room.as_deref().unwrap_or_default()).trim())
            }
            Request::Close { room } => format!("/close {}", one_line(room)),
            Request::Hide => "/hide".to_owned(),
            Request::Reveal => "/reveal".to_owned(),
            Request::Ping => "/ping".to_owned(),
            Request::File(_) | Request::Hint(_) | Request::Seal { .. } => return Err(NotSaid::NoWords),
        };
        // Every server strips it, and ours tells by it what one read brings together.
        self.out.send_inside(&(words + "\n"))
    }

    fn receive(&mut self, _: Moment, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let text = self.utf8.decode(bytes);
        // Texts that came together, the first of them perhaps the rest of a longer one.
        let mut starts: Vec<usize> = text
            .match_indices('[')
            .map(|(at, _)| at)
            .filter(|&at| is_stamped(&text.as_bytes()[at..]))
            .collect();
        if starts.first() != Some(&0) {
            starts.insert(0, 0);
        }
        starts.push(text.len());
        for ends in starts.windows(2) {
            let one = &text[ends[0]..ends[1]];
            if is_stamped(one.as_bytes()) {
                self.understand(&one[STAMP..], out);
            } else if !one.is_empty() {
                out.push(Event::Notice { text: one.into() });
            }
        }
        Ok(())
    }

    fn poll_send(&mut self) -> Option<Rc<[u8]>> {
        self.out.pop()
    }

    fn gap(&self) -> Duration {
        READ_GAP
    }
}
