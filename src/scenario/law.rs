//! `kind` of a link: Wi-Fi, or laws by which its rate, delay and loss change with time, without a table or a schedule.
//!
//! A law gives what it adds to the link's own keys at any instant, and the instants at which that changes;
//! both become changes of the schedule, so that realised rows weigh each setting by the packets that met it.

use super::conditions::Table;
use super::form::{Maybe, Whole};
use super::quantity::{PositiveSpan, Probability as Chance, Rate, Span};
use super::reader::Reader;
use super::visit::{Visitor, required};
use crate::link::config::{Config, LossModel, Pattern, Wifi};
use crate::rng::Seed;
use crate::time::{Duration, Instant};
use crate::units::{self, Probability};

/// A law of a link's conditions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// They stay as they are.
    Steady,
    /// They do, on a link that sends as 802.11 does.
    Wifi(Wifi),
    /// The second half of each period has other conditions than the first.
    Step { period: Duration, rate: Option<units::Rate>, delay: Option<Duration>, loss: Option<Probability> },
    /// A low-orbit satellite link, which is handed over to another satellite at the end of each period: an
    /// outage, then a delay that is longer by a part of `spread` drawn anew, and drifts away by `drift`
    /// until the next, as the satellite does. On Starlink a period is 15 s, round trips jump by 10 to 50 ms at
    /// its end, and packets are lost in bursts there (G. Huston, "A transport protocol's view of
    /// Starlink", APNIC 2024; Michel et al., IMC 2022).
    Leo { period: Duration, outage: Duration, spread: Duration, drift: Duration, sky: u64 },
}

const SECOND: Duration = Duration::from_secs(1);
const LAWS: &[(&str, Law)] = &[
    ("steady", Law::Steady),
    ("wifi", Law::Wifi(Wifi::DEFAULT)),
    ("step", Law::Step { period: SECOND, rate: None, delay: None, loss: None }),
    (
        "leo",
        Law::Leo {
            period: Duration::from_secs(15),
            outage: Duration::from_millis(100),
            spread: Duration::from_millis(15),
            drift: Duration::from_millis(5),
            sky: 1,
        },
    ),
];

/// Declares the keys of a law.
pub(super) fn keys(v: &mut impl Visitor, law: &mut Law) {
    v.tag("law", law, LAWS, "the law by which they change", |v, law| match law {
        Law::Steady => {}
        Law::Wifi(Wifi { aggregate, airtime, error, retries }) => {
            let most = Wifi::WINDOW.into();
            v.key("aggregate", aggregate, Whole(1, most), "frames of one transmission, at most (A-MPDU)");
            v.key("airtime", airtime, PositiveSpan, "time of its frames, at most, unless it has one alone");
            v.key("error", error, Chance, "the chance that a frame fails, each time it is sent");
            v.key("retries", retries, Whole(0, 255), "times that it is sent again, before it is given up");
        }
        Law::Step { period, rate, delay, loss } => {
            v.key(required("period"), period, PositiveSpan, "after so long it begins anew");
            v.key("rate", rate, Maybe(Rate), "the rate in the second half of each period");
            v.key("delay", delay, Maybe(Span), "the mean delay there");
            v.key("loss", loss, Maybe(Chance), "the chance of loss there");
        }
        Law::Leo { period, outage, spread, drift, sky } => {
            v.key("period", period, PositiveSpan, "time from one handover to the next");
            v.key("outage", outage, Span, "for so long every packet that comes is lost at a handover");
            v.key("spread", spread, Span, "each satellite's delay is longer by up to this, drawn anew");
            v.key("drift", drift, Span, "and grows by this until the next handover");
            v.key("sky", sky, Whole(0, u64::from(u32::MAX)), "number of the sequence of satellites");
        }
    });
    v.check(|reader| {
        let base = reader.base();
        match law {
            Law::Step { rate: None, delay: None, loss: None, period }
                if *period > Duration::ZERO && !base.is_faulty(reader.problems) =>
            {
                let help = "say what holds in the second half of each period: `rate`, `delay` or `loss`";
                reader.error(base.place, "nothing steps", help);
            }
            Law::Leo { period, outage, .. } if *outage >= *period => {
                let place =
                    reader.entry("outage").or_else(|| reader.entry("period")).map(|entry| entry.place);
                let message =
                    format!("the outage ({outage}) lasts as long as a satellite is in use ({period})");
                reader.error(
                    place.unwrap_or(base.place),
                    message,
                    "write a shorter `outage`, or a longer `period`",
                );
            }
            _ => {}
        }
    });
}

/// Steps in which a delay drifts, in each period.
const STEPS: u64 = 30;

impl Law {
    /// Its table, unless nothing ever changes.
    pub(super) fn table(self) -> Option<Table> {
        (!self.period().is_zero()).then_some(Table::Law(self))
    }

    /// The changes before `end`: how many there are, and each.
    pub(super) fn count(&self, end: Instant) -> u64 {
        let periods = (end - Instant::ZERO).as_nanos() / self.period().as_nanos().max(1) + 1;
        periods.saturating_mul(match self {
            Law::Steady | Law::Wifi(_) => 0,
            Law::Step { .. } => 2,
            Law::Leo { .. } => STEPS + 1,
        })
    }

    pub(super) fn times(&self, end: Instant) -> impl Iterator<Item = Instant> {
        let law = *self;
        let periods =
            (0..).map(move |k| Instant::ZERO + law.period() * k).take_while(move |start| *start < end);
        periods.flat_map(move |start| law.within(start)).filter(move |at| *at < end)
    }

    fn period(&self) -> Duration {
        match *self {
            Law::Steady | Law::Wifi(_) => Duration::ZERO,
            Law::Step { period, .. } | Law::Leo { period, .. } => period,
        }
    }

    /// The changes of the period that begins at `start`.
    fn within(self, start: Instant) -> Vec<Instant> {
        match self {
            Law::Steady | Law::Wifi(_) => vec![],
            Law::Step { period, .. } => vec![start, start + period / 2],
            Law::Leo { period, outage, drift, .. } => {
                let steps = if drift.is_zero() { 1 } else { STEPS };
                let back = Some(start + outage).filter(|_| !outage.is_zero());
                (0..steps).map(|n| start + period * n / STEPS).chain(back).collect()
            }
        }
    }

    /// Changes what the link's own keys say to what holds at `now`.
    pub(super) fn apply(&self, now: Instant, config: &mut Config) {
        let since = now - Instant::ZERO;
        match *self {
            Law::Steady | Law::Wifi(_) => {}
            Law::Step { period, rate, delay, loss } => {
                if since.as_nanos() % period.as_nanos() >= (period / 2).as_nanos() {
                    config.rate = rate.or(config.rate);
                    config.delay.mean = delay.unwrap_or(config.delay.mean);
                    config.loss = loss.map_or(config.loss, LossModel::Independent);
                }
            }
            Law::Leo { period, outage, spread, drift, sky } => {
                let number = since.as_nanos() / period.as_nanos();
                let within = Duration::from_nanos(since.as_nanos() % period.as_nanos());
                let step = within.as_nanos() / (period.as_nanos() / STEPS).max(1);
                config.delay.mean += drift * step.min(STEPS) / STEPS;
                // The first is the one that the link's own delay is of.
                if number > 0 {
                    let mut draws = Seed(sky).stream(&format!("leo/{number}"));
                    config.delay.mean += Duration::from_nanos(draws.below(spread.as_nanos().max(1)));
                    if within < outage {
                        config.loss = LossModel::Independent(Probability::ALWAYS);
                    }
                }
            }
        }
    }
}

/// Wi-Fi has a rate of its physical layer, and no other limit of its own.
pub(super) fn check_wifi(config: &Config, has_table: bool, reader: &mut Reader) {
    let Some(kind) = reader.entry("kind").filter(|_| !reader.base().is_faulty(reader.problems)) else {
        return;
    };
    if config.rate.is_none() && !has_table {
        let help = "give it the `rate` of its physical layer, such as \"144mbit\"";
        reader.error(kind.place, "a link of Wi-Fi has no rate in this direction", help);
    } else if config.pattern != Pattern::Even {
        let help = "leave the bucket or the trace out; a `csv` may say its rate over time";
        reader.error(kind.place, "Wi-Fi shares no link with a token bucket or a trace", help);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SOUND, refused, scenario};
    use super::*;

    /// The sound text whose bottleneck has a law, in line 9.
    fn text(kind: &str) -> String {
        SOUND.replace("queue = \"1bdp\"", &format!("queue = \"50 packets\"\nkind = {kind}"))
    }

    /// Spans in which nothing changes, in seconds, with what holds in them.
    fn spans(law: Law, start: &Config, seconds: u64) -> Vec<(f64, Config)> {
        let end = Instant::ZERO + Duration::from_secs(seconds);
        let mut times: Vec<Instant> = law.times(end).collect();
        times.sort();
        times.dedup();
        assert!(times.len() as u64 <= law.count(end), "the bound is one");
        let ends = times[1..].iter().copied().chain([end]);
        let spans = times.iter().zip(ends).map(|(from, to)| {
            let mut config = start.clone();
            law.apply(*from, &mut config);
            ((to - *from).as_secs_f64(), config)
        });
        spans.collect()
    }

    #[test]
    fn a_satellite_is_out_for_its_share_and_as_far_as_it_should_be() {
        let Some((_, Law::Leo { period, outage, spread, drift, .. })) = LAWS.last() else { panic!("leo") };
        let (period, outage, spread, drift) = (*period, *outage, *spread, *drift);
        for sky in 0..5 {
            let law = Law::Leo { period, outage, spread, drift, sky };
            let mut start = Config::default();
            start.delay.mean = Duration::from_millis(20);
            let n = 400;
            let spans = spans(law, &start, n * 15);
            let lost =
                spans.iter().filter(|(_, config)| config.loss == LossModel::Independent(Probability::ALWAYS));
            // All satellites but the first begin with an outage.
            let share = lost.map(|(span, _)| span).sum::<f64>() / (n * 15) as f64;
            assert!((share - 0.1 / 15.0 * (n - 1) as f64 / n as f64).abs() < 1e-9, "{share}");
            let mean =
                spans.iter().map(|(span, config)| span * config.delay.mean.as_millis_f64()).sum::<f64>();
            let mean = mean / (n * 15) as f64;
            // Uniform draws of up to 15 ms: 4.3 ms of deviation, over 20 satellites' root; and a staircase to 5 ms.
            let expected = 20.0 + 7.5 + 2.5 * 29.0 / 30.0;
            assert!((mean - expected).abs() < 4.0 * 4.33 / 20.0, "{mean} of {expected} under sky {sky}");
        }
    }

    #[test]
    fn the_second_half_of_each_period_is_another_link() {
        let cell = scenario(&text("{ law = \"step\", period = \"4s\", rate = \"2mbit\", loss = \"1%\" }"));
        let seen: Vec<_> = cell
            .schedule
            .iter()
            .map(|change| {
                let config = &change.links[0].1[0];
                (change.at.as_secs_f64(), config.rate.expect("a rate").as_mbit(), config.delay.mean)
            })
            .collect();
        let delay = Duration::from_millis(5);
        assert_eq!(
            seen,
            [2.0, 4.0, 6.0, 8.0].map(|at| (at, if at % 4.0 == 0.0 { 10.0 } else { 2.0 }, delay))
        );
        let LossModel::Independent(loss) = cell.schedule[0].links[0].1[1].loss else { panic!("independent") };
        assert_eq!(loss.to_string(), "1%");
    }

    #[test]
    fn a_law_in_one_word_has_the_stated_defaults() {
        let long = "{ law = \"leo\", period = \"15s\", outage = \"100ms\", spread = \"15ms\", drift = \"5ms\", sky = 1 }";
        assert_eq!(scenario(&text("\"leo\"")), scenario(&text(long)));
        assert!(include_str!("../../scenarios/reference.toml").contains(long));
        assert_eq!(scenario(&text("\"steady\"")).schedule, []);
        let long = "{ law = \"wifi\", aggregate = 32, airtime = \"4ms\", error = \"0%\", retries = 7 }";
        assert_eq!(scenario(&text("\"wifi\"")), scenario(&text(long)));
        assert!(include_str!("../../scenarios/reference.toml").contains(long));
        let sky = |n| scenario(&text(&format!("{{ law = \"leo\", period = \"1s\", sky = {n} }}"))).schedule;
        assert_ne!(sky(1), sky(2));
    }

    #[test]
    fn what_is_wrong_with_a_law_is_said() {
        let refused = |kind: &str, at: &str, says: &str, mend: &str| refused(&text(kind), 10, at, says, mend);
        let still = "{ law = \"step\", period = \"1s\" }";
        refused(still, still, "nothing steps", "`rate`, `delay` or `loss`");
        let long = "{ law = \"leo\", outage = \"15s\" }";
        refused(long, "outage", "the outage (15s) lasts as long", "a shorter `outage`");
        refused("\"wifi5\"", "\"wifi5\"", "\"wifi5\" is not one", "steady");
        refused("{ law = \"wifi\", aggregate = 65 }", "65", "65 is out of range", "from 1 to 64");
        let (error, _) = super::super::testing::errors(
            &text("{ law = \"leo\", period = \"100us\", outage = \"0s\" }"),
            &[],
        );
        assert!(error.to_string().contains("\"bottleneck\" change"), "{error}");
    }
}
