//! Queues in front of a rate, and their disciplines.
//!
//! Drop-tail fixes order and departure at the entrance, so that a packet's arrival is known at once
//! and needs no event of its own. Every other discipline is a [`Qdisc`], served whenever the
//! transmitter is free. A new one is one file here and one line in [`QUEUES`].

mod codel;
mod drr;
mod dualpi2;
mod fifo;
mod fq_codel;
mod pie;
mod prio;
mod red;
#[cfg(test)]
mod testing;

use std::fmt;

pub(super) use fifo::Fifo;

use super::propagation::Passage;
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::wire::{Class, Packet};

/// Decides what leaves a queue, and what is dropped on the way.
pub trait Qdisc {
    /// Takes in a packet at `now`, or gives it back to be dropped. `chance` is the queue's stream.
    fn enqueue(&mut self, now: Instant, packet: Queued, chance: &mut Rng) -> Option<Queued>;

    /// Gives a packet up, because the queue holds more than it may; `None` without packets.
    fn shed(&mut self) -> Option<Queued>;

    /// Hands out the packet whose transmission begins at `now`, and adds to `dropped` what it passed
    /// over; `None` without packets. What it [marked](Queued::mark) is counted when it leaves.
    fn dequeue(&mut self, now: Instant, dropped: &mut Vec<Queued>) -> Option<Queued>;

    /// Visits what it holds, in no special order.
    fn each(&self, visit: &mut dyn FnMut(&Queued));
}

/// A packet in a queue.
#[derive(Clone, Debug)]
pub struct Queued {
    /// The packet, which stays in its place while it is handed on.
    pub packet: Box<Packet>,
    /// Arrival at the queue.
    pub entered: Instant,
    /// Its propagation, and damage done by this link.
    pub(super) passage: Passage,
    pub(super) damaged: bool,
    /// This queue marked it.
    pub(super) marked: bool,
    /// It is in a queue for L4S.
    pub(super) low: bool,
}

/// One line of the table of disciplines.
pub struct Discipline {
    /// Its name in scenario files.
    pub name: &'static str,
    /// One sentence for `testbed list`.
    pub summary: &'static str,
    /// Its keys beside `kind` and `limit`.
    pub parameters: &'static [Parameter],
    /// Its use of the classes of packets.
    pub classes: Classes,
    /// Makes one; without it, departures are fixed at the entrance.
    pub build: Option<Build>,
}

/// Use that a discipline makes of the classes of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classes {
    /// None: it is classless, as tc calls it.
    Blind,
    /// Each class has a queue of its own, in an order that the scenario gives.
    Ordered,
    /// The same, and a weight each.
    Weighted,
}

/// Makes a discipline for a queue with this limit and these parameters.
pub type Build = fn(&Queue) -> Box<dyn Qdisc>;

/// The parameter of disciplines that can mark: tc's `ecn` and `noecn`.
const fn ecn(default: bool) -> Parameter {
    Parameter {
        name: "ecn",
        kind: ParameterKind::Switch,
        default: if default { ("true", 1) } else { ("false", 0) },
        summary: "mark packets of transports that understand it (ECT) rather than drop them (RFC 3168)",
    }
}

/// The parameter of disciplines that mark by a threshold beside their law: tc's `ce_threshold`.
const CE_THRESHOLD: Parameter = Parameter {
    name: "ce_threshold",
    kind: ParameterKind::Threshold,
    default: ("0s", 0),
    summary: "every packet that waits longer is marked, if its transport understands (DCTCP's threshold); \"0s\" is never",
};

/// Something that a scenario may set for a discipline.
#[derive(Debug)]
pub struct Parameter {
    /// Its key.
    pub name: &'static str,
    /// Kind and range of its values.
    pub kind: ParameterKind,
    /// Default, as one would write it, and as a value.
    pub default: (&'static str, u64),
    /// One sentence.
    pub summary: &'static str,
}

/// Kind and range of the values of a [`Parameter`], and their unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// A time longer than zero, in nanoseconds.
    Span,
    /// A whole number in a range.
    Count(u64, u64),
    /// A size in a range of bytes.
    Size(u64, u64),
    /// Yes (1) or no (0).
    Switch,
    /// A rate, in bits per second.
    Rate,
    /// A probability, in billionths.
    Chance,
    /// A time, in nanoseconds; zero is never.
    Threshold,
    /// A gain in hertz, in millionths.
    Gain,
}

/// A queue as a scenario sets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// Its limit.
    pub capacity: Capacity,
    /// The line of the table.
    pub discipline: &'static Discipline,
    /// The values of its parameters, in their order.
    pub parameters: Vec<u64>,
    /// Of a discipline that looks at them, the classes that it knows with their weights, from the first on; a
    /// packet of another or of none belongs to the last.
    pub classes: Vec<(Class, u32)>,
}

/// Limit of a queue, the packet in transmission included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// So many packets.
    Packets(u64),
    /// So many bytes on the wire.
    Bytes(u64),
}

/// Packets that wait or are in transmission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Packets.
    pub packets: u64,
    /// Bytes on the wire.
    pub bytes: u64,
}

/// Every queue discipline there is; the first is the default. To add yours, add a file and a line.
pub static QUEUES: &[Discipline] = &[
    Discipline {
        name: "droptail",
        summary: "first in, first out, until there is no room (netem's limit, pfifo, bfifo)",
        parameters: &[],
        classes: Classes::Blind,
        build: None,
    },
    Discipline {
        name: "codel",
        summary: "controlled delay: drops at the head while packets wait for longer than a target (RFC 8289)",
        parameters: codel::PARAMETERS,
        classes: Classes::Blind,
        build: Some(|queue| Box::new(codel::Codel::new(&queue.parameters))),
    },
    Discipline {
        name: "fq_codel",
        summary: "a queue with CoDel for each flow, served in turn, new flows first (RFC 8290)",
        parameters: fq_codel::PARAMETERS,
        classes: Classes::Blind,
        build: Some(|queue| Box::new(fq_codel::FqCodel::new(&queue.parameters))),
    },
    Discipline {
        name: "pie",
        summary: "drops at the entrance by a chance that follows the queueing delay and its change (RFC 8033)",
        parameters: pie::PARAMETERS,
        classes: Classes::Blind,
        build: Some(|queue| Box::new(pie::Pie::new(&queue.parameters))),
    },
    Discipline {
        name: "dualpi2",
        summary: "a queue for L4S (ECT(1)) and one for others, whose marks and drops are coupled (RFC 9332)",
        parameters: dualpi2::PARAMETERS,
        classes: Classes::Blind,
        build: Some(|queue| Box::new(dualpi2::DualPi2::new(&queue.parameters))),
    },
    Discipline {
        name: "red",
        summary: "random early detection: drops at the entrance by a chance that follows the average queue (1993)",
        parameters: red::PARAMETERS,
        classes: Classes::Blind,
        build: Some(|queue| Box::new(red::Red::new(queue))),
    },
    Discipline {
        name: "prio",
        summary: "a band for each class of packets, served in strict order: the first as long as it holds any (tc-prio)",
        parameters: &[],
        classes: Classes::Ordered,
        build: Some(|queue| Box::new(prio::Prio::new(queue))),
    },
    Discipline {
        name: "drr",
        summary: "a queue for each class of packets, served in turn by bytes: deficit round robin (Shreedhar, Varghese 1995)",
        parameters: drr::PARAMETERS,
        classes: Classes::Weighted,
        build: Some(|queue| Box::new(drr::Drr::new(queue))),
    },
];

impl Discipline {
    /// The line called `name`.
    pub fn by_name(name: &str) -> Option<&'static Discipline> {
        QUEUES.iter().find(|discipline| discipline.name == name)
    }

    /// The defaults of its parameters, in their order.
    pub fn defaults(&self) -> Vec<u64> {
        self.parameters.iter().map(|parameter| parameter.default.1).collect()
    }
}

impl PartialEq for Discipline {
    fn eq(&self, other: &Discipline) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Discipline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Queued {
    /// Marks the packet instead of dropping it; false if its transport would not understand.
    pub fn mark(&mut self) -> bool {
        let understands = self.packet.segment.ecn.mark();
        self.marked |= understands;
        understands
    }
}

impl Queue {
    /// True if they differ in nothing but their limits.
    pub fn is_alike(&self, other: &Queue) -> bool {
        Queue { capacity: self.capacity, ..other.clone() } == *self
    }

    /// The classes that it knows; one of all packets where none is named.
    fn known_classes(&self) -> Vec<(Class, u32)> {
        if self.classes.is_empty() { vec![(Class::default(), 1)] } else { self.classes.clone() }
    }

    /// The place of a packet's class among those it knows.
    fn place_of(classes: &[(Class, u32)], item: &Queued) -> usize {
        let place = classes.iter().position(|(class, _)| *class == item.packet.class);
        place.unwrap_or(classes.len().saturating_sub(1))
    }
}

impl From<Capacity> for Queue {
    /// Drop-tail.
    fn from(capacity: Capacity) -> Queue {
        Queue { capacity, discipline: &QUEUES[0], parameters: Vec::new(), classes: Vec::new() }
    }
}

impl Default for Queue {
    fn default() -> Queue {
        Capacity::default().into()
    }
}

impl Default for Capacity {
    /// netem's default limit. Unlike netem's, it does not count packets that wait out the delay.
    fn default() -> Capacity {
        Capacity::Packets(1000)
    }
}

impl Capacity {
    /// True if so much fits.
    #[inline]
    pub fn holds(self, backlog: Backlog) -> bool {
        match self {
            Capacity::Packets(most) => backlog.packets <= most,
            Capacity::Bytes(most) => backlog.bytes <= most,
        }
    }
}

impl Backlog {
    /// With a packet of `size` bytes more.
    #[inline]
    #[must_use]
    pub fn with(self, size: u32) -> Backlog {
        Backlog { packets: self.packets + 1, bytes: self.bytes + u64::from(size) }
    }

    /// With a packet of `size` bytes less.
    #[inline]
    #[must_use]
    pub fn without(self, size: u32) -> Backlog {
        Backlog { packets: self.packets - 1, bytes: self.bytes - u64::from(size) }
    }
}

/// A span from a parameter's value.
fn span(value: u64) -> Duration {
    Duration::from_nanos(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_packet_that_fits_is_held_and_the_next_is_not() {
        let backlog = |packets, bytes| Backlog { packets, bytes };
        assert!(Capacity::Packets(10).holds(backlog(9, 1_000_000).with(1500)));
        assert!(!Capacity::Packets(10).holds(backlog(10, 0).with(1500)));
        assert!(Capacity::Bytes(10_000).holds(backlog(1_000, 8_500).with(1500)));
        assert!(!Capacity::Bytes(10_000).holds(backlog(0, 8_501).with(1500)));
    }

    #[test]
    fn names_are_unique_and_the_first_foresees() {
        for (i, discipline) in QUEUES.iter().enumerate() {
            assert_eq!(QUEUES.iter().position(|other| other.name == discipline.name), Some(i));
        }
        assert!(QUEUES[0].build.is_none());
    }
}
