//! Bulk transfers: as many bytes as the connection takes. They exist only as a number, so that a
//! transfer costs no memory.
//!
//! The client opens the connection, whichever way the data flows. A sender of a given size closes
//! its side after it, the receiver answers by closing its own.

use super::{App, Conn, Event, Io};
use crate::units::Bytes;

/// A bulk transfer on a connection of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Direction in which the data flows.
    pub direction: Direction,
    /// Size of the transfer; without one, it lasts as long as the trial.
    pub size: Option<Bytes>,
}

/// Direction in which the data of a transfer flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

impl Bulk {
    /// The application on the client's host.
    pub fn client(self) -> Box<dyn App> {
        self.half(Direction::Up, true)
    }

    /// The application on the server's host; each connection has its own.
    pub fn server(self) -> Box<dyn App> {
        self.half(Direction::Down, false)
    }

    fn half(self, sends: Direction, connects: bool) -> Box<dyn App> {
        if self.direction == sends {
            Box::new(BulkSender::new(self.size, connects))
        } else {
            Box::new(BulkReceiver::new(connects))
        }
    }
}

/// Keeps the connection's send buffer full until its data or the time is over.
#[derive(Debug)]
pub struct BulkSender {
    connects: bool,
    /// Bytes still to be written; `None` never ends.
    left: Option<u64>,
    closed: bool,
}

/// Takes whatever comes and closes after the sender.
#[derive(Debug)]
pub struct BulkReceiver {
    connects: bool,
    received: u64,
}

impl BulkSender {
    /// A sender of `size`, or without an end; `connects` on the client's side.
    pub fn new(size: Option<Bytes>, connects: bool) -> BulkSender {
        BulkSender { connects, left: size.map(|Bytes(n)| n), closed: false }
    }

    fn send(&mut self, conn: Conn, io: &mut dyn Io) {
        if self.closed || io.now() >= io.horizon() {
            return;
        }
        let written = io.write_zeros(conn, self.left.unwrap_or(u64::MAX));
        if let Some(left) = &mut self.left {
            *left -= written;
            if *left == 0 {
                self.close(conn, io);
            }
        }
    }

    fn close(&mut self, conn: Conn, io: &mut dyn Io) {
        if !std::mem::replace(&mut self.closed, true) {
            io.close(conn);
        }
    }
}

impl BulkReceiver {
    /// A receiver; `connects` on the client's side.
    pub fn new(connects: bool) -> BulkReceiver {
        BulkReceiver { connects, received: 0 }
    }
}

impl App for BulkSender {
    fn start(&mut self, io: &mut dyn Io) {
        if self.connects {
            io.connect();
        }
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        match event {
            Event::Connected | Event::Writable => self.send(conn, io),
            Event::Readable => {
                io.discard(conn);
            }
            // The receiver goes first only if it gives up.
            Event::PeerClosed => self.close(conn, io),
            Event::Closed => self.closed = true,
        }
    }
}

impl App for BulkReceiver {
    fn start(&mut self, io: &mut dyn Io) {
        if self.connects {
            io.connect();
        }
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        match event {
            Event::Connected => io.sink(conn),
            Event::Readable => self.received += io.discard(conn),
            Event::PeerClosed => {
                self.received += io.discard(conn);
                io.close(conn);
            }
            Event::Writable | Event::Closed => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::World;
    use crate::time::{Duration, Instant};

    const HORIZON: Instant = Instant::from_nanos(1_000_000_000);

    #[test]
    fn a_download_of_a_size_arrives_whole_and_ends() {
        let mut world = World::new(1, BulkSender::new(Some(Bytes(10_000)), false), HORIZON);
        world.add(BulkReceiver::new(true));
        world.run();
        assert_eq!(world.net.moved, (0, 10_000));
        assert!(world.net.all_closed());
    }

    #[test]
    fn an_upload_of_a_size_arrives_whole_and_ends() {
        let mut world = World::new(1, BulkReceiver::new(false), HORIZON);
        world.add(BulkSender::new(Some(Bytes(10_000)), true));
        world.run();
        assert_eq!(world.server.received, 10_000);
        assert!(world.net.all_closed());
    }

    #[test]
    fn nothing_to_send_closes_at_once() {
        let mut world = World::new(1, BulkReceiver::new(false), HORIZON);
        world.add(BulkSender::new(Some(Bytes(0)), true));
        world.run();
        assert_eq!(world.server.received, 0);
        assert!(world.net.all_closed());
    }

    #[test]
    fn an_endless_sender_keeps_the_buffer_full_and_stops_at_the_horizon() {
        let mut world = World::new(1, BulkReceiver::new(false), HORIZON);
        world.add(BulkSender::new(None, true));
        world.start();
        world.steps(100);
        assert!(world.net.buffered(0) > 0);
        world.net.now = HORIZON + Duration::from_secs(1);
        world.run();
        assert_eq!(world.net.buffered(0), 0);
        assert!(!world.net.all_closed());
    }

    #[test]
    fn the_side_that_sends_depends_on_the_direction() {
        for (direction, expected) in [(Direction::Up, (5, 0)), (Direction::Down, (0, 5))] {
            let bulk = Bulk { direction, size: Some(Bytes(5)) };
            let mut world = World::new(1, bulk.server(), HORIZON);
            world.add(bulk.client());
            world.run();
            assert_eq!(world.net.moved, expected);
        }
    }
}
