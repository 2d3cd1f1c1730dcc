//! The server's side of the administrator's port.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration as Span;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::{info, warn};

use super::network::Network;
use super::places::{Place, Places};
use super::tail::Tail;
use super::wire::encode;
use crate::chat::room::RoomInfo;
use crate::engine::PortInfo;
use crate::live::clock::Clock;
use crate::live::gateway::{Conditions, Gateway};
use crate::live::server::{ClientInfo, KeepOut, Shared};
use crate::live::site::Site;
use crate::time::{self, Duration};

/// The longest request, in bytes.
const REQUEST: usize = 64 * 1024;
/// After a wrong token the next one from the same address is looked at so much later, however many
/// connections it has.
const PENALTY: Span = Span::from_millis(250);
/// Time within which a client must ask first, and send the token: a person types.
const ASKS_WITHIN: Span = Span::from_secs(30);
/// Time for which a request or a reply may be under way.
const MOVES_WITHIN: Span = Span::from_secs(10);
/// Addresses whose turns are kept before the past ones are looked for.
const TURNS: usize = 1_024;
/// An administrator may think this long.
const IDLE: Span = Span::from_secs(3_600);

/// Held by whose token is looked at; when the next one may be.
type Turn = Rc<Mutex<Instant>>;

/// Parts of a server that an administrator may touch.
#[derive(Debug)]
pub struct Admin {
    /// The chat; a proxy has none.
    pub hub: Option<Shared>,
    /// Token that each request must carry, if any.
    pub token: Option<String>,
    /// Ends the server.
    pub stop: watch::Sender<bool>,
    /// Network that every client's bytes cross.
    pub network: Option<Network>,
    log: Tail,
    started: Clock,
    /// By site: its turn to have a token looked at, and when that may be.
    turns: RefCell<HashMap<Site, Turn>>,
}

impl Admin {
    /// An administrator of `hub`, or of the network alone, whose `shutdown` sets `stop`.
    pub fn new(
        hub: Option<Shared>,
        token: Option<String>,
        stop: watch::Sender<bool>,
        network: Option<(Conditions, Gateway)>,
    ) -> Admin {
        let network = network.map(|(conditions, gateway)| Network::new(conditions, gateway));
        let (log, turns) = (Tail::default(), RefCell::default());
        Admin { hub, token, stop, network, log, started: Clock::start(), turns }
    }

    /// With this log to show.
    pub fn with_log(mut self, log: Tail) -> Admin {
        self.log = log;
        self
    }

    /// True if one that sends this token may ask; waits where somebody guesses.
    pub async fn admits(&self, from: IpAddr, sent: Option<&str>) -> bool {
        let Some(token) = &self.token else { return true };
        let turn = self.turn(from);
        let mut next = turn.lock().await;
        sleep_until(*next).await;
        // Digests are compared, so that the time taken says nothing about the token.
        let right = |given| Sha256::digest(given) == Sha256::digest(token);
        if sent.is_some_and(right) {
            return true;
        }
        warn!(%from, "an administrator's request with a wrong token");
        *next = Instant::now() + PENALTY;
        false
    }

    /// The turn of an address; those that have long been over are forgotten.
    fn turn(&self, from: IpAddr) -> Turn {
        let now = Instant::now();
        let mut turns = self.turns.borrow_mut();
        if turns.len() >= TURNS {
            turns.retain(|_, turn| turn.try_lock().map_or(true, |next| *next > now));
        }
        Rc::clone(turns.entry(Site::of(from)).or_insert_with(|| Rc::new(Mutex::new(now))))
    }

    /// The reply to a request whose sender may ask it.
    pub async fn answer(&self, request: &Value) -> Result<Value, String> {
        let (paths, carried) = self.network_now().await;
        let params = &request["params"];
        let text =
            |name: &str| params[name].as_str().ok_or_else(|| format!("`params` needs a text `{name}`"));
        let done = |words: &str| Ok(json!({ "status": "ok", "message": words }));
        let hub = || self.hub.as_ref().ok_or_else(|| "this is a proxy: there is no chat".to_owned());
        match request["command"].as_str() {
            Some("get_stats") => Ok(self.stats(&paths, carried)),
            Some("get_clients") => Ok(json!({ "clients": self.clients(&paths) })),
            Some("kick_client") => {
                let id = text("client_id")?;
                let keep_out = match params["keep_out"].as_str() {
                    Some(words) => KeepOut::by_name(words)?,
                    None => KeepOut::default(),
                };
                done(&hub()?.borrow_mut().kick(id, keep_out)?)
            }
            Some("get_rooms") => {
                Ok(json!({ "rooms": hub()?.borrow().rooms().map(|room| of_room(&room)).collect::<Vec<_>>() }))
            }
            Some("get_log") => Ok(json!({ "lines": self.log.lines() })),
            Some("get_limits") => Ok(hub()?.borrow().limits()),
            Some("set_limits") => hub()?.borrow_mut().set_limits(params),
            Some("broadcast") => {
                hub()?.borrow_mut().announce(text("message")?);
                done("sent to everyone")
            }
            Some("close_room") => {
                let room = text("room")?;
                hub()?.borrow_mut().close_room(room)?;
                done(&format!("room {room} was closed"))
            }
            Some("set_network_sim") => done(&self.simulate(params)?),
            Some("shutdown") => {
                self.stop.send_replace(true);
                done("shutting down")
            }
            Some(other) => Err(format!(
                "unknown command '{other}'; there are get_stats, get_clients, get_rooms, get_log, get_limits, \
                 set_limits, kick_client, broadcast, close_room, set_network_sim and shutdown"
            )),
            None => Err("a request needs a text `command`".to_owned()),
        }
    }

    /// The TCP of every emulated path, by its number, and how many bytes have crossed them.
    async fn network_now(&self) -> (BTreeMap<u64, [PortInfo; 2]>, u64) {
        let Some(network) = &self.network else { return Default::default() };
        let all = network.statistics().await;
        all.map(|all| (all.connections.into_iter().collect(), all.bytes.iter().sum())).unwrap_or_default()
    }

    fn stats(&self, paths: &BTreeMap<u64, [PortInfo; 2]>, carried: u64) -> Value {
        let details: serde_json::Map<String, Value> = self
            .clients(paths)
            .into_iter()
            .map(|client| (client["id"].as_str().unwrap_or_default().to_owned(), client))
            .collect();
        let Some(hub) = &self.hub else {
            return json!({
                "connected_clients": paths.len(),
                "uptime": (self.started.now() - time::Instant::ZERO).as_secs_f64(),
                "bytes_transferred": carried,
                "network": self.conditions(),
                "client_details": details,
            });
        };
        let totals = hub.borrow().totals();
        json!({
            "connected_clients": totals.open,
            "people": totals.people,
            "total_messages": totals.count.requests,
            "messages_delivered": totals.count.messages_out,
            "uptime": totals.uptime.as_secs_f64(),
            "bytes_transferred": totals.count.bytes_in + totals.count.bytes_out,
            "network": self.conditions(),
            "client_details": details,
        })
    }

    fn conditions(&self) -> Value {
        self.network.as_ref().map_or(Value::Null, Network::describe)
    }

    fn clients(&self, paths: &BTreeMap<u64, [PortInfo; 2]>) -> Vec<Value> {
        let Some(hub) = &self.hub else { return paths.iter().map(of_path).collect() };
        let clients = hub.borrow().clients();
        clients.iter().map(|client| describe(client, client.path.and_then(|path| paths.get(&path)))).collect()
    }
}

fn of_room(room: &RoomInfo) -> Value {
    json!({
        "room": &*room.name,
        "private": room.private,
        "owner": room.owner.as_deref(),
        "members": room.here,
        "away": room.away,
        "invited": room.invited,
    })
}

/// A proxy's connection: what it carried, and the figures of its two ends.
fn of_path((number, ends): (&u64, &[PortInfo; 2])) -> Value {
    let mut value = json!({
        "id": number.to_string(),
        "bytes_in": ends[1].read,
        "bytes_out": ends[0].read,
        "queue_bytes": ends[1].written.saturating_sub(ends[0].read),
    });
    if let (Some(value), Value::Object(figures)) = (value.as_object_mut(), of_tcp(&ends[1])) {
        value.extend(figures);
    }
    value
}

/// The figures of an end of an emulated path.
pub fn of_tcp(end: &PortInfo) -> Value {
    json!({
        "congestion_window": end.snapshot.window(),
        "ssthresh": end.snapshot.ssthresh,
        "rto": end.snapshot.rto.as_secs_f64(),
        "rtt": end.snapshot.srtt.map(Duration::as_secs_f64),
        "retransmissions": end.stats.retransmits,
        "state": end.snapshot.phase.name(),
        "window_unit": "bytes",
    })
}

/// A connection's figures: those of the server's end of its emulated path, else those of the
/// dialect's own acknowledgments, else none.
fn describe(client: &ClientInfo, path: Option<&[PortInfo; 2]>) -> Value {
    let mut value = json!({
        "id": client.id,
        "username": client.nick,
        "address": client.address.to_string(),
        "dialect": client.dialect,
        "connected_s": client.age.as_secs_f64(),
        "messages_in": client.count.requests,
        "messages_out": client.count.messages_out,
        "bytes_in": client.count.bytes_in,
        "bytes_out": client.count.bytes_out,
        "queue_bytes": client.backlog,
        "network": client.network,
        "pending_messages": client.account.map_or(0, |account| account.pending),
    });
    let figures = match (path, client.account) {
        (Some([_, far]), _) => of_tcp(far),
        (None, Some(account)) => json!({
            "congestion_window": account.cwnd,
            "ssthresh": account.ssthresh,
            "rto": account.rto.as_secs_f64(),
            "rtt": account.srtt.map(Duration::as_secs_f64),
            "retransmissions": account.retransmissions,
            "state": account.state,
            "window_unit": "messages",
        }),
        // The kernel's TCP does not tell. The original tool wants numbers all the same.
        (None, None) => json!({ "congestion_window": 0, "rto": 0, "state": "kernel" }),
    };
    if let (Some(value), Value::Object(figures)) = (value.as_object_mut(), figures) {
        value.extend(figures);
    }
    value
}

/// Binds an address for administrators. Without a token only this machine's own will do; an empty one,
/// which everybody has, is refused.
pub async fn bind(address: &str, token: Option<&str>) -> io::Result<TcpListener> {
    if token == Some("") {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "an empty token keeps nobody out"));
    }
    let name = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot listen on {address} for administrators: {error}"))
    };
    let listener = TcpListener::bind(address).await.map_err(name)?;
    if token.is_none() && !listener.local_addr()?.ip().is_loopback() {
        let problem = format!("administrators at {address} need a token: anybody could connect");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    Ok(listener)
}

/// Serves administrators until the server ends.
pub async fn serve(admin: Rc<Admin>, listener: TcpListener) {
    let places = Rc::new(RefCell::new(Places::default()));
    loop {
        match listener.accept().await {
            Ok((socket, address)) => {
                info!(%address, "an administrator connected");
                let admin = Rc::clone(&admin);
                let place = Rc::new(Place::take(&places, address.ip()));
                let of_task = Rc::clone(&place);
                let task = tokio::task::spawn_local(async move {
                    let _ = converse(&admin, socket, address.ip(), &of_task).await;
                });
                place.ends_by(task.abort_handle());
            }
            Err(error) => {
                warn!("cannot accept an administrator: {error}");
                tokio::time::sleep(Span::from_millis(100)).await;
            }
        }
    }
}

async fn converse(admin: &Admin, mut socket: TcpStream, from: IpAddr, place: &Place) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut patience = ASKS_WITHIN;
    loop {
        let by = Instant::now() + patience;
        let length = timeout_at(by, socket.read_u32()).await?? as usize;
        if length > REQUEST {
            let reply = json!({ "error": format!("a request of {length} bytes; the longest is {REQUEST}") });
            return socket.write_all(&encode(&reply)).await;
        }
        let mut bytes = vec![0; length];
        let by = by.min(Instant::now() + MOVES_WITHIN);
        timeout_at(by, socket.read_exact(&mut bytes)).await??;
        let reply = match serde_json::from_slice::<Value>(&bytes) {
            Err(error) => Err(format!("this is no JSON: {error}")),
            Ok(request) if !admin.admits(from, request["token"].as_str()).await => {
                Err("a wrong token".to_owned())
            }
            Ok(request) => {
                if place.is_known() {
                    patience = IDLE;
                }
                admin.answer(&request).await
            }
        };
        let reply = reply.unwrap_or_else(|error| json!({ "error": error }));
        timeout(MOVES_WITHIN, socket.write_all(&encode(&reply))).await??;
    }
}
