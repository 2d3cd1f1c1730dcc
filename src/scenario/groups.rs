//! `[[clients]]`: who takes which path, with what TCP, to do what.

use super::form::{Class, Hops, Maybe, Name, Placed, Whole};
use super::kind::Reach;
use super::problem::{Place, Problem};
use super::quantity::Span;
use super::reader::Reader;
use super::tree::Node;
use super::visit::{At, Visitor, required};
use super::workload::AppSpec;
use super::{Group, LinkSpec, names, path, settings, workload};
use crate::tcp;
use crate::time::{Duration, Instant};
use crate::wire::Direction;

/// A group as it stands in the file: its path names links that are not found yet.
#[derive(Debug)]
pub(super) struct ClientEntry {
    group: Group,
    path: Option<At<Vec<At<String>>>>,
    at: Option<At<String>>,
}

impl ClientEntry {
    /// One `[[clients]]`.
    pub fn read<V: Visitor>(v: &mut V, _: Place) -> ClientEntry {
        let mut client = ClientEntry { group: unnamed(), path: None, at: None };
        let ClientEntry { group, path, at } = &mut client;
        let name = required("name").within(Reach::File);
        v.key(name, &mut group.name, Name, "of the group; its flows are <name>-1, <name>-2, …");
        v.check(check_name);
        v.key("count", &mut group.count, Whole(0, MOST_CLIENTS), "how many clients; 0 leaves the group out");
        let links = "the links from a client to the server; `<` before a name crosses it backwards";
        v.key(required("path"), path, Maybe(Placed(Hops)), links);
        v.check(check_path);
        let server = "the link of the path behind which the server stands; without it, the last";
        v.key("at", at, Maybe(Placed(Name)), server);
        let class = "class of service of its packets, both ways, for queues with classes";
        v.key("class", &mut group.class, Class, class);
        v.key("start", &mut group.start, Span, "when the first member starts");
        v.key("stagger", &mut group.stagger, Span, "time between the starts of successive members");
        let spread = "each start moves later by a random part of this";
        v.key("start_spread", &mut group.start_spread, Span, spread);
        v.table(required("app"), "what each member does", |v| workload::keys(v, &mut group.app));
        v.check(check_twice);
        let tcp = "overrides [tcp] for the group; its keys may also stand here directly";
        v.over("tcp", Some("tcp"), tcp, |v| settings::keys(v, &mut group.tcp));
        client
    }
}

fn unnamed() -> Group {
    Group {
        name: String::new(),
        count: 1,
        path: vec![],
        class: String::new(),
        start: Instant::ZERO,
        stagger: Duration::ZERO,
        start_spread: Duration::ZERO,
        tcp: tcp::Config::default(),
        app: AppSpec::default(),
    }
}

fn check_name(reader: &mut Reader) {
    if let Some((name, text)) = reader.get("name").and_then(|name| Some((name, name.text()?))) {
        names::check(text, name.place, reader.problems);
    }
}

fn check_path(reader: &mut Reader) {
    if let Some(node) = reader.get("path").filter(|node| node.is_array() && node.items().is_empty()) {
        let help = "name the links from the client to the server, such as [\"bottleneck\"]";
        reader.error(node.place, "the path is empty", help);
    }
}

fn check_twice(reader: &mut Reader) {
    let own = reader.get("tcp");
    for key in settings::TCP.keys() {
        if let (Some(_), Some(twice)) = (reader.get(key.name), own.and_then(|own| own.entry(key.name))) {
            let message = format!("`{}` is said twice for this group", key.name);
            reader.error(twice.place, message, "keep one of the two");
        }
    }
}

/// The groups with their paths found among the links.
pub(super) fn resolve(
    clients: Vec<ClientEntry>,
    root: &Node,
    links: &[LinkSpec],
    problems: &mut Vec<Problem>,
) -> Vec<Group> {
    let nodes = root.get("clients").map_or(&[][..], Node::items);
    let mut groups: Vec<Group> = vec![];
    for (ClientEntry { mut group, path: names, at }, node) in clients.into_iter().zip(nodes) {
        if let Some(names) = names {
            group.path = path::resolve(names, at, root, links, problems);
        }
        if let Some(name) = node.get("name").filter(|name| !name.is_faulty(problems))
            && groups.iter().any(|other| other.name == group.name)
        {
            let message = format!("there are two groups called \"{}\"", group.name);
            problems.push(Problem::error(name.place, message, "give each group a name of its own"));
        }
        groups.push(group);
    }
    if let Some(entry) = root.entry("clients").filter(|entry| !entry.node.is_table())
        && groups.is_empty()
    {
        let help = "add [[clients]] with name, path and app";
        problems.push(Problem::error(entry.place, "there are no clients", help));
    }
    if let Some(node) = nodes.iter().find_map(|node| node.get("count"))
        && groups.iter().all(|group| group.count == 0)
    {
        let help = "raise the `count` of a group";
        problems.push(Problem::error(node.place, "there are no clients: every group is left out", help));
    }
    check_total(nodes, &groups, problems);
    groups
}

/// Checks what a duration means to the groups.
pub(super) fn check_starts(root: &Node, groups: &[Group], duration: Duration, problems: &mut Vec<Problem>) {
    let nodes = root.get("clients").map_or(&[][..], Node::items);
    for (node, group) in nodes.iter().zip(groups) {
        let earliest = group.earliest_start(group.count.saturating_sub(1));
        let staggered = earliest.saturating_since(Instant::ZERO);
        let last = earliest.saturating_add(group.start_spread).saturating_since(Instant::ZERO);
        let key = if group.start.saturating_since(Instant::ZERO) >= duration {
            "start"
        } else if staggered >= duration {
            "stagger"
        } else {
            "start_spread"
        };
        if let Some(value) = node.get(key)
            && last >= duration
        {
            let starts = if group.start_spread.is_zero() { "starts" } else { "may start" };
            let message =
                format!("the last member of \"{}\" {starts} at {last}, when the trial is over", group.name);
            let help = format!("everyone must start before the trial's duration, {duration}");
            problems.push(Problem::error(value.place, message, help));
        }
    }
}

fn check_total(nodes: &[Node], groups: &[Group], problems: &mut Vec<Problem>) {
    let total: u64 = groups.iter().map(|group| u64::from(group.count)).sum();
    let largest = nodes.iter().zip(groups).max_by_key(|(_, group)| group.count);
    if let Some((node, _)) = largest
        && total > MOST_CLIENTS
    {
        let place = node.get("count").map_or(node.place, |count| count.place);
        let help = format!("a scenario has at most {MOST_CLIENTS} clients");
        problems.push(Problem::error(place, format!("there are {total} clients in all"), help));
    }
}

/// Most clients of a scenario.
pub(super) const MOST_CLIENTS: u64 = 100_000;

/// The words for the two ways of data.
pub(super) const DIRECTIONS: &[(&str, Direction)] = &[("up", Direction::Up), ("down", Direction::Down)];

#[cfg(test)]
mod tests {
    use super::super::testing::{SOUND, refused, scenario, with};
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn group_names_are_unique_and_plain() {
        refused(
            &with("\"people\"", "\"upload\""),
            18,
            "\"upload\"",
            "two groups called \"upload\"",
            "a name of its own",
        );
        refused(&with("\"people\"", "\"a.b\""), 18, "\"a.b\"", "is no name", "letters, digits");
    }

    #[test]
    fn no_clients_and_too_many_are_refused() {
        let none = with("count = 2", "count = 0").replace("\"people\"", "\"people\"\ncount = 0");
        refused(&none, 14, "0", "every group is left out", "raise the `count`");
        assert_eq!(scenario(&with("count = 2", "count = 0")).flow_names().collect::<Vec<_>>(), ["people-1"]);
        refused("clients = []\nduration = \"1s\"\n", 1, "clients", "there are no clients", "[[clients]]");
        let text = SOUND
            .replace("count = 2", "count = 60_000")
            .replace("name = \"people\"", "name = \"people\"\ncount = 50_000");
        let text = format!("{text}[record]\ntrials = \"none\"\n");
        refused(&text, 14, "60_000", "110000 clients in all", "at most 100000");
    }

    #[test]
    fn everyone_starts_before_the_end() {
        refused(
            &with("count = 2", "start = \"10s\""),
            14,
            "\"10s\"",
            "when the trial is over",
            "before the trial's duration, 10s",
        );
        refused(&with("count = 2", "count = 3\nstagger = \"5s\""), 15, "\"5s\"", "starts at 10s", "10s");
        let text = with("count = 2", "count = 2\nstart_spread = \"10s\"");
        refused(&text, 15, "\"10s\"", "may start at 10s", "10s");
    }

    #[test]
    fn a_spread_moves_each_start_by_chance_and_by_trial() {
        let text = with("count = 2", "count = 2\nstart = \"1s\"\nstagger = \"2s\"\nstart_spread = \"500ms\"");
        let group = &scenario(&text).groups[0];
        let start = |member, name: &str, seed| {
            group.start_of(member, name, Seed(seed)).saturating_since(Instant::ZERO).as_secs_f64()
        };
        let starts: Vec<f64> = (0..200).map(|seed| start(1, "upload-2", seed)).collect();
        assert!(starts.iter().all(|s| (3.0..3.5).contains(s)), "{starts:?}");
        let mean = starts.iter().sum::<f64>() / 200.0;
        // The standard error of 200 uniform draws over 0.5 s is 10 ms; allow four of them.
        assert!((mean - 3.25).abs() < 0.041, "{mean}");
        assert!((start(1, "upload-2", 7) - start(1, "upload-2", 7)).abs() < f64::EPSILON);
        let shift = start(0, "upload-1", 7) - 1.0 - (start(1, "upload-2", 7) - 3.0);
        assert!(shift.abs() > 1e-6, "members draw from streams of their own");
        let fixed = scenario(&with("count = 2", "count = 2\nstagger = \"2s\"")).groups[0].clone();
        assert_eq!(fixed.start_of(1, "upload-2", Seed(3)), fixed.earliest_start(1));
    }
}
