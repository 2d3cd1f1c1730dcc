//! The shapes of jitter, each a function of one standard normal number.
//!
//! Writing every shape as an increasing function of a normal number z (a Gaussian copula) lets
//! successive delays resemble each other while each on its own keeps the configured mean and
//! spread. All functions come from `libm`, since those of `std` differ between platforms.

use super::config::{Delay, JitterDistribution};
use crate::time::Duration;

/// Mean and standard deviation of a Pareto variable of exponent 3 and minimum 1, netem's choice.
const PARETO_MEAN: f64 = 1.5;
const PARETO_SD: f64 = 0.866_025_403_784_438_6;
/// Standard deviation of z/4 + 3/4 of the standardised Pareto of the same z: √((1 + 9 + 6 c)/16)
/// with their covariance c = 0.678 352 789 5, integrated numerically.
const PARETO_NORMAL_SD: f64 = 0.937_753_856_873_552;

/// The delay as a function of a standard normal number, in nanoseconds and never negative: what
/// would fall below zero is zero, as in netem, which raises the mean a little where jitter is not
/// small against the delay.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    mean: f64,
    spread: f64,
    distribution: JitterDistribution,
    /// σ of the logarithm, for the lognormal shape.
    sigma: f64,
}

impl Shape {
    pub(super) fn new(delay: &Delay) -> Shape {
        let mean = delay.mean.as_nanos() as f64;
        let spread = delay.jitter.as_nanos() as f64;
        // Of a lognormal variable: sd² / mean² = exp(σ²) − 1.
        let sigma = if mean > 0.0 { libm::log1p((spread / mean) * (spread / mean)).sqrt() } else { 0.0 };
        Shape { mean, spread, distribution: delay.distribution.clone(), sigma }
    }

    /// The delay at `z`, in nanoseconds; grows with `z`.
    pub(super) fn at(&self, z: f64) -> f64 {
        let delay = match &self.distribution {
            JitterDistribution::Uniform => self.mean + self.spread * (1.0 - 2.0 * upper_tail(z)),
            JitterDistribution::Normal => self.mean + self.spread * z,
            // The delay itself is lognormal, so it is positive; of mean zero it is always zero.
            JitterDistribution::LogNormal => {
                self.mean * libm::exp(self.sigma * z - self.sigma * self.sigma / 2.0)
            }
            JitterDistribution::Pareto => self.mean + self.spread * pareto(z),
            JitterDistribution::ParetoNormal => {
                self.mean + self.spread * (0.25 * z + 0.75 * pareto(z)) / PARETO_NORMAL_SD
            }
            JitterDistribution::Table(table) => self.mean + self.spread * table.quantile(1.0 - upper_tail(z)),
        };
        delay.max(0.0)
    }

    /// The delay at `z`.
    pub(super) fn sample(&self, z: f64) -> Duration {
        Duration::from_nanos((self.at(z) + 0.5) as u64)
    }

    /// The delay that a draw exceeds with this chance, in nanoseconds.
    pub(super) fn exceeded_with(&self, chance: f64) -> f64 {
        self.at(bisect(-9.0, 37.0, |z| upper_tail(z) > chance))
    }

    /// Mean and variance in nanoseconds, the cut at zero included, integrated numerically.
    pub(super) fn moments(&self) -> (f64, f64) {
        if self.spread == 0.0 {
            return (self.mean, 0.0);
        }
        if let JitterDistribution::Table(table) = &self.distribution {
            let delays = || table.values().map(|value| (self.mean + self.spread * value).max(0.0));
            let n = delays().count() as f64;
            let mean = delays().sum::<f64>() / n;
            return (mean, delays().map(|delay| (delay - mean) * (delay - mean)).sum::<f64>() / n);
        }
        // The heaviest integrand falls as exp(−z²/6): nothing is left beyond 12, nor below −9.
        let (mut weight, mut mean, mut square) = (0.0, 0.0, 0.0);
        for i in 0..2_100 {
            let z = -9.0 + 0.01 * f64::from(i);
            let density = libm::exp(-z * z / 2.0);
            let delay = self.at(z);
            weight += density;
            mean += density * delay;
            square += density * delay * delay;
        }
        let mean = mean / weight;
        (mean, square / weight - mean * mean)
    }
}

/// The value that a share `q` of a mixture stays below, in nanoseconds; `parts` are shapes with
/// their weights.
pub(super) fn mixture_quantile(parts: &[(Shape, f64)], q: f64) -> f64 {
    let total: f64 = parts.iter().map(|&(_, weight)| weight).sum();
    let (mut low, mut high) = (f64::INFINITY, 0.0f64);
    for (shape, _) in parts {
        low = low.min(shape.at(-9.0));
        high = high.max(shape.at(9.0));
    }
    if parts.len() == 1 {
        return parts[0].0.at(bisect(-9.0, 9.0, |z| 1.0 - upper_tail(z) < q));
    }
    bisect(low, high, |delay| {
        let below = |shape: &Shape| 1.0 - upper_tail(bisect(-9.0, 9.0, |z| shape.at(z) <= delay));
        parts.iter().map(|(shape, weight)| weight / total * below(shape)).sum::<f64>() < q
    })
}

/// Point at which `too_low` turns from true to false.
fn bisect(mut low: f64, mut high: f64, too_low: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if too_low(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The standardised Pareto variable at `z`. Unlike netem's table, because that one is scaled by
/// 1/variance instead of 1/sd and cut at four sd, its spread is the configured one.
fn pareto(z: f64) -> f64 {
    // Beyond z = 37 the tail underflows; no generator of 53 bits gets there.
    let tail = upper_tail(z.min(37.0));
    (1.0 / libm::cbrt(tail) - PARETO_MEAN) / PARETO_SD
}

/// The probability that a standard normal number exceeds `z`.
fn upper_tail(z: f64) -> f64 {
    libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    const ALL: [JitterDistribution; 5] = [
        JitterDistribution::Uniform,
        JitterDistribution::Normal,
        JitterDistribution::LogNormal,
        JitterDistribution::Pareto,
        JitterDistribution::ParetoNormal,
    ];

    fn shape(mean: u64, jitter: u64, distribution: JitterDistribution) -> Shape {
        let (mean, jitter) = (Duration::from_millis(mean), Duration::from_millis(jitter));
        Shape::new(&Delay { mean, jitter, distribution, ..Delay::default() })
    }

    /// Mean and standard deviation of `n` samples, in milliseconds.
    fn sampled(shape: &Shape, n: u32) -> (f64, f64) {
        let mut rng = Seed(1).stream("jitter");
        let (mut sum, mut square) = (0.0, 0.0);
        for _ in 0..n {
            let x = shape.sample(rng.standard_normal()).as_millis_f64();
            sum += x;
            square += x * x;
        }
        let mean = sum / f64::from(n);
        (mean, (square / f64::from(n) - mean * mean).sqrt())
    }

    #[test]
    fn mean_and_spread_are_those_configured() {
        for distribution in ALL {
            let sd = if distribution == JitterDistribution::Uniform { 5.0 / 3f64.sqrt() } else { 5.0 };
            let shape = shape(50, 5, distribution.clone());
            let (mean, variance) = shape.moments();
            assert!((mean / 1e6 - 50.0).abs() < 1e-4, "{distribution:?}: {mean}");
            assert!((variance.sqrt() / 1e6 - sd).abs() < 1e-3, "{distribution:?}: {variance}");

            let n = 400_000;
            let (mean, realised) = sampled(&shape, n);
            let error = sd / f64::from(n).sqrt();
            assert!((mean - 50.0).abs() < 4.0 * error, "{distribution:?}: {mean}");
            // sd of a sample's sd: 0.7 σ/√n if normal. Pareto of exponent 3 has no fourth moment,
            // so that its sample spread comes closer only as n^(-1/3): about 1.4 %, thrice that.
            let heavy = matches!(distribution, JitterDistribution::Pareto | JitterDistribution::ParetoNormal);
            let tolerance = if heavy { 0.042 * sd } else { 4.0 * error };
            assert!((realised - sd).abs() < tolerance, "{distribution:?}: {realised}");
        }
    }

    #[test]
    fn the_first_samples_are_pinned() {
        let golden: [[u64; 3]; 5] = [
            [52_938_676, 52_719_633, 50_634_498],
            [54_099_573, 53_726_640, 50_798_608],
            [53_991_975, 53_591_759, 50_550_877],
            [51_113_408, 50_789_876, 48_950_505],
            [51_983_409, 51_625_231, 49_373_536],
        ];
        for (distribution, expected) in ALL.into_iter().zip(golden) {
            let shape = shape(50, 5, distribution.clone());
            let mut rng = Seed(1).stream("jitter");
            let drawn = [(); 3].map(|()| shape.sample(rng.standard_normal()).as_nanos());
            assert_eq!(drawn, expected, "{distribution:?}");
        }
    }

    #[test]
    fn a_delay_is_never_negative_and_the_cut_counts_in_its_mean() {
        let shape = shape(1, 1, JitterDistribution::Normal);
        assert_eq!(shape.sample(-3.0), Duration::ZERO);
        // E max(0, 1 + z) = Φ(1) + φ(1).
        assert!((shape.moments().0 / 1e6 - (0.841_344_746 + 0.241_970_725)).abs() < 1e-4);
    }

    #[test]
    fn quantiles_follow_the_shape_and_the_mixture() {
        let normal = shape(50, 5, JitterDistribution::Normal);
        let p99 = mixture_quantile(&[(normal, 1.0)], 0.99) / 1e6;
        assert!((p99 - (50.0 + 5.0 * 2.326_347_874)).abs() < 1e-5, "{p99}");
        // Half constant at 10 ms, half uniform on 90–110 ms: p99 is the uniform part's p98.
        let parts = [
            (shape(10, 0, JitterDistribution::Normal), 3.0),
            (shape(100, 10, JitterDistribution::Uniform), 3.0),
        ];
        let p99 = mixture_quantile(&parts, 0.99) / 1e6;
        assert!((p99 - 109.6).abs() < 1e-5, "{p99}");
    }
}
