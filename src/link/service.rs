//! Queues that decide at both ends: a packet is handed out when the transmitter is free, and only
//! then it is known when it will arrive.

use super::chance::{Chance, Streams};
use super::config::Config;
use super::flight::Transit;
use super::notes::note;
use super::propagation::{Order, Passage};
use super::qdisc::{Fifo, Qdisc, Queued};
use super::rate::Serialiser;
use super::wifi::Station;
use super::{Fate, Link, Tally, Waiting};
use crate::time::{Duration, Instant};
use crate::wire::FlowId;

/// A discipline at work.
pub(super) struct Service {
    qdisc: Box<dyn Qdisc>,
    /// Its streams of chance.
    streams: Streams,
    /// Packets that it holds, and when the last of them came.
    held: u64,
    last_entry: Instant,
    /// Room for what it drops, kept from one call to the next.
    dropped: Vec<Queued>,
    /// Waits of the measured interval in a queue for L4S.
    pub(super) low_delay: Tally,
    /// Of Wi-Fi, what it has taken from the discipline and not yet delivered.
    pub(super) station: Option<Box<Station>>,
}

impl Service {
    /// Of a link whose discipline or transmitter needs one.
    pub(super) fn of(config: &Config, chance: &Chance) -> Option<Box<Service>> {
        let queue = &config.queue;
        let qdisc: Box<dyn Qdisc> = match queue.discipline.build {
            Some(build) => build(queue),
            None if config.wifi.is_some() => Box::new(Fifo::default()),
            None => return None,
        };
        Some(Box::new(Service {
            qdisc,
            streams: chance.streams("queue"),
            held: 0,
            last_entry: Instant::ZERO,
            dropped: Vec::new(),
            low_delay: Tally::default(),
            station: config.wifi.as_ref().map(|_| Box::new(Station::new(chance))),
        }))
    }

    /// A flow's number belongs to another from now on.
    pub(super) fn forget(&mut self, flow: FlowId) {
        self.streams.forget(flow);
        self.station.iter_mut().for_each(|station| station.forget(flow));
    }

    /// Visits what it holds.
    pub(super) fn each(&self, visit: &mut dyn FnMut(&Queued)) {
        self.station.iter().for_each(|station| station.each(visit));
        self.qdisc.each(visit);
    }

    pub(super) fn held(&self) -> u64 {
        self.held + self.station.as_ref().map_or(0, |station| station.held())
    }

    /// Instant of its next turn at the transmitter; [`Instant::MAX`] with nothing to send.
    #[inline]
    fn due(&self, serialiser: &Serialiser) -> Instant {
        if self.held() > 0 { serialiser.next_start(self.last_entry) } else { Instant::MAX }
    }
}

impl Link {
    /// Looks up when the discipline's next turn is, since something has changed there.
    #[inline]
    pub(super) fn take_turn(&mut self) {
        self.turn = self.service.as_ref().map_or(Instant::MAX, |service| service.due(&self.serialiser));
    }

    /// Takes in a packet that passed the entrance.
    pub(super) fn join(&mut self, item: Queued) {
        let (now, size) = (item.entered, item.packet.size());
        // Packets that have left take no room any more.
        self.catch_up(now);
        let Some(service) = &mut self.service else { return };
        let chance = service.streams.of(item.packet.flow, &self.chance);
        if let Some(item) = service.qdisc.enqueue(now, item, chance) {
            note(&mut self.noted, now, &item.packet, Fate::Managed);
            self.counters.dropped_queue += 1;
            self.counters.dropped_aqm += 1;
            return;
        }
        service.held += 1;
        service.last_entry = now;
        self.backlog = self.backlog.with(size);
        let capacity = self.measured.epoch.config.queue.capacity;
        while !capacity.holds(self.backlog)
            && let Some(item) = service.qdisc.shed()
        {
            service.held -= 1;
            self.backlog = self.backlog.without(item.packet.size());
            self.counters.dropped_queue += 1;
            note(&mut self.noted, now, &item.packet, Fate::Crowded);
        }
        // Frames on the air cannot be shed, when a limit has become lower.
        if capacity.holds(self.backlog) {
            self.note_longest();
        }
        self.take_turn();
        self.serve(now);
    }

    /// Begins every transmission that is due by `now`.
    #[inline]
    pub(super) fn serve(&mut self, now: Instant) {
        while self.turn <= now {
            self.begin(self.turn);
            self.take_turn();
        }
    }

    /// Begins what is due at `at`.
    #[inline(never)]
    fn begin(&mut self, at: Instant) {
        self.retire(at);
        if let Some(wifi) = self.config().wifi.as_deref().copied() {
            self.exchange(at, wifi);
        } else if let Some(item) = self.next_of_queue(at) {
            self.send(at, item);
        }
    }

    /// Takes the packet from the discipline whose transmission begins at `at`.
    #[inline(always)]
    pub(super) fn next_of_queue(&mut self, at: Instant) -> Option<Queued> {
        let service = self.service.as_mut()?;
        let item = service.qdisc.dequeue(at, &mut service.dropped);
        service.held -= service.dropped.len() as u64 + u64::from(item.is_some());
        assert!(item.is_some() || service.held == 0, "a discipline hands out what it holds");
        if !service.dropped.is_empty() {
            for item in service.dropped.drain(..) {
                self.backlog = self.backlog.without(item.packet.size());
                self.counters.dropped_queue += 1;
                self.counters.dropped_aqm += 1;
                note(&mut self.noted, at, &item.packet, Fate::Managed);
            }
        }
        item
    }

    /// The transmission of `item` begins at `at`, when the transmitter is free.
    fn send(&mut self, at: Instant, item: Queued) {
        let size = item.packet.size();
        let back_to_back = item.entered < self.serialiser.free();
        let (start, departure) = self.serialiser.serve(at, size);
        let (entered, passage) = (item.entered, item.passage);
        self.leave(at, Waiting { entered, start, departure, passage, size, back_to_back }, item);
    }

    /// A packet that the discipline handed out is on its way, as `waiting` has it.
    #[inline(always)]
    pub(super) fn leave(&mut self, at: Instant, waiting: Waiting, item: Queued) {
        self.counters.marked += u64::from(item.marked);
        if item.marked {
            note(&mut self.noted, at, &item.packet, Fate::Marked);
        }
        if item.low {
            self.note_low(waiting.start - item.entered);
        }
        let transit = self.depart(waiting.departure, waiting.passage, item.damaged);
        if waiting.passage.order != Order::Ahead {
            self.measured.drawn_at(item.entered);
        }
        self.waiting.push_back(waiting);
        self.flight.push(transit, item.packet);
    }

    fn note_low(&mut self, wait: Duration) {
        if let Some(service) = &mut self.service {
            service.low_delay.record(wait);
        }
    }

    /// The transit of a packet whose transmission ends at `departure`.
    #[inline(always)]
    pub(super) fn depart(&mut self, departure: Instant, passage: Passage, damaged: bool) -> Transit {
        let due = departure + passage.delay;
        let arrival = if passage.order == Order::Kept { due.max(self.flight.latest()) } else { due };
        if passage.order != Order::Ahead {
            self.measured.propagated(passage.delay);
        }
        let entry = self.next_entry;
        self.next_entry += 1;
        Transit::new(arrival, entry, damaged)
    }
}
