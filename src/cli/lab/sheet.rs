//! A lab as its file has it: texts, a scenario, parameters, figures and questions.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::figure::Figure;
use super::question::Question;

/// A lab that comes with the program.
#[derive(Debug)]
pub struct Lab {
    /// Number and name, as in `03-sawtooth`.
    pub id: &'static str,
    text: &'static str,
}

/// Every lab there is.
pub static LABS: &[Lab] = &[
    Lab { id: "01-loss", text: include_str!("labs/01-loss.toml") },
    Lab { id: "02-timers", text: include_str!("labs/02-timers.toml") },
    Lab { id: "03-sawtooth", text: include_str!("labs/03-sawtooth.toml") },
    Lab { id: "04-bufferbloat", text: include_str!("labs/04-bufferbloat.toml") },
    Lab { id: "05-fairness", text: include_str!("labs/05-fairness.toml") },
    Lab { id: "06-buffers", text: include_str!("labs/06-buffers.toml") },
    Lab { id: "07-bbr-share", text: include_str!("labs/07-bbr-share.toml") },
    Lab { id: "08-contest", text: include_str!("labs/08-contest.toml") },
];

/// The file of a lab. In its texts `{name}` stands for a parameter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    pub title: String,
    /// Time that a student needs, about.
    pub minutes: u32,
    /// Introduction, in Markdown.
    pub handout: String,
    /// Scenario that a student runs.
    pub scenario: String,
    /// Parameters, each of which may be computed from those before it.
    #[serde(rename = "parameter")]
    pub parameters: Vec<Parameter>,
    /// Further files of the bundle.
    #[serde(default, rename = "file")]
    pub files: Vec<Extra>,
    /// Figures of a student's run, by the names that expressions have for them.
    pub figures: BTreeMap<String, Figure>,
    #[serde(rename = "stage")]
    pub stages: Vec<Stage>,
    pub contest: Option<Contest>,
}

/// A parameter: drawn for each student, or computed.
#[derive(Debug, Deserialize)]
pub struct Parameter {
    pub name: String,
    #[serde(flatten)]
    pub law: Law,
}

/// Origin of a parameter's value.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Law {
    /// One of these.
    Choices { choices: Vec<f64> },
    /// From the first to the last, both among them, in steps.
    Range { from: f64, to: f64, step: f64 },
    /// An expression over the parameters before it.
    Value { value: String },
}

/// A file beside the scenario.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extra {
    pub name: String,
    /// Its text.
    pub text: Option<String>,
    /// A synthetic trace of the student's own.
    pub trace: Option<Trace>,
}

/// A synthetic trace, as `testbed trace` makes them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    pub kind: String,
    pub mean: String,
    pub duration: String,
}

/// Questions that belong together. The next stage begins when all are answered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    pub title: String,
    /// Text before the questions, in Markdown.
    pub text: String,
    /// Cell of the notebook that shows what there is to see, once predictions are written.
    pub code: String,
    #[serde(rename = "question")]
    pub questions: Vec<Question>,
}

/// Terms of a contest of controllers, which run the lab's scenario over traces that no student has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contest {
    /// File of the bundle that is the controller, and its class.
    pub file: String,
    pub class: String,
    /// File of the scenario that each of the traces takes the place of.
    pub replaced: String,
    pub traces: Vec<Trace>,
    /// Built-in controllers that run beside those of the students.
    pub beside: Vec<String>,
    /// Figures of a run.
    pub goodput: Figure,
    pub delay: Figure,
}

impl Lab {
    /// The lab of a number or a name: `3`, `03-sawtooth` or `sawtooth`.
    pub fn by_name(name: &str) -> Option<&'static Lab> {
        let is_it = |lab: &&Lab| {
            let (number, word) = lab.id.split_once('-').unwrap_or((lab.id, ""));
            lab.id == name || word == name || number.trim_start_matches('0') == name.trim_start_matches('0')
        };
        LABS.iter().find(is_it)
    }

    /// Its file, which comes with the program and is sound.
    pub fn sheet(&self) -> Sheet {
        toml::from_str(self.text).unwrap_or_else(|error| panic!("{}: {error}", self.id))
    }
}

impl Sheet {
    /// All questions in their order.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.stages.iter().flat_map(|stage| &stage.questions)
    }
}
