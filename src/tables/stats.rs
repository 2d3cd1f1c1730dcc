//! Statistics over trials: means, Student's intervals, fairness.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean over trials with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub mean: f64,
    /// Half the width of the interval; `None` for a single trial.
    pub ci95: Option<f64>,
    pub n: usize,
}

impl Estimate {
    /// The estimate from one value per trial; `None` without any.
    pub fn of(values: &[f64]) -> Option<Estimate> {
        Estimate::over(values.iter().copied())
    }

    /// The same from values that are gone through twice.
    pub fn over(values: impl Iterator<Item = f64> + Clone) -> Option<Estimate> {
        let mut moments = Moments::default();
        values.clone().for_each(|value| moments.count(value));
        values.for_each(|value| moments.deviate(value));
        moments.estimate()
    }

    /// Standard error of the mean; `None` for a single trial.
    pub fn error(&self) -> Option<f64> {
        Some(self.ci95? / student_t(self.n - 1))
    }

    /// Two-sided probability of a mean so far from zero if the true one is zero (Student's t); `None` for a
    /// single trial.
    pub fn p(&self) -> Option<f64> {
        let error = self.error()?;
        if error == 0.0 {
            // Without a spread t has no meaning; that all have one sign has this chance (sign test).
            return Some(if self.mean == 0.0 { 1.0 } else { 0.5_f64.powf((self.n - 1) as f64) });
        }
        let t = StudentsT::new(0.0, 1.0, (self.n - 1) as f64).ok()?;
        Some(2.0 * t.sf(self.mean.abs() / error))
    }

    /// True if the interval excludes zero. A single trial supports no claim.
    pub fn is_clear(&self) -> bool {
        self.ci95.is_some_and(|half| self.mean.abs() > half)
    }
}

/// Sums behind an [`Estimate`], of values that are counted first, and come once more in the same order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    n: usize,
    sum: f64,
    squares: f64,
}

impl Moments {
    /// Counts a value.
    pub fn count(&mut self, value: f64) {
        self.n += 1;
        self.sum += value;
    }

    /// Takes the deviation of a value, after all were counted.
    pub fn deviate(&mut self, value: f64) {
        let mean = self.mean();
        self.squares += (value - mean) * (value - mean);
    }

    /// Number of values.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The estimate; `None` without values.
    pub fn estimate(&self) -> Option<Estimate> {
        let n = self.n;
        let ci95 = (n > 1).then(|| {
            let deviation = (self.squares / (n - 1) as f64).sqrt();
            student_t(n - 1) * deviation / (n as f64).sqrt()
        });
        (n > 0).then(|| Estimate { mean: self.mean(), ci95, n })
    }

    fn mean(&self) -> f64 {
        self.sum / self.n as f64
    }
}

/// Probabilities of several tests as they count when all are made together (Holm 1979, "A Simple Sequentially
/// Rejective Multiple Test Procedure"), in the same order.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let (mut adjusted, mut least) = (vec![0.0; p.len()], 0.0_f64);
    for (rank, &test) in order.iter().enumerate() {
        least = least.max((p.len() - rank) as f64 * p[test]).min(1.0);
        adjusted[test] = least;
    }
    adjusted
}

/// The factor of a two-sided 95 % interval.
fn student_t(freedom: usize) -> f64 {
    StudentsT::new(0.0, 1.0, freedom as f64).map_or(f64::NAN, |t| t.inverse_cdf(0.975))
}

/// Jain's fairness index, (Σx)² / (n·Σx²); `None` without shares or if all are zero.
pub fn jain(shares: &[f64]) -> Option<f64> {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    (squares > 0.0).then(|| sum * sum / (shares.len() as f64 * squares))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_agree_with_students_table() {
        // The 0.975 column of any printed table of t.
        for (freedom, t) in [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (29, 2.045)] {
            assert!((student_t(freedom) - t).abs() < 5e-4, "{freedom}: {}", student_t(freedom));
        }
        let e = Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("five values");
        // s = √2.5, so the half-width is 2.776 · √2.5 / √5.
        assert!((e.mean - 3.0).abs() < 1e-12);
        assert!((e.ci95.expect("five values") - 1.9632).abs() < 1e-3);
    }

    #[test]
    fn probabilities_agree_with_students_table() {
        // t = 2.776 is the 0.975 quantile of four degrees of freedom.
        let estimate = |mean: f64| Estimate { mean, ci95: Some(student_t(4) * 0.5), n: 5 };
        for (t, p) in [(2.776, 0.05), (4.604, 0.01), (0.0, 1.0)] {
            let found = estimate(t * 0.5).p().expect("five values");
            assert!((found - p).abs() < 2e-4, "{t}: {found}");
        }
        assert_eq!(Estimate::of(&[1.0]).and_then(|e| e.p()), None);
        assert_eq!(Estimate::of(&[2.0; 5]).and_then(|e| e.p()), Some(0.0625));
    }

    #[test]
    fn many_tests_are_judged_together() {
        // Holm's steps of 0.01, 0.04, 0.03, 0.005: 4 × 0.005, 3 × 0.01, 2 × 0.03, and no less than before.
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close(&holm(&[0.01, 0.04, 0.03, 0.005]), &[0.03, 0.06, 0.06, 0.02]));
        assert!(close(&holm(&[0.5, 0.9]), &[1.0, 1.0]) && holm(&[]).is_empty());
    }

    #[test]
    fn intervals_cover_the_truth_in_95_of_100_cases() {
        use crate::rng::Seed;
        let mut rng = Seed(1).stream("coverage");
        for n in [3, 5, 10, 30] {
            const CASES: u32 = 4_000;
            let covers = |rng: &mut crate::rng::Rng| {
                let values: Vec<f64> = (0..n).map(|_| 3.0 + rng.standard_normal()).collect();
                let estimate = Estimate::of(&values).expect("values");
                (estimate.mean - 3.0).abs() <= estimate.ci95.expect("several")
            };
            let share = f64::from((0..CASES).filter(|_| covers(&mut rng)).count() as u32) / f64::from(CASES);
            assert!((0.93..=0.97).contains(&share), "{n} trials: {share}");
        }
    }

    #[test]
    fn one_trial_has_no_interval_and_none_no_mean() {
        assert_eq!(Estimate::of(&[2.0]), Some(Estimate { mean: 2.0, ci95: None, n: 1 }));
        assert_eq!(Estimate::of(&[]), None);
        assert!(!Estimate { mean: 2.0, ci95: None, n: 1 }.is_clear());
    }

    #[test]
    fn jain_of_known_shares() {
        assert_eq!(jain(&[3.0, 3.0, 3.0]), Some(1.0));
        assert_eq!(jain(&[1.0, 0.0, 0.0, 0.0]), Some(0.25));
        assert_eq!(jain(&[1.0, 3.0]), Some(0.8));
        assert_eq!(jain(&[]), None);
        assert_eq!(jain(&[0.0, 0.0]), None);
    }
}
