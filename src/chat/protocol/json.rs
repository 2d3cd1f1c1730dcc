//! JSON as the originals write it: ASCII only, Python's blanks after commas and colons.

use std::io::Write as _;

use super::Timestamp;
use crate::chat::message::Name;

/// One object on its way out, with Python's separators `", "` and `": "`.
pub(super) struct Object<'a>(pub(super) &'a mut Vec<u8>);

impl<'a> Object<'a> {
    /// Opens it; nothing is written before.
    pub(super) fn kind(self, kind: &str) -> Object<'a> {
        self.0.extend_from_slice(b"{\"type\": ");
        push_string(kind, self.0);
        self
    }

    fn name(self, name: &str) -> Object<'a> {
        self.0.extend_from_slice(b", ");
        push_string(name, self.0);
        self.0.extend_from_slice(b": ");
        self
    }

    pub(super) fn member(self, name: &str, value: &str) -> Object<'a> {
        let object = self.name(name);
        push_string(value, object.0);
        object
    }

    /// A member that is true.
    pub(super) fn flag(self, name: &str) -> Object<'a> {
        let object = self.name(name);
        object.0.extend_from_slice(b"true");
        object
    }

    pub(super) fn number(self, name: &str, value: u64) -> Object<'a> {
        let object = self.name(name);
        // Writing into memory cannot fail.
        let _ = write!(object.0, "{value}");
        object
    }

    pub(super) fn list(self, name: &str, values: &[Name]) -> Object<'a> {
        let object = self.name(name);
        object.0.push(b'[');
        for (n, value) in values.iter().enumerate() {
            if n > 0 {
                object.0.extend_from_slice(b", ");
            }
            push_string(value, object.0);
        }
        object.0.push(b']');
        object
    }

    /// Seconds since 1970 with six decimals, of one length whatever the instant.
    pub(super) fn timestamp(self, at: Timestamp) -> Object<'a> {
        let micros = at.unix_nanos() / 1000;
        let object = self.name("timestamp");
        // Writing into memory cannot fail.
        let _ = write!(object.0, "{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        object
    }

    /// One more member of the object whose line was closed last.
    pub(super) fn add_number(closed: &'a mut Vec<u8>, name: &str, value: u64) {
        closed.truncate(closed.len() - b"}\n".len());
        Object(closed).number(name, value).close_line();
    }

    pub(super) fn close_line(self) {
        self.0.extend_from_slice(b"}\n");
    }
}

/// `text` as a JSON string in ASCII, escaped as Python's `json.dumps` does.
pub(super) fn push_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    loop {
        let plain = plain_len(rest.as_bytes());
        out.extend_from_slice(&rest.as_bytes()[..plain]);
        if plain == rest.len() {
            break;
        }
        let mut chars = rest[plain..].chars();
        match chars.next() {
            Some('"') => out.extend_from_slice(b"\\\""),
            Some('\\') => out.extend_from_slice(b"\\\\"),
            Some('\n') => out.extend_from_slice(b"\\n"),
            Some('\r') => out.extend_from_slice(b"\\r"),
            Some('\t') => out.extend_from_slice(b"\\t"),
            Some('\u{8}') => out.extend_from_slice(b"\\b"),
            Some('\u{c}') => out.extend_from_slice(b"\\f"),
            Some(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            None => {}
        }
        rest = chars.as_str();
    }
    out.push(b'"');
}

/// Number of bytes at the start that need no escape. Blocks are looked at in one step each.
fn plain_len(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<16>();
    let is_plain_block = |block: &&[u8; 16]| block.iter().fold(true, |all, &byte| all & is_plain(byte));
    let start = 16 * blocks.iter().take_while(is_plain_block).count();
    start + bytes[start..].iter().take_while(|&&byte| is_plain(byte)).count()
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'!' | b'#'..=b'[' | b']'..=b'~')
}

/// The length of the JSON string at the start of `bytes`, with both quotes.
pub(super) fn string_len(bytes: &[u8]) -> Option<usize> {
    // The next quote ends it, unless that is escaped.
    let text = bytes.get(1..)?;
    let end = memchr::memchr(b'"', text)?;
    if end == 0 || text[end - 1] != b'\\' { Some(end + 2) } else { escaped_string_len(bytes) }
}

#[cold]
fn escaped_string_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn string(text: &str) -> String {
        let mut out = Vec::new();
        push_string(text, &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn escapes_as_python_does() {
        assert_eq!(string("a\"b\\c/d"), r#""a\"b\\c/d""#);
        assert_eq!(string("\n\r\t\u{8}\u{c}\0\u{1b}\u{7f}"), r#""\n\r\t\b\f\u0000\u001b\u007f""#);
        assert_eq!(string("é😀"), r#""\u00e9\ud83d\ude00""#);
    }

    #[test]
    fn a_string_without_its_end_has_no_length() {
        for text in [r#"""#, r#""a"#, r#""a\"#, r#""a\""#] {
            assert_eq!(string_len(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_is_ascii(text in any::<String>(), tail in "[ -~]{0,8}") {
            let json = string(&text);
            prop_assert!(json.is_ascii());
            prop_assert_eq!(string_len(format!("{json}{tail}").as_bytes()), Some(json.len()));
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("valid"), text);
        }
    }
}
