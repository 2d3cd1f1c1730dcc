//! A file that this person offers. One that a lost connection has cut short is offered again: to its person once that is
//! back, and of a room to each reader that had begun it. To the whole room, those who have it would be offered it again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration as Span;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::chat::files::{About, FileEnd, FileRequest, Recipient, safe_name};
use crate::chat::message::Request;
use crate::cli::output::one_line;
use crate::units::hex;

/// Time for which one whose reader has left is offered again when it comes back.
const OFFERED_AGAIN: Span = Span::from_secs(300);
/// Time between two offers to a room in which nobody is back after the server has begun anew.
pub const AGAIN: Span = Span::from_secs(5);

/// A file that is offered.
#[derive(Debug)]
pub struct Sending {
    pub to: Recipient,
    pub about: About,
    content: File,
    /// Number of the offer, once the server has given it.
    pub file: Option<u32>,
    /// People who have not ended it.
    pub people: u32,
    pub has_begun: bool,
    /// Those of a room who have begun and not ended it.
    pub readers: BTreeSet<String>,
    /// Somebody in that room has ended it.
    is_ended_by_some: bool,
    /// Time at which its reader left or the server was lost, until the server has its offer again.
    pub gone: Option<Instant>,
    /// True while it is not offered.
    is_waiting: bool,
    /// Reason of its last refusal.
    refused: String,
}

impl Sending {
    /// A file at a path, whose content is read once for its checksum.
    pub fn open(path: &Path, to: Recipient) -> io::Result<Sending> {
        // Of a pipe there is no part.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let mut content = File::open(path)?;
        let (mut sum, mut buffer, mut size) = (Sha256::new(), vec![0; 1 << 16], 0);
        loop {
            match content.read(&mut buffer)? {
                0 => break,
                bytes => {
                    sum.update(&buffer[..bytes]);
                    size += bytes as u64;
                }
            }
        }
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let about = About { name: safe_name(&name).into(), size, sum: hex(&sum.finalize()).into() };
        Ok(Sending::new(to, about, content))
    }

    fn new(to: Recipient, about: About, content: File) -> Sending {
        Sending {
            to,
            about,
            content,
            file: None,
            people: 0,
            has_begun: false,
            readers: BTreeSet::new(),
            is_ended_by_some: false,
            gone: None,
            is_waiting: false,
            refused: String::new(),
        }
    }

    /// It waits for its reader, or for others in its room.
    pub fn pause(&mut self) {
        (self.file, self.is_waiting) = (None, true);
        self.gone.get_or_insert_with(Instant::now);
    }

    fn paused(mut self) -> Sending {
        self.pause();
        self
    }

    /// The server has its offer.
    pub fn announced(&mut self, file: u32, people: u32) {
        (self.file, self.people, self.gone) = (Some(file), people, None);
        self.refused.clear();
    }

    /// An offer that was made again is refused: it waits on. True if the reason is another than before.
    pub fn refused(&mut self, why: &str) -> bool {
        self.pause();
        let is_new = self.refused != why;
        why.clone_into(&mut self.refused);
        is_new
    }

    /// Renames its reader.
    pub fn rename(&mut self, from: &str, to: &str) {
        if matches!(&self.to, Recipient::Person(nick) if nick == from) {
            self.to = Recipient::Person(to.to_owned());
        }
        if self.readers.remove(from) {
            self.readers.insert(to.to_owned());
        }
    }

    /// The same file for one reader of a room.
    fn for_reader(&self, nick: String) -> Option<Sending> {
        // The position in it is shared, and set before each part.
        let content = self.content.try_clone().ok()?;
        let sending = Sending::new(Recipient::Person(nick), self.about.clone(), content);
        Some(Sending { has_begun: true, ..sending })
    }

    /// A person has ended it; what goes on once that person is back, if it has left before the end.
    pub fn ended(&mut self, nick: &str, has_left: bool) -> Option<Sending> {
        self.people = self.people.saturating_sub(1);
        let was_reading = self.readers.remove(nick);
        if matches!(self.to, Recipient::Room(_)) {
            self.has_begun = !self.readers.is_empty();
            self.is_ended_by_some = true;
        }
        let again = if has_left && was_reading { self.for_reader(nick.to_owned()) } else { None };
        again.map(Sending::paused)
    }

    /// Line about its end with a person.
    pub fn words_of_end(&self, nick: &str, how: FileEnd) -> String {
        let name = &self.about.name;
        match how {
            FileEnd::Done => format!("{nick} has {name}, checksum right"),
            FileEnd::Declined => format!("{nick} does not take {name}"),
            FileEnd::Failed => format!("{nick} could not take {name}"),
            FileEnd::Gone => format!("{nick} has left before {name} was there"),
        }
    }

    /// True while the server has not answered its offer.
    pub fn waits_for_answer(&self) -> bool {
        self.file.is_none() && !self.is_waiting
    }

    /// True while somebody reads it, or is to go on at once.
    pub fn is_under_way(&self) -> bool {
        self.has_begun && !self.is_waiting
    }

    /// Request that offers it.
    pub fn offer(&self) -> Request {
        Request::File(FileRequest::Offer { to: self.to.clone(), about: self.about.clone() })
    }

    /// Time at which one that waits has waited too long.
    pub fn is_late_at(&self) -> Option<Instant> {
        self.gone.filter(|_| self.is_waiting).map(|gone| gone + OFFERED_AGAIN)
    }

    /// The part that begins at a byte, in Base64, for a reader.
    pub fn part(&mut self, from: u64, reader: &str) -> io::Result<String> {
        self.has_begun = true;
        if matches!(self.to, Recipient::Room(_)) && !reader.is_empty() && !self.readers.contains(reader) {
            self.readers.insert(reader.to_owned());
        }
        let length = self.about.part(from).ok_or_else(|| io::Error::other("there is no such part"))?;
        let mut bytes = vec![0; length as usize];
        self.content.seek(SeekFrom::Start(from))?;
        self.content.read_exact(&mut bytes)?;
        Ok(STANDARD.encode(bytes))
    }
}

/// The same file under a name that can be shown and written.
pub fn safe(about: &About) -> About {
    About { name: safe_name(&about.name).into(), ..about.clone() }
}

/// Takes away those that have waited too long; a line about each.
pub fn late(all: &mut Vec<Sending>, now: Instant) -> Vec<String> {
    let (late, others): (Vec<_>, Vec<_>) =
        std::mem::take(all).into_iter().partition(|sending| sending.is_late_at().is_some_and(|at| at <= now));
    *all = others;
    let line = |sending: Sending| {
        let whom = match &sending.to {
            Recipient::Person(nick) => one_line(nick),
            Recipient::Room(room) => format!("#{}", one_line(room)),
        };
        format!("{} is offered to {whom} no longer", sending.about.name)
    };
    late.into_iter().map(line).collect()
}

/// Offers to those whom `is_for` finds and who had left: they are the last now.
pub fn again(all: &mut Vec<Sending>, is_for: impl Fn(&Recipient) -> bool) -> Vec<Request> {
    let (mut back, others): (Vec<_>, Vec<_>) =
        std::mem::take(all).into_iter().partition(|sending| sending.is_waiting && is_for(&sending.to));
    for sending in &mut back {
        sending.is_waiting = false;
    }
    let offers = back.iter().map(Sending::offer).collect();
    *all = others;
    all.extend(back);
    offers
}

/// The server knows of no offer: those to people are made again, and those to rooms wait until one is in there.
pub fn renew(all: &mut Vec<Sending>) -> Vec<Request> {
    for sending in std::mem::take(all) {
        if sending.readers.is_empty() {
            let is_over = sending.is_ended_by_some;
            all.extend((!is_over).then(|| sending.paused()));
        } else {
            let readers = sending.readers.iter().cloned();
            all.extend(readers.filter_map(|nick| Some(sending.for_reader(nick)?.paused())));
        }
    }
    again(all, |to| matches!(to, Recipient::Person(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_to_a_room_waits_for_the_others_and_not_for_ever() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let is_room = |to: &Recipient| matches!(to, Recipient::Room(_));
        let sending = Sending::open(file.path(), Recipient::Room("den".to_owned())).expect("a file");
        let mut all = vec![sending];
        all[0].announced(3, 2);
        assert!(renew(&mut all).is_empty(), "one is not in the room yet");
        assert_eq!((again(&mut all, is_room).len(), all[0].waits_for_answer()), (1, true));
        assert!(all[0].refused("nobody is there"));
        let now = Instant::now();
        let before = late(&mut all, now + Span::from_secs(200)).len();
        assert_eq!((before, again(&mut all, is_room).len()), (0, 1));
        assert!(!all[0].refused("nobody is there"), "it is known");
        // It counts from the first time.
        let lines = late(&mut all, now + OFFERED_AGAIN);
        assert!(lines[0].ends_with("is offered to #den no longer") && all.is_empty(), "{lines:?}");
    }

    #[test]
    fn a_reader_goes_on_under_another_name() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut sending = Sending::open(file.path(), Recipient::Room("den".to_owned())).expect("a file");
        sending.announced(3, 2);
        sending.part(0, "bob").expect_err("an empty file has no parts");
        sending.rename("bob", "rob");
        let later = sending.ended("rob", true).expect("the rest for one");
        assert_eq!(later.to, Recipient::Person("rob".to_owned()));
    }
}
