//! The floor: who speaks to others when. The pacers of all listeners together take one text at a time, so
//! speakers take turns.
//!
//! A client that says a word now and then interrupts: its text has no more before it than one of each that
//! speaks. All others stand in one of three lines, which take [`TURNS`]: clients with little to say, clients
//! with more to say than is read, whoever comes or goes. So neither a flood nor a crowd at the door shuts
//! anybody out, and who caught up late catches up.

use std::collections::VecDeque;
use std::sync::Arc;

use super::pressure::{CATCH_UP, LATER, Minded};
use super::{Backing, RoomServer};
use crate::chat::message::{Audience, ClientId, Event, Name};
use crate::chat::names::exact;
use crate::chat::protocol::Moment;
use crate::time::{Duration, Instant};

/// The floor's slot while somebody reads too slowly, for each 256 bytes of text.
pub(super) const SLOT: Duration = Duration::from_millis(5);
/// Requests that wait of a client with little to say: half of what is read from a flood at a time, and more than
/// somebody asks who is late for once and must not fall behind the floods for good.
const FEW: usize = 32;
/// Order of the lines, over and over; an empty one is passed over.
const TURNS: [Line; 6] = [Line::Little, Line::Much, Line::Little, Line::Much, Line::Little, Line::Door];
/// For each connection dropped because too much waits for it, its address comes in so much later, up to a limit:
/// a client that comes back at once would be announced again and again. Program 1's client waits 10 s to be
/// let in.
const DROPPED_WAITS: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Line in which a client waits for its turn to speak to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It has little to say.
    Little,
    /// It comes in.
    Door,
    /// It has more to say than is read.
    Much,
}

/// The state of the floor.
#[derive(Debug, Default)]
pub(super) struct Floor {
    /// Listeners whose pacers hold up what others said, and when those that do not any more take the next.
    paced: usize,
    slot: Instant,
    /// Listeners that read too slowly, and when the next text for them may go.
    behind: Vec<ClientId>,
    turn: Instant,
    /// Number of times that it was found free.
    pub round: u64,
    lines: [VecDeque<ClientId>; 3],
    /// Position in [`TURNS`].
    next: usize,
    /// People that have gone and of whom that is not told yet. They go before those who come.
    departed: VecDeque<Name>,
    /// Addresses that come in later.
    late: Vec<(u128, Instant)>,
}

/// The next speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Client(ClientId),
    /// The server: somebody has gone.
    Departed,
}

impl Floor {
    /// The next speaker, and its turn.
    fn first(&self) -> Option<(First, usize)> {
        (0..TURNS.len()).map(|n| (self.next + n) % TURNS.len()).find_map(|turn| {
            if TURNS[turn] == Line::Door && !self.departed.is_empty() {
                return Some((First::Departed, turn));
            }
            self.lines[TURNS[turn] as usize].front().map(|&id| (First::Client(id), turn))
        })
    }

    /// This turn was taken.
    fn pass(&mut self, turn: usize) {
        self.next = (turn + 1) % TURNS.len();
    }

    /// Instant at which it may be free, if nobody rouses its first before.
    fn free_at(&self, now: Instant) -> Instant {
        let passes = if self.behind.is_empty() { self.slot } else { self.slot.max(self.turn) };
        if self.paced == 0 && passes > now { passes } else { now + SLOT }
    }

    /// A connection from there was dropped.
    pub fn delay(&mut self, now: Instant, address: u128) {
        self.late.retain(|(_, until)| *until > now);
        let until = self.late_until(address).unwrap_or(now);
        self.late.retain(|(other, _)| *other != address);
        self.late.push((address, (until + DROPPED_WAITS).min(now + LONGEST_WAIT)));
    }

    pub fn late_until(&self, address: u128) -> Option<Instant> {
        self.late.iter().find(|(other, _)| *other == address).map(|(_, until)| *until)
    }
}

impl<B: Backing> RoomServer<B> {
    /// True if a client must wait before it speaks to others: until when at the latest.
    pub(super) fn waits_for_the_floor(
        &mut self,
        now: Instant,
        id: ClientId,
        is_much: bool,
        joins: bool,
    ) -> Option<Instant> {
        let is_free = self.is_floor_free(now);
        if is_free && self.floor.first().is_none() {
            return None;
        }
        let round = self.floor.round;
        let seat = self.seat(id)?;
        // A read may bring one text of a flood, or a hundred.
        let is_much = is_much || seat.asked.len() > FEW;
        let interrupts = seat.in_line.is_none() && !is_much && !joins && seat.spoke_in != round;
        if interrupts {
            return None;
        }
        if seat.in_line.is_none() {
            let line = match (joins, is_much) {
                (true, _) => Line::Door,
                (false, false) => Line::Little,
                (false, true) => Line::Much,
            };
            seat.in_line = Some(line);
            self.floor.lines[line as usize].push_back(id);
        }
        match self.floor.first() {
            Some((First::Client(first), turn)) if first == id => {
                if is_free {
                    self.floor.pass(turn);
                    self.leave_line(id);
                    return None;
                }
                // Pacers and readers rouse it; their time passes by itself.
                Some(self.floor.free_at(now))
            }
            _ => Some(now + LATER),
        }
    }

    /// A client has spoken to others.
    pub(super) fn spoke(&mut self, now: Instant, id: ClientId, weight: u64, was_free: bool) {
        self.floor.round += u64::from(was_free);
        self.floor.turn = now + SLOT.saturating_mul(weight);
        let round = self.floor.round;
        self.seat(id).into_iter().for_each(|seat| seat.spoke_in = round);
    }

    /// True if nobody is behind with what was said, and whoever was may hear the next at once.
    pub(super) fn is_floor_free(&mut self, now: Instant) -> bool {
        if self.floor.paced > 0 || now < self.floor.slot {
            return false;
        }
        now >= self.floor.turn || !self.is_somebody_behind(now)
    }

    /// True if one that reads too slowly gets on, so that speakers mind it.
    fn is_somebody_behind(&mut self, now: Instant) -> bool {
        let mut behind = std::mem::take(&mut self.floor.behind);
        let mut minded = false;
        behind.retain(|&id| match self.seat(id).map(|seat| seat.pressure.minded()) {
            Some(Minded::Behind { got_on, .. }) => {
                minded |= now < got_on + CATCH_UP;
                true
            }
            _ => false,
        });
        self.floor.behind = behind;
        minded
    }

    /// Out of the line; the next may come.
    pub(super) fn leave_line(&mut self, id: ClientId) {
        let Some(line) = self.seat(id).and_then(|seat| seat.in_line.take()) else { return };
        self.floor.lines[line as usize].retain(|&other| other != id);
        self.rouse_first();
    }

    pub(super) fn rouse_first(&mut self) {
        match self.floor.first() {
            Some((First::Client(first), _)) => self.desk.roused.push(first),
            Some((First::Departed, _)) => self.desk.ends_turn = true,
            None => {}
        }
    }

    /// A change of how speakers have to mind a listener.
    pub(super) fn note_minded(&mut self, id: ClientId, before: Minded, after: Minded, slot: Instant) {
        let floor = &mut self.floor;
        let is_behind = |minded| matches!(minded, Minded::Behind { .. });
        if is_behind(after) && !is_behind(before) && !floor.behind.contains(&id) {
            floor.behind.push(id);
        }
        match (before == Minded::Paced, after == Minded::Paced) {
            (false, true) => floor.paced += 1,
            (true, false) => {
                floor.paced -= 1;
                floor.slot = floor.slot.max(slot);
                if floor.paced == 0 {
                    self.rouse_first();
                }
            }
            _ => {}
        }
    }

    /// True if it is told at once that somebody has gone; else it is when the floor is free.
    pub(super) fn tells_departure(&mut self, now: Instant, nick: &Name) -> bool {
        if self.floor.departed.is_empty() && self.is_floor_free(now) {
            return true;
        }
        self.floor.departed.push_back(nick.clone());
        self.rouse_first();
        false
    }

    /// Tells at once that somebody has gone whose nick another takes.
    pub(super) fn announce_departure_of(&mut self, moment: Moment, nick: &str) {
        let nick = exact(nick.trim());
        while let Some(place) = self.floor.departed.iter().position(|gone| exact(gone) == nick) {
            let Some(gone) = self.floor.departed.remove(place) else { return };
            self.tell_departure(moment, gone);
        }
    }

    fn tell_departure(&mut self, moment: Moment, nick: Name) {
        // People who came since have not been told of this person.
        let members = Arc::clone(self.room.everyone());
        self.tell(moment, &Audience::Group { members, but: None }, &Event::Left { nick });
        self.tell_watchers(moment);
    }

    /// Tells, where that has its turn, that somebody has gone; when to look again, if anybody else has.
    pub(super) fn announce_departures(&mut self, moment: Moment) -> Option<Instant> {
        while !self.floor.departed.is_empty() {
            match self.floor.first() {
                Some((First::Departed, turn)) if self.is_floor_free(moment.now) => {
                    let Some(nick) = self.floor.departed.pop_front() else { break };
                    self.floor.pass(turn);
                    self.floor.round += 1;
                    self.floor.turn = moment.now + SLOT;
                    self.tell_departure(moment, nick);
                    self.rouse_first();
                }
                Some((First::Departed, _)) => return Some(self.floor.free_at(moment.now)),
                // The other rouses this one when it has spoken.
                _ => return Some(moment.now + LATER),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(ms)
    }

    /// Everybody in order; those who have gone are `None`.
    fn order(floor: &mut Floor) -> Vec<Option<u32>> {
        let mut order = Vec::new();
        while let Some((first, turn)) = floor.first() {
            floor.pass(turn);
            order.push(match first {
                First::Client(_) => floor.lines[TURNS[turn] as usize].pop_front().map(|id| id.0),
                First::Departed => floor.departed.pop_front().and(None),
            });
        }
        order
    }

    #[test]
    fn lines_take_turns_and_who_goes_is_told_before_who_comes() {
        let mut floor = Floor::default();
        for (line, ids) in [(Line::Little, 0..4), (Line::Much, 20..24), (Line::Door, 10..12)] {
            floor.lines[line as usize].extend(ids.map(ClientId));
        }
        floor.departed.push_back("kim".into());
        let expected = [0, 20, 1, 21, 2].map(Some).into_iter().chain([None]);
        let then = [3, 22, 23, 10, 11].map(Some);
        assert_eq!(order(&mut floor), expected.chain(then).collect::<Vec<_>>());
    }

    #[test]
    fn each_drop_delays_its_address_by_a_second_and_no_other() {
        let [here, there] = [1, 2];
        let mut floor = Floor::default();
        floor.delay(at(0), here);
        assert_eq!((floor.late_until(here), floor.late_until(there)), (Some(at(1_000)), None));
        floor.delay(at(500), here);
        assert_eq!(floor.late_until(here), Some(at(2_000)));
        (0..20).for_each(|_| floor.delay(at(600), here));
        assert_eq!(floor.late_until(here), Some(at(5_600)));
        // Delays that are over are forgotten.
        floor.delay(at(6_000), there);
        assert_eq!((floor.late_until(here), floor.late.len()), (None, 1));
    }
}
