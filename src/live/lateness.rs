//! Lateness of events on the wall clock.

use hdrhistogram::Histogram;

use crate::facts::Lateness;
use crate::time::Duration;

/// An empty histogram of nanoseconds: an hour at three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000_000, 3).expect("sound bounds")
}

/// Summary of a histogram.
pub fn account(kind: &'static str, histogram: &Histogram<u64>) -> Lateness {
    let at = |quantile| Duration::from_nanos(histogram.value_at_quantile(quantile));
    Lateness { kind, count: histogram.len(), p50: at(0.5), p99: at(0.99), max: at(1.0) }
}

/// The borders of [`buckets`]: powers of ten from a microsecond, where nobody notices, to a tenth of a
/// second, where the figures are no longer the network's.
const BORDERS: [u64; 6] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Number of events at most so late, and later than the border before; the last ones have no border.
pub fn buckets(histogram: &Histogram<u64>) -> Vec<(Option<Duration>, u64)> {
    let borders = BORDERS.iter().map(|&nanos| Some(Duration::from_nanos(nanos)));
    let mut buckets: Vec<(Option<Duration>, u64)> = borders.chain([None]).map(|border| (border, 0)).collect();
    for value in histogram.iter_recorded() {
        let place = BORDERS
            .partition_point(|&border| border < histogram.lowest_equivalent(value.value_iterated_to()));
        buckets[place].1 += value.count_at_value();
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_in_one_bucket() {
        let mut histogram = histogram();
        assert_eq!(buckets(&histogram).iter().map(|(_, count)| count).sum::<u64>(), 0);
        for (nanos, times) in
            [(1, 3), (1_000, 2), (1_100, 1), (10_000, 4), (5_000_000, 1), (2_000_000_000, 7)]
        {
            histogram.record_n(nanos, times).expect("in its bounds");
        }
        let counts: Vec<u64> = buckets(&histogram).into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [5, 5, 0, 0, 1, 0, 7]);
    }
}
