//! Requests of a trial: when each was meant, and when the last byte of its answer came.

use crate::facts::RequestOutcome;
use crate::time::Instant;

/// All requests of a world.
#[derive(Debug)]
pub struct Requests {
    all: Vec<RequestOutcome>,
    /// Of the measured interval, those that are not complete.
    open: u64,
    interval: (Instant, Instant),
}

impl Requests {
    /// None yet; figures are of those meant within `interval`.
    pub fn new(interval: (Instant, Instant)) -> Requests {
        Requests { all: Vec::new(), open: 0, interval }
    }

    /// A request is meant; returns its number.
    pub fn intend(&mut self, request: RequestOutcome) -> u32 {
        let number = u32::try_from(self.all.len()).expect("fewer than 2^32 requests");
        self.open += u64::from(self.counts(&request));
        self.all.push(request);
        number
    }

    /// The last byte of the answer to request `number` came at `now`.
    pub fn complete(&mut self, number: u32, now: Instant) {
        let request = &mut self.all[number as usize];
        if request.completion.is_none() {
            request.completion = Some(now - request.start);
            let counts = self.counts(&self.all[number as usize]);
            self.open -= u64::from(counts);
        }
    }

    /// Number of requests.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// True if everything meant within the interval is complete.
    pub fn is_complete(&self) -> bool {
        self.open == 0
    }

    /// Those that figures are about.
    pub fn outcomes(&self) -> Vec<RequestOutcome> {
        self.all.iter().filter(|request| self.counts(request)).cloned().collect()
    }

    fn counts(&self, request: &RequestOutcome) -> bool {
        self.interval.0 <= request.start && request.start < self.interval.1
    }
}
