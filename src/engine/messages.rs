//! The messages of a chat: when each was meant to be sent, who should hear it, who did.

use hdrhistogram::Histogram;

use crate::facts::MessageOutcome;
use crate::time::Instant;

/// All messages of a world.
#[derive(Debug)]
pub struct Messages {
    all: Vec<Message>,
    /// Deliveries still expected of messages within the interval.
    outstanding: u64,
    interval: (Instant, Instant),
    latency: Histogram<u64>,
}

#[derive(Debug)]
struct Message {
    intended: Instant,
    audience: u32,
    heard: u32,
}

impl Messages {
    /// None yet; figures are of those intended within `interval`.
    pub fn new(interval: (Instant, Instant)) -> Messages {
        // Three digits: a tenth of a percent. It grows with the largest latency.
        let mut latency = Histogram::new(3).expect("three digits are allowed");
        latency.auto(true);
        Messages { all: Vec::new(), outstanding: 0, interval, latency }
    }

    /// A message that `audience` people should hear; returns its number.
    pub fn intend(&mut self, intended: Instant, audience: u32) -> u32 {
        let id = u32::try_from(self.all.len()).expect("fewer than 2^32 messages");
        self.all.push(Message { intended, audience, heard: 0 });
        if self.counts(intended) {
            self.outstanding += u64::from(audience);
        }
        id
    }

    /// The room was not as large as the sender thought.
    pub fn correct_audience(&mut self, id: u32, audience: u32) {
        let counts = self.counts_id(id);
        let Some(message) = self.all.get_mut(id as usize) else { return };
        let before = message.audience.saturating_sub(message.heard);
        message.audience = audience;
        if counts {
            self.outstanding =
                self.outstanding - u64::from(before) + u64::from(audience.saturating_sub(message.heard));
        }
    }

    /// One person heard message `id` at `now`.
    pub fn deliver(&mut self, id: u32, now: Instant) {
        let Some(message) = self.all.get_mut(id as usize) else { return };
        message.heard += 1;
        if (self.interval.0..self.interval.1).contains(&message.intended) {
            self.outstanding = self.outstanding.saturating_sub(u64::from(message.heard <= message.audience));
            let latency = now - message.intended;
            self.latency.record(latency.as_nanos()).expect("a histogram that grows takes any value");
        }
    }

    /// Number of messages.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// True if everything intended within the interval was heard.
    pub fn is_complete(&self) -> bool {
        self.outstanding == 0
    }

    /// The figures.
    pub fn outcome(&self) -> MessageOutcome {
        let counted = || self.all.iter().filter(|message| self.counts(message.intended));
        MessageOutcome {
            sent: counted().count() as u64,
            deliveries_expected: counted().map(|message| u64::from(message.audience)).sum(),
            deliveries: counted().map(|message| u64::from(message.heard)).sum(),
            latency: self.latency.clone(),
        }
    }

    fn counts(&self, intended: Instant) -> bool {
        self.interval.0 <= intended && intended < self.interval.1
    }

    fn counts_id(&self, id: u32) -> bool {
        self.all.get(id as usize).is_some_and(|message| self.counts(message.intended))
    }
}
