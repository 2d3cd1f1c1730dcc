//! Every key of a scenario file, declared once: its kind, its default and a sentence. Checks,
//! suggestions, dotted keys of `--set`, `[sweep]` and `[[schedule]]`, and the documentation all
//! read these tables. The defaults are words for readers; a test holds them to the code's.

pub use super::kind::{Absent, Key, Kind};
use Absent::{Default as Or, Nothing, Required};
use Kind::{
    Axes, Bytes, Controller, Dialect, Duration, Flag, Frequency, Integer, Limit, Line, List, Name, Named,
    Parameters, PositiveDuration, Probability, Queue, Rate, Settings, Short, Table, Tagged, Text, Word,
};

/// The whole file.
pub static ROOT: Kind = Table(&[FILE]);

/// Most clients of a scenario.
pub const MOST_CLIENTS: u64 = 100_000;

/// The smallest segment.
pub const LEAST_MSS: u64 = 64;

static FILE: &[Key] = &[
    key("title", Line, Or("the file's name"), "what the scenario is about, in one line"),
    key("expect", Text, Nothing, "what one should see, as a sentence"),
    key("seed", Integer(0, u64::MAX), Or("1"), "of trial 0; trial k of every cell has seed + k"),
    key("duration", PositiveDuration, Required, "virtual time of one trial"),
    key("warmup", Duration, Or("0s"), "left out of the figures, at the start; shorter than duration"),
    key("trials", Integer(1, 100_000), Or("1"), "repetitions of each cell"),
    key("link", LINKS, Nothing, "a two-way link"),
    key("tcp", Table(&[TCP]), Nothing, "the settings of every connection"),
    key("congestion", Parameters, Nothing, "parameters of the congestion controllers"),
    key("chat", Table(&[CHAT]), Nothing, "what holds for the chat as a whole"),
    key("clients", List(&CLIENTS), Required, "a group of clients that are alike"),
    key("schedule", List(&SCHEDULE), Nothing, "link conditions that change during a trial"),
    key("drop", List(&DROP), Nothing, "data segments to drop, by list"),
    key("record", Table(&[RECORD]), Nothing, "what is kept besides the figures"),
    key("sweep", Axes, Nothing, "the grid: every combination of these values is a cell"),
];

/// `[link.<name>]`.
pub(super) const LINKS: Kind = Named(&LINK);

static LINK: Kind = Table(&[
    &[
        key("per_client", Flag, Or("false"), "whether each client has a link of its own"),
        key("up", Table(&[DIRECTION]), Nothing, "overrides for client → server only"),
        key("down", Table(&[DIRECTION]), Nothing, "overrides for server → client only"),
    ],
    DIRECTION,
]);

static DIRECTION: &[Key] = &[
    key("delay", DELAY, Or("0ms"), "propagation, one way; a table adds jitter"),
    key("loss", LOSS, Or("0%"), "random loss; a table chooses a model with memory"),
    key("reorder", REORDER, Or("0%"), "packets that skip the delay"),
    key("duplicate", Probability, Or("0%"), "the chance that a packet is doubled"),
    key("corrupt", Probability, Or("0%"), "the chance that a packet is damaged"),
    key("rate", Rate, Nothing, "bits per second; without one the link is infinitely fast"),
    key("queue", QUEUE, Or("1000 packets"), "the queue in front of the rate"),
];

const DELAY: Kind = Short {
    scalar: &Duration,
    main: "mean",
    table: &Table(&[&[
        key("mean", Duration, Required, "the mean"),
        key("jitter", Duration, Or("0ms"), "the spread around it: one standard deviation"),
        key("distribution", Word(DISTRIBUTIONS), Or("normal"), "the shape of the spread"),
        key("correlation", Probability, Or("0%"), "how much each draw resembles the last"),
        key("reorder", Flag, Or("false"), "whether jitter may change the order of packets"),
    ]]),
};

/// Names of [`crate::link::config::JitterDistribution`], in its order.
pub(super) const DISTRIBUTIONS: &[&str] = &["uniform", "normal", "lognormal", "pareto", "paretonormal"];

const LOSS: Kind = Short {
    scalar: &Probability,
    main: "chance",
    table: &Tagged {
        tag: &key("model", Word(&["independent", "gilbert-elliott"]), Required, "the loss model"),
        variants: &[
            ("independent", &[key("chance", Probability, Required, "of each packet on its own")]),
            (
                "gilbert-elliott",
                &[
                    key("p", Probability, Required, "from the good state to the bad one, per packet"),
                    key("r", Probability, Required, "from the bad state to the good one, per packet"),
                    key("1-h", Probability, Or("100%"), "the chance of loss in the bad state"),
                    key("1-k", Probability, Or("0%"), "the chance of loss in the good state"),
                ],
            ),
        ],
    },
};

const REORDER: Kind = Short {
    scalar: &Probability,
    main: "chance",
    table: &Table(&[&[
        key("chance", Probability, Required, "of each packet that is not within the gap"),
        key(
            "gap",
            Integer(1, 1_000_000),
            Or("1"),
            "gap − 1 packets keep the delay before one may skip it again",
        ),
    ]]),
};

const QUEUE: Kind = Short { scalar: &Limit, main: "limit", table: &Queue };

pub(super) static TCP: &[Key] = &[
    key("congestion", Controller, Or("reno"), "the congestion controller"),
    key(
        "mss",
        Integer(LEAST_MSS, 9000),
        Or("1448"),
        "largest payload of a segment in bytes, timestamps deducted",
    ),
    key("initial_window", Integer(1, 10_000), Or("10"), "in segments (RFC 6928)"),
    key(
        "recovery",
        Word(&["sack", "rack", "newreno"]),
        Or("rack"),
        "how losses are found and repaired: RFC 6675, with RACK (RFC 8985) like Linux, or RFC 6582",
    ),
    key("delayed_ack", DELAYED_ACK, Or("true"), "whether acknowledgments may wait (RFC 9293)"),
    key(
        "quickack",
        Flag,
        Or("true"),
        "Linux's quick-ACK mode: at the start, after a pause, after a duplicate",
    ),
    key("pacing", Flag, Or("false"), "TCP-internal pacing, as Linux with fq; some controllers pace anyway"),
    key("byte_counting", Flag, Or("true"), "windows grow by bytes acknowledged (RFC 3465), not by ACKs"),
    key("min_rto", PositiveDuration, Or("200ms"), "lower bound of the retransmission timeout"),
    key(
        "rto_floor",
        Word(&["variance", "rto"]),
        Or("variance"),
        "what min_rto bounds: the variance term (Linux) or the timeout (RFC 6298)",
    ),
    key("max_rto", PositiveDuration, Or("120s"), "upper bound of the timeout, back-off included"),
    key("nagle", Flag, Or("false"), "Nagle's algorithm: hold back small segments"),
    key("timestamps", Flag, Or("true"), "offer timestamps (RFC 7323)"),
    key("sack", Flag, Or("true"), "offer selective acknowledgments (RFC 2018)"),
    key("window_scale", Flag, Or("true"), "offer windows beyond 64 KiB (RFC 7323)"),
    key("limited_transmit", Flag, Or("true"), "new data on the first two duplicate ACKs (RFC 3042)"),
    // Both hold a segment at least.
    key("receive_window", Bytes(LEAST_MSS, 1 << 30), Or("4MiB"), "the largest window a receiver offers"),
    key(
        "send_buffer",
        Bytes(LEAST_MSS, 1 << 30),
        Or("8MiB"),
        "how much a sender holds until it is acknowledged",
    ),
];

const DELAYED_ACK: Kind = Short {
    scalar: &Flag,
    main: "",
    table: &Table(&[&[
        key("segments", Integer(1, 1000), Or("2"), "acknowledge at the latest every so many segments"),
        key("timeout", PositiveDuration, Or("40ms"), "acknowledge at the latest after this time"),
        key("stretch", Flag, Or("true"), "one acknowledgment for what arrives at one instant (Linux)"),
    ]]),
};

static CHAT: &[Key] = &[key("dialect", Dialect, Or("json-lines"), "what is spoken on the wire")];

pub(super) static CLIENTS: Kind = Table(&[
    &[
        key("name", Name, Required, "of the group; its flows are <name>-1, <name>-2, …"),
        key("count", Integer(1, MOST_CLIENTS), Or("1"), "how many clients"),
        key("path", List(&Name), Required, "the links from a client to the server"),
        key("start", Duration, Or("0s"), "when the first member starts"),
        key("stagger", Duration, Or("0s"), "time between the starts of successive members"),
        key("start_spread", Duration, Or("0s"), "each start moves later by a random part of this"),
        key("app", APP, Required, "what each member does"),
        key(
            "tcp",
            Table(&[TCP]),
            Nothing,
            "overrides [tcp] for the group; its keys may also stand here directly",
        ),
    ],
    TCP,
]);

const APP: Kind = Tagged {
    tag: &key("kind", Word(&["bulk", "chat"]), Required, "a bulk transfer, or a person in the chat"),
    variants: &[
        (
            "bulk",
            &[
                key("direction", Word(&["up", "down"]), Or("up"), "who sends: the client (up) or the server"),
                key("size", Bytes(1, 1 << 50), Nothing, "how much; without one, until the end of the trial"),
            ],
        ),
        (
            "chat",
            &[
                key("rate", Frequency, Required, "messages (or bursts) of one person, on average"),
                key("arrivals", ARRIVALS, Or("poisson"), "how they are spread over time"),
                key("size", SIZE, Or("200B"), "the length of a message's text"),
                key("to", Word(&["everyone", "one", "room"]), Or("everyone"), "who hears a message"),
                key("rooms", Integer(1, MOST_CLIENTS), Or("1"), "with to = \"room\": how many rooms"),
                key("churn", CHURN, Nothing, "comings and goings; without it, people stay"),
            ],
        ),
    ],
};

const ARRIVALS: Kind = Short {
    scalar: &Word(&["poisson", "periodic"]),
    main: "kind",
    table: &Tagged {
        tag: &key("kind", Word(&["poisson", "periodic", "bursts"]), Required, "the process"),
        variants: &[
            ("poisson", &[]),
            ("periodic", &[]),
            (
                "bursts",
                &[
                    key("size", Integer(1, 1000), Required, "messages in a burst"),
                    key("gap", Duration, Required, "time between two messages of a burst"),
                ],
            ),
        ],
    },
};

const TEXT_BYTES: Kind = Bytes(1, 1 << 20);

const SIZE: Kind = Short {
    scalar: &TEXT_BYTES,
    main: "mean",
    table: &Tagged {
        tag: &key(
            "distribution",
            Word(&["fixed", "uniform", "exponential", "lognormal"]),
            Required,
            "the distribution of lengths",
        ),
        variants: &[
            ("fixed", &[key("mean", TEXT_BYTES, Required, "the one length")]),
            (
                "uniform",
                &[
                    key("min", TEXT_BYTES, Required, "the shortest"),
                    key("max", TEXT_BYTES, Required, "the longest"),
                ],
            ),
            ("exponential", &[key("mean", TEXT_BYTES, Required, "the mean length")]),
            (
                "lognormal",
                &[
                    key("mean", TEXT_BYTES, Required, "the mean length"),
                    key("deviation", TEXT_BYTES, Required, "the standard deviation of the length"),
                ],
            ),
        ],
    },
};

const CHURN: Kind = Table(&[&[
    key("stay", PositiveDuration, Required, "mean time in the chat"),
    key("away", PositiveDuration, Required, "mean time away before connecting again"),
]]);

static SCHEDULE: Kind = Table(&[&[
    key("at", Duration, Required, "when, before the end of the trial"),
    key("set", Settings, Required, "dotted keys of links, with their values from then on"),
]]);

static DROP: Kind = Table(&[&[
    key("flow", Line, Required, "the flow: <group>-<n>, with n from 1"),
    key("direction", Word(&["up", "down"]), Or("the way a bulk transfer goes, else up"), "whose data"),
    key("segments", List(&SEGMENT), Required, "ordinals of data segments, from 1"),
]]);

static SEGMENT: Kind = Short {
    scalar: &Integer(1, u32::MAX as u64),
    main: "segment",
    table: &Table(&[&[
        key("segment", Integer(1, u32::MAX as u64), Required, "the ordinal of the data segment"),
        key("retransmission", Integer(0, 1000), Or("0"), "0: its first transmission, k: its kth repetition"),
    ]]),
};

static RECORD: &[Key] = &[
    key(
        "interval",
        PositiveDuration,
        Or("10ms"),
        "time between two samples of the series; by default more where a run would write a million rows",
    ),
    key("trials", Word(&["first", "all", "none"]), Or("first"), "which trials of a cell keep their series"),
];

pub(super) const fn key(name: &'static str, kind: Kind, default: Absent, doc: &'static str) -> Key {
    Key { name, kind, default, doc }
}

/// Calls `visit` with every key there is, as a dotted key with `<name>` for what a file names.
pub fn describe(visit: &mut dyn FnMut(&str, &Key)) {
    walk(&ROOT, "", visit);
}

fn walk(kind: &Kind, prefix: &str, visit: &mut dyn FnMut(&str, &Key)) {
    let mut each = |key: &Key| {
        let path = if prefix.is_empty() { key.name.to_owned() } else { format!("{prefix}.{}", key.name) };
        visit(&path, key);
        walk(&key.kind, &path, visit);
    };
    match kind {
        Table(parts) => parts.iter().copied().flatten().for_each(each),
        Tagged { tag, variants } => {
            each(tag);
            variants.iter().flat_map(|(_, keys)| *keys).for_each(each);
        }
        Short { table, .. } => walk(table, prefix, visit),
        Queue => super::queue::keys(None).iter().for_each(each),
        Named(kind) | List(kind) => walk(kind, &format!("{prefix}.<name>"), visit),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{and, defaults, scenario};
    use super::super::tree::Node;
    use super::*;

    /// Keys that a file uses: those of tables as they are, those of queues by name.
    #[derive(Default)]
    struct Seen {
        keys: Vec<*const Key>,
        of_queues: Vec<&'static str>,
    }

    /// Notes every key of the schema that `node` uses.
    fn mark(node: &Node, kind: &Kind, seen: &mut Seen) {
        let keys: Vec<&Key> = match kind {
            Table(parts) => parts.iter().copied().flatten().collect(),
            Tagged { tag, variants } => super::super::check::variant_keys(node, tag, variants),
            Short { table, .. } => return mark(node, table, seen),
            Queue => {
                let used = super::super::queue::keys(Some(node)).into_iter().map(|key| key.name);
                return seen.of_queues.extend(used.filter(|name| node.get(name).is_some()));
            }
            Named(kind) => return node.entries().iter().for_each(|entry| mark(&entry.node, kind, seen)),
            List(kind) => return node.items().iter().for_each(|item| mark(item, kind, seen)),
            _ => return,
        };
        for key in keys {
            if let Some(value) = node.get(key.name) {
                seen.keys.push(std::ptr::from_ref(key));
                mark(value, &key.kind, seen);
            }
        }
    }

    #[test]
    fn the_reference_scenario_uses_every_key() {
        let text = include_str!("../../scenarios/reference.toml");
        let tree = Node::parse_file(text).expect("TOML");
        let mut seen = Seen::default();
        mark(&tree, &ROOT, &mut seen);
        let mut missing = vec![];
        describe(&mut |path, key| {
            // Alternatives that the example mentions in a comment only.
            let mentioned = path.ends_with(".app.size.mean");
            let of_queue = path.contains(".queue.") && seen.of_queues.contains(&key.name);
            if !seen.keys.contains(&std::ptr::from_ref(key)) && !of_queue && !mentioned {
                missing.push(path.to_owned());
            }
        });
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_stated_defaults_are_the_real_ones() {
        let silent = and("[link.plain]\n[record]\n[chat]\n");
        let (link, record, chat) = (defaults(DIRECTION), defaults(RECORD), defaults(CHAT));
        let said = and(&format!("[link.plain]\nper_client = false\n{link}[record]\n{record}[chat]\n{chat}"));
        let people = "kind = \"chat\", rate = \"1/s\"";
        let more = "arrivals = \"poisson\", size = \"200B\", to = \"everyone\"";
        let said = said.replace(people, &format!("{people}, {more}"));
        let said = format!("seed = 1\ntrials = 1\ntitle = \"test\"\n{said}");
        let said = said.replace("\"bulk\"", "\"bulk\", direction = \"up\"");
        assert_eq!(scenario(&said), scenario(&silent));
    }

    #[test]
    fn every_key_has_a_sentence() {
        describe(&mut |path, key| assert!(key.doc.len() >= 8, "{path}"));
    }
}
