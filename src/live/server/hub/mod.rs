//! The one place where all connections meet: a [`RoomServer`] on real sockets and a real clock. It lives on
//! one thread, so nothing is locked; what several requests of one turn of the event loop have for a
//! connection is written together at the turn's end.
//!
//! The room server decides about requests; here its sockets are written, its tasks roused
//! and its passwords tried, and administrators look and act.

mod admission;
mod comeback;
mod inspection;
mod kick;
mod owed;
mod registry;
mod shaping;
mod writing;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep_until;
use tracing::debug;

use super::Settings;
use super::connection::Newcomer;
use super::memory::Memory;
use super::peer::{Key, Peer};
use crate::chat::message::ClientId;
use crate::chat::protocol::{EVERYONE, SERVER};
use crate::chat::room::{Room, Rules};
use crate::chat::server::{Bounds, Count, Outgoing, RoomServer, Turn};
use crate::live::clock::Clock;
use crate::live::site::Site;
use crate::live::socket::Socket;
use crate::live::store::Store;
use crate::live::web;
use crate::time::{Duration, Instant};

pub use inspection::{ClientInfo, Totals};
pub use kick::KeepOut;
use owed::Owed;
use registry::{Registry, Visitor};
pub use shaping::Shaping;
pub(super) use writing::Flushed;

/// A hub, shared by the tasks of its thread.
pub type Shared = Rc<RefCell<Hub>>;

/// Time for an ending connection to read its last words.
const LINGER: Duration = Duration::from_secs(1);

fn rules(settings: &Settings) -> Rules {
    Rules {
        people: settings.max_people,
        rooms: settings.max_rooms,
        rooms_each: settings.max_rooms_each,
        entering_founds: false,
        text_bytes: settings.dialects.max_text,
        file_bytes: settings.max_file,
        reserved: &[SERVER, EVERYONE],
        ..Rules::default()
    }
}

fn bounds(settings: &Settings) -> Bounds {
    Bounds {
        rate: settings.rate_limit,
        backlog: settings.max_backlog,
        memory: settings.max_memory,
        linger: LINGER,
    }
}

/// All connections and their room.
#[derive(Debug)]
pub struct Hub {
    pub(super) settings: Rc<Settings>,
    /// Bytes of the longest text for which connections are made.
    longest_text: usize,
    clock: Clock,
    server: RoomServer<Registry>,
    peers: Vec<Option<Box<Peer>>>,
    free: Vec<ClientId>,
    open: usize,
    /// Connections that have not said which dialect they speak, or are shaking hands.
    pub(super) arriving: usize,
    /// Held besides by every connection for whose client something may be under way on an emulated path.
    pub(super) carrying: Rc<()>,
    served: u64,
    turn_ends: Rc<Notify>,
    /// Notification for the end of turns.
    armed: Option<Instant>,
    /// Connections whose clients may come back on another.
    keys: BTreeMap<Key, ClientId>,
    /// People whose mail has been told.
    owed: BTreeMap<ClientId, Owed>,
    /// Lets one password be hashed at a time.
    hashing: Arc<Semaphore>,
    gone: Count,
    /// Networks of single persons.
    pub(super) shaping: Shaping,
    /// Scratch space, kept for its memory.
    pub(super) buffer: Vec<u8>,
}

impl Hub {
    /// An empty hub.
    pub fn new(settings: Rc<Settings>, clock: Clock, store: Option<Store>) -> Hub {
        let memory = Memory::new(store, settings.history, settings.accounts_only, settings.max_mail);
        let mut room = Room::new(rules(&settings));
        room.restore(memory.rooms());
        let bounds = bounds(&settings);
        let server = RoomServer::backed(room, Registry::new(memory));
        Hub {
            server: server.join_within(settings.join_within).bounded(bounds),
            longest_text: settings.dialects.max_text,
            settings,
            clock,
            peers: Vec::new(),
            free: Vec::new(),
            open: 0,
            arriving: 0,
            carrying: Rc::default(),
            served: 0,
            turn_ends: Rc::default(),
            armed: None,
            keys: BTreeMap::new(),
            owed: BTreeMap::new(),
            hashing: Arc::new(Semaphore::new(1)),
            gone: Count::default(),
            shaping: Shaping::default(),
            buffer: Vec::new(),
        }
    }

    /// Settings of the page.
    pub fn web(&self) -> &web::Settings {
        &self.settings.web
    }

    /// Number of open connections.
    pub fn open_connections(&self) -> usize {
        self.open
    }

    /// The clock of all its moments.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Takes in a connection.
    pub(super) fn open(&mut self, newcomer: Newcomer, socket: Option<Rc<Socket>>) -> ClientId {
        let Newcomer { dialect, address, session, pacing, ticket } = newcomer;
        let moment = self.clock.moment();
        self.open += 1;
        self.served += 1;
        let id = self.free.pop().unwrap_or(ClientId(self.peers.len() as u32));
        // Of a key that is in use nobody else comes back.
        let key = ticket.map(|ticket| ticket.key).filter(|key| !self.keys.contains_key(key));
        let place = id.0 as usize;
        if place == self.peers.len() {
            self.peers.push(None);
        }
        self.peers[place] = Some(Box::new(Peer::new(socket, session.is_framed(), key)));
        self.keys.extend(key.map(|key| (key, id)));
        let visitor = Visitor { serial: self.served, dialect, address, since: moment.now };
        let registry = self.server.backing_mut();
        registry.set_visitor(id, Some(visitor));
        let site = registry.site(id).map_or(0, Site::to_bits);
        self.server.open_from(moment, id, session, site, pacing);
        self.pass_on();
        debug!(client = id.0, %address, dialect, "connected");
        id
    }

    pub(super) fn peer(&mut self, id: ClientId) -> Option<&mut Peer> {
        self.peers.get_mut(id.0 as usize)?.as_deref_mut()
    }

    /// One read of a connection; [`schedule`](Self::schedule) serves what it asks.
    pub(super) fn receive(&mut self, id: ClientId, bytes: &[u8]) {
        self.server.receive(self.clock.moment(), id, bytes);
        self.forget_what_was_taken(id);
        self.pass_on();
    }

    /// Serves what a client has asked until it has to wait.
    pub(super) fn schedule(&mut self, id: ClientId) -> Turn {
        let turn = self.server.schedule(self.clock.moment(), id);
        self.forget_what_was_taken(id);
        self.pass_on();
        turn
    }

    /// The client has closed its side, and all that it sent is read.
    pub(super) fn read_all(&mut self, id: ClientId) {
        self.server.read_all(self.clock.moment(), id);
        self.pass_on();
    }

    /// The same, and all that it asked is served.
    pub(super) fn end_of_file(&mut self, id: ClientId) {
        self.server.close(self.clock.moment(), id);
        self.pass_on();
    }

    /// Bytes written to a connection so far, and those that wait.
    pub(super) fn progress(&self, id: ClientId) -> (u64, usize) {
        let waiting = self.server.outgoing(id).map_or(0, Outgoing::bytes);
        (self.server.figures(id).0.bytes_out, waiting)
    }

    /// The connection is gone.
    pub(super) fn forget(&mut self, id: ClientId) {
        if let Some(peer) = self.peers.get_mut(id.0 as usize).and_then(Option::take) {
            if let Some(key) = peer.key {
                self.keys.remove(&key);
            }
            self.gone.add(&self.server.figures(id).0);
            self.server.forget(self.clock.moment(), id);
            self.server.backing_mut().set_visitor(id, None);
            self.owed.remove(&id);
            self.open -= 1;
            self.free.push(id);
            debug!(client = id.0, "disconnected");
        }
        self.pass_on();
    }

    /// Rouses the tasks for which the room server has something.
    fn pass_on(&mut self) {
        while let Some(id) = self.server.poll_roused() {
            self.peer(id).into_iter().for_each(|peer| peer.heard.notify_one());
        }
        let at = self.server.poll_timeout();
        let is_nearer = at.is_some_and(|at| self.armed.is_none_or(|armed| at < armed));
        if self.server.poll_turn() || is_nearer {
            self.turn_ends.notify_one();
        }
    }

    /// Does what is due, and writes what the turn left for anybody.
    fn end_turn(&mut self) {
        let moment = self.clock.moment();
        let named = std::mem::take(&mut self.server.backing_mut().named);
        self.shape_named(named);
        self.server.handle_timeout(moment);
        while let Some(id) = self.server.poll_overdue() {
            self.peer(id).into_iter().for_each(|peer| peer.overdue.notify_one());
        }
        self.server.end_turn(moment);
        while let Some(id) = self.server.poll_dirty() {
            let flushed = self.write(moment.now, id);
            let Some(peer) = self.peer(id) else { continue };
            // Bytes that cannot be written at once are the writer's business.
            if peer.socket.is_none() || flushed != Flushed::Idle {
                peer.writer.notify_one();
            }
            self.after_write(moment.now, id);
        }
        self.armed = self.server.poll_timeout();
        self.pass_on();
    }
}

/// At the end of each turn, and whenever something is due, does that and writes what it left for anybody.
pub(super) async fn end_turns(shared: Shared) {
    let turn_ends = Rc::clone(&shared.borrow().turn_ends);
    loop {
        let (clock, armed) = (shared.borrow().clock, shared.borrow().armed);
        tokio::select! {
            () = turn_ends.notified() => {}
            () = sleep_until(clock.wall(armed.unwrap_or(clock.now()))), if armed.is_some() => {}
        }
        let gates = {
            let mut hub = shared.borrow_mut();
            hub.end_turn();
            std::mem::take(&mut hub.server.backing_mut().gates)
        };
        for (client, nick, gate) in gates {
            tokio::task::spawn_local(admission::try_password(Rc::clone(&shared), client, nick, gate));
        }
    }
}
