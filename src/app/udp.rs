//! Streams of datagrams at a pace of their own: whatever happens to them, the sender goes on.

use super::bulk::Direction;
use super::{App, Conn, Event, Io};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::traffic::{Arrivals, Process};

/// A stream of datagrams.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// Mean time from one to the next.
    pub interval: Duration,
    /// Their distribution over time.
    pub arrivals: Arrivals,
    /// Bytes of data in each.
    pub payload: u32,
    /// Direction in which they go.
    pub direction: Direction,
    /// Pauses; `None` without.
    pub on_off: Option<OnOff>,
    /// Playout buffer of a receiver that plays them as speech.
    pub playout: Option<Duration>,
}

/// Periods in which a stream is sent, and pauses between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnOff {
    /// Mean length of a period.
    pub on: Duration,
    /// Mean length of a pause.
    pub off: Duration,
    /// True if each has its mean length; else they are exponential.
    pub fixed: bool,
}

/// One end of a stream.
#[derive(Debug)]
pub struct StreamEnd {
    /// True on the client's side.
    connects: bool,
    playout: Option<Duration>,
    source: Option<Source>,
}

/// The end that sends.
#[derive(Debug)]
struct Source {
    payload: u32,
    clock: Process,
    pauses: Option<(OnOff, Rng)>,
    /// End of the present period.
    until: Instant,
    conn: Option<Conn>,
    next: Instant,
    horizon: Instant,
}

impl Stream {
    /// The application on the client's host; the sender draws from the streams `arrivals` and `pauses`.
    pub fn client(&self, streams: [Rng; 2]) -> StreamEnd {
        let source = (self.direction == Direction::Up).then(|| Source::new(self, streams));
        StreamEnd { connects: true, playout: self.playout, source }
    }

    /// The application at the other end.
    pub fn server(&self, streams: [Rng; 2]) -> StreamEnd {
        let source = (self.direction == Direction::Down).then(|| Source::new(self, streams));
        StreamEnd { connects: false, playout: self.playout, source }
    }
}

impl Source {
    fn new(stream: &Stream, [arrivals, pauses]: [Rng; 2]) -> Source {
        Source {
            payload: stream.payload,
            clock: Process::new(stream.interval, stream.arrivals, arrivals),
            pauses: stream.on_off.map(|on_off| (on_off, pauses)),
            until: Instant::MAX,
            conn: None,
            next: Instant::MAX,
            horizon: Instant::MAX,
        }
    }

    fn begin(&mut self, conn: Conn, io: &mut dyn Io) {
        self.conn = Some(conn);
        self.horizon = io.horizon();
        if let Some((on_off, rng)) = &mut self.pauses {
            self.until = io.now().saturating_add(on_off.draw(on_off.on, rng));
        }
        self.next = io.now().saturating_add(self.clock.first());
        self.pause();
    }

    /// Moves the next datagram behind the pause if the period is over by then.
    fn pause(&mut self) {
        let Some((on_off, rng)) = &mut self.pauses else { return };
        while self.next >= self.until && self.next < self.horizon {
            // At least a nanosecond, so that time passes.
            let off = on_off.draw(on_off.off, rng).max(Duration::from_nanos(1));
            self.next = self.until.saturating_add(off);
            self.until = self.next.saturating_add(on_off.draw(on_off.on, rng));
        }
    }

    fn send(&mut self, io: &mut dyn Io) {
        let Some(conn) = self.conn else { return };
        while self.next <= io.now() && self.next < self.horizon {
            io.send_datagram(conn, self.payload);
            self.next = self.next.saturating_add(self.clock.pause());
            self.pause();
        }
    }
}

impl OnOff {
    fn draw(self, mean: Duration, rng: &mut Rng) -> Duration {
        if self.fixed { mean } else { rng.exponential(mean) }
    }
}

impl App for StreamEnd {
    fn start(&mut self, io: &mut dyn Io) {
        if self.connects {
            let conn = io.open_datagrams(self.playout);
            if let Some(source) = &mut self.source {
                source.begin(conn, io);
            }
        }
    }

    fn on_event(&mut self, conn: Conn, _: Event, io: &mut dyn Io) {
        if let Some(source) = &mut self.source {
            source.begin(conn, io);
        }
    }

    fn on_timeout(&mut self, io: &mut dyn Io) {
        if let Some(source) = &mut self.source {
            source.send(io);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.source.as_ref().map(|source| source.next).filter(|&next| {
            self.source.as_ref().is_some_and(|source| source.conn.is_some() && next < source.horizon)
        })
    }
}
