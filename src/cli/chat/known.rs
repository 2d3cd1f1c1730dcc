//! People and rooms that a person can mean: for the prompt, and for completion.

use std::collections::BTreeSet;

use crate::chat::message::Event;
use crate::cli::output::one_line;

/// Names heard of so far.
#[derive(Debug, Default)]
pub struct Known {
    /// One's own nick.
    pub nick: String,
    /// The words of the commands that the server may know.
    pub commands: Vec<&'static str>,
    people: BTreeSet<String>,
    rooms: BTreeSet<String>,
}

impl Known {
    /// Nobody but oneself.
    pub fn new(nick: &str) -> Known {
        Known { nick: one_line(nick), ..Known::default() }
    }

    /// Takes note of an event.
    pub fn learn(&mut self, event: &Event) {
        match event {
            Event::Welcome { nick, people } => {
                self.nick = one_line(nick);
                self.people = people.iter().map(|name| one_line(name)).collect();
            }
            Event::NickChanged { to } => self.nick = one_line(to),
            Event::Joined { nick: name }
            | Event::Message { from: name, .. }
            | Event::Direct { from: name, .. }
            | Event::Told { to: name, .. } => {
                self.people.insert(one_line(name));
            }
            Event::Left { nick } => {
                self.people.remove(&one_line(nick));
            }
            Event::Renamed { from, to } => {
                self.people.remove(&one_line(from));
                self.people.insert(one_line(to));
            }
            Event::People { names } => self.people = names.iter().map(|name| one_line(name)).collect(),
            Event::Rooms { names } => self.rooms = names.iter().map(|name| one_line(name)).collect(),
            Event::Created { room } | Event::Entered { room } => {
                self.rooms.insert(one_line(room));
            }
            Event::RoomMessage { room, from, .. } => {
                self.rooms.insert(one_line(room));
                self.people.insert(one_line(from));
            }
            _ => {}
        }
    }

    /// Completions of the word before the cursor, and the position at which that word begins.
    pub fn completions(&self, before: &str) -> (usize, Vec<String>) {
        let start = before
            .rfind(char::is_whitespace)
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let word = &before[start..];
        let mut earlier = before[..start].split_whitespace();
        let command = earlier.next().filter(|first| first.starts_with('/'));
        let place = earlier.count() + 1;
        let commands = self.commands.iter().map(|&command| command.to_owned());
        let found = match command {
            _ if start == 0 && word.starts_with('/') => matching(commands, word, " "),
            // Said to somebody among others.
            None if start == 0 => matching(self.others(), word, ": "),
            Some("/whisper" | "/msg" | "/invite") if place == 1 => matching(self.others(), word, " "),
            Some("/room") if place == 1 => matching(self.rooms.iter().cloned(), word, " "),
            Some("/join" | "/leave" | "/close") if place == 1 => {
                matching(self.rooms.iter().cloned(), word, "")
            }
            Some("/invite") => matching(self.rooms.iter().cloned(), word, ""),
            None | Some("/whisper" | "/msg" | "/room") => matching(self.others(), word, " "),
            Some(_) => Vec::new(),
        };
        (start, found)
    }

    fn others(&self) -> impl Iterator<Item = String> {
        self.people.iter().filter(|name| **name != self.nick).cloned()
    }
}

/// Those that begin like `word`, whatever its case, and what follows them.
fn matching(names: impl Iterator<Item = String>, word: &str, then: &str) -> Vec<String> {
    let word = word.to_lowercase();
    names.filter(|name| name.to_lowercase().starts_with(&word)).map(|name| name + then).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let mut known = Known::new("kim");
        known.commands = vec!["/list", "/room", "/rooms"];
        let names = ["kim", "Bob", "bea"].map(Into::into).to_vec();
        known.learn(&Event::Welcome { nick: "kim".into(), people: names.into() });
        known.learn(&Event::Rooms { names: ["tea".into(), "coffee".into()].to_vec().into() });
        known
    }

    #[test]
    fn words_become_commands_people_and_rooms_by_their_place() {
        let known = known();
        let become_ = |before: &str| known.completions(before);
        let all = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(become_("/roo"), (0, all(&["/room ", "/rooms "])));
        assert_eq!(become_("/ni"), (0, all(&[])));
        assert_eq!(become_("b"), (0, all(&["Bob: ", "bea: "])));
        assert_eq!(become_("ask BO"), (4, all(&["Bob "])));
        assert_eq!(become_("/msg b"), (5, all(&["Bob ", "bea "])));
        assert_eq!(become_("/join t"), (6, all(&["tea"])));
        assert_eq!(become_("/invite b"), (8, all(&["Bob ", "bea "])));
        assert_eq!(become_("/invite bea t"), (12, all(&["tea"])));
        assert_eq!(become_("/close t"), (7, all(&["tea"])));
        assert_eq!(become_("/room tea b"), (10, all(&["Bob ", "bea "])));
        assert_eq!(become_("/nick b"), (6, all(&[])));
        // Not oneself.
        assert_eq!(become_("k"), (0, all(&[])));
    }

    #[test]
    fn who_goes_and_who_is_renamed_is_known_so() {
        let mut known = known();
        known.learn(&Event::Left { nick: "bea".into() });
        known.learn(&Event::Renamed { from: "Bob".into(), to: "Ben\x1b".into() });
        known.learn(&Event::NickChanged { to: "kai".into() });
        assert_eq!(known.completions("b"), (0, vec!["Ben\u{fffd}: ".to_owned()]));
        assert_eq!(known.nick, "kai");
    }
}
