//! Counters of a link: packets since the start, and the measured interval.

use super::Link;
use super::config::Config;
use super::tally::Tally;
use super::wifi::Exchanges;
use crate::facts::Counters;
use crate::time::{Duration, Instant};
use crate::units::Rate;

/// A link's account of itself at one instant; those of per-client instances are merged into one.
/// Counts are of the whole trial, the rest of the measured interval: loss, propagation delay and
/// the longest queue of the packets that entered in it, queueing delay and rate of those whose
/// transmission ended in it.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// Packets since the start.
    pub counters: Counters,
    /// Packets inside.
    pub in_flight: u64,
    /// From arrival at the queue to the start of transmission; empty without a rate.
    pub queue_delay: Tally,
    /// The same of packets in a queue for L4S.
    pub low_delay: Tally,
    /// From the end of transmission to arrival at the far end, without those that netem's
    /// `reorder` sends ahead; as planned at the entrance, before any later change of the rate.
    pub propagation: Tally,
    /// The rate at the end, of one instance.
    pub rate: Option<Rate>,
    /// Time spent transmitting, summed over instances.
    pub busy: Duration,
    /// Length of the interval, summed over instances that had a rate.
    pub rated: Duration,
    /// One for each configuration that was in force in the interval.
    pub(super) epochs: Vec<Epoch>,
}

/// Counters while one configuration was in force.
#[derive(Clone, Debug)]
pub(super) struct Epoch {
    pub config: Config,
    /// State of the link's memory at first.
    pub start: Start,
    /// Packets that came and were judged, and those that the loss model took.
    pub judged: u64,
    pub lost: u64,
    /// Packets that something dropped at the entrance; of the others, those doubled and damaged.
    pub refused: u64,
    pub duplicated: u64,
    pub corrupted: u64,
    /// Packets drawn to go ahead.
    pub ahead: u64,
    /// The link instances that are summed here, once it is over.
    pub runs: Vec<Run>,
    /// Packets in the propagation tally.
    pub propagated: u64,
    /// The longest queue that a packet joined, itself included.
    pub longest_packets: u64,
    pub longest_bytes: u64,
    /// Transmissions that followed their predecessor without a gap: how many, of how many bytes,
    /// and how long they took.
    pub saturated_packets: u64,
    pub saturated_bytes: u64,
    pub saturated_span: Duration,
    /// Of a trace, the bytes that could leave in that span, and those about which its ends leave doubt:
    /// of an opportunity that began or ended it, others may have had a part.
    pub saturated_chances: u64,
    pub saturated_doubt: u64,
    /// Beginning and length of the interval, the latter summed over instances once it is over; and of a
    /// policer the bytes that passed it.
    pub since: Instant,
    pub span: Duration,
    pub policed_bytes: u64,
    /// Those of Wi-Fi.
    pub exchanges: Option<Box<Exchanges>>,
}

/// Memory of a link from packet to packet, as far as laws depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    /// True if the loss model is in its bad state.
    pub bad: bool,
    /// Packets since the last that went ahead.
    pub delayed: u32,
}

/// One link instance under one configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub start: Start,
    pub judged: u64,
}

/// The measured interval of one link, as it goes on.
#[derive(Debug)]
pub(super) struct Measured {
    pub since: Instant,
    /// The transmitter's busy time before.
    pub busy_before: Duration,
    pub queue_delay: Tally,
    pub propagation: Tally,
    pub epoch: Epoch,
    pub past: Vec<Epoch>,
    /// The last transmission of a rate that is not even, and whether it followed another without a gap.
    pub last: Option<(Instant, bool)>,
    /// Use of a trace in the interval.
    pub replayed: Replayed,
}

/// Use of a trace.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Replayed {
    /// Beginning of the present trace in the interval, and the bytes sent since.
    pub since: Instant,
    pub bytes: u64,
    /// Of earlier traces, their time by the share of their opportunities that was used.
    pub busy: Duration,
}

impl Statistics {
    /// Adds another instance of the same link.
    pub fn merge(&mut self, other: &Statistics) {
        self.counters.add(&other.counters);
        self.in_flight += other.in_flight;
        self.queue_delay.merge(&other.queue_delay);
        self.low_delay.merge(&other.low_delay);
        self.propagation.merge(&other.propagation);
        self.rate = self.rate.or(other.rate);
        self.busy += other.busy;
        self.rated += other.rated;
        for epoch in &other.epochs {
            match self.epochs.iter_mut().find(|mine| mine.config == epoch.config) {
                Some(mine) => mine.add(epoch),
                None => self.epochs.push(epoch.clone()),
            }
        }
    }

    /// The busy share of the interval; `None` without a rate.
    pub fn utilisation(&self) -> Option<f64> {
        (!self.rated.is_zero()).then(|| self.busy.as_secs_f64() / self.rated.as_secs_f64())
    }

    /// Panics unless offered + duplicated = delivered + dropped + in flight.
    pub fn check_conservation(&self, label: &str) {
        self.counters.check_conservation(self.in_flight, label);
    }
}

impl Epoch {
    pub(super) fn new(since: Instant, config: &Config, start: Start) -> Epoch {
        Epoch {
            config: config.clone(),
            start,
            judged: 0,
            lost: 0,
            refused: 0,
            duplicated: 0,
            corrupted: 0,
            ahead: 0,
            runs: Vec::new(),
            propagated: 0,
            longest_packets: 0,
            longest_bytes: 0,
            saturated_packets: 0,
            saturated_bytes: 0,
            saturated_span: Duration::ZERO,
            saturated_chances: 0,
            saturated_doubt: 0,
            since,
            span: Duration::ZERO,
            policed_bytes: 0,
            exchanges: None,
        }
    }

    /// Takes itself for a run, so that several can be summed.
    pub(super) fn conclude(mut self) -> Epoch {
        self.runs = vec![Run { start: self.start, judged: self.judged }];
        self
    }

    fn add(&mut self, other: &Epoch) {
        self.runs.extend_from_slice(&other.runs);
        self.judged += other.judged;
        self.lost += other.lost;
        self.refused += other.refused;
        self.duplicated += other.duplicated;
        self.corrupted += other.corrupted;
        self.ahead += other.ahead;
        self.propagated += other.propagated;
        self.longest_packets = self.longest_packets.max(other.longest_packets);
        self.longest_bytes = self.longest_bytes.max(other.longest_bytes);
        self.saturated_packets += other.saturated_packets;
        self.saturated_bytes += other.saturated_bytes;
        self.saturated_span += other.saturated_span;
        self.saturated_chances += other.saturated_chances;
        self.saturated_doubt += other.saturated_doubt;
        self.span += other.span;
        self.policed_bytes += other.policed_bytes;
        if let Some(exchanges) = &other.exchanges {
            self.exchanges.get_or_insert_default().add(exchanges);
        }
    }
}

impl Measured {
    pub(super) fn new(since: Instant, busy_before: Duration, config: &Config, start: Start) -> Measured {
        Measured {
            since,
            busy_before,
            queue_delay: Tally::default(),
            propagation: Tally::default(),
            epoch: Epoch::new(since, config, start),
            past: Vec::new(),
            last: None,
            replayed: Replayed { since, ..Replayed::default() },
        }
    }

    /// A packet's propagation was drawn; what it waits for its predecessors comes on top.
    #[inline]
    pub(super) fn propagated(&mut self, delay: Duration) {
        self.epoch.propagated += 1;
        self.propagation.record(delay);
    }

    /// The last packet so counted came at `entered`: its propagation is of the configuration that held then.
    pub(super) fn drawn_at(&mut self, entered: Instant) {
        if entered >= self.epoch.since || self.past.is_empty() {
            return;
        }
        // From before the interval is from its first.
        let at = self.past.iter().rposition(|old| old.since <= entered).unwrap_or(0);
        self.past[at].propagated += 1;
        self.epoch.propagated -= 1;
    }

    /// Another configuration is in force from here on.
    pub(super) fn begin_epoch(&mut self, now: Instant, config: &Config, start: Start) {
        let mut old = std::mem::replace(&mut self.epoch, Epoch::new(now, config, start));
        old.span = now - old.since;
        self.past.push(old);
    }
}

impl Link {
    /// Begins the measured interval: forgets everything but the counters since the start.
    pub fn begin_measurement(&mut self, now: Instant) {
        self.catch_up(now);
        let busy = self.serialiser.busy(now);
        let config = self.config().clone();
        self.measured = Measured::new(now, busy, &config, self.start());
        self.service.iter_mut().for_each(|service| service.low_delay = Tally::default());
    }

    /// The account of the interval from [`begin_measurement`](Link::begin_measurement), or the
    /// start, to `end`.
    pub fn statistics(&mut self, end: Instant) -> Statistics {
        self.catch_up(end);
        let measured = &self.measured;
        let all = measured.past.iter().chain([&measured.epoch]);
        let mut epochs: Vec<Epoch> = all.cloned().map(Epoch::conclude).collect();
        if let Some(last) = epochs.last_mut() {
            last.span = end - last.since;
        }
        let rated = epochs.iter().any(|epoch| epoch.config.rate.is_some());
        Statistics {
            counters: self.counters,
            in_flight: self.in_flight(),
            queue_delay: measured.queue_delay.clone(),
            low_delay: self.service.as_ref().map(|service| service.low_delay.clone()).unwrap_or_default(),
            propagation: measured.propagation.clone(),
            rate: self.serialiser.rate(),
            busy: self.serialiser.busy(end).saturating_sub(measured.busy_before) + self.replaying(end),
            rated: if rated { end - measured.since } else { Duration::ZERO },
            epochs,
        }
    }
}
