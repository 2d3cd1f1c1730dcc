//! The second pass over `[[clients]]`: who takes which path, with what TCP, to do what.

use super::leaf;
use super::links::{base_rtt, part};
use super::problem::{Problem, suggest};
use super::schema::{LEAST_MSS, MOST_CLIENTS, TCP};
use super::tree::Node;
use super::workload::{Addressee, AppSpec, Arrivals, Bulk, BulkDirection, Churn, SizeDistribution, Talk};
use super::{Group, LinkSpec};
use crate::congestion::Choice;
use crate::tcp::{Config, DelayedAck, Recovery, RtoFloor};
use crate::time::{Duration, Instant};
use crate::units::Bytes;
use crate::wire::Direction;

/// Reads the groups. What does not fit its kind was reported by the first pass.
pub(super) fn read(root: &Node, links: &[LinkSpec], problems: &mut Vec<Problem>) -> Vec<Group> {
    let clients = root.get("clients");
    let mut groups: Vec<Group> = vec![];
    for node in clients.map_or(&[][..], Node::items) {
        let group = read_one(node, root, links, problems);
        if let Some(name) = node.get("name")
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

/// Checks `[tcp]` by itself, since every group may override what is wrong with it.
pub(super) fn check_tcp_defaults(root: &Node, problems: &mut Vec<Problem>) {
    Layers::new(root, &[root.get("tcp")]).read(problems);
}

fn read_one(node: &Node, root: &Node, links: &[LinkSpec], problems: &mut Vec<Problem>) -> Group {
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
        path: path(node.get("path"), links, problems),
        start: Instant::ZERO.saturating_add(time("start")),
        stagger: time("stagger"),
        start_spread: time("start_spread"),
        tcp: Layers::new(root, &[Some(node), own, root.get("tcp")]).read(problems),
        app: app(node.get("app"), problems),
    }
}

fn path(node: Option<&Node>, links: &[LinkSpec], problems: &mut Vec<Problem>) -> Vec<usize> {
    let Some(node) = node else { return vec![] };
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
            None => {
                let names = links.iter().map(|link| link.name.as_str());
                let message = format!("there is no link \"{name}\"");
                problems.push(Problem::error(item.place, message, suggest(name, names)));
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
    } else if !path.is_empty() && stands_still(links, &path) {
        let message = "nothing on this path takes time: there is neither a delay nor a rate";
        let help = "give one of its links a `delay` or a `rate`";
        problems.push(Problem::error(node.place, message, help));
    }
    path
}

/// A connection over such a path would exchange packets for ever within one instant.
fn stands_still(links: &[LinkSpec], path: &[usize]) -> bool {
    let rated = path.iter().flat_map(|&link| &links[link].directions).any(|d| d.rate.is_some());
    !rated && base_rtt(links, path).is_zero()
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

/// The settings of TCP, the nearest layer first.
struct Layers<'a> {
    root: &'a Node,
    layers: Vec<&'a Node>,
}

impl<'a> Layers<'a> {
    fn new(root: &'a Node, layers: &[Option<&'a Node>]) -> Layers<'a> {
        Layers { root, layers: layers.iter().copied().flatten().collect() }
    }

    fn get(&self, key: &str) -> Option<&'a Node> {
        self.layers.iter().find_map(|layer| layer.get(key))
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).and_then(|node| leaf::flag(node).ok()).unwrap_or(default)
    }

    fn time(&self, key: &str, default: Duration) -> Duration {
        self.get(key).and_then(|node| leaf::positive_duration(node).ok()).unwrap_or(default)
    }

    fn bytes(&self, key: &str, default: u64) -> u64 {
        self.get(key).and_then(|node| leaf::bytes(node, LEAST_MSS, u64::MAX).ok()).unwrap_or(default)
    }

    fn integer(&self, key: &str) -> Option<u64> {
        self.get(key).and_then(|node| leaf::integer(node, 1, u64::MAX).ok())
    }

    fn read(&self, problems: &mut Vec<Problem>) -> Config {
        let default = Config::default();
        let word = |key| self.get(key).and_then(Node::text);
        let config = Config {
            congestion: self.congestion().unwrap_or(default.congestion),
            mss: self.integer("mss").and_then(|n| u16::try_from(n).ok()).unwrap_or(default.mss),
            initial_window: self.integer("initial_window").map_or(default.initial_window, small),
            recovery: match word("recovery") {
                Some("sack") => Recovery::Sack,
                Some("newreno") => Recovery::NewReno,
                Some("rack") => Recovery::Rack,
                _ => default.recovery,
            },
            delayed_ack: self.delayed_ack(default.delayed_ack),
            byte_counting: self.flag("byte_counting", default.byte_counting),
            min_rto: self.time("min_rto", default.min_rto),
            rto_floor: match word("rto_floor") {
                Some("variance") => RtoFloor::Variance,
                Some("rto") => RtoFloor::Rto,
                _ => default.rto_floor,
            },
            max_rto: self.time("max_rto", default.max_rto),
            nagle: self.flag("nagle", default.nagle),
            timestamps: self.flag("timestamps", default.timestamps),
            sack: self.flag("sack", default.sack),
            window_scale: self.flag("window_scale", default.window_scale),
            limited_transmit: self.flag("limited_transmit", default.limited_transmit),
            receive_window: self.bytes("receive_window", default.receive_window),
            send_buffer: self.bytes("send_buffer", default.send_buffer),
        };
        self.check(&config, problems);
        config
    }

    fn congestion(&self) -> Option<Choice> {
        let algorithm = leaf::controller(self.get("congestion")?).ok()?;
        let mut choice = algorithm.with_defaults();
        let table = self.root.get("congestion").and_then(|table| table.get(algorithm.name));
        for (parameter, value) in algorithm.parameters.iter().zip(&mut choice.parameters) {
            let (min, max) = parameter.range;
            let said = table.and_then(|table| table.get(parameter.name));
            if let Some(said) = said.and_then(|node| leaf::number(node, min, max).ok()) {
                *value = said;
            }
        }
        Some(choice)
    }

    /// `true`, `false`, or a table that fills up from `default`.
    fn delayed_ack(&self, default: Option<DelayedAck>) -> Option<DelayedAck> {
        let Some(node) = self.get("delayed_ack") else { return default };
        if leaf::flag(node) == Ok(false) {
            return None;
        }
        let mut delayed = default?;
        if let Some(n) = node.get("segments").and_then(|node| leaf::integer(node, 1, u64::MAX).ok()) {
            delayed.segments = small(n);
        }
        if let Some(timeout) = node.get("timeout").and_then(|node| leaf::positive_duration(node).ok()) {
            delayed.timeout = timeout;
        }
        Some(delayed)
    }

    fn check(&self, config: &Config, problems: &mut Vec<Problem>) {
        if let Some(node) = self.get("min_rto").or_else(|| self.get("max_rto"))
            && config.min_rto > config.max_rto
        {
            let message = format!("min_rto ({}) is larger than max_rto ({})", config.min_rto, config.max_rto);
            problems.push(Problem::error(node.place, message, "lower the one or raise the other"));
        }
        if config.recovery == Recovery::Rack
            && !config.sack
            && let Some(node) = self.get("recovery")
        {
            let message =
                "`rack` learns of losses from SACK; while `sack` is off, it is RFC 6582 (`newreno`)";
            problems.push(Problem::warning(node.place, message, "leave `sack` on, or write \"newreno\""));
        }
        for (key, bytes) in [("receive_window", config.receive_window), ("send_buffer", config.send_buffer)] {
            if let Some(node) = self.get(key).or_else(|| self.get("mss"))
                && bytes < u64::from(config.mss)
            {
                let message = format!("`{key}` does not hold one segment of {} bytes", config.mss);
                let help = format!("write at least \"{}B\", or lower `mss`", config.mss);
                problems.push(Problem::error(node.place, message, help));
            }
        }
    }
}

fn app(node: Option<&Node>, problems: &mut Vec<Problem>) -> AppSpec {
    let bulk = Bulk { direction: BulkDirection::Up, size: None };
    let Some(node) = node else { return AppSpec::Bulk(bulk) };
    match node.get("kind").and_then(Node::text) {
        Some("chat") => AppSpec::Chat(chat(node, problems)),
        _ => AppSpec::Bulk(Bulk {
            direction: match direction(node.get("direction")) {
                Some(Direction::Down) => BulkDirection::Down,
                _ => BulkDirection::Up,
            },
            size: node.get("size").and_then(|node| leaf::bytes(node, 1, u64::MAX).ok()).map(Bytes),
        }),
    }
}

fn chat(node: &Node, problems: &mut Vec<Problem>) -> Talk {
    let time = |key| move |node: &Node| node.get(key).and_then(|node| leaf::positive_duration(node).ok());
    let churn = node
        .get("churn")
        .and_then(|churn| Some(Churn { stay: time("stay")(churn)?, away: time("away")(churn)? }));
    let rooms = node.get("rooms").and_then(|node| leaf::integer(node, 1, MOST_CLIENTS).ok());
    let to = match node.get("to").and_then(Node::text) {
        Some("one") => Addressee::One,
        Some("room") => Addressee::Room,
        _ => Addressee::Everyone,
    };
    if let Some(entry) = node.entry("rooms")
        && to != Addressee::Room
    {
        let message = "there are rooms, but nobody talks to a room";
        problems.push(Problem::error(entry.place, message, "add `to = \"room\"`, or leave `rooms` out"));
    }
    Talk {
        interval: node
            .get("rate")
            .and_then(|node| leaf::frequency(node).ok())
            .unwrap_or(Duration::from_secs(1)),
        arrivals: arrivals(node.get("arrivals")),
        size: size(node.get("size"), problems),
        to,
        rooms: rooms.map_or(1, small),
        churn,
    }
}

fn arrivals(node: Option<&Node>) -> Arrivals {
    match part(node, "kind", "kind").and_then(Node::text) {
        Some("periodic") => Arrivals::Periodic,
        Some("bursts") => Arrivals::Bursts {
            size: part(node, "size", "").and_then(|n| leaf::integer(n, 1, u64::MAX).ok()).map_or(1, small),
            gap: part(node, "gap", "").and_then(|n| leaf::duration(n).ok()).unwrap_or_default(),
        },
        _ => Arrivals::Poisson,
    }
}

fn size(node: Option<&Node>, problems: &mut Vec<Problem>) -> SizeDistribution {
    let bytes =
        |key| part(node, key, "mean").and_then(|node| leaf::bytes(node, 1, u64::MAX).ok()).unwrap_or(200);
    match part(node, "distribution", "").and_then(Node::text) {
        Some("uniform") => {
            let (min, max) = (bytes("min"), bytes("max"));
            if let Some(node) = part(node, "min", "")
                && min > max
            {
                let message = "the shortest text is longer than the longest";
                problems.push(Problem::error(node.place, message, "write the smaller size as `min`"));
            }
            SizeDistribution::Uniform { low: min, high: max }
        }
        Some("exponential") => SizeDistribution::Exponential { mean: bytes("mean") as f64 },
        Some("lognormal") => {
            SizeDistribution::Lognormal { mean: bytes("mean") as f64, sd: bytes("deviation") as f64 }
        }
        _ => SizeDistribution::Constant(bytes("mean")),
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
    use super::super::testing::{SOUND, and, defaults, refused, scenario, with};
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

    #[test]
    fn a_group_overrides_tcp_key_by_key() {
        let text = with(
            "count = 2",
            "count = 2\ncongestion = \"fixed\"\ntcp = { min_rto = \"1s\", delayed_ack = false }",
        );
        let scenario = scenario(&format!("{}[congestion.fixed]\nwindow = 7\n", text.replace("1448", "1000")));
        let [upload, people] = [&scenario.groups[0].tcp, &scenario.groups[1].tcp];
        assert_eq!(
            (upload.congestion.algorithm.name, &upload.congestion.parameters[..]),
            ("fixed", &[7.0][..])
        );
        assert_eq!((upload.min_rto, upload.delayed_ack, upload.mss), (Duration::from_secs(1), None, 1000));
        assert_eq!(*people, Config { mss: 1000, ..Config::default() });
        refused(&with("count = 2", "mss = 500\ntcp.mss = 600"), 15, "mss", "`mss` is said twice", "keep one");
    }

    #[test]
    fn bounds_that_contradict_each_other_are_refused() {
        refused(
            &with("mss = 1448", "min_rto = \"3s\"\nmax_rto = \"2s\""),
            11,
            "\"3s\"",
            "larger than max_rto (2s)",
            "lower",
        );
        refused(
            &with("mss = 1448", "receive_window = \"1KiB\""),
            11,
            "\"1KiB\"",
            "does not hold one segment of 1448",
            "at least \"1448B\"",
        );
        let text = with("mss = 1448", "receive_window = \"10B\"");
        refused(&text, 11, "\"10B\"", "\"10B\" is out of range", "from \"64B\" to \"1GiB\"");
    }

    #[test]
    fn the_schema_states_the_real_defaults() {
        let table = format!("[tcp]\n{}", defaults(TCP));
        let said = scenario(&SOUND.replace("[tcp]\nmss = 1448\n", &table));
        assert_eq!(said.groups[0].tcp, Config::default());
    }

    #[test]
    fn chat_is_read_completely() {
        let app = "{ kind = \"chat\", rate = \"30/min\", arrivals = { kind = \"bursts\", size = 5, gap = \"10ms\" }, \
                   size = { distribution = \"uniform\", min = \"10B\", max = \"20B\" }, to = \"room\", rooms = 4, \
                   churn = { stay = \"20s\", away = \"5s\" } }";
        let scenario = scenario(&with("{ kind = \"chat\", rate = \"1/s\" }", app));
        let expected = Talk {
            interval: Duration::from_secs(2),
            arrivals: Arrivals::Bursts { size: 5, gap: Duration::from_millis(10) },
            size: SizeDistribution::Uniform { low: 10, high: 20 },
            to: Addressee::Room,
            rooms: 4,
            churn: Some(Churn { stay: Duration::from_secs(20), away: Duration::from_secs(5) }),
        };
        assert_eq!(scenario.groups[1].app, AppSpec::Chat(expected));
        let bulk = Bulk { direction: BulkDirection::Up, size: None };
        assert_eq!(scenario.groups[0].app, AppSpec::Bulk(bulk));
    }

    #[test]
    fn chat_that_contradicts_itself_is_refused() {
        let app = |more: &str| with("rate = \"1/s\"", &format!("rate = \"1/s\", {more}"));
        refused(&app("rooms = 3"), 20, "rooms", "nobody talks to a room", "to = \"room\"");
        let size = "size = { distribution = \"uniform\", min = \"9B\", max = \"3B\" }";
        refused(&app(size), 20, "\"9B\"", "longer than the longest", "`min`");
        refused(
            &with("1/s", "often"),
            20,
            "\"often\"",
            "`rate`: \"often\" is not a number per time",
            "30/min",
        );
    }
}
