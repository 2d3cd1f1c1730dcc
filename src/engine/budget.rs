//! Memory limit of a trial: an estimate of what grows without bound, made now and then, so that
//! a trial that would eat the machine ends with an error that names what grew.
//!
//! Unlike all else in a world, the limit is the caller's and not the scenario's. A trial that stays below
//! it does not depend on it.

use std::mem::size_of;

use super::core::Core;
use super::flow::Flow;
use super::halt::Halt;
use crate::facts::{ChunkOutcome, FlowEvent, FlowSample, LinkSample, Measure, RequestOutcome};
use crate::units::{plural, size};
use crate::wire::{Direction, Packet};

/// Steps between two estimates, at least: packets that arrive, events, messages.
pub(super) const STEPS: u64 = 4096;
/// And more where there is much to look at, so that looking stays cheap.
const STEPS_PER_THING: u64 = 4;

/// Bytes of a packet in a link: itself, where it lies, in rings that are up to twice as long as what is in them, and
/// its place in the queue.
pub(super) const PACKET: u64 = size_of::<Packet>() as u64 + 16 + 2 * 24 + 56;
/// Bytes of a message that a client meant to send: what is known of it, and its place in the outbox.
const MESSAGE: u64 = 16 + 24;
/// Bytes of a request: what is known of it, and its place with its client.
const REQUEST: u64 = size_of::<RequestOutcome>() as u64 + 24;
/// Bytes of a chunk of video: what is known of it, and three instants.
const CHUNK: u64 = size_of::<ChunkOutcome>() as u64 + 48;
/// Measures of workloads whose data exist as numbers only.
const NUMBERS_ONLY: [Measure; 3] = [Measure::Goodput, Measure::Requests, Measure::Video];
/// Bytes of an event that is queued.
const EVENT: u64 = size_of::<u128>() as u64;

/// The limit, and when it is looked at next.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    /// Steps taken so far.
    pub steps: u64,
    next: u64,
    /// The step that ends the batch.
    batch_end: u64,
    /// Reason for which the trial ends early, once there is one.
    pub halt: Option<Halt>,
}

/// A trial needed more memory than it may.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it needs more than {} of memory: {culprit}", size(*limit))]
pub struct Exhausted {
    limit: u64,
    /// The most of it, in words.
    culprit: String,
    /// True if that is what the trial sends and gathers, rather than what it begins with.
    pub grows: bool,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { limit: u64::MAX, steps: 0, next: u64::MAX, batch_end: 0, halt: None }
    }
}

impl Budget {
    pub fn of(limit: u64) -> Budget {
        Budget { limit, next: 0, ..Budget::default() }
    }

    /// A batch of so many steps begins, unless the trial is at its end.
    pub fn begin_batch(&mut self, steps: u64) {
        self.batch_end = if self.halt.is_some() { 0 } else { self.steps + steps };
    }

    /// True if the batch is not over.
    #[inline]
    pub fn goes_on(&self) -> bool {
        self.steps < self.batch_end
    }

    /// So many steps were taken where nobody could look.
    #[inline]
    pub fn count(&mut self, steps: u64) {
        self.steps += steps;
    }

    /// True if so many bytes exceed the limit.
    pub fn is_below(&self, bytes: u64) -> bool {
        self.limit < bytes
    }
}

impl Core {
    /// Something happened that may have made the world larger.
    #[inline]
    pub fn step(&mut self) {
        self.budget.steps += 1;
        if self.budget.steps >= self.budget.next {
            self.look();
        }
    }

    #[cold]
    fn look(&mut self) {
        let things = (self.flows.len() + self.topology.links.len()) as u64;
        self.budget.next = self.budget.steps + STEPS.max(STEPS_PER_THING * things);
        if self.budget.halt.is_none() {
            self.budget.halt = self.failure().or_else(|| self.exhausted().map(Halt::Exhausted));
        }
        if self.budget.halt.is_some() {
            self.budget.batch_end = 0;
        }
    }

    /// A controller that cannot go on.
    pub fn failure(&self) -> Option<Halt> {
        self.flows.iter().find_map(Core::failure_of)
    }

    /// The same of one flow.
    pub fn failure_of(flow: &Flow) -> Option<Halt> {
        let failed = flow.ends.iter().find_map(|end| end.connection.failure())?;
        Some(Halt::Controller(format!("the controller of {}: {failed}", flow.name)))
    }

    fn exhausted(&self) -> Option<Exhausted> {
        let (total, culprit) = self.size();
        if total <= self.budget.limit {
            return None;
        }
        let grows = !matches!(culprit, Culprit::Flows);
        Some(Exhausted { limit: self.budget.limit, culprit: culprit.words(self), grows })
    }

    /// An estimate of the bytes of all that grows, and what has most of them.
    fn size(&self) -> (u64, Culprit) {
        let mut sum = (0, 0, Culprit::Events);
        let mut add = |bytes: u64, culprit: Culprit| {
            let (total, most, _) = sum;
            sum = if bytes > most { (total + bytes, bytes, culprit) } else { (total + bytes, most, sum.2) };
        };
        add(self.queue.count() as u64 * EVENT, Culprit::Events);
        for (number, (_, _, instances)) in self.topology.each().enumerate() {
            let packets = instances.map(|link| self.topology.links[link].in_flight()).sum();
            add(packets * PACKET, Culprit::Link(number, packets));
        }
        add((self.flows.len() * size_of::<Flow>()) as u64, Culprit::Flows);
        // Flows of a group follow one another, but for reconnections.
        let (mut first, mut shared) = (0, 0);
        for group in self.flows.chunk_by(|a, b| a.group == b.group) {
            let mut own = 0;
            for flow in group {
                for direction in Direction::BOTH {
                    let held = flow.ends[direction.index()].connection.held();
                    own += held.structure;
                    // Bulk data exists as a number only. What a server says to many exists once.
                    match direction {
                        _ if flow.measures.iter().any(|measure| NUMBERS_ONLY.contains(measure)) => {}
                        Direction::Up => own += held.text,
                        Direction::Down => shared = shared.max(held.text),
                    }
                }
            }
            add(own, Culprit::Unsent(Some(first), own));
            first += group.len();
        }
        add(shared, Culprit::Unsent(None, shared));
        if let Some(messages) = &self.messages {
            add(messages.count() as u64 * MESSAGE, Culprit::Messages);
        }
        let books: u64 = self.flows.iter().filter_map(|flow| Some(flow.book.as_ref()?.size())).sum();
        let chunks = self.chunks.count() as u64 * CHUNK;
        add(books + self.requests.count() as u64 * REQUEST + chunks, Culprit::Records);
        if let Some(taps) = &self.taps {
            add(taps.size(), Culprit::Captures(taps.size()));
        }
        if let Some(recorder) = &self.recorder {
            let [flows, links, events] = recorder.rows();
            let bytes = flows * size_of::<FlowSample>()
                + links * size_of::<LinkSample>()
                + events * size_of::<FlowEvent>();
            add(bytes as u64, Culprit::Series((flows + links + events) as u64));
        }
        (sum.0, sum.2)
    }
}

/// Parts that may be large.
#[derive(Clone, Copy)]
enum Culprit {
    Events,
    Flows,
    Messages,
    Records,
    Series(u64),
    Captures(u64),
    Link(usize, u64),
    /// Of the group of this flow, or of the server.
    Unsent(Option<usize>, u64),
}

impl Culprit {
    fn words(self, core: &Core) -> String {
        match self {
            Culprit::Events => format!("it has {} to come", plural(core.queue.count() as u64, "event")),
            Culprit::Flows => format!("it has {}", plural(core.flows.len() as u64, "connection")),
            Culprit::Messages => {
                let group = core.talkers.iter().enumerate().max_by_key(|(_, count)| **count);
                let client = group.and_then(|(app, _)| core.clients.get(app)?.as_ref());
                let whose =
                    client.map_or(String::new(), |client| format!(", most of group {}", client.group));
                let messages = core.messages.as_ref().map_or(0, super::messages::Messages::count);
                format!("it has {}{whose}", plural(messages as u64, "message"))
            }
            Culprit::Records => {
                let requests = plural((core.requests.count() + core.chunks.count()) as u64, "request");
                format!("it has records of datagrams and of {requests}")
            }
            Culprit::Series(rows) => format!("the series have {} (see [record])", plural(rows, "row")),
            Culprit::Captures(bytes) => {
                format!("its captures and qlogs have {} (see record.pcap_limit)", size(bytes))
            }
            Culprit::Link(number, packets) => {
                let link = core.topology.each().nth(number);
                let (name, way) = link.map_or(("", ""), |(name, direction, _)| (name, direction.name()));
                format!("link {name} {way} holds {}", plural(packets, "packet"))
            }
            Culprit::Unsent(flow, bytes) => {
                let whose = flow.map_or("the server", |flow| core.flows[flow].group.as_str());
                format!("connections of {whose} hold {} that are not acknowledged", size(bytes))
            }
        }
    }
}
