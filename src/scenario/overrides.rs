//! `--set KEY=VALUE`: the same dotted keys as `[sweep]`, from the command line. A list where the
//! key takes none makes (or replaces) an axis; a single value for a swept key reduces its axis to
//! that value.

use super::dotted::{self, Setter};
use super::problem::{Place, Problem, Source};
use super::schema::Kind;
use super::sweep::AxisNode;
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
    let key = key.trim();

    let mut changed = tree.clone();
    let kind = dotted::set(&mut changed, key, place, node.clone(), Setter::CommandLine)?;
    let is_list = matches!(node.value, Value::Array(_)) && !matches!(kind, Kind::List(_));
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
