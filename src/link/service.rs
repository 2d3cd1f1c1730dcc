//! Queues that decide at both ends: a packet is handed out when the transmitter is free, and only
//! then it is known when it will arrive.

use super::chance::{Chance, Streams};
use super::flight::Transit;
use super::notes::note;
use super::propagation::{Order, Passage};
use super::qdisc::{Qdisc, Queue, Queued};
use super::rate::Serialiser;
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
}

impl Service {
    /// Of a queue whose discipline needs one.
    pub(super) fn of(queue: &Queue, chance: &Chance) -> Option<Box<Service>> {
        let build = queue.discipline.build?;
        Some(Box::new(Service {
            qdisc: build(queue),
            streams: chance.streams("queue"),
            held: 0,
            last_entry: Instant::ZERO,
            dropped: Vec::new(),
            low_delay: Tally::default(),
        }))
    }

    /// A flow's number belongs to another from now on.
    pub(super) fn forget(&mut self, flow: FlowId) {
        self.streams.forget(flow);
    }

    /// Visits what it holds.
    pub(super) fn each(&self, visit: &mut dyn FnMut(&Queued)) {
        self.qdisc.each(visit);
    }

    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// Instant of its next turn at the transmitter.
    fn due(&self, serialiser: &Serialiser) -> Option<Instant> {
        (self.held > 0).then(|| serialiser.next_start(self.last_entry))
    }
}

impl Link {
    /// Start of the next transmission, as far as that is for the discipline to decide.
    #[inline]
    pub(super) fn next_service(&self) -> Option<Instant> {
        self.service.as_ref()?.due(&self.serialiser)
    }

    /// Takes in a packet that passed the entrance.
    pub(super) fn join(&mut self, item: Queued) {
        let (now, size) = (item.entered, item.packet.size());
        // What has left takes no room any more.
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
        self.note_longest();
        self.serve(now);
    }

    /// Begins every transmission that is due by `now`.
    pub(super) fn serve(&mut self, now: Instant) {
        while let Some(at) = self.next_service().filter(|at| *at <= now) {
            self.retire(at);
            let Some(service) = &mut self.service else { return };
            let item = service.qdisc.dequeue(at, &mut service.dropped);
            service.held -= service.dropped.len() as u64 + u64::from(item.is_some());
            assert!(item.is_some() || service.held == 0, "a discipline hands out what it holds");
            for item in service.dropped.drain(..) {
                self.backlog = self.backlog.without(item.packet.size());
                self.counters.dropped_queue += 1;
                self.counters.dropped_aqm += 1;
                note(&mut self.noted, at, &item.packet, Fate::Managed);
            }
            if let Some(item) = item {
                self.send(at, item);
            }
        }
    }

    /// The transmission of `item` begins at `at`, when the transmitter is free.
    fn send(&mut self, at: Instant, mut item: Queued) {
        let size = item.packet.size();
        let back_to_back = item.entered < self.serialiser.free();
        let (start, departure) = self.serialiser.serve(at, size);
        self.counters.marked += u64::from(item.marked);
        if item.marked {
            note(&mut self.noted, at, &item.packet, Fate::Marked);
        }
        if item.low {
            self.note_low(start - item.entered);
        }
        let passage = item.passage;
        self.waiting.push_back(Waiting {
            entered: item.entered,
            start,
            departure,
            passage,
            size,
            back_to_back,
        });
        let transit = self.depart(departure, passage, item.damaged);
        self.flight.push(transit, &mut item.packet);
    }

    fn note_low(&mut self, wait: Duration) {
        if let Some(service) = &mut self.service {
            service.low_delay.record(wait);
        }
    }

    /// The transit of a packet whose transmission ends at `departure`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one call on the hot path: a frame costs more than it saves")]
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
