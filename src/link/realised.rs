//! The proof that a link did what it was asked: each configured quantity against what happened,
//! with the interval that chance allows.
//!
//! Where the configuration changed during the measured interval, `configured` weights each setting
//! by the packets that met it. Bounds are four standard errors wide, which chance crosses once in
//! sixteen thousand.

use super::config::{Config, LossModel, Queue};
use super::distribution::{Shape, mixture_quantile};
use super::statistics::{Epoch, Statistics};

/// How many standard errors the bounds lie apart from what was configured.
const ERRORS: f64 = 4.0;
/// Counts of rare events lean to the right: Cornish and Fisher's term (z² − 1)/6 for z = 4.
const SKEW: f64 = 2.5;
/// With fewer expected events than this there is no verdict.
const ENOUGH_EVENTS: f64 = 10.0;
/// With fewer transmissions back to back than this there is no verdict on the rate.
const ENOUGH_TRANSMISSIONS: u64 = 100;
/// Delays are rounded to the nanosecond.
const ROUNDING_MS: f64 = 1e-6;
/// The relative error of a tally's percentile.
const TALLY_ERROR: f64 = 0.01;

/// One line of the proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Realised {
    /// `loss_percent`, `delay_mean_ms`, `delay_p99_ms`, `rate_mbit`, `queue_max_packets` or
    /// `queue_max_bytes`.
    pub quantity: &'static str,
    /// What was asked for.
    pub configured: f64,
    /// What happened.
    pub realised: f64,
    /// The lower end of what chance allows.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Whether `realised` lies within; `None` where too little passed to tell.
    pub pass: Option<bool>,
}

impl Statistics {
    /// All quantities of which something was seen in the measured interval.
    pub fn realised(&self) -> Vec<Realised> {
        [
            loss(self),
            delay_mean(self),
            delay_p99(self),
            rate(self),
            queue(self, "queue_max_packets", |epoch| match epoch.config.queue {
                Queue::Packets(limit) => Some((limit, epoch.longest_packets)),
                Queue::Bytes(_) => None,
            }),
            queue(self, "queue_max_bytes", |epoch| match epoch.config.queue {
                Queue::Packets(_) => None,
                Queue::Bytes(limit) => Some((limit, epoch.longest_bytes)),
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Realised {
    fn new(quantity: &'static str, configured: f64, realised: f64, (low, high): (f64, f64)) -> Realised {
        let pass = Some((low..=high).contains(&realised));
        Realised { quantity, configured, realised, low, high, pass }
    }

    /// Withdraws the verdict unless there was `enough`.
    fn judged_if(mut self, enough: bool) -> Realised {
        if !enough {
            self.pass = None;
        }
        self
    }
}

/// Share of packets that the loss model took.
fn loss(statistics: &Statistics) -> Option<Realised> {
    let (mut judged, mut lost) = (0u64, 0u64);
    let (mut expected, mut variance, mut shortfall) = (0.0, 0.0, 0.0);
    for epoch in &statistics.epochs {
        let law = LossLaw::of(epoch.config.loss);
        let n = epoch.judged as f64;
        judged += epoch.judged;
        lost += epoch.lost;
        expected += n * law.rate;
        variance += n * law.variance;
        shortfall += (epoch.instances as f64 * law.shortfall).min(n * law.rate);
    }
    if judged == 0 {
        return None;
    }
    let percent = 100.0 / judged as f64;
    if variance == 0.0 {
        // Nothing or everything is lost.
        let certain = expected * percent;
        let bounds = (certain - 1e-9, certain + 1e-9);
        return Some(Realised::new("loss_percent", certain, lost as f64 * percent, bounds));
    }
    // One packet for the count being whole.
    let reach = ERRORS * variance.sqrt() + 1.0;
    let low = (expected - reach - shortfall).max(0.0) * percent;
    let high = ((expected + reach + SKEW * variance / expected) * percent).min(100.0);
    let row = Realised::new("loss_percent", expected * percent, lost as f64 * percent, (low, high));
    // The number of independent events that would scatter as much.
    Some(row.judged_if(expected * expected / variance >= ENOUGH_EVENTS))
}

/// The long-run behaviour of a loss model.
struct LossLaw {
    /// Mean share lost.
    rate: f64,
    /// Variance of the number lost, per packet: with bursts, more than `rate (1 − rate)`.
    variance: f64,
    /// How many fewer are lost because the model starts in its good state.
    shortfall: f64,
}

impl LossLaw {
    fn of(model: LossModel) -> LossLaw {
        match model {
            LossModel::Independent(p) => {
                let rate = p.as_f64();
                LossLaw { rate, variance: rate * (1.0 - rate), shortfall: 0.0 }
            }
            LossModel::GilbertElliott { p, r, loss_bad, loss_good } => {
                let (p, r) = (p.as_f64(), r.as_f64());
                let (in_bad, in_good) = (loss_bad.as_f64(), loss_good.as_f64());
                if p == 0.0 {
                    return LossLaw { rate: in_good, variance: in_good * (1.0 - in_good), shortfall: 0.0 };
                }
                // The chain is bad for p/(p + r) of the time and forgets its state by
                // λ = 1 − p − r a packet, so losses k apart have covariance
                // (bad − good)² · π_bad · π_good · λᵏ.
                let bad = p / (p + r);
                let contrast = in_bad - in_good;
                let rate = bad * in_bad + (1.0 - bad) * in_good;
                let bursts = 2.0 * contrast * contrast * bad * (1.0 - bad) * (1.0 - p - r) / (p + r);
                let variance = (rate * (1.0 - rate) + bursts).max(0.0);
                LossLaw { rate, variance, shortfall: (contrast * bad / (p + r)).max(0.0) }
            }
        }
    }
}

/// Mean propagation delay. Keeping order only ever adds to what was drawn, and by a known amount,
/// which the upper bound allows.
fn delay_mean(statistics: &Statistics) -> Option<Realised> {
    let realised = statistics.propagation.mean_ms()?;
    let n = statistics.propagation.count() as f64;
    let (mut sum, mut variance, mut independent) = (0.0, 0.0, 0.0);
    for epoch in statistics.epochs.iter().filter(|epoch| epoch.propagated > 0) {
        let packets = epoch.propagated as f64;
        let (mean, spread) = Shape::new(&epoch.config.delay).moments();
        let effective = effective_share(&epoch.config);
        sum += packets * mean / 1e6;
        independent += packets * effective;
        variance += packets * spread / 1e12 / effective;
    }
    let configured = sum / n;
    // A delay that never varies is known from one packet.
    let enough = variance == 0.0 || independent >= ENOUGH_EVENTS;
    let reach = ERRORS * variance.sqrt() / n + ROUNDING_MS;
    let bounds = (configured - reach, configured + reach);
    // Draws that all hang together say nothing about their law.
    let telling = enough && reach <= configured.max(ROUNDING_MS);
    Some(Realised::new("delay_mean_ms", configured, realised, bounds).judged_if(telling))
}

/// 99th percentile of propagation delay.
fn delay_p99(statistics: &Statistics) -> Option<Realised> {
    const Q: f64 = 0.99;
    let realised = statistics.propagation.quantile(Q)?.as_millis_f64();
    let seen = || statistics.epochs.iter().filter(|epoch| epoch.propagated > 0);
    let mut parts: Vec<(Shape, f64)> = Vec::new();
    for epoch in seen() {
        let (shape, weight) = (Shape::new(&epoch.config.delay), epoch.propagated as f64);
        match parts.iter_mut().find(|(known, _)| *known == shape) {
            Some((_, sum)) => *sum += weight,
            None => parts.push((shape, weight)),
        }
    }
    let n = statistics.propagation.count() as f64;
    let independent: f64 = seen().map(|epoch| epoch.propagated as f64 * effective_share(&epoch.config)).sum();
    let constant = parts.len() == 1 && seen().all(|epoch| epoch.config.delay.jitter.is_zero());
    // The share that lies below the true percentile scatters like a coin's.
    let reach = ERRORS * (Q * (1.0 - Q) / independent.max(1.0)).sqrt();
    let enough = constant || Q + reach < 1.0;
    let at = |q: f64| mixture_quantile(&parts, q.clamp(0.0, 1.0 - 0.5 / n.max(1.0))) / 1e6;
    let low = at(Q - reach) * (1.0 - TALLY_ERROR) - ROUNDING_MS;
    let high = at(Q + reach) * (1.0 + TALLY_ERROR) + ROUNDING_MS;
    Some(Realised::new("delay_p99_ms", at(Q), realised, (low, high)).judged_if(enough))
}

/// How many independent draws a correlated one is worth: (1 − ρ)/(1 + ρ) of an autoregression, and
/// no function of it is more correlated than itself.
fn effective_share(config: &Config) -> f64 {
    if config.delay.jitter.is_zero() {
        return 1.0;
    }
    let rho = config.delay.correlation.as_f64();
    ((1.0 - rho) / (1.0 + rho)).max(1e-12)
}

/// The rate at which transmissions followed each other while the queue held something.
fn rate(statistics: &Statistics) -> Option<Realised> {
    let (mut packets, mut bits, mut span, mut asked) = (0u64, 0.0, 0.0, 0.0);
    for epoch in &statistics.epochs {
        let Some(rate) = epoch.config.rate else { continue };
        let epoch_bits = epoch.saturated_bytes as f64 * 8.0;
        packets += epoch.saturated_packets;
        bits += epoch_bits;
        span += epoch.saturated_span.as_secs_f64();
        asked += epoch_bits / rate.bits_per_second() as f64;
    }
    if packets == 0 {
        return None;
    }
    let configured = bits / asked / 1e6;
    // Each transmission ends within a nanosecond of where it should.
    let reach = configured * (packets as f64 * 1e-9 / asked + 1e-9);
    let row =
        Realised::new("rate_mbit", configured, bits / span / 1e6, (configured - reach, configured + reach));
    Some(row.judged_if(packets >= ENOUGH_TRANSMISSIONS))
}

/// The longest queue against its limit, in the unit of `pick`: (limit, longest).
fn queue(
    statistics: &Statistics,
    quantity: &'static str,
    pick: impl Fn(&Epoch) -> Option<(u64, u64)>,
) -> Option<Realised> {
    let seen: Vec<(u64, u64)> = statistics
        .epochs
        .iter()
        .filter(|epoch| epoch.config.rate.is_some() && epoch.longest_packets > 0)
        .filter_map(pick)
        .collect();
    let limit = seen.iter().map(|&(limit, _)| limit).max()? as f64;
    let longest = seen.iter().map(|&(_, longest)| longest).max()? as f64;
    let mut row = Realised::new(quantity, limit, longest, (0.0, limit));
    // Each limit held while it was in force.
    row.pass = Some(seen.iter().all(|&(limit, longest)| longest <= limit));
    Some(row)
}
