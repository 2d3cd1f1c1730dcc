//! Labs held against their own rules, for several students.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use super::question::{Key, Kind, Mark, Question};
use super::run;
use super::sheet::LABS;
use super::sitting::Sitting;

/// Least difference between what choices tell apart, as a share of the larger value.
const CLEAR: f64 = 0.02;

/// Students that each lab is tried with; more with `LAB_STUDENTS`, as `.ci/labs` does.
fn students() -> u32 {
    std::env::var("LAB_STUDENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}

#[test]
fn keys_are_accepted_and_typical_mistakes_are_not_whoever_the_student_is() {
    let (mut faults, mut keys) = (Vec::new(), BTreeMap::<String, Vec<_>>::new());
    let only = std::env::var("LAB").unwrap_or_default();
    for lab in LABS.iter().filter(|lab| lab.id.contains(&only)) {
        for student in 0..students() {
            let sitting = Sitting::of(lab, &(1000 + student).to_string());
            let plan = sitting.plan(&sitting.files(), &[]);
            let plan = plan.unwrap_or_else(|error| panic!("{}: {error:?}\n{}", lab.id, sitting.scenario()));
            let results = run::in_memory(&plan, sitting.scenario(), &[], 2, &AtomicBool::new(false), true);
            let results = results.unwrap_or_else(|error| panic!("{} {student}: {error:?}", lab.id));
            let figures = sitting.figures(&results).unwrap_or_else(|error| panic!("{}: {error}", lab.id));
            let named = |name: &str| figures.get(name).copied().or_else(|| sitting.value(name));
            for question in sitting.sheet.questions() {
                let place = format!("{}, student {}, `{}`", lab.id, sitting.student, question.id);
                if let Ok(Key::Number { value, tolerance, .. }) = question.key(&named) {
                    let same = format!("{}, `{}`: one key is right for all", lab.id, question.id);
                    keys.entry(same).or_default().push((value, tolerance * value.abs()));
                }
                for fault in faults_of(question, &named) {
                    faults.push(format!("{place}: {fault}; {figures:?}"));
                }
            }
        }
    }
    // Two students may draw alike; ten do not.
    keys.retain(|_, keys| keys.len() >= 10);
    for (fault, keys) in keys {
        let (first, tolerance) = keys[0];
        if keys.iter().all(|(key, _)| (key - first).abs() <= tolerance) {
            faults.push(fault);
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn faults_of(question: &Question, named: super::question::Named<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let key = match question.key(named) {
        Ok(key) => key,
        Err(problem) => return vec![problem],
    };
    if question.mark(Some(&key.written()), &key) != Mark::Right {
        faults.push(format!("the key {key:?} is not accepted"));
    }
    let mistakes =
        question.wrong_answers(&key, named).unwrap_or_else(|problem| panic!("{}: {problem}", question.id));
    if mistakes.len() < 3 {
        faults.push(format!("{} mistakes are too few", mistakes.len()));
    }
    for (by, answer) in mistakes {
        if question.mark(Some(&answer), &key) != Mark::Wrong {
            faults.push(format!("{answer} ({by}) is accepted beside {key:?}"));
        }
    }
    if let Ok(Some(apart)) = question.clearness(named)
        && apart < CLEAR
    {
        faults.push(format!("the choice is unclear ({apart:.4}): {key:?}"));
    }
    faults
}

#[test]
fn texts_have_no_empty_places_and_each_question_its_parts() {
    for lab in LABS {
        let sitting = Sitting::of(lab, "1001");
        let sheet = &sitting.sheet;
        let mut texts = vec![("handout", sitting.filled(&sheet.handout)), ("scenario", sitting.scenario())];
        let mut ids = BTreeSet::new();
        for stage in &sheet.stages {
            texts.push(("a stage", sitting.filled(&stage.text)));
            for question in &stage.questions {
                assert!(ids.insert(&question.id), "{}: `{}` stands there twice", lab.id, question.id);
                texts.extend(
                    [&question.text, &question.predict, &question.hints[0], &question.hints[1]]
                        .map(|text| ("a question", sitting.filled(text))),
                );
                if let Kind::Number { wrong, .. } = &question.kind {
                    assert!(wrong.len() >= 3, "{}: `{}`", lab.id, question.id);
                }
            }
        }
        assert!((4..=6).contains(&ids.len()), "{}: {} questions", lab.id, ids.len());
        assert!(sheet.stages.len() >= 2, "{}: one stage", lab.id);
        for (place, text) in texts {
            let open = text.split('{').skip(1).filter_map(|part| part.split_once('}'));
            let left: Vec<&str> = open
                .map(|(name, _)| name)
                .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
                .collect();
            assert!(left.is_empty(), "{}: {left:?} in {place}:\n{text}", lab.id);
        }
    }
}

#[test]
fn students_differ_and_are_the_same_again() {
    for lab in LABS {
        let texts: BTreeSet<String> = (0..50).map(|n| Sitting::of(lab, &n.to_string()).scenario()).collect();
        assert_eq!(texts.len(), 50, "{}", lab.id);
        assert_eq!(Sitting::of(lab, "7").scenario(), Sitting::of(lab, "7").scenario());
    }
}
