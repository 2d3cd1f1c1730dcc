//! Classes of service: names that groups give their packets, and that queues know.

use super::links::said;
use super::problem::{Problem, suggest};
use super::tree::Node;
use super::{ClassList, Group, LinkSpec};
use crate::link::Classes;
use crate::link::config::Config;
use crate::wire::{Class, Direction};

/// The number of a class in packets: its place among those that groups have, from 1 on. That of a class that
/// no group has is no packet's.
pub(super) fn number(groups: &[Group], name: &str) -> Class {
    if name.is_empty() {
        return Class::default();
    }
    let mut known: Vec<&str> = vec![];
    for class in groups.iter().map(|group| group.class.as_str()).filter(|class| !class.is_empty()) {
        if !known.contains(&class) {
            known.push(class);
        }
    }
    let place = known.iter().position(|class| *class == name);
    place.and_then(|place| u8::try_from(place + 1).ok()).map_or(Class(u8::MAX), Class)
}

/// A list with its classes' numbers, each with its weight.
pub(super) fn numbers(groups: &[Group], list: &ClassList) -> Vec<(Class, u32)> {
    let weights = list.weights.iter().copied().chain(std::iter::repeat(1));
    list.names.iter().map(|name| number(groups, name)).zip(weights).collect()
}

/// True if a queue on a group's path looks at classes.
pub(super) fn is_seen(links: &[LinkSpec], group: &Group) -> bool {
    lists(links, group).next().is_some()
}

/// The classes of each queue on a group's path that looks at them.
fn lists<'a>(links: &'a [LinkSpec], group: &'a Group) -> impl Iterator<Item = &'a ClassList> {
    let crossed = group.path.iter().filter_map(|hop| links.get(hop.link));
    let queues = crossed.flat_map(|link| link.directions.iter().zip(&link.classes));
    let looks = |config: &Config| config.rate.is_some() && config.queue.discipline.classes != Classes::Blind;
    queues.filter(move |(config, _)| looks(config)).map(|(_, classes)| classes)
}

/// Checks that queues and groups speak of the same classes.
pub(super) fn check(root: &Node, links: &[LinkSpec], groups: &[Group], problems: &mut Vec<Problem>) {
    if root.is_faulty(problems) {
        return;
    }
    for (number, link) in links.iter().enumerate() {
        let node = root.get("link").and_then(|links| links.get(&link.name));
        for direction in Direction::BOTH {
            if let Some(queue) = node.and_then(|node| said(node, direction, "queue"))
                && link.directions[direction.index()].queue.discipline.classes != Classes::Blind
            {
                let users: Vec<&str> = groups
                    .iter()
                    .filter(|group| group.crosses(number))
                    .map(|group| group.class.as_str())
                    .collect();
                check_queue(queue, &link.classes[direction.index()].names, &users, problems);
            }
        }
    }
    let nodes = root.get("clients").map_or(&[][..], Node::items);
    for (node, group) in nodes.iter().zip(groups) {
        let mut known: Vec<&str> = vec![];
        for name in lists(links, group).flat_map(|list| &list.names) {
            if !known.contains(&name.as_str()) {
                known.push(name);
            }
        }
        if let Some(class) = node.get("class")
            && is_seen(links, group)
            && !known.contains(&group.class.as_str())
        {
            let message =
                format!("no queue on the path of \"{}\" knows the class \"{}\"", group.name, group.class);
            problems.push(Problem::error(class.place, message, suggest(&group.class, known)));
        }
    }
}

/// Checks the classes of one queue, whose packets are of these.
fn check_queue(queue: &Node, classes: &[String], users: &[&str], problems: &mut Vec<Problem>) {
    let items = queue.get("classes").map_or(&[][..], Node::items);
    if let Some(list) = queue.get("classes")
        && !(1..=MOST).contains(&classes.len())
    {
        let message = format!("a queue has 1 to {MOST} classes, and not {}", classes.len());
        problems.push(Problem::error(list.place, message, "name each class that has a place of its own"));
    }
    for (i, (item, class)) in items.iter().zip(classes).enumerate() {
        if classes[..i].contains(class) {
            let message = format!("the class \"{class}\" is named twice");
            problems.push(Problem::error(item.place, message, "give each class one place"));
        } else if !users.contains(&class.as_str()) && i + 1 < classes.len() {
            // The last is also that of all others.
            let message = format!("no group over this link is of class \"{class}\"");
            let help = format!("write `class = \"{class}\"` in a [[clients]], or leave it out here");
            problems.push(Problem::warning(item.place, message, help));
        }
    }
    if let Some(weights) = queue.get("weights").filter(|weights| weights.items().len() > classes.len()) {
        let message = format!("there are {} weights for {} classes", weights.items().len(), classes.len());
        problems.push(Problem::error(weights.place, message, "give each class at most one, in their order"));
    }
}

/// As many as tc-prio has bands at most.
const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::testing::{SOUND, and, plan, refused, scenario, with};
    use super::*;

    /// The sound text, whose bottleneck has another queue and whose groups have these classes.
    fn text(queue: &str, [upload, people]: [&str; 2]) -> String {
        SOUND
            .replace("queue = \"1bdp\"", &format!("queue = {queue}"))
            .replace("count = 2", &format!("class = {upload}"))
            .replace("name = \"people\"", &format!("name = \"people\"\nclass = {people}"))
    }

    #[test]
    fn queues_and_packets_speak_of_the_same_numbers() {
        let cell = scenario(&text(
            "{ kind = \"prio\", classes = [\"talk\", \"data\", 7] }",
            ["\"data\"", "\"talk\""],
        ));
        let number = |name| number(&cell.groups, name);
        assert_eq!([number("data"), number("talk"), number("")], [Class(1), Class(2), Class(0)]);
        let queue = &cell.links[1].directions[0].queue;
        assert_eq!(queue.classes, [(Class(2), 1), (Class(1), 1), (Class(u8::MAX), 1)]);
        // Without a list, 1, 2 and 3; and a number is a name.
        let cell = scenario(&text("{ kind = \"drr\", weights = [5] }", ["\"2\"", "1"]));
        let queue = &cell.links[1].directions[1].queue;
        assert_eq!(queue.classes[..2], [(Class(2), 5), (Class(1), 1)]);
    }

    #[test]
    fn a_class_that_no_queue_knows_is_refused() {
        let queue = "{ kind = \"prio\", classes = [\"talk\", \"data\"] }";
        refused(
            &text(queue, ["\"data\"", "\"tlak\""]),
            19,
            "\"tlak\"",
            "no queue on the path of \"people\" knows the class \"tlak\"",
            "did you mean `talk`? allowed: talk, data",
        );
        refused(&text(queue, ["\"da ta\"", "\"talk\""]), 14, "\"da ta\"", "\"da ta\" is no name", "letters");
        refused(&text(queue, ["65536", "\"talk\""]), 14, "65536", "out of range", "from 0 to 65535");
    }

    #[test]
    fn lists_of_classes_are_whole() {
        let refused = |queue: &str, at: &str, says: &str, mend: &str| {
            refused(&text(queue, ["1", "2"]), 9, at, says, mend);
        };
        refused("{ kind = \"prio\", classes = [1, 2, 1] }", "1", "\"1\" is named twice", "one place");
        let help = "give each class at most one";
        refused(
            "{ kind = \"drr\", weights = [1, 2, 3, 4] }",
            "[1, 2, 3, 4]",
            "4 weights for 3 classes",
            help,
        );
        refused("{ kind = \"drr\", weights = [0] }", "0", "0 is out of range", "from 1 to 1000");
        refused(
            "{ kind = \"codel\", classes = [1, 2] }",
            "classes",
            "a codel queue has no `classes`",
            "of prio and drr",
        );
        let many: Vec<String> = (1..=17).map(|n| n.to_string()).collect();
        let many = format!("[{}]", many.join(", "));
        refused(
            &format!("{{ kind = \"prio\", classes = {many} }}"),
            &many,
            "1 to 16 classes, and not 17",
            "place of its own",
        );
        let (error, _) =
            super::super::testing::errors(&text("{ kind = \"prio\", classes = [] }", ["1", "2"]), &[]);
        assert!(error.to_string().contains("1 to 16 classes, and not 0"), "{error}");
    }

    #[test]
    fn what_nobody_uses_is_a_warning_and_the_last_class_is_everybodys() {
        let warnings = |text: &str| plan(text).render_warnings(false);
        let queue = "{ kind = \"prio\", classes = [\"talk\", \"film\", \"data\"] }";
        let text_of = |queue| text(queue, ["\"data\"", "\"talk\""]);
        let said = warnings(&text_of(queue));
        assert!(said.contains("no group over this link is of class \"film\""), "{said}");
        assert!(!warnings(&text_of(&queue.replace("\"film\", ", ""))).contains("class"));
        let plain = with("count = 2", "class = 1");
        assert!(warnings(&plain).contains("no queue on the path of \"upload\" looks at classes"));
        let swept = format!("{plain}[sweep]\n\"link.bottleneck.queue.kind\" = [\"droptail\", \"prio\"]\n");
        assert!(!warnings(&swept).contains("classes"));
        // Nor does a class change a world that does not look at it.
        let inert = warnings(&and("[sweep]\n\"clients.upload.class\" = [1, 2]\n"));
        assert!(inert.contains("`clients.upload.class` changes nothing"), "{inert}");
    }
}
