//! Buffer of a link: its occupancy at each instant, from the instants at which packets come, are dropped, and end their
//! transmission. Those ends are known only a delay later, so that what came meanwhile waits here.

use std::collections::VecDeque;

use super::findings::{Findings, Rule};
use super::terms::{LinkTerms, Place, Rate};
use crate::time::Instant;

/// Occupancy of a buffer.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    waiting: VecDeque<Event>,
    packets: u64,
    bytes: u64,
    /// Instant up to which it is known.
    now: Instant,
    /// The packet that came last, at that instant.
    newest: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Event {
    at: Instant,
    packet: u32,
    size: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Joins,
    /// It is dropped because there is no room.
    IsRefused,
    /// It is dropped for another reason.
    IsDropped,
}

impl Buffer {
    /// A packet comes.
    pub fn join(&mut self, at: Instant, packet: u32, size: u32) {
        self.waiting.push_back(Event { at, packet, size, kind: Kind::Joins });
    }

    /// The packet that came last never reached the queue.
    pub fn unjoin(&mut self, packet: u32) {
        if self.waiting.back().is_some_and(|event| event.packet == packet && event.kind == Kind::Joins) {
            self.waiting.pop_back();
        }
    }

    /// A packet is dropped, because there is no room or for another reason.
    pub fn drop(&mut self, at: Instant, packet: u32, size: u32, refused: bool) {
        let kind = if refused { Kind::IsRefused } else { Kind::IsDropped };
        self.waiting.push_back(Event { at, packet, size, kind });
    }

    /// A packet's transmission ends. Others that come at that instant find it gone.
    pub fn depart(&mut self, at: Instant, life: (u32, u32), place: &Place, findings: &mut Findings) {
        let (packet, size) = life;
        // One that is sent at once has come at that instant itself.
        let own = |event: &Event| event.at == at && event.packet == packet && event.kind == Kind::Joins;
        let at_once = self.waiting.iter().take_while(|event| event.at <= at).any(own);
        while let Some(event) = self.waiting.front().copied() {
            if !(event.at < at || at_once && event.at == at) {
                break;
            }
            self.waiting.pop_front();
            self.apply(event, place, findings);
            if own(&event) {
                break;
            }
        }
        self.move_on(at, place, findings);
        self.packets = self.packets.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(size.into());
    }

    fn apply(&mut self, event: Event, place: &Place, findings: &mut Findings) {
        self.move_on(event.at, place, findings);
        if event.kind == Kind::Joins {
            self.packets += 1;
            self.bytes += u64::from(event.size);
            self.newest = Some(event.packet);
            return;
        }
        let capacity = place.at(event.at).queue.capacity;
        if event.kind == Kind::IsRefused && capacity.holds(self.packets, self.bytes) {
            let found = format!("dropped as too many, with {} before it", self.words(event.size));
            let expected = format!("the queue holds {capacity}");
            findings.packet(Rule::Buffer, &place.name, (event.at, event.packet), found, expected);
        }
        self.packets = self.packets.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(event.size.into());
    }

    /// Time passes: what is there now has found room. A lower limit is for what comes.
    fn move_on(&mut self, at: Instant, place: &Place, findings: &mut Findings) {
        if at <= self.now {
            return;
        }
        if let Some(packet) = self.newest.take().filter(|_| !self.fits(place.at(self.now))) {
            let found = format!("it waits with {}", self.words(0));
            let expected = format!("the queue holds {}", place.at(self.now).queue.capacity);
            findings.packet(Rule::Buffer, &place.name, (self.now, packet), found, expected);
        }
        self.now = at;
    }

    fn fits(&self, terms: &LinkTerms) -> bool {
        // Without a rate nothing waits, but behind what is still under way from a time when there was one.
        let is_alone = terms.rate == Rate::Endless && self.packets <= 1;
        is_alone || terms.queue.capacity.holds(self.packets, self.bytes)
    }

    fn words(&self, without: u32) -> String {
        let others = self.packets.saturating_sub(u64::from(without > 0));
        format!("{others} packets ({} bytes)", self.bytes.saturating_sub(without.into()))
    }
}
