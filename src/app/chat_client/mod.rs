//! A synthetic person on a connection: says what the [`Person`] means to say, and listens.
//!
//! * A message is announced when it is meant, and sent when the connection can take it: it waits in
//!   the person's outbox while the connection comes up or is full, and keeps its intended time.
//! * Who goes first sends what waits, then closes its side, and listens until the server has closed
//!   the other: everything that was said to it still arrives. It comes back with a new connection
//!   when that has happened, at the earliest when it means to.
//! * A connection that is lost, refused or closed by the server is opened anew after
//!   [`RETRY`], as long as the person is here or has something to send. What was
//!   accepted by the old connection and did not arrive is lost, as with any chat; what it had only
//!   taken in part is sent again.
//! * From the horizon on, nothing is meant and nobody comes or goes.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::rc::Rc;

use super::{App, Conn, Event, Io, MessageId};
use crate::chat::client::{Act, Intent, Person, Seat, Talk};
use crate::chat::marker;
use crate::chat::message::Request;
use crate::chat::protocol::{Dialect, Heard, Listener};
use crate::rng::Seed;
use crate::time::{Duration, Instant};

/// How long after the loss of a connection the next is tried.
pub const RETRY: Duration = Duration::from_secs(1);

/// A synthetic person and its connection.
#[derive(Debug)]
pub struct ChatClient {
    dialect: &'static dyn Dialect,
    seed: Seed,
    label: String,
    talk: Talk,
    seat: Seat,
    /// Its will; begins with [`App::start`].
    person: Option<Person>,
    /// By its own clock; the connection follows.
    present: bool,
    horizon: Instant,
    link: Link,
    listener: Box<dyn Listener>,
    /// What it means to say and has not said.
    outbox: VecDeque<(MessageId, Intent)>,
    /// What is being written.
    line: Option<Line>,
    /// The room's name is still to be said to the server.
    must_enter: bool,
    /// Scratch space, kept for its memory.
    bytes: Vec<u8>,
    heard: Vec<Heard>,
}

/// How far the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// There is none, and none is wanted.
    Away,
    /// There is none until this instant.
    Retry(Instant),
    /// It is opening.
    Opening(Conn),
    /// It is open, the server has not let us in yet.
    Joining(Conn),
    /// We are in.
    In(Conn),
    /// We have closed our side and listen to the rest.
    Leaving(Conn),
}

/// A request on its way into the connection.
#[derive(Debug)]
struct Line {
    bytes: Rc<[u8]>,
    written: usize,
    /// Whether it is the head of the outbox.
    speaks: bool,
}

impl ChatClient {
    /// A person in `seat` who talks like this, drawing from the streams `<label>/…` of `seed`.
    pub fn new(dialect: &'static dyn Dialect, seed: Seed, label: &str, talk: Talk, seat: Seat) -> ChatClient {
        ChatClient {
            listener: dialect.listener(seat.nick()),
            dialect,
            seed,
            label: label.to_owned(),
            talk,
            seat,
            person: None,
            present: true,
            horizon: Instant::MAX,
            link: Link::Away,
            outbox: VecDeque::new(),
            line: None,
            must_enter: false,
            bytes: Vec::new(),
            heard: Vec::new(),
        }
    }

    fn open(&mut self, io: &mut dyn Io) {
        self.listener = self.dialect.listener(self.seat.nick());
        self.link = Link::Opening(io.connect());
    }

    /// The connection is of no use any more.
    fn lost(&mut self, io: &mut dyn Io) {
        self.line = None;
        let was_leaving = matches!(self.link, Link::Leaving(_));
        self.link = if was_leaving { Link::Away } else { Link::Retry(io.now().saturating_add(RETRY)) };
        self.come_back(io);
    }

    /// Opens a connection if one is wanted and none is there.
    fn come_back(&mut self, io: &mut dyn Io) {
        let wanted = !self.outbox.is_empty() || (self.present && io.now() < io.horizon());
        match self.link {
            Link::Away | Link::Retry(_) if !wanted => self.link = Link::Away,
            Link::Away => self.open(io),
            Link::Retry(at) if at <= io.now() => self.open(io),
            _ => {}
        }
    }

    /// Writes until nothing is left to write or the connection is full, then goes if it means to.
    fn pump(&mut self, io: &mut dyn Io) {
        let (Link::Joining(conn) | Link::In(conn)) = self.link else { return };
        while let Some(mut line) = self.line.take().or_else(|| self.next_line()) {
            line.written += io.write(conn, &line.bytes, line.written);
            if line.written < line.bytes.len() {
                self.line = Some(line);
                return;
            }
            if line.speaks {
                self.outbox.pop_front();
            }
        }
        if !self.present && matches!(self.link, Link::In(_)) {
            io.close(conn);
            self.link = Link::Leaving(conn);
        }
    }

    /// What is to be said next, if the server has let us in.
    fn next_line(&mut self) -> Option<Line> {
        if !matches!(self.link, Link::In(_)) {
            return None;
        }
        if std::mem::take(&mut self.must_enter)
            && let Some(room) = &self.seat.room
        {
            let request = Request::Enter { room: room.to_string(), create: true };
            return Some(self.encode(&request, false));
        }
        let &(MessageId(id), intent) = self.outbox.front()?;
        let text = marker::compose(id, intent.size);
        let request = self.seat.request(self.talk.to, intent, text.into());
        Some(self.encode(&request, true))
    }

    fn encode(&mut self, request: &Request, speaks: bool) -> Line {
        self.bytes.clear();
        self.dialect.encode_request(request, &mut self.bytes);
        Line { bytes: self.bytes.as_slice().into(), written: 0, speaks }
    }

    /// Reads what there is and notes what it says.
    fn hear(&mut self, conn: Conn, io: &mut dyn Io) {
        io.read(conn, &mut |bytes| self.listener.listen(bytes, &mut self.heard));
        let mut welcomed = false;
        for heard in self.heard.drain(..) {
            match heard {
                Heard::Message(id) => io.message_delivered(MessageId(id)),
                Heard::Welcome => {
                    if self.link == Link::Joining(conn) {
                        self.link = Link::In(conn);
                        self.must_enter = true;
                        welcomed = true;
                    }
                }
                // If it is for good, the server closes the connection.
                Heard::Refused => {}
            }
        }
        if welcomed {
            self.pump(io);
        }
    }

    fn act(&mut self, act: Act, intended: Instant, io: &mut dyn Io) {
        match act {
            Act::Speak(intent) => {
                let id = io.message_intended(intended, self.seat.audience);
                self.outbox.push_back((id, intent));
            }
            Act::Leave => self.present = false,
            Act::Return => self.present = true,
        }
    }
}

impl App for ChatClient {
    fn start(&mut self, io: &mut dyn Io) {
        self.horizon = io.horizon();
        self.person = Some(Person::new(self.seed, &self.label, self.talk.clone(), io.now()));
        self.come_back(io);
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        let (Link::Opening(ours) | Link::Joining(ours) | Link::In(ours) | Link::Leaving(ours)) = self.link
        else {
            return;
        };
        // The end of an earlier connection is no news.
        if ours != conn {
            return;
        }
        match event {
            Event::Connected => {
                self.link = Link::Joining(conn);
                let join = Request::Join { nick: self.seat.nick().to_string() };
                self.line = Some(self.encode(&join, false));
                self.pump(io);
            }
            Event::Readable => self.hear(conn, io),
            Event::Writable => self.pump(io),
            Event::PeerClosed => {
                self.hear(conn, io);
                if !matches!(self.link, Link::Leaving(_)) {
                    io.close(conn);
                }
                self.lost(io);
            }
            Event::Closed => self.lost(io),
        }
    }

    fn on_timeout(&mut self, io: &mut dyn Io) {
        while let Some(person) = &mut self.person
            && person.due() <= io.now()
            && person.due() < io.horizon()
        {
            let due = person.due();
            if let Some(act) = person.act() {
                self.act(act, due, io);
            }
        }
        self.come_back(io);
        self.pump(io);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let will = self.person.as_ref().map(Person::due).filter(|&due| due < self.horizon);
        let retry = if let Link::Retry(at) = self.link { Some(at) } else { None };
        [will, retry].into_iter().flatten().min()
    }
}
