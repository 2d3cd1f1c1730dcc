//! The values at the leaves of a scenario: from a node to a number, a time, a rate …

use std::str::FromStr;

use super::Limit;
use super::path::BACKWARDS;
use super::problem::suggest;
use super::tree::{Node, Value};
use crate::chat::protocol;
use crate::congestion::{self, Algorithm, script};
use crate::link::config::Offset;
use crate::time::Duration;
use crate::units::{Bytes, LONGEST, Probability, Rate, UnitError};

/// Reason for which a value does not fit its key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fault {
    pub message: String,
    pub help: String,
}

pub(super) fn text(node: &Node) -> Result<&str, Fault> {
    let text = node.text().ok_or_else(|| wrong_type(node, "a text", "write it in quotes"))?;
    // Pages and pictures cannot show others.
    match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        Some(control) => Err(Fault {
            message: format!("the text holds a control character, {control:?}"),
            help: "leave it out".to_owned(),
        }),
        None => Ok(text),
    }
}

pub(super) fn line(node: &Node) -> Result<&str, Fault> {
    let text = text(node)?;
    if text.contains(['\n', '\t']) {
        return Err(Fault {
            message: "the text has several lines".to_owned(),
            help: "write it in one line".to_owned(),
        });
    }
    Ok(text)
}

pub(super) fn name(node: &Node) -> Result<&str, Fault> {
    let text = node.text().ok_or_else(|| wrong_type(node, "a name", "write it in quotes"))?;
    if is_name(text) {
        return Ok(text);
    }
    Err(Fault {
        message: format!("\"{text}\" is no name"),
        help: "names are made of letters, digits, `-` and `_`".to_owned(),
    })
}

/// A link of a path.
pub(super) fn hop(node: &Node) -> Result<&str, Fault> {
    let text = node.text().ok_or_else(|| wrong_type(node, "a name", "write it in quotes"))?;
    let fault = || Fault {
        message: format!("\"{text}\" is no name of a link"),
        help: "names are made of letters, digits, `-` and `_`; `<` before one crosses the link backwards"
            .to_owned(),
    };
    let name = text.strip_prefix(BACKWARDS).unwrap_or(text);
    if is_name(name) { Ok(text) } else { Err(fault()) }
}

/// A class of service: a number is a name like any other.
pub(super) fn class(node: &Node) -> Result<String, Fault> {
    match node.value {
        Value::Integer(_) => integer(node, 0, MOST_CLASS).map(|number| number.to_string()),
        _ => name(node).map(str::to_owned),
    }
}

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

pub(super) fn flag(node: &Node) -> Result<bool, Fault> {
    match node.value {
        Value::Flag(flag) => Ok(flag),
        _ => Err(wrong_type(node, "true or false", "write true or false, without quotes")),
    }
}

pub(super) fn integer(node: &Node, min: u64, max: u64) -> Result<u64, Fault> {
    let help = || format!("write a whole number from {min} to {max}, without quotes");
    let Value::Integer(n) = node.value else {
        return Err(wrong_type(node, "a whole number", &help()));
    };
    match u64::try_from(n) {
        Ok(n) if (min..=max).contains(&n) => Ok(n),
        _ => Err(Fault { message: format!("{n} is out of range"), help: help() }),
    }
}

pub(super) fn number(node: &Node, min: f64, max: f64) -> Result<f64, Fault> {
    let help = format!("write a number from {min} to {max}, without quotes");
    let x = match node.value {
        Value::Integer(n) => n as f64,
        Value::Float(x) => x,
        _ => return Err(wrong_type(node, "a number", &help)),
    };
    if (min..=max).contains(&x) {
        return Ok(x);
    }
    Err(Fault { message: format!("{x} is out of range"), help })
}

pub(super) fn word<'a>(node: &'a Node, words: &[&str]) -> Result<&'a str, Fault> {
    let text = node
        .text()
        .ok_or_else(|| wrong_type(node, "a word", &format!("write one of \"{}\"", words.join("\", \""))))?;
    if words.contains(&text) {
        return Ok(text);
    }
    let help = suggest(text, words.iter().copied());
    Err(Fault { message: format!("\"{text}\" is not one of the allowed words"), help })
}

pub(super) fn controller(node: &Node) -> Result<&'static Algorithm, Fault> {
    let help = "write the name of a congestion controller, such as \"reno\"";
    let text = node.text().ok_or_else(|| wrong_type(node, "the name of a congestion controller", help))?;
    Algorithm::by_name(text).ok_or_else(|| Fault {
        message: format!("there is no congestion controller \"{text}\""),
        help: suggest(text, congestion::algorithms().iter().map(|algorithm| algorithm.name)),
    })
}

/// A word that names a controller in a script, which need not be read yet.
pub(super) fn script(node: &Node) -> Result<(), Fault> {
    script::check(node.text().unwrap_or_default()).map_err(Fault::from)
}

impl From<script::Refusal> for Fault {
    fn from(refusal: script::Refusal) -> Fault {
        Fault { message: refusal.message, help: refusal.help }
    }
}

pub(super) fn dialect(node: &Node) -> Result<&'static str, Fault> {
    let spoken = || protocol::framed().map(protocol::Dialect::name);
    let Some(text) = node.text() else {
        return Err(wrong_type(node, "the name of a dialect", "write one such as \"json-lines\""));
    };
    if let Some(dialect) = protocol::framed().find(|dialect| dialect.name() == text) {
        return Ok(dialect.name());
    }
    if protocol::listeners().any(|listener| listener.name() == text) {
        return Err(Fault {
            message: format!("\"{text}\" has no frames: on a stream its messages cannot be told apart"),
            help: format!(
                "write \"{}\"; the dialects without frames are for `testbed serve`",
                spoken().collect::<Vec<_>>().join("\" or \"")
            ),
        });
    }
    let message = format!("there is no dialect \"{text}\"");
    Err(Fault { message, help: suggest(text, spoken()) })
}

/// A duration, or [`TRIAL`].
pub(super) fn offset(node: &Node) -> Result<Offset, Fault> {
    if node.text() == Some(TRIAL) {
        return Ok(Offset::Trial);
    }
    duration(node).map(Offset::At).map_err(|fault| Fault {
        help: format!("{}; or \"{TRIAL}\" for a place that each trial draws", fault.help),
        ..fault
    })
}

pub(super) fn rate(node: &Node) -> Result<Rate, Fault> {
    quantity(node, "a rate", "10mbit")
}

pub(super) fn probability(node: &Node) -> Result<Probability, Fault> {
    quantity(node, "a probability", "10%")
}

fn quantity<T: FromStr<Err = UnitError>>(node: &Node, what: &str, like: &str) -> Result<T, Fault> {
    let help = || format!("write {what} with its unit, such as \"{like}\"");
    let text = node.text().ok_or_else(|| wrong_type(node, what, &help()))?;
    text.parse().map_err(|UnitError { problem, help }| Fault { message: problem, help })
}

pub(super) fn duration(node: &Node) -> Result<Duration, Fault> {
    quantity(node, "a duration", "25ms")
}

pub(super) fn positive_duration(node: &Node) -> Result<Duration, Fault> {
    let span = duration(node)?;
    if span.is_zero() {
        return Err(Fault {
            message: "a duration of zero makes no sense here".to_owned(),
            help: "write a duration longer than zero, such as \"10ms\"".to_owned(),
        });
    }
    Ok(span)
}

pub(super) fn bytes(node: &Node, min: u64, max: u64) -> Result<u64, Fault> {
    let range = format!("from \"{}\" to \"{}\"", Bytes(min), Bytes(max));
    let Bytes(n) = quantity(node, "a size", "64KiB")
        .map_err(|Fault { message, help }| Fault { message, help: format!("{help}, {range}") })?;
    if (min..=max).contains(&n) {
        return Ok(n);
    }
    let message = format!("\"{}\" is out of range", node.text().unwrap_or_default());
    Err(Fault { message, help: format!("write a size {range}") })
}

/// `"2/s"` as the mean time between two events.
pub(super) fn frequency(node: &Node) -> Result<Duration, Fault> {
    const HELP: &str = "write how many per time, such as \"1/s\", \"30/min\" or \"0.5/s\", \
                        from \"0.001/h\" to \"1000000000/s\"";
    let text = node.text().ok_or_else(|| wrong_type(node, "a frequency", HELP))?;
    let fault = |message: String| Fault { message, help: HELP.to_owned() };
    let (number, unit) =
        text.split_once('/').ok_or_else(|| fault(format!("\"{text}\" is not a number per time")))?;
    let unit = match unit.trim() {
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        unit => return Err(fault(format!("\"{unit}\" is no unit of time here"))),
    };
    let number: f64 = number.trim().parse().map_err(|_| fault(format!("\"{number}\" is not a number")))?;
    let interval = Duration::from_secs_f64(unit / number);
    // A number that is none, zero or negative gives zero or the longest span.
    if number > 0.0 && !interval.is_zero() && interval <= LONGEST {
        return Ok(interval);
    }
    Err(fault(format!("\"{text}\" is out of range")))
}

/// `"1bdp"`, `"100 packets"` or `"64KiB"`.
pub(super) fn limit(node: &Node) -> Result<Limit, Fault> {
    const HELP: &str = "write \"1bdp\", \"100 packets\" or a size such as \"64KiB\"";
    let text = node.text().ok_or_else(|| wrong_type(node, "a queue limit", HELP))?.trim();
    let fault = |message: String| Fault { message, help: HELP.to_owned() };
    let out_of_range = || Fault {
        message: format!("\"{text}\" is out of range"),
        help: format!(
            "write more than zero, up to \"{MOST_BDPS}bdp\", \"{MOST_QUEUED} packets\" or \"{}\"",
            Bytes(MOST_QUEUED)
        ),
    };
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '_')));
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let limit = match unit.trim() {
        "bdp" => {
            let factor: f64 = number.parse().map_err(|_| fault(format!("\"{text}\" is no queue limit")))?;
            if !(factor > 0.0 && factor <= MOST_BDPS) {
                return Err(out_of_range());
            }
            Limit::Bdp(factor)
        }
        "packet" | "packets" => {
            let packets = number.parse().map_err(|_| fault(format!("\"{text}\" is no number of packets")))?;
            Limit::Packets(packets)
        }
        "" => return Err(fault(format!("\"{text}\" has no unit; a queue limit needs one"))),
        _ => Limit::Bytes(text.parse::<Bytes>().map_err(|error| fault(error.problem))?.0),
    };
    match limit {
        Limit::Packets(0) | Limit::Bytes(0) => Err(Fault {
            message: "a queue of nothing lets nothing through".to_owned(),
            help: "the packet in transmission counts: write at least \"1 packet\"".to_owned(),
        }),
        Limit::Packets(n) | Limit::Bytes(n) if n > MOST_QUEUED => Err(out_of_range()),
        limit => Ok(limit),
    }
}

pub(super) fn wrong_type(node: &Node, wanted: &str, help: &str) -> Fault {
    Fault { message: format!("this is {}, but {wanted} is needed", node.type_name()), help: help.to_owned() }
}

/// The word for a place that each trial draws.
pub(super) const TRIAL: &str = "trial";
pub(super) const MOST_CLASS: u64 = 65_535;
const MOST_BDPS: f64 = 10_000.0;
const MOST_QUEUED: u64 = 1 << 40;

#[cfg(test)]
mod tests {
    use super::super::problem::Source;
    use super::*;

    fn node(toml: &str) -> Node {
        Node::parse_value(toml, Source::File, 0).expect("TOML")
    }

    #[test]
    fn frequencies_become_mean_intervals() {
        assert_eq!(frequency(&node("\"1/s\"")), Ok(Duration::from_secs(1)));
        assert_eq!(frequency(&node("\"30/min\"")), Ok(Duration::from_secs(2)));
        assert_eq!(frequency(&node("\"0.5 / s\"")), Ok(Duration::from_secs(2)));
        for bad in
            ["\"0/s\"", "\"-1/s\"", "\"nan/s\"", "\"1e-300/s\"", "\"1e300/s\"", "\"1/day\"", "\"5\"", "5"]
        {
            assert!(frequency(&node(bad)).is_err(), "{bad}");
        }
        // The range that the help names is the range.
        for edge in ["\"0.001/h\"", "\"1000000000/s\""] {
            assert!(frequency(&node(edge)).is_ok(), "{edge}");
        }
        let fault = frequency(&node("\"0/s\"")).expect_err("never");
        assert!(fault.help.contains("from \"0.001/h\" to \"1000000000/s\""), "{fault:?}");
    }

    #[test]
    fn a_dialect_of_real_sockets_is_no_typing_error() {
        for name in ["reliable", "json-lines", "web"] {
            assert_eq!(dialect(&node(&format!("\"{name}\""))), Ok(name));
        }
        for name in ["slash", "rooms", "pipe", "slash-or-pipe"] {
            let fault = dialect(&node(&format!("\"{name}\""))).expect_err("no frames");
            let message = format!("\"{name}\" has no frames: on a stream its messages cannot be told apart");
            assert_eq!(fault.message, message);
            assert_eq!(
                fault.help,
                "write \"reliable\" or \"json-lines\" or \"web\"; the dialects without frames are for `testbed serve`"
            );
        }
        let fault = dialect(&node("\"json-line\"")).expect_err("misspelt");
        assert!(fault.help.contains("json-lines"), "{fault:?}");
        assert!(dialect(&node("5")).is_err());
    }

    #[test]
    fn queue_limits_have_three_units() {
        assert_eq!(limit(&node("\"1bdp\"")), Ok(Limit::Bdp(1.0)));
        assert_eq!(limit(&node("\"0.5 bdp\"")), Ok(Limit::Bdp(0.5)));
        assert_eq!(limit(&node("\"100 packets\"")), Ok(Limit::Packets(100)));
        assert_eq!(limit(&node("\"1packet\"")), Ok(Limit::Packets(1)));
        assert_eq!(limit(&node("\"64KiB\"")), Ok(Limit::Bytes(65536)));
        for bad in ["\"0bdp\"", "\"-1bdp\"", "\"10001bdp\"", "\"2000000000000 packets\"", "\"2000GiB\""] {
            let fault = limit(&node(bad)).expect_err(bad);
            assert!(
                fault.help.contains("up to \"10000bdp\", \"1099511627776 packets\" or \"1024GiB\""),
                "{fault:?}"
            );
        }
        for bad in ["\"0 packets\"", "\"100\"", "100", "\"1.5 packets\"", "\"full\"", "\"\""] {
            assert!(limit(&node(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_shown_as_written_and_with_their_range() {
        for (bad, message) in [
            ("\"100GB\"", "\"100GB\" is out of range"),
            ("\"0B\"", "\"0B\" is out of range"),
            ("\"99999999999GB\"", "\"99999999999GB\" is too large"),
            ("\"64\"", "\"64\" has no unit; a size needs one"),
        ] {
            let fault = bytes(&node(bad), 64, 1 << 30).expect_err(bad);
            assert_eq!(fault.message, message);
            assert!(fault.help.ends_with("from \"64B\" to \"1GiB\""), "{fault:?}");
        }
    }

    #[test]
    fn times_beyond_any_use_are_refused() {
        assert!(duration(&node("\"1000h\"")).is_ok());
        assert!(duration(&node("\"1001h\"")).is_err());
        assert!(duration(&node("\"99999999999h\"")).is_err());
        assert!(positive_duration(&node("\"0s\"")).is_err());
    }
}
