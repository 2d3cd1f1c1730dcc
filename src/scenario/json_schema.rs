//! The JSON Schema (2020-12) of scenario files, from the declarations of their keys.
//!
//! It is for editors, of which the most used one for TOML (Taplo) knows draft 4 only, and nothing that
//! stands beside a `$ref`. So words are an `enum` instead of a `const`, every key has its description in
//! place, and a `$ref` stands alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::describe::whole;
use super::explain::takes;
use super::kind::{Key, Kind, Reach};
use super::path::BACKWARDS;
use super::{names, patterns};
use crate::chat::protocol;
use crate::congestion;

/// The schema as JSON text.
pub fn json_schema() -> String {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario of testbed",
        "description": "Links, connections and applications in one world, and a grid of such worlds.",
    });
    let tables: Map<String, Value> =
        whole().keys().into_iter().filter_map(|key| Some((key.name.to_owned(), item(&key.kind)?))).collect();
    if let (Some(schema), Value::Object(root)) = (schema.as_object_mut(), of_kind(whole())) {
        schema.extend(root);
        schema.insert("$defs".to_owned(), Value::Object(tables));
    }
    format!("{schema:#}\n")
}

/// The schema of each table of a key that takes several; they are referred to from elsewhere.
fn item(kind: &Kind) -> Option<Value> {
    match kind {
        Kind::Named(kind) => Some(of_kind(kind)),
        Kind::List(kind) if kind.is_table() => Some(of_kind(kind)),
        _ => None,
    }
}

/// The schema of a key's value, with its sentence.
fn of_key(key: &Key) -> Value {
    let mut schema = of_kind(&key.kind);
    match &key.kind {
        Kind::Named(_) => {
            schema["patternProperties"] = json!({ name_pattern(): { "$ref": definition(key) } });
        }
        Kind::List(items) if items.is_table() => schema["items"] = json!({ "$ref": definition(key) }),
        _ => {}
    }
    if key.required && matches!(key.kind, Kind::List(_)) {
        schema["minItems"] = json!(1);
    }
    // TOML's texts, numbers and flags are JSON's.
    let default = key.default.as_ref().filter(|_| !key.required);
    if let Some(default) = default.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        schema["default"] = default;
    }
    schema["description"] = json!(format!("{} ({})", key.doc, takes(&key.kind)));
    schema
}

fn definition(key: &Key) -> String {
    format!("#/$defs/{}", key.name)
}

fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Text => text(patterns::TEXT),
        Kind::Line => text(patterns::LINE),
        Kind::Name => name_after(""),
        Kind::Hop => name_after(&format!("{BACKWARDS}?")),
        Kind::Class => {
            json!({ "anyOf": [of_kind(&Kind::Name), of_kind(&Kind::Integer(0, super::leaf::MOST_CLASS))] })
        }
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Number(least, most) => json!({ "type": "number", "minimum": least, "maximum": most }),
        Kind::Duration => text(&patterns::duration()),
        Kind::PositiveDuration => text(&patterns::positive_duration()),
        Kind::Offset => {
            json!({ "anyOf": [text(&patterns::duration()), words_of([super::leaf::TRIAL].into_iter())] })
        }
        Kind::Rate => text(&patterns::rate()),
        Kind::Probability => text(patterns::PROBABILITY),
        Kind::Bytes(least, _) => text(&patterns::bytes(*least)),
        Kind::Frequency => text(&patterns::frequency()),
        Kind::Limit => text(&patterns::limit()),
        Kind::Paper(units) => text(&patterns::paper(units)),
        Kind::Cell => json!({ "anyOf": [text(patterns::LINE), { "type": "integer", "minimum": 0 }] }),
        Kind::Word(words) => words_of(words.iter().copied()),
        Kind::Controller => words_of(congestion::algorithms().iter().map(|algorithm| algorithm.name)),
        Kind::Dialect => words_of(protocol::framed().map(protocol::Dialect::name)),
        Kind::Table(keys) | Kind::Parameters(keys) => table(&keys.iter().collect::<Vec<_>>()),
        Kind::Tagged { tag, variants } => tagged(tag, variants),
        Kind::Short { scalar, table, .. } => json!({ "anyOf": [of_kind(scalar), of_kind(table)] }),
        Kind::Named(kind) => named(&of_kind(kind)),
        Kind::List(kind) => json!({ "type": "array", "items": of_kind(kind) }),
        Kind::Settings(from) => dotted(*from, false),
        Kind::Axes => dotted(Reach::Axis, true),
    }
}

fn text(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

/// A name behind a mark.
fn name_after(mark: &str) -> Value {
    let missing = names::MISSING.replacen('^', &format!("^{mark}"), 1);
    json!({ "type": "string", "pattern": format!("^{mark}{}$", patterns::NAME), "not": { "pattern": missing } })
}

fn words_of<'a>(words: impl Iterator<Item = &'a str>) -> Value {
    json!({ "type": "string", "enum": words.collect::<Vec<_>>() })
}

fn name_pattern() -> String {
    format!("^{}$", patterns::NAME)
}

/// Tables by names that the file chooses.
fn named(schema: &Value) -> Value {
    json!({
        "type": "object",
        "patternProperties": { name_pattern(): schema },
        "additionalProperties": false,
    })
}

fn object(properties: &Map<String, Value>) -> Value {
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn table(keys: &[&Key]) -> Value {
    let mut schema = object(&keys.iter().map(|key| (key.name.to_owned(), of_key(key))).collect());
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn tagged(tag: &Key, variants: &[(&'static str, Vec<Key>)]) -> Value {
    let variant = |(n, (word, keys)): (usize, &(&'static str, Vec<Key>))| {
        // Only the first variant holds where nothing is said.
        let kind = Kind::Word(vec![word]);
        let tag = Key { kind, required: tag.required || n > 0, ..tag.clone() };
        table(&std::iter::once(&tag).chain(keys).collect::<Vec<_>>())
    };
    json!({ "oneOf": variants.iter().enumerate().map(variant).collect::<Vec<_>>() })
}

/// The schema of a table of dotted keys, written in quotes or as tables within tables.
fn dotted(from: Reach, lists: bool) -> Value {
    let mut keys = Dotted { from, lists, patterns: Map::new() };
    let mut schema = keys.below(whole(), "", "#");
    schema["patternProperties"] = Value::Object(keys.patterns);
    schema
}

/// One schema for several, any of which may hold.
fn any(schemas: Vec<Value>) -> Value {
    let mut distinct: Vec<Value> = vec![];
    for schema in schemas {
        if !distinct.contains(&schema) {
            distinct.push(schema);
        }
    }
    if distinct.len() == 1 { distinct.remove(0) } else { json!({ "anyOf": distinct }) }
}

/// Dotted keys that may be written in some part of a file, with the schemas of what each takes.
struct Dotted {
    from: Reach,
    /// True if each has a list of values, as an axis does.
    lists: bool,
    patterns: Map<String, Value>,
}

impl Dotted {
    /// The keys of a table as tables within tables. `path` matches its dotted key, `pointer` is the place
    /// of its schema.
    fn below(&mut self, kind: &Kind, path: &str, pointer: &str) -> Value {
        let mut by_name: BTreeMap<&str, Vec<(&Key, String)>> = BTreeMap::new();
        for (key, pointer) in pointed(kind, pointer) {
            by_name.entry(key.name).or_default().push((key, pointer));
        }
        let mut properties = Map::new();
        for (name, variants) in by_name {
            let path = if path.is_empty() { name.to_owned() } else { format!(r"{path}\.{name}") };
            let within = |(key, _): &&(&Key, String)| key.reach >= self.from;
            let variants: Vec<&(&Key, String)> = variants.iter().filter(within).collect();
            let values = variants.iter().filter(|(key, _)| key.kind.takes_value());
            let values: Vec<Value> = values.map(|(_, pointer)| json!({ "$ref": pointer })).collect();
            let mut schemas = vec![];
            if !values.is_empty() {
                let value = self.value(any(values));
                self.patterns.insert(format!("^{path}$"), value.clone());
                schemas.push(value);
            }
            schemas.extend(variants.iter().filter_map(|(key, pointer)| self.within(key, &path, pointer)));
            if !schemas.is_empty() {
                properties.insert(name.to_owned(), any(schemas));
            }
        }
        object(&properties)
    }

    /// The value of a dotted key, or the values of an axis.
    fn value(&self, schema: Value) -> Value {
        if self.lists { json!({ "type": "array", "items": schema, "minItems": 1 }) } else { schema }
    }

    /// The table that may stand for a key's own keys.
    fn within(&mut self, key: &Key, path: &str, pointer: &str) -> Option<Value> {
        match &key.kind {
            Kind::Named(kind) | Kind::List(kind) if !kind.keys().is_empty() => {
                let path = format!(r"{path}\.{}", patterns::NAME);
                Some(named(&self.below(kind, &path, &definition(key))))
            }
            kind if !kind.keys().is_empty() || !kind.takes_value() => {
                let table = self.below(kind, path, pointer);
                // A schedule takes a table behind a key as the key's whole value.
                Some(table).filter(|_| self.from == Reach::Axis || kind.is_table())
            }
            _ => None,
        }
    }
}

/// The keys of a table, each with the place of its schema.
fn pointed<'a>(kind: &'a Kind, pointer: &str) -> Vec<(&'a Key, String)> {
    match kind {
        Kind::Short { table, .. } => pointed(table, &format!("{pointer}/anyOf/1")),
        Kind::Tagged { tag, variants } => {
            let of_variant = |(n, (_, keys)): (usize, &'a (&'static str, Vec<Key>))| {
                keys.iter()
                    .chain(std::iter::once(&**tag))
                    .map(move |key| (key, format!("/oneOf/{n}/properties/{}", key.name)))
                    .collect::<Vec<_>>()
            };
            let all = variants.iter().enumerate().flat_map(of_variant);
            all.map(|(key, rest)| (key, format!("{pointer}{rest}"))).collect()
        }
        _ => kind.keys().into_iter().map(|key| (key, format!("{pointer}/properties/{}", key.name))).collect(),
    }
}
