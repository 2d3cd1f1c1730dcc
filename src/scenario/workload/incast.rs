//! `incast`: synchronised reads from many servers.

use super::{Declared, Demand, Incast, Member, Stage};
use crate::app::App;
use crate::app::web::{Ideal, Web, WebServer};
use crate::facts::{Direction, Measure};
use crate::scenario::form::{Maybe, Whole};
use crate::scenario::quantity::{Size, Span};
use crate::scenario::visit::{Visitor, required};
use crate::time::Duration;
use crate::units::Bytes;

impl Declared for Incast {
    const NAME: &'static str = "incast";
    const SUMMARY: &'static str = "blocks of which many servers send a part each, all at once; \
                                   completion time and slowdown of a block";

    fn connections(&self) -> u64 {
        self.servers.into()
    }

    fn usual() -> Incast {
        Incast { servers: 1, block: 1_000_000, rounds: None, jitter: Duration::ZERO }
    }

    fn keys<V: Visitor>(v: &mut V, incast: &mut Incast) {
        let servers = "how many servers have a part of each block";
        v.key(required("servers"), &mut incast.servers, Whole(1, 10_000), servers);
        v.key("block", &mut incast.block, Size(1, Web::MOST), "the size of a block, all parts together");
        let rounds = "how many blocks, one after the other; without it, until the end of the trial";
        v.key("rounds", &mut incast.rounds, Maybe(Whole(1, 1_000_000_000)), rounds);
        let jitter = "each server is asked later by a random part of this";
        v.key("jitter", &mut incast.jitter, Span, jitter);
    }

    fn measures(&self) -> &'static [Measure] {
        &[Measure::Requests]
    }

    fn directions(&self) -> &'static [Direction] {
        &[Direction::Down, Direction::Up]
    }

    fn demand(&self) -> Demand {
        Demand::Greedy(self.rounds.map(|rounds| Bytes(rounds.saturating_mul(self.block))))
    }

    fn client(&self, stage: &mut Stage<'_>, member: &Member<'_>) -> Box<dyn App> {
        let path = member.path;
        // The connections are there: a question and its answer.
        let rate = path.rates[Direction::Down.index()];
        let ideal = Ideal { fixed: path.rtt, rate, segment: path.segment };
        Box::new(Incast::client(self, member.name, ideal, stage.stream(member, "jitter")))
    }

    fn server(&self, _: &mut Stage<'_>, _: &Member<'_>) -> Option<Box<dyn App>> {
        Some(Box::new(WebServer::default()))
    }

    fn is_random(&self) -> bool {
        !self.jitter.is_zero()
    }
}
