//! Axes: linear or logarithmic ranges with ticks at round numbers.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// One axis of a panel.
#[derive(Clone, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    log: bool,
    /// Position of zero on a logarithmic axis that has it.
    zero: Option<f64>,
    ticks: Vec<(f64, String)>,
    /// True if the ticks were given, not computed.
    given: bool,
    /// True if the upper end stands on the left, or below.
    reversed: bool,
}

impl Scale {
    /// A linear axis over `low … high`, with about `count` ticks.
    pub fn linear(low: f64, high: f64, count: usize) -> Scale {
        let (low, high) = if high > low { (low, high) } else { (low, low + 1.0) };
        let step = round_step((high - low) / count.max(1) as f64);
        let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let ticks = (first..=last).map(|n| {
            let value = n as f64 * step;
            (value, thousands(&format!("{value:.decimals$}")))
        });
        Scale { low, high, log: false, zero: None, ticks: ticks.collect(), given: false, reversed: false }
    }

    /// A linear axis from zero to a little above `max`.
    pub fn from_zero(max: f64, count: usize) -> Scale {
        let max = if max > 0.0 && max.is_finite() { max } else { 1.0 };
        Scale::linear(0.0, max * 1.06, count)
    }

    /// A logarithmic axis over `low … high`, both above zero.
    pub fn log(low: f64, high: f64) -> Scale {
        let low = if low > 0.0 { low } else { 1e-3 };
        let high = if high > low * 1.01 { high } else { low * 10.0 };
        let decades = (high / low).log10();
        let mantissas: &[f64] = match decades {
            d if d < 2.2 => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
            d if d < 3.5 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let thin = (decades / 10.0).ceil().max(1.0) as i32;
        let exponents = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let ticks = exponents
            .filter(|exponent| exponent.rem_euclid(thin) == 0)
            .flat_map(|exponent| mantissas.iter().map(move |mantissa| mantissa * 10f64.powi(exponent)));
        let ticks = ticks.filter(|tick| (low * 0.999..=high * 1.001).contains(tick));
        let ticks = ticks.map(|tick| (tick, short(tick))).collect();
        Scale { low, high, log: true, zero: None, ticks, given: false, reversed: false }
    }

    /// A logarithmic axis over zero and `low … high`: zero stands half a decade below the least value,
    /// beyond a break.
    pub fn log_and_zero(low: f64, high: f64) -> Scale {
        let zero = low / 3.5;
        let mut scale = Scale::log(low / 6.0, high);
        scale.ticks.retain(|tick| tick.0 >= low * 0.999);
        scale.ticks.insert(0, (zero, "0".to_owned()));
        Scale { zero: Some(zero), ..scale }
    }

    /// Position of a value on the axis.
    pub fn place(&self, value: f64) -> f64 {
        self.zero.filter(|_| value <= 0.0).unwrap_or(value)
    }

    /// Position at which the axis is interrupted, between zero and the least value.
    pub fn break_at(&self) -> Option<f64> {
        self.zero.map(|zero| zero * 1.9)
    }

    /// The axis with ticks at the given places instead.
    pub fn with_ticks(mut self, ticks: Vec<(f64, String)>) -> Scale {
        self.ticks = ticks;
        self.given = true;
        self
    }

    /// The axis with its upper end where its lower one was.
    pub fn reversed(mut self) -> Scale {
        self.reversed = !self.reversed;
        self.ticks.reverse();
        self
    }

    /// The axis without the ticks whose labels would run into the one before, where it is `length` long
    /// and `width` tells how long a label is, both in pixels. Only numbers can be left out: ticks that were
    /// given stay.
    pub fn spaced(mut self, length: f64, width: impl Fn(&str) -> f64) -> Scale {
        if self.given && !self.log {
            return self;
        }
        let place = Scale { ticks: Vec::new(), ..self.clone() };
        // The end of the label before, and the label's own two ends, along the axis.
        let fits = |before: f64, (value, label): &(f64, String)| {
            let (share, half) = (place.share(*value), width(label) / 2.0);
            (share * length - half >= before).then_some(share * length + half)
        };
        if self.log {
            let mut end = f64::NEG_INFINITY;
            self.ticks.retain(|tick| fits(end, tick).map(|reached| end = reached).is_some());
            return self;
        }
        // Every second, third … of them: what is left has equal distances, counted from zero.
        let all = self.ticks.clone();
        let step = if let [first, second, ..] = &all[..] { second.0 - first.0 } else { 1.0 };
        let number = move |tick: &(f64, String)| (tick.0 / step).round().abs() as usize;
        let every = |n: usize| all.iter().filter(move |tick| number(tick).is_multiple_of(n));
        let apart = |n: &usize| every(*n).try_fold(f64::NEG_INFINITY, fits).is_some();
        let n = (1..all.len()).find(apart).unwrap_or(all.len().max(1));
        self.ticks = every(n).cloned().collect();
        self
    }

    /// Label at a tick.
    pub fn label(&self, value: f64) -> String {
        let nearest = self.ticks.iter().min_by(|a, b| (a.0 - value).abs().total_cmp(&(b.0 - value).abs()));
        nearest.map(|tick| tick.1.clone()).unwrap_or_default()
    }

    /// The places of the ticks and their texts, which may have several lines.
    pub fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    /// The texts at the ticks.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.ticks.iter().map(|tick| tick.1.as_str())
    }

    /// The upper end.
    pub fn high(&self) -> f64 {
        self.high
    }

    /// The lower end.
    pub fn low(&self) -> f64 {
        self.low
    }

    /// The value at a share of the axis, 0 at its lower end.
    pub fn at(&self, share: f64) -> f64 {
        let share = if self.reversed { 1.0 - share } else { share };
        if self.log {
            self.low * (self.high / self.low).powf(share)
        } else {
            self.low + (self.high - self.low) * share
        }
    }

    /// True if the axis is logarithmic.
    pub fn is_log(&self) -> bool {
        self.log
    }

    /// The length of the axis in its unit.
    pub fn span(&self) -> f64 {
        self.high - self.low
    }

    /// Position of a value, 0 at the lower end and 1 at the upper; outside there is nothing.
    pub fn share(&self, value: f64) -> f64 {
        let share = if self.log {
            // Zero has no place on a logarithmic axis; it stands at its lower end.
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        if self.reversed { 1.0 - share } else { share }
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        limit.0 + (self.share(*value) * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.ticks.iter().map(|tick| tick.0).collect()
        }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

/// One of 1, 2, 5 · 10ⁿ near the rough step.
fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let factor =
        [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.75).unwrap_or(10.0);
    factor * power
}

/// A number without superfluous zeros; very large and small ones as powers.
fn short(value: f64) -> String {
    if (1e-4..1e6).contains(&value) {
        let text = format!("{value:.6}");
        thousands(text.trim_end_matches('0').trim_end_matches('.'))
    } else {
        format!("{value:.0e}")
    }
}

/// Thin gaps between groups of three digits, from five digits on, and the sign that is as wide as a plus.
fn thousands(text: &str) -> String {
    if let Some(size) = text.strip_prefix('-') {
        return format!("\u{2212}{}", thousands(size));
    }
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    if whole.len() < 5 {
        return text.to_owned();
    }
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            grouped.push('\u{2009}');
        }
        grouped.push(digit);
    }
    grouped + rest
}

/// The upper ends of panels' axes: the same for all, unless one of them would then be squeezed flat; and a
/// remark for the heading if each has its own.
pub fn tops(own: &[f64]) -> (Vec<f64>, Option<String>) {
    /// A curve keeps at least this share of its panel.
    const LEAST: f64 = 0.25;
    let most = own.iter().copied().fold(0.0, f64::max);
    if own.iter().all(|top| *top >= most * LEAST) {
        return (vec![most; own.len()], None);
    }
    (own.to_vec(), Some("each panel has its own scale".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_share_a_scale_unless_one_would_be_squeezed() {
        assert_eq!(tops(&[8.0, 10.0, 3.0]), (vec![10.0; 3], None));
        let (own, remark) = tops(&[200.0, 5.0]);
        assert!(own == [200.0, 5.0] && remark.is_some());
        assert_eq!(tops(&[]), (Vec::new(), None));
    }

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.labels().collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(&Scale::linear(0.0, 30.0, 6)), ["0", "5", "10", "15", "20", "25", "30"]);
        assert_eq!(labels(&Scale::linear(0.0, 1.0, 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(
            labels(&Scale::log(1.0, 1000.0)),
            ["1", "2", "5", "10", "20", "50", "100", "200", "500", "1000"]
        );
        assert_eq!(thousands("1234567"), "1\u{2009}234\u{2009}567");
    }

    #[test]
    fn labels_that_would_touch_are_left_out() {
        let wide = |label: &str| 10.0 * label.len() as f64;
        let scale = Scale::log(1.0, 1000.0).spaced(400.0, wide);
        assert_eq!(labels(&scale), ["1", "2", "5", "10", "20", "50", "100", "200", "500", "1000"]);
        let scale = Scale::log(1.0, 1000.0).spaced(160.0, wide);
        assert_eq!(labels(&scale), ["1", "2", "5", "10", "50", "200", "1000"]);
    }

    #[test]
    fn degenerate_ranges_still_map() {
        for scale in [
            Scale::linear(0.0, 0.0, 5),
            Scale::from_zero(f64::NAN, 5),
            Scale::log(0.0, 0.0),
            Scale::log(5.0, 5.0),
            Scale::linear(f64::NAN, f64::NAN, 5),
        ] {
            for value in [0.0, -1.0, 5.0, f64::NAN, f64::INFINITY] {
                let place = scale.map(&value, (0, 100));
                assert!((0..=100).contains(&place), "{scale:?} {value}");
            }
        }
    }

    #[test]
    fn zero_stands_beyond_a_break_of_a_logarithmic_axis() {
        let scale = Scale::log_and_zero(1.0, 1000.0);
        let order = [scale.low(), scale.place(0.0), scale.break_at().expect("a break"), scale.place(1.0)];
        assert!(order.is_sorted() && scale.is_log(), "{order:?}");
        assert_eq!(labels(&scale)[..3], ["0", "1", "10"]);
        assert_eq!(Scale::log(1.0, 10.0).break_at(), None);
    }

    #[test]
    fn a_logarithmic_axis_puts_equal_ratios_at_equal_distances() {
        let scale = Scale::log(1.0, 100.0);
        assert_eq!(scale.map(&10.0, (0, 100)), 50);
        assert_eq!(scale.map(&0.0, (0, 100)), 0);
    }
}
