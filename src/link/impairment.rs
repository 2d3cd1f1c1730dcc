//! The entrance of a link: an ordered list of impairments, each with random streams of its own.

use super::chance::{Chance, Streams};
use super::config::Config;
use super::loss;
use super::mangle::{Corrupt, Duplicate};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::{FlowId, Packet};

/// Looks at a packet and says what becomes of it. Delay is none of its business: delays live in
/// propagation, after the queue, where they cannot falsify its order.
pub trait Impairment: Send {
    /// Judges a packet that enters the link at `now`. Called once for every packet offered, also
    /// for those that another impairment drops, and expected to draw the same amount of chance
    /// each time: so streams stay in step whatever else the link is set to.
    fn judge(&mut self, now: Instant, packet: &Packet, rng: &mut Rng) -> Verdict;

    /// True if what it remembers makes it worse than at first, for the proof of its law.
    fn is_bad(&self) -> bool {
        false
    }
}

/// Decision of an impairment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The packet goes on untouched.
    Pass,
    /// It vanishes.
    Drop,
    /// A copy follows right behind it.
    Duplicate,
    /// It goes on damaged, and the receiver's checksum will refuse it.
    Corrupt,
}

impl<F> Impairment for F
where
    F: FnMut(Instant, &Packet, &mut Rng) -> Verdict + Send,
{
    fn judge(&mut self, now: Instant, packet: &Packet, rng: &mut Rng) -> Verdict {
        self(now, packet, rng)
    }
}

/// The impairments of one direction of a link, in the order in which they judge.
#[derive(Default)]
pub(super) struct Entrance {
    stages: Vec<Stage>,
}

/// The verdicts of all impairments on one packet. A drop outweighs the others; a copy is made of
/// the packet as it came, before damage.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent verdicts, not a state")]
pub(super) struct Judgement {
    /// The configured loss model took it.
    pub lost: bool,
    /// Something took it.
    pub dropped: bool,
    pub duplicated: bool,
    pub corrupted: bool,
}

/// Place of an impairment in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Loss,
    Duplicate,
    Corrupt,
    /// Added by hand: drop lists and tests, numbered in order of their arrival.
    Pushed(u32),
}

struct Stage {
    role: Role,
    streams: Streams,
    /// `None` while it is switched off; the streams wait for it.
    judge: Option<Box<dyn Impairment>>,
}

impl Entrance {
    #[inline]
    pub(super) fn judge(&mut self, now: Instant, packet: &Packet, chance: &Chance) -> Judgement {
        let mut judgement = Judgement::default();
        for stage in &mut self.stages {
            let Some(judge) = &mut stage.judge else { continue };
            match judge.judge(now, packet, stage.streams.of(packet.flow, chance)) {
                Verdict::Pass => {}
                Verdict::Drop => {
                    judgement.dropped = true;
                    judgement.lost |= stage.role == Role::Loss;
                }
                Verdict::Duplicate => judgement.duplicated = true,
                Verdict::Corrupt => judgement.corrupted = true,
            }
        }
        judgement
    }

    /// True if the loss model is in its bad state.
    pub(super) fn is_bad(&self) -> bool {
        let loss = self.stages.first().filter(|stage| stage.role == Role::Loss);
        loss.and_then(|stage| stage.judge.as_ref()).is_some_and(|judge| judge.is_bad())
    }

    /// True if every packet passes.
    pub(super) fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// A flow's number belongs to another from now on.
    pub(super) fn forget(&mut self, flow: FlowId) {
        for stage in &mut self.stages {
            stage.streams.forget(flow);
        }
    }

    /// Sets up what is configured. A loss model that stays the same goes on where it is.
    pub(super) fn configure(&mut self, config: &Config, old: Option<&Config>, chance: &Chance) {
        if old.is_none_or(|old| old.loss != config.loss) {
            self.set(Role::Loss, loss::build(config.loss), chance);
        }
        let duplicate = (!config.duplicate.is_never())
            .then(|| -> Box<dyn Impairment> { Box::new(Duplicate(config.duplicate)) });
        let corrupt = (!config.corrupt.is_never())
            .then(|| -> Box<dyn Impairment> { Box::new(Corrupt(config.corrupt)) });
        self.set(Role::Duplicate, duplicate, chance);
        self.set(Role::Corrupt, corrupt, chance);
    }

    /// Puts `judge` in its place, in exchange for what was there. The random streams go on.
    fn set(&mut self, role: Role, judge: Option<Box<dyn Impairment>>, chance: &Chance) {
        match self.stages.binary_search_by_key(&role, |stage| stage.role) {
            Ok(at) => self.stages[at].judge = judge,
            Err(_) if judge.is_none() => {}
            Err(at) => {
                let streams = chance.streams(&role.name());
                self.stages.insert(at, Stage { role, streams, judge });
            }
        }
    }

    /// Appends an impairment behind all others.
    pub(super) fn push(&mut self, judge: Box<dyn Impairment>, chance: &Chance) {
        let number = match self.stages.last().map(|stage| stage.role) {
            Some(Role::Pushed(last)) => last + 1,
            _ => 1,
        };
        self.set(Role::Pushed(number), Some(judge), chance);
    }
}

impl Role {
    /// The last part of the stream's label.
    fn name(self) -> String {
        match self {
            Role::Loss => "loss".to_owned(),
            Role::Duplicate => "duplicate".to_owned(),
            Role::Corrupt => "corrupt".to_owned(),
            Role::Pushed(number) => format!("impairment-{number}"),
        }
    }
}
