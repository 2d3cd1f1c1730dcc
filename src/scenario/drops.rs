//! `[[drop]]`: data segments of one flow that are dropped by list.

use super::form::{Line, Maybe, Placed, Whole, Words};
use super::groups::DIRECTIONS;
use super::problem::{Place, Problem, suggest};
use super::reader::Reader;
use super::tree::Node;
use super::visit::{At, Visitor, required};
use super::{DropEntry, DropSpec, Group};
use crate::wire::Direction;

/// A list as it stands in the file.
#[derive(Debug, Default)]
pub(super) struct Listed {
    flow: Option<At<String>>,
    direction: Option<Direction>,
    segments: Vec<At<DropEntry>>,
}

impl Listed {
    /// One `[[drop]]`.
    pub fn read<V: Visitor>(v: &mut V, _: Place) -> Listed {
        let mut listed = Listed::default();
        let Listed { flow, direction, segments } = &mut listed;
        v.key(required("flow"), flow, Maybe(Placed(Line)), "the flow: <group>-<n>, with n from 1");
        let way = "whose data; without it, the way a bulk transfer goes, else up";
        v.key("direction", direction, Maybe(Words(DIRECTIONS)), way);
        let ordinals = "ordinals of data segments, from 1";
        v.list(required("segments"), segments, "segment", ordinals, segment);
        v.check(|reader| check(segments, reader));
        listed
    }

    /// The list with its flow found among the groups.
    pub fn resolve(self, root: &Node, groups: &[Group], problems: &mut Vec<Problem>) -> Option<DropSpec> {
        let At { place, value: flow } = self.flow?;
        let Some((group, member)) = find_flow(&flow, groups) else {
            // Names and counts that could not be read name no flows.
            let readable = root.get("clients").is_some_and(|clients| !clients.is_faulty(problems));
            if readable {
                let names: Vec<String> = groups
                    .iter()
                    .flat_map(|group| [1, group.count].map(|n| format!("{}-{n}", group.name)))
                    .collect();
                let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
                names.dedup();
                let help = format!("{} (first and last of each group)", suggest(&flow, names));
                problems.push(Problem::error(place, format!("there is no flow \"{flow}\""), help));
            }
            return None;
        };
        let Some(&usual) = groups[group].app.directions().first() else {
            let message = format!("\"{flow}\" has no segments: it sends datagrams");
            problems.push(Problem::error(place, message, "name a flow of a group that uses TCP"));
            return None;
        };
        let direction = self.direction.unwrap_or(usual);
        let entries = self.segments.into_iter().map(|segment| segment.value).collect();
        Some(DropSpec { flow, group, member, direction, entries })
    }
}

fn segment<V: Visitor>(v: &mut V, place: Place) -> At<DropEntry> {
    let mut entry = DropEntry { segment: 0, retransmission: 0 };
    let ordinal = Whole(1, u32::MAX.into());
    v.key(required("segment"), &mut entry.segment, ordinal, "the ordinal of the data segment");
    let repetition = "0: its first transmission, k: its kth repetition";
    v.key("retransmission", &mut entry.retransmission, Whole(0, 1000), repetition);
    At { place, value: entry }
}

fn check(segments: &[At<DropEntry>], reader: &mut Reader) {
    for (n, At { place, value }) in segments.iter().enumerate() {
        // Zero is one that could not be read.
        if value.segment > 0 && segments[..n].iter().any(|other| other.value == *value) {
            let message = format!("segment {} is listed twice", value.segment);
            let help = "for its first retransmission write { segment = …, retransmission = 1 }";
            reader.error(*place, message, help);
        }
    }
    if let Some(node) = reader.get("segments").filter(|node| node.is_array() && node.items().is_empty()) {
        let help = "list at least one segment, or leave the [[drop]] out";
        reader.error(node.place, "nothing is dropped", help);
    }
}

fn find_flow(name: &str, groups: &[Group]) -> Option<(usize, u32)> {
    let (group, number) = name.rsplit_once('-')?;
    let index = groups.iter().position(|candidate| candidate.name == group)?;
    let number: u32 = number.parse().ok()?;
    // "upload-01" and "upload-+1" are no names of flows.
    let exact = (1..=groups[index].count).contains(&number) && name == format!("{group}-{number}");
    exact.then(|| (index, number - 1))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{and, refused, scenario};
    use super::*;

    #[test]
    fn a_drop_list_names_a_flow_and_its_segments() {
        let list = |flow: &str, segments: &str| {
            and(&format!("[[drop]]\nflow = \"{flow}\"\nsegments = {segments}\n"))
        };
        let scenario = scenario(&list("upload-2", "[17, { segment = 17, retransmission = 1 }]"));
        let drop = &scenario.drops[0];
        assert_eq!((drop.group, drop.member, drop.direction), (0, 1, Direction::Up));
        let entry = |retransmission| DropEntry { segment: 17, retransmission };
        assert_eq!(drop.entries, [entry(0), entry(1)]);

        refused(
            &list("upload-3", "[1]"),
            22,
            "\"upload-3\"",
            "no flow \"upload-3\"",
            "did you mean `upload-",
        );
        refused(&list("upload-01", "[1]"), 22, "\"upload-01\"", "no flow", "upload-2");
        refused(&list("upload-1", "[0]"), 23, "0", "0 is out of range", "from 1");
        refused(&list("upload-1", "[]"), 23, "[]", "nothing is dropped", "at least one");
        refused(&list("upload-1", "[4, 4]"), 23, "4", "listed twice", "retransmission = 1");
    }
}
