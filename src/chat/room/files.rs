//! Transfers of files: offers, and the parts that were asked for. No part is kept.
//!
//! A sender is asked for [`AT_ONCE`] parts at a time, whoever wants them; further wishes wait in order, of each
//! reader as many. So neither side's queue holds more than a few parts before a text.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Room, answer_to, rules};
use crate::chat::files::{
    AT_ONCE, About, FileEnd, FileEvent, FileRequest, OFFERS_EACH, Recipient, is_base64_of, safe_name,
};
use crate::chat::message::{Audience, ClientId, Delivery, Event, Name, Refusal};

/// All transfers of a room.
#[derive(Debug, Default)]
pub(super) struct Files {
    last: u32,
    offers: BTreeMap<u32, Offer>,
    desks: BTreeMap<ClientId, Desk>,
    /// Clients that know what a file is.
    takers: BTreeSet<ClientId>,
}

#[derive(Debug)]
struct Offer {
    by: ClientId,
    about: About,
    /// Those who may still ask for parts.
    readers: BTreeSet<ClientId>,
}

/// Wishes for the parts of one sender's files: those that it was told, and those that wait.
#[derive(Debug, Default)]
struct Desk {
    asked: VecDeque<Wish>,
    waiting: VecDeque<Wish>,
}

#[derive(Clone, Debug)]
struct Wish {
    file: u32,
    reader: ClientId,
    nick: Name,
    from: u64,
}

impl Desk {
    fn forget(&mut self, is_gone: impl Fn(&Wish) -> bool) {
        self.asked.retain(|wish| !is_gone(wish));
        self.waiting.retain(|wish| !is_gone(wish));
    }

    fn count(&self, file: u32, reader: ClientId) -> usize {
        let wishes = self.asked.iter().chain(&self.waiting);
        wishes.filter(|wish| wish.file == file && wish.reader == reader).count()
    }
}

impl Files {
    /// Tells a sender the next wishes, as many as it may have at a time.
    fn ask_on(&mut self, sender: ClientId, out: &mut Vec<Delivery>) {
        let Some(desk) = self.desks.get_mut(&sender) else { return };
        while desk.asked.len() < AT_ONCE
            && let Some(wish) = desk.waiting.pop_front()
        {
            desk.asked.push_back(wish.clone());
            let Wish { file, reader, nick, from } = wish;
            answer_to(sender, Event::File(FileEvent::Asked { file, reader: reader.0, nick, from }), out);
        }
        if desk.asked.is_empty() {
            self.desks.remove(&sender);
        }
    }

    fn ask(&mut self, (client, nick): (ClientId, &Name), file: u32, from: u64, out: &mut Vec<Delivery>) {
        let Some(offer) = self.offers.get(&file).filter(|offer| offer.readers.contains(&client)) else {
            let ended = FileEvent::Ended { file, nick: "".into(), how: FileEnd::Gone };
            return answer_to(client, Event::File(ended), out);
        };
        let sender = offer.by;
        let desk = self.desks.entry(sender).or_default();
        if offer.about.part(from).is_some() && desk.count(file, client) < AT_ONCE {
            desk.waiting.push_back(Wish { file, reader: client, nick: nick.clone(), from });
        }
        self.ask_on(sender, out);
    }

    fn give(
        &mut self,
        client: ClientId,
        (file, reader, from): (u32, ClientId, u64),
        data: Name,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Refusal> {
        let desk = self.desks.get_mut(&client);
        let is_it = |asked: &Wish| (asked.file, asked.reader, asked.from) == (file, reader, from);
        let place = desk.as_ref().and_then(|desk| desk.asked.iter().position(is_it));
        // A reader may have ended it meanwhile.
        let (Some(desk), Some(place), Some(offer)) = (desk, place, self.offers.get(&file)) else {
            return Ok(());
        };
        let length = offer.about.part(from).unwrap_or_default();
        if !is_base64_of(&data, length) {
            return Err(Refusal::NotNow("that is no part of this file".into()));
        }
        desk.asked.remove(place);
        answer_to(reader, Event::File(FileEvent::Part { file, from, data }), out);
        self.ask_on(client, out);
        Ok(())
    }

    /// A person ends a transfer: the sender for all, a reader for itself.
    fn end(&mut self, client: ClientId, nick: &Name, file: u32, how: FileEnd, out: &mut Vec<Delivery>) {
        let Some(offer) = self.offers.get_mut(&file) else { return };
        let ended = Event::File(FileEvent::Ended { file, nick: nick.clone(), how });
        let sender = offer.by;
        if sender == client {
            offer.readers.iter().for_each(|&reader| answer_to(reader, ended.clone(), out));
            self.offers.remove(&file);
            self.desks.get_mut(&sender).into_iter().for_each(|desk| desk.forget(|wish| wish.file == file));
        } else if offer.readers.remove(&client) {
            if offer.readers.is_empty() {
                self.offers.remove(&file);
            }
            answer_to(sender, ended, out);
            let is_its = |wish: &Wish| wish.file == file && wish.reader == client;
            self.desks.get_mut(&sender).into_iter().for_each(|desk| desk.forget(is_its));
        } else {
            return;
        }
        self.ask_on(sender, out);
    }

    /// A person has left, and with it its offers and its wishes.
    pub fn leave(&mut self, client: ClientId, nick: &Name, out: &mut Vec<Delivery>) {
        self.takers.remove(&client);
        let is_part = |offer: &Offer| offer.by == client || offer.readers.contains(&client);
        let files: Vec<u32> =
            self.offers.iter().filter(|(_, offer)| is_part(offer)).map(|(file, _)| *file).collect();
        for file in files {
            self.end(client, nick, file, FileEnd::Gone, out);
        }
        self.desks.remove(&client);
    }
}

impl Room {
    /// A person's client knows what a file is; others are never told of one in words of a transfer.
    pub fn takes_files(&mut self, client: ClientId) {
        if self.members.contains_key(&client) {
            self.files.takers.insert(client);
        }
    }

    /// The requests about files.
    pub(super) fn serve_file(
        &mut self,
        client: ClientId,
        from: &Name,
        request: FileRequest,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Refusal> {
        match request {
            FileRequest::Offer { to, about } => {
                // A sum that is none is not said back, however long it is.
                let sum = if about.is_sound() { about.sum } else { "".into() };
                let about = About { name: safe_name(&about.name).into(), sum, ..about };
                if let Err(why) = self.offer(client, from, &to, &about, out) {
                    let why = why.to_string().into();
                    answer_to(client, Event::File(FileEvent::Refused { about, why }), out);
                }
            }
            FileRequest::Ask { file, from: byte } => self.files.ask((client, from), file, byte, out),
            FileRequest::Part { file, reader, from, data } => {
                self.files.give(client, (file, ClientId(reader), from), data, out)?;
            }
            // That somebody has left, the server says itself.
            FileRequest::End { how: FileEnd::Gone, .. } => {}
            FileRequest::End { file, how } => self.files.end(client, from, file, how, out),
        }
        Ok(())
    }

    fn offer(
        &mut self,
        client: ClientId,
        from: &Name,
        to: &Recipient,
        about: &About,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Refusal> {
        let no = |why: String| Err(Refusal::NotNow(why.into()));
        match self.rules.file_bytes {
            0 => return no("this server passes on no files".to_owned()),
            most if about.size > most => return no(format!("a file has at most {most} bytes here")),
            _ if !about.is_sound() => return no("its SHA-256 is missing".to_owned()),
            // Numbers of clients are given again: what is asked of one later would be asked of another.
            _ if !self.files.takers.contains(&client) => {
                return no("your client has not said that it takes files".to_owned());
            }
            _ => {}
        }
        if self.files.offers.values().filter(|offer| offer.by == client).count() >= OFFERS_EACH {
            return no(format!("you offer {OFFERS_EACH} files already"));
        }
        let (room, people) = match to {
            Recipient::Person(nick) => {
                let other =
                    self.find(nick.trim()).ok_or_else(|| Refusal::NoSuchPerson(nick.trim().into()))?;
                if other == client {
                    return no("that would be to yourself".to_owned());
                }
                if !self.files.takers.contains(&other) {
                    return no(format!("the client of '{}' takes no files", nick.trim()));
                }
                (None, vec![other])
            }
            Recipient::Room(room) => {
                let (name, members) = self.fellows(client, rules::room_name(room))?;
                (Some(name), members)
            }
        };
        let (takers, others): (Vec<_>, Vec<_>) =
            people.into_iter().partition(|other| self.files.takers.contains(other));
        if takers.is_empty() {
            return no("nobody else there has a client that takes files".to_owned());
        }
        // Never 0, so that 0 can stand for none.
        self.files.last = self.files.last.wrapping_add(1).max(1);
        let file = self.files.last;
        let announced = FileEvent::Announced { file, people: takers.len() as u32, about: about.clone() };
        answer_to(client, Event::File(announced), out);
        let readers = takers.iter().copied().collect();
        let offered = FileEvent::Offered { file, from: from.clone(), room, about: about.clone() };
        self.files.offers.insert(file, Offer { by: client, about: about.clone(), readers });
        tell(takers, Event::File(offered), out);
        if !others.is_empty() {
            let text =
                format!("{from} offers {} ({} bytes); this client takes no files", about.name, about.size);
            tell(others, Event::Notice { text: text.into() }, out);
        }
        Ok(())
    }
}

fn tell(members: Vec<ClientId>, event: Event, out: &mut Vec<Delivery>) {
    out.push(Delivery { to: Audience::Group { members: members.into(), but: None }, event });
}
