//! `queue` of a link: which keys it takes is said by the table of disciplines.

use super::kind::{Absent, Key, Kind};
use super::leaf;
use super::links::part;
use super::problem::Problem;
use super::schema::key;
use super::tree::{Entry, Node};
use crate::link::{Discipline, ParameterKind, QUEUES, Queue};

/// Names of the disciplines, for [`Kind::Word`].
static NAMES: std::sync::LazyLock<Vec<&str>> =
    std::sync::LazyLock::new(|| QUEUES.iter().map(|discipline| discipline.name).collect());

/// The keys of a queue: of its discipline, or of all while that is not known.
pub(super) fn keys(node: Option<&Node>) -> Vec<Key> {
    let limit = "how much it holds, the packet in transmission included";
    let mut keys = vec![
        key("kind", Kind::Word(&NAMES), Absent::Default(QUEUES[0].name), "the queue discipline"),
        key("limit", Kind::Limit, Absent::Default("1000 packets"), limit),
    ];
    let chosen = node.and_then(discipline);
    for discipline in QUEUES.iter().filter(|line| chosen.is_none_or(|chosen| chosen == *line)) {
        for parameter in discipline.parameters {
            if keys.iter().all(|known| known.name != parameter.name) {
                let kind = match parameter.kind {
                    ParameterKind::Span => Kind::PositiveDuration,
                    ParameterKind::Count(least, most) => Kind::Integer(least, most),
                    ParameterKind::Size(least, most) => Kind::Bytes(least, most),
                };
                keys.push(key(parameter.name, kind, Absent::Default(parameter.default.0), parameter.summary));
            }
        }
    }
    keys
}

/// The discipline that a queue names; `None` for a word that is none.
fn discipline(node: &Node) -> Option<&'static Discipline> {
    match part(Some(node), "kind", "limit") {
        None => Some(&QUEUES[0]),
        Some(kind) => kind.text().and_then(Discipline::by_name),
    }
}

/// The problems of keys that only other disciplines take.
pub(super) fn strays(node: &Node) -> Vec<Problem> {
    let Some(discipline) = discipline(node) else { return vec![] };
    let takes = |discipline: &Discipline, key: &str| discipline.parameters.iter().any(|one| one.name == key);
    let stray = |entry: &Entry| {
        let others: Vec<&str> =
            QUEUES.iter().filter(|other| takes(other, &entry.key)).map(|other| other.name).collect();
        let is_stray = !others.is_empty() && !takes(discipline, &entry.key);
        is_stray.then(|| {
            let message = format!("a {} queue has no `{}`", discipline.name, entry.key);
            Problem::error(entry.place, message, format!("`{}` is of {}", entry.key, others.join(" and ")))
        })
    };
    node.entries().iter().filter_map(stray).collect()
}

/// A queue, but for its limit.
pub(super) fn read(node: Option<&Node>) -> Queue {
    let Some(discipline) = node.and_then(discipline) else { return Queue::default() };
    let values = discipline.parameters.iter().map(|parameter| {
        let written = part(node, parameter.name, "limit").and_then(|node| match parameter.kind {
            ParameterKind::Span => leaf::positive_duration(node).ok().map(crate::time::Duration::as_nanos),
            ParameterKind::Count(least, most) => leaf::integer(node, least, most).ok(),
            ParameterKind::Size(least, most) => leaf::bytes(node, least, most).ok(),
        });
        written.unwrap_or(parameter.default.1)
    });
    Queue { discipline, parameters: values.collect(), ..Queue::default() }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{and, refused, scenario};
    use super::*;
    use crate::link::Capacity;

    fn bottleneck(queue: &str) -> Queue {
        let text = format!("[link.spare]\nrate = \"1mbit\"\nqueue = {queue}\n");
        let scenario = scenario(&and(&text));
        let link = scenario.links.iter().find(|link| link.name == "spare").expect("a link");
        link.directions[0].queue.clone()
    }

    #[test]
    fn stated_defaults_are_the_real_ones() {
        for discipline in QUEUES {
            let stated = discipline.parameters.iter().map(|parameter| {
                let text = parameter.default.0;
                let value = if text.parse::<u64>().is_ok() { text.to_owned() } else { format!("\"{text}\"") };
                format!(", {} = {value}", parameter.name)
            });
            let silent = bottleneck(&format!("{{ kind = \"{}\" }}", discipline.name));
            let said = format!("{{ kind = \"{}\"{} }}", discipline.name, stated.collect::<String>());
            assert_eq!(silent, bottleneck(&said), "{said}");
            assert_eq!(silent.parameters, discipline.defaults());
        }
    }

    #[test]
    fn a_queue_takes_the_parameters_of_its_discipline() {
        let queue = bottleneck("{ kind = \"fq_codel\", target = \"10ms\", flows = 16, limit = \"64KiB\" }");
        assert_eq!((queue.discipline.name, queue.capacity), ("fq_codel", Capacity::Bytes(65_536)));
        assert_eq!(queue.parameters, [10_000_000, 100_000_000, 1_514, 16]);
        let line = |queue: &str| and(&format!("[link.spare]\nrate = \"1mbit\"\nqueue = {queue}\n"));
        refused(
            &line("{ kind = \"codel\", flows = 16 }"),
            23,
            "flows",
            "a codel queue has no `flows`",
            "`flows` is of fq_codel",
        );
        refused(
            &line("{ target = \"5ms\" }"),
            23,
            "target",
            "a droptail queue has no `target`",
            "`target` is of codel and fq_codel",
        );
        refused(&line("{ taget = \"5ms\" }"), 23, "taget", "unknown key `taget`", "allowed: kind, limit");
        refused(
            &line("{ kind = \"kodel\" }"),
            23,
            "\"kodel\"",
            "\"kodel\" is not one",
            "did you mean `codel`?",
        );
        refused(
            &line("{ kind = \"codel\", target = \"0ms\" }"),
            23,
            "\"0ms\"",
            "`target`",
            "longer than zero",
        );
    }

    #[test]
    fn a_queue_keeps_its_kind_for_a_trial() {
        let change = |set: &str| and(&format!("[[schedule]]\nat = \"2s\"\nset = {{ {set} }}\n"));
        scenario(&change("\"link.bottleneck.queue.limit\" = \"9 packets\""));
        refused(
            &change("\"link.bottleneck.queue.kind\" = \"codel\""),
            23,
            "{ \"link.bottleneck.queue.kind\" = \"codel\" }",
            "a queue keeps its kind",
            "compare kinds as an axis",
        );
    }
}
