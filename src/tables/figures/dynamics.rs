//! Figures of bulk flows over time, from the series of a trial: how fast each gets going, when all have their shares, how
//! steady they are, and what delay they have for it.

use crate::facts::{FlowSample, Measure, Outcome};
use crate::time::Duration;

/// Window over which a rate is taken, in seconds.
const WINDOW_S: f64 = 1.0;
/// Part of its mean rate at which a flow has got going.
const RAMPED_UP: f64 = 0.9;
/// Largest part by which each share differs from an equal one once flows have converged.
const DELTA: f64 = 0.1;

/// Bytes that arrived at the receiver of a flow, over time.
struct Curve<'a> {
    samples: Vec<&'a FlowSample>,
    /// Second of the first sample with data.
    began: f64,
}

impl Curve<'_> {
    /// Bytes until a time.
    fn at(&self, time: f64) -> f64 {
        let before = self.samples.partition_point(|sample| sample.time.as_secs_f64() <= time + 1e-9);
        before.checked_sub(1).map_or(0.0, |last| self.samples[last].arrived as f64)
    }

    /// Bytes within so many seconds that end at a time.
    fn within(&self, span: f64, end: f64) -> f64 {
        self.at(end) - self.at(end - span)
    }
}

/// The bulk flows of a trial that got data through, the end of its series, and the length of its measured interval,
/// both in seconds.
struct Flows<'a> {
    curves: Vec<Curve<'a>>,
    end: f64,
    measured: f64,
}

impl<'a> Flows<'a> {
    fn of(outcome: &'a Outcome) -> Option<Flows<'a>> {
        let series = outcome.series.as_ref()?;
        let end = series.flows.last()?.time.as_secs_f64();
        let bulk = (0..outcome.flows.len()).filter(|&flow| outcome.flows[flow].measures(Measure::Goodput));
        let mut curves: Vec<[Curve<'a>; 2]> = Vec::new();
        let mut places = vec![None; outcome.flows.len()];
        for flow in bulk {
            places[flow] = Some(curves.len());
            curves.push([(); 2].map(|()| Curve { samples: Vec::new(), began: f64::INFINITY }));
        }
        for sample in &series.flows {
            let Some(place) = places[sample.flow as usize] else { continue };
            let curve: &mut Curve<'_> = &mut curves[place][sample.direction.index()];
            if sample.arrived > 0 {
                curve.began = curve.began.min(sample.time.as_secs_f64());
            }
            curve.samples.push(sample);
        }
        let carrying = |both: [Curve<'a>; 2]| both.into_iter().filter(|curve| curve.began.is_finite());
        let curves: Vec<Curve<'a>> = curves.into_iter().flat_map(carrying).collect();
        (!curves.is_empty()).then_some(Flows { curves, end, measured: outcome.measured.as_secs_f64() })
    }

    /// Ends of the windows from a time on, a sampling interval apart.
    fn windows(&self, from: f64) -> impl Iterator<Item = f64> + '_ {
        let times = self.curves.iter().max_by_key(|curve| curve.samples.len());
        let times =
            times.into_iter().flat_map(|curve| &curve.samples).map(|sample| sample.time.as_secs_f64());
        times.filter(move |time| *time >= from)
    }

    /// Mean over the flows of what each has; `None` if one has nothing.
    fn mean(&self, of: impl Fn(&Curve<'_>) -> Option<f64>) -> Option<f64> {
        let values: Option<Vec<f64>> = self.curves.iter().map(of).collect();
        let values = values?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }
}

/// Seconds from a flow's first data to the end of the first window in which it has 90 % of its mean rate of the measured
/// interval; mean over flows.
pub fn ramp_up(outcome: &Outcome) -> Option<f64> {
    let flows = Flows::of(outcome)?;
    flows.mean(|curve| {
        let wanted = RAMPED_UP * WINDOW_S * curve.within(flows.measured, flows.end) / flows.measured;
        let windows = flows.windows(curve.began);
        let mut fast = windows.filter(|&end| wanted > 0.0 && curve.within(WINDOW_S, end) >= wanted);
        fast.next().map(|end| end - curve.began)
    })
}

/// Seconds from the first data of the last flow to the end of the first window in which each share is within a tenth of
/// an equal one; `None` for a single flow, and where that never is.
pub fn convergence(outcome: &Outcome) -> Option<f64> {
    let flows = Flows::of(outcome)?;
    let count = flows.curves.len() as f64;
    let last = flows.curves.iter().map(|curve| curve.began).fold(0.0, f64::max);
    let is_even = |end: f64| {
        let bytes: Vec<f64> = flows.curves.iter().map(|curve| curve.within(WINDOW_S, end)).collect();
        let equal = bytes.iter().sum::<f64>() / count;
        equal > 0.0 && bytes.iter().all(|own| (own - equal).abs() <= DELTA * equal)
    };
    let mut windows = flows.windows(last + WINDOW_S).filter(|_| count > 1.0);
    windows.find(|&end| is_even(end)).map(|end| end - last)
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
        near(ramp_up(&steady), 0.8);
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
    fn flows_without_a_series_or_data_have_none() {
        let mut empty = outcome(&[|_| 0.0]);
        assert_eq!((ramp_up(&empty), power(&empty)), (None, None));
        empty.series = None;
        assert_eq!((convergence(&empty), variation(&empty)), (None, None));
    }
}
