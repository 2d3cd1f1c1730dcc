//! Commands that a person may type where the dialect has no words of its own for them.

use crate::chat::message::Request;
use crate::chat::names;

/// What `/help all` shows.
pub const HELP: &str = "Commands: /help, /list, /whisper USER TEXT, /nick NAME, /rooms, /create ROOM [--private], \
    /join ROOM, /leave ROOM, /room ROOM TEXT, /invite NAME [ROOM], /close ROOM, /hide, /reveal, /ping, /exit";

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
        "/whisper" | "/msg" => {
            two("/whisper <username> <message>", |to, text| Request::Tell { to, text: text.into() })
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
        "/room" => two("/room <room> <message>", |room, text| Request::SayIn { room, text: text.into() }),
        "/hide" => Command::Ask(Request::Hide),
        "/reveal" => Command::Ask(Request::Reveal),
        "/ping" => Command::Ask(Request::Ping),
        _ => Command::Unknown,
    })
}

/// What follows `/create`: a name, and whether the room is to be private.
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

/// What makes a new room private.
pub const PRIVATE: &str = "--private";

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(parse("/whisper bob"), Some(Command::Usage("/whisper <username> <message>")));
        assert_eq!(parse("/nick  "), Some(Command::Usage("/nick <new_username>")));
        assert_eq!(parse("/foo bar"), Some(Command::Unknown));
        assert_eq!(parse("hello /list"), None);
        assert_eq!(parse("/q"), Some(Command::Ask(Request::Leave)));
    }
}
