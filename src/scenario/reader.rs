//! The visitor that reads: fields from the tree of a file, and what is wrong between them.

use super::files::Files;
use super::form::Form;
use super::problem::{Place, Problem};
use super::tree::{Entry, Node};
use super::visit::{At, Head, Visitor};

/// Reads one table of a file. What does not fit its kind was reported by the first pass, and leaves its
/// field as it is.
pub(super) struct Reader<'a, 'p> {
    /// The whole file.
    pub root: &'a Node,
    /// The files that it names.
    pub files: &'a Files,
    /// Problems found so far; errors in a table excuse what follows from them.
    pub problems: &'p mut Vec<Problem>,
    layers: Vec<Layer<'a>>,
}

/// A table, or a scalar that stands for its key `main`.
#[derive(Clone, Copy)]
struct Layer<'a> {
    node: &'a Node,
    main: &'static str,
}

impl<'a> Layer<'a> {
    fn table(node: &'a Node) -> Layer<'a> {
        Layer { node, main: "" }
    }

    fn get(self, key: &str) -> Option<&'a Node> {
        if self.node.is_table() { self.node.get(key) } else { Some(self.node).filter(|_| key == self.main) }
    }
}

impl<'a, 'p> Reader<'a, 'p> {
    /// A reader of the whole file.
    pub fn new(root: &'a Node, files: &'a Files, problems: &'p mut Vec<Problem>) -> Reader<'a, 'p> {
        Reader { root, files, problems, layers: vec![Layer::table(root)] }
    }

    /// The value of a key, from the nearest of the tables that may hold it.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.layers.iter().find_map(|layer| layer.get(key))
    }

    /// The line of a key in this table.
    pub fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.layers.iter().find_map(|layer| layer.node.entry(key))
    }

    /// The lines of all tables that are read as this one, the nearest table first.
    pub fn entries(&self) -> impl Iterator<Item = &'a Entry> {
        self.layers.iter().flat_map(|layer| layer.node.entries())
    }

    /// The table itself, without those that stand over it.
    pub fn base(&self) -> &'a Node {
        self.layers.last().map_or(self.root, |layer| layer.node)
    }

    /// True if an error was found in the value of a key.
    pub fn is_faulty(&self, key: &str) -> bool {
        self.get(key).is_some_and(|node| node.is_faulty(self.problems))
    }

    /// Adds an error.
    pub fn error(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::error(place, message, help));
    }

    /// Adds a warning.
    pub fn warning(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::warning(place, message, help));
    }

    fn within<T>(&mut self, layers: Vec<Layer<'a>>, keys: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.layers, layers);
        let value = keys(self);
        self.layers = outer;
        value
    }
}

impl Visitor for Reader<'_, '_> {
    fn key<T>(&mut self, head: impl Into<Head>, field: &mut T, form: impl Form<T>, _: &'static str) {
        let files = self.files;
        if let Some(value) = self.get(head.into().name).and_then(|node| form.read_with(node, files).ok()) {
            *field = value;
        }
    }

    fn table(&mut self, head: impl Into<Head>, doc: &'static str, keys: impl FnOnce(&mut Self)) {
        self.short(head, "", doc, keys);
    }

    fn short(
        &mut self,
        head: impl Into<Head>,
        main: &'static str,
        _: &'static str,
        keys: impl FnOnce(&mut Self),
    ) {
        if let Some(node) = self.get(head.into().name) {
            self.within(vec![Layer { node, main }], keys);
        }
    }

    fn optional<T>(
        &mut self,
        head: impl Into<Head>,
        field: &mut Option<T>,
        mut start: T,
        doc: &'static str,
        keys: impl FnOnce(&mut Self, &mut T),
    ) {
        self.table(head, doc, |reader| {
            keys(reader, &mut start);
            *field = Some(start);
        });
    }

    fn switch<T>(
        &mut self,
        head: impl Into<Head>,
        field: &mut Option<T>,
        mut on: T,
        _: &'static str,
        keys: impl FnOnce(&mut Self, &mut T),
    ) {
        let Some(node) = self.get(head.into().name) else { return };
        self.within(vec![Layer::table(node)], |reader| keys(reader, &mut on));
        let is_off = super::leaf::flag(node) == Ok(false);
        *field = Some(on).filter(|_| !is_off);
    }

    fn tag<T: Clone>(
        &mut self,
        head: impl Into<Head>,
        field: &mut T,
        variants: &[(&'static str, T)],
        _: &'static str,
        mut keys: impl FnMut(&mut Self, &mut T),
    ) {
        let word = self.get(head.into().name).and_then(Node::text);
        if let Some((_, start)) = variants.iter().find(|(name, _)| Some(*name) == word) {
            *field = start.clone();
        }
        keys(self, field);
    }

    fn over(
        &mut self,
        name: &'static str,
        beneath: Option<&'static str>,
        _: &'static str,
        keys: impl FnOnce(&mut Self),
    ) {
        let nearest = self.get(name).map(Layer::table);
        let farthest = beneath.and_then(|key| self.root.get(key)).map(Layer::table);
        let layers = nearest.into_iter().chain(self.layers.iter().copied()).chain(farthest).collect();
        self.within(layers, keys);
    }

    fn named<T>(
        &mut self,
        head: impl Into<Head>,
        field: &mut Vec<T>,
        _: &'static str,
        mut item: impl FnMut(&mut Self, At<&str>) -> T,
    ) {
        for entry in self.get(head.into().name).map_or(&[][..], Node::entries) {
            let name = At { place: entry.place, value: entry.key.as_str() };
            field.push(self.within(vec![Layer::table(&entry.node)], |reader| item(reader, name)));
        }
    }

    fn list<T>(
        &mut self,
        head: impl Into<Head>,
        field: &mut Vec<T>,
        main: &'static str,
        _: &'static str,
        mut item: impl FnMut(&mut Self, Place) -> T,
    ) {
        for node in self.get(head.into().name).map_or(&[][..], Node::items) {
            field.push(self.within(vec![Layer { node, main }], |reader| item(reader, node.place)));
        }
    }

    fn check(&mut self, check: impl FnOnce(&mut Reader<'_, '_>)) {
        check(self);
    }
}
