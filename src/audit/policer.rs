//! Policer beside a queue: a bucket of tokens that packets must fit into (tc-police(8)).

use super::findings::{Findings, Rule};
use super::pace::{Bucket, SLACK};
use super::terms::Place;
use crate::facts::{Fate, Sighting};
use crate::time::Instant;

/// A policer, and the packet at it.
#[derive(Debug, Default)]
pub(super) struct Policer {
    bucket: Bucket,
    /// Instant at which the last packet met it: a setting that changed since begins full.
    met: Instant,
    /// Instant, number and size of the packet that came last, while a drop may still follow.
    pending: Option<(Instant, u32, u32)>,
}

impl Policer {
    /// A packet comes.
    pub fn meet(&mut self, seen: &Sighting) {
        self.pending = Some((seen.at, seen.packet, seen.size));
    }

    /// The packet that came last never reached it.
    pub fn miss(&mut self) {
        self.pending = None;
    }

    /// The packet that came last has passed: no drop followed.
    pub fn settle(&mut self, place: &Place, findings: &mut Findings) {
        let Some((at, packet, size)) = self.pending.take() else { return };
        let Some((rate, burst)) = self.at(at, place) else { return };
        if !self.bucket.take(nanos(at), cost(size.into(), rate), cost(burst, rate)) {
            let expected = format!("the policer's bucket of {burst} bytes has no room for it");
            findings.packet(Rule::Policer, &place.name, (at, packet), "it passes", expected);
        }
    }

    /// It drops a packet.
    pub fn refuse(&mut self, seen: &Sighting, place: &Place, findings: &mut Findings) {
        self.pending = None;
        let key = (seen.at, seen.packet);
        let Some((rate, burst)) = self.at(seen.at, place) else {
            findings.packet(Rule::Policer, &place.name, key, Fate::Policed.words(), "there is no policer");
            return;
        };
        let mut bucket = self.bucket;
        if bucket.take(nanos(seen.at) - 2.0 * SLACK, cost(seen.size.into(), rate), cost(burst, rate)) {
            let expected = format!("the policer's bucket of {burst} bytes has room for it");
            findings.packet(Rule::Policer, &place.name, key, Fate::Policed.words(), expected);
        }
    }

    fn at(&mut self, at: Instant, place: &Place) -> Option<(u64, u64)> {
        if place.change(self.met, at, |old, new| old.policer == new.policer).is_some() {
            self.bucket.refill(nanos(at));
        }
        self.met = at;
        place.at(at).policer
    }
}

fn nanos(at: Instant) -> f64 {
    at.as_nanos() as f64
}

/// Time in which so many bytes fill, in nanoseconds.
fn cost(bytes: u64, rate: u64) -> f64 {
    bytes as f64 * 8e9 / rate as f64
}
