//! `ping`: echo requests, whose round trips are measured.

use super::{Declared, Demand, Member, Ping, Stage, laws};
use crate::app::{App, ping::Echo};
use crate::facts::{Direction, Measure};
use crate::scenario::form::{Maybe, Whole};
use crate::scenario::quantity::{Frequency, Size};
use crate::scenario::visit::Visitor;
use crate::time::Duration;
use crate::traffic::Arrivals;

/// Bytes of data of an echo request of ping(8), which makes 84 with its headers.
const USUAL_PAYLOAD: u32 = 56;

impl Declared for Ping {
    const NAME: &'static str = "ping";
    const SUMMARY: &'static str = "echo requests, as ping(8) sends them; their round trips and losses";

    fn usual() -> Ping {
        Ping {
            interval: Duration::from_secs(1),
            arrivals: Arrivals::Periodic,
            payload: USUAL_PAYLOAD,
            count: None,
        }
    }

    fn keys<V: Visitor>(v: &mut V, ping: &mut Ping) {
        v.key("rate", &mut ping.interval, Frequency, "echo requests, on average");
        v.short("arrivals", "kind", "how they are spread over time", |v| laws::steady(v, &mut ping.arrivals));
        let size = "data of each; 28 bytes of headers come on top";
        v.key("size", &mut ping.payload, Size(1, super::MOST_PAYLOAD), size);
        let count = "how many; without it, until the end of the trial";
        v.key("count", &mut ping.count, Maybe(Whole(1, 1_000_000_000)), count);
    }

    fn measures(&self) -> &'static [Measure] {
        &[Measure::Probes]
    }

    fn directions(&self) -> &'static [Direction] {
        &[]
    }

    fn demand(&self) -> Demand {
        Demand::Paced(2.0 / self.interval.as_secs_f64())
    }

    fn client(&self, stage: &mut Stage<'_>, member: &Member<'_>) -> Box<dyn App> {
        Box::new(Ping::client(self, stage.stream(member, "arrivals")))
    }

    fn server(&self, _: &mut Stage<'_>, _: &Member<'_>) -> Option<Box<dyn App>> {
        Some(Box::new(Echo))
    }

    fn record_interval(&self) -> Option<Duration> {
        Some(self.interval)
    }

    fn is_random(&self) -> bool {
        true
    }
}
