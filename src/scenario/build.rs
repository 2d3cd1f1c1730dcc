//! A trial of a scenario becomes a world.

use std::sync::Arc;

use super::workload::{IdlePath, Member, Talk};
use super::{DropSpec, Hop, Scenario, Trial, classes};
use crate::app::{App, chat_client::ChatClient, chat_server::ChatServer};
use crate::chat::client::Seat;
use crate::chat::protocol::{self, Dialect};
use crate::engine::{self, Client, World};
use crate::link::DropList;
use crate::rng::{Rng, Seed};
use crate::tcp;
use crate::time::{Duration, Instant};
use crate::wire::FlowId;

/// Characters of the longest nick that every dialect allows.
const NICK_CHARS: usize = 20;

/// The world of one trial, ready to run.
pub fn build(scenario: &Scenario, trial: Trial) -> World {
    let mut network = Network::new(scenario, trial);
    if scenario.has_chat() {
        network.world.count_messages();
    }
    let Cast { chat_server, parts } = cast(scenario, trial);
    let chat_server = chat_server.map(|app| network.world.add_server(app));
    for part in parts {
        let server_app = match part.server {
            Some(app) => network.world.add_server(app),
            None => chat_server.expect("a server where there is chat"),
        };
        let (client, instances) = network.client(scenario, &part.identity, server_app);
        let flow = network.world.add_client(client, part.client, part.identity.starts);
        drop_listed(&mut network.world, scenario, &part.identity, flow, &instances);
    }
    network.finish(scenario, trial)
}

/// The same without applications: its clients' connections are ports, which whoever has the
/// applications opens.
pub fn build_ports(scenario: &Scenario, trial: Trial) -> (World, Vec<Client>) {
    let mut network = Network::new(scenario, trial);
    let mut clients = Vec::new();
    for identity in identities(scenario, trial) {
        let (mut client, instances) = network.client(scenario, &identity, 0);
        let flow = network.world.reserve_ports(&mut client, identity.starts);
        drop_listed(&mut network.world, scenario, &identity, flow, &instances);
        clients.push(client);
    }
    (network.finish(scenario, trial), clients)
}

/// Identity of a client.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its name, and that of its first flow.
    pub name: String,
    /// Its group, and its number in it.
    pub group: usize,
    /// See [`group`](Identity::group).
    pub member: u32,
    /// Time at which its application begins.
    pub starts: Instant,
}

/// A client's applications.
pub struct Part {
    /// Identity of the client.
    pub identity: Identity,
    /// The one on its own host.
    pub client: Box<dyn App>,
    /// The one at the other end, unless that is the chat's server.
    pub server: Option<Box<dyn App>>,
}

/// All applications of a trial.
pub struct Cast {
    /// The server of all who chat.
    pub chat_server: Option<Box<dyn App>>,
    /// The clients in the order of the scenario.
    pub parts: Vec<Part>,
}

/// Source of what workloads need to make their applications.
pub struct Stage<'a> {
    seed: Seed,
    dialect: &'static dyn Dialect,
    /// Seats of the people who have none yet.
    seats: Box<dyn Iterator<Item = Seat> + 'a>,
}

impl Stage<'_> {
    /// A stream of chance of a member: `client/<name>/<what>`.
    pub(super) fn stream(&self, member: &Member<'_>, what: &str) -> Rng {
        self.seed.stream(&format!("client/{}/{what}", member.name))
    }

    /// Several of them.
    pub(super) fn streams<const N: usize>(&self, member: &Member<'_>, what: [&str; N]) -> [Rng; N] {
        what.map(|what| self.stream(member, what))
    }

    /// The next person of the chat.
    pub(super) fn person(&mut self, name: &str, talk: &Talk) -> Box<dyn App> {
        let seat = self.seats.next().expect("a seat for everyone");
        let label = format!("client/{name}");
        Box::new(ChatClient::new(self.dialect, self.seed, &label, talk.clone(), seat))
    }
}

/// The applications of a trial.
pub fn cast(scenario: &Scenario, trial: Trial) -> Cast {
    let dialect = protocol::by_name(scenario.dialect).expect("a dialect in the table");
    let mut stage = Stage { seed: trial.seed, dialect, seats: Box::new(seats(scenario).into_iter()) };
    let paths: Vec<IdlePath> =
        scenario.groups.iter().map(|group| IdlePath::of(&scenario.links, group)).collect();
    let part = |identity: Identity| {
        let app = &scenario.groups[identity.group].app;
        let member = Member { name: &identity.name, path: paths[identity.group] };
        let (client, server) = (app.client(&mut stage, &member), app.server(&mut stage, &member));
        Part { identity, client, server }
    };
    Cast {
        chat_server: scenario.has_chat().then(|| -> Box<dyn App> { Box::new(ChatServer::new(dialect)) }),
        parts: identities(scenario, trial).map(part).collect(),
    }
}

/// The clients in the order of the scenario.
fn identities(scenario: &Scenario, trial: Trial) -> impl Iterator<Item = Identity> {
    scenario.groups.iter().enumerate().flat_map(move |(group, spec)| {
        (0..spec.count).map(move |member| {
            let name = scenario.flow_name(group, member);
            let starts = spec.start_of(member, &name, trial.seed);
            Identity { name, group, member, starts }
        })
    })
}

/// A world that gets its links, then its clients, then all else.
struct Network {
    world: World,
    /// The instance of each link that everybody shares.
    shared: Vec<Option<[u32; 2]>>,
    /// Each group's settings.
    tcp: Vec<Arc<tcp::Config>>,
}

impl Network {
    fn new(scenario: &Scenario, trial: Trial) -> Network {
        let at = |span: Duration| Instant::ZERO + span;
        let mut world = World::new(trial.seed, at(scenario.warmup), at(scenario.duration));
        let shared = add_links(&mut world, scenario);
        let tcp = scenario.groups.iter().map(|group| Arc::new(group.tcp.clone())).collect();
        Network { world, shared, tcp }
    }

    /// A client with the link instances of its path.
    fn client(
        &mut self,
        scenario: &Scenario,
        identity: &Identity,
        server_app: u32,
    ) -> (Client, Vec<[u32; 2]>) {
        let spec = &scenario.groups[identity.group];
        let instances = instances(&mut self.world, scenario, &self.shared, &spec.path, &identity.name);
        let client = Client {
            name: identity.name.clone(),
            group: spec.name.clone(),
            route: engine::route(&instances),
            tcp: Arc::clone(&self.tcp[identity.group]),
            class: classes::number(&scenario.groups, &spec.class),
            server_app,
            measures: spec.app.measures(),
            connections: engine::Connections::default(),
        };
        (client, instances)
    }

    fn finish(mut self, scenario: &Scenario, trial: Trial) -> World {
        add_schedule(&mut self.world, scenario);
        if scenario.records(trial.number) {
            self.world.record(scenario.record.interval);
            if !scenario.record.pcap.is_empty() {
                self.world.capture(scenario.record.pcap.clone(), scenario.record.pcap_limit);
            }
            if scenario.record.qlog {
                self.world.qlog(scenario.record.flows.clone(), scenario.record.pcap_limit);
            }
        }
        self.world
    }
}

/// Adds all links; returns the instance of each that everybody shares.
pub fn add_links(world: &mut World, scenario: &Scenario) -> Vec<Option<[u32; 2]>> {
    let mut shared = Vec::with_capacity(scenario.links.len());
    for (number, link) in scenario.links.iter().enumerate() {
        let added = world.add_link(&link.name, link.directions.clone());
        assert_eq!(added, number, "links are numbered as in the scenario");
        if link.varies() {
            world.record_capacity(number);
        }
        shared.push((!link.per_client).then(|| world.add_link_instance(number, None)));
    }
    shared
}

/// Adds the changes of links during the trial.
fn add_schedule(world: &mut World, scenario: &Scenario) {
    for change in &scenario.schedule {
        world.schedule(change.at, change.links.clone());
    }
}

/// The link instances on a client's path; its own ones are made.
fn instances(
    world: &mut World,
    scenario: &Scenario,
    shared: &[Option<[u32; 2]>],
    path: &[Hop],
    client: &str,
) -> Vec<[u32; 2]> {
    path.iter()
        .map(|hop| {
            debug_assert_eq!(scenario.links[hop.link].per_client, shared[hop.link].is_none());
            let instance =
                shared[hop.link].unwrap_or_else(|| world.add_link_instance(hop.link, Some(client)));
            hop.turned(instance)
        })
        .collect()
}

fn seats(scenario: &Scenario) -> Vec<Seat> {
    let talkers: Vec<(&str, u32, &Talk)> = scenario
        .groups
        .iter()
        .filter_map(|group| Some((group.name.as_str(), group.count, group.app.talk()?)))
        .collect();
    Seat::all(&talkers, NICK_CHARS)
}

/// Puts the drop lists of one client on the first link that the sender's segments meet.
fn drop_listed(world: &mut World, scenario: &Scenario, identity: &Identity, flow: FlowId, path: &[[u32; 2]]) {
    let listed = |list: &&DropSpec| (list.group, list.member) == (identity.group, identity.member);
    for list in scenario.drops.iter().filter(listed) {
        let route = &engine::route(path)[list.direction.index()];
        world.push_impairment(route[0], Box::new(DropList::new(flow, list.entries.clone())));
    }
}
