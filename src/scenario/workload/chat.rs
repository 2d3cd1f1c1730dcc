//! `chat`: a person in the chat.

use super::{Declared, Demand, Member, Stage, Talk, laws};
use crate::app::App;
use crate::chat::client::{Addressee, Churn};
use crate::facts::{Direction, Measure};
use crate::scenario::form::{Whole, Words};
use crate::scenario::groups::MOST_CLIENTS;
use crate::scenario::quantity::{Frequency, PositiveSpan};
use crate::scenario::reader::Reader;
use crate::scenario::visit::{Visitor, required};
use crate::time::Duration;
use crate::traffic::{Arrivals, SizeDistribution};

/// The length of a text of which nothing is said.
const USUAL_SIZE: u64 = 200;

const ADDRESSEES: &[(&str, Addressee)] =
    &[("everyone", Addressee::Everyone), ("one", Addressee::One), ("room", Addressee::Room)];

impl Declared for Talk {
    const NAME: &'static str = "chat";
    const SUMMARY: &'static str = "a person in the chat; latency of messages";

    fn usual() -> Talk {
        Talk {
            interval: Duration::from_secs(1),
            arrivals: Arrivals::Poisson,
            size: SizeDistribution::Constant(USUAL_SIZE),
            to: Addressee::Everyone,
            rooms: 1,
            churn: None,
        }
    }

    fn keys<V: Visitor>(v: &mut V, talk: &mut Talk) {
        let rate = "messages (or bursts) of one person, on average";
        v.key(required("rate"), &mut talk.interval, Frequency, rate);
        v.short("arrivals", "kind", "how they are spread over time", |v| {
            laws::arrivals(v, &mut talk.arrivals);
        });
        v.short("size", "mean", "the length of a message's text", |v| {
            laws::size(v, &mut talk.size, USUAL_SIZE, 1 << 20, false);
        });
        v.key("to", &mut talk.to, Words(ADDRESSEES), "who hears a message");
        let rooms = "with to = \"room\": how many rooms";
        v.key("rooms", &mut talk.rooms, Whole(1, MOST_CLIENTS), rooms);
        let (still, churn) = (
            Churn { stay: Duration::ZERO, away: Duration::ZERO },
            "comings and goings; without it, people stay",
        );
        v.optional("churn", &mut talk.churn, still, churn, |v, churn| {
            v.key(required("stay"), &mut churn.stay, PositiveSpan, "mean time in the chat");
            v.key(required("away"), &mut churn.away, PositiveSpan, "mean time away before connecting again");
        });
        v.check(|reader| check(talk, reader));
    }

    fn measures(&self) -> &'static [Measure] {
        &[Measure::Latency]
    }

    fn directions(&self) -> &'static [Direction] {
        &Direction::BOTH
    }

    fn demand(&self) -> Demand {
        Demand::Light
    }

    fn client(&self, stage: &mut Stage<'_>, member: &Member<'_>) -> Box<dyn App> {
        stage.person(member.name, self)
    }

    fn server(&self, _: &mut Stage<'_>, _: &Member<'_>) -> Option<Box<dyn App>> {
        None
    }

    fn is_random(&self) -> bool {
        true
    }

    fn normalise(&mut self, count: u32) {
        if self.to == Addressee::Room {
            // The nth is in the room n modulo rooms: beyond the number of people, rooms are empty.
            self.rooms = self.rooms.min(count);
        }
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
    use super::*;
    use crate::scenario::testing::{plan, refused, scenario, with};
    use crate::scenario::workload::{AppSpec, Bulk, BulkDirection};

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
        assert_eq!(scenario.groups[1].app, AppSpec::Talk(expected));
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
