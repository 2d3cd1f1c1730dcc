//! Way of each packet: from its host over the links of its flow's path to the other host, without a gap in time.

use std::collections::BTreeMap;

use super::findings::{Findings, Rule};
use super::terms::Terms;
use crate::facts::Sighting;
use crate::time::Instant;

/// Step of a packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Its host sends it.
    Sent,
    /// It comes to a place.
    Entered(u32),
    /// It leaves one.
    Left(u32),
    /// It comes to the other host.
    Delivered,
    /// Something happens where it is.
    None,
}

/// Packets between two links, of which there is one at most, and flows.
#[derive(Debug, Default)]
pub(super) struct Journey {
    /// A packet that left its host or a link, and the step that must follow at that instant.
    due: Option<(Instant, u32, Step)>,
    /// Names and groups by number.
    flows: BTreeMap<u32, (String, String)>,
}

impl Journey {
    pub fn open(&mut self, flow: u32, name: &str, group: &str) {
        self.flows.insert(flow, (name.to_owned(), group.to_owned()));
    }

    pub fn name_of(&self, flow: u32) -> String {
        self.flows.get(&flow).map_or_else(|| format!("flow {flow}"), |(name, _)| name.clone())
    }

    /// Takes the next step of a packet.
    pub fn follow(&mut self, seen: &Sighting, step: Step, terms: &Terms, findings: &mut Findings) {
        if step == Step::None {
            return;
        }
        if let Some((at, packet, due)) = self.due.take() {
            if (at, packet, due) != (seen.at, seen.packet, step) {
                let expected = format!("{} follows at once", words(due, terms));
                findings.packet(
                    Rule::Path,
                    &self.name_of(seen.flow),
                    (at, packet),
                    "it goes nowhere",
                    expected,
                );
            }
        } else if matches!(step, Step::Entered(_) | Step::Delivered) {
            let found = format!("{} without leaving anything", words(step, terms));
            let expected = "it comes from its host or from a link";
            findings.packet(Rule::Path, &self.name_of(seen.flow), (seen.at, seen.packet), found, expected);
        }
        let group = self.flows.get(&seen.flow).map(|(_, group)| group);
        let path = group.and_then(|group| terms.paths.get(group)).map(|paths| &paths[seen.direction.index()]);
        let next = |place: Option<usize>| match place {
            Some(place) => Step::Entered(place as u32),
            None => Step::Delivered,
        };
        let due = match (step, path) {
            (Step::Sent, Some(path)) => next(path.first().map(|place| *place as usize)),
            (Step::Left(place), Some(path)) => {
                let Some(at) = path.iter().position(|other| *other == place) else {
                    let found = format!("{}, which is not on its path", words(step, terms));
                    let flow = self.name_of(seen.flow);
                    findings.packet(
                        Rule::Path,
                        &flow,
                        (seen.at, seen.packet),
                        found,
                        "its path has no such link",
                    );
                    return;
                };
                next(path.get(at + 1).map(|place| *place as usize))
            }
            _ => return,
        };
        self.due = Some((seen.at, seen.packet, due));
    }

    /// The log is over.
    pub fn finish(&mut self, findings: &mut Findings) {
        if let Some((at, packet, _)) = self.due.take() {
            findings.packet(Rule::Path, "the end", (at, packet), "it goes nowhere", "a step follows at once");
        }
    }
}

fn words(step: Step, terms: &Terms) -> String {
    let name =
        |place: u32| terms.places.get(place as usize).map_or("a link that is not there", |place| &place.name);
    match step {
        Step::Entered(place) => format!("it comes to {}", name(place)),
        Step::Left(place) => format!("it leaves {}", name(place)),
        Step::Delivered => "it comes to its host".to_owned(),
        Step::Sent | Step::None => "it is sent".to_owned(),
    }
}
