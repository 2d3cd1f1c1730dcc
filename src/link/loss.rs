//! Random loss: each packet on its own, or in bursts.

use super::config::LossModel;
use super::impairment::{Impairment, Verdict};
use crate::rng::Rng;
use crate::time::Instant;
use crate::units::Probability;
use crate::wire::Packet;

/// Loses each packet with the same chance, whatever happened to the others.
#[derive(Debug)]
pub struct Independent(pub Probability);

/// Two states that lose packets with different chances (Gilbert 1960, Elliott 1963), as netem's
/// `gemodel`: a packet is judged by the state it finds, and the transition drawn with it holds
/// from the next packet on. Starts in the good state, as netem does.
#[derive(Debug)]
pub struct GilbertElliott {
    bad: bool,
    /// `p`, from good to bad.
    worsen: Probability,
    /// `r`, from bad to good.
    recover: Probability,
    /// `1-h`.
    loss_bad: Probability,
    /// `1-k`.
    loss_good: Probability,
}

/// The impairment of a model; `None` if it can never lose a packet.
pub(super) fn build(model: LossModel) -> Option<Box<dyn Impairment>> {
    match model {
        LossModel::Independent(p) if p.is_never() => None,
        LossModel::Independent(p) => Some(Box::new(Independent(p))),
        LossModel::GilbertElliott { loss_bad, loss_good, .. }
            if loss_bad.is_never() && loss_good.is_never() =>
        {
            None
        }
        LossModel::GilbertElliott { p, r, loss_bad, loss_good } => {
            Some(Box::new(GilbertElliott { bad: false, worsen: p, recover: r, loss_bad, loss_good }))
        }
    }
}

impl Impairment for Independent {
    fn judge(&mut self, _: Instant, _: &Packet, rng: &mut Rng) -> Verdict {
        verdict(rng.chance(self.0))
    }
}

impl Impairment for GilbertElliott {
    fn judge(&mut self, _: Instant, _: &Packet, rng: &mut Rng) -> Verdict {
        // netem's loss_gilb_ell() draws the transition first, then the loss by the old state.
        let (leave, lose) =
            if self.bad { (self.recover, self.loss_bad) } else { (self.worsen, self.loss_good) };
        self.bad ^= rng.chance(leave);
        verdict(rng.chance(lose))
    }

    fn is_bad(&self) -> bool {
        self.bad
    }
}

fn verdict(lost: bool) -> Verdict {
    if lost { Verdict::Drop } else { Verdict::Pass }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::testing::packet;
    use crate::rng::Seed;

    fn fate(model: LossModel, n: u32) -> Vec<bool> {
        let mut judge = build(model).expect("a model that loses");
        let mut rng = Seed(1).stream("loss");
        let packet = packet(1500);
        (0..n).map(|_| judge.judge(Instant::ZERO, &packet, &mut rng) == Verdict::Drop).collect()
    }

    fn share(fate: &[bool]) -> f64 {
        fate.iter().filter(|&&lost| lost).count() as f64 / fate.len() as f64
    }

    fn probability(fraction: f64) -> Probability {
        Probability::new(fraction).expect("a fraction")
    }

    #[test]
    fn independent_loss_has_its_rate_and_no_bursts() {
        let fate = fate(LossModel::Independent(probability(0.1)), 200_000);
        // Four standard errors of a binomial(200 000, 0.1) share: 4 × 0.00067.
        assert!((share(&fate) - 0.1).abs() < 0.0027);
        // Two in a row happen with 0.01; four standard errors of that are 0.0009.
        let pairs = fate.windows(2).filter(|pair| pair[0] && pair[1]).count() as f64 / 199_999.0;
        assert!((pairs - 0.01).abs() < 0.0010, "{pairs}");
    }

    #[test]
    fn gilbert_elliott_has_the_rate_and_the_bursts_of_its_formulas() {
        let (p, r) = (0.01, 0.25);
        let model = LossModel::GilbertElliott {
            p: probability(p),
            r: probability(r),
            loss_bad: Probability::ALWAYS,
            loss_good: Probability::NEVER,
        };
        let n = 400_000u32;
        let fate = fate(model, n);
        // Share of the bad state p / (p + r); its count has variance n L (1-L) (1 + 2 λ/(1-λ)).
        let (rate, lambda) = (p / (p + r), 1.0 - p - r);
        let error = (rate * (1.0 - rate) * (1.0 + 2.0 * lambda / (1.0 - lambda)) / f64::from(n)).sqrt();
        assert!((share(&fate) - rate).abs() < 4.0 * error, "{} instead of {rate}", share(&fate));
        // Bursts are geometric with mean 1/r and standard deviation √(1-r)/r.
        let bursts: Vec<usize> = fate.split(|&lost| !lost).map(<[bool]>::len).filter(|&n| n > 0).collect();
        let mean = bursts.iter().sum::<usize>() as f64 / bursts.len() as f64;
        let error = (1.0 - r).sqrt() / r / (bursts.len() as f64).sqrt();
        assert!((mean - 1.0 / r).abs() < 4.0 * error, "{mean} instead of {}", 1.0 / r);
    }

    #[test]
    fn a_transition_holds_from_the_next_packet_on() {
        // Always leaves the state at once, so that every second packet meets the bad one.
        let model = LossModel::GilbertElliott {
            p: Probability::ALWAYS,
            r: Probability::ALWAYS,
            loss_bad: Probability::ALWAYS,
            loss_good: Probability::NEVER,
        };
        assert_eq!(fate(model, 4), [false, true, false, true]);
    }

    #[test]
    fn the_first_losses_are_pinned() {
        let fate = fate(LossModel::Independent(probability(0.3)), 40);
        let lost: Vec<usize> = (0..40).filter(|&i| fate[i]).collect();
        assert_eq!(lost, [0, 15, 17, 18, 23, 26, 27, 29]);
    }
}
