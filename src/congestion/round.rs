//! Round trips timed by packets: a part that controllers share.

use super::Ack;
use crate::time::Duration;

/// One round trip: it ends when something sent after its start is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    end: u64,
    least: Option<Duration>,
    samples: u32,
}

impl Round {
    /// One that begins when so many bytes were delivered.
    pub const fn since(delivered: u64) -> Round {
        Round { end: delivered, least: None, samples: 0 }
    }

    /// Takes in an acknowledgment; returns the round that ended by it.
    pub fn hear(&mut self, ack: &Ack) -> Option<Round> {
        let is_over = ack.sample.is_some_and(|sample| sample.prior_delivered >= self.end);
        let over = is_over.then(|| std::mem::replace(self, Round::since(ack.delivered)));
        if let Some(rtt) = ack.rtt {
            self.least = Some(self.least.map_or(rtt, |least| least.min(rtt)));
            self.samples += 1;
        }
        over
    }

    /// The least round-trip time measured in it.
    pub const fn least(&self) -> Option<Duration> {
        self.least
    }

    /// The same, once it is the least of so many.
    pub fn least_of(&self, samples: u32) -> Option<Duration> {
        self.least.filter(|_| self.samples >= samples)
    }
}
