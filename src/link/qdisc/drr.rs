//! Deficit round robin (Shreedhar and Varghese, SIGCOMM 1995) over classes: in its turn each may send its
//! quantum times its weight, and what it could not use of that, because the next packet was larger, it keeps
//! for its next turn. So each gets its share of the bytes, whatever the sizes of its packets.
//!
//! Unlike tc-drr's, whose classes have a queue discipline and a limit each, all share the limit of the
//! link; what exceeds it is taken from the class that holds most for its weight (as `fq_codel` does). A packet of
//! no class belongs to the last class, where tc-drr would drop it.

use std::collections::VecDeque;

use super::{Fifo, Parameter, ParameterKind, Qdisc, Queue, Queued};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::Class;

pub(super) const PARAMETERS: &[Parameter] = &[Parameter {
    name: "quantum",
    kind: ParameterKind::Size(1, 1 << 20),
    default: ("1514B", 1514),
    summary: "what a class of weight 1 may send in its turn (tc-drr: the interface's MTU)",
}];

/// All classes of one link.
#[derive(Debug)]
pub(super) struct Drr {
    classes: Vec<(Class, u32)>,
    queues: Vec<ClassQueue>,
    /// Classes with packets, by place, in the order of their turns.
    turns: VecDeque<usize>,
}

#[derive(Debug)]
struct ClassQueue {
    fifo: Fifo,
    quantum: u64,
    /// Bytes that it may still send in this turn.
    deficit: u64,
}

impl Drr {
    pub(super) fn new(queue: &Queue) -> Drr {
        let of = |(_, weight): &(Class, u32)| ClassQueue {
            fifo: Fifo::default(),
            quantum: queue.parameters[0] * u64::from(*weight),
            deficit: 0,
        };
        let classes = queue.known_classes();
        let queues = classes.iter().map(of).collect();
        Drr { classes, queues, turns: VecDeque::new() }
    }

    /// A class without packets loses its turn and what it saved.
    fn retire_if_empty(&mut self, place: usize) {
        let queue = &mut self.queues[place];
        if queue.fifo.packets.is_empty() {
            queue.deficit = 0;
            self.turns.retain(|turn| *turn != place);
        }
    }
}

impl Qdisc for Drr {
    fn enqueue(&mut self, _: Instant, packet: Queued, _: &mut Rng) -> Option<Queued> {
        let place = Queue::place_of(&self.classes, &packet);
        let queue = &mut self.queues[place];
        if queue.fifo.packets.is_empty() {
            queue.deficit = queue.quantum;
            self.turns.push_back(place);
        }
        queue.fifo.push(packet);
        None
    }

    fn each(&self, visit: &mut dyn FnMut(&Queued)) {
        self.queues.iter().for_each(|queue| queue.fifo.each(visit));
    }

    fn shed(&mut self) -> Option<Queued> {
        let held = |place: usize| {
            let queue = &self.queues[place];
            u128::from(queue.fifo.bytes) * 1_000_000 / u128::from(queue.quantum)
        };
        let fattest = self.turns.iter().copied().max_by_key(|place| (held(*place), *place))?;
        let item = self.queues[fattest].fifo.pop_last();
        self.retire_if_empty(fattest);
        item
    }

    fn dequeue(&mut self, _: Instant, _: &mut Vec<Queued>) -> Option<Queued> {
        loop {
            let place = *self.turns.front()?;
            let queue = &mut self.queues[place];
            let size = queue.fifo.packets.front().map_or(0, |item| u64::from(item.packet.size()));
            if size <= queue.deficit {
                queue.deficit -= size;
                let item = queue.fifo.pop();
                self.retire_if_empty(place);
                return item;
            }
            queue.deficit += queue.quantum;
            self.turns.rotate_left(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{of_class, unused};
    use super::*;
    use crate::link::Capacity;

    fn drr(quantum: u64, weights: [u32; 2]) -> Drr {
        let classes = vec![(Class(1), weights[0]), (Class(2), weights[1])];
        Drr::new(&Queue { classes, parameters: vec![quantum], ..Queue::from(Capacity::default()) })
    }

    /// Bytes of each class among the first `n` that are served, of two that never run dry.
    fn shares(mut drr: Drr, sizes: [u32; 2], n: u32) -> [u64; 2] {
        let mut bytes = [0; 2];
        for i in 0..n {
            for (class, size) in [1, 2].into_iter().zip(sizes) {
                drr.enqueue(Instant::ZERO, of_class(class, i, size), &mut unused());
            }
        }
        for _ in 0..n {
            let item = drr.dequeue(Instant::ZERO, &mut vec![]).expect("a packet");
            bytes[usize::from(item.packet.class.0) - 1] += u64::from(item.packet.size());
        }
        bytes
    }

    #[test]
    fn classes_share_bytes_by_weight_whatever_their_packets() {
        for quantum in [1, 300, 1514, 60_000] {
            for (sizes, weights) in [([1500, 100], [1, 1]), ([1500, 1500], [3, 1]), ([64, 1000], [1, 4])] {
                let [a, b] = shares(drr(quantum, weights), sizes, 4_000);
                // A turn of each is unfinished at most: a quantum and a packet (their theorem 2).
                let [fair_a, fair_b] = [a / u64::from(weights[0]), b / u64::from(weights[1])];
                assert!(
                    fair_a.abs_diff(fair_b) <= 3 * (quantum + 1500),
                    "{quantum} {sizes:?} {weights:?}: {a} {b}"
                );
            }
        }
    }

    #[test]
    fn a_class_that_was_empty_has_saved_nothing() {
        let mut drr = drr(1000, [1, 1]);
        for n in 0..50 {
            drr.enqueue(Instant::ZERO, of_class(1, n, 100), &mut unused());
            drr.dequeue(Instant::ZERO, &mut vec![]).expect("a packet");
        }
        for n in 0..30 {
            drr.enqueue(Instant::ZERO, of_class(1, n, 100), &mut unused());
            drr.enqueue(Instant::ZERO, of_class(2, n, 100), &mut unused());
        }
        let first: Vec<u8> = (0..20)
            .map(|_| drr.dequeue(Instant::ZERO, &mut vec![]).expect("a packet").packet.class.0)
            .collect();
        assert_eq!(first, [[1; 10], [2; 10]].concat());
    }

    #[test]
    fn what_is_too_much_comes_from_the_class_that_holds_most_for_its_weight() {
        let mut drr = drr(1514, [4, 1]);
        for (class, n) in [(1, 0), (1, 1), (1, 2), (2, 3)] {
            drr.enqueue(Instant::ZERO, of_class(class, n, 1000), &mut unused());
        }
        // 3000 bytes of weight 4 are less than 1000 of weight 1.
        assert_eq!(drr.shed().map(|item| item.packet.class), Some(Class(2)));
        assert_eq!(drr.shed().map(|item| item.packet.class), Some(Class(1)));
        let rest = std::iter::from_fn(|| drr.dequeue(Instant::ZERO, &mut vec![]));
        assert_eq!(rest.map(|item| item.packet.class).collect::<Vec<_>>(), [Class(1); 2]);
    }
}
