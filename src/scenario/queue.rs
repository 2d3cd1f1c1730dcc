//! `queue` of a link: which keys it takes is said by the table of disciplines.

use super::form::{Class, Each, Flag, Form, Whole};
use super::kind::Kind;
use super::leaf::{self, Fault};
use super::quantity::{PositiveSpan, Probability, QueueLimit, Rate, Size, Span};
use super::reader::Reader;
use super::tree::Node;
use super::visit::Visitor;
use super::{ClassList, Limit};
use crate::link::{Capacity, Classes, Discipline, Parameter, ParameterKind, QUEUES, Queue};
use crate::time::Duration;
use crate::units::{self, Bytes, plural};

/// Declares the keys of a queue.
pub(super) fn keys(v: &mut impl Visitor, queue: &mut Queue, limit: &mut Limit, classes: &mut ClassList) {
    let plain = |discipline: &'static Discipline| {
        let parameters = discipline.defaults();
        (discipline.name, Queue { discipline, parameters, ..Queue::default() })
    };
    let variants: Vec<(&str, Queue)> = QUEUES.iter().map(plain).collect();
    v.tag("kind", queue, &variants, "the queue discipline", |v, queue| {
        v.key("limit", limit, QueueLimit, "how much it holds, the packet in transmission included");
        for (parameter, value) in queue.discipline.parameters.iter().zip(&mut queue.parameters) {
            v.key(parameter.name, value, OfQueue(parameter), parameter.summary);
        }
        if queue.discipline.classes != Classes::Blind {
            classes.names = ["1", "2", "3"].map(str::to_owned).to_vec();
            let words = "the classes it knows, from the first to be served on; a packet of no other belongs to the last";
            v.key("classes", &mut classes.names, Each(Class), words);
        }
        if queue.discipline.classes == Classes::Weighted {
            let words = "how often each class has its quantum in a turn; 1 for those not listed";
            v.key("weights", &mut classes.weights, Each(Whole(1, MOST_WEIGHT)), words);
        }
        v.check(|reader| thresholds(queue, reader));
    });
}

/// RED's thresholds, where both are said.
fn thresholds(queue: &Queue, reader: &mut Reader) {
    let value = |name: &str| {
        let named = queue.discipline.parameters.iter().zip(&queue.parameters);
        named.filter(|(parameter, _)| parameter.name == name).map(|(_, value)| *value).next()
    };
    if let (Some(min), Some(max), Some(node)) = (value("min"), value("max"), reader.get("min"))
        && max > 0
        && min >= max
    {
        let message = format!("`min` ({}) is not below `max` ({})", Bytes(min), Bytes(max));
        reader.error(
            node.place,
            message,
            "lower the one or raise the other; max is usually twice min or more",
        );
    }
}

impl Limit {
    /// Limit in packets or bytes on a link of `rate` whose longest path has the base round trip `rtt`: a BDP is
    /// rate × rtt in 1500-byte packets, rounded up, at least one. `None` where it is a BDP and there is no
    /// rate.
    pub fn resolve(self, rate: Option<units::Rate>, rtt: Duration) -> Option<Capacity> {
        match self {
            Limit::Packets(n) => Some(Capacity::Packets(n)),
            Limit::Bytes(n) => Some(Capacity::Bytes(n)),
            Limit::Bdp(factor) => {
                let bytes = factor * rate?.bytes_in(rtt) as f64;
                Some(Capacity::Packets(((bytes / PACKET_BYTES).ceil() as u64).max(1)))
            }
        }
    }
}

/// Unit in which a bandwidth-delay product is counted: Ethernet's largest IP packet.
const PACKET_BYTES: f64 = 1500.0;

const MOST_WEIGHT: u64 = 1_000;
/// Parts in which a probability is kept.
const BILLION: f64 = 1e9;
/// Parts in which a gain is kept, and the largest gain.
const MILLION: f64 = 1e6;
const MOST_GAIN: f64 = 1000.0;

/// A parameter of a queue discipline.
struct OfQueue(&'static Parameter);

impl Form<u64> for OfQueue {
    fn kind(&self) -> Kind {
        match self.0.kind {
            ParameterKind::Span => Kind::PositiveDuration,
            ParameterKind::Count(least, most) => Kind::Integer(least, most),
            ParameterKind::Size(least, most) => Kind::Bytes(least, most),
            ParameterKind::Switch => Kind::Flag,
            ParameterKind::Rate => Kind::Rate,
            ParameterKind::Chance => Kind::Probability,
            ParameterKind::Threshold => Kind::Duration,
            ParameterKind::Gain => Kind::Number(0.0, MOST_GAIN),
        }
    }

    fn read(&self, node: &Node) -> Result<u64, Fault> {
        match self.0.kind {
            ParameterKind::Span => PositiveSpan.read(node).map(Duration::as_nanos),
            ParameterKind::Count(least, most) => Whole(least, most).read(node),
            ParameterKind::Size(least, most) => Size(least, most).read(node),
            ParameterKind::Switch => Flag.read(node).map(u64::from),
            ParameterKind::Threshold => Span.read(node).map(Duration::as_nanos),
            ParameterKind::Gain => {
                leaf::number(node, 0.0, MOST_GAIN).map(|gain| (gain * MILLION).round() as u64)
            }
            ParameterKind::Rate => Rate.read(node).map(units::Rate::bits_per_second),
            ParameterKind::Chance => {
                Probability.read(node).map(|chance| (chance.as_f64() * BILLION).round() as u64)
            }
        }
    }

    fn text(&self, value: &u64) -> Option<String> {
        match self.0.kind {
            ParameterKind::Span => PositiveSpan.text(&Duration::from_nanos(*value)),
            ParameterKind::Count(least, most) => Whole(least, most).text(value),
            ParameterKind::Size(least, most) => Size(least, most).text(value),
            ParameterKind::Switch => Flag.text(&(*value > 0)),
            ParameterKind::Threshold => Span.text(&Duration::from_nanos(*value)),
            ParameterKind::Gain => Some((*value as f64 / MILLION).to_string()),
            ParameterKind::Rate => {
                units::Rate::from_bits_per_second(*value).and_then(|rate| Rate.text(&rate))
            }
            ParameterKind::Chance => {
                units::Probability::new(*value as f64 / BILLION).and_then(|chance| Probability.text(&chance))
            }
        }
    }
}

/// A queue's capacity in words, with the bandwidth-delay products that it is of; and its discipline, with the parameters
/// that are not at their defaults.
pub(super) fn in_words(queue: &Queue, limit: Limit) -> [String; 2] {
    let capacity = match queue.capacity {
        Capacity::Packets(packets) => plural(packets, "packet"),
        Capacity::Bytes(bytes) => Bytes(bytes).to_string(),
    };
    let of = if let Limit::Bdp(factor) = limit { format!(" ({factor} BDP)") } else { String::new() };
    let chosen = queue.discipline.parameters.iter().zip(&queue.parameters);
    let chosen = chosen.filter(|(parameter, value)| **value != parameter.default.1).filter_map(
        |(parameter, value)| {
            Some(format!("{} {}", parameter.name, OfQueue(parameter).text(value)?.trim_matches('"')))
        },
    );
    let chosen: Vec<String> = chosen.collect();
    let with = if chosen.is_empty() { String::new() } else { format!(" ({})", chosen.join(", ")) };
    [capacity + &of, queue.discipline.name.to_owned() + &with]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{and, refused, scenario};
    use super::*;

    fn bottleneck(queue: &str) -> Queue {
        let text = format!("[link.spare]\nrate = \"1mbit\"\nqueue = {queue}\n");
        let scenario = scenario(&and(&text));
        let link = scenario.links.iter().find(|link| link.name == "spare").expect("a link");
        link.directions[0].queue.clone()
    }

    #[test]
    fn stated_defaults_are_the_real_ones() {
        for discipline in QUEUES {
            let stated = discipline.parameters.iter().map(|parameter| {
                let text = parameter.default.0;
                let value = if text.parse::<f64>().is_ok() || text.parse::<bool>().is_ok() {
                    text.to_owned()
                } else {
                    format!("\"{text}\"")
                };
                format!(", {} = {value}", parameter.name)
            });
            let silent = bottleneck(&format!("{{ kind = \"{}\" }}", discipline.name));
            let said = format!("{{ kind = \"{}\"{} }}", discipline.name, stated.collect::<String>());
            assert_eq!(silent, bottleneck(&said), "{said}");
            assert_eq!(silent.parameters, discipline.defaults());
        }
    }

    #[test]
    fn a_queue_takes_the_parameters_of_its_discipline() {
        let queue = bottleneck("{ kind = \"fq_codel\", target = \"10ms\", flows = 16, limit = \"64KiB\" }");
        assert_eq!((queue.discipline.name, queue.capacity), ("fq_codel", Capacity::Bytes(65_536)));
        assert_eq!(queue.parameters, [10_000_000, 100_000_000, 1_514, 16, 1, 0]);
        let line = |queue: &str| and(&format!("[link.spare]\nrate = \"1mbit\"\nqueue = {queue}\n"));
        refused(
            &line("{ kind = \"codel\", flows = 16 }"),
            23,
            "flows",
            "a codel queue has no `flows`",
            "`flows` is of fq_codel",
        );
        refused(
            &line("{ target = \"5ms\" }"),
            23,
            "target",
            "a droptail queue has no `target`",
            "`target` is of codel, fq_codel, pie and dualpi2",
        );
        refused(&line("{ taget = \"5ms\" }"), 23, "taget", "unknown key `taget`", "allowed: kind, limit");
        refused(
            &line("{ kind = \"kodel\" }"),
            23,
            "\"kodel\"",
            "\"kodel\" is not one",
            "did you mean `codel`?",
        );
        refused(
            &line("{ kind = \"codel\", target = \"0ms\" }"),
            23,
            "\"0ms\"",
            "`target`",
            "longer than zero",
        );
        refused(&line("{ kind = \"codel\", ecn = 1 }"), 23, "1", "`ecn`", "true or false");
        refused(
            &line("{ kind = \"red\", min = \"30KiB\", max = \"30KiB\" }"),
            23,
            "\"30KiB\"",
            "`min` (30KiB) is not below `max` (30KiB)",
            "lower the one or raise the other",
        );
    }

    #[test]
    fn a_queue_keeps_its_kind_for_a_trial() {
        let change = |set: &str| and(&format!("[[schedule]]\nat = \"2s\"\nset = {{ {set} }}\n"));
        scenario(&change("\"link.bottleneck.queue.limit\" = \"9 packets\""));
        refused(
            &change("\"link.bottleneck.queue.kind\" = \"codel\""),
            23,
            "{ \"link.bottleneck.queue.kind\" = \"codel\" }",
            "a queue keeps its kind",
            "compare kinds as an axis",
        );
    }
}
