//! `--set KEY=VALUE`: the same dotted keys as `[sweep]`, from the command line. A list where the
//! key takes none makes (or replaces) an axis; a single value for a swept key reduces its axis to
//! that value.

use super::axes::AxisNode;
use super::dotted;
use super::kind::{Kind, Reach};
use super::problem::{Place, Problem, Source};
use super::tree::{Node, Value};

/// Applies the arguments in order; a later one wins.
pub(super) fn apply(
    tree: &mut Node,
    axes: &mut Vec<AxisNode>,
    arguments: &[String],
    problems: &mut Vec<Problem>,
) {
    for (n, argument) in arguments.iter().enumerate() {
        if let Err(problem) = apply_one(tree, axes, argument, Source::Set(n)) {
            problems.push(problem);
        }
    }
}

fn apply_one(
    tree: &mut Node,
    axes: &mut Vec<AxisNode>,
    argument: &str,
    source: Source,
) -> Result<(), Problem> {
    let at = |start, end| Place { source, start, end };
    let Some((key, value)) = argument.split_once('=') else {
        let help = "write KEY=VALUE, such as link.access.loss=5% or trials=3";
        return Err(Problem::error(at(0, argument.len()), "there is no `=` and no value", help));
    };
    let place = at(0, key.len());
    let node = parse(value, source, key.len() + 1)?;
    // `[sweep]` writes its keys in quotes, and so may who copies one.
    let key = key.trim().trim_matches('"');

    let mut changed = tree.clone();
    let kind = dotted::set(&mut changed, key, place, node.clone(), Reach::CommandLine)?;
    let is_list = matches!(node.value, Value::Array(_)) && !matches!(kind, Kind::List(_));
    if let Some(axis) = axes.iter().find(|axis| !is_list && hides(axis, key, &node)) {
        let problem = format!("`{key}` would be overridden: the axis `{}` sets it in every cell", axis.key);
        return Err(Problem::error(place, problem, format!("set {}, or change the axis", axis.key)));
    }
    if !is_list {
        *tree = changed;
    }
    let axis = axes.iter_mut().find(|axis| axis.key == key);
    let values = if is_list { node } else { Node { place: node.place, value: Value::Array(vec![node]) } };
    match axis {
        Some(axis) => *axis = AxisNode { key: key.to_owned(), place, values },
        None if is_list => axes.push(AxisNode { key: key.to_owned(), place, values }),
        None => {}
    }
    Ok(())
}

/// True if an axis, whose values are set after all arguments, sets what `key` says, or a part of it.
fn hides(axis: &AxisNode, key: &str, value: &Node) -> bool {
    let below = |whole: &str, part: &str| {
        part.strip_prefix(whole).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned)
    };
    let is_said = |path: String| path.split('.').try_fold(value, |table, name| table.get(name)).is_some();
    below(&axis.key, key).is_some() || below(key, &axis.key).is_some_and(is_said)
}

/// A value as TOML, or a bare word: `5%` and `cubic` need no quotes, which shells would eat.
fn parse(value: &str, source: Source, offset: usize) -> Result<Node, Problem> {
    let trimmed = value.trim();
    let start = offset + (value.len() - value.trim_start().len());
    match Node::parse_value(trimmed, source, start) {
        Ok(node) => Ok(node),
        Err(problem) if trimmed.starts_with(['"', '\'', '[', '{']) => Err(problem),
        Err(_) => {
            let place = Place { source, start, end: start + trimmed.len() };
            Ok(Node { place, value: Value::Text(trimmed.to_owned()) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::describe::every_key;
    use super::super::testing::{SOUND, and, set_refused};
    use super::super::{Plan, ScenarioError};

    fn plan_with(text: &str, sets: &[&str]) -> Result<Plan, ScenarioError> {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        Plan::parse("test.toml", text, &sets)
    }

    #[test]
    fn sets_with_and_without_quotes_and_the_last_wins() {
        let sets = [
            "tcp.mss=500",
            "tcp.mss = 600",
            "link.bottleneck.rate=20mbit",
            "title=\"A title\"",
            "expect=x y",
            "trials=7",
        ];
        let plan = plan_with(SOUND, &sets).expect("sound");
        assert_eq!(plan.base.groups[0].tcp.mss, 600);
        assert_eq!(plan.base.links[1].directions[0].rate, "20mbit".parse().ok());
        assert_eq!(
            (plan.base.title.as_str(), plan.base.expect.as_str(), plan.trials()),
            ("A title", "x y", 7)
        );
        assert!(plan.axes.is_empty());
        let quoted = plan_with(&and("[sweep]\n\"tcp.mss\" = [500, 1000]\n"), &["\"tcp.mss\"=700"]);
        assert_eq!(quoted.expect("sound").axes[0].values, ["700"]);
    }

    #[test]
    fn a_swept_key_is_reduced_and_a_list_sweeps() {
        let text = and("[sweep]\n\"tcp.mss\" = [500, 1000]\n");
        let plan = plan_with(&text, &["tcp.mss=700", "link.access.loss=[\"0%\", \"5%\"]"]).expect("sound");
        assert_eq!(plan.axes.iter().map(|axis| axis.values.join(" ")).collect::<Vec<_>>(), ["700", "0% 5%"]);
        assert_eq!(plan.scenario(1).expect("sound").groups[0].tcp.mss, 700);
        let plan = plan_with(SOUND, &["clients.people.path=[\"access\"]"]).expect("sound");
        assert_eq!((plan.axes.len(), plan.base.groups[1].path[0].link), (0, 0));
    }

    #[test]
    fn mistakes_point_into_the_argument() {
        set_refused("tcp.mss", "tcp.mss", "there is no `=`", "KEY=VALUE");
        let allowed = "allowed: title, expect, seed, duration, warmup, trials, link, tcp, congestion, chat, clients, record";
        set_refused("foo=1", "foo", "unknown key `foo`", allowed);
        set_refused("drop=1", "drop", "cannot be set by a dotted key", allowed);
        set_refused("tcp.msss=5", "tcp.msss", "unknown key `msss`", "did you mean `mss`?");
        set_refused("tcp.mss=5", "5", "`mss`: 5 is out of range", "from 64 to 9000");
        set_refused("link.bottleneck.rate= 10", "10", "a rate is needed", "\"10mbit\"");
        set_refused("link.access.loss=5", "5", "a probability is needed", "\"10%\"");
        set_refused("link.access.loss=120%", "120%", "is not a probability", "100%");
        set_refused("title=\"x", "x", "this is not TOML", "");
        set_refused("sweep.x=3", "sweep.x", "cannot be set by a dotted key", "a list makes an axis");
        set_refused("drop.x=3", "drop.x", "cannot be set by a dotted key", "allowed: title");
        set_refused("link.acess.loss=5%", "link.acess.loss", "no link \"acess\"", "did you mean `access`?");
    }

    #[test]
    fn what_an_axis_sets_anyway_is_not_set_in_vain() {
        let kinds = and("[sweep]\n\"link.bottleneck.queue.kind\" = [\"droptail\", \"codel\"]\n");
        let set = "link.bottleneck.queue={kind = \"pie\"}";
        let error = plan_with(&kinds, &[set]).expect_err("in vain").render(false);
        assert!(error.contains("the axis `link.bottleneck.queue.kind` sets it in"), "{error}");
        let plan =
            plan_with(&kinds, &["link.bottleneck.queue={limit = \"9 packets\"}"]).expect("another part");
        assert_eq!(plan.axes[0].values, ["droptail", "codel"]);
        let whole = and("[sweep]\n\"link.bottleneck.queue\" = [{kind = \"codel\"}, {kind = \"pie\"}]\n");
        let error =
            plan_with(&whole, &["link.bottleneck.queue.kind=red"]).expect_err("in vain").render(false);
        assert!(error.contains("set link.bottleneck.queue, or change the axis"), "{error}");
    }

    #[test]
    fn mistakes_are_drawn_under_the_argument() {
        let text = plan_with(SOUND, &["seed=3", "tcp.mss=5"]).expect_err("out of range").render(false);
        assert!(text.contains("[--set:1:9]") && text.contains("tcp.mss=5"), "{text}");
        let text = plan_with(SOUND, &["link.access.loss="]).expect_err("no value").render(false);
        assert!(text.contains("link.access.loss=\n   ·                 ─\n"), "{text}");
    }

    #[test]
    fn no_argument_makes_a_panic() {
        let mut arguments: Vec<String> = [
            "",
            "=",
            ".=",
            "..=1",
            "link.=1",
            "link=1",
            "link.access=1",
            "clients=1",
            "clients.upload=1",
            "é=é",
        ]
        .map(str::to_owned)
        .to_vec();
        for (path, _) in every_key() {
            let path = path.replacen("link.<name>", "link.access", 1).replacen(
                "clients.<name>",
                "clients.upload",
                1,
            );
            for value in ["", "0", "-1", "x", "5ms", "[]", "[1]", "[[]]", "{}", "{ a = 1 }", "true"] {
                arguments.push(format!("{path}={value}"));
            }
        }
        for argument in arguments {
            let _ = plan_with(SOUND, &[&argument]).map_err(|error| error.render(false));
        }
    }
}
