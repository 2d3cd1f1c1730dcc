//! Parts of a run for many machines: each Nth of its trials.

use std::fmt;
use std::str::FromStr;

use crate::scenario::Plan;

/// One of so many parts, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    of: u32,
}

/// Most parts of a run.
pub const MOST: u32 = 100_000;

impl Shard {
    /// True of the trials of the part. Cells differ in the time that they take, so that neighbours go to different parts.
    pub fn has(self, plan: &Plan, (cell, number): (usize, u32)) -> bool {
        let place = cell as u64 * u64::from(plan.trials()) + u64::from(number);
        place % u64::from(self.of) == u64::from(self.number) - 1
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let numbers = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((number, of)) if number >= 1 && number <= of && of <= MOST => Ok(Shard { number, of }),
            _ => Err(format!("a shard is K/N with K from 1 to N, and N up to {MOST}, as in 3/10")),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn shards_share_all_trials_among_them() {
        let text = include_str!("../../scenarios/fairness.toml");
        let plan = Plan::parse("fairness.toml", text, &["trials=3".to_owned()]).expect("a sound scenario");
        for of in [1, 2, 7, 1_000] {
            let part = |k: u32| -> BTreeSet<(usize, u32)> {
                let shard = format!("{k}/{of}").parse::<Shard>().expect("a shard");
                let part: BTreeSet<_> = plan.every_trial().filter(|trial| shard.has(&plan, *trial)).collect();
                let each = plan.every_trial().skip(k as usize - 1).step_by(of as usize);
                assert!(part == each.collect(), "{k} of {of}");
                part
            };
            let parts: Vec<_> = (1..=of).map(part).collect();
            let sum: usize = parts.iter().map(BTreeSet::len).sum();
            let all: BTreeSet<_> = parts.into_iter().flatten().collect();
            assert_eq!((sum, all), (plan.every_trial().count(), plan.every_trial().collect()), "{of}");
        }
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", "1/100001", "1/3/5", ""] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
