//! Terms of a trial: the numbers of its scenario, as far as packets must keep to them.

use std::collections::BTreeMap;
use std::fmt;

use crate::time::{Duration, Instant};

/// Terms of a trial.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Each direction of each link, in the order of the tables.
    pub places: Vec<Place>,
    /// By group, the places that a flow's packets cross, up and down.
    pub paths: BTreeMap<String, [Vec<u32>; 2]>,
    /// Begin and end of the measured interval.
    pub measured: [Instant; 2],
}

/// One direction of a link.
#[derive(Clone, Debug)]
pub struct Place {
    /// `link.access up`.
    pub name: String,
    /// Terms from an instant on; the first from the beginning.
    pub epochs: Vec<(Instant, LinkTerms)>,
    /// Data segments that a list drops here.
    pub listed: u64,
    /// True if all clients share one instance, and not each has one of its own.
    pub shared: bool,
}

/// Terms of one direction of a link for some time.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkTerms {
    /// Propagation: the mean, and the least that its jitter allows.
    pub delay: Duration,
    /// See `delay`; equal without jitter.
    pub least: Duration,
    /// True if chance has a part in the delay.
    pub jitters: bool,
    /// Chance that a packet skips the delay.
    pub ahead: f64,
    /// Random loss.
    pub loss: Loss,
    /// Chance that a packet is doubled.
    pub duplicate: f64,
    /// Chance that it is damaged.
    pub corrupt: f64,
    /// Bits per second and bytes of a bucket beside the queue.
    pub policer: Option<(u64, u64)>,
    /// Transmission.
    pub rate: Rate,
    /// Queue in front of it.
    pub queue: Queue,
}

/// Random loss of a link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Each packet on its own, with this chance.
    Independent(f64),
    /// In bursts.
    Bursts(Bursts),
    /// Of a kind that is not judged.
    Any,
}

/// Loss by a state that is good at first, and again whenever these numbers change: a packet meets the state that the
/// one before it left behind (Gilbert 1960, Elliott 1963).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bursts {
    /// Chance that a packet leaves the good state behind it bad.
    pub worsen: f64,
    /// Chance that it leaves the bad state behind it good.
    pub recover: f64,
    /// Chance of loss in the bad state, and in the good one.
    pub loss: [f64; 2],
}

/// Rate of a link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// None: no time passes.
    Endless,
    /// So many bits per second, each packet after the other.
    Even(u64),
    /// The same, of which so many bytes may leave at once.
    Bucket(u64, u64),
    /// Opportunities of a trace, which is not judged; departures are.
    Trace,
    /// Exchanges of frames, which are not judged.
    Wifi,
}

/// Queue of a link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Queue {
    /// Its limit, the packet in transmission included.
    pub capacity: Capacity,
    /// Order in which it hands packets on.
    pub order: Order,
    /// True if it drops only what it has no room for.
    pub is_plain: bool,
    /// True if it marks.
    pub marks: bool,
}

/// Limit of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// So many packets.
    Packets(u64),
    /// So many bytes on the wire.
    Bytes(u64),
}

/// Order that packets keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// That of their arrival.
    All,
    /// The same among packets of a flow.
    Flow,
    /// The same among packets of a flow that go the same way by the last bit of their ECN field (RFC 9332).
    FlowAndMark,
    /// None.
    Any,
}

impl Place {
    /// Terms for what happens at an instant; changes hold for what comes after theirs.
    pub(super) fn at(&self, at: Instant) -> &LinkTerms {
        &self.epochs[self.epoch(at)].1
    }

    fn epoch(&self, at: Instant) -> usize {
        self.epochs.partition_point(|(from, _)| *from < at).max(1) - 1
    }

    /// The last change from an instant on to before another, by which terms are not alike.
    pub(super) fn change(
        &self,
        from: Instant,
        to: Instant,
        alike: impl Fn(&LinkTerms, &LinkTerms) -> bool,
    ) -> Option<Instant> {
        let mut later = (self.epoch(from) + 1..=self.epoch(to)).rev();
        later.find(|&n| !alike(&self.epochs[n - 1].1, &self.epochs[n].1)).map(|n| self.epochs[n].0)
    }

    /// The least time that a packet takes to be sent in an interval, in nanoseconds.
    pub(super) fn least_transmission(&self, size: u32, from: Instant, to: Instant) -> f64 {
        let first = self.epoch(from);
        let met = &self.epochs[first..=self.epoch(to).max(first)];
        met.iter().map(|(_, terms)| terms.transmission(size)).fold(f64::INFINITY, f64::min)
    }

    fn all(&self, holds: impl Fn(&LinkTerms) -> bool) -> bool {
        self.epochs.iter().all(|(_, terms)| holds(terms))
    }

    /// True if a packet's departure follows from its arrival, because chance has no part in it.
    pub(super) fn is_exact(&self) -> bool {
        let in_order = |terms: &LinkTerms| terms.queue.order == Order::All && terms.queue.is_plain;
        let endless = self.all(|terms| terms.rate == Rate::Endless);
        let even = self.all(|terms| matches!(terms.rate, Rate::Endless | Rate::Even(_)));
        self.all(LinkTerms::is_fixed) && even && (endless || self.all(in_order))
    }

    /// True if the end of a transmission follows from a packet's arrival at the far end.
    pub(super) fn shows_departures(&self) -> bool {
        let delay = self.epochs[0].1.delay;
        let shows = |terms: &LinkTerms| terms.is_fixed() && terms.delay == delay && terms.rate != Rate::Wifi;
        self.is_exact() || self.all(shows)
    }

    /// True if a crossing takes the delay or, ahead of others, no time at all.
    pub(super) fn takes_all_or_nothing(&self) -> bool {
        let delay = self.epochs[0].1.delay;
        self.all(|terms| terms.rate == Rate::Endless && !terms.jitters && terms.delay == delay)
    }

    /// True if each loss and each packet that passes tells the state of a chain.
    pub(super) fn shows_states(&self, bursts: &Bursts) -> bool {
        bursts.loss[0] >= 1.0 && bursts.loss[1] <= 0.0 && self.listed == 0
    }

    /// True if packets keep this order.
    pub(super) fn order(&self) -> Order {
        let free = |terms: &LinkTerms| terms.queue.order == Order::Any || terms.ahead > 0.0;
        if self.epochs.iter().any(|(_, terms)| free(terms)) {
            Order::Any
        } else {
            self.epochs[0].1.queue.order
        }
    }

    /// Rules that are not judged here, each in a few words.
    pub fn unjudged(&self) -> Vec<&'static str> {
        let mut words = Vec::new();
        let any = |holds: &dyn Fn(&LinkTerms) -> bool| self.epochs.iter().any(|(_, terms)| holds(terms));
        let queues = any(&|terms| terms.rate != Rate::Endless);
        if any(&|terms| terms.rate == Rate::Wifi) {
            words.push("rate, buffer, retries and aggregates of Wi-Fi");
        } else if queues && !self.shows_departures() {
            words.push("rate and buffer behind a delay that varies");
        } else if any(&|terms| terms.rate == Rate::Trace) {
            words.push("rate of a trace");
        }
        if any(&|terms| terms.loss == Loss::Any) {
            words.push("loss of Wi-Fi's frames");
        }
        if any(&|terms| matches!(&terms.loss, Loss::Bursts(bursts) if !self.shows_states(bursts))) {
            words.push("loss in bursts whose state does not show");
        }
        if self.listed > 0 {
            words.push("which segments a list drops");
        }
        if any(&|terms| terms.jitters) {
            words.push("shape of the jitter");
        }
        if any(&|terms| terms.ahead > 0.0) && !self.takes_all_or_nothing() {
            words.push("longest time beside packets that go ahead");
        }
        if queues && !self.is_exact() {
            words.push("wait in the queue");
        }
        if any(&|terms| !terms.queue.is_plain) {
            words.push("law of early drops and marks");
        }
        if matches!(self.order(), Order::Flow | Order::FlowAndMark) {
            words.push("turns and shares of flows");
        }
        if self.order() == Order::Any {
            words.push("order, which is free");
        }
        words
    }
}

impl LinkTerms {
    fn is_fixed(&self) -> bool {
        !self.jitters && self.ahead <= 0.0
    }

    /// True if packets leave at the same rate.
    pub(super) fn is_as_fast(&self, other: &LinkTerms) -> bool {
        self.rate == other.rate
    }

    /// Time that a packet of `size` bytes takes to be sent, in nanoseconds.
    pub(super) fn transmission(&self, size: u32) -> f64 {
        match self.rate {
            Rate::Even(bits) => f64::from(size) * 8e9 / bits as f64,
            Rate::Endless | Rate::Bucket(..) | Rate::Trace | Rate::Wifi => 0.0,
        }
    }
}

impl Loss {
    /// True if no packet is lost by chance.
    pub(super) fn is_never(self) -> bool {
        match self {
            Loss::Independent(chance) => chance <= 0.0,
            Loss::Bursts(bursts) => bursts.loss.iter().all(|chance| *chance <= 0.0),
            Loss::Any => false,
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rate::Endless => f.write_str("a link without a rate"),
            Rate::Even(bits) => write!(f, "a rate of {bits} bits per second"),
            Rate::Bucket(bits, bytes) => {
                write!(f, "a rate of {bits} bits per second with bursts of {bytes} bytes")
            }
            Rate::Trace => f.write_str("a trace"),
            Rate::Wifi => f.write_str("Wi-Fi"),
        }
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Capacity::Packets(most) => write!(f, "{most} packets"),
            Capacity::Bytes(most) => write!(f, "{most} bytes"),
        }
    }
}

impl Capacity {
    pub(super) fn holds(self, packets: u64, bytes: u64) -> bool {
        match self {
            Capacity::Packets(most) => packets <= most,
            Capacity::Bytes(most) => bytes <= most,
        }
    }
}
