//! Dotted keys: `link.access.loss`, `clients.upload.count`, `congestion.fixed.window`. Axes, the
//! schedule and the command line all change a scenario by setting such a key in its tree.

use super::check::{chosen, join, unknown_controller, unknown_key};
use super::describe::whole;
use super::kind::{Key, Kind, Reach};
use super::problem::{Place, Problem, suggest};
use super::tree::{Node, Value};

/// Sets `key` in the tree of a whole file to `value` and returns what kind the key takes; whether
/// the value fits it is not checked. `place` is where the key is written, `from` in which part of a plan.
pub(super) fn set(
    root: &mut Node,
    key: &str,
    place: Place,
    value: Node,
    from: Reach,
) -> Result<Kind, Problem> {
    let segments: Vec<&str> = key.split('.').collect();
    check_reach(&segments, place, from)?;
    Target { place, value }.set(root, whole(), "", &segments)
}

/// The dotted keys of a table with their places and values, in the file's order. TOML reads
/// `link.a.rate` without quotes as tables within tables; those that only lead on are followed.
pub(super) fn entries<'a>(
    table: &'a Node,
    leads_on: &dyn Fn(&str, &Node) -> bool,
) -> Vec<(String, Place, &'a Node)> {
    fn collect<'a>(
        table: &'a Node,
        prefix: &str,
        leads_on: &dyn Fn(&str, &Node) -> bool,
        out: &mut Vec<(String, Place, &'a Node)>,
    ) {
        for entry in table.entries() {
            let key = join(prefix, &entry.key);
            if leads_on(&key, &entry.node) {
                collect(&entry.node, &key, leads_on, out);
            } else {
                out.push((key, entry.place, &entry.node));
            }
        }
    }
    let mut out = vec![];
    collect(table, "", leads_on, &mut out);
    out.sort_by_key(|(_, place, _)| *place);
    out
}

struct Target {
    place: Place,
    value: Node,
}

impl Target {
    /// Walks down tree and schema side by side.
    fn set(self, node: &mut Node, kind: &Kind, path: &str, rest: &[&str]) -> Result<Kind, Problem> {
        let Some((&first, further)) = rest.split_first() else {
            return self.finish(node, kind, path);
        };
        match kind {
            Kind::Table(keys) => self.enter(node, &keys.iter().collect::<Vec<_>>(), path, first, further),
            Kind::Tagged { tag, variants } => {
                // Another axis may choose the variant of a table that need not name one.
                let word = if tag.required { chosen(node, tag, variants) } else { None };
                let keys = Kind::variant_keys(tag, variants, word);
                self.enter(node, &keys, path, first, further)
            }
            Kind::Short { main, table, .. } => {
                if !node.is_table() {
                    lengthen(node, main);
                }
                self.set(node, table, path, rest)
            }
            Kind::Named(kind) => {
                if node.get(first).is_none() {
                    let names: Vec<&str> = node.entries().iter().map(|entry| entry.key.as_str()).collect();
                    let message = format!("there is no {path} \"{first}\"");
                    return Err(Problem::error(self.place, message, suggest(first, names)));
                }
                let place = self.place;
                self.set(node.get_or_insert(first, place), kind, &join(path, first), further)
            }
            Kind::List(kind) if kind.is_table() => {
                if let Value::Array(items) = &mut node.value
                    && let Some(item) = items.iter_mut().find(|item| group_name(item) == Some(first))
                {
                    return self.set(item, kind, &join(path, first), further);
                }
                let names = node.items().iter().filter_map(group_name);
                let message = format!("there is no group \"{first}\" among the clients");
                Err(Problem::error(self.place, message, suggest(first, names)))
            }
            Kind::Parameters(controllers) => {
                if controllers.iter().all(|key| key.name != first) {
                    return Err(unknown_controller(first, self.place));
                }
                self.enter(node, &controllers.iter().collect::<Vec<_>>(), path, first, further)
            }
            _ => {
                let message = format!("`{path}` has no parts, so there is no `{path}.{}`", rest.join("."));
                Err(Problem::error(self.place, message, format!("write `{path}`")))
            }
        }
    }

    fn enter(
        self,
        node: &mut Node,
        keys: &[&Key],
        path: &str,
        first: &str,
        further: &[&str],
    ) -> Result<Kind, Problem> {
        let Some(key) = keys.iter().find(|key| key.name == first) else {
            return Err(unknown_key(first, path, self.place, keys.iter().map(|key| key.name)));
        };
        let place = self.place;
        self.set(node.get_or_insert(first, place), &key.kind, &join(path, first), further)
    }

    fn finish(self, node: &mut Node, kind: &Kind, path: &str) -> Result<Kind, Problem> {
        if !kind.takes_value() {
            return Err(is_a_table(path, self.place));
        }
        *node = self.value;
        Ok(kind.clone())
    }
}

/// Refuses keys that cannot be written there, whether or not they exist, with one list of what can.
fn check_reach(segments: &[&str], place: Place, from: Reach) -> Result<(), Problem> {
    let root = whole().keys();
    let allowed: Vec<&str> = root.iter().filter(|key| key.reach >= from).map(|key| key.name).collect();
    let first = segments[0];
    if root.iter().all(|key| key.name != first) {
        return Err(unknown_key(first, "", place, allowed));
    }
    if reach(segments) >= from {
        return Ok(());
    }
    let whose = match from {
        Reach::Schedule => "change during a trial",
        Reach::Axis => "be swept",
        Reach::CommandLine | Reach::File => "be set by a dotted key",
    };
    let help = match from {
        Reach::Schedule => "only what a link does to packets can: `link.<name>.<key>`".to_owned(),
        Reach::CommandLine if first == "sweep" => {
            "a list makes an axis, a single value takes one away: --set 'KEY=[1, 2]'".to_owned()
        }
        _ => format!("allowed: {}", allowed.join(", ")),
    };
    Err(Problem::error(place, format!("`{}` cannot {whose}", segments.join(".")), help))
}

/// Places at which a dotted key may be written, as far as its tables are known.
pub(super) fn reach(segments: &[&str]) -> Reach {
    let (mut kind, mut reach) = (whole(), Reach::Schedule);
    for segment in segments {
        match kind {
            // The segment is a name.
            Kind::Named(inner) | Kind::List(inner) => kind = inner,
            _ => match kind.key(segment) {
                Some(key) => (kind, reach) = (&key.kind, reach.min(key.reach)),
                None => break,
            },
        }
    }
    reach
}

/// Turns `"20ms"` into `{ mean = "20ms" }`.
fn lengthen(node: &mut Node, main: &str) {
    let scalar = std::mem::replace(node, Node::empty_table(node.place));
    let is_set = !matches!(&scalar.value, Value::Table(_));
    if is_set && !main.is_empty() {
        let place = scalar.place;
        *node.get_or_insert(main, place) = scalar;
    }
}

fn group_name(node: &Node) -> Option<&str> {
    node.get("name").and_then(Node::text)
}

fn is_a_table(path: &str, place: Place) -> Problem {
    Problem::error(place, format!("`{path}` is a table"), format!("name one of its keys: `{path}.<key>`"))
}
