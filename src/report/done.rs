//! A set of trials in a bit for each: there may be many.

use std::collections::BTreeSet;

use super::journal::Key;
use crate::tables::study::Study;

/// Trials of a study.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Trials of each cell.
    each: u32,
    bits: Vec<u64>,
    /// Trials beyond those of the study, which an edited table may have.
    others: BTreeSet<Key>,
    len: usize,
}

impl Done {
    /// None of a study's trials.
    pub fn of(study: &Study) -> Done {
        let bits = (study.cells() * study.trials as usize).div_ceil(64);
        Done { each: study.trials, bits: vec![0; bits], ..Done::default() }
    }

    /// Adds a trial.
    pub fn insert(&mut self, key: Key) {
        let is_new = match self.place(key) {
            Some((word, bit)) => {
                let is_new = self.bits[word] & bit == 0;
                self.bits[word] |= bit;
                is_new
            }
            None => self.others.insert(key),
        };
        self.len += usize::from(is_new);
    }

    /// True if a trial is among them.
    pub fn contains(&self, key: Key) -> bool {
        self.place(key).map_or_else(|| self.others.contains(&key), |(word, bit)| self.bits[word] & bit != 0)
    }

    /// Number of trials.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The word that a trial has its bit in, and the bit.
    fn place(&self, (cell, number): Key) -> Option<(usize, u64)> {
        let index = (number < self.each)
            .then(|| cell.checked_mul(self.each as usize)?.checked_add(number as usize))??;
        (index / 64 < self.bits.len()).then_some((index / 64, 1 << (index % 64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::study;

    #[test]
    fn a_trial_is_in_it_once_it_was_added() {
        let study = Study { trials: 40, ..study(&[("link.a.loss", &["0%", "1%"])]) };
        let mut done = Done::of(&study);
        assert!(done.is_empty());
        let added = [(0, 0), (0, 39), (1, 0), (1, 39), (1, 0), (0, 40), (7, 3), (usize::MAX, u32::MAX)];
        for key in added {
            done.insert(key);
        }
        assert_eq!(done.len(), 7);
        assert!(added.iter().all(|key| done.contains(*key)));
        assert!(![(0, 1), (1, 38), (1, 40), (2, 0), (7, 4)].iter().any(|key| done.contains(*key)));
    }
}
