//! Crossing of one direction of one instance of a link.

mod times;

use std::collections::VecDeque;

use super::buffer::Buffer;
use super::chance::{Chain, Tallies};
use super::findings::{Findings, Rule};
use super::pace::{Bucket, Schedule, Transmitter};
use super::policer::Policer;
use super::terms::{LinkTerms, Loss, Order, Place};
use crate::facts::{Direction, Fate, Sighting};
use crate::time::Instant;

/// Packets inside of a link, and the state of its transmitter as their times tell it.
#[derive(Debug)]
pub(super) struct Crossing {
    inside: VecDeque<Life>,
    /// Packets that others have overtaken where none may.
    strays: Vec<Life>,
    /// Departures follow from arrivals.
    exact: bool,
    /// Departures follow from arrivals at the far end.
    shown: bool,
    order: Order,
    schedule: Schedule,
    transmitter: Transmitter,
    bucket: Bucket,
    policer: Policer,
    buffer: Buffer,
    chain: Chain,
    /// The last departure, if departures show, and the last arrival at the far end.
    departed: Instant,
    last_left: Instant,
}

/// A packet inside.
#[derive(Clone, Copy, Debug)]
struct Life {
    packet: u32,
    flow: u32,
    direction: Direction,
    size: u32,
    ecn: u8,
    entered: Instant,
    /// It was damaged when it came; and now.
    was_damaged: bool,
    damaged: bool,
    marked: bool,
}

impl Crossing {
    pub fn new(place: &Place) -> Crossing {
        Crossing {
            inside: VecDeque::new(),
            strays: Vec::new(),
            exact: place.is_exact(),
            shown: place.shows_departures(),
            order: place.order(),
            schedule: Schedule::free_at(Instant::ZERO),
            transmitter: Transmitter::default(),
            bucket: Bucket::default(),
            policer: Policer::default(),
            buffer: Buffer::default(),
            chain: Chain::default(),
            departed: Instant::ZERO,
            last_left: Instant::ZERO,
        }
    }

    /// A packet comes to the entrance.
    pub fn enter(&mut self, seen: &Sighting, place: &Place, tallies: &mut Tallies, findings: &mut Findings) {
        // Of the last one it is known now that the policer let it pass.
        self.policer.settle(place, findings);
        let terms = place.at(seen.at);
        tallies.entered += 1;
        match &terms.loss {
            Loss::Independent(chance) => tallies.loss.try_one(*chance),
            Loss::Bursts(bursts) if place.shows_states(bursts) => {
                self.chain.meet(seen.at, bursts, place, tallies);
            }
            Loss::Bursts(_) | Loss::Any => {}
        }
        tallies.duplicate.try_one(terms.duplicate);
        if !seen.damaged {
            tallies.damage.try_one(terms.corrupt);
        }
        if terms.ahead > 0.0 {
            tallies.ahead.try_one(terms.ahead);
        }
        self.take_in(seen);
    }

    fn take_in(&mut self, seen: &Sighting) {
        self.inside.push_back(Life {
            packet: seen.packet,
            flow: seen.flow,
            direction: seen.direction,
            size: seen.size,
            ecn: seen.ecn,
            entered: seen.at,
            was_damaged: seen.damaged,
            damaged: seen.damaged,
            marked: false,
        });
        self.policer.meet(seen);
        if self.shown {
            self.buffer.join(seen.at, seen.packet, seen.size);
        }
    }

    /// Something happens to a packet inside.
    pub fn meet(
        &mut self,
        seen: &Sighting,
        fate: Fate,
        place: &Place,
        tallies: &mut Tallies,
        findings: &mut Findings,
    ) {
        let key = (seen.at, seen.packet);
        let at_entrance = matches!(fate, Fate::Damaged | Fate::Lost | Fate::Policed);
        if !at_entrance {
            self.policer.settle(place, findings);
        }
        let newest = self.inside.iter().rposition(|life| life.packet == seen.packet);
        // A copy may be there when the packet itself was refused.
        if fate == Fate::Duplicated {
            tallies.copies += 1;
            tallies.duplicate.hit();
            if place.at(seen.at).duplicate <= 0.0 {
                findings.packet(
                    Rule::Duplicate,
                    &place.name,
                    key,
                    "it is doubled",
                    "nothing is doubled here",
                );
            }
            self.take_in(seen);
            return;
        }
        let Some(newest) = newest else {
            findings.packet(Rule::Conservation, &place.name, key, fate.words(), "it is not inside");
            return;
        };
        let terms = place.at(self.inside[newest].entered);
        match fate {
            Fate::Duplicated => {}
            Fate::Damaged => {
                tallies.damage.hit();
                self.inside[newest].damaged = true;
                if terms.corrupt <= 0.0 {
                    findings.packet(
                        Rule::Damage,
                        &place.name,
                        key,
                        "it is damaged",
                        "nothing is damaged here",
                    );
                }
            }
            Fate::Lost => {
                tallies.lost += 1;
                if terms.loss == Loss::Any {
                    self.remove(seen);
                } else {
                    // Only what is not lost can be doubled or damaged.
                    tallies.duplicate.untry_one(terms.duplicate);
                    if !self.inside[newest].was_damaged {
                        tallies.damage.untry_one(terms.corrupt);
                    }
                    self.inside.remove(newest);
                    self.policer.miss();
                    self.buffer.unjoin(seen.packet);
                }
                self.judge_loss(key, terms, place, tallies, findings);
            }
            Fate::Policed => {
                tallies.policed += 1;
                self.inside.remove(newest);
                self.buffer.unjoin(seen.packet);
                self.policer.refuse(seen, place, findings);
            }
            Fate::Crowded => {
                tallies.dropped += 1;
                self.remove(seen);
                if self.shown {
                    self.buffer.drop(seen.at, seen.packet, seen.size, true);
                }
            }
            Fate::Managed => {
                tallies.dropped += 1;
                self.remove(seen);
                if self.shown {
                    self.buffer.drop(seen.at, seen.packet, seen.size, false);
                }
                if terms.queue.is_plain {
                    let expected = "its queue drops only what it has no room for";
                    findings.packet(Rule::Queue, &place.name, key, fate.words(), expected);
                }
            }
            Fate::Marked => {
                tallies.marked += 1;
                let life = self.inside.iter_mut().find(|life| life.packet == seen.packet && !life.marked);
                let understands = life.is_some_and(|life| {
                    life.marked = true;
                    life.ecn != 0
                });
                if !terms.queue.marks || !understands {
                    let expected = if understands {
                        "its queue does not mark"
                    } else {
                        "its transport is not ECN-capable"
                    };
                    findings.packet(Rule::Queue, &place.name, key, fate.words(), expected);
                }
            }
        }
    }

    /// The packet that was seen, and not its copy, which may be damaged in another way.
    fn place_of(&self, seen: &Sighting) -> Option<usize> {
        let is_it = |life: &Life| life.packet == seen.packet && life.damaged == seen.damaged;
        let by_number = || self.inside.iter().position(|life| life.packet == seen.packet);
        self.inside.iter().position(is_it).or_else(by_number)
    }

    fn remove(&mut self, seen: &Sighting) {
        if let Some(at) = self.place_of(seen) {
            self.inside.remove(at);
        }
    }

    /// A packet leaves at the far end.
    pub fn leave(&mut self, seen: &Sighting, place: &Place, tallies: &mut Tallies, findings: &mut Findings) {
        let key = (seen.at, seen.packet);
        self.policer.settle(place, findings);
        tallies.left += 1;
        let Some(at) = self.place_of(seen) else {
            if let Some(at) = self.strays.iter().position(|life| life.packet == seen.packet) {
                self.strays.remove(at);
            } else {
                findings.packet(Rule::Conservation, &place.name, key, "it leaves", "it is not inside");
            }
            return;
        };
        let Some(life) = self.inside.remove(at) else { return };
        tallies.left_damaged += u64::from(life.damaged && !life.was_damaged);
        if seen.damaged != life.damaged {
            let (found, expected) =
                if seen.damaged { ("damaged", "it was whole") } else { ("whole", "it was damaged") };
            findings.packet(Rule::Damage, &place.name, key, format!("it leaves {found}"), expected);
        }
        let ecn = if life.marked { 0b11 } else { life.ecn };
        if (seen.ecn, seen.size) != (ecn, life.size) {
            let found = format!("it leaves with {} bytes and ECN field {}", seen.size, seen.ecn);
            findings.packet(Rule::Queue, &place.name, key, found, format!("{} bytes and {ecn}", life.size));
        }
        if (seen.flow, seen.direction) != (life.flow, life.direction) {
            findings.packet(Rule::Path, &place.name, key, "it leaves", "it was of another flow or direction");
        }
        if place.at(life.entered).loss == Loss::Independent(1.0) {
            findings.packet(Rule::Loss, &place.name, key, "it leaves", "every packet that came then is lost");
        }
        self.judge_order(at, &life, key, place, findings);
        if self.exact {
            self.judge_exactly(&life, seen.at, place, findings);
        } else {
            self.judge_roughly(&life, seen.at, place, tallies, findings);
        }
        self.last_left = self.last_left.max(seen.at);
    }

    fn judge_order(
        &mut self,
        at: usize,
        life: &Life,
        key: (Instant, u32),
        place: &Place,
        findings: &mut Findings,
    ) {
        let before = |other: &Life| match self.order {
            Order::All => true,
            Order::Flow => other.flow == life.flow,
            Order::FlowAndMark => other.flow == life.flow && other.ecn & 1 == life.ecn & 1,
            Order::Any => false,
        };
        let passed: Vec<usize> = (0..at).filter(|&other| before(&self.inside[other])).collect();
        if let Some(&first) = passed.first() {
            let expected = format!("packet {} came before it and is still inside", self.inside[first].packet);
            findings.packet(Rule::Order, &place.name, key, "it leaves", expected);
        }
        for other in passed.into_iter().rev() {
            self.strays.extend(self.inside.remove(other));
        }
    }

    /// The log is over; the number of packets inside.
    pub fn finish(&mut self, end: Instant, place: &Place, findings: &mut Findings) -> u64 {
        self.policer.settle(place, findings);
        let inside = (self.inside.len() + self.strays.len()) as u64;
        let two_fold = place.takes_all_or_nothing();
        for life in std::mem::take(&mut self.inside).into_iter().filter(|_| self.exact || two_fold) {
            let (schedule, due) = self.foreseen(&life, place);
            if end > due {
                let expected = format!("it leaves at {:.6} s", due.as_secs_f64());
                findings.packet(
                    Rule::Conservation,
                    &place.name,
                    (end, life.packet),
                    "it is still inside",
                    expected,
                );
                return inside;
            }
            self.schedule = schedule;
        }
        inside
    }

    /// A packet is lost at the entrance.
    fn judge_loss(
        &mut self,
        key: (Instant, u32),
        terms: &LinkTerms,
        place: &Place,
        tallies: &mut Tallies,
        findings: &mut Findings,
    ) {
        // Lists come behind chance.
        if terms.loss.is_never() && tallies.listed < place.listed {
            tallies.listed += 1;
            return;
        }
        let expected = match &terms.loss {
            loss if loss.is_never() => "nothing is lost here",
            Loss::Bursts(bursts) if place.shows_states(bursts) => {
                if self.chain.lose(tallies) {
                    return;
                }
                "bursts begin behind a packet that passes"
            }
            Loss::Independent(_) => return tallies.loss.hit(),
            Loss::Bursts(_) | Loss::Any => return,
        };
        findings.packet(Rule::Loss, &place.name, key, "it is lost", expected);
    }
}
