//! Connections with news, and the instants at which connections want to be woken.

use std::collections::{BTreeSet, VecDeque};

use super::seat::Seat;
use crate::chat::message::ClientId;
use crate::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Desk {
    pub dirty: VecDeque<ClientId>,
    /// Clients that the caller is to hear on.
    pub roused: Vec<ClientId>,
    /// Clients whose end has lasted too long.
    pub overdue: Vec<ClientId>,
    /// True if the turn's end has something to do.
    pub ends_turn: bool,
    /// Next attempt to announce departures.
    pub departures_at: Option<Instant>,
    pub alarms: BTreeSet<(Instant, ClientId)>,
}

impl Desk {
    pub fn next_alarm(&self) -> Option<Instant> {
        Instant::earlier(self.alarms.first().map(|&(at, _)| at), self.departures_at)
    }

    pub fn note_dirty(&mut self, seat: &mut Seat, id: ClientId) {
        if !std::mem::replace(&mut seat.is_dirty, true) {
            self.dirty.push_back(id);
            self.ends_turn = true;
        }
    }

    pub fn rearm(&mut self, seat: &mut Seat, id: ClientId) {
        let deadline = seat.deadline();
        let before = std::mem::replace(&mut seat.armed, deadline);
        if before != deadline {
            if let Some(at) = before {
                self.alarms.remove(&(at, id));
            }
            self.alarms.extend(deadline.map(|at| (at, id)));
        }
    }
}
