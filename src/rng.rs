//! Random streams by name. Every component draws from a generator of its own, derived from the
//! trial's seed and a label such as `link/bottleneck/up/loss`; adding a component therefore never
//! changes another's draws, and two controllers in the same trial meet the same losses.
//!
//! The generator is Xoshiro256++ (Blackman and Vigna 2019), seeded by SHA-256 over seed and label:
//! both are fixed algorithms, unlike `rand`'s `StdRng`, which may change in any release. Samples
//! go through `libm`, because `f64::ln` and friends differ between platforms.

use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng};
use sha2::{Digest, Sha256};

use crate::time::Duration;
use crate::units::Probability;

/// The name of the generator and of the seeding, for the manifest.
pub const ALGORITHM: &str = "xoshiro256++, seeded with SHA-256(seed, label)";

/// The seed of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

/// One component's stream of random numbers.
#[derive(Clone, Debug)]
pub struct Rng(Xoshiro256PlusPlus);

impl Seed {
    /// The generator that belongs to `label` under this seed.
    pub fn stream(self, label: &str) -> Rng {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        hash.update(label.as_bytes());
        Rng(Xoshiro256PlusPlus::from_seed(hash.finalize().into()))
    }

    /// A seed for all streams that belong to `label` under this one.
    pub fn child(self, label: &str) -> Seed {
        Seed(self.stream(label).next_u64())
    }
}

impl Rng {
    /// 64 uniform bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A uniform number in [0, 1) with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// A uniform number in 0 … `n`−1, without bias beyond 2⁻⁶⁴; `n` must not be zero.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "a number below zero");
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// True with probability `p`. Always draws, so that streams of two
    /// settings stay in step.
    pub fn chance(&mut self, p: Probability) -> bool {
        let draw = self.next_u64();
        p.hits(draw)
    }

    /// A standard normal number (ziggurat).
    pub fn standard_normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// An exponentially distributed span with the given mean.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        // 1 − u lies in (0, 1], so the logarithm is finite.
        Duration::from_secs_f64(-libm::log(1.0 - self.uniform()) * mean.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_pinned() {
        // Golden values: a change here changes every published figure.
        let mut rng = Seed(1).stream("link/bottleneck/up/loss");
        assert_eq!([rng.next_u64(), rng.next_u64()], [2_032_616_982_425_249_473, 1_497_514_465_310_335_722]);
        let normals: Vec<f64> = (0..3).map(|_| rng.standard_normal()).collect();
        assert_eq!(normals, [1.215_556_750_544_094_5, -0.659_854_109_356_471_7, -2.179_393_733_342_929]);
        let spans: Vec<u64> = (0..2).map(|_| rng.exponential(Duration::from_secs(1)).as_nanos()).collect();
        assert_eq!(spans, [2_466_764_569, 712_203_205]);
    }

    #[test]
    fn labels_are_independent_and_repeatable() {
        let draw = |seed, label: &str| Seed(seed).stream(label).next_u64();
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
    }

    #[test]
    fn below_stays_below_and_reaches_every_value() {
        let mut rng = Seed(1).stream("test");
        let mut seen = [0u32; 5];
        for _ in 0..5000 {
            seen[rng.below(5) as usize] += 1;
        }
        // 1000 ± 5 standard deviations of a binomial(5000, 1/5).
        assert!(seen.iter().all(|&n| (858..=1142).contains(&n)), "{seen:?}");
    }

    #[test]
    fn exponential_has_its_mean() {
        let mut rng = Seed(1).stream("test");
        let n = 20_000u32;
        let total: f64 = (0..n).map(|_| rng.exponential(Duration::from_secs(1)).as_secs_f64()).sum();
        // The standard error of the mean is 1/√n = 0.7 %; allow five of them.
        assert!((total / f64::from(n) - 1.0).abs() < 0.036);
    }
}
