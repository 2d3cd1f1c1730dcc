//! Axes and `--set` arguments that do nothing, and which key it is that hides them.
//!
//! Nothing is listed here: cells whose effective scenarios are equal are one world, whatever the keys
//! are called. What is known of particular keys only makes the sentence plainer.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{Axis, AxisNode, Plan, read};
use crate::scenario::Scenario;
use crate::scenario::dotted;
use crate::scenario::kind::{Kind, Reach};
use crate::scenario::problem::{Place, Problem, Severity, Source};
use crate::scenario::tree::Node;

/// Digest that tells one world from another.
pub(super) fn digest(scenario: Scenario) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{:?}", scenario.effective()).hash(&mut hasher);
    hasher.finish()
}

impl Plan {
    /// Warns of axes of which values make the same worlds. `worlds` has the digest of each cell.
    pub(super) fn warn_of_inert_axes(&self, worlds: &[u64], problems: &mut Vec<Problem>) {
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return;
        }
        for (i, Axis { key, values }) in
            self.axes.iter().enumerate().filter(|(_, axis)| axis.values.len() > 1)
        {
            let place = self.nodes[i].place;
            let stride: usize = self.axes[i + 1..].iter().map(|axis| axis.values.len()).product();
            // The worlds of each value, in the order of the other axes' values.
            let of_value = |value: usize| {
                let of = move |(cell, _): &(usize, &u64)| cell / stride % values.len() == value;
                worlds.iter().enumerate().filter(of).map(|(_, world)| *world).collect::<Vec<u64>>()
            };
            let columns: Vec<Vec<u64>> = (0..values.len()).map(of_value).collect();
            let mut alike: BTreeMap<&[u64], Vec<&str>> = BTreeMap::new();
            for (column, value) in columns.iter().zip(values) {
                alike.entry(column).or_default().push(value);
            }
            if alike.len() == 1 {
                let first: Vec<(usize, usize)> = (0..self.axes.len()).map(|axis| (axis, 0)).collect();
                let tree = self.tree_with(&first).0;
                problems.push(self.inert(&tree, &format!("the axis `{key}`"), key, place));
                continue;
            }
            for same in alike.values().filter(|same| same.len() > 1) {
                let message = format!("the values {} of `{key}` make the same network", listed(same));
                problems.push(Problem::warning(place, message, "keep one of them"));
            }
            let row = (0..columns[0].len()).find(|&row| columns.iter().all(|c| c[row] == columns[0][row]));
            if let Some(row) = row {
                self.warn_of_partly_inert(i, row / stride * stride * values.len() + row % stride, problems);
            }
            self.warn_of_half_hidden(key, place, problems);
        }
    }

    /// Warns of an axis that another key hides in some cells, of which `cell` is the first. An axis beside
    /// one that begins at zero (jitter and its shape, say) does nothing there either, which is no mistake.
    fn warn_of_partly_inert(&self, axis: usize, cell: usize, problems: &mut Vec<Problem>) {
        let AxisNode { key, place, .. } = &self.nodes[axis];
        let mut picks: Vec<(usize, usize)> = self.picks(cell).into_iter().enumerate().collect();
        if let Some(why) = self.why(&self.tree_with(&picks).0, key) {
            picks.retain(|(other, _)| *other != axis && self.axes[*other].values.len() > 1);
            let message = format!("`{key}` changes nothing where {}: {why}", self.named(&picks));
            let help = "those cells are run once for each of its values; sweep it in a scenario of its own";
            problems.push(Problem::warning(*place, message, help));
        }
    }

    /// Warns of `--set` arguments of which no value would make a difference in any cell.
    pub(super) fn warn_of_inert_sets(&self, grid: &[Vec<(usize, usize)>], problems: &mut Vec<Problem>) {
        if grid.len() > MOST_PROBED_CELLS
            || problems.iter().any(|problem| problem.severity == Severity::Error)
        {
            return;
        }
        let key_of = |set: &str| set.split_once('=').map(|(key, _)| key.trim().trim_matches('"').to_owned());
        let keys: Vec<Option<String>> = self.texts.sets.iter().map(|set| key_of(set)).collect();
        for (n, key) in keys.iter().enumerate() {
            let Some(key) = key else { continue };
            let end = self.texts.sets[n].find('=').unwrap_or(0);
            let place = Place { source: Source::Set(n), start: 0, end };
            if keys[n + 1..].contains(&Some(key.clone())) {
                let message = format!("a later --set of `{key}` replaces this one");
                problems.push(Problem::warning(place, message, "keep one of them"));
                continue;
            }
            let is_network =
                ["link", "tcp", "congestion", "clients"].contains(&key.split('.').next().unwrap_or(""));
            if !is_network || self.axes.iter().any(|axis| axis.key == *key) {
                continue;
            }
            if grid.iter().all(|picks| self.is_dead(key, place, picks)) {
                let tree = self.tree_with(&grid[0]).0;
                problems.push(self.inert(&tree, &format!("--set {key}"), key, place));
            } else {
                self.warn_of_half_hidden(key, place, problems);
            }
        }
    }

    /// True if no value of a key changes the world of a cell.
    fn is_dead(&self, key: &str, place: Place, picks: &[(usize, usize)]) -> bool {
        let tree = self.tree_with(picks).0;
        let world = |tree: &Node| digest(read(tree, &self.files, &self.base.name, self.cells()).0);
        let probe = |value: Node| {
            let mut probed = tree.clone();
            let kind = dotted::set(&mut probed, key, place, value, Reach::CommandLine).ok()?;
            Some((kind, world(&probed)))
        };
        let Some((kind, _)) = probe(Node::empty_table(place)) else { return false };
        let values = probes(&kind);
        let as_it_is = world(&tree);
        let parsed = values.iter().filter_map(|value| Node::parse_value(value, place.source, 0).ok());
        let mut worlds = parsed.filter_map(|value| probe(value).map(|(_, world)| world)).peekable();
        worlds.peek().is_some() && worlds.all(|world| world == as_it_is)
    }

    fn inert(&self, tree: &Node, what: &str, key: &str, place: Place) -> Problem {
        let why = self.why(tree, key).unwrap_or_else(|| "all its values make the same network".to_owned());
        Problem::warning(
            place,
            format!("{what} changes nothing: {why}"),
            "delete it, or change what hides it",
        )
    }

    /// Reason for which a key does nothing, as far as that is known.
    fn why(&self, tree: &Node, key: &str) -> Option<String> {
        let scenario = read(tree, &self.files, &self.base.name, self.cells()).0;
        let segments: Vec<&str> = key.split('.').collect();
        let nodes = tree.get("clients").map_or(&[][..], Node::items);
        match segments[..] {
            ["tcp", name, ..] => {
                let own = |node: &Node| {
                    let nested = node.get("tcp").and_then(|tcp| tcp.get(name)).map(|value| value.place);
                    let place = node.get(name).map(|value| value.place).or(nested)?;
                    Some(self.winner(&format!("clients.{}.{name}", node.get("name")?.text()?), place))
                };
                let winners: Option<Vec<String>> = nodes.iter().map(own).collect();
                winners.map(|winners| hidden_by(&winners)).or_else(|| without_sack(&scenario, name))
            }
            ["clients", group, .., "stagger"] => Some(format!("\"{group}\" has one member")),
            ["clients", _, .., name] => without_sack(&scenario, name),
            ["congestion", name, ..] => {
                let used = scenario.groups.iter().any(|group| group.tcp.congestion.algorithm.name == name);
                (!used).then(|| format!("no group uses the controller \"{name}\""))
            }
            ["chat", ..] => (!scenario.has_chat()).then(|| "nobody chats".to_owned()),
            ["link", link, ref rest @ ..] => {
                let number = scenario.links.iter().position(|other| other.name == link)?;
                if !scenario.is_used(number) {
                    return Some(format!("no path uses link \"{link}\""));
                }
                let hiding = self.overrides(tree, key);
                if hiding.len() == 2 {
                    return Some(hidden_by(&hiding));
                }
                let rated =
                    scenario.links[number].directions.iter().any(|direction| direction.rate.is_some());
                (rest.contains(&"queue") && !rated)
                    .then(|| format!("link \"{link}\" has no rate, so nothing queues"))
            }
            _ => None,
        }
    }

    /// The keys of `up` and `down` that stand in for a key of the whole link.
    fn overrides(&self, tree: &Node, key: &str) -> Vec<String> {
        let segments: Vec<&str> = key.split('.').collect();
        let ["link", link, name, ..] = segments[..] else { return vec![] };
        let node = tree.get("link").and_then(|links| links.get(link));
        let own = |way: &&str| Some(node?.get(way)?.get(name)?.place);
        ["up", "down"]
            .iter()
            .filter_map(|way| Some(self.winner(&format!("link.{link}.{way}.{name}"), own(way)?)))
            .collect()
    }

    /// Warns of a key of both directions that one of them overrides.
    fn warn_of_half_hidden(&self, key: &str, place: Place, problems: &mut Vec<Problem>) {
        let first: Vec<(usize, usize)> = (0..self.axes.len()).map(|axis| (axis, 0)).collect();
        if let [hiding] = &self.overrides(&self.tree_with(&first).0, key)[..] {
            let message =
                format!("`{key}` holds for one direction only: {hiding} overrides it for the other");
            let help = "name the direction, as in `link.<name>.down.<key>`, or delete the override";
            problems.push(Problem::warning(place, message, help));
        }
    }

    /// A key with the place where it is said.
    fn winner(&self, key: &str, place: Place) -> String {
        match place.source {
            Source::File => format!("`{key}` in line {}", self.texts.line(place)),
            Source::Set(n) => format!("--set {}", self.texts.sets[n]),
        }
    }
}

fn hidden_by(winners: &[String]) -> String {
    let winners: Vec<&str> = winners.iter().map(String::as_str).collect();
    format!("{} {} it", listed(&winners), if winners.len() == 1 { "hides" } else { "hide" })
}

fn without_sack(scenario: &Scenario, key: &str) -> Option<String> {
    let off = scenario.groups.iter().all(|group| !group.tcp.sack);
    (key == "recovery" && off).then(|| "`sack` is off, so recovery is NewReno's".to_owned())
}

/// Values that a key may take, different from one another.
fn probes(kind: &Kind) -> Vec<String> {
    let all = |words: &[&str]| words.iter().map(|word| format!("\"{word}\"")).collect();
    match kind {
        Kind::Flag => vec!["true".to_owned(), "false".to_owned()],
        Kind::Class => vec!["1".to_owned(), "2".to_owned()],
        Kind::Integer(least, most) => [0, 1, 7].map(|more| (least + more).min(*most).to_string()).to_vec(),
        Kind::Number(least, most) => vec![format!("{least:?}"), format!("{most:?}")],
        Kind::Duration | Kind::PositiveDuration | Kind::Offset => all(&["7ms", "13ms"]),
        Kind::Rate => all(&["7kbit", "13gbit"]),
        Kind::Probability => all(&["3%", "7%"]),
        Kind::Bytes(least, _) => vec![format!("\"{least}B\""), format!("\"{}B\"", least + 7)],
        Kind::Frequency => all(&["7/s", "3/min"]),
        Kind::Limit => all(&["7 packets", "9KiB"]),
        Kind::Word(words) => all(words),
        Kind::Controller => all(&["none", "reno"]),
        Kind::Short { scalar, .. } => probes(scalar),
        _ => vec![],
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[&str]) -> String {
    match words {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        _ => words.concat(),
    }
}

/// Most cells in which arguments are tried out in each.
const MOST_PROBED_CELLS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::super::super::testing::{SOUND, and, plan, with};
    use super::super::Plan;

    /// The warnings of a sound plan, but for the chat of one in the sound text.
    fn warnings(text: &str, sets: &[&str]) -> Vec<String> {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        let plan = Plan::parse("test.toml", text, &sets).unwrap_or_else(|error| panic!("{error}"));
        let warnings = plan.warnings.iter().filter(|warning| !warning.message.contains("one person chats"));
        warnings.map(|warning| format!("{}|{}", plan.texts.at(warning.place), warning.message)).collect()
    }

    /// A bulk group with a controller of its own, a link that `up` and `down` override, one without a rate.
    const HIDING: &str = r#"duration = "5s"
[link.w]
rate = "10mbit"
delay = "20ms"
up = { loss = "1%" }
down = { loss = "2%" }
[link.fast]
[link.spare]
[tcp]
sack = false
[[clients]]
name = "u"
path = ["w", "fast"]
congestion = "cubic"
app = { kind = "bulk" }
"#;

    #[test]
    fn an_axis_that_nothing_depends_on_names_the_key_that_hides_it() {
        for (axis, why) in [
            ("\"tcp.congestion\" = [\"reno\", \"none\"]", "`clients.u.congestion` in line 14 hides it"),
            ("\"congestion.fixed.window\" = [5, 50]", "no group uses the controller \"fixed\""),
            (
                "\"link.w.loss\" = [\"0%\", \"5%\"]",
                "`link.w.up.loss` in line 5 and `link.w.down.loss` in line 6 hide it",
            ),
            ("\"tcp.recovery\" = [\"sack\", \"newreno\"]", "`sack` is off, so recovery is NewReno's"),
            (
                "\"link.fast.queue\" = [\"9 packets\", \"2KiB\"]",
                "link \"fast\" has no rate, so nothing queues",
            ),
            ("\"link.spare.delay\" = [\"1ms\", \"2ms\"]", "no path uses link \"spare\""),
            ("\"clients.u.stagger\" = [\"1ms\", \"2ms\"]", "\"u\" has one member"),
            ("\"chat.dialect\" = [\"json-lines\"]", ""),
        ] {
            let text = format!("{HIDING}[sweep]\n{axis}\n");
            let key = axis.split(' ').next().expect("a key");
            let found = warnings(&text, &[]);
            let expected = format!("{key}|the axis `{}` changes nothing: {why}", key.trim_matches('"'));
            assert_eq!(found.contains(&expected), !why.is_empty(), "{found:?}");
            // The same from the command line, as a list and as a single value.
            let (key, values) = (key.trim_matches('"'), axis.split_once(" = ").expect("values").1);
            let listed = warnings(HIDING, &[&format!("{key}={values}")]);
            assert_eq!(listed.iter().any(|text| text.ends_with(why) && !why.is_empty()), !why.is_empty());
            let first = values.trim_matches(['[', ']']).split(',').next().expect("a value");
            let single = warnings(HIDING, &[&format!("{key}={first}")]);
            let expected = format!("{key}|--set {key} changes nothing: {why}");
            assert_eq!(single.contains(&expected), !why.is_empty(), "{single:?}");
        }
    }

    #[test]
    fn of_two_axes_for_one_thing_the_hidden_one_is_named_with_the_other() {
        let text = "duration = \"5s\"\n[link.w]\nrate = \"10mbit\"\ndelay = \"20ms\"\n\
                    [[clients]]\nname = \"u\"\npath = [\"w\"]\napp = { kind = \"bulk\" }\n[sweep]\n\
                    \"link.w.loss\" = [\"0%\", \"1%\"]\n\"link.w.up.loss\" = [\"2%\", \"3%\"]\n\
                    \"clients.u.congestion\" = [\"reno\", \"cubic\"]\n\"tcp.congestion\" = [\"tahoe\", \"none\"]\n";
        let found = warnings(text, &[]);
        assert_eq!(
            found,
            [
                "\"link.w.loss\"|`link.w.loss` holds for one direction only: `link.w.up.loss` in line 11 overrides \
                 it for the other",
                "\"tcp.congestion\"|the axis `tcp.congestion` changes nothing: `clients.u.congestion` in line 12 \
                 hides it",
            ]
        );
    }

    #[test]
    fn values_that_make_the_same_network_are_named() {
        let queues = and("[sweep]\n\"link.bottleneck.queue\" = [\"1bdp\", \"25 packets\", \"2bdp\"]\n");
        let found = warnings(&queues, &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0]
                .ends_with("the values 1bdp and 25 packets of `link.bottleneck.queue` make the same network")
        );
        let same = and("[sweep]\n\"link.bottleneck.queue\" = [\"1bdp\", \"25 packets\"]\n");
        assert!(warnings(&same, &[])[0].ends_with("changes nothing: all its values make the same network"));
    }

    #[test]
    fn an_axis_that_is_hidden_in_some_cells_says_in_which() {
        let text = and(
            "[sweep]\n\"tcp.congestion\" = [\"reno\", \"fixed\"]\n\"congestion.fixed.window\" = [5, 50]\n",
        );
        let found = warnings(&text, &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].ends_with(
                "`congestion.fixed.window` changes nothing where tcp.congestion = reno: no group uses the \
                 controller \"fixed\""
            ),
            "{found:?}"
        );
    }

    #[test]
    fn what_has_an_effect_or_is_what_it_was_is_not_warned_of() {
        for set in [
            "tcp.congestion=cubic",
            // As in the file, as by default, and in short for the long form.
            "tcp.mss=1448",
            "tcp.nagle=false",
            "link.access.loss=1%",
            "link.access.delay.mean=10ms",
            "link.bottleneck.queue=1bdp",
            "clients.upload.stagger=0s",
            "clients.people.app.rate=1/s",
            "duration=10s",
            "title=x",
            "clients.upload.path=[\"access\", \"bottleneck\"]",
        ] {
            assert_eq!(warnings(SOUND, &[set]), Vec::<String>::new(), "{set}");
        }
        // A key that matters in one cell only matters.
        let text = and("[sweep]\n\"tcp.congestion\" = [\"reno\", \"fixed\"]\n");
        assert_eq!(warnings(&text, &["congestion.fixed.window=3"]), Vec::<String>::new());
        assert!(warnings(SOUND, &["tcp.mss=500", "tcp.mss=600"])[0].contains("a later --set of `tcp.mss`"));
    }

    #[test]
    fn a_link_that_some_cell_uses_is_used() {
        let text = with("[\"bottleneck\"]", "[\"access\"]")
            + "[link.spare]\ndelay = \"1ms\"\n[sweep]\n\"clients.upload.path\" = [[\"bottleneck\"], [\"spare\"]]\n";
        assert_eq!(warnings(&text, &[]), Vec::<String>::new());
        assert!(plan(&and("[link.spare]\n")).render_warnings(false).contains("no path uses link \"spare\""));
    }
}
