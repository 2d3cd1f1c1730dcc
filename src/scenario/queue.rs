//! `queue` of a link: which keys it takes is said by the table of disciplines.

use super::kind::{Absent, Key, Kind};
use super::leaf;
use super::links::part;
use super::schema::key;
use super::tree::Node;
use crate::link::{Discipline, ParameterKind, QUEUES, Queue};

/// Names of the disciplines, for [`Kind::Word`].
static NAMES: std::sync::LazyLock<Vec<&str>> =
    std::sync::LazyLock::new(|| QUEUES.iter().map(|discipline| discipline.name).collect());

/// The keys of a queue: of its discipline, or of all while that is not known.
pub(super) fn keys(node: Option<&Node>) -> Vec<Key> {
    let limit = "how much it holds, the packet in transmission included";
    let mut keys = vec![
        key("kind", Kind::Word(&NAMES), Absent::Default("droptail"), "the queue discipline"),
        key("limit", Kind::Limit, Absent::Default("1000 packets"), limit),
    ];
    let chosen = node.map(discipline);
    for discipline in
        QUEUES.iter().filter(|line| chosen.is_none_or(|chosen| chosen.is_none_or(|d| d == *line)))
    {
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
