//! `web`: requests and their answers.

use super::{BulkDirection, Declared, Demand, Member, Stage, WAYS, Web, laws};
use crate::app::App;
use crate::app::web::{HEAD, Ideal, WebServer};
use crate::facts::{Direction, Measure};
use crate::scenario::form::Words;
use crate::scenario::quantity::{Frequency, Size};
use crate::scenario::visit::{Visitor, required};
use crate::time::Duration;
use crate::traffic::{Arrivals, SizeDistribution};

/// Size of an object of which nothing is said.
const USUAL_SIZE: u64 = 10_000;
/// Bytes of a request of which nothing is said.
const USUAL_HEADER: u64 = 400;

impl Declared for Web {
    const NAME: &'static str = "web";
    const SUMMARY: &'static str = "requests for objects, each on a connection of its own or all on one; \
                                   completion time and slowdown";

    fn usual() -> Web {
        Web {
            interval: Duration::from_secs(1),
            arrivals: Arrivals::Poisson,
            size: SizeDistribution::Constant(USUAL_SIZE),
            direction: BulkDirection::Down,
            kept: false,
            header: USUAL_HEADER,
        }
    }

    fn keys<V: Visitor>(v: &mut V, web: &mut Web) {
        v.key(
            required("rate"),
            &mut web.interval,
            Frequency,
            "requests (or bursts) of one client, on average",
        );
        v.short("arrivals", "kind", "how they are spread over time", |v| {
            laws::arrivals(v, &mut web.arrivals);
        });
        let size = "the size of an object";
        v.short("size", "mean", size, |v| laws::size(v, &mut web.size, USUAL_SIZE, Web::MOST, true));
        v.key("direction", &mut web.direction, Words(WAYS), "which way the objects go");
        let connection = "one for each request, or one that is kept and takes one request after the other";
        v.key("connection", &mut web.kept, Words(&[("new", false), ("kept", true)]), connection);
        let header = "the message that asks for an object, or confirms one that was sent";
        v.key("header", &mut web.header, Size(HEAD, 1 << 20), header);
    }

    fn measures(&self) -> &'static [Measure] {
        &[Measure::Requests]
    }

    fn directions(&self) -> &'static [Direction] {
        match self.direction {
            BulkDirection::Up => &[Direction::Up, Direction::Down],
            BulkDirection::Down => &[Direction::Down, Direction::Up],
        }
    }

    fn demand(&self) -> Demand {
        Demand::Light
    }

    fn client(&self, stage: &mut Stage<'_>, member: &Member<'_>) -> Box<dyn App> {
        let path = member.path;
        // The handshake, and the request with its answer.
        let trips = if self.kept { 1 } else { 2 };
        let rate = path.rates[self.directions()[0].index()];
        let ideal = Ideal { fixed: path.rtt.saturating_mul(trips), rate, segment: path.segment };
        Box::new(Web::client(self, member.name, ideal, stage.streams(member, ["arrivals", "sizes"])))
    }

    fn server(&self, _: &mut Stage<'_>, _: &Member<'_>) -> Option<Box<dyn App>> {
        Some(Box::new(WebServer::default()))
    }

    fn record_interval(&self) -> Option<Duration> {
        Some(self.interval)
    }

    fn is_random(&self) -> bool {
        true
    }
}
