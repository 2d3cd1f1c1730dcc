//! A person's will: when it speaks and how much, when it goes and comes back.

use super::talk::{Arrivals, SizeDistribution, Talk};
use crate::chat::marker;
use crate::rng::{Rng, Seed};
use crate::time::{Duration, Instant};

/// Action of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It means to say something.
    Speak(Intent),
    /// It goes.
    Leave,
    /// It is back.
    Return,
}

/// A message as meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The length of its text in bytes.
    pub size: usize,
    /// A number that chooses the addressee among all others, if it is for one.
    pub draw: u64,
}

/// A synthetic person's will, without any connection.
#[derive(Clone, Debug)]
pub struct Person {
    talk: Talk,
    arrivals: Rng,
    sizes: Rng,
    addressees: Rng,
    churn: Rng,
    /// Time at which the person intends to speak next.
    speaks: Instant,
    /// Messages of the present burst that are still to come after that.
    burst_left: u32,
    /// Time at which the person leaves or returns next.
    moves: Instant,
    present: bool,
}

impl Person {
    /// A person that comes at `start`. Its streams are `<label>/arrivals`, `/sizes`, `/addressees`
    /// and `/churn`; a label is a flow's name such as `client/talkers-3`.
    pub fn new(seed: Seed, label: &str, talk: Talk, start: Instant) -> Person {
        let stream = |what: &str| seed.stream(&format!("{label}/{what}"));
        let mut person = Person {
            arrivals: stream("arrivals"),
            sizes: stream("sizes"),
            addressees: stream("addressees"),
            churn: stream("churn"),
            speaks: start,
            burst_left: 0,
            moves: Instant::MAX,
            present: true,
            talk,
        };
        let first = match person.talk.arrivals {
            Arrivals::Periodic => {
                Duration::from_nanos(person.arrivals.below(person.talk.interval.as_nanos().max(1)))
            }
            Arrivals::Poisson | Arrivals::Bursts { .. } => person.pause(),
        };
        person.speaks = start.saturating_add(first);
        if let Some(churn) = person.talk.churn {
            person.moves = start.saturating_add(person.churn.exponential(churn.stay));
        }
        person
    }

    /// Time of the next action.
    pub fn due(&self) -> Instant {
        self.speaks.min(self.moves)
    }

    /// Action of the person at [`due`](Person::due). A message intended during an absence is drawn, so that
    /// the streams do not depend on absences, and passed over.
    pub fn act(&mut self) -> Option<Act> {
        if self.moves <= self.speaks {
            return self.come_or_go();
        }
        let intent = Intent { size: self.size(), draw: self.addressees.next_u64() };
        let gap = self.pause();
        self.speaks = self.speaks.saturating_add(gap);
        self.present.then_some(Act::Speak(intent))
    }

    fn come_or_go(&mut self) -> Option<Act> {
        let churn = self.talk.churn?;
        self.present = !self.present;
        let (act, mean) = if self.present { (Act::Return, churn.stay) } else { (Act::Leave, churn.away) };
        // At least a nanosecond, so that no churn can make time stand still.
        let span = self.churn.exponential(mean).max(Duration::from_nanos(1));
        self.moves = self.moves.saturating_add(span);
        Some(act)
    }

    /// The time until the next message.
    fn pause(&mut self) -> Duration {
        let interval = self.talk.interval.max(Duration::from_nanos(1));
        match self.talk.arrivals {
            Arrivals::Poisson => self.arrivals.exponential(interval),
            Arrivals::Periodic => interval,
            Arrivals::Bursts { gap, .. } if self.burst_left > 0 => {
                self.burst_left -= 1;
                gap
            }
            Arrivals::Bursts { size, gap } => {
                self.burst_left = size.saturating_sub(1);
                let busy = gap.saturating_mul(u64::from(self.burst_left));
                self.arrivals.exponential(interval.saturating_sub(busy))
            }
        }
    }

    fn size(&mut self) -> usize {
        let size = match self.talk.size {
            SizeDistribution::Constant(size) => size,
            SizeDistribution::Uniform { low, high } => {
                low.saturating_add(self.sizes.below(high.saturating_sub(low).saturating_add(1)))
            }
            SizeDistribution::Exponential { mean } => {
                libm::round(-libm::log(1.0 - self.sizes.uniform()) * mean) as u64
            }
            SizeDistribution::Lognormal { mean, sd } => {
                let variance = libm::log1p((sd / mean) * (sd / mean));
                let location = libm::log(mean) - variance / 2.0;
                let z = self.sizes.standard_normal();
                // A float-to-integer cast saturates, and NaN becomes zero.
                libm::round(libm::exp(location + libm::sqrt(variance) * z)) as u64
            }
        };
        size.clamp(marker::LEN as u64, marker::MAX_TEXT as u64) as usize
    }
}
