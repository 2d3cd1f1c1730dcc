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
    /// The servers' parts of a block, in bytes, which differ by one at most.
    fn parts(&self) -> impl Iterator<Item = u64> + use<> {
        let servers = u64::from(self.servers);
        let (each, longer) = (self.block / servers, self.block % servers);
        (0..servers).map(move |server| each + u64::from(server < longer))
    }

    /// The application on the client's host, called `name`; `luck` is drawn from for `jitter`.
    pub fn client(&self, name: &str, ideal: Ideal, luck: Rng) -> IncastClient {
        IncastClient {
            incast: *self,
            name: name.into(),
            ideal,
            luck,
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
    seats: Vec<Seat>,
    /// The present round.
    round: Option<RequestId>,
    /// Rounds so far.
    begun: u64,
}

/// A server, as its client sees it.
#[derive(Debug)]
struct Seat {
    /// Its part of each block, in bytes, and the request for that.
    part: u64,
    head: Rc<[u8]>,
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
    fn connected(conn: Conn, part: u64) -> Seat {
        let head = head(HEAD, 0, part);
        Seat { part, head, conn: Some(conn), is_open: false, due: None, written: 0, left: 0 }
    }

    /// Asks, if it is time and there is room.
    fn ask(&mut self, io: &mut dyn Io) {
        if let Some(conn) = self.conn
            && self.is_open
            && self.left > 0
            && self.due.is_none()
            && self.written < self.head.len()
        {
            self.written += io.write(conn, &self.head, self.written);
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
        for seat in &mut self.seats {
            (seat.left, seat.written) = (seat.part, 0);
            if !self.incast.jitter.is_zero() {
                let wait = Duration::from_nanos(self.luck.below(self.incast.jitter.as_nanos()));
                seat.due = Some(now.saturating_add(wait)).filter(|due| *due > now);
            }
            seat.ask(io);
        }
    }
}

impl App for IncastClient {
    fn start(&mut self, io: &mut dyn Io) {
        self.seats = self.incast.parts().map(|part| Seat::connected(io.connect(), part)).collect();
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        let Some(seat) = self.seats.iter_mut().find(|seat| seat.conn == Some(conn)) else { return };
        match event {
            Event::Connected | Event::Writable => {
                let was_open = std::mem::replace(&mut seat.is_open, true);
                seat.ask(io);
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
            Event::Closed if self.round.is_some() || self.begun == 0 => {
                // Its part of this round is asked for again.
                seat.left = if seat.left > 0 { seat.part } else { 0 };
                (seat.conn, seat.is_open, seat.written) = (None, false, 0);
                seat.due = Some(io.now().saturating_add(RETRY));
            }
            Event::Closed => {}
        }
    }

    fn on_timeout(&mut self, io: &mut dyn Io) {
        let now = io.now();
        for seat in self.seats.iter_mut().filter(|seat| seat.due.is_some_and(|due| due <= now)) {
            seat.due = None;
            match seat.conn {
                Some(_) => seat.ask(io),
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
    fn parts_are_the_block() {
        for (servers, block) in [(5, 10_000), (7, 10_000), (20, 10), (1, 1)] {
            let incast = Incast { servers, block, rounds: None, jitter: Duration::ZERO };
            let parts: Vec<u64> = incast.parts().collect();
            assert_eq!((parts.len(), parts.iter().sum::<u64>()), (servers as usize, block));
        }
    }

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
