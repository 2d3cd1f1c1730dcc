//! Order statistics: medians and percentiles of few runs.

/// The numbers in ascending order.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The value below which so large a share lies.
pub fn at(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share).max(0.0) as usize;
    sorted[place.min(sorted.len() - 1)]
}

/// The middle of some numbers; without any, none.
pub fn median(values: &[f64]) -> f64 {
    let (sorted, middle) = (sorted(values), values.len() / 2);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Mean of the medians of all choices of `few` of the numbers: what a median of so many is expected to be. It lies
/// between mean and median where they are skewed. The median if there are no more than `few`, or that is none.
pub fn median_of_few(values: &[f64], few: usize) -> f64 {
    let len = values.len();
    if few == 0 || few >= len {
        return median(values);
    }
    // Of all choices, those in which the number at `place` of all is at `rank` of the chosen ones.
    let part = |place: usize, rank: usize| {
        choices(place, rank) * choices(len - 1 - place, few - 1 - rank) / choices(len, few)
    };
    let mean = |rank: usize| -> f64 {
        sorted(values).iter().enumerate().map(|(place, value)| part(place, rank) * value).sum()
    };
    f64::midpoint(mean((few - 1) / 2), mean(few / 2))
}

/// Number of choices of `few` of `all`.
fn choices(all: usize, few: usize) -> f64 {
    if few > all {
        return 0.0;
    }
    (0..few).map(|n| (all - n) as f64 / (few - n) as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_of_few_is_the_mean_over_all_choices() {
        let values = [9.0, 1.0, 2.0, 4.0];
        // 1 2 4, 1 2 9, 1 4 9, 2 4 9.
        assert!((median_of_few(&values, 3) - (2.0 + 2.0 + 4.0 + 4.0) / 4.0).abs() < 1e-12);
        // 1.5, 2.5, 5, 3, 5.5, 6.5: that of pairs is the mean.
        assert!((median_of_few(&values, 2) - 4.0).abs() < 1e-12);
        assert!((median_of_few(&values, 1) - 4.0).abs() < 1e-12);
        assert!([0, 4, 9].iter().all(|&few| (median_of_few(&values, few) - 3.0).abs() < 1e-12));
        assert!(median_of_few(&[], 3).is_nan() && (choices(20, 6) - 38_760.0).abs() < 1e-6);
    }
}
