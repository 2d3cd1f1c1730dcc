//! A client of the page's dialect: `json-lines` in frames.

use std::collections::VecDeque;
use std::rc::Rc;

use super::json_lines;
use crate::chat::message::{Event, Request};
use crate::chat::protocol::json::Object;
use crate::chat::protocol::json_lines::FILES;
use crate::chat::protocol::session::{ClientSession, Manner, Moment, NotSaid};
use crate::chat::protocol::web::{From, Piece, Reader, UNCOUNTED, push_masked_text, push_pong};
use crate::chat::protocol::{Heard, Malformed};

/// The longest message that a client takes: a welcome lists everyone who is here.
const LONGEST: usize = 4 << 20;
/// Messages after which it says what it has seen.
const SEEN_AFTER: u64 = 32;
/// Bytes after which it does so: the server keeps them until then.
const SEEN_AFTER_BYTES: usize = 32 * 1024;
/// Masks keep what a browser's script chooses from looking like other protocols on the wire (RFC 6455 §10.3);
/// no script chooses anything here.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Speaks JSON in WebSocket messages.
#[derive(Debug)]
pub struct WebClient {
    words: json_lines::JsonLinesClient,
    frames: Reader,
    out: VecDeque<Rc<[u8]>>,
    /// Messages that have come, and those of them that the server knows to have.
    seen: u64,
    said: u64,
    /// Bytes of messages since it said so last.
    unsaid: usize,
}

impl Default for WebClient {
    fn default() -> WebClient {
        WebClient {
            words: json_lines::JsonLinesClient::of_ours(),
            frames: Reader::new(From::Server, LONGEST),
            out: VecDeque::new(),
            seen: 0,
            said: 0,
            unsaid: 0,
        }
    }
}

impl WebClient {
    fn send(&mut self, text: &[u8]) {
        let mut frame = Vec::with_capacity(text.len() + 14);
        push_masked_text(text.strip_suffix(b"\n").unwrap_or(text), MASK, &mut frame);
        self.out.push_back(frame.into());
    }

    /// Hears messages as lines.
    fn hear(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(&mut json_lines::JsonLinesClient, &[u8]) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let mut line = Vec::new();
        let (words, seen, unsaid, out) = (&mut self.words, &mut self.seen, &mut self.unsaid, &mut self.out);
        self.frames.feed(bytes, |piece| {
            match piece {
                Piece::Text(text) => {
                    if text.starts_with(UNCOUNTED) {
                        return Ok(());
                    }
                    *seen += 1;
                    *unsaid += text.len();
                    line.clear();
                    line.extend_from_slice(text.as_bytes());
                    line.push(b'\n');
                    return each(words, &line);
                }
                Piece::Ping(payload) => {
                    let mut pong = Vec::new();
                    push_pong(payload, Some(MASK), &mut pong);
                    out.push_back(pong.into());
                }
                Piece::Pong | Piece::Close => {}
            }
            Ok::<(), Malformed>(())
        })?;
        if self.seen >= self.said + SEEN_AFTER || self.unsaid >= SEEN_AFTER_BYTES {
            (self.said, self.unsaid) = (self.seen, 0);
            let mut line = Vec::new();
            Object(&mut line).kind("seen").number("count", self.seen).close_line();
            self.send(&line);
        }
        Ok(())
    }
}

impl ClientSession for WebClient {
    fn manner(&self) -> Manner {
        self.words.manner()
    }

    fn speaks(&self, request: &Request) -> Result<(), NotSaid> {
        self.words.speaks(request)
    }

    fn ask(&mut self, moment: Moment, request: &Request) -> Result<(), NotSaid> {
        self.words.ask(moment, request)?;
        while let Some(line) = self.words.poll_send() {
            match request {
                Request::Join { nick } => {
                    let mut line = Vec::new();
                    Object(&mut line)
                        .kind("join")
                        .member("username", nick)
                        .flag("resumes")
                        .flag(FILES)
                        .close_line();
                    self.send(&line);
                }
                _ => self.send(&line),
            }
        }
        Ok(())
    }

    fn receive(&mut self, moment: Moment, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        self.hear(bytes, |words, line| words.receive(moment, line, out))
    }

    fn listen(&mut self, moment: Moment, bytes: &[u8], out: &mut Vec<Heard>) -> Result<(), Malformed> {
        self.hear(bytes, |words, line| words.listen(moment, line, out))
    }

    fn poll_send(&mut self) -> Option<Rc<[u8]>> {
        self.out.pop_front()
    }
}
