//! Way of each packet: from its host over the links of its flow's path to the other host, without a gap in time and
//! unchanged between them.

use std::collections::BTreeMap;

use super::findings::{Findings, Rule};
use super::terms::{Place, Terms};
use crate::facts::{Data, Direction, Fate, Scene, Sighting, Spot};
use crate::time::Instant;

/// Step of a packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Its host sends it.
    Sent,
    /// It comes to a place.
    Entered(u32),
    /// It leaves one.
    Left(u32),
    /// It comes to the other host.
    Delivered,
}

/// Packets between two links, of which there is one at most; flows; and packets under way.
#[derive(Debug, Default)]
pub(super) struct Journey {
    /// A packet that left its host or a link, and the step that must follow at that instant.
    due: Option<(Instant, Marks, Step)>,
    flows: BTreeMap<u32, Flow>,
    /// Clients by name.
    clients: BTreeMap<String, u32>,
    /// Instance by client and place, and client by instance.
    instances: BTreeMap<(u32, u32), u32>,
    owners: BTreeMap<u32, u32>,
    /// The number that was given last.
    last: u32,
    /// Packets and copies under way, with what they carry.
    under_way: BTreeMap<u32, (Load, u32)>,
    /// Those of which the last was dropped since something came to a link: a copy of it may still be made.
    dropped: Vec<(u32, Load)>,
}

#[derive(Debug)]
struct Flow {
    name: String,
    group: String,
    client: u32,
}

/// Marks that nothing changes but a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Marks {
    packet: u32,
    flow: u32,
    direction: Direction,
    size: u32,
    ecn: u8,
    damaged: bool,
}

/// Data of a segment: sequence number, SYN, length.
type Load = Option<(u32, bool, u64)>;

/// Owner of what all clients share.
const EVERYBODY: u32 = u32::MAX;

impl Journey {
    pub fn open(&mut self, flow: u32, name: &str, group: &str) {
        let (name, group) = (name.to_owned(), group.to_owned());
        let next = self.clients.len() as u32;
        let client = *self.clients.entry(client_of(&name, &group).to_owned()).or_insert(next);
        self.flows.insert(flow, Flow { name, group, client });
    }

    pub fn name_of(&self, flow: u32) -> String {
        self.flows.get(&flow).map_or_else(|| format!("flow {flow}"), |flow| flow.name.clone())
    }

    /// Takes the next sight of a packet.
    pub fn follow(&mut self, seen: &Sighting, terms: &Terms, findings: &mut Findings) {
        let wrong = |journey: &Journey, found: &str, expected: &str, findings: &mut Findings| {
            let key = (seen.at, seen.packet);
            findings.packet(Rule::Path, &journey.name_of(seen.flow), key, found, expected);
        };
        let step = match &seen.scene {
            Scene::Sent(data) => {
                if seen.packet != self.last.wrapping_add(1) {
                    wrong(
                        self,
                        "its number is not the next",
                        "each packet has a number of its own",
                        findings,
                    );
                }
                self.last = seen.packet;
                self.under_way.insert(seen.packet, (load(data.as_ref()), 1));
                Step::Sent
            }
            Scene::Met(_, fate) => return self.count(seen.packet, *fate),
            Scene::Entered(spot) => {
                self.dropped.clear();
                if let Some(place) = terms.places.get(spot.place as usize)
                    && !self.is_own(seen.flow, *spot, place)
                {
                    let found = format!("it comes to {} of another client", place.name);
                    wrong(self, &found, "a client's packets keep to one", findings);
                }
                Step::Entered(spot.place)
            }
            Scene::Left(spot) => Step::Left(spot.place),
            Scene::Delivered(data) => {
                self.arrive(seen, data.as_ref(), findings);
                Step::Delivered
            }
        };
        let marks = Marks::of(seen);
        if let Some((at, before, due)) = self.due.take() {
            if (at, before.packet, due) != (seen.at, seen.packet, step) {
                let expected = format!("{} follows at once", words(due, terms));
                let key = (at, before.packet);
                findings.packet(Rule::Path, &self.name_of(before.flow), key, "it goes nowhere", expected);
            } else if before != marks {
                wrong(
                    self,
                    &format!("it comes as {}", marks.words()),
                    &format!("it left as {}", before.words()),
                    findings,
                );
            }
        } else if matches!(step, Step::Entered(_) | Step::Delivered) {
            let found = format!("{} without leaving anything", words(step, terms));
            wrong(self, &found, "it comes from its host or from a link", findings);
        }
        let here = match step {
            Step::Sent => None,
            Step::Left(place) => Some(place),
            Step::Entered(_) | Step::Delivered => return,
        };
        let group = self.flows.get(&seen.flow).map(|flow| &flow.group);
        let Some(paths) = group.and_then(|group| terms.paths.get(group)) else {
            return wrong(
                self,
                words(step, terms).as_str(),
                "the scenario has a group of its flow",
                findings,
            );
        };
        let path = &paths[seen.direction.index()];
        let next = match here {
            None => Some(0),
            Some(here) => path.iter().position(|other| *other == here).map(|at| at + 1),
        };
        let Some(next) = next else {
            let found = format!("{}, which is not on its path", words(step, terms));
            return wrong(self, &found, "its path has no such link", findings);
        };
        let due = path.get(next).map_or(Step::Delivered, |place| Step::Entered(*place));
        self.due = Some((seen.at, marks, due));
    }

    /// Something happened to a packet inside of a link: there are more of it, or fewer.
    fn count(&mut self, packet: u32, fate: Fate) {
        match fate {
            Fate::Duplicated => {
                let dropped = self.dropped.iter().find(|(other, _)| *other == packet).map(|(_, load)| *load);
                match self.under_way.get_mut(&packet) {
                    Some((_, copies)) => *copies += 1,
                    None => {
                        self.under_way.extend(dropped.map(|load| (packet, (load, 1))));
                    }
                }
            }
            Fate::Lost | Fate::Policed | Fate::Crowded | Fate::Managed => {
                if let Some(load) = self.end(packet) {
                    self.dropped.push((packet, load));
                }
            }
            Fate::Marked | Fate::Damaged => {}
        }
    }

    /// One copy of a packet is under way no more: its data, if there was one.
    fn end(&mut self, packet: u32) -> Option<Load> {
        let (load, copies) = self.under_way.get_mut(&packet)?;
        let load = *load;
        *copies -= 1;
        if *copies == 0 {
            self.under_way.remove(&packet);
        }
        Some(load)
    }

    fn arrive(&mut self, seen: &Sighting, data: Option<&Data>, findings: &mut Findings) {
        let sent = self.end(seen.packet);
        let (rule, found, expected) = match sent {
            None => (Rule::Conservation, "it comes to its host", "no copy of it is under way"),
            Some(load) if load != self::load(data) => {
                (Rule::Bytes, "it carries other data", "those that were sent")
            }
            Some(_) => return,
        };
        findings.packet(rule, &self.name_of(seen.flow), (seen.at, seen.packet), found, expected);
    }

    /// True if this instance of a link is that of the flow's client, and of no other's.
    fn is_own(&mut self, flow: u32, spot: Spot, place: &Place) -> bool {
        let client = self.flows.get(&flow).filter(|_| !place.shared).map_or(EVERYBODY, |flow| flow.client);
        *self.instances.entry((client, spot.place)).or_insert(spot.instance) == spot.instance
            && *self.owners.entry(spot.instance).or_insert(client) == client
    }

    /// The log is over.
    pub fn finish(&mut self, findings: &mut Findings) {
        if let Some((at, marks, _)) = self.due.take() {
            let key = (at, marks.packet);
            findings.packet(Rule::Path, "the end", key, "it goes nowhere", "a step follows at once");
        }
    }
}

impl Marks {
    fn of(seen: &Sighting) -> Marks {
        let Sighting { packet, flow, direction, size, ecn, damaged, .. } = *seen;
        Marks { packet, flow, direction, size, ecn, damaged }
    }

    fn words(self) -> String {
        let Marks { flow, direction, size, ecn, damaged, .. } = self;
        let whole = if damaged { "damaged" } else { "whole" };
        format!("{size} bytes of flow {flow} {}, ECN field {ecn}, {whole}", direction.name())
    }
}

fn load(data: Option<&Data>) -> Load {
    data.map(|data| (data.seq, data.syn, data.content.len()))
}

/// Client of a flow, whose name may have the number of a reconnection behind it.
fn client_of<'a>(name: &'a str, group: &str) -> &'a str {
    let own = name.strip_prefix(group).unwrap_or(name);
    &name[..name.len() - own.len() + own.find('.').unwrap_or(own.len())]
}

fn words(step: Step, terms: &Terms) -> String {
    let name =
        |place: u32| terms.places.get(place as usize).map_or("a link that is not there", |place| &place.name);
    match step {
        Step::Entered(place) => format!("it comes to {}", name(place)),
        Step::Left(place) => format!("it leaves {}", name(place)),
        Step::Delivered => "it comes to its host".to_owned(),
        Step::Sent => "it is sent".to_owned(),
    }
}
