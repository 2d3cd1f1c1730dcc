//! A compact histogram of durations: exact mean and extremes, percentiles within 1 %.

use crate::time::Duration;

/// Sub-buckets per power of two, as a power of two: 64 of them put the middle of a bucket within
/// 0.8 % of everything in it.
const PRECISION: u32 = 6;

/// Durations counted in log-linear buckets that are grown as they are needed. A run of equal
/// values costs one comparison each, and values all equal take no memory.
#[derive(Clone, Debug)]
pub struct Tally {
    /// The value of the current run and its length, not yet in the rest.
    run_value: u64,
    run_length: u64,
    count: u64,
    total: u128,
    /// The least and the greatest value; without values the reverse.
    min: u64,
    max: u64,
    /// Zeros, apart: an empty queue would else stretch the buckets over every power of two.
    zeros: u64,
    /// Counts of the buckets from `first` on.
    buckets: Vec<u32>,
    first: usize,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            run_value: 0,
            run_length: 0,
            count: 0,
            total: 0,
            min: u64::MAX,
            max: 0,
            zeros: 0,
            buckets: Vec::new(),
            first: 0,
        }
    }
}

impl Tally {
    /// Counts one duration.
    #[inline]
    pub fn record(&mut self, span: Duration) {
        let value = span.as_nanos();
        if value == self.run_value {
            self.run_length += 1;
        } else {
            self.flush();
            self.run_value = value;
            self.run_length = 1;
        }
    }

    /// Number of counted values.
    pub fn count(&self) -> u64 {
        self.count + self.run_length
    }

    /// The exact mean; `None` without values.
    pub fn mean_ms(&self) -> Option<f64> {
        let flushed = self.flushed();
        (flushed.count > 0).then(|| flushed.total as f64 / flushed.count as f64 / 1e6)
    }

    /// The longest; `None` without values.
    pub fn max(&self) -> Option<Duration> {
        let flushed = self.flushed();
        (flushed.count > 0).then_some(Duration::from_nanos(flushed.max))
    }

    /// The smallest value that a share `q` of all values does not exceed, within 1 %; `None`
    /// without values.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let flushed = self.flushed();
        let rank = (q * flushed.count as f64).ceil() as u64;
        let mut seen = flushed.zeros;
        if seen >= rank && seen > 0 {
            return Some(Duration::ZERO);
        }
        for (i, &n) in flushed.buckets.iter().enumerate() {
            seen += u64::from(n);
            if seen >= rank {
                let middle = middle(flushed.first + i).clamp(flushed.min, flushed.max);
                return Some(Duration::from_nanos(middle));
            }
        }
        flushed.max()
    }

    /// Number of values longer than `bound`, as far as buckets tell them apart.
    pub fn above(&self, bound: Duration) -> u64 {
        let flushed = self.flushed();
        if bound >= Duration::from_nanos(flushed.max) {
            return 0;
        }
        let counts = flushed.buckets.iter().enumerate();
        let longer = counts.filter(|(i, _)| middle(flushed.first + i) > bound.as_nanos());
        longer.map(|(_, &n)| u64::from(n)).sum()
    }

    /// The shortest; `None` without values.
    pub fn min(&self) -> Option<Duration> {
        let flushed = self.flushed();
        (flushed.count > 0).then_some(Duration::from_nanos(flushed.min))
    }

    /// Adds the values of another tally.
    pub fn merge(&mut self, other: &Tally) {
        let other = other.flushed();
        self.flush();
        if other.count == 0 {
            return;
        }
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.count += other.count;
        self.total += other.total;
        self.zeros += other.zeros;
        for (i, &n) in other.buckets.iter().enumerate().filter(|&(_, &n)| n > 0) {
            self.add(other.first + i, u64::from(n));
        }
    }

    /// Moves the current run into the buckets.
    fn flush(&mut self) {
        let (value, n) = (self.run_value, self.run_length);
        if n == 0 {
            return;
        }
        self.run_length = 0;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.count += n;
        // Most runs are of one, and a product of 128 bits is a call in a browser.
        self.total += if n == 1 { value.into() } else { u128::from(value) * u128::from(n) };
        match value {
            0 => self.zeros += n,
            _ => self.add(bucket(value), n),
        }
    }

    fn flushed(&self) -> Tally {
        let mut copy = self.clone();
        copy.flush();
        copy
    }

    #[inline]
    fn add(&mut self, bucket: usize, n: u64) {
        match self.buckets.get_mut(bucket.wrapping_sub(self.first)) {
            Some(count) => count_more(count, n),
            None => self.stretch(bucket, n),
        }
    }

    /// Makes room for a bucket.
    #[cold]
    fn stretch(&mut self, bucket: usize, n: u64) {
        if self.buckets.is_empty() {
            self.first = bucket;
        }
        if bucket < self.first {
            let missing = self.first - bucket;
            self.buckets.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = bucket;
        }
        let at = bucket - self.first;
        if at >= self.buckets.len() {
            self.buckets.resize(at + 1, 0);
        }
        count_more(&mut self.buckets[at], n);
    }
}

/// Four billion equal delays are beyond any trial; the percentile would then be blunt.
#[inline]
fn count_more(count: &mut u32, n: u64) {
    *count = count.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
}

/// The bucket of a value: exact below 128 ns, then 64 to each power of two.
fn bucket(value: u64) -> usize {
    let shift = (value | 1).ilog2().saturating_sub(PRECISION);
    ((u64::from(shift) << PRECISION) + (value >> shift)) as usize
}

/// The value in the middle of a bucket.
fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket >> PRECISION).saturating_sub(1);
    let low = (bucket - (shift << PRECISION)) << shift;
    low + ((1 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Tally {
        let mut tally = Tally::default();
        values.into_iter().for_each(|value| tally.record(Duration::from_nanos(value)));
        tally
    }

    proptest! {
        #[test]
        fn the_middle_of_a_bucket_is_within_one_percent(value: u64) {
            let error = middle(bucket(value)).abs_diff(value);
            prop_assert!(error as f64 <= 0.01 * value as f64, "{value} is off by {error}");
        }

        #[test]
        fn merging_is_counting_together(a: Vec<u16>, b: Vec<u16>) {
            let mut merged = of(a.iter().map(|&v| v.into()));
            merged.merge(&of(b.iter().map(|&v| v.into())));
            let together = of(a.iter().chain(&b).map(|&v| v.into()));
            prop_assert_eq!(merged.mean_ms(), together.mean_ms());
            prop_assert_eq!(merged.max(), together.max());
            for q in [0.0, 0.01, 0.5, 0.99, 1.0] {
                prop_assert_eq!(merged.quantile(q), together.quantile(q));
            }
        }
    }

    #[test]
    fn equal_values_are_exact_and_take_no_memory() {
        let tally = of([20_000_001; 1000]);
        assert_eq!(tally.quantile(0.99), Some(Duration::from_nanos(20_000_001)));
        assert_eq!(tally.mean_ms(), Some(20.000_001));
        assert_eq!(tally.buckets.capacity(), 0);
    }

    #[test]
    fn the_99th_percentile_leaves_one_in_a_hundred_above() {
        let tally = of(1..=100_000);
        let p99 = tally.quantile(0.99).expect("values").as_nanos();
        assert!(p99.abs_diff(99_000) <= 990, "{p99}");
    }

    #[test]
    fn nothing_has_no_figures() {
        let tally = Tally::default();
        assert_eq!((tally.mean_ms(), tally.max(), tally.quantile(0.5)), (None, None, None));
    }
}
