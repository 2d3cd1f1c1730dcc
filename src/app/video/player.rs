//! The buffer of a video player: media that is there, and when playback runs dry.

use crate::time::{Duration, Instant};

/// A buffer whose playback begins, and goes on after a stall, once enough is in it.
#[derive(Debug)]
pub(super) struct Player {
    /// Media that is enough.
    enough: Duration,
    /// Media in the buffer at `since`.
    level: Duration,
    since: Instant,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing has played.
    Starting,
    Playing,
    Stalled,
}

impl Player {
    /// An empty buffer.
    pub fn new(enough: Duration) -> Player {
        Player { enough, level: Duration::ZERO, since: Instant::ZERO, state: State::Starting }
    }

    /// Media in the buffer at `now`.
    pub fn level(&mut self, now: Instant) -> Duration {
        if self.state == State::Playing {
            self.level = self.level.saturating_sub(now.saturating_since(self.since));
            if self.level.is_zero() {
                self.state = State::Stalled;
            }
        }
        self.since = now;
        self.level
    }

    /// End of playback if nothing more comes; `None` if there is none.
    fn end(&self) -> Option<Instant> {
        (self.state == State::Playing).then(|| self.since.saturating_add(self.level))
    }

    /// The same for a chunk that is asked for now: a stall has its end behind it. `None` before playback.
    pub fn dry(&mut self, now: Instant) -> Option<Instant> {
        self.level(now);
        if self.state == State::Stalled { Some(now) } else { self.end() }
    }

    /// A chunk is here, perhaps the last; returns the end of playback, `None` while it stands still.
    pub fn add(&mut self, now: Instant, chunk: Duration, last: bool) -> Option<Instant> {
        self.level = self.level(now) + chunk;
        if self.level >= self.enough || last {
            self.state = State::Playing;
        }
        self.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playback_waits_for_enough_at_the_start_and_after_a_stall() {
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let four = Duration::from_secs(4);
        let mut player = Player::new(four + four);
        assert_eq!((player.dry(at(1)), player.add(at(1), four, false)), (None, None));
        assert_eq!(player.add(at(5), four, false), Some(at(13)));
        assert_eq!(player.level(at(6)), Duration::from_secs(7));
        assert_eq!(player.dry(at(6)), Some(at(13)));
        // It ran dry at 13, and four seconds are not enough to go on.
        assert_eq!(player.add(at(20), four, false), None);
        assert_eq!(player.dry(at(20)), Some(at(20)));
        assert_eq!(player.add(at(21), four, false), Some(at(29)));
        // Of the last chunk there is no more to wait for.
        assert_eq!(player.add(at(40), four, true), Some(at(44)));
    }
}
