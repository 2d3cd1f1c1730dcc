//! The forms of quantities: times, rates, probabilities, sizes, and how much a queue holds.

use super::Limit;
use super::form::{Form, quoted};
use super::kind::Kind;
use super::leaf::{self, Fault};
use super::tree::Node;
use crate::time::{Duration, Instant};
use crate::units::{self, Bytes};

/// A time, zero included.
pub(super) struct Span;

impl Form<Duration> for Span {
    fn kind(&self) -> Kind {
        Kind::Duration
    }

    fn read(&self, node: &Node) -> Result<Duration, Fault> {
        leaf::duration(node)
    }

    fn text(&self, value: &Duration) -> Option<String> {
        quoted(value)
    }
}

/// A time since the start of the trial.
impl Form<Instant> for Span {
    fn kind(&self) -> Kind {
        Kind::Duration
    }

    fn read(&self, node: &Node) -> Result<Instant, Fault> {
        Ok(Instant::ZERO.saturating_add(leaf::duration(node)?))
    }

    fn text(&self, value: &Instant) -> Option<String> {
        quoted(&value.saturating_since(Instant::ZERO))
    }
}

/// A time longer than zero.
pub(super) struct PositiveSpan;

impl Form<Duration> for PositiveSpan {
    fn kind(&self) -> Kind {
        Kind::PositiveDuration
    }

    fn read(&self, node: &Node) -> Result<Duration, Fault> {
        leaf::positive_duration(node)
    }

    fn text(&self, value: &Duration) -> Option<String> {
        quoted(value)
    }
}

/// Bits per second.
pub(super) struct Rate;

impl Form<units::Rate> for Rate {
    fn kind(&self) -> Kind {
        Kind::Rate
    }

    fn read(&self, node: &Node) -> Result<units::Rate, Fault> {
        leaf::rate(node)
    }

    fn text(&self, value: &units::Rate) -> Option<String> {
        quoted(value)
    }
}

/// A probability in percent.
pub(super) struct Probability;

impl Form<units::Probability> for Probability {
    fn kind(&self) -> Kind {
        Kind::Probability
    }

    fn read(&self, node: &Node) -> Result<units::Probability, Fault> {
        leaf::probability(node)
    }

    fn text(&self, value: &units::Probability) -> Option<String> {
        quoted(value)
    }
}

/// A size, from the least to the most bytes.
pub(super) struct Size(pub u64, pub u64);

impl Form<u64> for Size {
    fn kind(&self) -> Kind {
        Kind::Bytes(self.0, self.1)
    }

    fn read(&self, node: &Node) -> Result<u64, Fault> {
        leaf::bytes(node, self.0, self.1)
    }

    fn text(&self, value: &u64) -> Option<String> {
        quoted(&Bytes(*value))
    }
}

impl Form<u32> for Size {
    fn kind(&self) -> Kind {
        Kind::Bytes(self.0, self.1)
    }

    fn read(&self, node: &Node) -> Result<u32, Fault> {
        Form::<u64>::read(self, node)?.try_into().map_err(|_| Fault::default())
    }

    fn text(&self, value: &u32) -> Option<String> {
        quoted(&Bytes((*value).into()))
    }
}

impl Form<Bytes> for Size {
    fn kind(&self) -> Kind {
        Kind::Bytes(self.0, self.1)
    }

    fn read(&self, node: &Node) -> Result<Bytes, Fault> {
        Form::<u64>::read(self, node).map(Bytes)
    }

    fn text(&self, value: &Bytes) -> Option<String> {
        quoted(value)
    }
}

/// A mean size.
impl Form<f64> for Size {
    fn kind(&self) -> Kind {
        Kind::Bytes(self.0, self.1)
    }

    fn read(&self, node: &Node) -> Result<f64, Fault> {
        Form::<u64>::read(self, node).map(|bytes| bytes as f64)
    }

    fn text(&self, value: &f64) -> Option<String> {
        quoted(&Bytes(*value as u64))
    }
}

/// Frequency, as the mean time between two events.
pub(super) struct Frequency;

impl Form<Duration> for Frequency {
    fn kind(&self) -> Kind {
        Kind::Frequency
    }

    fn read(&self, node: &Node) -> Result<Duration, Fault> {
        leaf::frequency(node)
    }

    fn text(&self, value: &Duration) -> Option<String> {
        quoted(&format!("{}/s", 1.0 / value.as_secs_f64()))
    }
}

/// Capacity of a queue.
pub(super) struct QueueLimit;

impl Form<Limit> for QueueLimit {
    fn kind(&self) -> Kind {
        Kind::Limit
    }

    fn read(&self, node: &Node) -> Result<Limit, Fault> {
        leaf::limit(node)
    }

    fn text(&self, value: &Limit) -> Option<String> {
        quoted(&match value {
            Limit::Packets(n) => units::plural(*n, "packet"),
            Limit::Bytes(n) => Bytes(*n).to_string(),
            Limit::Bdp(factor) => format!("{factor}bdp"),
        })
    }
}
