//! The test behind a sentence: how a figure changed between two cells, over pairs of trials.
//!
//! Trial `k` of both cells met the same chances, so what they have in common cancels in a pair. The
//! test is Student's t of the logarithms of the ratios, since a change is said as a factor and the tail
//! of latencies is long; where a pair has a zero, of the differences. What is quoted is what was
//! tested: the mean of the pairs with its 95 % interval.

use super::stats::Estimate;
use super::table;

/// With fewer pairs there is no verdict: the interval of two is thirteen deviations wide.
pub const LEAST_PAIRS: usize = 3;

/// A ratio from here on is said as a factor, a smaller one in percent.
const AS_FACTOR: f64 = 1.5;

/// Change of a figure over pairs of trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Of logarithms of ratios, or of differences.
    estimate: Estimate,
    is_ratio: bool,
}

impl Change {
    /// The change over pairs of (before, after); `None` for fewer than [`LEAST_PAIRS`].
    pub fn of(pairs: &[(f64, f64)]) -> Option<Change> {
        if pairs.len() < LEAST_PAIRS { None } else { Change::over(pairs) }
    }

    /// The same over any number of pairs: too few for a verdict on whether anything changed.
    pub fn over(pairs: &[(f64, f64)]) -> Option<Change> {
        let is_ratio = pairs.iter().all(|&(before, after)| before > 0.0 && after > 0.0);
        let change =
            |&(before, after): &(f64, f64)| if is_ratio { (after / before).ln() } else { after - before };
        Estimate::over(pairs.iter().map(change)).map(|estimate| Change { estimate, is_ratio })
    }

    /// Probability of such a change if there is none: see [`Estimate::p`].
    pub fn p(&self) -> Option<f64> {
        self.estimate.p()
    }

    /// The geometric mean of the ratios, with the ends of its 95 % interval; `None` where a pair has a zero.
    pub fn ratio(&self) -> Option<[f64; 3]> {
        let (mean, ends) = self.mean_ratio()?;
        ends.map(|[low, high]| [mean, low, high])
    }

    /// The geometric mean of the ratios, and the ends of its 95 % interval if there is more than one pair; `None`
    /// where a pair has a zero.
    pub fn mean_ratio(&self) -> Option<(f64, Option<[f64; 2]>)> {
        let Estimate { mean, ci95, .. } = self.estimate;
        let ends = ci95.map(|half| [mean - half, mean + half].map(f64::exp));
        self.is_ratio.then(|| (mean.exp(), ends))
    }

    /// True if the interval excludes that nothing changed.
    pub fn is_clear(&self) -> bool {
        self.estimate.is_clear()
    }

    /// True if it went up.
    pub fn is_rise(&self) -> bool {
        self.estimate.mean > 0.0
    }

    /// The change as a share of `scale`, or of the figure itself.
    pub fn share_of(&self, scale: f64) -> f64 {
        if self.is_ratio { self.estimate.mean.abs().exp() - 1.0 } else { self.estimate.mean.abs() / scale }
    }

    /// The share within which the figure surely stayed, which differences do not tell.
    pub fn surely_within(&self) -> Option<f64> {
        let unchanged = self.estimate.mean == 0.0 && self.estimate.ci95 == Some(0.0);
        let half = self.estimate.ci95.filter(|_| self.is_ratio || unchanged)?;
        Some((self.estimate.mean.abs() + half).exp() - 1.0)
    }

    /// The change with its 95 % interval: `by a factor of 1.6 (1.1–2.3)`, `by 26 % (20–31 %)`,
    /// `by 812 (640–984) ms`; without an interval where all pairs agree, as they do where nothing is random.
    pub fn in_words(&self, unit: &str) -> String {
        let Estimate { mean, ci95, .. } = self.estimate;
        let (size, half) = (mean.abs(), ci95.unwrap_or(0.0));
        let (low, high) = (size - half, size + half);
        if !self.is_ratio {
            return format!("by {}{unit}", with_range(size, low, high, ""));
        }
        if size.exp() >= AS_FACTOR {
            return format!("by a factor of {}", with_range(size.exp(), low.exp(), high.exp(), ""));
        }
        // A rise is a ratio above one, a fall one below.
        let percent = |log: f64| 100.0 * if mean < 0.0 { 1.0 - (-log).exp() } else { log.exp() - 1.0 };
        format!("by {}", with_range(percent(size), percent(low), percent(high), " %"))
    }
}

/// Values on both sides under one number, of sides that are in its order.
pub fn joined(
    before: impl Iterator<Item = (u32, f64)>,
    after: impl Iterator<Item = (u32, f64)>,
) -> Vec<(f64, f64)> {
    let mut before = before.peekable();
    let pair = |(number, after)| {
        while before.next_if(|(other, _)| *other < number).is_some() {}
        before.next_if(|(other, _)| *other == number).map(|(_, before)| (before, after))
    };
    after.filter_map(pair).collect()
}

/// Widths below this share of the value are of the arithmetic, not of the pairs.
const NO_WIDTH: f64 = 1e-9;

/// `1.6 (1.1–2.3)`: the width gets two digits.
pub fn with_range(value: f64, low: f64, high: f64, unit: &str) -> String {
    let width = high - low;
    if width <= value * NO_WIDTH {
        return format!("{}{unit}", table::plain((value / NO_WIDTH).round() * NO_WIDTH));
    }
    let decimals = (1 - width.log10().floor() as i32).clamp(0, 3);
    let decimals = decimals.min(table::plain_decimals(value).max(1)) as usize;
    format!("{value:.decimals$}{unit} ({low:.decimals$}–{high:.decimals$}{unit})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(pairs: &[(f64, f64)]) -> String {
        let change = Change::of(pairs).expect("three pairs");
        assert!(change.is_clear(), "{change:?}");
        change.in_words(" ms")
    }

    #[test]
    fn the_quoted_factor_is_the_geometric_mean_of_the_pairs() {
        // ln 2 ± 4.303 · 0.1 / √3: e to that is 1.56 … 2.56.
        let pairs: Vec<(f64, f64)> = [-0.1f64, 0.0, 0.1].map(|x| (2.0 * x.exp(), 1.0)).into();
        assert_eq!(words(&pairs), "by a factor of 2.0 (1.6–2.6)");
        assert!(!Change::of(&pairs).expect("three pairs").is_rise());
    }

    #[test]
    fn only_what_both_sides_have_is_a_pair() {
        let of = |numbers: &[u32]| numbers.iter().map(|&n| (n, f64::from(n))).collect::<Vec<_>>().into_iter();
        assert_eq!(joined(of(&[0, 2, 3, 7]), of(&[1, 2, 7, 9])), [(2.0, 2.0), (7.0, 7.0)]);
        assert_eq!(joined(of(&[]), of(&[1])), []);
    }

    #[test]
    fn small_changes_are_said_in_percent_of_before() {
        let pairs: Vec<(f64, f64)> = [-0.01f64, 0.0, 0.01].map(|x| (1.0, 0.75 * x.exp())).into();
        assert_eq!(words(&pairs), "by 25.0 % (23.1–26.8 %)");
    }

    #[test]
    fn a_pair_with_a_zero_is_compared_by_its_difference() {
        assert_eq!(words(&[(0.0, 9.0), (1.0, 11.0), (0.0, 11.0)]), "by 10.0 (7.5–12.5) ms");
    }

    #[test]
    fn where_all_pairs_agree_there_is_no_interval() {
        assert_eq!(words(&[(7.0, 7.0 * 0.936), (3.0, 3.0 * 0.936), (5.0, 5.0 * 0.936)]), "by 6.40 %");
        assert_eq!(words(&[(0.0, 9.0), (0.0, 9.0), (0.0, 9.0)]), "by 9 ms");
        let nothing = Change::of(&[(0.0, 0.0); 3]).expect("three pairs");
        assert_eq!(nothing.surely_within(), Some(0.0));
    }

    #[test]
    fn two_pairs_are_no_test_and_a_factor_of_three_may_be_unclear() {
        assert_eq!(Change::of(&[(1.0, 5.0), (1.0, 5.1)]), None);
        let wide = Change::of(&[(1.0, 2.0), (1.0, 14.0), (1.0, 2.5)]).expect("three pairs");
        assert!(!wide.is_clear());
    }

    #[test]
    fn what_stayed_has_a_bound() {
        let change = Change::of(&[(100.0, 100.1), (100.0, 99.9), (100.0, 100.0)]).expect("three pairs");
        assert!(!change.is_clear());
        assert!(change.surely_within().is_some_and(|share| (0.002..0.003).contains(&share)), "{change:?}");
    }
}
