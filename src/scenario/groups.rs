//! The second pass over `[[clients]]`: who takes which path, with what TCP, to do what.

use super::problem::{Problem, fails_at, suggest};
use super::schema::{MOST_CLIENTS, TCP};
use super::tree::Node;
use super::{Group, LinkSpec, leaf, names, pace, settings, workload};
use crate::time::{Duration, Instant};
use crate::wire::Direction;

/// Reads the groups. What does not fit its kind was reported by the first pass.
pub(super) fn read(root: &Node, links: &[LinkSpec], problems: &mut Vec<Problem>) -> Vec<Group> {
    let clients = root.get("clients");
    let mut groups: Vec<Group> = vec![];
    for node in clients.map_or(&[][..], Node::items) {
        let group = read_one(node, root, links, problems);
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
    check_total(clients, &groups, problems);
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

fn read_one(node: &Node, root: &Node, links: &[LinkSpec], problems: &mut Vec<Problem>) -> Group {
    if let Some((name, text)) = node.get("name").and_then(|name| Some((name, name.text()?))) {
        names::check(text, name.place, problems);
    }
    let own = node.get("tcp");
    for key in TCP {
        if let (Some(_), Some(twice)) = (node.get(key.name), own.and_then(|own| own.entry(key.name))) {
            let message = format!("`{}` is said twice for this group", key.name);
            problems.push(Problem::error(twice.place, message, "keep one of the two"));
        }
    }
    let time = |key| node.get(key).and_then(|node| leaf::duration(node).ok()).unwrap_or_default();
    Group {
        name: node.get("name").and_then(Node::text).unwrap_or_default().to_owned(),
        count: node.get("count").and_then(|node| leaf::integer(node, 1, MOST_CLIENTS).ok()).map_or(1, small),
        path: path(node.get("path"), root, links, problems),
        start: Instant::ZERO.saturating_add(time("start")),
        stagger: time("stagger"),
        start_spread: time("start_spread"),
        tcp: settings::read(root, &[Some(node), own, root.get("tcp")], problems),
        app: workload::app(node.get("app"), problems),
    }
}

fn path(node: Option<&Node>, root: &Node, links: &[LinkSpec], problems: &mut Vec<Problem>) -> Vec<usize> {
    let Some(node) = node else { return vec![] };
    let fails = |place| fails_at(problems, place);
    // Links that could not be read have no names, and delays that could not be read count as none: neither
    // is another mistake.
    let named = !root
        .entries()
        .iter()
        .any(|entry| fails(entry.place) || entry.key == "link" && fails(entry.node.place));
    let readable = !root.get("link").is_some_and(|links| links.is_faulty(problems));
    let mut path = vec![];
    for item in node.items() {
        let Some(name) = item.text() else { continue };
        match links.iter().position(|link| link.name == name) {
            Some(index) if path.contains(&index) => {
                let message = format!("the path crosses link \"{name}\" twice");
                problems.push(Problem::error(
                    item.place,
                    message,
                    "name each link once, from client to server",
                ));
            }
            Some(index) => path.push(index),
            None if !named => {}
            None => {
                let names = links.iter().map(|link| link.name.as_str());
                let message = format!("there is no link \"{name}\"");
                let help = if links.is_empty() {
                    format!("describe it in [link.{name}]")
                } else {
                    suggest(name, names)
                };
                problems.push(Problem::error(item.place, message, help));
            }
        }
    }
    let is_list = matches!(node.value, super::tree::Value::Array(_));
    if is_list && node.items().is_empty() {
        let help = "name the links from the client to the server, such as [\"bottleneck\"]";
        problems.push(Problem::error(node.place, "the path is empty", help));
    } else if path.len() > MOST_HOPS {
        let message = format!("the path has {} links", path.len());
        problems.push(Problem::error(node.place, message, format!("at most {MOST_HOPS} links make a path")));
    } else if readable && !path.is_empty() && pace::stands_still(links, &path) {
        let message = "nothing on this path takes time: there is neither a delay nor a rate";
        let help = "give one of its links a `delay` or a `rate`";
        problems.push(Problem::error(node.place, message, help));
    }
    path
}

fn check_total(clients: Option<&Node>, groups: &[Group], problems: &mut Vec<Problem>) {
    let total: u64 = groups.iter().map(|group| u64::from(group.count)).sum();
    let largest = clients.map_or(&[][..], Node::items).iter().zip(groups).max_by_key(|(_, g)| g.count);
    if let Some((node, _)) = largest
        && total > MOST_CLIENTS
    {
        let place = node.get("count").map_or(node.place, |count| count.place);
        let help = format!("a scenario has at most {MOST_CLIENTS} clients");
        problems.push(Problem::error(place, format!("there are {total} clients in all"), help));
    }
}

pub(super) fn direction(node: Option<&Node>) -> Option<Direction> {
    let word = node.and_then(Node::text)?;
    Direction::BOTH.into_iter().find(|direction| direction.name() == word)
}

/// The first pass keeps such numbers far below the limit.
pub(super) fn small(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The hop count of a packet is a byte, and longer paths are mistakes.
const MOST_HOPS: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::testing::{SOUND, and, refused, scenario, with};
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn paths_name_links_once_each() {
        refused(
            &with("[\"bottleneck\"]", "[\"botleneck\"]"),
            19,
            "\"botleneck\"",
            "no link \"botleneck\"",
            "did you mean `bottleneck`?",
        );
        refused(&with("[\"bottleneck\"]", "[]"), 19, "[]", "the path is empty", "[\"bottleneck\"]");
        let text = with("[\"bottleneck\"]", "[\"access\", \"bottleneck\", \"access\"]");
        refused(&text, 19, "\"access\"", "crosses link \"access\" twice", "once");
        let alone =
            "duration = \"1s\"\n[[clients]]\nname = \"x\"\npath = [\"wire\"]\napp = { kind = \"bulk\" }\n";
        refused(alone, 4, "\"wire\"", "no link \"wire\"", "describe it in [link.wire]");
    }

    #[test]
    fn a_path_must_take_time() {
        let text =
            and("[link.void]\n[[clients]]\nname = \"x\"\npath = [\"void\"]\napp = { kind = \"bulk\" }\n");
        refused(&text, 24, "[\"void\"]", "nothing on this path takes time", "`delay` or a `rate`");
    }

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
