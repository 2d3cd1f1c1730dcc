//! Files from one person to another or to the members of a room: the words, and names that are safe.
//!
//! The reader drives: it asks for one part after the other, at most [`AT_ONCE`] at a time, and the server passes on
//! nothing that was not asked for. So the server keeps no part, a reader that stops ends the flow, and one
//! that has come back asks for the rest. Whether all is there and right, the reader knows by the SHA-256 of the offer.

use super::message::Name;

/// Bytes of a part; the last is shorter.
pub const PART: u64 = 8 * 1024;
/// Parts that a reader may have asked for and not got, and that a sender is asked for at a time. More would hold up
/// the texts behind them.
pub const AT_ONCE: usize = 4;
/// Files that one person offers at a time.
pub const OFFERS_EACH: usize = 8;

/// Recipient of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The person with this nick.
    Person(String),
    /// The members of this room.
    Room(String),
}

/// Description of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Name without a path.
    pub name: Name,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its content: 64 hexadecimal digits.
    pub sum: Name,
}

/// End of a transfer to one reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileEnd {
    /// All is there, and its checksum is right.
    Done,
    /// The reader does not want it, or the sender sends it no longer.
    Declined,
    /// It could not be read or written, or its checksum is wrong.
    Failed,
    /// The other side has left.
    Gone,
}

/// Request about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileRequest {
    /// To offer one.
    Offer {
        /// To whom.
        to: Recipient,
        /// The file.
        about: About,
    },
    /// To get the part that begins at this byte.
    Ask {
        /// Number of the offer.
        file: u32,
        /// First byte of the part.
        from: u64,
    },
    /// To give a part that was asked for.
    Part {
        /// Number of the offer.
        file: u32,
        /// Reader that asked for it.
        reader: u32,
        /// First byte of the part.
        from: u64,
        /// Its bytes in Base64 (RFC 4648 §4).
        data: Name,
    },
    /// To end it.
    End {
        /// Number of the offer.
        file: u32,
        /// Reason.
        how: FileEnd,
    },
}

/// Event of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileEvent {
    /// Somebody offers you a file.
    Offered {
        /// Number of the offer.
        file: u32,
        /// The person.
        from: Name,
        /// Room to whose members it is offered, if it is.
        room: Option<Name>,
        /// The file.
        about: About,
    },
    /// Your file is offered.
    Announced {
        /// Number of the offer.
        file: u32,
        /// Number of people who may take it.
        people: u32,
        /// The file.
        about: About,
    },
    /// Your file is not offered.
    Refused {
        /// The file.
        about: About,
        /// Reason.
        why: Name,
    },
    /// Somebody asks for a part of your file.
    Asked {
        /// Number of the offer.
        file: u32,
        /// Reader to be named with the part.
        reader: u32,
        /// The same person's nick; empty if it is not known.
        nick: Name,
        /// First byte of the part.
        from: u64,
    },
    /// A part that you asked for.
    Part {
        /// Number of the offer.
        file: u32,
        /// First byte of the part.
        from: u64,
        /// Its bytes in Base64.
        data: Name,
    },
    /// The transfer from or to a person has ended.
    Ended {
        /// Number of the offer.
        file: u32,
        /// The other side; empty if it is not known.
        nick: Name,
        /// Reason.
        how: FileEnd,
    },
}

impl FileEnd {
    const ALL: [(&'static str, FileEnd); 4] = [
        ("done", FileEnd::Done),
        ("declined", FileEnd::Declined),
        ("failed", FileEnd::Failed),
        ("gone", FileEnd::Gone),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        FileEnd::ALL.iter().find(|(_, how)| *how == self).map_or("gone", |(word, _)| word)
    }

    /// The end that has this word.
    pub fn parse(word: &str) -> Option<FileEnd> {
        FileEnd::ALL.iter().find(|(other, _)| *other == word).map(|(_, how)| *how)
    }
}

impl FileRequest {
    /// Bytes that it carries to other people.
    pub fn bytes(&self) -> usize {
        match self {
            FileRequest::Offer { about, .. } => about.name.len() + about.sum.len(),
            FileRequest::Part { data, .. } => data.len(),
            FileRequest::Ask { .. } | FileRequest::End { .. } => 0,
        }
    }

    /// True of the many words of a transfer under way; a part that is too long for one is none.
    pub fn is_of_flow(&self) -> bool {
        match self {
            FileRequest::Ask { .. } => true,
            FileRequest::Part { data, .. } => data.len() as u64 <= PART.div_ceil(3) * 4,
            FileRequest::Offer { .. } | FileRequest::End { .. } => false,
        }
    }
}

impl FileEvent {
    /// True of the many words of a transfer under way.
    pub fn is_of_flow(&self) -> bool {
        matches!(self, FileEvent::Asked { .. } | FileEvent::Part { .. })
    }
}

impl About {
    /// True if it can be a file's: a sum is one of SHA-256.
    pub fn is_sound(&self) -> bool {
        self.sum.len() == 64 && self.sum.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// Length of the part that begins at a byte; `None` if no part does.
    pub fn part(&self, from: u64) -> Option<u64> {
        (from < self.size && from.is_multiple_of(PART)).then(|| PART.min(self.size - from))
    }
}

/// True if these can be so many bytes in Base64.
pub fn is_base64_of(data: &str, bytes: u64) -> bool {
    let padding = (3 - bytes % 3) % 3;
    let (body, end) = data.as_bytes().split_at(data.len().saturating_sub(padding as usize));
    data.len() as u64 == bytes.div_ceil(3) * 4
        && end.iter().all(|&byte| byte == b'=')
        && body.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// Bytes of the longest file name.
const NAME_BYTES: usize = 120;

/// A file's name that names nothing but a file in one folder, on every system: no path, no hidden file, no device, and
/// nothing that cannot be seen.
pub fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let seen: String = last.chars().map(|c| if is_safe(c) { c } else { '_' }).collect();
    let bare = seen.trim_start_matches(['.', ' ', '-']).trim_end_matches(['.', ' ']);
    let name = cut(bare);
    if is_device(&name) { cut(&format!("_{name}")) } else { name }
}

/// A name that is not too long, with its ending.
fn cut(name: &str) -> String {
    let (stem, ending) = name.rsplit_once('.').filter(|(_, end)| end.len() <= 16).unwrap_or((name, ""));
    let ending = if ending.is_empty() { String::new() } else { format!(".{ending}") };
    let mut length = stem.len().min(NAME_BYTES - ending.len());
    while !stem.is_char_boundary(length) {
        length -= 1;
    }
    let stem = if length < stem.len() { stem[..length].trim_end_matches(['.', ' ']) } else { stem };
    if stem.is_empty() { format!("file{ending}") } else { format!("{stem}{ending}") }
}

/// True of a name that some system takes for a device.
fn is_device(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&first.as_str())
        || first.strip_prefix("COM").or(first.strip_prefix("LPT")).is_some_and(|port| {
            matches!(port, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
        })
}

/// False of what cannot be seen, turns the direction of what follows, or means something to a system.
fn is_safe(c: char) -> bool {
    let is_invisible = c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !is_invisible && !matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_made_safe() {
        for (name, safe) in [
            ("photo.png", "photo.png"),
            ("été 😀.txt", "été 😀.txt"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("/", "file"),
            ("..", "file"),
            ("", "file"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("a\0b\x1b[2J\n.txt", "a_b_[2J_.txt"),
            ("gpj\u{202e}exe.", "gpj_exe"),
            ("con", "_con"),
            ("Nul.txt", "_Nul.txt"),
            ("COM1.tar.gz", "_COM1.tar.gz"),
            ("common.txt", "common.txt"),
            ("a:b|c", "a_b_c"),
            ("<img src=x>.html", "_img src=x_.html"),
        ] {
            assert_eq!(safe_name(name), safe, "{name:?}");
        }
        assert_eq!(safe_name(&format!("{}.png", "é".repeat(200))).len(), 120);
        let long = "a".repeat(130);
        for name in [format!("con.{long}"), format!("con{}a", " ".repeat(130))] {
            let safe = safe_name(&name);
            assert!(safe.starts_with("_con") && safe.len() <= 120 && safe_name(&safe) == safe, "{safe}");
        }
    }

    #[test]
    fn data_has_the_length_of_its_part() {
        for (data, bytes) in [("", 0), ("YQ==", 1), ("YWI=", 2), ("YWJj", 3)] {
            assert!(is_base64_of(data, bytes));
            assert!(!is_base64_of(data, bytes + 1) && !is_base64_of(&format!("{data} "), bytes));
        }
        assert!(!is_base64_of("YQ=a", 1) && !is_base64_of("Y\"Jj", 3) && !is_base64_of("é==", 1));
    }

    proptest! {
        #[test]
        fn a_safe_name_is_a_file_in_its_folder(name in any::<String>()) {
            let safe = safe_name(&name);
            prop_assert!(!safe.is_empty() && safe.len() <= 120);
            prop_assert!(!safe.contains(['/', '\\', '\0']) && !safe.starts_with('.'));
            prop_assert_eq!(safe_name(&safe), safe);
        }
    }
}
