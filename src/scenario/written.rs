//! Places of dotted keys in the text of a scenario, and the text with other values there: a change by `--set`
//! as its author would have written it.

use super::Plan;
use super::axes;
use super::describe::whole;
use super::kind::Kind;
use super::problem::Source;
use super::tree::Node;

/// Most cells that are compared with those meant.
const MOST_COMPARED: usize = 64;

/// Place of a dotted key in a tree.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spot<'a> {
    /// Its value.
    Value(&'a Node),
    /// A short form for the table it belongs to, the key that the form stands for, and the rest of the key.
    Short(&'a Node, &'static str, usize),
    /// The table that lacks it, and how many of its segments lead there.
    Missing(&'a Node, usize),
}

/// Place of a dotted key; nothing for what is no key.
pub(super) fn find<'a>(root: &'a Node, segments: &[&str]) -> Option<Spot<'a>> {
    let (mut node, mut kind) = (root, whole());
    let mut depth = 0;
    while let Some(&segment) = segments.get(depth) {
        match kind {
            Kind::Short { main, table, .. } if !node.is_table() => {
                table.key(segment)?;
                let is_main = segment == *main && depth + 1 == segments.len();
                return Some(if is_main { Spot::Value(node) } else { Spot::Short(node, main, depth) });
            }
            Kind::Short { table, .. } => {
                kind = table;
                continue;
            }
            Kind::Named(inner) => (node, kind) = (node.get(segment)?, inner),
            Kind::List(inner) if inner.is_table() => {
                let named = |item: &&Node| item.get("name").and_then(Node::text) == Some(segment);
                (node, kind) = (node.items().iter().find(named)?, inner);
            }
            _ => {
                let key = kind.key(segment)?;
                let Some(inner) = node.get(segment) else { return Some(Spot::Missing(node, depth)) };
                (node, kind) = (inner, &key.kind);
            }
        }
        depth += 1;
    }
    // A table's short form may be meant by its main key.
    Some(match kind {
        Kind::Short { main, .. } if node.is_table() => {
            node.get(main).map_or(Spot::Missing(node, depth), Spot::Value)
        }
        _ => Spot::Value(node),
    })
}

/// Text of a scenario with some keys set as by `--set`. Nothing where no text was found that means the same.
pub fn written_in(file: &str, text: &str, sets: &[String], load: super::Loader<'_>) -> Option<String> {
    let mut changed = text.to_owned();
    for set in sets {
        let (key, value) = set.split_once('=')?;
        changed = with(&changed, key.trim().trim_matches('"'), value.trim())?;
    }
    let meant = Plan::parse_with(file, text, sets, load).ok()?;
    let written = Plan::parse_with(file, &changed, &[], load).ok()?;
    let alike = |cell| meant.scenario(cell).ok() == written.scenario(cell).ok();
    let cells = meant.cells();
    (meant.axes == written.axes && (0..cells.min(MOST_COMPARED)).all(alike)).then_some(changed)
}

/// The text with one key set.
fn with(text: &str, key: &str, value: &str) -> Option<String> {
    let literal = match Node::parse_value(value, Source::File, 0) {
        Ok(_) => value.to_owned(),
        Err(_) => format!("\"{}\"", value.replace(['"', '\\'], "")),
    };
    let mut tree = Node::parse_file(text).ok()?;
    if let Some(axis) = axes::take(&mut tree).into_iter().find(|axis| axis.key == key) {
        let list = if literal.starts_with('[') { literal } else { format!("[{literal}]") };
        return Some(replaced(text, axis.values.place.start..axis.values.place.end, &list));
    }
    let segments: Vec<&str> = key.split('.').collect();
    match find(&tree, &segments)? {
        Spot::Value(node) => Some(replaced(text, node.place.start..node.place.end, &literal)),
        Spot::Short(node, main, depth) => {
            let (place, rest) = (node.place, segments[depth..].join("."));
            let old = text.get(place.start..place.end)?;
            let long = if main.is_empty() {
                format!("{{ {rest} = {literal} }}")
            } else {
                format!("{{ {main} = {old}, {rest} = {literal} }}")
            };
            Some(replaced(text, place.start..place.end, &long))
        }
        Spot::Missing(table, depth) => {
            let rest = if depth == segments.len() { return None } else { segments[depth..].join(".") };
            inserted(text, table, &format!("{rest} = {literal}"))
        }
    }
}

fn replaced(text: &str, span: std::ops::Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..span.start], &text[span.end..])
}

/// The text with a line more in a table, or with one more entry between its braces.
fn inserted(text: &str, table: &Node, line: &str) -> Option<String> {
    let written = text.get(table.place.start..table.place.end)?;
    if let Some(inside) = written.strip_prefix('{') {
        let comma = if inside.trim_end_matches('}').trim().is_empty() { "" } else { "," };
        let end = table.place.start + written.trim_end_matches('}').trim_end().len();
        return Some(replaced(text, end..end, &format!("{comma} {line}")));
    }
    // Tables with a header of their own stand behind what belongs to this one.
    let has_header = |at: usize| {
        let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
        text[line..].trim_start().starts_with('[')
    };
    let own = table.entries().iter().filter(|entry| !has_header(entry.place.start));
    let last = own.map(|entry| entry.place.end.max(entry.node.place.end)).max();
    let at = last.unwrap_or(table.place.end);
    let end = text[at..].find('\n').map(|found| at + found);
    Some(match (end, last.is_none() && table.place.end == 0) {
        (_, true) => format!("{line}\n{text}"),
        (Some(end), _) => replaced(text, end..end, &format!("\n{line}")),
        (None, _) => format!("{text}\n{line}\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::testing::shipped;

    const TEXT: &str = "\
title = \"a text\"   # a remark
duration = \"10s\"
[link.neck]
rate  = \"10mbit\" # of both
queue = \"1bdp\"
delay = \"5ms\"
up    = { rate = \"4mbit\" }
[[clients]]
name = \"load\"
path = [\"neck\"]
app  = { kind = \"bulk\" }
[sweep]
\"tcp.congestion\" = [\"reno\", \"cubic\"]
";

    fn changed(sets: &[&str]) -> String {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        if let Err(error) = Plan::parse_with("x.toml", TEXT, &sets, &mut shipped) {
            panic!("{error}");
        }
        written_in("x.toml", TEXT, &sets, &mut shipped).expect("a text that means the same")
    }

    #[test]
    fn a_value_changes_where_it_stands_and_nothing_else_does() {
        assert_eq!(changed(&["link.neck.rate=20mbit"]), TEXT.replace("\"10mbit\"", "\"20mbit\""));
        assert_eq!(changed(&["link.neck.up.rate=1mbit"]), TEXT.replace("\"4mbit\"", "\"1mbit\""));
        assert_eq!(changed(&["link.neck.queue.limit=7 packets"]), TEXT.replace("1bdp", "7 packets"));
    }

    #[test]
    fn a_key_that_is_not_there_gets_a_line_in_its_table() {
        assert_eq!(
            changed(&["link.neck.loss=1%"]),
            TEXT.replace("up    = { rate = \"4mbit\" }\n", "up    = { rate = \"4mbit\" }\nloss = \"1%\"\n")
        );
        assert_eq!(changed(&["trials=3"]), TEXT.replace("\"10s\"\n", "\"10s\"\ntrials = 3\n"));
        assert_eq!(
            changed(&["link.neck.up.delay=5ms"]),
            TEXT.replace("\"4mbit\" }", "\"4mbit\", delay = \"5ms\" }")
        );
        assert!(changed(&["clients.load.count=2"]).contains("app  = { kind = \"bulk\" }\ncount = 2\n"));
    }

    #[test]
    fn a_short_form_grows_into_its_table() {
        let text = changed(&["link.neck.queue.kind=codel", "link.neck.queue.limit=3bdp"]);
        assert!(text.contains("queue = { limit = \"3bdp\", kind = \"codel\" }"), "{text}");
    }

    #[test]
    fn a_value_for_an_axis_is_its_only_one() {
        assert!(changed(&["tcp.congestion=cubic"]).contains("\"tcp.congestion\" = [\"cubic\"]"));
        assert!(changed(&["tcp.congestion=[\"none\"]"]).contains("\"tcp.congestion\" = [\"none\"]"));
    }

    #[test]
    fn a_text_that_would_mean_something_else_is_none() {
        let nothing = |set: &str| written_in("x.toml", TEXT, &[set.to_owned()], &mut shipped);
        assert_eq!(nothing("link.nick.rate=1mbit"), None);
        assert_eq!(nothing("link.neck.rate=fast"), None);
        assert_eq!(nothing("nothing"), None);
    }
}
