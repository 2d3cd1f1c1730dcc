//! The second pass: from a checked tree to a [`Scenario`], with the checks between keys.

use super::check::check;
use super::problem::{Place, Problem, suggest};
use super::schema::ROOT;
use super::tree::{Node, Value};
use super::workload::{Bulk, BulkDirection};
use super::{AppSpec, DropEntry, DropSpec, Group, RecordSpec, RecordTrials, Scenario};
use super::{groups, leaf, links, pace, schedule, settings};
use crate::chat::protocol;
use crate::time::Duration;
use crate::wire::Direction;

/// Reads the whole tree of one of so many cells. The scenario is to be used only if no problem is an error.
pub(super) fn read(root: &Node, name: &str, cells: usize) -> (Scenario, Vec<Problem>) {
    let mut problems = check_values(root);
    let mut links = links::read(root, &mut problems);
    settings::check_defaults(root, &mut problems);
    let groups = groups::read(root, &links, &mut problems);
    let rtts = links::longest_rtts(&links, &groups);
    let starting = links.clone();
    links::resolve_queues(&mut links, &starting, &rtts);
    links::check_limits(root, &links, &starting, &rtts, &groups, &mut problems);
    warn_of_solitude(root, &groups, &mut problems);

    let duration = root.get("duration").and_then(|node| leaf::positive_duration(node).ok());
    let mut scenario = Scenario {
        name: name.to_owned(),
        title: text(root, "title").unwrap_or(name).to_owned(),
        expect: text(root, "expect").unwrap_or_default().to_owned(),
        seed: integer(root, "seed").unwrap_or(1),
        duration: duration.unwrap_or_default(),
        warmup: root.get("warmup").and_then(|node| leaf::duration(node).ok()).unwrap_or_default(),
        trials: integer(root, "trials").map_or(1, groups::small),
        links,
        groups,
        dialect: dialect(root),
        schedule: vec![],
        drops: vec![],
        record: RecordSpec { interval: FINEST, trials: recorded(root) },
    };
    scenario.record.interval = interval(root).unwrap_or_else(|| usual_interval(&scenario, cells));
    scenario.schedule = schedule::read(root, &scenario, &starting, &rtts, duration, &mut problems);
    scenario.drops = drops(root, &scenario.groups, &mut problems);
    if let Some(duration) = duration {
        check_warmup(root, &scenario, &mut problems);
        groups::check_starts(root, &scenario.groups, duration, &mut problems);
        check_series(root, &scenario, &mut problems);
        pace::check(root, &scenario, &mut problems);
    }
    super::problem::tidy(&mut problems);
    (scenario, problems)
}

/// What is wrong with each value by itself.
pub(super) fn check_values(root: &Node) -> Vec<Problem> {
    let mut problems = vec![];
    check(root, &ROOT, "", Place { end: 1, ..root.place }, &mut problems);
    problems
}

fn text<'a>(root: &'a Node, key: &str) -> Option<&'a str> {
    root.get(key).and_then(Node::text)
}

fn integer(node: &Node, key: &str) -> Option<u64> {
    node.get(key).and_then(|node| leaf::integer(node, 0, u64::MAX).ok())
}

/// The dialect of `[chat]`, already held against the schema.
fn dialect(root: &Node) -> &'static str {
    let word = root.get("chat").and_then(|chat| chat.get("dialect")).and_then(Node::text);
    word.and_then(protocol::by_name).unwrap_or(protocol::DIALECTS[0]).name()
}

fn interval(root: &Node) -> Option<Duration> {
    root.get("record")?.get("interval").and_then(|node| leaf::positive_duration(node).ok())
}

fn recorded(root: &Node) -> RecordTrials {
    match root.get("record").and_then(|record| text(record, "trials")) {
        Some("all") => RecordTrials::All,
        Some("none") => RecordTrials::None,
        _ => RecordTrials::First,
    }
}

/// The sampling interval where the file says nothing: the finest with which the first trials of all cells
/// stay below [`USUAL_ROWS`], but never less than pictures need.
fn usual_interval(scenario: &Scenario, cells: usize) -> Duration {
    const MS: u64 = 1_000_000;
    let duration = scenario.duration.as_nanos();
    let things: u64 = scenario.series_rows().iter().sum::<u64>() / (duration / FINEST.as_nanos() + 1);
    let samples = (USUAL_ROWS / things.saturating_mul(cells as u64).max(1)).max(1);
    let steps = || {
        let decades = std::iter::successors(Some(10 * MS), |decade: &u64| decade.checked_mul(10));
        decades.flat_map(|decade| [1, 2, 5].map(|n| decade.saturating_mul(n)))
    };
    let fine = steps().find(|step| duration / step <= samples).unwrap_or(u64::MAX);
    let coarsest = steps().take_while(|step| duration / step >= DRAWN_SAMPLES).last();
    Duration::from_nanos(fine.min(coarsest.unwrap_or(FINEST.as_nanos())))
}

fn drops(root: &Node, groups: &[Group], problems: &mut Vec<Problem>) -> Vec<DropSpec> {
    let nodes = root.get("drop").map_or(&[][..], Node::items);
    // Names and counts that could not be read name no flows.
    let faulty = root.get("clients").is_none_or(|clients| clients.is_faulty(problems));
    nodes.iter().filter_map(|node| drop_list(node, groups, faulty, problems)).collect()
}

fn drop_list(
    node: &Node,
    groups: &[Group],
    clients_are_faulty: bool,
    problems: &mut Vec<Problem>,
) -> Option<DropSpec> {
    let entries = drop_entries(node.get("segments"), problems);
    let flow = node.get("flow")?;
    let name = flow.text()?;
    let Some((group, member)) = find_flow(name, groups) else {
        if clients_are_faulty {
            return None;
        }
        let names: Vec<String> =
            groups.iter().flat_map(|group| [1, group.count].map(|n| format!("{}-{n}", group.name))).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.dedup();
        let help = format!("{} (first and last of each group)", suggest(name, names));
        problems.push(Problem::error(flow.place, format!("there is no flow \"{name}\""), help));
        return None;
    };
    let natural = match groups[group].app {
        AppSpec::Bulk(Bulk { direction: BulkDirection::Down, .. }) => Direction::Down,
        AppSpec::Bulk(_) | AppSpec::Chat(_) => Direction::Up,
    };
    let direction = groups::direction(node.get("direction")).unwrap_or(natural);
    Some(DropSpec { flow: name.to_owned(), group, member, direction, entries })
}

fn find_flow(name: &str, groups: &[Group]) -> Option<(usize, u32)> {
    let (group, number) = name.rsplit_once('-')?;
    let index = groups.iter().position(|candidate| candidate.name == group)?;
    let number: u32 = number.parse().ok()?;
    // "upload-01" and "upload-+1" are no names of flows.
    let exact = (1..=groups[index].count).contains(&number) && name == format!("{group}-{number}");
    exact.then(|| (index, number - 1))
}

fn drop_entries(node: Option<&Node>, problems: &mut Vec<Problem>) -> Vec<DropEntry> {
    let mut entries: Vec<DropEntry> = vec![];
    for item in node.map_or(&[][..], Node::items) {
        let Some(segment) = links::part(Some(item), "segment", "segment") else { continue };
        let Ok(segment) = leaf::integer(segment, 1, u64::MAX) else { continue };
        let retransmission = integer(item, "retransmission").map_or(0, groups::small);
        let entry = DropEntry { segment, retransmission };
        if entries.contains(&entry) {
            let message = format!("segment {segment} is listed twice");
            let help = "for its first retransmission write { segment = …, retransmission = 1 }";
            problems.push(Problem::error(item.place, message, help));
        }
        entries.push(entry);
    }
    if let Some(node) = node.filter(|node| matches!(&node.value, Value::Array(items) if items.is_empty())) {
        let help = "list at least one segment, or leave the [[drop]] out";
        problems.push(Problem::error(node.place, "nothing is dropped", help));
    }
    entries
}

/// A chat of one.
fn warn_of_solitude(root: &Node, groups: &[Group], problems: &mut Vec<Problem>) {
    let Some(Value::Array(items)) = root.get("clients").map(|node| &node.value) else { return };
    let mut chats = groups.iter().zip(items).filter(|(group, _)| matches!(group.app, AppSpec::Chat(_)));
    if let (Some((Group { count: 1, .. }, item)), None) = (chats.next(), chats.next()) {
        let message = "one person chats: nobody is there to hear, and no latency is measured";
        problems.push(Problem::warning(item.place, message, "raise its `count`, or add another group"));
    }
}

fn check_warmup(root: &Node, scenario: &Scenario, problems: &mut Vec<Problem>) {
    if scenario.warmup >= scenario.duration
        && let Some(node) = root.get("warmup")
    {
        let message = format!("the warmup ({}) leaves nothing of the trial", scenario.warmup);
        let help = format!("write a warmup shorter than the duration, {}", scenario.duration);
        problems.push(Problem::error(node.place, message, help));
    }
}

/// Series are kept in memory until their trial ends.
fn check_series(root: &Node, scenario: &Scenario, problems: &mut Vec<Problem>) {
    if scenario.record.trials == RecordTrials::None {
        return;
    }
    let rows = series_rows(scenario);
    let faulty = root.get("record").is_some_and(|record| record.is_faulty(problems));
    if rows > MOST_SERIES_ROWS && !faulty {
        let said = root.get("record").and_then(|record| record.get("interval"));
        let place = said.or_else(|| root.get("duration")).map(|node| node.place).unwrap_or_default();
        let message = format!("the series of a trial would have {rows} rows");
        // Whole milliseconds, with some room.
        let enough = scenario.record.interval.as_nanos().saturating_mul(rows / MOST_SERIES_ROWS + 1);
        let enough = Duration::from_millis(enough / 1_000_000 + 1);
        let help = format!("raise record.interval to \"{enough}\" or more, or set record.trials = \"none\"");
        problems.push(Problem::error(place, message, help));
    }
}

/// Rows of one trial's series.
pub(super) fn series_rows(scenario: &Scenario) -> u64 {
    let [flows, links] = scenario.series_rows();
    flows.saturating_add(links)
}

/// Directions of a group that carry data.
pub(super) fn series_of(group: &Group) -> u64 {
    let directions = match group.app {
        AppSpec::Bulk(_) => 1,
        AppSpec::Chat(_) => 2,
    };
    u64::from(group.count) * directions
}

/// Between two samples, where little is recorded.
const FINEST: Duration = Duration::from_millis(10);
/// Series of a run that nobody asked for: about seventy megabytes.
const USUAL_ROWS: u64 = 1_000_000;
/// What pictures need: two samples for each of the 240 spans that a queue is drawn in.
const DRAWN_SAMPLES: u64 = 480;
/// About two gigabytes in memory and as much on disk.
const MOST_SERIES_ROWS: u64 = 20_000_000;

#[cfg(test)]
mod tests {
    use super::super::testing::{SOUND, and, errors, plan, refused, scenario, with};
    use super::*;

    #[test]
    fn the_warmup_leaves_something() {
        refused(&with("\"1s\"", "\"10s\""), 2, "\"10s\"", "leaves nothing", "shorter than the duration, 10s");
    }

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

    #[test]
    fn series_that_no_machine_holds_are_refused() {
        let text = and("[record]\ninterval = \"1us\"\n");
        refused(&text, 22, "\"1us\"", "would have", "raise record.interval to \"1ms\"");
        assert_eq!(series_rows(&scenario(&and(""))), 1001 * (2 + 2 + 4));
    }

    #[test]
    fn an_error_in_one_value_causes_no_others() {
        let chat = "rate = \"1/s\"";
        for (old, new, at) in [
            ("\"5ms\"", "\"5\"", "\"5\""),
            ("delay = \"10ms\"", "delay = \"x\"\nreorder = \"1%\"", "\"x\""),
            ("delay = \"10ms\"", "dellay = \"10ms\"\nreorder = \"1%\"", "dellay"),
            ("mss = 1448", "mss = \"500\"\nreceive_window = \"600B\"", "\"500\""),
            ("mss = 1448", "max_rtto = \"200s\"\nmin_rto = \"150s\"", "max_rtto"),
            ("duration = ", "duratoin = ", "duratoin"),
            ("[link.access]", "[lnk.access]", "lnk"),
            ("name = \"people\"", "name = 5", "5"),
            (chat, "rate = \"1/s\", to = \"rom\", rooms = 3", "\"rom\""),
            (
                chat,
                "rate = \"1/s\", size = { distribution = \"uniform\", min = \"300B\", max = \"x\" }",
                "\"x\"",
            ),
        ] {
            let (error, found) = errors(&with(old, new), &[]);
            let places: Vec<&str> = found.iter().map(|problem| error.texts.at(problem.place)).collect();
            assert_eq!(places, [at], "{error}");
            assert_eq!(error.problems.len(), 1, "no warning beside it: {error}");
        }
        let drop = "[[drop]]\nflow = \"upload-2\"\nsegments = [1]\n";
        refused(&(with("count = 2", "count = \"2\"") + drop), 14, "\"2\"", "a whole number is needed", "");
        let still = SOUND.replace("10ms", "0ms").replace("\"5ms\"", "\"5\"").replace("\"1bdp\"", "\"1KiB\"");
        assert_eq!(errors(&still, &[]).1.len(), 1);
    }

    #[test]
    fn what_is_wrong_without_its_axis_is_not_wrong() {
        let text =
            with("rate = \"10mbit\"\n", "") + "[sweep]\n\"link.bottleneck.rate\" = [\"1mbit\", \"2mbit\"]\n";
        assert_eq!(plan(&text).cells(), 2);
        let people = and("[sweep]\n\"clients.people.count\" = [2, 5]\n");
        assert_eq!(plan(&people).render_warnings(false), "", "nobody chats alone in any cell");
        let alone = and("[sweep]\n\"clients.people.count\" = [1, 5]\n");
        assert_eq!(
            plan(&alone).warnings[0].message,
            "one person chats: nobody is there to hear, and no latency is measured (in the cell with \
             clients.people.count = 1)"
        );
    }

    #[test]
    fn series_that_nobody_asked_for_stay_small_and_enough_for_pictures() {
        let ms = |text: &str| scenario(text).record.interval.as_nanos() / 1_000_000;
        let interval = |duration: &str, count: u32, cells: usize| {
            let values: Vec<String> = (0..cells).map(|n| format!("\"{n}.5%\"")).collect();
            ms(&format!(
                "duration = \"{duration}\"\n[link.w]\nrate = \"10mbit\"\n[[clients]]\nname = \"u\"\ncount = {count}\n\
                 path = [\"w\"]\napp = {{ kind = \"bulk\" }}\n[sweep]\n\"link.w.loss\" = [{}]\n",
                values.join(", ")
            ))
        };
        assert_eq!(interval("60s", 10, 1), 10);
        assert_eq!(interval("60s", 50, 24), 100, "600 samples of 52 things in 24 cells");
        assert_eq!(interval("10s", 50, 24), 20, "480 samples at least");
        assert_eq!(interval("1s", 50, 24), 10);
        assert_eq!(interval("100h", 1, 1), 2_000);
    }

    #[test]
    fn flows_are_named_from_one() {
        let names: Vec<String> = scenario(&and("")).flow_names().collect();
        assert_eq!(names, ["upload-1", "upload-2", "people-1"]);
    }
}
