//! `app`: what the members of a group run, in the words of the modules that run it.

use super::form::{Maybe, Whole, Words};
use super::groups::MOST_CLIENTS;
use super::quantity::{Frequency, PositiveSpan, Size, Span};
use super::reader::Reader;
use super::visit::{Visitor, required};
use crate::facts::{Direction, Measure};
use crate::time::Duration;

pub use crate::app::bulk::{Bulk, Direction as BulkDirection};
pub use crate::chat::client::{Addressee, Arrivals, Churn, SizeDistribution, Talk};

/// Workload of every member of a group.
#[derive(Clone, Debug, PartialEq)]
pub enum AppSpec {
    /// One transfer, as fast as the connection goes.
    Bulk(Bulk),
    /// A person in the chat.
    Chat(Talk),
}

/// A line of the table of workloads.
#[derive(Debug)]
pub struct Workload {
    /// Value of `app.kind`.
    pub name: &'static str,
    /// Sentence for `testbed list`.
    pub summary: &'static str,
    /// Its keys at their defaults.
    start: fn() -> AppSpec,
}

/// Every workload, the default first.
pub const WORKLOADS: &[Workload] = &[
    Workload {
        name: "bulk",
        summary: "a transfer on a connection of its own; goodput, fairness and, with a size, completion time",
        start: || AppSpec::Bulk(Bulk { direction: BulkDirection::Up, size: None }),
    },
    Workload {
        name: "chat",
        summary: "a person in the chat; latency of messages",
        start: || {
            AppSpec::Chat(Talk {
                interval: Duration::from_secs(1),
                arrivals: Arrivals::Poisson,
                size: SizeDistribution::Constant(USUAL_SIZE),
                to: Addressee::Everyone,
                rooms: 1,
                churn: None,
            })
        },
    },
];

impl Default for AppSpec {
    fn default() -> AppSpec {
        (WORKLOADS[0].start)()
    }
}

impl AppSpec {
    /// Measures of the workload.
    pub fn measures(&self) -> &'static [Measure] {
        match self {
            AppSpec::Bulk(Bulk { size: None, .. }) => &[Measure::Goodput],
            AppSpec::Bulk(_) => &[Measure::Goodput, Measure::Completion],
            AppSpec::Chat(_) => &[Measure::Latency],
        }
    }

    /// True if the workload has a measure.
    pub fn measures_a(&self, measure: Measure) -> bool {
        self.measures().contains(&measure)
    }

    /// Directions that carry data, the first of which `[[drop]]` means if it names none.
    pub fn directions(&self) -> &'static [Direction] {
        match self {
            AppSpec::Bulk(Bulk { direction: BulkDirection::Up, .. }) => &[Direction::Up],
            AppSpec::Bulk(_) => &[Direction::Down],
            AppSpec::Chat(_) => &Direction::BOTH,
        }
    }

    /// A person's manner of talking, if it is one.
    pub fn talk(&self) -> Option<&Talk> {
        match self {
            AppSpec::Chat(talk) => Some(talk),
            AppSpec::Bulk(_) => None,
        }
    }
}

/// Declares the keys of `app`.
pub(super) fn keys(v: &mut impl Visitor, app: &mut AppSpec) {
    let variants: Vec<(&str, AppSpec)> = WORKLOADS.iter().map(|line| (line.name, (line.start)())).collect();
    let kind = "a bulk transfer, or a person in the chat";
    v.tag(required("kind"), app, &variants, kind, |v, app| match app {
        AppSpec::Bulk(app) => bulk(v, app),
        AppSpec::Chat(talk) => chat(v, talk),
    });
}

fn bulk(v: &mut impl Visitor, bulk: &mut Bulk) {
    let ways = Words(&[("up", BulkDirection::Up), ("down", BulkDirection::Down)]);
    v.key("direction", &mut bulk.direction, ways, "who sends: the client (up) or the server");
    let size = "how much; without one, until the end of the trial";
    v.key("size", &mut bulk.size, Maybe(Size(1, 1 << 50)), size);
}

fn chat(v: &mut impl Visitor, talk: &mut Talk) {
    let rate = "messages (or bursts) of one person, on average";
    v.key(required("rate"), &mut talk.interval, Frequency, rate);
    v.short("arrivals", "kind", "how they are spread over time", |v| arrivals(v, &mut talk.arrivals));
    v.short("size", "mean", "the length of a message's text", |v| size(v, &mut talk.size));
    v.key("to", &mut talk.to, Words(ADDRESSEES), "who hears a message");
    let rooms = "with to = \"room\": how many rooms";
    v.key("rooms", &mut talk.rooms, Whole(1, MOST_CLIENTS), rooms);
    let (still, churn) =
        (Churn { stay: Duration::ZERO, away: Duration::ZERO }, "comings and goings; without it, people stay");
    v.optional("churn", &mut talk.churn, still, churn, |v, churn| {
        v.key(required("stay"), &mut churn.stay, PositiveSpan, "mean time in the chat");
        v.key(required("away"), &mut churn.away, PositiveSpan, "mean time away before connecting again");
    });
    v.check(|reader| check(talk, reader));
}

const ADDRESSEES: &[(&str, Addressee)] =
    &[("everyone", Addressee::Everyone), ("one", Addressee::One), ("room", Addressee::Room)];

fn arrivals(v: &mut impl Visitor, arrivals: &mut Arrivals) {
    let variants = [
        ("poisson", Arrivals::Poisson),
        ("periodic", Arrivals::Periodic),
        ("bursts", Arrivals::Bursts { size: 1, gap: Duration::ZERO }),
    ];
    v.tag(required("kind"), arrivals, &variants, "the process", |v, arrivals| match arrivals {
        Arrivals::Poisson | Arrivals::Periodic => {}
        Arrivals::Bursts { size, gap } => {
            v.key(required("size"), size, Whole(1, 1000), "messages in a burst");
            v.key(required("gap"), gap, Span, "time between two messages of a burst");
        }
    });
}

fn size(v: &mut impl Visitor, size: &mut SizeDistribution) {
    const MEAN: f64 = USUAL_SIZE as f64;
    let variants = [
        ("fixed", SizeDistribution::Constant(USUAL_SIZE)),
        ("uniform", SizeDistribution::Uniform { low: USUAL_SIZE, high: USUAL_SIZE }),
        ("exponential", SizeDistribution::Exponential { mean: MEAN }),
        ("lognormal", SizeDistribution::Lognormal { mean: MEAN, sd: MEAN }),
    ];
    let bytes = || Size(1, 1 << 20);
    v.tag(required("distribution"), size, &variants, "the distribution of lengths", |v, size| match size {
        SizeDistribution::Constant(length) => v.key(required("mean"), length, bytes(), "the one length"),
        SizeDistribution::Uniform { low, high } => {
            v.key(required("min"), low, bytes(), "the shortest");
            v.key(required("max"), high, bytes(), "the longest");
            v.check(|reader| check_order(*low, *high, reader));
        }
        SizeDistribution::Exponential { mean } => {
            v.key(required("mean"), mean, bytes(), "the mean length");
        }
        SizeDistribution::Lognormal { mean, sd } => {
            v.key(required("mean"), mean, bytes(), "the mean length");
            v.key(required("deviation"), sd, bytes(), "the standard deviation of the length");
        }
    });
}

/// The length of a text of which nothing is said.
const USUAL_SIZE: u64 = 200;

fn check_order(low: u64, high: u64, reader: &mut Reader) {
    if let Some(least) = reader.get("min")
        && low > high
        && !["min", "max"].into_iter().any(|key| reader.is_faulty(key))
    {
        let message = "the shortest text is longer than the longest";
        reader.error(least.place, message, "write the smaller size as `min`");
    }
}

fn check(talk: &Talk, reader: &mut Reader) {
    if let Some(entry) = reader.entry("rooms")
        && talk.to != Addressee::Room
        && !reader.base().is_faulty(reader.problems)
    {
        let message = "there are rooms, but nobody talks to a room";
        reader.error(entry.place, message, "add `to = \"room\"`, or leave `rooms` out");
    }
    // A person speaks one burst after the other.
    let Arrivals::Bursts { size, gap } = talk.arrivals else { return };
    let (lasts, interval) = (gap.saturating_mul(u64::from(size.saturating_sub(1))), talk.interval);
    if let Some(node) = reader.get("arrivals").and_then(|arrivals| arrivals.get("gap"))
        && lasts > interval
    {
        let message = format!(
            "a burst of {size} messages lasts {lasts}, longer than the {interval} from one burst to the next: the \
             rate cannot be kept"
        );
        reader.warning(node.place, message, "lower `gap`, `size` or `rate`");
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
