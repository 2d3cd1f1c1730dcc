//! Applications whose load a test changes.

use std::cell::Cell;
use std::rc::Rc;

use testbed::app::{App, Conn, Event, Io};
use testbed::time::{Duration, Instant};

use crate::bench::SMSS;
use crate::trace;

/// Load of an application.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// As much as the connection takes.
    Unlimited,
    /// Enough, but only so many bytes ahead of what is sent, so that another load takes effect at once.
    JustInTime(f64),
    /// Whole segments at this rate.
    Rate(f64),
    Silent,
}

/// Writes it, each millisecond.
pub struct Source {
    load: Rc<Cell<Load>>,
    conn: Option<Conn>,
    next: Option<Instant>,
    written: f64,
    credit: f64,
}

/// Time between writes.
const TICK: Duration = Duration::from_millis(1);

impl Source {
    pub fn new(load: Rc<Cell<Load>>) -> Source {
        Source { load, conn: None, next: None, written: 0.0, credit: 0.0 }
    }

    fn write(&mut self, io: &mut dyn Io, bytes: f64) {
        let Some(conn) = self.conn else { return };
        self.written += io.write_zeros(conn, bytes as u64) as f64;
    }
}

impl App for Source {
    fn start(&mut self, io: &mut dyn Io) {
        io.connect();
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        if event == Event::Connected {
            self.conn = Some(conn);
            self.next = Some(io.now());
        }
    }

    fn on_timeout(&mut self, io: &mut dyn Io) {
        self.next = Some(io.now() + TICK);
        match self.load.get() {
            Load::Unlimited => self.write(io, 1e12),
            Load::JustInTime(ahead) => {
                let gone = trace::last(|row| row.delivered + row.inflight).unwrap_or(0.0);
                self.write(io, (gone + ahead - self.written).max(0.0));
            }
            Load::Rate(rate) => {
                self.credit += rate * TICK.as_secs_f64();
                let segments = (self.credit / SMSS).floor();
                self.credit -= segments * SMSS;
                if segments > 0.0 {
                    self.write(io, segments * SMSS);
                }
            }
            Load::Silent => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }
}

/// Takes whatever comes.
pub struct Sink;

impl App for Sink {
    fn start(&mut self, _: &mut dyn Io) {}

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        if event == Event::Connected {
            io.sink(conn);
        } else if event == Event::Readable {
            io.discard(conn);
        }
    }
}
