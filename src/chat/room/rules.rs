//! Rules of a room: numbers, names, texts.

use crate::chat::message::Refusal;
use crate::chat::names::{self, Likeness};

/// Rules of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The longest nick or room name, in characters.
    pub name_chars: usize,
    /// The longest text, in bytes of UTF-8.
    pub text_bytes: usize,
    /// The largest file that one person sends to others, in bytes; 0 allows none.
    pub file_bytes: u64,
    /// The most people at a time.
    pub people: usize,
    /// The most rooms at a time.
    pub rooms: usize,
    /// The most rooms that one person owns at a time.
    pub rooms_each: usize,
    /// True if entering a room that does not exist may found it.
    pub entering_founds: bool,
    /// True if a nick belongs to one person only.
    pub unique_nicks: bool,
    /// Names that no person and no room may have, nor any that passes for them.
    pub reserved: &'static [&'static str],
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            name_chars: 32,
            text_bytes: 65_536,
            file_bytes: 0,
            people: 100_000,
            rooms: 10_000,
            rooms_each: 10_000,
            entering_founds: true,
            unique_nicks: true,
            reserved: &[],
        }
    }
}

impl Rules {
    /// An error if nothing would be heard; an overlong text is refused rather than cut.
    pub(super) fn is_worth_saying(&self, text: &str) -> Result<bool, Refusal> {
        if text.len() > self.text_bytes {
            return Err(Refusal::TextTooLong);
        }
        Ok(!text.trim().is_empty())
    }

    /// The nick as it will be shown: without surrounding blanks.
    pub(super) fn nick<'a>(&self, nick: &'a str) -> Result<&'a str, Refusal> {
        let nick = nick.trim();
        if nick.is_empty() {
            return Err(Refusal::NickInvalid);
        }
        if self.is_too_long(nick) {
            return Err(Refusal::NickTooLong);
        }
        if !names::is_visible(nick) || !names::is_unmistakable(nick) {
            return Err(Refusal::NickMisleads);
        }
        if self.is_reserved(nick) { Err(Refusal::NickReserved) } else { Ok(nick) }
    }

    /// The name under which a room may be founded: one word. As `DM`, program 3's clients would take what is
    /// said in it for private.
    pub(super) fn room<'a>(&self, room: &'a str) -> Result<&'a str, Refusal> {
        let room = room.trim();
        if self.is_too_long(room) {
            return Err(Refusal::RoomTooLong);
        }
        let is_word = !room.is_empty()
            && !room.contains(char::is_whitespace)
            && names::is_visible(room)
            && names::is_unmistakable(room);
        let is_free = !self.is_reserved(room) && !passes_for("DM", room);
        if is_word && is_free { Ok(room) } else { Err(Refusal::RoomInvalid) }
    }

    fn is_too_long(&self, name: &str) -> bool {
        name.chars().nth(self.name_chars).is_some()
    }

    fn is_reserved(&self, name: &str) -> bool {
        self.reserved.iter().any(|reserved| passes_for(reserved, name))
    }
}

/// True if a name can be taken for a reserved one. Of plain letters only the case is ignored: `ALI` is not
/// `all`, though it looks like `ALl`.
fn passes_for(reserved: &str, name: &str) -> bool {
    let is_same = names::exact(reserved) == names::exact(name);
    is_same || (!name.is_ascii() && Likeness::of(reserved).is_like(&Likeness::of(name)))
}

/// A room's name however it was written: `#den` is how people write it, and how it is shown.
pub(super) fn room_name(written: &str) -> &str {
    let written = written.trim();
    written.strip_prefix('#').unwrap_or(written)
}
