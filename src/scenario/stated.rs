//! Value of a key in a scenario file, as a reader of the file would find it: the text there, or else the default.

use super::describe::every_key;
use super::tree::{Node, Value};

/// Value of a dotted key in the text of a scenario file; `None` if neither the file nor a default says it.
pub fn stated(text: &str, dotted: &str) -> Option<String> {
    let segments: Vec<&str> = dotted.split('.').collect();
    let tree = Node::parse_file(text).ok()?;
    written(&tree, &segments).or_else(|| default(&segments))
}

fn written(tree: &Node, segments: &[&str]) -> Option<String> {
    let node = segments.iter().try_fold(tree, |node, segment| match node.entry(segment) {
        Some(entry) => Some(&entry.node),
        // Groups of clients are a list, and known by their names.
        None => node.items().iter().find(|item| {
            item.entry("name")
                .is_some_and(|name| matches!(&name.node.value, Value::Text(text) if text == segment))
        }),
    })?;
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Flag(flag) => Some(flag.to_string()),
        Value::Array(_) | Value::Table(_) | Value::Other(_) => None,
    }
}

fn default(segments: &[&str]) -> Option<String> {
    let is_it = |path: &str| {
        let own: Vec<&str> = path.split('.').map(|segment| segment.trim_end_matches("[]")).collect();
        own.len() == segments.len()
            && own.iter().zip(segments).all(|(own, asked)| own == asked || *own == "<name>")
    };
    let keys = every_key();
    let (_, key) = keys.iter().find(|(path, key)| is_it(path) && key.default.is_some())?;
    key.default.as_deref().map(|text| text.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_value_of_the_file_or_its_default() {
        let text = "trials = 3\n[link.a]\ndelay = \"5ms\"\n[tcp]\nnagle = true\n[[clients]]\nname = \"x\"\ncount = 2\n";
        let of = |key| stated(text, key);
        let known = |value: &str| Some(value.to_owned());
        assert_eq!(of("trials"), known("3"));
        assert_eq!(of("link.a.delay"), known("5ms"));
        assert_eq!(of("link.a.loss"), known("0%"));
        assert_eq!(of("tcp.nagle"), known("true"));
        assert_eq!(of("tcp.congestion"), known("reno"));
        assert_eq!(of("clients.x.count"), known("2"));
        assert_eq!(of("clients.y.count"), known("1"));
        assert_eq!(of("no.such.key"), None);
        assert_eq!(stated("not toml [", "trials"), None);
    }
}
