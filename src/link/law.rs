//! Law of a count: the number of packets that chance may take, and the bounds that it almost never crosses.
//!
//! Every law is given by its generating function. For each t > 0 and whatever the law,
//! P(X ≥ x) ≤ exp(K(t) − t x) with K(t) = ln E exp(t X) (Chernoff 1952), so that
//! (K(t) + c)/t is crossed with a chance of at most exp(−c); the best t gives the bound, and negative t
//! the lower one. For many independent packets this is the deviance of the likelihood ratio; it needs no
//! bell curve and holds for few packets, for bursts and for certainty. It also holds where the number of
//! packets itself depends on what was lost, as it does under TCP.

/// Half the square of how many standard errors the bounds of a bell curve would be away: it crosses
/// them once in three thousand. Four would miss a loss that is a fifth too high among a thousand.
pub(super) const REACH: f64 = 3.6 * 3.6 / 2.0;

/// The law of a number of events among packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Law {
    /// Each of `n` packets with the chance `p`.
    Independent { n: u64, p: f64 },
    /// `n` packets judged by one of two states, the bad one at first or not.
    Chain { n: u64, bad: bool, states: States },
    /// netem's `reorder`: see [`Law::gap`].
    Gap { most: u64, least: u64, gap: f64, p: f64 },
}

/// The chances of Gilbert and Elliott's two states.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct States {
    /// From good to bad, and back.
    pub p: f64,
    pub r: f64,
    pub loss_bad: f64,
    pub loss_good: f64,
}

impl Law {
    /// Losses of `n` packets, from the good state or the bad one.
    pub(super) fn chain(n: u64, bad: bool, states: States) -> Law {
        let (leave, loss) = if bad { (states.r, states.loss_bad) } else { (states.p, states.loss_good) };
        if leave == 0.0 { Law::Independent { n, p: loss } } else { Law::Chain { n, bad, states } }
    }

    /// Packets sent ahead of `n`, when `delayed` were delayed since the last: each is a candidate of
    /// chance `p` after `gap` − 1 delayed ones. With h(d) = exp(s min(d, gap − 1)), where
    /// p exp(t − s gap) + (1 − p) exp(−s) = 1, exp(t X − s n) h(d) is a martingale; so K(t) is at most
    /// s `most` for t > 0 and s `least` for t < 0, and of several links these add up.
    pub(super) fn gap(n: u64, delayed: u32, gap: u32, p: f64) -> Law {
        let needed = u64::from(gap.saturating_sub(1));
        let most = n + needed.min(delayed.into());
        Law::Gap { most, least: most.saturating_sub(needed), gap: needed as f64 + 1.0, p }
    }

    /// The mean of the count, about.
    pub(super) fn mean(&self) -> f64 {
        match *self {
            Law::Independent { n, p } => n as f64 * p,
            Law::Chain { n, bad, states } => states.mean(n, bad),
            Law::Gap { most, least, gap, p } => f64::midpoint(most as f64, least as f64) * gap_rate(gap, p),
        }
    }

    /// The most that can be counted.
    fn packets(&self) -> u64 {
        match *self {
            Law::Independent { n, .. } | Law::Chain { n, .. } => n,
            Law::Gap { most, .. } => most,
        }
    }

    /// ln E exp(t X), or a little more.
    fn cumulant(&self, t: f64) -> f64 {
        match *self {
            Law::Independent { n, p } => n as f64 * tilt(p, t),
            Law::Chain { n, bad, states } => states.cumulant(n, bad, t),
            Law::Gap { most, least, gap, p } => {
                gap_exponent(gap, p, t) * if t > 0.0 { most as f64 } else { least as f64 }
            }
        }
    }
}

impl States {
    /// The share lost in the long run, from the good state on.
    pub(super) fn rate(&self) -> f64 {
        if self.p == 0.0 {
            return self.loss_good;
        }
        let bad = self.p / (self.p + self.r);
        bad * self.loss_bad + (1.0 - bad) * self.loss_good
    }

    /// The state is forgotten by λ = 1 − p − r a packet.
    fn mean(&self, n: u64, bad: bool) -> f64 {
        let leave = self.p + self.r;
        let share = self.p / leave;
        let excess = f64::from(u8::from(bad)) - share;
        let bad = n as f64 * share + excess * (1.0 - libm::pow(1.0 - leave, n as f64)) / leave;
        bad * self.loss_bad + (n as f64 - bad) * self.loss_good
    }

    /// The n-th power of the matrix of transitions, each weighted by exp(t) where its packet is lost, by
    /// squaring; scaled on the way, since it leaves the range of numbers.
    fn cumulant(&self, n: u64, bad: bool, t: f64) -> f64 {
        let lift = t.max(0.0);
        let weight = |loss: f64| (1.0 - loss) * libm::exp(-lift) + loss * libm::exp(t - lift);
        let (good, worse) = (weight(self.loss_good), weight(self.loss_bad));
        let mut power = [[(1.0 - self.p) * good, self.p * good], [self.r * worse, (1.0 - self.r) * worse]];
        let (mut sums, mut log_sums, mut log_power) = ([1.0, 1.0], 0.0, 0.0);
        let mut left = n;
        while left > 0 {
            if left & 1 == 1 {
                sums = power.map(|row| row[0] * sums[0] + row[1] * sums[1]);
                let scale = sums[0].max(sums[1]);
                sums = sums.map(|sum| sum / scale);
                log_sums += log_power + libm::log(scale);
            }
            let square = [0, 1]
                .map(|row| [0, 1].map(|to| power[row][0] * power[0][to] + power[row][1] * power[1][to]));
            let scale = square.as_flattened().iter().fold(f64::MIN_POSITIVE, |most, &entry| most.max(entry));
            power = square.map(|row| row.map(|entry| entry / scale));
            log_power = 2.0 * log_power + libm::log(scale);
            left >>= 1;
        }
        n as f64 * lift + log_sums + libm::log(sums[usize::from(bad)])
    }
}

/// The share of packets that go ahead in the long run: a cycle is `gap` − 1 packets and then as many
/// tries as it takes.
pub(super) fn gap_rate(gap: f64, p: f64) -> f64 {
    if p == 0.0 { 0.0 } else { 1.0 / (gap - 1.0 + 1.0 / p) }
}

/// The smallest and the largest count that chance may bring about, if these laws add up.
pub(super) fn bounds(laws: &[Law]) -> (f64, f64) {
    let total: f64 = laws.iter().map(|law| law.packets() as f64).sum();
    let cumulant = |t: f64| laws.iter().map(|law| law.cumulant(t)).sum::<f64>();
    let high = least(|t| (cumulant(t) + REACH) / t);
    let low = -least(|t| (cumulant(-t) + REACH) / t);
    // Counts are whole. A billionth for the rounding of what is certain.
    let (low, high) = ((low - 1e-9).ceil().max(0.0), (high + 1e-9).floor().min(total));
    (low.min(total), high.max(0.0))
}

/// Between which shares of the law a sample's `q`-quantile lies, if `c` is [`REACH`] over the number of
/// draws: a share s below it has a chance of at most exp(−n D(q‖s)), with D the relative entropy.
pub(super) fn quantile_bounds(q: f64, c: f64) -> (f64, f64) {
    let entropy = |s: f64| q * libm::log(q / s) + (1.0 - q) * libm::log((1.0 - q) / (1.0 - s));
    let find = |mut near: f64, mut far: f64| {
        for _ in 0..60 {
            let middle = f64::midpoint(near, far);
            if entropy(middle) < c {
                near = middle;
            } else {
                far = middle;
            }
        }
        far
    };
    (find(q, 0.0), find(q, 1.0))
}

/// The least value over t > 0 of a function that falls and then rises (golden section over ln t).
fn least(of: impl Fn(f64) -> f64) -> f64 {
    const RATIO: f64 = 0.618_033_988_749_894_9;
    // From counts that scatter by billions to those that do not scatter at all.
    let (mut from, mut to) = (libm::log(1e-9), libm::log(200.0));
    let value = |u: f64| of(libm::exp(u));
    let (mut left, mut right) = (to - RATIO * (to - from), from + RATIO * (to - from));
    let (mut at_left, mut at_right) = (value(left), value(right));
    for _ in 0..44 {
        if at_left < at_right {
            (to, right, at_right) = (right, left, at_left);
            left = to - RATIO * (to - from);
            at_left = value(left);
        } else {
            (from, left, at_left) = (left, right, at_right);
            right = from + RATIO * (to - from);
            at_right = value(right);
        }
    }
    at_left.min(at_right)
}

/// ln(1 − p + p exp(t)).
fn tilt(p: f64, t: f64) -> f64 {
    if t > -1.0 { libm::log1p(p * libm::expm1(t)) } else { libm::log(1.0 - p + p * libm::exp(t)) }
}

/// The s of [`Law::gap`], which lies between 0 and t/gap.
fn gap_exponent(gap: f64, p: f64, t: f64) -> f64 {
    let (mut low, mut high) = ((t / gap).min(0.0), (t / gap).max(0.0));
    for _ in 0..60 {
        let s = f64::midpoint(low, high);
        if p * libm::exp(t - s * gap) + (1.0 - p) * libm::exp(-s) > 1.0 {
            low = s;
        } else {
            high = s;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;
    use crate::units::Probability;

    fn states(p: f64, r: f64, loss_bad: f64, loss_good: f64) -> States {
        States { p, r, loss_bad, loss_good }
    }

    /// The chances of 0, 1, … losses among `n` packets of a chain, step by step.
    fn exact(n: u64, bad: bool, of: States) -> Vec<f64> {
        let mut counts = vec![[0.0; 2]; n as usize + 1];
        counts[0][usize::from(bad)] = 1.0;
        for _ in 0..n {
            let mut next = vec![[0.0; 2]; n as usize + 1];
            for (lost, chances) in counts.iter().enumerate() {
                for (state, chance) in chances.iter().enumerate().filter(|(_, chance)| **chance > 0.0) {
                    let (leave, loss) = if state == 1 { (of.r, of.loss_bad) } else { (of.p, of.loss_good) };
                    for (to, moved) in [(state, 1.0 - leave), (1 - state, leave)] {
                        next[lost][to] += chance * moved * (1.0 - loss);
                        if loss > 0.0 {
                            next[lost + 1][to] += chance * moved * loss;
                        }
                    }
                }
            }
            counts = next;
        }
        counts.iter().map(|chances| chances[0] + chances[1]).collect()
    }

    /// All kinds of chains: long bursts and short, certain ones, ones that never end.
    fn chains() -> Vec<States> {
        let chances = [0.0, 0.001, 0.05, 0.5, 1.0];
        let mut all = Vec::new();
        for p in chances {
            for r in chances {
                all.extend([(1.0, 0.0), (0.8, 0.01), (0.3, 1.0)].map(|(bad, good)| states(p, r, bad, good)));
            }
        }
        all
    }

    #[test]
    fn bounds_of_a_chain_are_crossed_once_in_a_few_hundred_at_most() {
        for of in chains() {
            for (n, bad) in [(1, false), (7, true), (60, false), (300, false), (300, true)] {
                let law = Law::chain(n, bad, of);
                let chances = exact(n, bad, of);
                let (low, high) = bounds(&[law]);
                let outside = |side: &dyn Fn(f64) -> bool| -> f64 {
                    (0..=n).filter(|&x| side(x as f64)).map(|x| chances[x as usize]).sum()
                };
                // Chernoff's own promise, exp(−REACH), on either side.
                let (below, above) = (outside(&|x| x < low), outside(&|x| x > high));
                assert!(below.max(above) <= 1.54e-3, "{law:?}: {below} {above}");
                let mean: f64 = chances.iter().enumerate().map(|(x, chance)| x as f64 * chance).sum();
                assert!((law.mean() - mean).abs() < 1e-9 * n as f64 + 1e-9, "{law:?}: {mean}");
            }
        }
    }

    /// Bounds on the count of many independent packets are as narrow as those of a bell curve.
    #[test]
    fn bounds_are_narrow_where_much_is_known() {
        for (n, p) in [(1_000_000, 0.001), (10_000, 0.1), (2_000, 0.5)] {
            let (low, high) = bounds(&[Law::Independent { n, p }]);
            let (mean, sd) = (n as f64 * p, (n as f64 * p * (1.0 - p)).sqrt());
            assert!((mean - low) / sd > 3.5 && (mean - low) / sd < 3.7, "{n} {p}: {low}");
            assert!((high - mean) / sd > 3.5 && (high - mean) / sd < 3.75, "{n} {p}: {high}");
            // In parts, the same.
            let parts = [Law::Independent { n: n / 4, p }, Law::Independent { n: n - n / 4, p }];
            assert_eq!(bounds(&parts), (low, high));
        }
    }

    #[test]
    fn what_is_certain_has_no_width() {
        let certain = |law: Law, count: f64| assert_eq!(bounds(&[law]), (count, count), "{law:?}");
        certain(Law::Independent { n: 1_000_000, p: 0.0 }, 0.0);
        certain(Law::Independent { n: 1_000_000, p: 1.0 }, 1e6);
        certain(Law::chain(1_000_001, false, states(1.0, 1.0, 1.0, 0.0)), 500_000.0);
        certain(Law::chain(77, true, states(0.5, 0.0, 1.0, 0.0)), 77.0);
        certain(Law::gap(1_003, 3, 5, 1.0), 201.0);
        certain(Law::gap(20, 0, 7, 1.0), 2.0);
        certain(Law::Independent { n: 0, p: 0.5 }, 0.0);
        assert_eq!(bounds(&[]), (0.0, 0.0));
    }

    #[test]
    fn packets_sent_ahead_keep_within_their_bounds() {
        let mut rng = Seed(7).stream("gap");
        let mut crossed = 0;
        let mut all = 0;
        for (gap, p) in [(1, 0.02), (1, 0.5), (2, 0.9), (5, 0.25), (40, 0.3)] {
            let chance = Probability::new(p).expect("a chance");
            for n in [30, 400, 3_000] {
                for _ in 0..200 {
                    let (mut delayed, mut laws, mut ahead) =
                        (rng.below(2 * u64::from(gap)) as u32, vec![], 0);
                    // Two links, or two settings in a row.
                    for n in [n / 3, n - n / 3] {
                        laws.push(Law::gap(n, delayed, gap, p));
                        for _ in 0..n {
                            let hit = rng.chance(chance) && delayed + 1 >= gap;
                            delayed = if hit { 0 } else { delayed + 1 };
                            ahead += u64::from(hit);
                        }
                    }
                    let (low, high) = bounds(&laws);
                    all += 1;
                    crossed += u32::from((ahead as f64) < low || ahead as f64 > high);
                    assert!(high - low < n as f64 / f64::from(gap) + 2.0, "bounds that say something");
                }
            }
        }
        assert!(crossed * 1_000 <= all, "{crossed} of {all}");
    }
}
