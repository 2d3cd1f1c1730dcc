//! `voip`: speech over datagrams, and what is left of its quality.

use super::udp::{STREAMS, on_off};
use super::{BulkDirection, Declared, Demand, Member, Stage, WAYS};
use crate::app::udp::{OnOff, Stream};
use crate::app::{App, voice};
use crate::facts::{Direction, Measure};
use crate::scenario::form::Words;
use crate::scenario::quantity::Span;
use crate::scenario::visit::Visitor;
use crate::time::Duration;
use crate::traffic::Arrivals;

/// Delay that a receiver adds to the least of the path, unless it says something else.
const USUAL_PLAYOUT: Duration = Duration::from_millis(60);

/// Speech of a member, in G.711.
#[derive(Clone, Debug, PartialEq)]
pub struct Voip {
    direction: BulkDirection,
    playout: Duration,
    on_off: Option<OnOff>,
}

impl Voip {
    fn stream(&self) -> Stream {
        Stream {
            interval: voice::PACKET,
            arrivals: Arrivals::Periodic,
            payload: voice::PAYLOAD,
            direction: self.direction,
            on_off: self.on_off,
            playout: Some(self.playout),
        }
    }
}

impl Declared for Voip {
    const NAME: &'static str = "voip";
    const SUMMARY: &'static str =
        "speech in G.711: 160 bytes every 20 ms over RTP; as udp, and the opinion score (E-model)";

    fn usual() -> Voip {
        Voip { direction: BulkDirection::Up, playout: USUAL_PLAYOUT, on_off: None }
    }

    fn keys<V: Visitor>(v: &mut V, voip: &mut Voip) {
        v.key("direction", &mut voip.direction, Words(WAYS), "who speaks: the client (up) or the server");
        let playout = "the receiver plays each packet so much later than the fastest one came, or not at all";
        v.key("playout", &mut voip.playout, Span, playout);
        on_off(v, &mut voip.on_off);
    }

    fn measures(&self) -> &'static [Measure] {
        &[Measure::Datagrams, Measure::Voice]
    }

    fn directions(&self) -> &'static [Direction] {
        &[]
    }

    fn datagrams(&self) -> &'static [Direction] {
        super::one_way(self.direction)
    }

    fn demand(&self) -> Demand {
        Demand::Light
    }

    fn client(&self, stage: &mut Stage<'_>, member: &Member<'_>) -> Box<dyn App> {
        Box::new(self.stream().client(stage.streams(member, STREAMS)))
    }

    fn server(&self, stage: &mut Stage<'_>, member: &Member<'_>) -> Option<Box<dyn App>> {
        Some(Box::new(self.stream().server(stage.streams(member, STREAMS))))
    }

    fn is_random(&self) -> bool {
        true
    }
}
