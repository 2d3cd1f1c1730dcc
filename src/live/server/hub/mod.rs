//! The one place where all connections meet: the room, its people on every dialect, and what waits
//! for each of them. It lives on one thread, so nothing is locked; what several requests of one
//! turn of the event loop have for a connection is written together at the turn's end.
//!
//! The path of a request, a verb for each stage:
//!
//! | stage | verb |
//! | --- | --- |
//! | bytes of one read become requests | `receive` |
//! | the next is served now, or waits for its rate, its author's answers, the floor | `schedule` |
//! | it is held where it must be kept first | `begin` |
//! | whom it lets in, with which password | `admit` |
//! | the room answers | `serve` |
//! | each who hears of it | `tell` |
//! | what that session sends joins its queue, which has a bound | `collect` |
//! | what the turn left is written | `flush` |

mod admission;
mod chronicle;
mod ending;
mod floor;
mod hearing;
mod holding;
mod inspection;
mod kick;
mod owed;
mod writing;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep_until;
use tracing::{debug, info};

use super::Settings;
use super::accounts::{Gate, Waiting};
use super::memory::Memory;
use super::peer::{Count, Flushed, Peer};
use crate::chat::message::{Audience, ClientId, Delivery, Event, Request};
use crate::chat::protocol::{After, Asked, EVERYONE, Encodings, Moment, SERVER, ServerSession};
use crate::chat::room::{Room, Rules};
use crate::chat::server::outgoing::Origin;
use crate::live::clock::Clock;
use crate::live::socket::Socket;
use crate::live::store::Store;
use crate::time::{Duration, Instant};

pub(super) use hearing::Turn;
use holding::Holding;
pub use inspection::{ClientInfo, Totals};
pub use kick::KeepOut;
use owed::{Keeping, Owed};

/// A hub, shared by the tasks of its thread.
pub type Shared = Rc<RefCell<Hub>>;

/// How long an ending connection may take to read its last words.
const LINGER: Duration = Duration::from_secs(1);

/// All connections and their room.
#[derive(Debug)]
pub struct Hub {
    pub(super) settings: Rc<Settings>,
    clock: Clock,
    room: Room,
    peers: Vec<Option<Box<Peer>>>,
    free: Vec<ClientId>,
    open: usize,
    /// Connections that have not said which dialect they speak, or are shaking hands.
    pub(super) arriving: usize,
    /// Held besides by every connection for whose client something may be under way on an emulated path.
    pub(super) carrying: Rc<()>,
    served: u64,
    events: u64,
    /// Whom the end of the turn has something for.
    dirty: Vec<ClientId>,
    turn_ends: Rc<Notify>,
    /// Sessions that want the list of people at every change.
    watchers: Vec<ClientId>,
    memory: Memory,
    /// What waits until what was said is kept.
    holding: Holding,
    /// Who has been told what waited for it.
    owed: BTreeMap<ClientId, Owed>,
    /// Lets one password be hashed at a time.
    hashing: Arc<Semaphore>,
    /// Who waits for that, and is not heard meanwhile.
    gated: Vec<Waiting>,
    /// Gates to be opened once the hub is free.
    gates: Vec<(Waiting, String, Gate)>,
    /// Who may speak to others when.
    floor: floor::Floor,
    /// Whose requests are being served, and whether they have reached anybody else.
    author: Option<ClientId>,
    reached_others: bool,
    /// Deliveries and requests so far.
    deliveries_made: u64,
    /// Memory that all connections' queues take.
    held: usize,
    /// Whom an administrator has disconnected lately.
    kicked: Vec<kick::Kicked>,
    gone: Count,
    /// Scratch space, kept for its memory.
    pub(super) buffer: Vec<u8>,
    asked: Asked,
    deliveries: Vec<Delivery>,
}

impl Hub {
    /// An empty hub.
    pub fn new(settings: Rc<Settings>, clock: Clock, store: Option<Store>) -> Hub {
        let memory = Memory::new(store, settings.history, settings.accounts_only, settings.max_mail);
        let rules = Rules {
            people: settings.max_people,
            rooms: settings.max_rooms,
            rooms_each: settings.max_rooms_each,
            entering_founds: false,
            text_bytes: settings.max_text,
            reserved: &[SERVER, EVERYONE],
            ..Rules::default()
        };
        let mut room = Room::new(rules);
        room.restore(memory.rooms());
        Hub {
            settings,
            clock,
            room,
            peers: Vec::new(),
            free: Vec::new(),
            open: 0,
            arriving: 0,
            carrying: Rc::default(),
            served: 0,
            events: 0,
            dirty: Vec::new(),
            turn_ends: Rc::default(),
            watchers: Vec::new(),
            memory,
            holding: Holding::default(),
            owed: BTreeMap::new(),
            hashing: Arc::new(Semaphore::new(1)),
            gated: Vec::new(),
            gates: Vec::new(),
            floor: floor::Floor::default(),
            author: None,
            reached_others: false,
            deliveries_made: 0,
            held: 0,
            kicked: Vec::new(),
            gone: Count::default(),
            buffer: Vec::new(),
            asked: Asked::default(),
            deliveries: Vec::new(),
        }
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        self.open
    }

    /// The clock of all its moments.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Takes in a connection.
    pub(super) fn open(
        &mut self,
        dialect: &'static str,
        address: SocketAddr,
        session: Box<dyn ServerSession>,
        socket: Option<Rc<Socket>>,
        pacing: Duration,
    ) -> ClientId {
        let moment = self.clock.moment();
        self.open += 1;
        self.served += 1;
        let mut peer =
            Box::new(Peer::new(self.served, dialect, address, session, pacing, &self.settings, moment.now));
        peer.socket = socket;
        peer.join_by = Some(moment.now + self.settings.join_within);
        let watches = peer.session.wants_people();
        let id = self.free.pop().unwrap_or(ClientId(self.peers.len() as u32));
        let place = id.0 as usize;
        if place == self.peers.len() {
            self.peers.push(None);
        }
        if watches {
            self.watchers.push(id);
        }
        let mut asked = std::mem::take(&mut self.asked);
        peer.session.open(moment, self.open, &mut asked);
        asked.drain().for_each(|ask| peer.ask(ask));
        self.asked = asked;
        self.peers[place] = Some(peer);
        self.author = Some(id);
        self.collect(moment.now, id);
        self.author = None;
        debug!(client = id.0, %address, dialect, "connected");
        id
    }

    pub(super) fn peer(&mut self, id: ClientId) -> Option<&mut Peer> {
        self.peers.get_mut(id.0 as usize)?.as_deref_mut()
    }

    /// Whether anything that it says is still heard.
    fn hears(&self, id: ClientId) -> bool {
        let peer = self.peers.get(id.0 as usize).and_then(Option::as_deref);
        peer.is_some_and(|peer| peer.closing_by.is_none())
    }

    /// Lets the room answer a request and tells everyone who hears of it.
    fn serve(&mut self, moment: Moment, id: ClientId, request: Request) {
        if let Request::Join { nick } | Request::Rename { nick } = &request {
            self.announce_departure_of(moment, nick);
        }
        let wanted = if let Request::Join { nick } = &request { Some(nick.clone()) } else { None };
        if wanted.is_some() {
            // A newcomer's history begins where its own hearing ends.
            self.settle();
        }
        let request = self.settle_nick(id, request);
        let mut people_changed = false;
        let mut deliveries = std::mem::take(&mut self.deliveries);
        let mut keeping = Keeping { memory: &mut self.memory, moment, failed: false };
        self.room.handle_kept(id, request.printable(), &mut keeping, &mut deliveries);
        if keeping.failed {
            self.holding.refuse_last();
        }
        for Delivery { to, event } in deliveries.drain(..) {
            self.note(id, &event);
            if let Event::Left { nick } = &event
                && !self.tells_departure(moment.now, nick)
            {
                continue;
            }
            people_changed |= event.changes_people();
            self.memory.keep(moment.at, &event);
            self.tell(moment, &to, &event);
        }
        self.deliveries = deliveries;
        if let (Some(wanted), Some(nick)) = (wanted, self.room.nick(id).cloned()) {
            self.greet(moment, id, &wanted, &nick);
        }
        if people_changed {
            self.tell_watchers(moment);
        }
    }

    /// Gives the list of people to those who want it at every change.
    fn tell_watchers(&mut self, moment: Moment) {
        if self.watchers.is_empty() {
            return;
        }
        let members = self.watchers.iter().copied().filter(|&id| self.room.nick(id).is_some()).collect();
        let to = Audience::Group { members: Arc::new(members), but: None };
        self.tell(moment, &to, &Event::People { names: self.room.people() });
    }

    fn tell_now(&mut self, moment: Moment, to: &Audience, event: &Event) {
        self.events += 1;
        let mut encodings = Encodings::new(self.events);
        for id in to.iter() {
            if !self.hears(id) {
                continue;
            }
            self.deliveries_made += 1;
            self.reached_others |= self.author != Some(id);
            let is_past = matches!(event, Event::Past { .. });
            let Some(peer) = self.peer(id).filter(|peer| !peer.is_broken()) else { continue };
            let after = peer.session.tell(moment, event, &mut encodings);
            if is_past {
                peer.collect(Origin::Past);
            }
            self.collect(moment.now, id);
            if after == After::Close {
                self.begin_close(moment, id);
            }
        }
    }

    /// The deadline for which a connection's timer waits.
    pub(super) fn arm(&mut self, id: ClientId) -> Option<Instant> {
        let peer = self.peer(id)?;
        let deadline = peer.deadline();
        peer.armed = deadline.unwrap_or(Instant::MAX);
        deadline
    }

    /// A deadline has come; whether the connection is over.
    pub(super) fn handle_timeout(&mut self, id: ClientId) -> bool {
        let moment = self.clock.moment();
        let Some(peer) = self.peer(id) else { return true };
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= moment.now);
        if due(peer.closing_by) {
            if peer.reads_on() {
                peer.closing_by = Some(moment.now + LINGER);
                return false;
            }
            return true;
        }
        if due(peer.join_by) && !peer.session.must_join() {
            peer.join_by = None;
        } else if due(peer.join_by) {
            info!(client = id.0, "took too long to join");
            self.begin_close(moment, id);
        } else if due(peer.session_deadline()) {
            let after = self.ask_by_itself(id, |session, asked| session.handle_timeout(moment, asked));
            self.collect(moment.now, id);
            if after == Some(After::Close) {
                self.begin_close(moment, id);
            }
        }
        false
    }
}

/// At the end of each turn writes what it left for anybody.
pub(super) async fn end_turns(shared: Shared) {
    let turn_ends = Rc::clone(&shared.borrow().turn_ends);
    let mut dirty = Vec::new();
    let mut next_departure = None::<Instant>;
    loop {
        let clock = shared.borrow().clock();
        tokio::select! {
            () = turn_ends.notified() => {}
            () = sleep_until(clock.wall(next_departure.unwrap_or(clock.now()))), if next_departure.is_some() => {}
        }
        let mut hub = shared.borrow_mut();
        next_departure = hub.announce_departures();
        hub.settle();
        for (client, nick, gate) in std::mem::take(&mut hub.gates) {
            tokio::task::spawn_local(admission::try_password(Rc::clone(&shared), client, nick, gate));
        }
        std::mem::swap(&mut dirty, &mut hub.dirty);
        let now = hub.clock.now();
        for id in dirty.drain(..) {
            let Some(peer) = hub.peer(id) else { continue };
            peer.dirty = false;
            // What cannot be written at once is its writer's business.
            if peer.socket.is_none() || peer.flush(now) != Flushed::Idle {
                peer.writer.notify_one();
            }
            hub.forget_what_was_taken(id);
            hub.look(now, id);
        }
    }
}
