//! Commands that can be typed, by dialect.

use super::files;
use crate::chat::files::{FileEnd, FileRequest};
use crate::chat::message::Request;
use crate::chat::protocol::commands::{Command, parse};

/// Commands that ask the server.
const ASKED: &[&str] = &[
    "/list",
    "/whisper NAME TEXT (or /msg)",
    "/nick NAME",
    "/rooms",
    "/create ROOM [--private]",
    "/join ROOM",
    "/leave ROOM",
    "/room ROOM TEXT",
    "/invite NAME [ROOM]",
    "/close ROOM",
    "/hide",
    "/reveal",
    "/ping",
];

/// Commands that this program serves itself.
const OWN: &[&str] = &["/stats", "/help", "/quit (or /exit)"];

/// The commands for which there are words, as they are typed.
pub fn usages(speaks: impl Fn(&Request) -> bool) -> Vec<&'static str> {
    let is_known = |usage: &&&str| matches!(parse(usage), Some(Command::Ask(request)) if speaks(&request));
    let file = Request::File(FileRequest::End { file: 0, how: FileEnd::Declined });
    let of_files = if speaks(&file) { files::USAGES } else { &[] };
    ASKED.iter().filter(is_known).chain(of_files).chain(OWN).copied().collect()
}

/// The words that begin these commands, in alphabetical order.
pub fn words(usages: &[&'static str]) -> Vec<&'static str> {
    let of_one = |usage: &'static str| usage.split([' ', ')']).filter(|word| word.starts_with('/'));
    let mut words: Vec<_> = usages.iter().copied().flat_map(of_one).collect();
    words.sort_unstable();
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::protocol::{Dialect, JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH};

    fn of(dialect: &dyn Dialect) -> Vec<&'static str> {
        let session = dialect.client();
        usages(|request| session.speaks(request).is_ok())
    }

    #[test]
    fn help_lists_what_the_dialect_has_words_for() {
        assert_eq!(of(JSON_LINES), [ASKED, files::USAGES, OWN].concat());
        for dialect in [RELIABLE, SLASH] {
            assert_eq!(of(dialect), [ASKED, OWN].concat(), "{dialect:?}");
        }
        assert_eq!(of(PIPE), [&["/whisper NAME TEXT (or /msg)"], OWN].concat());
        let without = ["/nick NAME", "/ping"];
        let rooms: Vec<_> = ASKED.iter().copied().filter(|usage| !without.contains(usage)).collect();
        assert_eq!(of(ROOMS), [rooms.as_slice(), OWN].concat());
    }

    #[test]
    fn the_words_of_all_that_is_listed_are_commands() {
        assert_eq!(words(&of(PIPE)), ["/exit", "/help", "/msg", "/quit", "/stats", "/whisper"]);
        let words = words(&of(RELIABLE));
        assert_eq!(words.len(), 18);
        for word in words.iter().filter(|word| **word != "/stats") {
            assert_ne!(parse(word), Some(Command::Unknown), "{word}");
        }
    }
}
