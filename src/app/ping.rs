//! Echo requests, as ping(8) sends them, and the host that answers them.

use super::{App, Conn, Event, Io};
use crate::facts::Datagram;
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::traffic::{Arrivals, Process};

/// Echo requests of a member.
#[derive(Clone, Debug, PartialEq)]
pub struct Ping {
    /// Mean time from one to the next.
    pub interval: Duration,
    /// Their distribution over time.
    pub arrivals: Arrivals,
    /// Bytes of data in each.
    pub payload: u32,
    /// Number of them; without one, until the end of the trial.
    pub count: Option<u64>,
}

/// Sends echo requests.
#[derive(Debug)]
pub struct Pinger {
    payload: u32,
    left: u64,
    clock: Process,
    conn: Option<Conn>,
    next: Instant,
    horizon: Instant,
}

/// Answers echo requests.
#[derive(Debug)]
pub struct Echo;

impl Ping {
    /// The application on the client's host, which draws from the stream `arrivals`.
    pub fn client(&self, arrivals: Rng) -> Pinger {
        Pinger {
            payload: self.payload,
            left: self.count.unwrap_or(u64::MAX),
            clock: Process::new(self.interval, self.arrivals, arrivals),
            conn: None,
            next: Instant::MAX,
            horizon: Instant::MAX,
        }
    }
}

impl App for Pinger {
    fn start(&mut self, io: &mut dyn Io) {
        self.conn = Some(io.open_datagrams(None));
        self.horizon = io.horizon();
        self.next = io.now().saturating_add(self.clock.first());
    }

    fn on_event(&mut self, _: Conn, _: Event, _: &mut dyn Io) {}

    fn on_timeout(&mut self, io: &mut dyn Io) {
        let Some(conn) = self.conn else { return };
        while self.poll_timeout().is_some_and(|at| at <= io.now()) {
            io.send_datagram(conn, self.payload);
            self.left -= 1;
            self.next = self.next.saturating_add(self.clock.pause());
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (self.left > 0 && self.next < self.horizon).then_some(self.next)
    }
}

impl App for Echo {
    fn start(&mut self, _: &mut dyn Io) {}

    fn on_event(&mut self, _: Conn, _: Event, _: &mut dyn Io) {}

    fn on_datagram(&mut self, conn: Conn, datagram: Datagram, io: &mut dyn Io) {
        io.answer_datagram(conn, datagram);
    }
}
