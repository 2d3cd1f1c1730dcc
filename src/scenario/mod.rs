//! Scenario files: TOML text → [`Plan`] (the grid of a sweep) → [`Scenario`] (one cell, validated)
//! → [`Trial`] (one repetition, with its seed).
//!
//! A [`Scenario`] is parsed once and completely: it holds no strings or options that still need an
//! interpretation. Everything that is wrong with a file is collected in one [`ScenarioError`].
//! This module knows texts, not files, and no threads.

mod axes;
mod build;
mod captures;
mod check;
mod claims;
mod classes;
mod conditions;
mod controls;
mod delay;
mod describe;
mod dist;
mod dotted;
#[cfg(feature = "cli")]
mod drawing;
mod drops;
mod effective;
mod explain;
mod file;
mod files;
mod form;
mod groups;
mod json_schema;
mod kind;
mod law;
mod leaf;
mod links;
mod names;
mod overrides;
mod pace;
mod paper;
mod path;
mod patterns;
mod plots;
pub(crate) mod problem;
mod quantity;
mod queue;
#[cfg(test)]
mod random;
mod rate;
mod read;
mod reader;
mod schedule;
mod settings;
mod stated;
pub(crate) mod sweep;
#[cfg(test)]
mod testing;
mod topology;
mod trace;
mod tree;
mod visit;
pub(crate) mod workload;
mod written;

use crate::congestion::script;
use crate::engine::{Clients, Point};
use crate::facts::Measure;
use crate::link;
use crate::rng::Seed;
use crate::tcp;
use crate::time::{Duration, Instant};
use crate::wire::Direction;

pub use crate::link::DropEntry;
pub use axes::Axis;
pub use build::{Cast, Identity, Part, add_links, build, build_ports, cast};
pub use claims::{Claim, Names as ClaimNames};
pub use conditions::Table;
pub use controls::{Control, Described, Takes, keys};
pub use explain::{explain, key_list};
pub use files::{FilePrint, Loader, MOST_FILE_BYTES};
pub use json_schema::json_schema;
pub use path::Hop;
pub use plots::{PictureFormat, PlotOption, PlotProblem, PlotSpec, plots};
pub use problem::{Place, Problem, ScenarioError, Severity, Source, Texts, text_of};
pub use stated::stated;
pub use sweep::{Cell, Plan, Trial};
pub use topology::{GroupPlace, LinkConditions, Topology};
pub use workload::{AppSpec, WORKLOADS, Workload};
pub use written::written_in;

/// One cell of a scenario, ready to be built into a world.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The file's name without folder and extension.
    pub name: String,
    /// Subject, in one line.
    pub title: String,
    /// Effect that one should see, as a sentence; empty if nothing is said.
    pub expect: String,
    /// The seed of trial 0; trial `k` has `seed + k`.
    pub seed: u64,
    /// Virtual time of one trial.
    pub duration: Duration,
    /// Left out of the figures, at the start; shorter than `duration`.
    pub warmup: Duration,
    /// Repetitions.
    pub trials: u32,
    /// The links, in the file's order.
    pub links: Vec<LinkSpec>,
    /// The groups of clients, in the file's order; never empty.
    pub groups: Vec<Group>,
    /// Dialect of the chat on the wire: the name of a framed one from `chat::protocol::DIALECTS`.
    pub dialect: &'static str,
    /// Conditions that change, by time.
    pub schedule: Vec<Change>,
    /// Data segments that are dropped by list.
    pub drops: Vec<DropSpec>,
    /// Records kept besides the figures.
    pub record: RecordSpec,
}

/// A two-way link.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkSpec {
    /// Its name, unique.
    pub name: String,
    /// True if each client has one of its own.
    pub per_client: bool,
    /// Both directions, by [`Direction::index`], as they are at the start. Queues are resolved.
    pub directions: [link::config::Config; 2],
    /// The limits of the queues as the file gives them, by [`Direction::index`].
    pub limits: [Limit; 2],
    /// The classes of the queues as the file gives them, by [`Direction::index`].
    pub classes: [ClassList; 2],
    /// Tables of what holds over time, by [`Direction::index`].
    pub tables: [Option<Table>; 2],
}

/// Capacity of a queue, as a file gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// So many packets.
    Packets(u64),
    /// So many bytes.
    Bytes(u64),
    /// This many bandwidth-delay products.
    Bdp(f64),
}

/// Classes that a queue knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassList {
    /// Their names, from the first to be served on.
    pub names: Vec<String>,
    /// Their weights, as far as they are said.
    pub weights: Vec<u32>,
}

/// Clients that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name, unique.
    pub name: String,
    /// Number of members; 0 where the group is left out.
    pub count: u32,
    /// From the client to the server; never empty, no link twice.
    pub path: Vec<Hop>,
    /// Class of service of its packets; empty for none.
    pub class: String,
    /// Start of its first member.
    pub start: Instant,
    /// Time between the starts of successive members.
    pub stagger: Duration,
    /// Each member starts later by a random time below this, so that trials differ.
    pub start_spread: Duration,
    /// The settings of both ends of its connections.
    pub tcp: tcp::Config,
    /// Workload of each member.
    pub app: AppSpec,
}

/// Conditions that change during a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Time of the change, before the end of the trial.
    pub at: Instant,
    /// The links that change, with both directions as they are from then on. BDPs are those of
    /// the trial's start.
    pub links: Vec<(usize, [link::config::Config; 2])>,
}

/// Data segments of one flow that are dropped at the entrance of its path's first link, seen from
/// the sender.
#[derive(Clone, Debug, PartialEq)]
pub struct DropSpec {
    /// The flow: `<group>-<n>`.
    pub flow: String,
    /// Index into [`Scenario::groups`].
    pub group: usize,
    /// The member, counted from 0.
    pub member: u32,
    /// Direction of the sender's segments.
    pub direction: Direction,
    /// Segments that are dropped; never empty.
    pub entries: Vec<DropEntry>,
}

/// Records kept besides the figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSpec {
    /// Sampling interval of the series; not zero.
    pub interval: Duration,
    /// Trials of a cell that keep their series.
    pub trials: RecordTrials,
    /// Points at which packets are captured, by the names that the file gives them.
    pub pcap: Vec<(String, Point)>,
    /// Bytes that the captures of a trial may have together, and its logs of senders.
    pub pcap_limit: u64,
    /// True if senders are logged.
    pub qlog: bool,
    /// Clients whose senders these are; all if none is named.
    pub flows: Vec<Clients>,
}

/// Trials of a cell that keep their series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordTrials {
    /// Trial 0.
    #[default]
    First,
    /// Every one.
    All,
    /// None.
    None,
}

impl Scenario {
    /// True if a controller of it is in a script, which runs in virtual time only: an interpreter makes packets late.
    pub fn has_scripts(&self) -> bool {
        self.groups.iter().any(|group| script::is_named(group.tcp.congestion.algorithm.name))
    }

    /// The name of a group's member, counted from 0: `<group>-<n>`, with `n` from 1.
    pub fn flow_name(&self, group: usize, member: u32) -> String {
        format!("{}-{}", self.groups[group].name, u64::from(member) + 1)
    }

    /// The names of all flows, by group and member.
    pub fn flow_names(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.groups.len())
            .flat_map(move |group| (0..self.groups[group].count).map(move |n| self.flow_name(group, n)))
    }

    /// The round-trip time of a path without queues and jitter: the sum of its delays both ways.
    pub fn base_rtt(&self, path: &[Hop]) -> Duration {
        links::base_rtt(&self.links, path)
    }

    /// Share of a direction's packets that are lost by chance on a path; `None` where losses come in bursts.
    pub fn random_loss(&self, path: &[Hop], direction: Direction) -> Option<f64> {
        path::random_loss(&self.links, path, direction)
    }

    /// True if trial number `trial` keeps its series.
    pub fn records(&self, trial: u32) -> bool {
        match self.record.trials {
            RecordTrials::First => trial == 0,
            RecordTrials::All => true,
            RecordTrials::None => false,
        }
    }

    /// Most rows of the series of a trial: of flows, and of links.
    pub fn series_rows(&self) -> [u64; 2] {
        let samples = self.duration.as_nanos() / self.record.interval.as_nanos().max(1) + 1;
        let flows: u64 = self.groups.iter().map(read::series_of).sum();
        [flows, 2 * self.links.len() as u64].map(|things| samples.saturating_mul(things))
    }

    /// True if anybody chats.
    pub fn has_chat(&self) -> bool {
        self.groups.iter().any(|group| group.app.measures_a(Measure::Latency))
    }
}

impl Group {
    /// True if its path crosses a link, by index.
    pub fn crosses(&self, link: usize) -> bool {
        self.path.iter().any(|hop| hop.link == link)
    }

    /// Earliest start of a member, counted from 0.
    pub fn earliest_start(&self, member: u32) -> Instant {
        self.start.saturating_add(self.stagger.saturating_mul(u64::from(member)))
    }

    /// Start of a member, counted from 0 and called `name`, in the trial with this seed. The
    /// stream is drawn from only where a spread is asked for, and is nobody else's.
    pub fn start_of(&self, member: u32, name: &str, seed: Seed) -> Instant {
        let earliest = self.earliest_start(member);
        if self.start_spread.is_zero() {
            return earliest;
        }
        let wait = seed.stream(&format!("client/{name}/start")).below(self.start_spread.as_nanos());
        earliest.saturating_add(Duration::from_nanos(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{SOUND, scenario, shipped};
    use super::*;

    #[test]
    fn every_shipped_scenario_parses_without_warnings() {
        let folder = |name: &str| std::fs::read_dir(format!("{}/{name}", env!("CARGO_MANIFEST_DIR")));
        let mut names = vec![];
        let entries =
            ["scenarios", "scenarios/labs"].map(|name| folder(name).expect("a folder of scenarios"));
        for entry in entries.into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let file = path.to_string_lossy().into_owned();
            let text = text_of(&file, std::fs::read(&path)).expect("a text");
            let mut beside = |name: &str| std::fs::read(path.with_file_name(name));
            let plan =
                Plan::parse_with(&file, &text, &[], &mut beside).unwrap_or_else(|error| panic!("{error}"));
            assert!(plan.warnings.is_empty(), "{}", plan.render_warnings(false));
            assert!(!plan.base.expect.is_empty(), "{file} says nothing of what to expect");
            assert!((1..=3).contains(&plan.claims.len()), "{file} claims nothing, or too much");
            names.push(plan.name().to_owned());
        }
        names.sort();
        let shipped = [
            "bufferbloat",
            "burst-loss",
            "cellular",
            "chat-100",
            "collapse",
            "fairness",
            "jitter-reorder",
            "loss10",
            "reference",
        ];
        assert!(shipped.iter().all(|name| names.iter().any(|other| other == name)), "{names:?}");
    }

    #[test]
    fn no_damage_to_a_file_makes_a_panic() {
        let text = include_str!("../../scenarios/reference.toml");
        let try_it = |text: &str| {
            drop(Plan::parse_with("x.toml", text, &[], &mut shipped).map_err(|error| error.render(false)));
        };
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        for n in 0..lines.len() {
            let without: Vec<&str> = [&lines[..n], &lines[n + 1..]].concat();
            try_it(&without.join("\n"));
            let Some((key, _)) = lines[n].split_once('=') else { continue };
            for value in
                ["0", "-1", "1e400", "\"\"", "\"1h\"", "\"é%\"", "[]", "{}", "[[]]", "2026-01-01", "[", ""]
            {
                let damaged = format!("{key}= {value}");
                let with: Vec<&str> = [&lines[..n], &[damaged.as_str()], &lines[n + 1..]].concat();
                try_it(&with.join("\n"));
            }
        }
        for n in (0..text.len()).step_by(97).filter(|&n| text.is_char_boundary(n)) {
            try_it(&text[..n]);
        }
    }

    #[test]
    fn odd_but_sound_files_are_read() {
        let windows = format!("seed = 18446744073709551615\n{SOUND}").replace('\n', "\r\n");
        let scenario = scenario(&windows);
        assert_eq!(
            (scenario.seed, scenario.name.as_str(), scenario.title.as_str()),
            (u64::MAX, "test", "test")
        );
    }
}
