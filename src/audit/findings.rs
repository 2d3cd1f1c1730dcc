//! Findings of an audit.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::time::Instant;

/// Rule that packets must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// A crossing takes the delay of its link.
    Delay,
    /// No more leaves than the rate lets through.
    Rate,
    /// The queue holds no more than its limit, and refuses nothing that it has room for.
    Buffer,
    /// Packets keep their order.
    Order,
    /// Packets are lost as often as the scenario says.
    Loss,
    /// The same of copies.
    Duplicate,
    /// The same of damage.
    Damage,
    /// Marks and drops are of queues that mark and drop.
    Queue,
    /// The policer drops what exceeds its bucket.
    Policer,
    /// Packets take their flow's path.
    Path,
    /// Packets in are packets out, dropped and inside.
    Conservation,
    /// The bytes that arrive are those that were sent.
    Bytes,
}

/// A place where the log is not what the scenario says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// Link and direction, or flow.
    pub place: String,
    /// Time of the trial in seconds.
    pub time_s: f64,
    /// Number of the packet in the trial, if it is of one.
    pub packet: Option<u32>,
    /// Event in the log.
    pub found: String,
    /// Event that the scenario asks for.
    pub expected: String,
}

impl Finding {
    /// A finding about a flow.
    pub(super) fn of_flow(rule: Rule, flow: String, at: Instant, found: String, expected: String) -> Finding {
        Finding { rule, place: flow, time_s: at.as_secs_f64(), packet: None, found, expected }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { place, time_s, found, expected, .. } = self;
        write!(f, "{place}, {time_s:.6} s")?;
        if let Some(packet) = self.packet {
            write!(f, ", packet {packet}")?;
        }
        write!(f, ": {found}; {expected}")
    }
}

/// Findings that are kept of one rule and place: more of the same say no more.
const KEPT: usize = 3;

/// Findings as they come.
#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    of: BTreeMap<(Rule, String), usize>,
    count: u64,
}

impl Findings {
    pub fn push(&mut self, finding: Finding) {
        self.count += 1;
        let seen = self.of.entry((finding.rule, finding.place.clone())).or_default();
        *seen += 1;
        if *seen <= KEPT {
            self.kept.push(finding);
        }
    }

    /// A finding about a packet at a place.
    pub fn packet(
        &mut self,
        rule: Rule,
        place: &str,
        (at, packet): (Instant, u32),
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.push(Finding {
            rule,
            place: place.to_owned(),
            time_s: at.as_secs_f64(),
            packet: Some(packet),
            found: found.into(),
            expected: expected.into(),
        });
    }

    pub fn into_parts(self) -> (Vec<Finding>, u64) {
        (self.kept, self.count)
    }
}
