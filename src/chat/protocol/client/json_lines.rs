//! A client of program 1.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::chat::message::{Event, Name, Request};
use crate::chat::protocol::json::Object;
use crate::chat::protocol::json_lines::{EXTENSIONS, REQUEST_LIMIT};
use crate::chat::protocol::session::{ClientSession, Moment, NotSaid};
use crate::chat::protocol::{Dialect as _, JsonLines, Malformed, Reader};

/// Speaks lines of JSON.
#[derive(Debug)]
pub struct Client {
    reader: Box<dyn Reader>,
    /// Its own nick, once it is in: the server's echo is no news.
    nick: Option<Name>,
    out: VecDeque<Arc<[u8]>>,
}

impl Default for Client {
    fn default() -> Client {
        Client { reader: JsonLines.reader(), nick: None, out: VecDeque::new() }
    }
}

impl Client {
    /// An event with what only this connection knows: whether it is in, and under which nick.
    fn own(&mut self, event: Event) -> Event {
        let is_own = |from: &Name| self.nick.as_ref() == Some(from);
        match event {
            Event::Welcome { ref nick, .. } | Event::NickChanged { to: ref nick } => {
                self.nick = Some(nick.clone());
                event
            }
            Event::Refused(refusal) if self.nick.is_none() => Event::Rejected(refusal),
            Event::Message { from, text } if is_own(&from) => Event::Said { from, text },
            Event::RoomMessage { room, from, text } if is_own(&from) => Event::SaidIn { room, from, text },
            event => event,
        }
    }
}

impl ClientSession for Client {
    fn ask(&mut self, _: Moment, request: &Request) -> Result<(), NotSaid> {
        let mut line = Vec::new();
        match request {
            // The original's server looks at no other member than the name.
            Request::Join { nick } => {
                Object(&mut line).kind("join").member("username", nick).flag(EXTENSIONS).close_line();
            }
            request => JsonLines.encode_request(request, &mut line),
        }
        if line.len() > REQUEST_LIMIT {
            return Err(NotSaid::TooLong(REQUEST_LIMIT));
        }
        self.out.push_back(line.into());
        Ok(())
    }

    fn receive(&mut self, _: Moment, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let mut heard = Vec::new();
        let result = self.reader.decode(bytes, &mut heard);
        out.extend(heard.into_iter().map(|event| self.own(event)));
        result
    }

    fn poll_send(&mut self) -> Option<Arc<[u8]>> {
        self.out.pop_front()
    }
}
