//! Output queue of one connection, in order, and the pacer before it.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::rc::Rc;

use super::latency::Latency;
use crate::time::{Duration, Instant};

/// Origin of a message. It decides who waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The client's own: an answer, an echo. It is heard again when that is written.
    Own,
    /// Texts and deeds of others. They wait for its pacer.
    Others,
    /// History. Nobody waits for that.
    Past,
    /// Words of a file under way. Nobody waits for them: the reader asks for no more than a few.
    Flow,
}

/// Number of origins.
const ORIGINS: usize = Origin::Flow as usize + 1;

/// Messages that wait; of the first, `written` bytes are gone.
#[derive(Debug)]
pub struct Outgoing {
    /// With the instant since which each is on its way.
    queue: VecDeque<(Rc<[u8]>, Origin, Instant)>,
    written: usize,
    /// Messages and bytes not written, by [`Origin`].
    messages: [usize; ORIGINS],
    bytes: [usize; ORIGINS],
    /// The least time between two messages.
    pacing: Duration,
    last_write: Option<Instant>,
    /// Instant of the last answer to the client itself, or of the one that its last request is as long as where
    /// nothing answered that.
    last_own: Option<Instant>,
}

impl Outgoing {
    pub(super) fn new(pacing: Duration) -> Outgoing {
        Outgoing {
            queue: VecDeque::new(),
            written: 0,
            messages: [0; ORIGINS],
            bytes: [0; ORIGINS],
            pacing,
            last_write: None,
            last_own: None,
        }
    }

    pub(super) fn push(&mut self, bytes: Rc<[u8]>, origin: Origin, since: Instant) {
        self.messages[origin as usize] += 1;
        self.bytes[origin as usize] += bytes.len();
        self.queue.push_back((bytes, origin, since));
    }

    /// Messages that wait.
    pub fn messages(&self) -> usize {
        self.queue.len()
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.bytes.iter().sum()
    }

    /// Messages of one origin that wait.
    pub(super) fn messages_of(&self, origin: Origin) -> usize {
        self.messages[origin as usize]
    }

    /// Bytes of one origin that wait.
    pub(super) fn bytes_of(&self, origin: Origin) -> usize {
        self.bytes[origin as usize]
    }

    /// True if its pacer holds up what is next.
    pub fn is_paced(&self) -> bool {
        self.is_spaced() && !self.queue.is_empty()
    }

    /// True if several messages never go in one write.
    pub fn is_spaced(&self) -> bool {
        !self.pacing.is_zero()
    }

    /// Instant at which its pacer lets another message go.
    pub fn slot(&self) -> Instant {
        self.last_write.map_or(Instant::ZERO, |last| last.saturating_add(self.pacing))
    }

    /// A request of this weight was served: one that nothing answers takes as long as so many answers.
    pub(super) fn on_served(&mut self, now: Instant, weight: u64) {
        self.last_own = Some(now.saturating_add(self.pacing * (weight - 1)));
    }

    /// Instant at which the next answer to the client itself may follow the last.
    pub fn next_answer(&self) -> Instant {
        self.last_own.map_or(Instant::ZERO, |last| last.saturating_add(self.pacing))
    }

    /// The next message, with the bytes of it that are written; or the instant at which the pacer lets it go.
    #[expect(clippy::type_complexity, reason = "said in words")]
    pub fn next(&self, now: Instant) -> Option<Result<(&Rc<[u8]>, usize), Instant>> {
        let (bytes, ..) = self.queue.front()?;
        let at = self.slot();
        Some(if self.written == 0 && now < at { Err(at) } else { Ok((bytes, self.written)) })
    }

    /// So many bytes were written; returns how many messages that ended.
    pub(super) fn wrote(&mut self, mut bytes: usize, now: Instant, latency: &mut Latency) -> u64 {
        let mut ended = 0;
        while let Some((first, origin, since)) = self.queue.front() {
            let part = bytes.min(first.len() - self.written);
            (self.bytes[*origin as usize], self.written) =
                (self.bytes[*origin as usize] - part, self.written + part);
            bytes -= part;
            if self.written < first.len() {
                break;
            }
            self.messages[*origin as usize] -= 1;
            match origin {
                Origin::Own => self.last_own = Some(now),
                Origin::Others => latency.record(now.saturating_since(*since)),
                Origin::Past | Origin::Flow => {}
            }
            self.queue.pop_front();
            (self.written, self.last_write) = (0, Some(now));
            ended += 1;
            if bytes == 0 {
                break;
            }
        }
        ended
    }

    /// Several messages for one write.
    pub fn slices(&self) -> Vec<IoSlice<'_>> {
        const AT_ONCE: usize = 64;
        let written = |n: usize| if n == 0 { self.written } else { 0 };
        let first = self.queue.iter().take(AT_ONCE).enumerate();
        first.map(|(n, (bytes, ..))| IoSlice::new(&bytes[written(n)..])).collect()
    }

    /// Forgets what waits, but for a message that is half written.
    pub fn drop_rest(&mut self) {
        let half = self.queue.pop_front().filter(|_| self.written > 0);
        let written = self.written;
        self.clear();
        if let Some((bytes, origin, since)) = half {
            self.push(bytes, origin, since);
            self.written = written;
            self.bytes[origin as usize] -= written;
        }
    }

    /// Forgets all of it.
    pub fn clear(&mut self) {
        self.queue.clear();
        (self.written, self.messages, self.bytes) = (0, [0; ORIGINS], [0; ORIGINS]);
    }
}
