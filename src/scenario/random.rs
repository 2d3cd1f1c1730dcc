//! Random scenarios over every key that there is: a file grows line by line as long as it is sound, by the
//! declarations alone, and its world is run. What enters a link leaves it or is counted, marks included.
//!
//! `TESTBED_WORLDS=first:count cargo test --lib scenario::random` tries others; 2000 and more must use every key.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::check::join;
use super::describe::{kind_of, whole};
use super::kind::{Key, Kind, Reach};
use super::testing::shipped;
use super::{Plan, Scenario, Trial, build};
use crate::congestion::ALGORITHMS;
use crate::facts::{LinkOutcome, Outcome};
use crate::link::Verdict;
use crate::rng::{Rng, Seed};
use crate::time::Instant;
use crate::wire::{Direction, Ecn, Packet};

const LINKS: [&str; 2] = ["a", "b"];
const PATHS: [&str; 3] = ["['a', 'b', 'end']", "['a', 'b', 'end']\nat = 'b'", "['b', '<a', 'end']"];
/// Keys of the file that say nothing of a world.
const WORDS_ALONE: [&str; 8] = ["title", "expect", "seed", "trials", "claim", "plot", "sweep", "duration"];

/// A file that grows.
#[derive(Clone, Default)]
struct Draft {
    top: Vec<String>,
    groups: Vec<Vec<String>>,
    more: Vec<String>,
}

impl Draft {
    fn text(&self) -> String {
        let groups = self.groups.iter().map(|lines| format!("[[clients]]\n{}\n", lines.join("\n")));
        format!("{}\n{}{}", self.top.join("\n"), groups.collect::<String>(), self.more.join("\n"))
    }

    fn plan(&self) -> Option<Plan> {
        Plan::parse_with("random.toml", &self.text(), &[], &mut shipped).ok()
    }
}

/// Draws values by their kinds, and notes the keys that it uses.
struct Writer<'a> {
    rng: &'a mut Rng,
    used: Vec<String>,
}

impl Writer<'_> {
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.below(of.len() as u64) as usize]
    }

    fn word(&mut self, of: &[&str]) -> String {
        format!("\"{}\"", self.one(of))
    }

    /// A value of the key at `path`; nothing for what has its own way into the file.
    fn value(&mut self, kind: &Kind, path: &str) -> Option<String> {
        Some(match kind {
            Kind::Flag => self.one(&["true", "false"]).to_owned(),
            Kind::Integer(least, most) => (least + self.rng.below((most - least).min(20) + 1)).to_string(),
            Kind::Number(least, most) => {
                let share = self.one(&[0.0, 0.01, 0.1, 0.5, 1.0]);
                format!("{:.4}", least + share * (most.min(100.0) - least))
            }
            Kind::Duration => self.word(&["0s", "1ms", "20ms", "300ms"]),
            Kind::PositiveDuration => self.word(&["1ms", "20ms", "300ms", "1s"]),
            Kind::Offset => self.word(&["0s", "trial", "700ms"]),
            Kind::Rate => self.word(&["64kbit", "1mbit", "8mbit", "40mbit"]),
            Kind::Probability => self.word(&["0%", "0.1%", "1%", "10%", "50%", "100%"]),
            Kind::Bytes(least, most) => {
                let size = self.one(&[*least, 100, 1_500, 20_000, 1_000_000]);
                format!("\"{}B\"", size.clamp(*least, *most))
            }
            Kind::Frequency => self.word(&["1/s", "20/s", "300/min"]),
            Kind::Limit => self.word(&["1bdp", "5 packets", "100 packets", "64KiB"]),
            Kind::Word(words) => self.word(words),
            Kind::Controller => {
                let names: Vec<&str> = ALGORITHMS.iter().map(|algorithm| algorithm.name).collect();
                self.word(&names)
            }
            Kind::Dialect => self.word(&["json-lines", "reliable"]),
            Kind::Class => self.one(&["1", "2", "7", "\"voice\""]).to_owned(),
            Kind::Line => self.file(path)?,
            Kind::List(items) => {
                let values: Option<Vec<String>> =
                    (0..=self.rng.below(2)).map(|_| self.value(items, path)).collect();
                format!("[{}]", values?.join(", "))
            }
            Kind::Short { scalar, table, .. } => match self.rng.below(3) {
                0 if **scalar != Kind::Text => self.value(scalar, path)?,
                _ => self.value(table, path)?,
            },
            Kind::Table(keys) | Kind::Parameters(keys) => self.table(&[], keys, path)?,
            Kind::Tagged { tag, variants } => {
                let (word, keys) = &variants[self.rng.below(variants.len() as u64) as usize];
                self.used.push(join(path, tag.name));
                let said = vec![format!("{} = \"{word}\"", tag.name)];
                self.table(&said, keys, &format!("{path}[{word}]"))?
            }
            // They have ways of their own into the file, or say nothing of a world.
            Kind::Name | Kind::Hop | Kind::Text | Kind::Settings(_) | Kind::Axes | Kind::Named(_) => {
                return None;
            }
            Kind::Paper(_) | Kind::Cell => return None,
        })
    }

    /// A table in one line with what must be there, and some of the rest.
    fn table(&mut self, said: &[String], keys: &[Key], path: &str) -> Option<String> {
        let mut parts = said.to_vec();
        for key in keys {
            if key.required || self.rng.below(3) == 0 {
                let path = join(path, key.name);
                match self.value(&key.kind, &path) {
                    Some(value) => parts.push(format!("{} = {value}", key.name)),
                    None if key.required => return None,
                    None => continue,
                }
                self.used.push(path);
            }
        }
        Some(format!("{{ {} }}", parts.join(", ")))
    }

    /// The file that a key may name.
    fn file(&mut self, path: &str) -> Option<String> {
        Some(match path.rsplit('.').next()? {
            "trace" => self.word(&["traces/lte.trace"]),
            "csv" => self.word(&["traces/steps.csv"]),
            "table" => self.word(&["traces/spikes.dist"]),
            "pcap" => self.word(&["link.a", "g0-1", "g0-1@server"]),
            "flows" => self.word(&["g0-1", "g0-*"]),
            "flow" => self.word(&["g0-1", "g1-1"]),
            _ => return None,
        })
    }

    /// `key = value`, for one of `keys`.
    fn line(&mut self, keys: &[Key], prefix: &str, path: &str) -> Option<String> {
        let key = &keys[self.rng.below(keys.len() as u64) as usize];
        let path = join(path, key.name);
        let value = self.value(&key.kind, &path)?;
        self.used.push(path);
        Some(format!("{prefix}{} = {value}", key.name))
    }

    /// A line more somewhere.
    fn grow(&mut self, draft: &mut Draft) -> Option<()> {
        let fixed = |name| match kind_of(name) {
            Kind::Table(keys) | Kind::Parameters(keys) => keys.as_slice(),
            Kind::List(item) | Kind::Named(item) => match &**item {
                Kind::Table(keys) => keys.as_slice(),
                _ => &[],
            },
            _ => &[],
        };
        match self.rng.below(20) {
            0..=7 => {
                let link = self.one(&LINKS);
                let way = self.one(&["", "", "up.", "down."]);
                draft.top.push(self.line(fixed("link"), &format!("link.{link}.{way}"), "link")?);
            }
            8..=11 => draft.top.push(self.line(fixed("tcp"), "tcp.", "tcp")?),
            12 => {
                let controllers: Vec<&Key> =
                    fixed("congestion").iter().filter(|key| !key.kind.keys().is_empty()).collect();
                let controller = self.one(&controllers);
                let Kind::Table(keys) = &controller.kind else { return None };
                let path = join("congestion", controller.name);
                draft.top.push(self.line(keys, &format!("{path}."), &path)?);
            }
            13 => draft.top.push(self.line(fixed("record"), "record.", "record")?),
            14 => draft.top.push(self.line(fixed("chat"), "chat.", "chat")?),
            15..=17 => {
                let group = self.rng.below(draft.groups.len() as u64) as usize;
                draft.groups[group].push(self.line(fixed("clients"), "", "clients")?);
            }
            18 => {
                let keys: Vec<&Key> =
                    fixed("link").iter().filter(|key| key.reach == Reach::Schedule).collect();
                let key = self.one(&keys);
                let value = self.value(&key.kind, &join("link", key.name))?;
                let (at, link) = (self.word(&["0s", "300ms", "900ms"]), self.one(&LINKS));
                self.used.extend(["schedule.at".to_owned(), "schedule.set".to_owned()]);
                let set = format!("set = {{ \"link.{link}.{}\" = {value} }}", key.name);
                draft.more.push(format!("[[schedule]]\nat = {at}\n{set}\n"));
            }
            _ => {
                let keys = fixed("drop");
                let mut lines = vec!["[[drop]]".to_owned()];
                for key in keys.iter().filter(|key| key.required || key.name == "direction") {
                    let path = join("drop", key.name);
                    lines.push(format!("{} = {}", key.name, self.value(&key.kind, &path)?));
                    self.used.push(path);
                }
                draft.more.push(lines.join("\n") + "\n");
            }
        }
        Some(())
    }
}

/// Every path of keys beneath `kind`, as a [`Writer`] notes them.
fn paths(kind: &Kind, path: &str, all: &mut BTreeSet<String>) {
    let mut each = |keys: &[Key], path: &str| {
        for key in keys {
            let path = join(path, key.name);
            paths(&key.kind, &path, all);
            all.insert(path);
        }
    };
    match kind {
        Kind::Table(keys) => each(keys, path),
        // A controller without parameters has no line.
        Kind::Parameters(keys) => {
            for key in keys {
                let parameters: Vec<Key> = key.kind.keys().into_iter().cloned().collect();
                each(&parameters, &join(path, key.name));
            }
        }
        Kind::Tagged { tag, variants } => {
            for (word, keys) in variants {
                each(keys, &format!("{path}[{word}]"));
            }
            all.insert(join(path, tag.name));
        }
        Kind::Short { table, .. } => paths(table, path, all),
        Kind::Named(item) | Kind::List(item) => paths(item, path, all),
        _ => {}
    }
}

/// A sound file with a handful of random lines, and the keys that it uses.
fn some_scenario(rng: &mut Rng) -> (String, Vec<String>) {
    let mut writer = Writer { rng, used: vec![] };
    let mut draft = Draft::default();
    draft.top.push(format!("duration = {}", writer.word(&["1s", "2s"])));
    draft.top.extend(
        ["link.a.delay = \"3ms\"", "link.end.delay = \"1ms\"", "link.end.rate = \"40mbit\""]
            .map(str::to_owned),
    );
    draft.top.push(format!("link.b.rate = {}", writer.word(&["1mbit", "8mbit"])));
    let Kind::List(client) = kind_of("clients") else { panic!("groups are a list") };
    let app = &client.key("app").expect("an application").kind;
    for group in 0..=writer.rng.below(3) {
        let path = writer.one(&PATHS);
        loop {
            let mut tried = draft.clone();
            let before = writer.used.len();
            if let Some(app) = writer.value(app, "clients.app") {
                let lines =
                    [format!("name = \"g{group}\""), format!("path = {path}"), format!("app = {app}")];
                tried.groups.push(lines.to_vec());
                if tried.plan().is_some() {
                    draft = tried;
                    break;
                }
            }
            writer.used.truncate(before);
        }
    }
    writer.used.extend(["clients.name", "clients.path", "clients.at", "clients.app"].map(str::to_owned));
    for _ in 0..5 + writer.rng.below(15) {
        let mut tried = draft.clone();
        let before = writer.used.len();
        if writer.grow(&mut tried).is_some() && tried.plan().is_some() {
            draft = tried;
        } else {
            writer.used.truncate(before);
        }
    }
    (draft.text(), writer.used)
}

/// Packets that can be marked and packets that were, at the entrance of a link.
type Seen = Arc<[AtomicU64; 2]>;

/// Runs a scenario's world; with it what was seen at the entrances of its shared links, both ways.
fn run(scenario: &Scenario, seed: u64) -> (Outcome, Vec<Option<[Seen; 2]>>) {
    let mut world = build(scenario, Trial { cell: 0, number: 0, seed: Seed(seed) });
    let mut instances = 0..;
    let watched = scenario.links.iter().map(|link| {
        (!link.per_client).then(|| {
            [(); 2].map(|()| {
                let seen = Seen::default();
                let noted = Arc::clone(&seen);
                let watch = move |_: Instant, packet: &Packet, _: &mut Rng| {
                    let ecn = packet.segment.ecn;
                    noted[0].fetch_add(u64::from(ecn != Ecn::NotEct), Ordering::Relaxed);
                    noted[1].fetch_add(u64::from(ecn == Ecn::Ce), Ordering::Relaxed);
                    Verdict::Pass
                };
                world.push_impairment(instances.next().expect("endless"), Box::new(watch));
                seen
            })
        })
    });
    let watched = watched.collect();
    (world.run(&mut || true).expect("nobody stops it"), watched)
}

/// Marks are made of packets that can be marked, and stay with them from link to link.
fn check_marks(scenario: &Scenario, outcome: &Outcome, watched: &[Option<[Seen; 2]>]) {
    let seen = |link: usize, way: Direction| {
        let [capable, marked] = &*watched[link].as_ref()?[way.index()];
        Some((capable.load(Ordering::Relaxed), marked.load(Ordering::Relaxed)))
    };
    let of = |link: usize, way: Direction| -> &LinkOutcome {
        let name = &scenario.links[link].name;
        let mut all = outcome.links.iter();
        all.find(|link| link.name == *name && link.direction == way).expect("an outcome")
    };
    for link in 0..scenario.links.len() {
        for way in Direction::BOTH {
            let counters = of(link, way).counters;
            if let Some((capable, _)) = seen(link, way) {
                assert!(
                    counters.marked <= capable + counters.duplicated,
                    "{} of {capable} are marked",
                    counters.marked
                );
            }
        }
    }
    let path = &scenario.groups[0].path;
    let others = scenario.groups.iter().any(|group| group.path != *path);
    if others || path.iter().any(|hop| hop.backwards) {
        return;
    }
    let forth: Vec<usize> = path.iter().map(|hop| hop.link).collect();
    let back: Vec<usize> = forth.iter().rev().copied().collect();
    for (way, order) in [(Direction::Up, forth), (Direction::Down, back)] {
        for pair in order.windows(2) {
            let (Some((_, before)), Some((_, behind))) = (seen(pair[0], way), seen(pair[1], way)) else {
                continue;
            };
            let LinkOutcome { counters, in_flight, .. } = of(pair[0], way);
            let most = before + counters.marked + counters.duplicated;
            let least = before.max(counters.marked).saturating_sub(counters.dropped() + in_flight);
            assert!(
                (least..=most).contains(&behind),
                "{behind} marked packets behind a link, not {least} to {most}"
            );
        }
    }
}

#[test]
fn whatever_a_scenario_says_nothing_is_lost_and_no_mark_is_made_up() {
    let wanted = std::env::var("TESTBED_WORLDS").ok();
    let wanted = wanted.as_deref().and_then(|text| text.split_once(':'));
    let (first, count): (u64, u64) = wanted.map_or((1, 60), |(first, count)| {
        (first.parse().expect("a number"), count.parse().expect("a count"))
    });
    let (mut used, mut judged, mut wrong) = (BTreeSet::new(), 0, vec![]);
    for number in first..first + count {
        println!("TESTBED_WORLDS={number}:1");
        let (text, keys) = some_scenario(&mut Seed(number).stream("scenario"));
        println!("{text}");
        let scenario = Plan::parse_with("random.toml", &text, &[], &mut shipped).expect("sound").base;
        let (outcome, watched) = run(&scenario, number);
        check_marks(&scenario, &outcome, &watched);
        for link in &outcome.links {
            assert!(link.utilisation.is_none_or(|share| (0.0..=1.0 + 1e-9).contains(&share)), "{link:?}");
            for row in &link.realised {
                assert!(row.low <= row.high, "{row:?}");
                judged += u64::from(row.pass.is_some());
                wrong.extend((row.pass == Some(false)).then(|| format!("{number}: {row:?}")));
            }
        }
        if number % 8 == 0 {
            let again = run(&scenario, number).0;
            assert_eq!((again.events, again.links.len()), (outcome.events, outcome.links.len()));
        }
        used.extend(keys);
    }
    println!("{} of {judged} checks fail: {wrong:#?}", wrong.len());
    assert!(wrong.len() as u64 <= 2 + judged / 1_000, "{} of {judged}: {wrong:#?}", wrong.len());
    if count >= 2_000 {
        let mut all = BTreeSet::new();
        for key in whole().keys().iter().filter(|key| !WORDS_ALONE.contains(&key.name)) {
            paths(&key.kind, key.name, &mut all);
        }
        // The keys of one direction are those of the link.
        let plain = |paths: &BTreeSet<String>| -> BTreeSet<String> {
            paths
                .iter()
                .map(|path| path.replace("link.up.", "link.").replace("link.down.", "link."))
                .collect()
        };
        let (all, used) = (plain(&all), plain(&used));
        let unused: Vec<&String> = all.difference(&used).collect();
        assert!(unused.is_empty(), "no scenario uses {unused:?}");
    }
}
