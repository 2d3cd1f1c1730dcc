//! CoDel (RFC 8289): what counts is how long packets wait, not how many there are. When the shortest
//! wait of an interval stays above the target, packets are dropped at the head, at first one in an
//! interval and then ever faster, as 1/√n, until the wait is short again.

use super::{CE_THRESHOLD, Fifo, Parameter, ParameterKind, Qdisc, Queued, ecn, span};
use crate::rng::Rng;
use crate::time::{Duration, Instant};

pub(super) const PARAMETERS: &[Parameter] = &[TARGET, INTERVAL, ecn(false), CE_THRESHOLD];

pub(super) const TARGET: Parameter = Parameter {
    name: "target",
    kind: ParameterKind::Span,
    default: ("5ms", 5_000_000),
    summary: "the queueing delay that is tolerated (RFC 8289 §4.3)",
};

pub(super) const INTERVAL: Parameter = Parameter {
    name: "interval",
    kind: ParameterKind::Span,
    default: ("100ms", 100_000_000),
    summary: "how long it may be longer, about the longest round trip (RFC 8289 §4.2)",
};

/// After a shorter pause than so many intervals, dropping goes on at nearly the rate it had (§5.5; 16 is
/// Linux's as well).
const MEMORY: u64 = 16;

/// One queue under CoDel.
#[derive(Debug)]
pub(super) struct Codel {
    law: Law,
    fifo: Fifo,
    control: Control,
}

/// The two constants, and the largest packet seen: with no more than that in the queue nothing is
/// dropped (§5.6 has the interface's MTU).
#[derive(Debug)]
pub(super) struct Law {
    target: Duration,
    interval: Duration,
    largest: u32,
    /// Marks rather than drops.
    ecn: bool,
    /// Wait from which every packet is marked.
    ce_threshold: Duration,
}

/// The state of the controller (§5.2).
#[derive(Debug, Default)]
pub(super) struct Control {
    /// End of the interval in which the wait stays above the target.
    first_above: Option<Instant>,
    dropping: bool,
    drop_next: Instant,
    /// Drops since dropping began, and when it began last.
    count: u32,
    last_count: u32,
}

impl Codel {
    pub(super) fn new(values: &[u64]) -> Codel {
        Codel {
            law: Law::new(values[0], values[1], values[2], values[3]),
            fifo: Fifo::default(),
            control: Control::default(),
        }
    }
}

impl Qdisc for Codel {
    fn enqueue(&mut self, _: Instant, packet: Queued, _: &mut Rng) -> Option<Queued> {
        self.law.note(&packet);
        self.fifo.push(packet);
        None
    }

    fn each(&self, visit: &mut dyn FnMut(&Queued)) {
        self.fifo.each(visit);
    }

    fn shed(&mut self) -> Option<Queued> {
        self.fifo.pop_last()
    }

    fn dequeue(&mut self, now: Instant, dropped: &mut Vec<Queued>) -> Option<Queued> {
        let mut sent = self.control.dequeue(now, &self.law, &mut self.fifo, 0, dropped);
        if let Some(item) = &mut sent {
            self.law.mark_late(now, item);
        }
        sent
    }
}

impl Law {
    /// From the values of [`TARGET`], [`INTERVAL`], [`ecn`] and [`CE_THRESHOLD`].
    pub(super) fn new(target: u64, interval: u64, ecn: u64, ce_threshold: u64) -> Law {
        let ce_threshold = if ce_threshold > 0 { span(ce_threshold) } else { Duration::MAX };
        Law { target: span(target), interval: span(interval), largest: 0, ecn: ecn > 0, ce_threshold }
    }

    /// Marks a packet that is sent if it waited longer than the threshold beside the law, with `ecn` or without (as in
    /// Linux).
    #[inline]
    pub(super) fn mark_late(&self, now: Instant, item: &mut Queued) {
        if now - item.entered > self.ce_threshold {
            item.mark();
        }
    }

    #[inline]
    pub(super) fn note(&mut self, item: &Queued) {
        self.largest = self.largest.max(item.packet.size());
    }

    /// True if the packet that would be dropped is marked instead, which counts as a drop for the law (as in
    /// Linux's `codel_dequeue`).
    fn marks(&self, head: &mut Option<Queued>) -> bool {
        self.ecn && head.as_mut().is_some_and(Queued::mark)
    }

    /// Instant of the next drop (§5.3): `from` + interval / √count. Square roots are exact to the last bit
    /// everywhere (IEEE 754).
    fn next(&self, from: Instant, count: u32) -> Instant {
        from + Duration::from_nanos((self.interval.as_nanos() as f64 / f64::from(count).sqrt()) as u64)
    }
}

impl Control {
    /// The packet to send (§5.5). `others` are bytes that wait in further queues before the same
    /// transmitter.
    #[inline]
    pub(super) fn dequeue(
        &mut self,
        now: Instant,
        law: &Law,
        fifo: &mut Fifo,
        others: u64,
        dropped: &mut Vec<Queued>,
    ) -> Option<Queued> {
        let mut head = fifo.pop();
        let mut above = self.is_above(now, law, head.as_ref(), fifo.bytes + others);
        if self.dropping {
            self.dropping = above;
            while self.dropping && now >= self.drop_next {
                self.count = self.count.saturating_add(1);
                if law.marks(&mut head) {
                    self.drop_next = law.next(self.drop_next, self.count);
                    return head;
                }
                dropped.extend(head);
                head = fifo.pop();
                above = self.is_above(now, law, head.as_ref(), fifo.bytes + others);
                self.dropping = above;
                if above {
                    self.drop_next = law.next(self.drop_next, self.count);
                }
            }
        } else if above {
            if !law.marks(&mut head) {
                dropped.extend(head);
                head = fifo.pop();
                self.is_above(now, law, head.as_ref(), fifo.bytes + others);
            }
            self.dropping = true;
            let recent = now.saturating_since(self.drop_next) < law.interval * MEMORY;
            let before = self.count.saturating_sub(self.last_count);
            self.count = if recent && before > 1 { before } else { 1 };
            self.last_count = self.count;
            self.drop_next = law.next(now, self.count);
        }
        head
    }

    /// True if waits have been above the target for an interval (§5.6), the one of the packet `head` included;
    /// `behind` are the bytes that wait after it.
    #[inline]
    fn is_above(&mut self, now: Instant, law: &Law, head: Option<&Queued>, behind: u64) -> bool {
        let waits = head.is_some_and(|item| now - item.entered >= law.target) && behind > law.largest.into();
        if !waits {
            self.first_above = None;
            return false;
        }
        now >= *self.first_above.get_or_insert(now + law.interval)
    }

    /// A packet of this queue was given up for want of room: as good as a drop (as in Linux).
    pub(super) fn note_shed(&mut self) {
        self.count = self.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{capable, ms, number, queued, unused};
    use super::*;

    fn codel() -> Codel {
        Codel::new(&[5_000_000, 100_000_000, 0, 0])
    }

    /// Serves a packet each millisecond from `from` to `until`, out of eight that have waited for `wait` ms;
    /// the instants of drops in ms.
    fn drops(codel: &mut Codel, wait: u64, from: u64, until: u64) -> Vec<u64> {
        let mut at = Vec::new();
        for now in from..until {
            codel.fifo = Fifo::default();
            for _ in 0..8 {
                codel.enqueue(ms(now), queued(0, 0, 1500, ms(now.saturating_sub(wait))), &mut unused());
            }
            let mut dropped = Vec::new();
            codel.dequeue(ms(now), &mut dropped);
            at.extend(dropped.iter().map(|_| now));
        }
        at
    }

    #[test]
    fn a_wait_below_the_target_drops_nothing() {
        assert!(drops(&mut codel(), 4, 0, 2_000).is_empty());
    }

    /// RFC 8289 §5.3: the first drop after one interval, then after interval/√1, /√2, /√3 …
    #[test]
    fn a_standing_queue_is_dropped_from_after_an_interval_and_then_ever_faster() {
        let at: Vec<u64> = drops(&mut codel(), 50, 1_000, 1_700).iter().map(|at| at - 1_000).collect();
        let mut law = vec![100.0];
        let mut next = 200.0;
        for count in 2.. {
            if next >= 699.0 {
                break;
            }
            law.push(next);
            next += 100.0 / f64::from(count).sqrt();
        }
        assert_eq!(at.len(), law.len(), "{at:?} {law:?}");
        for (at, law) in at.iter().zip(&law) {
            assert!((*at as f64 - law).abs() <= 1.0, "{at} instead of {law:.1}");
        }
    }

    /// As Linux (`codel_dequeue`): marks follow the law of drops, and every packet is sent.
    #[test]
    fn with_ecn_packets_that_understand_are_marked_at_the_same_instants() {
        let plain = drops(&mut codel(), 50, 1_000, 1_700);
        let marks_and_drops = |capable_ones: bool| {
            let mut codel = Codel::new(&[5_000_000, 100_000_000, 1, 0]);
            let (mut marks, mut drops) = (Vec::new(), Vec::new());
            for now in 1_000..1_700 {
                codel.fifo = Fifo::default();
                let make = if capable_ones { capable } else { queued };
                for _ in 0..8 {
                    codel.enqueue(ms(now), make(0, 0, 1500, ms(now - 50)), &mut unused());
                }
                let mut dropped = Vec::new();
                let sent = codel.dequeue(ms(now), &mut dropped).expect("a packet");
                marks.extend(sent.marked.then_some(now));
                drops.extend(dropped.iter().map(|_| now));
            }
            (marks, drops)
        };
        assert_eq!(marks_and_drops(true), (plain.clone(), vec![]));
        assert_eq!(marks_and_drops(false), (vec![], plain));
    }

    #[test]
    fn one_short_wait_ends_it() {
        let mut codel = codel();
        assert!(!drops(&mut codel, 50, 0, 400).is_empty());
        assert!(drops(&mut codel, 1, 400, 420).is_empty());
        // It takes a whole interval again.
        let again = drops(&mut codel, 50, 430, 600);
        assert!(again[0] >= 530, "{again:?}");
        // And then it goes on nearly where it was, instead of with one drop an interval.
        assert!(again.len() >= 2 && again[1] - again[0] < 100, "{again:?}");
    }

    #[test]
    fn the_last_packet_is_never_dropped() {
        let mut codel = codel();
        for now in (0..3_000).step_by(500) {
            codel.enqueue(ms(now), queued(0, 7, 1500, ms(now)), &mut unused());
            let mut dropped = Vec::new();
            let sent = codel.dequeue(ms(now + 499), &mut dropped);
            assert_eq!((sent.map(|item| number(&item)), dropped.len()), (Some(7), 0));
        }
    }

    #[test]
    fn without_room_the_newest_is_given_up() {
        let mut codel = codel();
        for n in 0..3 {
            codel.enqueue(ms(0), queued(0, n, 1500, ms(0)), &mut unused());
        }
        assert_eq!(codel.shed().map(|item| number(&item)), Some(2));
        let mut dropped = Vec::new();
        assert_eq!(codel.dequeue(ms(1), &mut dropped).map(|item| number(&item)), Some(0));
    }

    /// tc's `ce_threshold`, with `ecn` or without: whatever waits longer is marked.
    #[test]
    fn a_threshold_marks_what_waits_for_longer() {
        for (wait, make, marked) in [
            (2, capable as fn(u32, u32, u32, Instant) -> Queued, false),
            (3, capable, true),
            (3, queued, false),
        ] {
            let mut codel = Codel::new(&[5_000_000, 100_000_000, 0, 2_500_000]);
            codel.enqueue(ms(0), make(0, 0, 1500, ms(0)), &mut unused());
            let sent = codel.dequeue(ms(wait), &mut Vec::new());
            assert_eq!(sent.map(|item| item.marked), Some(marked), "{wait} ms");
        }
    }
}
