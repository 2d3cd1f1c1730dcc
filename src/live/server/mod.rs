//! The chat on real sockets: six dialects, each on a listener of its own, all people in one room
//! system.
//!
//! Everything runs on one thread. That is not only simple: a message to a hundred people is a
//! hundred writes and nothing else, without locks, channels or wake-ups between them, and what one
//! turn of the event loop has for a connection goes out in one write where the dialect has frames.
//!
//! | file | what it does |
//! | --- | --- |
//! | `hub` | a room server on sockets: writes, passwords, administrators |
//! | `peer` | one connection's socket, and what its tasks wait for |
//! | `connection` | one connection's task: hear, speak |
//! | `accounts` | whose nick it is |
//! | `limits` | what changes while it runs |
//! | `memory` | what was said, and whose nicks are whose |
//! | `porter` | between a socket and its emulated path |

mod accounts;
mod connection;
mod hub;
mod limits;
mod memory;
mod peer;
mod porter;

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration as Span;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tracing::{debug, info, warn};

pub use hub::{ClientInfo, Hub, KeepOut, Shaping, Shared, Totals};
pub use limits::{Contradiction, NEWCOMERS};
pub use peer::Ticket;

use super::admin::{self, Admin, Tail};
use super::clock::Clock;
use super::gateway::{Conditions, GRACE, Gateway, MEMORY, Recorded, Recording};
use super::socket::Socket;
use super::store::{OpenError, Store};
use super::tls::Identity;
use super::web::{self, Desk};
use crate::chat::protocol::{self, Dialect, SPEAKS_WITHIN};
use crate::time::Duration;
use connection::Newcomer;

/// Settings of a server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// People at a time.
    pub max_people: usize,
    /// Rooms at a time.
    pub max_rooms: usize,
    /// Rooms that one person owns at a time.
    pub max_rooms_each: usize,
    /// Connections at a time, those that have not joined too.
    pub max_connections: usize,
    /// Bytes of the largest file that one person sends to others; 0 allows none.
    pub max_file: u64,
    /// Bytes that may wait for one client; beyond, it is dropped.
    pub max_backlog: usize,
    /// Bytes that may wait for all clients together, and of what they ask; beyond, the one for whom most
    /// waits is dropped.
    pub max_memory: usize,
    /// Requests a second that one client may make, 256 bytes of text counting as one more; 0 is
    /// without limit.
    pub rate_limit: u32,
    /// Time for a connection to join.
    pub join_within: Duration,
    /// Messages to everyone that a newcomer is shown.
    pub history: usize,
    /// File in which accounts and history outlive the server, if any.
    pub store: Option<PathBuf>,
    /// Private messages that wait for a registered person at a time.
    pub max_mail: usize,
    /// True if only registered nicks are let in.
    pub accounts_only: bool,
    /// The least time between two messages to a client of a dialect without frames; `None` is each
    /// dialect's own.
    pub pacing: Option<Duration>,
    /// Time for which a kick keeps somebody out.
    pub kicked_for: Duration,
    /// The network between every client and the room; none if there is nothing here.
    pub network: Option<Conditions>,
    /// Capture of its packets.
    pub recording: Option<Recording>,
    /// End of the log, for administrators.
    pub log: Tail,
    /// Settings of the page.
    pub web: web::Settings,
    /// Settings of the dialects.
    pub dialects: protocol::Settings,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            max_people: 10_000,
            max_rooms: 1_000,
            max_rooms_each: 20,
            max_connections: 20_000,
            max_file: 64 << 20,
            max_backlog: 1 << 20,
            max_memory: 256 << 20,
            rate_limit: 1_000,
            join_within: Duration::from_secs(30),
            history: 0,
            store: None,
            max_mail: 100,
            accounts_only: false,
            pacing: None,
            kicked_for: Duration::from_secs(60),
            network: None,
            recording: None,
            log: Tail::default(),
            web: web::Settings::default(),
            dialects: protocol::Settings::default(),
        }
    }
}

/// A listener: a dialect, or two that share a port, and `HOST:PORT`.
pub type Place = (&'static dyn Dialect, String);

/// A server with its sockets bound, not yet serving.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    listeners: Vec<Listener>,
    store: Option<Store>,
    gateway: Option<Gateway>,
    admin: Option<(TcpListener, Option<String>)>,
}

#[derive(Debug)]
struct Listener {
    dialect: &'static dyn Dialect,
    socket: TcpListener,
    /// Identity of the server for TLS.
    identity: Option<Identity>,
}

/// Time for last words over an emulated path to a client.
const CARRIED_WITHIN: Span = Span::from_secs(30);

impl Server {
    /// Binds a listener for each dialect.
    pub async fn bind(settings: Settings, addresses: &[Place]) -> io::Result<Server> {
        let unusable = |path: &PathBuf, error: OpenError| {
            let kind = if error.is_lasting() { io::ErrorKind::InvalidInput } else { io::ErrorKind::Other };
            let words = format!("cannot use {} for accounts and history: {error}", path.display());
            io::Error::new(kind, words)
        };
        let store = match &settings.store {
            Some(path) => Some(Store::open(path).map_err(|error| unusable(path, error))?),
            None => None,
        };
        let start = |network| Gateway::start_recording(network, MEMORY, settings.recording.clone());
        let gateway = settings.network.as_ref().map(start).transpose()?;
        let mut server = Server { settings, listeners: Vec::new(), store, gateway, admin: None };
        server.listen(addresses, None).await?;
        Ok(server)
    }

    /// With further listeners, which speak TLS.
    pub async fn with_tls(mut self, identity: &Identity, addresses: &[Place]) -> io::Result<Server> {
        self.listen(addresses, Some(identity)).await?;
        Ok(self)
    }

    async fn listen(&mut self, addresses: &[Place], identity: Option<&Identity>) -> io::Result<()> {
        for (dialect, address) in addresses {
            let name = |error: io::Error| {
                io::Error::new(
                    error.kind(),
                    format!("cannot listen on {address} for {}: {error}", dialect.name()),
                )
            };
            let socket = TcpListener::bind(address).await.map_err(name)?;
            self.listeners.push(Listener { dialect: *dialect, socket, identity: identity.cloned() });
        }
        Ok(())
    }

    /// With a port for administrators, who must show `token` if there is one; whom other machines
    /// can reach must have one.
    pub async fn with_admin(mut self, address: &str, token: Option<String>) -> io::Result<Server> {
        let listener = admin::bind(address, token.as_deref()).await?;
        self.admin = Some((listener, token));
        Ok(self)
    }

    /// Address for administrators.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref()?.0.local_addr().ok()
    }

    /// Addresses without TLS.
    pub fn addresses(&self) -> Vec<(&'static dyn Dialect, SocketAddr)> {
        self.bound(false)
    }

    /// Addresses with TLS.
    pub fn tls_addresses(&self) -> Vec<(&'static dyn Dialect, SocketAddr)> {
        self.bound(true)
    }

    fn bound(&self, tls: bool) -> Vec<(&'static dyn Dialect, SocketAddr)> {
        let those = self.listeners.iter().filter(|listener| listener.identity.is_some() == tls);
        those.filter_map(|listener| Some((listener.dialect, listener.socket.local_addr().ok()?))).collect()
    }

    /// Serves until `stop` says so, then lets everybody read their last words; the end of the network's capture.
    pub async fn run(self, stop: watch::Sender<bool>) -> Option<Recorded> {
        let mut stopped = stop.subscribe();
        let local = LocalSet::new();
        local
            .run_until(async move {
                let network = self.settings.network.clone().zip(self.gateway.clone());
                let log = self.settings.log.clone();
                let mut hub = Hub::new(Rc::new(self.settings), Clock::start(), self.store);
                hub.shaping = Shaping::new(self.gateway.clone());
                let hub = Rc::new(RefCell::new(hub));
                tokio::task::spawn_local(hub::end_turns(Rc::clone(&hub)));
                let (port, token) = self.admin.unzip();
                let admin = Admin::new(Some(Rc::clone(&hub)), token.flatten(), stop.clone(), network);
                let admin = Rc::new(admin.with_log(log));
                for listener in self.listeners {
                    let (hub, admin) = (Rc::clone(&hub), Rc::clone(&admin));
                    tokio::task::spawn_local(accept(hub, admin, self.gateway.clone(), listener));
                }
                if let Some(port) = port {
                    tokio::task::spawn_local(admin::serve(admin, port));
                }
                let _ = stopped.wait_for(|&stop| stop).await;
                info!("shutting down");
                hub.borrow_mut().close_all();
                // Of a network that has ended nothing is under way.
                let _ = self.gateway.as_ref().map(Gateway::hurry);
                let empty = async {
                    let speaks =
                        |hub: &Hub| hub.open_connections() > 0 || Rc::strong_count(&hub.carrying) > 1;
                    while speaks(&hub.borrow()) {
                        tokio::time::sleep(Span::from_millis(10)).await;
                    }
                };
                let _ = tokio::time::timeout(GRACE, empty).await;
                match &self.gateway {
                    Some(gateway) => gateway.end_recording().await.ok().flatten(),
                    None => None,
                }
            })
            .await
    }
}

/// Takes in whoever comes.
async fn accept(hub: Shared, admin: Rc<Admin>, gateway: Option<Gateway>, listener: Listener) {
    loop {
        match listener.socket.accept().await {
            Ok((socket, address)) => {
                let full = {
                    let hub = hub.borrow();
                    hub.open_connections() + hub.arriving >= hub.settings.max_connections
                };
                if full {
                    warn!(%address, "turned away: too many connections");
                    continue;
                }
                let (hub, admin, gateway) = (Rc::clone(&hub), Rc::clone(&admin), gateway.clone());
                let (dialect, identity) = (listener.dialect, listener.identity.clone());
                hub.borrow_mut().arriving += 1;
                tokio::task::spawn_local(async move {
                    let arrived = arrive(&hub, admin, dialect, identity, (socket, address)).await;
                    hub.borrow_mut().arriving -= 1;
                    match arrived {
                        Ok(Some(arrival)) => welcome(hub, gateway, arrival, address).await,
                        // It wanted nothing but the page.
                        Ok(None) => {}
                        Err(error) => debug!(%address, "no connection came of it: {error}"),
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: others must go first.
                warn!("cannot accept: {error}");
                tokio::time::sleep(Span::from_millis(100)).await;
            }
        }
    }
}

/// A connection that is to be served.
struct Arrival {
    socket: Socket,
    dialect: &'static dyn Dialect,
    ticket: Option<Ticket>,
}

/// Prelude of a connection: the handshakes of TLS and of HTTP, for each of which there is as much time as for
/// joining, and which dialect it is to be.
async fn arrive(
    hub: &Shared,
    admin: Rc<Admin>,
    dialect: &'static dyn Dialect,
    identity: Option<Identity>,
    (socket, address): (TcpStream, SocketAddr),
) -> io::Result<Option<Arrival>> {
    // Nagle against delayed acknowledgments is where the originals' 40 ms come from.
    let _ = socket.set_nodelay(true);
    let patience = Span::from_nanos(hub.borrow().settings.join_within.as_nanos());
    let socket = match identity {
        None => Socket::Plain(socket),
        Some(identity) => {
            let shaken = tokio::time::timeout(patience, Socket::shake_hands(socket, identity.session()?));
            shaken.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?
        }
    };
    let dialect = match dialect.told_apart() {
        Some([waits, speaks]) => {
            if speaks_first(&socket).await {
                speaks
            } else {
                waits
            }
        }
        None if dialect.speaks_http() => {
            let received = web::receive(Desk::new(hub, admin, address.ip()), socket, patience).await?;
            return Ok(received.map(|(socket, ticket)| Arrival { socket, dialect, ticket }));
        }
        None => dialect,
    };
    Ok(Some(Arrival { socket, dialect, ticket: None }))
}

async fn welcome(hub: Shared, gateway: Option<Gateway>, arrival: Arrival, address: SocketAddr) {
    let Arrival { socket, dialect, ticket } = arrival;
    let newcomer = {
        let settings = &hub.borrow().settings;
        let pacing = settings.pacing.unwrap_or_else(|| dialect.pacing());
        let session = dialect.server(&settings.dialects);
        Newcomer { dialect: dialect.name(), address, session, pacing, ticket }
    };
    let Some(gateway) = gateway else {
        return connection::serve_socket(hub, newcomer, socket).await;
    };
    match gateway.open().await {
        Ok([near, far]) => {
            // The pacer stands at the socket, because the path bunches what it carries, and before the
            // path, because what it holds up must not count as a slow reader's.
            let pacing = newcomer.pacing;
            let inside = Rc::new([porter::Inside::default(), porter::Inside::default()]);
            let served = tokio::task::spawn_local(connection::serve_path(
                Rc::clone(&hub),
                newcomer,
                far,
                Rc::clone(&inside),
            ));
            let carrying = Rc::clone(&hub.borrow().carrying);
            let mut carried = pin!(porter::carry(socket, near, pacing, &inside, carrying));
            tokio::select! {
                () = &mut carried => {}
                _ = served => {
                    // A client that reads nothing ends here.
                    let _ = tokio::time::timeout(CARRIED_WITHIN, carried).await;
                }
            }
        }
        Err(_) => warn!("the emulated network has ended"),
    }
}

/// True if the client speaks before it is greeted, as program 4's does and program 2's does not.
async fn speaks_first(socket: &Socket) -> bool {
    let wait = Span::from_nanos(SPEAKS_WITHIN.as_nanos());
    tokio::time::timeout(wait, socket.speaks()).await.is_ok()
}
