//! A queue in a ring of slots whose number is a power of two, so that a place is found with a mask.
//!
//! Unlike `std`'s `VecDeque`, what leaves stays in its slot until the slot is needed again: it is looked at where it
//! lies.

use std::ops::{Index, IndexMut};

/// Items in order, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Ring<T> {
    slots: Vec<T>,
    /// Place of the first item, before the mask.
    head: usize,
    len: usize,
}

/// Slots of a ring that has any.
const LEAST: usize = 4;

impl<T> Ring<T> {
    /// Number of items.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The oldest.
    #[inline]
    pub fn front(&self) -> Option<&T> {
        self.get(0)
    }

    /// The newest.
    #[inline]
    pub fn back(&self) -> Option<&T> {
        self.get(self.len.wrapping_sub(1))
    }

    /// The item in place `i`, counted from the oldest.
    #[inline]
    pub fn get(&self, i: usize) -> Option<&T> {
        if i < self.len { self.slots.get(self.place(i)) } else { None }
    }

    /// The same, to be changed.
    #[inline]
    pub fn get_mut(&mut self, i: usize) -> Option<&mut T> {
        let place = self.place(i);
        if i < self.len { self.slots.get_mut(place) } else { None }
    }

    /// Removes the oldest, which lies where it was until another item takes its place.
    #[inline]
    pub fn pop_front(&mut self) -> Option<&mut T> {
        let place = self.place(0);
        self.len = self.len.checked_sub(1)?;
        self.head = self.head.wrapping_add(1);
        self.slots.get_mut(place)
    }

    /// Removes the oldest, if it is one of those meant.
    #[inline]
    pub fn pop_front_if(&mut self, is_meant: impl FnOnce(&T) -> bool) -> Option<&mut T> {
        let place = self.place(0);
        let front = self.slots.get_mut(place).filter(|front| self.len > 0 && is_meant(front))?;
        self.len -= 1;
        self.head = self.head.wrapping_add(1);
        Some(front)
    }

    /// Removes the `n` oldest.
    #[inline]
    pub fn skip(&mut self, n: usize) {
        assert!(n <= self.len, "items of the ring");
        self.len -= n;
        self.head = self.head.wrapping_add(n);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.iter_from(0)
    }

    /// Those from place `i` on.
    pub fn iter_from(&self, i: usize) -> impl Iterator<Item = &T> {
        (i..self.len).map(|i| &self[i])
    }

    /// The first place whose item is none of those that come first, for which `before` holds. The oldest is
    /// looked at first: it is most often the one.
    #[inline]
    pub fn partition_point(&self, mut before: impl FnMut(&T) -> bool) -> usize {
        if self.front().is_none_or(|first| !before(first)) {
            return 0;
        }
        let (mut low, mut high) = (1, self.len);
        while low < high {
            let middle = usize::midpoint(low, high);
            if before(&self[middle]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    #[inline]
    fn place(&self, i: usize) -> usize {
        self.head.wrapping_add(i) & self.slots.len().wrapping_sub(1)
    }
}

impl<T: Default> Ring<T> {
    /// Adds the newest.
    #[inline(always)]
    pub fn push_back(&mut self, item: T) {
        if self.len == self.slots.len() {
            self.grow();
        }
        let place = self.place(self.len);
        self.slots[place] = item;
        self.len += 1;
    }

    /// Adds an item in place `i`, before the one that is there. The fewer on either side move.
    pub fn insert(&mut self, i: usize, item: T) {
        assert!(i <= self.len, "a place in the ring");
        if i > self.len / 2 {
            self.push_back(item);
            (i + 1..self.len).rev().for_each(|at| self.swap(at - 1, at));
            return;
        }
        if self.len == self.slots.len() {
            self.grow();
        }
        self.head = self.head.wrapping_sub(1);
        self.len += 1;
        let first = self.place(0);
        self.slots[first] = item;
        (0..i).for_each(|at| self.swap(at, at + 1));
    }

    /// Removes the item in place `i`. The fewer on either side move.
    pub fn remove(&mut self, i: usize) {
        assert!(i < self.len, "a place in the ring");
        if i > self.len / 2 {
            (i + 1..self.len).for_each(|at| self.swap(at - 1, at));
        } else {
            (0..i).rev().for_each(|at| self.swap(at, at + 1));
            self.head = self.head.wrapping_add(1);
        }
        self.len -= 1;
    }

    /// Removes one after the other, as far as the iterator is asked.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.pop_front().map(std::mem::take))
    }

    fn swap(&mut self, a: usize, b: usize) {
        let (a, b) = (self.place(a), self.place(b));
        self.slots.swap(a, b);
    }

    /// Makes room: the items begin at the first slot again.
    #[cold]
    fn grow(&mut self) {
        let start = self.place(0).min(self.slots.len());
        self.slots.rotate_left(start);
        self.slots.resize_with((2 * self.slots.len()).max(LEAST), T::default);
        self.head = 0;
    }
}

impl<T> Index<usize> for Ring<T> {
    type Output = T;

    #[inline]
    fn index(&self, i: usize) -> &T {
        self.get(i).expect("a place in the ring")
    }
}

impl<T> IndexMut<usize> for Ring<T> {
    #[inline]
    fn index_mut(&mut self, i: usize) -> &mut T {
        self.get_mut(i).expect("a place in the ring")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn agrees_with_a_deque(steps in proptest::collection::vec((0u8..8, any::<prop::sample::Index>()), 1..200)) {
            let (mut ring, mut model) = (Ring::<u32>::default(), VecDeque::new());
            for (number, (action, place)) in (0..).zip(steps) {
                let i = place.index(model.len() + 1);
                match action {
                    4 if number % 16 == 2 => {
                        let front = model.front().copied().filter(|front| front % 2 == 0);
                        prop_assert_eq!(ring.pop_front_if(|front| front % 2 == 0).copied(), front);
                        model.drain(..usize::from(front.is_some()));
                    }
                    4 if number % 16 == 1 => {
                        ring.skip(i);
                        model.drain(..i);
                    }
                    0 | 1 => prop_assert_eq!(ring.pop_front().copied(), model.pop_front()),
                    2 => {
                        ring.insert(i, number);
                        model.insert(i, number);
                    }
                    3 if i < model.len() => {
                        ring.remove(i);
                        model.remove(i);
                    }
                    4 if number % 16 == 0 => {
                        prop_assert!(ring.drain().eq(model.drain(..)));
                    }
                    _ => {
                        ring.push_back(number);
                        model.push_back(number);
                    }
                }
                prop_assert!(ring.iter().eq(model.iter()));
                prop_assert!(ring.iter_from(i).eq(model.iter().skip(i)));
                prop_assert_eq!((ring.len(), ring.is_empty()), (model.len(), model.is_empty()));
                prop_assert_eq!((ring.front(), ring.back()), (model.front(), model.back()));
                prop_assert_eq!(ring.get(i), model.get(i));
                prop_assert_eq!(ring.get_mut(i), model.get_mut(i));
            }
        }

        #[test]
        fn finds_the_end_of_what_comes_first(items in proptest::collection::vec(0u32..50, 0..40), bound in 0u32..50) {
            let mut ring = Ring::default();
            for item in [0; 3].iter().chain(&items) {
                ring.push_back(*item);
            }
            (0..3).for_each(|_| _ = ring.pop_front());
            let mut sorted = items;
            sorted.sort_unstable();
            sorted.iter().enumerate().for_each(|(i, item)| ring[i] = *item);
            prop_assert_eq!(ring.partition_point(|item| *item < bound), sorted.partition_point(|item| *item < bound));
        }
    }
}
