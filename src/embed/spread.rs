//! Latencies of a trial in bins: of messages, of requests, of echo requests.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::tables::TrialRow;
use crate::tables::figures::Source;
use crate::time::Duration;

/// Least latency that a bin of its own holds, and the ratio of a bin's ends.
const FIRST_BIN_NS: u64 = 100_000;
const BIN_RATIO: f64 = 1.25;

/// One kind of latency.
#[derive(Debug, Serialize)]
pub(super) struct Spread {
    words: &'static str,
    /// Plural of the things that are counted.
    things: &'static str,
    /// Number of them, and of those that arrived.
    expected: u64,
    arrived: u64,
    /// As `trials.csv` has them: nothing where a percentile lies among what never arrived.
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    /// Lower and upper end in milliseconds, and the count, of bins that are not empty.
    bins: Vec<(f64, f64, u64)>,
}

/// Every latency that a trial has.
pub(super) fn of(row: &TrialRow<'_>) -> Vec<Spread> {
    let (source, outcome) = (Source::of(row), row.outcome);
    let messages = outcome.messages.as_ref().map(|messages| Spread {
        words: "Latency of messages",
        things: "deliveries",
        expected: messages.deliveries_expected,
        arrived: messages.deliveries,
        p50_ms: source.latency(0.5),
        p99_ms: source.latency(0.99),
        bins: bins(&messages.latency),
    });
    let requests = timed(
        ("Completion time of requests", "requests"),
        outcome.requests.iter().map(|request| request.completion),
        |p| source.requests.percentile(p),
    );
    let probes =
        timed(("Round trip of probes", "probes"), outcome.probes.iter().map(|probe| probe.rtt), |p| {
            source.rtts.percentile(p)
        });
    [messages, requests, probes].into_iter().flatten().collect()
}

/// The times of some things, of which those without one never arrived; nothing if there is no such thing.
fn timed(
    (words, things): (&'static str, &'static str),
    times: impl Iterator<Item = Option<Duration>>,
    percentile: impl Fn(f64) -> Option<f64>,
) -> Option<Spread> {
    let mut histogram = Histogram::new(3).expect("three digits are allowed");
    let mut expected = 0;
    for time in times {
        expected += 1;
        if let Some(time) = time {
            histogram.record(time.as_nanos()).expect("it grows");
        }
    }
    (expected > 0).then(|| Spread {
        words,
        things,
        expected,
        arrived: histogram.len(),
        p50_ms: percentile(0.5),
        p99_ms: percentile(0.99),
        bins: bins(&histogram),
    })
}

fn bins(latency: &Histogram<u64>) -> Vec<(f64, f64, u64)> {
    let ms = |nanos: u64| nanos as f64 / 1e6;
    let mut bins = vec![];
    let mut from = 0;
    if !latency.is_empty() {
        for bin in latency.iter_log(FIRST_BIN_NS, BIN_RATIO) {
            let to = bin.value_iterated_to();
            let count = bin.count_since_last_iteration();
            if count > 0 {
                bins.push((ms(from), ms(to), count));
            }
            from = to;
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::lab::{Lab, Texts};

    #[test]
    fn probes_and_requests_have_their_bins_beside_the_figures_of_the_table() {
        let texts = Texts {
            file: "fetch-time.toml".to_owned(),
            text: include_str!("../../scenarios/labs/fetch-time.toml").to_owned(),
            sets: vec!["duration=25s".to_owned()],
            ..Texts::default()
        };
        let lab = Lab::open(texts).expect("sound");
        let outcome = lab.run(1, 0).expect("a trial");
        let spreads = of(&lab.row(1, 0, &outcome));
        let things: Vec<&str> = spreads.iter().map(|spread| spread.things).collect();
        assert_eq!(things, ["requests", "probes"]);
        for spread in &spreads {
            assert_eq!(spread.bins.iter().map(|bin| bin.2).sum::<u64>(), spread.arrived);
            let median = spread.p50_ms.expect("most arrived");
            let (from, to) = (spread.bins[0].0, spread.bins.last().expect("bins").1);
            assert!((from..=to).contains(&median), "{from} … {median} … {to}");
        }
        // A full queue of 100 packets at 1.5 Mbit/s takes 0.8 s; the path without it 20 ms.
        assert!(spreads[1].p50_ms.is_some_and(|ms| (100.0..900.0).contains(&ms)), "{spreads:?}");
        assert_eq!(spreads[1].expected, 200, "ten a second");
    }

    #[test]
    fn those_that_never_arrived_are_counted() {
        let times = [Some(Duration::from_millis(10)), None, None];
        let spread = timed(("", ""), times.into_iter(), |_| None).expect("three");
        assert_eq!((spread.expected, spread.arrived), (3, 1));
        assert_eq!(spread.bins.len(), 1);
        assert!(timed(("", ""), std::iter::empty(), |_| None).is_none());
    }
}
