//! The proof that a link did what it was asked: each configured quantity against what happened,
//! with the bounds that chance allows.
//!
//! If the configuration changed during the measured interval, `configured` weights each setting
//! by the packets that met it. Chance crosses the bounds of a row once in some thousands, whatever the
//! law (see `law`); a row that counts events has no verdict while fewer than
//! [`ENOUGH_EVENTS`] are expected, unless they are certain.

use super::config::{Capacity, Config, LossModel, Pattern};
use super::distribution::{Shape, mixture_quantile};
use super::law::{self, Law, REACH, States};
use super::statistics::{Epoch, Statistics};
use super::trace::OPPORTUNITY;
use super::wifi::{BACKOFF_VARIANCE, Exchanges, MEAN_BACKOFF, OVERHEAD, Wifi};
use crate::facts::Realised;
use crate::units::Probability;

/// With fewer expected events than this there is no verdict.
const ENOUGH_EVENTS: f64 = 20.0;
/// Standard errors from the mean of a sum to its bounds, and standard deviations of the normal number
/// behind a single draw to what it hardly ever reaches.
const ERRORS: f64 = 4.0;
/// The chance that a single delay is so long that it alone shifts the mean beyond its bounds.
const RARE: f64 = 1e-4;
/// Delays are rounded to the nanosecond.
const ROUNDING_MS: f64 = 1e-6;
/// The relative error of a tally's percentile.
const TALLY_ERROR: f64 = 0.01;

impl Statistics {
    /// All quantities of which something was seen in the measured interval. Duplication, damage and
    /// reordering have no row where they were neither asked for nor seen.
    pub fn realised(&self) -> Vec<Realised> {
        let shares = [share("loss_percent", self, loss)].into_iter().chain(
            [
                share("duplicate_percent", self, duplicate),
                share("corrupt_percent", self, corrupt),
                share("reorder_percent", self, reorder),
            ]
            .map(|row| row.filter(|row| row.configured > 0.0 || row.realised > 0.0)),
        );
        let others = [
            delay_mean(self),
            delay_p99(self),
            rate(self),
            policed(self),
            queue(self, "queue_max_packets", |epoch| match epoch.config.queue.capacity {
                Capacity::Packets(limit) => Some((limit, epoch.longest_packets)),
                Capacity::Bytes(_) => None,
            }),
            queue(self, "queue_max_bytes", |epoch| match epoch.config.queue.capacity {
                Capacity::Packets(_) => None,
                Capacity::Bytes(limit) => Some((limit, epoch.longest_bytes)),
            }),
            share("wifi_error_percent", self, frame_errors).filter(|_| self.is_wifi()),
            share("wifi_loss_percent", self, frames_given_up).filter(|_| self.is_wifi() && self.wifi_stays()),
            exchange(self),
            queue(self, "wifi_aggregate_frames", |epoch| {
                let wifi = epoch.config.wifi.as_ref();
                wifi.map(|wifi| (wifi.aggregate.into(), exchanges(epoch).largest))
            }),
        ];
        shares.chain(others).flatten().collect()
    }

    fn is_wifi(&self) -> bool {
        self.epochs.iter().any(|epoch| epoch.config.wifi.is_some())
    }

    /// True if no setting of Wi-Fi changes: a frame that is under way then has tries of both.
    fn wifi_stays(&self) -> bool {
        self.epochs.windows(2).all(|pair| pair[0].config.wifi == pair[1].config.wifi)
    }
}

/// A line with its verdict.
fn line(quantity: &'static str, configured: f64, realised: f64, (low, high): (f64, f64)) -> Realised {
    let pass = Some((low..=high).contains(&realised));
    Realised { quantity, configured, realised, low, high, pass }
}

/// The line without its verdict unless there was `enough`.
fn judged_if(enough: bool, mut line: Realised) -> Realised {
    if !enough {
        line.pass = None;
    }
    line
}

/// Effect of one configuration on packets.
struct Share {
    /// Packets, and those to which it happened.
    of: u64,
    seen: u64,
    /// The share of the long run, as configured.
    rate: f64,
    /// Distribution of the count; a law for each link, if these differ.
    laws: Vec<Law>,
}

/// The share of packets to which something happened, in percent.
fn share(quantity: &'static str, statistics: &Statistics, of: fn(&Epoch) -> Share) -> Option<Realised> {
    let parts: Vec<Share> = statistics.epochs.iter().map(of).collect();
    let packets: u64 = parts.iter().map(|part| part.of).sum();
    if packets == 0 {
        return None;
    }
    let percent = |count: f64| 100.0 * count / packets as f64;
    let configured: f64 = parts.iter().map(|part| part.of as f64 * part.rate).sum();
    let seen: u64 = parts.iter().map(|part| part.seen).sum();
    let laws: Vec<Law> = parts.into_iter().flat_map(|part| part.laws).collect();
    let (low, high) = law::bounds(&laws);
    let expected: f64 = laws.iter().map(Law::mean).sum();
    let row = line(quantity, percent(configured), percent(seen as f64), (percent(low), percent(high)));
    Some(judged_if(low >= high || expected >= ENOUGH_EVENTS, row))
}

/// Packets that the loss model took, of all that it judged.
fn loss(epoch: &Epoch) -> Share {
    let (rate, laws) = match epoch.config.loss {
        LossModel::Independent(p) => (p.as_f64(), vec![Law::Independent { n: epoch.judged, p: p.as_f64() }]),
        LossModel::GilbertElliott { p, r, loss_bad, loss_good } => {
            let [p, r, loss_bad, loss_good] = [p, r, loss_bad, loss_good].map(Probability::as_f64);
            let states = States { p, r, loss_bad, loss_good };
            let laws = epoch.runs.iter().map(|run| Law::chain(run.judged, run.start.bad, states));
            (states.rate(), laws.collect())
        }
    };
    Share { of: epoch.judged, seen: epoch.lost, rate, laws }
}

/// Copies, of the packets that passed the entrance.
fn duplicate(epoch: &Epoch) -> Share {
    independent(epoch.judged - epoch.refused, epoch.duplicated, epoch.config.duplicate.as_f64())
}

/// Packets damaged, of those that passed the entrance.
fn corrupt(epoch: &Epoch) -> Share {
    independent(epoch.judged - epoch.refused, epoch.corrupted, epoch.config.corrupt.as_f64())
}

fn independent(of: u64, seen: u64, rate: f64) -> Share {
    Share { of, seen, rate, laws: vec![Law::Independent { n: of, p: rate }] }
}

/// Packets drawn to skip the delay, of all that came.
fn reorder(epoch: &Epoch) -> Share {
    let Some(reorder) = epoch.config.reorder else { return independent(epoch.judged, epoch.ahead, 0.0) };
    let (gap, p) = (reorder.gap, reorder.chance.as_f64());
    let laws = epoch.runs.iter().map(|run| Law::gap(run.judged, run.start.delayed, gap, p)).collect();
    Share { of: epoch.judged, seen: epoch.ahead, rate: law::gap_rate(f64::from(gap.max(1)), p), laws }
}

fn exchanges(epoch: &Epoch) -> Exchanges {
    epoch.exchanges.as_deref().copied().unwrap_or_default()
}

/// Frames of Wi-Fi that failed, each time they were sent.
fn frame_errors(epoch: &Epoch) -> Share {
    let error = epoch.config.wifi.as_ref().map_or(0.0, |wifi| wifi.error.as_f64());
    independent(exchanges(epoch).tries, exchanges(epoch).failed, error)
}

/// Frames of Wi-Fi that failed each time, of those that are settled.
fn frames_given_up(epoch: &Epoch) -> Share {
    let loss = |wifi: &Wifi| libm::pow(wifi.error.as_f64(), f64::from(wifi.retries) + 1.0);
    let Exchanges { settled, given_up, .. } = exchanges(epoch);
    independent(settled, given_up, epoch.config.wifi.as_deref().map_or(0.0, loss))
}

/// Mean length of an exchange of Wi-Fi: what surrounds its frames, and their bits at the rate.
fn exchange(statistics: &Statistics) -> Option<Realised> {
    let (mut count, mut span, mut asked) = (0.0, 0.0, 0.0);
    for epoch in &statistics.epochs {
        let Some(rate) = epoch.config.rate.filter(|_| epoch.config.wifi.is_some()) else { continue };
        let (overhead, of) = ((OVERHEAD + MEAN_BACKOFF).as_secs_f64(), exchanges(epoch));
        count += of.count as f64;
        span += of.span.as_secs_f64();
        asked += of.count as f64 * overhead + of.bits as f64 / rate.bits_per_second() as f64;
    }
    if count == 0.0 {
        return None;
    }
    // Each exchange's frames end within a nanosecond of where they should.
    let reach = ERRORS * (BACKOFF_VARIANCE * count).sqrt() + 1e-9 * count;
    let mean = |total: f64| total / count * 1e6;
    let row = line("wifi_exchange_us", mean(asked), mean(span), (mean(asked - reach), mean(asked + reach)));
    Some(judged_if(count >= ENOUGH_EVENTS, row))
}

/// Mean propagation delay, as drawn.
fn delay_mean(statistics: &Statistics) -> Option<Realised> {
    let realised = statistics.propagation.mean_ms()?;
    let n = statistics.propagation.count() as f64;
    let (mut sum, mut variance) = (0.0, 0.0);
    // Bounds that single draws hardly ever reach, and the most that one of them adds.
    let (mut least, mut most, mut longest) = (0.0, 0.0, 0.0f64);
    for epoch in statistics.epochs.iter().filter(|epoch| epoch.propagated > 0) {
        let shape = Shape::new(&epoch.config.delay);
        let packets = epoch.propagated as f64;
        let (mean, spread) = shape.moments();
        let effective = effective_share(&epoch.config);
        sum += packets * mean / 1e6;
        variance += packets * spread / 1e12 / effective;
        least += packets * shape.at(-ERRORS) / 1e6;
        most += packets * shape.at(ERRORS) / 1e6;
        longest = longest.max((shape.exceeded_with(RARE / packets) - mean) / 1e6 / effective);
    }
    let configured = sum / n;
    let error = variance.sqrt();
    // Sums of long-tailed delays are long-tailed to the right: by their longest.
    let above = (ERRORS * error).max(longest + error);
    let low = (sum - ERRORS * error).max(least) / n - ROUNDING_MS;
    let high = (sum + above).min(most) / n + ROUNDING_MS;
    // A delay that never varies is known from one packet.
    let enough = variance == 0.0 || n >= ENOUGH_EVENTS;
    Some(judged_if(enough, line("delay_mean_ms", configured, realised, (low, high))))
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
    let enough = constant || n * (1.0 - Q) >= ENOUGH_EVENTS;
    // The share that lies below the true percentile scatters like a coin's.
    let (below, above) = law::quantile_bounds(Q, REACH / independent);
    let at = |q: f64| mixture_quantile(&parts, q) / 1e6;
    let low = at(below) * (1.0 - TALLY_ERROR) - ROUNDING_MS;
    let high = at(above) * (1.0 + TALLY_ERROR) + ROUNDING_MS;
    Some(judged_if(enough, line("delay_p99_ms", at(Q), realised, (low, high))))
}

/// Independent draws that a correlated one is worth: (1 − ρ)/(1 + ρ) of an autoregression, and
/// no function of it is more correlated than itself.
fn effective_share(config: &Config) -> f64 {
    if config.delay.jitter.is_zero() {
        return 1.0;
    }
    let rho = config.delay.correlation.as_f64();
    ((1.0 - rho) / (1.0 + rho)).max(1e-12)
}

/// The rate at which transmissions followed each other while the queue held something. That of a trace
/// is what its opportunities offered meanwhile.
fn rate(statistics: &Statistics) -> Option<Realised> {
    let (mut packets, mut bits, mut span, mut asked) = (0u64, 0.0, 0.0, 0.0);
    // Bits that an opportunity at either end of a busy time may have given to others.
    let mut doubt = 0.0;
    for epoch in &statistics.epochs {
        let Some(rate) = epoch.config.rate else { continue };
        let epoch_bits = epoch.saturated_bytes as f64 * 8.0;
        packets += epoch.saturated_packets;
        bits += epoch_bits;
        span += epoch.saturated_span.as_secs_f64();
        asked += match epoch.config.pattern {
            Pattern::Replay(_) if epoch.saturated_chances == 0 => epoch.saturated_span.as_secs_f64(),
            Pattern::Replay(_) => {
                let ends = u64::from(OPPORTUNITY) * epoch.runs.len() as u64;
                doubt += (epoch.saturated_doubt + ends) as f64 * 8.0;
                let offered = epoch.saturated_chances as f64 * 8.0;
                epoch.saturated_span.as_secs_f64() * epoch_bits / offered
            }
            _ => epoch_bits / rate.bits_per_second() as f64,
        };
    }
    // Everything may have left at one opportunity.
    if packets == 0 || span <= 0.0 || asked <= 0.0 {
        return None;
    }
    let configured = bits / asked / 1e6;
    // Each transmission ends within a nanosecond of where it should.
    let reach = configured * (packets as f64 * 1e-9 / asked + 1e-9) + doubt / span / 1e6;
    let row = line("rate_mbit", configured, bits / span / 1e6, (configured - reach, configured + reach));
    Some(judged_if(packets as f64 >= ENOUGH_EVENTS, row))
}

/// The rate that passed the policer: at most its own, and a burst.
fn policed(statistics: &Statistics) -> Option<Realised> {
    let (mut bits, mut span, mut asked, mut bursts) = (0.0, 0.0, 0.0, 0.0);
    for epoch in &statistics.epochs {
        let Some(policer) = epoch.config.policer else { continue };
        let seconds = epoch.span.as_secs_f64();
        bits += epoch.policed_bytes as f64 * 8.0;
        span += seconds;
        asked += policer.rate.bits_per_second() as f64 * seconds;
        bursts += policer.burst as f64 * 8.0 * epoch.runs.len() as f64;
    }
    if bits == 0.0 || span <= 0.0 {
        return None;
    }
    let mbit = |bits: f64| bits / span / 1e6;
    Some(line("policed_mbit", mbit(asked), mbit(bits), (0.0, mbit(asked + bursts))))
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
    let mut row = line(quantity, limit, longest, (0.0, limit));
    // Each limit held while it was in force.
    row.pass = Some(seen.iter().all(|&(limit, longest)| longest <= limit));
    Some(row)
}
