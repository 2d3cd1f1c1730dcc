//! Propagation: the time on the wire, with jitter and reordering.

use super::chance::{Chance, Streams};
use super::config::{Delay, Reorder};
use super::distribution::Shape;
use crate::time::Duration;
use crate::wire::FlowId;

/// Draws how each packet travels.
#[derive(Debug)]
pub(super) struct Propagation {
    delay: Delay,
    /// Passage of every packet, if chance has no part in it.
    fixed: Option<Passage>,
    /// Jitter as configured once; it keeps its streams while it is switched off.
    jitter: Option<Box<Jitter>>,
    reorder: Option<Box<GapReorder>>,
}

/// Passage of one packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passage {
    pub delay: Duration,
    pub order: Order,
}

/// Order of a packet among those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// It arrives no earlier than any that entered before it.
    #[default]
    Kept,
    /// It arrives when its delay is over.
    Free,
    /// netem's `reorder` sends it without delay.
    Ahead,
}

/// Jitter with correlation. Unlike netem's, whose blend of the last value and a fresh one shrinks
/// the spread (by a half at 50 %), successive normal numbers follow a first-order autoregression
/// that leaves each of them standard normal; the shape then gives the delay its distribution.
#[derive(Debug)]
struct Jitter {
    on: bool,
    shape: Shape,
    correlation: f64,
    last: Option<f64>,
    streams: Streams,
}

/// netem's `reorder CHANCE gap N`: after N−1 delayed packets each further one is sent at once with
/// this chance, until one is; then it begins again.
#[derive(Debug)]
struct GapReorder {
    setting: Option<Reorder>,
    delayed: u32,
    streams: Streams,
}

impl Propagation {
    pub(super) fn new() -> Propagation {
        Propagation { delay: Delay::default(), fixed: None, jitter: None, reorder: None }
    }

    /// Takes effect from the next packet on.
    pub(super) fn configure(&mut self, delay: &Delay, reorder: Option<Reorder>, chance: &Chance) {
        self.delay.clone_from(delay);
        let (on, shape, correlation) =
            (!delay.jitter.is_zero(), Shape::new(delay), delay.correlation.as_f64());
        match &mut self.jitter {
            Some(jitter) => {
                jitter.on = on;
                jitter.shape = shape;
                jitter.correlation = correlation;
            }
            None if on => {
                let streams = chance.streams("jitter");
                self.jitter = Some(Box::new(Jitter { on, shape, correlation, last: None, streams }));
            }
            None => {}
        }
        match &mut self.reorder {
            Some(stage) => stage.setting = reorder,
            None if reorder.is_some() => {
                let streams = chance.streams("reorder");
                self.reorder = Some(Box::new(GapReorder { setting: reorder, delayed: 0, streams }));
            }
            None => {}
        }
        let is_fixed = !on && reorder.is_none();
        self.fixed = is_fixed.then(|| self.passage(delay.mean, false));
    }

    /// Packets since the last that went ahead.
    pub(super) fn delayed(&self) -> u32 {
        self.reorder.as_ref().map_or(0, |reorder| reorder.delayed)
    }

    /// A flow's number belongs to another from now on.
    pub(super) fn forget(&mut self, flow: FlowId) {
        if let Some(jitter) = &mut self.jitter {
            jitter.streams.forget(flow);
        }
        if let Some(reorder) = &mut self.reorder {
            reorder.streams.forget(flow);
        }
    }

    /// The passage of the next packet, which is of `flow`.
    #[inline]
    pub(super) fn draw(&mut self, flow: FlowId, chance: &Chance) -> Passage {
        match self.fixed {
            Some(passage) => passage,
            None => self.draw_by_chance(flow, chance),
        }
    }

    #[inline(never)]
    fn draw_by_chance(&mut self, flow: FlowId, chance: &Chance) -> Passage {
        let delay = match &mut self.jitter {
            Some(jitter) if jitter.on => jitter.draw(flow, chance),
            _ => self.delay.mean,
        };
        let ahead = self.reorder.as_mut().is_some_and(|reorder| reorder.draw(flow, chance));
        self.passage(delay, ahead)
    }

    fn passage(&self, delay: Duration, ahead: bool) -> Passage {
        match (ahead, self.delay.reorder) {
            (true, _) => Passage { delay: Duration::ZERO, order: Order::Ahead },
            (false, true) => Passage { delay, order: Order::Free },
            (false, false) => Passage { delay, order: Order::Kept },
        }
    }
}

impl Jitter {
    fn draw(&mut self, flow: FlowId, chance: &Chance) -> Duration {
        let fresh = self.streams.of(flow, chance).standard_normal();
        let rho = self.correlation;
        let z = match self.last {
            Some(last) => rho * last + (1.0 - rho * rho).sqrt() * fresh,
            None => fresh,
        };
        self.last = Some(z);
        self.shape.sample(z)
    }
}

impl GapReorder {
    /// True if the next packet goes ahead.
    fn draw(&mut self, flow: FlowId, chance: &Chance) -> bool {
        let Some(setting) = self.setting else { return false };
        // netem draws only past the gap; we always do, so that the gap does not shift the stream.
        let hit = self.streams.of(flow, chance).chance(setting.chance);
        let ahead = hit && self.delayed >= setting.gap.saturating_sub(1);
        self.delayed = if ahead { 0 } else { self.delayed.saturating_add(1) };
        ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::config::JitterDistribution;
    use crate::rng::Seed;
    use crate::units::Probability;

    fn chance() -> Chance {
        Chance::new(Seed(1), "link", false)
    }

    fn propagation(delay: &Delay, reorder: Option<Reorder>) -> Propagation {
        let mut propagation = Propagation::new();
        propagation.configure(delay, reorder, &chance());
        propagation
    }

    #[test]
    fn correlation_is_as_configured_and_leaves_the_spread_alone() {
        let rho = 0.5;
        for distribution in [JitterDistribution::Normal, JitterDistribution::Uniform] {
            let mut propagation = propagation(
                &Delay {
                    mean: Duration::from_millis(100),
                    jitter: Duration::from_millis(10),
                    distribution: distribution.clone(),
                    correlation: Probability::new(rho).expect("a fraction"),
                    reorder: true,
                },
                None,
            );
            let n = 200_000;
            let drawn: Vec<f64> = (0..n)
                .map(|_| propagation.draw(FlowId(0), &chance()).delay.as_millis_f64() - 100.0)
                .collect();
            let mean_of = |products: &mut dyn Iterator<Item = f64>| products.sum::<f64>() / f64::from(n);
            let variance = mean_of(&mut drawn.iter().map(|x| x * x));
            let covariance = mean_of(&mut drawn.windows(2).map(|w| w[0] * w[1]));
            let (sd, lag_one) = match distribution {
                // Of a Gaussian copula: 6/π asin(ρ/2).
                JitterDistribution::Uniform => {
                    (10.0 / 3f64.sqrt(), 6.0 / std::f64::consts::PI * 0.25f64.asin())
                }
                _ => (10.0, rho),
            };
            // An autoregression's variance has 1/n (1 + ρ²)/(1 − ρ²) of a normal's error: 0.4 %.
            assert!((variance.sqrt() / sd - 1.0).abs() < 0.010, "{distribution:?}: {variance}");
            // The error of a lag-one autocorrelation is √((1 − ρ²)/n) = 0.2 %.
            assert!((covariance / variance - lag_one).abs() < 0.008, "{distribution:?}: {covariance}");
        }
    }

    #[test]
    fn with_certainty_every_gapth_packet_goes_ahead() {
        let reorder = Reorder { chance: Probability::ALWAYS, gap: 5 };
        let mut propagation = propagation(&Delay::default(), Some(reorder));
        let ahead: Vec<usize> =
            (1..=15).filter(|_| propagation.draw(FlowId(0), &chance()).order == Order::Ahead).collect();
        assert_eq!(ahead, [5, 10, 15]);
    }

    #[test]
    fn past_the_gap_every_packet_is_a_candidate() {
        let reorder = Reorder { chance: Probability::new(0.2).expect("a fraction"), gap: 6 };
        let mut propagation = propagation(&Delay::default(), Some(reorder));
        let n = 100_000;
        let ahead = (0..n).filter(|_| propagation.draw(FlowId(0), &chance()).order == Order::Ahead).count();
        // A cycle is gap − 1 delayed packets and then 1/chance tries: 10 packets on average, with
        // standard deviation √0.8/0.2 = 4.5; so n/10 of them go ahead, give or take 45.
        assert!(ahead.abs_diff(10_000) < 180, "{ahead}");
    }

    #[test]
    fn reordering_does_not_shift_the_jitter() {
        let delay = Delay { jitter: Duration::from_millis(1), ..Delay::default() };
        let delay = Delay { mean: Duration::from_millis(9), ..delay };
        let reorder = Reorder { chance: Probability::new(0.5).expect("a fraction"), gap: 1 };
        let (mut plain, mut reordering) = (propagation(&delay, None), propagation(&delay, Some(reorder)));
        for _ in 0..100 {
            let (a, b) = (plain.draw(FlowId(0), &chance()), reordering.draw(FlowId(0), &chance()));
            assert!(b.order == Order::Ahead || a == b);
        }
    }
}
