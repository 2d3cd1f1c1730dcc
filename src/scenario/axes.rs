//! The axes of a grid: what `[sweep]` and lists of `--set` vary, with the values as they are written.

use std::collections::BTreeMap;

use super::dotted;
use super::kind::{Kind, Reach};
use super::leaf::{self, Fault};
use super::problem::{Place, Problem, Texts};
use super::tree::{Node, Value};

/// An axis of the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The dotted key that it varies.
    pub key: String,
    /// Its values as the file writes them: texts without their quotes.
    pub values: Vec<String>,
}

/// An axis as it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct AxisNode {
    pub key: String,
    pub place: Place,
    pub values: Node,
}

impl AxisNode {
    /// The axis as the rest of the program knows it.
    pub fn axis(&self, texts: &Texts) -> Axis {
        let values = self.values.items().iter().map(|item| written(item, texts)).collect();
        Axis { key: self.key.clone(), values }
    }

    /// Checks that the axis is a list of different values for a key that can be swept; each value is
    /// checked in its cells.
    pub fn check(&self, tree: &Node, texts: &Texts, problems: &mut Vec<Problem>) {
        let AxisNode { key, place, values } = self;
        let Value::Array(items) = &values.value else {
            let message = format!("`{key}`: this is {}, but an axis is a list", values.type_name());
            let help = "write its values in brackets: [ …, … ]";
            problems.push(Problem::error(values.place, message, help));
            return;
        };
        let Some(first) = items.first() else {
            let help = "give it at least one value, or leave it out";
            problems.push(Problem::error(values.place, format!("the axis `{key}` has no values"), help));
            return;
        };
        let kind = dotted::set(&mut tree.clone(), key, *place, first.clone(), Reach::Axis);
        let kind = kind.map_err(|problem| problems.push(problem)).ok();
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for item in items {
            let written = written(item, texts);
            let meaning = kind.as_ref().and_then(|kind| meaning(item, kind)).unwrap_or(written.clone());
            if let Some(first) = seen.insert(meaning, written.clone()) {
                let as_before = first == written;
                let again = if as_before { "twice".to_owned() } else { format!("twice, once as {first}") };
                let message = format!("the axis `{key}` has the value {written} {again}");
                problems.push(Problem::error(item.place, message, "each value makes a cell; delete one"));
            }
        }
    }

    /// The axis's own writing of a value; that of `value` where the axis has none that means the same.
    pub fn find(&self, value: &Node, tree: &Node, texts: &Texts) -> Result<String, String> {
        let kind = dotted::set(&mut tree.clone(), &self.key, self.place, value.clone(), Reach::Axis).ok();
        let meaning = |node: &Node| kind.as_ref().and_then(|kind| meaning(node, kind));
        let (own, meant) = (written(value, texts), meaning(value));
        let same = |item: &&Node| written(item, texts) == own || meant.is_some() && meaning(item) == meant;
        self.values.items().iter().find(same).map(|item| written(item, texts)).ok_or(own)
    }
}

/// The axes of `[sweep]`. Their values leave the tree, which is copied for each cell.
pub(super) fn take(tree: &mut Node) -> Vec<AxisNode> {
    let Some(sweep) = tree.get("sweep").filter(|sweep| sweep.is_table()) else { return vec![] };
    let place = sweep.place;
    let axes = dotted::entries(sweep, &|_, node| node.is_table())
        .into_iter()
        .map(|(key, place, values)| AxisNode { key, place, values: values.clone() })
        .collect();
    *tree.get_or_insert("sweep", place) = Node::empty_table(place);
    axes
}

/// A value as tables show it: texts without quotes, all else as it was written, on one line.
fn written(node: &Node, texts: &Texts) -> String {
    match node.text() {
        Some(text) => text.to_owned(),
        None => texts.at(node.place).split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// Meaning of a value, however it is written; nothing for what is wrong.
fn meaning(node: &Node, kind: &Kind) -> Option<String> {
    fn shown<T: std::fmt::Debug>(value: Result<T, Fault>) -> Option<String> {
        value.ok().map(|value| format!("{value:?}"))
    }
    match kind {
        _ if node.is_table() => Some(node.plain()),
        Kind::Short { scalar, .. } => meaning(node, scalar),
        Kind::Class => shown(leaf::class(node)),
        Kind::Integer(min, max) => shown(leaf::integer(node, *min, *max)),
        Kind::Number(min, max) => shown(leaf::number(node, *min, *max)),
        Kind::Duration | Kind::PositiveDuration => shown(leaf::duration(node)),
        Kind::Offset => shown(leaf::offset(node)),
        Kind::Rate => shown(leaf::rate(node)),
        Kind::Probability => shown(leaf::probability(node)),
        Kind::Bytes(min, max) => shown(leaf::bytes(node, *min, *max)),
        Kind::Frequency => shown(leaf::frequency(node)),
        Kind::Limit => shown(leaf::limit(node)),
        _ => None,
    }
}
