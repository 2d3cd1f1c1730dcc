//! Nobody learns of a message that is not kept. Where a file keeps what is said, everything that
//! happens from a message to the end of its turn is held here, in its order, until the messages of
//! that turn were written: in one transaction, because each costs as much as many messages. If they
//! cannot be, their authors hear that, and nobody else hears anything.

use std::collections::VecDeque;

use super::Hub;
use crate::chat::message::{Audience, ClientId, Event, Name, Refusal, Request};
use crate::chat::protocol::Moment;

/// What is held.
#[derive(Debug, Default)]
pub(super) struct Holding {
    /// Whether anything that happens now is held.
    on: bool,
    /// Whether it is being let go.
    ends: bool,
    acts: VecDeque<Act>,
    /// Bytes of text, and what encoding adds, at each who hears it.
    bytes: usize,
}

#[derive(Debug)]
enum Act {
    /// A request was served.
    Served { moment: Moment, id: ClientId, kept: Kept },
    /// Somebody is told something.
    Told { moment: Moment, to: Audience, event: Event },
}

/// Whether a request is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Whatever becomes of the turn.
    Alone,
    /// If what was said in the turn could be kept.
    WithTurn,
    /// Not: what it asked could not be kept.
    Not,
}

/// What a message takes at each who hears it beside its text, about.
const AROUND: usize = 128;

impl Holding {
    /// Whether anything waits until it is kept.
    pub(super) fn is_on(&self) -> bool {
        self.on
    }

    /// What was asked last could not be kept.
    pub(super) fn refuse_last(&mut self) {
        for act in self.acts.iter_mut().rev() {
            if let Act::Served { kept, .. } = act {
                *kept = Kept::Not;
                return;
            }
        }
    }
}

impl Hub {
    /// A request's turn has come: what acknowledges it may go, once it is kept where it must be.
    pub(super) fn begin(&mut self, moment: Moment, id: ClientId, request: &Request) {
        let kept = if self.memory.keeps(request) { Kept::WithTurn } else { Kept::Alone };
        if kept == Kept::WithTurn || self.memory.may_keep(request) {
            self.holding.on = true;
            self.holding.bytes += AROUND + request.text().map_or(0, str::len);
            self.turn_ends.notify_one();
        }
        if self.holding.on {
            self.holding.acts.push_back(Act::Served { moment, id, kept });
        } else if let Some(peer) = self.peer(id) {
            peer.session.on_served(moment);
        }
    }

    /// Tells somebody something, after what is held.
    pub(super) fn tell(&mut self, moment: Moment, to: &Audience, event: &Event) {
        if self.holding.on {
            self.holding.acts.push_back(Act::Told { moment, to: to.clone(), event: event.clone() });
        } else {
            self.tell_now(moment, to, event);
        }
    }

    /// Ends a turn early where more would be held than its hearers can take at once.
    pub(super) fn bound_holding(&mut self) {
        if self.holding.bytes > self.bound() / 4 {
            self.settle();
        }
    }

    /// Keeps what was said and lets go what is held.
    pub(in crate::live::server) fn settle(&mut self) {
        if !self.holding.on || self.holding.ends {
            return;
        }
        let kept = self.memory.settle(self.clock.now());
        self.holding.ends = true;
        // What follows from these joins them at the end.
        while let Some(act) = self.holding.acts.pop_front() {
            self.let_go(act, kept.as_ref().err());
        }
        self.holding = Holding::default();
    }

    fn let_go(&mut self, act: Act, failure: Option<&Name>) {
        match (act, failure) {
            (Act::Served { moment, id, kept: Kept::WithTurn }, Some(_))
            | (Act::Served { moment, id, kept: Kept::Not }, _) => {
                if let Some(peer) = self.peer(id) {
                    peer.session.on_refused(moment);
                    self.collect(id);
                }
            }
            (Act::Served { moment, id, .. }, _) => {
                if let Some(peer) = self.peer(id) {
                    peer.session.on_served(moment);
                    self.collect(id);
                }
            }
            (Act::Told { event: Event::Message { .. }, .. }, Some(_)) => {}
            (Act::Told { moment, to, event: Event::Said { .. } }, Some(why)) => {
                self.tell_own(moment, &to, &Event::Refused(Refusal::Other(why.clone())));
            }
            (Act::Told { moment, to, event }, _) => self.tell_own(moment, &to, &event),
        }
    }

    /// An answer counts as its own doing, as it would have when it was asked.
    fn tell_own(&mut self, moment: Moment, to: &Audience, event: &Event) {
        let Audience::One(id) = *to else { return self.tell_now(moment, to, event) };
        let before = self.peer(id).map_or(0, |peer| peer.unwritten());
        self.tell_now(moment, to, event);
        if let Some(peer) = self.peer(id) {
            peer.own += peer.unwritten().saturating_sub(before);
        }
    }
}
