//! A trial of a scenario becomes a world.

use std::sync::Arc;

use super::workload::{AppSpec, Talk};
use super::{Scenario, Trial};
use crate::app::{App, chat_client::ChatClient, chat_server::ChatServer};
use crate::chat::client::Seat;
use crate::chat::protocol::{self, Dialect};
use crate::engine::{self, Client, World};
use crate::link::DropList;
use crate::rng::Seed;
use crate::time::{Duration, Instant};
use crate::wire::FlowId;

/// Characters of the longest nick that every dialect allows.
const NICK_CHARS: usize = 20;

/// The world of one trial, ready to run.
pub fn build(scenario: &Scenario, trial: Trial) -> World {
    let at = |span: Duration| Instant::ZERO + span;
    let mut world = World::new(trial.seed, at(scenario.warmup), at(scenario.duration));
    let shared = add_links(&mut world, scenario);
    let dialect = protocol::by_name(scenario.dialect).expect("a dialect in the table");
    let chat_server = scenario.has_chat().then(|| {
        world.count_messages();
        world.add_server(Box::new(ChatServer::new(dialect)))
    });
    let mut seats = seats(scenario).into_iter();
    for (group, spec) in scenario.groups.iter().enumerate() {
        let tcp = Arc::new(spec.tcp.clone());
        for member in 0..spec.count {
            let name = scenario.flow_name(group, member);
            let start = spec.start_of(member, &name, trial.seed);
            let instances = instances(&mut world, scenario, &shared, &spec.path, &name);
            let (app, server_app): (Box<dyn App>, u32) = match &spec.app {
                AppSpec::Bulk(bulk) => (bulk.client(), world.add_server(bulk.server())),
                AppSpec::Chat(talk) => {
                    let seat = seats.next().expect("a seat for everyone");
                    let server = chat_server.expect("a server where there is chat");
                    (person(dialect, trial.seed, &name, talk, seat), server)
                }
            };
            let client = Client {
                name,
                group: spec.name.clone(),
                route: engine::route(&instances),
                tcp: Arc::clone(&tcp),
                server_app,
                bulk: matches!(spec.app, AppSpec::Bulk(_)),
                connections: engine::Connections::default(),
            };
            let flow = world.add_client(client, app, start);
            drop_listed(&mut world, scenario, (group, member), flow, &instances);
        }
    }
    for change in &scenario.schedule {
        world.schedule(change.at, change.links.clone());
    }
    if scenario.records(trial.number) {
        world.record(scenario.record.interval);
    }
    world
}

/// Adds all links; returns the instance of each that everybody shares.
fn add_links(world: &mut World, scenario: &Scenario) -> Vec<Option<[u32; 2]>> {
    let mut shared = Vec::with_capacity(scenario.links.len());
    for (number, link) in scenario.links.iter().enumerate() {
        let added = world.add_link(&link.name, link.directions.clone());
        assert_eq!(added, number, "links are numbered as in the scenario");
        shared.push((!link.per_client).then(|| world.add_link_instance(number, None)));
    }
    shared
}

/// The link instances on a client's path; its own ones are made.
fn instances(
    world: &mut World,
    scenario: &Scenario,
    shared: &[Option<[u32; 2]>],
    path: &[usize],
    client: &str,
) -> Vec<[u32; 2]> {
    path.iter()
        .map(|&link| {
            debug_assert_eq!(scenario.links[link].per_client, shared[link].is_none());
            shared[link].unwrap_or_else(|| world.add_link_instance(link, Some(client)))
        })
        .collect()
}

fn seats(scenario: &Scenario) -> Vec<Seat> {
    let talkers: Vec<(&str, u32, &Talk)> = scenario
        .groups
        .iter()
        .filter_map(|group| match &group.app {
            AppSpec::Chat(talk) => Some((group.name.as_str(), group.count, talk)),
            AppSpec::Bulk(_) => None,
        })
        .collect();
    Seat::all(&talkers, NICK_CHARS)
}

fn person(dialect: &'static dyn Dialect, seed: Seed, name: &str, talk: &Talk, seat: Seat) -> Box<dyn App> {
    Box::new(ChatClient::new(dialect, seed, &format!("client/{name}"), talk.clone(), seat))
}

/// Puts the drop lists of one client on the first link that the sender's segments meet.
fn drop_listed(
    world: &mut World,
    scenario: &Scenario,
    client: (usize, u32),
    flow: FlowId,
    path: &[[u32; 2]],
) {
    for list in scenario.drops.iter().filter(|list| (list.group, list.member) == client) {
        let route = &engine::route(path)[list.direction.index()];
        world.push_impairment(route[0], Box::new(DropList::new(flow, list.entries.clone())));
    }
}
