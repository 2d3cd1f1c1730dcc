//! Words for events as a person sees them: plain, or with colours, times and marks.

use crate::chat::message::Event;
use crate::cli::output::{one_line, printable};

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Words of ours.
    Words(String),
    /// Somebody's nick.
    Nick(String),
    /// Message of a person.
    Text(String),
    /// A mark for people, which scripts are not shown.
    Mark(&'static str),
}

use Part::{Mark, Nick, Text, Words};

/// Look of lines at a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// True if there are colours.
    pub colours: bool,
}

/// As wide as `[12:34:56] `: what follows a line break stands below what precedes it.
const INDENT: &str = "\n           ";
const BOLD: &str = "1";
const FAINT: &str = "2";
const PRIVATE: &str = "1;35";
/// Colours that are readable on dark and on light; whose is whose depends on the nick alone.
const NICKS: [&str; 5] = ["32", "33", "34", "35", "36"];

/// An event in parts, if a person wants to see it.
pub fn parts(event: &Event) -> Option<Vec<Part>> {
    let words = |words: &str| Words(words.to_owned());
    let nick = |nick: &str| Nick(nick.to_owned());
    let text = |text: &str| Text(text.to_owned());
    Some(match event {
        Event::Welcome { nick: name, people } if people.len() > 1 => {
            let mut parts = vec![words("you are "), nick(name), words("; here: ")];
            list(people, ", ", &mut parts);
            parts
        }
        Event::Welcome { nick: name, .. } => vec![words("you are "), nick(name)],
        Event::Joined { nick: name } => vec![nick(name), words(" has come")],
        Event::Left { nick: name } => vec![nick(name), words(" has gone")],
        Event::Message { from, text: said } => vec![nick(from), words(": "), text(said)],
        Event::Past { from, text: said, .. } => {
            vec![words("(earlier) "), nick(from), words(": "), text(said)]
        }
        Event::Direct { from, text: said } => {
            vec![Mark("(private) "), nick(from), words(" to you: "), text(said)]
        }
        Event::Told { to, text: said } => {
            vec![Mark("(private) "), words("you to "), nick(to), words(": "), text(said)]
        }
        Event::RoomMessage { room, from, text: said } => {
            vec![words(&format!("#{room} ")), nick(from), words(": "), text(said)]
        }
        Event::Created { room } => vec![words(&format!("you have founded #{room}"))],
        Event::Invitation { room, from } => {
            vec![nick(from), words(&format!(" invites you to #{room}: /join {room}"))]
        }
        Event::Invited { room, to } => vec![nick(to), words(&format!(" is invited to #{room}"))],
        Event::Closed { room, by } => vec![nick(by), words(&format!(" has closed #{room}"))],
        Event::Entered { room } => vec![words(&format!("you are in #{room}"))],
        Event::Exited { room } => vec![words(&format!("you have left #{room}"))],
        Event::People { names } => {
            let mut parts = vec![words(&format!("{} here: ", names.len()))];
            list(names, " ", &mut parts);
            parts
        }
        Event::Rooms { names } if names.is_empty() => vec![words("there are no rooms")],
        Event::Rooms { names } => vec![words(&format!("rooms: {}", names.join(", ")))],
        Event::Renamed { from, to } => vec![nick(from), words(" is now "), nick(to)],
        Event::NickChanged { to } => vec![words("you are now "), nick(to)],
        Event::Hidden => vec![words("you are in no list now")],
        Event::Revealed => vec![words("you are in the list again")],
        Event::Pong => vec![words("pong")],
        Event::Notice { text: said } => vec![words("* "), text(said)],
        Event::Refused(refusal) => vec![words(&format!("refused: {refusal}"))],
        // One's own words are on the screen already.
        Event::Said { .. } | Event::SaidIn { .. } | Event::Rejected(_) | Event::Bye | Event::Help => {
            return None;
        }
        Event::Sealed(from, _) => {
            vec![nick(from), words(" has sent you an encrypted message, which only the web page can read")]
        }
        // `files` says what becomes of them, and the others are for pages.
        Event::SealedTo(_) | Event::File(_) | Event::Hint(..) => return None,
    })
}

fn list(names: &[crate::chat::message::Name], between: &str, parts: &mut Vec<Part>) {
    for (n, name) in names.iter().enumerate() {
        if n > 0 {
            parts.push(Words(between.to_owned()));
        }
        parts.push(Nick(name.to_string()));
    }
}

/// The parts as a script reads them.
pub fn plain(parts: &[Part]) -> String {
    let bare = |part: &Part| match part {
        Words(words) | Nick(words) => printable(words),
        // Or its later lines would pass for somebody's.
        Text(text) => printable(text).replace('\n', INDENT),
        Mark(_) => String::new(),
    };
    parts.iter().map(bare).collect()
}

impl Look {
    /// The parts as a person sees them; `own` is that person's nick.
    pub fn line(self, time: &str, own: &str, parts: &[Part]) -> String {
        // Lines that nobody said are in the background.
        let spoken = parts.iter().any(|part| matches!(part, Text(_)));
        let mut line = self.paint(FAINT, &format!("[{time}] "));
        for part in parts {
            line += &match part {
                Words(words) if spoken => printable(words),
                Words(words) => self.paint(FAINT, &printable(words)),
                Nick(nick) => self.nick(nick, own),
                Text(text) => printable(text).replace('\n', INDENT),
                Mark(mark) => self.paint(PRIVATE, mark),
            };
        }
        line.push('\n');
        line
    }

    /// Words of this program itself.
    pub fn note(self, words: &str) -> String {
        self.paint(FAINT, &printable(words)) + "\n"
    }

    /// Prompt before the line being typed.
    pub fn prompt(self, own: &str) -> String {
        self.paint(BOLD, &format!("{}> ", one_line(own)))
    }

    fn nick(self, nick: &str, own: &str) -> String {
        let colour = if nick == own {
            BOLD
        } else {
            let sum = nick.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            NICKS[sum % NICKS.len()]
        };
        self.paint(colour, &one_line(nick))
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct() -> Vec<Part> {
        parts(&Event::Direct { from: "bob".into(), text: "psst\x1b[2J\nkim: no".into() }).expect("words")
    }

    #[test]
    fn scripts_read_words_and_people_see_marks() {
        // Nobody can say a line that looks like another's.
        assert_eq!(plain(&direct()), "bob to you: psst\u{fffd}[2J\n           kim: no");
        let bare = Look { colours: false };
        let shown = bare.line("12:00:00", "kim", &direct());
        // Nobody can say a line that looks like another's.
        let expected = "[12:00:00] (private) bob to you: psst\u{fffd}[2J\n           kim: no\n";
        assert_eq!(shown, expected);
    }

    #[test]
    fn colours_are_all_that_is_passed_to_the_terminal() {
        let look = Look { colours: true };
        let mut left =
            look.line("12:00:00", "kim", &direct()) + &look.prompt("k\x07im") + &look.note("x\x1b");
        for code in ["0", BOLD, FAINT, PRIVATE].into_iter().chain(NICKS) {
            left = left.replace(&format!("\x1b[{code}m"), "");
        }
        assert!(!left.contains(|c: char| c.is_control() && c != '\n'), "{left:?}");
        assert!(look.nick("kim", "kim").contains("[1m") && look.nick("bob", "kim").contains("[3"));
    }
}
