//! A TOML document as a tree in which every key and value knows where it was written, so that a
//! value set from elsewhere (an axis, the command line) keeps its own place.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problem, Source, fails_at};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(i128),
    Float(f64),
    Flag(bool),
    Array(Vec<Node>),
    Table(Vec<Entry>),
    /// Value that no key takes: a date, or an integer of astronomical size.
    Other(&'static str),
}

/// A line of a table. Tables keep the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub key: String,
    pub place: Place,
    pub node: Node,
}

impl Node {
    /// The tree of a whole file.
    pub fn parse_file(text: &str) -> Result<Node, Problem> {
        let table = DeTable::parse(text).map_err(|error| not_toml(&error, text, Source::File, 0))?;
        let place = Place { source: Source::File, start: 0, end: 0 };
        Ok(Node { place, value: table_value(table.get_ref(), Source::File, 0) })
    }

    /// The tree of one value that begins `offset` bytes into `source`.
    pub fn parse_value(text: &str, source: Source, offset: usize) -> Result<Node, Problem> {
        let value = DeValue::parse(text).map_err(|error| not_toml(&error, text, source, offset))?;
        Ok(node(&value, source, offset))
    }

    /// A table without entries at `place`.
    pub fn empty_table(place: Place) -> Node {
        Node { place, value: Value::Table(vec![]) }
    }

    /// The entries, if this is a table.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The elements, if this is an array.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Array(items) => items,
            _ => &[],
        }
    }

    pub fn is_array(&self) -> bool {
        matches!(self.value, Value::Array(_))
    }

    pub fn is_table(&self) -> bool {
        matches!(self.value, Value::Table(_))
    }

    /// The line with this key, if this is a table and has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of `key`, if this is a table and has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The text, if this is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// True if an error was found here or anywhere within: the value read may be a default, and a problem that
    /// follows from that is no second mistake.
    pub fn is_faulty(&self, problems: &[Problem]) -> bool {
        fails_at(problems, self.place)
            || self.items().iter().any(|item| item.is_faulty(problems))
            || (self.entries().iter())
                .any(|entry| fails_at(problems, entry.place) || entry.node.is_faulty(problems))
    }

    /// The value of `key`, made as an empty table if there is none. What is no table becomes one.
    pub fn get_or_insert(&mut self, key: &str, place: Place) -> &mut Node {
        if !self.is_table() {
            self.value = Value::Table(vec![]);
        }
        let Value::Table(entries) = &mut self.value else { unreachable!("it was made a table") };
        let index = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
            entries.push(Entry { key: key.to_owned(), place, node: Node::empty_table(place) });
            entries.len() - 1
        });
        &mut entries[index].node
    }

    /// The value without places and with sorted keys: two that are written differently may have the same.
    pub fn plain(&self) -> String {
        match &self.value {
            Value::Array(items) => {
                format!("[{}]", items.iter().map(Node::plain).collect::<Vec<_>>().join(","))
            }
            Value::Table(entries) => {
                let plain = |entry: &Entry| format!("{}={}", entry.key, entry.node.plain());
                let mut all: Vec<String> = entries.iter().map(plain).collect();
                all.sort_unstable();
                format!("{{{}}}", all.join(","))
            }
            value => format!("{value:?}"),
        }
    }

    /// Name of its type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a text",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number with a fraction",
            Value::Flag(_) => "true or false",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(name) => name,
        }
    }
}

fn node(value: &Spanned<DeValue<'_>>, source: Source, offset: usize) -> Node {
    let place = shifted(value.span(), source, offset);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(n) => {
            i128::from_str_radix(n.as_str(), n.radix()).map_or(Value::Other("a huge integer"), Value::Integer)
        }
        DeValue::Float(x) => x.as_str().parse().map_or(Value::Other("no number"), Value::Float),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| node(item, source, offset)).collect()),
        DeValue::Table(table) => table_value(table, source, offset),
    };
    Node { place, value }
}

fn table_value(table: &DeTable<'_>, source: Source, offset: usize) -> Value {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            place: shifted(key.span(), source, offset),
            node: node(value, source, offset),
        })
        .collect();
    // The parser sorts by key.
    entries.sort_by_key(|entry| entry.place.start);
    Value::Table(entries)
}

fn shifted(span: std::ops::Range<usize>, source: Source, offset: usize) -> Place {
    Place { source, start: span.start + offset, end: span.end + offset }
}

fn not_toml(error: &toml::de::Error, text: &str, source: Source, offset: usize) -> Problem {
    let mut span = error.span().unwrap_or(0..1);
    if span.is_empty() {
        // Something is missing behind the last character: that one can be pointed at.
        let before = text.get(..span.start).and_then(|before| before.char_indices().next_back());
        span.start = before.map_or(0, |(start, _)| start);
    }
    let help = "see https://toml.io; texts and quantities stand in quotes";
    Problem::error(shifted(span, source, offset), format!("this is not TOML: {}", error.message()), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_of_the_file_and_every_place() {
        let text = "z = 1\n[b]\nq = \"x\"\n[a]\nn = 2\n[[c]]\nk = [1, 2]\n[[c]]\n";
        let tree = Node::parse_file(text).expect("TOML");
        let keys: Vec<&str> = tree.entries().iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["z", "b", "a", "c"]);
        let at = |place: Place| &text[place.start..place.end];
        let b = tree.get("b").expect("a table");
        assert_eq!(at(b.place), "[b]");
        assert_eq!(at(b.get("q").expect("a value").place), "\"x\"");
        let c = tree.get("c").expect("tables");
        assert_eq!(at(c.items()[1].place), "[[c]]");
        assert_eq!(at(c.items()[0].get("k").expect("a list").items()[1].place), "2");
    }

    #[test]
    fn a_value_from_elsewhere_points_there() {
        let node = Node::parse_value("[1, \"a\"]", Source::Set(3), 10).expect("a value");
        assert_eq!(node.items()[1].place, Place { source: Source::Set(3), start: 14, end: 17 });
    }
}
