//! The event queue: four-ary heaps of packed keys. A key is 128 bits: instant, class, insertion
//! number, target; comparing keys is the total order of events.

use crate::time::Instant;

/// Class of an event. The order of the variants decides at equal instants: arrivals before timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// The head of a link arrives.
    Arrival = 0,
    /// A connection's timer.
    Connection = 1,
    /// An application's timer.
    App = 2,
    /// The world's own: changed conditions, samples.
    World = 3,
}

/// A queue of events by time: arrivals, which are nearly all of them, and timers in heaps of their own, so that an
/// arrival is not compared with what lies far ahead.
#[derive(Debug, Default)]
pub struct EventQueue {
    arrivals: Heap,
    timers: Heap,
    inserted: u64,
}

/// An event that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Time of the event.
    pub at: Instant,
    /// Class of the event.
    pub class: Class,
    /// Index of the target within its class.
    pub target: u32,
}

const TARGET_BITS: u32 = 24;
const NUMBER_BITS: u32 = 38;
const ARITY: usize = 4;
/// Later than every key.
const NONE: u128 = u128::MAX;

impl EventQueue {
    /// The earliest event.
    #[inline]
    pub fn peek(&self) -> Option<Event> {
        let (arrival, timer) = (self.arrivals.first, self.timers.first);
        if arrival < timer {
            // The class is known here without unpacking.
            return Some(Event { class: Class::Arrival, ..unpack(arrival) });
        }
        (timer < NONE).then(|| unpack(timer))
    }

    /// The earliest event, if it is due by `until`.
    #[inline]
    pub fn due(&self, until: Instant) -> Option<Event> {
        self.peek().filter(|event| event.at <= until)
    }

    /// Number of events that wait.
    pub fn count(&self) -> usize {
        self.arrivals.count + self.timers.count
    }

    /// Time of the earliest event.
    pub fn next_at(&self) -> Option<Instant> {
        self.peek().map(|event| event.at)
    }

    /// Adds an event; behind those of the same instant and class.
    pub fn push(&mut self, at: Instant, class: Class, target: u32) {
        let key = self.pack(at, class, target);
        self.heap(class).push(key);
    }

    /// Removes the earliest event, which is of this class.
    pub fn pop(&mut self, class: Class) {
        self.heap(class).pop();
    }

    /// Replaces the earliest event by another of its class: cheaper than [`pop`](EventQueue::pop) and
    /// [`push`](EventQueue::push).
    pub fn replace_first(&mut self, at: Instant, class: Class, target: u32) {
        let key = self.pack(at, class, target);
        self.heap(class).sift_down(key);
    }

    #[inline]
    fn heap(&mut self, class: Class) -> &mut Heap {
        if class == Class::Arrival { &mut self.arrivals } else { &mut self.timers }
    }

    fn pack(&mut self, at: Instant, class: Class, target: u32) -> u128 {
        assert!(target < 1 << TARGET_BITS, "at most 16 million targets");
        self.inserted += 1;
        let low = (class as u64) << (TARGET_BITS + NUMBER_BITS)
            | (self.inserted & ((1 << NUMBER_BITS) - 1)) << TARGET_BITS
            | u64::from(target);
        u128::from(at.as_nanos()) << 64 | u128::from(low)
    }
}

/// A four-ary heap of keys.
#[derive(Debug)]
struct Heap {
    /// The least key, or [`NONE`].
    first: u128,
    /// The others in families of four, the children of the first before all, then as many of [`NONE`] as make every
    /// family complete.
    rest: Vec<u128>,
    count: usize,
}

impl Default for Heap {
    fn default() -> Heap {
        Heap { first: NONE, rest: Vec::new(), count: 0 }
    }
}

impl Heap {
    fn push(&mut self, key: u128) {
        self.count += 1;
        let Some(mut i) = self.count.checked_sub(2) else {
            self.first = key;
            return;
        };
        if i == self.rest.len() {
            self.rest.extend([NONE; ARITY]);
        }
        while let Some(parent) = (i / ARITY).checked_sub(1)
            && key < self.rest[parent]
        {
            self.rest[i] = self.rest[parent];
            i = parent;
        }
        // Only what is less than its parent can be less than the first.
        self.rest[i] = self.first.max(key);
        self.first = self.first.min(key);
    }

    fn pop(&mut self) {
        self.count = self.count.saturating_sub(1);
        let key = match self.count.checked_sub(1) {
            Some(last) => std::mem::replace(&mut self.rest[last], NONE),
            None => NONE,
        };
        self.sift_down(key);
    }

    /// Puts `key` in place of the first.
    fn sift_down(&mut self, key: u128) {
        let Some((mut i, least)) = self.least_of(0).filter(|(_, least)| *least < key) else {
            self.first = key;
            return;
        };
        self.first = least;
        while let Some((child, least)) = self.least_of(i + 1)
            && least < key
        {
            self.rest[i] = least;
            i = child;
        }
        self.rest[i] = key;
    }

    /// Place and key of the least of a family: the children of the first, or of the key before.
    #[inline]
    fn least_of(&self, family: usize) -> Option<(usize, u128)> {
        let start = family * ARITY;
        let keys = self.rest.get(start..)?.first_chunk::<ARITY>()?;
        let place = least_of(keys);
        Some((start + place, keys[place]))
    }
}

/// Index of the least child, without a branch: which one it is nobody can predict.
#[inline]
fn least_of(children: &[u128; ARITY]) -> usize {
    let left = usize::from(children[1] < children[0]);
    let right = 2 + usize::from(children[3] < children[2]);
    if children[right] < children[left] { right } else { left }
}

fn unpack(key: u128) -> Event {
    let low = key as u64;
    let class = match low >> (TARGET_BITS + NUMBER_BITS) {
        0 => Class::Arrival,
        1 => Class::Connection,
        2 => Class::App,
        _ => Class::World,
    };
    Event {
        at: Instant::from_nanos((key >> 64) as u64),
        class,
        target: (low & ((1 << TARGET_BITS) - 1)) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn arrivals_come_before_timers_and_first_come_first() {
        let mut queue = EventQueue::default();
        let at = Instant::from_nanos(5);
        queue.push(at, Class::App, 1);
        queue.push(at, Class::Arrival, 2);
        queue.push(at, Class::Arrival, 3);
        queue.push(Instant::from_nanos(4), Class::World, 4);
        let mut order = Vec::new();
        while let Some(event) = queue.peek() {
            order.push(event.target);
            queue.pop(event.class);
        }
        assert_eq!(order, [4, 2, 3, 1]);
    }

    proptest! {
        #[test]
        fn agrees_with_a_sorted_list(steps in proptest::collection::vec((0u64..50, 0u8..4, 0usize..4), 1..300)) {
            const CLASSES: [Class; 4] = [Class::Arrival, Class::Connection, Class::App, Class::World];
            let mut queue = EventQueue::default();
            let mut model: Vec<(u64, Class, usize)> = Vec::new();
            for (i, (at, action, class)) in steps.into_iter().enumerate() {
                let first = model.first().copied();
                match (action, first) {
                    (0, Some((_, class, _))) => {
                        queue.pop(class);
                        model.remove(0);
                    }
                    (1, Some((_, class, _))) => {
                        queue.replace_first(Instant::from_nanos(at), class, i as u32);
                        model[0] = (at, class, i);
                    }
                    _ => {
                        queue.push(Instant::from_nanos(at), CLASSES[class], i as u32);
                        model.push((at, CLASSES[class], i));
                    }
                }
                model.sort_unstable();
                let first = queue.peek().map(|event| (event.at.as_nanos(), event.class, event.target as usize));
                prop_assert_eq!(first, model.first().copied());
                prop_assert_eq!(queue.count(), model.len());
            }
        }
    }
}
