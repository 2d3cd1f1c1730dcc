//! Change of some of a network's settings.

use super::conditions::{Conditions, Options};
use crate::congestion::Choice;
use crate::link::config::{Capacity, Config, LossModel, Pattern};
use crate::scenario::ScenarioError;
use crate::time::Duration;
use crate::units::{Probability, Rate};

/// Least delay of a path, for those who ask for none: an answer is not there before its question.
const LEAST_DELAY: Duration = Duration::from_micros(1);

/// Settings of a path that change, in both directions; nothing stays as it is. A path of several links gets loss, delay
/// and jitter on its first, and the others have none then; rate and queue are those of the first.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Chance of a loss, each on its own.
    pub loss: Option<Probability>,
    /// One-way delay.
    pub delay: Option<Duration>,
    /// Spread of the delay.
    pub jitter: Option<Duration>,
    /// Rate.
    pub rate: Option<Rate>,
    /// Limit of the queue before that.
    pub queue: Option<Capacity>,
    /// Congestion controller of all connections, open ones too.
    pub congestion: Option<Choice>,
}

impl Change {
    /// Change that some options are of a network; for their values all rules of a scenario hold. Those that depend on
    /// others, such as a queue in bandwidth-delay products, take these as they are now.
    pub fn of(options: &Options, now: &Conditions) -> Result<Change, Box<ScenarioError>> {
        let present = now.first_link();
        let or = |asked: &Option<String>, now: Option<String>| asked.clone().or(now);
        let whole = Options {
            delay: or(&options.delay, Some(present.delay.mean.to_string())),
            rate: or(&options.rate, present.rate.map(|rate| rate.to_string())),
            ..options.clone()
        };
        let asked = whole.conditions(None)?;
        let link = asked.first_link();
        let loss = match link.loss {
            LossModel::Independent(loss) => options.loss.as_ref().map(|_| loss),
            LossModel::GilbertElliott { .. } => None,
        };
        Ok(Change {
            loss,
            delay: options.delay.as_ref().map(|_| link.delay.mean),
            jitter: options.jitter.as_ref().map(|_| link.delay.jitter),
            rate: options.rate.as_ref().and(link.rate),
            queue: options.queue.as_ref().map(|_| link.queue.capacity),
            congestion: options.congestion.as_ref().map(|_| asked.congestion().clone()),
        })
    }

    /// True if it changes links.
    pub fn is_of_links(&self) -> bool {
        self.loss.is_some()
            || self.delay.is_some()
            || self.jitter.is_some()
            || self.rate.is_some()
            || self.queue.is_some()
    }

    /// Changes one direction of a link.
    pub(super) fn apply(&self, config: &mut Config, is_first: bool) {
        if let Some(loss) = self.loss {
            config.loss = LossModel::Independent(if is_first { loss } else { Probability::NEVER });
        }
        if let Some(delay) = self.delay {
            config.delay.mean = if is_first { delay.max(LEAST_DELAY) } else { Duration::ZERO };
            if !is_first || delay.is_zero() {
                config.delay.jitter = Duration::ZERO;
            }
        }
        if let Some(jitter) = self.jitter {
            config.delay.jitter = if is_first { jitter } else { Duration::ZERO };
        }
        if let Some(rate) = self.rate.filter(|_| is_first) {
            config.rate = Some(rate);
            // A trace's opportunities are a rate of their own.
            if matches!(config.pattern, Pattern::Replay(_)) {
                config.pattern = Pattern::Even;
            }
        }
        if let Some(queue) = self.queue.filter(|_| is_first) {
            config.queue.capacity = queue;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Conditions {
        Options::default().conditions(Some(("test.toml", text))).expect("a sound network")
    }

    fn options(pairs: &[(&str, &str)]) -> Options {
        let of =
            |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
        Options {
            loss: of("loss"),
            delay: of("delay"),
            jitter: of("jitter"),
            rate: of("rate"),
            queue: of("queue"),
            congestion: of("congestion"),
            ..Options::default()
        }
    }

    type Take = fn(&mut Config, &Config);

    #[test]
    fn a_change_is_of_what_it_names_and_of_nothing_else() {
        let train = network(include_str!("../../../scenarios/networks/train.toml"));
        let at = |conditions: &Conditions, n: usize| conditions.scenario().schedule[n].links[0].1[0].clone();
        let cases: [(&str, &str, Take); 5] = [
            ("loss", "7%", |to, from| to.loss.clone_from(&from.loss)),
            ("delay", "300ms", |to, from| to.delay.mean = from.delay.mean),
            ("jitter", "3ms", |to, from| to.delay.jitter = from.delay.jitter),
            ("rate", "3mbit", |to, from| to.rate = from.rate),
            ("queue", "5 packets", |to, from| to.queue = from.queue.clone()),
        ];
        for (name, value, take) in cases {
            let change = Change::of(&options(&[(name, value)]), &train).expect("a sound change");
            let changed = train.changed(&change);
            assert_ne!(changed.first_link(), train.first_link(), "{name}");
            let pairs = (0..3).map(|n| (at(&changed, n), at(&train, n)));
            let pairs = pairs.chain([(changed.first_link().clone(), train.first_link().clone())]);
            for (mut after, before) in pairs {
                take(&mut after, &before);
                assert_eq!(after, before, "{name}");
            }
            assert_eq!(changed.congestion(), train.congestion());
        }
        let change = Change::of(&options(&[("congestion", "bbr")]), &train).expect("a sound change");
        assert!(!change.is_of_links());
        assert_eq!(train.changed(&change).congestion().algorithm.name, "bbr");
    }

    #[test]
    fn a_queue_in_products_counts_with_the_rate_and_the_delay_of_now() {
        let home = network(include_str!("../../../scenarios/networks/home.toml"));
        let capacity = |pairs: &[(&str, &str)]| Change::of(&options(pairs), &home).map(|change| change.queue);
        // 20 Mbit/s and 30 ms there and back are 75,000 bytes.
        assert_eq!(capacity(&[("queue", "1bdp")]).ok(), Some(Some(Capacity::Packets(50))));
        assert_eq!(capacity(&[("queue", "1bdp"), ("rate", "2mbit")]).ok(), Some(Some(Capacity::Packets(5))));
        for (name, value) in [("loss", "200%"), ("delay", "fast"), ("rate", "0bit"), ("congestion", "renu")] {
            assert!(capacity(&[(name, value)]).is_err(), "{name}");
        }
        let bare = Options::default().conditions(None).expect("a sound network");
        assert!(Change::of(&options(&[("queue", "2bdp")]), &bare).is_err(), "there is no rate");
    }
}
