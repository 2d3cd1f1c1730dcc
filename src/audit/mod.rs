//! Audit of a trial's packets against the numbers of its scenario, in code of its own: it knows neither the links nor
//! the connections nor the world that the log is of, so that no mistake of theirs hides in both. Each rule is
//! arithmetic on instants, sizes and counts.

mod buffer;
mod chance;
mod crossing;
mod findings;
mod journey;
mod pace;
mod policer;
mod stream;
mod terms;

use std::collections::BTreeMap;

pub use findings::{Finding, Rule};
pub use terms::{Bursts, Capacity, LinkTerms, Loss, Order, Place, Queue, Rate, Terms};

use crate::facts::{Direction, Entry, FlowOutcome, Measure, Outcome, Scene, Sighting, Spot};
use crate::time::Instant;
use crossing::Crossing;
use findings::Findings;
use journey::Journey;
use stream::Stream;

/// An audit that reads a log as it grows; it holds what is under way.
#[derive(Debug)]
pub struct Auditor {
    terms: Terms,
    findings: Findings,
    journey: Journey,
    /// By instance.
    crossings: BTreeMap<u32, (u32, Crossing)>,
    /// By place.
    tallies: Vec<chance::Tallies>,
    streams: BTreeMap<(u32, Direction), Stream>,
    sent: u64,
}

/// Outcome of an audit.
#[derive(Debug)]
pub struct Audit {
    /// Packets that hosts sent.
    pub packets: u64,
    /// The first findings of each rule and place.
    pub findings: Vec<Finding>,
    /// Number of all.
    pub count: u64,
}

impl Auditor {
    /// An audit by these terms.
    pub fn new(terms: Terms) -> Auditor {
        let tallies = terms.places.iter().map(|_| chance::Tallies::default()).collect();
        Auditor {
            terms,
            findings: Findings::default(),
            journey: Journey::default(),
            crossings: BTreeMap::new(),
            tallies,
            streams: BTreeMap::new(),
            sent: 0,
        }
    }

    /// Takes the next entry of the log.
    pub fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Opened { flow, name, group } => self.journey.open(*flow, name, group),
            Entry::Seen(seen) => self.see(seen),
            Entry::Bytes { at, flow, direction, read, content } => {
                let stream = self.streams.entry((*flow, *direction)).or_default();
                let finding =
                    if *read { stream.read(*at, content, &self.terms) } else { stream.write(content) };
                if let Some((found, expected)) = finding {
                    let flow = self.journey.name_of(*flow);
                    self.findings.push(Finding::of_flow(Rule::Bytes, flow, *at, found, expected));
                }
            }
        }
    }

    fn see(&mut self, seen: &Sighting) {
        self.journey.follow(seen, &self.terms, &mut self.findings);
        match &seen.scene {
            Scene::Sent(data) => {
                self.sent += 1;
                let data = data.as_ref().filter(|_| !seen.damaged);
                let stream =
                    data.map(|data| (self.streams.entry((seen.flow, seen.direction)).or_default(), data));
                let finding = stream.and_then(|(stream, data)| stream.sent(data));
                self.wrong_bytes(seen, finding);
            }
            Scene::Delivered(data) => {
                let data = data.as_ref().filter(|_| !seen.damaged);
                let stream =
                    data.map(|data| (self.streams.entry((seen.flow, seen.direction)).or_default(), data));
                let finding = stream.and_then(|(stream, data)| stream.delivered(seen.at, data, &self.terms));
                self.wrong_bytes(seen, finding);
            }
            Scene::Entered(spot) | Scene::Met(spot, _) | Scene::Left(spot) => self.cross(seen, *spot),
        }
    }

    fn cross(&mut self, seen: &Sighting, spot: Spot) {
        let Auditor { terms, findings, crossings, tallies, .. } = self;
        let number = spot.place as usize;
        let Some(place) = terms.places.get(number) else { return };
        let (own, crossing) =
            crossings.entry(spot.instance).or_insert_with(|| (spot.place, Crossing::new(place)));
        if *own != spot.place {
            let key = (seen.at, seen.packet);
            findings.packet(Rule::Path, &place.name, key, "it is at an instance", "that is of another link");
            return;
        }
        let tallies = &mut tallies[number];
        match seen.scene {
            Scene::Entered(_) => crossing.enter(seen, place, tallies, findings),
            Scene::Met(_, fate) => crossing.meet(seen, fate, place, tallies, findings),
            _ => crossing.leave(seen, place, tallies, findings),
        }
    }

    fn wrong_bytes(&mut self, seen: &Sighting, finding: Option<(String, String)>) {
        if let Some((found, expected)) = finding {
            let flow = self.journey.name_of(seen.flow);
            let finding = Finding::of_flow(Rule::Bytes, flow, seen.at, found, expected);
            self.findings.push(Finding { packet: Some(seen.packet), ..finding });
        }
    }

    /// Ends the audit of a trial whose log ended at `end`, and holds its counts against those of its tables.
    pub fn finish(mut self, end: Instant, outcome: &Outcome) -> Audit {
        self.journey.finish(&mut self.findings);
        let mut inside = vec![0; self.terms.places.len()];
        for (place, crossing) in self.crossings.values_mut() {
            let terms = &self.terms.places[*place as usize];
            inside[*place as usize] += crossing.finish(end, terms, &mut self.findings);
        }
        for (number, tallies) in self.tallies.iter().enumerate() {
            let place = &self.terms.places[number];
            tallies.judge(place, end, &mut self.findings);
            if let Some(link) = outcome.links.get(number) {
                tallies.compare(place, inside[number], link, end, &mut self.findings);
            }
        }
        for (number, flow) in outcome.flows.iter().enumerate() {
            self.compare_flow(number as u32, flow, end);
        }
        let (findings, count) = self.findings.into_parts();
        Audit { packets: self.sent, findings, count }
    }

    /// Holds the bytes of a flow against its rows; one that the log does not have has none.
    fn compare_flow(&mut self, number: u32, flow: &FlowOutcome, end: Instant) {
        let takes = flow.measures(Measure::Goodput) || flow.measures(Measure::Completion);
        let none = Stream::default();
        for direction in Direction::BOTH {
            let Some(row) = &flow.directions[direction.index()] else { continue };
            let stream = self.streams.get(&(number, direction)).unwrap_or(&none);
            if let Some((found, expected)) = stream.compare(row.bytes_delivered, takes) {
                self.findings.push(Finding::of_flow(Rule::Bytes, flow.name.clone(), end, found, expected));
            }
        }
    }
}
