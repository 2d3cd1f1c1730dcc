//! `[[schedule]]`: which links change, and when.

use std::collections::BTreeSet;

use super::check::check;
use super::describe::kind_of;
use super::dotted;
use super::files::Files;
use super::form::{Maybe, Placed, Settings};
use super::kind::Reach;
use super::problem::{Place, Problem};
use super::quantity::Span;
use super::tree::Node;
use super::visit::{At, Visitor, required};
use super::{Change, Group, LinkSpec, Scenario, links, pace};
use crate::time::{Duration, Instant};

/// A change as it stands in the file.
#[derive(Debug, Default)]
pub(super) struct Entry {
    at: Option<At<Duration>>,
    set: Option<Node>,
}

impl Entry {
    /// One `[[schedule]]`.
    pub fn read<V: Visitor>(v: &mut V, _: Place) -> Entry {
        let mut entry = Entry::default();
        v.key(required("at"), &mut entry.at, Maybe(Placed(Span)), "when, before the end of the trial");
        let set = "dotted keys of links, with their values from then on";
        v.key(required("set"), &mut entry.set, Maybe(Settings(Reach::Schedule)), set);
        entry
    }
}

/// Applies the schedule to the tree, change by change, and keeps what differs.
pub(super) fn resolve(
    schedule: Vec<Entry>,
    root: &Node,
    files: &Files,
    scenario: &Scenario,
    starting: &[LinkSpec],
    rtts: &[Duration],
    problems: &mut Vec<Problem>,
) -> Vec<Change> {
    let mut entries: Vec<(Instant, Option<Node>)> = vec![];
    for Entry { at, set } in schedule {
        let Some(At { place, value: at }) = at else { continue };
        if !scenario.duration.is_zero() && at >= scenario.duration {
            let message = format!("at {at} the trial is over");
            let help = format!("`at` must be before the trial's duration, {}", scenario.duration);
            problems.push(Problem::error(place, message, help));
        }
        entries.push((Instant::ZERO.saturating_add(at), set));
    }

    // Rows of tables are entries that set nothing in the tree; those at an entry's time are part of it.
    let end = Instant::ZERO.saturating_add(scenario.duration);
    let rows = rows(root, starting, end, problems);
    let known: BTreeSet<Instant> = entries.iter().map(|(at, _)| *at).collect();
    entries.extend(rows.difference(&known).copied().filter(|at| *at > Instant::ZERO).map(|at| (at, None)));
    entries.sort_by_key(|(at, _)| *at);

    let mut tree = root.clone();
    let mut read = starting.to_vec();
    let mut before = scenario.links.clone();
    let mut changes = vec![];
    let mut said: BTreeSet<(Instant, String)> = BTreeSet::new();
    for (n, (at, set)) in entries.iter().enumerate() {
        let at = *at;
        if let Some(set) = set {
            change_tree(&mut tree, at, set, &mut said, problems);
            read = links::read(&tree, files, problems);
        }
        let mut after = read.clone();
        links::apply_tables(&mut after, at);
        links::resolve_queues(&mut after, starting, rtts, &scenario.groups);
        if let Some(set) = set {
            links::check_limits(&tree, &after, starting, rtts, &scenario.groups, problems);
            links::check_bursts(&tree, &after, &scenario.groups, problems);
            check_kept(set, &after, &before, starting, problems);
            // A standstill that another change of the same instant mends is none.
            if entries.get(n + 1).is_none_or(|(next, _)| *next > at) && !root.is_faulty(problems) {
                check_time_passes(set, &after, scenario, problems);
            }
        }
        let changed = (0..after.len()).filter(|&i| after[i].directions != before[i].directions);
        let links: Vec<_> = changed.map(|i| (i, after[i].directions.clone())).collect();
        if set.is_some() || !links.is_empty() {
            changes.push(Change { at, links });
        }
        before = after;
    }
    changes
}

/// Times of the rows of all tables before `end`.
fn rows(root: &Node, links: &[LinkSpec], end: Instant, problems: &mut Vec<Problem>) -> BTreeSet<Instant> {
    let mut rows = BTreeSet::new();
    for link in links {
        for table in link.tables.iter().flatten() {
            let count = table.count(end);
            if count > MOST_ROWS {
                let message =
                    format!("the conditions of link \"{}\" change {count} times in a trial", link.name);
                let help = format!("at most {MOST_ROWS} changes make a trial: write a longer period");
                problems.push(Problem::error(links::place_of(root, &link.name), message, help));
            } else {
                rows.extend(table.times(end));
            }
        }
    }
    rows
}

/// Each is kept with the configurations of its links.
const MOST_ROWS: u64 = 200_000;

/// Sets the keys of one entry in the tree.
fn change_tree(
    tree: &mut Node,
    at: Instant,
    set: &Node,
    said: &mut BTreeSet<(Instant, String)>,
    problems: &mut Vec<Problem>,
) {
    if set.is_table() && set.entries().is_empty() {
        let help = "set at least one key, or leave the [[schedule]] out";
        problems.push(Problem::error(set.place, "nothing changes", help));
    }
    for (key, place, value) in dotted::entries(set, &|key, node| node.is_table() && is_link(key)) {
        if !said.insert((at, key.clone())) {
            let message = format!("`{key}` is set twice at the same instant");
            problems.push(Problem::error(place, message, "keep one of them, or change an `at`"));
        }
        if let Err(problem) = dotted::set(tree, &key, place, value.clone(), Reach::Schedule) {
            problems.push(problem);
        }
    }
    if let Some(links) = tree.entry("link") {
        check(&links.node, kind_of("link"), "link", links.place, problems);
    }
}

/// Refuses a change of what holds for a whole trial.
fn check_kept(
    set: &Node,
    after: &[LinkSpec],
    before: &[LinkSpec],
    starting: &[LinkSpec],
    problems: &mut Vec<Problem>,
) {
    if (0..after.len()).any(|i| !links::queues_alike(&after[i], &before[i])) {
        let message = "a queue keeps its kind, and all but its limit, for a whole trial";
        let help = "set the `limit` of the table that says the kind (a queue in `up` or `down` is one of its own); \
                    compare kinds as an axis of [sweep]";
        problems.push(Problem::error(set.place, message, help));
    }
    let kind = |link: &LinkSpec| [0, 1].map(|i| link.directions[i].wifi.is_some());
    if after.iter().zip(before).any(|(after, before)| kind(after) != kind(before)) {
        let message = "a link is Wi-Fi for a whole trial, or not at all";
        let help = "set what changes of it, such as `kind.error`; compare kinds as an axis of [sweep]";
        problems.push(Problem::error(set.place, message, help));
    }
    let tables = after.iter().zip(starting).flat_map(|(link, start)| link.tables.iter().zip(&start.tables));
    if tables.into_iter().any(|(table, start)| table.is_some() && table != start) {
        let message = "a table of rates holds from the start of the trial";
        let help = "give the link its `csv` from the start, or change its rate entry by entry";
        problems.push(Problem::error(set.place, message, help));
    }
}

/// Refuses a change after which a path takes no time.
fn check_time_passes(set: &Node, after: &[LinkSpec], scenario: &Scenario, problems: &mut Vec<Problem>) {
    let stops = |group: &&Group| !group.path.is_empty() && pace::stands_still(after, &group.path);
    if let Some(group) = scenario.groups.iter().find(stops) {
        let message = format!(
            "from here on nothing on the path of \"{}\" takes time: there is neither a delay nor a rate",
            group.name
        );
        problems.push(Problem::error(set.place, message, "leave one of its links a `delay` or a `rate`"));
    }
}

/// True if a dotted key names a link or one direction of it, rather than a property of it.
fn is_link(key: &str) -> bool {
    let mut segments = key.split('.').skip(2);
    matches!((segments.next(), segments.next()), (None | Some("up" | "down"), None))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{and, refused, scenario};
    use super::*;
    use crate::link::config::Capacity;

    #[test]
    fn changes_add_up_in_the_order_of_time() {
        let scenario = scenario(&and(
            "[[schedule]]\nat = \"5s\"\nset = { \"link.bottleneck.rate\" = \"2mbit\", link.access.loss = \"20%\" }\n\
             [[schedule]]\nat = \"2s\"\nset = { \"link.access.delay.jitter\" = \"1ms\" }\n",
        ));
        let [first, second] = &scenario.schedule[..] else { panic!("two changes") };
        assert_eq!(
            (first.at, second.at),
            (Instant::from_nanos(2_000_000_000), Instant::from_nanos(5_000_000_000))
        );
        assert_eq!(first.links.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [0]);
        assert_eq!(second.links.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [0, 1]);
        let (_, [access, _]) = &second.links[0];
        assert_eq!(
            (access.delay.mean, access.delay.jitter),
            (Duration::from_millis(10), Duration::from_millis(1))
        );
        let (_, [bottleneck, _]) = &second.links[1];
        assert_eq!(bottleneck.rate.map(|rate| rate.to_string()), Some("2mbit".to_owned()));
        // The BDP is that of the start.
        assert_eq!(bottleneck.queue, Capacity::Packets(25).into());
    }

    #[test]
    fn a_schedule_changes_links_within_the_trial() {
        let change = |at: &str, set: &str| and(&format!("[[schedule]]\nat = \"{at}\"\nset = {{ {set} }}\n"));
        refused(
            &change("10s", "\"link.access.loss\" = \"2%\""),
            22,
            "\"10s\"",
            "at 10s the trial is over",
            "before the trial's duration, 10s",
        );
        refused(
            &change("1s", "\"link.acces.loss\" = \"2%\""),
            23,
            "\"link.acces.loss\"",
            "no link \"acces\"",
            "did you mean `access`?",
        );
        refused(
            &change("1s", "\"link.access.los\" = \"2%\""),
            23,
            "\"link.access.los\"",
            "unknown key `los`",
            "did you mean `loss`?",
        );
        refused(
            &change("1s", "\"tcp.mss\" = 100"),
            23,
            "\"tcp.mss\"",
            "`tcp.mss` cannot change during a trial",
            "link.<name>.<key>",
        );
        refused(
            &change("1s", "\"link.access.per_client\" = true"),
            23,
            "\"link.access.per_client\"",
            "cannot change",
            "link.<name>",
        );
        refused(&change("1s", "\"link.access.loss\" = \"2\""), 23, "\"2\"", "has no unit", "10%");
        refused(
            &(change("1s", "\"link.access.loss\" = \"2%\"") + "until = \"2s\"\n"),
            24,
            "until",
            "unknown key `until`",
            "at, set",
        );
        refused(&change("1s", ""), 23, "{  }", "nothing changes", "at least one key");
        let twice = change("1s", "\"link.access.loss\" = \"2%\"")
            + "[[schedule]]\nat = \"1000ms\"\nset = { link.access.loss = \"3%\" }\n";
        refused(&twice, 26, "loss", "`link.access.loss` is set twice at the same instant", "keep one");
    }
}
