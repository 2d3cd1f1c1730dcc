//! Keys in plain words: what each takes, what holds without it, and its sentence.

use super::describe::every_key;
use super::dotted::reach;
use super::kind::{Key, Kind, Reach};
use super::problem::suggest;
use crate::units::Bytes;

/// One line for each key of a scenario file; a key that several tables share stands where it is shortest.
pub fn key_list() -> String {
    lines(&all_keys())
}

/// Description of a key, and the keys below it, by its dotted key: `tcp.mss`, `link.<name>.delay`.
/// The error says that there is no such key, and what there is instead.
pub fn explain(dotted: &str) -> Result<String, [String; 2]> {
    let keys = every_key();
    let segments =
        &with_names(&keys, dotted.split('.').map(|segment| segment.trim_end_matches("[]")).collect());
    let under = |depth: usize| keys.iter().filter(move |(path, _)| is_under(path, &segments[..depth]));
    let wanted = segments.len();
    if under(wanted).next().is_none() {
        let known = (0..wanted).rev().find(|&depth| under(depth).next().is_some()).unwrap_or(0);
        let segment = dotted.split('.').nth(known).unwrap_or_default();
        let segment_of = |(path, _): &(String, &Key)| {
            path.split('.').nth(known).map(|own| own.trim_end_matches("[]").to_owned())
        };
        let mut next: Vec<String> = under(known).filter_map(segment_of).collect();
        next.dedup();
        return Err([
            format!("there is no key `{segment}` in `{dotted}`"),
            suggest(segment, next.iter().map(String::as_str)),
        ]);
    }
    let depth = |path: &str| path.split('.').count();
    let mut text = String::new();
    // Variants of a table may have keys of one name.
    for (path, key) in under(wanted).filter(|(path, _)| depth(path) == wanted) {
        text += &in_full(path, key);
    }
    let below: Vec<(String, &Key)> =
        under(wanted).filter(|(path, _)| depth(path) > wanted).cloned().collect();
    let gap = if text.is_empty() || below.is_empty() { "" } else { "\n" };
    Ok(text + gap + &lines(&below))
}

/// Segments of a key, with the name that was left out before one: `link.rate` is meant as `link.<name>.rate`.
fn with_names<'a>(keys: &[(String, &Key)], segments: Vec<&'a str>) -> Vec<&'a str> {
    let is_key = |wanted: &Vec<&str>| {
        let is_it =
            |path: &str| path.split('.').map(|own| own.trim_end_matches("[]")).eq(wanted.iter().copied());
        keys.iter().any(|(path, _)| is_it(path))
    };
    let named = |at| [&segments[..at], &["<name>"], &segments[at..]].concat();
    (1..segments.len()).map(named).find(is_key).unwrap_or(segments)
}

/// True if the first segments of a path are these, or are names.
fn is_under(path: &str, segments: &[&str]) -> bool {
    let mut path = path.split('.').map(|segment| segment.trim_end_matches("[]"));
    segments.iter().all(|wanted| path.next().is_some_and(|own| own == *wanted || own == "<name>"))
}

fn in_full(path: &str, key: &Key) -> String {
    let mut text = format!("{path}\n  {}\n  takes    {}\n", key.doc, takes(&key.kind));
    if key.required {
        text += "  default  none: it is required\n";
    } else if let Some(default) = &key.default {
        text += &format!("  default  {default}\n");
    }
    let segments: Vec<&str> = path.split('.').map(|segment| segment.trim_end_matches("[]")).collect();
    let reach = reach(&segments);
    let places = [(Reach::CommandLine, "--set"), (Reach::Axis, "[sweep]"), (Reach::Schedule, "[[schedule]]")];
    let places: Vec<&str> =
        places.iter().filter(|(place, _)| *place <= reach).map(|(_, name)| *name).collect();
    if key.kind.takes_value() && !places.is_empty() {
        text += &format!("  also in  {}\n", places.join(", "));
    }
    text
}

/// Values that a kind takes, in words.
pub(super) fn takes(kind: &Kind) -> String {
    match kind {
        Kind::Text => "a text".to_owned(),
        Kind::Line => "a text in one line".to_owned(),
        Kind::Name => "a name of letters, digits, `-` and `_`".to_owned(),
        Kind::Hop => "a link's name, with or without `<`".to_owned(),
        Kind::Class => "a name, or a whole number".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Integer(least, u64::MAX) => format!("a whole number from {least}"),
        Kind::Integer(least, most) => format!("a whole number from {least} to {most}"),
        Kind::Number(least, most) => format!("a number from {least} to {most}"),
        Kind::Duration => "a time such as \"25ms\"".to_owned(),
        Kind::PositiveDuration => "a time such as \"25ms\", longer than zero".to_owned(),
        Kind::Offset => "a time such as \"25ms\", or \"trial\"".to_owned(),
        Kind::Rate => "a rate such as \"10mbit\"".to_owned(),
        Kind::Probability => "a probability from \"0%\" to \"100%\"".to_owned(),
        Kind::Bytes(least, most) => format!("a size from \"{}\" to \"{}\"", Bytes(*least), Bytes(*most)),
        Kind::Frequency => "a frequency such as \"1/s\" or \"30/min\"".to_owned(),
        Kind::Limit => "\"1bdp\", \"100 packets\" or a size such as \"64KiB\"".to_owned(),
        Kind::Paper(size) => format!("{} such as \"{}\"", size.what, size.example),
        Kind::Cell => "a cell's number, or AXIS=VALUE".to_owned(),
        Kind::Word(words) => format!("\"{}\"", words.join("\", \"")),
        Kind::Controller => "a controller, see `testbed list controllers`".to_owned(),
        Kind::Dialect => "a dialect with frames, see `testbed list dialects`".to_owned(),
        Kind::Short { scalar, .. } => format!("{}; or a table", takes(scalar)),
        Kind::Table(_) | Kind::Tagged { .. } => "a table".to_owned(),
        Kind::Named(_) => "tables by name".to_owned(),
        Kind::List(items) if matches!(**items, Kind::Hop) => "a list of links' names".to_owned(),
        Kind::List(items) if items.is_table() => "tables, each in double brackets".to_owned(),
        Kind::List(items) => format!("a list; of each {}", takes(items)),
        Kind::Parameters(_) => "a table for each controller, see `testbed list controllers`".to_owned(),
        Kind::Settings(_) => "dotted keys and their values".to_owned(),
        Kind::Axes => "dotted keys and lists of their values".to_owned(),
    }
}

fn lines(keys: &[(String, &Key)]) -> String {
    let width = keys.iter().map(|(path, _)| path.chars().count()).max().unwrap_or(0);
    let line = |(path, key): &(String, &Key)| {
        let default = match &key.default {
            _ if key.required => "; required".to_owned(),
            Some(default) => format!("; default {default}"),
            None => String::new(),
        };
        format!("{path:width$}  {}. Takes {}{default}\n", key.doc, takes(&key.kind))
    };
    keys.iter().map(line).collect()
}

/// True if a key is another one or stands in for it, which it does without a default of its own.
fn overrides(key: &Key, other: &Key) -> bool {
    key == other || *key == Key { default: None, ..other.clone() }
}

/// Every key once.
fn all_keys() -> Vec<(String, &'static Key)> {
    let keys = every_key();
    let depth = |path: &str| path.matches('.').count();
    let is_again = |n: usize| {
        let (path, key) = &keys[n];
        let before = |(m, (other, _)): &(usize, &(String, &Key))| (depth(other), *m) < (depth(path), n);
        keys.iter().enumerate().filter(before).any(|(_, (_, other))| overrides(key, other))
    };
    (0..keys.len()).filter(|&n| !is_again(n)).map(|n| keys[n].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::tree::Node;

    const REFERENCE: &str = include_str!("../../scenarios/reference.toml");

    #[test]
    fn the_reference_ends_with_the_list_of_keys() {
        let list: String = key_list().lines().map(|line| format!("# {line}\n")).collect();
        let listed: Vec<&str> = REFERENCE.lines().rev().take(list.lines().count()).collect();
        let stale = list.lines().rev().zip(listed).find(|(ours, written)| ours != written);
        assert_eq!(stale, None, "ours, and what stands there: run `.ci/refresh keys`");
        assert!(
            REFERENCE.ends_with(&format!(".\n#\n{list}")),
            "nothing stands between the heading and the list"
        );
    }

    /// The key and the value of a remark such as `gap  default 1: …` or `seed = 1  # …; default 1`.
    fn remark(line: &str) -> Option<(&str, &str)> {
        let (before, after) = line.split_once("default ")?;
        let key = before.trim_start_matches(['#', ' ']).split([' ', '=', ',']).next()?;
        let end = match after.strip_prefix('"') {
            Some(text) => text.find('"')? + 2,
            None => after.find([':', ';', ' ']).unwrap_or(after.len()),
        };
        let is_value = after.starts_with(|c: char| c == '"' || c.is_ascii_digit())
            || ["true", "false"].iter().any(|flag| after.starts_with(flag));
        Some((key.trim_start_matches("app."), &after[..end])).filter(|_| is_value)
    }

    #[test]
    fn the_reference_remarks_the_real_defaults() {
        let written = REFERENCE.split("# ---- All keys").next().expect("a text before the list");
        let keys = every_key();
        let mut remarks = 0;
        for (name, value) in written.lines().filter(|line| !line.contains("by default")).filter_map(remark) {
            let mut known = keys.iter().filter(|(_, key)| key.name == name).peekable();
            assert!(known.peek().is_some(), "`{name}` is no key");
            let real = known.any(|(_, key)| key.default.as_deref() == Some(value));
            assert!(real, "{name} has not the default {value}");
            remarks += 1;
        }
        assert!(remarks > 20, "{remarks}");
        // The settings of TCP stand there with their defaults.
        let tree = Node::parse_file(written).expect("TOML");
        for entry in tree.get("tcp").expect("a table").entries().iter().filter(|entry| !entry.node.is_table())
        {
            let key = keys.iter().find(|(path, _)| *path == format!("tcp.{}", entry.key)).expect("a key");
            let place = entry.node.place;
            assert_eq!(key.1.default.as_deref(), Some(&written[place.start..place.end]), "{}", entry.key);
        }
    }

    #[test]
    fn a_key_is_explained_with_those_below_it() {
        let text = explain("link.wire.delay").expect("a key");
        assert!(text.starts_with(
            "link.<name>.delay\n  propagation, one way; a table adds jitter\n  takes    a time such as \"25ms\"; or a \
             table\n  default  \"0s\"\n  also in  --set, [sweep], [[schedule]]\n\nlink.<name>.delay.mean"
        ), "{text}");
        assert!(explain("link.NAME.per_client").expect("a key").contains("also in  --set, [sweep]\n"));
        assert!(explain("duration").expect("a key").contains("none: it is required"));
        assert!(!explain("clients.x.name").expect("a key").contains("also in"));
        for path in ["drop.segments.retransmission", "drop[].segments[].retransmission"] {
            assert!(
                explain(path).expect("a key").starts_with("drop[].segments[].retransmission\n"),
                "{path}"
            );
        }
        assert!(explain("congestion.fixed.window").expect("a key").contains("takes    a number from 1 to"));
    }

    #[test]
    fn a_name_may_be_left_out() {
        for (short, whole) in [("link.rate", "link.<name>.rate"), ("link.up.loss.p", "link.<name>.up.loss.p")]
        {
            assert_eq!(explain(short), explain(whole));
        }
        // A link may be called so.
        assert!(explain("link.wire").expect("a link's keys").contains("link.<name>.rate"));
    }

    #[test]
    fn every_listed_key_can_be_explained() {
        for (path, key) in every_key() {
            let text = explain(&path).unwrap_or_else(|problem| panic!("{path}: {problem:?}"));
            assert!(text.contains(&format!("{path}\n  {}\n", key.doc)), "{path}: {text}");
        }
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let [message, help] = explain("link.wire.dellay").expect_err("no key");
        assert_eq!(message, "there is no key `dellay` in `link.wire.dellay`");
        assert!(help.starts_with("did you mean `delay`? allowed: per_client"), "{help}");
        for odd in ["", ".", "link..", "tcp.mss.x", "link.a.b.c.d", "[]", "clients"] {
            drop(explain(odd));
        }
        assert!(explain("tcp.mss.x").is_err());
    }
}
