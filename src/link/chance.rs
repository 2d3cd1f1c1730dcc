//! The streams of chance of a link. A link of one client draws from a stream for each of its components. On a
//! shared link each component has a stream for each flow, so that the n-th packet of a flow meets the
//! same draws whatever other flows send: a further client changes no other's luck.
//!
//! The memory of a link from one packet to the next is no draw and belongs to the link: the state of
//! Gilbert and Elliott's model, the last delay that a correlated one resembles, and the packets since
//! the last that went ahead. There a further flow's packets count like all others.

use crate::rng::{Rng, Seed};
use crate::wire::FlowId;

/// Source of the streams of one direction of a link.
#[derive(Debug)]
pub(super) struct Chance {
    seed: Seed,
    label: Box<str>,
    /// Of a shared link, the seed of each flow; see [`Seed::child`].
    flows: Option<Vec<Seed>>,
}

/// The streams of one component.
#[derive(Debug)]
pub(super) enum Streams {
    One(Rng),
    /// By flow, from its first packet on; its label is that of one stream.
    ByFlow(Box<str>, Vec<Option<Rng>>),
}

impl Chance {
    pub(super) fn new(seed: Seed, label: &str, shared: bool) -> Chance {
        Chance { seed, label: label.into(), flows: shared.then(Vec::new) }
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// From now on a flow of this seed has the number `flow`; streams of another that had it must be
    /// [forgotten](Streams::forget). Returns whether that means anything here.
    pub(super) fn introduce(&mut self, flow: FlowId, seed: Seed) -> bool {
        let Some(flows) = &mut self.flows else { return false };
        let at = flow.0 as usize;
        if at >= flows.len() {
            flows.resize(at + 1, self.seed);
        }
        flows[at] = seed;
        true
    }

    /// The streams of the component `name`, all at their start.
    pub(super) fn streams(&self, name: &str) -> Streams {
        let label = format!("{}/{name}", self.label);
        match self.flows {
            None => Streams::One(self.seed.stream(&label)),
            Some(_) => Streams::ByFlow(label.into(), Vec::new()),
        }
    }

    /// A stream of this direction, whatever flow a packet is of.
    pub(super) fn of_this_way(&self, name: &str) -> Rng {
        self.seed.stream(&format!("{}/{name}", self.label))
    }

    /// A stream that both directions of the link start alike: its label has no direction.
    pub(super) fn of_both_ways(&self, name: &str) -> Rng {
        let link = self.label.rsplit_once('/').map_or(&*self.label, |(link, _)| link);
        self.seed.stream(&format!("{link}/{name}"))
    }

    fn seed_of(&self, flow: FlowId) -> Seed {
        let known = self.flows.as_ref().and_then(|flows| flows.get(flow.0 as usize));
        known.copied().unwrap_or(self.seed)
    }
}

impl Streams {
    /// The stream that a packet of `flow` draws from.
    #[inline]
    pub(super) fn of(&mut self, flow: FlowId, chance: &Chance) -> &mut Rng {
        match self {
            Streams::One(rng) => rng,
            Streams::ByFlow(label, streams) => of_flow(label, streams, flow, chance),
        }
    }

    /// A flow's number belongs to another from now on.
    pub(super) fn forget(&mut self, flow: FlowId) {
        if let Streams::ByFlow(_, streams) = self
            && let Some(stream) = streams.get_mut(flow.0 as usize)
        {
            *stream = None;
        }
    }
}

/// The stream of a flow, which begins if it is not there yet.
#[inline(never)]
fn of_flow<'a>(label: &str, streams: &'a mut Vec<Option<Rng>>, flow: FlowId, chance: &Chance) -> &'a mut Rng {
    let at = flow.0 as usize;
    if at >= streams.len() {
        streams.resize(at + 1, None);
    }
    streams[at].get_or_insert_with(|| chance.seed_of(flow).stream(label))
}
