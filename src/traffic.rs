//! Traffic laws: when something is sent, and how large it is. Scenarios name them, applications draw from
//! them; each draw is from a stream that its owner names.

use crate::rng::Rng;
use crate::time::Duration;

/// Distribution of events over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Independently: exponential times between events.
    Poisson,
    /// At equal distances, from a random point of the first interval on.
    Periodic,
    /// In bursts of `size` events `gap` apart. The pauses between bursts are exponential, with
    /// the mean that keeps the mean interval; a burst that lasts longer than the interval is followed
    /// by the next at once.
    Bursts {
        /// Events in a burst; at least one.
        size: u32,
        /// From event to event within a burst.
        gap: Duration,
    },
}

/// Law of a size in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SizeDistribution {
    /// Always the same.
    Constant(u64),
    /// Equally likely from `low` to `high`, both included.
    Uniform {
        /// The smallest.
        low: u64,
        /// The largest.
        high: u64,
    },
    /// Many small ones, few large ones: exponential with this mean.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// Log-normal with this mean and standard deviation (of the sizes, not of their logarithms).
    Lognormal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        sd: f64,
    },
    /// Pareto with this mean: a share (least/x)^shape is larger than x.
    Pareto {
        /// The mean.
        mean: f64,
        /// The shape, larger than 1; from 2 down the variance is infinite.
        shape: f64,
    },
    /// A published distribution, by points of its cumulative one.
    Published(&'static Published),
}

/// A distribution that was measured by others.
#[derive(Debug, PartialEq)]
pub struct Published {
    /// Its word in scenarios.
    pub name: &'static str,
    /// Origin, for documentation.
    pub source: &'static str,
    /// Points of the cumulative distribution, as (bytes, share of sizes that are not larger); between two
    /// points it is linear. The first has share 0, the last 1.
    pub points: &'static [(f64, f64)],
}

/// A process in time: the instants at which its owner acts.
#[derive(Clone, Debug)]
pub struct Process {
    interval: Duration,
    arrivals: Arrivals,
    rng: Rng,
    /// Events of the present burst that are still to come.
    burst_left: u32,
}

impl Process {
    /// A process with this mean interval between events, or between bursts.
    pub fn new(interval: Duration, arrivals: Arrivals, rng: Rng) -> Process {
        Process { interval: interval.max(Duration::from_nanos(1)), arrivals, rng, burst_left: 0 }
    }

    /// Time from the start to the first event.
    pub fn first(&mut self) -> Duration {
        match self.arrivals {
            Arrivals::Periodic => Duration::from_nanos(self.rng.below(self.interval.as_nanos())),
            Arrivals::Poisson | Arrivals::Bursts { .. } => self.pause(),
        }
    }

    /// Time until the next event.
    pub fn pause(&mut self) -> Duration {
        match self.arrivals {
            Arrivals::Poisson => self.rng.exponential(self.interval),
            Arrivals::Periodic => self.interval,
            Arrivals::Bursts { gap, .. } if self.burst_left > 0 => {
                self.burst_left -= 1;
                gap
            }
            Arrivals::Bursts { size, gap } => {
                self.burst_left = size.saturating_sub(1);
                let busy = gap.saturating_mul(u64::from(self.burst_left));
                self.rng.exponential(self.interval.saturating_sub(busy))
            }
        }
    }
}

impl SizeDistribution {
    /// A size.
    pub fn draw(&self, rng: &mut Rng) -> u64 {
        // A float-to-integer cast saturates, and NaN becomes zero.
        match *self {
            SizeDistribution::Constant(size) => size,
            SizeDistribution::Uniform { low, high } => {
                low.saturating_add(rng.below(high.saturating_sub(low).saturating_add(1)))
            }
            SizeDistribution::Exponential { mean } => {
                libm::round(-libm::log(1.0 - rng.uniform()) * mean) as u64
            }
            SizeDistribution::Lognormal { mean, sd } => {
                let variance = libm::log1p((sd / mean) * (sd / mean));
                let location = libm::log(mean) - variance / 2.0;
                let z = rng.standard_normal();
                libm::round(libm::exp(location + libm::sqrt(variance) * z)) as u64
            }
            SizeDistribution::Pareto { mean, shape } => {
                let least = mean * (shape - 1.0) / shape;
                libm::round(least * libm::pow(1.0 - rng.uniform(), -1.0 / shape)) as u64
            }
            SizeDistribution::Published(law) => libm::round(law.quantile(rng.uniform())) as u64,
        }
    }
}

impl Published {
    /// The size that a share of all does not exceed.
    fn quantile(&self, share: f64) -> f64 {
        let above = self.points.partition_point(|point| point.1 <= share).clamp(1, self.points.len() - 1);
        let ((x0, p0), (x1, p1)) = (self.points[above - 1], self.points[above]);
        x0 + (x1 - x0) * (share - p0) / (p1 - p0)
    }

    /// The mean of the distribution.
    pub fn mean(&self) -> f64 {
        self.points.windows(2).map(|pair| (pair[1].1 - pair[0].1) * (pair[0].0 + pair[1].0) / 2.0).sum()
    }
}

/// Bytes of a packet in the published table.
const PACKET: f64 = 1460.0;

/// Flow sizes of a web-search cluster as transport papers replay them, in packets of 1460 bytes.
pub static WEB_SEARCH: Published = Published {
    name: "web-search",
    source: "Alizadeh et al., Data Center TCP (DCTCP), SIGCOMM 2010, as tabulated for pFabric (SIGCOMM 2013)",
    points: &[
        (6.0 * PACKET, 0.0),
        (6.0 * PACKET, 0.15),
        (13.0 * PACKET, 0.20),
        (19.0 * PACKET, 0.30),
        (33.0 * PACKET, 0.40),
        (53.0 * PACKET, 0.53),
        (133.0 * PACKET, 0.60),
        (667.0 * PACKET, 0.70),
        (1333.0 * PACKET, 0.80),
        (3333.0 * PACKET, 0.90),
        (6667.0 * PACKET, 0.97),
        (20_000.0 * PACKET, 1.0),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    /// The mean of many draws.
    fn mean(law: SizeDistribution) -> f64 {
        let mut rng = Seed(1).stream("sizes");
        (0..200_000).map(|_| law.draw(&mut rng) as f64).sum::<f64>() / 200_000.0
    }

    #[test]
    fn laws_have_their_means() {
        let near = |law, expected: f64| {
            let mean = mean(law);
            assert!((mean / expected - 1.0).abs() < 0.03, "{law:?}: {mean} instead of {expected}");
        };
        near(SizeDistribution::Uniform { low: 10, high: 20 }, 15.0);
        near(SizeDistribution::Exponential { mean: 1000.0 }, 1000.0);
        near(SizeDistribution::Lognormal { mean: 1000.0, sd: 1000.0 }, 1000.0);
        near(SizeDistribution::Pareto { mean: 10_000.0, shape: 2.5 }, 10_000.0);
        near(SizeDistribution::Published(&WEB_SEARCH), WEB_SEARCH.mean());
    }

    #[test]
    fn the_published_law_rises_from_0_to_1_and_is_interpolated() {
        let points = WEB_SEARCH.points;
        assert!(points[0].1 <= 0.0 && points[points.len() - 1].1 >= 1.0);
        assert!(points.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 < pair[1].1));
        let packets = |share| WEB_SEARCH.quantile(share) / PACKET;
        for (share, expected) in [(0.0, 6.0), (0.1, 6.0), (1.0, 20_000.0)] {
            assert!((packets(share) - expected).abs() < 1e-9);
        }
        assert!((packets(0.35) - 26.0).abs() < 1e-9);
        // 1.7 MB, as the papers say of it.
        assert!((WEB_SEARCH.mean() / 1.7e6 - 1.0).abs() < 0.05, "{}", WEB_SEARCH.mean());
    }

    #[test]
    fn a_pareto_law_has_its_tail() {
        let law = SizeDistribution::Pareto { mean: 12_000.0, shape: 1.2 };
        let mut rng = Seed(1).stream("sizes");
        let sizes: Vec<u64> = (0..100_000).map(|_| law.draw(&mut rng)).collect();
        // least = mean (shape - 1) / shape = 2000; P(x > 20,000) = 10^-1.2 = 6.3 %.
        assert!(sizes.iter().all(|&size| size >= 2000));
        let share = sizes.iter().filter(|&&size| size > 20_000).count() as f64 / 1e5;
        assert!((share - 0.0631).abs() < 0.004, "{share}");
    }
}
