//! The second pass: from a checked tree to a [`Scenario`], with the checks between keys.

use super::check::check;
use super::describe::whole;
use super::file::File;
use super::files::Files;
use super::problem::{Place, Problem};
use super::reader::Reader;
use super::tree::{Node, Value};
use super::{Group, RecordSpec, RecordTrials, Scenario};
use super::{captures, classes, groups, links, pace, schedule};
use crate::time::Duration;

/// Reads the whole tree of one of so many cells. The scenario is to be used only if no problem is an error.
pub(super) fn read(root: &Node, files: &Files, name: &str, cells: usize) -> (Scenario, Vec<Problem>) {
    let mut problems = check_values(root);
    let mut file = File::default();
    file.keys(&mut Reader::new(root, files, &mut problems));
    let mut links = file.links;
    let groups = groups::resolve(file.clients, root, &links, &mut problems);
    let rtts = links::longest_rtts(&links, &groups);
    let starting = links.clone();
    links::resolve_queues(&mut links, &starting, &rtts, &groups);
    links::check_limits(root, &links, &starting, &rtts, &groups, &mut problems);
    links::check_bursts(root, &links, &groups, &mut problems);
    classes::check(root, &links, &groups, &mut problems);
    warn_of_solitude(root, &groups, &mut problems);

    let mut scenario = Scenario {
        name: name.to_owned(),
        title: file.title.unwrap_or_else(|| name.to_owned()),
        expect: file.expect,
        seed: file.seed,
        duration: file.duration.unwrap_or_default(),
        warmup: file.warmup,
        trials: file.trials,
        links,
        groups,
        dialect: file.dialect,
        schedule: vec![],
        drops: vec![],
        record: RecordSpec {
            interval: FINEST,
            trials: file.record.trials,
            pcap: Vec::new(),
            pcap_limit: file.record.pcap_limit,
            qlog: file.record.qlog,
            flows: Vec::new(),
        },
    };
    scenario.record.interval = file.record.interval.unwrap_or_else(|| usual_interval(&scenario, cells));
    scenario.schedule =
        schedule::resolve(file.schedule, root, files, &scenario, &starting, &rtts, &mut problems);
    let pcap = file.record.pcap;
    scenario.record.pcap = captures::resolve(pcap, root, &scenario.links, &scenario.groups, &mut problems);
    let flows = file.record.flows;
    scenario.record.flows = captures::clients(&flows, root, &scenario.links, &scenario.groups, &mut problems);
    let drops = file.drops.into_iter();
    scenario.drops = drops.filter_map(|drop| drop.resolve(root, &scenario.groups, &mut problems)).collect();
    if let Some(duration) = file.duration {
        check_warmup(root, &scenario, &mut problems);
        groups::check_starts(root, &scenario.groups, duration, &mut problems);
        check_series(root, &scenario, &mut problems);
        pace::check(root, &scenario, &mut problems);
    }
    super::problem::tidy(&mut problems);
    (scenario, problems)
}

/// Problems of each value by itself.
pub(super) fn check_values(root: &Node) -> Vec<Problem> {
    let mut problems = vec![];
    check(root, whole(), "", Place { end: 1, ..root.place }, &mut problems);
    problems
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

/// A chat of one.
fn warn_of_solitude(root: &Node, groups: &[Group], problems: &mut Vec<Problem>) {
    let Some(Value::Array(items)) = root.get("clients").map(|node| &node.value) else { return };
    let mut chats =
        groups.iter().zip(items).filter(|(group, _)| group.count > 0 && group.app.talk().is_some());
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

/// Series of a group: one for each direction of a connection that carries data.
pub(super) fn series_of(group: &Group) -> u64 {
    u64::from(group.count) * group.app.connections() * group.app.directions().len() as u64
}

/// Between two samples, where little is recorded.
const FINEST: Duration = Duration::from_millis(10);
/// Series of a run that nobody asked for: about seventy megabytes.
const USUAL_ROWS: u64 = 1_000_000;
/// Samples that pictures need: two for each of the 240 spans that a queue is drawn in.
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
    fn series_that_no_machine_holds_are_refused() {
        let text = and("[record]\ninterval = \"1us\"\n");
        refused(&text, 22, "\"1us\"", "would have", "raise record.interval to \"1ms\"");
        assert_eq!(series_rows(&scenario(&and(""))), 1001 * (2 + 2 + 4));
        let incast = scenario(&with("kind = \"bulk\"", "kind = \"incast\", servers = 40"));
        assert_eq!(series_rows(&incast), 1001 * (2 * 40 * 2 + 2 + 4));
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
