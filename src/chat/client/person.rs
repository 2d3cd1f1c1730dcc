//! A person's will: when it speaks and how much, when it goes and comes back.

use super::talk::Talk;
use crate::chat::marker;
use crate::rng::{Rng, Seed};
use crate::time::{Duration, Instant};
use crate::traffic::Process;

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
    arrivals: Process,
    sizes: Rng,
    addressees: Rng,
    churn: Rng,
    /// Time at which the person intends to speak next.
    speaks: Instant,
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
            arrivals: Process::new(talk.interval, talk.arrivals, stream("arrivals")),
            sizes: stream("sizes"),
            addressees: stream("addressees"),
            churn: stream("churn"),
            speaks: start,
            moves: Instant::MAX,
            present: true,
            talk,
        };
        let first = person.arrivals.first();
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
        let gap = self.arrivals.pause();
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

    fn size(&mut self) -> usize {
        self.talk.size.draw(&mut self.sizes).clamp(marker::LEN as u64, marker::MAX_TEXT as u64) as usize
    }
}
