//! Strict priority (tc-prio): a band for each class, and the first that holds a packet is served.
//!
//! Unlike tc-prio's, whose bands have a limit each, the bands share that of the link; what exceeds it is
//! taken from the last band, so that no band loses a packet to one behind it. A packet of no class belongs to
//! the last band rather than, by tc's `priomap`, to the second.

use super::{Fifo, Qdisc, Queue, Queued};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::Class;

/// All bands of one link.
#[derive(Debug)]
pub(super) struct Prio {
    classes: Vec<(Class, u32)>,
    bands: Vec<Fifo>,
}

impl Prio {
    pub(super) fn new(queue: &Queue) -> Prio {
        let classes = queue.known_classes();
        let bands = classes.iter().map(|_| Fifo::default()).collect();
        Prio { classes, bands }
    }
}

impl Qdisc for Prio {
    fn enqueue(&mut self, _: Instant, packet: Queued, _: &mut Rng) -> Option<Queued> {
        self.bands[Queue::place_of(&self.classes, &packet)].push(packet);
        None
    }

    fn each(&self, visit: &mut dyn FnMut(&Queued)) {
        self.bands.iter().for_each(|band| band.each(visit));
    }

    fn shed(&mut self) -> Option<Queued> {
        self.bands.iter_mut().rev().find_map(Fifo::pop_last)
    }

    fn dequeue(&mut self, _: Instant, _: &mut Vec<Queued>) -> Option<Queued> {
        self.bands.iter_mut().find_map(Fifo::pop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{number, of_class, unused};
    use super::*;
    use crate::link::Capacity;

    fn prio(classes: &[u8]) -> Prio {
        let classes = classes.iter().map(|class| (Class(*class), 1)).collect();
        Prio::new(&Queue { classes, ..Queue::from(Capacity::default()) })
    }

    fn all(prio: &mut Prio) -> Vec<u32> {
        std::iter::from_fn(|| prio.dequeue(Instant::ZERO, &mut vec![])).map(|item| number(&item)).collect()
    }

    #[test]
    fn the_first_band_with_a_packet_is_served_and_each_in_order() {
        let mut prio = prio(&[7, 3, 9]);
        for (class, n) in [(9, 1), (3, 2), (7, 3), (3, 4), (7, 5)] {
            assert!(prio.enqueue(Instant::ZERO, of_class(class, n, 100), &mut unused()).is_none());
        }
        assert_eq!(all(&mut prio), [3, 5, 2, 4, 1]);
    }

    #[test]
    fn strangers_belong_to_the_last_band() {
        let mut prio = prio(&[1, 2]);
        for (class, n) in [(0, 1), (77, 2), (2, 3), (1, 4)] {
            prio.enqueue(Instant::ZERO, of_class(class, n, 100), &mut unused());
        }
        assert_eq!(all(&mut prio), [4, 1, 2, 3]);
    }

    #[test]
    fn what_is_too_much_comes_from_the_last_band_and_its_end() {
        let mut prio = prio(&[1, 2]);
        for (class, n) in [(2, 1), (2, 2), (1, 3), (1, 4)] {
            prio.enqueue(Instant::ZERO, of_class(class, n, 100), &mut unused());
        }
        let shed: Vec<u32> = std::iter::from_fn(|| prio.shed()).map(|item| number(&item)).collect();
        assert_eq!(shed, [2, 1, 4, 3]);
    }
}
