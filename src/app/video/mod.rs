//! Video over TCP: a client that asks for one chunk after the other, at bitrates of its choice, and plays them from a
//! buffer. Its server is that of [`web`](super::web).

mod player;
mod rules;

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::web::{HEAD, RETRY, head};
use super::{App, ChunkId, Conn, Event, Io};
use crate::facts::ChunkOutcome;
use crate::time::{Duration, Instant};
use crate::units::Rate;
use player::Player;
pub use rules::Rule;
use rules::{PAST, Situation};

/// Bytes of the message that asks for a chunk.
const HEADER: u64 = 400;

/// Video that a member watches.
#[derive(Clone, Debug, PartialEq)]
pub struct Video {
    /// Media in a chunk.
    pub chunk: Duration,
    /// Bitrates to choose from, rising; never empty.
    pub ladder: Vec<Rate>,
    /// Media that the buffer holds: that of the start-up and a chunk at least.
    pub buffer: Duration,
    /// Media with which playback begins, and goes on after a stall.
    pub startup: Duration,
    /// Rule of adaptation.
    pub rule: Rule,
    /// Length, of which the last chunk is whole; without it, to the end of the trial.
    pub length: Option<Duration>,
}

impl Video {
    /// Number of its chunks; `None` without an end.
    pub fn chunks(&self) -> Option<u64> {
        self.length.map(|length| length.as_nanos().div_ceil(self.chunk.as_nanos()))
    }

    /// Size of a chunk at a bitrate.
    pub fn bytes(&self, bitrate: Rate) -> u64 {
        let bits = u128::from(bitrate.bits_per_second()) * u128::from(self.chunk.as_nanos()) / 1_000_000_000;
        u64::try_from(bits.div_ceil(8)).unwrap_or(u64::MAX)
    }

    /// The application on the client's host, called `name`.
    pub fn client(&self, name: &str) -> VideoClient {
        VideoClient {
            player: Player::new(self.startup),
            video: self.clone(),
            name: name.into(),
            conn: None,
            is_open: false,
            asked: None,
            count: 0,
            last: None,
            throughputs: VecDeque::new(),
            due: None,
            horizon: Instant::MAX,
        }
    }
}

/// Watches a video.
#[derive(Debug)]
pub struct VideoClient {
    video: Video,
    name: Arc<str>,
    player: Player,
    conn: Option<Conn>,
    is_open: bool,
    asked: Option<Asked>,
    /// Chunks asked for so far.
    count: u64,
    /// Rung of the last of them.
    last: Option<usize>,
    throughputs: VecDeque<f64>,
    /// Time at which the buffer has room for a chunk, or a lost connection is opened again.
    due: Option<Instant>,
    horizon: Instant,
}

/// A chunk under way.
#[derive(Debug)]
struct Asked {
    id: ChunkId,
    since: Instant,
    bytes: u64,
    left: u64,
    head: Rc<[u8]>,
    written: usize,
}

impl VideoClient {
    fn is_last(&self) -> bool {
        self.video.chunks() == Some(self.count)
    }

    /// Asks for the next chunk, or waits until there is room for it.
    fn ask(&mut self, io: &mut dyn Io) {
        let now = io.now();
        if now >= self.horizon || self.is_last() {
            if let Some(conn) = self.conn {
                io.close(conn);
            }
            return;
        }
        let (level, video) = (self.player.level(now), &self.video);
        let excess = (level + video.chunk).saturating_sub(video.buffer);
        if !excess.is_zero() {
            self.due = Some(now.saturating_add(excess));
            return;
        }
        let rung = video.rule.choose(&Situation {
            ladder: &video.ladder,
            last: self.last,
            level,
            capacity: video.buffer,
            chunk: video.chunk,
            throughputs: self.throughputs.make_contiguous(),
        });
        let bytes = video.bytes(video.ladder[rung]);
        self.count += 1;
        self.last = Some(rung);
        let outcome = ChunkOutcome {
            client: Arc::clone(&self.name),
            number: u32::try_from(self.count).unwrap_or(u32::MAX),
            bitrate: video.ladder[rung].bits_per_second(),
            bytes,
            request: now,
            buffer: level,
            completion: None,
            played: Duration::ZERO,
            stalled: Duration::ZERO,
            startup: None,
        };
        let id = io.chunk_asked(outcome, self.player.dry(now));
        let head = head(HEADER.max(HEAD), 0, bytes);
        self.asked = Some(Asked { id, since: now, bytes, left: bytes, head, written: 0 });
        if self.conn.is_none() {
            self.conn = Some(io.connect());
        }
        self.write(io);
    }

    fn write(&mut self, io: &mut dyn Io) {
        if let (Some(conn), Some(asked)) = (self.conn.filter(|_| self.is_open), &mut self.asked)
            && asked.written < asked.head.len()
        {
            asked.written += io.write(conn, &asked.head, asked.written);
        }
    }

    /// Reads what there is of a chunk.
    fn hear(&mut self, conn: Conn, io: &mut dyn Io) {
        let got = io.discard(conn);
        let Some(asked) = &mut self.asked else { return };
        asked.left = asked.left.saturating_sub(got);
        if asked.left > 0 {
            return;
        }
        let (now, id) = (io.now(), asked.id);
        self.throughputs.push_back(asked.bytes as f64 * 8.0 / (now - asked.since).as_secs_f64());
        if self.throughputs.len() > PAST {
            self.throughputs.pop_front();
        }
        self.asked = None;
        let dry = self.player.add(now, self.video.chunk, self.is_last());
        io.chunk_came(id, dry);
        self.ask(io);
    }
}

impl App for VideoClient {
    fn start(&mut self, io: &mut dyn Io) {
        self.horizon = io.horizon();
        self.ask(io);
    }

    fn on_event(&mut self, conn: Conn, event: Event, io: &mut dyn Io) {
        if self.conn != Some(conn) {
            return;
        }
        match event {
            Event::Connected | Event::Writable => {
                self.is_open = true;
                self.write(io);
            }
            Event::Readable => self.hear(conn, io),
            Event::PeerClosed => {
                self.hear(conn, io);
                // Its server closes first only where it gives up.
                if self.asked.is_some() {
                    io.abort(conn);
                }
            }
            Event::Closed => {
                (self.conn, self.is_open) = (None, false);
                if let Some(asked) = &mut self.asked {
                    (asked.left, asked.written) = (asked.bytes, 0);
                    self.due = Some(io.now().saturating_add(RETRY));
                }
            }
        }
    }

    fn on_timeout(&mut self, io: &mut dyn Io) {
        if self.due.is_none_or(|due| due > io.now()) {
            return;
        }
        self.due = None;
        if self.asked.is_none() {
            self.ask(io);
        } else if self.conn.is_none() {
            self.conn = Some(io.connect());
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due.filter(|due| *due < self.horizon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::World;
    use crate::app::web::WebServer;

    fn video(length: Option<u64>) -> Video {
        Video {
            chunk: Duration::from_secs(2),
            ladder: [8_000, 16_000].map(|bits| Rate::from_bits_per_second(bits).expect("a rate")).to_vec(),
            buffer: Duration::from_secs(10),
            startup: Duration::from_secs(4),
            rule: Rule::Throughput,
            length: length.map(Duration::from_secs),
        }
    }

    fn watch(length: Option<u64>, seconds: u64) -> Vec<ChunkOutcome> {
        let mut world = World::new(1, WebServer::default(), Instant::ZERO + Duration::from_secs(seconds));
        world.add(video(length).client("viewer-1"));
        world.run();
        assert_eq!(world.net.conns.len(), 1);
        assert!(world.net.chunks.iter().all(|chunk| chunk.completion == Some(Duration::ZERO)));
        assert!(length.is_none() || world.net.all_closed());
        world.net.chunks
    }

    #[test]
    fn chunks_fill_the_buffer_and_then_come_as_they_are_played() {
        let chunks = watch(None, 21);
        let at: Vec<f64> = chunks.iter().map(|chunk| chunk.request.as_secs_f64()).collect();
        // Five at once, then one in two seconds.
        assert_eq!(at, [0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0]);
        assert!(chunks[5..].iter().all(|chunk| chunk.buffer == Duration::from_secs(8)));
        assert_eq!((chunks[0].bytes, chunks[1].bytes), (2_000, 4_000), "nothing is known before the first");
    }

    #[test]
    fn the_last_chunk_is_whole_and_the_connection_ends_behind_it() {
        let chunks = watch(Some(13), 60);
        assert_eq!(chunks.iter().map(|chunk| chunk.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    }
}
