//! A client of program 1.
//!
//! Its original server drops what comes in one read behind the first line, and so each line keeps a distance
//! from the next until the server has shown that it is not that one.
//!
//! The original ignores what it does not know. Therefore a `ping` goes behind each request that
//! only ours knows, until one has been answered: servers answer in order, so a `pong` that comes first
//! shows that there will be no answer.

use std::collections::VecDeque;
use std::rc::Rc;

use super::unknown;
use crate::chat::message::{Event, Name, Request};
use crate::chat::protocol::json::Object;
use crate::chat::protocol::json_lines::{
    EXTENSIONS, EventReader, FILES, HeadListener, REQUEST_LIMIT, encode_request,
};
use crate::chat::protocol::session::{ClientSession, Manner, Moment, NotSaid};
use crate::chat::protocol::{Heard, Malformed, READ_GAP};
use crate::time::Duration;

/// Speaks lines of JSON.
#[derive(Debug, Default)]
pub struct JsonLinesClient {
    reader: EventReader,
    /// True for a synthetic person, whose server is known to understand everything.
    is_person: bool,
    ear: HeadListener,
    /// Its own nick, once it is in: the server's echo is no news.
    nick: Option<Name>,
    /// True if the server knows more than the original; `None` until it has shown that.
    knows_more: Option<bool>,
    /// Pings on their way.
    pings: VecDeque<Ping>,
    out: VecDeque<Rc<[u8]>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Ping {
    /// To see that the server is alive.
    Asked,
    /// Behind a request that it may not know.
    Behind,
}

impl JsonLinesClient {
    /// A synthetic person's: it says nothing that it is not asked to say.
    pub fn person() -> JsonLinesClient {
        JsonLinesClient { is_person: true, knows_more: Some(true), ..JsonLinesClient::default() }
    }

    /// One whose server is known to be of ours.
    pub fn of_ours() -> JsonLinesClient {
        JsonLinesClient { knows_more: Some(true), ..JsonLinesClient::default() }
    }

    /// An event with what only this connection knows: whether it is in, and under which nick.
    fn own(&mut self, event: Event) -> Option<Event> {
        if shows_more(&event) && self.nick.is_some() {
            self.knows_more = Some(true);
        }
        let is_own = |from: &Name| self.nick.as_ref() == Some(from);
        Some(match event {
            Event::Pong if self.pings.pop_front() == Some(Ping::Behind) => {
                if self.knows_more == Some(true) {
                    return None;
                }
                self.knows_more = Some(false);
                unknown()
            }
            Event::Welcome { ref nick, .. } | Event::NickChanged { to: ref nick } => {
                self.nick = Some(nick.clone());
                event
            }
            Event::Refused(refusal) if self.nick.is_none() => Event::Rejected(refusal),
            Event::Message { from, text } if is_own(&from) => Event::Said { from, text },
            Event::RoomMessage { room, from, text } if is_own(&from) => Event::SaidIn { room, from, text },
            event => event,
        })
    }

    fn send(&mut self, request: &Request) -> Result<(), NotSaid> {
        let mut line = Vec::with_capacity(512);
        match request {
            // The original's server looks at no other member than the name.
            Request::Join { nick } if !self.is_person => {
                Object(&mut line)
                    .kind("join")
                    .member("username", nick)
                    .flag(EXTENSIONS)
                    .flag(FILES)
                    .close_line();
            }
            request => encode_request(request, &mut line),
        }
        if line.len() > REQUEST_LIMIT {
            return Err(NotSaid::TooLong(REQUEST_LIMIT));
        }
        self.out.push_back(line.into());
        Ok(())
    }
}

/// True if a server of ours always answers the request and the original does not. A farewell is answered by
/// the end.
fn is_telling(request: &Request) -> bool {
    use Request::{Join, Leave, Ping, Say};
    !matches!(request, Join { .. } | Leave | Say { .. } | Ping)
}

/// True if the original's server would never send the event to a member.
fn shows_more(event: &Event) -> bool {
    !matches!(
        event,
        Event::Welcome { .. }
            | Event::Joined { .. }
            | Event::Left { .. }
            | Event::Message { .. }
            | Event::Pong
    )
}

impl ClientSession for JsonLinesClient {
    fn manner(&self) -> Manner {
        // Program 1's server shows everybody everything.
        Manner { echoes: true, is_framed: true, ..Manner::default() }
    }

    fn speaks(&self, request: &Request) -> Result<(), NotSaid> {
        if is_telling(request) && self.knows_more == Some(false) { Err(NotSaid::Unknown) } else { Ok(()) }
    }

    fn ask(&mut self, _: Moment, request: &Request) -> Result<(), NotSaid> {
        self.speaks(request)?;
        if let Request::Join { nick } = request {
            self.ear = HeadListener::new(nick);
        }
        self.send(request)?;
        if *request == Request::Ping {
            self.pings.push_back(Ping::Asked);
        } else if is_telling(request) && self.knows_more.is_none() {
            self.pings.push_back(Ping::Behind);
            self.send(&Request::Ping)?;
        }
        Ok(())
    }

    fn receive(&mut self, _: Moment, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let mut heard = Vec::new();
        let result = self.reader.decode(bytes, &mut heard);
        if self.reader.is_extended() {
            self.knows_more = Some(true);
        }
        out.extend(heard.into_iter().filter_map(|event| self.own(event)));
        result
    }

    fn listen(&mut self, _: Moment, bytes: &[u8], out: &mut Vec<Heard>) -> Result<(), Malformed> {
        self.ear.listen(bytes, out);
        Ok(())
    }

    fn poll_send(&mut self) -> Option<Rc<[u8]>> {
        self.out.pop_front()
    }

    fn gap(&self) -> Duration {
        if self.knows_more == Some(true) { Duration::ZERO } else { READ_GAP }
    }
}
