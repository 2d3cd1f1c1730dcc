//! Views and deeds of an administrator.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;
use tracing::info;

use super::{Hub, bounds, rules};
use crate::chat::message::{Audience, ClientId, Event};
use crate::chat::printable::printable;
use crate::chat::protocol::Account;
use crate::chat::room::RoomInfo;
use crate::chat::server::{Count, Latency};
use crate::live::gateway::OwnNetwork;
use crate::time::{Duration, Instant};
use crate::units::Bytes;

/// An administrator's view of a connection.
#[derive(Clone, Debug)]
pub struct ClientInfo {
    /// Its public name: `client_<seconds>_<number>`, as in program 0.
    pub id: String,
    /// Empty before it has joined.
    pub nick: String,
    /// Its address.
    pub address: SocketAddr,
    /// Its dialect.
    pub dialect: &'static str,
    /// For how long it has been here.
    pub age: Duration,
    /// Its traffic.
    pub count: Count,
    /// Bytes that wait to be written or acknowledged.
    pub backlog: usize,
    /// The network that its person has for itself, in words.
    pub network: Option<String>,
    /// The number of its emulated path.
    pub path: Option<u64>,
    /// The dialect's own acknowledgments.
    pub account: Option<Account>,
}

/// An administrator's view of the server.
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    /// Connections.
    pub open: usize,
    /// People.
    pub people: usize,
    /// Since the server's start.
    pub uptime: Duration,
    /// Of all connections, past ones too.
    pub count: Count,
    /// Time that deliveries of what others said have taken.
    pub latency: Latency,
}

impl Hub {
    /// Says something to everyone in the server's name.
    pub fn announce(&mut self, text: &str) {
        let moment = self.clock.moment();
        let members = Arc::clone(self.server.room().everyone());
        let to = Audience::Group { members, but: None };
        self.server.tell(moment, &to, &Event::Notice { text: printable(text).into() });
        self.pass_on();
    }

    /// The limits by their names.
    pub fn limits(&self) -> Value {
        self.settings.limits()
    }

    /// Changes limits, all that are named or none; the limits then.
    pub fn set_limits(&mut self, changes: &Value) -> Result<Value, String> {
        let Value::Object(changes) = changes else { return Err("`params` are names of limits".to_owned()) };
        let settings = self.settings.with_limits(changes)?;
        if settings.dialects.max_text > self.longest_text {
            let most = Bytes(self.longest_text as u64);
            return Err(format!(
                "`max_message` is at most {most} as long as this server runs: connections are made for that"
            ));
        }
        let (before, after) = (self.limits(), settings.limits());
        for name in changes.keys().filter(|name| before[name.as_str()] != after[name.as_str()]) {
            info!(limit = name, from = %before[name.as_str()], to = %after[name.as_str()], "limit changed");
        }
        self.server.reform(rules(&settings), bounds(&settings), settings.join_within);
        self.settings = Rc::new(settings);
        Ok(after)
    }

    /// All rooms.
    pub fn rooms(&self) -> impl Iterator<Item = RoomInfo> {
        self.server.room().rooms()
    }

    /// Everyone's figures.
    pub fn clients(&self) -> Vec<ClientInfo> {
        let now = self.clock.now();
        let info = |id: ClientId| {
            let (peer, visitor) = (self.peers[id.0 as usize].as_deref()?, self.server.backing().visitor(id)?);
            let (count, backlog) = self.server.figures(id);
            let nick = self.server.room().nick(id).map(ToString::to_string).unwrap_or_default();
            Some(ClientInfo {
                id: self.public_id(id)?,
                network: self.own_network(&nick).map(OwnNetwork::describe),
                nick,
                address: visitor.address,
                dialect: visitor.dialect,
                age: now - visitor.since,
                count,
                backlog,
                path: peer.path,
                account: self.server.session(id)?.account(),
            })
        };
        self.ids().filter_map(info).collect()
    }

    /// The server's figures.
    pub fn totals(&self) -> Totals {
        let mut count = self.gone;
        for id in self.ids() {
            count.add(&self.server.figures(id).0);
        }
        let uptime = self.clock.now() - Instant::ZERO;
        let latency = *self.server.latency();
        Totals { open: self.open, people: self.server.room().len(), uptime, count, latency }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ClientId> + use<> {
        (0..self.peers.len() as u32).map(ClientId)
    }

    pub(super) fn public_id(&self, id: ClientId) -> Option<String> {
        let visitor = self.server.backing().visitor(id)?;
        let since = self.clock.unix_seconds(visitor.since);
        Some(format!("client_{since}_{}", 1_000 + visitor.serial))
    }

    /// Ends every connection after its last words.
    pub fn close_all(&mut self) {
        self.server.close_all(self.clock.moment());
        self.pass_on();
    }
}
