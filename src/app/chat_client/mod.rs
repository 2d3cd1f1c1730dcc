//! A synthetic person on a connection: says what the [`Person`] means to say, and listens.
//!
//! * A message is announced when it is meant, and sent when the connection can take it: it waits in
//!   the person's outbox while the connection comes up or is full, and keeps its intended time. Where the
//!   dialect acknowledges, it waits there, too, while as many as it allows are not acknowledged.
//! * Who goes first sends what waits, then closes its side, and listens until the server has closed
//!   the other: everything that was said to it still arrives. It comes back with a new connection
//!   when that has happened, at the earliest when it means to.
//! * A connection that is lost, refused or closed by the server, or on which the dialect gives the server up,
//!   is opened anew after [`RETRY`], as long as the person is here or has something to send. What was
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
use crate::chat::protocol::{After, ClientSession, Dialect, Heard, Moment};
use crate::rng::Seed;
use crate::time::{Duration, Instant};

/// Wait between the loss of a connection and the next attempt.
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
    session: Box<dyn ClientSession>,
    /// Messages that it intends to send and has not sent.
    outbox: VecDeque<(MessageId, Intent)>,
    /// Line being written, and the number of its bytes that are written.
    line: Option<(Rc<[u8]>, usize)>,
    /// True if the head of the outbox is with the session and not written yet.
    speaks: bool,
    /// The room's name is still to be said to the server.
    must_enter: bool,
    /// Scratch space, kept for its memory.
    heard: Vec<Heard>,
}

/// State of the connection.
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

impl ChatClient {
    /// A person in `seat` who talks like this, drawing from the streams `<label>/…` of `seed`.
    pub fn new(dialect: &'static dyn Dialect, seed: Seed, label: &str, talk: Talk, seat: Seat) -> ChatClient {
        ChatClient {
            session: dialect.person(),
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
            speaks: false,
            must_enter: false,
            heard: Vec::new(),
        }
    }

    fn open(&mut self, io: &mut dyn Io) {
        self.session = self.dialect.person();
        self.link = Link::Opening(io.connect());
    }

    /// The connection is of no use any more.
    fn lost(&mut self, io: &mut dyn Io) {
        (self.line, self.speaks) = (None, false);
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
        let moment = Moment::of_world(io.now());
        while let Some((bytes, mut written)) = self.line.take().or_else(|| self.next_line(moment)) {
            written += io.write(conn, &bytes, written);
            if written < bytes.len() {
                self.line = Some((bytes, written));
                return;
            }
        }
        if !self.present && matches!(self.link, Link::In(_)) && self.session.unsettled() == 0 {
            io.close(conn);
            self.link = Link::Leaving(conn);
        }
    }

    /// Next line to write: all that the session has to send, then the next message if the server
    /// has let us in.
    fn next_line(&mut self, moment: Moment) -> Option<(Rc<[u8]>, usize)> {
        loop {
            if let Some(bytes) = self.session.poll_send() {
                return Some((bytes, 0));
            }
            if std::mem::take(&mut self.speaks) {
                self.outbox.pop_front();
            }
            let request = self.next_request()?;
            // A request too long for the dialect is not sent.
            let _ = self.session.ask(moment, &request);
        }
    }

    /// Next request of the person, if the server has let it in and the session takes more.
    fn next_request(&mut self) -> Option<Request> {
        let wants = self.must_enter || !self.outbox.is_empty();
        if !wants
            || !matches!(self.link, Link::In(_))
            || self.session.unsettled() >= self.session.manner().in_flight
        {
            return None;
        }
        if std::mem::take(&mut self.must_enter)
            && let Some(room) = &self.seat.room
        {
            return Some(Request::Enter { room: room.to_string(), create: true });
        }
        let &(MessageId(id), intent) = self.outbox.front()?;
        self.speaks = true;
        let text = marker::compose(id, intent.size);
        Some(self.seat.request(self.talk.to, intent, text.into()))
    }

    /// Reads what there is and notes what it says.
    fn hear(&mut self, conn: Conn, io: &mut dyn Io) {
        let moment = Moment::of_world(io.now());
        let mut result = Ok(());
        io.read(conn, &mut |bytes| {
            if result.is_ok() {
                result = self.session.listen(moment, bytes, &mut self.heard);
            }
        });
        let mut welcomed = false;
        for i in 0..self.heard.len() {
            match self.heard[i] {
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
        self.heard.clear();
        if result.is_err() {
            self.give_up(conn, io);
        } else if welcomed || self.line.is_none() {
            self.pump(io);
        }
    }

    /// The server does not speak the dialect, or acknowledges nothing.
    fn give_up(&mut self, conn: Conn, io: &mut dyn Io) {
        io.abort(conn);
        self.lost(io);
    }

    /// Lets the session do what is due: repeat what was not acknowledged, give a sign of life.
    fn on_session_timeout(&mut self, io: &mut dyn Io) {
        let due = self.session_timeout().filter(|&at| at <= io.now());
        if let (Some(_), Link::Joining(conn) | Link::In(conn)) = (due, self.link)
            && self.session.handle_timeout(Moment::of_world(io.now())) == After::Close
        {
            self.give_up(conn, io);
        }
    }

    /// Time at which the session wants to be woken, as long as anything can be written for it.
    fn session_timeout(&self) -> Option<Instant> {
        let is_open = matches!(self.link, Link::Joining(_) | Link::In(_));
        if is_open { self.session.poll_timeout() } else { None }
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
                // A nick that the dialect could not say would be refused.
                let _ = self.session.ask(Moment::of_world(io.now()), &join);
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
        self.on_session_timeout(io);
        self.come_back(io);
        self.pump(io);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let will = self.person.as_ref().map(Person::due).filter(|&due| due < self.horizon);
        let again = if let Link::Retry(at) = self.link { Some(at) } else { self.session_timeout() };
        Instant::earlier(will, again)
    }
}
