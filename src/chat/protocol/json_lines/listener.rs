//! The ear of a synthetic person.

use super::NICK_CHARS;
use crate::chat::marker;
use crate::chat::protocol::Heard;
use crate::chat::protocol::json::{push_string, string_len};
use crate::chat::protocol::lines::find_newline;

/// As much of a line as a listener may need: the longest start of a message, in which each
/// character of the nick may be two escapes of six bytes.
const HEAD: usize = 96 + 12 * NICK_CHARS;

/// Reads only the head of each line, as our own server writes it.
#[derive(Debug, Default)]
pub(in crate::chat::protocol) struct HeadListener {
    /// The start of a line that began in earlier bytes.
    head: Vec<u8>,
    /// Its own nick as a JSON string: what it said itself is no news.
    own: Vec<u8>,
}

impl HeadListener {
    pub fn new(nick: &str) -> HeadListener {
        let mut own = Vec::new();
        push_string(nick, &mut own);
        HeadListener { head: Vec::new(), own }
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = HEAD - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Takes the next bytes, cut anywhere, and appends what they say. Needs memory for the start of one
    /// message only, and ignores what it does not understand.
    pub fn listen(&mut self, mut bytes: &[u8], out: &mut Vec<Heard>) {
        while let Some(end) = find_newline(bytes) {
            if self.head.is_empty() {
                out.extend(heard(&bytes[..end], &self.own));
            } else {
                self.hold(&bytes[..end]);
                out.extend(heard(&self.head, &self.own));
                self.head.clear();
            }
            bytes = &bytes[end + 1..];
            if bytes.is_empty() {
                return;
            }
        }
        self.hold(bytes);
    }
}

/// Event at the start of a line. Quotes within strings are escaped, so that no nick and no text
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
