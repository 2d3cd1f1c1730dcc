//! `[link.<name>]`: its keys, and what they mean to each other.

use super::conditions::Table;
use super::files::Files;
use super::form::{Flag, Whole};
use super::kind::Reach;
use super::law::{self, Law};
use super::problem::{Place, Problem};
use super::quantity::Probability as Chance;
use super::reader::Reader;
use super::tree::Node;
use super::visit::{Visitor, optional, required};
use super::{ClassList, Group, Hop, Limit, LinkSpec, classes, delay, names, queue, rate};
use crate::link::config::{Capacity, Config, LossModel, Pattern, Reorder};
use crate::time::{Duration, Instant};
use crate::units::Probability;
use crate::wire::Direction;

/// Declares the links; their queues are not resolved yet.
pub(super) fn keys(v: &mut impl Visitor, links: &mut Vec<LinkSpec>) {
    v.named("link", links, "a two-way link", |v, name| {
        let mut link = LinkSpec::named(name.value);
        v.check(|reader| names::check(name.value, name.place, reader.problems));
        let per_client = optional("per_client").within(Reach::Axis);
        v.key(per_client, &mut link.per_client, Flag, "whether each client has a link of its own");
        let [up, down] = &mut link.directions;
        let [up_limit, down_limit] = &mut link.limits;
        let [up_classes, down_classes] = &mut link.classes;
        let [up_table, down_table] = &mut link.tables;
        let only = "overrides for client → server only";
        v.over("up", None, only, |v| direction(v, up, up_limit, up_classes, up_table));
        let only = "overrides for server → client only";
        v.over("down", None, only, |v| direction(v, down, down_limit, down_classes, down_table));
        link
    });
}

/// The links of a tree that a schedule has changed.
pub(super) fn read(root: &Node, files: &Files, problems: &mut Vec<Problem>) -> Vec<LinkSpec> {
    let mut links = vec![];
    keys(&mut Reader::new(root, files, problems), &mut links);
    links
}

impl LinkSpec {
    /// True if a trace or a table has its rate.
    pub fn varies(&self) -> bool {
        let replays = |config: &Config| matches!(config.pattern, Pattern::Replay(_));
        self.tables.iter().any(Option::is_some) || self.directions.iter().any(replays)
    }

    fn named(name: &str) -> LinkSpec {
        let (directions, limits, classes, tables) = Default::default();
        LinkSpec { name: name.to_owned(), per_client: false, directions, limits, classes, tables }
    }
}

/// One direction of a link.
fn direction(
    v: &mut impl Visitor,
    config: &mut Config,
    limit: &mut Limit,
    classes: &mut ClassList,
    table: &mut Option<Table>,
) {
    v.short("delay", "mean", "propagation, one way; a table adds jitter", |v| {
        delay::keys(v, &mut config.delay);
    });
    v.short("loss", "chance", "random loss; a table chooses a model with memory", |v| {
        loss(v, &mut config.loss);
    });
    let mut skipping = Reorder { chance: Probability::NEVER, gap: 1 };
    v.short("reorder", "chance", "packets that skip the delay", |v| reorder(v, &mut skipping));
    config.reorder = Some(skipping).filter(|reorder| !reorder.chance.is_never());
    v.key("duplicate", &mut config.duplicate, Chance, "the chance that a packet is doubled");
    v.key("corrupt", &mut config.corrupt, Chance, "the chance that a packet is damaged");
    let words = "bits per second; without one the link is infinitely fast; a table for buckets and traces";
    v.short("rate", "rate", words, |v| rate::keys(v, config, table));
    rate::policer(v, &mut config.policer);
    v.short("queue", "limit", "the queue in front of the rate", |v| {
        queue::keys(v, &mut config.queue, limit, classes);
    });
    let mut own = Law::Steady;
    let words = "Wi-Fi, or how its conditions change by themselves";
    v.short("kind", "law", words, |v| law::keys(v, &mut own));
    v.check(|reader| {
        if own.table().is_some()
            && table.is_some()
            && let Some(kind) = reader.entry("kind")
        {
            let message = "`kind` and the table of the rate both say what holds over time";
            reader.error(kind.place, message, "leave one of them out");
        }
        *table = table.take().or_else(|| own.table());
        if let Law::Wifi(wifi) = own {
            config.wifi = Some(Box::new(wifi));
            law::check_wifi(config, table.is_some(), reader);
        }
        check(config, reader);
    });
}

fn loss(v: &mut impl Visitor, loss: &mut LossModel) {
    v.tag(required("model"), loss, LOSS_MODELS, "the loss model", |v, loss| match loss {
        LossModel::Independent(chance) => {
            v.key(required("chance"), chance, Chance, "of each packet on its own");
        }
        LossModel::GilbertElliott { p, r, loss_bad, loss_good } => {
            v.key(required("p"), p, Chance, "from the good state to the bad one, per packet");
            v.key(required("r"), r, Chance, "from the bad state to the good one, per packet");
            v.key("1-h", loss_bad, Chance, "the chance of loss in the bad state");
            v.key("1-k", loss_good, Chance, "the chance of loss in the good state");
        }
    });
}

const LOSS_MODELS: &[(&str, LossModel)] = &[
    ("independent", LossModel::Independent(Probability::NEVER)),
    (
        "gilbert-elliott",
        // netem's defaults.
        LossModel::GilbertElliott {
            p: Probability::NEVER,
            r: Probability::NEVER,
            loss_bad: Probability::ALWAYS,
            loss_good: Probability::NEVER,
        },
    ),
];

fn reorder(v: &mut impl Visitor, reorder: &mut Reorder) {
    let chance = "of each packet that is not within the gap";
    v.key(required("chance"), &mut reorder.chance, Chance, chance);
    let gap = "gap − 1 packets keep the delay before one may skip it again";
    v.key("gap", &mut reorder.gap, Whole(1, 1_000_000), gap);
}

fn check(config: &Config, reader: &mut Reader) {
    if let (Some(_), Some(node)) = (config.reorder, reader.get("reorder"))
        && config.delay.mean.is_zero()
        && !reader.base().is_faulty(reader.problems)
    {
        let message = "there is no delay that reordered packets could skip";
        reader.error(node.place, message, "give the link a `delay`, or leave `reorder` out");
    }
    delay::check(reader);
}

/// The largest base RTT of the paths that use each link; zero for a link that none uses.
pub(super) fn longest_rtts(links: &[LinkSpec], groups: &[Group]) -> Vec<Duration> {
    let mut longest = vec![Duration::ZERO; links.len()];
    for group in groups {
        let rtt = base_rtt(links, &group.path);
        for hop in &group.path {
            longest[hop.link] = longest[hop.link].max(rtt);
        }
    }
    longest
}

/// The sum of a path's delays, both ways.
pub(super) fn base_rtt(links: &[LinkSpec], path: &[Hop]) -> Duration {
    path.iter()
        .flat_map(|hop| &links[hop.link].directions)
        .fold(Duration::ZERO, |sum, direction| sum + direction.delay.mean)
}

/// Sets what tables say of `now`.
pub(super) fn apply_tables(links: &mut [LinkSpec], now: Instant) {
    for link in links {
        for (table, config) in link.tables.iter().zip(&mut link.directions) {
            if let Some(table) = table {
                table.apply(now, config);
            }
        }
    }
}

/// Turns limits and names of classes into queues. BDPs are of `starting`, the links at the trial's start.
pub(super) fn resolve_queues(
    links: &mut [LinkSpec],
    starting: &[LinkSpec],
    rtts: &[Duration],
    groups: &[Group],
) {
    for ((link, start), &rtt) in links.iter_mut().zip(starting).zip(rtts) {
        for i in [0, 1] {
            let rate = start.directions[i].rate;
            let queue = &mut link.directions[i].queue;
            queue.capacity = link.limits[i].resolve(rate, rtt).unwrap_or_default();
            queue.classes = classes::numbers(groups, &link.classes[i]);
        }
    }
}

/// True if the queues of both are the same but for their limits.
pub(super) fn queues_alike(a: &LinkSpec, b: &LinkSpec) -> bool {
    let pairs = a.directions.iter().zip(&b.directions);
    pairs.into_iter().all(|(a, b)| a.queue.is_alike(&b.queue))
}

/// Checks that the BDP limits of links have a rate and a round trip to be computed from.
pub(super) fn check_limits(
    root: &Node,
    links: &[LinkSpec],
    starting: &[LinkSpec],
    rtts: &[Duration],
    groups: &[Group],
    problems: &mut Vec<Problem>,
) {
    // Rates, delays, paths and segment sizes that could not be read are no second mistake.
    if ["link", "tcp", "clients"].iter().filter_map(|key| root.get(key)).any(|node| node.is_faulty(problems))
    {
        return;
    }
    for (i, link) in links.iter().enumerate() {
        let Some(node) = root.get("link").and_then(|links| links.get(&link.name)) else { continue };
        for direction in Direction::BOTH {
            let d = direction.index();
            let Some(queue) = said(node, direction, "queue") else { continue };
            let has_rate = |direction| said(node, direction, "rate").is_some();
            // A queue that is said for both directions may be meant for the one with a rate.
            let shared = node.get(direction.name()).and_then(|table| table.get("queue")).is_none();
            let rated = has_rate(direction) || shared && has_rate(direction.reverse());
            let rated_late = link.directions[d].rate.is_some() && starting[i].directions[d].rate.is_none();
            let is_bdp = matches!(link.limits[d], Limit::Bdp(_));
            let used = groups.iter().any(|group| group.crosses(i));
            if is_bdp && (!rated || rated_late) {
                let message = format!("link \"{}\" has no rate, so its queue has no BDP", link.name);
                let help = "give the link a `rate` from the start, or the limit in \"packets\" or \"KiB\"";
                problems.push(Problem::error(queue.place, message, help));
            } else if is_bdp && used && rtts[i].is_zero() {
                let message = format!("no path over link \"{}\" has a delay, so its BDP is zero", link.name);
                let help = "give a link of the path a `delay`, or the limit in \"packets\" or \"KiB\"";
                problems.push(Problem::error(queue.place, message, help));
            } else if let Some(packet) = too_large_for(link.limits[d], i, groups) {
                let message = format!("packets of {packet} bytes never fit into this queue");
                let help = format!("write at least \"{packet}B\", or lower `mss`");
                problems.push(Problem::error(queue.place, message, help));
            } else if !rated {
                let message = format!("link \"{}\" has no rate, so nothing ever queues", link.name);
                problems.push(Problem::warning(queue.place, message, "give the link a `rate`"));
            }
        }
    }
}

/// The largest packet over a link, if a limit in bytes keeps it out for ever.
fn too_large_for(limit: Limit, link: usize, groups: &[Group]) -> Option<u64> {
    let Limit::Bytes(bytes) = limit else { return None };
    largest_packet(link, groups).filter(|largest| bytes < *largest)
}

fn largest_packet(link: usize, groups: &[Group]) -> Option<u64> {
    let users = groups.iter().filter(|group| group.crosses(link));
    users.map(|group| u64::from(group.tcp.mss) + HEADER_BYTES).max()
}

/// Checks that every packet fits into the token buckets of its path.
pub(super) fn check_bursts(root: &Node, links: &[LinkSpec], groups: &[Group], problems: &mut Vec<Problem>) {
    if root.is_faulty(problems) {
        return;
    }
    for (i, link) in links.iter().enumerate() {
        let node = root.get("link").and_then(|links| links.get(&link.name));
        let (Some(node), Some(packet)) = (node, largest_packet(i, groups)) else { continue };
        for direction in Direction::BOTH {
            for key in ["rate", "policer"] {
                let config = &link.directions[direction.index()];
                let burst = match (key, &config.pattern, config.policer) {
                    ("rate", Pattern::Bucket(burst), _) => *burst,
                    ("policer", _, Some(policer)) => policer.burst,
                    _ => continue,
                };
                let place = said(node, direction, key).and_then(|table| table.get("burst"));
                if let Some(place) = place.map(|burst| burst.place).filter(|_| burst < packet) {
                    let message = format!("packets of {packet} bytes never fit into this bucket");
                    let help = format!("write at least \"{packet}B\", or lower `mss`");
                    problems.push(Problem::error(place, message, help));
                }
            }
        }
    }
}

/// Value of a key in a link's table for one direction: `up` or `down` over the rest.
pub(super) fn said<'a>(link: &'a Node, direction: Direction, key: &str) -> Option<&'a Node> {
    link.get(direction.name()).and_then(|over| over.get(key)).or_else(|| link.get(key))
}

impl Default for Limit {
    /// The same as [`Capacity::default`].
    fn default() -> Limit {
        match Capacity::default() {
            Capacity::Packets(n) => Limit::Packets(n),
            Capacity::Bytes(n) => Limit::Bytes(n),
        }
    }
}

/// The place of a link's name in the file.
pub(super) fn place_of(root: &Node, link: &str) -> Place {
    root.get("link").and_then(|links| links.entry(link)).map(|entry| entry.place).unwrap_or_default()
}

/// IP and TCP headers of a full segment with timestamps.
const HEADER_BYTES: u64 = 52;

#[cfg(test)]
mod tests {
    use super::super::testing::{and, plan, refused, scenario, with};
    use super::*;

    #[test]
    fn a_bdp_is_rate_times_the_longest_round_trip_in_packets() {
        let scenario = scenario(&with("[\"access\", \"bottleneck\"]", "[\"access\", \"bottleneck\"]"));
        // 10 Mbit/s × 2 × (10 + 5) ms = 37 500 bytes = 25 packets, exactly.
        assert_eq!(scenario.links[1].directions[0].queue, Capacity::Packets(25).into());
        assert_eq!(scenario.base_rtt(&scenario.groups[0].path), Duration::from_millis(30));
        assert_eq!(
            Limit::Bdp(0.51).resolve(scenario.links[1].directions[0].rate, Duration::from_millis(30)),
            Some(Capacity::Packets(13))
        );
        assert_eq!(Limit::Bdp(1.0).resolve(None, Duration::from_millis(30)), None);
    }

    #[test]
    fn up_and_down_override_one_direction() {
        let text = with(
            "queue = \"1bdp\"",
            "queue = \"64KiB\"\nup = { rate = \"2mbit\", loss = \"5%\" }\ndown.delay = \"7ms\"",
        );
        let link = &scenario(&text).links[1];
        let [up, down] = &link.directions;
        assert_eq!(up.rate.map(|rate| rate.to_string()), Some("2mbit".to_owned()));
        assert_eq!(down.rate.map(|rate| rate.to_string()), Some("10mbit".to_owned()));
        assert_eq!(up.loss, LossModel::Independent(Probability::new(0.05).expect("a probability")));
        assert_eq!(down.loss, LossModel::default());
        assert_eq!((up.delay.mean, down.delay.mean), (Duration::from_millis(5), Duration::from_millis(7)));
        assert_eq!([up.queue.capacity, down.queue.capacity], [Capacity::Bytes(65536); 2]);
    }

    #[test]
    fn the_two_state_channel_has_netems_defaults() {
        let text = with("\"1%\"", "{ model = \"gilbert-elliott\", p = \"1%\", r = \"30%\" }");
        let LossModel::GilbertElliott { loss_bad, loss_good, .. } =
            scenario(&text).links[0].directions[0].loss
        else {
            panic!("no Gilbert-Elliott channel");
        };
        assert_eq!((loss_bad, loss_good), (Probability::ALWAYS, Probability::NEVER));
        let text = with("\"1%\"", "{ model = \"gilbert-eliot\", p = \"1%\" }");
        refused(
            &text,
            5,
            "\"gilbert-eliot\"",
            "not one of the allowed words",
            "did you mean `gilbert-elliott`?",
        );
        let text = with("\"1%\"", "{ model = \"gilbert-elliott\", p = \"1%\" }");
        refused(&text, 5, "loss", "`link.access.loss` has no `r`", "from the bad state to the good one");
    }

    #[test]
    fn a_bdp_needs_a_rate_and_a_delay() {
        let text = with("rate = \"10mbit\"\n", "");
        refused(
            &text,
            8,
            "\"1bdp\"",
            "link \"bottleneck\" has no rate",
            "give the link a `rate` from the start",
        );
        let text = with("\"10ms\"", "\"0ms\"").replace("\"5ms\"", "\"0ms\"");
        refused(&text, 9, "\"1bdp\"", "its BDP is zero", "`delay`");
    }

    #[test]
    fn a_queue_in_bytes_takes_the_largest_packet() {
        refused(&with("1bdp", "1499B"), 9, "\"1499B\"", "packets of 1500 bytes never fit", "\"1500B\"");
    }

    #[test]
    fn reordering_needs_a_delay() {
        let text = with("delay = \"10ms\"", "reorder = { chance = \"1%\" }");
        refused(&text, 4, "{ chance = \"1%\" }", "there is no delay", "give the link a `delay`");
    }

    #[test]
    fn what_is_never_used_is_a_warning() {
        let plan = plan(&and("[link.spare]\ndelay = \"1ms\"\nqueue = \"9 packets\"\n"));
        let lines: Vec<usize> = plan.warnings.iter().map(|problem| plan.texts.line(problem.place)).collect();
        // The first is of the sound text's only person.
        assert_eq!(lines, [17, 21, 23]);
        assert_eq!(plan.texts.at(plan.warnings[1].place), "spare");
        assert!(plan.render_warnings(false).contains("no path uses link \"spare\""));
    }
}
