//! FlowQueue-CoDel (RFC 8290): a queue for each flow, each under CoDel, served in turn by deficit round
//! robin; a flow that has just begun to queue comes before those that wait already.

use std::collections::VecDeque;

use super::codel::{self, Control, Law};
use super::{CE_THRESHOLD, Fifo, Parameter, ParameterKind, Qdisc, Queued, ecn};
use crate::rng::Rng;
use crate::time::Instant;

pub(super) const PARAMETERS: &[Parameter] = &[
    codel::TARGET,
    codel::INTERVAL,
    Parameter {
        name: "quantum",
        kind: ParameterKind::Size(1, 1 << 20),
        default: ("1514B", 1514),
        summary: "what a flow may send in its turn (RFC 8290 §5.2.4)",
    },
    Parameter {
        name: "flows",
        kind: ParameterKind::Count(1, 65_536),
        default: ("1024", 1024),
        summary: "queues; with more connections than that some share one (RFC 8290 §5.2.5)",
    },
    ecn(true),
    CE_THRESHOLD,
];

/// All queues of one link.
#[derive(Debug)]
pub(super) struct FqCodel {
    law: Law,
    quantum: i64,
    flows: usize,
    /// Grown as flows come.
    queues: Vec<FlowQueue>,
    /// Queues with packets, or with a turn to lose, by number (§4.2): those that have just begun, and the
    /// others.
    new: VecDeque<usize>,
    old: VecDeque<usize>,
    bytes: u64,
}

#[derive(Debug, Default)]
struct FlowQueue {
    fifo: Fifo,
    control: Control,
    /// Bytes that it may still send in this turn (§3.2, "byte credits").
    credit: i64,
    listed: bool,
}

impl FqCodel {
    pub(super) fn new(values: &[u64]) -> FqCodel {
        FqCodel {
            law: Law::new(values[0], values[1], values[4], values[5]),
            quantum: values[2].cast_signed(),
            flows: values[3] as usize,
            queues: Vec::new(),
            new: VecDeque::new(),
            old: VecDeque::new(),
            bytes: 0,
        }
    }

    /// The queue of a packet. Unlike RFC 8290 §4.1.1, connections are numbered rather than hashed, so that two
    /// share a queue only when there are more of them than queues.
    fn queue_of(&mut self, item: &Queued) -> usize {
        let number = item.packet.flow.0 as usize % self.flows;
        if number >= self.queues.len() {
            self.queues.resize_with(number + 1, FlowQueue::default);
        }
        number
    }
}

impl Qdisc for FqCodel {
    /// §4.1
    fn enqueue(&mut self, _: Instant, packet: Queued, _: &mut Rng) -> Option<Queued> {
        let number = self.queue_of(&packet);
        self.law.note(&packet);
        self.bytes += u64::from(packet.packet.size());
        let queue = &mut self.queues[number];
        queue.fifo.push(packet);
        if !queue.listed {
            queue.listed = true;
            queue.credit = self.quantum;
            self.new.push_back(number);
        }
        None
    }

    fn each(&self, visit: &mut dyn FnMut(&Queued)) {
        self.queues.iter().for_each(|queue| queue.fifo.each(visit));
    }

    /// §4.1.3: from the head of the queue that holds most bytes.
    fn shed(&mut self) -> Option<Queued> {
        let listed = self.new.iter().chain(&self.old);
        // Of equal ones the first, whatever `max_by_key` does.
        let fattest = listed.copied().rev().max_by_key(|&number| self.queues[number].fifo.bytes)?;
        let queue = &mut self.queues[fattest];
        let item = queue.fifo.pop()?;
        queue.control.note_shed();
        self.bytes -= u64::from(item.packet.size());
        Some(item)
    }

    /// §4.2
    fn dequeue(&mut self, now: Instant, dropped: &mut Vec<Queued>) -> Option<Queued> {
        loop {
            let is_new = !self.new.is_empty();
            let list = if is_new { &mut self.new } else { &mut self.old };
            let number = *list.front()?;
            let queue = &mut self.queues[number];
            if queue.credit <= 0 {
                queue.credit += self.quantum;
                list.pop_front();
                self.old.push_back(number);
                continue;
            }
            let before = dropped.len();
            let others = self.bytes - queue.fifo.bytes;
            let item = queue.control.dequeue(now, &self.law, &mut queue.fifo, others, dropped);
            for gone in dropped[before..].iter().chain(&item) {
                self.bytes -= u64::from(gone.packet.size());
            }
            let Some(mut item) = item else {
                list.pop_front();
                // A flow that is empty after its first turn waits for one more, lest it be new again at once.
                if is_new && !self.old.is_empty() {
                    self.old.push_back(number);
                } else {
                    queue.listed = false;
                }
                continue;
            };
            queue.credit -= i64::from(item.packet.size());
            self.law.mark_late(now, &mut item);
            return Some(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ms, number, queued, unused};
    use super::*;

    fn fq(flows: u64) -> FqCodel {
        FqCodel::new(&[5_000_000, 100_000_000, 1514, flows, 1, 0])
    }

    fn fill(fq: &mut FqCodel, flow: u32, packets: u32, size: u32) {
        for n in 0..packets {
            fq.enqueue(ms(0), queued(flow, 100 * flow + n, size, ms(0)), &mut unused());
        }
    }

    fn next(fq: &mut FqCodel) -> Option<u32> {
        let mut dropped = Vec::new();
        let item = fq.dequeue(ms(1), &mut dropped);
        assert!(dropped.is_empty());
        item.map(|item| number(&item))
    }

    #[test]
    fn two_long_queues_take_turns() {
        let mut fq = fq(1024);
        fill(&mut fq, 1, 4, 1500);
        fill(&mut fq, 2, 4, 1500);
        // The first turns let two packets pass: 1500 bytes leave 14 of 1514.
        let order: Vec<u32> = std::iter::from_fn(|| next(&mut fq)).collect();
        let of = |flow: u32| order.iter().filter(|n| **n / 100 == flow).count();
        assert_eq!((order.len(), of(1), of(2)), (8, 4, 4));
        assert!(order[..5].iter().any(|n| n / 100 == 2), "{order:?}");
        assert_eq!((fq.bytes, next(&mut fq)), (0, None));
    }

    #[test]
    fn small_packets_get_as_many_bytes_as_large_ones() {
        let mut fq = fq(1024);
        fill(&mut fq, 1, 50, 1500);
        fill(&mut fq, 2, 99, 300);
        let first: Vec<u32> = (0..60).filter_map(|_| next(&mut fq)).collect();
        let bytes = |flow: u32, size: usize| first.iter().filter(|n| **n / 100 == flow).count() * size;
        let (large, small) = (bytes(1, 1500), bytes(2, 300));
        assert!(large.abs_diff(small) <= 3_100, "{large} and {small} bytes");
    }

    #[test]
    fn a_flow_that_begins_comes_before_those_that_wait() {
        let mut fq = fq(1024);
        fill(&mut fq, 1, 20, 1500);
        (0..6).for_each(|_| assert!(next(&mut fq).is_some()));
        fill(&mut fq, 2, 1, 60);
        assert_eq!(next(&mut fq), Some(200));
    }

    #[test]
    fn the_fattest_queue_gives_up_its_head() {
        let mut fq = fq(1024);
        fill(&mut fq, 1, 3, 1500);
        fill(&mut fq, 2, 9, 60);
        assert_eq!(fq.shed().map(|item| number(&item)), Some(100));
        assert_eq!(fq.bytes, 2 * 1500 + 9 * 60);
    }

    #[test]
    fn each_flow_has_a_controller_of_its_own() {
        let mut fq = fq(1024);
        let (mut light, mut heavy) = (0, 0);
        for now in 0..2_000 {
            // One flow always has a long queue, the other a packet now and then.
            for _ in fq.queues.get(1).map_or(0, |queue| queue.fifo.packets.len())..20 {
                fq.enqueue(ms(now), queued(1, 1, 1500, ms(now.saturating_sub(60))), &mut unused());
            }
            if now % 50 == 0 {
                fq.enqueue(ms(now), queued(2, 2, 100, ms(now)), &mut unused());
            }
            let mut dropped = Vec::new();
            fq.dequeue(ms(now), &mut dropped);
            heavy += dropped.iter().filter(|item| number(item) == 1).count();
            light += dropped.iter().filter(|item| number(item) == 2).count();
        }
        assert!(heavy > 20 && light == 0, "{heavy} and {light} drops");
    }

    #[test]
    fn with_more_flows_than_queues_some_share_one() {
        let mut fq = fq(2);
        fill(&mut fq, 1, 1, 1500);
        fill(&mut fq, 3, 1, 1500);
        assert_eq!((next(&mut fq), next(&mut fq)), (Some(100), Some(300)));
        assert_eq!(fq.queues.len(), 2);
    }
}
