//! Requests and their answers over TCP: a client that asks at a pace of its own, and the server that
//! answers. Objects exist only as numbers, so that they cost no memory; only the head of a request is real.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::bulk::Direction;
use super::{App, Conn, Event, Io, RequestId};
use crate::facts::RequestOutcome;
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::traffic::{Arrivals, Process, SizeDistribution};
use crate::units::Rate;

/// Wait between the loss of a connection and the next attempt.
pub(super) const RETRY: Duration = Duration::from_secs(1);
/// Bytes of a head that mean something: its own length, that of the body, that of the answer.
pub const HEAD: u64 = 24;

/// Requests of a member.
#[derive(Clone, Debug, PartialEq)]
pub struct Web {
    /// Mean time from one request to the next.
    pub interval: Duration,
    /// Their distribution over time.
    pub arrivals: Arrivals,
    /// Size of the objects, of at most [`MOST`](Web::MOST) bytes.
    pub size: SizeDistribution,
    /// Direction in which the objects go.
    pub direction: Direction,
    /// True if all requests share a connection, one after the other; else each has its own.
    pub kept: bool,
    /// Bytes of the message that asks for an object, or confirms one that was sent.
    pub header: u64,
}

/// Least completion time of an object on the idle path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ideal {
    /// Round trips and what else does not depend on the size.
    pub fixed: Duration,
    /// Rate of the slowest link in the direction of the object, if any has one.
    pub rate: Option<Rate>,
    /// Payload of a full segment, and bytes of its headers.
    pub segment: (u64, u64),
}

impl Web {
    /// Most bytes of an object: a gigabyte.
    pub const MOST: u64 = 1 << 30;

    /// The application on the client's host, called `name`; it draws from the streams `arrivals` and `sizes`.
    pub fn client(&self, name: &str, ideal: Ideal, [arrivals, sizes]: [Rng; 2]) -> WebClient {
        WebClient {
            clock: Process::new(self.interval, self.arrivals, arrivals),
            web: self.clone(),
            name: name.into(),
            ideal,
            sizes,
            next: Instant::MAX,
            horizon: Instant::MAX,
            waiting: VecDeque::new(),
            exchanges: Vec::new(),
            retry: None,
        }
    }
}

impl Ideal {
    /// Least time for an object of so many bytes.
    pub(super) fn of(&self, bytes: u64) -> Duration {
        let (payload, headers) = self.segment;
        let wire = bytes + bytes.div_ceil(payload.max(1)) * headers;
        let transmission =
            |rate: Rate| Duration::from_secs_f64(wire as f64 * 8.0 / rate.bits_per_second() as f64);
        self.fixed + self.rate.map_or(Duration::ZERO, transmission)
    }
}

/// Asks for objects, or sends them.
#[derive(Debug)]
pub struct WebClient {
    web: Web,
    name: Arc<str>,
    ideal: Ideal,
    clock: Process,
    sizes: Rng,
    next: Instant,
    horizon: Instant,
    /// Requests without a connection, with their sizes.
    waiting: VecDeque<(RequestId, u64)>,
    exchanges: Vec<Exchange>,
    /// Time at which to connect again, after a connection was lost.
    retry: Option<Instant>,
}

/// A connection and what is asked on it.
#[derive(Debug)]
struct Exchange {
    conn: Conn,
    is_open: bool,
    asked: Option<Asked>,
}

/// A request under way.
#[derive(Debug)]
struct Asked {
    id: RequestId,
    bytes: u64,
    head: Rc<[u8]>,
    written: usize,
    body_left: u64,
    answer_left: u64,
}

/// Head of a request, with its own length and those of body and answer.
pub(super) fn head(own: u64, body: u64, answer: u64) -> Rc<[u8]> {
    let mut head = vec![0; own as usize];
    for (place, number) in head.chunks_exact_mut(8).zip([own, body, answer]) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    head.into()
}

impl Asked {
    fn new(web: &Web, (id, bytes): (RequestId, u64)) -> Asked {
        let (body, answer) = match web.direction {
            Direction::Up => (bytes, web.header),
            Direction::Down => (0, bytes),
        };
        let head = head(web.header.max(HEAD), body, answer);
        Asked { id, bytes, head, written: 0, body_left: body, answer_left: answer }
    }

    fn write(&mut self, conn: Conn, io: &mut dyn Io) {
        if self.written < self.head.len() {
            self.written += io.write(conn, &self.head, self.written);
        }
        if self.written == self.head.len() && self.body_left > 0 {
            self.body_left -= io.write_zeros(conn, self.body_left);
        }
    }
}

impl WebClient {
    fn intend(&mut self, io: &mut dyn Io) {
        let bytes = self.web.size.draw(&mut self.sizes).clamp(1, Web::MOST);
        let ideal = self.ideal.of(bytes);
        let (client, start) = (Arc::clone(&self.name), self.next);
        let id = io.request_intended(RequestOutcome { client, start, bytes, completion: None, ideal });
        self.waiting.push_back((id, bytes));
    }

    /// Gives what waits a connection.
    fn ask(&mut self, io: &mut dyn Io) {
        if self.retry.is_some_and(|at| at > io.now()) {
            return;
        }
        self.retry = None;
        while !self.waiting.is_empty() {
            if !self.web.kept || self.exchanges.is_empty() {
                self.exchanges.push(Exchange { conn: io.connect(), is_open: false, asked: None });
            }
            let Some(exchange) = self.exchanges.last_mut().filter(|last| last.asked.is_none()) else {
                return;
            };
            let Some(request) = self.waiting.pop_front() else { return };
            let asked = exchange.asked.insert(Asked::new(&self.web, request));
            if exchange.is_open {
                asked.write(exchange.conn, io);
            }
        }
    }

    /// Reads what there is of an answer.
    fn hear(&mut self, place: usize, io: &mut dyn Io) {
        let exchange = &mut self.exchanges[place];
        let got = io.discard(exchange.conn);
        let Some(asked) = &mut exchange.asked else { return };
        asked.answer_left = asked.answer_left.saturating_sub(got);
        if asked.answer_left == 0 {
            io.request_completed(asked.id);
            exchange.asked = None;
            if self.web.kept {
                self.ask(io);
            } else {
                io.close(exchange.conn);
            }
        }
    }

    /// A connection is gone; what was asked on it is asked again.
    fn lost(&mut self, place: usize, io: &mut dyn Io) {
        let exchange = self.exchanges.swap_remove(place);
        if let Some(asked) = exchange.asked {
            self.waiting.push_front((asked.id, asked.bytes));
            self.retry = Some(io.now().saturating_add(RETRY));
        }
    }
}

impl App for WebClient {
    fn start(&mut self, io: &mut dyn Io) {
        self.horizon = io.horizon();
        self.next = io.now().saturating_add(self.clock.first());
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        let Some(place) = self.exchanges.iter().position(|exchange| exchange.conn == conn) else { return };
        match event {
            Event::Connected | Event::Writable => {
                let exchange = &mut self.exchanges[place];
                exchange.is_open = true;
                if let Some(asked) = &mut exchange.asked {
                    asked.write(conn, io);
                }
            }
            Event::Readable => self.hear(place, io),
            Event::PeerClosed => {
                self.hear(place, io);
                // Its server closes first only where it gives up.
                if self.exchanges[place].asked.is_some() {
                    io.abort(conn);
                }
            }
            Event::Closed => self.lost(place, io),
        }
    }

    fn on_timeout(&mut self, io: &mut dyn Io) {
        while self.next <= io.now() && self.next < self.horizon {
            self.intend(io);
            self.next = self.next.saturating_add(self.clock.pause());
        }
        self.ask(io);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [Some(self.next).filter(|next| *next < self.horizon), self.retry].into_iter().flatten().min()
    }
}

/// Answers requests, of whatever client.
#[derive(Debug, Default)]
pub struct WebServer {
    seats: Vec<Seat>,
}

/// A connection as its server sees it.
#[derive(Debug)]
struct Seat {
    conn: Conn,
    /// The part of the head that has come.
    head: Vec<u8>,
    /// Bytes of the request that are still to come, behind that part.
    rest: u64,
    /// Answer to it.
    answer: u64,
    /// Bytes of answers still to be written.
    owed: u64,
}

impl Seat {
    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.head.len() < HEAD as usize {
                let taken = bytes.len().min(HEAD as usize - self.head.len());
                self.head.extend_from_slice(&bytes[..taken]);
                bytes = &bytes[taken..];
                if self.head.len() < HEAD as usize {
                    return;
                }
                let mut numbers = self.head.chunks_exact(8).map(|chunk| {
                    chunk.iter().rev().fold(0, |number: u64, &byte| number << 8 | u64::from(byte))
                });
                let mut number = || numbers.next().unwrap_or(0);
                let (head, body) = (number(), number());
                (self.rest, self.answer) = (head.saturating_sub(HEAD).saturating_add(body), number());
            }
            let taken = (bytes.len() as u64).min(self.rest);
            self.rest -= taken;
            bytes = &bytes[taken as usize..];
            if self.rest == 0 {
                self.owed = self.owed.saturating_add(self.answer);
                self.head.clear();
            }
        }
    }
}

impl App for WebServer {
    fn start(&mut self, _: &mut dyn Io) {}

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        let place = self.seats.iter().position(|seat| seat.conn == conn).unwrap_or_else(|| {
            self.seats.push(Seat { conn, head: Vec::new(), rest: 0, answer: 0, owed: 0 });
            self.seats.len() - 1
        });
        let seat = &mut self.seats[place];
        if event == Event::Closed {
            self.seats.swap_remove(place);
            return;
        }
        if matches!(event, Event::Readable | Event::PeerClosed) {
            io.read(conn, &mut |bytes| seat.take(bytes));
        }
        if seat.owed > 0 {
            seat.owed -= io.write_zeros(conn, seat.owed);
        }
        if event == Event::PeerClosed {
            io.close(conn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::World;
    use crate::rng::Seed;

    const HORIZON: Instant = Instant::from_nanos(1_000_000_000);

    /// Ten objects of 5000 bytes in a second.
    fn world(direction: Direction, kept: bool) -> World<WebServer> {
        let web = Web {
            interval: Duration::from_millis(100),
            arrivals: Arrivals::Periodic,
            size: SizeDistribution::Constant(5000),
            direction,
            kept,
            header: 400,
        };
        let ideal = Ideal { fixed: Duration::ZERO, rate: None, segment: (1448, 52) };
        let mut world = World::new(1, WebServer::default(), HORIZON);
        world.add(web.client("web-1", ideal, ["arrivals", "sizes"].map(|name| Seed(1).stream(name))));
        world.run();
        world
    }

    #[test]
    fn every_request_is_answered_whole_over_one_connection_or_many() {
        for (direction, moved) in [(Direction::Down, (4000, 50_000)), (Direction::Up, (54_000, 4000))] {
            for kept in [false, true] {
                let world = world(direction, kept);
                assert_eq!(world.net.requests.len(), 10, "{direction:?}");
                assert!(world.net.requests.iter().all(|request| request.completion.is_some()));
                assert_eq!((world.net.moved, world.net.conns.len()), (moved, if kept { 1 } else { 10 }));
                assert_eq!(world.net.all_closed(), !kept);
            }
        }
    }

    #[test]
    fn a_head_is_read_wherever_it_is_cut() {
        let web = Web {
            interval: Duration::from_secs(1),
            arrivals: Arrivals::Poisson,
            size: SizeDistribution::Constant(1),
            direction: Direction::Up,
            kept: true,
            header: 100,
        };
        let asked = Asked::new(&web, (RequestId(0), 33));
        let mut bytes = asked.head.to_vec();
        bytes.extend([0; 33]);
        let bytes = [&bytes[..], &bytes].concat();
        for cut in 0..bytes.len() {
            let mut seat = Seat { conn: Conn(0), head: Vec::new(), rest: 0, answer: 0, owed: 0 };
            seat.take(&bytes[..cut]);
            assert_eq!(seat.owed, if cut < 133 { 0 } else { 100 }, "cut at {cut}");
            seat.take(&bytes[cut..]);
            assert_eq!((seat.owed, seat.rest), (200, 0), "cut at {cut}");
        }
    }
}
