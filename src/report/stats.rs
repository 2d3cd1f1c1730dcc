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
        if values.is_empty() {
            return None;
        }
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let ci95 = (n > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
            let deviation = (squares / (n - 1) as f64).sqrt();
            student_t(n - 1) * deviation / (n as f64).sqrt()
        });
        Some(Estimate { mean, ci95, n })
    }

    /// True if the interval excludes zero. A single trial supports no claim.
    pub fn is_clear(&self) -> bool {
        self.ci95.is_some_and(|half| self.mean.abs() > half)
    }
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
