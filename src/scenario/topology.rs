//! Paths in words: links with their conditions and groups of clients at their places, over all cells of a plan, for
//! whoever draws them.

use serde::{Deserialize, Serialize};

use super::conditions::Table;
use super::law::Law;
use super::sweep::Plan;
use super::{Group, Hop, LinkSpec, Scenario, queue};
use crate::link::config::{Config, LossModel, Pattern};
use crate::time::Duration;
use crate::units::{Bytes, Probability, Rate};
use crate::wire::Direction;

/// Links and groups of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// The links, in the file's order.
    pub links: Vec<LinkConditions>,
    /// The groups that have members in any cell, in the file's order.
    pub groups: Vec<GroupPlace>,
}

/// A link with what holds on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkConditions {
    /// Its name.
    pub name: String,
    /// True if each client has one of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub per_client: bool,
    /// Conditions in words, each with its unit; values that cells differ in stand beside one another.
    pub conditions: Vec<String>,
}

/// A group of clients with its path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPlace {
    /// Its name.
    pub name: String,
    /// Number of clients, workload and controller in words.
    pub words: String,
    /// Links from the client to the server, by index, and true where one is crossed backwards.
    pub path: Vec<(usize, bool)>,
    /// Its earliest start in any cell, in nanoseconds.
    #[serde(default)]
    pub start_ns: u64,
}

/// Values that stand beside one another before most of them are left out.
const MOST_VALUES: usize = 5;

impl Topology {
    /// The topology of a plan: what holds at the start of each of its cells.
    pub fn of(plan: &Plan) -> Topology {
        let cells: Vec<Scenario> = (0..plan.cells()).filter_map(|cell| plan.scenario(cell).ok()).collect();
        let Some(first) = cells.first() else { return Topology::default() };
        let links = (0..first.links.len()).map(|link| LinkConditions {
            name: first.links[link].name.clone(),
            per_client: cells.iter().all(|cell| cell.links[link].per_client),
            conditions: conditions(plan, &cells, link),
        });
        let groups = (0..first.groups.len()).filter_map(|group| {
            let present: Vec<&Group> =
                cells.iter().map(|cell| &cell.groups[group]).filter(|group| group.count > 0).collect();
            let path = &present.first()?.path;
            let mut others: Vec<String> = vec![];
            for other in present.iter().filter(|group| group.path != *path) {
                let words = path_words(first, &other.path);
                if !others.contains(&words) {
                    others.push(words);
                }
            }
            let mut words = group_words(&cells, group, &present);
            if !others.is_empty() {
                words += &format!("; in other cells over {}", listed(&others, "or over"));
            }
            Some(GroupPlace {
                name: first.groups[group].name.clone(),
                words,
                path: path.iter().map(|hop| (hop.link, hop.backwards)).collect(),
                start_ns: present.iter().map(|group| group.start.as_nanos()).min()?,
            })
        });
        Topology { groups: groups.collect(), links: links.collect() }
    }
}

/// Conditions of a link, in the order of a packet's way through it.
fn conditions(plan: &Plan, cells: &[Scenario], link: usize) -> Vec<String> {
    let aspects: [fn(&LinkSpec, Direction) -> Option<String>; 7] =
        [rate, queue, discipline, policer, delay, loss, accidents];
    let both = |aspect: &fn(&LinkSpec, Direction) -> Option<String>| {
        let of = |cell: &Scenario| {
            let link = &cell.links[link];
            match Direction::BOTH.map(|way| aspect(link, way)) {
                [up, down] if up == down => up,
                [Some(up), Some(down)] => Some(format!("{up} up, {} down", value_of(&down))),
                [Some(up), None] => Some(format!("{up}, up only")),
                [None, down] => down.map(|down| format!("{down}, down only")),
            }
        };
        beside(cells.iter().map(of))
    };
    let mut all: Vec<String> = aspects.iter().filter_map(both).collect();
    let mut for_each = cells.iter().map(|cell| cell.links[link].per_client);
    if let Some(first) = for_each.next()
        && for_each.any(|other| other != first)
    {
        all.insert(0, "one for each client or one for all".to_owned());
    }
    let changes =
        plan.base.schedule.iter().filter(|change| change.links.iter().any(|(other, _)| *other == link));
    let mut times: Vec<String> = changes.map(|change| format!("{} s", change.at.as_secs_f64())).collect();
    times.dedup();
    match times.as_slice() {
        [] => {}
        [first, ..] if times.len() > MOST_VALUES => {
            all.push(format!("other conditions {} times, from {first} on", times.len()));
        }
        times => all.push(format!("other conditions from {} on", listed(times, "and"))),
    }
    if all.is_empty() {
        all.push("no limit, delay or loss".to_owned());
    }
    all
}

/// An aspect without its name, which stands before the first value.
fn value_of(aspect: &str) -> &str {
    aspect.split_once(' ').map_or(aspect, |(_, value)| value)
}

/// Values of one aspect in cells, each once: with the aspect's name before the first.
fn beside(values: impl Iterator<Item = Option<String>>) -> Option<String> {
    let (mut known, mut without): (Vec<String>, bool) = (vec![], false);
    for value in values {
        match value {
            Some(value) if !known.contains(&value) => known.push(value),
            Some(_) => {}
            None => without = true,
        }
    }
    let (first, rest) = known.split_first()?;
    let mut values: Vec<String> = vec![first.clone()];
    values.extend(rest.iter().map(|value| value_of(value).to_owned()));
    if without {
        values.push("none".to_owned());
    }
    Some(listed(&values, "or"))
}

/// `a, b or c`; of many the first and the last.
fn listed(values: &[String], word: &str) -> String {
    match values {
        [] => String::new(),
        [one] => one.clone(),
        [first, .., last] if values.len() > MOST_VALUES => {
            format!("{first} … {last} ({} values)", values.len())
        }
        [most @ .., last] => format!("{} {word} {last}", most.join(", ")),
    }
}

fn of(link: &LinkSpec, way: Direction) -> &Config {
    &link.directions[way.index()]
}

fn mbit(rate: Rate) -> String {
    let rate = rate.as_mbit();
    if rate < 0.1 { format!("{} kbit/s", (rate * 1e9).round() / 1e6) } else { format!("{rate} Mbit/s") }
}

fn rate(link: &LinkSpec, way: Direction) -> Option<String> {
    let config = of(link, way);
    let law = match &link.tables[way.index()] {
        Some(Table::Listed(_)) => Some("by a table over time".to_owned()),
        Some(Table::Law(Law::Step { period, .. })) => Some(format!("in two halves of {}", spaced(*period))),
        Some(Table::Law(Law::Leo { period, .. })) => {
            Some(format!("low-orbit satellite, handover every {}", spaced(*period)))
        }
        _ => None,
    };
    let mut words = match (config.rate, law) {
        (None, None) => return None,
        (None, Some(law)) => return Some(format!("rate {law}")),
        (Some(rate), None) => format!("rate {}", mbit(rate)),
        (Some(rate), Some(law)) => format!("rate {} at first, {law}", mbit(rate)),
    };
    match &config.pattern {
        Pattern::Even => {}
        Pattern::Bucket(burst) => words += &format!(", bursts of {}", Bytes(*burst)),
        Pattern::Replay(_) => words += " on average, by a trace",
    }
    if let Some(wifi) = config.wifi.as_deref() {
        words += &format!(", Wi-Fi, {} of frames fail", wifi.error);
    }
    Some(words)
}

fn delay(link: &LinkSpec, way: Direction) -> Option<String> {
    let delay = &of(link, way).delay;
    if delay.mean.is_zero() && delay.jitter.is_zero() {
        return None;
    }
    let mut words = format!("delay {}", spaced(delay.mean));
    if !delay.jitter.is_zero() {
        words += &format!(" ± {}", spaced(delay.jitter));
    }
    Some(words)
}

/// `10 ms`.
fn spaced(time: Duration) -> String {
    let text = time.to_string();
    let (number, unit) = text.split_at(text.find(char::is_alphabetic).unwrap_or(text.len()));
    format!("{number} {unit}")
}

fn loss(link: &LinkSpec, way: Direction) -> Option<String> {
    match of(link, way).loss {
        LossModel::Independent(chance) if chance.is_never() => None,
        LossModel::Independent(chance) => Some(format!("loss {chance}")),
        LossModel::GilbertElliott { p, r, .. } => Some(format!("loss in bursts (p {p}, r {r})")),
    }
}

fn queue(link: &LinkSpec, way: Direction) -> Option<String> {
    let [capacity, _] = queue_words(link, way)?;
    Some(format!("queue {capacity}"))
}

fn discipline(link: &LinkSpec, way: Direction) -> Option<String> {
    let [_, discipline] = queue_words(link, way)?;
    Some(format!("discipline {discipline}"))
}

/// Without a rate nothing queues.
fn queue_words(link: &LinkSpec, way: Direction) -> Option<[String; 2]> {
    let config = of(link, way);
    config.rate.map(|_| queue::in_words(&config.queue, link.limits[way.index()]))
}

fn policer(link: &LinkSpec, way: Direction) -> Option<String> {
    let policer = of(link, way).policer?;
    Some(format!("policer {}, bursts of {}", mbit(policer.rate), Bytes(policer.burst)))
}

fn accidents(link: &LinkSpec, way: Direction) -> Option<String> {
    let config = of(link, way);
    let reorder = config.reorder.map_or(Probability::NEVER, |reorder| reorder.chance);
    let all = [(config.duplicate, "duplicated"), (config.corrupt, "damaged"), (reorder, "reordered")];
    let happen = all.iter().filter(|(chance, _)| !chance.is_never());
    let words: Vec<String> = happen.map(|(chance, what)| format!("{chance} {what}")).collect();
    (!words.is_empty()).then(|| format!("packets {}", words.join(", ")))
}

/// Number of clients, workload and controller of a group; `present` are the cells that have it.
fn group_words(cells: &[Scenario], group: usize, present: &[&Group]) -> String {
    let each = |value: &dyn Fn(&Group) -> String| {
        let mut known: Vec<String> = vec![];
        for value in present.iter().map(|group| value(group)) {
            if !known.contains(&value) {
                known.push(value);
            }
        }
        listed(&known, "or")
    };
    let mut counts: Vec<u32> = cells.iter().map(|cell| cell.groups[group].count).collect();
    counts.sort_unstable();
    counts.dedup();
    let counts: Vec<String> = counts.iter().map(u32::to_string).collect();
    let clients = if counts.as_slice() == ["1"] { "client" } else { "clients" };
    let mut words = format!("{} {clients}, {}", listed(&counts, "or"), each(&|group| work(group)));
    if present.iter().any(|group| !group.app.directions().is_empty()) {
        words += &format!(", {}", each(&|group| group.tcp.congestion.algorithm.name.to_owned()));
    }
    if present.iter().any(|group| group.start.as_nanos() > 0) {
        words += &format!(", from {}", each(&|group| format!("{} s", group.start.as_secs_f64())));
    }
    words
}

/// Links of a path, as a scenario writes them.
fn path_words(scenario: &Scenario, path: &[Hop]) -> String {
    let hop = |hop: &Hop| {
        let name = &scenario.links[hop.link].name;
        if hop.backwards { format!("<{name}") } else { name.clone() }
    };
    path.iter().map(hop).collect::<Vec<_>>().join(" and ")
}

/// A workload with the way of its data.
fn work(group: &Group) -> String {
    let way = match [group.app.directions(), group.app.datagrams()].concat().as_slice() {
        [] => "",
        [Direction::Up] => " up",
        [Direction::Down] => " down",
        _ => " both ways",
    };
    format!("{}{way}", group.app.name())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{and, plan, with};
    use super::*;

    fn of_text(text: &str) -> Topology {
        Topology::of(&plan(text))
    }

    #[test]
    fn a_link_says_what_holds_on_it_and_a_group_where_it_stands() {
        let topology = of_text(&with("loss = \"1%\"", "loss = \"1%\"\nper_client = true"));
        let [access, neck] = topology.links.as_slice() else { panic!("{topology:?}") };
        assert_eq!((access.name.as_str(), access.per_client), ("access", true));
        assert_eq!(access.conditions, ["delay 10 ms", "loss 1%"]);
        let conditions = ["rate 10 Mbit/s", "queue 25 packets (1 BDP)", "discipline droptail", "delay 5 ms"];
        assert_eq!(neck.conditions, conditions);
        let [upload, people] = topology.groups.as_slice() else { panic!("{topology:?}") };
        assert_eq!(
            (upload.words.as_str(), people.words.as_str()),
            ("2 clients, bulk up, reno", "1 client, chat both ways, reno")
        );
        assert_eq!(upload.path, [(0, false), (1, false)]);
    }

    #[test]
    fn values_of_cells_stand_beside_one_another() {
        let text = and("[sweep]\n\"link.access.loss\" = [\"0%\", \"1%\", \"2%\"]\n\
            \"clients.upload.count\" = [0, 2, 5]\n\"link.bottleneck.up.rate\" = [\"1mbit\", \"10mbit\"]\n");
        let topology = of_text(&text);
        assert_eq!(topology.links[0].conditions[1], "loss 1%, 2% or none");
        let neck = &topology.links[1].conditions;
        assert_eq!(neck[0], "rate 1 Mbit/s up, 10 Mbit/s down or 10 Mbit/s");
        assert!(topology.groups[0].words.starts_with("0, 2 or 5 clients"), "{topology:?}");
        let many: Vec<String> = (1..=8).map(|n| format!("\"{n}%\"")).collect();
        let topology = of_text(&and(&format!("[sweep]\n\"link.access.loss\" = [{}]\n", many.join(", "))));
        assert_eq!(topology.links[0].conditions[1], "loss 1% … 8% (8 values)");
    }

    #[test]
    fn cells_that_differ_in_paths_or_in_links_of_ones_own_say_so() {
        let text = and("[sweep]\n\"link.access.per_client\" = [true, false]\n\
            \"clients.people.path\" = [[\"bottleneck\"], [\"access\", \"<bottleneck\"]]\n");
        let topology = of_text(&text);
        assert!(!topology.links[0].per_client);
        assert_eq!(topology.links[0].conditions[0], "one for each client or one for all");
        let people = &topology.groups[1];
        assert!(people.words.ends_with("; in other cells over access and <bottleneck"), "{}", people.words);
        assert_eq!(people.path, [(1, false)]);
    }

    #[test]
    fn datagrams_have_their_way_and_moments_are_said_once() {
        let udp = "kind = \"udp\", rate = \"1mbit\", direction = \"down\"";
        let change =
            |link: &str| format!("[[schedule]]\nat = \"2s\"\nset = {{ \"link.access.{link}\" = \"5%\" }}\n");
        let text = with("kind = \"bulk\"", udp) + &change("up.loss") + &change("down.loss");
        let topology = of_text(&text);
        assert!(topology.groups[0].words.starts_with("2 clients, udp down"), "{topology:?}");
        assert_eq!(topology.links[0].conditions[2], "other conditions from 2 s on");
    }

    #[test]
    fn a_link_crossed_backwards_and_a_schedule_are_said() {
        let text = with("[\"bottleneck\"]", "[\"<bottleneck\"]");
        let topology =
            of_text(&(text + "[[schedule]]\nat = \"3s\"\nset = { \"link.access.loss\" = \"5%\" }\n"));
        assert_eq!(topology.groups[1].path, [(1, true)]);
        assert_eq!(topology.links[0].conditions[2], "other conditions from 3 s on");
    }
}
