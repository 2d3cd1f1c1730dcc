//! Files that a person sends and takes at a terminal.
//!
//! Nothing is taken without `/accept`. What comes is written beside its name as `NAME.part`, and gets that name once its
//! SHA-256 is right; no file is ever replaced. What a lost connection has cut short goes on when both are back.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration as Span;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use super::sending::{AGAIN, Sending, again, late, renew, safe};
use super::taken::Taken;
use crate::chat::files::{AT_ONCE, About, FileEnd, FileEvent, FileRequest, OFFERS_EACH, PART, Recipient};
use crate::chat::message::{Event, Request};
use crate::chat::protocol::NotSaid;
use crate::cli::output::one_line;

/// Time between two lines about a file under way.
const SAID_EACH: Span = Span::from_secs(5);
/// The commands, as they are typed.
pub const USAGES: &[&str] = &["/send FILE NAME (or #ROOM)", "/accept [N]", "/decline [N]"];

/// A file that is offered to this person.
#[derive(Debug)]
struct Coming {
    file: u32,
    from: String,
    about: About,
    taken: Option<Taken>,
}

/// All that is offered and taken.
#[derive(Debug, Default)]
pub struct Files {
    /// Folder of files that are taken.
    pub folder: PathBuf,
    /// Files that are read for their checksums, which may take long, beside their paths.
    reading: VecDeque<(String, JoinHandle<io::Result<Sending>>)>,
    /// In the order of their offers, which is that of the server's answers.
    sending: Vec<Sending>,
    coming: Vec<Coming>,
    /// Time of the next offers to rooms that were refused.
    again_at: Option<Instant>,
    /// Requests that go before what is typed.
    asks: VecDeque<Request>,
    /// Lines for the person.
    says: Vec<String>,
    /// Bytes that have gone or come.
    moved: u64,
    /// Files that have not become what they should.
    failed: u64,
}

impl Files {
    /// True while a file is under way.
    pub fn is_busy(&self) -> bool {
        !self.asks.is_empty()
            || !self.reading.is_empty()
            || self.sending.iter().any(Sending::is_under_way)
            || self.coming.iter().any(|coming| coming.taken.is_some() && coming.file != 0)
    }

    /// Files that have not become what they should, or would not if this were the end.
    pub fn failed(&self) -> u64 {
        let sent = self.sending.iter().filter(|sending| sending.has_begun || sending.file.is_none());
        let taken = self.coming.iter().filter(|coming| coming.taken.is_some());
        self.failed + (self.reading.len() + sent.count() + taken.count()) as u64
    }

    /// Bytes that have gone or come.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// The next thing to be asked of the server.
    pub fn next_ask(&mut self) -> Option<Request> {
        self.asks.pop_front()
    }

    /// Lines for the person since this was asked last.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.says)
    }

    fn ask(&mut self, request: FileRequest) {
        self.asks.push_back(Request::File(request));
    }

    /// Obeys a line, if it is about files; an error is a line that was of no use. `speaks` tells whether a request
    /// can be made here.
    pub fn obey(
        &mut self,
        line: &str,
        speaks: impl Fn(&Request) -> Result<(), NotSaid>,
    ) -> Option<Result<(), String>> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        Some(match word.to_ascii_lowercase().as_str() {
            "/send" => speaks(&Request::File(FileRequest::End { file: 0, how: FileEnd::Gone }))
                .map_err(|error| error.to_string())
                .and_then(|()| self.send(rest)),
            "/accept" => self.find(rest).and_then(|n| self.accept(n)),
            "/decline" => self.find(rest).map(|n| {
                let coming = self.coming.remove(n);
                self.ask(FileRequest::End { file: coming.file, how: FileEnd::Declined });
                discard(coming);
            }),
            _ => return None,
        })
    }

    /// A path may have blanks, a nick almost never.
    fn send(&mut self, words: &str) -> Result<(), String> {
        let (path, to) = words.rsplit_once(char::is_whitespace).ok_or("usage: /send FILE NAME, or #ROOM")?;
        let (path, to) = (path.trim().trim_matches('"'), to.trim());
        let to = match to.strip_prefix('#') {
            Some(room) => Recipient::Room(room.to_owned()),
            None => Recipient::Person(to.to_owned()),
        };
        let file = PathBuf::from(path);
        self.reading.push_back((one_line(path), spawn_blocking(move || Sending::open(&file, to))));
        Ok(())
    }

    /// Offers the next file that has been read, or those that were refused, and gives up what nobody has come for. Nothing is
    /// lost if it is dropped.
    pub async fn read(&mut self) {
        let again_at = self.again_at;
        let late_at = self.sending.iter().filter_map(Sending::is_late_at).min();
        let reading = self.reading.front_mut();
        let (path, result) = tokio::select! {
            read = async { match reading { Some((path, reading)) => (path.clone(), reading.await), None => std::future::pending().await } } => read,
            () = sleep_until(again_at.unwrap_or_else(Instant::now)), if again_at.is_some() => {
                self.again_at = None;
                return self.offer_again(|all| again(all, |to| matches!(to, Recipient::Room(_))));
            }
            () = sleep_until(late_at.unwrap_or_else(Instant::now)), if late_at.is_some() => return self.offer_again(|_| Vec::new()),
        };
        match result.map_err(io::Error::other).flatten() {
            Ok(sending) => {
                self.asks.push_back(sending.offer());
                self.sending.push(sending);
            }
            Err(error) => {
                self.failed += 1;
                self.says.push(format!("cannot send {path}: {error}"));
            }
        }
        self.reading.pop_front();
    }

    /// The offer of this number, or the oldest that is not taken.
    fn find(&self, number: &str) -> Result<usize, String> {
        if number.is_empty() {
            let place = self.coming.iter().position(|coming| coming.taken.is_none());
            return place.or(self.coming.len().checked_sub(1)).ok_or("no file is offered".to_owned());
        }
        let wanted = number.parse::<u32>().map_err(|_| "usage: /accept [N]".to_owned())?;
        let place = self.coming.iter().position(|coming| coming.file == wanted);
        place.ok_or(format!("no file {wanted} is offered"))
    }

    fn accept(&mut self, n: usize) -> Result<(), String> {
        let coming = &mut self.coming[n];
        if coming.taken.is_some() {
            return Err(format!("{} is under way", coming.about.name));
        }
        let name = coming.about.name.clone();
        let cannot = |error: io::Error| format!("cannot keep {name}: {error}");
        fs::create_dir_all(&self.folder).map_err(cannot)?;
        coming.taken = Some(Taken::begin(&self.folder, &name).map_err(cannot)?);
        self.go_on(n);
        Ok(())
    }

    /// Asks for the next parts, or ends what is whole.
    fn go_on(&mut self, n: usize) {
        let Coming { file, about, taken, .. } = &mut self.coming[n];
        let Some(taken) = taken else { return };
        while taken.asked < about.size && taken.asked < taken.written + AT_ONCE as u64 * PART {
            self.asks.push_back(Request::File(FileRequest::Ask { file: *file, from: taken.asked }));
            taken.asked = (taken.asked + PART).min(about.size);
        }
        if taken.written == about.size {
            self.finish(n);
        }
    }

    fn finish(&mut self, n: usize) {
        let Coming { file, from, about, taken } = self.coming.remove(n);
        let Some(taken) = taken else { return };
        let name = &about.name;
        let rate = taken.rate();
        let kept = taken.keep(&self.folder, name, &about);
        let how = match kept {
            Ok(path) => {
                self.says.push(format!(
                    "{} from {from} is here, {} bytes at {rate}, checksum right",
                    one_line(&path.display().to_string()),
                    about.size
                ));
                FileEnd::Done
            }
            Err(error) => {
                self.failed += 1;
                self.says.push(format!("{name} from {from} is not kept: {error}"));
                FileEnd::Failed
            }
        };
        self.ask(FileRequest::End { file, how });
    }

    /// Takes note of an event.
    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::Welcome { .. } => {
                // Of the connection before, the server knows nothing.
                self.asks.clear();
                self.coming.retain(|coming| coming.taken.is_some());
                self.coming.iter_mut().for_each(|coming| coming.file = 0);
                self.offer_again(renew);
            }
            Event::Joined { nick } => self.offer_again(|all| {
                again(all, |to| matches!(to, Recipient::Person(to) if to.eq_ignore_ascii_case(nick)))
            }),
            Event::Entered { room } | Event::Created { room } => self.offer_again(|all| {
                again(all, |to| matches!(to, Recipient::Room(to) if to.eq_ignore_ascii_case(room)))
            }),
            Event::Renamed { from, to } => {
                let [from, to] = [from, to].map(|nick| one_line(nick));
                self.sending.iter_mut().for_each(|sending| sending.rename(&from, &to));
                let coming = self.coming.iter_mut().filter(|coming| coming.from == from);
                coming.for_each(|coming| coming.from.clone_from(&to));
            }
            Event::File(event) => self.hear_file(event),
            _ => {}
        }
    }

    fn offer_again(&mut self, of: impl FnOnce(&mut Vec<Sending>) -> Vec<Request>) {
        let late = late(&mut self.sending, Instant::now());
        self.failed += late.len() as u64;
        self.says.extend(late);
        let offers = of(&mut self.sending);
        self.asks.extend(offers);
    }

    fn hear_file(&mut self, event: &FileEvent) {
        match event {
            FileEvent::Offered { file, from, room, about } => {
                self.offered(*file, from, room.as_deref(), &safe(about));
            }
            FileEvent::Announced { file, about, people } => {
                if let Some(n) = self.answered(about) {
                    let sending = &mut self.sending[n];
                    sending.announced(*file, *people);
                    let whom = if *people == 1 { "1 person".to_owned() } else { format!("{people} people") };
                    self.says.push(format!("{} is offered to {whom}", sending.about.name));
                }
            }
            FileEvent::Refused { about, why } => {
                let Some(n) = self.answered(about) else { return };
                let sending = &mut self.sending[n];
                if sending.gone.is_some() {
                    let is_new = sending.refused(why);
                    if matches!(sending.to, Recipient::Room(_)) {
                        // The others of a room may enter it after this person.
                        self.again_at.get_or_insert_with(|| Instant::now() + AGAIN);
                    }
                    if is_new {
                        self.says.push(format!("{} waits: {}", sending.about.name, one_line(why)));
                    }
                    return;
                }
                self.failed += 1;
                let name = self.sending.remove(n).about.name;
                self.says.push(format!("{name} is not offered: {}", one_line(why)));
            }
            FileEvent::Asked { file, reader, nick, from } => {
                let Some(n) = self.sending.iter().position(|sending| sending.file == Some(*file)) else {
                    return self.ask(FileRequest::End { file: *file, how: FileEnd::Failed });
                };
                match self.sending[n].part(*from, &one_line(nick)) {
                    Ok(data) => {
                        self.moved += PART;
                        let data = data.into();
                        self.ask(FileRequest::Part { file: *file, reader: *reader, from: *from, data });
                    }
                    Err(error) => {
                        self.failed += 1;
                        let name = self.sending.remove(n).about.name;
                        self.says.push(format!("{name} cannot be read on: {error}"));
                        self.ask(FileRequest::End { file: *file, how: FileEnd::Failed });
                    }
                }
            }
            FileEvent::Part { file, from, data } => self.comes(*file, *from, data),
            FileEvent::Ended { file, nick, how } => self.ended(*file, nick, *how),
        }
    }

    /// The offer that an answer about such a file is to.
    fn answered(&self, about: &About) -> Option<usize> {
        let about = safe(about);
        self.sending.iter().position(|sending| sending.waits_for_answer() && sending.about == about)
    }

    fn offered(&mut self, file: u32, from: &str, room: Option<&str>, about: &About) {
        let from = one_line(from);
        // One that comes under a number of its own is another, though it be the same file.
        let is_it = |coming: &Coming| coming.file == 0 && coming.from == from && coming.about == *about;
        if let Some(n) = self.coming.iter().position(is_it) {
            self.coming[n].file = file;
            if let Some(taken) = &mut self.coming[n].taken {
                taken.begin_again();
                self.says.push(format!("{} goes on at {} bytes", about.name, taken.written));
                self.go_on(n);
            }
            return;
        }
        let place = room.map_or(String::new(), |room| format!(" in #{}", one_line(room)));
        self.says.push(format!(
            "{from} offers you {}{place} ({} bytes): /accept {file} or /decline {file}",
            about.name, about.size
        ));
        self.coming.push(Coming { file, from, about: about.clone(), taken: None });
    }

    fn comes(&mut self, file: u32, from: u64, data: &str) {
        let Some(n) = self.coming.iter().position(|coming| coming.file == file) else { return };
        let Coming { about, taken: Some(taken), .. } = &mut self.coming[n] else { return };
        if from != taken.written {
            return;
        }
        match taken.take(about, from, data) {
            Ok(bytes) => {
                self.moved += bytes;
                if taken.said.elapsed() >= SAID_EACH {
                    taken.said = Instant::now();
                    let percent = taken.written * 100 / about.size.max(1);
                    let rate = taken.rate();
                    self.says.push(format!("{}: {percent} % at {rate}", about.name));
                }
                self.go_on(n);
            }
            Err(error) => {
                self.failed += 1;
                self.says.push(format!("{} cannot be kept: {error}", about.name));
                discard(self.coming.remove(n));
                self.ask(FileRequest::End { file, how: FileEnd::Failed });
            }
        }
    }

    fn ended(&mut self, file: u32, nick: &str, how: FileEnd) {
        let nick = one_line(nick);
        if let Some(n) = self.coming.iter().position(|coming| coming.file == file) {
            let coming = &mut self.coming[n];
            let name = coming.about.name.clone();
            if how == FileEnd::Gone && coming.taken.is_some() {
                // Kept for the sender's return; no offer has the number 0.
                coming.file = 0;
                self.says.push(format!("{name} has stopped: {} has left", coming.from));
                return;
            }
            self.failed += u64::from(coming.taken.is_some());
            self.says.push(format!("{name} is offered no longer"));
            return discard(self.coming.remove(n));
        }
        let Some(n) = self.sending.iter().position(|sending| sending.file == Some(file)) else { return };
        let sending = &mut self.sending[n];
        self.says.push(sending.words_of_end(&nick, how));
        self.failed += u64::from(how == FileEnd::Failed);
        let later = sending.ended(&nick, how == FileEnd::Gone);
        if sending.people == 0 && how == FileEnd::Gone && sending.has_begun {
            sending.pause();
        } else if sending.people == 0 {
            self.sending.remove(n);
        }
        self.sending.extend(later);
        // There may be room for one that was refused because of the others.
        if self.sending.len() >= OFFERS_EACH {
            self.offer_again(|all| again(all, |to| matches!(to, Recipient::Person(_))));
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.coming.drain(..).for_each(discard);
    }
}

fn discard(coming: Coming) {
    coming.taken.into_iter().for_each(Taken::discard);
}
