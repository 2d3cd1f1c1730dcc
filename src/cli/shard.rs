//! Parts of a run for many machines: each Nth of its trials.

use std::collections::BTreeSet;
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
    /// Trials of the part. Cells differ in the time that they take, so that neighbours go to different parts.
    pub fn of(self, plan: &Plan) -> BTreeSet<(usize, u32)> {
        plan.every_trial().skip(self.number as usize - 1).step_by(self.of as usize).collect()
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
    use super::*;

    #[test]
    fn shards_share_all_trials_among_them() {
        let text = include_str!("../../scenarios/fairness.toml");
        let plan = Plan::parse("fairness.toml", text, &["trials=3".to_owned()]).expect("a sound scenario");
        for of in [1, 2, 7, 1_000] {
            let parts: Vec<_> =
                (1..=of).map(|k| format!("{k}/{of}").parse::<Shard>().expect("a shard").of(&plan)).collect();
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
