//! `delay` of a link: its mean, and how it jitters.

use super::form::{Flag, Line, Maybe, Placed, Words};
use super::quantity::{Probability as Chance, Span};
use super::reader::Reader;
use super::visit::{At, Visitor, required};
use crate::link::config::{Delay, JitterDistribution};

/// Declares the keys of a delay.
pub(super) fn keys(v: &mut impl Visitor, delay: &mut Delay) {
    v.key(required("mean"), &mut delay.mean, Span, "the mean");
    v.key("jitter", &mut delay.jitter, Span, "the spread around it: one standard deviation");
    v.key("distribution", &mut delay.distribution, Words(DISTRIBUTIONS), "the shape of the spread");
    let mut table: Option<At<String>> = None;
    let words = "path of a netem table (.dist) instead, from this file's folder: 8192 in it is one `jitter`";
    v.key("table", &mut table, Maybe(Placed(Line)), words);
    v.check(|reader| {
        let Some(At { place, value: name }) = table else { return };
        if let Some(entry) = reader.entry("distribution") {
            let message = "`distribution` and `table` both say the shape of the jitter";
            reader.error(entry.place, message, "leave one of them out");
        }
        match reader.files.jitter(&name) {
            Ok(table) => delay.distribution = JitterDistribution::Table(table),
            Err(fault) if fault.message.is_empty() => {}
            Err(fault) => reader.error(place, fault.message, fault.help),
        }
    });
    v.key("correlation", &mut delay.correlation, Chance, "how much each draw resembles the last");
    v.key("reorder", &mut delay.reorder, Flag, "whether jitter may change the order of packets");
}

const DISTRIBUTIONS: &[(&str, JitterDistribution)] = &[
    ("uniform", JitterDistribution::Uniform),
    ("normal", JitterDistribution::Normal),
    ("lognormal", JitterDistribution::LogNormal),
    ("pareto", JitterDistribution::Pareto),
    ("paretonormal", JitterDistribution::ParetoNormal),
];

/// Refuses shapes of a jitter that there is not.
pub(super) fn check(reader: &mut Reader) {
    let Some(delay) = reader.get("delay").filter(|delay| delay.get("jitter").is_none()) else { return };
    for key in ["distribution", "table", "correlation", "reorder"] {
        if let Some(entry) = delay.entry(key) {
            let message = format!("`{key}` says how jitter behaves, but there is no jitter");
            reader.error(entry.place, message, "add `jitter = …` beside it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use super::super::testing::{refused, scenario, shipped, with};
    use super::*;

    #[test]
    fn a_shape_needs_jitter() {
        let text = with("delay = \"10ms\"", "delay = { mean = \"10ms\", distribution = \"pareto\" }");
        refused(&text, 4, "distribution", "there is no jitter", "add `jitter = …`");
    }

    #[test]
    fn a_table_of_jitter_is_read_and_its_mistakes_are_said() {
        let with = |table: &str| {
            with("delay = \"10ms\"", &format!("delay = {{ mean = \"10ms\", jitter = \"1ms\", {table} }}"))
        };
        let cell = scenario(&with("table = \"traces/spikes.dist\", correlation = \"20%\""));
        let JitterDistribution::Table(table) = &cell.links[0].directions[1].delay.distribution else {
            panic!("a table");
        };
        let values: Vec<f64> = table.values().collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!(values.len() == 64 && mean.abs() < 0.01, "{mean}");
        let error = |text: &str| {
            Plan::parse_with("x.toml", text, &[], &mut shipped).expect_err("a mistake").to_string()
        };
        assert!(error(&with("table = \"no.dist\"")).contains("there is no file no.dist"));
        let trace = error(&with("table = \"traces/steps.csv\""));
        assert!(trace.contains("traces/steps.csv, line 1: \"time_s"), "{trace}");
        let both = error(&with("table = \"traces/spikes.dist\", distribution = \"pareto\""));
        assert!(both.contains("`distribution` and `table` both say the shape"), "{both}");
    }
}
