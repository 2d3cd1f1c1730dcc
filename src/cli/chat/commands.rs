//! What can be typed, in which dialect.

use crate::chat::message::Request;
use crate::chat::protocol::commands::{Command, parse};
use crate::chat::protocol::{Kind, Moment, client_session};

/// What is asked of a server.
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

/// What needs no server's help.
const OWN: &str = "/stats, /help, /quit (or /exit, /q)";

/// The commands for which the dialect has words.
pub fn help(kind: Kind, moment: Moment) -> String {
    // A client that nobody listens to says whether it knows a request.
    let spoken = |request: &Request| client_session(kind).ask(moment, request).is_ok();
    let known = |usage: &&&str| matches!(parse(usage), Some(Command::Ask(request)) if spoken(&request));
    let mut words: Vec<&str> = ASKED.iter().filter(known).copied().collect();
    words.push(OWN);
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::clock::Clock;

    #[test]
    fn help_lists_what_the_dialect_has_words_for() {
        let moment = Clock::start().moment();
        assert_eq!(help(Kind::Pipe, moment), format!("/whisper NAME TEXT (or /msg), {OWN}"));
        assert_eq!(help(Kind::JsonLines, moment), format!("{}, {OWN}", ASKED.join(", ")));
        assert!(!help(Kind::Slash, moment).contains("/rooms"));
    }
}
