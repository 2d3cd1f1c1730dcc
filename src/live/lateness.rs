//! How late things happen on the wall clock.

use hdrhistogram::Histogram;

use crate::record::Lateness;
use crate::time::Duration;

/// An empty histogram of nanoseconds: an hour at three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000_000, 3).expect("sound bounds")
}

/// What a histogram comes to.
pub fn account(kind: &'static str, histogram: &Histogram<u64>) -> Lateness {
    let at = |quantile| Duration::from_nanos(histogram.value_at_quantile(quantile));
    Lateness { kind, count: histogram.len(), p50: at(0.5), p99: at(0.99), max: at(1.0) }
}
