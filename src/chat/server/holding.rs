//! Nobody learns of a message that is not kept. Where a file keeps what is said, everything that
//! happens from a message to the end of its turn is held here, in its order, until the messages of
//! that turn were written: in one transaction, because each costs as much as many messages. If they
//! cannot be, their authors hear that, and nobody else hears anything.

use std::collections::VecDeque;
use std::rc::Rc;

use super::outgoing::Origin;
use super::{Backing, RoomServer};
use crate::chat::message::{Audience, ClientId, Event, Name, Refusal, Request};
use crate::chat::protocol::Moment;
use crate::time::Instant;

/// Held effects.
#[derive(Debug, Default)]
pub(super) struct Holding {
    /// True if anything that happens now is held.
    on: bool,
    /// True if it is being let go.
    ends: bool,
    acts: VecDeque<Act>,
    /// Bytes of text, and what encoding adds, at each who hears it.
    bytes: usize,
}

#[derive(Debug)]
enum Act {
    /// Something asked was served.
    Served { moment: Moment, id: ClientId, kept: Kept },
    /// A session answers by itself.
    Answered { moment: Moment, id: ClientId, bytes: Rc<[u8]> },
    /// Somebody is told something, by whose doing.
    Told { moment: Moment, author: Option<ClientId>, to: Audience, event: Event },
}

/// True if a request is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Effects that do not depend on the turn.
    Alone,
    /// If what was said in the turn could be kept.
    WithTurn,
    /// Not: what it asked could not be kept.
    Not,
}

/// Approximate memory of a message at each listener, beside its text.
const AROUND: usize = 128;

impl Holding {
    /// The last request could not be kept.
    pub(super) fn refuse_last(&mut self) {
        for act in self.acts.iter_mut().rev() {
            if let Act::Served { kept, .. } = act {
                *kept = Kept::Not;
                return;
            }
        }
    }
}

impl<B: Backing> RoomServer<B> {
    /// True if what happens now is held until it is kept.
    pub fn holds(&self) -> bool {
        self.holding.on
    }

    /// The turn of something asked has come (of a request, or of what the session answers): what
    /// acknowledges it may go, once it is kept where it must be.
    pub(super) fn begin(&mut self, moment: Moment, id: ClientId, request: Option<&Request>) {
        let keeps = request.is_some_and(|request| self.backing.keeps(request));
        let kept = if keeps { Kept::WithTurn } else { Kept::Alone };
        if let Some(request) = request.filter(|request| keeps || self.backing.may_keep(request)) {
            self.holding.on = true;
            self.holding.bytes += AROUND + request.text().map_or(0, str::len);
            self.desk.ends_turn = true;
        }
        if self.holding.on {
            self.holding.acts.push_back(Act::Served { moment, id, kept });
        } else if let Some(seat) = self.seat(id) {
            seat.session.on_served(moment);
        }
    }

    /// Gives a session's own answer, after what is held.
    pub(super) fn answer(&mut self, moment: Moment, id: ClientId, bytes: Rc<[u8]>) {
        if self.holding.on {
            self.holding.acts.push_back(Act::Answered { moment, id, bytes });
        } else if let Some(seat) = self.seat(id) {
            seat.collect(Origin::Own, moment.now);
            seat.push(bytes, Origin::Own, moment.now);
        }
    }

    /// Tells somebody something, as the room does, after what is held.
    pub fn tell(&mut self, moment: Moment, to: &Audience, event: &Event) {
        if self.holding.on {
            let author = self.author;
            self.reached_others |= to.iter().any(|id| author != Some(id));
            self.holding.acts.push_back(Act::Told { moment, author, to: to.clone(), event: event.clone() });
        } else {
            self.tell_now(moment, to, event);
        }
    }

    /// Ends a turn early where more would be held than its hearers can take at once.
    pub(super) fn bound_holding(&mut self, now: Instant) {
        if self.bounds.is_some_and(|bounds| self.holding.bytes > bounds.backlog / 16) {
            self.settle(now);
        }
    }

    /// Keeps what was said and lets go what is held.
    pub(super) fn settle(&mut self, now: Instant) {
        if !self.holding.on || self.holding.ends {
            return;
        }
        let kept = self.backing.settle(now);
        self.holding.ends = true;
        // Acts that follow from these join them at the end.
        while let Some(act) = self.holding.acts.pop_front() {
            self.let_go(act, kept.as_ref().err());
        }
        self.holding = Holding::default();
    }

    fn let_go(&mut self, act: Act, failure: Option<&Name>) {
        let author = match &act {
            Act::Served { id, .. } | Act::Answered { id, .. } => Some(*id),
            Act::Told { author, .. } => *author,
        };
        let before = std::mem::replace(&mut self.author, author);
        match (act, failure) {
            (Act::Served { moment, id, kept }, _) => {
                let refused = kept == Kept::Not || kept == Kept::WithTurn && failure.is_some();
                if let Some(seat) = self.seat(id) {
                    if refused {
                        seat.session.on_refused(moment);
                    } else {
                        seat.session.on_served(moment);
                    }
                    self.collect(moment, id);
                }
            }
            (Act::Answered { moment, id, bytes }, _) => {
                if let Some(seat) = self.seat(id) {
                    seat.push(bytes, Origin::Own, moment.now);
                    self.collect(moment, id);
                }
            }
            (Act::Told { event: Event::Message { .. }, .. }, Some(_)) => {}
            (Act::Told { moment, to, event: Event::Said { .. }, .. }, Some(why)) => {
                self.tell_now(moment, &to, &Event::Refused(Refusal::NotNow(why.clone())));
            }
            (Act::Told { moment, to, event, .. }, _) => self.tell_now(moment, &to, &event),
        }
        self.author = before;
    }
}
