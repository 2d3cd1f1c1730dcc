//! `testbed lab check`: a student's answers, stage by stage.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::answers::{ANSWERS, Answers, Log};
use super::question::{Mark, Question};
use super::sheet::Stage;
use super::sitting::{Keys, Sitting};
use crate::cli::output::{Failure, one_line, print};
use crate::units::plural;

/// Judges the answers in a folder, and says what to do next.
pub fn check(dir: &Path, stop: &AtomicBool) -> Result<(), Failure> {
    let (answers, sitting) = Answers::read(dir).map_err(|problem| {
        Failure::usage(problem, format!("go to the folder that `testbed lab new` made, or mend {ANSWERS}"))
    })?;
    if let Some(reason) = answers.of_another_version() {
        return Err(Failure::other(reason, "install that version, or make the bundle again with this one"));
    }
    // Before the first predictions there is nothing to judge.
    let begun = sitting.sheet.stages.first().is_some_and(|stage| unpredicted(&answers, stage).is_none());
    let keys = if begun { sitting.keys(stop, false)? } else { Keys::new() };
    let mut log = Log::read(dir);
    let (text, right) = words(&answers, &sitting, &keys, &mut log);
    log.write(dir)?;
    print(&text)?;
    let all = sitting.sheet.questions().count();
    if right < all {
        return Err(Failure::other(format!("{right} of {} are right", plural(all as u64, "answer")), ""));
    }
    Ok(())
}

/// Words on the stages up to the first that is not done, and the number of right answers.
fn words(answers: &Answers, sitting: &Sitting, keys: &Keys, log: &mut Log) -> (String, usize) {
    let (mut text, mut right) = (String::new(), 0);
    let stages = &sitting.sheet.stages;
    for (n, stage) in stages.iter().enumerate() {
        let _ = writeln!(text, "Stage {} of {}: {}", n + 1, stages.len(), sitting.filled(&stage.title));
        if let Some(question) = unpredicted(answers, stage) {
            let words = sitting.filled(&question.predict);
            let _ = writeln!(text, "  first predict `{}`: {}", question.id, words.trim());
            let _ = writeln!(text, "  (a guess counts; write it as its `prediction` into {ANSWERS})");
            return (text, right);
        }
        let mut done = 0;
        for question in &stage.questions {
            let (mark, line) = line(question, answers, sitting, keys, log);
            done += usize::from(mark == Mark::Right);
            text += &line;
        }
        right += done;
        if done < stage.questions.len() {
            return (text, right);
        }
    }
    text += "All answers are right.\n";
    (text, right)
}

/// The first question of a stage without a prediction.
fn unpredicted<'a>(answers: &Answers, stage: &'a Stage) -> Option<&'a Question> {
    stage.questions.iter().find(|question| answers.prediction(&question.id).is_none())
}

fn line(
    question: &Question,
    answers: &Answers,
    sitting: &Sitting,
    keys: &Keys,
    log: &mut Log,
) -> (Mark, String) {
    let id = &question.id;
    let mut note = String::new();
    if let Some(prediction) = answers.prediction(id) {
        let first = log.predicted(id, prediction);
        if first != prediction {
            note = format!("              (your prediction stays {})\n", one_line(&first.to_string()));
        }
    }
    let answer = answers.answer(id);
    let mark = question.mark(answer, &keys[id]);
    let line = match (&mark, answer) {
        (Mark::Right, _) => format!("  right       {id}\n"),
        (Mark::Empty, _) => format!("  no answer   {id}\n"),
        (Mark::Unreadable(mend), _) => format!("  unreadable  {id}: {mend}\n"),
        (Mark::Wrong, answer) => {
            let tries = answer.map_or(1, |answer| log.tried(id, answer));
            let hint = &question.hints[usize::from(tries > 1)];
            let mistake = answer.and_then(|answer| question.mistake(answer, &keys[id]));
            let mistake = mistake.map_or_else(String::new, |by| format!(" It looks like this: {by}."));
            format!("  wrong       {id}.{mistake} Hint: {}\n", sitting.filled(hint).trim())
        }
    };
    (mark, line + &note)
}
