//! Synchronised reads: a client asks many servers for a part of a block at once, and for the next block when it has all
//! parts. The answers meet in the queue before the client (Phanishayee and others, FAST 2008).

use std::rc::Rc;
use std::sync::Arc;

use super::web::{HEAD, Ideal, RETRY, head};
use super::{App, Conn, Event, Io, RequestId};
use crate::facts::RequestOutcome;
use crate::rng::Rng;
use crate::time::{Duration, Instant};

/// Reads of a member.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Incast {
    /// Number of servers, each with a connection of its own that is kept.
    pub servers: u32,
    /// Bytes of a block, of which each server has an equal part.
    pub block: u64,
    /// Number of blocks; without one, until the end of the trial.
    pub rounds: Option<u64>,
    /// Each server is asked later by a random part of this.
    pub jitter: Duration,
}

impl Incast {
    /// The application on the client's host, called `name`; `luck` is drawn from for `jitter`.
    pub fn client(&self, name: &str, ideal: Ideal, luck: Rng) -> IncastClient {
        IncastClient {
            incast: *self,
            name: name.into(),
            ideal,
            luck,
            head: head(HEAD, 0, self.block.div_ceil(u64::from(self.servers))),
            seats: Vec::new(),
            round: None,
            begun: 0,
        }
    }
}

/// Asks all servers, round after round.
#[derive(Debug)]
pub struct IncastClient {
    incast: Incast,
    name: Arc<str>,
    ideal: Ideal,
    luck: Rng,
    head: Rc<[u8]>,
    seats: Vec<Seat>,
    /// The present round.
    round: Option<RequestId>,
    /// Rounds so far.
    begun: u64,
}

/// A server, as its client sees it.
#[derive(Debug)]
struct Seat {
    /// `None` until it is connected again.
    conn: Option<Conn>,
    is_open: bool,
    /// Time to ask, or to connect again.
    due: Option<Instant>,
    /// Bytes of the head that are written.
    written: usize,
    /// Bytes of the answer still to come.
    left: u64,
}

impl Seat {
    fn connected(conn: Conn) -> Seat {
        Seat { conn: Some(conn), is_open: false, due: None, written: 0, left: 0 }
    }

    /// Asks, if it is time and there is room.
    fn ask(&mut self, head: &Rc<[u8]>, io: &mut dyn Io) {
        if let Some(conn) = self.conn
            && self.is_open
            && self.left > 0
            && self.due.is_none()
            && self.written < head.len()
        {
            self.written += io.write(conn, head, self.written);
        }
    }
}

impl IncastClient {
    /// Begins a round once all servers are there and nothing is to come.
    fn go_on(&mut self, io: &mut dyn Io) {
        if self.seats.iter().any(|seat| !seat.is_open || seat.left > 0) {
            return;
        }
        if let Some(round) = self.round.take() {
            io.request_completed(round);
        }
        let now = io.now();
        if now >= io.horizon() || self.incast.rounds.is_some_and(|rounds| self.begun >= rounds) {
            self.seats.iter().filter_map(|seat| seat.conn).for_each(|conn| io.close(conn));
            return;
        }
        self.begun += 1;
        let (client, bytes) = (Arc::clone(&self.name), self.incast.block);
        let ideal = self.ideal.of(bytes);
        self.round =
            Some(io.request_intended(RequestOutcome { client, start: now, bytes, completion: None, ideal }));
        let each = bytes.div_ceil(u64::from(self.incast.servers));
        for seat in &mut self.seats {
            (seat.left, seat.written) = (each, 0);
            if !self.incast.jitter.is_zero() {
                let wait = Duration::from_nanos(self.luck.below(self.incast.jitter.as_nanos()));
                seat.due = Some(now.saturating_add(wait)).filter(|due| *due > now);
            }
            seat.ask(&self.head, io);
        }
    }
}

impl App for IncastClient {
    fn start(&mut self, io: &mut dyn Io) {
        self.seats = (0..self.incast.servers).map(|_| Seat::connected(io.connect())).collect();
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        let Some(seat) = self.seats.iter_mut().find(|seat| seat.conn == Some(conn)) else { return };
        match event {
            Event::Connected | Event::Writable => {
                let was_open = std::mem::replace(&mut seat.is_open, true);
                seat.ask(&self.head, io);
                if !was_open {
                    self.go_on(io);
                }
            }
            Event::Readable => {
                let got = io.discard(conn);
                if seat.left > 0 && got > 0 {
                    seat.left = seat.left.saturating_sub(got);
                    if seat.left == 0 {
                        self.go_on(io);
                    }
                }
            }
            // Servers close behind their client, or give up.
            Event::PeerClosed if seat.left > 0 => io.abort(conn),
            Event::PeerClosed => {
                io.discard(conn);
            }
            Event::Closed if self.round.is_some() => {
                // Its part of this round is asked for again.
                let left =
                    if seat.left > 0 { self.incast.block.div_ceil(self.incast.servers.into()) } else { 0 };
                let due = Some(io.now().saturating_add(RETRY));
                *seat = Seat { conn: None, is_open: false, due, written: 0, left };
            }
            Event::Closed => {}
        }
    }

    fn on_timeout(&mut self, io: &mut dyn Io) {
        let now = io.now();
        for seat in self.seats.iter_mut().filter(|seat| seat.due.is_some_and(|due| due <= now)) {
            seat.due = None;
            match seat.conn {
                Some(_) => seat.ask(&self.head, io),
                None => seat.conn = Some(io.connect()),
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.seats.iter().filter_map(|seat| seat.due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::World;
    use crate::app::web::WebServer;
    use crate::rng::Seed;

    #[test]
    fn each_round_takes_a_part_from_every_server_and_the_next_waits_for_all() {
        for jitter in [Duration::ZERO, Duration::from_millis(3)] {
            let incast = Incast { servers: 5, block: 10_000, rounds: Some(7), jitter };
            let ideal = Ideal { fixed: Duration::ZERO, rate: None, segment: (1448, 52) };
            let mut world = World::new(1, WebServer::default(), Instant::from_nanos(1_000_000_000));
            world.add(incast.client("reader-1", ideal, Seed(1).stream("jitter")));
            world.run();
            let requests = &world.net.requests;
            assert_eq!((requests.len(), world.net.conns.len()), (7, 5));
            // A round begins when the one before is complete.
            for pair in requests.windows(2) {
                assert_eq!(pair[1].start - pair[0].start, pair[0].completion.expect("complete"));
            }
            assert_eq!(world.net.moved, (7 * 5 * HEAD, 70_000));
            assert!(world.net.all_closed());
        }
    }
}
