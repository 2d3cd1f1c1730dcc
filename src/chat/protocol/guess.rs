//! Dialect of a server, as far as its first words show it: for clients that it does not let in.

use std::fmt;

use super::{DIALECTS, Dialect};

/// The bytes that are enough to guess.
pub const ENOUGH: usize = 32;

/// A language that a server may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// A dialect of the chat.
    Dialect(&'static dyn Dialect),
    /// TLS, which says nothing until its client has.
    Tls,
    /// The administrators' protocol.
    Admin,
    /// Something else that has a name.
    Other(&'static str),
}

/// Dialect of a server with these first words, if they are distinctive.
pub fn guess(first: &[u8]) -> Option<Spoken> {
    let starts = |words: &[&str]| words.iter().any(|word| first.starts_with(word.as_bytes()));
    let dialect = || DIALECTS.iter().copied().find(|dialect| dialect.is_begun_by(first));
    Some(match first {
        [0x15 | 0x16, 0x03, ..] => Spoken::Tls,
        // A frame of less than 16 MiB; what is no request is answered by an error.
        [0, _, _, _, rest @ ..] if rest.starts_with(b"{\"error\"") => Spoken::Admin,
        _ if starts(&["HTTP/", "<!DOCTYPE", "<!doctype", "<html", "<HTML"]) => Spoken::Other("HTTP"),
        _ if starts(&["SSH-"]) => Spoken::Other("SSH"),
        _ if starts(&["220 ", "220-"]) => Spoken::Other("SMTP or FTP"),
        _ => Spoken::Dialect(dialect()?),
    })
}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spoken::Dialect(dialect) => {
                write!(f, "the server speaks {0} there; add --dialect {0}", dialect.name())
            }
            Spoken::Tls => f.write_str("the server speaks TLS there; add --tls"),
            Spoken::Admin => f.write_str(
                "that is a server's administration port, for `testbed admin`; use the address of a dialect, \
                 which `testbed serve` shows when it starts",
            ),
            Spoken::Other("HTTP") => {
                f.write_str("HTTP is spoken there, no chat; if it is the chat's page, add --dialect web")
            }
            Spoken::Other(name) => write!(f, "{name} is spoken there, no chat"),
        }
    }
}

/// The dialects at whose usual port this is; programs 2 and 4 share one.
pub fn usual_at(port: u16) -> impl Iterator<Item = &'static dyn Dialect> {
    DIALECTS.iter().copied().filter(move |dialect| dialect.port() == port)
}

#[cfg(test)]
mod tests {
    use super::super::{JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH};
    use super::*;

    #[test]
    fn first_words_show_the_dialect() {
        for (first, dialect) in [
            (&b"\0\0\0\xa7{\"msg_id\""[..], RELIABLE),
            (b"{\"type\": \"error\"", JSON_LINES),
            (b"[21:30:15] [SERVER] Welcome", SLASH),
            (b"Connected to the server", ROOMS),
            (b"WELCOME|Connected successfully!", PIPE),
            (b"ERROR|Invalid username.", PIPE),
        ] {
            assert_eq!(guess(first), Some(Spoken::Dialect(dialect)));
        }
        assert_eq!(guess(b"\0\0\0\x2c{\"error\":\"a request needs a"), Some(Spoken::Admin));
        assert_eq!(guess(b"<!DOCTYPE HTML>"), Some(Spoken::Other("HTTP")));
        assert_eq!(guess(b"HTTP/1.1 400 Bad Request"), Some(Spoken::Other("HTTP")));
        assert_eq!(guess(b"\x15\x03\x01"), Some(Spoken::Tls));
        for nothing in [&b""[..], b"\0\0\0", b"[21:3", b"hello"] {
            assert_eq!(guess(nothing), None, "{nothing:?}");
        }
        assert_eq!(usual_at(5555).collect::<Vec<_>>(), [SLASH, PIPE]);
    }
}
