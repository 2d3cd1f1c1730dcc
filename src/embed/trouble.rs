//! Problems of a scenario with the lines they stand in.

use serde::Serialize;

use crate::scenario::{Problem, Severity, Source, Texts};

/// One thing that is wrong, or odd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// True if it prevents a run.
    pub error: bool,
    /// Description.
    pub message: String,
    /// Mend; empty if none is known.
    pub help: String,
    /// Place in `--set`: number of the argument, from 0; nothing for the file.
    pub set: Option<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line.
    pub text: String,
    /// Carets under what is meant, to be shown below the line.
    pub caret: String,
}

/// The problems of some texts.
pub(super) fn troubles(texts: &Texts, problems: &[Problem]) -> Vec<Trouble> {
    problems.iter().map(|problem| trouble(texts, problem)).collect()
}

fn trouble(texts: &Texts, problem: &Problem) -> Trouble {
    let place = problem.place;
    let all = texts.of(place.source);
    let start = (0..=place.start.min(all.len())).rev().find(|&at| all.is_char_boundary(at)).unwrap_or(0);
    let before = &all[..start];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let text = all[line_start..].lines().next().unwrap_or_default().to_owned();
    let column = before[line_start..].chars().count();
    let meant = all.get(start..place.end.max(start)).unwrap_or_default();
    let width = meant.lines().next().unwrap_or_default().chars().count().max(1);
    // A tab keeps its width.
    let indent: String = before[line_start..].chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    Trouble {
        error: problem.severity == Severity::Error,
        message: problem.message.clone(),
        help: problem.help.clone(),
        set: match place.source {
            Source::File => None,
            Source::Set(n) => Some(n),
        },
        line: texts.line(place),
        column: column + 1,
        text,
        caret: format!("{indent}{}", "^".repeat(width)),
    }
}
