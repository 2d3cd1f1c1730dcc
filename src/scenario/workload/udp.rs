//! `udp`: datagrams at a rate of their own.

use super::{BulkDirection, Declared, Demand, Member, Stage, WAYS, laws};
use crate::app::App;
use crate::app::udp::{OnOff, Stream};
use crate::facts::{Datagram, Direction, Measure};
use crate::scenario::form::Words;
use crate::scenario::quantity::{PositiveSpan, Rate, Size};
use crate::scenario::visit::{Visitor, required};
use crate::time::Duration;
use crate::traffic::Arrivals;
use crate::units;

/// Data of a datagram that makes a packet of 1500 bytes.
const USUAL_PAYLOAD: u32 = 1472;
/// Rate of which nothing is said.
const USUAL_RATE: units::Rate = units::Rate::from_bits_per_second(1_000_000).expect("more than nothing");

/// Datagrams of a member.
#[derive(Clone, Debug, PartialEq)]
pub struct Udp {
    rate: units::Rate,
    payload: u32,
    arrivals: Arrivals,
    direction: BulkDirection,
    on_off: Option<OnOff>,
}

impl Udp {
    fn stream(&self) -> Stream {
        Stream {
            interval: self.rate.time_for((self.payload + Datagram::HEADERS).into()),
            arrivals: self.arrivals,
            payload: self.payload,
            direction: self.direction,
            on_off: self.on_off,
            playout: None,
        }
    }
}

impl Declared for Udp {
    const NAME: &'static str = "udp";
    const SUMMARY: &'static str = "datagrams at a rate of their own; loss, one-way delay and jitter";

    fn usual() -> Udp {
        Udp {
            rate: USUAL_RATE,
            payload: USUAL_PAYLOAD,
            arrivals: Arrivals::Periodic,
            direction: BulkDirection::Up,
            on_off: None,
        }
    }

    fn keys<V: Visitor>(v: &mut V, udp: &mut Udp) {
        v.key(required("rate"), &mut udp.rate, Rate, "bits a second of whole packets, while it sends");
        let size = "data of each datagram; 28 bytes of headers come on top";
        v.key("size", &mut udp.payload, Size(1, super::MOST_PAYLOAD), size);
        v.short("arrivals", "kind", "how they are spread over time", |v| laws::steady(v, &mut udp.arrivals));
        v.key("direction", &mut udp.direction, Words(WAYS), "who sends: the client (up) or the server");
        on_off(v, &mut udp.on_off);
    }

    fn measures(&self) -> &'static [Measure] {
        &[Measure::Datagrams]
    }

    fn directions(&self) -> &'static [Direction] {
        &[]
    }

    fn datagrams(&self) -> &'static [Direction] {
        super::one_way(self.direction)
    }

    fn demand(&self) -> Demand {
        Demand::Paced(1.0 / self.stream().interval.as_secs_f64())
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

/// Streams of chance of a sender.
pub(super) const STREAMS: [&str; 2] = ["arrivals", "pauses"];

/// Declares `on_off`.
pub(super) fn on_off(v: &mut impl Visitor, field: &mut Option<OnOff>) {
    let start = OnOff { on: Duration::ZERO, off: Duration::ZERO, fixed: false };
    let doc = "periods of sending, and pauses between them; without it, no pause";
    v.optional("on_off", field, start, doc, |v, on_off| {
        v.key(required("on"), &mut on_off.on, PositiveSpan, "mean length of a period");
        v.key(required("off"), &mut on_off.off, PositiveSpan, "mean length of a pause");
        let lengths = Words(&[("exponential", false), ("fixed", true)]);
        v.key("lengths", &mut on_off.fixed, lengths, "the law of both");
    });
}
