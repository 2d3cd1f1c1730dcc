//! `bulk`: a transfer, as fast as the connection goes.

use super::{Bulk, BulkDirection, Declared, Demand, Member, Stage, WAYS};
use crate::app::App;
use crate::facts::{Direction, Measure};
use crate::scenario::form::{Maybe, Words};
use crate::scenario::quantity::Size;
use crate::scenario::visit::Visitor;

impl Declared for Bulk {
    const NAME: &'static str = "bulk";
    const SUMMARY: &'static str =
        "a transfer on a connection of its own; goodput, fairness and, with a size, completion time";

    fn usual() -> Bulk {
        Bulk { direction: BulkDirection::Up, size: None }
    }

    fn keys<V: Visitor>(v: &mut V, bulk: &mut Bulk) {
        v.key("direction", &mut bulk.direction, Words(WAYS), "who sends: the client (up) or the server");
        let size = "how much; without one, until the end of the trial";
        v.key("size", &mut bulk.size, Maybe(Size(1, 1 << 50)), size);
    }

    fn measures(&self) -> &'static [Measure] {
        if self.size.is_some() { &[Measure::Goodput, Measure::Completion] } else { &[Measure::Goodput] }
    }

    fn directions(&self) -> &'static [Direction] {
        super::one_way(self.direction)
    }

    fn demand(&self) -> Demand {
        Demand::Greedy(self.size)
    }

    fn client(&self, _: &mut Stage<'_>, _: &Member<'_>) -> Box<dyn App> {
        (*self).client()
    }

    fn server(&self, _: &mut Stage<'_>, _: &Member<'_>) -> Option<Box<dyn App>> {
        Some((*self).server())
    }

    fn is_random(&self) -> bool {
        false
    }
}
