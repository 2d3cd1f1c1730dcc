//! What one direction of a link is set to, in tc-netem(8)'s vocabulary.

use crate::time::Duration;
use crate::units::{Probability, Rate};

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
    /// Serialisation rate; without one the link is infinitely fast and has no queue.
    pub rate: Option<Rate>,
    /// The queue in front of the rate.
    pub queue: Queue,
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

/// netem's `reorder CHANCE gap N`: every `gap`th packet is sent at once with this chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reorder {
    /// The chance of each candidate.
    pub chance: Probability,
    /// Every so many packets one is a candidate; 1 makes all of them candidates.
    pub gap: u32,
}

/// Propagation delay with jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay {
    /// The mean.
    pub mean: Duration,
    /// The spread: one standard deviation, or half the width of `uniform`.
    pub jitter: Duration,
    /// The shape of the spread.
    pub distribution: JitterDistribution,
    /// How much each draw resembles the last, 0 … 1.
    pub correlation: Probability,
    /// Whether jitter may change the order of packets.
    pub reorder: bool,
}

/// The shape of jitter around the mean delay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JitterDistribution {
    /// Between mean − jitter and mean + jitter.
    Uniform,
    /// The bell curve.
    #[default]
    Normal,
    /// A long tail to the right.
    LogNormal,
    /// A heavy tail to the right.
    Pareto,
    /// netem's mixture: a quarter normal, three quarters Pareto.
    ParetoNormal,
}

/// How much a drop-tail queue holds, the packet in transmission included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Queue {
    /// So many packets.
    Packets(u64),
    /// So many bytes.
    Bytes(u64),
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

impl Default for Queue {
    /// netem's default limit. Unlike netem's, it does not count packets that wait out the delay.
    fn default() -> Queue {
        Queue::Packets(1000)
    }
}
