//! A server without sockets or clocks: sessions of any dialect around one room, so that tests can
//! compare every byte, times and checksums too.

#![allow(dead_code, reason = "every test file uses its own part")]

use std::collections::VecDeque;
use std::sync::Arc;

use testbed::chat::message::{Audience, ClientId, Delivery, Event, Name, Request};
use testbed::chat::protocol::{
    After, Ask, Asked, ClientSession, EVERYONE, Encodings, Kind, Malformed, Moment, SERVER, ServerSession,
    Settings, Timestamp, client_session, server_session,
};
use testbed::chat::room::{Room, Rules};
use testbed::time::{Duration, Instant};

/// When every conversation takes place: 21:30:15.5 in a zone without an offset.
pub const NOON: u64 = 1_795_210_215_500_000_000;

/// The time so long after the start.
pub fn moment(after: Duration) -> Moment {
    Moment { now: Instant::ZERO + after, at: Timestamp::from_unix_nanos(NOON + after.as_nanos()), zone_s: 0 }
}

/// A room and its connections.
#[derive(Debug)]
pub struct Hall {
    pub room: Room,
    guests: Vec<Guest>,
    elapsed: Duration,
    serial: u64,
}

#[derive(Debug)]
struct Guest {
    session: Box<dyn ServerSession>,
    /// What the server wrote to it and nobody has compared yet, one write each.
    heard: VecDeque<Arc<[u8]>>,
    open: bool,
}

impl Default for Hall {
    /// Empty, with the server's rules.
    fn default() -> Hall {
        let room = Room::new(Rules { reserved: &[SERVER, EVERYONE], ..Rules::default() });
        Hall { room, guests: Vec::new(), elapsed: Duration::ZERO, serial: 0 }
    }
}

impl Hall {
    /// A new connection; returns its number.
    pub fn open(&mut self, kind: Kind) -> usize {
        self.open_with(kind, &Settings::default())
    }

    pub fn open_with(&mut self, kind: Kind, settings: &Settings) -> usize {
        let id = self.guests.len();
        let session = server_session(kind, settings);
        self.guests.push(Guest { session, heard: VecDeque::new(), open: true });
        let connected = self.guests.iter().filter(|guest| guest.open).count();
        let mut asked = Asked::default();
        let moment = moment(self.elapsed);
        self.guests[id].session.open(moment, connected, &mut asked);
        self.serve(id, asked);
        id
    }

    /// One read of that connection.
    pub fn receive(&mut self, id: usize, bytes: &[u8]) {
        if !self.guests[id].open {
            return;
        }
        let mut asked = Asked::default();
        let result = self.guests[id].session.receive(moment(self.elapsed), bytes, &mut asked);
        self.serve(id, asked);
        if let Err(Malformed { farewell }) = result {
            if !farewell.is_empty() {
                self.guests[id].heard.push_back(farewell.into());
            }
            self.close(id);
        }
    }

    fn serve(&mut self, id: usize, mut asked: Asked) {
        for ask in asked.drain() {
            if !self.guests[id].open {
                break;
            }
            self.guests[id].session.on_served(moment(self.elapsed));
            match ask {
                Ask::Room(request) => self.ask(id, request),
                Ask::Session(answer) => {
                    self.collect(id);
                    self.guests[id].heard.extend(answer);
                }
            }
        }
        self.collect(id);
    }

    fn ask(&mut self, id: usize, request: Request) {
        let client = ClientId(id as u32);
        let request = match request {
            Request::Join { nick } if self.guests[id].session.numbers_duplicates() => {
                Request::Join { nick: self.room.free_nick(&nick) }
            }
            request => request,
        };
        let mut deliveries = Vec::new();
        self.room.handle(client, request.printable(), &mut deliveries);
        let mut changed = false;
        for Delivery { to, event } in deliveries {
            changed |= event.changes_people();
            self.tell(&to, &event);
        }
        if changed {
            let members = self.room.everyone().iter().copied();
            let members = members.filter(|id| self.guests[id.0 as usize].session.wants_people()).collect();
            let to = Audience::Group { members: Arc::new(members), but: None };
            self.tell(&to, &Event::People { names: self.room.people() });
        }
    }

    /// Says something to somebody, as the room does.
    pub fn tell(&mut self, to: &Audience, event: &Event) {
        self.serial += 1;
        let mut encodings = Encodings::new(self.serial);
        for ClientId(id) in to.iter() {
            let id = id as usize;
            if !self.guests[id].open {
                continue;
            }
            let after = self.guests[id].session.tell(moment(self.elapsed), event, &mut encodings);
            self.collect(id);
            if after == After::Close {
                self.close(id);
            }
        }
    }

    fn collect(&mut self, id: usize) {
        let guest = &mut self.guests[id];
        while let Some(bytes) = guest.session.poll_send() {
            guest.heard.push_back(bytes);
        }
    }

    /// The connection ends, by whomever.
    pub fn close(&mut self, id: usize) {
        self.collect(id);
        if std::mem::replace(&mut self.guests[id].open, false)
            && self.room.nick(ClientId(id as u32)).is_some()
        {
            self.ask(id, Request::Leave);
        }
    }

    pub fn is_open(&self, id: usize) -> bool {
        self.guests[id].open
    }

    /// Lets time pass and everyone do what is due, at its time.
    pub fn wait(&mut self, span: Duration) {
        let end = self.elapsed + span;
        loop {
            let deadline = |guest: &Guest| guest.session.poll_timeout().filter(|_| guest.open);
            let next = (0..self.guests.len()).filter_map(|id| Some((deadline(&self.guests[id])?, id))).min();
            let Some((at, id)) = next.filter(|(at, _)| *at <= Instant::ZERO + end) else { break };
            self.elapsed = self.elapsed.max(at - Instant::ZERO);
            let mut asked = Asked::default();
            let after = self.guests[id].session.handle_timeout(moment(self.elapsed), &mut asked);
            self.serve(id, asked);
            if after == After::Close {
                self.close(id);
            }
        }
        self.elapsed = end;
    }

    pub fn now(&self) -> Moment {
        moment(self.elapsed)
    }

    /// The next write to that connection.
    pub fn next(&mut self, id: usize) -> Option<Arc<[u8]>> {
        self.guests[id].heard.pop_front()
    }

    /// Exactly these writes came, each a text.
    #[track_caller]
    pub fn hears(&mut self, id: usize, expected: &[&str]) {
        let heard: Vec<String> = self.guests[id]
            .heard
            .drain(..)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect();
        assert_eq!(heard, expected, "connection {id}");
    }

    /// Everything that came to that connection, in one piece.
    pub fn stream(&mut self, id: usize) -> Vec<u8> {
        self.guests[id].heard.drain(..).flat_map(|bytes| bytes.to_vec()).collect()
    }

    pub fn session(&self, id: usize) -> &dyn ServerSession {
        self.guests[id].session.as_ref()
    }
}

/// A frame of program 0.
pub fn frame(json: &str) -> Vec<u8> {
    let mut bytes = (json.len() as u32).to_be_bytes().to_vec();
    bytes.extend_from_slice(json.as_bytes());
    bytes
}

/// A message of program 0's client, without a checksum, which may be absent.
pub fn unsigned(id: &str, kind: &str, sender: &str, content: &str) -> Vec<u8> {
    let text = |text: &str| serde_json::to_string(text).expect("a text");
    frame(&format!(
        "{{\"msg_id\": {}, \"msg_type\": {}, \"sender\": {}, \"content\": {}, \"timestamp\": 1795210065.5584364, \
         \"checksum\": \"\"}}",
        text(id),
        text(kind),
        text(sender),
        text(content)
    ))
}

/// The JSON objects in a stream of frames.
pub fn frames(mut bytes: &[u8]) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (json, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        out.push(serde_json::from_slice(json).expect("JSON"));
        bytes = rest;
    }
    assert!(bytes.is_empty(), "half a frame");
    out
}

/// Somebody with a client, connected to a hall.
pub struct Person {
    pub id: usize,
    pub client: Box<dyn ClientSession>,
    /// What it was told and nobody has looked at.
    pub told: Vec<Event>,
}

impl Person {
    /// Comes in.
    pub fn come(hall: &mut Hall, kind: Kind, nick: &str) -> Person {
        let mut person = Person { id: hall.open(kind), client: client_session(kind), told: Vec::new() };
        person.ask(hall, &Request::Join { nick: nick.to_owned() });
        person
    }

    /// Asks, and hears what comes back.
    pub fn ask(&mut self, hall: &mut Hall, request: &Request) {
        self.client.ask(hall.now(), request).expect("a request that the dialect knows");
        self.talk(hall);
    }

    /// Carries everything back and forth, one write a read, until both have nothing more to say within
    /// the time that an acknowledgment takes.
    pub fn talk(&mut self, hall: &mut Hall) {
        loop {
            while let Some(bytes) = self.client.poll_send() {
                hall.receive(self.id, &bytes);
            }
            let Some(bytes) = hall.next(self.id) else {
                let soon = hall.now().now + Duration::from_millis(10);
                let Some(due) = self.client.poll_timeout().filter(|at| *at <= soon) else { return };
                hall.wait(due.saturating_since(hall.now().now));
                self.client.handle_timeout(hall.now());
                continue;
            };
            self.client.receive(hall.now(), &bytes, &mut self.told).expect("sound words");
        }
    }

    /// What it was told since this was asked last.
    pub fn is_told(&mut self, hall: &mut Hall) -> Vec<Event> {
        self.talk(hall);
        std::mem::take(&mut self.told)
    }
}

/// What a client makes of one read, so long after the start.
pub fn hears(client: &mut dyn ClientSession, at: Duration, bytes: &[u8]) -> Vec<Event> {
    let mut told = Vec::new();
    client.receive(moment(at), bytes, &mut told).expect("sound words");
    told
}

/// What a client has to say, a text for each write.
pub fn sent(client: &mut dyn ClientSession) -> Vec<String> {
    std::iter::from_fn(|| client.poll_send())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

/// A name of a person or a room.
pub fn name(text: &str) -> Name {
    text.into()
}
