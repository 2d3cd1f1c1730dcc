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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::chat_server::ChatServer;
    use crate::app::testing::{World, ms};
    use crate::chat::client::{Addressee, Arrivals, Churn, SizeDistribution};
    use crate::chat::protocol::JsonLines;

    fn talk() -> Talk {
        Talk {
            interval: Duration::from_millis(100),
            arrivals: Arrivals::Poisson,
            size: SizeDistribution::Uniform { low: 9, high: 300 },
            to: Addressee::Everyone,
            rooms: 1,
            churn: None,
        }
    }

    /// People who talk like this until `horizon`, all at one server.
    fn world(seed: u64, people: u32, talk: &Talk, horizon: Instant) -> World<ChatServer> {
        let mut world = World::new(seed, ChatServer::new(&JsonLines), horizon);
        for (n, seat) in Seat::all(&[("p", people, talk)], 20).into_iter().enumerate() {
            let label = format!("client/p-{n}");
            world.add(ChatClient::new(&JsonLines, Seed(seed), &label, talk.clone(), seat));
        }
        world
    }

    /// Who said message `id` is not told, so it is who did not hear it.
    fn hearers(world: &World<ChatServer>) -> Vec<Vec<usize>> {
        let mut hearers = vec![Vec::new(); world.net.messages.len()];
        for &(who, MessageId(id)) in &world.net.delivered {
            hearers[id as usize].push(who);
        }
        hearers
    }

    #[test]
    fn everyone_hears_everything_once_and_in_order() {
        for seed in 0..10 {
            let mut world = world(seed, 5, &talk(), ms(2000));
            (world.net.piece, world.net.capacity) = if seed % 2 == 0 { (7, 50) } else { (2000, 5000) };
            world.run();
            assert!(world.net.messages.len() > 50);
            let mut order = vec![Vec::new(); 5];
            for (id, mut who) in hearers(&world).into_iter().enumerate() {
                who.sort_unstable();
                who.dedup();
                assert_eq!(who.len(), 4, "message {id}");
                assert_eq!(world.net.messages[id].2, 4);
                let author = (0..5).find(|n| !who.contains(n)).expect("one did not hear it");
                order[author].push(id as u32);
            }
            assert_eq!(world.net.delivered.len(), 4 * world.net.messages.len());
            for hearer in 0..5 {
                for said in &order {
                    let heard = world.net.delivered.iter().filter(|d| d.0 == hearer).map(|d| d.1.0);
                    let heard: Vec<_> = heard.filter(|id| said.contains(id)).collect();
                    assert!(heard.is_sorted());
                }
            }
        }
    }

    #[test]
    fn a_message_is_announced_when_it_is_meant() {
        let mut world = world(1, 3, &talk(), ms(1000));
        world.run();
        assert!(world.net.messages.iter().all(|(intended, announced, _)| intended == announced));
    }

    #[test]
    fn a_slow_network_delays_no_intention() {
        let intended = |capacity: usize, seed| {
            let mut world = world(seed, 3, &talk(), ms(1000));
            world.net.capacity = capacity;
            if capacity == 0 {
                // Nothing can be written before the first second is over.
                world.start();
                world.run_until(ms(1000));
                assert_eq!(world.net.delivered, []);
                world.net.capacity = 100;
            }
            world.run();
            let mut all: Vec<_> = world.net.messages.iter().map(|message| message.0).collect();
            all.sort_unstable();
            assert_eq!(world.net.delivered.len(), 2 * all.len());
            all
        };
        assert_eq!(intended(0, 1), intended(5000, 1));
    }

    #[test]
    fn only_the_room_hears_what_is_said_in_it() {
        let mut world = world(1, 7, &Talk { to: Addressee::Room, rooms: 3, ..talk() }, ms(2000));
        world.run();
        for (id, who) in hearers(&world).into_iter().enumerate() {
            let room = who.first().map_or(1, |n| n % 3);
            assert!(who.iter().all(|n| n % 3 == room), "{who:?}");
            // Room 0 has the people 0, 3 and 6, the others have two.
            let audience = if room == 0 { 2 } else { 1 };
            assert_eq!((who.len(), world.net.messages[id].2), (audience, audience as u32));
        }
    }

    #[test]
    fn one_person_hears_what_is_said_to_one() {
        let mut world = world(1, 4, &Talk { to: Addressee::One, ..talk() }, ms(2000));
        world.run();
        assert!(hearers(&world).iter().all(|who| who.len() == 1));
        assert!(world.net.messages.iter().all(|message| message.2 == 1));
    }

    #[test]
    fn whoever_is_told_something_while_they_are_alone_is_nobody() {
        let mut world = world(1, 1, &talk(), ms(1000));
        world.run();
        assert!(!world.net.messages.is_empty());
        assert!(world.net.messages.iter().all(|message| message.2 == 0));
        assert_eq!(world.net.delivered, []);
    }

    #[test]
    fn who_comes_and_goes_still_hears_all_that_was_meant_for_it() {
        let churn = Some(Churn { stay: Duration::from_millis(500), away: Duration::from_millis(200) });
        for seed in 0..5 {
            let mut world = world(seed, 6, &Talk { churn, ..talk() }, ms(5000));
            world.net.capacity = 300;
            world.run();
            assert!(world.net.conns.len() > 20, "{} connections", world.net.conns.len());
            let said: u32 = world.net.messages.iter().map(|message| message.2).sum();
            assert_eq!(world.net.delivered.len(), said as usize);
            assert!(world.net.messages.iter().any(|message| message.2 < 5));
        }
    }

    #[test]
    fn nobody_comes_or_goes_after_the_horizon() {
        let churn = Some(Churn { stay: Duration::from_millis(500), away: Duration::from_millis(200) });
        let mut world = world(1, 6, &Talk { churn, ..talk() }, ms(1000));
        world.run();
        // Nothing is left to wake up for: the server waits for nobody, the clients mean nothing.
        assert!(world.net.now < ms(1000));
        assert!(world.clients.iter().all(|client| client.poll_timeout().is_none()));
    }

    #[test]
    fn a_lost_connection_is_replaced_and_what_waited_is_sent() {
        let mut world = world(1, 3, &talk(), ms(5000));
        world.start();
        world.run_until(ms(1000));
        world.net.cut(Conn(0));
        world.run_until(ms(1990));
        assert_eq!((world.net.conns.len(), world.server.people()), (3, 2));
        world.run();
        assert_eq!((world.net.conns.len(), world.server.people()), (4, 3));
        // What was meant in the second without a connection reached the others all the same.
        let said: u32 = world.net.messages.iter().map(|message| message.2).sum();
        assert_eq!(world.net.delivered.len(), said as usize);
    }

    #[test]
    fn a_taken_nick_is_tried_again() {
        let mut world = world(1, 2, &talk(), ms(3000));
        let mut seat = Seat::all(&[("p", 2, &talk())], 20);
        world.clients[1] =
            Box::new(ChatClient::new(&JsonLines, Seed(1), "client/p-1", talk(), seat.swap_remove(0)));
        world.start();
        world.run_until(ms(5000));
        assert_eq!(world.server.people(), 1);
        assert_eq!(world.server.counts().rejected, 5);
    }

    #[test]
    fn the_same_seed_gives_the_same_conversation() {
        let run = || {
            let mut world = world(3, 4, &talk(), ms(1000));
            world.run();
            (world.net.messages, world.net.delivered)
        };
        assert_eq!(run(), run());
    }
}
