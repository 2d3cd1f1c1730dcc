//! Configuration of one direction of a link, in tc-netem(8)'s vocabulary.

use std::sync::Arc;

pub use super::policer::Policer;
pub use super::qdisc::{Capacity, Queue};
pub use super::trace::{Offset, Replay, Trace};
pub use super::wifi::Wifi;
use crate::time::Duration;
use crate::units::{Probability, Rate};

/// Impairments of packets, for `testbed list`: key in a scenario, and meaning.
pub const IMPAIRMENTS: &[(&str, &str)] = &[
    ("link.*.loss", "random loss: independent, or in bursts (gilbert-elliott)"),
    ("link.*.duplicate", "a copy follows right behind the packet"),
    ("link.*.corrupt", "the packet is damaged and fails the receiver's checksum"),
    ("link.*.delay", "fixed delay, with jitter: uniform, normal, lognormal, pareto, paretonormal"),
    ("link.*.delay.table", "jitter by a table of netem (.dist)"),
    ("link.*.reorder", "some packets skip the delay"),
    ("link.*.rate", "serialisation, behind a queue of packets or bytes (see the queues)"),
    ("link.*.rate.burst", "a token bucket: so much leaves at once (tc-tbf)"),
    ("link.*.rate.trace", "delivery opportunities of a mahimahi trace"),
    ("link.*.rate.csv", "a table of rate, delay and loss over time"),
    ("link.*.kind", "wifi: frames leave several at a time, and those that fail are sent again (802.11)"),
    ("link.*.policer", "what exceeds a rate and a burst is dropped, beside the queue"),
    ("[[drop]]", "an exact list of data segments and retransmissions"),
];

/// One direction of a link. The default does nothing: no delay, no loss, no limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Random loss.
    pub loss: LossModel,
    /// The chance that a packet is doubled.
    pub duplicate: Probability,
    /// The chance that a packet is damaged; the receiver's checksum refuses it.
    pub corrupt: Probability,
    /// netem's `reorder`: some packets skip the delay.
    pub reorder: Option<Reorder>,
    /// Propagation, one way.
    pub delay: Delay,
    /// Serialisation rate, on average; without one the link is infinitely fast and has no queue.
    pub rate: Option<Rate>,
    /// Spread of that rate over time.
    pub pattern: Pattern,
    /// Exchanges of frames instead of single packets, at an even rate; holds for the whole trial, but for its values.
    pub wifi: Option<Box<Wifi>>,
    /// Bucket that packets must fit into before they reach the queue.
    pub policer: Option<Policer>,
    /// The queue in front of the rate.
    pub queue: Queue,
}

/// Spread of a rate over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Pattern {
    /// Each packet takes its size by the rate.
    #[default]
    Even,
    /// A token bucket of so many bytes, as tc-tbf(8) without a peak rate: a packet leaves at once if its
    /// tokens are there, else when they are. It is full when a trial begins, and empty after a change.
    Bucket(u64),
    /// Opportunities of a trace, whose mean the rate is.
    Replay(Replay),
}

/// A model of random loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LossModel {
    /// Each packet on its own.
    Independent(Probability),
    /// Two states (Gilbert 1960, Elliott 1963) with the parameters of netem's `gemodel`.
    GilbertElliott {
        /// From the good state to the bad one, per packet.
        p: Probability,
        /// From the bad state to the good one, per packet.
        r: Probability,
        /// `1-h`: the chance of loss in the bad state.
        loss_bad: Probability,
        /// `1-k`: the chance of loss in the good state.
        loss_good: Probability,
    },
}

/// netem's `reorder CHANCE gap N`: after `gap` − 1 delayed packets each further one is sent at once,
/// without delay, with this chance; when one is, the count begins again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reorder {
    /// The chance of each candidate.
    pub chance: Probability,
    /// The shortest distance between two such packets; 1 makes all packets candidates.
    pub gap: u32,
}

/// Propagation delay with jitter. What jitter would make negative is zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Delay {
    /// The mean.
    pub mean: Duration,
    /// The spread: one standard deviation, or half the width of `uniform`.
    pub jitter: Duration,
    /// The shape of the spread.
    pub distribution: JitterDistribution,
    /// Resemblance of each draw to the last, 0 … 1: the correlation of the normal numbers behind
    /// them. Unlike netem's, it leaves mean and spread alone.
    pub correlation: Probability,
    /// True if jitter may change the order of packets.
    pub reorder: bool,
}

/// The shape of jitter around the mean delay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum JitterDistribution {
    /// Between mean − jitter and mean + jitter.
    Uniform,
    /// The bell curve.
    #[default]
    Normal,
    /// The delay itself is lognormal, with a long tail to the right; needs a mean above zero.
    LogNormal,
    /// A heavy tail to the right, of exponent 3 as in netem.
    Pareto,
    /// netem's blend: a quarter of the normal quantile and three quarters of Pareto's.
    ParetoNormal,
    /// One of the values of a table, each with the same chance, as netem's `distribution` has it.
    Table(Arc<JitterTable>),
}

/// A netem table: values in units of 1/8192 jitter around the mean delay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JitterTable(Vec<i16>);

impl JitterTable {
    /// A table of these values; `None` without any.
    pub fn new(mut values: Vec<i16>) -> Option<JitterTable> {
        values.sort_unstable();
        (!values.is_empty()).then_some(JitterTable(values))
    }

    /// Its values in ascending order, in units of the jitter.
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().map(|value| f64::from(*value) / 8192.0)
    }

    /// The value that a share `q` of all lies below, in units of the jitter.
    pub(super) fn quantile(&self, q: f64) -> f64 {
        let place = (q * self.0.len() as f64) as usize;
        f64::from(self.0[place.min(self.0.len() - 1)]) / 8192.0
    }
}

impl Default for LossModel {
    fn default() -> LossModel {
        LossModel::Independent(Probability::NEVER)
    }
}

impl Default for Delay {
    fn default() -> Delay {
        Delay {
            mean: Duration::ZERO,
            jitter: Duration::ZERO,
            distribution: JitterDistribution::default(),
            correlation: Probability::NEVER,
            reorder: false,
        }
    }
}
