//! Points at which packets are captured, by the names that a file gives them: `upload-1`, `upload-1@server`,
//! `upload-*`, `link.neck`.

use super::problem::{Problem, suggest};
use super::tree::Node;
use super::visit::At;
use super::{Group, LinkSpec};
use crate::engine::{Clients, Point};
use crate::wire::Direction;

/// Ending of the name of a flow that is captured at its server.
const AT_SERVER: &str = "@server";

/// The points of these names.
pub(super) fn resolve(
    names: Vec<At<String>>,
    root: &Node,
    links: &[LinkSpec],
    groups: &[Group],
    problems: &mut Vec<Problem>,
) -> Vec<(String, Point)> {
    let mut points: Vec<(String, Point)> = Vec::new();
    // Names that could not be read are no reason to miss a flow or a link.
    let readable = |key: &str| root.get(key).is_some_and(|node| !node.is_faulty(problems));
    let known = readable("clients") && readable("link");
    let mut found = Vec::new();
    for At { place, value: name } in names {
        if points.iter().any(|(other, _)| *other == name) {
            let message = format!("\"{name}\" is captured twice");
            found.push(Problem::error(place, message, "name each point once"));
            continue;
        }
        match point(&name, links, groups) {
            Some(point) => points.push((name, point)),
            None if !known => {}
            None => {
                let names = allowed(links, groups);
                let help = suggest(&name, names.iter().map(String::as_str));
                let message = format!("there is no flow or link \"{name}\" to capture at");
                found.push(Problem::error(place, message, help));
            }
        }
    }
    problems.extend(found);
    points
}

/// The clients of these names.
pub(super) fn clients(
    names: &[At<String>],
    root: &Node,
    links: &[LinkSpec],
    groups: &[Group],
    problems: &mut Vec<Problem>,
) -> Vec<Clients> {
    let mut chosen = Vec::new();
    for (name, point) in resolve(names.to_vec(), root, links, groups, problems) {
        if let Point::End(clients, Direction::Up) = point {
            chosen.push(clients);
        } else if let Some(At { place, .. }) = names.iter().find(|other| other.value == name) {
            let help = "name a client, as `upload-1`, or all of a group, as `upload-*`";
            problems.push(Problem::error(*place, format!("\"{name}\" is no flow"), help));
        }
    }
    chosen
}

fn point(name: &str, links: &[LinkSpec], groups: &[Group]) -> Option<Point> {
    if let Some(link) = name.strip_prefix("link.") {
        return links.iter().position(|other| other.name == link).map(Point::Link);
    }
    let (flow, end) = match name.strip_suffix(AT_SERVER) {
        Some(flow) => (flow, Direction::Down),
        None => (name, Direction::Up),
    };
    let (group, member) = flow.rsplit_once('-')?;
    let group = groups.iter().find(|other| other.name == group)?;
    let member = match member {
        "*" => None,
        number if number.starts_with('0') => return None,
        number => Some(number.parse().ok().filter(|member| (1..=group.count).contains(member))?),
    };
    Some(Point::End(Clients { group: group.name.clone(), member }, end))
}

/// Names to choose from.
fn allowed(links: &[LinkSpec], groups: &[Group]) -> Vec<String> {
    let flows = groups.iter().flat_map(|group| ["1", "1@server", "*"].map(|n| format!("{}-{n}", group.name)));
    flows.chain(links.iter().map(|link| format!("link.{}", link.name))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{and, refused, scenario};
    use super::*;

    #[test]
    fn points_are_flows_at_either_end_and_links() {
        let text =
            and("[record]\npcap = [\"upload-1\", \"upload-1@server\", \"upload-*\", \"link.access\"]\n");
        let points = scenario(&text).record.pcap.into_iter().map(|(_, point)| point);
        let end = |member, end| Point::End(Clients { group: "upload".to_owned(), member }, end);
        assert_eq!(
            points.collect::<Vec<_>>(),
            [
                end(Some(1), Direction::Up),
                end(Some(1), Direction::Down),
                end(None, Direction::Up),
                Point::Link(0),
            ]
        );
    }

    #[test]
    fn a_name_that_is_neither_flow_nor_link_is_refused_with_the_nearest() {
        let with = |name: &str| and(&format!("[record]\npcap = [\"{name}\"]\n"));
        for (name, nearest) in [
            ("uplaod-1", "upload-1"),
            ("link.acess", "link.access"),
            ("upload-01", "upload-1"),
            ("upload", "up"),
        ] {
            let quoted = format!("\"{name}\"");
            refused(&with(name), 22, &quoted, &format!("no flow or link \"{name}\""), nearest);
        }
        refused(&with("upload-1\", \"upload-1"), 22, "\"upload-1\"", "captured twice", "once");
    }
}
