//! A room server whose every write is kept, so that tests can compare every byte, times and checksums too.

use std::collections::VecDeque;
use std::rc::Rc;

use testbed::chat::message::{Audience, ClientId, Event, Name, Request};
use testbed::chat::protocol::{
    ClientSession, Dialect, EVERYONE, Moment, SERVER, ServerSession, Settings, Timestamp,
};
use testbed::chat::room::Rules;
use testbed::chat::server::RoomServer;
use testbed::time::{Duration, Instant};

/// Time of every conversation: 21:30:15.5 in a zone without an offset.
pub const NOON: u64 = 1_795_210_215_500_000_000;

/// The time so long after the start.
pub fn moment(after: Duration) -> Moment {
    Moment { now: Instant::ZERO + after, at: Timestamp::from_unix_nanos(NOON + after.as_nanos()), zone_s: 0 }
}

/// A room server, and what it wrote.
#[derive(Debug)]
pub struct Hall {
    server: RoomServer,
    /// Writes to each connection that nobody has compared yet.
    heard: Vec<VecDeque<Rc<[u8]>>>,
    elapsed: Duration,
}

impl Default for Hall {
    /// Empty, with the server's rules.
    fn default() -> Hall {
        Hall::new(Rules { reserved: &[SERVER, EVERYONE], ..Rules::default() })
    }
}

impl Hall {
    pub fn new(rules: Rules) -> Hall {
        Hall { server: RoomServer::new(rules), heard: Vec::new(), elapsed: Duration::ZERO }
    }

    /// A new connection; returns its number.
    pub fn open(&mut self, kind: &'static dyn Dialect) -> usize {
        self.open_with(kind, &Settings::default())
    }

    pub fn open_with(&mut self, kind: &'static dyn Dialect, settings: &Settings) -> usize {
        let id = self.heard.len();
        self.heard.push(VecDeque::new());
        self.server.open(moment(self.elapsed), client(id), kind.server(settings));
        self.serve(id);
        id
    }

    /// One read of that connection.
    pub fn receive(&mut self, id: usize, bytes: &[u8]) {
        self.server.receive(moment(self.elapsed), client(id), bytes);
        self.serve(id);
    }

    fn serve(&mut self, id: usize) {
        while self.server.serve_next(moment(self.elapsed), client(id)).is_some() {}
        self.collect();
    }

    /// Says something to somebody, as the room does.
    pub fn tell(&mut self, to: &Audience, event: &Event) {
        self.server.tell(moment(self.elapsed), to, event);
        self.collect();
    }

    fn collect(&mut self) {
        let now = Instant::ZERO + self.elapsed;
        while let Some(id) = self.server.poll_dirty() {
            let heard = &mut self.heard[id.0 as usize];
            self.server.flush(now, id, &mut |bytes, _| {
                heard.push_back(Rc::clone(bytes));
                bytes.len()
            });
        }
    }

    /// The connection ends, by whomever.
    pub fn close(&mut self, id: usize) {
        self.server.close(moment(self.elapsed), client(id));
        self.collect();
    }

    pub fn is_open(&self, id: usize) -> bool {
        self.server.hears(client(id))
    }

    /// Lets time pass and everyone do what is due, at its time.
    pub fn wait(&mut self, span: Duration) {
        let end = self.elapsed + span;
        while let Some(at) = self.server.poll_timeout().filter(|at| *at <= Instant::ZERO + end) {
            self.elapsed = self.elapsed.max(at - Instant::ZERO);
            self.server.handle_timeout(moment(self.elapsed));
            self.collect();
        }
        self.elapsed = end;
    }

    pub fn now(&self) -> Moment {
        moment(self.elapsed)
    }

    /// The next write to that connection.
    pub fn next(&mut self, id: usize) -> Option<Rc<[u8]>> {
        self.heard[id].pop_front()
    }

    /// Exactly these writes came, each a text.
    #[track_caller]
    pub fn hears(&mut self, id: usize, expected: &[&str]) {
        let text = |bytes: Rc<[u8]>| String::from_utf8_lossy(&bytes).into_owned();
        let heard: Vec<String> = self.heard[id].drain(..).map(text).collect();
        assert_eq!(heard, expected, "connection {id}");
    }

    /// Everything that came to that connection, in one piece.
    pub fn stream(&mut self, id: usize) -> Vec<u8> {
        self.heard[id].drain(..).flat_map(|bytes| bytes.to_vec()).collect()
    }

    pub fn session(&self, id: usize) -> &dyn ServerSession {
        self.server.session(client(id)).expect("a connection")
    }
}

fn client(id: usize) -> ClientId {
    ClientId(id as u32)
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
    /// Events that nobody has looked at.
    pub told: Vec<Event>,
}

impl Person {
    /// Comes in.
    pub fn come(hall: &mut Hall, kind: &'static dyn Dialect, nick: &str) -> Person {
        let mut person = Person { id: hall.open(kind), client: kind.client(), told: Vec::new() };
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

    /// Events it was told since this was asked last.
    pub fn is_told(&mut self, hall: &mut Hall) -> Vec<Event> {
        self.talk(hall);
        std::mem::take(&mut self.told)
    }
}

/// Events that a client makes of one read, so long after the start.
pub fn hears(client: &mut dyn ClientSession, at: Duration, bytes: &[u8]) -> Vec<Event> {
    let mut told = Vec::new();
    client.receive(moment(at), bytes, &mut told).expect("sound words");
    told
}

/// Texts that a client has to send, one for each write.
pub fn sent(client: &mut dyn ClientSession) -> Vec<String> {
    std::iter::from_fn(|| client.poll_send())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

/// A name of a person or a room.
pub fn name(text: &str) -> Name {
    text.into()
}
