//! A lab of one student: parameters drawn from the student's id, and all texts with them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::expression::evaluate;
use super::question::Key;
use super::run;
use super::sheet::{Lab, Law, Sheet, Trace};
use crate::cli::output::{Failure, processors};
use crate::link::synthetic::Kind;
use crate::rng::{Rng, Seed};
use crate::scenario::Plan;
use crate::tables::Results;

/// Name of the scenario's file in a bundle.
pub const SCENARIO: &str = "scenario.toml";

/// Seeds of scenarios lie below it: short enough to be read aloud.
const SEEDS: u64 = 1_000_000;

/// A lab of one student.
#[derive(Debug)]
pub struct Sitting {
    pub lab: &'static Lab,
    pub sheet: Sheet,
    pub student: String,
    values: Vec<(String, f64)>,
    chance: Seed,
}

/// The right answers, by question.
pub type Keys = BTreeMap<String, Key>;

impl Sitting {
    /// The lab of a student, which the id alone decides.
    pub fn of(lab: &'static Lab, student: &str) -> Sitting {
        let sheet = lab.sheet();
        // By number and name, so that no two labs of a student draw alike.
        let mut rng = Seed(0).stream(&format!("lab/{}/{student}", lab.id));
        let mut values = vec![("seed".to_owned(), (1 + rng.below(SEEDS)) as f64)];
        for parameter in &sheet.parameters {
            let value = drawn(&parameter.law, &values, &mut rng);
            values.push((
                parameter.name.clone(),
                value.unwrap_or_else(|problem| panic!("{}: {problem}", lab.id)),
            ));
        }
        Sitting { lab, sheet, student: student.to_owned(), values, chance: Seed(rng.next_u64()) }
    }

    /// A text with the parameters in their places.
    pub fn filled(&self, text: &str) -> String {
        let text = text.replace("{student}", &self.student).replace("{lab}", self.lab.id);
        self.values
            .iter()
            .fold(text, |text, (name, value)| text.replace(&format!("{{{name}}}"), &value.to_string()))
    }

    /// Value of a parameter.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// The scenario's text.
    pub fn scenario(&self) -> String {
        self.filled(&self.sheet.scenario)
    }

    /// Files that lie beside the scenario.
    pub fn files(&self) -> BTreeMap<String, String> {
        let text = |extra: &super::sheet::Extra| match &extra.trace {
            Some(trace) => self.trace(trace, self.chance.child(&extra.name)),
            None => self.filled(extra.text.as_deref().unwrap_or_default()),
        };
        self.sheet.files.iter().map(|extra| (extra.name.clone(), text(extra))).collect()
    }

    /// A synthetic trace, whose terms come with the program and are sound.
    pub fn trace(&self, trace: &Trace, seed: Seed) -> String {
        let terms = |text: &str| format!("{}: {text} is no term of a trace", self.lab.id);
        let kind = Kind::by_name(&trace.kind).unwrap_or_else(|| panic!("{}", terms(&trace.kind)));
        let mean = self.filled(&trace.mean).parse().unwrap_or_else(|_| panic!("{}", terms(&trace.mean)));
        let duration = trace.duration.parse().unwrap_or_else(|_| panic!("{}", terms(&trace.duration)));
        let times = kind.trace(mean, seed, duration).unwrap_or_else(|| panic!("{}", terms(&trace.duration)));
        times.iter().fold(String::new(), |mut text, time| {
            let _ = writeln!(text, "{time}");
            text
        })
    }

    /// The plan of a scenario text of this lab, with the files that lie beside it.
    pub fn plan(&self, files: &BTreeMap<String, String>, sets: &[String]) -> Result<Plan, Failure> {
        let load = &mut |name: &str| {
            let text = files.get(name).map(|text| text.clone().into_bytes());
            text.ok_or_else(|| std::io::ErrorKind::NotFound.into())
        };
        Ok(Plan::parse_with(SCENARIO, &self.scenario(), sets, load)?)
    }

    /// The right answers, of a run in memory.
    pub fn keys(&self, stop: &AtomicBool, quiet: bool) -> Result<Keys, Failure> {
        let plan = self.plan(&self.files(), &[])?;
        let results = run::in_memory(&plan, self.scenario(), &[], processors(), stop, quiet)?;
        self.keys_of(&results).map_err(|problem| Failure::other(format!("{}: {problem}", self.lab.id), ""))
    }

    /// The right answers, of results.
    fn keys_of(&self, results: &Results) -> Result<Keys, String> {
        let figures = self.figures(results)?;
        let named = |name: &str| figures.get(name).copied().or_else(|| self.value(name));
        self.sheet.questions().map(|question| Ok((question.id.clone(), question.key(&named)?))).collect()
    }

    /// All figures by name.
    pub fn figures(&self, results: &Results) -> Result<BTreeMap<String, f64>, String> {
        let figure = |(name, figure): (&String, &super::figure::Figure)| {
            let value = figure.of(results, &|text| self.filled(text));
            value.map(|value| (name.clone(), value)).map_err(|problem| format!("figure `{name}`: {problem}"))
        };
        self.sheet.figures.iter().map(figure).collect()
    }

    /// Writes the scenario and the files beside it.
    pub fn write_files(&self, dir: &Path) -> std::io::Result<()> {
        std::fs::write(dir.join(SCENARIO), self.scenario())?;
        self.files().iter().try_for_each(|(name, text)| std::fs::write(dir.join(name), text))
    }
}

fn drawn(law: &Law, values: &[(String, f64)], rng: &mut Rng) -> Result<f64, String> {
    match law {
        Law::Choices { choices } => {
            let place = rng.below(choices.len().max(1) as u64) as usize;
            choices.get(place).copied().ok_or_else(|| "a parameter has no choices".to_owned())
        }
        Law::Range { from, to, step } => {
            let steps = ((to - from) / step).round() as u64;
            // Of a step such as 0.1 no more decimals are wanted than it has.
            Ok(((from + step * rng.below(steps + 1) as f64) * 1e6).round() / 1e6)
        }
        Law::Value { value } => {
            let named = |name: &str| values.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
            evaluate(value, &named)
        }
    }
}

/// An id of a student: what names files, and needs no quotes in a sheet.
pub fn student(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if (1..=64).contains(&text.len()) && text.chars().all(is_plain) && !text.starts_with(['.', '-']) {
        Ok(text.to_owned())
    } else {
        Err("an id has up to 64 letters, digits, `-`, `_`, `.` and `@`".to_owned())
    }
}
