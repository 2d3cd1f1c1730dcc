//! The first pass over a scenario: does every key exist, and does every value fit its kind? What
//! keys mean to each other is the second pass's business (`read`).

use super::describe::whole;
use super::kind::{Key, Kind};
use super::leaf::{self, Fault};
use super::problem::{Place, Problem, nearest, suggest};
use super::tree::{Entry, Node, Value};
use super::{paper, plots};
use crate::congestion::{self, script};

/// Checks `node` against `kind`. `path` is its dotted key, `place` where that key stands.
pub(super) fn check(node: &Node, kind: &Kind, path: &str, place: Place, problems: &mut Vec<Problem>) {
    match kind {
        Kind::Table(keys) => {
            if expect_table(node, path, problems) {
                check_keys(node, &keys.iter().collect::<Vec<_>>(), None, path, place, problems);
            }
        }
        Kind::Tagged { tag, variants } => {
            if expect_table(node, path, problems) {
                let strays = strays(node, tag, variants, path);
                if strays.is_empty() {
                    let keys = Kind::variant_keys(tag, variants, chosen(node, tag, variants));
                    let open = Some(tag.name).filter(|_| tag.required && !is_known(node, tag, variants));
                    check_keys(node, &keys, open, path, place, problems);
                }
                problems.extend(strays);
            }
        }
        Kind::Short { scalar, table, .. } => {
            let kind = if node.is_table() { table } else { scalar };
            check(node, kind, path, place, problems);
        }
        Kind::Named(kind) => {
            if expect_table(node, path, problems) {
                for entry in node.entries() {
                    if !leaf::is_name(&entry.key) {
                        let message = format!("\"{}\" is no name", entry.key);
                        let help = "names are made of letters, digits, `-` and `_`";
                        problems.push(Problem::error(entry.place, message, help));
                    }
                    check(&entry.node, kind, &join(path, &entry.key), entry.place, problems);
                }
            }
        }
        Kind::List(kind) => match &node.value {
            Value::Array(items) => {
                for item in items {
                    check(item, kind, path, item.place, problems);
                }
            }
            _ => problems.push(not_a_list(node, kind, path)),
        },
        Kind::Parameters(controllers) => {
            if expect_table(node, path, problems) {
                for entry in node.entries() {
                    match controllers.iter().find(|key| key.name == entry.key) {
                        Some(key) => {
                            check(&entry.node, &key.kind, &join(path, key.name), entry.place, problems);
                        }
                        None => problems.push(unknown_controller(&entry.key, entry.place)),
                    }
                }
            }
        }
        // Dotted keys are resolved later, against the whole tree.
        Kind::Settings(_) | Kind::Axes => {
            expect_table(node, path, problems);
        }
        _ => {
            if let Err(fault) = check_leaf(node, kind) {
                let message = format!("`{}`: {}", last(path), fault.message);
                problems.push(Problem::error(node.place, message, fault.help));
            }
        }
    }
}

type Variants = [(&'static str, Vec<Key>)];

/// The variant that a tagged table names; the first if it names none and need not.
pub(super) fn chosen<'a>(node: &'a Node, tag: &Key, variants: &Variants) -> Option<&'a str> {
    match node.get(tag.name) {
        None if !tag.required => variants.first().map(|(word, _)| *word),
        word => word.and_then(Node::text),
    }
}

fn is_known(node: &Node, tag: &Key, variants: &Variants) -> bool {
    let word = chosen(node, tag, variants);
    variants.iter().any(|(name, _)| Some(*name) == word)
}

/// The problems of keys that only other variants take, of a table whose tag may be left out.
fn strays(node: &Node, tag: &Key, variants: &Variants, path: &str) -> Vec<Problem> {
    let word = chosen(node, tag, variants);
    let takes = |keys: &[Key], name: &str| keys.iter().any(|key| key.name == name);
    let Some((word, own)) = variants.iter().find(|(name, _)| !tag.required && Some(*name) == word) else {
        return vec![];
    };
    let stray = |entry: &Entry| {
        let others = variants.iter().filter(|(_, keys)| takes(keys, &entry.key));
        let others: Vec<&str> = others.map(|(name, _)| *name).collect();
        let is_stray = !others.is_empty() && !takes(own, &entry.key);
        is_stray.then(|| {
            let message = format!("a {word} {} has no `{}`", last(path), entry.key);
            let (end, others) = others.split_last().expect("one at least");
            let others =
                if others.is_empty() { String::new() } else { format!("{} and ", others.join(", ")) };
            Problem::error(entry.place, message, format!("`{}` is of {others}{end}", entry.key))
        })
    };
    node.entries().iter().filter_map(stray).collect()
}

/// The problem of a key that does not exist in `path`.
pub(super) fn unknown_key<'a>(
    key: &str,
    path: &str,
    place: Place,
    allowed: impl IntoIterator<Item = &'a str>,
) -> Problem {
    let message = match path {
        "" => format!("unknown key `{key}`"),
        _ => format!("unknown key `{key}` in `{path}`"),
    };
    Problem::error(place, message, suggest(key, allowed))
}

/// The problem of a controller that does not exist.
pub(super) fn unknown_controller(name: &str, place: Place) -> Problem {
    let message = format!("there is no congestion controller \"{name}\"");
    Problem::error(
        place,
        message,
        suggest(name, congestion::algorithms().iter().map(|algorithm| algorithm.name)),
    )
}

/// `path.key`, or `key` at the top.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn check_leaf(node: &Node, kind: &Kind) -> Result<(), Fault> {
    match kind {
        Kind::Text => leaf::text(node).map(drop),
        Kind::Line => leaf::line(node).map(drop),
        Kind::Name => leaf::name(node).map(drop),
        Kind::Hop => leaf::hop(node).map(drop),
        Kind::Class => leaf::class(node).map(drop),
        Kind::Flag => leaf::flag(node).map(drop),
        Kind::Integer(min, max) => leaf::integer(node, *min, *max).map(drop),
        Kind::Number(min, max) => leaf::number(node, *min, *max).map(drop),
        Kind::Duration => leaf::duration(node).map(drop),
        Kind::PositiveDuration => leaf::positive_duration(node).map(drop),
        Kind::Offset => leaf::offset(node).map(drop),
        Kind::Rate => leaf::rate(node).map(drop),
        Kind::Probability => leaf::probability(node).map(drop),
        Kind::Bytes(min, max) => leaf::bytes(node, *min, *max).map(drop),
        Kind::Frequency => leaf::frequency(node).map(drop),
        Kind::Limit => leaf::limit(node).map(drop),
        Kind::Paper(units) => paper::paper(node, units).map(drop),
        Kind::Cell => plots::cell(node),
        Kind::Word(words) => leaf::word(node, words).map(drop),
        Kind::Controller if node.text().is_some_and(script::is_named) => leaf::script(node),
        Kind::Controller => leaf::controller(node).map(drop),
        Kind::Dialect => leaf::dialect(node).map(drop),
        _ => unreachable!("{kind:?} is no leaf"),
    }
}

/// Checks the keys of a table. Which keys a tagged table requires is unknown while its tag is: `open` is
/// such a tag.
fn check_keys(
    node: &Node,
    keys: &[&Key],
    open: Option<&str>,
    path: &str,
    place: Place,
    problems: &mut Vec<Problem>,
) {
    for entry in node.entries() {
        if let Some(key) = keys.iter().find(|key| key.name == entry.key) {
            check(&entry.node, &key.kind, &join(path, key.name), entry.place, problems);
        } else {
            let allowed = keys.iter().map(|key| key.name);
            let mut problem = unknown_key(&entry.key, path, entry.place, allowed);
            if !path.is_empty() && is_of_the_top(&entry.key) {
                let key = &entry.key;
                problem.help =
                    format!("`{key}` is of the whole scenario: move it up, before the first [table]");
            }
            problems.push(problem);
        }
    }
    for key in keys {
        let required =
            key.required && open.is_none_or(|tag| key.name == tag) && !is_misspelt(node, keys, key);
        if required && node.get(key.name).is_none() {
            let message = match path {
                "" => format!("`{}` is missing", key.name),
                _ => format!("`{path}` has no `{}`", key.name),
            };
            let help = match &key.kind {
                Kind::List(items) if items.is_table() => format!("add [[{}]]: {}", key.name, key.doc),
                Kind::Tagged { .. } => format!("add `{} = {{ … }}`: {}", key.name, key.doc),
                _ => format!("add `{} = …`: {}", key.name, key.doc),
            };
            problems.push(Problem::error(place, message, help));
        }
    }
}

/// True if a key is a value of the whole scenario, such as `warmup`: TOML counts what stands below a table to that table.
fn is_of_the_top(name: &str) -> bool {
    whole().key(name).is_some_and(|key| key.kind.takes_value() && !matches!(key.kind, Kind::Axes))
}

/// True if an unknown key was meant to be `key`: one mistake is said once.
fn is_misspelt(node: &Node, keys: &[&Key], key: &Key) -> bool {
    let unknown = node.entries().iter().filter(|entry| !keys.iter().any(|key| key.name == entry.key));
    let names = || keys.iter().map(|key| key.name);
    unknown.into_iter().any(|entry| nearest(&entry.key, names()) == Some(key.name))
}

fn expect_table(node: &Node, path: &str, problems: &mut Vec<Problem>) -> bool {
    if !node.is_table() {
        let message = format!("`{}`: this is {}, but a table is needed", last(path), node.type_name());
        let help = format!("write [{path}] with its keys below, or {{ key = value, … }}");
        problems.push(Problem::error(node.place, message, help));
    }
    node.is_table()
}

fn not_a_list(node: &Node, kind: &Kind, path: &str) -> Problem {
    let help = match kind {
        _ if kind.is_table() => format!("write [[{path}]] with two brackets: there may be several"),
        _ => "write a list in brackets: [ …, … ]".to_owned(),
    };
    let message = format!("`{}`: this is {}, but a list is needed", last(path), node.type_name());
    Problem::error(node.place, message, help)
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
