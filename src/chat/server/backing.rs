//! Backing of a room server: storage that outlives it, admission, and notices of events.

use std::fmt;

use crate::chat::message::{ClientId, Event, Name, Refusal, Request};
use crate::chat::protocol::Moment;
use crate::chat::room::{Change, Forgetful, Room};
use crate::time::Instant;

/// Decision about a nick that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The room decides about this.
    Serve(Request),
    /// It is told this, and that is all.
    Answer(Event),
    /// That is not known yet: nothing else that it asks is served until
    /// [`admit_later`](super::RoomServer::admit_later).
    Later,
}

/// Cause of an end that the client did not ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It took too long to join.
    Silent,
    /// It sent what is no sentence of its dialect.
    Malformed,
    /// So many bytes wait for it.
    TooSlow(usize),
}

/// A room server's memory and doorkeeper. By default there is neither.
pub trait Backing: fmt::Debug {
    /// The registered name that is meant by `nick`, if there is one.
    fn account(&self, _nick: &str) -> Option<Name> {
        None
    }

    /// Keeps a change before it is made, or says why that cannot be.
    fn change(&mut self, _moment: Moment, _change: Change) -> Result<(), Refusal> {
        Ok(())
    }

    /// True if a request is done only if it can be kept.
    fn keeps(&self, _request: &Request) -> bool {
        false
    }

    /// True if it may turn out only while a request is served whether it can be kept.
    fn may_keep(&self, _request: &Request) -> bool {
        false
    }

    /// Keeps what the requests of this turn brought about: all of it, or nothing for this reason.
    fn settle(&mut self, _now: Instant) -> Result<(), Name> {
        Ok(())
    }

    /// History for a newcomer.
    fn past(&self) -> Vec<Event> {
        Vec::new()
    }

    /// Decision about a client that wants a nick.
    fn admit(&mut self, _moment: Moment, _room: &Room, _id: ClientId, request: Request) -> Admission {
        Admission::Serve(request)
    }

    /// A client's request has brought this about.
    fn on_event(&mut self, _moment: Moment, _id: ClientId, _event: &Event) {}

    /// A connection is about to end.
    fn on_end(&mut self, _id: ClientId, _why: Ending) {}
}

impl Backing for Forgetful {}
