//! Links: impair, queue, serialise, propagate.
//!
//! A [`Link`] is one direction of one instance of a link. It knows packets by their size and ECN
//! bits only (a [`DropList`] also looks at sequence numbers), and it reads no clock and no chance
//! but what comes in by argument or by the seed.
//!
//! * *Impair*: every impairment judges every packet at the entrance, each with a stream of its own
//!   (`<label>/loss`, `/duplicate`, `/corrupt`), and so do `/jitter` and `/reorder`; on a shared link
//!   with one for each flow. Changing one never changes another's draws, nor does a further flow.
//!   Only what a link remembers, such as the state of bursts, goes by the packets of all flows.
//! * *Police*: a policer drops what exceeds its bucket, before the queue.
//! * *Queue*: a discipline accepts, drops and chooses what leaves next; without a rate there is no queue.
//! * *Serialise*: departure = max(now, free) + size/rate, without rounding drift; or by a token bucket, by the
//!   opportunities of a trace, or in exchanges of Wi-Fi's frames.
//! * *Propagate*: arrival = departure + delay; in order unless reordering was asked for.
//!
//! With drop-tail everything is decided at the entrance, so only the head of a link is an event. Other
//! disciplines are served when the transmitter is free (see `service`), which is an event as well; chance
//! is drawn at the entrance for both, so that a packet meets the same luck in front of any queue.

mod chance;
pub mod config;
mod distribution;
mod droplist;
mod droptail;
mod flight;
mod impairment;
mod law;
mod loss;
mod mangle;
mod notes;
mod policer;
mod propagation;
mod qdisc;
mod rate;
mod realised;
mod service;
mod statistics;
pub mod synthetic;
mod tally;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trace;
mod view;
mod wifi;

use std::fmt;

pub use config::{Config, IMPAIRMENTS};
pub use droplist::{DropEntry, DropList};
pub use impairment::{Impairment, Verdict};
pub use loss::{GilbertElliott, Independent};
pub use mangle::{Corrupt, Duplicate};
pub use notes::{Fate, Incident};
pub use qdisc::{
    Backlog, Capacity, Classes, Discipline, Parameter, ParameterKind, QUEUES, Qdisc, Queue, Queued,
};
pub use statistics::Statistics;
pub use tally::Tally;
pub use trace::OPPORTUNITY;
pub use view::Whereabouts;

use crate::facts::Counters;
use crate::ring::Ring;
use crate::rng::Seed;
use crate::time::{Duration, Instant};
use crate::wire::{FlowId, Packet};
use chance::Chance;
use flight::Flight;
use impairment::Entrance;
use notes::{Noted, note};
use policer::Meter;
use propagation::{Order, Passage, Propagation};
use rate::Serialiser;
use service::Service;
use statistics::{Measured, Start};

/// One direction of a link.
pub struct Link {
    chance: Chance,
    entrance: Entrance,
    policer: Option<Box<Meter>>,
    /// Unless departures are fixed at the entrance.
    service: Option<Box<Service>>,
    /// Start of the next transmission, as far as that is for the discipline to decide; [`Instant::MAX`] for never.
    turn: Instant,
    serialiser: Serialiser,
    propagation: Propagation,
    /// Packets that have a departure and whose transmission has not ended, as far as that was noticed; in
    /// order.
    waiting: Ring<Waiting>,
    backlog: Backlog,
    /// Everything inside, the waiting packets included.
    flight: Flight,
    /// The number of the next packet to be accepted.
    next_entry: u64,
    /// One more than the highest number handed on.
    handed_on: u64,
    counters: Counters,
    noted: Noted,
    measured: Measured,
    /// The earliest wake-up that its owner was told of.
    announced: Instant,
}

/// A packet in the queue or in transmission, as far as the queue is concerned.
#[derive(Clone, Copy, Debug, Default)]
struct Waiting {
    entered: Instant,
    start: Instant,
    departure: Instant,
    passage: Passage,
    size: u32,
    /// True if its transmission follows another without a gap.
    back_to_back: bool,
}

impl Link {
    /// A link of one client, set to `config`; every component draws from the stream of `seed` that is
    /// called `label` and its own name, e. g. `link/access/upload-1/up/loss`.
    pub fn new(config: &Config, seed: Seed, label: &str) -> Link {
        Link::with(config, Chance::new(seed, label, false))
    }

    /// A link that flows share: each of them draws from streams of its own, which are called the same
    /// under the seed that it was [introduced](Link::introduce) with.
    pub fn shared(config: &Config, seed: Seed, label: &str) -> Link {
        Link::with(config, Chance::new(seed, label, true))
    }

    fn with(config: &Config, chance: Chance) -> Link {
        let mut link = Link {
            service: Service::of(config, &chance),
            turn: Instant::MAX,
            serialiser: Serialiser::of(config, &chance),
            chance,
            entrance: Entrance::default(),
            policer: config.policer.map(|policer| Box::new(Meter::new(policer, Instant::ZERO))),
            propagation: Propagation::new(),
            waiting: Ring::default(),
            backlog: Backlog::default(),
            flight: Flight::default(),
            next_entry: 0,
            handed_on: 0,
            counters: Counters::default(),
            noted: None,
            measured: Measured::new(Instant::ZERO, Duration::ZERO, config, Start::default()),
            announced: Instant::MAX,
        };
        link.entrance.configure(config, None, &link.chance);
        link.propagation.configure(&config.delay, config.reorder, &link.chance);
        link
    }

    /// Before its first packet: a flow and its seed. Means nothing to a link of one client.
    pub fn introduce(&mut self, flow: FlowId, seed: Seed) {
        if self.chance.introduce(flow, seed) {
            self.entrance.forget(flow);
            self.propagation.forget(flow);
            self.service.iter_mut().for_each(|service| service.forget(flow));
        }
    }

    /// Takes a packet in. Times must not go backwards from call to call.
    pub fn handle_packet(&mut self, now: Instant, packet: impl Into<Box<Packet>>) {
        self.take_over(now, packet.into());
    }

    #[inline]
    fn take_over(&mut self, now: Instant, mut packet: Box<Packet>) {
        self.counters.offered += 1;
        let passage = self.propagation.draw(packet.flow, &self.chance);
        let epoch = &mut self.measured.epoch;
        epoch.judged += 1;
        epoch.ahead += u64::from(passage.order == Order::Ahead);
        let mut damaged = false;
        if !self.entrance.is_empty() || self.policer.is_some() {
            let Some(judged) = self.judge(now, packet, passage) else { return };
            (packet, damaged) = judged;
        }
        self.queue_up(now, packet, passage, damaged);
    }

    /// Lets the impairments and the policer decide about a packet; if it goes on, also whether damaged. A copy of it
    /// follows it at once.
    #[inline(never)]
    fn judge(
        &mut self,
        now: Instant,
        mut packet: Box<Packet>,
        passage: Passage,
    ) -> Option<(Box<Packet>, bool)> {
        let judgement = self.entrance.judge(now, &packet, &self.chance);
        let epoch = &mut self.measured.epoch;
        epoch.lost += u64::from(judgement.lost);
        if judgement.dropped {
            self.counters.dropped_loss += 1;
            note(&mut self.noted, now, &packet, Fate::Lost);
            epoch.refused += 1;
            return None;
        }
        epoch.duplicated += u64::from(judgement.duplicated);
        epoch.corrupted += u64::from(judgement.corrupted);
        let copy = judgement.duplicated.then(|| packet.clone());
        // A packet that arrived damaged is another link's to count.
        let damaged = judgement.corrupted && !packet.is_corrupted();
        if damaged {
            packet.corrupt();
            note(&mut self.noted, now, &packet, Fate::Damaged);
        }
        if let Some(copy) = copy {
            self.take_in(now, packet, passage, damaged);
            self.counters.duplicated += 1;
            note(&mut self.noted, now, &copy, Fate::Duplicated);
            self.take_in(now, copy, passage, false);
            return None;
        }
        self.is_let_in(now, &packet).then_some((packet, damaged))
    }

    /// Queues a packet that passed the entrance, or puts it on the wire.
    #[inline(always)]
    fn queue_up(&mut self, now: Instant, packet: Box<Packet>, passage: Passage, damaged: bool) {
        // After a rate was lifted, packets still line up behind the one in transmission.
        let queues = self.serialiser.rate().is_some() || !self.waiting.is_empty();
        if queues && self.service.is_some() {
            self.join(Queued { packet, entered: now, passage, damaged, marked: false, low: false });
        } else if let Some(transit) = self.accept(now, packet.size(), passage, damaged, queues) {
            self.flight.push(transit, packet);
        } else {
            note(&mut self.noted, now, &packet, Fate::Crowded);
        }
    }

    /// The next packet that has arrived by `now`; drain until there is none.
    #[inline(always)]
    pub fn poll_deliver(&mut self, now: Instant) -> Option<Box<Packet>> {
        self.serve(now);
        let (transit, packet) = self.flight.arrived(now)?;
        if transit.entry() < self.handed_on {
            self.counters.reordered += 1;
        } else {
            self.handed_on = transit.entry() + 1;
        }
        if transit.damaged() {
            self.counters.dropped_corrupt += 1;
        } else {
            self.counters.delivered += 1;
        }
        Some(packet)
    }

    /// Instant of the next arrival or start of a transmission, whichever is earlier; [`Instant::MAX`] for
    /// never.
    #[inline]
    pub fn next_event(&self) -> Instant {
        self.flight.due().min(self.turn)
    }

    /// A wake-up earlier than all that the owner was told of, if there is one.
    #[inline]
    pub fn poll_wakeup(&mut self) -> Option<Instant> {
        let next = self.next_event();
        if next >= self.announced {
            return None;
        }
        self.announced = next;
        Some(next)
    }

    /// True if the wake-up at `at` is the one that counts: not one from before something was overtaken.
    #[inline]
    pub fn is_announced(&self, at: Instant) -> bool {
        self.announced == at
    }

    /// The owner has no wake-up any more that counts: the next is announced anew.
    #[inline]
    pub fn forget_wakeup(&mut self) {
        self.announced = Instant::MAX;
    }

    /// [`next_event`](Link::next_event), if there is one: not what waits behind the end of a trace.
    pub fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next_event()).filter(|at| *at < trace::NEVER)
    }

    /// Changes the setting from `now` on.
    ///
    /// Each packet keeps the verdict, place in the queue and delay that it met when it entered. The
    /// packet in transmission ends as it began; those behind it are sent at the new rate, and
    /// their arrivals move with their departures. A new limit applies to packets that come. A
    /// changed loss model starts in its good state, a changed policer full; all random streams go on. The
    /// queue's discipline stays.
    pub fn reconfigure(&mut self, now: Instant, config: &Config) {
        self.catch_up(now);
        let old = self.measured.epoch.config.clone();
        if *config == old {
            return;
        }
        self.entrance.configure(config, Some(&old), &self.chance);
        assert!(config.queue.is_alike(&old.queue), "a discipline holds for the whole trial");
        assert!(config.wifi.is_some() == old.wifi.is_some(), "so does Wi-Fi");
        self.propagation.configure(&config.delay, config.reorder, &self.chance);
        // Only now, for a new model starts anew.
        self.measured.begin_epoch(now, config, self.start());
        if config.policer != old.policer {
            self.policer = config.policer.map(|policer| Box::new(Meter::new(policer, now)));
        }
        if config.rate != old.rate || config.pattern != old.pattern {
            match &config.wifi {
                Some(_) => self.serialiser.retune(now, config.rate),
                None => self.reschedule(now, config),
            }
            self.take_turn();
        }
    }

    /// State of its memory.
    fn start(&self) -> Start {
        Start { bad: self.entrance.is_bad(), delayed: self.propagation.delayed() }
    }

    /// Adds an impairment behind those configured: a drop list, or a closure in a test. Its stream
    /// is `<label>/impairment-<n>`, counted from 1.
    pub fn push_impairment(&mut self, impairment: Box<dyn Impairment>) {
        self.entrance.push(impairment, &self.chance);
    }

    /// Configuration of the link.
    pub fn config(&self) -> &Config {
        &self.measured.epoch.config
    }

    /// Packets that passed and that did not, since the start.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Packets inside: queued, in transmission or propagating.
    pub fn in_flight(&self) -> u64 {
        self.flight.len() as u64 + self.service.as_ref().map_or(0, |service| service.held())
    }

    /// Packets and bytes queued or in transmission at `now`.
    pub fn backlog(&mut self, now: Instant) -> Backlog {
        self.catch_up(now);
        self.backlog
    }

    /// Bytes that the rate could have sent by `now`; `None` without a rate.
    pub fn capacity(&self, now: Instant) -> Option<u64> {
        self.serialiser.rate().map(|_| self.serialiser.offered_by(now))
    }

    /// Panics unless offered + duplicated = delivered + dropped + in flight.
    pub fn check_conservation(&self) {
        self.counters.check_conservation(self.in_flight(), self.chance.label());
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("label", &self.chance.label())
            .field("config", self.config())
            .field("counters", &self.counters)
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}
