//! Commands that a person may type where the dialect has no words of its own for them.

use crate::chat::message::Request;
use crate::chat::names;

/// Answer to `/help all`.
pub const HELP: &str = "Commands: /help, /list, /whisper USER TEXT, /nick NAME, /rooms, /create ROOM [--private], \
    /join ROOM, /leave ROOM, /room ROOM TEXT, /invite NAME [ROOM], /close ROOM, /hide, /reveal, /ping, /exit";

/// Usage of the commands that carry a text to some people only.
const WHISPER: &str = "/whisper <username> <message>";
const ROOM: &str = "/room <room> <message>";

/// A typed line that begins with a slash.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// It asks for this.
    Ask(Request),
    /// Its words are wrong; this is how it is used.
    Usage(&'static str),
    /// There is no such command.
    Unknown,
}

/// Understands a command; its word may be in any case. `None` if it does not begin with a slash.
pub fn parse(line: &str) -> Option<Command> {
    let line = line.trim();
    let (word, rest) = match line.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (line, ""),
    };
    if !word.starts_with('/') {
        return None;
    }
    let one = |usage: &'static str, ask: fn(String) -> Request| {
        if rest.is_empty() { Command::Usage(usage) } else { Command::Ask(ask(rest.to_owned())) }
    };
    let two = |usage: &'static str, ask: fn(String, &str) -> Request| match names::split_first(rest) {
        Some((name, text)) => Command::Ask(ask(name.to_owned(), text)),
        None => Command::Usage(usage),
    };
    Some(match word.to_ascii_lowercase().as_str() {
        "/help" => Command::Ask(Request::Help),
        "/list" | "/who" => Command::Ask(Request::People),
        "/exit" | "/quit" | "/q" => Command::Ask(Request::Leave),
        // The words of the other programs and of usual chats, too: where an unknown command is said aloud, as
        // program 0 does, another word must not publish what is meant for one person.
        "/whisper" | "/msg" | "/dm" | "/w" | "/pm" | "/tell" => {
            two(WHISPER, |to, text| Request::Tell { to, text: text.into() })
        }
        "/nick" => one("/nick <new_username>", |nick| Request::Rename { nick }),
        "/rooms" => Command::Ask(Request::Rooms),
        "/create" => create(rest),
        "/invite" => match names::split_first(rest) {
            Some((to, room)) => {
                Command::Ask(Request::Invite { to: to.to_owned(), room: Some(room.to_owned()) })
            }
            None => one("/invite <username> [<room>]", |to| Request::Invite { to, room: None }),
        },
        "/close" => one("/close <room>", |room| Request::Close { room }),
        "/join" => one("/join <room>", |room| Request::Enter { room, create: false }),
        "/leave" => one("/leave <room>", |room| Request::Exit { room }),
        "/room" => two(ROOM, |room, text| Request::SayIn { room, text: text.into() }),
        "/hide" => Command::Ask(Request::Hide),
        "/reveal" => Command::Ask(Request::Reveal),
        "/ping" => Command::Ask(Request::Ping),
        _ => Command::Unknown,
    })
}

/// The first message of a read that may hold several, or one of several lines, and what follows it. A message is a line. But a text to a
/// person or a room, and what may have been meant as one, goes on to the next command: a line of it must not be
/// said to everyone.
pub fn split_message(read: &str) -> (&str, &str) {
    let line_at = |at: usize| read[at..].split('\n').next().unwrap_or_default();
    let mut ends = read.match_indices('\n').map(|(at, _)| at);
    let goes_on = match parse(line_at(0)) {
        None => false,
        Some(Command::Ask(request)) => request.text().is_some(),
        Some(Command::Usage(usage)) => [WHISPER, ROOM].contains(&usage),
        Some(Command::Unknown) => true,
    };
    let is_command = |at| matches!(parse(line_at(at)), Some(Command::Ask(_) | Command::Usage(_)));
    let end = if goes_on { ends.find(|&end| is_command(end + 1)) } else { ends.next() };
    end.map_or((read, ""), |end| (&read[..end], &read[end + 1..]))
}

/// Arguments of `/create`: a name, and `--private` for a private room.
pub fn create(words: &str) -> Command {
    let (private, room) = match words.split_once(char::is_whitespace) {
        Some((PRIVATE, room)) => (true, room.trim()),
        _ if words == PRIVATE => (true, ""),
        _ => match words.strip_suffix(PRIVATE).filter(|room| room.ends_with(char::is_whitespace)) {
            Some(room) => (true, room.trim()),
            None => (false, words),
        },
    };
    if room.is_empty() || room.starts_with("--") {
        return Command::Usage("/create <room> [--private]");
    }
    Command::Ask(Request::Create { room: room.to_owned(), private })
}

/// Option that makes a new room private.
pub const PRIVATE: &str = "--private";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_text_goes_on_to_the_next_command() {
        for (read, messages) in [
            ("hi\nyou\r\n/list\nbye", vec!["hi", "you\r", "/list", "bye"]),
            ("/list\nhi\n\n/nick kim\nyou", vec!["/list", "hi", "", "/nick kim", "you"]),
            (
                "/whisper bob a\nb\n\n/etc is c\n/list\nhi",
                vec!["/whisper bob a\nb\n\n/etc is c", "/list", "hi"],
            ),
            ("/whisper\nbob a\n/msg bob\nb", vec!["/whisper\nbob a", "/msg bob\nb"]),
            ("/ROOM den a\nb\n /room", vec!["/ROOM den a\nb", " /room"]),
            ("/wisper bob a\nb\n/nick\nhi", vec!["/wisper bob a\nb", "/nick", "hi"]),
        ] {
            let (mut rest, mut found) = (read, Vec::new());
            while !rest.is_empty() {
                let (message, after) = split_message(rest);
                found.push(message);
                rest = after;
            }
            assert_eq!(found, messages, "{read:?}");
        }
    }

    #[test]
    fn a_new_room_may_be_private() {
        let create = |private| Some(Command::Ask(Request::Create { room: "den".to_owned(), private }));
        assert_eq!(parse("/create den"), create(false));
        for line in ["/create den --private", "/create --private den", "/CREATE  den \t --private "] {
            assert_eq!(parse(line), create(true), "{line:?}");
        }
        for line in ["/create", "/create --private", "/create den--private", "/create --privat den"] {
            let usage = Some(Command::Usage("/create <room> [--private]"));
            let odd = Request::Create { room: "den--private".to_owned(), private: false };
            let expected = if line.contains("n--") { Some(Command::Ask(odd)) } else { usage };
            assert_eq!(parse(line), expected, "{line:?}");
        }
    }

    #[test]
    fn an_invitation_may_name_its_room() {
        let invite = |to: &str, room: Option<&str>| {
            let room = room.map(str::to_owned);
            Some(Command::Ask(Request::Invite { to: to.to_owned(), room }))
        };
        assert_eq!(parse("/invite kim"), invite("kim", None));
        assert_eq!(parse("/invite kim  den"), invite("kim", Some("den")));
        assert_eq!(parse("/invite User 3"), invite("User 3", None));
        assert_eq!(parse("/invite User 3 #den"), invite("User 3", Some("#den")));
        assert_eq!(parse("/invite"), Some(Command::Usage("/invite <username> [<room>]")));
    }

    #[test]
    fn commands_are_understood_in_any_case_and_with_any_blanks() {
        let tell = Request::Tell { to: "Bob".to_owned(), text: "hi  there".into() };
        assert_eq!(parse(" /WHISPER Bob  hi  there\n"), Some(Command::Ask(tell)));
        let tell = Request::Tell { to: "User 3".to_owned(), text: "hi".into() };
        assert_eq!(parse("/whisper User 3 hi"), Some(Command::Ask(tell)));
        assert_eq!(parse("/whisper bob"), Some(Command::Usage(WHISPER)));
        for word in ["/dm", "/msg", "/w", "/pm", "/Tell"] {
            let tell = Request::Tell { to: "bob".to_owned(), text: "hi".into() };
            assert_eq!(parse(&format!("{word} bob hi")), Some(Command::Ask(tell)), "{word}");
        }
        assert_eq!(parse("/nick  "), Some(Command::Usage("/nick <new_username>")));
        assert_eq!(parse("/foo bar"), Some(Command::Unknown));
        assert_eq!(parse("hello /list"), None);
        assert_eq!(parse("/q"), Some(Command::Ask(Request::Leave)));
    }
}
