//! Keys of a scenario that a person turns first, with their values in a cell; and every key as data, for
//! programs that build a form of them.

use super::axes::Axis;
use super::describe::{every_key, whole};
use super::kind::{Key, Kind};
use super::tree::{Node, Value};
use super::written::{Spot, find};
use super::{Plan, ScenarioError, problem};
use crate::congestion;

/// Value that a key takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Takes {
    /// `duration`, `rate`, `probability`, `limit`, `bytes`, `frequency`, `integer`, `number`, `flag`, `word`, `text`,
    /// or `table` for what has keys of its own.
    pub form: &'static str,
    /// The words it takes, with a sentence each where there is one.
    pub words: Vec<(&'static str, &'static str)>,
    /// Least and most, of numbers and sizes in bytes.
    pub range: Option<[f64; 2]>,
}

/// A key as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Its dotted key, with `<name>` for names that a file chooses.
    pub key: String,
    /// Value that it takes.
    pub takes: Takes,
    /// An error without it.
    pub required: bool,
    /// Value without it, as TOML.
    pub default: Option<String>,
    /// One sentence.
    pub doc: &'static str,
}

/// A key with its value in a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// Its dotted key, for `--set`.
    pub key: String,
    /// Value, without the quotes of a text.
    pub value: String,
    /// True if the file says it, rather than a default.
    pub stated: bool,
    /// True if the grid varies it.
    pub swept: bool,
    /// Value that it takes.
    pub takes: Takes,
    /// One sentence.
    pub doc: &'static str,
}

/// Every key of a scenario file.
pub fn keys() -> Vec<Described> {
    let described = |(path, key): (String, &Key)| Described {
        key: path,
        takes: takes(&key.kind),
        required: key.required,
        default: key.default.clone(),
        doc: key.doc,
    };
    every_key().into_iter().map(described).collect()
}

impl Plan {
    /// The keys that a person turns first, in the order of the file: of links, of groups, of TCP, and of the run.
    /// The error is that of a cell which cannot be.
    pub fn controls(&self, cell: usize) -> Result<Vec<Control>, ScenarioError> {
        let scenario = self.scenario(cell)?;
        let tree = self.tree_of(cell);
        let mut list = List { plan: self, tree: &tree, controls: vec![] };
        for link in &scenario.links {
            let rated = link.directions.iter().any(|direction| direction.rate.is_some());
            for key in LINK {
                let part = |way: &str| format!("link.{}{way}.{key}", link.name);
                let ways = [".up", ".down"].map(part);
                let stated = ways.each_ref().map(|way| list.states(way));
                let matters = rated || !NEEDS_RATE.contains(key);
                let plain = part("");
                if matters && stated != [true, true] && (*key != "rate" || list.states(&plain)) {
                    list.add(&plain);
                }
                for (way, _) in ways.iter().zip(stated).filter(|(_, stated)| *stated) {
                    list.add(way);
                }
            }
        }
        for group in &scenario.groups {
            let own = |key: &str| format!("clients.{}.{key}", group.name);
            list.add(&own("count"));
            for key in GROUP.iter().map(|key| own(key)) {
                if list.is_known(&key) {
                    list.add(&key);
                }
            }
        }
        for key in REST {
            list.add(key);
        }
        for axis in &self.axes {
            list.add(&axis.key);
        }
        Ok(list.controls)
    }
}

/// Keys of a link.
const LINK: &[&str] = &["rate", "delay", "loss", "queue.limit", "queue.kind"];
/// Of these, those that mean nothing without a rate.
const NEEDS_RATE: &[&str] = &["rate", "queue.limit", "queue.kind"];
/// Keys of a group that are shown where the file says them.
const GROUP: &[&str] = &["congestion", "app.rate"];
/// Keys of all.
const REST: &[&str] = &["tcp.congestion", "duration", "warmup", "seed"];

struct List<'a> {
    plan: &'a Plan,
    tree: &'a Node,
    controls: Vec<Control>,
}

impl List<'_> {
    fn states(&self, key: &str) -> bool {
        let segments: Vec<&str> = key.split('.').collect();
        matches!(find(self.tree, &segments), Some(Spot::Value(_)))
    }

    /// True if the file or the grid says it.
    fn is_known(&self, key: &str) -> bool {
        self.states(key) || self.plan.axes.iter().any(|axis| axis.key == key)
    }

    /// Adds a key once, unless its value is a table or a list.
    fn add(&mut self, key: &str) {
        let segments: Vec<&str> = key.split('.').collect();
        let Some(declared) = declared(&segments) else { return };
        let stated = match find(self.tree, &segments) {
            Some(Spot::Value(node)) => Some(node),
            Some(_) => None,
            None => return,
        };
        let value = match stated {
            Some(Node { value: Value::Table(_) | Value::Array(_) | Value::Other(_), .. }) => return,
            Some(node) => match node.text() {
                Some(text) => problem::words(text),
                None => self.plan.texts.at(node.place).to_owned(),
            },
            None => declared.default.as_deref().unwrap_or_default().trim_matches('"').to_owned(),
        };
        // A part of what an axis sets as a whole would be set in vain.
        let is_within = |axis: &Axis| key.strip_prefix(&axis.key).is_some_and(|rest| rest.starts_with('.'));
        if self.plan.axes.iter().any(is_within) {
            return;
        }
        if self.controls.iter().all(|control| control.key != key) {
            self.controls.push(Control {
                key: key.to_owned(),
                value,
                stated: stated.is_some(),
                swept: self.plan.axes.iter().any(|axis| axis.key == key && axis.values.len() > 1),
                takes: takes(&declared.kind),
                doc: declared.doc,
            });
        }
    }
}

/// The declaration of a dotted key.
fn declared(segments: &[&str]) -> Option<&'static Key> {
    let mut kind: &'static Kind = whole();
    let mut found = None;
    for segment in segments {
        match kind {
            Kind::Named(inner) | Kind::List(inner) => kind = inner,
            _ => {
                let key = kind.keys().into_iter().find(|key| key.name == *segment)?;
                (found, kind) = (Some(key), &key.kind);
            }
        }
    }
    found
}

/// Value that a kind takes.
fn takes(kind: &Kind) -> Takes {
    let within = |word, least: f64, most: f64| Takes { range: Some([least, most]), ..form(word) };
    match kind {
        Kind::Text | Kind::Line | Kind::Name | Kind::Hop | Kind::Class | Kind::Paper(_) | Kind::Cell => {
            form("text")
        }
        Kind::Flag => form("flag"),
        Kind::Integer(least, most) => within("integer", *least as f64, *most as f64),
        Kind::Number(least, most) => within("number", *least, *most),
        Kind::Duration | Kind::PositiveDuration | Kind::Offset => form("duration"),
        Kind::Rate => form("rate"),
        Kind::Probability => within("probability", 0.0, 1.0),
        Kind::Bytes(least, most) => within("bytes", *least as f64, *most as f64),
        Kind::Frequency => form("frequency"),
        Kind::Limit => form("limit"),
        Kind::Word(words) => worded(words.iter().map(|word| (*word, ""))),
        Kind::Controller => worded(congestion::algorithms().iter().map(|own| (own.name, own.summary))),
        Kind::Dialect => worded(crate::chat::protocol::framed().map(|own| (own.name(), ""))),
        Kind::Short { scalar, .. } => takes(scalar),
        _ => form("table"),
    }
}

fn form(form: &'static str) -> Takes {
    Takes { form, words: vec![], range: None }
}

fn worded(words: impl Iterator<Item = (&'static str, &'static str)>) -> Takes {
    Takes { words: words.collect(), ..form("word") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::testing::plan;

    fn controls(cell: usize) -> Vec<Control> {
        let text = include_str!("../../scenarios/bufferbloat.toml");
        plan(text).controls(cell).expect("a sound cell")
    }

    #[test]
    fn controls_have_the_values_of_their_cell() {
        let value = |cell: usize, key: &str| {
            let all = controls(cell);
            let found = all.into_iter().find(|control| control.key == key);
            found.unwrap_or_else(|| panic!("no {key}")).value
        };
        assert_eq!(value(0, "link.home.queue.limit"), "0.5bdp");
        assert_eq!(value(11, "link.home.queue.limit"), "32bdp");
        assert_eq!(value(11, "link.home.queue.kind"), "fq_codel");
        assert_eq!(value(0, "link.home.up.rate"), "4mbit");
        assert_eq!(value(0, "link.home.loss"), "0%");
        assert_eq!(value(0, "clients.family.count"), "4");
        assert_eq!(value(0, "clients.family.app.rate"), "1/s");
        assert_eq!(value(0, "tcp.congestion"), "reno");
    }

    #[test]
    fn keys_without_a_meaning_are_no_controls() {
        let all = controls(0);
        let has = |key: &str| all.iter().any(|control| control.key == key);
        // A link without a rate has no queue.
        assert!(!has("link.internet.queue.limit") && !has("link.internet.rate"));
        assert!(has("link.internet.delay"));
        let mut keys: Vec<&str> = all.iter().map(|control| control.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all.len(), "each once");
    }

    #[test]
    fn a_control_says_what_it_takes() {
        let all = controls(0);
        let of = |key: &str| &all.iter().find(|control| control.key == key).expect("a control").takes;
        assert_eq!(of("link.home.delay").form, "duration");
        assert_eq!(of("link.home.queue.limit").form, "limit");
        assert_eq!(of("clients.photos.count").range, Some([1.0, 100_000.0]));
        assert!(of("tcp.congestion").words.iter().any(|(word, doc)| *word == "cubic" && !doc.is_empty()));
        assert!(keys().iter().any(|key| key.key == "link.<name>.delay" && key.takes.form == "duration"));
    }
}
