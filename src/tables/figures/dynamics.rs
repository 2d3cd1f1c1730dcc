//! Figures of bulk flows over time, from the series of a trial: how fast each gets going, when all have their shares, how
//! steady they are, and what delay they have for it.

use crate::facts::{FlowSample, Measure, Outcome};
use crate::tables::goodput;
use crate::time::Duration;

/// Window over which a rate is taken, in seconds.
const WINDOW_S: f64 = 1.0;
/// Longest interval between samples that leaves a window its meaning.
const COARSEST: Duration = Duration::from_millis(200);
/// Part of its mean rate at which a flow has got going.
const RAMPED_UP: f64 = 0.9;
/// Largest part by which each share differs from an equal one once flows have converged.
const DELTA: f64 = 0.1;
/// Seconds after convergence over which the shares stay equal.
const LASTS_S: f64 = 5.0;

/// Bytes that arrived at the receiver of a flow, over time.
struct Curve<'a> {
    samples: Vec<&'a FlowSample>,
    /// Second of the first sample with data.
    began: f64,
}

impl Curve<'_> {
    /// Bytes until a time, on the straight line between two samples.
    fn at(&self, time: f64) -> f64 {
        let second = |n: usize| self.samples[n].time.as_secs_f64();
        let arrived = |n: usize| self.samples[n].arrived as f64;
        let next = self.samples.partition_point(|sample| sample.time.as_secs_f64() <= time + 1e-9);
        let Some(last) = next.checked_sub(1) else { return 0.0 };
        let gap = if next < self.samples.len() { second(next) - second(last) } else { 0.0 };
        let part = if gap > 0.0 { ((time - second(last)) / gap).max(0.0) } else { 0.0 };
        arrived(last) + if part > 0.0 { part * (arrived(next) - arrived(last)) } else { 0.0 }
    }

    /// Bytes within so many seconds that end at a time.
    fn within(&self, span: f64, end: f64) -> f64 {
        self.at(end) - self.at(end - span)
    }
}

/// The bulk flows that Jain's index compares, the end of their series, and the length of the measured interval, both in
/// seconds.
struct Flows<'a> {
    curves: Vec<Curve<'a>>,
    end: f64,
    measured: f64,
}

impl<'a> Flows<'a> {
    /// `None` where samples are too far apart, or where a bulk flow got nothing.
    fn of(outcome: &'a Outcome) -> Option<Flows<'a>> {
        let series = outcome.series.as_ref().filter(|series| series.interval <= COARSEST)?;
        let end = series.flows.last()?.time.as_secs_f64();
        let bulk = || outcome.flows.iter().filter(|flow| flow.began && flow.measures(Measure::Goodput));
        if bulk().any(|flow| !flow.directions.iter().flatten().any(|way| way.carried)) {
            return None;
        }
        let mut places = vec![[None; 2]; outcome.flows.len()];
        let mut curves: Vec<Curve<'a>> = Vec::new();
        for (flow, direction) in goodput::rivals(outcome) {
            places[flow][direction.index()] = Some(curves.len());
            curves.push(Curve { samples: Vec::new(), began: f64::INFINITY });
        }
        for sample in &series.flows {
            let Some(place) = places[sample.flow as usize][sample.direction.index()] else { continue };
            let curve: &mut Curve<'_> = &mut curves[place];
            if sample.arrived > 0 {
                curve.began = curve.began.min(sample.time.as_secs_f64());
            }
            curve.samples.push(sample);
        }
        let all_got_some = !curves.is_empty() && curves.iter().all(|curve| curve.began.is_finite());
        all_got_some.then_some(Flows { curves, end, measured: outcome.measured.as_secs_f64() })
    }

    /// Ends of the windows that begin at a time or later, a sampling interval apart.
    fn windows(&self, from: f64) -> impl Iterator<Item = f64> + '_ {
        let times = self.curves.iter().max_by_key(|curve| curve.samples.len());
        let times =
            times.into_iter().flat_map(|curve| &curve.samples).map(|sample| sample.time.as_secs_f64());
        times.filter(move |time| *time >= from + WINDOW_S - 1e-9)
    }

    /// Mean over the flows of what each has; `None` if one has nothing.
    fn mean(&self, of: impl Fn(&Curve<'_>) -> Option<f64>) -> Option<f64> {
        let values: Option<Vec<f64>> = self.curves.iter().map(of).collect();
        let values = values?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }

    /// True if each has its share of the bytes within a span that ends at a time.
    fn is_even(&self, span: f64, end: f64) -> bool {
        let bytes: Vec<f64> = self.curves.iter().map(|curve| curve.within(span, end)).collect();
        let equal = bytes.iter().sum::<f64>() / bytes.len() as f64;
        equal > 0.0 && bytes.iter().all(|own| (own - equal).abs() <= DELTA * equal)
    }
}

/// Seconds from a flow's first data to the end of the first window behind it in which it has 90 % of its mean rate of the
/// measured interval; mean over flows.
pub fn ramp_up(outcome: &Outcome) -> Option<f64> {
    let flows = Flows::of(outcome)?;
    flows.mean(|curve| {
        let wanted = RAMPED_UP * WINDOW_S * curve.within(flows.measured, flows.end) / flows.measured;
        let windows = flows.windows(curve.began);
        let mut fast = windows.filter(|&end| wanted > 0.0 && curve.within(WINDOW_S, end) >= wanted);
        fast.next().map(|end| end - curve.began)
    })
}

/// Seconds from the first data of the last flow to the end of the first window behind it in which each share is within a
/// tenth of an equal one, and stays so over the five seconds after it and over the rest of the trial, each as a whole;
/// `None` for a single flow, and where that never is.
pub fn convergence(outcome: &Outcome) -> Option<f64> {
    let flows = Flows::of(outcome).filter(|flows| flows.curves.len() > 1)?;
    let last = flows.curves.iter().map(|curve| curve.began).fold(0.0, f64::max);
    let lasts = |end: f64| {
        end + LASTS_S <= flows.end + 1e-9
            && flows.is_even(LASTS_S, end + LASTS_S)
            && flows.is_even(flows.end - end, flows.end)
    };
    let mut windows = flows.windows(last);
    windows.find(|&end| flows.is_even(WINDOW_S, end) && lasts(end)).map(|end| end - last)
}

/// Coefficient of variation of a flow's bytes in the windows of the measured interval, one behind the other; mean over
/// flows.
pub fn variation(outcome: &Outcome) -> Option<f64> {
    let flows = Flows::of(outcome)?;
    let windows = (flows.measured / WINDOW_S).floor();
    let (begin, windows) = (flows.end - windows * WINDOW_S, (windows >= 2.0).then_some(windows)?);
    flows.mean(|curve| {
        let rates: Vec<f64> =
            (1..=windows as u32).map(|n| curve.within(WINDOW_S, begin + f64::from(n) * WINDOW_S)).collect();
        let mean = rates.iter().sum::<f64>() / windows;
        let variance = rates.iter().map(|rate| (rate - mean) * (rate - mean)).sum::<f64>() / (windows - 1.0);
        (mean > 0.0).then(|| variance.sqrt() / mean)
    })
}

/// Rate of all flows in Mbit/s over the mean of their smoothed round trips in seconds, in the measured interval.
pub fn power(outcome: &Outcome) -> Option<f64> {
    let flows = Flows::of(outcome)?;
    let begin = flows.end - flows.measured;
    let samples = || flows.curves.iter().flat_map(|curve| &curve.samples);
    let measured = samples().filter(|sample| sample.time.as_secs_f64() >= begin);
    let trips: Vec<f64> =
        measured.filter_map(|sample| sample.sender.srtt).map(Duration::as_secs_f64).collect();
    let trip = trips.iter().sum::<f64>() / trips.len() as f64;
    let bytes: f64 = flows.curves.iter().map(|curve| curve.within(flows.measured, flows.end)).sum();
    (trip > 0.0 && flows.measured > 0.0).then(|| bytes * 8.0 / 1e6 / flows.measured / trip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Series, Snapshot};
    use crate::tables::testing::bulk_outcome;
    use crate::time::Instant;

    /// Forty seconds of flows that have received so many bytes at each second, the last thirty of them measured.
    fn outcome(flows: &[fn(f64) -> f64]) -> Outcome {
        let mut outcome = bulk_outcome(1, "reno", 0.01);
        let (flow, model) =
            (outcome.flows[0].clone(), outcome.series.take().expect("a series").flows.remove(0));
        outcome.flows = vec![flow; flows.len()];
        outcome.measured = Duration::from_secs(30);
        let mut series = Series { interval: Duration::from_millis(100), ..Series::default() };
        for step in 0..=400 {
            let time = Instant::ZERO + Duration::from_millis(100 * step);
            for (flow, bytes) in flows.iter().enumerate() {
                series.flows.push(FlowSample {
                    time,
                    flow: flow as u32,
                    arrived: bytes(time.as_secs_f64()) as u64,
                    sender: Snapshot { srtt: Some(Duration::from_millis(50)), ..model.sender.clone() },
                    ..model.clone()
                });
            }
        }
        outcome.series = Some(series);
        outcome
    }

    fn near(value: Option<f64>, expected: f64) {
        let value = value.expect("a value");
        assert!((value - expected).abs() < 1e-3, "{value}, not {expected}");
    }

    #[test]
    fn a_steady_flow_is_fast_at_once_and_does_not_vary() {
        // 8 Mbit/s from the tenth of a second on.
        let steady = outcome(&[|t| (1e6 * (t - 0.1)).max(0.0)]);
        near(ramp_up(&steady), 1.0);
        near(variation(&steady), 0.0);
        near(power(&steady), 8.0 / 0.05);
        assert_eq!(convergence(&steady), None, "one flow has all from the start");
    }

    #[test]
    fn a_newcomer_converges_when_it_has_nine_twentieths() {
        // From 10 s on its rate grows by a twentieth of the link each second, to a half at 20 s.
        let grown = |t: f64| {
            let t = (t - 10.0).max(0.0);
            if t < 10.0 { 0.05e6 * t * t / 2.0 } else { 2.5e6 + 0.5e6 * (t - 10.0) }
        };
        let pair = outcome(&[
            |t| {
                let t2 = (t - 10.0).max(0.0);
                1e6 * t - if t2 < 10.0 { 0.05e6 * t2 * t2 / 2.0 } else { 2.5e6 + 0.5e6 * (t2 - 10.0) }
            },
            grown,
        ]);
        // The mean of a window is its rate half a window ago; the first bytes come a sample after 10 s.
        near(convergence(&pair), 9.0 + 0.5 - 0.1);
    }

    #[test]
    fn rates_that_alternate_vary_by_their_distance() {
        // Whole seconds of 0.5 and 1.5 MB: the standard deviation is half the mean, but for one of thirty.
        let saw = outcome(&[|t| {
            let (whole, part) = ((t / 2.0).floor(), t % 2.0);
            2e6 * whole + if part < 1.0 { 0.5e6 * part } else { 0.5e6 + 1.5e6 * (part - 1.0) }
        }]);
        near(variation(&saw), 0.5 * (30.0f64 / 29.0).sqrt());
    }

    #[test]
    fn a_second_of_equality_that_does_not_last_is_no_convergence() {
        // The newcomer has a half for two seconds, then a fifth.
        let apart = outcome(&[
            |t| {
                1e6 * t
                    - if t < 10.0 { 0.0 } else { 0.5e6 * (t - 10.0).min(2.0) + 0.2e6 * (t - 12.0).max(0.0) }
            },
            |t| 0.5e6 * (t - 10.0).clamp(0.0, 2.0) + 0.2e6 * (t - 12.0).max(0.0),
        ]);
        assert_eq!(convergence(&apart), None);
    }

    #[test]
    fn samples_that_miss_the_ends_of_windows_do_not_make_a_steady_flow_vary() {
        let mut steady = outcome(&[|t| 1e6 * t]);
        let series = steady.series.as_mut().expect("a series");
        series.flows.retain(|sample| sample.time.as_secs_f64() * 10.0 % 2.0 < 0.5);
        near(variation(&steady), 0.0);
        steady.series.as_mut().expect("a series").interval = Duration::from_secs(2);
        assert_eq!((variation(&steady), ramp_up(&steady), power(&steady)), (None, None, None));
    }

    #[test]
    fn one_flow_that_got_nothing_leaves_no_figure() {
        let starved = outcome(&[|t| 1e6 * t, |_| 0.0]);
        assert_eq!((convergence(&starved), variation(&starved), ramp_up(&starved)), (None, None, None));
    }

    #[test]
    fn flows_without_a_series_or_data_have_none() {
        let mut empty = outcome(&[|_| 0.0]);
        assert_eq!((ramp_up(&empty), power(&empty)), (None, None));
        empty.series = None;
        assert_eq!((convergence(&empty), variation(&empty)), (None, None));
    }
}
