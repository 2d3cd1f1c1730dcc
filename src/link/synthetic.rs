//! Synthetic traces: delivery opportunities of a link whose rate wanders.
//!
//! The model is that of Sprout (Winstein, Sivaraman and Balakrishnan, NSDI 2013, section 3.1): opportunities
//! are a Poisson process whose rate λ wanders, and now and then an outage lets nothing through, which ends
//! with a constant chance per second. Unlike there, where λ is a Brownian motion with σ = 200 packets/s per
//! √s, which has no mean to ask for, its logarithm x is drawn back to its mean (Ornstein and Uhlenbeck 1930):
//!
//! ```text
//! dx = −x/τ dt + s √(2/τ) dW,   λ = m eˣ,   one step a millisecond
//! ```
//!
//! so that x is normal with standard deviation s and forgets itself in τ. Around λ = m the rate wanders by
//! m s √(2/τ) per √s: with LTE's parameters and 12 Mbit/s, Sprout's 200 packets/s. Outages begin with the
//! chance 1/gap per second and end with 1/length. m is chosen last, so that the mean is what was asked for,
//! but for the Poisson process's own √n.

use super::trace::OPPORTUNITY;
use crate::rng::{Rng, Seed};
use crate::time::Duration;
use crate::units::Rate;

/// A kind of synthetic link.
#[derive(Debug)]
pub struct Kind {
    /// Its name on the command line.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    law: Option<Law>,
}

/// Parameters of a wandering rate; see the [module](self). Times in seconds.
#[derive(Debug)]
struct Law {
    spread: f64,
    memory: f64,
    outage_gap: f64,
    outage_length: f64,
}

/// Every kind there is.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "lte",
        summary: "wanders by half within some ten seconds; an outage of half a second twice a minute",
        law: Some(Law { spread: 0.45, memory: 10.0, outage_gap: 30.0, outage_length: 0.5 }),
    },
    Kind {
        name: "umts",
        summary: "wanders by its own size within some five seconds; an outage of a second three times a minute",
        law: Some(Law { spread: 0.8, memory: 5.0, outage_gap: 20.0, outage_length: 1.0 }),
    },
    Kind { name: "constant", summary: "evenly spaced", law: None },
];

/// Most opportunities of a trace.
pub const MOST: u64 = 10_000_000;

impl Kind {
    /// The kind called `name`.
    pub fn by_name(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// Milliseconds of the opportunities of such a link for `duration`; the last is at its end, so that it
    /// repeats after that time. `None` for less than one opportunity or more than [`MOST`].
    pub fn trace(&self, mean: Rate, seed: Seed, duration: Duration) -> Option<Vec<u32>> {
        let millis = u32::try_from(duration.as_millis()).ok()?;
        let wanted = mean.bytes_in(Duration::from_millis(millis.into())) / u64::from(OPPORTUNITY);
        if wanted == 0 || wanted > MOST {
            return None;
        }
        let rates = match &self.law {
            None => vec![1.0; millis as usize],
            Some(law) => law.rates(millis, &mut seed.stream("trace/rate")),
        };
        let scale = wanted as f64 / rates.iter().sum::<f64>();
        let mut chance = seed.stream("trace/opportunities");
        let mut gap = || match self.law {
            None => 1.0,
            Some(_) => -libm::log(1.0 - chance.uniform()),
        };
        let mut times = Vec::with_capacity(wanted as usize + 1);
        // Rate that must pass until the next opportunity; rounding must not cost the last of even ones.
        let mut until = gap() - 1e-6;
        for (millisecond, rate) in (1..).zip(rates) {
            until -= rate * scale;
            while until <= 0.0 {
                times.push(millisecond);
                until += gap();
            }
        }
        match times.last_mut() {
            Some(last) => *last = millis,
            None => times.push(millis),
        }
        Some(times)
    }
}

impl Law {
    /// The rate in each millisecond, in units of nothing.
    fn rates(&self, millis: u32, rng: &mut Rng) -> Vec<f64> {
        const STEP: f64 = 1e-3;
        let keep = libm::exp(-STEP / self.memory);
        let noise = self.spread * (1.0 - keep * keep).sqrt();
        let mut x = self.spread * rng.standard_normal();
        let mut out = false;
        let mut rates: Vec<f64> = Vec::with_capacity(millis as usize);
        for _ in 0..millis {
            x = keep * x + noise * rng.standard_normal();
            let mean = if out { self.outage_length } else { self.outage_gap };
            out ^= rng.uniform() < STEP / mean;
            rates.push(if out { 0.0 } else { libm::exp(x) });
        }
        // A trace that is one outage would have no rate to scale.
        if rates.iter().all(|rate| *rate == 0.0) {
            rates.fill(1.0);
        }
        rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mbit(megabits: u64) -> Rate {
        Rate::from_bits_per_second(megabits * 1_000_000).expect("not zero")
    }

    #[test]
    fn a_constant_trace_is_even() {
        let kind = Kind::by_name("constant").expect("a kind");
        let times = kind.trace(mbit(12), Seed(1), Duration::from_secs(1)).expect("a trace");
        assert_eq!(times, (1..=1000).collect::<Vec<u32>>());
        let slow = kind.trace(mbit(3), Seed(1), Duration::from_millis(12)).expect("a trace");
        assert_eq!(slow, [4, 8, 12]);
    }

    #[test]
    fn a_trace_has_the_mean_and_the_length_that_were_asked_for() {
        for kind in KINDS {
            for seed in 1..6 {
                let times = kind.trace(mbit(12), Seed(seed), Duration::from_secs(60)).expect("a trace");
                assert!(times.is_sorted() && times.last() == Some(&60_000), "{} {seed}", kind.name);
                // Five standard deviations of a Poisson process of 60 000.
                assert!(times.len().abs_diff(60_000) < 1_225, "{} {seed}: {}", kind.name, times.len());
            }
        }
    }

    #[test]
    fn an_lte_rate_wanders_as_sprouts_and_has_outages() {
        // Changes over 100 ms of a rate around m: m s √(2/τ) √0.1, in units of m.
        let law = KINDS[0].law.as_ref().expect("a law");
        let rates = law.rates(2_000_000, &mut Seed(1).stream("test"));
        let steps = rates.windows(101).step_by(100).filter(|window| window.iter().all(|rate| *rate > 0.0));
        let squares: Vec<f64> =
            steps.map(|window| libm::log(window[100] / window[0])).map(|d| d * d).collect();
        let deviation = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
        let sprout = 0.2 * 0.1f64.sqrt();
        assert!((deviation / sprout - 1.0).abs() < 0.05, "{deviation} beside {sprout}");
        let out = rates.iter().filter(|rate| **rate == 0.0).count() as f64 / rates.len() as f64;
        assert!((0.01..0.025).contains(&out), "{out}");
    }

    #[test]
    fn what_has_no_opportunity_or_too_many_is_refused() {
        let trace = |rate, duration| KINDS[0].trace(rate, Seed(1), duration);
        assert!(trace(mbit(1), Duration::from_millis(11)).is_none());
        assert!(trace(mbit(1_000_000), Duration::from_secs(3600)).is_none());
        assert!(trace(mbit(1), Duration::from_millis(12)).is_some());
    }
}
