//! What a room allows: how many, which names, which texts.

use crate::chat::message::Refusal;

/// What a room allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The longest nick or room name, in characters.
    pub name_chars: usize,
    /// The longest text, in bytes of UTF-8.
    pub text_bytes: usize,
    /// The most people at a time.
    pub people: usize,
    /// The most rooms at a time.
    pub rooms: usize,
    /// Whether entering a room that is not there may found it.
    pub entering_founds: bool,
    /// Whether a nick belongs to one person only.
    pub unique_nicks: bool,
    /// Nicks that nobody may have, in lower case.
    pub reserved: &'static [&'static str],
    /// Whether people may speak in rooms that they are not members of.
    pub outsiders_post: bool,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            name_chars: 32,
            text_bytes: 65_536,
            people: 100_000,
            rooms: 10_000,
            entering_founds: true,
            unique_nicks: true,
            reserved: &[],
            outsiders_post: true,
        }
    }
}

impl Rules {
    /// Whether there is anything to be heard; an overlong text is refused rather than cut.
    pub(super) fn is_worth_saying(&self, text: &str) -> Result<bool, Refusal> {
        if text.len() > self.text_bytes {
            return Err(Refusal::TextTooLong);
        }
        Ok(!text.trim().is_empty())
    }

    /// A nick that can be seen and passes for nothing else: `#den kim` would look like a room, `kim to you`
    /// like a private message, and behind a colon stands what is said, or a password.
    pub(super) fn nick<'a>(&self, nick: &'a str) -> Option<&'a str> {
        let misleads = |nick: &&str| nick.starts_with('#') || nick.contains(':') || nick.contains(" to ");
        self.visible(nick).filter(|nick| !misleads(nick))
    }

    /// The name without surrounding blanks, if it is of a good length and can be seen.
    pub(super) fn visible<'a>(&self, name: &'a str) -> Option<&'a str> {
        let name = name.trim();
        let fits = !name.is_empty() && name.chars().nth(self.name_chars).is_none();
        (fits && !name.chars().any(is_invisible)).then_some(name)
    }
}

/// A room's name however it was written: `#den` is how people write it, and how it is shown.
pub(super) fn room_name(written: &str) -> &str {
    let written = written.trim();
    written.strip_prefix('#').unwrap_or(written)
}

/// Control characters, and those that change or hide what stands around them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
