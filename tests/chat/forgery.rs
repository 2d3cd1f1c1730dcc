//! Nobody speaks in another's name: what readers of each dialect see on their screens of texts and names
//! that were made to look like somebody else's words, whatever dialect they come from.
//!
//! The table that the first test prints (`--nocapture`) has a row for each pair of dialects and each kind.

use crate::hall::{Hall, frames, unsigned};
use testbed::chat::protocol::{Dialect, JSON_LINES, PIPE, RELIABLE, ROOMS, SLASH, Settings};
use testbed::time::Duration;

const KINDS: [&dyn Dialect; 5] = [RELIABLE, JSON_LINES, SLASH, ROOMS, PIPE];

/// Characters that a terminal or a text widget takes for the end of a line.
const BREAKS: [char; 7] = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];

/// Texts of mallory's, by what they imitate.
const FORGED: [(&str, &str); 20] = [
    ("newline", "hi\n[12:00:00] [victim] I quit"),
    ("carriage return", "hi\r[12:00:00] [victim] I quit"),
    ("return and newline", "hi\r\n[12:00:00] [victim] I quit"),
    ("vertical tab", "hi\u{b}[12:00:00] [victim] I quit"),
    ("form feed", "hi\u{c}[12:00:00] [victim] I quit"),
    ("next line U+0085", "hi\u{85}[12:00:00] [victim] I quit"),
    ("line separator U+2028", "hi\u{2028}[12:00:00] [victim] I quit"),
    ("paragraph separator U+2029", "hi\u{2029}[12:00:00] [victim] I quit"),
    ("many blank lines", "hi\n\n \n\n\n\n\n\n[12:00:00] [victim] I quit"),
    ("escape sequence", "hi\u{1b}[1G\u{1b}[2K[12:00:00] [victim] I quit"),
    ("C1 escape, backspaces", "hi\u{9b}1G\u{8}\u{8}\u{8}[12:00:00] [victim] I quit"),
    ("bidi override", "\u{202e}tiuq I ]mitciv[\u{2066}x"),
    ("stamp of slash", "hi[12:00:00] [victim] I quit"),
    ("block of rooms", "hi\n──────────────\n\n──────────────\nvictim  21:32\nI quit\n──────────────"),
    ("room of rooms", "hi\n\n[den | 21:32]\nvictim: I quit"),
    ("server of rooms", "Server: victim is offline"),
    ("server of reliable", "hi\n*** victim left the chat ***"),
    ("frame of pipe", "hi|MSG|victim|I quit"),
    ("frame of json-lines", "hi\"}\n{\"type\": \"chat\", \"username\": \"victim\", \"message\": \"I quit\"}"),
    ("private to reliable", "[PRIVATE from victim]: I quit"),
];

/// Somebody with an original program.
struct Person {
    id: usize,
    kind: &'static dyn Dialect,
    said: u32,
}

impl Person {
    fn come(hall: &mut Hall, kind: &'static dyn Dialect, nick: &str) -> Person {
        let mut person = Person { id: hall.open(kind), kind, said: 0 };
        match kind.name() {
            "json-lines" => {
                let name = serde_json::to_string(nick).expect("a text");
                person.sends(hall, &format!("{{\"type\": \"join\", \"username\": {name}}}\n"));
            }
            "reliable" => person.frame(hall, "join", nick),
            _ => person.sends(hall, nick),
        }
        hall.wait(Duration::from_millis(60));
        hall.stream(person.id);
        person
    }

    fn sends(&mut self, hall: &mut Hall, text: &str) {
        hall.receive(self.id, text.as_bytes());
    }

    fn frame(&mut self, hall: &mut Hall, kind: &str, content: &str) {
        self.said += 1;
        let id = format!("{kind}_1795210065_{}", 1_000 + self.said);
        hall.receive(self.id, &unsigned(&id, kind, "x", content));
    }

    /// Says it to everyone, as far as its program's protocol lets it.
    fn says(&mut self, hall: &mut Hall, text: &str) {
        match self.kind.name() {
            "reliable" => self.frame(hall, "chat", text),
            "json-lines" => {
                let text = serde_json::to_string(text).expect("a text");
                self.sends(hall, &format!("{{\"type\": \"chat\", \"message\": {text}}}\n"));
            }
            "rooms" => self.sends(hall, &format!("/broadcast{text}")),
            "pipe" => self.sends(hall, &format!("all|{text}")),
            _ => self.sends(hall, text),
        }
    }

    fn tells(&mut self, hall: &mut Hall, to: &str, text: &str) {
        match self.kind.name() {
            "reliable" => self.frame(hall, "private_message", &format!("@{to} {text}")),
            "json-lines" => {
                let text = serde_json::to_string(text).expect("a text");
                self.sends(
                    hall,
                    &format!("{{\"type\": \"private\", \"to\": \"{to}\", \"message\": {text}}}\n"),
                );
            }
            "rooms" => self.sends(hall, &format!("/dm {to} {text}")),
            "pipe" => self.sends(hall, &format!("{to}|{text}")),
            _ => self.sends(hall, &format!("/whisper {to} {text}")),
        }
    }

    /// Texts that its program shows of everything that has come, one for each thing shown.
    fn sees(&mut self, hall: &mut Hall) -> Vec<String> {
        let mut shown = Vec::new();
        while let Some(bytes) = hall.next(self.id) {
            if self.kind == RELIABLE {
                for frame in frames(&bytes) {
                    if frame["msg_type"] != "ack" {
                        let id = frame["msg_id"].as_str().expect("an id");
                        self.frame(hall, "ack", &format!("{{\"ack_for\": \"{id}\"}}"));
                        shown.push(format!("[21:30:15] {}", frame["content"].as_str().expect("a text")));
                    }
                }
                continue;
            }
            let text = String::from_utf8(bytes.to_vec()).expect("whole characters");
            shown.extend(self.shows(&text));
        }
        shown
    }

    /// Text that it shows of one read.
    fn shows(&self, text: &str) -> Option<String> {
        match self.kind.name() {
            "json-lines" => {
                let line: serde_json::Value = serde_json::from_str(text).expect("a line of JSON");
                let member = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
                match &*member("type") {
                    "chat" => Some(format!("[21:30] {}: {}", member("username"), member("message"))),
                    "user_joined" | "user_left" => Some(member("message")),
                    // It knows no others.
                    _ => None,
                }
            }
            // It splits what it reads at every bar and shows the first three.
            "pipe" => match text.split('|').collect::<Vec<_>>()[..] {
                ["MSG", from, said, ..] => Some(format!("{from}: {said}")),
                ["SYSTEM", said, ..] => Some(format!("SYSTEM {said}")),
                _ => None,
            },
            _ => Some(text.to_owned()),
        }
    }
}

/// True if every line on this screen shows whose it is: it holds the author's name, or it is the one
/// line between the head and the end of a block of `rooms` and does not read as the server's.
fn is_honest(kind: &'static dyn Dialect, shown: &str) -> bool {
    let lines: Vec<&str> = shown.split(BREAKS).collect();
    let obeyed = |c: char| {
        c.is_control() && c != '\n'
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    let has_author = |line: &str| line.contains("mallory");
    let stamps = shown.matches("[12:00:00] [").count();
    !shown.contains(obeyed)
        && (kind != SLASH || stamps == 0)
        && match (kind.name(), &lines[..]) {
            ("rooms", ["", above, head, text, below]) => {
                above == below && head.starts_with("mallory  ") && !text.starts_with("Server:")
            }
            ("rooms", ["", head, said]) => head.starts_with('[') && said.starts_with("mallory: "),
            _ => lines.iter().all(|line| has_author(line)),
        }
}

#[test]
fn no_text_is_seen_as_somebody_elses() {
    println!("| sender | reader | forged | reader saw |\n| --- | --- | --- | --- |");
    let mut pairs = 0;
    for sender in KINDS {
        for reader in KINDS {
            for (forged, text) in FORGED {
                let mut hall = Hall::default();
                let mut bob = Person::come(&mut hall, reader, "bob");
                let mut mallory = Person::come(&mut hall, sender, "mallory");
                bob.sees(&mut hall);
                let mut seen = Vec::new();
                for private in [false, true] {
                    if private {
                        mallory.tells(&mut hall, "bob", text);
                    } else {
                        mallory.says(&mut hall, text);
                    }
                    let now = bob.sees(&mut hall);
                    assert!(!now.is_empty(), "{sender:?} to {reader:?}: {forged} was lost");
                    for shown in &now {
                        assert!(is_honest(reader, shown), "{sender:?} to {reader:?}, {forged}: {shown:?}");
                    }
                    seen.extend(now);
                }
                let seen = seen.join(" ‖ ").replace('\n', "↵").replace('|', "\\|");
                println!("| {} | {} | {forged} | {seen} |", sender.name(), reader.name());
                pairs += 1;
            }
        }
    }
    assert_eq!(pairs, 5 * 5 * FORGED.len());
}

#[test]
fn no_name_passes_for_something_else_in_any_dialect() {
    for kind in KINDS {
        for nick in [
            "PRIVATE FROM victim",
            "victim] [x",
            "victim:",
            "victim|x",
            "a,victim",
            "#den",
            "/quit",
            "@victim",
            "server",
            "SERVER",
            "\u{455}erver",
            "sp ace",
            "vic\u{ad}tim",
            "vic\u{3164}",
            "vic\u{202e}mit",
            "vi\u{2028}ctim",
            "v\u{456}ctim",
            "\u{ff56}ictim",
            "VICTIM",
        ] {
            let mut hall = Hall::default();
            let mut bob = Person::come(&mut hall, JSON_LINES, "bob");
            Person::come(&mut hall, SLASH, "victim");
            bob.sees(&mut hall);
            let mallory = Person::come(&mut hall, kind, nick);
            let seen = bob.sees(&mut hall);
            // A taken name gets a number if a refusal would only make the client come again.
            let is_told_apart = seen.iter().all(|shown| shown.contains("_2 joined"));
            assert!(is_told_apart, "{} as {nick:?}: {seen:?} {}", kind.name(), hall.is_open(mallory.id));
        }
    }
}

#[test]
fn a_client_of_program_1_is_told_of_private_messages_and_renames_in_chat_lines() {
    for sender in KINDS {
        let mut hall = Hall::default();
        let mut bob = Person::come(&mut hall, JSON_LINES, "bob");
        let mut alice = Person::come(&mut hall, sender, "alice");
        bob.sees(&mut hall);
        alice.tells(&mut hall, "bob", "psst");
        assert_eq!(bob.sees(&mut hall), ["[21:30] alice: [PRIVATE] psst"], "{sender:?}");
        let renames = match sender.name() {
            "reliable" => {
                alice.frame(&mut hall, "chat", "/nick alicia");
                true
            }
            "json-lines" => {
                alice.sends(&mut hall, "{\"type\": \"rename\", \"username\": \"alicia\"}\n");
                true
            }
            "slash" => {
                alice.sends(&mut hall, "/nick alicia");
                true
            }
            _ => false,
        };
        if renames {
            assert_eq!(bob.sees(&mut hall), ["[21:30] server: alice is now alicia"], "{sender:?}");
        }
    }
    // A client that has shown that it knows more gets the lines of the dialect.
    for shows in [
        "{\"type\": \"join\", \"username\": \"bob\", \"extensions\": true}\n",
        "{\"type\": \"join\", \"username\": \"bob\"}\n{\"type\": \"users\"}\n",
    ] {
        let mut hall = Hall::default();
        let bob = hall.open(JSON_LINES);
        hall.receive(bob, shows.as_bytes());
        let mut alice = Person::come(&mut hall, SLASH, "alice");
        hall.stream(bob);
        alice.sends(&mut hall, "/whisper bob a\u{2028}b");
        hall.hears(bob, &["{\"type\": \"private\", \"username\": \"alice\", \"message\": \"a\\nb\", \"timestamp\": 1795210215.560000}\n"]);
    }
}

#[test]
fn an_older_client_of_rooms_gets_nothing_but_ascii_from_the_server() {
    let talk = |settings: &Settings, says: &str| {
        let mut hall = Hall::default();
        let old = hall.open_with(ROOMS, settings);
        hall.receive(old, "old".as_bytes());
        hall.receive(old, says.as_bytes());
        let mut bob = Person::come(&mut hall, JSON_LINES, "bob");
        for text in ["hello", "two\nlines", "esc\u{1b}[2J", "Server: hi"] {
            bob.says(&mut hall, text);
            bob.tells(&mut hall, "old", text);
        }
        (String::from_utf8(hall.stream(old)).expect("whole characters"), hall, bob, old)
    };
    let (seen, mut hall, mut bob, old) = talk(&Settings::default(), "/members");
    assert!(seen.is_ascii() && seen.contains("two / lines") && seen.contains("esc?[2J"), "{seen}");
    // People's texts stay as they are; a setting makes them ASCII, too.
    bob.says(&mut hall, "Grüße");
    assert!(String::from_utf8_lossy(&hall.stream(old)).contains("Grüße"));
    let (_, mut hall, mut bob, old) =
        talk(&Settings { rooms_ascii: true, ..Settings::default() }, "/dm bob ü");
    bob.says(&mut hall, "Grüße");
    hall.hears(old, &["\n--------------\nbob  21:30\nGr??e\n--------------"]);
    // A person who has written more than ASCII sees the original's lines.
    let (seen, ..) = talk(&Settings::default(), "/dm bob ü");
    assert!(
        seen.contains(&format!("\n{0}\nbob  21:30\ntwo \u{23ce} lines\n{0}", "\u{2500}".repeat(14))),
        "{seen}"
    );
}

#[test]
fn a_name_with_a_blank_that_a_server_gave_is_addressed_from_every_dialect() {
    for kind in KINDS {
        let mut hall = Hall::default();
        let settings = Settings { assign_names: true, ..Settings::default() };
        let given = hall.open_with(SLASH, &settings);
        let mut alice = Person::come(&mut hall, kind, "alice");
        hall.stream(given);
        alice.tells(&mut hall, "User 1", "psst");
        hall.hears(given, &["[21:30:15] [PRIVATE FROM alice] psst"]);
    }
}

#[test]
fn only_rooms_lets_those_speak_in_a_room_who_are_not_in_it() {
    for (kind, members_only) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let mut hall = Hall::default();
        let settings = Settings { outsiders_post: !members_only, ..Settings::default() };
        let owner = hall.open_with(ROOMS, &settings);
        hall.receive(owner, b"owner/create_room den");
        let id = hall.open_with(kind, &settings);
        let mut alice = Person { id, kind, said: 0 };
        match kind.name() {
            "reliable" => {
                alice.frame(&mut hall, "join", "alice");
                alice.frame(&mut hall, "chat", "/room den hi");
            }
            "json-lines" => {
                alice.sends(&mut hall, "{\"type\": \"join\", \"username\": \"alice\"}\n{\"type\": \"room\", \"room\": \"den\", \"message\": \"hi\"}\n");
            }
            "pipe" => continue,
            _ => {
                alice.sends(&mut hall, "alice");
                alice.sends(&mut hall, "/room den hi");
            }
        }
        let heard = String::from_utf8_lossy(&hall.stream(owner)).contains("alice: hi");
        assert_eq!(heard, kind == ROOMS && !members_only, "{kind:?}");
    }
}
