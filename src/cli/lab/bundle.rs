//! `testbed lab new`: a student's folder with handout, scenario, notebook and empty answers, and without the key.

use std::fmt::Write as _;
use std::path::Path;

use super::answers::ANSWERS;
use super::question::{Kind, Question};
use super::sheet::Stage;
use super::sitting::{SCENARIO, Sitting};
use crate::cli::output::Failure;
use crate::report::version::{RESULTS, VERSION};

/// First cells of every notebook.
const NOTEBOOK: &str = include_str!("labs/notebook.py");

/// Writes the folder, which must be new or empty.
pub fn write(sitting: &Sitting, dir: &Path) -> Result<(), Failure> {
    let unwritten = |error: std::io::Error| {
        Failure::other(format!("cannot write {}: {error}", dir.display()), "choose another folder with --out")
    };
    std::fs::create_dir_all(dir).map_err(unwritten)?;
    if std::fs::read_dir(dir).map_err(unwritten)?.next().is_some() {
        return Err(Failure::other(
            format!("{} is not empty, and answers are never replaced", dir.display()),
            "choose another folder with --out",
        ));
    }
    sitting.write_files(dir).map_err(unwritten)?;
    let texts =
        [("handout.md", handout(sitting)), ("notebook.py", notebook(sitting)), (ANSWERS, answers(sitting))];
    texts.iter().try_for_each(|(name, text)| std::fs::write(dir.join(name), text)).map_err(unwritten)
}

/// The handout in Markdown.
fn handout(sitting: &Sitting) -> String {
    let sheet = &sitting.sheet;
    let mut text = format!(
        "# Lab {}: {}\n\nStudent {}. About {} minutes. The numbers here are your own; those of others differ.\n\n{}\n",
        sitting.lab.id,
        sheet.title,
        sitting.student,
        sheet.minutes,
        sitting.filled(&sheet.handout).trim(),
    );
    let _ = write!(
        text,
        "\n## Way to work\n\n1. Read a stage. Write a prediction for each of its questions into `{ANSWERS}`, before you run \
         anything for it. A wrong prediction costs nothing; none at all keeps the stage shut.\n\
         2. `testbed run {SCENARIO} --out results --no-plots`, and look: `testbed plot results --figure NAME`, the tables in \
         `results`, or the notebook `notebook.py`, which does both.\n\
         3. Write the answers into `{ANSWERS}`, and `testbed lab check .` says which are right, and gives hints.\n\
         4. Hand in this folder, with `results` in it.\n"
    );
    for (n, stage) in sheet.stages.iter().enumerate() {
        let _ = write!(text, "\n{}", stage_words(sitting, n, stage));
    }
    text
}

/// A stage in Markdown: its heading, its text and its questions.
fn stage_words(sitting: &Sitting, n: usize, stage: &Stage) -> String {
    let (title, text) = (sitting.filled(&stage.title), sitting.filled(&stage.text));
    let mut words = format!("## {}. {title}\n\n{}\n", n + 1, text.trim());
    for question in &stage.questions {
        let _ = write!(words, "\n{}", asked(sitting, question));
    }
    words
}

/// A question with its prediction.
fn asked(sitting: &Sitting, question: &Question) -> String {
    let mut text = format!("**`{}`** {}", question.id, sitting.filled(&question.text).trim());
    match &question.kind {
        Kind::Number { unit, .. } if unit.is_empty() => text += " (A number.)\n",
        Kind::Number { unit, .. } => text += &format!(" (A number, in {unit}.)\n"),
        Kind::Choice { choices } | Kind::Order { choices } => {
            text += match question.kind {
                Kind::Order { .. } => " (All of these in order, with commas.)\n\n",
                _ => " (One of these.)\n\n",
            };
            for choice in choices {
                let says = sitting.filled(&choice.says);
                let _ = match says.trim() {
                    "" => writeln!(text, "* `{}`", choice.name),
                    says => writeln!(text, "* `{}`: {says}", choice.name),
                };
            }
        }
    }
    format!("{text}\n*Predict first:* {}\n", sitting.filled(&question.predict).trim())
}

/// The file for the answers.
fn answers(sitting: &Sitting) -> String {
    let mut text = format!(
        "# Predictions and answers. Numbers stand alone or with their unit in quotes; choices stand in quotes.\n\
         # `testbed lab check .` judges them.\n\n\
         lab = \"{}\"\nstudent = \"{}\"\n\n# Version of the program that this bundle is of.\ntestbed = \"{VERSION}\"\n\
         results = {RESULTS}\n",
        sitting.lab.id, sitting.student,
    );
    for question in sitting.sheet.questions() {
        let kind = match &question.kind {
            Kind::Number { unit, .. } if unit.is_empty() => "a number".to_owned(),
            Kind::Number { unit, .. } => format!("a number, in {unit}"),
            Kind::Choice { .. } => "one of the choices".to_owned(),
            Kind::Order { .. } => "all of them in order, with commas".to_owned(),
        };
        let _ = write!(text, "\n[{}]  # {kind}\nprediction = \"\"\nanswer = \"\"\n", question.id);
    }
    text
}

/// The notebook as text, in jupytext's percent format.
fn notebook(sitting: &Sitting) -> String {
    let sheet = &sitting.sheet;
    let title = format!("# Lab {}: {}\n\nStudent {}.\n\n", sitting.lab.id, sheet.title, sitting.student);
    let mut text = NOTEBOOK.replace("# TITLE\n", &markdown(&(title + sitting.filled(&sheet.handout).trim())));
    for (n, stage) in sheet.stages.iter().enumerate() {
        let words = stage_words(sitting, n, stage);
        let ids: Vec<String> = stage.questions.iter().map(|question| format!("{:?}", question.id)).collect();
        let _ = write!(
            text,
            "\n# %% [markdown]\n{}\n# %%\npredicted({})\n{}\n",
            markdown(words.trim_end()),
            ids.join(", "),
            sitting.filled(&stage.code).trim()
        );
    }
    let end = format!(
        "## Check\n\nWrite your answers into `{ANSWERS}`, and run the next cell as often as you like.\n\n\
         Then hand in this folder."
    );
    let _ = write!(text, "\n# %% [markdown]\n{}\n# %%\ntestbed(\"lab\", \"check\", \".\")\n", markdown(&end));
    text
}

/// Lines as those of a Markdown cell.
fn markdown(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { "#\n".to_owned() } else { format!("# {line}\n") };
    text.lines().map(line).collect()
}
