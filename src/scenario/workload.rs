//! What the members of a group run, in the words of the modules that run it.

use super::groups::{direction, small};
use super::leaf;
use super::links::part;
use super::problem::Problem;
use super::schema::MOST_CLIENTS;
use super::tree::Node;
use crate::time::Duration;
use crate::units::Bytes;
use crate::wire::Direction;

pub use crate::app::bulk::{Bulk, Direction as BulkDirection};
pub use crate::chat::client::{Addressee, Arrivals, Churn, SizeDistribution, Talk};

/// What every member of a group runs.
#[derive(Clone, Debug, PartialEq)]
pub enum AppSpec {
    /// One transfer, as fast as the connection goes.
    Bulk(Bulk),
    /// A person in the chat.
    Chat(Talk),
}

/// Reads `app`. What does not fit its kind was reported by the first pass.
pub(super) fn app(node: Option<&Node>, problems: &mut Vec<Problem>) -> AppSpec {
    let bulk = Bulk { direction: BulkDirection::Up, size: None };
    let Some(node) = node else { return AppSpec::Bulk(bulk) };
    match node.get("kind").and_then(Node::text) {
        Some("chat") => AppSpec::Chat(chat(node, problems)),
        _ => AppSpec::Bulk(Bulk {
            direction: match direction(node.get("direction")) {
                Some(Direction::Down) => BulkDirection::Down,
                _ => BulkDirection::Up,
            },
            size: node.get("size").and_then(|node| leaf::bytes(node, 1, u64::MAX).ok()).map(Bytes),
        }),
    }
}

fn chat(node: &Node, problems: &mut Vec<Problem>) -> Talk {
    let time = |key| move |node: &Node| node.get(key).and_then(|node| leaf::positive_duration(node).ok());
    let churn = node
        .get("churn")
        .and_then(|churn| Some(Churn { stay: time("stay")(churn)?, away: time("away")(churn)? }));
    let rooms = node.get("rooms").and_then(|node| leaf::integer(node, 1, MOST_CLIENTS).ok());
    let to = match node.get("to").and_then(Node::text) {
        Some("one") => Addressee::One,
        Some("room") => Addressee::Room,
        _ => Addressee::Everyone,
    };
    if let Some(entry) = node.entry("rooms")
        && to != Addressee::Room
        && !node.is_faulty(problems)
    {
        let message = "there are rooms, but nobody talks to a room";
        problems.push(Problem::error(entry.place, message, "add `to = \"room\"`, or leave `rooms` out"));
    }
    let interval = node.get("rate").and_then(|node| leaf::frequency(node).ok());
    let arrivals = arrivals(node.get("arrivals"));
    if let Some(interval) = interval {
        check_bursts(node, arrivals, interval, problems);
    }
    Talk {
        interval: interval.unwrap_or(Duration::from_secs(1)),
        arrivals,
        size: size(node.get("size"), problems),
        to,
        rooms: rooms.map_or(1, small),
        churn,
    }
}

/// A person speaks one burst after the other.
fn check_bursts(node: &Node, arrivals: Arrivals, interval: Duration, problems: &mut Vec<Problem>) {
    let Arrivals::Bursts { size, gap } = arrivals else { return };
    let lasts = gap.saturating_mul(u64::from(size.saturating_sub(1)));
    if let Some(node) = node.get("arrivals").and_then(|arrivals| arrivals.get("gap"))
        && lasts > interval
    {
        let message = format!(
            "a burst of {size} messages lasts {lasts}, longer than the {interval} from one burst to the next: the \
             rate cannot be kept"
        );
        problems.push(Problem::warning(node.place, message, "lower `gap`, `size` or `rate`"));
    }
}

fn arrivals(node: Option<&Node>) -> Arrivals {
    match part(node, "kind", "kind").and_then(Node::text) {
        Some("periodic") => Arrivals::Periodic,
        Some("bursts") => Arrivals::Bursts {
            size: part(node, "size", "").and_then(|n| leaf::integer(n, 1, u64::MAX).ok()).map_or(1, small),
            gap: part(node, "gap", "").and_then(|n| leaf::duration(n).ok()).unwrap_or_default(),
        },
        _ => Arrivals::Poisson,
    }
}

fn size(node: Option<&Node>, problems: &mut Vec<Problem>) -> SizeDistribution {
    let bytes =
        |key| part(node, key, "mean").and_then(|node| leaf::bytes(node, 1, u64::MAX).ok()).unwrap_or(200);
    match part(node, "distribution", "").and_then(Node::text) {
        Some("uniform") => {
            let (min, max) = (bytes("min"), bytes("max"));
            if let Some(least) = part(node, "min", "")
                && min > max
                && !["min", "max"].iter().filter_map(|key| part(node, key, "")).any(|n| n.is_faulty(problems))
            {
                let message = "the shortest text is longer than the longest";
                problems.push(Problem::error(least.place, message, "write the smaller size as `min`"));
            }
            SizeDistribution::Uniform { low: min, high: max }
        }
        Some("exponential") => SizeDistribution::Exponential { mean: bytes("mean") as f64 },
        Some("lognormal") => {
            SizeDistribution::Lognormal { mean: bytes("mean") as f64, sd: bytes("deviation") as f64 }
        }
        _ => SizeDistribution::Constant(bytes("mean")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{plan, refused, scenario, with};
    use super::*;

    #[test]
    fn chat_is_read_completely() {
        let app = "{ kind = \"chat\", rate = \"30/min\", arrivals = { kind = \"bursts\", size = 5, gap = \"10ms\" }, \
                   size = { distribution = \"uniform\", min = \"10B\", max = \"20B\" }, to = \"room\", rooms = 4, \
                   churn = { stay = \"20s\", away = \"5s\" } }";
        let scenario = scenario(&with("{ kind = \"chat\", rate = \"1/s\" }", app));
        let expected = Talk {
            interval: Duration::from_secs(2),
            arrivals: Arrivals::Bursts { size: 5, gap: Duration::from_millis(10) },
            size: SizeDistribution::Uniform { low: 10, high: 20 },
            to: Addressee::Room,
            rooms: 4,
            churn: Some(Churn { stay: Duration::from_secs(20), away: Duration::from_secs(5) }),
        };
        assert_eq!(scenario.groups[1].app, AppSpec::Chat(expected));
        let bulk = Bulk { direction: BulkDirection::Up, size: None };
        assert_eq!(scenario.groups[0].app, AppSpec::Bulk(bulk));
    }

    #[test]
    fn bursts_that_outlast_their_rate_are_warned_of() {
        let app = |gap: &str| {
            let bursts =
                format!("rate = \"1/s\", arrivals = {{ kind = \"bursts\", size = 3, gap = \"{gap}\" }}");
            plan(&with("rate = \"1/s\"", &bursts)).warnings.into_iter().map(|warning| warning.message)
        };
        let words = "a burst of 3 messages lasts 1002ms, longer than the 1s from one burst to the next";
        assert!(!app("500ms").any(|message| message.contains("burst")));
        assert!(app("501ms").any(|message| message.starts_with(words)));
    }

    #[test]
    fn chat_that_contradicts_itself_is_refused() {
        let app = |more: &str| with("rate = \"1/s\"", &format!("rate = \"1/s\", {more}"));
        refused(&app("rooms = 3"), 20, "rooms", "nobody talks to a room", "to = \"room\"");
        let size = "size = { distribution = \"uniform\", min = \"9B\", max = \"3B\" }";
        refused(&app(size), 20, "\"9B\"", "longer than the longest", "`min`");
        refused(
            &with("1/s", "often"),
            20,
            "\"often\"",
            "`rate`: \"often\" is not a number per time",
            "30/min",
        );
    }
}
