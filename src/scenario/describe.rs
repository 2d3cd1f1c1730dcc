//! The visitor that describes: every key of a scenario file, as it is declared.

use std::sync::{PoisonError, RwLock};

use super::check::join;
use super::form::{Flag, Form};
use super::kind::{Key, Kind};
use super::problem::Place;
use super::reader::Reader;
use super::visit::{At, Head, Visitor};
use crate::congestion::generation;

/// The whole file. It is described anew, and for good, when a controller from outside comes, since these have keys,
/// too.
pub(super) fn whole() -> &'static Kind {
    static KNOWN: RwLock<Option<(u64, &'static Kind)>> = RwLock::new(None);
    let now = generation();
    let known = *KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, kind)) = known.filter(|(then, _)| *then == now) {
        return kind;
    }
    let kind: &'static Kind = Box::leak(Box::new(described(|v| super::file::File::default().keys(v))));
    *KNOWN.write().unwrap_or_else(PoisonError::into_inner) = Some((now, kind));
    kind
}

/// The kind of a key of the whole file.
pub(super) fn kind_of(name: &str) -> &'static Kind {
    &whole().key(name).expect("a key of the file").kind
}

/// The table that a declaration makes.
pub(super) fn described(keys: impl FnOnce(&mut Describe)) -> Kind {
    let mut table = Describe::default();
    keys(&mut table);
    table.finish()
}

/// Notes the keys of one table.
#[derive(Default)]
pub(super) struct Describe {
    keys: Vec<Key>,
    /// Keys of tables that stand over this one: they may stand here too, behind its own.
    shared: Vec<Key>,
    tagged: Option<Kind>,
}

impl Describe {
    fn finish(mut self) -> Kind {
        self.keys.append(&mut self.shared);
        self.tagged.unwrap_or(Kind::Table(self.keys))
    }

    fn add(&mut self, head: impl Into<Head>, kind: Kind, default: Option<String>, doc: &'static str) {
        self.keys.push(new_key(head.into(), kind, default, doc));
    }
}

fn new_key(head: Head, kind: Kind, default: Option<String>, doc: &'static str) -> Key {
    let Head { name, required, reach } = head;
    Key { name, kind, required, default, reach, doc }
}

/// A short form for `table`, and what holds without either.
fn shortened(table: Kind, main: &'static str) -> (Kind, Option<String>) {
    if main.is_empty() {
        return (table, None);
    }
    let key = table.key(main).expect("the key that a short form stands for");
    let scalar = match &table {
        // A word alone names the variants that need no more.
        Kind::Tagged { tag, variants } if tag.name == main => {
            let bare = variants.iter().filter(|(_, keys)| !keys.iter().any(|key| key.required));
            Kind::Word(bare.map(|(word, _)| *word).collect())
        }
        _ => key.kind.clone(),
    };
    let default = key.default.clone();
    (Kind::Short { scalar: Box::new(scalar), main, table: Box::new(table) }, default)
}

impl Visitor for Describe {
    fn key<T>(&mut self, head: impl Into<Head>, field: &mut T, form: impl Form<T>, doc: &'static str) {
        self.add(head, form.kind(), form.text(field), doc);
    }

    fn table(&mut self, head: impl Into<Head>, doc: &'static str, keys: impl FnOnce(&mut Self)) {
        self.short(head, "", doc, keys);
    }

    fn short(
        &mut self,
        head: impl Into<Head>,
        main: &'static str,
        doc: &'static str,
        keys: impl FnOnce(&mut Self),
    ) {
        let (kind, default) = shortened(described(keys), main);
        self.add(head, kind, default, doc);
    }

    fn optional<T>(
        &mut self,
        head: impl Into<Head>,
        _: &mut Option<T>,
        mut start: T,
        doc: &'static str,
        keys: impl FnOnce(&mut Self, &mut T),
    ) {
        self.table(head, doc, |table| keys(table, &mut start));
    }

    fn switch<T>(
        &mut self,
        head: impl Into<Head>,
        field: &mut Option<T>,
        mut on: T,
        doc: &'static str,
        keys: impl FnOnce(&mut Self, &mut T),
    ) {
        let table = Box::new(described(|table| keys(table, &mut on)));
        let kind = Kind::Short { scalar: Box::new(Flag.kind()), main: "", table };
        self.add(head, kind, Flag.text(&field.is_some()), doc);
    }

    fn tag<T: Clone>(
        &mut self,
        head: impl Into<Head>,
        _: &mut T,
        variants: &[(&'static str, T)],
        doc: &'static str,
        mut keys: impl FnMut(&mut Self, &mut T),
    ) {
        let words = Kind::Word(variants.iter().map(|(word, _)| *word).collect());
        let default = variants.first().map(|(word, _)| format!("\"{word}\""));
        let tag = Box::new(new_key(head.into(), words, default, doc));
        let mut keys_of = |start: &T| {
            let mut variant = Describe::default();
            keys(&mut variant, &mut start.clone());
            variant.keys
        };
        let variants = variants.iter().map(|(word, start)| (*word, keys_of(start))).collect();
        self.tagged = Some(Kind::Tagged { tag, variants });
    }

    fn over(
        &mut self,
        name: &'static str,
        _: Option<&'static str>,
        doc: &'static str,
        keys: impl FnOnce(&mut Self),
    ) {
        let mut table = Describe::default();
        keys(&mut table);
        self.shared.clone_from(&table.keys);
        // Defaults of these keys are the outer table's.
        for key in &mut table.keys {
            key.default = None;
        }
        self.add(name, table.finish(), None, doc);
    }

    fn named<T>(
        &mut self,
        head: impl Into<Head>,
        _: &mut Vec<T>,
        doc: &'static str,
        mut item: impl FnMut(&mut Self, At<&str>) -> T,
    ) {
        let name = At { place: Place::default(), value: "" };
        let kind = described(|table| drop(item(table, name)));
        self.add(head, Kind::Named(Box::new(kind)), None, doc);
    }

    fn list<T>(
        &mut self,
        head: impl Into<Head>,
        _: &mut Vec<T>,
        main: &'static str,
        doc: &'static str,
        mut item: impl FnMut(&mut Self, Place) -> T,
    ) {
        let kind = described(|table| drop(item(table, Place::default())));
        self.add(head, Kind::List(Box::new(shortened(kind, main).0)), None, doc);
    }

    fn check(&mut self, _: impl FnOnce(&mut Reader<'_, '_>)) {}
}

/// Every key there is, as a dotted key with `<name>` for what a file names, and `[]` behind lists of what
/// has no names.
pub(super) fn every_key() -> Vec<(String, &'static Key)> {
    let mut keys = vec![];
    walk(whole(), "", &mut keys);
    keys
}

fn walk(kind: &'static Kind, prefix: &str, keys: &mut Vec<(String, &'static Key)>) {
    match kind {
        Kind::Short { table, .. } => walk(table, prefix, keys),
        Kind::List(kind) if kind.key("name").is_none() => walk(kind, &format!("{prefix}[]"), keys),
        Kind::Named(kind) | Kind::List(kind) => walk(kind, &join(prefix, "<name>"), keys),
        Kind::Tagged { tag, variants } => {
            let mut own: Vec<&Key> = vec![tag];
            // Variants may share a key, or have different ones of one name.
            for key in variants.iter().flat_map(|(_, keys)| keys) {
                if !own.contains(&key) {
                    own.push(key);
                }
            }
            for key in own {
                add(key, prefix, keys);
            }
        }
        _ => kind.keys().into_iter().for_each(|key| add(key, prefix, keys)),
    }
}

fn add(key: &'static Key, prefix: &str, keys: &mut Vec<(String, &'static Key)>) {
    let path = join(prefix, key.name);
    keys.push((path.clone(), key));
    walk(&key.kind, &path, keys);
}

#[cfg(test)]
mod tests {
    use super::super::check::chosen;
    use super::super::tree::Node;
    use super::*;

    /// Notes the path of every key that `node` uses.
    fn mark(node: &Node, kind: &Kind, path: &str, seen: &mut Vec<String>) {
        match kind {
            Kind::Short { table, .. } => mark(node, table, path, seen),
            Kind::Named(kind) => {
                node.entries().iter().for_each(|entry| mark(&entry.node, kind, &join(path, "<name>"), seen));
            }
            Kind::List(kind) => {
                let path = match kind.key("name") {
                    Some(_) => join(path, "<name>"),
                    None => format!("{path}[]"),
                };
                node.items().iter().for_each(|item| mark(item, kind, &path, seen));
            }
            _ => {
                let keys = match kind {
                    Kind::Tagged { tag, variants } => {
                        Kind::variant_keys(tag, variants, chosen(node, tag, variants))
                    }
                    _ => kind.keys(),
                };
                for key in keys {
                    if let Some(value) = node.get(key.name) {
                        let path = join(path, key.name);
                        mark(value, &key.kind, &path, seen);
                        seen.push(path);
                    }
                }
            }
        }
    }

    #[test]
    fn the_reference_scenario_uses_every_key() {
        let text = include_str!("../../scenarios/reference.toml");
        let tree = Node::parse_file(text).expect("TOML");
        let mut seen = vec![];
        mark(&tree, whole(), "", &mut seen);
        let mut missing = vec![];
        // Keys of `up` or `down` may stand beside it, and those of `tcp` of a group in [tcp] as well.
        let same = |path: &str| {
            path.replace(".up.", ".").replace(".down.", ".").replace("clients.<name>.tcp.", "tcp.")
        };
        // Controllers with their parameters are listed by the command line.
        for (path, _) in every_key().into_iter().filter(|(path, _)| !path.starts_with("congestion.")) {
            let group = path.strip_prefix("clients.<name>.").map(|key| format!("tcp.{key}"));
            let found = seen.iter().any(|other| same(other) == same(&path) || Some(other) == group.as_ref());
            if !found {
                missing.push(path);
            }
        }
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn every_key_has_a_sentence() {
        for (path, key) in every_key() {
            assert!(key.doc.len() >= 8, "{path}");
        }
    }
}
