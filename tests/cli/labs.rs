//! A lab as a student does it and as an instructor grades it.

#![cfg(unix)]

use std::fs;
use std::path::Path;

use crate::verify::said;

/// Mean of a column over the rows that have these values.
fn mean(file: &Path, column: &str, wanted: &[(&str, &str)]) -> f64 {
    let mut reader = csv::Reader::from_path(file).expect("a table");
    let head = reader.headers().expect("a header").clone();
    let place = |name: &str| head.iter().position(|other| other == name).expect("a column");
    let rows = reader.records().map(|row| row.expect("a row"));
    let rows = rows.filter(|row| wanted.iter().all(|(name, value)| &row[place(name)] == *value));
    let values: Vec<f64> = rows.map(|row| row[place(column)].parse().expect("a number")).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Right answers of lab 7, read off its results as a student does.
fn right_answers(results: &Path) -> [(&'static str, String); 5] {
    let flow = |name: &str, queue: &str, column: &str| {
        mean(
            &results.join("flows.csv"),
            column,
            &[("flow", name), ("direction", "up"), ("link.neck.queue", queue)],
        )
    };
    let share = |queue: &str| {
        let [bbr, cubic] = ["bbr-1", "cubic-1"].map(|name| flow(name, queue, "goodput_mbit"));
        bbr / (bbr + cubic)
    };
    let resent = |queue| mean(&results.join("trials.csv"), "retransmits", &[("link.neck.queue", queue)]);
    let mut shares = ["0.5bdp", "8bdp", "24bdp"].map(|queue| (share(queue), queue));
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    let trip = flow("bbr-1", "24bdp", "srtt_mean_ms") / flow("bbr-1", "0.5bdp", "srtt_mean_ms");
    [
        ("shallow", format!("{:.3}", share("0.5bdp"))),
        ("resent", format!("{:.3}", resent("0.5bdp") / resent("2bdp"))),
        ("deep", format!("{:.4}", share("24bdp"))),
        ("shares", format!("\"{}\"", shares.map(|share| share.1).join(", "))),
        ("round_trip", format!("{trip:.2}")),
    ]
}

/// Writes something of a question into the answers.
fn write(dir: &Path, question: &str, what: &str, value: &str) {
    let file = dir.join("answers.toml");
    let text = fs::read_to_string(&file).expect("answers");
    let (before, after) = text.split_once(&format!("[{question}]")).expect("a question");
    let (between, rest) = after.split_once(&format!("\n{what} = ")).expect("a place");
    let rest = rest.split_once('\n').expect("a line").1;
    let text = format!("{before}[{question}]{between}\n{what} = {value}\n{rest}");
    fs::write(&file, text).expect("written");
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).expect("copied");
        }
    }
}

/// A student's folder of lab 7 with results, predictions and right answers.
fn finished(dir: &Path) -> [(&'static str, String); 5] {
    said(dir, &["lab", "new", "7", "--student", "1001", "--out", "right"], 0);
    let student = dir.join("right");
    said(&student, &["run", "scenario.toml", "--out", "results", "--no-plots", "-q"], 0);
    let answers = right_answers(&student.join("results"));
    for (question, answer) in &answers {
        write(&student, question, "prediction", "1");
        write(&student, question, "answer", answer);
    }
    answers
}

#[test]
fn a_student_predicts_first_is_given_hints_and_gets_all_right() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path();
    let answers = finished(dir);
    let student = dir.join("right");
    let check = |code| said(dir, &["lab", "check", "right"], code);
    for file in fs::read_dir(&student).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let (_, shallow) = &answers[0];
        assert!(
            file.ends_with("answers.toml") || !text.contains(shallow),
            "the key is in {}",
            file.display()
        );
    }
    write(&student, "shallow", "prediction", "\"\"");
    let found = check(1);
    assert!(found.contains("first predict `shallow`") && !found.contains("right       "), "{found}");
    write(&student, "shallow", "prediction", "0.7");
    write(&student, "shallow", "answer", "0.123");
    let found = check(1);
    assert!(found.contains("wrong       shallow. Hint: BBR's goodput over that of both"), "{found}");
    assert!(found.contains("right       resent") && !found.contains("Stage 2"), "{found}");
    write(&student, "shallow", "answer", "0.5");
    write(&student, "shallow", "prediction", "0.5");
    let found = check(1);
    assert!(found.contains("It looks like this: a fair share. Hint: Means of goodput_mbit"), "{found}");
    assert!(found.contains("your prediction stays 0.7"), "{found}");
    write(&student, "shallow", "answer", &answers[0].1);
    write(&student, "shares", "answer", "\"8bdp\"");
    let found = check(1);
    assert!(found.contains("unreadable  shares: put these in order"), "{found}");
    write(&student, "shares", "answer", &answers[3].1);
    let found = check(0);
    assert!(found.contains("All answers are right."), "{found}");
}

#[test]
fn a_class_is_graded_and_what_differs_is_told_apart() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path();
    let answers = finished(dir);
    for name in ["wrong", "forged", "version", "results_of_another"] {
        copied(&dir.join("right"), &dir.join(name));
    }
    write(&dir.join("wrong"), "deep", "answer", "0.5");
    let forge = |file: &str, from: &str, to: &str| {
        let file = dir.join(file);
        let text = fs::read_to_string(&file).expect("a file");
        assert!(text.contains(from), "{from} in {}", file.display());
        fs::write(&file, text.replacen(from, to, 1)).expect("written");
    };
    forge("forged/results/flows.csv", ",up,bbr,", ",up,bbr,1");
    forge("version/answers.toml", "results = ", "results = 9");
    said(dir, &["lab", "new", "7", "--student", "1002", "--out", "empty"], 0);
    // Another student's results do not become one's own.
    forge("results_of_another/answers.toml", "\"1001\"", "\"1003\"");
    let folders = ["right", "wrong", "forged", "version", "empty", "results_of_another", "."];
    let words = [&["lab", "grade", "--out", "class.csv", "--gradescope"][..], &folders].concat();
    let found = said(dir, &words, 0);
    assert!(
        found.contains("7 hand-ins: 1 complete, 1 incomplete, 1 empty, 1 other version, 2 forged"),
        "{found}"
    );
    assert!(found.contains("student 1001 has 4 hand-ins"), "{found}");
    let mut reader = csv::Reader::from_path(dir.join("class.csv")).expect("a sheet");
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let row = |folder: &str| rows.iter().find(|row| &row[0] == folder).expect("a row");
    let scores: Vec<(&str, &str)> = folders.iter().map(|folder| (&row(folder)[3], &row(folder)[4])).collect();
    let expected = [
        ("complete", "5"),
        ("incomplete", "4"),
        ("forged", "0"),
        ("other version", "5"),
        ("empty", "0"),
        ("forged", "0"),
        ("unreadable", "0"),
    ];
    assert_eq!(scores, expected, "{answers:?}\n{rows:?}");
    assert!(row("forged")[6].starts_with("flows.csv, line "), "{:?}", row("forged"));
    let text = fs::read(dir.join("wrong/results.json")).expect("Gradescope's file");
    let json: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!((&json["score"], &json["tests"][2]["score"]), (&4.into(), &0.into()), "{json}");
    assert_eq!(json["tests"].as_array().map(Vec::len), Some(5));
}

#[test]
fn one_hand_in_spoils_no_other_and_leads_nowhere() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path();
    for (lab, student, out) in [("4", "1", "a/x"), ("4", "2", "b/x"), ("4", "3", "y"), ("5", "4", "z")] {
        fs::create_dir_all(dir.join(out).parent().expect("a parent")).expect("a folder");
        said(dir, &["lab", "new", lab, "--student", student, "--out", out], 0);
    }
    let found = said(dir, &["lab", "grade", "a/x", "b/x", "--gradescope=marks"], 2);
    assert!(found.contains("a/x and b/x would both be written to marks/x"), "{found}");
    let found = said(dir, &["lab", "grade", "a/x", "y", "z", "nowhere", "--gradescope", "--out", "c.csv"], 0);
    assert!(found.contains("4 hand-ins: 2 empty, 2 unreadable"), "{found}");
    assert!(found.contains("z: a hand-in of 05-fairness, and the sheet is of 04-bufferbloat"), "{found}");
    assert!(!dir.join("nowhere").exists() && dir.join("z/results.json").exists());
    assert!(fs::read_to_string(dir.join("c.csv")).expect("the sheet").contains("nowhere is not there"));
    // Neither the sheet nor the others' files are lost where one cannot be written.
    for name in ["a/x", "y"] {
        fs::remove_file(dir.join(name).join("results.json")).expect("Gradescope's file");
    }
    fs::create_dir(dir.join("a/x/results.json")).expect("a folder");
    let found = said(dir, &["lab", "grade", "a/x", "y", "--gradescope", "--out", "d.csv"], 1);
    assert!(found.contains("cannot write a/x/results.json"), "{found}");
    assert!(dir.join("d.csv").exists() && dir.join("y/results.json").exists());
    // A link in the place of a file that is written goes, and its end stays.
    fs::write(dir.join("end"), "precious").expect("a file");
    std::os::unix::fs::symlink(dir.join("end"), dir.join("y/progress.json")).expect("a link");
    said(dir, &["lab", "check", "y"], 1);
    assert_eq!(fs::read_to_string(dir.join("end")).expect("the file"), "precious");
    assert!(fs::symlink_metadata(dir.join("y/progress.json")).expect("the log").is_file());
}

#[test]
fn the_program_alone_says_where_python_is() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    said(dir.path(), &["lab", "new", "8", "--student", "1001", "--out", "a"], 0);
    let found = said(dir.path(), &["lab", "contest", "a", "--seed", "7"], 2);
    assert!(found.contains("pip install ./python"), "{found}");
}
