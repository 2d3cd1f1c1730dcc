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

use crate::chat::files::{About, FileRequest, Recipient, safe_name};
use crate::chat::message::Request;
use crate::units::hex;

/// Time for which one whose reader has left is offered again when it comes back.
const OFFERED_AGAIN: Span = Span::from_secs(300);

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
    /// Time at which its reader left, or one is no longer in its room.
    pub gone: Option<Instant>,
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
        }
    }

    /// The same file for one reader of a room.
    fn for_reader(&self, nick: String) -> Option<Sending> {
        // Where it is read is shared, and set before each part.
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
        again.map(|again| Sending { gone: Some(Instant::now()), ..again })
    }

    /// True while the server has not answered its offer.
    pub fn waits_for_answer(&self) -> bool {
        self.file.is_none() && self.gone.is_none()
    }

    /// Request that offers it.
    pub fn offer(&self) -> Request {
        Request::File(FileRequest::Offer { to: self.to.clone(), about: self.about.clone() })
    }

    /// False of what was offered to somebody who has left long ago.
    pub fn is_wanted(&self, now: Instant) -> bool {
        self.gone.is_none_or(|gone| now.saturating_duration_since(gone) < OFFERED_AGAIN)
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

/// Offers to those whom `is_for` finds and who had left: they are the last now.
pub fn again(all: &mut Vec<Sending>, is_for: impl Fn(&Recipient) -> bool) -> Vec<Request> {
    let now = Instant::now();
    all.retain(|sending| sending.is_wanted(now));
    let (mut back, others): (Vec<_>, Vec<_>) =
        std::mem::take(all).into_iter().partition(|sending| sending.gone.is_some() && is_for(&sending.to));
    for sending in &mut back {
        (sending.file, sending.gone) = (None, None);
    }
    let offers = back.iter().map(Sending::offer).collect();
    *all = others;
    all.extend(back);
    offers
}

/// The server knows of no offer: those to people are made again, and those to rooms wait until one is in there.
pub fn renew(all: &mut Vec<Sending>) -> Vec<Request> {
    let now = Some(Instant::now());
    for sending in std::mem::take(all) {
        if sending.readers.is_empty() {
            let is_over = sending.is_ended_by_some;
            all.extend((!is_over).then_some(Sending { gone: sending.gone.or(now), ..sending }));
        } else {
            let readers = sending.readers.iter().cloned();
            all.extend(readers.filter_map(|nick| Some(Sending { gone: now, ..sending.for_reader(nick)? })));
        }
    }
    again(all, |to| matches!(to, Recipient::Person(_)))
}
