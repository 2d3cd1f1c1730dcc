//! Registry of people beyond the room: where each comes from, what is kept for them, who is
//! kept out.

use std::net::SocketAddr;

use tracing::{debug, info, warn};

use super::kick::Kicked;
use crate::chat::message::{ClientId, Event, Name, Refusal, Request};
use crate::chat::protocol::Moment;
use crate::chat::room::{Change, Room};
use crate::chat::server::{Admission, Backing, Ending};
use crate::live::server::accounts::{Gate, Waiting};
use crate::live::server::memory::Memory;
use crate::live::site::Site;
use crate::time::Instant;

/// The room server's backing.
#[derive(Debug)]
pub(in crate::live::server) struct Registry {
    pub memory: Memory,
    /// By the client's number.
    visitors: Vec<Option<Visitor>>,
    /// People an administrator has disconnected lately.
    pub kicked: Vec<Kicked>,
    /// Passwords to be tried once the hub is free.
    pub gates: Vec<(Waiting, String, Gate)>,
    /// People who have come in or have another name, and the name before.
    pub named: Vec<(ClientId, Option<Name>)>,
}

/// A connection as the log and administrators see it.
#[derive(Clone, Copy, Debug)]
pub(in crate::live::server) struct Visitor {
    /// Its public number; never used twice.
    pub serial: u64,
    pub dialect: &'static str,
    pub address: SocketAddr,
    pub since: Instant,
}

impl Registry {
    pub fn new(memory: Memory) -> Registry {
        Registry { memory, visitors: Vec::new(), kicked: Vec::new(), gates: Vec::new(), named: Vec::new() }
    }

    /// Somebody comes, or has gone.
    pub fn set_visitor(&mut self, id: ClientId, visitor: Option<Visitor>) {
        let place = id.0 as usize;
        if self.visitors.len() <= place {
            self.visitors.resize(place + 1, None);
        }
        self.visitors[place] = visitor;
    }

    pub fn visitor(&self, id: ClientId) -> Option<Visitor> {
        self.visitors.get(id.0 as usize).copied().flatten()
    }

    pub fn site(&self, id: ClientId) -> Option<Site> {
        self.visitor(id).map(|visitor| Site::of(visitor.address.ip()))
    }
}

impl Backing for Registry {
    fn account(&self, nick: &str) -> Option<Name> {
        self.memory.account(nick)
    }

    fn change(&mut self, moment: Moment, change: Change) -> Result<(), Refusal> {
        self.memory.change(moment.now, moment.at, change)
    }

    fn keeps(&self, request: &Request) -> bool {
        self.memory.keeps(request)
    }

    fn may_keep(&self, request: &Request) -> bool {
        self.memory.may_keep(request)
    }

    fn settle(&mut self, now: Instant) -> Result<(), Name> {
        self.memory.settle(now)
    }

    fn past(&self) -> Vec<Event> {
        self.memory.past()
    }

    fn admit(&mut self, moment: Moment, room: &Room, id: ClientId, request: Request) -> Admission {
        self.judge_nick(moment, room, id, request)
    }

    /// Logs what a client's request has brought about, and keeps it. What is said is in the log at the level
    /// `debug`: of private messages their length only.
    fn on_event(&mut self, moment: Moment, client: ClientId, event: &Event) {
        let id = client.0;
        match event {
            Event::Welcome { nick, .. } => {
                let visitor = self.visitor(client);
                let (dialect, address) = visitor.map(|visitor| (visitor.dialect, visitor.address)).unzip();
                let address = address.map(tracing::field::display);
                info!(client = id, nick = &**nick, dialect, address, "joined");
                self.named.push((client, None));
            }
            Event::Left { nick } => info!(client = id, nick = &**nick, "left"),
            Event::Renamed { from, to } => {
                info!(client = id, from = &**from, to = &**to, "renamed");
                self.named.push((client, Some(from.clone())));
            }
            Event::Rejected(refusal) => info!(client = id, reason = refusal.to_string(), "refused to let in"),
            Event::Refused(refusal) => info!(client = id, reason = refusal.to_string(), "refused"),
            Event::Created { room } => info!(client = id, room = &**room, "created a room"),
            Event::Entered { room } => info!(client = id, room = &**room, "entered a room"),
            Event::Exited { room } => info!(client = id, room = &**room, "left a room"),
            Event::Message { from, text } => debug!(client = id, from = &**from, text = &**text, "said"),
            Event::Told { to, text } => {
                debug!(client = id, to = &**to, bytes = text.len(), "said in private");
            }
            Event::RoomMessage { room, from, text } => {
                debug!(client = id, room = &**room, from = &**from, text = &**text, "said in a room");
            }
            _ => {}
        }
        self.memory.keep(moment.at, event);
    }

    fn on_end(&mut self, client: ClientId, why: Ending) {
        let id = client.0;
        match why {
            Ending::Silent => info!(client = id, "took too long to join"),
            Ending::Malformed => {
                let dialect = self.visitor(client).map(|visitor| visitor.dialect);
                debug!(client = id, dialect, "protocol error: malformed request");
            }
            Ending::TooSlow(backlog) => warn!(client = id, backlog, "dropped: it reads too slowly"),
        }
    }
}
